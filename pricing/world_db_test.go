package pricing

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

// world is one merchant with a database of its own.
type world struct {
	*Service
	t        testing.TB
	db       *db.DB
	clock    *clock.Manual
	merchant uuid.UUID
}

func newWorld(t testing.TB) *world {
	t.Helper()
	c := clock.At(now)
	base := dbtest.New(t, func(config *db.Config) { config.Clock = c })
	w := &world{t: t, clock: c, db: base.DB, merchant: id.New()}
	w.Service = New(w.db, func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error {
		_, err := tx.Exec(ctx, `update merchants set config_version = config_version + 1 where id = $1`, merchant)
		return err
	})
	w.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, now)
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) version() int64 {
	w.t.Helper()
	return w.count(`select config_version from merchants where id = $1`, w.merchant)
}

func (w *world) create(p Promotion) Record {
	w.t.Helper()
	if len(p.Name) == 0 {
		p.Name = map[string]string{"en": "test"}
	}
	r, err := w.CreatePromotion(w.t.Context(), w.merchant, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// redeem uses a promotion for a new checkout.
func (w *world) redeem(customer string, u Use) (checkout uuid.UUID, err error) {
	checkout = id.New()
	return checkout, w.redeemFor(checkout, 1, customer, u)
}

func (w *world) redeemFor(checkout uuid.UUID, attempt int, customer string, u Use) error {
	if u.Currency == "" {
		u.Currency = "EUR"
	}
	return RedeemError(db.Run(w.t.Context(), w.db, func(tx db.Tx) error {
		w.Redeem(tx, w.merchant, checkout, attempt, []byte(customer), []Use{u})
		return nil
	}))
}

func (w *world) release(checkout uuid.UUID, attempt int) {
	w.t.Helper()
	if err := db.Run(w.t.Context(), w.db, func(tx db.Tx) error {
		w.Release(tx, w.merchant, checkout, attempt)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
}
