package supplier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/internal/locale"
	"doorstep/shipping"
)

// Parcel is what leaves a supplier. ID names the request: the same ID is the same
// parcel. Without lines it is everything that the supplier still has to send.
type Parcel struct {
	ID             uuid.UUID
	Carrier        string
	TrackingNumber string
	Lines          []Units
}

// act changes a purchase order whose buyer's order is locked too.
func (s *Service) act(ctx context.Context, merchant, order uuid.UUID, step func(tx db.Tx, o *Order, now time.Time) ([]jobs.Event, error)) (*Order, error) {
	o, err := s.Order(ctx, merchant, order)
	if err != nil {
		return nil, err
	}
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		now := s.DB.Now()
		if _, err := s.Orders.Locked(ctx, tx, merchant, o.OrderID); err != nil {
			return err
		}
		held, err := one(ctx, tx, merchant, order)
		if err != nil {
			return err
		}
		events, err := step(tx, held, now)
		if err != nil {
			return err
		}
		update(tx, held, now)
		return s.publish(tx, held, events, now)
	})
	if err != nil {
		return nil, err
	}
	return s.Order(ctx, merchant, order)
}

// Accept says that the supplier will send it. It fails with ErrOrderNotFound or
// ErrOrderState.
func (s *Service) Accept(ctx context.Context, merchant, order uuid.UUID) (*Order, error) {
	return s.act(ctx, merchant, order, func(_ db.Tx, o *Order, now time.Time) ([]jobs.Event, error) {
		if o.Status != Sent {
			return nil, ErrOrderState
		}
		o.move(Accepted, now)
		return []jobs.Event{WasAccepted{o.ref()}}, nil
	})
}

// Reject says that the supplier will send nothing of it: what was bought stays
// with the shop. It fails with ErrOrderNotFound, ErrOrderState or ErrReason.
func (s *Service) Reject(ctx context.Context, merchant, order uuid.UUID, reason string) (*Order, error) {
	reason, err := why(reason)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, merchant, order, func(_ db.Tx, o *Order, now time.Time) ([]jobs.Event, error) {
		if _, shipped := o.counts(); !o.Status.Can(Rejected) || shipped > 0 {
			return nil, ErrOrderState
		}
		o.Reason = reason
		o.move(Rejected, now)
		return []jobs.Event{WasRejected{o.ref(), reason}}, nil
	})
}

// Cancel takes a purchase order back of which nothing has been shipped, while the
// buyer's order stands: the shop sends the units itself. The supplier is told. It
// fails with ErrOrderNotFound, ErrOrderState or ErrReason.
func (s *Service) Cancel(ctx context.Context, merchant, order uuid.UUID, reason string) (*Order, error) {
	reason, err := why(reason)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, merchant, order, func(_ db.Tx, o *Order, now time.Time) ([]jobs.Event, error) {
		if _, shipped := o.counts(); o.Status.ended() || shipped > 0 {
			return nil, ErrOrderState
		}
		e := WasCanceled{Ref: o.ref(), Reason: reason, Tell: o.AskedAt != nil}
		for i := range o.Lines {
			if n := o.Lines[i].Open(); n > 0 {
				e.Lines = append(e.Lines, Units{o.Lines[i].LineID, n})
			}
		}
		o.Reason = reason
		o.move(Canceled, now)
		return []jobs.Event{e}, nil
	})
}

// Resend mails a purchase order again, to the address that the supplier has now
// and with a link that works for 60 days; earlier links end. The supplier
// answers anew. It fails with ErrOrderNotFound or ErrOrderState.
func (s *Service) Resend(ctx context.Context, merchant, order uuid.UUID) (*Order, error) {
	return s.act(ctx, merchant, order, func(_ db.Tx, o *Order, now time.Time) ([]jobs.Event, error) {
		if o.Status.ended() {
			return nil, ErrOrderState
		}
		o.Mailing++
		o.MailFailure = ""
		o.LinkUntil = now.AddDate(0, 0, linkDays)
		o.move(Pending, now)
		return []jobs.Event{Wanted{o.ref(), o.Mailing}}, nil
	})
}

// Ship notes a parcel that has left the supplier. It becomes a parcel of the
// buyer's order like any other. A supplier who ships accepts. It fails with
// ErrOrderNotFound, ErrOrderState, ErrOrderLine, ErrTooMany, ErrParcelTaken, and
// as order.Ship does.
func (s *Service) Ship(ctx context.Context, merchant, order uuid.UUID, p Parcel) (*Order, error) {
	o, err := s.Order(ctx, merchant, order)
	if err != nil {
		return nil, err
	}
	if p.ID == uuid.Nil {
		p.ID = id.New()
	}
	if done, err := s.shippedBefore(ctx, o, p.ID); err != nil || done {
		return o, err
	}
	if p.Lines, err = o.parcel(p.Lines); err != nil {
		return nil, err
	}
	err = s.Orders.Ship(ctx, merchant, o.OrderID, p, func(tx db.Tx, sent *shipping.Shipment) error {
		return s.shipIn(ctx, tx, merchant, order, sent, p.Lines)
	})
	if db.Violates(err, "shipments_pkey") || errors.Is(err, db.ErrUnknown) { // the same request, and it was quicker
		if o, e := s.Order(ctx, merchant, order); e == nil && slices.Contains(o.Parcels, p.ID) {
			return o, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return s.Order(ctx, merchant, order)
}

// shippedBefore says whether a request has made its parcel.
func (s *Service) shippedBefore(ctx context.Context, o *Order, parcel uuid.UUID) (bool, error) {
	if slices.Contains(o.Parcels, parcel) {
		return true, nil
	}
	var one int
	found, err := db.One(s.DB.QueryRow(ctx, `select 1 from shipments where merchant_id = $1 and id = $2`, o.MerchantID, parcel), &one)
	if err == nil && found {
		err = ErrParcelTaken
	}
	return false, err
}

// parcel checks the wanted lines against what is open, or takes all of it.
func (o *Order) parcel(wanted []Units) ([]Units, error) {
	if o.Status.ended() || o.Status == Pending {
		return nil, ErrOrderState
	}
	if len(wanted) == 0 {
		for i := range o.Lines {
			if n := o.Lines[i].Open(); n > 0 {
				wanted = append(wanted, Units{o.Lines[i].LineID, n})
			}
		}
		return wanted, nil
	}
	seen := map[uuid.UUID]bool{}
	for i, w := range wanted {
		l, at := o.line(w.LineID), fmt.Sprintf("body.lines[%d]", i)
		switch {
		case l == nil || seen[w.LineID]:
			return nil, ErrOrderLine.At(at+".line_id", "is no line of the purchase order, or stands there twice")
		case w.Quantity < 1:
			return nil, ErrOrderLine.At(at+".quantity", "must be at least 1")
		case w.Quantity > l.Open():
			return nil, ErrTooMany
		}
		seen[w.LineID] = true
	}
	return wanted, nil
}

// shipIn counts a parcel in the transaction that makes it.
func (s *Service) shipIn(ctx context.Context, tx db.Tx, merchant, order uuid.UUID, sent *shipping.Shipment, lines []Units) error {
	now := s.DB.Now()
	o, err := one(ctx, tx, merchant, order)
	if err != nil {
		return err
	}
	if _, err := o.parcel(lines); err != nil { // somebody else was quicker
		return err
	}
	for _, u := range lines {
		o.line(u.LineID).Shipped += u.Quantity
	}
	o.follow(now)
	tx.Queue(`insert into supplier_shipments (merchant_id, shipment_id, supplier_order_id) values ($1, $2, $3)`, merchant, sent.ID, order)
	update(tx, o, now)
	if err := jobs.Publish(tx, shipping.Shipped{Ref: shipping.Ref{MerchantID: merchant, OrderID: o.OrderID, ShipmentID: sent.ID}}); err != nil {
		return err
	}
	events := []jobs.Event{WasShipped{o.ref(), sent.ID}}
	if o.Status == Completed {
		events = append(events, WasCompleted{o.ref()})
	}
	return s.publish(tx, o, events, now)
}

// Token is what stands in the link by which a supplier answers: the same until the
// purchase order is mailed anew.
func (s *Service) Token(o *Order) string {
	return s.Vault.Link(customer.SupplierOrder, o.MerchantID, o.ID, o.LinkUntil)
}

// ByLink is the purchase order that a link opens. Forged and expired links, and
// those of before it was sent anew, fail with customer.ErrLinkInvalid.
func (s *Service) ByLink(ctx context.Context, token string) (*Order, error) {
	merchant, order, err := s.Vault.OpenLink(customer.SupplierOrder, token, s.DB.Now())
	if err != nil {
		return nil, err
	}
	o, err := s.Order(ctx, merchant, order)
	if errors.Is(err, ErrOrderNotFound) || err == nil && token != s.Token(o) {
		return nil, customer.ErrLinkInvalid
	}
	return o, err
}

// why makes a typed reason one harmless line.
func why(typed string) (string, error) {
	typed = locale.Line(typed)
	if n := utf8.RuneCountInString(typed); n < 1 || n > 500 {
		return "", ErrReason.At("reason", "must have 1 to 500 signs")
	}
	return typed, nil
}
