package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"doorstep/payment"

	"github.com/google/uuid"
)

// fakeInbox believes whatever says so.
type fakeInbox struct{ *shop }

type listened struct {
	provider string
	merchant uuid.UUID
	header   http.Header
	body     string
}

func (f fakeInbox) Receive(_ context.Context, provider string, m uuid.UUID, header http.Header, body []byte) (payment.Receipt, error) {
	if err := f.see("Receive", m, true, nil, listened{provider, m, header, string(body)}); err != nil {
		return payment.Receipt{}, err
	}
	switch {
	case provider != "sandbox":
		return payment.Receipt{}, payment.ErrReceiver
	case header.Get("Stripe-Signature") == "":
		return payment.Receipt{}, payment.ErrSignature
	case string(body) == "{":
		return payment.Receipt{}, payment.ErrWebhookBody
	}
	return payment.Receipt{Duplicate: strings.Contains(string(body), "again"), Ignored: strings.Contains(string(body), "other")}, nil
}

func TestPaymentWebhooksAreAnsweredByWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	signed := map[string]string{"Authorization": "", "Stripe-Signature": "t=1,v1=00"}
	const at = "/webhooks/payments/sandbox"
	run(t, s, []scenario{
		{name: "new", method: "POST", path: at, header: signed, body: `{"id":"evt_1"}`, status: 200, want: []string{`{"status":"accepted"}`}},
		{name: "again", method: "POST", path: at, header: signed, body: `{"again":1}`, status: 200, want: []string{`"duplicate"`}},
		{name: "of others", method: "POST", path: at, header: signed, body: `{"other":1}`, status: 200, want: []string{`"ignored"`}},
		{name: "for a merchant", method: "POST", path: at + "/" + anID, header: signed, body: `{}`, status: 200, want: []string{`"accepted"`}},
		{name: "for nobody", method: "POST", path: at + "/merchant", header: signed, body: `{}`, status: 404, want: []string{`"webhook_receiver_unknown"`}},
		{name: "for the zero id", method: "POST", path: at + "/00000000-0000-0000-0000-000000000000", header: signed, body: `{}`, status: 404, want: []string{`"webhook_receiver_unknown"`}},
		{name: "unknown provider", method: "POST", path: "/webhooks/payments/nobody", header: signed, body: `{}`, status: 404, want: []string{`"webhook_receiver_unknown"`}},
		{name: "unsigned", method: "POST", path: at, header: map[string]string{"Authorization": ""}, body: `{}`, status: 401, want: []string{`"webhook_signature"`}},
		{name: "unreadable", method: "POST", path: at, header: signed, body: `{`, status: 422, want: []string{`"webhook_body"`}},
		{name: "oversize", method: "POST", path: at, header: signed, body: strings.Repeat("x", bodyLimit+1), status: 413, wantNot: []string{"xxx"}},
		{name: "read", method: "GET", path: at, header: signed, status: 405},
		{name: "with a key", method: "POST", path: at, header: with(revokedKey, "Stripe-Signature", "t=1"), body: `{}`, status: 200},
	})
}

func TestAPaymentWebhookArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	// Neither JSON of ours nor text, with what looks like a card.
	const raw = "{\"a\":1,\"a\":\"4242424242424242\"} \xff"
	send(t, s, "POST", "/webhooks/payments/sandbox/"+anID, map[string]string{"Stripe-Signature": "t=1,v1=ab", "Content-Type": "text/plain"}, raw)
	got := rooms.last(t, "Receive").given.(listened)
	if got.body != raw || got.provider != "sandbox" || got.merchant != uuid.MustParse(anID) || got.header.Get("Stripe-Signature") != "t=1,v1=ab" {
		t.Errorf("%+v", got)
	}
}

func TestAWebhookThatCannotBeNotedIsNotTakenForHeard(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	rooms.fail("Receive", context.DeadlineExceeded)
	res, body := send(t, s, "POST", "/webhooks/payments/sandbox", map[string]string{"Stripe-Signature": "t=1"}, `{}`)
	if res.StatusCode < 500 || strings.Contains(body, "deadline") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
