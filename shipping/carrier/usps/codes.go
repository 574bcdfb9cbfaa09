package usps

import (
	"strings"

	"doorstep/shipping/carrier"
)

// meaning is what a code is to us.
type meaning struct {
	status carrier.Status
	reason carrier.Reason
}

// codeWords are the Service's event codes: those of Publication 97, appendix I,
// and those that its v3 answers were seen with.
var codeWords = []struct {
	status carrier.Status
	reason carrier.Reason
	codes  string
}{
	{carrier.StatusPending, "", "GX MA"}, // label made, manifest came
	{carrier.StatusPickedUp, "", "03 TM PA OA 17 43 80"},
	{carrier.StatusInTransit, "", "07 10 19 41 42 81 82 A1 EF NT PC SF T1 TL"},
	{carrier.StatusInTransit, carrier.ReasonRecipient, "06"},   // forwarded
	{carrier.StatusDelayed, carrier.ReasonCarrier, "08 15 DX"}, // missent, misshipped, not heard of on its day
	{carrier.StatusDelayed, carrier.ReasonRecipient, "71"},
	{carrier.StatusOutForDelivery, "", "OF"},
	{carrier.StatusReadyForPickup, "", "14 16"},
	{carrier.StatusFailed, carrier.ReasonRecipient, "02 04 30 51 52 53 54 55 56 H0"},
	{carrier.StatusFailed, carrier.ReasonShipper, "05"}, // undeliverable as addressed
	{carrier.StatusFailed, carrier.ReasonOther, "11"},   // dead letter
	{carrier.StatusReturning, "", "09"},
	{carrier.StatusReturning, carrier.ReasonShipper, "21 22 44"},
	{carrier.StatusReturning, carrier.ReasonRecipient, "23 24 25 26 27 28 31"},
	{carrier.StatusReturning, carrier.ReasonOther, "29"},
	{carrier.StatusDelivered, "", "01"},
}

var byCode = func() map[string]meaning {
	m := map[string]meaning{}
	for _, w := range codeWords {
		for code := range strings.FieldsSeq(w.codes) {
			m[code] = meaning{w.status, w.reason}
		}
	}
	return m
}()

// categories stand in for the code of the youngest event when it is new to us.
// "Delivered" is not among them: that wants a code that is known.
var categories = map[string]meaning{
	"pre-shipment":         {status: carrier.StatusPending},
	"accepted":             {status: carrier.StatusPickedUp},
	"in transit":           {status: carrier.StatusInTransit},
	"in-transit":           {status: carrier.StatusInTransit},
	"out for delivery":     {status: carrier.StatusOutForDelivery},
	"available for pickup": {status: carrier.StatusReadyForPickup},
	"delivery attempt":     {status: carrier.StatusFailed, reason: carrier.ReasonRecipient},
	"alert":                {status: carrier.StatusOnHold},
	"return to sender":     {status: carrier.StatusReturning},
}

// Codes tells all event codes.
func (u *USPS) Codes() map[string]carrier.Status {
	all := map[string]carrier.Status{}
	for code, m := range byCode {
		all[code] = m.status
	}
	return all
}
