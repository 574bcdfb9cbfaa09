package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

const (
	easyPostKey    = "EZTK-fake-key-of-the-shop"
	easyPostSecret = "easypost-webhook-secret-ﬁ" // its ligature becomes two letters when it is normalised
)

func init() {
	register(Vendor{
		Name:        "easypost",
		Credentials: []Credential{{"api_key", easyPostKey}, {"webhook_secret", easyPostSecret}},
		Serve:       easyPostServe,
		Call:        easyPostCall,
		Words: map[carrier.Status]string{
			carrier.StatusPending:        "pre_transit/status_update",
			carrier.StatusPickedUp:       "in_transit/received_at_origin_facility",
			carrier.StatusInTransit:      "in_transit/departed_facility",
			carrier.StatusOnHold:         "in_transit/held",
			carrier.StatusDelayed:        "in_transit/weather_delay",
			carrier.StatusOutForDelivery: "out_for_delivery/out_for_delivery",
			carrier.StatusReadyForPickup: "available_for_pickup/arrived_at_pickup_location",
			carrier.StatusFailed:         "failure/delivery_exception",
			carrier.StatusDelivered:      "delivered/arrived_at_destination",
			carrier.StatusReturning:      "return_to_sender/return",
			carrier.StatusCancelled:      "cancelled/cancelled",
			carrier.StatusUnknown:        "teleported/beamed_up",
		},
		News: func(w *World, p *Parcel) []byte {
			return mustJSON(map[string]any{
				"id": w.ID("evt_", 24), "object": "Event", "mode": "test", "description": "tracker.updated", "status": "pending",
				"previous_attributes": map[string]any{"status": "unknown"}, "result": easyPostTracker(w, *p), "created_at": w.Now().Format(time.RFC3339),
			})
		},
		Sign: func(_ *World, body []byte) http.Header {
			mac := hmac.New(sha256.New, norm.NFKD.Bytes([]byte(easyPostSecret)))
			mac.Write(body)
			return http.Header{"X-Hmac-Signature": {"hmac-sha256-hex=" + hex.EncodeToString(mac.Sum(nil))}, "Content-Type": {"application/json"}}
		},
	})
}

func easyPostCall(r *http.Request) string {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/buy"):
		return "buy"
	case strings.HasSuffix(path, "/refund"):
		return "void"
	case strings.HasPrefix(path, "/v2/trackers"):
		return "track"
	case path == "/v2/shipments":
		return "rates"
	}
	return ""
}

// easyPostShipment is one that was made; it may never be bought.
type easyPostShipment struct {
	ID, Reference string
	From, To      Place
	WeightG       int64
	Format        carrier.Format
	Rates         []map[string]any
}

type easyPostAddress struct {
	Name, Company, Street1, Street2, City, State, Zip, Country string
}

func (a easyPostAddress) place() Place {
	return Place{Name: a.Name, Line1: a.Street1, City: a.City, Region: a.State, Postcode: a.Zip, Country: a.Country}
}

func easyPostRefuse(rw http.ResponseWriter, status int, code, text string) {
	Reply(rw, status, map[string]any{"error": map[string]any{"code": code, "message": text, "errors": []any{}}})
}

func easyPostServe(w *World) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/shipments", func(rw http.ResponseWriter, r *http.Request) { easyPostCreate(w, rw, r) })
	mux.HandleFunc("GET /v2/shipments/{id}", func(rw http.ResponseWriter, r *http.Request) {
		if s := easyPostFind(w, r.PathValue("id")); s != nil {
			Reply(rw, http.StatusOK, s.shown(w, r))
			return
		}
		easyPostRefuse(rw, http.StatusNotFound, "NOT_FOUND", "The requested resource could not be found.")
	})
	mux.HandleFunc("POST /v2/shipments/{id}/buy", func(rw http.ResponseWriter, r *http.Request) { easyPostBuy(w, rw, r) })
	mux.HandleFunc("POST /v2/shipments/{id}/refund", func(rw http.ResponseWriter, r *http.Request) {
		s := easyPostFind(w, r.PathValue("id"))
		if s == nil {
			easyPostRefuse(rw, http.StatusNotFound, "NOT_FOUND", "The requested resource could not be found.")
			return
		}
		if _, before := w.Void(s.ID); before {
			easyPostRefuse(rw, http.StatusUnprocessableEntity, "SHIPMENT.REFUND.UNAVAILABLE", "A refund was requested already.")
			return
		}
		Reply(rw, http.StatusOK, s.shown(w, r))
	})
	mux.HandleFunc("POST /v2/trackers", func(rw http.ResponseWriter, r *http.Request) {
		var in struct {
			Tracker struct {
				Code string `json:"tracking_code"`
			} `json:"tracker"`
		}
		if !Asked(r, &in) {
			easyPostRefuse(rw, http.StatusBadRequest, "PARAMETER.INVALID", "The body is no JSON.")
			return
		}
		found := w.Find(in.Tracker.Code)
		if len(found) == 0 {
			easyPostRefuse(rw, http.StatusUnprocessableEntity, "TRACKER.TRACKING_CODE.INVALID", "The tracking code is not valid.")
			return
		}
		Reply(rw, http.StatusCreated, easyPostTracker(w, found[0]))
	})
	mux.HandleFunc("POST /v2/addresses", easyPostVerify)
	mux.HandleFunc("POST /v2/scan_forms", func(rw http.ResponseWriter, r *http.Request) {
		var in struct {
			Shipments []struct {
				ID string `json:"id"`
			} `json:"shipments"`
		}
		if !Asked(r, &in) || len(in.Shipments) == 0 || len(w.Find(in.Shipments[0].ID)) == 0 {
			easyPostRefuse(rw, http.StatusUnprocessableEntity, "SCAN_FORM.INVALID", "There is nothing to scan.")
			return
		}
		id := w.ID("sf_", 24)
		Reply(rw, http.StatusCreated, map[string]any{"id": id, "object": "ScanForm", "status": "created", "message": nil, "form_url": easyPostFile(r, id+".pdf")})
	})
	files := http.NewServeMux()
	files.HandleFunc("GET /files/{name}", func(rw http.ResponseWriter, r *http.Request) {
		number, format, _ := strings.Cut(r.PathValue("name"), ".")
		_, _ = rw.Write(Label(carrier.Format(format), number)) // a caller that is gone is its own matter
	})
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/files/") { // a place of its own, as EasyPost's is, and open to all
			files.ServeHTTP(rw, r)
			return
		}
		if user, pass, _ := r.BasicAuth(); user != easyPostKey || pass != "" {
			easyPostRefuse(rw, http.StatusUnauthorized, "APIKEY.INVALID", "This key is not known.")
			return
		}
		mux.ServeHTTP(rw, r)
	})
}

func easyPostFile(r *http.Request, name string) string {
	return "http://" + r.Host + "/easypost/files/" + name
}

func easyPostCreate(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Shipment struct {
			Reference string          `json:"reference"`
			To        easyPostAddress `json:"to_address"`
			From      easyPostAddress `json:"from_address"`
			Parcel    struct {
				Weight carrier.Decimal `json:"weight"`
			} `json:"parcel"`
			Customs *struct {
				Items []any `json:"customs_items"`
			} `json:"customs_info"`
			Options struct {
				Format string `json:"label_format"`
			} `json:"options"`
		} `json:"shipment"`
	}
	if !Asked(r, &in) {
		easyPostRefuse(rw, http.StatusBadRequest, "PARAMETER.INVALID", "The body is no JSON.")
		return
	}
	q := in.Shipment
	grams, err := carrier.FromOunces(string(q.Parcel.Weight), carrier.RoundHalfUp)
	switch {
	case err != nil || grams <= 0:
		easyPostRefuse(rw, http.StatusUnprocessableEntity, "PARCEL.WEIGHT.INVALID", "The weight must be above zero.")
		return
	case q.To.Country == "" || q.From.Country == "" || q.Reference != "" && q.To.Street1 == "": // a rate needs no street
		easyPostRefuse(rw, http.StatusUnprocessableEntity, "ADDRESS.PARAMETERS.INVALID", "An address is not whole.")
		return
	}
	s := &easyPostShipment{ID: w.ID("shp_", 32), Reference: q.Reference, From: q.From.place(), To: q.To.place(), WeightG: grams, Format: carrier.Format(strings.ToLower(q.Options.Format))}
	abroad := q.To.Country != q.From.Country
	if !abroad || q.Customs != nil && len(q.Customs.Items) > 0 {
		s.Rates = easyPostRates(w, s, abroad)
	}
	w.Keep(s.ID, s)
	if s.Reference != "" {
		w.Keep(s.Reference, s)
	}
	Reply(rw, http.StatusCreated, s.shown(w, r))
}

func easyPostRates(w *World, s *easyPostShipment, abroad bool) []map[string]any {
	list := []struct {
		service     string
		base, perKg int64
		days        int
	}{{"Express", 2900, 450, 1}, {"Priority", 690, 310, 2}, {"GroundAdvantage", 450, 180, 3}}
	if abroad {
		list = list[:2]
		list[0].service, list[1].service = "ExpressMailInternational", "PriorityMailInternational"
	}
	var rates []map[string]any
	for _, t := range list {
		minor := w.Price(t.base, t.perKg, s.WeightG, s.From.Country, s.To.Country)
		rates = append(rates, map[string]any{
			"id": w.ID("rate_", 32), "object": "Rate", "carrier": "USPS", "service": t.service, "rate": money.Decimal(minor, "USD"), "currency": "USD",
			"list_rate": money.Decimal(minor+125, "USD"), "list_currency": "USD", "delivery_days": t.days, "est_delivery_days": t.days, "delivery_date": nil,
			"delivery_date_guaranteed": false, "shipment_id": s.ID, "carrier_account_id": "ca_fake",
		})
	}
	return rates
}

func easyPostFind(w *World, name string) *easyPostShipment {
	s, _ := w.Kept(name).(*easyPostShipment)
	return s
}

func easyPostBuy(w *World, rw http.ResponseWriter, r *http.Request) {
	s := easyPostFind(w, r.PathValue("id"))
	var in struct {
		Rate struct {
			ID string `json:"id"`
		} `json:"rate"`
	}
	if s == nil {
		easyPostRefuse(rw, http.StatusNotFound, "NOT_FOUND", "The requested resource could not be found.")
		return
	}
	if !Asked(r, &in) {
		easyPostRefuse(rw, http.StatusBadRequest, "PARAMETER.INVALID", "The body is no JSON.")
		return
	}
	for _, rate := range s.Rates {
		if rate["id"] != in.Rate.ID {
			continue
		}
		minor, err := money.Parse(fmt.Sprint(rate["rate"]), "USD")
		if err != nil {
			panic(err) // our own rate
		}
		if _, again := w.Ship(s.ID, Parcel{
			ID: s.ID, Number: "94001" + w.Digits(17), Service: fmt.Sprint(rate["service"]), From: s.From, To: s.To, WeightG: s.WeightG,
			Minor: minor, Currency: "USD", Format: s.Format, Data: rate,
		}); again {
			easyPostRefuse(rw, http.StatusUnprocessableEntity, "SHIPMENT.POSTAGE.EXISTS", "Postage was bought already.")
			return
		}
		Reply(rw, http.StatusOK, s.shown(w, r))
		return
	}
	easyPostRefuse(rw, http.StatusUnprocessableEntity, "SHIPMENT.POSTAGE.FAILURE", "That rate is not of this shipment.")
}

// shown is the shipment as EasyPost writes it.
func (s *easyPostShipment) shown(w *World, r *http.Request) map[string]any {
	out := map[string]any{
		"id": s.ID, "object": "Shipment", "mode": "test", "reference": s.Reference, "rates": s.Rates, "selected_rate": nil, "postage_label": nil,
		"tracking_code": nil, "refund_status": nil, "forms": []any{}, "insurance": nil,
		"messages": []map[string]any{{"carrier": "DhlEcs", "type": "rate_error", "message": "Invalid credentials", "carrier_account_id": "ca_other"}},
	}
	if s.Rates == nil {
		out["rates"] = []any{}
	}
	if found := w.Find(s.ID); len(found) > 0 {
		p := found[0]
		format, media := s.Format, map[carrier.Format]string{carrier.PDF: "application/pdf", carrier.ZPL: "application/zpl", carrier.PNG: "image/png"}
		if media[format] == "" {
			format = carrier.PNG
		}
		out["selected_rate"], out["tracking_code"] = p.Data, p.Number
		out["postage_label"] = map[string]any{
			"id": "pl_" + s.ID[4:], "object": "PostageLabel", "label_url": easyPostFile(r, p.Number+"."+string(format)), "label_file_type": media[format],
			"label_resolution": 300, "label_size": "4x6",
		}
		out["tracker"] = easyPostTracker(w, p)
		if p.Voided {
			out["refund_status"] = "submitted"
		}
	}
	return out
}

func easyPostTracker(w *World, p Parcel) map[string]any {
	details := []any{}
	status := "unknown"
	for _, s := range w.Steps(p) {
		word, detail, _ := strings.Cut(s.Code, "/")
		status = word
		details = append(details, map[string]any{
			"object": "TrackingDetail", "status": word, "status_detail": detail, "message": s.Text, "description": nil, "datetime": s.At.Format(time.RFC3339), "source": "USPS",
			"carrier_code": strconv.Itoa(len(details)), "tracking_location": map[string]any{"object": "TrackingLocation", "city": s.Place.City, "state": s.Place.Region, "country": s.Place.Country, "zip": s.Place.Postcode},
		})
	}
	return map[string]any{
		"id": "trk_" + p.Number, "object": "Tracker", "mode": "test", "tracking_code": p.Number, "status": status, "status_detail": status, "carrier": "USPS",
		"signed_by": nil, "est_delivery_date": p.Expected.Format(time.RFC3339), "shipment_id": p.ID, "tracking_details": details, "weight": nil,
	}
}

// easyPostVerify finds every street but those that say nowhere.
func easyPostVerify(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Address easyPostAddress `json:"address"`
	}
	if !Asked(r, &in) {
		easyPostRefuse(rw, http.StatusBadRequest, "PARAMETER.INVALID", "The body is no JSON.")
		return
	}
	a, errors, found := in.Address, []any{}, true
	if strings.Contains(strings.ToLower(a.Street1), "nowhere") {
		errors, found = append(errors, map[string]any{"code": "E.ADDRESS.NOT_FOUND", "field": "address", "message": "Address not found", "suggestion": nil}), false
	}
	Reply(rw, http.StatusCreated, map[string]any{
		"id": "adr_1", "object": "Address", "name": a.Name, "street1": strings.ToUpper(a.Street1), "street2": a.Street2, "city": strings.ToUpper(a.City), "state": a.State, "zip": a.Zip,
		"country": a.Country, "residential": found, "verifications": map[string]any{"delivery": map[string]any{"success": found, "errors": errors}},
	})
}
