package dialog

import (
	"context"
	"regexp"
	"strings"

	"doorstep/support/skill"
	"doorstep/support/slot"
	"doorstep/support/text"
)

// compose lets an outside model word a reply anew. What it says is used only when
// it states nothing that the facts and the draft do not hold; questions about
// actions, hand-overs and proofs are always the program's own words.
func (s *Service) compose(ctx context.Context, t *talk) {
	if s.c.Composer == nil || t.reply.Type != skill.Fact && t.reply.Type != skill.Policy || t.reply.Pending != nil || t.handed != nil {
		return
	}
	words, err := s.c.Composer.Compose(ctx, string(t.lang), t.reply.Text, t.reply.Facts)
	if err == nil && faithful(words, t.reply.Text, t.reply.Facts) {
		t.reply.Text = words
	}
}

// mostComposed bounds a composed reply.
const mostComposed = 4000

var (
	figures = regexp.MustCompile(`[0-9]+`)
	links   = regexp.MustCompile(`(?i)\b(?:https?://|www\.)\S+`)
)

// faithful says whether a composed reply holds no order number, amount, date, e-mail,
// link or address that its sources do not hold.
func faithful(words, draft string, facts []skill.Value) bool {
	words = text.Normalise(strings.TrimSpace(words))
	if words == "" || len(words) > mostComposed {
		return false
	}
	var b strings.Builder
	b.WriteString(draft)
	for _, f := range facts {
		b.WriteString("\n" + f.Value + "\n" + f.Text)
	}
	source := text.Normalise(b.String())
	known := map[string]bool{}
	for _, n := range figures.FindAllString(source, -1) {
		known[n] = true
	}
	for _, n := range figures.FindAllString(words, -1) {
		if !known[n] {
			return false
		}
	}
	holds := func(piece string) bool { return strings.Contains(strings.ToLower(source), strings.ToLower(piece)) }
	for _, l := range links.FindAllString(words, -1) {
		if !holds(strings.TrimRight(l, ".,;)")) {
			return false
		}
	}
	allowed := map[string]bool{}
	for _, o := range slot.Orders(source) {
		allowed[o.Number] = true
	}
	found := slot.Read(words, nil)
	for _, o := range found.Orders {
		if !allowed[o.Number] {
			return false
		}
	}
	for _, e := range found.Emails {
		if !holds(e.Text) {
			return false
		}
	}
	return found.Address == nil || holds(found.Address.Raw)
}
