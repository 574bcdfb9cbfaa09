package customer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

func (w *world) remember(merchant, contact uuid.UUID) {
	w.t.Helper()
	if err := w.service.Remember(w.ctx, merchant, contact); err != nil {
		w.t.Fatal(err)
	}
}

func TestWhoeverOrdersIsRememberedOnceByTheNewestContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.contact(w.mine, customer.Contact{Email: "ani@example.com"})
	recent := w.contact(w.mine, customer.Contact{Email: "Ani@Example.com "})
	var all sync.WaitGroup
	for range 4 {
		for _, c := range []uuid.UUID{recent, old} {
			all.Go(func() { w.remember(w.mine, c) })
		}
	}
	all.Wait()
	hash := w.vault.EmailHMAC(w.mine, "ANI@example.com")
	p, err := w.service.PersonByEmail(w.ctx, w.mine, hash)
	if err != nil || p.ContactID != recent || !bytes.Equal(p.EmailHMAC, hash) || p.Groups == nil || len(p.Groups) != 0 || !p.CreatedAt.Equal(start) {
		t.Fatalf("%+v %v", p, err)
	}
	if n := w.count(`select count(*) from customers`); n != 1 {
		t.Fatalf("%d customers", n)
	}
	same, err := w.service.Person(w.ctx, w.mine, p.ID)
	if err != nil || same.ContactID != recent {
		t.Fatalf("%+v %v", same, err)
	}
	for name, err := range map[string]error{
		"another merchant by id":     second(w.service.Person(w.ctx, w.other, p.ID)),
		"another merchant by e-mail": second(w.service.PersonByEmail(w.ctx, w.other, hash)),
		"a stranger":                 second(w.service.PersonByEmail(w.ctx, w.mine, w.vault.EmailHMAC(w.mine, "eve@example.com"))),
		"another merchant's groups":  second(w.service.SetGroups(w.ctx, w.other, p.ID, []string{"vip"})),
	} {
		if !errors.Is(err, customer.ErrPersonUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.service.Remember(w.ctx, w.other, recent); !errors.Is(err, customer.ErrContactGone) {
		t.Errorf("another merchant's contact: %v", err)
	}
	if err := w.service.Remember(w.ctx, w.mine, id.New()); !errors.Is(err, customer.ErrContactGone) {
		t.Errorf("no contact: %v", err)
	}
}

func TestGroupsAreKeptInOrderAndSurviveTheNextOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.remember(w.mine, w.contact(w.mine, customer.Contact{Email: "ani@example.com"}))
	p, err := w.service.PersonByEmail(w.ctx, w.mine, w.vault.EmailHMAC(w.mine, "ani@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	p, err = w.service.SetGroups(w.ctx, w.mine, p.ID, []string{"vip", "b2b", "vip"})
	if err != nil || !slices.Equal(p.Groups, []string{"b2b", "vip"}) || !p.UpdatedAt.Equal(start.Add(time.Minute)) {
		t.Fatalf("%+v %v", p, err)
	}
	w.remember(w.mine, w.contact(w.mine, customer.Contact{Email: "ani@example.com"}))
	if p, err = w.service.Person(w.ctx, w.mine, p.ID); err != nil || len(p.Groups) != 2 {
		t.Fatalf("%+v %v", p, err)
	}
	var many []string
	for i := range 21 {
		many = append(many, strings.Repeat("g", i+1))
	}
	for name, groups := range map[string][]string{"empty": {""}, "capital": {"VIP"}, "space": {"a b"}, "two lines": {"a\n"}, "long": {strings.Repeat("a", 41)}, "many": many} {
		if _, err := w.service.SetGroups(w.ctx, w.mine, p.ID, groups); !errors.Is(err, customer.ErrGroups) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p, err = w.service.SetGroups(w.ctx, w.mine, p.ID, nil); err != nil || len(p.Groups) != 0 {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestAnErasedPersonCannotBeReadAndNobodyElseIsTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contacts := customer.NewContacts(w.db, w.vault)
	first := w.contact(w.mine, customer.Contact{Email: "ani@example.com", Name: "Ani"})
	second := w.contact(w.mine, customer.Contact{Email: "ANI@example.com", Name: "Ani"})
	bob := w.contact(w.mine, customer.Contact{Email: "bob@example.com", Name: "Bob"})
	theirs := w.contact(w.other, customer.Contact{Email: "ani@example.com", Name: "Ani"})
	w.remember(w.mine, first)
	hash := w.vault.EmailHMAC(w.mine, "ani@example.com")
	p, err := w.service.PersonByEmail(w.ctx, w.mine, hash)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.SetGroups(w.ctx, w.mine, p.ID, []string{"vip"}); err != nil {
		t.Fatal(err)
	}
	if n, err := w.service.Erase(w.ctx, w.other, hash); err != nil || n != 0 {
		t.Fatalf("another merchant erases: %d %v", n, err)
	}
	w.clock.Advance(time.Minute)
	for _, want := range []int64{2, 0} { // the second time changes nothing
		if n, err := w.service.Erase(w.ctx, w.mine, hash); err != nil || n != want {
			t.Fatalf("%d contacts erased, %v; want %d", n, err, want)
		}
		w.clock.Advance(time.Minute)
	}
	for _, c := range []uuid.UUID{first, second} {
		if _, err := contacts.Contact(w.ctx, w.mine, c); !errors.Is(err, customer.ErrContactGone) {
			t.Errorf("%v", err)
		}
	}
	if n := w.count(`select count(*) from contacts where email_hmac = $1 and wrapped_key is null and sealed is null and erased_at = $2`, hash, start.Add(time.Minute)); n != 2 {
		t.Errorf("%d tombstones", n)
	}
	if c, err := contacts.Contact(w.ctx, w.mine, bob); err != nil || c.Name != "Bob" {
		t.Errorf("%+v %v", c, err)
	}
	if c, err := contacts.Contact(w.ctx, w.other, theirs); err != nil || c.Name != "Ani" {
		t.Errorf("the other merchant's: %+v %v", c, err)
	}
	if p, err = w.service.Person(w.ctx, w.mine, p.ID); err != nil || len(p.Groups) != 0 {
		t.Errorf("%+v %v", p, err)
	}
}

func TestALateEventDoesNotBringAnErasedPersonBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.contact(w.mine, customer.Contact{Email: "ani@example.com"})
	hash := w.vault.EmailHMAC(w.mine, "ani@example.com")
	if n, err := w.service.Erase(w.ctx, w.mine, hash); err != nil || n != 1 {
		t.Fatalf("%d %v", n, err)
	}
	w.remember(w.mine, c)
	if _, err := w.service.PersonByEmail(w.ctx, w.mine, hash); !errors.Is(err, customer.ErrPersonUnknown) {
		t.Fatalf("%v", err)
	}
}

func TestErasingACustomerLeavesTheMemberOfStaff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("ani@example.com", customer.Agent)
	w.contact(w.mine, customer.Contact{Email: "ani@example.com"})
	if n, err := w.service.Erase(w.ctx, w.mine, w.vault.EmailHMAC(w.mine, "ani@example.com")); err != nil || n != 1 {
		t.Fatalf("%d %v", n, err)
	}
	if list, err := w.service.ListStaff(w.ctx, w.mine); err != nil || len(list) != 1 || list[0].Email != "ani@example.com" {
		t.Fatalf("%+v %v", list, err)
	}
}

func TestAnExportHoldsEverythingOfOnePersonOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.remember(w.mine, w.contact(w.mine, customer.Contact{Email: "ani@example.com", Shipping: &customer.Address{Line1: "Abovyan 1"}}))
	w.clock.Advance(time.Minute)
	w.contact(w.mine, customer.Contact{Email: "ani@example.com", Phone: "+37410000000"})
	w.contact(w.mine, customer.Contact{Email: "bob@example.com", Name: "Bob"})
	w.contact(w.other, customer.Contact{Email: "ani@example.com", Name: "Elsewhere"})
	export := func(merchant uuid.UUID) (e struct {
		ExportedAt time.Time `json:"exported_at"`
		Customer   *struct{ Groups []string }
		Contacts   []struct {
			Contact  *customer.Contact
			ErasedAt *time.Time `json:"erased_at"`
		}
	}, text string) {
		t.Helper()
		b, err := w.service.Export(w.ctx, merchant, w.vault.EmailHMAC(w.mine, "ani@example.com"))
		if err == nil {
			err = json.Unmarshal(b, &e)
		}
		if err != nil {
			t.Fatal(err)
		}
		return e, string(b)
	}
	e, text := export(w.mine)
	if len(e.Contacts) != 2 || e.Contacts[0].Contact.Shipping.Line1 != "Abovyan 1" || e.Contacts[1].Contact.Phone != "+37410000000" || e.Customer == nil || !e.ExportedAt.Equal(w.clock.Now()) {
		t.Fatal(text)
	}
	if strings.Contains(text, "Bob") || strings.Contains(text, "Elsewhere") {
		t.Fatal(text)
	}
	if e, text := export(w.other); len(e.Contacts) != 0 || e.Contacts == nil || e.Customer != nil {
		t.Fatal(text)
	}
	if _, err := w.service.Erase(w.ctx, w.mine, w.vault.EmailHMAC(w.mine, "ani@example.com")); err != nil {
		t.Fatal(err)
	}
	if e, text := export(w.mine); len(e.Contacts) != 2 || e.Contacts[0].Contact != nil || e.Contacts[0].ErasedAt == nil || strings.Contains(text, "Abovyan") {
		t.Fatal(text)
	}
}
