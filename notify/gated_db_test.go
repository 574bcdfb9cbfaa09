package notify

import (
	"context"
	"errors"
	netmail "net/mail"
	"strings"
	"testing"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/locale"
)

func aReminder() Mail {
	m := aMail()
	m.Kind, m.Unsubscribe = CartReminder, "https://shop.example/unsubscribe/tok-en_1"
	return m
}

func TestAMailThatCanBeRefusedSaysHowWithOneClick(t *testing.T) {
	t.Parallel()
	srv := start(t, &server{})
	w := open(t, sender(t, "smtp://"+srv.addr))
	w.must(t, aReminder(), Sent)
	w.must(t, aMail(), Sent)
	heads := make([]netmail.Header, 0, 2)
	for _, text := range srv.accepted() {
		m, err := netmail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, m.Header)
	}
	if got := heads[0].Get("List-Unsubscribe") + heads[0].Get("List-Unsubscribe-Post"); got != "<https://shop.example/unsubscribe/tok-en_1>List-Unsubscribe=One-Click" {
		t.Errorf("headers %q", got)
	}
	if got := heads[1].Get("List-Unsubscribe") + heads[1].Get("List-Unsubscribe-Post"); got != "" {
		t.Errorf("the mail of an order offers to end such mails: %q", got)
	}
	evil := aReminder()
	evil.Unsubscribe = "https://x.example/>\r\nBcc: a@b.example"
	w.must(t, evil, Failed)
	captured := open(t, nil)
	captured.must(t, aReminder(), Captured)
	if list, err := captured.CapturedMails(t.Context(), 1); err != nil || list[0].Headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestAMailThatItsOwnerRefusesIsNotTaken(t *testing.T) {
	t.Parallel()
	p := &post{}
	w := open(t, p)
	m := aReminder()
	errNo := errors.New("no")
	m.Check = func(context.Context, db.Tx) error { return errNo }
	if _, err := w.Send(t.Context(), m); !errors.Is(err, errNo) {
		t.Fatalf("%v", err)
	}
	if _, err := w.Delivery(t.Context(), m); !errors.Is(err, ErrNoMail) {
		t.Errorf("a row was left: %v", err)
	}
	m.Check = nil
	w.must(t, m, Sent)
}

// lastWord is a post that asks before it takes a mail, as SMTP does.
type lastWord struct{ post }

func (p *lastWord) Send(ctx context.Context, e Envelope) error {
	if err := e.Ready(ctx); err != nil {
		return err
	}
	return p.post.Send(ctx, e)
}

func TestTheLastWordBeforeAMailIsHandedOverCounts(t *testing.T) {
	t.Parallel()
	srv := start(t, &server{})
	for name, w := range map[string]*world{"asked in memory": open(t, &lastWord{}), "asked by SMTP": open(t, sender(t, "smtp://"+srv.addr)), "captured": open(t, nil)} {
		m := aReminder()
		m.Still = func(context.Context) error { return ErrHeld }
		if _, err := w.Send(t.Context(), m); !errors.Is(err, ErrHeld) {
			t.Errorf("%s: %v", name, err)
		}
		if d, err := w.Delivery(t.Context(), m); err != nil || d.Status != Queued {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		m.Still = func(context.Context) error { return ErrDropped.Because(errors.New("bought")) }
		w.must(t, m, Dropped)
		m.Still = nil
		w.must(t, m, Dropped) // for good
	}
	if n := len(srv.accepted()); n != 0 {
		t.Errorf("%d mails were handed over", n)
	}
}

func TestAnAddressThatDoesNotExistIsToldOf(t *testing.T) {
	t.Parallel()
	for answer, bounced := range map[string]int{
		"550 no such user": 1, "553 bad mailbox": 1, "550 5.7.1 not from you": 0, "552 too large": 0, "450 try again": 0,
	} {
		srv := start(t, &server{answers: map[string]string{atTo: answer}})
		told := 0
		w := open(t, nil)
		s, err := New(Options{DB: w.db, Clock: w.clock, Contacts: w.people, Sender: sender(t, "smtp://"+srv.addr), From: "shop@ararat.example",
			Bounced: func(context.Context, uuid.UUID, uuid.UUID) error { told++; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		status, err := s.Send(t.Context(), aReminder())
		if want := map[bool]Status{true: Failed, false: Queued}[answer[0] == '5']; status != want || (err == nil) != (want == Failed) {
			t.Errorf("%s: %s, %v", answer, status, err)
		}
		if told != bounced {
			t.Errorf("%s: told %d times", answer, told)
		}
	}
}

func TestAMailWhoseWorkerHasDiedCanBeGivenUp(t *testing.T) {
	t.Parallel()
	w := open(t, &post{})
	m := aReminder()
	row, err := w.store.claim(t.Context(), m, uuid.New(), "x@y.example")
	if err != nil || !row.claimed {
		t.Fatal(err)
	}
	is := func(want Status) {
		t.Helper()
		if err := w.Drop(t.Context(), m, "bought"); err != nil {
			t.Fatal(err)
		}
		if d, err := w.Delivery(t.Context(), m); err != nil || d.Status != want {
			t.Errorf("%s, %v, want %s", d.Status, err, want)
		}
	}
	is(Sending) // it may be at work
	w.clock.Advance(lease)
	is(Dropped)
	if got, err := Render(CartReminder, locale.Km, full()); err != nil || got.Subject == "" {
		t.Error(err)
	}
}
