package web

import (
	"net/http"
	"net/url"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// registerConfirm adds the page at /c/{token} that a mail of the assistant links to.
// Looking at it changes nothing, for programs that check mails open every link; its
// buttons act.
func (s *Site) registerConfirm(app *fiber.App) {
	s.get(app, "/c/:token", confirmPage)
	s.post(app, "/c/:token", confirm)
}

// question is what a mail asks its reader to decide.
type question struct {
	Shop     string `json:"shop"`
	Language string `json:"language"`
	Question string `json:"question"`
	Open     bool   `json:"open"`
}

// confirmData is the page; Reply is what became of the answer. Person says that
// nothing did, because a person has the conversation.
type confirmData struct {
	question
	Token  string
	Lines  [][]chatPart
	Reply  [][]chatPart
	Person bool
}

func confirmAPI(v *visit) string {
	return "/v1/support/confirmations/" + url.PathEscape(v.trackToken())
}

func confirmPage(v *visit) error {
	v.private()
	d := &confirmData{Token: v.trackToken()}
	err := v.call(ask{Path: confirmAPI(v)}, &d.question)
	if p := asProblem(err); p != nil && (p.Status == http.StatusNotFound || p.Status == http.StatusUnprocessableEntity) {
		v.Status(http.StatusNotFound)
		return v.showIn("track/confirm", v.confirmFrame(""), d)
	}
	if err != nil {
		return err
	}
	v.speak(d.Language)
	d.Lines = chatSaid{Author: "bot", Text: d.Question}.Lines()
	return v.showIn("track/confirm", v.confirmFrame(d.Shop), d)
}

// confirmFrame is that of a page whose link is no order's: there is no chat about one.
func (v *visit) confirmFrame(shop string) trackFrame {
	f := v.trackFrame(shop)
	f.Chat = ""
	return f
}

func confirm(v *visit) error {
	v.private()
	d := &confirmData{Token: v.trackToken()}
	if err := v.call(ask{Path: confirmAPI(v)}, &d.question); err != nil {
		return confirmPage(v)
	}
	v.speak(d.Language)
	answer := "no"
	if v.FormValue("answer") == "yes" {
		answer = "yes"
	}
	var said struct {
		Reply  string `json:"reply"`
		Silent bool   `json:"silent"`
	}
	if err := v.call(ask{Method: fiber.MethodPost, Path: confirmAPI(v), Body: map[string]string{"answer": answer}}, &said); err != nil {
		return err
	}
	d.Open = false
	if d.Person = said.Silent || said.Reply == ""; !d.Person {
		d.Reply = chatSaid{Author: "bot", Text: said.Reply}.Lines()
	}
	return v.showIn("track/confirm", v.confirmFrame(d.Shop), d)
}

// speak shows the page in the language of the mail that led here, unless the reader
// has chosen another.
func (v *visit) speak(language string) {
	if l := locale.Lang(language); l.Known() && v.cookie(languageCookie) == "" && v.Query("lang") == "" {
		v.Lang = l
	}
}
