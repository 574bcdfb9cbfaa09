package desk

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

// The faults of conversations.
var (
	// ErrNoConversation is for absent ones and for those of somebody else alike.
	ErrNoConversation = fault.New(fault.NotFound, "conversation_not_found", "There is no such conversation.")
	// ErrConversationMoved says that something was said meanwhile.
	ErrConversationMoved = fault.New(fault.Conflict, "conversation_moved", "Something else was said in this conversation at the same moment. Try again.").After(time.Second)
)

// HandedOver says that a person was asked for.
type HandedOver struct {
	MerchantID     uuid.UUID  `json:"merchant_id"`
	ConversationID uuid.UUID  `json:"conversation_id"`
	OrderID        *uuid.UUID `json:"order_id,omitempty"`
	Reason         string     `json:"reason"`
	At             time.Time  `json:"at"`
}

// EventName is support.handed_over.
func (HandedOver) EventName() string { return "support.handed_over" }

// PassedOn says that a person looks into something that a customer told of, while the
// assistant goes on with the conversation.
type PassedOn HandedOver

// EventName is support.passed_on.
func (PassedOn) EventName() string { return "support.passed_on" }

// Merchant is whose conversation it is.
func (e PassedOn) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the conversation.
func (e PassedOn) Aggregate() uuid.UUID { return e.ConversationID }

// Merchant is whose conversation it is.
func (e HandedOver) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the conversation.
func (e HandedOver) Aggregate() uuid.UUID { return e.ConversationID }

// Store keeps conversations and what was said in them.
type Store struct{ db *db.DB }

// NewStore makes a store.
func NewStore(d *db.DB) *Store { return &Store{d} }

// columns are those of a conversation, in the order of scan.
const columns = `merchant_id, id, channel, status, locale, secret_hash, contact_id, customer_id, email_hmac, proved_until, code_request, begun_by,
	order_id, reason, topic, subject, state, said, assigned_to, assigned_at, handed_at, due_at, answered_at, closed_at, version, created_at, updated_at`

func (c *Conversation) scan(row pgx.Row) error {
	err := row.Scan(&c.MerchantID, &c.ID, &c.Channel, &c.Status, &c.Locale, &c.SecretHash, &c.ContactID, &c.CustomerID, &c.EmailHMAC, &c.ProvedUntil, &c.CodeRequest, &c.BegunBy,
		&c.OrderID, &c.Reason, &c.Topic, &c.Subject, &c.State, &c.Said, &c.AssignedTo, &c.AssignedAt, &c.HandedAt, &c.DueAt, &c.AnsweredAt, &c.ClosedAt, &c.Version, &c.CreatedAt, &c.UpdatedAt)
	for _, at := range []*time.Time{c.ProvedUntil, c.AssignedAt, c.HandedAt, c.DueAt, c.AnsweredAt, c.ClosedAt, &c.CreatedAt, &c.UpdatedAt} {
		if at != nil {
			*at = at.UTC()
		}
	}
	return err
}

// LoadQuery reads a conversation into c, to travel with other reads; absent leaves
// its ID empty.
func LoadQuery(merchant, conversation uuid.UUID, c *Conversation) *db.Query {
	return &db.Query{
		SQL: `select ` + columns + ` from conversations where merchant_id = $1 and id = $2`, Args: []any{merchant, conversation},
		Each: func(rows pgx.Rows) error { return scanLast(rows, c) },
	}
}

// BegunQuery is LoadQuery by what began the conversation.
func BegunQuery(merchant uuid.UUID, begunBy []byte, c *Conversation) *db.Query {
	return &db.Query{
		SQL: `select ` + columns + ` from conversations where merchant_id = $1 and begun_by = $2`, Args: []any{merchant, begunBy},
		Each: func(rows pgx.Rows) error { return scanLast(rows, c) },
	}
}

func scanLast(rows pgx.Rows, c *Conversation) error {
	*c = Conversation{}
	for rows.Next() {
		if err := c.scan(rows); err != nil {
			return err
		}
	}
	return nil
}

// Load gives one conversation, or fails with ErrNoConversation.
func (s *Store) Load(ctx context.Context, merchant, conversation uuid.UUID) (Conversation, error) {
	var c Conversation
	err := s.db.Read(ctx, LoadQuery(merchant, conversation, &c))
	if err == nil && c.ID == uuid.Nil {
		err = ErrNoConversation
	}
	return c, err
}

// Begin writes down a new conversation: MerchantID, ID, Channel, Locale and
// SecretHash have to be there. Nothing has been said in it.
func (s *Store) Begin(ctx context.Context, c Conversation) (Conversation, error) {
	c.Said, c.Version = 0, 1
	c.CreatedAt = s.db.Now()
	c.UpdatedAt = c.CreatedAt
	return c, db.Run(ctx, s.db, func(tx db.Tx) error {
		QueueBegin(tx, c)
		return nil
	})
}

// QueueBegin writes a new conversation with the transaction, as it stands.
func QueueBegin(tx db.Tx, c Conversation) {
	if c.Status == "" {
		c.Status = Bot
	}
	tx.Queue(`insert into conversations (`+columns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
		$13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)`,
		c.MerchantID, c.ID, c.Channel, c.Status, c.Locale, c.SecretHash, c.ContactID, c.CustomerID, c.EmailHMAC, c.ProvedUntil, c.CodeRequest, c.BegunBy,
		c.OrderID, c.Reason, c.Topic, c.Subject, object(c.State), c.Said, c.AssignedTo, c.AssignedAt, c.HandedAt, c.DueAt, c.AnsweredAt, c.ClosedAt, c.Version, c.CreatedAt, c.UpdatedAt)
}

// object is JSON that is never absent.
func object(b json.RawMessage) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage(`{}`)
	}
	return b
}

// Append adds what was said, in this order and behind everything said before, and
// gives it back with its places. Those who append at the same time wait for one
// another, so that places have no gaps. It fails with ErrNoConversation.
func (s *Store) Append(ctx context.Context, merchant, conversation uuid.UUID, said ...Message) (all []Message, err error) {
	err = db.Run(ctx, s.db, func(tx db.Tx) error {
		all, err = Append(ctx, tx, merchant, conversation, said...)
		return err
	})
	return all, err
}

// Append is Store.Append within a transaction. It locks the conversation until that
// ends.
func Append(ctx context.Context, tx db.Tx, merchant, conversation uuid.UUID, said ...Message) ([]Message, error) {
	now := tx.DB().Now()
	var last int
	found, err := db.One(tx.QueryRow(ctx, `update conversations set said = said + $3, version = version + 1, updated_at = $4
		where merchant_id = $1 and id = $2 returning said`, merchant, conversation, len(said), now), &last)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, ErrNoConversation
	}
	all := make([]Message, len(said))
	for i, m := range said {
		m.MerchantID, m.ConversationID, m.Seq = merchant, conversation, last-len(said)+i+1
		all[i] = QueueMessage(tx, m, now)
	}
	return all, nil
}

// QueueMessage writes a message whose place is known with the transaction.
func QueueMessage(tx db.Tx, m Message, now time.Time) Message {
	if m.ID == uuid.Nil {
		m.ID = id.New()
	}
	m.CreatedAt = now
	tx.Queue(`insert into messages (merchant_id, id, conversation_id, seq, author, staff_id, body, data, key_hash, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		m.MerchantID, m.ID, m.ConversationID, m.Seq, m.Author, m.StaffID, m.Body, object(m.Data), m.KeyHash, m.CreatedAt)
	return m
}

const messageColumns = `merchant_id, id, conversation_id, seq, author, staff_id, body, data, key_hash, created_at`

// Messages are what was said behind the place after, in its order, at most limit of
// it; 0 is everything from the beginning.
func (s *Store) Messages(ctx context.Context, merchant, conversation uuid.UUID, after, limit int) ([]Message, error) {
	var all []Message
	err := s.db.Read(ctx, &db.Query{
		SQL:  `select ` + messageColumns + ` from messages where merchant_id = $1 and conversation_id = $2 and seq > $3 order by seq limit $4`,
		Args: []any{merchant, conversation, after, limit},
		Each: func(rows pgx.Rows) error {
			all = []Message{}
			for rows.Next() {
				var m Message
				if err := m.scan(rows); err != nil {
					return err
				}
				all = append(all, m)
			}
			return nil
		},
	})
	return all, err
}

func (m *Message) scan(row pgx.Row) error {
	err := row.Scan(&m.MerchantID, &m.ID, &m.ConversationID, &m.Seq, &m.Author, &m.StaffID, &m.Body, &m.Data, &m.KeyHash, &m.CreatedAt)
	m.CreatedAt = m.CreatedAt.UTC()
	return err
}

// Handover is why a person should have a conversation.
type Handover struct {
	Reason, Topic string
	Due           *time.Time // of the first answer; nil is not promised
	// About is everything known, as JSON, for whoever takes it.
	About json.RawMessage
}

// HandOver puts a conversation into the queue for a person and says so in its
// transcript; the assistant is silent from then on. One that waits or has somebody
// stays where it is.
func (s *Store) HandOver(ctx context.Context, merchant, conversation uuid.UUID, h Handover) error {
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		var order *uuid.UUID
		now := s.db.Now()
		found, err := db.One(tx.QueryRow(ctx, `update conversations set status = 'waiting', reason = $3, topic = $4, handed_at = $5, due_at = $6, answered_at = null, closed_at = null
			where merchant_id = $1 and id = $2 and status in ('bot', 'closed') returning order_id`, merchant, conversation, h.Reason, h.Topic, now, h.Due), &order)
		if err != nil || !found {
			return err
		}
		if _, err := Append(ctx, tx, merchant, conversation, Message{Author: System, Body: "handed_over", Data: h.About}); err != nil {
			return err
		}
		return jobs.Publish(tx, HandedOver{merchant, conversation, order, h.Reason, now})
	})
}

// Position is the place of a waiting conversation in the queue, from 1; 0 is not
// waiting.
func (s *Store) Position(ctx context.Context, merchant, conversation uuid.UUID) (int, error) {
	var n int
	err := s.db.QueryRow(ctx, `select coalesce((select 1 + (select count(*) from conversations o where o.merchant_id = c.merchant_id and o.status = 'waiting'
			and (o.handed_at, o.id) < (c.handed_at, c.id))
		from conversations c where c.merchant_id = $1 and c.id = $2 and c.status = 'waiting'), 0)`, merchant, conversation).Scan(&n)
	return n, err
}

// Forget blanks what the conversations of a contact hold of the person, within the
// transaction that erases the contact: what was said, the subject, and who it was.
func (s *Store) Forget(_ context.Context, tx db.Tx, merchant, contact uuid.UUID) error {
	tx.Queue(`update messages m set body = case when m.author = 'system' then m.body else '' end, data = '{}' from conversations c
		where c.merchant_id = $1 and c.contact_id = $2 and m.merchant_id = c.merchant_id and m.conversation_id = c.id`, merchant, contact)
	tx.Queue(`update assistant_actions a set arguments = '{}', status = case when a.status = 'pending' then 'dropped' else a.status end from conversations c
		where c.merchant_id = $1 and c.contact_id = $2 and a.merchant_id = c.merchant_id and a.conversation_id = c.id`, merchant, contact)
	tx.Queue(`update conversations set subject = '', state = '{}', customer_id = null, email_hmac = null, proved_until = null, code_request = null,
		version = version + 1, updated_at = $3 where merchant_id = $1 and contact_id = $2`, merchant, contact, tx.DB().Now())
	return nil
}
