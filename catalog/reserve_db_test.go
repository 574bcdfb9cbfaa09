package catalog_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/killpoint/toll"
)

// buy holds and sells units of variants at once, as one placement does.
func (w *world) buy(checkout uuid.UUID, takes []catalog.Take) error {
	w.calls.Add(1)
	return db.Run(w.t.Context(), w.db, func(tx db.Tx) error {
		w.tries.Add(1)
		now := w.db.Now()
		catalog.Hold(tx, w.merchant, checkout, 1, catalog.Committed, takes, now.Add(time.Minute), now)
		return nil
	})
}

func TestThirtyTwoBuyersOfFiveHundredUnitsBuyExactlyFiveHundred(t *testing.T) {
	t.Parallel()
	rounds := 1
	if os.Getenv("DOORSTEP_TEST_THOROUGH") != "" {
		rounds = 10
	}
	count := toll.Begin(t, "32 buyers of 500 units")
	for range rounds {
		buyersOfFiveHundred(t, count)
	}
}

func buyersOfFiveHundred(t *testing.T, count *toll.Count) {
	t.Helper()
	w := newWorld(t)
	location, variant := w.location("MAIN", 0), w.variant("HOT")
	w.stock(variant, location, 500)
	var sold, refused atomic.Int64
	var buyers sync.WaitGroup
	for range 32 {
		buyers.Go(func() {
			for {
				err := w.buy(id.New(), []catalog.Take{{VariantID: variant, LocationID: location, Quantity: 1}})
				count.Fault()
				switch {
				case err == nil:
					sold.Add(1)
				case errors.Is(err, catalog.ErrOutOfStock):
					refused.Add(1)
					return
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	buyers.Wait()
	if n := sold.Load(); n > 500 {
		count.Harm(t, toll.Doubled, "%d of 500 units were sold", n)
	} else if n < 500 || refused.Load() != 32 {
		count.Harm(t, toll.Lost, "sold %d, refused %d buyers", n, refused.Load())
	}
	w.invariant()
	if n := w.count(`select count(*) from catalog_changes`); n != catalog.LowStock+1 {
		t.Errorf("%d changes were told, want one for each count from %d to 0", n, catalog.LowStock)
	}
}

func TestRandomBasketsNeverDeadlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	location := w.location("MAIN", 0)
	var variants []uuid.UUID
	for i := range 20 {
		v := w.variant(string(rune('A' + i)))
		w.stock(v, location, 400)
		variants = append(variants, v)
	}
	var buyers sync.WaitGroup
	for range 16 {
		buyers.Go(func() {
			for range 40 {
				var offers catalog.Offers
				if err := w.db.Read(t.Context(), catalog.OfferQuery(&offers, w.merchant, "EUR", "en", w.db.Now(), variants)); err != nil {
					t.Error(err)
					return
				}
				var basket []catalog.Wanted
				for _, i := range rand.Perm(20)[:5] {
					basket = append(basket, catalog.Wanted{VariantID: variants[i], Quantity: 1 + rand.Int64N(3)})
				}
				takes, _ := offers.Allocate(basket)
				rand.Shuffle(len(takes), func(i, j int) { takes[i], takes[j] = takes[j], takes[i] })
				checkout := id.New()
				err := w.buy(checkout, takes)
				if err == nil && rand.IntN(2) == 0 {
					w.calls.Add(1)
					err = db.Run(t.Context(), w.db, func(tx db.Tx) error {
						w.tries.Add(1)
						catalog.Restock(tx, w.merchant, checkout, basket[:2], w.db.Now())
						return nil
					})
				}
				if err != nil && !errors.Is(err, catalog.ErrOutOfStock) {
					t.Error(err)
					return
				}
			}
		})
	}
	buyers.Wait()
	w.invariant()
	if again := w.tries.Load() - w.calls.Load(); again != 0 { // a deadlock is tried again in silence
		t.Fatalf("%d transactions had to be repeated", again)
	}
}

func TestUnitsThatLookedPlentifulAreNotSoldWhenFewAreLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	location, variant := w.location("MAIN", 0), w.variant("HOT")
	w.stock(variant, location, 1000)
	allocate := func(quantity int64) []catalog.Take {
		t.Helper()
		var offers catalog.Offers
		if err := w.db.Read(t.Context(), catalog.OfferQuery(&offers, w.merchant, "EUR", "en", w.db.Now(), []uuid.UUID{variant})); err != nil {
			t.Fatal(err)
		}
		takes, short := offers.Allocate([]catalog.Wanted{{VariantID: variant, Quantity: quantity}})
		if len(short) > 0 {
			t.Fatalf("short of %+v", short)
		}
		return takes
	}
	before := allocate(10) // seen among 1,000
	if err := w.buy(id.New(), allocate(990)); err != nil {
		t.Fatal(err)
	}
	told := w.count(`select count(*) from catalog_changes`)
	if err := w.buy(id.New(), before); !errors.Is(err, catalog.ErrOutOfStock) {
		t.Fatalf("the last units went without anybody being told: %v", err)
	}
	if err := w.buy(id.New(), allocate(10)); err != nil { // seen anew
		t.Fatal(err)
	}
	if n := w.count(`select count(*) from catalog_changes`); n != told+1 {
		t.Errorf("%d changes told of the last units, want 1", n-told)
	}
	w.invariant()
}
