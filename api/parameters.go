package api

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"doorstep/internal/fault"

	"github.com/gofiber/fiber/v2"
)

// params reads the query of a fast route as strictly as huma would: it collects
// everything that is wrong, parameters that nobody reads included.
type params struct {
	values []parameter
	wrong  []fault.Field
}

type parameter struct {
	name, value string
	read        bool
}

// maxParameters bounds how many a query may have.
const maxParameters = 200

// parameters takes the query apart.
func parameters(c *fiber.Ctx) *params {
	p := &params{}
	for name, value := range c.Request().URI().QueryArgs().All() {
		if len(p.values) == maxParameters {
			p.refuse("", "expected at most "+strconv.Itoa(maxParameters)+" parameters")
			break
		}
		p.values = append(p.values, parameter{name: string(name), value: string(value)})
	}
	return p
}

func (p *params) refuse(name, message string) {
	if len(p.wrong) < maxFields {
		p.wrong = append(p.wrong, fault.Field{Location: strings.TrimSuffix("query."+clip(name, 100), "."), Message: message})
	}
}

// all are the values of a parameter that may be repeated.
func (p *params) all(name string) []string {
	var found []string
	for i := range p.values {
		if v := &p.values[i]; v.name == name {
			v.read = true
			found = append(found, v.value)
		}
	}
	return found
}

// one is the value of a parameter that may stand there once; "" when it does not.
func (p *params) one(name string) string {
	value, times := "", 0
	for i := range p.values {
		if v := &p.values[i]; v.name == name {
			v.read, value = true, v.value
			times++
		}
	}
	if times > 1 {
		p.refuse(name, "expected once")
	}
	return value
}

// text is a value of at most so many characters.
func (p *params) text(name string, longest int) string {
	value := p.one(name)
	if len(value) > longest && utf8.RuneCountInString(value) > longest {
		p.refuse(name, "expected length <= "+strconv.Itoa(longest))
	}
	return value
}

// oneOf is one of the words; the first when it is absent.
func (p *params) oneOf(name string, words ...string) string {
	value := p.one(name)
	if value == "" {
		return words[0]
	}
	if !slices.Contains(words, value) {
		p.refuse(name, "expected one of "+strings.Join(words, ", "))
	}
	return value
}

// number is a whole number within the bounds; nil when it is absent.
func (p *params) number(name string, least, most int64) *int64 {
	value := p.one(name)
	if value == "" {
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || value[0] == '+' || n < least || n > most {
		p.refuse(name, "expected a whole number from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
		return nil
	}
	return &n
}

// done says what is wrong, once everything is read.
func (p *params) done() error {
	for _, v := range p.values {
		if !v.read {
			p.refuse(v.name, "unknown query parameter")
		}
	}
	if len(p.wrong) == 0 {
		return nil
	}
	e := *errValidation
	e.Fields = p.wrong
	return &e
}
