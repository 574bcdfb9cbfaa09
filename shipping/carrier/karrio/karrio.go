// Package karrio ships with the thirty-odd carriers that a Karrio server links,
// by its REST API, version 1: rates, labels, cancelling, trackers, webhooks. A
// service has Karrio's name, such as "canadapost_priority".
package karrio

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// name is the carrier's in settings, policies and errors.
const name = "karrio"

// API is where Karrio's own servers answer, when Settings do not say.
const API = "https://api.karrio.io"

// Settings are one account.
type Settings struct {
	BaseURL string // API when empty; usually a server of the shop's own
	APIKey  string // "key_..."
	// WebhookSecret is the secret of the webhook at Karrio, which comes along as
	// X-Event-Id; without one, no webhook is believed.
	WebhookSecret string
	// Accounts are the carrier_ids of the connections to use; all when empty.
	Accounts []string
	// Transport carries the calls; nil is the one that carriers share.
	Transport http.RoundTripper
}

// Karrio is one account. It is safe for concurrent use.
type Karrio struct {
	settings Settings
	client   *carrier.Client
}

var (
	_ carrier.Carrier = (*Karrio)(nil)
	_ carrier.Finder  = (*Karrio)(nil)
	_ carrier.Coder   = (*Karrio)(nil)
)

// New makes the adapter of an account.
func New(s Settings, c clock.Clock) *Karrio {
	if s.BaseURL == "" {
		s.BaseURL = API
	}
	return &Karrio{settings: s, client: &carrier.Client{
		Carrier: name, Base: s.BaseURL, Clock: c, Transport: s.Transport, Header: http.Header{"Authorization": {"Token " + s.APIKey}},
		Secrets: []string{s.APIKey, s.WebhookSecret}, Explain: explain,
	}}
}

// Name is "karrio".
func (k *Karrio) Name() string { return name }

// Capabilities is what Karrio can do. Which services there are depends on the
// carriers that the server links, so none are listed; the same goes for parcels
// that travel as one shipment, which are bought one by one here.
func (k *Karrio) Capabilities() carrier.Capabilities {
	return carrier.Capabilities{
		Webhooks: k.settings.WebhookSecret != "", IdempotentBuy: true, Returns: true, CashOnDelivery: true, Insurance: true, Signature: true, DDP: true,
		Formats: []carrier.Format{carrier.PDF, carrier.ZPL, carrier.PNG},
	}
}

// message is what Karrio says of one carrier behind it.
type message struct {
	Message *string `json:"message"`
	Code    *string `json:"code"`
	Name    *string `json:"carrier_name"`
	ID      *string `json:"carrier_id"`
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (m message) text() string { return strings.TrimSpace(text(m.Code) + " " + text(m.Message)) }

// explain reads Karrio's errors, or, with status 424, those of the carriers
// behind it.
func explain(status int, body []byte) carrier.Explained {
	var said struct {
		Errors   []message `json:"errors"`
		Messages []message `json:"messages"`
	}
	_ = json.Unmarshal(body, &said) // a body that cannot be read explains nothing
	all := slices.Concat(said.Errors, said.Messages)
	if len(all) == 0 {
		return carrier.Explained{}
	}
	x := carrier.Explained{Text: strings.TrimSpace(text(all[0].Name) + " " + all[0].text())}
	if status == http.StatusFailedDependency {
		x.Kind = kind(x.Text)
	}
	return x
}

// kind guesses from its text why a carrier behind Karrio refused; codes there
// are each carrier's own.
func kind(said string) carrier.Kind {
	said = strings.ToLower(said)
	for _, k := range []struct {
		kind  carrier.Kind
		words []string
	}{
		{carrier.KindAuth, []string{"credential", "authent", "authoriz", "api key", "access denied"}},
		{carrier.KindTimeout, []string{"timed out", "timeout"}},
		{carrier.KindUpstream, []string{"internal error", "unavailable at this moment", "connection", "_sdk_", "server error"}},
		{carrier.KindInvalid, []string{"required", "invalid", "missing"}},
	} {
		for _, word := range k.words {
			if strings.Contains(said, word) {
				return k.kind
			}
		}
	}
	return carrier.KindNotServiceable
}

// address is Karrio's.
type address struct {
	Person      string `json:"person_name,omitempty"`
	Company     string `json:"company_name,omitempty"`
	Line1       string `json:"address_line1,omitempty"`
	Line2       string `json:"address_line2,omitempty"`
	City        string `json:"city,omitempty"`
	State       string `json:"state_code,omitempty"`
	Postcode    string `json:"postal_code,omitempty"`
	Country     string `json:"country_code"`
	Phone       string `json:"phone_number,omitempty"`
	Email       string `json:"email,omitempty"`
	Residential bool   `json:"residential,omitempty"`
	TaxID       string `json:"federal_tax_id,omitempty"`
}

func to(a carrier.Address) address {
	tax := a.TaxID
	if tax == "" {
		tax = a.VAT
	}
	return address{a.Name, a.Company, a.Line1, a.Line2, a.City, a.Region, a.Postcode, a.Country, a.Phone, a.Email, a.Residential, tax}
}

type commodity struct {
	Title    string          `json:"title,omitempty"`
	Quantity int64           `json:"quantity"`
	SKU      string          `json:"sku,omitempty"`
	HSCode   string          `json:"hs_code,omitempty"`
	Value    carrier.Decimal `json:"value_amount"` // of one piece
	Currency string          `json:"value_currency,omitempty"`
	Weight   carrier.Decimal `json:"weight"` // of one piece
	Unit     string          `json:"weight_unit"`
	Origin   string          `json:"origin_country,omitempty"`
}

func commodities(items []carrier.Item) []commodity {
	all := []commodity{}
	for _, i := range items {
		all = append(all, commodity{
			Title: i.Description, Quantity: i.Quantity, SKU: i.SKU, HSCode: i.HSCode, Value: carrier.Decimal(money.Decimal(i.UnitValue.Minor, i.UnitValue.Currency)),
			Currency: i.UnitValue.Currency, Weight: carrier.Decimal(carrier.Kilograms(i.NetG, 3, carrier.RoundUp)), Unit: "KG", Origin: i.OriginCountry,
		})
	}
	return all
}

// parcel is in kilograms and centimetres, which hold grams and millimetres exactly.
type parcel struct {
	Weight    carrier.Decimal `json:"weight"`
	Unit      string          `json:"weight_unit"`
	Length    carrier.Decimal `json:"length,omitempty"`
	Width     carrier.Decimal `json:"width,omitempty"`
	Height    carrier.Decimal `json:"height,omitempty"`
	Dimension string          `json:"dimension_unit,omitempty"`
	Reference string          `json:"reference_number,omitempty"`
	Items     []commodity     `json:"items"`
}

func pack(p carrier.Parcel) parcel {
	out := parcel{Weight: carrier.Decimal(carrier.Kilograms(p.WeightG, 3, carrier.RoundUp)), Unit: "KG", Reference: p.Reference, Items: commodities(p.Items)}
	if p.LengthMM > 0 && p.WidthMM > 0 && p.HeightMM > 0 {
		out.Length = carrier.Decimal(carrier.Centimetres(p.LengthMM, 1, carrier.RoundUp))
		out.Width = carrier.Decimal(carrier.Centimetres(p.WidthMM, 1, carrier.RoundUp))
		out.Height = carrier.Decimal(carrier.Centimetres(p.HeightMM, 1, carrier.RoundUp))
		out.Dimension = "CM"
	}
	return out
}

type duty struct {
	PaidBy string `json:"paid_by"`
}

type customs struct {
	ContentType string            `json:"content_type"`
	Incoterm    string            `json:"incoterm,omitempty"`
	Invoice     string            `json:"invoice,omitempty"`
	InvoiceDate string            `json:"invoice_date,omitempty"`
	Commercial  bool              `json:"commercial_invoice"`
	Certify     bool              `json:"certify"`
	Signer      string            `json:"signer,omitempty"`
	Duty        duty              `json:"duty"`
	Commodities []commodity       `json:"commodities"`
	Options     map[string]string `json:"options"`
}

// contents are Karrio's words for what is inside.
var contents = map[string]string{
	"sale_of_goods": "merchandise", "gift": "gift", "documents": "documents", "sample": "sample", "returned_goods": "return_merchandise",
}

func declare(c *carrier.Customs, signer string) *customs {
	if c == nil {
		return nil
	}
	out := &customs{
		ContentType: contents[c.ContentType], Incoterm: c.Incoterm, Invoice: c.InvoiceNumber, Commercial: true, Certify: true, Signer: signer,
		Duty: duty{"recipient"}, Commodities: commodities(c.Items), Options: map[string]string{},
	}
	if out.ContentType == "" {
		out.ContentType = "other"
	}
	if !c.InvoiceDate.IsZero() {
		out.InvoiceDate = c.InvoiceDate.Format("2006-01-02")
	}
	if c.Incoterm == "DDP" {
		out.Duty.PaidBy = "sender"
	}
	for option, value := range map[string]string{"ioss": c.IOSS, "eori_number": c.EORI, "aes": c.AES} {
		if value != "" {
			out.Options[option] = value
		}
	}
	return out
}

// question is what rates and shipments have in common.
type question struct {
	Shipper    address        `json:"shipper"`
	Recipient  address        `json:"recipient"`
	Parcels    []parcel       `json:"parcels"`
	Services   []string       `json:"services,omitempty"`
	Service    string         `json:"service,omitempty"`
	CarrierIDs []string       `json:"carrier_ids,omitempty"`
	Reference  string         `json:"reference,omitempty"`
	LabelType  string         `json:"label_type,omitempty"`
	IsReturn   bool           `json:"is_return,omitempty"`
	Customs    *customs       `json:"customs,omitempty"`
	Options    map[string]any `json:"options"`
}

func (k *Karrio) ask(r carrier.RateRequest) question {
	q := question{
		Shipper: to(r.From), Recipient: to(r.To), Services: r.Services, CarrierIDs: k.settings.Accounts, IsReturn: r.Options.Return,
		Customs: declare(r.Customs, r.From.Name), Options: map[string]any{},
	}
	for _, p := range r.Parcels {
		q.Parcels = append(q.Parcels, pack(p))
	}
	o := q.Options
	if r.Currency != "" {
		o["currency"] = r.Currency
	}
	if !r.ShipAt.IsZero() {
		o["shipping_date"] = r.ShipAt.Format("2006-01-02T15:04")
	}
	if r.Options.Signature || r.Options.AdultSignature {
		o["signature_confirmation"] = true
	}
	if r.Options.Saturday {
		o["saturday_delivery"] = true
	}
	if a := r.Options.Insurance; a.Minor > 0 {
		o["insurance"] = carrier.Decimal(money.Decimal(a.Minor, a.Currency))
	}
	if a := r.Options.CashOnDelivery; a.Minor > 0 {
		o["cash_on_delivery"] = carrier.Decimal(money.Decimal(a.Minor, a.Currency))
	}
	if r.Options.HazmatClass != "" {
		o["dangerous_good"] = true
	}
	return q
}
