package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
)

// patient is the pool as GORM sees it outside a transaction: the same promises
// as those of Query and Exec.
type patient struct{ *sql.DB }

// QueryContext repeats what only reads when its connection had died. The driver
// has fetched the first row by the time it answers.
func (p patient) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = p.repeat(ctx, query, func() error {
		rows, err = p.DB.QueryContext(ctx, query, args...)
		return err
	})
	return rows, err
}

// QueryRowContext is QueryContext for a single row.
func (p patient) QueryRowContext(ctx context.Context, query string, args ...any) (row *sql.Row) {
	_ = p.repeat(ctx, query, func() error {
		row = p.DB.QueryRowContext(ctx, query, args...)
		return row.Err()
	}) // Scan gives the error once more
	return row
}

// ExecContext never repeats a statement that may have happened.
func (p patient) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	err = Retry(ctx, func() error {
		result, err = p.DB.ExecContext(ctx, query, args...)
		return outcome(err, lost(err))
	})
	return result, err
}

func (p patient) repeat(ctx context.Context, query string, fn func() error) error {
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(query)), "select") {
		return retryRead(ctx, fn)
	}
	return Retry(ctx, func() error {
		err := fn()
		return outcome(err, lost(err))
	})
}

// lost says that the answer to a statement may be lost: the connection broke, or
// was broken off because the time was up.
func lost(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		broken(err) && !errors.Is(err, driver.ErrBadConn) // the driver says that only of what was never sent
}

// loan is the connection of a transaction as GORM sees it. database/sql gives a
// connection away on its own when a call on it could not begin, for instance
// because the caller's time was up: from then on it is not ours to touch.
type loan struct{ s *session }

// PrepareContext is there for GORM's sake.
func (l loan) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	stmt, err := l.s.lent.PrepareContext(ctx, query)
	return stmt, l.s.keep(ctx, err)
}

// ExecContext runs a statement.
func (l loan) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	l.s.wrote = true
	result, err := l.s.lent.ExecContext(ctx, query, args...)
	return result, l.s.keep(ctx, err)
}

// QueryContext reads rows.
func (l loan) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	l.s.wrote = l.s.wrote || writes(query)
	rows, err := l.s.lent.QueryContext(ctx, query, args...)
	return rows, l.s.keep(ctx, err)
}

// QueryRowContext reads one row.
func (l loan) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	row := l.s.lent.QueryRowContext(ctx, query, args...)
	_ = l.s.keep(ctx, row.Err()) // Scan gives it once more
	return row
}

// keep notes whether the connection is still ours after a call that ended with
// err, and says why it is not.
func (s *session) keep(ctx context.Context, err error) error {
	if !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	s.gone = true
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
