package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/support/hook"

	"github.com/google/uuid"
)

// HookAction is one thing that a hook does.
type HookAction struct {
	Action     string   `json:"action" enum:"open_case,notify_customer,webhook,tag,set_priority"`
	DueMinutes int      `json:"due_minutes,omitempty" minimum:"0" maximum:"86400" example:"480" doc:"With open_case: working minutes until somebody should have looked after it"`
	Priority   string   `json:"priority,omitempty" enum:"low,normal,high,urgent" doc:"With open_case and set_priority"`
	Tags       []string `json:"tags,omitempty" maxItems:"10" maxLength:"40" doc:"With tag"`
}

// HookForm is what a hook does, and when.
type HookForm struct {
	Name            string         `json:"name" minLength:"1" maxLength:"100" example:"A dear parcel is late"`
	Event           string         `json:"event" enum:"payment_failed,payment_unknown,shipment_delayed,delivery_failed,lost,return_requested,refund_overdue,claim,dispute,assistant_handoff,fraud_review"`
	Condition       map[string]any `json:"condition,omitempty" doc:"The same tree as in shipping policies (all, any, not, field/op/value) over the facts that docs/support.md lists; without it the hook holds always"`
	Actions         []HookAction   `json:"actions" minItems:"1" maxItems:"10"`
	CooldownMinutes int            `json:"cooldown_minutes,omitempty" minimum:"0" maximum:"525600" doc:"How long nothing more is done about the same subject"`
	Enabled         *bool          `json:"enabled,omitempty" doc:"True when absent"`
}

// HookPatch changes a hook; what is absent stays.
type HookPatch struct {
	Name            *string         `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Event           *string         `json:"event,omitempty" enum:"payment_failed,payment_unknown,shipment_delayed,delivery_failed,lost,return_requested,refund_overdue,claim,dispute,assistant_handoff,fraud_review"`
	Condition       *map[string]any `json:"condition,omitempty" doc:"An empty object takes the condition away"`
	Actions         *[]HookAction   `json:"actions,omitempty" minItems:"1" maxItems:"10"`
	CooldownMinutes *int            `json:"cooldown_minutes,omitempty" minimum:"0" maximum:"525600"`
	Enabled         *bool           `json:"enabled,omitempty"`
}

// SupportHook is a hook as it stands.
type SupportHook struct {
	ID              uuid.UUID       `json:"id" format:"uuid"`
	Name            string          `json:"name"`
	Event           string          `json:"event"`
	Condition       json.RawMessage `json:"condition" doc:"null holds always"`
	Actions         []HookAction    `json:"actions"`
	CooldownMinutes int             `json:"cooldown_minutes"`
	Enabled         bool            `json:"enabled"`
	Preset          bool            `json:"preset" doc:"It came with the shop"`
	Version         int64           `json:"version"`
	CreatedBy       string          `json:"created_by"`
	CreatedAt       time.Time       `json:"created_at"`
	UpdatedAt       time.Time       `json:"updated_at"`
}

func hookActions(all []HookAction) []hook.Action {
	list := make([]hook.Action, len(all))
	for i, a := range all {
		list[i] = hook.Action(a)
	}
	return list
}

func actionsOf(all []hook.Action) []HookAction {
	list := make([]HookAction, len(all))
	for i, a := range all {
		list[i] = HookAction(a)
	}
	return list
}

// conditionOf writes a condition down; an empty one is none.
func conditionOf(c map[string]any) json.RawMessage {
	if len(c) == 0 {
		return nil
	}
	text, err := json.Marshal(c)
	if err != nil {
		return json.RawMessage("?") // which is refused as what it is
	}
	return text
}

func hookOf(h hook.Hook) SupportHook {
	condition := h.Condition
	if len(condition) == 0 {
		condition = json.RawMessage("null")
	}
	return SupportHook{
		ID: h.ID, Name: h.Name, Event: string(h.Event), Condition: condition, Actions: actionsOf(h.Actions), CooldownMinutes: h.CooldownMinutes, Enabled: h.Enabled, Preset: h.Preset,
		Version: h.Version, CreatedBy: h.CreatedBy, CreatedAt: h.CreatedAt, UpdatedAt: h.UpdatedAt,
	}
}

// HookTrial is what a hook would have done about a past event.
type HookTrial struct {
	EventID    uuid.UUID      `json:"event_id" format:"uuid"`
	Event      string         `json:"event"`
	SubjectID  uuid.UUID      `json:"subject_id" format:"uuid"`
	OrderID    *uuid.UUID     `json:"order_id" format:"uuid"`
	OccurredAt time.Time      `json:"occurred_at"`
	Facts      map[string]any `json:"facts" doc:"What the condition was asked about"`
	Holds      bool           `json:"holds" doc:"The condition is true of them"`
	Actions    []HookAction   `json:"actions" doc:"What would be done; nothing was"`
}

type hookOut struct {
	ETag string `header:"ETag"`
	Body SupportHook
}

func oneHook(h hook.Hook, err error) (*hookOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &hookOut{ETag: etag(h.Version), Body: hookOf(h)}, nil
}

type addHookIn struct{ Body HookForm }

type changeHookIn struct {
	ByID
	IfMatch
	Body HookPatch
}

type tryHookIn struct {
	ByID
	Body *TryHook
}

// TryHook says what a hook is tried on.
type TryHook struct {
	EventID *uuid.UUID `json:"event_id,omitempty" format:"uuid" doc:"Which past event; the newest of its kind without it"`
}

type hookTrialOut struct{ Body HookTrial }

func registerHooks(s *Server, room supportRoom) {
	const tag, path = "support", "/v1/support/hooks/{id}"
	read, write := secret("support:read"), secret("support:write")
	change := []*fault.Error{hook.ErrNoHook, hook.ErrHook, hook.ErrHookTaken, hook.ErrVersion}
	handle(s, Route{
		ID: "list-hooks", Method: http.MethodGet, Path: "/v1/support/hooks", Tag: tag, Summary: "List hooks, by their events", Auth: read,
	}, func(ctx context.Context, _ *struct{}) (*listOut[SupportHook], error) {
		all, err := room.Hooks(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", hookOf), nil
	})
	handle(s, Route{
		ID: "add-hook", Method: http.MethodPost, Path: "/v1/support/hooks", Status: http.StatusCreated, Tag: tag, Summary: "Add a hook",
		Description: "When the event happens and the condition holds, the actions are done, once for each piece of news.",
		Auth:        write, Errors: []*fault.Error{hook.ErrHook, hook.ErrHookTaken, hook.ErrManyHooks},
	}, func(ctx context.Context, in *addHookIn) (*hookOut, error) {
		b := &in.Body
		return oneHook(room.AddHook(ctx, caller(ctx).Merchant, hook.Form{
			Name: b.Name, Event: hook.Event(b.Event), Condition: conditionOf(b.Condition), Actions: hookActions(b.Actions), CooldownMinutes: b.CooldownMinutes, Enabled: b.Enabled == nil || *b.Enabled,
		}, actor(ctx)))
	})
	handle(s, Route{
		ID: "read-hook", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Read a hook", Auth: read, Errors: []*fault.Error{hook.ErrNoHook},
	}, func(ctx context.Context, in *ByID) (*hookOut, error) {
		return oneHook(room.Hook(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "change-hook", Method: http.MethodPatch, Path: path, Tag: tag, Summary: "Change a hook", Auth: write, Errors: change,
	}, func(ctx context.Context, in *changeHookIn) (*hookOut, error) {
		base, err := in.baseOr()
		if err != nil {
			return nil, err
		}
		b := &in.Body
		return oneHook(room.UpdateHook(ctx, caller(ctx).Merchant, in.ID, base, func(f *hook.Form) {
			put(&f.Name, b.Name)
			put(&f.CooldownMinutes, b.CooldownMinutes)
			put(&f.Enabled, b.Enabled)
			if b.Event != nil {
				f.Event = hook.Event(*b.Event)
			}
			if b.Condition != nil {
				f.Condition = conditionOf(*b.Condition)
			}
			if b.Actions != nil {
				f.Actions = hookActions(*b.Actions)
			}
		}))
	})
	handle(s, Route{
		ID: "delete-hook", Method: http.MethodDelete, Path: path, Tag: tag, Summary: "Remove a hook", Auth: write, Errors: []*fault.Error{hook.ErrNoHook},
	}, func(ctx context.Context, in *ByID) (*struct{}, error) {
		return nil, room.DeleteHook(ctx, caller(ctx).Merchant, in.ID)
	})
	for verb, on := range map[string]bool{"enable": true, "disable": false} {
		handle(s, Route{
			ID: verb + "-hook", Method: http.MethodPost, Path: path + "/" + verb, Tag: tag, Summary: map[bool]string{true: "Let a hook listen", false: "Let a hook rest"}[on],
			Auth: write, Errors: []*fault.Error{hook.ErrNoHook},
		}, func(ctx context.Context, in *ByID) (*hookOut, error) {
			return oneHook(room.UpdateHook(ctx, caller(ctx).Merchant, in.ID, nil, func(f *hook.Form) { f.Enabled = on }))
		})
	}
	handle(s, Route{
		ID: "test-hook", Method: http.MethodPost, Path: path + "/test", Tag: tag, Summary: "See what a hook would have done",
		Description: "About a past event of its kind. Nothing is done.", Auth: write, Once: OnceNever, Errors: []*fault.Error{hook.ErrNoHook, hook.ErrNoSignal},
	}, func(ctx context.Context, in *tryHookIn) (*hookTrialOut, error) {
		var event uuid.UUID
		if in.Body != nil && in.Body.EventID != nil {
			event = *in.Body.EventID
		}
		t, err := room.Try(ctx, caller(ctx).Merchant, in.ID, event)
		if err != nil {
			return nil, err
		}
		return &hookTrialOut{HookTrial{
			EventID: t.SignalID, Event: string(t.Event), SubjectID: t.SubjectID, OrderID: t.OrderID, OccurredAt: t.OccurredAt, Facts: t.Facts, Holds: t.Holds, Actions: actionsOf(t.Actions),
		}}, nil
	})
}
