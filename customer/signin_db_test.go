package customer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// asked asks for a code and gives the request and what the mail would say.
func (w *world) asked(email string) (uuid.UUID, customer.CodeRequest) {
	w.t.Helper()
	request, expires, err := w.service.AskCode(w.ctx, w.mine, email, "hy", "")
	if err != nil || !expires.Equal(w.clock.Now().Add(10*time.Minute)) {
		w.t.Fatal(expires, err)
	}
	c, err := w.service.CodeRequest(w.ctx, w.mine, request)
	if err != nil || !c.Alive || len(c.Code) != 6 || c.Locale != "hy" {
		w.t.Fatalf("%+v %v", c, err)
	}
	return request, c
}

func (w *world) wrong(code string) string { return fmt.Sprintf("%06d", (int(code[5]-'0')+1)%10) }

func TestWhoeverReadsTheMailsOfAnAddressMaySignInWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request, c := w.asked(" Ani@Example.com ")
	sn, token, err := w.service.SignIn(w.ctx, w.mine, request, c.Code)
	if err != nil || !sn.ExpiresAt.Equal(w.clock.Now().Add(30*24*time.Hour)) {
		t.Fatalf("%+v %v", sn, err)
	}
	if contact, err := customer.NewContacts(w.db, w.vault).Contact(w.ctx, w.mine, sn.ContactID); err != nil || contact.Email != "Ani@Example.com" {
		t.Errorf("%+v %v", contact, err)
	}
	if _, _, err := w.service.SignIn(w.ctx, w.mine, request, c.Code); !fault.Is(err, customer.ErrCode) {
		t.Errorf("used twice: %v", err)
	}
	found, err := w.service.Session(w.ctx, w.mine, token)
	if err != nil || found.ID != sn.ID || found.CustomerID != sn.CustomerID {
		t.Errorf("%+v %v", found, err)
	}
	for name, call := range map[string]func() (customer.Session, error){
		"another merchant": func() (customer.Session, error) { return w.service.Session(w.ctx, w.other, token) },
		"another token":    func() (customer.Session, error) { return w.service.Session(w.ctx, w.mine, token[:len(token)-1]+"_") },
		"junk":             func() (customer.Session, error) { return w.service.Session(w.ctx, w.mine, "ds_cs_") },
	} {
		if _, err := call(); !fault.Is(err, customer.ErrSession) {
			t.Errorf("%s: %v", name, err)
		}
	}
	again, c2 := w.asked("ani@example.com")
	if c2.Contact != sn.ContactID {
		t.Error("a second contact was made for the same address")
	}
	if second, _, err := w.service.SignIn(w.ctx, w.mine, again, c2.Code); err != nil || second.CustomerID != sn.CustomerID {
		t.Errorf("%+v %v", second, err)
	}
	if err := w.service.SignOut(w.ctx, w.mine, token); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Session(w.ctx, w.mine, token); !fault.Is(err, customer.ErrSession) {
		t.Errorf("signed out: %v", err)
	}
}

func TestACodeDiesAfterFiveTriesAndTenMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request, c := w.asked("ani@example.com")
	for range 5 {
		if _, _, err := w.service.SignIn(w.ctx, w.mine, request, w.wrong(c.Code)); !fault.Is(err, customer.ErrCode) {
			t.Fatal(err)
		}
	}
	if _, _, err := w.service.SignIn(w.ctx, w.mine, request, c.Code); !fault.Is(err, customer.ErrCode) {
		t.Errorf("a sixth try: %v", err)
	}
	late, c := w.asked("bo@example.com")
	w.clock.Advance(10 * time.Minute)
	if _, _, err := w.service.SignIn(w.ctx, w.mine, late, c.Code); !fault.Is(err, customer.ErrCode) {
		t.Errorf("late: %v", err)
	}
	other, c := w.asked("cy@example.com")
	if _, _, err := w.service.SignIn(w.ctx, w.other, other, c.Code); !fault.Is(err, customer.ErrCode) {
		t.Errorf("at another merchant: %v", err)
	}
	if _, _, err := w.service.SignIn(w.ctx, w.mine, id.New(), c.Code); !fault.Is(err, customer.ErrCode) {
		t.Errorf("of another request: %v", err)
	}
}

func TestCodesOfOneAddressAreTriedTenTimesADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		request, c := w.asked("ani@example.com")
		for range 5 {
			if _, _, err := w.service.SignIn(w.ctx, w.mine, request, w.wrong(c.Code)); !fault.Is(err, customer.ErrCode) {
				t.Fatal(err)
			}
		}
	}
	request, c := w.asked("ani@example.com")
	if _, _, err := w.service.SignIn(w.ctx, w.mine, request, c.Code); !fault.Is(err, customer.ErrCode) {
		t.Errorf("an eleventh try: %v", err)
	}
	w.clock.Advance(24 * time.Hour)
	request, c = w.asked("ani@example.com")
	if _, _, err := w.service.SignIn(w.ctx, w.mine, request, c.Code); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

func TestGuessersAtOnceGetFiveTriesAmongThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request, c := w.asked("ani@example.com")
	var guessers sync.WaitGroup
	for range 16 {
		guessers.Go(func() {
			if _, _, err := w.service.SignIn(w.ctx, w.mine, request, w.wrong(c.Code)); !fault.Is(err, customer.ErrCode) {
				t.Error(err)
			}
		})
	}
	guessers.Wait()
	if n := w.count(`select tries from sign_in_codes where id = $1`, request); n != 5 {
		t.Errorf("%d tries, want 5", n)
	}
	right, c := w.asked("bo@example.com")
	var in atomic.Int64
	for range 8 {
		guessers.Go(func() {
			if _, _, err := w.service.SignIn(w.ctx, w.mine, right, c.Code); err == nil {
				in.Add(1)
			}
		})
	}
	guessers.Wait()
	if in.Load() != 1 {
		t.Errorf("one code opened %d sessions", in.Load())
	}
}

func TestCodesAreAskedForOnlySoOften(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		w.asked("ani@example.com")
	}
	_, _, err := w.service.AskCode(w.ctx, w.mine, "ANI@example.com", "en", "")
	if f, ok := fault.As(err); !fault.Is(err, customer.ErrTooManyCodes) || !ok || f.RetryAfter != time.Hour {
		t.Errorf("a sixth: %v", err)
	}
	for i := range 20 {
		if _, _, err := w.service.AskCode(w.ctx, w.mine, fmt.Sprintf("p%d@example.com", i), "en", "198.51.100.7"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.service.AskCode(w.ctx, w.mine, "last@example.com", "en", "198.51.100.7"); !fault.Is(err, customer.ErrTooManyCodes) {
		t.Errorf("from one address: %v", err)
	}
	if _, _, err := w.service.AskCode(w.ctx, w.mine, "no address", "en", ""); !fault.Is(err, customer.ErrEmail) {
		t.Error(err)
	}
}

func TestNeitherCodeNorTokenNorAddressIsWrittenDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request, c := w.asked("ani@example.com")
	_, token, err := w.service.SignIn(w.ctx, w.mine, request, c.Code)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"sign_in_codes", "customer_sessions", "customers", "contacts", "outbox"} {
		var rows string
		if err := w.db.QueryRow(w.ctx, `select coalesce(string_agg(t::text, E'\n'), '') from `+table+` t`).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		for what, secret := range map[string]string{"code": c.Code, "token": token[6:], "address": "ani@example"} {
			// Six digits may stand in a time or an id by chance; alone they do not.
			if strings.Contains(rows, secret) && (what != "code" || strings.Contains(rows, `"`+secret+`"`) || strings.Contains(rows, ","+secret+",")) {
				t.Errorf("%s holds the %s", table, what)
			}
		}
	}
}

func TestWhoIsErasedIsSignedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request, c := w.asked("ani@example.com")
	sn, token, err := w.service.SignIn(w.ctx, w.mine, request, c.Code)
	if err != nil {
		t.Fatal(err)
	}
	pending, _ := w.asked("ani@example.com")
	document, err := w.service.ExportPerson(w.ctx, w.mine, sn.CustomerID)
	var all struct {
		Customer struct{ ID uuid.UUID }
		Contacts []struct{ Contact customer.Contact }
	}
	if err != nil || json.Unmarshal(document, &all) != nil || all.Customer.ID != sn.CustomerID || all.Contacts[0].Contact.Email != "ani@example.com" {
		t.Fatalf("%s %v", document, err)
	}
	for want := int64(1); want >= 0; want-- { // it may be repeated
		if n, err := w.service.ErasePerson(w.ctx, w.mine, sn.CustomerID); err != nil || n != want {
			t.Fatal(n, err)
		}
	}
	if _, err := w.service.Session(w.ctx, w.mine, token); !fault.Is(err, customer.ErrSession) {
		t.Errorf("still signed in: %v", err)
	}
	if _, err := w.service.CodeRequest(w.ctx, w.mine, pending); !fault.Is(err, customer.ErrCode) {
		t.Errorf("a code is still on its way: %v", err)
	}
	if _, err := w.service.ErasePerson(w.ctx, w.other, sn.CustomerID); !errors.Is(err, customer.ErrPersonUnknown) {
		t.Errorf("by another merchant: %v", err)
	}
}

func TestWhatIsOverIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request, c := w.asked("ani@example.com")
	if _, _, err := w.service.SignIn(w.ctx, w.mine, request, c.Code); err != nil {
		t.Fatal(err)
	}
	if n, err := w.service.PruneSignIns(w.ctx); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	w.clock.Advance(30*24*time.Hour + time.Second)
	if n, err := w.service.PruneSignIns(w.ctx); err != nil || n != 2 {
		t.Fatal(n, err)
	}
}
