package pricing

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/money"
)

// Kind is what a promotion gives.
type Kind string

// The kinds of promotions.
const (
	KindPercent      Kind = "percent"       // BPS off the lines it applies to
	KindFixed        Kind = "fixed"         // an amount off the lines it applies to, at most what they cost
	KindFreeShipping Kind = "free_shipping" // shipping costs nothing; the payment fee stays
	KindBuyXGetY     Kind = "buy_x_get_y"   // of each BuyQuantity+GetQuantity pieces the cheapest GetQuantity get GetBPS off
)

// Promotion is a rule that makes a cart cheaper. Which lines it looks at is
// said by Target; MinimumSubtotal, MinimumQuantity and the pieces of a
// buy-x-get-y are counted over those lines only.
//
// MinimumSubtotal looks at prices before any discount, so that one code never
// takes another one's ground away; only free shipping looks at what is left
// after discounts. A boundary that is met exactly counts as met.
type Promotion struct {
	ID   uuid.UUID         `json:"id"`
	Name map[string]string `json:"name"` // by language
	Kind Kind              `json:"kind"`

	BPS int64 `json:"bps,omitempty"` // percent: 1,000 is 10 %
	// Amounts is what a fixed promotion takes off, one amount per currency;
	// other currencies are refused, never converted.
	Amounts     []money.Amount `json:"amounts,omitempty"`
	BuyQuantity int64          `json:"buy_quantity,omitempty"`
	GetQuantity int64          `json:"get_quantity,omitempty"`
	GetBPS      int64          `json:"get_bps,omitempty"`

	Target          Target         `json:"target,omitzero"`
	MinimumSubtotal []money.Amount `json:"minimum_subtotal,omitempty"` // one per currency
	MinimumQuantity int64          `json:"minimum_quantity,omitempty"`

	StartsAt *time.Time `json:"starts_at,omitempty"` // valid from this instant
	EndsAt   *time.Time `json:"ends_at,omitempty"`   // no longer valid at this instant
	// TotalLimit and PerCustomerLimit bound the uses; 0 is no limit.
	TotalLimit       int64 `json:"total_limit,omitempty"`
	Uses             int64 `json:"uses"` // so far, counted under a TotalLimit only
	PerCustomerLimit int64 `json:"per_customer_limit,omitempty"`

	// Combinable promotions may apply together; one that is not stands alone.
	Combinable bool `json:"combinable"`
	// Priority orders promotions that apply together: smaller comes first, and
	// the next one sees the prices that are left.
	Priority int `json:"priority"`
	// Automatic ones apply by themselves; the others need one of their codes.
	Automatic bool `json:"automatic"`
	// PublicCode is a code that may be advertised as an offer; empty for none.
	PublicCode     string   `json:"public_code,omitempty"`
	FirstOrderOnly bool     `json:"first_order_only,omitempty"`
	Countries      []string `json:"countries,omitempty"` // empty is everywhere
}

// Target selects lines: those with one of the SKUs, categories or tags. An
// empty target is every line.
type Target struct {
	SKUs       []string `json:"skus,omitempty"`
	Categories []string `json:"categories,omitempty"`
	Tags       []string `json:"tags,omitempty"`
}

// Code is what the shop knows of a typed code.
type Code struct {
	Key         string // CodeKey of the code
	PromotionID uuid.UUID
	// Spent is true for a single-use code that somebody has used.
	Spent bool
}

// maxCodeLength bounds a code, in bytes.
const maxCodeLength = 64

// CodeKey is the form in which codes are compared: capital letters, no spaces.
func CodeKey(typed string) string {
	return strings.ToUpper(strings.Join(strings.Fields(typed), ""))
}

func (t *Target) matches(l *Line) bool {
	if len(t.SKUs) == 0 && len(t.Categories) == 0 && len(t.Tags) == 0 {
		return true
	}
	return slices.Contains(t.SKUs, l.SKU) || shareOne(t.Categories, l.Categories) || shareOne(t.Tags, l.Tags)
}

func shareOne(a, b []string) bool {
	for _, s := range a {
		if slices.Contains(b, s) {
			return true
		}
	}
	return false
}

// amountIn is the amount in a currency, and whether there is one.
func amountIn(currency string, amounts []money.Amount) (int64, bool) {
	for i := range amounts {
		if amounts[i].Currency == currency {
			return amounts[i].Minor, true
		}
	}
	return 0, false
}

// refused says why the promotion cannot apply whatever is in the cart, empty
// when it can.
func (p *Promotion) refused(in *Input) Reason {
	switch {
	case p.EndsAt != nil && !in.Now.Before(*p.EndsAt):
		return ReasonUnknownCode
	case p.StartsAt != nil && in.Now.Before(*p.StartsAt):
		return ReasonNotStarted
	case !p.speaks(in.Currency):
		return ReasonCurrency
	case len(p.Countries) > 0 && !slices.Contains(p.Countries, in.Destination.Country):
		return ReasonCountry
	case p.FirstOrderOnly && !in.Customer.IsNew:
		return ReasonFirstOrder
	case p.TotalLimit > 0 && p.Uses >= p.TotalLimit:
		return ReasonLimit
	case p.perCustomer() > 0 && in.Customer.Uses[p.ID] >= p.perCustomer():
		return ReasonCustomerLimit
	}
	return ""
}

// perCustomer is how often one customer may use the promotion, 0 for any
// number. A first order happens once, even in two tabs at a time.
func (p *Promotion) perCustomer() int64 {
	if p.FirstOrderOnly {
		return 1
	}
	return p.PerCustomerLimit
}

// speaks says whether the promotion's amounts are given in the currency.
func (p *Promotion) speaks(currency string) bool {
	if p.Kind == KindFixed {
		if _, ok := amountIn(currency, p.Amounts); !ok {
			return false
		}
	}
	if len(p.MinimumSubtotal) > 0 {
		if _, ok := amountIn(currency, p.MinimumSubtotal); !ok {
			return false
		}
	}
	return true
}

// Validate says what is wrong with the promotion, naming each field, or nil.
func (p *Promotion) Validate() error {
	e := ErrPromotion
	bad := func(wrong bool, field, message string) {
		if wrong {
			e = e.At(field, message)
		}
	}
	bad(len(p.Name) == 0, "name", "give a name in at least one language")
	for lang, text := range p.Name {
		bad(lang == "" || strings.TrimSpace(text) == "" || len(text) > 200, "name", "a name has 1 to 200 characters")
	}
	switch p.Kind {
	case KindPercent:
		bad(p.BPS < 1 || p.BPS > 10_000, "bps", "a percentage is between 1 and 10,000 basis points")
	case KindFixed:
		bad(len(p.Amounts) == 0, "amounts", "give an amount in at least one currency")
	case KindFreeShipping:
	case KindBuyXGetY:
		bad(p.BuyQuantity < 1 || p.BuyQuantity > 1000, "buy_quantity", "between 1 and 1,000 pieces")
		bad(p.GetQuantity < 1 || p.GetQuantity > 1000, "get_quantity", "between 1 and 1,000 pieces")
		bad(p.GetBPS < 1 || p.GetBPS > 10_000, "get_bps", "a percentage is between 1 and 10,000 basis points")
	default:
		bad(true, "kind", "must be percent, fixed, free_shipping or buy_x_get_y")
	}
	bad(!wellPriced(p.Amounts), "amounts", "each currency once, known, and above zero")
	bad(!wellPriced(p.MinimumSubtotal), "minimum_subtotal", "each currency once, known, and above zero")
	bad(p.MinimumQuantity < 0 || p.MinimumQuantity > MaxQuantity, "minimum_quantity", "between 0 and 1,000,000 pieces")
	bad(p.StartsAt != nil && p.EndsAt != nil && !p.EndsAt.After(*p.StartsAt), "ends_at", "must be after starts_at")
	bad(p.TotalLimit < 0, "total_limit", "must not be negative")
	bad(p.PerCustomerLimit < 0, "per_customer_limit", "must not be negative")
	bad(p.Automatic && p.PublicCode != "", "public_code", "an automatic promotion needs no code")
	bad(len(p.PublicCode) > maxCodeLength, "public_code", "a code has at most 64 characters")
	bad(len(p.Target.SKUs)+len(p.Target.Categories)+len(p.Target.Tags) > 1000, "target", "at most 1,000 entries")
	for _, c := range p.Countries {
		bad(len(c) != 2 || strings.ToUpper(c) != c, "countries", "use ISO 3166-1 alpha-2 codes in capital letters")
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

func wellPriced(amounts []money.Amount) bool {
	for i, a := range amounts {
		_, again := amountIn(a.Currency, amounts[:i])
		if again || a.Minor <= 0 || !money.Known(a.Currency) {
			return false
		}
	}
	return true
}
