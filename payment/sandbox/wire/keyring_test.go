package wire

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/payment/sandbox"
)

func TestAKeyInUseIsRefusedUntilItsAnswerIsThere(t *testing.T) {
	t.Parallel()
	c := clock.At(time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC))
	k := newKeyring(c)
	q := &query{Request: httptest.NewRequest(http.MethodPost, "/v1/refunds", http.NoBody), form: url.Values{"amount": {"5"}}, key: "k"}
	if _, begun := k.begin(q); !begun {
		t.Fatal("a new key is refused")
	}
	if a, begun := k.begin(q); begun || a.status != http.StatusConflict || a.replayed {
		t.Errorf("while it is in use: %+v", a)
	}
	k.end("k", ok(sandbox.Object{"id": "re_1"}))
	if a, begun := k.begin(q); begun || a.body["id"] != "re_1" || !a.replayed {
		t.Errorf("afterwards: %+v", a)
	}
}

func TestForgottenKeysAreThrownAway(t *testing.T) {
	t.Parallel()
	c := clock.At(time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC))
	k := newKeyring(c)
	for i := range 3 * sweepEvery {
		q := &query{Request: httptest.NewRequest(http.MethodPost, "/v1/refunds", http.NoBody), key: fmt.Sprint(i)}
		if _, begun := k.begin(q); !begun {
			t.Fatal(i)
		}
		k.end(q.key, ok(nil))
		c.Advance(sandbox.KeysFor / sweepEvery)
	}
	if n := len(k.keys); n > 2*sweepEvery {
		t.Errorf("%d keys are kept", n)
	}
}

// FuzzCreate: whatever is posted, it is answered in Stripe's form, and nothing
// is made that was not asked for.
func FuzzCreate(f *testing.F) {
	for _, form := range []string{
		"amount=1000&currency=eur&confirm=true&capture_method=manual&payment_method=pm_card_visa&payment_method_types[0]=card&metadata[key]=k",
		"amount=-1&currency=%00&metadata[][]=1", "amount=99999999999999999999&currency=eur", "%zz", "amount=5;currency=eur", "amount[]=5&currency[a]=eur",
	} {
		f.Add(form, "k")
	}
	f.Fuzz(func(t *testing.T, form, key string) {
		c := clock.At(time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC))
		g, err := sandbox.Open("", "", c)
		if err != nil {
			t.Fatal(err)
		}
		g.SlowFor, g.LostFor = 0, time.Hour
		h := New(g, Options{Clock: c})
		r := httptest.NewRequest(http.MethodPost, "/v1/payment_intents", strings.NewReader(form))
		r.Header = http.Header{"Authorization": {"Bearer sk_test_1"}, "Idempotency-Key": {key}, "Content-Type": {"application/x-www-form-urlencoded"}}
		if strings.Contains(form, "tok") { // some of those never answer
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		all := g.All()
		var body map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code >= http.StatusInternalServerError {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if made := w.Code == http.StatusOK || w.Code == http.StatusPaymentRequired; made != (len(all) == 1) {
			t.Fatalf("%d and %+v", w.Code, all)
		}
		for _, c := range all {
			if asked, err := url.ParseQuery(form); err != nil || asked.Get("amount") != strconv.FormatInt(c.Amount, 10) && !strings.HasPrefix(asked.Get("amount"), "+") && !strings.HasPrefix(asked.Get("amount"), "0") ||
				c.Amount < 1 || !strings.EqualFold(asked.Get("currency"), c.Currency) {
				t.Fatalf("%s made %+v", form, c)
			}
		}
	})
}
