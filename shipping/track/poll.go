package track

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/shipping"
	"doorstep/shipping/carrier"
)

const (
	// afterFinal is how long after its end a parcel is still asked about: a
	// delivery may be taken back, a parcel may be returned.
	afterFinal = 30 * 24 * time.Hour
	// longest is how long a parcel is asked about at all.
	longest = 180 * 24 * time.Hour
	// quiet is how long a carrier that calls is not asked after its last call: to
	// ask then only finds what it forgot to tell.
	quiet = 24 * time.Hour
	// pollLease is how long nobody else asks about what somebody asks about.
	pollLease = 5 * time.Minute
	// pollBatch bounds one look, atATime the numbers of one question.
	pollBatch = 500
	atATime   = 10
)

// pause is how long after a word a parcel is asked about again, and whether the
// word is final.
func pause(word shipping.Tracking) (time.Duration, bool) {
	switch word {
	case shipping.TrackOutForDelivery:
		return 15 * time.Minute, false
	case shipping.TrackPending, shipping.TrackUnknown:
		return 12 * time.Hour, false
	case shipping.TrackDelivered, shipping.TrackReturned, shipping.TrackCancelled:
		return 24 * time.Hour, true
	}
	return 2 * time.Hour, false
}

// watch is a number that is due.
type watch struct {
	Merchant, ID, Account uuid.UUID
	Carrier, Number       string
	Purpose               string
	Subject, Order        uuid.UUID
	Word                  shipping.Tracking
	Tries                 int
	CreatedAt, Next       time.Time
	Numbers               int
}

func (w *watch) subject() *subject {
	return &subject{Purpose: w.Purpose, ID: w.Subject, Order: w.Order, CreatedAt: w.CreatedAt, Numbers: w.Numbers}
}

// Poll asks carriers about the numbers that are due, those of one account
// together, and says about how many.
func (s *Service) Poll(ctx context.Context) (int, error) {
	rows, err := s.DB.Query(ctx, `select merchant_id, id, account_id, carrier, number, purpose, subject_id, order_id, word, tries, created_at, next_at,
			(select count(distinct o.number) from parcel_watches o where o.merchant_id = w.merchant_id and o.subject_id = w.subject_id)
		from parcel_watches w where next_at <= $1 order by next_at limit $2`, s.DB.Now(), pollBatch)
	if err != nil {
		return 0, err
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[watch])
	if err != nil {
		return 0, err
	}
	byAccount := map[uuid.UUID][]*watch{}
	for i := range due {
		byAccount[due[i].Account] = append(byAccount[due[i].Account], &due[i])
	}
	var all sync.WaitGroup
	places := make(chan struct{}, s.AtOnce)
	for _, of := range byAccount {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			for batch := range slices.Chunk(of, atATime) {
				if ctx.Err() != nil || !s.ask(ctx, batch) {
					return // the rest comes up again when its time has come
				}
			}
		})
	}
	all.Wait()
	return len(due), ctx.Err()
}

// ask asks one account about a few numbers; false says that it is not worth to
// ask on.
func (s *Service) ask(ctx context.Context, batch []*watch) bool {
	now := s.DB.Now()
	mine := batch[:0:0]
	for _, w := range batch {
		n, err := s.DB.Exec(ctx, `update parcel_watches set next_at = $4, asked_at = $5, tries = tries + 1 where merchant_id = $1 and id = $2 and next_at = $3`,
			w.Merchant, w.ID, w.Next, now.Add(pollLease), now)
		if err == nil && n == 1 { // else somebody else has it
			mine = append(mine, w)
		}
	}
	if len(mine) == 0 {
		return true
	}
	said, err := s.question(ctx, mine)
	if err != nil && carrier.KindOf(err) != carrier.KindNotFound {
		s.Log.WarnContext(ctx, "carrier not asked about parcels", "carrier", mine[0].Carrier, "account", mine[0].Account, "error", err)
		for _, w := range mine {
			s.unanswered(ctx, w, err)
		}
		return false
	}
	for _, w := range mine {
		if err := s.take(ctx, w, said); err != nil {
			s.Log.WarnContext(ctx, "news of a parcel not kept", "carrier", w.Carrier, "watch", w.ID, "error", err)
			s.unanswered(ctx, w, err)
		}
	}
	return true
}

// question is one call of a carrier.
func (s *Service) question(ctx context.Context, about []*watch) (said []carrier.Tracked, err error) {
	c, err := s.Accounts.Carrier(ctx, about[0].Merchant, about[0].Account)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("track: carrier %s panicked: %v\n%s", about[0].Carrier, value, debug.Stack())
		}
	}()
	numbers := make([]string, len(about))
	for i, w := range about {
		numbers[i] = w.Number
	}
	return c.Track(ctx, numbers)
}

// take keeps what was said of a number; nothing said is nothing new.
func (s *Service) take(ctx context.Context, w *watch, said []carrier.Tracked) error {
	about, some := w.subject(), false
	for i := range said {
		t := &said[i]
		if t.Number != w.Number {
			continue
		}
		if last := latest(t.Events); !last.IsZero() && !last.After(w.CreatedAt.Add(-before)) {
			continue // another parcel had this number
		}
		some = true
		if err := s.applyTo(ctx, w.Merchant, about, w.Carrier, t, false); err != nil {
			return err
		}
	}
	if some {
		return nil
	}
	return s.note(ctx, w.Merchant, about, w.Carrier, w.Number, w.Word, false)
}

// unanswered puts a number off.
func (s *Service) unanswered(ctx context.Context, w *watch, why error) {
	wait := min(5*time.Minute<<min(w.Tries, 6), 6*time.Hour)
	code := "internal"
	var e *carrier.Error
	if errors.As(why, &e) {
		code = string(e.Kind)
		if wait = max(wait, e.RetryAfter); e.Kind == carrier.KindAuth {
			wait = 6 * time.Hour
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := s.DB.Exec(ctx, `update parcel_watches set failure = $3, next_at = $4, updated_at = $5 where merchant_id = $1 and id = $2 and next_at is not null`,
		w.Merchant, w.ID, code, s.DB.Now().Add(wait), s.DB.Now()); err != nil {
		s.Log.WarnContext(ctx, "watch not put off", "watch", w.ID, "error", err)
	}
}
