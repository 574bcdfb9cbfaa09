package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"

	"doorstep/internal/fault"
)

// Tx is one transaction. Statements that need no answer are queued and go out
// together; a transaction of only queued statements is a single round trip.
type Tx struct{ s *session }

type session struct {
	db     *DB
	ctx    context.Context
	queue  *pgx.Batch
	guards []*fault.Error // of Guard, as the caller wrote them
	lent   *sql.Conn      // the connection as database/sql and GORM see it
	conn   *pgx.Conn      // the same connection
	begun  bool
	gone   bool // database/sql has given the connection away
	wrote  bool // some statement may have changed something
	after  []func()
}

// errRolledBack says that fn hid the error of a statement: PostgreSQL answers
// the commit of a failed transaction with a rollback and calls it a success.
var errRolledBack = errors.New("db: a statement had failed, so the commit rolled back")

// rollbackTime is how long a rollback may take; without an answer by then the
// connection is closed, which rolls back too.
const rollbackTime = 2 * time.Second

// Run calls fn in a transaction at READ COMMITTED and commits it. Any error or
// panic of fn rolls back. It repeats the whole of fn, at most six more times and
// until ctx ends, when the database says that nothing was done (deadlock,
// serialization, restart), and then gives ErrBusy; fn must therefore not touch
// anything but tx. When the answer to the commit was lost, the error is
// ErrUnknown and the caller has to read back what happened.
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

func (s *session) run(fn func(tx Tx) error) error {
	defer s.release()
	if err := fn(Tx{s}); err != nil {
		if s.lost() && !saidByServer(err) && broken(err) {
			return nothingDoneError{err}
		}
		return err
	}
	return s.conclude(s.finish)
}

// finish commits, by a commit or by the Sync of a pipeline.
func (s *session) finish() error {
	if s.gone {
		return nothingDoneError{driver.ErrBadConn}
	}
	if s.begun {
		return s.commit()
	}
	if s.queue == nil {
		return nil
	}
	conn, err := s.db.pool.Acquire(s.ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return s.pipeline(conn.Conn())
}

// lost says that the transaction has lost its connection, and so has ended.
func (s *session) lost() bool { return s.gone || s.conn != nil && s.conn.IsClosed() }

// pipeline sends what is queued up to a single Sync, which is one transaction
// to PostgreSQL: it commits when it reads the Sync.
func (s *session) pipeline(conn *pgx.Conn) error {
	results := conn.SendBatch(s.ctx, s.queue)
	for range s.queue.Len() {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // the first error is the one that matters
			return s.translate(unprepared(err, conn))
		}
	}
	err := results.Close()
	if fatal(err) {
		return ErrUnknown.Because(err) // a server that ends in this moment may have committed
	}
	return outcome(err, conn.IsClosed())
}

// commit sends what is queued and the commit.
func (s *session) commit() error {
	if s.queue == nil {
		s.queue = &pgx.Batch{}
	}
	s.queue.Queue("commit")
	results := s.conn.SendBatch(s.ctx, s.queue)
	defer func() { _ = results.Close() }() // its error changes nothing: the answer to the commit is here by then
	for n := s.queue.Len(); n > 0; n-- {
		tag, err := results.Exec()
		if err != nil {
			return s.translate(unprepared(err, s.conn))
		}
		if n == 1 && tag.String() != "COMMIT" {
			return errRolledBack
		}
	}
	return nil
}

// unprepared is outcome, but knows that a connection which broke while the
// statements were still being prepared has not committed any.
func unprepared(err error, conn *pgx.Conn) error {
	if errors.As(err, new(pgx.ErrPreprocessingBatch)) {
		if !saidByServer(err) && broken(err) {
			return nothingDoneError{err}
		}
		return err
	}
	return outcome(err, conn.IsClosed())
}

// fatal says that the server ended the connection with this word.
func fatal(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized != "ERROR"
}

// translate turns what a guard raised into the fault it was given.
func (s *session) translate(err error) error {
	if code := raised(err); code != "" {
		for _, g := range s.guards {
			if g.Code == code {
				return g.Because(err)
			}
		}
	}
	return translate(err)
}

// release rolls back what is not committed and gives the connection back.
func (s *session) release() {
	if s.lent == nil {
		return
	}
	defer func() { _ = s.lent.Close() }() // back to the pool, which throws a broken one away
	if s.conn == nil || s.lost() || s.conn.PgConn().TxStatus() == 'I' {
		return
	}
	// Its own time: the caller's may be the reason for rolling back.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), rollbackTime)
	defer cancel()
	if _, err := s.conn.Exec(ctx, "rollback"); err != nil {
		_ = s.conn.Close(ctx)
	}
}

// begin takes a connection that both pgx and GORM can use.
func (s *session) begin() error {
	if s.gone {
		return driver.ErrBadConn
	}
	if s.begun {
		return nil
	}
	lent, err := s.db.sql.Conn(s.ctx)
	if err != nil {
		return err
	}
	s.lent = lent
	if err := lent.Raw(func(c any) error {
		conn, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("db: the pool lent a %T", c)
		}
		s.conn = conn.Conn()
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
	return s.translate(s.conn.SendBatch(s.ctx, queue).Close())
}

// Queue adds a statement whose answer is not needed. It is sent with the
// commit, or before the next Exec or Query; its error comes from there.
func (tx Tx) Queue(sql string, args ...any) {
	if tx.s.queue == nil {
		tx.s.queue = &pgx.Batch{}
	}
	tx.s.queue.Queue(sql, args...)
	tx.s.wrote = tx.s.wrote || writes(sql)
}

// Guard queues an INSERT, UPDATE or DELETE (without RETURNING) that must touch
// exactly want rows; otherwise the transaction fails with otherwise.
func (tx Tx) Guard(want int64, otherwise *fault.Error, sql string, args ...any) {
	n := len(args)
	guarded := fmt.Sprintf("with g as (%s returning 1) select must((select count(*) from g), $%d, $%d)", sql, n+1, n+2)
	all := make([]any, 0, n+2)
	all = append(append(all, args...), want, otherwise.Code)
	tx.s.guards = append(tx.s.guards, otherwise)
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
	tx.s.wrote = tx.s.wrote || tag.RowsAffected() > 0 && writes(sql)
	return tag.RowsAffected(), tx.s.translate(err)
}

// Query reads rows inside the transaction.
func (tx Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := tx.s.flush(); err != nil {
		return nil, err
	}
	tx.s.wrote = tx.s.wrote || writes(sql)
	return tx.s.conn.Query(ctx, sql, args...)
}

// QueryRow reads at most one row; Scan gives pgx.ErrNoRows when there is none.
func (tx Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := tx.s.flush(); err != nil {
		return failedRow{err}
	}
	tx.s.wrote = tx.s.wrote || writes(sql)
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
	g.Statement.ConnPool = loan(tx)
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
