package fedex

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

// codeWords are FedEx's tracking status codes, from its list of that name, and
// those that its answers were seen with beside it (AE, HA, IN, MD, RL, RT). The
// list has CA, EA, RC and SP in several columns; in events they are those of the
// column "movement".
var codeWords = []struct {
	status carrier.Status
	reason carrier.Reason
	codes  string
}{
	{carrier.StatusPending, "", "OC OX EP MD IN"},
	{carrier.StatusPending, carrier.ReasonOther, "RP RG"}, // a link to a return label
	{carrier.StatusPickedUp, "", "PU PX AP OF"},
	{carrier.StatusInTransit, "", "AA AC AE AF AO AR AX DP DS EA EO FD IT IX LO Ow PF PL PM SF SP TR CC"},
	{carrier.StatusInTransit, carrier.ReasonRecipient, "RR RM RC CH HA"}, // wishes of the recipient
	{carrier.StatusInTransit, carrier.ReasonOther, "TP BR SH CU"},        // in whose hands it is
	{carrier.StatusOutForDelivery, "", "OD ED AD"},
	{carrier.StatusReadyForPickup, "", "HL HP"},
	{carrier.StatusFailed, carrier.ReasonOther, "DE"},
	{carrier.StatusDelayed, carrier.ReasonCarrier, "DY DD RL DR"},
	{carrier.StatusDelayed, carrier.ReasonShipper, "PD"},
	{carrier.StatusOnHold, carrier.ReasonCarrier, "SE"},
	{carrier.StatusCustomsHold, carrier.ReasonCustoms, "CD CP"},
	{carrier.StatusReturning, "", "RS RT"},
	{carrier.StatusCancelled, carrier.ReasonShipper, "CA LP RD"},
	{carrier.StatusDelivered, "", "DL"},
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

// recipients are the codes of exceptions that are the recipient's: refused, not
// there or closed, asked for another day.
var recipients = map[string]bool{"7": true, "07": true, "8": true, "08": true, "15": true, "17": true}

// delays are what FedEx calls the causes of delays.
var delays = map[string]carrier.Reason{
	"WEATHER": carrier.ReasonWeather, "OPERATIONAL": carrier.ReasonCarrier, "LOCAL": carrier.ReasonCarrier, "GENERAL": carrier.ReasonOther, "CLEARANCE": carrier.ReasonCustoms,
}

// Codes tells all status codes.
func (f *FedEx) Codes() map[string]carrier.Status {
	all := map[string]carrier.Status{}
	for code, m := range byCode {
		all[code] = m.status
	}
	return all
}

// understand finds what an event is: its own type says more than the status that
// FedEx derives from it ("IT" for a parcel that is out for delivery).
func understand(event, derived string) (meaning, string) {
	for _, code := range []string{strings.TrimSpace(event), strings.TrimSpace(derived)} {
		if m, ok := byCode[code]; ok && (m.status != carrier.StatusDelivered || code == event || event == "") {
			return m, cmp.Or(event, derived)
		}
	}
	return meaning{status: carrier.StatusUnknown}, cmp.Or(event, derived)
}
