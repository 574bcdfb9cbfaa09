// Package db is the one door to PostgreSQL: a pgx pool that also feeds GORM,
// transactions that know what to do after they commit, pipelines that place an
// order in one round trip, and the one place where a failed attempt is retried.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"doorstep/internal/clock"
)

// Config says which database and how many connections.
type Config struct {
	URL      string // anything libpq understands
	Clock    clock.Clock
	MaxConns int32 // 0 means 20
	// Tracer sees every trip to the database, for tests that count them.
	Tracer pgx.QueryTracer
}

// DB is the pool of connections. It is safe for concurrent use.
type DB struct {
	pool  *pgxpool.Pool
	sql   *sql.DB // the same pool, seen through database/sql
	gorm  *gorm.DB
	clock clock.Clock
}

// Open connects. It fails when the database does not answer within about a
// second, or before ctx ends.
func Open(ctx context.Context, c Config) (*DB, error) {
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	config.MaxConns = c.MaxConns
	if config.MaxConns == 0 {
		config.MaxConns = 20
	}
	config.MaxConnIdleTime = 5 * time.Minute
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	config.ConnConfig.Tracer = c.Tracer
	for name, value := range map[string]string{
		"application_name":                    "doorstep",
		"timezone":                            "UTC",
		"lock_timeout":                        "2s",
		"statement_timeout":                   "5s",
		"idle_in_transaction_session_timeout": "15s",
	} {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		uuids(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	if err := Retry(ctx, func() error { return pool.Ping(ctx) }); err != nil {
		pool.Close()
		if errors.Is(err, ErrBusy) {
			err = errors.Unwrap(err) // whoever starts a program wants to know why
		}
		return nil, fmt.Errorf("db: %w", err)
	}
	d := &DB{pool: pool, sql: stdlib.OpenDBFromPool(pool), clock: c.Clock}
	d.gorm, err = gorm.Open(postgres.New(postgres.Config{Conn: patient{d.sql}}), &gorm.Config{
		SkipDefaultTransaction: true, // transactions are explicit: Run
		Logger:                 logger.Discard,
		NowFunc:                c.Clock.Now,
		DisableAutomaticPing:   true,
	})
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("db: %w", err)
	}
	return d, nil
}

// Close ends all connections; it waits for those in use.
func (d *DB) Close() {
	if d.sql != nil {
		_ = d.sql.Close() // it lends from the pool, which is closed next
	}
	d.pool.Close()
}

// Pool is the pgx pool itself, for the job library.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Now is the time of the program's clock.
func (d *DB) Now() time.Time { return d.clock.Now() }

// Time asks the database for its clock, for clock.System.Follow.
func (d *DB) Time(ctx context.Context) (t time.Time, err error) {
	err = d.pool.QueryRow(ctx, "select clock_timestamp()").Scan(&t)
	return t, err
}

// Gorm is GORM outside a transaction, for reads and single plain writes.
func (d *DB) Gorm(ctx context.Context) *gorm.DB { return d.gorm.WithContext(ctx) }

// Query reads rows outside a transaction. A connection that had died is
// replaced and the query repeated, which must therefore change nothing.
func (d *DB) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	var rows pgx.Rows
	var first bool
	err := retryRead(ctx, func() (err error) {
		if rows, err = d.pool.Query(ctx, sql, args...); err != nil {
			return err
		}
		// Only the first row, or that there is none, proves that the connection lives.
		first = rows.Next()
		return rows.Err()
	})
	return &peeked{Rows: rows, waiting: first}, err
}

// peeked are rows of which the first has been fetched before anybody asked.
type peeked struct {
	pgx.Rows
	waiting bool
}

// Next goes to the next row.
func (r *peeked) Next() bool {
	if r.waiting {
		r.waiting = false
		return true
	}
	return r.Rows.Next()
}

// Close ends the reading early.
func (r *peeked) Close() {
	r.waiting = false
	r.Rows.Close()
}

// QueryRow reads at most one row outside a transaction; Scan gives
// pgx.ErrNoRows when there is none. As with Query, nothing may be written by it.
func (d *DB) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return &retriedRow{ctx: ctx, db: d, sql: sql, args: args}
}

type retriedRow struct {
	ctx  context.Context
	db   *DB
	sql  string
	args []any
}

func (r *retriedRow) Scan(dest ...any) error {
	return retryRead(r.ctx, func() error { return r.db.pool.QueryRow(r.ctx, r.sql, r.args...).Scan(dest...) })
}

// Exec runs one statement as its own transaction and says how many rows it
// touched. When the answer was lost, it is not repeated: the error is ErrUnknown.
func (d *DB) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if waitingFor(ctx) != nil {
		var n int64
		err := Run(ctx, d, func(tx Tx) (err error) {
			n, err = tx.Exec(ctx, sql, args...)
			return err
		})
		return n, err
	}
	var tag pgconn.CommandTag
	err := Retry(ctx, func() error {
		conn, err := d.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		tag, err = conn.Exec(ctx, sql, args...)
		return translate(outcome(err, conn.Conn().IsClosed()))
	})
	return tag.RowsAffected(), err
}

// Read sends several queries in one round trip and hands each result to its
// reader, in order. The queries see one another's snapshot only as separate
// statements do; nothing may be written by them.
func (d *DB) Read(ctx context.Context, queries ...*Query) error {
	return retryRead(ctx, func() error {
		batch := &pgx.Batch{}
		for _, q := range queries {
			batch.Queue(q.SQL, q.Args...)
		}
		results := d.pool.SendBatch(ctx, batch)
		defer func() { _ = results.Close() }() // also when a reader panics; a second time it does nothing
		for _, q := range queries {
			rows, err := results.Query()
			if err == nil {
				err = q.Each(rows)
				rows.Close()
				if err == nil {
					err = rows.Err()
				}
			}
			if err != nil {
				return translate(err)
			}
		}
		return results.Close()
	})
}

// Query is one of the queries of a Read. Each is called once with the rows, on
// a retry again from the start, and must therefore reset what it collects.
type Query struct {
	SQL  string
	Args []any
	Each func(pgx.Rows) error
}
