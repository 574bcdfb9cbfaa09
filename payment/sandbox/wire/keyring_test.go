package wire

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
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
