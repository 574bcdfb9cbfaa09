package main

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/notify/gate"
	"doorstep/pricing"
	"doorstep/search"
	"doorstep/shipping/policy"
	"doorstep/support/skill"
)

// shopPolicies are the shop's rules as the assistant quotes them, from the records
// that the checkout uses.
type shopPolicies struct{ h *house }

var (
	_ skill.Policies     = shopPolicies{}
	_ skill.CouponGuard  = shopPolicies{}
	_ skill.CouponOffers = shopPolicies{}
)

// PaymentMethods are those of GET /v1/payment-methods; the wallets that a provider
// shows stand behind the method wallet.
func (s shopPolicies) PaymentMethods(ctx context.Context, merchant uuid.UUID, country, currency string) ([]string, error) {
	m, err := s.h.checkouts.Methods(ctx, checkout.MethodsRequest{Merchant: merchant, Country: country, Currency: currency})
	if fault.Is(err, checkout.ErrCurrency) {
		m, err = s.h.checkouts.Methods(ctx, checkout.MethodsRequest{Merchant: merchant, Country: country})
	}
	if fault.Is(err, checkout.ErrCountry) {
		return nil, nil // nothing goes there
	}
	if err != nil {
		return nil, err
	}
	var all []string
	for i := range m.Offers {
		all = append(all, string(m.Offers[i].Method))
		all = append(all, m.Offers[i].Wallets...)
	}
	return all, nil
}

// usualParcelG is what an ordinary small parcel weighs.
const usualParcelG = 500

// Deliveries are a quote of the published policy for an ordinary small parcel.
func (s shopPolicies) Deliveries(ctx context.Context, merchant uuid.UUID, country, currency string, now time.Time) ([]skill.Delivery, error) {
	quote := func(price int64) (policy.Answer, error) {
		weight := int64(usualParcelG)
		return s.h.shipping.Quote(ctx, merchant, policy.Request{
			Now: now, Dest: policy.Dest{Country: country}, Customer: policy.Customer{Language: skill.Language(ctx)}, Currency: currency,
			Items: []policy.Item{{Quantity: 1, UnitPrice: price, WeightG: &weight}},
		})
	}
	a, err := quote(0)
	if err != nil {
		return nil, err
	}
	all := make([]skill.Delivery, len(a.Options))
	free := map[int64]policy.Answer{} // by the subtotal that it was asked for
	for i := range a.Options {
		o := &a.Options[i]
		all[i] = deliveryOf(o)
		if o.Hint == nil || o.Total.Minor == 0 || o.Hint.Missing.Currency != o.Total.Currency {
			continue
		}
		from := o.Hint.Missing.Minor
		if _, asked := free[from]; !asked {
			if free[from], err = quote(from); err != nil {
				return nil, err
			}
		}
		if slices.ContainsFunc(free[from].Options, func(f policy.Option) bool { return f.Method == o.Method && f.Total.Minor == 0 }) {
			all[i].FreeFrom = from // the hint is about a delivery that costs nothing
		}
	}
	return all, nil
}

// faster is how a shop calls its express.
var faster = regexp.MustCompile(`(?i)express|expedited|overnight|next.?day|same.?day|priority|արագ|រហ័ស`)

func deliveryOf(o *policy.Option) skill.Delivery {
	d := skill.Delivery{
		Name: o.Name, Carrier: o.Carrier, Currency: o.Total.Currency, Price: o.Total.Minor, Estimated: o.Estimated,
		Express: faster.MatchString(o.Method) || faster.MatchString(o.Service) || faster.MatchString(o.Name),
	}
	if o.Transit != nil {
		d.DaysMin, d.DaysMax = o.Transit.Min, o.Transit.Max
	}
	if p := o.Promise; p != nil {
		from, err := time.Parse(time.DateOnly, p.DeliverMin)
		to, err2 := time.Parse(time.DateOnly, p.DeliverMax)
		if err == nil && err2 == nil {
			d.From, d.To = &from, &to
		}
	}
	return d
}

// Coupon reads a code as a cart would. One that somebody has used up is like one
// that never was: what was sent to one person is nobody else's business.
func (s shopPolicies) Coupon(ctx context.Context, merchant uuid.UUID, code string, now time.Time) (*skill.Coupon, error) {
	facts, err := s.h.pricing.RuleFacts(ctx, merchant, []string{code}, nil)
	if err != nil || len(facts.Known) == 0 || facts.Known[0].Spent {
		return nil, err
	}
	r, err := s.h.pricing.Promotion(ctx, merchant, facts.Known[0].PromotionID)
	if fault.Is(err, pricing.ErrPromotionUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	settings, _, err := s.h.customers.Settings(ctx, merchant)
	if err != nil {
		return nil, err
	}
	c := couponOf(&r.Promotion, code, settings.Currencies[0])
	switch p := &r.Promotion; {
	case p.EndsAt != nil && !now.Before(*p.EndsAt):
		c.Why = "expired"
	case r.Status != pricing.StatusActive:
		c.Why = "disabled"
	case p.StartsAt != nil && now.Before(*p.StartsAt):
		c.Why = "not_started"
	case p.TotalLimit > 0 && max(facts.Counts[p.ID], p.Uses) >= p.TotalLimit:
		c.Why = "used_up"
	}
	return &c, nil
}

func couponOf(p *pricing.Promotion, code, currency string) skill.Coupon {
	c := skill.Coupon{
		Code: code, Title: p.Name["en"], Titles: p.Name, EndsAt: p.EndsAt, Currency: currency, FirstOrder: p.FirstOrderOnly, Countries: p.Countries,
		PerCustomer: p.PerCustomerLimit,
	}
	c.Minimum, _ = customer.In(currency, p.MinimumSubtotal)
	return c
}

// Offers are the codes that merchants let be advertised.
func (s shopPolicies) Offers(ctx context.Context, merchant uuid.UUID, now time.Time, most int) ([]skill.Coupon, error) {
	rules, err := s.h.pricing.Load(ctx, merchant)
	if err != nil {
		return nil, err
	}
	var all []skill.Coupon
	for i := range rules.Promotions {
		p := &rules.Promotions[i]
		begun, over := p.StartsAt == nil || !now.Before(*p.StartsAt), p.EndsAt != nil && !now.Before(*p.EndsAt)
		if p.PublicCode != "" && begun && !over && (p.TotalLimit == 0 || p.Uses < p.TotalLimit) && len(all) < most {
			all = append(all, couponOf(p, p.PublicCode, ""))
		}
	}
	return all, nil
}

// Guessed counts a code that is not known, as carts and checkouts do.
func (s shopPolicies) Guessed(ctx context.Context, merchant, conversation uuid.UUID) error {
	return pricing.GuessesOf(merchant, conversation, "").Judge(ctx, s.h.db, 1)
}

// shopSearch finds products as the search box does, and shows them as the catalogue
// has them at this moment.
type shopSearch struct {
	h      *house
	engine search.Engine
}

var _ skill.Products = shopSearch{}

// Search leaves out what is only shown because it is popular.
func (s shopSearch) Search(ctx context.Context, merchant uuid.UUID, words, language, currency string, most int) ([]skill.Product, error) {
	page, err := s.engine.Search(ctx, search.Query{Merchant: merchant, Text: words, Language: language, Currency: currency, Limit: most})
	if err != nil {
		return nil, err
	}
	var ids []uuid.UUID
	half := map[uuid.UUID]bool{}
	for i := range page.Hits {
		if hit := &page.Hits[i]; hit.Tier < search.TierFiller {
			ids = append(ids, hit.ProductID)
			half[hit.ProductID] = hit.Tier == search.TierHalf
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	views, err := s.h.catalog.Views(ctx, merchant, currency, language, ids)
	if err != nil {
		return nil, err
	}
	front := s.storefront(ctx, merchant)
	all := make([]skill.Product, len(views))
	for i, v := range views {
		all[i] = foundProduct(v)
		all[i].Half = half[v.ID]
		if front {
			all[i].URL = s.h.config.URL() + "/shop/products/" + v.Slug
		}
	}
	return all, nil
}

// storefront says whether the pages of the program show the merchant's shop.
func (s shopSearch) storefront(ctx context.Context, merchant uuid.UUID) bool {
	if s.h.shopKey == "" {
		return false
	}
	p, err := s.h.customers.Authenticate(ctx, s.h.shopKey)
	return err == nil && p.Merchant == merchant
}

func foundProduct(v *catalog.View) skill.Product {
	p := skill.Product{ID: v.ID, Title: v.Title, Description: v.Description, Attributes: v.Attributes, InStock: v.Availability != catalog.OutOfStock}
	if v.From != nil {
		p.Price, p.Currency = v.From.Minor, v.From.Currency
	}
	few := p.InStock
	for i := range v.Variants {
		variant := &v.Variants[i]
		form := skill.Variant{SKU: variant.SKU, InStock: variant.Availability != catalog.OutOfStock}
		values := make([]string, len(variant.OptionValues))
		for j, o := range variant.OptionValues {
			values[j] = o.Value
		}
		form.Title = strings.Join(values, ", ")
		if c := variant.Price; c != nil && c.Currency == p.Currency {
			form.Price = c.Minor
			if c.Minor > p.Price {
				p.Most = max(p.Most, c.Minor)
			}
		}
		p.Variants = append(p.Variants, form)
		switch {
		case !form.InStock:
		case variant.Left == nil:
			few = false
		default:
			p.Units += *variant.Left
		}
	}
	if !few {
		p.Units = 0
	}
	return p
}

// shopPeople writes down what a writer has agreed to, and forgets them.
type shopPeople struct{ h *house }

var _ skill.People = shopPeople{}

// letters is which text of the assistant's question somebody has said yes to; the
// action that asked it follows.
const letters = "assistant/1 "

// Subscribe records a confirmed yes to news and offers: whoever gets so far has shown
// the address to be theirs.
func (s shopPeople) Subscribe(ctx context.Context, merchant uuid.UUID, who skill.Who, key uuid.UUID) error {
	return s.record(ctx, merchant, who, key, true, []string{"news", "offers"})
}

// Unsubscribe records a no to everything that is not about orders, and sees to it
// that nothing more goes out.
func (s shopPeople) Unsubscribe(ctx context.Context, merchant uuid.UUID, who skill.Who, key uuid.UUID) error {
	return s.record(ctx, merchant, who, key, false, []string{"all"})
}

func (s shopPeople) record(ctx context.Context, merchant uuid.UUID, who skill.Who, key uuid.UUID, granted bool, topics []string) error {
	if len(who.EmailHMAC) == 0 {
		return customer.ErrPersonUnknown
	}
	read := letters + key.String()
	before, err := s.h.customers.ConsentLog(ctx, merchant, who.EmailHMAC)
	if err != nil || slices.ContainsFunc(before, func(c customer.Consent) bool { return c.TextVersion == read }) {
		return err // done by an earlier try
	}
	return db.Run(ctx, s.h.db, func(tx db.Tx) error {
		for _, topic := range topics {
			c := customer.Consent{Topic: topic, Granted: granted, Confirmed: granted, Source: "account", TextVersion: read, Actor: "assistant"}
			if _, err := s.h.customers.RecordConsent(tx, merchant, who.EmailHMAC, c); err != nil {
				return err
			}
			var err error
			if granted {
				_, err = s.h.gate.Lift(ctx, tx, merchant, who.EmailHMAC, topic, gate.ReasonUnsubscribed)
			} else {
				_, err = s.h.gate.Suppress(ctx, tx, merchant, who.EmailHMAC, topic, gate.ReasonUnsubscribed, "assistant")
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Erase forgets the writer as the API's route does.
func (s shopPeople) Erase(ctx context.Context, merchant uuid.UUID, who skill.Who) error {
	if len(who.EmailHMAC) == 0 {
		_, err := s.h.customers.ErasePerson(ctx, merchant, who.Customer)
		return err
	}
	_, err := s.h.customers.Erase(ctx, merchant, who.EmailHMAC)
	return err
}
