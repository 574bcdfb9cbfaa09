package payment_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorstep/internal/id"
	"doorstep/internal/killpoint/toll"
	"doorstep/payment"
)

// orders gives all orders of n things.
func orders(n int) (all [][]int) {
	var extend func(so []int)
	extend = func(so []int) {
		if len(so) == n {
			all = append(all, slices.Clone(so))
			return
		}
		for i := range n {
			if !slices.Contains(so, i) {
				extend(append(so, i))
			}
		}
	}
	extend(nil)
	return all
}

// Six things happen to a charge at the provider, and its news come in any order
// and some of it twice; what is more, whoever looks sees the charge only as it
// stood at that news. All 720 orders end the same.
func TestAllOrdersOfSixNewsEndTheSame(t *testing.T) {
	t.Parallel()
	w := newBanked(t)
	stages := func(c payment.GatewayCharge) (all [6]payment.GatewayCharge) {
		next := func(i int, change func()) { change(); all[i] = c; all[i].Refunds = slices.Clone(c.Refunds) }
		next(0, func() { c.Status, c.Captured = payment.Captured, amount })
		next(1, func() { giveBack(&c, "re_a"+c.GatewayID, "", 100) })
		next(2, func() { giveBack(&c, "re_b"+c.GatewayID, "", 200) })
		next(3, func() { c.Refunds[0].Failed = true; c.Refunded -= 100 })
		next(4, func() { c.Dispute, c.Disputed = payment.Disputed, amount-200 })
		next(5, func() { c.Dispute = payment.DisputeLost })
		return all
	}
	all := orders(6)
	count := toll.Begin(t, "all orders of six news")
	w.exec(`insert into payments (merchant_id, id, checkout_id, order_id, attempt, method, provider, gateway_key, gateway_id, status, amount_minor, currency, created_at, updated_at)
		select $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'card', 'bank', 'pay:' || n, 'ch_' || n, 'authorized', $2, 'EUR', $3, $3
		from generate_series(0, $4::int) n`, w.merchant, amount, start, len(all)-1)
	rows, err := w.db.Query(t.Context(), `select id, gateway_key, gateway_id from payments order by length(gateway_key), gateway_key`)
	if err != nil {
		t.Fatal(err)
	}
	charges, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c payment.GatewayCharge, err error) {
		c = payment.GatewayCharge{Currency: "EUR", Status: payment.Authorized, Authorized: amount, CreatedAt: start}
		return c, row.Scan(&c.PaymentID, &c.Key, &c.GatewayID)
	})
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			for i := worker; i < len(all); i += 4 {
				count.Fault()
				stage := stages(charges[i])
				news := all[i]
				for n := rand.IntN(2); n > 0; n-- { // some of it comes again
					news = slices.Insert(slices.Clone(news), rand.IntN(len(news)+1), rand.IntN(6))
				}
				for _, n := range news {
					w.bank.put(stage[n])
					if err := w.Adopt(t.Context(), w.merchant, charges[i].PaymentID); err != nil {
						t.Errorf("%v: %v", news, err)
						return
					}
				}
			}
		})
	}
	work.Wait()
	rows, err = w.db.Query(t.Context(), `select format('%s: %s taken, %s back; refunds %s; ledger %s', p.status, p.captured_minor, p.refunded_minor,
			(select string_agg(format('%s %s %s %s', left(gateway_id, 4), amount_minor, status, source), ', ' order by gateway_id) from refunds r where r.payment_id = p.id),
			(select string_agg(account || ' ' || sum, ', ' order by account) from (
				select account, sum(case side when 'debit' then amount_minor else -amount_minor end) as sum from ledger_entries e where e.payment_id = p.id group by 1) x where sum <> 0))
		as ending, count(*) from payments p group by 1`)
	if err != nil {
		t.Fatal(err)
	}
	endings := map[string]int{}
	var ending string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&ending, &n}, func() error { endings[ending] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	const want = "lost: 1000 taken, 200 back; refunds re_a 100 failed outside, re_b 200 succeeded outside; ledger chargebacks 800, refunds 200, sales -1000"
	if len(endings) != 1 || endings[want] != len(all) {
		count.Harm(t, toll.Wrong, "not all end as %q: %v", want, endings)
	}
}

func TestWhatWasDoneAtTheProviderIsAdopted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(w *banked, p payment.Payment) // the charge is captured here and there, unless it is held
		held   bool
		do     func(c *payment.GatewayCharge)
		want   payment.Status
		taken  int64
		back   int64
		told   []string
	}{
		"a capture": {held: true, do: func(c *payment.GatewayCharge) { c.Status, c.Captured = payment.Captured, 700 },
			want: payment.PartiallyCaptured, taken: 700, told: []string{"payment.captured"}},
		"a void":    {held: true, do: func(c *payment.GatewayCharge) { c.Status = payment.Voided }, want: payment.Voided, told: []string{"payment.voided"}},
		"an expiry": {held: true, do: func(c *payment.GatewayCharge) { c.Status = payment.Expired }, want: payment.Expired, told: []string{"payment.expired"}},
		"a void after the deadline is an expiry": {held: true, before: func(w *banked, p payment.Payment) {
			w.exec(`update payments set capture_before = $2 where id = $1`, p.ID, start)
		}, do: func(c *payment.GatewayCharge) { c.Status = payment.Voided }, want: payment.Expired, told: []string{"payment.expired"}},
		"a capture of what was thought to have ended": {held: true, before: func(w *banked, p payment.Payment) {
			w.exec(`update payments set status = 'expired' where id = $1`, p.ID)
		}, do: func(c *payment.GatewayCharge) { c.Status, c.Captured = payment.Captured, amount },
			want: payment.Captured, taken: amount, told: []string{"payment.captured"}},
		"a refund": {do: func(c *payment.GatewayCharge) { giveBack(c, "re_1", "", 250) },
			want: payment.Captured, taken: amount, back: 250, told: []string{"payment.refunded"}},
		"two refunds": {do: func(c *payment.GatewayCharge) { giveBack(c, "re_1", "", 250); giveBack(c, "re_2", "", 750) },
			want: payment.Captured, taken: amount, back: amount, told: []string{"payment.refunded", "payment.refunded"}},
		"a dispute": {do: func(c *payment.GatewayCharge) { c.Dispute = payment.Disputed },
			want: payment.Disputed, taken: amount, told: []string{"payment.disputed"}},
		"a dispute that was won": {do: func(c *payment.GatewayCharge) { c.Dispute = payment.DisputeWon },
			want: payment.DisputeWon, taken: amount, told: []string{"payment.disputed", "payment.dispute_won"}},
		"a sum that was never held is for a person": {held: true, do: func(c *payment.GatewayCharge) { c.Status, c.Captured = payment.Captured, amount+1 },
			want: payment.Authorized},
	} {
		for _, quiet := range []bool{false, true} { // with what Find tells, and with what the books tell
			t.Run(fmt.Sprint(name, quiet), func(t *testing.T) {
				t.Parallel()
				w := newBanked(t)
				w.bank.quiet = quiet
				p := w.holds()
				if !c.held {
					if _, err := w.Capture(t.Context(), w.merchant, p.ID, 0); err != nil {
						t.Fatal(err)
					}
				}
				if c.before != nil {
					c.before(w, p)
				}
				w.told.events = nil
				c.do(w.there(p))
				for _, err := range together(3, func(int) error { return w.Adopt(t.Context(), w.merchant, p.ID) }) {
					if err != nil {
						t.Error(err)
					}
				}
				now, err := w.Payment(t.Context(), w.merchant, p.ID)
				if err != nil || now.Status != c.want || now.CapturedMinor != c.taken || now.RefundedMinor != c.back {
					t.Fatalf("%+v %v", now, err)
				}
				w.wantTold(c.told...)
			})
		}
	}
}

// Our own refund, of which the answer was lost, is in the provider's list like
// any other. It is not taken for one that was made outside.
func TestAnOwnRefundIsNeverAdoptedAsAnothers(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{true, false} {
		w := newBanked(t)
		p := w.holds()
		if _, err := w.Capture(t.Context(), w.merchant, p.ID, 0); err != nil {
			t.Fatal(err)
		}
		refund := id.New()
		w.exec(`insert into refunds (merchant_id, id, payment_id, order_id, status, amount_minor, currency, reason, gateway_key, created_at, updated_at)
			values ($1, $2, $3, $4, 'pending', 400, 'EUR', 'broken', $5, $6, $6)`, w.merchant, refund, p.ID, *p.OrderID, "re:"+refund.String(), start)
		w.exec(`update payments set refunded_minor = 400 where id = $1`, p.ID)
		if _, err := w.bank.Refund(t.Context(), payment.Movement{Key: "re:" + refund.String(), GatewayID: *p.GatewayID, Amount: 400}); err != nil {
			t.Fatal(err)
		}
		if !named {
			w.there(p).Refunds[0].Key = ""
		}
		giveBack(w.there(p), "re_outside", "", 50)
		if err := w.Adopt(t.Context(), w.merchant, p.ID); err != nil {
			t.Fatal(err)
		}
		w.wantAmounts(p, amount, 450)
		if n := w.count(`select count(*) from refunds where status = 'succeeded' and (source = 'outside') = (amount_minor = 50)`); n != 2 {
			t.Fatalf("%d refunds", n)
		}
	}
}

func (w *banked) wantAmounts(p payment.Payment, captured, refunded int64) {
	w.t.Helper()
	now, err := w.Payment(w.t.Context(), p.MerchantID, p.ID)
	if err != nil || now.CapturedMinor != captured || now.RefundedMinor != refunded {
		w.t.Fatalf("%+v %v", now, err)
	}
}

func TestWhatIsDisputedCannotBeRefundedUntilItIsWon(t *testing.T) {
	t.Parallel()
	w := newBanked(t)
	p := w.holds()
	if _, err := w.Capture(t.Context(), w.merchant, p.ID, 0); err != nil {
		t.Fatal(err)
	}
	adopt := func(d payment.Status) {
		t.Helper()
		w.there(p).Dispute = d
		if err := w.Adopt(t.Context(), w.merchant, p.ID); err != nil {
			t.Fatal(err)
		}
	}
	adopt(payment.Disputed)
	if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 1}); !errors.Is(err, payment.ErrDisputed) {
		t.Fatal(err)
	}
	if got := w.balances(); got["disputes"] != amount || got["gateway_clearing"] != 0 {
		t.Fatal(got)
	}
	adopt(payment.DisputeWon)
	adopt(payment.DisputeLost) // what is decided stays so
	if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 1}); err != nil {
		t.Fatal(err)
	}
	if got := w.balances(); got["disputes"] != 0 || got["gateway_clearing"] != amount-1 {
		t.Fatal(got)
	}
}

func TestAdoptLeavesAloneWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	w := newBanked(t)
	if err := w.Adopt(t.Context(), w.merchant, id.New()); !errors.Is(err, payment.ErrNotFound) {
		t.Fatal(err)
	}
	if err := w.Adopt(t.Context(), id.New(), w.holds().ID); !errors.Is(err, payment.ErrNotFound) {
		t.Fatal("another merchant's", err)
	}
	// What is not an order yet is settled on the only road there is.
	open := w.holds(func(p *payment.Payment) { p.OrderID = nil })
	w.exec(`update payments set status = 'unknown' where id = $1`, open.ID)
	w.there(open).Status, w.there(open).Captured = payment.Captured, amount
	offline := w.insert(payment.BankTransfer)
	for _, p := range []payment.Payment{open, offline} {
		if err := w.Adopt(t.Context(), w.merchant, p.ID); err != nil {
			t.Fatal(err)
		}
		w.wantAmounts(p, 0, 0)
	}
	// Of two charges under a key, only the one that the payment names counts.
	p := w.holds()
	w.bank.byKey[p.GatewayKey] = w.bank.put(payment.GatewayCharge{GatewayID: "ch_other", Key: p.GatewayKey, Status: payment.Captured, Captured: 5, CreatedAt: start}).GatewayID
	if err := w.Adopt(t.Context(), w.merchant, p.ID); err != nil {
		t.Fatal(err)
	}
	w.wantAmounts(p, 0, 0)
	w.wantTold()
	delete(w.bank.charges, *p.GatewayID)
	if err := w.Adopt(t.Context(), w.merchant, p.ID); !errors.Is(err, payment.ErrNotAtGateway) {
		t.Fatal(err)
	}
	w.bank.down = errLine
	if err := w.Adopt(t.Context(), w.merchant, p.ID); !errors.Is(err, payment.ErrGatewayTrouble) {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
}
