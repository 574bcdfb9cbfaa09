package bleveengine

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"doorstep/search"
)

func TestTheBestAreTheFirstOfTheWholeOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOfN(rapid.IntRange(0, 30), 0, 200).Draw(t, "scores")
		n := rapid.IntRange(0, 40).Draw(t, "n")
		var all []candidate
		for i, s := range scores {
			all = append(all, candidate{doc: uint32(i), score: float32(s)})
		}
		order := func(a, b candidate) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.doc, b.doc)) }
		want := slices.SortedFunc(slices.Values(all), order)
		want = want[:min(n, len(want))]
		if got := best(slices.Clone(all), n, order); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// edits is the textbook distance with swaps of neighbours.
func edits(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range b {
		d[0][j+1] = j + 1
	}
	for i := range a {
		for j := range b {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			d[i+1][j+1] = min(d[i][j]+change, d[i][j+1]+1, d[i+1][j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d[i+1][j+1] = min(d[i+1][j+1], d[i-1][j-1]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestCorrectionsAreExactlyTheWordsWithinReach(t *testing.T) {
	t.Parallel()
	letters := rapid.SampledFrom([]rune("abcաբ1"))
	words := rapid.StringOfN(letters, 3, 10, -1)
	rapid.Check(t, func(t *rapid.T) {
		all := map[string]uint16{}
		for _, w := range rapid.SliceOfN(words, 1, 40).Draw(t, "words") {
			all[w] = 1
		}
		asked := words.Draw(t, "asked")
		v := (&vocabulary{}).with(all)
		got := map[string]int{}
		for _, n := range v.near(asked, false) {
			got[n.text] = n.distance
		}
		own := search.Edits(asked)
		for w := range all {
			d := edits([]rune(asked), []rune(w))
			near := own > 0 && digits(w) == digits(asked) &&
				(d <= own || len([]rune(asked)) >= 6 && d <= 2 && search.Edits(w) >= d)
			if _, ok := got[w]; ok != near || ok && got[w] != d {
				t.Fatalf("%q for %q (distance %d): listed %v at %d, want %v", w, asked, d, ok, got[w], near)
			}
		}
	})
}

func TestTheVocabularyGrowsAsIfBuiltAtOnce(t *testing.T) {
	t.Parallel()
	word := rapid.StringOfN(rapid.RuneFrom([]rune("ab~^ក")), 1, 4, -1)
	batch := rapid.MapOf(word, rapid.Uint16Range(1, 7))
	rapid.Check(t, func(t *rapid.T) {
		grown, all := &vocabulary{}, map[string]uint16{}
		for _, more := range rapid.SliceOfN(batch, 0, 5).Draw(t, "batches") {
			grown = grown.with(more)
			for w, fields := range more {
				all[w] |= fields
			}
		}
		if want := (&vocabulary{}).with(all); !slices.Equal(grown.words, want.words) {
			t.Fatalf("grown %v, want %v", grown.words, want.words)
		}
		for w, fields := range all {
			if grown.fields(w) != fields {
				t.Fatalf("%q has fields %b, want %b", w, grown.fields(w), fields)
			}
		}
	})
}
