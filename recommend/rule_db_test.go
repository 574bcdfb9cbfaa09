package recommend_test

import (
	"context"
	"testing"

	"doorstep/catalog"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/recommend"

	"github.com/google/uuid"
)

// nobody sells anything.
type nobody struct{}

func (nobody) Views(context.Context, uuid.UUID, string, string, []uuid.UUID) ([]*catalog.View, error) {
	return nil, nil
}

// merchant adds one.
func merchant(t *testing.T, d *dbtest.Database) uuid.UUID {
	t.Helper()
	m := uuid.Must(uuid.NewV7())
	if _, err := d.DB.Exec(t.Context(), `insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', now(), now())`, m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAVersionOfTheRulesIsNeverChangedAndSaysWhoMadeIt(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	here, there := recommend.New(recommend.Config{DB: d.DB, Shelf: nobody{}}), recommend.New(recommend.Config{DB: d.DB, Shelf: nobody{}})
	shop, other := merchant(t, d), merchant(t, d)
	if r, err := here.Rules(t.Context(), shop); err != nil || r.Version != 0 || len(r.Rules) != 0 {
		t.Fatalf("%+v %v", r, err)
	}
	base := int64(0)
	one, err := here.PublishRules(t.Context(), shop, "staff:ani", "first", &base, []recommend.Rule{{Kind: recommend.Bury, Brand: "Plain"}})
	if err != nil || one.Version != 1 || one.By != "staff:ani" {
		t.Fatalf("%+v %v", one, err)
	}
	if _, err := there.PublishRules(t.Context(), shop, "staff:bo", "", &base, nil); !fault.Is(err, recommend.ErrRulesVersion) {
		t.Errorf("on an old base: %v", err)
	}
	if _, err := there.PublishRules(t.Context(), shop, "staff:bo", "", nil, []recommend.Rule{{Kind: recommend.Pin}}); !fault.Is(err, recommend.ErrRules) {
		t.Errorf("a bad rule: %v", err)
	}
	if _, err := there.PublishRules(t.Context(), shop, "staff:bo", "second", nil, nil); err != nil {
		t.Fatal(err)
	}
	all, err := here.RuleSets(t.Context(), shop)
	if err != nil || len(all) != 2 || all[0].Version != 2 || len(all[0].Rules) != 0 || all[1].Note != "first" || all[1].Rules[0].Brand != "Plain" {
		t.Errorf("%+v %v", all, err)
	}
	if r, err := here.RulesOf(t.Context(), shop, 1); err != nil || r.By != "staff:ani" || !r.At.Equal(one.At) {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := here.RulesOf(t.Context(), other, 1); !fault.Is(err, recommend.ErrRulesNotFound) {
		t.Errorf("of another shop: %v", err)
	}
	var n int
	if err := d.DB.QueryRow(t.Context(), `select count(*) from rec_rules`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows: %v", n, err)
	}
}
