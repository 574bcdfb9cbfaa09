package api

import (
	"context"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Sessions finds out who of the staff is signed in. It fails with
// customer.ErrStaffSession.
type Sessions interface {
	StaffSession(ctx context.Context, token string) (customer.StaffSession, error)
}

// The faults of calls that are made with the cookie of a session.
var (
	errStaffRequired = fault.New(fault.Forbidden, "staff_session_required", "This is for people who are signed in as staff, not for keys.")
	errCSRF          = fault.New(fault.Forbidden, "csrf_refused", "A change made with a session needs its token in CSRF-Token, and must come from the program's own pages.")
	errSignInAgain   = fault.New(fault.Forbidden, "sign_in_again", "This asks for a sign-in within the last 15 minutes. Sign in again.")
)

const (
	// csrfHeader carries the token that the session was given when it began.
	csrfHeader = "CSRF-Token"
	// plainCookie is the name where TLS is missing, on a machine's own loopback;
	// browsers believe the other one only with Secure, without Domain and for the
	// whole host, so that no neighbouring host can plant it.
	plainCookie  = "doorstep-staff"
	secureCookie = "__Host-doorstep-staff"
	// freshFor is how long ago a sign-in may be for what needs a fresh one.
	freshFor = 15 * time.Minute
)

func (s *Server) cookieName() string {
	if s.plainCookies {
		return plainCookie
	}
	return secureCookie
}

// setCookie is the Set-Cookie header that begins a session, or ends one when the
// token is empty.
func (s *Server) setCookie(token string, life time.Duration) string {
	c := fasthttp.AcquireCookie()
	defer fasthttp.ReleaseCookie(c)
	c.SetKey(s.cookieName())
	c.SetValue(token)
	c.SetPath("/")
	if c.SetMaxAge(int(life / time.Second)); token == "" {
		c.SetExpire(fasthttp.CookieExpireDelete)
	}
	c.SetHTTPOnly(true)
	c.SetSecure(!s.plainCookies)
	c.SetSameSite(fasthttp.CookieSameSiteLaxMode)
	return c.String()
}

// admitStaff lets in who is signed in by a cookie. Whatever changes something
// must also prove that it comes from our own pages: a browser sends the cookie
// along wherever it is told to.
func (s *Server) admitStaff(ctx context.Context, c *fiber.Ctx, r *request, token string) error {
	sn, err := s.sessions.StaffSession(ctx, token)
	if err != nil {
		return err
	}
	r.caller = Principal{Merchant: sn.Merchant, KeyID: sn.ID, Secret: true, Scopes: sn.Role.Scopes(), Staff: sn.StaffID}
	r.session = token
	if r.route.write() {
		sent := c.Request().Header.Peek(csrfHeader)
		if subtle.ConstantTimeCompare(sent, []byte(customer.CSRFToken(token))) != 1 || !s.ownPage(c, true) {
			return errCSRF
		}
	}
	if r.route.Fresh && s.clock.Now().Sub(sn.CreatedAt) > freshFor {
		return errSignInAgain
	}
	return nil
}

// ownPage says whether a browser's request comes from one of our own pages. A
// request that does not say so at all passes unless it must: it is no browser's.
func (s *Server) ownPage(c *fiber.Ctx, must bool) bool {
	h := &c.Request().Header
	if site := string(h.Peek("Sec-Fetch-Site")); site != "" { // no page can write this header itself
		return site == "same-origin"
	}
	if origin := string(h.Peek(fiber.HeaderOrigin)); origin != "" {
		return slices.ContainsFunc(s.ownOrigins, func(o string) bool { return strings.EqualFold(o, origin) })
	}
	return !must
}

// fromOwnPage refuses what a page of somebody else makes a browser send, on
// routes that ask for neither key nor session: such as signing the reader in
// under another name.
func fromOwnPage(ctx context.Context) error {
	if r := requestIn(ctx); r.elsewhere {
		return errCSRF
	}
	return nil
}
