package dialog

import (
	"context"
	"slices"
	"strings"

	"doorstep/internal/id"
	"doorstep/internal/locale"
	"doorstep/support/desk"
	"doorstep/support/phrase"
	"doorstep/support/skill"
	"doorstep/support/text"
)

// speak sets the language of the talk.
func (t *talk) speak(language string) {
	if l := locale.Lang(language); l.Known() {
		t.lang = l
	}
	if !t.lang.Known() {
		t.lang = locale.En
	}
	t.reply.Language = string(t.lang)
}

// text is a text of the dialogue itself.
func (t *talk) text(key string, args ...any) string { return locale.T(t.lang, key, args...) }

// say adds a sentence to the reply and sets its type, unless it has one.
func (t *talk) say(kind skill.Type, key string, args ...any) {
	t.add(t.text(key, args...))
	if t.reply.Type == "" {
		t.reply.Type = kind
	}
}

func (t *talk) add(text string) {
	switch {
	case text == "":
	case t.reply.Text == "":
		t.reply.Text = text
	default:
		t.reply.Text += "\n\n" + text
	}
}

// mostButtons is how many suggestions a reply has beside the offer of a person.
const mostButtons = 4

func (t *talk) suggest(label, text string) { t.button(skill.Suggestion{Label: label, Text: text}) }

func (t *talk) button(b skill.Suggestion) {
	if len(t.reply.Suggestions) < mostButtons && !slices.Contains(t.reply.Suggestions, b) {
		t.reply.Suggestions = append(t.reply.Suggestions, b)
	}
}

// word ends a reply: a person is offered with every one, and an outside model may
// word it anew.
func (s *Service) word(ctx context.Context, t *talk) {
	if t.reply.Type == "" {
		t.reply.Type = skill.Ask
	}
	if t.reply.Text == "" {
		t.say(t.reply.Type, "assistant.what")
	}
	s.compose(ctx, t)
	person := skill.Suggestion{Label: t.text("assistant_shop.button.person"), Text: t.text("assistant_shop.button.person.text")}
	t.reply.Suggestions = slices.DeleteFunc(t.reply.Suggestions, func(b skill.Suggestion) bool { return b == person })
	if t.handed == nil && t.reply.Type != skill.Handoff {
		t.reply.Suggestions = append(t.reply.Suggestions, person)
	}
}

// put adds a skill's answer to the reply; from is the ask it answers.
func (s *Service) put(ctx context.Context, t *talk, k *skill.Skill, a skill.Answer, from *ask) error {
	t.add(a.Reply)
	if t.reply.Type == "" {
		t.reply.Type = a.Type
	}
	t.reply.Facts = append(t.reply.Facts, a.Facts...)
	if a.Proposal != nil && from != nil && k != nil {
		t.hold(*a.Proposal, a.Reply, *from)
	}
	for _, b := range a.Suggestions {
		b.Pending, b.Answer = "", ""
		t.button(b)
	}
	switch {
	case a.Handoff == "":
		return nil
	case a.Type == skill.Handoff:
		return s.give(ctx, t, a.Handoff)
	}
	t.passOn(a.Handoff)
	return nil
}

// hold keeps what would be done until the answer of the next turn.
func (t *talk) hold(p skill.Proposal, question string, from ask) {
	p.ID = id.New()
	t.propose = &Action{Proposal: p, Conversation: t.conv.ID, Status: ActionPending, AskedSeq: t.seq() + 1, ExpiresAt: t.now.Add(t.patience()), UpdatedAt: t.now}
	t.st.Proposed = &wait{Intent: from.Intent, Order: from.order, Seqs: from.seqs, At: t.seq() + 1}
	t.st.Tried = keep(t.st.Tried, p.Action)
	t.reply.Action = p.Action
	t.asking(t.propose, question)
}

// asking puts the question of a pending action and its two buttons into the reply.
func (t *talk) asking(a *Action, question string) {
	t.reply.Pending = &Pending{ID: a.ID, Action: a.Action, Question: question, ExpiresAt: a.ExpiresAt}
	for _, answer := range []string{"yes", "no"} {
		words := t.text("assistant.button." + answer)
		t.button(skill.Suggestion{Label: words, Text: words, Pending: a.ID.String(), Answer: answer})
	}
}

// label is what the button of an intent says, or empty for what nobody can choose.
func label(lang locale.Lang, intent string) string {
	if key := "assistant.intent." + intent; locale.Has(key) {
		return locale.T(lang, key)
	}
	return ""
}

// intentLabels are the intents by their labels in every language, in small letters.
func intentLabels() map[string]string {
	all := map[string]string{}
	for _, intent := range phrase.Intents {
		for _, lang := range locale.Languages() {
			if l := label(lang, intent); l != "" {
				all[strings.ToLower(text.Normalise(l))] = intent
			}
		}
	}
	return all
}

// silent keeps what is said to a person.
func (s *Service) silent(ctx context.Context, t *talk) error {
	t.reply.Silent, t.reply.Type = true, skill.Handoff
	position := 0
	if t.conv.Status == desk.Waiting {
		var err error
		if position, err = s.c.Store.Position(ctx, t.m.Merchant, t.conv.ID); err != nil {
			return err
		}
	}
	t.reply.Handoff = &Handoff{Reason: t.conv.Reason, Position: position, Due: t.conv.DueAt}
	return nil
}
