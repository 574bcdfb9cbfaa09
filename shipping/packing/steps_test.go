package packing

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestAThousandPiecesTakeBoundedWork(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	var items []Item
	for i := range MostPieces {
		items = append(items, Item{SKU: fmt.Sprint(i), Quantity: 1, LengthMM: 20 + r.Int64N(200), WidthMM: 20 + r.Int64N(150), HeightMM: 20 + r.Int64N(100), WeightG: r.Int64N(2000)})
	}
	boxes := []Box{{ID: "small", LengthMM: 250, WidthMM: 200, HeightMM: 120, MaxG: 5_000, Cost: 80}, {ID: "large", LengthMM: 500, WidthMM: 350, HeightMM: 300, MaxG: 20_000, Cost: 190},
		{ID: "huge", LengthMM: 600, WidthMM: 400, HeightMM: 400, MaxG: 30_000, Cost: 290}}
	p := newProblem(boxes, items, Rules{MaxParcelG: 23_000, SupportBps: 5000, Steps: DefaultSteps})
	loads := p.search()
	var packed int64
	for _, l := range loads {
		for i := range l.blocks {
			packed += l.blocks[i].count()
		}
	}
	if packed != MostPieces || p.steps > 8_000_000 {
		t.Errorf("%d pieces are packed after %d steps", packed, p.steps)
	}
	t.Logf("%d boxes, %d steps", len(loads), p.steps)
}
