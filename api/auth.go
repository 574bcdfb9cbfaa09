package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// Keys finds out whose API key it is. The key's form (prefix, length, signs)
// has been checked. Errors are faults: key_invalid, or key_revoked once it has
// ended.
type Keys interface {
	Authenticate(ctx context.Context, key string) (Principal, error)
}

// Principal is the holder of an API key, or a member of staff who is signed in.
type Principal struct {
	Merchant uuid.UUID
	KeyID    uuid.UUID
	// Secret keys may do what their scopes say; publishable ones what a shopper may.
	Secret bool
	// Scopes such as "orders:read"; "orders:write" includes the reading, "*" is all.
	Scopes []string
	// Origins are the web origins where a publishable key may be used, such as
	// "https://shop.example"; "*" is any. Without any, only requests without an
	// Origin header pass: those of apps and servers.
	Origins []string
	// ExpiresAt is when the key ends; nil is never, and for a session.
	ExpiresAt *time.Time
	// Staff is who is signed in, when a session and not a key was shown; KeyID is
	// the session then, and Secret and Scopes say what the role may do.
	Staff uuid.UUID
}

// Has says whether the key's scopes include scope.
func (p Principal) Has(scope string) bool {
	area, reading := strings.CutSuffix(scope, ":read")
	for _, s := range p.Scopes {
		if s == scope || s == "*" || reading && s == area+":write" {
			return true
		}
	}
	return false
}

// Need is who may call a route.
type Need struct {
	level level
	scope string
}

type level uint8

const (
	levelPublic level = iota + 1
	levelPublishable
	levelSecret
	levelStaff
)

const (
	publishableScheme = "publishable_key"
	secretScheme      = "secret_key"
	staffScheme       = "staff_session"
)

// public routes ask for no key: health, signed links, webhooks with signatures.
func public() Need { return Need{level: levelPublic} }

// publishable routes take a publishable or a secret key.
func publishable() Need { return Need{level: levelPublishable} }

// secret routes take a secret key with the scope, such as "orders:write".
func secret(scope string) Need {
	area, access, ok := strings.Cut(scope, ":")
	if !ok || area == "" || access != "read" && access != "write" {
		panic("api: " + scope + " is no scope")
	}
	return Need{level: levelSecret, scope: scope}
}

// staffOnly routes are for somebody of the staff who is signed in, whatever the
// role; keys do not open them.
func staffOnly() Need { return Need{level: levelStaff} }

// Staff says that somebody must be signed in.
func (n Need) Staff() bool { return n.level == levelStaff }

// Public says that no key is asked for.
func (n Need) Public() bool { return n.level == levelPublic }

// Publishable says that a publishable key is enough.
func (n Need) Publishable() bool { return n.level == levelPublishable }

// Secret says that a secret key is needed, with Scope.
func (n Need) Secret() bool { return n.level == levelSecret }

// Scope is what a secret key must have; empty for other needs.
func (n Need) Scope() string { return n.scope }

// String is "public", "publishable", "staff" or "secret orders:write".
func (n Need) String() string {
	switch n.level {
	case levelPublic:
		return "public"
	case levelPublishable:
		return "publishable"
	case levelStaff:
		return "staff"
	default:
		return "secret " + n.scope
	}
}

func (n Need) security() []map[string][]string {
	switch n.level {
	case levelPublishable:
		return []map[string][]string{{publishableScheme: {}}, {secretScheme: {}}}
	case levelSecret:
		return []map[string][]string{{secretScheme: {n.scope}}, {staffScheme: {n.scope}}}
	case levelStaff:
		return []map[string][]string{{staffScheme: {}}}
	default:
		return nil
	}
}

// admit finds the caller and checks that the route is open to them.
func (s *Server) admit(ctx context.Context, c *fiber.Ctx, r *request) error {
	need := r.route.Auth
	if need.Public() {
		r.elsewhere = !s.ownPage(c, false)
		return nil
	}
	if err := s.identify(ctx, c, r); err != nil {
		return err
	}
	if need.Staff() && r.caller.Staff == uuid.Nil {
		return errStaffRequired
	}
	if need.Secret() && !r.caller.Secret {
		return errSecretRequired
	}
	if need.Secret() && !r.caller.Has(need.scope) {
		return errScopeMissing.With("scope", need.scope)
	}
	return nil
}

// identify finds the caller by their key or, when none is sent, by the cookie of
// their session.
func (s *Server) identify(ctx context.Context, c *fiber.Ctx, r *request) error {
	header := string(c.Request().Header.Peek(fiber.HeaderAuthorization))
	if header == "" && s.sessions != nil {
		if token := c.Cookies(s.cookieName()); token != "" {
			return s.admitStaff(ctx, c, r, token)
		}
	}
	key, err := bearer(header)
	if err != nil {
		return err
	}
	if r.caller, err = s.keys.Authenticate(ctx, key); err != nil {
		return err
	}
	if r.caller.Secret != strings.HasPrefix(key, "ds_sk_") {
		return errKeyInvalid
	}
	return nil
}

// bearer takes the key out of the header; what cannot be a key of ours is
// refused without a query.
func bearer(header string) (string, error) {
	if header == "" {
		return "", errKeyMissing
	}
	scheme, key, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", errKeyMissing
	}
	key = strings.TrimSpace(key)
	if !strings.HasPrefix(key, "ds_pk_") && !strings.HasPrefix(key, "ds_sk_") || len(key) > 256 {
		return "", errKeyInvalid
	}
	for i := range len(key) {
		if b := key[i]; (b < '0' || b > '9') && (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') && b != '_' && b != '-' {
			return "", errKeyInvalid
		}
	}
	return key, nil
}

// allows says whether a publishable key may be used on pages of origin.
func (p Principal) allows(origin string) bool {
	return slices.ContainsFunc(p.Origins, func(o string) bool { return o == "*" || strings.EqualFold(o, origin) })
}
