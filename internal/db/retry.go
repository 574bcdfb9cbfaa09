package db

import (
	"context"
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

// guardState is the SQLSTATE that must() raises.
const guardState = "DS001"

// translate turns what a guard raised into the fault of that code.
func translate(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == guardState {
		return fault.ByCode(pg.Message).Because(err)
	}
	return err
}

// Violates says whether err is a breach of the named constraint or unique index.
func Violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}

func saidByServer(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg)
}

// neverSent says that the statement cannot have reached the server.
func neverSent(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || pgconn.SafeToRetry(err)
}

// attempts in all; the waits between them add up to about a second, in which a
// restarted PostgreSQL is usually back.
const attempts = 6

// broken says that the connection ended without a word from the server.
func broken(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || (errors.As(err, &network) && !network.Timeout())
}

// nothingDone marks an error before the commit was sent: with the connection
// gone, the server has rolled back.
type nothingDone struct{ error }

func (e nothingDone) Unwrap() error { return e.error }

// retryRead is Retry for work that changes nothing, which may also be repeated
// when the connection broke half-way.
func retryRead(ctx context.Context, fn func() error) error {
	return Retry(ctx, func() error {
		err := fn()
		if err != nil && !saidByServer(err) && broken(err) {
			return nothingDone{err}
		}
		return err
	})
}

// Retry calls fn until it succeeds, fails for good, or has been tried often
// enough. It repeats only errors after which the database certainly did
// nothing: serialization failures, deadlocks, connections never made or ended
// by the server, and a server that is starting or read-only after failover.
func Retry(ctx context.Context, fn func() error) error {
	wait := 10 * time.Millisecond
	for n := 1; ; n++ {
		err := fn()
		if err == nil || n == attempts || !retriable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(wait + rand.N(wait)):
		}
		wait *= 2
	}
}

func retriable(err error) bool {
	if errors.Is(err, ErrUnknown) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if errors.As(err, new(nothingDone)) {
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01", "57P01", "57P02", "57P03", "25006":
			return true
		}
		return strings.HasPrefix(pg.Code, "08")
	}
	return neverSent(err)
}
