package customer_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

func TestAMerchantOpensWithItsSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := full()
	s.Name = ""
	m, err := w.service.CreateMerchant(w.ctx, "Ani LLC", s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.service.Merchant(w.ctx, m.ID)
	if diff := cmp.Diff(m, got); err != nil || diff != "" {
		t.Fatalf("%v %s", err, diff)
	}
	s.Name = "Ani LLC"
	settings, version, err := w.service.Settings(w.ctx, m.ID)
	if diff := cmp.Diff(s, settings); err != nil || version != 1 || diff != "" {
		t.Fatalf("%v %d %s", err, version, diff)
	}
	all, err := w.service.Merchants(w.ctx)
	if err != nil || len(all) != 3 || all[2].Name != "Ani LLC" {
		t.Fatalf("%v %v", all, err)
	}
	for name, err := range map[string]error{
		"merchant": second(w.service.Merchant(w.ctx, id.New())),
		"settings": third(w.service.Settings(w.ctx, id.New())),
		"update":   third(w.service.UpdateSettings(w.ctx, id.New(), nil, func(*customer.Settings) error { return nil })),
	} {
		if !errors.Is(err, customer.ErrMerchantUnknown) {
			t.Errorf("%s of nobody: %v", name, err)
		}
	}
}

func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

func TestAMerchantThatBreaksARuleIsNotOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"", "a\nb", strings.Repeat("x", 201)} {
		if _, err := w.service.CreateMerchant(w.ctx, name, full()); !errors.Is(err, customer.ErrMerchantName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := w.service.CreateMerchant(w.ctx, "Ani", customer.DefaultSettings("Ani", "XYZ")); !errors.Is(err, customer.ErrSettings) {
		t.Errorf("%v", err)
	}
	if n := w.count(`select count(*) from merchants`); n != 2 {
		t.Errorf("%d merchants", n)
	}
}

func TestAChangeOfSettingsMakesCachedCopiesOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock.Advance(time.Minute)
	one := int64(1)
	s, version, err := w.service.UpdateSettings(w.ctx, w.mine, &one, func(s *customer.Settings) error {
		s.ReturnWindowDays = 14
		return nil
	})
	if err != nil || version != 2 || s.ReturnWindowDays != 14 {
		t.Fatalf("%+v %d %v", s, version, err)
	}
	m, err := w.service.Merchant(w.ctx, w.mine)
	if err != nil || m.ConfigVersion != 2 || !m.UpdatedAt.Equal(start.Add(time.Minute)) {
		t.Fatalf("%+v %v", m, err)
	}
	stored, version, err := w.service.Settings(w.ctx, w.mine)
	if err != nil || version != 2 || stored.ReturnWindowDays != 14 || stored.Name != "Mine" {
		t.Fatalf("%+v %d %v", stored, version, err)
	}
	if other, err := w.service.Merchant(w.ctx, w.other); err != nil || other.ConfigVersion != 1 {
		t.Fatalf("the other merchant: %+v %v", other, err)
	}
	if s, version, err := w.service.Settings(w.ctx, w.other); err != nil || version != 1 || s.ReturnWindowDays != 30 {
		t.Fatalf("the other merchant: %+v %d %v", s, version, err)
	}

	_, _, err = w.service.UpdateSettings(w.ctx, w.mine, &one, func(*customer.Settings) error { t.Error("patched"); return nil })
	if e, _ := fault.As(err); !errors.Is(err, customer.ErrVersion) || e.Extra["version"] != int64(2) {
		t.Errorf("an old version: %v", err)
	}
	mine := errors.New("mine")
	for want, patch := range map[error]func(*customer.Settings) error{
		customer.ErrSettings: func(s *customer.Settings) error { s.Currencies = nil; return nil },
		mine:                 func(s *customer.Settings) error { s.Name = "lost"; return mine },
	} {
		if _, _, err := w.service.UpdateSettings(w.ctx, w.mine, nil, patch); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if _, version, err = w.service.UpdateSettings(w.ctx, w.mine, nil, func(s *customer.Settings) error { s.ReturnWindowDays = 14; return nil }); err != nil || version != 2 {
		t.Errorf("nothing changed: %d %v", version, err)
	}
	if m, err := w.service.Merchant(w.ctx, w.mine); err != nil || m.ConfigVersion != 2 {
		t.Errorf("raised although nothing has changed: %+v %v", m, err)
	}
}

func TestChangesAtTheSameTimeAreAllKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, _, err := w.service.UpdateSettings(w.ctx, w.mine, nil, func(s *customer.Settings) error { s.ReturnWindowDays++; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s, version, err := w.service.Settings(w.ctx, w.mine); err != nil || s.ReturnWindowDays != 38 || version != 9 {
		t.Fatalf("%+v %d %v", s, version, err)
	}
}

func TestABumpStandsOrFallsWithItsTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// What other rooms are handed; they declare it for themselves.
	var bump func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error = w.service.Bump //nolint:staticcheck // the type is what is proved
	undo := errors.New("undo")
	for _, want := range []error{undo, nil} {
		err := db.Run(w.ctx, w.db, func(tx db.Tx) error {
			if err := bump(w.ctx, tx, w.mine); err != nil {
				return err
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Fatal(err)
		}
	}
	if m, err := w.service.Merchant(w.ctx, w.mine); err != nil || m.ConfigVersion != 2 {
		t.Fatalf("%+v %v", m, err)
	}
	err := db.Run(w.ctx, w.db, func(tx db.Tx) error { return bump(w.ctx, tx, id.New()) })
	if !errors.Is(err, customer.ErrMerchantUnknown) {
		t.Fatalf("nobody was bumped: %v", err)
	}
}
