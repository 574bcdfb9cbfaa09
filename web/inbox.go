package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"doorstep/internal/locale"
)

// supportActions are what staff do with conversations, cases and hooks.
var supportActions = map[string]action{
	"talk-claim":   {Method: post, Path: "/v1/support/conversations/{id}/claim", Scope: "support:write"},
	"talk-release": {Method: post, Path: "/v1/support/conversations/{id}/release", Scope: "support:write", Fields: []field{{Name: "give_to", Path: "to", Kind: "choice", Choices: []string{"queue", "assistant"}, Words: "web.admin.giveto.", Required: true}}},
	"talk-close":   {Method: post, Path: "/v1/support/conversations/{id}/close", Scope: "support:write"},
	"talk-answer": {Method: post, Path: "/v1/support/conversations/{id}/messages", Scope: "support:write", Fields: []field{
		{Name: "message_text", Path: "text", Kind: "long"}, {Name: "template_id", Kind: "choice"},
	}},
	"talk-note":    {Method: post, Path: "/v1/support/conversations/{id}/notes", Scope: "support:write", Fields: []field{{Name: "message_text", Path: "text", Kind: "long", Required: true}}},
	"case-take":    {Method: post, Path: "/v1/support/cases/{id}/assign", Scope: "support:write", Fields: []field{{Name: "nobody", Kind: "check"}}},
	"case-note":    {Method: post, Path: "/v1/support/cases/{id}/note", Scope: "support:write", Fields: []field{{Name: "message_text", Path: "text", Kind: "long", Required: true}}},
	"case-resolve": {Method: post, Path: "/v1/support/cases/{id}/resolve", Scope: "support:write", Fields: []field{{Name: "resolution", Kind: "choice", Choices: caseEnds, Words: "web.admin.caseend.", Required: true}, {Name: "note", Kind: "long"}}},
	"hook-add":     {Method: post, Path: "/v1/support/hooks", Scope: "support:write", Goto: "hooks", Fields: append([]field{{Name: "name", Required: true}, {Name: "event", Kind: "choice", Choices: caseKinds, Words: "web.admin.casekind.", Required: true}}, hookFields...)},
	"hook-change": {Method: patch, Path: "/v1/support/hooks/{id}", Scope: "support:write", Versioned: true, Fields: append([]field{
		{Name: "name", Required: true, From: "name"}, {Name: "event", Kind: "choice", Choices: caseKinds, Words: "web.admin.casekind.", Required: true, From: "event"},
	}, hookFields...)},
	"hook-enable":   {Method: post, Path: "/v1/support/hooks/{id}/enable", Scope: "support:write"},
	"hook-disable":  {Method: post, Path: "/v1/support/hooks/{id}/disable", Scope: "support:write"},
	"hook-test":     {Method: post, Path: "/v1/support/hooks/{id}/test", Scope: "support:write", Show: true, Fields: []field{{Name: "event_id"}}},
	"hook-remove":   {Method: remove, Path: "/v1/support/hooks/{id}", Scope: "support:write", Danger: true, Away: "/admin/hooks"},
	"reply-add":     {Method: post, Path: "/v1/support/reply-templates", Scope: "support:write", Goto: "replies", Fields: replyFields},
	"reply-change":  {Method: put, Path: "/v1/support/reply-templates/{id}", Scope: "support:write", Versioned: true, Fields: replyFields},
	"reply-remove":  {Method: remove, Path: "/v1/support/reply-templates/{id}", Scope: "support:write", Danger: true, Away: "/admin/replies"},
	"draft-send":    {Method: post, Path: "/v1/support/mail-drafts/{id}/send", Scope: "support:write"},
	"draft-discard": {Method: post, Path: "/v1/support/mail-drafts/{id}/discard", Scope: "support:write", Danger: true},
	"mail-change": {Method: put, Path: "/v1/support/mail-settings", Scope: "support:write", Keep: true, Fields: []field{
		{Name: "mail_address", Path: "address", Kind: "email", From: "address"}, {Name: "mail_mode", Path: "mode", Kind: "choice", Choices: mailModes, Words: "web.admin.mailmode.", Required: true, From: "mode"},
		{Name: "confidence_bps", Kind: "percent", Required: true, From: "confidence_bps"}, {Name: "version", Kind: "integer", Required: true, From: "version"},
	}},
	"support-change": {Method: put, Path: "/v1/support/hours", Scope: "support:write", Versioned: true, Keep: true, Fields: hoursFields},
}

var (
	caseKinds = []string{
		"payment_failed", "payment_unknown", "shipment_delayed", "delivery_failed", "lost", "return_requested", "refund_overdue", "claim", "dispute", "assistant_handoff", "fraud_review",
	}
	mailModes  = []string{"off", "draft", "send"}
	caseEnds   = []string{"solved", "answered", "refunded", "replaced", "nothing_to_do", "other"}
	hookFields = []field{
		{Name: "hook_condition", Path: "condition", Kind: "json", From: "condition"}, {Name: "hook_actions", Path: "actions", Kind: "json", Required: true, From: "actions"},
		{Name: "cooldown_minutes", Kind: "integer", From: "cooldown_minutes"},
	}
	replyFields = []field{
		{Name: "name", Required: true, From: "name"}, {Name: "text_en", Path: "bodies.en", Kind: "long", From: "bodies.en"}, {Name: "text_hy", Path: "bodies.hy", Kind: "long", From: "bodies.hy"},
		{Name: "text_km", Path: "bodies.km", Kind: "long", From: "bodies.km"},
	}
	hoursFields = func() []field {
		all := []field{{Name: "timezone", Path: "time_zone", Required: true, From: "time_zone"}}
		for _, day := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
			all = append(all, field{Name: "hours_" + day, Path: "week." + day, Kind: "spans", From: "week." + day})
		}
		return append(all, field{Name: "holidays", Kind: "linelist", From: "holidays"}, field{Name: "first_answer_minutes", Kind: "integer", Required: true, From: "first_answer_minutes"},
			field{Name: "most_open", Kind: "integer", Required: true, From: "most_open"}, field{Name: "notices_a_day", Kind: "integer", Required: true, From: "notices_a_day"})
	}()
	isYes = func(name string) field {
		return field{Name: name, Kind: "choice", Choices: []string{"true"}, Words: "web.admin.yesno."}
	}
	caseKind = column{Name: "case_kind", Path: "kind", Kind: "word", Words: "web.admin.casekind."}
	late     = column{Name: "overdue", Kind: "check"}
)

var supportLists = []list{
	{
		Name: "inbox", API: "/v1/support/conversations", Scope: "support:read", Link: "/admin/inbox/{id}",
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"waiting", "open", "closed", "bot"}, Words: "web.admin.talk."}, isYes("mine")},
		Columns: []column{
			{Name: "talk", Path: "topic", Kind: "word", Words: "web.admin.topicof."}, status("web.admin.talk."), {Name: "position", Kind: "number"}, {Name: "reason", Kind: "word", Words: "web.admin.topicof."},
			{Name: "channel", Kind: "word", Words: "web.admin.code."}, {Name: "language", Path: "locale"}, {Name: "due_at", Kind: "time"}, late, {Name: "mine", Kind: "check"}, {Name: "messages", Kind: "number"}, {Name: "updated_at", Kind: "time"},
		},
		Mind: nameTalks,
	},
	{
		Name: "cases", API: "/v1/support/cases", Scope: "support:read", Link: "/admin/cases/{id}", Mind: nameCases,
		Filters: []field{
			{Name: "status", Kind: "choice", Choices: []string{"open", "resolved"}, Words: "web.admin.code."}, {Name: "kind", Kind: "choice", Choices: caseKinds, Words: "web.admin.casekind."}, isYes("mine"), isYes("overdue"),
		},
		Columns: []column{
			caseKind, status("web.admin.code."), {Name: "case_priority", Path: "priority", Kind: "badge", Words: "web.admin.priority."}, {Name: "order", Path: "order_number", Link: "/admin/orders/{order_id}"},
			created, {Name: "due_at", Kind: "time"}, late, {Name: "tags", Kind: "list"}, {Name: "times", Kind: "number"},
		},
	},
	{
		Name: "hooks", API: "/v1/support/hooks", Scope: "support:read", Link: "/admin/hooks/{id}", Actions: []string{"hook-add"},
		Columns: []column{{Name: "name"}, {Name: "event", Kind: "word", Words: "web.admin.casekind."}, {Name: "enabled", Kind: "check"}, {Name: "hook_does", Path: "does", Kind: "list"}, {Name: "cooldown_minutes", Kind: "number"}, {Name: "preset", Kind: "check"}},
		Mind:    nameHooks,
	},
	{
		Name: "drafts", API: "/v1/support/mail-drafts", Scope: "support:read", Link: "/admin/inbox/{conversation_id}", Each: []string{"draft-send", "draft-discard"},
		Columns: []column{{Name: "subject"}, {Name: "message_text", Path: "text"}, {Name: "language"}, created},
	},
	{
		Name: "replies", API: "/v1/support/reply-templates", Scope: "support:read", Link: "/admin/replies/{id}", Actions: []string{"reply-add"},
		Columns: []column{{Name: "name"}, {Name: "text_en", Path: "bodies.en"}, {Name: "text_hy", Path: "bodies.hy"}, {Name: "text_km", Path: "bodies.km"}, {Name: "updated_at", Kind: "time"}},
	},
}

var supportDetails = []detail{
	{
		Name: "cases", API: "/v1/support/cases", Scope: "support:read", Badge: status("web.admin.code."),
		Facts: []column{
			caseKind, {Name: "case_priority", Path: "priority", Kind: "badge", Words: "web.admin.priority."}, {Name: "order", Path: "order_number", Link: "/admin/orders/{order_id}"},
			{Name: "talk", Path: "conversation_id", Kind: "goto", Link: "/admin/inbox/{conversation_id}"}, created, {Name: "due_at", Kind: "time"}, late, {Name: "by_customer", Kind: "check"}, {Name: "times", Kind: "number"},
			{Name: "tags", Kind: "list"}, {Name: "assigned_to", Path: "assigned", Kind: "text"}, {Name: "resolution", Kind: "word", Words: "web.admin.caseend."}, {Name: "snapshot", Kind: "json"},
		},
		Tables: []innerTable{{Name: "story", Path: "story", Columns: []column{
			created, {Name: "story_kind", Path: "kind", Kind: "word", Words: "web.admin.story."}, {Name: "actor"}, {Name: "message_text", Path: "text"},
		}}},
		Actions: []string{"case-take", "case-note", "case-resolve"},
		Prepare: func(d *desk, of doc) {
			names := d.colleagues()
			of["assigned"] = names[textAt(of, "assigned_to")]
			for _, line := range listAt(of, "story") {
				if one, ok := line.(doc); ok {
					if name := names[strings.TrimPrefix(textAt(one, "actor"), "staff:")]; name != "" {
						one["actor"] = name
					}
				}
			}
		},
	},
	{
		Name: "hooks", API: "/v1/support/hooks", Scope: "support:read", Title: "name",
		Facts: []column{
			{Name: "event", Kind: "word", Words: "web.admin.casekind."}, {Name: "enabled", Kind: "check"}, {Name: "preset", Kind: "check"}, {Name: "hook_condition", Path: "condition", Kind: "json"},
			{Name: "hook_actions", Path: "actions", Kind: "json"}, {Name: "cooldown_minutes", Kind: "number"}, created, {Name: "updated_at", Kind: "time"},
		},
		Actions: []string{"hook-change", "hook-enable", "hook-disable", "hook-test", "hook-remove"},
	},
	{
		Name: "replies", API: "/v1/support/reply-templates", Scope: "support:read", Title: "name",
		Facts:   []column{{Name: "text_en", Path: "bodies.en"}, {Name: "text_hy", Path: "bodies.hy"}, {Name: "text_km", Path: "bodies.km"}, created, {Name: "updated_at", Kind: "time"}},
		Actions: []string{"reply-change", "reply-remove"},
	},
}

// hoursDetail is when and how the shop answers.
var hoursDetail = detail{
	Name: "hours", Badge: column{Name: "open_now", Kind: "check"},
	Facts: []column{
		{Name: "timezone", Path: "time_zone"}, {Name: "open_now", Kind: "check"}, {Name: "first_answer_minutes", Kind: "number"}, {Name: "most_open", Kind: "number"}, {Name: "notices_a_day", Kind: "number"}, {Name: "updated_at", Kind: "time"},
	},
	Actions: []string{"support-change"},
}

// letterPage is how mail is answered.
func letterPage(d *desk) error {
	of, err := d.read("/v1/support/mail-settings", nil)
	if err != nil {
		return err
	}
	return d.detailOf(detail{
		Name: "letters", Facts: []column{{Name: "mail_address", Path: "address"}, {Name: "mail_mode", Path: "mode", Kind: "word", Words: "web.admin.mailmode."}, {Name: "confidence_bps", Kind: "percent"}},
		Actions: []string{"mail-change"},
	}, "mail", of)
}

func hoursPage(d *desk) error {
	of, err := d.read("/v1/support/hours", nil)
	if err != nil {
		return err
	}
	p := hoursDetail
	p.Badge = column{}
	return d.detailOf(p, "desk", of)
}

// nameTalks gives conversations that have no topic yet something to be called by.
func nameTalks(_ *desk, entries []any) {
	for _, one := range entries {
		if e, ok := one.(doc); ok && textAt(e, "topic") == "" {
			e["topic"] = "talk"
		}
	}
}

// nameCases leaves out times that are one.
func nameCases(_ *desk, entries []any) {
	for _, one := range entries {
		if e, ok := one.(doc); ok && textAt(e, "times") == "1" {
			delete(e, "times")
		}
	}
}

// nameHooks says in words what hooks do.
func nameHooks(d *desk, entries []any) {
	for _, one := range entries {
		e, ok := one.(doc)
		if !ok {
			continue
		}
		var does []any
		for _, a := range listAt(e, "actions") {
			does = append(does, word(d.Lang, "web.admin.hookdoes.", textAt(a, "action")))
		}
		e["does"] = does
	}
}

// colleagues are the addresses of the staff by their ids, as far as the reader may
// see them.
func (d *desk) colleagues() map[string]string {
	names := map[string]string{d.me.ID: d.me.Email}
	for _, one := range listAt(d.glance("settings:read", "/v1/staff", nil), "data") {
		names[textAt(one, "id")] = textAt(one, "email")
	}
	return names
}

// spansOf reads "09:00-13:00, 14:00-18:00".
func spansOf(name, text string) (any, *Problem) {
	all := []doc{}
	for piece := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		if piece = strings.TrimSpace(piece); piece == "" {
			continue
		}
		from, to, ok := strings.Cut(strings.NewReplacer("–", "-", "—", "-").Replace(piece), "-")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if !ok || len(from) != 5 || len(to) != 5 {
			return nil, wrong(name, "web.admin.no_span")
		}
		all = append(all, doc{"from": from, "to": to})
	}
	return all, nil
}

// spansText writes working hours as they are typed.
func spansText(value any) string {
	var all []string
	spans, _ := value.([]any)
	for _, s := range spans {
		all = append(all, textAt(s, "from")+"-"+textAt(s, "to"))
	}
	return strings.Join(all, ", ")
}

// contactView is how often customers had to get in touch.
type contactView struct {
	From, To, Zone string
	Rate           string // per 100 orders; a dash without orders
	Contacts       string
	Orders         string
	Cases, Notices string
	Reasons, Days  tableView
	Interval       string
	Other          string // the address of the other interval
	Name           string
}

// contact reads the report of a period; nil when the role may not see it.
func (d *desk) contact(q url.Values) *contactView {
	got := d.glance("analytics:read", "/v1/analytics/contact-rate", q)
	if got == nil {
		return nil
	}
	number := func(path string) string { return locale.Number(d.Lang, numberAt(got, path)) }
	v := &contactView{
		Name: "contact", From: textAt(got, "from"), To: textAt(got, "to"), Zone: textAt(got, "time_zone"), Interval: textAt(got, "interval"), Rate: perHundred(at(got, "total.rate_bps")),
		Contacts: number("total.contacts"), Orders: number("total.orders"), Cases: number("total.shop_cases"), Notices: number("total.notices"),
	}
	sums := []column{{Name: "contacts", Kind: "number"}, {Name: "per_hundred", Path: "rate"}, {Name: "shop_cases", Kind: "number"}, {Name: "notices", Kind: "number"}}
	said := func(list []any) []any {
		for _, one := range list {
			if e, ok := one.(doc); ok {
				e["rate"] = perHundred(e["rate_bps"])
			}
		}
		return list
	}
	v.Reasons = d.table("contact_reasons", said(listAt(got, "reasons")), append([]column{{Name: "reason", Kind: "word", Words: "web.admin.topicof."}}, sums...), "")
	days := said(listAt(got, "days"))
	slices.Reverse(days) // the newest first
	v.Days = d.table("contact_days", days, append([]column{{Name: "start"}, {Name: "orders", Kind: "number"}}, sums...), "")
	return v
}

// perHundred writes hundredths as a number: 325 is 3.25.
func perHundred(bps any) string {
	n, ok := bps.(json.Number)
	hundredths, err := strconv.ParseInt(n.String(), 10, 64)
	if !ok || err != nil {
		return "–"
	}
	cents := strconv.FormatInt(hundredths%100, 10)
	return strconv.FormatInt(hundredths/100, 10) + "." + strings.Repeat("0", 2-len(cents)) + cents
}

func contactPage(d *desk) error {
	q := url.Values{}
	for _, name := range []string{"from", "to", "interval"} {
		if value := strings.Clone(d.Query(name)); value != "" {
			q.Set(name, value)
		}
	}
	if _, err := d.read("/v1/analytics/contact-rate", q); err != nil {
		return err // a period that makes no sense is said so
	}
	v := d.contact(q)
	q.Set("interval", map[string]string{"day": "week", "week": "day"}[v.Interval])
	v.Other = "/admin/contact?" + q.Encode()
	return d.page("admin/contact", v)
}
