package payment_test

import (
	"context"
	"maps"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/id"
	"doorstep/internal/killpoint/toll"
	"doorstep/payment"
)

// drift is one way in which the shop and the bank come apart, five payments of it.
type drift struct {
	name   string
	kind   payment.DifferenceKind
	mended bool
	do     func(w *banked, p payment.Payment, c *payment.GatewayCharge)
}

// unbooked makes a captured payment one that was never captured here.
func unbooked(w *banked, p payment.Payment, status payment.Status) {
	w.exec(`delete from ledger_entries where payment_id = $1`, p.ID)
	w.exec(`update payments set status = $2, captured_minor = 0 where id = $1`, p.ID, string(status))
}

// refunds writes a refund that only our books have.
func refunds(w *banked, p payment.Payment, status string) {
	r := id.New()
	w.exec(`insert into refunds (merchant_id, id, payment_id, order_id, status, amount_minor, currency, reason, gateway_key, gateway_id, created_at, updated_at)
		values ($1, $2, $3, $4, $5, 100, 'EUR', 'broken', $6, $7, $8, $8)`, w.merchant, r, p.ID, *p.OrderID, status, "re:"+r.String(), "re_"+r.String(), start)
	w.exec(`update payments set refunded_minor = 100 where id = $1`, p.ID)
	if status == "succeeded" {
		w.exec(`insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, payment_id, order_id, booked_at)
			values ($1, 'refund', $2, 'debit', 'refunds', 100, 'EUR', $3, $4, $5), ($1, 'refund', $2, 'credit', 'gateway_clearing', 100, 'EUR', $3, $4, $5)`,
			w.merchant, r, p.ID, *p.OrderID, start)
	} else {
		w.exec(`update refunds set gateway_id = null where id = $1`, r)
	}
}

// second is another charge for the same payment.
func second(w *banked, c *payment.GatewayCharge) *payment.GatewayCharge {
	twin := *c
	twin.GatewayID += "_2"
	return w.bank.put(twin)
}

func drifts() []drift {
	return []drift{
		{"a payment that the backup lacks", payment.MissingHere, false, func(w *banked, p payment.Payment, _ *payment.GatewayCharge) {
			w.exec(`delete from ledger_entries where payment_id = $1`, p.ID)
			w.exec(`delete from payments where id = $1`, p.ID)
		}},
		{"a hold that the backup lacks", payment.OrphanHold, true, func(w *banked, p payment.Payment, c *payment.GatewayCharge) {
			w.exec(`delete from ledger_entries where payment_id = $1`, p.ID)
			w.exec(`delete from payments where id = $1`, p.ID)
			c.Status, c.Captured = payment.Authorized, 0
		}},
		{"a charge that is not there", payment.MissingThere, false, func(w *banked, _ payment.Payment, c *payment.GatewayCharge) {
			delete(w.bank.charges, c.GatewayID)
		}},
		{"less was taken", payment.AmountDiffers, false, func(_ *banked, _ payment.Payment, c *payment.GatewayCharge) { c.Captured = 900 }},
		{"in dollars", payment.CurrencyDiffers, false, func(_ *banked, _ payment.Payment, c *payment.GatewayCharge) { c.Currency = "USD" }},
		{"an attempt that nobody has settled", payment.StatusBehind, true, func(w *banked, p payment.Payment, c *payment.GatewayCharge) {
			unbooked(w, p, payment.Unknown)
			w.exec(`update payments set order_id = null, gateway_id = null where id = $1`, p.ID)
			c.Status, c.Captured = payment.Authorized, 0
		}},
		{"a capture in the dashboard", payment.CaptureUnrecorded, true, func(w *banked, p payment.Payment, _ *payment.GatewayCharge) {
			unbooked(w, p, payment.Authorized)
		}},
		{"a capture that was only dreamt of", payment.CaptureMissingThere, true, func(_ *banked, _ payment.Payment, c *payment.GatewayCharge) {
			c.Status, c.Captured = payment.Authorized, 0
		}},
		{"a void in the dashboard", payment.VoidUnrecorded, true, func(w *banked, p payment.Payment, c *payment.GatewayCharge) {
			unbooked(w, p, payment.Authorized)
			c.Status, c.Captured = payment.Voided, 0
		}},
		{"a refund in the dashboard", payment.RefundUnrecorded, true, func(_ *banked, _ payment.Payment, c *payment.GatewayCharge) {
			giveBack(c, "re_"+c.GatewayID, "", 250)
		}},
		{"a refund that was never sent", payment.RefundMissingThere, true, func(w *banked, p payment.Payment, _ *payment.GatewayCharge) {
			refunds(w, p, "pending")
		}},
		{"a refund that the provider has forgotten", payment.RefundMissingThere, false, func(w *banked, p payment.Payment, _ *payment.GatewayCharge) {
			refunds(w, p, "succeeded")
		}},
		{"a dispute that nobody heard of", payment.DisputeUnrecorded, true, func(_ *banked, _ payment.Payment, c *payment.GatewayCharge) {
			c.Dispute, c.Disputed = payment.DisputeLost, amount
		}},
		{"taken twice", payment.DoubleCharge, true, func(w *banked, _ payment.Payment, c *payment.GatewayCharge) { second(w, c) }},
		{"held once more", payment.OrphanHold, true, func(w *banked, _ payment.Payment, c *payment.GatewayCharge) {
			twin := second(w, c)
			twin.Status, twin.Captured = payment.Authorized, 0
		}},
		{"taken for an attempt that failed", payment.OrphanCharge, true, func(w *banked, p payment.Payment, _ *payment.GatewayCharge) {
			unbooked(w, p, payment.Failed)
			w.exec(`update payments set order_id = null where id = $1`, p.ID)
		}},
		{"a movement that the ledger lacks", payment.LedgerDiffers, true, func(w *banked, p payment.Payment, _ *payment.GatewayCharge) {
			w.exec(`delete from ledger_entries where payment_id = $1`, p.ID)
		}},
	}
}

// many writes n captured payments of placed orders, here and there.
func (w *banked) many(n int) []payment.Payment {
	w.t.Helper()
	for from := 1; from <= n; from += 10_000 { // a statement has five seconds
		w.exec(`with p as (
				insert into payments (merchant_id, id, checkout_id, order_id, attempt, method, provider, gateway_key, gateway_id, status, amount_minor,
					captured_minor, currency, created_at, updated_at)
				select $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'card', 'bank', 'pay:' || n, 'ch_' || n, 'captured', $2, $2, 'EUR', at, at
				from generate_series($5::int, least($5 + 9999, $4::int)) n
				cross join lateral (select $3::timestamptz + n * least(interval '3 minutes', interval '60 hours' / $4::int) as at) x
				returning *)
			insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, payment_id, order_id, booked_at)
			select merchant_id, 'capture', id, side, account, amount_minor, currency, id, order_id, created_at
			from p cross join (values ('debit', 'gateway_clearing'), ('credit', 'sales')) s (side, account)`, w.merchant, amount, start, n, from)
	}
	rows, err := w.db.Query(w.t.Context(), `select merchant_id, id, checkout_id, order_id, gateway_key, gateway_id, created_at from payments order by created_at`)
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p payment.Payment, err error) {
		return p, row.Scan(&p.MerchantID, &p.ID, &p.CheckoutID, &p.OrderID, &p.GatewayKey, &p.GatewayID, &p.CreatedAt)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range all {
		w.bank.put(payment.GatewayCharge{
			GatewayID: *p.GatewayID, Key: p.GatewayKey, Merchant: p.MerchantID, PaymentID: p.ID, Currency: "EUR", Status: payment.Captured,
			Authorized: amount, Captured: amount, CreatedAt: p.CreatedAt.Add(time.Second),
		})
	}
	return all
}

// reconcile compares everything, and wants nothing to go wrong.
func (w *banked) reconcile() payment.Reconciliation {
	w.t.Helper()
	r, err := w.Reconcile(w.t.Context(), start, w.clock.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// settles stands for checkout.Settle: it makes an order of what is held.
func (w *banked) settles(ctx context.Context, merchant, p uuid.UUID) error {
	_, err := w.db.Exec(ctx, `update payments set status = 'authorized', order_id = gen_random_uuid(), gateway_id = 'ch_' || substr(gateway_key, 5), updated_at = $3
		where merchant_id = $1 and id = $2 and status = 'unknown'`, merchant, p, start)
	return err
}

// driftOrders is how many orders there are, more in the long campaign.
func driftOrders() int {
	n, err := strconv.Atoi(os.Getenv("DOORSTEP_DRIFT_ORDERS"))
	if err != nil {
		return 1000
	}
	return max(n, 1000)
}

func TestEveryDriftFromTheBooksIsFoundAndMendedOnce(t *testing.T) {
	t.Parallel()
	const each = 5
	orders := driftOrders()
	w := newBanked(t)
	w.Connect(w.settles, func(context.Context) ([]uuid.UUID, error) { return []uuid.UUID{id.New(), w.merchant}, nil })
	all := w.many(orders)
	w.clock.Advance(72 * time.Hour)
	if r := w.reconcile(); r.Charges != orders || r.Payments != orders || r.Young != 0 || r.Total() != (payment.Tally{}) {
		t.Fatalf("a false alarm: %+v", r)
	}
	want, open := map[payment.DifferenceKind]payment.Tally{}, 0
	count := toll.Begin(t, "drifts between our books and the gateway's")
	for i, d := range drifts() {
		for n := range each {
			p := all[(i*each+n)*7+3] // all over the days
			d.do(w, p, w.there(p))
			count.Fault()
		}
		k := want[d.kind]
		k.Found += each
		if d.mended {
			k.Mended += each
		} else {
			k.Open += each
			open += each
		}
		want[d.kind] = k
	}
	// What happens now is not in all books yet.
	for n := range 20 {
		p := all[990-n]
		unbooked(w, p, payment.Authorized)
		w.exec(`update payments set updated_at = $2 where id = $1`, p.ID, w.clock.Now().Add(-time.Duration(n)*10*time.Second))
	}
	// Others use the same account.
	w.bank.put(payment.GatewayCharge{GatewayID: "ch_foreign", Currency: "EUR", Status: payment.Authorized, Authorized: 5, CreatedAt: start.Add(time.Hour)})

	r := w.reconcile()
	if !maps.Equal(r.Kinds, want) || r.Young != 20 || r.Unassigned != 0 {
		count.Harm(t, toll.Wrong, "found %+v\nwant %v", r, want)
	}
	if n := w.count(`select count(*) from payment_differences where status = 'open'`); n != int64(open) {
		t.Fatalf("%d open rows, want %d", n, open)
	}
	// Again: nothing new, nothing to mend; what waits for a person still waits.
	r = w.reconcile()
	if got := r.Total(); got != (payment.Tally{Open: open}) {
		t.Fatalf("the second run: %+v", r)
	}
	if n := w.count(`select count(*) from payment_differences`); n != int64(len(drifts())*each) {
		t.Fatalf("%d rows", n)
	}
	// A person decides; it is not asked again.
	rows, next, err := w.Differences(t.Context(), w.merchant, "open", "", "", 7)
	seen := map[uuid.UUID]bool{}
	for ; err == nil; rows, next, err = w.Differences(t.Context(), w.merchant, "open", "", next, 7) {
		for _, d := range rows {
			seen[d.ID] = true
		}
		if next == "" {
			break
		}
	}
	if err != nil || len(seen) != open {
		t.Fatalf("%d listed: %v", len(seen), err)
	}
	for d := range seen {
		if got, err := w.Resolve(t.Context(), w.merchant, d, "ani", "looked at it"); err != nil || got.Status != payment.DifferenceResolved || got.Note != "looked at it" {
			t.Fatalf("%+v %v", got, err)
		}
	}
	if r = w.reconcile(); r.Total() != (payment.Tally{}) || r.Accepted != open {
		t.Fatalf("the third run: %+v", r)
	}
	w.bank.stands(t)
	if w.bank.charges["ch_foreign"].Status != payment.Authorized {
		t.Fatal("another's hold was let go")
	}
}

// stands wants nobody to have paid twice or for nothing.
func (b *bank) stands(t *testing.T) {
	t.Helper()
	for name, c := range b.charges {
		if twin := b.charges[name+"_2"]; twin != nil && (twin.Captured != twin.Refunded || twin.Status == payment.Authorized) {
			t.Errorf("%+v was left", twin)
		}
		if c.Refunded > c.Captured {
			t.Errorf("%+v gives back too much", c)
		}
	}
}

func TestADifferenceThatIsGoneIsClosed(t *testing.T) {
	t.Parallel()
	w := newBanked(t)
	p := w.many(1)[0]
	w.clock.Advance(time.Hour)
	w.there(p).Captured = 900
	for i, want := range []payment.Tally{{Found: 1, Open: 1}, {Open: 1}} {
		if r := w.reconcile(); r.Total() != want {
			t.Fatalf("run %d: %+v", i, r)
		}
	}
	w.there(p).Captured = 800 // still wrong, in another way
	if r := w.reconcile(); r.Total() != (payment.Tally{Open: 1}) {
		t.Fatalf("%+v", r)
	}
	rows, _, err := w.Differences(t.Context(), w.merchant, "", "", "", 0)
	if err != nil || len(rows) != 1 || rows[0].ThereMinor != 800 || rows[0].Kind != payment.AmountDiffers {
		t.Fatalf("%+v %v", rows, err)
	}
	w.there(p).Captured = amount
	if r := w.reconcile(); r.Total() != (payment.Tally{}) {
		t.Fatalf("%+v", r)
	}
	d, err := w.Difference(t.Context(), w.merchant, rows[0].ID)
	if err != nil || d.Status != payment.DifferenceMended || d.ClosedAt == nil {
		t.Fatalf("%+v %v", d, err)
	}
	if _, err := w.Resolve(t.Context(), w.merchant, d.ID, "ani", ""); err == nil {
		t.Fatal("what is gone was resolved")
	}
	if _, err := w.Resolve(t.Context(), id.New(), d.ID, "ani", ""); err == nil {
		t.Fatal("another merchant resolved it")
	}
}

func TestAChargeOfUnknownMerchantsIsTouchedByNobody(t *testing.T) {
	t.Parallel()
	w := newBanked(t)
	w.bank.put(payment.GatewayCharge{GatewayID: "ch_1", Key: "pay:elsewhere", Currency: "EUR", Status: payment.Authorized, Authorized: 5, CreatedAt: start})
	w.clock.Advance(time.Hour)
	if r := w.reconcile(); r.Kinds[payment.OrphanHold] != (payment.Tally{Found: 1, Open: 1}) {
		t.Fatalf("%+v", r)
	}
	w.Connect(nil, func(context.Context) ([]uuid.UUID, error) { return []uuid.UUID{w.merchant, id.New()}, nil })
	if r := w.reconcile(); r.Unassigned != 1 || r.Total() != (payment.Tally{}) {
		t.Fatalf("%+v", r)
	}
	if w.bank.charges["ch_1"].Status != payment.Authorized {
		t.Fatal("it was let go")
	}
}

func TestTheBooksAreComparedOnceADay(t *testing.T) {
	t.Parallel()
	w := newBanked(t)
	w.many(3)
	w.clock.Advance(24 * time.Hour) // noon
	finished := func() int64 { return w.count(`select count(*) from payment_compares where finished_at is not null`) }
	if err := w.Nightly(t.Context(), 13, 3); err != nil || finished() != 0 {
		t.Fatal("before its hour", err)
	}
	for _, err := range together(4, func(int) error { return w.Nightly(t.Context(), 3, 3) }) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := w.count(`select charges from payment_compares`); got != 3 || finished() != 1 {
		t.Fatal(got)
	}
	// A node that died in the middle is followed by another, an hour later.
	w.exec(`update payment_compares set finished_at = null`)
	if err := w.Nightly(t.Context(), 3, 3); err != nil || finished() != 0 {
		t.Fatal("too early", err)
	}
	w.clock.Advance(2 * time.Hour)
	if err := w.Nightly(t.Context(), 3, 3); err != nil || finished() != 1 {
		t.Fatal("nobody took over", err)
	}
	w.clock.Advance(24 * time.Hour)
	if err := w.Nightly(t.Context(), 3, 3); err != nil || finished() != 2 {
		t.Fatal("not the next day", err)
	}
}
