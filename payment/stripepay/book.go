package stripepay

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stripe/stripe-go/v76"

	"doorstep/payment"
)

const (
	pageSize = 100
	// clocksApart is how much Stripe's clock and ours may differ.
	clocksApart = time.Hour
	// lookBack is how far the list is read for a key that does not say its age.
	lookBack = 72 * time.Hour
	// mostRead bounds one look through the list.
	mostRead = 20_000
)

var errTooMany = errors.New("stripe: too many payments to look through for one key")

// search finds the intent that was made with a key in the list of those made
// since. It fails with payment.ErrNotAtGateway when there is none.
func (g *Gateway) search(ctx context.Context, key string) (id string, err error) {
	seen := 0
	err = g.eachIntent(ctx, g.since(key), time.Time{}, false, func(pi *stripe.PaymentIntent) error {
		if pi.Metadata[metaKey] == key {
			id = pi.ID
			return errFound
		}
		if seen++; seen >= mostRead {
			return errTooMany
		}
		return nil
	})
	switch {
	case errors.Is(err, errFound):
		return id, nil
	case err != nil:
		return "", err
	}
	return "", payment.ErrNotAtGateway
}

var errFound = errors.New("found")

// since is the time before which nothing can have been made with a key. Keys end
// in the id of the payment, and ids begin with the time they were made.
func (g *Gateway) since(key string) time.Time {
	now := g.config.Clock.Now()
	_, name, _ := strings.Cut(key, ":")
	made, err := uuid.Parse(name)
	if err != nil || made.Version() != 7 {
		return now.Add(-lookBack)
	}
	at := time.UnixMilli(int64(made[0])<<40 | int64(made[1])<<32 | int64(made[2])<<24 | int64(made[3])<<16 | int64(made[4])<<8 | int64(made[5]))
	if at.After(now.Add(clocksApart)) {
		return now.Add(-lookBack) // of another clock
	}
	return at.Add(-clocksApart)
}

// eachIntent calls each for the intents made from from up to to, the newest
// first; a zero to means until now.
func (g *Gateway) eachIntent(ctx context.Context, from, to time.Time, charges bool, each func(*stripe.PaymentIntent) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p := &stripe.PaymentIntentListParams{}
	p.Context, p.Limit = ctx, stripe.Int64(pageSize)
	if charges {
		p.AddExpand("data.latest_charge")
	}
	if !g.config.Minimal {
		p.CreatedRange = &stripe.RangeQueryParams{GreaterThanOrEqual: from.Unix()}
		if !to.IsZero() {
			p.CreatedRange.LesserThan = to.Unix() + 1 // to the second; the rest is sorted out below
		}
	}
	all := g.intents.List(p)
	for all.Next() {
		pi := all.PaymentIntent()
		made := time.Unix(pi.Created, 0)
		if made.Before(from.Truncate(time.Second)) || !to.IsZero() && !made.Before(to) {
			continue
		}
		if err := each(pi); err != nil {
			return err
		}
	}
	if err := all.Err(); err != nil {
		return explain(err)
	}
	return listed(all.PaymentIntentList().LastResponse)
}

// listed says whether the last page was a page of a list at all: what is none is
// empty to the library, and would pass for the end.
func listed(page *stripe.APIResponse) error {
	var o struct {
		Object string `json:"object"`
	}
	if page == nil || json.Unmarshal(page.RawJSON, &o) != nil || o.Object != "list" {
		return errAnother
	}
	return nil
}

// Charges lists the intents with their refunds and disputes. Those on which
// nobody ever tried to pay are no charges.
func (g *Gateway) Charges(ctx context.Context, from, to time.Time, each func(payment.GatewayCharge) error) error {
	return g.eachIntent(ctx, from, to, true, func(pi *stripe.PaymentIntent) error {
		c, err := g.charge(ctx, pi)
		if err != nil {
			return err
		}
		return each(c)
	})
}

func (g *Gateway) charge(ctx context.Context, pi *stripe.PaymentIntent) (payment.GatewayCharge, error) {
	r := g.result(pi)
	if err := g.history(ctx, pi, &r); err != nil {
		return payment.GatewayCharge{}, err
	}
	c := payment.GatewayCharge{
		GatewayID: pi.ID, Key: pi.Metadata[metaKey], Currency: strings.ToUpper(string(pi.Currency)), Status: r.Status, Authorized: r.Authorized,
		Captured: r.Captured, Refunded: r.Refunded, Refunds: r.Refunds, Dispute: r.Dispute, Disputed: r.Disputed,
		CreatedAt: time.Unix(pi.Created, 0).UTC(), HoldEnds: r.HoldEnds,
	}
	c.PaymentID, _ = uuid.Parse(pi.Metadata[metaPayment]) // zero when it is none of ours
	c.Merchant, _ = uuid.Parse(pi.Metadata[metaMerchant])
	return c, nil
}

// history adds the refunds and the dispute of an intent that was captured.
func (g *Gateway) history(ctx context.Context, pi *stripe.PaymentIntent, r *payment.Result) error {
	if r.Captured == 0 {
		return nil
	}
	currency := strings.ToUpper(string(pi.Currency))
	all := []payment.GatewayRefund{}
	err := g.eachRefund(ctx, pi.ID, func(f *stripe.Refund) bool {
		all = append(all, payment.GatewayRefund{
			GatewayID: f.ID, Key: f.Metadata[metaKey], Amount: fromStripe(f.Amount, currency),
			Failed: f.Status == stripe.RefundStatusFailed || f.Status == stripe.RefundStatusCanceled,
		})
		return true
	})
	if err != nil {
		return err
	}
	r.Refunds = all
	if pi.LatestCharge == nil || !pi.LatestCharge.Disputed {
		return nil
	}
	r.Dispute = payment.Disputed
	if g.config.Minimal {
		return nil // there is no list that says how it went on
	}
	p := &stripe.DisputeListParams{PaymentIntent: &pi.ID}
	p.Context, p.Limit, p.Single = ctx, stripe.Int64(1), true // the newest
	list := g.disputes.List(p)
	if list.Next() {
		d := list.Dispute()
		r.Dispute, r.Disputed = decided(d.Status), fromStripe(d.Amount, currency)
	}
	if err := list.Err(); err != nil {
		return explain(err)
	}
	return listed(list.DisputeList().LastResponse)
}

// decided is how a dispute stands. A warning that was closed took no money.
func decided(s stripe.DisputeStatus) payment.Status {
	switch s {
	case stripe.DisputeStatusWon, stripe.DisputeStatusWarningClosed:
		return payment.DisputeWon
	case stripe.DisputeStatusLost:
		return payment.DisputeLost
	}
	return payment.Disputed
}
