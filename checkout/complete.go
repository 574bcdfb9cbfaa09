package checkout

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/internal/idem"
	"doorstep/internal/killpoint"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/pricing"
)

// Payment is how the buyer pays. Token stands for a card; it is empty for the
// other methods, and when the buyer comes back from an authentication.
type Payment struct {
	Method payment.Method
	Token  string
}

// Completion asks to pay a checkout.
type Completion struct {
	Who      Access
	Checkout uuid.UUID
	Key      idem.Key
	Payment  Payment
	// Expected is the total the buyer agreed to; nil means the one last shown.
	Expected *money.Amount
	// Due is what of it the buyer agreed to pay besides credits; nil means at most
	// what was last shown.
	Due *money.Amount
}

// Outcome is how a completion ended: Order when it stands, Action when the
// buyer has something to do, Replay when the key was answered before, and none
// of them while the gateway has not answered.
type Outcome struct {
	Order     *order.Order
	PaymentID uuid.UUID
	Action    *payment.Action
	Replay    *idem.State
}

// leaseMargin is what a completion may take besides its call of the gateway.
const leaseMargin = 5 * time.Second

// lease is how long a completion may run before its key can be taken over. The
// gateway is asked within it or not at all: see authorize.
func (s *Service) lease() time.Duration { return s.GatewayTimeout + leaseMargin }

// completeTries bounds how often Complete looks again at a checkout that was
// moved under its hands.
const completeTries = 4

// again says that the situation was another one than had been read, and nothing
// was written: it is worth a second look. The error inside is the answer when
// no look helps.
type again struct {
	error
	changed bool // the checkout itself, so that its buyer has not seen what it is now
}

func (a *again) Unwrap() error { return a.error }

// Complete pays the checkout: one read, then for a card one transaction, the
// gateway's answer and another transaction; without a gateway one transaction.
// Repeating it with the same key never pays twice.
func (s *Service) Complete(ctx context.Context, c Completion) (Outcome, error) {
	changed := false
	for try := 1; ; try++ {
		out, err := s.complete(ctx, &c, changed)
		var a *again
		if !errors.As(err, &a) {
			killpoint.Hit("checkout.answer")
			return out, err
		}
		if try == completeTries || ctx.Err() != nil {
			return Outcome{}, a.error
		}
		changed = changed || a.changed
	}
}

func (s *Service) complete(ctx context.Context, c *Completion, changed bool) (Outcome, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return Outcome{}, err
	}
	sit, err := s.read(ctx, c.Who.Merchant, c.Checkout, &c.Key, public(c.Who.IP))
	leave()
	if err != nil {
		return Outcome{}, err
	}
	if !c.Who.allowed(&sit.row) {
		return Outcome{}, ErrNotFound
	}
	if err := sit.state.Check(c.Key, s.DB.Now()); err != nil {
		return Outcome{}, err
	}
	if sit.state.Done {
		return Outcome{Replay: &sit.state}, nil
	}
	switch sit.row.Status {
	case StatusCompleted:
		return s.placed(ctx, c.Who.Merchant, *sit.row.OrderID, sit.payment.ID)
	case InProgress:
		return s.resume(ctx, sit, c)
	case Authentication:
		return s.comeBack(ctx, sit, c)
	case Incomplete, Ready:
		if changed {
			return Outcome{}, ErrVersion.With("version", sit.row.Version)
		}
		if sit.payment.over() && c.Payment.Method == payment.Card && c.Payment.Token == "" {
			// Back from an authentication whose end somebody else has written down.
			return Outcome{}, sit.payment.ended()
		}
		return s.pay(ctx, sit, c)
	}
	return Outcome{}, ErrClosed.With("status", sit.row.Status)
}

// brings says whether the caller has something to pay with, and does not only
// ask how a payment stands.
func (p Payment) brings() bool { return p.Token != "" || p.Method.Offline() }

// resume answers for a payment that is under way: by somebody else, or by a
// caller with this very key who died or gave up waiting.
func (s *Service) resume(ctx context.Context, sit *situation, c *Completion) (Outcome, error) {
	p := &sit.payment
	if p.Status == payment.Unknown || s.DB.Now().Sub(p.UpdatedAt) >= s.lease() {
		out, err := s.Settle(ctx, p.MerchantID, p.ID)
		if isEnd(err) && p.RequestKey != c.Key.Key && c.Payment.brings() {
			return out, &again{error: err} // that one came to nothing; this caller has not had a try yet
		}
		return out, err
	}
	if p.RequestKey == c.Key.Key {
		return Outcome{PaymentID: p.ID}, nil
	}
	return Outcome{}, ErrInProgress
}

// comeBack answers a buyer who was sent to authenticate: with how that ended, or
// by letting it go for another card or another way to pay.
func (s *Service) comeBack(ctx context.Context, sit *situation, c *Completion) (Outcome, error) {
	p := &sit.payment
	out, err := s.Settle(ctx, p.MerchantID, p.ID)
	switch {
	case isEnd(err) && c.Payment.brings():
		return out, &again{error: err}
	case err != nil || out.Action == nil || !c.Payment.brings():
		return out, err
	}
	if err := s.giveUp(ctx, p.MerchantID, p.ID); err != nil {
		return Outcome{}, err
	}
	return Outcome{}, &again{error: ErrInProgress}
}

// placed answers for a payment that has become an order, as the order is now.
func (s *Service) placed(ctx context.Context, merchant, order, payment uuid.UUID) (Outcome, error) {
	o, err := s.Orders.Order(ctx, merchant, order)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Order: o, PaymentID: payment}, nil
}

// pay prices the checkout once more, compares with what the buyer agreed to,
// and begins the payment.
//
// What is priced is the shop as it was when the checkout was read, a moment
// before the first transaction. Prices, taxes, policies and whether a buyer is
// new are read and not locked: a change that comes in that moment counts as made
// after the order, which is placed at exactly the total that the buyer agreed
// to. What must not be given out twice is guarded in the transaction itself:
// the version of the checkout, the cart, units of stock, uses of promotions.
func (s *Service) pay(ctx context.Context, sit *situation, c *Completion) (Outcome, error) {
	if !s.DB.Now().Before(sit.row.ExpiresAt) {
		return Outcome{}, ErrClosed.With("status", Expired)
	}
	a, err := s.assess(ctx, sit)
	if err != nil {
		return Outcome{}, err
	}
	if len(a.missing) > 0 {
		return Outcome{}, ErrIncomplete.With("missing", a.missing)
	}
	offer, err := a.payingBy(c.Payment.Method)
	if err != nil {
		return Outcome{}, err
	}
	totals := a.totals
	if offer.Fee > 0 {
		if totals, err = a.withFee(offer.Fee); err != nil {
			return Outcome{}, err
		}
	}
	if a.drifted(sit, c, &totals) {
		s.drift(ctx, sit, c, totals.Total)
		return Outcome{}, ErrTotalChanged.With("totals", Totals(&totals))
	}
	if err := a.repriced(sit, c, totals.Total); err != nil {
		return Outcome{}, err
	}
	if len(a.short) > 0 {
		s.later(s.obstacle(ctx, &sit.row, cart.OutOfStockMet, cart.StepPayment))
		return Outcome{}, ErrOutOfStock.With("lines", a.short)
	}
	if offer.Method.NeedsToken() && totals.Total > a.credit && c.Payment.Token == "" {
		return Outcome{}, ErrToken
	}
	killpoint.Hit("checkout.priced")
	p := s.plan(sit, a, c, &totals, offer)
	p.news = p.attempted(ctx, a)
	if p.payment.Provider == payment.Offline {
		return s.placeAtOnce(ctx, p)
	}
	if err := s.suspicious(ctx, sit, c, p.payment.Provider); err != nil {
		return Outcome{}, err
	}
	leave, err := s.gate.enter(p.row.Merchant, p.payment.Provider)
	if err != nil {
		return Outcome{}, err
	}
	if err := s.begin(ctx, p); err != nil {
		leave(nil)
		return Outcome{}, err
	}
	out, err := s.authorize(ctx, p, c.Payment.Token, leave)
	if errors.Is(err, payment.ErrDeclined) {
		s.declined(ctx, p, public(c.Who.IP))
	}
	return out, err
}

// drifted says whether the total is not the one the buyer has seen: the one
// that is named, or else the one last shown, which has no fee of a method yet.
func (a *assessment) drifted(sit *situation, c *Completion, totals *pricing.Result) bool {
	if c.Expected == nil {
		return sit.row.Shown != a.totals.Total
	}
	return c.Expected.Currency != totals.Currency || c.Expected.Minor != totals.Total
}

// Totals is the totals block of a priced checkout or order.
func Totals(t *pricing.Result) map[string]money.Amount {
	of := func(minor int64) money.Amount { return money.Of(minor, t.Currency) }
	all := map[string]money.Amount{
		"subtotal": of(t.Subtotal), "discount": of(t.Discount), "shipping": of(t.Shipping), "tax": of(t.Tax), "total": of(t.Total),
	}
	if t.Duties > 0 {
		all["duties"] = of(t.Duties)
	}
	return all
}
