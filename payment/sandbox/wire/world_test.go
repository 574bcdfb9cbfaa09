package wire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"doorstep/internal/clock"
	"doorstep/payment/sandbox"
	"doorstep/payment/sandbox/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// door is a gateway behind a loopback address.
type door struct {
	*testing.T
	g      *sandbox.Gateway
	clock  *clock.Manual
	faults *sandbox.Faults
	url    string
	client *http.Client
}

func open(t *testing.T) *door {
	t.Helper()
	d := &door{T: t, clock: clock.At(start), faults: sandbox.NewFaults(1, 0), client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}} // a used connection that is cut makes Go ask again
	var err error
	if d.g, err = sandbox.Open("", "https://bank.example/3ds/", d.clock); err != nil {
		t.Fatal(err)
	}
	d.g.SlowFor, d.g.LostFor = time.Millisecond, 10*time.Second
	server := httptest.NewServer(wire.New(d.g, wire.Options{Clock: d.clock, Faults: d.faults}))
	d.url = server.URL
	t.Cleanup(func() {
		server.Close()
		if err := d.g.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// reply is what was answered.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// at finds what stands at a path such as error.payment_intent.id or data.0.id.
func (r reply) at(path string) any {
	var here any = r.body
	for step := range strings.SplitSeq(path, ".") {
		switch v := here.(type) {
		case map[string]any:
			here = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return nil
			}
			here = v[i]
		default:
			return nil
		}
	}
	return here
}

func (r reply) text(path string) string {
	v := r.at(path)
	if v == nil {
		return ""
	}
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// ask sends a request: words are parameters as name=value, and headers as Name: value.
func (d *door) ask(ctx context.Context, method, path string, words ...string) (reply, error) {
	form := url.Values{}
	header := http.Header{"Authorization": {"Bearer sk_test_1"}}
	for _, w := range words {
		if name, value, ok := strings.Cut(w, ": "); ok {
			header.Set(name, value)
			continue
		}
		name, value, _ := strings.Cut(w, "=")
		form.Add(name, value)
	}
	var body io.Reader = http.NoBody
	if method == http.MethodPost {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		path += "?" + form.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, body)
	if err != nil {
		return reply{}, err
	}
	req.Header = header
	res, err := d.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: res.StatusCode, header: res.Header, raw: string(raw)}
	if err := json.Unmarshal(raw, &r.body); err != nil {
		return r, err
	}
	return r, nil
}

func (d *door) get(path string, words ...string) reply {
	d.Helper()
	return d.must(http.MethodGet, path, words...)
}

func (d *door) post(path string, words ...string) reply {
	d.Helper()
	return d.must(http.MethodPost, path, words...)
}

func (d *door) must(method, path string, words ...string) reply {
	d.Helper()
	r, err := d.ask(d.Context(), method, path, words...)
	if err != nil {
		d.Fatalf("%s %s: %v %s", method, path, err, r.raw)
	}
	return r
}

// want checks the status and what stands at paths: path=value.
func (d *door) want(r reply, status int, words ...string) reply {
	d.Helper()
	if r.status != status {
		d.Fatalf("want %d: %d %s", status, r.status, r.raw)
	}
	for _, w := range words {
		path, value, _ := strings.Cut(w, "=")
		if got := r.text(path); got != value {
			d.Errorf("want %s: %q in %s", w, got, r.raw)
		}
	}
	return r
}

// buying are the parameters of a confirmed purchase.
func buying(card string, more ...string) []string {
	return append([]string{"amount=1000", "currency=eur", "confirm=true", "capture_method=manual", "payment_method=" + card, "payment_method_types[0]=card"}, more...)
}

// hold is a fresh hold of 10.00 EUR.
func (d *door) hold(more ...string) string {
	d.Helper()
	return d.want(d.post("/v1/payment_intents", buying("pm_card_visa", more...)...), 200, "status=requires_capture", "amount_capturable=1000").text("id")
}
