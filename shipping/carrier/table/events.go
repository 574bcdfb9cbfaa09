package table

import "doorstep/shipping/carrier"

// meaning is what an event of the posts is to us.
type meaning struct {
	status carrier.Status
	reason carrier.Reason
	text   string
}

// events are those by which posts tell each other of an item (EMSEVT, version
// 3), as their pages show them.
var events = map[string]meaning{
	"EMA": {carrier.StatusPickedUp, "", "Posted"},
	"EMB": {carrier.StatusInTransit, "", "Arrived at the outward office of exchange"},
	"EMC": {carrier.StatusInTransit, "", "Left the outward office of exchange"},
	"EMD": {carrier.StatusInTransit, "", "Arrived at the inward office of exchange"},
	"EME": {carrier.StatusCustomsHold, carrier.ReasonCustoms, "Held by import customs"},
	"EMF": {carrier.StatusInTransit, "", "Left the inward office of exchange"},
	"EMG": {carrier.StatusInTransit, "", "Arrived at the delivery office"},
	"EMH": {carrier.StatusFailed, carrier.ReasonRecipient, "Could not be delivered"},
	"EMI": {carrier.StatusDelivered, "", "Delivered"},
	"EMJ": {carrier.StatusInTransit, "", "Arrived at a transit office of exchange"},
	"EMK": {carrier.StatusInTransit, "", "Left a transit office of exchange"},
	"EDA": {carrier.StatusOnHold, carrier.ReasonCarrier, "Held at the inward office of exchange"},
	"EDB": {carrier.StatusInTransit, "", "Shown to import customs"},
	"EDC": {carrier.StatusInTransit, "", "Came back from import customs"},
	"EDD": {carrier.StatusInTransit, "", "Arrived at a sorting centre"},
	"EDE": {carrier.StatusInTransit, "", "Left a sorting centre"},
	"EDF": {carrier.StatusOnHold, carrier.ReasonCarrier, "Held at the delivery office"},
	"EDG": {carrier.StatusOutForDelivery, "", "Out for delivery"},
	"EDH": {carrier.StatusReadyForPickup, "", "Waits at the counter"},
	"EXA": {carrier.StatusInTransit, "", "Shown to export customs"},
	"EXB": {carrier.StatusCustomsHold, carrier.ReasonCustoms, "Held by export customs"},
	"EXC": {carrier.StatusInTransit, "", "Came back from export customs"},
	"EXD": {carrier.StatusOnHold, carrier.ReasonCarrier, "Held at the outward office of exchange"},
	"EXX": {carrier.StatusCancelled, carrier.ReasonShipper, "Export cancelled"},
}

// Codes tells the posts' events.
func (t *Table) Codes() map[string]carrier.Status {
	all := make(map[string]carrier.Status, len(events))
	for code, m := range events {
		all[code] = m.status
	}
	return all
}
