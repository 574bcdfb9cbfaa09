package carrier

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"doorstep/internal/clock"
)

const (
	// refreshMargin is how long before its end a token is renewed, when it lives
	// at least twice as long; a shorter one is renewed in its last quarter.
	refreshMargin = 30 * time.Minute
	// fetchPatience bounds the fetching of a token: whoever asked first may hang
	// up while others still wait.
	fetchPatience = 15 * time.Second
	// fetchPause is how long after a failed early renewal the next one is tried;
	// the old token works meanwhile.
	fetchPause = 30 * time.Second
	// tokenLife is taken for a token whose carrier does not say when it ends.
	tokenLife = 5 * time.Minute
	// tokenEnd is how long before its end a token is not used any more.
	tokenEnd = 5 * time.Second
)

// Token opens an API for a while.
type Token struct {
	Value string
	Life  time.Duration // from when it was asked for; 0: not said
}

// Tokens keep one account's token: fetched once for all who wait, renewed in the
// background well before it ends, so that no call waits for that.
type Tokens struct {
	clock clock.Clock
	fetch func(ctx context.Context) (Token, error)

	mu      sync.Mutex
	value   string
	renewAt time.Time // from here on it is renewed in the background
	endsAt  time.Time // from here on it is not used
	flight  *flight   // the fetch that is under way, if one is
}

// flight is one fetch that several may wait for.
type flight struct {
	done  chan struct{}
	value string
	err   error
}

// NewTokens keeps tokens that fetch gives. Fetch must end with its context.
func NewTokens(c clock.Clock, fetch func(ctx context.Context) (Token, error)) *Tokens {
	return &Tokens{clock: c, fetch: fetch}
}

// Token gives a token that is not stale, which is one that was refused just now
// or empty. It waits for a fetch only when there is no usable token; the wait
// ends with ctx and gives its error.
func (t *Tokens) Token(ctx context.Context, stale string) (string, error) {
	t.mu.Lock()
	now := t.clock.Now()
	if t.value != "" && t.value != stale && now.Before(t.endsAt) {
		value := t.value
		if !now.Before(t.renewAt) {
			t.start()
		}
		t.mu.Unlock()
		return value, nil
	}
	if t.value == stale {
		t.value = "" // nobody else shall try it
	}
	f := t.start()
	t.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return f.value, f.err
}

func (t *Tokens) current() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.value
}

// start begins a fetch, or joins the one under way. t is locked.
func (t *Tokens) start() *flight {
	if t.flight != nil {
		return t.flight
	}
	f := &flight{done: make(chan struct{})}
	t.flight = f
	asked := t.clock.Now()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), fetchPatience)
		defer cancel()
		token, err := t.fetch(ctx)
		if err == nil && token.Value == "" {
			err = errors.New("an empty token")
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.flight, f.err = nil, err
		if err != nil {
			t.renewAt = asked.Add(fetchPause)
		} else {
			f.value = token.Value
			t.keep(token, asked)
		}
		close(f.done)
	}()
	return f
}

func (t *Tokens) keep(token Token, asked time.Time) {
	life := token.Life
	if life <= 0 {
		life = tokenLife
	}
	margin := refreshMargin
	if life < 2*refreshMargin {
		margin = life / 4
	}
	t.value, t.renewAt, t.endsAt = token.Value, asked.Add(life-margin), asked.Add(life-min(tokenEnd, margin))
}

// ClientCredentials is a fetch for NewTokens: OAuth's grant of that name. The
// call says where and with which credentials (Form or Header); grant_type is
// added to its form. A refusal is KindAuth whatever its status below 500 is.
func (c *Client) ClientCredentials(call Call) func(ctx context.Context) (Token, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	for k, v := range call.Form {
		form[k] = v
	}
	call.Form, call.Anonymous = form, true
	if call.Method == "" {
		call.Method = http.MethodPost
	}
	if call.Name == "" {
		call.Name = "token"
	}
	return func(ctx context.Context) (Token, error) {
		var said struct {
			Token   string  `json:"access_token"`
			Expires Decimal `json:"expires_in"`
		}
		if err := c.Do(ctx, call, &said); err != nil {
			return Token{}, AuthRefused(err)
		}
		if said.Token == "" {
			return Token{}, c.Missing(call.Name, "access_token")
		}
		return Token{Value: said.Token, Life: said.Expires.Seconds()}, nil
	}
}

// AuthRefused makes KindAuth of a refusal at the place where tokens come from:
// a 400 there says that the credentials are wrong.
func AuthRefused(err error) error {
	var e *Error
	if errors.As(err, &e) && (e.Kind == KindInvalid || e.Kind == KindNotFound) {
		e.Kind = KindAuth
	}
	return err
}
