package carrier

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	// mostText bounds a carrier's sentence in an error, in bytes.
	mostText = 300
	// mostWait bounds what a carrier asks us to wait.
	mostWait = 24 * time.Hour
	// leastSecret is the shortest text that is hidden: below that, ordinary words
	// would be.
	leastSecret = 6
)

// broken sorts a call without a whole answer.
func (c *Client) broken(ctx context.Context, call string, status int, err error) *Error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // the address may hold credentials
	}
	e := &Error{Carrier: c.Carrier, Call: call, Kind: KindUpstream, Status: status, Text: "no connection, or it ended early", Cause: err}
	var slow net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind, e.Text = KindCanceled, "we hung up"
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		e.Kind, e.Text = KindTimeout, "no answer in time"
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Kind, e.Text = KindMalformed, "the answer ended early"
	}
	return e
}

// tokenError keeps what the token's own call says.
func (c *Client) tokenError(ctx context.Context, call string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return c.broken(ctx, call, 0, err)
}

// refused makes an error of an answer that is no success.
func (c *Client) refused(call string, res *http.Response, body []byte, clean func(string) string) *Error {
	e := &Error{Carrier: c.Carrier, Call: call, Status: res.StatusCode, Kind: kindOf(res.StatusCode)}
	if markup(res.Header, body) {
		e.Text = "the answer is a web page"
		if e.Kind == KindInvalid || e.Kind == KindNotFound {
			e.Kind = KindMalformed // some proxy says so, not the carrier
		}
	} else {
		if c.Explain != nil {
			x := c.Explain(res.StatusCode, body)
			if x.Kind != "" {
				e.Kind = x.Kind
			}
			e.Field, e.Text = clean(x.Field), x.Text
		}
		if e.Text == "" {
			e.Text = string(body[:min(len(body), 4*mostText)])
		}
	}
	if to := res.Header.Get("Location"); res.StatusCode/100 == 3 {
		e.Text = "it sends us elsewhere"
		if u, err := url.Parse(to); err == nil && u.Host != "" {
			e.Text += ": " + u.Host
		}
	}
	e.Text = clean(e.Text)
	if e.Kind == KindRateLimited || res.StatusCode == http.StatusServiceUnavailable {
		e.RetryAfter = c.wait(res.Header.Get("Retry-After"))
	}
	return e
}

func kindOf(status int) Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusPaymentRequired:
		return KindAuth // a person must act
	case status == http.StatusNotFound, status == http.StatusGone:
		return KindNotFound
	case status == http.StatusTooManyRequests:
		return KindRateLimited
	case status == http.StatusRequestTimeout, status >= 500:
		return KindUpstream
	case status == http.StatusMethodNotAllowed, status < 400:
		return KindContract
	}
	return KindInvalid
}

func markup(h http.Header, body []byte) bool {
	return strings.HasPrefix(h.Get("Content-Type"), "text/html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// wait reads Retry-After: seconds or a date. What cannot be read is 0.
func (c *Client) wait(text string) time.Duration {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(min(max(n, 0), int64(mostWait/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil || c.Clock == nil {
		return 0
	}
	return min(max(at.Sub(c.Clock.Now()), 0), mostWait)
}

// cleaner gives a function that makes a carrier's text fit to be kept: one short
// line of valid text without what opens the account.
func (c *Client) cleaner(req *http.Request, token string) func(string) string {
	secrets := append([]string{c.Password, token}, c.Secrets...)
	if c.Tokens != nil {
		secrets = append(secrets, c.Tokens.current())
	}
	if req != nil {
		for _, word := range strings.Fields(req.Header.Get("Authorization")) {
			if word != "Basic" && word != "Bearer" {
				secrets = append(secrets, word)
			}
		}
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < leastSecret })
	return func(text string) string {
		for _, s := range secrets {
			text = strings.ReplaceAll(text, s, "***")
			text = strings.ReplaceAll(text, url.QueryEscape(s), "***")
		}
		return Clip(text)
	}
}

// Clip makes a carrier's text one line of at most 300 bytes of valid text.
func Clip(text string) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), 4*mostText)], ""))), " ")
	if len(text) > mostText {
		text = strings.ToValidUTF8(text[:mostText], "")
	}
	return text
}
