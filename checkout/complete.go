package checkout

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/idem"
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

// lease is how long a completion may run before its key can be taken over.
const leaseMargin = 5 * time.Second

// Complete pays the checkout: one read, then for a card one transaction, the
// gateway's answer and another transaction; without a gateway one transaction.
// Repeating it with the same key never pays twice.
func (s *Service) Complete(ctx context.Context, c Completion) (Outcome, error) {
	sit, err := s.read(ctx, c.Who.Merchant, c.Checkout, &c.Key)
	if err != nil {
		return Outcome{}, err
	}
	if !c.Who.allowed(&sit.row) {
		return Outcome{}, ErrNotFound
	}
	if sit.state.Done && sit.state.Check(c.Key, s.DB.Now()) == nil {
		return Outcome{Replay: &sit.state}, nil
	}
	if err := sit.state.Check(c.Key, s.DB.Now()); err != nil {
		return Outcome{}, err
	}
	switch sit.row.Status {
	case StatusCompleted:
		return s.completed(ctx, sit)
	case InProgress:
		return s.resume(ctx, sit, &c)
	case Authentication:
		out, err := s.Settle(ctx, sit.row.Merchant, sit.payment.ID)
		if err != nil || out.Action == nil || c.Payment.Token == "" {
			return out, err
		}
		// Another card instead of the authentication: let the old attempt go.
		if err := s.giveUp(ctx, &sit.row, &sit.payment); err != nil {
			return Outcome{}, err
		}
		return s.Complete(ctx, c)
	case Incomplete, Ready:
		return s.pay(ctx, sit, &c)
	}
	return Outcome{}, ErrClosed.With("status", sit.row.Status)
}

// resume answers for a payment that is under way: by somebody else, or by a
// caller with this very key who died or gave up waiting.
func (s *Service) resume(ctx context.Context, sit *situation, c *Completion) (Outcome, error) {
	if s.DB.Now().Sub(sit.payment.UpdatedAt) > s.GatewayTimeout+leaseMargin || sit.payment.Status == payment.Unknown {
		return s.Settle(ctx, sit.row.Merchant, sit.payment.ID)
	}
	if sit.payment.RequestKey == c.Key.Key {
		return Outcome{PaymentID: sit.payment.ID}, nil
	}
	return Outcome{}, ErrInProgress
}

// completed answers for a checkout that is an order already.
func (s *Service) completed(ctx context.Context, sit *situation) (Outcome, error) {
	d, err := decodeDraft(sit.row.Draft)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Order: &d.Order, PaymentID: sit.payment.ID}, nil
}

// pay prices the checkout once more, compares with what the buyer agreed to,
// and begins the payment.
func (s *Service) pay(ctx context.Context, sit *situation, c *Completion) (Outcome, error) {
	if !s.DB.Now().Before(sit.row.ExpiresAt) {
		return Outcome{}, ErrClosed.With("status", Expired)
	}
	a, err := s.assess(sit)
	if err != nil {
		return Outcome{}, err
	}
	if len(a.missing) > 0 {
		return Outcome{}, ErrIncomplete.With("missing", a.missing)
	}
	offer, ok := a.method(c.Payment.Method)
	if !ok {
		return Outcome{}, payment.ErrMethod
	}
	totals := a.totals
	if offer.Fee > 0 {
		if totals, err = a.withFee(offer.Fee); err != nil {
			return Outcome{}, err
		}
	}
	if err := a.drift(sit, c, &totals, offer.Fee); err != nil {
		return Outcome{}, err
	}
	if len(a.short) > 0 {
		return Outcome{}, ErrOutOfStock.With("lines", a.short)
	}
	if !c.Payment.Method.Offline() && totals.Total > 0 && c.Payment.Token == "" {
		return Outcome{}, ErrToken
	}
	p := s.plan(sit, a, c, &totals, offer)
	if p.payment.Provider == payment.Offline {
		return s.placeAtOnce(ctx, p)
	}
	if err := s.begin(ctx, p); err != nil {
		if !errors.Is(err, db.ErrUnknown) || !s.began(ctx, p) {
			return s.explain(ctx, p, err)
		}
	}
	return s.authorize(ctx, p, c.Payment.Token)
}

// drift refuses a total that is not the one the buyer has seen.
func (a *assessment) drift(sit *situation, c *Completion, totals *pricing.Result, fee int64) error {
	expected := money.Of(sit.row.Shown+fee, sit.row.Currency)
	if c.Expected != nil {
		expected = *c.Expected
	}
	if expected.Currency == totals.Currency && expected.Minor == totals.Total {
		return nil
	}
	return ErrTotalChanged.With("totals", Totals(totals))
}

// Totals is the totals block of a priced checkout or order.
func Totals(t *pricing.Result) map[string]money.Amount {
	of := func(minor int64) money.Amount { return money.Of(minor, t.Currency) }
	return map[string]money.Amount{
		"subtotal": of(t.Subtotal), "discount": of(t.Discount), "shipping": of(t.Shipping), "tax": of(t.Tax), "total": of(t.Total),
	}
}

// plan is one payment attempt, all worked out before anything is written.
type plan struct {
	sit     *situation
	row     *row
	draft   draft
	encoded []byte
	uses    []pricing.Use
	payment payment.Payment
	key     idem.Key
	now     time.Time
}

// plan freezes the order as it will stand.
func (s *Service) plan(sit *situation, a *assessment, c *Completion, totals *pricing.Result, offer MethodOffer) *plan {
	now := s.DB.Now()
	r := &sit.row
	takes, _ := sit.offers.Allocate(sit.wanted())
	p := &plan{sit: sit, row: r, uses: pricing.Uses(a.input, *totals), key: c.Key, now: now}
	paymentID := id.New()
	p.draft = draft{Takes: takes, Order: order.Order{
		MerchantID: r.Merchant, ID: id.New(), Number: order.NewNumber(), CheckoutID: r.ID, ContactID: r.ContactID, CustomerID: r.CustomerID,
		EmailHMAC: sit.sealed.EmailHMAC, Status: order.StatusConfirmed, PaymentStatus: "unpaid", FulfillmentStatus: "unfulfilled",
		Source: "checkout", PaymentMethod: string(offer.Method), Currency: r.Currency, Locale: r.Locale, Country: r.Country,
		PricesIncludeTax: totals.PricesIncludeTax, Subtotal: totals.Subtotal, Discount: totals.Discount, Shipping: totals.Shipping,
		Tax: totals.Tax, Total: totals.Total, ShippingOption: shippingOption(a), Discounts: discounts(totals, r.Locale),
		Version: 1, PlacedAt: now, UpdatedAt: now, Lines: orderLines(sit, totals),
	}}
	p.payment = payment.Payment{
		MerchantID: r.Merchant, ID: paymentID, CheckoutID: r.ID, Attempt: r.Attempt + 1, Method: offer.Method, Provider: offer.Provider,
		GatewayKey: "pay:" + paymentID.String(), RequestKey: c.Key.Key, Status: payment.Pending, AmountMinor: totals.Total,
		Currency: r.Currency, CreatedAt: now, UpdatedAt: now,
	}
	o := &p.draft.Order
	switch {
	case totals.Total == 0: // nothing to pay: a gift, a full discount
		p.payment.Provider, p.payment.Status, o.PaymentStatus = payment.Offline, payment.Captured, "paid"
	case offer.Method == payment.BankTransfer:
		due := now.AddDate(0, 0, int(offer.DueDays))
		p.payment.DueAt, p.payment.Reference, o.Status = &due, o.Number, order.StatusPending
	case offer.Method != payment.CashOnDelivery:
		o.PaymentStatus = "authorized"
	}
	return p
}

func shippingOption(a *assessment) json.RawMessage {
	o := order.ShippingOption{
		ID: a.option.Method, Name: a.option.Name, Carrier: a.option.Carrier, Service: a.option.Service,
		Price: a.option.Total.Minor, Estimated: a.option.Estimated, PolicyHash: a.answer.PolicyHash,
	}
	if p := a.option.Promise; p != nil {
		o.From, o.To = day(p.DeliverMin), day(p.DeliverMax)
	}
	return encode(o)
}

func day(text string) *time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return nil
	}
	return &t
}

func discounts(t *pricing.Result, locale string) json.RawMessage {
	all := []order.Discount{}
	for _, d := range t.Discounts {
		if d.Applied {
			name := d.Name[locale]
			if name == "" {
				name = d.Name["en"]
			}
			all = append(all, order.Discount{Code: d.Code, PromotionID: d.PromotionID, Name: name, Amount: d.Amount})
		}
	}
	return encode(all)
}

func orderLines(sit *situation, t *pricing.Result) []order.Line {
	lines := make([]order.Line, len(t.Lines))
	for i := range t.Lines {
		l := &t.Lines[i]
		o, _ := sit.offers.Of(sit.row.Variants[i])
		lines[i] = order.Line{
			ID: id.New(), Position: i, ProductID: o.ProductID, VariantID: o.VariantID, SKU: o.SKU, Title: o.Title, Image: o.Image,
			OptionValues: encode(o.OptionValues), Quantity: l.Quantity, Unit: l.Unit, Subtotal: l.Subtotal, Discount: l.Discount,
			Tax: l.Tax, Total: l.Total, TaxRateBps: l.TaxRateBps, Taxes: encode(l.Taxes), WeightG: o.WeightG,
		}
	}
	return lines
}

// encode is for values that always can be: plain structs, strings and numbers.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	if string(b) == "null" {
		return json.RawMessage("[]")
	}
	return b
}

// enter waits for a place among those inside the database.
func (s *Service) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.placing <- struct{}{}:
		return func() { <-s.placing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin writes the attempt before any gateway is called: the key, the frozen
// order, the uses of promotions, the payment, and last the stock.
func (s *Service) begin(ctx context.Context, p *plan) (err error) {
	if p.encoded, err = p.draft.encode(); err != nil {
		return err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		s.queueAttempt(tx, p, InProgress)
		catalog.Hold(tx, p.row.Merchant, p.row.ID, p.payment.Attempt, catalog.Active, p.draft.Takes, p.now.Add(s.HoldTTL), p.now)
		return nil
	})
}

func (s *Service) queueAttempt(tx db.Tx, p *plan, status Status) {
	r := p.row
	if p.key.Key != "" {
		idem.Claim(tx, p.key, p.now, s.GatewayTimeout+leaseMargin)
	}
	var orderID *uuid.UUID
	if status == StatusCompleted {
		orderID = &p.draft.Order.ID
	}
	tx.Guard(1, errChanged, `update checkouts set status = $4, attempt = $5, draft = $6, order_id = $7, completed_at = $8,
			version = version + 1, updated_at = $9
		where merchant_id = $1 and id = $2 and version = $3 and status in ('incomplete', 'ready_for_payment')`,
		r.Merchant, r.ID, r.Version, string(status), p.payment.Attempt, p.encoded, orderID, completedAt(status, p.now), p.now)
	if r.CartID != nil && status == InProgress {
		cart.Claim(tx, r.Merchant, *r.CartID, r.ID, p.now)
	}
	s.Promotions.Redeem(tx, r.Merchant, r.ID, p.payment.Attempt, p.sit.sealed.EmailHMAC, p.uses)
	payment.Insert(tx, &p.payment)
}

func completedAt(status Status, now time.Time) *time.Time {
	if status != StatusCompleted {
		return nil
	}
	return &now
}

// placeAtOnce places an order that no gateway has a say in, in one transaction.
func (s *Service) placeAtOnce(ctx context.Context, p *plan) (Outcome, error) {
	o := &p.draft.Order
	p.payment.OrderID = &o.ID
	var err error
	if p.encoded, err = p.draft.encode(); err != nil {
		return Outcome{}, err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer leave()
	status, body := s.Answers.Completed(o)
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		s.queueAttempt(tx, p, StatusCompleted)
		if p.row.CartID != nil {
			cart.Convert(tx, p.row.Merchant, *p.row.CartID, p.row.ID, p.now)
		}
		if err := order.Place(tx, o, p.payment.ID); err != nil {
			return err
		}
		if p.key.Key != "" {
			idem.Settle(tx, p.key, status, body)
		}
		catalog.Hold(tx, p.row.Merchant, p.row.ID, p.payment.Attempt, catalog.Committed, p.draft.Takes, p.now.Add(s.HoldTTL), p.now)
		return nil
	})
	if err != nil && !(errors.Is(err, db.ErrUnknown) && s.began(ctx, p)) {
		return s.explain(ctx, p, err)
	}
	return Outcome{Order: o, PaymentID: p.payment.ID}, nil
}

// began reads back, after the answer to a commit was lost, whether it happened.
func (s *Service) began(ctx context.Context, p *plan) bool {
	_, _, err := s.attemptByID(ctx, p.row.Merchant, p.payment.ID)
	return err == nil
}

// explain says why an attempt could not begin, in terms the buyer can act on;
// when the same request was answered meanwhile, it gives that answer.
func (s *Service) explain(ctx context.Context, p *plan, err error) (Outcome, error) {
	if errors.Is(err, idem.ErrInFlight) {
		if sit, e := s.read(ctx, p.row.Merchant, p.row.ID, &p.key); e == nil && sit.state.Done {
			return Outcome{Replay: &sit.state}, nil
		}
	}
	return Outcome{}, s.reason(ctx, p, err)
}

func (s *Service) reason(ctx context.Context, p *plan, err error) error {
	err = pricing.RedeemError(err)
	switch {
	case errors.Is(err, catalog.ErrOutOfStock):
		sit, e := s.read(ctx, p.row.Merchant, p.row.ID, nil)
		if e != nil {
			return ErrOutOfStock
		}
		_, short := sit.offers.Allocate(sit.wanted())
		return ErrOutOfStock.With("lines", short)
	case fault.Is(err, pricing.ErrPromotionUsedUp, pricing.ErrCustomerUsedUp, pricing.ErrCodeSpent):
		sit, e := s.read(ctx, p.row.Merchant, p.row.ID, nil)
		if e != nil {
			return err
		}
		a, e := s.assess(sit)
		if e != nil {
			return e
		}
		return ErrTotalChanged.With("totals", Totals(&a.totals)).Because(err)
	case errors.Is(err, errChanged):
		sit, e := s.read(ctx, p.row.Merchant, p.row.ID, nil)
		if e != nil {
			return e
		}
		if e := changeable(sit.row.Status); e != nil {
			return e
		}
		return ErrVersion.With("version", sit.row.Version)
	}
	return err
}
