package hook

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

func TestNewTroubleOpensACaseAnewThoughTheHookRests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	payment := id.New()
	tell := func(reason string) {
		w.raise(Signal{Merchant: w.merchant, Event: PaymentFailed, Key: reason, Subject: payment, Order: w.order, At: w.clock.Now(), Facts: map[string]any{"event.reason": reason}})
	}
	tell("capture_due")
	all, err := w.Cases(t.Context(), w.merchant, Filter{Limit: 10})
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	if _, err := w.Resolve(t.Context(), w.merchant, all[0].ID, "solved", "", "ann"); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(23 * time.Hour) // within the cool-down
	tell("expired")
	w.has(1, "support_cases where status = 'open' and priority = 'high' and due_at is not null and times = 1")
	tell("voided")
	w.has(1, "support_cases where status = 'open' and times = 2")
	w.has(2, "support_cases")
}

func TestARefundThatFailsAfterItWasLateIsNotMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	payment, refund, old := id.New(), id.New(), id.New()
	w.exec(`insert into payments (merchant_id, id, checkout_id, order_id, attempt, method, provider, gateway_key, status, amount_minor, currency, created_at, updated_at)
		values ($1, $2, $3, $4, 1, 'card', 'sandbox', 'k', 'captured', 500, 'EUR', $5, $5)`, w.merchant, payment, id.New(), w.order, monday)
	refunds := func(id uuid.UUID, status string) {
		w.exec(`insert into refunds (merchant_id, id, payment_id, order_id, status, amount_minor, currency, reason, gateway_key, created_at, updated_at)
			values ($1, $2, $3, $4, $5, 100, 'EUR', 'x', $6, $7, $7)`, w.merchant, id, payment, w.order, status, id.String(), monday)
	}
	refunds(refund, "pending")
	refunds(old, "failed")
	w.raise(Signal{ // as it was told before
		Merchant: w.merchant, Event: RefundOverdue, Key: "refund_overdue:" + old.String(), Subject: old, Order: w.order, Facts: map[string]any{"event.reason": "failed"},
	})
	sweep := func(want int) {
		t.Helper()
		if n, err := w.Sweep(t.Context()); err != nil || n != want {
			t.Errorf("%d found, %v, want %d", n, err, want)
		}
	}
	w.clock.Advance(73 * time.Hour)
	sweep(1)
	sweep(0)
	w.exec(`update refunds set status = 'failed', updated_at = $1 where id = $2`, w.clock.Now(), refund)
	w.clock.Advance(2 * time.Hour)
	sweep(1)
	sweep(0)
	w.has(1, "support_signals where facts ->> 'event.reason' = 'pending'")
	w.has(2, "support_signals where facts ->> 'event.reason' = 'failed'")
	w.has(1, "support_cases where status = 'open' and times = 2")
	w.has(1, "support_cases where status = 'open' and times = 1")
}

func TestNotesOnAConversationAreForgottenWithWhoeverWroteIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	talk := func(contact *uuid.UUID) (conversation uuid.UUID) {
		conversation = id.New()
		w.exec(`insert into conversations (merchant_id, id, channel, locale, secret_hash, contact_id, handed_at, created_at, updated_at) values ($1, $2, 'chat', 'en', '', $3, $4, $4, $4)`,
			w.merchant, conversation, contact, monday)
		w.raise(Signal{Merchant: w.merchant, Event: AssistantHandoff, Key: conversation.String(), Subject: conversation, Conversation: conversation, ByCustomer: true})
		return conversation
	}
	other := id.New()
	talk(&w.contact)
	later := talk(nil)
	talk(&other)
	w.exec(`update conversations set contact_id = $1 where id = $2`, w.contact, later)
	all, err := w.Cases(t.Context(), w.merchant, Filter{Limit: 10})
	if err != nil || len(all) != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, c := range all {
		if _, err := w.Note(t.Context(), w.merchant, c.ID, "Anahit called.", "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Run(t.Context(), w.DB, func(tx db.Tx) error { return w.Forget(t.Context(), tx, w.merchant, w.contact) }); err != nil {
		t.Fatal(err)
	}
	w.has(1, "support_case_events where kind = 'noted' and body <> ''")
	if n := w.count(`select count(*) from support_cases where contact_id = $1`, w.contact); n != 1 {
		t.Errorf("%d cases have the contact of their conversation", n)
	}
}

func TestAnOutsideDeskIsToldWhenItHappened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.AddHook(t.Context(), w.merchant, Form{Name: "Tell", Event: Claim, Actions: []Action{{Action: Webhook}}, Enabled: true}, "me"); err != nil {
		t.Fatal(err)
	}
	w.raise(Signal{Merchant: w.merchant, Event: Claim, Key: "c", Subject: id.New(), Order: w.order})
	w.has(1, "outbox where event = 'support_hook.fired' and convert_from(payload::text::bytea, 'utf8') like '%2026-03-02T06:00:00Z%'")
	w.has(1, "support_cases where snapshot #>> '{event,occurred_at}' = '2026-03-02T06:00:00Z'")
}

func TestNobodyIsToldThatAParcelIsLateOnceItHasCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arrives := func(parcel uuid.UUID) {
		if err := w.Settle(t.Context(), Settled{Merchant: w.merchant, Events: []Event{ShipmentDelayed}, Key: "delivered:" + parcel.String(), Subject: parcel, Why: "delivered", At: w.clock.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	came := id.New()
	w.raise(w.late(came))
	w.clock.Advance(3 * time.Hour)
	arrives(came)
	w.deliver(1)
	w.has(1, "support_notices where status = 'withheld' and code = 'over'")
	w.has(1, "support_case_events where kind = 'withheld'")
	tried := id.New()
	w.raise(w.late(tried))
	w.mails.down.Store(true)
	var e NoticeDue
	if err := w.DB.QueryRow(t.Context(), `select merchant_id, id from support_notices where status = 'waiting'`).Scan(&e.MerchantID, &e.NoticeID); err != nil {
		t.Fatal(err)
	}
	if err := w.Tell(t.Context(), e); err == nil {
		t.Error("told though no mail server is there")
	}
	w.mails.down.Store(false)
	w.clock.Advance(3 * time.Hour)
	arrives(tried)
	if err := w.Tell(t.Context(), e); err != nil {
		t.Error(err)
	}
	w.has(2, "support_notices where status = 'withheld' and code = 'over'")
	w.has(1, "deliveries where status = 'dropped'") // it is not tried again for ever
	w.has(1, "deliveries")
	if n := w.mails.sent.Load(); n != 0 {
		t.Errorf("%d mails", n)
	}
}

func TestBuyersHearOfALossHoweverMuchTheyHeardThatDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		w.raise(w.late(id.New()))
		w.deliver(1)
	}
	lost := w.late(id.New())
	lost.Event, lost.Key = Lost, "lost"
	w.raise(lost)
	w.deliver(1)
	w.has(1, "support_notices where event = 'lost' and status = 'passed'")
	w.has(1, "support_notices where status = 'withheld' and code = 'frequency_cap'")
	if n := w.mails.sent.Load(); n != 4 {
		t.Errorf("%d mails", n)
	}
}

func TestAReturnThatIsMadeInTheChatIsOneContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`insert into conversations (merchant_id, id, channel, locale, secret_hash, topic, order_id, created_at, updated_at) values ($1, $2, 'chat', 'en', '', 'returns', $3, $4, $4)`,
		w.merchant, id.New(), w.order, w.clock.Now())
	asks := func(key string, order uuid.UUID) {
		w.raise(Signal{Merchant: w.merchant, Event: ReturnRequested, Key: key, Subject: id.New(), Order: order, ByCustomer: true})
	}
	w.clock.Advance(time.Hour)
	asks("in the chat", w.order)
	asks("of another order", id.New())
	w.clock.Advance(6 * time.Hour)
	asks("long after", w.order)
	r, err := w.ContactRate(t.Context(), w.merchant, "", "", false)
	if err != nil || r.Total.Contacts != 3 || r.Total.Cases != 0 {
		t.Errorf("%+v, %v", r.Total, err)
	}
}
