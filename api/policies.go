package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/shipping"
	"doorstep/shipping/policy"

	"github.com/google/uuid"
)

// PolicyVersion is one version of the shop's shipping policy.
type PolicyVersion struct {
	ID          uuid.UUID       `json:"id" format:"uuid"`
	Version     int             `json:"version" example:"3"`
	Status      string          `json:"status" enum:"draft,published,retired"`
	Hash        string          `json:"hash" doc:"Of the document in its canonical form; every quote names it"`
	Document    *PolicyDocument `json:"document,omitempty" doc:"Left out of lists"`
	CreatedAt   time.Time       `json:"created_at"`
	PublishedAt *time.Time      `json:"published_at,omitempty"`
	UpdatedAt   time.Time       `json:"updated_at"`
}

func policyVersionOf(v shipping.Version) PolicyVersion {
	b := PolicyVersion{
		ID: v.ID, Version: v.Version, Status: string(v.Status), Hash: v.Hash, CreatedAt: v.CreatedAt, PublishedAt: v.PublishedAt, UpdatedAt: v.UpdatedAt,
	}
	if len(v.Document) > 0 {
		b.Document = &PolicyDocument{text: v.Document}
	}
	return b
}

// PolicyWarning is something in a policy that is allowed and probably not meant.
type PolicyWarning struct {
	Code     string `json:"code" example:"zone_without_method"`
	Location string `json:"location" doc:"Path in the document"`
	Message  string `json:"message"`
}

// PolicyReport is what a check of a document found.
type PolicyReport struct {
	Valid    bool            `json:"valid"`
	Hash     string          `json:"hash,omitempty"`
	Problems []fault.Field   `json:"problems"`
	Warnings []PolicyWarning `json:"warnings"`
}

// PolicyEffect is how a sample request is answered before and after.
type PolicyEffect struct {
	Gained      []string `json:"gained"`
	Lost        []string `json:"lost"`
	Repriced    []string `json:"repriced"`
	PriceChange int64    `json:"price_change" doc:"Of the cheapest option, in minor units, when both have one"`
}

// PolicyDifference is what changes between two documents.
type PolicyDifference struct {
	Added    []string       `json:"added" doc:"Such as methods.express"`
	Removed  []string       `json:"removed"`
	Changed  []string       `json:"changed"`
	Requests []PolicyEffect `json:"requests" doc:"One per sample request, in their order"`
}

type policyVersionOut struct {
	ETag string `header:"ETag"`
	Body PolicyVersion
}

func onePolicy(v *shipping.Version, err error) (*policyVersionOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &policyVersionOut{ETag: `"` + v.Hash + "-" + string(v.Status) + `"`, Body: policyVersionOf(*v)}, nil
}

type policyReportOut struct {
	Body PolicyReport
}

type policyDocumentIn struct {
	Body PolicyDocument
}

type replacePolicyIn struct {
	ByID
	Body PolicyDocument
}

type comparePolicyIn struct {
	ByID
	Body struct {
		Against  *uuid.UUID     `json:"against,omitempty" format:"uuid" doc:"The version to compare with; the published one when absent"`
		Requests []QuoteRequest `json:"requests,omitempty" maxItems:"200" doc:"Samples to answer by both"`
	}
}

type policyDifferenceOut struct {
	Body PolicyDifference
}

func registerPolicies(s *Server, svc deliveries, shop settings) {
	const base = "/v1/shipping/policies"
	read, write := secret("shipping:read"), secret("shipping:write")
	handle(s, Route{
		ID: "list-policies", Method: http.MethodGet, Path: base, Tag: "shipping", Summary: "List the versions of the shipping policy, the newest first", Auth: read,
	}, func(ctx context.Context, _ *struct{}) (*listOut[PolicyVersion], error) {
		all, err := svc.Versions(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", policyVersionOf), nil
	})
	handle(s, Route{
		ID: "draft-policy", Method: http.MethodPost, Path: base, Status: http.StatusCreated, Tag: "shipping", Summary: "Keep a shipping policy as a new draft",
		Auth: write, Errors: []*fault.Error{policy.ErrInvalid},
	}, func(ctx context.Context, in *policyDocumentIn) (*policyVersionOut, error) {
		return onePolicy(svc.NewDraft(ctx, caller(ctx).Merchant, in.Body.text))
	})
	handle(s, Route{
		ID: "check-policy-document", Method: http.MethodPost, Path: base + "/check", Tag: "shipping", Summary: "Look a shipping policy over without keeping it",
		Auth: read, Once: OnceNever,
	}, func(ctx context.Context, in *policyDocumentIn) (*policyReportOut, error) {
		return checkPolicy(ctx, svc, shop, in.Body.text)
	})
	handle(s, Route{
		ID: "read-policy", Method: http.MethodGet, Path: base + "/{id}", Tag: "shipping", Summary: "Read a version with its document",
		Auth: read, Errors: []*fault.Error{shipping.ErrPolicyNotFound},
	}, func(ctx context.Context, in *ByID) (*policyVersionOut, error) {
		return onePolicy(svc.Version(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "replace-policy-draft", Method: http.MethodPut, Path: base + "/{id}", Tag: "shipping", Summary: "Put another document in the place of a draft",
		Auth: write, Errors: []*fault.Error{shipping.ErrPolicyNotFound, shipping.ErrPolicyState, policy.ErrInvalid},
	}, func(ctx context.Context, in *replacePolicyIn) (*policyVersionOut, error) {
		return onePolicy(svc.ReplaceDraft(ctx, caller(ctx).Merchant, in.ID, in.Body.text))
	})
	handle(s, Route{
		ID: "delete-policy-draft", Method: http.MethodDelete, Path: base + "/{id}", Tag: "shipping", Summary: "Forget a draft",
		Auth: write, Errors: []*fault.Error{shipping.ErrPolicyNotFound, shipping.ErrPolicyState},
	}, func(ctx context.Context, in *ByID) (*struct{}, error) {
		return nil, svc.DeleteDraft(ctx, caller(ctx).Merchant, in.ID)
	})
	handle(s, Route{
		ID: "check-policy", Method: http.MethodPost, Path: base + "/{id}/check", Tag: "shipping", Summary: "Look a version over for mistakes and for what is probably not meant",
		Auth: read, Once: OnceNever, Errors: []*fault.Error{shipping.ErrPolicyNotFound},
	}, func(ctx context.Context, in *ByID) (*policyReportOut, error) {
		v, err := svc.Version(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		return checkPolicy(ctx, svc, shop, v.Document)
	})
	handle(s, Route{
		ID: "compare-policy", Method: http.MethodPost, Path: base + "/{id}/diff", Tag: "shipping", Summary: "Say what a version would change, in itself and for sample requests",
		Auth: read, Once: OnceNever, Errors: []*fault.Error{shipping.ErrPolicyNotFound, policy.ErrInvalid, policy.ErrRequest},
	}, func(ctx context.Context, in *comparePolicyIn) (*policyDifferenceOut, error) {
		return comparePolicy(ctx, svc, in)
	})
	handle(s, Route{
		ID: "publish-policy", Method: http.MethodPost, Path: base + "/{id}/publish", Tag: "shipping", Summary: "Quote by this version from now on",
		Description: "The version before is retired. Publishing a retired version brings its document back as a new version; publishing the published one changes nothing.",
		Auth:        write, Errors: []*fault.Error{shipping.ErrPolicyNotFound, policy.ErrInvalid},
	}, func(ctx context.Context, in *ByID) (*policyVersionOut, error) {
		return onePolicy(svc.Publish(ctx, caller(ctx).Merchant, in.ID))
	})
}

// checkPolicy looks a document over, with the currencies that the shop sells in
// and the carriers it has accounts with.
func checkPolicy(ctx context.Context, svc deliveries, shop settings, document []byte) (*policyReportOut, error) {
	var currencies []string
	if shop != nil {
		set, _, err := shop.Settings(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		currencies = set.Currencies
	}
	linked, err := svc.Linked(ctx, caller(ctx).Merchant)
	if err != nil {
		return nil, err
	}
	r := shipping.CheckPolicy(document, currencies)
	r.Linked(document, linked)
	b := PolicyReport{Valid: r.Valid, Hash: r.Hash, Problems: r.Problems, Warnings: make([]PolicyWarning, len(r.Warnings))}
	for i, w := range r.Warnings {
		b.Warnings[i] = PolicyWarning(w)
	}
	return &policyReportOut{Body: b}, nil
}

func comparePolicy(ctx context.Context, svc deliveries, in *comparePolicyIn) (*policyDifferenceOut, error) {
	merchant := caller(ctx).Merchant
	to, err := svc.Version(ctx, merchant, in.ID)
	if err != nil {
		return nil, err
	}
	from, err := comparedWith(ctx, svc, in.Body.Against)
	if err != nil {
		return nil, err
	}
	samples := make([]policy.Request, len(in.Body.Requests))
	for i := range in.Body.Requests {
		if samples[i], err = in.Body.Requests[i].value(fmt.Sprintf("body.requests[%d]", i)); err != nil {
			return nil, err
		}
	}
	d, err := svc.Compare(from.Document, to.Document, samples)
	if err != nil {
		return nil, err
	}
	b := PolicyDifference{Added: d.Added, Removed: d.Removed, Changed: d.Changed, Requests: make([]PolicyEffect, len(d.Requests))}
	for i, e := range d.Requests {
		b.Requests[i] = PolicyEffect(e)
	}
	return &policyDifferenceOut{Body: b}, nil
}

// comparedWith is the named version, or the published one.
func comparedWith(ctx context.Context, svc deliveries, id *uuid.UUID) (*shipping.Version, error) {
	merchant := caller(ctx).Merchant
	if id != nil {
		return svc.Version(ctx, merchant, *id)
	}
	_, number, err := svc.Live(ctx, merchant)
	if err != nil {
		return nil, err
	}
	if number == 0 {
		return nil, shipping.ErrPolicyNotFound.Saying("No shipping policy is published to compare with.")
	}
	return svc.VersionNumber(ctx, merchant, number)
}
