package stripepay

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"doorstep/payment"
)

// tolerance is how old a signature may be, and how far ahead.
const tolerance = 300 * time.Second

var errTooOld = errors.New("stripe: the signature is of another time")

// Webhook checks the signature over the raw bytes with each secret, and its time
// by now. Of the event only names are taken: how things stand is asked for.
func (g *Gateway) Webhook(_ context.Context, header http.Header, body []byte, now time.Time) (payment.Notice, error) {
	signature := header.Get("Stripe-Signature")
	event, err := g.event(signature, body)
	switch {
	case errors.Is(err, webhook.ErrNotSigned), errors.Is(err, webhook.ErrInvalidHeader), errors.Is(err, webhook.ErrNoValidSignature):
		return payment.Notice{}, payment.ErrSignature.Because(err)
	case err != nil:
		return payment.Notice{}, payment.ErrWebhookBody.Because(err)
	}
	if age := now.Sub(signedAt(signature)); age > tolerance || age < -tolerance {
		return payment.Notice{}, payment.ErrSignature.Because(errTooOld)
	}
	return notice(&event)
}

// event is the event under the first secret that it was signed with.
func (g *Gateway) event(signature string, body []byte) (event stripe.Event, err error) {
	err = webhook.ErrNoValidSignature // without a secret nothing is believed
	for _, secret := range g.config.Secrets {
		// The library would measure the age by the machine's clock.
		event, err = webhook.ConstructEventWithOptions(body, signature, secret, webhook.ConstructEventOptions{
			IgnoreTolerance: true, IgnoreAPIVersionMismatch: g.config.AnyVersion,
		})
		if !errors.Is(err, webhook.ErrNoValidSignature) {
			break
		}
	}
	return event, err
}

// signedAt is the time in a signature that holds. Of several the last counts, as
// for the signature itself.
func signedAt(signature string) time.Time {
	var at int64
	for part := range strings.SplitSeq(signature, ",") {
		if text, ok := strings.CutPrefix(part, "t="); ok {
			at, _ = strconv.ParseInt(text, 10, 64) // the library has read it
		}
	}
	return time.Unix(at, 0)
}

// subject is what an event is about, as far as its names go.
type subject struct {
	Object   string            `json:"object"`
	ID       string            `json:"id"`
	Intent   json.RawMessage   `json:"payment_intent"` // its id, or all of it
	Metadata map[string]string `json:"metadata"`
}

var errNoEvent = errors.New("stripe: this is no event")

func notice(e *stripe.Event) (payment.Notice, error) {
	if e.ID == "" || len(e.ID) > 255 || e.Type == "" || len(e.Type) > 255 || e.Data == nil || len(e.Data.Raw) == 0 {
		return payment.Notice{}, payment.ErrWebhookBody.Because(errNoEvent)
	}
	n := payment.Notice{ID: e.ID, Type: string(e.Type), At: time.Unix(e.Created, 0).UTC()}
	kind := kindOf(n.Type)
	if kind == "" {
		return n, nil
	}
	var s subject
	if err := json.Unmarshal(e.Data.Raw, &s); err != nil {
		return payment.Notice{}, payment.ErrWebhookBody.Because(errNoEvent)
	}
	if s.Object == "payment_intent" {
		n.GatewayID = s.ID
	} else if n.GatewayID = idIn(s.Intent); n.GatewayID == "" {
		return n, nil // a charge without an intent is none of ours
	}
	if n.GatewayID == "" || len(n.GatewayID) > 255 {
		return payment.Notice{}, payment.ErrWebhookBody.Because(errNoEvent)
	}
	n.Kind = kind
	n.PaymentID, _ = uuid.Parse(s.Metadata[metaPayment]) // zero when it says none, or is none of ours
	n.Merchant, _ = uuid.Parse(s.Metadata[metaMerchant])
	return n, nil
}

// kindOf sorts the types of events; those that tell nothing new have none.
func kindOf(t string) payment.NoticeKind {
	switch {
	case t == "payment_intent.created", t == "charge.succeeded", t == "charge.failed", t == "charge.pending", t == "charge.updated", t == "charge.captured":
		return "" // the intent's own event says it
	case strings.HasPrefix(t, "payment_intent."), t == "charge.expired":
		return payment.NoticeChanged
	case t == "charge.refunded", strings.HasPrefix(t, "charge.refund."), strings.HasPrefix(t, "refund."):
		return payment.NoticeRefunded
	case strings.HasPrefix(t, "charge.dispute."):
		return payment.NoticeDisputed
	}
	return ""
}

// idIn is the id in a reference, which may be expanded.
func idIn(ref json.RawMessage) string {
	var id string
	if json.Unmarshal(ref, &id) == nil {
		return id
	}
	var object struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(ref, &object) // empty then
	return object.ID
}
