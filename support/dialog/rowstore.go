package dialog

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/jobs"
	"doorstep/support/desk"
)

// Rows is the Store in the database.
type Rows struct{ db *db.DB }

// NewRows makes the store.
func NewRows(d *db.DB) *Rows { return &Rows{d} }

const actionColumns = `id, conversation_id, action, order_id, order_number, order_version, arguments, status, asked_seq, confirmed_seq, outcome, expires_at, updated_at`

// actionQuery reads what waits in a conversation; none leaves a nil.
func actionQuery(merchant, conversation uuid.UUID, into **Action) *db.Query {
	return &db.Query{
		SQL:  `select ` + actionColumns + ` from assistant_actions where merchant_id = $1 and conversation_id = $2 and status in ('pending', 'running')`,
		Args: []any{merchant, conversation},
		Each: func(rows pgx.Rows) error {
			*into = nil
			for rows.Next() {
				a, order := &Action{}, (*uuid.UUID)(nil)
				err := rows.Scan(&a.ID, &a.Conversation, &a.Action, &order, &a.Number, &a.Version, &a.Arguments, &a.Status, &a.AskedSeq, &a.ConfirmedSeq, &a.Outcome, &a.ExpiresAt, &a.UpdatedAt)
				if err != nil {
					return err
				}
				if order != nil {
					a.Order = *order
				}
				*into = a
			}
			return nil
		},
	}
}

// beforeQuery reads the reply to the call with that key, or to the first message of
// the conversation when there is none.
func beforeQuery(merchant, conversation uuid.UUID, key []byte, k *Talk) *db.Query {
	return &db.Query{
		SQL: `select b.id, b.seq, b.body, b.data from messages c left join lateral (select id, seq, body, data from messages b
				where b.merchant_id = c.merchant_id and b.conversation_id = c.conversation_id and b.seq > c.seq and b.author = 'bot' order by seq limit 1) b on true
			where c.merchant_id = $1 and c.conversation_id = $2 and c.key_hash = $3`,
		Args: []any{merchant, conversation, key},
		Each: func(rows pgx.Rows) error {
			k.Known, k.Before = false, nil
			for rows.Next() {
				var id *uuid.UUID
				var seq *int
				var body *string
				var data []byte
				if err := rows.Scan(&id, &seq, &body, &data); err != nil {
					return err
				}
				if k.Known = true; id != nil {
					k.Before = &desk.Message{MerchantID: merchant, ID: *id, ConversationID: conversation, Seq: *seq, Author: desk.Assistant, Body: *body, Data: data}
				}
			}
			return nil
		},
	}
}

// Load reads a conversation with what waits in it, in one round trip.
func (s *Rows) Load(ctx context.Context, merchant, conversation uuid.UUID, key []byte) (Talk, error) {
	var k Talk
	queries := []*db.Query{desk.LoadQuery(merchant, conversation, &k.Conversation), actionQuery(merchant, conversation, &k.Action)}
	if key != nil {
		queries = append(queries, beforeQuery(merchant, conversation, key, &k))
	}
	err := s.db.Read(ctx, queries...)
	if err == nil && k.ID == uuid.Nil {
		err = desk.ErrNoConversation
	}
	return k, err
}

// Begun is Load by what began the conversation.
func (s *Rows) Begun(ctx context.Context, merchant uuid.UUID, key []byte) (Talk, error) {
	var c desk.Conversation
	if err := s.db.Read(ctx, desk.BegunQuery(merchant, key, &c)); err != nil || c.ID == uuid.Nil {
		return Talk{}, err
	}
	return s.Load(ctx, merchant, c.ID, key)
}

// Body is what was said at a place; nothing when nothing was.
func (s *Rows) Body(ctx context.Context, merchant, conversation uuid.UUID, seq int) (body string, err error) {
	_, err = db.One(s.db.QueryRow(ctx, `select body from messages where merchant_id = $1 and conversation_id = $2 and seq = $3
		and author in ('customer', 'bot')`, merchant, conversation, seq), &body)
	return body, err
}

// Spoken are the messages behind a place that the customer may see: no notes, and
// nothing that only says what happened.
func (s *Rows) Spoken(ctx context.Context, merchant, conversation uuid.UUID, after, limit int) ([]desk.Message, error) {
	rows, err := s.db.Query(ctx, `select seq, author, body, created_at, coalesce(data->>'language', '') from messages
		where merchant_id = $1 and conversation_id = $2 and seq > $3 and author in ('customer', 'bot', 'staff') order by seq limit $4`, merchant, conversation, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m desk.Message, err error) {
		language := ""
		err = row.Scan(&m.Seq, &m.Author, &m.Body, &m.CreatedAt, &language)
		m.MerchantID, m.ConversationID, m.CreatedAt = merchant, conversation, m.CreatedAt.UTC()
		if language != "" {
			m.Data = []byte(`{"language":"` + language + `"}`)
		}
		return m, err
	})
}

// Last is the newest reply of the assistant, nil when a person has spoken since.
func (s *Rows) Last(ctx context.Context, merchant, conversation uuid.UUID) (*desk.Message, error) {
	var m desk.Message
	found, err := db.One(s.db.QueryRow(ctx, `select seq, author, body, data from messages
		where merchant_id = $1 and conversation_id = $2 and author in ('bot', 'staff') order by seq desc limit 1`, merchant, conversation), &m.Seq, &m.Author, &m.Body, &m.Data)
	if err != nil || !found || m.Author != desk.Assistant {
		return nil, err
	}
	return &m, nil
}

// Save writes a turn down, in one round trip.
func (s *Rows) Save(ctx context.Context, t Turned) error {
	c := t.Conversation
	now := c.UpdatedAt
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		if t.New {
			fresh := c
			fresh.Said = len(t.Said)
			desk.QueueBegin(tx, fresh)
		} else {
			tx.Guard(1, desk.ErrConversationMoved, `update conversations set status = $4, locale = $5, contact_id = $6, customer_id = $7, email_hmac = $8, proved_until = $9,
				code_request = case when $10 then null else code_request end, order_id = $11, reason = $12, topic = $13, state = $14, said = said + $15,
				assigned_to = $16, assigned_at = $17, handed_at = $18, due_at = $19, answered_at = $20, closed_at = $21, version = version + 1, updated_at = $22
				where merchant_id = $1 and id = $2 and version = $3`,
				c.MerchantID, c.ID, c.Version, c.Status, c.Locale, c.ContactID, c.CustomerID, c.EmailHMAC, c.ProvedUntil,
				t.Proved, c.OrderID, c.Reason, c.Topic, c.State, len(t.Said), c.AssignedTo, c.AssignedAt, c.HandedAt, c.DueAt, c.AnsweredAt, c.ClosedAt, now)
		}
		for i, m := range t.Said {
			m.MerchantID, m.ConversationID, m.Seq = c.MerchantID, c.ID, c.Said+i+1
			desk.QueueMessage(tx, m, now)
		}
		if a := t.Move; a != nil {
			tx.Guard(1, desk.ErrConversationMoved, `update assistant_actions set status = $4, outcome = $5, asked_seq = $6, confirmed_seq = $7, updated_at = $8,
				arguments = case when $4 in ('pending', 'running') then arguments else '{}' end -- they may name people
				where merchant_id = $1 and id = $2 and status = $3`, c.MerchantID, a.ID, t.MoveFrom, a.Status, a.Outcome, a.AskedSeq, a.ConfirmedSeq, a.UpdatedAt)
		}
		if a := t.Propose; a != nil {
			queueProposal(tx, c, a, now)
		}
		if t.Passed != nil {
			if err := jobs.Publish(tx, *t.Passed); err != nil {
				return err
			}
		}
		if t.Handed != nil {
			return jobs.Publish(tx, *t.Handed)
		}
		return nil
	})
	if db.Violates(err, "conversations_begun") || db.Violates(err, "messages_merchant_id_conversation_id_key_hash_key") {
		return desk.ErrConversationMoved.Because(err)
	}
	return err
}

func queueProposal(tx db.Tx, c desk.Conversation, a *Action, now time.Time) {
	tx.Queue(`update assistant_actions set status = 'dropped', outcome = 'superseded', arguments = '{}', updated_at = $3
		where merchant_id = $1 and conversation_id = $2 and status = 'pending'`, c.MerchantID, c.ID, now)
	var order *uuid.UUID
	if a.Order != uuid.Nil {
		order = &a.Order
	}
	arguments := a.Arguments
	if len(arguments) == 0 {
		arguments = []byte(`{}`)
	}
	tx.Queue(`insert into assistant_actions (merchant_id, id, conversation_id, action, order_id, order_number, order_version, arguments, status, asked_seq, expires_at, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, $11, $11)`,
		c.MerchantID, a.ID, c.ID, a.Action, order, a.Number, a.Version, arguments, a.AskedSeq, a.ExpiresAt, now)
}

// Asked notes the code that is on its way. It does not count as something said.
func (s *Rows) Asked(ctx context.Context, merchant, conversation, request uuid.UUID) error {
	_, err := s.db.Exec(ctx, `update conversations set code_request = $3 where merchant_id = $1 and id = $2`, merchant, conversation, request)
	return err
}

// Position is the place in the queue.
func (s *Rows) Position(ctx context.Context, merchant, conversation uuid.UUID) (int, error) {
	var n int
	err := s.db.QueryRow(ctx, `select 1 + count(*) from conversations o where o.merchant_id = $1 and o.status = 'waiting' and o.id <> $2
		and (o.handed_at, o.id) < (select coalesce(max(c.handed_at), 'infinity'), $2::uuid from conversations c where c.merchant_id = $1 and c.id = $2 and c.status = 'waiting')`,
		merchant, conversation).Scan(&n)
	return n, err
}

// Tries are the most that any of the subjects has had that day.
func (s *Rows) Tries(ctx context.Context, merchant uuid.UUID, kind string, subjects [][]byte, day time.Time) (n int, err error) {
	err = s.db.QueryRow(ctx, `select coalesce(max(tries), 0) from assistant_tries where merchant_id = $1 and kind = $2 and subject = any($3) and day = $4`,
		merchant, kind, subjects, day.UTC().Truncate(24*time.Hour)).Scan(&n)
	return n, err
}

// Try counts one more.
func (s *Rows) Try(ctx context.Context, merchant uuid.UUID, kind string, subjects [][]byte, at time.Time) error {
	if len(subjects) == 0 {
		return nil
	}
	_, err := s.db.Exec(ctx, `insert into assistant_tries (merchant_id, kind, subject, day, tries, last_at)
		select $1, $2, s, $4, 1, $5 from unnest($3::bytea[]) as s order by s
		on conflict (merchant_id, kind, subject, day) do update set tries = assistant_tries.tries + 1, last_at = excluded.last_at`,
		merchant, kind, subjects, at.UTC().Truncate(24*time.Hour), at)
	if errors.Is(err, db.ErrUnknown) {
		return nil // counted or not: one try more changes nothing
	}
	return err
}

// Unfinished are actions that run since before then.
func (s *Rows) Unfinished(ctx context.Context, before time.Time, most int) ([]Unfinished, error) {
	rows, err := s.db.Query(ctx, `select merchant_id, conversation_id from assistant_actions where status = 'running' and updated_at < $1 order by updated_at limit $2`, before, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (u Unfinished, err error) {
		err = row.Scan(&u.Merchant, &u.Conversation)
		return u, err
	})
}

// keptTries is how many days tries are kept.
const keptTries = 2

// Prune drops pending actions that are over, and tries of the days before.
func (s *Rows) Prune(ctx context.Context, now time.Time) error {
	if _, err := s.db.Exec(ctx, `update assistant_actions set status = 'expired', arguments = '{}', updated_at = $1 where status = 'pending' and expires_at <= $1`, now); err != nil {
		return err
	}
	_, err := s.db.Exec(ctx, `delete from assistant_tries where day < $1`, now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -keptTries))
	return err
}
