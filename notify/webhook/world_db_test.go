package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/internal/safedial"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// plain is a Sealer that turns bytes around.
type plain struct{}

func (plain) SealSecret(_, row uuid.UUID, secret []byte) []byte { return turn(row, secret) }
func (plain) OpenSecret(_, row uuid.UUID, sealed []byte) ([]byte, error) {
	return turn(row, sealed), nil
}

func turn(row uuid.UUID, b []byte) []byte {
	b = bytes.Clone(b)
	for i := range b {
		b[i] ^= row[i%16] | 1
	}
	return b
}

// request is what a receiver was sent.
type request struct {
	path, id string
	at       time.Time
	body     string
	accepted bool // answered with 200, or about to be when the connection broke
}

// receiver is a merchant's server. behave answers the n-th request (from 1) to
// a path, or returns false to accept it.
type receiver struct {
	t      *testing.T
	server *httptest.Server
	behave func(w http.ResponseWriter, r *http.Request, path string, n int) bool

	mu      sync.Mutex
	seen    []request
	n       map[string]int
	secrets map[string]string // by path, as text
	now     map[string]int    // requests at once
	most    map[string]int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, n: map[string]int{}, secrets: map[string]string{}, now: map[string]int{}, most: map[string]int{}}
	r.server = httptest.NewTLSServer(r)
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	path := req.URL.Path
	r.mu.Lock()
	r.n[path]++
	n := r.n[path]
	r.now[path]++
	r.most[path] = max(r.most[path], r.now[path])
	seconds, _ := strconv.ParseInt(req.Header.Get("Webhook-Timestamp"), 10, 64)
	got := request{path: path, id: req.Header.Get("Webhook-Id"), at: time.Unix(seconds, 0), body: string(body)}
	if secret := r.secrets[path]; secret != "" && !verifies(secret, req.Header, body) {
		r.t.Errorf("%s: the signature %q is not that of its secret", path, req.Header.Get("Webhook-Signature"))
	}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.now[path]--
	}()
	if r.behave != nil && r.behave(w, req, path, n) {
		r.note(got)
		return
	}
	got.accepted = true
	r.note(got)
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) note(got request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, got)
}

func (r *receiver) requests(path string) (all []request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.seen {
		if s.path == path {
			all = append(all, s)
		}
	}
	return all
}

// verifies checks a signature as a receiver does, with code of its own.
func verifies(secret string, header http.Header, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, strings.Join([]string{header.Get("Webhook-Id"), header.Get("Webhook-Timestamp"), string(body)}, "."))
	for s := range strings.SplitSeq(header.Get("Webhook-Signature"), " ") {
		version, text, _ := strings.Cut(s, ",")
		sum, err := base64.StdEncoding.DecodeString(text)
		if version == "v1" && err == nil && hmac.Equal(sum, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

type world struct {
	t *testing.T
	*Service
	dsn      string
	clock    *clock.Manual
	receiver *receiver
	mine     uuid.UUID
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, clock: clock.At(start), receiver: newReceiver(t)}
	base := dbtest.New(t, func(c *db.Config) { c.Clock = w.clock })
	w.dsn = base.DSN
	config := Config{DB: base.DB, Sealer: plain{}, Caller: w.caller(10 * time.Second), Poll: 5 * time.Millisecond}
	for _, f := range change {
		f(&config)
	}
	w.Service = New(config)
	w.mine = w.merchant()
	return w
}

// caller may reach the receiver.
func (w *world) caller(timeout time.Duration) *safedial.Client {
	roots := x509.NewCertPool()
	roots.AddCert(w.receiver.server.Certificate())
	return safedial.New(safedial.Config{Ports: ports(w.receiver.server.URL), Allow: loopback, RootCAs: roots, Timeout: timeout})
}

func (w *world) merchant() uuid.UUID {
	w.t.Helper()
	m := id.New()
	w.exec(`insert into merchants (id, name, status, config_version, created_at, updated_at) values ($1, 'Shop', 'active', 1, $2, $2)`, m, start)
	return m
}

func (w *world) exec(sql string, args ...any) int64 {
	w.t.Helper()
	n, err := w.db.Exec(w.t.Context(), sql, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// endpoint adds an endpoint at a path of the receiver.
func (w *world) endpoint(path string, events ...string) Endpoint {
	w.t.Helper()
	e, secret, err := w.AddEndpoint(w.t.Context(), w.mine, Form{URL: w.receiver.server.URL + path, Events: events})
	if err != nil {
		w.t.Fatal(err)
	}
	w.receiver.mu.Lock()
	w.receiver.secrets[path] = secret
	w.receiver.mu.Unlock()
	return e
}

// happened is an event; the next one of the same aggregate comes after it.
func (w *world) happened(name string, aggregate uuid.UUID) jobs.News {
	return jobs.News{ID: id.New(), Merchant: w.mine, Aggregate: aggregate, Event: name, Payload: []byte(`{"order_id": "` + aggregate.String() + `"}`), At: w.clock.Now()}
}

// relay hands events over as the outbox does.
func (w *world) relay(news ...jobs.News) {
	w.t.Helper()
	if err := pgx.BeginFunc(w.t.Context(), w.db.Pool(), func(tx pgx.Tx) error { return w.Relay(w.t.Context(), tx, news) }); err != nil {
		w.t.Fatal(err)
	}
	w.Relayed()
}

// run starts sending until the test ends, or until stop is called.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(ctx); err != nil && ctx.Err() == nil {
			w.t.Errorf("Run: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

// idle waits until nothing is due and nothing runs.
func (w *world) idle() {
	w.t.Helper()
	eventually(w.t, "idle", func() bool {
		return w.count(`select count(*) from webhook_deliveries d join webhook_endpoints e on e.merchant_id = d.merchant_id and e.id = d.endpoint_id
			where d.status = 'pending' and e.status = 'active'
			  and (d.lease_until is not null or (d.due_at <= $1 and coalesce(e.paused_until <= $1, true)))`, w.clock.Now()) == 0
	})
}

// pass lets time go by until nothing waits any more, at most for so long.
func (w *world) pass(most time.Duration) {
	w.t.Helper()
	for end := w.clock.Now().Add(most); w.clock.Now().Before(end); {
		w.idle()
		if w.count(`select count(*) from webhook_deliveries d join webhook_endpoints e on e.merchant_id = d.merchant_id and e.id = d.endpoint_id
			where d.status = 'pending' and e.status = 'active'`) == 0 {
			return
		}
		var next time.Time
		if err := w.db.QueryRow(w.t.Context(), `select min(greatest(d.due_at, e.paused_until)) from webhook_deliveries d
			join webhook_endpoints e on e.merchant_id = d.merchant_id and e.id = d.endpoint_id where d.status = 'pending' and e.status = 'active'`).Scan(&next); err != nil {
			w.t.Fatal(err)
		}
		w.clock.Set(next)
		w.Wake()
	}
}

func (w *world) delivery(n jobs.News) Delivery {
	w.t.Helper()
	var row uuid.UUID
	if err := w.db.QueryRow(w.t.Context(), `select id from webhook_deliveries where event_id = $1`, n.ID).Scan(&row); err != nil {
		w.t.Fatal(err)
	}
	d, err := w.Delivery(w.t.Context(), w.mine, row)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func ports(server string) []int {
	u, _ := url.Parse(server)
	port, _ := strconv.Atoi(u.Port())
	return []int{port}
}
