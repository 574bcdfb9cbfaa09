package main

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/idem"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// simSeat is a shopper at a checkout.
type simSeat struct {
	view     *checkout.View
	used     []simTry
	payments []uuid.UUID       // that want the buyer to do something
	told     map[string]string // the order that a key was answered with
}

// simTry is a payment that was tried under a key.
type simTry struct {
	key    string
	method payment.Method
	token  string
}

// simCart is a cart that may be open in several tabs.
type simCart struct {
	id     uuid.UUID
	secret string
}

var simShopping = []simStep{
	{"start", 14, (*sim).start},
	{"change", 4, (*sim).change},
	{"pay", 22, (*sim).pay},
	{"authenticate", 5, (*sim).authenticate},
	{"give up", 2, (*sim).giveUp},
}

// sit finds a shopper, and lets one come when there is none.
func (s *sim) sit() (*simSeat, bool) {
	if len(s.seats) == 0 {
		s.start()
	}
	if len(s.seats) == 0 {
		return nil, false
	}
	// Whoever came last does most.
	i := len(s.seats) - 1 - min(s.rnd.IntN(len(s.seats)), s.rnd.IntN(len(s.seats)))
	s.note("by %d", i)
	return s.seats[i], true
}

func (s *sim) start() {
	email := fmt.Sprintf("buyer%d@example.com", s.rnd.IntN(5))
	q := checkout.Request{Merchant: s.shop, Locale: one(s, "en", "hy", "km"), Form: checkout.Form{
		Email: &email, Shipping: &customer.Address{Name: "Ani", Line1: "Abovyan 1", City: "Yerevan", Country: "AM"},
	}}
	if code := one(s, "", "", "TWICE", "EACH"); code != "" {
		q.Form.Codes = &[]string{code}
		s.note("%s", code)
	}
	if len(s.carts) > 0 && s.chance(0.2) {
		i := s.rnd.IntN(len(s.carts))
		s.note("from old cart %d", i)
		q.CartID, q.CartSecret = &s.carts[i].id, s.carts[i].secret
	} else {
		var items []cart.Item
		for range 1 + s.rnd.IntN(3) {
			items = append(items, cart.Item{SKU: one(s, "MUG", "MUG", "TEA", "CARD", "POT"), Quantity: int64(1 + s.rnd.IntN(3))})
		}
		s.note("%v", items)
		if s.chance(0.4) {
			v, err := s.h.carts.Create(s.ctx, s.shop, cart.NewCart{Items: items})
			if err != nil {
				s.came(err)
				return
			}
			s.carts = append(s.carts, simCart{v.ID, v.Secret})
			q.CartID, q.CartSecret = &v.ID, v.Secret
			s.note("in cart %d", len(s.carts)-1)
		}
		if q.CartID == nil {
			for _, i := range items {
				q.Items = append(q.Items, checkout.Item{SKU: i.SKU, Quantity: i.Quantity})
			}
		}
	}
	v, err := s.h.checkouts.Start(s.ctx, q)
	if err == nil {
		s.seats = append(s.seats, &simSeat{view: v, told: map[string]string{}})
		s.note("shopper %d", len(s.seats)-1)
	}
	s.came(err)
}

func (s *sim) access(seat *simSeat) checkout.Access {
	return checkout.Access{Merchant: s.shop, Secret: seat.view.Secret}
}

func (s *sim) change() {
	seat, ok := s.sit()
	if !ok {
		return
	}
	f := checkout.Form{Codes: &[]string{}}
	if code := one(s, "", "TWICE", "EACH", "NONE"); code != "" {
		f.Codes = &[]string{code}
	}
	s.note("%v", *f.Codes)
	v, err := s.h.checkouts.Change(s.ctx, s.access(seat), seat.view.ID, f)
	if err == nil {
		v.Secret = seat.view.Secret
		seat.view = v
	}
	s.came(err)
}

func (s *sim) pay() {
	seat, ok := s.sit()
	if !ok {
		return
	}
	try := simTry{method: payment.Card}
	if len(seat.used) > 0 && s.chance(0.4) {
		try = one(s, seat.used...)
		if s.note("again"); s.chance(0.2) {
			try.token = sandbox.Visa
		}
	} else {
		s.keys++
		try.key = fmt.Sprint("key", s.keys)
		switch one(s, "card", "card", "card", "card", "cash", "transfer", "back") {
		case "card":
			try.token = one(s, append(sandbox.Tokens(), sandbox.Visa, sandbox.Visa, sandbox.Visa)...)
		case "cash":
			try.method = payment.CashOnDelivery
		case "transfer":
			try.method = payment.BankTransfer
		}
		seat.used = append(seat.used, try)
	}
	s.note("%s %s %s", try.key, try.method, try.token)
	out, err := s.h.checkouts.Complete(s.ctx, checkout.Completion{
		Who: s.access(seat), Checkout: seat.view.ID,
		Key: idem.Key{Merchant: s.shop, Key: try.key, Hash: []byte(string(try.method) + try.token)}, Payment: checkout.Payment{Method: try.method, Token: try.token},
	})
	number := ""
	switch {
	case out.Order != nil:
		number = out.Order.Number
	case out.Action != nil:
		s.note("asked to authenticate")
		seat.payments = append(seat.payments, out.PaymentID)
	case out.Replay != nil && out.Replay.Status == http.StatusOK:
		var body struct {
			Order struct{ Number string }
		}
		s.must(json.Unmarshal(out.Replay.Body, &body))
		number = body.Order.Number
		s.note("as before")
	}
	if old := seat.told[try.key]; number != "" && old != "" && old != number {
		s.wrong = append(s.wrong, "one key was answered with two orders")
	}
	if number != "" {
		seat.told[try.key] = number
		s.note("ordered")
	}
	s.came(err)
}

func (s *sim) authenticate() {
	var asked []*simSeat
	for _, seat := range s.seats {
		if len(seat.payments) > 0 {
			asked = append(asked, seat)
		}
	}
	seat, ok := newest(s, asked)
	if !ok {
		return
	}
	well := s.chance(0.75)
	s.note("%v", well)
	p := one(s, seat.payments...)
	err := s.h.gateway.Authenticate(p.String(), well)
	if s.came(err); err == nil && s.chance(0.5) { // else only the webhook tells
		s.came(s.h.settle(s.ctx, s.shop, p))
	}
}

func (s *sim) giveUp() {
	seat, ok := s.sit()
	if !ok {
		return
	}
	_, err := s.h.checkouts.Cancel(s.ctx, s.access(seat), seat.view.ID, "timing_deferred")
	s.came(err)
}
