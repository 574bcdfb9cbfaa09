package checkout

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/pricing"
	"doorstep/shipping/customs"
	"doorstep/shipping/policy"
)

// assessment is a priced situation.
type assessment struct {
	input   pricing.Input
	totals  pricing.Result
	answer  policy.Answer
	option  *policy.Option // the chosen one; nil when none is offered yet
	methods []MethodOffer
	missing []string
	short   []catalog.Shortage
	uses    []payment.CreditUse // what becomes of the credits that the buyer wants to use
	credit  int64               // that they pay in all
}

// assess prices the situation: promotions, shipping, taxes, and each way to
// pay. It is pure but for the clock and for what carriers say.
func (s *Service) assess(ctx context.Context, sit *situation) (*assessment, error) {
	a := &assessment{missing: missing(&sit.contact)}
	in, err := s.input(sit)
	if err != nil {
		return nil, err
	}
	var takes []catalog.Take
	takes, a.short = sit.offers.Allocate(sit.row.wanted())
	if a.totals, err = pricing.Total(in); err != nil {
		return nil, err
	}
	if sit.rules.Policy != nil && in.Destination.Country != "" {
		req := s.quoteRequest(sit, &in, &a.totals, takes)
		a.answer = sit.rules.Policy.QuoteHeard(req, s.heard(ctx, sit, req))
		a.option = choose(a.answer.Options, sit.row.Option)
	}
	if a.option == nil {
		a.missing = append(a.missing, "shipping_option_id")
	} else {
		in.Shipping = a.option.Total.Minor
		if a.totals, err = pricing.Total(in); err != nil {
			return nil, err
		}
		if in.Duties = duties(a.border(a.option)); in.Duties > 0 {
			if a.totals, err = pricing.Total(in); err != nil {
				return nil, err
			}
		}
	}
	a.input = in
	s.spread(sit, a)
	if a.covered() {
		a.methods = []MethodOffer{a.byCredit()}
		return a, nil
	}
	b := a.bill()
	a.methods, _, err = s.methods(&sit.rules.Settings, &b)
	return a, err
}

// input is what Total needs, without shipping.
func (s *Service) input(sit *situation) (pricing.Input, error) {
	r := &sit.row
	in := pricing.Input{
		Currency: r.Currency, Lines: make([]pricing.Line, len(r.Variants)), Codes: r.Codes, Now: s.DB.Now(),
		PricesIncludeTax: sit.rules.Settings.PricesIncludeTax,
		Customer:         pricing.Customer{IsNew: sit.isNew},
	}
	if r.CustomerID != nil {
		in.Customer.ID = *r.CustomerID
	}
	if a := sit.contact.Shipping; a != nil {
		in.Destination = pricing.Destination{Country: a.Country, Region: a.Region, Postcode: a.Postcode}
	}
	sit.rules.Pricing.Fill(&in, sit.facts)
	for i, v := range r.Variants {
		o, ok := sit.offers.Of(v)
		if !ok {
			return in, ErrOutOfStock.With("lines", []catalog.Shortage{{VariantID: v, Wanted: r.Quantities[i]}})
		}
		if !o.Priced {
			return in, ErrPrice.At("body.items", o.SKU+" has no price in "+r.Currency)
		}
		in.Lines[i] = pricing.Line{
			ID: v.String(), SKU: o.SKU, ProductID: o.ProductID, VariantID: v, Quantity: r.Quantities[i], Unit: o.Unit,
			TaxClass: o.TaxClass, Categories: o.Category, Tags: o.Tags,
		}
	}
	return in, nil
}

// quoteRequest is the order as the shipping policy sees it, sent from where takes
// come from.
func (s *Service) quoteRequest(sit *situation, in *pricing.Input, totals *pricing.Result, takes []catalog.Take) policy.Request {
	req := policy.Request{
		Now: in.Now, Currency: in.Currency,
		Customer: policy.Customer{Language: sit.row.Locale, IsNew: &sit.isNew},
		Order:    policy.Order{Channel: "web"},
		Items:    make([]policy.Item, len(in.Lines)),
	}
	if a := sit.contact.Shipping; a != nil {
		req.Dest = policy.Dest{Country: a.Country, Region: a.Region, City: a.City, Postcode: a.Postcode, Address1: a.Line1}
	}
	for _, d := range totals.Discounts {
		if d.Applied && d.Code != "" {
			req.PromoCodes = append(req.PromoCodes, d.Code)
		}
	}
	for i := range in.Lines {
		l := &in.Lines[i]
		o, _ := sit.offers.Of(l.VariantID)
		item := policy.Item{
			SKU: l.SKU, Quantity: l.Quantity, UnitPrice: l.Unit, Discount: -totals.Lines[i].Discount,
			Tags: l.Tags, Categories: l.Categories, OriginCountry: o.OriginCountry, HS: o.HSCode,
			HazmatClass: o.HazmatClass, Fragile: o.Fragile, ThisWayUp: o.ThisWayUp, NestMM: o.NestMM, Description: cmp.Or(o.CustomsDescription, o.Title),
		}
		if o.WeightG > 0 {
			item.WeightG = &o.WeightG
		}
		if o.LengthMM > 0 && o.WidthMM > 0 && o.HeightMM > 0 {
			item.LengthMM, item.WidthMM, item.HeightMM = &o.LengthMM, &o.WidthMM, &o.HeightMM
		}
		req.Items[i] = item
	}
	bySupplier(&req, in.Lines, sit.rules.Suppliers, takes)
	return req
}

// choose is the option the buyer chose, else the policy's default, else the
// cheapest; nil when the chosen one is gone or nothing is offered.
func choose(options []policy.Option, chosen string) *policy.Option {
	if chosen != "" {
		if i := slices.IndexFunc(options, func(o policy.Option) bool { return o.Method == chosen }); i >= 0 {
			return &options[i]
		}
	}
	var best *policy.Option
	for i := range options {
		o := &options[i]
		if o.Default {
			return o
		}
		if best == nil || o.Total.Minor < best.Total.Minor {
			best = o
		}
	}
	return best
}

// border is what customs will probably ask for, in the way of an option; nil when
// it crosses no border. A shop that taxes the sale for that country collects the
// import's tax with it, so that only duty is left.
func (a *assessment) border(o *policy.Option) *order.Border {
	e := o.LandedCost
	if e == nil {
		return nil
	}
	b := &order.Border{Incoterm: e.Incoterm, Duty: e.Duty, Tax: e.VAT}
	if a.totals.Tax > 0 {
		b.Tax = 0
	}
	return b
}

// duties is what of it is paid with the order: all of it when the shop delivers
// duty paid, else nothing.
func duties(b *order.Border) int64 {
	if b == nil || b.Incoterm != string(customs.DDP) {
		return 0
	}
	return b.Duty + b.Tax
}

// codeKeys are the codes as the database keeps them.
func codeKeys(codes []string) []string {
	keys := make([]string, 0, len(codes))
	for _, c := range codes {
		keys = append(keys, pricing.CodeKey(c))
	}
	return keys
}

// cleanCodes drops codes that are empty or typed twice.
func cleanCodes(codes []string) ([]string, error) {
	clean := make([]string, 0, len(codes))
	for _, c := range codes {
		c = strings.TrimSpace(c)
		if c == "" || slices.ContainsFunc(clean, func(o string) bool { return pricing.CodeKey(o) == pricing.CodeKey(c) }) {
			continue
		}
		if len(c) > maxCode || !printable(c) {
			return nil, ErrText.At("body.discount_codes", "is too long")
		}
		clean = append(clean, c)
	}
	if len(clean) > pricing.MaxCodes {
		return nil, ErrCodes
	}
	return clean, nil
}

// view shows the priced situation.
func (s *Service) view(sit *situation, a *assessment) *View {
	r := &sit.row
	v := &View{
		ID: r.ID, Status: r.Status, Version: r.Version, Currency: r.Currency, Locale: r.Locale, CartID: r.CartID, Contact: sit.contact,
		Totals: a.totals, Options: a.answer.Options, Hidden: a.answer.Hidden, Methods: a.methods, Missing: a.missing,
		Trust: sit.rules.Settings.Trust, OrderID: r.OrderID, ExpiresAt: r.ExpiresAt, Lines: make([]ViewLine, len(r.Variants)),
	}
	if a.option != nil {
		v.Selected = a.option.Method
	}
	for i := range v.Options {
		v.Borders = append(v.Borders, a.border(&v.Options[i]))
	}
	v.Credits, v.Due = a.credits(sit), a.totals.Total-a.credit
	for i, id := range r.Variants {
		o, _ := sit.offers.Of(id)
		v.Lines[i] = ViewLine{Offer: o, Quantity: r.Quantities[i], Total: a.totals.Lines[i]}
	}
	return v
}

// settleStatus says whether everything that paying needs is there.
func settleStatus(missing []string) Status {
	if len(missing) > 0 {
		return Incomplete
	}
	return Ready
}

// merge adds up lines of the same variant, in order of first mention.
func merge(lines []catalog.Wanted) (variants []uuid.UUID, quantities []int64) {
	at := make(map[uuid.UUID]int, len(lines))
	for _, l := range lines {
		if i, ok := at[l.VariantID]; ok {
			quantities[i] += l.Quantity
			continue
		}
		at[l.VariantID] = len(variants)
		variants, quantities = append(variants, l.VariantID), append(quantities, l.Quantity)
	}
	return variants, quantities
}
