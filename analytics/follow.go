package analytics

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"doorstep/cart"
)

// Follow brings the figures of all merchants up to date with the log. Several
// may run at once: of one merchant one does the work and the others wait.
func (s *Service) Follow(ctx context.Context) error {
	return cart.ReadOn(ctx, s.DB, "daily_state", s.follow)
}

// lockNotAvailable is what PostgreSQL says who has waited for a lock in vain.
const lockNotAvailable = "55P03"

// state is how far the log has been read, and by which zone days were made.
type state struct {
	at   cart.Position
	zone string
}

// follow reads one stretch of the log of a merchant and says whether there is
// another one. Figures of another zone, or from another database, are made anew.
func (s *Service) follow(ctx context.Context, merchant uuid.UUID) (more bool, err error) {
	zone, name, err := s.zone(ctx, merchant)
	if err != nil {
		return false, err
	}
	anew := false
	err = s.within(ctx, func(tx pgx.Tx) error {
		st, err := s.lock(ctx, tx, merchant, name)
		if err != nil {
			return err
		}
		r, err := ahead(ctx, tx, merchant, st.at, s.Batch)
		if err != nil {
			return err
		}
		if st.zone != name || r.Restarted {
			anew = true
			return nil
		}
		if more = r.More; r.Any {
			if err := s.read(ctx, tx, merchant, r, zone); err != nil {
				return err
			}
		}
		return save(ctx, tx, merchant, r.Position())
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == lockNotAvailable {
		return false, nil // somebody else is at it, for long: making them anew, say
	}
	if err == nil && anew {
		_, err = s.Rebuild(ctx, merchant)
	}
	return more && !anew, err
}

// read works out anew every journey of which a stretch of the log tells, and
// books the differences.
func (s *Service) read(ctx context.Context, tx pgx.Tx, merchant uuid.UUID, r *cart.Reach, zone *time.Location) error {
	since, until := r.Within()
	rows, err := tx.Query(ctx, `select distinct journey_id from checkout_events where merchant_id = $1 and xid >= $2::text::xid8 and xid < $3::text::xid8`,
		merchant, since, until)
	if err != nil {
		return err
	}
	journeys, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	books := newLedger()
	for part := range slices.Chunk(journeys, factsAtOnce) {
		before, err := factsOf(ctx, tx, merchant, part)
		if err != nil {
			return err
		}
		for i := range before {
			books.book(&before[i], -1)
		}
		var now []Fact
		if err := journeysOf(ctx, tx, merchant, until, part, func(events []cart.Event) error {
			now = append(now, tell(events, zone))
			return nil
		}); err != nil {
			return err
		}
		withOld(now, before)
		for i := range now {
			books.book(&now[i], 1)
		}
		if err := saveFacts(ctx, tx, merchant, now); err != nil {
			return err
		}
	}
	return books.save(ctx, tx, merchant)
}

// factsAtOnce bounds the journeys whose events are in memory.
const factsAtOnce = 2000

// Rebuilt says what became of a rebuilding.
type Rebuilt struct {
	// Before and After are digests of all figures, to the byte, for the same part
	// of the log. Before is empty when there were none to compare: the days were
	// those of another zone, or the database another one.
	Before, After string
	Journeys      int64 // of which the log tells
}

// Same says whether the figures were what the log gives.
func (r *Rebuilt) Same() bool { return r.Before == "" || r.Before == r.After }

// Rebuild makes all figures of a merchant anew from the log, in one transaction:
// readers see the old ones until the new ones are whole. It compares them with
// the old ones, once these are brought up to date.
func (s *Service) Rebuild(ctx context.Context, merchant uuid.UUID) (*Rebuilt, error) {
	zone, name, err := s.zone(ctx, merchant)
	if err != nil {
		return nil, err
	}
	out := &Rebuilt{}
	return out, s.within(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local statement_timeout = 0`); err != nil { // as long as it takes
			return err
		}
		st, err := s.lock(ctx, tx, merchant, name)
		if err != nil {
			return err
		}
		r, err := ahead(ctx, tx, merchant, st.at, 1)
		if err != nil {
			return err
		}
		r.Until = r.Horizon // all of it
		if st.at.Database != "" && st.zone == name && !r.Restarted {
			if err := s.read(ctx, tx, merchant, r, zone); err != nil {
				return err
			}
			if out.Before, err = digest(ctx, tx, merchant); err != nil {
				return err
			}
		}
		for _, table := range figureTables {
			stays := ""
			if table == "daily_journeys" {
				stays = " and not pruned" // of these nothing else tells
			}
			if _, err := tx.Exec(ctx, `delete from `+table+` where merchant_id = $1`+stays, merchant); err != nil {
				return err
			}
		}
		books := newLedger()
		if err := bookOld(ctx, tx, merchant, books); err != nil {
			return err
		}
		if out.Journeys, err = s.retell(ctx, tx, merchant, r, zone, books); err != nil {
			return err
		}
		if err := books.save(ctx, tx, merchant); err != nil {
			return err
		}
		if out.After, err = digest(ctx, tx, merchant); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update daily_state set zone = $2, rebuilt_at = $3 where merchant_id = $1`, merchant, name, s.DB.Now()); err != nil {
			return err
		}
		return save(ctx, tx, merchant, r.Position())
	})
}

// retell reads the whole log, journey by journey, and says how many those were.
func (s *Service) retell(ctx context.Context, tx pgx.Tx, merchant uuid.UUID, r *cart.Reach, zone *time.Location, books *ledger) (n int64, err error) {
	_, until := r.Within()
	after := uuid.Nil
	for {
		journeys, err := someJourneys(ctx, tx, merchant, after)
		if err != nil || len(journeys) == 0 {
			return n, err
		}
		var facts []Fact
		if err := journeysOf(ctx, tx, merchant, until, journeys, func(events []cart.Event) error {
			facts = append(facts, tell(events, zone))
			return nil
		}); err != nil {
			return n, err
		}
		n += int64(len(facts))
		old, err := factsOf(ctx, tx, merchant, journeys) // those that were pruned; the others are made anew
		if err != nil {
			return n, err
		}
		for i := range old {
			books.book(&old[i], -1)
		}
		withOld(facts, old)
		for i := range facts {
			books.book(&facts[i], 1)
		}
		keep := copyFacts
		if len(old) > 0 {
			keep = saveFacts
		}
		if err := keep(ctx, tx, merchant, facts); err != nil {
			return n, err
		}
		after = journeys[len(journeys)-1]
	}
}

// within runs read-and-write work in one transaction of its own.
func (s *Service) within(ctx context.Context, do func(tx pgx.Tx) error) error {
	tx, err := s.DB.Pool().Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// number reads the number of a transaction, as the database writes it.
func number(text string) uint64 {
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}
