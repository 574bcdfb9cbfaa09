package api

import (
	"strings"
	"testing"
)

func TestMailOfCustomersNeedsASignatureAndMayBeLarge(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	signed := map[string]string{"Authorization": "", "Webhook-Signature": "v1,x", "Content-Type": "message/rfc822"}
	const path = "/v1/support/inbound"
	run(t, s, []scenario{
		{name: "signed", method: "POST", path: path, header: signed, body: "From: a@b.example\r\n\r\n4111 1111 1111 1111", status: 200, want: []string{`"status":"held"`, `"reason":"empty"`, `"conversation_id":"` + thing.String()}},
		{name: "again", method: "POST", path: path + "/" + thing.String(), header: signed, body: "again", status: 200, want: []string{`"status":"duplicate"`}},
		{name: "large", method: "POST", path: path + "/" + thing.String(), header: signed, body: strings.Repeat("x", 2<<20), status: 200},
		{name: "too large", method: "POST", path: path, header: signed, body: strings.Repeat("x", mailBody+1), status: 413},
		{name: "unsigned", method: "POST", path: path, header: map[string]string{"Authorization": ""}, body: "x", status: 401, want: []string{`"code":"signature_invalid"`}},
		{name: "of no merchant", method: "POST", path: path + "/x", header: signed, body: "x", status: 404},
		{name: "elsewhere large", method: "POST", path: "/v1/support/confirmations/" + goodToken, header: signed, body: strings.Repeat("x", bodyLimit+1), status: 413},
	})
	for _, c := range rooms.seen() {
		if c.method == "Receive" && c.given == 0 {
			t.Error("the mail did not come through")
		}
	}
}

func TestALinkOfAMailActsOnlyByItsButton(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	nobody := map[string]string{"Authorization": ""}
	const path = "/v1/support/confirmations/"
	run(t, s, []scenario{
		{name: "looked at", method: "GET", path: path + goodToken, header: nobody, status: 200, want: []string{`"question":"Shall I cancel it?"`, `"open":true`}},
		{name: "forged", method: "GET", path: path + "forged", header: nobody, status: 404, want: []string{`"code":"link_invalid"`}},
	})
	if calls := rooms.seen(); len(calls) != 0 {
		t.Errorf("looking has called %v", calls)
	}
	run(t, s, []scenario{
		{name: "yes", method: "POST", path: path + goodToken, header: nobody, body: `{"answer":"yes"}`, status: 200, want: []string{`"reply":"Done."`}, wantNot: []string{canary}},
		{name: "perhaps", method: "POST", path: path + goodToken, header: nobody, body: `{"answer":"perhaps"}`, status: 422},
		{name: "forged", method: "POST", path: path + "forged", header: nobody, body: `{"answer":"yes"}`, status: 404},
	})
	if c := rooms.last(t, "ConfirmMail"); c.given != true {
		t.Errorf("%v", c)
	}
}

func TestStaffSeeAndSendDraftsAndDecideHowMailIsAnswered(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	root := with(rootKey)
	run(t, s, []scenario{
		{name: "settings", method: "GET", path: "/v1/support/mail-settings", header: root, status: 200, want: []string{`"mode":"draft"`, `"version":3`}},
		{name: "decide", method: "PUT", path: "/v1/support/mail-settings", header: root, body: `{"address":"","mode":"send","confidence_bps":9000,"version":3}`, status: 200, want: []string{`"mode":"send"`}},
		{name: "no mode", method: "PUT", path: "/v1/support/mail-settings", header: root, body: `{"address":"","mode":"loud","confidence_bps":9000,"version":3}`, status: 422},
		{name: "drafts", method: "GET", path: "/v1/support/mail-drafts", header: root, status: 200, want: []string{`"text":"It is here."`}},
		{name: "send", method: "POST", path: "/v1/support/mail-drafts/" + thing.String() + "/send", header: root, status: 204},
		{name: "discard another", method: "POST", path: "/v1/support/mail-drafts/" + merchant.String() + "/discard", header: root, status: 404, want: []string{`"code":"draft_not_found"`}},
	})
}
