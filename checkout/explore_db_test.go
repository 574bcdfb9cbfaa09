package checkout_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// scene is a checkout of the last mug from a cart that is open in a second tab
// too, with a code that serves one order and a gift card that pays a part, and a
// rival who wants the same mug.
type scene struct {
	*world
	v, tab, rival *checkout.View
	acknowledged  []string // numbers of orders
}

func newScene(w *world, t testing.TB) *scene {
	t.Helper()
	s := &scene{world: w.another(t)}
	mug := s.product("MUG", 1)
	s.promote("TEN", 1, 1)
	c, card := s.cart(mug), s.issue(t, 700)
	start := func(cart *uuid.UUID, items ...checkout.Item) *checkout.View {
		f := form()
		f.Codes = &[]string{"TEN"}
		if cart != nil {
			f.GiftCards = &[]string{card}
		}
		v, err := s.svc.Start(t.Context(), checkout.Request{Merchant: s.merchant, CartID: cart, Items: items, Locale: "en", Form: f})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	s.v, s.tab, s.rival = start(&c), start(&c), start(nil, checkout.Item{SKU: "MUG", Quantity: 1})
	return s
}

func (s *scene) access() checkout.Access {
	return checkout.Access{Merchant: s.merchant, Secret: s.v.Secret}
}

// by is a completion of the scene's checkout.
func by(key string, m payment.Method, token string) func(*scene) error {
	return func(s *scene) error {
		return s.complete(s.v, key, m, token)
	}
}

// complete remembers the orders that the buyer was told of.
func (s *scene) complete(v *checkout.View, key string, m payment.Method, token string) error {
	_, err := s.buy(v, key, m, token)
	return err
}

// buy gives the number of the order that the buyer was told of.
func (s *scene) buy(v *checkout.View, key string, m payment.Method, token string) (number string, err error) {
	out, err := s.pay(v, key, m, token)
	switch {
	case out.Order != nil:
		number = out.Order.Number
	case out.Replay != nil && out.Replay.Status == http.StatusOK:
		var body struct{ Number string }
		if err := json.Unmarshal(out.Replay.Body, &body); err != nil {
			return "", err
		}
		number = body.Number // none in the answer of an authentication
	}
	if number != "" {
		s.acknowledged = append(s.acknowledged, number)
	}
	return number, err
}

// kept checks that each order that somebody was told of stands.
func (s *scene) kept() {
	s.t.Helper()
	for _, number := range s.acknowledged {
		if s.count(`select count(*) from orders where merchant_id = $1 and number = $2`, s.merchant, number) != 1 {
			s.t.Errorf("acknowledged and lost: %s", number)
		}
	}
}

// acts is all that anybody can do to a checkout.
var acts = map[string]func(*scene) error{
	"visa":        by("visa", payment.Card, sandbox.Visa),
	"declined":    by("declined", payment.Card, sandbox.Declined),
	"3ds":         by("3ds", payment.Card, sandbox.ThreeDSecure),
	"lost":        by("lost", payment.Card, sandbox.LostAnswer),
	"cash":        by("cash", payment.CashOnDelivery, ""),
	"ask":         by("ask", payment.Card, ""),
	"same key":    by("first", payment.Card, sandbox.LostAnswer),
	"other tab":   func(s *scene) error { return s.complete(s.tab, "tab", payment.Card, sandbox.Visa) },
	"tab in cash": func(s *scene) error { return s.complete(s.tab, "tab", payment.CashOnDelivery, "") },
	"rival":       func(s *scene) error { return s.complete(s.rival, "rival", payment.Card, sandbox.Visa) },
	"patch": func(s *scene) error {
		courier := "courier"
		_, err := s.svc.Change(s.t.Context(), s.access(), s.v.ID, checkout.Form{Option: &courier})
		return err
	},
	"cancel": func(s *scene) error {
		_, err := s.svc.Cancel(s.t.Context(), s.access(), s.v.ID, "other")
		return err
	},
	"settle": func(s *scene) error {
		all, err := s.attempts()
		for _, p := range all {
			if _, e := s.svc.Settle(s.t.Context(), s.merchant, p); e != nil {
				err = e
			}
		}
		return err
	},
	"recover": func(s *scene) error {
		s.clock.Advance(31 * time.Second)
		return s.svc.Recover(s.t.Context(), 30*time.Second)
	},
	"expire": func(s *scene) error {
		s.clock.Advance(25 * time.Hour)
		return s.svc.Expire(s.t.Context())
	},
	"sweep": func(s *scene) error {
		s.clock.Advance(21 * time.Minute)
		_, err := s.catalog.Sweep(s.t.Context())
		return err
	},
	"prune": func(s *scene) error {
		s.clock.Advance(25 * time.Hour)
		_, err := idem.New(s.db).Prune(s.t.Context())
		return err
	},
	"authenticate": func(s *scene) error { return s.authenticate(true) },
	"fail to":      func(s *scene) error { return s.authenticate(false) },
	"dearer": func(s *scene) error {
		_, err := s.db.Exec(s.t.Context(), `update prices set amount_minor = amount_minor + 100 where merchant_id = $1`, s.merchant)
		return err
	},
}

// authenticate does the buyer's step for every attempt, and what a webhook does then.
func (s *scene) authenticate(well bool) error {
	all, err := s.attempts()
	for _, p := range all {
		if s.gateway.Authenticate(p.String(), well) == nil {
			if _, e := s.svc.Settle(s.t.Context(), s.merchant, p); e != nil {
				err = e
			}
		}
	}
	return err
}

func (s *scene) attempts() ([]uuid.UUID, error) {
	var all []uuid.UUID
	err := s.db.QueryRow(s.t.Context(), `select coalesce(array_agg(id order by id), '{}') from payments where merchant_id = $1`, s.merchant).Scan(&all)
	return all, err
}

// stages are the situations in which something is done, and what can come in
// between that makes a difference there.
var stages = map[string]struct {
	begin  func(*scene) error
	acts   []string
	others []string
}{
	"ready": {
		func(*scene) error { return nil },
		[]string{"visa", "declined", "3ds", "lost", "cash", "patch", "cancel", "expire"},
		[]string{"visa", "3ds", "cash", "same key", "other tab", "tab in cash", "rival", "patch", "cancel", "settle", "recover", "expire", "sweep", "prune", "dearer"},
	},
	"waiting": {
		by("first", payment.Card, sandbox.ThreeDSecure),
		[]string{"ask", "visa", "cash", "cancel", "expire", "settle", "authenticate"},
		[]string{"ask", "visa", "cash", "rival", "cancel", "settle", "recover", "expire", "sweep", "authenticate", "fail to"},
	},
	"unknown": {
		func(s *scene) error {
			err := by("first", payment.Card, sandbox.LostAnswer)(s)
			s.clock.Advance(31 * time.Second)
			return err
		},
		[]string{"same key", "visa", "recover"},
		[]string{"same key", "visa", "cash", "other tab", "rival", "patch", "cancel", "settle", "recover", "expire", "sweep", "prune"},
	},
	"not arrived": {
		func(s *scene) error {
			s.front.once("authorize", moods["times out before"])
			err := by("first", payment.Card, sandbox.LostAnswer)(s)
			s.front.be(nil)
			s.clock.Advance(31 * time.Second)
			return err
		},
		[]string{"same key", "cash", "recover"},
		[]string{"same key", "visa", "cash", "other tab", "rival", "patch", "cancel", "settle", "recover", "expire", "prune"},
	},
}

// TestWhateverHappensInBetweenNothingIsLostOrDoubled lets each act be
// interrupted by others, at every moment in which it waits for the database or
// for the gateway.
func TestWhateverHappensInBetweenNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it takes some 2,000 purchases")
	}
	for stage, st := range stages {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			base := newWorld(t)
			runs := 0
			for _, act := range st.acts {
				for _, other := range st.others {
					for n := int64(1); between(base, t, stage, act, other, n); n++ {
						runs++
					}
				}
			}
			t.Log(runs, "interruptions")
		})
	}
}

// between plays act with other at its n-th moment, and says whether there was one.
func between(base *world, t *testing.T, stage, act, other string, n int64) (happened bool) {
	name := fmt.Sprintf("%s: %s, at its moment %d %s", stage, act, n, other)
	s := newScene(base, t)
	if err := stages[stage].begin(s); err != nil {
		t.Fatal(name, err)
	}
	s.told(name, "interruption", func() error {
		var err error
		s.trips.at(n, func() {
			happened = true
			err = acts[other](s)
		})
		s.told(name, "act", func() error { return acts[act](s) })
		s.trips.before.Store(nil)
		return err
	})
	s.told(name, "act again", func() error { return acts[act](s) })
	s.settled()
	s.kept()
	if t.Failed() {
		t.Fatal(name)
	}
	return happened
}

// told makes sure that an act says nothing that a buyer cannot understand.
func (w *world) told(name, what string, act func() error) {
	w.t.Helper()
	if err := act(); err != nil && fault.KindOf(err) == fault.Internal && !fault.Is(err, checkout.ErrNotFound) && w.t.Context().Err() == nil {
		w.t.Errorf("%s: %s: %v", name, what, err)
	}
}
