package obs_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"doorstep/internal/obs"
)

func TestTheLogHoldsNobodysData(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := obs.NewLog(&out, "info").With("customer_email", "ani@example.com").WithGroup("g")
	log.Info("mail to ani@example.com failed, card 4242 4242 4242 4242",
		"email", "ani@example.com", "shipping_address", "Abovyan 1", "note", "call +374 10 123456", "key", "ds_sk_0abc_def",
		"error", errors.New("smtp://user:hunter2@mail.example:587: ani@example.com refused"),
		"body", []byte("4242424242424242"), "order", "DS-7K3M-Q2XT-H", "took_ms", 12)
	text := out.String()
	for _, leak := range []string{"ani@", "Abovyan", "4242", "123456", "0abc", "hunter2"} {
		if strings.Contains(text, leak) {
			t.Errorf("the log shows %q: %s", leak, text)
		}
	}
	for _, kept := range []string{"DS-7K3M-Q2XT-H", `"took_ms":12`, "mail to"} {
		if !strings.Contains(text, kept) {
			t.Errorf("the log lost %q: %s", kept, text)
		}
	}
}

func TestDebugIsQuietByDefault(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	obs.NewLog(&out, "nonsense").Debug("x")
	if out.Len() != 0 {
		t.Fatalf("got %s", out.String())
	}
}
