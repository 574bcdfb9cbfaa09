package web

import (
	"net/url"
	"strconv"
	"strings"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
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

const visitorCookie = "doorstep-visitor"

// looked tells what is looked at (view) and put into carts (add), for the shop's
// recommendations. The visitor is a random name until the browser is closed; who
// asks not to be followed has none.
func (v *visit) looked(kind, product string) {
	if v.Get("Sec-GPC") == "1" || v.Get("DNT") == "1" || product == "" {
		return
	}
	visitor := v.cookie(visitorCookie)
	if !plain(visitor) || len(visitor) > 64 {
		visitor = newKey()
		v.setCookie(visitorCookie, visitor, 0)
	}
	_ = v.shop(ask{Method: fiber.MethodPost, Path: "/v1/events", Body: map[string]any{
		"events": []any{map[string]any{"id": newKey(), "kind": kind, "visitor": visitor, "product_id": product}},
	}}, nil)
}

// mostRecommended are shown at once.
const mostRecommended = 5

// recommended are products to see next, each with its reason; a shop that cannot
// say shows none.
func (v *visit) recommended(surface string, beside ...string) []hit {
	var answer struct {
		Data []struct {
			Product struct {
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
	q := url.Values{"surface": {surface}, "limit": {strconv.Itoa(mostRecommended)}}
	if len(beside) > 0 {
		q.Set("product_id", strings.Join(beside, ","))
	}
	header := map[string]string{}
	if session := v.customerSession(); session != "" {
		header["Customer-Session"] = session
	}
	if err := v.shop(ask{Path: "/v1/recommendations", Query: q, Header: header}, &answer); err != nil {
		return nil
	}
	var all []hit
	for i := range answer.Data {
		r := &answer.Data[i].Product
		h := hit{Slug: r.Slug, Title: r.Title, Brand: r.Brand, Price: r.From, InStock: r.Availability != outOfStock}
		if len(r.Images) > 0 {
			h.Image = r.Images[0]
		}
		if key := "web.shop.why." + answer.Data[i].Reason.Code; locale.Has(key) {
			h.Why = locale.T(v.Lang, key)
		}
		all = append(all, h)
	}
	return all
}
