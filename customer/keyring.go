package customer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"doorstep/internal/db"
)

const (
	// keyTTL is how long an answer about a key or an origin is kept: within it a
	// revocation made elsewhere, such as by the command line, takes effect.
	keyTTL = time.Second
	// usePeriod is how often the use of a key is written down.
	usePeriod = time.Minute
	// ringSize bounds the keys, and apart from them the unknown keys, in memory.
	ringSize = 4096
	// useWriters bounds the connections that writing down uses may take.
	useWriters = 2
	// lookupTime bounds a look-up that no caller waits for any more.
	lookupTime = 5 * time.Second
)

// keyring knows the keys in use. Unknown keys are kept apart, so that a flood
// of made-up ones cannot push out those that are in use.
type keyring struct {
	db      *db.DB
	known   recent[[32]byte, *heldKey]
	unknown recent[[32]byte, struct{}]
	flights singleflight.Group
	// round grows with each key that is revoked here: what was read in an earlier
	// round may be older than that.
	round atomic.Uint64

	writers chan struct{}
	writing sync.WaitGroup
}

// heldKey is a key as last read.
type heldKey struct {
	principal Principal
	revoked   bool // or its merchant is closed
	expires   *time.Time
	lastUsed  time.Time // zero when never
	noted     atomic.Bool
}

func newKeyring(d *db.DB) *keyring {
	return &keyring{
		db:      d,
		known:   recent[[32]byte, *heldKey]{ttl: keyTTL, size: ringSize},
		unknown: recent[[32]byte, struct{}]{ttl: keyTTL, size: ringSize},
		writers: make(chan struct{}, useWriters),
	}
}

// Authenticate says whose key it is. It fails with ErrKeyInvalid for what is no
// key and for unknown keys, and with ErrKeyRevoked for one that was revoked, has
// expired, or whose merchant is closed. A revocation counts within a second,
// wherever it was made.
func (s *Service) Authenticate(ctx context.Context, key string) (Principal, error) {
	merchant, kind, ok := parseKey(key)
	if !ok {
		return Principal{}, ErrKeyInvalid
	}
	hash := sha256.Sum256([]byte(key))
	now := s.db.Now()
	held, ok := s.keys.known.get(hash, now)
	if !ok {
		if _, known := s.keys.unknown.get(hash, now); known {
			return Principal{}, ErrKeyInvalid
		}
		var err error
		if held, err = s.keys.look(ctx, merchant, kind, hash); err != nil {
			return Principal{}, err
		}
	}
	if held == nil {
		return Principal{}, ErrKeyInvalid
	}
	if held.revoked || held.expires != nil && !now.Before(*held.expires) {
		return Principal{}, ErrKeyRevoked
	}
	s.keys.note(ctx, held, now)
	return held.principal, nil
}

// look reads a key, once for all who ask at the same time; nil when there is
// none. The reading outlives a caller who gives up, for the others.
func (r *keyring) look(ctx context.Context, merchant uuid.UUID, kind KeyKind, hash [32]byte) (*heldKey, error) {
	round := r.round.Load()
	answer := r.flights.DoChan(string(binary.BigEndian.AppendUint64(hash[:], round)), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
		defer cancel()
		asked := r.db.Now()
		held, err := readHeldKey(ctx, r.db, merchant, kind, hash)
		switch {
		case err != nil:
		case held == nil:
			r.unknown.put(hash, struct{}{}, asked)
		default:
			r.known.put(hash, held, asked)
			if r.round.Load() != round {
				r.known.forget(func(k *heldKey) bool { return k == held })
			}
		}
		return held, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case a := <-answer:
		held, _ := a.Val.(*heldKey) // nil with an error
		return held, a.Err
	}
}

// forget makes the next who shows the key read it anew, and leaves those who are
// reading it now their answer without keeping it.
func (r *keyring) forget(key uuid.UUID) {
	r.round.Add(1)
	r.known.forget(func(k *heldKey) bool { return k.principal.KeyID == key })
}

// note writes down that a key is used, at most once a minute and without the
// caller waiting. When the writers are busy, the next use will do.
func (r *keyring) note(ctx context.Context, k *heldKey, now time.Time) {
	if now.Sub(k.lastUsed) < usePeriod || k.noted.Load() {
		return
	}
	select {
	case r.writers <- struct{}{}:
	default:
		return
	}
	if !k.noted.CompareAndSwap(false, true) {
		<-r.writers
		return
	}
	r.writing.Go(func() {
		defer func() { <-r.writers }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
		defer cancel()
		if err := writeKeyUse(ctx, r.db, k.principal, now); err != nil {
			slog.WarnContext(ctx, "the use of an API key was not written down", "key_id", k.principal.KeyID, "error", err)
		}
	})
}

// origins are the web origins of all live publishable keys.
type origins struct {
	db     *db.DB
	flight singleflight.Group

	mu    sync.Mutex
	known map[string]bool
	asked time.Time
}

// OriginKnown says whether some live publishable key may be used on pages of
// origin. It answers browsers that ask before they send a key, so it is the one
// question over all merchants; the whole set is read at most once a second,
// however many ask. When it cannot be read the answer is no.
func (s *Service) OriginKnown(ctx context.Context, origin string) bool {
	origin, ok := cleanOrigin(origin)
	if !ok || origin == "*" {
		return false
	}
	known, err := s.origins.all(ctx)
	if err != nil {
		slog.ErrorContext(ctx, "the origins of API keys cannot be read", "error", err)
		return false
	}
	return known[origin] || known["*"]
}

func (o *origins) all(ctx context.Context) (map[string]bool, error) {
	o.mu.Lock()
	known, asked := o.known, o.asked
	o.mu.Unlock()
	if known != nil && fresh(asked, o.db.Now(), keyTTL) {
		return known, nil
	}
	answer := o.flight.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
		defer cancel()
		asked := o.db.Now()
		known, err := readOrigins(ctx, o.db, asked)
		if err == nil {
			o.mu.Lock()
			o.known, o.asked = known, asked
			o.mu.Unlock()
		}
		return known, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case a := <-answer:
		known, _ := a.Val.(map[string]bool) // nil with an error
		return known, a.Err
	}
}

// forget makes the next question read again, after a change made here.
func (o *origins) forget() {
	o.mu.Lock()
	o.known = nil
	o.mu.Unlock()
}
