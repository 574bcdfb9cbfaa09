package main

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/support/dialog"
	"doorstep/support/skill"
)

// says sends a message over HTTP, as a storefront does.
func (p *program) says(t *testing.T, talk m, text string, headers ...string) reply {
	t.Helper()
	body := m{"text": text}
	if talk["conversation_id"] != nil {
		body["conversation_id"] = talk["conversation_id"]
		headers = append(headers, "Conversation-Secret", fmt.Sprint(talk["secret"]))
	}
	r := p.post(t, "/v1/assistant/messages", body, headers...).want(t, http.StatusOK)
	if s := r.text("secret"); s != "" {
		talk["conversation_id"], talk["secret"] = r.text("conversation_id"), s
	}
	return r
}

func TestAStrangerProvesWhoTheyAreInTheChatAndCancelsTheirOrder(t *testing.T) {
	t.Parallel()
	p := newOrderTalk(t)
	sku, _ := p.product(t, "Bowl "+id.Secret(4), 1500, 5)
	mine := p.buys(t, "card", "tok_visa", item(sku, 1))
	number, email := mine.number, mine.email
	until(t, patience, "the buyer is known", func() (bool, any) {
		_, err := p.h.customers.PersonByEmail(t.Context(), p.merchant, mine.who.EmailHMAC)
		return err == nil, err
	})

	talk := m{}
	if r := p.says(t, talk, "please cancel "+strings.ToLower(number)); r.text("type") != "verify" || strings.Contains(r.text("reply"), number) {
		t.Fatalf("%v", r)
	}
	p.says(t, talk, email)
	code := p.signInCode(t, email)
	ask := p.says(t, talk, code)
	if ask.text("type") != "confirm" || ask.text("action") != "order.cancel" || !strings.Contains(ask.text("reply"), number) {
		t.Fatalf("%v", ask)
	}
	if o := p.order(t, mine.id); o.text("status") != "confirmed" {
		t.Fatalf("it was canceled before the yes: %v", o)
	}
	p.post(t, "/v1/assistant/messages", m{"conversation_id": talk["conversation_id"], "text": "yes"}).want(t, http.StatusNotFound, "conversation_not_found")
	confirm := m{"conversation_id": talk["conversation_id"], "confirm": m{"pending_action_id": ask.text("pending_action.id"), "answer": "yes"}}
	done := p.post(t, "/v1/assistant/messages", confirm, "Conversation-Secret", fmt.Sprint(talk["secret"]), "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	if done.text("type") != "done" {
		t.Fatalf("%v", done)
	}
	p.becomes(t, mine.id, "status", "canceled")
	said := p.get(t, "/v1/assistant/conversations/"+fmt.Sprint(talk["conversation_id"])+"/messages", "Conversation-Secret", fmt.Sprint(talk["secret"])).want(t, http.StatusOK)
	for i := range said.list("data") {
		if text := said.text(fmt.Sprintf("data.%d.text", i)); strings.Contains(text, email) || strings.Contains(text, code) {
			t.Errorf("it is kept that %q was written", text)
		}
	}
}

func TestAPriceIsToldWhateverTheThingIsCalled(t *testing.T) {
	t.Parallel()
	p := newOrderTalk(t)
	p.product(t, "Zorblat Wuffle", 1234, 5)
	until(t, patience, "the product is found", func() (bool, any) {
		r := p.says(t, m{}, "how much is a zorblat wuffle")
		return r.text("type") == "fact" && strings.Contains(r.text("reply"), "12.34"), r
	})
	for _, strange := range []string{"how much is a flight to rome", "how much does the moon weigh"} {
		if r := p.says(t, m{}, strange); r.text("type") != "oos" {
			t.Errorf("%q: %v", strange, r)
		}
	}
}

func TestTroubleIsPassedOnAndTheAssistantGoesOn(t *testing.T) {
	t.Parallel()
	p := newOrderTalk(t)
	sku, _ := p.product(t, "Lamp "+id.Secret(4), 1500, 5)
	mine := p.buys(t, "card", "tok_visa", item(sku, 1))
	staff := p.admin()
	parcel := staff.post(t, "/v1/orders/"+mine.id+"/shipments", m{"carrier": "haypost", "tracking_number": id.Secret(8)}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated)
	staff.post(t, "/v1/shipments/"+parcel.text("id")+"/events", m{"status": "delivery_failed", "occurred_at": time.Now().UTC().Format(time.RFC3339)}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	session, _ := p.signIn(t, mine.email)
	talk := m{}
	for range 2 {
		if r := p.says(t, talk, "my parcel "+mine.number+" never arrived, it is overdue", "Customer-Session", session); r.text("type") != "fact" || r.text("reply") == "" || r.at("silent") == true {
			t.Fatalf("%v", r)
		}
	}
	if r := p.says(t, talk, "where is my order "+mine.number, "Customer-Session", session); r.text("type") != "fact" {
		t.Fatalf("it is silent: %v", r)
	}
	var all reply
	until(t, patience, "the case that the customer opened", func() (bool, any) {
		all = staff.get(t, "/v1/support/cases?order_id="+mine.id+"&kind=assistant_handoff").want(t, http.StatusOK)
		return len(all.list("data")) > 0, all
	})
	if len(all.list("data")) != 1 || all.at("data.0.by_customer") != true {
		t.Errorf("cases: %v", all)
	}
	if r := staff.get(t, "/v1/support/conversations/"+fmt.Sprint(talk["conversation_id"])).want(t, http.StatusOK); r.text("status") != "bot" {
		t.Errorf("the conversation: %v", r)
	}
}

func TestWhatAPersonSaidGoesWithThem(t *testing.T) {
	t.Parallel()
	p := newOrderTalk(t)
	sku, _ := p.product(t, "Jar "+id.Secret(4), 1500, 5)
	mine := p.buys(t, "card", "tok_visa", item(sku, 1))
	session, person := p.signIn(t, mine.email)
	talk := m{}
	p.says(t, talk, "where is "+mine.number+", I am Ani of Abovyan street", "Customer-Session", session)
	path := "/v1/support/conversations/" + fmt.Sprint(talk["conversation_id"])
	if r := p.admin().get(t, path).want(t, http.StatusOK); !strings.Contains(r.String(), "Abovyan") {
		t.Fatalf("what was said is not kept: %v", r)
	}
	p.says(t, talk, "Send it to Baghramyan 5, 0019 Yerevan instead, and let me talk to a person", "Customer-Session", session)
	p.admin().post(t, "/v1/customers/"+person+"/erase", nil).want(t, http.StatusOK)
	if r := p.admin().get(t, path).want(t, http.StatusOK); strings.Contains(r.String(), "Abovyan") || strings.Contains(r.String(), "Baghramyan") {
		t.Errorf("what the person said is still there: %v", r)
	}
}

// TestForeignAndAbsentOrdersCannotBeToldApart compares words and times of a buyer's
// questions about somebody else's order and about none, with the database.
func TestForeignAndAbsentOrdersCannotBeToldApart(t *testing.T) {
	o := newOrderTalk(t)
	sku, _ := o.product(t, "Plate "+id.Secret(4), 900, 20)
	mine, other := o.buys(t, "bank_transfer", "", item(sku, 1)), o.buys(t, "cash_on_delivery", "", item(sku, 2))
	s := o.h.assistant(nil) // nobody asks for products
	n := 64
	if os.Getenv("DOORSTEP_TEST_THOROUGH") != "" {
		n = 5_000
	}
	took := map[string][]float64{}
	words := ""
	turn := func(kind, number string, i int) {
		// Everybody is somebody else, so that nobody has tried too often.
		who := mine.who
		who.EmailHMAC = o.h.vault.EmailHMAC(o.merchant, fmt.Sprintf("%s%d@example.com", kind, i))
		began := time.Now()
		r, err := s.Turn(t.Context(), dialog.Message{Merchant: o.merchant, Text: "where is my order " + number + "?", Who: who})
		took[kind] = append(took[kind], float64(time.Since(began)))
		if err != nil {
			t.Fatal(err)
		}
		r.Conversation, r.Secret, r.Slots = uuid.Nil, "", nil // these are new with each, and what was typed
		said := fmt.Sprintf("%+v", r)
		if words == "" {
			words = said
		}
		if said != words || r.Type != skill.Refuse && r.Type != skill.Fact {
			t.Fatalf("%s: %s\nwanted %s", kind, said, words)
		}
	}
	absent := ""
	for i := range n {
		// The tries of an order are counted too: each is asked about a few times only.
		if i%8 == 0 {
			if _, err := o.h.db.Exec(t.Context(), `delete from assistant_tries where merchant_id = $1`, o.merchant); err != nil {
				t.Fatal(err)
			}
			absent = order.NewNumber()
		}
		turn("foreign", other.number, i)
		turn("absent", absent, i)
	}
	if z := rankScore(took["foreign"], took["absent"]); math.Abs(z) > 4.5 {
		t.Errorf("the times tell them apart: z = %.1f", z)
	}
}

// rankScore is the normal score of the Mann-Whitney test.
func rankScore(a, b []float64) float64 {
	all := slices.Concat(a, b)
	slices.Sort(all)
	sum := 0.0
	for _, v := range a {
		first, _ := slices.BinarySearch(all, v)
		sum += float64(first + 1)
	}
	n, k := float64(len(a)), float64(len(b))
	return (sum - n*(n+k+1)/2) / math.Sqrt(n*k*(n+k+1)/12)
}
