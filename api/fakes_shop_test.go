package api

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/money"
	"doorstep/notify"
	"doorstep/pricing"
	"doorstep/shipping"
	"doorstep/shipping/customs"
	"doorstep/shipping/packing"
	"doorstep/shipping/policy"

	"github.com/google/uuid"
)

type fakeDeliveries struct{ *shop }

const aPolicy = `{"currency":"EUR","methods":[{"id":"standard","name":{"en":"Standard"},"price":{"type":"flat","amount":500}}]}`

func theVersion() *shipping.Version {
	return &shipping.Version{MerchantID: merchant, ID: thing, Version: 3, Status: shipping.Published, Document: json.RawMessage(aPolicy), Hash: canary, CreatedAt: noon, UpdatedAt: noon}
}

func (f fakeDeliveries) one(method string, m, id uuid.UUID, write bool) (*shipping.Version, error) {
	if err := f.known(method, m, id, write, shipping.ErrPolicyNotFound, nil); err != nil {
		return nil, err
	}
	return theVersion(), nil
}

func (f fakeDeliveries) Quote(_ context.Context, m uuid.UUID, r policy.Request) (policy.Answer, error) {
	if err := f.see("Quote", m, false, nil, r); err != nil || m != merchant {
		return policy.Answer{Options: []policy.Option{}, Hidden: []policy.Hidden{}, Code: policy.CodeNoMethod}, err
	}
	p, err := policy.Load([]byte(aPolicy))
	if err != nil {
		return policy.Answer{}, err
	}
	return p.Quote(r), nil
}

func (f fakeDeliveries) Weigh(_ context.Context, m uuid.UUID, q policy.BillableQuestion) (policy.BillableAnswer, error) {
	if err := f.see("Weigh", m, false, nil, q); err != nil {
		return policy.BillableAnswer{}, err
	}
	return policy.Billable(q)
}

func (f fakeDeliveries) MatchZones(_ context.Context, m uuid.UUID, document []byte, d policy.Dest) (policy.ZoneMatch, error) {
	if err := f.see("MatchZones", m, false, shipping.ErrPolicyNotFound, d); err != nil || document == nil {
		return policy.ZoneMatch{Zones: []string{}}, err
	}
	return policy.MatchZones(document, d)
}

func (f fakeDeliveries) PromiseFrom(_ context.Context, m uuid.UUID, o policy.Origin, at time.Time, t *policy.Transit) (policy.Promise, error) {
	if err := f.see("PromiseFrom", m, false, nil, o); err != nil {
		return policy.Promise{}, err
	}
	return policy.PromiseFrom(o, at, t)
}

func (f fakeDeliveries) Simulate(ctx context.Context, m uuid.UUID, sim shipping.Simulation) ([]policy.Answer, error) {
	if sim.Document != nil {
		if _, err := policy.Load(sim.Document); err != nil {
			return nil, err
		}
	}
	if err := f.see("Simulate", m, false, nil, sim); err != nil {
		return nil, err
	}
	answers := []policy.Answer{}
	for _, r := range sim.Requests {
		a, err := f.Quote(ctx, m, r)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
	}
	return answers, nil
}

func (f fakeDeliveries) NewDraft(_ context.Context, m uuid.UUID, document []byte) (*shipping.Version, error) {
	if _, err := policy.Load(document); err != nil {
		return nil, err
	}
	if err := f.see("NewDraft", m, true, nil, string(document)); err != nil {
		return nil, err
	}
	return &shipping.Version{MerchantID: m, ID: lineID, Version: 4, Status: shipping.Draft, Document: document, Hash: "new", CreatedAt: noon, UpdatedAt: noon}, nil
}

func (f fakeDeliveries) ReplaceDraft(_ context.Context, m, id uuid.UUID, document []byte) (*shipping.Version, error) {
	if _, err := policy.Load(document); err != nil {
		return nil, err
	}
	return f.one("ReplaceDraft", m, id, true)
}

func (f fakeDeliveries) DeleteDraft(_ context.Context, m, id uuid.UUID) error {
	_, err := f.one("DeleteDraft", m, id, true)
	return err
}

func (f fakeDeliveries) Publish(_ context.Context, m, id uuid.UUID) (*shipping.Version, error) {
	return f.one("Publish", m, id, true)
}

func (f fakeDeliveries) Versions(_ context.Context, m uuid.UUID) ([]shipping.Version, error) {
	if err := f.see("Versions", m, false, nil, nil); err != nil || m != merchant {
		return nil, err
	}
	v := *theVersion()
	v.Document = nil
	return []shipping.Version{v}, nil
}

func (f fakeDeliveries) Version(_ context.Context, m, id uuid.UUID) (*shipping.Version, error) {
	return f.one("Version", m, id, false)
}

func (f fakeDeliveries) Live(_ context.Context, m uuid.UUID) (*policy.Policy, int, error) {
	if err := f.see("Live", m, false, nil, nil); err != nil || m != merchant {
		return nil, 0, err
	}
	p, err := policy.Load([]byte(aPolicy))
	return p, 3, err
}

func (f fakeDeliveries) VersionNumber(_ context.Context, m uuid.UUID, _ int) (*shipping.Version, error) {
	return f.one("VersionNumber", m, thing, false)
}

func (f fakeDeliveries) Compare(from, to []byte, requests []policy.Request) (shipping.Difference, error) {
	for i := range requests {
		requests[i].Now = noon // the service would ask its clock
	}
	return (&shipping.Service{}).Compare(from, to, requests)
}

func (f fakeDeliveries) Linked(context.Context, uuid.UUID) ([]string, error) {
	return []string{"fedex"}, nil
}

func (f fakeDeliveries) LandedCost(_ context.Context, m uuid.UUID, r customs.Request) (customs.Estimate, error) {
	if err := f.see("LandedCost", m, false, nil, r); err != nil {
		return customs.Estimate{}, err
	}
	r.Date, r.Currency, r.Incoterm = cmp.Or(r.Date, "2026-11-02"), cmp.Or(r.Currency, "EUR"), cmp.Or(r.Incoterm, customs.DAP)
	return customs.Reckon(r)
}

func (f fakeDeliveries) Pack(_ context.Context, m uuid.UUID, boxes []packing.Box, items []packing.Item) (packing.Plan, error) {
	if err := f.see("Pack", m, false, nil, nil); err != nil {
		return packing.Plan{}, err
	}
	return packing.Pack(boxes, items, packing.Rules{OwnParcel: true})
}

type fakeSettings struct{ *shop }

func (f fakeSettings) Settings(_ context.Context, m uuid.UUID) (customer.Settings, int64, error) {
	if m != merchant {
		return customer.DefaultSettings("Another shop", "EUR"), 1, f.see("Settings", m, false, nil, nil)
	}
	return theSettingsOf(), 6, f.see("Settings", m, false, nil, nil)
}

func theSettingsOf() customer.Settings {
	s := customer.DefaultSettings("Mugs "+canary, "EUR")
	s.Sender = customer.Sender{Name: "The Mugs", ReplyTo: "help@shop.example"}
	s.CashOnDelivery = customer.CashOnDelivery{Enabled: true, Fees: []money.Amount{{Minor: 200, Currency: "EUR"}}}
	s.Trust = customer.Trust{Policies: []customer.PolicyLink{{Kind: "returns", URL: "https://shop.example/returns"}}, CheckedOn: "2026-02-01"}
	return s
}

func (f fakeSettings) UpdateSettings(_ context.Context, m uuid.UUID, base *int64, patch func(*customer.Settings) error) (customer.Settings, int64, error) {
	s := theSettingsOf()
	if err := patch(&s); err != nil {
		return s, 0, err
	}
	if err := s.Validate(); err != nil {
		return s, 0, err
	}
	if base != nil && *base != 6 {
		return s, 0, customer.ErrVersion
	}
	return s, 7, f.see("UpdateSettings", m, true, customer.ErrMerchantUnknown, s)
}

type fakeLocations struct{ *shop }

func (f fakeLocations) Locations(_ context.Context, m uuid.UUID) ([]catalog.Location, error) {
	if err := f.see("Locations", m, false, nil, nil); err != nil || m != merchant {
		return nil, err
	}
	return []catalog.Location{{ID: thing, Code: "MAIN", Name: canary, Country: "AM", Timezone: "Asia/Yerevan", Active: true, CreatedAt: noon}}, nil
}

func (f fakeLocations) SaveLocation(_ context.Context, m uuid.UUID, l catalog.Location) (catalog.Location, error) {
	if l.ID == uuid.Nil {
		l.ID = lineID
		return l, f.see("SaveLocation", m, true, nil, l)
	}
	return l, f.known("SaveLocation", m, l.ID, true, catalog.ErrLocationNotFound, l)
}

type fakePromotions struct{ *shop }

func thePromotion() pricing.Record {
	return pricing.Record{
		Promotion: pricing.Promotion{ID: thing, Name: map[string]string{"en": canary}, Kind: pricing.KindPercent, BPS: 1000, PublicCode: "WELCOME10"},
		Status:    pricing.StatusActive, Version: 2, CreatedAt: noon, UpdatedAt: noon,
	}
}

func (f fakePromotions) CreatePromotion(_ context.Context, m uuid.UUID, p pricing.Promotion) (pricing.Record, error) {
	if err := p.Validate(); err != nil {
		return pricing.Record{}, err
	}
	p.ID = lineID
	return pricing.Record{Promotion: p, Status: pricing.StatusActive, Version: 1, CreatedAt: noon, UpdatedAt: noon}, f.see("CreatePromotion", m, true, nil, p)
}

func (f fakePromotions) Promotion(_ context.Context, m, id uuid.UUID) (pricing.Record, error) {
	return thePromotion(), f.known("Promotion", m, id, false, pricing.ErrPromotionUnknown, nil)
}

func (f fakePromotions) Promotions(_ context.Context, m uuid.UUID, status string, _ int, _ string) ([]pricing.Record, string, error) {
	if err := f.see("Promotions", m, false, nil, status); err != nil || m != merchant {
		return nil, "", err
	}
	return []pricing.Record{thePromotion()}, "next", nil
}

func (f fakePromotions) UpdatePromotion(_ context.Context, m, id uuid.UUID, version int64, edit func(*pricing.Promotion) error) (pricing.Record, error) {
	r := thePromotion()
	if err := edit(&r.Promotion); err != nil {
		return r, err
	}
	if err := r.Validate(); err != nil {
		return r, err
	}
	if version != 0 && version != r.Version {
		return r, pricing.ErrVersion
	}
	return r, f.known("UpdatePromotion", m, id, true, pricing.ErrPromotionUnknown, r.Promotion)
}

func (f fakePromotions) ArchivePromotion(_ context.Context, m, id uuid.UUID, version int64) error {
	return f.known("ArchivePromotion", m, id, true, pricing.ErrPromotionUnknown, version)
}

func (f fakePromotions) AddCodes(_ context.Context, m, id uuid.UUID, codes []string, _ bool) error {
	return f.known("AddCodes", m, id, true, pricing.ErrPromotionUnknown, strings.Join(codes, " "))
}

func (f fakePromotions) GenerateCodes(_ context.Context, m, id uuid.UUID, n int, prefix string, _ bool) ([]string, error) {
	return []string{prefix + "RANDOM"}, f.known("GenerateCodes", m, id, true, pricing.ErrPromotionUnknown, n)
}

func (f fakePromotions) Codes(_ context.Context, m, id uuid.UUID, _ int, cursor string) ([]pricing.CodeRecord, string, error) {
	return []pricing.CodeRecord{{Code: canary, CreatedAt: noon}}, "", f.known("Codes", m, id, false, pricing.ErrPromotionUnknown, cursor)
}

func (f fakePromotions) DeleteCode(_ context.Context, m, id uuid.UUID, code string) error {
	return f.known("DeleteCode", m, id, true, pricing.ErrCodeUnknown, code)
}

type fakeTaxRates struct{ *shop }

func theRate() pricing.RateRecord {
	return pricing.RateRecord{
		TaxRate: pricing.TaxRate{ID: thing, Country: "AM", Class: "standard", Kind: "vat", Name: canary, RateBps: 2000}, Version: 2, CreatedAt: noon, UpdatedAt: noon,
	}
}

func (f fakeTaxRates) CreateTaxRate(_ context.Context, m uuid.UUID, r pricing.TaxRate) (pricing.RateRecord, error) {
	r.ID = lineID
	return pricing.RateRecord{TaxRate: r, Version: 1, CreatedAt: noon, UpdatedAt: noon}, f.see("CreateTaxRate", m, true, nil, r)
}

func (f fakeTaxRates) TaxRate(_ context.Context, m, id uuid.UUID) (pricing.RateRecord, error) {
	return theRate(), f.known("TaxRate", m, id, false, pricing.ErrTaxRateUnknown, nil)
}

func (f fakeTaxRates) TaxRates(_ context.Context, m uuid.UUID, country string, _ int, _ string) ([]pricing.RateRecord, string, error) {
	if err := f.see("TaxRates", m, false, nil, country); err != nil || m != merchant {
		return nil, "", err
	}
	return []pricing.RateRecord{theRate()}, "", nil
}

func (f fakeTaxRates) UpdateTaxRate(_ context.Context, m, id uuid.UUID, version int64, edit func(*pricing.TaxRate) error) (pricing.RateRecord, error) {
	r := theRate()
	if err := edit(&r.TaxRate); err != nil {
		return r, err
	}
	if version != 0 && version != r.Version {
		return r, pricing.ErrVersion
	}
	return r, f.known("UpdateTaxRate", m, id, true, pricing.ErrTaxRateUnknown, r.TaxRate)
}

func (f fakeTaxRates) DeleteTaxRate(_ context.Context, m, id uuid.UUID, version int64) error {
	return f.known("DeleteTaxRate", m, id, true, pricing.ErrTaxRateUnknown, version)
}

type fakeMails struct{}

func theMail() notify.CapturedMail {
	m := notify.CapturedMail{Merchant: merchant, ID: thing, Kind: "order_confirmation", To: "ani@example.com", CreatedAt: noon}
	m.Subject, m.HTML, m.Text = "Thanks <b>Ani</b>", "<p style=\"color:red\">Hello <script>alert(1)</script></p>", "Hello"
	return m
}

func (fakeMails) CapturedMails(context.Context, int) ([]notify.CapturedMail, error) {
	return []notify.CapturedMail{theMail()}, nil
}

func (fakeMails) CapturedMail(_ context.Context, id uuid.UUID) (notify.CapturedMail, error) {
	if id != thing {
		return notify.CapturedMail{}, notify.ErrNoMail
	}
	return theMail(), nil
}
