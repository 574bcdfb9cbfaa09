package pricing

import (
	"slices"

	"github.com/google/uuid"
)

// Rules is what a merchant has set: active promotions and tax rates. It is read
// only once loaded, so one copy may serve many requests at a time; the caller
// keeps it for as long as Version is the merchant's config_version.
type Rules struct {
	Version    int64 // config_version that these rules are at least as new as
	Promotions []Promotion
	rates      map[string][]TaxRate // by country
}

// NewRules makes rules from their parts.
func NewRules(version int64, promotions []Promotion, rates []TaxRate) Rules {
	r := Rules{Version: version, Promotions: promotions, rates: map[string][]TaxRate{}}
	for _, t := range rates {
		r.rates[t.Country] = append(r.rates[t.Country], t)
	}
	return r
}

// TaxRates is the rates of a country.
func (r *Rules) TaxRates(country string) []TaxRate { return r.rates[country] }

// Facts is what changes with every purchase and is therefore read each time.
type Facts struct {
	Known  []Code              // of the codes typed
	Uses   map[uuid.UUID]int64 // by the customer, per promotion
	Counts map[uuid.UUID]int64 // by everybody, per promotion under a total limit
}

// Fill puts the rules and facts into the input of a total: promotions, the
// rates of the destination (which must be set before), known codes and uses.
func (r *Rules) Fill(in *Input, f Facts) {
	in.TaxRates = r.rates[in.Destination.Country]
	in.Known = f.Known
	in.Customer.Uses = f.Uses
	in.Promotions = r.Promotions
	if len(f.Counts) == 0 {
		return
	}
	in.Promotions = slices.Clone(r.Promotions)
	for i := range in.Promotions {
		if n, ok := f.Counts[in.Promotions[i].ID]; ok {
			in.Promotions[i].Uses = n
		}
	}
}

// Use is one promotion used by one order, to be redeemed with its payment.
type Use struct {
	PromotionID uuid.UUID `json:"promotion_id"`
	CodeKey     string    `json:"code_key,omitempty"`
	Limited     bool      `json:"limited,omitempty"`      // under a total limit
	PerCustomer int64     `json:"per_customer,omitempty"` // 0 is no limit
	Amount      int64     `json:"amount"`                 // saved, >= 0, minor units
	Currency    string    `json:"currency"`
}

// Uses lists what the order of this result must redeem: applied promotions
// that were opened by a code or have any limit. The others leave no trace but
// in the order itself. They are sorted by promotion, so that two buyers lock in
// the same order.
func Uses(in Input, r Result) []Use {
	var all []Use
	for _, o := range r.Discounts {
		if !o.Applied {
			continue
		}
		i := slices.IndexFunc(in.Promotions, func(p Promotion) bool { return p.ID == o.PromotionID })
		if i < 0 {
			continue
		}
		p := &in.Promotions[i]
		if o.Code == "" && p.TotalLimit == 0 && p.perCustomer() == 0 {
			continue
		}
		u := Use{PromotionID: p.ID, Limited: p.TotalLimit > 0, PerCustomer: p.perCustomer(), Amount: -o.Amount, Currency: r.Currency}
		if o.Code != "" {
			u.CodeKey = CodeKey(o.Code)
		}
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b Use) int { return compareIDs(a.PromotionID, b.PromotionID) })
	return all
}
