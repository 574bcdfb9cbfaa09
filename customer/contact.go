package customer

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// Address is where a parcel or an invoice goes.
type Address struct {
	Name     string `json:"name,omitempty"`
	Line1    string `json:"line1,omitempty"`
	Line2    string `json:"line2,omitempty"`
	City     string `json:"city,omitempty"`
	Region   string `json:"region,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	Country  string `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Phone    string `json:"phone,omitempty"`
}

// Contact is all that is known of a person for one checkout or order. It is
// stored sealed, and only here.
type Contact struct {
	Name     string   `json:"name,omitempty"`
	Email    string   `json:"email"`
	Phone    string   `json:"phone,omitempty"`
	Shipping *Address `json:"shipping,omitempty"`
	Billing  *Address `json:"billing,omitempty"`
	Company  string   `json:"company,omitempty"`
	VATID    string   `json:"vat_id,omitempty"`
	Note     string   `json:"note,omitempty"`
}

// Sealed is a contact as the database keeps it.
type Sealed struct {
	ID         uuid.UUID
	EmailHMAC  []byte
	WrappedKey []byte
	Blob       []byte
}

// Vault seals and opens contacts and secrets, makes e-mails findable without
// storing them, and signs links. All its keys are derived from one master key.
type Vault struct {
	wrap   cipher.AEAD
	secret cipher.AEAD
	email  []byte
	link   []byte
	code   []byte
}

// NewVault derives the keys from master, which must be 32 bytes.
func NewVault(master []byte) (*Vault, error) {
	if len(master) != 32 {
		return nil, fmt.Errorf("customer: the master key has %d bytes, want 32", len(master))
	}
	derive := func(use string) []byte {
		key, err := hkdf.Key(sha256.New, master, nil, "doorstep "+use, 32)
		if err != nil {
			panic(err) // only for lengths that SHA-256 cannot give
		}
		return key
	}
	return &Vault{
		wrap: aead(derive("contact key")), secret: aead(derive("sealed secret")), email: derive("e-mail look-up"), link: derive("signed link"),
		code: derive("sign-in code"),
	}, nil
}

func aead(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for keys of another length
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return a
}

// Seal encrypts c under a fresh data key, bound to the merchant and the row.
func (v *Vault) Seal(merchant uuid.UUID, c Contact) (Sealed, error) {
	return v.seal(merchant, id.New(), c)
}

// Reseal encrypts c anew for the row it already has.
func (v *Vault) Reseal(merchant, row uuid.UUID, c Contact) (Sealed, error) {
	return v.seal(merchant, row, c)
}

func (v *Vault) seal(merchant, row uuid.UUID, c Contact) (Sealed, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return Sealed{}, fmt.Errorf("customer: %w", err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // crypto/rand never fails: it ends the program instead
	bound := slices.Concat(merchant[:], row[:])
	return Sealed{
		ID:         row,
		EmailHMAC:  v.EmailHMAC(merchant, c.Email),
		WrappedKey: v.wrap.Seal(nil, nil, key, bound),      //nolint:gosec // NewGCMWithRandomNonce makes its own nonce
		Blob:       aead(key).Seal(nil, nil, plain, bound), //nolint:gosec // NewGCMWithRandomNonce makes its own nonce
	}, nil
}

// Open decrypts what Seal made. An erased contact opens as an empty one.
func (v *Vault) Open(merchant uuid.UUID, s Sealed) (Contact, error) {
	var c Contact
	if s.WrappedKey == nil || s.Blob == nil {
		return c, nil
	}
	bound := slices.Concat(merchant[:], s.ID[:])
	key, err := v.wrap.Open(nil, nil, s.WrappedKey, bound)
	if err != nil {
		return c, fmt.Errorf("customer: contact %s: data key: %w", s.ID, err)
	}
	plain, err := aead(key).Open(nil, nil, s.Blob, bound)
	if err != nil {
		return c, fmt.Errorf("customer: contact %s: %w", s.ID, err)
	}
	if err := json.Unmarshal(plain, &c); err != nil {
		return c, fmt.Errorf("customer: contact %s: %w", s.ID, err)
	}
	return c, nil
}

// EmailHMAC makes an e-mail findable without storing it: the same for every
// spelling that mail servers treat as one (case and outer spaces).
func (v *Vault) EmailHMAC(merchant uuid.UUID, email string) []byte {
	mac := hmac.New(sha256.New, v.email)
	mac.Write(merchant[:])
	mac.Write([]byte(strings.ToLower(strings.TrimSpace(email))))
	return mac.Sum(nil)
}

// QueueContact stores a sealed contact with the transaction.
func QueueContact(tx db.Tx, merchant uuid.UUID, s Sealed, now time.Time) {
	tx.Queue(`insert into contacts (merchant_id, id, email_hmac, wrapped_key, sealed, created_at) values ($1, $2, $3, $4, $5, $6)`,
		merchant, s.ID, s.EmailHMAC, s.WrappedKey, s.Blob, now)
}

// EraseContact blanks a contact that nothing is sent to any more, and keeps its
// row as a tombstone.
func EraseContact(tx db.Tx, merchant, contact uuid.UUID, now time.Time) {
	tx.Queue(eraseContact, merchant, contact, now)
}

// ContactQuery reads a sealed contact into s, to travel with other reads. The
// id is either known (a uuid) or found by a subselect on $1, the merchant.
func ContactQuery(merchant, contact uuid.UUID, s *Sealed) *db.Query {
	return &db.Query{
		SQL:  `select id, email_hmac, wrapped_key, sealed from contacts where merchant_id = $1 and id = $2`,
		Args: []any{merchant, contact},
		Each: func(rows pgx.Rows) error { return ScanContact(rows, s) },
	}
}

// ScanContact reads the columns id, email_hmac, wrapped_key, sealed of the last row.
func ScanContact(rows pgx.Rows, s *Sealed) error {
	*s = Sealed{}
	for rows.Next() {
		if err := rows.Scan(&s.ID, &s.EmailHMAC, &s.WrappedKey, &s.Blob); err != nil {
			return err
		}
	}
	return nil
}

// Person is Vault.EmailHMAC of a contact's address; an erased or absent contact is
// ErrContactGone.
func (c *Contacts) Person(ctx context.Context, merchant, contact uuid.UUID) ([]byte, error) {
	var hmac []byte
	found, err := db.One(c.db.QueryRow(ctx, `select email_hmac from contacts where merchant_id = $1 and id = $2 and sealed is not null`, merchant, contact), &hmac)
	if err == nil && !found {
		err = ErrContactGone
	}
	return hmac, err
}

// Contacts opens stored contacts.
type Contacts struct {
	db    *db.DB
	vault *Vault
}

// NewContacts makes the reader of contacts.
func NewContacts(d *db.DB, v *Vault) *Contacts { return &Contacts{d, v} }

// Contact opens one contact; an erased or absent one is ErrContactGone.
func (c *Contacts) Contact(ctx context.Context, merchant, contact uuid.UUID) (Contact, error) {
	var s Sealed
	if err := c.db.Read(ctx, ContactQuery(merchant, contact, &s)); err != nil {
		return Contact{}, err
	}
	if s.Blob == nil {
		return Contact{}, ErrContactGone
	}
	return c.vault.Open(merchant, s)
}

// Newest is the newest contact of an address that is not erased, by its EmailHMAC;
// uuid.Nil when there is none.
func (c *Contacts) Newest(ctx context.Context, merchant uuid.UUID, email []byte) (contact uuid.UUID, err error) {
	_, err = db.One(c.db.QueryRow(ctx, `select id from contacts where merchant_id = $1 and email_hmac = $2 and sealed is not null order by id desc limit 1`, merchant, email), &contact)
	return contact, err
}

// Known is the newest contact of an address, or a new one with that name, for those
// who write to a shop without having bought anything. It fails with ErrEmail.
func (c *Contacts) Known(ctx context.Context, merchant uuid.UUID, email, name string) (contact uuid.UUID, err error) {
	if !isEmail(email) {
		return uuid.Nil, ErrEmail
	}
	if contact, err = c.Newest(ctx, merchant, c.vault.EmailHMAC(merchant, email)); err != nil || contact != uuid.Nil {
		return contact, err
	}
	sealed, err := c.vault.Seal(merchant, Contact{Email: email, Name: name})
	if err != nil {
		return uuid.Nil, err
	}
	return sealed.ID, db.Run(ctx, c.db, func(tx db.Tx) error {
		QueueContact(tx, merchant, sealed, tx.DB().Now())
		return nil
	})
}
