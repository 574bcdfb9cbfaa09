package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"doorstep/customer"
	"doorstep/internal/id"
	"doorstep/internal/idem"
)

// oneAnswer keeps one answer as it is.
type oneAnswer struct{ body []byte }

func (o *oneAnswer) Begin(context.Context, idem.Key, time.Duration) (idem.State, error) {
	return idem.State{Known: true, Done: o.body != nil, Status: 201, Body: o.body}, nil
}

func (o *oneAnswer) Finish(_ context.Context, _ idem.Key, _ int, _ map[string]string, body []byte) error {
	o.body = body
	return nil
}

func (*oneAnswer) Abandon(context.Context, idem.Key) error { return nil }

func TestStoredAnswersAreSealedAndComeBackByteForByte(t *testing.T) {
	t.Parallel()
	vault, err := customer.NewVault(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	kept := &oneAnswer{}
	answers := sealedAnswers{kept, vault}
	k := idem.Key{Merchant: id.New(), Key: "K"}
	body := []byte(`{"secret":"0118xh811hz96s977wrbr4527dvv9y8j","email":"ani@example.com"}`)
	if err := answers.Finish(t.Context(), k, 201, nil, bytes.Clone(body)); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(kept.body, []byte("ani@")) || bytes.Contains(kept.body, []byte("0118xh")) {
		t.Fatalf("stored in the clear: %q", kept.body)
	}
	if state, err := answers.Begin(t.Context(), k, time.Second); err != nil || !bytes.Equal(state.Body, body) {
		t.Fatalf("%q %v", state.Body, err)
	}
	if _, err := answers.Begin(t.Context(), idem.Key{Merchant: k.Merchant, Key: "L"}, time.Second); err == nil {
		t.Fatal("the answer opened for another key")
	}
	for _, plain := range []string{`{"older":true}`, ""} {
		kept.body = []byte(plain)
		if state, err := answers.Begin(t.Context(), k, time.Second); err != nil || string(state.Body) != plain {
			t.Fatalf("%q %v", state.Body, err)
		}
	}
}
