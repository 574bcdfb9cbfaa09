package shipping

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// settled is how a shipment stands after all that is known of it.
type settled struct {
	status    Status
	word      Tracking
	at        time.Time  // of the event that decided
	delivered *time.Time // when it arrived, if it did
}

// holdsBack orders statuses of parcels: a shipment stands as the first of these
// that one of its parcels has, so that it has arrived when all have.
var holdsBack = []Status{
	StatusFailed, StatusShipped, StatusInTransit, StatusOutForDelivery, StatusReadyForPickup, StatusReturned, StatusDelivered, StatusCanceled,
}

// settle reads events by their instants, in whatever order they came in: for
// each parcel by itself, and then for all. Events of no parcel are of each.
// Parcels of which nothing has been said yet are named.
func settle(events []TrackingEvent, parcels ...string) settled {
	byParcel := map[string][]TrackingEvent{}
	for _, p := range parcels {
		byParcel[p] = nil
	}
	var ofAll []TrackingEvent
	for _, e := range events {
		if e.Parcel == "" {
			ofAll = append(ofAll, e)
		} else {
			byParcel[e.Parcel] = append(byParcel[e.Parcel], e)
		}
	}
	if len(byParcel) == 0 {
		return settleOne(ofAll)
	}
	var all []settled
	for _, own := range byParcel {
		all = append(all, settleOne(append(slices.Clone(ofAll), own...)))
	}
	slices.SortFunc(all, func(a, b settled) int {
		return cmp.Or(slices.Index(holdsBack, a.status)-slices.Index(holdsBack, b.status), b.at.Compare(a.at), a.word.rank()-b.word.rank())
	})
	now := all[0]
	if now.status != StatusDelivered && now.status != StatusReturned {
		now.delivered = nil
	}
	return now
}

// settleOne reads the events of one parcel. The last significant one counts:
// unknown words are not, after a delivery only a return is or a delivery attempt
// that takes it back, and what is on its way back to the sender stays so whatever
// is scanned on that way.
func settleOne(events []TrackingEvent) settled {
	events = slices.Clone(events)
	slices.SortFunc(events, func(a, b TrackingEvent) int {
		return cmp.Or(a.OccurredAt.Compare(b.OccurredAt), cmp.Compare(a.Status.rank(), b.Status.rank()), bytes.Compare(a.Fingerprint, b.Fingerprint))
	})
	now := settled{status: StatusShipped, word: TrackPending}
	for _, e := range events {
		next := meanings[e.Status.rank()].status
		switch {
		case next == "":
			continue
		case now.status == StatusDelivered && next != StatusReturned && next != StatusFailed:
			continue
		case now.status == StatusReturned && next != StatusReturned:
			continue
		}
		if e.Status == TrackDelivered {
			now.delivered = &e.OccurredAt
		} else if next == StatusFailed {
			now.delivered = nil
		}
		now.status, now.word, now.at = next, e.Status, e.OccurredAt
	}
	return now
}
