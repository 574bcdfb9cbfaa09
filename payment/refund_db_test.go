package payment_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/payment"
)

// events counts what was published of refunds.
func (w *world) events() int64 {
	w.t.Helper()
	return w.count(`select count(*) from outbox where event = 'payment.refunded' and merchant_id = $1`, w.merchant)
}

func TestRefundsAtOnceNeverPassWhatWasCaptured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, each := range []int64{150, 1000, 1} {
		p := w.captured()
		before, done := w.events(), int64(0)
		for _, err := range together(16, func(int) error {
			r, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: each})
			if err == nil && (r.Status != "succeeded" || r.GatewayID == nil) {
				t.Errorf("%+v", r)
			}
			return err
		}) {
			switch {
			case err == nil:
				done++
			case !errors.Is(err, payment.ErrRefundTooHigh):
				t.Error(err)
			}
		}
		if want := min(16, amount/each); done != want {
			t.Fatalf("%d refunds of %d, want %d", done, each, want)
		}
		w.stands(p, payment.Captured, amount, done*each)
		if c := w.charge(p); c.Refunded != done*each {
			t.Fatalf("the gateway has given back %d", c.Refunded)
		}
		if n := w.events() - before; n != done {
			t.Fatalf("%d events of %d refunds", n, done)
		}
	}
}

func TestOneIdIsOneRefund(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.captured()
	n := payment.NewRefund{ID: id.New(), Amount: 300, Reason: "late", Lines: []byte(`[{"a": 1}]`)}
	for range 2 {
		for _, err := range together(8, func(int) error {
			r, err := w.Refund(t.Context(), w.merchant, p.ID, n)
			if err == nil && (r.ID != n.ID || r.AmountMinor != 300) {
				t.Errorf("%+v", r)
			}
			return err
		}) {
			if err != nil && !db.Violates(err, "refunds_pkey") {
				t.Error(err)
			}
		}
	}
	again := n
	again.Amount = 0 // as whoever only wants to know
	if r, err := w.Refund(t.Context(), w.merchant, p.ID, again); err != nil || r.Status != "succeeded" || r.AmountMinor != 300 || r.Reason != "late" {
		t.Fatalf("%+v %v", r, err)
	}
	w.stands(p, payment.Captured, amount, 300)
	if c := w.charge(p); c.Refunded != 300 || w.events() != 1 {
		t.Fatalf("%+v", c)
	}
	w.wantTold("payment.refunded")
	other := w.captured()
	if _, err := w.Refund(t.Context(), w.merchant, other.ID, n); !errors.Is(err, payment.ErrRefundTaken) {
		t.Fatal(err)
	}
	if all, err := w.RefundsOfOrder(t.Context(), w.merchant, *p.OrderID); err != nil || len(all) != 1 || string(all[0].Lines) != `[{"a": 1}]` {
		t.Fatal(all, err)
	}
}

func TestOnlyWhatWasPaidCanBeRefunded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.captured()
	for n, want := range map[int64]error{
		0: payment.ErrRefundAmount, -1: payment.ErrRefundAmount, -1 << 63: payment.ErrRefundAmount,
		amount + 1: payment.ErrRefundTooHigh, 1<<63 - 1: payment.ErrRefundTooHigh,
	} {
		if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: n}); !errors.Is(err, want) {
			t.Errorf("%d: %v", n, err)
		}
	}
	held := w.held()
	if _, err := w.Refund(t.Context(), w.merchant, held.ID, payment.NewRefund{Amount: 1}); !errors.Is(err, payment.ErrNothingPaid) {
		t.Fatal(err)
	}
	with := errors.New("the lines have moved")
	if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 1, With: func(db.Tx) error { return with }}); !errors.Is(err, with) {
		t.Fatal(err)
	}
	w.stands(p, payment.Captured, amount, 0)
	if n := w.count(`select count(*) from refunds`); n != 0 {
		t.Fatalf("%d refunds", n)
	}
	if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: amount, With: func(tx db.Tx) error {
		tx.Queue(`update payments set reference = 'with it' where merchant_id = $1 and id = $2`, w.merchant, p.ID)
		return nil
	}}); err != nil || w.count(`select count(*) from payments where reference = 'with it'`) != 1 {
		t.Fatal(err)
	}
}

// A gateway that keeps silent leaves the refund pending, its room taken, and
// the recovery finishes it once.
func TestAnUnansweredRefundIsFinishedOnceByTheRecovery(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(g *gateway){
		"it never arrived":     func(g *gateway) { g.before = dead },
		"its answer was lost":  func(g *gateway) { g.after = dead },
		"the gateway panicked": func(g *gateway) { g.before = func() error { panic("ouch") } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.captured()
			spoil(w.gateway)
			r, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 700})
			if err != nil || r.Status != "pending" || w.events() != 0 {
				t.Fatalf("%+v %v", r, err)
			}
			w.stands(p, payment.Captured, amount, 700)
			if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 301}); !errors.Is(err, payment.ErrRefundTooHigh) {
				t.Fatalf("its room is given to another: %v", err)
			}
			recoverRefunds := func() {
				t.Helper()
				for _, err := range together(4, func(int) error { return w.RecoverRefunds(t.Context(), 30*time.Second) }) {
					if err != nil {
						t.Error(err)
					}
				}
			}
			w.clock.Advance(30 * time.Second)
			recoverRefunds()
			if r, err = w.RefundByID(t.Context(), w.merchant, r.ID); err != nil || r.Status != "pending" {
				t.Fatalf("before its time: %+v %v", r, err)
			}
			w.clock.Advance(time.Microsecond)
			w.gateway.before = dead // once more in vain
			if err := w.RecoverRefunds(t.Context(), 30*time.Second); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(30*time.Second + time.Microsecond)
			recoverRefunds()
			recoverRefunds()
			if r, err = w.RefundByID(t.Context(), w.merchant, r.ID); err != nil || r.Status != "succeeded" {
				t.Fatalf("%+v %v", r, err)
			}
			w.stands(p, payment.Captured, amount, 700)
			if c := w.charge(p); c.Refunded != 700 || w.events() != 1 {
				t.Fatalf("%+v", c)
			}
			w.wantTold("payment.refunded")
		})
	}
}

func TestARefundWhoseKeyTheGatewayHasForgottenIsNotMadeTwice(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(g *gateway){
		"it never arrived":    func(g *gateway) { g.before = dead },
		"its answer was lost": func(g *gateway) { g.after = dead },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.captured()
			spoil(w.gateway)
			r, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 400}) // twice that would still be there
			if err != nil || r.Status != "pending" {
				t.Fatalf("%+v %v", r, err)
			}
			w.clock.Advance(49 * time.Hour)
			if err := w.RecoverRefunds(t.Context(), 30*time.Second); err != nil {
				t.Fatal(err)
			}
			if r, err = w.RefundByID(t.Context(), w.merchant, r.ID); err != nil || r.Status != "succeeded" || r.GatewayID == nil {
				t.Fatalf("%+v %v", r, err)
			}
			w.stands(p, payment.Captured, amount, 400)
			if c := w.charge(p); c.Refunded != 400 {
				t.Fatalf("%d went back, want 400", c.Refunded)
			}
		})
	}
}

func TestARefundThatNobodyRecordedIsRecordedByTheNextCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.captured()
	n := payment.NewRefund{ID: id.New(), Amount: 700}
	w.told.fail = errLine
	if _, err := w.Refund(t.Context(), w.merchant, p.ID, n); !errors.Is(err, errLine) {
		t.Fatal(err)
	}
	if r, err := w.Refund(t.Context(), w.merchant, p.ID, n); err != nil || r.Status != "succeeded" {
		t.Fatalf("%+v %v", r, err)
	}
	w.stands(p, payment.Captured, amount, 700)
	if c := w.charge(p); c.Refunded != 700 || w.events() != 1 {
		t.Fatalf("%+v", c)
	}
	w.wantTold("payment.refunded")
}

func TestARefusedRefundGivesItsRoomBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.captured()
	if _, err := w.gateway.Gateway.Refund(t.Context(), payment.Movement{Key: "by hand", GatewayID: *p.GatewayID, Amount: 500}); err != nil {
		t.Fatal(err)
	}
	n := payment.NewRefund{ID: id.New(), Amount: 600}
	for range 2 {
		r, err := w.Refund(t.Context(), w.merchant, p.ID, n)
		if err != nil || r.Status != "failed" || r.FailureCode != "refund_exceeds_capture" {
			t.Fatalf("%+v %v", r, err)
		}
	}
	if now, err := w.Payment(t.Context(), w.merchant, p.ID); err != nil || now.RefundedMinor != 0 {
		t.Fatalf("%+v %v", now, err)
	}
	w.wantTold("payment.refund_failed")
	if w.events() != 0 {
		t.Fatal("a refund was announced")
	}
	if r, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 500}); err != nil || r.Status != "succeeded" {
		t.Fatalf("%+v %v", r, err)
	}
	stranger := w.captured()
	w.exec(`update payments set gateway_id = 'sb_stranger' where id = $1`, stranger.ID)
	if r, err := w.Refund(t.Context(), w.merchant, stranger.ID, payment.NewRefund{Amount: 500}); err != nil || r.Status != "failed" || r.FailureCode != "not_at_gateway" {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestRefundsThatCannotBeSentDoNotKeepBackTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unserved := w.insert(payment.Card, func(p *payment.Payment) {
		p.Provider, p.Status, p.AmountMinor, p.CapturedMinor = "gone", payment.Captured, 1_000_000, 1_000_000
	})
	for range 120 {
		if r, err := w.Refund(t.Context(), w.merchant, unserved.ID, payment.NewRefund{Amount: 1}); err != nil || r.Status != "pending" {
			t.Fatalf("%+v %v", r, err)
		}
	}
	w.clock.Advance(time.Second)
	p := w.captured()
	w.gateway.before = dead
	r, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 1})
	if err != nil || r.Status != "pending" {
		t.Fatalf("%+v %v", r, err)
	}
	w.clock.Advance(time.Minute)
	for range 2 {
		if err := w.RecoverRefunds(t.Context(), 30*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := w.RefundByID(t.Context(), w.merchant, r.ID); err != nil || r.Status != "succeeded" {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestAGatewayCallEndsInItsOwnTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := payment.New(payment.Config{DB: w.db, Orders: w.told, Providers: []payment.Provider{&deaf{gateway: w.gateway}}, Timeout: 20 * time.Millisecond})
	p := w.captured()
	held := w.held()
	since := time.Now()
	if _, err := slow.Capture(t.Context(), w.merchant, held.ID, 0); !errors.Is(err, payment.ErrGatewayTrouble) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if _, err := slow.Void(t.Context(), w.merchant, held.ID); !errors.Is(err, payment.ErrGatewayTrouble) {
		t.Fatal(err)
	}
	if r, err := slow.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{ID: uuid.New(), Amount: 1}); err != nil || r.Status != "pending" {
		t.Fatalf("%+v %v", r, err)
	}
	if took := time.Since(since); took > 10*time.Second {
		t.Fatal(took)
	}
}

// deaf never answers a move.
type deaf struct{ *gateway }

func (deaf) wait(ctx context.Context) (payment.Result, error) {
	<-ctx.Done()
	return payment.Result{}, ctx.Err()
}

func (d deaf) Capture(ctx context.Context, _ payment.Movement) (payment.Result, error) {
	return d.wait(ctx)
}
func (d deaf) Void(ctx context.Context, _ payment.Movement) (payment.Result, error) {
	return d.wait(ctx)
}
func (d deaf) Refund(ctx context.Context, _ payment.Movement) (payment.Result, error) {
	return d.wait(ctx)
}

// A refund that waits for its answer and one that was made at the provider's own
// desk meanwhile are told apart by their names, also when they are of one amount:
// neither is kept waiting for the other.
func TestARefundThatWaitsAndOneMadeOutsideDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(g *gateway){
		"it never arrived":    func(g *gateway) { g.before = dead },
		"its answer was lost": func(g *gateway) { g.after = dead },
	} {
		for _, outside := range []int64{400, 150} {
			t.Run(fmt.Sprint(name, ", and ", outside, " went back outside"), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				p := w.captured()
				spoil(w.gateway)
				r, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 400})
				if err != nil || r.Status != "pending" {
					t.Fatalf("%+v %v", r, err)
				}
				if _, err := w.gateway.RefundOutside(*p.GatewayID, outside); err != nil {
					t.Fatal(err)
				}
				w.clock.Advance(49 * time.Hour) // the gateway has forgotten the key
				if err := w.RecoverRefunds(t.Context(), 30*time.Second); err != nil {
					t.Fatal(err)
				}
				if err := w.Adopt(t.Context(), w.merchant, p.ID); err != nil {
					t.Fatal(err)
				}
				if r, err = w.RefundByID(t.Context(), w.merchant, r.ID); err != nil || r.Status != "succeeded" {
					t.Fatalf("%+v %v", r, err)
				}
				w.stands(p, payment.Captured, amount, 400+outside)
				if c := w.charge(p); c.Refunded != 400+outside {
					t.Fatalf("%d went back, want %d", c.Refunded, 400+outside)
				}
			})
		}
	}
}
