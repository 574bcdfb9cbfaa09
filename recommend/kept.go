package recommend

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"doorstep/catalog"

	"github.com/google/uuid"
)

// feed tells which products have changed since a cursor.
type feed interface {
	Changes(ctx context.Context, cursor uint64) (catalog.Feed, error)
	// Latest is the same without the name of the database.
	Latest(ctx context.Context, cursor uint64) (catalog.Feed, error)
}

// gate lets a question pass once everything is known that had changed when it was
// asked. Questions that come while the feed is being read share the next reading,
// so that a list that is kept costs less than one trip to the database, and is
// never older than its question.
type gate struct {
	mu     sync.Mutex
	active bool     // somebody reads
	next   *reading // that has not begun

	// Only the reading that runs touches these.
	cursor uint64
	system string
	whole  int // readings until the database is asked for its name again

	state   sync.RWMutex
	gen     uint64
	changed map[uuid.UUID]uint64 // by product, the generation that it changed in
	all     uint64               // the generation in which everything may have changed
}

// reading is one of the feed.
type reading struct {
	done chan struct{}
	gen  uint64
	err  error
}

const (
	// mostChanged bounds the products that are remembered by name.
	mostChanged = 50_000
	// wholeEvery is after how many readings the database is asked which it is.
	wholeEvery = 500
	// feedTime is how long a reading may take.
	feedTime = 2 * time.Second
)

// pass waits for a reading that begins after the call, and gives its generation.
func (g *gate) pass(ctx context.Context, f feed) (uint64, error) {
	g.mu.Lock()
	if g.next == nil {
		g.next = &reading{done: make(chan struct{})}
	}
	r := g.next
	if !g.active {
		g.active = true
		go g.read(context.WithoutCancel(ctx), f)
	}
	g.mu.Unlock()
	select {
	case <-r.done:
		return r.gen, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// read reads the feed as long as somebody waits.
func (g *gate) read(ctx context.Context, f feed) {
	for {
		runtime.Gosched() // whoever was let in before asks again, and comes along
		g.mu.Lock()
		r := g.next
		if g.next = nil; r == nil {
			g.active = false
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		bounded, cancel := context.WithTimeout(ctx, feedTime)
		got, err := g.ask(bounded, f)
		cancel()
		if r.err = err; err == nil {
			r.gen = g.note(&got)
		}
		close(r.done)
	}
}

// ask reads what has changed, and now and then in which database.
func (g *gate) ask(ctx context.Context, f feed) (catalog.Feed, error) {
	if g.whole--; g.cursor == 0 || g.whole <= 0 {
		g.whole = wholeEvery
		return f.Changes(ctx, g.cursor)
	}
	got, err := f.Latest(ctx, g.cursor)
	if err != nil {
		g.whole = 0 // it may be another one by now
	}
	got.System = g.system
	return got, err
}

// note takes note of what changed. The first reading, and one of another database,
// makes everything old.
func (g *gate) note(got *catalog.Feed) uint64 {
	g.state.Lock()
	defer g.state.Unlock()
	anew := g.cursor == 0 || got.System != g.system
	g.cursor, g.system = got.Next, got.System
	if len(got.Changed) == 0 && !anew {
		return g.gen
	}
	g.gen++
	if anew || len(g.changed) > mostChanged {
		g.all, g.changed = g.gen, map[uuid.UUID]uint64{}
	}
	for _, products := range got.Changed {
		for _, p := range products {
			g.changed[p] = g.gen
		}
	}
	return g.gen
}

// fresh says whether none of the products has changed since a generation.
func (g *gate) fresh(products []uuid.UUID, since uint64) bool {
	g.state.RLock()
	defer g.state.RUnlock()
	switch {
	case g.gen <= since:
		return true // nothing at all has
	case g.all > since:
		return false
	}
	for _, p := range products {
		if g.changed[p] > since {
			return false
		}
	}
	return true
}

// asked names a list that others may ask for, too.
type asked struct {
	surface          Surface
	currency, locale string
	places           int
	seeds            string
	arm              Arm
	group            int // of visitors that see the same by chance; -1: none
}

// name names a question; ok is false for one that only this person asks.
func (a *Ask) name() (n asked, ok bool) {
	if len(a.Person) > 0 {
		return n, false
	}
	n = asked{surface: a.Surface, currency: a.Currency, locale: a.Locale, places: a.Places, arm: armFor(a), group: -1}
	if n.arm == Learned {
		n.group = a.group()
	}
	seeds := make([]byte, 0, 16*len(a.Seeds))
	for _, s := range a.Seeds {
		seeds = append(seeds, s[:]...)
	}
	n.seeds = string(seeds)
	return n, true
}

// keptList is a list that is given again while it is true.
type keptList struct {
	list     *List
	note     *answered
	known    *knowledge
	rules    *RuleSet
	gen      uint64
	products []uuid.UUID // that it depends on, also those that are not in it
	made     time.Time
	until    time.Time // when a price or a rule changes by itself; zero: never
}

const (
	mostKept = 2000 // lists of one shop
	keptFor  = time.Minute
)

// shelfLife is what a list depends on.
type shelfLife struct {
	products []uuid.UUID
	until    time.Time
}

func (l *shelfLife) ends(at *time.Time, now time.Time) {
	if at != nil && at.After(now) && (l.until.IsZero() || at.Before(l.until)) {
		l.until = *at
	}
}

// lists keeps lists of a shop.
type lists struct {
	mu  sync.RWMutex
	all map[asked]*keptList
}

func (l *lists) find(n asked) *keptList {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.all[n]
}

// keep keeps a list. When there is no room, some others go, whichever the map
// hands out first.
func (l *lists) keep(n asked, k *keptList) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[asked]*keptList{}
	}
	if len(l.all) >= mostKept {
		gone := 0
		for name := range l.all {
			delete(l.all, name)
			if gone++; gone == mostKept/8 {
				break
			}
		}
	}
	l.all[n] = k
}

// holds says whether a kept list is still what would be answered.
func (k *keptList) holds(g *gate, known *knowledge, rules *RuleSet, now time.Time) bool {
	return k.known == known && k.rules == rules && now.Sub(k.made) < keptFor && !now.Before(k.made) &&
		(k.until.IsZero() || now.Before(k.until)) && g.fresh(k.products, k.gen)
}

// shared is what is made of a list for all who are given the same.
type shared struct {
	made atomic.Pointer[[]byte]
}

// NewList is a list that nobody shares, for those who stand in for the service.
func NewList(l List) *List {
	l.shared = &shared{}
	return &l
}

// Shared gives what render makes of the list without its ID. Lists that are the same
// share it, so that it must not depend on who asks.
func (l *List) Shared(render func() ([]byte, error)) ([]byte, error) {
	if b := l.shared.made.Load(); b != nil {
		return *b, nil
	}
	b, err := render()
	if err == nil {
		l.shared.made.Store(&b)
	}
	return b, err
}
