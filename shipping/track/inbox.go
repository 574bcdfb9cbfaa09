package track

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
)

const (
	newsBatch = 200
	// newsLease is how long nobody else tries what somebody has begun.
	newsLease = time.Minute
	// newsPatience is how long news are tried, or wait for their parcel.
	newsPatience = 3 * 24 * time.Hour
	// newsKept is how long news that are done with are remembered.
	newsKept = 45 * 24 * time.Hour
)

// Receipt says what became of a webhook.
type Receipt struct {
	Duplicate bool // all of it has come before
	Ignored   bool // it tells nothing of a parcel
}

// Receive checks a webhook and writes down what it tells, for the merchant that
// its address names or, when that is zero, for the one whose account believes it
// and whose parcel it is about. It fails with ErrReceiver, ErrSignature or
// ErrBody, and has written nothing then.
func (s *Service) Receive(ctx context.Context, name string, merchant uuid.UUID, header http.Header, body []byte) (Receipt, error) {
	links, err := s.Accounts.Linked(ctx, name, merchant)
	if err != nil {
		return Receipt{}, err
	}
	refused := ErrReceiver
	var owner uuid.UUID
	var told []carrier.Tracked
	for _, link := range links {
		if owner == link.Merchant {
			continue
		}
		all, why := s.read(ctx, link, header, body)
		if why != nil {
			refused = worst(refused, why)
			continue
		}
		mine, err := s.knows(ctx, link.Merchant, all)
		if err != nil {
			return Receipt{}, err
		}
		if owner == uuid.Nil || mine {
			owner, told = link.Merchant, all
		}
		if mine {
			break
		}
	}
	switch {
	case owner == uuid.Nil:
		return Receipt{}, refused
	case len(told) == 0:
		return Receipt{Ignored: true}, nil
	}
	fresh, err := s.keep(ctx, owner, name, told, body)
	return Receipt{Duplicate: err == nil && fresh == 0}, err
}

// worst is the reason that says more: an unreadable body rather than a wrong
// signature, that rather than that nobody listens.
func worst(a, b *fault.Error) *fault.Error {
	rank := func(f *fault.Error) int {
		return slices.IndexFunc([]*fault.Error{ErrReceiver, ErrSignature, ErrBody}, func(o *fault.Error) bool { return f.Is(o) })
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// read has an account check a webhook.
func (s *Service) read(ctx context.Context, link Link, header http.Header, body []byte) (all []carrier.Tracked, refused *fault.Error) {
	c, err := s.Accounts.Carrier(ctx, link.Merchant, link.Account)
	if err != nil || !c.Capabilities().Webhooks {
		return nil, ErrReceiver
	}
	defer func() { // of what somebody out there has sent
		if value := recover(); value != nil {
			all, refused = nil, ErrBody.Because(fmt.Errorf("track: carrier %s panicked: %v\n%s", c.Name(), value, debug.Stack()))
		}
	}()
	all, err = c.ParseWebhook(header, body)
	switch carrier.KindOf(err) {
	case "":
		return slices.DeleteFunc(all, func(t carrier.Tracked) bool {
			return !clean(t.Number) || len(t.Events) == 0 && t.Expected.IsZero()
		}), nil
	case carrier.KindForged:
		return nil, ErrSignature.Because(err)
	case carrier.KindUnsupported:
		return nil, ErrReceiver.Because(err)
	}
	return nil, ErrBody.Because(err)
}

// clean says that a number can be kept.
func clean(number string) bool {
	return number != "" && len(number) <= 100 && strings.ToValidUTF8(number, "") == number && !strings.ContainsRune(number, 0)
}

// knows tells whether one of the parcels is of a merchant.
func (s *Service) knows(ctx context.Context, merchant uuid.UUID, all []carrier.Tracked) (known bool, err error) {
	numbers := make([]string, len(all))
	for i := range all {
		numbers[i] = all[i].Number
	}
	err = s.DB.QueryRow(ctx, `select exists (select from parcel_watches where merchant_id = $1 and number = any($2))
		or exists (select from shipments where merchant_id = $1 and tracking_number = any($2))`, merchant, numbers).Scan(&known)
	return known, err
}

// keep writes news down, each piece once, and says how many were new.
func (s *Service) keep(ctx context.Context, merchant uuid.UUID, name string, told []carrier.Tracked, body []byte) (fresh int64, err error) {
	now := s.DB.Now()
	sum := sha256.Sum256(body)
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		fresh = 0
		for i := range told {
			t := told[i]
			event := t.EventID
			if event == "" || len(event) > 200 || !clean(cut(event)) {
				event = hex.EncodeToString(sum[:16])
			}
			if len(told) > 1 {
				event += "#" + strconv.Itoa(i)
			}
			t.SignedBy = shipping.Initials(t.SignedBy) // a person's name stays outside
			text, err := json.Marshal(t)
			if err != nil {
				return fmt.Errorf("track: %w", err)
			}
			n, err := tx.Exec(ctx, `insert into carrier_news (merchant_id, carrier, event_id, number, news, status, next_at, received_at)
				values ($1, $2, $3, $4, $5, 'waiting', $6, $6) on conflict do nothing`, merchant, name, event, t.Number, text, now)
			if err != nil {
				return err
			}
			fresh += n
		}
		return nil
	})
	return fresh, err
}

// letter is a piece of news that is due.
type letter struct {
	Merchant       uuid.UUID
	Carrier, ID    string
	News           []byte
	Tries          int
	Next, Received time.Time
}

// Work acts on the news that are due, and says on how many.
func (s *Service) Work(ctx context.Context) (int, error) {
	worked := 0
	for {
		rows, err := s.DB.Query(ctx, `select merchant_id, carrier, event_id, news, tries, next_at, received_at from carrier_news
			where status in ('waiting', 'parked') and next_at <= $1 order by next_at, received_at limit $2`, s.DB.Now(), newsBatch)
		if err != nil {
			return worked, err
		}
		due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[letter])
		if err != nil || len(due) == 0 {
			return worked, err
		}
		var all sync.WaitGroup
		places := make(chan struct{}, s.AtOnce)
		for i := range due {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				s.handle(ctx, &due[i])
			})
		}
		all.Wait()
		worked += len(due)
		if len(due) < newsBatch || ctx.Err() != nil {
			return worked, ctx.Err()
		}
	}
}

// handle acts on one piece of news. To act twice on it does no harm.
func (s *Service) handle(ctx context.Context, l *letter) {
	n, err := s.DB.Exec(ctx, `update carrier_news set tries = tries + 1, next_at = $5
		where merchant_id = $1 and carrier = $2 and event_id = $3 and status in ('waiting', 'parked') and next_at = $4`,
		l.Merchant, l.Carrier, l.ID, l.Next, s.DB.Now().Add(newsLease))
	if err != nil || n == 0 {
		return // somebody else has it
	}
	l.Tries++
	err = s.act(ctx, l)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if e := s.end(ctx, l, err); e != nil || err != nil && !errors.Is(err, errNotHere) {
		s.Log.WarnContext(ctx, "news of a carrier not acted on yet", "carrier", l.Carrier, "event", l.ID, "error", cmp.Or(err, e))
	}
}

func (s *Service) act(ctx context.Context, l *letter) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("track: news panicked: %v\n%s", value, debug.Stack())
		}
	}()
	var t carrier.Tracked
	if err := json.Unmarshal(l.News, &t); err != nil {
		return fmt.Errorf("track: %w", err)
	}
	return s.apply(ctx, l.Merchant, l.Carrier, &t, true)
}

// end writes down what became of a piece of news.
func (s *Service) end(ctx context.Context, l *letter, outcome error) error {
	now := s.DB.Now()
	status, code := "done", ""
	switch {
	case errors.Is(outcome, errNotHere):
		if status, code = "parked", "parcel_not_found"; now.Sub(l.Received) >= newsPatience {
			status = "dropped"
		}
	case outcome != nil:
		status, code = "waiting", "internal"
		var f *fault.Error
		if errors.As(outcome, &f) {
			code = f.Code
		}
	}
	var ended *time.Time
	if status == "done" || status == "dropped" {
		ended = &now
	}
	_, err := s.DB.Exec(ctx, `update carrier_news set status = $4, failure = $5, next_at = $6, ended_at = $7
		where merchant_id = $1 and carrier = $2 and event_id = $3 and status in ('waiting', 'parked')`,
		l.Merchant, l.Carrier, l.ID, status, code, now.Add(min(2*time.Second<<min(l.Tries, 12), time.Hour)), ended)
	return err
}

// Prune forgets news that were done with long ago.
func (s *Service) Prune(ctx context.Context) (int64, error) {
	return s.DB.Exec(ctx, `delete from carrier_news where status in ('done', 'dropped') and ended_at < $1`, s.DB.Now().Add(-newsKept))
}
