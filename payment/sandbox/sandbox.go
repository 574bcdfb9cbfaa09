// Package sandbox is the built-in payment gateway of the demo and the tests. It
// behaves like a real one: it has books of its own that outlive the program, it
// honours idempotency keys, and some of its tokens lose answers on purpose.
package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/fault"
	"doorstep/internal/id"
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

// Tokens lists all tokens.
func Tokens() []string {
	return []string{Visa, Declined, InsufficientFunds, ThreeDSecure, Slow, LostAnswer, ServerError}
}

// holdDays is how long a hold lasts, as with most cards.
const holdDays = 7

// errServer is what tok_500_after_charge answers.
var errServer = errors.New("sandbox: 500 internal server error")

// ErrUnknownPayment says that no payment waits for authentication under an id.
var ErrUnknownPayment = fault.New(fault.NotFound, "payment_not_found", "No such payment, or nothing to do for it.")

// Charge is one entry of the gateway's books.
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
	// Moves are the captures and refunds by key, with their ids.
	Moves map[string]string `json:"moves,omitempty"`
}

// Gateway is the sandbox. Its books are a journal file: each line is the newest
// state of one charge.
type Gateway struct {
	clock    clock.Clock
	mu       sync.Mutex
	byKey    map[string]*Charge
	byID     map[string]*Charge
	journal  *os.File
	written  int64         // where the last whole line of the journal ends
	SlowFor  time.Duration // of tok_slow; 2 s
	LostFor  time.Duration // how long tok_lost_answer keeps silent; 1 min
	actionAt string        // where a buyer authenticates; the payment id is appended
}

// Open reads the books at path, an empty path keeps them in memory. actionURL
// is where tok_3ds sends the buyer; the payment's id is appended.
func Open(path, actionURL string, c clock.Clock) (*Gateway, error) {
	g := &Gateway{
		clock: c, byKey: map[string]*Charge{}, byID: map[string]*Charge{},
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

// load replays the journal. A line cut short by a crash can only be the last
// one; its answer was never sent, so it is dropped.
func (g *Gateway) load(f *os.File) error {
	good, err := replay(f, func(c Charge) { g.byKey[c.Key], g.byID[c.ID] = &c, &c })
	if err != nil {
		return err
	}
	g.written = good
	return f.Truncate(good)
}

// replay calls each for every whole line, and says where the last one ends.
func replay(r io.Reader, each func(c Charge)) (good int64, err error) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return good, nil
		}
		if err != nil {
			return good, err
		}
		var c Charge
		if err := json.Unmarshal(line, &c); err != nil {
			return good, fmt.Errorf("offset %d: %w", good, err)
		}
		each(c)
		good += int64(len(line))
	}
}

// Journal reads the books of a gateway that may be at work in another process.
type Journal string

// Name is "sandbox".
func (Journal) Name() string { return "sandbox" }

// Books calls each for every charge as it stands now; without a file there is none.
func (j Journal) Books(each func(c Charge)) error {
	f, err := os.Open(string(j))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	newest := map[string]Charge{}
	if _, err := replay(f, func(c Charge) { newest[c.ID] = c }); err != nil {
		return fmt.Errorf("sandbox: %s: %w", string(j), err)
	}
	for _, c := range newest {
		each(c)
	}
	return nil
}

// Close closes the books.
func (g *Gateway) Close() error {
	if g.journal == nil {
		return nil
	}
	return g.journal.Close()
}

// record writes the state of c before anyone is told of it, itself included:
// what could not be written has not happened. Half a line, of a full disk, is
// written over by the next.
func (g *Gateway) record(c *Charge) error {
	if g.journal != nil {
		line, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		line = append(line, '\n')
		if _, err := g.journal.WriteAt(line, g.written); err != nil {
			_ = g.journal.Truncate(g.written) // else the next opening does it
			return fmt.Errorf("sandbox: %w", err)
		}
		g.written += int64(len(line))
	}
	g.byKey[c.Key], g.byID[c.ID] = c, c
	return nil
}

// Name is "sandbox".
func (g *Gateway) Name() string { return "sandbox" }

// Capabilities says that it takes cards and captures in part.
func (g *Gateway) Capabilities() payment.Capabilities {
	return payment.Capabilities{Methods: []payment.Method{payment.Card}, PartialCapture: true, HoldDays: holdDays}
}

// Authorize holds money as the token says. A repeated key changes nothing and
// is answered as the first time.
func (g *Gateway) Authorize(ctx context.Context, a payment.Authorization) (payment.Result, error) {
	if err := ctx.Err(); err != nil {
		return payment.Result{}, err // it would not have been sent
	}
	c, err := g.authorize(a)
	if err != nil {
		return payment.Result{}, err
	}
	switch a.Token {
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
}

func (g *Gateway) authorize(a payment.Authorization) (Charge, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c, ok := g.byKey[a.Key]; ok {
		if c.Amount != a.Amount || c.Currency != a.Currency {
			return Charge{}, fmt.Errorf("sandbox: key %s was used with other parameters", a.Key)
		}
		return *c, nil
	}
	c := &Charge{
		ID: "sb_" + id.Secret(15), Key: a.Key, PaymentID: a.PaymentID.String(), Currency: a.Currency,
		Amount: a.Amount, Token: a.Token, HoldEnds: g.clock.Now().AddDate(0, 0, holdDays),
	}
	switch a.Token {
	case Visa, Slow, LostAnswer, ServerError:
		c.Status = payment.Authorized
	case ThreeDSecure:
		c.Status = payment.RequiresAction
	case Declined:
		c.Status, c.Failure = payment.Failed, "card_declined"
	case InsufficientFunds:
		c.Status, c.Failure = payment.Failed, "insufficient_funds"
	default:
		c.Status, c.Failure = payment.Failed, "invalid_token"
	}
	if err := g.record(c); err != nil {
		return Charge{}, err
	}
	return *c, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (g *Gateway) result(c Charge) payment.Result {
	r := payment.Result{
		GatewayID: c.ID, Status: c.Status, FailureCode: c.Failure,
		Authorized: c.Amount, Captured: c.Captured, Refunded: c.Refunded, HoldEnds: c.HoldEnds,
	}
	if c.Status == payment.RequiresAction {
		r.Action = &payment.Action{Type: "three_d_secure", URL: g.actionAt + c.PaymentID}
	}
	return r
}

// Find looks a charge up by its key, as real gateways do by metadata.
func (g *Gateway) Find(ctx context.Context, key string) (payment.Result, error) {
	if err := ctx.Err(); err != nil {
		return payment.Result{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok := g.byKey[key]
	if !ok {
		return payment.Result{}, payment.ErrNotAtGateway
	}
	return g.result(*c), nil
}

// change applies do to a charge once for each key. What do refuses is answered
// with how the charge stands, and why.
func (g *Gateway) change(ctx context.Context, m payment.Movement, do func(c *Charge) (refusal string)) (payment.Result, error) {
	if err := ctx.Err(); err != nil {
		return payment.Result{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	old, ok := g.byID[m.GatewayID]
	if !ok {
		return payment.Result{}, payment.ErrNotAtGateway
	}
	if _, done := old.Moves[m.Key]; done {
		r := g.result(*old)
		r.RefundID = old.Moves[m.Key]
		return r, nil
	}
	c := *old
	if refusal := do(&c); refusal != "" {
		r := g.result(*old)
		r.FailureCode = refusal
		return r, nil
	}
	c.Moves = make(map[string]string, len(old.Moves)+1)
	for k, v := range old.Moves {
		c.Moves[k] = v
	}
	c.Moves[m.Key] = "sbm_" + id.Secret(15)
	if err := g.record(&c); err != nil {
		return payment.Result{}, err
	}
	r := g.result(c)
	r.RefundID = c.Moves[m.Key]
	return r, nil
}

// Capture takes money that is held; more than is held is refused.
func (g *Gateway) Capture(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.change(ctx, m, func(c *Charge) string {
		if c.Status != payment.Authorized || m.Amount > c.Amount || m.Amount <= 0 {
			return "not_capturable"
		}
		c.Status, c.Captured = payment.Captured, m.Amount
		return ""
	})
}

// Void lets a hold go. A captured charge stays captured.
func (g *Gateway) Void(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.change(ctx, m, func(c *Charge) string {
		if c.Status != payment.Authorized && c.Status != payment.RequiresAction {
			return "not_voidable"
		}
		c.Status = payment.Voided
		return ""
	})
}

// Refund gives captured money back, never more than was captured.
func (g *Gateway) Refund(ctx context.Context, m payment.Movement) (payment.Result, error) {
	refused := false
	r, err := g.change(ctx, m, func(c *Charge) string {
		if refused = m.Amount <= 0 || m.Amount > c.Captured-c.Refunded; refused {
			return "refund_exceeds_capture"
		}
		c.Refunded += m.Amount
		return ""
	})
	r.RefundFailed = refused
	return r, err
}

// Authenticate plays the buyer's 3-D Secure step for the payment.
func (g *Gateway) Authenticate(paymentID string, succeeded bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.byID {
		if c.PaymentID != paymentID || c.Status != payment.RequiresAction {
			continue
		}
		next := *c
		next.Status = payment.Authorized
		if !succeeded {
			next.Status, next.Failure = payment.Failed, "authentication_failed"
		}
		return g.record(&next)
	}
	return ErrUnknownPayment
}

// Books calls each for every charge, for the comparison with the shop's own.
func (g *Gateway) Books(each func(c Charge)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.byID {
		each(*c)
	}
	return nil
}
