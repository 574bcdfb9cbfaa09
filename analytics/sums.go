package analytics

import (
	"math/big"
)

// The ways to look at journeys. The empty one is all of them.
var dimensions = []struct {
	name string
	of   func(f *Fact) string
}{
	{"", func(*Fact) string { return "" }},
	{"step", func(f *Fact) string { return stepName(f.Reached) }},
	{"reason", func(f *Fact) string { return known(f.Reason) }},
	{"device", func(f *Fact) string { return known(f.Device) }},
	{"country", func(f *Fact) string { return known(f.Country) }},
	{"carrier", func(f *Fact) string { return known(f.Carrier) }},
	{"payment_method", func(f *Fact) string { return known(f.Method) }},
	{"value_band", func(f *Fact) string { return f.Band }},
}

// Unknown is the value of a dimension of which nothing is known.
const Unknown = "unknown"

func known(value string) string {
	if value == "" {
		return Unknown
	}
	return value
}

// key names one row of daily_abandonment.
type key struct{ Day, Dimension, Value, Currency string }

// sum is what is added up in it.
type sum struct {
	Carts, Checkouts, Orders, Abandoned, Recovered, Open int64
	Entered                                              [5]int64 // contact, address, shipping, payment, review
	Value, Lost, Won                                     big.Int  // minor units
}

// add counts a fact, times +1 or -1; value is what its goods add.
func (s *sum) add(f *Fact, times int64, value *big.Int) {
	count := func(into *int64, yes bool) {
		if yes {
			*into += times
		}
	}
	amount := func(into *big.Int, yes bool) {
		if yes {
			into.Add(into, value)
		}
	}
	ordered := f.Outcome == Ordered || f.Outcome == Recovered
	count(&s.Carts, true)
	count(&s.Checkouts, f.Checkout)
	count(&s.Orders, ordered)
	count(&s.Abandoned, f.Outcome == Abandoned)
	count(&s.Recovered, f.Outcome == Recovered)
	count(&s.Open, f.Outcome == Open)
	for i := range s.Entered {
		count(&s.Entered[i], f.Reached >= i+2)
	}
	amount(&s.Value, true)
	amount(&s.Lost, f.Outcome == Abandoned)
	amount(&s.Won, f.Outcome == Recovered)
}

func (s *sum) nothing() bool {
	return s.Carts == 0 && s.Checkouts == 0 && s.Orders == 0 && s.Abandoned == 0 && s.Recovered == 0 && s.Open == 0 &&
		s.Entered == [5]int64{} && s.Value.Sign() == 0 && s.Lost.Sign() == 0 && s.Won.Sign() == 0
}

// sale names one row of daily_sales.
type sale struct{ Day, Currency string }

type sold struct {
	Orders  int64
	Revenue big.Int
}

// ledger gathers what facts add to the sums and take from them.
type ledger struct {
	sums  map[key]*sum
	sales map[sale]*sold
}

func newLedger() *ledger { return &ledger{sums: map[key]*sum{}, sales: map[sale]*sold{}} }

// book counts a fact in all its sums, times +1 or -1.
func (l *ledger) book(f *Fact, times int64) {
	if f.SaleDay != "" && f.Excluded != exTest { // a robot that pays is a customer
		k := sale{f.SaleDay, f.Currency}
		s := l.sales[k]
		if s == nil {
			s = &sold{}
			l.sales[k] = s
		}
		s.Orders += times
		s.Revenue.Add(&s.Revenue, new(big.Int).Mul(big.NewInt(f.SaleTotal), big.NewInt(times)))
	}
	if f.Excluded != "" {
		return
	}
	value := new(big.Int).Mul(big.NewInt(f.Value), big.NewInt(times))
	for _, d := range dimensions {
		k := key{f.Day, d.name, d.of(f), f.Currency}
		s := l.sums[k]
		if s == nil {
			s = &sum{}
			l.sums[k] = s
		}
		s.add(f, times, value)
	}
}
