package main

import (
	"net/http"
	"testing"

	"doorstep/internal/id"
)

func TestBuyingTheLastPieceTakesItOutOfEveryListAtOnce(t *testing.T) {
	t.Parallel()
	s := newStorefront(t, "*")
	cup, made := s.product(t, "Recommended cup", 1200, 50)
	saucer, other := s.product(t, "Recommended saucer", 700, 7)
	cupID, saucerID := made.text("id"), other.text("id")
	buy := func(items ...m) {
		t.Helper()
		c := s.post(t, "/v1/checkouts", form(items...)).want(t, http.StatusCreated)
		s.post(t, "/v1/checkouts/"+c.text("id")+"/complete", paying(c, "card", "tok_visa"), "Checkout-Secret", c.text("secret"), "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	}
	for range 6 {
		buy(item(cup, 1), item(saucer, 1))
	}
	// What was bought is learned within seconds, whatever was known before.
	var list reply
	until(t, patience, "the saucer goes with the cup", func() (bool, any) {
		list = s.get(t, "/v1/recommendations?surface=product&limit=5&product_id="+cupID).want(t, http.StatusOK)
		return list.text("data.0.product.id") == saucerID && list.number("data.0.reason.orders") == 6, list
	})
	if list.text("data.0.reason.code") != "bought_with" || list.text("data.0.reason.item") != cupID {
		t.Errorf("the reason: %v", list)
	}
	lists := []string{"surface=product&product_id=" + cupID, "surface=cart&product_id=" + cupID, "surface=home", "surface=post_purchase&product_id=" + cupID, "surface=email&product_id=" + cupID}
	shown := func(query string) bool {
		for _, d := range s.get(t, "/v1/recommendations?limit=50&"+query).want(t, http.StatusOK).list("data") {
			if p, _ := d.(map[string]any)["product"].(map[string]any); p["id"] == saucerID {
				return true
			}
		}
		return false
	}
	for _, query := range lists {
		if !shown(query) {
			t.Errorf("%s lacks it although there is one left", query)
		}
	}
	buy(item(saucer, 1))
	for _, query := range lists {
		if shown(query) {
			t.Errorf("%s shows what is sold out", query)
		}
	}
	s.verified(t)
}

func TestWhatAStorefrontTellsTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	s := newStorefront(t, "*")
	_, made := s.product(t, "Looked-at lamp", 1200, 50)
	product := made.text("id")
	event := m{"id": id.New(), "kind": "view", "visitor": "v-1", "product_id": product}
	for range 3 {
		s.post(t, "/v1/events", m{"events": []m{event, event}}).want(t, http.StatusAccepted)
	}
	var n int
	if err := s.conn.QueryRow(t.Context(), `select count(*) from rec_events`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d are kept: %v", n, err)
	}
	s.post(t, "/v1/events", m{"events": []m{{"id": id.New(), "kind": "buy", "visitor": "v-1", "product_id": product}}}).want(t, http.StatusUnprocessableEntity)
	s.post(t, "/v1/events", m{"events": []m{{"id": id.New(), "kind": "view", "visitor": "v-1", "product_id": product, "at": "2020-01-01T00:00:00Z"}}}).want(t, http.StatusUnprocessableEntity, "events_invalid")
}

func TestARuleCountsFromTheNextListOn(t *testing.T) {
	t.Parallel()
	s := newStorefront(t, "*")
	var ids []string
	for _, name := range []string{"Ruled cup", "Ruled bowl", "Ruled plate"} {
		_, made := s.product(t, name, 1200, 50)
		ids = append(ids, made.text("id"))
	}
	first := func() string {
		return s.get(t, "/v1/recommendations?surface=home&limit=1").want(t, http.StatusOK).text("data.0.product.id")
	}
	first()
	rules := s.admin().do(t, http.MethodPut, "/v1/recommendations/rules", m{"rules": []m{{"kind": "pin", "product": ids[1]}}}).want(t, http.StatusOK)
	if first() != ids[1] || rules.number("version") != 1 {
		t.Errorf("%s is first, %v", first(), rules)
	}
	s.admin().do(t, http.MethodPut, "/v1/recommendations/rules", m{"rules": []m{{"kind": "pin", "product": ids[1]}, {"kind": "block", "product": ids[1]}}}).want(t, http.StatusOK)
	if first() == ids[1] {
		t.Error("what is blocked is shown")
	}
	if all := s.admin().get(t, "/v1/recommendations/rules/versions").want(t, http.StatusOK).list("data"); len(all) != 2 {
		t.Errorf("%d versions", len(all))
	}
	s.verified(t)
}
