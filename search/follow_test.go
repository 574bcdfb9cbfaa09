package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// ledger plays the database: transactions get a number when they begin and
// become visible when they commit, in whatever order.
type ledger struct {
	name    string
	now     time.Time
	nextXID uint64
	open    map[uint64]*transaction
	rows    []feedRow
	titles  map[Change]string // committed; keyed without ID
	reads   int
}

type transaction struct {
	xid    uint64
	writes map[Change]string // "" deletes
}

type feedRow struct {
	xid uint64
	Change
}

func newLedger() *ledger {
	return &ledger{name: "db", now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), nextXID: 100,
		open: map[uint64]*transaction{}, titles: map[Change]string{}}
}

func (l *ledger) begin() *transaction {
	tx := &transaction{xid: l.nextXID, writes: map[Change]string{}}
	l.open[tx.xid] = tx
	l.nextXID++
	return tx
}

func (l *ledger) commit(tx *transaction) {
	delete(l.open, tx.xid)
	for c, title := range tx.writes {
		l.rows = append(l.rows, feedRow{tx.xid, Change{ID: uuid.New(), Merchant: c.Merchant, Product: c.Product}})
		if title == "" {
			delete(l.titles, c)
		} else {
			l.titles[c] = title
		}
	}
}

// write commits one change at once.
func (l *ledger) write(merchant, product uuid.UUID, title string) {
	tx := l.begin()
	tx.writes[Change{Merchant: merchant, Product: product}] = title
	l.commit(tx)
}

func (l *ledger) Changes(_ context.Context, since Checkpoint) (Changes, error) {
	xmin := l.nextXID
	for xid := range l.open {
		xmin = min(xmin, xid)
	}
	out := Changes{Next: Checkpoint{Database: l.name, Cursor: xmin, At: l.now}}
	for _, r := range l.rows {
		if since != (Checkpoint{}) && r.xid >= since.Cursor {
			out.Rows = append(out.Rows, r.Change)
		}
	}
	return out, nil
}

func (l *ledger) Merchants(context.Context) ([]uuid.UUID, error) {
	all := map[uuid.UUID]bool{}
	for c := range l.titles {
		all[c.Merchant] = true
	}
	return slices.Collect(maps.Keys(all)), nil
}

func (l *ledger) Docs(_ context.Context, merchant uuid.UUID, products []uuid.UUID) ([]Doc, error) {
	var out []Doc
	for _, p := range products {
		l.reads++
		if title, ok := l.titles[Change{Merchant: merchant, Product: p}]; ok {
			out = append(out, Doc{Merchant: merchant, ProductID: p, Title: map[string]string{"en": title}})
		}
	}
	return out, nil
}

func (l *ledger) AllDocs(_ context.Context, merchant uuid.UUID, yield func(Doc) error) error {
	for c, title := range l.titles {
		if c.Merchant == merchant {
			if err := yield(Doc{Merchant: merchant, ProductID: c.Product, Title: map[string]string{"en": title}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// shelf is an engine that only remembers.
type shelf struct {
	Engine
	held       map[uuid.UUID]map[uuid.UUID]string
	broken     map[uuid.UUID]bool
	checkpoint Checkpoint
	indexed    int
	rebuilt    int
	during     func() // runs in the middle of a rebuild
	failing    error  // of rebuilds
}

func newShelf() *shelf {
	return &shelf{held: map[uuid.UUID]map[uuid.UUID]string{}, broken: map[uuid.UUID]bool{}}
}

func (s *shelf) Index(_ context.Context, docs []Doc) error {
	for _, d := range docs {
		if s.broken[d.Merchant] {
			return ErrUnavailable
		}
		if s.held[d.Merchant] == nil {
			s.held[d.Merchant] = map[uuid.UUID]string{}
		}
		s.held[d.Merchant][d.ProductID] = d.Title["en"]
		s.indexed++
	}
	return nil
}

func (s *shelf) Delete(_ context.Context, merchant uuid.UUID, products []uuid.UUID) error {
	for _, p := range products {
		delete(s.held[merchant], p)
	}
	return nil
}

func (s *shelf) Rebuild(ctx context.Context, merchant uuid.UUID, source Source) error {
	fresh := map[uuid.UUID]string{}
	err := source(ctx, func(d Doc) error {
		fresh[d.ProductID] = d.Title["en"]
		return nil
	})
	if s.during != nil {
		s.during()
	}
	if err = errors.Join(err, s.failing); err != nil {
		return err
	}
	s.held[merchant] = fresh
	delete(s.broken, merchant)
	s.rebuilt++
	return nil
}

func (s *shelf) Checkpoint(context.Context) (Checkpoint, error) { return s.checkpoint, nil }

func (s *shelf) SetCheckpoint(_ context.Context, c Checkpoint) error {
	s.checkpoint = c
	return nil
}

func (s *shelf) Health(context.Context) Health {
	return Health{Held: slices.Collect(maps.Keys(s.held)), Broken: slices.Collect(maps.Keys(s.broken))}
}

// differs says how the index differs from the catalogue, empty when it does not.
func (s *shelf) differs(l *ledger) string {
	n := 0
	for merchant, products := range s.held {
		for p, title := range products {
			n++
			if l.titles[Change{Merchant: merchant, Product: p}] != title {
				return fmt.Sprintf("%s is %q in the index and %q in the catalogue", p, title, l.titles[Change{Merchant: merchant, Product: p}])
			}
		}
	}
	if n != len(l.titles) {
		return fmt.Sprintf("%d products in the index, %d in the catalogue", n, len(l.titles))
	}
	return ""
}

func follower(s *shelf, l *ledger) *Follower {
	return NewFollower(s, l, l, FollowerOptions{Log: slog.New(slog.DiscardHandler)})
}

func step(t *testing.T, f *Follower) {
	t.Helper()
	if err := f.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAFirstStartRebuildsAndThenFollows(t *testing.T) {
	t.Parallel()
	l, s, merchant := newLedger(), newShelf(), uuid.New()
	a, b := uuid.New(), uuid.New()
	l.write(merchant, a, "mug")
	f := follower(s, l)
	// A change in the middle of the first rebuild is not lost.
	s.during = func() { l.write(merchant, a, "red mug"); s.during = nil }
	step(t, f)
	select {
	case <-f.Ready():
	default:
		t.Error("not ready after the first rebuild")
	}
	step(t, f)
	if why := s.differs(l); why != "" {
		t.Error(why)
	}
	l.write(merchant, b, "plate")
	l.write(merchant, a, "")
	step(t, f)
	if why := s.differs(l); why != "" || s.rebuilt != 1 {
		t.Errorf("%s after %d rebuilds", why, s.rebuilt)
	}
}

func TestATransactionThatCommitsLateIsNotLost(t *testing.T) {
	t.Parallel()
	l, s, merchant := newLedger(), newShelf(), uuid.New()
	l.write(merchant, uuid.New(), "mug")
	f := follower(s, l)
	step(t, f)
	late := l.begin()
	late.writes[Change{Merchant: merchant, Product: uuid.New()}] = "late lamp"
	for i := range 5 {
		l.write(merchant, uuid.New(), fmt.Sprint("early ", i))
		step(t, f)
	}
	indexed := s.indexed
	step(t, f)
	if s.indexed != indexed {
		t.Error("while a transaction is open, its contemporaries are indexed again and again")
	}
	l.commit(late)
	step(t, f)
	if why := s.differs(l); why != "" {
		t.Error(why)
	}
}

func TestAnIndexThatCannotBeFollowedIsRebuilt(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*ledger, *shelf){
		"of another database":     func(l *ledger, _ *shelf) { l.name = "restored" },
		"newer than the database": func(l *ledger, _ *shelf) { l.nextXID -= 50 },
		"older than the feed":     func(l *ledger, _ *shelf) { l.now = l.now.Add(8 * 24 * time.Hour); l.rows = nil },
		"lost":                    func(_ *ledger, s *shelf) { *s = *newShelf() },
		"of one merchant lost":    func(_ *ledger, s *shelf) { clear(s.held) },
		"of one merchant broken": func(_ *ledger, s *shelf) {
			for m := range s.held {
				s.broken[m] = true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, s, merchant, product := newLedger(), newShelf(), uuid.New(), uuid.New()
			for range 60 {
				l.write(merchant, product, "mug")
			}
			step(t, follower(s, l))
			rebuilt := s.rebuilt
			delete(l.titles, Change{Merchant: merchant, Product: product}) // nothing in the feed says so
			l.titles[Change{Merchant: merchant, Product: uuid.New()}] = "plate"
			spoil(l, s)
			if name == "lost" {
				rebuilt = 0
			}
			var told []uuid.UUID
			f := NewFollower(s, l, l, FollowerOptions{Log: slog.New(slog.DiscardHandler), OnChange: func(m uuid.UUID, products []uuid.UUID) {
				if products == nil {
					told = append(told, m)
				}
			}})
			step(t, f)
			if why := s.differs(l); why != "" || s.rebuilt != rebuilt+1 || !slices.Equal(told, []uuid.UUID{merchant}) {
				t.Errorf("%s after %d rebuilds, told %v", why, s.rebuilt-rebuilt, told)
			}
			if s.checkpoint.Database != l.name {
				t.Errorf("the checkpoint is %+v", s.checkpoint)
			}
		})
	}
}

func TestAFailingRebuildKeepsTheCheckpointBackAndOthersGoOn(t *testing.T) {
	t.Parallel()
	l, s, bad, good := newLedger(), newShelf(), uuid.New(), uuid.New()
	l.write(bad, uuid.New(), "mug")
	l.write(good, uuid.New(), "plate")
	f := follower(s, l)
	step(t, f)
	s.broken[bad], s.failing = true, errors.New("disk full")
	before := s.checkpoint
	l.write(good, uuid.New(), "lamp")
	l.write(bad, uuid.New(), "cup")
	if err := f.follow(t.Context()); !errors.Is(err, s.failing) {
		t.Fatalf("got %v", err)
	}
	if len(s.held[good]) != 2 || s.checkpoint != before {
		t.Errorf("%d products of the good merchant, checkpoint %+v", len(s.held[good]), s.checkpoint)
	}
	s.failing = nil
	step(t, f)
	if why := s.differs(l); why != "" || s.checkpoint == before {
		t.Errorf("%s, checkpoint %+v", why, s.checkpoint)
	}
}

// Whatever transactions overlap, whenever the feed is read and wherever the
// program crashes: once all is committed and read, the index is the catalogue.
func TestTheIndexNeverMissesAChange(t *testing.T) {
	t.Parallel()
	merchants := []uuid.UUID{uuid.New(), uuid.New()}
	products := []uuid.UUID{uuid.New(), uuid.New(), uuid.New(), uuid.New()}
	rapid.Check(t, func(t *rapid.T) {
		l, s := newLedger(), newShelf()
		f := follower(s, l)
		var open []*transaction
		follow := func() {
			if err := f.follow(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) { open = append(open, l.begin()) },
			"write": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip("no transaction")
				}
				tx := rapid.SampledFrom(open).Draw(t, "tx")
				c := Change{Merchant: rapid.SampledFrom(merchants).Draw(t, "merchant"), Product: rapid.SampledFrom(products).Draw(t, "product")}
				tx.writes[c] = rapid.SampledFrom([]string{"", "mug", "plate", "lamp"}).Draw(t, "title")
			},
			"commit": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip("no transaction")
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "tx")
				l.commit(open[i])
				open = slices.Delete(open, i, i+1)
			},
			"follow": func(*rapid.T) { follow() },
			"time":   func(*rapid.T) { l.now = l.now.Add(7 * time.Second) },
			"crash":  func(*rapid.T) { f = follower(s, l) },
		})
		for _, tx := range open {
			l.commit(tx)
		}
		follow()
		if why := s.differs(l); why != "" {
			t.Fatal(why)
		}
	})
}

// gate lets a test see each reading of the feed and make it fail.
type gate struct {
	*ledger
	failing atomic.Pointer[error]
	calls   chan struct{}
}

func (g *gate) Changes(ctx context.Context, since Checkpoint) (Changes, error) {
	select {
	case g.calls <- struct{}{}:
	case <-ctx.Done():
		return Changes{}, ctx.Err()
	}
	if err := g.failing.Load(); err != nil {
		return Changes{}, *err
	}
	return g.ledger.Changes(ctx, since)
}

func TestErrorsAreReportedAndRetriedUntilTheEnd(t *testing.T) {
	t.Parallel()
	l, s := newLedger(), newShelf()
	l.write(uuid.New(), uuid.New(), "mug")
	away := errors.New("no database")
	g := &gate{ledger: l, calls: make(chan struct{})}
	g.failing.Store(&away)
	f := NewFollower(s, g, l, FollowerOptions{Poll: time.Millisecond, MaxBackoff: 5 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	<-g.calls
	<-g.calls // the first failure has been reported by now
	if st := f.Status(); !errors.Is(st.Err, away) {
		t.Errorf("status %+v", st)
	}
	g.failing.Store(nil)
	<-g.calls
	<-g.calls // one more may have failed in between
	<-g.calls
	<-f.Ready()
	if st := f.Status(); st.Err != nil || !st.At.Equal(l.now) {
		t.Errorf("status %+v", st)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
}
