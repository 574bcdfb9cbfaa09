package hook

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

// Effect is what follows from one piece of news by all hooks that hold.
type Effect struct {
	Hooks      []Hook // that hold and are not cooling down
	Cooling    []Hook // that hold, but did something about the subject not long ago
	OpenCase   bool
	Touch      bool // only update a case that is open: all that would open one are cooling down
	Priority   string
	DueMinutes int // the shortest; 0 is none
	Tags       []string
	Notify     bool
	NotifyBy   uuid.UUID // the first hook that wants to
	Webhooks   []Hook
	// Again is the case that those that are cooling down would open: it is opened when
	// the one they opened is resolved already, so that no trouble goes unseen.
	Again *Effect
}

// take adds what an action wants of the case.
func (e *Effect) take(a Action) {
	switch a.Action {
	case OpenCase:
		e.OpenCase = true
		e.Priority = higher(e.Priority, a.Priority)
		if a.DueMinutes > 0 && (e.DueMinutes == 0 || a.DueMinutes < e.DueMinutes) {
			e.DueMinutes = a.DueMinutes
		}
	case SetPriority:
		e.Priority = higher(e.Priority, a.Priority)
	case Tag:
		for _, tag := range a.Tags {
			if !slices.Contains(e.Tags, tag) {
				e.Tags = append(e.Tags, tag)
			}
		}
	}
}

// effectOf puts together what hooks do; cooling says which of them rest.
func effectOf(hooks []Hook, facts map[string]any, cooling func(Hook) (bool, error)) (Effect, error) {
	e := Effect{Priority: Priorities[0]}
	again := Effect{Priority: Priorities[0]} // whether hooks rest or not
	for _, h := range hooks {
		_, tree, err := h.clean()
		if err != nil {
			continue // of another version of the program
		}
		if !tree.Holds(facts) {
			continue
		}
		cool, err := cooling(h)
		if err != nil {
			return e, err
		}
		if cool {
			e.Cooling = append(e.Cooling, h)
		} else {
			e.Hooks = append(e.Hooks, h)
		}
		for _, a := range h.Actions {
			again.take(a)
			if cool {
				continue
			}
			e.take(a)
			switch a.Action {
			case NotifyCustomer:
				if !e.Notify {
					e.Notify, e.NotifyBy = true, h.ID
				}
			case Webhook:
				e.Webhooks = append(e.Webhooks, h)
			}
		}
	}
	if e.Touch = again.OpenCase && !e.OpenCase; e.Touch {
		e.Again = &again
	}
	return e, nil
}

func higher(a, b string) string {
	if slices.Index(Priorities, b) > slices.Index(Priorities, a) {
		return b
	}
	return a
}

// known is a signal with all that is known around it.
type known struct {
	Signal
	id    uuid.UUID
	about About
	facts map[string]any
	// undated says that nobody knows when it happened: At is when it was heard of.
	undated bool
	due     func(minutes int) *time.Time
	// settles says that it ends what it is about.
	settles bool
}

// Raise takes in a piece of news and does what the hooks say, all in one transaction:
// told twice, at once or after a crash at any point, it has the effect of once.
func (s *Service) Raise(ctx context.Context, n Signal) error {
	k, err := s.look(ctx, n)
	if err != nil {
		return err
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		if err := inLine(ctx, tx, n.Merchant, n.Subject); err != nil {
			return err
		}
		fresh, err := s.write(ctx, tx, k)
		if err != nil || !fresh {
			return err
		}
		if over, err := s.over(ctx, tx, k); err != nil || over {
			return err
		}
		hooks, err := s.listening(ctx, tx, n.Merchant, n.Event)
		if err != nil {
			return err
		}
		e, err := effectOf(hooks, k.facts, func(h Hook) (bool, error) { return s.rests(ctx, tx, h, k) })
		if err != nil {
			return err
		}
		return s.act(ctx, tx, k, e)
	})
}

// look gathers what is known around a signal.
func (s *Service) look(ctx context.Context, n Signal) (*known, error) {
	k := &known{Signal: n, id: id.New(), facts: map[string]any{"event.by_customer": n.ByCustomer}}
	if n.Order != uuid.Nil {
		about, err := s.Orders.About(ctx, n.Merchant, n.Order)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return nil, err
		}
		k.about = about
	}
	for name, value := range k.about.Facts {
		k.facts[name] = value
	}
	for name, value := range n.Facts {
		k.facts[name] = value
	}
	set, err := s.Desks.Settings(ctx, n.Merchant)
	if err != nil {
		return nil, err
	}
	now := s.DB.Now()
	if k.undated = n.At.IsZero(); k.undated {
		k.At = now
	}
	k.due = func(minutes int) *time.Time { return set.Due(now, minutes) }
	return k, nil
}

// inLine lets those who speak of the same subject wait for one another, so that its
// end is not overtaken by its beginning.
func inLine(ctx context.Context, tx db.Tx, merchant, subject uuid.UUID) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 37))`, merchant.String()+subject.String())
	return err
}

// over says whether the end of what the signal is about is known already: news may
// come in another order than they happened.
func (s *Service) over(ctx context.Context, tx db.Tx, k *known) (over bool, err error) {
	var at *time.Time
	if !k.undated {
		at = &k.At
	}
	err = tx.QueryRow(ctx, `select exists (select from support_signals where merchant_id = $1 and event = $2 and subject_id = $3 and settles
		and ($4::timestamptz is null or occurred_at >= $4))`, k.Merchant, k.Event, k.Subject, at).Scan(&over)
	return over, err
}

// write notes the signal; false when it was here before.
func (s *Service) write(ctx context.Context, tx db.Tx, k *known) (bool, error) {
	facts, err := json.Marshal(k.facts)
	if err != nil {
		return false, err
	}
	at := k.At
	if at.IsZero() {
		at = s.DB.Now()
	}
	n, err := tx.Exec(ctx, `insert into support_signals
			(merchant_id, id, key, event, subject_id, order_id, contact_id, conversation_id, by_customer, facts, settles, occurred_at, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (merchant_id, key) do nothing`,
		k.Merchant, k.id, k.Key, k.Event, k.Subject, orNull(k.Order), orNull(k.about.Contact), orNull(k.Conversation), k.ByCustomer, facts, k.settles, at, s.DB.Now())
	return n > 0, err
}

// rests says whether a hook did something about the subject less than its cool-down
// ago, and else notes that it does now. Of several at once one finds it awake.
func (s *Service) rests(ctx context.Context, tx db.Tx, h Hook, k *known) (bool, error) {
	now := s.DB.Now()
	n, err := tx.Exec(ctx, `insert into support_hook_fires as f (merchant_id, hook_id, subject_id, fired_at) values ($1, $2, $3, $4)
		on conflict (merchant_id, hook_id, subject_id) do update set fired_at = excluded.fired_at, times = f.times + 1 where f.fired_at <= $5`,
		k.Merchant, h.ID, k.Subject, now, now.Add(-time.Duration(h.CooldownMinutes)*time.Minute))
	return n == 0, err
}

// act does what was found.
func (s *Service) act(ctx context.Context, tx db.Tx, k *known, e Effect) error {
	var caseID *uuid.UUID
	var err error
	switch {
	case e.OpenCase:
		caseID, err = s.open(ctx, tx, k, e)
	case e.Touch || len(e.Tags) > 0 || e.Priority != Priorities[0]:
		caseID, err = s.touch(ctx, tx, k, e)
		if err == nil && caseID == nil && e.Again != nil {
			caseID, err = s.open(ctx, tx, k, *e.Again)
		}
	}
	if err != nil {
		return err
	}
	for _, h := range e.Webhooks {
		if err := jobs.Publish(tx, Fired{
			MerchantID: k.Merchant, HookID: h.ID, Hook: h.Name, Event: k.Event, SubjectID: k.Subject, CaseID: caseID, OrderID: orNull(k.Order), Facts: k.facts, OccurredAt: k.At,
		}); err != nil {
			return err
		}
	}
	if !e.Notify || k.Order == uuid.Nil || k.about.Contact == uuid.Nil {
		return nil
	}
	notice := id.New()
	tx.Queue(`insert into support_notices (merchant_id, id, hook_id, signal_id, event, subject_id, case_id, order_id, contact_id, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, k.Merchant, notice, e.NotifyBy, k.id, k.Event, k.Subject, caseID, k.Order, k.about.Contact, s.DB.Now())
	return jobs.Publish(tx, NoticeDue{k.Merchant, notice})
}

func orNull(v uuid.UUID) *uuid.UUID {
	if v == uuid.Nil {
		return nil
	}
	return &v
}

// Settle resolves the open cases that have come to their end by themselves. It may be
// told any number of times.
func (s *Service) Settle(ctx context.Context, n Settled) error {
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		if n.Subject != uuid.Nil {
			if err := inLine(ctx, tx, n.Merchant, n.Subject); err != nil {
				return err
			}
			for _, event := range n.Events { // for what is only heard of later
				end := &known{Signal: Signal{Merchant: n.Merchant, Event: event, Key: n.Key + ":" + string(event), Subject: n.Subject, Order: n.Order, At: n.At}, id: id.New(), settles: true}
				if _, err := s.write(ctx, tx, end); err != nil {
					return err
				}
			}
		}
		all, err := s.standing(ctx, tx, n)
		if err != nil {
			return err
		}
		for i := range all {
			if err := s.resolve(tx, &all[i], "system", n.Why, ""); err != nil {
				return err
			}
		}
		return nil
	})
}
