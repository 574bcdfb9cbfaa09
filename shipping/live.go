package shipping

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/policy"
	"doorstep/shipping/rating"
)

// CodeNotLinked says that a policy names a carrier account that the merchant
// does not have, has disabled, or has given no address to send from.
const CodeNotLinked = "carrier_not_linked"

// mostWait bounds what a policy may ask a shopper to wait for carriers: routes
// have to answer in five seconds.
const mostWait = 4 * time.Second

// needsPostcode are the countries whose post does not deliver without a
// postcode. Elsewhere it is welcome and not asked for: many countries have
// none (UPU, Universal POST*CODE DataBase, country pages).
var needsPostcode = []string{
	"AT", "AU", "BE", "BG", "BR", "CA", "CH", "CN", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IN", "IT",
	"JP", "KR", "LT", "LU", "LV", "MT", "NL", "NO", "NZ", "PL", "PT", "RO", "RU", "SE", "SG", "SI", "SK", "TR", "UA", "US",
}

// NeedsPostcode says whether nothing is delivered in that country without a
// postcode.
func NeedsPostcode(country string) bool { return slices.Contains(needsPostcode, country) }

// Hear asks carriers for the live prices that the policy needs for a request,
// within its deadline. It cannot fail: what could not be had is in the record
// with its reason. A policy without live prices gives nil at once.
func (s *Service) Hear(ctx context.Context, merchant uuid.UUID, p *policy.Policy, r policy.Request) *policy.Recorded {
	if p == nil || !p.Live() || s.Rater == nil {
		return nil
	}
	if r.Now.IsZero() {
		r.Now = s.DB.Now()
	}
	needs := p.Needs(r)
	if len(needs) == 0 {
		return nil
	}
	out := &policy.Recorded{At: r.Now, Policy: p.Hash(), Heard: make([]policy.Heard, len(needs))}
	patience := rating.Patience{Deadline: min(p.Deadline(), mostWait)}
	patience.Failures, patience.Open = p.Breaker()
	ctx, cancel := context.WithTimeout(ctx, patience.Deadline)
	defer cancel()
	linked := s.linked(ctx, merchant)
	var asks []rating.Ask
	var of []int // the need of each ask
	for i := range needs {
		n := &needs[i]
		h := &out.Heard[i]
		h.Key, h.Carrier, h.Origin = n.Key, n.Carrier, n.Origin
		if h.Field = lacking(n, &r); h.Field != "" {
			h.Code = policy.CodeInsufficientData
			continue
		}
		ask, code := s.question(linked, p, n, &r)
		if h.Code = code; code == "" {
			asks, of = append(asks, ask), append(of, i)
		}
	}
	for i, a := range s.Rater.Rate(ctx, patience, asks) {
		note(&out.Heard[of[i]], &needs[of[i]], &a, asks[i].Account.Carrier)
	}
	return out
}

// heard is what Hear has recorded.
func heard(r *policy.Recorded) []policy.Heard {
	if r == nil {
		return nil
	}
	return r.Heard
}

// lacking names the fact without which no carrier can answer.
func lacking(n *policy.Need, r *policy.Request) string {
	if n.Lacks == "" && r.Dest.Postcode == "" && NeedsPostcode(r.Dest.Country) {
		return "dest.postcode"
	}
	return n.Lacks
}

// linked are the merchant's enabled accounts by their code.
func (s *Service) linked(ctx context.Context, merchant uuid.UUID) map[string]*Account {
	if s.Accounts == nil {
		return nil
	}
	all, err := s.Accounts.List(ctx, merchant)
	if err != nil {
		s.Accounts.Log.ErrorContext(ctx, "carrier accounts cannot be read", "merchant", merchant, "error", err)
	}
	byCode := make(map[string]*Account, len(all))
	for i := range all {
		if all[i].Enabled {
			byCode[all[i].Code] = &all[i]
		}
	}
	return byCode
}

// Linked are the codes of the merchant's accounts that are not switched off.
func (s *Service) Linked(ctx context.Context, merchant uuid.UUID) ([]string, error) {
	codes := []string{}
	if s.Accounts == nil {
		return codes, nil
	}
	all, err := s.Accounts.List(ctx, merchant)
	for i := range all {
		if all[i].Enabled {
			codes = append(codes, all[i].Code)
		}
	}
	return codes, err
}

// question puts a need to the account that the policy names, or says why not.
func (s *Service) question(linked map[string]*Account, p *policy.Policy, n *policy.Need, r *policy.Request) (rating.Ask, string) {
	a := linked[n.Carrier]
	if a == nil {
		return rating.Ask{}, CodeNotLinked
	}
	from, ok := a.From(n.Origin)
	if !ok || (n.Country != "" && from.Country != n.Country) {
		return rating.Ask{}, CodeNotLinked
	}
	c, err := s.Accounts.carrier(a)
	if err != nil {
		s.Accounts.Log.Error("a carrier account cannot be opened", "account", a.ID, "error", err)
		return rating.Ask{}, policy.CodeCarrierError
	}
	ask := rating.Ask{
		Account: rating.Account{ID: a.ID, Version: a.Version, Carrier: c, Timeout: time.Duration(a.TimeoutMS) * time.Millisecond},
		Request: carrier.RateRequest{From: from, To: recipient(r), ShipAt: r.Now, Currency: p.Currency()},
	}
	if day, err := time.Parse(time.DateOnly, r.ShipDate); err == nil {
		ask.Request.ShipAt = day.Add(12 * time.Hour)
	}
	if day, err := time.Parse(time.DateOnly, n.PricesFrom); err == nil {
		ask.Since = day
	}
	if !slices.Contains(n.Services, "") {
		ask.Request.Services = n.Services
	}
	currency := r.Currency
	if currency == "" {
		currency = p.Currency()
	}
	items, worth := contents(n.Items, currency)
	for i := range n.Parcels {
		ask.Request.Parcels = append(ask.Request.Parcels, carrier.Parcel{
			LengthMM: n.Parcels[i].LengthMM, WidthMM: n.Parcels[i].WidthMM, HeightMM: n.Parcels[i].HeightMM, WeightG: n.Parcels[i].WeightG,
		})
	}
	if len(ask.Request.Parcels) == 1 {
		ask.Request.Parcels[0].Items, ask.Request.Parcels[0].Value = items, money.Of(worth, currency)
	}
	if ask.Request.To.Country != from.Country {
		ask.Request.Customs = &carrier.Customs{ContentType: "sale_of_goods", Incoterm: incoterm(p, r), Items: items}
	}
	return ask, ""
}

// incoterm is who pays duty: as the request says, else the policy.
func incoterm(p *policy.Policy, r *policy.Request) string {
	if r.Incoterm != "" {
		return r.Incoterm
	}
	term, _, _ := p.Terms()
	return string(term)
}

// recipient is the place as it is known: a price depends on no name.
func recipient(r *policy.Request) carrier.Address {
	d := &r.Dest
	return carrier.Address{
		Line1: d.Address1, City: d.City, Region: d.Region, Postcode: d.Postcode, Country: d.Country, Residential: d.Residential != nil && *d.Residential,
	}
}

// contents are the goods as customs would hear of them, and what they are worth.
func contents(goods []policy.Item, currency string) (items []carrier.Item, worth int64) {
	for i := range goods {
		it := &goods[i]
		one := carrier.Item{
			SKU: it.SKU, Description: it.SKU, Quantity: it.Quantity, UnitValue: money.Of(it.UnitPrice, currency), HSCode: it.HS, OriginCountry: it.OriginCountry,
		}
		if it.WeightG != nil {
			one.NetG = *it.WeightG
		}
		items = append(items, one)
		worth += it.UnitPrice * it.Quantity
	}
	return items, worth
}

// note puts an answer into the record.
func note(h *policy.Heard, n *policy.Need, a *rating.Answer, c carrier.Carrier) {
	h.Code, h.Source, h.AgeS, h.LatencyMS = a.Code, a.Source, int64(a.Age/time.Second), a.Latency.Milliseconds()
	for i := range a.Rates {
		r := &a.Rates[i]
		by := ""
		if r.Carrier != c.Name() {
			by = r.Carrier
		}
		h.Rates = append(h.Rates, policy.LiveRate{
			Service: r.Service, Carrier: by, Level: string(r.Level), Amount: r.Total.Minor, Currency: r.Total.Currency, TransitDays: int64(max(r.TransitDays, 0)),
		})
	}
	for _, service := range c.Capabilities().Services {
		if slices.Contains(n.Services, service.Code) && service.Level != "" {
			if h.Levels == nil {
				h.Levels = map[string]string{}
			}
			h.Levels[service.Code] = string(service.Level)
		}
	}
}
