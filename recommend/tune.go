package recommend

import (
	"context"
	"slices"
	"time"

	"doorstep/catalog"

	"github.com/google/uuid"
)

// knob is a number of the settings and what it may be instead.
type knob struct {
	of     func(*Settings) *float64
	values []float64
}

// knobs are what is searched for a surface, one after the other.
func knobs(s Surface) []knob {
	all := []knob{
		{func(s *Settings) *float64 { return &s.Table.C }, []float64{.2, .35, .5}},
		{func(s *Settings) *float64 { return &s.Table.B }, []float64{.3, .5, .7}},
		{func(s *Settings) *float64 { return &s.Table.A }, []float64{.3, .6, .9}},
		{func(s *Settings) *float64 { return &s.Table.Half }, []float64{30, 90, 240}},
		{func(s *Settings) *float64 { return &s.Table.Shrink }, []float64{1, 3, 10}},
	}
	if s == Home {
		return append(all,
			knob{func(s *Settings) *float64 { return &s.HistoryHalf }, []float64{45, 120, 365}},
			knob{func(s *Settings) *float64 { return &s.Repeat }, []float64{.5, 1.5, 4}},
			knob{func(s *Settings) *float64 { return &s.Trend }, []float64{0, .2}})
	}
	return append(all,
		knob{func(s *Settings) *float64 { return &s.Trend }, []float64{0, .2, .4}},
		knob{func(s *Settings) *float64 { return &s.Prior }, []float64{.001, .03, 1}})
}

// search finds settings that answer what was bought between two times best, from
// those that are live on: one number after the other, each time the value that
// gains most. It gives them with how many were tried.
func search(ctx context.Context, p *past, s Surface, cut, until time.Time) (Settings, int, error) {
	k, after, names := p.split(cut, until)
	l := k.rankers[s].log
	all := k.questions(s, after, names)
	best := p.settings(s, l)
	if len(l.Orders) == 0 || len(all) == 0 {
		return best, 0, ErrTrial
	}
	value := func(set Settings) float64 {
		tried := k.with(s, set)
		_, o := ask(k, all, func(q *question) []int32 { return tried.answer(s, q) })
		return o.NDCG
	}
	top, n := value(best), 1
	for _, set := range []Settings{defaults[s], young[s]} { // from wherever is best
		if set.Table.Keep == 0 || set == best {
			continue
		}
		n++
		if got := value(set); got > top {
			top, best = got, set
		}
	}
	for _, one := range knobs(s) {
		was := *one.of(&best)
		for _, v := range one.values {
			if v == was {
				continue
			}
			if err := ctx.Err(); err != nil {
				return best, n, err
			}
			set := best
			*one.of(&set) = v
			n++
			if got := value(set); got > top {
				top, best = got, set
			}
		}
	}
	return best, n, nil
}

// Today is how the lists of this moment are, for the questions of a trial.
type Today struct {
	Lists, Places int
	// Violations are places with what cannot be bought, stands there twice or is
	// what was asked about.
	Violations int
	P50, P99   time.Duration // of an answer, without HTTP
}

// Evaluation is a trial with what became of it.
type Evaluation struct {
	Trial
	Version int // under which it was kept; 0: it was not
	Today   Today
}

// Evaluate tries a surface on the shop's own past: it learns what was before the
// cut and asks about what was bought from there until the end. With tune it
// searches settings on the stretch of the same length before the cut, tries them
// after it and keeps them as a version, which goes live if it is not worse. It
// fails with ErrTrial or ErrVersionsRace.
func (s *Service) Evaluate(ctx context.Context, merchant uuid.UUID, surface Surface, cut, until time.Time, tune bool, by string) (*Evaluation, error) {
	if !slices.Contains(tunable, surface) {
		return nil, ErrSurface.Saying("A trial is of home, product or cart; the others rank as cart does.")
	}
	p, err := history(ctx, s.DB, merchant, cut.Add(-until.Sub(cut)), until)
	if err != nil {
		return nil, err
	}
	e := &Evaluation{}
	var set *Settings
	tried := 0
	if tune {
		found, n, err := search(ctx, p, surface, cut.Add(-until.Sub(cut)), cut)
		if err != nil {
			return nil, err
		}
		set, tried = &found, n
	}
	t, err := try(p, surface, cut, until, set)
	if err != nil {
		return nil, err
	}
	t.Tried = tried
	e.Trial = *t
	if tune && t.Why != "same" {
		if e.Version, err = s.keepVersion(ctx, merchant, by, t.Base, t); err != nil {
			return nil, err
		}
		if t.Better {
			if err := s.Learn(ctx, merchant); err != nil {
				return nil, err
			}
		}
	}
	return e, s.today(ctx, merchant, p, surface, cut, until, &e.Today)
}

// todayAsked is how many questions are put to the service as it is.
const todayAsked = 200

// today asks the service itself, and the shelf about what it shows.
func (s *Service) today(ctx context.Context, merchant uuid.UUID, p *past, surface Surface, cut, until time.Time, t *Today) error {
	k, after, names := p.split(cut, until)
	all := k.questions(surface, after, names)
	currency := s.Currency
	if currency == nil {
		return nil
	}
	money, err := currency(ctx, merchant)
	if err != nil {
		return err
	}
	var took []time.Duration
	for i := range all[:min(len(all), todayAsked)] {
		a := Ask{Merchant: merchant, Surface: surface, Currency: money, Locale: "en", Places: atHit}
		for _, n := range all[i].seeds {
			a.Seeds = append(a.Seeds, k.items[n].id)
		}
		if surface == Home {
			a.Person = []byte(all[i].person)
		}
		began := time.Now()
		l, err := s.List(ctx, a)
		if err != nil {
			return err
		}
		took = append(took, time.Since(began))
		if err := s.inspect(ctx, &a, l, t); err != nil {
			return err
		}
	}
	if slices.Sort(took); len(took) > 0 {
		t.P50, t.P99 = took[len(took)/2], took[len(took)*99/100]
	}
	return nil
}

// inspect counts what must not be in a list.
func (s *Service) inspect(ctx context.Context, a *Ask, l *List, t *Today) error {
	var shown []uuid.UUID
	for _, p := range l.Picks {
		if slices.Contains(shown, p.Product.ID) || slices.Contains(a.Seeds, p.Product.ID) {
			t.Violations++
		}
		shown = append(shown, p.Product.ID)
	}
	views, err := s.Shelf.Views(ctx, a.Merchant, a.Currency, a.Locale, shown)
	if err != nil {
		return err
	}
	t.Violations += len(shown) - len(views) // no longer on sale
	for _, v := range views {
		if v.Availability == catalog.OutOfStock || v.From == nil {
			t.Violations++
		}
	}
	t.Lists++
	t.Places += len(shown)
	return nil
}
