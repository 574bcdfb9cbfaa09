package fake

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

const (
	myDHLUser     = "doorstepAM"
	myDHLPassword = "mydhl-password-of-the-shop"
	myDHLAccount  = "300000001"
)

func init() {
	register(Vendor{
		Name:        "mydhl",
		Credentials: []Credential{{"username", myDHLUser}, {"password", myDHLPassword}, {"account", myDHLAccount}},
		Serve:       myDHLServe,
		Call: func(r *http.Request) string {
			return map[string]string{"/rates": "rates", "/shipments": "buy", "/tracking": "track"}[r.URL.Path]
		},
		Words: map[carrier.Status]string{
			carrier.StatusPending: "104", carrier.StatusPickedUp: "PU", carrier.StatusInTransit: "DF", carrier.StatusOnHold: "OH", carrier.StatusCustomsHold: "UD",
			carrier.StatusDelayed: "MD", carrier.StatusOutForDelivery: "WC", carrier.StatusReadyForPickup: "CC", carrier.StatusFailed: "NH",
			carrier.StatusDelivered: "OK", carrier.StatusReturning: "RT", carrier.StatusUnknown: "ZZ",
		},
	})
}

func myDHLRefuse(rw http.ResponseWriter, r *http.Request, status int, title, detail string) {
	Reply(rw, status, map[string]any{"instance": "/expressapi" + r.URL.Path, "title": title, "message": title, "detail": detail, "status": status})
}

type myDHLPlace struct {
	PostalCode, CityName, CountryCode, ProvinceCode, AddressLine1 string
}

type myDHLBox struct {
	Weight     carrier.Decimal
	Dimensions struct{ Length, Width, Height carrier.Decimal }
}

type myDHLAccounts []struct{ TypeCode, Number string }

func (a myDHLAccounts) known() bool {
	return len(a) == 1 && a[0].TypeCode == "shipper" && a[0].Number == myDHLAccount
}

// myDHLGrams adds up boxes; 0 when one is impossible.
func myDHLGrams(boxes []myDHLBox) (grams int64) {
	for _, b := range boxes {
		g, err := carrier.FromKilograms(string(b.Weight), carrier.RoundHalfUp)
		if err != nil || g <= 0 || g > 70_000 || b.Dimensions.Length == "" {
			return 0
		}
		grams += g
	}
	return grams
}

func (p myDHLPlace) place() Place {
	return Place{Line1: p.AddressLine1, City: p.CityName, Region: p.ProvinceCode, Postcode: p.PostalCode, Country: p.CountryCode}
}

func myDHLServe(w *World) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /rates", func(rw http.ResponseWriter, r *http.Request) { myDHLRates(w, rw, r) })
	mux.HandleFunc("POST /landed-cost", myDHLLanded)
	mux.HandleFunc("POST /shipments", func(rw http.ResponseWriter, r *http.Request) { myDHLShip(w, rw, r) })
	mux.HandleFunc("GET /tracking", func(rw http.ResponseWriter, r *http.Request) { myDHLTrack(w, rw, r) })
	mux.HandleFunc("POST /pickups", func(rw http.ResponseWriter, r *http.Request) {
		var in struct {
			Planned  string        `json:"plannedPickupDateAndTime"`
			Accounts myDHLAccounts `json:"accounts"`
		}
		if !Asked(r, &in) || !in.Accounts.known() || !strings.Contains(in.Planned, " GMT") {
			myDHLRefuse(rw, r, http.StatusBadRequest, "Bad request", "8011: The requested pickup is not possible.")
			return
		}
		id := "SFO" + w.Digits(9)
		w.Keep(id, true)
		Reply(rw, http.StatusCreated, map[string]any{"dispatchConfirmationNumbers": []string{id}, "readyByTime": "10:00", "nextPickupDate": w.Now().Format(time.DateOnly)})
	})
	mux.HandleFunc("DELETE /pickups/{id}", func(rw http.ResponseWriter, r *http.Request) {
		if w.Kept(r.PathValue("id")) == nil || r.URL.Query().Get("requestorName") == "" {
			myDHLRefuse(rw, r, http.StatusNotFound, "Not found", "There is no such pickup.")
			return
		}
		rw.WriteHeader(http.StatusOK)
	})
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if user, pass, _ := r.BasicAuth(); user != myDHLUser || pass != myDHLPassword {
			myDHLRefuse(rw, r, http.StatusUnauthorized, "Unauthorized", "Invalid username or password.")
			return
		}
		mux.ServeHTTP(rw, r)
	})
}

// myDHLProducts are what is offered abroad and at home, with base and price of a
// kilogram in cents.
var myDHLProducts = map[bool][]struct {
	code, name  string
	base, perKg int64
	days        int
}{
	true:  {{"P", "EXPRESS WORLDWIDE", 2500, 700, 3}, {"Y", "EXPRESS 12:00", 3900, 800, 2}},
	false: {{"N", "EXPRESS DOMESTIC", 1200, 240, 2}, {"I", "EXPRESS DOMESTIC 9:00", 2100, 310, 1}},
}

func myDHLRates(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Details struct {
			Shipper  myDHLPlace `json:"shipperDetails"`
			Receiver myDHLPlace `json:"receiverDetails"`
		} `json:"customerDetails"`
		Accounts   myDHLAccounts `json:"accounts"`
		Packages   []myDHLBox    `json:"packages"`
		Planned    string        `json:"plannedShippingDateAndTime"`
		Declarable *bool         `json:"isCustomsDeclarable"`
	}
	if !Asked(r, &in) || in.Declarable == nil || !strings.Contains(in.Planned, " GMT") {
		myDHLRefuse(rw, r, http.StatusUnprocessableEntity, "Unprocessable Entity", "1001: Validation Failure")
		return
	}
	grams := myDHLGrams(in.Packages)
	switch {
	case !in.Accounts.known():
		myDHLRefuse(rw, r, http.StatusBadRequest, "Bad request", "998: The account number is not known.")
		return
	case grams == 0 || in.Details.Receiver.CityName == "" || in.Details.Receiver.CountryCode == "":
		myDHLRefuse(rw, r, http.StatusBadRequest, "Bad request", "420504: The shipment is not complete.")
		return
	}
	from, to := in.Details.Shipper.CountryCode, in.Details.Receiver.CountryCode
	var products []any
	for _, p := range myDHLProducts[from != to] {
		minor := w.Price(p.base, p.perKg, grams, from, to)
		fuel := minor / 10
		products = append(products, map[string]any{
			"productName": p.name, "productCode": p.code, "localProductCode": p.code, "isCustomerAgreement": false,
			"weight": map[string]any{"volumetric": 1.2, "provided": json.Number(carrier.Kilograms(grams, 3, carrier.RoundUp)), "unitOfMeasurement": "metric"},
			"totalPrice": []any{
				map[string]any{"currencyType": "PULCL", "priceCurrency": "EUR", "price": json.Number(money.Decimal(minor*9/10, "EUR"))},
				map[string]any{"currencyType": "BILLC", "priceCurrency": "USD", "price": json.Number(money.Decimal(minor, "USD"))},
			},
			"detailedPriceBreakdown": []any{map[string]any{"currencyType": "BILLC", "priceCurrency": "USD", "breakdown": []any{
				map[string]any{"name": p.name, "price": json.Number(money.Decimal(minor-fuel, "USD"))},
				map[string]any{"name": "FUEL SURCHARGE", "serviceCode": "FF", "price": json.Number(money.Decimal(fuel, "USD"))},
			}}},
			"deliveryCapabilities": map[string]any{
				"deliveryTypeCode": "QDDC", "estimatedDeliveryDateAndTime": w.Now().AddDate(0, 0, p.days).Format("2006-01-02T15:04:05"), "totalTransitDays": p.days,
			},
		})
	}
	Reply(rw, http.StatusOK, map[string]any{"products": products})
}

func myDHLShip(w *World, rw http.ResponseWriter, r *http.Request) {
	type party struct {
		Address myDHLPlace `json:"postalAddress"`
		Contact struct{ Phone, CompanyName, FullName string }
	}
	var in struct {
		Product  string        `json:"productCode"`
		Accounts myDHLAccounts `json:"accounts"`
		Details  struct {
			Shipper  party `json:"shipperDetails"`
			Receiver party `json:"receiverDetails"`
		} `json:"customerDetails"`
		Output  struct{ EncodingFormat string } `json:"outputImageProperties"`
		Content struct {
			Packages    []myDHLBox
			Declaration *struct {
				LineItems []any `json:"lineItems"`
			} `json:"exportDeclaration"`
		} `json:"content"`
	}
	if !Asked(r, &in) {
		myDHLRefuse(rw, r, http.StatusUnprocessableEntity, "Unprocessable Entity", "1001: Validation Failure")
		return
	}
	from, to := in.Details.Shipper.Address, in.Details.Receiver.Address
	abroad, grams := from.CountryCode != to.CountryCode, myDHLGrams(in.Content.Packages)
	for _, p := range myDHLProducts[abroad] {
		if p.code != in.Product {
			continue
		}
		if !in.Accounts.known() || grams == 0 || to.AddressLine1 == "" || abroad && (in.Content.Declaration == nil || len(in.Content.Declaration.LineItems) == 0) {
			break
		}
		minor := w.Price(p.base, p.perKg, grams, from.CountryCode, to.CountryCode)
		format := carrier.Format(in.Output.EncodingFormat)
		number := "1" + w.Digits(9)
		var pieces []any
		for i := range in.Content.Packages {
			pieces = append(pieces, map[string]any{"referenceNumber": i + 1, "trackingNumber": "JD01" + w.Digits(16)})
		}
		receiver := to.place()
		receiver.Name = in.Details.Receiver.Contact.FullName
		w.Ship("", Parcel{ID: number, Number: number, Service: p.code, From: from.place(), To: receiver, WeightG: grams, Minor: minor, Currency: "USD", Format: format})
		Reply(rw, http.StatusCreated, map[string]any{
			"shipmentTrackingNumber": number, "trackingUrl": "https://express.api.dhl.com/mydhlapi/shipments/" + number + "/tracking",
			"packages": pieces,
			"documents": []any{map[string]any{
				"imageFormat": strings.ToUpper(in.Output.EncodingFormat), "content": base64.StdEncoding.EncodeToString(Label(format, number)), "typeCode": "label",
			}},
			"shipmentCharges": []any{map[string]any{"currencyType": "BILLC", "priceCurrency": "USD", "price": json.Number(money.Decimal(minor, "USD"))}},
		})
		return
	}
	myDHLRefuse(rw, r, http.StatusBadRequest, "Bad request", "5001: The requested product(s) not available based on your search criteria.")
}

func myDHLTrack(w *World, rw http.ResponseWriter, r *http.Request) {
	var all []any
	for _, number := range r.URL.Query()["shipmentTrackingNumber"] {
		for _, p := range w.Find(number) {
			events := []any{}
			for _, s := range w.Steps(p) {
				local := s.At.In(time.FixedZone("", -8*60*60))
				events = append(events, map[string]any{
					"date": local.Format(time.DateOnly), "time": local.Format(time.TimeOnly), "GMTOffset": "-08:00", "typeCode": s.Code, "description": s.Text,
					"serviceArea": []any{map[string]any{"code": "SFO", "description": s.Place.City}},
				})
			}
			all = append(all, map[string]any{
				"shipmentTrackingNumber": p.Number, "status": "Success", "productCode": p.Service, "estimatedTimeOfDelivery": p.Expected.Format("2006-01-02T15:04:05"), "events": events,
			})
		}
	}
	if all == nil {
		myDHLRefuse(rw, r, http.StatusNotFound, "No data found", "No shipment has that number.")
		return
	}
	Reply(rw, http.StatusOK, map[string]any{"shipments": all})
}

// myDHLLanded reckons a tenth for duty and a fifth for tax of everything.
func myDHLLanded(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Currency string `json:"currencyCode"`
		Items    []struct {
			Quantity  int64
			UnitPrice carrier.Decimal
		} `json:"items"`
	}
	if !Asked(r, &in) || len(in.Items) == 0 {
		myDHLRefuse(rw, r, http.StatusBadRequest, "Bad request", "There are no items.")
		return
	}
	sum := int64(0)
	for _, item := range in.Items {
		unit, err := money.Parse(string(item.UnitPrice), in.Currency)
		if err != nil {
			myDHLRefuse(rw, r, http.StatusBadRequest, "Bad request", "A price cannot be read.")
			return
		}
		sum += unit * item.Quantity
	}
	line := func(name, code string, minor int64) map[string]any {
		return map[string]any{"name": name, "typeCode": code, "price": json.Number(money.Decimal(minor, in.Currency)), "priceCurrency": in.Currency}
	}
	Reply(rw, http.StatusOK, map[string]any{"products": []any{map[string]any{
		"detailedPriceBreakdown": []any{map[string]any{"priceCurrency": in.Currency, "breakdown": []any{
			line("SCUSV", "", sum), line("TOTAL DUTIES", "DUTY", sum/10), line("TOTAL TAXES", "TAX", sum/5), line("TOTAL FEES", "FEE", 300), line("IMPORT_PROCESSING_CHARGE", "FEE", 300),
		}}},
	}}})
}
