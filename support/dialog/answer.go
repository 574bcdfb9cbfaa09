package dialog

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"doorstep/support/desk"
	"doorstep/support/phrase"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// humanIntent asks for a person. It is heard at any time and by anybody.
const humanIntent = "human_agent"

// answer makes the reply of a turn, and notes what it changes.
func (s *Service) answer(ctx context.Context, t *talk) error {
	if t.conv.Status == desk.Waiting || t.conv.Status == desk.Open {
		if t.byMail() && t.action.open(t.now) && t.action.ID == t.m.Pending {
			return s.beside(ctx, t)
		}
		return s.silent(ctx, t)
	}
	if t.m.Pending != uuid.Nil {
		return s.button(ctx, t)
	}
	if err := s.hear(ctx, t); err != nil {
		return err
	}
	if t.m.Watch != nil {
		t.m.Watch(t.reading)
	}
	t.note()
	if intent, ok := s.labels[strings.ToLower(t.reading.Text)]; ok {
		return s.chosen(ctx, t, intent)
	}
	for _, a := range t.reading.Asks {
		if a.Intent == humanIntent && !a.Negated && a.Level != understand.Lost {
			return s.human(ctx, t)
		}
	}
	if done, err := s.pending(ctx, t); done || err != nil {
		return err
	}
	if done, err := s.identify(ctx, t); done || err != nil {
		return err
	}
	return s.asked(ctx, t)
}

// beside answers the press of a button in a conversation that a person has. What a mail
// asked was sent by staff, or before they had it: its answer counts as it stands there,
// and the conversation stays with whoever has it.
func (s *Service) beside(ctx context.Context, t *talk) error {
	had := t.conv
	err := s.button(ctx, t)
	if t.handed != nil { // they have it already
		c := &t.conv
		c.Status, c.Reason, c.Topic, c.HandedAt, c.DueAt, c.AnsweredAt = had.Status, had.Reason, had.Topic, had.HandedAt, had.DueAt, had.AnsweredAt
		t.handed = nil
	}
	return err
}

// hear reads the message. A short answer such as ok shows no language: it is in the
// conversation's.
func (s *Service) hear(ctx context.Context, t *talk) (err error) {
	if t.reading, err = s.interpret(ctx, t.m.Text, string(t.lang), nil); err != nil {
		return err
	}
	if !t.fresh && len(t.reading.Asks) == 0 && t.reading.Scope.In && t.reading.Language == "en" && runes(t.reading.Text) <= 40 {
		return nil
	}
	t.speak(t.reading.Language)
	return nil
}

// note puts what was read into the reply, for programs.
func (t *talk) note() {
	t.reply.Language = string(t.lang)
	t.reply.Slots = slotsOf(t.reading.Slots, nil)
	t.reply.Confidence = 1
	for _, a := range t.reading.Asks {
		t.reply.Intents = keep(t.reply.Intents, a.Intent)
		t.reply.Confidence = min(t.reply.Confidence, a.Confidence)
	}
	if len(t.reading.Asks) > 0 {
		return
	}
	for _, a := range t.reading.Acts {
		t.reply.Intents = keep(t.reply.Intents, intentOf(a.Kind))
	}
	if !t.reading.Scope.In {
		t.reply.Intents = []string{phrase.OutOfScope}
		t.reply.Confidence = 1 - t.reading.Scope.Chance
	}
}

func intentOf(k understand.Kind) string {
	switch k {
	case understand.Greeting:
		return "greeting"
	case understand.Thanks, understand.Bye:
		return "thanks_bye"
	case understand.Yes:
		return "yes"
	case understand.No:
		return "no"
	}
	return ""
}

// did says whether the message does that.
func did(r understand.Reading, k understand.Kind) bool {
	return slices.ContainsFunc(r.Acts, func(a understand.Act) bool { return a.Kind == k })
}

// clean is the clean act of that kind, where the message is nothing else.
func clean(r understand.Reading, k understand.Kind) (understand.Act, bool) {
	if r.Clipped {
		return understand.Act{}, false // nobody has read all of it
	}
	for _, a := range r.Acts {
		if a.Kind == k && a.Clean {
			return a, true
		}
	}
	return understand.Act{}, false
}

// asked answers what a message asks for, and what only moves the talk along.
func (s *Service) asked(ctx context.Context, t *talk) error {
	asks, err := s.filled(ctx, t)
	if err != nil {
		return err
	}
	wanted := asks[:0:0]
	for _, a := range asks {
		if !a.Negated {
			wanted = append(wanted, a)
		}
	}
	switch {
	case len(asks) > 0 && len(wanted) == 0:
		t.st.Wait, t.st.Choice = nil, nil
		t.say(skill.Smalltalk, "assistant.left")
		return nil
	case len(wanted) == 0:
		return s.moved(ctx, t)
	case len(wanted) == 1 && !s.likely(t, &wanted[0].Ask):
		return s.unclear(ctx, t, wanted[0].Ask)
	}
	if second := label(t.lang, wanted[0].Second); len(wanted) == 1 && wanted[0].Level != understand.Sure && second != "" {
		defer func() { t.suggest(second, second) }()
	}
	t.st.Offered, t.st.Lost, t.st.Choice = 0, 0, nil
	return s.answers(ctx, t, wanted)
}

// likelyEnough is the chance from which a guess is gone on with, and likelier how
// much more likely than the next it has to be; namedEnough is enough where an order
// is named.
const (
	likelyEnough = 0.5
	namedEnough  = 0.35
	likelier     = 1.5
)

// likely says that an ask is gone on with: its meaning is sure, or a good guess of
// which a mistake costs nothing. What reads may be asked again, and what acts asks
// before it does; the next best meaning is offered below. What hands over, or changes
// what is known of a person for good, has to be sure.
func (s *Service) likely(t *talk, a *understand.Ask) bool {
	if a.Level == understand.Sure {
		return true
	}
	if a.Level != understand.Offer {
		return false
	}
	if len(a.Slots.Orders) > 0 {
		return s.likelyNamed(t, a)
	}
	if len(a.Slots.Coupons) > 0 && a.Intent == "promo_code" {
		return true
	}
	k := s.byIntent[a.Intent]
	return a.Confidence >= likelyEnough && a.Confidence >= likelier*a.SecondConfidence &&
		k != nil && (k.Risk != skill.Irreversible || k.Order != skill.NoOrder) && a.Intent != "complaint"
}

// likelyNamed says that a guess about a named order is gone on with. Whoever names an
// order means something about it, so that a guess which is not gives way to the next
// one; so does one that acts to one that reads and is half as likely, for reading
// costs nothing. Nobody is handed over on a guess.
func (s *Service) likelyNamed(t *talk, a *understand.Ask) bool {
	about := func(intent string) bool {
		k := s.byIntent[intent]
		return k != nil && k.Order != skill.NoOrder && intent != "complaint"
	}
	reads := func(intent string) bool { return about(intent) && s.byIntent[intent].Action == "" }
	if !about(a.Intent) || !reads(a.Intent) && reads(a.Second) && 2*a.SecondConfidence >= a.Confidence {
		a.Intent, a.Second, a.Confidence = a.Second, a.Intent, a.SecondConfidence
		if !about(a.Intent) {
			a.Intent = "order_status"
		}
		t.reply.Intents = []string{a.Intent}
		if reads(a.Intent) {
			return true
		}
	}
	return a.Confidence >= namedEnough || about(a.Second) || t.who.Level == skill.Anonymous
}

// theirs is the ask of a message that seems to be nobody's business, and names in
// full something that its writer has bought.
func (s *Service) theirs(ctx context.Context, t *talk) (*ask, error) {
	if t.who.Level == skill.Anonymous {
		return nil, nil
	}
	if err := s.load(ctx, t); err != nil || len(t.orders) == 0 {
		return nil, err
	}
	r, err := s.interpret(ctx, t.m.Text, string(t.lang), t.products())
	if err != nil || len(r.Slots.Products) == 0 || r.Slots.Products[0].Score < 1 {
		return nil, err
	}
	t.reply.Intents, t.reply.Confidence = []string{"order_status"}, 1-t.reply.Confidence
	t.reply.Slots = slotsOf(r.Slots, t.products())
	return &ask{Ask: understand.Ask{Intent: "order_status", Level: understand.Sure, Confidence: 1, Slots: r.Slots, Text: r.Text}, seqs: []int{t.seq()}}, nil
}

// onShelf is the answer about a product, where a message that seems to be none of the
// shop's business asks for the price of something that the shop has.
func (s *Service) onShelf(ctx context.Context, t *talk) (*part, error) {
	if s.byIntent[productIntent] == nil || !skill.AsksPriceOrStock(t.reading.Text) {
		return nil, nil
	}
	p, err := s.one(ctx, t, ask{Ask: understand.Ask{Intent: productIntent, Level: understand.Sure, Text: t.reading.Text, Slots: t.reading.Slots}, seqs: []int{t.seq()}})
	said := strings.ToLower(t.reading.Text)
	named := func(v skill.Value) bool { // by a word as it stands: the search forgives much
		return v.Name == "product" && slices.ContainsFunc(strings.Fields(strings.ToLower(v.Value)), func(word string) bool {
			return len(word) > 3 && strings.Contains(said, word)
		})
	}
	if err != nil || p.answer.Type != skill.Fact || !slices.ContainsFunc(p.answer.Facts, named) {
		return nil, err
	}
	t.reply.Intents, t.reply.Confidence = []string{productIntent}, 1-t.reply.Confidence
	return &p, nil
}

const productIntent = "product_question"

// moved answers a message without an ask.
func (s *Service) moved(ctx context.Context, t *talk) error {
	r := t.reading
	_, no := clean(r, understand.No)
	_, yes := clean(r, understand.Yes)
	switch {
	case no:
		t.st.Wait, t.st.Choice = nil, nil
		t.say(skill.Smalltalk, "assistant.left")
		return nil
	case yes || did(r, understand.Yes):
		t.say(skill.Ask, "assistant.nothing_waits")
		return nil
	case did(r, understand.Unsure), did(r, understand.No):
		t.say(skill.Ask, "assistant.what")
		return nil
	case did(r, understand.Greeting):
		return s.plain(ctx, t, "greeting", skill.Smalltalk, "assistant.hello")
	case did(r, understand.Thanks), did(r, understand.Bye):
		return s.plain(ctx, t, "thanks_bye", skill.Smalltalk, "assistant.welcome")
	case !r.Scope.In:
		t.st.Wait = nil
		if a, err := s.theirs(ctx, t); err != nil || a != nil {
			if err != nil {
				return err
			}
			return s.answers(ctx, t, []ask{*a})
		}
		if p, err := s.onShelf(ctx, t); err != nil || p != nil {
			if err != nil {
				return err
			}
			return s.join(ctx, t, []part{*p})
		}
		return s.plain(ctx, t, phrase.OutOfScope, skill.Oos, "assistant.oos")
	}
	return s.lost(ctx, t)
}

// plain is the answer of a skill that needs nothing, or a text where there is no
// such skill.
func (s *Service) plain(ctx context.Context, t *talk, intent string, kind skill.Type, key string) error {
	k := s.byIntent[intent]
	if k == nil {
		t.say(kind, key)
		return nil
	}
	a, err := k.Answer(ctx, s.turn(t, understand.Ask{Intent: intent, Level: understand.Sure, Confidence: 1}))
	if err != nil {
		return err
	}
	return s.put(ctx, t, k, a, nil)
}

// unclear offers the two likeliest meanings; the second time a person.
func (s *Service) unclear(ctx context.Context, t *talk, a understand.Ask) error {
	if a.Level == understand.Lost {
		return s.lost(ctx, t)
	}
	if t.st.Offered++; t.st.Offered >= 2 {
		return s.handOver(ctx, t, "not_understood", "assistant.handoff.lost")
	}
	t.st.Lost = 0
	t.st.Wait = &wait{For: "choice", Intent: a.Intent, Seqs: []int{t.seq()}}
	t.st.Choice = nil
	t.say(skill.Ask, "assistant.offer")
	for _, intent := range []string{a.Intent, a.Second} {
		if label := label(t.lang, intent); label != "" && !slices.Contains(t.st.Choice, intent) {
			t.st.Choice = append(t.st.Choice, intent)
			t.suggest(label, label)
		}
	}
	return nil
}

// lost asks to say it otherwise; the second time in a row it is a person's.
func (s *Service) lost(ctx context.Context, t *talk) error {
	if t.st.Lost++; t.st.Lost >= 2 || t.st.Offered >= 1 {
		return s.handOver(ctx, t, "not_understood", "assistant.handoff.lost")
	}
	t.say(skill.Ask, "assistant.rephrase")
	return nil
}

// chosen answers the press of a button that names an intent.
func (s *Service) chosen(ctx context.Context, t *talk, intent string) error {
	t.reply.Intents, t.reply.Confidence = []string{intent}, 1
	if intent == humanIntent {
		return s.human(ctx, t)
	}
	a := ask{Ask: understand.Ask{Intent: intent, Confidence: 1, Level: understand.Sure, Text: t.reading.Text}, seqs: []int{t.seq()}}
	if w := t.st.Wait; w != nil && w.For == "choice" && slices.Contains(t.st.Choice, intent) {
		before, err := s.recall(ctx, t, *w)
		if err != nil {
			return err
		}
		before.Intent, before.Negated, before.Level, before.Confidence = intent, false, understand.Sure, 1
		a = before
	}
	t.st.Offered, t.st.Lost, t.st.Choice, t.st.Wait = 0, 0, nil, nil
	return s.answers(ctx, t, []ask{a})
}

// answers asks the skills, puts their answers together and sees that at most one
// action is proposed.
func (s *Service) answers(ctx context.Context, t *talk, asks []ask) error {
	t.st.Wait = nil
	asks = s.each(asks)
	var parts []part
	for _, a := range asks {
		p, err := s.one(ctx, t, a)
		if err != nil {
			return err
		}
		if p.answer.Proposal != nil && slices.ContainsFunc(parts, func(o part) bool { return o.answer.Proposal != nil }) {
			p = part{skill: p.skill, ask: a, answer: skill.Answer{Type: skill.Ask, Reply: t.text("assistant.one_at_a_time")}}
		}
		if len(parts) > 0 && slices.ContainsFunc(parts, func(o part) bool { return o.answer.Reply == p.answer.Reply }) {
			continue // two asks that lack the same thing: it is said once
		}
		parts = append(parts, p)
	}
	return s.join(ctx, t, parts)
}

// part is the answer to one ask.
type part struct {
	skill  *skill.Skill
	ask    ask
	answer skill.Answer
	wait   *wait
}

// mostAsks is how many answers a reply holds.
const mostAsks = 3

// each makes an ask of its own for every order that a reading ask names. Actions
// are for one order at a time.
func (s *Service) each(asks []ask) []ask {
	var all []ask
	for _, a := range asks {
		k := s.byIntent[a.Intent]
		if k == nil || k.Action != "" || len(a.Slots.Orders) < 2 {
			all = append(all, a)
			continue
		}
		for _, o := range a.Slots.Orders {
			b := a
			b.Slots.Orders = a.Slots.Orders[:0:0]
			b.Slots.Orders = append(b.Slots.Orders, o)
			all = append(all, b)
		}
	}
	return all[:min(len(all), mostAsks)]
}

// rank orders the types of the parts: the first of these is the type of the whole.
func rank(k skill.Type) int {
	switch k {
	case skill.Confirm:
		return 0
	case skill.Handoff:
		return 1
	case skill.Verify:
		return 2
	}
	return 3
}

// join makes one reply of the parts.
func (s *Service) join(ctx context.Context, t *talk, parts []part) error {
	for i := range parts {
		p := &parts[i]
		if p.wait != nil && t.st.Wait == nil {
			t.st.Wait = p.wait
		}
		if err := s.put(ctx, t, p.skill, p.answer, &p.ask); err != nil {
			return err
		}
	}
	t.reply.Type = slices.MinFunc(parts, func(a, b part) int { return rank(a.answer.Type) - rank(b.answer.Type) }).answer.Type
	if t.handed != nil && t.reply.Type == "" {
		t.reply.Type = skill.Handoff
	}
	return nil
}
