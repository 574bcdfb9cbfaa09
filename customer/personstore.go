package customer

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// Person is a customer of a merchant: everybody who has ordered with one e-mail.
type Person struct {
	ID                   uuid.UUID
	ContactID            uuid.UUID // the newest contact; see Contacts
	EmailHMAC            []byte
	Groups               []string // in order, never nil
	CreatedAt, UpdatedAt time.Time
}

const personColumns = `id, contact_id, email_hmac, groups, created_at, updated_at`

func scanPerson(row pgx.Row) (p Person, err error) {
	err = row.Scan(&p.ID, &p.ContactID, &p.EmailHMAC, &p.Groups, &p.CreatedAt, &p.UpdatedAt)
	p.CreatedAt, p.UpdatedAt = p.CreatedAt.UTC(), p.UpdatedAt.UTC()
	return p, err
}

// Remember makes sure that the person behind a contact is a customer, known by
// the newest contact. It may be repeated and called in any order. A contact that
// has been erased meanwhile is left forgotten; one that never was is
// ErrContactGone.
func (s *Service) Remember(ctx context.Context, merchant, contact uuid.UUID) error {
	// Ids are in order of time, so the greatest contact is the newest.
	n, err := s.db.Exec(ctx, `
		insert into customers (merchant_id, id, email_hmac, contact_id, created_at, updated_at)
		select c.merchant_id, $3, c.email_hmac, c.id, $4, $4 from contacts c
		where c.merchant_id = $1 and c.id = $2 and c.sealed is not null
		on conflict (merchant_id, email_hmac) do update set contact_id = excluded.contact_id, updated_at = excluded.updated_at
		where customers.contact_id < excluded.contact_id`, merchant, contact, id.New(), s.db.Now())
	if db.Violates(err, "customers_merchant_id_fkey") {
		return ErrMerchantUnknown.Because(err)
	}
	if err != nil || n == 1 {
		return err
	}
	var there bool
	if err := s.db.QueryRow(ctx, `select exists (select from contacts where merchant_id = $1 and id = $2)`, merchant, contact).Scan(&there); err != nil {
		return err
	}
	if !there {
		return ErrContactGone
	}
	return nil
}

// Person is one customer, or ErrPersonUnknown.
func (s *Service) Person(ctx context.Context, merchant, person uuid.UUID) (Person, error) {
	p, err := scanPerson(s.db.QueryRow(ctx, `select `+personColumns+` from customers where merchant_id = $1 and id = $2`, merchant, person))
	return p, absent(err, ErrPersonUnknown)
}

// PersonByEmail finds a customer by Vault.EmailHMAC, or fails with
// ErrPersonUnknown.
func (s *Service) PersonByEmail(ctx context.Context, merchant uuid.UUID, emailHMAC []byte) (Person, error) {
	p, err := scanPerson(s.db.QueryRow(ctx, `select `+personColumns+` from customers where merchant_id = $1 and email_hmac = $2`, merchant, emailHMAC))
	return p, absent(err, ErrPersonUnknown)
}

const maxGroups = 20

var groupName = regexp.MustCompile(`^[a-z0-9_-]{1,40}$`)

// SetGroups puts a customer into exactly these groups, by which promotions and
// shipping policies tell people apart. It fails with ErrGroups or
// ErrPersonUnknown.
func (s *Service) SetGroups(ctx context.Context, merchant, person uuid.UUID, groups []string) (Person, error) {
	var w wrong
	for i, g := range groups {
		if !groupName.MatchString(g) {
			w.at(fmt.Sprintf("body.groups[%d]", i), "must be 1 to 40 small letters, digits, hyphens or underscores")
		}
	}
	groups = sorted(groups)
	if len(groups) > maxGroups {
		w.at("body.groups", "must be at most 20")
	}
	if err := w.as(ErrGroups); err != nil {
		return Person{}, err
	}
	var p Person
	err := db.Run(ctx, s.db, func(tx db.Tx) (err error) {
		p, err = scanPerson(tx.QueryRow(ctx, `update customers set groups = $3, updated_at = $4
			where merchant_id = $1 and id = $2 returning `+personColumns, merchant, person, groups, s.db.Now()))
		return absent(err, ErrPersonUnknown)
	})
	return p, err
}

// OnErase adds what another room does in the transaction of Erase, for each
// contact that it blanks, so that it blanks what it keeps itself. Add all before
// the first request.
func (s *Service) OnErase(forget func(ctx context.Context, tx db.Tx, merchant, contact uuid.UUID) error) {
	s.forget = append(s.forget, forget)
}

// Erase blanks every contact of an e-mail, signs the person out everywhere and
// takes them out of all groups, and says how many contacts it blanked. Orders
// keep their amounts, and the rows stay as tombstones. It may be repeated. What
// a person is known by as a member of staff goes with RemoveStaff.
func (s *Service) Erase(ctx context.Context, merchant uuid.UUID, emailHMAC []byte) (int64, error) {
	var erased int64
	now := s.db.Now()
	err := db.Run(ctx, s.db, func(tx db.Tx) (err error) {
		rows, err := tx.Query(ctx, `
			update contacts c set wrapped_key = null, sealed = null, erased_at = $3
			where c.merchant_id = $1 and c.email_hmac = $2 and (c.wrapped_key is not null or c.sealed is not null)
			and not exists (select from staff s where s.merchant_id = c.merchant_id and s.contact_id = c.id and s.status <> 'removed')
			returning c.id`,
			merchant, emailHMAC, now)
		if err != nil {
			return err
		}
		contacts, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		erased = int64(len(contacts))
		for _, c := range contacts {
			for _, forget := range s.forget {
				if err := forget(ctx, tx, merchant, c); err != nil {
					return err
				}
			}
		}
		tx.Queue(`delete from sign_in_codes where merchant_id = $1 and email_hmac = $2`, merchant, emailHMAC)
		tx.Queue(`delete from customer_sessions s using customers c
			where c.merchant_id = $1 and c.email_hmac = $2 and s.merchant_id = c.merchant_id and s.customer_id = c.id`, merchant, emailHMAC)
		tx.Queue(`update customers set groups = '{}', updated_at = $3 where merchant_id = $1 and email_hmac = $2 and groups <> '{}'`,
			merchant, emailHMAC, now)
		return err
	})
	return erased, err
}

// export is what Export writes.
type export struct {
	ExportedAt time.Time         `json:"exported_at"`
	Customer   *exportedPerson   `json:"customer"` // null for one who never ordered
	Contacts   []exportedContact `json:"contacts"`
	Consents   []exportedConsent `json:"consents"` // what they agreed to and took back, the newest first
}

type exportedConsent struct {
	Topic       string    `json:"topic"`
	Granted     bool      `json:"granted"`
	Confirmed   bool      `json:"confirmed"`
	Source      string    `json:"source"`
	TextVersion string    `json:"text_version"`
	GivenAt     time.Time `json:"given_at"`
}

type exportedPerson struct {
	ID        uuid.UUID `json:"id"`
	Groups    []string  `json:"groups"`
	CreatedAt time.Time `json:"created_at"`
}

type exportedContact struct {
	ID        uuid.UUID  `json:"id"`
	CreatedAt time.Time  `json:"created_at"`
	ErasedAt  *time.Time `json:"erased_at,omitempty"`
	Contact   *Contact   `json:"contact"` // null once erased
}

// Export is everything this room knows of a person, as one JSON document:
// exported_at, customer, contacts, oldest first, and consents. Somebody unknown gives an
// empty one.
func (s *Service) Export(ctx context.Context, merchant uuid.UUID, emailHMAC []byte) ([]byte, error) {
	var e export
	err := s.db.Read(ctx,
		&db.Query{
			SQL: `select id, groups, created_at from customers where merchant_id = $1 and email_hmac = $2`, Args: []any{merchant, emailHMAC},
			Each: func(rows pgx.Rows) error {
				e.Customer = nil
				for rows.Next() {
					e.Customer = &exportedPerson{}
					if err := rows.Scan(&e.Customer.ID, &e.Customer.Groups, &e.Customer.CreatedAt); err != nil {
						return err
					}
					e.Customer.CreatedAt = e.Customer.CreatedAt.UTC()
				}
				return nil
			},
		},
		&db.Query{
			SQL: `select id, email_hmac, wrapped_key, sealed, created_at, erased_at from contacts
				where merchant_id = $1 and email_hmac = $2 order by created_at, id`, Args: []any{merchant, emailHMAC},
			Each: func(rows pgx.Rows) error {
				e.Contacts = []exportedContact{}
				for rows.Next() {
					c, err := s.exported(merchant, rows)
					if err != nil {
						return err
					}
					e.Contacts = append(e.Contacts, c)
				}
				return nil
			},
		})
	if err != nil {
		return nil, err
	}
	agreed, err := s.ConsentLog(ctx, merchant, emailHMAC)
	if err != nil {
		return nil, err
	}
	e.Consents = []exportedConsent{}
	for _, c := range agreed {
		e.Consents = append(e.Consents, exportedConsent{c.Topic, c.Granted, c.Confirmed, c.Source, c.TextVersion, c.GivenAt})
	}
	e.ExportedAt = s.db.Now()
	document, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("customer: export: %w", err)
	}
	return document, nil
}

func (s *Service) exported(merchant uuid.UUID, row pgx.Row) (c exportedContact, err error) {
	var sealed Sealed
	if err = row.Scan(&sealed.ID, &sealed.EmailHMAC, &sealed.WrappedKey, &sealed.Blob, &c.CreatedAt, &c.ErasedAt); err != nil {
		return c, err
	}
	c.ID, c.CreatedAt, c.ErasedAt = sealed.ID, c.CreatedAt.UTC(), utc(c.ErasedAt)
	if sealed.Blob == nil {
		return c, nil
	}
	open, err := s.vault.Open(merchant, sealed)
	c.Contact = &open
	return c, err
}
