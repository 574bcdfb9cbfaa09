package notify

import (
	"strings"

	"doorstep/internal/locale"
)

// SupportTopics are what SupportNews can tell a buyer before they ask; each has its
// own words.
var SupportTopics = []string{"payment_failed", "payment_unknown", "refund_overdue", "return_requested", "claim"}

// News is what a mail of kind SupportNews speaks of: one of SupportTopics.
type News struct{ Topic string }

// Reply is an answer to somebody who has written to the shop.
type Reply struct {
	// Subject is that of the conversation; empty gives a plain one.
	Subject string
	// Text is what was answered, in paragraphs parted by line breaks.
	Text string
	// Automatic says that no person has written it.
	Automatic bool
	// Link is a button below it; none without a URL.
	Link Link
}

// Link is a button with where it leads.
type Link struct{ Label, URL string }

// Limits of an answer.
const (
	longParagraph  = 4000
	mostParagraphs = 400
)

// cleanSupport makes these texts harmless lines.
func (d *Data) cleanSupport(text func(*string)) {
	if d.Answer == nil {
		return
	}
	r := *d.Answer
	text(&r.Subject)
	text(&r.Link.Label)
	r.Text = strings.Join(paragraphs(r.Text), "\n")
	d.Answer = &r
}

// paragraphs are the lines of a text that say something, each clean.
func paragraphs(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = clean(line, longParagraph); line != "" && len(all) < mostParagraphs {
			all = append(all, line)
		}
	}
	return all
}

// checkAnswer finds what an answer lacks.
func (d Data) checkAnswer(need func(bool, string)) {
	need(d.Answer != nil && d.Answer.Text != "", "answer")
	need(d.Answer == nil || d.Answer.Link.URL == "" || d.Answer.Link.Label != "" && validURL(d.Answer.Link.URL), "answer.link")
}

// answer shows what was answered.
func (w *writer) answer(v *view) {
	r := w.d.Answer
	v.Footer, v.Button, v.Note = w.own("footer", "shop", w.d.Shop.Name), button(r.Link), ""
	if subject := strings.TrimSpace(r.Subject); subject != "" {
		if !strings.HasPrefix(strings.ToLower(subject), "re:") {
			subject = "Re: " + subject
		}
		v.Subject = subject
	}
	if r.Automatic {
		v.Note = w.own("automatic")
	}
	v.Words = paragraphs(r.Text)
}

// told shows news of an order.
func (w *writer) told(v *view) {
	topic := func(part string) string {
		return w.t("mail.support_news."+w.d.News.Topic+"."+part, "number", w.d.Order.Number)
	}
	v.Subject, v.Heading, v.Intro, v.Note = topic("subject"), topic("heading"), topic("intro"), topic("note")
	v.Facts = append(v.Facts, w.fact("order", w.d.Order.Number))
	if r := w.d.Refund; r != nil {
		v.Facts = append(v.Facts, w.fact("refund", w.money(r.Amount)))
	}
	if !w.d.Order.PlacedAt.IsZero() {
		v.Facts = append(v.Facts, w.fact("placed", locale.Date(w.lang, w.local(w.d.Order.PlacedAt))))
	}
}
