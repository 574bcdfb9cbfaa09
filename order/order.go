// Package order keeps what was bought: its lines and totals as they were
// agreed, its state machine, its timeline, and what is derived from payments
// and parcels.
package order

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"doorstep/payment"
)

// Status is how an order stands.
type Status string

// The statuses of an order.
const (
	StatusPending   Status = "pending" // waiting for an offline payment
	StatusConfirmed Status = "confirmed"
	StatusOnHold    Status = "on_hold"
	StatusCompleted Status = "completed"
	StatusCanceled  Status = "canceled"
)

// Order is one purchase. Amounts are minor units of Currency; Discount is <= 0.
// Total = Subtotal + Discount + Shipping, plus Tax when prices are without tax.
type Order struct {
	MerchantID        uuid.UUID       `gorm:"column:merchant_id" json:"merchant_id"`
	ID                uuid.UUID       `gorm:"column:id" json:"id"`
	Number            string          `gorm:"column:number" json:"number"`
	CheckoutID        uuid.UUID       `gorm:"column:checkout_id" json:"checkout_id"`
	ContactID         uuid.UUID       `gorm:"column:contact_id" json:"contact_id"`
	CustomerID        *uuid.UUID      `gorm:"column:customer_id" json:"customer_id,omitempty"`
	EmailHMAC         []byte          `gorm:"column:email_hmac" json:"email_hmac"`
	Status            Status          `gorm:"column:status" json:"status"`
	PaymentStatus     string          `gorm:"column:payment_status" json:"payment_status"`
	FulfillmentStatus string          `gorm:"column:fulfillment_status" json:"fulfillment_status"`
	Source            string          `gorm:"column:source" json:"source"` // checkout or import
	PaymentMethod     string          `gorm:"column:payment_method" json:"payment_method"`
	Currency          string          `gorm:"column:currency" json:"currency"`
	Locale            string          `gorm:"column:locale" json:"locale"`
	Country           *string         `gorm:"column:country" json:"country,omitempty"`
	PricesIncludeTax  bool            `gorm:"column:prices_include_tax" json:"prices_include_tax"`
	Subtotal          int64           `gorm:"column:subtotal_minor" json:"subtotal"`
	Discount          int64           `gorm:"column:discount_minor" json:"discount"`
	Shipping          int64           `gorm:"column:shipping_minor" json:"shipping"`
	Duties            int64           `gorm:"column:duties_minor" json:"duties,omitempty"` // duty and import tax, paid with the order
	Tax               int64           `gorm:"column:tax_minor" json:"tax"`
	Total             int64           `gorm:"column:total_minor" json:"total"`
	ShippingOption    json.RawMessage `gorm:"column:shipping_option" json:"shipping_option"` // ShippingOption
	Discounts         json.RawMessage `gorm:"column:discounts" json:"discounts"`             // []Discount
	Tenders           json.RawMessage `gorm:"column:tenders" json:"tenders,omitempty"`       // []payment.Tender: what credits paid when it was placed
	CancelReason      string          `gorm:"column:cancel_reason" json:"cancel_reason,omitempty"`
	// Credited is what need no longer be paid for units that were canceled or
	// exchanged, CreditRefunded how much of that has been sent back.
	Credited       int64      `gorm:"column:credited_minor" json:"credited,omitempty"`
	CreditRefunded int64      `gorm:"column:credit_refunded_minor" json:"credit_refunded,omitempty"`
	Version        int64      `gorm:"column:version" json:"version"`
	PlacedAt       time.Time  `gorm:"column:placed_at" json:"placed_at"`
	CanceledAt     *time.Time `gorm:"column:canceled_at" json:"canceled_at,omitempty"`
	UpdatedAt      time.Time  `gorm:"column:updated_at" json:"updated_at"`

	Lines []Line `gorm:"-" json:"lines"`
}

// Credits are the gift cards and the store credit that paid when the order was
// placed.
func (o *Order) Credits() (all []payment.Tender, err error) {
	if len(o.Tenders) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(o.Tenders, &all); err != nil {
		return nil, fmt.Errorf("order: tenders of %s: %w", o.ID, err)
	}
	return all, nil
}

// TableName is where GORM finds it.
func (Order) TableName() string { return "orders" }

// Line is one position of an order, frozen as it was bought. The counts at the
// end say what has become of its units.
type Line struct {
	MerchantID   uuid.UUID       `gorm:"column:merchant_id" json:"-"`
	OrderID      uuid.UUID       `gorm:"column:order_id" json:"-"`
	ID           uuid.UUID       `gorm:"column:id" json:"id"`
	Position     int             `gorm:"column:position" json:"position"`
	ProductID    uuid.UUID       `gorm:"column:product_id" json:"product_id"`
	VariantID    uuid.UUID       `gorm:"column:variant_id" json:"variant_id"`
	SKU          string          `gorm:"column:sku" json:"sku"`
	Title        string          `gorm:"column:title" json:"title"`
	OptionValues json.RawMessage `gorm:"column:option_values" json:"option_values"`
	Image        string          `gorm:"column:image" json:"image,omitempty"`
	Quantity     int64           `gorm:"column:quantity" json:"quantity"`
	Unit         int64           `gorm:"column:unit_minor" json:"unit"`
	Subtotal     int64           `gorm:"column:subtotal_minor" json:"subtotal"`
	Discount     int64           `gorm:"column:discount_minor" json:"discount"`
	Tax          int64           `gorm:"column:tax_minor" json:"tax"`
	Total        int64           `gorm:"column:total_minor" json:"total"`
	TaxRateBps   int64           `gorm:"column:tax_rate_bps" json:"tax_rate_bps"`
	Taxes        json.RawMessage `gorm:"column:taxes" json:"taxes"` // []pricing.Tax
	WeightG      int64           `gorm:"column:weight_g" json:"weight_g"`
	Shipped      int64           `gorm:"column:shipped" json:"-"`
	Canceled     int64           `gorm:"column:canceled" json:"-"`
	Returned     int64           `gorm:"column:returned" json:"-"`
	Refunded     int64           `gorm:"column:refunded" json:"-"`
	// Released units are not to be paid any more, without a refund of their own.
	Released int64 `gorm:"column:released" json:"-"`
	// ComingBack units are in open returns and exchanges and have not arrived.
	ComingBack int64  `gorm:"column:coming_back" json:"-"`
	Origin     string `gorm:"column:origin" json:"-"` // checkout, edit, exchange or replacement
	Held       bool   `gorm:"column:held" json:"-"`   // not to be shipped yet
}

// The origins of lines.
const (
	originEdit        = "edit"
	originExchange    = "exchange"
	originReplacement = "replacement"
)

// settled is how many units of the line have had their money settled.
func (l *Line) settled() int64 { return l.Refunded + l.Released }

// TableName is where GORM finds it.
func (Line) TableName() string { return "order_lines" }

// ShippingOption is what the buyer chose, with its promise.
type ShippingOption struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Carrier   string     `json:"carrier,omitempty"`
	Service   string     `json:"service,omitempty"`
	Price     int64      `json:"price"` // minor units, before promotions and fees
	From      *time.Time `json:"estimated_from,omitempty"`
	To        *time.Time `json:"estimated_to,omitempty"`
	Estimated bool       `json:"estimated"`
	// PolicyHash names the shipping policy that gave the price.
	PolicyHash string `json:"policy_hash"`
	// Border is what customs will probably ask for; nil when no border is crossed.
	Border *Border `json:"border,omitempty"`
}

// Border is an estimate of duty and import tax, in minor units, as the buyer saw
// it. With DDP the order has paid it: its Duties are the sum. With DAP it is due
// on delivery.
type Border struct {
	Incoterm string `json:"incoterm"`
	Duty     int64  `json:"duty"`
	Tax      int64  `json:"tax"`
}

// Delivery is the option that the buyer chose.
func (o *Order) Delivery() (option ShippingOption, err error) {
	if err := json.Unmarshal(o.ShippingOption, &option); err != nil {
		return option, fmt.Errorf("order: %s: shipping option: %w", o.ID, err)
	}
	return option, nil
}

// Discount is a promotion that was applied.
type Discount struct {
	Code        string    `json:"code,omitempty"`
	PromotionID uuid.UUID `json:"promotion_id"`
	Name        string    `json:"name,omitempty"`
	Amount      int64     `json:"amount"` // <= 0
}

// Event is one entry of an order's timeline.
type Event struct {
	MerchantID uuid.UUID       `gorm:"column:merchant_id"`
	OrderID    uuid.UUID       `gorm:"column:order_id"`
	ID         uuid.UUID       `gorm:"column:id"`
	Type       string          `gorm:"column:type"`
	Data       json.RawMessage `gorm:"column:data"`
	Actor      string          `gorm:"column:actor"`
	At         time.Time       `gorm:"column:at"`
}

// TableName is where GORM finds it.
func (Event) TableName() string { return "order_events" }
