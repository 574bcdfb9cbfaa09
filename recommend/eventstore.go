package recommend

import (
	"context"
	"fmt"
	"time"

	"doorstep/internal/db"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// insertEvent keeps an event whose id was not told within the last days.
const insertEvent = `with fresh as (
		insert into rec_event_ids (merchant_id, id, at) values ($1, $2, $10) on conflict (merchant_id, id) do nothing returning id)
	insert into rec_events (merchant_id, id, at, kind, visitor, product_id, order_id, request_id, surface, position)
	select $1, $2, $3, $4, $5, $6, $11, $7, $8, $9 from fresh`

// Seen writes down what shoppers did. One that was told before, by its ID, counts
// once. It fails with ErrEvents when they cannot be believed.
func (s *Service) Seen(ctx context.Context, merchant uuid.UUID, events []Event) error {
	now := s.DB.Now()
	if err := check(events, now); err != nil {
		return err
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Queue(`set local synchronous_commit = off`) // some lost looks teach no less
		for i := range events {
			e := &events[i]
			at := e.At
			if at.IsZero() {
				at = now
			}
			var product *uuid.UUID
			if e.Kind != Ordered {
				product = &e.Product
			}
			tx.Queue(insertEvent, merchant, e.ID, at, string(e.Kind), e.Visitor, product, e.Request, string(e.Surface), e.Position, now, e.Order)
		}
		return nil
	})
}

// The times that events are kept.
const (
	// monthsAhead are made before anything happens in them.
	monthsAhead = 2
	// idsKept is how long an event that is told again is known.
	idsKept = 72 * time.Hour
	// newsKept is how long it is known which orders were placed and canceled.
	newsKept = 48 * time.Hour
	// answersKept is how long lists are known, for comparison.
	answersKept = 400 * 24 * time.Hour
	pruneBatch  = 5000
)

// Prune makes the months that come and drops those whose events are too old to
// teach anything. It says how many rows and months went.
func (s *Service) Prune(ctx context.Context) (int64, error) {
	now := s.DB.Now().UTC()
	gone, err := s.months(ctx, now)
	if err != nil {
		return gone, err
	}
	for _, old := range []struct {
		table, key string
		before     time.Time
	}{
		{"rec_event_ids", "(merchant_id, id)", now.Add(-idsKept)}, {"rec_news", "(merchant_id, id)", now.Add(-newsKept)},
		{"rec_answers", "(merchant_id, id)", now.Add(-answersKept)}, {"rec_events_rest", "(merchant_id, id, at)", now.Add(-s.EventsKept)},
	} {
		for full := true; full; { // more may come in an hour than go at once
			n, err := s.DB.Exec(ctx, fmt.Sprintf(`delete from %[1]s where %[2]s in (select %[3]s from %[1]s where at < $1 limit %[4]d)`,
				old.table, old.key, old.key[1:len(old.key)-1], pruneBatch), old.before)
			if gone += n; err != nil {
				return gone, err
			}
			full = n == pruneBatch
		}
	}
	return gone, nil
}

// months makes this month and the next ones, and drops old ones.
func (s *Service) months(ctx context.Context, now time.Time) (dropped int64, err error) {
	have, err := s.partitions(ctx)
	if err != nil {
		return 0, err
	}
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for ahead := range monthsAhead + 1 {
		if from := month.AddDate(0, ahead, 0); !have[from] {
			if err := s.open(ctx, from); err != nil {
				return 0, err
			}
		}
	}
	for from := range have {
		if from.AddDate(0, 1, 0).After(now.Add(-s.EventsKept)) {
			continue
		}
		if _, err := s.DB.Exec(ctx, `drop table if exists `+nameOf(from)); err != nil {
			return dropped, err
		}
		dropped++
	}
	return dropped, nil
}

const monthLayout = "rec_events_2006_01"

func nameOf(month time.Time) string { return pgx.Identifier{month.Format(monthLayout)}.Sanitize() }

// partitions are the months there are, by their first day.
func (s *Service) partitions(ctx context.Context) (map[time.Time]bool, error) {
	var names []string
	if err := s.DB.Read(ctx, rows(&names, func(row pgx.Rows, name *string) error { return row.Scan(name) },
		`select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'rec_events'::regclass`)); err != nil {
		return nil, err
	}
	have := map[time.Time]bool{}
	for _, name := range names {
		if month, err := time.Parse(monthLayout, name); err == nil {
			have[month] = true
		}
	}
	return have, nil
}

// open makes a month. What happened in it already, by clocks that are ahead, moves
// there. Several programs may do so at once.
func (s *Service) open(ctx context.Context, from time.Time) error {
	name, to := nameOf(from), from.AddDate(0, 1, 0)
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, `lock table rec_events in share update exclusive mode`); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, `select to_regclass($1) is not null`, name).Scan(&there); err != nil || there {
			return err
		}
		for _, sql := range []string{
			`lock table rec_events_rest in access exclusive mode`,
			`create table ` + name + ` (like rec_events including defaults including constraints)`,
			fmt.Sprintf(`with moved as (delete from rec_events_rest where at >= '%[1]s' and at < '%[2]s' returning *) insert into %[3]s select * from moved`,
				from.Format(time.RFC3339), to.Format(time.RFC3339), name),
			fmt.Sprintf(`alter table rec_events attach partition %s for values from ('%s') to ('%s')`, name, from.Format(time.RFC3339), to.Format(time.RFC3339)),
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}
