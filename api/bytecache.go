package api

import (
	"context"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"doorstep/internal/locale"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"
)

const (
	// feedLag is how old the last reading of the feed may be before silence no
	// longer means that nothing has changed.
	feedLag = 700 * time.Millisecond
	// unheard is how long an answer is kept without a feed to trust. Together
	// they keep every answer true to within a second.
	unheard = 500 * time.Millisecond
)

// answer is a finished body, kept for the next who asks the same. Its fields
// never change once it is kept.
type answer struct {
	body  []byte
	tag   string    // its ETag
	slots [2]*slot  // the changes that make it old
	until time.Time // it is old from then on; zero: only by a change
	asOf  uint64    // the number of the last change before it was read
	read  time.Time // before it was read
	used  atomic.Bool
	empty bool // a search that found nothing
}

// fresh says whether the answer may still be given at now.
func (s *Server) fresh(a *answer, now time.Time) bool {
	for _, slot := range a.slots {
		if slot.Load() > a.asOf {
			return false
		}
	}
	if !a.until.IsZero() && !now.Before(a.until) {
		return false
	}
	age := now.Sub(a.read)
	return age >= 0 && (age < unheard || s.feedAlive(now))
}

// feedTime is when the feed was last read; the zero time without one.
func (s *Server) feedTime() time.Time {
	if s.feed == nil {
		return time.Time{}
	}
	return s.feed()
}

// feedAlive says whether every change up to a moment ago has been heard.
func (s *Server) feedAlive(now time.Time) bool {
	if s.feed == nil {
		return false
	}
	return now.Sub(s.feed()).Abs() <= feedLag
}

// cacheKey names an answer: who is asked what, in which language and currency.
type cacheKey struct {
	merchant uuid.UUID
	name     string
	lang     locale.Lang
	currency string
}

const (
	cacheShards = 32
	// answerCost is what an answer takes besides its bytes, about.
	answerCost = 256
)

// byteCache keeps answers in a bounded number of bytes.
type byteCache struct {
	seed    maphash.Seed
	limit   int // bytes per shard
	shards  [cacheShards]cacheShard
	flights singleflight.Group
}

type cacheShard struct {
	sync.RWMutex
	size    int
	answers map[cacheKey]*answer
}

func newByteCache(bytes int) *byteCache {
	c := &byteCache{seed: maphash.MakeSeed(), limit: bytes / cacheShards}
	for i := range c.shards {
		c.shards[i].answers = map[cacheKey]*answer{}
	}
	return c
}

func (c *byteCache) shard(k cacheKey) *cacheShard {
	return &c.shards[maphash.String(c.seed, k.name)%cacheShards]
}

func (c *byteCache) get(k cacheKey) *answer {
	s := c.shard(k)
	s.RLock()
	a := s.answers[k]
	s.RUnlock()
	if a != nil && !a.used.Load() {
		a.used.Store(true)
	}
	return a
}

func cost(k cacheKey, a *answer) int {
	return answerCost + len(k.name) + len(a.body)
}

// put keeps an answer, and makes room for it. One that would take a large part
// of the room is not kept, nor one that is older than what is there.
func (c *byteCache) put(k cacheKey, a *answer) {
	need := cost(k, a)
	s := c.shard(k)
	s.Lock()
	defer s.Unlock()
	if old := s.answers[k]; old != nil {
		if old.asOf > a.asOf || old.asOf == a.asOf && old.read.After(a.read) {
			return
		}
		s.remove(k, old)
	}
	if need > c.limit/4 {
		return
	}
	s.evict(c.limit - need)
	s.answers[k] = a
	s.size += need
}

// evict makes the shard no larger than limit. It goes through the answers in
// the map's random order, and what was asked for since it last came by has
// another chance.
func (s *cacheShard) evict(limit int) {
	for s.size > limit {
		for k, a := range s.answers {
			if !a.used.Swap(false) {
				s.remove(k, a)
			}
			if s.size <= limit {
				break
			}
		}
	}
}

func (s *cacheShard) remove(k cacheKey, a *answer) {
	delete(s.answers, k)
	s.size -= cost(k, a)
}

// forget drops what is kept under the key.
func (c *byteCache) forget(k cacheKey) {
	s := c.shard(k)
	s.Lock()
	defer s.Unlock()
	if a := s.answers[k]; a != nil {
		s.remove(k, a)
	}
}

// kept gives the answer if it is kept and fresh at now, else nil.
func (s *Server) kept(c *byteCache, k cacheKey, now time.Time) *answer {
	if a := c.get(k); a != nil && s.fresh(a, now) {
		return a
	}
	return nil
}

// cached makes the answer with read, once for all who ask for the same at the
// same time, and keeps it. What it gives is fresh, or was read after the call.
func (s *Server) cached(ctx context.Context, c *byteCache, k cacheKey, read func(context.Context) (*answer, error)) (*answer, error) {
	for again := false; ; again = true {
		// The reading goes on when this caller gives up, for the others.
		flight := c.flights.DoChan(k.flight(), func() (any, error) { return s.fill(context.WithoutCancel(ctx), c, k, read) })
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case done := <-flight:
			if done.Err != nil {
				return nil, done.Err
			}
			// The first may have been begun by another, before a change; the second
			// was begun after this call.
			a, _ := done.Val.(*answer) // fill gives nothing else
			if again || !done.Shared || s.fresh(a, s.clock.Now()) {
				return a, nil
			}
		}
	}
}

// flight is the key as one text.
func (k cacheKey) flight() string {
	return string(k.merchant[:]) + string(k.lang) + "\x00" + k.currency + "\x00" + k.name
}

// fill reads an answer and keeps it. What changes while it reads makes it old
// at once.
func (s *Server) fill(ctx context.Context, c *byteCache, k cacheKey, read func(context.Context) (*answer, error)) (a *answer, err error) {
	defer func() {
		if p := recover(); p != nil { // it runs beside the request, where nobody else would catch it
			a, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, usual)
	defer cancel()
	number, now := s.changes.number(), s.clock.Now()
	if a, err = read(ctx); err != nil {
		c.forget(k)
		return nil, err
	}
	a.asOf, a.read = number, now
	c.put(k, a)
	return a, nil
}
