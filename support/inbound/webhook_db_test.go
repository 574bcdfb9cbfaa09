package inbound

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
)

func TestTheWebhookHasToBeSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Send)
	body := crlf(strings.Replace(plainMail, "help+tail@", "help@", 1))
	head := http.Header{"Content-Type": {"message/rfc822"}, "Webhook-Id": {"w1"}, "Webhook-Timestamp": {strconv.FormatInt(noon.Unix(), 10)}}
	basic := func(password string) http.Header {
		return http.Header{"Content-Type": {"message/rfc822"}, "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("doorstep:"+password))}}
	}
	for name, h := range map[string]http.Header{"unsigned": head, "wrong password": basic("x"), "no password": basic("")} {
		if _, err := w.Receive(t.Context(), uuid.Nil, h, body); !fault.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := w.Receive(t.Context(), uuid.Nil, basic(secret), body); err != nil || r.Status != Answered {
		t.Errorf("%v %+v", err, r)
	}
	old := head.Clone()
	old.Set("Webhook-Timestamp", strconv.FormatInt(noon.Add(-6*time.Minute).Unix(), 10))
	for _, h := range []http.Header{head, old} {
		h.Set("Webhook-Signature", signature64(h, body))
	}
	if _, err := w.Receive(t.Context(), uuid.Nil, old, body); !fault.Is(err, ErrSignature) {
		t.Errorf("an old one: %v", err)
	}
	if r, err := w.Receive(t.Context(), uuid.Nil, head, body); err != nil || r.Status != Duplicate {
		t.Errorf("%v %+v", err, r)
	}
	if _, err := w.Receive(t.Context(), uuid.Nil, head, append(body, 'x')); !fault.Is(err, ErrSignature) {
		t.Errorf("another body: %v", err)
	}
}
