package fedex

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// part is a named part of a price.
type part struct {
	Type        string          `json:"type"`
	Description string          `json:"description"`
	Amount      carrier.Decimal `json:"amount"`
}

// detail is one price of a service: FedEx gives the account's, the list's, and
// those again in the currency that was preferred.
type detail struct {
	RateType  string          `json:"rateType"`
	Currency  string          `json:"currency"`
	Base      carrier.Decimal `json:"totalBaseCharge"`
	Discounts carrier.Decimal `json:"totalDiscounts"`
	Net       carrier.Decimal `json:"totalNetCharge"`
	Shipment  struct {
		Zone       string `json:"rateZone"`
		Currency   string `json:"currency"`
		Surcharges []part `json:"surCharges"`
		Taxes      []part `json:"taxes"`
		Weight     mass   `json:"totalBillingWeight"`
	} `json:"shipmentRateDetail"`
	Packages []struct {
		Rate struct {
			RateType string `json:"rateType"`
			Weight   mass   `json:"billingWeight"`
		} `json:"packageRateDetail"`
	} `json:"ratedPackages"`
}

type mass struct {
	Units string          `json:"units"`
	Value carrier.Decimal `json:"value"`
}

// grams is what it weighs; 0 when it is not said.
func (m mass) grams() int64 {
	read := carrier.FromKilograms
	if m.Units == "LB" {
		read = carrier.FromPounds
	}
	g, err := read(string(m.Value), carrier.RoundHalfUp)
	if err != nil || g < 0 {
		return 0
	}
	return g
}

type quoted struct {
	Service string   `json:"serviceType"`
	Rated   []detail `json:"ratedShipmentDetails"`
	Commit  struct {
		Guaranteed string `json:"guaranteedType"`
		Date       struct {
			Day string `json:"dayFormat"`
		} `json:"dateDetail"`
		Transit struct {
			Least string `json:"minimumTransitTime"`
			Most  string `json:"maximumTransitTime"`
		} `json:"transitDays"`
	} `json:"commit"`
	Operation struct {
		Delivery   string `json:"deliveryDate"`
		Transit    string `json:"transitTime"`
		Ineligible *bool  `json:"ineligibleForMoneyBackGuarantee"`
	} `json:"operationalDetail"`
}

type rateAnswer struct {
	Output *struct {
		Quotes []quoted `json:"rateReplyDetails"`
	} `json:"output"`
	Errors []failure `json:"errors"`
}

// Rates asks for all services at once. Promised dates are the local ones of the
// destination, whose zone FedEx does not say; they are written as UTC.
func (f *FedEx) Rates(ctx context.Context, r carrier.RateRequest) (carrier.RateAnswer, error) {
	if err := f.refuse("rates", r.Parcels, r.Options); err != nil {
		return carrier.RateAnswer{}, err
	}
	question, err := f.rateQuestion(r)
	if err != nil {
		return carrier.RateAnswer{}, err
	}
	var said rateAnswer
	if err := f.client.Do(ctx, carrier.Call{Name: "rates", Method: http.MethodPost, Path: "/rate/v1/rates/quotes", JSON: question}, &said); err != nil {
		return carrier.RateAnswer{}, err
	}
	if err := f.enveloped("rates", said.Errors); err != nil {
		return carrier.RateAnswer{}, err
	}
	if said.Output == nil || len(said.Output.Quotes) == 0 {
		return carrier.RateAnswer{}, f.client.Missing("rates", "output.rateReplyDetails")
	}
	return choose(said.Output.Quotes, r), nil
}

// enveloped makes an error of errors that came with a success.
func (f *FedEx) enveloped(call string, all []failure) error {
	if len(all) == 0 {
		return nil
	}
	kind := kindOf(all[0].Code)
	if kind == "" {
		kind = carrier.KindInvalid
	}
	return f.client.Fail(call, kind, "", all[0].Code+": "+all[0].Message)
}

func (f *FedEx) rateQuestion(r carrier.RateRequest) (object, error) {
	us := imperial(r.From.Country)
	parcels, err := lines(r.Parcels, r.Options, us)
	if err != nil {
		return nil, f.client.Fail("rates", carrier.KindInvalid, "options.insurance", "is too large")
	}
	at := r.ShipAt
	if at.IsZero() {
		at = f.clock.Now()
	}
	types := []string{"ACCOUNT", "LIST"}
	shipment := object{
		"shipper": object{"address": address(r.From)}, "recipient": object{"address": address(r.To)}, "pickupType": f.config.PickupType,
		"packagingType": "YOUR_PACKAGING", "shipDateStamp": at.Format(time.DateOnly), "requestedPackageLineItems": parcels, "totalPackageCount": len(parcels),
	}
	if money.Known(r.Currency) {
		types = append(types, "PREFERRED")
		shipment["preferredCurrency"] = r.Currency
	}
	shipment["rateRequestType"] = types
	control := object{"returnTransitTimes": true}
	if s := special(r.Options); s != nil {
		shipment["shipmentSpecialServices"] = s
	}
	if r.Options.Saturday {
		control["variableOptions"] = "SATURDAY_DELIVERY"
	}
	clearance, err := f.clearance("rates", r.From, r.To, presumed(r))
	if err != nil {
		return nil, err
	}
	if clearance != nil {
		shipment["customsClearanceDetail"] = clearance
	}
	return object{
		"accountNumber": f.account(), "rateRequestControlParameters": control, "requestedShipment": shipment, "carrierCodes": []string{"FDXE", "FDXG"},
	}, nil
}

// presumed are the customs papers as far as they are known. FedEx wants a
// commodity before it prices anything; where there is none yet, merchandise of
// the parcels' value does, or of a hundred dollars, on which no price depends.
func presumed(r carrier.RateRequest) *carrier.Customs {
	if r.Customs != nil && len(r.Customs.Items) > 0 {
		return r.Customs
	}
	value, g := money.Of(100_00, "USD"), int64(0)
	for i, p := range r.Parcels {
		g += p.WeightG
		if i == 0 && p.Value.Minor > 0 && money.Known(p.Value.Currency) {
			value = p.Value
		}
	}
	c := carrier.Customs{ContentType: "sale_of_goods"}
	if r.Customs != nil {
		c = *r.Customs
	}
	c.Items = []carrier.Item{{Description: "Merchandise", Quantity: 1, UnitValue: value, NetG: g}}
	return &c
}

// choose makes a rate of each service that was asked for.
func choose(all []quoted, r carrier.RateRequest) carrier.RateAnswer {
	var answer carrier.RateAnswer
	for i := range all {
		q := &all[i]
		if len(r.Services) > 0 && !slices.Contains(r.Services, q.Service) {
			continue
		}
		rate, ok := q.rate(r.Currency)
		if !ok {
			answer.Refused = append(answer.Refused, carrier.Refusal{Service: q.Service, Kind: carrier.KindContract, Text: "a price without an amount"})
			continue
		}
		answer.Rates = append(answer.Rates, rate)
	}
	for _, code := range r.Services {
		if !slices.ContainsFunc(all, func(q quoted) bool { return q.Service == code }) {
			answer.Refused = append(answer.Refused, carrier.Refusal{Service: code, Kind: carrier.KindNotServiceable, Text: "not among the services that were offered"})
		}
	}
	return answer
}

// own tells whether it is the account's price. The one in a preferred currency
// says so only at its parcels.
func (d *detail) own() bool {
	switch d.RateType {
	case "ACCOUNT", "ACTUAL", "CUSTOM", "INCENTIVE", "PREFERRED_INCENTIVE":
		return true
	case "LIST":
		return false
	}
	return len(d.Packages) > 0 && strings.Contains(d.Packages[0].Rate.RateType, "ACCOUNT")
}

// amount is what has to be paid.
func (d *detail) amount() (money.Amount, bool) {
	a, err := carrier.RoundAmount(string(d.Net), d.currency())
	return a, err == nil && d.Net != "" && a.Minor >= 0
}

func (d *detail) currency() string { return cmp.Or(d.Currency, d.Shipment.Currency) }

// pick is the price that the account pays, in the currency that is wanted if
// there is one; the list's only where the account has none.
func (q *quoted) pick(currency string) *detail {
	var best *detail
	rank := -1
	for i := range q.Rated {
		d := &q.Rated[i]
		if _, ok := d.amount(); !ok {
			continue
		}
		n := 0
		if d.own() {
			n += 2
		}
		if d.currency() == currency {
			n++
		}
		if n > rank {
			best, rank = d, n
		}
	}
	return best
}

// rate is a service's price.
func (q *quoted) rate(currency string) (carrier.Rate, bool) {
	d := q.pick(currency)
	if d == nil || q.Service == "" {
		return carrier.Rate{}, false
	}
	total, _ := d.amount()
	r := carrier.Rate{
		Carrier: Name, Service: q.Service, Level: carrier.LevelOf(services, q.Service, carrier.Standard), Total: total, Charges: carrier.Settle(d.charges(), total), Negotiated: d.own(),
		BillableG: d.Shipment.Weight.grams(), Zone: d.Shipment.Zone, ID: q.Service,
	}
	if r.BillableG == 0 {
		for _, p := range d.Packages {
			r.BillableG += p.Rate.Weight.grams()
		}
	}
	r.TransitDays = days(cmp.Or(q.Commit.Transit.Most, q.Commit.Transit.Least, q.Operation.Transit))
	r.Guaranteed = q.Commit.Guaranteed != "" || q.Operation.Ineligible != nil && !*q.Operation.Ineligible
	r.Promised = moment(cmp.Or(q.Commit.Date.Day, q.Operation.Delivery))
	return r, true
}

// charges are the parts of a price.
func (d *detail) charges() []carrier.Charge {
	var all []carrier.Charge
	add := func(kind carrier.ChargeKind, name string, text carrier.Decimal, sign int64) {
		if a, err := carrier.RoundAmount(string(text), d.currency()); err == nil && a.Minor > -1<<62 && a.Minor < 1<<62 {
			a.Minor *= sign
			all = append(all, carrier.Charge{Kind: kind, Name: name, Amount: a})
		}
	}
	add(carrier.ChargeBase, "base", d.Base, 1)
	add(carrier.ChargeDiscount, "discount", d.Discounts, -1)
	for _, s := range d.Shipment.Surcharges {
		kind := carrier.ChargeSurcharge
		if s.Type == "FUEL" {
			kind = carrier.ChargeFuel
		}
		add(kind, cmp.Or(s.Description, s.Type), s.Amount, 1)
	}
	for _, t := range d.Shipment.Taxes {
		add(carrier.ChargeTax, cmp.Or(t.Description, t.Type), t.Amount, 1)
	}
	return all
}

// numbers are FedEx's words for working days, from ONE_DAY on.
var numbers = strings.Fields("ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN ELEVEN TWELVE THIRTEEN FOURTEEN FIFTEEN SIXTEEN SEVENTEEN EIGHTEEN NINETEEN TWENTY")

// days reads TWO_DAYS; 0 for UNKNOWN and the like.
func days(word string) int {
	word, _, _ = strings.Cut(word, "_")
	return slices.Index(numbers, word) + 1
}

// moment reads a local time, or a day up to its end; zero for none.
func moment(text string) time.Time {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.Parse(form, text); err == nil {
			return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
		}
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at.Add(23*time.Hour + 59*time.Minute)
	}
	return time.Time{}
}
