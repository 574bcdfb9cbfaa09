package sandbox

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"doorstep/internal/id"
	"doorstep/payment"
)

// The methods of this file are the gateway's books as both of its doors use
// them, the provider in this process and package wire. They have no faults of
// their own and never wait.

// Wish asks for a new charge.
type Wish struct {
	Key       string // idempotency key; may be empty
	Ref       string // by which the charge is found again; Key when empty
	PaymentID string // ours; may be empty
	Currency  string
	Amount    int64
	Token     string // may be empty when it waits
	Metadata  map[string]string
	Methods   []string
	Automatic bool // take the money at once
	Waits     bool // for Approve, instead of trying the token now
}

// Moved is what came of taking, releasing or giving back.
type Moved struct {
	Charge  Charge
	Move    string // its id; of GiveBack the refund's
	Refusal string // in the gateway's words; nothing has moved then
}

// Create makes a charge. A key that is still known is answered with its charge
// as that stands; with other parameters it fails with ErrKeyReused.
func (g *Gateway) Create(w Wish) (Charge, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	what := fmt.Sprintf("create %d %s %s %s", w.Amount, w.Currency, w.Token, w.PaymentID)
	if u, known, err := g.used(w.Key, what); err != nil || known {
		return g.ripe(u.charge), err
	}
	now := g.clock.Now()
	c := &Charge{
		ID: "pi_" + id.Secret(15), Key: w.Ref, PaymentID: w.PaymentID, Currency: w.Currency, Amount: w.Amount, Status: payment.Pending, Token: w.Token,
		HoldEnds: now.AddDate(0, 0, holdDays), CreatedAt: now, Metadata: w.Metadata, Methods: w.Methods, Automatic: w.Automatic,
	}
	if w.Ref == "" {
		c.Key = w.Key
	}
	if w.Key != "" {
		c.Did = &Deed{Key: w.Key, What: what, At: now}
	}
	told := []string{"payment_intent.created"}
	if !w.Waits {
		c.pay(w.Token, now)
		told = append(told, c.newsOfPaying()...)
	}
	if err := g.write(c, told...); err != nil {
		return Charge{}, err
	}
	return *c, nil
}

// used says whether a key is still known, and what for.
func (g *Gateway) used(key, what string) (use, bool, error) {
	u, known := g.keys[key]
	if key == "" || !known || !g.clock.Now().Before(u.at.Add(KeysFor)) {
		return use{}, false, nil
	}
	if u.what != "" && u.what != what { // lines of old journals do not say
		return use{}, false, fmt.Errorf("%w: %s", ErrKeyReused, key)
	}
	return u, true, nil
}

// Charge is how a charge stands, by its id.
func (g *Gateway) Charge(id string) (Charge, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.byID[id]
	return g.ripe(id), ok
}

// chargeOf is how the charge of a key stands. Of several, which a forgotten key
// allows, it is the one that holds or took money.
func (g *Gateway) chargeOf(key string) (Charge, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id, ok := g.byKey[key]
	return g.ripe(id), ok
}

// ripe is a charge after what time has done to it: a hold that nobody took in
// its days has gone.
func (g *Gateway) ripe(id string) Charge {
	c, ok := g.byID[id]
	if !ok {
		return Charge{}
	}
	if c.Status != payment.Authorized || g.clock.Now().Before(c.HoldEnds) {
		return *c
	}
	next := *c
	next.Did = nil
	next.Status, next.Reason, next.EndedAt = payment.Voided, "automatic", c.HoldEnds
	if err := g.write(&next, "payment_intent.canceled"); err != nil {
		next.Told = c.Told // it has gone all the same, and is written by the next who asks
	}
	return next
}

// act changes a charge once for each key. Whatever do refuses changes nothing.
func (g *Gateway) act(chargeID, key, what string, do func(c *Charge, now time.Time) (move, refusal string, news []string)) (Moved, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.byID[chargeID]; !ok {
		return Moved{}, payment.ErrNotAtGateway
	}
	what = chargeID + " " + what
	if u, known, err := g.used(key, what); err != nil {
		return Moved{}, err
	} else if known {
		return Moved{Charge: g.ripe(chargeID), Move: u.move}, nil
	}
	c := g.ripe(chargeID)
	old, now := c, g.clock.Now()
	c.Did = nil
	move, refusal, news := do(&c, now)
	if refusal != "" {
		return Moved{Charge: old, Refusal: refusal}, nil
	}
	if key != "" {
		c.Did = &Deed{Key: key, What: what, Move: move, At: now}
		if c.Moves = maps.Clone(old.Moves); c.Moves == nil {
			c.Moves = map[string]string{}
		}
		c.Moves[key] = move
	}
	if err := g.write(&c, news...); err != nil {
		return Moved{}, err
	}
	return Moved{Charge: c, Move: move}, nil
}

// Approve tries the token on a charge that waits or was refused, the old token
// when none is given. It fails with payment.ErrNotAtGateway for what it does not
// know.
func (g *Gateway) Approve(chargeID, key, token string) (c Charge, refusal string, err error) {
	d, err := g.act(chargeID, key, "approve "+token, func(c *Charge, now time.Time) (string, string, []string) {
		switch {
		case c.Status == payment.RequiresAction && c.Approved:
			c.approve(now)
		case c.Status == payment.Pending && (token != "" || c.Token != ""), c.Status == payment.Failed && token != "":
			if token == "" {
				token = c.Token
			}
			c.pay(token, now)
		default:
			return "", "not_confirmable", nil
		}
		return "sbm_" + id.Secret(15), "", c.newsOfPaying()
	})
	return d.Charge, d.Refusal, err
}

// Take captures amount of what is held and lets the rest go.
func (g *Gateway) Take(chargeID, key string, amount int64) (Moved, error) {
	return g.act(chargeID, key, fmt.Sprint("take ", amount), func(c *Charge, _ time.Time) (string, string, []string) {
		if c.Status != payment.Authorized || amount > c.Amount || amount <= 0 {
			return "", "not_capturable", nil
		}
		c.Status, c.Captured = payment.Captured, amount
		return "sbm_" + id.Secret(15), "", []string{"payment_intent.succeeded"}
	})
}

// Release lets go what is held, or gives up what was never approved.
func (g *Gateway) Release(chargeID, key, reason string) (Moved, error) {
	return g.act(chargeID, key, "release", func(c *Charge, now time.Time) (string, string, []string) {
		switch c.Status {
		case payment.Authorized, payment.RequiresAction, payment.Pending, payment.Failed:
		default:
			return "", "not_voidable", nil
		}
		c.Status, c.Reason, c.EndedAt, c.Approved = payment.Voided, reason, now, false
		return "sbm_" + id.Secret(15), "", []string{"payment_intent.canceled"}
	})
}

// GiveBack refunds amount of what was captured.
func (g *Gateway) GiveBack(chargeID, key string, amount int64, metadata map[string]string) (Moved, error) {
	return g.act(chargeID, key, fmt.Sprint("give back ", amount), func(c *Charge, now time.Time) (string, string, []string) {
		switch {
		case c.Dispute != nil && c.Dispute.Status != payment.DisputeWon:
			return "", "charge_disputed", nil
		case amount <= 0 || amount > c.Captured-c.Refunded:
			return "", "refund_exceeds_capture", nil
		}
		r := Refund{ID: "re_" + id.Secret(15), Key: key, Amount: amount, At: now, Metadata: metadata}
		c.giveBack(r)
		return r.ID, "", []string{"charge.refunded"}
	})
}

// Authenticate plays the buyer's 3-D Secure step, for our payment's id or the
// gateway's.
func (g *Gateway) Authenticate(paymentID string, succeeded bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.byID {
		if paymentID == "" || c.PaymentID != paymentID && c.ID != paymentID || c.Status != payment.RequiresAction || c.Approved {
			continue
		}
		next := *c
		next.Did = nil
		switch {
		case !succeeded:
			next.Status, next.Failure = payment.Failed, "authentication_failed"
		case c.Token == Redirect:
			next.Approved = true
			return g.write(&next)
		default:
			next.approve(g.clock.Now())
		}
		return g.write(&next, next.newsOfPaying()...)
	}
	return ErrUnknownPayment
}

// Books calls each for every charge, the oldest first, for the comparison with
// the shop's own.
func (g *Gateway) Books(each func(c Charge)) error {
	for _, c := range g.All() {
		each(c)
	}
	return nil
}

// All are all charges as they stand, the oldest first.
func (g *Gateway) All() []Charge {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]Charge, 0, len(g.order))
	for _, id := range g.order {
		all = append(all, g.ripe(id))
	}
	return all
}

// rest is the part of a charge's id behind its prefix: other objects of the
// charge are named by it.
func (c Charge) rest() string { return strings.TrimPrefix(strings.TrimPrefix(c.ID, "pi_"), "sb_") }
