package paypal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// mostBytes bounds an answer.
	mostBytes = 1 << 20
	// early is how long before its end a token is not used any more.
	early = time.Minute
	// shortest is how long a token is used whatever PayPal says of it.
	shortest = 10 * time.Second
)

// refusal is what PayPal certainly did not do, and why.
type refusal struct {
	status int
	name   string // RESOURCE_NOT_FOUND, UNPROCESSABLE_ENTITY
	issue  string // AUTHORIZATION_VOIDED
}

func (r *refusal) Error() string {
	return fmt.Sprintf("paypal: %d %s %s", r.status, r.name, r.issue)
}

// code is what PayPal calls its reason.
func (r *refusal) code() string {
	if r.issue != "" {
		return strings.ToLower(r.issue)
	}
	if r.name != "" {
		return strings.ToLower(r.name)
	}
	return fmt.Sprintf("http_%d", r.status)
}

// refused finds the refusal inside err.
func refused(err error) (*refusal, bool) {
	var r *refusal
	ok := errors.As(err, &r)
	return r, ok
}

// token is what opens the API for a while.
type token struct {
	text string
	ends time.Time
}

// access gives a token that works, other than stale. Whoever needs one first
// fetches it, and everybody else waits for that.
func (g *Gateway) access(ctx context.Context, stale string) (string, error) {
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if t := g.token; t.text != "" && t.text != stale && g.clock.Now().Before(t.ends) {
		return t.text, nil
	}
	form := strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.base+"/v1/oauth2/token", form)
	if err != nil {
		return "", fmt.Errorf("paypal: %w", err)
	}
	req.SetBasicAuth(g.config.ClientID, g.config.Secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	asked := g.clock.Now()
	status, body, err := g.send(req)
	if err != nil {
		return "", err
	}
	var said struct {
		Token   string `json:"access_token"`
		Seconds int64  `json:"expires_in"`
	}
	if status != http.StatusOK || json.Unmarshal(body, &said) != nil || said.Token == "" {
		return "", fmt.Errorf("paypal: no token, but status %d", status) // the body may hold secrets
	}
	life := time.Duration(min(max(said.Seconds, 0), 1<<20))*time.Second - early
	g.token = token{text: said.Token, ends: asked.Add(max(life, shortest))}
	return said.Token, nil
}

// send makes one request and reads its answer.
func (g *Gateway) send(req *http.Request) (status int, body []byte, err error) {
	req.Header.Set("Accept", "application/json")
	res, err := g.http.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("paypal: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // only read
	body, err = io.ReadAll(io.LimitReader(res.Body, mostBytes+1))
	if err == nil && len(body) > mostBytes {
		err = errors.New("the answer is too long")
	}
	if err != nil {
		return 0, nil, fmt.Errorf("paypal: %w", err)
	}
	return res.StatusCode, body, nil
}

// call asks the API. The key makes a write happen once. A *refusal is certain;
// after any other error nobody knows what was done. A token that has ended is
// renewed once. The status is that of success.
func (g *Gateway) call(ctx context.Context, method, path, key string, in, out any) (status int, err error) {
	var body []byte
	switch v := in.(type) {
	case nil:
	case json.RawMessage:
		body = v
	default:
		if body, err = json.Marshal(in); err != nil {
			return 0, fmt.Errorf("paypal: %w", err)
		}
	}
	stale := ""
	for {
		t, err := g.access(ctx, stale)
		if err != nil {
			return 0, err
		}
		req, err := http.NewRequestWithContext(ctx, method, g.base+path, bytes.NewReader(body))
		if err != nil {
			return 0, fmt.Errorf("paypal: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+t)
		req.Header.Set("Prefer", "return=representation")
		if in != nil || method == http.MethodPost {
			req.Header.Set("Content-Type", "application/json")
		}
		if key != "" {
			req.Header.Set("Paypal-Request-Id", requestID(key))
		}
		status, answer, err := g.send(req)
		if err != nil {
			return 0, err
		}
		if status == http.StatusUnauthorized && stale == "" {
			stale = t
			continue
		}
		return status, read(status, answer, out)
	}
}

// read sorts an answer into success, refusal and what is not known.
func read(status int, answer []byte, out any) error {
	switch {
	case status >= 200 && status < 300:
		if out == nil || status == http.StatusNoContent {
			return nil
		}
		if err := json.Unmarshal(answer, out); err != nil {
			return fmt.Errorf("paypal: status %d and no JSON: %w", status, err)
		}
		return nil
	case status == http.StatusBadRequest, status == http.StatusForbidden, status == http.StatusNotFound, status == http.StatusUnprocessableEntity:
		var said struct {
			Name    string `json:"name"`
			Details []struct {
				Issue string `json:"issue"`
			} `json:"details"`
		}
		if json.Unmarshal(answer, &said) != nil || said.Name == "" {
			break // it is not PayPal who says so
		}
		r := &refusal{status: status, name: clip(said.Name)}
		if len(said.Details) > 0 {
			r.issue = clip(said.Details[0].Issue)
		}
		return r
	}
	return fmt.Errorf("paypal: status %d", status)
}

// clip bounds a word of PayPal's.
func clip(word string) string { return word[:min(len(word), 100)] }
