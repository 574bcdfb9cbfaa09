package customer

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/attempt"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

// AskCode begins a sign-in: a mail with a code goes to the address, whoever it
// belongs to. The id that it gives is needed together with the code. It fails
// with ErrEmail or ErrTooManyCodes; ip is the shopper's, empty is not counted.
func (s *Service) AskCode(ctx context.Context, merchant uuid.UUID, email, locale, ip string) (request uuid.UUID, expires time.Time, err error) {
	email = strings.TrimSpace(email)
	hmac, err := s.mayAsk(ctx, merchant, "sign_in_code", email, ip, codesPerEmail, codesPerIP)
	if err != nil {
		return request, expires, err
	}
	sealed, err := s.vault.Seal(merchant, Contact{Email: email})
	if err != nil {
		return request, expires, err
	}
	request, now := id.New(), s.db.Now()
	expires = now.Add(codeLife)
	return request, expires, db.Run(ctx, s.db, func(tx db.Tx) error {
		// The mail goes to the contact that is known already, so that asking for
		// codes leaves at most one more behind.
		var contact uuid.UUID
		switch err := tx.QueryRow(ctx, `select id from contacts where merchant_id = $1 and email_hmac = $2 and sealed is not null
				order by id desc limit 1`, merchant, hmac).Scan(&contact); {
		case errors.Is(err, pgx.ErrNoRows):
			contact = sealed.ID
			QueueContact(tx, merchant, sealed, now)
		case err != nil:
			return err
		}
		tx.Queue(`insert into sign_in_codes (merchant_id, id, email_hmac, contact_id, locale, created_at, expires_at)
			values ($1, $2, $3, $4, $5, $6, $7)`, merchant, request, hmac, contact, locale, now, expires)
		return jobs.Publish(tx, CodeAsked{merchant, request})
	})
}

// mayAsk counts that somebody asks for a code of the kind, and gives what the
// address is known by. It fails with ErrEmail or ErrTooManyCodes.
func (s *Service) mayAsk(ctx context.Context, merchant uuid.UUID, kind, email, ip string, perEmail, perIP attempt.Limit) ([]byte, error) {
	if !isEmail(email) {
		return nil, ErrEmail
	}
	hmac := s.vault.EmailHMAC(merchant, email)
	if ip != "" {
		if err := s.countCode(ctx, merchant, perIP, attempt.From(kind, ip)); err != nil {
			return nil, err
		}
	}
	return hmac, s.countCode(ctx, merchant, perEmail, attempt.Of(kind, string(hmac)))
}

func (s *Service) countCode(ctx context.Context, merchant uuid.UUID, limit attempt.Limit, try attempt.Try) error {
	wait, err := limit.Count(ctx, s.db, merchant, 1, try)
	if err == nil && wait > 0 {
		return ErrTooManyCodes.After(wait)
	}
	return err
}

// CodeRequest is what the mail of a request says. It fails with ErrCode when
// there is no such request.
func (s *Service) CodeRequest(ctx context.Context, merchant, request uuid.UUID) (CodeRequest, error) {
	now := s.db.Now()
	c := CodeRequest{Code: s.vault.signInCode(merchant, request), Minutes: int64(codeLife / time.Minute)}
	err := s.db.QueryRow(ctx, `select contact_id, locale, used_at is null and expires_at > $3 from sign_in_codes
		where merchant_id = $1 and id = $2`, merchant, request, now).Scan(&c.Contact, &c.Locale, &c.Alive)
	return c, absent(err, ErrCode)
}

// SignIn trades a code for a session, whose token is shown this once. A code is
// tried at most five times and used once, and those of one address ten times a
// day. Whatever is wrong is ErrCode.
func (s *Service) SignIn(ctx context.Context, merchant, request uuid.UUID, code string) (Session, string, error) {
	now := s.db.Now()
	// The try counts before the code is looked at, and stays counted.
	n, err := s.db.Exec(ctx, `update sign_in_codes c set tries = tries + 1
		where merchant_id = $1 and id = $2 and used_at is null and expires_at > $3 and tries < $4
		and (select sum(tries) from sign_in_codes d where d.merchant_id = c.merchant_id and d.email_hmac = c.email_hmac and d.created_at > $5) < $6`,
		merchant, request, now, codeTries, now.Add(-24*time.Hour), dayTries)
	if err != nil {
		return Session{}, "", err
	}
	right := subtle.ConstantTimeCompare([]byte(code), []byte(s.vault.signInCode(merchant, request))) == 1
	if n == 0 || !right {
		return Session{}, "", ErrCode
	}
	token, hash := mintSession()
	sn := Session{ID: id.New(), CreatedAt: now, ExpiresAt: now.Add(sessionLife)}
	err = db.Run(ctx, s.db, func(tx db.Tx) error {
		var contact uuid.UUID
		err := tx.QueryRow(ctx, `update sign_in_codes set used_at = $3 where merchant_id = $1 and id = $2 and used_at is null
			returning email_hmac, contact_id`, merchant, request, now).Scan(&sn.EmailHMAC, &contact)
		if err != nil {
			return absent(err, ErrCode)
		}
		err = tx.QueryRow(ctx, `insert into customers (merchant_id, id, email_hmac, contact_id, created_at, updated_at)
			values ($1, $2, $3, $4, $5, $5)
			on conflict (merchant_id, email_hmac) do update set contact_id = greatest(customers.contact_id, excluded.contact_id)
			returning id, contact_id`, merchant, id.New(), sn.EmailHMAC, contact, now).Scan(&sn.CustomerID, &sn.ContactID)
		if err != nil {
			return err
		}
		tx.Queue(`insert into customer_sessions (merchant_id, id, customer_id, hash, created_at, last_seen_at, expires_at)
			values ($1, $2, $3, $4, $5, $5, $6)`, merchant, sn.ID, sn.CustomerID, hash, now, sn.ExpiresAt)
		return nil
	})
	if err != nil {
		return Session{}, "", err
	}
	return sn, token, nil
}

// Session finds who is signed in with a token, or fails with ErrSession.
func (s *Service) Session(ctx context.Context, merchant uuid.UUID, token string) (sn Session, err error) {
	if !sessionToken(token) {
		return sn, ErrSession
	}
	now := s.db.Now()
	var seen time.Time
	err = s.db.QueryRow(ctx, `select s.id, s.customer_id, c.contact_id, c.email_hmac, s.created_at, s.expires_at, s.last_seen_at
		from customer_sessions s join customers c on c.merchant_id = s.merchant_id and c.id = s.customer_id
		where s.merchant_id = $1 and s.hash = $2 and s.expires_at > $3`, merchant, sessionHash(token), now).
		Scan(&sn.ID, &sn.CustomerID, &sn.ContactID, &sn.EmailHMAC, &sn.CreatedAt, &sn.ExpiresAt, &seen)
	if err != nil {
		return sn, absent(err, ErrSession)
	}
	sn.CreatedAt, sn.ExpiresAt = sn.CreatedAt.UTC(), sn.ExpiresAt.UTC()
	if now.Sub(seen) >= seenEvery {
		_, err = s.db.Exec(ctx, `update customer_sessions set last_seen_at = $3 where merchant_id = $1 and id = $2`, merchant, sn.ID, now)
	}
	return sn, err
}

// SignOut ends a session. It may be repeated.
func (s *Service) SignOut(ctx context.Context, merchant uuid.UUID, token string) error {
	_, err := s.db.Exec(ctx, `delete from customer_sessions where merchant_id = $1 and hash = $2`, merchant, sessionHash(token))
	return err
}

// PruneSignIns removes codes of the day before and sessions that are over.
func (s *Service) PruneSignIns(ctx context.Context) (int64, error) {
	now := s.db.Now()
	codes, err := s.db.Exec(ctx, `delete from sign_in_codes where created_at < $1`, now.Add(-24*time.Hour))
	if err != nil {
		return codes, err
	}
	sessions, err := s.db.Exec(ctx, `delete from customer_sessions where expires_at < $1`, now)
	return codes + sessions, err
}

func (s *Service) hmacOf(ctx context.Context, merchant, person uuid.UUID) ([]byte, error) {
	p, err := s.Person(ctx, merchant, person)
	return p.EmailHMAC, err
}

// ExportPerson is Export for a customer known by id. It fails with
// ErrPersonUnknown.
func (s *Service) ExportPerson(ctx context.Context, merchant, person uuid.UUID) ([]byte, error) {
	hmac, err := s.hmacOf(ctx, merchant, person)
	if err != nil {
		return nil, err
	}
	return s.Export(ctx, merchant, hmac)
}

// ErasePerson is Erase for a customer known by id. It fails with
// ErrPersonUnknown.
func (s *Service) ErasePerson(ctx context.Context, merchant, person uuid.UUID) (int64, error) {
	hmac, err := s.hmacOf(ctx, merchant, person)
	if err != nil {
		return 0, err
	}
	return s.Erase(ctx, merchant, hmac)
}
