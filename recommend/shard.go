package recommend

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Shops that are too large to be learned in memory have the neighbours of each
// product in a row of its own, which a job makes shard by shard: it needs memory
// for the products of the shop and for the pairs of one shard. The numbers are
// those of learning in memory.

// stream gives baskets one after the other, the oldest first, with the products in
// the order of their ids; mine says which of them are in the shard.
type stream func(each func(b Basket, mine []bool) error) error

// pairs adds up what one product was bought with.
type pairs map[int32]*pair

type pair struct {
	sum  float64
	both int32
}

// degrees sums the weights of the baskets that hold each product.
func degrees(all stream, items int, p Params) ([]float64, error) {
	d := make([]float64, items)
	return d, all(func(b Basket, _ []bool) error {
		few := thin([]Basket{b}, p.Most)[0]
		w := weightOf(few, p)
		for _, i := range few.Items {
			d[i] += w
		}
		return nil
	})
}

func weightOf(b Basket, p Params) float64 {
	return math.Pow(float64(max(len(b.Items), 1)), -p.A) * decay(b.Age, p.Half)
}

// shardRows makes the rows of one shard from the baskets that hold any of its
// products.
func shardRows(all stream, degree []float64, p Params) (map[int32][]Neighbour, error) {
	sums := map[int32]pairs{}
	err := all(func(b Basket, mine []bool) error {
		ours := map[int32]bool{}
		for at, i := range b.Items {
			ours[i] = mine[at]
		}
		few := thin([]Basket{b}, p.Most)[0]
		w := weightOf(few, p)
		for _, i := range few.Items {
			if !ours[i] {
				continue
			}
			of := sums[i]
			if of == nil {
				of = pairs{}
				sums[i] = of
			}
			for _, j := range few.Items {
				if j == i {
					continue
				}
				if of[j] == nil {
					of[j] = &pair{}
				}
				of[j].sum += w
				of[j].both++
			}
		}
		return nil
	})
	rows := make(map[int32][]Neighbour, len(sums))
	for i, of := range sums {
		rows[i] = p.row(of, math.Pow(math.Max(degree[i], 1e-12), -p.B), func(j int32) float64 { return math.Pow(math.Max(degree[j], 1e-12), -p.C) })
	}
	return rows, err
}

// row weighs the neighbours of a product and keeps the nearest.
func (p Params) row(of pairs, own float64, damp func(j int32) float64) []Neighbour {
	all := make([]Neighbour, 0, len(of))
	for j, s := range of {
		n := float64(s.both)
		all = append(all, Neighbour{j, float32(s.sum * own * damp(j) * n / (n + p.Shrink)), s.both})
	}
	slices.SortFunc(all, nearer)
	if p.Keep > 0 && len(all) > p.Keep {
		all = slices.Clone(all[:p.Keep])
	}
	return all
}

// itemsPerShard is how many products a shard holds, about.
const itemsPerShard = 20_000

// BuildLarge makes the rows of a large shop anew, surface by surface and shard by
// shard. What was there before is read until all is there.
func (s *Service) BuildLarge(ctx context.Context, merchant uuid.UUID) error {
	now := s.DB.Now()
	live, err := s.liveVersions(ctx, merchant)
	if err != nil {
		return err
	}
	ids, err := s.soldIDs(ctx, merchant, now)
	if err != nil {
		return err
	}
	number := make(map[uuid.UUID]int32, len(ids))
	for n, id := range ids {
		number[id] = int32(n)
	}
	shards := max(1, (len(ids)+s.ShardItems-1)/s.ShardItems)
	for _, surface := range tunable {
		set := defaults[surface]
		if v, tuned := live[surface]; tuned {
			set = v.settings
		}
		if err := s.buildSurface(ctx, merchant, surface, now, set.Table, ids, number, shards); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) buildSurface(ctx context.Context, merchant uuid.UUID, surface Surface, now time.Time, p Params, ids []uuid.UUID, number map[uuid.UUID]int32, shards int) error {
	orders := int64(0)
	degree, err := degrees(func(each func(Basket, []bool) error) error {
		return s.streamAll(ctx, merchant, now, number, func(b Basket, mine []bool) error { orders++; return each(b, mine) })
	}, len(ids), p)
	if err != nil {
		return err
	}
	generation, err := s.beginBuild(ctx, merchant, surface, now)
	if err != nil {
		return err
	}
	for shard := range shards {
		rows, err := shardRows(func(each func(Basket, []bool) error) error {
			return s.streamShard(ctx, merchant, now, number, shards, shard, each)
		}, degree, p)
		if err != nil {
			return err
		}
		if err := s.writeRows(ctx, merchant, surface, generation, ids, rows); err != nil {
			return err
		}
	}
	return s.endBuild(ctx, merchant, surface, generation, now, orders)
}

// Build makes the rows of all shops that are too large to be learned in memory and
// whose rows are old. A shop that fails holds up no other.
func (s *Service) Build(ctx context.Context) error {
	due, failed := s.largeShops(ctx)
	for _, merchant := range due {
		if ctx.Err() != nil {
			break
		}
		if err := s.BuildLarge(ctx, merchant); err != nil {
			failed = errors.Join(failed, fmt.Errorf("shop %s: %w", merchant, err))
		}
	}
	return failed
}
