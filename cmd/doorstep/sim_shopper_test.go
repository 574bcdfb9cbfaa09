package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/internal/killpoint/toll"
	"doorstep/internal/money"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// simSeat is a shopper at a checkout.
type simSeat struct {
	view        *checkout.View
	email, code string
	wish        map[string]int64 // units by SKU
	doubt       bool             // a change was cut off, and the page not opened again
	used        []simTry
	payments    []uuid.UUID        // that want the buyer to do something
	told        map[string]simTold // by key
}

// simTry is a payment that was tried under a key.
type simTry struct {
	key    string
	method payment.Method
	token  string
	at     time.Time
}

// hash stands for the body of the request.
func (t simTry) hash() []byte { return []byte(string(t.method) + t.token) }

// simTold is the order that a key was answered with.
type simTold struct {
	number string
	bytes  []byte // the answer as it was stored, once it has come again
	kept   bool   // the answer was stored under the key
	hash   []byte // the request that it was
	at     time.Time
}

// simCart is a cart that may be open in several tabs.
type simCart struct {
	id     uuid.UUID
	secret string
	wish   map[string]int64
}

var simShopping = []simStep{
	{"start", 6, (*sim).start},
	{"buy", 18, (*sim).buy},
	{"change", 4, (*sim).change},
	{"pay", 14, (*sim).pay},
	{"authenticate", 6, (*sim).authenticate},
	{"give up", 1, (*sim).giveUp},
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

func (s *sim) start() { s.arrive() }

// arrive lets a shopper come and open a checkout.
func (s *sim) arrive() (*simSeat, bool) {
	seat := &simSeat{email: fmt.Sprintf("buyer%d@example.com", s.rnd.IntN(5)), told: map[string]simTold{}, wish: map[string]int64{}}
	q := checkout.Request{Merchant: s.shop, Locale: one(s, "en", "hy", "km"), Form: checkout.Form{
		Email: &seat.email, Shipping: &customer.Address{Name: "Ani", Line1: "Abovyan 1", City: "Yerevan", Country: "AM"},
	}}
	if seat.code = one(s, "", "", "TWICE", "EACH"); seat.code != "" {
		q.Form.Codes = &[]string{seat.code}
		s.note("%s", seat.code)
	}
	if len(s.carts) > 0 && s.chance(0.2) {
		i := s.rnd.IntN(len(s.carts))
		s.note("from old cart %d", i)
		q.CartID, q.CartSecret, seat.wish = &s.carts[i].id, s.carts[i].secret, maps.Clone(s.carts[i].wish)
	} else {
		var items []cart.Item
		for range 1 + s.rnd.IntN(3) {
			items = append(items, cart.Item{SKU: one(s, "MUG", "MUG", "TEA", "CARD", "POT"), Quantity: int64(1 + s.rnd.IntN(3))})
		}
		for _, i := range items {
			seat.wish[i.SKU] += i.Quantity
		}
		s.note("%v", items)
		if s.chance(0.4) {
			v, err := s.h.carts.Create(s.ctx, s.shop, cart.NewCart{Items: items})
			if err != nil {
				s.came(err)
				return nil, false
			}
			s.carts = append(s.carts, simCart{v.ID, v.Secret, maps.Clone(seat.wish)})
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
		seat.view = v
		s.seats = append(s.seats, seat)
		s.note("shopper %d", len(s.seats)-1)
		s.shown(seat)
	}
	s.came(err)
	return seat, err == nil
}

// buy is what most shoppers do: come, see and pay.
func (s *sim) buy() {
	seat, ok := s.arrive()
	if !ok {
		return
	}
	try := simTry{method: payment.Card, token: sandbox.Visa}
	switch one(s, "visa", "visa", "visa", "visa", "visa", "3ds", "card", "cash", "transfer") {
	case "3ds":
		try.token = sandbox.ThreeDSecure
	case "card":
		try.token = one(s, sandbox.Tokens()...)
	case "cash":
		try.method, try.token = payment.CashOnDelivery, ""
	case "transfer":
		try.method, try.token = payment.BankTransfer, ""
	}
	s.tries(seat, s.named(seat, try))
}

// named gives a try a key of its own.
func (s *sim) named(seat *simSeat, try simTry) simTry {
	s.keys++
	try.key, try.at = fmt.Sprint("key", s.keys), s.clock.Now()
	seat.used = append(seat.used, try)
	return try
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
	code := one(s, "", "TWICE", "EACH", "NONE")
	if code != "" {
		f.Codes = &[]string{code}
	}
	s.note("%v", *f.Codes)
	v, err := s.h.checkouts.Change(s.ctx, s.access(seat), seat.view.ID, f)
	if err == nil {
		seat.code, seat.doubt = code, false
		s.sees(seat, v)
	} else if _, perhaps := s.ended(err); perhaps {
		seat.doubt = true
	}
	s.came(err)
}

// sees puts what the shop shows before a shopper.
func (s *sim) sees(seat *simSeat, v *checkout.View) {
	v.Secret = seat.view.Secret
	seat.view = v
	s.shown(seat)
}

// looks opens the page of the checkout again.
func (s *sim) looks(seat *simSeat) {
	v, err := s.h.checkouts.View(s.ctx, s.access(seat), seat.view.ID)
	if err == nil && v.OrderID == nil && v.Totals.Total > 0 {
		seat.code, seat.doubt = "", false
		for _, d := range v.Totals.Discounts {
			seat.code = d.Code
		}
		s.sees(seat, v)
	}
}

func (s *sim) pay() {
	seat, ok := s.sit()
	if !ok {
		return
	}
	if len(seat.used) > 0 && s.chance(0.5) {
		try := one(s, seat.used...)
		if s.note("again"); s.chance(0.35) {
			s.note("with another body")
			s.tries(seat, try.other())
			return
		}
		s.tries(seat, try)
		return
	}
	try := simTry{method: payment.Card}
	switch one(s, "card", "card", "card", "cash", "transfer", "back") {
	case "card":
		try.token = one(s, append(sandbox.Tokens(), sandbox.Visa, sandbox.Visa, sandbox.Visa)...)
	case "cash":
		try.method = payment.CashOnDelivery
	case "transfer":
		try.method = payment.BankTransfer
	}
	s.tries(seat, s.named(seat, try))
}

// other is another request under the same key.
func (t simTry) other() simTry {
	switch {
	case t.method != payment.Card:
		t.method, t.token = payment.Card, sandbox.Visa
	case t.token == sandbox.Visa:
		t.method, t.token = payment.CashOnDelivery, ""
	default:
		t.token = sandbox.Visa
	}
	return t
}

// tries sends a request to pay, and holds the answer against what is known of
// its key.
func (s *sim) tries(seat *simSeat, try simTry) {
	s.note("%s %s %s", try.key, try.method, try.token)
	if seat.doubt {
		s.looks(seat)
	}
	key := idem.Key{Merchant: s.shop, Key: try.key, Hash: try.hash()}
	var before idem.State
	s.must(s.h.db.Read(s.t.Context(), idem.Lookup(key, &before)))
	c := checkout.Completion{Who: s.access(seat), Checkout: seat.view.ID, Key: key, Payment: checkout.Payment{Method: try.method, Token: try.token}}
	if s.chance(0.7) {
		c.Expected = &money.Amount{Minor: seat.promised(try.method), Currency: "EUR"}
	}
	out, err := s.h.checkouts.Complete(s.ctx, c)
	number, stored := "", []byte(nil)
	switch {
	case out.Order != nil:
		number = out.Order.Number
		s.bought(seat, out.Order)
	case out.Action != nil:
		s.note("asked to authenticate")
		seat.payments = append(seat.payments, out.PaymentID)
	case out.Replay != nil && out.Replay.Status == http.StatusOK:
		var body struct {
			Order struct{ Number string }
		}
		s.must(json.Unmarshal(out.Replay.Body, &body))
		number, stored = body.Order.Number, out.Replay.Body
		s.note("as before")
	}
	s.keyed(seat, try, before, number, err)
	if number != "" {
		known := seat.told[try.key]
		switch {
		case known.number != "" && known.number != number:
			s.harm(toll.Doubled, "%s was answered with two orders", try.key)
		case known.bytes != nil && stored != nil && !bytes.Equal(known.bytes, stored):
			s.harm(toll.Wrong, "%s was answered with %s and then with %s", try.key, known.bytes, stored)
		case stored == nil:
			stored = known.bytes
		}
		var after idem.State
		s.must(s.h.db.Read(s.t.Context(), idem.Lookup(key, &after)))
		seat.told[try.key] = simTold{number: number, bytes: stored, kept: known.kept || after.Done, hash: try.hash(), at: try.at}
		s.note("ordered")
	}
	if fault.Is(err, checkout.ErrTotalChanged) {
		s.looks(seat)
	}
	s.came(err)
}

// keyed demands that a key stands for one request as long as it is kept.
func (s *sim) keyed(seat *simSeat, try simTry, before idem.State, number string, err error) {
	if s.ctx.Err() != nil || fault.Is(err, db.ErrBusy) {
		return
	}
	same := !before.Known || bytes.Equal(before.Hash, try.hash())
	told := seat.told[try.key]
	conflict := fault.Is(err, idem.ErrConflict)
	if conflict {
		s.tally["another body"]++
	}
	again := bytes.Equal(told.hash, try.hash())
	switch fresh := told.number != "" && s.clock.Now().Sub(told.at) < idem.Kept; {
	case conflict && (fault.KindOf(err) != fault.Invalid || same):
		s.harm(toll.Wrong, "%s is said to stand for another request: %v", try.key, err)
	case !same && !conflict:
		s.harm(toll.Wrong, "%s stands for another request, and came to %q %v", try.key, number, err)
	case fresh && told.kept && !again && !conflict:
		s.harm(toll.Wrong, "%s was answered before, and another request under it came to %q %v", try.key, number, err)
	case fresh && again && number == "":
		s.harm(toll.Lost, "%s was answered with an order before, and now with %v", try.key, err)
	}
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
