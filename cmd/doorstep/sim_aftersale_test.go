package main

import (
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/shipping"
)

// simAfterSale is what happens to orders that stand.
var simAfterSale = []simStep{
	{"ship", 12, (*sim).ship},
	{"parcel", 10, (*sim).track},
	{"edit", 4, (*sim).edit},
	{"want to return", 7, (*sim).wantReturn},
	{"return", 16, (*sim).stepReturn},
	{"claim", 5, (*sim).openClaim},
	{"look at claim", 8, (*sim).stepClaim},
	{"want to exchange", 5, (*sim).wantExchange},
	{"exchange", 9, (*sim).stepExchange},
}

func (s *sim) ship() {
	o, ok := s.placed()
	if !ok {
		return
	}
	n := order.NewShipment{Carrier: "haypost"}
	if s.chance(0.4) {
		n.Lines = s.units(o)
	}
	parcel, err := s.h.orders.Ship(s.ctx, s.shop, o.ID, n)
	if err == nil {
		s.parcels = append(s.parcels, parcel.ID)
		s.note("parcel %d", len(s.parcels)-1)
	}
	s.came(err)
}

// newest finds one of those that came, mostly a late one.
func newest[E any](s *sim, all []E) (none E, ok bool) {
	if len(all) == 0 {
		return none, false
	}
	i := len(all) - 1 - min(s.rnd.IntN(len(all)), s.rnd.IntN(len(all)))
	s.note("%d", i)
	return all[i], true
}

func (s *sim) track() {
	parcel, ok := newest(s, s.parcels)
	if !ok {
		return
	}
	word := one(s, shipping.TrackPickedUp, shipping.TrackInTransit, shipping.TrackOutForDelivery, shipping.TrackDelivered, shipping.TrackDelivered,
		shipping.TrackDelivered, shipping.TrackFailed, shipping.TrackReturned, shipping.TrackCancelled)
	at := s.clock.Now().Add(-time.Duration(s.rnd.IntN(120)) * time.Minute)
	s.note("%s", word)
	for range one(s, 1, 1, 1, 2) {
		_, err := s.h.shipping.RecordEvent(s.ctx, s.shop, parcel, shipping.TrackingEvent{Status: word, OccurredAt: at})
		s.came(err)
	}
}

func (s *sim) edit() {
	o, ok := s.placed()
	if !ok {
		return
	}
	n := order.OrderEdit{ID: id.New(), Reason: "asked for"}
	if s.chance(0.7) {
		n.Add = []order.AddUnits{{SKU: one(s, "MUG", "TEA", "CARD"), Quantity: int64(1 + s.rnd.IntN(2))}}
		s.note("add %v", n.Add)
	}
	if len(n.Add) == 0 || s.chance(0.3) {
		n.Remove = s.units(o)
	}
	s.edits(o, n)
}

// edits asks for an edit, now and then twice under its name.
func (s *sim) edits(o *order.Order, n order.OrderEdit) {
	d := s.about(o)
	d.touched = true
	var first *order.EditResult
	var failed error
	surely, perhaps := false, false
	for i := range one(s, 1, 1, 1, 2) {
		done, err := s.h.orders.Edit(s.ctx, s.shop, o.ID, n, "merchant")
		yes, may := s.ended(err)
		surely, perhaps = surely || yes, perhaps || may
		if i == 0 {
			first, failed = done, err
		} else if failed == nil && err == nil {
			s.repeated("an edit", first.Difference, done.Difference, failed, err)
		}
		s.came(err)
	}
	if !perhaps {
		return
	}
	for _, a := range n.Add {
		ranged(d.added, a.SKU).add(a.Quantity, surely)
	}
	for _, u := range n.Remove {
		ranged(d.canceled, u.LineID).add(u.Quantity, surely)
	}
}

func (s *sim) wantReturn() {
	o, ok := s.sent()
	if !ok {
		return
	}
	s.about(o).touched = true
	n := order.NewReturn{ID: id.New(), Source: order.ByMerchant, Late: s.chance(0.5)}
	for _, u := range s.units(o) {
		n.Lines = append(n.Lines, order.ReturnLine{LineID: u.LineID, Quantity: u.Quantity, Reason: one(s, order.ReturnReasons()...)})
	}
	r, err := s.h.orders.RequestReturn(s.ctx, s.shop, o.ID, n, "merchant")
	if err == nil {
		s.returns = append(s.returns, r.ID)
		s.note("return %d", len(s.returns)-1)
	}
	s.came(err)
}

func (s *sim) stepReturn() {
	if which, ok := newest(s, s.returns); ok {
		for range one(s, 1, 2, 3) {
			s.moveReturn(which)
		}
	}
}

func (s *sim) moveReturn(which uuid.UUID) {
	r, err := s.h.orders.Return(s.t.Context(), s.shop, which)
	s.must(err)
	next := map[order.ReturnStatus]string{
		order.ReturnRequested: "approve", order.ReturnApproved: "receive", order.ReturnInTransit: "receive", order.ReturnReceived: "inspect", order.ReturnInspected: "refund",
	}[r.Status]
	what := one(s, next, next, next, next, "refund", "reject", "cancel", "send", "receive")
	s.note("%s", what)
	switch orders := s.h.orders; what {
	case "approve":
		_, err = orders.ApproveReturn(s.ctx, s.shop, which, "merchant")
	case "reject":
		_, err = orders.RejectReturn(s.ctx, s.shop, which, "no", "merchant")
	case "cancel":
		_, err = orders.CancelReturn(s.ctx, s.shop, which, "merchant")
	case "send":
		_, err = orders.SendReturn(s.ctx, s.shop, which, "haypost", "RR1", "merchant")
	case "receive":
		var counts []order.ReturnCount
		if l := r.Lines[0]; s.chance(0.4) {
			counts = []order.ReturnCount{{LineID: l.LineID, Quantity: 1 + s.rnd.Int64N(l.Quantity)}}
		}
		_, err = orders.ReceiveReturn(s.ctx, s.shop, which, counts, "merchant")
	case "inspect":
		var counts []order.ReturnCount
		if l := r.Lines[0]; s.chance(0.5) {
			bad := s.rnd.Int64N(l.Received + 1)
			counts = []order.ReturnCount{{LineID: l.LineID, Resellable: l.Received - bad, Damaged: bad}}
		}
		_, err = orders.InspectReturn(s.ctx, s.shop, which, counts, "merchant")
	case "refund":
		_, err = orders.RefundReturn(s.ctx, s.shop, which, order.ReturnRefund{FeeBps: one[int64](s, 0, 0, 1500), Shipping: s.chance(0.3)}, "merchant")
	}
	s.came(err)
}

func (s *sim) openClaim() {
	o, ok := s.sent()
	if !ok {
		return
	}
	s.about(o).touched = true
	c, err := s.h.orders.OpenClaim(s.ctx, s.shop, o.ID, order.NewClaim{ID: id.New(), Kind: one(s, order.ClaimKinds()...), Lines: s.units(o)}, "merchant")
	if err == nil {
		s.claims = append(s.claims, c.ID)
		s.note("claim %d", len(s.claims)-1)
	}
	s.came(err)
}

func (s *sim) stepClaim() {
	which, ok := newest(s, s.claims)
	if !ok {
		return
	}
	c, err := s.h.orders.Claim(s.t.Context(), s.shop, which)
	s.must(err)
	next := "approve"
	if c.Status == order.ClaimApproved {
		next = one(s, "pay", "pay some", "replace")
	}
	what := one(s, next, next, next, next, "approve", "deny", "cancel", "pay", "pay some", "replace")
	s.note("%s", what)
	switch orders := s.h.orders; what {
	case "approve":
		_, err = orders.ApproveClaim(s.ctx, s.shop, which, "merchant")
	case "deny":
		_, err = orders.DenyClaim(s.ctx, s.shop, which, "no", "merchant")
	case "cancel":
		_, err = orders.CancelClaim(s.ctx, s.shop, which, "merchant")
	case "pay":
		_, err = orders.ResolveClaim(s.ctx, s.shop, which, order.Resolution{Kind: order.ResolveRefund}, "merchant")
	case "pay some":
		_, err = orders.ResolveClaim(s.ctx, s.shop, which, order.Resolution{Kind: order.ResolveRefund, Amount: 1 + s.rnd.Int64N(1500)}, "merchant")
	case "replace":
		_, err = orders.ResolveClaim(s.ctx, s.shop, which, order.Resolution{Kind: order.ResolveReplacement}, "merchant")
	}
	s.came(err)
}

func (s *sim) wantExchange() {
	o, ok := s.sent()
	if !ok {
		return
	}
	s.about(o).touched = true
	n := order.NewExchange{ID: id.New()}
	sku := one(s, "MUG", "TEA", "POT", "CARD")
	for _, u := range s.units(o) {
		n.Lines = append(n.Lines, order.ExchangeLine{LineID: u.LineID, Quantity: u.Quantity, Reason: "too_small", SKU: sku})
	}
	var back uuid.UUID
	if s.chance(0.3) {
		if back, _ = newest(s, s.returns); back != uuid.Nil {
			n.ReturnID = &back
		}
	}
	s.note("for %s", sku)
	x, err := s.h.orders.RequestExchange(s.ctx, s.shop, o.ID, n, "merchant")
	if err == nil {
		s.exchanges = append(s.exchanges, x.ID)
		s.note("exchange %d", len(s.exchanges)-1)
	}
	s.came(err)
}

func (s *sim) stepExchange() {
	if which, ok := newest(s, s.exchanges); ok {
		for range one(s, 1, 2, 3) {
			s.moveExchange(which)
		}
	}
}

func (s *sim) moveExchange(which uuid.UUID) {
	x, err := s.h.orders.Exchange(s.t.Context(), s.shop, which)
	s.must(err)
	next := map[order.ExchangeStatus]string{
		order.ExchangeRequested: "approve", order.ExchangeApproved: "receive", order.ExchangeReceived: "send",
	}[x.Status]
	what := one(s, next, next, next, "pay", "pay", "cancel", "send")
	s.note("%s", what)
	switch orders := s.h.orders; what {
	case "approve":
		_, err = orders.ApproveExchange(s.ctx, s.shop, which, "merchant")
	case "receive":
		var damaged []order.ReturnCount
		if l := x.Lines[0]; s.chance(0.3) {
			damaged = []order.ReturnCount{{LineID: l.LineID, Damaged: s.rnd.Int64N(l.Quantity + 1)}}
		}
		_, err = orders.ReceiveExchange(s.ctx, s.shop, which, damaged, "merchant")
	case "pay":
		if x.PaymentID != nil {
			_, err = orders.CaptureDue(s.ctx, s.shop, *x.PaymentID)
		}
	case "cancel":
		_, err = orders.CancelExchange(s.ctx, s.shop, which, "merchant")
	case "send":
		_, err = orders.FulfillExchange(s.ctx, s.shop, which, order.NewShipment{Carrier: "haypost"}, "merchant")
		if err == nil {
			if x, err = orders.Exchange(s.ctx, s.shop, which); err == nil && x.ShipmentID != nil {
				s.parcels = append(s.parcels, *x.ShipmentID)
				s.note("parcel %d", len(s.parcels)-1)
			}
		}
	}
	s.came(err)
}
