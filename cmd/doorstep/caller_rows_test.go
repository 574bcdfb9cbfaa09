package main

import (
	"maps"
	"net/http"
	"testing"

	"doorstep/internal/id"
)

// carried makes one of everything that a merchant has with carriers, and notes how
// it is called.
func (v *victim) carried(t *testing.T, order, shipment string) {
	t.Helper()
	account := v.admin().post(t, "/v1/carrier-accounts", m{"carrier": "table", "code": "canary", "settings": m{
		"preset": "cambodia_post", "services": []m{{"code": "ems", "rows": []m{{"to": []string{"*"}, "up_to_g": 30000, "price": 2500}}}},
	}}).want(t, http.StatusCreated).text("id")
	v.paths["/v1/carrier-accounts/{id}"] = "/v1/carrier-accounts/" + account
	made := func(path, query string, values ...any) {
		row := id.New()
		if err := statement(t.Context(), v.house.db, query, append([]any{v.merchant, row, account, v.house.db.Now()}, values...)...); err != nil {
			t.Fatal(err)
		}
		v.paths[path] = path[:len(path)-len("{id}")] + row.String()
	}
	made("/v1/labels/{id}", `insert into labels (merchant_id, id, purpose, subject_id, order_id, account_id, carrier, service, format, status, carrier_key, created_at, updated_at, ended_at)
		values ($1, $2, 'shipment', $5, $6, $3, 'table', 'ems', 'pdf', 'failed', 'canary', $4, $4, $4)`, shipment, order)
	for path, kind := range map[string]string{"/v1/pickups/{id}": "pickup", "/v1/manifests/{id}": "manifest"} {
		made(path, `insert into carrier_errands (merchant_id, id, kind, account_id, carrier, status, carrier_key, request, created_at, updated_at)
			values ($1, $2, $5, $3, 'table', 'failed', 'canary ' || $5, '{}', $4, $4)`, kind)
	}
	parcels := []m{{"length_mm": 300, "width_mm": 200, "height_mm": 150, "weight_g": 1200}}
	maps.Copy(v.bodies, map[string]any{
		"change-recovery-settings": m{"holdout_bps": 2000}, "stop-recovery": m{"reason": "mine now"}, "resume-recovery": nil, "try-recovery": m{"samples": 1},
		"report-cart-events": m{"events": []m{{"id": "e-1", "type": "step_entered", "step": "contact"}}}, "report-checkout-events": m{"events": []m{{"id": "e-1", "type": "step_entered", "step": "contact"}}},
		"give-consent":   m{"topic": "all", "granted": true, "text_version": "1"},
		"record-consent": m{"email": "x@example.com", "topic": "all", "granted": true, "source": "api", "text_version": "1"}, "look-up-consents": m{"email": "x@example.com"},
		"suppress-address": m{"email": "x@example.com", "topic": "all"}, "lift-suppression": m{"email": "x@example.com", "topic": "all"},
		"add-carrier-account": m{"carrier": "table", "code": "mine", "settings": m{}}, "change-carrier-account": m{"timeout_ms": 900}, "test-carrier-account": nil,
		"buy-shipment-label": m{"account_id": account, "service": "ems", "parcels": parcels}, "void-shipment-label": nil,
		"buy-return-label": m{"account_id": account, "service": "ems"}, "void-return-label": nil, "resolve-label": m{"exists": false}, "resolve-pickup": m{"exists": false}, "resolve-manifest": m{"exists": false},
		"make-manifest": m{"account_id": account}, "cancel-pickup": nil,
		"book-pickup": m{"account_id": account, "ready_at": "2026-11-24T14:00:00+04:00", "last_at": "2026-11-24T18:00:00+04:00", "parcels": 1, "weight_g": 1},
	})
}

// difference notes that the gateway's books say something else.
func (v *victim) difference(t *testing.T) string {
	t.Helper()
	row := id.New()
	if err := statement(t.Context(), v.house.db, `insert into payment_differences (merchant_id, id, kind, provider, subject, status, detail, currency, found_at, last_seen_at)
		values ($1, $2, 'orphan_hold', 'sandbox', 'canary', 'open', 'Canary hold', 'EUR', $3, $3)`, v.merchant, row, v.house.db.Now()); err != nil {
		t.Fatal(err)
	}
	return row.String()
}
