package notify

import (
	"bytes"
	"embed"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"doorstep/internal/locale"
)

//go:embed templates
var templates embed.FS

// Both parts of a mail are made from the same view, so they cannot tell
// different things.
var (
	htmlLayout = htmltemplate.Must(htmltemplate.ParseFS(templates, "templates/mail.html"))
	textLayout = texttemplate.Must(texttemplate.ParseFS(templates, "templates/mail.txt"))
)

// Message is a mail ready to be sent: a subject of one line and the same
// content twice.
type Message struct {
	Subject string
	HTML    string
	Text    string
}

// Render writes the mail of that kind in lang. It depends on nothing but its
// arguments. Every text in d is treated as hostile. When anything the kind
// must tell is missing, or a text has an open variable, it returns
// ErrIncomplete and no mail.
func Render(kind Kind, lang locale.Lang, d Data) (Message, error) {
	if !lang.Known() {
		lang = locale.En
	}
	d = d.cleaned()
	if err := d.check(kind); err != nil {
		return Message{}, err
	}
	w := &writer{kind: kind, lang: lang, d: d}
	v := w.view()
	if kind == CartReminder {
		w.reminder(&v)
	}
	if w.err != nil {
		return Message{}, ErrIncomplete.Because(w.err)
	}
	var html, text bytes.Buffer
	if err := htmlLayout.Execute(&html, v); err != nil {
		return Message{}, ErrIncomplete.Because(err)
	}
	if err := textLayout.Execute(&text, v); err != nil {
		return Message{}, ErrIncomplete.Because(err)
	}
	return Message{Subject: v.Subject, HTML: html.String(), Text: strings.TrimSpace(text.String()) + "\n"}, nil
}

// view is what the layouts show, all in the reader's language.
type view struct {
	Lang     string
	Subject  string
	Shop     string
	Heading  string
	Greeting string
	Intro    string
	Words    []string // paragraphs that a person has written
	Facts    []fact
	Note     string
	Items    string
	Lines    []item
	Sums     []sum
	Address  []string
	ShipTo   string
	Button   button
	Footer   string
	Help     string
	// Late puts the button below the lines; More and Extras are what else there is.
	Late   bool
	More   string
	Extras []item
	// Leave is the way out of such mails, Postal who writes.
	Leave  button
	Postal []string
}

// fact is a labelled value; Joined is both in one line, as the language joins them.
type fact struct{ Label, Value, Joined string }

type item struct {
	Count, Name, Options, Total string
}

type sum struct {
	fact
	Strong bool
}

type button struct{ Label, URL string }
