package cart_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"doorstep/cart"
	"doorstep/internal/db"
	"doorstep/internal/id"
)

// counted is the world's database seen through a wire that counts round trips:
// the client ends each with a Sync, or with a simple query.
func (w *world) counted(trips *atomic.Int64) *cart.Service {
	w.t.Helper()
	config, err := pgx.ParseConfig(w.dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, address)
			if err != nil {
				_ = client.Close()
				return
			}
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
			go func() { count(server, bufio.NewReader(client), trips); _ = server.Close() }()
		}
	}()
	through := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: listener.Addr().String(),
		Path: "/" + config.Database, RawQuery: "sslmode=disable&min_protocol_version=3.0"}
	d, err := db.Open(w.t.Context(), db.Config{URL: through.String(), Clock: w.clock, MaxConns: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(d.Close)
	return cart.New(cart.Config{DB: d, Rules: w, Promotions: w.prices})
}

// count copies what the client says, message by message.
func count(server io.Writer, client *bufio.Reader, trips *atomic.Int64) {
	kind := byte(0) // the first message has none
	for first := true; ; first = false {
		if !first {
			var err error
			if kind, err = client.ReadByte(); err != nil {
				return
			}
			if _, err := server.Write([]byte{kind}); err != nil {
				return
			}
		}
		length, err := client.Peek(4)
		if err != nil {
			return
		}
		if _, err := io.CopyN(server, client, int64(binary.BigEndian.Uint32(length))); err != nil {
			return
		}
		if kind == 'S' || kind == 'Q' {
			trips.Add(1)
		}
	}
}

func TestNoOperationTakesMoreThanThreeRoundTrips(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1000, 1000)
	w.sell("TEA", 400, 1000)
	w.promote(1000, "TEN")
	var trips atomic.Int64
	w.carts = w.counted(&trips)
	measure := func(name string, most int64, do func() error) {
		t.Helper()
		before := trips.Load()
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := trips.Load() - before; n < 1 || n > most {
			t.Errorf("%s took %d round trips", name, n)
		}
	}
	w.warm()
	second := func(_ any, err error) error { return err }
	ctx, c := t.Context(), w.carts
	s, guest := w.shopper(item("MUG", 1)), w.shopper(item("TEA", 3))
	w.ok(guest.code("TEN"))
	in := func(name string, most int64, do func(a cart.Access, id uuid.UUID) error) {
		t.Helper()
		measure(name, most, func() error { return do(s.access, s.id) })
	}
	measure("Create", 2, func() error {
		return second(c.Create(ctx, w.merchant, cart.NewCart{Items: []cart.Item{item("MUG", 1)}}))
	})
	in("Add", 3, func(a cart.Access, id uuid.UUID) error { return second(c.Add(ctx, a, id, []cart.Item{item("TEA", 1)})) })
	in("AddCode", 3, func(a cart.Access, id uuid.UUID) error { return second(c.AddCode(ctx, a, id, "TEN")) })
	in("View", 2, func(a cart.Access, id uuid.UUID) error { return second(c.View(ctx, a, id)) })
	in("Summary", 2, func(a cart.Access, id uuid.UUID) error { return second(c.Summary(ctx, a, id)) })
	in("SetQuantity", 3, func(a cart.Access, id uuid.UUID) error { return second(c.SetQuantity(ctx, a, id, mug, 5)) })
	in("Clear", 3, func(a cart.Access, id uuid.UUID) error { return second(c.Clear(ctx, a, id)) })
	in("Undo", 3, func(a cart.Access, id uuid.UUID) error { return second(c.Undo(ctx, a, id)) })
	in("RemoveCode", 3, func(a cart.Access, id uuid.UUID) error { return second(c.RemoveCode(ctx, a, id, "TEN")) })
	in("Merge", 3, func(a cart.Access, id uuid.UUID) error {
		return second(c.Merge(ctx, a, id, guest.id, guest.access.Secret))
	})
	in("Remove", 3, func(a cart.Access, id uuid.UUID) error { return second(c.Remove(ctx, a, id, mug)) })
	in("ForCheckout", 1, func(a cart.Access, id uuid.UUID) error {
		return second(c.ForCheckout(ctx, a.Merchant, id, a.Secret, false))
	})
	in("Delete", 2, func(a cart.Access, id uuid.UUID) error { return c.Delete(ctx, a, id) })
}

// warm lets the one connection know all statements: each is described once.
func (w *world) warm() {
	w.t.Helper()
	s, guest := w.shopper(item("MUG", 1)), w.shopper(item("TEA", 1))
	w.ok(s.code("TEN"))
	line := s.view().Lines[0].ID
	looks, changes := s.operations(line, guest)
	for _, do := range looks {
		if err := do(s.access); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, name := range []string{"Add", "SetQuantity", "Clear", "Undo", "Remove", "RemoveCode", "Merge", "Delete"} {
		if err := changes[name](s.access); err != nil {
			w.t.Fatalf("%s: %v", name, err)
		}
	}
	_, _ = w.carts.ForCheckout(w.t.Context(), w.merchant, id.New(), "", true)
}
