package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/money"

	"github.com/google/uuid"
)

// settings is all that these routes ask of their room.
type settings interface {
	Settings(ctx context.Context, merchant uuid.UUID) (customer.Settings, int64, error)
	UpdateSettings(ctx context.Context, merchant uuid.UUID, ifVersion *int64, patch func(*customer.Settings) error) (customer.Settings, int64, error)
}

// locations keeps the places that stock is at.
type locations interface {
	Locations(ctx context.Context, merchant uuid.UUID) ([]catalog.Location, error)
	SaveLocation(ctx context.Context, merchant uuid.UUID, l catalog.Location) (catalog.Location, error)
}

// Settings is what a merchant decides about the shop.
type Settings struct {
	Version          int64              `json:"version"`
	Name             string             `json:"name"`
	Countries        []string           `json:"countries" doc:"Where the shop ships, ISO 3166-1 alpha-2; empty is everywhere"`
	Currencies       []string           `json:"currencies" doc:"The first is the default"`
	Languages        []string           `json:"languages" doc:"The first is the default"`
	Timezone         string             `json:"timezone" example:"Asia/Yerevan"`
	PricesIncludeTax bool               `json:"prices_include_tax"`
	ReturnWindowDays int64              `json:"return_window_days"`
	Card             CardMethod         `json:"card"`
	BankTransfer     BankTransferMethod `json:"bank_transfer"`
	CashOnDelivery   CashMethod         `json:"cash_on_delivery"`
	Sender           MailSender         `json:"sender"`
	Trust            TrustFacts         `json:"trust"`
	Seller           SellerOnPaper      `json:"seller"`
}

// CardMethod is about payment by card.
type CardMethod struct {
	Enabled bool `json:"enabled"`
}

// BankTransferMethod is about payment by bank transfer.
type BankTransferMethod struct {
	Enabled      bool     `json:"enabled"`
	Countries    []string `json:"countries,omitempty" maxItems:"300" maxLength:"2" example:"AM" doc:"Where it is offered; empty is everywhere"`
	AccountLines []string `json:"account_lines,omitempty" maxItems:"10" maxLength:"200" example:"Ani Petrosyan,AM12 0000 0000 0000" doc:"Shown to the buyer as they stand: holder, IBAN, bank"`
	DueDays      int64    `json:"due_days" minimum:"1" maximum:"60" example:"7" doc:"After that an unpaid order is canceled"`
}

// CashMethod is about payment to the courier.
type CashMethod struct {
	Enabled   bool     `json:"enabled"`
	Countries []string `json:"countries,omitempty" maxItems:"300" maxLength:"2" example:"AM" doc:"Where it is offered; empty is everywhere"`
	MaxTotals []Money  `json:"max_totals,omitempty" maxItems:"200" doc:"One per currency; a currency that is absent has no limit"`
	Fees      []Money  `json:"fees,omitempty" maxItems:"200" doc:"One per currency; a currency that is absent is free"`
}

// MailSender is how mails to customers are signed.
type MailSender struct {
	Name    string `json:"name,omitempty" maxLength:"200" example:"Ani's Mugs"`
	Email   string `json:"email,omitempty" maxLength:"254" example:"shop@example.com"`
	ReplyTo string `json:"reply_to,omitempty" maxLength:"254" example:"help@example.com"`
}

// SellerOnPaper is who sells, as it stands on invoices.
type SellerOnPaper struct {
	Name    string   `json:"name,omitempty" maxLength:"200" example:"Ani's Mugs LLC" doc:"In law; the shop's name when absent"`
	Address []string `json:"address,omitempty" maxItems:"8" maxLength:"200" example:"Abovyan 12,0001 Yerevan,Armenia" doc:"Line by line"`
	TaxID   string   `json:"tax_id,omitempty" maxLength:"60" example:"01234567"`
}

// TrustFacts is what the merchant states about the shop; only what is true.
type TrustFacts struct {
	Policies  []ShopPolicy `json:"policies,omitempty" maxItems:"5"`
	CheckedOn string       `json:"checked_on,omitempty" maxLength:"10" example:"2026-11-02" doc:"When somebody last checked the links"`
}

// ShopPolicy is a document to read before paying.
type ShopPolicy struct {
	Kind string `json:"kind" enum:"returns,privacy,terms,shipping,imprint"`
	URL  string `json:"url" maxLength:"2000" example:"https://shop.example/returns"`
}

// SettingsPatch changes what it names and leaves the rest; a part such as sender
// is replaced as a whole.
type SettingsPatch struct {
	Name             *string             `json:"name,omitempty" minLength:"1" maxLength:"200" example:"Ani's Mugs"`
	Countries        *[]string           `json:"countries,omitempty" maxItems:"300" maxLength:"2" example:"AM,KH"`
	Currencies       *[]string           `json:"currencies,omitempty" minItems:"1" maxItems:"200" maxLength:"3" example:"EUR,AMD"`
	Languages        *[]string           `json:"languages,omitempty" minItems:"1" maxItems:"3" enum:"en,hy,km"`
	Timezone         *string             `json:"timezone,omitempty" minLength:"1" maxLength:"64" example:"Asia/Yerevan"`
	PricesIncludeTax *bool               `json:"prices_include_tax,omitempty"`
	ReturnWindowDays *int64              `json:"return_window_days,omitempty" minimum:"0" maximum:"365"`
	Card             *CardMethod         `json:"card,omitempty"`
	BankTransfer     *BankTransferMethod `json:"bank_transfer,omitempty"`
	CashOnDelivery   *CashMethod         `json:"cash_on_delivery,omitempty"`
	Sender           *MailSender         `json:"sender,omitempty"`
	Trust            *TrustFacts         `json:"trust,omitempty"`
	Seller           *SellerOnPaper      `json:"seller,omitempty"`
}

func settingsOf(s customer.Settings, version int64) Settings {
	b := Settings{
		Version: version, Name: s.Name, Countries: orEmpty(s.Countries), Currencies: orEmpty(s.Currencies), Languages: orEmpty(s.Languages), Timezone: s.Timezone,
		PricesIncludeTax: s.PricesIncludeTax, ReturnWindowDays: s.ReturnWindowDays, Card: CardMethod(s.Card),
		BankTransfer: BankTransferMethod(s.BankTransfer),
		CashOnDelivery: CashMethod{
			Enabled: s.CashOnDelivery.Enabled, Countries: s.CashOnDelivery.Countries,
			MaxTotals: moneysOf(s.CashOnDelivery.MaxTotals), Fees: moneysOf(s.CashOnDelivery.Fees),
		},
		Sender: MailSender(s.Sender), Trust: TrustFacts{CheckedOn: s.Trust.CheckedOn},
		Seller: SellerOnPaper(s.Seller),
	}
	for _, p := range s.Trust.Policies {
		b.Trust.Policies = append(b.Trust.Policies, ShopPolicy(p))
	}
	return b
}

// apply changes what the patch names.
func (p *SettingsPatch) apply(s *customer.Settings) {
	put(&s.Name, p.Name)
	put(&s.Countries, p.Countries)
	put(&s.Currencies, p.Currencies)
	put(&s.Languages, p.Languages)
	put(&s.Timezone, p.Timezone)
	put(&s.PricesIncludeTax, p.PricesIncludeTax)
	put(&s.ReturnWindowDays, p.ReturnWindowDays)
	if p.Card != nil {
		s.Card = customer.CardSettings(*p.Card)
	}
	if p.BankTransfer != nil {
		s.BankTransfer = customer.BankTransfer(*p.BankTransfer)
	}
	if c := p.CashOnDelivery; c != nil {
		s.CashOnDelivery = customer.CashOnDelivery{Enabled: c.Enabled, Countries: c.Countries, MaxTotals: amountsOf(c.MaxTotals), Fees: amountsOf(c.Fees)}
	}
	if p.Sender != nil {
		s.Sender = customer.Sender(*p.Sender)
	}
	if p.Seller != nil {
		s.Seller = customer.Seller(*p.Seller)
	}
	if p.Trust != nil {
		s.Trust = customer.Trust{CheckedOn: p.Trust.CheckedOn}
		for _, l := range p.Trust.Policies {
			s.Trust.Policies = append(s.Trust.Policies, customer.PolicyLink(l))
		}
	}
}

// put sets what is given.
func put[T any](field, given *T) {
	if given != nil {
		*field = *given
	}
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func moneysOf(amounts []money.Amount) []Money {
	all := make([]Money, 0, len(amounts))
	for _, a := range amounts {
		all = append(all, moneyOf(a.Minor, a.Currency))
	}
	return all
}

// amountsOf leaves the check of currencies to the room, which names the place.
func amountsOf(list []Money) []money.Amount {
	all := make([]money.Amount, 0, len(list))
	for _, m := range list {
		all = append(all, money.Of(m.Amount, m.Currency))
	}
	return all
}

type settingsOut struct {
	ETag string `header:"ETag"`
	Body Settings
}

func theSettings(s customer.Settings, version int64, err error) (*settingsOut, error) {
	if err != nil {
		return nil, err
	}
	return &settingsOut{ETag: etag(version), Body: settingsOf(s, version)}, nil
}

type patchSettingsIn struct {
	IfMatch
	Body SettingsPatch
}

func registerSettings(s *Server, svc settings) {
	handle(s, Route{
		ID: "read-settings", Method: http.MethodGet, Path: "/v1/settings", Tag: "settings", Summary: "Read what the merchant has decided about the shop",
		Auth: secret("settings:read"),
	}, func(ctx context.Context, _ *struct{}) (*settingsOut, error) {
		return theSettings(svc.Settings(ctx, caller(ctx).Merchant))
	})
	handle(s, Route{
		ID: "change-settings", Method: http.MethodPatch, Path: "/v1/settings", Tag: "settings", Summary: "Change some settings of the shop",
		Auth: secret("settings:write"), Errors: []*fault.Error{customer.ErrSettings, customer.ErrVersion},
	}, func(ctx context.Context, in *patchSettingsIn) (*settingsOut, error) {
		base, err := in.baseOr()
		if err != nil {
			return nil, err
		}
		return theSettings(svc.UpdateSettings(ctx, caller(ctx).Merchant, base, func(set *customer.Settings) error {
			before := settingsOf(*set, 0)
			in.Body.apply(set)
			return noteChange(ctx, before, settingsOf(*set, 0))
		}))
	})
}

// StockLocation is a place that keeps stock and sends parcels.
type StockLocation struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Code      string    `json:"code" example:"MAIN"`
	Name      string    `json:"name"`
	Country   string    `json:"country" doc:"ISO 3166-1 alpha-2; ZZ is unknown"`
	Timezone  string    `json:"timezone"`
	Priority  int       `json:"priority"`
	Active    bool      `json:"active"`
	CreatedAt time.Time `json:"created_at"`
}

func stockLocationOf(l catalog.Location) StockLocation {
	return StockLocation{
		ID: l.ID, Code: l.Code, Name: l.Name, Country: l.Country, Timezone: l.Timezone, Priority: l.Priority, Active: l.Active, CreatedAt: l.CreatedAt,
	}
}

// LocationForm is what a stock location is made of.
type LocationForm struct {
	Code     string `json:"code" minLength:"1" maxLength:"200" example:"MAIN" doc:"Short name, unique within the shop, as in stock files"`
	Name     string `json:"name" minLength:"1" maxLength:"200" example:"Yerevan"`
	Country  string `json:"country" minLength:"2" maxLength:"2" pattern:"^[A-Za-z]{2}$" example:"AM"`
	Timezone string `json:"timezone,omitempty" maxLength:"64" default:"UTC" example:"Asia/Yerevan"`
	Priority int    `json:"priority,omitempty" minimum:"0" maximum:"1000000" doc:"Lower ships first"`
	Active   *bool  `json:"active,omitempty" doc:"True when absent; inactive ones keep their stock and sell nothing"`
}

func (f *LocationForm) value(id uuid.UUID) catalog.Location {
	return catalog.Location{
		ID: id, Code: f.Code, Name: f.Name, Country: f.Country, Timezone: f.Timezone, Priority: f.Priority, Active: f.Active == nil || *f.Active,
	}
}

type addLocationIn struct {
	Body LocationForm
}

type saveLocationIn struct {
	ByID
	Body LocationForm
}

type locationOut struct {
	Body StockLocation
}

func oneLocation(l catalog.Location, err error) (*locationOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &locationOut{Body: stockLocationOf(l)}, nil
}

func registerLocations(s *Server, svc locations) {
	faults := []*fault.Error{catalog.ErrInvalid, catalog.ErrLocationNotFound, catalog.ErrLocationTaken}
	handle(s, Route{
		ID: "list-locations", Method: http.MethodGet, Path: "/v1/locations", Tag: "settings", Summary: "List the places that keep stock, the first to ship from first",
		Auth: secret("stock:read"),
	}, func(ctx context.Context, _ *struct{}) (*listOut[StockLocation], error) {
		all, err := svc.Locations(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", stockLocationOf), nil
	})
	handle(s, Route{
		ID: "add-location", Method: http.MethodPost, Path: "/v1/locations", Status: http.StatusCreated, Tag: "settings", Summary: "Add a place that keeps stock",
		Auth: secret("stock:write"), Errors: faults,
	}, func(ctx context.Context, in *addLocationIn) (*locationOut, error) {
		return oneLocation(svc.SaveLocation(ctx, caller(ctx).Merchant, in.Body.value(uuid.Nil)))
	})
	handle(s, Route{
		ID: "save-location", Method: http.MethodPut, Path: "/v1/locations/{id}", Tag: "settings", Summary: "Change a place that keeps stock",
		Auth: secret("stock:write"), Errors: faults,
	}, func(ctx context.Context, in *saveLocationIn) (*locationOut, error) {
		if in.ID == uuid.Nil { // that would be a new one
			return nil, catalog.ErrLocationNotFound
		}
		return oneLocation(svc.SaveLocation(ctx, caller(ctx).Merchant, in.Body.value(in.ID)))
	})
}
