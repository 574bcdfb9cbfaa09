package skill

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/locale"
	"doorstep/internal/money"
	"doorstep/order"
)

// orderTexts begins the names of all texts of the skills about orders.
const orderTexts = "assistant_order."

// tale puts an answer about an order together. What its sentences state goes
// through fact and its relatives, so that every value stands among the facts.
type tale struct {
	t       *Turn
	o       *Order
	lang    locale.Lang
	zone    *time.Location
	text    string
	listed  bool // the last sentence stands on a line of its own
	facts   []Value
	buttons []Suggestion
}

// tell begins an answer about the turn's order, with what is always told of one.
func tell(t *Turn) *tale {
	s := &tale{t: t, o: t.Order, lang: locale.Lang(t.Language), zone: zoneOf(t)}
	if !s.lang.Known() {
		s.lang = locale.En
	}
	if o := t.Order; o != nil {
		s.fact("order.number", o.Number, "")
		s.fact("order.status", string(o.Status), locale.T(s.lang, "order_status."+string(o.Status)))
		s.fact("fulfilment.status", o.FulfillmentStatus, "")
		s.fact("payment.status", o.PaymentStatus, "")
		if o.Link != "" {
			s.fact("order.link", o.Link, "")
		}
	}
	return s
}

// zoneOf is where the shop's days begin.
func zoneOf(t *Turn) *time.Location {
	zone, err := time.LoadLocation(t.Settings.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// word is a text that goes into another.
func (s *tale) word(key string, args ...any) string { return locale.T(s.lang, orderTexts+key, args...) }

// say adds a sentence.
func (s *tale) say(key string, args ...any) *tale {
	between := " "
	if s.listed {
		between, s.listed = "\n", false
	}
	return s.add(between, s.word(key, args...))
}

// many adds a sentence with a number of things.
func (s *tale) many(key, name string, n int64) *tale {
	s.count(name, n)
	return s.add(" ", locale.N(s.lang, orderTexts+key, int(n)))
}

// line adds a sentence on a line of its own.
func (s *tale) line(key string, args ...any) *tale {
	s.add("\n", s.word(key, args...))
	s.listed = true
	return s
}

func (s *tale) add(between, text string) *tale {
	if s.text != "" {
		s.text += between
	}
	s.text += text
	return s
}

// fact notes a value and gives the words for it, which are the value itself when
// they are empty.
func (s *tale) fact(name, value, words string) string {
	if words == "" {
		words = value
	}
	v := Value{Name: name, Value: value, Text: words, AsOf: s.t.Now}
	if value != "" && !slices.Contains(s.facts, v) {
		s.facts = append(s.facts, v)
	}
	return words
}

// number is the order's.
func (s *tale) number() string { return s.fact("order.number", s.o.Number, "") }

// sum notes an amount of minor units of the order's currency.
func (s *tale) sum(name string, minor int64) string { return s.sumIn(name, minor, s.o.Currency) }

func (s *tale) sumIn(name string, minor int64, currency string) string {
	return s.fact(name, money.Decimal(minor, currency), money.Format(minor, currency, string(s.lang)))
}

// day notes a day; its clock is the shop's.
func (s *tale) day(name string, at time.Time) string { return s.date(name, at.In(s.zone)) }

// date notes the day that the time shows in its own zone.
func (s *tale) date(name string, at time.Time) string {
	return s.fact(name, at.Format(time.DateOnly), locale.Date(s.lang, at))
}

// count notes a whole number.
func (s *tale) count(name string, n int64) string {
	return s.fact(name, strconv.FormatInt(n, 10), locale.Number(s.lang, n))
}

// units is a number of units of a line.
type units struct {
	line *order.Line
	n    int64
}

// items names units: "2 × wool socks, enamel jug".
func (s *tale) items(all []units) string {
	names := make([]string, len(all))
	for i, u := range all {
		names[i] = s.item(u)
	}
	return s.list(names)
}

func (s *tale) item(u units) string {
	title := s.fact("item", u.line.Title, "")
	n := s.count("quantity", u.n)
	if u.n == 1 {
		return title
	}
	return n + " × " + title
}

// counted names units with their number even where it is one.
func (s *tale) counted(all []units) string {
	names := make([]string, len(all))
	for i, u := range all {
		names[i] = s.count("quantity", u.n) + " × " + s.fact("item", u.line.Title, "")
	}
	return s.list(names)
}

// list joins names as the language does.
func (s *tale) list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return s.word("list.last", "first", strings.Join(names[:len(names)-1], ", "), "last", names[len(names)-1])
}

// button offers what may be answered with one touch: its label, and what it sends,
// which the assistant reads like anything that was typed.
func (s *tale) button(key string) *tale {
	return s.choice(s.word("button."+key), s.word("button."+key+".text", "number", s.o.Number))
}

func (s *tale) choice(label, text string) *tale {
	if len(s.buttons) < mostButtons-1 { // the last place is a person's
		s.buttons = append(s.buttons, Suggestion{Label: label, Text: text})
	}
	return s
}

// answer ends the reply. A person is offered with each but those that hand over.
func (s *tale) answer(kind Type) Answer {
	a := Answer{Type: kind, Reply: s.text, Facts: s.facts, Suggestions: s.buttons}
	if kind != Handoff {
		a.Suggestions = append(a.Suggestions, Suggestion{Label: locale.T(s.lang, shopTexts+"button.person"), Text: locale.T(s.lang, shopTexts+"button.person.text")})
	}
	return a
}

// asks is an answer that waits for more.
func (s *tale) asks(expect string) (Answer, error) {
	a := s.answer(Ask)
	a.Expect = expect
	return a, nil
}

// fine, known and refused end the reply as done, as facts and as a refusal.
func (s *tale) fine() (Answer, error)    { return s.answer(Done), nil }
func (s *tale) known() (Answer, error)   { return s.answer(Fact), nil }
func (s *tale) refused() (Answer, error) { return s.answer(Refuse), nil }
