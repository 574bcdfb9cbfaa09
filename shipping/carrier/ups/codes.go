package ups

import (
	"cmp"
	"strings"

	"doorstep/shipping/carrier"
)

// meaning is what a code is to us.
type meaning struct {
	status carrier.Status
	reason carrier.Reason
}

// words are codes of one meaning, separated by spaces.
type words struct {
	status carrier.Status
	reason carrier.Reason
	codes  string
}

// statusWords are UPS's status codes, from its list "Status/Description Codes"
// (0 to 169; its numbers have leading zeros in answers, which do not count).
// Wishes of the recipient that change nothing about where a parcel is are "in
// transit" with the recipient as reason.
var statusWords = []words{
	{carrier.StatusPending, "", "0 3 77 79 80 148 157 163 166"}, // label made; 0, 148 and 163: nothing to tell yet
	{carrier.StatusPending, carrier.ReasonOther, "88"},          // UPS's own test
	{carrier.StatusPending, carrier.ReasonCarrier, "70 93"},     // not at the access point yet; premier recovery under way
	{carrier.StatusPickedUp, "", "38 44 45 160 167 168 169"},
	{carrier.StatusPickedUp, carrier.ReasonShipper, "133"},
	{carrier.StatusInTransit, "", "5 10 14 25 39 47 57 73 74 75 84 87 134 137 138 153 154 156 158 159 164 165 94 71"},
	{carrier.StatusInTransit, carrier.ReasonRecipient, "18 20 27 28 41 42 54 56 63 82 95 96 97 98 99 100 101 102 103 104 105 106 107 108 109 114 117 120 121 122"},
	{carrier.StatusInTransit, carrier.ReasonOther, "110 111 112 113 127 128 142"},
	{carrier.StatusOutForDelivery, "", "6 21 37 72 78 89 91 146 162"},
	{carrier.StatusDelivered, "", "11 26 143 155"},
	{carrier.StatusReadyForPickup, "", "17 40 144 161"},
	{carrier.StatusFailed, carrier.ReasonRecipient, "22 23 24 60 61 62 64 66 145"},
	{carrier.StatusFailed, carrier.ReasonCarrier, "59 69 130 140"}, // damaged, undeliverable, claims
	{carrier.StatusFailed, carrier.ReasonCustoms, "147 149"},       // seized, destroyed
	{carrier.StatusDelayed, carrier.ReasonCarrier, "46 48 86 90 132"},
	{carrier.StatusDelayed, carrier.ReasonWeather, "32 51 52 53"},
	{carrier.StatusDelayed, carrier.ReasonRecipient, "19 55 115 116 136"},
	{carrier.StatusDelayed, carrier.ReasonShipper, "65 131 135"}, // nobody handed it over
	{carrier.StatusOnHold, carrier.ReasonCarrier, "13 16 30 68 76 83 129"},
	{carrier.StatusOnHold, carrier.ReasonRecipient, "29 49 50 85 139"},
	{carrier.StatusCustomsHold, carrier.ReasonCustoms, "12 58 92 123 124 125 126 141"},
	{carrier.StatusReturning, carrier.ReasonRecipient, "33 118 119"},
	{carrier.StatusReturning, "", "35 36"},
	{carrier.StatusReturned, "", "34 67"},
	{carrier.StatusReturned, carrier.ReasonCarrier, "81"},
	{carrier.StatusCancelled, carrier.ReasonShipper, "7 43"},
}

// typeWords are UPS's activity types, which say less: they are asked only when a
// status code is missing or new. "I" is in transit and out for delivery alike.
var typeWords = []words{
	{carrier.StatusPending, "", "M"}, // the shop's data came
	{carrier.StatusPickedUp, "", "P"},
	{carrier.StatusPending, carrier.ReasonOther, "NA"},
	{carrier.StatusCancelled, carrier.ReasonShipper, "MV"},
	{carrier.StatusInTransit, "", "I DO DD U"},
	{carrier.StatusOnHold, "", "W"},
	{carrier.StatusOnHold, carrier.ReasonCarrier, "X"},
	{carrier.StatusDelivered, "", "D"},
	{carrier.StatusReturning, "", "RS"},
}

var (
	byStatus = table(statusWords)
	byType   = table(typeWords)
)

func table(all []words) map[string]meaning {
	m := map[string]meaning{}
	for _, w := range all {
		for code := range strings.FieldsSeq(w.codes) {
			m[code] = meaning{w.status, w.reason}
		}
	}
	return m
}

// Codes tells all status codes (numbers) and activity types (letters).
func (u *UPS) Codes() map[string]carrier.Status {
	all := map[string]carrier.Status{}
	for _, t := range []map[string]meaning{byStatus, byType} {
		for code, m := range t {
			all[code] = m.status
		}
	}
	return all
}

// understand finds what an activity is, and which of its codes said so: the
// status code first, for its type does not tell "out for delivery" from "on the
// way".
func understand(status, kind string) (meaning, string) {
	if number := strings.TrimLeft(status, "0"); status != "" {
		if number == "" {
			number = "0"
		}
		if m, ok := byStatus[number]; ok {
			return m, status
		}
		if _, ok := byType[kind]; !ok || kind == "D" {
			return meaning{status: carrier.StatusUnknown}, status
		}
	}
	if m, ok := byType[kind]; ok {
		return m, cmp.Or(status, kind)
	}
	return meaning{status: carrier.StatusUnknown}, cmp.Or(status, kind)
}
