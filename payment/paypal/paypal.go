// Package paypal moves money through PayPal's Orders v2 API by plain HTTP.
// Nothing else in the house knows PayPal's words.
//
// A payment is one order with intent AUTHORIZE, named by its id. Creating it
// moves no money: the buyer approves it on PayPal's page, and only our own
// authorize call after that holds the money. So an order whose creation was
// never answered is no danger, for nobody has been sent to approve it. Every
// write carries PayPal-Request-Id, and before a write is repeated the order is
// read: PayPal forgets ids after some time, and orders never.
package paypal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/payment"
)

// The addresses of the API.
const (
	Live    = "https://api-m.paypal.com"
	Sandbox = "https://api-m.sandbox.paypal.com"
)

// holdDays is how long an authorization can be captured. PayPal honours it for
// sure for three days only; captures follow within seconds.
const holdDays = 29

// Config is one PayPal account.
type Config struct {
	ClientID, Secret string
	Base             string // Live when empty
	WebhookID        string // of the webhook in the account; without it no webhook is believed
	// ReturnURL is the page to which PayPal sends the buyer back, with
	// paypal=approved or paypal=canceled added to its query.
	ReturnURL string
	// Timeout bounds one call; 30 s when zero.
	Timeout time.Duration
	Clock   clock.Clock
}

// Gateway is PayPal. It is safe for concurrent use.
type Gateway struct {
	config Config
	base   string
	http   *http.Client
	clock  clock.Clock
	asking chan struct{} // bounds how many webhooks are verified at once: anybody can send some
	turn   chan struct{} // guards token
	token  token
}

// New makes the gateway. Nothing is called yet.
func New(c Config) *Gateway {
	if c.Base == "" {
		c.Base = Live
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Clock == nil {
		c.Clock = &clock.System{}
	}
	return &Gateway{
		config: c, base: strings.TrimRight(c.Base, "/"), clock: c.Clock, turn: make(chan struct{}, 1), asking: make(chan struct{}, 8),
		http: &http.Client{
			Timeout:       c.Timeout,
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the API has none
		},
	}
}

// Close lets idle connections go.
func (g *Gateway) Close() { g.http.CloseIdleConnections() }

// Name is "paypal".
func (g *Gateway) Name() string { return "paypal" }

// Capabilities says that it takes PayPal payments and captures in part.
func (g *Gateway) Capabilities() payment.Capabilities {
	return payment.Capabilities{Methods: []payment.Method{payment.PayPal}, PartialCapture: true, HoldDays: holdDays, NamesRefunds: true}
}

// names are the ids that PayPal sees for our keys: short, whatever the key.
var names = uuid.MustParse("5a0f4c1e-6e0b-5d43-9a3c-1d2b9f0a7c55")

func requestID(key string) string { return uuid.NewSHA1(names, []byte(key)).String() }

// Authorize makes an order that the buyer has to approve; the token is not
// looked at. What PayPal does not take is answered without asking it.
func (g *Gateway) Authorize(ctx context.Context, a payment.Authorization) (payment.Result, error) {
	if why := g.Refuses(a.Amount, a.Currency); why != "" || a.Amount < 1 {
		if why == "" {
			why = payment.RefusesAmount
		}
		return payment.Result{Status: payment.Failed, FailureCode: why}, nil
	}
	amount, err := write(a.Amount, a.Currency)
	if err != nil {
		return payment.Result{}, err
	}
	experience := map[string]string{"user_action": "PAY_NOW", "shipping_preference": "NO_SHIPPING"}
	if g.config.ReturnURL != "" {
		experience["return_url"], experience["cancel_url"] = with(g.config.ReturnURL, "approved"), with(g.config.ReturnURL, "canceled")
	}
	var o order
	status, err := g.call(ctx, http.MethodPost, "/v2/checkout/orders", a.Key, map[string]any{
		"intent": "AUTHORIZE",
		"purchase_units": []map[string]any{{
			"amount": amount, "custom_id": customID(a.Merchant, a.PaymentID), "invoice_id": a.PaymentID.String(),
		}},
		"payment_source": map[string]any{"paypal": map[string]any{"experience_context": experience}},
	}, &o)
	if r, ok := refused(err); ok {
		return payment.Result{Status: payment.Failed, FailureCode: r.code()}, nil
	}
	if err != nil {
		return payment.Result{}, err
	}
	if status == http.StatusOK { // it was made before; the answer may be the one of then
		now, err := g.fetch(ctx, o.ID)
		if err != nil {
			return payment.Result{}, lost(err)
		}
		o = *now
	}
	if o.ID == "" || len(o.Units) != 1 || o.only().InvoiceID != a.PaymentID.String() || o.only().Amount != amount && !same(o.only().Amount, amount) {
		return payment.Result{}, fmt.Errorf("paypal: the order made for payment %s is another one", a.PaymentID)
	}
	return o.result()
}

// same compares amounts that may be written with more or fewer noughts.
func same(x, y sum) bool {
	a, e1 := x.minor(y.Currency)
	b, e2 := y.minor(y.Currency)
	return e1 == nil && e2 == nil && a == b
}

// lost says of what PayPal should know that its absence is not believed.
func lost(err error) error {
	if errors.Is(err, payment.ErrNotAtGateway) {
		return errors.New("paypal: the order that was just answered cannot be read")
	}
	return err
}

// with adds how the buyer comes back to the query of an address.
func with(address, how string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	q.Set("paypal", how)
	u.RawQuery = q.Encode()
	return u.String()
}

// Find knows no orders by key: PayPal has no list of them. Whoever has sent a
// buyer to approve an order has its id and asks Fetch; an order whose creation
// was never answered holds no money, now or later.
func (g *Gateway) Find(ctx context.Context, _ string) (payment.Result, error) {
	if err := ctx.Err(); err != nil {
		return payment.Result{}, err
	}
	return payment.Result{}, payment.ErrNotAtGateway
}

// Fetch reads an order by its id, with its dispute when there is one.
func (g *Gateway) Fetch(ctx context.Context, _, gatewayID string) (payment.Result, error) {
	o, err := g.fetch(ctx, gatewayID)
	if err != nil {
		return payment.Result{}, err
	}
	r, err := o.result()
	if err != nil || o.capture() == nil {
		return r, err
	}
	r.Dispute, r.Disputed, err = g.dispute(ctx, o)
	return r, err
}

// Confirm holds the money of an order that the buyer has approved. It may be
// repeated.
func (g *Gateway) Confirm(ctx context.Context, key, gatewayID string) (payment.Result, error) {
	o, err := g.fetch(ctx, gatewayID)
	if err != nil {
		return payment.Result{}, err
	}
	if o.Status != approved || o.hold() != nil || o.given() {
		return o.result()
	}
	_, err = g.call(ctx, http.MethodPost, "/v2/checkout/orders/"+url.PathEscape(gatewayID)+"/authorize", "authorize:"+key, struct{}{}, nil)
	why, no := refused(err)
	if err != nil && !no {
		return payment.Result{}, err
	}
	if o, err = g.fetch(ctx, gatewayID); err != nil {
		return payment.Result{}, lost(err)
	}
	r, err := o.result()
	switch {
	case err != nil:
		return r, err
	case o.given() && r.Status == payment.Authorized: // it was given up in this very moment
		return g.Void(ctx, payment.Movement{Key: "void:" + key, GatewayID: gatewayID})
	case no && r.Status == payment.RequiresAction && (why.issue == "INSTRUMENT_DECLINED" || why.issue == "PAYER_ACTION_REQUIRED"):
		return r, nil // the buyer may choose another way to pay on the same page
	case no && r.Status == payment.RequiresAction:
		r.Status, r.Action, r.FailureCode = payment.Failed, nil, why.code()
	}
	return r, nil
}

// Capture takes a part or all of what is held and lets the rest go.
func (g *Gateway) Capture(ctx context.Context, m payment.Movement) (payment.Result, error) {
	o, err := g.fetch(ctx, m.GatewayID)
	if err != nil {
		return payment.Result{}, err
	}
	before, err := o.result()
	if err != nil {
		return before, err
	}
	h := o.live()
	amount, wrong := write(m.Amount, o.only().Amount.Currency)
	if h == nil || before.Status != payment.Authorized || wrong != nil || m.Currency != o.only().Amount.Currency || m.Amount < 1 || m.Amount > before.Authorized {
		if before.Status == payment.Pending {
			return payment.Result{}, errors.New("paypal: the capture is under review")
		}
		before.FailureCode = "not_capturable"
		if before.Status == payment.Captured {
			before.FailureCode = ""
		}
		return before, nil
	}
	return g.after(ctx, m.GatewayID, "/v2/payments/authorizations/"+url.PathEscape(h.ID)+"/capture", m.Key, map[string]any{"amount": amount, "final_capture": true})
}

// Void lets go what is held. An order that nobody has approved yet is marked, so
// that no approval is followed up.
func (g *Gateway) Void(ctx context.Context, m payment.Movement) (payment.Result, error) {
	o, err := g.fetch(ctx, m.GatewayID)
	if err != nil {
		return payment.Result{}, err
	}
	before, err := o.result()
	if err != nil {
		return before, err
	}
	if h := o.live(); h != nil {
		return g.after(ctx, m.GatewayID, "/v2/payments/authorizations/"+url.PathEscape(h.ID)+"/void", m.Key, struct{}{})
	}
	if before.Status != payment.RequiresAction {
		return before, nil
	}
	_, err = g.call(ctx, http.MethodPatch, "/v2/checkout/orders/"+url.PathEscape(o.ID), m.Key, []map[string]string{
		{"op": "replace", "path": "/purchase_units/@reference_id=='default'/custom_id", "value": dead + o.only().CustomID},
	}, nil)
	_, no := refused(err)
	if err != nil && !no {
		return payment.Result{}, err
	}
	if o, err = g.fetch(ctx, m.GatewayID); err != nil {
		return payment.Result{}, lost(err)
	}
	r, err := o.result()
	switch {
	case err != nil:
		return r, err
	case o.live() != nil: // it was approved and held in between
		return g.after(ctx, m.GatewayID, "/v2/payments/authorizations/"+url.PathEscape(o.live().ID)+"/void", m.Key, struct{}{})
	case r.Status == payment.RequiresAction: // it cannot be marked; nothing is held, and only we could hold it
		r.Status, r.Action = payment.Voided, nil
	}
	return r, nil
}

// after makes a write and says how the order stands then. A refusal changes
// nothing; why is said in the result.
func (g *Gateway) after(ctx context.Context, gatewayID, path, key string, body any) (payment.Result, error) {
	_, err := g.call(ctx, http.MethodPost, path, key, body, nil)
	why, no := refused(err)
	if err != nil && !no {
		return payment.Result{}, err
	}
	o, err := g.fetch(ctx, gatewayID)
	if err != nil {
		return payment.Result{}, lost(err)
	}
	r, err := o.result()
	if err == nil && r.Status == payment.Pending {
		err = errors.New("paypal: it is under review")
	}
	if no && r.FailureCode == "" {
		r.FailureCode = why.code()
	}
	return r, err
}

// Refund gives back a part or all of what was taken.
func (g *Gateway) Refund(ctx context.Context, m payment.Movement) (payment.Result, error) {
	o, err := g.fetch(ctx, m.GatewayID)
	if err != nil {
		return payment.Result{}, err
	}
	r, err := o.result()
	if err != nil {
		return r, err
	}
	if i := find(r.Refunds, m.Key); i >= 0 {
		return refundOf(r, i), nil
	}
	refuse := func(why string) (payment.Result, error) {
		r.RefundFailed, r.FailureCode = true, why
		return r, nil
	}
	c := o.capture()
	amount, wrong := write(m.Amount, o.only().Amount.Currency)
	switch {
	case c == nil:
		return refuse("not_captured")
	case wrong != nil, m.Amount < 1, m.Currency != o.only().Amount.Currency:
		return refuse(payment.RefusesAmount)
	}
	var made taken
	_, err = g.call(ctx, http.MethodPost, "/v2/payments/captures/"+url.PathEscape(c.ID)+"/refund", m.Key, map[string]any{
		"amount": amount, "custom_id": refundKey + m.Key,
	}, &made)
	why, no := refused(err)
	if err != nil && !no {
		return payment.Result{}, err
	}
	if o, err = g.fetch(ctx, m.GatewayID); err != nil {
		return payment.Result{}, lost(err)
	}
	if r, err = o.result(); err != nil {
		return r, err
	}
	if i := find(r.Refunds, m.Key); i >= 0 {
		return refundOf(r, i), nil
	}
	for i, b := range r.Refunds { // it was made, and its key is not told again
		if !no && b.GatewayID == made.ID && b.Key == "" && b.Amount == m.Amount {
			return refundOf(r, i), nil
		}
	}
	if no {
		return refuse(why.code())
	}
	return payment.Result{}, fmt.Errorf("paypal: the refund %s cannot be read yet", m.Key)
}

func find(all []payment.GatewayRefund, key string) int {
	for i := range all {
		if all[i].Key == key {
			return i
		}
	}
	return -1
}

// refundOf is the answer for one of the refunds.
func refundOf(r payment.Result, i int) payment.Result {
	if r.Refunds[i].Failed {
		r.RefundFailed, r.FailureCode = true, "refund_failed"
		return r
	}
	r.RefundID = r.Refunds[i].GatewayID
	return r
}
