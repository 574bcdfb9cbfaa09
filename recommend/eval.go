package recommend

import (
	"maps"
	"math"
	"slices"
)

// Score is how well lists meet what was bought, averaged over the questions that
// have an answer; a question without a list scores 0.
type Score struct {
	Queries  int
	Recall   float64 // at 20: hits among the first 20 / what there was to find
	NDCG     float64 // at 20, binary, with log2(rank+1)
	Hit      float64 // at 10: share of lists with a hit among the first 10
	Coverage float64 // different items in all first 20 / all items
}

// at is how far down a list counts, atHit how far for Hit.
const at, atHit = 20, 10

// Judge compares lists with the truth, both by the names of the questions.
func Judge(lists, truth map[string][]string, items int) Score {
	var s Score
	shown := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(truth)) { // in one order, so that sums round alike
		want := truth[name]
		if len(want) == 0 {
			continue
		}
		s.Queries++
		list := lists[name]
		list = list[:min(at, len(list))]
		hits, gain, ideal := 0, 0.0, 0.0
		for rank, item := range list {
			shown[item] = true
			if slices.Contains(want, item) {
				hits++
				gain += 1 / math.Log2(float64(rank+2))
				if hits == 1 && rank < atHit {
					s.Hit++
				}
			}
		}
		for rank := range min(at, len(want)) {
			ideal += 1 / math.Log2(float64(rank+2))
		}
		s.Recall += float64(hits) / float64(len(want))
		s.NDCG += gain / ideal
	}
	n := math.Max(float64(s.Queries), 1)
	s.Recall, s.NDCG, s.Hit = s.Recall/n, s.NDCG/n, s.Hit/n
	s.Coverage = float64(len(shown)) / math.Max(float64(items), 1)
	return s
}
