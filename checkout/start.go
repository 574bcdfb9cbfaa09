package checkout

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/pricing"
)

// Limits of one checkout.
const (
	maxLines    = 100
	maxQuantity = 9999
)

// Item asks for a quantity of a SKU.
type Item struct {
	SKU      string
	Quantity int64
}

// Form is what a buyer types, at Start or later. A nil field is not given.
type Form struct {
	Email           *string
	Shipping        *customer.Address
	Billing         *customer.Address
	Company         *string
	VATID           *string
	Note            *string
	Locale          *string
	Codes           *[]string
	Option          *string
	GiftCards       *[]string  // codes; they replace those before
	StoreCredit     *bool      // use it, or do not
	SignedIn        *uuid.UUID // the customer who has signed in and sends this
	ExpectedVersion *int64     // of a PATCH; nil does not care
}

// Request begins a checkout, from a cart or from items.
type Request struct {
	Merchant   uuid.UUID
	CartID     *uuid.UUID
	CartSecret string
	Trusted    bool   // a secret key: the cart's secret is not needed
	IP         string // of the shopper, whose wrong discount codes are counted; empty is not counted
	Items      []Item
	Currency   string // empty is the cart's or the shop's first
	Locale     string // of the request, unless the form names one
	Form       Form
}

// Start begins a checkout and shows everything that will be paid. It takes two
// round trips to the database for items and one more for a cart.
func (s *Service) Start(ctx context.Context, q Request) (*View, error) {
	sit := &situation{isNew: true}
	r := &sit.row
	r.Merchant, r.ID, r.Currency, r.Locale, r.CartID, r.Version = q.Merchant, id.New(), q.Currency, q.Locale, q.CartID, 1
	if err := sit.fill(&q.Form); err != nil {
		return nil, err
	}
	session := uuid.Nil
	if q.CartID != nil {
		session = *q.CartID
	}
	if q.Form.Codes != nil {
		sit.guess(r.Codes, pricing.GuessesOf(q.Merchant, session, q.IP))
	}
	if err := s.lines(ctx, sit, &q); err != nil {
		return nil, err
	}
	set := &sit.rules.Settings
	if !set.SellsIn(r.Currency) {
		return nil, ErrCurrency.At("body.currency", "the shop sells in other currencies").With("currencies", set.Currencies)
	}
	if a := sit.contact.Shipping; a != nil && a.Country != "" && !set.ShipsTo(a.Country) {
		s.refusedForm(ctx, r, false, ErrCountry)
		return nil, ErrCountry.At("body.shipping_address.country", "the shop ships to other countries").With("countries", set.Countries)
	}
	if err := s.takeCredits(ctx, sit, &q.Form, session, q.IP); err != nil {
		s.refusedForm(ctx, r, false, err)
		return nil, err
	}
	a, err := s.assessTyped(ctx, sit)
	if err != nil {
		return nil, err
	}
	if len(a.short) > 0 {
		s.refusedForm(ctx, r, false, ErrOutOfStock)
		return nil, ErrOutOfStock.With("lines", a.short)
	}
	if err := a.takeOption(r, q.Form.Option); err != nil {
		return nil, err
	}
	secret := id.Secret(20)
	now := s.DB.Now()
	r.SecretHash, r.ExpiresAt, r.Status, r.Shown = hash(secret), now.Add(s.TTL), settleStatus(a.missing), a.totals.Total
	r.ShownCredit = a.credit
	if sit.sealed, err = s.Vault.Seal(q.Merchant, sit.contact); err != nil {
		return nil, err
	}
	r.ContactID = sit.sealed.ID
	news := s.began(ctx, sit, a, &q.Form, now)
	if err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		customer.QueueContact(tx, q.Merchant, sit.sealed, now)
		r.insert(tx, codeKeys(r.Codes), now)
		cart.Note(tx, news...)
		return nil
	}); err != nil {
		return nil, err
	}
	v := s.view(sit, a)
	v.Secret = secret
	return v, nil
}

// takeOption refuses a shipping option that was chosen just now and is not
// offered; one that was chosen before and has gone makes room for the default.
func (a *assessment) takeOption(r *row, chosen *string) error {
	if r.Option == "" || (a.option != nil && a.option.Method == r.Option) {
		return nil
	}
	if chosen != nil && *chosen == r.Option {
		return ErrOption.At("body.shipping_option_id", "is not offered for this order")
	}
	r.Option = ""
	return nil
}

// isNewQuery asks whether no order stands under the e-mail yet.
func isNewQuery(merchant uuid.UUID, emailHMAC []byte, isNew *bool) *db.Query {
	return &db.Query{
		SQL:  `select not exists (select 1 from orders where merchant_id = $1 and email_hmac = $2 and status <> 'canceled')`,
		Args: []any{merchant, emailHMAC},
		Each: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(isNew); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// lines finds out what is bought and what it costs now.
func (s *Service) lines(ctx context.Context, sit *situation, q *Request) error {
	if q.CartID != nil {
		return s.cartLines(ctx, sit, q)
	}
	skus := make([]string, 0, len(q.Items))
	for _, it := range q.Items {
		if it.Quantity < 1 || it.Quantity > maxQuantity {
			return ErrQuantity
		}
		if len(it.SKU) > maxText || !printable(it.SKU) { // no SKU is, and the database would refuse to look
			return ErrSKU.At("body.items", "is not sold here")
		}
		if !slices.Contains(skus, it.SKU) {
			skus = append(skus, it.SKU)
		}
	}
	if len(skus) == 0 {
		return ErrEmpty
	}
	if len(skus) > maxLines {
		return ErrTooMany
	}
	if sit.row.Currency == "" {
		rules, err := s.rules(ctx, q.Merchant, 0)
		if err != nil {
			return err
		}
		sit.row.Currency = rules.Settings.Currencies[0]
	}
	if err := s.readOffers(ctx, sit, catalog.OfferQueryBySKU(&sit.offers, q.Merchant, sit.row.Currency, sit.row.Locale, s.DB.Now(), skus)); err != nil {
		return err
	}
	wanted := make([]catalog.Wanted, 0, len(q.Items))
	for _, it := range q.Items {
		o, ok := sit.offers.BySKU(it.SKU)
		if !ok || !o.OnSale {
			return ErrSKU.At("body.items", it.SKU+" is not sold here")
		}
		wanted = append(wanted, catalog.Wanted{VariantID: o.VariantID, Quantity: it.Quantity})
	}
	sit.row.Variants, sit.row.Quantities = merge(wanted)
	return bounded(sit.row.Quantities)
}

func (s *Service) cartLines(ctx context.Context, sit *situation, q *Request) error {
	source, err := s.Carts.ForCheckout(ctx, q.Merchant, *q.CartID, q.CartSecret, q.Trusted)
	if err != nil {
		return err
	}
	r := &sit.row
	if r.Currency != "" && r.Currency != source.Currency {
		return ErrCurrency.At("body.currency", "is not the cart's, which is "+source.Currency)
	}
	r.Currency, r.CustomerID = source.Currency, source.CustomerID
	if q.Form.Locale == nil && r.Locale == "" {
		r.Locale = source.Locale
	}
	if q.Form.Codes == nil && source.Codes != nil {
		r.Codes = source.Codes
	}
	if len(source.Lines) == 0 {
		return ErrEmpty
	}
	r.Variants, r.Quantities = merge(source.Lines)
	if len(r.Variants) > maxLines {
		return ErrTooMany
	}
	if err := s.readOffers(ctx, sit, catalog.OfferQuery(&sit.offers, q.Merchant, r.Currency, r.Locale, s.DB.Now(), r.Variants)); err != nil {
		return err
	}
	return bounded(r.Quantities)
}

func bounded(quantities []int64) error {
	for _, n := range quantities {
		if n < 1 || n > maxQuantity {
			return ErrQuantity
		}
	}
	return nil
}

// readOffers reads offers together with the version of the rules, and what
// promotions need to know of the buyer.
func (s *Service) readOffers(ctx context.Context, sit *situation, offers *db.Query) error {
	r := &sit.row
	queries := []*db.Query{offers, versionQuery(r.Merchant, &sit.version)}
	if sit.guesses != nil {
		queries = append(queries, sit.guesses.Query(s.DB.Now()))
	}
	facts := func() []*db.Query {
		hmac := s.Vault.EmailHMAC(r.Merchant, sit.contact.Email)
		return append(s.Promotions.FactsQueries(r.Merchant, r.Codes, hmac, &sit.facts), isNewQuery(r.Merchant, hmac, &sit.isNew))
	}
	withFacts := s.mayPromote(r.Merchant)
	if withFacts {
		queries = append(queries, facts()...)
	}
	if err := s.DB.Read(ctx, queries...); err != nil {
		return err
	}
	var err error
	if sit.rules, err = s.rules(ctx, r.Merchant, sit.version); err != nil {
		return err
	}
	if !withFacts && len(sit.rules.Pricing.Promotions) > 0 {
		return s.DB.Read(ctx, facts()...)
	}
	return nil
}

// fill puts what the buyer typed into the situation.
func (sit *situation) fill(f *Form) (err error) {
	c := &sit.contact
	text := func(into *string, typed *string, at string, limit int) {
		if typed == nil || err != nil {
			return
		}
		*into, err = cleanText(at, *typed, limit)
	}
	text(&c.Company, f.Company, "body.company", maxText)
	text(&c.VATID, f.VATID, "body.vat_id", 32)
	text(&c.Note, f.Note, "body.note", maxNote)
	if err != nil {
		return err
	}
	if f.Email != nil {
		if c.Email, err = cleanEmail(*f.Email); err != nil {
			return err
		}
	}
	if f.Shipping != nil {
		if c.Shipping, err = cleanAddress("body.shipping_address", f.Shipping); err != nil {
			return err
		}
		c.Name, c.Phone = c.Shipping.Name, c.Shipping.Phone
		sit.row.Country = nil
		if c.Shipping.Country != "" {
			sit.row.Country = &c.Shipping.Country
		}
	}
	if f.Billing != nil {
		if c.Billing, err = cleanAddress("body.billing_address", f.Billing); err != nil {
			return err
		}
	}
	if f.Locale != nil {
		sit.row.Locale = *f.Locale
	}
	if f.Codes != nil {
		if sit.row.Codes, err = cleanCodes(*f.Codes); err != nil {
			return err
		}
	}
	if f.Option != nil {
		sit.row.Option = *f.Option
	}
	if sit.row.Codes == nil {
		sit.row.Codes = []string{}
	}
	return nil
}
