package skill

import (
	"slices"
	"time"

	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

// exchanged is the origin of lines that an exchange has added; they end with it.
const exchanged = "exchange"

// changeable says that the order may still be changed as far as it has not left.
func (o *Order) changeable() bool {
	switch o.Status {
	case order.StatusPending, order.StatusConfirmed, order.StatusOnHold:
		return true
	}
	return false
}

// left says that something of the order has been sent.
func (o *Order) left() bool {
	return slices.ContainsFunc(o.Lines, func(l order.Line) bool { return l.Shipped > 0 })
}

// pick lists the lines of which n gives at least one unit.
func (o *Order) pick(n func(l *order.Line) int64) []units {
	var all []units
	for i := range o.Lines {
		if u := n(&o.Lines[i]); u > 0 {
			all = append(all, units{&o.Lines[i], u})
		}
	}
	return all
}

// bought are the units that were not canceled.
func (o *Order) bought() []units {
	return o.pick(func(l *order.Line) int64 { return l.Quantity - l.Canceled })
}

// waiting are the units that have neither been sent nor canceled.
func (o *Order) waiting() []units {
	if o.Status == order.StatusCanceled {
		return nil
	}
	return o.pick(func(l *order.Line) int64 { return l.Quantity - l.Canceled - l.Shipped })
}

// cancelable are the units that can be canceled one by one.
func (o *Order) cancelable() []units {
	if !o.changeable() || o.Source != "checkout" {
		return nil
	}
	return o.pick(func(l *order.Line) int64 {
		if l.Origin == exchanged {
			return 0
		}
		return l.Quantity - l.Canceled - l.Shipped
	})
}

// wholly says that the order can be canceled as a whole.
func (o *Order) wholly() bool { return o.changeable() && !o.left() }

// sent are the units that have left.
func (o *Order) sent() []units { return o.pick(func(l *order.Line) int64 { return l.Shipped }) }

// parcels are the order's, without those that were called off.
func (o *Order) parcels() []*shipping.Shipment {
	if o.Tracking == nil {
		return nil
	}
	var all []*shipping.Shipment
	for i := range o.Tracking.Shipments {
		if p := &o.Tracking.Shipments[i]; p.Status != shipping.StatusCanceled {
			all = append(all, p)
		}
	}
	return all
}

// inside are the units in a parcel.
func (o *Order) inside(p *shipping.Shipment) []units {
	var all []units
	for _, l := range p.Lines {
		for i := range o.Lines {
			if o.Lines[i].ID == l.OrderLineID {
				all = append(all, units{&o.Lines[i], l.Quantity})
			}
		}
	}
	return all
}

// returnable are the units that may be sent back now, and over those for which
// it is too late. until is the last moment of those that have or had one.
func (o *Order) returnable(days int64, now time.Time) (open []units, until *time.Time, over bool) {
	if o.Tracking == nil || o.Source != "checkout" {
		return nil, nil, false
	}
	for i := range o.Lines {
		l := &o.Lines[i]
		n, end := o.Tracking.Returnable(l.ID, days, now)
		if end == nil {
			continue
		}
		if now.After(*end) {
			over = true
			if until == nil || len(open) == 0 && end.After(*until) {
				until = end
			}
			continue
		}
		if n > 0 {
			if len(open) == 0 || end.Before(*until) {
				until = end
			}
			open = append(open, units{l, n})
		}
	}
	return open, until, over && len(open) == 0
}

// arrived says that a parcel has been delivered.
func (o *Order) arrived() bool {
	return slices.ContainsFunc(o.parcels(), func(p *shipping.Shipment) bool { return p.DeliveredAt != nil })
}

// underway says that something has been sent and has not arrived.
func (o *Order) underway() bool {
	return slices.ContainsFunc(o.parcels(), func(p *shipping.Shipment) bool {
		return p.DeliveredAt == nil && p.ShippedAt != nil && p.Status != shipping.StatusReturned
	})
}

// recent says that the order is still being dealt with, or was so in the last
// days.
func (o *Order) recent(now time.Time, days int) bool {
	last := o.PlacedAt
	for _, p := range o.parcels() {
		if p.DeliveredAt != nil && p.DeliveredAt.After(last) {
			last = *p.DeliveredAt
		}
	}
	return len(o.waiting()) > 0 || o.underway() || now.Sub(last) < time.Duration(days)*24*time.Hour
}

// promised is the last day on which the order was promised, as a date; false
// when nothing was promised.
func (o *Order) promised() (time.Time, bool) {
	option, err := o.Delivery()
	if err != nil || option.To == nil {
		return time.Time{}, false
	}
	return *option.To, true
}

// paid is what has been taken for the order, and back what has been given back.
func (o *Order) paid() (paid, back int64) {
	for _, p := range o.Payments {
		paid, back = paid+p.CapturedMinor, back+p.RefundedMinor
	}
	return paid, back
}

// payment finds a payment of the order that stands so; the newest wins.
func (o *Order) payment(is ...payment.Status) *payment.Payment {
	for i := len(o.Payments) - 1; i >= 0; i-- {
		if slices.Contains(is, o.Payments[i].Status) {
			return &o.Payments[i]
		}
	}
	return nil
}
