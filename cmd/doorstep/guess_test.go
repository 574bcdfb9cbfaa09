package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"doorstep/internal/id"
)

// guesser is somebody at one address who guesses, always with a cart, a checkout
// and an order number that are new.
type guesser struct {
	*program
	ip string
}

func (g *guesser) guess(t *testing.T, method, path string, body any, headers ...string) reply {
	t.Helper()
	return g.do(t, method, path, body, append([]string{"Shopper-IP", g.ip, "Idempotency-Key", id.Secret(12)}, headers...)...)
}

// misses guesses n times, each time at the next of the doors, and says how many
// guesses were looked at. Once one was refused, so must be all others.
func misses(t *testing.T, n int, doors ...func(t *testing.T, i int) reply) (looked int) {
	t.Helper()
	refused := false
	for i := range n {
		a := doors[i%len(doors)](t, i)
		switch {
		case a.status == http.StatusTooManyRequests:
			if a.text("code") != "too_many_attempts" || a.header.Get("Retry-After") == "" {
				t.Fatalf("guess %d: %v", i, a)
			}
			refused = true
		case refused || a.status >= 500:
			t.Fatalf("guess %d is looked at although an earlier one was refused: %v", i, a)
		default:
			looked++
		}
	}
	return looked
}

// Whoever guesses codes or order numbers gains nothing by a new cart, a new
// checkout or the other door: what is counted is who guesses.
func TestGuessesAreCountedOverCartsCheckoutsAndDoors(t *testing.T) {
	t.Parallel()
	p := shared(t).admin() // a server of the merchant, which says whom it speaks for
	sku, _ := p.product(t, "Guarded cup", 1500, 50)
	order := shared(t).buy(t, "cash_on_delivery", "", item(sku, 1))
	email := p.order(t, order.text("order.id")).text("contact.email")
	card := p.post(t, "/v1/gift-cards", m{"id": id.New(), "amount": m{"amount": 500, "currency": "EUR"}}).want(t, http.StatusCreated).text("code")
	const guesses = 120

	codes := &guesser{p, "203.0.113.61"}
	cart := func(t *testing.T, i int) reply {
		made := p.post(t, "/v1/carts", m{"items": []m{item(sku, 1)}}).want(t, http.StatusCreated)
		return codes.guess(t, http.MethodPost, "/v1/carts/"+made.text("id")+fmt.Sprintf("/discount-codes/GUESS%05d", i), nil)
	}
	checkout := func(t *testing.T, i int) reply {
		f := form(item(sku, 1))
		f["discount_codes"] = []string{fmt.Sprintf("GUESS%05d", i)}
		return codes.guess(t, http.MethodPost, "/v1/checkouts", f)
	}
	if n := misses(t, guesses, cart, checkout); n > 10 {
		t.Errorf("%d of %d guessed discount codes were looked at", n, guesses)
	} else {
		t.Logf("discount codes: %d of %d guesses were looked at, from one address", n, guesses)
	}

	cards := &guesser{p, "203.0.113.62"}
	fresh := func(t *testing.T, i int) reply {
		f := form(item(sku, 1))
		f["gift_card_codes"] = []string{fmt.Sprintf("AAAA-BBBB-CCCC-%04d", i)}
		return cards.guess(t, http.MethodPost, "/v1/checkouts", f)
	}
	balance := func(t *testing.T, i int) reply {
		return cards.guess(t, http.MethodPost, "/v1/gift-cards/balance", m{"code": fmt.Sprintf("AAAA-BBBB-DDDD-%04d", i)})
	}
	if n := misses(t, guesses, fresh, balance); n > 10 {
		t.Errorf("%d of %d guessed gift cards were looked at", n, guesses)
	} else {
		t.Logf("gift cards: %d of %d guesses were looked at, from one address", n, guesses)
	}
	cards.guess(t, http.MethodPost, "/v1/gift-cards/balance", m{"code": card}).want(t, http.StatusTooManyRequests, "too_many_attempts")

	orders := &guesser{p, "203.0.113.63"}
	number := func(t *testing.T, i int) reply {
		return orders.guess(t, http.MethodPost, "/v1/order-lookups", m{"number": fmt.Sprintf("DS-%s", strings.ToUpper(id.Secret(6))[:9]), "email": email})
	}
	if n := misses(t, guesses, number); n > 5 {
		t.Errorf("%d of %d guessed orders were looked at", n, guesses)
	} else {
		t.Logf("orders: %d of %d guesses were looked at, from one address", n, guesses)
	}
	// Nor does another address help with one order.
	for i := range 6 {
		from := &guesser{p, fmt.Sprintf("203.0.113.%d", 70+i)}
		a := from.guess(t, http.MethodPost, "/v1/order-lookups", m{"number": order.text("order.number"), "email": fmt.Sprintf("guess%d@example.com", i)})
		if want := map[bool]int{true: http.StatusNotFound, false: http.StatusTooManyRequests}[i < 5]; a.status != want {
			t.Errorf("e-mail %d of one order: %v, want %d", i, a, want)
		}
	}
	// Somebody else is not held up.
	neighbour := &guesser{p, "203.0.113.99"}
	neighbour.guess(t, http.MethodPost, "/v1/gift-cards/balance", m{"code": card}).want(t, http.StatusOK)
}
