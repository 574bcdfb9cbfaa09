package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"doorstep/internal/clock"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fake"
	"doorstep/shipping/carriertest"
)

// playedCarriers runs the command and gives its lines of JSON by carrier.
func playedCarriers(t *testing.T, args ...string) map[string]m {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var out, complaint text
	exited := make(chan int, 1)
	go func() {
		exited <- run(ctx, streams{&out, &complaint}, append([]string{"fake-carriers", "--addr", "127.0.0.1:0", "--json"}, args...))
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-exited; code != exitOK {
			t.Errorf("it ended with %d: %s", code, complaint.text())
		}
	})
	all := map[string]m{}
	until(t, patience, "the carriers are played", func() (bool, any) {
		for line := range strings.Lines(out.text()) {
			var a m
			if json.Unmarshal([]byte(line), &a) == nil {
				all[a["carrier"].(string)] = a
			}
		}
		return len(all) == len(fake.Names()), complaint.text()
	})
	return all
}

func TestEveryPlayedCarrierIsLinkedByWhatTheCommandPrints(t *testing.T) {
	t.Parallel()
	for name, a := range playedCarriers(t) {
		maker, ok := carriers[name]
		if !ok {
			t.Errorf("nobody can link %s", name)
			continue
		}
		link := shipping.Link{BaseURL: a["base_url"].(string), Credentials: map[string]string{}, Clock: &clock.System{}, Settings: json.RawMessage(`{}`)}
		for k, v := range a["credentials"].(map[string]any) {
			link.Credentials[k] = v.(string)
		}
		for _, need := range maker.Needs {
			if link.Credentials[need] == "" {
				t.Errorf("%s needs %s, which is not printed", name, need)
			}
		}
		it, err := maker.New(link)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		request := carriertest.Domestic()
		if c := it.Capabilities().Countries; len(c) > 0 && c[0] != "US" {
			request.From.Country, request.To.Country = c[0], c[0]
		}
		answer, err := it.Rates(t.Context(), request)
		if k := carrier.KindOf(err); err != nil && k != carrier.KindNotServiceable && k != carrier.KindInvalid || err == nil && len(answer.Rates)+len(answer.Refused) == 0 {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
}

func TestAPlayedParcelMovesAndItsWebhookArrives(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 1)
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		it, _ := carriers["easypost"].New(shipping.Link{Credentials: map[string]string{"api_key": "x", "webhook_secret": r.URL.Query().Get("secret")}, Clock: &clock.System{}})
		news, err := it.ParseWebhook(r.Header, body)
		if err != nil {
			w.WriteHeader(401)
			return
		}
		heard <- r.URL.Path + " " + string(news[0].Events[len(news[0].Events)-1].Status)
	}))
	t.Cleanup(shop.Close)
	a := playedCarriers(t)["easypost"]
	base, credentials := a["base_url"].(string), a["credentials"].(map[string]any)
	it, err := carriers["easypost"].New(shipping.Link{BaseURL: base, Credentials: map[string]string{"api_key": credentials["api_key"].(string)}, Clock: &clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	r := carriertest.Domestic()
	label, err := it.Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: "USPS.Priority", From: r.From, To: r.To, Parcels: r.Parcels})
	if err != nil {
		t.Fatal(err)
	}
	tell := func(path string, body m) string {
		t.Helper()
		sent, _ := json.Marshal(body)
		res, err := http.Post(strings.TrimSuffix(base, "easypost")+"_/"+path, "application/json", strings.NewReader(string(sent)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		said, _ := io.ReadAll(res.Body)
		return res.Status + string(said)
	}
	secret := strings.ReplaceAll(credentials["webhook_secret"].(string), "ﬁ", "%EF%AC%81")
	if said := tell("webhooks", m{"vendor": "easypost", "url": shop.URL + "/hook?secret=" + secret}); !strings.HasPrefix(said, "204") {
		t.Fatal(said)
	}
	if said := tell("advance", m{"vendor": "easypost", "number": label.Numbers[0], "status": "delivered"}); !strings.HasPrefix(said, "200") || !strings.Contains(said, `"webhook":"200`) {
		t.Fatal(said)
	}
	if got := <-heard; got != "/hook delivered" {
		t.Error(got)
	}
}

func TestTheCarriersAreNotPlayedForOthers(t *testing.T) {
	t.Parallel()
	for args, code := range map[string]int{"--addr 0.0.0.0:0": exitFailed, "--addr 192.0.2.1:80": exitFailed, "--addr nowhere": exitFailed, "--webhooks shop": exitUsage, "now": exitUsage} {
		var out, complaint text
		if got := run(t.Context(), streams{&out, &complaint}, append([]string{"fake-carriers"}, strings.Fields(args)...)); got != code {
			t.Errorf("%s: %d, %s", args, got, complaint.text())
		}
	}
}

func TestOnlyTheChosenAccountsOfACarrierOfCarriersAreAsked(t *testing.T) {
	t.Parallel()
	a := playedCarriers(t)["karrio"]
	link := shipping.Link{
		BaseURL: a["base_url"].(string), Credentials: map[string]string{"api_key": a["credentials"].(map[string]any)["api_key"].(string)}, Clock: &clock.System{},
		Settings: json.RawMessage(`{"accounts":["dhl_parcel_de-1"]}`),
	}
	it, err := carriers["karrio"].New(link)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := it.Rates(t.Context(), carriertest.Domestic())
	if err != nil || len(answer.Rates) != 1 || answer.Rates[0].Carrier != "dhl_parcel_de" {
		t.Errorf("got %+v, %v", answer, err)
	}
	for _, bad := range []string{`{"accounts":"one"}`, `{"colour":["red"]}`} {
		link.Settings = json.RawMessage(bad)
		if _, err := carriers["karrio"].New(link); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
