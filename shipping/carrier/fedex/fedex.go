// Package fedex is FedEx over its REST APIs: Rates and Transit Times, Ship,
// Track, Advanced Integrated Visibility, Pickup, Address Validation and the
// Ground end of day.
//
// FedEx knows no idempotency keys, and it has no Find: a lost label can be looked
// for by its reference with Track only, which learns of labels later, so that
// finding none would prove nothing, and labels are not printed a second time. A
// person decides about such an attempt; the reference on the label is its key.
package fedex

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
)

// Name is the carrier's name in policies and settings.
const Name = "fedex"

// The hosts of FedEx.
const (
	Production = "https://apis.fedex.com"
	Test       = "https://apis-sandbox.fedex.com"
)

// Config is one account with FedEx.
type Config struct {
	Base     string // Production when empty
	ClientID string // API key
	Secret   string
	Account  string // nine digits
	// PickupType is how parcels come to FedEx: USE_SCHEDULED_PICKUP when empty,
	// DROPOFF_AT_FEDEX_LOCATION or CONTACT_FEDEX_TO_SCHEDULE. Prices depend on it.
	PickupType string
	// PickupCarrier is which van BookPickup calls: FDXG (ground) when empty, or
	// FDXE (express).
	PickupCarrier string
	// WebhookToken is the security token of the webhook project; without it no
	// webhook is believed.
	WebhookToken string
	Clock        clock.Clock
	Transport    http.RoundTripper // nil: the carriers' shared one
}

// FedEx is one account.
type FedEx struct {
	client *carrier.Client
	config Config
	clock  clock.Clock
}

var (
	_ carrier.Carrier        = (*FedEx)(nil)
	_ carrier.AddressChecker = (*FedEx)(nil)
	_ carrier.PickupBooker   = (*FedEx)(nil)
	_ carrier.Manifester     = (*FedEx)(nil)
	_ carrier.Coder          = (*FedEx)(nil)
)

// New is an account with FedEx. Nothing is called until it is used.
func New(c Config) *FedEx {
	c.Base = cmp.Or(c.Base, Production)
	c.PickupType = cmp.Or(c.PickupType, "USE_SCHEDULED_PICKUP")
	c.PickupCarrier = cmp.Or(c.PickupCarrier, "FDXG")
	client := &carrier.Client{
		Carrier: Name, Base: c.Base, Clock: c.Clock, Transport: c.Transport, Header: http.Header{"X-Locale": {"en_US"}},
		Secrets: []string{c.Secret, c.WebhookToken}, Explain: explain,
	}
	tokens := *client // without Tokens of its own
	client.Tokens = carrier.NewTokens(c.Clock, tokens.ClientCredentials(carrier.Call{
		Path: "/oauth/token", Form: url.Values{"client_id": {c.ClientID}, "client_secret": {c.Secret}},
	}))
	return &FedEx{client: client, config: c, clock: c.Clock}
}

// Name is "fedex".
func (f *FedEx) Name() string { return Name }

// Capabilities is what FedEx can do.
func (f *FedEx) Capabilities() carrier.Capabilities {
	return carrier.Capabilities{
		Services: slices.Clone(services), Webhooks: f.config.WebhookToken != "", Returns: true, CashOnDelivery: true, Insurance: true, Signature: true,
		DDP: true, MultiParcel: true, Formats: []carrier.Format{carrier.PDF, carrier.ZPL, carrier.PNG}, MostParcelG: 68_038, // 150 lb
	}
}

// services are FedEx's products for parcels.
var services = []carrier.Service{
	{Code: "FIRST_OVERNIGHT", Name: "FedEx First Overnight", Level: carrier.Overnight},
	{Code: "PRIORITY_OVERNIGHT", Name: "FedEx Priority Overnight", Level: carrier.Overnight},
	{Code: "STANDARD_OVERNIGHT", Name: "FedEx Standard Overnight", Level: carrier.Overnight},
	{Code: "FEDEX_2_DAY_AM", Name: "FedEx 2Day A.M.", Level: carrier.Express},
	{Code: "FEDEX_2_DAY", Name: "FedEx 2Day", Level: carrier.Express},
	{Code: "FEDEX_EXPRESS_SAVER", Name: "FedEx Express Saver", Level: carrier.Expedited},
	{Code: "FEDEX_GROUND", Name: "FedEx Ground", Level: carrier.Standard},
	{Code: "GROUND_HOME_DELIVERY", Name: "FedEx Home Delivery", Level: carrier.Standard},
	{Code: "SMART_POST", Name: "FedEx Ground Economy", Level: carrier.Economy},
	{Code: "SAME_DAY", Name: "FedEx SameDay", Level: carrier.Overnight},
	{Code: "SAME_DAY_CITY", Name: "FedEx SameDay City", Level: carrier.Overnight},
	{Code: "INTERNATIONAL_FIRST", Name: "FedEx International First", Level: carrier.Overnight, International: true},
	{Code: "FEDEX_INTERNATIONAL_PRIORITY_EXPRESS", Name: "FedEx International Priority Express", Level: carrier.Express, International: true},
	{Code: "FEDEX_INTERNATIONAL_PRIORITY", Name: "FedEx International Priority", Level: carrier.Express, International: true},
	{Code: "FEDEX_INTERNATIONAL_CONNECT_PLUS", Name: "FedEx International Connect Plus", Level: carrier.Expedited, International: true},
	{Code: "INTERNATIONAL_ECONOMY", Name: "FedEx International Economy", Level: carrier.Economy, International: true},
	{Code: "EUROPE_FIRST_INTERNATIONAL_PRIORITY", Name: "FedEx Europe First", Level: carrier.Overnight, International: true},
	{Code: "FEDEX_REGIONAL_ECONOMY", Name: "FedEx Regional Economy", Level: carrier.Economy, International: true},
}

// object is a part of a request.
type object = map[string]any

// failure is FedEx's own error.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// explain reads FedEx's own error. Its codes are words with dots.
func explain(status int, body []byte) carrier.Explained {
	var said struct {
		Errors []failure `json:"errors"`
	}
	if json.Unmarshal(body, &said) != nil || len(said.Errors) == 0 {
		return carrier.Explained{}
	}
	e := said.Errors[0]
	x := carrier.Explained{Text: e.Code + ": " + e.Message}
	if status < 500 && status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusTooManyRequests {
		x.Kind = kindOf(e.Code)
	}
	return x
}

// kindOf sorts the codes that say more than their status; empty for the rest.
func kindOf(code string) carrier.Kind {
	code = strings.ToUpper(code)
	for _, k := range []struct {
		kind  carrier.Kind
		parts []string
	}{
		{carrier.KindNotFound, []string{"NOTFOUND", "NOT.FOUND"}},
		{carrier.KindNotServiceable, []string{"NOTSERVED", "NOT.SERVED", "SERVICE.UNAVAILABLE", "SERVICETYPE.NOT.ALLOWED", "PACKAGECOMBINATION", "SERVICE.INVALID", "NOT.SUPPORTED"}},
		{carrier.KindAuth, []string{"NOT.AUTHORIZED", "ACCOUNTNUMBER.MISMATCH", "ACCOUNT.NUMBER.MISMATCH"}},
	} {
		if slices.ContainsFunc(k.parts, func(p string) bool { return strings.Contains(code, p) }) {
			return k.kind
		}
	}
	return ""
}

func upper(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }
