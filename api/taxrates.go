package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/pricing"

	"github.com/google/uuid"
)

// taxRates is all that these routes ask of their room.
type taxRates interface {
	CreateTaxRate(ctx context.Context, merchant uuid.UUID, t pricing.TaxRate) (pricing.RateRecord, error)
	TaxRate(ctx context.Context, merchant, rate uuid.UUID) (pricing.RateRecord, error)
	TaxRates(ctx context.Context, merchant uuid.UUID, country string, limit int, cursor string) ([]pricing.RateRecord, string, error)
	UpdateTaxRate(ctx context.Context, merchant, rate uuid.UUID, version int64, edit func(*pricing.TaxRate) error) (pricing.RateRecord, error)
	DeleteTaxRate(ctx context.Context, merchant, rate uuid.UUID, version int64) error
}

// TaxRateForm is what a tax rate is made of.
type TaxRateForm struct {
	Country        string `json:"country" minLength:"2" maxLength:"2" pattern:"^[A-Z]{2}$" example:"AM"`
	Region         string `json:"region,omitempty" maxLength:"10" doc:"ISO 3166-2 code; all regions when absent"`
	PostcodePrefix string `json:"postcode_prefix,omitempty" maxLength:"10" doc:"All postcodes when absent; of one kind the longest prefix applies"`
	Class          string `json:"class,omitempty" maxLength:"64" example:"standard" doc:"Of goods; standard when absent"`
	Kind           string `json:"kind,omitempty" maxLength:"64" example:"vat" doc:"Rates of different kinds are added; vat when absent"`
	Name           string `json:"name" minLength:"1" maxLength:"100" example:"VAT"`
	RateBps        int64  `json:"rate_bps" minimum:"0" maximum:"100000" example:"2000" doc:"Basis points: 2000 is 20 %"`
}

func (f *TaxRateForm) write(t *pricing.TaxRate) {
	*t = pricing.TaxRate{
		ID: t.ID, Country: f.Country, Region: f.Region, PostcodePrefix: f.PostcodePrefix, Class: f.Class, Kind: f.Kind, Name: f.Name, RateBps: f.RateBps,
	}
}

// TaxRate is a rate for a place and a class of goods.
type TaxRate struct {
	ID uuid.UUID `json:"id" format:"uuid"`
	TaxRateForm
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func taxRateOf(r pricing.RateRecord) TaxRate {
	return TaxRate{
		ID: r.ID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		TaxRateForm: TaxRateForm{
			Country: r.Country, Region: r.Region, PostcodePrefix: r.PostcodePrefix, Class: r.Class, Kind: r.Kind, Name: r.Name, RateBps: r.RateBps,
		},
	}
}

type taxRateOut struct {
	ETag string `header:"ETag"`
	Body TaxRate
}

func oneTaxRate(r pricing.RateRecord, err error) (*taxRateOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &taxRateOut{ETag: etag(r.Version), Body: taxRateOf(r)}, nil
}

type listTaxRatesIn struct {
	PageQuery
	Country string `query:"country" maxLength:"2" pattern:"^[A-Z]{2}$"`
}

type addTaxRateIn struct {
	Body TaxRateForm
}

type replaceTaxRateIn struct {
	ByID
	IfMatch
	Body TaxRateForm
}

type deleteTaxRateIn struct {
	ByID
	IfMatch
}

func registerTaxRates(s *Server, svc taxRates) {
	const list, path = "tax-rates", "/v1/tax-rates/{id}"
	read, write := secret("settings:read"), secret("settings:write")
	handle(s, Route{
		ID: "list-tax-rates", Method: http.MethodGet, Path: "/v1/tax-rates", Tag: "tax rates", Summary: "List tax rates, the newest first",
		Auth: read, Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listTaxRatesIn) (*listOut[TaxRate], error) {
		cursor, err := roomCursor(list, in.Cursor)
		if err != nil {
			return nil, err
		}
		page, next, err := svc.TaxRates(ctx, caller(ctx).Merchant, in.Country, in.Limit, cursor)
		if err != nil {
			return nil, err
		}
		return listOf(page, pageCursor(list, next), taxRateOf), nil
	})
	handle(s, Route{
		ID: "add-tax-rate", Method: http.MethodPost, Path: "/v1/tax-rates", Status: http.StatusCreated, Tag: "tax rates", Summary: "Add a tax rate",
		Auth: write, Errors: []*fault.Error{pricing.ErrTaxRate, pricing.ErrTaxRateTaken},
	}, func(ctx context.Context, in *addTaxRateIn) (*taxRateOut, error) {
		var t pricing.TaxRate
		in.Body.write(&t)
		return oneTaxRate(svc.CreateTaxRate(ctx, caller(ctx).Merchant, t))
	})
	handle(s, Route{
		ID: "read-tax-rate", Method: http.MethodGet, Path: path, Tag: "tax rates", Summary: "Read a tax rate",
		Auth: read, Errors: []*fault.Error{pricing.ErrTaxRateUnknown},
	}, func(ctx context.Context, in *ByID) (*taxRateOut, error) {
		return oneTaxRate(svc.TaxRate(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "replace-tax-rate", Method: http.MethodPut, Path: path, Tag: "tax rates", Summary: "Change a tax rate",
		Description: "Orders keep the tax that they were placed with.",
		Auth:        write, Errors: []*fault.Error{pricing.ErrTaxRateUnknown, pricing.ErrTaxRate, pricing.ErrTaxRateTaken, pricing.ErrVersion},
	}, func(ctx context.Context, in *replaceTaxRateIn) (*taxRateOut, error) {
		base, err := in.base()
		if err != nil {
			return nil, err
		}
		return oneTaxRate(svc.UpdateTaxRate(ctx, caller(ctx).Merchant, in.ID, base, edit(in.Body.write)))
	})
	handle(s, Route{
		ID: "delete-tax-rate", Method: http.MethodDelete, Path: path, Tag: "tax rates", Summary: "Remove a tax rate",
		Auth: write, Errors: []*fault.Error{pricing.ErrTaxRateUnknown, pricing.ErrVersion},
	}, func(ctx context.Context, in *deleteTaxRateIn) (*struct{}, error) {
		base, err := in.base()
		if err != nil {
			return nil, err
		}
		return nil, svc.DeleteTaxRate(ctx, caller(ctx).Merchant, in.ID, base)
	})
}
