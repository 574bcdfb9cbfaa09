package usps

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// atOnce is how many questions are asked at the same time.
const atOnce = 4

// ownBox are the rate indicators of a shop's own packaging; the others are for
// flat-rate boxes and envelopes, bags, and mail that was sorted before.
var ownBox = []string{"SP", "PA", "CP", "DR", "DN", "OS", "LC", "LO"}

// option is one price of a mail class, with what was asked for on top.
type option struct {
	Commitment struct {
		Name       string `json:"name"`
		Scheduled  string `json:"scheduleDeliveryDate"`
		Expected   string `json:"expectedDeliveryDate"`
		Guaranteed bool   `json:"guaranteedDelivery"`
	} `json:"commitment"`
	Total carrier.Decimal `json:"totalPrice"` // left out at times
	Base  carrier.Decimal `json:"totalBasePrice"`
	Rates []struct {
		Description string          `json:"description"`
		Price       carrier.Decimal `json:"price"`
		Zone        string          `json:"zone"`
		Weight      carrier.Decimal `json:"weight"`    // pounds
		DimWeight   carrier.Decimal `json:"dimWeight"` // ounces, when it is more
		Fees        []fee           `json:"fees"`
		PriceType   string          `json:"priceType"`
		Processing  string          `json:"processingCategory"`
		Indicator   string          `json:"rateIndicator"`
		Facility    string          `json:"destinationEntryFacilityType"`
	} `json:"rates"`
	Extras []extra `json:"extraServices"`
}

type fee struct {
	Name  string          `json:"name"`
	Price carrier.Decimal `json:"price"`
}

type extra struct {
	Name  string          `json:"name"`
	Code  carrier.Decimal `json:"extraService"`
	Price carrier.Decimal `json:"price"`
}

type optionsAnswer struct {
	Pricing []struct {
		Shipping []struct {
			Class   string   `json:"mailClass"`
			Options []option `json:"rateOptions"`
		} `json:"shippingOptions"`
	} `json:"pricingOptions"`
}

// Rates prices each parcel and adds them up: a mail class counts when it takes
// all of them. Promised is the end of the day of arrival, written as UTC.
func (u *USPS) Rates(ctx context.Context, r carrier.RateRequest) (carrier.RateAnswer, error) {
	if err := u.refuse("rates", r.From, r.To, r.Parcels, r.Options); err != nil {
		return carrier.RateAnswer{}, err
	}
	insurances, err := spread(r.Options.Insurance, r.Parcels)
	if err != nil {
		return carrier.RateAnswer{}, u.client.Fail("rates", carrier.KindInvalid, "options.insurance", "is too large")
	}
	found := make([][]carrier.Rate, len(r.Parcels))
	errs := make([]error, len(r.Parcels))
	turns := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i, p := range r.Parcels {
		if same := slices.IndexFunc(r.Parcels[:i], func(q carrier.Parcel) bool { return alike(p, q) }); same >= 0 && insurances[same] == insurances[i] {
			continue
		}
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			one := r
			one.Parcels, one.Options.Insurance.Minor = []carrier.Parcel{p}, insurances[i]
			found[i], errs[i] = u.price(ctx, one)
		})
	}
	group.Wait()
	if err := cmp.Or(errs...); err != nil {
		return carrier.RateAnswer{}, err
	}
	for i, p := range r.Parcels { // those that are alike cost the same
		if found[i] == nil {
			found[i] = found[slices.IndexFunc(r.Parcels, func(q carrier.Parcel) bool { return alike(p, q) })]
		}
	}
	return together(found, r), nil
}

func alike(p, q carrier.Parcel) bool {
	return p.WeightG == q.WeightG && p.LengthMM == q.LengthMM && p.WidthMM == q.WidthMM && p.HeightMM == q.HeightMM && p.Value == q.Value
}

// spread shares what is insured by the worth of the parcels.
func spread(a money.Amount, parcels []carrier.Parcel) ([]int64, error) {
	worth := make([]int64, len(parcels))
	for i, p := range parcels {
		worth[i] = max(p.Value.Minor, 0)
	}
	return money.Split(a.Minor, worth)
}

// together adds up what the parcels cost by mail class, and says which of those
// that were asked for have no price.
func together(found [][]carrier.Rate, r carrier.RateRequest) carrier.RateAnswer {
	var answer carrier.RateAnswer
	for _, first := range found[0] {
		whole, ok := first, true
		for _, rates := range found[1:] {
			i := slices.IndexFunc(rates, func(o carrier.Rate) bool { return o.Service == first.Service })
			if ok = ok && i >= 0; !ok {
				break
			}
			whole, ok = plus(whole, rates[i])
		}
		if ok {
			answer.Rates = append(answer.Rates, whole)
		}
	}
	for _, code := range r.Services {
		if !slices.ContainsFunc(answer.Rates, func(o carrier.Rate) bool { return o.Service == code }) {
			answer.Refused = append(answer.Refused, carrier.Refusal{Service: code, Kind: carrier.KindNotServiceable, Text: "not among the mail classes that were offered"})
		}
	}
	return answer
}

// plus is the price of two parcels.
func plus(a, b carrier.Rate) (carrier.Rate, bool) {
	total, err := a.Total.Add(b.Total)
	if err != nil {
		return a, false
	}
	a.Total, a.Charges = total, slices.Concat(a.Charges, b.Charges)
	a.BillableG += b.BillableG
	a.TransitDays, a.Guaranteed = max(a.TransitDays, b.TransitDays), a.Guaranteed && b.Guaranteed
	if b.Promised.After(a.Promised) {
		a.Promised = b.Promised
	}
	if a.ID != b.ID {
		a.ID = "" // each label is bought with its own
	}
	return a, true
}

// price asks what one parcel costs.
func (u *USPS) price(ctx context.Context, r carrier.RateRequest) ([]carrier.Rate, error) {
	var said optionsAnswer
	err := u.client.Do(ctx, carrier.Call{Name: "rates", Method: http.MethodPost, Path: "/shipments/v3/options/search", JSON: u.question(r)}, &said)
	if err != nil {
		return nil, err
	}
	if len(said.Pricing) == 0 {
		return nil, u.client.Missing("rates", "pricingOptions")
	}
	all := []carrier.Rate{}
	for _, p := range said.Pricing {
		for _, s := range p.Shipping {
			if len(r.Services) > 0 && !slices.Contains(r.Services, s.Class) {
				continue
			}
			if rate, ok := best(s.Class, s.Options, r); ok {
				all = append(all, rate)
			}
		}
	}
	return all, nil
}

func (u *USPS) question(r carrier.RateRequest) object {
	at := r.ShipAt
	if at.IsZero() {
		at = u.clock.Now()
	}
	parcel := measures(r.Parcels[0])
	parcel["mailingDate"], parcel["extraServices"] = at.Format(time.DateOnly), extras(r.Options)
	switch value := r.Parcels[0].Value; {
	case r.Options.Insurance.Minor > 0:
		parcel["packageValue"] = dollars(r.Options.Insurance)
	case value.Minor > 0 && value.Currency == "USD":
		parcel["packageValue"] = dollars(value)
	}
	pricing := object{"priceType": u.config.PriceType}
	if u.config.PriceType == "CONTRACT" {
		pricing["paymentAccount"] = object{"accountType": "EPS", "accountNumber": u.config.Account, "CRID": u.config.CRID}
	}
	from, _ := zip(r.From.Postcode)
	q := object{"pricingOptions": []object{pricing}, "originZIPCode": from, "packageDescription": parcel}
	switch {
	case !home(r.To):
		parcel["mailClass"] = "ALL"
		q["destinationCountryCode"] = upper(r.To.Country)
		if r.To.Postcode != "" {
			q["foreignPostalCode"] = carrier.Cut(r.To.Postcode, 11)
		}
	default:
		parcel["mailClass"] = "ALL_OUTBOUND"
		if r.Options.Return {
			parcel["mailClass"] = "ALL_RETURNS"
		}
		q["destinationZIPCode"], _ = zip(r.To.Postcode)
	}
	return q
}

// best is the cheapest option of a mail class for a shop's own box.
func best(class string, options []option, r carrier.RateRequest) (carrier.Rate, bool) {
	var rate carrier.Rate
	found := false
	for i := range options {
		if one, ok := options[i].rate(class, r); ok && (!found || one.Total.Minor < rate.Total.Minor) {
			rate, found = one, true
		}
	}
	return rate, found
}

// rate reads one option; false when it is for a box of the Service or lacks a
// price.
func (o *option) rate(class string, r carrier.RateRequest) (carrier.Rate, bool) {
	if len(o.Rates) == 0 || !slices.Contains(ownBox, o.Rates[0].Indicator) {
		return carrier.Rate{}, false
	}
	first := o.Rates[0]
	service, _ := serviceOf(class)
	rate := carrier.Rate{
		Carrier: Name, Service: class, Level: service.Level, Zone: first.Zone, Negotiated: first.PriceType == "CONTRACT", Guaranteed: o.Commitment.Guaranteed,
		ID: strings.Join([]string{first.Indicator, first.Processing, cmp.Or(first.Facility, "NONE")}, "|"),
	}
	charges, sum := o.charges(extras(r.Options))
	total, err := carrier.RoundAmount(string(o.Total), "USD")
	if o.Total == "" {
		total, err = sum, nil
	}
	if err != nil || total.Minor <= 0 {
		return rate, false
	}
	rate.Total, rate.Charges = total, carrier.Settle(charges, total)
	weigh := carrier.FromPounds
	weight := first.Weight
	if g, err := carrier.FromOunces(string(first.DimWeight), carrier.RoundHalfUp); err == nil && g > 0 {
		weigh, weight = carrier.FromOunces, first.DimWeight
	}
	if g, err := weigh(string(weight), carrier.RoundHalfUp); err == nil && g > 0 {
		rate.BillableG = g
	}
	rate.TransitDays = days(o.Commitment.Name)
	rate.Promised = endOf(cmp.Or(o.Commitment.Scheduled, o.Commitment.Expected))
	return rate, true
}

// charges are the parts of an option: postage, fees, and of the extra services
// those that were asked for (others are told with their price, too).
func (o *option) charges(asked []int) ([]carrier.Charge, money.Amount) {
	var all []carrier.Charge
	sum := money.Of(0, "USD")
	add := func(kind carrier.ChargeKind, name string, price carrier.Decimal) {
		a, err := carrier.RoundAmount(string(price), "USD")
		if err != nil {
			return
		}
		if more, err := sum.Add(a); err == nil {
			sum, all = more, append(all, carrier.Charge{Kind: kind, Name: name, Amount: a})
		}
	}
	for _, r := range o.Rates {
		add(carrier.ChargeBase, cmp.Or(r.Description, "postage"), r.Price)
		for _, f := range r.Fees {
			add(carrier.ChargeSurcharge, f.Name, f.Price)
		}
	}
	if base, err := carrier.RoundAmount(string(o.Base), "USD"); err == nil && base.Minor != sum.Minor {
		all = append(all, carrier.Charge{Kind: carrier.ChargeSurcharge, Name: "fees", Amount: money.Of(base.Minor-sum.Minor, "USD")})
		sum = base
	}
	for _, e := range o.Extras {
		if n, err := strconv.Atoi(string(e.Code)); err == nil && slices.Contains(asked, n) {
			add(carrier.ChargeSurcharge, e.Name, e.Price)
		}
	}
	return all, sum
}

// days reads "2 Days" and "2-Day"; 0 for MILITARY, DPO and NO STD.
func days(name string) int {
	end := strings.IndexFunc(name, func(r rune) bool { return r < '0' || r > '9' })
	if end <= 0 || end > 2 {
		return 0
	}
	n, _ := strconv.Atoi(name[:end]) // one or two digits
	return n
}

// endOf is the last minute of a day that a text begins with; zero for none.
func endOf(text string) time.Time {
	day, err := time.Parse(time.DateOnly, text[:min(len(text), len(time.DateOnly))])
	if err != nil {
		return time.Time{}
	}
	return day.Add(23*time.Hour + 59*time.Minute)
}
