package sandbox_test

import (
	"path/filepath"
	"testing"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

func TestBooksCanBePutBackAsTheyWere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "books")
	g, err := sandbox.Open(path, "", &clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	a := wish(sandbox.Visa)
	held, err := g.Authorize(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	back := g.Remember()
	for range 3 { // each time all of it can be taken, and it is not there before
		if r, err := g.Capture(t.Context(), payment.Movement{Key: id.Secret(8), GatewayID: held.GatewayID, Amount: a.Amount}); err != nil || r.Captured != a.Amount {
			t.Fatalf("%+v %v", r, err)
		}
		if _, err := g.Authorize(t.Context(), wish(sandbox.Visa)); err != nil {
			t.Fatal(err)
		}
		if err := back(); err != nil {
			t.Fatal(err)
		}
		if c, _ := g.Charge(held.GatewayID); c.Captured != 0 || len(g.All()) != 1 {
			t.Fatalf("%+v of %d", c, len(g.All()))
		}
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := sandbox.Open(path, "", &clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if c, ok := again.Charge(held.GatewayID); !ok || c.Captured != 0 || len(again.All()) != 1 {
		t.Errorf("after a restart: %+v of %d", c, len(again.All()))
	}
}
