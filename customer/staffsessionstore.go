package customer

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

// AskStaffCode begins a sign-in: when the address is a member's, a mail with a
// code goes there. The answer and what is written are the same when it is not.
// It fails with ErrEmail or ErrTooManyCodes; ip is not counted when it is empty.
func (s *Service) AskStaffCode(ctx context.Context, merchant uuid.UUID, email, locale, ip string) (request uuid.UUID, expires time.Time, err error) {
	email = strings.TrimSpace(email)
	hmac, err := s.mayAsk(ctx, merchant, "staff_code", email, ip, staffCodesPerEmail, staffCodesPerIP)
	if err != nil {
		return request, expires, err
	}
	request, now := id.New(), s.db.Now()
	expires = now.Add(codeLife)
	return request, expires, db.Run(ctx, s.db, func(tx db.Tx) error {
		tx.Queue(`insert into staff_codes (merchant_id, id, email_hmac, staff_id, locale, created_at, expires_at)
			values ($1, $2, $3, (select id from staff where merchant_id = $1 and email_hmac = $3 and status = 'active'), $4, $5, $6)`,
			merchant, request, hmac, locale, now, expires)
		return jobs.Publish(tx, StaffCodeAsked{merchant, request})
	})
}

// StaffCodeLetter is what the mail of a request says. Of a request that is
// nobody's, or not there, it says that it is of no use.
func (s *Service) StaffCodeLetter(ctx context.Context, merchant, request uuid.UUID) (StaffLetter, error) {
	l := StaffLetter{Code: s.vault.staffCode(merchant, request), Minutes: int64(codeLife / time.Minute)}
	found, err := db.One(s.db.QueryRow(ctx, `select s.contact_id, s.role, c.locale, c.used_at is null and c.expires_at > $3
		from staff_codes c join staff s on s.merchant_id = c.merchant_id and s.id = c.staff_id and s.status = 'active'
		where c.merchant_id = $1 and c.id = $2`, merchant, request, s.db.Now()), &l.Contact, &l.Role, &l.Locale, &l.Alive)
	if !found {
		return StaffLetter{}, err
	}
	return l, err
}

// InviteLetter is what the mail of an invitation says; it is of no use once the
// invitation was accepted, renewed or taken back, or is too old.
func (s *Service) InviteLetter(ctx context.Context, e StaffInvited) (StaffLetter, error) {
	l := StaffLetter{Code: s.vault.inviteCode(e.MerchantID, e.InviteID)}
	var hash []byte
	found, err := db.One(s.db.QueryRow(ctx, `select contact_id, role, invite_hash from staff
		where merchant_id = $1 and id = $2 and status = 'invited' and invite_expires_at > $3`, e.MerchantID, e.StaffID, s.db.Now()),
		&l.Contact, &l.Role, &hash)
	l.Alive = found && bytes.Equal(hash, inviteHash(l.Code))
	return l, err
}

// SignInStaff trades a code for a session, whose token is shown this once. A
// code is tried at most five times and used once, and those of one address ten
// times a day. Whatever is wrong is ErrCode. The audit log notes the sign-in and
// the address that it came from.
func (s *Service) SignInStaff(ctx context.Context, merchant, request uuid.UUID, code, origin string) (StaffSession, string, error) {
	now := s.db.Now()
	// The try counts before the code is looked at, and stays counted.
	n, err := s.db.Exec(ctx, `update staff_codes c set tries = tries + 1
		where merchant_id = $1 and id = $2 and used_at is null and expires_at > $3 and tries < $4
		and (select sum(tries) from staff_codes d where d.merchant_id = c.merchant_id and d.email_hmac = c.email_hmac and d.created_at > $5) < $6`,
		merchant, request, now, codeTries, now.Add(-24*time.Hour), dayTries)
	if err != nil {
		return StaffSession{}, "", err
	}
	if right := same(code, s.vault.staffCode(merchant, request)); n == 0 || !right {
		return StaffSession{}, "", ErrCode
	}
	return s.openSession(ctx, merchant, "sign-in-staff", origin, ErrCode, `with code as (
			update staff_codes set used_at = $3 where merchant_id = $1 and id = $2 and used_at is null returning staff_id)
		select s.id, s.role from staff s join code on code.staff_id = s.id where s.merchant_id = $1 and s.status = 'active' for share of s`,
		merchant, request, now)
}

// JoinStaff is AcceptInvite and the first sign-in at once. It fails with
// ErrInviteInvalid.
func (s *Service) JoinStaff(ctx context.Context, merchant uuid.UUID, code, origin string) (StaffSession, string, error) {
	return s.openSession(ctx, merchant, "join-staff", origin, ErrInviteInvalid, acceptInvite+` returning id, role`, merchant, inviteHash(code), s.db.Now())
}

// openSession makes a session for the member that the statement finds.
func (s *Service) openSession(ctx context.Context, merchant uuid.UUID, action, origin string, missing *fault.Error, sql string, args ...any) (StaffSession, string, error) {
	token, hash := mintStaffSession(merchant)
	now := s.db.Now()
	sn := StaffSession{ID: id.New(), Merchant: merchant, CreatedAt: now, ExpiresAt: now.Add(staffLife)}
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		if err := tx.QueryRow(ctx, sql, args...).Scan(&sn.StaffID, &sn.Role); err != nil {
			return absent(err, missing)
		}
		tx.Queue(`insert into staff_sessions (merchant_id, id, staff_id, hash, created_at, last_seen_at, expires_at)
			values ($1, $2, $3, $4, $5, $5, $6)`, merchant, sn.ID, sn.StaffID, hash, now, sn.ExpiresAt)
		return s.writeAct(tx, &Act{Merchant: merchant, Actor: "staff:" + sn.StaffID.String(), Origin: origin, Action: action, Subject: sn.ID.String()})
	})
	if err != nil {
		return StaffSession{}, "", err
	}
	return sn, token, nil
}

// StaffSession finds who is signed in with a token, or fails with
// ErrStaffSession. Removal and a change of role count at once.
func (s *Service) StaffSession(ctx context.Context, token string) (StaffSession, error) {
	merchant, ok := parseStaffToken(token)
	if !ok {
		return StaffSession{}, ErrStaffSession
	}
	now := s.db.Now()
	sn := StaffSession{Merchant: merchant}
	var seen time.Time
	err := s.db.QueryRow(ctx, `select s.id, s.staff_id, m.role, s.created_at, s.expires_at, s.last_seen_at
		from staff_sessions s join staff m on m.merchant_id = s.merchant_id and m.id = s.staff_id
		join merchants o on o.id = s.merchant_id
		where s.merchant_id = $1 and s.hash = $2 and s.expires_at > $3 and s.last_seen_at > $4 and m.status = 'active' and o.status = 'active'`,
		merchant, sessionHash(token), now, now.Add(-staffIdle)).Scan(&sn.ID, &sn.StaffID, &sn.Role, &sn.CreatedAt, &sn.ExpiresAt, &seen)
	if err != nil {
		return StaffSession{}, absent(err, ErrStaffSession)
	}
	sn.CreatedAt, sn.ExpiresAt = sn.CreatedAt.UTC(), sn.ExpiresAt.UTC()
	if now.Sub(seen) >= staffSeenEvery {
		_, err = s.db.Exec(ctx, `update staff_sessions set last_seen_at = greatest(last_seen_at, $3) where merchant_id = $1 and id = $2`, merchant, sn.ID, now)
	}
	return sn, err
}

// SignOutStaff ends a session. It may be repeated.
func (s *Service) SignOutStaff(ctx context.Context, merchant, session uuid.UUID) error {
	_, err := s.db.Exec(ctx, `delete from staff_sessions where merchant_id = $1 and id = $2`, merchant, session)
	return err
}

// SignOutStaffEverywhere ends all sessions of a member, makes codes that are on
// their way void, and says how many sessions there were.
func (s *Service) SignOutStaffEverywhere(ctx context.Context, merchant, staff uuid.UUID) (n int64, err error) {
	return n, db.Run(ctx, s.db, func(tx db.Tx) (err error) {
		if n, err = tx.Exec(ctx, `delete from staff_sessions where merchant_id = $1 and staff_id = $2`, merchant, staff); err != nil {
			return err
		}
		tx.Queue(voidStaffCodes, merchant, staff, s.db.Now())
		return nil
	})
}

// voidStaffCodes ends the codes of a member that are on their way.
const voidStaffCodes = `update staff_codes set used_at = $3 where merchant_id = $1 and staff_id = $2 and used_at is null`

// StaffMember is one of the staff, invited or active. It fails with
// ErrStaffUnknown.
func (s *Service) StaffMember(ctx context.Context, merchant, staff uuid.UUID) (Staff, error) {
	all, err := s.staff(ctx, merchant, &staff)
	if err == nil && len(all) == 0 {
		err = ErrStaffUnknown
	}
	if err != nil {
		return Staff{}, err
	}
	return all[0], nil
}

// SoleMerchant is the shop of an installation that has only one open; otherwise
// it fails with ErrWhichMerchant.
func (s *Service) SoleMerchant(ctx context.Context) (uuid.UUID, error) {
	rows, err := s.db.Query(ctx, `select id from merchants where status = 'active' limit 2`)
	if err != nil {
		return uuid.Nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err == nil && len(all) != 1 {
		err = ErrWhichMerchant
	}
	if err != nil {
		return uuid.Nil, err
	}
	return all[0], nil
}

// Owners are the contacts of a merchant's active owners, the first first.
func (s *Service) Owners(ctx context.Context, merchant uuid.UUID) (contacts []uuid.UUID, err error) {
	rows, err := s.db.Query(ctx, `select contact_id from staff where merchant_id = $1 and role = 'owner' and status = 'active' order by created_at, id`, merchant)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// PruneStaffSessions removes codes of the day before and sessions that are over.
func (s *Service) PruneStaffSessions(ctx context.Context) (int64, error) {
	now := s.db.Now()
	codes, err := s.db.Exec(ctx, `delete from staff_codes where created_at < $1`, now.Add(-24*time.Hour))
	if err != nil {
		return codes, err
	}
	sessions, err := s.db.Exec(ctx, `delete from staff_sessions where expires_at <= $1 or last_seen_at <= $2`, now, now.Add(-staffIdle))
	return codes + sessions, err
}
