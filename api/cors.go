package api

import (
	"context"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, If-None-Match, " +
		"Cart-Secret, Checkout-Secret, Conversation-Secret, Customer-Session, Order-Token, Visitor-Id, Device-Class, Test-Traffic, traceparent"
	corsExposed = "ETag, Retry-After, Idempotent-Replayed, X-Trace-Id"
	corsMaxAge  = "600"
)

var (
	hVary   = []byte(fiber.HeaderVary)
	vOrigin = []byte(fiber.HeaderOrigin)
)

// preflight answers a browser's question before a call from another origin.
// It carries no key, so the answer is yes when any publishable key lists the
// origin; whether this key does is settled by the call itself. It returns false
// when the request is no preflight.
func (s *Server) preflight(c *fiber.Ctx, r *request) (bool, error) {
	h := &c.Request().Header
	if !h.IsOptions() || len(h.Peek(fiber.HeaderOrigin)) == 0 || len(h.Peek(fiber.HeaderAccessControlRequestMethod)) == 0 ||
		!strings.HasPrefix(c.Path(), "/v1/") {
		return false, nil
	}
	c.Set(fiber.HeaderVary, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	origin := string(h.Peek(fiber.HeaderOrigin))
	ctx, cancel := context.WithTimeout(s.base, usual)
	defer cancel()
	if len(origin) > 256 || s.originKnown == nil || !s.originKnown(ctx, origin) {
		return true, errOrigin
	}
	c.Set(fiber.HeaderAccessControlAllowOrigin, origin)
	c.Set(fiber.HeaderAccessControlAllowMethods, corsMethods)
	c.Set(fiber.HeaderAccessControlAllowHeaders, corsHeaders)
	c.Set(fiber.HeaderAccessControlMaxAge, corsMaxAge)
	c.Status(fiber.StatusNoContent)
	return true, nil
}

// admitOrigin refuses a call from a page that the publishable key does not
// list, before it has any effect: a browser would only hide the answer. The
// program's own pages are no foreign origin. Secret keys and public routes get
// no CORS headers, so no page can read what they answer.
func (s *Server) admitOrigin(c *fiber.Ctx, r *request) error {
	if r.route.Auth.Public() {
		return nil
	}
	c.Response().Header.SetCanonical(hVary, vOrigin)
	peeked := c.Request().Header.Peek(fiber.HeaderOrigin)
	if len(peeked) == 0 || r.caller.Secret {
		return nil
	}
	origin := string(peeked)
	if slices.ContainsFunc(s.ownOrigins, func(o string) bool { return strings.EqualFold(o, origin) }) {
		return nil
	}
	if !r.caller.allows(origin) {
		return errOrigin
	}
	c.Set(fiber.HeaderAccessControlAllowOrigin, origin)
	c.Set(fiber.HeaderAccessControlExposeHeaders, corsExposed)
	return nil
}
