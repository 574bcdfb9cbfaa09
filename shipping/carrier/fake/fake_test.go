package fake_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fake"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ask(t *testing.T, s http.Handler, method, path, body string) (int, map[string]any) {
	t.Helper()
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
	var out map[string]any
	_ = json.Unmarshal(rec.Body.Bytes(), &out)
	return rec.Code, out
}

func TestEveryCarrierHasWhatItTakesToBePlayed(t *testing.T) {
	t.Parallel()
	for _, name := range fake.Names() {
		v, _ := fake.Played(name)
		if v.Serve == nil || v.Call == nil || len(v.Credentials) == 0 || (v.News == nil) != (v.Sign == nil) {
			t.Errorf("%s lacks something", name)
		}
		codes := map[string]carrier.Status{}
		for status, code := range v.Words {
			if !status.Known() && status != carrier.StatusUnknown || code == "" {
				t.Errorf("%s: %q for %q", name, code, status)
			}
			if other, twice := codes[code]; twice {
				t.Errorf("%s: %q is %s and %s", name, code, status, other)
			}
			codes[code] = status
		}
		for _, path := range []string{"/", "/nowhere", "/v1/x/y"} {
			if code, _ := ask(t, fake.New(clock.At(noon)), "GET", "/"+name+path, ""); code < 400 {
				t.Errorf("%s%s: %d without credentials", name, path, code)
			}
		}
	}
}

func TestAFaultIsPlayedAsOftenAsItWasOrdered(t *testing.T) {
	t.Parallel()
	s := fake.New(clock.At(noon))
	for _, bad := range []string{`{`, `{"vendor":"nobody","fault":"html"}`, `{"vendor":"easypost","fault":"earthquake"}`, `{"vendor":"easypost","fault":"html","times":-1}`} {
		if code, _ := ask(t, s, "POST", "/_/faults", bad); code != 422 {
			t.Errorf("%s: %d", bad, code)
		}
	}
	if code, _ := ask(t, s, "POST", "/_/faults", `{"vendor":"easypost","call":"track","fault":"server_error","times":2}`); code != 204 {
		t.Fatal(code)
	}
	for i, want := range []int{500, 500, 401} {
		if code, _ := ask(t, s, "POST", "/easypost/v2/shipments", ""); code != 401 {
			t.Errorf("another call: %d", code)
		}
		if code, _ := ask(t, s, "POST", "/easypost/v2/trackers", ""); code != want {
			t.Errorf("call %d: %d, want %d", i, code, want)
		}
	}
	ask(t, s, "POST", "/_/faults", `{"vendor":"easypost","fault":"html"}`)
	if _, out := ask(t, s, "GET", "/_/faults", ""); len(out["faults"].([]any)) != 1 || len(out["known"].([]any)) != len(fake.FaultNames()) {
		t.Errorf("%v", out)
	}
	ask(t, s, "DELETE", "/_/faults?vendor=easypost", "")
	if code, _ := ask(t, s, "POST", "/easypost/v2/trackers", ""); code != 401 {
		t.Errorf("after mending: %d", code)
	}
	if n := s.Requests("easypost", "track"); n != 4 {
		t.Errorf("%d requests were counted", n)
	}
}

func TestAParcelMovesOnlyWhenItIsTold(t *testing.T) {
	t.Parallel()
	turn := clock.At(noon)
	s := fake.New(turn)
	w := s.World("easypost")
	p, again := w.Ship("k", fake.Parcel{ID: "shp_1", Number: "N1"}, fake.Parcel{ID: "shp_1", Number: "N2"})
	if other, twice := w.Ship("k", fake.Parcel{Number: "N3"}); len(p) != 2 || again || !twice || other[0].Number != "N1" {
		t.Fatalf("%v %v", p, other)
	}
	for _, want := range []string{"picked_up", "in_transit", "out_for_delivery", "delivered", "delivered"} {
		if code, out := ask(t, s, "POST", "/_/advance", `{"vendor":"easypost","number":"N1"}`); code != 200 || out["status"] != want {
			t.Errorf("want %s, got %d %v", want, code, out)
		}
	}
	for _, bad := range []string{`{`, `{"vendor":"easypost","number":"N9"}`, `{"vendor":"nobody","number":"N1"}`, `{"vendor":"easypost","number":"N1","status":"customs_hold"}`} {
		if code, _ := ask(t, s, "POST", "/_/advance", bad); code != 422 {
			t.Errorf("%s: %d", bad, code)
		}
	}
	found := w.Find("N1")[0]
	for i, step := range found.Steps[1:] {
		if !step.At.After(found.Steps[i].At) {
			t.Errorf("two steps at %v", step.At)
		}
	}
	if n, before := w.Void("shp_1"); n != 2 || before {
		t.Error(n, before)
	}
	if n, before := w.Void("shp_1"); n != 2 || !before {
		t.Error(n, before)
	}
	if n, before := w.Void("nobody"); n != 0 || before {
		t.Error(n, before)
	}
	if _, out := ask(t, s, "GET", "/_/parcels", ""); len(out["parcels"].([]any)) != 2 {
		t.Errorf("%v", out)
	}
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	turn := clock.At(noon)
	w := fake.New(turn).World("easypost")
	token := w.Grant(time.Hour)
	if !w.Granted("Bearer "+token) || w.Granted(token) || w.Granted("Bearer x") || w.Granted("") {
		t.Error("only the token opens")
	}
	turn.Advance(time.Hour)
	if w.Granted("Bearer " + token) {
		t.Error("it is over")
	}
	token = w.Grant(time.Hour)
	if w.Revoke(); w.Granted("Bearer " + token) {
		t.Error("it was taken away")
	}
}

func TestLabelsAreWhatTheySay(t *testing.T) {
	t.Parallel()
	for format, sign := range map[carrier.Format]string{carrier.PDF: "%PDF-", carrier.PNG: "\x89PNG", carrier.ZPL: "^XA"} {
		if !bytes.HasPrefix(fake.Label(format, "N(1)"), []byte(sign)) {
			t.Errorf("%s is none", format)
		}
	}
}
