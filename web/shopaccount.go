package web

import (
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

const (
	sessionCookie = "doorstep-session"
	codeCookie    = "doorstep-code" // names the sign-in code that is on its way
	codeLife      = 10 * time.Minute
)

// customerSession is the token of who is signed in; empty for nobody.
func (v *visit) customerSession() string {
	if token := v.cookie(sessionCookie); plain(token) {
		return token
	}
	return ""
}

// signOff forgets the session in this browser, and the conversation with it: what was
// proved and said there ends with the session. The rest of the request is nobody's.
func (v *visit) signOff() {
	for _, name := range []string{sessionCookie, chatCookie} {
		v.setCookie(name, "", 0)
		v.Request().Header.DelCookie(name)
	}
}

// me is what the shop knows of who is signed in; nothing for nobody.
type me struct {
	Email   string   `json:"email"`
	Address *address `json:"shipping_address"`
}

func (v *visit) me() me {
	var m me
	if session := v.customerSession(); session != "" {
		if err := v.shop(ask{Path: "/v1/me", Header: map[string]string{"Customer-Session": session}}, &m); err != nil {
			return me{}
		}
	}
	return m
}

// credit is the store credit of who is signed in; nil for none in the currency.
func (v *visit) credit(currency string) *Money {
	var all struct {
		Data []struct {
			Balance Money `json:"balance"`
		} `json:"data"`
	}
	if err := v.shop(ask{Path: "/v1/me/store-credit", Header: map[string]string{"Customer-Session": v.customerSession()}}, &all); err != nil {
		return nil
	}
	for _, a := range all.Data {
		if a.Balance.Currency == currency && a.Balance.Positive() {
			return &a.Balance
		}
	}
	return nil
}

// signInData is where customers sign in.
type signInData struct {
	Email string
	Sent  bool // a code is on its way
	Error string
	Back  string
}

func (p *shopPages) signInPage(v *visit) error {
	d := &signInData{Back: v.Query("back"), Sent: v.Query("sent") != "" && v.cookie(codeCookie) != ""}
	return p.show(v, "signin", d)
}

func (p *shopPages) askCode(v *visit) error {
	d := &signInData{Email: strings.TrimSpace(clip(v.FormValue("email"))), Back: v.FormValue("back")}
	var sent struct {
		ID string `json:"request_id"`
	}
	err := v.shop(ask{Method: fiber.MethodPost, Path: "/v1/auth/codes", Body: map[string]any{"email": d.Email}}, &sent)
	if problem := asProblem(err); problem != nil {
		d.Error = v.sentence(err)
		if problem.Status == fiber.StatusUnprocessableEntity {
			d.Error = v.text("checkout.error.email")
		}
		v.Status(problem.Status)
		return p.show(v, "signin", d)
	}
	if err != nil {
		return err
	}
	v.setCookie(codeCookie, sent.ID, codeLife)
	return v.go303("/shop/sign-in?" + url.Values{"sent": {"1"}, "back": {d.Back}}.Encode())
}

// signIn takes the code. The cart stays as it is: it is the reader's, not the
// session's.
func (p *shopPages) signIn(v *visit) error {
	d := &signInData{Sent: true, Back: v.FormValue("back")}
	code := strings.Join(strings.Fields(clip(v.FormValue("code"))), "")
	request, err := uuid.Parse(v.cookie(codeCookie))
	if err != nil {
		d.Sent, d.Error = false, v.text("sign_in.expired")
		v.Status(fiber.StatusUnprocessableEntity)
		return p.show(v, "signin", d)
	}
	var in struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires_at"`
	}
	err = v.shop(ask{Method: fiber.MethodPost, Path: "/v1/auth/sessions", Body: map[string]any{"request_id": request, "code": code}}, &in)
	if problem := asProblem(err); problem != nil && problem.Status < fiber.StatusInternalServerError {
		d.Error = v.text("sign_in.wrong")
		if problem.Status == fiber.StatusTooManyRequests {
			d.Error = v.sentence(err)
		}
		v.Status(problem.Status)
		return p.show(v, "signin", d)
	}
	if err != nil {
		return err
	}
	v.setCookie(codeCookie, "", 0)
	v.setCookie(sessionCookie, in.Token, in.Expires.Sub(p.site.options.Clock.Now()))
	return v.back("/shop/orders")
}

func (p *shopPages) signOut(v *visit) error {
	if session := v.customerSession(); session != "" {
		err := v.shop(ask{Method: fiber.MethodDelete, Path: "/v1/auth/sessions/current", Header: map[string]string{"Customer-Session": session}}, nil)
		if problem := asProblem(err); err != nil && (problem == nil || problem.Status >= fiber.StatusInternalServerError) {
			return err
		}
	}
	v.signOff()
	return v.go303("/shop")
}

// myOrder is an order in the list of who is signed in.
type myOrder struct {
	Number      string    `json:"number"`
	Status      string    `json:"status"`
	Payment     string    `json:"payment_status"`
	Fulfillment string    `json:"fulfillment_status"`
	PlacedAt    time.Time `json:"placed_at"`
	Totals      totals    `json:"totals"`
	TrackingURL string    `json:"tracking_url"`
}

// Track is the page that follows the order.
func (o myOrder) Track() string { return trackLink(o.TrackingURL) }

// Returns is the page for sending something of it back; empty while nothing has
// left the house.
func (o myOrder) Returns() string {
	if o.Track() == "" || o.Status == "canceled" || o.Fulfillment == "unfulfilled" || o.Fulfillment == "returned" {
		return ""
	}
	return o.Track() + "/return"
}

// State says in one word how the order is.
func (o myOrder) State() string {
	if o.Status == "canceled" || o.Status == "pending" || o.Status == "on_hold" {
		return "order_status." + o.Status
	}
	return "fulfillment_status." + o.Fulfillment
}

// Mood colours that word.
func (o myOrder) Mood() string {
	switch {
	case o.Status == "canceled":
		return "bad"
	case o.Status == "pending" || o.Status == "on_hold":
		return "warn"
	case o.Fulfillment == "delivered":
		return "good"
	}
	return "info"
}

type ordersData struct {
	Email  string
	Orders []myOrder `json:"data"`
	Next   string    `json:"next_cursor"`
}

func (p *shopPages) orders(v *visit) error {
	session := v.customerSession()
	if session == "" {
		return v.go303("/shop/sign-in")
	}
	q := url.Values{"limit": {"20"}}
	if cursor := v.Query("cursor"); cursor != "" {
		q.Set("cursor", cursor)
	}
	var d ordersData
	err := v.shop(ask{Path: "/v1/me/orders", Query: q, Header: map[string]string{"Customer-Session": session}}, &d)
	if problem := asProblem(err); problem != nil && problem.Status == fiber.StatusUnauthorized {
		v.signOff()
		return v.go303("/shop/sign-in")
	}
	if err != nil {
		return err
	}
	d.Email = v.me().Email
	return p.show(v, "orders", &d)
}
