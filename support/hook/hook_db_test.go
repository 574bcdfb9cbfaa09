package hook

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/internal/id"
)

func TestEveryShopBeginsWithTheSameHooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := w.Hooks(t.Context(), w.merchant); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	hooks, err := w.Hooks(t.Context(), w.merchant)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Defaults()
	if err != nil {
		t.Fatal(err)
	}
	if len(hooks) != len(want) {
		t.Fatalf("%d hooks, want %d", len(hooks), len(want))
	}
	for _, e := range Events() {
		found := false
		for _, h := range hooks {
			found = found || h.Event == e && h.Enabled && h.Preset
		}
		if !found {
			t.Errorf("nothing is done about %s", e)
		}
	}
	if err := w.DeleteHook(t.Context(), w.merchant, hooks[0].ID); err != nil {
		t.Fatal(err)
	}
	if left, err := w.Hooks(t.Context(), w.merchant); err != nil || len(left) != len(want)-1 {
		t.Errorf("a hook that was removed comes back: %d, %v", len(left), err)
	}
}

func TestALateParcelOpensOneCaseAndSendsOneNoticeHoweverOftenItIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	parcel := id.New()
	n := w.late(parcel)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%3 == 0 { // these die somewhere in the middle
				time.AfterFunc(time.Duration(i)*time.Millisecond, cancel)
			}
			if err := w.Raise(ctx, n); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.raise(n)
	w.has(1, "support_cases where times = 1 and status = 'open' and order_number = 'DS-7K3M-Q2XT-H'")
	w.has(1, "support_signals")
	w.has(1, "support_case_events")
	w.has(1, "outbox where event = 'support_case.opened'")
	w.has(1, "outbox where event = 'support.notice_due'")
	w.deliver(4)
	w.deliver(4)
	if n := w.mails.sent.Load(); n != 1 {
		t.Errorf("%d mails", n)
	}
	w.has(1, "support_notices where status = 'passed' and decided_at is not null")
	w.has(1, "gate_decisions where topic = 'orders' and verdict = 'allow'")
	w.has(1, "support_case_events where kind = 'noticed'")
	due := w.count(`select extract(epoch from due_at)::int from support_cases`)
	if want := time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC); int64(due) != want.Unix() { // 480 working minutes from ten to six
		t.Errorf("due at %s, want %s", time.Unix(int64(due), 0).UTC(), want)
	}
}

func TestWhatHappensAgainUpdatesTheCaseThatIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	payment := id.New()
	tell := func(key, reason string) {
		w.raise(Signal{Merchant: w.merchant, Event: PaymentFailed, Key: key, Subject: payment, Order: w.order, At: w.clock.Now(), Facts: map[string]any{"event.reason": reason}})
	}
	tell("a", "capture_due")
	w.clock.Advance(time.Hour)
	tell("b", "expired") // within the cool-down of the first hook; the second wakes up only now
	w.has(1, "support_cases where times = 2")
	w.has(1, "support_notices")
	w.clock.Advance(time.Hour)
	tell("c", "expired")
	w.has(1, "support_cases where times = 3")
	w.has(1, "support_notices") // both rest
	w.clock.Advance(25 * time.Hour)
	tell("d", "expired")
	w.has(1, "support_cases where times = 4")
	w.has(2, "support_notices")
	if err := w.Settle(t.Context(), Settled{Merchant: w.merchant, Events: []Event{PaymentFailed}, Key: "paid", Order: w.order, Why: "paid", At: w.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	w.has(1, "support_cases where status = 'resolved' and resolution = 'paid'")
	w.clock.Advance(25 * time.Hour)
	tell("e", "voided")
	w.has(1, "support_cases where status = 'open' and times = 1")
}

func TestAnEndThatIsHeardOfFirstLeavesNothingToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 20 {
		parcel := id.New()
		n := w.late(parcel)
		var both sync.WaitGroup
		both.Go(func() { w.raise(n) })
		both.Go(func() {
			if err := w.Settle(t.Context(), Settled{
				Merchant: w.merchant, Events: []Event{ShipmentDelayed, DeliveryFailed, Lost}, Key: "delivered:" + parcel.String(), Subject: parcel, Why: "delivered", At: n.At,
			}); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		w.has(0, "support_cases where status = 'open'")
	}
}

func TestConditionsActionsAndTagsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hooks, err := w.Hooks(t.Context(), w.merchant)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hooks {
		if h.Event == ShipmentDelayed {
			if _, err := w.UpdateHook(t.Context(), w.merchant, h.ID, &h.Version, func(f *Form) { f.Enabled = false }); err != nil {
				t.Fatal(err)
			}
			if _, err := w.UpdateHook(t.Context(), w.merchant, h.ID, &h.Version, func(*Form) {}); !fault.Is(err, ErrVersion) {
				t.Errorf("an old version is taken: %v", err)
			}
		}
	}
	add := func(name, condition string, actions ...Action) Hook {
		h, err := w.AddHook(t.Context(), w.merchant, Form{Name: name, Event: ShipmentDelayed, Condition: json.RawMessage(condition), Actions: actions, Enabled: true}, "me")
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	dear := add("dear", `{"field":"order.total","op":"gte","value":5000}`, Action{Action: OpenCase, Priority: "low"}, Action{Action: Tag, Tags: []string{" Dear "}}, Action{Action: Webhook})
	add("far", `{"field":"order.country","op":"ne","value":"AM"}`, Action{Action: NotifyCustomer})
	add("very late", `{"all":[{"field":"event.days","op":"gt","value":1},{"field":"order.skus","op":"contains_any","value":["MUG"]}]}`, Action{Action: SetPriority, Priority: "urgent"}, Action{Action: Tag, Tags: []string{"very late"}})
	if _, err := w.AddHook(t.Context(), w.merchant, dear.Form, "me"); !fault.Is(err, ErrHookTaken) {
		t.Errorf("a name is taken twice: %v", err)
	}
	parcel := id.New()
	w.raise(w.late(parcel))
	w.has(1, "support_cases where priority = 'urgent' and tags @> '{dear,very late}' and due_at is null")
	w.has(0, "support_notices")
	w.has(1, "outbox where event = 'support_hook.fired' and convert_from(payload::text::bytea, 'utf8') like '%dear%'")
	trial, err := w.Try(t.Context(), w.merchant, dear.ID, uuid.Nil)
	if err != nil || !trial.Holds || len(trial.Actions) != 3 || trial.SubjectID != parcel {
		t.Errorf("the trial says %+v, %v", trial, err)
	}
	if _, err := w.UpdateHook(t.Context(), w.merchant, dear.ID, nil, func(f *Form) { f.Condition = json.RawMessage(`{"field":"order.total","op":"gt","value":5000}`) }); err != nil {
		t.Fatal(err)
	}
	if trial, err = w.Try(t.Context(), w.merchant, dear.ID, trial.SignalID); err != nil || trial.Holds || len(trial.Actions) != 0 {
		t.Errorf("the trial says %+v, %v", trial, err)
	}
	w.has(1, "support_cases")
}

func TestABuyerIsNotFloodedWithNotices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		w.raise(w.late(id.New()))
		w.deliver(1)
	}
	if n := w.mails.sent.Load(); n != 3 {
		t.Errorf("%d mails in one day, want 3", n)
	}
	w.has(2, "support_notices where status = 'withheld' and code = 'frequency_cap'")
	w.has(2, "support_case_events where kind = 'withheld'")
	w.has(5, "support_cases")
}

func TestAHookWithMistakesIsRefusedWithTheirPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := Form{Name: "x", Event: Claim, Actions: []Action{{Action: OpenCase}}}
	for place, spoil := range map[string]func(*Form){
		"name":                   func(f *Form) { f.Name = " " },
		"event":                  func(f *Form) { f.Event = "weather" },
		"cooldown_minutes":       func(f *Form) { f.CooldownMinutes = -1 },
		"actions":                func(f *Form) { f.Actions = nil },
		"actions[0].action":      func(f *Form) { f.Actions = []Action{{Action: "call"}} },
		"actions[0].priority":    func(f *Form) { f.Actions = []Action{{Action: SetPriority, Priority: "huge"}} },
		"actions[0].tags":        func(f *Form) { f.Actions = []Action{{Action: Tag}} },
		"actions[0].due_minutes": func(f *Form) { f.Actions = []Action{{Action: Webhook, DueMinutes: 5}} },
		"condition.field":        func(f *Form) { f.Condition = json.RawMessage(`{"field":"dest.country","op":"eq","value":"AM"}`) },
		"condition":              func(f *Form) { f.Condition = json.RawMessage(`{`) },
	} {
		f := good
		spoil(&f)
		_, err := w.AddHook(t.Context(), w.merchant, f, "me")
		e, ok := fault.As(err)
		if !fault.Is(err, ErrHook) || !ok || len(e.Fields) == 0 || !strings.HasPrefix(e.Fields[0].Location, place) {
			t.Errorf("%s: %v %+v", place, err, e)
		}
	}
	f := Form{Name: "x", Event: Dispute, Actions: []Action{{Action: NotifyCustomer}}}
	if _, err := w.AddHook(t.Context(), w.merchant, f, "me"); !fault.Is(err, ErrHook) {
		t.Errorf("buyers are told of what there are no words for: %v", err)
	}
}

func TestCasesAreAssignedNotedResolvedAndToldWhenLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.raise(w.late(id.New()))
	all, err := w.Cases(t.Context(), w.merchant, Filter{Status: CaseOpen, Limit: 10})
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	c := all[0]
	ann := id.New()
	if c, err = w.Assign(t.Context(), w.merchant, c.ID, ann, ann.String()); err != nil || c.AssignedTo == nil || *c.AssignedTo != ann {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := w.Note(t.Context(), w.merchant, c.ID, " ", ann.String()); !fault.Is(err, ErrCase) {
		t.Errorf("an empty note: %v", err)
	}
	if _, err := w.Note(t.Context(), w.merchant, c.ID, "Called the carrier.", ann.String()); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(100 * time.Hour)
	for _, want := range []int{1, 0} {
		if n, err := w.TellOverdue(t.Context()); err != nil || n != want {
			t.Errorf("%d overdue, %v, want %d", n, err, want)
		}
	}
	if _, err := w.Resolve(t.Context(), w.merchant, c.ID, "magic", "", ann.String()); !fault.Is(err, ErrCase) {
		t.Errorf("resolved by magic: %v", err)
	}
	if c, err = w.Resolve(t.Context(), w.merchant, c.ID, "solved", "Found.", ann.String()); err != nil || c.Status != CaseClosed {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := w.Resolve(t.Context(), w.merchant, c.ID, "solved", "", ann.String()); !fault.Is(err, ErrCaseClosed) {
		t.Errorf("resolved twice: %v", err)
	}
	_, story, err := w.Case(t.Context(), w.merchant, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range story {
		kinds = append(kinds, e.Kind)
	}
	if got := strings.Join(kinds, " "); got != "opened assigned noted overdue resolved" {
		t.Errorf("the story is %q", got)
	}
	if _, _, err := w.Case(t.Context(), id.New(), c.ID); !fault.Is(err, ErrNoCase) {
		t.Errorf("another shop sees it: %v", err)
	}
}

func TestTheContactRateCountsContactsAndWhatTheShopNoticedFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.raise(w.late(id.New()))
	w.deliver(1)
	w.raise(Signal{Merchant: w.merchant, Event: Claim, Key: "c1", Subject: id.New(), Order: w.order, ByCustomer: true, At: w.clock.Now()})
	talk := func(topic string, handed, order bool) uuid.UUID {
		conversation := id.New()
		w.exec(`insert into conversations (merchant_id, id, channel, locale, secret_hash, topic, handed_at, order_id, created_at, updated_at)
			values ($1, $2, 'chat', 'en', '', $3, case when $4 then $6::timestamptz end, case when $5 then $2::uuid end, $6, $6)`, w.merchant, conversation, topic, handed, order, w.clock.Now())
		return conversation
	}
	handed := talk("order_status", true, false)
	talk("order_status", false, true)
	talk("shipping_options", false, false) // neither
	w.raise(Signal{Merchant: w.merchant, Event: AssistantHandoff, Key: "h1", Subject: handed, Conversation: handed, ByCustomer: true, At: w.clock.Now()})
	r, err := w.ContactRate(t.Context(), w.merchant, "", "", false)
	if err != nil {
		t.Fatal(err)
	}
	if r.Total.Contacts != 3 || r.Total.Cases != 1 || r.Total.Notices != 1 || r.Total.Bps() != -1 {
		t.Errorf("the total is %+v", r.Total)
	}
	if len(r.Reasons) != 3 || r.Reasons[0].Reason != "order_status" || r.Reasons[0].Contacts != 2 || r.Reasons[1].Reason != "claim" || r.Reasons[2].Reason != "shipment_delayed" || r.Reasons[2].Notices != 1 {
		t.Errorf("the reasons are %+v", r.Reasons)
	}
	if len(r.Days) != 30 || r.To != "2026-03-02" || r.Days[29].Contacts != 3 || r.Days[29].Start != r.To {
		t.Errorf("%d days to %s, %+v", len(r.Days), r.To, r.Days[len(r.Days)-1])
	}
	if r, err = w.ContactRate(t.Context(), w.merchant, "2026-02-25", "2026-03-08", true); err != nil || len(r.Days) != 2 || r.Days[1].Start != "2026-03-02" || r.Days[1].Contacts != 3 {
		t.Errorf("weeks: %+v, %v", r.Days, err)
	}
	if b := (&RateRow{Orders: 300, Contacts: 7}).Bps(); b != 233 {
		t.Errorf("7 in 300 is %d", b)
	}
	for _, bad := range [][2]string{{"2026-03-02", "2026-03-01"}, {"soon", ""}, {"2020-01-01", "2026-01-01"}} {
		if _, err := w.ContactRate(t.Context(), w.merchant, bad[0], bad[1], false); !fault.Is(err, ErrPeriod) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestPaymentsWithoutAnEndAndRefundsThatDoNotArriveAreFoundOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pay, refund := id.New(), id.New()
	w.exec(`insert into payments (merchant_id, id, checkout_id, order_id, attempt, method, provider, gateway_key, status, amount_minor, currency, created_at, updated_at)
		values ($1, $2, $3, $4, 1, 'card', 'sandbox', 'k', 'unknown', 500, 'EUR', $5, $5)`, w.merchant, pay, id.New(), w.order, monday)
	w.exec(`insert into refunds (merchant_id, id, payment_id, order_id, status, amount_minor, currency, reason, gateway_key, created_at, updated_at)
		values ($1, $2, $3, $4, 'pending', 100, 'EUR', 'x', 'r', $5, $5)`, w.merchant, refund, pay, w.order, monday)
	sweep := func(want int) {
		t.Helper()
		if n, err := w.Sweep(t.Context()); err != nil || n != want {
			t.Errorf("%d found, %v, want %d", n, err, want)
		}
	}
	sweep(0)
	w.clock.Advance(16 * time.Minute)
	sweep(1)
	sweep(0)
	w.has(1, "support_cases where kind = 'payment_unknown' and priority = 'urgent'")
	w.clock.Advance(73 * time.Hour)
	sweep(1)
	sweep(0)
	w.has(1, "support_cases where kind = 'refund_overdue'")
	w.exec(`update payments set status = 'captured'`)
	w.exec(`update refunds set status = 'succeeded'`)
	sweep(2)
	sweep(0)
	w.has(0, "support_cases where status = 'open'")
}
