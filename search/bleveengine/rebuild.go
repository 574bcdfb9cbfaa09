package bleveengine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/blevesearch/bleve/v2"
	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/search"
)

// overlay remembers what was written while a rebuild was running: the last
// document of each product, or nil for a deletion.
type overlay struct {
	last map[uuid.UUID]*search.Doc
}

func (o *overlay) index(docs []search.Doc) {
	if o == nil {
		return
	}
	for i := range docs {
		if old := o.last[docs[i].ProductID]; old == nil || !older(docs[i].Version, old.Version) {
			o.last[docs[i].ProductID] = &docs[i]
		}
	}
}

func (o *overlay) delete(products []uuid.UUID) {
	if o == nil {
		return
	}
	for _, p := range products {
		o.last[p] = nil
	}
}

// apply writes what was remembered into the new index.
func (o *overlay) apply(ctx context.Context, s *shard) error {
	var docs []search.Doc
	var gone []uuid.UUID
	for p, d := range o.last {
		if d == nil {
			gone = append(gone, p)
		} else {
			docs = append(docs, *d)
		}
	}
	if err := s.remove(ctx, gone); err != nil {
		return err
	}
	return s.write(ctx, docs)
}

// Index adds or replaces documents.
func (e *Engine) Index(ctx context.Context, docs []search.Doc) error {
	byMerchant := map[uuid.UUID][]search.Doc{}
	for _, d := range docs {
		if d.Merchant == uuid.Nil {
			return search.ErrMerchant
		}
		byMerchant[d.Merchant] = append(byMerchant[d.Merchant], d)
	}
	for merchant, docs := range byMerchant {
		err := e.change(merchant, true, func(m *merchantWrite) error {
			m.pending.index(docs)
			if m.shard == nil {
				return nil
			}
			return m.shard.write(ctx, docs)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Delete removes products.
func (e *Engine) Delete(ctx context.Context, merchant uuid.UUID, products []uuid.UUID) error {
	if merchant == uuid.Nil {
		return search.ErrMerchant
	}
	return e.change(merchant, false, func(m *merchantWrite) error {
		m.pending.delete(products)
		if m.shard == nil {
			return nil
		}
		return m.shard.remove(ctx, products)
	})
}

// merchantWrite is what one writer works on.
type merchantWrite struct {
	shard   *shard
	pending *overlay
}

// change runs one write alone. While a rebuild is running a broken current
// index is no reason to fail, for the new one will hold the write.
func (e *Engine) change(merchant uuid.UUID, create bool, write func(*merchantWrite) error) error {
	m, err := e.place(merchant, create)
	if err != nil || m == nil {
		return err
	}
	defer e.trim()
	m.write.Lock()
	defer m.write.Unlock()
	acquire := e.acquire
	if create {
		acquire = e.acquireOrCreate
	}
	s, err := acquire(m)
	if err != nil && m.pending == nil {
		return err
	}
	if s != nil {
		defer s.release()
	}
	return wrap(write(&merchantWrite{shard: s, pending: m.pending}))
}

// Rebuild replaces a merchant's whole index by what source lists.
func (e *Engine) Rebuild(ctx context.Context, merchant uuid.UUID, source search.Source) error {
	if merchant == uuid.Nil {
		return search.ErrMerchant
	}
	m, err := e.place(merchant, true)
	if err != nil {
		return err
	}
	defer e.trim()
	m.rebuild.Lock()
	defer m.rebuild.Unlock()
	m.write.Lock()
	m.pending = &overlay{last: map[uuid.UUID]*search.Doc{}}
	m.write.Unlock()

	name := id.New().String()
	folder := filepath.Join(e.dir, merchant.String(), name)
	fresh, err := build(ctx, folder, merchant, source)
	m.write.Lock()
	defer m.write.Unlock()
	pending := m.pending
	m.pending = nil
	if err == nil {
		if err = pending.apply(ctx, fresh); err == nil {
			err = e.swap(m, name, fresh)
		}
		if err != nil {
			fresh.release()
		}
	}
	if err != nil {
		return wrap(errors.Join(err, os.RemoveAll(folder)))
	}
	return nil
}

// swap makes fresh the current index. Queries that run on the old one finish
// there; its folder goes when the last of them is done.
func (e *Engine) swap(m *merchant, name string, fresh *shard) error {
	m.open.Lock()
	defer m.open.Unlock()
	before, err := e.generation(m.id)
	if err != nil {
		return err
	}
	if _, err := e.place(m.id, false); err != nil {
		return err // closed
	}
	if err := e.promote(m.id, name); err != nil {
		return err
	}
	// The state names the new folder now, so it must not go, even if Close has
	// begun meanwhile: Close waits for m.write, which the caller holds.
	old := m.current
	m.current, m.broken = fresh, nil
	switch {
	case old != nil:
		old.retired.Store(true)
		old.release()
	case before != "":
		if m.closing != nil {
			<-m.closing
		}
		_ = os.RemoveAll(filepath.Join(e.dir, m.id.String(), before))
	}
	m.closing = nil
	return nil
}

// build writes what source lists into a new folder and opens it. Offline
// building yields one compact segment.
func build(ctx context.Context, folder string, merchant uuid.UUID, source search.Source) (*shard, error) {
	scratch := folder + ".build"
	if err := os.MkdirAll(scratch, 0o750); err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	mapping, err := newMapping()
	if err != nil {
		return nil, err
	}
	builder, err := bleve.NewBuilder(folder, mapping, map[string]any{"buildPathPrefix": scratch, "batchSize": batchSize})
	if err != nil {
		return nil, err
	}
	seen := map[uuid.UUID]bool{}
	err = source(ctx, func(d search.Doc) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.Merchant != merchant {
			return fmt.Errorf("product %s belongs to another merchant", d.ProductID)
		}
		if seen[d.ProductID] {
			return fmt.Errorf("product %s is listed twice", d.ProductID)
		}
		seen[d.ProductID] = true
		e, err := newEntry(d)
		if err != nil {
			return err
		}
		return builder.Index(d.ProductID.String(), e.fields)
	})
	if err != nil {
		return nil, err // the half-built folders go with scratch and by the caller
	}
	if len(seen) == 0 {
		// The builder cannot make an empty index.
		if err := os.RemoveAll(folder); err != nil {
			return nil, err
		}
		return createShard(folder)
	}
	if err := builder.Close(); err != nil {
		return nil, err
	}
	return openShard(folder)
}
