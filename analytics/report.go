package analytics

import (
	"context"
	"math/big"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/internal/fault"
	"doorstep/internal/money"
)

// The faults of this room.
var (
	ErrPeriod = fault.New(fault.Invalid, "period_invalid", "The period is two days as 2026-03-05, the first not after the last, at most 400 days apart.")
	ErrGroup  = fault.New(fault.Invalid, "group_by_invalid", "The figures can be grouped by up to three of step, reason, device, country, carrier, payment_method and value_band.")
)

// mostDays bounds a period.
const mostDays = 400

// Dimensions are the ways to group figures.
func Dimensions() []string {
	var names []string
	for _, d := range dimensions {
		if d.name != "" {
			names = append(names, d.name)
		}
	}
	return names
}

// Period is days in the shop's zone, both ends included, by day or by week. Empty
// ends are the last 30 days.
type Period struct {
	From, To string // 2026-03-05
	Weekly   bool   // weeks begin on Monday
}

// fix checks a period and fills in what is not said.
func (p *Period) fix(now time.Time, zone *time.Location) error {
	today := now.In(zone).Format(time.DateOnly)
	if p.To == "" {
		p.To = today
	}
	to, err := time.Parse(time.DateOnly, p.To)
	if err != nil {
		return ErrPeriod.At("query.to", "is not a day")
	}
	if p.From == "" {
		p.From = to.AddDate(0, 0, -29).Format(time.DateOnly)
	}
	from, err := time.Parse(time.DateOnly, p.From)
	if err != nil {
		return ErrPeriod.At("query.from", "is not a day")
	}
	if to.Before(from) || to.Sub(from) > mostDays*24*time.Hour || from.Year() < 1970 || to.Year() > 9999 {
		return ErrPeriod.At("query.from", "is after to, or too long before it")
	}
	return nil
}

// Head is what every report begins with.
type Head struct {
	Period
	Zone string // in which the days are days
	// ClosedBefore is the first day whose figures can still change; those before
	// it are closed.
	ClosedBefore string
}

// Figures are what is counted of a group of journeys.
type Figures struct {
	Carts     int64 // in which there was something, checkouts without a cart included
	Checkouts int64 // of them begun
	Orders    int64
	Abandoned int64 // left, and no order has come of them
	Recovered int64 // left, and then bought
	Open      int64 // neither left nor bought yet
	// CartAbandonment is 1 - orders / carts, CheckoutAbandonment 1 - orders /
	// checkouts; nil of none.
	CartAbandonment, CheckoutAbandonment *Rate
	// The values of the goods: of all, of what was abandoned, of what was recovered.
	Value, Lost, Won []money.Amount
}

// Row is the figures of one group in one day or week.
type Row struct {
	Start string            // the first day
	Group map[string]string // by dimension; Unknown where nothing is known
	Figures
}

// Abandonment is where and why shoppers leave.
type Abandonment struct {
	Head
	Total Figures // of all of the period
	Rows  []Row   // by start, then the largest first
}

// Abandonment reports on the journeys that began in a period, by days or weeks
// and by up to three dimensions.
func (s *Service) Abandonment(ctx context.Context, merchant uuid.UUID, p Period, by []string) (*Abandonment, error) {
	if err := checkGroups(by); err != nil {
		return nil, err
	}
	head, err := s.head(ctx, merchant, p)
	if err != nil {
		return nil, err
	}
	total, err := s.sums(ctx, merchant, &head.Period, nil, true)
	if err != nil {
		return nil, err
	}
	groups, err := s.sums(ctx, merchant, &head.Period, by, false)
	if err != nil {
		return nil, err
	}
	a := &Abandonment{Head: *head, Rows: make([]Row, 0, len(groups))}
	if len(total) > 0 {
		a.Total = total[0].figures()
	}
	for i := range groups {
		g := &groups[i]
		r := Row{Start: g.start, Group: map[string]string{}, Figures: g.figures()}
		for n, d := range by {
			r.Group[d] = g.values[n]
		}
		a.Rows = append(a.Rows, r)
	}
	slices.SortStableFunc(a.Rows, func(x, y Row) int {
		switch {
		case x.Start != y.Start:
			return compare(x.Start, y.Start)
		case x.Carts != y.Carts:
			return compare(y.Carts, x.Carts)
		}
		for _, d := range by {
			if c := compare(x.Group[d], y.Group[d]); c != 0 {
				return c
			}
		}
		return 0
	})
	return a, nil
}

func compare[T int64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func checkGroups(by []string) error {
	if len(by) > 3 {
		return ErrGroup.At("query.group_by", "names too many")
	}
	for i, d := range by {
		if !slices.Contains(Dimensions(), d) || slices.Contains(by[:i], d) {
			return ErrGroup.At("query.group_by", "names something else, or the same twice")
		}
	}
	return nil
}

// head fixes the period and says by which clock its days are.
func (s *Service) head(ctx context.Context, merchant uuid.UUID, p Period) (*Head, error) {
	zone, name, err := s.zone(ctx, merchant)
	if err != nil {
		return nil, err
	}
	now := s.DB.Now()
	if err := p.fix(now, zone); err != nil {
		return nil, err
	}
	return &Head{Period: p, Zone: name, ClosedBefore: now.In(zone).AddDate(0, 0, -frozenAfter).Format(time.DateOnly)}, nil
}

// StepFigures is one step of the road.
type StepFigures struct {
	Step    cart.Step
	Entered int64
	Left    int64 // came to this step and to none after it, and are gone
	Loss    *Rate // 1 - entered(next) / entered(this); nil of the last, and of none
}

// Funnel is how many came how far.
type Funnel struct {
	Head
	Total Figures
	Steps []StepFigures
}

// Funnel reports how far the journeys came that began in a period. Who comes to
// a step counts as having passed those before it.
func (s *Service) Funnel(ctx context.Context, merchant uuid.UUID, p Period) (*Funnel, error) {
	head, err := s.head(ctx, merchant, p)
	if err != nil {
		return nil, err
	}
	total, err := s.sums(ctx, merchant, &head.Period, nil, true)
	if err != nil {
		return nil, err
	}
	by, err := s.sums(ctx, merchant, &head.Period, []string{"step"}, true)
	if err != nil {
		return nil, err
	}
	f := &Funnel{Head: *head}
	entered := [7]int64{}
	if len(total) > 0 {
		f.Total = total[0].figures()
		t := &total[0].sum
		entered = [7]int64{t.Carts, t.Entered[0], t.Entered[1], t.Entered[2], t.Entered[3], t.Entered[4], t.Orders}
	}
	for i, step := range cart.Steps {
		sf := StepFigures{Step: step, Entered: entered[i]}
		for n := range by {
			if by[n].values[0] == string(step) {
				sf.Left = by[n].sum.Abandoned
			}
		}
		if i+1 < len(entered) {
			sf.Loss = rateOf(entered[i]-entered[i+1], entered[i])
		}
		f.Steps = append(f.Steps, sf)
	}
	return f, nil
}

// group is what was added up of one group.
type group struct {
	start  string
	values []string
	sum    sum
	// by currency
	value, lost, won map[string]*big.Int
}

func (g *group) figures() Figures {
	t := &g.sum
	return Figures{
		Carts: t.Carts, Checkouts: t.Checkouts, Orders: t.Orders, Abandoned: t.Abandoned, Recovered: t.Recovered, Open: t.Open,
		CartAbandonment: rateOf(t.Carts-t.Orders, t.Carts), CheckoutAbandonment: rateOf(t.Checkouts-t.Orders, t.Checkouts),
		Value: amounts(g.value), Lost: amounts(g.lost), Won: amounts(g.won),
	}
}

// amounts are the sums that are not nothing, by currency. What does not fit is
// as much as fits.
func amounts(all map[string]*big.Int) []money.Amount {
	list := []money.Amount{}
	for currency, n := range all {
		if n.Sign() == 0 || currency == "" {
			continue
		}
		minor := int64(1<<63 - 1)
		if n.IsInt64() {
			minor = n.Int64()
		}
		list = append(list, money.Of(minor, currency))
	}
	slices.SortFunc(list, func(a, b money.Amount) int { return compare(a.Currency, b.Currency) })
	return list
}

// SalesRow is what was sold in one day or week.
type SalesRow struct {
	Start  string
	Orders int64
	// Revenue is the totals of the orders as they were placed, Average what one
	// comes to, rounded down; one amount for each currency.
	Revenue, Average []money.Amount
}

// Sales is what was sold in a period, by the day on which the orders were
// placed. Orders that were canceled later are in it; imported ones are not.
type Sales struct {
	Head
	Total SalesRow
	Rows  []SalesRow
}

// Sales reports what was sold in a period.
func (s *Service) Sales(ctx context.Context, merchant uuid.UUID, p Period) (*Sales, error) {
	head, err := s.head(ctx, merchant, p)
	if err != nil {
		return nil, err
	}
	all, err := s.soldIn(ctx, merchant, &head.Period)
	if err != nil {
		return nil, err
	}
	v := &Sales{Head: *head, Rows: []SalesRow{}}
	total := newSold(head.From)
	for _, d := range all {
		v.Rows = append(v.Rows, d.row())
		total.add(d)
	}
	v.Total = total.row()
	return v, nil
}

// soldDay is what was sold in one day or week, by currency.
type soldDay struct {
	start   string
	orders  map[string]int64
	revenue map[string]*big.Int
}

func newSold(start string) *soldDay {
	return &soldDay{start: start, orders: map[string]int64{}, revenue: map[string]*big.Int{}}
}

func (d *soldDay) add(o *soldDay) {
	for c, n := range o.orders {
		d.orders[c] += n
		if d.revenue[c] == nil {
			d.revenue[c] = new(big.Int)
		}
		d.revenue[c].Add(d.revenue[c], o.revenue[c])
	}
}

func (d *soldDay) row() SalesRow {
	r := SalesRow{Start: d.start, Revenue: amounts(d.revenue)}
	average := map[string]*big.Int{}
	for c, n := range d.orders {
		r.Orders += n
		if n > 0 {
			average[c] = new(big.Int).Quo(d.revenue[c], big.NewInt(n))
		}
	}
	r.Average = amounts(average)
	return r
}
