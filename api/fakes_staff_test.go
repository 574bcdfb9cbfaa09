package api

import (
	"context"
	"strings"
	"time"

	"doorstep/customer"

	"github.com/google/uuid"
)

// Sessions of the fakes are tokens that say whose they are: ds_ss_ and a role, of
// the merchant or, with other_ before it, of another. Those of ended_ are over,
// those of old_ began half an hour ago.
const (
	ownerSession = "ds_ss_owner"
	goodInvite   = "good-invite"
)

var otherShop = uuid.MustParse("01900000-0000-7000-8000-000000000004")

type fakeStaff struct{ *shop }

func (f fakeStaff) session(m uuid.UUID, role customer.Role) customer.StaffSession {
	return customer.StaffSession{ID: lineID, Merchant: m, StaffID: thing, Role: role, CreatedAt: noon, ExpiresAt: noon.Add(12 * time.Hour)}
}

func (f fakeStaff) StaffSession(_ context.Context, token string) (customer.StaffSession, error) {
	role, ok := strings.CutPrefix(token, "ds_ss_")
	sn := f.session(merchant, "")
	if rest, other := strings.CutPrefix(role, "other_"); other {
		role, sn.Merchant = rest, otherShop
	}
	if rest, old := strings.CutPrefix(role, "old_"); old {
		role, sn.CreatedAt = rest, noon.Add(-30*time.Minute)
	}
	if sn.Role = customer.Role(role); !ok || !sn.Role.Known() {
		return customer.StaffSession{}, customer.ErrStaffSession
	}
	return sn, nil
}

func (f fakeStaff) AskStaffCode(_ context.Context, m uuid.UUID, email, locale, ip string) (uuid.UUID, time.Time, error) {
	return thing, noon.Add(10 * time.Minute), f.see("AskStaffCode", m, true, nil, []string{email, locale, ip})
}

func (f fakeStaff) SignInStaff(_ context.Context, m, request uuid.UUID, code, origin string) (customer.StaffSession, string, error) {
	err := f.see("SignInStaff", m, true, customer.ErrCode, origin)
	if err == nil && code != goodCode {
		err = customer.ErrCode
	}
	return f.session(m, customer.Owner), ownerSession, err
}

func (f fakeStaff) JoinStaff(_ context.Context, m uuid.UUID, code, origin string) (customer.StaffSession, string, error) {
	err := f.see("JoinStaff", m, true, customer.ErrInviteInvalid, origin)
	if err == nil && code != goodInvite && code != "7k3mq2xth0ab4rsp7k3mq2xth0ab4rsp" {
		err = customer.ErrInviteInvalid
	}
	return f.session(m, customer.Agent), "ds_ss_agent", err
}

func (f fakeStaff) SignOutStaff(_ context.Context, m, session uuid.UUID) error {
	return f.see("SignOutStaff", m, true, nil, session)
}

func (f fakeStaff) SignOutStaffEverywhere(_ context.Context, m, staff uuid.UUID) (int64, error) {
	return 2, f.see("SignOutStaffEverywhere", m, true, nil, staff)
}

func (f fakeStaff) member() customer.Staff {
	return customer.Staff{ID: thing, Email: canary + "@shop.example", Role: customer.Owner, Status: "active", CreatedAt: noon, UpdatedAt: noon}
}

func (f fakeStaff) StaffMember(_ context.Context, m, staff uuid.UUID) (customer.Staff, error) {
	return f.member(), f.known("StaffMember", m, staff, false, customer.ErrStaffUnknown, nil)
}

func (f fakeStaff) ListStaff(_ context.Context, m uuid.UUID) ([]customer.Staff, error) {
	if err := f.see("ListStaff", m, false, nil, nil); err != nil || m != merchant {
		return nil, err
	}
	return []customer.Staff{f.member()}, nil
}

func (f fakeStaff) Invite(_ context.Context, m uuid.UUID, email string, role customer.Role) (customer.Staff, string, error) {
	ends := noon.AddDate(0, 0, 7)
	return customer.Staff{ID: lineID, Email: email, Role: role, Status: "invited", InviteExpiresAt: &ends, CreatedAt: noon},
		canary + "-code", f.see("Invite", m, true, nil, []string{email, string(role)})
}

func (f fakeStaff) RemoveStaff(_ context.Context, m, staff uuid.UUID) error {
	return f.known("RemoveStaff", m, staff, true, customer.ErrStaffUnknown, nil)
}

func (f fakeStaff) SoleMerchant(context.Context) (uuid.UUID, error) { return merchant, nil }

const mintedKey = "ds_sk_minted"

type fakeAPIKeys struct{ *shop }

func (f fakeAPIKeys) key() customer.Key {
	return customer.Key{ID: thing, Kind: customer.SecretKey, Name: canary, Last4: "wxyz", Scopes: []string{"orders:read"}, CreatedAt: noon, LastUsedAt: &noon}
}

func (f fakeAPIKeys) ListKeys(_ context.Context, m uuid.UUID) ([]customer.Key, error) {
	if err := f.see("ListKeys", m, false, nil, nil); err != nil || m != merchant {
		return nil, err
	}
	ended := f.key()
	ended.ExpiresAt = &noon
	return []customer.Key{f.key(), ended}, nil
}

// everything is a key that may do all that there is.
const everything = "01900000-0000-7000-8000-0000000000ff"

func (f fakeAPIKeys) Key(_ context.Context, m, id uuid.UUID) (customer.Key, error) {
	if id.String() == everything {
		return customer.Key{ID: id, Kind: customer.SecretKey, Scopes: []string{"*"}, CreatedAt: noon}, f.see("Key", m, false, nil, nil)
	}
	return f.key(), f.known("Key", m, id, false, customer.ErrKeyUnknown, nil)
}

func (f fakeAPIKeys) CreateKey(_ context.Context, m uuid.UUID, n customer.NewKey) (customer.Key, string, error) {
	if err := f.see("CreateKey", m, true, nil, n); err != nil {
		return customer.Key{}, "", err
	}
	return customer.Key{ID: lineID, Kind: n.Kind, Name: n.Name, Last4: "nted", Scopes: n.Scopes, Origins: n.Origins, CreatedAt: noon}, mintedKey, nil
}

func (f fakeAPIKeys) RevokeKey(_ context.Context, m, id uuid.UUID) (customer.Key, error) {
	k := f.key()
	k.RevokedAt = &noon
	return k, f.known("RevokeKey", m, id, true, customer.ErrKeyUnknown, nil)
}
