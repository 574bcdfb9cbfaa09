package mydhl

import (
	"context"
	"maps"
	"net/url"
	"strings"
	"time"

	"doorstep/shipping/carrier"
)

// checkpoints says what each code of DHL's list for Express is to us: the four
// of a whole shipment, and those of its events. Any other is unknown.
var checkpoints = map[string]struct {
	status carrier.Status
	reason carrier.Reason
}{
	"101": {carrier.StatusDelivered, ""}, "102": {carrier.StatusInTransit, ""}, "103": {carrier.StatusFailed, ""}, "104": {carrier.StatusPending, ""},

	"AD": {carrier.StatusOnHold, carrier.ReasonRecipient},    // agreed delivery
	"AF": {carrier.StatusInTransit, ""},                      // arrived at a facility
	"AR": {carrier.StatusInTransit, ""},                      // arrived at the delivery facility
	"BA": {carrier.StatusFailed, carrier.ReasonShipper},      // bad address
	"BN": {carrier.StatusCustomsHold, carrier.ReasonCustoms}, // the customer's broker is told
	"BR": {carrier.StatusCustomsHold, carrier.ReasonCustoms}, // released to the broker
	"CA": {carrier.StatusFailed, carrier.ReasonRecipient},    // closed on arrival
	"CC": {carrier.StatusReadyForPickup, ""},                 // awaits the consignee
	"CD": {carrier.StatusCustomsHold, carrier.ReasonCustoms}, // a clearance delay that can be helped
	"CM": {carrier.StatusFailed, carrier.ReasonRecipient},    // the customer has moved
	"CR": {carrier.StatusInTransit, ""},                      // cleared
	"CS": {carrier.StatusOnHold, carrier.ReasonOther},        // the shipment is closed: DHL says no more
	"DD": {carrier.StatusDelivered, carrier.ReasonCarrier},   // delivered damaged
	"DF": {carrier.StatusInTransit, ""},                      // departed
	"DS": {carrier.StatusFailed, carrier.ReasonOther},        // destroyed
	"FD": {carrier.StatusInTransit, ""},                      // forwarded to its destination
	"HP": {carrier.StatusOnHold, carrier.ReasonRecipient},    // held for payment
	"IC": {carrier.StatusInTransit, ""},                      // in clearance
	"MC": {carrier.StatusDelayed, carrier.ReasonCarrier},     // miscoded
	"MD": {carrier.StatusDelayed, carrier.ReasonCarrier},     // missed its delivery cycle
	"MS": {carrier.StatusDelayed, carrier.ReasonCarrier},     // missorted
	"ND": {carrier.StatusFailed, ""},                         // not delivered
	"NH": {carrier.StatusFailed, carrier.ReasonRecipient},    // nobody at home
	"OH": {carrier.StatusOnHold, ""},                         // on hold
	"OK": {carrier.StatusDelivered, ""},                      // delivered
	"PD": {carrier.StatusInTransit, ""},                      // some pieces are delivered
	"PL": {carrier.StatusInTransit, ""},                      // processed
	"PU": {carrier.StatusPickedUp, ""},                       // picked up
	"RD": {carrier.StatusFailed, carrier.ReasonRecipient},    // refused
	"RR": {carrier.StatusInTransit, ""},                      // an answer was received
	"RT": {carrier.StatusReturning, ""},                      // back to the consignor
	"SA": {carrier.StatusPickedUp, ""},                       // accepted
	"SC": {carrier.StatusInTransit, ""},                      // the service was changed
	"SS": {carrier.StatusOnHold, ""},                         // stopped
	"TP": {carrier.StatusInTransit, ""},                      // forwarded to a third party
	"TR": {carrier.StatusInTransit, ""},                      // transferred
	"UD": {carrier.StatusCustomsHold, carrier.ReasonCustoms}, // a clearance delay that cannot be helped
	"WC": {carrier.StatusOutForDelivery, ""},                 // with the courier
}

// Codes are DHL's.
func (d *MyDHL) Codes() map[string]carrier.Status {
	all := make(map[string]carrier.Status, len(checkpoints))
	for code := range maps.Keys(checkpoints) {
		all[code] = checkpoints[code].status
	}
	return all
}

type tracking struct {
	Shipments []parcel `json:"shipments"`
}

type parcel struct {
	Number   string `json:"shipmentTrackingNumber"`
	Expected string `json:"estimatedTimeOfDelivery"`
	Events   []struct {
		Date        string `json:"date"`
		Time        string `json:"time"`
		Offset      string `json:"GMTOffset"`
		Code        string `json:"typeCode"`
		Description string `json:"description"`
		SignedBy    string `json:"signedBy"`
		Area        []struct {
			Description string `json:"description"`
		} `json:"serviceArea"`
	} `json:"events"`
}

// mostNumbers is how many numbers DHL takes in one question.
const mostNumbers = 200

// Track asks for all numbers at once.
func (d *MyDHL) Track(ctx context.Context, numbers []string) ([]carrier.Tracked, error) {
	all := []carrier.Tracked{}
	for len(numbers) > 0 {
		n := min(len(numbers), mostNumbers)
		var said tracking
		err := d.client.Do(ctx, carrier.Call{Name: "track", Path: "/tracking", Query: url.Values{
			"shipmentTrackingNumber": numbers[:n], "trackingView": {"all-checkpoints"}, "levelOfDetail": {"shipment"},
		}}, &said)
		numbers = numbers[n:]
		if carrier.KindOf(err) == carrier.KindNotFound {
			continue
		}
		if err == nil && said.Shipments == nil {
			err = d.client.Missing("track", "shipments")
		}
		if err != nil {
			return nil, err
		}
		for i := range said.Shipments {
			if said.Shipments[i].Number != "" {
				all = append(all, said.Shipments[i].tracked())
			}
		}
	}
	return all, nil
}

func (p *parcel) tracked() carrier.Tracked {
	t := carrier.Tracked{Number: p.Number, Carrier: Name}
	for _, e := range p.Events {
		when, guessed, ok := instant(e.Date, e.Time, e.Offset)
		if !ok || e.Code == "" {
			continue
		}
		point, known := checkpoints[e.Code]
		if !known {
			point.status = carrier.StatusUnknown
		}
		one := carrier.Event{
			Code: e.Code, Status: point.status, Reason: point.reason, Description: carrier.Clip(e.Description), At: when, ZoneGuessed: guessed,
		}
		if len(e.Area) > 0 {
			one.Location = carrier.Clip(e.Area[0].Description)
		}
		t.Events = append(t.Events, one)
		if point.status == carrier.StatusDelivered {
			t.Delivered = when
			if e.SignedBy != "" {
				t.SignedBy = carrier.Clip(e.SignedBy)
			}
		}
	}
	t.Events = carrier.Tidy(t.Events)
	if at, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(p.Expected, "Z")); err == nil {
		t.Expected = at // at the place: DHL says no zone
	}
	return t
}

// instant puts DHL's date, time and offset together.
func instant(date, clock, offset string) (at time.Time, guessed, ok bool) {
	if at, err := time.Parse("2006-01-02 15:04:05 -07:00", date+" "+clock+" "+offset); err == nil {
		return at, false, at.Year() > 2000
	}
	at, err := time.Parse("2006-01-02 15:04:05", date+" "+clock)
	return at, true, err == nil && at.Year() > 2000
}
