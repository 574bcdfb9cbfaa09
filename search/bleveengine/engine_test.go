package bleveengine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"doorstep/internal/id"
	"doorstep/search"
	"doorstep/search/bleveengine"
	"doorstep/search/enginetest"
)

func TestMain(m *testing.M) {
	// Bleve starts its analysis workers once for the whole program.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker"))
}

func newEngine(t testing.TB, dir string) *bleveengine.Engine {
	t.Helper()
	e, err := bleveengine.New(dir, bleveengine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func TestTheEmbeddedEngineDoesWhatEveryEngineMust(t *testing.T) {
	enginetest.Run(t, func(t testing.TB) search.Engine { return newEngine(t, t.TempDir()) })
}

func doc(merchant uuid.UUID, title string) search.Doc {
	return search.Doc{Merchant: merchant, ProductID: id.New(), Title: map[string]string{"en": title}, InStock: true, Version: 1}
}

func total(t testing.TB, e *bleveengine.Engine, merchant uuid.UUID, text string) int {
	t.Helper()
	page, err := e.Search(t.Context(), search.Query{Merchant: merchant, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	if page.Step == search.StepFallback {
		return 0
	}
	return page.Total
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// copyFolder is what a crash would leave on disk.
func copyFolder(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(to, os.DirFS(from)))
	return to
}

func TestWhatWasAcknowledgedSurvivesACrash(t *testing.T) {
	t.Parallel()
	dir, merchant := t.TempDir(), id.New()
	e := newEngine(t, dir)
	keep, gone := doc(merchant, "Red mug"), doc(merchant, "Red plate")
	must(t, e.Index(t.Context(), []search.Doc{keep, gone}))
	must(t, e.Delete(t.Context(), merchant, []uuid.UUID{gone.ProductID}))
	want := search.Checkpoint{Database: "d", Cursor: 7}
	must(t, e.SetCheckpoint(t.Context(), want))
	after := newEngine(t, copyFolder(t, dir)) // e is still running, as if killed
	if n := total(t, after, merchant, "red"); n != 1 {
		t.Errorf("%d products after the crash, want 1", n)
	}
	if c, err := after.Checkpoint(t.Context()); err != nil || c != want {
		t.Errorf("checkpoint %+v, %v", c, err)
	}
	must(t, after.Index(t.Context(), []search.Doc{gone}))
	if n := total(t, after, merchant, "red"); n != 2 {
		t.Errorf("%d products after indexing again, want 2", n)
	}
}

func TestACrashInARebuildLeavesTheOldIndexAndNoRubbish(t *testing.T) {
	t.Parallel()
	dir, merchant := t.TempDir(), id.New()
	e := newEngine(t, dir)
	must(t, e.Index(t.Context(), []search.Doc{doc(merchant, "Red mug")}))
	var crashed string
	_ = e.Rebuild(t.Context(), merchant, func(_ context.Context, yield func(search.Doc) error) error {
		for i := range 1200 {
			if err := yield(doc(merchant, fmt.Sprint("Lamp ", i))); err != nil {
				return err
			}
		}
		crashed = copyFolder(t, dir)
		return errors.New("the end")
	})
	after := newEngine(t, crashed)
	if n := total(t, after, merchant, "red"); n != 1 {
		t.Errorf("%d products, want 1", n)
	}
	for _, folder := range []string{dir, crashed} {
		left, err := os.ReadDir(filepath.Join(folder, merchant.String()))
		if err != nil || len(left) != 1 {
			t.Errorf("folders left: %v, %v", left, err)
		}
	}
}

func TestAnOldIndexIsDeletedAfterItsRebuild(t *testing.T) {
	t.Parallel()
	dir, merchant := t.TempDir(), id.New()
	e := newEngine(t, dir)
	alone := func() {
		t.Helper()
		if left, err := os.ReadDir(filepath.Join(dir, merchant.String())); err != nil || len(left) != 1 {
			t.Errorf("folders left: %v, %v", left, err)
		}
	}
	for range 3 {
		must(t, e.Rebuild(t.Context(), merchant, fromSlice([]search.Doc{doc(merchant, "Mug")})))
		alone()
	}
	must(t, e.Close())
	e = newEngine(t, dir)
	must(t, e.Rebuild(t.Context(), merchant, fromSlice([]search.Doc{doc(merchant, "Cup")}))) // never opened
	alone()
	if total(t, e, merchant, "cup") != 1 {
		t.Error("the new index does not answer")
	}
}

func TestAnOlderVersionNeverReplacesANewerOne(t *testing.T) {
	t.Parallel()
	merchant := id.New()
	e := newEngine(t, t.TempDir())
	newer := doc(merchant, "Green lamp")
	newer.Version = 5
	older := newer
	older.Version, older.Title = 4, map[string]string{"en": "Blue lamp"}
	must(t, e.Index(t.Context(), []search.Doc{newer, older}))
	must(t, e.Index(t.Context(), []search.Doc{older}))
	if total(t, e, merchant, "green") != 1 {
		t.Error("the older version won")
	}
	// Nor does the older one that a rebuild lists undo what was written meanwhile.
	must(t, e.Rebuild(t.Context(), merchant, func(ctx context.Context, yield func(search.Doc) error) error {
		return errors.Join(yield(older), e.Index(ctx, []search.Doc{newer}))
	}))
	if total(t, e, merchant, "green") != 1 || total(t, e, merchant, "blue") != 0 {
		t.Error("the older version won")
	}
}

func TestAFolderServesOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newEngine(t, dir)
	if _, err := bleveengine.New(dir, bleveengine.Options{}); !errors.Is(err, search.ErrLocked) {
		t.Errorf("got %v", err)
	}
}

func TestABrokenIndexSaysSoAndIsMendedByARebuild(t *testing.T) {
	t.Parallel()
	dir, merchant, other := t.TempDir(), id.New(), id.New()
	e := newEngine(t, dir)
	must(t, e.Index(t.Context(), []search.Doc{doc(merchant, "Mug"), doc(other, "Mug")}))
	must(t, e.Close())
	stores, err := filepath.Glob(filepath.Join(dir, merchant.String(), "*", "store", "*"))
	must(t, err)
	for _, file := range stores {
		must(t, os.WriteFile(file, []byte("nonsense"), 0o600))
	}
	e = newEngine(t, dir)
	if _, err := e.Search(t.Context(), search.Query{Merchant: merchant, Text: "mug"}); !errors.Is(err, search.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if total(t, e, other, "mug") != 1 {
		t.Error("another merchant suffers")
	}
	if h := e.Health(t.Context()); !slices.Equal(h.Broken, []uuid.UUID{merchant}) {
		t.Errorf("health %+v", h)
	}
	must(t, e.Rebuild(t.Context(), merchant, fromSlice([]search.Doc{doc(merchant, "Mug")})))
	if total(t, e, merchant, "mug") != 1 || len(e.Health(t.Context()).Broken) != 0 {
		t.Error("the rebuild did not mend it")
	}
}

func TestManyMerchantsTakeTurnsWithFewOpenIndexes(t *testing.T) {
	t.Parallel()
	e, err := bleveengine.New(t.TempDir(), bleveengine.Options{MaxOpen: 2})
	must(t, err)
	t.Cleanup(func() { _ = e.Close() })
	merchants := make([]uuid.UUID, 6)
	for i := range merchants {
		merchants[i] = id.New()
		must(t, e.Index(t.Context(), []search.Doc{doc(merchants[i], fmt.Sprint("Mug ", i))}))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for round := range 12 {
				m := merchants[round%len(merchants)]
				page, err := e.Search(t.Context(), search.Query{Merchant: m, Text: "mug"})
				if err != nil || page.Total != 1 {
					t.Errorf("%d products, %v", page.Total, err)
				}
				if err := e.Index(t.Context(), []search.Doc{doc(m, fmt.Sprint("Plate ", round))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, m := range merchants {
		if n := total(t, e, m, "plate"); n != 8 {
			t.Errorf("%d plates, want 8", n)
		}
	}
}

func TestACancelledQueryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	merchant := id.New()
	e := newEngine(t, t.TempDir())
	must(t, e.Index(t.Context(), []search.Doc{doc(merchant, "Mug")}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Search(ctx, search.Query{Merchant: merchant, Text: "mug"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestClosingDuringARebuildKeepsAnIndex(t *testing.T) {
	t.Parallel()
	dir, merchant := t.TempDir(), id.New()
	e := newEngine(t, dir)
	must(t, e.Index(t.Context(), []search.Doc{doc(merchant, "Red mug")}))
	err := e.Rebuild(t.Context(), merchant, func(_ context.Context, yield func(search.Doc) error) error {
		return errors.Join(yield(doc(merchant, "Red plate")), e.Close())
	})
	if !errors.Is(err, search.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if n := total(t, newEngine(t, dir), merchant, "red mug"); n != 1 {
		t.Errorf("%d products, want the old one", n)
	}
}
