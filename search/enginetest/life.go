package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/search"
)

// Tests of changing, rebuilding and closing.

func changes(s *shop) {
	mug := s.doc("Red mug", price("EUR", 100))
	s.index(mug, s.doc("Plate"))
	s.matches(search.Query{Text: "red"}, "Red mug")
	mug.Title, mug.Version, mug.InStock = map[string]string{"en": "Green bowl"}, 2, false
	s.names[mug.ProductID] = "Green bowl"
	s.index(mug, mug)
	s.matches(search.Query{Text: "green"}, "Green bowl")
	s.matches(search.Query{Text: "mug"})
	s.matches(search.Query{Filters: []search.Filter{search.Eq{Field: "in_stock", Value: "false"}}}, "Green bowl")
	if err := s.engine.Delete(s.t.Context(), s.merchant, []uuid.UUID{mug.ProductID, id.New()}); err != nil {
		s.t.Fatal(err)
	}
	s.matches(search.Query{Text: "green"})
	s.matches(search.Query{}, "Plate")
	s.index(mug)
	s.matches(search.Query{Text: "green"}, "Green bowl")
	if err := s.engine.Index(s.t.Context(), nil); err != nil {
		s.t.Error(err)
	}
	if err := s.engine.Delete(s.t.Context(), id.New(), []uuid.UUID{mug.ProductID}); err != nil {
		s.t.Error(err)
	}
}

func rebuild(s *shop) {
	s.index(s.doc("Old mug"), s.doc("Old plate"))
	fresh := []search.Doc{s.doc("New mug"), s.doc("New lamp")}
	broken := errors.New("the catalogue is away")
	err := s.engine.Rebuild(s.t.Context(), s.merchant, func(_ context.Context, yield func(search.Doc) error) error {
		return errors.Join(yield(fresh[0]), broken)
	})
	if !errors.Is(err, broken) {
		s.t.Errorf("a failing rebuild returned %v", err)
	}
	s.matches(search.Query{}, "Old mug", "Old plate")
	if err := s.engine.Rebuild(s.t.Context(), s.merchant, s.source(fresh...)); err != nil {
		s.t.Fatal(err)
	}
	s.matches(search.Query{}, "New mug", "New lamp")
	s.matches(search.Query{Text: "old"})
	s.index(s.doc("Later mug"))
	s.matches(search.Query{Text: "mug"}, "New mug", "Later mug")
	if err := s.engine.Rebuild(s.t.Context(), s.merchant, s.source()); err != nil {
		s.t.Fatal(err)
	}
	s.matches(search.Query{})
	if !slices.Contains(s.engine.Health(s.t.Context()).Held, s.merchant) {
		s.t.Error("an empty index is held, too")
	}
}

func rebuildInUse(s *shop) {
	var docs []search.Doc
	for i := range 300 {
		docs = append(docs, s.doc(fmt.Sprintf("Bead no%dx", i)))
	}
	s.index(docs...)
	ctx, stop := context.WithCancel(s.t.Context())
	var wg sync.WaitGroup
	var asked atomic.Int64
	for range 3 {
		wg.Go(func() {
			for ctx.Err() == nil {
				page, err := s.engine.Search(s.t.Context(), search.Query{Merchant: s.merchant, Text: "bead"})
				if err != nil || page.Total < len(docs)-1 || page.Step != search.StepExact {
					s.t.Errorf("while rebuilding: %d products (%s), %v", page.Total, page.Step, err)
					return
				}
				asked.Add(1)
			}
		})
	}
	added, gone := s.doc("Bead added during"), docs[7]
	for round := range 4 {
		err := s.engine.Rebuild(s.t.Context(), s.merchant, func(ctx context.Context, yield func(search.Doc) error) error {
			for i, d := range docs {
				if i == 150 {
					// Written while the new index is half full, after its source was read.
					if err := errors.Join(s.engine.Index(ctx, []search.Doc{added}), s.engine.Delete(ctx, s.merchant, []uuid.UUID{gone.ProductID})); err != nil {
						return err
					}
				}
				if err := yield(d); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			s.t.Errorf("round %d: %v", round, err)
		}
		s.matches(search.Query{Text: "bead added"}, "Bead added during")
		s.matches(search.Query{Text: "no7x"})
	}
	for deadline := time.Now().Add(10 * time.Second); asked.Load() < 20 && time.Now().Before(deadline) && !s.t.Failed(); {
		s.search(search.Query{Text: "bead"})
	}
	stop()
	wg.Wait()
	if asked.Load() < 20 {
		s.t.Errorf("only %d queries ran meanwhile", asked.Load())
	}
}

func crowd(s *shop) {
	s.index(s.doc("Bead none"))
	ctx, stop := context.WithCancel(s.t.Context())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.engine.Search(s.t.Context(), search.Query{Merchant: s.merchant, Text: "bead"}); err != nil {
					s.t.Error(err)
					return
				}
			}
		})
	}
	for i := range 60 {
		d := s.doc(fmt.Sprintf("Bead no%dx", i))
		s.index(d)
		s.matches(search.Query{Text: fmt.Sprintf("no%dx", i)}, s.names[d.ProductID])
	}
	stop()
	wg.Wait()
	if page := s.search(search.Query{Text: "bead"}); page.Total != 61 {
		s.t.Errorf("%d beads, want 61", page.Total)
	}
}

func checkpoint(s *shop) {
	if c, err := s.engine.Checkpoint(s.t.Context()); err != nil || c != (search.Checkpoint{}) {
		s.t.Fatalf("a new engine has checkpoint %+v, %v", c, err)
	}
	want := search.Checkpoint{Database: "7/1/2", Cursor: 1 << 62, At: time.Date(2026, 5, 1, 10, 0, 0, 123000, time.UTC)}
	if err := s.engine.SetCheckpoint(s.t.Context(), want); err != nil {
		s.t.Fatal(err)
	}
	if c, err := s.engine.Checkpoint(s.t.Context()); err != nil || c != want {
		s.t.Errorf("got %+v, %v", c, err)
	}
}

func closed(s *shop) {
	s.index(s.doc("Mug"))
	if err := s.engine.Close(); err != nil {
		s.t.Fatal(err)
	}
	_, searched := s.engine.Search(s.t.Context(), search.Query{Merchant: s.merchant, Text: "mug"})
	_, suggested := s.engine.Suggest(s.t.Context(), search.SuggestQuery{Merchant: s.merchant, Text: "mug"})
	_, read := s.engine.Checkpoint(s.t.Context())
	for name, err := range map[string]error{
		"checkpoint": read, "set checkpoint": s.engine.SetCheckpoint(s.t.Context(), search.Checkpoint{Cursor: 1}),
		"search": searched, "suggest": suggested,
		"index":   s.engine.Index(s.t.Context(), []search.Doc{s.doc("Cup")}),
		"delete":  s.engine.Delete(s.t.Context(), s.merchant, []uuid.UUID{id.New()}),
		"rebuild": s.engine.Rebuild(s.t.Context(), s.merchant, s.source()),
		"health":  s.engine.Health(s.t.Context()).Err,
	} {
		if !errors.Is(err, search.ErrClosed) {
			s.t.Errorf("%s after closing: %v", name, err)
		}
	}
	if err := s.engine.Close(); err != nil {
		s.t.Errorf("closing twice: %v", err)
	}
}
