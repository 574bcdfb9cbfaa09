package recommend_test

import (
	"testing"
	"time"

	"doorstep/internal/dbtest"
	"doorstep/recommend"

	"github.com/google/uuid"
)

func TestAnOrderThatIsCommittedLateIsLearnedToo(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	// It would never learn everything anew by itself.
	s := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}, Fresh: time.Hour, Soon: time.Millisecond})
	shop := merchant(t, d)
	all := offered(t, d, shop, 5)
	now := d.DB.Now()
	sold(t, d, shop, now.Add(-time.Hour), "ani", all[3], all[4])
	beside := func() (uuid.UUID, int) {
		t.Helper()
		l, err := s.List(t.Context(), recommend.Ask{Merchant: shop, Surface: recommend.Product, Seeds: all[:1], Currency: "EUR", Places: 4})
		if err != nil {
			t.Fatal(err)
		}
		return l.Picks[0].Product.ID, l.Picks[0].Reason.Orders
	}
	beside()
	note := func(order uuid.UUID) {
		t.Helper()
		if err := s.Changed(t.Context(), shop, order); err != nil {
			t.Fatal(err)
		}
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !ok(); {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	// A transaction that began before others, and ends after they were read.
	late, err := d.DB.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = late.Rollback(t.Context()) }()
	lateOrder := uuid.Must(uuid.NewV7())
	if _, err := late.Exec(t.Context(), `insert into rec_news (merchant_id, id, order_id, at) values ($1, $2, $2, now())`, shop, lateOrder); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		note(sold(t, d, shop, now, "", all[0], all[1]))
	}
	// Nothing is read beyond what may still be committed.
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	until("six orders are learned", func() bool { first, n := beside(); return first == all[1] && n == 6 })
	canceled := sold(t, d, shop, now, "", all[0], all[1])
	note(canceled)
	until("the seventh is learned", func() bool { _, n := beside(); return n == 7 })
	if _, err := d.DB.Exec(t.Context(), `update orders set status = 'canceled' where id = $1`, canceled); err != nil {
		t.Fatal(err)
	}
	note(canceled)
	until("a canceled one is forgotten", func() bool { _, n := beside(); return n == 6 })
}
