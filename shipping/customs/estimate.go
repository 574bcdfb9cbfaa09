package customs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/money"
)

// ErrRequest is a question with impossible values; Fields say which.
var ErrRequest = fault.New(fault.Invalid, "customs_request_invalid", "The customs request has mistakes.")

// Bounds that keep every sum inside of 64 bits.
const (
	mostItems  = 500
	mostMoney  = 1_000_000_000_000
	mostWeight = 1_000_000_000
)

// Item is a line of goods. Money is in minor units of the request's currency.
type Item struct {
	SKU           string
	Quantity      int64
	UnitPrice     int64
	Discount      int64 // of the whole line
	WeightG       int64 // of one piece
	HS            string
	OriginCountry string
	Description   string
	HazmatClass   string
}

// worth is what the line costs after its discount.
func (it *Item) worth() int64 { return max(0, it.UnitPrice*it.Quantity-it.Discount) }

// Incoterm says who pays duty and tax: with DDP the seller, who charges them
// with the order; with DAP the buyer, on delivery.
type Incoterm string

// The two terms of a shop's parcels.
const (
	DAP Incoterm = "DAP"
	DDP Incoterm = "DDP"
)

// Request is one consignment: what leaves from one place in one go. Two
// consignments are never netted against each other.
type Request struct {
	// Date is a day such as 2026-11-02.
	Date     string
	From, To string // countries
	Incoterm Incoterm
	Currency string
	Items    []Item
	// Shipping and Insurance are what the buyer pays for them.
	Shipping, Insurance int64
	// DutyBps are rates of duty by HS code, of which the longest beginning counts.
	DutyBps map[string]int64
	// TaxBps are rates of tax on imports by country, before those of the rows.
	TaxBps map[string]int64
	// Exchange turns money of one currency into another; false without a rate.
	Exchange func(amount int64, from, to string) (int64, bool)
}

// The regimes that an estimate is made by.
const (
	RegimeDomestic   = "domestic"      // no border is crossed
	RegimeUnion      = "customs_union" // a border without customs
	RegimeRelief     = "duty_relief"   // too little worth for duty
	RegimeFlat       = "flat_per_hs6"  // a fixed sum for each tariff heading
	RegimeSingleRate = "single_rate"   // a share of what is above a threshold
	RegimeOrdinary   = "ordinary"      // duty by the tariff
)

// Estimate is what a consignment will probably cost at the border. Money is in
// minor units of Currency. It is never more than an estimate.
type Estimate struct {
	Estimated bool     `json:"estimated"`
	Currency  string   `json:"currency"`
	Incoterm  Incoterm `json:"incoterm"`
	Regime    string   `json:"regime"`
	// Intrinsic is what the goods are worth, without freight.
	Intrinsic int64 `json:"intrinsic"`
	// DutyLines are the duty by HS code or by the name of a charge; they add up to
	// Duty.
	DutyLines map[string]int64 `json:"duty_lines"`
	Duty      int64            `json:"duty"`
	VAT       int64            `json:"vat"`
	// ChargedTotal is what the buyer pays to the shop: goods and freight and, with
	// DDP, duty and tax. What is left is due on delivery.
	ChargedTotal           int64    `json:"charged_total"`
	EstimatedDueOnDelivery int64    `json:"estimated_due_on_delivery"`
	Sources                []Fact   `json:"sources"`
	Issues                 []Issue  `json:"issues"`
	Notes                  []string `json:"notes,omitempty"`
}

// Issue is something wrong or uncertain about an item or the request.
type Issue struct {
	Code    string `json:"code"`
	SKU     string `json:"sku,omitempty"`
	Message string `json:"message"`
}

func (r *Request) check() error {
	bad := ErrRequest
	inside := func(at string, v, most int64) {
		if v < 0 || v > most {
			bad = bad.At(at, fmt.Sprintf("must be from 0 to %d", most))
		}
	}
	if _, err := time.Parse(time.DateOnly, r.Date); err != nil {
		bad = bad.At("date", "must be a day such as 2026-11-02")
	}
	if len(r.To) != 2 {
		bad = bad.At("dest.country", "must be a country code of two letters")
	}
	if !money.Known(r.Currency) {
		bad = bad.At("currency", "is not a known currency")
	}
	if r.Incoterm != DAP && r.Incoterm != DDP {
		bad = bad.At("incoterm", "must be DAP or DDP")
	}
	if len(r.Items) > mostItems {
		bad = bad.At("items", "must be at most 500")
		return bad
	}
	inside("shipping", r.Shipping, mostMoney)
	inside("insurance", r.Insurance, mostMoney)
	var sum int64
	for i := range r.Items {
		it, at := &r.Items[i], fmt.Sprintf("items[%d]", i)
		inside(at+".unit_price", it.UnitPrice, mostMoney)
		inside(at+".weight_g", it.WeightG, mostWeight)
		if it.Quantity < 1 || it.Quantity > 1_000_000 {
			bad = bad.At(at+".quantity", "must be from 1 to 1000000")
			continue
		}
		line, err := money.Mul(max(0, it.UnitPrice), it.Quantity)
		if err != nil || line > mostMoney || sum > mostMoney {
			bad = bad.At(at, "makes the goods worth too much")
			continue
		}
		sum += line
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// sum is an estimate being made.
type sum struct {
	r      *Request
	out    *Estimate
	facts  []Fact
	worths []int64
	hs     []string // digits only
	cif    int64
	weight int64
	noRate bool
}

// Reckon estimates duty and tax of a consignment. The error is ErrRequest.
func Reckon(r Request) (Estimate, error) {
	r.From, r.To = strings.ToUpper(r.From), strings.ToUpper(r.To)
	out := Estimate{Estimated: true, Currency: r.Currency, Incoterm: r.Incoterm, DutyLines: map[string]int64{}, Sources: []Fact{}, Issues: []Issue{}}
	if err := r.check(); err != nil {
		return out, err
	}
	s := sum{r: &r, out: &out, facts: Facts(r.To, r.Date)}
	for i := range r.Items {
		it := &r.Items[i]
		s.worths = append(s.worths, it.worth())
		s.hs = append(s.hs, digits(it.HS))
		out.Intrinsic += it.worth()
		s.weight += it.WeightG * it.Quantity
	}
	s.cif = out.Intrinsic + r.Shipping + r.Insurance
	out.ChargedTotal = s.cif
	switch {
	case r.From == r.To:
		out.Regime = RegimeDomestic
		return out, nil
	case r.From != "" && !Crosses(r.From, r.To):
		out.Regime = RegimeUnion
		return out, nil
	}
	s.duty()
	s.surcharges()
	for _, d := range out.DutyLines {
		out.Duty += d
	}
	s.tax()
	if r.Incoterm == DDP {
		out.ChargedTotal += out.Duty + out.VAT
	} else {
		out.EstimatedDueOnDelivery = out.Duty + out.VAT
	}
	s.notes()
	out.Issues = append(out.Issues, Lint(r.To, r.Date, r.Items)...)
	return out, nil
}

// fact is the row of a kind, and notes that it was used.
func (s *sum) fact(kind string) (Fact, bool) {
	for _, f := range s.facts {
		if f.Kind != kind || (strings.HasSuffix(kind, "_from") && !slices.Contains(strings.Fields(f.Code), s.r.From)) {
			continue
		}
		return f, true
	}
	return Fact{}, false
}

func (s *sum) used(f Fact) {
	if !slices.Contains(s.out.Sources, f) {
		s.out.Sources = append(s.out.Sources, f)
	}
}

// into is money of the request in the currency of a row.
func (s *sum) into(amount int64, currency string) (int64, bool) {
	return s.convert(amount, s.r.Currency, currency)
}

func (s *sum) convert(amount int64, from, to string) (int64, bool) {
	if from == to || amount == 0 {
		return amount, true
	}
	if s.r.Exchange != nil {
		if v, ok := s.r.Exchange(amount, from, to); ok {
			return v, true
		}
	}
	if !s.noRate {
		s.noRate = true
		s.out.Issues = append(s.out.Issues, Issue{Code: "no_exchange_rate", Message: "There is no rate from " + from + " to " + to + ", so a threshold could not be compared."})
	}
	return 0, false
}

// below says whether the goods are worth at most the threshold of a row.
func (s *sum) below(f Fact) bool {
	basis := s.out.Intrinsic
	if f.Basis == "cif" {
		basis = s.cif
	}
	v, ok := s.into(basis, f.Currency)
	return ok && v <= f.Threshold
}

func (s *sum) duty() {
	if f, ok := s.fact("duty_flat"); ok && s.below(f) && s.flat(f) {
		return
	}
	if f, ok := s.fact("duty_excess"); ok && s.excess(f) {
		return
	}
	for _, kind := range []string{"duty_relief_from", "duty_relief"} {
		if f, ok := s.fact(kind); ok && s.below(f) {
			s.used(f)
			s.out.Regime = RegimeRelief
			return
		}
	}
	s.out.Regime = RegimeOrdinary
	s.ordinary()
}

// flat is a fixed sum for each distinct tariff heading. Goods without one count
// as a heading of their own.
func (s *sum) flat(f Fact) bool {
	each, ok := s.convert(f.Amount, f.Currency, s.r.Currency)
	if !ok {
		return false
	}
	for i, hs := range s.hs {
		key := "unknown:" + s.r.Items[i].SKU
		if len(hs) >= 6 {
			key = hs[:6]
		}
		s.out.DutyLines[key] = each
	}
	s.used(f)
	s.out.Regime = RegimeFlat
	return true
}

// excess is a share of what is above a threshold, at least so much for each
// kilogram above a weight.
func (s *sum) excess(f Fact) bool {
	worth, ok := s.into(s.out.Intrinsic, f.Currency)
	if !ok {
		return false
	}
	s.used(f)
	over, heavy := max(0, worth-f.Threshold), max(0, s.weight-f.PerKG)
	if over == 0 && heavy == 0 {
		s.out.Regime = RegimeRelief
		return true
	}
	share, err := money.MulBps(over, f.Bps)
	if err != nil {
		return false
	}
	due, ok := s.convert(max(share, (heavy*f.Amount+500)/1000), f.Currency, s.r.Currency)
	if !ok {
		return false
	}
	s.out.Regime = RegimeSingleRate
	s.out.DutyLines["single_rate"] = due
	return true
}

// ordinary is duty by the tariff, on goods or on goods with their share of the
// freight.
func (s *sum) ordinary() {
	freight := make([]int64, len(s.worths))
	if f, ok := s.fact("duty_base"); ok {
		s.used(f)
		if f.Basis == "cif" {
			if shares, err := money.Split(s.r.Shipping+s.r.Insurance, s.worths); err == nil {
				freight = shares
			}
		}
	}
	none, free := s.fact("duty_none")
	for i, hs := range s.hs {
		if free && len(hs) >= 2 && hs[:2] >= "25" {
			s.used(none)
			s.out.DutyLines[hs] += 0
			continue
		}
		bps, ok := rateOf(s.r.DutyBps, hs)
		if !ok {
			s.out.Issues = append(s.out.Issues, Issue{Code: "duty_rate_unknown", SKU: s.r.Items[i].SKU, Message: "No rate of duty is known for this HS code; none is reckoned."})
			continue
		}
		if d, err := money.MulBps(s.worths[i]+freight[i], bps); err == nil {
			s.out.DutyLines[hs] += d
		}
	}
}

// rateOf is the rate of the longest beginning of an HS code.
func rateOf(rates map[string]int64, hs string) (int64, bool) {
	for n := len(hs); n >= 2; n-- {
		for key, bps := range rates {
			if digits(key) == hs[:n] {
				return bps, true
			}
		}
	}
	return 0, false
}

func (s *sum) surcharges() {
	for _, f := range s.facts {
		if f.Kind != "surcharge" {
			continue
		}
		if d, err := money.MulBps(s.out.Intrinsic, f.Bps); err == nil && d > 0 {
			s.used(f)
			s.out.DutyLines[f.Code] = d
		}
	}
}

// tax is on goods, freight, insurance and duty.
func (s *sum) tax() {
	row, known := s.fact("tax")
	bps, own := s.r.TaxBps[s.r.To]
	if known && row.Basis == "included" {
		s.used(row)
		return
	}
	if !own {
		if !known {
			s.out.Issues = append(s.out.Issues, Issue{Code: "tax_rate_unknown", Message: "No rate of tax is known for " + s.r.To + "; none is reckoned."})
			return
		}
		bps = row.Bps
		s.used(row)
	}
	for _, kind := range []string{"tax_relief_from", "tax_relief"} {
		if f, ok := s.fact(kind); ok && s.below(f) {
			s.used(f)
			return
		}
	}
	vat, err := money.MulBps(s.cif+s.out.Duty, bps)
	if err != nil {
		return
	}
	if f, ok := s.fact("tax_minimum"); ok {
		if v, ok := s.into(vat, f.Currency); ok && v <= f.Threshold {
			s.used(f)
			return
		}
	}
	s.out.VAT = vat
}

// notes are what the merchant should know beside the sums.
func (s *sum) notes() {
	if f, ok := s.fact("tax_at_sale"); ok && s.below(f) {
		s.used(f)
		s.out.Notes = append(s.out.Notes, "seller_collects_tax")
	}
	if f, ok := s.fact("formal_entry"); ok {
		if v, ok := s.into(s.out.Intrinsic, f.Currency); ok && v > f.Threshold {
			s.used(f)
			s.out.Notes = append(s.out.Notes, "formal_entry")
		}
	}
}

// digits leaves only those of a code such as 6109.10.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
