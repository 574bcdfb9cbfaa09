package web

import (
	"net/url"
	"strconv"
	"strings"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// What a storefront sees of a checkout and the API cannot: which steps are looked
// at, and at which fields people stumble. Nothing that was typed is told.

// stepEvent is one of them. Its id makes it count once.
type stepEvent struct {
	ID    string `json:"id"`
	Type  string `json:"type"`
	Step  string `json:"step"`
	Field string `json:"field,omitempty"`
}

// entered tells that the steps are before the buyer's eyes.
func (v *visit) entered(c *checkoutBody, steps ...string) {
	var events []stepEvent
	for _, step := range steps {
		events = append(events, stepEvent{ID: "entered-" + step, Type: "step_entered", Step: step})
	}
	v.tell(c, events)
}

// stumbled tells which fields were wrong.
func (v *visit) stumbled(c *checkoutBody, errors map[string]string) {
	var events []stepEvent
	for field := range errors {
		step := "address"
		if field == "email" {
			step = "contact"
		}
		events = append(events, stepEvent{ID: newKey(), Type: "field_error", Step: step, Field: field})
	}
	v.tell(c, events)
}

// tell hands events to the API. Nobody waits in vain for a shop that is only
// curious: what goes wrong here changes nothing.
func (v *visit) tell(c *checkoutBody, events []stepEvent) {
	b, ok := v.started(c)
	if !ok || len(events) == 0 || v.fragment() != "" && len(events) > 0 && events[0].Type == "step_entered" {
		return
	}
	_ = v.shop(ask{
		Method: fiber.MethodPost, Path: "/v1/checkouts/" + b.ID + "/events", Body: map[string]any{"events": events}, Header: map[string]string{"Checkout-Secret": b.Secret},
	}, nil)
}

const (
	visitorCookie = "doorstep-visitor"
	visitorKept   = "visitor" // of this request
)

// visitor is a random name until the browser is closed, for the shop's
// recommendations; who asks not to be followed has none.
func (v *visit) visitor() string {
	if v.Get("Sec-GPC") == "1" || v.Get("DNT") == "1" {
		return ""
	}
	if name, ok := v.Locals(visitorKept).(string); ok {
		return name
	}
	name := v.cookie(visitorCookie)
	if !plain(name) || len(name) > 64 {
		name = newKey()
		v.setCookie(visitorCookie, name, 0)
	}
	v.Locals(visitorKept, name)
	return name
}

// seen is something that is told about a product, or about an order.
type seen struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Visitor  string `json:"visitor"`
	Product  string `json:"product_id,omitempty"`
	Order    string `json:"order_id,omitempty"`
	Request  string `json:"request_id,omitempty"`
	Surface  string `json:"surface,omitempty"`
	Position int    `json:"position,omitempty"`
}

// from is the place in a recommended list that an address names, as
// REQUEST.POSITION.SURFACE.
func (v *visit) from() (s seen, ok bool) {
	parts := strings.SplitN(v.FormValue("from"), ".", 3)
	if len(parts) != 3 || !plain(parts[0]) || !plain(parts[2]) {
		return s, false
	}
	at, err := strconv.Atoi(parts[1])
	if _, bad := uuid.Parse(parts[0]); bad != nil || err != nil || at < 1 || at > mostRecommended {
		return s, false
	}
	return seen{Request: strings.Clone(parts[0]), Position: at, Surface: strings.Clone(parts[2])}, true
}

// looked tells what is looked at (view) and put into carts (add), and from which
// list it came.
func (v *visit) looked(kind, product string) {
	if product == "" {
		return
	}
	all := []seen{{Kind: kind, Product: product}}
	if s, ok := v.from(); ok {
		if kind == "view" {
			all = append(all, seen{Kind: "click", Product: product, Request: s.Request, Surface: s.Surface, Position: s.Position})
		} else {
			all[0].Request, all[0].Surface, all[0].Position = s.Request, s.Surface, s.Position
		}
	}
	v.say(all...)
}

// ordered tells that an order came of this visit; told twice it counts once.
func (v *visit) ordered(order string) { v.say(seen{ID: order, Kind: "order", Order: order}) }

func (v *visit) say(all ...seen) {
	visitor := v.visitor()
	if visitor == "" || len(all) == 0 {
		return
	}
	for i := range all {
		if all[i].Visitor = visitor; all[i].ID == "" {
			all[i].ID = newKey()
		}
	}
	_ = v.shop(ask{Method: fiber.MethodPost, Path: "/v1/events", Body: map[string]any{"events": all}}, nil)
}

// mostRecommended are shown at once.
const mostRecommended = 5

// recommended are products to see next, each with its reason; a shop that cannot
// say shows none.
func (v *visit) recommended(surface string, beside ...string) []hit {
	var answer struct {
		RequestID string `json:"request_id"`
		Data      []struct {
			Product struct {
				ID           string   `json:"id"`
				Slug         string   `json:"slug"`
				Title        string   `json:"title"`
				Brand        string   `json:"brand"`
				Images       []string `json:"images"`
				From         *Money   `json:"price_from"`
				Availability string   `json:"availability"`
			} `json:"product"`
			Reason struct {
				Code string `json:"code"`
			} `json:"reason"`
		} `json:"data"`
	}
	q := v.priced(url.Values{"surface": {surface}, "limit": {strconv.Itoa(mostRecommended)}})
	if len(beside) > 0 {
		q.Set("product_id", strings.Join(beside, ","))
	}
	if who := v.visitor(); who != "" {
		q.Set("visitor", who)
	}
	header := map[string]string{}
	if session := v.customerSession(); session != "" {
		header["Customer-Session"] = session
	}
	if err := v.shop(ask{Path: "/v1/recommendations", Query: q, Header: header}, &answer); err != nil {
		return nil
	}
	var all []hit
	var shown []seen
	for i := range answer.Data {
		r := &answer.Data[i].Product
		h := hit{Slug: r.Slug, Title: r.Title, Brand: r.Brand, Price: r.From, InStock: r.Availability != outOfStock}
		if len(r.Images) > 0 {
			h.Image = r.Images[0]
		}
		if key := "web.shop.why." + answer.Data[i].Reason.Code; locale.Has(key) {
			h.Why = locale.T(v.Lang, key)
		}
		if answer.RequestID != "" && r.ID != "" {
			h.From = answer.RequestID + "." + strconv.Itoa(i+1) + "." + surface
			shown = append(shown, seen{Kind: "impression", Product: r.ID, Request: answer.RequestID, Surface: surface, Position: i + 1})
		}
		all = append(all, h)
	}
	v.say(shown...)
	return all
}
