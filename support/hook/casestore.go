package hook

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

const caseColumns = `merchant_id, id, kind, subject_id, status, priority, tags, order_id, order_number, contact_id, customer_id, conversation_id, by_customer,
	snapshot, times, assigned_to, due_at, resolution, resolved_at, version, created_at, updated_at`

func scanCase(row pgx.CollectableRow) (c Case, err error) {
	err = row.Scan(&c.MerchantID, &c.ID, &c.Kind, &c.SubjectID, &c.Status, &c.Priority, &c.Tags, &c.OrderID, &c.OrderNumber, &c.ContactID, &c.CustomerID, &c.ConversationID, &c.ByCustomer,
		&c.Snapshot, &c.Times, &c.AssignedTo, &c.DueAt, &c.Resolution, &c.ResolvedAt, &c.Version, &c.CreatedAt, &c.UpdatedAt)
	for _, at := range []*time.Time{c.DueAt, c.ResolvedAt, &c.CreatedAt, &c.UpdatedAt} {
		if at != nil {
			*at = at.UTC()
		}
	}
	return c, err
}

// snapshotOf is what a case keeps: the order as it is now, and what happened.
func (k *known) snapshot() map[string]any {
	event := map[string]any{"kind": k.Event, "occurred_at": k.At}
	for name, value := range k.Facts {
		event[name] = value
	}
	all := map[string]any{"event": event}
	if k.about.Snapshot != nil {
		all["order"] = k.about.Snapshot
	}
	return all
}

// open opens the case about a subject, or updates the one that is open, and notes why.
func (s *Service) open(ctx context.Context, tx db.Tx, k *known, e Effect) (*uuid.UUID, error) {
	snapshot, err := json.Marshal(k.snapshot())
	if err != nil {
		return nil, err
	}
	now := s.DB.Now()
	made := id.New()
	var c Case
	rows, err := tx.Query(ctx, `insert into support_cases as c (merchant_id, id, kind, subject_id, priority, tags, order_id, order_number, contact_id, customer_id,
			conversation_id, by_customer, snapshot, due_at, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8,
			coalesce($9::uuid, (select v.contact_id from conversations v where v.merchant_id = $1 and v.id = $11)), $10, $11, $12, $13, $14, $15, $15)
		on conflict (merchant_id, kind, subject_id) where status = 'open' do update set times = c.times + 1, version = c.version + 1, updated_at = excluded.updated_at,
			priority = case when array_position($16::text[], excluded.priority) > array_position($16::text[], c.priority) then excluded.priority else c.priority end,
			tags = array(select distinct unnest(c.tags || excluded.tags)), due_at = least(c.due_at, excluded.due_at),
			conversation_id = coalesce(excluded.conversation_id, c.conversation_id), contact_id = coalesce(c.contact_id, excluded.contact_id)
		returning `+caseColumns, k.Merchant, made, k.Event, k.Subject, e.Priority, list(e.Tags), orNull(k.Order), k.about.Number, orNull(k.about.Contact), orNull(k.about.Customer),
		orNull(k.Conversation), k.ByCustomer, snapshot, k.due(e.DueMinutes), now, Priorities)
	if err != nil {
		return nil, err
	}
	if c, err = pgx.CollectExactlyOneRow(rows, scanCase); err != nil {
		return nil, err
	}
	if c.ID != made {
		return &c.ID, s.tell(tx, &c, "repeated", k.id, "system", "", k.Facts)
	}
	if err := s.tell(tx, &c, "opened", k.id, "system", "", k.Facts); err != nil {
		return nil, err
	}
	return &c.ID, jobs.Publish(tx, CaseOpened{c.ref(), c.Priority, c.DueAt})
}

// touch updates the case about a subject if one is open.
func (s *Service) touch(ctx context.Context, tx db.Tx, k *known, e Effect) (*uuid.UUID, error) {
	rows, err := tx.Query(ctx, `update support_cases c set times = c.times + 1, version = c.version + 1, updated_at = $4,
			priority = case when array_position($6::text[], $5) > array_position($6::text[], c.priority) then $5 else c.priority end,
			tags = array(select distinct unnest(c.tags || $7::text[]))
		where merchant_id = $1 and kind = $2 and subject_id = $3 and status = 'open' returning `+caseColumns,
		k.Merchant, k.Event, k.Subject, s.DB.Now(), e.Priority, Priorities, list(e.Tags))
	if err != nil {
		return nil, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCase)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &c.ID, s.tell(tx, &c, "repeated", k.id, "system", "", k.Facts)
}

// list is a list that is never null.
func list(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

func (c *Case) ref() CaseRef {
	return CaseRef{MerchantID: c.MerchantID, CaseID: c.ID, Kind: c.Kind, SubjectID: c.SubjectID, OrderID: c.OrderID}
}

// tell adds a line to the story of a case; the same source tells the same thing once.
func (s *Service) tell(tx db.Tx, c *Case, kind string, source uuid.UUID, actor, body string, data map[string]any) error {
	if data == nil {
		data = map[string]any{}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	tx.Queue(`insert into support_case_events (merchant_id, id, case_id, kind, source_id, actor, body, data, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (merchant_id, case_id, kind, source_id) do nothing`,
		c.MerchantID, id.New(), c.ID, kind, source, actor, body, text, s.DB.Now())
	return nil
}

// standing are the open cases that a settlement is about, locked.
func (s *Service) standing(ctx context.Context, tx db.Tx, n Settled) ([]Case, error) {
	rows, err := tx.Query(ctx, `select `+caseColumns+` from support_cases where merchant_id = $1 and status = 'open' and kind = any($2)
		and (subject_id = $3 or $3 is null and order_id = $4) order by id for update`, n.Merchant, kinds(n.Events), orNull(n.Subject), orNull(n.Order))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanCase)
}

func kinds(all []Event) []string {
	var names []string
	for _, e := range all {
		names = append(names, string(e))
	}
	return names
}

// resolve ends a locked, open case.
func (s *Service) resolve(tx db.Tx, c *Case, actor, why, note string) error {
	now := s.DB.Now()
	tx.Queue(`update support_cases set status = 'resolved', resolution = $3, resolved_at = $4, version = version + 1, updated_at = $4
		where merchant_id = $1 and id = $2`, c.MerchantID, c.ID, why, now)
	if err := s.tell(tx, c, "resolved", id.New(), actor, note, map[string]any{"resolution": why}); err != nil {
		return err
	}
	return jobs.Publish(tx, CaseResolved{c.ref(), why})
}

// Cases lists cases, the newest first.
func (s *Service) Cases(ctx context.Context, merchant uuid.UUID, f Filter) ([]Case, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	var after *time.Time
	if !f.AfterTime.IsZero() {
		after = &f.AfterTime
	}
	rows, err := s.DB.Query(ctx, `select `+caseColumns+` from support_cases where merchant_id = $1
			and ($2 = '' or status = $2) and ($3 = '' or kind = $3) and ($4::uuid is null or assigned_to = $4) and ($5::uuid is null or order_id = $5)
			and (not $6 or status = 'open' and due_at < $7) and ($8::timestamptz is null or (created_at, id) < ($8, $9))
		order by created_at desc, id desc limit $10`,
		merchant, f.Status, string(f.Kind), f.Assigned, f.Order, f.Overdue, s.DB.Now(), after, f.AfterID, max(f.Limit, 1))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanCase)
}

// Case gives one case with its story, the oldest line first. It fails with ErrNoCase.
func (s *Service) Case(ctx context.Context, merchant, caseID uuid.UUID) (Case, []CaseEvent, error) {
	rows, err := s.DB.Query(ctx, `select `+caseColumns+` from support_cases where merchant_id = $1 and id = $2`, merchant, caseID)
	if err != nil {
		return Case{}, nil, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCase)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoCase
	}
	if err != nil {
		return c, nil, err
	}
	rows, err = s.DB.Query(ctx, `select id, kind, actor, body, data, created_at from support_case_events where merchant_id = $1 and case_id = $2
		order by created_at, id limit 500`, merchant, caseID)
	if err != nil {
		return c, nil, err
	}
	story, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e CaseEvent, err error) {
		err = row.Scan(&e.ID, &e.Kind, &e.Actor, &e.Body, &e.Data, &e.CreatedAt)
		e.CreatedAt = e.CreatedAt.UTC()
		return e, err
	})
	return c, story, err
}

// change lets do change a locked case that is open, and gives it as it then stands.
func (s *Service) change(ctx context.Context, merchant, caseID uuid.UUID, open bool, do func(tx db.Tx, c *Case) error) (Case, error) {
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		rows, err := tx.Query(ctx, `select `+caseColumns+` from support_cases where merchant_id = $1 and id = $2 for update`, merchant, caseID)
		if err != nil {
			return err
		}
		c, err := pgx.CollectExactlyOneRow(rows, scanCase)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return ErrNoCase
		case err != nil:
			return err
		case open && c.Status != CaseOpen:
			return ErrCaseClosed
		}
		return do(tx, &c)
	})
	if err != nil {
		return Case{}, err
	}
	c, _, err := s.Case(ctx, merchant, caseID)
	return c, err
}

// Assign gives an open case to a member of staff; uuid.Nil to nobody. Who is one of
// the shop's is for the caller to know.
func (s *Service) Assign(ctx context.Context, merchant, caseID, to uuid.UUID, actor string) (Case, error) {
	return s.change(ctx, merchant, caseID, true, func(tx db.Tx, c *Case) error {
		if c.AssignedTo == nil && to == uuid.Nil || c.AssignedTo != nil && *c.AssignedTo == to {
			return nil
		}
		tx.Queue(`update support_cases set assigned_to = $3, version = version + 1, updated_at = $4 where merchant_id = $1 and id = $2`, merchant, caseID, orNull(to), s.DB.Now())
		return s.tell(tx, c, "assigned", id.New(), actor, "", map[string]any{"to": orNull(to)})
	})
}

// Note adds a note of staff to a case, open or not. It fails with ErrCase.
func (s *Service) Note(ctx context.Context, merchant, caseID uuid.UUID, text, actor string) (Case, error) {
	text, err := cleanNote(text, "text", true)
	if err != nil {
		return Case{}, err
	}
	return s.change(ctx, merchant, caseID, false, func(tx db.Tx, c *Case) error {
		tx.Queue(`update support_cases set version = version + 1, updated_at = $3 where merchant_id = $1 and id = $2`, merchant, caseID, s.DB.Now())
		return s.tell(tx, c, "noted", id.New(), actor, text, nil)
	})
}

// Resolve ends an open case with one of Resolutions. It fails with ErrCaseClosed when it
// has ended before.
func (s *Service) Resolve(ctx context.Context, merchant, caseID uuid.UUID, resolution, note, actor string) (Case, error) {
	resolution, err := cleanResolution(resolution)
	if err != nil {
		return Case{}, err
	}
	if note, err = cleanNote(note, "note", false); err != nil {
		return Case{}, err
	}
	return s.change(ctx, merchant, caseID, true, func(tx db.Tx, c *Case) error { return s.resolve(tx, c, actor, resolution, note) })
}

// overdueBatch is how many cases one look finds overdue.
const overdueBatch = 200

// TellOverdue tells of open cases whose due time has passed, of each once. It says how
// many there were.
func (s *Service) TellOverdue(ctx context.Context) (told int, err error) {
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		now := s.DB.Now()
		rows, err := tx.Query(ctx, `update support_cases c set alerted_at = $1 from (
				select merchant_id, id from support_cases where status = 'open' and alerted_at is null and due_at < $1 order by due_at limit $2 for update skip locked) late
			where c.merchant_id = late.merchant_id and c.id = late.id
			returning c.merchant_id, c.id, c.kind, c.subject_id, c.order_id, c.due_at`, now, overdueBatch)
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e CaseOverdue, err error) {
			return e, row.Scan(&e.MerchantID, &e.CaseID, &e.Kind, &e.SubjectID, &e.OrderID, &e.DueAt)
		})
		if err != nil {
			return err
		}
		for _, e := range all {
			if err := s.tell(tx, &Case{MerchantID: e.MerchantID, ID: e.CaseID}, "overdue", e.CaseID, "system", "", map[string]any{"due_at": e.DueAt}); err != nil {
				return err
			}
			if err := jobs.Publish(tx, e); err != nil {
				return err
			}
		}
		told = len(all)
		return nil
	})
	return told, err
}

// Forget blanks what staff wrote about a contact, within the transaction that erases
// them: in their cases, and in those of conversations that were only later theirs.
func (s *Service) Forget(_ context.Context, tx db.Tx, merchant, contact uuid.UUID) error {
	tx.Queue(`update support_case_events e set body = '' from support_cases c
		where c.merchant_id = $1 and (c.contact_id = $2 or c.conversation_id in (select v.id from conversations v where v.merchant_id = $1 and v.contact_id = $2))
			and e.merchant_id = c.merchant_id and e.case_id = c.id and e.body <> ''`, merchant, contact)
	return nil
}
