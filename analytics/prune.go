package analytics

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"doorstep/cart"
	"doorstep/internal/db"
)

// pruneRounds bounds the stretches of the log that one run looks through.
const pruneRounds = 50

// Prune takes journeys out of the log of which nothing was heard for as long as
// the log is kept, and says how many. Whole journeys go, and only those that are
// over and that count as they stand: each stays among the figures as one row,
// which making the figures anew leaves alone. It works in batches, each of which
// stands by itself.
func (s *Service) Prune(ctx context.Context) (int, error) {
	if s.Keep <= 0 {
		return 0, nil
	}
	before := s.DB.Now().Add(-s.Keep)
	rows, err := s.DB.Query(ctx, `select merchant_id from daily_state order by merchant_id`)
	if err != nil {
		return 0, err
	}
	merchants, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, err
	}
	pruned := 0
	for _, m := range merchants {
		after := uuid.Nil
		for range pruneRounds {
			n, last, err := s.prune(ctx, m, before, after)
			if pruned += n; err != nil {
				return pruned, err
			}
			if after = last; last == uuid.Nil {
				break
			}
		}
	}
	return pruned, nil
}

// prune looks through one stretch of a merchant's log; last is where to go on.
func (s *Service) prune(ctx context.Context, merchant uuid.UUID, before time.Time, after uuid.UUID) (n int, last uuid.UUID, err error) {
	_, zone, err := s.zone(ctx, merchant)
	if err != nil {
		return 0, uuid.Nil, err
	}
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		var at cart.Position
		var next, of string
		n, last = 0, uuid.Nil
		found, err := db.One(tx.QueryRow(ctx, `select database, next::text, zone from daily_state where merchant_id = $1 for update`, merchant), &at.Database, &next, &of)
		if err != nil || !found || of != zone { // the figures are to be made anew first, from all there is
			return err
		}
		at.Next = number(next)
		var over []uuid.UUID
		if over, last, err = cart.Over(ctx, tx, merchant, at, before, after); err != nil || len(over) == 0 {
			return err
		}
		rows, err := tx.Query(ctx, `update daily_journeys set pruned = true where merchant_id = $1 and id = any ($2) returning id`, merchant, over)
		if err != nil {
			return err
		}
		counted, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if n = len(counted); err != nil || n == 0 {
			return err
		}
		cart.Forget(tx, merchant, counted)
		return nil
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == lockNotAvailable {
		return 0, uuid.Nil, nil // somebody else is at the figures, for long
	}
	return n, last, err
}

// later is what becomes of a journey that was taken out of the log when it is
// heard of again: its day is closed, so it stays as it was; but what is sold is
// sold.
func (f Fact) later(news *Fact) Fact {
	if f.SaleDay == "" && news.SaleDay != "" {
		f.SaleDay, f.SaleTotal = news.SaleDay, news.SaleTotal
		if f.Currency == "" {
			f.Currency = news.Currency
		}
	}
	return f
}

// withOld puts in the place of facts those of journeys that had been taken out of
// the log, with what has been heard of these since.
func withOld(facts, old []Fact) {
	byID := map[uuid.UUID]*Fact{}
	for i := range old {
		if old[i].Pruned {
			byID[old[i].ID] = &old[i]
		}
	}
	for i := range facts {
		if was := byID[facts[i].ID]; was != nil {
			facts[i] = was.later(&facts[i])
		}
	}
}

// bookOld counts all journeys that were taken out of the log.
func bookOld(ctx context.Context, tx pgx.Tx, merchant uuid.UUID, books *ledger) error {
	after := uuid.Nil
	for {
		rows, err := tx.Query(ctx, `select `+factFields+` from daily_journeys where merchant_id = $1 and pruned and id > $2 order by id limit $3`, merchant, after, factsAtOnce)
		if err != nil {
			return err
		}
		facts, err := pgx.CollectRows(rows, scanFact)
		if err != nil || len(facts) == 0 {
			return err
		}
		for i := range facts {
			books.book(&facts[i], 1)
		}
		after = facts[len(facts)-1].ID
	}
}
