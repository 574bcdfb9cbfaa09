package checkout

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/payment"
	"doorstep/pricing"
)

// MethodOffer is a way to pay. Total includes Fee.
type MethodOffer struct {
	Method   payment.Method
	Provider string
	Fee      int64
	Total    int64
	Due      int64    // Total without what credits pay
	DueDays  int64    // bank transfer
	Limit    *int64   // the highest total, when the merchant has set one
	Wallets  []string // that the provider shows with it: apple_pay, google_pay
	// PublishableKey is what the storefront's form of the provider needs.
	PublishableKey string
}

// MethodHidden is a way to pay that is not offered, and why.
type MethodHidden struct {
	Method payment.Method
	Reason string
	Limit  *int64 // of total_too_high
}

// Why a way to pay is not offered, besides the reasons of payment.Chooser.
const (
	MethodOff         = "not_enabled"        // the merchant has not switched it on
	MethodNoProvider  = "provider_missing"   // nobody is set up to take it
	MethodElsewhere   = "country_not_served" // it is offered in other countries
	MethodNeedCountry = "country_needed"
	MethodTooHigh     = "total_too_high"
)

// bill is what is to be paid, as far as it is known.
type bill struct {
	currency, country string
	total             int64
	credit            int64 // that pays part of it
	known             bool  // total is
	withFee           func(fee int64) (int64, error)
}

// online are the ways to pay through a provider, in the order in which they are
// offered.
var online = []payment.Method{payment.Card, payment.Wallet, payment.PayPal}

// methods sorts the ways to pay into those that apply, each with its fee and
// total, and those that do not. Checkouts and the list of ways to pay both ask
// here, so that nothing is promised that a checkout then refuses.
func (s *Service) methods(set *customer.Settings, b *bill) (offers []MethodOffer, hidden []MethodHidden, err error) {
	take := func(o MethodOffer, reason string) {
		if reason != "" {
			hidden = append(hidden, MethodHidden{Method: o.Method, Reason: reason, Limit: o.Limit})
			return
		}
		o.Due = o.Total - b.credit
		offers = append(offers, o)
	}
	for _, m := range online {
		take(s.onlineMethod(set, b, m))
	}
	take(transfer(set, b))
	cash, reason, err := cashMethod(set, b)
	take(cash, reason)
	return offers, hidden, err
}

func (s *Service) onlineMethod(set *customer.Settings, b *bill, m payment.Method) (o MethodOffer, reason string) {
	o = MethodOffer{Method: m, Total: b.total}
	if m != payment.PayPal && !set.Card.Enabled { // wallets hold cards
		return o, MethodOff
	}
	p, ok := s.Providers.ProviderFor(m)
	if !ok {
		return o, MethodNoProvider
	}
	o.Provider = p.Name()
	if w, ok := p.(payment.WalletBearer); ok && m == payment.Wallet {
		o.Wallets = w.Wallets()
	}
	if k, ok := p.(payment.Publisher); ok {
		o.PublishableKey = k.Publishable()
	}
	if c, ok := p.(payment.Chooser); ok {
		reason = c.Refuses(b.total-b.credit, b.currency)
	}
	return o, reason
}

func transfer(set *customer.Settings, b *bill) (o MethodOffer, reason string) {
	t := &set.BankTransfer
	o = MethodOffer{Method: payment.BankTransfer, Provider: payment.Offline, Total: b.total, DueDays: max(t.DueDays, 1)}
	switch {
	case !t.Enabled:
		return o, MethodOff
	case !listed(t.Countries, b.country):
		return o, elsewhere(b)
	}
	return o, ""
}

func cashMethod(set *customer.Settings, b *bill) (o MethodOffer, reason string, err error) {
	c := &set.CashOnDelivery
	o = MethodOffer{Method: payment.CashOnDelivery, Provider: payment.Offline, Total: b.total}
	switch {
	case !c.Enabled:
		return o, MethodOff, nil
	case b.country == "" || !listed(c.Countries, b.country):
		return o, elsewhere(b), nil
	}
	if o.Fee, _ = customer.In(b.currency, c.Fees); o.Fee > 0 {
		if o.Total, err = b.withFee(o.Fee); err != nil {
			return o, "", err
		}
	}
	if limit, ok := customer.In(b.currency, c.MaxTotals); ok {
		if o.Limit = &limit; b.known && o.Total-b.credit > limit {
			return o, MethodTooHigh, nil
		}
	}
	return o, "", nil
}

func elsewhere(b *bill) string {
	if b.country == "" {
		return MethodNeedCountry
	}
	return MethodElsewhere
}

func listed(countries []string, country string) bool {
	return len(countries) == 0 || slices.Contains(countries, country)
}

// MethodsRequest asks which ways to pay there are: for a cart, an amount, or in
// general. Empty fields are not known.
type MethodsRequest struct {
	Merchant   uuid.UUID
	Country    string // ISO 3166-1 alpha-2
	Currency   string // empty is the cart's or the shop's first
	Amount     *int64 // minor units; not with a cart
	CartID     *uuid.UUID
	CartSecret string
	Trusted    bool // a secret key: the cart's secret is not needed
}

// Methods are the ways to pay, and what is true of the shop.
type Methods struct {
	Currency, Country string
	Total             int64 // minor units without the fee of a method
	Known             bool  // Total is
	Offers            []MethodOffer
	Hidden            []MethodHidden
	Settings          customer.Settings
}

// Methods lists the ways to pay as a checkout of the same cart, with the same
// country, would. Nothing is written. It fails with ErrCurrency, ErrCountry,
// ErrAmount, or as Start does for a cart.
func (s *Service) Methods(ctx context.Context, q MethodsRequest) (*Methods, error) {
	sit := &situation{isNew: true}
	sit.row.Merchant, sit.row.ID, sit.row.Currency, sit.row.CartID = q.Merchant, id.New(), q.Currency, q.CartID
	sit.row.Codes = []string{}
	sit.contact.Shipping = &customer.Address{Country: q.Country}
	if q.CartID != nil && q.Amount != nil {
		return nil, ErrAmount.Saying("Name either an amount or a cart.")
	}
	if q.Amount != nil && (*q.Amount < 0 || *q.Amount > maxAmount) {
		return nil, ErrAmount
	}
	if err := s.methodRules(ctx, sit, &q); err != nil {
		return nil, err
	}
	set := &sit.rules.Settings
	m := &Methods{Currency: sit.row.Currency, Country: q.Country, Settings: *set}
	if !set.SellsIn(m.Currency) {
		return nil, ErrCurrency.At("query.currency", "the shop sells in other currencies").With("currencies", set.Currencies)
	}
	if q.Country != "" && !set.ShipsTo(q.Country) {
		return nil, ErrCountry.At("query.country", "the shop ships to other countries").With("countries", set.Countries)
	}
	b := &bill{currency: m.Currency, country: q.Country}
	switch {
	case q.CartID != nil:
		a, err := s.assess(ctx, sit)
		if err != nil {
			return nil, err
		}
		*b = a.bill()
	case q.Amount != nil:
		b.total, b.known = *q.Amount, true
		b.withFee = func(fee int64) (int64, error) { return money.Add(b.total, fee) }
	default:
		b.withFee = func(int64) (int64, error) { return 0, nil }
	}
	m.Total, m.Known = b.total, b.known
	var err error
	m.Offers, m.Hidden, err = s.methods(set, b)
	return m, err
}

// maxAmount is the highest amount that is asked about.
const maxAmount = 1_000_000_000_000_000

// methodRules reads the shop's rules, and with a cart all that its price depends on.
func (s *Service) methodRules(ctx context.Context, sit *situation, q *MethodsRequest) error {
	if q.CartID != nil {
		return s.cartLines(ctx, sit, &Request{Merchant: q.Merchant, CartID: q.CartID, CartSecret: q.CartSecret, Trusted: q.Trusted})
	}
	if err := s.DB.Read(ctx, versionQuery(q.Merchant, &sit.version)); err != nil {
		return err
	}
	var err error
	if sit.rules, err = s.rules(ctx, q.Merchant, sit.version); err != nil {
		return err
	}
	if sit.row.Currency == "" {
		sit.row.Currency = sit.rules.Settings.Currencies[0]
	}
	return nil
}

// bill is what the buyer of an assessed checkout has to pay.
func (a *assessment) bill() bill {
	return bill{
		currency: a.input.Currency, country: a.input.Destination.Country, total: a.totals.Total, credit: a.credit, known: true,
		withFee: func(fee int64) (int64, error) {
			totals, err := a.withFee(fee)
			return totals.Total, err
		},
	}
}

// withFee prices the same order with a fee for the way to pay.
func (a *assessment) withFee(fee int64) (pricing.Result, error) {
	in := a.input
	in.PaymentFee = fee
	return pricing.Total(in)
}

// payingBy is the offer by which a checkout is paid: where credits pay all of it
// theirs, whatever was chosen.
func (a *assessment) payingBy(m payment.Method) (MethodOffer, error) {
	if a.covered() {
		return a.byCredit(), nil
	}
	if offer, ok := a.method(m); ok {
		return offer, nil
	}
	if a.credit > 0 && (m == "" || m.Credit()) {
		return MethodOffer{}, ErrMethodNeeded.With("amount_due", money.Of(a.totals.Total-a.credit, a.input.Currency))
	}
	return MethodOffer{}, payment.ErrMethod
}

// method is the offer of one way to pay.
func (a *assessment) method(m payment.Method) (MethodOffer, bool) {
	i := slices.IndexFunc(a.methods, func(o MethodOffer) bool { return o.Method == m })
	if i < 0 {
		return MethodOffer{}, false
	}
	return a.methods[i], true
}
