package recommend

import (
	"context"
	"math"
	"slices"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/stat"

	"github.com/google/uuid"
)

// ArmFigures are what became of the visitors of one arm.
type ArmFigures struct {
	Arm                       Arm
	Visitors, Lists           int
	Impressions, Clicks, Adds int // of the lists of this arm
	Buyers, Orders            int // from the first list on
	Attached                  int // orders with something that was chosen from a list
	// Revenue is what they spent, by currency, in minor units.
	Revenue map[string]int64
}

// Verdict says whether the data can tell two arms apart.
type Verdict string

// The verdicts.
const (
	Measured      Verdict = "measured"
	NotEnoughData Verdict = "not_enough_data" // the interval spans 0
)

// Lift is the learned arm less the popularity arm, with the bounds of a 95 %
// interval.
type Lift struct {
	stat.Interval
	Verdict Verdict
}

// RevenueLift is that of what a visitor spends, in minor units.
type RevenueLift struct {
	Currency string
	Lift
}

// Split says whether visitors fall into the arms as they should. If they do not,
// something loses visitors of one arm, and no other figure can be trusted.
type Split struct {
	Expected, Observed float64 // share of the popularity arm
	P                  float64 // of a split at least as odd, by chance
	OK                 bool
}

// Comparison is what recommendations are worth.
type Comparison struct {
	From, To            time.Time
	Learned, Popularity ArmFigures
	Conversion          Lift // buyers of all visitors
	Attach              Lift // orders with something from a list, of all orders
	Revenue             []RevenueLift
	Split               Split
}

// leastP is below what a split is not believed.
const leastP = .001

// ErrPeriod is a stretch of time that cannot be reported on.
var ErrPeriod = fault.New(fault.Invalid, "period_invalid", "The period must have its end after its beginning and at most 400 days.")

// Compare reports on the visitors whose first list of the period was given
// between two times. It fails with ErrPeriod, also when events of the period may be
// gone: what is left of them would say that fewer have bought.
func (s *Service) Compare(ctx context.Context, merchant uuid.UUID, from, to time.Time) (*Comparison, error) {
	if !to.After(from) || to.Sub(from) > answersKept {
		return nil, ErrPeriod
	}
	if first := s.DB.Now().UTC().Add(-s.EventsKept).Truncate(24 * time.Hour); from.Before(first) {
		return nil, ErrPeriod.At("query.from", "must not be before "+first.Format(time.DateOnly)+": events from before may be gone")
	}
	arms, all, err := s.readFigures(ctx, merchant, from, to)
	if err != nil {
		return nil, err
	}
	return compare(from, to, arms, all), nil
}

func compare(from, to time.Time, arms map[Arm]ArmFigures, all []spent) *Comparison {
	c := &Comparison{From: from, To: to, Learned: arms[Learned], Popularity: arms[Popularity]}
	c.Learned.Arm, c.Popularity.Arm = Learned, Popularity
	c.Learned.Revenue, c.Popularity.Revenue = map[string]int64{}, map[string]int64{}
	c.Conversion = lift(stat.Shares(c.Learned.Buyers, c.Learned.Visitors, c.Popularity.Buyers, c.Popularity.Visitors))
	c.Attach = lift(stat.Shares(c.Learned.Attached, c.Learned.Orders, c.Popularity.Attached, c.Popularity.Orders))
	byCurrency := map[string]map[Arm][]float64{}
	var currencies []string
	for _, x := range all {
		if byCurrency[x.currency] == nil {
			byCurrency[x.currency] = map[Arm][]float64{}
			currencies = append(currencies, x.currency)
		}
		byCurrency[x.currency][x.arm] = append(byCurrency[x.currency][x.arm], float64(x.minor))
		of := c.Learned.Revenue
		if x.arm == Popularity {
			of = c.Popularity.Revenue
		}
		of[x.currency] += x.minor
	}
	slices.Sort(currencies)
	for _, currency := range currencies {
		values := byCurrency[currency]
		c.Revenue = append(c.Revenue, RevenueLift{currency, lift(stat.Means(
			stat.Sample{N: c.Learned.Visitors, Values: values[Learned]}, stat.Sample{N: c.Popularity.Visitors, Values: values[Popularity]}, 1))})
	}
	c.Split = splitOf(c.Popularity.Visitors, c.Learned.Visitors+c.Popularity.Visitors)
	return c
}

func lift(i stat.Interval) Lift {
	if i.Spans(0) {
		return Lift{i, NotEnoughData}
	}
	return Lift{i, Measured}
}

// splitOf holds the split against what the buckets promise, by the normal
// approximation of the binomial distribution.
func splitOf(popularity, all int) Split {
	p := float64(popularityBuckets) / buckets
	s := Split{Expected: p, P: 1, OK: true}
	if all == 0 {
		return s
	}
	n := float64(all)
	s.Observed = float64(popularity) / n
	s.P = math.Erfc(math.Abs(float64(popularity)-n*p) / math.Sqrt(2*n*p*(1-p)))
	s.OK = s.P >= leastP
	return s
}
