package skill_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"doorstep/internal/locale"
	"doorstep/support/skill"
	"doorstep/support/skilltest"
	"doorstep/support/understand"
)

// asked is the answer to a text about an order in a state.
func asked(t *testing.T, state, intent, text string) (skill.Answer, *skill.Skill, *skill.Turn, *skilltest.Shop) {
	t.Helper()
	shop := &skilltest.Shop{}
	turn := skilltest.Turn(t, shop, skilltest.In(state), intent, "en", text)
	for _, s := range skill.All() {
		if slices.Contains(s.Intents, intent) {
			a, err := s.Answer(t.Context(), turn)
			if err != nil {
				t.Fatal(err)
			}
			return a, &s, turn, shop
		}
	}
	t.Fatal("no skill for", intent)
	return skill.Answer{}, nil, nil, nil
}

func fact(a skill.Answer, name string) string {
	for _, f := range a.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func TestEachStateOfAnOrderIsToldAsItIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state, intent, text string
		want                skill.Type
		facts               string // name=value, with spaces between
		says                string
	}{
		{"paid, not sent", "order_status", "where is it", skill.Fact, "order.status=confirmed eta=2026-03-12 promised=2026-03-12", "preparing"},
		{"on hold", "order_status", "where is it", skill.Fact, "order.status=on_hold", "on hold"},
		{"on its way", "order_status", "where is it", skill.Fact, "tracking=in_transit eta=2026-03-12 carrier=dhl tracking_number=JD014600003RU last_scan=2026-03-08_Vienna", "on its way"},
		{"on its way, expected", "order_status", "where is it", skill.Fact, "eta=2026-03-11 promised=2026-03-12", "11 March"},
		{"with the courier", "order_status", "where is it", skill.Fact, "tracking=out_for_delivery", "courier is out"},
		{"late", "order_status", "where is it", skill.Fact, "promised=2026-03-04 no_scan_since=2026-03-01 eta=", "is late"},
		{"delivered", "order_status", "where is it", skill.Fact, "delivered_at=2026-03-04 tracking=delivered returnable_until=2026-04-03", "was delivered on 4 March"},
		{"in two parcels", "order_status", "where is it", skill.Fact, "delivered_at=2026-03-05 eta=2026-03-12", "salad bowl: on its way"},
		{"partly sent", "order_status", "where is it", skill.Fact, "tracking=in_transit", "salad bowl: not sent yet"},
		{"canceled", "order_status", "where is it", skill.Fact, "order.status=canceled canceled_at=2026-03-07", "No money was taken"},
		{"waits for a transfer", "order_status", "where is it", skill.Fact, "payment.reference=DS-200713 payment.due_at=2026-03-13 payment.due=40.50", "AM12 3456 7890"},
		{"refunded", "order_status", "where is it", skill.Fact, "refund.amount=18.50 return.status=refunded", "RMA-7K3M"},
		{"on its way", "delivery_time", "when does it come", skill.Fact, "eta=2026-03-12", "promised by 12 March"},

		{"refunded", "refund_status", "where is my refund", skill.Fact, "refund.amount=18.50 refund.currency=EUR refund.issued_at=2026-03-06 refund.eta_days=5-10", "5–10 days"},
		{"coming back", "refund_status", "where is my refund", skill.Fact, "return.status=approved", "once we have checked"},
		{"delivered", "refund_status", "where is my refund", skill.Fact, "refund.amount=", "No refund has been made"},

		{"paid, not sent", "cancel_order", "please cancel", skill.Confirm, "total=53.00", "Shall I cancel"},
		{"paid, not sent", "cancel_order", "cancel the oak stool but keep the wool socks", skill.Confirm, "item=oak_stool saved=12.50", "The rest stays"},
		{"paid, not sent", "cancel_order", "cancel 1 wool socks", skill.Confirm, "item=wool_socks", "this part"},
		{"partly sent", "cancel_order", "please cancel", skill.Confirm, "refund.amount=12.50", "has been sent already"},
		{"partly sent", "cancel_order", "cancel the pepper mill", skill.Refuse, "item=pepper_mill", "can still be cancelled: salad bowl"},
		{"on its way", "cancel_order", "please cancel", skill.Refuse, "return_window_days=30", "within 30 days"},
		{"delivered", "cancel_order", "please cancel", skill.Refuse, "returnable_until=2026-04-03", "send it back instead"},
		{"canceled", "cancel_order", "please cancel", skill.Fact, "order.status=canceled", "was cancelled on"},
		{"waits for a transfer", "cancel_order", "please cancel", skill.Confirm, "", "nothing to pay"},

		{"paid, not sent", "change_address", "change the address", skill.Ask, "", "goes to Ana Sarkissian, Abovyan 10"},
		{"paid, not sent", "change_address", "change the address to 5 Tumanyan street, Gyumri", skill.Confirm, "", "Ana Sarkissian, 5 Tumanyan street, Gyumri, Armenia"},
		{"paid, not sent", "change_address", "can you send it to my office instead, 12 Shiraz street, Gyumri", skill.Confirm, "", "12 Shiraz street, Gyumri"},
		{"paid, not sent", "change_address", "Abovyan 10a, Gyumri", skill.Confirm, "", "Abovyan 10a, Gyumri"},
		{"paid, not sent", "change_address", "I have moved to another flat, please change it", skill.Ask, "", "Where should it go"},
		{"paid, not sent", "change_address", "change the address to 5 Main street, Berlin, Germany", skill.Refuse, "address.country=AM", "within that country"},
		{"partly sent", "change_address", "change the address to 5 Tumanyan street, Gyumri", skill.Refuse, "", "sent already"},

		{"paid, not sent", "change_order", "make it 2 wool socks instead of 3", skill.Confirm, "saved=12.50", "1 × wool socks? What stays: 2 × wool socks"},
		{"paid, not sent", "change_order", "add one more oak stool", skill.Confirm, "added=12.50", "1 × oak stool"},
		{"paid, one item", "change_order", "remove the wool socks", skill.Ask, "", "nothing would be left"},
		{"paid, not sent", "change_order", "another size please", skill.Ask, "", "What would you like to change"},
		{"on its way", "change_order", "add one more wool socks", skill.Refuse, "", "cannot change it any more"},

		{"delivered", "return_item", "I want to return something", skill.Ask, "", "Which item"},
		{"delivered", "return_item", "I want to return the oak stool, it is too small", skill.Confirm, "returnable_until=2026-04-03 reason=too_small item=oak_stool", "Reason: Too small"},
		{"delivered", "return_item", "I want to return everything", skill.Confirm, "reason=other", "3 × enamel jug and oak stool"},
		{"delivered long ago", "return_item", "I want to return it", skill.Refuse, "returnable_until=2026-02-09", "ended on 9 February"},
		{"on its way", "return_item", "I want to return it", skill.Refuse, "eta=2026-03-12", "has not arrived yet"},
		{"coming back", "return_item", "I want to return it", skill.Fact, "return.status=approved", "you can send it now"},

		{"delivered", "replace_item", "the oak stool came broken", skill.Confirm, "claim.kind=damaged item=oak_stool", "it arrived damaged"},
		{"claimed", "replace_item", "it came broken", skill.Fact, "claim.status=open", "CL-7K3M"},
		{"on its way", "replace_item", "it came broken", skill.Fact, "eta=2026-03-12", "on its way"},

		{"late", "delivery_problem", "it has not come", skill.Fact, "promised=2026-03-04", "one of our people asks the carrier"},
		{"lost", "delivery_problem", "it has not come", skill.Fact, "", "may be lost"},
		{"delivered", "delivery_problem", "I have nothing", skill.Handoff, "delivered_at=2026-03-04 signed_by=A._S.", "you do not have it"},
		{"on its way", "delivery_problem", "it has not come", skill.Fact, "eta=2026-03-12", "not late"},

		{"paid, not sent", "refund_request", "I want my money back", skill.Confirm, "", "Shall I cancel"},
		{"claimed", "refund_request", "I want my money back", skill.Confirm, "returnable_until=2026-04-06", "Shall I ask for a return"},
		{"refunded", "refund_request", "I want my money back", skill.Fact, "refund.amount=18.50", "We refunded"},
		{"delivered long ago", "refund_request", "I want my money back", skill.Refuse, "returnable_until=2026-02-09", "ended on"},

		{"waits for a transfer", "payment_problem", "how do I pay", skill.Fact, "payment.reference=DS-200713", "Please pay by 13 March"},
		{"paid to the courier", "payment_problem", "how do I pay", skill.Fact, "payment.method=cash_on_delivery", "in cash when it comes"},
		{"on its way", "invoice", "invoice please", skill.Fact, "invoice.number=INV-2026-000012", "https://shop.example/t/abc123#documents"},
		{"waits for a transfer", "invoice", "invoice please", skill.Fact, "", "when the payment has arrived"},
		{"paid, not sent", "order_confirm", "did it go through", skill.Fact, "placed_at=2026-03-06 total=53.00", "Yes, we have your order"},
		{"delivered", "refund_policy", "until when can I return it", skill.Fact, "returnable_until=2026-04-03", "you can send back until"},
	} {
		a, _, _, _ := asked(t, c.state, c.intent, c.text)
		if a.Type != c.want || !strings.Contains(a.Reply, c.says) {
			t.Errorf("%s, %s, %q: %s %q, want %s with %q", c.state, c.intent, c.text, a.Type, a.Reply, c.want, c.says)
		}
		for _, f := range strings.Fields(c.facts) {
			name, value, _ := strings.Cut(f, "=")
			value = strings.ReplaceAll(value, "_", " ")
			got := strings.ReplaceAll(fact(a, name), "_", " ")
			if got != value && !slices.ContainsFunc(a.Facts, func(f skill.Value) bool {
				return f.Name == name && strings.ReplaceAll(f.Value, "_", " ") == value && value != ""
			}) {
				t.Errorf("%s, %s, %q: %s is %q, want %q", c.state, c.intent, c.text, name, got, value)
			}
		}
	}
}

// TestWhatWasMeantIsWhatIsDone holds the writes against the words.
func TestWhatWasMeantIsWhatIsDone(t *testing.T) {
	t.Parallel()
	line := func(state string, i int) string { return skilltest.In(state).Lines[i].ID.String() }
	for _, c := range []struct{ state, intent, text, want string }{
		{"paid, not sent", "cancel_order", "please cancel my order", `cancel ["asked by the customer","assistant"]`},
		{"paid, not sent", "cancel_order", "cancel the oak stool but keep the wool socks",
			fmt.Sprintf(`cancel_lines [{"line_id":%q,"quantity":1}]`, line("paid, not sent", 1))},
		{"paid, not sent", "cancel_order", "cancel 2 of the wool socks", fmt.Sprintf(`cancel_lines [{"line_id":%q,"quantity":2}]`, line("paid, not sent", 0))},
		{"partly sent", "refund_request", "I want my money back", fmt.Sprintf(`cancel_lines [{"line_id":%q,"quantity":1}]`, line("partly sent", 1))},
		{"paid, not sent", "change_order", "make it 2 wool socks instead of 3", fmt.Sprintf(`edit [null,[{"line_id":%q,"quantity":1}],null]`, line("paid, not sent", 0))},
		{"paid, not sent", "change_order", "add two more oak stools", `edit [[{"SKU":"SKU-oak stool","Quantity":2}],null,null]`},
		{"paid, not sent", "change_address", "change the address to 5 Tumanyan street, Gyumri",
			`edit [null,null,{"name":"Ana Sarkissian","line1":"5 Tumanyan street","city":"Gyumri","country":"AM"}]`},
	} {
		a, s, turn, shop := asked(t, c.state, c.intent, c.text)
		if a.Proposal == nil {
			t.Errorf("%s, %q: %s %q", c.state, c.text, a.Type, a.Reply)
			continue
		}
		p := *a.Proposal
		p.ID = uuid.New()
		if done, err := s.Do(t.Context(), turn, p); err != nil || done.Type != skill.Done {
			t.Errorf("%s, %q: %+v, %v", c.state, c.text, done, err)
		}
		if len(shop.Writes) != 1 || shop.Writes[0] != c.want {
			t.Errorf("%s, %q wrote %s, want %s", c.state, c.text, shop.Writes, c.want)
		}
	}
}

// TestOddArgumentsAreNotActedOn opens proposals that nobody can have made.
func TestOddArgumentsAreNotActedOn(t *testing.T) {
	t.Parallel()
	a, s, turn, shop := asked(t, "paid, not sent", "cancel_order", "please cancel")
	for _, arguments := range []string{"", "null x", `{"lines":"all"}`, `[1]`} {
		p := *a.Proposal
		p.Arguments = []byte(arguments)
		if json.Valid(p.Arguments) && arguments == "" {
			continue
		}
		if _, err := s.Do(t.Context(), turn, p); err == nil {
			t.Errorf("arguments %q were taken", arguments)
		}
	}
	p := *a.Proposal
	p.Action = "order.give_away"
	if _, err := s.Do(t.Context(), turn, p); err == nil || len(shop.Writes) > 0 {
		t.Errorf("an unknown action did %v", shop.Writes)
	}
}

// TestButtonsAreUnderstood reads what each button sends as the assistant would.
func TestButtonsAreUnderstood(t *testing.T) {
	t.Parallel()
	reader, err := understand.Default()
	if err != nil {
		t.Fatal(err)
	}
	for button, intents := range map[string][]string{
		"problem": {"delivery_problem", "order_status"}, "address": {"change_address"}, "cancel": {"cancel_order"}, "return": {"return_item"},
	} {
		for _, lang := range locale.Languages() {
			text := locale.T(lang, "assistant_order.button."+button+".text", "number", "DS-7K3M-Q2XT-5")
			r, err := reader.Interpret(t.Context(), understand.Turn{Text: text, Language: string(lang)})
			if err != nil || len(r.Asks) != 1 || !slices.Contains(intents, r.Asks[0].Intent) || r.Asks[0].Level == understand.Lost || len(r.Slots.Orders) != 1 {
				t.Errorf("%s: %q is read as %+v, %v", lang, text, r.Asks, err)
			}
		}
	}
}
