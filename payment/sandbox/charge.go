package sandbox

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/payment"
)

// Charge is one entry of the gateway's books. Amounts are minor units of
// Currency.
type Charge struct {
	ID        string         `json:"id"`
	Key       string         `json:"key"`
	PaymentID string         `json:"payment_id"`
	Currency  string         `json:"currency"`
	Amount    int64          `json:"amount"`
	Captured  int64          `json:"captured"`
	Refunded  int64          `json:"refunded"`
	Status    payment.Status `json:"status"`
	Failure   string         `json:"failure,omitempty"`
	Token     string         `json:"token"`
	HoldEnds  time.Time      `json:"hold_ends"`
	// Moves are the captures, voids and refunds by key, with their ids.
	Moves map[string]string `json:"moves,omitempty"`

	CreatedAt time.Time         `json:"created_at"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	// Automatic says that it is captured in the moment it is approved.
	Automatic bool      `json:"automatic,omitempty"`
	Methods   []string  `json:"methods,omitempty"` // kinds of payment methods it takes; card when empty
	Refunds   []Refund  `json:"refunds,omitempty"`
	Dispute   *Dispute  `json:"dispute,omitempty"`
	Reason    string    `json:"reason,omitempty"` // why it was voided
	EndedAt   time.Time `json:"ended_at"`         // when it was voided; zero before
	// Told counts the news about it, so that no two of them have one id.
	Told int   `json:"told,omitempty"`
	Did  *Deed `json:"did,omitempty"`
	// Approved says that the buyer has agreed at another page, and that the
	// charge waits for Confirm.
	Approved bool `json:"approved,omitempty"`
}

// Refund is money that went back to the buyer.
type Refund struct {
	ID       string            `json:"id"`
	Key      string            `json:"key,omitempty"` // empty when it was made outside
	Amount   int64             `json:"amount"`
	At       time.Time         `json:"at"`
	Failed   bool              `json:"failed,omitempty"` // the buyer's bank sent it back
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Dispute is a buyer's bank that wants the money back.
type Dispute struct {
	ID     string         `json:"id"`
	Amount int64          `json:"amount"`
	Status payment.Status `json:"status"` // disputed, won or lost
	At     time.Time      `json:"at"`
}

// Deed is the newest act on a charge that came with an idempotency key.
type Deed struct {
	Key  string    `json:"key"`
	What string    `json:"what"` // the act and its parameters
	Move string    `json:"move,omitempty"`
	At   time.Time `json:"at"`
}

// result is how a charge stands, as a provider says it.
func (c Charge) result() payment.Result {
	e := c.entry()
	return payment.Result{
		GatewayID: c.ID, Status: c.Status, FailureCode: c.Failure, Fingerprint: fingerprint(c.Token),
		Authorized: c.Amount, Captured: c.Captured, Refunded: c.Refunded, HoldEnds: c.HoldEnds,
		Refunds: append([]payment.GatewayRefund{}, e.Refunds...), Dispute: e.Dispute, Disputed: e.Disputed,
	}
}

// metaMerchant names the merchant in the metadata, as it does at Stripe.
const metaMerchant = "merchant_id"

// entry is a charge as bookkeepers list it.
func (c Charge) entry() payment.GatewayCharge {
	e := payment.GatewayCharge{
		GatewayID: c.ID, Key: c.Key, Currency: c.Currency, Status: c.Status, Authorized: c.Amount,
		Captured: c.Captured, Refunded: c.Refunded, CreatedAt: c.CreatedAt, HoldEnds: c.HoldEnds,
	}
	e.PaymentID, _ = uuid.Parse(c.PaymentID) // zero when it is nobody's of ours
	e.Merchant, _ = uuid.Parse(c.Metadata[metaMerchant])
	for _, r := range c.Refunds {
		e.Refunds = append(e.Refunds, payment.GatewayRefund{GatewayID: r.ID, Key: r.Key, Amount: r.Amount, Failed: r.Failed})
	}
	if c.Dispute != nil {
		e.Dispute, e.Disputed = c.Dispute.Status, c.Dispute.Amount
	}
	return e
}

// live says that it holds or took money, or may yet.
func (c *Charge) live() bool {
	return c.Status == payment.Authorized || c.Status == payment.Captured || c.Status == payment.RequiresAction
}

// pay lets a card do what its token says.
func (c *Charge) pay(token string, now time.Time) {
	c.Token, c.Failure = token, ""
	kind, _, _ := strings.Cut(token, cardSign)
	switch kind {
	case Visa, Slow, LostAnswer, ServerError:
		c.approve(now)
	case ThreeDSecure, Redirect:
		c.Status = payment.RequiresAction
	default:
		c.Status, c.Failure = payment.Failed, "invalid_token"
		if code, ok := declines[kind]; ok {
			c.Failure = code
		}
	}
}

// approve holds the money, or takes it when that was asked for.
func (c *Charge) approve(now time.Time) {
	c.Status, c.Failure, c.Approved = payment.Authorized, "", false
	c.HoldEnds = now.AddDate(0, 0, holdDays)
	if c.Automatic {
		c.Status, c.Captured = payment.Captured, c.Amount
	}
}

// giveBack notes a refund in a copy of the list, since others may read the old one.
func (c *Charge) giveBack(r Refund) {
	c.Refunded += r.Amount
	c.Refunds = append(slices.Clip(c.Refunds), r)
}
