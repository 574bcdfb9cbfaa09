package fake

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

const (
	karrioKey    = "key_fakeofthedoorstepshop"
	karrioSecret = "karrio-webhook-secret" //nolint:gosec // of a fake
)

func init() {
	register(Vendor{
		Name:        "karrio",
		Credentials: []Credential{{"api_key", karrioKey}, {"webhook_secret", karrioSecret}},
		Serve:       karrioServe,
		Call:        karrioCall,
		Words: map[carrier.Status]string{
			carrier.StatusPending: "pending", carrier.StatusPickedUp: "picked_up", carrier.StatusInTransit: "in_transit", carrier.StatusOnHold: "on_hold",
			carrier.StatusCustomsHold: "on_hold/customs_inspection", carrier.StatusOutForDelivery: "out_for_delivery", carrier.StatusReadyForPickup: "ready_for_pickup",
			carrier.StatusFailed: "delivery_failed/consignee_not_home", carrier.StatusDelayed: "delivery_delayed/weather_delay", carrier.StatusDelivered: "delivered",
			carrier.StatusReturning: "return_to_sender", carrier.StatusCancelled: "cancelled", carrier.StatusUnknown: "vanished",
		},
		News: func(w *World, p *Parcel) []byte {
			return mustJSON(map[string]any{"event": "tracker_updated", "data": karrioTracker(w, *p)})
		},
		Sign: func(*World, []byte) http.Header {
			return http.Header{"X-Event-Id": {karrioSecret}, "Content-Type": {"application/json"}}
		},
	})
}

func karrioCall(r *http.Request) string {
	switch path := r.URL.Path; {
	case path == "/v1/proxy/rates":
		return "rates"
	case path == "/v1/shipments" && r.Method == http.MethodPost:
		return "buy"
	case strings.HasSuffix(path, "/cancel"):
		return "void"
	case strings.HasPrefix(path, "/v1/trackers"):
		return "track"
	}
	return ""
}

type karrioAddress struct {
	Person   string `json:"person_name"`
	Line1    string `json:"address_line1"`
	City     string `json:"city"`
	State    string `json:"state_code"`
	Postcode string `json:"postal_code"`
	Country  string `json:"country_code"`
}

func (a karrioAddress) place() Place {
	return Place{Name: a.Person, Line1: a.Line1, City: a.City, Region: a.State, Postcode: a.Postcode, Country: a.Country}
}

// karrioAsked is what rates and shipments have in common.
type karrioAsked struct {
	Shipper    karrioAddress `json:"shipper"`
	Recipient  karrioAddress `json:"recipient"`
	Service    string        `json:"service"`
	Services   []string      `json:"services"`
	CarrierIDs []string      `json:"carrier_ids"`
	Reference  string        `json:"reference"`
	LabelType  string        `json:"label_type"`
	Parcels    []struct {
		Weight carrier.Decimal `json:"weight"`
		Unit   string          `json:"weight_unit"`
	} `json:"parcels"`
}

func karrioRefuse(rw http.ResponseWriter, status int, code, text string) {
	Reply(rw, status, map[string]any{"errors": []any{map[string]any{"code": code, "message": text, "level": "error", "details": map[string]any{}}}})
}

// read reads and checks a question; grams is what all parcels weigh.
func (q *karrioAsked) read(rw http.ResponseWriter, r *http.Request) (grams int64, ok bool) {
	if !Asked(r, q) {
		karrioRefuse(rw, http.StatusBadRequest, "parse_error", "JSON parse error")
		return 0, false
	}
	for _, p := range q.Parcels {
		g, err := carrier.FromKilograms(string(p.Weight), carrier.RoundUp)
		if err != nil || g <= 0 || p.Unit != "KG" {
			karrioRefuse(rw, http.StatusBadRequest, "validation", "parcels: weight is invalid")
			return 0, false
		}
		grams += g
	}
	if len(q.Parcels) == 0 || q.Shipper.Country == "" || q.Recipient.Country == "" {
		karrioRefuse(rw, http.StatusBadRequest, "validation", "This field is required.")
		return 0, false
	}
	return grams, true
}

// rates are those of two carriers.
func (q *karrioAsked) rates(w *World, grams int64) []map[string]any {
	all := []map[string]any{}
	for _, t := range []struct {
		carrier, service string
		base, perKg      int64
		days             int
	}{
		{"canadapost", "canadapost_regular_parcel", 900, 220, 5}, {"canadapost", "canadapost_priority", 2100, 480, 1}, {"dhl_parcel_de", "dhl_parcel_de_paket", 700, 150, 2},
	} {
		wanted := (len(q.Services) == 0 || has(q.Services, t.service)) && (q.Service == "" || q.Service == t.service)
		if !wanted || len(q.CarrierIDs) > 0 && !has(q.CarrierIDs, t.carrier+"-1") {
			continue
		}
		minor := w.Price(t.base, t.perKg, grams, q.Shipper.Country, q.Recipient.Country)
		fuel := minor / 20
		all = append(all, map[string]any{
			"id": w.ID("rat_", 32), "object_type": "rate", "carrier_name": t.carrier, "carrier_id": t.carrier + "-1", "currency": "USD", "service": t.service,
			"total_charge": carrier.Decimal(money.Decimal(minor, "USD")), "transit_days": t.days, "estimated_delivery": nil, "test_mode": true, "meta": map[string]any{},
			"extra_charges": []any{
				map[string]any{"name": "Base charge", "amount": carrier.Decimal(money.Decimal(minor-fuel, "USD")), "currency": "USD", "id": nil},
				map[string]any{"name": "Fuel surcharge", "amount": carrier.Decimal(money.Decimal(fuel, "USD")), "currency": "USD", "id": nil},
			},
		})
	}
	return all
}

func has(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func karrioServe(w *World) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/proxy/rates", func(rw http.ResponseWriter, r *http.Request) {
		var q karrioAsked
		if grams, ok := q.read(rw, r); ok {
			Reply(rw, http.StatusOK, map[string]any{"rates": q.rates(w, grams), "messages": []any{
				map[string]any{"carrier_name": "purolator", "carrier_id": "purolator-1", "code": "1100", "message": "Service is not available to the destination", "level": "error"},
			}})
		}
	})
	mux.HandleFunc("POST /v1/shipments", func(rw http.ResponseWriter, r *http.Request) { karrioBuy(w, rw, r) })
	mux.HandleFunc("GET /v1/shipments", func(rw http.ResponseWriter, r *http.Request) {
		all := []any{}
		for _, p := range w.Find(r.URL.Query().Get("reference")) {
			all = append(all, karrioShipment(p))
		}
		Reply(rw, http.StatusOK, map[string]any{"count": len(all), "next": nil, "previous": nil, "results": all})
	})
	mux.HandleFunc("POST /v1/shipments/{id}/documents/{doc}", func(rw http.ResponseWriter, r *http.Request) {
		found := w.Find(r.PathValue("id"))
		if len(found) == 0 || r.PathValue("doc") != "label" {
			karrioRefuse(rw, http.StatusNotFound, "not_found", "No document matches the given query.")
			return
		}
		p := found[0]
		Reply(rw, http.StatusOK, map[string]any{
			"category": "label", "format": strings.ToUpper(string(p.Format)), "url": nil, "base64": base64.StdEncoding.EncodeToString(Label(p.Format, p.Number)),
		})
	})
	mux.HandleFunc("POST /v1/shipments/{id}/cancel", func(rw http.ResponseWriter, r *http.Request) {
		found, before := w.Void(r.PathValue("id"))
		switch {
		case found == 0:
			karrioRefuse(rw, http.StatusNotFound, "not_found", "No Shipment matches the given query.")
		case before:
			rw.WriteHeader(http.StatusNotModified)
		default:
			Reply(rw, http.StatusOK, karrioShipment(w.Find(r.PathValue("id"))[0]))
		}
	})
	mux.HandleFunc("GET /v1/trackers/{number}", func(rw http.ResponseWriter, r *http.Request) {
		found := w.Find(r.PathValue("number"))
		if len(found) == 0 {
			karrioRefuse(rw, http.StatusNotFound, "not_found", "No Tracking matches the given query.")
			return
		}
		Reply(rw, http.StatusOK, karrioTracker(w, found[0]))
	})
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Token "+karrioKey {
			karrioRefuse(rw, http.StatusUnauthorized, "authentication_failed", "Invalid token.")
			return
		}
		mux.ServeHTTP(rw, r)
	})
}

func karrioBuy(w *World, rw http.ResponseWriter, r *http.Request) {
	var q karrioAsked
	grams, ok := q.read(rw, r)
	if !ok {
		return
	}
	rates := q.rates(w, grams)
	if q.Service == "" || len(rates) == 0 {
		Reply(rw, http.StatusFailedDependency, map[string]any{"messages": []any{map[string]any{"code": "rate", "message": "The service is not offered for this shipment", "carrier_name": "karrio"}}})
		return
	}
	minor, err := money.Parse(fmt.Sprint(rates[0]["total_charge"]), "USD")
	if err != nil {
		panic(err) // our own rate
	}
	// Karrio knows no keys: the same reference may be bought again.
	id := w.ID("shp_", 32)
	shipped, _ := w.Ship("", Parcel{
		ID: id, Number: "KR" + w.Digits(12), Service: q.Service, From: q.Shipper.place(), To: q.Recipient.place(), WeightG: grams, Minor: minor, Currency: "USD",
		Format: carrier.Format(strings.ToLower(q.LabelType)), Key: q.Reference, Data: rates[0],
	})
	Reply(rw, http.StatusCreated, karrioShipment(shipped[0]))
}

func karrioShipment(p Parcel) map[string]any {
	status := "created"
	if p.Voided {
		status = "cancelled"
	}
	rate, _ := p.Data.(map[string]any) // as karrioBuy keeps it
	return map[string]any{
		"id": p.ID, "object_type": "shipment", "status": status, "reference": p.Key, "tracking_number": p.Number, "shipment_identifier": p.Number, "service": p.Service,
		"carrier_name": "canadapost", "carrier_id": rate["carrier_id"], "selected_rate": p.Data, "rates": []any{p.Data}, "messages": []any{}, "meta": map[string]any{},
		"label_type": strings.ToUpper(string(p.Format)), "label_url": "/v1/shipments/" + p.ID + "/label", "test_mode": true, "created_at": p.ShippedAt.Format(time.RFC3339),
		"shipping_documents": []any{map[string]any{"category": "label", "format": strings.ToUpper(string(p.Format)), "url": "/v1/shipments/" + p.ID + "/label", "base64": nil}},
	}
}

// karrioTracker tells the newest event first, as Karrio does.
func karrioTracker(w *World, p Parcel) map[string]any {
	events, status, delivered := []any{}, "pending", false
	for _, s := range w.Steps(p) {
		word, why, _ := strings.Cut(s.Code, "/")
		status, delivered = word, s.Status == carrier.StatusDelivered
		var reason any
		if why != "" {
			reason = why
		}
		events = append([]any{map[string]any{
			"date": s.At.Format(time.DateOnly), "time": s.At.Format("15:04"), "timestamp": s.At.Format(time.RFC3339), "status": word, "code": strings.ToUpper(word), "reason": reason,
			"description": s.Text, "location": s.Place.City + ", " + s.Place.Country, "latitude": nil, "longitude": nil,
		}}, events...)
	}
	return map[string]any{
		"id": "trk_" + p.Number, "object_type": "tracker", "carrier_name": "canadapost", "carrier_id": "canadapost-1", "tracking_number": p.Number, "status": status, "delivered": delivered,
		"estimated_delivery": p.Expected.Format(time.DateOnly), "info": map[string]any{"signed_by": nil}, "events": events, "messages": []any{}, "meta": map[string]any{}, "test_mode": true,
	}
}
