package bleveengine

import (
	"fmt"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/whitespace"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/goccy/go-json"
	"github.com/google/uuid"

	"doorstep/search"
)

// The text arrives in the index already cut by search.Tokens, so that documents
// and queries are read by the same code in every engine; Bleve only splits at
// spaces. Every word field holds plain words and, marked, the stems that differ
// from their word, compounds written as one word, and the stems that a title
// says twice, for it is then most likely about them.
const (
	stemMark  = "~"
	joinMark  = "^"
	twiceMark = "+"
	fieldCode = "code"
	fieldCard = "card"
)

// field numbers the word fields; a word's fields are kept as a bit set.
type field uint8

// Titles and descriptions have one field per language that orders results;
// other languages share the last.
const (
	titleFirst field = iota
	_                // hy
	_                // km
	titleOther
	descFirst
	_
	_
	descOther
	fieldBrand
	fieldCategory
	fieldTag
	fieldAttr
	fieldSKU
	fieldCount
)

var fieldNames = [fieldCount]string{"title_en", "title_hy", "title_km", "title_xx",
	"desc_en", "desc_hy", "desc_km", "desc_xx", "brand", "category", "tag", "attr", "sku"}

// languageSlot is the offset of a language among the title or description fields.
func languageSlot(language string) field {
	switch strings.ToLower(language[:min(2, len(language))]) {
	case "en":
		return 0
	case "hy":
		return 1
	case "km":
		return 2
	}
	return 3
}

func newMapping() (mapping.IndexMapping, error) {
	m := bleve.NewIndexMapping()
	err := m.AddCustomAnalyzer("cut", map[string]any{"type": custom.Name, "tokenizer": whitespace.Name})
	if err != nil {
		return nil, err
	}
	m.DefaultAnalyzer = "cut"
	doc := bleve.NewDocumentStaticMapping()
	words := bleve.NewTextFieldMapping()
	words.Store, words.DocValues, words.IncludeTermVectors, words.IncludeInAll = false, false, false, false
	words.SkipFreqNorm = true // scores are our own, see score.go
	for _, name := range fieldNames {
		doc.AddFieldMappingsAt(name, words)
	}
	doc.AddFieldMappingsAt(fieldCode, words)
	card := bleve.NewTextFieldMapping()
	card.Index, card.DocValues, card.IncludeTermVectors, card.IncludeInAll = false, false, false, false
	doc.AddFieldMappingsAt(fieldCard, card)
	m.DefaultMapping = doc
	return m, nil
}

// card is what the columns need of a document; it is stored in the index so
// that opening a folder needs nothing else.
type card struct {
	Slug       string            `json:"s,omitempty"`
	Title      map[string]string `json:"t,omitempty"`
	Brand      string            `json:"b,omitempty"`
	Category   []string          `json:"c,omitempty"`
	Tags       []string          `json:"g,omitempty"`
	Attrs      map[string]string `json:"a,omitempty"`
	HasSKU     bool              `json:"k,omitempty"`
	Prices     map[string]int64  `json:"p,omitempty"`
	InStock    bool              `json:"i,omitempty"`
	Status     string            `json:"u,omitempty"`
	Image      string            `json:"m,omitempty"`
	Popularity float64           `json:"o,omitempty"`
	Created    int64             `json:"n,omitempty"` // microseconds since 1970
	Version    int64             `json:"v,omitempty"`
	Length     int               `json:"l,omitempty"` // words in all fields
}

func cardOf(d search.Doc) card {
	status := d.Status
	if status == "" {
		status = search.StatusActive
	}
	return card{Slug: d.Slug, Title: d.Title, Brand: d.Brand, Category: d.Category, Tags: d.Tags, Attrs: d.Attrs,
		HasSKU: len(d.SKUs) > 0, Prices: d.Prices, InStock: d.InStock, Status: status, Image: d.Image,
		Popularity: d.Popularity, Created: micros(d.CreatedAt), Version: d.Version}
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// entry is one document on its way into the index.
type entry struct {
	id     uuid.UUID
	card   card
	fields map[string]any
	words  map[string]uint16 // each token with its fields, as a bit set
	codes  []string
}

func newEntry(d search.Doc) (*entry, error) {
	e := &entry{id: d.ProductID, card: cardOf(d), fields: map[string]any{}, words: map[string]uint16{}}
	var texts [fieldCount]strings.Builder
	for language, text := range d.Title {
		e.add(&texts, titleFirst+languageSlot(language), text)
	}
	for language, text := range d.Description {
		e.add(&texts, descFirst+languageSlot(language), text)
	}
	e.add(&texts, fieldBrand, d.Brand)
	for _, level := range d.Category {
		e.add(&texts, fieldCategory, level)
	}
	for _, tag := range d.Tags {
		e.add(&texts, fieldTag, tag)
	}
	for name, value := range d.Attrs {
		e.add(&texts, fieldAttr, attrText(name, value))
	}
	codes := map[string]bool{}
	for _, sku := range d.SKUs {
		e.add(&texts, fieldSKU, sku)
		if code := search.Code(sku); code != "" {
			e.put(&texts, fieldSKU, joinMark+code)
			codes[code] = true
		}
	}
	for _, barcode := range d.Barcodes {
		if code := barcodeOf(barcode); code != "" {
			codes[code] = true
		}
	}
	for f := range fieldCount {
		if texts[f].Len() > 0 {
			e.fields[fieldNames[f]] = texts[f].String()
		}
	}
	for code := range codes {
		e.codes = append(e.codes, code)
	}
	blob, err := json.Marshal(e.card)
	if err != nil {
		return nil, fmt.Errorf("document %s: %w", d.ProductID, err)
	}
	e.fields[fieldCard] = string(blob)
	if len(e.codes) > 0 {
		e.fields[fieldCode] = strings.Join(e.codes, " ")
	}
	return e, nil
}

// barcodeOf drops leading zeros, which a UPC gains when written as an EAN.
func barcodeOf(s string) string {
	return strings.TrimLeft(search.Code(s), "0")
}

// attrText is what people would type for an attribute: its value, or its name
// when the value only says yes.
func attrText(name, value string) string {
	switch strings.ToLower(value) {
	case "true", "yes", "y":
		return strings.ReplaceAll(name, "_", " ")
	case "false", "no", "n":
		return ""
	}
	return value
}

func (e *entry) add(texts *[fieldCount]strings.Builder, f field, text string) {
	times := map[string]int{}
	for _, t := range search.Tokens(text) {
		switch t.Kind {
		case search.KindJoined:
			e.put(texts, f, joinMark+t.Text)
		case search.KindWord:
			e.put(texts, f, t.Text)
			e.card.Length++
			stem := search.Stem(t.Text)
			if stem != t.Text {
				e.put(texts, f, stemMark+stem)
			}
			if times[stem]++; times[stem] == 2 && f <= titleOther {
				e.put(texts, f, twiceMark+stem)
			}
		default:
			e.put(texts, f, t.Text)
		}
	}
}

func (e *entry) put(texts *[fieldCount]strings.Builder, f field, token string) {
	b := &texts[f]
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(token)
	e.words[token] |= 1 << f
}
