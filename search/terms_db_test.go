package search_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
