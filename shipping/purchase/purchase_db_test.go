package purchase_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/shipping/purchase"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

type world struct {
	t        *testing.T
	db       *db.DB
	shop     *catalog.Service
	bought   *purchase.Service
	merchant uuid.UUID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, merchant: id.New()}
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = clock.At(start) }).DB
	w.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, start)
	product, location := id.New(), id.New()
	w.exec(`insert into locations (merchant_id, id, code, name, country, created_at) values ($1, $2, 'MAIN', 'Main', 'AM', $3)`, w.merchant, location, start)
	w.exec(`insert into products (merchant_id, id, slug, status, title, version, created_at, updated_at) values ($1, $2, 'thing', 'active', 'Thing', 1, $3, $3)`, w.merchant, product, start)
	for i, sku := range []string{"CUP", "POT"} {
		w.exec(`insert into variants (merchant_id, id, product_id, sku, position, option_values, weight_g, status, created_at, updated_at) values ($1, $2, $3, $4, $5, '[]', $6, 'active', $7, $7)`,
			w.merchant, id.New(), product, sku, i, []int64{300, 1200}[i], start)
	}
	w.shop = catalog.New(w.db)
	w.bought = purchase.New(w.db, w.shop)
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(context.Background(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) add(change func(*purchase.Shipment)) (*purchase.Shipment, error) {
	p := purchase.Shipment{Supplier: "Siem Reap Pottery", Incoterm: "FOB", Currency: "USD", Freight: 1000, Duty: 200, Fees: 1, SharedBy: purchase.ByValue,
		Lines: []purchase.Line{{SKU: "CUP", Quantity: 10, Unit: 150}, {SKU: "POT", Quantity: 4, Unit: 900}}}
	change(&p)
	return w.bought.Add(w.t.Context(), w.merchant, p, "")
}

func (w *world) must(p *purchase.Shipment, err error) *purchase.Shipment {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) free(sku string) (n int64) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), `select coalesce(sum(s.free), 0) from stock s join variants v on v.merchant_id = s.merchant_id and v.id = s.variant_id where s.merchant_id = $1 and v.sku = $2`,
		w.merchant, sku).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func as(p *purchase.Shipment) string {
	out := string(p.Status)
	for i := range p.Lines {
		l := &p.Lines[i]
		if l.Landed == nil {
			continue
		}
		unit, _ := l.LandedUnit()
		out += fmt.Sprintf(" %s:%d+%d=%d/%d", l.SKU, *l.Received, *l.Damaged, *l.Landed, unit)
	}
	return out
}

func TestReceivedGoodsAreInStockOnceAndCostWhatWasPaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		shared string
		counts []purchase.Count
		want   string
		cups   int64
	}{
		// 1,201 for the way over goods of 1,500 and 3,600
		{"all of it, by value", purchase.ByValue, nil, "received CUP:10+0=1853/185 POT:4+0=4448/1112", 10},
		// 3 kg and 4.8 kg
		{"by weight", purchase.ByWeight, nil, "received CUP:10+0=1962/196 POT:4+0=4339/1085", 10},
		{"short, broken and too many", purchase.ByValue, []purchase.Count{{Line: 1, Received: 6, Damaged: 2}, {Line: 2, Received: 5}}, "received CUP:6+2=1453/242 POT:5+0=5448/1090", 6},
	} {
		w := newWorld(t)
		p := w.must(w.add(func(p *purchase.Shipment) { p.SharedBy = c.shared }))
		var all sync.WaitGroup
		var mu sync.Mutex
		done, closed := 0, 0
		for range 6 {
			all.Go(func() {
				_, err := w.bought.Receive(t.Context(), w.merchant, p.ID, "staff", c.counts)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case fault.Is(err, purchase.ErrClosed):
					closed++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		got := w.must(w.bought.Shipment(t.Context(), w.merchant, p.ID))
		if done != 1 || closed != 5 || as(got) != c.want || w.free("CUP") != c.cups {
			t.Errorf("%s: %d received, %d refused, %s, %d cups in stock; want %s", c.name, done, closed, as(got), w.free("CUP"), c.want)
		}
	}
}

func TestAShipmentStandsAsItsLatestMilestoneSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := start.Truncate(24*time.Hour).AddDate(0, 0, -10)
	p := w.must(w.add(func(p *purchase.Shipment) { p.ExpectedOn, p.SlackDays = &day, 3 }))
	if p.Status != purchase.Ordered || len(p.Milestones) != 1 || !p.Late(start) || p.Late(start.AddDate(0, 0, -8)) {
		t.Errorf("%+v", p)
	}
	for _, m := range []struct {
		status purchase.Status
		hours  int
		want   purchase.Status
	}{{purchase.Arrived, 5, purchase.Arrived}, {purchase.Departed, 3, purchase.Arrived}, {purchase.CustomsHold, 6, purchase.CustomsHold}, {purchase.Cleared, 7, purchase.Cleared}} {
		p = w.must(w.bought.Pass(t.Context(), w.merchant, p.ID, purchase.Milestone{Status: m.status, At: start.Add(time.Duration(m.hours) * time.Hour)}))
		if p.Status != m.want {
			t.Errorf("after %s it is %s", m.status, p.Status)
		}
	}
	p = w.must(w.bought.File(t.Context(), w.merchant, p.ID, purchase.Paper{Kind: "invoice", Name: "INV 7", URL: "https://files.example/7.pdf"}))
	freight := int64(5000)
	p = w.must(w.bought.Change(t.Context(), w.merchant, p.ID, purchase.Costs{Freight: &freight}))
	if len(p.Papers) != 1 || p.Freight != 5000 || p.Duty != 200 {
		t.Errorf("%+v", p)
	}
	w.must(w.bought.Cancel(t.Context(), w.merchant, p.ID))
	for name, act := range map[string]func() (*purchase.Shipment, error){
		"receive": func() (*purchase.Shipment, error) {
			return w.bought.Receive(t.Context(), w.merchant, p.ID, "", nil)
		},
		"pass": func() (*purchase.Shipment, error) {
			return w.bought.Pass(t.Context(), w.merchant, p.ID, purchase.Milestone{Status: purchase.Arrived, At: start})
		},
		"change": func() (*purchase.Shipment, error) {
			return w.bought.Change(t.Context(), w.merchant, p.ID, purchase.Costs{Freight: &freight})
		},
		"cancel": func() (*purchase.Shipment, error) { return w.bought.Cancel(t.Context(), w.merchant, p.ID) },
	} {
		if _, err := act(); !errors.Is(err, purchase.ErrClosed) {
			t.Errorf("%s a canceled shipment: %v", name, err)
		}
	}
	if _, err := w.bought.Shipment(t.Context(), id.New(), p.ID); !errors.Is(err, purchase.ErrNotFound) {
		t.Errorf("another shop reads it: %v", err)
	}
}

func TestImpossiblePurchasesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*purchase.Shipment)
		want   *fault.Error
	}{
		"no supplier":  {func(p *purchase.Shipment) { p.Supplier = " " }, purchase.ErrInvalid},
		"no lines":     {func(p *purchase.Shipment) { p.Lines = nil }, purchase.ErrInvalid},
		"twice":        {func(p *purchase.Shipment) { p.Lines[1].SKU = "CUP" }, purchase.ErrInvalid},
		"unknown sku":  {func(p *purchase.Shipment) { p.Lines[1].SKU = "LID" }, catalog.ErrVariantNotFound},
		"bad incoterm": {func(p *purchase.Shipment) { p.Incoterm = "DDU" }, purchase.ErrInvalid},
		"bad money":    {func(p *purchase.Shipment) { p.Freight = -1 }, purchase.ErrInvalid},
	} {
		if _, err := w.add(c.change); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := w.must(w.add(func(*purchase.Shipment) {}))
	for _, counts := range [][]purchase.Count{{{Line: 3}}, {{Line: 1}, {Line: 1}}, {{Line: 1, Received: -1}}} {
		if _, err := w.bought.Receive(t.Context(), w.merchant, p.ID, "", counts); !errors.Is(err, purchase.ErrInvalid) {
			t.Errorf("%v: %v", counts, err)
		}
	}
}
