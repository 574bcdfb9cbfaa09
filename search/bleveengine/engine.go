// Package bleveengine is the search engine that ships inside the program: one
// Bleve index folder per merchant, found and ranked by our own rules on top of
// its postings, with filters and facets counted in columns held in memory.
package bleveengine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goccy/go-json"
	"github.com/google/uuid"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/search"
)

// format names the way documents are cut and stored. Another format on disk
// means that every index must be rebuilt.
const format = "1"

// Options set up an engine. The zero value of each is a sensible choice.
type Options struct {
	// MaxOpen is how many merchants' indexes stay open at once; the least
	// recently used close first. 0 means 64.
	MaxOpen int
	// FirstLetter makes corrections keep the first letter of a word, which is
	// faster and misses slips on the first key.
	FirstLetter bool
}

// Engine is a search.Engine over a folder that it alone uses.
type Engine struct {
	dir     string
	options Options
	state   *bolt.DB // which generation is current, and the checkpoint

	mu        sync.Mutex
	merchants map[uuid.UUID]*merchant
	closed    bool
	ticks     atomic.Int64 // a clock of uses, for finding the least recent
}

var _ search.Engine = (*Engine)(nil)

// merchant is the place of one merchant's index. Lock order: rebuild, write,
// open.
type merchant struct {
	id      uuid.UUID
	rebuild sync.Mutex // one rebuild at a time
	write   sync.Mutex // one writer at a time

	open    sync.Mutex // guards what follows
	current *shard     // nil when closed or absent
	closing chan struct{}
	broken  error // why the folder cannot be opened

	pending *overlay // writes made during a rebuild; guarded by write
	used    atomic.Int64
}

// Buckets and keys of the state file.
var (
	bucketCurrent = []byte("current") // merchant id -> name of the generation's folder
	bucketMeta    = []byte("meta")
	keyFormat     = []byte("format")
	keyCheckpoint = []byte("checkpoint")
)

// New opens the engine over dir, which is made if need be. It returns
// search.ErrLocked when another process has the folder.
func New(dir string, options Options) (*Engine, error) {
	if options.MaxOpen <= 0 {
		options.MaxOpen = 64
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, search.ErrUnavailable.Because(err)
	}
	state, err := bolt.Open(filepath.Join(dir, "state.db"), 0o600, &bolt.Options{Timeout: time.Second})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, search.ErrLocked.Because(err)
	}
	if err != nil {
		return nil, search.ErrUnavailable.Because(err)
	}
	e := &Engine{dir: dir, options: options, state: state, merchants: map[uuid.UUID]*merchant{}}
	if err := e.begin(); err != nil {
		return nil, search.ErrUnavailable.Because(errors.Join(err, state.Close()))
	}
	return e, nil
}

// begin forgets indexes of another format and deletes folders that nothing
// points to: what a crash left of a rebuild.
func (e *Engine) begin() error {
	keep := map[string]bool{}
	err := e.state.Update(func(tx *bolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(bucketMeta)
		if err != nil {
			return err
		}
		if string(meta.Get(keyFormat)) != format {
			if err := errors.Join(drop(tx, bucketCurrent), meta.Delete(keyCheckpoint), meta.Put(keyFormat, []byte(format))); err != nil {
				return err
			}
		}
		current, err := tx.CreateBucketIfNotExists(bucketCurrent)
		if err != nil {
			return err
		}
		return current.ForEach(func(k, v []byte) error {
			m, err := uuid.FromBytes(k)
			if err != nil {
				return err
			}
			keep[filepath.Join(e.dir, m.String(), string(v))] = true
			e.merchants[m] = &merchant{id: m}
			return nil
		})
	})
	if err != nil {
		return err
	}
	folders, err := filepath.Glob(filepath.Join(e.dir, "*-*-*-*-*", "*"))
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if !keep[folder] {
			if err := os.RemoveAll(folder); err != nil {
				return err
			}
		}
	}
	return nil
}

func drop(tx *bolt.Tx, bucket []byte) error {
	if tx.Bucket(bucket) == nil {
		return nil
	}
	return tx.DeleteBucket(bucket)
}

// place finds the merchant's place, making it when create is set.
func (e *Engine) place(id uuid.UUID, create bool) (*merchant, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, search.ErrClosed
	}
	m := e.merchants[id]
	if m == nil && create {
		m = &merchant{id: id}
		e.merchants[id] = m
	}
	return m, nil
}

// acquire holds the merchant's shard, opening it when needed. It returns nil
// when the merchant has no index.
func (e *Engine) acquire(m *merchant) (*shard, error) {
	m.used.Store(e.ticks.Add(1))
	m.open.Lock()
	defer m.open.Unlock()
	if m.current != nil && m.current.hold() {
		return m.current, nil
	}
	if m.broken != nil {
		return nil, search.ErrUnavailable.Because(m.broken)
	}
	name, err := e.generation(m.id)
	if err != nil || name == "" {
		return nil, err
	}
	if m.closing != nil {
		<-m.closing // the same folder is still being closed
		m.closing = nil
	}
	s, err := openShard(filepath.Join(e.dir, m.id.String(), name))
	if err != nil {
		m.broken = err
		return nil, search.ErrUnavailable.Because(err)
	}
	if !e.install(m, s) {
		s.release()
		return nil, search.ErrClosed
	}
	s.hold()
	return s, nil
}

// install makes s the merchant's current shard, unless the engine is closed.
// The caller holds m.open.
func (e *Engine) install(m *merchant, s *shard) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	m.current, m.broken = s, nil
	return true
}

// generation is the name of the merchant's current folder, empty if none.
func (e *Engine) generation(id uuid.UUID) (string, error) {
	var name string
	err := e.state.View(func(tx *bolt.Tx) error {
		name = string(tx.Bucket(bucketCurrent).Get(id[:]))
		return nil
	})
	return name, wrap(err)
}

// promote makes the folder name the merchant's current generation, durably.
func (e *Engine) promote(id uuid.UUID, name string) error {
	return e.state.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketCurrent).Put(id[:], []byte(name)) })
}

// acquireOrCreate is acquire for writers: a merchant without an index gets an
// empty one. The caller holds m.write.
func (e *Engine) acquireOrCreate(m *merchant) (*shard, error) {
	s, err := e.acquire(m)
	if err != nil || s != nil {
		return s, err
	}
	name := id.New().String()
	s, err = createShard(filepath.Join(e.dir, m.id.String(), name))
	if err != nil {
		return nil, search.ErrUnavailable.Because(err)
	}
	m.open.Lock()
	defer m.open.Unlock()
	if err := e.promote(m.id, name); err != nil {
		s.retired.Store(true)
		s.release()
		return nil, search.ErrUnavailable.Because(err)
	}
	if !e.install(m, s) {
		s.release()
		return nil, search.ErrClosed
	}
	s.hold()
	return s, nil
}

// trim closes the least recently used indexes over MaxOpen.
func (e *Engine) trim() {
	e.mu.Lock()
	all := make([]*merchant, 0, len(e.merchants))
	for _, m := range e.merchants {
		all = append(all, m)
	}
	e.mu.Unlock()
	if len(all) <= e.options.MaxOpen {
		return
	}
	slices.SortFunc(all, func(a, b *merchant) int { return int(b.used.Load() - a.used.Load()) })
	for _, m := range all[e.options.MaxOpen:] {
		if m.open.TryLock() {
			m.shut()
			m.open.Unlock()
		}
	}
}

// shut lets go of the current shard; it closes when its users are done. The
// caller holds m.open.
func (m *merchant) shut() {
	if m.current != nil {
		m.closing = m.current.closed
		m.current.release()
		m.current = nil
	}
}

// Search answers one query.
func (e *Engine) Search(ctx context.Context, q search.Query) (search.Page, error) {
	if err := q.Check(); err != nil {
		return search.Page{}, err
	}
	if q.Synonyms == nil {
		q.Synonyms = search.Everyday()
	}
	s, err := e.reader(q.Merchant)
	if err != nil {
		return search.Page{}, err
	}
	if s == nil {
		page := search.Page{Step: search.StepExact, TotalExact: true}
		if q.Text != "" {
			page.Step = search.StepFallback
		}
		return page, nil
	}
	defer s.release()
	page, err := s.answer(ctx, &q, e.options.FirstLetter)
	return page, wrap(err)
}

// Suggest completes what is being typed.
func (e *Engine) Suggest(ctx context.Context, q search.SuggestQuery) (search.Suggestions, error) {
	if q.Merchant == uuid.Nil {
		return search.Suggestions{}, search.ErrMerchant
	}
	if q.Synonyms == nil {
		q.Synonyms = search.Everyday()
	}
	s, err := e.reader(q.Merchant)
	if err != nil || s == nil {
		return search.Suggestions{}, err
	}
	defer s.release()
	out, err := s.suggest(ctx, &q, e.options.FirstLetter)
	return out, wrap(err)
}

func (e *Engine) reader(id uuid.UUID) (*shard, error) {
	m, err := e.place(id, false)
	if err != nil || m == nil {
		return nil, err
	}
	s, err := e.acquire(m)
	e.trim()
	return s, err
}

// wrap makes a fault of any error but cancellations, and leaves faults be.
func wrap(err error) error {
	if _, ok := fault.As(err); ok || err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return search.ErrClosed
	}
	return search.ErrUnavailable.Because(err)
}

// Checkpoint is the last one set.
func (e *Engine) Checkpoint(context.Context) (search.Checkpoint, error) {
	var c search.Checkpoint
	err := e.state.View(func(tx *bolt.Tx) error {
		if raw := tx.Bucket(bucketMeta).Get(keyCheckpoint); raw != nil {
			return json.Unmarshal(raw, &c)
		}
		return nil
	})
	return c, wrap(err)
}

// SetCheckpoint records how far the index has followed the catalogue.
func (e *Engine) SetCheckpoint(_ context.Context, c search.Checkpoint) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return wrap(err)
	}
	return wrap(e.state.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyCheckpoint, raw) }))
}

// Health says what the engine holds.
func (e *Engine) Health(context.Context) search.Health {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return search.Health{Err: search.ErrClosed}
	}
	var h search.Health
	err := e.state.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketCurrent).ForEach(func(k, _ []byte) error {
			h.Held = append(h.Held, uuid.UUID(k))
			return nil
		})
	})
	if err != nil {
		h.Err = search.ErrUnavailable.Because(err)
	}
	for id, m := range e.merchants {
		if m.open.TryLock() {
			if m.broken != nil {
				h.Broken = append(h.Broken, id)
			}
			m.open.Unlock()
		}
	}
	return h
}

// Close waits for running queries and closes every index.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	all := make([]*merchant, 0, len(e.merchants))
	for _, m := range e.merchants {
		all = append(all, m)
	}
	e.mu.Unlock()
	for _, m := range all {
		m.write.Lock()
		m.open.Lock()
		m.shut()
		closing := m.closing
		m.open.Unlock()
		m.write.Unlock()
		if closing != nil {
			<-closing
		}
	}
	if err := e.state.Close(); err != nil {
		return fmt.Errorf("search state: %w", err)
	}
	return nil
}
