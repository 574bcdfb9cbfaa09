package demo

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"doorstep/catalog"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

func TestTheCatalogueIsImportedWithoutAComplaint(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	d := dbtest.New(t, func(c *db.Config) { c.Clock = clock.At(now) }).DB
	merchant := id.New()
	if _, err := d.Exec(t.Context(), `insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, merchant, now); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "products.csv")
	if err := os.WriteFile(file, Products, 0o600); err != nil {
		t.Fatal(err)
	}
	shop := catalog.New(d)
	i, err := shop.StartImport(t.Context(), merchant, catalog.ImportFile{Name: "products.csv", Path: file, Size: int64(len(Products))},
		catalog.ImportOptions{Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	if err := shop.RunImport(t.Context(), merchant, i.ID); err != nil {
		t.Fatal(err)
	}
	if i, err = shop.Import(t.Context(), merchant, i.ID); err != nil {
		t.Fatal(err)
	}
	wrong, _, err := shop.ImportErrors(t.Context(), merchant, i.ID, 100, "")
	if err != nil || len(wrong) > 0 || i.RowsFailed > 0 || int(i.RowsDone) != len(rows(t)) {
		t.Errorf("%d rows done, %d failed: %v, %v", i.RowsDone, i.RowsFailed, wrong, err)
	}
	var stored, kept int
	if err := d.QueryRow(t.Context(), `select count(*), count(*) filter (where slug = any ($2)) from products where merchant_id = $1`,
		merchant, handles(t)).Scan(&stored, &kept); err != nil || stored != len(firsts(t)) || kept != stored {
		t.Errorf("%d products, %d under their own handle: %v", stored, kept, err)
	}
}

func handles(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, p := range firsts(t) {
		all = append(all, p["handle"])
	}
	return all
}
