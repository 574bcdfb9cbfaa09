package dialog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/skill"
)

// stored is a talker whose conversations are in a database.
type stored struct {
	*talker
	db        *db.DB
	customers *customer.Service
	vault     *customer.Vault
	merchant  uuid.UUID
}

// people are the codes and contacts of the real room of customers.
type people struct {
	*shop
	w *stored
}

func (p people) Contact(ctx context.Context, merchant uuid.UUID, by skill.Who) (uuid.UUID, error) {
	found, err := p.w.customers.PersonByEmail(ctx, merchant, by.EmailHMAC)
	if errors.Is(err, customer.ErrPersonUnknown) {
		err = nil
	}
	return found.ContactID, err
}

func newReal(t *testing.T) *stored {
	t.Helper()
	w := &stored{talker: &talker{t: t, shop: newShop(), clock: clock.At(start), who: who(ana)}}
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	var err error
	if w.vault, err = customer.NewVault(make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	w.customers = customer.New(w.db, w.vault)
	settings := customer.DefaultSettings("Mugs", "EUR")
	m, err := w.customers.CreateMerchant(t.Context(), "Mugs", settings)
	if err != nil {
		t.Fatal(err)
	}
	w.merchant = m.ID
	w.service = dialog.New(dialog.Config{
		Reader: reader(), Skills: w.shop.skills(), Store: dialog.NewRows(w.db), Orders: w.shop, Codes: people{w.shop, w}, Clock: w.clock,
		Settings: func(context.Context, uuid.UUID) (customer.Settings, error) { return settings, nil },
		Secret:   func(_, conversation uuid.UUID) string { return "secret of " + conversation.String() },
	})
	t.Cleanup(w.service.Close)
	return w
}

func (w *stored) message(text string) dialog.Message {
	m := w.talker.message(text)
	m.Merchant = w.merchant
	return m
}

func (w *stored) says(text string) dialog.Reply {
	w.t.Helper()
	return w.sends(w.message(text))
}

func (w *stored) number(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestAConversationIsKeptAsItWasLed(t *testing.T) {
	t.Parallel()
	w := newReal(t)
	w.who = skill.Who{}
	w.says("cancel DS-100242")
	w.says("ana@example.com")
	w.says("111111")
	if r := w.says("123456"); r.Type != skill.Confirm || r.Pending == nil {
		t.Fatalf("%+v", r)
	}
	if r := w.says("yes?"); r.Type != skill.Ask {
		t.Fatalf("%+v", r)
	}
	yes := w.message("yes")
	yes.Key = "k"
	for range 2 {
		if r := w.sends(yes); r.Type != skill.Done || w.state("DS-100242") != "canceled" {
			t.Fatalf("%+v", r)
		}
	}
	if n := w.number(`select tries from assistant_tries where kind = 'code' order by tries desc limit 1`); n != 1 {
		t.Errorf("%d tries", n)
	}
	w.says("I want to talk to a human")
	if r := w.says("hello?"); !r.Silent || r.Handoff.Position != 1 {
		t.Fatalf("%+v", r)
	}
	if _, err := desk.NewStore(w.db).Append(t.Context(), w.merchant, w.conv,
		desk.Message{Author: desk.Note, Body: "a difficult one"}, desk.Message{Author: desk.Staff, Body: "Hello, I am Mary."}); err != nil {
		t.Fatal(err)
	}
	m := w.message("")
	past, err := w.service.Transcript(t.Context(), m, 0, 100)
	if err != nil || past.Status != desk.Waiting || past.Last != nil || past.Said[len(past.Said)-1].Body != "Hello, I am Mary." {
		t.Fatalf("%+v %v", past, err)
	}
	for _, s := range past.Said {
		if s.Author == desk.Note || s.Body == "123456" || s.Body == "ana@example.com" {
			t.Errorf("it shows %q", s.Body)
		}
	}
	m.Secret = "guess"
	if _, err := w.service.Transcript(t.Context(), m, 0, 100); !errors.Is(err, desk.ErrNoConversation) {
		t.Errorf("with a guessed secret: %v", err)
	}
	if n := w.number(`select count(*) from outbox where event = 'support.handed_over'`); n != 1 {
		t.Errorf("%d told that a person was asked for", n)
	}
	w.whole()
}

// whole checks that places have no gaps and nothing was done unconfirmed.
func (w *stored) whole() {
	w.t.Helper()
	if n := w.number(`select count(*) from conversations c where said <> (select coalesce(max(seq), 0) from messages m where m.conversation_id = c.id)
		or said <> (select count(*) from messages m where m.conversation_id = c.id)`); n > 0 {
		w.t.Errorf("%d conversations have gaps", n)
	}
	if n := w.number(`select count(*) from assistant_actions where status in ('running', 'done') and confirmed_seq is null`); n > 0 {
		w.t.Errorf("%d actions were done without a yes", n)
	}
	if n := w.number(`select count(*) from assistant_actions where status not in ('pending', 'running') and arguments <> '{}'`); n > 0 {
		w.t.Errorf("%d ended actions keep what they were about", n)
	}
}

func TestManyWriteAtOnceAndNothingIsLostOrDoneTwice(t *testing.T) {
	t.Parallel()
	w := newReal(t)
	w.says("cancel DS-100242")
	// another program of the same shop: what they share is the database
	other := dialog.New(dialog.Config{
		Reader: reader(), Skills: w.shop.skills(), Store: dialog.NewRows(w.db), Orders: w.shop, Codes: people{w.shop, w}, Clock: w.clock,
		Settings: func(context.Context, uuid.UUID) (customer.Settings, error) {
			return customer.DefaultSettings("Mugs", "EUR"), nil
		},
		Secret: func(_, conversation uuid.UUID) string { return "secret of " + conversation.String() },
	})
	var all sync.WaitGroup
	var mu sync.Mutex
	done, failed := 0, 0
	for i := range 12 {
		all.Go(func() {
			s := w.service
			if i%2 == 1 {
				s = other
			}
			r, err := s.Turn(t.Context(), w.message("yes"))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, desk.ErrConversationMoved):
				failed++
			case err != nil:
				t.Error(err)
			case r.Type == skill.Done:
				done++
			}
		})
		all.Go(func() {
			if _, err := desk.NewStore(w.db).Append(t.Context(), w.merchant, w.conv, desk.Message{Author: desk.Note, Body: fmt.Sprint("note ", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	runs := 0
	for _, n := range w.shop.done {
		runs += n
	}
	if done > 1 || runs > 1 {
		t.Errorf("%d reports, %d runs, %d turned away", done, runs, failed)
	}
	if n := w.number(`select count(*) from messages where author = 'note'`); n != 12 {
		t.Errorf("%d notes", n)
	}
	w.whole()
}

func TestWhoeverIsErasedIsForgottenByTheirConversations(t *testing.T) {
	t.Parallel()
	w := newReal(t)
	sealed, err := w.vault.Seal(w.merchant, customer.Contact{Email: "ana@example.com", Name: "Ana"})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Run(t.Context(), w.db, func(tx db.Tx) error {
		customer.QueueContact(tx, w.merchant, sealed, start)
		return nil
	})
	if err == nil {
		err = w.customers.Remember(t.Context(), w.merchant, sealed.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.customers.OnErase(desk.NewStore(w.db).Forget)
	w.who = skill.Who{Level: skill.Verified, EmailHMAC: sealed.EmailHMAC}
	for _, o := range w.shop.orders {
		if string(o.EmailHMAC) == "ana" {
			o.EmailHMAC = sealed.EmailHMAC
		}
	}
	w.says("change the address of DS-100243")
	if r := w.says("12 Abovyan street, Yerevan 0010, Armenia"); r.Type != skill.Confirm {
		t.Fatalf("%+v", r)
	}
	if _, err := w.customers.Erase(t.Context(), w.merchant, sealed.EmailHMAC); err != nil {
		t.Fatal(err)
	}
	if n := w.number(`select count(*) from messages where body <> '' or data <> '{}'`); n > 0 {
		t.Errorf("%d messages still say something", n)
	}
	if n := w.number(`select count(*) from conversations where state <> '{}' or email_hmac is not null or customer_id is not null`); n > 0 {
		t.Error("the conversation still knows who it was")
	}
	if n := w.number(`select count(*) from assistant_actions where arguments <> '{}' or status = 'pending'`); n > 0 {
		t.Error("the action still holds an address, or waits")
	}
	if r := w.says("yes"); r.Type == skill.Done {
		t.Error("an erased question was answered")
	}
}

func TestErasingOneselfIsReportedAlthoughItForgetsTheConversation(t *testing.T) {
	t.Parallel()
	w := newReal(t)
	w.says("delete my account and all my data please")
	w.shop.doFails = func() error { // what erasing does to the conversation meanwhile
		_, err := w.db.Exec(t.Context(), `update conversations set state = '{}', email_hmac = null, customer_id = null, version = version + 1`)
		return err
	}
	if r := w.says("yes"); r.Type != skill.Done {
		t.Fatalf("%+v", r)
	}
	if n := w.number(`select count(*) from messages where author = 'bot' and body = 'Done.'`); n != 1 {
		t.Errorf("%d reports", n)
	}
	w.whole()
}

func TestPruningEndsWhatNobodyConfirmed(t *testing.T) {
	t.Parallel()
	w := newReal(t)
	w.says("cancel DS-100242")
	w.clock.Advance(10 * time.Minute)
	if n, err := w.service.Sweep(t.Context()); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if n := w.number(`select count(*) from assistant_actions where status = 'expired'`); n != 1 {
		t.Errorf("%d expired", n)
	}
	w.says("where is DS-" + "399999?")
	w.clock.Advance(72 * time.Hour)
	if _, err := w.service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.number(`select count(*) from assistant_tries`); n != 0 {
		t.Errorf("%d tries are kept", n)
	}
	if _, err := w.service.Turn(t.Context(), dialog.Message{Merchant: w.merchant, Conversation: id.New(), Text: "hello"}); !errors.Is(err, desk.ErrNoConversation) {
		t.Error(err)
	}
}
