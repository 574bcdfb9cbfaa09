package api

import (
	"bytes"
	"context"
	_ "embed" // the template of the pages
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"doorstep/internal/fault"
	"doorstep/notify"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// mails shows what the demo kept instead of sending it.
type mails interface {
	CapturedMails(ctx context.Context, limit int) ([]notify.CapturedMail, error)
	CapturedMail(ctx context.Context, id uuid.UUID) (notify.CapturedMail, error)
}

// Dev holds the helpers of the demo: its mail box, its clock and the bank of its
// cards. They ask for no key, so they are for development only.
type Dev struct {
	// Mails is the mail box.
	Mails mails
	// Shift moves the program's clock on by d and says what it then shows.
	Shift func(d time.Duration) time.Time
	// Authenticate plays the buyer's answer to their bank.
	Authenticate func(ctx context.Context, paymentID string, succeeded bool) error
}

//go:embed dev.html
var devHTML string

var devTemplate = template.Must(template.New("dev").Parse(devHTML))

// devPage is what the template shows: one of the three.
type devPage struct {
	Title, Nonce string
	Now          time.Time // what the clock shows, beside the mails
	Mails        []DevMail
	Mail         *DevMail
	Payment      string // that waits for its buyer
	Back         string // where the buyer came from
	Result       string // what the buyer has chosen
}

// DevMail is a mail that was kept.
type DevMail struct {
	ID        uuid.UUID `json:"id"`
	Kind      string    `json:"kind"`
	To        string    `json:"to"`
	Subject   string    `json:"subject"`
	Text      string    `json:"text"`
	HTML      string    `json:"html"`
	CreatedAt time.Time `json:"created_at"`
	// Headers are those by which readers' programs unsubscribe; mostly none.
	Headers map[string]string `json:"headers,omitempty"`
}

func devMailOf(m notify.CapturedMail) DevMail {
	return DevMail{ID: m.ID, Kind: string(m.Kind), To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, CreatedAt: m.CreatedAt, Headers: m.Headers}
}

const mostDevMails = 100

// mostShift bounds one step of the clock.
const mostShift = 10 * 365 * 24 * time.Hour

func registerDev(s *Server, d *Dev) {
	route := func(id, method, path, summary string) Route {
		return Route{ID: id, Method: method, Path: path, Tag: "demo", Summary: summary, Auth: public(), Once: OnceNever, Hidden: true, Free: true}
	}
	demo := func(r Route, h fiber.Handler) { fast[struct{}, struct{}](s, r, h) }
	demo(route("dev-mails", http.MethodGet, "/dev/mail", "List the newest mails"), d.mails)
	demo(route("dev-mail", http.MethodGet, "/dev/mail/{id}", "Read a mail"), d.mail)
	demo(route("dev-mail-html", http.MethodGet, "/dev/mail/{id}/html", "See a mail as its reader does"), d.mailHTML)
	clock := route("dev-clock", http.MethodPost, "/dev/clock", "Turn the clock on")
	clock.Raw = true
	demo(clock, d.turn)
	demo(route("dev-3ds-page", http.MethodGet, "/dev/3ds/{payment_id}", "See the page of the buyer's bank"), d.bank)
	answer := route("dev-3ds", http.MethodPost, "/dev/3ds/{payment_id}", "Answer the bank for the buyer")
	answer.Raw, answer.Deadline = true, Payments
	demo(answer, d.answer)
}

// fromForm says whether the request comes from one of the demo's pages.
func fromForm(c *fiber.Ctx) bool {
	return strings.HasPrefix(c.Get(fiber.HeaderContentType), fiber.MIMEApplicationForm)
}

// turn moves the clock on. A form goes back to the mails, which may have come of it.
func (d *Dev) turn(c *fiber.Ctx) error {
	var body struct {
		Advance string `json:"advance"`
	}
	form := fromForm(c)
	if form {
		values, err := url.ParseQuery(string(c.Body()))
		if err != nil {
			return errMalformed.Because(err)
		}
		body.Advance = values.Get("advance")
	} else if err := codec.Unmarshal(c.Body(), &body); err != nil {
		return errMalformed.Because(err)
	}
	by, err := time.ParseDuration(body.Advance)
	if err != nil || by < 0 || by > mostShift {
		return errValidation.At("body.advance", "expected a duration such as 1h30m, not below zero and at most ten years")
	}
	now := d.Shift(by).UTC()
	if form {
		return c.Redirect("/dev/mail", fiber.StatusSeeOther)
	}
	return sendJSON(c, map[string]time.Time{"now": now})
}

// wantsPage says whether the caller is a browser that shows pages.
func wantsPage(c *fiber.Ctx) bool {
	return c.Accepts(fiber.MIMEApplicationJSON, fiber.MIMETextHTML) == fiber.MIMETextHTML
}

func sendJSON(c *fiber.Ctx, v any) error {
	b, err := marshal(v)
	if err != nil {
		return err
	}
	c.Response().Header.SetContentType(fiber.MIMEApplicationJSON)
	c.Response().SetBodyRaw(b)
	return nil
}

// show answers with a page of the demo. It may frame a mail and send a form to
// itself, and nothing else.
func show(c *fiber.Ctx, p devPage) error {
	p.Nonce = nonceMark
	var b bytes.Buffer
	if err := devTemplate.Execute(&b, p); err != nil {
		return err
	}
	if err := sendPage(c, b.Bytes()); err != nil {
		return err
	}
	policy := string(c.Response().Header.Peek(fiber.HeaderContentSecurityPolicy))
	c.Set(fiber.HeaderContentSecurityPolicy, strings.Replace(policy, "form-action 'none'", "form-action 'self'; frame-src 'self'", 1))
	return nil
}

func (d *Dev) mails(c *fiber.Ctx) error {
	all, err := d.Mails.CapturedMails(contextOf(c), mostDevMails)
	if err != nil {
		return err
	}
	list := listOf(all, "", devMailOf).Body
	if wantsPage(c) {
		return show(c, devPage{Title: "Mail", Mails: list.Data, Now: d.Shift(0).UTC()})
	}
	return sendJSON(c, list)
}

// one reads the mail that the address names.
func (d *Dev) one(c *fiber.Ctx) (DevMail, error) {
	id, err := uuid.Parse(param(c, "id"))
	if err != nil {
		return DevMail{}, notify.ErrNoMail
	}
	m, err := d.Mails.CapturedMail(contextOf(c), id)
	return devMailOf(m), err
}

func (d *Dev) mail(c *fiber.Ctx) error {
	m, err := d.one(c)
	if err != nil {
		return err
	}
	if wantsPage(c) {
		return show(c, devPage{Title: m.Subject, Mail: &m})
	}
	return sendJSON(c, m)
}

// mailPolicy shuts a mail into a box of its own: no scripts, no requests, no
// cookies; its links open elsewhere.
const mailPolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

func (d *Dev) mailHTML(c *fiber.Ctx) error {
	m, err := d.one(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentSecurityPolicy, mailPolicy)
	c.Set(fiber.HeaderXFrameOptions, "SAMEORIGIN")
	c.Response().Header.SetContentType(fiber.MIMETextHTMLCharsetUTF8)
	c.Response().SetBodyRaw([]byte(m.HTML))
	return nil
}

// back is the page of this program that the buyer came from; other programs'
// are not returned to.
func back(c *fiber.Ctx) string {
	u, err := url.Parse(strings.Clone(c.Query("return")))
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return ""
	}
	return u.String()
}

func (d *Dev) bank(c *fiber.Ctx) error {
	return show(c, devPage{Title: "Your bank", Payment: param(c, "payment_id"), Back: back(c)})
}

var errDevResult = fault.New(fault.Invalid, "result_invalid", "A result is succeeded or failed.")

func (d *Dev) answer(c *fiber.Ctx) error {
	id := param(c, "payment_id")
	var result string
	form := fromForm(c)
	if form {
		values, err := url.ParseQuery(string(c.Body()))
		if err != nil {
			return errDevResult
		}
		result = values.Get("result")
	} else {
		var body struct {
			Result string `json:"result"`
		}
		if err := codec.Unmarshal(c.Body(), &body); err != nil {
			return errMalformed.Because(err)
		}
		result = body.Result
	}
	if result != "succeeded" && result != "failed" {
		return errDevResult.At("body.result", "expected succeeded or failed")
	}
	if err := d.Authenticate(contextOf(c), id, result == "succeeded"); err != nil {
		return err
	}
	switch to := back(c); {
	case form && to != "":
		return c.Redirect(to, fiber.StatusSeeOther)
	case form:
		return show(c, devPage{Title: "Your bank", Payment: id, Result: result})
	default:
		return sendJSON(c, map[string]string{"payment_id": id, "result": result})
	}
}
