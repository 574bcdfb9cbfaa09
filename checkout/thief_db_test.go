package checkout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// thief tries cards on checkouts, each checkout under an e-mail of its own and
// each card from another address. A checkout that is used up is left for a new one.
type thief struct {
	*world
	svc      *checkout.Service // the program that answers; of several, one
	v        *checkout.View
	email    string // of all checkouts; empty is a new one for each
	mailbox  bool   // reads the mails of every address
	mine     string // the address of v
	declined int    // of v
	n        int
	reached  int // cards that the gateway has seen
}

func (w *world) thief(name string) *thief {
	return &thief{world: w, svc: w.svc, mine: name, declined: 3}
}

// tries tries one card.
func (f *thief) tries(token string) error {
	f.t.Helper()
	f.n++
	if f.declined == 3 {
		form := form()
		if f.email != "" {
			form.Email = &f.email
		}
		v, err := f.svc.Start(f.t.Context(), checkout.Request{Merchant: f.merchant, Locale: "en", Items: []checkout.Item{{SKU: "MUG", Quantity: 1}}, Form: form})
		if err != nil {
			f.t.Fatal(err)
		}
		f.v, f.mine, f.declined = v, *form.Email, 0
	}
	who := checkout.Access{Merchant: f.merchant, Secret: f.v.Secret, IP: fmt.Sprintf("203.%d.%d.%d", f.n/62500, f.n/250%250, f.n%250+1)}
	if f.mailbox {
		who.SignedIn = f.signedIn(f.mine)
	}
	_, err := f.svc.Complete(f.t.Context(), checkout.Completion{
		Who: who, Checkout: f.v.ID, Key: idem.Key{Merchant: f.merchant, Key: uuid.NewString(), Hash: []byte(token)},
		Payment: checkout.Payment{Method: payment.Card, Token: token},
	})
	if fault.Is(err, payment.ErrDeclined) {
		f.declined++
		f.reached++
	}
	return err
}

// signedIn is a session under an address.
func (w *world) signedIn(email string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return w.svc.Vault.EmailHMAC(w.merchant, email), nil }
}

// challenged says whether an error asks for a sign-in.
func challenged(t *testing.T, err error) bool {
	t.Helper()
	f, ok := fault.As(err)
	if !fault.Is(err, checkout.ErrTooManyDeclines) || !ok || f.RetryAfter <= 0 {
		t.Fatalf("%v, want too_many_declines with Retry-After", err)
	}
	return f.Extra["challenge"] == "sign_in"
}

// under brings a shop under attack: as many declines as it takes.
func (w *world) under(n int) *thief {
	w.t.Helper()
	f := w.thief("")
	f.mailbox = true // beyond the first of them
	for i := range n {
		if err := f.tries(sandbox.Declined); !fault.Is(err, payment.ErrDeclined) {
			w.t.Fatal(i, err)
		}
	}
	return f
}

func TestUnderAttackOnlyNewBuyersAreAskedToSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open := w.ready(4)
	regular := w.thief("")
	regular.email = "regular@example.com"
	if err := regular.tries(sandbox.Visa); err != nil {
		t.Fatal(err)
	}
	w.under(20)
	if _, err := w.tries(open[0], "new", sandbox.Visa, "", payment.Card); !challenged(t, err) {
		t.Errorf("a new buyer: %v", err)
	}
	if n := w.count(`select count(*) from payments where checkout_id = $1`, open[0].ID); n != 0 {
		t.Errorf("%d payments of somebody who has to sign in", n)
	}
	if out, err := w.tries(open[1], "cash", "", "", payment.CashOnDelivery); err != nil || out.Order == nil {
		t.Errorf("without a provider: %+v %v", out, err)
	}
	regular.declined = 3
	if err := regular.tries(sandbox.Visa); err != nil {
		t.Errorf("who has bought here before: %v", err)
	}
	in := checkout.Access{Merchant: w.merchant, Secret: open[0].Secret, SignedIn: w.signedIn(open[0].Contact.Email)}
	pay := func(v *checkout.View, key string) (checkout.Outcome, error) {
		return w.svc.Complete(t.Context(), checkout.Completion{Who: in, Checkout: v.ID, Key: idem.Key{Merchant: w.merchant, Key: key, Hash: []byte(key)},
			Payment: checkout.Payment{Method: payment.Card, Token: sandbox.Visa}})
	}
	if out, err := pay(open[0], "signed in"); err != nil || out.Order == nil {
		t.Errorf("signed in: %+v %v", out, err)
	}
	in.Secret = open[2].Secret // still signed in as the other
	if _, err := pay(open[2], "as another"); !challenged(t, err) {
		t.Errorf("signed in under another address: %v", err)
	}
	w.clock.Advance(10 * time.Minute)
	if out, err := w.tries(open[3], "later", sandbox.Visa, "", payment.Card); err != nil || out.Order == nil {
		t.Errorf("when it is over: %+v %v", out, err)
	}
}

func TestMailboxesDoNotCarryAnAttackOnForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 1_000_000)
	f := w.under(60)
	if err := f.tries(sandbox.Declined); challenged(t, err) {
		t.Error("a sign-in helps after 60 declines")
	}
	if err := f.tries(sandbox.Visa); challenged(t, err) {
		t.Error("a sign-in helps after 60 declines")
	}
}

func TestAShopThatSellsIsNotUnderAttack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 1_000_000)
	f := w.thief("")
	for i := range 90 { // a quarter of them declined
		token := sandbox.Visa
		if i%4 == 0 {
			token = sandbox.InsufficientFunds
		}
		if err := f.tries(token); err != nil && !fault.Is(err, payment.ErrDeclined) {
			t.Fatal(i, err)
		} else if err == nil {
			f.declined = 3 // on to the next checkout
		}
	}
	if f.reached != 23 || w.count(`select count(*) from outbox where event = 'checkout.card_attack'`) != 0 {
		t.Errorf("%d declined", f.reached)
	}
}

func TestFiveCardsAreEnoughForAnEmailAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 1_000_000)
	f := w.thief("")
	f.email, f.mailbox = "one@evil.example", true
	for i := range 5 {
		if err := f.tries(sandbox.Declined); !fault.Is(err, payment.ErrDeclined) {
			t.Fatal(i, err)
		}
	}
	f.email = "ONE@evil.example" // the same mailbox, on a new checkout
	f.declined = 3
	if err := f.tries(sandbox.Visa); challenged(t, err) {
		t.Error("a sign-in helps an address with five declined cards")
	}
	w.clock.Advance(time.Hour)
	if err := f.tries(sandbox.Visa); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

func TestACardThatIsDeclinedEverywhereIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 1_000_000)
	f := w.under(1) // with those of the card, five: enough to look closer
	for i := range 4 {
		f.declined = 3 // always another checkout, address and e-mail
		if err := f.tries("tok_incorrect_cvc#4711"); !fault.Is(err, payment.ErrDeclined) {
			t.Fatal(i, err)
		}
	}
	f.declined = 3
	if err := f.tries(sandbox.Visa + "#4711"); challenged(t, err) {
		t.Error("a sign-in helps a card that was guessed at")
	}
	if err := f.tries(sandbox.Visa + "#4712"); err != nil {
		t.Errorf("another card: %v", err)
	}
	w.clock.Advance(time.Hour)
	f.declined = 3
	if err := f.tries(sandbox.Visa + "#4711"); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// All programs on one database count together.
func TestAnAttackIsSeenByEveryProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 1_000_000)
	second := checkout.New(w.svc.Config)
	f := w.thief("")
	for i := range 20 {
		f.svc = []*checkout.Service{w.svc, second}[i%2]
		if err := f.tries(sandbox.Declined); !fault.Is(err, payment.ErrDeclined) {
			t.Fatal(i, err)
		}
	}
	for _, f.svc = range []*checkout.Service{w.svc, second, checkout.New(w.svc.Config)} {
		if err := f.tries(sandbox.Declined); !challenged(t, err) {
			t.Error(err)
		}
	}
	var payload string
	if err := w.db.QueryRow(t.Context(), `select payload from outbox where event = 'checkout.card_attack' order by id limit 1`).Scan(&payload); err != nil {
		t.Fatal(err)
	}
	var told checkout.CardAttack
	if err := json.Unmarshal([]byte(payload), &told); err != nil || told.MerchantID != w.merchant || told.Declines != 20 || told.Attempts != 20 || told.Minutes != 10 || strings.Contains(payload, "@") {
		t.Errorf("%s %v", payload, err)
	}
	other := w.another(t)
	other.product("MUG", 100)
	if err := other.thief("").tries(sandbox.Visa); err != nil {
		t.Errorf("another shop: %v", err)
	}
}

// Two thousand stolen cards, one each second, every one from another address. Who
// can sign in for each is slower, and gets no further than the stop.
func TestOfTwoThousandStolenCardsFewReachTheGateway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mailbox     bool
		cards, most int
		every       time.Duration
	}{"without mailboxes": {false, 2000, 20 * 4, time.Second}, "with a mailbox for every three cards": {true, 500, 60 * 4, 4 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.product("MUG", 1_000_000)
			f := w.thief("")
			f.mailbox = c.mailbox
			for i := range c.cards {
				token := fmt.Sprintf("%s#%d", sandbox.Declined, i)
				if err := f.tries(token); !fault.Is(err, payment.ErrDeclined, checkout.ErrTooManyDeclines) {
					t.Fatal(err)
				}
				w.clock.Advance(c.every)
			}
			t.Logf("%d of %d cards reached the gateway in 33 minutes", f.reached, c.cards)
			if seen := int(w.count(`select count(*) from payments`)); f.reached > c.most || seen != f.reached {
				t.Errorf("%d cards reached the gateway, at most %d should; %d payments", f.reached, c.most, seen)
			}
		})
	}
}
