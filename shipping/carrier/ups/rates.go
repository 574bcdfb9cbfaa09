package ups

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// Codes of itemised charges that mean more to us than "surcharge".
const (
	fuelCharge     = "375"
	saturdayCharge = "300"
)

// priced is an amount in an answer; UPS leaves amounts out or empty at times.
type priced struct {
	Currency string          `json:"CurrencyCode"`
	Value    carrier.Decimal `json:"MonetaryValue"`
}

func (p *priced) amount() (money.Amount, bool) {
	if p == nil || p.Value == "" {
		return money.Amount{}, false
	}
	a, err := carrier.RoundAmount(string(p.Value), p.Currency)
	return a, err == nil
}

// item is a named part of a price.
type item struct {
	Code        string          `json:"Code"`
	Description string          `json:"Description"`
	SubType     string          `json:"SubType"`
	Currency    string          `json:"CurrencyCode"`
	Value       carrier.Decimal `json:"MonetaryValue"`
}

type tax struct {
	Type  string          `json:"Type"`
	Value carrier.Decimal `json:"MonetaryValue"`
}

type modifier struct {
	Kind   string          `json:"ModifierType"`
	Text   string          `json:"ModifierDesc"`
	Amount carrier.Decimal `json:"Amount"`
}

// negotiated is the account's own price. Total is called so in rates.
type negotiated struct {
	Base      many[priced]   `json:"BaseServiceCharge"`
	Items     many[item]     `json:"ItemizedCharges"`
	Modifiers many[modifier] `json:"RateModifier"`
	Taxes     many[tax]      `json:"TaxCharges"`
	Total     *priced        `json:"TotalCharge"`
	WithTaxes *priced        `json:"TotalChargesWithTaxes"`
}

// quoted is one priced service. The same service comes twice when it can be
// delivered on a Saturday: the dearer one does so.
type quoted struct {
	Service struct {
		Code string `json:"Code"`
	} `json:"Service"`
	Zone    string `json:"Zone"`
	Billing struct {
		Unit struct {
			Code string `json:"Code"`
		} `json:"UnitOfMeasurement"`
		Weight carrier.Decimal `json:"Weight"`
	} `json:"BillingWeight"`
	Transport  *priced      `json:"TransportationCharges"`
	Base       many[priced] `json:"BaseServiceCharge"`
	Items      many[item]   `json:"ItemizedCharges"`
	Taxes      many[tax]    `json:"TaxCharges"`
	Total      *priced      `json:"TotalCharges"`
	WithTaxes  *priced      `json:"TotalChargesWithTaxes"`
	Negotiated *negotiated  `json:"NegotiatedRateCharges"`
	Guaranteed *struct {
		Days carrier.Decimal `json:"BusinessDaysInTransit"`
	} `json:"GuaranteedDelivery"`
	Packages many[struct {
		Items      many[item] `json:"ItemizedCharges"`
		Negotiated *struct {
			Items     many[item]     `json:"ItemizedCharges"`
			Modifiers many[modifier] `json:"RateModifier"`
		} `json:"NegotiatedCharges"`
		Modifiers many[modifier] `json:"RateModifier"`
	}] `json:"RatedPackage"`
	Time *struct {
		Summary struct {
			Guaranteed *string `json:"GuaranteedIndicator"` // present, if empty, when it is
			Saturday   string  `json:"SaturdayDelivery"`
			Arrival    struct {
				At struct {
					Date string `json:"Date"`
					Time string `json:"Time"`
				} `json:"Arrival"`
				Days carrier.Decimal `json:"BusinessDaysInTransit"`
			} `json:"EstimatedArrival"`
		} `json:"ServiceSummary"`
	} `json:"TimeInTransit"`
}

type rateAnswer struct {
	Response *struct {
		Rated many[quoted] `json:"RatedShipment"`
	} `json:"RateResponse"`
}

// Rates asks for all services at once. Promised dates are the local ones of the
// destination, whose zone UPS does not say; they are written as UTC.
func (u *UPS) Rates(ctx context.Context, r carrier.RateRequest) (carrier.RateAnswer, error) {
	if err := u.refuse("rates", r.Parcels, r.Options); err != nil {
		return carrier.RateAnswer{}, err
	}
	question, err := u.rateQuestion(r)
	if err != nil {
		return carrier.RateAnswer{}, err
	}
	var said rateAnswer
	err = u.client.Do(ctx, carrier.Call{
		Name: "rates", Method: http.MethodPost, Path: "/api/rating/" + version + "/Shop",
		Query: url.Values{"additionalinfo": {"timeintransit"}}, JSON: question,
	}, &said)
	if err != nil {
		return carrier.RateAnswer{}, err
	}
	if said.Response == nil || len(said.Response.Rated) == 0 {
		return carrier.RateAnswer{}, u.client.Missing("rates", "RateResponse.RatedShipment")
	}
	return choose(said.Response.Rated, r), nil
}

func (u *UPS) rateQuestion(r carrier.RateRequest) (object, error) {
	w, err := spread(r.Options, r.Parcels, domestic(r.From, r.To))
	if err != nil {
		return nil, u.client.Fail("rates", carrier.KindInvalid, "options", "the amounts are too large")
	}
	shop := r.From
	if r.Options.Return {
		shop = r.To
	}
	shipper := party(shop)
	shipper["ShipperNumber"] = u.account
	shipment := object{
		"Shipper": shipper, "ShipFrom": party(r.From), "ShipTo": party(r.To),
		"PaymentDetails":          object{"ShipmentCharge": []object{{"Type": "01", "BillShipper": object{"AccountNumber": u.account}}}},
		"ShipmentRatingOptions":   object{"NegotiatedRatesIndicator": "Y"},
		"TaxInformationIndicator": "Y",
		"NumOfPieces":             strconv.Itoa(len(r.Parcels)),
		"ShipmentTotalWeight":     totalWeight(r.Parcels, imperial(r.From.Country)),
		"DeliveryTimeInformation": u.timing(r),
		"Package":                 ratePackages(r.Parcels, w, imperial(r.From.Country)),
	}
	if s := w.shipment(); s != nil {
		shipment["ShipmentServiceOptions"] = s
	}
	if r.Options.Return {
		options, _ := shipment["ShipmentServiceOptions"].(object)
		if options == nil {
			options = object{}
			shipment["ShipmentServiceOptions"] = options
		}
		options["ReturnService"] = object{"Code": "9"}
	}
	if !domestic(r.From, r.To) {
		shipment["InvoiceLineTotal"] = sum(goods(r))
	}
	return object{"RateRequest": object{
		"Request":    object{"TransactionReference": object{"CustomerContext": "rates"}},
		"PickupType": object{"Code": "01"}, // the van comes daily
		"Shipment":   shipment,
	}}, nil
}

// timing is when the parcels go, and 03: goods, not documents.
func (u *UPS) timing(r carrier.RateRequest) object {
	at := r.ShipAt
	if at.IsZero() {
		at = u.clock.Now()
	}
	return object{"PackageBillType": "03", "Pickup": object{"Date": at.Format("20060102")}}
}

func totalWeight(parcels []carrier.Parcel, us bool) object {
	var g int64
	for _, p := range parcels {
		g += p.WeightG
	}
	if us {
		return object{"UnitOfMeasurement": object{"Code": "LBS"}, "Weight": carrier.Pounds(g, 1, carrier.RoundUp)}
	}
	return object{"UnitOfMeasurement": object{"Code": "KGS"}, "Weight": carrier.Kilograms(g, 1, carrier.RoundUp)}
}

func ratePackages(parcels []carrier.Parcel, w wishes, us bool) []object {
	all := make([]object, len(parcels))
	for i, p := range parcels {
		all[i] = measured(p, us)
		all[i]["PackagingType"] = object{"Code": "02"} // the customer's own
		if s := w.parcel(i); s != nil {
			all[i]["PackageServiceOptions"] = s
		}
	}
	return all
}

// goods is what crosses the border, by the customs papers or by the parcels. UPS
// wants a sum before it prices anything; where none is known yet, a hundred
// dollars do, on which no price depends.
func goods(r carrier.RateRequest) money.Amount {
	items := make([]carrier.Item, len(r.Parcels))
	for i, p := range r.Parcels {
		items[i] = carrier.Item{Quantity: 1, UnitValue: p.Value}
	}
	if r.Customs != nil && len(r.Customs.Items) > 0 {
		items = r.Customs.Items
	}
	if total, ok := worth(items); ok && total.Minor > 0 {
		return total
	}
	return money.Of(100_00, "USD")
}

// worth is what the goods cost together, when they are of one currency.
func worth(items []carrier.Item) (money.Amount, bool) {
	var total money.Amount
	for i, it := range items {
		line, err := money.Mul(it.UnitValue.Minor, it.Quantity)
		if err != nil {
			return total, false
		}
		if i == 0 {
			total = money.Of(line, it.UnitValue.Currency)
			continue
		}
		if total, err = total.Add(money.Of(line, it.UnitValue.Currency)); err != nil {
			return total, false
		}
	}
	return total, len(items) > 0
}

// choose makes rates of what came: of a service that comes twice the one that
// is delivered on the days that were asked for, and then the cheaper one.
func choose(all []quoted, r carrier.RateRequest) carrier.RateAnswer {
	var answer carrier.RateAnswer
	at := map[string]int{}
	refused := map[string]carrier.Refusal{}
	for i := range all {
		q := &all[i]
		code := q.Service.Code
		if len(r.Services) > 0 && !slices.Contains(r.Services, code) {
			continue
		}
		rate, ok := q.rate()
		switch {
		case !ok:
			refused[code] = carrier.Refusal{Service: code, Kind: carrier.KindContract, Text: "a price without an amount"}
			continue
		case q.saturday() && !r.Options.Saturday:
			refused[code] = carrier.Refusal{Service: code, Kind: carrier.KindNotServiceable, Text: "only with delivery on Saturday"}
			continue
		case !q.saturday() && r.Options.Saturday:
			refused[code] = carrier.Refusal{Service: code, Kind: carrier.KindNotServiceable, Text: "not with delivery on Saturday"}
			continue
		}
		before, seen := at[code]
		switch {
		case !seen:
			at[code] = len(answer.Rates)
			answer.Rates = append(answer.Rates, rate)
		case answer.Rates[before].Total.Currency == rate.Total.Currency && rate.Total.Minor < answer.Rates[before].Total.Minor:
			answer.Rates[before] = rate
		}
	}
	for _, code := range r.Services {
		if _, said := refused[code]; !said {
			refused[code] = carrier.Refusal{Service: code, Kind: carrier.KindNotServiceable, Text: "not among the services that were offered"}
		}
	}
	for _, code := range sortedKeys(refused) {
		if _, priced := at[code]; !priced {
			answer.Refused = append(answer.Refused, refused[code])
		}
	}
	return answer
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// saturday tells whether this price is for delivery on a Saturday.
func (q *quoted) saturday() bool {
	if q.Time != nil && q.Time.Summary.Saturday == "1" {
		return true
	}
	return slices.ContainsFunc(q.Items, func(i item) bool { return i.Code == saturdayCharge })
}

// rate is a service's price: the account's own where there is one.
func (q *quoted) rate() (carrier.Rate, bool) {
	r := carrier.Rate{
		Carrier: Name, Service: q.Service.Code, Level: carrier.LevelOf(services, q.Service.Code, carrier.Standard), Zone: q.Zone, BillableG: q.billable(), ID: q.Service.Code,
	}
	before, ok := money.Amount{}, false
	var taxes many[tax]
	if n := q.Negotiated; n != nil {
		if before, ok = n.Total.amount(); ok {
			r.Negotiated, taxes, r.Total = true, n.Taxes, before
			if with, has := n.WithTaxes.amount(); has && with.Currency == before.Currency {
				r.Total = with
			}
		}
	}
	if !ok {
		if before, ok = q.Total.amount(); !ok {
			return r, false
		}
		taxes, r.Total = q.Taxes, before
		if with, has := q.WithTaxes.amount(); has && with.Currency == before.Currency {
			r.Total = with
		}
	}
	if r.Service == "" || r.Total.Minor < 0 {
		return r, false
	}
	charges := append(q.charges(r.Negotiated, before.Currency), taxed(taxes, before, r.Total)...)
	r.Charges = carrier.Settle(charges, r.Total)
	q.promise(&r)
	return r, true
}

// charges are the parts of a price before tax.
func (q *quoted) charges(own bool, currency string) []carrier.Charge {
	base, items := q.Base, q.Items
	var modifiers many[modifier]
	if own {
		base, items, modifiers = q.Negotiated.Base, q.Negotiated.Items, q.Negotiated.Modifiers
	}
	for _, p := range q.Packages {
		switch {
		case own && p.Negotiated != nil:
			items, modifiers = append(items, p.Negotiated.Items...), append(modifiers, p.Negotiated.Modifiers...)
		case !own:
			items, modifiers = append(items, p.Items...), append(modifiers, p.Modifiers...)
		}
	}
	var all []carrier.Charge
	for i := range base {
		if a, ok := base[i].amount(); ok {
			all = append(all, carrier.Charge{Kind: carrier.ChargeBase, Name: "base service", Amount: a})
		}
	}
	if a, ok := q.Transport.amount(); len(all) == 0 && !own && ok {
		return []carrier.Charge{{Kind: carrier.ChargeBase, Name: "transportation", Amount: a}}
	}
	for _, it := range items {
		if a, err := carrier.RoundAmount(string(it.Value), cmp.Or(it.Currency, currency)); err == nil {
			c := carrier.Charge{Kind: carrier.ChargeSurcharge, Name: cmp.Or(it.Description, it.SubType, "charge "+it.Code), Amount: a}
			if it.Code == fuelCharge {
				c.Kind, c.Name = carrier.ChargeFuel, "fuel"
			}
			all = append(all, c)
		}
	}
	for _, m := range modifiers {
		if a, err := carrier.RoundAmount(string(m.Amount), currency); err == nil {
			c := carrier.Charge{Kind: carrier.ChargeSurcharge, Name: cmp.Or(m.Text, m.Kind), Amount: a}
			if a.Minor < 0 {
				c.Kind = carrier.ChargeDiscount
			}
			all = append(all, c)
		}
	}
	return all
}

// taxed are the taxes by name when they make the difference between the sums
// without and with them; otherwise (UPS repeats some) the difference as one.
func taxed(taxes many[tax], without, with money.Amount) []carrier.Charge {
	all := with.Minor - without.Minor
	if all == 0 {
		return nil
	}
	left := all
	var named []carrier.Charge
	for _, t := range taxes {
		if a, err := carrier.RoundAmount(string(t.Value), with.Currency); err == nil {
			left -= a.Minor
			named = append(named, carrier.Charge{Kind: carrier.ChargeTax, Name: cmp.Or(t.Type, "tax"), Amount: a})
		}
	}
	if left != 0 {
		return []carrier.Charge{{Kind: carrier.ChargeTax, Name: "tax", Amount: money.Of(all, with.Currency)}}
	}
	return named
}

// billable is the weight that is paid for, in grams.
func (q *quoted) billable() int64 {
	read := carrier.FromKilograms
	if q.Billing.Unit.Code == "LBS" {
		read = carrier.FromPounds
	}
	g, err := read(string(q.Billing.Weight), carrier.RoundHalfUp)
	if err != nil || g < 0 {
		return 0
	}
	return g
}

// promise fills in when the parcels arrive.
func (q *quoted) promise(r *carrier.Rate) {
	r.Guaranteed = q.Guaranteed != nil
	if q.Guaranteed != nil {
		r.TransitDays = days(q.Guaranteed.Days)
	}
	if q.Time == nil {
		return
	}
	s := q.Time.Summary
	r.Guaranteed = r.Guaranteed || s.Guaranteed != nil
	if n := days(s.Arrival.Days); n > 0 {
		r.TransitDays = n
	}
	if at, err := time.Parse("20060102150405", s.Arrival.At.Date+s.Arrival.At.Time); err == nil {
		r.Promised = at
	} else if at, err := time.Parse("20060102", s.Arrival.At.Date); err == nil {
		r.Promised = at.Add(23*time.Hour + 59*time.Minute)
	}
}

// days reads a number of working days; 0 when there is none.
func days(d carrier.Decimal) int {
	n, err := strconv.Atoi(string(d))
	if err != nil || n < 0 || n > 365 {
		return 0
	}
	return n
}
