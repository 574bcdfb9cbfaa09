package api

import (
	"context"
	"net/netip"
	"os"
	"time"

	"doorstep/customer"
	"doorstep/internal/idem"
	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// request is what the edge and the guard found out about one request. It lives
// in the Fiber context and in the context of the handler.
type request struct {
	server  *Server
	trace   string
	started time.Time // by the machine's clock
	now     time.Time // by the program's clock, once it has entered
	route   *Route    // nil until a route has matched
	caller  Principal
	ip      netip.Addr
	peer    netip.Addr    // of who calls, whatever Shopper-IP says
	act     *customer.Act // what the audit log will say, when it will
	named   bool          // ip is what Shopper-IP says
	session string        // the token of a member of staff
	// elsewhere says of a public route that a browser calls it from a page that is
	// not ours.
	elsewhere bool
	lang      locale.Lang
	once      idem.Key
	body      []byte
	pending   bool // a body is still to be read from the connection
	file      *os.File
	digest    []byte // SHA-256 of file
	ctx       context.Context
}

// requestKey finds the request in both contexts.
type requestKey struct{}

// requestOf finds the request in Fiber's context. Errors of the HTTP parser
// come without one, so an empty one stands in.
func requestOf(c *fiber.Ctx) *request {
	if r, ok := c.Locals(requestKey{}).(*request); ok {
		return r
	}
	return &request{lang: locale.En}
}

// requestIn finds the request in a handler's context.
func requestIn(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{lang: locale.En}
}

func (r *request) context() context.Context {
	if r.ctx == nil {
		return context.Background()
	}
	return r.ctx
}

// pattern is the route as declared. Paths as sent are never logged, for they
// hold tokens.
func (r *request) pattern() string {
	if r.route == nil {
		return "-"
	}
	return r.route.Path
}

// caller is the holder of the API key; on public routes it is empty.
func caller(ctx context.Context) Principal { return requestIn(ctx).caller }

// contextOf is the context with the deadline, for Fiber handlers.
func contextOf(c *fiber.Ctx) context.Context { return requestOf(c).context() }

// shopper is the address of the person who buys: Shopper-IP where it may be
// believed, else the peer's.
func shopper(ctx context.Context) netip.Addr { return requestIn(ctx).ip }

// guesser is the address that wrong guesses are counted for. It is empty when
// nobody knows whose they are: a server of the merchant that names no Shopper-IP
// stands for all its shoppers.
func guesser(ctx context.Context) string {
	if r := requestIn(ctx); r.ip.IsValid() && (r.named || !r.caller.Secret) {
		return r.ip.String()
	}
	return ""
}

// language is what Accept-Language asks for, among those we speak.
func language(ctx context.Context) locale.Lang { return requestIn(ctx).lang }

// onceKey is the Idempotency-Key of a route that is OnceInside, for the room to
// claim in its own transaction.
func onceKey(ctx context.Context) idem.Key { return requestIn(ctx).once }

// upload is the file that holds the body of an Upload route, at its start. It
// is removed after the handler; a room that needs it longer links it elsewhere.
func upload(ctx context.Context) *os.File { return requestIn(ctx).file }
