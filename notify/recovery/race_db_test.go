package recovery

import (
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/notify"
)

// Buyers and reminders meet at the same carts. Whoever has bought by the time of
// the last look gets no mail, and nobody gets two.
func TestNobodyIsRemindedOfWhatTheyHaveBought(t *testing.T) {
	t.Parallel()
	races := 100
	if os.Getenv("DOORSTEP_TEST_THOROUGH") != "" {
		races = 1000
	}
	w := newWorld(t)
	carts := make([]uuid.UUID, races)
	owner := map[uuid.UUID]string{}
	for i := range carts {
		contact := id.New()
		carts[i] = w.leave(contact)
		owner[carts[i]] = contact.String() + "@mail.example"
	}
	w.clock.Advance(time.Hour)
	bought := sync.Map{} // cart -> when, by the database's clock, under its lock
	var all sync.WaitGroup
	for _, half := range [][]uuid.UUID{carts[:races/2], carts[races/2:]} {
		all.Go(func() {
			for i := len(half) - 1; i >= 0; i-- {
				if err := w.purchase(half[i], &bought); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Go(w.remind)
	all.Wait()
	w.remind()
	got := w.recipients()
	mailed, missed := 0, 0
	for _, cart := range carts {
		n := got[owner[cart]]
		if n > 1 {
			t.Errorf("%d mails about one cart", n)
		}
		if n == 0 {
			missed++
			continue
		}
		mailed++
		var checked time.Time
		if err := w.DB.QueryRow(t.Context(), `select r.checked_real from recovery_reminders r join recovery_plans p on p.id = r.plan_id where p.cart_id = $1 and r.step = 1`, cart).Scan(&checked); err != nil {
			t.Fatal(err)
		}
		if when, ok := bought.Load(cart); ok && !checked.Before(when.(time.Time)) { // nothing else is stored
			t.Errorf("reminded at %s of what was bought at %s", checked, when)
		}
	}
	t.Logf("%d were mailed, %d were not", mailed, missed)
}

// purchase buys a cart as the checkout does, and notes the moment.
func (w *world) purchase(cart uuid.UUID, bought *sync.Map) error {
	var when time.Time
	err := db.Run(w.t.Context(), w.DB, func(tx db.Tx) error {
		if _, err := tx.Exec(w.t.Context(), `select from carts where id = $1 for no key update`, cart); err != nil {
			return err
		}
		if err := tx.QueryRow(w.t.Context(), `select clock_timestamp()`).Scan(&when); err != nil {
			return err
		}
		tx.Queue(`update carts set status = 'converted' where id = $1`, cart)
		return nil
	})
	bought.Store(cart, when)
	return err
}

func TestAPurchaseAtTheVeryLastMomentCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contact := id.New()
	cart := w.leave(contact)
	w.post.before = func(*notify.Envelope) error { w.buy(contact, &cart, 3000); return nil } // the mail server waits already
	w.later(time.Hour)
	if n := len(w.post.mails()); n != 0 {
		t.Errorf("%d mails", n)
	}
	w.is(cart, "skipped bought", "skipped bought", "skipped bought")
	var counted int
	if err := w.DB.QueryRow(t.Context(), `select count(*) from gate_decisions where passed_at is not null`).Scan(&counted); err != nil || counted != 0 {
		t.Errorf("a mail that was not sent counts, %v", err)
	}
}

func TestAReminderWhoseProgramDiedIsNeitherLostNorSentToABuyer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	died := func(contact uuid.UUID) uuid.UUID {
		cart := w.leave(contact)
		w.clock.Advance(time.Hour)
		w.remind()
		w.exec(`update deliveries set status = 'sending', sent_at = null where contact_id = $1`, contact)
		w.exec(`update recovery_reminders r set status = 'planned', sent_at = null from recovery_plans p where p.id = r.plan_id and p.cart_id = $1 and r.step = 1`, cart)
		return cart
	}
	contact, buyer := id.New(), id.New()
	cart := died(contact)
	w.remind()
	w.is(cart, "planned", "planned", "planned") // another worker may be at it
	w.later(time.Minute)
	w.is(cart, "sent", "planned", "planned")
	ids := map[string]bool{}
	for _, e := range w.post.mails() {
		ids[e.MessageID] = true
	}
	if len(w.post.mails()) != 2 || len(ids) != 1 {
		t.Errorf("%d mails with %d names", len(w.post.mails()), len(ids))
	}
	theirs := died(buyer)
	w.buy(buyer, &theirs, 3000)
	w.later(time.Minute)
	w.is(theirs, "skipped bought", "skipped bought", "skipped bought")
	var status string
	if err := w.DB.QueryRow(t.Context(), `select status from deliveries where contact_id = $1`, buyer).Scan(&status); err != nil || status != "dropped" {
		t.Errorf("%s, %v", status, err)
	}
	if n := w.recipients()[buyer.String()+"@mail.example"]; n != 1 {
		t.Errorf("%d mails to the buyer", n)
	}
}
