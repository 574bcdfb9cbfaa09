// Package learn makes the assistant's model out of the training phrases and
// measures how good it is. The same phrases make the same bytes on every machine.
package learn

import (
	"math"
	"math/rand/v2"
	"slices"

	"doorstep/support/model"
	"doorstep/support/phrase"
	"doorstep/support/text"
)

// The settings of the training, found by leaving parts of our own phrases out.
const (
	rounds    = 16     // how often each phrase is seen
	pace      = 3.0    // how far one phrase moves the weights at first
	forget    = 2.5e-5 // how much of the weights fades with each phrase
	gateFloor = 0.002  // smaller errors are not worth a step
	folds     = 3
	// outOfScopeWeight keeps the many foreign phrases from outweighing an intent.
	outOfScopeWeight = 0.6
)

// example is a phrase in the form the training needs.
type example struct {
	row      model.Row
	intent   int
	business float64 // 1 when it is the shop's business
}

// Train makes a model. It is the same, bit by bit, for the same phrases.
func Train(phrases []phrase.Phrase) *model.Model {
	head := model.Head{Intents: phrase.Intents, Words: vocabulary(phrases)}
	examples := prepare(phrases, head.Words)
	columns := len(head.Intents) + 1
	outside := cross(head, examples, folds)
	calibrate(&head, examples, outside)
	return build(head, fit(examples, columns))
}

// cross gives each example the scores of a model that was made without it.
func cross(head model.Head, examples []example, folds int) [][]float64 {
	outside := make([][]float64, len(examples))
	for fold := range folds {
		var learn []example
		for i, e := range examples {
			if i%folds != fold {
				learn = append(learn, e)
			}
		}
		part := build(head, fit(learn, len(head.Intents)+1))
		for i, e := range examples {
			if i%folds == fold {
				outside[i] = part.Scores(e.row)
			}
		}
	}
	return outside
}

// prepare reads the phrases as the model will see them.
func prepare(phrases []phrase.Phrase, words []string) []example {
	known := model.NewVocabulary(words)
	examples := make([]example, len(phrases))
	for i, p := range phrases {
		e := example{row: model.Input(text.Normalise(p.Text), known), intent: slices.Index(phrase.Intents, p.Intent)}
		if p.Intent != phrase.OutOfScope && !phrase.SmallTalk(p.Intent) {
			e.business = 1
		}
		examples[i] = e
	}
	return examples
}

// vocabulary are the Latin words that at least two phrases of shoppers use, the
// commonest first.
func vocabulary(phrases []phrase.Phrase) []string {
	count := map[string]int{}
	for _, p := range phrases {
		if p.Intent == phrase.OutOfScope {
			continue
		}
		seen := map[string]bool{}
		for _, t := range text.Tokens(text.Normalise(p.Text)) {
			if t.Script == text.Latin && len(t.Text) > 2 && !seen[t.Text] {
				seen[t.Text] = true
				count[t.Text]++
			}
		}
	}
	var words []string
	for w, n := range count {
		if n > 1 {
			words = append(words, w)
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		if a < b {
			return -1
		}
		return 1
	})
	return words
}

// fitted are weights before they are rounded.
type fitted struct {
	weights []float64
	bias    []float64
}

// fit is stochastic gradient descent on the softmax of the intents and on the
// logistic of the gate, one example after the other in an order that depends on
// nothing but their number.
func fit(examples []example, columns int) fitted {
	f := fitted{make([]float64, model.Buckets*columns), make([]float64, columns)}
	dice := rand.New(rand.NewPCG(20, 26))
	order := make([]int, len(examples))
	for i := range order {
		order[i] = i
	}
	steps := float64(rounds * len(examples))
	faded := 1.0 // all weights are kept divided by this
	step := 0.0
	scores := make([]float64, columns)
	for range rounds {
		dice.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
		for _, i := range order {
			e := examples[i]
			rate := float64(pace * (1 - step/steps))
			step++
			f.score(e.row, columns, faded, scores)
			gradient(scores, e)
			faded = float64(faded * (1 - float64(rate*forget)))
			f.move(e.row, columns, rate/faded, rate, scores)
		}
	}
	for i, w := range f.weights {
		f.weights[i] = float64(w * faded)
	}
	return f
}

func (f fitted) score(r model.Row, columns int, faded float64, into []float64) {
	clear(into)
	for i, feature := range r.Features {
		v := r.Values[i]
		for k, w := range f.weights[int(feature)*columns : int(feature+1)*columns] {
			into[k] += float64(v * w)
		}
	}
	for k := range into {
		into[k] = float64(into[k]*faded) + f.bias[k]
	}
}

// gradient replaces scores by how far each should go down.
func gradient(scores []float64, e example) {
	gate := len(scores) - 1
	weight := 1.0
	if phrase.Intents[e.intent] == phrase.OutOfScope {
		weight = outOfScopeWeight
	}
	for k, p := range model.Softmax(scores[:gate], 1) {
		if k == e.intent {
			p--
		}
		scores[k] = float64(p * weight)
	}
	scores[gate] = model.Logistic(scores[gate]) - e.business
	if phrase.SmallTalk(phrase.Intents[e.intent]) {
		scores[gate] *= 0.5
	}
}

func (f fitted) move(r model.Row, columns int, rate, plain float64, down []float64) {
	for k, d := range down {
		if math.Abs(d) < gateFloor {
			continue
		}
		f.bias[k] -= float64(float64(plain*0.02) * d)
		far := float64(rate * d)
		for i, feature := range r.Features {
			f.weights[int(feature)*columns+k] -= float64(far * r.Values[i])
		}
	}
}

// build rounds the weights to 255 steps for each intent.
func build(head model.Head, f fitted) *model.Model {
	columns := len(head.Intents) + 1
	head.Scale = make([]float64, columns)
	head.Bias = f.bias
	for i, w := range f.weights {
		k := i % columns
		head.Scale[k] = max(head.Scale[k], math.Abs(w))
	}
	for k := range head.Scale {
		head.Scale[k] = max(head.Scale[k]/127, 1e-9)
	}
	weights := make([]int8, len(f.weights))
	for i, w := range f.weights {
		weights[i] = int8(math.RoundToEven(w / head.Scale[i%columns]))
	}
	if head.Temperature == 0 {
		head.Temperature = 1
	}
	return model.New(head, weights)
}
