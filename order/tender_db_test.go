package order_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
)

// card issues a gift card that pays sum of an order.
func (w *world) card(sum int64, expires *time.Time) payment.Tender {
	w.t.Helper()
	a, _, err := payment.NewCredits(w.db, nil).IssueGiftCard(w.ctx, w.merchant, payment.NewGiftCard{Amount: sum, Currency: "EUR", ExpiresAt: expires}, "test")
	w.fine(err)
	return payment.Tender{PaymentID: id.New(), AccountID: a.ID, Method: payment.ByGiftCard, CodeEnd: a.CodeEnd, Amount: sum}
}

// tender lets credits pay a part of an order and its payment.
func (w *world) tender(o *order.Order, p *payment.Payment, tenders []payment.Tender) {
	w.t.Helper()
	if len(tenders) == 0 {
		return
	}
	for _, t := range tenders {
		p.CreditMinor += t.Amount
	}
	p.AmountMinor -= p.CreditMinor
	var err error
	o.Tenders, err = json.Marshal(tenders)
	w.fine(err)
	switch {
	case p.AmountMinor == 0:
		p.Method, p.Status, o.PaymentMethod, o.PaymentStatus = payment.ByGiftCard, payment.Captured, string(payment.ByGiftCard), "paid"
	case p.Method != payment.Card:
		o.PaymentStatus = "partially_paid"
	}
}

func (w *world) balance(account uuid.UUID) int64 {
	w.t.Helper()
	return w.count(`select balance_minor from credit_accounts where merchant_id = $1 and id = $2`, w.merchant, account)
}

// wantBack wants so much to have gone back through the gateway, and to be on the
// card.
func (w *world) wantBack(o *order.Order, t payment.Tender, gateway, card int64) {
	w.t.Helper()
	if back, _ := w.given(o); back != gateway || w.balance(t.AccountID) != card {
		w.t.Fatalf("%d went back, %d on the card, want %d and %d", back, w.balance(t.AccountID), gateway, card)
	}
}

func TestARefundGoesBackToTheCardFirstAndThenToTheGiftCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	paid := w.card(2000, nil)
	o := w.placeWith([]payment.Tender{paid}, payment.Card, 500, bought{"MUG", 3, 1333})
	w.expect(o, "confirmed authorized unfulfilled")
	w.pay(o)
	w.expect(o, "confirmed paid unfulfilled")
	lines := order.NewRefund{ID: id.New(), Lines: units(o, 0, 2)}
	for range 2 { // the same request again is the same refund
		all, err := w.orders.Refund(w.ctx, w.merchant, o.ID, lines)
		w.fine(err)
		if len(all) != 2 || all[0].AmountMinor != 2499 || all[1].AmountMinor != 167 || all[1].Status != "succeeded" || all[0].ID != lines.ID {
			t.Fatalf("%+v", all)
		}
	}
	w.wantBack(o, paid, 2499, 167)
	w.expect(o, "confirmed partially_refunded unfulfilled")
	_, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 1834})
	wantError(t, "more than is left", err, payment.ErrRefundTooHigh)
	_, err = w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{}) // all that is left
	w.fine(err)
	w.wantBack(o, paid, 2499, 2000)
	w.expect(o, "confirmed refunded unfulfilled")
}

func TestRefundsAtOnceNeverGiveMoreThanCreditAndCardHavePaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	paid := w.card(2000, nil)
	o := w.placeWith([]payment.Tender{paid}, payment.Card, 500, bought{"MUG", 4, 1000})
	w.pay(o)
	same := id.New()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			n := order.NewRefund{ID: same, Amount: 2700}
			if i%2 == 1 {
				n = order.NewRefund{ID: id.New(), Amount: 900}
			}
			_, _ = w.orders.Refund(w.ctx, w.merchant, o.ID, n) // most are refused
		})
	}
	all.Wait()
	back, _ := w.given(o)
	if sum := back + w.balance(paid.AccountID); sum > 4500 || sum < 3600 {
		t.Fatalf("%d went back of 4500", sum)
	}
	if n := w.count(`select coalesce(sum(refunded_minor - captured_minor), 0)::bigint from payments where order_id = $1 and refunded_minor > captured_minor`, o.ID); n != 0 {
		t.Errorf("%d more than was taken", n)
	}
}

func TestACanceledOrderGivesItsCreditBackAndNeedsNoInvoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	d := w.documents()
	for _, c := range []struct {
		method payment.Method
		before string
	}{{payment.Card, "confirmed authorized unfulfilled"}, {payment.CashOnDelivery, "confirmed partially_paid unfulfilled"}, {payment.BankTransfer, "pending partially_paid unfulfilled"}} {
		soon := start.Add(time.Hour)
		paid := w.card(2000, &soon)
		o := w.placeWith([]payment.Tender{paid}, c.method, 500, bought{"MUG", 4, 1000})
		w.expect(o, c.before)
		w.fine(d.Invoice(w.ctx, w.taken(o)))
		w.cancel(o)
		for range 2 {
			w.moneyBack(o)
		}
		w.expect(o, "canceled refunded unfulfilled")
		w.wantBack(o, paid, 0, 2000)
		if n := w.count(`select count(*) from credit_accounts where id = $1 and expires_at > $2`, paid.AccountID, start.Add(29*24*time.Hour)); n != 1 {
			t.Error("what came back cannot be spent for long")
		}
		var refund uuid.UUID
		w.fine(w.db.QueryRow(w.ctx, `select id from refunds where order_id = $1`, o.ID).Scan(&refund))
		w.fine(d.CreditNote(w.ctx, payment.Refunded{MerchantID: w.merchant, OrderID: o.ID, RefundID: refund}))
		if n := len(w.papers(d, o)); n != 0 {
			t.Errorf("%d documents of a sale that never was", n)
		}
	}
	if n := w.count(`select count(*) from v_documents_missing`); n != 0 {
		t.Errorf("%d are missing", n)
	}
}

func TestTheInvoiceOfAnOrderWaitsForWhatCreditDoesNotPay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	d := w.documents()
	paid := w.card(2000, nil)
	o := w.placeWith([]payment.Tender{paid}, payment.CashOnDelivery, 500, bought{"MUG", 4, 1000})
	w.fine(d.Invoice(w.ctx, w.taken(o)))
	if n := len(w.papers(d, o)); n != 0 {
		t.Fatalf("%d invoices before the rest was taken", n)
	}
	w.pay(o)
	w.fine(d.Invoice(w.ctx, w.taken(o)))
	if all := w.papers(d, o); len(all) != 1 || all[0].Total != 4500 {
		t.Fatalf("%+v", all)
	}
	all, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 3000})
	w.fine(err)
	for _, r := range all {
		w.fine(d.CreditNote(w.ctx, payment.Refunded{MerchantID: w.merchant, OrderID: o.ID, RefundID: r.ID}))
	}
	if all := w.papers(d, o); len(all) != 3 {
		t.Fatalf("%+v", all)
	}
	whole := w.placeWith([]payment.Tender{w.card(2500, nil)}, payment.Card, 500, bought{"MUG", 2, 1000})
	w.expect(whole, "confirmed paid unfulfilled")
	w.fine(d.Invoice(w.ctx, w.taken(whole)))
	if all := w.papers(d, whole); len(all) != 1 || all[0].Total != 2500 {
		t.Fatalf("%+v", all)
	}
	if n := w.count(`select count(*) from v_documents_missing`); n != 0 {
		t.Errorf("%d are missing", n)
	}
}

func TestCanceledUnitsCutWhatIsChargedBeforeTheyTouchTheGiftCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	for _, method := range []payment.Method{payment.Card, payment.CashOnDelivery} {
		paid := w.card(2000, nil)
		o := w.placeWith([]payment.Tender{paid}, method, 500, bought{"MUG", 4, 1000})
		w.cancelLines(o, units(o, 0, 2)...)
		w.giveCredit(o)
		p, err := w.orders.CaptureDue(w.ctx, w.merchant, w.payment(o).ID)
		w.fine(err)
		if p.CapturedMinor != 500 {
			t.Fatalf("%d taken", p.CapturedMinor)
		}
		w.wantBack(o, paid, 0, 0)
		w.expect(o, "confirmed paid unfulfilled")

		paid = w.card(2000, nil)
		o = w.placeWith([]payment.Tender{paid}, method, 500, bought{"MUG", 4, 1000})
		w.cancelLines(o, units(o, 0, 3)...)
		w.giveCredit(o)
		_, err = w.orders.CaptureDue(w.ctx, w.merchant, w.payment(o).ID)
		wantError(t, "nothing is due", err, payment.ErrNotCapturable)
		if p := w.payment(o); p.Status != payment.Voided {
			t.Fatalf("the rest is %s", p.Status)
		}
		w.wantBack(o, paid, 0, 500)
	}
}

func TestAnOrderWhoseHoldHasEndedWaitsThoughCreditHasPaidAPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	paid := w.card(2000, nil)
	o := w.placeWith([]payment.Tender{paid}, payment.Card, 500, bought{"MUG", 4, 1000})
	w.exec(`update payments set capture_before = $2 where id = $1`, w.payment(o).ID, start.Add(time.Hour))
	p := w.payment(o)
	if _, err := w.gateway.Void(w.ctx, payment.Movement{Key: "by hand", GatewayID: *p.GatewayID, Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	w.fine(w.payments.Adopt(w.ctx, w.merchant, p.ID))
	w.expect(o, "on_hold partially_paid unfulfilled")
}

func TestAReturnOfAnOrderPaidByGiftCardGoesBackToIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	paid := w.card(2500, nil)
	o := w.placeWith([]payment.Tender{paid}, payment.Card, 500, bought{"MUG", 2, 1000})
	n := order.NewRefund{ID: id.New(), Lines: units(o, 0, 1), Reason: "returned"}
	for range 2 {
		all, err := w.orders.Refund(w.ctx, w.merchant, o.ID, n)
		w.fine(err)
		if len(all) != 1 || all[0].ID != n.ID || all[0].AmountMinor != 1000 || all[0].Status != "succeeded" {
			t.Fatalf("%+v", all)
		}
	}
	w.wantBack(o, paid, 0, 1000)
	w.remember()
	_, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Lines: units(o, 0, 1), To: payment.ToStoreCredit})
	w.fine(err)
	w.wantBack(o, paid, 0, 1000) // it is store credit now
}
