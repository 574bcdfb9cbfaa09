package fake

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/gif"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// The account that UPS knows here.
const (
	upsID         = "ups-client-id"
	upsSecret     = "ups-client-secret" //nolint:gosec // of a carrier that is played
	upsAccount    = "A1B2C3"
	upsCredential = "ups-webhook-credential" //nolint:gosec // of a carrier that is played
)

func init() {
	register(Vendor{
		Name: "ups",
		Credentials: []Credential{
			{"client_id", upsID}, {"client_secret", upsSecret}, {"account", upsAccount}, {"webhook_credential", upsCredential},
		},
		Serve: upsServe, Call: upsCall, Words: upsWords, News: upsNews,
		Sign: func(*World, []byte) http.Header {
			return http.Header{"Credential": {upsCredential}, "Content-Type": {"application/json"}}
		},
	})
}

var upsWords = map[carrier.Status]string{
	carrier.StatusPending: "003", carrier.StatusPickedUp: "038", carrier.StatusInTransit: "005", carrier.StatusOnHold: "083",
	carrier.StatusCustomsHold: "012", carrier.StatusOutForDelivery: "021", carrier.StatusReadyForPickup: "040", carrier.StatusFailed: "022",
	carrier.StatusDelayed: "048", carrier.StatusDelivered: "011", carrier.StatusReturning: "036", carrier.StatusReturned: "034",
	carrier.StatusCancelled: "007", carrier.StatusUnknown: "999",
}

// upsTypes are the coarser words beside the codes; I for the rest.
var upsTypes = map[string]string{"003": "M", "011": "D", "012": "X", "022": "X", "048": "X", "083": "X", "007": "MV", "999": "ZZ"}

func upsCall(r *http.Request) string {
	switch path := r.URL.Path; {
	case path == "/security/v1/oauth/token":
		return "token"
	case strings.HasPrefix(path, "/api/rating/"):
		return "rates"
	case strings.HasSuffix(path, "/ship"):
		return "buy"
	case strings.Contains(path, "/void/"):
		return "void"
	case strings.HasPrefix(path, "/api/track/v1/"):
		return "track"
	}
	return ""
}

func upsServe(w *World) http.Handler {
	mux := http.NewServeMux()
	open := func(pattern string, serve func(*World, http.ResponseWriter, *http.Request)) {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			if !w.Granted(r.Header.Get("Authorization")) {
				upsRefuse(rw, http.StatusUnauthorized, "250002", "Invalid Authentication Information.")
				return
			}
			serve(w, rw, r)
		})
	}
	mux.HandleFunc("POST /security/v1/oauth/token", func(rw http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if id != upsID || secret != upsSecret || r.FormValue("grant_type") != "client_credentials" {
			upsRefuse(rw, http.StatusUnauthorized, "10401", "ClientId is Invalid")
			return
		}
		Reply(rw, http.StatusOK, map[string]string{"token_type": "Bearer", "access_token": w.Grant(4 * time.Hour), "expires_in": "14399", "status": "approved"})
	})
	open("POST /api/rating/v2409/Shop", upsShop)
	open("POST /api/shipments/v2409/ship", upsShip)
	open("DELETE /api/shipments/v2409/void/cancel/{id}", upsVoid)
	open("POST /api/labels/v1/recovery", upsRecover)
	open("GET /api/track/v1/details/{number}", upsTrack)
	open("POST /api/pickupcreation/v2409/pickup", upsPickup)
	open("DELETE /api/shipments/v2409/pickup/02", upsCancelPickup)
	open("POST /api/addressvalidation/v2/3", upsAddress)
	open("POST /api/track/v2/subscription/standard/package", upsSubscribe)
	return mux
}

// upsInside tells the movements whose references stand on the parcels.
func upsInside(from, to string) bool {
	return from == to && (from == "US" || from == "PR")
}

func upsRefuse(rw http.ResponseWriter, status int, code, text string) {
	Reply(rw, status, map[string]any{"response": map[string]any{"errors": []any{map[string]string{"code": code, "message": text}}}})
}

type upsParty struct {
	Name          string
	ShipperNumber string
	Address       struct {
		AddressLine                         []string
		City, StateProvinceCode, PostalCode string
		CountryCode                         string
		ResidentialAddressIndicator         *string
	}
}

func (p upsParty) place() Place {
	a := p.Address
	return Place{Name: p.Name, Line1: strings.Join(a.AddressLine, ", "), City: a.City, Region: a.StateProvinceCode, Postcode: a.PostalCode, Country: a.CountryCode}
}

type upsCoded struct{ Code string }

type upsReference struct{ Value string }

type upsShipment struct {
	Shipper, ShipFrom, ShipTo upsParty
	Service                   upsCoded
	ReferenceNumber           []upsReference
	InvoiceLineTotal          *struct{ CurrencyCode, MonetaryValue string }
	ShipmentServiceOptions    struct {
		SaturdayDeliveryIndicator *string
		InternationalForms        *struct {
			FormType []string
			Product  []json.RawMessage
		}
	}
	DeliveryTimeInformation *struct{ Pickup struct{ Date string } }
	Package                 []struct {
		PackagingType, Packaging upsCoded
		Dimensions               *struct {
			UnitOfMeasurement     upsCoded
			Length, Width, Height string
		}
		PackageWeight struct {
			UnitOfMeasurement upsCoded
			Weight            string
		}
		PackageServiceOptions struct {
			DeliveryConfirmation *struct{ DCISType string }
		}
		ReferenceNumber []upsReference
	}
}

// grams is the weight of a parcel; refusals are as UPS makes them.
func (s *upsShipment) check(rw http.ResponseWriter, city bool) (grams []int64, ok bool) {
	if s.Shipper.ShipperNumber != upsAccount {
		upsRefuse(rw, http.StatusBadRequest, "120900", "User Id and Shipper Number combination is not qualified to receive negotiated rates")
		return nil, false
	}
	if a := s.ShipTo.Address; a.CountryCode == "" || city && (a.City == "" || len(a.AddressLine) == 0) {
		upsRefuse(rw, http.StatusBadRequest, "120802", "Address Validation Error on ShipTo address")
		return nil, false
	}
	if s.ShipFrom.Address.CountryCode != s.ShipTo.Address.CountryCode && s.InvoiceLineTotal == nil {
		upsRefuse(rw, http.StatusBadRequest, "111580", "Invoice Line Total is required for this shipment")
		return nil, false
	}
	for _, p := range s.Package {
		if d := p.Dimensions; d != nil && strings.Trim(d.Length+d.Width+d.Height, "0123456789") != "" {
			upsRefuse(rw, http.StatusBadRequest, "111050", "Package dimensions must be whole numbers")
			return nil, false
		}
		read := carrier.FromKilograms
		if p.PackageWeight.UnitOfMeasurement.Code == "LBS" {
			read = carrier.FromPounds
		}
		g, err := read(p.PackageWeight.Weight, carrier.RoundHalfUp)
		if err != nil || g <= 0 || g > 68_100 {
			upsRefuse(rw, http.StatusBadRequest, "111035", "The maximum per package weight for the selected service is 150.00 pounds.")
			return nil, false
		}
		grams = append(grams, g)
	}
	return grams, len(grams) > 0
}

// upsTariff is by service: a base, a price per kilogram and working days.
var upsTariff = []struct {
	code        string
	base, perKg int64
	days        int
	abroad      bool
}{
	{"03", 780, 90, 5, false}, {"12", 1250, 140, 3, false}, {"02", 1890, 210, 2, false}, {"01", 3350, 380, 1, false}, {"14", 6900, 520, 1, false},
	{"11", 1480, 160, 6, true}, {"08", 2600, 300, 5, true}, {"65", 3100, 380, 3, true}, {"07", 3550, 420, 2, true},
}

func upsMoney(minor int64) map[string]string {
	return map[string]string{"CurrencyCode": "USD", "MonetaryValue": money.Decimal(minor, "USD")}
}

func upsItem(code string, minor int64, subType string) map[string]string {
	m := upsMoney(minor)
	m["Code"] = code
	if subType != "" {
		m["SubType"] = subType
	}
	return m
}

func upsShop(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		RateRequest struct{ Shipment upsShipment }
	}
	if !Asked(r, &in) || r.URL.Query().Get("additionalinfo") != "timeintransit" || in.RateRequest.Shipment.DeliveryTimeInformation == nil {
		upsRefuse(rw, http.StatusBadRequest, "10001", "The request is not well-formed or the operation is not defined.")
		return
	}
	s := in.RateRequest.Shipment
	grams, ok := s.check(rw, false)
	if !ok {
		return
	}
	from, to := s.ShipFrom.Address.CountryCode, s.ShipTo.Address.CountryCode
	var weight int64
	for _, g := range grams {
		weight += g
	}
	rated := []any{}
	for _, t := range upsTariff {
		if t.abroad != (from != to) {
			continue
		}
		base := w.Price(t.base, t.perKg, weight, from, to)
		rated = append(rated, w.upsRated(t.code, base, weight, t.days, false, s))
		if t.code == "14" { // it goes on Saturdays too, for more
			rated = append(rated, w.upsRated(t.code, base, weight, t.days+1, true, s))
		}
	}
	// And one whose price is not known yet.
	rated = append(rated, map[string]any{"Service": upsCoded{"93"}, "BillingWeight": map[string]any{}, "TotalCharges": map[string]string{"CurrencyCode": "USD", "MonetaryValue": ""}})
	Reply(rw, http.StatusOK, map[string]any{"RateResponse": map[string]any{
		"Response":      map[string]any{"ResponseStatus": map[string]string{"Code": "1", "Description": "Success"}, "Alert": []any{}},
		"RatedShipment": rated,
	}})
}

// upsRated is one priced service: list prices, and what the account pays, seven
// tenths of it. As with UPS, a single charge stands without its list.
func (w *World) upsRated(code string, base, grams int64, days int, saturday bool, s upsShipment) map[string]any {
	fuel, own := base*18/100, base*7/10
	ownFuel := own * 18 / 100
	items, ownItems := any(upsItem("375", fuel, "")), any(upsItem("375", ownFuel, ""))
	extra := int64(0)
	if saturday {
		extra = 1600
		items = []any{items, upsItem("300", extra, "")}
		ownItems = []any{ownItems, upsItem("300", extra, "")}
	}
	signature := int64(0)
	packages := []any{}
	for _, p := range s.Package {
		one := map[string]any{"Weight": p.PackageWeight.Weight}
		if p.PackageServiceOptions.DeliveryConfirmation != nil {
			signature += 665
			one["ItemizedCharges"] = []any{upsItem("120", 665, "Signature Required")}
			one["NegotiatedCharges"] = map[string]any{"ItemizedCharges": []any{upsItem("120", 665, "Signature Required")}}
		}
		packages = append(packages, one)
	}
	arrival := w.Now().AddDate(0, 0, days)
	sat := "0"
	if saturday {
		sat = "1"
	}
	pounds := map[string]any{"UnitOfMeasurement": upsCoded{"LBS"}, "Weight": carrier.Pounds(grams, 1, carrier.RoundUp)}
	return map[string]any{
		"Service": upsCoded{code}, "Zone": "108", "BillingWeight": pounds,
		"TransportationCharges": upsMoney(base + fuel), "BaseServiceCharge": upsMoney(base), "ItemizedCharges": items,
		"ServiceOptionsCharges": upsMoney(extra + signature), "TotalCharges": upsMoney(base + fuel + extra + signature),
		"NegotiatedRateCharges": map[string]any{
			"BaseServiceCharge": []any{upsMoney(own)}, "ItemizedCharges": ownItems, "TotalCharge": upsMoney(own + ownFuel + extra + signature),
		},
		"RatedPackage": packages,
		"TimeInTransit": map[string]any{"PickupDate": w.Now().Format("20060102"), "ServiceSummary": map[string]any{
			"GuaranteedIndicator": "", "SaturdayDelivery": sat,
			"EstimatedArrival": map[string]any{
				"Arrival": map[string]string{"Date": arrival.Format("20060102"), "Time": "170000"}, "BusinessDaysInTransit": strconv.Itoa(days),
			},
		}},
	}
}

func upsShip(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		ShipmentRequest struct {
			Shipment           upsShipment
			LabelSpecification struct{ LabelImageFormat upsCoded }
		}
	}
	if !Asked(r, &in) {
		upsRefuse(rw, http.StatusBadRequest, "9120002", "The request is not well-formed.")
		return
	}
	s := in.ShipmentRequest.Shipment
	grams, ok := s.check(rw, true)
	if !ok {
		return
	}
	from, to := s.ShipFrom.place(), s.ShipTo.place()
	format := in.ShipmentRequest.LabelSpecification.LabelImageFormat.Code
	reference := s.ReferenceNumber
	switch {
	case format != "GIF" && format != "ZPL":
		upsRefuse(rw, http.StatusBadRequest, "120402", "Missing or invalid label print method code.")
		return
	case upsInside(from.Country, to.Country) && len(reference) > 0:
		upsRefuse(rw, http.StatusBadRequest, "120541", "Shipment level reference numbers are not allowed for this movement.")
		return
	case upsInside(from.Country, to.Country) && len(s.Package[0].ReferenceNumber) > 0:
		reference = s.Package[0].ReferenceNumber
	case from.Country != to.Country && (s.ShipmentServiceOptions.InternationalForms == nil || len(s.ShipmentServiceOptions.InternationalForms.Product) == 0):
		upsRefuse(rw, http.StatusBadRequest, "121010", "An invoice form is required.")
		return
	}
	price := int64(-1)
	for _, t := range upsTariff {
		if t.code == s.Service.Code && t.abroad == (from.Country != to.Country) {
			var weight int64
			for _, g := range grams {
				weight += g
			}
			base := w.Price(t.base, t.perKg, weight, from.Country, to.Country) * 7 / 10
			price = base + base*18/100
		}
	}
	if price < 0 {
		upsRefuse(rw, http.StatusBadRequest, "111210", "The requested service is unavailable between the selected locations.")
		return
	}
	key := ""
	if len(reference) > 0 {
		key = reference[0].Value
	}
	id := ""
	var parcels []Parcel
	for _, g := range grams {
		number := "1Z" + upsAccount + w.Digits(10)
		if id == "" {
			id = number
		}
		parcels = append(parcels, Parcel{ID: id, Number: number, Service: s.Service.Code, From: from, To: to, WeightG: g, Minor: price, Currency: "USD", Data: key})
	}
	shipped, _ := w.Ship("", parcels...) // twice the same is two shipments here
	results := []any{}
	for _, p := range shipped {
		results = append(results, map[string]any{"TrackingNumber": p.Number, "ShippingLabel": map[string]any{
			"ImageFormat": upsCoded{format}, "GraphicImage": upsLabel(format, p.Number),
		}})
	}
	answer := map[string]any{
		"ShipmentIdentificationNumber": id,
		"ShipmentCharges":              map[string]any{"TotalCharges": upsMoney(price * 10 / 7)},
		"NegotiatedRateCharges":        map[string]any{"TotalCharge": upsMoney(price)},
		"PackageResults":               results,
	}
	if from.Country != to.Country {
		answer["Form"] = map[string]any{"Code": "01", "Image": map[string]any{"ImageFormat": upsCoded{"PDF"}, "GraphicImage": upsLabel("PDF", id)}}
	}
	Reply(rw, http.StatusOK, map[string]any{"ShipmentResponse": map[string]any{
		"Response": map[string]any{"ResponseStatus": map[string]string{"Code": "1", "Description": "Success"}}, "ShipmentResults": answer,
	}})
}

// upsLabel is a label in base64: GIFs lie on their side.
func upsLabel(format, number string) string {
	switch format {
	case "ZPL":
		return base64.StdEncoding.EncodeToString(Label(carrier.ZPL, number))
	case "PDF":
		return base64.StdEncoding.EncodeToString(Label(carrier.PDF, number))
	}
	picture := image.NewPaletted(image.Rect(0, 0, 350, 200), color.Palette{color.White, color.Black})
	for i, r := range number {
		for y := range 100 {
			picture.SetColorIndex(20+10*i+int(r)%8, 50+y, 1)
		}
	}
	var out bytes.Buffer
	if err := gif.Encode(&out, picture, nil); err != nil {
		panic(err) // memory does not fail
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func upsVoid(w *World, rw http.ResponseWriter, r *http.Request) {
	found, _ := w.Void(r.PathValue("id"))
	if found == 0 {
		upsRefuse(rw, http.StatusBadRequest, "190102", "No shipment found within the allowed void period")
		return
	}
	Reply(rw, http.StatusOK, map[string]any{"VoidShipmentResponse": map[string]any{
		"SummaryResult": map[string]any{"Status": map[string]string{"Code": "1", "Description": "Voided"}},
	}})
}

func upsRecover(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		LabelRecoveryRequest struct {
			ReferenceValues struct {
				ReferenceNumber upsReference
				ShipperNumber   string
			}
		}
	}
	if !Asked(r, &in) || in.LabelRecoveryRequest.ReferenceValues.ShipperNumber != upsAccount {
		upsRefuse(rw, http.StatusBadRequest, "300100", "Missing or invalid shipper number.")
		return
	}
	labels, id := []any{}, ""
	for _, p := range w.Parcels() {
		if key, _ := p.Data.(string); key != "" && key == in.LabelRecoveryRequest.ReferenceValues.ReferenceNumber.Value {
			id = p.ID
			labels = append(labels, map[string]any{"TrackingNumber": p.Number, "LabelImage": map[string]any{
				"LabelImageFormat": upsCoded{"PDF"}, "GraphicImage": upsLabel("PDF", p.Number),
			}})
		}
	}
	if len(labels) == 0 {
		upsRefuse(rw, http.StatusNotFound, "300102", "No label found for the given reference.")
		return
	}
	Reply(rw, http.StatusOK, map[string]any{"LabelRecoveryResponse": map[string]any{"ShipmentIdentificationNumber": id, "LabelResults": labels}})
}

// upsZone is where the fake's parcels are scanned.
var upsZone = time.FixedZone("", -5*3600)

func upsTrack(w *World, rw http.ResponseWriter, r *http.Request) {
	found := w.Find(r.PathValue("number"))
	if len(found) == 0 || r.Header.Get("Transid") == "" || r.Header.Get("Transactionsrc") == "" {
		upsRefuse(rw, http.StatusNotFound, "TW0001", "Tracking Information Not Found")
		return
	}
	activities := []any{}
	p := found[0]
	for _, s := range w.Steps(p) {
		local := s.At.In(upsZone)
		activities = append(activities, map[string]any{
			"date": local.Format("20060102"), "time": local.Format("150405"), "gmtDate": s.At.Format("20060102"), "gmtTime": s.At.Format("15:04:05"), "gmtOffset": "-05:00",
			"location": map[string]any{"address": map[string]string{"city": s.Place.City, "stateProvince": s.Place.Region, "countryCode": s.Place.Country, "country": s.Place.Country}},
			"status":   map[string]string{"type": upsType(s.Code), "code": "XX", "statusCode": s.Code, "description": s.Text},
		})
	}
	one := map[string]any{
		"trackingNumber": p.Number, "activity": activities,
		"deliveryDate": []any{map[string]string{"type": "SDD", "date": p.Expected.Format("20060102")}},
	}
	Reply(rw, http.StatusOK, map[string]any{"trackResponse": map[string]any{"shipment": []any{map[string]any{"inquiryNumber": p.Number, "package": []any{one}}}}})
}

func upsType(code string) string {
	if t, ok := upsTypes[code]; ok {
		return t
	}
	return "I"
}

func upsNews(_ *World, p *Parcel) []byte {
	s := p.Steps[len(p.Steps)-1]
	local := s.At.In(upsZone)
	body, err := json.Marshal(map[string]any{
		"trackingNumber": p.Number, "localActivityDate": local.Format("20060102"), "localActivityTime": local.Format("150405"),
		"activityLocation":      map[string]string{"city": s.Place.City, "stateProvince": s.Place.Region, "country": s.Place.Country},
		"activityStatus":        map[string]string{"type": upsType(s.Code), "code": "XX", "description": s.Text, "descriptionCode": s.Code},
		"scheduledDeliveryDate": p.Expected.Format("20060102"), "gmtActivityDate": s.At.Format("20060102"), "gmtActivityTime": s.At.Format("150405"), "gmtOffset": "-05.00",
	})
	if err != nil {
		panic(err) // our own values
	}
	return body
}
