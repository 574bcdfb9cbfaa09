// Package easypost ships with the carriers that an EasyPost account has: rates,
// labels, refunds, trackers, webhooks, address checks and scan forms of its REST
// API, version 2. A service is named by its carrier and EasyPost's name for it:
// "USPS.Priority".
package easypost

import (
	"encoding/json"
	"net/http"
	"strings"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
)

// name is the carrier's in settings, policies and errors.
const name = "easypost"

// API is where EasyPost answers, when Settings do not say.
const API = "https://api.easypost.com"

// Settings are one account.
type Settings struct {
	BaseURL string // API when empty
	APIKey  string
	// WebhookSecret is what webhooks are signed with; without one, none is believed.
	WebhookSecret string
	// Accounts are the carrier accounts ("ca_...") to use; all when empty.
	Accounts []string
	// Transport carries the calls; nil is the one that carriers share.
	Transport http.RoundTripper
}

// EasyPost is one account. It is safe for concurrent use.
type EasyPost struct {
	settings Settings
	client   *carrier.Client
	clock    clock.Clock
}

var (
	_ carrier.Carrier        = (*EasyPost)(nil)
	_ carrier.Finder         = (*EasyPost)(nil)
	_ carrier.AddressChecker = (*EasyPost)(nil)
	_ carrier.Manifester     = (*EasyPost)(nil)
	_ carrier.Coder          = (*EasyPost)(nil)
)

// New makes the adapter of an account.
func New(s Settings, c clock.Clock) *EasyPost {
	if s.BaseURL == "" {
		s.BaseURL = API
	}
	return &EasyPost{settings: s, clock: c, client: &carrier.Client{
		Carrier: name, Base: s.BaseURL, Clock: c, Transport: s.Transport, User: s.APIKey, Secrets: []string{s.APIKey, s.WebhookSecret}, Explain: explain,
	}}
}

// Name is "easypost".
func (e *EasyPost) Name() string { return name }

// services are the usual ones; an account may have more, which are priced all
// the same, with a level by how fast they are.
var services = []carrier.Service{
	{Code: "USPS.GroundAdvantage", Name: "USPS Ground Advantage", Level: carrier.Standard},
	{Code: "USPS.Priority", Name: "USPS Priority Mail", Level: carrier.Expedited},
	{Code: "USPS.Express", Name: "USPS Priority Mail Express", Level: carrier.Overnight},
	{Code: "USPS.MediaMail", Name: "USPS Media Mail", Level: carrier.Economy},
	{Code: "USPS.LibraryMail", Name: "USPS Library Mail", Level: carrier.Economy},
	{Code: "USPS.FirstClassPackageInternationalService", Name: "USPS First-Class Package International", Level: carrier.Economy, International: true},
	{Code: "USPS.PriorityMailInternational", Name: "USPS Priority Mail International", Level: carrier.Standard, International: true},
	{Code: "USPS.ExpressMailInternational", Name: "USPS Priority Mail Express International", Level: carrier.Express, International: true},
	{Code: "UPSDAP.Ground", Name: "UPS Ground", Level: carrier.Standard},
	{Code: "UPSDAP.3DaySelect", Name: "UPS 3 Day Select", Level: carrier.Expedited},
	{Code: "UPSDAP.2ndDayAir", Name: "UPS 2nd Day Air", Level: carrier.Express},
	{Code: "UPSDAP.NextDayAir", Name: "UPS Next Day Air", Level: carrier.Overnight},
	{Code: "FedEx.FEDEX_GROUND", Name: "FedEx Ground", Level: carrier.Standard},
	{Code: "FedEx.FEDEX_2_DAY", Name: "FedEx 2Day", Level: carrier.Express},
	{Code: "FedEx.STANDARD_OVERNIGHT", Name: "FedEx Standard Overnight", Level: carrier.Overnight},
	{Code: "DHLExpress.ExpressWorldwide", Name: "DHL Express Worldwide", Level: carrier.Express, International: true},
	{Code: "CanadaPost.RegularParcel", Name: "Canada Post Regular Parcel", Level: carrier.Standard},
	{Code: "CanadaPost.Xpresspost", Name: "Canada Post Xpresspost", Level: carrier.Express},
}

// Capabilities is what EasyPost can do.
func (e *EasyPost) Capabilities() carrier.Capabilities {
	return carrier.Capabilities{
		Services: services, Webhooks: e.settings.WebhookSecret != "", IdempotentBuy: true, Returns: true, Insurance: true, Signature: true, DDP: true,
		Formats: []carrier.Format{carrier.PDF, carrier.ZPL, carrier.PNG},
	}
}

// failure is EasyPost's own error.
type failure struct {
	Error struct {
		Code    string          `json:"code"`
		Message json.RawMessage `json:"message"`
		Errors  []struct {
			Field   string `json:"field"`
			Message string `json:"message"`
		} `json:"errors"`
	} `json:"error"`
}

func explain(_ int, body []byte) carrier.Explained {
	var f failure
	if json.Unmarshal(body, &f) != nil && f.Error.Code == "" {
		return carrier.Explained{}
	}
	x := carrier.Explained{Text: strings.TrimSpace(f.Error.Code + " " + words(f.Error.Message))}
	if len(f.Error.Errors) > 0 {
		x.Field = f.Error.Errors[0].Field
		x.Text += " " + f.Error.Errors[0].Message
	}
	switch code := f.Error.Code; {
	case strings.HasSuffix(code, "NOT_FOUND"):
		x.Kind = carrier.KindNotFound
	case strings.HasPrefix(code, "TRACKER.") && strings.Contains(code, "INVALID"):
		x.Kind = carrier.KindNotFound // no number of that carrier
	case code == "SHIPMENT.RATES.UNAVAILABLE":
		x.Kind = carrier.KindNotServiceable
	}
	return x
}

// words is a message, which EasyPost sends as a text, a list or an object.
func words(message json.RawMessage) string {
	var text string
	if json.Unmarshal(message, &text) == nil {
		return text
	}
	return string(message)
}
