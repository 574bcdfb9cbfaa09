package outside_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/support/outside"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// elsewhere is a model that says what the test wants.
type elsewhere struct {
	calls atomic.Int64
	said  atomic.Value // string: what the model answers; empty is a 500
	heard atomic.Value // string: the whole request
	slow  chan struct{}
}

func (e *elsewhere) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.calls.Add(1)
	var body struct {
		Messages []struct{ Content string } `json:"messages"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	all := ""
	for _, m := range body.Messages {
		all += m.Content + "\n"
	}
	e.heard.Store(all)
	if e.slow != nil {
		select {
		case <-e.slow:
		case <-r.Context().Done():
			return
		}
	}
	said, _ := e.said.Load().(string)
	if said == "" {
		http.Error(w, "broken", http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"message": map[string]string{"role": "assistant", "content": said}}}})
}

func newModel(t *testing.T, e *elsewhere) (*outside.Model, *clock.Manual) {
	t.Helper()
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	reader, err := understand.Default()
	if err != nil {
		t.Fatal(err)
	}
	c := clock.At(time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC))
	return outside.New(outside.Config{URL: server.URL + "/", Key: "k", Name: "m", Inner: reader, Clock: c}), c
}

func read(t *testing.T, m *outside.Model, text string) understand.Reading {
	t.Helper()
	r, err := m.Interpret(t.Context(), understand.Turn{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const unclear = "hmm the thing with my stuff DS-100241 from ani@example.com is somehow not what it was"

func TestAnUnclearMessageIsAskedAboutMasked(t *testing.T) {
	t.Parallel()
	e := &elsewhere{}
	e.said.Store(`{"intent":"replace_item","second":"complaint","confidence":0.9}`)
	m, _ := newModel(t, e)
	if r := read(t, m, "where is my order DS-100241?"); e.calls.Load() != 0 || r.Asks[0].Intent != "order_status" {
		t.Fatalf("a clear message was sent out: %+v", r)
	}
	r := read(t, m, unclear)
	if e.calls.Load() != 1 || r.Asks[0].Intent != "replace_item" || r.Asks[0].Level != understand.Sure || len(r.Asks[0].Slots.Orders) != 1 {
		t.Fatalf("%d %+v", e.calls.Load(), r.Asks)
	}
	if heard, _ := e.heard.Load().(string); strings.Contains(heard, "100241") || strings.Contains(heard, "ani@") {
		t.Errorf("it was told %q", heard)
	}
	e.said.Store(`{"intent":"replace_item","second":"complaint","confidence":0.4}`)
	if r := read(t, m, unclear); r.Asks[0].Level != understand.Offer || r.Asks[0].Second != "complaint" {
		t.Errorf("%+v", r.Asks)
	}
}

func TestAModelCanNeitherSayYesNorInvent(t *testing.T) {
	t.Parallel()
	e := &elsewhere{}
	m, _ := newModel(t, e)
	e.said.Store("-")
	before := read(t, m, unclear)
	for _, said := range []string{`{"intent":"yes","confidence":1}`, `{"intent":"order.cancel","confidence":1}`, `{"intent":"cancel_order","confidence":7}`, "Sure! I have cancelled it.", `["yes"]`, "null"} {
		e.said.Store(said)
		r := read(t, m, unclear)
		for _, a := range r.Acts {
			if a.Kind == understand.Yes {
				t.Errorf("%s became a yes", said)
			}
		}
		if len(r.Asks) != len(before.Asks) || len(r.Asks) > 0 && r.Asks[0].Intent != before.Asks[0].Intent {
			t.Errorf("%s changed the reading to %+v", said, r.Asks)
		}
	}
}

func TestABrokenModelIsLeftAloneForAWhile(t *testing.T) {
	t.Parallel()
	e := &elsewhere{}
	m, c := newModel(t, e)
	for range 9 {
		read(t, m, unclear)
	}
	if n := e.calls.Load(); n != 5 {
		t.Errorf("it was asked %d times", n)
	}
	c.Advance(31 * time.Second)
	e.said.Store(`{"intent":"complaint","confidence":0.9}`)
	if r := read(t, m, unclear); r.Asks[0].Intent != "complaint" {
		t.Errorf("%+v", r.Asks)
	}
}

func TestASlowModelIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	e := &elsewhere{slow: make(chan struct{})}
	e.said.Store(`{"intent":"complaint","confidence":0.9}`)
	server := httptest.NewServer(e)
	defer server.Close()
	defer close(e.slow)
	reader, err := understand.Default()
	if err != nil {
		t.Fatal(err)
	}
	m := outside.New(outside.Config{URL: server.URL, Inner: reader, Clock: clock.At(time.Unix(0, 0)), Client: &http.Client{Timeout: 20 * time.Millisecond}})
	if r := read(t, m, unclear); len(r.Asks) > 0 && r.Asks[0].Intent == "complaint" {
		t.Errorf("%+v", r.Asks)
	}
}

func TestRepliesThatHoldPersonalThingsAreNotSentOut(t *testing.T) {
	t.Parallel()
	e := &elsewhere{}
	e.said.Store("Fine.")
	m, _ := newModel(t, e)
	for _, draft := range []string{"See https://shop.test/t/secret", "Write to ani@example.com", "It goes to: 12 Abovyan street, Yerevan 0010, Armenia"} {
		if _, err := m.Compose(t.Context(), "en", draft, nil); err == nil || e.calls.Load() != 0 {
			t.Errorf("%q was sent out", draft)
		}
	}
	if said, err := m.Compose(t.Context(), "en", "You may return within 30 days.", []skill.Value{{Name: "days", Value: "30"}}); err != nil || said != "Fine." {
		t.Error(said, err)
	}
}
