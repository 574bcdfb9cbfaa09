// Package understand turns what a customer writes into what the shop can act on:
// dialogue acts such as yes and no, at most two asks with their intents and slots,
// and whether it is the shop's business at all. It is pure: no database, no clock,
// no network, and the same answer for the same text.
package understand

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"doorstep/support/model"
	"doorstep/support/phrase"
	"doorstep/support/slot"
	"doorstep/support/text"
)

// MostCharacters is how much of one message is read; what comes behind is left out.
const MostCharacters = 1500

// Turn is one message of a customer.
type Turn struct {
	Text string
	// Language is the conversation's so far (en, hy or km), for messages that show
	// none, such as a bare number.
	Language string
	// Products are names that the customer may mean, such as those of their own
	// order lines; nothing else is matched.
	Products []string
}

// Reading is what a turn was understood as.
type Reading struct {
	// Text is the normalised message, which all offsets belong to.
	Text string
	// Language is en, hy or km; Romanised says that Armenian or Khmer was written
	// in Latin letters.
	Language  string
	Romanised bool
	// Clipped says that the message was longer than MostCharacters.
	Clipped bool
	// Acts are what the message does in the conversation, in its order.
	Acts []Act
	// Asks are what is asked for: none, one, or two with different intents, those
	// that only want an answer first.
	Asks  []Ask
	Scope Scope
	// Slots are everything that the whole message names.
	Slots slot.Found
}

// Scope says whether a message is the shop's business.
type Scope struct {
	In bool
	// Chance is between 0 and 1, and is 1 where an order number is named.
	Chance float64
}

// Level says what to do with an ask.
type Level uint8

// The levels. The zero value is the careful one.
const (
	Lost  Level = iota // nothing fits: a person is the answer
	Offer              // one of the two is likely: let the customer choose
	Sure               // go on
)

// Ask is one thing that is asked for.
type Ask struct {
	Intent string
	// Confidence is the chance that Intent is right, between 0 and 1.
	Confidence float64
	// Second is the next best intent, to be offered beside the first.
	Second           string
	SecondConfidence float64
	Level            Level
	// Negated says that this is just what is not wanted: "don't cancel it".
	Negated bool
	// Slots are what this ask names, without what is to be kept.
	Slots slot.Found
	// Keep are what the customer names to be left as it is: "but keep the lamp".
	Keep slot.Found
	// Text is the part of the message that this was read from.
	Text string
}

// Interpreter is anything that understands a turn; an outside model may stand
// behind it. It proposes: what may be done is decided elsewhere.
type Interpreter interface {
	Interpret(ctx context.Context, turn Turn) (Reading, error)
}

// Reader is the Interpreter that comes with the program. It may be used by many
// at once.
type Reader struct{ model *model.Model }

// New makes a reader with that model.
func New(m *model.Model) *Reader { return &Reader{m} }

// Default is the reader with the model of the program. Loading it takes some
// hundredths of a second, once.
func Default() (*Reader, error) {
	m, err := model.Default()
	if err != nil {
		return nil, err
	}
	return New(m), nil
}

// Interpret reads a turn. It gives an error only when the context is done.
func (r *Reader) Interpret(ctx context.Context, turn Turn) (Reading, error) {
	if err := ctx.Err(); err != nil {
		return Reading{}, err
	}
	raw, clipped := text.Clip(turn.Text, MostCharacters)
	reading := Reading{Text: text.Normalise(raw), Clipped: clipped}
	tokens := text.Tokens(reading.Text)
	reading.Language, reading.Romanised = text.Language(tokens, turn.Language)
	if reading.Romanised {
		text.Native(tokens)
	}
	reading.Slots = slot.Read(reading.Text, turn.Products)
	var rest string
	reading.Acts, rest = acts(reading.Text, tokens, reading.Slots)
	if rest == "" {
		reading.Asks = echoed(reading.Acts, reading.Slots)
		reading.Scope = Scope{In: len(reading.Acts) > 0 || len(reading.Slots.Orders)+len(reading.Slots.Emails) > 0}
		if reading.Scope.In {
			reading.Scope.Chance = 1
		}
		return reading, nil
	}
	r.asks(&reading, rest, turn.Products)
	return reading, nil
}

// echoed is the ask of a message such as "no, don't cancel it" or "yes, cancel it":
// the latter is an answer when that was asked just before, and else an ask.
func echoed(acts []Act, found slot.Found) []Ask {
	for _, a := range acts {
		if (a.Kind == No || a.Kind == Yes) && a.Clean && a.Echo != "" {
			return []Ask{{Intent: a.Echo, Confidence: 1, Level: Sure, Negated: a.Kind == No, Slots: found}}
		}
	}
	return nil
}

// tags are marks of HTML, which mean nothing to a shop, and scripts as a whole; the
// sign that opens the first may have been taken off. They are left out of what is
// asked for, never of what would else be a plain yes.
var tags = regexp.MustCompile(`(?is)<?script[^<>]{0,100}>.{0,500}?</script[^<>]{0,100}>|(?:<|^)/?[a-z][a-z0-9]{0,15}(?:\s[^<>]{0,100})?/?>`)

// numberless are the intents that are about the shop as a whole: who names an order
// hardly ever means them.
var numberless = map[string]bool{
	"delivery_time": true, "shipping_options": true, "product_question": true, "place_order": true,
	"subscribe": true, "unsubscribe": true, "account_password": true, "account_edit": true, "account_delete": true,
}

// unlikely is how much of the chance of such an intent is left beside a number;
// likely how many times more likely a discount code makes it that the message is
// about one.
const unlikely, likely = 0.01, 30

// perhaps is how likely a message has to be the shop's business for what looks like
// a discount code to make it so: doors and errors have codes, too.
const perhaps = 0.1

// guess is what the model makes of a piece of text.
type guess struct {
	text                string
	opinion             model.Opinion
	first, second       int
	sure, next          float64
	business, foreigner bool
}

// guess reads a piece; named says that it holds an order number, which makes it the
// shop's business and speaks against what no number goes with; coded that it holds
// a discount code, which is the shop's business too.
func (r *Reader) guess(piece string, named, coded bool) guess {
	g := guess{text: piece}
	g.opinion = r.model.Judge(r.model.Scores(r.model.Input(piece)))
	if named {
		for k, intent := range r.model.Intents {
			if numberless[intent] || phrase.SmallTalk(intent) {
				g.opinion.Chances[k] *= unlikely
			}
		}
	}
	if coded = coded && !named && g.opinion.Scope >= perhaps; coded {
		g.opinion.Chances[slices.Index(r.model.Intents, "promo_code")] *= likely
	}
	g.first, g.second = r.model.Best(g.opinion)
	answer, sure := r.model.Answer(g.opinion)
	g.foreigner = r.model.Intents[answer] == phrase.OutOfScope && !named && !coded
	if named || coded {
		all := 1e-9
		for k, p := range g.opinion.Chances {
			if r.model.Intents[k] != phrase.OutOfScope {
				all += p
			}
		}
		sure = g.opinion.Chances[g.first] / all
	}
	if !g.foreigner {
		g.sure = sure
		g.next = g.opinion.Chances[g.second] / (g.opinion.Chances[g.first] + 1e-9) * sure
	}
	g.business = !phrase.SmallTalk(r.model.Intents[g.first])
	return g
}

// asks fills in what is asked for in the rest of a message, acts taken off.
func (r *Reader) asks(reading *Reading, rest string, products []string) {
	rest = tags.ReplaceAllString(rest, " ")
	named := len(reading.Slots.Orders) > 0
	coded := len(reading.Slots.Coupons) > 0
	whole := r.guess(rest, named, coded)
	reading.Scope = Scope{In: !whole.foreigner || named, Chance: whole.opinion.Scope}
	if named {
		reading.Scope.Chance = 1
	}
	if two, found := r.split(rest, whole); found {
		reading.Scope = Scope{In: true, Chance: max(two[0].opinion.Scope, two[1].opinion.Scope, reading.Scope.Chance)}
		reading.Asks = []Ask{r.ask(two[0], products), r.ask(two[1], products)}
		slices.SortStableFunc(reading.Asks, func(a, b Ask) int { return weight(a.Intent) - weight(b.Intent) })
		share(reading)
		return
	}
	switch {
	case !reading.Scope.In:
	case !whole.business && !named:
		if act := spoken(r.model.Intents[whole.first]); whole.sure > 0.4 && act != "" {
			reading.Acts = append(reading.Acts, Act{Kind: act})
		}
	default:
		reading.Asks = []Ask{r.ask(whole, products)}
		share(reading)
	}
}

func weight(intent string) int {
	if phrase.Acts(intent) {
		return 1
	}
	return 0
}

func (r *Reader) ask(g guess, products []string) Ask {
	a := Ask{Intent: r.model.Intents[g.first], Second: r.model.Intents[g.second], Confidence: g.sure, SecondConfidence: g.next, Text: g.text}
	limits := r.model.Thresholds
	switch {
	case g.sure >= limits.Sure:
		a.Level = Sure
	case g.sure+g.next >= limits.Offer:
		a.Level = Offer
	}
	wanted, kept := keep(g.text)
	a.Slots = slot.Read(wanted, products)
	if kept != "" {
		a.Keep = slot.Read(kept, products)
		a.Slots.Products = slices.DeleteFunc(a.Slots.Products, func(p slot.Product) bool {
			return slices.ContainsFunc(a.Keep.Products, func(k slot.Product) bool { return k.Index == p.Index && k.Score >= p.Score })
		})
	}
	a.Negated = negated(a.Intent, g.text)
	return a
}

// share gives an ask without an order number the number that stands elsewhere in
// the message, when there is only one.
func share(reading *Reading) {
	for i := range reading.Asks {
		a := &reading.Asks[i]
		if len(a.Slots.Orders) == 0 && len(reading.Slots.Orders) == 1 && len(a.Keep.Orders) == 0 {
			a.Slots.Orders = reading.Slots.Orders
		}
		if a.Slots.Reason == "" {
			a.Slots.Reason = reading.Slots.Reason
		}
		if len(a.Slots.Emails) == 0 && len(reading.Slots.Emails) == 1 {
			a.Slots.Emails = reading.Slots.Emails
		}
	}
}

// spoken is the act of an intent of small talk.
func spoken(intent string) Kind {
	switch intent {
	case "greeting":
		return Greeting
	case "thanks_bye":
		return Thanks
	case "yes":
		return Yes
	case "no":
		return No
	}
	return ""
}

// clean takes marks off the ends of a piece.
func clean(s string) string { return strings.Trim(s, " ,.;:!-\n") }
