package track_test

import (
	"context"
	"slices"
	"testing"

	"doorstep/internal/db"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/track"

	"github.com/google/uuid"
)

// told is an account that opens a post which wants to be told what to tell of.
type told struct {
	*world
	open carrier.Carrier
}

func (a told) Carrier(context.Context, uuid.UUID, uuid.UUID) (carrier.Carrier, error) {
	return a.open, nil
}

// byNumber is told each number, and does not know one.
type byNumber struct {
	post
	numbers *[][]string
	fails   *error
}

func (b byNumber) Subscribe(_ context.Context, numbers []string) ([]string, error) {
	*b.numbers = append(*b.numbers, slices.Clone(numbers))
	if *b.fails != nil {
		return nil, *b.fails
	}
	if slices.Contains(numbers, "NOBODYS") {
		return []string{"NOBODYS"}, nil
	}
	return nil, nil
}

// forAll is told once where to send everything.
type forAll struct {
	post
	at *[]string
}

func (f forAll) Listen(_ context.Context, address string) (string, error) {
	*f.at = append(*f.at, address)
	return "sub-1", nil
}

func (w *world) watched(numbers ...string) uuid.UUID {
	w.t.Helper()
	s := w.parcel("")
	if err := db.Run(w.ctx, w.db, func(tx db.Tx) error {
		for _, n := range numbers {
			shipping.Watch(tx, shipping.NewWatch{Merchant: w.merchant, Account: w.account, Carrier: "post", Number: n, Subject: s.ID, Order: s.OrderID}, w.clock.Now())
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return s.ID
}

func (w *world) subscriptions() (all []string) {
	w.t.Helper()
	rows, err := w.db.Query(w.ctx, `select number, status, reference from carrier_subscriptions order by number`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var number, status, reference string
		if err := rows.Scan(&number, &status, &reference); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, number+" "+status+" "+reference)
	}
	return all
}

func TestACarrierIsToldOnceWhichParcelsToTellOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked [][]string
	var fails error
	s := track.New(track.Config{DB: w.db, Parcels: w.parcels, Accounts: told{w, byNumber{post{w}, &asked, &fails}}})
	parcel := w.watched("N1", "NOBODYS")
	fails = &carrier.Error{Carrier: "post", Kind: carrier.KindTimeout}
	if err := s.Subscribe(w.ctx, w.merchant, parcel); err == nil {
		t.Error("silence should be tried again")
	}
	fails = nil
	for range 3 {
		if err := s.Subscribe(w.ctx, w.merchant, parcel); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.subscriptions(); len(asked) != 2 || !slices.Equal(got, []string{"N1 done ", "NOBODYS refused "}) {
		t.Errorf("asked %v, kept %q", asked, got)
	}
	w.calls = false // no secret: none of its news would be believed
	if err := s.Subscribe(w.ctx, w.merchant, w.watched("N2")); err != nil || len(asked) != 2 {
		t.Errorf("asked %v, %v", asked, err)
	}
}

func TestACarrierIsToldOnceWhereAllNewsGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var at []string
	address := "http://127.0.0.1/hook"
	s := track.New(track.Config{DB: w.db, Parcels: w.parcels, Accounts: told{w, forAll{post{w}, &at}}, Address: func(string, uuid.UUID) string { return address }})
	if err := s.Subscribe(w.ctx, w.merchant, w.watched("N1")); err != nil || len(at) != 0 {
		t.Errorf("nobody can reach %s: %v, %v", address, at, err)
	}
	address = "https://shop.example/hook"
	for _, number := range []string{"N2", "N3"} {
		if err := s.Subscribe(w.ctx, w.merchant, w.watched(number)); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.subscriptions(); len(at) != 1 || !slices.Equal(got, []string{" done sub-1"}) {
		t.Errorf("told %v, kept %q", at, got)
	}
}
