// Package ups is UPS over its REST APIs: Rating and Shipping v2409, Track v1,
// Track Alert, Pickup v2409 and Address Validation v2.
//
// What UPS does not offer: an end-of-day call (the shipping data of a label is
// uploaded as it is made, so there is no Manifest), and labels as PDF (its
// pictures are put on a 4x6 inch page here). It knows no idempotency keys; Find
// asks the label recovery for the reference of a lost attempt.
package ups

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
)

// Name is the carrier's name in policies and settings.
const Name = "ups"

// The hosts of UPS.
const (
	Production = "https://onlinetools.ups.com"
	Test       = "https://wwwcie.ups.com" // customer integration environment: labels are specimens
)

// version is the release of the rating, shipping and pickup APIs.
const version = "v2409"

// Config is one account with UPS.
type Config struct {
	Base     string // Production when empty
	ClientID string
	Secret   string
	Account  string // the shipper number, six signs
	// WebhookCredential is what Track Alert was told to send along in its header
	// "credential"; without it no webhook is believed.
	WebhookCredential string
	Clock             clock.Clock
	Transport         http.RoundTripper // nil: the carriers' shared one
}

// UPS is one account.
type UPS struct {
	client     *carrier.Client
	account    string
	credential string
	clock      clock.Clock
}

var (
	_ carrier.Carrier        = (*UPS)(nil)
	_ carrier.AddressChecker = (*UPS)(nil)
	_ carrier.Finder         = (*UPS)(nil)
	_ carrier.PickupBooker   = (*UPS)(nil)
	_ carrier.Coder          = (*UPS)(nil)
)

// New is an account with UPS. Nothing is called until it is used.
func New(c Config) *UPS {
	if c.Base == "" {
		c.Base = Production
	}
	client := &carrier.Client{
		Carrier: Name, Base: c.Base, Clock: c.Clock, Transport: c.Transport,
		Header:  http.Header{"Transactionsrc": {"doorstep"}},
		Secrets: []string{c.Secret, c.WebhookCredential},
		Explain: explain,
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.ClientID+":"+c.Secret))
	tokens := *client // without Tokens of its own
	client.Tokens = carrier.NewTokens(c.Clock, tokens.ClientCredentials(carrier.Call{
		Path: "/security/v1/oauth/token", Header: http.Header{"Authorization": {basic}},
	}))
	return &UPS{client: client, account: c.Account, credential: c.WebhookCredential, clock: c.Clock}
}

// Name is "ups".
func (u *UPS) Name() string { return Name }

// Capabilities is what UPS can do.
func (u *UPS) Capabilities() carrier.Capabilities {
	return carrier.Capabilities{
		Services: slices.Clone(services), Webhooks: u.credential != "", Returns: true, CashOnDelivery: true, Insurance: true, Signature: true,
		DDP: true, MultiParcel: true, Formats: []carrier.Format{carrier.PDF, carrier.ZPL, carrier.PNG}, MostParcelG: 68_038, // 150 lb
	}
}

// services are the products of the Rating and Shipping APIs for small parcels.
var services = []carrier.Service{
	{Code: "14", Name: "UPS Next Day Air Early", Level: carrier.Overnight},
	{Code: "01", Name: "UPS Next Day Air", Level: carrier.Overnight},
	{Code: "13", Name: "UPS Next Day Air Saver", Level: carrier.Overnight},
	{Code: "59", Name: "UPS 2nd Day Air A.M.", Level: carrier.Express},
	{Code: "02", Name: "UPS 2nd Day Air", Level: carrier.Express},
	{Code: "12", Name: "UPS 3 Day Select", Level: carrier.Expedited},
	{Code: "03", Name: "UPS Ground", Level: carrier.Standard},
	{Code: "93", Name: "UPS Ground Saver", Level: carrier.Economy},
	{Code: "54", Name: "UPS Worldwide Express Plus", Level: carrier.Overnight, International: true},
	{Code: "07", Name: "UPS Worldwide Express", Level: carrier.Express, International: true},
	{Code: "65", Name: "UPS Worldwide Saver", Level: carrier.Express, International: true},
	{Code: "08", Name: "UPS Worldwide Expedited", Level: carrier.Expedited, International: true},
	{Code: "11", Name: "UPS Standard", Level: carrier.Standard, International: true},
	{Code: "17", Name: "UPS Worldwide Economy DDU", Level: carrier.Economy, International: true},
	{Code: "72", Name: "UPS Worldwide Economy DDP", Level: carrier.Economy, International: true},
	{Code: "70", Name: "UPS Access Point Economy", Level: carrier.Economy},
	{Code: "74", Name: "UPS Express 12:00", Level: carrier.Overnight},
	{Code: "82", Name: "UPS Today Standard", Level: carrier.Overnight},
	{Code: "83", Name: "UPS Today Dedicated Courier", Level: carrier.Overnight},
	{Code: "85", Name: "UPS Today Express", Level: carrier.Overnight},
	{Code: "86", Name: "UPS Today Express Saver", Level: carrier.Overnight},
}

// object is a part of a request.
type object = map[string]any

// many reads what UPS writes as a list or, when it is one, without the list.
type many[T any] []T

// UnmarshalJSON takes a list, one value, or null.
func (m *many[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(m))
	}
	if string(b) == "null" || string(b) == `""` {
		*m = nil
		return nil
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*m = many[T]{one}
	return nil
}

// explain reads UPS's own error.
func explain(status int, body []byte) carrier.Explained {
	var said struct {
		Response struct {
			Errors []struct {
				Code    string `json:"code"`
				Message string `json:"message"`
			} `json:"errors"`
		} `json:"response"`
	}
	if json.Unmarshal(body, &said) != nil || len(said.Response.Errors) == 0 {
		return carrier.Explained{}
	}
	e := said.Response.Errors[0]
	x := carrier.Explained{Text: e.Code + ": " + e.Message}
	if status < 500 && status != http.StatusUnauthorized && status != http.StatusTooManyRequests {
		x.Kind, x.Field = kinds[e.Code].kind, kinds[e.Code].field
	}
	return x
}

// kinds sorts the codes of UPS's errors that say more than their status.
var kinds = map[string]struct {
	kind  carrier.Kind
	field string
}{
	"111100": {carrier.KindNotServiceable, "service"}, // not from there
	"111101": {carrier.KindNotServiceable, "service"}, // not between these
	"111210": {carrier.KindNotServiceable, "service"},
	"111217": {carrier.KindNotServiceable, "service"},
	"111285": {carrier.KindInvalid, "to.postcode"},
	"111286": {carrier.KindInvalid, "to.region"},
	"111030": {carrier.KindNotServiceable, "parcels.weight"},
	"111031": {carrier.KindNotServiceable, "parcels.weight"},
	"111035": {carrier.KindNotServiceable, "parcels.weight"}, // over the most of one parcel
	"111050": {carrier.KindNotServiceable, "parcels.size"},
	"111055": {carrier.KindNotServiceable, "parcels.size"},
	"120500": {carrier.KindInvalid, "to"},
	"120802": {carrier.KindInvalid, "to"},
	"120900": {carrier.KindAuth, "account"}, // the shipper number is not the user's
	"190102": {carrier.KindNotFound, "id"},  // no shipment within the time for voiding
	"300102": {carrier.KindNotFound, "key"},
	"300103": {carrier.KindNotFound, "key"},
	"TW0001": {carrier.KindNotFound, "number"},
	"TV1002": {carrier.KindInvalid, "number"},
}

// upper makes a name of a country or region as UPS writes it.
func upper(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }
