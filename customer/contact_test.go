package customer_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"doorstep/customer"
	"doorstep/internal/id"
)

func vault(t *testing.T, seed byte) *customer.Vault {
	t.Helper()
	v, err := customer.NewVault(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestASealedContactOpensOnlyForItsMerchantRowAndKey(t *testing.T) {
	t.Parallel()
	v, merchant := vault(t, 1), id.New()
	person := customer.Contact{Name: "Ani", Email: "Ani@Example.com", Shipping: &customer.Address{Line1: "Abovyan 1", Country: "AM"}}
	s, err := v.Seal(merchant, person)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(s.Blob, []byte("Ani")) || bytes.Contains(s.Blob, []byte("Abovyan")) {
		t.Fatal("the blob shows the person")
	}
	back, err := v.Open(merchant, s)
	if err != nil || back.Name != "Ani" || back.Shipping.Line1 != "Abovyan 1" {
		t.Fatalf("%+v %v", back, err)
	}
	if _, err := v.Open(id.New(), s); err == nil {
		t.Fatal("another merchant can read it")
	}
	if _, err := vault(t, 2).Open(merchant, s); err == nil {
		t.Fatal("another master key can read it")
	}
	moved := s
	moved.ID = id.New()
	if _, err := v.Open(merchant, moved); err == nil {
		t.Fatal("a blob moved to another row can be read")
	}
	erased := s
	erased.WrappedKey = nil
	if c, err := v.Open(merchant, erased); err != nil || c.Email != "" {
		t.Fatalf("an erased contact gave %+v %v", c, err)
	}
}

func TestAnEmailIsFoundInAnySpellingButNotAcrossMerchants(t *testing.T) {
	t.Parallel()
	v, merchant := vault(t, 1), id.New()
	if !bytes.Equal(v.EmailHMAC(merchant, "a@b.example"), v.EmailHMAC(merchant, " A@B.Example ")) {
		t.Fatal("case and outer spaces must not matter")
	}
	if bytes.Equal(v.EmailHMAC(merchant, "a@b.example"), v.EmailHMAC(id.New(), "a@b.example")) {
		t.Fatal("two merchants can be joined by e-mail")
	}
}

func TestALinkOpensOneThingForOnePurposeUntilItExpires(t *testing.T) {
	t.Parallel()
	v, merchant, order := vault(t, 1), id.New(), id.New()
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	token := v.Link(customer.TrackOrder, merchant, order, now.Add(time.Hour))
	m, o, err := v.OpenLink(customer.TrackOrder, token, now)
	if err != nil || m != merchant || o != order {
		t.Fatalf("%v %v %v", m, o, err)
	}
	wrong := func(name string, err error) {
		if !errors.Is(err, customer.ErrLinkInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, _, err = v.OpenLink(customer.TrackOrder, token, now.Add(time.Hour))
	wrong("expired", err)
	_, _, err = v.OpenLink(customer.Purpose(9), token, now)
	wrong("another purpose", err)
	_, _, err = vault(t, 2).OpenLink(customer.TrackOrder, token, now)
	wrong("another key", err)
	for i := range token {
		b := []byte(token)
		b[i] ^= 1
		_, _, err = v.OpenLink(customer.TrackOrder, string(b), now)
		wrong("changed at a sign", err)
	}
	_, _, err = v.OpenLink(customer.TrackOrder, "", now)
	wrong("empty", err)
}
