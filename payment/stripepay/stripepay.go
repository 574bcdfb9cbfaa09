// Package stripepay moves money through Stripe, or through any server that
// speaks its API. It holds with PaymentIntents that are captured by hand, and
// nothing else in the house knows Stripe's words.
//
// Every write carries an idempotency key, and a metadata entry with the same
// key, for Stripe forgets keys after a day and metadata never: an authorization
// is never asked for a second time, it is looked up.
package stripepay

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/dispute"
	"github.com/stripe/stripe-go/v76/paymentintent"
	"github.com/stripe/stripe-go/v76/paymentmethod"
	"github.com/stripe/stripe-go/v76/refund"

	"doorstep/internal/clock"
	"doorstep/payment"
)

// holdDays is how long an authorization of a card made online lasts as a rule;
// the charge says it exactly.
const holdDays = 7

// Storefront is the token with which a storefront asks for a client secret: the
// buyer then chooses and confirms a way to pay in Stripe's own form, and the
// storefront completes once more without a token.
const Storefront = "client_secret"

// The entries of the metadata.
const (
	metaKey      = "key" // of the authorization, or of the refund
	metaPayment  = "payment_id"
	metaCheckout = "checkout_id"
	metaMerchant = "merchant_id"
	metaOpen     = "confirmed_by" // storefront, when the buyer may try several cards
)

// Config is one Stripe account.
type Config struct {
	Key         string   // secret or restricted
	Publishable string   // for the storefront; may be empty
	Base        string   // https://api.stripe.com when empty
	Secrets     []string // of webhook endpoints; several while they are rotated
	// ReturnURL is where the buyer's bank sends the buyer back to.
	ReturnURL string
	// Minimal leaves out what servers that only resemble Stripe may not know:
	// payment_method_types instead of automatic_payment_methods, no description,
	// no return_url, no filters on lists.
	Minimal bool
	// AnyVersion reads webhooks of any API version. Nothing but names is taken
	// from them, so that is safe.
	AnyVersion bool
	// Timeout bounds one call; 30 s when zero.
	Timeout time.Duration
	// Rate is the calls a second of the account; 80 when zero. Stripe allows 100.
	Rate  float64
	Clock clock.Clock
}

// Gateway is Stripe.
type Gateway struct {
	config   Config
	intents  paymentintent.Client
	methods  paymentmethod.Client
	refunds  refund.Client
	disputes dispute.Client
	known    *names
	// bare says that the server has no payment methods, and takes tokens as they are.
	bare atomic.Bool
}

// New makes the gateway. Nothing is called yet.
func New(c Config) *Gateway {
	if c.Base == "" {
		c.Base = stripe.APIURL
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Rate == 0 {
		c.Rate = 80
	}
	c.Secrets = slices.DeleteFunc(slices.Clone(c.Secrets), func(s string) bool { return s == "" }) // anybody can sign with nothing
	if c.Clock == nil {
		c.Clock = &clock.System{}
	}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(strings.TrimRight(c.Base, "/")), HTTPClient: newClient(c), MaxNetworkRetries: stripe.Int64(0),
		EnableTelemetry: stripe.Bool(false), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	g := &Gateway{
		config: c, known: newNames(), methods: paymentmethod.Client{B: backend, Key: c.Key},
		intents: paymentintent.Client{B: backend, Key: c.Key}, refunds: refund.Client{B: backend, Key: c.Key}, disputes: dispute.Client{B: backend, Key: c.Key},
	}
	g.bare.Store(c.Minimal)
	return g
}

// Name is "stripe".
func (g *Gateway) Name() string { return "stripe" }

// Capabilities are cards, and the wallets that are cards to Stripe.
func (g *Gateway) Capabilities() payment.Capabilities {
	return payment.Capabilities{Methods: []payment.Method{payment.Card, payment.Wallet}, PartialCapture: true, HoldDays: holdDays, NamesRefunds: true}
}

// Wallets are those that Stripe's form shows; the account decides which of them.
func (g *Gateway) Wallets() []string { return []string{"apple_pay", "google_pay", "link"} }

// Publishable is the key for Stripe's form in the storefront.
func (g *Gateway) Publishable() string { return g.config.Publishable }

// Refuses says what Stripe cannot charge, capture or refund.
func (g *Gateway) Refuses(amount int64, currency string) string {
	if !spoken(currency) {
		return payment.RefusesCurrency
	}
	if amount == 0 {
		return "" // not known yet
	}
	if _, err := toStripe(amount, currency); err != nil {
		return payment.RefusesAmount
	}
	return ""
}

// Authorize creates and confirms a PaymentIntent in one call. What Stripe has
// refused to do is Failed; only what nobody knows is an error.
func (g *Gateway) Authorize(ctx context.Context, a payment.Authorization) (payment.Result, error) {
	if err := ctx.Err(); err != nil {
		return payment.Result{}, err // it would not have been sent
	}
	amount, err := toStripe(a.Amount, a.Currency)
	if err != nil {
		return payment.Result{Status: payment.Failed, FailureCode: payment.ErrAmount.Code}, nil //nolint:nilerr // refused before it was sent
	}
	ctx = forMerchant(ctx, a.Merchant)
	if err := g.exchange(ctx, &a); err != nil {
		e := explain(err)
		if e.refused() {
			return payment.Result{Status: payment.Failed, FailureCode: e.code}, nil
		}
		return payment.Result{}, e
	}
	p := g.wish(a, amount)
	if p == nil {
		return payment.Result{Status: payment.Failed, FailureCode: "token_unknown"}, nil
	}
	p.Context = ctx
	pi, err := g.intents.New(p)
	if err != nil {
		return g.declined(a.Key, explain(err))
	}
	if pi.Metadata[metaKey] != a.Key {
		return payment.Result{}, errAnother
	}
	g.known.put(a.Key, pi.ID)
	return g.result(pi), nil
}

// errAnother is an answer to somebody else's question, such as a cache between
// here and there may give. It says nothing of what was asked.
var errAnother = errors.New("stripe: the answer is about another object")

// declined says what an authorization came to that was answered with an error.
// Only what nobody knows stays one.
func (g *Gateway) declined(key string, e *failure) (payment.Result, error) {
	switch {
	case e.intent != nil && e.intent.Metadata[metaKey] != "" && e.intent.Metadata[metaKey] != key:
		return payment.Result{}, errAnother
	case e.intent != nil && e.intent.ID != "": // declined, and here is what was declined
		g.known.put(key, e.intent.ID)
		r := g.result(e.intent)
		if r.Status == payment.RequiresAction && r.Action.Type == clientSecret {
			r.Status, r.Action = payment.Failed, nil // its snapshot does not say why it failed
		}
		if r.Status == payment.Failed {
			r.FailureCode = e.code
		}
		return r, nil
	case e.refused():
		return payment.Result{Status: payment.Failed, FailureCode: e.code}, nil
	}
	return payment.Result{}, e
}

// exchange makes a payment method of a token of the older kind. Servers that know
// no payment methods get the token itself.
func (g *Gateway) exchange(ctx context.Context, a *payment.Authorization) error {
	if !strings.HasPrefix(a.Token, "tok_") || g.bare.Load() {
		return nil
	}
	p := &stripe.PaymentMethodParams{Type: stripe.String("card"), Card: &stripe.PaymentMethodCardParams{Token: &a.Token}}
	p.Context = ctx
	p.SetIdempotencyKey("pm:" + a.Key)
	m, err := g.methods.New(p)
	if err == nil {
		a.Token = m.ID
		return nil
	}
	if e := explain(err); e.status == http.StatusNotFound && e.code != string(stripe.ErrorCodeResourceMissing) {
		g.bare.Store(true)
		return nil
	}
	return err
}

// wish is the request for an authorization, nil when the token is of no kind
// that Stripe has.
func (g *Gateway) wish(a payment.Authorization, amount int64) *stripe.PaymentIntentParams {
	p := &stripe.PaymentIntentParams{
		Amount: &amount, Currency: stripe.String(strings.ToLower(a.Currency)), CaptureMethod: stripe.String("manual"),
		Metadata: map[string]string{
			metaKey: a.Key, metaPayment: a.PaymentID.String(), metaCheckout: a.Checkout.String(), metaMerchant: a.Merchant.String(),
		},
	}
	p.SetIdempotencyKey(a.Key)
	p.AddExpand("latest_charge")
	kind, _, _ := strings.Cut(a.Token, "_")
	switch {
	case a.Token == "" || a.Token == Storefront:
		p.Metadata[metaOpen] = "storefront"
	case kind == "pm" || kind == "src" || kind == "card" || kind == "tok":
		p.PaymentMethod = &a.Token
	case kind == "ctoken":
		p.ConfirmationToken = &a.Token
	default:
		return nil
	}
	if p.Metadata[metaOpen] == "" {
		p.Confirm = stripe.Bool(true)
	}
	if g.config.Minimal {
		p.PaymentMethodTypes = stripe.StringSlice([]string{"card"})
		return p
	}
	p.Description = stripe.String("Checkout " + a.Checkout.String())
	p.AutomaticPaymentMethods = &stripe.PaymentIntentAutomaticPaymentMethodsParams{Enabled: stripe.Bool(true), AllowRedirects: stripe.String("always")}
	if g.config.ReturnURL == "" {
		p.AutomaticPaymentMethods.AllowRedirects = stripe.String("never")
	} else if p.Confirm != nil {
		p.ReturnURL = &g.config.ReturnURL
	}
	return p
}

// Find looks an authorization up by its key: by its id, when this program has
// seen it, and else in the list of those made since. The key itself is never
// sent again: after a day it would be a new payment.
func (g *Gateway) Find(ctx context.Context, key string) (payment.Result, error) {
	if err := ctx.Err(); err != nil {
		return payment.Result{}, err
	}
	if id, ok := g.known.get(key); ok {
		return g.Fetch(ctx, key, id)
	}
	id, err := g.search(ctx, key)
	if err != nil {
		return payment.Result{}, err
	}
	g.known.put(key, id)
	return g.Fetch(ctx, key, id)
}

// Fetch reads an authorization by Stripe's own id. One that was refused is
// closed on the way, so that nobody who still holds its client secret can pay it
// after the shop has been told that it failed.
func (g *Gateway) Fetch(ctx context.Context, _, gatewayID string) (payment.Result, error) {
	pi, err := g.read(ctx, gatewayID)
	if err != nil {
		return payment.Result{}, err
	}
	return g.look(ctx, pi)
}

// look is how an intent stands that was read just now.
func (g *Gateway) look(ctx context.Context, pi *stripe.PaymentIntent) (payment.Result, error) {
	if !closable(pi) {
		r := g.result(pi)
		return r, g.history(ctx, pi, &r)
	}
	refused, gatewayID := pi, pi.ID
	pi, err := g.cancel(ctx, gatewayID, "drop:"+gatewayID, "abandoned")
	if err != nil {
		var e *failure
		if !errors.As(err, &e) || !e.refused() {
			return payment.Result{}, err
		}
		if pi, err = g.read(ctx, gatewayID); err != nil { // somebody was quicker
			return payment.Result{}, err
		}
	}
	r := g.result(pi)
	if err := g.history(ctx, pi, &r); err != nil {
		return payment.Result{}, err
	}
	if r.Status == payment.Voided { // by what was asked for just now
		r.Status, r.FailureCode = payment.Failed, reason(refused)
	}
	return r, nil
}

// closable says that an intent was refused, and is not in a form of Stripe's in
// which the buyer may take another card.
func closable(pi *stripe.PaymentIntent) bool {
	return pi.Status == stripe.PaymentIntentStatusRequiresPaymentMethod && pi.LastPaymentError != nil && pi.Metadata[metaOpen] == ""
}

// Confirm goes on with an authorization that waits to be confirmed by the
// server, and says how any other stands.
func (g *Gateway) Confirm(ctx context.Context, key, gatewayID string) (payment.Result, error) {
	pi, err := g.read(ctx, gatewayID)
	if err != nil {
		return payment.Result{}, err
	}
	if pi.Status != stripe.PaymentIntentStatusRequiresConfirmation {
		return g.look(ctx, pi)
	}
	p := &stripe.PaymentIntentConfirmParams{}
	p.Context = ctx
	p.SetIdempotencyKey("conf:" + key)
	p.AddExpand("latest_charge")
	if g.config.ReturnURL != "" && !g.config.Minimal {
		p.ReturnURL = &g.config.ReturnURL
	}
	if _, err = g.intents.Confirm(gatewayID, p); err != nil {
		if e := explain(err); !e.refused() {
			return payment.Result{}, e
		}
	}
	return g.Fetch(ctx, key, gatewayID)
}

// read asks for one intent with its charge.
func (g *Gateway) read(ctx context.Context, id string) (*stripe.PaymentIntent, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := &stripe.PaymentIntentParams{}
	p.Context = ctx
	p.AddExpand("latest_charge")
	pi, err := g.intents.Get(id, p)
	if err == nil {
		return about(pi, id)
	}
	e := explain(err)
	if e.missing() {
		return nil, payment.ErrNotAtGateway.Because(e)
	}
	return nil, e
}

// about is an intent, if it is the one that was asked for.
func about(pi *stripe.PaymentIntent, id string) (*stripe.PaymentIntent, error) {
	if pi.ID != id {
		return nil, errAnother
	}
	return pi, nil
}
