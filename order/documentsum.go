package order

import (
	"cmp"
	"slices"

	"doorstep/internal/money"
)

// Rate is what a document says of everything that is taxed alike. Amounts are
// minor units; without tax it is Gross - Tax.
type Rate struct {
	Bps   int64 `json:"rate_bps"`
	Gross int64 `json:"gross"`
	Tax   int64 `json:"tax"`
}

// rateSums are rates, the highest first, each once.
type rateSums []Rate

func (r rateSums) gross() (sum int64) {
	for _, one := range r {
		sum += one.Gross
	}
	return sum
}

func (r rateSums) tax() (sum int64) {
	for _, one := range r {
		sum += one.Tax
	}
	return sum
}

// at is the place of a rate, made when it is not there.
func (r *rateSums) at(bps int64) *Rate {
	i, found := slices.BinarySearchFunc(*r, bps, func(one Rate, bps int64) int { return cmp.Compare(bps, one.Bps) })
	if !found {
		*r = slices.Insert(*r, i, Rate{Bps: bps})
	}
	return &(*r)[i]
}

// add adds the amounts of other.
func (r *rateSums) add(other rateSums) {
	for _, one := range other {
		to := r.at(one.Bps)
		to.Gross += one.Gross
		to.Tax += one.Tax
	}
}

// grosses are the amounts with tax.
func (r rateSums) grosses() []int64 {
	all := make([]int64, len(r))
	for i, one := range r {
		all[i] = one.Gross
	}
	return all
}

// orderRates is what an order costs by rate, its shipping included. They add up
// to its total and its tax. Shipping is taxed as the goods it carries, each
// rate's share by what those goods cost without tax, as it was when the order was
// placed.
func orderRates(o *Order) (rates rateSums, shipping int64, err error) {
	var lineTax int64
	for i := range o.Lines {
		l := &o.Lines[i]
		lineTax += l.Tax
		rate := rates.at(l.TaxRateBps)
		rate.Gross += l.Total
		rate.Tax += l.Tax
	}
	tax := o.Tax - lineTax
	shipping = o.Shipping
	if !o.PricesIncludeTax {
		shipping += tax
	}
	defer func() {
		if err == nil && o.Duties > 0 { // what customs takes is not taxed here
			rates.at(0).Gross += o.Duties
		}
	}()
	if o.Shipping == 0 && tax == 0 {
		return rates, shipping, nil
	}
	if len(rates) == 0 {
		rates.at(0)
	}
	shares, err := money.Split(o.Shipping, shippingWeights(o, rates))
	if err != nil {
		return nil, 0, err
	}
	taxes := make([]int64, len(rates))
	for i := range rates {
		if o.PricesIncludeTax {
			taxes[i], err = money.IncludedTax(shares[i], rates[i].Bps)
		} else {
			taxes[i], err = money.MulBps(shares[i], rates[i].Bps)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if !slices.ContainsFunc(taxes, func(t int64) bool { return t != 0 }) {
		copy(taxes, shares) // nothing says whose tax it is
	}
	// The order has rounded in its own way: its tax is the truth, this is how it is shared.
	if taxes, err = money.Split(tax, taxes); err != nil {
		return nil, 0, err
	}
	for i := range rates {
		rates[i].Gross += shares[i]
		rates[i].Tax += taxes[i]
		if !o.PricesIncludeTax {
			rates[i].Gross += taxes[i]
		}
	}
	return rates, shipping, nil
}

// shippingWeights is what the goods of each rate cost without tax or, where all
// goods are given away, before discounts.
func shippingWeights(o *Order, rates rateSums) []int64 {
	weights := make([]int64, len(rates))
	free := true
	for i, r := range rates {
		weights[i] = r.Gross - r.Tax
		free = free && weights[i] == 0
	}
	if free {
		for i := range o.Lines {
			l := &o.Lines[i]
			weights[slices.IndexFunc(rates, func(r Rate) bool { return r.Bps == l.TaxRateBps })] += l.Subtotal
		}
	}
	return weights
}

// shareOf is amount spread over rates as they stand to each other, with the tax
// in it.
func shareOf(rates rateSums, amount int64) (rateSums, error) {
	if len(rates) == 0 {
		rates = rateSums{{}}
	}
	shares, err := money.Split(amount, rates.grosses())
	if err != nil {
		return nil, err
	}
	all := slices.Clone(rates)
	for i := range all {
		if all[i].Tax, err = taxWithin(rates[i], Rate{}, shares[i]); err != nil {
			return nil, err
		}
		all[i].Gross = shares[i]
	}
	return all, nil
}

// taxWithin is the tax in the next gross of a rate of which before was taken
// already, so that all parts of it add up to its tax.
func taxWithin(whole, before Rate, gross int64) (int64, error) {
	if whole.Gross > 0 && before.Gross+gross <= whole.Gross {
		return money.RefundShare(whole.Tax, whole.Gross, before.Gross, gross)
	}
	return money.IncludedTax(gross, whole.Bps)
}

// creditRates spreads a refund over the rates: what is wanted of each, as far as
// it was invoiced and not credited before, and the rest over what is left of all.
// Credit notes that give everything back give back exactly the invoiced taxes.
func creditRates(invoiced, before, wanted rateSums, amount int64) (rateSums, error) {
	all := slices.Clone(invoiced)
	all.add(before) // so that every rate has its place
	all.add(wanted)
	room, want := make([]int64, len(all)), make([]int64, len(all))
	for i, r := range all {
		was, gone := *invoiced.find(r.Bps), *before.find(r.Bps)
		room[i] = max(was.Gross-gone.Gross, 0)
		want[i] = wanted.find(r.Bps).Gross
	}
	if len(all) == 0 {
		all, room, want = rateSums{{}}, []int64{0}, []int64{0}
	}
	if wanted.gross() > amount {
		shares, err := money.Split(amount, want)
		if err != nil {
			return nil, err
		}
		want = shares
	}
	left := amount
	for i := range all {
		all[i].Gross = min(want[i], room[i])
		room[i] -= all[i].Gross
		left -= all[i].Gross
	}
	more, err := money.Allocate(left, room)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Gross += more[i]
		left -= more[i]
	}
	all[0].Gross += left // beyond what was invoiced
	for i := range all {
		if all[i].Tax, err = taxWithin(*invoiced.find(all[i].Bps), *before.find(all[i].Bps), all[i].Gross); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(all, func(r Rate) bool { return r.Gross == 0 }), nil
}

// find is the rate, or an empty one.
func (r rateSums) find(bps int64) *Rate {
	for i := range r {
		if r[i].Bps == bps {
			return &r[i]
		}
	}
	return &Rate{Bps: bps}
}
