package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// ear is a merchant's server that lives through the campaign and notes the
// webhooks it takes, by the path and then the id.
type ear struct {
	at    net.Addr
	mu    sync.Mutex
	heard map[string][]string // bodies by id, each as often as it came
}

func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the program died with it; it comes again
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	id := r.URL.Path + " " + r.Header.Get("Webhook-Id")
	e.heard[id] = append(e.heard[id], string(body))
	w.WriteHeader(http.StatusNoContent)
}

// campaignEar is made with the tests, for its port stands in the settings of
// every shop of the campaign.
var campaignEar = func() *ear {
	e := &ear{heard: map[string][]string{}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	e.at = ln.Addr()
	go func() { _ = (&http.Server{Handler: e, ReadHeaderTimeout: time.Minute}).Serve(ln) }() // until the tests end
	return e
}()

func init() {
	_, port, _ := net.SplitHostPort(campaignEar.at.String()) // it has just been made
	hasty = append(hasty, "DOORSTEP_EGRESS_ALLOW=127.0.0.0/8", "DOORSTEP_EGRESS_HTTP=true", "DOORSTEP_EGRESS_PORTS="+port)
	journeys["tell a merchant"] = journey{
		points: []string{
			"webhook.taken", "webhook.ask", "webhook.answered", "webhook.note", "webhook.noted", "webhook.answered 2",
			"jobs.relay.taken", "jobs.relay.queued", "jobs.relay.committed",
		},
		prepare: listens, client: pays("card", "tok_visa"), after: toldOnce, status: "confirmed", payment: "paid", charges: 1, mails: confirmed,
	}
}

// hookPath is where the shop of a lane sends its webhooks.
func (l *lane) hookPath() string { return "/" + filepath.Base(l.dir) }

// listens makes sure that the merchant is told of orders and their money.
func listens(ctx context.Context, _ *testing.T, s *sale) error {
	a, err := s.ask(ctx, true, http.MethodPost, "/v1/webhook-endpoints", m{
		"url": "http://" + campaignEar.at.String() + s.hookPath(), "events": []string{"order.placed", "payment.captured"},
	})
	if err == nil && a.status != http.StatusCreated && a.text("code") != "webhook_endpoint_exists" {
		err = fmt.Errorf("endpoint: %v", a)
	}
	return err
}

// toldOnce waits until the merchant has heard of the order and of its money, and
// holds that nothing came twice but under its own id, with the same words.
func toldOnce(ctx context.Context, t *testing.T, s *sale) {
	t.Helper()
	err := until1(ctx, "the webhooks arrive", func() (bool, error) {
		var pending int
		err := s.db.QueryRow(ctx, `select count(*) from webhook_deliveries where status = 'pending'`).Scan(&pending)
		return err == nil && pending == 0 && len(campaignEar.about(s)) >= 2, errors.Join(err, fmt.Errorf("%d wait", pending))
	})
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	types := map[string]int{}
	for id, bodies := range campaignEar.about(s) {
		for _, b := range bodies {
			if b != bodies[0] {
				t.Errorf("%s came with two bodies", id)
			}
		}
		types[strings.SplitN(strings.TrimPrefix(bodies[0], `{"type":"`), `"`, 2)[0]]++
	}
	for _, name := range []string{"order.placed", "payment.captured"} {
		if types[name] > 1 {
			t.Errorf("%d webhooks with an id of their own say %s", types[name], name)
		} else if types[name] == 0 {
			t.Errorf("nobody was told %s", name)
		}
	}
}

// about are the webhooks of a sale's order.
func (e *ear) about(s *sale) map[string][]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := map[string][]string{}
	for id, bodies := range e.heard {
		if strings.HasPrefix(id, s.hookPath()+" ") && strings.Contains(bodies[0], `"order_id":"`+s.order()+`"`) {
			all[id] = append([]string(nil), bodies...)
		}
	}
	return all
}
