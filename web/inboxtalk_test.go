package web

import (
	"strings"
	"testing"
)

func TestOnlyWhoLeadsMayEndWhatAColleagueHas(t *testing.T) {
	t.Parallel()
	const path = "/v1/support/conversations/" + orderID
	for role, may := range map[string]bool{"owner": true, "manager": true, "agent": false} {
		app, _ := office(t, []string{"support:read", "support:write"}, fakeAPI{
			"GET /v1/staff/me":                {200, m{"id": "s-1", "email": "ani@shop.example", "role": role, "scopes": []string{"support:read", "support:write"}, "csrf_token": "x"}},
			"GET /v1/staff":                   {200, m{"data": []m{}}},
			"GET /v1/support/reply-templates": {200, m{"data": []m{}}},
			"GET " + path: {200, m{
				"id": orderID, "status": "open", "mine": false, "assigned_to": "s-2", "channel": "chat", "locale": "en", "messages": 1, "created_at": "2026-11-22T10:00:00Z",
				"transcript": []m{{"seq": 1, "author": "customer", "text": "Hello", "created_at": "2026-11-22T10:00:00Z"}}, "known": nil, "orders": []m{},
			}},
		})
		res, text := page(t, app, "GET", "/admin/inbox/"+orderID, signedIn, "")
		if res.StatusCode != 200 || !strings.Contains(text, `value="talk-note"`) {
			t.Fatalf("%s: %d %s", role, res.StatusCode, text)
		}
		if strings.Contains(text, `value="talk-release"`) != may || strings.Contains(text, `value="talk-close"`) != may || strings.Contains(text, `value="talk-answer"`) {
			t.Errorf("a %s is offered something else", role)
		}
	}
}
