package main

import (
	"net/http"
	"regexp"
	"testing"

	"doorstep/internal/id"
)

var sixDigits = regexp.MustCompile(`^\d{6}`)

func TestACustomerSignsInByMailSeesTheOrdersAndIsForgottenOnDemand(t *testing.T) {
	t.Parallel()
	p := shared(t)
	sku, _ := p.product(t, "Cup "+id.Secret(4), 1500, 5)
	f := form(item(sku, 1))
	email := f["email"].(string)
	c := p.post(t, "/v1/checkouts", f).want(t, http.StatusCreated)
	placed := p.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)

	asked := p.post(t, "/v1/auth/codes", m{"email": email}, "Accept-Language", "hy").want(t, http.StatusAccepted)
	var code string
	until(t, patience, "the code's mail", func() (bool, any) {
		for _, got := range p.inbox(t, email) {
			if got.Kind == "sign_in_code" {
				code = sixDigits.FindString(got.Subject)
			}
		}
		return code != "", nil
	})
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	p.post(t, "/v1/auth/sessions", m{"request_id": asked.text("request_id"), "code": wrong}).want(t, http.StatusUnauthorized, "sign_in_code_invalid")
	in := p.post(t, "/v1/auth/sessions", m{"request_id": asked.text("request_id"), "code": code}).want(t, http.StatusCreated)
	session := in.text("token")
	if me := p.get(t, "/v1/me", "Customer-Session", session).want(t, http.StatusOK); me.text("email") != email || me.text("shipping_address.city") != "Yerevan" {
		t.Errorf("me: %v", me)
	}
	orders := p.get(t, "/v1/me/orders", "Customer-Session", session).want(t, http.StatusOK)
	if len(orders.list("data")) != 1 || orders.text("data.0.number") != placed.text("order.number") {
		t.Errorf("my orders: %v", orders)
	}

	admin, path := p.admin(), "/v1/customers/"+in.text("customer_id")
	if all := admin.post(t, path+"/export", nil).want(t, http.StatusOK); all.text("contacts.0.contact.email") != email {
		t.Errorf("export: %v", all)
	}
	if gone := admin.post(t, path+"/erase", nil).want(t, http.StatusOK); gone.number("contacts") < 1 {
		t.Errorf("erase: %v", gone)
	}
	p.get(t, "/v1/me", "Customer-Session", session).want(t, http.StatusUnauthorized, "session_invalid")
	if left := p.inbox(t, email); len(left) > 0 {
		t.Errorf("mails that were kept still tell of the person: %+v", left)
	}
	if kept := p.order(t, placed.text("order.id")); kept.number("totals.total.amount") != placed.number("order.totals.total.amount") || kept.text("contact.email") != "" {
		t.Errorf("the order afterwards: %v", kept)
	}
}
