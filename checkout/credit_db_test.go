package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// anybody is a customer.
type anybody struct{}

func (anybody) Person(_ context.Context, _, person uuid.UUID) (customer.Person, error) {
	return customer.Person{ID: person}, nil
}

func (w *world) credit() *payment.Credits { return payment.NewCredits(w.db, anybody{}) }

// issue makes a gift card in euros and gives its code.
func (w *world) issue(t teller, sum int64) string {
	t.Helper()
	_, code := w.giftCard(t, payment.NewGiftCard{Amount: sum, Currency: "EUR"})
	return code
}

func (w *world) giftCard(t teller, n payment.NewGiftCard) (uuid.UUID, string) {
	t.Helper()
	a, code, err := w.credit().IssueGiftCard(t.Context(), w.merchant, n, "test")
	if err != nil {
		t.Fatal(err)
	}
	return a.ID, code
}

// left is what is on the cards of the merchant in all.
func (w *world) left() int64 {
	w.t.Helper()
	return w.count(`select coalesce(sum(balance_minor), 0)::bigint from credit_accounts where merchant_id = $1`, w.merchant)
}

// with starts to buy a mug, which costs 15.00 with the post, by gift cards.
func (w *world) with(codes ...string) *checkout.View {
	w.t.Helper()
	f := form()
	f.GiftCards = &codes
	v, err := w.svc.Start(w.t.Context(), checkout.Request{Merchant: w.merchant, Items: []checkout.Item{{SKU: "MUG", Quantity: 1}}, Locale: "en", Form: f})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func statusOf(w *world, o uuid.UUID) (status string) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), `select payment_status from orders where merchant_id = $1 and id = $2`, w.merchant, o).Scan(&status); err != nil {
		w.t.Fatal(err)
	}
	return status
}

func TestAGiftCardPaysFirstAndTheChosenWayTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 10)
	for _, c := range []struct {
		method             payment.Method
		token              string
		due                int64
		status, afterwards string
	}{
		{payment.Card, sandbox.Visa, 1100, "authorized", "paid"},
		{payment.BankTransfer, "", 1100, "partially_paid", "paid"},
		{payment.CashOnDelivery, "", 1250, "partially_paid", "paid"}, // with the fee of 1.50
	} {
		v := w.with(w.issue(t, 400))
		if v.Due != 1100 || v.Totals.Total != 1500 || len(v.Credits) != 1 || v.Credits[0].Amount != 400 || v.Credits[0].Reason != "" {
			t.Fatalf("%+v", v.Credits)
		}
		i := slices.IndexFunc(v.Methods, func(m checkout.MethodOffer) bool { return m.Method == c.method })
		if i < 0 || v.Methods[i].Due != c.due || v.Methods[i].Total != c.due+400 {
			t.Fatalf("%+v", v.Methods)
		}
		do := w.completion(v, "rest by "+string(c.method), c.method, c.token)
		do.Expected = &money.Amount{Minor: c.due + 400, Currency: "EUR"}
		out, err := w.svc.Complete(t.Context(), do)
		if err != nil || out.Order == nil || out.Order.PaymentStatus != c.status || statusOf(w, out.Order.ID) != c.status || w.left() != 0 {
			t.Fatalf("%s: %+v %v", c.method, out, err)
		}
		w.books()
		p, err := w.payments.Capture(t.Context(), w.merchant, out.PaymentID, 0)
		if err != nil || p.AmountMinor != c.due || statusOf(w, out.Order.ID) != c.afterwards {
			t.Fatalf("%+v %v", p, err)
		}
	}
	w.settled()
}

func TestGiftCardsThatPayAllNeedNoOtherWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 10)
	first, second := w.issue(t, 1000), w.issue(t, 5000)
	v := w.with(first, second)
	if v.Due != 0 || len(v.Methods) != 1 || v.Methods[0].Method != payment.ByGiftCard || v.Methods[0].Due != 0 {
		t.Fatalf("%+v", v)
	}
	out, err := w.pay(v, "nothing more", "", "")
	if err != nil || out.Order.PaymentStatus != "paid" || out.Order.PaymentMethod != "gift_card" || w.left() != 4500 {
		t.Fatalf("%+v %v", out, err)
	}
	if n := w.count(`select count(*) from outbox where merchant_id = $1 and event = 'order.money_taken'`, w.merchant); n != 1 {
		t.Errorf("told %d times that it is paid", n)
	}
	out, err = w.pay(w.with(second), "cash, which is not asked for", payment.CashOnDelivery, "")
	if err != nil || out.Order.Total != 1500 || out.Order.PaymentStatus != "paid" || w.left() != 3000 {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestACreditThatDoesNotPaySaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 10)
	soon := start.Add(time.Hour)
	spent, empty := w.giftCard(t, payment.NewGiftCard{Amount: 100, Currency: "EUR"})
	if _, err := w.credit().AdjustGiftCard(t.Context(), w.merchant, spent, payment.CreditChange{ID: id.New(), Amount: -100, Currency: "EUR", Reason: "till"}, "test"); err != nil {
		t.Fatal(err)
	}
	off, disabled := w.giftCard(t, payment.NewGiftCard{Amount: 100, Currency: "EUR"})
	if _, err := w.credit().DisableGiftCard(t.Context(), w.merchant, off); err != nil {
		t.Fatal(err)
	}
	_, expired := w.giftCard(t, payment.NewGiftCard{Amount: 100, Currency: "EUR", ExpiresAt: &soon})
	_, dollars := w.giftCard(t, payment.NewGiftCard{Amount: 100, Currency: "USD"})
	w.clock.Advance(2 * time.Hour)
	v := w.with(empty, disabled, expired, dollars, "AAAA-BBBB-CCCC-DDDD")
	want := []string{"empty", "disabled", "expired", "currency", "unknown"}
	for i, c := range v.Credits {
		if c.Reason != want[i] || c.Amount != 0 || len(c.CodeEnd) != 4 {
			t.Errorf("%+v, want %s", c, want[i])
		}
	}
	if len(v.Credits) != len(want) || v.Due != 1500 {
		t.Fatalf("%+v", v)
	}
	if _, err := w.pay(v, "by credit alone", payment.ByGiftCard, ""); !fault.Is(err, payment.ErrMethod) {
		t.Fatal(err)
	}
	many := make([]string, payment.MaxGiftCards+1)
	for i := range many {
		many[i] = fmt.Sprint("code ", i)
	}
	if _, err := w.svc.Change(t.Context(), checkout.Access{Merchant: w.merchant, Secret: v.Secret}, v.ID, checkout.Form{GiftCards: &many}); !fault.Is(err, checkout.ErrGiftCards) {
		t.Fatal(err)
	}
}

func TestACardOnTheCheckoutIsNamedByItsLastSigns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 10)
	first, second := w.issue(t, 200), w.issue(t, 300)
	v := w.with(strings.ToLower(strings.ReplaceAll(first, "-", " ")))
	who := checkout.Access{Merchant: w.merchant, Secret: v.Secret}
	change := func(codes ...string) *checkout.View {
		t.Helper()
		now, err := w.svc.Change(t.Context(), who, v.ID, checkout.Form{GiftCards: &codes})
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	if now := change(first[len(first)-4:], second, second); now.Due != 1000 || len(now.Credits) != 2 {
		t.Fatalf("%+v", now.Credits)
	}
	if now := change(second[len(second)-4:]); now.Due != 1200 || len(now.Credits) != 1 {
		t.Fatalf("%+v", now.Credits)
	}
	if now := change(first[len(first)-4:]); now.Due != 1500 || now.Credits[0].Reason != "unknown" {
		t.Fatalf("a card that is not there any more: %+v", now.Credits)
	}
}

func TestGuessedGiftCardsAreThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 10)
	code := w.issue(t, 400)
	v := w.with()
	who := checkout.Access{Merchant: w.merchant, Secret: v.Secret, IP: "203.0.113.9"}
	try := func(codes ...string) error {
		_, err := w.svc.Change(t.Context(), who, v.ID, checkout.Form{GiftCards: &codes})
		return err
	}
	for i := range 5 {
		if err := try(fmt.Sprintf("AAAA-BBBB-CCCC-DD%02d", i), fmt.Sprintf("AAAA-BBBB-CCCC-EE%02d", i)); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := try(code); !fault.Is(err, payment.ErrGiftCardTries) {
		t.Fatal("the right code after ten wrong ones:", err)
	}
	if _, err := w.credit().GiftCardByCode(t.Context(), w.merchant, code, who.IP); !fault.Is(err, payment.ErrGiftCardTries) {
		t.Fatal("the other way to look it up:", err)
	}
	w.clock.Advance(11 * time.Minute)
	if err := try(code); err != nil {
		t.Fatal(err)
	}
}

func TestStoreCreditIsForTheCustomerWhoHasSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 10)
	ani, use := id.New(), true
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	who := checkout.Access{Merchant: w.merchant, Secret: v.Secret}
	ask := func(customer *uuid.UUID) (*checkout.View, error) {
		return w.svc.Change(t.Context(), who, v.ID, checkout.Form{StoreCredit: &use, SignedIn: customer})
	}
	if _, err := ask(nil); !fault.Is(err, checkout.ErrSignIn) {
		t.Fatal(err)
	}
	now, err := ask(&ani)
	if err != nil || len(now.Credits) != 1 || now.Credits[0].Reason != "empty" {
		t.Fatalf("%+v %v", now, err)
	}
	if _, err := w.credit().AdjustStoreCredit(t.Context(), w.merchant, ani, payment.CreditChange{ID: id.New(), Amount: 600, Currency: "EUR", Reason: "sorry"}, "test"); err != nil {
		t.Fatal(err)
	}
	if now, err = ask(&ani); err != nil || now.Due != 900 || now.Credits[0].Method != payment.ByStoreCredit {
		t.Fatalf("%+v %v", now, err)
	}
	other := id.New()
	if _, err := ask(&other); !fault.Is(err, checkout.ErrNotTheirs) {
		t.Fatal(err)
	}
	codes := []string{w.issue(t, 100)}
	if now, err = w.svc.Change(t.Context(), who, v.ID, checkout.Form{GiftCards: &codes}); err != nil || now.Due != 800 || now.Credits[0].Method != payment.ByGiftCard {
		t.Fatalf("%+v %v", now, err)
	}
	out, err := w.pay(v, "k", payment.Card, sandbox.Visa)
	if err != nil || out.Order.CustomerID == nil || *out.Order.CustomerID != ani || w.left() != 0 {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestCreditComesBackOnceWhenAPaymentComesToNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 10)
	card, code := w.giftCard(t, payment.NewGiftCard{Amount: 400, Currency: "EUR"})
	v := w.with(code)
	if _, err := w.pay(v, "declined", payment.Card, sandbox.Declined); !fault.Is(err, payment.ErrDeclined) || w.left() != 400 {
		t.Fatal(err, w.left())
	}
	out, err := w.pay(v, "3ds", payment.Card, sandbox.ThreeDSecure)
	if err != nil || out.Action == nil || w.left() != 0 {
		t.Fatalf("%+v %v", out, err)
	}
	if now, err := w.svc.View(t.Context(), checkout.Access{Merchant: w.merchant, Secret: v.Secret}, v.ID); err != nil || now.Due != 1100 {
		t.Fatalf("while it is held: %+v %v", now, err)
	}
	if _, err := w.credit().DisableGiftCard(t.Context(), w.merchant, card); err != nil {
		t.Fatal(err)
	}
	if _, err := w.svc.Cancel(t.Context(), checkout.Access{Merchant: w.merchant, Secret: v.Secret}, v.ID, "other"); err != nil {
		t.Fatal(err)
	}
	if w.left() != 400 {
		t.Fatalf("%d came back to a disabled card", w.left())
	}
	lost := w.with(w.issue(t, 50))
	w.front.be(func(string) mood { return mood{skip: true, err: errors.New("silence")} })
	if out, err := w.pay(lost, "lost", payment.Card, sandbox.Visa); err != nil || out.Order != nil || w.left() != 400 {
		t.Fatalf("%+v %v %d", out, err, w.left())
	}
	w.books()
	w.settled()
	if w.left() != 450 {
		t.Fatalf("%d after the gateway had never heard of it", w.left())
	}
}

func TestLessCreditThanShownStopsThePayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 10)
	code := w.issue(t, 1000)
	v, other := w.with(code), w.with(code)
	if _, err := w.pay(other, "the other tab", payment.Card, sandbox.Visa); err != nil {
		t.Fatal(err)
	}
	_, err := w.pay(v, "as shown", payment.Card, sandbox.Visa)
	if told, ok := fault.As(err); !ok || told.Code != checkout.ErrCreditChanged.Code || told.Extra["amount_due"] != money.Of(1500, "EUR") {
		t.Fatalf("%+v", err)
	}
	do := w.completion(v, "agreed", payment.Card, sandbox.Visa)
	do.Due = &money.Amount{Minor: 1499, Currency: "EUR"}
	if _, err := w.svc.Complete(t.Context(), do); !fault.Is(err, checkout.ErrCreditChanged) {
		t.Fatal(err)
	}
	do.Due.Minor = 1500
	if out, err := w.svc.Complete(t.Context(), do); err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

// TestSixtyFourCheckoutsAtOnceNeverOverspendACard lets 64 buyers pay at the same
// moment with one card that is good for ten of them and a part of an eleventh.
func TestSixtyFourCheckoutsAtOnceNeverOverspendACard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 1000)
	code := w.issue(t, 15_700)
	var open [64]*checkout.View
	for i := range open {
		open[i] = w.with(code)
	}
	var paid, refused atomic.Int64
	atOnce(len(open), func(i int) {
		switch out, err := w.pay(open[i], fmt.Sprint("k", i), "", ""); {
		case err == nil && out.Order != nil:
			paid.Add(1)
		case fault.Is(err, checkout.ErrCreditChanged, checkout.ErrMethodNeeded, payment.ErrMethod):
			refused.Add(1)
		default:
			t.Errorf("%+v %v", out, err)
		}
	})
	if paid.Load() != 10 || refused.Load() != 54 || w.left() != 700 {
		t.Fatalf("%d paid, %d refused, %d left", paid.Load(), refused.Load(), w.left())
	}
	atOnce(len(open), func(i int) { // the rest, each with cash besides
		do := w.completion(open[i], fmt.Sprint("cash", i), payment.CashOnDelivery, "")
		do.Due = &money.Amount{Minor: 950, Currency: "EUR"}
		if _, err := w.svc.Complete(context.WithoutCancel(t.Context()), do); err != nil && fault.KindOf(err) == fault.Internal {
			t.Error(err)
		}
	})
	if w.left() != 0 {
		t.Fatalf("%d left", w.left())
	}
	w.settled()
}
