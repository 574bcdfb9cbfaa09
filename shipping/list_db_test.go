package shipping_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/shipping"
)

// listed are the ids of a list.
func (w *world) listed(merchant uuid.UUID, f shipping.Filter, limit int) []uuid.UUID {
	w.t.Helper()
	all, err := w.parcels.List(w.ctx, merchant, f, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	ids := make([]uuid.UUID, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	return ids
}

func TestEachTroubleOfAParcelIsNamedUntilItIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := 24 * time.Hour
	promised := func(s *shipping.Shipment, in time.Duration) *shipping.Shipment {
		if err := w.parcels.PromiseUntil(w.ctx, w.merchant, s.ID, start.Add(in)); err != nil {
			t.Fatal(err)
		}
		return s
	}
	words := func(words ...shipping.Tracking) *shipping.Shipment {
		s := w.parcel()
		for i, word := range words {
			w.record(s, said{word, i + 1})
		}
		return s
	}
	want := map[uuid.UUID]shipping.Trouble{
		words("in_transit").ID:                       "",
		words("delivery_failed").ID:                  "failed",
		promised(words("delivery_failed"), day).ID:   "failed",
		words("return_to_sender").ID:                 "returning",
		words("return_to_sender", "returned").ID:     "",
		words("customs_hold").ID:                     "held",
		promised(words("on_hold"), day).ID:           "held",
		words("delivery_delayed").ID:                 "late",
		promised(words("in_transit"), day).ID:        "late",
		promised(words("ready_for_pickup"), day).ID:  "",
		promised(words("delivered"), day).ID:         "",
		words("delivery_failed", "delivered").ID:     "",
		words("cancelled").ID:                        "",
		w.parcel().ID:                                "unscanned",
		words("picked_up").ID:                        "",
		promised(words("in_transit"), 30*day).ID:     "",
		words("customs_hold", "out_for_delivery").ID: "",
	}
	see := func() {
		t.Helper()
		all, err := w.parcels.List(w.ctx, w.merchant, shipping.Filter{}, 100)
		if err != nil || len(all) != len(want) {
			t.Fatalf("%d parcels, %v", len(all), err)
		}
		byTrouble, troubled := map[shipping.Trouble][]uuid.UUID{}, []uuid.UUID{}
		for _, l := range all {
			if l.Trouble != want[l.ID] {
				t.Errorf("a parcel that is %s (%s) has the trouble %q, want %q", l.Status, l.TrackingStatus, l.Trouble, want[l.ID])
			}
			if byTrouble[l.Trouble] = append(byTrouble[l.Trouble], l.ID); l.Trouble != "" {
				troubled = append(troubled, l.ID)
			}
		}
		for _, kind := range []shipping.Trouble{"failed", "returning", "held", "late", "silent", "unscanned"} {
			if got := w.listed(w.merchant, shipping.Filter{Trouble: kind}, 100); !slices.Equal(got, byTrouble[kind]) && len(got)+len(byTrouble[kind]) > 0 {
				t.Errorf("%s: %v, want %v", kind, got, byTrouble[kind])
			}
		}
		if got := w.listed(w.merchant, shipping.Filter{Trouble: shipping.TroubleAny}, 100); !slices.Equal(got, troubled) {
			t.Errorf("any: %v, want %v", got, troubled)
		}
	}
	w.clock.Advance(3*day + time.Second)
	see()
	w.clock.Advance(19 * day)
	for parcel, trouble := range want {
		s, err := w.parcels.Shipment(w.ctx, w.merchant, parcel)
		if err != nil {
			t.Fatal(err)
		}
		if trouble == "" && (s.Status == "in_transit" || s.Status == "out_for_delivery") {
			want[parcel] = "silent"
		}
	}
	see()
	w.clock.Advance(200 * day)
	if got := w.listed(w.merchant, shipping.Filter{Trouble: shipping.TroubleAny}, 100); len(got) != 0 {
		t.Errorf("%d parcels of last year are still in trouble", len(got))
	}
}

func TestAListOfParcelsIsReadPageByPageWithoutGapsOrRepeats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 7 {
		w.parcel() // all at the same instant
	}
	newest := w.record(w.parcel(), said{"delivered", 1})
	w.exec(`update shipments set created_at = created_at + interval '1 hour', carrier = 'ups' where id = $1`, newest.ID)
	all := w.listed(w.merchant, shipping.Filter{}, 100)
	if len(all) != 8 || all[0] != newest.ID {
		t.Fatalf("%v", all)
	}
	var pages []uuid.UUID
	f := shipping.Filter{}
	for {
		page, err := w.parcels.List(w.ctx, w.merchant, f, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			pages = append(pages, l.ID)
		}
		end := page[len(page)-1]
		f.Before, f.Last = end.CreatedAt, end.ID
		w.parcel() // what is new does not disturb the pages that follow
	}
	if !slices.Equal(pages[:1], all[:1]) || len(pages) != len(slices.Compact(slices.Clone(pages))) || !containsAll(pages, all) {
		t.Errorf("%v, want %v", pages, all)
	}
	for name, c := range map[string]struct {
		f    shipping.Filter
		want int
	}{
		"delivered":          {shipping.Filter{Status: shipping.StatusDelivered}, 1},
		"said to be":         {shipping.Filter{TrackingStatus: shipping.TrackDelivered}, 1},
		"of a carrier":       {shipping.Filter{Carrier: "ups"}, 1},
		"from then on":       {shipping.Filter{From: start.Add(time.Hour)}, 1},
		"until then":         {shipping.Filter{To: start}, 0},
		"of two at once":     {shipping.Filter{Carrier: "ups", Status: shipping.StatusShipped}, 0},
		"of another's goods": {shipping.Filter{Carrier: "' or true --"}, 0},
	} {
		if got := w.listed(w.merchant, c.f, 100); len(got) != c.want {
			t.Errorf("%s: %d, want %d", name, len(got), c.want)
		}
	}
	if got := w.listed(id.New(), shipping.Filter{}, 100); len(got) != 0 {
		t.Errorf("another merchant sees %v", got)
	}
}

func containsAll(all, some []uuid.UUID) bool {
	return !slices.ContainsFunc(some, func(one uuid.UUID) bool { return !slices.Contains(all, one) })
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.ctx, sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

// A page of a list costs the same however much was ever sent.
func TestNoListOfParcelsSortsAllThatWasEverSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`insert into shipments (merchant_id, id, order_id, status, tracking_status, carrier, shipped_at, created_at, updated_at)
		select $1, gen_random_uuid(), gen_random_uuid(), case when n % 500 = 0 then 'in_transit' else 'delivered' end,
			case when n % 500 = 0 then 'customs_hold' else 'delivered' end, case when n % 1000 = 0 then 'ups' else 'haypost' end, $2, $2::timestamptz + n * interval '1 second', $2
		from generate_series(1, 20000) n`, w.merchant, start)
	w.exec(`analyze shipments`)
	for name, where := range map[string]string{
		"all": "true", "by status": "status = 'in_transit'", "by word": "tracking_status = 'customs_hold'", "by carrier": "carrier = 'ups'",
		"further": "(created_at, id) < ('2026-03-05 14:00:00Z', '01900000-0000-7000-8000-0000000000aa')",
	} {
		rows, err := w.db.Query(w.ctx, fmt.Sprintf(`explain select id from shipments where merchant_id = '%s' and %s order by created_at desc, id desc limit 21`, w.merchant, where))
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, line)
		}
		rows.Close()
		if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan") || strings.Contains(text, "Sort") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
