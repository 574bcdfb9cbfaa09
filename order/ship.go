package order

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/shipping"
)

// NewShipment says what is in a parcel and who carries it. Without lines it is
// everything that is left of the order, but for what suppliers send. Without a carrier it is the one that the
// buyer chose.
type NewShipment struct {
	Lines          []LineQuantity
	Carrier        string
	TrackingNumber string
	LabelURL       string
	// ID names the parcel; zero makes a new one.
	ID uuid.UUID
	// With runs in the transaction that makes the parcel, and tells then that it
	// has left, now or later: such as when its label is bought.
	With func(tx db.Tx, sent *shipping.Shipment) error
}

// Ship sends units of a confirmed order on their way: a cash on delivery order
// is confirmed before it is paid, one that waits for a transfer is not. It gives
// the new shipment. It fails with ErrNotFound, ErrNotPaid, ErrNotShippable,
// ErrNothingLeft, ErrLine, ErrQuantity, ErrShipQuantity, or with
// shipping.ErrShipment and shipping.ErrNumberTaken.
func (s *Service) Ship(ctx context.Context, merchant, order uuid.UUID, n NewShipment) (*shipping.Shipment, error) {
	now := s.DB.Now()
	var sent *shipping.Shipment
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		o, err := lockNow(ctx, tx, merchant, order)
		if err != nil {
			return err
		}
		if len(n.Lines) == 0 && s.Elsewhere != nil {
			if o.away, err = s.Elsewhere(ctx, tx, merchant, order); err != nil {
				return err
			}
		}
		sent, err = s.ship(tx, merchant, order, o, n, now)
		return err
	})
	if err != nil {
		return nil, shipping.InsertError(err)
	}
	return sent, nil
}

// ship queues the parcel of a locked order.
func (s *Service) ship(tx db.Tx, merchant, order uuid.UUID, o *locked, n NewShipment, now time.Time) (*shipping.Shipment, error) {
	if err := o.shippable(); err != nil {
		return nil, err
	}
	lines, err := o.parcel(n.Lines)
	if err != nil {
		return nil, err
	}
	sent := &shipping.Shipment{
		MerchantID: merchant, ID: id.New(), OrderID: order, Status: shipping.StatusShipped, TrackingStatus: shipping.TrackPending,
		Carrier: n.Carrier, TrackingNumber: n.TrackingNumber, LabelURL: n.LabelURL, Version: 1,
		ShippedAt: &now, CreatedAt: now, UpdatedAt: now, Events: []shipping.TrackingEvent{},
	}
	if n.ID != uuid.Nil {
		sent.ID = n.ID
	}
	if sent.Carrier == "" {
		sent.Carrier = o.carrier
	}
	if sent.Carrier == "" {
		sent.Carrier = "other"
	}
	if err := sent.Check(); err != nil {
		return nil, err
	}
	ids, quantities := make([]uuid.UUID, len(lines)), make([]int64, len(lines))
	for i, l := range lines {
		ids[i], quantities[i] = l.LineID, l.Quantity
		sent.Lines = append(sent.Lines, shipping.ShipmentLine{MerchantID: merchant, ShipmentID: sent.ID, OrderLineID: l.LineID, Quantity: l.Quantity})
	}
	tx.Guard(int64(len(ids)), ErrShipQuantity, `update order_lines l set shipped = l.shipped + u.quantity
		from unnest($3::uuid[], $4::bigint[]) as u (id, quantity)
		where l.merchant_id = $1 and l.order_id = $2 and l.id = u.id and l.shipped + l.canceled + u.quantity <= l.quantity and not l.held`,
		merchant, order, ids, quantities)
	sent.Unannounced = n.With != nil
	if err := shipping.InsertShipment(tx, sent); err != nil {
		return nil, err
	}
	if n.With != nil {
		if err := n.With(tx, sent); err != nil {
			return nil, err
		}
	}
	return sent, s.FulfilmentChanged(tx, merchant, order, "shipment.shipped", map[string]any{
		"shipment_id": sent.ID, "carrier": sent.Carrier, "tracking_number": sent.TrackingNumber, "lines": lines,
	}, now)
}

func (o *locked) shippable() error {
	switch {
	case o.source != "checkout":
		return ErrNotShippable
	case o.status == StatusPending:
		return ErrNotPaid
	case o.status != StatusConfirmed && o.status != StatusCompleted: // exchanges and replacements come later
		return ErrNotShippable
	}
	return nil
}

// parcel checks the wanted lines against what is left, or takes all of it.
func (o *locked) parcel(wanted []LineQuantity) ([]LineQuantity, error) {
	left := make(map[uuid.UUID]int64, len(o.lines))
	var all []LineQuantity
	for _, l := range o.lines {
		if left[l.ID] = l.Quantity - l.Shipped - l.Canceled; l.Held {
			left[l.ID] = 0
		}
		if n := o.here(&l); n > 0 {
			all = append(all, LineQuantity{l.ID, n})
		}
	}
	switch {
	case len(all) == 0 && len(o.away) > 0:
		return nil, ErrNothingLeft.Saying("What is left of this order is sent by suppliers. Name its lines to send it all the same.")
	case len(all) == 0:
		return nil, ErrNothingLeft
	}
	if len(wanted) == 0 {
		return all, nil
	}
	seen := map[uuid.UUID]bool{}
	for _, w := range wanted {
		n, ok := left[w.LineID]
		switch {
		case !ok:
			return nil, ErrLine
		case w.Quantity < 1 || seen[w.LineID]:
			return nil, ErrQuantity
		case w.Quantity > n:
			return nil, ErrShipQuantity
		}
		seen[w.LineID] = true
	}
	return wanted, nil
}
