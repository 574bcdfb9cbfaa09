package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"doorstep/internal/id"
)

var inviteCode = regexp.MustCompile(`\b[0-9a-z]{32}\b`)

// desk is a browser in which a member of staff is signed in.
type desk struct {
	*program
	cookie, csrf string
}

// sits takes the session from an answer.
func (p *program) sits(t *testing.T, a reply) *desk {
	t.Helper()
	set := a.header.Get("Set-Cookie")
	cookie, rest, _ := strings.Cut(set, ";")
	if !strings.HasPrefix(cookie, "doorstep-staff=ds_ss_") || !strings.Contains(rest, "HttpOnly") || !strings.Contains(rest, "SameSite=Lax") || strings.Contains(rest, "Domain") {
		t.Fatalf("Set-Cookie: %s", set)
	}
	return &desk{p, cookie, a.text("csrf_token")}
}

// does makes a call under the session as a page of the program's own does.
func (d *desk) does(t *testing.T, method, path string, body any, headers ...string) reply {
	t.Helper()
	return d.do(t, method, path, body, append([]string{"Authorization", "", "Cookie", d.cookie, "CSRF-Token", d.csrf, "Origin", d.url}, headers...)...)
}

// mailed waits for the newest mail of a kind and finds something in it.
func (p *program) mailed(t *testing.T, to, kind string, what *regexp.Regexp) (found string) {
	t.Helper()
	until(t, patience, "the mail "+kind, func() (bool, any) {
		for _, got := range p.inbox(t, to) {
			if got.Kind == kind {
				found = what.FindString(got.Text)
			}
		}
		return found != "", nil
	})
	return found
}

func TestStaffJoinByMailWorkWithinTheirRoleAndLeave(t *testing.T) {
	t.Parallel()
	p := shared(t)
	admin, email := p.admin(), "staff-"+id.Secret(6)+"@shop.example"
	sku, _ := p.product(t, "Cup "+id.Secret(4), 1500, 5)
	order := p.buy(t, "card", "tok_visa", item(sku, 1)).text("order.id")

	invited := admin.post(t, "/v1/staff", m{"email": email, "role": "agent"}).want(t, http.StatusCreated)
	if strings.Contains(string(invited.body), "code") {
		t.Errorf("the code is told to who invites: %v", invited)
	}
	code := p.mailed(t, email, "staff_invitation", inviteCode)
	p.post(t, "/v1/staff/invitations/accept", m{"code": code[1:] + "0"}, "Authorization", "").want(t, http.StatusNotFound, "invite_invalid")
	agent := p.sits(t, p.post(t, "/v1/staff/invitations/accept", m{"code": code}, "Authorization", "").want(t, http.StatusCreated))
	p.post(t, "/v1/staff/invitations/accept", m{"code": code}, "Authorization", "").want(t, http.StatusNotFound, "invite_invalid")

	if me := agent.does(t, "GET", "/v1/staff/me", nil).want(t, http.StatusOK); me.text("email") != email || me.text("role") != "agent" || me.text("id") != invited.text("id") {
		t.Errorf("me: %v", me)
	}
	agent.does(t, "GET", "/v1/orders/"+order, nil).want(t, http.StatusOK)
	agent.does(t, "PATCH", "/v1/settings", m{"name": "Mine now"}).want(t, http.StatusForbidden, "scope_missing")
	cancel := func(headers ...string) reply {
		return agent.does(t, "POST", "/v1/orders/"+order+"/cancel", m{"reason": "by staff"}, append([]string{"Idempotency-Key", id.Secret(12)}, headers...)...)
	}
	cancel("CSRF-Token", "").want(t, http.StatusForbidden, "csrf_refused")
	cancel("Origin", "https://evil.example").want(t, http.StatusForbidden, "csrf_refused")
	cancel("Sec-Fetch-Site", "cross-site").want(t, http.StatusForbidden, "csrf_refused")
	cancel().want(t, http.StatusOK)
	log := admin.get(t, "/v1/audit-log?limit=100").want(t, http.StatusOK)
	named := false
	for _, e := range log.list("data") {
		entry, _ := e.(map[string]any)
		named = named || entry["action"] == "cancel-order" && entry["subject"] == order && entry["actor"] == "staff:"+invited.text("id")
	}
	if !named {
		t.Errorf("the audit log does not name who canceled: %v", log)
	}

	// A second browser, by a code; and out of both at once.
	asked := p.post(t, "/v1/staff/codes", m{"email": strings.ToUpper(email)}, "Authorization", "", "Accept-Language", "hy").want(t, http.StatusAccepted)
	six := p.mailed(t, email, "staff_code", regexp.MustCompile(`\b\d{6}\b`))
	sign := m{"request_id": asked.text("request_id"), "code": six}
	p.post(t, "/v1/staff/sessions", sign, "Authorization", "", "Sec-Fetch-Site", "cross-site").want(t, http.StatusForbidden, "csrf_refused")
	second := p.sits(t, p.post(t, "/v1/staff/sessions", sign, "Authorization", "").want(t, http.StatusCreated))
	p.post(t, "/v1/staff/sessions", sign, "Authorization", "").want(t, http.StatusUnauthorized, "sign_in_code_invalid")
	second.does(t, "GET", "/v1/staff/me", nil).want(t, http.StatusOK)
	second.does(t, "DELETE", "/v1/staff/sessions", nil).want(t, http.StatusNoContent)
	for _, d := range []*desk{agent, second} {
		d.does(t, "GET", "/v1/staff/me", nil).want(t, http.StatusUnauthorized, "staff_session_invalid")
	}

	p.post(t, "/v1/staff/codes", m{"email": email}, "Authorization", "").want(t, http.StatusAccepted)
	admin.do(t, "DELETE", "/v1/staff/"+invited.text("id"), nil).want(t, http.StatusNoContent)
	for _, s := range admin.get(t, "/v1/staff").want(t, http.StatusOK).list("data") {
		if one, _ := s.(map[string]any); one["id"] == invited.text("id") {
			t.Errorf("still listed: %v", s)
		}
	}
}

// Somebody who does not work here gets the same answer, and no mail.
func TestStrangersLearnNothingFromTheDoorOfTheStaff(t *testing.T) {
	t.Parallel()
	p := shared(t)
	stranger := "stranger-" + id.Secret(6) + "@shop.example"
	asked := p.post(t, "/v1/staff/codes", m{"email": stranger}, "Authorization", "").want(t, http.StatusAccepted)
	if asked.text("request_id") == "" || asked.text("expires_at") == "" {
		t.Errorf("%v", asked)
	}
	p.post(t, "/v1/staff/sessions", m{"request_id": asked.text("request_id"), "code": "000000"}, "Authorization", "").want(t, http.StatusUnauthorized, "sign_in_code_invalid")
	for range 4 {
		p.post(t, "/v1/staff/codes", m{"email": stranger}, "Authorization", "").want(t, http.StatusAccepted)
	}
	if full := p.post(t, "/v1/staff/codes", m{"email": stranger}, "Authorization", "").want(t, http.StatusTooManyRequests, "too_many_sign_in_codes"); full.header.Get("Retry-After") == "" {
		t.Errorf("%v", full.header)
	}
	if got := p.inbox(t, stranger); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}
