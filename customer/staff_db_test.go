package customer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

func TestAnInvitationWorksOnceAndForSevenDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, code, err := w.service.Invite(w.ctx, w.mine, " Ani@Shop.example ", customer.Owner)
	if err != nil || len(code) != 32 || m.Email != "Ani@Shop.example" || m.Status != "invited" || !m.InviteExpiresAt.Equal(start.Add(7*24*time.Hour)) {
		t.Fatalf("%+v %q %v", m, code, err)
	}
	if n := w.count(`select count(*) from staff where invite_hash = convert_to($1, 'UTF8')`, code); n != 0 {
		t.Fatal("the code itself is stored")
	}
	for name, err := range map[string]error{
		"another merchant's": second(w.service.AcceptInvite(w.ctx, w.other, code)),
		"wrong":              second(w.service.AcceptInvite(w.ctx, w.mine, code[1:]+"l")),
		"empty":              second(w.service.AcceptInvite(w.ctx, w.mine, "")),
	} {
		if !errors.Is(err, customer.ErrInviteInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	joined, err := w.service.AcceptInvite(w.ctx, w.mine, " "+strings.ToUpper(code))
	if err != nil || joined.ID != m.ID || joined.Status != "active" || joined.Email != m.Email || joined.Role != customer.Owner || joined.InviteExpiresAt != nil {
		t.Fatalf("%+v %v", joined, err)
	}
	if _, err := w.service.AcceptInvite(w.ctx, w.mine, code); !errors.Is(err, customer.ErrInviteInvalid) {
		t.Errorf("a second time: %v", err)
	}
	if _, _, err := w.service.Invite(w.ctx, w.mine, "ani@shop.example", customer.Packer); !errors.Is(err, customer.ErrStaffActive) {
		t.Errorf("a member again: %v", err)
	}
	_, late, err := w.service.Invite(w.ctx, w.mine, "bob@shop.example", customer.Agent)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(7 * 24 * time.Hour)
	if _, err := w.service.AcceptInvite(w.ctx, w.mine, late); !errors.Is(err, customer.ErrInviteInvalid) {
		t.Errorf("after seven days: %v", err)
	}
}

func TestInvitingAgainRenewsTheInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, old, err := w.service.Invite(w.ctx, w.mine, "ani@shop.example", customer.Agent)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	again, code, err := w.service.Invite(w.ctx, w.mine, "ANI@shop.example", customer.Manager)
	if err != nil || again.ID != first.ID || !again.CreatedAt.Equal(start) || !again.InviteExpiresAt.Equal(start.Add(7*24*time.Hour+time.Hour)) {
		t.Fatalf("%+v %v", again, err)
	}
	if _, err := w.service.AcceptInvite(w.ctx, w.mine, old); !errors.Is(err, customer.ErrInviteInvalid) {
		t.Errorf("the old code: %v", err)
	}
	if m, err := w.service.AcceptInvite(w.ctx, w.mine, code); err != nil || m.Role != customer.Manager {
		t.Errorf("the new code: %+v %v", m, err)
	}
	if n := w.count(`select count(*) from contacts`); n != 1 {
		t.Errorf("%d contacts for one person", n)
	}
}

func TestInvitingOnePersonTwiceAtOnceMakesOneMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contact, staff := w.contact(w.mine, customer.Contact{Email: "ani@shop.example"}), id.New()
	release := w.hold(`insert into staff (merchant_id, id, email_hmac, contact_id, role, status, invite_hash, invite_expires_at, created_at, updated_at)
		values ($1, $2, $3, $4, 'packer', 'invited', 'x', $5, $6, $6)`,
		w.mine, staff, w.vault.EmailHMAC(w.mine, "ani@shop.example"), contact, start.Add(time.Hour), start)
	var m customer.Staff
	var code string
	done := make(chan error, 1)
	go func() {
		var err error
		m, code, err = w.service.Invite(w.ctx, w.mine, "ani@shop.example", customer.Agent)
		done <- err
	}()
	w.blocked()
	release()
	err := <-done
	if err != nil || m.ID != staff {
		t.Fatalf("%+v %v", m, err)
	}
	if joined, err := w.service.AcceptInvite(w.ctx, w.mine, code); err != nil || joined.ID != staff || joined.Role != customer.Agent {
		t.Fatalf("%+v %v", joined, err)
	}
	if n := w.count(`select count(*) from contacts`); n != 1 {
		t.Errorf("%d contacts for one person", n)
	}
}

func TestStaffBelongsToOneMerchant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine, _, err := w.service.Invite(w.ctx, w.mine, "ani@shop.example", customer.Agent)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	if _, _, err := w.service.Invite(w.ctx, w.mine, "bob@shop.example", customer.Packer); err != nil {
		t.Fatal(err)
	}
	theirs, _, err := w.service.Invite(w.ctx, w.other, "ani@shop.example", customer.Agent)
	if err != nil || theirs.ID == mine.ID {
		t.Fatalf("%+v %v", theirs, err)
	}
	list, err := w.service.ListStaff(w.ctx, w.mine)
	if err != nil || len(list) != 2 || list[0].Email != "ani@shop.example" || list[1].Role != customer.Packer {
		t.Fatalf("%+v %v", list, err)
	}
	if err := w.service.RemoveStaff(w.ctx, w.other, mine.ID); !errors.Is(err, customer.ErrStaffUnknown) {
		t.Fatalf("another merchant removes: %v", err)
	}
	if list, err = w.service.ListStaff(w.ctx, w.mine); err != nil || len(list) != 2 {
		t.Fatalf("%+v %v", list, err)
	}
}

func TestAnInvitationThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, email := range []string{"", "ani", "Ani <ani@shop.example>", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example", strings.Repeat("a", 250) + "@b.example"} {
		if _, _, err := w.service.Invite(w.ctx, w.mine, email, customer.Agent); !errors.Is(err, customer.ErrEmail) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", email, err)
		}
	}
	if _, _, err := w.service.Invite(w.ctx, w.mine, "a@b.example", "king"); !errors.Is(err, customer.ErrRole) {
		t.Error(err)
	}
	if _, _, err := w.service.Invite(w.ctx, id.New(), "a@b.example", customer.Agent); !errors.Is(err, customer.ErrMerchantUnknown) {
		t.Error(err)
	}
	if n := w.count(`select count(*) from contacts`); n != 0 {
		t.Errorf("%d contacts of nobody", n)
	}
}

// join invites and accepts.
func (w *world) join(email string, role customer.Role) customer.Staff {
	w.t.Helper()
	_, code, err := w.service.Invite(w.ctx, w.mine, email, role)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := w.service.AcceptInvite(w.ctx, w.mine, code)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func TestARemovedMemberIsForgottenAndMayComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.join("ani@shop.example", customer.Agent)
	_, code, err := w.service.Invite(w.ctx, w.mine, "bob@shop.example", customer.Agent)
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.service.ListStaff(w.ctx, w.mine)
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range list {
		for range 2 { // the second time changes nothing
			if err := w.service.RemoveStaff(w.ctx, w.mine, each.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := w.service.AcceptInvite(w.ctx, w.mine, code); !errors.Is(err, customer.ErrInviteInvalid) {
		t.Errorf("the code of a removed invitation: %v", err)
	}
	if list, err := w.service.ListStaff(w.ctx, w.mine); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	if n := w.count(`select count(*) from contacts where sealed is not null or wrapped_key is not null or erased_at is null`); n != 0 {
		t.Errorf("%d contacts are left", n)
	}
	if back := w.join("ani@shop.example", customer.Packer); back.ID != m.ID || back.Role != customer.Packer {
		t.Errorf("%+v", back)
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.join("a@shop.example", customer.Owner), w.join("b@shop.example", customer.Owner)
	if _, _, err := w.service.Invite(w.ctx, w.mine, "c@shop.example", customer.Owner); err != nil { // has not joined: does not count
		t.Fatal(err)
	}
	release := w.hold(`update staff set status = 'removed' where merchant_id = $1 and id = $2`, w.mine, a.ID)
	done := make(chan error, 1)
	go func() { done <- w.service.RemoveStaff(w.ctx, w.mine, b.ID) }()
	w.blocked()
	release()
	err := <-done
	if !errors.Is(err, customer.ErrLastOwner) {
		t.Fatalf("two owners removed each other: %v", err)
	}
	if list, err := w.service.ListStaff(w.ctx, w.mine); err != nil || len(list) != 2 || list[0].ID != b.ID && list[1].ID != b.ID {
		t.Fatalf("%+v %v", list, err)
	}
}

func TestWhatARemovedMemberLeavesIsFreedWithThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _, err := w.service.Invite(w.ctx, w.mine, "ani@shop.example", customer.Agent)
	if err != nil {
		t.Fatal(err)
	}
	var freed []uuid.UUID
	refusal := errors.New("not now")
	w.service.OnRemoveStaff(func(_ context.Context, _ db.Tx, merchant, staff uuid.UUID) error {
		freed = append(freed, merchant, staff)
		return refusal
	})
	if err := w.service.RemoveStaff(w.ctx, w.mine, m.ID); !errors.Is(err, refusal) {
		t.Errorf("removed though nothing was freed: %v", err)
	}
	if n := w.count(`select count(*) from staff where status = 'removed'`); n != 0 {
		t.Errorf("%d removed", n)
	}
	refusal = nil
	if err := w.service.RemoveStaff(w.ctx, w.mine, m.ID); err != nil || len(freed) != 4 || freed[2] != w.mine || freed[3] != m.ID {
		t.Errorf("%v, %v", freed, err)
	}
}
