package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"doorstep/api"
)

// inProcess calls the shop's API without a socket, as a storefront would.
type inProcess struct {
	door        *api.Server
	publishable string
}

// told is what the API answered.
type told struct {
	status int
	raw    []byte
	body   any
}

// at reads a place in the answer, such as "totals.total.amount"; nil without it.
func (t told) at(path string) any {
	v := t.body
	for part := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n >= len(in) {
				return nil
			}
			v = in[n]
		default:
			return nil
		}
	}
	return v
}

func (t told) text(path string) string {
	s, _ := t.at(path).(string)
	return s
}

func (t told) list(path string) []any {
	l, _ := t.at(path).([]any)
	return l
}

// do makes one call; headers come in pairs. An answer of 5xx is an error: refusals
// are the caller's to judge.
func (c *inProcess) do(ctx context.Context, method, path string, body any, headers ...string) (told, error) {
	var in io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return told{}, err
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://shop.test"+path, in)
	if err != nil {
		return told{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.publishable)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.door.Test(req)
	if err != nil {
		return told{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	t := told{status: res.StatusCode}
	if t.raw, err = io.ReadAll(res.Body); err != nil {
		return t, err
	}
	if strings.Contains(res.Header.Get("Content-Type"), "json") && len(t.raw) > 0 {
		dec := json.NewDecoder(bytes.NewReader(t.raw))
		dec.UseNumber()
		if err := dec.Decode(&t.body); err != nil {
			return t, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	if t.status >= http.StatusInternalServerError {
		return t, fmt.Errorf("%s %s: %d %s", method, path, t.status, t.raw)
	}
	return t, nil
}

// want is do for calls that have to be answered with a status.
func (c *inProcess) want(ctx context.Context, status int, method, path string, body any, headers ...string) (told, error) {
	t, err := c.do(ctx, method, path, body, headers...)
	if err == nil && t.status != status {
		err = fmt.Errorf("%s %s: %d %s", method, path, t.status, t.raw)
	}
	return t, err
}
