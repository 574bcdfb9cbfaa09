package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"

	"doorstep/internal/fault"
)

// Tx is one transaction. Statements that need no answer are queued and go out
// together; a transaction of only queued statements is a single round trip.
type Tx struct{ s *session }

type session struct {
	db    *DB
	ctx   context.Context
	queue *pgx.Batch
	lent  *sql.Conn // the connection as database/sql and GORM see it
	conn  *pgx.Conn // the same connection
	begun bool
	after []func()
}

// Run calls fn in a transaction at READ COMMITTED and commits it. Any error of
// fn rolls back. It repeats the whole of fn, at most three more times, when the
// database says that nothing was done (deadlock, serialization, restart); fn
// must therefore not touch anything but tx. When the answer to the commit was
// lost, the error is ErrUnknown and the caller has to read back what happened.
func Run(ctx context.Context, d *DB, fn func(tx Tx) error) error {
	var after []func()
	err := Retry(ctx, func() error {
		s := &session{db: d, ctx: ctx}
		err := s.run(fn)
		after = s.after
		return err
	})
	if err == nil {
		for _, f := range after {
			f()
		}
	}
	return err
}

func (s *session) run(fn func(tx Tx) error) (err error) {
	defer func() {
		if s.lent != nil {
			if err != nil && s.begun && !s.conn.IsClosed() {
				// Its own context: the caller's may be the reason for rolling back.
				if _, e := s.conn.Exec(context.WithoutCancel(s.ctx), "rollback"); e != nil {
					_ = s.conn.Close(context.WithoutCancel(s.ctx))
				}
			}
			_ = s.lent.Close() // back to the pool
		}
	}()
	if err := fn(Tx{s}); err != nil {
		if !saidByServer(err) && broken(err) {
			return nothingDone{err}
		}
		return err
	}
	if !s.begun {
		if s.queue == nil {
			return nil
		}
		// One pipeline up to a single Sync is one transaction to PostgreSQL.
		return s.outcome(s.db.pool.SendBatch(s.ctx, s.queue).Close())
	}
	if s.queue == nil {
		s.queue = &pgx.Batch{}
	}
	s.queue.Queue("commit")
	err = s.outcome(s.conn.SendBatch(s.ctx, s.queue).Close())
	s.begun = err != nil
	return err
}

// outcome turns a broken connection during the commit into ErrUnknown: the
// transaction may or may not have happened. An answer of the server is certain.
func (s *session) outcome(err error) error {
	if err == nil || saidByServer(err) || neverSent(err) {
		return translate(err)
	}
	return ErrUnknown.Because(err)
}

// begin takes a connection that both pgx and GORM can use.
func (s *session) begin() error {
	if s.begun {
		return nil
	}
	lent, err := s.db.sql.Conn(s.ctx)
	if err != nil {
		return err
	}
	s.lent = lent
	if err := lent.Raw(func(c any) error {
		s.conn = c.(*stdlib.Conn).Conn()
		return nil
	}); err != nil {
		return err
	}
	if _, err := s.conn.Exec(s.ctx, "begin"); err != nil {
		return err
	}
	s.begun = true
	return nil
}

// flush sends what is queued, so that the next statement sees it.
func (s *session) flush() error {
	if err := s.begin(); err != nil {
		return err
	}
	if s.queue == nil {
		return nil
	}
	queue := s.queue
	s.queue = nil
	return translate(s.conn.SendBatch(s.ctx, queue).Close())
}

// Queue adds a statement whose answer is not needed. It is sent with the
// commit, or before the next Exec or Query; its error comes from there.
func (tx Tx) Queue(sql string, args ...any) {
	if tx.s.queue == nil {
		tx.s.queue = &pgx.Batch{}
	}
	tx.s.queue.Queue(sql, args...)
}

// Guard queues an INSERT, UPDATE or DELETE (without RETURNING) that must touch
// exactly want rows; otherwise the transaction fails with otherwise.
func (tx Tx) Guard(want int64, otherwise *fault.Error, sql string, args ...any) {
	n := len(args)
	guarded := fmt.Sprintf("with g as (%s returning 1) select must((select count(*) from g), $%d, $%d)", sql, n+1, n+2)
	all := make([]any, 0, n+2)
	all = append(append(all, args...), want, otherwise.Code)
	tx.Queue(guarded, all...)
}

// Relaxed lets this transaction be acknowledged before it is on disk. Only for
// carts, views and abandonment events: a crash may lose the last moments.
func (tx Tx) Relaxed() {
	tx.Queue("select set_config('synchronous_commit', 'off', true)")
}

// Exec runs a statement now and says how many rows it touched.
func (tx Tx) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if err := tx.s.flush(); err != nil {
		return 0, err
	}
	tag, err := tx.s.conn.Exec(ctx, sql, args...)
	return tag.RowsAffected(), translate(err)
}

// Query reads rows inside the transaction.
func (tx Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := tx.s.flush(); err != nil {
		return nil, err
	}
	rows, err := tx.s.conn.Query(ctx, sql, args...)
	return rows, translate(err)
}

// QueryRow reads at most one row; Scan gives pgx.ErrNoRows when there is none.
func (tx Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := tx.s.flush(); err != nil {
		return failedRow{err}
	}
	return tx.s.conn.QueryRow(ctx, sql, args...)
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// Gorm lends the transaction to GORM.
func (tx Tx) Gorm(ctx context.Context) (*gorm.DB, error) {
	if err := tx.s.flush(); err != nil {
		return nil, err
	}
	g := tx.s.db.gorm.Session(&gorm.Session{NewDB: true, Context: ctx})
	g.Statement.ConnPool = tx.s.lent
	return g, nil
}

// DB is the database the transaction runs in.
func (tx Tx) DB() *DB { return tx.s.db }

// AfterCommit calls f once the transaction stands; never when it does not.
func (tx Tx) AfterCommit(f func()) { tx.s.after = append(tx.s.after, f) }

// One scans a single row and says whether there was one.
func One(row pgx.Row, dest ...any) (bool, error) {
	err := row.Scan(dest...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
