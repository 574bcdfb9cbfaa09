package model

import (
	_ "embed" // the lexicon
	"strings"
	"sync"

	"doorstep/support/text"
)

//go:embed concepts.txt
var conceptList string

// concepts say what words mean across languages, so that what is learned from
// one word helps with another.
type concepts struct {
	words map[string][]string // whole words
	stems map[string][]string // the first letters of words, ending in *
	pairs map[string][]string // two or three words in a row
	khmer []khmerForm         // looked for inside Khmer runs
	sizes []int               // lengths of stems, in bytes
}

type khmerForm struct{ form, concept string }

var lexicon = sync.OnceValue(func() *concepts {
	c := &concepts{words: map[string][]string{}, stems: map[string][]string{}, pairs: map[string][]string{}}
	longest := 0
	for line := range strings.Lines(conceptList) {
		fields := strings.Fields(line)
		for _, form := range fields[1:] {
			form = strings.ToLower(form)
			switch stem, cut := strings.CutSuffix(form, "*"); {
			case form[0] == 0xE1 && form[1] >= 0x9E:
				c.khmer = append(c.khmer, khmerForm{form, fields[0]})
			case strings.Contains(form, "_"):
				form = strings.ReplaceAll(stem, "_", " ")
				c.pairs[form] = append(c.pairs[form], fields[0])
			case cut:
				c.stems[stem] = append(c.stems[stem], fields[0])
				longest = max(longest, len(stem))
			default:
				c.words[form] = append(c.words[form], fields[0])
			}
		}
	}
	for n := 2; n <= longest; n++ {
		c.sizes = append(c.sizes, n)
	}
	return c
})

// of gives the concepts of a text in the order of its words.
func (c *concepts) of(tokens []text.Token, words []string) []string {
	found := make([]string, 0, len(words))
	add := func(names []string) {
		for _, name := range names {
			if n := len(found); n == 0 || found[n-1] != name {
				found = append(found, name)
			}
		}
	}
	for i, w := range words {
		if tokens[i].Script == text.Khmer {
			add(c.inKhmer(w))
			continue
		}
		if i+1 < len(words) && words[i+1] != "" {
			pair := w + " " + words[i+1]
			add(c.pairs[pair])
			if i+2 < len(words) {
				add(c.pairs[pair+" "+words[i+2]])
			}
		}
		add(c.words[w])
		for _, n := range c.sizes {
			if n > len(w) {
				break
			}
			add(c.stems[w[:n]])
		}
	}
	return found
}

func (c *concepts) inKhmer(run string) []string {
	type hit struct {
		at      int
		concept string
	}
	var hits []hit
	for _, k := range c.khmer {
		if at := strings.Index(run, k.form); at >= 0 {
			hits = append(hits, hit{at, k.concept})
		}
	}
	for i := 1; i < len(hits); i++ { // few: insertion keeps the order of the text
		for k := i; k > 0 && hits[k].at < hits[k-1].at; k-- {
			hits[k], hits[k-1] = hits[k-1], hits[k]
		}
	}
	names := make([]string, len(hits))
	for i, h := range hits {
		names[i] = h.concept
	}
	return names
}
