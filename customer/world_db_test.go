package customer_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// world is two merchants, one of whom must never see what is the other's, on a
// clock that stands still.
type world struct {
	t           *testing.T
	ctx         context.Context
	db          *db.DB
	clock       *clock.Manual
	vault       *customer.Vault
	service     *customer.Service
	mine, other uuid.UUID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := clock.At(start)
	base := dbtest.New(t, func(config *db.Config) { config.Clock = c })
	v := vault(t, 7)
	w := &world{t: t, ctx: t.Context(), db: base.DB, clock: c, vault: v, service: customer.New(base.DB, v)}
	t.Cleanup(w.service.Wait)
	w.mine, w.other = w.merchant("Mine"), w.merchant("Other")
	return w
}

func (w *world) merchant(name string) uuid.UUID {
	w.t.Helper()
	m, err := w.service.CreateMerchant(w.ctx, name, customer.DefaultSettings(name, "EUR"))
	if err != nil {
		w.t.Fatal(err)
	}
	return m.ID
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.ctx, sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.db.QueryRow(w.ctx, sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// key makes a key and gives its text.
func (w *world) key(merchant uuid.UUID, n customer.NewKey) (customer.Key, string) {
	w.t.Helper()
	k, text, err := w.service.CreateKey(w.ctx, merchant, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return k, text
}

// contact stores a sealed contact as checkout does.
func (w *world) contact(merchant uuid.UUID, c customer.Contact) uuid.UUID {
	w.t.Helper()
	sealed, err := w.vault.Seal(merchant, c)
	if err != nil {
		w.t.Fatal(err)
	}
	err = db.Run(w.ctx, w.db, func(tx db.Tx) error {
		customer.QueueContact(tx, merchant, sealed, w.clock.Now())
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return sealed.ID
}

// hold does sql in a transaction of its own, which stays open until release.
func (w *world) hold(sql string, args ...any) (release func()) {
	w.t.Helper()
	held, end, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- db.Run(w.ctx, w.db, func(tx db.Tx) error {
			if _, err := tx.Exec(w.ctx, sql, args...); err != nil {
				return err
			}
			close(held)
			<-end
			return nil
		})
	}()
	select {
	case <-held:
	case err := <-done:
		w.t.Fatal(err)
	}
	return func() {
		close(end)
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

// blocked returns as soon as somebody waits for what is held.
func (w *world) blocked() {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if w.count(`select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) > 0 {
			return
		}
	}
	w.t.Error("nobody waits")
}
