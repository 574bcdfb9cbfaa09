package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fake"
	"doorstep/shipping/carriertest"
)

// TestAParcelThatIsDelayedOpensOneCaseAndIsToldOnce lets the played carrier delay a
// parcel, tells its webhook several times, and finds one case, one mail, and both in
// the report; when the parcel has arrived, the case is over.
func TestAParcelThatIsDelayedOpensOneCaseAndIsToldOnce(t *testing.T) {
	t.Parallel()
	p := shared(t)
	played := fake.New(&clock.System{})
	server := httptest.NewServer(played)
	t.Cleanup(server.Close)
	account := p.linked(t, played, server.URL, "easypost")
	usesUpNumbers(t, server.URL)
	sku, _ := p.product(t, "Test samovar "+id.Secret(4), 4200, 5)
	wanted := form(item(sku, 1))
	buyer := wanted["email"].(string)
	c := p.post(t, "/v1/checkouts", wanted).want(t, http.StatusCreated)
	placed := p.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	order := placed.text("order.id")
	p.becomes(t, order, "payment_status", "paid")
	staff := p.admin()
	parcel := staff.post(t, "/v1/orders/"+order+"/shipments", m{"buy_label": m{"account_id": account, "service": "USPS.PriorityMailInternational", "format": "pdf"}},
		"Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated)
	path := "/v1/shipments/" + parcel.text("id")
	until(t, patience, "the label", func() (bool, any) {
		parcel = staff.get(t, path).want(t, http.StatusOK)
		return parcel.text("tracking_number") != "", parcel
	})
	says := func(status carrier.Status, times int) {
		t.Helper()
		hook, err := played.Advance("easypost", parcel.text("tracking_number"), status)
		if err != nil || hook == nil {
			t.Fatal(err)
		}
		var headers []string
		for name := range hook.Header {
			headers = append(headers, name, hook.Header.Get(name))
		}
		for range times {
			p.post(t, "/webhooks/carriers/easypost", hook.Body, append(headers, "Authorization", "")...).want(t, http.StatusOK)
		}
	}
	says(carrier.StatusPickedUp, 1)
	says(carrier.StatusDelayed, 3)
	says(carrier.StatusInTransit, 1)
	says(carrier.StatusDelayed, 2)
	var one reply
	until(t, patience, "the case, with its notice", func() (bool, any) {
		all := staff.get(t, "/v1/support/cases?order_id="+order).want(t, http.StatusOK)
		if len(all.list("data")) == 0 {
			return false, all
		}
		one = staff.get(t, "/v1/support/cases/"+all.text("data.0.id")).want(t, http.StatusOK)
		return strings.Contains(one.String(), `"kind":"noticed"`), one
	})
	if one.text("kind") != "shipment_delayed" || one.text("status") != "open" || one.text("subject_id") != parcel.text("id") || one.text("due_at") == "" || one.at("by_customer") != false ||
		one.text("snapshot.order.number") != placed.text("order.number") || strings.Contains(one.String(), buyer) {
		t.Errorf("the case is %v", one)
	}
	staff.post(t, "/v1/support/cases/"+one.text("id")+"/note", m{"text": "Asked the carrier."}).want(t, http.StatusOK)
	says(carrier.StatusDelivered, 2)
	until(t, patience, "the case is over", func() (bool, any) {
		one = staff.get(t, "/v1/support/cases/"+one.text("id")).want(t, http.StatusOK)
		return one.text("status") == "resolved" && one.text("resolution") == "delivered", one
	})
	if all := staff.get(t, "/v1/support/cases?order_id="+order).want(t, http.StatusOK); len(all.list("data")) != 1 || one.number("times") != 1 {
		t.Errorf("the cases are %v", all)
	}
	told := 0
	for _, got := range p.inbox(t, buyer) {
		if got.Kind == "delayed" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the buyer was told %d times", told)
	}
	staff.reportsDelay(t)
}

// reportsDelay finds the case and the notice in the report, and what the hook would have
// done.
func (p *program) reportsDelay(t *testing.T) {
	t.Helper()
	report := p.get(t, "/v1/analytics/contact-rate").want(t, http.StatusOK)
	found := false
	for _, row := range report.list("reasons") {
		r, _ := row.(m)
		found = found || r["reason"] == "shipment_delayed" && fmt.Sprint(r["shop_cases"]) != "0" && fmt.Sprint(r["notices"]) != "0"
	}
	if !found || report.number("total.orders") < 1 {
		t.Errorf("the report says %v", report)
	}
	trial := p.get(t, "/v1/support/hooks").want(t, http.StatusOK)
	for _, h := range trial.list("data") {
		if h.(m)["event"] == "shipment_delayed" {
			got := p.post(t, "/v1/support/hooks/"+h.(m)["id"].(string)+"/test", m{}).want(t, http.StatusOK)
			if got.at("holds") != true || got.at("facts") == nil {
				t.Errorf("the trial says %v", got)
			}
		}
	}
}

// usesUpNumbers has some labels made, so that the numbers of this carrier are not those
// of the ones that other tests play: in one shop a number stands for one parcel.
func usesUpNumbers(t *testing.T, url string) {
	t.Helper()
	link := shipping.Link{BaseURL: url + "/easypost", Credentials: map[string]string{}, Clock: &clock.System{}}
	v, _ := fake.Played("easypost")
	for _, c := range v.Credentials {
		link.Credentials[c.Name] = c.Value
	}
	it, err := carriers["easypost"].New(link)
	if err != nil {
		t.Fatal(err)
	}
	r := carriertest.Domestic()
	for range 5 {
		if _, err := it.Buy(t.Context(), carrier.ShipmentRequest{Key: id.Secret(12), Service: "USPS.Priority", From: r.From, To: r.To, Parcels: r.Parcels}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAConversationIsHandedOverAnsweredAndGivenBack asks the assistant for a person and
// goes through the inbox as somebody of the staff.
func TestAConversationIsHandedOverAnsweredAndGivenBack(t *testing.T) {
	t.Parallel()
	p := shared(t)
	said := p.post(t, "/v1/assistant/messages", m{"text": "I want to talk to a person", "channel": "chat"}).want(t, http.StatusOK)
	talk := said.text("conversation_id")
	if said.text("type") != "handoff" || talk == "" {
		t.Fatalf("the assistant says %v", said)
	}
	agent := p.agent(t)
	path := "/v1/support/conversations/" + talk
	seen := agent.does(t, "GET", path, nil).want(t, http.StatusOK)
	if seen.text("status") != "waiting" || seen.number("position") < 1 || seen.text("due_at") == "" || seen.text("known.reason") == "" || len(seen.list("transcript")) < 2 {
		t.Fatalf("it is %v", seen)
	}
	queue := agent.does(t, "GET", "/v1/support/conversations?status=waiting&limit=100", nil).want(t, http.StatusOK)
	if !strings.Contains(queue.String(), talk) {
		t.Errorf("it is not in the queue: %v", queue)
	}
	agent.does(t, "POST", path+"/messages", m{"text": "Hello."}).want(t, http.StatusConflict, "conversation_not_yours")
	p.admin().post(t, path+"/claim", m{}).want(t, http.StatusUnprocessableEntity, "staff_needed")
	taken := agent.does(t, "POST", path+"/claim", m{}).want(t, http.StatusOK)
	if taken.text("status") != "open" || taken.at("mine") != true {
		t.Fatalf("taken: %v", taken)
	}
	made := agent.does(t, "POST", "/v1/support/reply-templates", m{"name": "Hello " + id.Secret(4), "bodies": m{"en": "Hello {name}, {agent} here."}}).want(t, http.StatusCreated)
	agent.does(t, "POST", path+"/messages", m{"template_id": made.text("id")}).want(t, http.StatusUnprocessableEntity, "reply_variable_unfilled")
	agent.does(t, "POST", path+"/messages", m{"text": "Good morning, how can I help?"}).want(t, http.StatusCreated)
	agent.does(t, "POST", path+"/notes", m{"text": "Polite."}).want(t, http.StatusCreated)
	silent := p.post(t, "/v1/assistant/messages", m{"text": "Where is my order?", "channel": "chat", "conversation_id": talk}, "Conversation-Secret", said.text("secret")).want(t, http.StatusOK)
	if silent.text("reply") != "" {
		t.Errorf("the assistant talks though a person has it: %v", silent)
	}
	more := agent.does(t, "GET", path+"/messages?after="+fmt.Sprint(seen.at("messages")), nil).want(t, http.StatusOK)
	if !strings.Contains(more.String(), "how can I help") || !strings.Contains(more.String(), "Where is my order?") {
		t.Errorf("read on: %v", more)
	}
	agent.does(t, "POST", path+"/release", m{"to": "assistant"}).want(t, http.StatusOK)
	agent.does(t, "POST", path+"/close", m{}).want(t, http.StatusOK)
	until(t, patience, "its case is over", func() (bool, any) {
		all := agent.does(t, "GET", "/v1/support/cases?kind=assistant_handoff&limit=100", nil).want(t, http.StatusOK)
		for _, one := range all.list("data") {
			if c, _ := one.(m); c["conversation_id"] == talk {
				return c["status"] == "resolved", all
			}
		}
		return false, all
	})
}

func TestAConversationIsNotStuckWithWhoeverIsAwayOrGone(t *testing.T) {
	t.Parallel()
	p := shared(t)
	talk := p.post(t, "/v1/assistant/messages", m{"text": "I want to talk to a person", "channel": "chat"}).want(t, http.StatusOK).text("conversation_id")
	path := "/v1/support/conversations/" + talk
	away, colleague, manager := p.agent(t), p.agent(t), p.member(t, "manager")
	away.does(t, "POST", path+"/claim", m{}).want(t, http.StatusOK)
	colleague.does(t, "POST", path+"/release", m{"to": "queue"}).want(t, http.StatusConflict, "conversation_not_yours")
	if freed := manager.does(t, "POST", path+"/release", m{"to": "queue"}).want(t, http.StatusOK); freed.text("status") != "waiting" {
		t.Errorf("released: %v", freed)
	}
	taken := colleague.does(t, "POST", path+"/claim", m{}).want(t, http.StatusOK)
	p.admin().do(t, http.MethodDelete, "/v1/staff/"+taken.text("assigned_to"), nil).want(t, http.StatusNoContent)
	if left := manager.does(t, "GET", path, nil).want(t, http.StatusOK); left.text("status") != "waiting" {
		t.Errorf("whose staff has left: %v", left)
	}
	manager.does(t, "POST", path+"/close", m{}).want(t, http.StatusOK)
}

// agent is a session of somebody new of the staff.
func (p *program) agent(t *testing.T) *desk {
	t.Helper()
	return p.member(t, "agent")
}

// member is agent in a role.
func (p *program) member(t *testing.T, role string) *desk {
	t.Helper()
	email := "staff-" + id.Secret(6) + "@shop.example"
	p.admin().post(t, "/v1/staff", m{"email": email, "role": role}).want(t, http.StatusCreated)
	code := p.mailed(t, email, "staff_invitation", inviteCode)
	return p.sits(t, p.post(t, "/v1/staff/invitations/accept", m{"code": code}, "Authorization", "").want(t, http.StatusCreated))
}
