package catalog_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/id"
)

func (w *world) changes(cursor uint64) ([]uuid.UUID, catalog.Feed) {
	w.t.Helper()
	feed, err := w.shop.Changes(w.t.Context(), cursor)
	if err != nil || feed.System == "" || feed.At.IsZero() {
		w.t.Fatal(feed, err)
	}
	return feed.Changed[w.merchant], feed
}

func TestAChangeThatCommitsLateIsReadLateAndNotMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.create(shirt("A"))
	changed, feed := w.changes(0)
	if !slices.Equal(changed, []uuid.UUID{first.ID}) {
		t.Fatalf("got %v", changed)
	}
	late := id.New()
	var second *catalog.Product
	w.run(func(tx db.Tx) error {
		if _, err := tx.Exec(t.Context(), `insert into catalog_changes (merchant_id, id, product_id) values ($1, $2, $3)`, w.merchant, id.New(), late); err != nil {
			return err
		}
		second = w.create(shirt("B")) // begins later and commits first
		changed, feed = w.changes(feed.Next)
		if !slices.Contains(changed, second.ID) || slices.Contains(changed, late) {
			t.Errorf("got %v", changed)
		}
		return nil
	})
	if changed, feed = w.changes(feed.Next); !slices.Contains(changed, late) {
		t.Errorf("the late change was missed: %v", changed)
	}
	// While anybody's transaction runs on the server, news may come again; not
	// for ever.
	for deadline := time.Now().Add(30 * time.Second); len(changed) != 0; changed, feed = w.changes(feed.Next) {
		if time.Now().After(deadline) {
			t.Fatalf("old news comes again and again: %v", changed)
		}
	}
}

func TestOldChangesAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(shirt("A"))
	w.clock.Advance(catalog.ChangesKept)
	young := w.create(shirt("B"))
	w.clock.Advance(time.Second)
	if n, err := w.shop.PruneChanges(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	if changed, _ := w.changes(0); !slices.Equal(changed, []uuid.UUID{young.ID}) {
		t.Errorf("got %v", changed)
	}
}

func TestTheFeedTellsWhenShoppersSeeAnotherStock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	location, variant := w.location("MAIN", 0), w.variant("A")
	w.stock(variant, location, 20)
	take := func(units int64) int64 {
		before := w.count(`select count(*) from catalog_changes`)
		if err := w.buy(id.New(), []catalog.Take{{VariantID: variant, LocationID: location, Quantity: units}}); err != nil {
			t.Fatal(err)
		}
		return w.count(`select count(*) from catalog_changes`) - before
	}
	for _, c := range []struct{ units, told int64 }{{1, 0}, {13, 0}, {1, 1}, {4, 1}, {1, 1}} {
		if got := take(c.units); got != c.told {
			t.Errorf("taking %d told %d times, want %d", c.units, got, c.told)
		}
	}
	docs, missing, err := w.shop.Docs(t.Context(), w.merchant, []uuid.UUID{w.productOf(variant), location})
	if err != nil || len(docs) != 1 || docs[0].InStock || !slices.Equal(missing, []uuid.UUID{location}) {
		t.Errorf("got %+v %v %v", docs, missing, err)
	}
}

func (w *world) productOf(variant uuid.UUID) (product uuid.UUID) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), `select product_id from variants where id = $1`, variant).Scan(&product); err != nil {
		w.t.Fatal(err)
	}
	return product
}

func TestAllProductsAreDescribedForTheSearchIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.load(bulk(1203))
	seen := map[uuid.UUID]bool{}
	err := w.shop.AllDocs(t.Context(), w.merchant, func(d catalog.SearchDoc) error {
		if d.Merchant != w.merchant || d.Title == "" || d.Prices["EUR"] != 990 || d.Prices["USD"] != 1390 || len(d.SKUs) != 1 ||
			len(d.Barcodes) != 1 || d.Image == "" || d.Translations["hy"].Title == "" || d.Version != 1 || d.Status != catalog.StatusActive {
			t.Fatalf("got %+v", d)
		}
		seen[d.ProductID] = true
		return nil
	})
	if err != nil || len(seen) != 1203 {
		t.Errorf("%d described: %v", len(seen), err)
	}
	if err := w.shop.AllDocs(t.Context(), w.merchant, func(catalog.SearchDoc) error { return context.Canceled }); !errors.Is(err, context.Canceled) {
		t.Errorf("it went on after an error: %v", err)
	}
	ids := make([]uuid.UUID, 0, len(seen))
	for product := range seen {
		ids = append(ids, product)
	}
	views, err := w.shop.Views(t.Context(), w.merchant, "EUR", "en", append(ids[:20:20], id.New(), ids[0]))
	if err != nil || len(views) != 20 {
		t.Fatalf("%d shown: %v", len(views), err)
	}
	for i, v := range views {
		if v.ID != ids[i] {
			t.Errorf("the order of what was asked is lost at %d", i)
		}
	}
}
