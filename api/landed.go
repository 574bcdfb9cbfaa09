package api

import (
	"context"
	"encoding/json"
	"net/http"

	"doorstep/internal/fault"
	"doorstep/shipping/customs"

	"github.com/danielgtaylor/huma/v2"
)

// Country is a country: its code, or an address with one.
type Country struct{ code string }

// UnmarshalJSON takes "DE" and {"country": "DE", ...}.
func (c *Country) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &c.code) == nil {
		return nil
	}
	var place struct {
		Country string `json:"country"`
	}
	err := json.Unmarshal(b, &place)
	c.code = place.Country
	return err
}

// Schema is a code or a place.
func (Country) Schema(huma.Registry) *huma.Schema {
	code := &huma.Schema{Type: huma.TypeString, Pattern: "^[A-Za-z]{2}$", MaxLength: new(2), Examples: []any{"DE"}}
	short := func(most int) *huma.Schema { return &huma.Schema{Type: huma.TypeString, MaxLength: &most} }
	place := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Required: []string{"country"}, Properties: map[string]*huma.Schema{
		"country": code, "region": short(100), "city": short(100), "postcode": short(32), "address1": short(300),
	}}
	return &huma.Schema{OneOf: []*huma.Schema{code, place}, Description: "A country code, or an address with one", Examples: []any{"DE"}}
}

// LandedItem is a line of goods for customs.
type LandedItem struct {
	SKU           string `json:"sku,omitempty" maxLength:"200" example:"SHIRT-M"`
	Quantity      int64  `json:"quantity" minimum:"1" maximum:"1000000" example:"2"`
	UnitPrice     int64  `json:"unit_price" minimum:"0" maximum:"1000000000000" example:"2000" doc:"In minor units"`
	WeightG       int64  `json:"weight_g,omitempty" minimum:"0" maximum:"1000000000" doc:"Of one piece"`
	HS            string `json:"hs,omitempty" maxLength:"20" example:"610910"`
	OriginCountry string `json:"origin_country,omitempty" maxLength:"2" example:"AM" doc:"Where it was made"`
	Description   string `json:"description,omitempty" maxLength:"200" example:"Cotton T-shirt"`
	HazmatClass   string `json:"hazmat_class,omitempty" maxLength:"64"`
}

// CustomsIssue is something wrong or uncertain.
type CustomsIssue struct {
	Code    string `json:"code" example:"hs_code_missing"`
	SKU     string `json:"sku,omitempty"`
	Message string `json:"message"`
}

// CustomsFact is a dated row that an estimate was made by.
type CustomsFact struct {
	Country    string `json:"country" example:"EU"`
	Kind       string `json:"kind" example:"duty_flat"`
	Basis      string `json:"basis" example:"hs6"`
	Threshold  int64  `json:"threshold,omitempty"`
	Amount     int64  `json:"amount,omitempty"`
	Bps        int64  `json:"bps,omitempty"`
	PerKG      int64  `json:"per_kg,omitempty"`
	Currency   string `json:"currency,omitempty"`
	Code       string `json:"code,omitempty"`
	From       string `json:"from" example:"2026-07-01"`
	To         string `json:"to,omitempty" doc:"The first day after"`
	Source     string `json:"source"`
	ReadOn     string `json:"read_on" example:"2026-11"`
	Confidence string `json:"confidence" enum:"high,medium,low"`
}

// LandedCost is what a consignment probably costs at the border.
type LandedCost struct {
	Estimated              bool             `json:"estimated" doc:"Always: customs has the last word"`
	Currency               string           `json:"currency" example:"EUR"`
	Incoterm               string           `json:"incoterm" enum:"DAP,DDP"`
	Regime                 string           `json:"regime" enum:"domestic,customs_union,duty_relief,flat_per_hs6,single_rate,ordinary"`
	Intrinsic              int64            `json:"intrinsic" doc:"The goods without delivery; all sums in minor units"`
	DutyLines              map[string]int64 `json:"duty_lines" doc:"Duty by HS code or by the name of a charge"`
	Duty                   int64            `json:"duty"`
	VAT                    int64            `json:"vat"`
	ChargedTotal           int64            `json:"charged_total" doc:"What the buyer pays to the shop: goods, delivery and, with DDP, duty and tax"`
	EstimatedDueOnDelivery int64            `json:"estimated_due_on_delivery" doc:"What the buyer pays at the door, with DAP"`
	Sources                []CustomsFact    `json:"sources"`
	Issues                 []CustomsIssue   `json:"issues"`
	Notes                  []string         `json:"notes"`
}

type landedIn struct {
	Body struct {
		Date     string           `json:"date,omitempty" maxLength:"10" example:"2026-11-02" doc:"Today when absent"`
		Origin   *Country         `json:"origin,omitempty" doc:"Where it leaves from; where the policy's goods do when absent"`
		Dest     Country          `json:"dest"`
		Incoterm string           `json:"incoterm,omitempty" enum:"DAP,DDP" doc:"The policy's when absent, else DAP"`
		Currency string           `json:"currency,omitempty" maxLength:"3" example:"EUR" doc:"Of all sums; the policy's when absent"`
		Items    []LandedItem     `json:"items" minItems:"1" maxItems:"500"`
		Shipping int64            `json:"shipping,omitempty" minimum:"0" maximum:"1000000000000" example:"1000" doc:"In minor units"`
		Duty     map[string]int64 `json:"duty_bps,omitempty" doc:"Rates of duty in 1/10,000 by HS code, of which the longest beginning counts; over those of the policy"`
		Tax      map[string]int64 `json:"dest_vat_bps,omitempty" doc:"Rates of tax on imports by country; over those of the policy"`
	}
}

type landedOut struct {
	Body LandedCost
}

func landedOf(e customs.Estimate) LandedCost {
	b := LandedCost{
		Estimated: e.Estimated, Currency: e.Currency, Incoterm: string(e.Incoterm), Regime: e.Regime, Intrinsic: e.Intrinsic, DutyLines: e.DutyLines,
		Duty: e.Duty, VAT: e.VAT, ChargedTotal: e.ChargedTotal, EstimatedDueOnDelivery: e.EstimatedDueOnDelivery,
		Sources: make([]CustomsFact, len(e.Sources)), Issues: issuesOf(e.Issues), Notes: append([]string{}, e.Notes...),
	}
	for i, f := range e.Sources {
		b.Sources[i] = CustomsFact(f)
	}
	return b
}

func issuesOf(all []customs.Issue) []CustomsIssue {
	out := make([]CustomsIssue, len(all))
	for i, one := range all {
		out[i] = CustomsIssue(one)
	}
	return out
}

func registerLandedCost(s *Server, svc deliveries) {
	handle(s, Route{
		ID: "estimate-landed-cost", Method: http.MethodPost, Path: "/v1/shipping/landed-cost", Tag: "shipping", Summary: "Estimate duty and tax at the border",
		Description: "Of one consignment, from dated rows that the answer names. Issues are what customs will ask for, and what may not come in.",
		Auth:        publishable(), Once: OnceNever, Errors: []*fault.Error{customs.ErrRequest},
	}, func(ctx context.Context, in *landedIn) (*landedOut, error) {
		b := &in.Body
		r := customs.Request{Date: b.Date, To: b.Dest.code, Incoterm: customs.Incoterm(b.Incoterm), Currency: b.Currency, Shipping: b.Shipping, DutyBps: b.Duty, TaxBps: b.Tax,
			Items: make([]customs.Item, len(b.Items))}
		if b.Origin != nil {
			r.From = b.Origin.code
		}
		for rates, at := range map[*map[string]int64]string{&b.Duty: "body.duty_bps", &b.Tax: "body.dest_vat_bps"} {
			for key, bps := range *rates {
				if len(*rates) > 2000 || bps < 0 || bps > 10_000_000 || len(key) > 20 {
					return nil, errValidation.At(at, "must be at most 2000 rates from 0 to 10000000")
				}
			}
		}
		for i, it := range b.Items {
			r.Items[i] = customs.Item{SKU: it.SKU, Quantity: it.Quantity, UnitPrice: it.UnitPrice, WeightG: it.WeightG, HS: it.HS, OriginCountry: it.OriginCountry,
				Description: it.Description, HazmatClass: it.HazmatClass}
		}
		e, err := svc.LandedCost(ctx, caller(ctx).Merchant, r)
		if err != nil {
			return nil, inBody(err, "body")
		}
		return &landedOut{Body: landedOf(e)}, nil
	})
}
