// Package skilltest proves that a skill of the assistant keeps what all of them
// promise: it quotes facts and nothing else, changes nothing before a yes, knows of
// no order but the writer's, speaks three languages, answers as the policy says, and
// does not leave anybody without an answer when a service refuses.
package skilltest

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/order"
	"doorstep/support/phrase"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// allowed are the types that the policy lets an intent be answered with, beside
// those of refusals and questions where no row says otherwise.
var allowed = map[string][]skill.Type{
	"order_status": {skill.Fact}, "order_confirm": {skill.Fact}, "refund_status": {skill.Fact}, "invoice": {skill.Fact},
	"payment_problem":  {skill.Fact, skill.Policy, skill.Ask},
	"delivery_problem": {skill.Fact, skill.Handoff},
	"cancel_order":     {skill.Confirm, skill.Refuse, skill.Fact, skill.Ask},
	"change_address":   {skill.Confirm, skill.Refuse, skill.Fact, skill.Ask},
	"change_order":     {skill.Confirm, skill.Refuse, skill.Fact, skill.Ask},
	"return_item":      {skill.Confirm, skill.Refuse, skill.Fact, skill.Ask},
	"replace_item":     {skill.Confirm, skill.Refuse, skill.Fact, skill.Ask, skill.Handoff},
	"refund_request":   {skill.Confirm, skill.Refuse, skill.Fact, skill.Ask},
	"refund_policy":    {skill.Policy, skill.Fact, skill.Refuse}, "cancellation_fee": {skill.Policy, skill.Fact}, "shipping_options": {skill.Policy},
	"delivery_time": {skill.Policy, skill.Fact}, "payment_methods": {skill.Policy, skill.Fact}, "place_order": {skill.Policy, skill.Fact},
	"loyalty_points": {skill.Policy}, "account_password": {skill.Policy}, "account_edit": {skill.Policy}, "review": {skill.Policy, skill.Fact},
	"promo_code": {skill.Policy, skill.Fact, skill.Ask}, "product_question": {skill.Fact, skill.Ask},
	"account_delete": {skill.Confirm, skill.Verify, skill.Refuse, skill.Fact}, "subscribe": {skill.Confirm, skill.Verify, skill.Fact}, "unsubscribe": {skill.Confirm, skill.Verify, skill.Fact},
	"complaint": {skill.Handoff}, "human_agent": {skill.Handoff},
	"greeting": {skill.Smalltalk}, "thanks_bye": {skill.Smalltalk}, phrase.OutOfScope: {skill.Oos},
}

// actions are what skills may propose, by intent.
var actions = map[string][]string{
	"cancel_order": {"order.cancel"}, "change_address": {"order.change_address"}, "change_order": {"order.change_items", "return.create"}, "return_item": {"return.create"},
	"replace_item": {"claim.create"}, "refund_request": {"order.cancel", "return.create"},
	"account_delete": {"account.erase"}, "subscribe": {"consent.grant"}, "unsubscribe": {"consent.withdraw"},
}

// perLanguage is how many phrases of each language a skill is asked with.
const perLanguage = 3

var reader = sync.OnceValues(understand.Default)

// Run holds a skill to its promises, in every state of an order and each language.
func Run(t *testing.T, s skill.Skill) {
	t.Helper()
	if s.Name == "" || s.Answer == nil || len(s.Intents) == 0 || (s.Action != "") != (s.Do != nil) {
		t.Fatalf("a skill needs a name, intents and an answer, and what acts needs both an action and its deed: %+v", s)
	}
	if (s.Action != "" || s.Risk != skill.Read) && s.Identity != skill.Verified {
		t.Errorf("%s acts for whom it does not know", s.Name)
	}
	if s.Order == skill.OneOrder && s.Identity == skill.Anonymous {
		t.Errorf("%s tells strangers of orders", s.Name)
	}
	for _, intent := range s.Intents {
		if allowed[intent] == nil {
			t.Errorf("%s answers %s, which no policy knows", s.Name, intent)
		}
		for _, text := range said(intent) {
			states := States()
			if s.Order == skill.NoOrder {
				states = states[:1]
			}
			for _, state := range states {
				one(t, s, intent, text, state)
			}
		}
	}
}

// said are phrases for an intent, from all over its list, and plain words for it.
func said(intent string) []phrase.Phrase {
	var all []phrase.Phrase
	for _, l := range locale.Languages() {
		var mine []phrase.Phrase
		for _, p := range phrase.All() {
			if p.Intent == intent && p.Language == string(l) {
				mine = append(mine, p)
			}
		}
		if len(mine) == 0 {
			mine = []phrase.Phrase{{Text: "wool socks", Intent: intent, Language: string(l)}}
		}
		for i := range min(perLanguage, len(mine)) {
			all = append(all, mine[i*len(mine)/perLanguage])
		}
	}
	return append(all, phrase.Phrase{Text: "2 oak stool, the address is 5 Tumanyan street, Gyumri", Intent: intent, Language: "en"})
}

// Turn is a turn of the order's buyer that says this.
func Turn(t testing.TB, shop *Shop, o *skill.Order, intent, language, text string) *skill.Turn {
	t.Helper()
	r, err := reader()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	if o != nil {
		for _, l := range o.Lines {
			names = append(names, l.Title)
		}
	}
	text = strings.NewReplacer("{order}", "", "{email}", "ana@example.com").Replace(text)
	reading, err := r.Interpret(t.Context(), understand.Turn{Text: text, Language: language, Products: names})
	if err != nil {
		t.Fatal(err)
	}
	ask := understand.Ask{Intent: intent, Confidence: 1, Level: understand.Sure, Slots: reading.Slots, Text: reading.Text}
	for _, a := range reading.Asks {
		if a.Intent == intent {
			ask.Slots, ask.Keep, ask.Text = a.Slots, a.Keep, a.Text
		}
	}
	turn := &skill.Turn{
		Merchant: Merchant, Conversation: named("conversation"), Now: Now, Language: language, Country: "AM", Currency: "EUR", Ask: ask, Text: reading.Text,
		Who: skill.Who{Level: skill.Verified, Customer: named("customer"), EmailHMAC: []byte("hmac")}, Order: o, Settings: Settings(), Shop: shop.Skills(),
	}
	if o != nil {
		turn.Orders = []*skill.Order{o}
	}
	shop.Own = o
	return turn
}

// one asks once, and carries out what was proposed.
func one(t *testing.T, s skill.Skill, intent string, p phrase.Phrase, state State) {
	t.Helper()
	shop := &Shop{}
	turn := Turn(t, shop, state.Order, intent, p.Language, p.Text)
	if s.Order == skill.NoOrder {
		turn.Order = nil
	}
	where := func(problem string, more ...any) {
		t.Helper()
		t.Errorf("%s, %s, %q in %s: %s %v", s.Name, state.Name, p.Text, p.Language, problem, more)
	}
	a, err := s.Answer(t.Context(), turn)
	if err != nil {
		where("failed", err)
		return
	}
	if len(shop.Writes) > 0 {
		where("acted without a yes", shop.Writes)
	}
	check(where, s, intent, turn, a)
	if len(shop.Trespasses) > 0 {
		where("looked at what is not the writer's", shop.Trespasses)
	}
	if state.Name == "paid, not sent" || state.Name == "delivered" {
		broken(t, where, s, turn, shop)
	}
	if a.Proposal != nil {
		deed(t, where, s, turn, shop, *a.Proposal)
	}
}

// check looks at one answer.
func check(where func(string, ...any), s skill.Skill, intent string, turn *skill.Turn, a skill.Answer) {
	if !slices.Contains(allowed[intent], a.Type) {
		where("answered with a type that the policy does not have", a.Type, a.Reply)
	}
	if a.Type == skill.Confirm != (a.Proposal != nil) {
		where("a question about an action and its proposal go together", a.Type, a.Reply)
	}
	if a.Proposal != nil && (!slices.Contains(actions[intent], a.Proposal.Action) || s.Do == nil) {
		where("proposed", a.Proposal.Action)
	}
	if a.Type == skill.Handoff && a.Handoff == "" {
		where("hands over without saying why", a.Reply)
	}
	spoken(where, turn.Language, a)
	if len(a.Suggestions) > 4 || a.Type != skill.Handoff && len(a.Suggestions) == 0 {
		where("has too many buttons, or none for a person", a.Suggestions)
	}
	for _, b := range a.Suggestions {
		if strings.TrimSpace(b.Label) == "" || strings.TrimSpace(b.Text) == "" {
			where("has an empty button", b)
		}
	}
	if a.Expect != "" && a.Type != skill.Ask {
		where("waits for something without asking", a.Expect)
	}
}

// spoken checks that a reply is in its language and states facts only.
func spoken(where func(string, ...any), language string, a skill.Answer) {
	if strings.TrimSpace(a.Reply) == "" || strings.ContainsAny(a.Reply, "{}") {
		where("said nothing, or left a place open", a.Reply)
	}
	script := map[string]*unicode.RangeTable{"en": unicode.Latin, "hy": unicode.Armenian, "km": unicode.Khmer}[language]
	if !strings.ContainsFunc(a.Reply, func(r rune) bool { return unicode.Is(script, r) }) {
		where("is not in its language", a.Reply)
	}
	if rest := Unquoted(a); rest != "" {
		where("states what no fact holds:", rest, "in", a.Reply)
	}
}

// claimed is what may stand in a reply only as a fact.
var claimed = regexp.MustCompile(`\p{Nd}|@|https?:|\p{Sc}`)

// Unquoted is what is left of a reply that is no word: numbers, dates, amounts,
// addresses and links that no fact holds. It is empty for an honest reply.
func Unquoted(a skill.Answer) string {
	words := make([]string, 0, 2*len(a.Facts))
	for _, f := range a.Facts {
		words = append(words, f.Text, f.Value)
	}
	slices.SortFunc(words, func(x, y string) int { return len(y) - len(x) })
	rest := a.Reply
	for _, w := range words {
		rest = cut(rest, w)
	}
	if !claimed.MatchString(rest) {
		return ""
	}
	return strings.Join(claimed.FindAllString(rest, -1), "")
}

// cut takes a quoted value out, where it is not a part of a longer number or word.
func cut(s, value string) string {
	if value == "" {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, value)
		if i < 0 {
			return b.String() + s
		}
		before, after := lastRune(s[:i]), firstRune(s[i+len(value):])
		b.WriteString(s[:i])
		if joins(before, firstRune(value)) || joins(after, lastRune(value)) {
			b.WriteString(value)
		} else {
			b.WriteString(" ")
		}
		s = s[i+len(value):]
	}
}

func joins(neighbour, edge rune) bool { return unicode.IsDigit(neighbour) && unicode.IsDigit(edge) }

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

func lastRune(s string) (last rune) {
	for _, r := range s {
		last = r
	}
	return last
}

var errDown = errors.New("the database is down")

// broken asks again while all services fail: that is an error or an answer, and
// never a change.
func broken(t *testing.T, where func(string, ...any), s skill.Skill, turn *skill.Turn, shop *Shop) {
	t.Helper()
	shop.Fault = errDown
	defer func() { shop.Fault = nil }()
	a, err := s.Answer(t.Context(), turn)
	if err == nil && a.Reply == "" || err != nil && !errors.Is(err, errDown) {
		where("does not bear that a service is down", err, a)
	}
	if len(shop.Writes) > 0 {
		where("acted while a service was down", shop.Writes)
	}
}

// refusals are what a service may answer when the order has moved on meanwhile.
var refusals = []*fault.Error{
	order.ErrNotCancelable, order.ErrVersion, order.ErrEditShipped, order.ErrEditAddress, order.ErrReturnWindow, order.ErrReturnQuantity, order.ErrClaimQuantity,
	order.ErrCancelQuantity, order.ErrNotFound, order.ErrEditLines,
}

// deed carries out a proposal that was confirmed.
func deed(t *testing.T, where func(string, ...any), s skill.Skill, turn *skill.Turn, shop *Shop, p skill.Proposal) {
	t.Helper()
	p.ID = named("proposal")
	for _, f := range refusals {
		shop.Fault = f
		a, err := s.Do(t.Context(), turn, p)
		if err != nil || a.Type != skill.Refuse && a.Type != skill.Ask {
			if e, ok := fault.As(err); s.Order == skill.OneOrder || !ok || e.Code != f.Code {
				where("did not word the refusal", f.Code, err, a.Type)
			}
			continue
		}
		spoken(where, turn.Language, a)
	}
	shop.Fault = errDown
	if a, err := s.Do(t.Context(), turn, p); err == nil {
		where("took a failure for an end", a)
	}
	shop.Fault = nil
	if len(shop.Writes) > 0 {
		where("wrote although it was refused", shop.Writes)
	}
	a, err := s.Do(t.Context(), turn, p)
	if err != nil || a.Type != skill.Done || len(shop.Writes) != 1 {
		where("did not do what it proposed, once", err, a.Type, shop.Writes)
		return
	}
	if id := shop.IDs[0]; id != p.ID && id != uuid.Nil {
		where("acted under another name than the proposal's", id)
	}
	spoken(where, turn.Language, a)
	if s.Order == skill.OneOrder {
		q := p
		q.Order, shop.Writes = named("somebody else's"), nil
		if _, err := s.Do(context.WithoutCancel(t.Context()), turn, q); err == nil || len(shop.Writes) > 0 {
			where("would change another order than the turn's", shop.Writes)
		}
	}
	shop.Writes, shop.IDs = nil, nil
}
