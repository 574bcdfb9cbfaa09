package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"doorstep/internal/fault"
)

// ErrUnknown says that the answer to a commit was lost: the work may be done or
// not. The caller reads back by its idempotency key, or answers 503.
var ErrUnknown = fault.New(fault.Unavailable, "outcome_unknown", "The answer was lost on its way. Send the same request with the same key again.")

// ErrBusy says that the database could not do it, again and again, and that
// nothing was done: locks held for too long, no place left, or nobody there.
var ErrBusy = fault.New(fault.Unavailable, "database_busy", "Too much is going on at once. Try again in a moment.").After(time.Second)

// guardState is the SQLSTATE that must() raises.
const guardState = "DS001"

// raised is the code that a guard raised, "" when err is something else.
func raised(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == guardState {
		return pg.Message
	}
	return ""
}

// translate turns what a guard raised into the declared fault of that code.
func translate(err error) error {
	if code := raised(err); code != "" {
		return fault.ByCode(code).Because(err)
	}
	return err
}

// Violates says whether err is a breach of the named constraint or unique index.
func Violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}

func saidByServer(err error) bool { return state(err) != "" }

// relayed says that the word is one of a pooler in between, which has lost its
// own connection and knows no more than we do.
func relayed(err error) bool { return strings.HasPrefix(state(err), "08") }

// neverSent says that the statement cannot have reached the server.
func neverSent(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || pgconn.SafeToRetry(err)
}

// outcome turns an error of work that commits into ErrUnknown when it may have
// happened all the same: the connection is gone, and not by the server's word.
// On a connection that lives, what failed was never sent or has been answered.
func outcome(err error, gone bool) error {
	if err == nil || neverSent(err) || saidByServer(err) && !relayed(err) || !gone && !relayed(err) {
		return err
	}
	return ErrUnknown.Because(err)
}

// attempts in all; the waits between them add up to about a second, in which a
// restarted PostgreSQL is usually back.
const attempts = 7

// lockAttempts is how often a lock is waited for, lock_timeout each time.
const lockAttempts = 2

// broken says that the connection ended without a word from the server.
func broken(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || (errors.As(err, &network) && !network.Timeout()) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) // what database/sql makes of the above
}

// nothingDoneError marks an error before the commit was sent: with the connection
// gone, the server has rolled back.
type nothingDoneError struct{ error }

func (e nothingDoneError) Unwrap() error { return e.error }

// retryRead is Retry for work that changes nothing, which may also be repeated
// when the connection broke half-way.
func retryRead(ctx context.Context, fn func() error) error {
	return Retry(ctx, func() error {
		err := fn()
		if err != nil && !saidByServer(err) && broken(err) {
			return nothingDoneError{err}
		}
		return err
	})
}

// Retry calls fn until it succeeds, fails for good, or has been tried often
// enough, which is ErrBusy. It repeats only errors after which the database
// certainly did nothing: serialization failures, deadlocks, locks not given in
// time, connections never made or ended by the server, a server that is starting
// or read-only after failover, and plans that a migration has outdated.
func Retry(ctx context.Context, fn func() error) error {
	wait := 10 * time.Millisecond
	for n := 1; ; n++ {
		err := fn()
		switch {
		case err == nil || !retriable(err):
			return wording(err)
		case n == attempts || n == lockAttempts && state(err) == "55P03":
			return ErrBusy.Because(err)
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(wait + rand.N(wait)):
		}
		wait *= 2
	}
}

// state is the SQLSTATE of err, "" when the server did not say it.
func state(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// wording gives ErrBusy for what is no use to repeat at once: a statement that
// took too long, and a server without memory, disk or connections to spare.
func wording(err error) error {
	if code := state(err); code == "57014" || strings.HasPrefix(code, "53") {
		return ErrBusy.Because(err)
	}
	return err
}

func retriable(err error) bool {
	if errors.Is(err, ErrUnknown) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if errors.As(err, new(nothingDoneError)) {
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01", "55P03", "57P01", "57P02", "57P03", "25006":
			return true
		case "0A000":
			return pg.Routine == "RevalidateCachedQuery" // its columns have changed; the driver prepares it anew
		}
		return strings.HasPrefix(pg.Code, "08")
	}
	return neverSent(err)
}
