package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/fault"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

// Route declares one operation and everything it demands of a request.
type Route struct {
	// ID names the operation in the document, in kebab-case, such as "add-cart-item".
	ID string
	// Method and Path are as in the document: "/v1/carts/{id}".
	Method, Path string
	// Tag groups operations on the page, Summary is one line, Description more.
	Tag, Summary, Description string
	// Status of success; 0 means 200 with a body and 204 without.
	Status int
	// Auth says who may call; there is no default, so that no route is open by accident.
	Auth Need
	// Errors are the faults that the room may answer with, for the document.
	Errors []*fault.Error
	// Once says what Idempotency-Key does; writes have OnceOptional by default.
	Once Once
	// Deadline of the handler; 0 means 5 s. Routes that wait for a gateway use Payments.
	Deadline time.Duration
	// Raw leaves the body alone, for signatures over bytes (RawBody []byte in the
	// input): no JSON check, no card filter, any media type.
	Raw bool
	// Upload streams a body of up to 512 MiB to a file; see upload.
	Upload bool
	// Body is how many bytes the body may have; 0 is 256 KiB.
	Body int
	// Fresh asks members of staff for a sign-in of the last minutes.
	Fresh bool
	// Free of rate limits, for the probes of load balancers.
	Free bool
	// Hidden keeps the route out of the document, for demo helpers.
	Hidden bool
}

// Payments is the deadline of routes that wait for a payment gateway.
const Payments = 15 * time.Second

// usual is the deadline of all other routes.
const usual = 5 * time.Second

// Once says how a route treats Idempotency-Key.
type Once uint8

// The ways. OnceInside is for routes that claim the key in their own
// transaction: the door checks that it is there and hands it on by onceKey.
const (
	OnceOptional Once = iota
	OnceRequired
	OnceInside
	OnceNever // the header is ignored: reads, and writes that are idempotent by nature
)

// String is the word in the document: "optional", "required", "inside", "never".
func (o Once) String() string {
	return [...]string{"optional", "required", "inside", "never"}[o]
}

func (r *Route) write() bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// handle registers a route with its handler. Inputs and outputs are huma's: a
// struct with path, query and header fields and a Body.
func handle[I, O any](s *Server, route Route, handler func(context.Context, *I) (*O, error)) {
	declared := s.declare(route)
	s.declaring = declared
	mustExport(route.ID, reflect.TypeFor[I]())
	huma.Register(s.huma, s.operation(s.declaring), func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(s.watch(ctx, declared, in), in)
		var done *stored
		if errors.As(err, &done) {
			return nil, done
		}
		if err != nil {
			return nil, s.refuse(requestIn(ctx), err)
		}
		return out, nil
	})
}

// fast registers a plain Fiber handler that answers by itself (cached bytes)
// behind the same guard. I and O only document it; huma takes no part, so the
// handler checks its own parameters. Use param, contextOf and callerOf in it.
func fast[I, O any](s *Server, route Route, handler fiber.Handler) {
	r := s.declare(route)
	mustExport(route.ID, reflect.TypeFor[I]())
	huma.Register(s.documentOnly, s.operation(r), func(context.Context, *I) (*O, error) { return nil, nil })
	s.mount(r, fiberPath(route.Path), handler)
}

// mustExport catches what huma would ignore without a word: fields embedded by
// an unexported type.
func mustExport(id string, in reflect.Type) {
	for f := range in.Fields() {
		if f.Anonymous && !f.IsExported() {
			panic("api: the input of " + id + " embeds " + f.Name + ", which must be exported")
		}
	}
}

// declare notes the route, so that tests and the document can list it.
func (s *Server) declare(route Route) *Route {
	switch {
	case route.Auth.level == 0:
		panic("api: " + route.ID + " does not say who may call it")
	case route.ID == "" || route.Path == "" || route.Method == "" || route.Tag == "" || route.Summary == "":
		panic(fmt.Sprintf("api: %s %s lacks its id, tag or summary", route.Method, route.Path))
	case s.sealed.Load() != nil:
		panic("api: " + route.ID + " comes after the document was made")
	case slices.ContainsFunc(s.routes, func(r *Route) bool { return r.ID == route.ID }):
		panic("api: two routes are called " + route.ID)
	}
	if !route.write() {
		route.Once = OnceNever
	}
	if route.Deadline == 0 {
		route.Deadline = usual
	}
	s.routes = append(s.routes, &route)
	if route.Body > 0 {
		fixed, _, _ := strings.Cut(route.Path, "{")
		s.bodies = append(s.bodies, bodySize{route.Method, fixed, route.Body})
	}
	if route.Upload {
		s.uploads[route.Method+" "+route.Path] = true
	}
	return &route
}

// mount adds the guarded handler to the router; reads also answer HEAD.
func (s *Server) mount(r *Route, path string, handler fiber.Handler) {
	guarded := s.guard(r, handler)
	if r.Method == http.MethodGet {
		s.app.Add(http.MethodHead, path, guarded)
	}
	s.app.Add(r.Method, path, guarded)
}

// fiberPath writes {id} as :id.
func fiberPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// operation is the route as huma and the document know it.
func (s *Server) operation(r *Route) huma.Operation {
	op := huma.Operation{
		OperationID: r.ID, Method: r.Method, Path: r.Path, Tags: []string{r.Tag},
		Summary: r.Summary, Description: r.Description, DefaultStatus: r.Status, Hidden: r.Hidden,
		MaxBodyBytes: bodyLimit + 1, BodyReadTimeout: -1, SkipValidateBody: r.Raw,
		Security: r.Auth.security(), Responses: map[string]*huma.Response{},
		Metadata:   map[string]any{"auth": r.Auth, "idempotency": r.Once.String(), "deadline": r.Deadline},
		Extensions: map[string]any{"x-auth": r.Auth.String()},
	}
	if r.write() && r.Once != OnceNever {
		op.Extensions["x-idempotency"] = r.Once.String()
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Required: r.Once == OnceRequired || r.Once == OnceInside,
			Description: "The same key and body replay the first answer",
			Schema:      &huma.Schema{Type: huma.TypeString, MinLength: ptr(1), MaxLength: ptr(255)},
		})
	}
	byStatus := map[int][]string{}
	for _, e := range r.Errors {
		byStatus[statusOf(e)] = append(byStatus[statusOf(e)], "`"+e.Code+"`: "+e.Text)
	}
	for status, texts := range byStatus {
		op.Responses[strconv.Itoa(status)] = s.problemResponse(strings.Join(texts, "\n\n"))
	}
	op.Responses["default"] = s.problemResponse("Any other error, as a problem document")
	return op
}

func ptr[T any](v T) *T { return &v }

// Routes lists every declared route, for the tests of who may call what.
func (s *Server) Routes() []Route {
	all := make([]Route, 0, len(s.routes))
	for _, r := range s.routes {
		all = append(all, *r)
	}
	return all
}
