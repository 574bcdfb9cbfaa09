package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/shipping/packing"
	"doorstep/shipping/packing/packingtest"
)

// packing measures how fast and how well goods are packed: on made-up baskets,
// and on the container loads of Bischoff and Ratcliff. Every plan is proved.
func (b *bench) packing(ctx context.Context) error {
	if err := b.packBaskets(ctx); err != nil {
		return err
	}
	return b.packContainers(ctx)
}

func (b *bench) packBaskets(ctx context.Context) error {
	const baskets = 5000
	times := make([]time.Duration, 0, baskets)
	var took time.Duration
	var parcels, least, cost, leastCost, own int64
	for seed := range uint64(baskets) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s := packingtest.NewSample(seed)
		began := time.Now()
		plan, err := packing.Pack(s.Boxes, s.Items, s.Rules)
		d := time.Since(began)
		times, took = append(times, d), took+d
		if err == nil {
			err = packingtest.Verify(s.Boxes, s.Items, s.Rules, plan)
		}
		if err != nil {
			return fmt.Errorf("basket %d: %w", seed, err)
		}
		n, c, err := packing.Bound(s.Boxes, s.Items, s.Rules)
		if err != nil {
			return err
		}
		for _, p := range plan.Parcels {
			if p.Box == "" {
				own++
			}
		}
		parcels, cost, least, leastCost = parcels+int64(len(plan.Parcels)), cost+plan.Cost, least+n, leastCost+c
	}
	parcels -= own
	slices.Sort(times)
	f := figure{n: baskets, took: took, p50: times[baskets/2], p99: times[baskets*99/100]}
	b.row("packing 5,000 baskets (p99 at most 20 ms)", f, 0, "", "")
	if f.p99 > 20*time.Millisecond {
		b.failed = append(b.failed, fmt.Sprintf("packing takes %s at p99, want at most 20 ms", short(f.p99)))
	}
	fmt.Fprintf(b.out.out, "  %d boxes, no plan has fewer than %d; they cost %d, no plan costs less than %d\n", parcels, least, cost, leastCost)
	return nil
}

func (b *bench) packContainers(ctx context.Context) error {
	var whole int64
	sets := []int{3, 5, 8, 10, 12, 15, 20}
	const loads = 100
	for n, kinds := range sets {
		times := make([]time.Duration, 0, loads)
		var took time.Duration
		var fill int64
		for i := range int64(loads) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			box, items := packingtest.BischoffRatcliff(kinds, 2502505+100*i)
			began := time.Now()
			p, err := packing.Fill(box, items, packing.Rules{Steps: 5_000_000})
			d := time.Since(began)
			if err != nil {
				return err
			}
			times, took, fill = append(times, d), took+d, fill+p.FillBps
		}
		slices.Sort(times)
		b.row(fmt.Sprintf("container loads BR%d, filled to %d.%02d %%", n+1, fill/loads/100, fill/loads%100), figure{n: loads, took: took, p50: times[loads/2], p99: times[loads-1]}, 0, "", "85 %")
		whole += fill / loads
	}
	if mean := whole / int64(len(sets)); mean < 8500 {
		b.failed = append(b.failed, fmt.Sprintf("containers are filled to %d.%02d %%, want 85 %%", mean/100, mean%100))
	}
	return nil
}
