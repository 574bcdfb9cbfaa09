package api

import (
	"bytes"
	"context"
	_ "embed" // the template of the page
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/notify/gate"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// subscriptions is all that these routes ask of the gate.
type subscriptions interface {
	Subscription(ctx context.Context, token string) (gate.Subscription, error)
	Unsubscribe(ctx context.Context, token string, all bool) (gate.Subscription, error)
	Receive(ctx context.Context, provider string, merchant uuid.UUID, header http.Header, body []byte) (gate.Receipt, error)
}

// MailSubscription is how the holder of a link stands with a shop.
type MailSubscription struct {
	Topic           string `json:"topic" enum:"reminders,offers,news,surveys" doc:"Of the mail that the link stood in"`
	Unsubscribed    bool   `json:"unsubscribed" doc:"Nothing of that topic is sent"`
	UnsubscribedAll bool   `json:"unsubscribed_all" doc:"Nothing is sent that is not about an order"`
}

//go:embed unsubscribe.html
var unsubscribeHTML string

var unsubscribeTemplate = template.Must(template.New("unsubscribe").Parse(unsubscribeHTML))

// unsubscribePage is what the template shows.
type unsubscribePage struct {
	Lang, Title, Nonce, Text string
	Button, ButtonAll        string // empty: not shown
}

type unsubscribeIn struct {
	Token string `path:"token" maxLength:"200" doc:"As in the link of the mail"`
}

type unsubscribeForm struct {
	Token   string `path:"token" maxLength:"200" doc:"As in the link of the mail"`
	RawBody []byte `contentType:"application/x-www-form-urlencoded" doc:"List-Unsubscribe=One-Click, as RFC 8058 has it; topic=all ends everything that is not about an order"`
}

type subscriptionOut struct {
	Body MailSubscription
}

func registerUnsubscribe(s *Server, svc subscriptions, names settings) {
	const tag, path = "recovery", "/unsubscribe/{token}"
	fast[unsubscribeIn, subscriptionOut](s, Route{
		ID: "read-subscription", Method: http.MethodGet, Path: path, Tag: tag, Summary: "See what the link of a mail would end",
		Description: "A page for browsers, JSON for others. It changes nothing, however often it is opened.",
		Auth:        public(), Errors: []*fault.Error{gate.ErrLink},
	}, func(c *fiber.Ctx) error {
		sub, err := svc.Subscription(contextOf(c), tokenOf(c))
		if err != nil {
			return err
		}
		return showSubscription(c, sub, names)
	})
	fast[unsubscribeForm, subscriptionOut](s, Route{
		ID: "unsubscribe", Method: http.MethodPost, Path: path, Tag: tag, Summary: "End mails of a kind, or all that are not about an order",
		Description: "Programs that read mail call it with one click (RFC 8058). Repeating it changes nothing.",
		Auth:        public(), Raw: true, Once: OnceNever, Errors: []*fault.Error{gate.ErrLink, errMalformed},
	}, func(c *fiber.Ctx) error {
		all, err := wantsAll(c)
		if err != nil {
			return err
		}
		sub, err := svc.Unsubscribe(contextOf(c), tokenOf(c), all)
		if err != nil {
			return err
		}
		return showSubscription(c, sub, names)
	})
}

// tokenOf is the token, or one that no link has when it is too long.
func tokenOf(c *fiber.Ctx) string {
	token := string([]byte(param(c, "token")))
	if len(token) > 200 {
		return ""
	}
	return token
}

// wantsAll reads the form: a browser's, or the one of RFC 8058, which may come as
// either kind of form. Without any it is the mail's own topic.
func wantsAll(c *fiber.Ctx) (bool, error) {
	body := requestOf(c).body
	kind, _, _ := mime.ParseMediaType(string(c.Request().Header.ContentType())) // unreadable, it is no kind
	if len(body) == 0 || kind == "" || kind == fiber.MIMEMultipartForm {
		return false, nil
	}
	if kind == fiber.MIMEApplicationJSON {
		var in struct {
			Topic string `json:"topic"`
		}
		if err := codec.Unmarshal(body, &in); err != nil {
			return false, errMalformed.Because(err)
		}
		return in.Topic == "all", nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return false, errMalformed.Because(err)
	}
	return form.Get("topic") == "all", nil
}

// showSubscription answers with a page or with JSON.
func showSubscription(c *fiber.Ctx, sub gate.Subscription, names settings) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	if !wantsPage(c) {
		return sendJSON(c, MailSubscription{sub.Topic, sub.Off, sub.AllOff})
	}
	shop, _, err := names.Settings(contextOf(c), sub.Merchant)
	if err != nil {
		return err
	}
	lang := language(contextOf(c))
	say := func(key string, args ...any) string { return locale.T(lang, key, append(args, "shop", shop.Name)...) }
	topic := locale.T(lang, "unsubscribe.topic."+sub.Topic)
	p := unsubscribePage{Lang: string(lang), Title: say("unsubscribe.title"), Nonce: nonceMark}
	switch {
	case sub.AllOff:
		p.Text = say("unsubscribe.done_all")
	case sub.Off:
		p.Text, p.ButtonAll = say("unsubscribe.done", "topic", topic), say("unsubscribe.button_all")
	default:
		p.Text, p.Button, p.ButtonAll = say("unsubscribe.ask"), say("unsubscribe.button", "topic", topic), say("unsubscribe.button_all")
	}
	var b bytes.Buffer
	if err := unsubscribeTemplate.Execute(&b, p); err != nil {
		return err
	}
	if err := sendPage(c, b.Bytes()); err != nil {
		return err
	}
	policy := string(c.Response().Header.Peek(fiber.HeaderContentSecurityPolicy))
	c.Set(fiber.HeaderContentSecurityPolicy, strings.Replace(policy, "form-action 'none'", "form-action 'self'", 1))
	return nil
}
