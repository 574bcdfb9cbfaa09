package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// gatewayProgram is a gateway that runs until the test ends it.
type gatewayProgram struct {
	*testing.T
	url string
	end func() (code int, complaint string)
}

func runningGateway(t *testing.T, args ...string) *gatewayProgram {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var out, complaint text
	exited := make(chan int, 1)
	go func() {
		exited <- run(ctx, streams{&out, &complaint}, append([]string{"gateway", "--addr", "127.0.0.1:0"}, args...))
	}()
	g := &gatewayProgram{T: t, end: func() (int, string) {
		cancel()
		code := <-exited
		exited <- code
		return code, complaint.text()
	}}
	t.Cleanup(func() { g.end() })
	says := regexp.MustCompile(`listens on (http://[^;]+);`)
	until(t, patience, "the gateway listens", func() (bool, any) {
		m := says.FindStringSubmatch(out.text())
		if m != nil {
			g.url = m[1]
		}
		return m != nil, complaint.text()
	})
	return g
}

// ask sends a form, or asks without one.
func (g *gatewayProgram) ask(path string, form url.Values) map[string]any {
	g.Helper()
	method := http.MethodPost
	if form == nil {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(g.Context(), method, g.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		g.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_1")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.Fatal(err)
	}
	defer res.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil || res.StatusCode != http.StatusOK {
		g.Fatalf("%s: %d %v %v", path, res.StatusCode, body, err)
	}
	return body
}

func cardForm(card string) url.Values {
	return url.Values{
		"amount": {"1000"}, "currency": {"eur"}, "confirm": {"true"}, "capture_method": {"manual"},
		"payment_method": {card}, "payment_method_types[]": {"card"},
	}
}

func TestTheGatewayIsAProgramWithBooksAndWebhooks(t *testing.T) {
	t.Parallel()
	const secret = "whsec_of_a_test"
	reader := &sandbox.Gateway{Secrets: []string{secret}}
	told := make(chan payment.Notice, 100)
	shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		n, err := reader.Webhook(r.Context(), r.Header, body, time.Now())
		if err != nil {
			n.Type = err.Error() // and so it must be once the gateway's clock is turned
		}
		told <- n
	}))
	defer shop.Close()
	dir := filepath.Join(t.TempDir(), "books")
	g := runningGateway(t, "--data", dir, "--webhook", shop.URL, "--webhook-secret", secret)
	held := g.ask("/v1/payment_intents", cardForm("pm_card_visa"))
	id, _ := held["id"].(string)
	taken := g.ask("/v1/payment_intents/"+id+"/capture", url.Values{})
	if held["status"] != "requires_capture" || taken["status"] != "succeeded" {
		t.Errorf("%v %v", held, taken)
	}
	for _, want := range []string{"payment_intent.created", "payment_intent.amount_capturable_updated", "payment_intent.succeeded"} {
		if n := <-told; n.Type != want || n.GatewayID != id {
			t.Errorf("want %s: %+v", want, n)
		}
	}
	late := g.ask("/v1/payment_intents", cardForm("tok_visa"))
	g.ask("/gateway/clock", url.Values{"seconds": {"604800"}})
	lateID, _ := late["id"].(string)
	if gone := g.ask("/v1/payment_intents/"+lateID, nil); gone["status"] != "canceled" {
		t.Errorf("after a week: %v", gone)
	}
	if code, complaint := g.end(); code != exitOK || complaint != "" {
		t.Fatalf("%d %s", code, complaint)
	}
	all := map[string]sandbox.Charge{}
	if err := sandbox.Journal(filepath.Join(dir, gatewayFile)).Books(func(c sandbox.Charge) { all[c.ID] = c }); err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[id].Captured != 1000 || all[lateID].Status != payment.Voided {
		t.Errorf("the books: %+v", all)
	}
	again := runningGateway(t, "--data", dir)
	if there := again.ask("/v1/payment_intents/"+id, nil); there["amount_received"] != 1000.0 {
		t.Errorf("after a restart: %v", there)
	}
}

func TestTheGatewayEndsThoughItKeepsAnAnswerBack(t *testing.T) {
	t.Parallel()
	g := runningGateway(t)
	lost := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.url+"/v1/payment_intents", strings.NewReader(cardForm("tok_lost_answer").Encode()))
		if err == nil {
			req.Header.Set("Authorization", "Bearer sk_test_1")
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			var res *http.Response
			if res, err = http.DefaultClient.Do(req); err == nil {
				_ = res.Body.Close()
			}
		}
		lost <- err
	}()
	until(t, patience, "the money is held", func() (bool, any) {
		list := g.ask("/v1/payment_intents", nil)
		data, _ := list["data"].([]any)
		return len(data) == 1, list
	})
	begun := time.Now()
	if code, complaint := g.end(); code != exitOK || complaint != "" || time.Since(begun) > 20*time.Second {
		t.Errorf("%d %s after %v", code, complaint, time.Since(begun))
	}
	if err := <-lost; err == nil {
		t.Error("it was answered")
	}
}

func TestTheGatewayGoesWrongAsItsSeedSays(t *testing.T) {
	t.Parallel()
	trace := func(seed string) string {
		g := runningGateway(t, "--faults", "1", "--seed", seed, "--slow", "1ms", "--silence", "1ms")
		for range 30 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/v1/payment_intents", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Close = true // a used line that is cut makes Go ask again
			req.Header.Set("Authorization", "Bearer sk_test_1")
			if res, err := http.DefaultClient.Do(req); err == nil {
				_ = res.Body.Close()
			}
		}
		calls, err := json.Marshal(g.ask("/gateway/trace", nil)["calls"])
		if err != nil {
			t.Fatal(err)
		}
		return string(calls)
	}
	one := trace("7")
	if again := trace("7"); again != one || !strings.Contains(one, "list 30: does") {
		t.Errorf("%s, then %s", one, again)
	}
	if other := trace("8"); other == one {
		t.Error("another seed, the same faults")
	}
}

func TestTheGatewayRefusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"somewhere", "--faults 2", "--faults -1", "--faults NaN", "--faults x", "--seed -1", "--webhook http://127.0.0.1/",
		"--webhook-secret whsec_x", "--webhook nonsense --webhook-secret whsec_x", "--slow quick",
	} {
		if code, out, said := cli(t, "", append([]string{"gateway"}, strings.Fields(args)...)...); code != exitUsage || out != "" || said == "" {
			t.Errorf("%s: %d %q %q", args, code, out, said)
		}
	}
	if code, _, said := cli(t, "", "gateway", "--addr", "nonsense"); code != exitFailed || !strings.Contains(said, "cannot listen") {
		t.Errorf("%d %q", code, said)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := cli(t, blocked, "gateway", "--addr", "127.0.0.1:0"); code != exitFailed || said == "" {
		t.Errorf("%d %q", code, said)
	}
}
