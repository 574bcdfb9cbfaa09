package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// ask is one request to the API on behalf of the reader.
type ask struct {
	Method, Path string
	Query        url.Values
	// Body is written as JSON; nil sends none.
	Body any
	// File is sent as it is, instead of a body.
	File []byte
	// Header is added to what every request carries.
	Header map[string]string
}

// Problem is what the API said when it refused: RFC 9457.
//
//nolint:errname // its name is the standard's
type Problem struct {
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Title   string `json:"title"`
	Detail  string `json:"detail"`
	TraceID string `json:"trace_id"`
	Errors  []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
	// Body is the whole answer, for those that carry more, such as new totals.
	Body json.RawMessage `json:"-"`
}

// Error is for logs.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

// At is what is wrong with the field at a location such as body.email; empty when
// nothing is.
func (p *Problem) At(location string) string {
	if p == nil {
		return ""
	}
	for _, e := range p.Errors {
		if e.Location == location {
			return e.Message
		}
	}
	return ""
}

func problemOf(status int, code string) *Problem { return &Problem{Status: status, Code: code} }

// shop asks the API as any storefront would, with the publishable key. out takes
// the JSON of the answer and may be nil. The error is a *Problem.
func (v *visit) shop(a ask, out any) error {
	header := map[string]string{fiber.HeaderAuthorization: "Bearer " + v.site.options.ShopKey}
	for name, value := range a.Header {
		header[name] = value
	}
	a.Header = header
	return v.call(a, out)
}

// call asks the API without a key: for routes that open by a signed link.
func (v *visit) call(a ask, out any) error {
	answer, err := v.do(a)
	if err != nil || out == nil || len(answer) == 0 {
		return err
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = answer
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("web: answer of %s %s: %w", a.Method, a.Path, err)
	}
	return nil
}

// do hands the request to the API in this process, as coming from the reader's
// own address, so that limits count for who asks.
func (v *visit) do(a ask) ([]byte, error) {
	var ctx fasthttp.RequestCtx
	ctx.Init2(inProcess{from: v.Context().RemoteAddr()}, nil, false)
	req := &ctx.Request
	uri := a.Path
	if len(a.Query) > 0 {
		uri += "?" + a.Query.Encode()
	}
	if a.Method == "" {
		a.Method = fiber.MethodGet
	}
	req.Header.SetMethod(a.Method)
	req.SetRequestURI(uri)
	req.Header.SetHostBytes(v.Context().Host())
	req.Header.Set(fiber.HeaderAcceptLanguage, v.Lang.String())
	for _, name := range []string{fiber.HeaderXForwardedFor, "traceparent", fiber.HeaderUserAgent} {
		if value := v.Get(name); value != "" {
			req.Header.Set(name, value)
		}
	}
	for name, value := range a.Header {
		req.Header.Set(name, value)
	}
	if a.Body != nil {
		body, err := json.Marshal(a.Body)
		if err != nil {
			return nil, err
		}
		req.Header.SetContentType(fiber.MIMEApplicationJSON)
		req.SetBodyStream(bytes.NewReader(body), len(body))
	}
	if a.File != nil {
		req.Header.SetContentType("text/csv")
		req.SetBodyStream(bytes.NewReader(a.File), len(a.File))
	}
	v.site.options.API(&ctx)
	answer := bytes.Clone(ctx.Response.Body())
	v.answered = &ctx.Response
	if status := ctx.Response.StatusCode(); status >= fiber.StatusBadRequest {
		p := &Problem{Status: status, Body: answer}
		if !strings.Contains(string(ctx.Response.Header.ContentType()), "json") || json.Unmarshal(answer, p) != nil {
			p.Code = "internal"
		}
		p.Status = status
		return nil, p
	}
	return answer, nil
}

// inProcess stands for the connection of a request that needs none: what it
// brings is in memory, so nothing is ever late.
type inProcess struct {
	net.Conn
	from net.Addr
}

func (c inProcess) RemoteAddr() net.Addr           { return c.from }
func (inProcess) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (inProcess) SetDeadline(time.Time) error      { return nil }
func (inProcess) SetReadDeadline(time.Time) error  { return nil }
func (inProcess) SetWriteDeadline(time.Time) error { return nil }
func (inProcess) Close() error                     { return nil }
