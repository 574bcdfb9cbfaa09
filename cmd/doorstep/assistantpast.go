package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/cmd/doorstep/cases"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/shipping"
)

// usualPolicy is how the world's shop delivers on its day.
func usualPolicy(store cases.Store) object {
	methods := []object{{
		"id": "standard", "name": object{"en": "Standard delivery", "hy": "Սովորական առաքում", "km": "ការដឹកជញ្ជូនធម្មតា"},
		"price": object{"type": "flat", "amount": 390}, "transit_business_days": object{"min": 3, "max": 7},
	}}
	document := object{
		"version": "shipping-policy/v1", "currency": store.Currency,
		"origins": []object{{"id": "main", "kind": "warehouse", "timezone": "UTC", "cutoff": "14:00"}},
	}
	if len(store.Express) > 0 {
		var countries []object
		for _, c := range store.Express {
			countries = append(countries, object{"country": c})
		}
		document["zones"] = []object{{"id": "express", "match": countries}}
		methods = append(methods, object{
			"id": "express", "name": object{"en": "Express", "hy": "Արագ առաքում", "km": "ដឹកជញ្ជូនរហ័ស"}, "zones": []string{"express"},
			"price": object{"type": "flat", "amount": 1290}, "transit_business_days": object{"min": 1, "max": 2},
		})
	}
	document["methods"] = methods
	return document
}

// policyFor lets an order that is placed now arrive on the promised day, at the
// price that its sums want.
func policyFor(p *cases.Plan, now time.Time) object {
	const day = 24 * time.Hour
	days := int64(p.Promised.Truncate(day).Sub(now.Truncate(day)) / day)
	return object{
		"version": "shipping-policy/v1", "currency": p.Currency,
		"origins": []object{{"id": "main", "kind": "warehouse", "timezone": "UTC", "workdays": []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}}},
		"methods": []object{{
			"id": "standard", "name": object{"en": "Standard delivery", "hy": "Սովորական առաքում", "km": "ការដឹកជញ្ជូនធម្មតា"}, "carrier": "haypost",
			"price": object{"type": "flat", "amount": p.Shipping}, "transit_business_days": object{"min": max(days-2, 0), "max": min(max(days, 0), 365)},
		}},
	}
}

// deeds is what a plan says, as things that happen.
func (s *stage) deeds(p *cases.Plan) []deed {
	name := p.Order.Name
	all := []deed{{p.Placed, "to place the order " + name, func(ctx context.Context) error { return s.buy(ctx, p) }}}
	for i := range p.Parcels {
		all = append(all, s.parcelDeeds(p, &p.Parcels[i])...)
	}
	if !p.Canceled.IsZero() {
		all = append(all, deed{p.Canceled, "to cancel the order " + name, func(ctx context.Context) error {
			_, err := s.h.orders.Cancel(ctx, s.merchant, s.orders[name], "customer_changed_mind", "buyer")
			return err
		}})
	}
	if p.Return != "" {
		all = append(all, s.returnDeeds(p)...)
	}
	if p.Exchange {
		all = append(all, deed{p.ReturnAt, "to exchange the order " + name, func(ctx context.Context) error { return s.exchange(ctx, p) }})
	}
	if p.Claim != "" {
		all = append(all, deed{p.ReturnAt, "to claim the order " + name, func(ctx context.Context) error { return s.claim(ctx, p) }})
	}
	if p.Refund > 0 {
		all = append(all, deed{p.RefundAt, "to refund the order " + name, func(ctx context.Context) error {
			_, err := s.h.orders.Refund(ctx, s.merchant, s.orders[name], order.NewRefund{ID: id.New(), Amount: p.Refund, Reason: "goodwill"})
			return err
		}})
	}
	return all
}

// buy places the order of a plan through the API, as its customer does.
func (s *stage) buy(ctx context.Context, p *cases.Plan) error {
	if err := s.policy(ctx, policyFor(p, s.h.clock.Now())); err != nil {
		return err
	}
	who := s.world.Customer(p.Order.Customer)
	if who == nil {
		s.warn("order %s: nobody is called %s, so a stranger has it", p.Order.Name, p.Order.Customer)
		who = &cases.Customer{Key: p.Order.Customer, Name: p.Order.Customer, Email: strings.ToLower(p.Order.Customer) + "@example.com"}
	}
	var items []object
	for _, i := range p.Items {
		if err := s.price(ctx, i.Title, i.Price, p.Currency); err != nil {
			return err
		}
		items = append(items, object{"sku": s.shelf[strings.ToLower(i.Title)].Variants[0].SKU, "quantity": i.Quantity})
	}
	language := who.Language
	if !slices.Contains([]string{"en", "hy", "km"}, language) {
		language = "en"
	}
	c, err := s.call.want(ctx, http.StatusCreated, http.MethodPost, "/v1/checkouts", object{
		"items": items, "currency": p.Currency, "email": who.Email, "locale": language, "shipping_address": s.world.Address(p.Order, who),
	})
	if err != nil {
		return err
	}
	pay := object{"method": p.Method}
	if p.Method == "card" {
		pay["token"] = "tok_visa"
	}
	total := c.at("totals.total")
	for _, offered := range c.list("payment_methods") {
		if o, ok := offered.(map[string]any); ok && o["method"] == p.Method {
			total = o["total"]
		}
	}
	placed, err := s.call.want(ctx, http.StatusOK, http.MethodPost, "/v1/checkouts/"+c.text("id")+"/complete", object{"payment": pay, "expected_total": total},
		"Checkout-Secret", c.text("secret"), "Idempotency-Key", id.Secret(12))
	if err != nil {
		return err
	}
	made, err := uuid.Parse(placed.text("order.id"))
	if err != nil {
		return err
	}
	s.orders[p.Order.Name], s.real[p.Order.Name], s.held[made] = made, placed.text("order.number"), p.Stage == cases.Authorized
	if p.Method == "bank_transfer" && p.Stage != cases.Pending {
		return s.transfer(ctx, p)
	}
	return nil
}

// transfer lets the money of a transfer arrive.
func (s *stage) transfer(ctx context.Context, p *cases.Plan) error {
	all, err := s.h.payments.OfOrder(ctx, s.merchant, s.orders[p.Order.Name])
	if err != nil {
		return err
	}
	for i := range all {
		if _, err := s.h.orders.CaptureDue(ctx, s.merchant, all[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// parcelDeeds lets a parcel leave and its carrier speak.
func (s *stage) parcelDeeds(p *cases.Plan, one *cases.Parcel) []deed {
	name := p.Order.Name
	var sent *shipping.Shipment
	all := []deed{{one.Left, "to ship the order " + name, func(ctx context.Context) (err error) {
		o, err := s.h.orders.Order(ctx, s.merchant, s.orders[name])
		if err != nil {
			return err
		}
		n := order.NewShipment{Carrier: "haypost", TrackingNumber: "RR" + strings.ToUpper(id.Secret(6))}
		for _, l := range o.Lines {
			if len(one.Items) > 0 && slices.ContainsFunc(one.Items, func(t string) bool { return strings.EqualFold(t, l.Title) }) {
				n.Lines = append(n.Lines, order.LineQuantity{LineID: l.ID, Quantity: l.Quantity - l.Shipped})
			}
		}
		if sent, err = s.h.orders.Ship(ctx, s.merchant, o.ID, n); err != nil || one.Expected.IsZero() {
			return err
		}
		return s.h.shipping.RecordNews(ctx, s.merchant, sent.ID, nil, one.Expected)
	}}}
	for _, scan := range one.Scans {
		all = append(all, deed{scan.At, "to scan a parcel of the order " + name, func(ctx context.Context) error {
			e := shipping.TrackingEvent{Status: shipping.Tracking(scan.Word), OccurredAt: scan.At, Location: scan.Place}
			_, err := s.h.shipping.RecordEvent(ctx, s.merchant, sent.ID, e)
			return err
		}})
	}
	return all
}

// returnDeeds lets all that was bought come back as far as the plan says.
func (s *stage) returnDeeds(p *cases.Plan) []deed {
	name, merchant := p.Order.Name, s.merchant
	var back *order.Return
	steps := []struct {
		stage string
		do    func(ctx context.Context) error
	}{
		{cases.ReturnRequested, func(ctx context.Context) error {
			o, err := s.h.orders.Order(ctx, merchant, s.orders[name])
			if err != nil {
				return err
			}
			n := order.NewReturn{ID: id.New(), Source: order.ByCustomer, Late: true}
			for _, l := range o.Lines {
				n.Lines = append(n.Lines, order.ReturnLine{LineID: l.ID, Quantity: l.Quantity, Reason: "unwanted"})
			}
			back, err = s.h.orders.RequestReturn(ctx, merchant, o.ID, n, "buyer")
			return err
		}},
		{cases.ReturnApproved, func(ctx context.Context) error {
			if back.Status != order.ReturnRequested {
				return nil
			}
			_, err := s.h.orders.ApproveReturn(ctx, merchant, back.ID, "merchant")
			return err
		}},
		{cases.ReturnSent, func(ctx context.Context) error {
			_, err := s.h.orders.SendReturn(ctx, merchant, back.ID, "haypost", "RR"+strings.ToUpper(id.Secret(6)), "merchant")
			return err
		}},
		{cases.ReturnReceived, func(ctx context.Context) error {
			_, err := s.h.orders.ReceiveReturn(ctx, merchant, back.ID, nil, "merchant")
			return err
		}},
		{cases.ReturnInspected, func(ctx context.Context) error {
			_, err := s.h.orders.InspectReturn(ctx, merchant, back.ID, nil, "merchant")
			return err
		}},
		{cases.ReturnRefunded, func(ctx context.Context) error {
			_, err := s.h.orders.RefundReturn(ctx, merchant, back.ID, order.ReturnRefund{Shipping: p.RefundsShipping}, "merchant")
			return err
		}},
	}
	rejected := p.Return == cases.ReturnRejected
	var all []deed
	for i, step := range steps {
		at := p.ReturnAt.Add(time.Duration(i) * time.Minute)
		if step.stage == cases.ReturnRefunded {
			at = p.RefundAt
		}
		all = append(all, deed{at, "the return of the order " + name + " (" + step.stage + ")", step.do})
		if rejected {
			return append(all, deed{at.Add(time.Hour), "to refuse the return of the order " + name, func(ctx context.Context) error {
				_, err := s.h.orders.RejectReturn(ctx, merchant, back.ID, "not_as_sold", "merchant")
				return err
			}})
		}
		if step.stage == p.Return {
			break
		}
	}
	return all
}

// exchange asks for the first line of an order anew.
func (s *stage) exchange(ctx context.Context, p *cases.Plan) error {
	o, err := s.h.orders.Order(ctx, s.merchant, s.orders[p.Order.Name])
	if err != nil {
		return err
	}
	l := o.Lines[0]
	_, err = s.h.orders.RequestExchange(ctx, s.merchant, o.ID, order.NewExchange{ID: id.New(), Lines: []order.ExchangeLine{
		{LineID: l.ID, Quantity: l.Quantity, Reason: "too_small", SKU: l.SKU},
	}}, "buyer")
	return err
}

// claim says that an order did not come as it should.
func (s *stage) claim(ctx context.Context, p *cases.Plan) error {
	o, err := s.h.orders.Order(ctx, s.merchant, s.orders[p.Order.Name])
	if err != nil {
		return err
	}
	kind := "lost"
	if slices.Contains(order.ClaimKinds(), p.Claim) {
		kind = p.Claim
	}
	n := order.NewClaim{ID: id.New(), Kind: kind}
	for _, l := range o.Lines {
		n.Lines = append(n.Lines, order.LineQuantity{LineID: l.ID, Quantity: l.Quantity})
	}
	_, err = s.h.orders.OpenClaim(ctx, s.merchant, o.ID, n, "buyer")
	return err
}
