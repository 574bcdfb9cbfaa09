package skill

import "strings"

// row adds a product with its price and stock, on a line of its own.
func (w *words) row(i int, p *Product) *words {
	at := productFact(i)
	name := w.fact(at, p.Title, "")
	stock := w.stockWord(at, p.InStock)
	if p.URL != "" {
		w.fact(at+".url", p.URL, "")
	}
	if p.Currency == "" {
		return w.line("product.row_plain", "product", name, "stock", stock)
	}
	return w.line("product.row", "product", name, "price", w.price(at, p), "stock", stock)
}

// productFact names the facts of a product: the first is product, the next product.2.
func productFact(i int) string {
	if i == 0 {
		return "product"
	}
	return "product." + string(rune('1'+i))
}

func (w *words) price(at string, p *Product) string {
	w.fact(at+".currency", p.Currency, "")
	return w.sum(at+".price", p.Price, p.Currency)
}

func (w *words) stockWord(at string, in bool) string {
	if in {
		return w.fact(at+".in_stock", "true", w.word("product.stock.in"))
	}
	return w.fact(at+".in_stock", "false", w.word("product.stock.out"))
}

// stock says whether there is any of a product, and of which variants.
func (w *words) stock(p *Product) *words {
	w.stockWord("product", p.InStock)
	switch {
	case !p.InStock:
		return w.say("product.out")
	case p.Units > 0:
		w.count("product.units", p.Units, "product.few")
	default:
		w.say("product.in")
	}
	return w
}

// variants say what a product comes in; a single nameless one needs no words.
func (w *words) variants(p *Product) *words {
	var in, out []string
	for i := range p.Variants {
		v := &p.Variants[i]
		switch {
		case v.Title == "" || len(in)+len(out) >= mostVariants:
		case v.InStock || !p.InStock: // when all are sold out, that was said
			in = append(in, v.Title)
		default:
			out = append(out, v.Title)
		}
	}
	if len(in) > 0 {
		w.say("product.variants", "variants", w.fact("variants.in_stock", strings.Join(in, "|"), strings.Join(in, ", ")))
	}
	if len(out) > 0 {
		w.say("product.variants_out", "variants", w.fact("variants.sold_out", strings.Join(out, "|"), strings.Join(out, ", ")))
	}
	return w
}

// mostVariants is how many variants are named.
const mostVariants = 12

// variant answers for those forms of a product that the message names, such as a
// size or a colour, and says whether it named one.
func (w *words) variant(p *Product, wanted []string) bool {
	named := false
	for i := range p.Variants {
		v := &p.Variants[i]
		if !names(v.Title, wanted) {
			continue
		}
		named = true
		at, key := "variant", "product.variant_out"
		if v.InStock {
			key = "product.variant_in"
		}
		title := w.fact(at, v.Title, "")
		w.stockWord(at, v.InStock)
		w.say(key, "variant", title)
		if v.Price > 0 && p.Most > p.Price {
			w.say("product.variant_price", "variant", title, "price", w.sum(at+".price", v.Price, p.Currency))
		}
	}
	return named
}

// names says whether one of the words is a whole word of the title.
func names(title string, words []string) bool {
	for _, part := range strings.FieldsFunc(strings.ToLower(title), notLetter) {
		for _, word := range words {
			if part == word {
				return true
			}
		}
	}
	return false
}
