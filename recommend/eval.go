package recommend

import (
	"maps"
	"math"
	"slices"
)

// Score is how well lists meet what was bought, averaged over the questions that
// have an answer; a question without a list scores 0.
type Score struct {
	Queries  int     `json:"queries"`
	Recall   float64 `json:"recall"`   // at 20: hits among the first 20 / what there was to find
	NDCG     float64 `json:"ndcg"`     // at 20, binary, with log2(rank+1)
	Hit      float64 `json:"hit"`      // at 10: share of lists with a hit among the first 10
	Coverage float64 `json:"coverage"` // different items in all first 20 / all items
}

// at is how far down a list counts, atHit how far for Hit.
const at, atHit = 20, 10

// Judge compares lists with the truth, both by the names of the questions.
func Judge(lists, truth map[string][]string, items int) Score {
	g := judge[string]{items: items, shown: map[string]int{}}
	for _, name := range slices.Sorted(maps.Keys(truth)) { // in one order, so that sums round alike
		g.add(lists[name], truth[name])
	}
	return g.score()
}

// judge adds up how well lists meet the truth.
type judge[T comparable] struct {
	items  int
	sum    Score
	gains  []float64 // of each question
	shown  map[T]int
	places int
}

// add judges one list. Questions that have no answer do not count.
func (g *judge[T]) add(list, want []T) {
	if len(want) == 0 {
		return
	}
	g.sum.Queries++
	list = list[:min(at, len(list))]
	hits, gain, ideal := 0, 0.0, 0.0
	for rank, item := range list {
		g.shown[item]++
		if slices.Contains(want, item) {
			hits++
			gain += 1 / math.Log2(float64(rank+2))
			if hits == 1 && rank < atHit {
				g.sum.Hit++
			}
		}
	}
	for rank := range min(at, len(want)) {
		ideal += 1 / math.Log2(float64(rank+2))
	}
	g.places += len(list)
	g.sum.Recall += float64(hits) / float64(len(want))
	g.sum.NDCG += gain / ideal
	g.gains = append(g.gains, gain/ideal)
}

func (g *judge[T]) score() Score {
	s := g.sum
	n := math.Max(float64(s.Queries), 1)
	s.Recall, s.NDCG, s.Hit = s.Recall/n, s.NDCG/n, s.Hit/n
	s.Coverage = float64(len(g.shown)) / math.Max(float64(g.items), 1)
	return s
}

// share is which part of all places some items take.
func (g *judge[T]) share(of []T) float64 {
	n := 0
	for _, item := range of {
		n += g.shown[item]
	}
	return float64(n) / math.Max(float64(g.places), 1)
}
