package shipping_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/policy"
	"doorstep/shipping/rating"
)

// plain is a carrier whose whole API is one page with a price.
type plain struct {
	carrier.Carrier
	client *carrier.Client
}

func (p *plain) Name() string                       { return "plain" }
func (p *plain) Capabilities() carrier.Capabilities { return carrier.Capabilities{} }
func (p *plain) Rates(ctx context.Context, r carrier.RateRequest) (answer carrier.RateAnswer, err error) {
	var out struct {
		Cents int64 `json:"cents"`
	}
	if err = p.client.Do(ctx, carrier.Call{Name: "rates", Method: http.MethodPost, Path: "/rates", JSON: map[string]any{"grams": r.Parcels[0].WeightG, "to": r.To.Postcode}}, &out); err == nil {
		answer.Rates = []carrier.Rate{{Carrier: "plain", Service: "std", Total: money.Of(out.Cents, "USD"), TransitDays: 3}}
	}
	return answer, err
}

// turn makes sealed bytes that are not the secret, bound to a row.
func turn(_, row uuid.UUID, text []byte) []byte {
	out := make([]byte, len(text))
	for i := range text {
		out[i] = text[i] ^ row[i%16] ^ 0x5a
	}
	return out
}

// linked is a world whose merchant can link plain carriers.
func linked(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	accounts := shipping.NewAccounts(shipping.AccountsConfig{
		DB: w.db, Clock: w.clock, Transport: transport, Seal: turn,
		Open: func(m, row uuid.UUID, sealed []byte) ([]byte, error) { return turn(m, row, sealed), nil },
		Check: func(url string) error {
			if !strings.HasPrefix(url, "http://127.0.0.1") {
				return fault.New(fault.Invalid, "address_refused", "This address may not be called.")
			}
			return nil
		},
		Carriers: map[string]shipping.Maker{"plain": {Needs: []string{"key"}, May: []string{"extra"}, New: func(l shipping.Link) (carrier.Carrier, error) {
			if l.Credentials["key"] == "broken" {
				return nil, errors.New("the key cannot be used")
			}
			return &plain{client: &carrier.Client{Carrier: "plain", Base: l.BaseURL, Clock: l.Clock, Transport: l.Transport}}, nil
		}}},
	})
	rater := rating.New(rating.Config{Clock: w.clock})
	t.Cleanup(func() {
		rater.Close()
		transport.CloseIdleConnections()
	})
	w.parcels.Accounts, w.parcels.Rater = accounts, rater
	return w
}

func (w *world) link(code, url string) shipping.Account {
	w.t.Helper()
	a, err := w.parcels.Accounts.Add(w.ctx, w.merchant, shipping.AccountForm{
		Carrier: "plain", Code: code, BaseURL: url, Credentials: map[string]string{"key": "secret-" + code}, Enabled: true,
		ShipFrom: map[string]shipping.Address{"": {Country: "US", Postcode: "10001"}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func TestCredentialsOfCarriersAreSealedAndGoNowhereElse(t *testing.T) {
	t.Parallel()
	w := linked(t)
	s := w.parcels.Accounts
	a := w.link("one", "http://127.0.0.1:1")
	var sealed []byte
	var names []string
	if err := w.db.QueryRow(w.ctx, `select sealed, credential_names from carrier_accounts where merchant_id = $1 and id = $2`, w.merchant, a.ID).Scan(&sealed, &names); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), "secret") || fmt.Sprint(names, a.Known) != "[key] [key]" || a.Credentials != nil {
		t.Errorf("stored %q %v, shown %v", sealed, names, a.Credentials)
	}
	change := func(f func(*shipping.AccountForm)) (shipping.Account, error) {
		return s.Change(w.ctx, w.merchant, a.ID, nil, func(form *shipping.AccountForm) error {
			if form.Credentials != nil {
				t.Error("a change is shown the credentials")
			}
			f(form)
			return nil
		})
	}
	if _, err := change(func(f *shipping.AccountForm) { f.BaseURL = "http://127.0.0.1:2" }); !errors.Is(err, shipping.ErrAccount) {
		t.Errorf("the old secrets would go to a new address: %v", err)
	}
	if got, err := change(func(f *shipping.AccountForm) { f.Credentials = map[string]string{"extra": "x"} }); err != nil || fmt.Sprint(got.Known, got.Version) != "[extra key] 2" {
		t.Errorf("%v %d %v", got.Known, got.Version, err)
	}
	if got, err := change(func(f *shipping.AccountForm) { f.Credentials = map[string]string{"extra": ""} }); err != nil || fmt.Sprint(got.Known) != "[key]" {
		t.Errorf("%v %v", got.Known, err)
	}
	old := int64(1)
	if _, err := s.Change(w.ctx, w.merchant, a.ID, &old, func(*shipping.AccountForm) error { return nil }); !errors.Is(err, shipping.ErrAccountVersion) {
		t.Errorf("an old version is changed: %v", err)
	}
	for name, f := range map[string]shipping.AccountForm{
		"carrier":          {Carrier: "pigeon"},
		"credentials.key":  {Carrier: "plain", Code: "x"},
		"credentials":      {Carrier: "plain", Code: "x", Credentials: map[string]string{"key": "k", "password": "p"}},
		"base_url":         {Carrier: "plain", Code: "x", BaseURL: "http://169.254.169.254", Credentials: map[string]string{"key": "k"}},
		"settings":         {Carrier: "plain", Code: "x", Settings: json.RawMessage(`{"a":1}`), Credentials: map[string]string{"key": "k"}},
		"timeout_ms":       {Carrier: "plain", Code: "x", TimeoutMS: 5, Credentials: map[string]string{"key": "k"}},
		"ship_from":        {Carrier: "plain", Code: "x", Credentials: map[string]string{"key": "k"}, ShipFrom: map[string]shipping.Address{"": {}}},
		"code":             {Carrier: "plain", Code: "a b", Credentials: map[string]string{"key": "k"}},
		"settings of them": {Carrier: "plain", Code: "x", Credentials: map[string]string{"key": "broken"}},
	} {
		_, err := s.Add(w.ctx, w.merchant, f)
		bad, ok := fault.As(err)
		if !ok || !errors.Is(err, shipping.ErrAccount) || len(bad.Fields) != 1 || !strings.HasPrefix(bad.Fields[0].Location, strings.Fields(name)[0]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Add(w.ctx, w.merchant, shipping.AccountForm{Carrier: "plain", Code: "one", Credentials: map[string]string{"key": "k"}}); !errors.Is(err, shipping.ErrAccountTaken) {
		t.Errorf("a code twice: %v", err)
	}
	if _, err := s.Account(w.ctx, id.New(), a.ID); !errors.Is(err, shipping.ErrAccountNotFound) {
		t.Errorf("another merchant reads it: %v", err)
	}
	if err := s.Delete(w.ctx, w.merchant, a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Carrier(w.ctx, w.merchant, a.ID); !errors.Is(err, shipping.ErrAccountNotFound) {
		t.Errorf("a forgotten account is opened: %v", err)
	}
}

// door is a carrier's server that behaves as it is told, and counts.
type door struct {
	*httptest.Server
	mood  atomic.Value // string
	calls atomic.Int64
	hung  chan struct{}
	end   sync.Once
}

func newDoor(t *testing.T, cents int64) *door {
	t.Helper()
	d := &door{hung: make(chan struct{})}
	d.mood.Store("well")
	d.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		d.calls.Add(1)
		switch d.mood.Load() {
		case "hangs":
			select {
			case <-d.hung:
			case <-r.Context().Done():
			}
		case "html":
			_, _ = rw.Write([]byte("<html><body>503</body></html>"))
		case "down":
			http.Error(rw, "no", http.StatusInternalServerError)
		default:
			fmt.Fprintf(rw, `{"cents":%d}`, cents)
		}
	}))
	t.Cleanup(func() {
		d.end.Do(func() { close(d.hung) })
		d.Close()
	})
	return d
}

func (w *world) quote(r policy.Request) policy.Answer {
	w.t.Helper()
	a, err := w.parcels.Quote(w.ctx, w.merchant, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func parcelTo(postcode string) policy.Request {
	weight := int64(900)
	return policy.Request{Dest: policy.Dest{Country: "US", Postcode: postcode}, Items: []policy.Item{{SKU: "A", Quantity: 1, UnitPrice: 5000, WeightG: &weight}}, Explain: true}
}

func outcomes(a policy.Answer) string {
	var all []string
	for _, o := range a.Options {
		all = append(all, strings.TrimSpace(fmt.Sprint(o.Method, " ", o.Total.Minor, " ", o.Source, " ", o.Code)))
	}
	for _, h := range a.Hidden {
		all = append(all, strings.TrimSpace(fmt.Sprint(h.Method, " ", h.Code, " ", h.Field)))
	}
	return strings.Join(all, "; ")
}

func TestAQuoteIsMadeOfWhatCarriersSay(t *testing.T) {
	t.Parallel()
	w := linked(t)
	d := newDoor(t, 1240)
	a := w.link("ups", d.URL)
	w.publish(w.draft([]byte(`{"currency":"USD","rating":{"deadline_ms":2000},"methods":[{"id":"m","price":{"type":"live","carrier":"ups","service":"std"}},{"id":"x","price":{"type":"live","carrier":"dhl","fallback":[{"use":"flat","amount":1900}]}}]}`)))
	step := func(r policy.Request, want string) {
		t.Helper()
		if got := outcomes(w.quote(r)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	step(parcelTo("10001"), "m 1240 live; x 1900 flat carrier_not_linked")
	step(parcelTo("10001"), "m 1240 cache; x 1900 flat carrier_not_linked")
	step(parcelTo(""), "m insufficient_data dest.postcode; x insufficient_data dest.postcode")
	unweighed := parcelTo("10001")
	unweighed.Items[0].WeightG = nil
	step(unweighed, "m insufficient_data item.weight_g; x insufficient_data item.weight_g")
	if n := d.calls.Load(); n != 1 {
		t.Errorf("the carrier was asked %d times", n)
	}
	d.mood.Store("down")
	w.clock.Advance(16 * time.Minute)
	step(parcelTo("10001"), "m 1240 stale carrier_error; x 1900 flat carrier_not_linked")
	step(parcelTo("90210"), "x 1900 flat carrier_not_linked; m carrier_error")
	if _, err := w.parcels.Accounts.Change(w.ctx, w.merchant, a.ID, nil, func(f *shipping.AccountForm) error { f.Enabled = false; return nil }); err != nil {
		t.Fatal(err)
	}
	step(parcelTo("10001"), "x 1900 flat carrier_not_linked; m carrier_not_linked")
	if _, err := w.parcels.Quote(w.ctx, w.merchant, policy.Request{CarrierStubs: map[string]policy.Stub{"ups": {}}}); !errors.Is(err, policy.ErrRequest) {
		t.Errorf("a shopper plays the carrier: %v", err)
	}
}

func TestAnAccountIsTriedWithoutBuyingAnything(t *testing.T) {
	t.Parallel()
	w := linked(t)
	d := newDoor(t, 500)
	a := w.link("ups", d.URL)
	if got, err := w.parcels.Accounts.Test(w.ctx, w.merchant, a.ID); err != nil || !got.OK || fmt.Sprint(got.Services) != "[std]" {
		t.Errorf("%+v %v", got, err)
	}
	d.mood.Store("html")
	if got, err := w.parcels.Accounts.Test(w.ctx, w.merchant, a.ID); err != nil || got.OK || got.Code != string(carrier.KindMalformed) {
		t.Errorf("%+v %v", got, err)
	}
}

// callsUnderWay counts the goroutines that ask a carrier or wait for one.
func callsUnderWay() int {
	stacks := make([]byte, 8<<20)
	n := 0
	for g := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(g, "doorstep/shipping/rating.") || strings.Contains(g, "doorstep/shipping/carrier.") {
			n++
		}
	}
	return n
}

func TestQuotesSurviveCarriersThatHangOrTalkNonsense(t *testing.T) { // not parallel: it counts goroutines
	w := linked(t)
	doors := make([]*door, 5)
	var methods []string
	for i := range doors {
		doors[i] = newDoor(t, int64(1000+i))
		code := fmt.Sprint("c", i)
		w.link(code, doors[i].URL)
		methods = append(methods, fmt.Sprintf(`{"id":"m%d","price":{"type":"live","carrier":"%s","fallback":[{"use":"stale"},{"use":"hide"}]}}`, i, code))
	}
	doors[1].mood.Store("hangs")
	doors[3].mood.Store("hangs")
	doors[4].mood.Store("html")
	w.publish(w.draft([]byte(`{"currency":"USD","rating":{"deadline_ms":800,"breaker":{"failures":5,"open_s":30}},"methods":[` + strings.Join(methods, ",") + `]}`)))
	var slowest atomic.Int64
	var all sync.WaitGroup
	for shopper := range 8 {
		all.Go(func() {
			for n := range 8 {
				began := time.Now()
				a := w.quote(parcelTo(fmt.Sprintf("%05d", 10000+(shopper*8+n)%30)))
				slowest.Store(max(slowest.Load(), int64(time.Since(began))))
				if len(a.Options) == 0 || len(a.Options)+len(a.Hidden) != 5 {
					t.Errorf("a quote with %s", outcomes(a))
				}
				for _, h := range a.Hidden {
					if h.Code != "carrier_timeout" && h.Code != "carrier_error" && h.Code != "carrier_breaker_open" {
						t.Errorf("%s is absent for %q", h.Method, h.Code)
					}
				}
			}
		})
	}
	all.Wait()
	if took := time.Duration(slowest.Load()); took > 5*time.Second {
		t.Errorf("a quote took %s with a deadline of 800 ms", took)
	}
	for _, i := range []int{1, 3} {
		if n := doors[i].calls.Load(); n > 60 {
			t.Errorf("a hung carrier was asked %d times", n)
		}
	}
	w.parcels.Rater.Close()
	for deadline := time.Now().Add(10 * time.Second); callsUnderWay() > 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d calls of carriers never ended", callsUnderWay())
		}
	}
}

func TestOutagesArePlayedWithoutAskingACarrier(t *testing.T) {
	t.Parallel()
	w := linked(t)
	d := newDoor(t, 5)
	w.link("ups", d.URL)
	const document = `{"currency":"USD","rating":{"deadline_ms":1500,"breaker":{"failures":2,"open_s":30}},"methods":[{"id":"m","price":{"type":"live","carrier":"ups","service":"03","fallback":[{"use":"stale","max_age_s":600},{"use":"flat","amount":900}]}}]}`
	good := policy.Stub{Rates: []policy.LiveRate{{Service: "03", Amount: 1240, Currency: "USD"}}, DelayMS: 1500}
	slow := policy.Stub{DelayMS: 1501, Rates: good.Rates}
	page := policy.Stub{Status: 200, Body: "<html>"}
	down := policy.Stub{Status: 500}
	run := func(stubs map[string]policy.Stub, own ...policy.Stub) string {
		t.Helper()
		sim := shipping.Simulation{Document: []byte(document), Now: start, Stubs: stubs}
		for i, stub := range own {
			r := policy.Request{Dest: policy.Dest{Country: "US"}, Now: start.Add(time.Duration(i) * 20 * time.Second)}
			if stub.Status != -1 {
				r.CarrierStubs = map[string]policy.Stub{"ups": stub}
			}
			sim.Requests = append(sim.Requests, r)
		}
		answers, err := w.parcels.Simulate(w.ctx, w.merchant, sim)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, a := range answers {
			all = append(all, outcomes(a))
		}
		return strings.Join(all, " | ")
	}
	none := policy.Stub{Status: -1}
	for want, got := range map[string]string{
		"m 1240 live":                                run(map[string]policy.Stub{"ups": good}, none),
		"m 900 flat carrier_timeout":                 run(nil, slow),
		"m 900 flat carrier_error":                   run(map[string]policy.Stub{"ups": page}, none),
		"m 900 flat carrier_error | m 1240 live":     run(nil, down, good),
		"m 1240 live | m 1240 stale carrier_timeout": run(nil, good, slow),
		"m 900 flat carrier_error | m 900 flat carrier_error | m 900 flat carrier_breaker_open | m 1240 live": run(nil, down, page, good, good),
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if n := d.calls.Load(); n != 0 {
		t.Errorf("a simulation asked the carrier %d times", n)
	}
}

func TestTheExamplesOfThePolicyPassInSimulations(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../../shared/vectors/shipping_examples.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(root)
	if err != nil {
		t.Skip("skipped: ../shared/vectors/shipping_examples.json is not beside the repository")
	}
	var file struct {
		Cases []struct {
			ID     string
			Policy json.RawMessage
			Calls  []struct {
				Name    string
				Request json.RawMessage
				Expect  struct {
					Options []struct {
						Method string
						Total  money.Amount
						Lines  []policy.Line
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Cases) == 0 {
		t.Fatal(err)
	}
	w := newWorld(t)
	for _, c := range file.Cases {
		for _, call := range c.Calls {
			r, err := policy.ParseRequest(call.Request)
			if err != nil {
				t.Fatalf("%s %s: %v", c.ID, call.Name, err)
			}
			answers, err := w.parcels.Simulate(w.ctx, w.merchant, shipping.Simulation{Document: c.Policy, Requests: []policy.Request{r}})
			if err != nil {
				t.Fatalf("%s %s: %v", c.ID, call.Name, err)
			}
			for i, want := range call.Expect.Options {
				got := answers[0].Options[i]
				if got.Method != want.Method || got.Total != want.Total || want.Lines != nil && fmt.Sprint(got.Lines) != fmt.Sprint(want.Lines) {
					t.Errorf("%s %s: got %+v, want %+v", c.ID, call.Name, got, want)
				}
			}
		}
	}
}
