package web

import (
	"net/url"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestWhatIsRecommendedSaysWhyAndWhoIsNotFollowedIsNotTold(t *testing.T) {
	t.Parallel()
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"GET /v1/products/mug": always(200, aMug()), "POST /v1/events": always(202, nil),
		"GET /v1/recommendations": always(200, j{"data": []j{{"product": j{"slug": "pot", "title": nasty, "availability": "in_stock", "price_from": eur(900)}, "reason": j{"code": "bought_with"}}}}),
	}}
	app := shopOf(h)
	res, text := page(t, app, "GET", "/shop/products/mug", map[string]string{"Sec-GPC": "1"}, "")
	clean(t, "the product", text)
	if !strings.Contains(text, "Often bought together") || !strings.Contains(text, "/shop/products/pot") {
		t.Error("nothing is recommended")
	}
	if h.times("POST /v1/events") != 0 || len(res.Cookies()) != 0 {
		t.Errorf("told all the same: %v", res.Cookies())
	}
	res, _ = page(t, app, "GET", "/shop/products/mug", nil, "")
	if c := res.Cookies(); h.times("POST /v1/events") != 1 || len(c) != 1 || c[0].Name != visitorCookie || !c[0].HttpOnly || c[0].MaxAge > 0 {
		t.Errorf("cookies %v", c)
	}
}

func TestWhatIsChosenFromAListIsToldWithTheList(t *testing.T) {
	t.Parallel()
	const list, pot = "018f3c1e-9a4b-7c21-b0de-4d8a1f6e2c99", "018f3c1e-9a4b-7c21-b0de-4d8a1f6e2c98"
	var told strings.Builder
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"GET /v1/products/mug": always(200, aMug()),
		"POST /v1/events": func(ctx *fasthttp.RequestCtx) (int, any) {
			told.Write(ctx.Request.Body())
			return 202, nil
		},
		"GET /v1/recommendations": always(200, j{"request_id": list, "data": []j{{"product": j{"id": pot, "slug": "pot", "title": "Pot", "availability": "in_stock", "price_from": eur(900)}, "reason": j{"code": "picked"}}}}),
	}}
	app := shopOf(h)
	_, text := page(t, app, "GET", "/shop/products/mug", map[string]string{"Cookie": visitorCookie + "=v-1"}, "")
	if !strings.Contains(text, "/shop/products/pot?from="+list+".1.product") || !strings.Contains(text, "Chosen by the shop") {
		t.Error("the link does not name its list")
	}
	if got := told.String(); !strings.Contains(got, `"kind":"impression","visitor":"v-1","product_id":"`+pot+`","request_id":"`+list+`","surface":"product","position":1`) {
		t.Errorf("told %s", got)
	}
	_, text = page(t, app, "GET", "/shop/products/mug?from="+list+".2.home", map[string]string{"Cookie": visitorCookie + "=v-1"}, "")
	if got := told.String(); !strings.Contains(got, `"kind":"click","visitor":"v-1"`) || !strings.Contains(got, `"request_id":"`+list+`","surface":"home","position":2`) || !strings.Contains(text, `name="from" value="`+list+`.2.home"`) {
		t.Errorf("told %s", got)
	}
	_, text = page(t, app, "GET", "/shop/products/mug?from="+list+".2.%22%3E%3Cb%3E", map[string]string{"Cookie": visitorCookie + "=v-1"}, "")
	if strings.Contains(text, `name="from"`) || strings.Contains(text, "<b>") {
		t.Error("anything passes for a list")
	}
}

func TestBesideWhatIsSoldOutStandsWhatIsLikeIt(t *testing.T) {
	t.Parallel()
	for availability, want := range map[string]string{"out_of_stock": "substitute", "in_stock": "product"} {
		mug := aMug()
		for _, v := range mug["variants"].([]j) {
			v["availability"] = availability
		}
		var surface string
		h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
			"GET /v1/products/mug": always(200, mug), "POST /v1/events": always(202, nil),
			"GET /v1/recommendations": func(ctx *fasthttp.RequestCtx) (int, any) {
				surface = string(ctx.QueryArgs().Peek("surface"))
				return 200, j{"data": []j{}}
			},
		}}
		page(t, shopOf(h), "GET", "/shop/products/mug", map[string]string{"Sec-GPC": "1"}, "")
		if surface != want {
			t.Errorf("%s: asked for %q", availability, surface)
		}
	}
}

func TestStepsAreToldAndNothingThatWasTyped(t *testing.T) {
	t.Parallel()
	events := "POST /v1/checkouts/" + checkoutID + "/events"
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"GET /v1/checkouts/" + checkoutID: always(200, openedCheckout("shipping_address.name")), "GET /v1/carts/" + cartID + "/summary": summary(),
		"PATCH /v1/checkouts/" + checkoutID: always(200, openedCheckout("shipping_address.name")), events: always(200, j{"accepted": 1}),
	}}
	app := shopOf(h)
	page(t, app, "GET", "/shop/checkout", map[string]string{"Cookie": checkoutIs}, "")
	if got := h.body(events); !strings.Contains(got, `"step_entered","step":"address"`) {
		t.Errorf("told %s", got)
	}
	page(t, app, "POST", "/shop/checkout", map[string]string{"Cookie": checkoutIs}, "email=secret@example.com&line1=Hidden+1")
	if got := h.body(events); !strings.Contains(got, `"field_error","step":"address","field":"name"`) || strings.Contains(got, "ecret") || strings.Contains(got, "Hidden") {
		t.Errorf("told %s", got)
	}
}

func TestWhoTicksItAgreesToBeReminded(t *testing.T) {
	t.Parallel()
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"GET /v1/checkouts/" + checkoutID:                always(200, openedCheckout()),
		"PATCH /v1/checkouts/" + checkoutID:              always(200, openedCheckout()),
		"POST /v1/checkouts/" + checkoutID + "/consents": always(201, j{}),
		"GET /v1/carts/" + cartID + "/summary":           summary(),
	}}
	app := shopOf(h)
	for _, ticked := range []bool{false, true} {
		form := url.Values{"email": {"ani@example.com"}, "name": {"Ani"}, "line1": {"Abovyan 12"}, "city": {"Yerevan"}, "country": {"AM"}}
		if ticked {
			form.Set("remind", "1")
		}
		if res, _ := page(t, app, "POST", "/shop/checkout", map[string]string{"Cookie": checkoutIs}, form.Encode()); res.StatusCode != 303 {
			t.Fatalf("%d", res.StatusCode)
		}
		said := h.body("POST /v1/checkouts/" + checkoutID + "/consents")
		if agreed := strings.Contains(said, `"granted":true`) && strings.Contains(said, `"text_version":"1 en"`); agreed != ticked {
			t.Errorf("ticked %v: %q", ticked, said)
		}
	}
	if _, text := page(t, app, "GET", "/shop/checkout", map[string]string{"Cookie": checkoutIs}, ""); !strings.Contains(text, `id="f-remind"`) || strings.Contains(text, `id="f-remind" value="1" checked`) {
		t.Error("nobody agrees by leaving a box as it was")
	}
}
