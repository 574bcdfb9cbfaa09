package cases

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// words are the carrier's words that the shop knows.
var words = []string{
	"pending", "picked_up", "in_transit", "on_hold", "customs_hold", "delivery_delayed", "out_for_delivery", "ready_for_pickup", "delivery_failed",
	"delivered", "return_to_sender", "returned",
}

// scanOf is the carrier's word that a text of the world begins with, or other.
func scanOf(text, other string) string {
	w := word(text)
	if slices.Contains(words, w) {
		return w
	}
	if s, ok := states[w]; ok && s.scan != "" {
		return s.scan
	}
	switch {
	case strings.Contains(w, "customs"):
		return "customs_hold"
	case strings.Contains(w, "pickup"), strings.Contains(w, "pick_up"):
		return "ready_for_pickup"
	}
	return other
}

// planParcels says what left when, and what its carrier said of it.
func (w *World) planParcels(p *Plan, s state) {
	f := p.Order.fields
	if s.special == "part" || f["shipments"] != nil {
		w.planParts(p)
		return
	}
	one := w.parcel(f, s.scan, s.special == "lost")
	w.placeBefore(p, f, one)
	p.Promised = promised(f, one)
	p.Parcels = []Parcel{one}
}

// parcel plans one parcel by the fields of an order or of a part of one.
func (w *World) parcel(f fields, scan string, lost bool) Parcel {
	var one Parcel
	tracking := f.text("tracking", "tracking_status")
	if scan != "delivered" && scan != "returned" {
		scan = scanOf(cmp.Or(tracking, f.text("state")), scan)
	}
	last, place := time.Time{}, f.text("location", "place")
	if at, _, rest := readTime(f.text("last_scan", "last_seen", "scan")); !at.IsZero() {
		last, place = at, cmp.Or(rest, place)
	} else if at, _, _ := readTime(tracking); !at.IsZero() {
		last = at
	}
	if o := f.object("last_scan"); o != nil {
		last, place = o.time("at", "date", "time"), o.text("place", "location", "hub")
	}
	switch {
	case scan == "delivered":
		last = f.time("delivered_at", "at")
		if until := f.time("returnable_until"); last.IsZero() && !until.IsZero() {
			last = until.AddDate(0, 0, -int(w.Store.ReturnDays))
		}
		last = w.past(last, 4*24*time.Hour)
	case last.IsZero() && lost:
		last = w.Now.AddDate(0, 0, -24)
	case last.IsZero():
		last = w.past(f.time("at", "failed_at", "ready_at", "attempted_at"), 20*time.Hour)
		if eta := f.time("eta"); !eta.IsZero() && eta.Before(w.Now.Add(-24*time.Hour)) {
			last = eta.AddDate(0, 0, -2)
		}
	default:
		last = w.past(last, 0)
	}
	one.Left = w.past(f.time("shipped_at", "sent_at"), 0)
	if f.time("shipped_at", "sent_at").IsZero() || !one.Left.Before(last) {
		one.Left = last.Add(-36 * time.Hour)
		if scan == "delivered" {
			one.Left = last.AddDate(0, 0, -3)
		}
	}
	if scan != "pending" {
		if scan != "picked_up" {
			one.Scans = append(one.Scans, Scan{Word: "picked_up", At: one.Left.Add(2 * time.Hour)})
		}
		if between := last.Add(-5 * time.Hour); scan != "in_transit" && scan != "picked_up" && between.After(one.Left.Add(3*time.Hour)) {
			one.Scans = append(one.Scans, Scan{Word: "in_transit", At: between})
		}
		one.Scans = append(one.Scans, Scan{Word: scan, Place: place, At: last})
	}
	one.Expected = f.time("eta", "expected_at", "expected")
	return one
}

// promised is the last day that the buyer of a parcel was promised.
func promised(f fields, one Parcel) time.Time {
	if at := f.time("promised", "promised_by", "promised_at", "eta", "expected_at"); !at.IsZero() {
		return at
	}
	last := one.Left.AddDate(0, 0, 4)
	if n := len(one.Scans); n > 0 && one.Scans[n-1].At.After(last) && one.Scans[n-1].Word == "delivered" {
		last = one.Scans[n-1].At
	}
	return last
}

// placeBefore sets when the order was placed: before its first parcel left.
func (w *World) placeBefore(p *Plan, f fields, one Parcel) {
	placed := f.time("placed_at", "ordered_at", "created_at")
	if placed.IsZero() || !placed.Before(one.Left) {
		placed = one.Left.Add(-26 * time.Hour)
	}
	if p.Placed.IsZero() || placed.Before(p.Placed) {
		p.Placed = placed
	}
}

// planParts plans an order of which each shipment goes its own way. Items that are
// in no shipment have not left.
func (w *World) planParts(p *Plan) {
	parts := list(p.Order.fields["shipments"])
	if len(parts) == 0 && len(p.Items) > 1 { // something has left, and nobody has said what
		parts = []fields{{"item": p.Items[0].Title, "state": "in_transit"}}
	}
	for _, part := range parts {
		how := word(part.text("state", "status", "tracking"))
		s := states[how]
		if s.stage == Paid || s.stage == Pending {
			continue // it has not left
		}
		if s.scan == "" {
			s.scan = scanOf(how, "in_transit")
		}
		one := w.parcel(part, s.scan, how == "lost")
		if title := part.text("item", "title", "name"); title != "" {
			one.Items = []string{title}
		} else if titles := part.texts("items"); len(titles) > 0 {
			one.Items = titles
		} else {
			for _, v := range asList(part["items"]) {
				if item, ok := w.readItem(v); ok {
					one.Items = append(one.Items, item.Title)
				}
			}
		}
		w.placeBefore(p, p.Order.fields, one)
		if by := promised(part, one); by.After(p.Promised) {
			p.Promised = by
		}
		p.Parcels = append(p.Parcels, one)
	}
	if len(p.Parcels) == 0 {
		p.Stage, p.Placed = Paid, w.past(p.Order.fields.time("placed_at", "ordered_at"), 20*time.Hour)
	}
	slices.SortStableFunc(p.Parcels, func(a, b Parcel) int { return a.Left.Compare(b.Left) })
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// planBack plans what comes back: units, money, a claim or an exchange.
func (w *World) planBack(p *Plan, s state) {
	f := p.Order.fields
	refund := f.object("refund")
	p.RefundAt = w.past(refund.time("issued_at", "refunded_at", "at", "date"), 48*time.Hour)
	if p.Return = s.back; p.Return == ReturnRefunded && strings.Contains(word(refund.text("status", "state")), "pending") {
		p.Return = ReturnInspected
	}
	switch s.special {
	case "exchange":
		p.Exchange = true
	case "claim":
		p.Claim = "not_received"
	}
	if f.object("claim") != nil || f.text("claim") != "" {
		p.Claim = cmp.Or(word(f.object("claim").text("kind", "type", "reason")), "damaged")
	}
	if p.Stage != Sent || p.Return == "" && !p.Exchange && p.Claim == "" && p.Refund == 0 {
		return
	}
	// All of it happens between the arrival and now; the arrival is moved back when
	// nobody has said when it was.
	after := w.Now
	if p.Return == ReturnRefunded || p.Refund > 0 {
		after = p.RefundAt
	}
	p.ReturnAt = w.past(f.time("return_requested_at", "returned_at", "requested_at"), 0)
	if f.time("return_requested_at", "returned_at", "requested_at").IsZero() || !p.ReturnAt.Before(after) {
		p.ReturnAt = after.Add(-72 * time.Hour)
	}
	if f.text("delivered_at") != "" || len(p.Parcels) != 1 {
		p.ReturnAt = later(p.ReturnAt, p.arrived().Add(time.Hour))
		return
	}
	one := w.parcel(fields{"delivered_at": p.ReturnAt.AddDate(0, 0, -3).Format(time.RFC3339)}, "delivered", false)
	p.Placed = time.Time{}
	w.placeBefore(p, f, one)
	p.Promised, p.Parcels = promised(fields{}, one), []Parcel{one}
}

// arrived is when the last parcel came, by its last scan.
func (p *Plan) arrived() (at time.Time) {
	for _, one := range p.Parcels {
		if n := len(one.Scans); n > 0 {
			at = later(at, one.Scans[n-1].At)
		}
	}
	return at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
