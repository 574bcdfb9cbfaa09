// Package model is the linear model behind the assistant: hashed words, pairs of
// words, pieces of words and meanings in, one chance for each intent out, and
// whether the text is this shop's business at all. The artefact is part of the
// program; package learn makes it.
package model

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the artefact
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync"
)

// Head is what the artefact says of itself.
type Head struct {
	// Intents are the answers, in the order of the weights; behind them stands
	// the gate.
	Intents []string `json:"intents"`
	// Scale is what one step of a weight is worth, for each intent and the gate.
	Scale []float64 `json:"scale"`
	// Bias is added to each.
	Bias []float64 `json:"bias"`
	// Temperature divides the intents' scores so that chances mean what they say.
	Temperature float64 `json:"temperature"`
	// Gate makes the chance that a text is the shop's business: a constant, the
	// weight of the gate's score and that of the intents' opinion.
	Gate [3]float64 `json:"gate"`
	// Thresholds are where the assistant answers, offers, or gives up.
	Thresholds Thresholds `json:"thresholds"`
	// Words is the vocabulary, the commonest first.
	Words []string `json:"words"`
}

// Thresholds are limits on chances between 0 and 1.
type Thresholds struct {
	// Scope is the least chance at which a text is taken for the shop's business.
	Scope float64 `json:"scope"`
	// Sure is the least chance at which an intent is acted on without asking.
	Sure float64 `json:"sure"`
	// Offer is the least chance of the best two together at which they are offered.
	Offer float64 `json:"offer"`
}

// Model scores texts. It may be used by many at once.
type Model struct {
	Head
	weights    []int8 // Buckets rows of len(Intents)+1
	vocabulary *Vocabulary
	outOfScope int
	business   []bool
}

const magic = "doorstep assistant 1\n"

var errArtefact = errors.New("the assistant's model cannot be read")

//go:embed model.bin
var artefact []byte

// Default is the model that comes with the program.
var Default = sync.OnceValues(func() (*Model, error) { return Read(artefact) })

// Artefact is the file that Default is read from, and its SHA-256 in hex.
func Artefact() ([]byte, string) {
	sum := sha256.Sum256(artefact)
	return artefact, hex.EncodeToString(sum[:])
}

// New puts a model together. Weights are Buckets rows of one value for each
// intent and one for the gate.
func New(head Head, weights []int8) *Model {
	m := &Model{Head: head, weights: weights, vocabulary: NewVocabulary(head.Words), outOfScope: slices.Index(head.Intents, "out_of_scope")}
	for _, intent := range head.Intents {
		m.business = append(m.business, intent != "out_of_scope" && !slices.Contains([]string{"greeting", "thanks_bye", "yes", "no"}, intent))
	}
	return m
}

// Write is the model as a file.
func (m *Model) Write() []byte {
	head, err := json.Marshal(m.Head)
	if err != nil {
		panic(err) // plain values
	}
	var b bytes.Buffer
	b.WriteString(magic)
	_ = binary.Write(&b, binary.LittleEndian, uint32(len(head)))
	b.Write(head)
	for _, w := range m.weights {
		b.WriteByte(byte(w))
	}
	return b.Bytes()
}

// Read reads a model that Write has written.
func Read(file []byte) (*Model, error) {
	rest, found := bytes.CutPrefix(file, []byte(magic))
	if !found || len(rest) < 4 {
		return nil, errArtefact
	}
	size := int(binary.LittleEndian.Uint32(rest))
	if size > len(rest)-4 {
		return nil, errArtefact
	}
	var head Head
	if err := json.Unmarshal(rest[4:4+size], &head); err != nil {
		return nil, errors.Join(errArtefact, err)
	}
	columns := len(head.Intents) + 1
	if rest = rest[4+size:]; len(rest) != Buckets*columns || len(head.Scale) != columns || len(head.Bias) != columns || head.Temperature <= 0 {
		return nil, errArtefact
	}
	weights := make([]int8, len(rest))
	for i, b := range rest {
		weights[i] = int8(b)
	}
	return New(head, weights), nil
}

// Vocabulary is what the model takes for known words.
func (m *Model) Vocabulary() *Vocabulary { return m.vocabulary }

// Input makes a row of a normalised text, with this model's vocabulary.
func (m *Model) Input(s string) Row { return Input(s, m.vocabulary) }

// Scores are the raw scores of a row: one for each intent, then the gate's.
func (m *Model) Scores(r Row) []float64 {
	columns := len(m.Intents) + 1
	sums := make([]float64, columns)
	for i, f := range r.Features {
		v := r.Values[i]
		for k, w := range m.weights[int(f)*columns : int(f+1)*columns] {
			sums[k] += float64(v * float64(w))
		}
	}
	for k := range sums {
		sums[k] = float64(sums[k]*m.Scale[k]) + m.Bias[k]
	}
	return sums
}

// Opinion is what the model holds of one text.
type Opinion struct {
	// Chances has one chance for each intent, which add up to 1.
	Chances []float64
	// Scope is the chance that the text is the shop's business.
	Scope float64
}

// Judge turns raw scores into chances.
func (m *Model) Judge(scores []float64) Opinion {
	o := Opinion{Chances: Softmax(scores[:len(m.Intents)], m.Temperature)}
	in := 0.0
	for k, p := range o.Chances {
		if m.business[k] {
			in += p
		}
	}
	o.Scope = Logistic(GateSum(m.Gate, scores[len(m.Intents)], in))
	return o
}

// Best are the places of the two best intents, out of scope left aside: whether a
// text is the shop's business at all, Scope says.
func (m *Model) Best(o Opinion) (first, second int) {
	first, second = -1, -1
	for k, p := range o.Chances {
		switch {
		case k == m.outOfScope:
		case first < 0 || p > o.Chances[first]:
			first, second = k, first
		case second < 0 || p > o.Chances[second]:
			second = k
		}
	}
	return first, second
}

// Answer is the place of the intent that is taken: out of scope when the gate
// says so and the best intent is no small talk.
func (m *Model) Answer(o Opinion) (intent int, sure float64) {
	first, _ := m.Best(o)
	if m.business[first] && o.Scope < m.Thresholds.Scope || o.Chances[m.outOfScope] > o.Chances[first] && o.Scope < 2*m.Thresholds.Scope && !m.business[first] {
		return m.outOfScope, 1 - o.Scope
	}
	return first, o.Chances[first] / (1 - o.Chances[m.outOfScope] + 1e-9)
}
