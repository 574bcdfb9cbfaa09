package notify

import (
	"context"
	"errors"
	netmail "net/mail"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/locale"
)

// people answers for the people's room.
type people struct {
	name, email string
	err         error
}

func (p *people) Contact(context.Context, uuid.UUID, uuid.UUID) (string, string, error) {
	return p.name, p.email, p.err
}

// post is a Sender that does what the test says and remembers what it took.
type post struct {
	mu    sync.Mutex
	taken []Envelope
	calls int
	act   func(call int) error // nil: all is well; runs before the mail is noted
}

func (p *post) Send(_ context.Context, e Envelope) error {
	p.mu.Lock()
	p.calls++
	call := p.calls
	p.mu.Unlock()
	if p.act != nil {
		if err := p.act(call); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = append(p.taken, e)
	return nil
}

type world struct {
	*Service
	db     *db.DB
	clock  *clock.Manual
	people *people
}

func open(t *testing.T, sender Sender) *world {
	t.Helper()
	w := &world{
		db:     dbtest.New(t).DB,
		clock:  clock.At(time.Date(2026, 3, 5, 9, 0, 0, 0, time.UTC)),
		people: &people{name: "Anahit Sargsyan", email: "anahit@mail.example"},
	}
	s, err := New(Options{DB: w.db, Clock: w.clock, Contacts: w.people, Sender: sender, From: "Doorstep <shop@ararat.example>"})
	if err != nil {
		t.Fatal(err)
	}
	w.Service = s
	return w
}

func aMail() Mail {
	return Mail{Merchant: id.New(), Kind: OrderConfirmation, Subject: id.New(), Contact: id.New(), Lang: locale.Hy, Data: full()}
}

func (w *world) must(t *testing.T, m Mail, want Status) Delivery {
	t.Helper()
	got, err := w.Send(t.Context(), m)
	if err != nil || got != want {
		t.Fatalf("Send = %s, %v; want %s", got, err, want)
	}
	return w.row(t, m)
}

func (w *world) row(t *testing.T, m Mail) Delivery {
	t.Helper()
	d, err := w.Delivery(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAMailIsSentOnceHoweverOftenItIsAskedFor(t *testing.T) {
	t.Parallel()
	p := &post{}
	w := open(t, p)
	m := aMail()
	for range 3 {
		d := w.must(t, m, Sent)
		if d.Status != Sent || d.Attempts != 1 || d.SentAt == nil || d.Kind != m.Kind || d.Subject != m.Subject {
			t.Errorf("row %+v", d)
		}
	}
	if len(p.taken) != 1 {
		t.Fatalf("%d mails", len(p.taken))
	}
	e := p.taken[0]
	if e.MessageID != w.row(t, m).ID.String()+"@ararat.example" || e.To != (netmail.Address{Name: "Anahit Sargsyan", Address: "anahit@mail.example"}) ||
		e.From != (netmail.Address{Name: "Ararat Ceramics", Address: "shop@ararat.example"}) || e.ReplyTo != "help@ararat.example" ||
		!strings.Contains(e.Text, "Հարգելի Anahit Sargsyan") {
		t.Errorf("envelope %+v", e)
	}
	other := m
	other.Kind = Cancelled
	w.must(t, other, Sent)
	other = m
	other.Merchant = id.New()
	w.must(t, other, Sent)
	other = m
	other.Key = "order_confirmation:again"
	w.must(t, other, Sent)
	if len(p.taken) != 4 {
		t.Errorf("%d mails, another kind, merchant or key is another mail", len(p.taken))
	}
}

func TestOfManyWorkersAtOnceOnlyOneSends(t *testing.T) {
	t.Parallel()
	inside, release := make(chan struct{}), make(chan struct{})
	p := &post{act: func(call int) error {
		if call == 1 {
			close(inside)
			<-release
		}
		return nil
	}}
	w := open(t, p)
	m := aMail()
	first := make(chan error, 1)
	go func() { _, err := w.Send(t.Context(), m); first <- err }()
	<-inside
	var others sync.WaitGroup
	for range 7 {
		others.Go(func() {
			if status, err := w.Send(t.Context(), m); status != Sending || !errors.Is(err, ErrInFlight) {
				t.Errorf("Send = %s, %v", status, err)
			}
		})
	}
	others.Wait()
	close(release)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	w.must(t, m, Sent)
	if p.calls != 1 {
		t.Errorf("sent %d times", p.calls)
	}
}

// die ends the worker's goroutine on the spot, as a crash ends its process.
func die(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func TestAWorkerThatDiesIsReplacedUnderTheSameMessageID(t *testing.T) {
	t.Parallel()
	for name, handedOver := range map[string]bool{"before the server took it": false, "after the server took it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &post{}
			p.act = func(call int) error {
				if call == 1 {
					if handedOver {
						p.mu.Lock()
						p.taken = append(p.taken, Envelope{MessageID: "first"})
						p.mu.Unlock()
					}
					runtime.Goexit()
				}
				return nil
			}
			w := open(t, p)
			m := aMail()
			die(func() { _, _ = w.Send(t.Context(), m) })
			before := w.row(t, m)
			if before.Status != Sending {
				t.Fatalf("row %+v", before)
			}
			if _, err := w.Send(t.Context(), m); !errors.Is(err, ErrInFlight) {
				t.Errorf("the dead worker's lease was not kept: %v", err)
			}
			w.clock.Advance(lease)
			after := w.must(t, m, Sent)
			last := p.taken[len(p.taken)-1]
			if after.ID != before.ID || after.Attempts != 2 || last.MessageID != before.ID.String()+"@ararat.example" {
				t.Errorf("row %+v, Message-ID %s", after, last.MessageID)
			}
			w.clock.Advance(time.Hour)
			w.must(t, m, Sent)
			if p.calls != 2 {
				t.Errorf("sent %d times", p.calls)
			}
		})
	}
}

func TestALostAnswerLeadsToTheSameMailAgain(t *testing.T) {
	t.Parallel()
	srv := start(t, &server{answers: map[string]string{atBody: cut}})
	w := open(t, sender(t, "smtp://"+srv.addr))
	m := aMail()
	for n := 1; n <= 2; n++ {
		if status, err := w.Send(t.Context(), m); status != Queued || err == nil {
			t.Fatalf("Send = %s, %v", status, err)
		}
	}
	mails := srv.accepted()
	if len(mails) != 2 {
		t.Fatalf("%d mails", len(mails))
	}
	var ids []string
	for _, raw := range mails {
		msg, err := netmail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, msg.Header.Get("Message-ID"))
	}
	if want := "<" + w.row(t, m).ID.String() + "@ararat.example>"; ids[0] != want || ids[1] != want {
		t.Errorf("Message-IDs %v, want %s twice", ids, want)
	}
}

func TestAFailureThatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := &post{act: func(call int) error {
		if call == 1 {
			return errors.New("451 mailbox of <anahit@mail.example> busy")
		}
		return nil
	}}
	w := open(t, p)
	m := aMail()
	if status, err := w.Send(t.Context(), m); status != Queued || err == nil {
		t.Fatalf("Send = %s, %v", status, err)
	}
	if d := w.row(t, m); d.Status != Queued || d.Attempts != 1 || !strings.Contains(d.LastError, "451") || strings.Contains(d.LastError, "@") {
		t.Errorf("row %+v", d)
	}
	if d := w.must(t, m, Sent); d.Attempts != 2 || d.LastError != "" {
		t.Errorf("row %+v", d)
	}
}

func TestARefusedMailIsNeverTriedAgain(t *testing.T) {
	t.Parallel()
	p := &post{act: func(int) error { return ErrRefused.Because(errors.New("550 no such user")) }}
	w := open(t, p)
	m := aMail()
	for range 3 {
		if d := w.must(t, m, Failed); d.LastError != "550 no such user" || d.SentAt != nil {
			t.Errorf("row %+v", d)
		}
		w.clock.Advance(time.Hour)
	}
	if p.calls != 1 {
		t.Errorf("tried %d times", p.calls)
	}
}

func TestAnErasedContactGetsNoMail(t *testing.T) {
	t.Parallel()
	p := &post{}
	w := open(t, p)
	w.people.err = fault.New(fault.NotFound, "test_contact_gone", "Gone.")
	w.must(t, aMail(), Failed)
	w.people.err, w.people.email = nil, "anahit"
	w.must(t, aMail(), Failed)
	w.people.err = errors.New("the database is away")
	m := aMail()
	if status, err := w.Send(t.Context(), m); status != Queued || err == nil {
		t.Errorf("Send = %s, %v", status, err)
	}
	w.people.err, w.people.email = nil, "anahit@mail.example"
	w.must(t, m, Sent)
	if len(p.taken) != 1 {
		t.Errorf("%d mails", len(p.taken))
	}
}

func TestAMailThatCannotBeWrittenWaitsUntilItCan(t *testing.T) {
	t.Parallel()
	p := &post{}
	w := open(t, p)
	m := aMail()
	m.Data.Totals = nil
	if status, err := w.Send(t.Context(), m); status != Queued || !errors.Is(err, ErrIncomplete) {
		t.Fatalf("Send = %s, %v", status, err)
	}
	if d := w.row(t, m); !strings.Contains(d.LastError, "totals") {
		t.Errorf("row %+v", d)
	}
	m.Data.Totals = full().Totals
	w.must(t, m, Sent)
}

func TestALateFailureCannotUndoASentMail(t *testing.T) {
	t.Parallel()
	inside, release := make(chan struct{}), make(chan struct{})
	p := &post{act: func(call int) error {
		if call == 1 {
			close(inside)
			<-release
			return errors.New("too late")
		}
		return nil
	}}
	w := open(t, p)
	m := aMail()
	first := make(chan struct{})
	go func() { defer close(first); _, _ = w.Send(t.Context(), m) }()
	<-inside
	w.clock.Advance(lease)
	w.must(t, m, Sent)
	close(release)
	<-first
	if d := w.row(t, m); d.Status != Sent || d.Attempts != 2 || d.LastError != "" {
		t.Errorf("row %+v", d)
	}
}

func TestTheOutcomeIsNotedThoughTheCallerIsGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := &post{act: func(int) error { cancel(); return nil }}
	w := open(t, p)
	m := aMail()
	if status, err := w.Send(ctx, m); status != Sent || err != nil {
		t.Fatalf("Send = %s, %v", status, err)
	}
	if d := w.row(t, m); d.Status != Sent {
		t.Errorf("row %+v", d)
	}
}

func TestNoOnesDataIsStoredWhenMailIsSent(t *testing.T) {
	t.Parallel()
	calls := []error{nil, errors.New("450 <anahit@mail.example> Anahit@MAIL.example busy"), ErrRefused.Because(errors.New("550 anahit@mail.example unknown"))}
	for _, outcome := range calls {
		w := open(t, &post{act: func(int) error { return outcome }})
		_, _ = w.Send(t.Context(), aMail())
		var row string
		if err := w.db.QueryRow(t.Context(), "select lower(d::text) from deliveries d").Scan(&row); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"anahit", "mail.example", "abovyan", "mug", "ds-7k3m"} {
			if strings.Contains(row, secret) {
				t.Errorf("%v: the row holds %q: %s", outcome, secret, row)
			}
		}
	}
}

func TestInTheDemoMailIsKeptToBeRead(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	var mails []Mail
	merchant := id.New()
	for _, kind := range Kinds() {
		m := aMail()
		m.Merchant, m.Kind = merchant, kind
		mails = append(mails, m)
		w.must(t, m, Captured)
		w.must(t, m, Captured)
		w.clock.Advance(time.Second)
	}
	list, err := w.CapturedMails(t.Context(), 3)
	if err != nil || len(list) != 3 || list[0].Kind != SignInCode || list[2].Kind != Cancelled {
		t.Fatalf("list %+v, %v", list, err)
	}
	one, err := w.CapturedMail(t.Context(), list[1].ID)
	if err != nil || one.To != "anahit@mail.example" || one.Merchant != merchant ||
		!strings.Contains(one.HTML, "DS-7K3M-Q2XT-H") || !strings.Contains(one.Text, "Անահիտ") && !strings.Contains(one.Text, "Anahit") ||
		!strings.Contains(one.Subject, "DS-7K3M-Q2XT-H") {
		t.Errorf("mail %+v, %v", one, err)
	}
	if _, err := w.CapturedMail(t.Context(), id.New()); !errors.Is(err, ErrNoMail) {
		t.Errorf("err = %v", err)
	}
	if _, err := w.Delivery(t.Context(), aMail()); !errors.Is(err, ErrNoMail) {
		t.Errorf("err = %v", err)
	}
	m := mails[len(mails)-1]
	if err := db.Run(t.Context(), w.db, func(tx db.Tx) error { return w.Forget(t.Context(), tx, m.Merchant, m.Contact) }); err != nil {
		t.Fatal(err)
	}
	if one, err := w.CapturedMail(t.Context(), list[0].ID); err != nil || one.To+one.HTML+one.Text+one.Subject != "" {
		t.Errorf("after erasure %+v, %v", one, err)
	}
	if other, err := w.CapturedMail(t.Context(), list[1].ID); err != nil || other.HTML == "" {
		t.Errorf("another contact's mail was blanked: %v", err)
	}
}

func TestTheSenderMustBeAnAddress(t *testing.T) {
	t.Parallel()
	for from, ok := range map[string]bool{"Shop <shop@localhost>": true, "shop@x.example": true, "": false, "Shop": false, "a@b, c@d": false} {
		if _, err := New(Options{From: from}); (err == nil) != ok {
			t.Errorf("%q: %v", from, err)
		}
	}
}
