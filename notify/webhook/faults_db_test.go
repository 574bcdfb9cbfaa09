package webhook

import (
	"context"
	"crypto/x509"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/internal/safedial"
)

func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// faults are what a receiver does wrong, for its first so many requests or for
// ever; the last word says what should come of it.
var faults = []struct {
	name string
	act  func(w http.ResponseWriter, r *http.Request, n int) bool
}{
	{"500", func(w http.ResponseWriter, _ *http.Request, n int) bool { return n <= 4 && fails(w, 500) }},
	{"404", func(w http.ResponseWriter, _ *http.Request, n int) bool { return n <= 3 && fails(w, 404) }},
	{"410", func(w http.ResponseWriter, _ *http.Request, n int) bool { return n <= 1 && fails(w, 410) }},
	{"hang", func(_ http.ResponseWriter, r *http.Request, n int) bool {
		if n <= 2 {
			<-r.Context().Done()
		}
		return n <= 2
	}},
	{"drip", func(w http.ResponseWriter, r *http.Request, n int) bool {
		for n <= 2 {
			_, err := w.Write([]byte("."))
			if err == nil {
				err = http.NewResponseController(w).Flush()
			}
			if err != nil || r.Context().Err() != nil {
				return true
			}
			time.Sleep(20 * time.Millisecond)
		}
		return false
	}},
	{"redirect", func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n <= 2 {
			http.Redirect(w, r, "https://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}
		return n <= 2
	}},
	{"huge", func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n <= 2 {
			w.WriteHeader(http.StatusBadGateway)
			for range 1000 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					break
				}
			}
		}
		return n <= 2
	}},
	{"reset", func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n <= 3 {
			reset(w)
		}
		return n <= 3
	}},
	{"429", func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n <= 2 {
			w.Header().Set("Retry-After", "3600")
		}
		return n <= 2 && fails(w, 429)
	}},
	{"tls", func(http.ResponseWriter, *http.Request, int) bool { return false }}, // of a server that nobody trusts, until its address is changed
	{"wrong then right", func(w http.ResponseWriter, _ *http.Request, n int) bool { return n%2 == 1 && fails(w, 503) }},
	{"duplicate", func(w http.ResponseWriter, _ *http.Request, n int) bool { return false }}, // takes it, and breaks the connection: see below
}

func fails(w http.ResponseWriter, code int) bool {
	http.Error(w, "no", code)
	return true
}

func TestAReceiverWithTwelveFaultsLosesNothingAndDoublesOnlyById(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	taken := map[string]int{} // by the one that breaks the connection after it has taken a request
	w.receiver.behave = func(rw http.ResponseWriter, r *http.Request, path string, n int) bool {
		if strings.HasSuffix(path, "duplicate") && n <= 4 {
			w.receiver.mu.Lock()
			taken[r.Header.Get("Webhook-Id")]++
			w.receiver.mu.Unlock()
			reset(rw)
			return true
		}
		for _, f := range faults {
			if path == "/"+strings.ReplaceAll(f.name, " ", "-") {
				return f.act(rw, r, n)
			}
		}
		return false
	}
	endpoints := map[string]Endpoint{}
	for _, f := range faults {
		endpoints[f.name] = w.endpoint("/" + strings.ReplaceAll(f.name, " ", "-"))
	}
	w.config.Caller = &moody{Client: w.caller(10 * time.Second), send: map[string]*safedial.Client{
		endpoints["hang"].URL: w.caller(500 * time.Millisecond), endpoints["drip"].URL: w.caller(500 * time.Millisecond),
		// A server whose certificate nobody trusts.
		endpoints["tls"].URL: safedial.New(safedial.Config{Ports: ports(w.receiver.server.URL), Allow: loopback, RootCAs: x509.NewCertPool()}),
	}}
	var news []jobs.News
	for range 3 {
		news = append(news, w.happened("order.placed", id.New()))
	}
	w.relay(news...)
	w.relay(news...) // an event that is told twice is one delivery
	w.run()
	w.pass(12 * time.Hour)
	// It said 410: nothing more is sent until somebody says that it is there again.
	gone, err := w.Endpoint(t.Context(), w.mine, endpoints["410"].ID)
	if err != nil || gone.Status != Disabled || gone.Reason != Gone {
		t.Fatalf("after 410: %+v %v", gone, err)
	}
	if _, err := w.UpdateEndpoint(t.Context(), w.mine, gone.ID, nil, func(f *Form) error { f.Status = Active; return nil }); err != nil {
		t.Fatal(err)
	}
	dead, err := w.Deliveries(t.Context(), w.mine, Filter{Status: Dead}, 100, uuid.Nil)
	if err != nil || len(dead) != 1 || dead[0].Reason != reasonGone || dead[0].Endpoint != gone.ID {
		t.Fatalf("dead: %+v %v", dead, err)
	}
	if _, err := w.Redeliver(t.Context(), w.mine, dead[0].ID); err != nil {
		t.Fatal(err)
	}
	w.pass(12 * time.Hour)

	want := []string{}
	for _, n := range news {
		want = append(want, webhookID(n.ID))
	}
	slices.Sort(want)
	for _, f := range faults {
		accepted, bodies := map[string]int{}, map[string]string{}
		requests := w.receiver.requests("/" + strings.ReplaceAll(f.name, " ", "-"))
		for _, r := range requests {
			if r.accepted {
				accepted[r.id]++
			}
			if kept, again := bodies[r.id]; again && kept != r.body {
				t.Errorf("%s: %s was sent with two bodies", f.name, r.id)
			}
			bodies[r.id] = r.body
		}
		got := []string{}
		for name, n := range accepted {
			if got = append(got, name); n != 1 {
				t.Errorf("%s: %s was accepted %d times", f.name, name, n)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: accepted %v, want %v", f.name, got, want)
		}
		if f.name != "tls" && len(requests) <= len(news) {
			t.Errorf("%s: %d requests: the fault was not met", f.name, len(requests))
		}
	}
	if len(taken) == 0 {
		t.Error("nothing was taken before the connection broke")
	}
	if n := w.count(`select count(*) from webhook_deliveries where status = 'delivered'`); n != len(faults)*len(news) {
		t.Errorf("%d delivered, want %d", n, len(faults)*len(news))
	}
	if n := w.count(`select count(*) from webhook_endpoints where failing_since is not null`); n != 0 {
		t.Errorf("%d endpoints count as failing", n)
	}
	// The log says what was wrong each time.
	for name, want := range map[string]string{
		"hang": safedial.TimedOut, "drip": safedial.TimedOut, "reset": safedial.Broken, "tls": safedial.TLS, "duplicate": safedial.Broken,
		"500": "500", "404": "404", "410": "410", "redirect": "307", "huge": "502", "429": "429", "wrong then right": "503",
	} {
		if n := w.count(`select count(*) from webhook_attempts a join webhook_deliveries d on d.merchant_id = a.merchant_id and d.id = a.delivery_id
			where d.endpoint_id = $1 and coalesce(a.code::text, a.error) = $2`, endpoints[name].ID, want); n == 0 {
			t.Errorf("%s: no attempt is noted as %s", name, want)
		}
	}
	if n := w.count(`select max(length(excerpt)) from webhook_attempts`); n > excerptSize {
		t.Errorf("an excerpt of %d characters", n)
	}
}

// moody calls some addresses with other clients, the first three times.
type moody struct {
	*safedial.Client
	send map[string]*safedial.Client
	mu   sync.Mutex
	n    map[string]int
}

func (m *moody) Send(ctx context.Context, req *http.Request) (safedial.Answer, time.Duration, error) {
	address := req.URL.String()
	m.mu.Lock()
	if m.n == nil {
		m.n = map[string]int{}
	}
	m.n[address]++
	client := m.send[address]
	if m.n[address] > 3 || client == nil {
		client = m.Client
	}
	m.mu.Unlock()
	return client.Send(ctx, req)
}
