package hook

import (
	"context"
	_ "embed" // the hooks that every shop begins with
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

//go:embed defaults.json
var defaults []byte

// Defaults are the hooks that every shop begins with.
func Defaults() ([]Form, error) {
	var all []Form
	if err := json.Unmarshal(defaults, &all); err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Enabled = true
		f, _, err := all[i].clean()
		if err != nil {
			return nil, err
		}
		all[i] = f
	}
	return all, nil
}

// Begin gives a new shop its first hooks, within the transaction that makes its desk:
// see desk.NewDesks.
func Begin(d *db.DB) func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error {
	return func(_ context.Context, tx db.Tx, merchant uuid.UUID) error {
		all, err := Defaults()
		if err != nil {
			return err
		}
		for _, f := range all {
			h := Hook{ID: id.New(), Form: f, Preset: true, CreatedBy: "system"}
			if err := insert(tx, merchant, &h, d.Now()); err != nil {
				return err
			}
		}
		return nil
	}
}

func insert(tx db.Tx, merchant uuid.UUID, h *Hook, now time.Time) error {
	actions, err := json.Marshal(h.Actions)
	if err != nil {
		return err
	}
	h.Version, h.CreatedAt, h.UpdatedAt = 1, now, now
	tx.Queue(`insert into support_hooks (merchant_id, id, name, event, condition, actions, cooldown_minutes, enabled, preset, created_by, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`,
		merchant, h.ID, h.Name, h.Event, orNone(h.Condition), actions, h.CooldownMinutes, h.Enabled, h.Preset, h.CreatedBy, now)
	return nil
}

func orNone(b json.RawMessage) *string {
	if len(b) == 0 {
		return nil
	}
	text := string(b)
	return &text
}

const hookColumns = `id, name, event, condition, actions, cooldown_minutes, enabled, preset, version, created_by, created_at, updated_at`

func scanHook(row pgx.CollectableRow) (h Hook, err error) {
	var condition, actions []byte
	err = row.Scan(&h.ID, &h.Name, &h.Event, &condition, &actions, &h.CooldownMinutes, &h.Enabled, &h.Preset, &h.Version, &h.CreatedBy, &h.CreatedAt, &h.UpdatedAt)
	if err != nil {
		return h, err
	}
	h.Condition, h.CreatedAt, h.UpdatedAt = condition, h.CreatedAt.UTC(), h.UpdatedAt.UTC()
	return h, json.Unmarshal(actions, &h.Actions)
}

// listening are the enabled hooks of an event, the oldest first.
func (s *Service) listening(ctx context.Context, tx db.Tx, merchant uuid.UUID, event Event) ([]Hook, error) {
	rows, err := tx.Query(ctx, `select `+hookColumns+` from support_hooks where merchant_id = $1 and event = $2 and enabled order by created_at, id`, merchant, event)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanHook)
}

// Hooks lists all hooks of a shop, by their events.
func (s *Service) Hooks(ctx context.Context, merchant uuid.UUID) ([]Hook, error) {
	if _, err := s.Desks.Settings(ctx, merchant); err != nil { // it makes the first ones
		return nil, err
	}
	rows, err := s.DB.Query(ctx, `select `+hookColumns+` from support_hooks where merchant_id = $1 order by event, name limit $2`, merchant, mostHooks)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanHook)
}

// Hook gives one hook, or fails with ErrNoHook.
func (s *Service) Hook(ctx context.Context, merchant, hook uuid.UUID) (Hook, error) {
	rows, err := s.DB.Query(ctx, `select `+hookColumns+` from support_hooks where merchant_id = $1 and id = $2`, merchant, hook)
	if err != nil {
		return Hook{}, err
	}
	h, err := pgx.CollectExactlyOneRow(rows, scanHook)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoHook
	}
	return h, err
}

// AddHook adds a hook. It fails with ErrHook, ErrHookTaken or ErrManyHooks.
func (s *Service) AddHook(ctx context.Context, merchant uuid.UUID, f Form, actor string) (Hook, error) {
	f, _, err := f.clean()
	if err != nil {
		return Hook{}, err
	}
	if _, err := s.Desks.Settings(ctx, merchant); err != nil {
		return Hook{}, err
	}
	h := Hook{ID: id.New(), Form: f, CreatedBy: actor}
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		var n int
		// The desk's row puts those who count in line.
		if _, err := tx.Exec(ctx, `select from support_desks where merchant_id = $1 for no key update`, merchant); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `select count(*) from support_hooks where merchant_id = $1`, merchant).Scan(&n); err != nil {
			return err
		}
		if n >= mostHooks {
			return ErrManyHooks
		}
		return insert(tx, merchant, &h, s.DB.Now())
	})
	if db.Violates(err, "support_hooks_merchant_id_name_key") {
		return h, ErrHookTaken.Because(err)
	}
	return h, err
}

// UpdateHook lets patch change a hook as it stands. With ifVersion given, one of another
// version fails with ErrVersion. patch may be called more than once.
func (s *Service) UpdateHook(ctx context.Context, merchant, hook uuid.UUID, ifVersion *int64, patch func(*Form)) (Hook, error) {
	var h Hook
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		rows, err := tx.Query(ctx, `select `+hookColumns+` from support_hooks where merchant_id = $1 and id = $2 for update`, merchant, hook)
		if err != nil {
			return err
		}
		h, err = pgx.CollectExactlyOneRow(rows, scanHook)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return ErrNoHook
		case err != nil:
			return err
		case ifVersion != nil && *ifVersion != h.Version:
			return ErrVersion.With("version", h.Version)
		}
		f := h.Form
		f.Actions = slices.Clone(f.Actions)
		patch(&f)
		if h.Form, _, err = f.clean(); err != nil {
			return err
		}
		actions, err := json.Marshal(h.Actions)
		if err != nil {
			return err
		}
		h.Version, h.UpdatedAt = h.Version+1, s.DB.Now()
		_, err = tx.Exec(ctx, `update support_hooks set name = $3, event = $4, condition = $5, actions = $6, cooldown_minutes = $7, enabled = $8, version = $9, updated_at = $10
			where merchant_id = $1 and id = $2`, merchant, hook, h.Name, h.Event, orNone(h.Condition), actions, h.CooldownMinutes, h.Enabled, h.Version, h.UpdatedAt)
		return err
	})
	if db.Violates(err, "support_hooks_merchant_id_name_key") {
		return h, ErrHookTaken.Because(err)
	}
	return h, err
}

// DeleteHook removes a hook. It fails with ErrNoHook.
func (s *Service) DeleteHook(ctx context.Context, merchant, hook uuid.UUID) error {
	n, err := s.DB.Exec(ctx, `delete from support_hooks where merchant_id = $1 and id = $2`, merchant, hook)
	if err == nil && n == 0 {
		err = ErrNoHook
	}
	return err
}

// Trial is what a hook would have done about a past event; nothing is done.
type Trial struct {
	SignalID   uuid.UUID      `json:"event_id"`
	Event      Event          `json:"event"`
	SubjectID  uuid.UUID      `json:"subject_id"`
	OrderID    *uuid.UUID     `json:"order_id"`
	OccurredAt time.Time      `json:"occurred_at"`
	Facts      map[string]any `json:"facts"`
	Holds      bool           `json:"holds"`   // the condition
	Actions    []Action       `json:"actions"` // what would be done; none when it does not hold
}

// Try shows what a hook would do about a past event of its kind, by its id; uuid.Nil is
// the newest. It writes nothing. It fails with ErrNoHook or ErrNoSignal.
func (s *Service) Try(ctx context.Context, merchant, hook, signal uuid.UUID) (Trial, error) {
	h, err := s.Hook(ctx, merchant, hook)
	if err != nil {
		return Trial{}, err
	}
	var t Trial
	var facts []byte
	found, err := db.One(s.DB.QueryRow(ctx, `select id, event, subject_id, order_id, occurred_at, facts from support_signals
		where merchant_id = $1 and event = $2 and not settles and ($3::uuid is null or id = $3) order by created_at desc, id desc limit 1`, merchant, h.Event, orNull(signal)),
		&t.SignalID, &t.Event, &t.SubjectID, &t.OrderID, &t.OccurredAt, &facts)
	if err == nil && !found {
		err = ErrNoSignal
	}
	if err != nil {
		return t, err
	}
	t.OccurredAt = t.OccurredAt.UTC()
	if t.Facts, err = factsOf(facts); err != nil {
		return t, err
	}
	_, tree, err := h.clean()
	if err != nil {
		return t, err
	}
	t.Actions = []Action{}
	if t.Holds = tree.Holds(t.Facts); t.Holds {
		t.Actions = h.Actions
	}
	return t, nil
}

// factsOf reads facts with the types that conditions want.
func factsOf(text []byte) (map[string]any, error) {
	var raw map[string]any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return nil, err
	}
	for name, value := range raw {
		switch v := value.(type) {
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				return nil, err
			}
			raw[name] = n
		case []any:
			all := make([]string, 0, len(v))
			for _, one := range v {
				if text, ok := one.(string); ok {
					all = append(all, text)
				}
			}
			raw[name] = all
		}
	}
	return raw, nil
}
