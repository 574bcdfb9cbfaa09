package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"doorstep/internal/fault"
	"doorstep/internal/idem"
)

func TestTheSameKeyAndBodyReplayTheAnswerByteForByte(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	key := map[string]string{"Idempotency-Key": "K-1"}
	first, a := send(t, s, "POST", "/v1/notes", key, `{"text":"é","size":3}`)
	for _, same := range []string{`{"text":"é","size":3}`, ` { "size" : 3, "text":"\u00e9" }`} {
		again, b := send(t, s, "POST", "/v1/notes", key, same)
		if a != b || again.StatusCode != 201 || again.Header.Get("Idempotent-Replayed") != "true" ||
			again.Header.Get("ETag") != first.Header.Get("ETag") || again.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%d %v %s, first %s", again.StatusCode, again.Header, b, a)
		}
	}
	if first.Header.Get("Idempotent-Replayed") != "" {
		t.Error("the first answer is no replay")
	}
	run(t, s, []scenario{
		{name: "another body", method: "POST", path: "/v1/notes", header: key, body: `{"text":"é","size":4}`, status: 422, want: []string{`"code":"idempotency_conflict"`}},
		{name: "another address", method: "POST", path: "/v1/notes/pay", header: key, body: `{"text":"é","size":3}`, status: 422, want: []string{`"code":"idempotency_conflict"`}},
		{name: "another query", method: "POST", path: "/v1/notes?x=1", header: key, body: `{"text":"é","size":3}`, status: 422},
		{name: "another key", method: "POST", path: "/v1/notes", header: map[string]string{"Idempotency-Key": "K-2"}, body: `{"text":"other"}`, status: 201, wantHeader: map[string]string{"Idempotent-Replayed": ""}},
		{name: "reads have none", method: "GET", path: "/v1/notes/1", header: key, status: 200},
	})
}

func TestAKeyMustBeThereWhereItIsNeededAndWellFormed(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	const body = `{"text":"x"}`
	run(t, s, []scenario{
		{name: "missing", method: "POST", path: "/v1/notes/pay", body: body, status: 400, want: []string{`"code":"idempotency_key_required"`}},
		{name: "missing inside", method: "POST", path: "/v1/notes/complete", body: body, status: 400, want: []string{`"code":"idempotency_key_required"`}},
		{name: "not needed", method: "POST", path: "/v1/notes", body: body, status: 201},
		{name: "too long", method: "POST", path: "/v1/notes/pay", header: map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}, body: body, status: 400, want: []string{`"code":"idempotency_key_invalid"`}},
		{name: "long", method: "POST", path: "/v1/notes/pay", header: map[string]string{"Idempotency-Key": strings.Repeat("k", 255)}, body: body, status: 201},
		{name: "with a space", method: "POST", path: "/v1/notes/pay", header: map[string]string{"Idempotency-Key": "a b"}, body: body, status: 400},
		{name: "not ASCII", method: "POST", path: "/v1/notes/pay", header: map[string]string{"Idempotency-Key": "ключ"}, body: body, status: 400},
		{name: "inside hands it on", method: "POST", path: "/v1/notes/complete", header: with(rootKey, "Idempotency-Key", "K-9"), body: body, status: 201, want: []string{`"once":"K-9"`}},
		{name: "inside stores nothing here", method: "POST", path: "/v1/notes/complete", header: with(rootKey, "Idempotency-Key", "K-9"), body: body, status: 201, wantHeader: map[string]string{"Idempotent-Replayed": ""}},
		{name: "public tokens need none", method: "POST", path: "/v1/surveys", header: map[string]string{"Authorization": "", "Idempotency-Key": "K-1"}, body: body, status: 201},
	})
}

func TestASecondCallWhileTheFirstRunsIsToldToWait(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	inside, release := make(chan struct{}), make(chan struct{})
	var runs atomic.Int32
	fail(s, func(context.Context) error {
		runs.Add(1)
		close(inside)
		<-release
		return nil
	})
	key := map[string]string{"Idempotency-Key": "K"}
	done := make(chan string)
	go func() {
		_, body := send(t, s, "POST", "/v1/fail", key, "")
		done <- body
	}()
	<-inside
	run(t, s, []scenario{{name: "meanwhile", method: "POST", path: "/v1/fail", header: key, status: 409, want: []string{`"code":"idempotency_in_flight"`}, wantHeader: map[string]string{"Retry-After": "1"}}})
	close(release)
	first := <-done
	if _, again := send(t, s, "POST", "/v1/fail", key, ""); again != first || runs.Load() != 1 {
		t.Fatalf("%d runs, %s then %s", runs.Load(), first, again)
	}
}

func TestAnswersThatSayLaterAreNotStored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		stored bool
	}{
		"a failure":           {errors.New("disk"), false},
		"a panic":             {nil, false},
		"a missing part":      {errNotReady, false},
		"too many":            {errRateLimited, false},
		"wait for another":    {errNoteClosed.After(1), false},
		"a refusal":           {errNoteClosed, true},
		"a missing thing":     {fault.New(fault.NotFound, "note_not_found", "No such note."), true},
		"a payment's decline": {fault.New(fault.Declined, "payment_declined", "Declined."), true},
	} {
		s, _ := newServer(t)
		runs := 0
		fail(s, func(context.Context) error {
			if runs++; c.err == nil {
				panic("broken")
			}
			return c.err
		})
		key := map[string]string{"Idempotency-Key": "K"}
		first, a := send(t, s, "POST", "/v1/fail", key, "")
		second, b := send(t, s, "POST", "/v1/fail", key, "")
		if want := map[bool]int{true: 1, false: 2}[c.stored]; runs != want || first.StatusCode != second.StatusCode || (a == b) != c.stored {
			t.Errorf("%s: %d runs, %s then %s", name, runs, a, b)
		}
	}
}

func TestAStoredAnswerNeverGoesToAnotherShopper(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, trustTest)
	addNotes(s)
	ask := func(header map[string]string) string {
		header["Idempotency-Key"] = "1"
		res, body := send(t, s, "POST", "/v1/notes", header, `{"text":"x"}`)
		if res.StatusCode != http.StatusCreated {
			t.Fatal(body)
		}
		return body
	}
	ann := ask(with(appKey, "Shopper-IP", "203.0.113.1"))
	if ask(with(appKey, "Shopper-IP", "203.0.113.1")) != ann {
		t.Error("the same shopper gets the same answer")
	}
	if ask(with(appKey, "Shopper-IP", "203.0.113.2")) == ann {
		t.Error("another shopper with the same weak key got the first one's answer")
	}
	mine := ask(with(appKey, "Shopper-IP", "203.0.113.1", "Cart-Secret", "a"))
	if ask(with(appKey, "Shopper-IP", "203.0.113.7", "Cart-Secret", "a")) != mine {
		t.Error("with the cart's secret the answer follows the shopper to another network")
	}
	if ask(with(appKey, "Shopper-IP", "203.0.113.1", "Cart-Secret", "b")) == mine || ask(with(appKey, "Shopper-IP", "203.0.113.1", "Checkout-Secret", "a")) == mine {
		t.Error("a wrong secret must not open a stored answer")
	}
	if ask(with(rootKey, "Shopper-IP", "203.0.113.1")) == ann {
		t.Error("a secret key has its own answers")
	}
	if ask(with(rootKey)) != ask(with(adminKey)) {
		t.Error("a rotated secret key keeps the merchant's answers")
	}
}

func TestIfTheAnswerCannotBeStoredTheKeyStaysClaimed(t *testing.T) {
	t.Parallel()
	store := &brokenStore{newOnce()}
	s, l := newServer(t, func(o *Options) { o.Idempotency = store })
	addNotes(s)
	key := map[string]string{"Idempotency-Key": "K"}
	run(t, s, []scenario{
		{name: "the effect is answered", method: "POST", path: "/v1/notes", header: key, body: `{"text":"x"}`, status: 201},
		{name: "and not repeated", method: "POST", path: "/v1/notes", header: key, body: `{"text":"x"}`, status: 409},
	})
	if !strings.Contains(l.text(), "idempotent answer not stored") {
		t.Error("nobody was told")
	}
}

type brokenStore struct{ *fakeOnce }

func (*brokenStore) Finish(context.Context, idem.Key, int, map[string]string, []byte) error {
	return errors.New("database gone")
}

func TestARouteMayReplayWhatItHasStoredItself(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	var state idem.State
	handle(s, Route{ID: "inside", Method: "POST", Path: "/v1/inside", Tag: "x", Summary: "x", Auth: publishable(), Once: OnceInside},
		func(ctx context.Context, _ *struct{}) (*noteOut, error) {
			if k := onceKey(ctx); k.Merchant != merchant || len(k.Hash) != 32 {
				t.Errorf("got key %+v", k)
			}
			return nil, replayed(state)
		})
	key := with(rootKey, "Idempotency-Key", "K")
	state = idem.State{Known: true, Done: true, Status: 200, Body: []byte(`{"a":"<&>", "b":1}`)}
	run(t, s, []scenario{{name: "answer", method: "POST", path: "/v1/inside", header: key, status: 200, want: []string{`{"a":"<&>", "b":1}`},
		wantHeader: map[string]string{"Idempotent-Replayed": "true", "Content-Type": "application/json"}}})
	state.Status, state.Headers = 402, map[string]string{"ETag": `"3"`}
	run(t, s, []scenario{{name: "problem", method: "POST", path: "/v1/inside", header: key, status: 402,
		wantHeader: map[string]string{"Idempotent-Replayed": "true", "ETag": `"3"`}}})
}

func TestNumbersAreComparedByTheirText(t *testing.T) {
	t.Parallel()
	a, _ := canonicalJSON([]byte(`{"b":9007199254740993,"a":[1, 2.0]}`))
	b, _ := canonicalJSON([]byte(`{"a":[1,2.0],"b":9007199254740992}`))
	if string(a) != `{"a":[1,2.0],"b":9007199254740993}` || string(a) == string(b) {
		t.Fatalf("%s %s", a, b)
	}
}
