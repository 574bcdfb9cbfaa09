package supplier_test

import (
	"strings"
	"testing"
	"time"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/shipping/supplier"
)

func TestALinkOpensOnePurchaseOrderUntilItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, o := w.sent(1)
	token := w.svc.Token(o)
	if got, err := w.svc.ByLink(t.Context(), token); err != nil || got.ID != o.ID {
		t.Fatal(got, err)
	}
	for name, bad := range map[string]string{"forged": token[:len(token)-1] + "_", "cut": token[:20], "empty": "", "nonsense": strings.Repeat("A", len(token))} {
		_, err := w.svc.ByLink(t.Context(), bad)
		wants(t, name, err, customer.ErrLinkInvalid)
	}
	w.clock.Advance(61 * 24 * time.Hour)
	_, err := w.svc.ByLink(t.Context(), token)
	wants(t, "after 61 days", err, customer.ErrLinkInvalid)
}

func TestWhatIsCanceledIsToldOnceAndAParcelThatComesBackOpensItAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sale, o := w.sent(2)
	if got, err := w.svc.Ship(t.Context(), w.merchant, o.ID, supplier.Parcel{}); err != nil || got.Status != supplier.Completed || got.EndedAt == nil {
		t.Fatal(got, err)
	}
	w.exec(`update shipments set status = 'canceled' where order_id = $1`, sale.ID)
	sale.Lines[0].Shipped = 0
	if got := w.follow(sale)[0]; got.Status != supplier.Accepted || got.Lines[0].Open() != 2 || got.EndedAt != nil {
		t.Fatalf("%+v", got)
	}
	sale.Lines[0].Canceled, sale.Dead = 2, true
	w.exec(`update reservations set restocked = quantity`)
	for range 3 {
		w.follow(sale)
	}
	if got := w.read(o); got.Status != supplier.Canceled || w.events("supplier_order.canceled") != 1 ||
		w.count(`select count(*) from outbox where event = 'supplier_order.canceled' and (payload ->> 'tell')::bool`) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsLateIsNoticedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, o := w.sent(1)
	if n, err := w.svc.Late(t.Context()); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	w.clock.Set(o.DueAt.Add(time.Second))
	for range 2 {
		if _, err := w.svc.Late(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if w.read(o).LateAt == nil || w.events("supplier_order.late") != 1 {
		t.Errorf("noticed %d times", w.events("supplier_order.late"))
	}
}

func TestTheShopNeedNotSendWhatASupplierWill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sale, o := w.sent(2)
	away := func() (units int64) {
		if err := db.Run(t.Context(), w.db, func(tx db.Tx) error {
			all, err := w.svc.Away(t.Context(), tx, w.merchant, sale.ID)
			units = all[sale.Lines[0].ID]
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return units
	}
	if n := away(); n != 2 {
		t.Errorf("%d units are the supplier's", n)
	}
	if _, err := w.svc.Cancel(t.Context(), w.merchant, o.ID, "We send it"); err != nil {
		t.Fatal(err)
	}
	if n := away(); n != 0 || w.follow(sale)[0].Status != supplier.Canceled {
		t.Errorf("%d units are the supplier's after it was taken back", n)
	}
}
