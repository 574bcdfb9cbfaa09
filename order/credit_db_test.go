package order_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// remember lets every order be the one customer's, and says who that is.
func (w *world) remember() uuid.UUID {
	ani := id.New()
	w.orders.Customer = func(context.Context, *order.Order) (uuid.UUID, error) { return ani, nil }
	return ani
}

// given is what has gone back of an order: through the gateway, and as credit.
func (w *world) given(o *order.Order) (back, credit int64) {
	w.t.Helper()
	key := w.payment(o).GatewayKey
	if err := w.gateway.Books(func(c sandbox.Charge) {
		if c.Key == key {
			back += c.Refunded
		}
	}); err != nil {
		w.t.Fatal(err)
	}
	return back, w.count(`select coalesce(sum(amount_minor), 0)::bigint from credit_entries where merchant_id = $1 and order_id = $2`, w.merchant, o.ID)
}

func (w *world) wantGiven(o *order.Order, back, credit int64) {
	w.t.Helper()
	if b, c := w.given(o); b != back || c != credit {
		w.t.Fatalf("%d went back and %d became credit, want %d and %d", b, c, back, credit)
	}
}

func TestARefundBecomesStoreCreditOnceAndTheGatewayHearsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.delivered(500, bought{"MUG", 4, 1000})
	n := order.NewRefund{ID: id.New(), Lines: units(o, 0, 1), Reason: "late", To: payment.ToStoreCredit}
	_, err := w.orders.Refund(w.ctx, w.merchant, o.ID, n)
	wantError(t, "nobody's credit", err, order.ErrNoCustomer)
	w.orders.Customer = func(context.Context, *order.Order) (uuid.UUID, error) { return uuid.Nil, customer.ErrContactGone }
	_, err = w.orders.Refund(w.ctx, w.merchant, o.ID, n)
	wantError(t, "the credit of somebody erased", err, order.ErrNoCustomer)
	w.wantGiven(o, 0, 0)

	ani := w.remember()
	for range 2 {
		all, err := w.orders.Refund(w.ctx, w.merchant, o.ID, n)
		if err != nil || len(all) != 1 || all[0].Status != "succeeded" || all[0].Destination != payment.ToStoreCredit || all[0].AmountMinor != 1000 {
			t.Fatalf("%+v %v", all, err)
		}
	}
	w.wantGiven(o, 0, 1000)
	if got := w.read(o); got.PaymentStatus != "partially_refunded" || got.Lines[0].Refunded != 1 {
		t.Fatalf("%+v", got)
	}
	if held := w.count(`select balance_minor from credit_accounts where merchant_id = $1 and customer_id = $2 and currency = 'EUR'`, w.merchant, ani); held != 1000 {
		t.Fatalf("%d on the account", held)
	}
	if n := w.count(`select count(*) from ledger_entries where source_kind = 'refund' and source_id = $1 and amount_minor = 1000
		and account = case side when 'debit' then 'refunds' else 'store_credit_liability' end`, n.ID); n != 2 {
		t.Fatalf("%d ledger entries", n)
	}
	if n := w.count(`select count(*) from outbox where event = 'payment.refunded'`); n != 1 {
		t.Fatalf("told %d times", n)
	}
	_, err = w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 3501, To: payment.ToStoreCredit})
	wantError(t, "more than is left", err, payment.ErrRefundTooHigh)
	_, err = w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 1, To: "pocket"})
	wantError(t, "anywhere else", err, order.ErrRefundInput)
	if _, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{}); err != nil {
		t.Fatal(err)
	}
	w.wantGiven(o, 3500, 1000)
	if got := w.read(o); got.PaymentStatus != "refunded" {
		t.Fatal(got.PaymentStatus)
	}
}

func TestRefundsBothWaysAtOnceNeverGiveMoreThanWasPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.remember()
	w.variant("MUG")
	for range 4 {
		o := w.place(payment.Card, 0, bought{"MUG", 10, 100})
		w.pay(o)
		var all sync.WaitGroup
		for i := range 16 {
			n := order.NewRefund{Amount: 90}
			if i%2 == 0 {
				n.To = payment.ToStoreCredit
			}
			all.Go(func() {
				if _, err := w.orders.Refund(w.ctx, w.merchant, o.ID, n); err != nil && !fault.Is(err, payment.ErrRefundTooHigh) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if back, credit := w.given(o); back+credit != 990 || w.net(o) != 10 {
			t.Fatalf("%d went back and %d became credit of 1000", back, credit)
		}
	}
	if n := w.count(`select count(*) from credit_accounts a where balance_minor <> (select sum(amount_minor) from credit_entries e where e.account_id = a.id)`); n != 0 {
		t.Error("the account is not the sum of its entries")
	}
}

func TestAClaimIsMadeGoodWithStoreCredit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.remember()
	w.variant("MUG")
	o := w.delivered(0, bought{"MUG", 2, 1000})
	c := w.claim(w.orders.OpenClaim(w.ctx, w.merchant, o.ID, order.NewClaim{Kind: "damaged", Lines: units(o, 0, 1)}, "merchant"))
	c = w.claim(w.orders.ApproveClaim(w.ctx, w.merchant, c.ID, "merchant"))
	for range 2 {
		c = w.claim(w.orders.ResolveClaim(w.ctx, w.merchant, c.ID, order.Resolution{Kind: order.ResolveStoreCredit}, "merchant"))
	}
	if c.Status != order.ClaimResolved || c.Resolution != order.ResolveStoreCredit || c.Refund != 1000 {
		t.Fatalf("%+v", c)
	}
	w.wantGiven(o, 0, 1000)
}

func TestAReturnIsPaidBackAsStoreCredit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.remember()
	w.variant("MUG")
	o := w.delivered(500, bought{"MUG", 2, 1000})
	r := w.requestReturn(o, []order.ReturnLine{{LineID: o.Lines[0].ID, Quantity: 1, Reason: "unwanted"}})
	w.back(w.orders.ApproveReturn(w.ctx, w.merchant, r.ID, "merchant"))
	w.back(w.orders.ReceiveReturn(w.ctx, w.merchant, r.ID, nil, "merchant"))
	w.back(w.orders.InspectReturn(w.ctx, w.merchant, r.ID, nil, "merchant"))
	for range 2 {
		r = w.back(w.orders.RefundReturn(w.ctx, w.merchant, r.ID, order.ReturnRefund{FeeBps: 1000, To: payment.ToStoreCredit}, "merchant"))
	}
	if r.Status != order.ReturnRefunded || r.Refund != 900 {
		t.Fatalf("%+v", r)
	}
	w.wantGiven(o, 0, 900)
}
