package catalog

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

func TestARunnerThatWasTakenOverStoresNothingMore(t *testing.T) {
	t.Parallel()
	hands := clock.At(time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC))
	s := New(dbtest.New(t, func(c *db.Config) { c.Clock = hands }).DB)
	merchant := id.New()
	if _, err := s.db.Exec(t.Context(), `insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, merchant, hands.Now()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "products.csv")
	if err := os.WriteFile(path, []byte("handle,title,sku\na,A,A\nb,B,B\nbad\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	started, err := s.StartImport(t.Context(), merchant, ImportFile{Path: path, Size: 30}, ImportOptions{Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	slow, claimed, err := s.claimImport(t.Context(), merchant, started.ID)
	if err != nil || !claimed {
		t.Fatal(claimed, err)
	}
	hands.Advance(importLease)
	quick, claimed, err := s.claimImport(t.Context(), merchant, started.ID)
	if err != nil || !claimed {
		t.Fatal(claimed, err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c, l, err := openCSV(file)
	if err != nil {
		t.Fatal(err)
	}
	first, err := (&batcher{csv: c, rows: &rowReader{layout: l, currency: "EUR"}, size: 1}).next()
	if err != nil || first.last || first.rows != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	if err := s.importBatch(t.Context(), &quick, first); err != nil || quick.RowsDone != 1 {
		t.Fatalf("%+v, %v", quick, err)
	}
	if err := s.importBatch(t.Context(), &slow, first); !errors.Is(err, errImportMoved) {
		t.Errorf("the slow runner went on: %v", err)
	}
	if i, err := s.Import(t.Context(), merchant, started.ID); err != nil || i.RowsDone != 1 || i.BytesDone != first.end {
		t.Errorf("%+v, %v", i, err)
	}
}
