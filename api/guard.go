package api

import (
	"net/netip"

	"doorstep/cart"
	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// About is what the door knows of a request, for those who carry it on in the
// context (log, trace, locale, actor).
type About struct {
	Trace    string
	Lang     locale.Lang
	Merchant uuid.UUID // zero on public routes
	KeyID    uuid.UUID
	Shopper  netip.Addr
}

// guard stands before the handler of a route and keeps everything that the
// route demands. The order matters: who, from where, how often, and only then
// what; nothing has an effect before all of it holds.
func (s *Server) guard(route *Route, handler fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		r := requestOf(c)
		r.route = route
		if !route.Free {
			defer s.crowd.leave()
			if err := s.crowd.enter(route); err != nil {
				return err
			}
		}
		life := r.begin(s.base, route.Deadline)
		defer func() { life.end() }()
		if err := s.enter(c, r); err != nil {
			return err
		}
		if route.Upload {
			remove, err := s.spool(c, r)
			if err != nil {
				return err
			}
			defer remove()
			life.end()
			life = r.begin(s.base, route.Deadline) // the time of the upload does not count
		}
		if err := checkBody(c, r); err != nil {
			return err
		}
		if s.enrich != nil {
			r.ctx = s.enrich(r.ctx, About{Trace: r.trace, Lang: r.lang, Merchant: r.caller.Merchant, KeyID: r.caller.KeyID, Shopper: r.ip})
		}
		if route.visited() {
			r.ctx = cart.WithVisit(r.ctx, visit(c, r))
		}
		c.SetUserContext(r.ctx)
		// Answers are for one caller unless the handler says otherwise.
		c.Response().Header.SetCanonical(hCache, vNoStore)
		var err error
		if route.Once == OnceNever {
			err = handler(c)
		} else {
			err = s.once(c, r, handler)
		}
		if route.visited() {
			s.trouble(c, r, err)
		}
		return err
	}
}

var (
	hCache   = []byte(fiber.HeaderCacheControl)
	vNoStore = []byte("no-store")
)

// enter finds the caller and settles whether they may come in.
func (s *Server) enter(c *fiber.Ctx, r *request) error {
	if err := s.admit(r.ctx, c, r); err != nil {
		return err
	}
	if err := s.admitOrigin(c, r); err != nil {
		return err
	}
	s.admitShopper(c, r)
	r.now = s.clock.Now()
	if err := s.limits.take(r, r.now); err != nil {
		return err
	}
	return checkAddress(c)
}
