package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"doorstep/internal/fault"
	"doorstep/shipping"
	"doorstep/shipping/policy"

	"github.com/danielgtaylor/huma/v2"
)

// The smaller doors to the parts of a quote: what weighs how much, what is in
// which zone, what arrives when.

// Decimal is an exact number, as a number or as a text of JSON.
type Decimal string

// UnmarshalJSON keeps the digits as they were written.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	*d = Decimal(bytes.Trim(b, `"`))
	return nil
}

// Schema takes both writings.
func (Decimal) Schema(huma.Registry) *huma.Schema {
	most := 100_000.0
	zero := 0.0
	return &huma.Schema{Description: "A decimal number, also as a text", OneOf: []*huma.Schema{
		{Type: huma.TypeNumber, Minimum: &zero, Maximum: &most},
		{Type: huma.TypeString, MaxLength: ptr(20), Pattern: `^[0-9]{1,6}(\.[0-9]{1,12})?$`},
	}, Examples: []any{"11.4"}}
}

// CarrierStubs play carriers in a simulation. The policy's own reader checks them.
type CarrierStubs struct{ text json.RawMessage }

// UnmarshalJSON keeps the stubs for the policy's reader.
func (c *CarrierStubs) UnmarshalJSON(b []byte) error {
	c.text = bytes.Clone(b)
	return nil
}

// Schema is that of the policy's stubs, by the name of the carrier.
func (CarrierStubs) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: foreignSchema(r, reflect.TypeFor[policy.Stub]()),
		Description: "What carriers would say, by the name that the policy has for them: rates, or an HTTP status and a body that are no answer, after delay_ms. A carrier without one is down.",
		Examples:    []any{map[string]any{"ups": map[string]any{"delay_ms": 5000}}},
	}
}

func (c *CarrierStubs) value() (map[string]policy.Stub, error) {
	if c == nil {
		return nil, nil
	}
	stubs, err := policy.ParseStubs(c.text)
	return stubs, inBody(err, "body")
}

// DimRules are dated facts about how carriers turn size into weight, in the form
// of a policy's carrier_dim_rules.
type DimRules struct{ text json.RawMessage }

// UnmarshalJSON keeps the rules for the policy's reader.
func (d *DimRules) UnmarshalJSON(b []byte) error {
	d.text = bytes.Clone(b)
	return nil
}

// Schema is that of the policy's rules.
func (DimRules) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeArray, MaxItems: ptr(200), Items: foreignSchema(r, reflect.TypeFor[policy.CarrierDimRule]()),
		Description: "As carrier_dim_rules of a policy; the carriers' published ones when absent",
		Examples:    []any{[]any{map[string]any{"carrier": "ups", "from": "2025-08-18", "divisor_in3_per_lb": 139, "dim_rounding": "up"}}},
	}
}

// OriginDocument is an origin in the form of a policy's origins.
type OriginDocument struct{ text json.RawMessage }

// UnmarshalJSON keeps the origin for the policy's reader.
func (o *OriginDocument) UnmarshalJSON(b []byte) error {
	o.text = bytes.Clone(b)
	return nil
}

// Schema is an open object, as that of a policy.
func (OriginDocument) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "As in origins of a policy: timezone, cutoff, workdays, holidays, handling_business_days",
		Examples: []any{map[string]any{"timezone": "Asia/Yerevan", "cutoff": "14:00", "handling_business_days": 1}}}
}

// WeighedParcel is one box, in inches and pounds or in millimetres and grams.
type WeighedParcel struct {
	LengthIn *Decimal `json:"l_in,omitempty"`
	WidthIn  *Decimal `json:"w_in,omitempty"`
	HeightIn *Decimal `json:"h_in,omitempty"`
	WeightLB *Decimal `json:"weight_lb,omitempty"`
	LengthMM *int64   `json:"l_mm,omitempty" minimum:"0" maximum:"1000000"`
	WidthMM  *int64   `json:"w_mm,omitempty" minimum:"0" maximum:"1000000"`
	HeightMM *int64   `json:"h_mm,omitempty" minimum:"0" maximum:"1000000"`
	WeightG  *int64   `json:"weight_g,omitempty" minimum:"0" maximum:"1000000000"`
}

// TransformSchema gives an example: not every field goes with every other.
func (WeighedParcel) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Examples = []any{map[string]any{"l_in": 11.4, "w_in": 10.2, "h_in": 8.1, "weight_lb": 5.4}}
	return s
}

type billableIn struct {
	Body struct {
		Carrier  string        `json:"carrier" minLength:"1" maxLength:"64" example:"ups"`
		ShipDate string        `json:"ship_date,omitempty" maxLength:"10" example:"2026-11-02" doc:"Today when absent"`
		Parcel   WeighedParcel `json:"parcel"`
		Rules    *DimRules     `json:"rules,omitempty"`
	}
}

type billableOut struct {
	Body policy.BillableAnswer
}

func (in *billableIn) question() (policy.BillableQuestion, error) {
	b, p := &in.Body, &in.Body.Parcel
	q := policy.BillableQuestion{Carrier: b.Carrier, ShipDate: b.ShipDate}
	for into, from := range map[*string]*Decimal{&q.LengthIn: p.LengthIn, &q.WidthIn: p.WidthIn, &q.HeightIn: p.HeightIn, &q.WeightLB: p.WeightLB} {
		if from != nil {
			*into = string(*from)
		}
	}
	if p.LengthMM != nil || p.WidthMM != nil || p.HeightMM != nil || p.WeightG != nil {
		q.Parcel = &policy.Parcel{}
		put(&q.Parcel.LengthMM, p.LengthMM)
		put(&q.Parcel.WidthMM, p.WidthMM)
		put(&q.Parcel.HeightMM, p.HeightMM)
		put(&q.Parcel.WeightG, p.WeightG)
	}
	if b.Rules == nil {
		return q, nil
	}
	var err error
	q.Rules, err = policy.ParseDimRules(b.Rules.text, "rules")
	return q, inBody(err, "body")
}

type zonesIn struct {
	Body struct {
		Policy *PolicyDocument `json:"policy,omitempty" doc:"Of it only the zones are needed; the published policy when absent"`
		Dest   QuoteDest       `json:"dest"`
	}
}

// QuoteDest is where something goes, in the form of a quote's dest.
type QuoteDest struct{ text json.RawMessage }

// UnmarshalJSON keeps the place for the policy's reader.
func (d *QuoteDest) UnmarshalJSON(b []byte) error {
	d.text = bytes.Clone(b)
	return nil
}

// Schema is an open object, as that of a policy.
func (QuoteDest) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "As dest of a quote: country, region, city, postcode",
		Examples: []any{map[string]any{"country": "AM", "postcode": "0010"}}}
}

func (d *QuoteDest) value() (policy.Dest, error) {
	text, err := json.Marshal(map[string]json.RawMessage{"dest": d.text})
	if err != nil {
		return policy.Dest{}, errValidation.At("body.dest", "is not JSON")
	}
	r, err := policy.ParseRequest(text)
	return r.Dest, inBody(err, "body")
}

type zonesOut struct {
	Body policy.ZoneMatch
}

type promiseIn struct {
	Body struct {
		Origin  OriginDocument `json:"origin"`
		Now     time.Time      `json:"now,omitzero" maxLength:"40" doc:"The clock when absent"`
		Transit *struct {
			Min int64 `json:"min" minimum:"0" maximum:"365"`
			Max int64 `json:"max" minimum:"0" maximum:"365"`
		} `json:"transit_business_days,omitempty"`
	}
}

// QuotePromise is when an order placed now goes out and arrives.
type QuotePromise struct{ policy.Promise }

// Schema is that of a quote's promise.
func (QuotePromise) Schema(r huma.Registry) *huma.Schema {
	return foreignSchema(r, reflect.TypeFor[policy.Promise]())
}

type promiseOut struct {
	Body QuotePromise
}

func registerShippingDoors(s *Server, svc deliveries) {
	const tag = "shipping"
	read := secret("shipping:read")
	handle(s, Route{
		ID: "weigh-parcel", Method: http.MethodPost, Path: "/v1/shipping/billable-weight", Tag: tag, Summary: "Ask what a carrier bills for a parcel: its size or its weight",
		Auth: read, Once: OnceNever, Errors: []*fault.Error{policy.ErrRequest},
	}, func(ctx context.Context, in *billableIn) (*billableOut, error) {
		q, err := in.question()
		if err != nil {
			return nil, err
		}
		a, err := svc.Weigh(ctx, caller(ctx).Merchant, q)
		return &billableOut{Body: a}, inBody(err, "body")
	})
	handle(s, Route{
		ID: "match-zones", Method: http.MethodPost, Path: "/v1/shipping/zones/match", Tag: tag, Summary: "Ask which zones of a policy a place is in",
		Auth: read, Once: OnceNever, Errors: []*fault.Error{policy.ErrRequest, policy.ErrInvalid, shipping.ErrPolicyNotFound},
	}, func(ctx context.Context, in *zonesIn) (*zonesOut, error) {
		dest, err := in.Body.Dest.value()
		if err != nil {
			return nil, err
		}
		var document []byte
		if in.Body.Policy != nil {
			document = in.Body.Policy.text
		}
		m, err := svc.MatchZones(ctx, caller(ctx).Merchant, document, dest)
		return &zonesOut{Body: m}, inBody(err, "body.policy")
	})
	handle(s, Route{
		ID: "promise-delivery", Method: http.MethodPost, Path: "/v1/shipping/promise", Tag: tag, Summary: "Ask when an order placed now is shipped and delivered",
		Auth: read, Once: OnceNever, Errors: []*fault.Error{policy.ErrRequest, policy.ErrInvalid},
	}, func(ctx context.Context, in *promiseIn) (*promiseOut, error) {
		origin, err := policy.ParseOrigin(in.Body.Origin.text)
		if err != nil {
			return nil, inBody(err, "body")
		}
		var transit *policy.Transit
		if t := in.Body.Transit; t != nil {
			transit = &policy.Transit{Min: t.Min, Max: t.Max}
		}
		p, err := svc.PromiseFrom(ctx, caller(ctx).Merchant, origin, in.Body.Now, transit)
		return &promiseOut{Body: QuotePromise{p}}, inBody(err, "body")
	})
}
