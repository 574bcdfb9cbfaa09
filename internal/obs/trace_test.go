package obs_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"doorstep/internal/obs"
)

func TestARequestBecomesASpanOfItsOwnTrace(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		got <- body
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer collector.Close()
	traces, err := obs.NewTraces(t.Context(), collector.URL, "test")
	if err != nil {
		t.Fatal(err)
	}
	id := "0af7651916cd43dd8448eb211c80319c"
	traces.Request(id, "GET", "/v1/track/{token}", 200, time.Now(), time.Millisecond)
	if err := traces.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	body := <-got
	raw, err := hex.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(body, raw) || !bytes.Contains(body, []byte("GET /v1/track/{token}")) {
		t.Fatalf("the span lacks its trace or its name: %q", body)
	}
}

func TestWithoutACollectorNothingIsTraced(t *testing.T) {
	t.Parallel()
	traces, err := obs.NewTraces(t.Context(), "", "test")
	if err != nil || traces != nil {
		t.Fatalf("%v %v", traces, err)
	}
	traces.Request("", "GET", "/", 200, time.Now(), time.Second)
	if err := traces.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
