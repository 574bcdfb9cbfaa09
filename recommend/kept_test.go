package recommend

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/catalog"

	"github.com/google/uuid"
)

// shelves is a stall whose feed says what sells out; it counts who asks.
type shelves struct {
	mu    sync.Mutex
	gone  []int
	log   []uuid.UUID
	asked atomic.Int64
	read  atomic.Int64
	hold  chan struct{}
}

func (s *shelves) Views(ctx context.Context, m uuid.UUID, currency, locale string, products []uuid.UUID) ([]*catalog.View, error) {
	s.asked.Add(1)
	s.mu.Lock()
	gone := slices.Clone(s.gone)
	s.mu.Unlock()
	return stall{gone}.Views(ctx, m, currency, locale, products)
}

func (s *shelves) Changes(_ context.Context, cursor uint64) (catalog.Feed, error) {
	s.read.Add(1)
	s.mu.Lock()
	f := catalog.Feed{Changed: map[uuid.UUID][]uuid.UUID{}, Next: uint64(len(s.log)) + 1, System: "one"}
	if cursor > 0 && cursor <= uint64(len(s.log)) {
		f.Changed[uuid.Nil] = slices.Clone(s.log[cursor-1:])
	}
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return f, nil
}

func (s *shelves) Latest(ctx context.Context, cursor uint64) (catalog.Feed, error) {
	return s.Changes(ctx, cursor)
}

func (s *shelves) sellOut(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone, s.log = append(s.gone, n), append(s.log, numbered(n))
}

func TestWhoeverAsksAfterASaleIsNotShownWhatIsGone(t *testing.T) {
	t.Parallel()
	var g gate
	f := &shelves{}
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				f.mu.Lock()
				sold := len(f.log)
				f.mu.Unlock()
				gen, err := g.pass(context.Background(), f)
				if err != nil {
					t.Error(err)
					return
				}
				// Everything that was sold before the question is known by now.
				for n := range sold {
					g.state.RLock()
					known := g.changed[numbered(n)] > 0 && g.changed[numbered(n)] <= gen || g.all > 0 && n == 0
					g.state.RUnlock()
					if !known {
						t.Errorf("number %d was sold before, and nobody knows", n)
						return
					}
				}
			}
		})
	}
	if _, err := g.pass(t.Context(), f); err != nil { // the first reading knows nothing by name
		t.Fatal(err)
	}
	for n := range 200 {
		f.sellOut(n)
	}
	close(stop)
	all.Wait()
	if f.read.Load() > 100_000 {
		t.Error("nobody shares a reading")
	}
}

func TestThoseWhoComeWhileTheFeedIsReadShareTheNextReading(t *testing.T) {
	t.Parallel()
	var g gate
	f := &shelves{hold: make(chan struct{})}
	var all sync.WaitGroup
	pass := func() {
		all.Go(func() {
			if _, err := g.pass(context.Background(), f); err != nil {
				t.Error(err)
			}
		})
	}
	pass()
	for end := time.Now().Add(10 * time.Second); f.read.Load() < 1 && time.Now().Before(end); {
	}
	for range 50 {
		pass()
	}
	waiting := func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.next != nil
	}
	for end := time.Now().Add(10 * time.Second); !waiting() && time.Now().Before(end); {
	}
	close(f.hold)
	all.Wait()
	if n := f.read.Load(); n < 2 || n > 20 {
		t.Errorf("51 questions took %d readings", n)
	}
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.pass(short, &shelves{hold: make(chan struct{})}); err == nil {
		t.Error("nobody waits for ever")
	}
}

func TestAKeptListIsGivenWhileNothingOfItChanges(t *testing.T) {
	t.Parallel()
	var g gate
	f := &shelves{}
	gen, err := g.pass(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	k, rules := &knowledge{}, &RuleSet{}
	kept := &keptList{known: k, rules: rules, gen: gen, products: numbereds(1, 2), made: noon}
	holds := func() bool { return kept.holds(&g, k, rules, noon.Add(time.Second)) }
	change := func(n int) {
		t.Helper()
		f.sellOut(n)
		if _, err := g.pass(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	if change(3); !holds() {
		t.Error("another product makes it old")
	}
	if change(2); holds() {
		t.Error("it outlives its product")
	}
	kept.gen = g.gen
	if !holds() || kept.holds(&g, &knowledge{}, rules, noon) || kept.holds(&g, k, &RuleSet{}, noon) || kept.holds(&g, k, rules, noon.Add(2*time.Minute)) {
		t.Error("it outlives what was known, the rules, or its time")
	}
	kept.until = noon.Add(time.Second)
	if holds() {
		t.Error("it outlives a price")
	}
	if g.note(&catalog.Feed{Next: 9, System: "two"}); kept.gen >= g.all {
		t.Error("it outlives its database")
	}
}

func TestOnlyTheSameQuestionSharesAList(t *testing.T) {
	t.Parallel()
	a := Ask{Surface: Product, Seeds: numbereds(1, 2), Currency: "EUR", Locale: "en", Places: 5}
	name := func(change func(a *Ask)) asked {
		b := a
		change(&b)
		n, _ := b.name()
		return n
	}
	base, ok := a.name()
	if !ok || base != name(func(*Ask) {}) {
		t.Fatal("the same question is another one")
	}
	for what, n := range map[string]asked{
		"surface": name(func(a *Ask) { a.Surface = Cart }), "seeds": name(func(a *Ask) { a.Seeds = numbereds(2, 1) }), "currency": name(func(a *Ask) { a.Currency = "AMD" }),
		"language": name(func(a *Ask) { a.Locale = "hy" }), "places": name(func(a *Ask) { a.Places = 6 }), "arm": name(func(a *Ask) { a.Visitor = visitorOf(Popularity, 0) }),
		"visitor": name(func(a *Ask) { a.Visitor = visitorOf(Learned, 0) }),
	} {
		if n == base {
			t.Errorf("another %s is the same question", what)
		}
	}
	a.Person = []byte("p")
	if _, ok := a.name(); ok {
		t.Error("a person's list is for everybody")
	}
}
