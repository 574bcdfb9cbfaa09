package skill

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/support/slot"
)

// promoCode says whether a code works and for what, or how codes are used at all.
func promoCode() Skill {
	return Skill{Name: "promo_code", Intents: []string{"promo_code"}, Answer: answerCoupon}
}

// CouponGuard is a shop that keeps codes from being guessed: Policies may be one.
// Guessed is told of each code that is not known, before that is said, and fails with
// a fault of kind TooMany when there were too many in the conversation.
type CouponGuard interface {
	Guessed(ctx context.Context, merchant, conversation uuid.UUID) error
}

// CouponOffers is a shop that has codes for everybody: Policies may be one.
type CouponOffers interface {
	// Offers are the codes that may be advertised and work now, at most most.
	Offers(ctx context.Context, merchant uuid.UUID, now time.Time, most int) ([]Coupon, error)
}

func answerCoupon(ctx context.Context, t *Turn) (Answer, error) {
	typed := couponTyped(t)
	if typed == "" {
		return couponsAtAll(ctx, wordsFor(t))
	}
	w := wordsFor(t)
	code := w.fact("coupon", typed, "")
	c, err := t.Shop.Policies.Coupon(ctx, t.Merchant, code, t.Now)
	if err != nil {
		return Answer{}, err
	}
	if c == nil {
		if guard, ok := t.Shop.Policies.(CouponGuard); ok {
			switch err := guard.Guessed(ctx, t.Merchant, t.Conversation); {
			case fault.KindOf(err) == fault.TooMany:
				return wordsFor(t).say("coupon.many").answer(Refuse), nil
			case err != nil:
				return Answer{}, err
			}
		}
		w.fact("coupon.why", "unknown_code", "")
		return w.say("coupon.unknown", "code", code).answer(Fact), nil
	}
	if c.Why != "" {
		w.fact("coupon.why", c.Why, "")
		return w.useless(c, code).answer(Fact), nil
	}
	w.fact("coupon.works", "true", "")
	if title := couponTitle(c, w.lang); title != "" {
		w.say("coupon.works", "code", code, "title", w.fact("coupon.title", title, ""))
	} else {
		w.say("coupon.works_plain", "code", code)
	}
	return w.conditions(c).say("coupon.use").answer(Fact), nil
}

// codeForm is a word that can hardly be anything else than a code.
var codeForm = regexp.MustCompile(`[A-Za-z]{2,}[0-9]+[A-Za-z0-9]*`)

// couponTyped is the code that the message names, and empty for none. What is
// understood to be about codes need not say so: "does WELCOME10 work".
func couponTyped(t *Turn) string {
	found := t.Ask.Slots.Coupons
	said := orElse(t.Ask.Text, t.Text)
	if len(found) == 0 && said != strings.ToUpper(said) {
		found = slot.Read("code? "+said, nil).Coupons
	}
	if len(found) > 0 {
		return found[0].Text
	}
	orders := slot.Orders(said)
	for _, at := range codeForm.FindAllStringIndex(said, 4) {
		if at[1]-at[0] >= 5 && !slices.ContainsFunc(orders, func(o slot.Order) bool { return at[0] < o.End && o.Start < at[1] }) {
			return strings.ToUpper(said[at[0]:at[1]])
		}
	}
	return ""
}

// useless says why a code of the shop does not work now.
func (w *words) useless(c *Coupon, code string) *words {
	switch {
	case c.Why == "expired" && c.EndsAt != nil:
		return w.say("coupon.expired_on", "code", code, "date", w.day("coupon.ends_at", *c.EndsAt))
	case c.Why == "expired", c.Why == "not_started", c.Why == "used_up":
		return w.say("coupon."+c.Why, "code", code)
	}
	return w.say("coupon.off", "code", code)
}

// conditions are what a working code still wants.
func (w *words) conditions(c *Coupon) *words {
	if c.Minimum > 0 {
		w.say("coupon.minimum", "amount", w.sum("coupon.minimum", c.Minimum, c.Currency))
	}
	if c.FirstOrder {
		w.fact("coupon.first_order", "true", "")
		w.say("coupon.first")
	}
	if n := len(c.Countries); n > 0 && n <= mostCountries {
		w.say("coupon.countries", "countries", w.countries("coupon.countries", c.Countries))
	}
	if c.PerCustomer > 0 {
		w.count("coupon.per_customer", c.PerCustomer, "coupon.once")
	}
	if c.EndsAt != nil {
		w.say("coupon.until", "date", w.day("coupon.ends_at", *c.EndsAt))
	}
	return w
}

func couponTitle(c *Coupon, lang locale.Lang) string {
	return orElse(c.Titles[string(lang)], c.Title)
}

// couponsAtAll says where codes are typed, and names those for everybody.
func couponsAtAll(ctx context.Context, w *words) (Answer, error) {
	w.say("coupon.where").say("coupon.tell")
	shop, ok := w.t.Shop.Policies.(CouponOffers)
	if !ok {
		return w.answer(Policy), nil
	}
	offers, err := shop.Offers(ctx, w.t.Merchant, w.t.Now, 3)
	if err != nil {
		return Answer{}, err
	}
	for i := range offers {
		title := couponTitle(&offers[i], w.lang)
		if title == "" {
			continue
		}
		if len(w.facts) == 0 {
			w.line("coupon.offers")
		}
		w.line("coupon.offer", "code", w.fact("coupon", offers[i].Code, ""), "title", w.fact("coupon.title", title, ""))
	}
	return w.answer(Policy), nil
}
