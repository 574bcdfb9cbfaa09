package recovery

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/notify"
	"doorstep/notify/gate"
)

func TestThreeRemindersComeInTheirTimeAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cart := w.leave(id.New())
	w.later(59 * time.Minute)
	w.is(cart, "planned", "planned", "planned")
	w.later(time.Minute)
	w.is(cart, "sent", "planned", "planned")
	w.later(23 * time.Hour) // a day after it was left, and 23 hours after the first mail
	w.is(cart, "sent", "planned frequency_cap", "planned")
	w.later(time.Hour)
	w.is(cart, "sent", "sent", "planned")
	w.later(48 * time.Hour)
	w.is(cart, "sent", "sent", "sent")
	for range 10 {
		w.later(24 * time.Hour)
	}
	mails := w.post.mails()
	if len(mails) != 3 {
		t.Fatalf("%d mails", len(mails))
	}
	first := mails[0]
	if !strings.Contains(first.Text, "2 × Mug · €30.00") || !strings.Contains(first.Text, "https://shop.example/recover/r") ||
		!strings.HasPrefix(first.Unsubscribe, "https://shop.example/unsubscribe/u") || !strings.Contains(first.Text, "Komitas 5") {
		t.Errorf("%s %s", first.Unsubscribe, first.Text)
	}
	if strings.Index(first.Text, "Mug") > strings.Index(first.Text, "/recover/") {
		t.Error("the lines do not come first")
	}
	if !strings.Contains(mails[2].Text, "last time") || strings.Contains(mails[1].Text, "last time") {
		t.Error("the last mail does not say so")
	}
	var dues int
	if err := w.DB.QueryRow(t.Context(), `select count(*) from outbox where event = 'recovery.due' and payload ->> 'mail' = 'sent'`).Scan(&dues); err != nil || dues != 3 {
		t.Errorf("told of %d, %v", dues, err)
	}
}

func TestNothingIsSentOnceItSpeaksAgainstIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(w *world, contact, cart uuid.UUID)
		want    string // of the first reminder
		closes  bool
	}{
		"bought": {func(w *world, contact, cart uuid.UUID) { w.buy(contact, &cart, 3000) }, "skipped bought", true},
		"bought and told of": {func(w *world, contact, cart uuid.UUID) {
			w.buy(contact, &cart, 3000)
			w.must(w.Converted(w.t.Context(), w.merchant, cart, w.clock.Now()))
		}, "skipped bought", true},
		"bought elsewhere": {func(w *world, contact, _ uuid.UUID) { w.buy(contact, nil, 3000) }, "skipped bought_otherwise", true},
		"back":             {func(w *world, _, cart uuid.UUID) { w.exec(`update carts set status = 'recovered' where id = $1`, cart) }, "skipped shopper_back", true},
		"back and told of": {func(w *world, _, cart uuid.UUID) { w.must(w.Returned(w.t.Context(), w.merchant, cart, w.clock.Now())) }, "skipped shopper_back", true},
		"merged":           {func(w *world, _, cart uuid.UUID) { w.exec(`update carts set status = 'merged' where id = $1`, cart) }, "skipped cart_gone", true},
		"paying": {func(w *world, _, cart uuid.UUID) {
			w.exec(`update carts set paying = $2 where id = $1`, cart, id.New())
		}, "planned paying", false},
		"sold out":              {func(w *world, _, _ uuid.UUID) { w.shelf.set(func() { w.shelf.units[w.mug] = 0 }) }, "skipped out_of_stock", false},
		"off":                   {func(w *world, _, _ uuid.UUID) { w.change(func(s *Settings) { s.Enabled = false }) }, "planned", false},
		"stopped":               {func(w *world, _, _ uuid.UUID) { w.stop() }, "planned", false},
		"another cart was left": {func(w *world, contact, _ uuid.UUID) { w.leave(contact) }, "skipped newer_cart", true},
		"the others are first":  {func(w *world, _, _ uuid.UUID) { w.crowd.buckets["canary"] = 9999 }, "planned canary", false},
		"unsubscribed": {func(w *world, contact, _ uuid.UUID) {
			w.must(db.Run(w.t.Context(), w.DB, func(tx db.Tx) error {
				_, err := w.Gate.Suppress(w.t.Context(), tx, w.merchant, contact[8:], "reminders", gate.ReasonUnsubscribed, "test")
				return err
			}))
		}, "skipped unsubscribed", true},
		"erased": {func(w *world, contact, _ uuid.UUID) {
			w.must(db.Run(w.t.Context(), w.DB, func(tx db.Tx) error { return w.Forget(w.t.Context(), tx, w.merchant, contact) }))
		}, "skipped contact_erased", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			contact := id.New()
			cart := w.leave(contact)
			w.clock.Advance(time.Minute)
			c.happens(w, contact, cart)
			w.later(59 * time.Minute)
			status, code, _ := strings.Cut(c.want, " ")
			rest := "planned"
			if c.closes {
				rest = "skipped " + code
			}
			w.is(cart, strings.TrimSpace(status+" "+code), rest, rest)
			if name != "another cart was left" && len(w.post.mails()) != 0 {
				t.Errorf("%d mails", len(w.post.mails()))
			}
		})
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stop() {
	w.t.Helper()
	_, err := w.Stop(w.t.Context(), w.merchant, "too many complaints")
	w.must(err)
}

func TestTheStopButtonHoldsBackWhatIsNotHandedOverYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cart := w.leave(id.New())
	w.post.before = func(*notify.Envelope) error { w.stop(); return nil } // the mail server waits already
	w.later(time.Hour)
	if len(w.post.mails()) != 0 {
		t.Fatal("it was sent all the same")
	}
	w.is(cart, "planned stopped", "planned", "planned")
	w.post.before = nil
	w.later(time.Hour)
	if _, err := w.Resume(t.Context(), w.merchant); err != nil {
		t.Fatal(err)
	}
	w.remind()
	w.is(cart, "sent", "planned", "planned")
}

func TestAMailServerThatIsAwayIsTriedAgainAndAnAddressThatIsNotNever(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cart := w.leave(id.New())
	away := true
	w.post.before = func(*notify.Envelope) error {
		if away {
			return errors.New("421 come back later")
		}
		return nil
	}
	w.later(time.Hour)
	w.is(cart, "planned retry", "planned", "planned")
	away = false
	w.later(time.Minute)
	w.is(cart, "sent", "planned", "planned")
	other := w.leave(id.New())
	w.post.before = func(*notify.Envelope) error { return notify.ErrRefused.Because(notify.ErrNobody) }
	w.later(time.Hour)
	w.is(other, "skipped mail_refused", "skipped mail_refused", "skipped mail_refused")
}

func TestWhoIsHeldOutIsNeverWrittenToButRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delete(w.crowd.buckets, "hold-out")
	w.change(func(s *Settings) { s.HoldoutBps = 5000 })
	people := map[string]bool{}
	for range 40 {
		contact := id.New()
		people[contact.String()+"@mail.example"] = w.crowd.Bucket("hold-out", w.merchant, contact[8:]) < 5000
		w.leave(contact)
	}
	w.later(time.Hour)
	got := w.recipients()
	heldOut := 0
	for email, out := range people {
		if want := map[bool]int{true: 0, false: 1}[out]; got[email] != want {
			t.Errorf("%d mails to somebody held out: %v", got[email], out)
		}
		if out {
			heldOut++
		}
	}
	var n, told int
	if err := w.DB.QueryRow(t.Context(), `select count(*) filter (where status = 'held_out' and sent_at is not null),
		(select count(*) from outbox where event = 'recovery.due') from recovery_reminders`).Scan(&n, &told); err != nil || n != heldOut || told != 40-heldOut || heldOut < 8 {
		t.Errorf("%d of %d held out are written down, told of %d, %v", n, heldOut, told, err)
	}
	// A smaller share keeps no one who was not in the larger, and the other way round.
	for range 200 {
		person := id.New()
		if w.arm(w.merchant, person[8:], 1000) == Holdout && w.arm(w.merchant, person[8:], 2000) != Holdout {
			t.Fatal("somebody left the hold-out when it grew")
		}
	}
}

func TestTheCanaryGoesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delete(w.crowd.buckets, "canary")
	w.change(func(s *Settings) { s.CanaryBps = 2500 })
	for range 40 {
		w.leave(id.New())
	}
	w.later(time.Hour)
	first := len(w.post.mails())
	if first < 2 || first > 20 {
		t.Errorf("%d of 40 at first", first)
	}
	w.later(22*time.Hour + 59*time.Minute)
	if n := len(w.post.mails()); n != first {
		t.Errorf("%d before the time", n)
	}
	w.later(time.Minute) // 24 hours after it was turned on
	if n := len(w.post.mails()); n != 40 {
		t.Errorf("%d in the end", n)
	}
}

func TestARemindersLinkShowsWithoutActingAndRestoresAnyNumberOfTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contact := id.New()
	cart := w.leave(contact)
	w.later(time.Hour)
	text := w.post.mails()[0].Text
	token := strings.Fields(text[strings.Index(text, "/recover/")+len("/recover/"):])[0]
	w.shelf.set(func() { w.shelf.price[w.mug], w.shelf.units[w.mug] = 1700, 1 })
	for range 2 {
		v, err := w.Preview(t.Context(), token, "")
		if err != nil || v.State != "open" || !v.Changed || v.Restored || len(v.Lines) != 1 || v.Lines[0].Change != FewerLeft || v.Lines[0].WasUnit != 1500 || v.Lines[0].Unit != 1700 {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	w.is(cart, "sent", "planned", "planned")
	var secret string
	for range 3 {
		v, err := w.Restore(t.Context(), token, "hy")
		if err != nil || v.Basket.ID != cart || v.Basket.Secret == "" || secret != "" && v.Basket.Secret != secret {
			t.Fatalf("%+v, %v", v, err)
		}
		secret = v.Basket.Secret
	}
	w.is(cart, "sent", "skipped restored", "skipped restored")
	w.buy(contact, &cart, 3400)
	w.buy(contact, nil, 900)
	if r, err := w.Report(t.Context(), w.merchant, start, start.Add(24*time.Hour)); err != nil || r.Currencies[0].AttributedMinor != 3400 || r.Currencies[0].AttributedOrders != 1 {
		t.Errorf("owed to the link: %+v, %v", r, err)
	}
	if v, err := w.Preview(t.Context(), token, ""); err != nil || v.State != "bought" {
		t.Errorf("%+v, %v", v, err)
	}
	for _, wrong := range []string{"", "r", "u" + token[1:], "r" + w.merchant.String() + "_" + id.New().String() + "_9999999999", "r" + id.New().String() + token[37:]} {
		if _, err := w.Preview(t.Context(), wrong, ""); !fault.Is(err, ErrLink) {
			t.Errorf("%q shows something: %v", wrong, err)
		}
		if _, err := w.Restore(t.Context(), wrong, ""); !fault.Is(err, ErrLink) {
			t.Errorf("%q opens something: %v", wrong, err)
		}
	}
	w.clock.Advance(30 * 24 * time.Hour)
	if _, err := w.Restore(t.Context(), token, ""); !fault.Is(err, ErrLink) {
		t.Errorf("an old link opens: %v", err)
	}
}

func TestSettingsAreCheckedAndRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for field, spoil := range map[string]func(*Settings){
		"body.delays_minutes":    func(s *Settings) { s.DelaysMinutes = nil },
		"body.delays_minutes[1]": func(s *Settings) { s.DelaysMinutes = []int{60, 60} },
		"body.caps":              func(s *Settings) { s.Caps = nil },
		"body.caps[0]":           func(s *Settings) { s.Caps = []gate.Cap{{Mails: 0, Hours: 24}} },
		"body.quiet_from":        func(s *Settings) { s.QuietFrom = "25:00" },
		"body.opt_in_only":       func(s *Settings) { s.OptInOnly = []string{"us"} },
		"body.pilot_bps":         func(s *Settings) { s.CanaryBps = 0 },
		"body.holdout_bps":       func(s *Settings) { s.HoldoutBps = 6000 },
		"body.link_url":          func(s *Settings) { s.LinkURL = "javascript:{token}" },
	} {
		_, err := w.Change(t.Context(), w.merchant, nil, func(s *Settings) error { spoil(s); return nil })
		if f, ok := fault.As(err); !ok || !fault.Is(err, ErrSettings) || f.Fields[0].Location != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	st, err := w.State(t.Context(), w.merchant)
	w.must(err)
	stale := st.Version - 1
	if _, err := w.Change(t.Context(), w.merchant, &stale, func(*Settings) error { return nil }); !fault.Is(err, ErrVersion) {
		t.Errorf("%v", err)
	}
	for range 2 {
		w.stop()
	}
	after, err := w.State(t.Context(), w.merchant)
	if err != nil || after.Version != st.Version+1 || after.StoppedAt == nil || after.StopReason != "too many complaints" {
		t.Errorf("%+v, %v", after, err)
	}
	if other, err := w.State(t.Context(), id.New()); err != nil || other.Enabled || other.HoldoutBps != 1000 || other.Version != 0 {
		t.Errorf("%+v, %v", other, err)
	}
}
