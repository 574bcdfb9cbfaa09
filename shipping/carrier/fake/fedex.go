package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// The account that FedEx knows here.
const (
	fedexID      = "fedex-api-key-0001"
	fedexSecret  = "fedex-api-secret-0001"
	fedexAccount = "740561073"
	fedexToken   = "fedex-webhook-security-token" //nolint:gosec // of a carrier that is played
)

func init() {
	register(Vendor{
		Name: "fedex",
		Credentials: []Credential{
			{"client_id", fedexID}, {"client_secret", fedexSecret}, {"account", fedexAccount}, {"webhook_token", fedexToken},
		},
		Serve: fedexServe, Call: fedexCall, Words: fedexWords, News: fedexNews,
		Sign: func(_ *World, body []byte) http.Header {
			mac := hmac.New(sha256.New, []byte(fedexToken))
			mac.Write(body)
			return http.Header{"Fdx-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}, "Content-Type": {"application/json"}}
		},
	})
}

var fedexWords = map[carrier.Status]string{
	carrier.StatusPending: "OC", carrier.StatusPickedUp: "PU", carrier.StatusInTransit: "IT", carrier.StatusOnHold: "SE",
	carrier.StatusCustomsHold: "CD", carrier.StatusOutForDelivery: "OD", carrier.StatusReadyForPickup: "HP", carrier.StatusFailed: "DE",
	carrier.StatusDelayed: "DY", carrier.StatusDelivered: "DL", carrier.StatusReturning: "RS", carrier.StatusCancelled: "CA", carrier.StatusUnknown: "ZZ",
}

// fedexDerived are the coarser words beside the events; IT for the rest.
var fedexDerived = map[string]string{"OC": "IN", "PU": "PU", "DE": "DE", "DY": "DY", "DL": "DL", "CA": "CA", "ZZ": ""}

func fedexCall(r *http.Request) string {
	switch r.URL.Path {
	case "/oauth/token":
		return "token"
	case "/rate/v1/rates/quotes":
		return "rates"
	case "/ship/v1/shipments":
		return "buy"
	case "/ship/v1/shipments/cancel":
		return "void"
	case "/track/v1/trackingnumbers":
		return "track"
	}
	return ""
}

func fedexServe(w *World) http.Handler {
	mux := http.NewServeMux()
	open := func(pattern string, serve func(*World, http.ResponseWriter, *http.Request)) {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			if !w.Granted(r.Header.Get("Authorization")) {
				fedexRefuse(rw, http.StatusUnauthorized, "NOT.AUTHORIZED.ERROR", "Access token expired. Please modify your request and try again.")
				return
			}
			serve(w, rw, r)
		})
	}
	mux.HandleFunc("POST /oauth/token", func(rw http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_id") != fedexID || r.FormValue("client_secret") != fedexSecret || r.FormValue("grant_type") != "client_credentials" {
			fedexRefuse(rw, http.StatusUnauthorized, "NOT.AUTHORIZED.ERROR", "The given client credentials were not valid.")
			return
		}
		Reply(rw, http.StatusOK, map[string]any{"access_token": w.Grant(time.Hour), "token_type": "bearer", "expires_in": 3599, "scope": "CXS-TP"})
	})
	open("POST /rate/v1/rates/quotes", fedexQuotes)
	open("POST /ship/v1/shipments", fedexShip)
	open("PUT /ship/v1/shipments/cancel", fedexCancel)
	open("POST /track/v1/trackingnumbers", fedexTrack)
	open("POST /pickup/v1/pickups", fedexPickup)
	open("PUT /pickup/v1/pickups/cancel", fedexCancelPickup)
	open("PUT /ship/v1/endofday/", fedexClose)
	open("POST /address/v1/addresses/resolve", fedexAddress)
	return mux
}

func fedexRefuse(rw http.ResponseWriter, status int, code, text string) {
	Reply(rw, status, map[string]any{"transactionId": "fake", "errors": []any{map[string]string{"code": code, "message": text}}})
}

type fedexValue struct{ Value string }

type fedexAddressed struct {
	Address struct {
		StreetLines                                        []string
		City, StateOrProvinceCode, PostalCode, CountryCode string
	}
	Contact struct{ PersonName, CompanyName, PhoneNumber string }
}

func (p fedexAddressed) place() Place {
	a := p.Address
	return Place{
		Name: firstNotEmpty(p.Contact.PersonName, p.Contact.CompanyName), Line1: strings.Join(a.StreetLines, ", "), City: a.City, Region: a.StateOrProvinceCode,
		Postcode: a.PostalCode, Country: a.CountryCode,
	}
}

type fedexShipment struct {
	Shipper                   fedexAddressed
	Recipient                 fedexAddressed
	Recipients                []fedexAddressed
	PickupType, ServiceType   string
	PreferredCurrency         string
	RateRequestType           []string
	LabelSpecification        struct{ ImageType, LabelStockType string }
	RequestedPackageLineItems []struct {
		Weight struct {
			Units string
			Value carrier.Decimal
		}
		Dimensions *struct {
			Length, Width, Height carrier.Decimal
			Units                 string
		}
		PackageSpecialServices struct{ SignatureOptionType string }
		CustomerReferences     []struct{ Value string }
	}
	CustomsClearanceDetail *struct{ Commodities []json.RawMessage }
}

// grams are the weights; refusals are as FedEx makes them.
func (s *fedexShipment) grams(rw http.ResponseWriter, account string, to fedexAddressed) (all []int64, ok bool) {
	switch {
	case account != fedexAccount:
		fedexRefuse(rw, http.StatusBadRequest, "ACCOUNTNUMBER.MISMATCH.ERROR", "The account number is not yours.")
		return nil, false
	case to.Address.CountryCode == "" || s.Shipper.Address.CountryCode == "" || s.PickupType == "":
		fedexRefuse(rw, http.StatusBadRequest, "COUNTRYCODE.REQUIRED", "A country code is required.")
		return nil, false
	case to.Address.CountryCode != s.Shipper.Address.CountryCode && (s.CustomsClearanceDetail == nil || len(s.CustomsClearanceDetail.Commodities) == 0):
		fedexRefuse(rw, http.StatusBadRequest, "COMMODITIES.MISSING", "At least one commodity is required.")
		return nil, false
	}
	for _, p := range s.RequestedPackageLineItems {
		if d := p.Dimensions; d != nil && strings.Contains(string(d.Length+d.Width+d.Height), ".") {
			fedexRefuse(rw, http.StatusBadRequest, "DIMENSIONS.INVALID", "Dimensions are whole numbers.")
			return nil, false
		}
		read := carrier.FromKilograms
		if p.Weight.Units == "LB" {
			read = carrier.FromPounds
		}
		g, err := read(string(p.Weight.Value), carrier.RoundHalfUp)
		if err != nil || g <= 0 || g > 68_100 {
			fedexRefuse(rw, http.StatusBadRequest, "WEIGHT.OVERLIMIT.SERVICE.INVALID", "The weight is above the limit of the service.")
			return nil, false
		}
		all = append(all, g)
	}
	return all, len(all) > 0
}

// fedexTariff is by service: a base, a price per kilogram and days.
var fedexTariff = []struct {
	service     string
	base, perKg int64
	days        string
	n           int
	abroad      bool
}{
	{"FEDEX_GROUND", 820, 95, "FIVE_DAYS", 5, false}, {"FEDEX_EXPRESS_SAVER", 1390, 150, "THREE_DAYS", 3, false}, {"FEDEX_2_DAY", 1790, 205, "TWO_DAYS", 2, false},
	{"PRIORITY_OVERNIGHT", 3600, 390, "ONE_DAY", 1, false}, {"INTERNATIONAL_ECONOMY", 2700, 310, "FIVE_DAYS", 5, true}, {"FEDEX_INTERNATIONAL_PRIORITY", 3400, 400, "THREE_DAYS", 3, true},
}

// fedexPrice is the base of a service, and whether there is one.
func (w *World) fedexPrice(service string, grams []int64, from, to string) (int64, bool) {
	var weight int64
	for _, g := range grams {
		weight += g
	}
	for _, t := range fedexTariff {
		if t.service == service && t.abroad == (from != to) {
			return w.Price(t.base, t.perKg, weight, from, to), true
		}
	}
	return 0, false
}

func fedexQuotes(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		AccountNumber                fedexValue
		RateRequestControlParameters struct{ ReturnTransitTimes bool }
		RequestedShipment            fedexShipment
	}
	if !Asked(r, &in) || !slices.Contains(in.RequestedShipment.RateRequestType, "ACCOUNT") {
		fedexRefuse(rw, http.StatusUnprocessableEntity, "INVALID.INPUT.EXCEPTION", "Validation failed for object='fullSchemaQuoteRate'.")
		return
	}
	s := in.RequestedShipment
	grams, ok := s.grams(rw, in.AccountNumber.Value, s.Recipient)
	if !ok {
		return
	}
	from, to := s.Shipper.Address.CountryCode, s.Recipient.Address.CountryCode
	replies := []any{}
	for _, t := range fedexTariff {
		base, ok := w.fedexPrice(t.service, grams, from, to)
		if !ok {
			continue
		}
		signature := int64(0)
		for _, p := range s.RequestedPackageLineItems {
			if p.PackageSpecialServices.SignatureOptionType != "" {
				signature += 695
			}
		}
		details := []any{fedexDetail("LIST", "PAYOR_LIST_SHIPMENT", base, 0, signature, "USD", grams), fedexDetail("ACCOUNT", "PAYOR_ACCOUNT_SHIPMENT", base, base*3/10, signature, "USD", grams)}
		if c := s.PreferredCurrency; c != "" && c != "USD" && money.Known(c) { // as if it were worth half as much
			details = append(details, fedexDetail("PREFERRED_CURRENCY", "PREFERRED_ACCOUNT_SHIPMENT", base*2, base*6/10, signature*2, c, grams))
		}
		arrival := w.Now().AddDate(0, 0, t.n)
		replies = append(replies, map[string]any{
			"serviceType": t.service, "ratedShipmentDetails": details,
			"commit": map[string]any{
				"dateDetail":  map[string]string{"dayOfWeek": strings.ToUpper(arrival.Format("Mon")), "dayFormat": arrival.Format(time.DateOnly) + "T17:00:00"},
				"transitDays": map[string]string{"minimumTransitTime": t.days, "description": t.days},
			},
			"operationalDetail": map[string]any{"ineligibleForMoneyBackGuarantee": t.service != "PRIORITY_OVERNIGHT"},
		})
	}
	Reply(rw, http.StatusOK, map[string]any{"transactionId": w.ID("", 32), "output": map[string]any{"rateReplyDetails": replies, "quoteDate": w.Now().Format(time.DateOnly)}})
}

// fedexDetail is one price, its fuel surcharge fifteen percent of what is left
// of the base.
func fedexDetail(kind, inner string, base, discount, signature int64, currency string, grams []int64) map[string]any {
	number := func(minor int64) carrier.Decimal { return carrier.Decimal(money.Decimal(minor, currency)) }
	fuel := (base - discount) * 15 / 100
	surcharges := []any{map[string]any{"type": "FUEL", "description": "Fuel Surcharge", "amount": number(fuel)}}
	if signature > 0 {
		surcharges = append(surcharges, map[string]any{"type": "SIGNATURE_OPTION", "description": "Direct Signature", "amount": number(signature)})
	}
	var weight int64
	for _, g := range grams {
		weight += g
	}
	return map[string]any{
		"rateType": kind, "currency": currency, "totalBaseCharge": number(base), "totalDiscounts": number(discount), "totalNetCharge": number(base - discount + fuel + signature),
		"shipmentRateDetail": map[string]any{
			"rateZone": "08", "dimDivisor": 139, "currency": currency, "surCharges": surcharges, "taxes": []any{},
			"totalBillingWeight": map[string]any{"units": "LB", "value": carrier.Decimal(carrier.Pounds(weight, 0, carrier.RoundUp))},
		},
		"ratedPackages": []any{map[string]any{"packageRateDetail": map[string]any{"rateType": inner}}},
	}
}

func fedexShip(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		LabelResponseOptions string
		AccountNumber        fedexValue
		RequestedShipment    fedexShipment
	}
	if !Asked(r, &in) || in.LabelResponseOptions != "LABEL" || len(in.RequestedShipment.Recipients) != 1 || in.RequestedShipment.Recipients[0].Contact.PhoneNumber == "" || len(in.RequestedShipment.Recipients[0].Address.StreetLines) == 0 {
		fedexRefuse(rw, http.StatusUnprocessableEntity, "INVALID.INPUT.EXCEPTION", "Invalid field value in the input.")
		return
	}
	s := in.RequestedShipment
	grams, ok := s.grams(rw, in.AccountNumber.Value, s.Recipients[0])
	if !ok {
		return
	}
	from, to := s.Shipper.place(), s.Recipients[0].place()
	base, ok := w.fedexPrice(s.ServiceType, grams, from.Country, to.Country)
	if !ok {
		fedexRefuse(rw, http.StatusBadRequest, "SERVICE.PACKAGECOMBINATION.INVALID", "Invalid service and packaging combination.")
		return
	}
	kind := s.LabelSpecification.ImageType
	format := map[string]carrier.Format{"PDF": carrier.PDF, "ZPLII": carrier.ZPL, "PNG": carrier.PNG}[kind]
	if format == "" || (format == carrier.ZPL) != strings.HasPrefix(s.LabelSpecification.LabelStockType, "STOCK") {
		fedexRefuse(rw, http.StatusBadRequest, "LABELSTOCKTYPE.COMBINATION.INVALID", "The stock is not for this type of image.")
		return
	}
	net := base - base*3/10
	net += net * 15 / 100
	id := ""
	var parcels []Parcel
	for _, g := range grams {
		number := "7949" + w.Digits(8)
		id = firstNotEmpty(id, number)
		parcels = append(parcels, Parcel{ID: id, Number: number, Service: s.ServiceType, From: from, To: to, WeightG: g, Minor: net, Currency: "USD", Format: format})
	}
	shipped, _ := w.Ship("", parcels...) // twice the same is two shipments here
	pieces := []any{}
	for i, p := range shipped {
		pieces = append(pieces, map[string]any{
			"masterTrackingNumber": id, "packageSequenceNumber": i + 1, "trackingNumber": p.Number, "netRateAmount": carrier.Decimal(money.Decimal(net, "USD")), "currency": "USD",
			"packageDocuments": []any{map[string]any{"contentType": "LABEL", "docType": kind, "encodedLabel": base64.StdEncoding.EncodeToString(Label(format, p.Number))}},
		})
	}
	one := map[string]any{
		"masterTrackingNumber": id, "serviceType": s.ServiceType, "pieceResponses": pieces,
		"completedShipmentDetail": map[string]any{"shipmentRating": map[string]any{"actualRateType": "PAYOR_ACCOUNT_SHIPMENT", "shipmentRateDetails": []any{
			map[string]any{"rateType": "PAYOR_LIST_SHIPMENT", "totalNetCharge": carrier.Decimal(money.Decimal(base, "USD")), "currency": "USD"},
			map[string]any{"rateType": "PAYOR_ACCOUNT_SHIPMENT", "totalNetCharge": carrier.Decimal(money.Decimal(net, "USD")), "currency": "USD"},
		}}},
	}
	if from.Country != to.Country {
		one["shipmentDocuments"] = []any{map[string]any{"contentType": "COMMERCIAL_INVOICE", "docType": "PDF", "encodedLabel": base64.StdEncoding.EncodeToString(Label(carrier.PDF, id))}}
	}
	Reply(rw, http.StatusOK, map[string]any{"transactionId": w.ID("", 32), "output": map[string]any{"transactionShipments": []any{one}}})
}

func fedexCancel(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		AccountNumber   fedexValue
		TrackingNumber  string
		DeletionControl string
	}
	if !Asked(r, &in) || in.AccountNumber.Value != fedexAccount || in.DeletionControl != "DELETE_ALL_PACKAGES" {
		fedexRefuse(rw, http.StatusBadRequest, "INVALID.INPUT.EXCEPTION", "Invalid field value in the input.")
		return
	}
	found, before := w.Void(in.TrackingNumber)
	switch {
	case found == 0:
		fedexRefuse(rw, http.StatusBadRequest, "TRACKINGNUMBER.NOTFOUND.ERROR", "The tracking number is not in our books.")
	case before:
		fedexRefuse(rw, http.StatusBadRequest, "SHIPMENT.ALREADY.CANCELLED", "The shipment is cancelled already.")
	default:
		Reply(rw, http.StatusOK, map[string]any{"output": map[string]any{"cancelledShipment": true, "cancelledHistory": true}})
	}
}

// fedexZone is where the fake's parcels are scanned.
var fedexZone = time.FixedZone("", -6*3600)

func fedexResult(p Parcel, steps []Step) map[string]any {
	scans := []any{}
	for i := range steps { // the youngest first
		s := steps[len(steps)-1-i]
		derived, ok := fedexDerived[s.Code]
		if !ok {
			derived = "IT"
		}
		scans = append(scans, map[string]any{
			"date": s.At.In(fedexZone).Format("2006-01-02T15:04:05-07:00"), "eventType": s.Code, "derivedStatusCode": derived, "eventDescription": s.Text,
			"exceptionCode": "", "exceptionDescription": "", "scanLocation": map[string]any{"city": s.Place.City, "stateOrProvinceCode": s.Place.Region, "countryCode": s.Place.Country, "residential": false},
		})
	}
	last := steps[len(steps)-1]
	dates := []any{map[string]string{"type": "SHIP", "dateTime": p.ShippedAt.Format("2006-01-02T15:04:05-07:00")}}
	if last.Status == carrier.StatusDelivered {
		dates = append(dates, map[string]string{"type": "ACTUAL_DELIVERY", "dateTime": last.At.In(fedexZone).Format("2006-01-02T15:04:05-07:00")})
	}
	return map[string]any{
		"trackingNumberInfo": map[string]string{"trackingNumber": p.Number, "trackingNumberUniqueId": "2460425000~" + p.Number + "~FX", "carrierCode": "FDXE"},
		"latestStatusDetail": map[string]string{"code": last.Code, "derivedCode": firstNotEmpty(fedexDerived[last.Code], "IT")},
		"scanEvents":         scans, "dateAndTimes": dates,
		"estimatedDeliveryTimeWindow": map[string]any{"window": map[string]string{"ends": p.Expected.Format(time.RFC3339)}},
	}
}

func fedexTrack(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		IncludeDetailedScans bool
		TrackingInfo         []struct {
			TrackingNumberInfo struct{ TrackingNumber string }
		}
	}
	if !Asked(r, &in) || len(in.TrackingInfo) == 0 || len(in.TrackingInfo) > 30 || !in.IncludeDetailedScans {
		fedexRefuse(rw, http.StatusBadRequest, "TRACKING.TRACKINGNUMBER.EMPTY", "Please provide tracking number.")
		return
	}
	all := []any{}
	for _, i := range in.TrackingInfo {
		number := i.TrackingNumberInfo.TrackingNumber
		results := []any{}
		for _, p := range w.Find(number) {
			results = append(results, fedexResult(p, w.Steps(p)))
		}
		if len(results) == 0 {
			results = append(results, map[string]any{
				"trackingNumberInfo": map[string]string{"trackingNumber": number, "trackingNumberUniqueId": "", "carrierCode": ""},
				"error":              map[string]string{"code": "TRACKING.TRACKINGNUMBER.NOTFOUND", "message": "Tracking number cannot be found. Please correct the tracking number and try again."},
			})
		}
		all = append(all, map[string]any{"trackingNumber": number, "trackResults": results})
	}
	Reply(rw, http.StatusOK, map[string]any{"transactionId": w.ID("", 32), "output": map[string]any{"completeTrackResults": all}})
}

func fedexNews(_ *World, p *Parcel) []byte {
	body, err := json.Marshal(map[string]any{"output": map[string]any{"completeTrackResults": []any{
		map[string]any{"trackingNumber": p.Number, "trackResults": []any{fedexResult(*p, p.Steps[len(p.Steps)-1:])}},
	}}})
	if err != nil {
		panic(err) // our own values
	}
	return body
}
