package api

import (
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"doorstep/internal/card"
	"doorstep/internal/fault"
)

// maxDepth is how deep objects and arrays may nest.
const maxDepth = 32

// inspect reads a JSON body once and refuses what must not come further: text
// that is no JSON or no UTF-8, deep nesting, doubled fields (the validator
// would look at the last, the decoder merges both), NUL (PostgreSQL has no such
// text), whole numbers over 64 bits, and card numbers. Errors name the place,
// never the value.
func inspect(body []byte) error {
	p := inspector{b: body}
	p.space()
	if err := p.value(nil, 0); err != nil {
		return err
	}
	if p.space(); p.i != len(p.b) {
		return errMalformed
	}
	return nil
}

type inspector struct {
	b     []byte
	i     int
	path  []step
	names [][]byte // the fields of all open objects, innermost last
}

// step is one level of the path: a field, or an index where field is nil.
type step struct {
	field []byte
	index int
}

func (p *inspector) space() {
	for p.i < len(p.b) {
		switch p.b[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// at names the place of the fault.
func (p *inspector) at(e *fault.Error, message string) error {
	where := "body"
	for _, s := range p.path {
		if s.field == nil {
			where += "[" + strconv.Itoa(s.index) + "]"
		} else {
			where += "." + string(s.field)
		}
	}
	return e.At(clip(where, 200), message)
}

// value reads any value; field is the name of the closest field around it.
func (p *inspector) value(field []byte, depth int) error {
	if p.i >= len(p.b) {
		return errMalformed
	}
	switch c := p.b[p.i]; {
	case c == '{' || c == '[':
		if depth == maxDepth {
			return errDepth
		}
		if c == '{' {
			return p.object(depth + 1)
		}
		return p.array(field, depth+1)
	case c == '"':
		text, err := p.text()
		if err != nil {
			return err
		}
		if !exempt(field, text) && card.In(text) {
			return p.at(errCard, "holds a card number")
		}
		return nil
	case c == '-' || c >= '0' && c <= '9':
		return p.number(field)
	case c == 't':
		return p.word("true")
	case c == 'f':
		return p.word("false")
	case c == 'n':
		return p.word("null")
	default:
		return errMalformed
	}
}

func (p *inspector) word(w string) error {
	if len(p.b)-p.i < len(w) || string(p.b[p.i:p.i+len(w)]) != w {
		return errMalformed
	}
	p.i += len(w)
	return nil
}

// more steps over a comma, or over the closing bracket: then it says done.
func (p *inspector) more(closing byte) (done bool, err error) {
	p.space()
	if p.i >= len(p.b) {
		return false, errMalformed
	}
	c := p.b[p.i]
	p.i++
	switch c {
	case closing:
		return true, nil
	case ',':
		p.space()
		return false, nil
	default:
		return false, errMalformed
	}
}

// empty steps into brackets, and over them when nothing is inside.
func (p *inspector) empty(closing byte) bool {
	p.i++
	p.space()
	if p.i < len(p.b) && p.b[p.i] == closing {
		p.i++
		return true
	}
	return false
}

func (p *inspector) array(field []byte, depth int) error {
	if p.empty(']') {
		return nil
	}
	p.path = append(p.path, step{})
	for {
		if err := p.value(field, depth); err != nil {
			return err
		}
		done, err := p.more(']')
		if err != nil {
			return err
		}
		if done {
			p.path = p.path[:len(p.path)-1]
			return nil
		}
		p.path[len(p.path)-1].index++
	}
}

func (p *inspector) object(depth int) error {
	if p.empty('}') {
		return nil
	}
	first := len(p.names)
	var many map[string]bool // instead of names, once there are too many to compare
	for {
		if p.i >= len(p.b) || p.b[p.i] != '"' {
			return errMalformed
		}
		name, err := p.text()
		if err != nil {
			return err
		}
		if card.In(name) {
			return p.at(errCard, "a field's name holds a card number")
		}
		if many, err = p.remember(name, first, many); err != nil {
			return err
		}
		p.path = append(p.path, step{field: name})
		p.space()
		if p.i >= len(p.b) || p.b[p.i] != ':' {
			return errMalformed
		}
		p.i++
		p.space()
		if err := p.value(name, depth); err != nil {
			return err
		}
		p.path = p.path[:len(p.path)-1]
		done, err := p.more('}')
		if err != nil {
			return err
		}
		if done {
			p.names = p.names[:first]
			return nil
		}
	}
}

// remember refuses a name that the object had before.
func (p *inspector) remember(name []byte, first int, many map[string]bool) (map[string]bool, error) {
	const few = 16
	doubled := many[string(name)] || slices.ContainsFunc(p.names[first:], func(n []byte) bool { return string(n) == string(name) })
	if doubled {
		p.path = append(p.path, step{field: name})
		return many, p.at(errDoubled, "is named twice")
	}
	if len(p.names)-first < few {
		p.names = append(p.names, name)
		return many, nil
	}
	if many == nil {
		many = map[string]bool{}
	}
	many[string(name)] = true
	return many, nil
}

// text reads a string and returns it unescaped; without escapes it is a part
// of the body.
func (p *inspector) text() ([]byte, error) {
	p.i++
	start := p.i
	var own []byte // the unescaped text, from the first escape on
	for p.i < len(p.b) {
		c := p.b[p.i]
		switch {
		case c == '"':
			p.i++
			if own != nil {
				return own, nil
			}
			return p.b[start : p.i-1], nil
		case c < 0x20:
			return nil, errMalformed
		case c == '\\':
			if own == nil {
				own = append(make([]byte, 0, 64), p.b[start:p.i]...)
			}
			r, err := p.escape()
			if err != nil {
				return nil, err
			}
			own = utf8.AppendRune(own, r)
		case c < utf8.RuneSelf:
			if p.i++; own != nil {
				own = append(own, c)
			}
		default:
			r, size := utf8.DecodeRune(p.b[p.i:])
			if r == utf8.RuneError && size == 1 {
				return nil, errUTF8
			}
			if own != nil {
				own = append(own, p.b[p.i:p.i+size]...)
			}
			p.i += size
		}
	}
	return nil, errMalformed
}

// escape reads one escape; half a surrogate pair becomes U+FFFD, as the
// decoder makes it.
func (p *inspector) escape() (rune, error) {
	if p.i+1 >= len(p.b) {
		return 0, errMalformed
	}
	c := p.b[p.i+1]
	p.i += 2
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
	default:
		return 0, errMalformed
	}
	r, ok := p.hex4()
	if !ok {
		return 0, errMalformed
	}
	p.i += 4
	if r == 0 {
		return 0, p.at(errNul, "holds the NUL character")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if p.i+6 <= len(p.b) && p.b[p.i] == '\\' && p.b[p.i+1] == 'u' {
		p.i += 2
		if low, ok := p.hex4(); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				p.i += 4
				return pair, nil
			}
		}
		p.i -= 2
	}
	return utf8.RuneError, nil
}

func (p *inspector) hex4() (rune, bool) {
	if p.i+4 > len(p.b) {
		return 0, false
	}
	var r rune
	for _, c := range p.b[p.i : p.i+4] {
		v, ok := unhex(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(v)
	}
	return r, true
}

func (p *inspector) digits() int {
	start := p.i
	for p.i < len(p.b) && p.b[p.i] >= '0' && p.b[p.i] <= '9' {
		p.i++
	}
	return p.i - start
}

func (p *inspector) number(field []byte) error {
	start := p.i
	if p.b[p.i] == '-' {
		p.i++
	}
	zero := p.i < len(p.b) && p.b[p.i] == '0'
	whole := p.digits()
	if whole == 0 || zero && whole > 1 {
		return errMalformed
	}
	end, exact := p.i, true
	if p.i < len(p.b) && p.b[p.i] == '.' {
		exact = false
		if p.i++; p.digits() == 0 {
			return errMalformed
		}
		end = p.i
	}
	if p.i < len(p.b) && (p.b[p.i] == 'e' || p.b[p.i] == 'E') {
		exact = false
		if p.i++; p.i < len(p.b) && (p.b[p.i] == '+' || p.b[p.i] == '-') {
			p.i++
		}
		if p.digits() == 0 {
			return errMalformed
		}
	}
	if end-start < card.MinDigits {
		return nil
	}
	digits := make([]byte, 0, 24)
	for _, c := range p.b[start:end] {
		if c >= '0' && c <= '9' {
			digits = append(digits, c)
		}
	}
	if !exempt(field, digits) && (card.Is(digits) || whole < len(digits) && card.Is(digits[:whole])) {
		return p.at(errCard, "holds a card number")
	}
	if exact {
		if _, err := strconv.ParseInt(string(p.b[start:end]), 10, 64); err != nil {
			return p.at(errNumberRange, "does not fit into 64 bits")
		}
	}
	return nil
}
