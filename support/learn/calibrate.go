package learn

import (
	"slices"

	"doorstep/support/model"
	"doorstep/support/phrase"
)

// calibrate sets what turns scores into chances, and where the assistant stops
// believing itself, from scores that each phrase got while it was left out.
func calibrate(head *model.Head, examples []example, outside [][]float64) {
	gate := len(head.Intents)
	best := 0.0
	for t := 0.3; t < 4; t += 0.05 {
		loss := 0.0
		for i, e := range examples {
			loss -= model.Log(model.Softmax(outside[i][:gate], t)[e.intent] + 1e-9)
		}
		if head.Temperature == 0 || loss < best {
			head.Temperature, best = t, loss
		}
	}
	business := make([]float64, len(examples))
	for i := range examples {
		for k, p := range model.Softmax(outside[i][:gate], head.Temperature) {
			if head.Intents[k] != phrase.OutOfScope && !phrase.SmallTalk(head.Intents[k]) {
				business[i] += p
			}
		}
	}
	head.Gate = fitGate(examples, outside, business, gate)
	limits(head, examples, outside, business)
}

// fitGate is a logistic regression of three numbers by gradient descent.
func fitGate(examples []example, outside [][]float64, business []float64, gate int) [3]float64 {
	g := [3]float64{0, 0.7, 0.7}
	for range 300 {
		var down [3]float64
		n := 0.0
		for i, e := range examples {
			far := model.Logistic(model.GateSum(g, outside[i][gate], business[i])) - e.business
			down[0] += far
			down[1] += float64(far * outside[i][gate])
			down[2] += float64(far * model.Log((business[i]+1e-4)/(1-business[i]+1e-4)))
			n++
		}
		for k := range g {
			g[k] -= float64(0.15 * (down[k] / n))
		}
		g[1], g[2] = max(g[1], 0), max(g[2], 0)
	}
	return g
}

// limits sets the thresholds: 96 of 100 phrases of business pass the gate; what
// is acted on at once is right 95 times of 100; what is offered as one of two
// holds the right one 80 times of 100.
func limits(head *model.Head, examples []example, outside [][]float64, business []float64) {
	asks := model.New(model.Head{Intents: head.Intents}, nil)
	var inside []float64
	var one, two []judged
	gate, rest := len(head.Intents), slices.Index(head.Intents, phrase.OutOfScope)
	for i, e := range examples {
		o := model.Opinion{Chances: model.Softmax(outside[i][:gate], head.Temperature)}
		if first, second := asks.Best(o); e.business == 1 {
			inside = append(inside, model.Logistic(model.GateSum(head.Gate, outside[i][gate], business[i])))
			known := 1 - o.Chances[rest] + 1e-9
			one = append(one, judged{o.Chances[first] / known, first == e.intent})
			two = append(two, judged{(o.Chances[first] + o.Chances[second]) / known, first == e.intent || second == e.intent})
		}
	}
	slices.Sort(inside)
	head.Thresholds.Scope = inside[len(inside)/25]
	head.Thresholds.Sure, _ = reach(one, 0.95)
	head.Thresholds.Offer, _ = reach(two, 0.80)
}

// judged is one answer with how sure it was and whether it was right.
type judged struct {
	sure  float64
	right bool
}

// reach is the lowest certainty above which that part of the answers is right,
// and the part of all answers that is above it.
func reach(all []judged, precision float64) (limit, coverage float64) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b judged) int {
		switch {
		case a.sure > b.sure:
			return -1
		case a.sure < b.sure:
			return 1
		}
		return 0
	})
	limit = 1
	right := 0
	for i, j := range sorted {
		if j.right {
			right++
		}
		last := i+1 == len(sorted) || sorted[i+1].sure < j.sure
		if last && float64(right) >= precision*float64(i+1) {
			limit, coverage = j.sure, float64(i+1)/float64(len(sorted))
		}
	}
	return limit, coverage
}
