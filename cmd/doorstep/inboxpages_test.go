package main

import (
	"net/http"
	"testing"

	"doorstep/internal/id"
)

// TestAnAgentAnswersFromTheInbox sees a conversation arrive, takes it, reads what the
// assistant knew, answers, reads on as the customer writes, and closes it; the pages
// around it are there for every eye and in every language.
func TestAnAgentAnswersFromTheInbox(t *testing.T) {
	t.Parallel()
	p := shared(t)
	said := p.post(t, "/v1/assistant/messages", m{"text": "Please let me talk to a person", "channel": "chat"}).want(t, http.StatusOK)
	talk := said.text("conversation_id")
	email := "staff-" + id.Secret(6) + "@shop.example"
	p.admin().post(t, "/v1/staff", m{"email": email, "role": "owner"}).want(t, http.StatusCreated)
	p.post(t, "/v1/staff/invitations/accept", m{"code": p.mailed(t, email, "staff_invitation", inviteCode)}, "Authorization", "").want(t, http.StatusCreated)

	e := newEyes(t, p.url, "en")
	e.signsIn(p, email, "/admin/inbox?status=waiting")
	e.sees("A person")
	e.look("admin-inbox")
	e.open("/admin/inbox/" + talk)
	e.sees("What the assistant knew")
	e.sees("Please let me talk to a person")
	e.js(`document.querySelector("#act-talk-claim-` + talk + `").dataset.old = "1"; ""`)
	e.click(`#act-talk-claim-` + talk + ` button[type=submit]`)
	e.until("it is taken", `document.readyState === "complete" && !document.querySelector("[data-old]") && document.querySelector("#answer")`)
	e.look("admin-talk")
	e.fill(`#answer textarea[name=message_text]`, "Good morning, how can I help?")
	e.js(`document.querySelector("#answer").dataset.old = "1"; ""`)
	e.click(`#answer button[type=submit]`)
	e.until("the answer stands there", `document.readyState === "complete" && !document.querySelector("[data-old]") && document.querySelector("#talk .staff")`)
	e.sees("Good morning, how can I help?")
	p.post(t, "/v1/assistant/messages", m{"text": "My cup is <b>broken</b>", "channel": "chat", "conversation_id": talk}, "Conversation-Secret", said.text("secret")).want(t, http.StatusOK)
	e.until("what the customer writes appears by itself", `[...document.querySelectorAll("#talk .customer p")].some(p => p.textContent === "My cup is <b>broken</b>")`)
	e.does(`#act-talk-note-`+talk, func() { e.fill(`#act-talk-note-`+talk+` textarea[name=message_text]`, "Send a new one.") })
	e.sees("Send a new one.")
	e.js(`document.querySelector("#act-talk-close-` + talk + `").dataset.old = "1"; ""`)
	e.click(`#act-talk-close-` + talk + ` button[type=submit]`)
	e.until("it is closed", `document.readyState === "complete" && !document.querySelector("[data-old]") && !document.querySelector("#answer")`)

	for _, page := range []string{"cases", "hooks", "replies", "hours", "contact"} {
		e.open("/admin/" + page)
		e.look("admin-" + page)
	}
	e.open("/admin/hooks")
	e.does(`#act-hook-add-`, func() {
		e.fill(`#act-hook-add- input[name=name]`, "Dear "+id.Secret(4))
		e.choose(`#act-hook-add- select[name=event]`, "claim")
		e.fill(`#act-hook-add- textarea[name=hook_actions]`, `[{"action": "tag"}]`)
	})
	e.until("the mistake is told in its place", `document.querySelector("#act-hook-add- [role=alert]")`)
	e.does(`#act-hook-add-`, func() { e.fill(`#act-hook-add- textarea[name=hook_actions]`, `[{"action": "tag", "tags": ["dear"]}]`) })
	e.until("the hook is there", `/admin\/hooks\/[0-9a-f-]{36}$/.test(location.pathname)`)
	e.look("admin-hook")
	e.open("/admin/hours")
	e.does(`#act-support-change-desk`, func() { e.fill(`#act-support-change-desk input[name=hours_sat]`, "10:00-13:00, 14:00-16:00") })
	e.until("Saturday is kept", `document.querySelector("#act-support-change-desk input[name=hours_sat]").value === "10:00-13:00, 14:00-16:00"`)
}
