package cart

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/locale"
	"doorstep/internal/money"
	"doorstep/pricing"
)

// situation is all that a view depends on.
type situation struct {
	row     row
	version int64 // of the rules
	rules   *Rules
	offers  catalog.Offers
	facts   pricing.Facts
}

// known is what a caller believes to be in a cart, so that prices can be read
// together with it. The zero value believes nothing.
type known struct {
	currency, locale string
	variants         []uuid.UUID
	codes            []string
	facts            bool // what promotions need to know is read along
}

// covers says whether prices read for k serve the cart as it is.
func (k *known) covers(sit *situation) bool {
	r := &sit.row
	within := func(v uuid.UUID) bool { return slices.Contains(k.variants, v) }
	return k.currency == r.Currency && !slices.ContainsFunc(r.Variants, func(v uuid.UUID) bool { return !within(v) }) &&
		(!sit.rules.promote() || k.facts && !slices.ContainsFunc(r.Codes, func(c string) bool { return !slices.Contains(k.codes, c) }))
}

// known is what the cart is known to hold, and the variants more.
func (sit *situation) known(a *Access, more ...uuid.UUID) known {
	r := &sit.row
	k := known{currency: r.Currency, locale: r.Locale, variants: append(slices.Clone(r.Variants), more...), codes: r.Codes, facts: sit.rules.promote()}
	if locale.Lang(a.Locale).Known() {
		k.locale = a.Locale
	}
	return k
}

// prices are the queries for what k costs.
func (s *Service) prices(sit *situation, merchant uuid.UUID, k *known) []*db.Query {
	var all []*db.Query
	if len(k.variants) > 0 {
		all = append(all, catalog.OfferQuery(&sit.offers, merchant, k.currency, k.locale, s.DB.Now(), k.variants))
	}
	if k.facts {
		sit.facts = pricing.Facts{}
		all = append(all, s.Promotions.FactsQueries(merchant, k.codes, nil, &sit.facts)...)
	}
	return all
}

// read opens a cart for the holder of its secret, in one round trip with
// whatever other queries are to travel along.
func (s *Service) read(ctx context.Context, a *Access, cart uuid.UUID, others ...*db.Query) (*situation, error) {
	sit := &situation{}
	return sit, s.fill(ctx, sit, a, cart, others...)
}

func (s *Service) fill(ctx context.Context, sit *situation, a *Access, cart uuid.UUID, others ...*db.Query) error {
	queries := append([]*db.Query{sit.row.query(a.Merchant, cart), versionQuery(a.Merchant, &sit.version)}, others...)
	if err := s.DB.Read(ctx, queries...); err != nil {
		return err
	}
	if !a.allowed(&sit.row) {
		return ErrNotFound
	}
	sit.row.settle(s.DB.Now())
	var err error
	sit.rules, err = s.rules(ctx, a.Merchant, sit.version)
	return err
}

// show reads a cart and what it costs: in one round trip when it holds what k
// believes, else in two.
func (s *Service) show(ctx context.Context, a *Access, cart uuid.UUID, k known) (*View, error) {
	sit := &situation{}
	if err := s.fill(ctx, sit, a, cart, s.prices(sit, a.Merchant, &k)...); err != nil {
		return nil, err
	}
	if !k.covers(sit) {
		if err := s.price(ctx, sit, sit.known(a)); err != nil {
			return nil, err
		}
	}
	return s.assess(sit)
}

// price reads what the cart costs, in one round trip or, when there is nothing
// to ask, in none.
func (s *Service) price(ctx context.Context, sit *situation, k known) error {
	if queries := s.prices(sit, sit.row.Merchant, &k); len(queries) > 0 {
		return s.DB.Read(ctx, queries...)
	}
	return nil
}

// View shows a cart with what it costs now, open or not. It takes two round
// trips. A line that cannot be bought stays visible with its problem.
func (s *Service) View(ctx context.Context, a Access, cart uuid.UUID) (*View, error) {
	return s.show(ctx, &a, cart, known{})
}

// line judges one line: how much of it can be bought, and why not all.
func (sit *situation) line(i int) ViewLine {
	v := sit.row.Variants[i]
	l := ViewLine{ID: v, Quantity: sit.row.Quantities[i]}
	o, ok := sit.offers.Of(v)
	if !ok {
		l.Problem = NoLongerSold
		return l
	}
	l.Offer, l.Left = o, o.Available()
	switch {
	case !o.OnSale:
		l.Problem = NoLongerSold
	case l.Left == 0:
		l.Problem = OutOfStock
	case !o.Priced:
		l.Problem = NoPrice
	default:
		if l.Counted = min(l.Quantity, l.Left); l.Counted < l.Quantity {
			l.Problem = OnlyLeft
		}
	}
	l.Total = pricing.LineTotal{ID: v.String(), SKU: o.SKU, Unit: o.Unit, Taxes: []pricing.Tax{}, Discounts: []pricing.Share{}}
	return l
}

// assess prices the situation. It is pure but for the clock.
func (s *Service) assess(sit *situation) (*View, error) {
	r := &sit.row
	v := &View{
		ID: r.ID, Status: r.Status, Version: r.Version, Currency: r.Currency, Locale: r.Locale, CustomerID: r.CustomerID,
		Lines: make([]ViewLine, len(r.Variants)), Codes: r.Codes, CanUndo: r.Undo != nil && r.isOpen(), Paying: r.Paying != nil && r.isOpen(),
		MergedInto: r.MergedInto, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, ExpiresAt: r.ExpiresAt,
	}
	in := pricing.Input{
		Currency: r.Currency, Codes: r.Codes, Now: s.DB.Now(), PricesIncludeTax: sit.rules.Settings.PricesIncludeTax,
		Customer: pricing.Customer{IsNew: true},
	}
	if r.CustomerID != nil {
		in.Customer.ID = *r.CustomerID
	}
	counted := make([]int, 0, len(v.Lines)) // of each line of the input
	for i := range v.Lines {
		l := sit.line(i)
		v.Lines[i] = l
		v.Count += l.Quantity
		if l.Counted == 0 {
			continue
		}
		counted = append(counted, i)
		// Lines are named as the checkout names them: a unit of a discount that
		// cannot be split goes to the same line there.
		in.Lines = append(in.Lines, pricing.Line{
			ID: l.ID.String(), SKU: l.Offer.SKU, ProductID: l.Offer.ProductID, VariantID: l.ID, Quantity: l.Counted, Unit: l.Offer.Unit,
			TaxClass: l.Offer.TaxClass, Categories: l.Offer.Category, Tags: l.Offer.Tags,
		})
	}
	sit.rules.Pricing.Fill(&in, sit.facts)
	var err error
	if v.Totals, err = pricing.Total(in); err != nil {
		return nil, err
	}
	for n, i := range counted {
		v.Lines[i].Total = v.Totals.Lines[n]
	}
	return v, nil
}

// Summary sums up a cart, open or not, in two round trips and without
// promotions. It belongs on every page; Tag tells whether the page has it.
func (s *Service) Summary(ctx context.Context, a Access, cart uuid.UUID) (*Summary, error) {
	sit, err := s.read(ctx, &a, cart)
	if err != nil {
		return nil, err
	}
	k := sit.known(&a)
	k.facts = false
	if err := s.price(ctx, sit, k); err != nil {
		return nil, err
	}
	r := &sit.row
	sum := &Summary{ID: r.ID, Status: r.Status, Version: r.Version, Currency: r.Currency, Lines: len(r.Variants)}
	for i := range r.Variants {
		l := sit.line(i)
		sum.Count += l.Quantity
		if l.Problem != "" {
			sum.Problems++
		}
		if l.Counted == 0 {
			continue
		}
		worth, err := money.Mul(l.Offer.Unit, l.Counted)
		if err != nil {
			return nil, err
		}
		if sum.Subtotal, err = money.Add(sum.Subtotal, worth); err != nil {
			return nil, err
		}
	}
	sum.Tag = fmt.Sprintf(`"%d-%s-%d-%d"`, sum.Version, sum.Status, sum.Subtotal, sum.Problems)
	return sum, nil
}

// ForCheckout hands a cart over to the checkout, in one round trip. A cart for
// which another checkout is paying is handed over too: only the one that claims
// it can pay. A cart that is no longer open is ErrClosed.
func (s *Service) ForCheckout(ctx context.Context, merchant, cart uuid.UUID, secret string, trusted bool) (Contents, error) {
	a := Access{Merchant: merchant, Secret: secret, Trusted: trusted}
	var r row
	if err := s.DB.Read(ctx, r.query(merchant, cart)); err != nil {
		return Contents{}, err
	}
	if !a.allowed(&r) {
		return Contents{}, ErrNotFound
	}
	if r.settle(s.DB.Now()); !r.isOpen() {
		return Contents{}, ErrClosed.With("status", r.Status)
	}
	c := Contents{Currency: r.Currency, Locale: r.Locale, Codes: r.Codes, CustomerID: r.CustomerID, Lines: make([]catalog.Wanted, len(r.Variants))}
	for i, v := range r.Variants {
		c.Lines[i] = catalog.Wanted{VariantID: v, Quantity: r.Quantities[i]}
	}
	return c, nil
}
