package usps

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// labelsJSON asks for one JSON document instead of a body in several parts.
const labelsJSON = "application/vnd.usps.labels+json"

// paymentLife is how long a payment authorization is used: it is good for eight
// hours.
const paymentLife = 7*time.Hour + 30*time.Minute

// paid is a call with the authorization to pay. An authorization that is refused
// is renewed once: a call that was refused so did nothing.
func (u *USPS) paid(ctx context.Context, call carrier.Call, out any) error {
	header := call.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	for again := false; ; again = true {
		token, err := u.authorize(ctx)
		if err != nil {
			return err
		}
		call.Header = header.Clone()
		call.Header.Set("X-Payment-Authorization-Token", token)
		err = u.client.Do(ctx, call, out)
		if carrier.KindOf(err) != carrier.KindAuth || again {
			return hide(err, token)
		}
		u.forget(token)
	}
}

// hide keeps the authorization out of an error.
func hide(err error, token string) error {
	var e *carrier.Error
	if errors.As(err, &e) && token != "" {
		e.Text, e.Field = strings.ReplaceAll(e.Text, token, "***"), strings.ReplaceAll(e.Field, token, "***")
	}
	return err
}

func (u *USPS) forget(token string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.payment == token {
		u.payment = ""
	}
}

// authorize gives an authorization to pay; two callers may each fetch one.
func (u *USPS) authorize(ctx context.Context) (string, error) {
	u.mu.Lock()
	token, until := u.payment, u.until
	u.mu.Unlock()
	now := u.clock.Now()
	if token != "" && now.Before(until) {
		return token, nil
	}
	c := u.config
	role := func(name string) object {
		return object{"roleName": name, "CRID": c.CRID, "MID": c.MID, "manifestMID": c.ManifestMID, "accountType": "EPS", "accountNumber": c.Account}
	}
	var said struct {
		Token string `json:"paymentAuthorizationToken"`
	}
	err := u.client.Do(ctx, carrier.Call{
		Name: "payment", Method: http.MethodPost, Path: "/payments/v3/payment-authorization",
		JSON: object{"roles": []object{role("PAYER"), role("RATE_HOLDER"), role("LABEL_OWNER"), role("SHIPPER")}},
	}, &said)
	if err != nil {
		return "", err
	}
	if said.Token == "" {
		return "", u.client.Missing("payment", "paymentAuthorizationToken")
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.payment, u.until = said.Token, now.Add(paymentLife)
	return said.Token, nil
}

// labelAnswer is a label; numbers abroad and of returns have names of their own.
type labelAnswer struct {
	Number  string          `json:"trackingNumber"`
	Abroad  string          `json:"internationalTrackingNumber"`
	Postage carrier.Decimal `json:"postage"`
	Fees    []fee           `json:"fees"`
	Extras  []struct {
		Price carrier.Decimal `json:"price"`
	} `json:"extraServices"`
	Image  string `json:"labelImage"`
	Return string `json:"returnLabelImage"`
}

// Buy makes a label for one parcel. The key is its idempotency key: the same
// question with the same key gives the same label.
func (u *USPS) Buy(ctx context.Context, r carrier.ShipmentRequest) (carrier.Label, error) {
	if err := u.refuse("buy", r.From, r.To, r.Parcels, r.Options); err != nil {
		return carrier.Label{}, err
	}
	if len(r.Parcels) > 1 {
		return carrier.Label{}, u.client.Fail("buy", carrier.KindUnsupported, "parcels", "one label is one parcel")
	}
	if _, ok := serviceOf(r.Service); !ok {
		return carrier.Label{}, u.client.Fail("buy", carrier.KindInvalid, "service", "is no mail class")
	}
	path, question, err := u.labelQuestion(r)
	if err != nil {
		return carrier.Label{}, err
	}
	var said labelAnswer
	err = u.paid(ctx, carrier.Call{
		Name: "buy", Method: http.MethodPost, Path: path, JSON: question,
		Header: http.Header{"X-Idempotency-Key": {keyID(r.Key)}, "Accept": {labelsJSON}},
	}, &said)
	if err != nil {
		return carrier.Label{}, err
	}
	return u.label("buy", said, r.Service, formatOf(r.Format))
}

// label reads a label.
func (u *USPS) label(call string, said labelAnswer, service string, f carrier.Format) (carrier.Label, error) {
	number := cmp.Or(said.Number, said.Abroad)
	if number == "" {
		return carrier.Label{}, u.client.Missing(call, "trackingNumber")
	}
	l := carrier.Label{ID: number, Numbers: []string{number}, Service: service, BuyerID: u.config.CRID}
	image, err := base64.StdEncoding.DecodeString(cmp.Or(said.Image, said.Return))
	if err != nil || len(image) == 0 {
		return l, u.client.Missing(call, "labelImage")
	}
	l.Papers = []carrier.Paper{{Kind: "label", Format: f, Bytes: image, DPI: 203, Number: number}}
	cost, err := carrier.RoundAmount(string(said.Postage), "USD")
	if err != nil {
		return l, u.client.Missing(call, "postage")
	}
	for _, more := range said.prices() {
		if a, err := carrier.RoundAmount(string(more), "USD"); err == nil {
			if sum, err := cost.Add(a); err == nil {
				cost = sum
			}
		}
	}
	l.Cost = cost
	return l, nil
}

// prices are what comes on top of the postage.
func (a *labelAnswer) prices() (all []carrier.Decimal) {
	for _, f := range a.Fees {
		all = append(all, f.Price)
	}
	for _, e := range a.Extras {
		all = append(all, e.Price)
	}
	return all
}

func formatOf(f carrier.Format) carrier.Format {
	if f == "" {
		return carrier.PDF
	}
	return f
}

// picture is how a label is to be printed.
func picture(f carrier.Format) object {
	kind := map[carrier.Format]string{carrier.PDF: "PDF", carrier.ZPL: "ZPL203DPI", carrier.PNG: "PNG"}[formatOf(f)]
	return object{"imageType": cmp.Or(kind, "PDF"), "labelType": "4X6LABEL"}
}

// labelQuestion is what a label is asked with, and where.
func (u *USPS) labelQuestion(r carrier.ShipmentRequest) (path string, q object, err error) {
	p := r.Parcels[0]
	indicator, processing, facility := "SP", shape(p), "NONE"
	if strings.HasPrefix(r.Service, "PRIORITY_MAIL_EXPRESS") {
		indicator = "PA"
	}
	if parts := strings.Split(r.RateID, "|"); len(parts) == 3 {
		indicator, processing, facility = parts[0], parts[1], parts[2]
	}
	at := r.ShipAt
	if at.IsZero() {
		at = u.clock.Now()
	}
	parcel := measures(p)
	parcel["weightUOM"], parcel["dimensionsUOM"], parcel["mailClass"] = "lb", "in", r.Service
	parcel["rateIndicator"], parcel["processingCategory"], parcel["destinationEntryFacilityType"] = indicator, processing, facility
	parcel["mailingDate"], parcel["extraServices"] = at.Format(time.DateOnly), extras(r.Options)
	parcel["customerReference"] = []object{{"referenceNumber": carrier.Reference(r.Key, 30), "printReferenceNumber": false}}
	options := object{"nonDeliveryOption": "RETURN"}
	if r.Options.Insurance.Minor > 0 {
		options["packageValue"] = dollars(r.Options.Insurance)
	}
	parcel["packageOptions"] = options
	q = object{"imageInfo": picture(r.Format), "fromAddress": address(r.From), "packageDescription": parcel}
	if home(r.To) {
		q["toAddress"] = address(r.To)
		path = "/labels/v3/label"
		if r.Options.Return {
			path = "/labels/v3/return-label"
		}
		delete(options, "nonDeliveryOption")
		if r.Customs != nil { // military and diplomatic post, and territories
			q["customsForm"], err = u.customs(r)
		}
		return path, q, err
	}
	q["toAddress"] = abroad(r.To)
	parcel["customerReference"] = []object{{"referenceNumber": carrier.Reference(r.Key, 30)}}
	if r.Customs != nil && r.Customs.Incoterm == "DDP" {
		parcel["prepayDutiesTaxesFees"] = true
	}
	q["customsForm"], err = u.customs(r)
	return "/international-labels/v3/international-label", q, err
}

// contents are what the customs form calls what is inside.
var contents = map[string]string{
	"sale_of_goods": "MERCHANDISE", "gift": "GIFT", "documents": "DOCUMENT", "sample": "COMMERCIAL_SAMPLE", "returned_goods": "RETURNED_GOODS",
}

func (u *USPS) customs(r carrier.ShipmentRequest) (object, error) {
	c := r.Customs
	if c == nil || len(c.Items) == 0 {
		return nil, u.client.Fail("buy", carrier.KindInvalid, "customs.items", "are missing for a parcel that crosses a border")
	}
	items := make([]object, len(c.Items))
	for i, it := range c.Items {
		if it.UnitValue.Currency != "USD" {
			return nil, u.client.Fail("buy", carrier.KindInvalid, "customs.items", "must be valued in USD")
		}
		n := max(it.Quantity, 1)
		line, err := money.Mul(it.UnitValue.Minor, n)
		if err != nil {
			return nil, u.client.Fail("buy", carrier.KindInvalid, "customs.items", "are worth too much")
		}
		items[i] = object{
			"itemDescription": carrier.Cut(it.Description, 30), "itemQuantity": n, "itemValue": dollars(it.UnitValue), "itemTotalValue": dollars(money.Of(line, "USD")),
			"weightUOM": "lb", "itemWeight": carrier.Decimal(carrier.Pounds(max(it.NetG, 1), 4, carrier.RoundUp)),
			"itemTotalWeight": carrier.Decimal(carrier.Pounds(max(it.NetG, 1)*n, 4, carrier.RoundUp)),
		}
		if it.HSCode != "" {
			items[i]["HSTariffNumber"] = carrier.Cut(it.HSCode, 14)
		}
		if it.OriginCountry != "" {
			items[i]["countryofOrigin"] = upper(it.OriginCountry)
		}
	}
	form := object{"customsContentType": cmp.Or(contents[c.ContentType], "OTHER"), "contents": items}
	if form["customsContentType"] == "OTHER" {
		form["contentComments"] = carrier.Cut(c.Items[0].Description, 25)
	}
	if c.InvoiceNumber != "" {
		form["invoiceNumber"] = carrier.Cut(c.InvoiceNumber, 15)
	}
	if c.AES != "" {
		form["AESITN"] = carrier.Cut(c.AES, 35)
	}
	if id := cmp.Or(c.IOSS, c.EORI); id != "" && !home(r.To) {
		form["exportersReference"] = object{"referenceType": "TAX_CODE", "reference": carrier.Cut(id, 28)}
	}
	return form, nil
}

// crossed tells whether a number is one of the Universal Postal Union: two
// letters, nine digits, a country.
func crossed(number string) bool {
	return len(number) == 13 && strings.Trim(number[:2]+number[11:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && strings.Trim(number[2:11], "0123456789") == ""
}

// Void cancels labels, or asks for their money back when the Service has heard
// of them already.
func (u *USPS) Void(ctx context.Context, l carrier.LabelRef) error {
	numbers := l.Numbers
	if len(numbers) == 0 && l.ID != "" {
		numbers = []string{l.ID}
	}
	if len(numbers) == 0 {
		return u.client.Fail("void", carrier.KindInvalid, "id", "is missing")
	}
	for _, number := range numbers {
		path := "/labels/v3/label/"
		if crossed(number) {
			path = "/international-labels/v3/international-label/"
		}
		var said struct {
			Status string `json:"status"`
		}
		err := u.paid(ctx, carrier.Call{Name: "void", Method: http.MethodDelete, Path: path + url.PathEscape(number)}, &said)
		var e *carrier.Error
		switch {
		case errors.As(err, &e) && e.Kind == carrier.KindInvalid && strings.Contains(strings.ToLower(e.Text), "already"):
			// canceled, or its refund asked for, before
		case err != nil:
			return err
		case said.Status != "CANCELED" && said.Status != "DISPUTED":
			return u.client.Missing("void", "status")
		}
	}
	return nil
}

// Find prints the label of a key again, which the Service does up to three times
// until the day of mailing.
func (u *USPS) Find(ctx context.Context, key string) (carrier.Label, error) {
	var err error
	for _, path := range []string{"/labels/v3/label-reprint", "/international-labels/v3/international-label-reprint"} {
		var said labelAnswer
		err = u.paid(ctx, carrier.Call{
			Name: "find", Method: http.MethodPost, Path: path, JSON: object{"imageInfo": picture(carrier.PDF)},
			Header: http.Header{"X-Idempotency-Key": {keyID(key)}, "Accept": {labelsJSON}},
		}, &said)
		if err == nil {
			return u.label("find", said, "", carrier.PDF)
		}
		if carrier.KindOf(err) != carrier.KindNotFound {
			return carrier.Label{}, err
		}
	}
	return carrier.Label{}, err
}
