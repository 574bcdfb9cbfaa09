package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// The account that the Postal Service knows here.
const (
	uspsID      = "usps-consumer-key"
	uspsSecret  = "usps-consumer-secret" //nolint:gosec // of a carrier that is played
	uspsCRID    = "30000001"
	uspsMID     = "900000001"
	uspsAccount = "1000000001"
	uspsHook    = "usps-webhook-secret-of-32-signs-"
)

func init() {
	register(Vendor{
		Name: "usps",
		Credentials: []Credential{
			{"client_id", uspsID}, {"client_secret", uspsSecret}, {"crid", uspsCRID}, {"mid", uspsMID}, {"account", uspsAccount}, {"webhook_secret", uspsHook},
		},
		Serve: uspsServe, Call: uspsCall, Words: uspsWords, News: uspsNews, Sign: uspsSign,
	})
}

var uspsWords = map[carrier.Status]string{
	carrier.StatusPending: "GX", carrier.StatusPickedUp: "03", carrier.StatusInTransit: "10", carrier.StatusOutForDelivery: "OF",
	carrier.StatusReadyForPickup: "16", carrier.StatusFailed: "02", carrier.StatusDelayed: "08", carrier.StatusDelivered: "01",
	carrier.StatusReturning: "09", carrier.StatusUnknown: "ZZ",
}

var uspsCategories = map[string]string{"GX": "Pre-Shipment", "03": "Accepted", "OF": "Out for Delivery", "16": "Available for Pickup", "01": "Delivered", "ZZ": "Other"}

func uspsCall(r *http.Request) string {
	switch path := r.URL.Path; {
	case path == "/oauth2/v3/token":
		return "token"
	case strings.HasPrefix(path, "/shipments/"):
		return "rates"
	case r.Method == http.MethodPost && (strings.HasSuffix(path, "/label") || strings.HasSuffix(path, "-label")):
		return "buy"
	case r.Method == http.MethodDelete && strings.Contains(path, "label/"):
		return "void"
	case strings.HasPrefix(path, "/tracking/"):
		return "track"
	}
	return ""
}

func uspsServe(w *World) http.Handler {
	mux := http.NewServeMux()
	open := func(pattern string, serve func(*World, http.ResponseWriter, *http.Request)) {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			if !w.Granted(r.Header.Get("Authorization")) {
				uspsRefuse(rw, http.StatusUnauthorized, "", "Invalid access token")
				return
			}
			serve(w, rw, r)
		})
	}
	paid := func(pattern string, serve func(*World, http.ResponseWriter, *http.Request)) {
		open(pattern, func(w *World, rw http.ResponseWriter, r *http.Request) {
			if w.Kept("payment "+r.Header.Get("X-Payment-Authorization-Token")) != true {
				uspsRefuse(rw, http.StatusUnauthorized, "", "The payment authorization token is not valid.")
				return
			}
			serve(w, rw, r)
		})
	}
	mux.HandleFunc("POST /oauth2/v3/token", func(rw http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_id") != uspsID || r.FormValue("client_secret") != uspsSecret || r.FormValue("grant_type") != "client_credentials" {
			Reply(rw, http.StatusUnauthorized, map[string]string{"error": "invalid_client", "error_description": "Consumer key or consumer secret is not valid."})
			return
		}
		Reply(rw, http.StatusOK, map[string]any{"access_token": w.Grant(8 * time.Hour), "token_type": "Bearer", "expires_in": "28799", "status": "approved"})
	})
	open("POST /payments/v3/payment-authorization", uspsPayment)
	open("POST /shipments/v3/options/search", uspsOptions)
	paid("POST /labels/v3/label", uspsLabel)
	paid("POST /labels/v3/return-label", uspsLabel)
	paid("POST /international-labels/v3/international-label", uspsLabel)
	paid("POST /labels/v3/label-reprint", func(w *World, rw http.ResponseWriter, r *http.Request) { uspsReprint(w, rw, r, false) })
	paid("POST /international-labels/v3/international-label-reprint", func(w *World, rw http.ResponseWriter, r *http.Request) { uspsReprint(w, rw, r, true) })
	paid("DELETE /labels/v3/label/{number}", uspsVoid)
	paid("DELETE /international-labels/v3/international-label/{number}", uspsVoid)
	open("GET /tracking/v3/tracking/{number}", uspsTrack)
	open("POST /scan-forms/v3/scan-form", uspsScanForm)
	open("POST /pickup/v3/carrier-pickup", uspsPickup)
	open("GET /pickup/v3/carrier-pickup/{id}", uspsReadPickup)
	open("DELETE /pickup/v3/carrier-pickup/{id}", uspsCancelPickup)
	open("GET /addresses/v3/address", uspsAddress)
	open("POST /subscriptions-tracking/v3/subscriptions", uspsSubscribe)
	return mux
}

func uspsRefuse(rw http.ResponseWriter, status int, parameter, text string) {
	Reply(rw, status, map[string]any{"apiVersion": "/v3", "error": map[string]any{
		"code": strconv.Itoa(status), "message": text,
		"errors": []any{map[string]any{"status": strconv.Itoa(status), "title": text, "detail": text, "source": map[string]string{"parameter": parameter}}},
	}})
}

func uspsPayment(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Roles []struct{ RoleName, CRID, MID, AccountNumber string }
	}
	if !Asked(r, &in) || len(in.Roles) < 2 || in.Roles[0].CRID != uspsCRID || in.Roles[0].MID != uspsMID || in.Roles[0].AccountNumber != uspsAccount {
		uspsRefuse(rw, http.StatusBadRequest, "roles", "A PAYER and a LABEL_OWNER are required.")
		return
	}
	token := w.ID("payment-", 40)
	w.Keep("payment "+token, true)
	Reply(rw, http.StatusOK, map[string]any{"paymentAuthorizationToken": token, "roles": []any{}})
}

// uspsTariff is by mail class: a base, a price per kilogram and days.
var uspsTariff = []struct {
	class       string
	base, perKg int64
	days        int
	indicator   string
	kind        string // out, return or abroad
}{
	{"PRIORITY_MAIL_EXPRESS", 2850, 310, 1, "PA", "out"}, {"PRIORITY_MAIL", 870, 140, 3, "SP", "out"}, {"USPS_GROUND_ADVANTAGE", 540, 95, 5, "SP", "out"},
	{"MEDIA_MAIL", 410, 60, 7, "SP", "out"}, {"PRIORITY_MAIL_RETURN_SERVICE", 890, 140, 3, "SP", "return"}, {"USPS_GROUND_ADVANTAGE_RETURN_SERVICE", 560, 95, 5, "SP", "return"},
	{"PRIORITY_MAIL_INTERNATIONAL", 2480, 400, 8, "SP", "abroad"}, {"PRIORITY_MAIL_EXPRESS_INTERNATIONAL", 4100, 520, 4, "PA", "abroad"},
}

type uspsParcel struct {
	MailClass                         string
	Weight, Length, Width, Height     carrier.Decimal
	ExtraServices                     []int
	PackageValue                      carrier.Decimal
	MailingDate                       string
	RateIndicator, ProcessingCategory string
	DestinationEntryFacilityType      string
	CustomerReference                 []struct{ ReferenceNumber string }
}

// grams is the weight; 0 when the parcel cannot be carried.
func (p uspsParcel) grams() int64 {
	g, err := carrier.FromPounds(string(p.Weight), carrier.RoundHalfUp)
	if err != nil || g <= 0 || g > 31_800 || p.Length == "" || p.Width == "" || p.Height == "" {
		return 0
	}
	return g
}

func dollars(minor int64) carrier.Decimal { return carrier.Decimal(money.Decimal(minor, "USD")) }

// uspsExtras are the extra services with their prices.
var uspsExtras = []struct {
	code  int
	name  string
	price int64
}{{920, "USPS Tracking", 0}, {921, "Signature Confirmation", 390}, {922, "Adult Signature Required 21 or Over", 945}, {930, "Insurance <= $500", 310}, {931, "Insurance > $500", 1340}}

func uspsExtraSum(asked []int) (sum int64) {
	for _, e := range uspsExtras {
		if slices.Contains(asked, e.code) {
			sum += e.price
		}
	}
	return sum
}

func uspsOptions(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		OriginZIPCode, DestinationZIPCode, DestinationCountryCode string
		PackageDescription                                        uspsParcel
		PricingOptions                                            []struct{ PriceType string }
	}
	if !Asked(r, &in) || len(in.OriginZIPCode) != 5 || in.DestinationCountryCode == "" && len(in.DestinationZIPCode) != 5 || len(in.PricingOptions) == 0 {
		uspsRefuse(rw, http.StatusBadRequest, "destinationZIPCode", "OASValidation: the ZIP code must have five digits.")
		return
	}
	p := in.PackageDescription
	grams := p.grams()
	if grams == 0 {
		uspsRefuse(rw, http.StatusBadRequest, "packageDescription.weight", "Items must weigh 70 pounds or less and have three dimensions.")
		return
	}
	kind := map[string]string{"ALL_OUTBOUND": "out", "ALL_RETURNS": "return", "ALL": "abroad"}[p.MailClass]
	shipping := []any{}
	for _, t := range uspsTariff {
		if t.kind != kind {
			continue
		}
		price := w.Price(t.base, t.perKg, grams, "US", firstNotEmpty(in.DestinationCountryCode, "US"))
		shipping = append(shipping, map[string]any{"mailClass": t.class, "rateOptions": []any{
			w.uspsOption(t.class, "FE", "FLATS", price/2, grams, t.days, p), // a flat-rate envelope, which nobody has here
			w.uspsOption(t.class, t.indicator, "MACHINABLE", price, grams, t.days, p),
		}})
	}
	Reply(rw, http.StatusOK, map[string]any{"originZIPCode": in.OriginZIPCode, "pricingOptions": []any{
		map[string]any{"priceType": in.PricingOptions[0].PriceType, "shippingOptions": shipping},
	}})
}

func firstNotEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// uspsOption is one price. It tells all extra services that there are, and a
// total only when one was asked for, as the Service does.
func (w *World) uspsOption(class, indicator, processing string, price, grams int64, days int, p uspsParcel) map[string]any {
	extras := []any{}
	for _, e := range uspsExtras {
		extras = append(extras, map[string]any{"name": e.name, "price": dollars(e.price), "extraService": strconv.Itoa(e.code)})
	}
	fees := []any{}
	base := price
	if grams > 9_000 {
		base += 300
		fees = append(fees, map[string]any{"name": "Nonstandard Weight Fee", "price": dollars(300)})
	}
	o := map[string]any{
		"commitment": map[string]any{
			"name": strconv.Itoa(days) + " Days", "scheduleDeliveryDate": w.Now().AddDate(0, 0, days).Format(time.DateOnly), "guaranteedDelivery": class == "PRIORITY_MAIL_EXPRESS",
		},
		"totalBasePrice": dollars(base),
		"rates": []any{map[string]any{
			"description": strings.ReplaceAll(class, "_", " ") + " " + indicator, "price": dollars(price), "zone": "08",
			"weight": carrier.Decimal(carrier.Pounds(grams, 2, carrier.RoundUp)), "dimWeight": 0, "fees": fees, "priceType": "COMMERCIAL",
			"processingCategory": processing, "rateIndicator": indicator, "destinationEntryFacilityType": "NONE",
		}},
		"extraServices": extras,
	}
	if len(p.ExtraServices) > 0 {
		o["totalPrice"] = dollars(base + uspsExtraSum(p.ExtraServices))
	}
	return o
}

type uspsPlace struct {
	FirstName, Firm, StreetAddress, City, State, ZIPCode, PostalCode, CountryISOAlpha2Code string
}

func (p uspsPlace) place() Place {
	return Place{
		Name: firstNotEmpty(p.FirstName, p.Firm), Line1: p.StreetAddress, City: p.City, Region: p.State,
		Postcode: firstNotEmpty(p.ZIPCode, p.PostalCode), Country: firstNotEmpty(p.CountryISOAlpha2Code, "US"),
	}
}

func uspsLabel(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		ImageInfo              struct{ ImageType string }
		FromAddress, ToAddress uspsPlace
		PackageDescription     uspsParcel
		CustomsForm            *struct{ Contents []json.RawMessage }
	}
	key := r.Header.Get("X-Idempotency-Key")
	if _, err := uuid.Parse(key); err != nil || !Asked(r, &in) || r.Header.Get("Accept") != "application/vnd.usps.labels+json" {
		uspsRefuse(rw, http.StatusBadRequest, "X-Idempotency-Key", "OASValidation: the key must be a UUID.")
		return
	}
	p, from, to := in.PackageDescription, in.FromAddress.place(), in.ToAddress.place()
	grams := p.grams()
	format := map[string]carrier.Format{"PDF": carrier.PDF, "ZPL203DPI": carrier.ZPL, "PNG": carrier.PNG}[in.ImageInfo.ImageType]
	kind := "out"
	switch {
	case strings.HasSuffix(r.URL.Path, "/return-label"):
		kind = "return"
	case strings.HasSuffix(r.URL.Path, "/international-label"):
		kind = "abroad"
	}
	price := int64(-1)
	for _, t := range uspsTariff {
		if t.class == p.MailClass && t.kind == kind && t.indicator == p.RateIndicator {
			price = w.Price(t.base, t.perKg, grams, "US", to.Country)
		}
	}
	switch {
	case grams == 0 || format == "" || p.ProcessingCategory == "" || p.DestinationEntryFacilityType == "" || p.MailingDate == "":
		uspsRefuse(rw, http.StatusBadRequest, "packageDescription", "OASValidation: required fields are missing.")
		return
	case price < 0:
		uspsRefuse(rw, http.StatusBadRequest, "packageDescription.mailClass", "The mail class is not available with this rate indicator.")
		return
	case kind == "abroad" && (in.CustomsForm == nil || len(in.CustomsForm.Contents) == 0):
		uspsRefuse(rw, http.StatusBadRequest, "customsForm", "A customs form is required.")
		return
	}
	number := "92" + w.Digits(20)
	if kind == "abroad" {
		number = "LX" + w.Digits(9) + "US"
	}
	shipped, _ := w.Ship(key, Parcel{
		ID: number, Number: number, Service: p.MailClass, From: from, To: to, WeightG: grams, Minor: price + uspsExtraSum(p.ExtraServices), Currency: "USD", Format: format, Data: p.ExtraServices,
	})
	uspsReplyLabel(rw, shipped[0], kind)
}

// uspsReplyLabel writes a label that was made.
func uspsReplyLabel(rw http.ResponseWriter, p Parcel, kind string) {
	asked, _ := p.Data.([]int)
	extras := []any{map[string]any{"name": "USPS Tracking", "price": 0}}
	if sum := uspsExtraSum(asked); sum > 0 {
		extras = append(extras, map[string]any{"name": "asked for", "price": dollars(sum)})
	}
	image := base64.StdEncoding.EncodeToString(Label(p.Format, p.Number))
	answer := map[string]any{"postage": dollars(p.Minor - uspsExtraSum(asked)), "extraServices": extras, "fees": []any{}, "SKU": "DUXP0XXXXC03030", "zone": "08"}
	switch kind {
	case "abroad":
		answer["internationalTrackingNumber"], answer["labelImage"] = p.Number, image
	case "return":
		answer["trackingNumber"], answer["returnLabelImage"] = p.Number, image
	default:
		answer["trackingNumber"], answer["labelImage"] = p.Number, image
	}
	Reply(rw, http.StatusOK, answer)
}

func uspsReprint(w *World, rw http.ResponseWriter, r *http.Request, abroad bool) {
	for _, p := range w.Find(r.Header.Get("X-Idempotency-Key")) {
		if (p.To.Country != "US") == abroad && !p.Voided {
			p.Format = carrier.PDF
			uspsReplyLabel(rw, p, map[bool]string{true: "abroad"}[abroad])
			return
		}
	}
	uspsRefuse(rw, http.StatusNotFound, "X-Idempotency-Key", "No label was found.")
}

func uspsVoid(w *World, rw http.ResponseWriter, r *http.Request) {
	found, before := w.Void(r.PathValue("number"))
	switch {
	case found == 0:
		uspsRefuse(rw, http.StatusNotFound, "trackingNumber", "No label was found.")
	case before:
		uspsRefuse(rw, http.StatusBadRequest, "trackingNumber", "The label has already been canceled.")
	default:
		Reply(rw, http.StatusOK, map[string]string{"trackingNumber": r.PathValue("number"), "status": "CANCELED"})
	}
}

// uspsZone is where the fake's parcels are scanned.
var uspsZone = time.FixedZone("", -8*3600)

// uspsEvent is a scan: its local time is cut to minutes, as the Service does.
func uspsEvent(s Step) map[string]any {
	return map[string]any{
		"eventType": s.Text, "eventTimestamp": s.At.In(uspsZone).Truncate(time.Minute).Format("2006-01-02T15:04:05"), "GMTTimestamp": s.At.UTC().Format(time.RFC3339), "GMTOffset": "-08:00",
		"eventCountry": nil, "eventCity": s.Place.City, "eventState": s.Place.Region, "eventZIP": s.Place.Postcode, "eventCode": s.Code, "name": nil, "firm": nil,
	}
}

func uspsDetails(p Parcel, steps []Step) map[string]any {
	events := []any{}
	for i := range steps { // the youngest first
		events = append(events, uspsEvent(steps[len(steps)-1-i]))
	}
	return map[string]any{
		"trackingNumber": p.Number, "mailClass": p.Service, "statusCategory": firstNotEmpty(uspsCategories[steps[len(steps)-1].Code], "In Transit"),
		"expectedDeliveryTimeStamp": p.Expected.Format(time.RFC3339), "trackingEvents": events,
	}
}

func uspsTrack(w *World, rw http.ResponseWriter, r *http.Request) {
	found := w.Find(r.PathValue("number"))
	if len(found) == 0 || r.URL.Query().Get("expand") != "DETAIL" {
		uspsRefuse(rw, http.StatusNotFound, "trackingNumber", "A status update is not yet available on your package.")
		return
	}
	Reply(rw, http.StatusOK, uspsDetails(found[0], w.Steps(found[0])))
}

func uspsNews(_ *World, p *Parcel) []byte {
	body, err := json.Marshal(uspsDetails(*p, p.Steps[len(p.Steps)-1:]))
	if err != nil {
		panic(err) // our own values
	}
	return body
}

func uspsSign(w *World, body []byte) http.Header {
	stamp := w.Now().UTC().Format(time.RFC3339)
	mac := hmac.New(sha256.New, []byte(uspsHook))
	mac.Write([]byte(stamp))
	mac.Write(body)
	return http.Header{"X-Timestamp": {stamp}, "X-Hmac": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}, "Content-Type": {"application/json"}}
}
