// Package sandbox is the built-in payment gateway of the demo and the tests. It
// behaves like a real one: it has books of its own that outlive the program, it
// honours idempotency keys for a day and forgets them then, its holds end after
// a week, it tells its news by signed webhooks that come twice, late, in any
// order or never, and it loses answers on purpose. Package wire lets it speak
// Stripe's wire format.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/fault"
	"doorstep/payment"
)

// The tokens, each standing for a card that behaves in one way.
const (
	Visa              = "tok_visa"               // approves
	Declined          = "tok_declined"           // refuses
	InsufficientFunds = "tok_insufficient_funds" // refuses
	ThreeDSecure      = "tok_3ds"                // asks for authentication
	Slow              = "tok_slow"               // approves after SlowFor
	LostAnswer        = "tok_lost_answer"        // approves, never answers
	ServerError       = "tok_500_after_charge"   // approves, answers with an error, also when repeated
)

// Tokens lists all tokens that shoppers may try.
func Tokens() []string {
	return []string{Visa, Declined, InsufficientFunds, ThreeDSecure, Slow, LostAnswer, ServerError}
}

// Redirect stands for a payment method whose buyer agrees at another page, and
// whose charge waits for Confirm after that.
const Redirect = "tok_redirect"

// A token may name the card that it stands for after this sign, such as
// tok_declined#4711. Those without are cards that nobody can tell apart.
const cardSign = "#"

// Fingerprint is the card that a token names; see payment.Fingerprinter.
func (g *Gateway) Fingerprint(_ context.Context, token string) (string, error) {
	return fingerprint(token), nil
}

func fingerprint(token string) string {
	_, card, _ := strings.Cut(token, cardSign)
	return card
}

// declines are the tokens that are refused, with the gateway's reason.
var declines = map[string]string{
	Declined:               "card_declined",
	InsufficientFunds:      "insufficient_funds",
	"tok_lost_card":        "lost_card",
	"tok_stolen_card":      "stolen_card",
	"tok_fraudulent":       "fraudulent",
	"tok_expired_card":     "expired_card",
	"tok_incorrect_cvc":    "incorrect_cvc",
	"tok_processing_error": "processing_error",
}

const (
	// holdDays is how long a hold lasts, as with most cards.
	holdDays = 7
	// KeysFor is how long idempotency keys are remembered.
	KeysFor = 24 * time.Hour
)

var (
	// ErrUnknownPayment says that no payment waits for authentication under an id.
	ErrUnknownPayment = fault.New(fault.NotFound, "payment_not_found", "No such payment, or nothing to do for it.")
	// ErrKeyReused says that an idempotency key has come with other parameters.
	ErrKeyReused = errors.New("sandbox: this key was used with other parameters")
	// errServer is an answer of 500, whatever was done.
	errServer = errors.New("sandbox: 500 internal server error")
)

// Gateway is the sandbox. Its books are a journal file: each line is the newest
// state of one charge. All methods may be called at once.
type Gateway struct {
	clock    clock.Clock
	mu       sync.Mutex
	byID     map[string]*Charge
	byKey    map[string]string // ids of charges by the key of their authorization
	order    []string          // ids, the oldest first
	keys     map[string]use
	journal  *os.File
	written  int64 // where the last whole line of the journal ends
	actionAt string

	news    []Event
	courier *Courier
	faults  *Faults

	SlowFor time.Duration // of tok_slow and slow answers; 2 s
	LostFor time.Duration // how long a lost answer keeps silent; 1 min
	// Secrets check the signatures of webhooks: any of them will do.
	Secrets []string
}

// use is what an idempotency key was used for.
type use struct {
	charge, what, move string
	at                 time.Time
	broken             bool // its answer was an error, and is so again
}

// Open reads the books at path, an empty path keeps them in memory. actionURL
// is where tok_3ds sends the buyer; the payment's id is appended.
func Open(path, actionURL string, c clock.Clock) (*Gateway, error) {
	g := &Gateway{
		clock: c, byID: map[string]*Charge{}, byKey: map[string]string{}, keys: map[string]use{},
		SlowFor: 2 * time.Second, LostFor: time.Minute, actionAt: actionURL,
	}
	if path == "" {
		return g, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	if err := g.load(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("sandbox: %s: %w", path, err)
	}
	g.journal = f
	return g, nil
}

// Close ends the deliveries and closes the books.
func (g *Gateway) Close() error {
	g.mu.Lock()
	courier := g.courier
	g.courier = nil
	g.mu.Unlock()
	if courier != nil {
		courier.Close()
	}
	if g.journal == nil {
		return nil
	}
	return g.journal.Close()
}

// Name is "sandbox".
func (g *Gateway) Name() string { return "sandbox" }

// Capabilities says that it takes cards and captures in part.
func (g *Gateway) Capabilities() payment.Capabilities {
	return payment.Capabilities{Methods: []payment.Method{payment.Card}, PartialCapture: true, HoldDays: holdDays, NamesRefunds: true}
}

// Authorize holds money as the token says. A repeated key changes nothing and
// is answered with how the charge stands.
func (g *Gateway) Authorize(ctx context.Context, a payment.Authorization) (payment.Result, error) {
	return called(ctx, g, CallAuthorize, a.Key, func() (payment.Result, error) {
		c, err := g.Create(Wish{
			Key: a.Key, PaymentID: a.PaymentID.String(), Currency: a.Currency, Amount: a.Amount, Token: a.Token,
			Metadata: map[string]string{
				"key": a.Key, "payment_id": a.PaymentID.String(), "checkout_id": a.Checkout.String(), metaMerchant: a.Merchant.String(),
			},
		})
		if err != nil {
			return payment.Result{}, err
		}
		kind, _, _ := strings.Cut(a.Token, cardSign)
		switch kind {
		case Slow:
			err = sleep(ctx, g.SlowFor)
		case LostAnswer:
			if err = sleep(ctx, g.LostFor); err == nil {
				err = context.DeadlineExceeded
			}
		case ServerError:
			err = errServer
		}
		if err != nil {
			return payment.Result{}, err
		}
		return g.result(c), nil
	})
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return ctx.Err() // both may have ended at once
	}
}

func (g *Gateway) result(c Charge) payment.Result {
	r := c.result()
	if c.Status == payment.RequiresAction {
		r.Action = &payment.Action{Type: "three_d_secure", URL: g.ActionURL(c)}
	}
	return r
}

// ActionURL is where the buyer of a charge authenticates.
func (g *Gateway) ActionURL(c Charge) string {
	if c.PaymentID == "" {
		return g.actionAt + c.ID
	}
	return g.actionAt + c.PaymentID
}

// Find looks a charge up by its key, as real gateways do by metadata.
func (g *Gateway) Find(ctx context.Context, key string) (payment.Result, error) {
	return called(ctx, g, CallFind, "", func() (payment.Result, error) {
		c, ok := g.chargeOf(key)
		if !ok {
			return payment.Result{}, payment.ErrNotAtGateway
		}
		return g.result(c), nil
	})
}

// Confirm goes on with a charge whose buyer has agreed at another page.
func (g *Gateway) Confirm(ctx context.Context, key, gatewayID string) (payment.Result, error) {
	return called(ctx, g, CallFind, "", func() (payment.Result, error) {
		c, ok := g.Charge(gatewayID)
		if !ok || c.Key != key {
			return payment.Result{}, payment.ErrNotAtGateway
		}
		c, _, err := g.Approve(gatewayID, "", "")
		if err != nil {
			return payment.Result{}, err
		}
		return g.result(c), nil
	})
}

// Capture takes money that is held and lets the rest go; more than is held is
// refused.
func (g *Gateway) Capture(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.move(ctx, CallCapture, m, func() (Moved, error) { return g.Take(m.GatewayID, m.Key, m.Amount) })
}

// Void lets a hold go. A captured charge stays captured.
func (g *Gateway) Void(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.move(ctx, CallVoid, m, func() (Moved, error) { return g.Release(m.GatewayID, m.Key, "") })
}

// Refund gives captured money back, never more than was captured.
func (g *Gateway) Refund(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.move(ctx, CallRefund, m, func() (Moved, error) { return g.GiveBack(m.GatewayID, m.Key, m.Amount, nil) })
}

// move makes one call that moves money. What was refused is answered with how
// the charge stands, and why.
func (g *Gateway) move(ctx context.Context, name Call, m payment.Movement, do func() (Moved, error)) (payment.Result, error) {
	return called(ctx, g, name, m.Key, func() (payment.Result, error) {
		d, err := do()
		if c, ok := g.Charge(m.GatewayID); ok && errors.Is(err, ErrKeyReused) {
			d, err = Moved{Charge: c, Refusal: "key_reused"}, nil
		}
		if err != nil {
			return payment.Result{}, err
		}
		r := g.result(d.Charge)
		if d.Refusal != "" {
			r.FailureCode, r.RefundFailed = d.Refusal, name == CallRefund
			return r, nil
		}
		r.RefundID = d.Move
		return r, nil
	})
}
