package main

import (
	"fmt"
	"net/http"
	"testing"

	"doorstep/internal/id"
)

// TestASupplierIsAskedOnceWheneverTheProgramDies lets the program die around the
// mail of a purchase order: there is one for each order, and its mail comes under
// one Message-ID, a second time at most when only memory knew that it had left.
func TestASupplierIsAskedOnceWheneverTheProgramDies(t *testing.T) {
	t.Parallel()
	cells := []struct {
		point string
		nth   int
	}{{"notify.answered", 2}, {"jobs.work.done", 3}}
	if thorough() {
		for nth := 1; nth <= 6; nth++ {
			for _, point := range []string{"jobs.relay.taken", "jobs.relay.queued", "jobs.relay.committed", "jobs.work.begun", "jobs.work.done", "notify.claimed", "notify.ask", "notify.answered", "notify.recorded"} {
				if nth <= 2 || point == "jobs.work.begun" || point == "jobs.work.done" {
					cells = append(cells, struct {
						point string
						nth   int
					}{point, nth})
				}
			}
		}
	}
	l := newLane(t)
	s := l.where().pottery(t, nil)
	s.staff.post(t, "/v1/stock/adjustments", m{"adjustments": []m{{"sku": s.sku, "location": s.location, "set_to": 500, "reason": "stated"}}}).want(t, http.StatusOK)
	for i, c := range cells {
		l.fresh(t)
		shop := l.where()
		open := shop.post(t, "/v1/checkouts", form(item(s.sku, 1))).want(t, http.StatusCreated)
		l.arm(t, c.point, c.nth)
		placed, err := l.ask(t.Context(), false, http.MethodPost, "/v1/checkouts/"+open.text("id")+"/complete", paying(open, "cash_on_delivery", ""),
			"Checkout-Secret", open.text("secret"), "Idempotency-Key", id.Secret(12))
		if err != nil {
			t.Fatalf("%s: %v", c.point, err)
		}
		l.dies(t)
		l.later(t)
		order := placed.text("order.id")
		until(t, patience, fmt.Sprintf("a purchase order after %s %d", c.point, c.nth), func() (bool, any) {
			all := l.where().admin().get(t, "/v1/supplier-orders?order_id="+order).want(t, http.StatusOK)
			return len(all.list("data")) == 1 && all.text("data.0.status") == "sent", all
		})
		if mails, again := l.post.of(s.email); len(mails) != i+1 || again > 1 {
			t.Fatalf("after %s %d: %d mails for %d orders, one of them %d times more", c.point, c.nth, len(mails), i+1, again)
		}
	}
}
