package fake

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

const (
	hayPostUser     = "shop@example.am"
	hayPostPassword = "haypost-password-of-the-shop"
	hayPostCustomer = 999_000_111
)

func init() {
	register(Vendor{
		Name:        "haypost",
		Credentials: []Credential{{"username", hayPostUser}, {"password", hayPostPassword}, {"customer_id", strconv.Itoa(hayPostCustomer)}},
		Serve:       hayPostServe,
		Call:        hayPostCall,
		Words: map[carrier.Status]string{
			carrier.StatusInTransit: "2", carrier.StatusFailed: "3", carrier.StatusDelivered: "6", carrier.StatusDelayed: "8", carrier.StatusOnHold: "11",
			carrier.StatusUnknown: "42",
		},
	})
}

func hayPostCall(r *http.Request) string {
	switch path := r.URL.Path; {
	case path == "/api/Connect/Token":
		return "token"
	case path == "/Api/Order/CalculateTariff":
		return "rates"
	case path == "/Api/Order/CreateOrderByCustomerShort":
		return "buy"
	case strings.HasPrefix(path, "/Api/Order/Tracking/"):
		return "track"
	}
	return ""
}

func hayPostRefuse(rw http.ResponseWriter, status int, key string) {
	Reply(rw, status, map[string]string{"key": key, "name": ""})
}

// hayPostOrder is what tariffs and orders are asked with.
type hayPostOrder struct {
	Customer    int64 `json:"customerId"`
	Service     int   `json:"serviceCategoryDirectionId"`
	Weight      int64 `json:"weight"`
	Comment     string
	Destination hayPostPlace `json:"destinationAddress"`
	Return      hayPostPlace `json:"returnAddress"`
}

type hayPostPlace struct {
	CountryID           int
	CityVillage, Street string
	PostalCode          string
	ReceiverInfo        struct{ FirstName, LastName string }
}

func (p hayPostPlace) place() Place {
	return Place{
		Name: strings.TrimSpace(p.ReceiverInfo.FirstName + " " + p.ReceiverInfo.LastName), Line1: p.Street, City: p.CityVillage, Postcode: p.PostalCode, Country: "AM",
	}
}

// hayPostTariffs are base and price of a kilogram, in luma, by service.
var hayPostTariffs = map[int][2]int64{97: {80_000, 60_000}, 94: {70_000, 20_000}, 95: {90_000, 20_000}, 92: {32_000, 15_000}, 93: {45_000, 15_000}, 100: {60_000, 15_000}}

func hayPostServe(w *World) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/Connect/Token", func(rw http.ResponseWriter, r *http.Request) {
		var in struct {
			Username, Password string
			CustomerType       int
		}
		if !Asked(r, &in) || in.Username != hayPostUser || in.Password != hayPostPassword || in.CustomerType != 3 {
			hayPostRefuse(rw, http.StatusBadRequest, "invalid_username_or_password")
			return
		}
		Reply(rw, http.StatusOK, map[string]any{"accessToken": w.Grant(2 * time.Hour), "expDate": w.Now().Add(2 * time.Hour).Unix(), "refreshToken": "none", "navigation": 1})
	})
	open := func(pattern string, serve func(rw http.ResponseWriter, r *http.Request)) {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			if !w.Granted(r.Header.Get("Authorization")) {
				hayPostRefuse(rw, http.StatusUnauthorized, "unauthorized")
				return
			}
			serve(rw, r)
		})
	}
	open("POST /Api/Order/CalculateTariff", func(rw http.ResponseWriter, r *http.Request) {
		if _, price, ok := hayPostAsked(w, rw, r); ok {
			rw.Header().Set("Content-Type", "application/json")
			// Spaces first, so that half of the answer is no number: HTTP tells of a
			// body that is cut off, this fault does not.
			_, _ = rw.Write([]byte(strings.Repeat(" ", 16) + strings.TrimSuffix(money.Decimal(price, "AMD"), ".00"))) // a caller that is gone is its own matter
		}
	})
	open("POST /Api/Order/CreateOrderByCustomerShort", func(rw http.ResponseWriter, r *http.Request) {
		in, price, ok := hayPostAsked(w, rw, r)
		if !ok {
			return
		}
		id := "1" + w.Digits(7)
		barcode := "PAS" + w.Digits(9) + "AM"
		w.Ship("", Parcel{
			ID: id, Number: barcode, Service: strconv.Itoa(in.Service), From: in.Return.place(), To: in.Destination.place(), WeightG: in.Weight, Minor: price,
			Currency: "AMD", Format: carrier.PDF, Data: in.Comment,
		})
		number, _ := strconv.Atoi(id) // its digits
		Reply(rw, http.StatusOK, map[string]any{"id": number, "barcode": barcode, "revertOrderId": number + 1, "revertBarcode": "A" + barcode, "postalcode": nil})
	})
	open("GET /Api/Order/Tracking/{number}", func(rw http.ResponseWriter, r *http.Request) {
		found := w.Find(r.PathValue("number"))
		if len(found) == 0 {
			hayPostRefuse(rw, http.StatusBadRequest, "order_not_found")
			return
		}
		Reply(rw, http.StatusOK, hayPostTold(w, found[0]))
	})
	return mux
}

// hayPostAsked reads an order and prices it, or refuses it.
func hayPostAsked(w *World, rw http.ResponseWriter, r *http.Request) (in hayPostOrder, price int64, ok bool) {
	if !Asked(r, &in) {
		hayPostRefuse(rw, http.StatusBadRequest, "invalid_model")
		return in, 0, false
	}
	tariff, known := hayPostTariffs[in.Service]
	switch {
	case in.Customer != hayPostCustomer:
		hayPostRefuse(rw, http.StatusBadRequest, "customer_is_invalid")
	case !known || in.Destination.CountryID != 11:
		hayPostRefuse(rw, http.StatusBadRequest, "direction_is_not_available")
	case in.Weight <= 0 || in.Weight > 30_000:
		hayPostRefuse(rw, http.StatusBadRequest, "weight_is_invalid")
	case in.Destination.CityVillage == "" || in.Destination.Street == "" || in.Destination.ReceiverInfo.FirstName == "":
		hayPostRefuse(rw, http.StatusBadRequest, "destination_address_is_invalid")
	default:
		return in, w.Price(tariff[0], tariff[1], in.Weight, "AM", "AM"), true
	}
	return in, 0, false
}

// hayPostTold is the order as HayPost tells of it: on the clocks of Yerevan,
// without saying so.
func hayPostTold(w *World, p Parcel) map[string]any {
	local := func(t time.Time) string {
		return t.In(time.FixedZone("", 4*60*60)).Format("2006-01-02T15:04:05.0000")
	}
	state, histories := 1, []any{}
	for i, s := range w.Steps(p) {
		if state = 1; s.Code != "" {
			state, _ = strconv.Atoi(s.Code) // our own words
		}
		at := i % len(p.Steps) // a repeat is the same entry
		histories = append(histories, map[string]any{"id": 59_700_000 + at, "orderId": p.ID, "stateId": state, "createDate": local(s.At), "userId": hayPostCustomer, "isActive": true})
	}
	number, _ := strconv.Atoi(p.ID) // its digits
	return map[string]any{
		"order": map[string]any{
			"id": number, "customerId": hayPostCustomer, "trackingId": p.Number, "amount": p.Minor / 100, "weight": p.WeightG, "stateId": state, "comment": p.Data,
			"createDate": local(p.ShippedAt),
		},
		"orderStateHistories": histories,
		"orderDestinationAddress": map[string]any{
			"country": map[string]any{"id": 11, "name": "Armenia"}, "cityVillage": map[string]any{"id": 0, "name": p.To.City}, "postalCode": p.To.Postcode,
		},
	}
}
