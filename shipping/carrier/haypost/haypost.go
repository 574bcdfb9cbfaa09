// Package haypost ships with HayPost, the post of Armenia: tariffs, orders and
// tracking of its order API. HayPost prints no labels, so the adapter does: the
// barcode of the order with both addresses. It takes no order back and knows no
// keys, so that an order whose answer was lost is left to a person.
package haypost

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
)

// Name is the carrier's in settings, policies and errors.
const Name = "haypost"

// Where HayPost answers, when Config does not say.
const (
	OrderAPI    = "https://order.haypost.am"
	IdentityAPI = "https://identity.haypost.am"
)

// Config is one account.
type Config struct {
	Base     string // of orders; OrderAPI when empty
	Identity string // of tokens; Base when that is given, else IdentityAPI
	Username string
	Password string
	Customer int64 // the customer's number at HayPost
	// CustomerType is 3 for companies, which is what 0 means.
	CustomerType int
	Clock        clock.Clock
	// Transport carries the calls; nil is the one that carriers share.
	Transport http.RoundTripper
}

// HayPost is one account. It is safe for concurrent use.
type HayPost struct {
	config Config
	client *carrier.Client
}

var (
	_ carrier.Carrier = (*HayPost)(nil)
	_ carrier.Coder   = (*HayPost)(nil)
)

// company is the type of a customer that is a company.
const company = 3

// New makes the adapter of an account.
func New(c Config) *HayPost {
	if c.Identity == "" {
		if c.Identity = c.Base; c.Identity == "" {
			c.Identity = IdentityAPI
		}
	}
	if c.Base == "" {
		c.Base = OrderAPI
	}
	if c.CustomerType == 0 {
		c.CustomerType = company
	}
	h := &HayPost{config: c, client: &carrier.Client{
		Carrier: Name, Base: c.Base, Clock: c.Clock, Transport: c.Transport, Secrets: []string{c.Password}, Explain: explain,
	}}
	identity := *h.client
	identity.Base = c.Identity
	h.client.Tokens = carrier.NewTokens(c.Clock, func(ctx context.Context) (carrier.Token, error) { return token(ctx, &identity, &c) })
	return h
}

// token fetches a token.
func token(ctx context.Context, client *carrier.Client, c *Config) (carrier.Token, error) {
	var said struct {
		AccessToken string          `json:"accessToken"`
		Ends        carrier.Decimal `json:"expDate"` // seconds since 1970, or 0
	}
	err := client.Do(ctx, carrier.Call{
		Name: "token", Method: http.MethodPost, Path: "/api/Connect/Token", Anonymous: true,
		JSON: map[string]any{"username": c.Username, "password": c.Password, "customerType": c.CustomerType},
	}, &said)
	if err != nil {
		return carrier.Token{}, carrier.AuthRefused(err)
	}
	if said.AccessToken == "" {
		return carrier.Token{}, client.Missing("token", "accessToken")
	}
	t := carrier.Token{Value: said.AccessToken}
	if at, err := strconv.ParseInt(string(said.Ends), 10, 64); err == nil && at > 0 {
		if life := time.Unix(at, 0).Sub(c.Clock.Now()); life > 0 && life < 30*24*time.Hour {
			t.Life = life
		}
	}
	return t, nil
}

// explain reads HayPost's own error, a key such as "order_not_found".
func explain(_ int, body []byte) carrier.Explained {
	var said struct {
		Key  string `json:"key"`
		Name string `json:"name"`
	}
	if json.Unmarshal(body, &said) != nil || said.Key == "" {
		return carrier.Explained{}
	}
	x := carrier.Explained{Text: strings.TrimSpace(strings.ReplaceAll(said.Key, "_", " ") + " " + said.Name)}
	switch key := strings.ToLower(said.Key); {
	case strings.Contains(key, "not_found"):
		x.Kind = carrier.KindNotFound
	case strings.Contains(key, "direction"), strings.Contains(key, "not_available"):
		x.Kind = carrier.KindNotServiceable
	}
	return x
}

// Name is "haypost".
func (h *HayPost) Name() string { return Name }

// service is a category and direction of HayPost's, by its number there.
type service struct {
	carrier.Service
	number int
}

// services are those for parcels and what is sent like them.
var services = []service{
	{carrier.Service{Code: "sprint_simple", Name: "Sprint", Level: carrier.Express}, 97},
	{carrier.Service{Code: "parcel_simple", Name: "Parcel", Level: carrier.Standard}, 94},
	{carrier.Service{Code: "parcel_valued", Name: "Parcel with declared value", Level: carrier.Standard}, 95},
	{carrier.Service{Code: "package_simple", Name: "Small packet", Level: carrier.Economy}, 92},
	{carrier.Service{Code: "package_ordered", Name: "Registered small packet", Level: carrier.Economy}, 93},
	{carrier.Service{Code: "package_valued", Name: "Small packet with declared value", Level: carrier.Economy}, 100},
}

// usual are the services that are priced when none is named: each costs a call.
var usual = []string{"sprint_simple", "parcel_simple", "package_simple"}

func find(code string) (service, bool) {
	for _, s := range services {
		if s.Code == code {
			return s, true
		}
	}
	return service{}, false
}

// Capabilities is what HayPost can do.
func (h *HayPost) Capabilities() carrier.Capabilities {
	all := make([]carrier.Service, len(services))
	for i, s := range services {
		all[i] = s.Service
	}
	return carrier.Capabilities{
		Services: all, Formats: []carrier.Format{carrier.PDF, carrier.ZPL}, Returns: true, MostParcelG: 30_000, Countries: []string{"AM"},
	}
}

// Void fails: HayPost's API takes no order back.
func (h *HayPost) Void(context.Context, carrier.LabelRef) error {
	return h.client.Fail("void", carrier.KindUnsupported, "", "HayPost takes no order back; an order that is not handed in costs nothing")
}

// ParseWebhook fails: HayPost does not call.
func (h *HayPost) ParseWebhook(http.Header, []byte) ([]carrier.Tracked, error) {
	return nil, h.client.Fail("webhook", carrier.KindUnsupported, "", "HayPost sends no webhooks")
}
