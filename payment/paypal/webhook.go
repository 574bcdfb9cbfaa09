package paypal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"doorstep/payment"
)

// tolerance is how far the time of a transmission may be from ours.
const tolerance = 5 * time.Minute

// event is a webhook as PayPal sends it.
type event struct {
	ID       string          `json:"id"`
	Type     string          `json:"event_type"`
	At       time.Time       `json:"create_time"`
	Resource json.RawMessage `json:"resource"`
}

// resource is what an event is about: an order, an authorization, a capture, a
// refund or a dispute.
type resource struct {
	ID       string `json:"id"`
	CustomID string `json:"custom_id"`
	Units    []unit `json:"purchase_units"`
	Related  struct {
		IDs struct {
			Order   string `json:"order_id"`
			Capture string `json:"capture_id"`
		} `json:"related_ids"`
	} `json:"supplementary_data"`
	Links    []link `json:"links"`
	Disputed []struct {
		Seller string `json:"seller_transaction_id"`
	} `json:"disputed_transactions"`
}

// Webhook checks a webhook by asking PayPal whether it has sent it, and says
// what it tells. When PayPal cannot be asked, the error is neither ErrSignature
// nor ErrWebhookBody, and PayPal sends the webhook again.
func (g *Gateway) Webhook(ctx context.Context, header http.Header, body []byte, now time.Time) (payment.Notice, error) {
	if err := g.verify(ctx, header, body, now); err != nil {
		return payment.Notice{}, err
	}
	var e event
	if json.Unmarshal(body, &e) != nil || e.ID == "" || e.Type == "" {
		return payment.Notice{}, payment.ErrWebhookBody
	}
	n := payment.Notice{ID: e.ID, Type: e.Type, Kind: kind(e.Type), At: e.At}
	if n.Kind == "" {
		return n, nil
	}
	var r resource
	if json.Unmarshal(e.Resource, &r) != nil {
		return payment.Notice{}, payment.ErrWebhookBody
	}
	err := g.about(ctx, &n, &r)
	return n, err
}

// verify asks PayPal whether it has sent these bytes.
func (g *Gateway) verify(ctx context.Context, header http.Header, body []byte, now time.Time) error {
	sent, err := time.Parse(time.RFC3339, header.Get("Paypal-Transmission-Time"))
	fields := map[string]string{
		"auth_algo": header.Get("Paypal-Auth-Algo"), "cert_url": header.Get("Paypal-Cert-Url"), "transmission_id": header.Get("Paypal-Transmission-Id"),
		"transmission_sig": header.Get("Paypal-Transmission-Sig"), "transmission_time": header.Get("Paypal-Transmission-Time"),
		"webhook_id": g.config.WebhookID,
	}
	for _, v := range fields {
		if v == "" || len(v) > 1000 {
			return payment.ErrSignature
		}
	}
	// What is no JSON PayPal has not sent, and what stands around it would be lost
	// on the way to be verified.
	if err != nil || now.Sub(sent).Abs() > tolerance || !g.trusts(fields["cert_url"]) || !json.Valid(body) || len(bytes.TrimSpace(body)) != len(body) {
		return payment.ErrSignature
	}
	head, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("paypal: %w", err)
	}
	select {
	case g.asking <- struct{}{}:
		defer func() { <-g.asking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// The event goes back byte for byte: the signature is over its bytes.
	ask := bytes.Join([][]byte{head[:len(head)-1], []byte(`,"webhook_event":`), body, {'}'}}, nil)
	var said struct {
		Status string `json:"verification_status"`
	}
	_, err = g.call(ctx, http.MethodPost, "/v1/notifications/verify-webhook-signature", "", json.RawMessage(ask), &said)
	switch _, no := refused(err); {
	case no:
		return payment.ErrSignature.Because(err)
	case err != nil:
		return err
	case said.Status != "SUCCESS":
		return payment.ErrSignature
	}
	return nil
}

// trusts says whether a certificate lies with PayPal, or with the server that is
// set in its place.
func (g *Gateway) trusts(cert string) bool {
	u, err := url.Parse(cert)
	if err != nil || u.User != nil {
		return false
	}
	if base, err := url.Parse(g.base); err == nil && u.Scheme == base.Scheme && u.Host == base.Host {
		return true
	}
	host := strings.ToLower(u.Hostname())
	return u.Scheme == "https" && (host == "paypal.com" || strings.HasSuffix(host, ".paypal.com"))
}

// kind is what an event is about; empty when it moves no payment.
func kind(event string) payment.NoticeKind {
	switch {
	case strings.HasPrefix(event, "CUSTOMER.DISPUTE."):
		return payment.NoticeDisputed
	case event == "PAYMENT.CAPTURE.REFUNDED", event == "PAYMENT.CAPTURE.REVERSED", strings.HasPrefix(event, "PAYMENT.REFUND."):
		return payment.NoticeRefunded
	case strings.HasPrefix(event, "CHECKOUT.ORDER."), strings.HasPrefix(event, "PAYMENT.AUTHORIZATION."), strings.HasPrefix(event, "PAYMENT.CAPTURE."):
		return payment.NoticeChanged
	}
	return ""
}

// about finds out which payment a resource belongs to. Refunds and disputes name
// only the capture, which is then asked for its order.
func (g *Gateway) about(ctx context.Context, n *payment.Notice, r *resource) error {
	custom, capture := r.CustomID, r.Related.IDs.Capture
	n.GatewayID = r.Related.IDs.Order
	switch {
	case strings.HasPrefix(n.Type, "CHECKOUT.ORDER."):
		n.GatewayID = r.ID
		if len(r.Units) > 0 {
			custom = r.Units[0].CustomID
		}
	case n.Kind == payment.NoticeDisputed:
		custom = ""
		if len(r.Disputed) > 0 {
			capture = r.Disputed[0].Seller
		}
	case n.Kind == payment.NoticeRefunded && capture == "":
		capture = up(r.Links, "captures")
	}
	n.Merchant, n.PaymentID = owner(custom)
	if n.GatewayID != "" || capture == "" {
		return nil
	}
	var c taken
	_, err := g.call(ctx, http.MethodGet, "/v2/payments/captures/"+url.PathEscape(capture), "", nil, &c)
	if _, no := refused(err); no {
		return nil // a payment that was made elsewhere
	}
	if err != nil {
		return err
	}
	n.GatewayID = c.Related.IDs.Order
	if n.GatewayID == "" {
		n.GatewayID = up(c.Links, "orders")
	}
	n.Merchant, n.PaymentID = owner(c.CustomID)
	return nil
}

// up is the id in the link to what stands above, when that is of a kind.
func up(links []link, kind string) string {
	for _, l := range links {
		if u, err := url.Parse(l.Href); err == nil && l.Rel == "up" && path.Base(path.Dir(u.Path)) == kind {
			return path.Base(u.Path)
		}
	}
	return ""
}
