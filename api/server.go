package api

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"doorstep/cart"
	"doorstep/internal/clock"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Options are what the door needs from the rest of the program.
type Options struct {
	Log *slog.Logger
	// Clock is the program's clock; only the rate limits use it here.
	Clock clock.Clock
	// Keys finds the holders of API keys.
	Keys Keys
	// Idempotency keeps the answers to writes.
	Idempotency Idempotency
	// OriginKnown says whether any publishable key lists the web origin; nil
	// refuses every preflight.
	OriginKnown func(ctx context.Context, origin string) bool
	// OwnOrigins are the origins of the program's own pages, such as the
	// reference storefront; browsers send Origin there too.
	OwnOrigins []string
	// PlainCookies leaves Secure off the cookies of staff, for a program that is
	// reached without TLS on its own machine.
	PlainCookies bool
	// TrustedProxies may say whom they speak for (X-Forwarded-For, Shopper-IP).
	TrustedProxies []netip.Prefix
	// Ready says why the program cannot serve; nil or a nil error is ready.
	Ready func(ctx context.Context) error
	// Version is shown at /version and in the document.
	Version Version
	// Limits of general traffic; zero values are the defaults.
	Limits Limits
	// InFlight is how many requests may be inside at once; beyond that they are
	// turned away with overloaded. 0 is the default of 512.
	InFlight int
	// Enrich carries what the door knows into the context of the rooms.
	Enrich func(ctx context.Context, about About) context.Context
	// Observe is told about every answered request.
	Observe func(Seen)
	// TempDir holds uploads while they are read; empty is the system's.
	TempDir string
	// UploadDir keeps files that are to be imported until that is done, on the
	// disk of TempDir if possible; empty is TempDir.
	UploadDir string
	// Feed says up to when ProductsChanged has told of every change, by Clock:
	// search.FollowerStatus.At. Without it answers are kept for half a second.
	Feed func() time.Time
}

// Version says which program this is.
type Version struct {
	Version string `json:"version" example:"1.0.0"`
	Commit  string `json:"commit" example:"4f2a9c1"`
	Go      string `json:"go" example:"go1.26.8"`
}

// Server is the HTTP door. Make it with New, add the rooms with Register, and
// then Serve.
type Server struct {
	app  *fiber.App
	huma huma.API
	// documentOnly shares huma's document but serves nothing.
	documentOnly huma.API
	declaring    *Route
	routes       []*Route
	uploads      map[string]bool // "METHOD path" of routes that stream their body
	bodies       []bodySize      // of routes that take larger ones than usual
	pages        []string
	sealed       atomic.Pointer[document]

	log         *slog.Logger
	clock       clock.Clock
	machine     clock.System     // real time, for durations and sockets
	later       func(cart.Event) // writes into the log of journeys, soon; nil drops it
	base        context.Context
	stop        context.CancelFunc
	keys        Keys
	sessions    Sessions // nil: staff cannot sign in
	idempotency Idempotency
	originKnown func(context.Context, string) bool
	ownOrigins  []string
	// plainCookies: see Options
	plainCookies bool
	proxies      []netip.Prefix
	limits       *limiter
	crowd        crowd
	ready        func(context.Context) error
	version      Version
	enrich       func(context.Context, About) context.Context
	observe      func(Seen)
	tempDir      string
	uploadDir    string
	feed         func() time.Time
	audit        auditLog // nil: nothing is written down

	changes        *changes
	productAnswers *byteCache
	searchAnswers  *byteCache
}

const (
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = 75 * time.Second
	headerLimit  = 16 << 10
)

// New makes a server that answers health, version and documentation. Keys and
// Idempotency must be there; it panics without them.
func New(o Options) *Server {
	if o.Keys == nil || o.Idempotency == nil {
		panic("api: Keys and Idempotency are needed")
	}
	s := &Server{
		log: o.Log, clock: o.Clock, keys: o.Keys, idempotency: o.Idempotency, originKnown: o.OriginKnown,
		ownOrigins: o.OwnOrigins, plainCookies: o.PlainCookies, proxies: o.TrustedProxies, limits: newLimiter(o.Limits), ready: o.Ready,
		version: o.Version, enrich: o.Enrich, observe: o.Observe, tempDir: o.TempDir, uploadDir: o.UploadDir,
		feed: o.Feed, uploads: map[string]bool{},
		changes: newChanges(), productAnswers: newByteCache(productBytes), searchAnswers: newByteCache(searchBytes),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = &s.machine
	}
	if s.tempDir == "" {
		s.tempDir = os.TempDir()
	}
	s.crowd.most = int64(cmp.Or(o.InFlight, usualInFlight))
	if s.uploadDir == "" {
		s.uploadDir = s.tempDir
	}
	s.base, s.stop = context.WithCancel(context.Background())
	s.app = fiber.New(fiber.Config{
		AppName: "Doorstep", DisableStartupMessage: true,
		CaseSensitive: true, StrictRouting: true,
		Immutable:         true, // strings of the context may be kept; without it they change under the next request
		StreamRequestBody: true, BodyLimit: uploadLimit, DisablePreParseMultipartForm: true,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, ReadBufferSize: headerLimit,
		ErrorHandler: s.parserError,
	})
	s.app.Server().CloseOnShutdown = true
	s.app.Server().Handler = s.knownMethods(s.app.Server().Handler)
	s.app.Use(s.edge)
	s.huma = newHuma(s)
	registerHealth(s)
	registerPages(s)
	return s
}

// parserError answers what never reached the edge: a request that the HTTP
// parser gave up on.
func (s *Server) parserError(c *fiber.Ctx, err error) error {
	r := &request{server: s, trace: traceFrom(nil)}
	s.setHeaders(c, r)
	s.writeProblem(c, r, err)
	c.Context().SetConnectionClose()
	return nil
}

// knownMethods answers methods that Fiber would refuse in plain text.
func (s *Server) knownMethods(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	known := map[string]bool{}
	for _, m := range fiber.DefaultMethods {
		known[m] = true
	}
	return func(ctx *fasthttp.RequestCtx) {
		if known[string(ctx.Method())] {
			next(ctx)
			return
		}
		c := s.app.AcquireCtx(ctx)
		defer s.app.ReleaseCtx(c)
		_ = s.parserError(c, errMethod) // it answers in any case
	}
}

// App is the Fiber app, for rooms that serve pages beside the API. Every
// request to it passes the edge: limits, headers, problems.
func (s *Server) App() *fiber.App { return s.app }

// Handler serves one request in process, for tests and benchmarks.
func (s *Server) Handler() fasthttp.RequestHandler {
	_ = s.app.Handler() // builds the router
	return s.app.Server().Handler
}

// Test sends one request through the whole server without a socket.
func (s *Server) Test(req *http.Request) (*http.Response, error) {
	return s.app.Test(req, int((30 * time.Second).Milliseconds()))
}

// Serve answers on the listener until Shutdown.
func (s *Server) Serve(ln net.Listener) error { return s.app.Listener(ln) }

// Shutdown stops accepting, waits for the running requests until ctx ends, and
// then cuts off those that are left.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.stop()
	return s.app.ShutdownWithContext(ctx)
}
