package webhook

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/id"
)

func TestAnEndpointsSecretIsShownOnceAndKeptSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.endpoint("/hooks", "order.placed", "order.placed", "order.canceled")
	secret, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(w.receiver.secrets["/hooks"], "whsec_"))
	var sealed []byte
	if err := w.db.QueryRow(t.Context(), `select sealed from webhook_secrets where endpoint_id = $1`, e.ID).Scan(&sealed); err != nil || bytes.Contains(sealed, secret[:8]) {
		t.Errorf("%v, or it is not sealed", err)
	}
	all, err := w.Endpoints(t.Context(), w.mine)
	if err != nil || len(all) != 1 || all[0].ID != e.ID || strings.Join(all[0].Events, " ") != "order.canceled order.placed" || all[0].Status != Active {
		t.Errorf("%+v %v", all, err)
	}
	for name, err := range map[string]error{
		"read":   second(w.Endpoint(t.Context(), w.merchant(), e.ID)),
		"change": second(w.UpdateEndpoint(t.Context(), w.merchant(), e.ID, nil, func(*Form) error { return nil })),
		"delete": w.DeleteEndpoint(t.Context(), w.merchant(), e.ID),
		"test":   second(w.Test(t.Context(), w.merchant(), e.ID)),
		"none":   second(w.Endpoint(t.Context(), w.mine, id.New())),
	} {
		if !errors.Is(err, ErrEndpointUnknown) {
			t.Errorf("%s by another merchant: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAMerchantHasAtMostTwentyEndpointsHoweverManyAreAddedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wait sync.WaitGroup
	errs := make([]error, 26)
	for i := range errs {
		wait.Go(func() {
			_, _, errs[i] = w.AddEndpoint(t.Context(), w.mine, Form{URL: fmt.Sprintf("%s/%d", w.receiver.server.URL, i)})
		})
	}
	wait.Wait()
	refused := 0
	for _, err := range errs {
		if errors.Is(err, ErrTooManyEndpoints) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if n := w.count(`select count(*) from webhook_endpoints`); refused != 6 || n != maxEndpoints {
		t.Errorf("%d refused, %d endpoints", refused, n)
	}
}

func TestOneAddressIsOneEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.endpoint("/hooks")
	other := w.endpoint("/other")
	if _, _, err := w.AddEndpoint(t.Context(), w.mine, Form{URL: e.URL}); !errors.Is(err, ErrEndpointTaken) {
		t.Errorf("the same address twice: %v", err)
	}
	if _, err := w.UpdateEndpoint(t.Context(), w.mine, other.ID, nil, func(f *Form) error { f.URL = e.URL; return nil }); !errors.Is(err, ErrEndpointTaken) {
		t.Errorf("changed to the same address: %v", err)
	}
	if err := w.DeleteEndpoint(t.Context(), w.mine, e.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.AddEndpoint(t.Context(), w.mine, Form{URL: e.URL}); err != nil {
		t.Errorf("the address of a deleted one: %v", err)
	}
}

func TestAWrongEndpointIsRefusedWithReasons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.endpoint("/hooks")
	for _, test := range []struct {
		form Form
		at   string
	}{
		{Form{URL: "http://shop.example/"}, "url"}, {Form{URL: "https://10.0.0.1/"}, "url"}, {Form{URL: "https://u:p@shop.example/"}, "url"}, {Form{URL: ""}, "url"},
		{Form{URL: "https://shop.example/", Events: []string{"order.eaten"}}, "events"}, {Form{URL: "https://shop.example/", Description: "two\nlines"}, "description"},
		{Form{URL: "https://shop.example/", Status: "deleted"}, "status"},
	} {
		for _, err := range []error{
			func() error { _, _, err := w.AddEndpoint(t.Context(), w.mine, test.form); return err }(),
			second(w.UpdateEndpoint(t.Context(), w.mine, e.ID, nil, func(f *Form) error { *f = test.form; return nil })),
		} {
			f, ok := fault.As(err)
			if !ok || f.Code != ErrEndpoint.Code || len(f.Fields) != 1 || f.Fields[0].Location != test.at {
				t.Errorf("%+v: %v %+v", test.form, err, f)
			}
		}
	}
	if w.count(`select count(*) from webhook_endpoints`) != 1 || w.count(`select version from webhook_endpoints`) != 1 {
		t.Error("something was written")
	}
}

func TestChangesOfAnEndpointAreVersioned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.endpoint("/hooks")
	one, two := int64(1), int64(2)
	got, err := w.UpdateEndpoint(t.Context(), w.mine, e.ID, &one, func(f *Form) error { f.Description, f.Status = "Orders", Disabled; return nil })
	if err != nil || got.Version != 2 || got.Reason != ByMerchant || got.DisabledAt == nil {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := w.UpdateEndpoint(t.Context(), w.mine, e.ID, &one, func(f *Form) error { f.Description = "x"; return nil }); !errors.Is(err, ErrVersion) {
		t.Errorf("stale: %v", err)
	}
	if got, err = w.UpdateEndpoint(t.Context(), w.mine, e.ID, &two, func(*Form) error { return nil }); err != nil || got.Version != 2 {
		t.Errorf("a change of nothing: %+v %v", got, err)
	}
	if got, err = w.UpdateEndpoint(t.Context(), w.mine, e.ID, nil, func(f *Form) error { f.Status = Active; return nil }); err != nil || got.Version != 3 || got.Reason != "" || got.DisabledAt != nil {
		t.Errorf("%+v %v", got, err)
	}
	if stored, err := w.Endpoint(t.Context(), w.mine, e.ID); err != nil || stored.Description != "Orders" || stored.Version != 3 || stored.Status != Active {
		t.Errorf("%+v %v", stored, err)
	}
}

// live are the secrets that deliveries are signed with now, as text.
func (w *world) live(e Endpoint) (all []string) {
	w.t.Helper()
	secrets, err := w.secrets(w.t.Context(), w.mine, e.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range secrets {
		all = append(all, secretText(s))
	}
	return all
}

func TestTwoSecretsLiveWhileReceiversChangeOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.endpoint("/hooks")
	first := w.receiver.secrets["/hooks"]
	rotated, next, err := w.RotateSecret(t.Context(), w.mine, e.ID, 24*time.Hour)
	if err != nil || next == first || rotated.OldSecretUntil == nil || !rotated.OldSecretUntil.Equal(start.Add(24*time.Hour)) {
		t.Fatalf("%+v %v", rotated, err)
	}
	if got := w.live(e); len(got) != 2 || got[0] != next || got[1] != first {
		t.Errorf("live: %v", got)
	}
	// The answer was lost and the merchant asks again: receivers know the first.
	_, third, err := w.RotateSecret(t.Context(), w.mine, e.ID, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.live(e); len(got) != 2 || got[0] != third || got[1] != first {
		t.Errorf("live after asking again: %v", got)
	}
	w.clock.Advance(24 * time.Hour)
	if got := w.live(e); len(got) != 1 || got[0] != third {
		t.Errorf("live a day later: %v", got)
	}
	if read, err := w.Endpoint(t.Context(), w.mine, e.ID); err != nil || read.OldSecretUntil != nil {
		t.Errorf("%+v %v", read, err)
	}
	if _, err := w.Sweep(t.Context()); err != nil || w.count(`select count(*) from webhook_secrets`) != 2 {
		t.Errorf("swept at its last moment: %v", err)
	}
	w.clock.Advance(time.Second)
	if _, err := w.Sweep(t.Context()); err != nil || w.count(`select count(*) from webhook_secrets`) != 1 {
		t.Errorf("the dead secret is kept: %v", err)
	}
	_, now, err := w.RotateSecret(t.Context(), w.mine, e.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.live(e); len(got) != 1 || got[0] != now {
		t.Errorf("live after a leak: %v", got)
	}
}
