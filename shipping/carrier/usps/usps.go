// Package usps is the United States Postal Service over its v3 REST APIs:
// shipping options, labels at home and abroad, tracking, SCAN forms, carrier
// pickup and addresses.
//
// What it does not offer: cash on delivery with labels of the API, several
// parcels in one label (rates of several parcels are summed, labels are bought
// one by one), and parcels from other countries. Flat-rate prices are for the
// Service's own boxes and are left out.
//
// Its Subscriptions-Tracking API posts the events of a mailer id to one address
// and signs them with a secret of the shop's choice: the header X-HMAC is the
// HMAC-SHA256, in base64, of the header X-TIMESTAMP followed by the body. A
// subscription without events for about 25 days ends; polling stays as the net.
package usps

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
)

// Name is the carrier's name in policies and settings.
const Name = "usps"

// The hosts of the Postal Service.
const (
	Production = "https://apis.usps.com"
	Test       = "https://apis-tem.usps.com" // testing environment for mailers
)

// Config is one account with the Postal Service.
type Config struct {
	Base     string // Production when empty
	ClientID string // consumer key
	Secret   string // consumer secret
	// CRID, MID and ManifestMID are the customer, the mailer and whose manifest
	// labels go to; Account is the Enterprise Payment account that pays.
	CRID, MID, ManifestMID, Account string
	// PriceType is COMMERCIAL when empty; CONTRACT are the account's own prices.
	PriceType string
	// WebhookSecret is what the subscription was made with; without it no webhook
	// is believed.
	WebhookSecret string
	Clock         clock.Clock
	Transport     http.RoundTripper // nil: the carriers' shared one
}

// USPS is one account.
type USPS struct {
	client *carrier.Client
	config Config
	clock  clock.Clock

	mu      sync.Mutex
	payment string // authorizes labels
	until   time.Time
}

var (
	_ carrier.Carrier        = (*USPS)(nil)
	_ carrier.AddressChecker = (*USPS)(nil)
	_ carrier.Finder         = (*USPS)(nil)
	_ carrier.PickupBooker   = (*USPS)(nil)
	_ carrier.Manifester     = (*USPS)(nil)
	_ carrier.Coder          = (*USPS)(nil)
)

// New is an account with the Postal Service. Nothing is called until it is used.
func New(c Config) *USPS {
	if c.Base == "" {
		c.Base = Production
	}
	if c.PriceType == "" {
		c.PriceType = "COMMERCIAL"
	}
	if c.ManifestMID == "" {
		c.ManifestMID = c.MID
	}
	client := &carrier.Client{
		Carrier: Name, Base: c.Base, Clock: c.Clock, Transport: c.Transport, Secrets: []string{c.Secret, c.WebhookSecret}, Explain: explain,
	}
	tokens := *client // without Tokens of its own
	client.Tokens = carrier.NewTokens(c.Clock, tokens.ClientCredentials(carrier.Call{
		Path: "/oauth2/v3/token", Form: url.Values{"client_id": {c.ClientID}, "client_secret": {c.Secret}},
	}))
	return &USPS{client: client, config: c, clock: c.Clock}
}

// Name is "usps".
func (u *USPS) Name() string { return Name }

// Capabilities is what the Postal Service can do.
func (u *USPS) Capabilities() carrier.Capabilities {
	return carrier.Capabilities{
		Services: slices.Clone(services), Webhooks: u.config.WebhookSecret != "", IdempotentBuy: true, Returns: true, Insurance: true, Signature: true,
		Formats: []carrier.Format{carrier.PDF, carrier.ZPL, carrier.PNG}, MostParcelG: 31_751, // 70 lb
		Countries: []string{"US", "PR", "GU", "VI", "AS", "MP"},
	}
}

// services are the mail classes of parcels.
var services = []carrier.Service{
	{Code: "PRIORITY_MAIL_EXPRESS", Name: "Priority Mail Express", Level: carrier.Overnight},
	{Code: "PRIORITY_MAIL", Name: "Priority Mail", Level: carrier.Expedited},
	{Code: "USPS_GROUND_ADVANTAGE", Name: "USPS Ground Advantage", Level: carrier.Standard},
	{Code: "PARCEL_SELECT", Name: "Parcel Select", Level: carrier.Economy},
	{Code: "USPS_CONNECT_LOCAL", Name: "USPS Connect Local", Level: carrier.Expedited},
	{Code: "USPS_CONNECT_REGIONAL", Name: "USPS Connect Regional", Level: carrier.Standard},
	{Code: "MEDIA_MAIL", Name: "Media Mail", Level: carrier.Economy},
	{Code: "LIBRARY_MAIL", Name: "Library Mail", Level: carrier.Economy},
	{Code: "BOUND_PRINTED_MATTER", Name: "Bound Printed Matter", Level: carrier.Economy},
	{Code: "PRIORITY_MAIL_EXPRESS_RETURN_SERVICE", Name: "Priority Mail Express Return", Level: carrier.Overnight},
	{Code: "PRIORITY_MAIL_RETURN_SERVICE", Name: "Priority Mail Return", Level: carrier.Expedited},
	{Code: "USPS_GROUND_ADVANTAGE_RETURN_SERVICE", Name: "USPS Ground Advantage Return", Level: carrier.Standard},
	{Code: "PRIORITY_MAIL_EXPRESS_INTERNATIONAL", Name: "Priority Mail Express International", Level: carrier.Express, International: true},
	{Code: "PRIORITY_MAIL_INTERNATIONAL", Name: "Priority Mail International", Level: carrier.Expedited, International: true},
	{Code: "FIRST-CLASS_PACKAGE_INTERNATIONAL_SERVICE", Name: "First-Class Package International Service", Level: carrier.Economy, International: true},
	{Code: "GLOBAL_EXPRESS_GUARANTEED", Name: "Global Express Guaranteed", Level: carrier.Express, International: true},
}

func serviceOf(code string) (carrier.Service, bool) {
	i := slices.IndexFunc(services, func(s carrier.Service) bool { return s.Code == code })
	if i < 0 {
		return carrier.Service{}, false
	}
	return services[i], true
}

// object is a part of a request.
type object = map[string]any

// explain reads the Service's own error.
func explain(_ int, body []byte) carrier.Explained {
	var said struct {
		Error struct {
			Message string `json:"message"`
			Errors  []struct {
				Title  string `json:"title"`
				Detail string `json:"detail"`
				Source struct {
					Parameter string `json:"parameter"`
				} `json:"source"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &said) != nil {
		return carrier.Explained{}
	}
	x := carrier.Explained{Text: said.Error.Message}
	if len(said.Error.Errors) > 0 {
		e := said.Error.Errors[0]
		x.Field, x.Text = e.Source.Parameter, cmp.Or(e.Detail, e.Title, x.Text)
	}
	return x
}

// keyID makes the UUID that the labels' idempotency wants of an attempt's key.
func keyID(key string) string {
	if id, err := uuid.Parse(key); err == nil {
		return id.String()
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("doorstep label "+key)).String()
}

func upper(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }
