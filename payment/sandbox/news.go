package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/payment"
)

// Event is one piece of news about a charge, with the charge as it stood then.
type Event struct {
	ID     string
	Type   string // in Stripe's words: payment_intent.succeeded
	At     time.Time
	Charge Charge
	Key    string // of the call that made it; empty when it happened by itself
}

// newsKept is how many events are remembered; the oldest are forgotten first.
const newsKept = 5_000

// newsFor is how long they are remembered.
const newsFor = 30 * 24 * time.Hour

// newsOfPaying is the news after a card was tried.
func (c *Charge) newsOfPaying() []string {
	switch c.Status {
	case payment.Authorized:
		return []string{"payment_intent.amount_capturable_updated"}
	case payment.Captured:
		return []string{"payment_intent.succeeded"}
	case payment.RequiresAction:
		return []string{"payment_intent.requires_action"}
	case payment.Failed:
		return []string{"payment_intent.payment_failed"}
	}
	return nil
}

// write records a state and tells the news of it.
func (g *Gateway) write(c *Charge, news ...string) error {
	c.Told += len(news)
	if err := g.record(c); err != nil {
		return err
	}
	for i, what := range news {
		e := Event{ID: fmt.Sprintf("evt_%s%d", c.rest(), c.Told-len(news)+i+1), Type: what, At: g.clock.Now(), Charge: *c}
		if c.Did != nil {
			e.Key = c.Did.Key
		}
		if len(g.news) == newsKept {
			g.news = slices.Delete(g.news, 0, newsKept/5)
		}
		g.news = append(g.news, e)
		if g.courier != nil {
			g.courier.take(e)
		}
	}
	return nil
}

// Events are the news of the last 30 days, the newest first. They do not
// outlive the program.
func (g *Gateway) Events() []Event {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]Event, 0, len(g.news))
	since := g.clock.Now().Add(-newsFor)
	for _, e := range slices.Backward(g.news) {
		if !e.At.Before(since) {
			all = append(all, e)
		}
	}
	return all
}

// Charges lists the books for a bookkeeper.
func (g *Gateway) Charges(ctx context.Context, from, to time.Time, each func(payment.GatewayCharge) error) error {
	all, err := called(ctx, g, CallList, "", func() ([]Charge, error) { return g.All(), nil })
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.CreatedAt.Before(from) || !c.CreatedAt.Before(to) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(c.entry()); err != nil {
			return err
		}
	}
	return nil
}

// letter is as much of a webhook's body as is understood.
type letter struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	Data    struct {
		Object struct {
			ID            string            `json:"id"`
			Object        string            `json:"object"`
			PaymentIntent string            `json:"payment_intent"`
			Metadata      map[string]string `json:"metadata"`
		} `json:"object"`
	} `json:"data"`
}

// Webhook reads a webhook that a Courier has brought.
func (g *Gateway) Webhook(_ context.Context, header http.Header, body []byte, now time.Time) (payment.Notice, error) {
	if !signed(g.Secrets, header.Get(SignatureHeader), body, now) {
		return payment.Notice{}, payment.ErrSignature
	}
	var l letter
	if err := json.Unmarshal(body, &l); err != nil {
		return payment.Notice{}, payment.ErrWebhookBody.Because(err)
	}
	if l.ID == "" || l.Type == "" {
		return payment.Notice{}, payment.ErrWebhookBody
	}
	n := payment.Notice{ID: l.ID, Type: l.Type, GatewayID: l.Data.Object.PaymentIntent, At: time.Unix(l.Created, 0).UTC()}
	if l.Data.Object.Object == "payment_intent" {
		n.GatewayID = l.Data.Object.ID
	}
	if id, err := uuid.Parse(l.Data.Object.Metadata["payment_id"]); err == nil {
		n.PaymentID = id
	}
	if id, err := uuid.Parse(l.Data.Object.Metadata[metaMerchant]); err == nil {
		n.Merchant = id
	}
	switch {
	case n.GatewayID == "":
	case strings.HasPrefix(l.Type, "payment_intent."):
		n.Kind = payment.NoticeChanged
	case strings.HasPrefix(l.Type, "charge.dispute."):
		n.Kind = payment.NoticeDisputed
	case strings.HasPrefix(l.Type, "charge.refund"):
		n.Kind = payment.NoticeRefunded
	}
	return n, nil
}
