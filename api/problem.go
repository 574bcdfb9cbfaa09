package api

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/fault"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
)

// Problem is the body of every error answer (RFC 9457). Members that a fault
// carries besides, such as new totals, stand next to the documented ones.
type Problem struct { //nolint:errname // it is what RFC 9457 calls it
	_       struct{}      `additionalProperties:"true"`
	Type    string        `json:"type" format:"uri-reference" example:"/docs/errors#cart_closed" doc:"Where the code is explained"`
	Title   string        `json:"title" example:"Cart closed" doc:"The code in words"`
	Status  int           `json:"status" example:"409" doc:"The HTTP status"`
	Detail  string        `json:"detail" doc:"One sentence for people"`
	Code    string        `json:"code" example:"cart_closed" doc:"Stable; programs may rely on it"`
	TraceID string        `json:"trace_id" doc:"Quote it when you ask about this request"`
	Errors  []fault.Field `json:"errors,omitempty" doc:"The wrong places in the input"`

	extra map[string]any
	retry time.Duration
}

// Error is the code and the sentence.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus is the HTTP status; huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes huma send the document under its own media type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders are Retry-After and the challenge of a 401; huma sends them along.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retry > 0 {
		h.Set("Retry-After", seconds(p.retry))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="doorstep"`)
	}
	return h
}

// MarshalJSON adds the extra members, which never shadow the documented ones.
func (p *Problem) MarshalJSON() ([]byte, error) {
	type plain Problem
	b, err := marshal((*plain)(p))
	if err != nil || len(p.extra) == 0 {
		return b, err
	}
	for _, k := range slices.Sorted(maps.Keys(p.extra)) {
		switch k {
		case "type", "title", "status", "detail", "code", "trace_id", "errors":
			continue
		}
		name, err := marshal(k)
		if err != nil {
			return nil, err
		}
		value, err := marshal(p.extra[k])
		if err != nil {
			return nil, err
		}
		b = append(append(append(append(b[:len(b)-1], ','), name...), ':'), value...)
		b = append(b, '}')
	}
	return b, nil
}

// seconds rounds up, for a caller who comes back early is refused again.
func seconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
}

// transport holds the few codes whose status no kind expresses.
var transport = map[string]int{
	errMethod.Code:        http.StatusMethodNotAllowed,
	errSlowRequest.Code:   http.StatusRequestTimeout,
	errHeaderTooLong.Code: http.StatusRequestHeaderFieldsTooLarge,
}

// statusOf is the only map from a fault to an HTTP status.
func statusOf(e *fault.Error) int {
	if status, ok := transport[e.Code]; ok {
		return status
	}
	switch e.Kind {
	case fault.Malformed:
		return http.StatusBadRequest
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Stale:
		return http.StatusPreconditionFailed
	case fault.Declined:
		return http.StatusPaymentRequired
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Unsupported:
		return http.StatusUnsupportedMediaType
	default:
		return http.StatusInternalServerError
	}
}

// faultOf finds the fault to show for any error. Only faults have a sentence
// that is safe to show, so everything else is internal.
func faultOf(err error) *fault.Error {
	if e, ok := fault.As(err); ok && e.Kind != fault.Internal {
		return e
	}
	var fe *fiber.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return errTimeout.After(time.Second).Because(err)
	case errors.As(err, &fe):
		return faultOfStatus(fe.Code).Because(err)
	default:
		return errInternal.Because(err)
	}
}

// faultOfStatus names what the router and the HTTP parser complain about.
func faultOfStatus(status int) *fault.Error {
	switch status {
	case http.StatusNotFound:
		return errRoute
	case http.StatusMethodNotAllowed:
		return errMethod
	case http.StatusRequestTimeout:
		return errSlowRequest
	case http.StatusRequestEntityTooLarge:
		return errTooLarge
	case http.StatusUnsupportedMediaType:
		return errMediaType
	case http.StatusRequestHeaderFieldsTooLarge:
		return errHeaderTooLong
	case http.StatusUnprocessableEntity:
		return errValidation
	case http.StatusBadRequest, http.StatusBadGateway: // Fiber's word for a broken connection
		return errRequest
	default:
		return errInternal
	}
}

// problemOf writes down a fault as a problem document.
func problemOf(e *fault.Error, trace string) *Problem {
	return &Problem{
		Type: "/docs/errors#" + e.Code, Title: titleOf(e.Code), Status: statusOf(e), Detail: e.Text,
		Code: e.Code, TraceID: trace, Errors: e.Fields, extra: e.Extra, retry: e.RetryAfter,
	}
}

// titleOf is the code in words.
func titleOf(code string) string {
	words := strings.ReplaceAll(code, "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// refuse turns any error into the problem that the caller sees. It is the one
// place that logs errors: each once, with its cause and trace id.
func (s *Server) refuse(r *request, err error) *Problem {
	var done *Problem
	if errors.As(err, &done) {
		return done
	}
	e := faultOf(err)
	p := problemOf(e, r.trace)
	if p.Status >= http.StatusInternalServerError {
		level := slog.LevelError
		if e.Kind == fault.Unavailable {
			level = slog.LevelWarn
		}
		s.log.LogAttrs(r.context(), level, "request failed", slog.String("trace_id", r.trace),
			slog.String("code", e.Code), slog.String("route", r.pattern()), slog.String("error", err.Error()))
	}
	return p
}

// writeProblem answers with the problem for err, in place of whatever the
// handler has written so far.
func (s *Server) writeProblem(c *fiber.Ctx, r *request, err error) {
	p := s.refuse(r, err)
	c.Response().ResetBody()
	for name, values := range p.GetHeaders() {
		c.Set(name, values[0])
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	body, err := marshal(p)
	if err != nil { // an extra member that is no JSON: a bug in a room
		s.log.LogAttrs(r.context(), slog.LevelError, "problem not writable", slog.String("trace_id", r.trace), slog.String("error", err.Error()))
		p.extra = nil
		body, _ = marshal(p)
	}
	c.Status(p.Status)
	c.Response().Header.SetContentType(p.ContentType(""))
	c.Response().SetBodyRaw(body)
}

// maxFields bounds the list of wrong places in one answer.
const maxFields = 50

// problemOfHuma replaces huma.NewErrorWithContext: the same document for what
// huma finds wrong, without the values that it would echo.
func problemOfHuma(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
	var e *fault.Error
	switch status {
	case http.StatusBadRequest:
		e = errMalformed
		if msg == "request body is required" {
			e = e.Saying("This call needs a body.")
		}
	case 0:
		return &Problem{} // huma asks for the type, to document it
	default:
		e = faultOfStatus(status)
	}
	for _, err := range errs {
		if own, ok := fault.As(err); ok {
			e = own
			break
		}
		var d huma.ErrorDetailer
		if errors.As(err, &d) && len(e.Fields) < maxFields {
			detail := d.ErrorDetail()
			e = e.At(clip(detail.Location, 200), safeMessage(detail.Message))
		}
	}
	if ctx == nil {
		return problemOf(e, "")
	}
	r := requestOf(humafiber.Unwrap(ctx))
	if e.Kind == fault.Internal && len(errs) > 0 {
		return r.server.refuse(r, errors.Join(errs...))
	}
	return r.server.refuse(r, e)
}

// safeMessage lets through the sentences that huma makes from schemas; those
// that come from parsers may quote what was sent.
func safeMessage(m string) string {
	for _, known := range []string{"expected ", "unexpected property", "required ", "unknown query parameter", "write only property"} {
		if strings.HasPrefix(m, known) {
			return clip(m, 300)
		}
	}
	switch {
	case m == "invalid integer":
		return "expected an integer"
	case m == "invalid float":
		return "expected a number"
	case m == "invalid boolean":
		return "expected true or false"
	case strings.HasPrefix(m, "invalid date/time"):
		return "expected a time such as 2026-03-01T12:00:00Z"
	case strings.Contains(m, "UUID"):
		return "expected a UUID"
	default:
		return "expected the documented form"
	}
}

// clip cuts text at n bytes, for names of fields come from the caller too.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}
