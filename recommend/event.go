package recommend

import (
	"fmt"
	"time"

	"doorstep/internal/fault"

	"github.com/google/uuid"
)

// Kind is what a shopper did with a product.
type Kind string

// The kinds of events.
const (
	Looked  Kind = "view"
	Added   Kind = "add"        // to the cart
	Clicked Kind = "click"      // in a list that was recommended
	Shown   Kind = "impression" // in such a list
	Ordered Kind = "order"      // bought: it names an order and no product
)

// Event is something that a shopper did.
type Event struct {
	ID       uuid.UUID // the storefront's
	At       time.Time // zero is now
	Kind     Kind
	Visitor  string
	Product  uuid.UUID
	Order    *uuid.UUID // of Ordered
	Request  *uuid.UUID // the list that it came from
	Surface  Surface
	Position int // in the list, from 1
}

// ErrEvents is what shoppers cannot have done.
var ErrEvents = fault.New(fault.Invalid, "events_invalid", "These events cannot have happened.")

// The bounds of events.
const (
	MostEvents  = 100 // at once
	mostVisitor = 64
	mostAge     = 24 * time.Hour
	mostAhead   = 5 * time.Minute
)

func check(events []Event, now time.Time) error {
	bad := ErrEvents
	if len(events) == 0 || len(events) > MostEvents {
		return bad.Saying(fmt.Sprintf("Send 1 to %d events.", MostEvents))
	}
	for i, e := range events {
		at := fmt.Sprintf("body.events[%d].", i)
		switch e.Kind {
		case Looked, Added, Clicked, Shown:
			if e.Product == uuid.Nil {
				bad = bad.At(at+"product_id", "is missing")
			}
			if e.Order != nil {
				bad = bad.At(at+"order_id", "only an order has one")
			}
		case Ordered:
			if e.Order == nil || *e.Order == uuid.Nil {
				bad = bad.At(at+"order_id", "is missing")
			}
		default:
			bad = bad.At(at+"kind", "must be view, add, click, impression or order")
		}
		if e.ID == uuid.Nil {
			bad = bad.At(at+"id", "is missing")
		}
		if e.Visitor == "" || len(e.Visitor) > mostVisitor {
			bad = bad.At(at+"visitor", "must have 1 to 64 signs")
		}
		if !e.At.IsZero() && (e.At.Before(now.Add(-mostAge)) || e.At.After(now.Add(mostAhead))) {
			bad = bad.At(at+"at", "must be within the last day")
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}
