package shoppers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// m is a JSON object.
type m = map[string]any

// caller speaks to the shop over HTTP, as a storefront does for its shoppers.
type caller struct {
	url  string
	http *http.Client
}

func newCaller(url string) *caller {
	return &caller{url: url, http: &http.Client{Timeout: 30 * time.Second}}
}

// answer is what the shop said.
type answer struct {
	status int
	body   m
}

// at reads a place in the answer, such as "totals.total.amount".
func (a answer) at(path string) any {
	var v any = a.body
	for part := range strings.SplitSeq(path, ".") {
		in, ok := v.(m)
		if !ok {
			return nil
		}
		v = in[part]
	}
	return v
}

func (a answer) text(path string) string {
	s, _ := a.at(path).(string)
	return s
}

func (a answer) amount(path string) int64 {
	n, _ := a.at(path + ".amount").(float64)
	return int64(n)
}

func (a answer) list(path string) []any {
	l, _ := a.at(path).([]any)
	return l
}

// do makes one call. Headers come in pairs. An answer of 5xx is an error, for the
// shop must not fail; refusals are the caller's to judge.
func (c *caller) do(ctx context.Context, method, path string, body any, headers ...string) (answer, error) {
	var in io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, in)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	text, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode}
	if len(text) > 0 && strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &a.body); err != nil {
			return a, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	if a.status >= http.StatusInternalServerError {
		return a, fmt.Errorf("%s %s: %d %s", method, path, a.status, text)
	}
	return a, nil
}
