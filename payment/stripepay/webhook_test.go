package stripepay

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stripe/stripe-go/v76/webhook"

	"doorstep/payment"
)

var (
	signed = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	shop   = uuid.MustParse("01960000-0000-7000-8000-000000000001")
	first  = uuid.MustParse("01960000-0000-7000-8000-000000000002")
)

// header signs a body as Stripe does.
func header(body []byte, secret string, at time.Time) http.Header {
	p := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: at})
	return http.Header{"Stripe-Signature": {p.Header}}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "webhook", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func receiver(secrets ...string) *Gateway {
	return New(Config{Key: "sk_test_1", Base: "http://127.0.0.1:1", Secrets: secrets, AnyVersion: true})
}

func TestAWebhookNamesThePaymentItIsAbout(t *testing.T) {
	t.Parallel()
	g := receiver("whsec_1")
	for name, want := range map[string]payment.Notice{
		"payment_intent.amount_capturable_updated": {ID: "evt_fixture_capturable", Kind: payment.NoticeChanged, PaymentID: first, Merchant: shop, GatewayID: "pi_fixture_1"},
		"payment_intent.payment_failed": {
			ID: "evt_fixture_failed", Kind: payment.NoticeChanged, PaymentID: uuid.MustParse("01960000-0000-7000-8000-000000000012"), Merchant: shop, GatewayID: "pi_fixture_2",
		},
		"charge.refunded":         {ID: "evt_fixture_refunded", Kind: payment.NoticeRefunded, PaymentID: first, Merchant: shop, GatewayID: "pi_fixture_1"},
		"refund.failed":           {ID: "evt_fixture_refund_failed", Kind: payment.NoticeRefunded, GatewayID: "pi_fixture_1"},
		"charge.dispute.created":  {ID: "evt_fixture_dispute", Kind: payment.NoticeDisputed, GatewayID: "pi_fixture_1"},
		"payment_intent.created":  {ID: "evt_fixture_created"},
		"customer.created":        {ID: "evt_fixture_customer"},
		"charge.refunded.foreign": {ID: "evt_fixture_foreign"},
	} {
		body := fixture(t, name)
		n, err := g.Webhook(t.Context(), header(body, "whsec_1", signed), body, signed)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n.Type == "" || n.At.IsZero() {
			t.Errorf("%s: %+v", name, n)
		}
		n.Type, n.At = "", time.Time{}
		if n != want {
			t.Errorf("%s: %+v, want %+v", name, n, want)
		}
	}
}

func TestAWebhookIsBelievedOnlyWithAFreshSignatureOfOurSecret(t *testing.T) {
	t.Parallel()
	body := fixture(t, "charge.refunded")
	good := header(body, "whsec_new", signed).Get("Stripe-Signature")
	g := receiver("whsec_old", "whsec_new")
	for name, c := range map[string]struct {
		signature string
		body      []byte
		now       time.Time
	}{
		"none":                {"", body, signed},
		"empty parts":         {",,,", body, signed},
		"no time":             {good[strings.Index(good, ",")+1:], body, signed},
		"another secret":      {header(body, "whsec_other", signed).Get("Stripe-Signature"), body, signed},
		"an empty secret":     {header(body, "", signed).Get("Stripe-Signature"), body, signed},
		"another scheme":      {strings.Replace(good, "v1=", "v0=", 1), body, signed},
		"another time":        {strings.Replace(good, "t=", "t=1", 1), body, signed},
		"a later time signed": {good + ",t=" + strconv.FormatInt(signed.Add(time.Hour).Unix(), 10), body, signed.Add(time.Hour)},
		"a changed body":      {good, bytes.Replace(body, []byte("4200"), []byte("4201"), 1), signed},
		"a space more":        {good, append(bytes.Clone(body), ' '), signed},
		"cut":                 {good, body[:len(body)/2], signed},
		"no body":             {good, nil, signed},
		"too old":             {good, body, signed.Add(tolerance + time.Second)},
		"too early":           {good, body, signed.Add(-tolerance - time.Second)},
	} {
		h := http.Header{}
		h.Set("Stripe-Signature", c.signature)
		if n, err := g.Webhook(t.Context(), h, c.body, c.now); !errors.Is(err, payment.ErrSignature) {
			t.Errorf("%s: %+v %v", name, n, err)
		}
	}
	for _, now := range []time.Time{signed, signed.Add(tolerance), signed.Add(-tolerance)} {
		for _, secret := range []string{"whsec_old", "whsec_new"} {
			if _, err := g.Webhook(t.Context(), header(body, secret, signed), body, now); err != nil {
				t.Errorf("%s at %s: %v", secret, now, err)
			}
		}
	}
	if _, err := receiver("").Webhook(t.Context(), header(body, "", signed), body, signed); !errors.Is(err, payment.ErrSignature) {
		t.Errorf("without secrets: %v", err)
	}
}

func TestASignedWebhookThatCannotBeReadIsSaidSo(t *testing.T) {
	t.Parallel()
	g := receiver("whsec_1")
	for _, text := range []string{
		"", "{", "null", "[]", `"x"`, "{}", `{"id":"evt_1"}`, `{"id":"evt_1","type":"charge.refunded"}`, `{"id":"evt_1","type":"charge.refunded","data":{}}`,
		`{"id":"evt_1","type":"charge.refunded","data":{"object":[]}}`, `{"id":"evt_1","type":"payment_intent.canceled","data":{"object":{"object":"payment_intent"}}}`,
		`{"id":"` + strings.Repeat("x", 256) + `","type":"a","data":{"object":{}}}`,
		`{"id":"evt_1","type":"payment_intent.canceled","data":{"object":{"object":"payment_intent","id":"` + strings.Repeat("x", 256) + `"}}}`,
	} {
		n, err := g.Webhook(t.Context(), header([]byte(text), "whsec_1", signed), []byte(text), signed)
		if !errors.Is(err, payment.ErrWebhookBody) {
			t.Errorf("%s: %+v %v", text, n, err)
		}
	}
}

func TestTheApiVersionCountsWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	strict := New(Config{Key: "sk_test_1", Secrets: []string{"whsec_1"}})
	for name, want := range map[string]error{"charge.refunded": payment.ErrWebhookBody, "charge.dispute.created": nil} {
		body := fixture(t, name)
		if _, err := strict.Webhook(t.Context(), header(body, "whsec_1", signed), body, signed); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzWebhooksNeverBreakTheirReader(f *testing.F) {
	files, err := os.ReadDir(filepath.Join("testdata", "webhook"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body := fixture(f, strings.TrimSuffix(file.Name(), ".json"))
		f.Add(header(body, "whsec_1", signed).Get("Stripe-Signature"), body, true)
		f.Add("t=1,v1=00", body, false)
	}
	g := receiver("whsec_1")
	f.Fuzz(func(t *testing.T, signature string, body []byte, sign bool) {
		h := http.Header{"Stripe-Signature": {signature}}
		if sign {
			h = header(body, "whsec_1", signed)
		}
		n, err := g.Webhook(t.Context(), h, body, signed)
		switch {
		case err != nil && !errors.Is(err, payment.ErrSignature) && !errors.Is(err, payment.ErrWebhookBody):
			t.Errorf("%v", err)
		case err == nil && n.ID == "":
			t.Errorf("%+v", n)
		case err == nil && n.Kind != "" && n.GatewayID == "":
			t.Errorf("about nothing: %+v", n)
		}
	})
}
