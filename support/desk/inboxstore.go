package desk

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/jobs"
)

// List lists conversations: those that wait by their place in the queue, all others by
// what happened last.
func (x *Inbox) List(ctx context.Context, merchant uuid.UUID, q Query) ([]Entry, error) {
	switch q.Status {
	case "", Bot, Waiting, Open, Closed:
	default:
		return nil, ErrList.At("status", "must be bot, waiting, open or closed")
	}
	order, after := `updated_at desc, id desc`, `(updated_at, id) < ($5, $6)`
	if q.Status == Waiting {
		order, after = `handed_at, id`, `(handed_at, id) > ($5, $6)`
	}
	var from *time.Time
	if !q.AfterTime.IsZero() {
		from = &q.AfterTime
	}
	all := []Entry{}
	err := x.db.Read(ctx, &db.Query{
		SQL: `select ` + columns + `, case when status = 'waiting' then 1 + (select count(*) from conversations o where o.merchant_id = c.merchant_id and o.status = 'waiting'
				and (o.handed_at, o.id) < (c.handed_at, c.id)) else 0 end
			from conversations c where merchant_id = $1 and ($2 = '' and status <> 'bot' or status = $2) and ($3::uuid is null or assigned_to = $3)
				and ($4::uuid is null or contact_id = $4) and ($5::timestamptz is null or ` + after + `) order by ` + order + ` limit $7`,
		Args: []any{merchant, string(q.Status), none(q.Of), q.Contact, from, q.AfterID, max(q.Limit, 1)},
		Each: func(rows pgx.Rows) error {
			all = all[:0]
			for rows.Next() {
				var e Entry
				if err := e.scan(withLast{rows, &e.Position}); err != nil {
					return err
				}
				all = append(all, e)
			}
			return nil
		},
	})
	return all, err
}

// withLast reads one more column behind those of a conversation.
type withLast struct {
	pgx.Row
	last any
}

func (w withLast) Scan(dest ...any) error { return w.Row.Scan(append(dest, w.last)...) }

func none(v uuid.UUID) *uuid.UUID {
	if v == uuid.Nil {
		return nil
	}
	return &v
}

// Entry gives one conversation with its place in the queue. It fails with
// ErrNoConversation.
func (x *Inbox) Entry(ctx context.Context, merchant, conversation uuid.UUID) (Entry, error) {
	c, err := x.Load(ctx, merchant, conversation)
	if err != nil {
		return Entry{}, err
	}
	position, err := x.Position(ctx, merchant, conversation)
	return Entry{c, position}, err
}

// locked reads a conversation that the transaction is going to change.
func locked(ctx context.Context, tx db.Tx, merchant, conversation uuid.UUID) (Conversation, error) {
	var c Conversation
	rows, err := tx.Query(ctx, `select `+columns+` from conversations where merchant_id = $1 and id = $2 for update`, merchant, conversation)
	if err != nil {
		return c, err
	}
	defer rows.Close()
	if err := scanLast(rows, &c); err != nil {
		return c, err
	}
	if err := rows.Err(); err != nil {
		return c, err
	}
	if c.ID == uuid.Nil {
		return c, ErrNoConversation
	}
	return c, nil
}

// happened writes into the transcript what staff did.
func happened(ctx context.Context, tx db.Tx, c *Conversation, staff uuid.UUID, what string) error {
	_, err := Append(ctx, tx, c.MerchantID, c.ID, Message{Author: System, StaffID: none(staff), Body: what})
	return err
}

// Claim gives a conversation to a member of staff, from the queue or from the assistant.
// Of several who try at once one gets it, the others ErrTaken; nobody ever gets more at a
// time than the shop's settings say: ErrEnough. Claiming one's own again changes nothing.
func (x *Inbox) Claim(ctx context.Context, merchant, conversation, staff uuid.UUID) (Entry, error) {
	set, err := x.desks.Settings(ctx, merchant)
	if err != nil {
		return Entry{}, err
	}
	err = db.Run(ctx, x.db, func(tx db.Tx) error {
		// Whoever claims twice at once waits for themselves, so that the count holds.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 38))`, merchant.String()+staff.String()); err != nil {
			return err
		}
		c, err := locked(ctx, tx, merchant, conversation)
		switch {
		case err != nil:
			return err
		case c.Status == Closed:
			return ErrEnded
		case c.Status == Open && *c.AssignedTo == staff:
			return nil
		case c.Status == Open:
			return ErrTaken
		}
		var has int
		if err := tx.QueryRow(ctx, `select count(*) from conversations where merchant_id = $1 and assigned_to = $2 and status = 'open'`, merchant, staff).Scan(&has); err != nil {
			return err
		}
		if has >= set.MostOpen {
			return ErrEnough.With("most_open", set.MostOpen)
		}
		tx.Queue(`update conversations set status = 'open', assigned_to = $3, assigned_at = $4 where merchant_id = $1 and id = $2`, merchant, conversation, staff, x.db.Now())
		return happened(ctx, tx, &c, staff, "claimed")
	})
	if err != nil {
		return Entry{}, err
	}
	return x.Entry(ctx, merchant, conversation)
}

// asLead lets do change what somebody else has, if staff may: uuid.Nil, who is a program,
// and whoever leads.
func (x *Inbox) asLead(ctx context.Context, merchant, staff uuid.UUID, do func(all bool) (Entry, error)) (Entry, error) {
	e, err := do(staff == uuid.Nil)
	if x.Leads == nil || !fault.Is(err, ErrNotYours) {
		return e, err
	}
	leads, failed := x.Leads(ctx, merchant, staff)
	if failed != nil {
		return e, failed
	}
	if !leads {
		return e, err
	}
	return do(true)
}

// Release gives a conversation back: to the queue, where it keeps its place, or to the
// assistant. uuid.Nil and whoever Leads may release anybody's. It fails with
// ErrNotYours.
func (x *Inbox) Release(ctx context.Context, merchant, conversation, staff uuid.UUID, toBot bool) (Entry, error) {
	return x.asLead(ctx, merchant, staff, func(all bool) (Entry, error) { return x.release(ctx, merchant, conversation, staff, all, toBot) })
}

func (x *Inbox) release(ctx context.Context, merchant, conversation, staff uuid.UUID, all, toBot bool) (Entry, error) {
	return x.change(ctx, merchant, conversation, func(tx db.Tx, c *Conversation) error {
		switch {
		case c.Status == Closed:
			return ErrEnded
		case c.Status == Open && !all && *c.AssignedTo != staff:
			return ErrNotYours
		case c.Status == Bot, c.Status == Waiting && !toBot:
			return nil
		}
		if !toBot {
			return enqueue(ctx, tx, c, staff)
		}
		tx.Queue(`update conversations set status = 'bot', assigned_to = null, assigned_at = null, due_at = null where merchant_id = $1 and id = $2`, merchant, conversation)
		if err := jobs.Publish(tx, Ended{merchant, conversation, false, x.db.Now()}); err != nil {
			return err
		}
		return happened(ctx, tx, c, staff, "released_to_assistant")
	})
}

// enqueue puts an open conversation back into the queue. One that was taken from the
// assistant was never asked for: its customer begins to wait now.
func enqueue(ctx context.Context, tx db.Tx, c *Conversation, staff uuid.UUID) error {
	now, begins := tx.DB().Now(), false
	if c.DueAt == nil && c.AnsweredAt == nil {
		if err := tx.QueryRow(ctx, `select coalesce((select body = 'released_to_assistant' from messages where merchant_id = $1 and conversation_id = $2 and author = 'system'
			and body in ('handed_over', 'released_to_assistant', 'released_to_queue') order by seq desc limit 1), true)`, c.MerchantID, c.ID).Scan(&begins); err != nil {
			return err
		}
	}
	tx.Queue(`update conversations set status = 'waiting', assigned_to = null, assigned_at = null, handed_at = case when $4 then $3 else coalesce(handed_at, $3) end
		where merchant_id = $1 and id = $2`, c.MerchantID, c.ID, now, begins)
	if begins {
		if err := jobs.Publish(tx, HandedOver{c.MerchantID, c.ID, c.OrderID, "released", now}); err != nil {
			return err
		}
	}
	return happened(ctx, tx, c, staff, "released_to_queue")
}

// ReleaseAll puts everything that a member of staff has back into the queue, within the
// transaction that lets them go.
func (x *Inbox) ReleaseAll(ctx context.Context, tx db.Tx, merchant, staff uuid.UUID) error {
	rows, err := tx.Query(ctx, `select id from conversations where merchant_id = $1 and assigned_to = $2 and status = 'open' order by id for update`, merchant, staff)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	for _, conversation := range all {
		c, err := locked(ctx, tx, merchant, conversation)
		if err != nil {
			return err
		}
		if err := enqueue(ctx, tx, &c, uuid.Nil); err != nil {
			return err
		}
	}
	return nil
}

// Close ends a conversation. Closing a closed one changes nothing. uuid.Nil and whoever
// Leads may close anybody's. It fails with ErrNotYours.
func (x *Inbox) Close(ctx context.Context, merchant, conversation, staff uuid.UUID) (Entry, error) {
	return x.asLead(ctx, merchant, staff, func(all bool) (Entry, error) { return x.shut(ctx, merchant, conversation, staff, all) })
}

func (x *Inbox) shut(ctx context.Context, merchant, conversation, staff uuid.UUID, all bool) (Entry, error) {
	return x.change(ctx, merchant, conversation, func(tx db.Tx, c *Conversation) error {
		switch {
		case c.Status == Closed:
			return nil
		case c.Status == Open && !all && *c.AssignedTo != staff:
			return ErrNotYours
		}
		now := x.db.Now()
		tx.Queue(`update conversations set status = 'closed', closed_at = $3, assigned_to = null, assigned_at = null where merchant_id = $1 and id = $2`, merchant, conversation, now)
		if err := jobs.Publish(tx, Ended{merchant, conversation, true, now}); err != nil {
			return err
		}
		return happened(ctx, tx, c, staff, "closed")
	})
}

// Reply says something to the customer. The conversation must be the writer's own. It
// fails with ErrBody and ErrNotYours.
func (x *Inbox) Reply(ctx context.Context, merchant, conversation, staff uuid.UUID, text string) (Message, error) {
	text, err := cleanBody(text)
	if err != nil {
		return Message{}, err
	}
	if name := unfilled(text); name != "" {
		return Message{}, ErrUnfilled.At("text", "has the variable {"+name+"}")
	}
	var said Message
	_, err = x.change(ctx, merchant, conversation, func(tx db.Tx, c *Conversation) error {
		if c.Status != Open || *c.AssignedTo != staff {
			return ErrNotYours
		}
		all, err := Append(ctx, tx, merchant, conversation, Message{Author: Staff, StaffID: &staff, Body: text})
		if err != nil {
			return err
		}
		said = all[0]
		tx.Queue(`update conversations set answered_at = coalesce(answered_at, $3) where merchant_id = $1 and id = $2`, merchant, conversation, x.db.Now())
		return jobs.Publish(tx, StaffWrote{merchant, conversation, c.Channel, said.Seq})
	})
	return said, err
}

// Note writes something for staff alone, in any state. It fails with ErrBody.
func (x *Inbox) Note(ctx context.Context, merchant, conversation, staff uuid.UUID, text string) (Message, error) {
	text, err := cleanBody(text)
	if err != nil {
		return Message{}, err
	}
	all, err := x.Append(ctx, merchant, conversation, Message{Author: Note, StaffID: none(staff), Body: text})
	if err != nil {
		return Message{}, err
	}
	return all[0], nil
}

// change lets do change a locked conversation, and gives it as it then stands.
func (x *Inbox) change(ctx context.Context, merchant, conversation uuid.UUID, do func(tx db.Tx, c *Conversation) error) (Entry, error) {
	err := db.Run(ctx, x.db, func(tx db.Tx) error {
		c, err := locked(ctx, tx, merchant, conversation)
		if err != nil {
			return err
		}
		return do(tx, &c)
	})
	if err != nil {
		return Entry{}, err
	}
	return x.Entry(ctx, merchant, conversation)
}

// Due sets until when a person should have answered who was asked for at a moment, if
// nothing was set when the conversation was handed over.
func (x *Inbox) Due(ctx context.Context, merchant, conversation uuid.UUID, handed time.Time) error {
	due, err := x.desks.Due(ctx, merchant, handed)
	if err != nil || due == nil {
		return err
	}
	_, err = x.db.Exec(ctx, `update conversations set due_at = $4, version = version + 1 where merchant_id = $1 and id = $2 and handed_at = $3 and due_at is null
		and answered_at is null and status in ('waiting', 'open')`, merchant, conversation, handed, *due)
	return err
}

// lateBatch is how many are told of in one look.
const lateBatch = 200

// TellLate tells of those who wait for a first answer longer than they should, of each
// once. It says how many there were.
func (x *Inbox) TellLate(ctx context.Context) (told int, err error) {
	err = db.Run(ctx, x.db, func(tx db.Tx) error {
		now := x.db.Now()
		rows, err := tx.Query(ctx, `insert into support_alerts (merchant_id, conversation_id, due_at, raised_at)
			select merchant_id, id, due_at, $1 from conversations c where due_at < $1 and answered_at is null and status in ('waiting', 'open')
				and not exists (select from support_alerts a where a.merchant_id = c.merchant_id and a.conversation_id = c.id and a.due_at = c.due_at) limit $2
			on conflict do nothing returning merchant_id, conversation_id, due_at`, now, lateBatch)
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[AnswerOverdue])
		if err != nil {
			return err
		}
		for _, e := range all {
			if err := jobs.Publish(tx, e); err != nil {
				return err
			}
		}
		told = len(all)
		return nil
	})
	return told, err
}

// Known is what the assistant knew when it handed a conversation over, as it wrote it
// down: the newest such note of a transcript; nil when there is none.
func Known(said []Message) json.RawMessage {
	for i := len(said) - 1; i >= 0; i-- {
		if said[i].Author == System && said[i].Body == "handed_over" {
			return said[i].Data
		}
	}
	return nil
}
