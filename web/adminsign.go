package web

import (
	"errors"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// signing is what the page of the door shows: the address is asked for first,
// then the code that came by mail.
type signing struct {
	Step     string // email, code or invitation
	Email    string
	Request  string
	Merchant string
	Back     string
	Again    bool
	Error    string
	Demo     string
}

// DemoOwner is the address of the owner that the demo makes: the page to sign in
// names it there.
const DemoOwner = "owner@demo.example"

func (s *Site) registerSignIn(app *fiber.App) {
	s.get(app, signInPath, func(v *visit) error { return v.door(signing{Step: "email"}) })
	s.post(app, signInPath, signIn)
	s.get(app, "/admin/join", func(v *visit) error { return v.door(signing{Step: "invitation"}) })
	s.post(app, "/admin/join", join)
	s.post(app, "/admin/sign-out", signOut)
}

// door shows a step of signing in.
func (v *visit) door(at signing) error {
	at.Back, at.Merchant, at.Again = v.param("back"), v.param("merchant"), v.param("again") != ""
	if v.site.options.Demo {
		at.Demo = DemoOwner
		if at.Email == "" && at.Step == "email" {
			at.Email = DemoOwner
		}
	}
	return v.showIn("admin/signin", nil, at)
}

// param is a value of the form, or else of the address.
func (v *visit) param(name string) string {
	if value := v.FormValue(name); value != "" {
		return strings.Clone(value)
	}
	return strings.Clone(v.Query(name))
}

// problemIn is what the API said, if that is what went wrong.
func problemIn(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return nil
}

// signIn asks for a code, or begins the session with one.
func signIn(v *visit) error {
	body := doc{}
	if merchant := v.param("merchant"); merchant != "" {
		body["merchant_id"] = merchant
	}
	at := signing{Step: "email", Email: strings.TrimSpace(v.param("email")), Request: v.param("request")}
	if at.Request == "" {
		body["email"] = at.Email
		var asked struct {
			RequestID string `json:"request_id"`
		}
		err := v.call(v.asStaff(ask{Method: fiber.MethodPost, Path: "/v1/staff/codes", Body: body}, ""), &asked)
		if err != nil {
			return v.doorRefuses(at, err)
		}
		at.Step, at.Request = "code", asked.RequestID
		return v.door(at)
	}
	at.Step = "code"
	body["request_id"], body["code"] = at.Request, strings.Join(strings.Fields(v.param("code")), "")
	return v.begin(at, ask{Method: fiber.MethodPost, Path: "/v1/staff/sessions", Body: body})
}

// join accepts an invitation with the code that came with it.
func join(v *visit) error {
	body := doc{"code": strings.TrimSpace(v.param("code"))}
	if merchant := v.param("merchant"); merchant != "" {
		body["merchant_id"] = merchant
	}
	return v.begin(signing{Step: "invitation"}, ask{Method: fiber.MethodPost, Path: "/v1/staff/invitations/accept", Body: body})
}

func (v *visit) begin(at signing, a ask) error {
	if err := v.call(v.asStaff(a, ""), nil); err != nil {
		return v.doorRefuses(at, err)
	}
	v.takeCookies()
	return v.back(deskPath)
}

func (v *visit) doorRefuses(at signing, err error) error {
	at.Error = v.sentence(err)
	status := fiber.StatusInternalServerError
	if p := problemIn(err); p != nil {
		status = p.Status
	}
	v.Status(status)
	return v.door(at)
}

// signOut ends the session, or with everywhere all sessions of the reader. A
// session that is over already is as good.
func signOut(v *visit) error {
	d, err := v.sit()
	if err != nil || d == nil {
		return err
	}
	path := "/v1/staff/sessions/current"
	if v.param("everywhere") != "" {
		path = "/v1/staff/sessions"
	}
	if err := d.api(ask{Method: fiber.MethodDelete, Path: path}, nil); err != nil {
		return err
	}
	v.takeCookies()
	return v.Redirect(signInPath+"?"+url.Values{"left": {"1"}}.Encode(), fiber.StatusSeeOther)
}
