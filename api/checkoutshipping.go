package api

import (
	"strings"

	"doorstep/internal/locale"
	"doorstep/order"
	"doorstep/shipping/policy"
)

// ShippingOption is one way of shipping that is offered.
type ShippingOption struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Carrier     string        `json:"carrier,omitempty"`
	Service     string        `json:"service,omitempty"`
	Price       Money         `json:"price"`
	Delivery    *DeliveryDays `json:"estimated_delivery,omitempty"`
	Estimated   bool          `json:"estimated" doc:"The price stands in for a carrier's own"`
	Hint        *ShippingHint `json:"hint,omitempty"`
	// Import is nil where no border is crossed.
	Import *ImportCharges `json:"import_charges,omitempty"`
}

// ImportCharges is what customs will probably ask for: never more than an
// estimate.
type ImportCharges struct {
	Incoterm  string `json:"incoterm" enum:"DAP,DDP" doc:"DDP: paid with the order, as totals.duties; DAP: due on delivery"`
	Estimated bool   `json:"estimated"`
	Duty      Money  `json:"duty"`
	Tax       Money  `json:"tax" doc:"On imports; none where the shop taxes the sale for that country itself"`
	Total     Money  `json:"total"`
	Label     string `json:"label" example:"Duty and import tax (estimate)"`
}

func importOf(b *order.Border, currency string, lang locale.Lang) *ImportCharges {
	if b == nil {
		return nil
	}
	return &ImportCharges{
		Incoterm: b.Incoterm, Estimated: true, Duty: moneyOf(b.Duty, currency), Tax: moneyOf(b.Tax, currency), Total: moneyOf(b.Duty+b.Tax, currency),
		Label: textOr(lang, "import_charges."+strings.ToLower(b.Incoterm), b.Incoterm),
	}
}

// ShippingHint says what is missing for a better price.
type ShippingHint struct {
	Rule    string `json:"rule"`
	Missing Money  `json:"missing"`
	Text    string `json:"text"`
}

// HiddenOption is a way of shipping that is not offered, and why.
type HiddenOption struct {
	ID   string `json:"id"`
	Code string `json:"code" example:"zone_not_served"`
	Text string `json:"text"`
}

func shippingOptionOf(o *policy.Option, lang locale.Lang) ShippingOption {
	b := ShippingOption{
		ID: o.Method, Name: o.Name, Description: o.Description, Carrier: o.Carrier, Service: o.Service,
		Price: moneyOf(o.Total.Minor, o.Total.Currency), Estimated: o.Estimated,
	}
	if p := o.Promise; p != nil && p.DeliverMin != "" {
		b.Delivery = &DeliveryDays{From: p.DeliverMin, To: p.DeliverMax}
	}
	if h := o.Hint; h != nil {
		b.Hint = &ShippingHint{Rule: h.Rule, Missing: moneyOf(h.Missing.Minor, h.Missing.Currency)}
		b.Hint.Text = textOr(lang, "shipping_hint.amount_to_threshold", "", "amount", h.Missing.Text(string(lang)))
	}
	return b
}
