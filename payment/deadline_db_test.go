package payment_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"doorstep/internal/id"
	"doorstep/payment"
)

func TestAHoldThatEndsSoonRaisesTheAlarmOnce(t *testing.T) {
	t.Parallel()
	w := newBanked(t)
	ends := func(d time.Duration, change ...func(p *payment.Payment)) payment.Payment {
		p := w.holds(change...)
		at := start.Add(d)
		w.exec(`update payments set capture_before = $2 where id = $1`, p.ID, at)
		return p
	}
	watch := func() {
		t.Helper()
		for _, err := range together(3, func(int) error { return w.WatchDeadlines(t.Context()) }) { // on several nodes
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	due := func(status string, want int64) {
		t.Helper()
		if n := w.count(`select count(*) from payment_differences where kind = 'capture_due' and status = $1`, status); n != want {
			t.Fatalf("%d are %s, want %d", n, status, want)
		}
	}
	taken, gone, kept, unknown := ends(30*time.Hour), ends(30*time.Hour), ends(30*time.Hour), ends(30*time.Hour)
	ends(72 * time.Hour)
	ends(30*time.Hour, func(p *payment.Payment) { p.OrderID = nil })
	watch()
	w.wantTold()
	w.clock.Advance(6 * time.Hour) // a day before
	watch()
	watch()
	w.wantTold(slices.Repeat([]string{"payment.capture_due"}, 4)...)
	due("open", 4)
	if n := w.count(`select count(*) from outbox where event = 'payment.capture_due'`); n != 4 {
		t.Fatalf("%d events", n)
	}
	if n, captures, err := w.OpenDifferences(t.Context()); err != nil || n != 0 || captures != 4 {
		t.Fatal(n, captures, err)
	}
	if _, err := w.Capture(t.Context(), w.merchant, taken.ID, 0); err != nil {
		t.Fatal(err)
	}
	watch()
	due("mended", 1)
	w.told.events = nil

	w.clock.Advance(24 * time.Hour)
	w.there(gone).Status = payment.Voided
	delete(w.bank.charges, *unknown.GatewayID)
	watch()
	w.wantTold("payment.expired", "payment.expired")
	for p, want := range map[*payment.Payment]payment.Status{&taken: payment.Captured, &gone: payment.Expired, &unknown: payment.Expired, &kept: payment.Authorized} {
		if now, err := w.Payment(t.Context(), w.merchant, p.ID); err != nil || now.Status != want {
			t.Fatalf("want %s: %+v %v", want, now, err)
		}
	}
	due("mended", 3)
	due("open", 1) // it is held there, so it may still be taken
	if n := w.count(`select count(*) from outbox where event = 'payment.hold_ended'`); n != 2 {
		t.Fatalf("%d events", n)
	}
}

// However many cannot be finished, the others are.
func TestWhatIsStuckKeepsNobodyBack(t *testing.T) {
	t.Parallel()
	w := newBanked(t)
	const stuck = 450 // more than two pages
	fine := w.holds()
	if _, err := w.Capture(t.Context(), w.merchant, fine.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.exec(`insert into payments (merchant_id, id, checkout_id, order_id, attempt, method, provider, gateway_key, gateway_id, status, amount_minor, captured_minor,
			refunded_minor, currency, created_at, updated_at)
		select $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'card', 'gone', 'pay:' || n, 'ch_' || s.status || n, s.status, $2, s.taken, s.back, 'EUR', $3, $3
		from generate_series(1, $4::int) n cross join (values ('captured', $2::bigint, 1::bigint), ('authorized', 0, 0)) s (status, taken, back)`,
		w.merchant, amount, start.Add(-time.Hour), stuck)
	w.exec(`insert into refunds (merchant_id, id, payment_id, order_id, status, amount_minor, currency, reason, gateway_key, created_at, updated_at)
		select merchant_id, gen_random_uuid(), id, order_id, 'pending', 1, 'EUR', '', id, created_at, created_at from payments where refunded_minor = 1`)
	refund := id.New()
	w.exec(`insert into refunds (merchant_id, id, payment_id, order_id, status, amount_minor, currency, reason, gateway_key, created_at, updated_at)
		values ($1, $2, $3, $4, 'pending', 5, 'EUR', '', 're', $5, $5)`, w.merchant, refund, fine.ID, *fine.OrderID, start)
	w.exec(`update payments set refunded_minor = 5 where id = $1`, fine.ID)
	late := w.holds()
	w.clock.Advance(time.Hour)

	if err := w.RecoverRefunds(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if r, err := w.RefundByID(t.Context(), w.merchant, refund); err != nil || r.Status != "succeeded" {
		t.Fatalf("%+v %v", r, err)
	}
	if n := w.count(`select count(*) from refunds where status = 'pending'`); n != stuck {
		t.Fatalf("%d are pending", n)
	}
	var mu sync.Mutex
	tried, failed := 0, false
	err := w.Uncaptured(t.Context(), w.clock.Now(), func(p *payment.Payment) error {
		_, err := w.Capture(t.Context(), p.MerchantID, p.ID, 0)
		mu.Lock()
		defer mu.Unlock()
		tried++
		failed = failed || err != nil
		return err
	})
	if err == nil || !failed || tried != stuck+1 {
		t.Fatalf("%d were tried: %v", tried, err)
	}
	w.wantAmounts(late, amount, 0)
}
