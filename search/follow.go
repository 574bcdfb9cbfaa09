package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Feed reads what has changed in the catalogue.
type Feed interface {
	// Changes lists every committed change of a transaction not older than the
	// cursor, and the checkpoint for the next call, both from one snapshot: what
	// commits later has a transaction the next call will list. A change may be
	// listed many times. With the zero checkpoint it lists nothing.
	Changes(ctx context.Context, since Checkpoint) (Changes, error)
}

// Changes is one reading of the feed.
type Changes struct {
	Rows []Change
	Next Checkpoint
}

// Change says that something about a product has changed, or that it is gone.
type Change struct {
	// ID names the change itself, so that one listed again is not indexed again;
	// the zero id is always indexed.
	ID       uuid.UUID
	Merchant uuid.UUID
	Product  uuid.UUID
}

// Catalogue gives documents as they are now, never older than a change that the
// feed has listed.
type Catalogue interface {
	// Merchants lists all merchants.
	Merchants(ctx context.Context) ([]uuid.UUID, error)
	// Docs gives the products that exist among those asked for; the others are
	// taken out of the index.
	Docs(ctx context.Context, merchant uuid.UUID, products []uuid.UUID) ([]Doc, error)
	// AllDocs yields every product of a merchant and stops at yield's first error.
	AllDocs(ctx context.Context, merchant uuid.UUID, yield func(Doc) error) error
}

// FollowerOptions tune a Follower; zero values are sensible.
type FollowerOptions struct {
	Poll time.Duration // between readings of the feed; 0 means 200 ms
	// MaxBackoff bounds the wait after errors; 0 means 2 s.
	MaxBackoff time.Duration
	// Keep is how long the feed holds changes before they are pruned; an index
	// whose checkpoint is older is rebuilt. 0 means seven days.
	Keep time.Duration
	// OnChange hears of changed products as soon as they are read, before they
	// are indexed, so that caches can drop them. No products means all of the
	// merchant's. It may hear the same twice and must not block.
	OnChange func(merchant uuid.UUID, products []uuid.UUID)
	Log      *slog.Logger // nil means slog.Default()
}

const (
	followBatch     = 500              // products read and indexed at a time
	checkpointEvery = 10 * time.Second // of the database's time, when nothing changes
)

// Follower keeps an engine's index level with the catalogue: within a second of
// a commit, and without losing any change to a crash or to a transaction that
// commits late. One follower per engine.
type Follower struct {
	engine    Engine
	feed      Feed
	catalogue Catalogue
	options   FollowerOptions

	cursor   Checkpoint          // how far the index has come
	stored   Checkpoint          // what the engine has been told
	seen     map[uuid.UUID]bool  // changes at or after cursor that are indexed
	lacking  map[uuid.UUID]error // merchants whose index must be rebuilt first
	dirty    bool                // something was indexed since stored
	begun    bool
	ready    chan struct{}
	readyOne sync.Once

	mu     sync.Mutex
	status FollowerStatus
}

// FollowerStatus says how a follower is doing.
type FollowerStatus struct {
	// At is the database's time of the last reading that was fully indexed.
	At time.Time
	// Err is why the last reading failed; nil when it did not.
	Err error
	// Lacking counts the merchants whose index waits for a rebuild.
	Lacking int
}

// NewFollower makes a follower; Run starts it.
func NewFollower(engine Engine, feed Feed, catalogue Catalogue, options FollowerOptions) *Follower {
	if options.Poll <= 0 {
		options.Poll = 200 * time.Millisecond
	}
	if options.MaxBackoff <= 0 {
		options.MaxBackoff = 2 * time.Second
	}
	if options.Keep <= 0 {
		options.Keep = 7 * 24 * time.Hour
	}
	if options.OnChange == nil {
		options.OnChange = func(uuid.UUID, []uuid.UUID) {}
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	return &Follower{engine: engine, feed: feed, catalogue: catalogue, options: options,
		seen: map[uuid.UUID]bool{}, lacking: map[uuid.UUID]error{}, ready: make(chan struct{})}
}

// Ready is closed once the index has caught up with the catalogue for the first
// time; merchants that could not be rebuilt do not hold it up.
func (f *Follower) Ready() <-chan struct{} { return f.ready }

// Status says how the follower is doing.
func (f *Follower) Status() FollowerStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

// Run follows until ctx ends and returns its error. An empty or foreign index
// is rebuilt first.
func (f *Follower) Run(ctx context.Context) error {
	wait := time.Duration(0)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		err := f.follow(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.report(err)
		if err != nil {
			wait = min(max(2*wait, f.options.Poll), f.options.MaxBackoff)
			f.options.Log.WarnContext(ctx, "search: the index falls behind", "error", err, "retry_in", wait)
		} else {
			wait = f.options.Poll
		}
		timer.Reset(wait)
	}
}

func (f *Follower) report(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Err, f.status.Lacking = err, len(f.lacking)
	if err == nil || len(f.lacking) > 0 {
		f.status.At = f.cursor.At
	}
}

// follow reads the feed once and indexes what it lists.
func (f *Follower) follow(ctx context.Context) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	changes, err := f.feed.Changes(ctx, f.cursor)
	if err != nil {
		return fmt.Errorf("read the catalogue's changes: %w", err)
	}
	if why := f.foreign(changes.Next); why != "" {
		f.options.Log.InfoContext(ctx, "search: rebuilding every index", "because", why)
		// The checkpoint was read before the rebuild, so that changes made during
		// it will be listed again.
		if err := f.lackAll(ctx); err != nil {
			return err
		}
		changes.Rows, f.stored = nil, Checkpoint{}
	}
	for _, merchant := range f.engine.Health(ctx).Broken {
		if _, known := f.lacking[merchant]; !known {
			f.lacking[merchant] = ErrUnavailable
		}
	}
	if err := f.apply(ctx, changes.Rows); err != nil {
		return err
	}
	f.cursor = changes.Next
	clear(f.seen)
	for _, c := range changes.Rows {
		f.seen[c.ID] = c.ID != uuid.Nil
	}
	failed := f.mend(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := f.store(ctx); err != nil {
		return err
	}
	f.readyOne.Do(func() { close(f.ready) })
	return failed
}

// begin reads the checkpoint, once, and finds merchants without an index.
func (f *Follower) begin(ctx context.Context) error {
	if f.begun {
		return nil
	}
	checkpoint, err := f.engine.Checkpoint(ctx)
	if err != nil {
		return err
	}
	merchants, err := f.catalogue.Merchants(ctx)
	if err != nil {
		return fmt.Errorf("list merchants: %w", err)
	}
	held := map[uuid.UUID]bool{}
	for _, m := range f.engine.Health(ctx).Held {
		held[m] = true
	}
	for _, m := range merchants {
		if !held[m] {
			f.lacking[m] = ErrUnavailable
		}
	}
	f.cursor, f.stored, f.begun = checkpoint, checkpoint, true
	return nil
}

// foreign says why the index cannot be followed on from its cursor, if so.
func (f *Follower) foreign(next Checkpoint) string {
	switch {
	case f.cursor == Checkpoint{}:
		return "the index has no checkpoint"
	case f.cursor.Database != next.Database:
		return "the index belongs to another database"
	case next.Cursor < f.cursor.Cursor:
		return "the database is older than the index"
	case next.At.Sub(f.cursor.At) > f.options.Keep:
		return "the index is older than the feed"
	}
	return ""
}

// lackAll marks every merchant for a rebuild, those the engine still holds and
// the catalogue no longer has included.
func (f *Follower) lackAll(ctx context.Context) error {
	merchants, err := f.catalogue.Merchants(ctx)
	if err != nil {
		return fmt.Errorf("list merchants: %w", err)
	}
	for _, m := range append(merchants, f.engine.Health(ctx).Held...) {
		f.lacking[m] = ErrUnavailable
	}
	return nil
}

// apply indexes the changes that have not been indexed yet.
func (f *Follower) apply(ctx context.Context, rows []Change) error {
	products := map[uuid.UUID][]uuid.UUID{}
	once := map[Change]bool{}
	for _, c := range rows {
		if f.seen[c.ID] {
			continue
		}
		if c.ID = uuid.Nil; !once[c] {
			once[c] = true
			products[c.Merchant] = append(products[c.Merchant], c.Product)
		}
	}
	for merchant, ids := range products {
		f.options.OnChange(merchant, ids)
		f.dirty = true
	}
	for merchant, ids := range products {
		if f.lacking[merchant] != nil {
			continue // the rebuild will bring them
		}
		for len(ids) > 0 {
			n := min(followBatch, len(ids))
			if err := f.refresh(ctx, merchant, ids[:n]); err != nil {
				return err
			}
			ids = ids[n:]
		}
	}
	return nil
}

// refresh brings some products of one merchant up to date. When the index
// refuses, the merchant is marked for a rebuild and others go on.
func (f *Follower) refresh(ctx context.Context, merchant uuid.UUID, products []uuid.UUID) error {
	docs, err := f.catalogue.Docs(ctx, merchant, products)
	if err != nil {
		return fmt.Errorf("read changed products: %w", err)
	}
	found := make(map[uuid.UUID]bool, len(docs))
	for _, d := range docs {
		found[d.ProductID] = true
	}
	var gone []uuid.UUID
	for _, p := range products {
		if !found[p] {
			gone = append(gone, p)
		}
	}
	err = f.engine.Index(ctx, docs)
	if err == nil && len(gone) > 0 {
		err = f.engine.Delete(ctx, merchant, gone)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
		f.lacking[merchant] = err
		return nil
	}
	return err
}

// mend rebuilds the merchants that lack an index. One that fails stays marked
// and is tried again on the next round.
func (f *Follower) mend(ctx context.Context) error {
	var failed error
	for merchant := range f.lacking {
		err := f.engine.Rebuild(ctx, merchant, func(ctx context.Context, yield func(Doc) error) error {
			return f.catalogue.AllDocs(ctx, merchant, yield)
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			f.lacking[merchant] = err
			failed = errors.Join(failed, fmt.Errorf("rebuild %s: %w", merchant, err))
			continue
		}
		delete(f.lacking, merchant)
		f.options.OnChange(merchant, nil)
	}
	return failed
}

// store tells the engine how far it has come. It keeps silent while a merchant
// lacks its index, so that a restart rebuilds that one too.
func (f *Follower) store(ctx context.Context) error {
	if len(f.lacking) > 0 || f.cursor == f.stored {
		return nil
	}
	if !f.dirty && f.stored != (Checkpoint{}) && f.cursor.At.Sub(f.stored.At) < checkpointEvery {
		return nil
	}
	if err := f.engine.SetCheckpoint(ctx, f.cursor); err != nil {
		return err
	}
	f.stored, f.dirty = f.cursor, false
	return nil
}

// Rebuild rebuilds one merchant's index now, while queries go on.
func (f *Follower) Rebuild(ctx context.Context, merchant uuid.UUID) error {
	return f.engine.Rebuild(ctx, merchant, func(ctx context.Context, yield func(Doc) error) error {
		return f.catalogue.AllDocs(ctx, merchant, yield)
	})
}
