package search_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/search"

	"github.com/google/uuid"
)

func TestTermsAreCountedByWhatWasFound(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	terms, other := search.NewTerms(d), search.NewTerms(d)
	shop, day := uuid.New(), d.Now().Truncate(24*time.Hour)
	for _, text := range []string{"sam", "samov", "Samovar", " SAMOVAR  "} {
		terms.Note(shop, text, "en", false)
	}
	other.Note(shop, "samovar", "en", true) // another program of the same shop
	for range 3 {
		other.Note(shop, "mug", "en", true)
	}
	for _, text := range []string{"", "  ", "ani@example.com", "+374 10 123456", "4242 4242 4242 4242", strings.Repeat("x", 200)} {
		terms.Note(shop, text, "en", false)
	}
	terms.Note(uuid.New(), "samovar", "en", false)
	if err := other.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := terms.List(t.Context(), shop, day, day, false, 10)
	if err != nil || len(all) != 4 || all[0] != (search.Term{Term: "mug", Language: "en", Searches: 3}) || all[1] != (search.Term{Term: "samovar", Language: "en", Searches: 3, Misses: 2}) {
		t.Fatalf("%+v %v", all, err)
	}
	missed, err := terms.List(t.Context(), shop, day, day, true, 10)
	if err != nil || len(missed) != 1 || missed[0].Term != "samovar" {
		t.Errorf("missed %+v %v", missed, err)
	}
	if early, err := terms.List(t.Context(), shop, day.AddDate(0, 0, -9), day.AddDate(0, 0, -1), false, 10); err != nil || len(early) != 0 {
		t.Errorf("earlier %+v %v", early, err)
	}
}

func TestAFloodOfTermsIsBounded(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	terms := search.NewTerms(d)
	shop := uuid.New()
	for n := range 6000 {
		terms.Note(shop, fmt.Sprintf("term %d", n), "en", false)
	}
	if err := terms.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var kept int
	if err := d.QueryRow(t.Context(), `select count(*) from search_terms where merchant_id = $1`, shop).Scan(&kept); err != nil || kept != 5000 {
		t.Errorf("%d kept: %v", kept, err)
	}
}

// fill writes as many terms of a day as are kept of one.
func fill(t *testing.T, d *db.DB, shop uuid.UUID, day time.Time, terms int) {
	t.Helper()
	if _, err := d.Exec(t.Context(), `insert into search_terms (merchant_id, day, term, language, searches, misses)
		select $1, $2::date, 'term ' || n, 'en', 1, 0 from generate_series(1, $3::int) n`, shop, day.Format(time.DateOnly), terms); err != nil {
		t.Fatal(err)
	}
}

func kept(t *testing.T, d *db.DB, shop uuid.UUID) (terms int) {
	t.Helper()
	if err := d.QueryRow(t.Context(), `select count(*) from search_terms where merchant_id = $1`, shop).Scan(&terms); err != nil {
		t.Fatal(err)
	}
	return terms
}

func TestAFullDayCountsTheTermsItHasAndBeginsNoFurtherOnes(t *testing.T) {
	t.Parallel()
	c := clock.At(time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC))
	d := dbtest.New(t, func(o *db.Config) { o.Clock = c }).DB
	terms, shop, day := search.NewTerms(d), uuid.New(), c.Now().Truncate(24*time.Hour)
	fill(t, d, shop, day, 20_000)
	for range 2 {
		terms.Note(shop, "term 7", "en", false)
		terms.Note(shop, "term 7", "hy", true) // another language is another term
		terms.Note(shop, "brand new", "en", false)
		if err := terms.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := kept(t, d, shop); n != 20_000 {
		t.Errorf("%d terms", n)
	}
	all, err := terms.List(t.Context(), shop, day, day, true, 10)
	if err != nil || len(all) != 1 || all[0] != (search.Term{Term: "term 7", Language: "en", Searches: 3, Misses: 2}) {
		t.Errorf("%+v %v", all, err)
	}
	c.Advance(24 * time.Hour)
	terms.Note(shop, "brand new", "en", false)
	if err := terms.Flush(t.Context()); err != nil || kept(t, d, shop) != 20_001 {
		t.Errorf("the next day begins no term: %v", err)
	}
}

func TestTermsOlderThan400DaysAreRemovedSomeThousandAtOnce(t *testing.T) {
	t.Parallel()
	c := clock.At(time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC))
	d := dbtest.New(t, func(o *db.Config) { o.Clock = c }).DB
	terms, shop, other, today := search.NewTerms(d), uuid.New(), uuid.New(), c.Now().Truncate(24*time.Hour)
	fill(t, d, shop, today.AddDate(0, 0, -401), 6000)
	fill(t, d, other, today.AddDate(0, 0, -500), 10)
	fill(t, d, shop, today.AddDate(0, 0, -400), 3)
	fill(t, d, shop, today, 2)
	for _, want := range []int64{5000, 1010, 0} {
		if n, err := terms.Prune(t.Context()); err != nil || n != want {
			t.Errorf("%d removed, want %d: %v", n, want, err)
		}
	}
	if n, rest := kept(t, d, shop), kept(t, d, other); n != 5 || rest != 0 {
		t.Errorf("%d and %d are left", n, rest)
	}
}
