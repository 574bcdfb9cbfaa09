package recovery

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/stat"
)

// Whether a report can tell anything.
const (
	// Enough says that the interval does not hold zero.
	Enough = "measured"
	// NotEnough says that it does, or that too few people have been compared: the
	// truth may be nothing.
	NotEnough = "not_enough_data"
)

// leastPeople and leastBuyers are what each arm must have before anything is said.
const (
	leastPeople = 30
	leastBuyers = 5 // in both arms together
)

// Arm is one side of the comparison.
type Arm struct {
	People, Buyers int
	RevenueMinor   map[string]int64 // by currency
}

// Measure is an estimate with the bounds within which the truth lies in 95 of 100
// cases, and what may be said of it. Without bounds Low and High are nil.
type Measure struct {
	Estimate  float64
	Low, High *float64
	Verdict   string // Enough or NotEnough
}

// CurrencyReport is what reminders brought in one currency, in minor units.
type CurrencyReport struct {
	Currency string
	// Incremental is the revenue of the reminded people less that of as many people
	// of the hold-out: what would not have come without.
	Incremental Measure
	// Attributed is the revenue of orders that came by the link of a reminder. Some
	// of these people would have come anyway.
	AttributedMinor  int64
	AttributedOrders int
}

// Report is what reminders brought in a time.
type Report struct {
	From, To         time.Time
	WindowDays       int
	Treated, Holdout Arm
	// Lift is by how much more of the reminded people bought, as a share of them.
	Lift       Measure
	Currencies []CurrencyReport // in order of their codes
	Mails      map[string]int   // reminders by what became of them: sent, held_out, or the code of what kept them
}

// outcome is one person of the comparison.
type outcome struct {
	arm    string
	bought map[string]int64 // by currency, within the window
}

// Report compares the people who were first reminded within the time, or would
// have been, and what they bought within the window after that, of whatever cart.
// It fails with ErrPeriod.
func (s *Service) Report(ctx context.Context, merchant uuid.UUID, from, to time.Time) (*Report, error) {
	if !from.Before(to) || to.Sub(from) > 366*24*time.Hour {
		return nil, ErrPeriod
	}
	st, err := s.State(ctx, merchant)
	if err != nil {
		return nil, err
	}
	r := &Report{From: from, To: to, WindowDays: st.WindowDays}
	people, err := s.outcomes(ctx, merchant, from, to, time.Duration(st.WindowDays)*24*time.Hour)
	if err != nil {
		return nil, err
	}
	if r.Mails, err = s.mails(ctx, merchant, from, to); err != nil {
		return nil, err
	}
	attributed, err := s.attributed(ctx, merchant, from, to)
	if err != nil {
		return nil, err
	}
	r.compare(people, attributed, seedOf(merchant, from, to))
	return r, nil
}

// seedOf is the seed of a report: the same report says the same.
func seedOf(merchant uuid.UUID, from, to time.Time) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(merchant[:])
	_ = binary.Write(h, binary.BigEndian, from.Unix())
	_ = binary.Write(h, binary.BigEndian, to.Unix())
	return h.Sum64()
}

// compare works the report out. It is pure.
func (r *Report) compare(people []outcome, attributed []CurrencyReport, seed uint64) {
	arms := map[string]*Arm{Treated: &r.Treated, Holdout: &r.Holdout}
	samples := map[string]map[string]*stat.Sample{Treated: {}, Holdout: {}} // by arm and currency
	var currencies []string
	for _, p := range people {
		for c := range p.bought {
			currencies = append(currencies, c)
		}
	}
	for _, a := range attributed {
		currencies = append(currencies, a.Currency)
	}
	slices.Sort(currencies)
	currencies = slices.Compact(currencies)
	for name, a := range arms {
		a.RevenueMinor = map[string]int64{}
		for _, c := range currencies {
			samples[name][c] = &stat.Sample{}
		}
	}
	for _, p := range people {
		a := arms[p.arm]
		a.People++
		if len(p.bought) > 0 {
			a.Buyers++
		}
		for c, minor := range p.bought {
			a.RevenueMinor[c] += minor
			samples[p.arm][c].Values = append(samples[p.arm][c].Values, float64(minor))
		}
	}
	r.Lift = measure(stat.Shares(r.Treated.Buyers, r.Treated.People, r.Holdout.Buyers, r.Holdout.People), 1, r)
	r.Currencies = []CurrencyReport{}
	for i, c := range currencies {
		t, h := samples[Treated][c], samples[Holdout][c]
		t.N, h.N = r.Treated.People, r.Holdout.People
		// In the order of their size, so that the order of people changes nothing.
		slices.Sort(t.Values)
		slices.Sort(h.Values)
		one := CurrencyReport{Currency: c, Incremental: measure(stat.Means(*t, *h, seed+uint64(i)), float64(t.N), r)} // it is small
		for _, a := range attributed {
			if a.Currency == c {
				one.AttributedMinor, one.AttributedOrders = a.AttributedMinor, a.AttributedOrders
			}
		}
		r.Currencies = append(r.Currencies, one)
	}
}

// measure scales an interval and says what may be made of it.
func measure(i stat.Interval, scale float64, r *Report) Measure {
	m := Measure{Estimate: i.Estimate * scale, Verdict: Enough}
	if r.Treated.People == 0 || r.Holdout.People == 0 {
		m.Estimate = 0
	} else if !math.IsInf(i.Low, 0) && !math.IsInf(i.High, 0) {
		low, high := i.Low*scale, i.High*scale
		m.Low, m.High = &low, &high
	}
	few := r.Treated.People < leastPeople || r.Holdout.People < leastPeople || r.Treated.Buyers+r.Holdout.Buyers < leastBuyers
	if few || m.Low == nil || i.Spans(0) {
		m.Verdict = NotEnough
	}
	return m
}
