package api

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

func addFast(s *Server) {
	type out struct {
		ETag string `header:"ETag"`
		Body note
	}
	fast[struct {
		Slug string `path:"slug"`
	}, out](s, Route{ID: "read-product", Method: http.MethodGet, Path: "/v1/products/{slug}", Tag: "products", Summary: "Read a product", Auth: publishable()}, serveBytes)
}

var cached = []byte(`{"text":"a product of some length, as cached bytes"}`)

func serveBytes(c *fiber.Ctx) error {
	if notModified(c, `"1"`) {
		return nil
	}
	c.Response().Header.SetContentType(fiber.MIMEApplicationJSON)
	c.Response().SetBodyRaw(cached)
	return nil
}

func TestFastRoutesKeepEveryRuleOfTheDoor(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addFast(s)
	Register(s, Rooms{})
	run(t, s, []scenario{
		{name: "served", method: "GET", path: "/v1/products/mug", header: with(shopKey, "Origin", "https://shop.example"), status: 200, want: []string{"cached bytes"},
			wantHeader: map[string]string{"ETag": `"1"`, "Access-Control-Allow-Origin": "https://shop.example", "X-Frame-Options": "DENY"}},
		{name: "known", method: "GET", path: "/v1/products/mug", header: map[string]string{"If-None-Match": `"0", W/"1"`}, status: 304},
		{name: "no key", method: "GET", path: "/v1/products/mug", header: map[string]string{"Authorization": ""}, status: 401},
		{name: "foreign page", method: "GET", path: "/v1/products/mug", header: with(shopKey, "Origin", "https://evil.example"), status: 403},
		{name: "documented", method: "GET", path: "/openapi.json", status: 200, want: []string{`"/v1/products/{slug}"`, `"operationId":"read-product"`}},
	})
}

// humaNote answers through huma what serveBytes answers from memory.
func humaNote(_ context.Context, _ *struct {
	ID string `path:"id"`
}) (*struct{ Body note }, error) {
	return &struct{ Body note }{note{Text: "a product of some length, as cached bytes"}}, nil
}

var peerOfBench = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}

// benchHandler answers one prepared request in process.
func benchHandler(b *testing.B, h fasthttp.RequestHandler) {
	b.Helper()
	benchPath(b, h, "/v1/products/mug")
}

// benchPath answers one prepared request in process, and gives the body.
func benchPath(b *testing.B, h fasthttp.RequestHandler, path string) []byte {
	b.Helper()
	var req fasthttp.Request
	req.SetRequestURI(path)
	req.Header.SetHost("x")
	req.Header.Set("Authorization", "Bearer "+shopKey)
	ctx := &fasthttp.RequestCtx{}
	b.ReportAllocs()
	for b.Loop() {
		ctx.Init(&req, peerOfBench, nil)
		h(ctx)
		if ctx.Response.StatusCode() != 200 {
			b.Fatal(ctx.Response.StatusCode(), string(ctx.Response.Body()))
		}
	}
	return ctx.Response.Body()
}

func bareFiber() *fiber.App {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/v1/products/:slug", serveBytes)
	return app
}

// oneKey knows a single key, at no cost.
type oneKey struct{ Principal }

func (k oneKey) Authenticate(context.Context, string) (Principal, error) { return k.Principal, nil }

func quiet(o *Options) {
	o.Keys = oneKey{Principal{Merchant: merchant, KeyID: merchant}}
	o.Log, o.Limits = nil, Limits{}
	o.Limits.Publishable = Limit{PerSecond: 1e9, Burst: 1 << 30} // counted, never refused
}

// The three ways to answer the same bytes, without a socket: bare Fiber, a fast
// route, a huma route.
func BenchmarkAnswer(b *testing.B) {
	b.Run("fiber", func(b *testing.B) { benchHandler(b, bareFiber().Handler()) })
	b.Run("fast", func(b *testing.B) {
		s, _ := newServer(b, quiet)
		addFast(s)
		benchHandler(b, s.Handler())
	})
	b.Run("huma", func(b *testing.B) {
		s, _ := newServer(b, quiet)
		handle(s, Route{ID: "p", Method: http.MethodGet, Path: "/v1/products/{id}", Tag: "x", Summary: "x", Auth: publishable()}, humaNote)
		benchHandler(b, s.Handler())
	})
}

// The same over loopback with keep-alive, as a shopper's client sees it.
func BenchmarkServe(b *testing.B) {
	get := func(b *testing.B, addr string) {
		b.Helper()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			client := &fasthttp.HostClient{Addr: addr}
			req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			req.SetRequestURI("http://x/v1/products/mug")
			req.Header.Set("Authorization", "Bearer "+shopKey)
			for pb.Next() {
				if err := client.Do(req, res); err != nil || res.StatusCode() != 200 {
					b.Error(err, res.StatusCode())
					return
				}
			}
			client.CloseIdleConnections()
		})
	}
	b.Run("fiber", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		app := bareFiber()
		go func() { _ = app.Listener(ln) }()
		defer func() { _ = app.Shutdown() }()
		get(b, ln.Addr().String())
	})
	b.Run("fast", func(b *testing.B) {
		s, _ := newServer(b, quiet)
		addFast(s)
		get(b, listen(b, s))
	})
	b.Run("huma", func(b *testing.B) {
		s, _ := newServer(b, quiet)
		handle(s, Route{ID: "p", Method: http.MethodGet, Path: "/v1/products/{id}", Tag: "x", Summary: "x", Auth: publishable()}, humaNote)
		get(b, listen(b, s))
	})
}
