package customer

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// RecordConsent adds an entry about the person of an address with the
// transaction; a zero GivenAt is now. It fails with ErrConsent.
func (s *Service) RecordConsent(tx db.Tx, merchant uuid.UUID, emailHMAC []byte, c Consent) (Consent, error) {
	now := s.db.Now()
	if c.GivenAt.IsZero() {
		c.GivenAt = now
	}
	if err := c.check(now); err != nil {
		return Consent{}, err
	}
	c.ID, c.CreatedAt, c.GivenAt = id.New(), now, earlier(c.GivenAt.UTC().Truncate(time.Microsecond), now)
	tx.Queue(`insert into consents (merchant_id, id, email_hmac, topic, granted, confirmed, source, text_version, country, actor, given_at, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		merchant, c.ID, emailHMAC, c.Topic, c.Granted, c.Confirmed, c.Source, c.TextVersion, c.Country, c.Actor, c.GivenAt, c.CreatedAt)
	return c, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// MailConsent is what counts of a person's entries about any of the topics: the
// newest says whether they agree, and their agreement is confirmed when any
// since the last refusal was.
func (s *Service) MailConsent(ctx context.Context, tx db.Tx, merchant uuid.UUID, emailHMAC []byte, topics []string) (granted, confirmed, found bool, err error) {
	found, err = db.One(tx.QueryRow(ctx, `select granted, confirmed or exists (
			select from consents e where e.merchant_id = $1 and e.email_hmac = $2 and e.topic = any ($3) and e.granted and e.confirmed
			  and not exists (select from consents n where n.merchant_id = $1 and n.email_hmac = $2 and n.topic = any ($3) and not n.granted
				and (n.given_at, n.id) > (e.given_at, e.id)))
		from consents where merchant_id = $1 and email_hmac = $2 and topic = any ($3)
		order by given_at desc, id desc limit 1`, merchant, emailHMAC, topics), &granted, &confirmed)
	return granted, granted && confirmed, found, err
}

// ConsentLog lists everything that a person has agreed to and taken back, the
// newest first, at most 200 entries.
func (s *Service) ConsentLog(ctx context.Context, merchant uuid.UUID, emailHMAC []byte) ([]Consent, error) {
	rows, err := s.db.Query(ctx, `select id, topic, granted, confirmed, source, text_version, country, actor, given_at, created_at from consents
		where merchant_id = $1 and email_hmac = $2 order by given_at desc, id desc limit 200`, merchant, emailHMAC)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Consent, err error) {
		err = row.Scan(&c.ID, &c.Topic, &c.Granted, &c.Confirmed, &c.Source, &c.TextVersion, &c.Country, &c.Actor, &c.GivenAt, &c.CreatedAt)
		c.GivenAt, c.CreatedAt = c.GivenAt.UTC(), c.CreatedAt.UTC()
		return c, err
	})
}
