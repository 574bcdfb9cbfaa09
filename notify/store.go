package notify

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/clock"
	"doorstep/internal/db"
)

// lease is how long a worker may hold a mail before it counts as dead. It is
// longer than any delivery takes (smtpTimeout) and shorter than the time after
// which a dead worker's job is given to another.
const lease = 20 * time.Second

type store struct {
	db    *db.DB
	clock clock.Clock
}

// claim is a row of deliveries as one attempt sees it.
type claim struct {
	claimed   bool // this attempt has the row
	merchant  uuid.UUID
	id        uuid.UUID
	attempt   int
	messageID string
	Status    Status
	captured  *captured // what to keep, when captured
}

type captured struct {
	recipient string
	headers   map[string]string // of lists, nil without
	Message
}

// claim takes the mail's row for one attempt, making it when there is none. At
// most one worker has it at a time: a row being sent can be taken only after
// its lease.
func (s *store) claim(ctx context.Context, m Mail, rowID uuid.UUID, messageID string) (*claim, error) {
	c := &claim{merchant: m.Merchant}
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		now := s.clock.Now()
		claimed, err := db.One(tx.QueryRow(ctx, `insert into deliveries as d
			(merchant_id, id, kind, subject_id, dedupe_key, contact_id, locale, status, attempts, message_id, created_at, updated_at)
			values ($1, $2, $3, $4, $5, $6, $7, 'sending', 1, $8, $9, $9)
			on conflict (merchant_id, dedupe_key) do update
			set status = 'sending', attempts = d.attempts + 1, updated_at = excluded.updated_at
			where d.status = 'queued' or (d.status = 'sending' and d.updated_at <= $10)
			returning id, attempts, message_id, status`,
			m.Merchant, rowID, string(m.Kind), m.Subject, m.key(), m.Contact, string(m.Lang), messageID, now, now.Add(-lease)),
			&c.id, &c.attempt, &c.messageID, &c.Status)
		if c.claimed = claimed; err != nil {
			return err
		}
		if claimed && m.Check != nil {
			return m.Check(ctx, tx)
		}
		if claimed {
			return nil
		}
		return tx.QueryRow(ctx, `select id, attempts, message_id, status from deliveries where merchant_id = $1 and dedupe_key = $2`,
			m.Merchant, m.key()).Scan(&c.id, &c.attempt, &c.messageID, &c.Status)
	})
	return c, err
}

// settle notes what became of the attempt. "Sent" is noted whatever happened
// to the row meanwhile; anything else only while the attempt still has the row.
func (s *store) settle(ctx context.Context, c *claim, status Status, why error) error {
	lastError := ""
	if why != nil {
		if cause := errors.Unwrap(why); cause != nil {
			why = cause // the code is told by the status
		}
		lastError = mask(why.Error())
	}
	now := s.clock.Now()
	var err error
	switch status {
	case Sent:
		_, err = s.db.Exec(ctx, `update deliveries set status = 'sent', sent_at = $3, updated_at = $3, last_error = ''
			where merchant_id = $1 and id = $2 and status <> 'sent'`, c.merchant, c.id, now)
	case Captured:
		_, err = s.db.Exec(ctx, `update deliveries set status = 'captured', sent_at = $4, updated_at = $4, last_error = '',
				recipient = $5, subject = $6, html = $7, body_text = $8, headers = $9
			where merchant_id = $1 and id = $2 and attempts = $3 and status = 'sending'`,
			c.merchant, c.id, c.attempt, now, c.captured.recipient, c.captured.Subject, c.captured.HTML, c.captured.Text, c.captured.headers)
	default:
		_, err = s.db.Exec(ctx, `update deliveries set status = $4, updated_at = $5, last_error = $6
			where merchant_id = $1 and id = $2 and attempts = $3 and status = 'sending'`,
			c.merchant, c.id, c.attempt, string(status), now, lastError)
	}
	return err
}

// drop settles a row that nobody works on.
func (s *store) drop(ctx context.Context, m Mail, reason string) error {
	now := s.clock.Now()
	_, err := s.db.Exec(ctx, `update deliveries set status = 'dropped', updated_at = $3, last_error = $4
		where merchant_id = $1 and dedupe_key = $2 and (status = 'queued' or status = 'sending' and updated_at <= $5)`,
		m.Merchant, m.key(), now, mask(reason), now.Add(-lease))
	return err
}

// Delivery is what is known about one mail, without anyone's data.
type Delivery struct {
	ID        uuid.UUID
	Kind      Kind
	Subject   uuid.UUID // the order, shipment or refund
	Status    Status
	Attempts  int
	LastError string
	CreatedAt time.Time
	SentAt    *time.Time
}

// Delivery finds the mail with that key; see Mail.Key. It returns ErrNoMail
// when there is none.
func (s *Service) Delivery(ctx context.Context, m Mail) (Delivery, error) {
	var d Delivery
	found, err := db.One(s.store.db.QueryRow(ctx, `select id, kind, subject_id, status, attempts, last_error, created_at, sent_at
		from deliveries where merchant_id = $1 and dedupe_key = $2`, m.Merchant, m.key()),
		&d.ID, &d.Kind, &d.Subject, &d.Status, &d.Attempts, &d.LastError, &d.CreatedAt, &d.SentAt)
	if err == nil && !found {
		err = ErrNoMail
	}
	return d, err
}

// CapturedMail is a mail of the demo, which was kept instead of sent.
type CapturedMail struct {
	Merchant  uuid.UUID
	ID        uuid.UUID
	Kind      Kind
	To        string
	CreatedAt time.Time
	Message
	Headers map[string]string // those by which readers' programs unsubscribe; mostly none
}

const capturedColumns = `merchant_id, id, kind, coalesce(recipient, ''), created_at, coalesce(subject, ''), coalesce(html, ''), coalesce(body_text, ''),
	coalesce(headers, '{}')`

func (c *CapturedMail) scan() []any {
	return []any{&c.Merchant, &c.ID, &c.Kind, &c.To, &c.CreatedAt, &c.Subject, &c.HTML, &c.Text, &c.Headers}
}

// CapturedMails lists the newest captured mails of all merchants, at most
// limit. For the demo only.
func (s *Service) CapturedMails(ctx context.Context, limit int) ([]CapturedMail, error) {
	rows, err := s.store.db.Query(ctx, `select `+capturedColumns+` from deliveries
		where status = 'captured' order by created_at desc, id desc limit $1`, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c CapturedMail, err error) {
		return c, row.Scan(c.scan()...)
	})
}

// CapturedMail is the captured mail with that id. For the demo only.
func (s *Service) CapturedMail(ctx context.Context, rowID uuid.UUID) (CapturedMail, error) {
	var c CapturedMail
	found, err := db.One(s.store.db.QueryRow(ctx, `select `+capturedColumns+` from deliveries
		where status = 'captured' and id = $1`, rowID), c.scan()...)
	if err == nil && !found {
		err = ErrNoMail
	}
	return c, err
}

// ForgetSubjects blanks what was captured of mails that speak of something, when
// who it was about is erased.
func (s *Service) ForgetSubjects(ctx context.Context, tx db.Tx, merchant uuid.UUID, subjects []uuid.UUID) error {
	_, err := tx.Exec(ctx, `update deliveries set recipient = null, subject = null, html = null, body_text = null, updated_at = $3
		where merchant_id = $1 and subject_id = any($2)`, merchant, subjects, s.clock.Now())
	return err
}

// Forget blanks what was captured for a contact, when the contact is erased.
func (s *Service) Forget(ctx context.Context, tx db.Tx, merchant, contact uuid.UUID) error {
	_, err := tx.Exec(ctx, `update deliveries set recipient = null, subject = null, html = null, body_text = null, headers = null, updated_at = $3
		where merchant_id = $1 and contact_id = $2`, merchant, contact, s.clock.Now())
	return err
}
