package pricing

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/attempt"
	"doorstep/internal/db"
)

// wrongCodes is how many codes that the shop does not know may be tried, in one
// session and from one address.
var wrongCodes = attempt.Limit{Tries: 10, Window: 10 * time.Minute}

// Guesses keeps codes from being guessed: it counts those that turn out to be
// unknown. Codes that are known count for nothing and cost no trip.
type Guesses struct {
	merchant uuid.UUID
	tries    []attempt.Try
	wait     time.Duration
}

// GuessesOf counts for a session, which is a cart or a checkout that existed
// before, and for the address of a shopper. uuid.Nil and an empty ip are not
// counted.
func GuessesOf(merchant, session uuid.UUID, ip string) *Guesses {
	g := &Guesses{merchant: merchant}
	if session != uuid.Nil {
		g.tries = append(g.tries, attempt.Of("code_session", session.String()))
	}
	if ip != "" {
		g.tries = append(g.tries, attempt.From("code_ip", ip))
	}
	return g
}

// Query looks for a guess that is left. It goes into the db.Read of the codes
// themselves, and Judge must be asked before anything is told of them.
func (g *Guesses) Query(now time.Time) *db.Query {
	return wrongCodes.Query(g.merchant, now, &g.wait, g.tries...)
}

// Judge fails with ErrTooManyTries when no guess was left for so many unknown
// codes, and counts them otherwise; without any it counts nothing. Those of the
// same moment are counted one after the other, so that no more misses are told
// than there are guesses.
func (g *Guesses) Judge(ctx context.Context, d *db.DB, misses int) error {
	if g.wait == 0 && misses > 0 && len(g.tries) > 0 {
		var err error
		if g.wait, err = wrongCodes.Count(ctx, d, g.merchant, misses, g.tries...); err != nil {
			return err
		}
	}
	if g.wait > 0 {
		return ErrTooManyTries.After(g.wait)
	}
	return nil
}
