package cases

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Numbers puts the shop's order numbers in the place of the world's.
type Numbers struct {
	real   map[string]string // by the name of the order
	names  map[string]string // by the real number
	worlds []worldNumber     // the longest first
}

// worldNumber is one of the world's numbers, in any form that customers type.
type worldNumber struct {
	name, number string
	form         *regexp.Regexp
}

// NewNumbers takes the real number of each order of a world by its name. Also those
// that exist nowhere need one.
func NewNumbers(w *World, actual map[string]string) *Numbers {
	n := &Numbers{real: actual, names: map[string]string{}}
	for name, number := range actual {
		n.names[number] = name
	}
	for i := range w.Orders {
		o := &w.Orders[i]
		if form := formOf(o.Number); form != nil && actual[o.Name] != "" {
			n.worlds = append(n.worlds, worldNumber{o.Name, o.Number, form})
		}
	}
	slices.SortFunc(n.worlds, func(a, b worldNumber) int {
		return cmp.Or(cmp.Compare(len(b.number), len(a.number)), cmp.Compare(a.name, b.name))
	})
	return n
}

// Swapped are the same numbers with another real one for some of the orders.
func (n *Numbers) Swapped(with map[string]string) *Numbers {
	other := &Numbers{real: map[string]string{}, names: map[string]string{}, worlds: n.worlds}
	for name, number := range n.real {
		if s := with[name]; s != "" {
			number = s
		}
		other.real[name], other.names[number] = number, name
	}
	return other
}

// Real is the shop's number of an order of the world.
func (n *Numbers) Real(name string) string { return n.real[name] }

// Name is the order of the world that a real number belongs to.
func (n *Numbers) Name(number string) string { return n.names[number] }

// Named are the orders of the world whose numbers, in any form, are in a text that
// holds the world's, or whose places are in a template.
func (n *Numbers) Named(template, text string) (all []string) {
	add := func(name string) {
		if n.real[name] != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	for _, m := range placeholder.FindAllStringSubmatch(template, -1) {
		add(m[1])
	}
	for _, w := range n.worlds {
		if w.find(text) != nil {
			add(w.name)
		}
	}
	return all
}

const (
	numberSeparators = `[-\x{2010}-\x{2015}\x{00A0}\s_.]*`
	khmerZero        = '០'
)

// formOf finds a number such as DS-100241 as it is or in lower case, without or with
// other hyphens, with a hash, in Khmer digits, or without its letters.
func formOf(number string) *regexp.Regexp {
	letters, signs := splitNumber(number)
	if signs == "" {
		return nil
	}
	var b strings.Builder
	b.WriteString(`(?i)(#\s*)?`)
	if letters != "" {
		b.WriteString(`(` + regexp.QuoteMeta(letters) + `)?`)
	} else {
		b.WriteString(`()`)
	}
	b.WriteString(`(` + numberSeparators + `)`)
	for i, r := range signs {
		if i > 0 {
			b.WriteString(`[-\s]?`)
		}
		if r >= '0' && r <= '9' {
			b.WriteString(`[` + string(r) + string(khmerZero+(r-'0')) + `]`)
		} else {
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(b.String())
}

// splitNumber parts a number's letters at its front from its other signs.
func splitNumber(number string) (letters, signs string) {
	signs = strings.TrimLeftFunc(number, unicode.IsLetter)
	letters = number[:len(number)-len(signs)]
	signs = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, signs)
	return letters, signs
}

// find gives the next place of the number in a text, as regexp does, when neither
// Latin letters nor digits stand right beside it.
func (w worldNumber) find(text string) []int {
	for from := 0; ; {
		m := w.form.FindStringSubmatchIndex(text[from:])
		if m == nil {
			return nil
		}
		for i := range m {
			if m[i] >= 0 {
				m[i] += from
			}
		}
		if m[2] < 0 && m[4] < 0 && m[7] > m[6] { // separators alone are not part of it
			m[0], m[6] = m[7], m[7]
		}
		before, _ := utf8.DecodeLastRuneInString(text[:m[0]])
		after, _ := utf8.DecodeRuneInString(text[m[1]:])
		if !joins(before) && !joins(after) {
			return m
		}
		_, size := utf8.DecodeRuneInString(text[m[0]:])
		from = m[0] + max(size, 1)
	}
}

func joins(r rune) bool {
	return unicode.IsDigit(r) || r < utf8.RuneSelf && unicode.IsLetter(r)
}

// Replace puts real numbers in the place of the world's in a text, each in the form
// in which the text has it.
func (n *Numbers) Replace(text string) string {
	for _, w := range n.worlds {
		var b strings.Builder
		rest := text
		for {
			m := w.find(rest)
			if m == nil {
				break
			}
			b.WriteString(rest[:m[0]])
			b.WriteString(typed(rest, m, n.real[w.name]))
			rest = rest[m[1]:]
		}
		b.WriteString(rest)
		text = b.String()
	}
	return text
}

// typed is a real number in the form in which a world's number was found.
func typed(text string, m []int, number string) string {
	hash, letters, between := part(text, m, 1), part(text, m, 2), part(text, m, 3)
	rest := strings.TrimLeftFunc(number, unicode.IsLetter)
	front := number[:len(number)-len(rest)]
	rest = strings.TrimPrefix(rest, "-")
	switch {
	case letters == "":
		front = ""
	case between == "":
		rest = strings.ReplaceAll(rest, "-", "")
	case strings.TrimSpace(between) == "":
		front, rest = front+between, strings.ReplaceAll(rest, "-", " ")
	default:
		front += between
	}
	if letters != "" && letters == strings.ToLower(letters) {
		front, rest = strings.ToLower(front), strings.ToLower(rest)
	}
	if strings.ContainsFunc(text[m[0]:m[1]], func(r rune) bool { return r >= khmerZero && r <= khmerZero+9 }) {
		rest = khmer(rest)
	}
	return hash + front + rest
}

func part(text string, m []int, group int) string {
	if m[2*group] < 0 {
		return ""
	}
	return text[m[2*group]:m[2*group+1]]
}

func khmer(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return khmerZero + (r - '0')
		}
		return r
	}, text)
}

var placeholder = regexp.MustCompile(`\{\s*([\pL\pN_-]+)\s*((?:\|\s*[a-z]+\s*)*)\}`)

// Render is what the customer types: the template with real numbers in the forms
// that its modifiers ask for. Where that is not known it is the text with its
// numbers replaced.
func (n *Numbers) Render(template, text string) string {
	if template == "" {
		return n.Replace(text)
	}
	known := true
	rendered := placeholder.ReplaceAllStringFunc(template, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		number := n.real[m[1]]
		if number == "" {
			known = false
			return found
		}
		for _, modifier := range strings.FieldsFunc(m[2], func(r rune) bool { return r == '|' || r == ' ' }) {
			var ok bool
			if number, ok = modified(number, modifier); !ok {
				known = false
			}
		}
		return number
	})
	if !known && text != "" {
		return n.Replace(text)
	}
	return n.Replace(rendered)
}

// modified is how a customer types a real number.
func modified(number, modifier string) (string, bool) {
	switch modifier {
	case "lower":
		return strings.ToLower(number), true
	case "upper":
		return strings.ToUpper(number), true
	case "digits":
		return strings.TrimPrefix(strings.TrimLeftFunc(number, unicode.IsLetter), "-"), true
	case "hash":
		return "#" + number, true
	case "space":
		return strings.ReplaceAll(number, "-", " "), true
	case "nodash":
		return strings.ReplaceAll(number, "-", ""), true
	case "km":
		return khmer(number), true
	}
	return number, false
}
