package cart

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

// sweepMost bounds the journeys that one run of the sweeper takes at a time.
const sweepMost = 200

// journey is a row of journeys.
type journey struct {
	Merchant, ID      uuid.UUID
	Cart, Checkout    *uuid.UUID
	Status            Status
	Step              int
	Contact, Excluded bool
	Merged            bool
	Value, Pieces     int64
	Currency, Country string
	Language          string
	Started, Seen     time.Time
	Abandoned         *time.Time
	Times             int
	Ordered           *time.Time
	Order             *uuid.UUID
}

const journeyColumns = `j.merchant_id, j.id, j.cart_id, j.checkout_id, j.status, j.step, j.contact, j.excluded, j.merged, j.value_minor, j.pieces,
	j.currency, j.country, j.language, j.started_at, j.seen_at, j.abandoned_at, j.times, j.ordered_at, j.order_id`

// gone is when the shopper of the journey counted as gone.
func (j *journey) gone() time.Time {
	switch {
	case j.Checkout == nil:
		return j.Seen.Add(idleCart)
	case j.Contact:
		return j.Seen.Add(idleContact)
	}
	return j.Seen.Add(idleCheckout)
}

// next is what is to be done with a journey that is due.
type next uint8

const (
	abandon next = iota
	recoverIt
	convert
	mergeAway
	expireIt
	forget // nobody has to know that it is over
)

func (j *journey) next(now time.Time) next {
	switch {
	case j.Ordered != nil:
		return convert
	case j.Merged:
		return mergeAway
	case j.Status == Abandoned && j.Abandoned != nil && j.Seen.After(*j.Abandoned):
		return recoverIt
	case j.Status == Abandoned:
		return expireIt
	case j.Excluded, j.Pieces == 0, !now.Before(j.Seen.Add(idleEnd)):
		return forget
	}
	return abandon
}

// Sweep moves journeys on of which nothing was heard, or something again: given
// up, back, bought, over. It works in batches, each of which stands by itself,
// so that it can be stopped anywhere and run several times at once.
func (s *Service) Sweep(ctx context.Context) error {
	if _, err := s.WriteEvents(ctx); err != nil {
		return err
	}
	if err := s.Follow(ctx); err != nil {
		return err
	}
	for {
		now := s.DB.Now()
		rows, err := s.DB.Query(ctx, `select `+journeyColumns+` from journeys j where j.due_at <= $1 order by j.due_at, j.id limit $2`, now, sweepMost)
		if err != nil {
			return err
		}
		due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[journey])
		if err != nil {
			return err
		}
		byMerchant := map[uuid.UUID][]journey{}
		for _, j := range due {
			byMerchant[j.Merchant] = append(byMerchant[j.Merchant], j)
		}
		for m, all := range byMerchant {
			if err := s.sweep(ctx, m, all, now); err != nil {
				return err
			}
		}
		if len(due) < sweepMost {
			return nil
		}
	}
}

// swept is one batch of one merchant on its way.
type swept struct {
	merchant uuid.UUID
	now      time.Time
	todo     map[next][]journey
	states   map[uuid.UUID]CheckoutState
	why      map[uuid.UUID]Explanation
	events   []Event
	news     []jobs.Event
}

// sweep moves the journeys of one merchant, in one transaction.
func (s *Service) sweep(ctx context.Context, merchant uuid.UUID, due []journey, now time.Time) error {
	b := &swept{merchant: merchant, now: now, todo: map[next][]journey{}, states: map[uuid.UUID]CheckoutState{}, why: map[uuid.UUID]Explanation{}}
	var checkouts, leaving []uuid.UUID
	for _, j := range due {
		n := j.next(now)
		b.todo[n] = append(b.todo[n], j)
		if j.Checkout != nil && n != forget {
			checkouts = append(checkouts, *j.Checkout)
		}
		if n == abandon {
			leaving = append(leaving, j.ID)
		}
	}
	var err error
	if s.Checkouts != nil && len(checkouts) > 0 {
		if b.states, err = s.Checkouts.States(ctx, merchant, checkouts); err != nil {
			return err
		}
	}
	if err := s.explain(ctx, b, leaving); err != nil {
		return err
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		b.events, b.news = nil, nil
		for n := abandon; n <= forget; n++ {
			if len(b.todo[n]) == 0 {
				continue
			}
			if err := b.move(ctx, tx, n); err != nil {
				return err
			}
		}
		Note(tx, b.events...)
		for _, e := range b.news {
			if err := jobs.Publish(tx, e); err != nil {
				return err
			}
		}
		// What would not move is being paid, or somebody was faster.
		tx.Queue(`update journeys set due_at = $3 where merchant_id = $1 and id = any ($2) and due_at <= $4`, merchant, ids(due), now.Add(lookAgain), now)
		return nil
	})
}

// explain reads what happened on the journeys and finds out why they ended.
func (s *Service) explain(ctx context.Context, b *swept, journeys []uuid.UUID) error {
	if len(journeys) == 0 {
		return nil
	}
	rows, err := s.DB.Query(ctx, `select `+eventColumns+` from checkout_events e where e.merchant_id = $1 and e.journey_id = any ($2)
		order by e.journey_id, e.at, e.id`, b.merchant, journeys)
	if err != nil {
		return err
	}
	events, err := pgx.CollectRows(rows, scanEvent)
	if err != nil {
		return err
	}
	for len(events) > 0 {
		n := slices.IndexFunc(events, func(e Event) bool { return *e.Journey != *events[0].Journey })
		if n < 0 {
			n = len(events)
		}
		b.why[*events[0].Journey] = Explain(events[:n])
		events = events[n:]
	}
	return nil
}

// move writes one kind of change and notes what is told of it. Only those
// journeys move that are still as they were read.
func (b *swept) move(ctx context.Context, tx db.Tx, n next) error {
	all := b.todo[n]
	if n == abandon {
		all = slices.DeleteFunc(slices.Clone(all), func(j journey) bool { return j.Checkout != nil && b.states[*j.Checkout].Busy })
	}
	moved, err := b.write(ctx, tx, n, all)
	if err != nil {
		return err
	}
	for i := range all {
		if j := &all[i]; slices.Contains(moved, j.ID) {
			b.tell(n, j)
		}
	}
	return nil
}

// tell notes what is said of a journey that has moved.
func (b *swept) tell(n next, j *journey) {
	v := b.journey(j)
	switch n {
	case abandon:
		v.Times, v.AbandonedAt = j.Times+1, j.Seen
		e := b.event(j, JourneyAbandoned, j.gone())
		why := b.why[j.ID]
		e.Reason, e.Attributes.Evidence, e.Attributes.Times = why.Reason, why.Evidence, v.Times
		b.events, b.news = append(b.events, e), append(b.news, WasAbandoned{v})
	case recoverIt:
		b.events, b.news = append(b.events, b.event(j, JourneyRecovered, j.Seen)), append(b.news, WasRecovered{v, j.Seen})
	case convert:
		if j.Times > 0 && j.Order != nil {
			b.news = append(b.news, WasConverted{v, *j.Order, *j.Ordered})
		}
	case mergeAway:
		if j.Status == Abandoned {
			b.news = append(b.news, WasRecovered{v, j.Seen})
		}
	case expireIt:
		at := v.AbandonedAt.Add(idleEnd)
		b.events, b.news = append(b.events, b.event(j, JourneyExpired, at)), append(b.news, WasExpired{v, at})
	}
}

// event is what follows from silence. Its time is that at which it became true,
// however late the sweeper came.
func (b *swept) event(j *journey, kind Kind, at time.Time) Event {
	return Event{
		Merchant: b.merchant, ID: id.New(), Journey: &j.ID, Checkout: j.Checkout, At: at, Kind: kind, Step: stepOf(j.Step), Source: Inferred,
	}
}

func (b *swept) journey(j *journey) Journey {
	v := Journey{
		MerchantID: b.merchant, JourneyID: j.ID, CartID: j.Cart, CheckoutID: j.Checkout, Step: stepOf(j.Step), ValueMinor: j.Value,
		Currency: j.Currency, Country: j.Country, Language: j.Language, StartedAt: j.Started, Times: j.Times,
	}
	if j.Abandoned != nil {
		v.AbandonedAt = *j.Abandoned
	}
	if j.Checkout != nil {
		st := b.states[*j.Checkout]
		v.CustomerID = st.CustomerID
		if j.Contact {
			v.ContactID = st.ContactID
		}
	}
	return v
}

func ids(all []journey) []uuid.UUID {
	list := make([]uuid.UUID, len(all))
	for i := range all {
		list[i] = all[i].ID
	}
	return list
}
