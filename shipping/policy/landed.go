package policy

import (
	"slices"

	"doorstep/internal/money"
	"doorstep/shipping/customs"
)

// LandedCost is what an option probably costs at the border, in minor units of
// the answer's currency: an estimate from dated facts.
type LandedCost struct {
	Estimated bool   `json:"estimated"`
	Incoterm  string `json:"incoterm"`
	// Regime is how it was reckoned, mixed when consignments differ.
	Regime    string           `json:"regime"`
	Intrinsic int64            `json:"intrinsic"`
	DutyLines map[string]int64 `json:"duty_lines"`
	Duty      int64            `json:"duty"`
	VAT       int64            `json:"vat"`
	// ChargedTotal is goods and delivery and, with DDP, duty and tax.
	ChargedTotal           int64 `json:"charged_total"`
	EstimatedDueOnDelivery int64 `json:"estimated_due_on_delivery"`
	// Issues are the codes of what is uncertain or customs will ask for.
	Issues []string `json:"issues,omitempty"`
}

// Terms are what the policy says about duty and tax: who pays them, and rates
// in 1/10,000 by HS code and by country.
func (p *Policy) Terms() (term customs.Incoterm, dutyBps, taxBps map[string]int64) {
	return incotermOf(p.doc.Incoterm), p.doc.DutyBps, p.doc.DestVATBps
}

// incotermOf leaves the question who pays duty: the seller with DDP, else the
// buyer.
func incotermOf(text string) customs.Incoterm {
	if text == string(customs.DDP) {
		return customs.DDP
	}
	return customs.DAP
}

// HomeCountry is where goods leave from that name no origin; empty when the
// policy does not say.
func (p *Policy) HomeCountry() string {
	if p.home == nil {
		return ""
	}
	return countryOf(p.home.country)
}

// Exchange turns money into another currency by the policy's rates, in whichever
// direction they are written; false without one.
func (p *Policy) Exchange(amount int64, from, to string) (int64, bool) {
	if from == to {
		return amount, true
	}
	if r, ok := p.rates[from+"->"+to]; ok {
		return r.of(amount), true
	}
	if r, ok := p.rates[to+"->"+from]; ok {
		return ratio{r.den, r.num}.of(amount), true
	}
	return 0, false
}

// landed estimates duty and tax for every option that crosses a border, when
// the policy or the request says who pays them or how much they are.
func (c *call) landed() {
	doc := c.p.doc
	wanted := doc.Incoterm != "" || c.req.Incoterm != "" || len(doc.DutyBps) > 0 || len(doc.DestVATBps) > 0
	if !wanted || c.dest.country == "" || len(c.items) == 0 || c.today() == "" {
		return
	}
	parts := c.borders()
	for i := range c.answer.Options {
		o := &c.answer.Options[i]
		o.LandedCost = c.landedCost(parts, o.Total.Minor)
	}
}

// today is the day that dated facts are asked for.
func (c *call) today() string {
	if c.req.ShipDate != "" {
		return c.req.ShipDate
	}
	if t, ok := c.clockOf(nil); ok {
		return dayText(dayNumber(t))
	}
	return ""
}

// border is what leaves from one country for another: a consignment of its own.
type border struct {
	from  string
	items []customs.Item
	worth int64
}

// borders are the consignments by origin, or none when the way crosses no border.
func (c *call) borders() []border {
	var all []border
	crosses := false
	for _, ship := range c.answer.Shipments {
		o := c.origin(ship.Origin)
		if o == nil || o.country == "" {
			return nil
		}
		b := border{from: countryOf(o.country)}
		crosses = crosses || customs.Crosses(b.from, c.dest.country)
		for i := range c.items {
			it := &c.items[i]
			if it.Origin != ship.Origin && (it.Origin != "" || c.p.home == nil || ship.Origin != c.p.home.id) {
				continue
			}
			b.worth += it.afterAll
			b.items = append(b.items, customs.Item{SKU: it.SKU, Quantity: it.Quantity, UnitPrice: it.UnitPrice, Discount: it.worth - it.afterAll,
				WeightG: min(grams(it.ng/it.Quantity), 1_000_000_000), HS: it.HS, OriginCountry: it.country, Description: it.Description, HazmatClass: it.HazmatClass})
		}
		all = append(all, b)
	}
	if !crosses {
		return nil
	}
	return all
}

func (c *call) landedCost(parts []border, delivery int64) *LandedCost {
	if len(parts) == 0 {
		return nil
	}
	worths := make([]int64, len(parts))
	for i := range parts {
		worths[i] = parts[i].worth
	}
	shares, err := money.Split(delivery, worths)
	if err != nil {
		return nil
	}
	term := incotermOf(c.p.doc.Incoterm)
	if c.req.Incoterm != "" {
		term = incotermOf(c.req.Incoterm)
	}
	out := &LandedCost{Estimated: true, Incoterm: string(term), DutyLines: map[string]int64{}}
	for i := range parts {
		e, err := customs.Reckon(customs.Request{Date: c.today(), From: parts[i].from, To: c.dest.country, Incoterm: term, Currency: c.currency, Items: parts[i].items,
			Shipping: shares[i], DutyBps: c.p.doc.DutyBps, TaxBps: c.p.doc.DestVATBps, Exchange: c.p.Exchange})
		if err != nil {
			return nil // such as goods worth more than any parcel
		}
		if out.Regime == "" {
			out.Regime = e.Regime
		} else if out.Regime != e.Regime {
			out.Regime = "mixed"
		}
		out.Intrinsic += e.Intrinsic
		for k, d := range e.DutyLines {
			out.DutyLines[k] += d
		}
		out.Duty, out.VAT = out.Duty+e.Duty, out.VAT+e.VAT
		out.ChargedTotal, out.EstimatedDueOnDelivery = out.ChargedTotal+e.ChargedTotal, out.EstimatedDueOnDelivery+e.EstimatedDueOnDelivery
		for _, issue := range e.Issues {
			if !slices.Contains(out.Issues, issue.Code) {
				out.Issues = append(out.Issues, issue.Code)
			}
		}
	}
	slices.Sort(out.Issues)
	return out
}
