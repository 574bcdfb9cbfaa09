package supplier

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"doorstep/catalog"
	"doorstep/internal/id"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestEachStatusGoesOnlyWhereItMay(t *testing.T) {
	t.Parallel()
	for from, to := range map[Status][]Status{
		Pending: {Sent, Accepted, Shipped, Completed, Canceled}, Sent: {Pending, Accepted, Shipped, Completed, Rejected, Canceled},
		Accepted: {Pending, Shipped, Completed, Rejected, Canceled}, Shipped: {Pending, Accepted, Completed, Canceled}, Completed: {Pending, Accepted, Shipped, Canceled},
		Rejected: {}, Canceled: {},
	} {
		for _, s := range []Status{Pending, Sent, Accepted, Shipped, Completed, Rejected, Canceled} {
			if from.Can(s) != slices.Contains(to, s) {
				t.Errorf("%s -> %s: %v", from, s, from.Can(s))
			}
		}
		if from.Over() != (len(to) == 0) {
			t.Errorf("%s over: %v", from, from.Over())
		}
	}
}

func TestThePromiseToShipKeepsTheSuppliersCalendar(t *testing.T) {
	t.Parallel()
	s := Supplier{Code: "p", Calendar: Calendar{Country: "KH", Timezone: "Asia/Phnom_Penh", Cutoff: "14:00", Workdays: []int{1, 2, 3, 4, 5}, HandlingDays: 2, Holidays: []string{"2026-03-04"}}}
	for now, want := range map[string]string{
		"2026-03-02T06:59:00Z": "2026-03-05T17:00:00Z", // Monday before two: Tuesday, then not on the holiday, so Thursday
		"2026-03-02T07:00:00Z": "2026-03-06T17:00:00Z", // at two it counts as Tuesday's
		"2026-03-07T00:00:00Z": "2026-03-11T17:00:00Z", // on a Saturday
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.due(at).UTC().Format(time.RFC3339); got != want {
			t.Errorf("asked at %s it is due at %s, want %s", now, got, want)
		}
	}
}

// bench is an order with the shop's own stock and that of two suppliers.
type bench struct {
	sale      Sale
	suppliers map[uuid.UUID]*Supplier
	sold      []catalog.Take
	have      []*Order
	made      int
}

var shelfAtHome = id.New()

// align does what Follow does, without a database.
func (b *bench) align() *alignment {
	a := &alignment{sale: &b.sale, suppliers: b.suppliers, now: monday}
	for _, t := range b.sold {
		if t.Quantity > 0 {
			a.sold = append(a.sold, t)
		}
	}
	for _, o := range b.have {
		a.changes = append(a.changes, &change{Order: o, before: o.Status})
	}
	a.run(func() string { b.made++; return fmt.Sprint("PO-", b.made) }, func(_, _ uuid.UUID) (Item, bool) { return Item{UnitMinor: 5}, true })
	b.have = b.have[:0]
	for _, c := range a.changes {
		b.have = append(b.have, c.Order)
	}
	return a
}

func newBench(t interface{ Helper() }, lines ...[3]int64) *bench {
	t.Helper()
	b := &bench{suppliers: map[uuid.UUID]*Supplier{}, sale: Sale{ID: id.New(), Number: "DS-1", Checkout: id.New(), ContactID: id.New(), Ready: true}}
	places := []uuid.UUID{shelfAtHome, id.New(), id.New()}
	for i, place := range places[1:] {
		b.suppliers[place] = &Supplier{ID: id.New(), Code: fmt.Sprint("s", i), Currency: "USD", LocationID: place, Calendar: Calendar{Country: "KH", Timezone: "UTC", Workdays: []int{1}}}
	}
	for i, from := range lines {
		l := SaleLine{ID: id.New(), VariantID: id.New(), Position: i, SKU: fmt.Sprint("SKU", i), Title: "Thing"}
		for j, n := range from {
			if l.Quantity += n; n > 0 {
				b.sold = append(b.sold, catalog.Take{VariantID: l.VariantID, LocationID: places[j], Quantity: n})
			}
		}
		b.sale.Lines = append(b.sale.Lines, l)
	}
	return b
}

func TestEachSupplierIsAskedOnceForWhatCameFromItsStock(t *testing.T) {
	t.Parallel()
	b := newBench(t, [3]int64{3, 2, 0}, [3]int64{0, 4, 1}, [3]int64{7, 0, 0})
	b.align()
	want := map[string]int64{"s0/SKU0": 2, "s0/SKU1": 4, "s1/SKU1": 1}
	got := b.asked()
	if fmt.Sprint(got) != fmt.Sprint(want) || len(b.have) != 2 {
		t.Fatalf("asked for %v of %d", got, len(b.have))
	}
	if again := b.align(); b.made != 2 || slices.ContainsFunc(again.changes, func(c *change) bool { return c.asks || c.made }) {
		t.Error("looking again has asked again")
	}
	cost, known := b.have[0].Cost()
	if !known || cost != 30 || b.have[0].Status != Pending || b.have[0].Mailing != 1 {
		t.Errorf("%+v", b.have[0])
	}
}

// asked are the units that are wanted, by supplier and SKU.
func (b *bench) asked() map[string]int64 {
	got := map[string]int64{}
	for _, o := range b.have {
		for _, s := range b.suppliers {
			for i := range o.Lines {
				if s.ID == o.SupplierID && o.Lines[i].wanted() > 0 {
					got[s.Code+"/"+o.Lines[i].SKU] += o.Lines[i].wanted()
				}
			}
		}
	}
	return got
}

func TestNobodyIsAskedBeforeTheMoneyIsThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, [3]int64{0, 2, 0}, [3]int64{0, 1, 0})
	b.sale.Ready = false
	if a := b.align(); !a.waiting || len(b.have) != 0 {
		t.Fatalf("asked %d, waiting %v", len(b.have), a.waiting)
	}
	b.sale.Ready, b.sale.Lines[1].Held = true, true
	if a := b.align(); !a.waiting || len(b.have) != 1 || b.have[0].line(b.sale.Lines[1].ID) != nil {
		t.Fatalf("what is held back is asked for: %v", b.asked())
	}
	b.sale.Lines[1].Held = false
	if a := b.align(); a.waiting || len(b.have) != 1 || b.have[0].Mailing != 2 || b.have[0].Status != Pending {
		t.Fatalf("%+v", b.have)
	}
	b.sale.Dead = true
	if a := b.align(); a.waiting || b.have[0].Status != Canceled || b.have[0].EndedAt == nil {
		t.Fatalf("%+v", b.have[0])
	}
}

func TestWhatTheShopSendsItselfIsNotWantedOfTheSupplier(t *testing.T) {
	t.Parallel()
	b := newBench(t, [3]int64{1, 3, 0})
	b.align()
	b.have[0].sent(monday)
	b.sale.Lines[0].Shipped = 3 // one of the shop's, and two that the supplier was asked for
	a := b.align()
	if b.asked()["s0/SKU0"] != 1 || len(a.changes[0].gone) != 1 || b.have[0].Status != Sent {
		t.Fatalf("still wanted: %v", b.asked())
	}
	b.sale.Lines[0].Shipped = 4
	if b.align(); b.have[0].Status != Canceled {
		t.Fatalf("it is %s", b.have[0].Status)
	}
}

func TestAnotherAddressIsMailedAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t, [3]int64{0, 2, 0})
	b.align()
	b.have[0].sent(monday)
	b.have[0].move(Accepted, monday)
	b.sale.ContactID = id.New()
	if a := b.align(); !a.changes[0].asks || b.have[0].Mailing != 2 || b.have[0].Status != Pending || b.have[0].ContactID != b.sale.ContactID {
		t.Fatalf("%+v", b.have[0])
	}
}

func TestWhatIsEndedIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, [3]int64{0, 2, 0})
	b.align()
	b.have[0].move(Rejected, monday)
	b.sale.ContactID = id.New()
	if a := b.align(); len(b.have) != 1 || a.changes[0].asks || len(a.changes[0].gone) > 0 || b.have[0].Status != Rejected {
		t.Fatalf("%+v", b.have)
	}
	b.sale.Dead = true
	if a := b.align(); len(a.changes[0].gone) > 0 || b.have[0].Status != Rejected {
		t.Fatalf("a refused purchase order loses %v", a.changes[0].gone)
	}
}

// Whatever happens to an order, in whatever order, suppliers are asked once each,
// never for more than was bought, and never for what was sent or canceled.
func TestSuppliersAreNeverAskedForMoreThanWasBought(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.Int64Range(0, 4)
		var from [][3]int64
		for range rapid.IntRange(1, 3).Draw(t, "lines") {
			from = append(from, [3]int64{some.Draw(t, "own"), some.Draw(t, "first"), 1 + some.Draw(t, "second")})
		}
		b := newBench(t, from...)
		b.align()
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			b.step(t)
			before := b.made
			b.align()
			if b.made > before && b.made > 2 {
				t.Fatal("a supplier was asked a second time")
			}
			b.check(t)
			mailings := fmt.Sprint(b.have[0].Mailing, b.asked())
			b.align()
			if again := fmt.Sprint(b.have[0].Mailing, b.asked()); again != mailings {
				t.Fatalf("looking again changes %s into %s", mailings, again)
			}
		}
	})
}

func (b *bench) step(t *rapid.T) {
	l := &b.sale.Lines[rapid.IntRange(0, len(b.sale.Lines)-1).Draw(t, "line")]
	n := rapid.Int64Range(1, 3).Draw(t, "units")
	o := b.have[rapid.IntRange(0, len(b.have)-1).Draw(t, "purchase order")]
	switch rapid.SampledFrom([]string{"cancel", "ship", "supplier ships", "sent", "accept", "reject", "back", "dead"}).Draw(t, "what") {
	case "cancel":
		for n = min(n, l.open()); n > 0; n-- { // it goes back on sale where it came from
			for i := range b.sold {
				if b.sold[i].VariantID == l.VariantID && b.sold[i].Quantity > 0 {
					b.sold[i].Quantity--
					l.Canceled++
					break
				}
			}
		}
	case "ship":
		l.Shipped += min(n, l.open())
	case "supplier ships":
		p := o.line(l.ID)
		if p == nil || o.Status == Pending || o.Status.ended() {
			return
		}
		n = min(n, p.Open(), l.open())
		p.Shipped, l.Shipped = p.Shipped+n, l.Shipped+n
	case "back": // a parcel of the supplier's is called back
		if p := o.line(l.ID); p != nil && !o.Status.Over() {
			l.Shipped, p.Shipped = l.Shipped-p.Shipped, 0
		}
	case "sent":
		if o.Status == Pending {
			o.sent(monday)
		}
	case "accept":
		if o.Status == Sent {
			o.move(Accepted, monday)
		}
	case "reject":
		if _, shipped := o.counts(); o.Status.Can(Rejected) && shipped == 0 {
			o.move(Rejected, monday)
		}
	case "dead":
		for i := range b.sale.Lines {
			if b.sale.Lines[i].Shipped > 0 {
				return
			}
		}
		b.sale.Dead = true
		for i := range b.sale.Lines {
			b.sale.Lines[i].Canceled = b.sale.Lines[i].Quantity
		}
		b.sold = nil
	}
}

func (b *bench) check(t *rapid.T) {
	wanted := map[uuid.UUID]int64{}
	open := map[uuid.UUID]int64{}
	for _, o := range b.have {
		for i := range o.Lines {
			l := &o.Lines[i]
			if l.Shipped < 0 || l.Canceled < 0 || l.Shipped+l.Canceled > l.Quantity {
				t.Fatalf("a line of %d with %d shipped and %d canceled", l.Quantity, l.Shipped, l.Canceled)
			}
			wanted[l.LineID] += l.wanted()
			if !o.Status.Over() {
				open[l.LineID] += l.Open()
			}
		}
		units, shipped := o.counts()
		ok := map[Status]bool{
			Pending: units > 0, Sent: units > 0, Accepted: units > 0 && shipped == 0, Shipped: units > 0 && shipped > 0, Completed: units == 0 && shipped > 0,
			Rejected: shipped == 0, Canceled: shipped == 0,
		}[o.Status]
		if !ok || (o.EndedAt != nil) != o.Status.ended() {
			t.Fatalf("it is %s with %d open and %d shipped", o.Status, units, shipped)
		}
	}
	for i := range b.sale.Lines {
		l := &b.sale.Lines[i]
		if wanted[l.ID] > l.Quantity || open[l.ID] > l.open() {
			t.Fatalf("%d asked for and %d open of a line of %d, %d shipped and %d canceled", wanted[l.ID], open[l.ID], l.Quantity, l.Shipped, l.Canceled)
		}
	}
}
