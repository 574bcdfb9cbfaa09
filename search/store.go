package search

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Querier is what Store asks of the database; a pgx pool is one.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Store reads the catalogue's change feed, catalog_changes.
type Store struct {
	db Querier
}

// NewStore reads from db, which must be the primary: a replica lags behind the
// changes it lists.
func NewStore(db Querier) *Store { return &Store{db: db} }

// changesSQL lists changes and takes the next cursor in one statement, hence
// from one snapshot. Transactions below its xmin have all ended, so whatever
// this statement cannot see has a transaction at or above the next cursor.
//
// The database is named by its system identifier, its timeline (another after
// a restore or a fail-over that may have lost commits) and its own number
// (another after a dump was restored beside it).
const changesSQL = `
with snap as materialized (
	select pg_snapshot_xmin(pg_current_snapshot())::text as xmin, now() as at,
		s.system_identifier::text || '/' || c.timeline_id::text || '/' || d.oid::text as database
	from pg_control_system() s, pg_control_checkpoint() c, pg_database d
	where d.datname = current_database()
)
select snap.xmin, snap.at, snap.database, f.id, f.merchant_id, f.product_id
from snap left join catalog_changes f on $2::boolean and f.xid >= $1::text::xid8
order by f.xid, f.id`

// Changes lists what was committed since a checkpoint; see Feed.
func (s *Store) Changes(ctx context.Context, since Checkpoint) (Changes, error) {
	var out Changes
	rows, err := s.db.Query(ctx, changesSQL, strconv.FormatUint(since.Cursor, 10), since != Checkpoint{})
	if err != nil {
		return out, fmt.Errorf("catalog_changes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var xmin string
		var id, merchant, product *uuid.UUID
		if err := rows.Scan(&xmin, &out.Next.At, &out.Next.Database, &id, &merchant, &product); err != nil {
			return out, fmt.Errorf("catalog_changes: %w", err)
		}
		if out.Next.Cursor, err = strconv.ParseUint(xmin, 10, 64); err != nil {
			return out, fmt.Errorf("catalog_changes: snapshot %q: %w", xmin, err)
		}
		if id != nil && merchant != nil && product != nil {
			out.Rows = append(out.Rows, Change{ID: *id, Merchant: *merchant, Product: *product})
		}
	}
	if err := rows.Err(); err != nil {
		return out, fmt.Errorf("catalog_changes: %w", err)
	}
	out.Next.At = out.Next.At.UTC()
	return out, nil
}
