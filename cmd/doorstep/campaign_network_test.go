package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorstep/cmd/doorstep/verify"
	"doorstep/internal/clock"
	"doorstep/internal/dbtest"
	"doorstep/internal/killpoint/toll"
	"doorstep/payment/sandbox"
	stripewire "doorstep/payment/sandbox/wire"
)

// toxiproxy makes a network bad; its pinned version.
const toxiproxy = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0"

// buildToxiproxy builds it once for all runs.
func buildToxiproxy(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	folder := filepath.Join(cache, "doorstep-tools", "toxiproxy-v2.5.0")
	program := filepath.Join(folder, "server")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	building := t.TempDir()
	install := exec.CommandContext(t.Context(), "go", "install", toxiproxy)
	install.Dir = building
	install.Env = append(os.Environ(), "GOBIN="+building, "GOFLAGS=-mod=mod")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("skipped: toxiproxy cannot be built here: %v: %s", err, out)
	}
	if err := os.MkdirAll(folder, 0o755); err == nil && os.Rename(filepath.Join(building, "server"), program) == nil {
		return program
	}
	return filepath.Join(building, "server")
}

// badNetwork is a running toxiproxy.
type badNetwork struct{ url string }

func newBadNetwork(t *testing.T) *badNetwork {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	_ = ln.Close() // it is free again in a moment
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, buildToxiproxy(t), "-host", "127.0.0.1", "-port", port)
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	n := &badNetwork{"http://127.0.0.1:" + port}
	until(t, patience, "toxiproxy listens", func() (bool, any) {
		res, err := http.Get(n.url + "/version")
		if err == nil {
			_ = res.Body.Close()
		}
		return err == nil, err
	})
	return n
}

// tell asks toxiproxy for something; it must be willing.
func (n *badNetwork) tell(t *testing.T, method, path string, body m) m {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, n.url+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var said m
	if res.StatusCode >= 300 {
		t.Fatalf("toxiproxy: %s %s: %s", method, path, res.Status)
	}
	if res.StatusCode != http.StatusNoContent {
		if err := json.NewDecoder(res.Body).Decode(&said); err != nil {
			t.Fatal(err)
		}
	}
	return said
}

// between puts the bad network before an address, and gives the new one.
func (n *badNetwork) between(t *testing.T, name, upstream string) string {
	t.Helper()
	said := n.tell(t, http.MethodPost, "/proxies", m{"name": name, "listen": "127.0.0.1:0", "upstream": upstream, "enabled": true})
	listen, _ := said["listen"].(string)
	return listen
}

// stripeBooks are the gateway's books under the name that its payments bear.
type stripeBooks struct{ *sandbox.Gateway }

// Name is the provider's.
func (stripeBooks) Name() string { return "stripe" }

// toxics are what a network does to people, by stream.
var toxics = []m{
	{"type": "latency", "stream": "downstream", "attributes": m{"latency": 300, "jitter": 200}},
	{"type": "latency", "stream": "upstream", "attributes": m{"latency": 1500}},
	{"type": "reset_peer", "stream": "downstream", "attributes": m{"timeout": 5}},
	{"type": "reset_peer", "stream": "upstream", "attributes": m{"timeout": 20}},
	{"type": "timeout", "stream": "downstream", "attributes": m{"timeout": 400}},
	{"type": "down"},
}

// TestABadNetworkLosesAndDoublesNothing lets eight buyers buy while the lines to
// the database and to the gateway are slow, cut, silent and gone.
func TestABadNetworkLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	if !thorough() {
		t.Skip("skipped: it takes minutes; make faults runs it")
	}
	count := toll.Begin(t, "bad network")
	base, network, now := dbtest.New(t), newBadNetwork(t), &clock.System{}
	relay := newDeathwire(t, base.DSN, func() {})
	bank, err := sandbox.Open("", "https://bank.example/3ds/", now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(stripewire.New(bank, stripewire.Options{Clock: now}))
	t.Cleanup(func() { server.Close(); _ = bank.Close() })
	_, port, _ := net.SplitHostPort(network.between(t, "database", relay.listener.Addr().String()))
	_, direct, _ := net.SplitHostPort(relay.listener.Addr().String())
	l := &lane{owner: t, dir: dbtest.Folder(t), dsn: strings.Replace(relay.dsn(), "port="+direct, "port="+port, 1), db: base.DB, post: newPostbox(t)}
	l.settings = append(slices.Clone(hasty), "SMTP_URL="+l.post.url, "STRIPE_SECRET_KEY=sk_test_1",
		"STRIPE_API_BASE=http://"+network.between(t, "gateway", strings.TrimPrefix(server.URL, "http://")), "STRIPE_WEBHOOK_SECRETS="+stripeSecret)
	l.begin(t)
	c := gather(t, l.where(), [][2]string{{"card", "pm_card_visa"}, {"card", "pm_card_visa"}, {"cash_on_delivery", ""}})
	more := func(n int) {
		t.Helper()
		before := c.count()
		until(t, 2*patience, "purchases go on", func() (bool, any) { return c.count() >= before+n, c.count() })
	}
	more(5)
	for _, line := range []string{"database", "gateway"} {
		for _, toxic := range toxics {
			if toxic["type"] == "down" {
				network.tell(t, http.MethodPost, "/proxies/"+line, m{"enabled": false})
			} else {
				network.tell(t, http.MethodPost, "/proxies/"+line+"/toxics", m{"name": "bad", "type": toxic["type"], "stream": toxic["stream"], "toxicity": 1, "attributes": toxic["attributes"]})
			}
			count.Fault()
			select {
			case <-time.After(3 * time.Second): // for as long as a cable is out
			case <-t.Context().Done():
			}
			if toxic["type"] == "down" {
				network.tell(t, http.MethodPost, "/proxies/"+line, m{"enabled": true})
			} else {
				network.tell(t, http.MethodDelete, "/proxies/"+line+"/toxics/bad", nil)
			}
			more(5)
		}
	}
	c.leave()
	for _, wrong := range c.wrong {
		count.Harm(t, toll.Wrong, "%s", wrong)
	}
	l.later(t)
	// What has failed several times is tried again minutes later: not to wait for that.
	if _, err := base.DB.Exec(t.Context(), `update river_job set state = 'available', scheduled_at = now() where state in ('retryable', 'scheduled')`); err != nil {
		t.Fatal(err)
	}
	if err := l.rest(t.Context()); err != nil {
		count.Harm(t, toll.Stuck, "%v", err)
	}
	l.compareAcknowledged(t, c, count)
	found, err := verify.Run(t.Context(), base.DB, now.Now(), stripeBooks{bank})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		count.Harm(t, toll.Wrong, "verify: %v", v)
	}
}

// compareAcknowledged compares the orders that buyers were told of with those
// that there are.
func (l *lane) compareAcknowledged(t *testing.T, c *crowd, count *toll.Count) {
	t.Helper()
	rows, err := l.db.Query(t.Context(), `select id::text from orders`)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, o := range ids {
		if there[o] = true; !c.placed[o] {
			count.Harm(t, toll.Doubled, "order %s was acknowledged to nobody", o)
		}
	}
	for o := range c.placed {
		if !there[o] {
			count.Harm(t, toll.Lost, "acknowledged and lost: %s", o)
		}
	}
	t.Logf("%d orders acknowledged, %d kept", len(c.placed), len(ids))
}
