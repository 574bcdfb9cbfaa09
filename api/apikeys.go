package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"

	"github.com/google/uuid"
)

// apiKeys is all that these routes ask of the room of people.
type apiKeys interface {
	ListKeys(ctx context.Context, merchant uuid.UUID) ([]customer.Key, error)
	Key(ctx context.Context, merchant, key uuid.UUID) (customer.Key, error)
	CreateKey(ctx context.Context, merchant uuid.UUID, n customer.NewKey) (customer.Key, string, error)
	RevokeKey(ctx context.Context, merchant, key uuid.UUID) (customer.Key, error)
}

// APIKeyForm is a key to be made.
type APIKeyForm struct {
	Kind      string     `json:"kind" enum:"publishable,secret" example:"secret" doc:"A publishable key may do what a shopper may and stands in web pages; a secret key does what its scopes say and stays on servers"`
	Name      string     `json:"name,omitempty" maxLength:"200" example:"accounting" doc:"What it is for"`
	Scopes    []string   `json:"scopes,omitempty" maxItems:"30" maxLength:"40" example:"orders:read" doc:"Of a secret key, at least one; * is everything"`
	Origins   []string   `json:"origins,omitempty" maxItems:"20" maxLength:"256" doc:"Of a publishable key: the web origins where browsers may use it, such as https://shop.example; * is any, none means outside of web pages only"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Never when absent"`
}

// APIKey is what is known of a key; the key itself is kept nowhere.
type APIKey struct {
	ID         uuid.UUID  `json:"id" format:"uuid"`
	Kind       string     `json:"kind" enum:"publishable,secret"`
	Status     string     `json:"status" enum:"active,expired,revoked"`
	Name       string     `json:"name"`
	Last4      string     `json:"last_four" doc:"Its last four signs, to tell keys apart"`
	Scopes     []string   `json:"scopes"`
	Origins    []string   `json:"origins"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"To the minute; absent when it was never used"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
}

// NewAPIKey is a key together with its text.
type NewAPIKey struct {
	APIKey
	Key string `json:"key" doc:"The key itself; it is shown only now"`
}

type apiKeyOut struct{ Body APIKey }

type newAPIKeyOut struct{ Body NewAPIKey }

type createAPIKeyIn struct{ Body APIKeyForm }

// form is the key as the room makes it.
func (b *APIKeyForm) form() customer.NewKey {
	return customer.NewKey{Kind: customer.KeyKind(b.Kind), Name: b.Name, Scopes: b.Scopes, Origins: b.Origins, ExpiresAt: b.ExpiresAt}
}

// apiKeyOf writes a key as it stands at now.
func apiKeyOf(k customer.Key, now time.Time) APIKey {
	status := "active"
	switch {
	case k.RevokedAt != nil:
		status = "revoked"
	case k.ExpiresAt != nil && !now.Before(*k.ExpiresAt):
		status = "expired"
	}
	return APIKey{
		ID: k.ID, Kind: string(k.Kind), Status: status, Name: k.Name, Last4: k.Last4, Scopes: orEmpty(k.Scopes), Origins: orEmpty(k.Origins),
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt,
	}
}

func registerAPIKeys(s *Server, svc apiKeys) {
	const tag = "settings"
	handle(s, Route{
		ID: "list-api-keys", Method: http.MethodGet, Path: "/v1/api-keys", Tag: tag, Summary: "List the keys of the shop, those that work first",
		Description: "Keys that work, then expired ones, then revoked ones, each the newest first, 200 at most. The keys themselves are kept nowhere.",
		Auth:        secret("settings:read"),
	}, func(ctx context.Context, _ *struct{}) (*listOut[APIKey], error) {
		all, err := svc.ListKeys(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		now := s.clock.Now()
		return listOf(all, "", func(k customer.Key) APIKey { return apiKeyOf(k, now) }), nil
	})
	handle(s, Route{
		ID: "create-api-key", Method: http.MethodPost, Path: "/v1/api-keys", Status: http.StatusCreated, Tag: tag, Summary: "Make a key",
		Description: "The answer holds the key, so it is not kept for a repeat, which makes another key. Nobody can give a key what they may not do themselves.",
		Auth:        secret("settings:write"), Once: OnceNever, Fresh: true,
		Errors: []*fault.Error{customer.ErrKeyRefused, customer.ErrTooManyKeys, errScopeMissing, errSignInAgain},
	}, func(ctx context.Context, in *createAPIKeyIn) (*newAPIKeyOut, error) {
		who := caller(ctx)
		if err := who.covers(in.Body.Scopes); err != nil {
			return nil, err
		}
		if who.ExpiresAt != nil && (in.Body.ExpiresAt == nil || in.Body.ExpiresAt.After(*who.ExpiresAt)) {
			return nil, customer.ErrKeyRefused.At("body.expires_at", "must not be later than that of the key which makes it")
		}
		k, text, err := svc.CreateKey(ctx, who.Merchant, in.Body.form())
		if err != nil {
			return nil, inBody(err, "body")
		}
		return &newAPIKeyOut{NewAPIKey{apiKeyOf(k, s.clock.Now()), text}}, nil
	})
	handle(s, Route{
		ID: "revoke-api-key", Method: http.MethodPost, Path: "/v1/api-keys/{id}/revoke", Tag: tag, Summary: "End a key for good",
		Description: "At once on the node that answers, and within a second on all others. Revoking again changes nothing.",
		Auth:        secret("settings:write"), Fresh: true, Errors: []*fault.Error{customer.ErrKeyUnknown, errSignInAgain},
	}, func(ctx context.Context, in *ByID) (*apiKeyOut, error) {
		who := caller(ctx)
		k, err := svc.Key(ctx, who.Merchant, in.ID)
		if err == nil {
			err = who.covers(k.Scopes) // they never change
		}
		if err != nil {
			return nil, err
		}
		k, err = svc.RevokeKey(ctx, who.Merchant, in.ID)
		return &apiKeyOut{apiKeyOf(k, s.clock.Now())}, err
	})
}

// covers refuses to give or take a key that may do more than the caller.
func (p Principal) covers(scopes []string) error {
	for _, scope := range scopes {
		if !p.Has(scope) {
			return errScopeMissing.With("scope", scope)
		}
	}
	return nil
}
