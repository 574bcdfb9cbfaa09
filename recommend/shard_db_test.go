package recommend_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/recommend"

	"github.com/google/uuid"
)

func TestShardsGiveTheNumbersOfLearningInMemory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			clock := &turned{at: may}
			d := dbtest.New(t, func(c *db.Config) { c.Clock = clock })
			s := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}, ShardItems: 7, LargeLines: 50})
			shop, other := merchant(t, d), merchant(t, d)
			all := offered(t, d, shop, 40)
			r := rand.New(rand.NewPCG(seed, 5)) // it must be repeatable
			buy := func(n int) {
				t.Helper()
				var orders []sale
				for range n {
					basket := []uuid.UUID{}
					for range 1 + r.IntN(5) {
						basket = append(basket, all[int(float64(len(all))*r.Float64()*r.Float64())])
					}
					orders = append(orders, sale{may.Add(-time.Duration(r.IntN(300*24)) * time.Hour), fmt.Sprint("p", r.IntN(20)), basket})
				}
				sellAll(t, d, shop, orders...)
			}
			buy(150)
			sold(t, d, other, may.Add(-time.Hour), "x", all[0], all[1]) // is nobody's business here
			if err := s.Build(t.Context()); err != nil {
				t.Fatal(err)
			}
			where, rows, err := recommend.ShardsDiffer(t.Context(), s, shop)
			if err != nil || where != "" || rows < 90 {
				t.Fatalf("%d rows, %s, %v", rows, where, err)
			}
			if n := count(t, d, `select count(*) from rec_neighbors where merchant_id = $1`, other); n != 0 {
				t.Errorf("%d rows of a small shop", n)
			}
			buy(30)
			if err := s.Build(t.Context()); err != nil { // too soon
				t.Fatal(err)
			}
			if n := count(t, d, `select count(*) from rec_builds where live > 1`); n != 0 {
				t.Errorf("%d surfaces are built again at once", n)
			}
			clock.set(may.Add(7 * time.Hour))
			if err := s.Build(t.Context()); err != nil {
				t.Fatal(err)
			}
			if where, _, err := recommend.ShardsDiffer(t.Context(), s, shop); err != nil || where != "" {
				t.Fatalf("built again: %s, %v", where, err)
			}
			if n := count(t, d, `select count(distinct generation) from rec_neighbors where merchant_id = $1`, shop); n != 1 {
				t.Errorf("%d generations are kept", n)
			}
		})
	}
}

func TestALargeShopGetsTheListsOfASmallOne(t *testing.T) {
	t.Parallel()
	clock := &turned{at: may}
	d := dbtest.New(t, func(c *db.Config) { c.Clock = clock })
	small := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}})
	large := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}, ShardItems: 7, LargeLines: 50})
	shop := merchant(t, d)
	all := offered(t, d, shop, 30)
	r := rand.New(rand.NewPCG(7, 5)) // it must be repeatable
	var orders []sale
	for n := range 150 {
		at := r.IntN(25)
		orders = append(orders, sale{may.Add(-time.Duration(n) * 7 * time.Hour), fmt.Sprint("p", r.IntN(20)), []uuid.UUID{all[at], all[at+1+r.IntN(3)]}})
	}
	sellAll(t, d, shop, orders...)
	for _, surface := range []string{"product", "cart"} { // the same settings for both
		if _, err := d.DB.Exec(t.Context(), `insert into rec_versions (merchant_id, surface, version, settings, status, report, created_by, created_at)
			values ($1, $2, 1, '{"table": {"a": 0.5, "b": 0.5, "c": 0.3, "half": 120, "shrink": 1, "keep": 50}, "prior": 0.01, "trend_half": 14}', 'live', '{"better": true}', 'x', $3)`, shop, surface, may); err != nil {
			t.Fatal(err)
		}
	}
	lists := func(s *recommend.Service, surface recommend.Surface, seeds ...uuid.UUID) (got []string) {
		t.Helper()
		l, err := s.List(t.Context(), recommend.Ask{Merchant: shop, Surface: surface, Seeds: seeds, Currency: "EUR", Places: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range l.Picks {
			got = append(got, fmt.Sprint(p.Product.ID, p.Reason))
		}
		return got
	}
	if got := lists(large, recommend.Product, all[3]); len(got) != 10 { // before any row is made
		t.Errorf("%d places without rows", len(got))
	}
	if err := large.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := large.Learn(t.Context(), shop); err != nil {
		t.Fatal(err)
	}
	for n := range 12 {
		a, b := lists(small, recommend.Product, all[n]), lists(large, recommend.Product, all[n])
		c, e := lists(small, recommend.Cart, all[n], all[n+9]), lists(large, recommend.Cart, all[n], all[n+9])
		if fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(c) != fmt.Sprint(e) {
			t.Fatalf("%d: small %v, large %v; cart %v, %v", n, a, b, c, e)
		}
	}
	person, err := large.List(t.Context(), recommend.Ask{Merchant: shop, Surface: recommend.Home, Person: []byte("p3"), Currency: "EUR", Places: 10})
	if err != nil || len(person.Picks) == 0 || person.Picks[0].Reason.Code != recommend.BoughtWith {
		t.Errorf("for a person: %+v %v", person, err)
	}
}

func TestALargeShopThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	clock := &turned{at: may}
	d := dbtest.New(t, func(c *db.Config) { c.Clock = clock })
	s := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}, LargeLines: 1})
	shops := []uuid.UUID{merchant(t, d), merchant(t, d), merchant(t, d)}
	for _, shop := range shops {
		all := offered(t, d, shop, 2)
		sold(t, d, shop, may.Add(-time.Hour), "ani", all...)
	}
	for bad := range shops { // whichever comes first
		if _, err := d.DB.Exec(t.Context(), fmt.Sprintf(`truncate rec_builds; alter table rec_builds drop constraint if exists broken; alter table rec_builds add constraint broken check (merchant_id <> '%s')`, shops[bad])); err != nil {
			t.Fatal(err)
		}
		if err := s.Build(t.Context()); err == nil {
			t.Error("the failure is not told")
		}
		if n := count(t, d, `select count(distinct merchant_id) from rec_builds where live > 0`); n != 2 {
			t.Errorf("%d shops are built, want the 2 others", n)
		}
	}
}
