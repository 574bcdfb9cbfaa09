package gate

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
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
)

type agreement struct{ granted, confirmed, found bool }

func (a *agreement) MailConsent(context.Context, db.Tx, uuid.UUID, []byte, []string) (granted, confirmed, found bool, err error) {
	return a.granted, a.confirmed, a.found, nil
}

// plainLinks are links that anybody could write.
type plainLinks struct{}

var errForged = fault.New(fault.NotFound, "forged", "Forged.")

func (plainLinks) Sign(merchant, mail uuid.UUID, _ time.Time) string {
	return merchant.String() + "_" + mail.String()
}

func (plainLinks) Open(token string, _ time.Time) (merchant, mail uuid.UUID, err error) {
	a, b, _ := strings.Cut(token, "_")
	if merchant, err = uuid.Parse(a); err == nil {
		mail, err = uuid.Parse(b)
	}
	if err != nil {
		err = errForged
	}
	return merchant, mail, err
}

type addresses struct{}

func (addresses) Person(_ context.Context, _, contact uuid.UUID) ([]byte, error) {
	return contact[:], nil
}

func (addresses) PersonByEmail(_ uuid.UUID, email string) []byte { return []byte(email) }

type world struct {
	*Gate
	clock    *clock.Manual
	consent  *agreement
	merchant uuid.UUID
}

const secret = "whsec_c2VjcmV0IG9mIHRoZSBtYWlsIHByb3ZpZGVy"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{clock: clock.At(noon), consent: &agreement{}, merchant: id.New()}
	d := dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	w.Gate = New(Options{
		DB: d, Clock: w.clock, Consents: w.consent, People: addresses{}, Links: plainLinks{}, URL: "https://shop.example",
		Providers: map[string]Provider{"standard": Standard{[]string{"whsec_b3RoZXI=", secret}}, "mailgun": Mailgun{[]string{"key"}}},
	})
	return w
}

func (w *world) ask(person string, rules Rules) *Ask {
	mail := id.New()
	return &Ask{Merchant: w.merchant, ID: mail, Key: "test:" + mail.String(), Topic: "reminders", Kind: "test", Person: []byte(person), Country: "US", Zone: "America/New_York", Rules: rules}
}

func (w *world) pass(t *testing.T, a *Ask) Answer {
	t.Helper()
	var got Answer
	if err := db.Run(t.Context(), w.db, func(tx db.Tx) (err error) {
		if got, err = w.Pass(t.Context(), tx, a); err == nil && got.Verdict != Allow {
			w.Record(tx, a, got)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	return got
}

func (w *world) is(t *testing.T, a *Ask, verdict Verdict, code string) {
	t.Helper()
	if got := w.pass(t, a); got.Verdict != verdict || got.Code != code {
		t.Fatalf("%s %s, want %s %s", got.Verdict, got.Code, verdict, code)
	}
}

func TestOfManyMailsAtOnceAsManyPassAsTheCapSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for range 24 {
		all.Go(func() {
			if w.pass(t, w.ask("ani", open(Cap{3, 24}))).Verdict == Allow {
				mu.Lock()
				passed++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if passed != 3 {
		t.Errorf("%d passed", passed)
	}
	w.is(t, w.ask("bob", open(Cap{3, 24})), Allow, ByLaw) // of another person
}

func TestAMailThatAsksAgainCountsOnceAndAnUndoneOneNotAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := open(Cap{1, 24})
	first := w.ask("ani", rules)
	w.is(t, first, Allow, ByLaw)
	w.is(t, first, Allow, ByLaw)
	w.is(t, w.ask("ani", rules), Wait, FrequencyCap)
	if err := w.Undo(t.Context(), w.db, w.merchant, first.Key, "bought"); err != nil {
		t.Fatal(err)
	}
	second := w.ask("ani", rules)
	w.is(t, second, Allow, ByLaw)
	w.clock.Advance(24*time.Hour - time.Second)
	w.is(t, w.ask("ani", rules), Wait, FrequencyCap)
	w.clock.Advance(time.Second)
	w.is(t, w.ask("ani", rules), Allow, ByLaw)
	var n int
	if err := w.db.QueryRow(t.Context(), `select count(*) from gate_decisions where verdict = 'wait' and code = 'frequency_cap' and until_at > decided_at`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d waits are written down, %v", n, err)
	}
}

func TestUnsubscribingTakesAPostAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.ask("ani", open())
	w.is(t, a, Allow, ByLaw)
	token := strings.TrimPrefix(w.UnsubscribeURL(w.merchant, a.ID), "https://shop.example/unsubscribe/")
	for range 2 { // looking changes nothing
		if s, err := w.Subscription(t.Context(), token); err != nil || s.Off || s.AllOff || s.Topic != "reminders" {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	w.is(t, w.ask("ani", open()), Allow, ByLaw)
	for range 2 {
		if s, err := w.Unsubscribe(t.Context(), token, false); err != nil || !s.Off || s.AllOff {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	w.consent.granted, w.consent.found = true, true
	w.is(t, w.ask("ani", open()), Refuse, Unsubscribed)
	offers := w.ask("ani", open())
	offers.Topic = "offers"
	w.is(t, offers, Allow, ByConsent)
	if s, err := w.Unsubscribe(t.Context(), token, true); err != nil || !s.Off || !s.AllOff {
		t.Fatalf("%+v, %v", s, err)
	}
	w.is(t, offers, Refuse, Unsubscribed)
	w.is(t, w.ask("bob", open()), Allow, ByConsent)
	if all, err := w.Suppressions(t.Context(), w.merchant, []byte("ani")); err != nil || len(all) != 2 {
		t.Errorf("%d suppressions, %v", len(all), err)
	}
	for _, forged := range []string{"", "x", token[:len(token)-1], id.New().String() + "_" + a.ID.String(), w.merchant.String() + "_" + id.New().String()} {
		if _, err := w.Subscription(t.Context(), forged); !fault.Is(err, ErrLink) {
			t.Errorf("a forged link shows something: %v", err)
		}
		if _, err := w.Unsubscribe(t.Context(), forged, true); !fault.Is(err, ErrLink) {
			t.Errorf("a forged link does something: %v", err)
		}
	}
}

func TestANewConsentLiftsWhatPeopleAskedForButNotWhatTheirServerSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := func(f func(tx db.Tx) error) {
		t.Helper()
		if err := db.Run(t.Context(), w.db, f); err != nil {
			t.Fatal(err)
		}
	}
	suppress := func(topic, reason string) {
		run(func(tx db.Tx) error {
			_, err := w.Suppress(t.Context(), tx, w.merchant, []byte("ani"), topic, reason, "test")
			return err
		})
	}
	lift := func(topic string) {
		run(func(tx db.Tx) error {
			_, err := w.Lift(t.Context(), tx, w.merchant, []byte("ani"), topic, ReasonUnsubscribed)
			return err
		})
	}
	suppress("reminders", ReasonUnsubscribed)
	suppress("offers", ReasonUnsubscribed)
	lift("reminders")
	w.is(t, w.ask("ani", open()), Allow, ByLaw)
	suppress("all", ReasonUnsubscribed)
	suppress("all", ReasonBounce)
	lift("reminders")
	w.is(t, w.ask("ani", open()), Refuse, Bounced)
	for _, bad := range [][2]string{{"weather", ReasonBounce}, {"all", "boredom"}} {
		if err := db.Run(t.Context(), w.db, func(tx db.Tx) error {
			_, err := w.Suppress(t.Context(), tx, w.merchant, []byte("ani"), bad[0], bad[1], "test")
			return err
		}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func standard(id string, at time.Time, body string) http.Header {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	h := http.Header{}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", fmt.Sprint(at.Unix()))
	h.Set("Webhook-Signature", "v1,bm8= v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return h
}

func TestBouncesAndComplaintsEndAllMailToAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contact, mail := id.New(), id.New()
	if _, err := w.db.Exec(t.Context(), `insert into deliveries (merchant_id, id, kind, subject_id, dedupe_key, contact_id, locale, status, message_id, created_at, updated_at)
		values ($1, $2, 'x', $2, 'x', $3, 'en', 'sent', $5, $4, $4)`, w.merchant, mail, contact, noon, mail.String()+"@shop.example"); err != nil {
		t.Fatal(err)
	}
	bounce := `{"type":"bounce","permanent":true,"message_id":"<` + mail.String() + `@shop.example>"}`
	send := func(provider string, merchant uuid.UUID, h http.Header, body string) (Receipt, error) {
		return w.Receive(t.Context(), provider, merchant, h, []byte(body))
	}
	for name, h := range map[string]http.Header{
		"none": {}, "old": standard("a", noon.Add(-6*time.Minute), bounce), "of another body": standard("a", noon, bounce+" "), "early": standard("a", noon.Add(6*time.Minute), bounce),
	} {
		if _, err := send("standard", uuid.Nil, h, bounce); !fault.Is(err, ErrSignature) {
			t.Errorf("signature %s: %v", name, err)
		}
	}
	if _, err := send("post", uuid.Nil, standard("a", noon, bounce), bounce); !fault.Is(err, ErrProvider) {
		t.Errorf("%v", err)
	}
	soft := strings.Replace(bounce, "true", "false", 1)
	if r, err := send("standard", uuid.Nil, standard("a", noon, soft), soft); err != nil || !r.Ignored {
		t.Errorf("a bounce that passes: %+v, %v", r, err)
	}
	if r, err := send("standard", id.New(), standard("b", noon, bounce), bounce); err != nil || !r.Ignored {
		t.Errorf("news of somebody else's mail: %+v, %v", r, err)
	}
	w.is(t, w.ask(string(contact[:]), open()), Allow, ByLaw)
	for i := range 2 {
		if r, err := send("standard", uuid.Nil, standard("c", noon, bounce), bounce); err != nil || r.Duplicate != (i == 1) || r.Ignored {
			t.Errorf("%+v, %v", r, err)
		}
	}
	w.is(t, w.ask(string(contact[:]), open()), Refuse, Bounced)

	mac := hmac.New(sha256.New, []byte("key"))
	fmt.Fprintf(mac, "%dtoken", noon.Unix())
	gun := fmt.Sprintf(`{"signature":{"timestamp":"%d","token":"token","signature":"%s"},"event-data":{"id":"g1","event":"complained","recipient":"bob@mail.example"}}`,
		noon.Unix(), hex.EncodeToString(mac.Sum(nil)))
	if _, err := send("mailgun", w.merchant, nil, strings.Replace(gun, `token"`, `taken"`, 2)); !fault.Is(err, ErrSignature) {
		t.Errorf("%v", err)
	}
	if r, err := send("mailgun", w.merchant, nil, gun); err != nil || r.Ignored {
		t.Errorf("%+v, %v", r, err)
	}
	w.is(t, w.ask("bob@mail.example", open()), Refuse, Complained)
	if _, err := send("mailgun", w.merchant, nil, "[]"); !fault.Is(err, ErrNews) {
		t.Errorf("%v", err)
	}
}
