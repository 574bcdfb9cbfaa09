package cart_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// passes moves the clock on and lets the sweeper come.
func (w *world) passes(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	w.ended()
	if err := w.carts.Sweep(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// ended waits until all transactions have ended that were there when the last
// event was written: the tests share one server, and what runs in any of its
// databases holds back the reading of the log.
func (w *world) ended() {
	w.t.Helper()
	if _, err := w.carts.WriteEvents(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(60 * time.Second); ; <-tick.C {
		if w.text(`select (not exists (select from checkout_events where xid >= pg_snapshot_xmin(pg_current_snapshot())))::text`) == "true" {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatal("a transaction does not end")
		}
	}
}

// news are the names of what was told of a journey, in order.
func (w *world) news(journey uuid.UUID) string {
	w.t.Helper()
	return w.text(`select coalesce(string_agg(substr(event, 6), ' ' order by id), '') from outbox where aggregate_id = $1`, journey)
}

// log are the kinds of events of a journey, in order.
func (w *world) log(journey uuid.UUID) string {
	w.t.Helper()
	return w.text(`select coalesce(string_agg(kind, ' ' order by at, id), '') from checkout_events where journey_id = $1`, journey)
}

func (w *world) status(c uuid.UUID) string {
	w.t.Helper()
	return w.text(`select status || ' ' || coalesce((select status from journeys j where j.id = c.id), 'none') from carts c where id = $1`, c)
}

func (w *world) text(sql string, args ...any) (text string) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&text); err != nil {
		w.t.Fatal(err)
	}
	return text
}

func (w *world) is(got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%q, want %q", got, want)
	}
}

func TestACartIsGivenUpAfterHalfAnHourAndOnlyOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	s := w.shopper(item("MUG", 2))
	w.passes(29 * time.Minute)
	w.is(w.status(s.id), "active active")
	w.passes(time.Minute)
	w.is(w.status(s.id), "abandoned abandoned")
	w.passes(5 * time.Minute)
	w.passes(24 * time.Hour)
	w.is(w.news(s.id), "abandoned")
	w.is(w.log(s.id), "cart_created abandoned")
	var e cart.WasAbandoned
	if err := json.Unmarshal([]byte(w.text(`select payload::text from outbox where aggregate_id = $1`, s.id)), &e); err != nil {
		t.Fatal(err)
	}
	if e.ValueMinor != 2000 || e.Currency != "EUR" || e.Times != 1 || *e.CartID != s.id || e.CheckoutID != nil || e.Step != cart.StepCart ||
		!e.StartedAt.Equal(start) || !e.AbandonedAt.Equal(start) || e.Language != "en" {
		t.Errorf("%+v", e)
	}
}

func TestAShopperWhoComesBackIsBackAndMayLeaveAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	s := w.shopper(item("MUG", 2))
	w.passes(time.Hour)
	if v := w.ok(s.add(item("MUG", 1))); v.Status != cart.Recovered {
		t.Errorf("the cart is %s", v.Status)
	}
	w.passes(time.Minute)
	w.is(w.status(s.id), "recovered recovered")
	w.passes(time.Hour)
	w.is(w.status(s.id), "abandoned abandoned")
	w.passes(31 * 24 * time.Hour)
	w.is(w.status(s.id), "expired expired")
	w.passes(31 * 24 * time.Hour)
	w.is(w.news(s.id), "abandoned recovered abandoned expired")
	w.is(w.log(s.id), "cart_created abandoned cart_changed recovered abandoned expired")
	w.is(w.text(`select count(*)::text from journeys`), "1")
}

func TestAnEmptyCartARobotAndATestAreNotGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	empty, cleared := w.shopper(), w.shopper(item("MUG", 1))
	w.ok(cleared.clear())
	as := func(v cart.Visit) uuid.UUID {
		return w.ok(w.carts.Create(cart.WithVisit(t.Context(), v), w.merchant, cart.NewCart{Items: []cart.Item{item("MUG", 1)}})).ID
	}
	robot, test := as(cart.Visit{Device: cart.Bot}), as(cart.Visit{Device: cart.Mobile, Test: true})
	deleted := w.shopper(item("MUG", 1))
	if err := w.carts.Delete(t.Context(), deleted.access, deleted.id); err != nil {
		t.Fatal(err)
	}
	w.passes(2 * time.Hour)
	for _, c := range []uuid.UUID{empty.id, cleared.id, robot, test, deleted.id} {
		w.is(w.news(c), "")
	}
	w.passes(31 * 24 * time.Hour)
	w.is(w.text(`select count(*)::text from outbox`), "0")
	w.is(w.text(`select string_agg(distinct status, ' ') from journeys`), "expired")
	w.is(w.text(`select count(*)::text from journeys where due_at is not null`), "0")
}

func TestACartThatWasMergedGoesOnAsTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	s, guest := w.shopper(), w.shopper(item("MUG", 3))
	w.passes(time.Hour)
	w.ok(s.merge(guest))
	w.passes(time.Minute)
	w.is(w.status(guest.id), "merged merged")
	w.is(w.news(guest.id), "abandoned recovered")
	w.passes(time.Hour)
	w.is(w.status(s.id), "abandoned abandoned")
	w.is(w.news(s.id), "abandoned")
	w.is(w.text(`select value_minor::text from journeys where id = $1`, s.id), "3000")
	w.is(w.news(guest.id), "abandoned recovered")
}

func TestAnOrderEndsAJourney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	s, other := w.shopper(item("MUG", 1)), w.shopper(item("MUG", 1))
	w.passes(time.Hour)
	for range 2 { // told twice
		for _, c := range []uuid.UUID{s.id, other.id} {
			checkout := uuid.NewSHA1(c, []byte("checkout"))
			if err := w.carts.NoteOrder(t.Context(), cart.Ordered{
				Merchant: w.merchant, Order: uuid.NewSHA1(c, nil), Checkout: checkout, Cart: &c, At: w.clock.Now(), Currency: "EUR", GoodsMinor: 1000, TotalMinor: 1500, Pieces: 1,
			}); err != nil {
				t.Fatal(err)
			}
		}
		w.passes(time.Minute)
	}
	never := w.shopper(item("MUG", 1))
	if err := w.carts.NoteOrder(t.Context(), cart.Ordered{Merchant: w.merchant, Order: id.New(), Checkout: id.New(), Cart: &never.id, At: w.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	w.passes(time.Minute)
	w.is(w.news(s.id), "abandoned converted")
	w.is(w.news(other.id), "abandoned converted")
	w.is(w.news(never.id), "")
	w.is(w.log(s.id), "cart_created abandoned order_placed")
	w.passes(40 * 24 * time.Hour)
	w.is(w.news(s.id), "abandoned converted")
}

// busy says that every checkout is being paid.
type busy struct{ paying bool }

func (b *busy) States(_ context.Context, _ uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]cart.CheckoutState, error) {
	all := map[uuid.UUID]cart.CheckoutState{}
	for _, c := range ids {
		contact := uuid.NewSHA1(c, []byte("contact"))
		all[c] = cart.CheckoutState{Busy: b.paying, ContactID: &contact}
	}
	return all, nil
}

func TestWhoHasLeftAnEMailCountsAsGoneSoonerAndWhoPaysNotAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := &busy{}
	w.carts = cart.New(cart.Config{DB: w.db, Rules: w, Promotions: w.prices, Checkouts: b})
	begin := func(kinds ...cart.Kind) uuid.UUID {
		checkout, pieces, value := id.New(), int64(1), int64(1500)
		for _, k := range kinds {
			e := cart.NewEvent(t.Context(), w.merchant, w.clock.Now(), k, cart.StepContact).Of(checkout, nil)
			e.Pieces, e.Value, e.Currency = &pieces, &value, "EUR"
			w.carts.Later(e)
		}
		return checkout
	}
	silent, known := begin(cart.CheckoutStarted), begin(cart.CheckoutStarted, cart.ContactGiven)
	w.passes(10 * time.Minute)
	w.is(w.news(known), "abandoned")
	w.is(w.news(silent), "")
	w.passes(49 * time.Minute)
	w.is(w.news(silent), "")
	w.passes(time.Minute)
	w.is(w.news(silent), "abandoned")
	w.is(w.text(`select payload ->> 'contact_id' from outbox where aggregate_id = $1`, known), uuid.NewSHA1(known, []byte("contact")).String())
	w.is(w.text(`select coalesce(payload ->> 'contact_id', 'nobody') from outbox where aggregate_id = $1`, silent), "nobody")
	w.is(w.text(`select coalesce(payload ->> 'cart_id', 'none') from outbox where aggregate_id = $1`, silent), "none")

	b.paying = true
	paying := begin(cart.CheckoutStarted, cart.ContactGiven)
	w.passes(time.Hour)
	w.passes(time.Hour)
	w.is(w.news(paying), "")
	b.paying = false
	w.passes(time.Hour)
	w.is(w.news(paying), "abandoned")
}

func TestACartIsNotGivenUpWhileItIsPaidOrChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	paid, changed := w.shopper(item("MUG", 1)), w.shopper(item("MUG", 1))
	w.exec(`update carts set paying = $2 where id = $1`, paid.id, id.New())
	w.clock.Advance(time.Hour)
	w.ended()
	if err := w.carts.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.ok(changed.add(item("MUG", 1))) // not in the journeys yet, but in the log
	w.passes(0)
	w.is(w.news(paid.id), "")
	w.is(w.news(changed.id), "")
}

func TestSweepersAtTheSameTimeTellEverythingOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 1000)
	for range 40 {
		w.shopper(item("MUG", 1))
	}
	w.clock.Advance(time.Hour)
	w.ended()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := w.carts.Sweep(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.is(w.text(`select count(*) || ' ' || count(distinct aggregate_id) from outbox where event = 'cart.abandoned'`), "40 40")
	w.is(w.text(`select count(*)::text from checkout_events where kind = 'abandoned'`), "40")
}

// What is written by a transaction that ends late is read all the same.
func TestWhatIsWrittenLateIsNotMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	late, err := w.db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = late.Rollback(context.WithoutCancel(t.Context())) }()
	journey := id.New()
	if _, err := late.Exec(t.Context(), `insert into checkout_events (merchant_id, id, journey_id, checkout_id, at, kind, step, source, pieces, value_minor, currency)
		values ($1, $2, $3, $3, $4, 'checkout_started', 'contact', 'api', 1, 100, 'EUR')`, w.merchant, id.New(), journey, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	w.shopper(item("MUG", 1))
	if err := w.carts.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.is(w.text(`select count(*)::text from journeys`), "0") // it holds back what came after it
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.passes(time.Hour)
	w.is(w.news(journey), "abandoned")
	w.is(w.text(`select count(*)::text from journeys`), "2")
}

func TestALongLogIsReadInParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`insert into checkout_events (merchant_id, id, journey_id, checkout_id, at, kind, step, source, pieces, value_minor, currency)
		select $1, gen_random_uuid(), j, j, $2, 'checkout_started', 'contact', 'api', 1, 100, 'EUR' from (select gen_random_uuid() as j from generate_series(1, 10500)) g`,
		w.merchant, w.clock.Now())
	for range 3 {
		w.exec(`insert into checkout_events (merchant_id, id, journey_id, checkout_id, at, kind, step, source)
			select $1, gen_random_uuid(), journey_id, journey_id, $2, 'contact_given', 'address', 'api' from checkout_events where kind = 'checkout_started' order by id limit 8000`,
			w.merchant, w.clock.Now())
	}
	w.ended()
	if err := w.carts.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.is(w.text(`select count(*) || ' ' || count(*) filter (where contact) from journeys`), "10500 8000")
}

func TestAStorefrontsReportsCountOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	s := w.shopper(item("MUG", 1))
	ctx := cart.WithVisit(t.Context(), cart.Visit{Device: cart.Mobile, Visitor: "v-1"})
	report := func(reports ...cart.Report) (int, error) { return w.carts.Report(ctx, s.access, s.id, reports) }
	ahead := start.Add(7 * time.Hour) // the shopper's clock
	one := cart.Report{ID: "1", Kind: cart.StepEntered, Step: cart.StepCart, At: ahead}
	two := cart.Report{ID: "2", Kind: cart.FieldError, Step: cart.StepAddress, Field: "shipping_address.postcode", At: start.Add(-99 * 365 * 24 * time.Hour)}
	for _, c := range []struct {
		reports []cart.Report
		n       int
	}{{[]cart.Report{one, two, one}, 2}, {[]cart.Report{two}, 0}, {[]cart.Report{{ID: "3", Kind: cart.ReasonGiven, Step: cart.StepCart, Reason: "comparison"}, one}, 1}} {
		if n, err := report(c.reports...); err != nil || n != c.n {
			t.Errorf("%d are new, want %d: %v", n, c.n, err)
		}
		w.clock.Advance(time.Second)
	}
	w.is(w.text(`select string_agg(format('%s %s %s %s %s', kind, source, device, visitor, coalesce(attributes ->> 'offset_s', '0')), ', ' order by at, id) from checkout_events where source = 'storefront'`),
		"step_entered storefront mobile v-1 25200, field_error storefront mobile v-1 -3122064000, reason_given storefront mobile v-1 0")
	w.is(w.text(`select bool_and(at between $1 and $1 + interval '3 seconds')::text from checkout_events`, start), "true")
}

func TestReportsThatDoNotBelongAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	s, other := w.shopper(item("MUG", 1)), w.shopper(item("MUG", 1))
	good := cart.Report{ID: "1", Kind: cart.StepEntered, Step: cart.StepContact}
	with := func(change func(r *cart.Report)) []cart.Report {
		r := good
		change(&r)
		return []cart.Report{r}
	}
	for name, reports := range map[string][]cart.Report{
		"none":                      {},
		"too many":                  make([]cart.Report, cart.MaxReports+1),
		"no id":                     with(func(r *cart.Report) { r.ID = "" }),
		"a long id":                 with(func(r *cart.Report) { r.ID = strings.Repeat("x", 65) }),
		"a zero in the id":          with(func(r *cart.Report) { r.ID = "a\x00" }),
		"an order":                  with(func(r *cart.Report) { r.Kind = cart.OrderPlaced }),
		"the end of the journey":    with(func(r *cart.Report) { r.Kind = cart.JourneyAbandoned }),
		"the last step":             with(func(r *cart.Report) { r.Step = cart.StepOrder }),
		"no step":                   with(func(r *cart.Report) { r.Step = "" }),
		"a reason elsewhere":        with(func(r *cart.Report) { r.Reason = "comparison" }),
		"a reason of one's own":     with(func(r *cart.Report) { r.Kind, r.Reason = cart.ReasonGiven, "aliens" }),
		"no reason":                 with(func(r *cart.Report) { r.Kind = cart.ReasonGiven }),
		"a field elsewhere":         with(func(r *cart.Report) { r.Field = "email" }),
		"what was typed":            with(func(r *cart.Report) { r.Kind, r.Field = cart.FieldError, "ani@example.com" }),
		"a time before it began":    with(func(r *cart.Report) { r.DurationMS = -1 }),
		"a step that takes a month": with(func(r *cart.Report) { r.DurationMS = 30 * 24 * 3600 * 1000 }),
	} {
		if _, err := w.carts.Report(t.Context(), s.access, s.id, reports); !fault.Is(err, cart.ErrReport) {
			t.Errorf("%s: %v", name, err)
		}
	}
	try := func(a cart.Access, c uuid.UUID) error {
		_, err := w.carts.Report(t.Context(), a, c, []cart.Report{good})
		return err
	}
	refused(t, try(other.access, s.id), cart.ErrNotFound)
	refused(t, try(cart.Access{Merchant: id.New(), Trusted: true}, s.id), cart.ErrNotFound)
	refused(t, try(s.access, id.New()), cart.ErrNotFound)
	w.exec(`update carts set status = 'converted' where id = $1`, other.id)
	refused(t, try(other.access, other.id), cart.ErrClosed)
	w.exec(`insert into checkout_events (merchant_id, id, journey_id, at, kind, step, source) select $1, gen_random_uuid(), $2, now(), 'step_slow', 'cart', 'storefront' from generate_series(1, 1000)`,
		w.merchant, s.id)
	refused(t, try(s.access, s.id), cart.ErrTooManyEvents)
	w.is(w.text(`select count(*)::text from checkout_events where kind = 'step_entered'`), "0")
}

func TestWhatMetARefusalIsWrittenLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 2)
	w.promote(1000, "TEN")
	s := w.shopper(item("MUG", 1))
	if _, err := s.add(item("MUG", 9)); !errors.Is(err, cart.ErrOutOfStock) {
		t.Fatal(err)
	}
	if _, err := s.code("WRONG"); !errors.Is(err, cart.ErrDiscount) {
		t.Fatal(err)
	}
	w.ok(s.code("TEN"))
	w.clock.Advance(time.Second)
	if n, err := w.carts.WriteEvents(t.Context()); err != nil || n != 2 {
		t.Fatalf("%d: %v", n, err)
	}
	w.passes(time.Hour)
	w.is(w.text(`select string_agg(kind || ':' || reason, ' ' order by kind) from checkout_events where source <> 'api' or kind in ('out_of_stock', 'coupon_refused')`),
		"abandoned:price_sensitivity coupon_refused:unknown_code out_of_stock:")
}

func TestWhatWaitsToBeWrittenIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	journey := id.New()
	for i := range 10_050 {
		e := cart.NewEvent(t.Context(), w.merchant, start, cart.StepSlow, cart.StepCart)
		e.Journey, e.Visitor = &journey, fmt.Sprint(i)
		w.carts.Later(e)
	}
	n, err := w.carts.WriteEvents(t.Context())
	if err != nil || n != 10_000 || w.carts.Dropped() != 50 {
		t.Fatalf("%d written, %d dropped: %v", n, w.carts.Dropped(), err)
	}
}

// A cart of a thousand and more pieces at the dearest price is no reason to fail.
func TestTheValueOfACartNeverKeepsItFromBeingChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("GOLD", 900_000_000_000_000, 100_000)
	s := w.shopper()
	w.exec(`insert into cart_lines (merchant_id, cart_id, id, variant_id, quantity, position, created_at)
		select merchant_id, $1, id, id, 9999, 1, now() from variants`, s.id)
	if _, err := s.clear(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.carts.Undo(t.Context(), s.access, s.id); err != nil && !strings.Contains(err.Error(), "money") {
		t.Log(err) // what a view says of such a sum is another matter
	}
	w.is(w.text(`select coalesce(max(value_minor), 0)::text from checkout_events`), "8999100000000000000")
}

// A cart that a link has made anew, because only a checkout was left, is the same
// journey: it is not counted twice.
func TestACartThatComesBackAsAnotherIsTheSameJourney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1000, 100)
	checkout, pieces, value := id.New(), int64(1), int64(1000)
	e := cart.NewEvent(t.Context(), w.merchant, w.clock.Now(), cart.CheckoutStarted, cart.StepContact).Of(checkout, nil)
	e.Pieces, e.Value, e.Currency = &pieces, &value, "EUR"
	w.carts.Later(e)
	w.passes(time.Hour)
	v := w.ok(w.carts.Restore(t.Context(), cart.Restoration{
		Merchant: w.merchant, Journey: checkout, NewID: id.New(), Secret: func(uuid.UUID) string { return "secret" },
		Basket: cart.Basket{Currency: "EUR", Lines: []catalog.Wanted{{VariantID: mug, Quantity: 2}}},
	}))
	w.passes(time.Minute)
	w.ok(w.carts.Add(t.Context(), cart.Access{Merchant: w.merchant, Secret: "secret"}, v.ID, []cart.Item{item("MUG", 1)}))
	w.passes(time.Hour)
	w.is(w.text(`select status from carts where id = $1`, v.ID), "abandoned")
	other := id.New()
	if err := w.carts.NoteOrder(t.Context(), cart.Ordered{Merchant: w.merchant, Order: id.New(), Checkout: other, Cart: &v.ID, At: w.clock.Now(), Currency: "EUR", Pieces: 3}); err != nil {
		t.Fatal(err)
	}
	w.passes(time.Minute)
	w.is(w.news(checkout), "abandoned recovered abandoned converted")
	w.is(w.text(`select format('%s %s %s %s', count(*), min(status), min(times), min(cart_id::text)) from journeys`), "1 converted 2 "+v.ID.String())
}
