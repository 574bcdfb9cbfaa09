package sandbox_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/payment"
	"doorstep/payment/sandbox"
)

func TestASignatureIsOneOfSeveralAndNotOld(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	g.Secrets = []string{"whsec_a", "whsec_b", ""}
	body := []byte(`{"id":"evt_1","type":"payment_intent.succeeded","created":1772712000,"data":{"object":{"object":"payment_intent","id":"pi_1"}}}`)
	by := func(secret string, at time.Time) string { return sandbox.Sign(secret, body, at) }
	_, old, _ := strings.Cut(by("whsec_x", start), ",")
	for header, good := range map[string]bool{
		by("whsec_a", start):             true,
		by("whsec_b", start):             true,
		by("whsec_b", start) + "," + old: true, // while secrets are changed both are sent
		"t=1772712000," + old + ",v0=xx," + by("whsec_a", start)[len("t=1772712000,"):]: true,
		by("whsec_a", start.Add(-sandbox.Tolerance)):                                    true,
		by("whsec_a", start.Add(sandbox.Tolerance)):                                     true,
		by("whsec_a", start.Add(-sandbox.Tolerance-time.Second)):                        false,
		by("whsec_a", start.Add(sandbox.Tolerance+time.Second)):                         false,
		by("whsec_x", start): false,
		by("", start):        false,
		"":                   false,
		"t=1772712000":       false,
		"t=x,v1=00":          false,
		"t=1772712000,v1=":   false,
		"t=1772712000,v1=zz": false,
		"t=1772712001" + by("whsec_a", start)[len("t=1772712000"):]: false,
		strings.Replace(by("whsec_a", start), "v1=", "v0=", 1):      false,
	} {
		n, err := g.Webhook(t.Context(), http.Header{sandbox.SignatureHeader: {header}}, body, start)
		if good && (err != nil || n.ID != "evt_1" || n.GatewayID != "pi_1" || !n.At.Equal(start)) || !good && !errors.Is(err, payment.ErrSignature) {
			t.Errorf("%s: %+v %v", header, n, err)
		}
	}
}

func TestEachPieceOfNewsSaysWhatItIsAbout(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	g.Secrets = []string{"whsec"}
	a := wish(sandbox.Visa)
	r, err := g.Authorize(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Capture(t.Context(), payment.Movement{Key: "c", GatewayID: r.GatewayID, Amount: 900}); err != nil {
		t.Fatal(err)
	}
	refund, err := g.RefundOutside(r.GatewayID, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{g.FailRefund(r.GatewayID, refund), g.Dispute(r.GatewayID), g.CloseDispute(r.GatewayID, false)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []struct {
		kind payment.NoticeKind
		what string
		ours bool
	}{
		{payment.NoticeDisputed, "charge.dispute.closed", false}, {payment.NoticeDisputed, "charge.dispute.created", false},
		{payment.NoticeRefunded, "charge.refund.updated", false}, {payment.NoticeRefunded, "charge.refunded", true},
		{payment.NoticeChanged, "payment_intent.succeeded", true}, {payment.NoticeChanged, "payment_intent.amount_capturable_updated", true},
		{payment.NoticeChanged, "payment_intent.created", true},
	}
	news := g.Events()
	if len(news) != len(want) {
		t.Fatalf("%+v", news)
	}
	for i, e := range news {
		body := g.EventBody(e)
		if !json.Valid(body) {
			t.Fatalf("%s", body)
		}
		n, err := g.Webhook(t.Context(), http.Header{sandbox.SignatureHeader: {sandbox.Sign("whsec", body, start)}}, body, start)
		if err != nil || n.Kind != want[i].kind || n.Type != want[i].what || n.GatewayID != r.GatewayID || n.ID != e.ID || want[i].ours != (n.PaymentID == a.PaymentID) {
			t.Errorf("%+v %v: %s", n, err, body)
		}
	}
	for _, body := range []string{`{"id":"evt_1","type":"payout.paid","data":{"object":{"id":"po_1","object":"payout"}}}`, `{"id":"evt_1","type":"charge.refunded","data":{}}`} {
		n, err := g.Webhook(t.Context(), http.Header{sandbox.SignatureHeader: {sandbox.Sign("whsec", []byte(body), start)}}, []byte(body), start)
		if err != nil || n.Kind != "" {
			t.Errorf("%s: %+v %v", body, n, err)
		}
	}
}

func TestAHoldThatNobodyTookIsGoneAfterItsWeek(t *testing.T) {
	t.Parallel()
	path := journal(t)
	g, c := opened(t, path)
	a := wish(sandbox.Visa)
	r, err := g.Authorize(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(7*24*time.Hour - time.Second)
	if now, err := g.Find(t.Context(), a.Key); err != nil || now.Status != payment.Authorized {
		t.Fatalf("%+v %v", now, err)
	}
	c.Advance(time.Second)
	for what, do := range map[string]func() (payment.Result, error){
		"capture": func() (payment.Result, error) {
			return g.Capture(t.Context(), payment.Movement{Key: "c", GatewayID: r.GatewayID, Amount: 1})
		},
		"find": func() (payment.Result, error) { return g.Find(t.Context(), a.Key) },
	} {
		if now, err := do(); err != nil || now.Status != payment.Voided || now.Captured != 0 {
			t.Errorf("%s: %+v %v", what, now, err)
		}
	}
	if all := books(t, sandbox.Journal(path)); all[0].Status != payment.Voided || all[0].Reason != "automatic" {
		t.Errorf("%+v", all)
	}
	if e := g.Events()[0]; e.Type != "payment_intent.canceled" {
		t.Errorf("%+v", e)
	}
}

func TestAForgottenKeyIsANewPaymentAndTheOneThatHoldsIsFound(t *testing.T) {
	t.Parallel()
	g, c := opened(t, journal(t))
	a := wish(sandbox.Visa)
	first, err := g.Authorize(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(sandbox.KeysFor)
	second, err := g.Authorize(t.Context(), a)
	if err != nil || second.GatewayID == first.GatewayID {
		t.Fatalf("%+v %v", second, err)
	}
	if r, err := g.Find(t.Context(), a.Key); err != nil || r.GatewayID != first.GatewayID {
		t.Errorf("%+v %v", r, err)
	}
	if all := books(t, g); len(all) != 2 || all[0].Key != a.Key || all[1].Key != a.Key {
		t.Errorf("%+v", all)
	}
}

func TestAnOldJournalIsStillUnderstood(t *testing.T) {
	t.Parallel()
	path := journal(t)
	write(t, path, `{"id":"sb_1","key":"pay:1","payment_id":"0199a1f0-0000-7000-8000-000000000001","currency":"EUR","amount":1000,"captured":600,"refunded":0,`+
		`"status":"captured","token":"tok_visa","hold_ends":"2026-03-12T11:00:00Z","moves":{"cap:1":"sbm_1"}}`+"\n")
	g, _ := opened(t, path)
	r, err := g.Capture(t.Context(), payment.Movement{Key: "cap:1", GatewayID: "sb_1", Amount: 600})
	if err != nil || r.RefundID != "sbm_1" || r.Captured != 600 || r.FailureCode != "" {
		t.Errorf("%+v %v", r, err)
	}
	if c, ok := g.Charge("sb_1"); !ok || !c.CreatedAt.Equal(time.Date(2026, 3, 5, 11, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", c)
	}
	if back, err := g.Refund(t.Context(), payment.Movement{Key: "re:1", GatewayID: "sb_1", Amount: 600}); err != nil || back.Refunded != 600 {
		t.Errorf("%+v %v", back, err)
	}
}

// FuzzWebhook: whatever comes, only what is signed is believed.
func FuzzWebhook(f *testing.F) {
	good := []byte(`{"id":"evt_1","type":"charge.refunded","created":1772712000,"data":{"object":{"object":"charge","id":"ch_1","payment_intent":"pi_1"}}}`)
	f.Add(sandbox.Sign("whsec", good, start), good)
	f.Add("t=1772712000,v1=00", good)
	f.Add("", []byte("{}"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		g := &sandbox.Gateway{Secrets: []string{"whsec"}}
		_, err := g.Webhook(t.Context(), http.Header{sandbox.SignatureHeader: {header}}, body, start)
		if err == nil && !strings.Contains(header, strings.TrimPrefix(sandbox.Sign("whsec", body, start), "t=1772712000,")) {
			// Another time within the tolerance may have been signed: then it is that one.
			for at := start.Add(-sandbox.Tolerance); !at.After(start.Add(sandbox.Tolerance)); at = at.Add(time.Second) {
				_, sum, _ := strings.Cut(sandbox.Sign("whsec", body, at), ",v1=")
				if strings.Contains(strings.ToLower(header), sum) {
					return
				}
			}
			t.Fatalf("believed %q", header)
		}
		if err != nil && !errors.Is(err, payment.ErrSignature) && !errors.Is(err, payment.ErrWebhookBody) {
			t.Fatal(err)
		}
		signed := sandbox.Sign("whsec", body, start)
		if _, err := g.Webhook(t.Context(), http.Header{sandbox.SignatureHeader: {signed}}, body, start); errors.Is(err, payment.ErrSignature) {
			t.Fatalf("not believed: %q", body)
		}
	})
}
