package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/cmd/doorstep/cases"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/jobs"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/pricing"
)

// errWorldUnbuilt says at which order the world could not be built.
var errWorldUnbuilt = fault.New(fault.Conflict, "world_unbuilt", "The world cannot be built in this shop.")

// stage is a shop in which a world is built and played, on a turned clock. Nothing
// happens in it by itself: what follows from news is done when the play says so.
type stage struct {
	h        *house
	call     *inProcess
	world    *cases.World
	merchant uuid.UUID
	orders   map[string]uuid.UUID        // by the world's name
	real     map[string]string           // numbers, likewise
	sessions map[string]string           // of customers, by the world's key
	shelf    map[string]*catalog.Product // by title in lower case, each with one variant
	held     map[uuid.UUID]bool          // orders whose money is not taken
	warn     func(format string, args ...any)
	delivers string // how orders of now are delivered, as the last published policy says
}

// deed is something that happens in the world.
type deed struct {
	at   time.Time
	what string
	do   func(ctx context.Context) error
}

// turn moves the clock to an instant.
func (s *stage) turn(to time.Time) { s.h.clock.Shift(to.Sub(s.h.clock.Now())) }

// settle does everything that follows from what has happened.
func (s *stage) settle(ctx context.Context) error {
	s.h.customers.Wait()
	if s.h.talks != nil {
		s.h.talks.Close() // the codes are asked for
	}
	return s.h.jobs.Now(ctx, func(subscriber string, n jobs.News) bool {
		return subscriber == "payment.capture" && s.held[n.Aggregate]
	})
}

// build makes the shop and lets everything happen that the world tells of, in the
// order of the days. It ends at the world's now, with everybody signed in.
func (s *stage) build(ctx context.Context) error {
	s.orders, s.real, s.sessions, s.shelf, s.held = map[string]uuid.UUID{}, map[string]string{}, map[string]string{}, map[string]*catalog.Product{}, map[uuid.UUID]bool{}
	var plans []*cases.Plan
	for i := range s.world.Orders {
		p := s.world.Plan(&s.world.Orders[i])
		if p == nil {
			continue
		}
		for _, w := range p.Warnings {
			s.warn("%s", w)
		}
		plans = append(plans, p)
	}
	slices.SortStableFunc(plans, func(a, b *cases.Plan) int { return a.Placed.Compare(b.Placed) })
	begin := s.world.Now.AddDate(0, 0, -30)
	if len(plans) > 0 && plans[0].Placed.AddDate(0, 0, -1).Before(begin) {
		begin = plans[0].Placed.AddDate(0, 0, -1)
	}
	s.turn(begin)
	if err := s.shop(ctx, plans); err != nil {
		return err
	}
	if err := s.live(ctx, plans); err != nil {
		return err
	}
	s.turn(s.world.Now.Add(-10 * time.Minute))
	if err := s.present(ctx); err != nil {
		return err
	}
	for i := range s.world.Orders {
		if o := &s.world.Orders[i]; s.real[o.Name] == "" {
			s.real[o.Name] = order.NewNumber() // of no order: there are 2^40 numbers and a handful of orders
		}
	}
	for i := range s.world.Customers {
		if err := s.signIn(ctx, &s.world.Customers[i]); err != nil {
			return err
		}
	}
	s.turn(s.world.Now)
	return s.settle(ctx)
}

// live lets what the plans tell happen, the earliest first.
func (s *stage) live(ctx context.Context, plans []*cases.Plan) error {
	var all []deed
	for _, p := range plans {
		all = append(all, s.deeds(p)...)
	}
	slices.SortStableFunc(all, func(a, b deed) int { return a.at.Compare(b.at) })
	for _, d := range all {
		if at := d.at; at.After(s.h.clock.Now()) {
			s.turn(at)
		}
		err := d.do(ctx)
		if err == nil {
			err = s.settle(ctx)
		}
		if err != nil {
			return errWorldUnbuilt.Saying(d.what + " does not work.").Because(err)
		}
	}
	return nil
}

// shop makes the merchant with products and settings of the world.
func (s *stage) shop(ctx context.Context, plans []*cases.Plan) error {
	w := s.world
	set := customer.DefaultSettings("The shop of the world", w.Store.Currency)
	set.Timezone, set.ReturnWindowDays, set.PricesIncludeTax = "UTC", w.Store.ReturnDays, true
	if len(w.Store.Countries) > 0 {
		set.Countries = w.Store.Countries
	}
	if set.Languages = w.Store.Languages; len(set.Languages) == 0 {
		set.Languages = []string{"en", "hy", "km"}
	}
	for _, p := range plans {
		if !set.SellsIn(p.Currency) {
			set.Currencies = append(set.Currencies, p.Currency)
		}
	}
	set.BankTransfer = customer.BankTransfer{Enabled: true, AccountLines: []string{"Account holder: The shop of the world", "Account number: 0000 0000"}, DueDays: 14}
	set.CashOnDelivery = customer.CashOnDelivery{Enabled: len(w.Store.CashCountries) > 0, Countries: w.Store.CashCountries}
	if w.Store.CancelFee > 0 {
		s.warn("store: the shop takes no fee for cancelling, so the world's is left out")
	}
	m, err := s.h.customers.CreateMerchant(ctx, set.Name, set)
	if err != nil {
		return err
	}
	s.merchant = m.ID
	if _, s.call.publishable, err = s.h.customers.CreateKey(ctx, m.ID, customer.NewKey{Kind: customer.Publishable, Name: "cases", Origins: []string{"*"}}); err != nil {
		return err
	}
	for _, p := range plans {
		for _, i := range p.Items {
			if err := s.product(ctx, cases.Product{Title: i.Title}, set.Currencies); err != nil {
				return err
			}
		}
	}
	for _, p := range w.Products {
		if err := s.product(ctx, p, set.Currencies); err != nil {
			return err
		}
	}
	return s.coupons(ctx)
}

// many is how many of each thing there are while the past is played.
const many = 100_000

var notSKU = regexp.MustCompile(`[^A-Z0-9]+`)

// product makes a product, unless it is there.
func (s *stage) product(ctx context.Context, p cases.Product, currencies []string) error {
	key := strings.ToLower(p.Title)
	if s.shelf[key] != nil || p.Title == "" {
		return nil
	}
	sku := strings.Trim(notSKU.ReplaceAllString(strings.ToUpper(p.Title), "-"), "-")
	sku = fmt.Sprintf("W%03d-%.40s", len(s.shelf)+1, cmp.Or(sku, "ITEM"))
	var prices []catalog.Price
	for _, c := range currencies {
		prices = append(prices, catalog.Price{Currency: c, Amount: s.world.Price(p.Title)})
	}
	made, err := s.h.catalog.Create(ctx, s.merchant, catalog.Product{
		Status: catalog.Active, Title: p.Title, Description: p.Description, Attributes: p.Attributes,
		Variants: []catalog.Variant{{SKU: sku, WeightG: 200, TrackStock: true, Status: catalog.Active, Prices: prices}},
	})
	if err != nil {
		return fmt.Errorf("product %s: %w", p.Title, err)
	}
	s.shelf[key] = made
	units := int64(many)
	_, err = s.h.catalog.Adjust(ctx, s.merchant, "merchant", []catalog.Adjustment{{SKU: sku, SetTo: &units, Reason: "received"}})
	return err
}

// present sets prices, stock and delivery as they are on the world's day.
func (s *stage) present(ctx context.Context) error {
	for title, made := range s.shelf {
		units := s.world.Stock(title)
		if _, err := s.h.catalog.Adjust(ctx, s.merchant, "merchant", []catalog.Adjustment{{SKU: made.Variants[0].SKU, SetTo: &units, Reason: "counted"}}); err != nil {
			return err
		}
		if err := s.price(ctx, title, s.world.Price(title), s.world.Store.Currency); err != nil {
			return err
		}
	}
	if err := s.policy(ctx, usualPolicy(s.world.Store)); err != nil {
		return err
	}
	if _, err := s.h.shipping.WatchOverdue(ctx); err != nil {
		return err
	}
	return s.settle(ctx)
}

// price says what a thing costs from now on.
func (s *stage) price(ctx context.Context, title string, amount int64, currency string) error {
	key := strings.ToLower(title)
	variant := s.shelf[key].Variants[0]
	prices := slices.Clone(variant.Prices)
	for i := range prices {
		if prices[i].Currency == currency {
			if prices[i].Amount == amount {
				return nil
			}
			prices[i].Amount = amount
		}
	}
	changed, err := s.h.catalog.SetPrices(ctx, s.merchant, variant.ID, 0, prices)
	if err == nil {
		s.shelf[key] = changed
	}
	return err
}

// coupons makes the codes of the world.
func (s *stage) coupons(ctx context.Context) error {
	for _, c := range s.world.Coupons {
		p := pricing.Promotion{Name: map[string]string{"en": cmp.Or(c.Title, c.Code)}, Kind: pricing.KindPercent, BPS: c.Bps, Combinable: true, FirstOrderOnly: c.FirstOrderOnly}
		if c.Bps == 0 {
			p.Kind, p.Amounts = pricing.KindFixed, []money.Amount{{Minor: c.Amount, Currency: s.world.Store.Currency}}
		}
		if c.Minimum > 0 {
			p.MinimumSubtotal = []money.Amount{{Minor: c.Minimum, Currency: s.world.Store.Currency}}
		}
		if !c.Starts.IsZero() {
			p.StartsAt = &c.Starts
		}
		if !c.Ends.IsZero() {
			p.EndsAt = &c.Ends
		}
		made, err := s.h.pricing.CreatePromotion(ctx, s.merchant, p)
		if err == nil {
			err = s.h.pricing.AddCodes(ctx, s.merchant, made.ID, []string{c.Code}, false)
		}
		if err == nil && c.Disabled {
			err = s.h.pricing.ArchivePromotion(ctx, s.merchant, made.ID, 0)
		}
		if err != nil {
			s.warn("coupon %s: %v", c.Code, err)
		}
	}
	return nil
}

type object = map[string]any

// policy publishes a shipping policy.
func (s *stage) policy(ctx context.Context, document object) error {
	text, err := json.Marshal(document)
	if err != nil || string(text) == s.delivers {
		return err
	}
	draft, err := s.h.shipping.NewDraft(ctx, s.merchant, text)
	if err != nil {
		return err
	}
	if _, err := s.h.shipping.Publish(ctx, s.merchant, draft.ID); err != nil {
		return err
	}
	s.delivers = string(text)
	return nil
}

// signIn lets a customer in by the code that is mailed, as everybody comes in.
func (s *stage) signIn(ctx context.Context, c *cases.Customer) error {
	asked, err := s.call.do(ctx, http.MethodPost, "/v1/auth/codes", object{"email": c.Email}, "Accept-Language", "en")
	if err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	mails, err := s.h.mail.CapturedMails(ctx, 20)
	if err != nil {
		return err
	}
	for _, mail := range mails {
		code := regexp.MustCompile(`\b\d{6}\b`).FindString(mail.Subject)
		if mail.To != c.Email || code == "" {
			continue
		}
		in, err := s.call.do(ctx, http.MethodPost, "/v1/auth/sessions", object{"request_id": asked.text("request_id"), "code": code})
		if err != nil {
			return err
		}
		s.sessions[c.Key] = in.text("token")
		return nil
	}
	return fmt.Errorf("no code came to %s", c.Email)
}
