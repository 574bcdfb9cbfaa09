package checkout_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// ready opens n checkouts of one unit each.
func (w *world) ready(n int) []*checkout.View {
	w.t.Helper()
	w.product("MUG", 1_000_000)
	open := make([]*checkout.View, n)
	for i := range open {
		v, err := w.svc.Start(w.t.Context(), checkout.Request{Merchant: w.merchant, Locale: "en", Items: []checkout.Item{{SKU: "MUG", Quantity: 1}}, Form: form()})
		if err != nil {
			w.t.Fatal(err)
		}
		open[i] = v
	}
	return open
}

func TestASlowGatewayHoldsUpABoundedNumberOfBuyersAndNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const share = 128 // of one merchant
	open := w.ready(share + 2)
	asked, answer := make(chan struct{}, share+1), make(chan struct{})
	w.front.be(func(string) mood { return mood{before: func() { asked <- struct{}{}; <-answer }} })
	var buyers sync.WaitGroup
	for i := range share {
		buyers.Go(func() {
			if out, err := w.pay(open[i], fmt.Sprint("k", i), payment.Card, sandbox.Visa); err != nil {
				t.Errorf("%+v %v", out, err)
			}
		})
	}
	for range share {
		<-asked
	}
	if _, err := w.pay(open[share], "one too many", payment.Card, sandbox.Visa); !fault.Is(err, checkout.ErrGatewayBusy) {
		t.Errorf("let in: %v", err)
	}
	if n := w.count(`select count(*) from payments where checkout_id = $1`, open[share].ID); n != 0 {
		t.Errorf("%d payments were begun for a buyer who was turned away", n)
	}
	if out, err := w.pay(open[share+1], "cash", payment.CashOnDelivery, ""); err != nil || out.Order == nil {
		t.Errorf("cash waits for a gateway: %+v %v", out, err)
	}
	close(answer)
	buyers.Wait()
	w.front.be(nil)
	if out, err := w.pay(open[share], "again", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
		t.Errorf("after the crowd: %+v %v", out, err)
	}
	w.settled()
}

func TestAGatewayThatIsDownIsNotAskedAnyMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.svc.Config
	c.GatewayPatience = 20
	w.svc = checkout.New(c)
	open := w.ready(22)
	calls := 0
	w.front.be(func(string) mood {
		calls++
		return mood{skip: true, err: errors.New("connection refused")}
	})
	for i := range 20 {
		if out, err := w.pay(open[i], fmt.Sprint("k", i), payment.Card, sandbox.Visa); err != nil || out.Order != nil {
			t.Fatalf("%+v %v", out, err)
		}
	}
	_, err := w.pay(open[20], "down", payment.Card, sandbox.Visa)
	if !fault.Is(err, checkout.ErrGatewayBusy) || calls != 20 {
		t.Errorf("after %d calls: %v", calls, err)
	}
	if out, err := w.pay(open[21], "cash", payment.CashOnDelivery, ""); err != nil || out.Order == nil {
		t.Errorf("cash needs no gateway: %+v %v", out, err)
	}
	w.settled()
}
