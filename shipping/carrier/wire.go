package carrier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"doorstep/internal/clock"
)

const (
	// mostBody bounds an answer when Client.MostBody does not.
	mostBody = 8 << 20
	// patience bounds a call whose context has no deadline of its own.
	patience = 30 * time.Second
	// mostRedirects is how often one call may be sent on within its host.
	mostRedirects = 3
)

// shared keeps connections to carriers open between calls, for all accounts.
var shared = &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	ForceAttemptHTTP2:     true,
	MaxIdleConns:          256,
	MaxIdleConnsPerHost:   32,
	IdleConnTimeout:       90 * time.Second,
	TLSHandshakeTimeout:   5 * time.Second,
	ExpectContinueTimeout: time.Second,
}

// Client is the way to one account at one carrier over HTTP: it sends, bounds
// what comes back, and makes an *Error of everything that is not an answer. Fill
// it before the first call; after that it is safe for concurrent use.
type Client struct {
	Carrier string // in errors
	Base    string // scheme, host and the path before all calls; a slash at the end does not matter
	Clock   clock.Clock
	// Transport carries the calls; nil is one with connection reuse that all
	// carriers share.
	Transport http.RoundTripper
	MostBody  int64       // bytes of an answer, 8 MiB when 0
	Header    http.Header // goes along with every call
	// User and Password are HTTP Basic credentials of every call, if either is set.
	User, Password string
	// Tokens give a bearer token for every call. After a 401 the token is
	// renewed and the call repeated, once.
	Tokens *Tokens
	// Secrets never stand in the text of an error. Password, Tokens' and those
	// of a call's Authorization are added.
	Secrets []string
	// Explain reads the carrier's own error out of an answer whose status is no
	// success; nil and what it leaves empty are filled from the status.
	Explain func(status int, body []byte) Explained
}

// Explained is what a carrier says of its own failure.
type Explained struct {
	Kind  Kind
	Field string
	Text  string
}

// Call is one request. At most one of JSON, Form and Body is set.
type Call struct {
	Name   string // rates, buy, void, track...: in errors
	Method string // GET when empty
	Path   string // after Base, escaped where it holds foreign text (url.PathEscape)
	Query  url.Values
	Header http.Header
	JSON   any
	Form   url.Values
	Body   []byte // sent as it is; set Content-Type in Header
	// Anonymous calls carry neither Basic credentials nor a token: those that
	// fetch a token.
	Anonymous bool

	address string // in place of Base and Path, of Fetch
}

// Answer is what came back with a 2xx.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a call and reads its JSON answer into out. With out nil the body is
// not looked at. All errors are *Error.
func (c *Client) Do(ctx context.Context, call Call, out any) error {
	a, err := c.Send(ctx, call)
	if err != nil || out == nil {
		return err
	}
	return c.Read(call.Name, a.Body, out)
}

// Send sends a call and gives its answer, whatever the body is. All errors are
// *Error; a status other than 2xx is one.
func (c *Client) Send(ctx context.Context, call Call) (Answer, error) {
	if _, ok := ctx.Deadline(); !ok {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, patience)
		defer done()
	}
	body, kind, err := call.body()
	if err != nil {
		return Answer{}, &Error{Carrier: c.Carrier, Call: call.Name, Kind: KindInvalid, Text: "the question cannot be written as JSON", Cause: err}
	}
	stale := ""
	for {
		var token string
		if c.Tokens != nil && !call.Anonymous {
			if token, err = c.Tokens.Token(ctx, stale); err != nil {
				return Answer{}, c.tokenError(ctx, call.Name, err)
			}
		}
		a, err := c.once(ctx, call, body, kind, token)
		var e *Error
		if token != "" && stale == "" && errors.As(err, &e) && e.Status == http.StatusUnauthorized {
			stale = token
			continue
		}
		return a, err
	}
}

// Fetch reads a paper from the address that an answer gave, over TLS or from the
// host of Base, without credentials. Name is as in Call.
func (c *Client) Fetch(ctx context.Context, name, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, c.Fail(name, KindContract, "", "the address of a paper cannot be read")
	}
	if own, err := url.Parse(c.Base); u.Scheme != "https" && (err != nil || u.Host != own.Host || u.Scheme != own.Scheme) {
		return nil, c.Fail(name, KindContract, "", "the address of a paper is not to be trusted")
	}
	a, err := c.Send(ctx, Call{Name: name, address: address, Anonymous: true, Header: http.Header{"Accept": {"*/*"}}})
	return a.Body, err
}

func (call Call) body() (body []byte, kind string, err error) {
	switch {
	case call.JSON != nil:
		body, err = json.Marshal(call.JSON)
		return body, "application/json", err
	case call.Form != nil:
		return []byte(call.Form.Encode()), "application/x-www-form-urlencoded", nil
	}
	return call.Body, "", nil
}

func (c *Client) once(ctx context.Context, call Call, body []byte, kind, token string) (Answer, error) {
	req, err := c.request(ctx, call, body, kind, token)
	if err != nil {
		return Answer{}, &Error{Carrier: c.Carrier, Call: call.Name, Kind: KindInvalid, Text: "the carrier's address cannot be called", Cause: err}
	}
	clean := c.cleaner(req, token)
	transport := c.Transport
	if transport == nil {
		transport = shared
	}
	res, err := (&http.Client{Transport: transport, CheckRedirect: stay}).Do(req)
	if err != nil {
		return Answer{}, c.broken(ctx, call.Name, 0, err)
	}
	defer func() { _ = res.Body.Close() }() // only read
	most := c.MostBody
	if most <= 0 {
		most = mostBody
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err != nil {
		return Answer{}, c.broken(ctx, call.Name, res.StatusCode, err)
	}
	if int64(len(answer)) > most {
		return Answer{}, &Error{Carrier: c.Carrier, Call: call.Name, Kind: KindMalformed, Status: res.StatusCode, Text: fmt.Sprintf("the answer has more than %d bytes", most)}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return Answer{}, c.refused(call.Name, res, answer, clean)
	}
	return Answer{Status: res.StatusCode, Header: res.Header, Body: answer}, nil
}

func (c *Client) request(ctx context.Context, call Call, body []byte, kind, token string) (*http.Request, error) {
	method := call.Method
	if method == "" {
		method = http.MethodGet
	}
	address := call.address
	if address == "" {
		address = strings.TrimRight(c.Base, "/") + call.Path
	}
	if len(call.Query) > 0 {
		address += "?" + call.Query.Encode()
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "doorstep")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	headers := []http.Header{c.Header, call.Header}
	if call.address != "" {
		headers = headers[1:]
	}
	for _, h := range headers {
		for k, v := range h {
			req.Header[http.CanonicalHeaderKey(k)] = v
		}
	}
	if !call.Anonymous {
		if c.User != "" || c.Password != "" {
			req.SetBasicAuth(c.User, c.Password)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	return req, nil
}

// stay follows a redirect of a reading call inside its host and no other:
// credentials and addresses of people are for the carrier alone.
func stay(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > mostRedirects || req.URL.Host != first.URL.Host || req.URL.Scheme != first.URL.Scheme || first.Method != http.MethodGet {
		return http.ErrUseLastResponse
	}
	return nil
}

// Read reads a body of the carrier into out, which is nothing but one JSON value
// of the agreed types. A body that is no JSON is KindMalformed, one with a value
// of another type KindContract. ParseWebhook reads with it too.
func (c *Client) Read(call string, body []byte, out any) error {
	return Read(c.Carrier, call, body, out)
}

// Read is Client.Read for those without a client.
func Read(carrier, call string, body []byte, out any) error {
	e := &Error{Carrier: carrier, Call: call, Kind: KindMalformed}
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0:
		e.Text = "the answer is empty"
		return e
	case trimmed[0] == '<':
		e.Text = "the answer is markup, not JSON"
		return e
	case string(trimmed) == "null":
		e.Kind, e.Text = KindContract, "the answer is null"
		return e
	}
	err := json.Unmarshal(trimmed, out)
	if err == nil {
		return nil
	}
	e.Cause, e.Text = err, "the answer is no whole JSON"
	var syntax *json.SyntaxError
	var of *json.UnmarshalTypeError
	switch {
	case errors.As(err, &of):
		e.Kind, e.Field, e.Text = KindContract, of.Field, "a "+of.Value+" stands where something else was agreed"
	case !errors.As(err, &syntax): // a type of ours that did not like its value
		e.Kind, e.Text = KindContract, "a value is not what was agreed"
	}
	return e
}

// Fail is an *Error of this carrier; text is cleaned and cut.
func (c *Client) Fail(call string, kind Kind, field, text string) *Error {
	return &Error{Carrier: c.Carrier, Call: call, Kind: kind, Field: field, Text: c.cleaner(nil, "")(text)}
}

// Missing is the error of an answer that lacks what was agreed.
func (c *Client) Missing(call, field string) *Error {
	return &Error{Carrier: c.Carrier, Call: call, Kind: KindContract, Field: field, Text: "is missing in the answer"}
}
