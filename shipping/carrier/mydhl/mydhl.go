// Package mydhl ships with DHL Express by its MyDHL API, version 3: rates,
// shipments, tracking, courier pickups and landed cost. DHL bills a label when it
// is first scanned, so there is nothing to give back; it knows no keys, so that a
// shipment whose answer was lost is left to a person.
package mydhl

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
)

// Name is the carrier's in settings, policies and errors.
const Name = "mydhl"

// API is where DHL answers, when Config does not say; its test system is below
// it at /test.
const API = "https://express.api.dhl.com/mydhlapi"

// Config is one account.
type Config struct {
	Base     string // API when empty
	Username string
	Password string
	Account  string // the shipper's number at DHL
	Clock    clock.Clock
	// Transport carries the calls; nil is the one that carriers share.
	Transport http.RoundTripper
}

// MyDHL is one account. It is safe for concurrent use.
type MyDHL struct {
	config Config
	client *carrier.Client
}

var (
	_ carrier.Carrier      = (*MyDHL)(nil)
	_ carrier.Coder        = (*MyDHL)(nil)
	_ carrier.PickupBooker = (*MyDHL)(nil)
	_ carrier.LandedCoster = (*MyDHL)(nil)
)

// New makes the adapter of an account.
func New(c Config) *MyDHL {
	if c.Base == "" {
		c.Base = API
	}
	return &MyDHL{config: c, client: &carrier.Client{
		Carrier: Name, Base: c.Base, Clock: c.Clock, Transport: c.Transport, User: c.Username, Password: c.Password, Explain: explain,
	}}
}

// explain reads DHL's problem document. A detail begins with DHL's own number.
func explain(status int, body []byte) carrier.Explained {
	var said struct {
		Title   string   `json:"title"`
		Message string   `json:"message"`
		Detail  string   `json:"detail"`
		More    []string `json:"additionalDetails"`
	}
	if json.Unmarshal(body, &said) != nil || said.Title == "" && said.Detail == "" {
		return carrier.Explained{}
	}
	x := carrier.Explained{Text: strings.TrimSpace(said.Title + ": " + said.Detail)}
	for _, one := range said.More {
		x.Text += " " + one
	}
	text := strings.ToLower(x.Text)
	switch {
	case status == http.StatusNotFound && strings.Contains(text, "product"), strings.Contains(text, "not available"), strings.Contains(text, "not serviced"):
		x.Kind = carrier.KindNotServiceable
	}
	return x
}

// Name is "mydhl".
func (d *MyDHL) Name() string { return Name }

// products are those of DHL's own reference data, by code. Several have one name:
// they differ in what may be inside. K and E come before nine o'clock, L and M
// before half past ten, T and Y before noon.
var products = []carrier.Service{
	{Code: "P", Name: "EXPRESS WORLDWIDE", Level: carrier.Express, International: true},
	{Code: "D", Name: "EXPRESS WORLDWIDE (documents)", Level: carrier.Express, International: true},
	{Code: "U", Name: "EXPRESS WORLDWIDE (EU)", Level: carrier.Express, International: true},
	{Code: "K", Name: "EXPRESS 9:00", Level: carrier.Overnight, International: true},
	{Code: "E", Name: "EXPRESS 9:00 (goods)", Level: carrier.Overnight, International: true},
	{Code: "L", Name: "EXPRESS 10:30", Level: carrier.Overnight, International: true},
	{Code: "M", Name: "EXPRESS 10:30 (goods)", Level: carrier.Overnight, International: true},
	{Code: "T", Name: "EXPRESS 12:00", Level: carrier.Overnight, International: true},
	{Code: "Y", Name: "EXPRESS 12:00 (goods)", Level: carrier.Overnight, International: true},
	{Code: "N", Name: "EXPRESS DOMESTIC", Level: carrier.Express},
	{Code: "I", Name: "EXPRESS DOMESTIC 9:00", Level: carrier.Overnight},
	{Code: "O", Name: "EXPRESS DOMESTIC 10:30", Level: carrier.Overnight},
	{Code: "1", Name: "EXPRESS DOMESTIC 12:00", Level: carrier.Overnight},
	{Code: "7", Name: "EXPRESS EASY", Level: carrier.Express, International: true},
	{Code: "X", Name: "EXPRESS ENVELOPE", Level: carrier.Express, International: true},
	{Code: "W", Name: "ECONOMY SELECT", Level: carrier.Economy, International: true},
	{Code: "H", Name: "ECONOMY SELECT (goods)", Level: carrier.Economy, International: true},
	{Code: "G", Name: "ECONOMY SELECT DOMESTIC", Level: carrier.Economy},
	{Code: "S", Name: "SAME DAY", Level: carrier.Overnight, International: true},
	{Code: "5", Name: "SAMEDAY SPRINTLINE", Level: carrier.Overnight},
	{Code: "C", Name: "MEDICAL EXPRESS", Level: carrier.Express, International: true},
	{Code: "B", Name: "EXPRESS BREAKBULK", Level: carrier.Express, International: true},
	{Code: "A", Name: "ECONOMY BREAKBULK", Level: carrier.Economy, International: true},
	{Code: "R", Name: "GLOBALMAIL", Level: carrier.Economy, International: true},
	{Code: "9", Name: "Parcel Product", Level: carrier.Standard, International: true},
}

// Capabilities is what DHL Express can do.
func (d *MyDHL) Capabilities() carrier.Capabilities {
	return carrier.Capabilities{
		Services: products, Returns: true, Insurance: true, Signature: true, DDP: true, MultiParcel: true, Formats: []carrier.Format{carrier.PDF, carrier.ZPL}, MostParcelG: 70_000,
	}
}

// Void fails: DHL bills nothing for a label that is never scanned.
func (d *MyDHL) Void(context.Context, carrier.LabelRef) error {
	return d.client.Fail("void", carrier.KindUnsupported, "", "DHL Express bills a label when it is scanned; there is nothing to give back")
}

// ParseWebhook fails: the MyDHL API does not call.
func (d *MyDHL) ParseWebhook(http.Header, []byte) ([]carrier.Tracked, error) {
	return nil, d.client.Fail("webhook", carrier.KindUnsupported, "", "the MyDHL API sends no webhooks")
}
