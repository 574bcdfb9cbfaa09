package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
)

// huma keeps these as variables of its package, so they are set once, before
// any server exists.
func init() {
	huma.NewErrorWithContext = problemOfHuma
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return problemOfHuma(nil, status, msg, errs...)
	}
	// A parser's error may quote the value, so only its format's words stay.
	huma.ErrorFormatter = func(format string, args ...any) string { //nolint:reassign // it is there to be set
		for _, a := range args {
			if _, ok := a.(error); ok {
				return strings.TrimSuffix(format, ": %v")
			}
		}
		return fmt.Sprintf(format, args...)
	}
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
}

// newHuma builds huma's part of the server: validation and the document, but
// no pages of its own and no $schema links (CreateHooks).
func newHuma(s *Server) huma.API {
	config := huma.DefaultConfig("Doorstep", s.version.Version)
	config.CreateHooks = nil
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.Formats = map[string]huma.Format{"application/json": codec, "json": codec}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		publishableScheme: {Type: "http", Scheme: "bearer", BearerFormat: "ds_pk_...", Description: "Publishable key: may be shown in a storefront"}, //nolint:gosec // forms of keys, no keys
		secretScheme:      {Type: "http", Scheme: "bearer", BearerFormat: "ds_sk_...", Description: "Secret key: for servers only, limited by its scopes"},
		staffScheme:       {Type: "apiKey", In: "cookie", Name: s.cookieName(), Description: "Session of a member of staff, limited by the role; changes also need CSRF-Token"},
	}
	config.Info.Description = "One purchase from cart to delivery. Errors are problem documents; /docs/errors lists every code."
	api := humafiber.NewWithGroup(s.app, guardedRouter{Router: s.app, server: s}, config)
	api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		c := humafiber.Unwrap(ctx)
		next(&humaContext{baseContext: ctx, c: c, r: requestOf(c)})
	})
	s.documentOnly = huma.NewAPI(huma.Config{
		OpenAPI: api.OpenAPI(), Formats: config.Formats, DefaultFormat: "application/json",
	}, noRoutes{api.Adapter()})
	return api
}

// noRoutes is an adapter that documents operations without serving them.
type noRoutes struct{ huma.Adapter }

// Handle leaves the route to the Fiber handler that fast has registered.
func (noRoutes) Handle(*huma.Operation, func(huma.Context)) {}

// guardedRouter puts the guard of the route being declared before huma's
// handler.
type guardedRouter struct {
	fiber.Router
	server *Server
}

// Add is what humafiber calls for each operation.
func (g guardedRouter) Add(_, path string, handlers ...fiber.Handler) fiber.Router {
	g.server.mount(g.server.declaring, path, handlers[0])
	return g
}

// baseContext gives the embedded context a name that its method Context leaves
// free.
type baseContext huma.Context

// humaContext corrects what humafiber leaves to the adapter's user: the body
// has been read and inspected already, path parameters are unescaped, and the
// context is the one with the deadline.
type humaContext struct {
	baseContext
	c *fiber.Ctx
	r *request
}

// Unwrap lets humafiber.Unwrap find the Fiber context.
func (h *humaContext) Unwrap() huma.Context { return h.baseContext }

// Context carries the request and its deadline.
func (h *humaContext) Context() context.Context { return h.r.context() }

// BodyReader reads the body that the edge has kept.
func (h *humaContext) BodyReader() io.Reader { return bytes.NewReader(h.r.body) }

// Param is the unescaped value of a path parameter.
func (h *humaContext) Param(name string) string { return param(h.c, name) }

// SetReadDeadline does nothing: there is nothing left to read.
func (h *humaContext) SetReadDeadline(time.Time) error { return nil }

// URL never fails, unlike humafiber's; only the query is of use to huma.
func (h *humaContext) URL() url.URL {
	return url.URL{Path: h.c.Path(), RawQuery: string(h.c.Request().URI().QueryString())}
}

var errNoForms = errors.New("forms are not served")

// GetMultipartForm refuses: the API speaks JSON.
func (h *humaContext) GetMultipartForm() (*multipart.Form, error) { return nil, errNoForms }

// param is the unescaped value of a path parameter, for Fiber handlers.
func param(c *fiber.Ctx, name string) string {
	raw := c.Params(name)
	if !strings.Contains(raw, "%") {
		return raw
	}
	if clean, err := url.PathUnescape(raw); err == nil {
		return clean
	}
	return raw
}
