package customer

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

// Role is what a member of staff may do.
type Role string

// The roles; see Role.Scopes. Only owners are guarded here: the last one stays.
const (
	Owner   Role = "owner"
	Manager Role = "manager"
	Agent   Role = "agent"
	Packer  Role = "packer"
	Reader  Role = "reader" // sees everything and changes nothing
)

// Known says whether r is a role.
func (r Role) Known() bool { return grants[r] != nil }

// Staff is one who works for a merchant.
type Staff struct {
	ID                   uuid.UUID
	Email                string // opened from the vault
	Role                 Role
	Status               string     // invited or active
	InviteExpiresAt      *time.Time // nil once it was accepted
	CreatedAt, UpdatedAt time.Time
}

const (
	inviteTime = 7 * 24 * time.Hour
	maxStaff   = 500
)

// Invite asks somebody to join the merchant's staff and gives the code to send,
// which works once within seven days and is kept as a hash only; a mail with it
// follows. Inviting the same e-mail again makes the earlier code void; a member who has joined is
// ErrStaffActive. It fails with ErrEmail, ErrRole or ErrMerchantUnknown.
func (s *Service) Invite(ctx context.Context, merchant uuid.UUID, email string, role Role) (Staff, string, error) {
	email = strings.TrimSpace(email)
	if !isEmail(email) {
		return Staff{}, "", ErrEmail.At("body.email", "is not an e-mail address")
	}
	if !role.Known() {
		return Staff{}, "", ErrRole.At("body.role", "must be owner, manager, agent, packer or reader")
	}
	sealed, err := s.vault.Seal(merchant, Contact{Email: email})
	if err != nil {
		return Staff{}, "", err
	}
	invite, code := s.vault.newInvite(merchant)
	now := s.db.Now()
	expires := now.Add(inviteTime)
	m := Staff{ID: id.New(), Email: email, Role: role, Status: "invited", InviteExpiresAt: &expires, CreatedAt: now, UpdatedAt: now}
	put := func() error {
		return db.Run(ctx, s.db, func(tx db.Tx) error {
			if err := putInvite(ctx, tx, merchant, &m, sealed, inviteHash(code)); err != nil {
				return err
			}
			return jobs.Publish(tx, StaffInvited{merchant, m.ID, invite})
		})
	}
	if err = put(); db.Violates(err, "staff_merchant_id_email_hmac_key") {
		err = put() // somebody invited the same person in this instant, so it is a renewal
	}
	switch {
	case db.Violates(err, "staff_merchant_id_fkey"):
		return Staff{}, "", ErrMerchantUnknown.Because(err)
	case err != nil:
		return Staff{}, "", err
	}
	return m, code, nil
}

// putInvite stores a new invitation, or makes the one that is there anew.
func putInvite(ctx context.Context, tx db.Tx, merchant uuid.UUID, m *Staff, sealed Sealed, hash []byte) error {
	var staff, contact uuid.UUID
	var status string
	var created time.Time
	found, err := db.One(tx.QueryRow(ctx, `select id, status, contact_id, created_at from staff
		where merchant_id = $1 and email_hmac = $2 for update`, merchant, sealed.EmailHMAC), &staff, &status, &contact, &created)
	if err != nil {
		return err
	}
	if status == "active" {
		return ErrStaffActive
	}
	QueueContact(tx, merchant, sealed, m.UpdatedAt)
	if !found {
		tx.Queue(`insert into staff (merchant_id, id, email_hmac, contact_id, role, status, invite_hash, invite_expires_at, created_at, updated_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			merchant, m.ID, sealed.EmailHMAC, sealed.ID, m.Role, m.Status, hash, m.InviteExpiresAt, m.CreatedAt, m.UpdatedAt)
		return nil
	}
	m.ID, m.CreatedAt = staff, created.UTC()
	tx.Queue(`update staff set contact_id = $3, role = $4, status = $5, invite_hash = $6, invite_expires_at = $7, updated_at = $8
		where merchant_id = $1 and id = $2`, merchant, staff, sealed.ID, m.Role, m.Status, hash, m.InviteExpiresAt, m.UpdatedAt)
	// Nothing but this row ever pointed to the earlier contact.
	tx.Queue(`delete from contacts where merchant_id = $1 and id = $2`, merchant, contact)
	return nil
}

func inviteHash(code string) []byte {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(code))))
	return sum[:]
}

// AcceptInvite makes the holder of the code a member. A code that is wrong,
// used, renewed or too old is ErrInviteInvalid.
func (s *Service) AcceptInvite(ctx context.Context, merchant uuid.UUID, code string) (Staff, error) {
	var staff uuid.UUID
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		return absent(tx.QueryRow(ctx, acceptInvite+` returning id`, merchant, inviteHash(code), s.db.Now()).Scan(&staff), ErrInviteInvalid)
	})
	if err != nil {
		return Staff{}, err
	}
	return s.StaffMember(ctx, merchant, staff)
}

// acceptInvite makes the holder of the code with hash $2 a member.
const acceptInvite = `update staff set status = 'active', invite_hash = null, invite_expires_at = null, updated_at = $3
	where merchant_id = $1 and invite_hash = $2 and status = 'invited' and invite_expires_at > $3`

// ListStaff lists the invited and the active, oldest first, at most 500.
func (s *Service) ListStaff(ctx context.Context, merchant uuid.UUID) ([]Staff, error) {
	return s.staff(ctx, merchant, nil)
}

// staff reads one of the staff, or all.
func (s *Service) staff(ctx context.Context, merchant uuid.UUID, only *uuid.UUID) ([]Staff, error) {
	rows, err := s.db.Query(ctx, `
		select s.id, s.role, s.status, s.invite_expires_at, s.created_at, s.updated_at, c.id, c.email_hmac, c.wrapped_key, c.sealed
		from staff s join contacts c on c.merchant_id = s.merchant_id and c.id = s.contact_id
		where s.merchant_id = $1 and s.status <> 'removed' and ($2::uuid is null or s.id = $2)
		order by s.created_at, s.id limit $3`, merchant, only, maxStaff)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Staff, err error) {
		var sealed Sealed
		if err = row.Scan(&m.ID, &m.Role, &m.Status, &m.InviteExpiresAt, &m.CreatedAt, &m.UpdatedAt,
			&sealed.ID, &sealed.EmailHMAC, &sealed.WrappedKey, &sealed.Blob); err != nil {
			return m, err
		}
		m.InviteExpiresAt, m.CreatedAt, m.UpdatedAt = utc(m.InviteExpiresAt), m.CreatedAt.UTC(), m.UpdatedAt.UTC()
		c, err := s.vault.Open(merchant, sealed)
		m.Email = c.Email
		return m, err
	})
}

// RemoveStaff ends a membership or an invitation with its sessions, and erases
// the contact. Doing so again changes nothing. It fails with ErrStaffUnknown, and with ErrLastOwner
// when nobody would be left to own the shop.
func (s *Service) RemoveStaff(ctx context.Context, merchant, staff uuid.UUID) error {
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		// All owners are locked, always in the same order: two who remove each
		// other at once find that one is left.
		rows, err := tx.Query(ctx, `select id from staff
			where merchant_id = $1 and role = 'owner' and status = 'active' order by id for update`, merchant)
		if err != nil {
			return err
		}
		owners, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		if len(owners) == 1 && owners[0] == staff {
			return ErrLastOwner
		}
		var contact uuid.UUID
		now := s.db.Now()
		row := tx.QueryRow(ctx, `update staff set status = 'removed', invite_hash = null, invite_expires_at = null,
				updated_at = case when status = 'removed' then updated_at else $3 end
			where merchant_id = $1 and id = $2 returning contact_id`, merchant, staff, now)
		if err := row.Scan(&contact); err != nil {
			return absent(err, ErrStaffUnknown)
		}
		tx.Queue(eraseContact, merchant, contact, now)
		tx.Queue(`delete from staff_sessions where merchant_id = $1 and staff_id = $2`, merchant, staff)
		tx.Queue(voidStaffCodes, merchant, staff, now)
		for _, free := range s.free {
			if err := free(ctx, tx, merchant, staff); err != nil {
				return err
			}
		}
		return nil
	})
}

// OnRemoveStaff adds what another room does in the transaction of RemoveStaff, so that
// nothing waits for somebody who has left. Add all before the first request.
func (s *Service) OnRemoveStaff(free func(ctx context.Context, tx db.Tx, merchant, staff uuid.UUID) error) {
	s.free = append(s.free, free)
}

// eraseContact blanks one contact and keeps the row as a tombstone.
const eraseContact = `update contacts set wrapped_key = null, sealed = null, erased_at = $3
	where merchant_id = $1 and id = $2 and (wrapped_key is not null or sealed is not null)`
