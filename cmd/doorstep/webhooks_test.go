package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"doorstep/cart"
	"doorstep/internal/dbtest"
	"doorstep/internal/jobs"
	"doorstep/notify/recovery"
	"doorstep/notify/webhook"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
	"doorstep/shipping/label"
	"doorstep/shipping/supplier"
	supportdesk "doorstep/support/desk"
	"doorstep/support/hook"
	"doorstep/web"
)

// listener is a merchant's server that listens to webhooks.
type listener struct {
	mu     sync.Mutex
	secret string
	heard  []heardHook
	broken bool
	gone   bool
}

type heardHook struct {
	id    string
	valid bool
	said  struct {
		Type    string         `json:"type"`
		Version int            `json:"version"`
		Data    map[string]any `json:"data"`
	}
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken || l.gone {
		w.WriteHeader(map[bool]int{true: http.StatusGone, false: http.StatusServiceUnavailable}[l.gone])
		return
	}
	h := heardHook{id: r.Header.Get("Webhook-Id")}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(l.secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, h.id+"."+r.Header.Get("Webhook-Timestamp")+"."+string(body))
	h.valid = r.Header.Get("Webhook-Signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
	_ = json.Unmarshal(body, &h.said)
	l.heard = append(l.heard, h)
}

func (l *listener) all() []heardHook {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard)
}

// Every type that merchants can ask for is an event that some room publishes.
func TestEveryWebhookTypeHasItsEvent(t *testing.T) {
	t.Parallel()
	var published []string
	for _, e := range []jobs.Event{
		order.Placed{}, order.Canceled{}, order.LinesCanceled{}, order.Edited{}, order.MoneyTaken{}, payment.Refunded{}, payment.DisputeChanged{},
		shipping.Shipped{}, shipping.InTransit{}, shipping.OutForDelivery{}, shipping.ReadyForPickup{}, shipping.Delivered{}, shipping.DeliveryFailed{},
		shipping.Returned{}, shipping.Canceled{}, shipping.Exception{},
		label.Purchased{}, label.Refused{}, label.Unclear{}, label.Voided{}, label.Stays{}, label.ErrandUnclear{},
		order.ReturnAsked{}, order.ReturnAccepted{}, order.ReturnRefused{}, order.ReturnWithdrawn{}, order.ReturnSent{}, order.ReturnArrived{},
		order.ReturnInspection{}, order.ReturnPaid{}, order.ReturnSwapped{},
		order.ExchangeAsked{}, order.ExchangeAccepted{}, order.ExchangeArrived{}, order.ExchangeSent{}, order.ExchangeDropped{},
		cart.WasAbandoned{}, cart.WasRecovered{}, recovery.Due{},
		supplier.WasSent{}, supplier.Undelivered{}, supplier.WasAccepted{}, supplier.WasRejected{}, supplier.WasShipped{}, supplier.WasCompleted{}, supplier.WasReduced{},
		supplier.WasCanceled{}, supplier.WasLate{},
		order.ClaimMade{}, order.ClaimAccepted{}, order.ClaimRefused{}, order.ClaimSettled{}, order.ClaimWithdrawn{},
		hook.CaseOpened{}, hook.CaseResolved{}, hook.CaseOverdue{}, hook.Fired{}, supportdesk.HandedOver{}, supportdesk.AnswerOverdue{}, supportdesk.Ended{},
	} {
		published = append(published, e.EventName())
	}
	for _, name := range webhook.Sources() {
		if !slices.Contains(published, name) {
			t.Errorf("nobody publishes %s", name)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "webhooks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range webhook.Events() {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/webhooks.md does not tell of %s", name)
		}
	}
}

// An order is bought, canceled and given back; the merchant's server hears of it
// in that order, although it was away for a while and the program was killed.
func TestAMerchantsServerHearsOfAnOrderInItsOrder(t *testing.T) {
	t.Parallel()
	l := &listener{broken: true}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	at, _ := url.Parse(server.URL)
	settings := []string{"DOORSTEP_EGRESS_ALLOW=127.0.0.0/8", "DOORSTEP_EGRESS_HTTP=true", "DOORSTEP_EGRESS_PORTS=" + at.Port()}
	dir := dbtest.Folder(t)
	p := process(t, dir, "demo", settings...)
	admin := p.admin()
	admin.post(t, "/v1/webhook-endpoints", m{"url": "https://10.0.0.1/hooks"}).want(t, http.StatusUnprocessableEntity, "webhook_endpoint_invalid")
	made := admin.post(t, "/v1/webhook-endpoints", m{"url": server.URL + "/hooks", "events": []string{"order.placed", "order.canceled", "payment.refunded"}}).want(t, http.StatusCreated)
	l.mu.Lock()
	l.secret = made.text("secret")
	l.mu.Unlock()
	sku, _ := p.product(t, "A told mug", 1000, 5)
	order := p.buy(t, "card", "tok_visa", item(sku, 1)).text("order.id")
	p.becomes(t, order, "payment_status", "paid")
	admin.post(t, "/v1/orders/"+order+"/cancel", m{"reason": "told"}, "Idempotency-Key", "told").want(t, http.StatusOK)
	p.becomes(t, order, "payment_status", "refunded")
	until(t, patience, "a first attempt", func() (bool, any) {
		a := admin.get(t, "/v1/deliveries?endpoint_id="+made.text("id")+"&event=order.placed")
		return a.number("data.0.attempts") > 0, a
	})
	p.kill(syscall.SIGKILL)
	l.mu.Lock()
	l.broken = false
	l.mu.Unlock()
	p = process(t, dir, "demo", settings...)
	until(t, 2*patience, "three webhooks", func() (bool, any) { all := l.all(); return len(all) >= 3, all })
	var types, ids []string
	for _, h := range l.all() {
		if !h.valid || h.said.Version != 1 || h.said.Data["order_id"] != order {
			t.Errorf("heard %+v", h)
		}
		if about, _ := h.said.Data["order"].(map[string]any); about["id"] != order || !strings.HasPrefix(about["number"].(string), "DS-") {
			t.Errorf("the order is told as %v", about)
		}
		if !slices.Contains(ids, h.id) {
			types, ids = append(types, h.said.Type), append(ids, h.id)
		}
	}
	if len(types) != 3 || types[0] != "order.placed" || types[1] != "order.canceled" || types[2] != "payment.refunded" {
		t.Errorf("heard %v", types)
	}
	admin = p.admin()
	tried := admin.post(t, "/v1/webhook-endpoints/"+made.text("id")+"/test", nil).want(t, http.StatusAccepted)
	until(t, patience, "the test", func() (bool, any) {
		a := admin.get(t, "/v1/deliveries/"+tried.text("id"))
		return a.text("status") == "delivered" && a.number("log.0.code") == http.StatusOK, a
	})
	p.losesItsEndpoint(t, l, made.text("id"))
	p.verified(t)
}

// losesItsEndpoint lets the endpoint say that it is gone: who runs the shop is
// told by mail, once, and the audit log has it.
func (p *program) losesItsEndpoint(t *testing.T, l *listener, endpoint string) {
	t.Helper()
	l.mu.Lock()
	l.gone = true
	l.mu.Unlock()
	admin := p.admin()
	for range 2 {
		admin.post(t, "/v1/webhook-endpoints/"+endpoint+"/test", nil)
	}
	until(t, patience, "the endpoint to be off", func() (bool, any) {
		a := admin.get(t, "/v1/webhook-endpoints/"+endpoint)
		return a.text("status") == "disabled", a
	})
	if got := p.mails(t, web.DemoOwner, 1); got[0].Kind != "webhook_disabled" || !strings.Contains(got[0].Text, "gone for good") || !strings.Contains(got[0].Text, "/hooks") {
		t.Errorf("%+v", got)
	}
	newest, told := admin.get(t, "/v1/audit-log?limit=5").want(t, http.StatusOK), 0
	for i := range 5 { // a test that was asked for at that moment may stand beside it
		act := fmt.Sprintf("data.%d.", i)
		if newest.text(act+"action") == "disable-webhook-endpoint" && newest.text(act+"subject") == endpoint && newest.text(act+"actor") == "system" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%v", newest)
	}
}
