package skill

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"doorstep/support/text"
)

// mostProducts is how many finds are shown.
const mostProducts = 3

// productQuestion answers from the catalogue: what a product costs, whether it is
// there, and what is written of it. Nothing is guessed.
func productQuestion() Skill {
	return Skill{Name: "product_question", Intents: []string{"product_question"}, Answer: answerProduct}
}

// aspects are what can be asked of a product: the words that ask, and under which
// attributes of the catalogue the answer stands.
var aspects = []struct {
	words, attributes []string
}{
	{[]string{"made of", "material", "fabric", "cotton", "wool", "leather", "polyester", "wood", "organic", "նյութ", "ինչից", "կտոր", "բամբակ", "կաշի", "ធ្វើពី", "ក្រណាត់", "ស្បែក", "សម្ភារៈ"},
		[]string{"material", "fabric", "composition", "ingredients"}},
	{[]string{"size", "big", "large", "small", "wide", "long", "tall", "dimension", "measure", "fit", "capacity", "hold", "litre", "liter", "volume", "չափ", "մեծ", "փոքր", "լայն", "երկար", "տարող", "chap", "ទំហំ", "លេខ", "ធំ", "តូច", "វែង", "ចំណុះ"},
		[]string{"size", "dimensions", "length", "width", "height", "capacity", "volume", "diameter", "fits"}},
	{[]string{"colour", "color", "shade", "գույն", "ពណ៌"}, []string{"colour", "color", "shade"}},
	{[]string{"heavy", "weigh", "weight", "կիլո", "քաշ", "կշռ", "ទម្ងន់", "គីឡូ"}, []string{"weight"}},
	{[]string{"wash", "clean", "dishwasher", "oven", "iron", "waterproof", "լվան", "լվաց", "մաքր", "ջրակայ", "លាង", "បោក", "ជ្រាបទឹក"}, []string{"care", "washing", "cleaning", "waterproof"}},
	{[]string{"made in", "manufactured", "where is it from", "origin", "արտադր", "որտեղից", "ផលិត", "មកពីណា"}, []string{"made in", "origin", "country of origin"}},
	{[]string{"age", "kids", "child", "baby", "երեխ", "տարեկան", "ក្មេង", "កុមារ", "អាយុ"}, []string{"age", "for"}},
	{[]string{"warrant", "guarantee", "battery", "voltage", "charger", "երաշխ", "մարտկոց", "ធានា", "ថ្ម"}, []string{"warranty", "battery", "voltage", "power"}},
}

func answerProduct(ctx context.Context, t *Turn) (Answer, error) {
	w := wordsFor(t)
	query := productWords(t)
	if query == "" {
		return w.say("product.which").asks("product"), nil
	}
	found, err := t.Shop.Products.Search(ctx, t.Merchant, query, t.Language, t.Currency, mostProducts+1)
	if err != nil {
		return Answer{}, err
	}
	wanted := strings.Fields(query)
	if len(found) == 0 {
		w.say("product.none", "words", w.fact("query", query, ""))
		if len(wanted) <= 2 && AsksPriceOrStock(orElse(t.Ask.Text, t.Text)) { // do you sell umbrellas
			w.fact("product.found", "false", "")
			return w.answer(Fact), nil
		}
		return w.say("product.which").asks("product"), nil
	}
	if best := chosen(found, wanted); best != nil {
		return w.about(best, wanted).answer(Fact), nil
	}
	exact := whole(found)
	head, kind := "product.list", Fact
	switch {
	case len(exact) == 0:
		head, kind = "product.half", Ask
	case aspectOf(t, found) != nil:
		head, kind = "product.several", Ask
	}
	if len(exact) > 0 {
		found = exact
	}
	w.say(head)
	for i := range found[:min(len(found), mostProducts)] {
		w.row(i, &found[i])
		w.choice(found[i].Title, w.word("product.button.text", "product", found[i].Title))
	}
	a := w.answer(kind)
	if kind == Ask {
		a.Expect = "product"
	}
	return a, nil
}

// whole leaves those that fit everything that was asked for.
func whole(found []Product) []Product {
	return slices.DeleteFunc(slices.Clone(found), func(p Product) bool { return p.Half })
}

// chosen is the one product that is meant: the only one that fits wholly, the one
// whose title stands in the message, or the only one with all its words in the title.
func chosen(found []Product, wanted []string) *Product {
	exact := whole(found)
	if len(exact) == 1 {
		return &exact[0]
	}
	if len(exact) == 0 {
		exact = found
	}
	for _, fits := range []func(p *Product) bool{
		func(p *Product) bool { return covers(wanted, titleWords(p.Title)) },
		func(p *Product) bool { return !p.Half && covers(titleWords(p.Title), wanted) },
	} {
		var only *Product
		n := 0
		for i := range exact {
			if fits(&exact[i]) {
				only, n = &exact[i], n+1
			}
		}
		if n == 1 {
			return only
		}
	}
	return nil
}

// covers says whether each of the words is among those, but for its ending.
func covers(those, words []string) bool {
	for _, word := range words {
		if !slices.ContainsFunc(those, func(other string) bool { return sameWord(word, other) }) {
			return false
		}
	}
	return len(words) > 0
}

func sameWord(a, b string) bool {
	return stem(a) == stem(b)
}

func stem(word string) string {
	word = text.StemArmenian(word)
	if n := len(word); n > 3 && word[n-1] == 's' && word[n-2] != 's' {
		return word[:n-1]
	}
	return word
}

func titleWords(title string) []string {
	return strings.FieldsFunc(strings.ToLower(text.Normalise(title)), notLetter)
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) }

// aspectOf are the attributes that the message asks about, nil for none. What only
// names the products asks nothing: wool socks need not be asked whether of wool.
func aspectOf(t *Turn, found []Product) []string {
	var titles []string
	for i := range found {
		titles = append(titles, titleWords(found[i].Title)...)
	}
	rest := strings.Join(slices.DeleteFunc(strings.Fields(strings.ToLower(orElse(t.Ask.Text, t.Text))), func(word string) bool {
		return covers(titles, strings.FieldsFunc(word, notLetter))
	}), " ")
	for i := range aspects {
		if slices.ContainsFunc(aspects[i].words, func(word string) bool { return strings.Contains(rest, word) }) {
			return aspects[i].attributes
		}
	}
	return nil
}

// about tells of one product: price and stock always, and what was asked if the
// catalogue says it.
func (w *words) about(p *Product, wanted []string) *words {
	name := w.fact("product", p.Title, "")
	switch {
	case p.Currency == "":
		w.say("product.name", "product", name)
	case p.Most > p.Price:
		w.say("product.price_range", "product", name, "price", w.price("product", p), "most", w.sum("product.price.most", p.Most, p.Currency))
	default:
		w.say("product.price", "product", name, "price", w.price("product", p))
	}
	w.stock(p)
	named := w.variant(p, wanted)
	if !named {
		w.variants(p)
	}
	if attributes := aspectOf(w.t, []Product{*p}); attributes != nil && !w.attributes(p, attributes) && !named {
		w.silent(p)
	} else if attributes == nil && !AsksPriceOrStock(orElse(w.t.Ask.Text, w.t.Text)) {
		w.described(p)
	}
	if p.URL != "" {
		w.line("product.link", "url", w.fact("product.url", p.URL, ""))
	}
	return w
}

// AsksPriceOrStock says that a text holds a word with which people ask for a price or
// whether something is there.
func AsksPriceOrStock(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(priceAndStock, func(word string) bool { return strings.Contains(text, word) })
}

var priceAndStock = []string{
	"price", "cost", "how much", "stock", "available", "have", "left", "sold out", "sell", "գին", "արժե", "արժի", "կա", "ունե", "առկա", "մնացե", "մնաց", "վաճառ", "թանկ", "gin", "ka?",
	"តម្លៃ", "ថ្លៃ", "ស្តុក", "មាន", "សល់", "លក់", "អស់", "mean",
}

// attributes adds those that the catalogue has of the ones asked for, and says
// whether it has any.
func (w *words) attributes(p *Product, asked []string) bool {
	found := false
	names := make([]string, 0, len(p.Attributes))
	for name := range p.Attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if slices.Contains(asked, strings.ToLower(name)) && p.Attributes[name] != "" {
			found = true
			w.say("product.attribute", "name", name, "value", w.fact("product.attribute."+factWord(name), p.Attributes[name], ""))
		}
	}
	return found
}

// factWord is a name as a fact's: small letters, joined by lines.
func factWord(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), notLetter), "_")
}

// described quotes the catalogue.
func (w *words) described(p *Product) *words {
	if p.Description == "" {
		return w
	}
	d, _ := text.Clip(p.Description, 300)
	return w.line("product.says", "description", w.fact("product.description", d, ""))
}

// silent is for what no attribute says: the description may, and a person knows more.
func (w *words) silent(p *Product) *words { return w.described(p).say("product.silent") }
