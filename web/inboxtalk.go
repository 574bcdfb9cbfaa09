package web

import (
	"net/url"
	"strings"
	"time"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// talkView is one conversation: what was said, what is known, and what can be done.
type talkView struct {
	ID, Title, Subject string
	Badge              cell
	Facts              []cell
	Said               []saidView
	Last               int64 // the place of the last message
	Known              []cell
	Actions            *tableView // that the assistant tried
	Orders             *tableView
	Forms              []*formView
	Answer             *formView // the box to answer in
	Poll               string    // where new messages are asked for
}

// saidView is one message.
type saidView struct {
	Seq          int64
	Author, Name string
	Lines        []string
	Time, ISO    string
}

// talkPage shows a conversation.
func talkPage(d *desk) error {
	about := d.Params("id")
	if !part.MatchString(about) {
		return problemOf(fiber.StatusNotFound, "not_found")
	}
	of, err := d.read("/v1/support/conversations/"+about, nil)
	if err != nil {
		return err
	}
	names := d.colleagues()
	v := talkView{
		ID: about, Subject: textAt(of, "subject"), Badge: status("web.admin.talk.").write(d.Lang, of), Last: numberAt(of, "messages"),
		Title: locale.T(d.Lang, "web.admin.talk_title", "topic", word(d.Lang, "web.admin.topicof.", strings.TrimSpace(orText(textAt(of, "topic"), "talk")))),
		Poll:  "/v1/support/conversations/" + url.PathEscape(about) + "/messages",
	}
	of["assigned"] = names[textAt(of, "assigned_to")]
	for _, c := range []column{
		{Name: "position", Kind: "number"}, {Name: "due_at", Kind: "time"}, late, {Name: "assigned_to", Path: "assigned"}, {Name: "channel", Kind: "word", Words: "web.admin.code."}, {Name: "language", Path: "locale"},
		{Name: "handed_at", Kind: "time"}, {Name: "answered_at", Kind: "time"}, created, {Name: "order", Path: "order_id", Kind: "goto", Link: "/admin/orders/{order_id}"},
	} {
		if w := c.write(d.Lang, of); w.Text != "" && w.Text != "0" {
			v.Facts = append(v.Facts, w)
		}
	}
	for _, one := range listAt(of, "transcript") {
		v.Said = append(v.Said, d.said(one, names))
	}
	d.knownOf(&v, of)
	orders := d.table("theirs", listAt(of, "orders"), []column{
		{Name: "number"}, {Name: "placed_at", Kind: "time"}, {Name: "payment_status", Kind: "badge", Words: "payment_status."}, {Name: "fulfillment_status", Kind: "badge", Words: "fulfillment_status."},
		{Name: "status", Kind: "badge", Words: "order_status."}, {Name: "total", Kind: "money"},
	}, "/admin/orders/{id}")
	v.Orders = &orders
	d.talkForms(&v, of)
	return d.page("admin/talk", v)
}

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// said is a message as it is shown; what happened is said in words.
func (d *desk) said(one any, names map[string]string) saidView {
	s := saidView{Seq: numberAt(one, "seq"), Author: textAt(one, "author"), ISO: textAt(one, "created_at")}
	if t, err := time.Parse(time.RFC3339, s.ISO); err == nil {
		s.Time = locale.DateTime(d.Lang, t.UTC())
	}
	s.Name = locale.T(d.Lang, "web.admin.author."+s.Author)
	if name := names[textAt(one, "staff_id")]; name != "" {
		s.Name = name
	}
	text := textAt(one, "text")
	if s.Author == "system" {
		text = word(d.Lang, "web.admin.happened.", text)
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			s.Lines = append(s.Lines, line)
		}
	}
	return s
}

// knownOf shows what the assistant knew when it handed over.
func (d *desk) knownOf(v *talkView, of doc) {
	known, _ := of["known"].(doc)
	for _, c := range []column{
		{Name: "reason", Kind: "word", Words: "web.admin.topicof."}, {Name: "intents", Kind: "list", Words: "web.admin.topicof."}, {Name: "level", Kind: "word", Words: "web.admin.level."}, {Name: "language"},
		{Name: "orders", Kind: "list"}, {Name: "slots", Kind: "json"}, {Name: "actions", Kind: "list"},
	} {
		if w := c.write(d.Lang, known); w.Text != "" && w.Text != "[]" && w.Text != "{}" && w.Text != "null" {
			v.Known = append(v.Known, w)
		}
	}
}

// talkForms are what the reader may do with the conversation as it stands.
func (d *desk) talkForms(v *talkView, of doc) {
	state, mine := textAt(of, "status"), textAt(of, "mine") == "true"
	choices, names := []string{}, doc{}
	for _, t := range listAt(d.glance("support:read", "/v1/support/reply-templates", nil), "data") {
		id := textAt(t, "id")
		choices, names[id] = append(choices, id), textAt(t, "name")
	}
	of["choices"], of["names"] = doc{"template_id": choices}, names
	var offered []string
	switch {
	case state == "open" && mine:
		v.Answer = d.ask("talk-answer", v.ID, of)
		offered = []string{"talk-note", "talk-release", "talk-close"}
	case state == "open" && (d.me.Role == "owner" || d.me.Role == "manager"): // a colleague may be away
		offered = []string{"talk-note", "talk-release", "talk-close"}
	case state == "open":
		offered = []string{"talk-note"}
	case state == "closed":
		offered = []string{"talk-note"}
	default:
		offered = []string{"talk-claim", "talk-note", "talk-close"}
	}
	v.Forms = d.forms(offered, v.ID, of)
	if r := d.refused; r != nil && v.Answer == nil && r.do == "talk-answer" {
		v.Answer = d.ask("talk-answer", v.ID, of) // what was typed is not lost
	}
}
