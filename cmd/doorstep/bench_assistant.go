package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"doorstep/payment"
	"doorstep/support/dialog"
	"doorstep/support/phrase"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// The bars of the assistant.
const (
	readBar = 2 * time.Millisecond  // p99 of reading one message
	turnBar = 60 * time.Millisecond // p95 of a whole turn
	turnsAt = 200                   // a second
)

// assistantTurns measures how long reading a message takes, and a whole turn with the
// database at a steady pace: buyers who ask where their order is, propose to cancel
// it and leave it, and ask about the shop.
func (b *bench) assistantTurns(ctx context.Context) error {
	if err := b.reading(ctx); err != nil {
		return err
	}
	c, err := b.counter(ctx, "assistant")
	if err != nil {
		return err
	}
	defer c.close()
	open, err := c.prepare(ctx, 500, false)
	if err != nil {
		return err
	}
	if _, err := c.pay(ctx, 8, time.Minute, open, payment.CashOnDelivery, ""); err != nil {
		return err
	}
	buyers, err := c.buyers(ctx)
	if err != nil {
		return err
	}
	s := c.assistant(nil) // nobody asks for products
	pace := time.NewTicker(time.Second * turnsOfTalk / turnsAt)
	defer pace.Stop()
	var mu sync.Mutex
	var times []time.Duration
	f, err := measureEach(64, 2*b.seconds, pace.C, func() error {
		took, err := talkOnce(ctx, s, c.merchant, buyers[rand.IntN(len(buyers))])
		mu.Lock()
		defer mu.Unlock()
		times = append(times, took...)
		return err
	})
	if err != nil {
		return err
	}
	f.n *= turnsOfTalk
	b.row(fmt.Sprintf("talks of %d turns with the assistant, %d begun a second", turnsOfTalk, turnsAt/turnsOfTalk), f, 0, "", "")
	slices.Sort(times)
	p95 := times[len(times)*95/100]
	fmt.Fprintf(b.out.out, "  %.0f turns a second; one takes %s at p50, %s at p95\n", f.perSecond(), short(times[len(times)/2]), short(p95))
	if p95 > turnBar {
		b.failed = append(b.failed, fmt.Sprintf("a turn takes %s at p95, want at most %s", short(p95), short(turnBar)))
	}
	return nil
}

// reading measures the reader alone.
func (b *bench) reading(ctx context.Context) error {
	reader, err := understand.Default()
	if err != nil {
		return err
	}
	all := phrase.All()
	i := 0
	f, err := measure(1, b.seconds, func(int) (bool, error) {
		i = (i + 7919) % len(all)
		_, err := reader.Interpret(ctx, understand.Turn{Text: all[i].Text, Language: all[i].Language})
		return true, err
	})
	if err != nil {
		return err
	}
	b.row("a message read by the assistant", f, 0, "", "")
	b.over("reading a message", f.p99, readBar)
	return nil
}

// buyer is somebody with an order.
type buyer struct {
	who    skill.Who
	number string
}

func (c *counter) buyers(ctx context.Context) (all []buyer, err error) {
	rows, err := c.db.Query(ctx, `select number, email_hmac from orders where merchant_id = $1`, c.merchant)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		b := buyer{who: skill.Who{Level: skill.Verified}}
		if err := rows.Scan(&b.number, &b.who.EmailHMAC); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, rows.Err()
}

// turnsOfTalk is how many messages a talk has.
const turnsOfTalk = 4

// talkOnce is one talk, and how long each of its turns took.
func talkOnce(ctx context.Context, s *dialog.Service, merchant uuid.UUID, who buyer) (took []time.Duration, err error) {
	var r dialog.Reply
	secret := ""
	for i, text := range [turnsOfTalk]string{"where is my order " + who.number + "?", "please cancel " + who.number, "no, leave it", "what is your return policy?"} {
		began := time.Now()
		r, err = s.Turn(ctx, dialog.Message{Merchant: merchant, Conversation: r.Conversation, Secret: secret, Text: text, Who: who.who, IP: "192.0.2.1"})
		took = append(took, time.Since(began))
		if err != nil {
			return took, err
		}
		if r.Secret != "" {
			secret = r.Secret
		}
		if want := [turnsOfTalk]skill.Type{skill.Fact, skill.Confirm, skill.Smalltalk, skill.Policy}[i]; r.Type != want {
			return took, fmt.Errorf("%q got %s %q", text, r.Type, r.Text)
		}
	}
	return took, nil
}
