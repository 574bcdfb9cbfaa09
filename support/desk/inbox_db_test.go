package desk_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/support/desk"
	"doorstep/support/sla"
)

type world struct {
	*desk.Inbox
	t        *testing.T
	db       *db.DB
	desks    *desk.Desks
	clock    *clock.Manual
	merchant uuid.UUID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.At(time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)), merchant: id.New()} // Monday at ten in Yerevan
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	w.desks = desk.NewDesks(w.db, func(context.Context, uuid.UUID) (string, error) { return "Asia/Yerevan", nil }, nil)
	w.Inbox = desk.NewInbox(w.db, w.desks)
	if _, err := w.db.Exec(t.Context(), `insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	return w
}

// waiting is a conversation in the queue.
func (w *world) waiting() uuid.UUID {
	w.t.Helper()
	c, err := w.Begin(w.t.Context(), desk.Conversation{MerchantID: w.merchant, ID: id.New(), Channel: "chat", Locale: "en", SecretHash: []byte("x")})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Append(w.t.Context(), w.merchant, c.ID, desk.Message{Author: desk.Customer, Body: "A person, please."}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.HandOver(w.t.Context(), w.merchant, c.ID, desk.Handover{Reason: "human_agent", Topic: "human_agent", About: json.RawMessage(`{"intents":["human_agent"]}`)}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.Due(w.t.Context(), w.merchant, c.ID, w.clock.Now()); err != nil {
		w.t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	return c.ID
}

func (w *world) is(conversation uuid.UUID, status desk.Status, position int) desk.Entry {
	w.t.Helper()
	e, err := w.Entry(w.t.Context(), w.merchant, conversation)
	if err != nil || e.Status != status || e.Position != position {
		w.t.Errorf("it is %s at %d, %v, want %s at %d", e.Status, e.Position, err, status, position)
	}
	return e
}

func TestOfSeveralWhoClaimAtOnceOneGetsTheConversation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		conversation := w.waiting()
		var won, lost atomic.Int64
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				_, err := w.Claim(t.Context(), w.merchant, conversation, id.New())
				switch {
				case err == nil:
					won.Add(1)
				case fault.Is(err, desk.ErrTaken):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 5 {
			t.Errorf("%d won, %d lost", won.Load(), lost.Load())
		}
		w.is(conversation, desk.Open, 0)
	}
}

func TestNobodyGetsMoreAtATimeThanTheCapHoweverFastTheyClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := id.New()
	conversations := make([]uuid.UUID, 9)
	for i := range conversations {
		conversations[i] = w.waiting()
	}
	var got, refused atomic.Int64
	var all sync.WaitGroup
	for _, c := range conversations {
		all.Go(func() {
			switch _, err := w.Claim(t.Context(), w.merchant, c, ann); {
			case err == nil:
				got.Add(1)
			case fault.Is(err, desk.ErrEnough):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got.Load() != 3 || refused.Load() != 6 {
		t.Errorf("%d got, %d refused", got.Load(), refused.Load())
	}
	mine, err := w.List(t.Context(), w.merchant, desk.Query{Status: desk.Open, Of: ann, Limit: 20})
	if err != nil || len(mine) != 3 {
		t.Fatalf("%d are hers, %v", len(mine), err)
	}
	if _, err := w.Claim(t.Context(), w.merchant, mine[0].ID, ann); err != nil {
		t.Errorf("one's own cannot be claimed again: %v", err)
	}
	if _, err := w.Close(t.Context(), w.merchant, mine[0].ID, ann); err != nil {
		t.Fatal(err)
	}
	left, err := w.List(t.Context(), w.merchant, desk.Query{Status: desk.Waiting, Limit: 20})
	if err != nil || len(left) != 6 || left[0].Position != 1 || left[5].Position != 6 {
		t.Fatalf("%+v, %v", left, err)
	}
	if _, err := w.Claim(t.Context(), w.merchant, left[0].ID, ann); err != nil {
		t.Error(err)
	}
	for _, most := range []int{0, 6} {
		if _, err := w.desks.Save(t.Context(), w.merchant, nil, func(s *desk.Settings) { s.MostOpen = most }); !fault.Is(err, desk.ErrSettings) {
			t.Errorf("%d at a time: %v", most, err)
		}
	}
	if _, err := w.desks.Save(t.Context(), w.merchant, nil, func(s *desk.Settings) { s.MostOpen = 4 }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Claim(t.Context(), w.merchant, left[1].ID, ann); err != nil {
		t.Error(err)
	}
}

func TestAConversationGoesFromTheQueueToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	first, second := w.waiting(), w.waiting()
	ann, bob := id.New(), id.New()
	e := w.is(second, desk.Waiting, 2)
	if want := e.HandedAt.Add(time.Hour); e.DueAt == nil || !e.DueAt.Equal(want) {
		t.Errorf("due at %v, want %s", e.DueAt, want)
	}
	if _, err := w.Reply(ctx, w.merchant, first, ann, "Hello."); !fault.Is(err, desk.ErrNotYours) {
		t.Errorf("answered without a claim: %v", err)
	}
	if _, err := w.Claim(ctx, w.merchant, first, ann); err != nil {
		t.Fatal(err)
	}
	w.is(second, desk.Waiting, 1)
	for _, wrong := range []func() error{
		func() error { _, err := w.Reply(ctx, w.merchant, first, bob, "Hello."); return err },
		func() error { _, err := w.Release(ctx, w.merchant, first, bob, false); return err },
		func() error { _, err := w.Close(ctx, w.merchant, first, bob); return err },
	} {
		if err := wrong(); !fault.Is(err, desk.ErrNotYours) {
			t.Errorf("somebody else's: %v", err)
		}
	}
	if _, err := w.Release(ctx, w.merchant, first, ann, false); err != nil {
		t.Fatal(err)
	}
	w.is(first, desk.Waiting, 1) // it keeps its place
	if _, err := w.Claim(ctx, w.merchant, first, bob); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]*fault.Error{" ": desk.ErrBody, strings.Repeat("a", 4001): desk.ErrBody, "Dear {name}": desk.ErrUnfilled} {
		if _, err := w.Reply(ctx, w.merchant, first, bob, text); !fault.Is(err, want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	m, err := w.Reply(ctx, w.merchant, first, bob, "Good morning.\r\nIt comes today.")
	if err != nil || m.Author != desk.Staff || *m.StaffID != bob || m.Body != "Good morning.\nIt comes today." {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, err := w.Note(ctx, w.merchant, first, bob, "A kind person."); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Release(ctx, w.merchant, first, bob, true); err != nil {
		t.Fatal(err)
	}
	e = w.is(first, desk.Bot, 0)
	if e.AssignedTo != nil || e.AnsweredAt == nil {
		t.Errorf("%+v", e)
	}
	if _, err := w.Close(ctx, w.merchant, first, uuid.Nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Claim(ctx, w.merchant, first, bob); !fault.Is(err, desk.ErrEnded) {
		t.Errorf("claimed after its end: %v", err)
	}
	said, err := w.Messages(ctx, w.merchant, first, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var story []string
	for i, m := range said {
		if m.Seq != i+1 {
			t.Errorf("place %d at %d", m.Seq, i)
		}
		story = append(story, string(m.Author)+":"+strings.SplitN(m.Body, "\n", 2)[0])
	}
	if got := strings.Join(story, " | "); got != "customer:A person, please. | system:handed_over | system:claimed | system:released_to_queue | system:claimed | staff:Good morning. | note:A kind person. | system:released_to_assistant | system:closed" {
		t.Error(got)
	}
	if string(desk.Known(said)) != `{"intents": ["human_agent"]}` {
		t.Errorf("known: %s", desk.Known(said))
	}
	if _, err := w.Entry(ctx, id.New(), first); !fault.Is(err, desk.ErrNoConversation) {
		t.Errorf("another shop sees it: %v", err)
	}
	w.outbox("support.staff_wrote", 1)
	w.outbox("support.conversation_ended", 2)
}

func (w *world) outbox(event string, want int) {
	w.t.Helper()
	var n int
	if err := w.db.QueryRow(w.t.Context(), `select count(*) from outbox where event = $1`, event).Scan(&n); err != nil || n != want {
		w.t.Errorf("%d of %s, %v, want %d", n, event, err, want)
	}
}

func TestWhatSomebodyLeavesBehindDoesNotStayWithThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	first, second, third := w.waiting(), w.waiting(), w.waiting()
	ann, bob, owner := id.New(), id.New(), id.New()
	w.Leads = func(_ context.Context, merchant, staff uuid.UUID) (bool, error) {
		return merchant == w.merchant && staff == owner, nil
	}
	for _, c := range []uuid.UUID{first, second, third} {
		if _, err := w.Claim(ctx, w.merchant, c, ann); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Reply(ctx, w.merchant, first, ann, "A moment."); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Release(ctx, w.merchant, first, bob, false); !fault.Is(err, desk.ErrNotYours) {
		t.Errorf("released by a colleague: %v", err)
	}
	if _, err := w.Close(ctx, w.merchant, first, bob); !fault.Is(err, desk.ErrNotYours) {
		t.Errorf("closed by a colleague: %v", err)
	}
	if _, err := w.Claim(ctx, w.merchant, first, owner); !fault.Is(err, desk.ErrTaken) {
		t.Errorf("taken without a release: %v", err)
	}
	if e, err := w.Release(ctx, w.merchant, first, owner, false); err != nil || e.Status != desk.Waiting {
		t.Fatalf("%+v, %v", e, err)
	}
	if _, err := w.Claim(ctx, w.merchant, first, owner); err != nil {
		t.Error(err)
	}
	if _, err := w.Close(ctx, w.merchant, second, owner); err != nil {
		t.Error(err)
	}
	if err := db.Run(ctx, w.db, func(tx db.Tx) error { return w.ReleaseAll(ctx, tx, w.merchant, ann) }); err != nil {
		t.Fatal(err)
	}
	w.is(third, desk.Waiting, 1)
	w.is(first, desk.Open, 0) // which is the owner's by now
	w.is(second, desk.Closed, 0)
}

func TestWhoIsTakenFromTheAssistantAndPutIntoTheQueueWaitsFromThen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	ann := id.New()
	c, err := w.Begin(ctx, desk.Conversation{MerchantID: w.merchant, ID: id.New(), Channel: "chat", Locale: "en", SecretHash: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	again := w.waiting()
	requeue := func(conversation uuid.UUID) *time.Time {
		t.Helper()
		w.clock.Advance(time.Minute)
		if _, err := w.Claim(ctx, w.merchant, conversation, ann); err != nil {
			t.Fatal(err)
		}
		e, err := w.Release(ctx, w.merchant, conversation, ann, false)
		if err != nil {
			t.Fatal(err)
		}
		return e.HandedAt
	}
	w.outbox("support.handed_over", 1)
	begun := requeue(c.ID)
	if begun == nil || !begun.Equal(w.clock.Now()) {
		t.Errorf("it waits since %v", begun)
	}
	w.outbox("support.handed_over", 2)
	if kept := requeue(c.ID); !kept.Equal(*begun) { // its due time is not set yet
		t.Errorf("it lost its place: %v", kept)
	}
	w.outbox("support.handed_over", 2)
	if err := w.Due(ctx, w.merchant, c.ID, *begun); err != nil {
		t.Fatal(err)
	}
	if e := w.is(c.ID, desk.Waiting, 2); e.DueAt == nil {
		t.Error("no answer is due")
	}
	before := w.is(again, desk.Waiting, 1).HandedAt
	if kept := requeue(again); !kept.Equal(*before) {
		t.Errorf("it lost its place: %v", kept)
	}
	if _, err := w.Claim(ctx, w.merchant, again, ann); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Release(ctx, w.merchant, again, ann, true); err != nil {
		t.Fatal(err)
	}
	if anew := requeue(again); !anew.Equal(w.clock.Now()) {
		t.Errorf("it waits since %v", anew)
	}
	w.outbox("support.handed_over", 3)
}

func TestALateFirstAnswerIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	late, answered := w.waiting(), w.waiting()
	ann := id.New()
	if _, err := w.Claim(t.Context(), w.merchant, answered, ann); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Reply(t.Context(), w.merchant, answered, ann, "Here I am."); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, 1, 0} {
		if n, err := w.TellLate(t.Context()); err != nil || n != want {
			t.Errorf("look %d: %d told, %v, want %d", i, n, err, want)
		}
		w.clock.Advance(2 * time.Hour)
	}
	w.outbox("support.answer_overdue", 1)
	e := w.is(late, desk.Waiting, 1)
	if !e.Overdue(w.clock.Now()) {
		t.Error("it is not shown as late")
	}
}

func TestAReplyTemplateIsRefusedWhenAVariableIsNotFilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	made, err := w.AddTemplate(ctx, w.merchant, desk.Template{Name: " On  its way ", Bodies: map[string]string{"en": "Dear {name}, {order} is on its way.", "hy": "Հարգելի {name}, {order}"}})
	if err != nil || made.Name != "On its way" {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := w.AddTemplate(ctx, w.merchant, desk.Template{Name: "On its way", Bodies: map[string]string{"en": "x"}}); !fault.Is(err, desk.ErrNameTaken) {
		t.Errorf("a name twice: %v", err)
	}
	for lang, want := range map[string]string{"en": "Dear Ann, DS-1 is on its way.", "hy": "Հարգելի Ann, DS-1", "km": "Dear Ann, DS-1 is on its way."} {
		if got, err := made.Fill(lang, map[string]string{"name": "Ann", "order": "DS-1"}); err != nil || got != want {
			t.Errorf("%s: %q, %v", lang, got, err)
		}
	}
	_, err = made.Fill("en", map[string]string{"name": "Ann", "order": " "})
	if e, _ := fault.As(err); !fault.Is(err, desk.ErrUnfilled) || e.Extra["variable"] != "order" {
		t.Errorf("filled without an order: %v", err)
	}
	for what, bad := range map[string]desk.Template{
		"no name": {Bodies: map[string]string{"en": "x"}}, "no text": {Name: "x"}, "no language of ours": {Name: "x", Bodies: map[string]string{"de": "x"}},
		"an unknown variable": {Name: "x", Bodies: map[string]string{"en": "{password}"}}, "an empty text": {Name: "x", Bodies: map[string]string{"en": " "}},
	} {
		if _, err := w.AddTemplate(ctx, w.merchant, bad); !fault.Is(err, desk.ErrTemplate) {
			t.Errorf("%s: %v", what, err)
		}
	}
	made.Bodies = map[string]string{"en": "Hello {name}"}
	old := made.Version
	if made, err = w.ChangeTemplate(ctx, w.merchant, made, &old); err != nil || made.Version != 2 {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := w.ChangeTemplate(ctx, w.merchant, made, &old); !fault.Is(err, desk.ErrSettingsVersion) {
		t.Errorf("an old version: %v", err)
	}
	if err := w.DeleteTemplate(ctx, w.merchant, made.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteTemplate(ctx, w.merchant, made.ID); !fault.Is(err, desk.ErrNoReply) {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestWorkingHoursAreKeptAndChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, err := w.desks.Settings(t.Context(), w.merchant)
	if err != nil || s.Hours.Timezone != "Asia/Yerevan" || s.MostOpen != 3 || s.FirstAnswerMinutes != 60 {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := w.desks.Save(t.Context(), w.merchant, nil, func(s *desk.Settings) { s.Hours.Week = nil }); !fault.Is(err, sla.ErrHours) {
		t.Errorf("never open: %v", err)
	}
	old := s.Version
	if s, err = w.desks.Save(t.Context(), w.merchant, &old, func(s *desk.Settings) {
		s.Hours.Week = map[string][]sla.Span{"mon": {{From: "22:00", To: "06:00"}}}
		s.FirstAnswerMinutes = 30
	}); err != nil || s.Version != old+1 {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := w.desks.Save(t.Context(), w.merchant, &old, func(*desk.Settings) {}); !fault.Is(err, desk.ErrSettingsVersion) {
		t.Errorf("an old version: %v", err)
	}
	due, err := w.desks.Due(t.Context(), w.merchant, w.clock.Now())
	if want := time.Date(2026, 3, 2, 18, 30, 0, 0, time.UTC); err != nil || due == nil || !due.Equal(want) {
		t.Errorf("due %v, %v, want %s", due, err, want)
	}
}
