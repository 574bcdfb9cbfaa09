package api

import (
	"encoding/json"
	"time"

	"doorstep/customer"
	"doorstep/internal/locale"
	"doorstep/order"

	"github.com/google/uuid"
)

// Totals is the block that ends every bill. Discount is zero or less; subtotal,
// discount, shipping and duties, if there are any, add up to total, with tax on
// top when prices are without tax.
type Totals struct {
	Subtotal Money `json:"subtotal"`
	Discount Money `json:"discount"`
	Shipping Money `json:"shipping"`
	// Duties is nil where the order pays none.
	Duties *Money `json:"duties,omitempty" doc:"Duty and import tax that are paid with the order (DDP): an estimate"`
	Tax    Money  `json:"tax"`
	Total  Money  `json:"total"`
}

// with adds duty and import tax that are paid with the order.
func (t Totals) with(duties int64) Totals {
	if duties > 0 {
		d := moneyOf(duties, t.Total.Currency)
		t.Duties = &d
	}
	return t
}

func totalsOf(subtotal, discount, shipping, tax, total int64, currency string) Totals {
	return Totals{
		Subtotal: moneyOf(subtotal, currency), Discount: moneyOf(discount, currency), Shipping: moneyOf(shipping, currency),
		Tax: moneyOf(tax, currency), Total: moneyOf(total, currency),
	}
}

// Address is where a parcel or an invoice goes.
type Address struct {
	Name     string `json:"name,omitempty" maxLength:"200" example:"Ani Petrosyan"`
	Line1    string `json:"line1,omitempty" maxLength:"200" example:"Abovyan 12"`
	Line2    string `json:"line2,omitempty" maxLength:"200"`
	City     string `json:"city,omitempty" maxLength:"200" example:"Yerevan"`
	Postcode string `json:"postcode,omitempty" maxLength:"16" example:"0001"`
	Region   string `json:"region,omitempty" maxLength:"200" doc:"State or province, where addresses have one"`
	Country  string `json:"country,omitempty" maxLength:"2" pattern:"^([A-Za-z]{2})?$" example:"AM" doc:"ISO 3166-1 alpha-2"`
	Phone    string `json:"phone,omitempty" maxLength:"200" example:"+374 10 123456"`
}

func (a *Address) value() *customer.Address {
	if a == nil {
		return nil
	}
	return &customer.Address{
		Name: a.Name, Line1: a.Line1, Line2: a.Line2, City: a.City, Postcode: a.Postcode, Region: a.Region, Country: a.Country, Phone: a.Phone,
	}
}

func addressOf(a *customer.Address) *Address {
	if a == nil {
		return nil
	}
	return &Address{
		Name: a.Name, Line1: a.Line1, Line2: a.Line2, City: a.City, Postcode: a.Postcode, Region: a.Region, Country: a.Country, Phone: a.Phone,
	}
}

// OptionValue is one choice that makes a variant, such as Size M.
type OptionValue struct {
	Name  string `json:"name" example:"Size"`
	Value string `json:"value" example:"M"`
}

// Tax is one tax in a line.
type Tax struct {
	Name    string `json:"name" example:"VAT"`
	RateBps int64  `json:"rate_bps" example:"2000" doc:"Basis points: 2000 is 20 %"`
	Amount  Money  `json:"amount"`
}

// OrderLine is one position of an order.
type OrderLine struct {
	ID         uuid.UUID     `json:"id" format:"uuid"`
	ProductID  uuid.UUID     `json:"product_id" format:"uuid"`
	VariantID  uuid.UUID     `json:"variant_id" format:"uuid"`
	SKU        string        `json:"sku"`
	Title      string        `json:"title"`
	Options    []OptionValue `json:"options"`
	Image      string        `json:"image,omitempty"`
	Quantity   int64         `json:"quantity"`
	UnitPrice  Money         `json:"unit_price"`
	Subtotal   Money         `json:"subtotal"`
	Discount   Money         `json:"discount"`
	Tax        Money         `json:"tax"`
	Total      Money         `json:"total"`
	TaxRateBps int64         `json:"tax_rate_bps"`
	Taxes      []Tax         `json:"taxes"`
	Shipped    int64         `json:"shipped"`
	Canceled   int64         `json:"canceled"`
	Returned   int64         `json:"returned"`
	Refunded   int64         `json:"refunded"`
}

// OrderDiscount is a promotion that an order used.
type OrderDiscount struct {
	Code        string    `json:"code,omitempty"`
	PromotionID uuid.UUID `json:"promotion_id" format:"uuid"`
	Name        string    `json:"name,omitempty"`
	Amount      Money     `json:"amount"`
}

// OrderShipping is the way of shipping that was chosen, with its promise.
type OrderShipping struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Carrier   string        `json:"carrier,omitempty"`
	Service   string        `json:"service,omitempty"`
	Price     Money         `json:"price"`
	Delivery  *DeliveryDays `json:"estimated_delivery,omitempty"`
	Estimated bool          `json:"estimated"`
	// Import is as the buyer saw it; nil where no border is crossed.
	Import *ImportCharges `json:"import_charges,omitempty"`
}

// DeliveryDays are the first and the last day on which a parcel should arrive.
type DeliveryDays struct {
	From string `json:"from" format:"date" example:"2026-11-24"`
	To   string `json:"to" format:"date" example:"2026-11-26"`
}

// Order is an order without its buyer's data.
type Order struct {
	ID                uuid.UUID       `json:"id" format:"uuid"`
	Number            string          `json:"number" example:"DS-7K3M-Q2XT-H"`
	Status            string          `json:"status" enum:"pending,confirmed,on_hold,completed,canceled"`
	PaymentStatus     string          `json:"payment_status" enum:"unpaid,authorized,partially_paid,paid,partially_refunded,refunded,voided"`
	FulfillmentStatus string          `json:"fulfillment_status" enum:"unfulfilled,partial,fulfilled,delivered,partially_returned,returned"`
	PaymentMethod     string          `json:"payment_method"`
	Currency          string          `json:"currency"`
	Locale            string          `json:"locale"`
	Country           string          `json:"country,omitempty"`
	PricesIncludeTax  bool            `json:"prices_include_tax"`
	LineItems         []OrderLine     `json:"line_items"`
	Totals            Totals          `json:"totals"`
	Shipping          *OrderShipping  `json:"shipping_option,omitempty"`
	Discounts         []OrderDiscount `json:"discounts"`
	Tenders           []OrderTender   `json:"tenders" doc:"What gift cards and store credit paid when it was placed"`
	Credited          Money           `json:"credited" doc:"What they paid in all"`
	CancelReason      string          `json:"cancel_reason,omitempty"`
	TrackingURL       string          `json:"tracking_url,omitempty" format:"uri" doc:"Opens this one order, for whoever holds the link"`
	Version           int64           `json:"version"`
	PlacedAt          time.Time       `json:"placed_at"`
	CanceledAt        *time.Time      `json:"canceled_at,omitempty"`
	UpdatedAt         time.Time       `json:"updated_at"`
}

// orderOf writes an order; track makes its tracking link.
func orderOf(o *order.Order, track func(*order.Order) string) Order {
	of := func(minor int64) Money { return moneyOf(minor, o.Currency) }
	b := Order{
		ID: o.ID, Number: o.Number, Status: string(o.Status), PaymentStatus: o.PaymentStatus, FulfillmentStatus: o.FulfillmentStatus,
		PaymentMethod: o.PaymentMethod, Currency: o.Currency, Locale: o.Locale, PricesIncludeTax: o.PricesIncludeTax,
		Totals:    totalsOf(o.Subtotal, o.Discount, o.Shipping, o.Tax, o.Total, o.Currency).with(o.Duties),
		LineItems: make([]OrderLine, len(o.Lines)), Discounts: []OrderDiscount{}, CancelReason: o.CancelReason, Version: o.Version,
		PlacedAt: o.PlacedAt, CanceledAt: o.CanceledAt, UpdatedAt: o.UpdatedAt,
	}
	b.Tenders, b.Credited = tendersOf(o)
	if o.Country != nil {
		b.Country = *o.Country
	}
	if track != nil && o.Source == "checkout" {
		b.TrackingURL = track(o)
	}
	var option order.ShippingOption
	if json.Unmarshal(o.ShippingOption, &option) == nil && option.ID != "" {
		b.Shipping = &OrderShipping{
			ID: option.ID, Name: option.Name, Carrier: option.Carrier, Service: option.Service, Price: of(option.Price), Estimated: option.Estimated,
			Import: importOf(option.Border, o.Currency, locale.Lang(o.Locale)),
		}
		if option.From != nil && option.To != nil {
			b.Shipping.Delivery = &DeliveryDays{From: option.From.Format(time.DateOnly), To: option.To.Format(time.DateOnly)}
		}
	}
	var used []order.Discount
	if json.Unmarshal(o.Discounts, &used) == nil {
		for _, d := range used {
			b.Discounts = append(b.Discounts, OrderDiscount{Code: d.Code, PromotionID: d.PromotionID, Name: d.Name, Amount: of(d.Amount)})
		}
	}
	for i := range o.Lines {
		b.LineItems[i] = orderLineOf(&o.Lines[i], o.Currency)
	}
	return b
}

func orderLineOf(l *order.Line, currency string) OrderLine {
	of := func(minor int64) Money { return moneyOf(minor, currency) }
	b := OrderLine{
		ID: l.ID, ProductID: l.ProductID, VariantID: l.VariantID, SKU: l.SKU, Title: l.Title, Options: []OptionValue{}, Image: l.Image,
		Quantity: l.Quantity, UnitPrice: of(l.Unit), Subtotal: of(l.Subtotal), Discount: of(l.Discount), Tax: of(l.Tax), Total: of(l.Total),
		TaxRateBps: l.TaxRateBps, Taxes: []Tax{}, Shipped: l.Shipped, Canceled: l.Canceled, Returned: l.Returned, Refunded: l.Refunded,
	}
	var values []OptionValue
	if json.Unmarshal(l.OptionValues, &values) == nil && values != nil {
		b.Options = values
	}
	var taxes []struct {
		Name    string `json:"name"`
		RateBps int64  `json:"rate_bps"`
		Amount  int64  `json:"amount"`
	}
	if json.Unmarshal(l.Taxes, &taxes) == nil {
		for _, t := range taxes {
			b.Taxes = append(b.Taxes, Tax{Name: t.Name, RateBps: t.RateBps, Amount: of(t.Amount)})
		}
	}
	return b
}
