package recommend_test

import (
	"fmt"
	"testing"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/recommend"

	"github.com/google/uuid"
)

// checkedOut writes an order down with the checkout that it came from.
func checkedOut(t *testing.T, d *dbtest.Database, shop uuid.UUID, at time.Time, products ...uuid.UUID) uuid.UUID {
	t.Helper()
	order := sold(t, d, shop, at, "somebody", products...)
	if _, err := d.DB.Exec(t.Context(), `insert into checkouts (merchant_id, id, secret_hash, contact_id, variant_ids, quantities, status, currency, locale, order_id, expires_at, created_at, updated_at)
		values ($1, $2, '', $2, '{}', '{}', 'completed', 'EUR', 'en', $2, $3, $3, $3)`, shop, order, at); err != nil {
		t.Fatal(err)
	}
	return order
}

func TestListsClicksAndOrdersAreJoinedOnTheRequest(t *testing.T) {
	t.Parallel()
	clock := &turned{at: may}
	d := dbtest.New(t, func(c *db.Config) { c.Clock = clock })
	s := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}})
	shop := merchant(t, d)
	all := offered(t, d, shop, 6)
	told := func(e recommend.Event) {
		t.Helper()
		e.ID = uuid.New()
		if err := s.Seen(t.Context(), shop, []recommend.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	given := func(visitor string) *recommend.List {
		t.Helper()
		l, err := s.List(t.Context(), recommend.Ask{Merchant: shop, Surface: recommend.Product, Seeds: all[:1], Currency: "EUR", Places: 4, Visitor: visitor})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		return l
	}
	arms := map[recommend.Arm]int{}
	var buyer string
	var chosen *recommend.List
	for n := range 60 {
		who := fmt.Sprint("v", n)
		l := given(who)
		arms[l.Arm]++
		told(recommend.Event{Kind: recommend.Shown, Visitor: who, Product: l.Picks[0].Product.ID, Request: &l.ID, Position: 1})
		if l.Arm == recommend.Learned && buyer == "" {
			buyer, chosen = who, l
		}
	}
	given("") // nobody: no arm, no row
	clock.set(may.Add(time.Minute))
	pick := chosen.Picks[1].Product.ID
	told(recommend.Event{Kind: recommend.Clicked, Visitor: buyer, Product: pick, Request: &chosen.ID, Position: 2})
	clock.set(may.Add(2 * time.Minute))
	order := checkedOut(t, d, shop, clock.Now(), pick, all[5])
	plain := checkedOut(t, d, shop, clock.Now(), all[0])
	stranger := uuid.New()
	for _, o := range []uuid.UUID{order, plain, stranger} {
		told(recommend.Event{Kind: recommend.Ordered, Visitor: buyer, Order: &o})
		clock.set(clock.Now().Add(time.Second))
		told(recommend.Event{Kind: recommend.Ordered, Visitor: "v59", Order: &o}) // somebody else says it is theirs
	}
	c, err := s.Compare(t.Context(), shop, may.AddDate(0, 0, -1), may.AddDate(0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	l := c.Learned
	if l.Visitors != arms[recommend.Learned] || c.Popularity.Visitors != arms[recommend.Popularity] || l.Lists != l.Visitors || l.Impressions != l.Visitors {
		t.Errorf("%d and %d visitors, want %v", l.Visitors, c.Popularity.Visitors, arms)
	}
	if l.Clicks != 1 || l.Buyers != 1 || l.Orders != 2 || l.Attached != 1 || l.Revenue["EUR"] != 300 || c.Conversion.Verdict != recommend.NotEnoughData {
		t.Errorf("%+v", l)
	}
	if n := count(t, d, `select count(*) from rec_answers`); n != 60 {
		t.Errorf("%d lists are written down", n)
	}
	if n := count(t, d, `select count(*) from rec_answers where explored is not null and chance > 0 and place = 4`); n == 0 {
		t.Error("nothing was shown by chance")
	}
	if _, err := s.Compare(t.Context(), shop, may, may); !fault.Is(err, recommend.ErrPeriod) {
		t.Errorf("no time: %v", err)
	}
	for days, fine := range map[int]bool{61: true, 62: false, 100: false} { // as long as events are kept
		_, err := s.Compare(t.Context(), shop, may.Truncate(24*time.Hour).AddDate(0, 0, -days), may)
		if fine != (err == nil) || !fine && !fault.Is(err, recommend.ErrPeriod) {
			t.Errorf("from %d days ago: %v", days, err)
		}
	}
	if other, err := s.Compare(t.Context(), merchant(t, d), may.AddDate(0, 0, -1), may.AddDate(0, 0, 1)); err != nil || other.Learned.Visitors != 0 {
		t.Errorf("another shop: %+v %v", other, err)
	}
}
