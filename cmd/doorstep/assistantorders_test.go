package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/config"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/obs"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// orderTalk is the shared demo with the assistant's skills beside it.
type orderTalk struct {
	*program
	h        *house
	desk     buyerOrders
	merchant uuid.UUID
	reader   understand.Interpreter
}

func newOrderTalk(t *testing.T) *orderTalk {
	t.Helper()
	p := shared(t)
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	c.DataDir = p.dir
	h, err := open(t.Context(), c, obs.NewLog(io.Discard, "error"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	reader, err := understand.Default()
	if err != nil {
		t.Fatal(err)
	}
	return &orderTalk{program: p, h: h, desk: buyerOrders{h}, reader: reader}
}

// ownOrder is an order with its buyer.
type ownOrder struct {
	id, number, line, email string
	who                     skill.Who
}

// buys buys units of a product, and of another one.
func (o *orderTalk) buys(t *testing.T, method, token string, items ...m) ownOrder {
	t.Helper()
	wanted := form(items...)
	c := o.post(t, "/v1/checkouts", wanted).want(t, http.StatusCreated)
	placed := o.complete(t, c, id.Secret(12), paying(c, method, token)).want(t, http.StatusOK)
	b := ownOrder{id: placed.text("order.id"), number: placed.text("order.number"), line: placed.text("order.line_items.0.id"), email: wanted["email"].(string)}
	if o.merchant == uuid.Nil {
		if _, err := db.One(o.h.db.QueryRow(t.Context(), `select merchant_id from orders where id = $1`, b.id), &o.merchant); err != nil {
			t.Fatal(err)
		}
	}
	b.who = skill.Who{Level: skill.Verified, EmailHMAC: o.h.vault.EmailHMAC(o.merchant, b.email)}
	return b
}

// arrives sends all of an order and delivers it.
func (o *orderTalk) arrives(t *testing.T, b ownOrder) {
	t.Helper()
	staff := o.admin()
	parcel := staff.post(t, "/v1/orders/"+b.id+"/shipments", m{"carrier": "haypost", "tracking_number": id.Secret(8)}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated)
	staff.post(t, "/v1/shipments/"+parcel.text("id")+"/events", m{"status": "delivered", "occurred_at": time.Now().UTC().Format(time.RFC3339), "location": "Yerevan"},
		"Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
}

// turn is what a buyer asks about an order.
func (o *orderTalk) turn(t *testing.T, b ownOrder, intent, text string) (*skill.Skill, *skill.Turn) {
	t.Helper()
	found, err := o.desk.ByNumber(t.Context(), o.merchant, b.who, b.number)
	if err != nil || found == nil {
		t.Fatalf("order %s of its own buyer: %v, %v", b.number, found, err)
	}
	names := make([]string, len(found.Lines))
	for i, l := range found.Lines {
		names[i] = l.Title
	}
	reading, err := o.reader.Interpret(t.Context(), understand.Turn{Text: text, Language: "en", Products: names})
	if err != nil || len(reading.Asks) == 0 {
		t.Fatalf("%q was read as %+v, %v", text, reading, err)
	}
	ask := reading.Asks[0]
	ask.Intent = intent
	settings, _, err := o.h.customers.Settings(t.Context(), o.merchant)
	if err != nil {
		t.Fatal(err)
	}
	turn := &skill.Turn{
		Merchant: o.merchant, Now: o.h.db.Now(), Language: "en", Country: "AM", Currency: "EUR", Who: b.who, Ask: ask, Text: reading.Text, Order: found,
		Settings: settings, Shop: skill.Shop{Orders: o.desk},
	}
	for _, s := range skill.All() {
		if slices.Contains(s.Intents, intent) {
			return &s, turn
		}
	}
	t.Fatalf("no skill for %s", intent)
	return nil, nil
}

// does asks, says yes, and says it again: the second yes changes nothing.
func (o *orderTalk) does(t *testing.T, b ownOrder, intent, text string) skill.Answer {
	t.Helper()
	s, turn := o.turn(t, b, intent, text)
	before := o.trace(t, b)
	asked, err := s.Answer(t.Context(), turn)
	if err != nil || asked.Proposal == nil {
		t.Fatalf("%q: %+v, %v", text, asked, err)
	}
	if after := o.trace(t, b); after != before {
		t.Fatalf("asking changed the order:\n%s\n%s", before, after)
	}
	p := *asked.Proposal
	p.ID = id.New()
	done, err := s.Do(t.Context(), turn, p)
	if err != nil || done.Type != skill.Done {
		t.Fatalf("%q: %+v, %v", text, done, err)
	}
	once := o.trace(t, b)
	if again, err := s.Do(t.Context(), turn, p); err != nil || again.Type != skill.Done {
		t.Fatalf("%q again: %+v, %v", text, again, err)
	}
	if twice := o.trace(t, b); twice != once {
		t.Errorf("the second yes changed something:\n%s\n%s", once, twice)
	}
	return done
}

// trace is everything that stands in the books of an order and does not depend on
// when and by whom: for two orders to be compared. What runs later, such as the
// money's way back, is left out.
func (o *orderTalk) trace(t *testing.T, b ownOrder) string {
	t.Helper()
	found, err := o.desk.ByNumber(t.Context(), o.merchant, b.who, b.number)
	if err != nil || found == nil {
		t.Fatal(found, err)
	}
	var s strings.Builder
	fmt.Fprintln(&s, found.Status, found.FulfillmentStatus, found.Credited)
	for _, l := range found.Lines {
		fmt.Fprintln(&s, l.SKU, l.Quantity, l.Shipped, l.Canceled, l.Returned, l.ComingBack, l.Released, l.Origin)
	}
	for _, r := range found.Returns {
		fmt.Fprintln(&s, r.Status, r.Source, len(r.Lines), r.Lines[0].Quantity, r.Lines[0].Reason)
	}
	for _, c := range found.Claims {
		fmt.Fprintln(&s, c.Status, c.Kind, len(c.Lines), c.Lines[0].Quantity)
	}
	for _, e := range found.Timeline {
		if strings.HasPrefix(e.Type, "payment") || strings.HasPrefix(e.Type, "refund") || strings.HasPrefix(e.Type, "document") {
			continue
		}
		var data map[string]any
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&s, e.Type, len(data))
	}
	var changes []string
	if err := o.h.db.QueryRow(t.Context(), `select coalesce(array_agg(kind || amount_minor order by created_at), '{}') from order_changes where merchant_id = $1 and order_id = $2`,
		o.merchant, b.id).Scan(&changes); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&s, changes)
	a, err := o.desk.Address(t.Context(), o.merchant, found.ID)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&s, a)
	return s.String()
}

// TestTheAssistantDoesWhatTheAPIDoes acts on one order by the API and on its twin by
// a skill: the books of both must look the same.
func TestTheAssistantDoesWhatTheAPIDoes(t *testing.T) {
	t.Parallel()
	o := newOrderTalk(t)
	bowl, jug := "Walnut bowl "+id.Secret(4), "Copper jug "+id.Secret(4)
	one, _ := o.product(t, bowl, 1000, 60)
	other, _ := o.product(t, jug, 1700, 60)
	staff := o.admin()
	post := func(path string, body any, status int) {
		t.Helper()
		staff.post(t, path, body, "Idempotency-Key", id.Secret(12)).want(t, status)
	}
	elsewhere := address()
	elsewhere["line1"], elsewhere["city"], elsewhere["postcode"] = "5 Tumanyan street", "Gyumri", ""
	for name, deed := range map[string]struct {
		intent, text string
		arrived      bool
		api          func(b ownOrder)
	}{
		"cancel": {"cancel_order", "please cancel my order", false, func(b ownOrder) {
			post("/v1/orders/"+b.id+"/cancel", m{"reason": "asked"}, http.StatusOK)
		}},
		"cancel a part": {"cancel_order", "cancel the walnut bowl but keep the copper jug", false, func(b ownOrder) {
			post("/v1/orders/"+b.id+"/cancel", m{"lines": []m{{"line_id": b.line, "quantity": 3}}, "reason": "asked"}, http.StatusOK)
		}},
		"take one out": {"change_order", "make it 2 walnut bowls instead of 3", false, func(b ownOrder) {
			post("/v1/orders/"+b.id+"/edits", m{"remove": []m{{"line_id": b.line, "quantity": 1}}, "reason": "asked"}, http.StatusCreated)
		}},
		"add one": {"change_order", "add one more walnut bowl", false, func(b ownOrder) {
			post("/v1/orders/"+b.id+"/edits", m{"add": []m{item(one, 1)}, "reason": "asked"}, http.StatusCreated)
		}},
		"another address": {"change_address", "change the address to 5 Tumanyan street, Gyumri", false, func(b ownOrder) {
			post("/v1/orders/"+b.id+"/edits", m{"shipping_address": elsewhere, "reason": "asked"}, http.StatusCreated)
		}},
		"send back": {"return_item", "I want to return 2 walnut bowls, they are too small", true, func(b ownOrder) {
			_, link, _ := strings.Cut(trackRoute(o.order(t, b.id).text("tracking_url")), o.url)
			o.post(t, link+"/returns", m{"lines": []m{{"line_id": b.line, "quantity": 2, "reason": "too_small"}}}, "Authorization", "", "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated)
		}},
		"replace": {"replace_item", "2 walnut bowls came broken, send me new ones", true, func(b ownOrder) {
			post("/v1/orders/"+b.id+"/claims", m{"kind": "damaged", "lines": []m{{"line_id": b.line, "quantity": 2}}}, http.StatusCreated)
		}},
	} {
		twin := [2]ownOrder{}
		for i := range twin {
			twin[i] = o.buys(t, "card", "tok_visa", item(one, 3), item(other, 1))
			o.becomes(t, twin[i].id, "payment_status", "paid")
			if deed.arrived {
				o.arrives(t, twin[i])
			}
		}
		deed.api(twin[0])
		done := o.does(t, twin[1], deed.intent, deed.text)
		if by, through := o.trace(t, twin[0]), o.trace(t, twin[1]); by != through {
			t.Errorf("%s: by the API\n%s\nby the assistant (%s)\n%s", name, by, done.Reply, through)
		}
	}
}

// TestTheMoneyOfACanceledOrderIsToldAsItGoesBack follows one order by questions.
func TestTheMoneyOfACanceledOrderIsToldAsItGoesBack(t *testing.T) {
	t.Parallel()
	o := newOrderTalk(t)
	sku, _ := o.product(t, "Linen towel "+id.Secret(4), 2350, 20)
	b := o.buys(t, "card", "tok_visa", item(sku, 1))
	o.becomes(t, b.id, "payment_status", "paid")
	s, turn := o.turn(t, b, "order_status", "where is my order")
	a, err := s.Answer(t.Context(), turn)
	if err != nil || a.Type != skill.Fact || value(a, "order.number") != b.number || value(a, "promised") == "" {
		t.Fatalf("%+v, %v", a, err)
	}
	o.does(t, b, "cancel_order", "please cancel my order")
	o.becomes(t, b.id, "payment_status", "refunded")
	s, turn = o.turn(t, b, "refund_status", "where is my refund")
	a, err = s.Answer(t.Context(), turn)
	total := o.order(t, b.id).number("totals.total.amount")
	if err != nil || value(a, "refund.amount") != fmt.Sprintf("%d.%02d", total/100, total%100) || value(a, "refund.issued_at") != turn.Now.UTC().Format(time.DateOnly) || value(a, "refund.currency") != "EUR" {
		t.Errorf("of %d: %+v, %v", total, a, err)
	}
	s, turn = o.turn(t, b, "cancel_order", "please cancel my order")
	if a, err = s.Answer(t.Context(), turn); err != nil || a.Type != skill.Fact || value(a, "order.status") != "canceled" {
		t.Errorf("%+v, %v", a, err)
	}
}

func value(a skill.Answer, name string) string {
	for _, f := range a.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// TestOnlyTheirOwnOrdersAreReadForAnybody tries foreign, absent and own numbers.
func TestOnlyTheirOwnOrdersAreReadForAnybody(t *testing.T) {
	t.Parallel()
	o := newOrderTalk(t)
	sku, _ := o.product(t, "Clay cup "+id.Secret(4), 900, 20)
	mine, other := o.buys(t, "bank_transfer", "", item(sku, 1)), o.buys(t, "cash_on_delivery", "", item(sku, 2))
	ctx := t.Context()
	linked := skill.Who{Level: skill.Linked, Order: uuid.MustParse(mine.id)}
	for name, try := range map[string]struct {
		who    skill.Who
		number string
		found  bool
	}{
		"own":                      {mine.who, mine.number, true},
		"own, in small letters":    {mine.who, strings.ToLower(mine.number), true},
		"foreign":                  {mine.who, other.number, false},
		"absent":                   {mine.who, "DS-999999", false},
		"nothing":                  {mine.who, "", false},
		"by the link":              {linked, mine.number, true},
		"by the link of another":   {linked, other.number, false},
		"anybody":                  {skill.Who{}, mine.number, false},
		"a link that opens none":   {skill.Who{Level: skill.Linked}, mine.number, false},
		"nobody, though verified":  {skill.Who{Level: skill.Verified}, mine.number, false},
		"a hash without its proof": {skill.Who{Level: skill.Anonymous, EmailHMAC: mine.who.EmailHMAC}, mine.number, false},
	} {
		got, err := o.desk.ByNumber(ctx, o.merchant, try.who, try.number)
		if err != nil || (got != nil) != try.found || got != nil && got.Number != mine.number {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	all, err := o.desk.Own(ctx, o.merchant, mine.who, 20)
	if err != nil || len(all) != 1 || all[0].Number != mine.number || len(all[0].Payments) != 1 || len(all[0].Timeline) == 0 || all[0].Link == "" || all[0].Tracking.Option.To == nil {
		t.Errorf("own: %+v, %v", all, err)
	}
	s, turn := o.turn(t, mine, "payment_problem", "how do I pay")
	a, err := s.Answer(ctx, turn)
	if err != nil || value(a, "payment.reference") != mine.number || value(a, "payment.due_at") == "" || !strings.Contains(a.Reply, mine.number) {
		t.Errorf("%+v, %v", a, err)
	}
}
