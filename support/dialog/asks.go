package dialog

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"doorstep/support/phrase"
	"doorstep/support/skill"
	"doorstep/support/slot"
	"doorstep/support/understand"
)

// ask is one ask with the places of the messages that it was read from.
type ask struct {
	understand.Ask
	seqs []int
	// order is the number that was settled before.
	order string
}

// mostSeqs bounds how many messages one ask is put together from.
const mostSeqs = 4

// filled are the asks of the message: new ones, or the one that waits, with what the
// message gives it.
func (s *Service) filled(ctx context.Context, t *talk) ([]ask, error) {
	if err := s.named(ctx, t); err != nil {
		return nil, err
	}
	asks := t.coded(t.fresher())
	w := t.st.Wait
	if w == nil || w.For == "choice" {
		return s.bare(t, asks), nil
	}
	if len(t.reading.Acts) > 0 && len(asks) == 0 && !gives(t.reading.Slots, w.For) {
		return nil, nil // yes, no, thanks: see moved
	}
	if err := s.load(ctx, t); err != nil {
		return nil, err
	}
	reading, err := s.interpret(ctx, t.m.Text, string(t.lang), t.products())
	if err != nil {
		return nil, err
	}
	t.reading.Slots = reading.Slots
	given := gives(reading.Slots, w.For)
	for _, a := range asks {
		other := a.Level == understand.Sure && a.Intent != w.Intent
		if other && (!given || phrase.Acts(a.Intent) && w.For != "address" && w.For != "product" && w.For != "quantity") || a.Negated {
			return asks, nil // something else is asked for
		}
	}
	if !given && (w.For == forOrder || w.For == forProof || len(asks) == 0 && !reading.Scope.In && w.For != "address" && w.For != "product") {
		return s.bare(t, asks), nil
	}
	before, err := s.recall(ctx, t, *w)
	if err != nil {
		return nil, err
	}
	before.Slots = merged(before.Slots, reading.Slots)
	before.Text, before.Level, before.Confidence, before.Negated = reading.Text, understand.Sure, 1, false
	if len(before.seqs) < mostSeqs {
		before.seqs = append(slices.Clone(before.seqs), t.seq())
	}
	if len(reading.Slots.Orders) > 0 {
		before.order = "" // named anew
		before.Slots.Orders = reading.Slots.Orders
	}
	t.reply.Intents = []string{before.Intent}
	t.reply.Slots = slotsOf(reading.Slots, t.products())
	return []ask{before}, nil
}

// fresher are the asks of the message by itself.
func (t *talk) fresher() []ask {
	var asks []ask
	for _, a := range t.reading.Asks {
		asks = append(asks, ask{Ask: a, seqs: []int{t.seq()}})
	}
	return asks
}

// coded takes a message that names a code, and no order, to be about the code.
func (t *talk) coded(asks []ask) []ask {
	f := t.reading.Slots
	for i := range asks {
		a := &asks[i]
		if a.Intent == "payment_problem" && len(f.Coupons) > 0 && len(f.Orders) == 0 {
			a.Intent, a.Level = "promo_code", understand.Sure
			t.reply.Intents = []string{a.Intent}
		}
	}
	if len(asks) == 0 && !t.reading.Scope.In && len(f.Coupons) > 0 {
		t.reply.Intents = []string{"promo_code"}
		return []ask{{Ask: understand.Ask{Intent: "promo_code", Confidence: 1, Level: understand.Sure, Slots: f, Text: t.reading.Text}, seqs: []int{t.seq()}}}
	}
	return asks
}

// bare makes an ask of a message that is nothing but an order number: what was
// asked before, or where the order is.
func (s *Service) bare(t *talk, asks []ask) []ask {
	if len(asks) > 0 || len(t.reading.Slots.Orders) == 0 {
		return asks
	}
	intent := "order_status"
	if k := s.byIntent[t.st.Intent]; k != nil && k.Order == skill.OneOrder {
		intent = t.st.Intent
	}
	t.reply.Intents = []string{intent}
	return []ask{{
		Ask:  understand.Ask{Intent: intent, Confidence: 1, Level: understand.Sure, Slots: t.reading.Slots, Text: t.reading.Text},
		seqs: []int{t.seq()},
	}}
}

// gives says whether a message holds what is waited for.
func gives(f slot.Found, what string) bool {
	switch what {
	case forOrder, forProof:
		return len(f.Orders) > 0 || len(f.Products) > 0
	case "address":
		return f.Address != nil
	case "product":
		return len(f.Products) > 0
	case "quantity":
		return len(f.Quantities) > 0
	case "email":
		return len(f.Emails) > 0
	case "reason":
		return f.Reason != ""
	}
	return false
}

// recall reads the ask that waits from the messages that it came in.
func (s *Service) recall(ctx context.Context, t *talk, w wait) (ask, error) {
	a := ask{Ask: understand.Ask{Intent: w.Intent, Level: understand.Sure, Confidence: 1}, seqs: w.Seqs, order: w.Order}
	for _, seq := range w.Seqs {
		body, err := s.c.Store.Body(ctx, t.m.Merchant, t.conv.ID, seq)
		if err != nil {
			return a, err
		}
		r, err := s.interpret(ctx, body, string(t.lang), t.products())
		if err != nil {
			return a, err
		}
		found, text := r.Slots, r.Text
		for _, b := range r.Asks {
			if b.Intent == w.Intent {
				found, a.Keep, text = b.Slots, b.Keep, b.Text
			}
		}
		a.Slots, a.Text = merged(a.Slots, found), strings.TrimSpace(a.Text+"\n"+text)
	}
	return a, nil
}

// merged is what two messages name together; the later one counts where both do.
func merged(before, now slot.Found) slot.Found {
	if len(now.Orders) > 0 {
		before.Orders = now.Orders
	}
	if len(now.Emails) > 0 {
		before.Emails = now.Emails
	}
	if len(now.Coupons) > 0 {
		before.Coupons = now.Coupons
	}
	if len(now.Amounts) > 0 {
		before.Amounts = now.Amounts
	}
	if len(now.Quantities) > 0 {
		before.Quantities = now.Quantities
	}
	if now.Address != nil {
		before.Address = now.Address
	}
	if len(now.Products) > 0 {
		before.Products = now.Products
	}
	if now.Reason != "" {
		before.Reason = now.Reason
	}
	return before
}

// named reads the message again with the names of what the writer has bought, where
// it asks for something that these matter for.
func (s *Service) named(ctx context.Context, t *talk) error {
	matters := slices.ContainsFunc(t.reading.Asks, func(a understand.Ask) bool {
		k := s.byIntent[a.Intent]
		return k != nil && k.Order != skill.NoOrder
	})
	if !matters || t.who.Level == skill.Anonymous {
		return nil
	}
	if err := s.load(ctx, t); err != nil || len(t.orders) == 0 {
		return err
	}
	reading, err := s.interpret(ctx, t.m.Text, string(t.lang), t.products())
	if err != nil {
		return err
	}
	t.reading = reading
	t.reply.Slots = slotsOf(reading.Slots, t.products())
	return nil
}

// mostOrders is how many of the writer's orders are looked at.
const mostOrders = 20

// load reads the writer's own orders, once in a turn.
func (s *Service) load(ctx context.Context, t *talk) (err error) {
	if t.read || t.who.Level == skill.Anonymous {
		return nil
	}
	t.orders, err = s.c.Orders.Own(ctx, t.m.Merchant, t.who, mostOrders)
	t.read = err == nil
	return err
}

// products are the names of what the writer has bought.
func (t *talk) products() []string {
	var names []string
	for _, o := range t.orders {
		for _, l := range o.Lines {
			if l.Title != "" && !slices.Contains(names, l.Title) {
				names = append(names, l.Title)
			}
		}
	}
	return names
}

// slotsOf are the names and values of slots for programs; products are the names
// that were looked for.
func slotsOf(f slot.Found, products []string) map[string][]string {
	all := map[string][]string{}
	add := func(name, value string) {
		if value != "" && !slices.Contains(all[name], value) {
			all[name] = append(all[name], value)
		}
	}
	for _, o := range f.Orders {
		add("order", o.Number)
	}
	for _, e := range f.Emails {
		add("email", e.Text)
	}
	for _, c := range f.Coupons {
		add("coupon", c.Text)
	}
	for _, a := range f.Amounts {
		add("amount", strings.TrimSpace(a.Decimal+" "+a.Currency))
	}
	for _, q := range f.Quantities {
		add("quantity", strconv.Itoa(q.Value))
	}
	for _, p := range f.Products {
		if p.Index < len(products) {
			add("product", products[p.Index])
		}
	}
	if f.Address != nil {
		add("address", f.Address.Raw)
	}
	add("reason", f.Reason)
	return all
}
