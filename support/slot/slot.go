// Package slot finds by rule what a sentence names: order numbers, e-mail
// addresses, codes, sums, quantities, postal addresses, products and reasons.
// Nothing here is learned, so that it can be proved.
package slot

import (
	"slices"
	"sort"
	"strings"

	"doorstep/support/text"
)

// Found is what a text names. All offsets are bytes of the normalised text.
type Found struct {
	Orders     []Order
	Emails     []Span
	Coupons    []Span
	Amounts    []Amount
	Quantities []Quantity
	// Address is a postal address, when the text seems to give one: it is to be
	// confirmed in full before it is used.
	Address *Address
	// Products are the given names that the text mentions, best first.
	Products []Product
	// Reason is why something went wrong or is not wanted, or empty; see Reasons.
	Reason string
}

// Span is a piece of the normalised text.
type Span struct {
	Text       string
	Start, End int
}

// The words that stand for what has been found, in a masked text.
const (
	OrderWord  = "xorderx"
	EmailWord  = "xemailx"
	CodeWord   = "xcodex"
	AmountWord = "xmoneyx"
)

// Read finds everything in a normalised text. Products are looked for among the
// given names only, such as those of the customer's own order lines.
func Read(s string, products []string) Found {
	f := named(s)
	f.Quantities = quantities(s, f)
	f.Address = address(s, f)
	if a := f.Address; a != nil { // a house's number counts no goods
		f.Quantities = slices.DeleteFunc(f.Quantities, func(q Quantity) bool { return q.Start >= a.Start && q.End <= a.End })
	}
	f.Reason = reason(s)
	f.Products = Match(s, products)
	return f
}

// named finds what has an unmistakable form.
func named(s string) Found {
	var f Found
	f.Orders = Orders(s)
	f.Emails = emails(s)
	f.Coupons = coupons(s, f)
	f.Amounts = amounts(s, f)
	return f
}

// Mask puts a word for each order number, e-mail address, code and sum, so that
// a model sees that there is one and not which.
func Mask(s string) string {
	f := named(s)
	type cut struct {
		start, end int
		word       string
	}
	var cuts []cut
	for _, o := range f.Orders {
		cuts = append(cuts, cut{o.Start, o.End, OrderWord})
	}
	for _, e := range f.Emails {
		cuts = append(cuts, cut{e.Start, e.End, EmailWord})
	}
	for _, c := range f.Coupons {
		cuts = append(cuts, cut{c.Start, c.End, CodeWord})
	}
	for _, a := range f.Amounts {
		cuts = append(cuts, cut{a.Start, a.End, AmountWord})
	}
	if len(cuts) == 0 {
		return s
	}
	sort.Slice(cuts, func(i, k int) bool { return cuts[i].start < cuts[k].start })
	var b strings.Builder
	at := 0
	for _, c := range cuts {
		if c.start < at {
			continue
		}
		b.WriteString(s[at:c.start])
		b.WriteString(" " + c.word + " ")
		at = c.end
	}
	b.WriteString(s[at:])
	return b.String()
}

// taken says whether the span touches an order number or an e-mail address.
func (f Found) taken(start, end int) bool {
	for _, o := range f.Orders {
		if start < o.End && o.Start < end {
			return true
		}
	}
	for _, e := range f.Emails {
		if start < e.End && e.Start < end {
			return true
		}
	}
	for _, c := range f.Coupons {
		if start < c.End && c.Start < end {
			return true
		}
	}
	for _, a := range f.Amounts {
		if start < a.End && a.Start < end {
			return true
		}
	}
	return false
}

// words are the tokens with romanised Armenian and Khmer in their own script.
func words(s string) []text.Token {
	tokens := text.Tokens(s)
	if _, romanised := text.Language(tokens, ""); romanised {
		text.Native(tokens)
	}
	return tokens
}
