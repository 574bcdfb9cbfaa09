package recommend_test

import (
	"testing"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/recommend"

	"github.com/google/uuid"
)

func TestWhoeverIsErasedLeavesNoBrowserBehind(t *testing.T) {
	t.Parallel()
	clock := &turned{at: may}
	d := dbtest.New(t, func(c *db.Config) { c.Clock = clock })
	s := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}})
	shop := merchant(t, d)
	all := offered(t, d, shop, 4)
	mine, theirs := uuid.New(), uuid.New() // contacts
	for contact, visitor := range map[uuid.UUID]string{mine: "browser", theirs: "other"} {
		l, err := s.List(t.Context(), recommend.Ask{Merchant: shop, Surface: recommend.Product, Seeds: all[:1], Currency: "EUR", Places: 2, Visitor: visitor})
		if err != nil {
			t.Fatal(err)
		}
		order := checkedOut(t, d, shop, may.Add(time.Second), all[0])
		if _, err := d.DB.Exec(t.Context(), `update orders set email_hmac = $2 where id = $1`, order, []byte(visitor)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.DB.Exec(t.Context(), `insert into contacts (merchant_id, id, email_hmac, created_at) values ($1, $2, $3, $4)`, shop, contact, []byte(visitor), may); err != nil {
			t.Fatal(err)
		}
		if err := s.Seen(t.Context(), shop, []recommend.Event{
			{ID: uuid.New(), Kind: recommend.Clicked, Visitor: visitor, Product: all[0], Request: &l.ID, Position: 1},
			{ID: uuid.New(), Kind: recommend.Ordered, Visitor: visitor, Order: &order},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.set(may.Add(time.Hour))
	figures := func() (int, int, int) {
		t.Helper()
		c, err := s.Compare(t.Context(), shop, may.AddDate(0, 0, -1), clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return c.Learned.Visitors + c.Popularity.Visitors, c.Learned.Orders + c.Popularity.Orders, c.Learned.Clicks + c.Popularity.Clicks
	}
	if v, o, c := figures(); v != 2 || o != 2 || c != 2 {
		t.Fatalf("%d visitors, %d orders, %d clicks", v, o, c)
	}
	for range 2 { // it may be repeated
		if err := db.Run(t.Context(), d.DB, func(tx db.Tx) error { return s.Forget(t.Context(), tx, shop, mine) }); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]int{"browser": 0, "other": 3} {
		if n := count(t, d, `select (select count(*) from rec_events where visitor = $1) + (select count(*) from rec_answers where visitor = $1)`, name); n != want {
			t.Errorf("%d rows of %s, want %d", n, name, want)
		}
	}
	if v, o, c := figures(); v != 2 || o != 2 || c != 2 {
		t.Errorf("afterwards %d visitors, %d orders, %d clicks", v, o, c)
	}
}
