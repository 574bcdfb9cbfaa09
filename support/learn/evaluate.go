package learn

import (
	"cmp"
	"slices"

	"doorstep/support/model"
	"doorstep/support/phrase"
	"doorstep/support/text"
)

// Figures say how good a model is on phrases whose meaning is known.
type Figures struct {
	Phrases int
	// Accuracy is the part of the phrases whose best intent is right.
	Accuracy float64
	// MacroF1 is the mean of the intents' F1, so that rare ones count as much.
	MacroF1 float64
	// Coverage is the part that can be answered so that 95 of 100 answers are right.
	Coverage float64
	// Languages has the accuracy for each language, with the number of phrases.
	Languages []Part
	// Wrong are the phrases that were not understood, in the order of the file.
	Wrong []Miss
}

// Part is the accuracy on a part of the phrases.
type Part struct {
	Name     string
	Phrases  int
	Accuracy float64
}

// Miss is a phrase that was taken for something else.
type Miss struct {
	Text, Want, Got string
	Sure            float64
}

// Case is a phrase with all intents that are right for it.
type Case struct {
	Text, Language string
	Intents        []string
}

// Cases takes phrases as cases with one right answer each.
func Cases(phrases []phrase.Phrase) []Case {
	cases := make([]Case, len(phrases))
	for i, p := range phrases {
		cases[i] = Case{p.Text, p.Language, []string{p.Intent}}
	}
	return cases
}

// Measure asks the model for every phrase. Cases without a language get it from
// their letters.
func Measure(m *model.Model, cases []Case) Figures {
	opinions := make([]model.Opinion, len(cases))
	for i, c := range cases {
		opinions[i] = m.Judge(m.Scores(m.Input(text.Normalise(c.Text))))
	}
	return figures(m, cases, opinions)
}

// figures compares opinions with what was meant.
func figures(m *model.Model, cases []Case, opinions []model.Opinion) Figures {
	f := Figures{Phrases: len(cases)}
	var all []judged
	right, meant, said := map[string]int{}, map[string]int{}, map[string]int{}
	hits, counts := map[string]int{}, map[string]int{}
	for i, c := range cases {
		first, sure := m.Answer(opinions[i])
		got := m.Intents[first]
		language := c.Language
		if language == "" {
			language, _ = text.Language(text.Tokens(text.Normalise(c.Text)), "")
		}
		counts[language]++
		want := c.Intents[0]
		ok := slices.Contains(c.Intents, got)
		if ok {
			want = got
			hits[language]++
			right[got]++
		} else {
			f.Wrong = append(f.Wrong, Miss{c.Text, want, got, sure})
		}
		meant[want]++
		said[got]++
		all = append(all, judged{sure, ok})
	}
	if len(cases) == 0 {
		return f
	}
	f.Accuracy = float64(len(cases)-len(f.Wrong)) / float64(len(cases))
	for intent, n := range meant {
		f.MacroF1 += 2 * float64(right[intent]) / float64(n+said[intent])
	}
	f.MacroF1 /= float64(len(meant))
	_, f.Coverage = reach(all, 0.95)
	for language, n := range counts {
		f.Languages = append(f.Languages, Part{language, n, float64(hits[language]) / float64(n)})
	}
	slices.SortFunc(f.Languages, func(a, b Part) int { return cmp.Compare(a.Name, b.Name) })
	return f
}

// Gate says how well the shop's business is told from everything else.
type Gate struct {
	Inside, Outside int
	// AUROC is the chance that a phrase of business gets more than a foreign one.
	AUROC float64
	// FalseAccepts is the part of the foreign phrases that pass when 95 of 100
	// phrases of business do.
	FalseAccepts float64
	// Passed and Refused are the parts that the model's own limit lets in and keeps out.
	Passed, Refused float64
}

// MeasureGate compares texts of business with foreign ones.
func MeasureGate(m *model.Model, inside, outside []string) Gate {
	return gate(scopes(m, inside), scopes(m, outside), m.Thresholds.Scope)
}

func gate(in, out []float64, limit float64) Gate {
	g := Gate{Inside: len(in), Outside: len(out)}
	if len(in) == 0 || len(out) == 0 {
		return g
	}
	slices.Sort(in)
	slices.Sort(out)
	sum := 0.0
	for _, s := range in {
		below, _ := slices.BinarySearch(out, s)
		upTo, _ := slices.BinarySearchFunc(out, s, func(a, b float64) int {
			if a <= b {
				return -1
			}
			return 1
		})
		sum += float64(below) + float64(upTo-below)/2
	}
	g.AUROC = sum / float64(len(in)) / float64(len(out))
	g.FalseAccepts = atLeast(out, in[len(in)/20])
	g.Passed = atLeast(in, limit)
	g.Refused = 1 - atLeast(out, limit)
	return g
}

func scopes(m *model.Model, texts []string) []float64 {
	all := make([]float64, len(texts))
	for i, s := range texts {
		all[i] = m.Judge(m.Scores(m.Input(text.Normalise(s)))).Scope
	}
	return all
}

func atLeast(sorted []float64, limit float64) float64 {
	from, _ := slices.BinarySearch(sorted, limit)
	return float64(len(sorted)-from) / float64(len(sorted))
}

// Crossed measures on our own phrases without showing them: a fifth at a time is
// left out of the training and asked for afterwards.
func Crossed(phrases []phrase.Phrase) (Figures, Gate) {
	head := model.Head{Intents: phrase.Intents, Words: vocabulary(phrases)}
	examples := prepare(phrases, head.Words)
	outside := cross(head, examples, 5)
	calibrate(&head, examples, outside)
	m := build(head, fitted{make([]float64, model.Buckets*(len(head.Intents)+1)), make([]float64, len(head.Intents)+1)})
	opinions := make([]model.Opinion, len(examples))
	var in, out []float64
	for i, e := range examples {
		opinions[i] = m.Judge(outside[i])
		if e.business == 1 {
			in = append(in, opinions[i].Scope)
		} else if phrases[i].Intent == phrase.OutOfScope {
			out = append(out, opinions[i].Scope)
		}
	}
	return figures(m, Cases(phrases), opinions), gate(in, out, head.Thresholds.Scope)
}
