package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/id"
)

// cell is one variant at one location in the model.
type cell struct{ variant, location int }

// hold is one attempt in the model.
type hold struct {
	checkout uuid.UUID
	status   string
	expires  time.Time
	takes    map[cell]int64
	back     map[cell]int64 // restocked
}

// stockMachine plays the shop against a model that counts in plain Go.
type stockMachine struct {
	w         *world
	variants  []uuid.UUID
	locations []uuid.UUID
	free      map[cell]int64
	holds     []*hold
}

func (m *stockMachine) in(fn func(tx db.Tx)) error {
	return db.Run(m.w.t.Context(), m.w.db, func(tx db.Tx) error { fn(tx); return nil })
}

func (m *stockMachine) Adjust(t *rapid.T) {
	c := cell{rapid.IntRange(0, len(m.variants)-1).Draw(t, "variant"), rapid.IntRange(0, len(m.locations)-1).Draw(t, "location")}
	a := catalog.Adjustment{VariantID: m.variants[c.variant], LocationID: m.locations[c.location], Reason: "counted"}
	after := rapid.Int64Range(0, 20).Draw(t, "units")
	if rapid.Bool().Draw(t, "set") {
		a.SetTo = &after
	} else {
		after = m.free[c] - 3
		a.Delta = -3
		if rapid.Bool().Draw(t, "more") {
			after, a.Delta = m.free[c]+4, 4
		}
	}
	levels, err := m.w.shop.Adjust(m.w.t.Context(), m.w.merchant, "test", []catalog.Adjustment{a})
	if after < 0 {
		if !errors.Is(err, catalog.ErrStockBelowHeld) {
			t.Fatalf("took units that are not free: %v", err)
		}
		return
	}
	if err != nil || levels[0].Free != after {
		t.Fatalf("got %+v, %v, want %d", levels, err, after)
	}
	m.free[c] = after
}

func (m *stockMachine) Hold(t *rapid.T) {
	var offers catalog.Offers
	if err := m.w.db.Read(m.w.t.Context(), catalog.OfferQuery(&offers, m.w.merchant, "EUR", "en", m.w.db.Now(), m.variants)); err != nil {
		t.Fatal(err)
	}
	var wanted []catalog.Wanted
	enough := true
	for i, v := range m.variants {
		q := rapid.Int64Range(0, 6).Draw(t, "quantity")
		if q == 0 {
			continue
		}
		wanted = append(wanted, catalog.Wanted{VariantID: v, Quantity: q})
		var all int64
		for l := range m.locations {
			all += m.free[cell{i, l}]
		}
		enough = enough && q <= all
	}
	takes, short := offers.Allocate(wanted)
	if (len(short) == 0) != enough {
		t.Fatalf("short %v, want enough %v", short, enough)
	}
	stale := rapid.IntRange(0, 9).Draw(t, "stale") == 0 && len(takes) > 0
	if stale { // decided on an old reading
		takes[rapid.IntRange(0, len(takes)-1).Draw(t, "take")].Quantity += 100
	}
	h := &hold{checkout: id.New(), status: "active", expires: m.w.db.Now().Add(time.Minute), takes: map[cell]int64{}, back: map[cell]int64{}}
	if rapid.Bool().Draw(t, "at once") {
		h.status = "committed"
	}
	for _, k := range takes {
		h.takes[m.cell(k.VariantID, k.LocationID)] += k.Quantity
	}
	err := m.in(func(tx db.Tx) {
		catalog.Hold(tx, m.w.merchant, h.checkout, 1, h.status, takes, h.expires, m.w.db.Now())
	})
	if stale {
		if !errors.Is(err, catalog.ErrOutOfStock) {
			t.Fatalf("sold what is not there: %v", err)
		}
		return
	}
	if err != nil { // the lines that there is enough of can be had
		t.Fatal(err)
	}
	for c, q := range h.takes {
		m.free[c] -= q
	}
	m.holds = append(m.holds, h)
}

func (m *stockMachine) cell(variant, location uuid.UUID) cell {
	var c cell
	for i, v := range m.variants {
		if v == variant {
			c.variant = i
		}
	}
	for i, l := range m.locations {
		if l == location {
			c.location = i
		}
	}
	return c
}

func (m *stockMachine) pick(t *rapid.T) *hold {
	if len(m.holds) == 0 {
		t.Skip("nothing held")
	}
	return rapid.SampledFrom(m.holds).Draw(t, "hold")
}

func (m *stockMachine) Commit(t *rapid.T) {
	h := m.pick(t)
	err := m.in(func(tx db.Tx) {
		catalog.Commit(tx, m.w.merchant, h.checkout, 1, int64(len(h.takes)), m.w.db.Now())
	})
	if h.status == "active" || len(h.takes) == 0 {
		if err != nil {
			t.Fatal(err)
		}
		h.status = "committed"
	} else if !errors.Is(err, catalog.ErrReservationGone) {
		t.Fatalf("sold units that were %s: %v", h.status, err)
	}
}

func (m *stockMachine) Release(t *rapid.T) {
	h := m.pick(t)
	if err := m.in(func(tx db.Tx) { catalog.Release(tx, m.w.merchant, h.checkout, 1, m.w.db.Now()) }); err != nil {
		t.Fatal(err)
	}
	m.end(h, "released")
}

func (m *stockMachine) end(h *hold, status string) {
	if h.status == "active" {
		h.status = status
		for c, q := range h.takes {
			m.free[c] += q
		}
	}
}

func (m *stockMachine) Sweep(t *rapid.T) {
	m.w.clock.Advance(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
	var want int
	for _, h := range m.holds {
		if h.status == "active" && !h.expires.After(m.w.db.Now()) {
			want += len(h.takes)
			m.end(h, "expired")
		}
	}
	if got, err := m.w.shop.Sweep(m.w.t.Context()); err != nil || got != want {
		t.Fatalf("swept %d, %v, want %d", got, err, want)
	}
}

func (m *stockMachine) Restock(t *rapid.T) {
	h := m.pick(t)
	v := rapid.IntRange(0, len(m.variants)-1).Draw(t, "variant")
	q := rapid.Int64Range(1, 4).Draw(t, "quantity")
	var room, sold int64
	for l := range m.locations {
		c := cell{v, l}
		sold += h.takes[c]
		room += h.takes[c] - h.back[c]
	}
	err := m.in(func(tx db.Tx) {
		catalog.Restock(tx, m.w.merchant, h.checkout, []catalog.Wanted{{VariantID: m.variants[v], Quantity: q}}, m.w.db.Now())
	})
	switch {
	case h.status != "committed" || sold == 0: // nothing was sold from stock: passed over
		if err != nil {
			t.Fatal(err)
		}
		return
	case q > room:
		if !errors.Is(err, catalog.ErrRestock) {
			t.Fatalf("gave back %d of %d: %v", q, room, err)
		}
		return
	case err != nil:
		t.Fatal(err)
	}
	// Which location gets them is the shop's choice: read it, and hold it to
	// the model's limits.
	for l := range m.locations {
		c := cell{v, l}
		back := m.w.count(`select coalesce(sum(restocked), 0)::bigint from reservations where merchant_id = $1 and checkout_id = $2 and variant_id = $3 and location_id = $4`,
			m.w.merchant, h.checkout, m.variants[v], m.locations[l])
		delta := back - h.back[c]
		if delta < 0 || back > h.takes[c] {
			t.Fatalf("gave back %d of %d", back, h.takes[c])
		}
		q -= delta
		h.back[c] = back
		m.free[c] += delta
	}
	if q != 0 {
		t.Fatalf("%d units came back nowhere", q)
	}
}

func (m *stockMachine) Check(t *rapid.T) {
	if n := m.w.count(broken); n != 0 {
		t.Fatalf("%d stock rows do not add up", n)
	}
	for c, want := range m.free {
		got := m.w.count(`select coalesce((select free from stock where merchant_id = $1 and variant_id = $2 and location_id = $3), 0)`,
			m.w.merchant, m.variants[c.variant], m.locations[c.location])
		if got != want {
			t.Fatalf("%v: %d free, the model has %d", c, got, want)
		}
	}
}

func TestNoUnitIsEverLostOrDoubled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		w.exec(`truncate stock, reservations`)
		w.merchant = id.New()
		w.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, start)
		m := &stockMachine{w: w, free: map[cell]int64{}}
		for i := range 2 {
			m.locations = append(m.locations, w.location(fmt.Sprint("L", i), i))
		}
		for i := range 3 {
			m.variants = append(m.variants, w.variant(fmt.Sprint("V", i)))
			m.free[cell{i, 0}] = 10
			w.stock(m.variants[i], m.locations[0], 10)
		}
		t.Repeat(map[string]func(*rapid.T){
			"": m.Check, "adjust": m.Adjust, "hold": m.Hold, "commit": m.Commit, "release": m.Release, "restock": m.Restock, "sweep": m.Sweep,
		})
	})
}

func TestTwoSweepersReturnUnitsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	location, variant := w.location("MAIN", 0), w.variant("A")
	w.stock(variant, location, 1000)
	for range 50 {
		w.run(func(tx db.Tx) error {
			now := w.db.Now()
			catalog.Hold(tx, w.merchant, id.New(), 1, catalog.Active, []catalog.Take{{VariantID: variant, LocationID: location, Quantity: 2}}, now.Add(time.Minute), now)
			return nil
		})
	}
	w.clock.Advance(time.Minute)
	// All of them have found the same rows before the first may end one.
	held, err := w.db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.Exec(t.Context(), `select id from reservations for no key update`); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int)
	for range 4 {
		go func() {
			n, err := w.shop.Sweep(t.Context())
			if err != nil {
				t.Error(err)
			}
			ended <- n
		}()
	}
	waiting, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for w.count(`select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) < 4 {
		if waiting.Err() != nil {
			t.Fatal("four sweepers do not wait for the rows")
		}
	}
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	total := 0
	for range 4 {
		total += <-ended
	}
	if free := w.count(`select free from stock`); total != 50 || free != 1000 {
		t.Fatalf("%d reservations ended, %d units free", total, free)
	}
	w.invariant()
}

func TestAdjustingIsAllOrNothingAndWrittenDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("A")
	w.variant("B")
	ctx := t.Context()
	five := int64(5)
	levels, err := w.shop.Adjust(ctx, w.merchant, "ani", []catalog.Adjustment{{SKU: "A", SetTo: &five, Reason: "counted"}, {SKU: "B", Delta: 2, Reason: "received"}})
	if err != nil || levels[0].Free != 5 || levels[1].Free != 2 || levels[1].SKU != "B" || levels[0].Location != "MAIN" {
		t.Fatalf("got %+v, %v", levels, err)
	}
	_, err = w.shop.Adjust(ctx, w.merchant, "ani", []catalog.Adjustment{{SKU: "A", Delta: 1, Reason: "received"}, {SKU: "B", Delta: -3, Reason: "damaged"}})
	if !errors.Is(err, catalog.ErrStockBelowHeld) {
		t.Fatal(err)
	}
	if free := w.count(`select sum(free)::bigint from stock`); free != 7 {
		t.Errorf("%d units free after a refused call", free)
	}
	if n := w.count(`select count(*) from stock_adjustments where actor = 'ani'`); n != 2 {
		t.Errorf("%d adjustments written down", n)
	}
	for name, c := range map[string]struct {
		list []catalog.Adjustment
		want error
	}{
		"no variant":     {[]catalog.Adjustment{{SKU: "X", Delta: 1, Reason: "r"}}, catalog.ErrVariantNotFound},
		"no location":    {[]catalog.Adjustment{{SKU: "A", LocationID: id.New(), Delta: 1, Reason: "r"}}, catalog.ErrLocationNotFound},
		"no reason":      {[]catalog.Adjustment{{SKU: "A", Delta: 1}}, catalog.ErrInvalid},
		"nothing":        {nil, catalog.ErrInvalid},
		"both":           {[]catalog.Adjustment{{SKU: "A", Delta: 1, SetTo: &five, Reason: "r"}}, catalog.ErrInvalid},
		"twice":          {[]catalog.Adjustment{{SKU: "A", Delta: 1, Reason: "r"}, {SKU: "A", Delta: 1, Reason: "r"}}, catalog.ErrInvalid},
		"somebody elses": {[]catalog.Adjustment{{VariantID: id.New(), Delta: 1, Reason: "r"}}, catalog.ErrVariantNotFound},
	} {
		if _, err := w.shop.Adjust(ctx, w.merchant, "ani", c.list); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	page, next, err := w.shop.Stock(ctx, w.merchant, catalog.StockFilter{Limit: 1})
	if err != nil || len(page) != 1 || page[0].SKU != "A" || next == "" {
		t.Fatalf("got %+v %q %v", page, next, err)
	}
	page, next, err = w.shop.Stock(ctx, w.merchant, catalog.StockFilter{Limit: 1, Cursor: next})
	if err != nil || len(page) != 1 || page[0].SKU != "B" || next != "" {
		t.Fatalf("got %+v %q %v", page, next, err)
	}
}
