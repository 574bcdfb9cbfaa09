package api

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/fault"
	"doorstep/internal/idem"

	"github.com/google/uuid"
)

// scenario is one request and what its answer must be like.
type scenario struct {
	name         string
	method, path string
	header       map[string]string
	body         string
	status       int
	want         []string          // must be in the body
	wantNot      []string          // must not be in body or headers
	wantHeader   map[string]string // "" means absent
}

// run sends the scenarios, each with the publishable key unless it says
// otherwise ("Authorization": "" sends none).
func run(t *testing.T, s *Server, table []scenario) {
	t.Helper()
	for _, sc := range table {
		t.Run(sc.name, func(t *testing.T) {
			res, body := send(t, s, sc.method, sc.path, sc.header, sc.body)
			if res.StatusCode != sc.status {
				t.Fatalf("status %d, want %d: %s", res.StatusCode, sc.status, body)
			}
			if sc.status >= 400 && res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("an error must be a problem document, got %q", res.Header.Get("Content-Type"))
			}
			for _, w := range sc.want {
				if !strings.Contains(body, w) {
					t.Errorf("%q is missing in %s", w, body)
				}
			}
			var head bytes.Buffer
			_ = res.Header.Write(&head)
			for _, w := range sc.wantNot {
				if strings.Contains(body, w) || strings.Contains(head.String(), w) {
					t.Errorf("%q must not be in the answer: %s\n%s", w, head.String(), body)
				}
			}
			for name, w := range sc.wantHeader {
				if got := strings.Join(res.Header.Values(name), ", "); got != w {
					t.Errorf("%s is %q, want %q", name, got, w)
				}
			}
		})
	}
}

func send(t *testing.T, s *Server, method, path string, header map[string]string, body string) (*http.Response, string) {
	t.Helper()
	var in io.Reader = http.NoBody
	if body != "" {
		in = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, path, in)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+shopKey)
	for k, v := range header {
		if v == "" {
			req.Header.Del(k)
		} else {
			req.Header.Set(k, v)
		}
	}
	res, err := s.Test(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

const (
	shopKey    = "ds_pk_shop"    // https://shop.example only
	appKey     = "ds_pk_app"     // no origin
	openKey    = "ds_pk_open"    // any origin
	adminKey   = "ds_sk_admin"   // orders:write, catalog:read
	rootKey    = "ds_sk_root"    // all
	revokedKey = "ds_sk_revoked" // ended
)

var (
	merchant   = uuid.MustParse("01900000-0000-7000-8000-000000000001")
	errRevoked = fault.New(fault.Unauthorized, "key_revoked", "This API key has ended.")
)

func with(key string, more ...string) map[string]string {
	h := map[string]string{"Authorization": "Bearer " + key}
	for i := 0; i+1 < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	return h
}

// fakeKeys knows the keys above.
type fakeKeys struct{}

func (fakeKeys) Authenticate(_ context.Context, key string) (Principal, error) {
	p := Principal{Merchant: merchant, KeyID: uuid.NewSHA1(uuid.Nil, []byte(key)), Secret: strings.HasPrefix(key, "ds_sk_")}
	switch key {
	case shopKey:
		p.Origins = []string{"https://shop.example"}
	case appKey:
	case openKey:
		p.Origins = []string{"*"}
	case adminKey:
		p.Scopes = []string{"orders:write", "catalog:read"}
	case rootKey:
		p.Scopes = []string{"*"}
	case revokedKey:
		return Principal{}, errRevoked
	case "ds_pk_mixed":
		p.Secret, p.Scopes = true, []string{"*"}
	case "ds_pk_broken":
		return Principal{}, io.ErrUnexpectedEOF
	default:
		return Principal{}, errKeyInvalid
	}
	return p, nil
}

// fakeOnce is an idempotency store in memory.
type fakeOnce struct {
	sync.Mutex
	keys map[string]idem.State
}

func newOnce() *fakeOnce { return &fakeOnce{keys: map[string]idem.State{}} }

func nameOf(k idem.Key) string { return k.Merchant.String() + k.Key }

func (f *fakeOnce) Begin(_ context.Context, k idem.Key, lease time.Duration) (idem.State, error) {
	f.Lock()
	defer f.Unlock()
	now := time.Now()
	state := f.keys[nameOf(k)]
	if !state.Known {
		f.keys[nameOf(k)] = idem.State{Known: true, Hash: k.Hash, Lease: now.Add(lease)}
	}
	return state, state.Check(k, now)
}

func (f *fakeOnce) Finish(_ context.Context, k idem.Key, status int, headers map[string]string, body []byte) error {
	f.Lock()
	defer f.Unlock()
	f.keys[nameOf(k)] = idem.State{Known: true, Done: true, Hash: k.Hash, Status: status, Headers: headers, Body: body}
	return nil
}

func (f *fakeOnce) Abandon(_ context.Context, k idem.Key) error {
	f.Lock()
	defer f.Unlock()
	delete(f.keys, nameOf(k))
	return nil
}

// logs collects what the server logs, at every level.
type logs struct {
	sync.Mutex
	bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *logs) text() string {
	l.Lock()
	defer l.Unlock()
	return l.String()
}

// newServer makes a server with the fakes; change adjusts the options.
func newServer(t testing.TB, change ...func(*Options)) (*Server, *logs) {
	t.Helper()
	l := &logs{}
	o := Options{
		Log:         slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Clock:       clock.At(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
		Keys:        fakeKeys{},
		Idempotency: newOnce(),
		OriginKnown: func(_ context.Context, origin string) bool { return origin == "https://shop.example" },
		Version:     Version{Version: "1.2.3", Commit: "abc", Go: "go1.26"},
		TempDir:     t.TempDir(),
		Limits:      Limits{Publishable: Limit{PerSecond: -1}, Secret: Limit{PerSecond: -1}, Public: Limit{PerSecond: -1}},
	}
	for _, f := range change {
		f(&o)
	}
	return New(o), l
}

// The routes that the tests call.

type note struct {
	Text    string   `json:"text" minLength:"1" maxLength:"2000" example:"hello"`
	Email   string   `json:"email,omitempty" format:"email" example:"ani@example.com"`
	Size    int64    `json:"size,omitempty" minimum:"0"`
	Tags    []string `json:"tags,omitempty"`
	Barcode string   `json:"barcode,omitempty"`
	Number  string   `json:"tracking_number,omitempty"`
	Price   *Money   `json:"price,omitempty"`
}
type noteIn struct{ Body note }
type noteOut struct {
	ETag string `header:"ETag"`
	Body struct {
		ID       uuid.UUID `json:"id" format:"uuid"`
		Text     string    `json:"text"`
		Shopper  string    `json:"shopper"`
		Language string    `json:"language"`
		Once     string    `json:"once,omitempty"`
	}
}

func noted(ctx context.Context, text string) *noteOut {
	out := &noteOut{ETag: etag(7)}
	out.Body.ID, out.Body.Text = uuid.Must(uuid.NewV7()), text
	out.Body.Shopper, out.Body.Language, out.Body.Once = shopper(ctx).String(), language(ctx).String(), onceKey(ctx).Key
	return out
}

var errNoteClosed = fault.New(fault.Conflict, "note_closed", "This note is closed.")

// addNotes declares a route of each kind.
func addNotes(s *Server) {
	post := func(id, path string, auth Need, once Once) {
		handle(s, Route{ID: id, Method: http.MethodPost, Path: path, Tag: "notes", Summary: "Write a note", Status: http.StatusCreated,
			Auth: auth, Once: once, Errors: []*fault.Error{errNoteClosed}},
			func(ctx context.Context, in *noteIn) (*noteOut, error) { return noted(ctx, in.Body.Text), nil })
	}
	post("add-note", "/v1/notes", publishable(), OnceOptional)
	post("pay-note", "/v1/notes/pay", publishable(), OnceRequired)
	post("complete-note", "/v1/notes/complete", publishable(), OnceInside)
	post("order-note", "/v1/orders", secret("orders:write"), OnceOptional)
	post("leave-note", "/v1/surveys", public(), OnceOptional)
	get := func(id, path string, auth Need) {
		handle(s, Route{ID: id, Method: http.MethodGet, Path: path, Tag: "notes", Summary: "Read a note", Auth: auth},
			func(ctx context.Context, in *struct {
				ID string `path:"id" maxLength:"50"`
				IfMatch
				PageQuery
			}) (*noteOut, error) {
				return noted(ctx, in.ID), in.check(7)
			})
	}
	get("read-note", "/v1/notes/{id}", publishable())
	get("read-order", "/v1/orders/{id}", secret("orders:read"))
	get("read-refund", "/v1/refunds/{id}", secret("refunds:read"))
	get("track-note", "/v1/track/{id}", public())
}

// fail declares a route that answers with what the function returns.
func fail(s *Server, f func(ctx context.Context) error) {
	handle(s, Route{ID: "fail", Method: http.MethodPost, Path: "/v1/fail", Tag: "notes", Summary: "Fail", Auth: publishable()},
		func(ctx context.Context, _ *struct{}) (*noteOut, error) {
			if err := f(ctx); err != nil {
				return nil, err
			}
			return noted(ctx, "fine"), nil
		})
}

func trustTest(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/32")} }
