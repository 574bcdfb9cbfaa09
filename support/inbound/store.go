package inbound

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/support/desk"
)

type store struct{ db *db.DB }

// arrived is what became of a mail that is here before.
func (s *store) arrived(ctx context.Context, merchant uuid.UUID, hash []byte) (r Receipt, found bool, err error) {
	var conversation *uuid.UUID
	found, err = db.One(s.db.QueryRow(ctx, `select status, reason, conversation_id from support_mails where merchant_id = $1 and message_hash = $2 and direction = 'in'`,
		merchant, hash), &r.Status, &r.Reason, &conversation)
	if conversation != nil {
		r.Conversation = *conversation
	}
	return r, found, err
}

// ignore notes a mail that nothing follows from.
func (s *store) ignore(ctx context.Context, merchant, mail uuid.UUID, hash []byte, reason string) error {
	_, err := s.db.Exec(ctx, `insert into support_mails (merchant_id, id, direction, message_hash, status, reason, created_at)
		values ($1, $2, 'in', $3, 'ignored', $4, $5) on conflict do nothing`, merchant, mail, hash, reason, s.db.Now())
	return err
}

// referred finds the conversation of the mails that a mail says it answers: ours by
// the first half of their Message-IDs, others by the hash.
func (s *store) referred(ctx context.Context, merchant uuid.UUID, ours []uuid.UUID, hashes [][]byte) (uuid.UUID, error) {
	var conversation uuid.UUID
	_, err := db.One(s.db.QueryRow(ctx, `select conversation_id from support_mails where merchant_id = $1 and conversation_id is not null
			and (direction = 'out' and id = any($2) or direction = 'in' and message_hash = any($3))
		order by created_at desc, id limit 1`, merchant, ours, hashes), &conversation)
	return conversation, err
}

// sentTo counts the answers of programs that went to a contact since then.
func (s *store) sentTo(ctx context.Context, merchant, contact uuid.UUID, since time.Time) (n int, err error) {
	err = s.db.QueryRow(ctx, `select count(*) from conversations c join support_mails m on m.merchant_id = c.merchant_id and m.conversation_id = c.id
		join messages b on b.merchant_id = m.merchant_id and b.conversation_id = m.conversation_id and b.seq = m.seq and b.author = 'bot'
		where c.merchant_id = $1 and c.contact_id = $2 and m.direction = 'out' and m.status in ('queued', 'sent') and m.created_at > $3`,
		merchant, contact, since).Scan(&n)
	return n, err
}

// place is where a reply of the assistant stands; the newest of that text.
func (s *store) place(ctx context.Context, merchant, conversation uuid.UUID, text string) (seq int, err error) {
	err = s.db.QueryRow(ctx, `select coalesce(max(seq), 0) from messages where merchant_id = $1 and conversation_id = $2 and author = 'bot' and body = $3`,
		merchant, conversation, text).Scan(&seq)
	return seq, err
}

// said is one message.
func (s *store) said(ctx context.Context, merchant, conversation uuid.UUID, seq int) (m desk.Message, found bool, err error) {
	found, err = db.One(s.db.QueryRow(ctx, `select seq, author, body, data from messages where merchant_id = $1 and conversation_id = $2 and seq = $3`,
		merchant, conversation, seq), &m.Seq, &m.Author, &m.Body, &m.Data)
	return m, found, err
}

// thread is the mail side of a conversation.
type thread struct {
	ids   []string // of both sides, the oldest first
	asked *int
}

func (s *store) thread(ctx context.Context, merchant, conversation uuid.UUID) (t thread, err error) {
	_, err = db.One(s.db.QueryRow(ctx, `select message_ids, asked_seq from support_threads where merchant_id = $1 and conversation_id = $2`,
		merchant, conversation), &t.ids, &t.asked)
	return t, err
}

// add puts Message-IDs behind those of the thread and, unless asked is below zero,
// notes what was asked (0 is nothing).
func (s *store) add(tx db.Tx, merchant, conversation uuid.UUID, asked int, ids ...string) {
	tx.Queue(`insert into support_threads as t (merchant_id, conversation_id, message_ids, asked_seq, updated_at) values ($1, $2, $3::text[], nullif(greatest($4::int, 0), 0), $5)
		on conflict (merchant_id, conversation_id) do update set updated_at = excluded.updated_at,
			message_ids = (select coalesce(array_agg(x order by n), '{}') from (
				select x, max(n) as n from unnest(t.message_ids || excluded.message_ids) with ordinality u (x, n) group by x order by n desc limit 20) kept),
			asked_seq = case when $4::int < 0 then t.asked_seq else excluded.asked_seq end`,
		merchant, conversation, ids, asked, tx.DB().Now())
}

// answer is a mail that goes out, or may.
type answer struct {
	id, conversation uuid.UUID
	seq              int
	status           string
}

func (s *store) answer(ctx context.Context, merchant, mail uuid.UUID) (a answer, found bool, err error) {
	found, err = db.One(s.db.QueryRow(ctx, `select id, conversation_id, seq, status from support_mails where merchant_id = $1 and id = $2 and direction = 'out'`,
		merchant, mail), &a.id, &a.conversation, &a.seq, &a.status)
	return a, found, err
}

func queueAnswer(tx db.Tx, merchant uuid.UUID, a answer) {
	tx.Queue(`insert into support_mails (merchant_id, id, direction, conversation_id, seq, status, created_at) values ($1, $2, 'out', $3, $4, $5, $6)
		on conflict do nothing`, merchant, a.id, a.conversation, a.seq, a.status, tx.DB().Now())
}

func queueArrival(tx db.Tx, merchant, mail uuid.UUID, hash []byte, r Receipt) {
	tx.Queue(`insert into support_mails (merchant_id, id, direction, message_hash, conversation_id, status, reason, created_at)
		values ($1, $2, 'in', $3, $4, $5, $6, $7) on conflict do nothing`, merchant, mail, hash, r.Conversation, r.Status, r.Reason, tx.DB().Now())
}

// move changes the state of an answer and says whether it was in the one before.
func move(ctx context.Context, tx db.Tx, merchant, mail uuid.UUID, from, to string) (bool, error) {
	n, err := tx.Exec(ctx, `update support_mails set status = $4 where merchant_id = $1 and id = $2 and status = $3 and direction = 'out'`, merchant, mail, from, to)
	return n > 0, err
}

// drafts are the answers that wait for staff, the oldest first.
func (s *store) drafts(ctx context.Context, merchant uuid.UUID, limit int) ([]Draft, error) {
	rows, err := s.db.Query(ctx, `select m.id, m.conversation_id, m.seq, c.subject, c.locale, b.body, m.created_at from support_mails m
		join conversations c on c.merchant_id = m.merchant_id and c.id = m.conversation_id
		join messages b on b.merchant_id = m.merchant_id and b.conversation_id = m.conversation_id and b.seq = m.seq
		where m.merchant_id = $1 and m.status = 'draft' order by m.created_at, m.id limit $2`, merchant, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Draft, err error) {
		err = row.Scan(&d.ID, &d.Conversation, &d.Seq, &d.Subject, &d.Language, &d.Text, &d.CreatedAt)
		d.CreatedAt = d.CreatedAt.UTC()
		return d, err
	})
}

// settings are what a shop has decided; found is false before it has.
func (s *store) settings(ctx context.Context, merchant uuid.UUID) (set Settings, found bool, err error) {
	found, err = db.One(s.db.QueryRow(ctx, `select address, mode, confidence_bps, version from support_mail_settings where merchant_id = $1`, merchant),
		&set.Address, &set.Mode, &set.ConfidenceBPS, &set.Version)
	return set, found, err
}

// decide writes settings down over those of the version before.
func (s *store) decide(ctx context.Context, merchant uuid.UUID, set Settings) (bool, error) {
	n, err := s.db.Exec(ctx, `insert into support_mail_settings as o (merchant_id, address, mode, confidence_bps, version, updated_at) values ($1, $2, $3, $4, 1, $6)
		on conflict (merchant_id) do update set address = excluded.address, mode = excluded.mode, confidence_bps = excluded.confidence_bps,
			version = o.version + 1, updated_at = excluded.updated_at
		where o.version = $5`, merchant, set.Address, set.Mode, set.ConfidenceBPS, set.Version, s.db.Now())
	return n > 0, err
}

// waits says whether an action still waits for its button, and how its conversation
// goes on.
func (s *store) waits(ctx context.Context, merchant, action uuid.UUID) (open bool, err error) {
	_, err = db.One(s.db.QueryRow(ctx, `select status = 'pending' and expires_at > $3 from assistant_actions where merchant_id = $1 and id = $2`,
		merchant, action, s.db.Now()), &open)
	return open, err
}

// Forget drops what leads to a contact's mails, within the transaction that erases
// the contact.
func (s *Service) Forget(_ context.Context, tx db.Tx, merchant, contact uuid.UUID) error {
	tx.Queue(`update support_threads t set message_ids = '{}' from conversations c
		where c.merchant_id = $1 and c.contact_id = $2 and t.merchant_id = c.merchant_id and t.conversation_id = c.id`, merchant, contact)
	return nil
}
