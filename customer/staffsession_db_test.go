package customer_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
)

// staffCode asks for a code and gives the request and what its mail would say.
func (w *world) staffCode(email string) (uuid.UUID, customer.StaffLetter) {
	w.t.Helper()
	request, expires, err := w.service.AskStaffCode(w.ctx, w.mine, email, "hy", "")
	if err != nil || !expires.Equal(w.clock.Now().Add(10*time.Minute)) {
		w.t.Fatal(expires, err)
	}
	l, err := w.service.StaffCodeLetter(w.ctx, w.mine, request)
	if err != nil {
		w.t.Fatal(err)
	}
	return request, l
}

// at signs a member in.
func (w *world) at(email string) (customer.StaffSession, string) {
	w.t.Helper()
	request, l := w.staffCode(email)
	sn, token, err := w.service.SignInStaff(w.ctx, w.mine, request, l.Code, "192.0.2.1")
	if err != nil {
		w.t.Fatal(err)
	}
	return sn, token
}

// gone fails the test unless nobody is signed in with the token.
func (w *world) gone(why, token string) {
	w.t.Helper()
	if _, err := w.service.StaffSession(w.ctx, token); !fault.Is(err, customer.ErrStaffSession) {
		w.t.Errorf("%s: %v", why, err)
	}
}

func TestStaffSignInByMailAndHoldASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.join("ani@shop.example", customer.Manager)
	request, l := w.staffCode(" ANI@shop.example ")
	if !l.Alive || len(l.Code) != 6 || l.Locale != "hy" || l.Minutes != 10 {
		t.Fatalf("%+v", l)
	}
	if c, err := customer.NewContacts(w.db, w.vault).Contact(w.ctx, w.mine, l.Contact); err != nil || c.Email != "ani@shop.example" {
		t.Fatalf("%+v %v", c, err)
	}
	sn, token, err := w.service.SignInStaff(w.ctx, w.mine, request, l.Code, "192.0.2.1")
	if err != nil || sn.StaffID != m.ID || sn.Role != customer.Manager || !sn.ExpiresAt.Equal(w.clock.Now().Add(12*time.Hour)) {
		t.Fatalf("%+v %v", sn, err)
	}
	if _, _, err := w.service.SignInStaff(w.ctx, w.mine, request, l.Code, ""); !fault.Is(err, customer.ErrCode) {
		t.Errorf("a code used twice: %v", err)
	}
	found, err := w.service.StaffSession(w.ctx, token)
	if err != nil || found != sn {
		t.Errorf("%+v, want %+v: %v", found, sn, err)
	}
	for _, junk := range []string{"", "ds_ss_", token[:len(token)-1] + "_", token + "A", strings.Replace(token, "ds_ss_", "ds_cs_", 1), foreign(token, w.other)} {
		w.gone(junk, junk)
	}
	if n := w.count(`select count(*) from staff_sessions where position(convert_to($1, 'UTF8') in hash) > 0`, token[6:20]); n != 0 {
		t.Error("the token itself is stored")
	}
	log, err := w.service.AuditLog(w.ctx, w.mine, 1, 0)
	if err != nil || len(log) != 1 || log[0].Action != "sign-in-staff" || log[0].Actor != "staff:"+m.ID.String() || log[0].Origin != "192.0.2.1" {
		t.Errorf("%+v %v", log, err)
	}
	if err := w.service.SignOutStaff(w.ctx, w.mine, sn.ID); err != nil {
		t.Fatal(err)
	}
	w.gone("signed out", token)
}

// foreign is a token with another merchant in it.
func foreign(token string, merchant uuid.UUID) string {
	b, _ := base64.RawURLEncoding.DecodeString(token[6:])
	copy(b, merchant[:])
	return token[:6] + base64.RawURLEncoding.EncodeToString(b)
}

func TestAnInvitedMemberJoinsAndIsSignedInAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, code, err := w.service.Invite(w.ctx, w.mine, "ani@shop.example", customer.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var event customer.StaffInvited
	if err := w.db.QueryRow(w.ctx, `select (payload->>'merchant_id')::uuid, (payload->>'staff_id')::uuid, (payload->>'invite_id')::uuid from outbox where event = $1`,
		event.EventName()).Scan(&event.MerchantID, &event.StaffID, &event.InviteID); err != nil {
		t.Fatal(err)
	}
	l, err := w.service.InviteLetter(w.ctx, event)
	if err != nil || !l.Alive || l.Code != code || l.Role != customer.Reader {
		t.Fatalf("%+v %v", l, err)
	}
	if _, _, err := w.service.JoinStaff(w.ctx, w.other, code, ""); !fault.Is(err, customer.ErrInviteInvalid) {
		t.Errorf("at another merchant: %v", err)
	}
	sn, token, err := w.service.JoinStaff(w.ctx, w.mine, code, "192.0.2.1")
	if err != nil || sn.StaffID != m.ID {
		t.Fatalf("%+v %v", sn, err)
	}
	if found, err := w.service.StaffSession(w.ctx, token); err != nil || found.Role != customer.Reader {
		t.Errorf("%+v %v", found, err)
	}
	if l, err := w.service.InviteLetter(w.ctx, event); err != nil || l.Alive {
		t.Errorf("the mail of an accepted invitation: %+v %v", l, err)
	}
	if _, _, err := w.service.JoinStaff(w.ctx, w.mine, code, ""); !fault.Is(err, customer.ErrInviteInvalid) {
		t.Errorf("a second time: %v", err)
	}
}

func TestASessionEndsWhenItIsIdleAndInAnyCaseAfterHalfADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("ani@shop.example", customer.Owner)
	_, idle := w.at("ani@shop.example")
	w.clock.Advance(30 * time.Minute)
	w.gone("idle for half an hour", idle)
	_, busy := w.at("ani@shop.example")
	for range 12*3 - 1 {
		w.clock.Advance(20 * time.Minute)
		if _, err := w.service.StaffSession(w.ctx, busy); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Advance(20 * time.Minute)
	w.gone("after twelve hours of work", busy)
	if n, err := w.service.PruneStaffSessions(w.ctx); err != nil || n != 2 {
		t.Errorf("%d pruned: %v", n, err)
	}
}

func TestWhoIsRemovedOrSignsOutEverywhereIsOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, agent := w.join("ani@shop.example", customer.Owner), w.join("bob@shop.example", customer.Agent)
	_, first := w.at("ani@shop.example")
	_, second := w.at("ani@shop.example")
	_, bob := w.at("bob@shop.example")
	pending, l := w.staffCode("ani@shop.example")
	if n, err := w.service.SignOutStaffEverywhere(w.ctx, w.mine, owner.ID); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	w.gone("everywhere", first)
	w.gone("everywhere", second)
	if _, _, err := w.service.SignInStaff(w.ctx, w.mine, pending, l.Code, ""); !fault.Is(err, customer.ErrCode) {
		t.Errorf("a code of before: %v", err)
	}
	if _, err := w.service.StaffSession(w.ctx, bob); err != nil {
		t.Errorf("a colleague: %v", err)
	}
	pending, l = w.staffCode("bob@shop.example")
	if err := w.service.RemoveStaff(w.ctx, w.mine, agent.ID); err != nil {
		t.Fatal(err)
	}
	w.gone("removed", bob)
	if _, _, err := w.service.SignInStaff(w.ctx, w.mine, pending, l.Code, ""); !fault.Is(err, customer.ErrCode) {
		t.Errorf("a code of before the removal: %v", err)
	}
	if contacts, err := w.service.Owners(w.ctx, w.mine); err != nil || len(contacts) != 1 {
		t.Errorf("%v %v", contacts, err)
	}
}

// Whoever asks for codes learns nothing about who works here: the same answer,
// the same rows, the same limits; only no mail and a code that opens nothing.
func TestAskingDoesNotTellWhoWorksHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("ani@shop.example", customer.Owner)
	if _, _, err := w.service.Invite(w.ctx, w.mine, "late@shop.example", customer.Agent); err != nil { // has not joined
		t.Fatal(err)
	}
	for _, email := range []string{"ani@shop.example", "late@shop.example", "nobody@shop.example"} {
		before := [2]int64{w.count(`select count(*) from staff_codes`), w.count(`select count(*) from outbox`)}
		request, l := w.staffCode(email)
		if l.Alive != (email == "ani@shop.example") {
			t.Errorf("%s: %+v", email, l)
		}
		if after := [2]int64{w.count(`select count(*) from staff_codes`), w.count(`select count(*) from outbox`)}; after != [2]int64{before[0] + 1, before[1] + 1} {
			t.Errorf("%s leaves %v, was %v", email, after, before)
		}
		if l.Alive {
			continue
		}
		// Not even the right code, if somebody knew it, would open anything.
		for n := range 5 {
			if _, _, err := w.service.SignInStaff(w.ctx, w.mine, request, fmt.Sprintf("%06d", n), ""); !fault.Is(err, customer.ErrCode) {
				t.Errorf("%s: %v", email, err)
			}
		}
		if n := w.count(`select tries from staff_codes where id = $1`, request); n != 5 {
			t.Errorf("%s: %d tries counted", email, n)
		}
		for range 4 {
			w.staffCode(email)
		}
		if _, _, err := w.service.AskStaffCode(w.ctx, w.mine, email, "en", ""); !fault.Is(err, customer.ErrTooManyCodes) {
			t.Errorf("%s, a sixth: %v", email, err)
		}
	}
	for i := range 20 {
		if _, _, err := w.service.AskStaffCode(w.ctx, w.mine, fmt.Sprintf("p%d@example.com", i), "en", "198.51.100.7"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.service.AskStaffCode(w.ctx, w.mine, "ani@shop.example", "en", "198.51.100.7"); !fault.Is(err, customer.ErrTooManyCodes) {
		t.Errorf("a twenty-first from one address: %v", err)
	}
}

func TestAStaffCodeDiesAfterFiveTriesAndTenMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("ani@shop.example", customer.Owner)
	request, l := w.staffCode("ani@shop.example")
	for range 5 {
		if _, _, err := w.service.SignInStaff(w.ctx, w.mine, request, w.wrong(l.Code), ""); !fault.Is(err, customer.ErrCode) {
			t.Fatal(err)
		}
	}
	if _, _, err := w.service.SignInStaff(w.ctx, w.mine, request, l.Code, ""); !fault.Is(err, customer.ErrCode) {
		t.Errorf("a sixth try: %v", err)
	}
	late, l := w.staffCode("ani@shop.example")
	w.clock.Advance(10 * time.Minute)
	if _, _, err := w.service.SignInStaff(w.ctx, w.mine, late, l.Code, ""); !fault.Is(err, customer.ErrCode) {
		t.Errorf("late: %v", err)
	}
	other, l := w.staffCode("ani@shop.example")
	if _, _, err := w.service.SignInStaff(w.ctx, w.other, other, l.Code, ""); !fault.Is(err, customer.ErrCode) {
		t.Errorf("at another merchant: %v", err)
	}
	// A customer's code of the same request would be another one.
	if request, _, err := w.service.AskCode(w.ctx, w.mine, "ani@shop.example", "en", ""); err != nil {
		t.Fatal(err)
	} else if c, err := w.service.CodeRequest(w.ctx, w.mine, request); err != nil {
		t.Fatal(err)
	} else if _, _, err := w.service.SignInStaff(w.ctx, w.mine, request, c.Code, ""); !fault.Is(err, customer.ErrCode) {
		t.Errorf("with a customer's code: %v", err)
	}
}

func TestARoleGrantsNoMoreThanItSays(t *testing.T) {
	t.Parallel()
	known := customer.Scopes()
	for role, want := range map[customer.Role]int{customer.Owner: 1, customer.Manager: 10, customer.Agent: 8, customer.Packer: 4, customer.Reader: 10, "king": 0} {
		got := role.Scopes()
		if len(got) != want {
			t.Errorf("%s: %v", role, got)
		}
		for _, scope := range got {
			if !strings.Contains(strings.Join(known, " "), scope) || role == customer.Reader && !strings.HasSuffix(scope, ":read") || role != customer.Owner && scope == "settings:write" {
				t.Errorf("%s may %s", role, scope)
			}
		}
	}
}
