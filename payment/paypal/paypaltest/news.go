package paypaltest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"time"

	"doorstep/internal/id"
)

// Listen brings every webhook from now on to a shop, until stop.
func (s *Server) Listen(shop func(ctx context.Context, header http.Header, body []byte) error) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news++
	n := s.news
	s.shops[n] = shop
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.shops, n)
	}
}

// tell sends a webhook. The server is locked.
func (s *Server) tell(event, kind string, resource any) {
	body, err := json.Marshal(map[string]any{
		"id": "WH-" + strings.ToUpper(id.Secret(10)), "event_version": "1.0", "create_time": s.clock.Now().UTC().Format(time.RFC3339), "resource_type": kind,
		"event_type": event, "summary": "Something happened.", "resource": resource,
	})
	if err != nil {
		panic(err) // our own maps
	}
	for _, shop := range s.shops {
		_ = shop(context.Background(), s.Sign(body), body) // a shop that does not listen is its own matter
	}
}

// Sign is the header of a webhook with that body.
func (s *Server) Sign(body []byte) http.Header {
	h := http.Header{}
	h.Set("Paypal-Transmission-Id", id.New().String())
	h.Set("Paypal-Transmission-Time", s.clock.Now().UTC().Format(time.RFC3339))
	h.Set("Paypal-Auth-Algo", "SHA256withRSA")
	h.Set("Paypal-Cert-Url", "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77")
	h.Set("Paypal-Transmission-Sig", signature(h.Get("Paypal-Transmission-Id"), h.Get("Paypal-Transmission-Time"), WebhookID, body))
	h.Set("Content-Type", "application/json")
	return h
}

// signature stands for PayPal's: over the same words, with a key of ours.
func signature(transmission, at, webhook string, body []byte) string {
	m := hmac.New(sha256.New, []byte("PayPal's own key"))
	fmt.Fprintf(m, "%s|%s|%s|%d", transmission, at, webhook, crc32.ChecksumIEEE(body))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func (s *Server) verify(c *call) answer {
	var in struct {
		Algo         string          `json:"auth_algo"`
		Cert         string          `json:"cert_url"`
		Transmission string          `json:"transmission_id"`
		Signature    string          `json:"transmission_sig"`
		Time         string          `json:"transmission_time"`
		Webhook      string          `json:"webhook_id"`
		Event        json.RawMessage `json:"webhook_event"`
	}
	if !c.decode(&in) || in.Algo == "" || in.Cert == "" || in.Transmission == "" || in.Signature == "" || in.Time == "" || in.Webhook == "" || in.Event == nil {
		return malformed("MISSING_REQUIRED_PARAMETER")
	}
	status := "FAILURE"
	if in.Webhook == WebhookID && hmac.Equal([]byte(in.Signature), []byte(signature(in.Transmission, in.Time, in.Webhook, in.Event))) {
		status = "SUCCESS"
	}
	return answer{http.StatusOK, map[string]string{"verification_status": status}}
}

// Dispute lets the buyer ask for the money back; outcome is empty while it is
// not decided.
func (s *Server) Dispute(orderID, outcome string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[orderID]
	if o == nil || o.capture == nil {
		return false
	}
	event := "CUSTOMER.DISPUTE.CREATED"
	if o.disputed == "" {
		o.disputed = "PP-D-" + newID()
	}
	if o.outcome = outcome; outcome != "" {
		event = "CUSTOMER.DISPUTE.RESOLVED"
	}
	s.tell(event, "dispute", map[string]any{
		"dispute_id": o.disputed, "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
		"disputed_transactions": []map[string]string{{"seller_transaction_id": o.capture.id}},
	})
	return true
}

func (o *order) dispute(whole bool) map[string]any {
	d := map[string]any{"dispute_id": o.disputed, "status": "WAITING_FOR_SELLER_RESPONSE", "dispute_amount": said(o.capture.amount, o.currency)}
	if o.outcome != "" {
		d["status"] = "RESOLVED"
		if whole {
			d["dispute_outcome"] = map[string]string{"outcome_code": o.outcome}
		}
	}
	return d
}

func (s *Server) disputes(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []any{}
	if o := s.captured(c.r.URL.Query().Get("disputed_transaction_id")); o != nil && o.disputed != "" {
		items = append(items, o.dispute(false))
	}
	return answer{http.StatusOK, map[string]any{"items": items, "links": []any{}}}
}

func (s *Server) dispute(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.of(func(o *order) bool { return o.disputed == c.id })
	if o == nil {
		return missing()
	}
	return answer{http.StatusOK, o.dispute(true)}
}
