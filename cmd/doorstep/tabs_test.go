package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"doorstep/internal/id"
	"doorstep/internal/killpoint/toll"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// TestTwoHundredCartsPaidByEightTabsEach pays each cart from two to eight tabs at
// the same moment: up to four of one checkout (two of them with the same key) and
// up to four of checkouts of their own. Whatever each tab is told, the cart is
// bought once.
func TestTwoHundredCartsPaidByEightTabsEach(t *testing.T) {
	t.Parallel()
	const atOnce = 8
	carts := 200
	if thorough() {
		carts = 500
	}
	count := toll.Begin(t, "tabs that pay one cart at once")
	p := shared(t)
	first, _ := p.product(t, "Tab kettle", 1100, 10*carts)
	second, _ := p.product(t, "Tab cup", 700, 10*carts)
	orders := make([]string, carts)
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for n := range carts {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			var err error
			tabs := 8
			if n%2 == 1 {
				tabs = 2 + n/2%7
			}
			if orders[n], err = p.raceForCart(t, n, tabs, item(first, 1), item(second, 1)); err != nil {
				count.Harm(t, toll.Wrong, "cart %d: %v", n, err)
			}
			for range tabs {
				count.Fault()
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	distinct := map[string]bool{}
	for _, o := range orders {
		distinct[o] = true
	}
	if len(distinct) != carts {
		count.Harm(t, toll.Wrong, "%d orders for %d carts", len(distinct), carts)
	}
	if n := p.free(t, first); n != int64(9*carts) {
		count.Harm(t, toll.Wrong, "%d units left", n)
	}
	p.oneChargeEach(t, distinct)
	p.verified(t)
}

// raceForCart fills a cart, opens it in so many tabs and pays in all of them. It
// gives the one order that came of it.
func (p *program) raceForCart(t *testing.T, n, open int, items ...m) (string, error) {
	cart, err := p.send(t.Context(), "POST", "/v1/carts", m{"currency": "EUR", "items": items})
	if err != nil || cart.status != http.StatusCreated {
		return "", fmt.Errorf("cart: %v %w", cart, err)
	}
	var checkouts [5]reply // the first is open in four tabs
	email := newEmail()
	for i := range checkouts {
		c, err := p.send(t.Context(), "POST", "/v1/checkouts", m{"cart_id": cart.text("id"), "email": email, "shipping_address": address()}, "Cart-Secret", cart.text("secret"))
		if err != nil || c.status != http.StatusCreated {
			return "", fmt.Errorf("checkout: %v %w", c, err)
		}
		checkouts[i] = c
	}
	method, token := "card", "tok_visa"
	if n%4 == 3 {
		method, token = "cash_on_delivery", ""
	}
	replies, errs := make([]reply, open), make([]error, open)
	same := id.Secret(12)
	begin := make(chan struct{})
	var tabs sync.WaitGroup
	for i := range replies {
		c, key := checkouts[max(0, i-3)], id.Secret(12)
		if i < 2 {
			key = same
		}
		tabs.Go(func() {
			<-begin
			replies[i], errs[i] = p.send(t.Context(), "POST", "/v1/checkouts/"+c.text("id")+"/complete", paying(c, method, token),
				"Checkout-Secret", c.text("secret"), "Idempotency-Key", key)
		})
	}
	close(begin)
	tabs.Wait()
	order := ""
	for i, a := range replies {
		switch {
		case errs[i] != nil:
			return "", errs[i]
		case a.status == http.StatusOK && a.text("status") == "completed":
			if order != "" && order != a.text("order.id") {
				return "", fmt.Errorf("two orders: %s and %s", order, a.text("order.id"))
			}
			order = a.text("order.id")
		case a.status == http.StatusAccepted: // another tab with this key is at it
		case a.status == http.StatusConflict:
			switch a.text("code") {
			case "cart_closed", "checkout_closed", "checkout_in_progress", "idempotency_in_flight", "version_mismatch":
			default:
				return "", fmt.Errorf("tab %d: %v", i, a)
			}
		case a.status == http.StatusPreconditionFailed && a.text("code") == "version_mismatch":
		default:
			return "", fmt.Errorf("tab %d: %v", i, a)
		}
	}
	if order == "" {
		return "", fmt.Errorf("nobody bought it: %v", replies)
	}
	return order, nil
}

// oneChargeEach looks into the gateway's own books: each order paid by card has
// one live charge, and nothing else does.
func (p *program) oneChargeEach(t *testing.T, orders map[string]bool) {
	t.Helper()
	live := map[string]int{}
	books := filepath.Join(p.dir, booksFile)
	if _, err := os.Stat(books); err != nil {
		t.Fatal(err)
	}
	err := sandbox.Journal(books).Books(func(c sandbox.Charge) {
		if c.Status == payment.Authorized || c.Captured > c.Refunded {
			live[c.PaymentID]++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for o := range orders {
		var charged, cash int
		for _, v := range p.order(t, o).list("payments") {
			paid := v.(map[string]any)
			charged += live[paid["id"].(string)]
			if paid["method"] == "cash_on_delivery" {
				cash++
			}
		}
		if charged+cash != 1 {
			t.Errorf("order %s: %d charges, %d times cash", o, charged, cash)
		}
	}
}
