package carrier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// client is a client of a server that answers so.
func client(t *testing.T, answer http.HandlerFunc) *carrier.Client {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return &carrier.Client{Carrier: "acme", Base: s.URL + "/", Clock: clock.At(noon)}
}

func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func failed(t *testing.T, err error) *carrier.Error {
	t.Helper()
	var e *carrier.Error
	if !errors.As(err, &e) {
		t.Fatalf("want a *carrier.Error, got %v", err)
	}
	return e
}

func TestEveryAnswerThatIsNoneHasItsKind(t *testing.T) {
	t.Parallel()
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"price":`))
	}
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	drip := func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{`))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   carrier.Kind
		wait   time.Duration
	}{
		"401":                 {says(401, `{}`), carrier.KindAuth, 0},
		"403":                 {says(403, `{}`), carrier.KindAuth, 0},
		"400":                 {says(400, `{}`), carrier.KindInvalid, 0},
		"404":                 {says(404, `{}`), carrier.KindNotFound, 0},
		"404 of a proxy":      {says(404, `<html>`), carrier.KindMalformed, 0},
		"405":                 {says(405, `{}`), carrier.KindContract, 0},
		"422":                 {says(422, `{}`), carrier.KindInvalid, 0},
		"429":                 {says(429, `{}`), carrier.KindRateLimited, 0},
		"429 with seconds":    {says(429, `{}`, "Retry-After", "7"), carrier.KindRateLimited, 7 * time.Second},
		"429 with a date":     {says(429, `{}`, "Retry-After", noon.Add(time.Minute).Format(http.TimeFormat)), carrier.KindRateLimited, time.Minute},
		"429 with a past":     {says(429, `{}`, "Retry-After", noon.Add(-time.Minute).Format(http.TimeFormat)), carrier.KindRateLimited, 0},
		"429 with for ever":   {says(429, `{}`, "Retry-After", "999999999999"), carrier.KindRateLimited, 24 * time.Hour},
		"429 with nonsense":   {says(429, `{}`, "Retry-After", "soon"), carrier.KindRateLimited, 0},
		"500":                 {says(500, `{}`), carrier.KindUpstream, 0},
		"500 as a page":       {says(500, `<html>`), carrier.KindUpstream, 0},
		"503 with seconds":    {says(503, `{}`, "Retry-After", "3"), carrier.KindUpstream, 3 * time.Second},
		"302 to another host": {says(302, ``, "Location", "http://192.0.2.1/"), carrier.KindContract, 0},
		"a page":              {says(200, "\n<!doctype html>"), carrier.KindMalformed, 0},
		"nothing":             {says(200, " \n"), carrier.KindMalformed, 0},
		"null":                {says(200, "null"), carrier.KindContract, 0},
		"half":                {says(200, `{"price":`), carrier.KindMalformed, 0},
		"half of the length":  {cut, carrier.KindMalformed, 0},
		"two values":          {says(200, `{"price":1} {}`), carrier.KindMalformed, 0},
		"another type":        {says(200, `{"price":{}}`), carrier.KindContract, 0},
		"another type deep":   {says(200, `{"parts":[{"price":[]}]}`), carrier.KindContract, 0},
		"too much":            {says(200, `{"text":"`+strings.Repeat("x", 2000)+`"}`), carrier.KindMalformed, 0},
		"no end":              {hang, carrier.KindTimeout, 0},
		"no end of the body":  {drip, carrier.KindTimeout, 0},
		"hung up":             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, carrier.KindUpstream, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl := client(t, c.answer)
			cl.MostBody = 1000
			ctx, done := context.WithTimeout(t.Context(), time.Second)
			defer done()
			if c.kind == carrier.KindTimeout {
				ctx, done = context.WithTimeout(t.Context(), 30*time.Millisecond)
				defer done()
			}
			var out struct {
				Price carrier.Decimal `json:"price"`
				Parts []struct {
					Price carrier.Decimal `json:"price"`
				} `json:"parts"`
			}
			e := failed(t, cl.Do(ctx, carrier.Call{Name: "rates", Path: "/x"}, &out))
			if e.Kind != c.kind || e.RetryAfter != c.wait || e.Carrier != "acme" || e.Call != "rates" {
				t.Errorf("got %v (wait %v), want %s (wait %v)", e, e.RetryAfter, c.kind, c.wait)
			}
			if strings.HasPrefix(name, "another type deep") && e.Field != "parts.price" {
				t.Errorf("the field is %q", e.Field)
			}
		})
	}
}

func TestACallerThatHangsUpIsTold(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	cl := client(t, func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if e := failed(t, cl.Do(ctx, carrier.Call{Name: "rates"}, nil)); e.Kind != carrier.KindCanceled {
		t.Errorf("got %v", e)
	}
}

func TestARedirectStaysInsideTheHost(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	cl := client(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/", http.StatusFound)
		case "/near":
			http.Redirect(w, r, "/here", http.StatusFound)
		default:
			_, _ = w.Write([]byte(`{}`))
		}
	})
	if err := cl.Do(t.Context(), carrier.Call{Path: "/near"}, nil); err != nil {
		t.Error(err)
	}
	if e := failed(t, cl.Do(t.Context(), carrier.Call{Path: "/away"}, nil)); e.Kind != carrier.KindContract || !strings.Contains(e.Text, "127.0.0.1") {
		t.Error(e)
	}
	if e := failed(t, cl.Do(t.Context(), carrier.Call{Method: "POST", Path: "/near", JSON: 1}, nil)); e.Kind != carrier.KindContract {
		t.Error(e)
	}
	if elsewhere.Load() != 0 {
		t.Error("the other host was called")
	}
}

func TestErrorsTellNoSecretsAndStayShort(t *testing.T) {
	t.Parallel()
	cl := client(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(422)
		fmt.Fprintf(w, "bad\x00 key %s of %s %s\n%s", r.Header.Get("Authorization"), "pass word/1", url.QueryEscape("pass word/1"), strings.Repeat("ы", 500))
	})
	cl.User, cl.Password, cl.Secrets = "me", "pass word/1", []string{"secret-account"}
	e := failed(t, cl.Do(t.Context(), carrier.Call{Name: "buy"}, nil))
	if strings.Contains(e.Text, "pass") || strings.Contains(e.Text, "bWU6") || !strings.HasPrefix(e.Text, "bad key Basic *** of *** *** ы") || len(e.Text) > 300 {
		t.Errorf("the text is %q", e.Text)
	}
	cl.Base = "http://127.0.0.1:1"
	e = failed(t, cl.Do(t.Context(), carrier.Call{Name: "buy", Query: url.Values{"k": {"secret-account"}}}, nil))
	if strings.Contains(fmt.Sprint(e, e.Cause), "secret") {
		t.Errorf("it tells its secret: %v %v", e, e.Cause)
	}
	if e := cl.Fail("buy", carrier.KindInvalid, "x", "no secret-account"); e.Text != "no ***" {
		t.Error(e)
	}
}

func TestTheCarriersOwnWordGoesFirst(t *testing.T) {
	t.Parallel()
	cl := client(t, says(400, `{"code":"NO_SERVICE"}`))
	cl.Explain = func(status int, body []byte) carrier.Explained {
		if status == 400 && strings.Contains(string(body), "NO_SERVICE") {
			return carrier.Explained{Kind: carrier.KindNotServiceable, Field: "to.postcode", Text: "not there"}
		}
		return carrier.Explained{}
	}
	e := failed(t, cl.Do(t.Context(), carrier.Call{}, nil))
	if e.Kind != carrier.KindNotServiceable || e.Field != "to.postcode" || e.Text != "not there" || e.Status != 400 {
		t.Error(e)
	}
}

func TestACallIsSentAsItWasWritten(t *testing.T) {
	t.Parallel()
	type seen struct{ Method, URI, Type, Extra, Auth, Body string }
	cl := client(t, func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		_, _ = fmt.Fprint(body, r.FormValue("a"))
		_ = json.NewEncoder(w).Encode(seen{r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("X-Extra"), r.Header.Get("Authorization"), body.String()})
	})
	cl.User, cl.Header = "key", http.Header{"X-Extra": {"1"}}
	var got seen
	if err := cl.Do(t.Context(), carrier.Call{Method: "PUT", Path: "/a%2Fb", Query: url.Values{"q": {"1"}}, Form: url.Values{"a": {"б"}}}, &got); err != nil {
		t.Fatal(err)
	}
	if want := (seen{"PUT", "/a%2Fb?q=1", "application/x-www-form-urlencoded", "1", "Basic a2V5Og==", "б"}); got != want {
		t.Errorf("got %+v", got)
	}
}

// tokens serves /token and a door that only the newest token opens.
type tokens struct {
	mu      sync.Mutex
	fetched int
	life    string
	status  int
	hold    chan struct{}
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		if s.hold != nil {
			<-s.hold
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.status != 0 {
			w.WriteHeader(s.status)
			return
		}
		if user, pass, _ := r.BasicAuth(); user != "" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_id") != "me" {
			w.WriteHeader(400)
			_, _ = fmt.Fprint(w, user, pass)
			return
		}
		s.fetched++
		fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":%s}`, s.fetched, s.life)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", s.fetched) {
		w.WriteHeader(401)
		return
	}
	_, _ = w.Write([]byte(`{}`))
}

func (s *tokens) count() int { s.mu.Lock(); defer s.mu.Unlock(); return s.fetched }

func withTokens(t *testing.T, s *tokens) (*carrier.Client, *clock.Manual) {
	t.Helper()
	cl, turn := client(t, s.ServeHTTP), clock.At(noon)
	cl.Clock = turn
	cl.Tokens = carrier.NewTokens(turn, cl.ClientCredentials(carrier.Call{Path: "/token", Form: url.Values{"client_id": {"me"}}}))
	return cl, turn
}

func TestOneTokenServesAllWhoWait(t *testing.T) {
	t.Parallel()
	s := &tokens{life: `"3600"`, hold: make(chan struct{})}
	cl, _ := withTokens(t, s)
	impatient, hangUp := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { first <- cl.Do(impatient, carrier.Call{}, nil) }()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := cl.Do(t.Context(), carrier.Call{}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	hangUp()
	if err := <-first; carrier.KindOf(err) != carrier.KindCanceled {
		t.Errorf("the first hung up, but got %v", err)
	}
	close(s.hold)
	group.Wait()
	if s.count() != 1 {
		t.Errorf("%d tokens were fetched", s.count())
	}
}

func TestATokenIsRenewedBeforeItEndsWithoutAnybodyWaiting(t *testing.T) {
	t.Parallel()
	s := &tokens{life: "14400"}
	cl, turn := withTokens(t, s)
	do := func() {
		t.Helper()
		if err := cl.Do(t.Context(), carrier.Call{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	do()
	turn.Advance(3*time.Hour + 29*time.Minute)
	do()
	if s.count() != 1 {
		t.Fatal("it was renewed too early")
	}
	turn.Advance(2 * time.Minute)
	if token, err := cl.Tokens.Token(t.Context(), ""); err != nil || token != "token-1" {
		t.Fatalf("the old one is still good, but got %s, %v", token, err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		if token, _ := cl.Tokens.Token(t.Context(), ""); token == "token-2" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it was not renewed")
		}
		time.Sleep(time.Millisecond)
	}
	turn.Advance(4 * time.Hour)
	do()
	if s.count() != 3 {
		t.Errorf("%d tokens were fetched", s.count())
	}
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	s := &tokens{life: "3600"}
	cl, _ := withTokens(t, s)
	if err := cl.Do(t.Context(), carrier.Call{}, nil); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.fetched++ // the carrier forgot the token
	s.mu.Unlock()
	if err := cl.Do(t.Context(), carrier.Call{}, nil); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.status = 400
	s.fetched++
	s.mu.Unlock()
	if e := failed(t, cl.Do(t.Context(), carrier.Call{Name: "rates"}, nil)); e.Kind != carrier.KindAuth || e.Call != "token" {
		t.Error(e)
	}
}
