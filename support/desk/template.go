package desk

import (
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
)

// Template is an answer that staff give again and again, in one or more of the
// languages en, hy and km. Variables stand in braces: see Variables.
type Template struct {
	ID        uuid.UUID
	Name      string
	Bodies    map[string]string // by language
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Variables are what templates may name: the customer's name, the order's number and
// state, the shop's and the agent's name, the carrier's and its tracking number.
var Variables = []string{"name", "order", "order_status", "shop", "agent", "carrier", "tracking"}

var variable = regexp.MustCompile(`\{([A-Za-z0-9_. -]{1,40})\}`)

// unfilled is the first variable that stands in a text; empty is none.
func unfilled(text string) string {
	if found := variable.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

// mostTemplates is how many a shop has.
const mostTemplates = 200

// clean checks a template. It fails with ErrTemplate.
func (t *Template) clean() error {
	bad := *ErrTemplate
	wrong := func(at, why string) { bad.Fields = append(bad.Fields, fault.Field{Location: at, Message: why}) }
	t.Name = strings.Join(strings.Fields(t.Name), " ")
	if n := len([]rune(t.Name)); n == 0 || n > 100 {
		wrong("name", "must have 1 to 100 signs")
	}
	if len(t.Bodies) == 0 {
		wrong("bodies", "must have a text in en, hy or km")
	}
	bodies := map[string]string{}
	for lang, text := range t.Bodies {
		if lang != "en" && lang != "hy" && lang != "km" {
			wrong("bodies."+lang, "is no language of the shop: en, hy, km")
			continue
		}
		body, err := cleanBody(text)
		if err != nil {
			wrong("bodies."+lang, "must have 1 to 4000 signs")
		}
		for _, found := range variable.FindAllStringSubmatch(body, -1) {
			if !slices.Contains(Variables, found[1]) {
				wrong("bodies."+lang, "names {"+found[1]+"}, which is none of {"+strings.Join(Variables, "}, {")+"}")
			}
		}
		bodies[lang] = body
	}
	t.Bodies = bodies
	if len(bad.Fields) > 0 {
		sort.Slice(bad.Fields, func(i, j int) bool { return bad.Fields[i].Location < bad.Fields[j].Location })
		return &bad
	}
	return nil
}

// Fill writes a template in a language, or in the first that it has of en, hy and km,
// with values for its variables. It fails with ErrUnfilled when one of them has no value,
// naming it.
func (t *Template) Fill(lang string, values map[string]string) (string, error) {
	body, ok := t.Bodies[lang]
	for _, other := range []string{"en", "hy", "km"} {
		if !ok {
			body, ok = t.Bodies[other]
		}
	}
	var missing []string
	text := variable.ReplaceAllStringFunc(body, func(found string) string {
		name := found[1 : len(found)-1]
		value := strings.TrimSpace(values[name])
		if value == "" {
			missing = append(missing, name)
		}
		return value
	})
	if len(missing) > 0 {
		return "", ErrUnfilled.At("template_id", "nothing is known for {"+missing[0]+"}").With("variable", missing[0])
	}
	return text, nil
}
