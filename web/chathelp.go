package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/id"
	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// The conversation on our own pages. The chat and the page without scripts speak
// to the same routes here, which add what scripts must not hold: the conversation
// and its secret, and the session of who is signed in, all in cookies out of their
// reach. Other sites cannot post here (Site.post).
const (
	chatCookie = "doorstep-chat"
	chatLife   = 2 * time.Hour // since the last message
	maxSaid    = 10_000        // bytes of one message
)

// helpRoom is one place of the conversation: the storefront, or an order's page.
type helpRoom struct {
	// prove adds what shows who writes, beside a session.
	prove func(v *visit, header map[string]string)
	// show answers with the page.
	show func(v *visit, d *helpData) error
	path func(v *visit) string
}

// register adds the page, its form, and the two routes that the chat asks.
func (h *helpRoom) register(get, post func(string, func(v *visit) error), s *Site, app *fiber.App, path string) {
	get(path, h.page)
	post(path, h.say)
	post(path+"/end", h.end)
	s.get(app, path+"/messages", inJSON(h.past))
	s.post(app, path+"/messages", inJSON(h.message))
}

// turn is what the reader says, or which action they agree to.
type turn struct {
	Conversation string `json:"conversation_id,omitempty"`
	Text         string `json:"text"`
	Channel      string `json:"channel"`
	Locale       string `json:"locale,omitempty"`
	Pending      string `json:"pending_action_id,omitempty"`
	Agree        *bool  `json:"agree,omitempty"`
}

// chatReply is what the API answers to a turn, as far as pages look at it.
type chatReply struct {
	Conversation string          `json:"conversation_id"`
	Secret       string          `json:"secret"`
	Type         string          `json:"type"`
	Suggestions  []chatChoice    `json:"suggestions"`
	Pending      *chatPending    `json:"pending_action"`
	Handoff      json.RawMessage `json:"handoff"`
}

type chatChoice struct {
	Label   string `json:"label"`
	Text    string `json:"text"`
	Pending string `json:"pending"`
}

type chatPending struct {
	ID string `json:"id"`
}

// chatSaid is one message of a conversation.
type chatSaid struct {
	Seq      int       `json:"seq"`
	Author   string    `json:"author"`
	Text     string    `json:"text"`
	Language string    `json:"language"`
	At       time.Time `json:"created_at"`
}

// Who is the text for whose words they are.
func (m chatSaid) Who() string {
	switch m.Author {
	case "customer":
		return "you"
	case "bot", "staff":
		return m.Author
	}
	return "system"
}

// Shown says whether readers see it: what happened only where there are words for it.
func (m chatSaid) Shown() bool { return m.Text != "" }

// chatPart is a piece of a text; Link is set for an address.
type chatPart struct{ Text, Link string }

// webAddress is an address within a text, without the sign that ends its sentence.
var webAddress = regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?)\]»”]`)

// Lines are the paragraphs of the text; in those of the shop, addresses can be
// followed.
func (m chatSaid) Lines() (lines [][]chatPart) {
	for line := range strings.SplitSeq(m.Text, "\n") {
		var parts []chatPart
		from := 0
		if m.Author != "customer" {
			for _, at := range webAddress.FindAllStringIndex(line, -1) {
				parts = append(parts, chatPart{Text: line[from:at[0]]}, chatPart{line[at[0]:at[1]], line[at[0]:at[1]]})
				from = at[1]
			}
		}
		lines = append(lines, append(parts, chatPart{Text: line[from:]}))
	}
	return lines
}

// talk is a conversation so far; Last is what its last answer offers.
type talk struct {
	Status string     `json:"status"`
	Said   []chatSaid `json:"data"`
	Last   *chatReply `json:"last"`
}

// helpData is the page.
type helpData struct {
	talk
	Path, Back string
	Number     string // of the order that the page is about
	Key, Text  string
	Error      string
	SignIn     string // where to sign in; empty for who has, and where nobody can
	SignedIn   bool
	persons    []string // what asks for a person, in all languages
}

// Choices are the answers that one touch gives; the yes and no of a pending
// action stand by themselves, and a person is always offered below.
func (d *helpData) Choices() (some []chatChoice) {
	if d.Last == nil {
		return nil
	}
	for _, c := range d.Last.Suggestions {
		if c.Pending == "" && !slices.Contains(d.persons, c.Text) {
			some = append(some, c)
		}
	}
	return some
}

// ask asks the API as who the reader is. A session that is over is forgotten, and with
// it the conversation that it was part of: it fails with errSignedOff, and the reader
// goes on as anybody.
func (h *helpRoom) ask(v *visit, a ask, out any) error {
	a.Header = map[string]string{}
	if key := v.Get("Idempotency-Key"); key != "" && plain(key) {
		a.Header["Idempotency-Key"] = key
	}
	if v.Method() == fiber.MethodPost && a.Header["Idempotency-Key"] == "" {
		if key := v.FormValue("key"); plain(key) {
			a.Header["Idempotency-Key"] = strings.Clone(key)
		}
	}
	if _, secret, ok := v.kept(chatCookie); ok {
		a.Header["Conversation-Secret"] = secret
	}
	h.prove(v, a.Header)
	if session := v.customerSession(); session != "" {
		a.Header["Customer-Session"] = session
	}
	err := v.shop(a, out)
	if p := asProblem(err); p != nil && p.Status == http.StatusUnauthorized && a.Header["Customer-Session"] != "" {
		v.signOff()
		return errSignedOff
	}
	return err
}

var errSignedOff = errors.New("web: the session is over")

// tell says one turn in the reader's conversation, or begins one.
func (h *helpRoom) tell(v *visit, t turn) (answer []byte, err error) {
	conversation, _, ok := v.kept(chatCookie)
	t.Conversation, t.Channel, t.Locale = "", "chat", v.Lang.String()
	if ok {
		t.Conversation = conversation
	}
	err = h.ask(v, ask{Method: fiber.MethodPost, Path: "/v1/assistant/messages", Body: t}, &answer)
	if p := asProblem(err); ok && p != nil && p.Status == http.StatusNotFound {
		v.setCookie(chatCookie, "", 0) // over: the next one begins another
	}
	if errors.Is(err, errSignedOff) {
		if t.Pending != "" {
			return nil, problemOf(fiber.StatusNotFound, "conversation_not_found") // its question is gone
		}
		return h.tell(v, t) // there is no session any more, nor a conversation
	}
	if err != nil {
		return nil, err
	}
	var r chatReply
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, err
	}
	switch _, secret, _ := v.kept(chatCookie); {
	case r.Secret != "":
		v.keep(chatCookie, r.Conversation, r.Secret, chatLife)
	case secret != "":
		v.keep(chatCookie, r.Conversation, secret, chatLife)
	}
	return answer, nil
}

// talk is the reader's conversation behind message number after.
func (h *helpRoom) talk(v *visit, after int) (answer []byte, err error) {
	conversation, _, ok := v.kept(chatCookie)
	if !ok {
		return []byte(`{"data":[]}`), nil
	}
	q := url.Values{"after": {strconv.Itoa(after)}}
	err = h.ask(v, ask{Path: "/v1/assistant/conversations/" + conversation + "/messages", Query: q}, &answer)
	if errors.Is(err, errSignedOff) {
		return h.talk(v, after)
	}
	if p := asProblem(err); p != nil && p.Status == http.StatusNotFound {
		v.setCookie(chatCookie, "", 0)
	}
	return answer, err
}

func (h *helpRoom) past(v *visit) ([]byte, error) {
	return h.talk(v, max(v.QueryInt("after"), 0))
}

func (h *helpRoom) message(v *visit) ([]byte, error) {
	var t turn
	if !strings.HasPrefix(v.Get(fiber.HeaderContentType), fiber.MIMEApplicationJSON) || json.Unmarshal(v.Body(), &t) != nil {
		return nil, problemOf(fiber.StatusBadRequest, "malformed_body")
	}
	if len(t.Text) > maxSaid {
		return nil, problemOf(fiber.StatusRequestEntityTooLarge, "message_too_long")
	}
	answer, err := h.tell(v, t)
	if err != nil {
		return nil, err
	}
	return withoutSecret(answer)
}

// withoutSecret takes the conversation's secret out of an answer: it is in the
// cookie, where no script of the page can read it.
func withoutSecret(answer []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(answer, &all); err != nil {
		return nil, err
	}
	if _, ok := all["secret"]; !ok {
		return answer, nil
	}
	delete(all, "secret")
	return json.Marshal(all)
}

// inJSON answers the chat: with JSON, what went wrong included.
func inJSON(page func(v *visit) ([]byte, error)) func(v *visit) error {
	return func(v *visit) error {
		v.private()
		answer, err := page(v)
		p := asProblem(err)
		switch {
		case err != nil && p == nil:
			v.site.options.Log.Error("chat failed", "page", v.Route().Path, "error", err)
			p = problemOf(fiber.StatusInternalServerError, "internal")
			fallthrough
		case p != nil:
			v.Status(p.Status)
			if retry := v.answeredHeader(fiber.HeaderRetryAfter); retry != "" {
				v.Set(fiber.HeaderRetryAfter, retry)
			}
			if answer, err = json.Marshal(map[string]any{"status": p.Status, "code": p.Code}); err != nil {
				return err
			}
		}
		v.Response().Header.SetContentType(fiber.MIMEApplicationJSONCharsetUTF8)
		v.Response().SetBodyRaw(answer)
		return nil
	}
}

// page is the conversation without scripts.
func (h *helpRoom) page(v *visit) error { return h.showWith(v, &helpData{}) }

func (h *helpRoom) showWith(v *visit, d *helpData) error {
	v.private()
	for _, lang := range locale.Languages() {
		d.persons = append(d.persons, asksForPerson(lang)...)
	}
	d.Path, d.Key, d.SignedIn = h.path(v), id.New().String(), v.customerSession() != ""
	if !d.SignedIn && v.site.options.ShopKey != "" {
		d.SignIn = "/shop/sign-in?" + url.Values{"back": {d.Path}}.Encode()
	}
	past, err := h.talk(v, 0)
	if p := asProblem(err); err != nil && (p == nil || p.Status >= http.StatusInternalServerError) {
		return err
	}
	if err == nil {
		if err := json.Unmarshal(past, &d.talk); err != nil {
			return err
		}
	}
	return h.show(v, d)
}

// say takes the form: what is written, or one of the buttons.
func (h *helpRoom) say(v *visit) error {
	t := turn{Text: strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(strings.Clone(v.FormValue("text")), "\x00", ""), ""))}
	if choice := v.FormValue("choice"); choice != "" {
		t.Text = strings.Clone(choice)
	}
	if answer := v.FormValue("agree"); answer != "" {
		agree := answer == "yes"
		t.Pending, t.Agree, t.Text = strings.Clone(v.FormValue("pending")), &agree, locale.T(v.Lang, "web.chat."+map[bool]string{true: "yes", false: "no"}[agree])
	}
	d := &helpData{Text: t.Text}
	switch {
	case t.Text == "":
		return v.go303(h.path(v))
	case len(t.Text) > maxSaid:
		d.Error = locale.T(v.Lang, "web.chat.too_long")
		v.Status(http.StatusRequestEntityTooLarge)
		return h.showWith(v, d)
	}
	_, err := h.tell(v, t)
	if p := asProblem(err); p != nil {
		v.Status(p.Status)
		d.Error = h.complaint(v, p)
		return h.showWith(v, d)
	}
	if err != nil {
		return err
	}
	return v.go303(h.path(v) + "#last")
}

// complaint is why a message was not taken.
func (h *helpRoom) complaint(v *visit, p *Problem) string {
	switch {
	case p.Status == http.StatusTooManyRequests:
		seconds := v.answeredHeader(fiber.HeaderRetryAfter)
		if seconds == "" {
			seconds = "60"
		}
		return locale.T(v.Lang, "web.chat.too_many", "seconds", seconds)
	case p.Code == "card_number_refused":
		return locale.T(v.Lang, "web.chat.card")
	case p.Status == http.StatusNotFound:
		return locale.T(v.Lang, "web.chat.gone")
	case p.Status < http.StatusInternalServerError:
		return locale.T(v.Lang, "web.chat.refused")
	}
	return v.explain(p).Text
}

// end forgets the conversation in this browser; the shop keeps what was said.
func (h *helpRoom) end(v *visit) error {
	v.setCookie(chatCookie, "", 0)
	return v.go303(h.path(v))
}

// shopHelp is the conversation in the storefront.
func (p *shopPages) shopHelp() *helpRoom {
	return &helpRoom{
		prove: func(*visit, map[string]string) {},
		path:  func(*visit) string { return "/shop/help" },
		show:  func(v *visit, d *helpData) error { return p.show(v, "help", d) },
	}
}

// trackHelp is the conversation about the order of a link: whoever has the link
// may ask about that order.
func trackHelp() *helpRoom {
	path := func(v *visit) string { return "/t/" + url.PathEscape(v.trackToken()) + "/help" }
	return &helpRoom{
		prove: func(v *visit, header map[string]string) {
			if token := v.trackToken(); plain(token) {
				header["Order-Token"] = token
			}
		},
		path: path,
		show: func(v *visit, d *helpData) error {
			o, err := v.order()
			if err != nil {
				return v.refuse(err)
			}
			d.Number, d.Back = o.Number, strings.TrimSuffix(path(v), "/help")
			frame := v.trackFrame(o.Shop.Name)
			frame.Chat = "" // it is this page
			return v.showIn("track/help", frame, d)
		},
	}
}
