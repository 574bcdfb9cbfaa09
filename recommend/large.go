package recommend

import (
	"bytes"
	"cmp"
	ring "container/list"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"doorstep/internal/db"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// largeMark is what a large shop has instead of tables in memory.
type largeMark struct {
	live map[Surface]int64 // the generation of the rows to read
}

// sales is how much a product sells, by the half-life of each surface.
type sales struct {
	product uuid.UUID
	of      [3]float64 // as tunable
}

// mostLooks bounds the looks that a large shop is learned from: the newest.
const mostLooks = 2_000_000

// readLarge learns a large shop: what sells, what is looked at together and what
// there is. What goes with what stands in rows that a job makes.
func readLarge(ctx context.Context, d *db.DB, merchant uuid.UUID) (*knowledge, error) {
	now := d.Now()
	p := &past{tuned: map[Surface]version{}}
	mark := &largeMark{live: map[Surface]int64{}}
	if err := patiently(ctx, d, positionQuery(&p.read), versionQuery(p.tuned, merchant), generationQuery(mark.live, merchant),
		rows(&p.onSale, scanItem, `select product_id, brand, category, created_at from v_recommendable where merchant_id = $1`, merchant),
		rows(&p.seen, scanLook, `select * from (select visitor, at, product_id, id from rec_events where merchant_id = $1 and kind = 'view' and at > $2
			order by at desc, id desc limit $3) l order by at, id`, merchant, now.Add(-viewsBack), mostLooks),
		exposureQuery(&p.shown, merchant, now.Add(-viewsBack)),
	); err != nil {
		return nil, err
	}
	var half []float64
	for _, s := range tunable {
		half = append(half, max(p.settings(s, largeLog).TrendHalf, 1e-3))
	}
	var sold []sales
	if err := patiently(ctx, d, rows(&sold, func(row pgx.Rows, s *sales) error { return row.Scan(&s.product, &s.of[0], &s.of[1], &s.of[2]) },
		`select product_id, sum(power(2, -age / $3)), sum(power(2, -age / $4)), sum(power(2, -age / $5)) from (
			select distinct order_id, product_id, (extract(epoch from $6::timestamptz - placed_at) / 86400)::float8 as age from v_purchases
			where merchant_id = $1 and placed_at > $2`+someProduct+`) l group by product_id`,
		merchant, now.Add(-lookBack), half[0], half[1], half[2], now)); err != nil {
		return nil, err
	}
	k := knowLarge(now, p, sold, mark)
	k.took = d.Now().Sub(now)
	return k, nil
}

// largeLog stands for a log that is too long to be read.
var largeLog = &Log{Timed: true, Orders: make([]Order, fewOrders)}

func knowLarge(now time.Time, p *past, sold []sales, mark *largeMark) *knowledge {
	k := &knowledge{at: now, past: p, number: map[uuid.UUID]int32{}, rankers: map[Surface]*Ranker{}, tuned: p.tuned, large: mark}
	bought := make([]purchase, len(sold))
	for i, s := range sold {
		bought[i].product = s.product
	}
	k.list(p.onSale, bought)
	l := &Log{Timed: true, Items: make([]string, len(k.items))}
	for n, surface := range tunable {
		r := &Ranker{log: l, now: now, set: p.settings(surface, largeLog), customer: map[string][]int{}, trend: make([]float64, len(k.items)), boost: make([]float64, len(k.items))}
		total := 0.0
		for _, s := range sold {
			total += s.of[n]
		}
		for _, s := range sold {
			r.trend[k.number[s.product]] = s.of[n] / max(total, 1e-12)
		}
		for i := range r.trend {
			r.boost[i] = math.Pow(r.trend[i]+1e-6, r.set.Trend)
			if r.trend[i] > 0 {
				r.sells = append(r.sells, int32(i))
			}
		}
		slices.SortFunc(r.sells, func(a, b int32) int { return cmp.Or(cmp.Compare(r.trend[b], r.trend[a]), cmp.Compare(a, b)) })
		r.rows = map[int32][]Neighbour{}
		k.rankers[surface] = r
	}
	k.viewed = Build(k.visits(now, p.seen), len(k.items), Params{A: .5, B: .5, C: .4, Half: 30, Shrink: 5, Keep: 100, Most: 50})
	k.rank()
	k.untriedOf(p.shown)
	p.seen = nil
	return k
}

// rowKey names a row of neighbours.
type rowKey struct {
	merchant, product uuid.UUID
	surface           Surface
	generation        int64
}

// rowCache keeps the rows that were read last.
type rowCache struct {
	mu    sync.Mutex
	most  int
	order *ring.List // of keptRow, the one that was read last in front
	at    map[rowKey]*ring.Element
}

type keptRow struct {
	key  rowKey
	near []Neighbour
	of   *largeMark // whose numbers stand in the row
}

// mostRows is how many rows are in memory, for all large shops together: about
// 5 kB each.
const mostRows = 50_000

func (c *rowCache) find(key rowKey, of *largeMark) ([]Neighbour, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.at[key]
	if e == nil {
		return nil, false
	}
	row, _ := e.Value.(keptRow) // nothing else is in it
	if row.of != of {
		return nil, false
	}
	c.order.MoveToFront(e)
	return row.near, true
}

func (c *rowCache) keep(key rowKey, near []Neighbour, of *largeMark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == nil {
		c.at, c.order = map[rowKey]*ring.Element{}, ring.New()
	}
	if e := c.at[key]; e != nil {
		c.order.Remove(e)
	}
	c.at[key] = c.order.PushFront(keptRow{key, near, of})
	for len(c.at) > max(c.most, 1) {
		oldest := c.order.Back()
		row, _ := oldest.Value.(keptRow)
		delete(c.at, row.key)
		c.order.Remove(oldest)
	}
}

// loaded is what is known of a large shop with the rows that a question needs, and
// with what its person has bought.
func (s *Service) loaded(ctx context.Context, k *knowledge, a *Ask) (*knowledge, error) {
	surface := tableOf(a)
	var mine []purchase
	if surface == Home && len(a.Person) > 0 {
		if err := s.DB.Read(ctx, rows(&mine, scanPurchase, `select order_id, person, placed_at, product_id from v_purchases
			where merchant_id = $1 and person = $2 and placed_at > $3`+someProduct+` order by placed_at, order_id, product_id`,
			a.Merchant, a.Person, s.DB.Now().Add(-lookBack))); err != nil {
			return nil, err
		}
	}
	mine = slices.DeleteFunc(mine, func(p purchase) bool { _, known := k.number[p.product]; return !known })
	products := slices.Clone(a.Seeds)
	for _, p := range mine {
		products = append(products, p.product)
	}
	slices.SortFunc(products, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	near, err := s.near(ctx, k, a.Merchant, surface, slices.Compact(products))
	if err != nil {
		return nil, err
	}
	r := *k.rankers[surface]
	r.rows = near
	if len(mine) > 0 {
		l := k.orders(mine)
		r.log, r.customer = l, map[string][]int{}
		for i, o := range l.Orders {
			r.customer[o.Customer] = append(r.customer[o.Customer], i)
		}
	}
	other := *k
	other.rankers = map[Surface]*Ranker{}
	for name, was := range k.rankers {
		other.rankers[name] = was
	}
	other.rankers[surface] = &r
	return &other, nil
}

// near are the rows of some products, from memory or from the database.
func (s *Service) near(ctx context.Context, k *knowledge, merchant uuid.UUID, surface Surface, products []uuid.UUID) (map[int32][]Neighbour, error) {
	found := map[int32][]Neighbour{}
	key := rowKey{merchant: merchant, surface: surface, generation: k.large.live[surface]}
	var missing []uuid.UUID
	for _, p := range products {
		n, known := k.number[p]
		if !known {
			continue
		}
		key.product = p
		if row, have := s.rowsKept.find(key, k.large); have {
			found[n] = row
		} else {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 || key.generation == 0 {
		return found, nil
	}
	got, err := s.neighbourRows(ctx, merchant, surface, key.generation, missing, k.number)
	if err != nil {
		return nil, err
	}
	for _, p := range missing {
		key.product = p
		s.rowsKept.keep(key, got[p], k.large)
		found[k.number[p]] = got[p]
	}
	return found, nil
}
