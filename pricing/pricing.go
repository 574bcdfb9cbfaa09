// Package pricing turns what stands in a cart into what it costs: promotions,
// taxes, shipping and the total. Total is a pure function without clock, I/O or
// randomness; cart and checkout call the same one, so a price that was shown is
// the price that is charged. Around it the package keeps a merchant's
// promotions, codes, their uses and the tax rates.
//
// The sums, in minor units of one currency:
//
//   - Discounts come before tax. What a promotion takes off is shared over the
//     lines it applies to, so that every line knows its own discount, tax and
//     total, and a refund of one line needs no guessing.
//   - Result.Discount is the sum of the lines' discounts. What a free-shipping
//     promotion saves is not in it: Result.Shipping is what shipping costs after
//     that, with the payment fee, and Result.ShippingDiscount says what was saved.
//   - Total = Subtotal + Discount + Shipping + Duties, plus Tax when prices are
//     without tax. When prices include tax, Tax says how much of the total is tax.
//   - Each line is taxed once, on its amount after discounts; the order's tax is
//     the sum of the lines' taxes and the tax on shipping.
//
// The order in which lines, promotions or rates are given never changes the
// result; where a unit that cannot be split must go to one of several equal
// lines, it goes to the one with the smallest ID. Codes may come in any order
// too; only of two codes for one promotion the first typed is the one used.
package pricing

import (
	"time"

	"github.com/google/uuid"
)

// Limits of one calculation.
const (
	MaxLines    = 500
	MaxQuantity = 1_000_000 // pieces in one line
	MaxCodes    = 20
)

// Input is everything that a total depends on.
type Input struct {
	Currency string // ISO 4217; all amounts are its minor units
	Lines    []Line
	// Shipping is the price of the chosen option before promotions, PaymentFee a
	// fee of the payment method (cash on delivery), taxed like shipping. Both
	// are with or without tax as the prices are.
	Shipping   int64
	PaymentFee int64
	// Duties is duty and import tax that the buyer pays with the order (DDP): an
	// estimate, which nothing discounts or taxes.
	Duties int64
	// Destination decides taxes and promotions by country. The zero value means
	// not known yet: no tax is computed, promotions for named countries wait.
	Destination      Destination
	PricesIncludeTax bool
	TaxRates         []TaxRate
	// Promotions are the candidates: all active ones of the merchant.
	Promotions []Promotion
	// Codes are as typed; Known says what the shop knows of them. A code that is
	// not in Known is unknown.
	Codes    []string
	Known    []Code
	Customer Customer
	Now      time.Time
}

// Line is one position of the cart.
type Line struct {
	ID        string // unique in the cart
	SKU       string
	ProductID uuid.UUID
	VariantID uuid.UUID
	Quantity  int64
	Unit      int64 // price of one piece, the active one: a sale price if there is one
	// TaxClass names the group of rates, "" is TaxStandard.
	TaxClass   string
	Categories []string
	Tags       []string
}

// Destination is where the goods go. Region is the ISO 3166-2 subdivision with
// or without its country ("CA" or "US-CA").
type Destination struct {
	Country  string // ISO 3166-1 alpha-2, capital letters
	Region   string
	Postcode string
}

// Customer is what promotions may ask about the buyer.
type Customer struct {
	ID uuid.UUID
	// Uses counts how often the buyer has used each promotion.
	Uses map[uuid.UUID]int64
	// IsNew is true before the first order.
	IsNew bool
}

// Result is the whole calculation. All amounts are minor units of Currency.
type Result struct {
	Currency         string `json:"currency"`
	PricesIncludeTax bool   `json:"prices_include_tax"`
	// Lines are in the order of the input.
	Lines    []LineTotal `json:"lines"`
	Subtotal int64       `json:"subtotal"`
	Discount int64       `json:"discount"` // <= 0, sum of the lines' discounts
	// DiscountedSubtotal is Subtotal + Discount, the basis of shipping thresholds.
	DiscountedSubtotal int64 `json:"discounted_subtotal"`
	// Shipping is what is charged: the option's price + ShippingDiscount + PaymentFee.
	Shipping         int64 `json:"shipping"`
	ShippingDiscount int64 `json:"shipping_discount"` // <= 0
	PaymentFee       int64 `json:"payment_fee"`
	ShippingTax      int64 `json:"shipping_tax"` // on Shipping; part of Tax
	Duties           int64 `json:"duties"`       // as they came in
	Tax              int64 `json:"tax"`
	Total            int64 `json:"total"`
	// Taxes sums up Tax by rate, for invoices.
	Taxes []Tax `json:"taxes"`
	// Discounts has one entry per typed code and per automatic promotion applied.
	Discounts []Outcome `json:"discounts"`
	// Offers are promotions within reach, the best saving first.
	Offers []Offer `json:"offers"`
}

// LineTotal is one line of a Result. Total is Subtotal + Discount, plus Tax
// when prices are without tax.
type LineTotal struct {
	ID         string  `json:"id"`
	SKU        string  `json:"sku"`
	Quantity   int64   `json:"quantity"`
	Unit       int64   `json:"unit"`
	Subtotal   int64   `json:"subtotal"`
	Discount   int64   `json:"discount"` // <= 0, never more than Subtotal
	Tax        int64   `json:"tax"`
	Total      int64   `json:"total"`
	TaxRateBps int64   `json:"tax_rate_bps"` // all components together
	Taxes      []Tax   `json:"taxes"`        // adds up to Tax
	Discounts  []Share `json:"discounts"`    // adds up to Discount
}

// Tax is one component of a tax, such as a state's or a county's.
type Tax struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	RateBps int64  `json:"rate_bps"`
	Amount  int64  `json:"amount"`
}

// Share is what one promotion takes off a line.
type Share struct {
	PromotionID uuid.UUID `json:"promotion_id"`
	Amount      int64     `json:"amount"` // < 0
}

// Outcome says what became of a typed code or an automatic promotion.
type Outcome struct {
	Code        string            `json:"code,omitempty"` // as typed; empty for automatic ones
	PromotionID uuid.UUID         `json:"promotion_id"`   // zero for unknown codes
	Name        map[string]string `json:"name,omitempty"` // by language
	// Amount is what it takes off the order, shipping included; <= 0.
	Amount  int64  `json:"amount"`
	Applied bool   `json:"applied"`
	Reason  Reason `json:"reason_code,omitempty"` // why it is not applied
}

// Offer is a promotion that would apply if the buyer did a little more.
type Offer struct {
	PromotionID uuid.UUID         `json:"promotion_id"`
	Kind        Kind              `json:"kind"`
	Name        map[string]string `json:"name,omitempty"`
	// Code must be typed; empty when the promotion applies by itself.
	Code string `json:"code,omitempty"`
	// MissingAmount and MissingQuantity are what must still go into the cart.
	MissingAmount   int64 `json:"missing_amount"`
	MissingQuantity int64 `json:"missing_quantity"`
	// Saving is at least what it would take off then; > 0.
	Saving int64 `json:"saving"`
}

// Reason says why a code is not applied. The values are stable.
type Reason string

// The reasons. An expired code is answered like an unknown one, so that nobody
// learns by guessing which codes once existed.
const (
	ReasonUnknownCode   Reason = "unknown_code"
	ReasonNotStarted    Reason = "not_started"
	ReasonMinimum       Reason = "minimum_not_met"
	ReasonNotApplicable Reason = "not_applicable" // nothing in the cart it applies to
	ReasonLimit         Reason = "limit_reached"
	ReasonCustomerLimit Reason = "customer_limit_reached"
	ReasonNotCombinable Reason = "not_combinable" // others save more and exclude it
	ReasonCurrency      Reason = "wrong_currency"
	ReasonCountry       Reason = "wrong_country"
	ReasonFirstOrder    Reason = "first_order_only"
)

// Reasons lists all reasons, for documents and translations.
func Reasons() []Reason {
	return []Reason{ReasonUnknownCode, ReasonNotStarted, ReasonMinimum, ReasonNotApplicable, ReasonLimit,
		ReasonCustomerLimit, ReasonNotCombinable, ReasonCurrency, ReasonCountry, ReasonFirstOrder}
}
