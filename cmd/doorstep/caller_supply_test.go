package main

import (
	"maps"
	"net/http"
	"strconv"
	"testing"

	"doorstep/internal/id"
)

// supplied makes a supplier with an item and a purchase order, and notes how they
// are called.
func (v *victim) supplied(t *testing.T, sku, variant, order string) {
	t.Helper()
	calendar := m{"country": "KH", "timezone": "Asia/Phnom_Penh"}
	from := v.admin().post(t, "/v1/suppliers", m{"code": "canary", "name": "Canary pottery", "email": "canary@supplier.example", "currency": "EUR", "calendar": calendar}).
		want(t, http.StatusCreated).text("id")
	v.admin().do(t, http.MethodPut, "/v1/suppliers/"+from+"/items", m{"items": []m{{"sku": sku, "supplier_sku": "CANARY-1", "unit_cost": 100}}}).want(t, http.StatusOK)
	row := id.New()
	if err := statement(t.Context(), v.house.db, `insert into supplier_orders (merchant_id, id, number, supplier_id, order_id, order_number, contact_id, status, currency, due_at, link_until, created_at, updated_at)
		select $1, $2, 'PO-CANARY', $3, id, number, contact_id, 'sent', 'EUR', $5, $5, $5, $5 from orders where merchant_id = $1 and id = $4`,
		v.merchant, row, from, order, v.house.db.Now()); err != nil {
		t.Fatal(err)
	}
	maps.Copy(v.paths, map[string]string{
		"/v1/suppliers/{id}": "/v1/suppliers/" + from, "/v1/suppliers/{id}/items/{variant_id}": "/v1/suppliers/" + from + "/items/" + variant,
		"/v1/supplier-orders/{id}": "/v1/supplier-orders/" + row.String(),
	})
	pin := m{"rules": []m{}}
	last := ""
	for range 9 { // more than the others publish: each shop counts its own
		last = strconv.Itoa(int(v.admin().do(t, http.MethodPut, "/v1/recommendations/rules", pin).want(t, http.StatusOK).number("version")))
	}
	v.paths["/v1/recommendations/rules/versions/{version}"], v.bodies["publish-recommendation-rules"] = "/v1/recommendations/rules/versions/"+last, pin
	talk := v.post(t, "/v1/assistant/messages", m{"text": "A person, please"}).want(t, http.StatusOK).text("conversation_id")
	v.paths["/v1/assistant/conversations/{id}"], v.paths["/v1/support/conversations/{id}"] = "/v1/assistant/conversations/"+talk, "/v1/support/conversations/"+talk
	v.paths["/v1/support/hooks/{id}"] = "/v1/support/hooks/" + v.admin().get(t, "/v1/support/hooks").want(t, http.StatusOK).text("data.0.id")
	for _, kind := range []string{"cases", "reply-templates", "mail-drafts"} { // of these there is none yet
		v.paths["/v1/support/"+kind+"/{id}"] = "/v1/support/" + kind + "/" + id.New().String()
	}
	maps.Copy(v.bodies, map[string]any{
		"change-mail-settings": m{"mode": "send"}, "assign-case": m{"nobody": true}, "note-case": m{"text": "mine now"}, "resolve-case": m{"resolution": "other"},
		"answer-conversation": m{"text": "mine now"}, "note-conversation": m{"text": "mine now"}, "release-conversation": m{"to": "assistant"},
		"change-hook": m{"name": "Mine now"}, "test-hook": m{}, "change-reply-template": m{"name": "Mine now", "bodies": m{"en": "Mine now."}},
		"change-support-hours": m{"time_zone": "UTC", "week": m{}, "holidays": []string{}, "first_answer_minutes": 1, "most_open": 1, "notices_a_day": 1},
	})
	why := m{"reason": "mine now"}
	maps.Copy(v.bodies, map[string]any{
		"add-supplier": m{"code": "mine", "name": "Mine", "email": "evil@example.com", "currency": "EUR", "calendar": calendar}, "change-supplier": m{"email": "evil@example.com"},
		"archive-supplier": nil, "set-supplier-items": m{"items": []m{{"sku": sku, "unit_cost": 1}}}, "remove-supplier-item": nil,
		"accept-supplier-order": nil, "reject-supplier-order": why, "cancel-supplier-order": why, "resend-supplier-order": nil, "ship-supplier-order": m{},
	})
}
