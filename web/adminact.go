package web

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"doorstep/internal/id"

	"github.com/gofiber/fiber/v2"
)

// action is a change that the dashboard can ask the API for. The path stands
// here and never comes from a form; a form only says which thing it is about.
type action struct {
	Method, Path string // {id} and {code} are filled from the form
	Scope        string
	Fields       []field
	// Danger asks for a tick first: it cannot be taken back.
	Danger bool
	// Show shows the answer once, instead of going on.
	Show bool
	// Goto is the list whose page of the new thing follows.
	Goto string
	// Away goes there after it: the thing is gone.
	Away string
	// Keep sends empty fields too, for forms that show what is stored.
	Keep bool
	// Versioned sends If-Match with the version that the form shows.
	Versioned bool
	// Whole sends the value of its only field as the body itself.
	Whole bool
}

// refusal is an action that was not done: its form is shown again with what was
// typed, and why.
type refusal struct {
	do, id  string
	values  url.Values
	problem *Problem
	shown   bool // by the form
}

var (
	// part is what may stand for {id} or {code} in a path.
	part = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	// knownKey is an idempotency key as our forms make it.
	knownKey = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)
)

// act does what the form of a page asks for. What is refused is shown in place:
// by the page itself, with the form as it was typed.
func (d *desk) act(show func(d *desk) error) error {
	if strings.HasPrefix(d.Get(fiber.HeaderContentType), fiber.MIMEMultipartForm) {
		return d.takeFile(show)
	}
	form := d.form()
	do := form.Get("do")
	a, known := actions[do]
	if !known {
		return problemOf(fiber.StatusNotFound, "not_found")
	}
	ask, problem := d.request(a, form)
	var raw []byte
	if problem == nil {
		err := d.api(ask, &raw)
		if err != nil {
			if problem = problemIn(err); problem == nil {
				return err
			}
			if problem.Status == fiber.StatusUnauthorized {
				return d.toSignIn()
			}
		}
	}
	if problem != nil {
		d.sent = form
		d.refused = &refusal{do: do, id: form.Get("id"), values: form, problem: problem}
		d.Status(problem.Status)
		return show(d)
	}
	answer, err := decode(raw)
	if err != nil {
		return err
	}
	if a.Show {
		d.answer, d.did, d.sent = answer, do, form
		return show(d)
	}
	d.setCookie(toldCookie, do, time.Minute)
	return d.Redirect(after(a, answer, d.here()), fiber.StatusSeeOther)
}

// after is where the reader goes on.
func after(a action, answer doc, here string) string {
	if made, _ := answer["id"].(string); a.Goto != "" && part.MatchString(made) {
		return "/admin/" + a.Goto + "/" + made
	}
	if a.Away != "" {
		return a.Away
	}
	return here
}

// form is what was sent, read once: the values may be kept.
func (v *visit) form() url.Values {
	form := url.Values{}
	for name, value := range v.Request().PostArgs().All() {
		form.Add(string(name), string(value))
	}
	return form
}

// request is the call that an action makes of its form.
func (d *desk) request(a action, form url.Values) (ask, *Problem) {
	path := a.Path
	for _, name := range []string{"id", "code"} {
		if !strings.Contains(path, "{"+name+"}") {
			continue
		}
		value := form.Get(name)
		if !part.MatchString(value) {
			return ask{}, problemOf(fiber.StatusNotFound, "not_found")
		}
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	if a.Danger && form.Get("sure") == "" {
		return ask{}, wrong("sure", "web.admin.not_sure")
	}
	header := map[string]string{"Idempotency-Key": id.New().String()}
	if key := form.Get("key"); knownKey.MatchString(key) {
		header["Idempotency-Key"] = key
	}
	if version := form.Get("version"); a.Versioned && version != "" {
		header["If-Match"] = `"` + strings.Trim(version, `"`) + `"`
	}
	body, problem := bodyOf(a, form)
	return ask{Method: a.Method, Path: path, Header: header, Body: body}, problem
}

// bodyOf is the JSON that the fields of an action make of a form; nil is none.
func bodyOf(a action, form url.Values) (any, *Problem) {
	if len(a.Fields) == 0 {
		return nil, nil
	}
	body := doc{}
	for _, f := range a.Fields {
		value, given, problem := f.parse(form, a.Keep)
		if problem != nil {
			return nil, problem
		}
		if a.Whole {
			return value, nil
		}
		if given {
			place(body, f.path(), value)
		}
	}
	return body, nil
}

// wrong is a refusal of our own: what was typed is nothing that the API could be
// asked. text is the key of the sentence.
func wrong(name, text string) *Problem {
	p := problemOf(fiber.StatusUnprocessableEntity, "form_incomplete")
	p.Errors = append(p.Errors, struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	}{"form." + name, text})
	return p
}
