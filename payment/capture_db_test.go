package payment_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

func TestACardIsCapturedOnceHoweverOftenItIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, n := range []int64{0, amount, amount / 4} {
		w.told.events = nil
		p := w.held()
		want, status := n, payment.PartiallyCaptured
		if n == 0 || n == amount {
			want, status = amount, payment.Captured
		}
		for _, err := range together(8, func(int) error {
			got, err := w.Capture(t.Context(), w.merchant, p.ID, n)
			if err == nil && (got.Status != status || got.CapturedMinor != want) {
				t.Errorf("%+v", got)
			}
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		if got, err := w.Capture(t.Context(), w.merchant, p.ID, 1); err != nil || got.CapturedMinor != want {
			t.Fatalf("%+v %v", got, err)
		}
		w.stands(p, status, want, 0)
		w.wantTold("payment.captured")
	}
}

func TestOnlyWhatIsHeldCanBeCaptured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.held()
	for _, n := range []int64{-1, amount + 1} {
		if _, err := w.Capture(t.Context(), w.merchant, p.ID, n); !errors.Is(err, payment.ErrCaptureAmount) {
			t.Fatal(err)
		}
	}
	w.gateway.whole = true
	if _, err := w.Capture(t.Context(), w.merchant, p.ID, amount-1); !errors.Is(err, payment.ErrCaptureAmount) {
		t.Fatal(err)
	}
	w.stands(p, payment.Authorized, 0, 0)
	for _, status := range []payment.Status{payment.Pending, payment.RequiresAction, payment.Voided, payment.Failed, payment.Expired, payment.Unknown} {
		p := w.insert(payment.Card, func(p *payment.Payment) { p.Status = status })
		if _, err := w.Capture(t.Context(), w.merchant, p.ID, 0); !errors.Is(err, payment.ErrNotCapturable) {
			t.Errorf("%s: %v", status, err)
		}
	}
	for _, call := range []func() error{
		func() error { _, err := w.Capture(t.Context(), id.New(), p.ID, 0); return err },
		func() error { _, err := w.Void(t.Context(), w.merchant, id.New()); return err },
		func() error {
			_, err := w.Refund(t.Context(), id.New(), p.ID, payment.NewRefund{Amount: 1})
			return err
		},
	} {
		if err := call(); !errors.Is(err, payment.ErrNotFound) {
			t.Error(err)
		}
	}
	w.wantTold()
}

// The gateway took money and nobody noted it: whoever asks next, for whatever
// amount, notes what the gateway took.
func TestACaptureThatNobodyRecordedIsRecordedByTheNextCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(w *world)
		want  error
	}{
		"the database failed":    {func(w *world) { w.told.fail = errLine }, errLine},
		"the answer was lost":    {func(w *world) { w.gateway.after = dead }, payment.ErrGatewayTrouble},
		"the request never came": {func(w *world) { w.gateway.before = dead }, payment.ErrGatewayTrouble},
		"the gateway panicked":   {func(w *world) { w.gateway.after = func() error { panic("ouch") } }, payment.ErrGatewayTrouble},
		"the gateway said that it took nothing": {func(w *world) {
			w.gateway.twist = func(r *payment.Result) { r.Captured = 0 }
		}, payment.ErrGatewayTrouble},
		"the gateway said that it took too much": {func(w *world) {
			w.gateway.twist = func(r *payment.Result) { r.Captured = amount + 1 }
		}, payment.ErrGatewayTrouble},
		"the commit is not known": {func(w *world) { w.told.fail = db.ErrUnknown }, db.ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.held()
			c.spoil(w)
			if _, err := w.Capture(t.Context(), w.merchant, p.ID, 400); !errors.Is(err, c.want) {
				t.Fatal(err)
			}
			if now, err := w.Payment(t.Context(), w.merchant, p.ID); err != nil || now.Status != payment.Authorized {
				t.Fatalf("%+v %v", now, err)
			}
			taken := w.charge(p).Captured
			if taken == 0 {
				taken = amount // nothing was taken, so the next call decides
			}
			got, err := w.Capture(t.Context(), w.merchant, p.ID, 0)
			if err != nil || got.CapturedMinor != taken {
				t.Fatalf("%+v %v", got, err)
			}
			status := payment.PartiallyCaptured
			if taken == amount {
				status = payment.Captured
			}
			w.stands(p, status, taken, 0)
			w.wantTold("payment.captured")
		})
	}
}

func TestWhatTheGatewayDidIsRecordedThoughTheCallerHasGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call func(ctx context.Context, w *world, p payment.Payment) error
		want payment.Status
	}{
		"capture": {func(ctx context.Context, w *world, p payment.Payment) error {
			_, err := w.Capture(ctx, w.merchant, p.ID, 0)
			return err
		}, payment.Captured},
		"void": {func(ctx context.Context, w *world, p payment.Payment) error {
			_, err := w.Void(ctx, w.merchant, p.ID)
			return err
		}, payment.Voided},
	} {
		w := newWorld(t)
		p := w.held()
		ctx, cancel := context.WithCancel(t.Context())
		w.gateway.after = func() error { cancel(); return nil }
		if err := c.call(ctx, w, p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		now, err := w.Payment(t.Context(), w.merchant, p.ID)
		if err != nil || now.Status != c.want {
			t.Fatalf("%s: %+v %v", name, now, err)
		}
	}
	w := newWorld(t)
	p := w.captured()
	ctx, cancel := context.WithCancel(t.Context())
	w.gateway.after = func() error { cancel(); return nil }
	if r, err := w.Refund(ctx, w.merchant, p.ID, payment.NewRefund{Amount: 10}); err != nil || r.Status != "succeeded" {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestAHoldIsLetGoOnceHoweverOftenItIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.held()
	for range 2 {
		for _, err := range together(8, func(int) error {
			got, err := w.Void(t.Context(), w.merchant, p.ID)
			if err == nil && got.Status != payment.Voided {
				t.Errorf("%+v", got)
			}
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := w.Capture(t.Context(), w.merchant, p.ID, 0); !errors.Is(err, payment.ErrNotCapturable) {
		t.Fatal(err)
	}
	w.stands(p, payment.Voided, 0, 0)
	w.wantTold("payment.voided")
	for _, done := range []payment.Payment{w.captured(), w.insert(payment.Card, func(p *payment.Payment) { p.Status = payment.Unknown })} {
		if _, err := w.Void(t.Context(), w.merchant, done.ID); !errors.Is(err, payment.ErrNotVoidable) {
			t.Error(err)
		}
	}
	// A lost answer is asked for again.
	q := w.held()
	w.gateway.after = dead
	if _, err := w.Void(t.Context(), w.merchant, q.ID); !errors.Is(err, payment.ErrGatewayTrouble) {
		t.Fatal(err)
	}
	if _, err := w.Void(t.Context(), w.merchant, q.ID); err != nil {
		t.Fatal(err)
	}
	w.stands(q, payment.Voided, 0, 0)
}

func TestWhatHappenedAtTheGatewayItselfIsNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	taken := w.held()
	if _, err := w.gateway.Capture(t.Context(), payment.Movement{Key: "by hand", GatewayID: *taken.GatewayID, Amount: 700}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Void(t.Context(), w.merchant, taken.ID); !errors.Is(err, payment.ErrNotVoidable) {
		t.Fatal(err)
	}
	w.stands(taken, payment.PartiallyCaptured, 700, 0)
	gone := w.held()
	if _, err := w.gateway.Void(t.Context(), payment.Movement{Key: "by hand, too", GatewayID: *gone.GatewayID}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Capture(t.Context(), w.merchant, gone.ID, 0); !errors.Is(err, payment.ErrNotCapturable) {
		t.Fatal(err)
	}
	w.stands(gone, payment.Voided, 0, 0)
	w.wantTold("payment.captured", "payment.voided")
	stranger := w.held()
	w.exec(`update payments set gateway_id = 'sb_stranger' where id = $1`, stranger.ID)
	if _, err := w.Capture(t.Context(), w.merchant, stranger.ID, 0); !errors.Is(err, payment.ErrNotCapturable) || !errors.Is(err, payment.ErrNotAtGateway) {
		t.Fatal(err)
	}
	if _, err := w.Void(t.Context(), w.merchant, stranger.ID); !errors.Is(err, payment.ErrGatewayTrouble) {
		t.Fatal(err)
	}
	unserved := w.held(func(p *payment.Payment) { p.Provider = "gone" })
	if _, err := w.Capture(t.Context(), w.merchant, unserved.ID, 0); !errors.Is(err, payment.ErrGatewayTrouble) {
		t.Fatal(err)
	}
}

func TestCaptureAndVoidAtOnceLeaveOneOfBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 20 {
		for _, p := range []payment.Payment{w.held(), w.insert(payment.BankTransfer)} {
			w.told.events = nil
			errs := together(8, func(i int) error {
				if i%2 == 0 {
					_, err := w.Capture(t.Context(), w.merchant, p.ID, 0)
					return err
				}
				_, err := w.Void(t.Context(), w.merchant, p.ID)
				return err
			})
			now, err := w.Payment(t.Context(), w.merchant, p.ID)
			if err != nil {
				t.Fatal(err)
			}
			captured, event := now.Status == payment.Captured, "payment.voided"
			if captured {
				event = "payment.captured"
			}
			for i, err := range errs {
				want := map[bool]error{true: payment.ErrNotCapturable, false: payment.ErrNotVoidable}[i%2 == 0]
				if won := captured == (i%2 == 0); won && err != nil || !won && !errors.Is(err, want) {
					t.Fatalf("it is %s, and call %d says %v", now.Status, i, err)
				}
			}
			w.stands(p, now.Status, now.CapturedMinor, 0)
			w.wantTold(event)
		}
	}
}

func TestAnOfflinePaymentIsWhatTheMerchantSaysItIs(t *testing.T) {
	t.Parallel()
	for _, method := range []payment.Method{payment.BankTransfer, payment.CashOnDelivery} {
		w := newWorld(t)
		w.gateway.before = func() error { t.Error("a gateway was called"); return nil }
		p := w.insert(method)
		if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 1}); !errors.Is(err, payment.ErrNothingPaid) {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := w.Capture(t.Context(), w.merchant, p.ID, 0); err != nil || got.Status != payment.Captured || got.CapturedMinor != amount {
				t.Fatalf("%+v %v", got, err)
			}
		}
		r, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 300, Reason: "scratched"})
		if err != nil || r.Status != "succeeded" || r.GatewayID == nil || *r.GatewayID != "offline:"+r.ID.String() {
			t.Fatalf("%+v %v", r, err)
		}
		w.stands(p, payment.Captured, amount, 300)
		w.wantTold("payment.captured", "payment.refunded")
		late := w.insert(method)
		for range 2 {
			if got, err := w.Void(t.Context(), w.merchant, late.ID); err != nil || got.Status != payment.Voided {
				t.Fatalf("%+v %v", got, err)
			}
		}
		if _, err := w.Capture(t.Context(), w.merchant, late.ID, 0); !errors.Is(err, payment.ErrNotCapturable) {
			t.Fatal(err)
		}
	}
}

func TestMoneyThatArrivesInPartsAddsUpAndIsNeverCountedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.insert(payment.BankTransfer)
	for _, step := range []struct {
		inAll  int64
		status payment.Status
		want   int64
	}{
		{400, payment.PartiallyCaptured, 400}, {400, payment.PartiallyCaptured, 400}, {100, payment.PartiallyCaptured, 400},
		{amount - 1, payment.PartiallyCaptured, amount - 1}, {0, payment.Captured, amount}, {300, payment.Captured, amount},
	} {
		got, err := w.Capture(t.Context(), w.merchant, p.ID, step.inAll)
		if err != nil || got.Status != step.status || got.CapturedMinor != step.want {
			t.Fatalf("%d in all: %+v %v", step.inAll, got, err)
		}
	}
	w.wantTold("payment.captured", "payment.captured", "payment.captured")
	if _, err := w.Capture(t.Context(), w.merchant, p.ID, amount+1); !errors.Is(err, payment.ErrCaptureAmount) {
		t.Fatal(err)
	}
	// What has begun to go back is not waited for any more.
	p = w.insert(payment.BankTransfer)
	if _, err := w.Capture(t.Context(), w.merchant, p.ID, 400); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 400, Reason: "order canceled"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Capture(t.Context(), w.merchant, p.ID, amount); err != nil {
		t.Fatal(err)
	}
	w.stands(p, payment.PartiallyCaptured, 400, 400)
	// However many say at once how much is here, the most that is said counts.
	p = w.insert(payment.CashOnDelivery)
	for _, err := range together(10, func(i int) error {
		_, err := w.Capture(t.Context(), w.merchant, p.ID, int64(i+1)*amount/10)
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	w.stands(p, payment.Captured, amount, 0)
}

func TestForgottenAndOverduePaymentsAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := func(find func(context.Context, time.Time, func(*payment.Payment) error) error, at time.Time) (found []string) {
		t.Helper()
		var mu sync.Mutex
		if err := find(t.Context(), at, func(p *payment.Payment) error {
			mu.Lock()
			defer mu.Unlock()
			found = append(found, p.ID.String())
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(found) // the first made comes first
		return found
	}
	due := func(d time.Duration) func(p *payment.Payment) {
		return func(p *payment.Payment) { at := start.Add(d); p.DueAt = &at }
	}
	unplaced := func(p *payment.Payment) { p.OrderID = nil }
	first, second := w.insert(payment.BankTransfer, due(time.Hour)), w.insert(payment.BankTransfer, due(2*time.Hour))
	w.insert(payment.BankTransfer, due(time.Hour), unplaced)
	w.insert(payment.CashOnDelivery, due(time.Hour))
	w.insert(payment.BankTransfer)
	forgotten := w.held()
	w.held(unplaced)
	w.captured()
	if got := ids(w.Overdue, start.Add(time.Hour)); len(got) != 0 {
		t.Fatal("due now is not overdue", got)
	}
	if got := ids(w.Overdue, start.Add(time.Hour+time.Microsecond)); len(got) != 1 || got[0] != first.ID.String() {
		t.Fatal(got)
	}
	if got := ids(w.Overdue, start.Add(24*time.Hour)); len(got) != 2 || got[1] != second.ID.String() {
		t.Fatal(got)
	}
	if got := ids(w.Uncaptured, start); len(got) != 0 {
		t.Fatal(got)
	}
	if got := ids(w.Uncaptured, start.Add(time.Microsecond)); len(got) != 1 || got[0] != forgotten.ID.String() {
		t.Fatal(got)
	}
	if all, err := w.OfOrder(t.Context(), w.merchant, *first.OrderID); err != nil || len(all) != 1 || all[0].ID != first.ID {
		t.Fatal(all, err)
	}
	if all, err := w.OfOrder(t.Context(), id.New(), *first.OrderID); err != nil || len(all) != 0 {
		t.Fatal("another merchant sees it", all, err)
	}
}

// renamed is another provider of the same methods.
type renamed struct {
	*sandbox.Gateway
	name string
}

func (r renamed) Name() string { return r.name }

func TestTheFirstProviderOfAMethodIsTaken(t *testing.T) {
	t.Parallel()
	for range 20 { // whatever the order of maps
		s := payment.New(payment.Config{Providers: []payment.Provider{renamed{name: "c"}, renamed{name: "a"}, renamed{name: "b"}}})
		if p, ok := s.ProviderFor(payment.Card); !ok || p.Name() != "c" {
			t.Fatal(p)
		}
		if p, ok := s.Provider("b"); !ok || p.Name() != "b" {
			t.Fatal(p)
		}
		for _, m := range []payment.Method{payment.BankTransfer, payment.CashOnDelivery, "shells"} {
			if _, ok := s.ProviderFor(m); ok || m.Offline() != (m != "shells") {
				t.Fatal(m)
			}
		}
		if _, ok := s.Provider("z"); ok {
			t.Fatal("found")
		}
	}
}
