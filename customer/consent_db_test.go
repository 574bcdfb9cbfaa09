package customer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
)

func (w *world) consent(merchant uuid.UUID, email string, c customer.Consent) {
	w.t.Helper()
	if c.Source == "" {
		c.Source, c.TextVersion = "api", "2026-03 en"
	}
	if err := db.Run(w.ctx, w.db, func(tx db.Tx) error {
		_, err := w.service.RecordConsent(tx, merchant, w.vault.EmailHMAC(merchant, email), c)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) agreed(merchant uuid.UUID, email string) (granted, confirmed, found bool) {
	w.t.Helper()
	if err := db.Run(w.ctx, w.db, func(tx db.Tx) (err error) {
		granted, confirmed, found, err = w.service.MailConsent(w.ctx, tx, merchant, w.vault.EmailHMAC(merchant, email), []string{"reminders", "all"})
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return granted, confirmed, found
}

func TestTheNewestConsentCountsAndTheOthersStayAsProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, _, found := w.agreed(w.mine, "ani@mail.example"); found {
		t.Fatal("consent of somebody who was never asked")
	}
	is := func(granted, confirmed bool) {
		t.Helper()
		if g, c, found := w.agreed(w.mine, " ANI@mail.example"); !found || g != granted || c != confirmed {
			t.Fatalf("granted %v, confirmed %v, found %v; want %v, %v", g, c, found, granted, confirmed)
		}
	}
	w.consent(w.mine, "ani@mail.example", customer.Consent{Topic: "reminders", Granted: true, Confirmed: true})
	is(true, true)
	w.clock.Advance(time.Minute)
	w.consent(w.mine, "ani@mail.example", customer.Consent{Topic: "all", Granted: true}) // ticked again; it stays confirmed
	is(true, true)
	w.clock.Advance(time.Minute)
	w.consent(w.mine, "ani@mail.example", customer.Consent{Topic: "all"})
	is(false, false)
	w.clock.Advance(time.Minute)
	w.consent(w.mine, "ani@mail.example", customer.Consent{Topic: "reminders", Granted: true}) // what was confirmed before the refusal is over
	is(true, false)
	// What is written down late, about earlier, does not count over what came after.
	w.consent(w.mine, "ani@mail.example", customer.Consent{Topic: "reminders", GivenAt: start.Add(-time.Hour)})
	is(true, false)
	w.consent(w.mine, "ani@mail.example", customer.Consent{Topic: "news"}) // another topic
	is(true, false)
	if _, _, found := w.agreed(w.other, "ani@mail.example"); found {
		t.Error("the other shop knows of it")
	}
	log, err := w.service.ConsentLog(w.ctx, w.mine, w.vault.EmailHMAC(w.mine, "ani@mail.example"))
	if err != nil || len(log) != 6 || !log[0].GivenAt.Equal(start.Add(3*time.Minute)) {
		t.Errorf("%d entries, %v", len(log), err)
	}
	export, err := w.service.Export(w.ctx, w.mine, w.vault.EmailHMAC(w.mine, "ani@mail.example"))
	if err != nil || strings.Count(string(export), `"text_version": "2026-03 en"`) != 6 {
		t.Errorf("exported as %s, %v", export, err)
	}
}

func TestAConsentSaysWhatWasReadAndWhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := customer.Consent{Topic: "reminders", Granted: true, Source: "checkout", TextVersion: "v3"}
	for field, spoil := range map[string]func(*customer.Consent){
		"body.topic":        func(c *customer.Consent) { c.Topic = "everything" },
		"body.source":       func(c *customer.Consent) { c.Source = "hearsay" },
		"body.text_version": func(c *customer.Consent) { c.TextVersion = "<b>" },
		"body.country":      func(c *customer.Consent) { c.Country = "am" },
		"body.given_at":     func(c *customer.Consent) { c.GivenAt = start.Add(time.Hour) },
	} {
		c := good
		spoil(&c)
		err := db.Run(w.ctx, w.db, func(tx db.Tx) error {
			_, err := w.service.RecordConsent(tx, w.mine, []byte("x"), c)
			return err
		})
		if f, ok := fault.As(err); !ok || !fault.Is(err, customer.ErrConsent) || len(f.Fields) != 1 || f.Fields[0].Location != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
