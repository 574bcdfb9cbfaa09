// Package recommend knows what people buy together, and says for each thing it
// shows why.
package recommend

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Basket is what was bought together, or by one person where no times are known.
type Basket struct {
	Items []int32 // each item once
	Age   float64 // in days before the table was built; 0 where no times are known
}

// Params shape a table of neighbours. The likeness of j to a seed i is
//
//	S(i,j) / (d(i)^B * d(j)^C) * n(i,j) / (n(i,j) + Shrink)
//
// where S sums |basket|^-A * 2^(-age/Half) over the baskets that hold both, n
// counts them and d sums the same weight over the baskets that hold the one.
type Params struct {
	A      float64 `json:"a"`      // how much less a large basket says
	B      float64 `json:"b"`      // how much less a popular seed says
	C      float64 `json:"c"`      // how much less a popular neighbour says
	Half   float64 `json:"half"`   // days in which a basket loses half its weight; 0: never
	Shrink float64 `json:"shrink"` // orders that it takes to believe half of a likeness
	Keep   int     `json:"keep"`   // neighbours that are kept for each item
	Most   int     `json:"most"`   // items of a basket that are looked at; 0: all
}

// Neighbour is an item that goes with another.
type Neighbour struct {
	Item   int32
	Weight float32
	Orders int32 // baskets that held both
}

// Table holds the neighbours of each item, the nearest first, and how much each
// item was bought.
type Table struct {
	Neighbours [][]Neighbour
	Popular    []float64 // decayed number of baskets with the item
}

// Build makes a table of items numbered from 0. The same baskets give the same
// table, whatever their order or the number of processors.
func Build(baskets []Basket, items int, p Params) *Table {
	return build(baskets, items, p, nil, nil)
}

// build makes a table. Rows that are not stale are those of old: what they are
// made of has not changed.
func build(baskets []Basket, items int, p Params, old *Table, stale []bool) *Table {
	t := &Table{Neighbours: make([][]Neighbour, items), Popular: make([]float64, items)}
	baskets = thin(baskets, p.Most)
	weight, holds := weigh(baskets, items, p)
	degree := make([]float64, items)
	for i := range items {
		for _, b := range holds[i] {
			degree[i] += weight[b]
			t.Popular[i] += decay(baskets[b].Age, p.Half)
		}
	}
	row := make([]float64, items) // of a neighbour's popularity, raised once
	for i, d := range degree {
		row[i] = math.Pow(math.Max(d, 1e-12), -p.C)
	}
	var next atomic.Int64
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			b := &builder{baskets: baskets, weight: weight, holds: holds, damp: row, p: p,
				sum: make([]float64, items), both: make([]int32, items)}
			for {
				i := int32(next.Add(1) - 1)
				if int(i) >= items {
					return
				}
				if old != nil && !stale[i] {
					t.Neighbours[i] = old.Neighbours[i]
					continue
				}
				t.Neighbours[i] = b.of(i, math.Pow(math.Max(degree[i], 1e-12), -p.B))
			}
		})
	}
	work.Wait()
	return t
}

func decay(age, half float64) float64 {
	if half <= 0 {
		return 1
	}
	return math.Exp2(-age / half)
}

// thin takes at most that many items of each basket, evenly spread.
func thin(baskets []Basket, most int) []Basket {
	if most <= 0 {
		return baskets
	}
	all := slices.Clone(baskets)
	for k, b := range all {
		if len(b.Items) <= most {
			continue
		}
		few := make([]int32, most)
		for i := range few {
			few[i] = b.Items[i*len(b.Items)/most]
		}
		all[k].Items = few
	}
	return all
}

// weigh gives each basket its weight and each item the baskets that hold it.
func weigh(baskets []Basket, items int, p Params) (weight []float64, holds [][]int32) {
	weight, holds = make([]float64, len(baskets)), make([][]int32, items)
	counts := make([]int, items)
	for _, b := range baskets {
		for _, i := range b.Items {
			counts[i]++
		}
	}
	for i, n := range counts {
		holds[i] = make([]int32, 0, n)
	}
	for at, b := range baskets {
		weight[at] = math.Pow(float64(max(len(b.Items), 1)), -p.A) * decay(b.Age, p.Half)
		for _, i := range b.Items {
			holds[i] = append(holds[i], int32(at))
		}
	}
	return weight, holds
}

// builder finds the neighbours of one item after the other.
type builder struct {
	baskets []Basket
	weight  []float64
	holds   [][]int32
	damp    []float64
	p       Params
	sum     []float64
	both    []int32
	touched []int32
}

func (b *builder) of(i int32, own float64) []Neighbour {
	b.touched = b.touched[:0]
	for _, at := range b.holds[i] {
		w := b.weight[at]
		for _, j := range b.baskets[at].Items {
			if j == i {
				continue
			}
			if b.both[j] == 0 {
				b.touched = append(b.touched, j)
			}
			b.both[j]++
			b.sum[j] += w
		}
	}
	all := make([]Neighbour, len(b.touched))
	for k, j := range b.touched {
		n := float64(b.both[j])
		all[k] = Neighbour{j, float32(b.sum[j] * own * b.damp[j] * n / (n + b.p.Shrink)), b.both[j]}
		b.sum[j], b.both[j] = 0, 0
	}
	if b.p.Keep > 0 && len(all) > b.p.Keep {
		nearest(all, b.p.Keep)
		all = slices.Clone(all[:b.p.Keep])
	}
	slices.SortFunc(all, nearer)
	return all
}

// nearer orders neighbours, the nearest first.
func nearer(x, y Neighbour) int {
	return cmp.Or(cmp.Compare(y.Weight, x.Weight), cmp.Compare(x.Item, y.Item))
}

// nearest brings the n nearest to the front, in any order: Hoare's selection.
func nearest(all []Neighbour, n int) {
	for len(all) > 1 && n > 0 && n < len(all) {
		pivot := all[len(all)/2]
		i, j := 0, len(all)-1
		for i <= j {
			for nearer(all[i], pivot) < 0 {
				i++
			}
			for nearer(all[j], pivot) > 0 {
				j--
			}
			if i <= j {
				all[i], all[j] = all[j], all[i]
				i++
				j--
			}
		}
		switch {
		case n <= j+1:
			all = all[:j+1]
		case n >= i:
			all, n = all[i:], n-i
		default:
			return
		}
	}
}
