package checkout_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"doorstep/checkout"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// wallet is a provider of PayPal payments that waits to be told that the buyer
// has approved, and takes no odd amounts.
type wallet struct {
	*sandbox.Gateway
	approved bool
}

func (*wallet) Name() string { return "wallet" }

func (*wallet) Capabilities() payment.Capabilities {
	return payment.Capabilities{Methods: []payment.Method{payment.PayPal, payment.Wallet}, HoldDays: 7}
}

func (*wallet) Wallets() []string { return []string{"apple_pay"} }

func (*wallet) Refuses(amount int64, _ string) string {
	if amount%2 == 1 {
		return payment.RefusesAmount
	}
	return ""
}

func (w *wallet) Authorize(ctx context.Context, a payment.Authorization) (payment.Result, error) {
	a.Token = sandbox.ThreeDSecure
	return w.Gateway.Authorize(ctx, a)
}

func (w *wallet) Confirm(ctx context.Context, key, _ string) (payment.Result, error) {
	if w.approved {
		id, _ := uuid.Parse(key[len("pay:"):])
		_ = w.Authenticate(id.String(), true) // a second time there is nothing to do
	}
	return w.Find(ctx, key)
}

// both are two providers side by side.
type both struct{ first, second payment.Provider }

func (b both) ProviderFor(m payment.Method) (payment.Provider, bool) {
	if m == payment.Card {
		return b.first, true
	}
	return b.second, m == payment.PayPal || m == payment.Wallet
}

func (b both) Provider(name string) (payment.Provider, bool) {
	if name == b.first.Name() {
		return b.first, true
	}
	return b.second, name == b.second.Name()
}

func TestWaysToPayAreWhatACheckoutOfTheSameCartOffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 100)
	cart := w.cart(w.variant("MUG"))
	ask := func(q checkout.MethodsRequest) *checkout.Methods {
		t.Helper()
		q.Merchant = w.merchant
		m, err := w.svc.Methods(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	reasons := func(m *checkout.Methods) map[payment.Method]string {
		all := map[payment.Method]string{}
		for _, h := range m.Hidden {
			all[h.Method] = h.Reason
		}
		return all
	}
	m := ask(checkout.MethodsRequest{Country: "AM", CartID: &cart})
	if v := w.startCart(cart); m.Total != v.Totals.Total || !reflect.DeepEqual(m.Offers, v.Methods) {
		t.Fatalf("%+v, but the checkout has %d and offers %+v", m, v.Totals.Total, v.Methods)
	}
	if got := reasons(m); !maps.Equal(got, map[payment.Method]string{payment.Wallet: checkout.MethodNoProvider, payment.PayPal: checkout.MethodNoProvider}) {
		t.Fatal(got)
	}
	amount := int64(49_851)
	m = ask(checkout.MethodsRequest{Country: "AM", Amount: &amount})
	if got := reasons(m)[payment.CashOnDelivery]; got != checkout.MethodTooHigh {
		t.Fatalf("%s for %+v", got, m)
	}
	if amount--; len(ask(checkout.MethodsRequest{Country: "AM", Amount: &amount}).Offers) != 3 {
		t.Fatal("the fee just fits below the limit")
	}
	if m = ask(checkout.MethodsRequest{}); reasons(m)[payment.CashOnDelivery] != checkout.MethodNeedCountry || m.Known || m.Currency != "EUR" {
		t.Fatalf("%+v", m)
	}
	w.rules.Settings.Card.Enabled = false
	w.rules.Settings.BankTransfer.Countries = []string{"DE"}
	w.exec(`update merchants set config_version = config_version + 1 where id = $1`, w.merchant)
	if got := reasons(ask(checkout.MethodsRequest{Country: "AM"})); got[payment.Card] != checkout.MethodOff || got[payment.BankTransfer] != checkout.MethodElsewhere {
		t.Fatal(got)
	}
	for want, q := range map[error]checkout.MethodsRequest{
		checkout.ErrCurrency: {Currency: "USD"}, checkout.ErrAmount: {Amount: &amount, CartID: &cart}, checkout.ErrEmpty: {CartID: new(w.cart())},
	} {
		q.Merchant = w.merchant
		if _, err := w.svc.Methods(t.Context(), q); !errors.Is(err, want) {
			t.Errorf("%v instead of %v", err, want)
		}
	}
}

func TestAPageOfTheProviderIsGoneBackToUntilItIsApproved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 5)
	page := &wallet{Gateway: w.gateway}
	w.svc.Providers = both{w.front, page}
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	if len(v.Methods) != 5 || v.Methods[1].Wallets[0] != "apple_pay" || v.Methods[2].Method != payment.PayPal {
		t.Fatalf("%+v", v.Methods)
	}
	if _, err := w.pay(v, "no token", payment.Wallet, ""); !errors.Is(err, checkout.ErrToken) {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b"} { // the buyer closes the page and comes back
		out, err := w.pay(v, key, payment.PayPal, "")
		if err != nil || out.Action == nil || out.Order != nil {
			t.Fatalf("%s: %+v %v", key, out, err)
		}
	}
	page.approved = true
	out, err := w.pay(v, "c", payment.PayPal, "")
	if err != nil || out.Order == nil || out.Order.PaymentStatus != "authorized" {
		t.Fatalf("%+v %v", out, err)
	}
	if again, err := w.pay(v, "d", payment.PayPal, ""); err != nil || again.Order.ID != out.Order.ID {
		t.Fatalf("%+v %v", again, err)
	}
	w.books()
	odd := int64(1001)
	m, err := w.svc.Methods(t.Context(), checkout.MethodsRequest{Merchant: w.merchant, Country: "AM", Amount: &odd})
	if err != nil || m.Hidden[1].Method != payment.PayPal || m.Hidden[1].Reason != payment.RefusesAmount {
		t.Fatalf("%+v %v", m, err)
	}
}
