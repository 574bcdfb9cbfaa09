package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"doorstep/internal/id"
	"doorstep/shipping/carrier/fake"
)

// cell is one kill: a flow, and the point at which the program dies in it, the
// n-th time that it comes by.
type cell struct {
	flow, point string
	nth         int
}

func (c cell) String() string {
	if c.nth > 1 {
		return fmt.Sprintf("%s at %s, time %d", c.flow, c.point, c.nth)
	}
	return c.flow + " at " + c.point
}

// journey is something that people do to a shop.
type journey struct {
	// points are where the program dies in it, "NAME" or "NAME 2" for the second
	// time that it comes by.
	points []string
	// prepare is done before, undisturbed.
	prepare func(ctx context.Context, t *testing.T, s *sale) error
	// client is the one who asks, and comes back with the same key until the
	// answer is certain.
	client func(ctx context.Context, s *sale) error
	// after is done at the end, undisturbed.
	after func(ctx context.Context, t *testing.T, s *sale)
	// How the order and the gateway have to stand in the end.
	status, payment string
	charges         int // live at the gateway
	mails           map[string]int
	// credit is what is on the gift card that the buyer uses, left what is on it in
	// the end; without credit there is no card.
	credit, left int64
}

// relayed are the points that every event comes by.
var relayed = []string{"jobs.relay.taken", "jobs.relay.queued", "jobs.relay.committed", "jobs.work.begun", "jobs.work.done"}

func points(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

var (
	confirmed = map[string]int{"order_confirmation": 1}
	backAgain = map[string]int{"order_confirmation": 1, "refunded": 1}
)

// journeys are all flows that the campaign kills.
var journeys = map[string]journey{
	"pay by card": {
		points: points([]string{
			"checkout.priced", "checkout.begin.queued", "checkout.begin.committed", "checkout.authorize.ask", "checkout.authorize.answered",
			"checkout.place.queued", "checkout.place.committed", "checkout.answer",
			"payment.capture.ask", "payment.capture.answered", "payment.capture.queued", "payment.capture.committed",
			"notify.claimed", "notify.ask", "notify.answered", "notify.recorded", "jobs.work.begun 2", "jobs.work.done 2", "jobs.work.done 3",
		}, relayed),
		client: pays("card", "tok_visa"), status: "confirmed", payment: "paid", charges: 1, mails: confirmed,
	},
	"pay in cash": {
		points: points([]string{"checkout.priced", "checkout.at_once.queued", "checkout.at_once.committed", "checkout.answer", "notify.answered"}, relayed),
		client: pays("cash_on_delivery", ""), status: "confirmed", payment: "unpaid", mails: confirmed,
	},
	"authenticate and pay": {
		points: []string{
			"checkout.begin.committed", "checkout.authorize.ask", "checkout.authorize.answered", "checkout.await.queued", "checkout.await.committed",
			"checkout.answer", "checkout.settle.ask", "checkout.settle.answered", "checkout.place.queued", "checkout.place.committed", "checkout.answer 2",
			"jobs.relay.taken", "payment.capture.answered",
		},
		client: authenticates, status: "confirmed", payment: "paid", charges: 1, mails: confirmed,
	},
	"pay without an answer": {
		points: []string{
			"checkout.authorize.answered", "checkout.silent.queued", "checkout.silent.committed", "checkout.settle.ask", "checkout.settle.answered",
			"checkout.place.queued", "checkout.place.committed",
		},
		client: pays("card", "tok_lost_answer"), status: "confirmed", payment: "paid", charges: 1, mails: confirmed,
	},
	"be declined and pay": {
		points: []string{"checkout.authorize.answered", "checkout.dismiss.queued", "checkout.dismiss.committed", "checkout.answer"},
		client: secondCard, status: "confirmed", payment: "paid", charges: 1, mails: confirmed,
	},
	"give up the bank and pay in cash": {
		points: []string{
			"checkout.dismiss.queued", "checkout.dismiss.committed", "checkout.void.ask", "checkout.void.answered", "checkout.void.recorded",
			"checkout.at_once.queued", "checkout.at_once.committed",
		},
		prepare: atTheBank, client: pays("cash_on_delivery", ""), status: "confirmed", payment: "unpaid", mails: confirmed,
	},
	"refund": {
		points: points([]string{
			"idem.claimed", "order.refund.asked", "payment.refund.book", "payment.refund.booked", "payment.refund.ask", "payment.refund.answered",
			"payment.refund.queued", "payment.refund.committed", "order.refund.answer", "idem.finish", "idem.finished",
			"notify.claimed", "notify.answered", "notify.recorded",
		}, relayed),
		prepare: paid, client: refunds, status: "confirmed", payment: "refunded", mails: backAgain,
	},
	"cancel what is paid": {
		points: points([]string{
			"idem.claimed", "order.cancel.asked", "order.cancel.queued", "order.cancel.committed", "idem.finish", "idem.finished",
			"order.money_back.begun", "payment.refund.booked", "payment.refund.ask", "payment.refund.answered", "payment.refund.queued",
			"payment.refund.committed", "order.money_back.done", "notify.answered", "notify.answered 2",
		}, relayed),
		prepare: paid, client: cancels, status: "canceled", payment: "refunded",
		mails: map[string]int{"order_confirmation": 1, "cancelled": 1, "refunded": 1},
	},
	"cancel what is held": {
		points:  []string{"order.cancel.committed", "payment.void.ask", "payment.void.answered", "payment.void.queued", "payment.void.committed", "order.money_back.done"},
		prepare: held, client: cancels, after: captureLate, status: "canceled", payment: "voided",
		mails: map[string]int{"order_confirmation": 1, "cancelled": 1},
	},
	"cancel a transfer": {
		points:  []string{"order.cancel.queued", "order.cancel.committed", "payment.void.queued", "payment.void.committed"},
		prepare: bought("bank_transfer", ""), client: cancels, status: "canceled", payment: "voided",
		mails: map[string]int{"order_confirmation": 1, "payment_instructions": 1, "cancelled": 1},
	},
	"hand over the cash": {
		points:  []string{"payment.capture.queued", "payment.capture.committed", "jobs.work.begun", "jobs.work.done", "notify.answered"},
		prepare: shipped, client: delivers, status: "completed", payment: "paid",
		mails: map[string]int{"order_confirmation": 1, "shipped": 1, "delivered": 1},
	},
}

// sale is one checkout and what its client knows of it.
type sale struct {
	*lane
	email, parcel string
	account       string // with the carrier that is played beside the program
	carriers      *fake.Server
	checkout      reply
	told          []string // orders that were acknowledged
	refunded      []string // refunds that were acknowledged
	declined      int
	way           journey
	card          reply // a gift card, if one is used
}

func (s *sale) order() string { return s.told[len(s.told)-1] }

// start begins the checkout.
func (s *sale) start(ctx context.Context) error {
	if s.checkout.body != nil {
		return nil
	}
	f := form(item(s.sku, 2))
	s.email, _ = f["email"].(string)
	if err := s.takeCard(ctx, f); err != nil {
		return err
	}
	a, err := s.ask(ctx, false, http.MethodPost, "/v1/checkouts", f)
	if err == nil && a.status != http.StatusCreated {
		err = fmt.Errorf("start: %v", a)
	}
	s.checkout = a
	return err
}

// once sends a completion under a key until its answer is certain.
func (s *sale) once(ctx context.Context, key, method, token string) (reply, error) {
	return s.ask(ctx, false, http.MethodPost, "/v1/checkouts/"+s.checkout.text("id")+"/complete", paying(s.checkout, method, token),
		"Checkout-Secret", s.checkout.text("secret"), "Idempotency-Key", key)
}

// most is how often a client takes out another card.
const most = 3

// pay completes the checkout, with a new key when the first try came to nothing,
// and asks once more under the key that led to the order.
func (s *sale) pay(ctx context.Context, method, token string) (reply, error) {
	for key := id.Secret(12); ; key = id.Secret(12) {
		a, err := s.once(ctx, key, method, token)
		switch {
		case err != nil:
			return a, err
		case a.text("code") == "payment_declined" && s.declined < most:
			s.declined++
			continue
		case a.status != http.StatusOK:
			return a, fmt.Errorf("complete: %v", a)
		case a.text("status") != "completed":
			return a, nil
		}
		s.told = append(s.told, a.text("order.id"))
		again, err := s.once(ctx, key, method, token)
		if err == nil && again.text("order.id") != a.text("order.id") {
			err = fmt.Errorf("the same key gave %v and then %v", a, again)
		}
		return a, err
	}
}

func pays(method, token string) func(context.Context, *sale) error {
	return func(ctx context.Context, s *sale) error {
		if err := s.start(ctx); err != nil {
			return err
		}
		a, err := s.pay(ctx, method, token)
		if err == nil && len(s.told) == 0 {
			err = fmt.Errorf("not bought: %v", a)
		}
		return err
	}
}

func bought(method, token string) func(context.Context, *testing.T, *sale) error {
	return func(ctx context.Context, _ *testing.T, s *sale) error {
		if err := pays(method, token)(ctx, s); err != nil {
			return err
		}
		return s.rest(ctx)
	}
}

func paid(ctx context.Context, t *testing.T, s *sale) error {
	return bought("card", "tok_visa")(ctx, t, s)
}

// authenticates pays with a card whose bank asks back.
func authenticates(ctx context.Context, s *sale) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	a, err := s.pay(ctx, "card", "tok_3ds")
	if err != nil || len(s.told) > 0 {
		return err
	}
	if a.text("status") != "authentication_required" {
		return fmt.Errorf("not asked to authenticate: %v", a)
	}
	said, err := s.ask(ctx, false, http.MethodPost, "/dev/3ds/"+a.text("payment_id"), m{"result": "succeeded"}, "Authorization", "")
	if err != nil {
		return err
	}
	if said.status != http.StatusOK && said.status != http.StatusNotFound { // not found: it was done before the program died
		return fmt.Errorf("at the bank: %v", said)
	}
	return pays("card", "")(ctx, s)
}

func atTheBank(ctx context.Context, _ *testing.T, s *sale) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	a, err := s.pay(ctx, "card", "tok_3ds")
	if err == nil && a.text("status") != "authentication_required" {
		err = fmt.Errorf("not asked to authenticate: %v", a)
	}
	return err
}

// secondCard is declined, and pays with another one.
func secondCard(ctx context.Context, s *sale) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	a, err := s.once(ctx, id.Secret(12), "card", "tok_declined")
	if err != nil {
		return err
	}
	if a.text("code") != "payment_declined" {
		return fmt.Errorf("not declined: %v", a)
	}
	return pays("card", "tok_visa")(ctx, s)
}

// twice asks for a write under one key, and then once more.
func (s *sale) twice(ctx context.Context, path string, body any, status int) (reply, error) {
	key := id.Secret(12)
	a, err := s.ask(ctx, true, http.MethodPost, path, body, "Idempotency-Key", key)
	if err != nil {
		return a, err
	}
	if a.status != status {
		return a, fmt.Errorf("%s: %v", path, a)
	}
	again, err := s.ask(ctx, true, http.MethodPost, path, body, "Idempotency-Key", key)
	if err == nil && string(again.body) != string(a.body) {
		err = fmt.Errorf("the same key gave %v and then %v", a, again)
	}
	return a, err
}

func refunds(ctx context.Context, s *sale) error {
	a, err := s.twice(ctx, "/v1/orders/"+s.order()+"/refunds", m{"reason": "Arrived broken"}, http.StatusCreated)
	s.refunded = append(s.refunded, a.text("data.0.id"))
	return err
}

func cancels(ctx context.Context, s *sale) error {
	_, err := s.twice(ctx, "/v1/orders/"+s.order()+"/cancel", m{"reason": "Ordered twice"}, http.StatusOK)
	return err
}

// held is an order whose money nobody has taken yet: the program died when it
// was about to, and the job waits for a later time.
func held(ctx context.Context, t *testing.T, s *sale) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	s.arm(t, "payment.capture.ask", 1)
	done := make(chan error, 1)
	go func() { done <- pays("card", "tok_visa")(ctx, s) }()
	p := s.where()
	select {
	case <-p.exited:
	case <-time.After(patience):
		return errors.New("nobody comes to capture")
	}
	if _, err := s.db.Exec(ctx, `update river_job set state = 'scheduled', scheduled_at = now() + interval '1 hour', attempted_at = null
		where state = 'running' and args ->> 'subscriber' = 'payment.capture'`); err != nil {
		return err
	}
	s.dies(t)
	s.later(t)
	if err := <-done; err != nil {
		return err
	}
	err := until1(ctx, "all but the capture is done", func() (bool, error) {
		var n int
		err := s.db.QueryRow(ctx, `select count(*) from river_job where state not in ('completed', 'cancelled') and scheduled_at < now() + interval '10 minutes'`).Scan(&n)
		return n == 0, err
	})
	s.fresh(t)
	return err
}

// captureLate lets the waiting job run: it must find nothing to take.
func captureLate(ctx context.Context, t *testing.T, s *sale) {
	if _, err := s.db.Exec(ctx, `update river_job set state = 'available', scheduled_at = now() where state = 'scheduled'`); err != nil {
		t.Fatal(err)
	}
}

// shipped is an order in cash that is on its way.
func shipped(ctx context.Context, t *testing.T, s *sale) error {
	if err := bought("cash_on_delivery", "")(ctx, t, s); err != nil {
		return err
	}
	a, err := s.twice(ctx, "/v1/orders/"+s.order()+"/shipments", m{"carrier": "haypost"}, http.StatusCreated)
	if err != nil {
		return err
	}
	s.parcel = a.text("id")
	return s.rest(ctx)
}

func delivers(ctx context.Context, s *sale) error {
	at := time.Now().UTC().Format(time.RFC3339)
	for range 2 { // carriers say things twice
		a, err := s.ask(ctx, true, http.MethodPost, "/v1/shipments/"+s.parcel+"/events", m{"status": "delivered", "occurred_at": at})
		if err == nil && a.status != http.StatusOK {
			err = fmt.Errorf("delivered: %v", a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var errWaiting = errors.New("nothing more is known")

// until1 waits until done, without failing the test by itself.
func until1(ctx context.Context, what string, done func() (bool, error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		ok, err := done()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, errors.Join(ctx.Err(), err))
		case <-limit.C:
			return fmt.Errorf("not in time: %s: %w", what, cmp.Or(err, errWaiting))
		case <-tick.C:
		}
	}
}
