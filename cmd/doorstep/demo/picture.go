package demo

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Picture draws a product of the catalogue as an SVG of 800 by 800, below 6 KB
// and without anything from outside. It is false for a handle that the demo
// does not sell. The same handle always gives the same picture.
func Picture(handle string) ([]byte, bool) {
	p, ok := subjects()[handle]
	if !ok {
		return nil, false
	}
	return p.draw(), true
}

// subject is what a picture needs to know of a product.
type subject struct {
	handle, title, category, colour string
}

// subjects are the products by handle, read from the catalogue once.
var subjects = sync.OnceValue(func() map[string]subject {
	all := map[string]subject{}
	rows, err := csv.NewReader(bytes.NewReader(Products)).ReadAll()
	if err != nil || len(rows) == 0 {
		return all // the tests read the same file and say why
	}
	column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	for _, row := range rows[1:] {
		s := subject{handle: column(row, "handle"), title: column(row, "title"), category: column(row, "category")}
		if _, again := all[s.handle]; again {
			continue
		}
		for pair := range strings.SplitSeq(column(row, "attributes"), "|") {
			if colour, ok := strings.CutPrefix(pair, "Colour="); ok {
				s.colour = colour
			}
		}
		for _, n := range []string{"1", "2"} {
			switch column(row, "option"+n+"_name") {
			case "Colour", "Scent", "Pattern", "Flavour":
				s.colour = column(row, "option"+n+"_value")
			}
		}
		all[s.handle] = s
	}
	return all
})

// motif is one drawing on a ground at about y = 640. X, y and size say where an
// ornament of 200 by 200 fits, size in per cent; 0 is nowhere. Letters in braces
// are colours of the product's palette.
type motif struct {
	x, y, size int
	svg        string
}

// named is a word of a handle and the motif or ornament that it calls for.
type named struct{ word, name string }

// choose finds the first entry whose word is one of the handle's; a word with a
// hyphen is a part of the handle.
func choose(handle string, list []named) string {
	words := strings.Split(handle, "-")
	for _, n := range list {
		if strings.Contains(n.word, "-") && strings.Contains(handle, n.word) || slices.Contains(words, n.word) {
			return n.name
		}
	}
	return ""
}

// motifOf is the drawing of a product: by its handle, else by its category.
func (s subject) motif() (name string, m motif) {
	name = choose(s.handle, motifWords)
	if name == "" {
		top, _, _ := strings.Cut(s.category, " > ")
		name = motifOfCategory[top]
	}
	for _, drawer := range []map[string]motif{kitchenMotifs, textileMotifs, paperMotifs, toyMotifs, candleMotifs, gardenMotifs, bagMotifs} {
		if m, ok := drawer[name]; ok {
			return name, m
		}
	}
	return name, motif{}
}

func (s subject) draw() []byte {
	name, m := s.motif()
	ornament := choose(s.handle, ornamentWords)
	p := s.palette(name, ornament)
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800" role="img"><title>`)
	_ = xml.EscapeText(&b, []byte(s.title)) // a strings.Builder takes everything
	b.WriteString(`</title><rect width="800" height="800" fill="{0}"/><circle cx="400" cy="390" r="310" fill="{1}"/>` +
		`<ellipse cx="400" cy="646" rx="230" ry="24" fill="{2}"/>`)
	b.WriteString(m.svg)
	if o := ornaments[ornament]; o != "" && m.size > 0 {
		b.WriteString(`<g transform="translate(` + strconv.Itoa(m.x) + " " + strconv.Itoa(m.y) + `) scale(` + strconv.FormatFloat(float64(m.size)/100, 'f', -1, 64) + `)">` + o + `</g>`)
	}
	b.WriteString(`</svg>`)
	return []byte(p.Replace(b.String()))
}

// hashed is a number that belongs to the handle.
func (s subject) hashed() int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.handle)) // a hash takes everything
	return int(h.Sum32() >> 8)
}
