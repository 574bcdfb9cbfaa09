package model

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"doorstep/support/slot"
	"doorstep/support/text"
)

// Buckets is how many numbers features are hashed to.
const Buckets = 1 << 16

// mostTokens bounds what is looked at of one text.
const mostTokens = 120

// Row is a text as the model sees it: numbers of features, each once and in
// rising order, with their weights.
type Row struct {
	Features []uint32
	Values   []float64
}

// The kinds of features, and how much of the whole each kind has.
const (
	kindWord = iota
	kindPair
	kindChar
	kindConcept
	kindConceptPair
	kindShape
	kinds
)

var share = [kinds]float64{kindWord: 1, kindPair: 0.7, kindChar: 1, kindConcept: 0.9, kindConceptPair: 0.8, kindShape: 0.5}

type feature struct {
	bucket uint32
	kind   uint8
}

// Input makes a row of a normalised text. Words that the vocabulary does not
// hold are read as the nearest word that it holds; it may be nil.
func Input(s string, vocabulary *Vocabulary) Row {
	masked := slot.Mask(s)
	tokens := text.Tokens(masked)
	if len(tokens) > mostTokens {
		tokens = tokens[:mostTokens]
	}
	if _, romanised := text.Language(tokens, ""); romanised {
		text.Native(tokens)
	}
	words := make([]string, len(tokens))
	strange, content := 0, 0
	for i, t := range tokens {
		words[i] = t.Text
		switch {
		case t.Script == text.Digit:
			words[i] = "#" + strconv.Itoa(min(len(t.Text), 7))
		case t.Script == text.Latin && vocabulary != nil && len(t.Text) > 2:
			near, known := vocabulary.Nearest(t.Text)
			words[i] = near
			content++
			if !known {
				strange++
			}
		}
	}
	var all []feature
	all = wordFeatures(all, words)
	all = charFeatures(all, tokens, words)
	all = conceptFeatures(all, lexicon().of(tokens, words))
	all = shapeFeatures(all, masked, tokens, strange, content)
	return row(all)
}

func wordFeatures(all []feature, words []string) []feature {
	last := "^"
	for i, w := range words {
		all = append(all, feature{hash(kindWord, w, ""), kindWord})
		all = append(all, feature{hash(kindPair, last, w), kindPair})
		if i+2 < len(words) {
			all = append(all, feature{hash(kindPair+16, w, words[i+2]), kindPair})
		}
		last = w
	}
	if len(words) > 0 {
		all = append(all, feature{hash(kindPair, last, "$"), kindPair})
	}
	return all
}

// charFeatures are pieces of words of 2 to 5 signs, and of Khmer runs.
func charFeatures(all []feature, tokens []text.Token, words []string) []feature {
	buffer := make([]byte, 0, 64)
	starts := make([]int, 0, 64)
	for i, w := range words {
		if tokens[i].Script == text.Digit {
			continue
		}
		buffer = append(append(append(buffer[:0], '<'), w...), '>')
		starts = starts[:0]
		for at := 0; at < len(buffer); {
			starts = append(starts, at)
			_, n := utf8.DecodeRune(buffer[at:])
			at += n
		}
		starts = append(starts, len(buffer))
		for from := range starts {
			for n := 2; n <= 5 && from+n < len(starts); n++ {
				all = append(all, feature{hashBytes(kindChar, buffer[starts[from]:starts[from+n]]), kindChar})
			}
		}
	}
	return all
}

func conceptFeatures(all []feature, named []string) []feature {
	for i, c := range named {
		all = append(all, feature{hash(kindConcept, c, ""), kindConcept})
		for k := i + 1; k < len(named) && k < i+4; k++ {
			if named[k] != c {
				all = append(all, feature{hash(kindConceptPair, c, named[k]), kindConceptPair})
			}
		}
	}
	return all
}

// shapeFeatures say how long a text is, whether it asks, and how much of it
// the shop's customers have never said before.
func shapeFeatures(all []feature, masked string, tokens []text.Token, strange, content int) []feature {
	put := func(name string, n int) {
		all = append(all, feature{hash(kindShape, name, strconv.Itoa(n)), kindShape})
	}
	put("length", min(len(tokens), 3)+min(len(tokens)/4, 5))
	for i := range len(masked) {
		if masked[i] == '?' {
			put("asks", 1)
			break
		}
	}
	if content > 0 {
		put("strange", min(strange, 4))
		put("share", strange*4/content)
	}
	return all
}

// row sorts the features, leaves out repetitions, and gives each kind its share.
func row(all []feature) Row {
	slices.SortFunc(all, func(a, b feature) int {
		if a.bucket != b.bucket {
			return int(a.bucket) - int(b.bucket)
		}
		return int(a.kind) - int(b.kind)
	})
	all = slices.CompactFunc(all, func(a, b feature) bool { return a.bucket == b.bucket })
	var count [kinds]int
	for _, f := range all {
		count[f.kind]++
	}
	var weight [kinds]float64
	for k, n := range count {
		if n > 0 {
			weight[k] = share[k] / math.Sqrt(float64(n))
		}
	}
	r := Row{Features: make([]uint32, len(all)), Values: make([]float64, len(all))}
	for i, f := range all {
		r.Features[i], r.Values[i] = f.bucket, weight[f.kind]
	}
	return r
}

// hash is FNV-1a over a kind and two words, folded to a bucket.
func hash(kind int, a, b string) uint32 {
	h := start(kind)
	for i := range len(a) {
		h = (h ^ uint64(a[i])) * prime
	}
	h = (h ^ 0x1f) * prime
	for i := range len(b) {
		h = (h ^ uint64(b[i])) * prime
	}
	return fold(h)
}

func hashBytes(kind int, a []byte) uint32 {
	h := start(kind)
	for _, c := range a {
		h = (h ^ uint64(c)) * prime
	}
	return fold(h)
}

const prime = 1099511628211

func start(kind int) uint64 { return (14695981039346656037 ^ uint64(kind+1)) * prime }

func fold(h uint64) uint32 {
	h ^= h >> 29
	return uint32((h * 0x9E3779B97F4A7C15) >> (64 - 16))
}
