package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"doorstep/internal/fault"
	"doorstep/shipping"

	"github.com/google/uuid"
)

// carrierAccounts is all that these routes ask of their room.
type carrierAccounts interface {
	List(ctx context.Context, merchant uuid.UUID) ([]shipping.Account, error)
	Account(ctx context.Context, merchant, account uuid.UUID) (shipping.Account, error)
	Add(ctx context.Context, merchant uuid.UUID, f shipping.AccountForm) (shipping.Account, error)
	Change(ctx context.Context, merchant, account uuid.UUID, ifVersion *int64, patch func(*shipping.AccountForm) error) (shipping.Account, error)
	Delete(ctx context.Context, merchant, account uuid.UUID) error
	Test(ctx context.Context, merchant, account uuid.UUID) (shipping.Trial, error)
}

// ShipFrom is where parcels leave.
type ShipFrom struct {
	Name     string `json:"name,omitempty" maxLength:"200" example:"Warehouse"`
	Company  string `json:"company,omitempty" maxLength:"200"`
	Line1    string `json:"line1,omitempty" maxLength:"200" example:"1 Dock Street"`
	Line2    string `json:"line2,omitempty" maxLength:"200"`
	City     string `json:"city,omitempty" maxLength:"200" example:"New York"`
	Region   string `json:"region,omitempty" maxLength:"200" example:"NY"`
	Postcode string `json:"postcode,omitempty" maxLength:"32" example:"10001"`
	Country  string `json:"country" minLength:"2" maxLength:"2" example:"US"`
	Phone    string `json:"phone,omitempty" maxLength:"50"`
	Email    string `json:"email,omitempty" maxLength:"254"`
}

// CarrierAccountForm links an account with a carrier.
type CarrierAccountForm struct {
	Carrier     string              `json:"carrier" minLength:"1" maxLength:"64" example:"easypost" doc:"docs/shipping.md lists those that can be linked"`
	Code        string              `json:"code,omitempty" maxLength:"64" example:"ups-eu" doc:"As shipping policies name it; the carrier's name when absent"`
	Name        string              `json:"name,omitempty" maxLength:"100" example:"UPS, contract of 2026"`
	BaseURL     string              `json:"base_url,omitempty" maxLength:"2000" doc:"Instead of the carrier's own address, such as its test system"`
	Credentials map[string]string   `json:"credentials,omitempty" maxProperties:"20" doc:"Sealed, and never shown again"`
	Settings    map[string]any      `json:"settings,omitempty" doc:"What is no secret, for carriers that have any"`
	ShipFrom    *ShipFrom           `json:"ship_from,omitempty" doc:"Where parcels leave; without it no price can be asked for"`
	ByOrigin    map[string]ShipFrom `json:"ship_from_by_origin,omitempty" maxProperties:"100" doc:"Other addresses, by the id of an origin of the shipping policy"`
	TimeoutMS   int64               `json:"timeout_ms,omitempty" minimum:"100" maximum:"10000" example:"1200" doc:"How long a quote waits for it; never longer than the policy's rating.deadline_ms"`
	Enabled     *bool               `json:"enabled,omitempty" doc:"true when absent"`
}

// CarrierAccountPatch changes what it names and leaves the rest.
type CarrierAccountPatch struct {
	Code        *string              `json:"code,omitempty" minLength:"1" maxLength:"64"`
	Name        *string              `json:"name,omitempty" maxLength:"100"`
	BaseURL     *string              `json:"base_url,omitempty" maxLength:"2000" doc:"Another address needs all credentials again: the old ones are not sent there"`
	Credentials map[string]string    `json:"credentials,omitempty" maxProperties:"20" doc:"Replaces those it names; an empty text removes one"`
	Settings    *map[string]any      `json:"settings,omitempty"`
	ShipFrom    *ShipFrom            `json:"ship_from,omitempty"`
	ByOrigin    *map[string]ShipFrom `json:"ship_from_by_origin,omitempty"`
	TimeoutMS   *int64               `json:"timeout_ms,omitempty" minimum:"100" maximum:"10000"`
	Enabled     *bool                `json:"enabled,omitempty"`
}

// CarrierAccount is an account with a carrier, without its secrets.
type CarrierAccount struct {
	ID          uuid.UUID           `json:"id" format:"uuid"`
	Carrier     string              `json:"carrier"`
	Code        string              `json:"code"`
	Name        string              `json:"name"`
	BaseURL     string              `json:"base_url"`
	Credentials []string            `json:"credentials" doc:"The names of those that are set"`
	Settings    map[string]any      `json:"settings"`
	ShipFrom    *ShipFrom           `json:"ship_from,omitempty"`
	ByOrigin    map[string]ShipFrom `json:"ship_from_by_origin"`
	TimeoutMS   int64               `json:"timeout_ms"`
	Enabled     bool                `json:"enabled"`
	Version     int64               `json:"version"`
	CreatedAt   time.Time           `json:"created_at"`
	UpdatedAt   time.Time           `json:"updated_at"`
}

// CarrierTrial is how an account answered when it was tried.
type CarrierTrial struct {
	OK        bool     `json:"ok"`
	Code      string   `json:"code,omitempty" example:"auth" doc:"Why not: auth, timeout, upstream_5xx, malformed, contract_changed, rate_limited, invalid_request, not_serviceable"`
	Message   string   `json:"message,omitempty" doc:"The carrier's own words"`
	LatencyMS int64    `json:"latency_ms"`
	Services  []string `json:"services" doc:"Those that it has a price for"`
}

func carrierAccountOf(a shipping.Account) CarrierAccount {
	b := CarrierAccount{
		ID: a.ID, Carrier: a.Carrier, Code: a.Code, Name: a.Name, BaseURL: a.BaseURL, Credentials: orEmpty(a.Known), Settings: map[string]any{},
		ByOrigin: map[string]ShipFrom{}, TimeoutMS: a.TimeoutMS, Enabled: a.Enabled, Version: a.Version, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
	_ = json.Unmarshal(a.Settings, &b.Settings) // it was checked before it was kept
	for origin, at := range a.ShipFrom {
		if origin == "" {
			b.ShipFrom = ptr(ShipFrom(at))
			continue
		}
		b.ByOrigin[origin] = ShipFrom(at)
	}
	return b
}

// places puts the addresses into one map, as the room has them.
func places(usual *ShipFrom, byOrigin map[string]ShipFrom) (map[string]shipping.Address, error) {
	all := map[string]shipping.Address{}
	for origin, at := range byOrigin {
		if origin == "" {
			return nil, errValidation.At("body.ship_from_by_origin", "must be by ids of origins")
		}
		all[origin] = shipping.Address(at)
	}
	if usual != nil {
		all[""] = shipping.Address(*usual)
	}
	return all, nil
}

func (b *CarrierAccountForm) form() (shipping.AccountForm, error) {
	f := shipping.AccountForm{
		Carrier: b.Carrier, Code: b.Code, Name: b.Name, BaseURL: b.BaseURL, Credentials: b.Credentials, TimeoutMS: b.TimeoutMS, Enabled: b.Enabled == nil || *b.Enabled,
	}
	var err error
	if f.ShipFrom, err = places(b.ShipFrom, b.ByOrigin); err != nil || b.Settings == nil {
		return f, err
	}
	f.Settings, err = json.Marshal(b.Settings)
	return f, err
}

func (b *CarrierAccountPatch) apply(f *shipping.AccountForm) error {
	put(&f.Code, b.Code)
	put(&f.Name, b.Name)
	put(&f.BaseURL, b.BaseURL)
	put(&f.TimeoutMS, b.TimeoutMS)
	put(&f.Enabled, b.Enabled)
	f.Credentials = maps.Clone(b.Credentials)
	if b.Settings != nil {
		text, err := json.Marshal(*b.Settings)
		if err != nil {
			return err
		}
		f.Settings = text
	}
	if b.ByOrigin != nil {
		usual, ok := f.ShipFrom[""]
		var err error
		if f.ShipFrom, err = places(nil, *b.ByOrigin); err != nil {
			return err
		}
		if ok {
			f.ShipFrom[""] = usual
		}
	}
	if b.ShipFrom != nil {
		if f.ShipFrom == nil {
			f.ShipFrom = map[string]shipping.Address{}
		}
		f.ShipFrom[""] = shipping.Address(*b.ShipFrom)
	}
	return nil
}

// auditedAccount is a form as the audit log may keep it: of credentials only
// which ones are given.
func auditedAccount(f *shipping.AccountForm) any {
	return map[string]any{
		"carrier": f.Carrier, "code": f.Code, "name": f.Name, "base_url": f.BaseURL, "credentials": slices.Sorted(maps.Keys(f.Credentials)),
		"settings": f.Settings, "ship_from": f.ShipFrom, "timeout_ms": f.TimeoutMS, "enabled": f.Enabled,
	}
}

type carrierAccountOut struct {
	ETag string `header:"ETag"`
	Body CarrierAccount
}

func oneCarrierAccount(a shipping.Account, err error) (*carrierAccountOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &carrierAccountOut{ETag: etag(a.Version), Body: carrierAccountOf(a)}, nil
}

type addCarrierAccountIn struct {
	Body CarrierAccountForm
}

type changeCarrierAccountIn struct {
	ByID
	IfMatch
	Body CarrierAccountPatch
}

type carrierTrialOut struct {
	Body CarrierTrial
}

const carrierAccountPath = "/v1/carrier-accounts/{id}"

func registerCarrierAccounts(s *Server, svc carrierAccounts) {
	const tag = "shipping"
	read, write := secret("shipping:read"), secret("shipping:write")
	handle(s, Route{
		ID: "list-carrier-accounts", Method: http.MethodGet, Path: "/v1/carrier-accounts", Tag: tag, Summary: "List the linked carrier accounts, by their code",
		Auth: read,
	}, func(ctx context.Context, _ *struct{}) (*listOut[CarrierAccount], error) {
		all, err := svc.List(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", carrierAccountOf), nil
	})
	handle(s, Route{
		ID: "add-carrier-account", Method: http.MethodPost, Path: "/v1/carrier-accounts", Status: http.StatusCreated, Tag: tag, Summary: "Link an account with a carrier",
		Description: "Any number of accounts, also of one carrier under different codes. Try it with the test route, then name its code in a live price of the shipping policy.",
		Auth:        write, Errors: []*fault.Error{shipping.ErrAccount, shipping.ErrAccountTaken, shipping.ErrAccountMany},
	}, func(ctx context.Context, in *addCarrierAccountIn) (*carrierAccountOut, error) {
		f, err := in.Body.form()
		if err != nil {
			return nil, err
		}
		if err := noteChange(ctx, nil, auditedAccount(&f)); err != nil {
			return nil, err
		}
		return oneCarrierAccount(svc.Add(ctx, caller(ctx).Merchant, f))
	})
	handle(s, Route{
		ID: "read-carrier-account", Method: http.MethodGet, Path: carrierAccountPath, Tag: tag, Summary: "Read a carrier account",
		Auth: read, Errors: []*fault.Error{shipping.ErrAccountNotFound},
	}, func(ctx context.Context, in *ByID) (*carrierAccountOut, error) {
		return oneCarrierAccount(svc.Account(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "change-carrier-account", Method: http.MethodPatch, Path: carrierAccountPath, Tag: tag, Summary: "Change, disable or enable a carrier account",
		Auth: write, Errors: []*fault.Error{shipping.ErrAccountNotFound, shipping.ErrAccount, shipping.ErrAccountTaken, shipping.ErrAccountVersion},
	}, func(ctx context.Context, in *changeCarrierAccountIn) (*carrierAccountOut, error) {
		base, err := in.baseOr()
		if err != nil {
			return nil, err
		}
		return oneCarrierAccount(svc.Change(ctx, caller(ctx).Merchant, in.ID, base, func(f *shipping.AccountForm) error {
			before := auditedAccount(f)
			if err := in.Body.apply(f); err != nil {
				return err
			}
			return noteChange(ctx, before, auditedAccount(f))
		}))
	})
	handle(s, Route{
		ID: "delete-carrier-account", Method: http.MethodDelete, Path: carrierAccountPath, Tag: tag, Summary: "Forget a carrier account and its credentials",
		Auth: write, Errors: []*fault.Error{shipping.ErrAccountNotFound},
	}, func(ctx context.Context, in *ByID) (*struct{}, error) {
		return nil, svc.Delete(ctx, caller(ctx).Merchant, in.ID)
	})
	handle(s, Route{
		ID: "test-carrier-account", Method: http.MethodPost, Path: carrierAccountPath + "/test", Tag: tag, Summary: "Ask a carrier account for a price, to see that it works",
		Description: "A parcel of one kilogram within the country that it is sent from. Nothing is bought.",
		Auth:        write, Once: OnceNever, Errors: []*fault.Error{shipping.ErrAccountNotFound, shipping.ErrAccount},
	}, func(ctx context.Context, in *ByID) (*carrierTrialOut, error) {
		t, err := svc.Test(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, inBody(err, "body")
		}
		return &carrierTrialOut{Body: CarrierTrial{OK: t.OK, Code: t.Code, Message: t.Message, LatencyMS: t.LatencyMS, Services: orEmpty(t.Services)}}, nil
	})
}
