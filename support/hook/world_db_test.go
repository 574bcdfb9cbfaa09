package hook

import (
	"context"
	"encoding/json"
	"errors"
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
	"doorstep/internal/locale"
	"doorstep/notify"
	"doorstep/notify/gate"
	"doorstep/support/desk"
)

// monday is ten in the morning where the shop is.
var monday = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

type world struct {
	*Service
	t        *testing.T
	clock    *clock.Manual
	merchant uuid.UUID
	order    uuid.UUID
	contact  uuid.UUID
	mails    *post
}

// post counts the mails that a mail server took; while it is down it takes none.
type post struct {
	sent atomic.Int64
	down atomic.Bool
}

func (p *post) Send(context.Context, notify.Envelope) error {
	if p.down.Load() {
		return errDown
	}
	p.sent.Add(1)
	return nil
}

var errDown = errors.New("no mail server")

type noConsents struct{}

func (noConsents) MailConsent(context.Context, db.Tx, uuid.UUID, []byte, []string) (granted, confirmed, found bool, err error) {
	return false, false, false, nil
}

type noLinks struct{}

func (noLinks) Sign(merchant, mail uuid.UUID, _ time.Time) string {
	return merchant.String() + mail.String()
}
func (noLinks) Open(string, time.Time) (merchant, mail uuid.UUID, err error) {
	return merchant, mail, gate.ErrLink
}

type people struct{}

func (people) Person(_ context.Context, _, contact uuid.UUID) ([]byte, error) { return contact[:], nil }
func (people) PersonByEmail(_ uuid.UUID, email string) []byte                 { return []byte(email) }
func (people) Contact(context.Context, uuid.UUID, uuid.UUID) (name, email string, err error) {
	return "Anahit", "anahit@mail.example", nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.At(monday), merchant: id.New(), order: id.New(), contact: id.New(), mails: &post{}}
	d := dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	mail, err := notify.New(notify.Options{DB: d, Clock: w.clock, Contacts: people{}, Sender: w.mails, From: "shop@shop.example"})
	if err != nil {
		t.Fatal(err)
	}
	w.Service = New(Config{
		DB: d, Orders: w, Letters: w, Mail: mail, Person: people{}.Person,
		Desks: desk.NewDesks(d, func(context.Context, uuid.UUID) (string, error) { return "Asia/Yerevan", nil }, Begin(d)),
		Gate:  gate.New(gate.Options{DB: d, Clock: w.clock, Consents: noConsents{}, People: people{}, Links: noLinks{}, URL: "https://shop.example"}),
	})
	w.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, monday)
	return w
}

func (w *world) About(_ context.Context, _, order uuid.UUID) (About, error) {
	if order != w.order {
		return About{}, fault.New(fault.NotFound, "none_such", "None.")
	}
	return About{
		Contact: w.contact, Number: "DS-7K3M-Q2XT-H", Facts: map[string]any{"order.total": int64(5000), "order.country": "AM", "order.skus": []string{"MUG"}},
		Snapshot: map[string]any{"number": "DS-7K3M-Q2XT-H"},
	}, nil
}

func (w *world) Letter(_ context.Context, n Notice) (notify.Mail, error) {
	return notify.Mail{
		Merchant: n.Merchant, Kind: notify.SupportNews, Subject: n.Subject, Key: "hook:" + string(n.Event) + ":" + n.Subject.String(), Contact: n.Contact, Lang: locale.En,
		Data: notify.Data{Shop: notify.Shop{Name: "Shop"}, Order: notify.Order{Number: "DS-7K3M-Q2XT-H", URL: "https://shop.example/t/x", Currency: "EUR"}, News: &notify.News{Topic: "claim"}},
	}, nil
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.DB.Exec(context.WithoutCancel(w.t.Context()), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.DB.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// has checks how many there are of what.
func (w *world) has(want int, what string) {
	w.t.Helper()
	if n := w.count(`select count(*) from ` + what); n != want {
		w.t.Errorf("%d of %s, want %d", n, what, want)
	}
}

func (w *world) late(parcel uuid.UUID) Signal {
	return Signal{
		Merchant: w.merchant, Event: ShipmentDelayed, Key: "shipment_delayed:" + parcel.String(), Subject: parcel, Order: w.order, At: w.clock.Now(),
		Facts: map[string]any{"event.reason": "promised", "event.days": int64(2)},
	}
}

func (w *world) raise(n Signal) {
	w.t.Helper()
	if err := w.Raise(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
}

// post hands out what waits in the outbox of one kind, as the jobs would: each event
// several times and at once.
func (w *world) deliver(times int) {
	w.t.Helper()
	rows, err := w.DB.Query(w.t.Context(), `delete from outbox where event = 'support.notice_due' returning payload`)
	if err != nil {
		w.t.Fatal(err)
	}
	var due []NoticeDue
	for rows.Next() {
		var text []byte
		var e NoticeDue
		if err := rows.Scan(&text); err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal(text, &e); err != nil {
			w.t.Fatal(err)
		}
		due = append(due, e)
	}
	rows.Close()
	for _, e := range due {
		var all sync.WaitGroup
		for range times {
			all.Go(func() {
				if err := w.Tell(w.t.Context(), e); err != nil && !fault.Is(err, notify.ErrInFlight) {
					w.t.Error(err)
				}
			})
		}
		all.Wait()
	}
}
