// Package idem makes a write with an Idempotency-Key happen once: the first
// caller claims the key, its answer is stored, later callers get that answer.
package idem

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/killpoint"
)

// The faults of a key in use.
var (
	ErrConflict = fault.New(fault.Invalid, "idempotency_conflict", "This idempotency key was used before with another request.")
	ErrInFlight = fault.New(fault.Conflict, "idempotency_in_flight", "The first request with this idempotency key is still running.").After(time.Second)
)

// Kept is how long an answer is kept, at the least.
const Kept = 24 * time.Hour

// Key is one claim: whose, which, and the hash of the request it stands for.
type Key struct {
	Merchant uuid.UUID
	Key      string
	Hash     []byte
}

// State is what is known of a key.
type State struct {
	Known   bool // the key was seen before
	Done    bool // its answer is stored
	Lease   time.Time
	Hash    []byte
	Status  int // HTTP status of the stored answer
	Headers map[string]string
	Body    []byte
}

// Store keeps the keys.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d} }

// claimTries bounds how often Begin looks again because the key changed hands
// between its two looks.
const claimTries = 5

// Begin claims the key for lease. A key that is done gives its stored answer; a
// key whose first caller died is claimed anew by the same request once its lease
// is over. Without an error and without Done, the caller holds the claim. It
// fails with ErrConflict or ErrInFlight.
func (s *Store) Begin(ctx context.Context, k Key, lease time.Duration) (State, error) {
	for range claimTries {
		now := s.db.Now()
		n, err := s.db.Exec(ctx, claim, k.Merchant, k.Key, k.Hash, now.Add(lease), now)
		if err != nil || n == 1 {
			killpoint.Hit("idem.claimed")
			return State{}, err
		}
		var state State
		if err := s.db.Read(ctx, Lookup(k, &state)); err != nil {
			return State{}, err
		}
		if err := state.Check(k, now); err != nil || state.Done {
			return state, err
		}
		// It was given up since the claim failed: free for all, so claim it first.
	}
	return State{}, ErrInFlight
}

// Finish stores the answer of a claimed key.
func (s *Store) Finish(ctx context.Context, k Key, status int, headers map[string]string, body []byte) error {
	killpoint.Hit("idem.finish")
	_, err := s.db.Exec(ctx, finish, finishArgs(k, status, headers, body)...)
	killpoint.Hit("idem.finished")
	return err
}

// Abandon frees a claimed key, so that the same request may be tried again.
func (s *Store) Abandon(ctx context.Context, k Key) error {
	_, err := s.db.Exec(ctx, `delete from idempotency_keys where merchant_id = $1 and key = $2 and status = 'running'`, k.Merchant, k.Key)
	return err
}

// Prune removes keys older than Kept and says how many went.
func (s *Store) Prune(ctx context.Context) (int64, error) {
	return s.db.Exec(ctx, `delete from idempotency_keys where created_at < $1 and (status = 'done' or lease_until < $2)`,
		s.db.Now().Add(-Kept), s.db.Now())
}

const claim = `insert into idempotency_keys (merchant_id, key, request_hash, status, lease_until, created_at)
	values ($1, $2, $3, 'running', $4, $5)
	on conflict (merchant_id, key) do update set lease_until = excluded.lease_until
	where idempotency_keys.status = 'running' and idempotency_keys.lease_until <= excluded.created_at
	  and idempotency_keys.request_hash = excluded.request_hash`

// Claim claims the key inside the acting transaction, which fails with
// ErrInFlight when another caller holds or has finished it.
func Claim(tx db.Tx, k Key, now time.Time, lease time.Duration) {
	tx.Guard(1, ErrInFlight, claim, k.Merchant, k.Key, k.Hash, now.Add(lease), now)
}

const record = `insert into idempotency_keys (merchant_id, key, request_hash, status, http_status, body, lease_until, created_at)
	values ($1, $2, $3, 'done', $4, $5, $6, $6)
	on conflict (merchant_id, key) do update set status = 'done', http_status = excluded.http_status, body = excluded.body
	where idempotency_keys.status = 'running' and idempotency_keys.lease_until <= excluded.created_at
	  and idempotency_keys.request_hash = excluded.request_hash`

// Record is Claim and Settle at once, for an act that is a single transaction.
// It fails with ErrInFlight as Claim does.
func Record(tx db.Tx, k Key, now time.Time, status int, body []byte) {
	tx.Guard(1, ErrInFlight, record, k.Merchant, k.Key, k.Hash, status, body, now)
}

const finish = `update idempotency_keys set status = 'done', http_status = $3, headers = $4, body = $5
	where merchant_id = $1 and key = $2 and status = 'running'`

func finishArgs(k Key, status int, headers map[string]string, body []byte) []any {
	if headers == nil {
		headers = map[string]string{}
	}
	return []any{k.Merchant, k.Key, status, headers, body}
}

// Settle stores the answer inside the transaction that makes it true. A key
// that was pruned or abandoned meanwhile is left alone.
func Settle(tx db.Tx, k Key, status int, body []byte) {
	tx.Queue(finish, finishArgs(k, status, nil, body)...)
}

// Free frees the key inside a transaction, for an attempt that came to nothing.
func Free(tx db.Tx, k Key) {
	tx.Queue(`delete from idempotency_keys where merchant_id = $1 and key = $2 and status = 'running'`, k.Merchant, k.Key)
}

// Yield ends the lease inside a transaction, so that the same key may come back
// at once and read how things stand.
func Yield(tx db.Tx, k Key, now time.Time) {
	tx.Queue(`update idempotency_keys set lease_until = $3 where merchant_id = $1 and key = $2 and status = 'running'`, k.Merchant, k.Key, now)
}

// Lookup is the query that reads a key's state into state, to travel with
// other reads.
func Lookup(k Key, state *State) *db.Query {
	return &db.Query{
		SQL: `select status, lease_until, request_hash, coalesce(http_status, 0), headers, body
			from idempotency_keys where merchant_id = $1 and key = $2`,
		Args: []any{k.Merchant, k.Key},
		Each: func(rows pgx.Rows) error {
			*state = State{}
			for rows.Next() {
				var status string
				var headers []byte
				if err := rows.Scan(&status, &state.Lease, &state.Hash, &state.Status, &headers, &state.Body); err != nil {
					return err
				}
				state.Known, state.Done = true, status == "done"
				if headers != nil {
					if err := json.Unmarshal(headers, &state.Headers); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
}

// Check says whether a caller with k may go on: nil for a done or free key,
// ErrConflict for another request, ErrInFlight while the lease lasts.
func (s State) Check(k Key, now time.Time) error {
	switch {
	case !s.Known:
		return nil
	case string(s.Hash) != string(k.Hash):
		return ErrConflict
	case !s.Done && now.Before(s.Lease):
		return ErrInFlight
	}
	return nil
}

// IsInFlight says whether err means that another caller is at work.
func IsInFlight(err error) bool { return errors.Is(err, ErrInFlight) }
