package bleveengine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"
	"github.com/goccy/go-json"
	"github.com/google/uuid"

	"doorstep/search"
)

// batchSize is how many documents one Bleve batch holds.
const batchSize = 500

// lockWait is how long opening waits for another process to let go of a folder.
const lockWait = "1s"

// shard is one generation of one merchant's index: a Bleve folder, and beside
// it in memory the columns and the vocabulary. It lives as long as someone
// holds it and closes with the last release.
type shard struct {
	path   string
	index  bleve.Index
	scorch *scorch.Scorch

	mu   sync.RWMutex // guards cols and the pointer vocab, not the index
	cols *columns
	voc  *vocabulary

	segmentsMu sync.Mutex
	segments   map[uint64][]uint32 // by segment id: ordinal of each document

	holds   atomic.Int64  // 1 for being current, 1 per user
	retired atomic.Bool   // delete the folder once closed
	closed  chan struct{} // closed when the folder is free
}

// createShard makes an empty index at path.
func createShard(path string) (*shard, error) {
	m, err := newMapping()
	if err != nil {
		return nil, err
	}
	index, err := bleve.NewUsing(path, m, scorch.Name, scorch.Name, map[string]any{"bolt_timeout": lockWait})
	if err != nil {
		return nil, err
	}
	return newShard(path, index)
}

// openShard opens the index at path and reads its columns.
func openShard(path string) (*shard, error) {
	index, err := bleve.OpenUsing(path, map[string]any{"bolt_timeout": lockWait})
	if err != nil {
		return nil, err
	}
	return newShard(path, index)
}

func newShard(path string, index bleve.Index) (*shard, error) {
	s := &shard{path: path, index: index, cols: newColumns(), voc: &vocabulary{},
		segments: map[uint64][]uint32{}, closed: make(chan struct{})}
	s.holds.Store(1)
	advanced, err := index.Advanced()
	if err == nil {
		var ok bool
		if s.scorch, ok = advanced.(*scorch.Scorch); !ok {
			err = fmt.Errorf("the index at %s is %T, not scorch", path, advanced)
		}
	}
	if err == nil {
		err = s.load()
	}
	if err != nil {
		return nil, errors.Join(err, index.Close())
	}
	return s, nil
}

// load fills the columns and the vocabulary from the index.
func (s *shard) load() error {
	snapshot, err := s.snapshot()
	if err != nil {
		return err
	}
	defer func() { _ = snapshot.Close() }()
	words := map[string]uint16{}
	for _, seg := range snapshot.Segments() {
		for live := seg.DocNumbersLive().Iterator(); live.HasNext(); {
			if err := s.loadCard(seg, uint64(live.Next())); err != nil {
				return err
			}
		}
		for f := range fieldCount {
			if err := loadWords(seg.Segment(), f, words); err != nil {
				return err
			}
		}
	}
	s.voc = s.voc.with(words)
	return nil
}

func (s *shard) loadCard(seg *scorch.SegmentSnapshot, number uint64) error {
	var id uuid.UUID
	var k card
	var failed error
	err := seg.VisitDocument(number, func(name string, _ byte, v []byte, _ []uint64) bool {
		switch name {
		case "_id":
			id, failed = uuid.ParseBytes(v)
		case fieldCard:
			failed = json.Unmarshal(v, &k)
		}
		return failed == nil
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("document %d: %w", number, err)
	}
	s.cols.put(id, &k)
	return nil
}

func loadWords(seg segment.Segment, f field, into map[string]uint16) error {
	dict, err := seg.Dictionary(fieldNames[f])
	if err != nil {
		return err
	}
	it := dict.AutomatonIterator(nil, nil, nil)
	for {
		e, err := it.Next()
		if err != nil || e == nil {
			return err
		}
		into[e.Term] |= 1 << f
	}
}

func (s *shard) snapshot() (*scorch.IndexSnapshot, error) {
	reader, err := s.scorch.Reader()
	if err != nil {
		return nil, err
	}
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok || snapshot == nil {
		return nil, search.ErrUnavailable
	}
	return snapshot, nil
}

// view is the index as one query sees it. The caller holds s.mu for reading as
// long as it uses the view, and closes it.
type view struct {
	snapshot *scorch.IndexSnapshot
	parts    []part
	cols     *columns
	voc      *vocabulary
}

type part struct {
	segment  segment.Segment
	deleted  *roaring.Bitmap
	ordinals []uint32
}

func (s *shard) view() (*view, error) {
	snapshot, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	v := &view{snapshot: snapshot, cols: s.cols, voc: s.voc}
	segments := snapshot.Segments()
	s.segmentsMu.Lock()
	defer s.segmentsMu.Unlock()
	for _, seg := range segments {
		ordinals, ok := s.segments[seg.Id()]
		if !ok {
			if ordinals, err = s.number(seg); err != nil {
				_ = snapshot.Close()
				return nil, err
			}
			s.segments[seg.Id()] = ordinals
		}
		v.parts = append(v.parts, part{segment: seg.Segment(), deleted: seg.Deleted(), ordinals: ordinals})
	}
	if len(s.segments) > 2*len(segments)+8 {
		s.forget(segments)
	}
	return v, nil
}

// number finds the ordinal of every document of a segment. Every id is known
// by then, since write reserves ordinals before the index holds the document;
// only documents deleted before the shard was opened are not.
func (s *shard) number(seg *scorch.SegmentSnapshot) ([]uint32, error) {
	ordinals := make([]uint32, seg.FullSize())
	for i := range ordinals {
		raw, err := seg.DocID(uint64(i))
		if err != nil {
			return nil, err
		}
		id, err := uuid.ParseBytes(raw)
		if err != nil {
			return nil, err
		}
		n, ok := s.cols.ordinals[id]
		if !ok {
			n = noOrdinal
		}
		ordinals[i] = n
	}
	return ordinals, nil
}

// forget drops what is known of segments that have been merged away.
func (s *shard) forget(current []*scorch.SegmentSnapshot) {
	keep := make(map[uint64][]uint32, len(current))
	for _, seg := range current {
		keep[seg.Id()] = s.segments[seg.Id()]
	}
	s.segments = keep
}

func (v *view) close() { _ = v.snapshot.Close() }

// write adds or replaces documents. The last of several with one id counts. It
// returns once they are durable and visible. One writer at a time.
func (s *shard) write(ctx context.Context, docs []search.Doc) error {
	for len(docs) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(batchSize, len(docs))
		if err := s.writeBatch(docs[:n]); err != nil {
			return err
		}
		docs = docs[n:]
	}
	return nil
}

func (s *shard) writeBatch(docs []search.Doc) error {
	batch := s.index.NewBatch()
	entries := make(map[uuid.UUID]*entry, len(docs))
	words := map[string]uint16{}
	for _, d := range docs {
		if s.stale(d) || entries[d.ProductID] != nil && older(d.Version, entries[d.ProductID].card.Version) {
			continue
		}
		e, err := newEntry(d)
		if err != nil {
			return err
		}
		if err := batch.Index(d.ProductID.String(), e.fields); err != nil {
			return err
		}
		entries[d.ProductID] = e
		for text, fields := range e.words {
			words[text] |= fields
		}
	}
	if len(entries) == 0 {
		return nil
	}
	s.mu.Lock()
	for id := range entries {
		s.cols.reserve(id)
	}
	voc := s.voc
	s.mu.Unlock()
	voc = voc.with(words) // outside the lock: only the writer replaces it
	if err := s.index.Batch(batch); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.voc = voc
	for id, e := range entries {
		s.cols.put(id, &e.card)
	}
	return nil
}

// stale says whether the index holds a newer version of d.
func (s *shard) stale(d search.Doc) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, ok := s.cols.ordinals[d.ProductID]
	return ok && s.cols.rows[n].live && older(d.Version, s.cols.rows[n].version)
}

func older(a, b int64) bool { return a != 0 && a < b }

// remove deletes products and returns once that is durable and visible.
func (s *shard) remove(ctx context.Context, products []uuid.UUID) error {
	for len(products) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(batchSize, len(products))
		batch := s.index.NewBatch()
		for _, id := range products[:n] {
			batch.Delete(id.String())
		}
		if err := s.index.Batch(batch); err != nil {
			return err
		}
		s.mu.Lock()
		for _, id := range products[:n] {
			s.cols.drop(id)
		}
		s.mu.Unlock()
		products = products[n:]
	}
	return nil
}

// hold keeps the shard open; false means that it is already closing.
func (s *shard) hold() bool {
	for {
		n := s.holds.Load()
		if n <= 0 {
			return false
		}
		if s.holds.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release undoes hold. The last one closes the index and frees or deletes the
// folder.
func (s *shard) release() {
	if s.holds.Add(-1) > 0 {
		return
	}
	_ = s.index.Close()
	if s.retired.Load() {
		_ = os.RemoveAll(s.path)
	}
	close(s.closed)
}
