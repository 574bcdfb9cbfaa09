package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"time"

	"doorstep/internal/fault"
	"doorstep/shipping"
	"doorstep/shipping/customs"
	"doorstep/shipping/packing"
	"doorstep/shipping/policy"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// deliveries is all that these routes and those of policies ask of their room.
type deliveries interface {
	Quote(ctx context.Context, merchant uuid.UUID, r policy.Request) (policy.Answer, error)
	Simulate(ctx context.Context, merchant uuid.UUID, sim shipping.Simulation) ([]policy.Answer, error)
	NewDraft(ctx context.Context, merchant uuid.UUID, document []byte) (*shipping.Version, error)
	ReplaceDraft(ctx context.Context, merchant, version uuid.UUID, document []byte) (*shipping.Version, error)
	DeleteDraft(ctx context.Context, merchant, version uuid.UUID) error
	Publish(ctx context.Context, merchant, version uuid.UUID) (*shipping.Version, error)
	Versions(ctx context.Context, merchant uuid.UUID) ([]shipping.Version, error)
	Version(ctx context.Context, merchant, version uuid.UUID) (*shipping.Version, error)
	Live(ctx context.Context, merchant uuid.UUID) (*policy.Policy, int, error)
	VersionNumber(ctx context.Context, merchant uuid.UUID, number int) (*shipping.Version, error)
	Compare(from, to []byte, requests []policy.Request) (shipping.Difference, error)
	Weigh(ctx context.Context, merchant uuid.UUID, q policy.BillableQuestion) (policy.BillableAnswer, error)
	MatchZones(ctx context.Context, merchant uuid.UUID, document []byte, d policy.Dest) (policy.ZoneMatch, error)
	PromiseFrom(ctx context.Context, merchant uuid.UUID, o policy.Origin, at time.Time, t *policy.Transit) (policy.Promise, error)
	LandedCost(ctx context.Context, merchant uuid.UUID, r customs.Request) (customs.Estimate, error)
	// Linked are the codes of carrier accounts that are not switched off.
	Linked(ctx context.Context, merchant uuid.UUID) ([]string, error)
	Pack(ctx context.Context, merchant uuid.UUID, boxes []packing.Box, items []packing.Item) (packing.Plan, error)
}

// PolicyDocument is a shipping policy as its merchant writes it. The policy's
// own reader knows its form, which is published as a schema of its own.
type PolicyDocument struct{ text json.RawMessage }

// UnmarshalJSON keeps the document as it was sent.
func (d *PolicyDocument) UnmarshalJSON(b []byte) error {
	d.text = bytes.Clone(b)
	return nil
}

// MarshalJSON writes the document as it is kept.
func (d PolicyDocument) MarshalJSON() ([]byte, error) { return d.text, nil }

// Schema is an open object that names the real schema.
func (PolicyDocument) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Description: "A document of the form shipping-policy/v1; /v1/shipping/policy-schema.json is its JSON Schema",
		Examples: []any{map[string]any{
			"currency": "EUR",
			"methods": []any{map[string]any{
				"id": "standard", "name": map[string]any{"en": "Standard delivery"}, "price": map[string]any{"type": "flat", "amount": 500},
				"transit_business_days": map[string]any{"min": 3, "max": 7},
			}},
			"rules": []any{map[string]any{
				"id": "free-delivery", "phase": "threshold", "methods": "*", "hint": "amount_to_threshold",
				"then": []any{map[string]any{"action": "free_over", "amount": 5000}},
			}},
		}},
	}
}

// QuoteRequest is what a quote depends on. The policy's own reader checks it.
type QuoteRequest struct{ text json.RawMessage }

// UnmarshalJSON keeps the request for the policy's reader.
func (q *QuoteRequest) UnmarshalJSON(b []byte) error {
	q.text = bytes.Clone(b)
	return nil
}

// Schema is that of the policy's request.
func (QuoteRequest) Schema(r huma.Registry) *huma.Schema {
	ref := foreignSchema(r, reflect.TypeFor[policy.Request]())
	r.SchemaFromRef(ref.Ref).Examples = []any{map[string]any{
		"dest": map[string]any{"country": "AM", "postcode": "0010"}, "currency": "EUR",
		"items": []any{map[string]any{"sku": "MUG-01", "quantity": 2, "unit_price": 1999, "weight_g": 350}},
	}}
	return ref
}

// value reads the request; at is where it stands.
func (q *QuoteRequest) value(at string) (policy.Request, error) {
	r, err := policy.ParseRequest(q.text)
	return r, inBody(err, at)
}

// QuoteAnswer is what a policy makes of a request.
type QuoteAnswer struct{ policy.Answer }

// Schema is that of the policy's answer.
func (QuoteAnswer) Schema(r huma.Registry) *huma.Schema {
	return foreignSchema(r, reflect.TypeFor[policy.Answer]())
}

// foreignSchema documents a type of the policy under names that no body of ours
// has: its Order is not our Order.
func foreignSchema(r huma.Registry, t reflect.Type) *huma.Schema {
	own := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		return "Quote" + huma.DefaultSchemaNamer(t, hint)
	})
	ref := own.Schema(t, true, "")
	maps.Copy(r.Map(), own.Map())
	return ref
}

type quoteIn struct {
	Body QuoteRequest
}

type quoteOut struct {
	Body QuoteAnswer
}

type simulateIn struct {
	Body struct {
		Policy   *PolicyDocument `json:"policy,omitempty" doc:"To try a document; with neither policy nor policy_version, the published one"`
		Version  int             `json:"policy_version,omitempty" minimum:"1" maximum:"1000000000" doc:"To try a version by its number"`
		Now      time.Time       `json:"now,omitzero" maxLength:"40" doc:"Stands in for requests that name no time; the clock when absent"`
		Requests []QuoteRequest  `json:"requests" minItems:"1" maxItems:"500"`
		Stubs    *CarrierStubs   `json:"carrier_stubs,omitempty"`
	}
}

type simulateOut struct {
	Body struct {
		Results []QuoteAnswer `json:"results" doc:"One per request, in their order"`
	}
}

func registerShipping(s *Server, svc deliveries, shop settings) {
	handle(s, Route{
		ID: "quote-shipping", Method: http.MethodPost, Path: "/v1/shipping/quotes", Tag: "shipping", Summary: "Ask what delivery costs, and when it arrives",
		Description: "By the published policy. What is not known yet may be left out: a country alone gives an honest estimate. Nothing to offer is code no_method.",
		Auth:        publishable(), Once: OnceNever, Errors: []*fault.Error{policy.ErrRequest},
	}, func(ctx context.Context, in *quoteIn) (*quoteOut, error) {
		r, err := in.Body.value("body")
		if err != nil {
			return nil, err
		}
		if r.Customer.Language == "" {
			r.Customer.Language = string(language(ctx))
		}
		r.Explain = r.Explain && caller(ctx).Secret // rules are the merchant's business
		a, err := svc.Quote(ctx, caller(ctx).Merchant, r)
		if err != nil {
			return nil, inBody(err, "body")
		}
		return &quoteOut{Body: QuoteAnswer{a}}, nil
	})
	handle(s, Route{
		ID: "simulate-shipping", Method: http.MethodPost, Path: "/v1/shipping/simulate", Tag: "shipping", Summary: "Try requests on a policy, without any effect",
		Auth: secret("shipping:read"), Once: OnceNever, Errors: []*fault.Error{policy.ErrInvalid, policy.ErrRequest, shipping.ErrPolicyNotFound},
	}, func(ctx context.Context, in *simulateIn) (*simulateOut, error) { return simulate(ctx, svc, in) })
	registerPacking(s, svc)
	registerLandedCost(s, svc)
	registerShippingDoors(s, svc)
	registerPolicySchema(s)
	registerPolicies(s, svc, shop)
}

func simulate(ctx context.Context, svc deliveries, in *simulateIn) (*simulateOut, error) {
	b := &in.Body
	if b.Policy != nil && b.Version != 0 {
		return nil, errValidation.At("body.policy_version", "cannot stand beside policy")
	}
	sim := shipping.Simulation{Version: b.Version, Now: b.Now, Requests: make([]policy.Request, len(b.Requests))}
	if b.Policy != nil {
		sim.Document = b.Policy.text
	}
	var err error
	if sim.Stubs, err = b.Stubs.value(); err != nil {
		return nil, err
	}
	for i := range b.Requests {
		if sim.Requests[i], err = b.Requests[i].value(fmt.Sprintf("body.requests[%d]", i)); err != nil {
			return nil, err
		}
	}
	all, err := svc.Simulate(ctx, caller(ctx).Merchant, sim)
	if err != nil {
		return nil, inBody(err, "body.policy")
	}
	out := &simulateOut{}
	out.Body.Results = make([]QuoteAnswer, len(all))
	for i, a := range all {
		out.Body.Results[i] = QuoteAnswer{a}
	}
	return out, nil
}

// registerPolicySchema serves the schema of policies to editors and validators.
func registerPolicySchema(s *Server) {
	sum := sha256.Sum256(policy.Schema)
	tag := fmt.Sprintf(`"%x"`, sum[:8])
	fast[struct{}, struct{ Body json.RawMessage }](s, Route{
		ID: "read-policy-schema", Method: http.MethodGet, Path: "/v1/shipping/policy-schema.json", Tag: "shipping", Summary: "Read the JSON Schema of shipping policies",
		Auth: public(),
	}, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAccessControlAllowOrigin, "*") // public, for editors elsewhere
		c.Set("Cross-Origin-Resource-Policy", "cross-origin")
		c.Set(fiber.HeaderCacheControl, "no-cache")
		if notModified(c, tag) {
			return nil
		}
		c.Response().Header.SetContentType("application/schema+json")
		c.Response().SetBodyRaw(policy.Schema)
		return nil
	})
}
