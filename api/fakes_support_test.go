package api

import (
	"context"
	"encoding/json"
	"time"

	"doorstep/customer"
	"doorstep/order"
	"doorstep/support/desk"
	"doorstep/support/hook"
	"doorstep/support/sla"

	"github.com/google/uuid"
)

type fakeTalks struct{ *shop }

func (f fakeTalks) entry() desk.Entry {
	due := noon.Add(time.Hour)
	return desk.Entry{Position: 1, Conversation: desk.Conversation{
		MerchantID: merchant, ID: thing, Channel: "chat", Status: desk.Waiting, Locale: "en", Subject: canary, Reason: "human_agent", HandedAt: &due, DueAt: &due, Said: 2, Version: 3,
		CreatedAt: noon, UpdatedAt: noon,
	}}
}

func (f fakeTalks) List(_ context.Context, m uuid.UUID, q desk.Query) ([]desk.Entry, error) {
	err := f.see("Conversations", m, false, nil, q)
	if m != merchant {
		return nil, err
	}
	all := make([]desk.Entry, min(q.Limit, 3))
	for i := range all {
		all[i] = f.entry()
	}
	return all, err
}

func (f fakeTalks) Entry(_ context.Context, m, id uuid.UUID) (desk.Entry, error) {
	return f.entry(), f.known("Conversation", m, id, false, desk.ErrNoConversation, nil)
}

func (f fakeTalks) Messages(_ context.Context, m, _ uuid.UUID, after, limit int) ([]desk.Message, error) {
	if m != merchant {
		return nil, nil
	}
	return []desk.Message{{ID: thing, Seq: after + 1, Author: desk.System, Body: "handed_over", Data: json.RawMessage(`{"reason":"human_agent"}`), CreatedAt: noon}}, f.see("Messages", m, false, nil, limit)
}

func (f fakeTalks) Claim(_ context.Context, m, id, staff uuid.UUID) (desk.Entry, error) {
	return f.entry(), f.known("Claim", m, id, true, desk.ErrNoConversation, staff)
}

func (f fakeTalks) Release(_ context.Context, m, id, staff uuid.UUID, toBot bool) (desk.Entry, error) {
	return f.entry(), f.known("Release", m, id, true, desk.ErrNoConversation, toBot)
}

func (f fakeTalks) Close(_ context.Context, m, id, staff uuid.UUID) (desk.Entry, error) {
	return f.entry(), f.known("Close", m, id, true, desk.ErrNoConversation, staff)
}

func (f fakeTalks) Reply(_ context.Context, m, id, staff uuid.UUID, text string) (desk.Message, error) {
	return desk.Message{ID: thing, Seq: 3, Author: desk.Staff, StaffID: &staff, Body: text, CreatedAt: noon}, f.known("Reply", m, id, true, desk.ErrNoConversation, text)
}

func (f fakeTalks) Note(_ context.Context, m, id, staff uuid.UUID, text string) (desk.Message, error) {
	return desk.Message{ID: thing, Seq: 3, Author: desk.Note, Body: text, CreatedAt: noon}, f.known("NoteConversation", m, id, true, desk.ErrNoConversation, text)
}

func (f fakeTalks) template() desk.Template {
	return desk.Template{ID: thing, Name: canary, Bodies: map[string]string{"en": "Dear {name}"}, Version: 2, CreatedAt: noon, UpdatedAt: noon}
}

func (f fakeTalks) Templates(_ context.Context, m uuid.UUID) ([]desk.Template, error) {
	err := f.see("ReplyTemplates", m, false, nil, nil)
	if m != merchant {
		return nil, err
	}
	return []desk.Template{f.template()}, err
}

func (f fakeTalks) Template(_ context.Context, m, id uuid.UUID) (desk.Template, error) {
	return f.template(), f.known("ReplyTemplate", m, id, false, desk.ErrNoReply, nil)
}

func (f fakeTalks) AddTemplate(_ context.Context, m uuid.UUID, t desk.Template) (desk.Template, error) {
	t.ID = thing
	return t, f.see("AddReplyTemplate", m, true, nil, t)
}

func (f fakeTalks) ChangeTemplate(_ context.Context, m uuid.UUID, t desk.Template, v *int64) (desk.Template, error) {
	if err := f.known("ChangeReplyTemplate", m, t.ID, true, desk.ErrNoReply, t); err != nil {
		return t, err
	}
	if v != nil && *v != 2 {
		return t, desk.ErrSettingsVersion
	}
	return f.template(), nil
}

func (f fakeTalks) DeleteTemplate(_ context.Context, m, id uuid.UUID) error {
	return f.known("DeleteReplyTemplate", m, id, true, desk.ErrNoReply, nil)
}

func (f fakeTalks) settings() desk.Settings {
	return desk.Settings{Hours: sla.Ordinary("Asia/Yerevan"), FirstAnswerMinutes: 60, MostOpen: 3, NoticesADay: 3, Version: 2, UpdatedAt: noon}
}

func (f fakeTalks) Settings(_ context.Context, m uuid.UUID) (desk.Settings, error) {
	return f.settings(), f.see("DeskSettings", m, false, nil, nil)
}

func (f fakeTalks) Save(_ context.Context, m uuid.UUID, v *int64, patch func(*desk.Settings)) (desk.Settings, error) {
	s := f.settings()
	patch(&s)
	if v != nil && *v != s.Version {
		return s, desk.ErrSettingsVersion
	}
	return s, f.see("SaveDesk", m, true, nil, s)
}

func (f fakeTalks) Orders(_ context.Context, e *desk.Entry) ([]order.Order, error) {
	return []order.Order{{ID: thing, Number: "DS-7K3M-Q2XT-H", Status: order.StatusConfirmed, PaymentStatus: "paid", FulfillmentStatus: "unfulfilled", Currency: "EUR", Total: 500, PlacedAt: noon}}, nil
}

func (f fakeTalks) Values(context.Context, *desk.Entry, uuid.UUID) (map[string]string, error) {
	return map[string]string{"name": "Ann"}, nil
}

func (f fakeTalks) Member(_ context.Context, m, staff uuid.UUID) error {
	if m != merchant {
		return customer.ErrStaffUnknown
	}
	return nil
}

type fakeSupport struct{ *shop }

func (f fakeSupport) one() hook.Case {
	return hook.Case{
		MerchantID: merchant, ID: thing, Kind: hook.ShipmentDelayed, SubjectID: lineID, Status: hook.CaseOpen, Priority: "normal", OrderNumber: canary, Times: 1,
		Snapshot: json.RawMessage(`{}`), Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
}

func (f fakeSupport) Cases(_ context.Context, m uuid.UUID, q hook.Filter) ([]hook.Case, error) {
	err := f.see("Cases", m, false, nil, q)
	if m != merchant {
		return nil, err
	}
	all := make([]hook.Case, min(q.Limit, 3))
	for i := range all {
		all[i] = f.one()
	}
	return all, err
}

func (f fakeSupport) Case(_ context.Context, m, id uuid.UUID) (hook.Case, []hook.CaseEvent, error) {
	return f.one(), []hook.CaseEvent{{ID: thing, Kind: "opened", Actor: "system", CreatedAt: noon}}, f.known("Case", m, id, false, hook.ErrNoCase, nil)
}

func (f fakeSupport) Assign(_ context.Context, m, id, to uuid.UUID, actor string) (hook.Case, error) {
	return f.one(), f.known("AssignCase", m, id, true, hook.ErrNoCase, to)
}

func (f fakeSupport) Resolve(_ context.Context, m, id uuid.UUID, resolution, note, actor string) (hook.Case, error) {
	return f.one(), f.known("ResolveCase", m, id, true, hook.ErrNoCase, resolution)
}

func (f fakeSupport) Note(_ context.Context, m, id uuid.UUID, text, actor string) (hook.Case, error) {
	return f.one(), f.known("NoteCase", m, id, true, hook.ErrNoCase, text)
}

func (f fakeSupport) hook() hook.Hook {
	return hook.Hook{ID: thing, Form: hook.Form{Name: canary, Event: hook.Claim, Actions: []hook.Action{{Action: hook.OpenCase, Priority: "low"}}, Enabled: true}, Version: 2, CreatedBy: "system", CreatedAt: noon, UpdatedAt: noon}
}

func (f fakeSupport) Hooks(_ context.Context, m uuid.UUID) ([]hook.Hook, error) {
	err := f.see("Hooks", m, false, nil, nil)
	if m != merchant {
		return nil, err
	}
	return []hook.Hook{f.hook()}, err
}

func (f fakeSupport) Hook(_ context.Context, m, id uuid.UUID) (hook.Hook, error) {
	return f.hook(), f.known("Hook", m, id, false, hook.ErrNoHook, nil)
}

func (f fakeSupport) AddHook(_ context.Context, m uuid.UUID, form hook.Form, actor string) (hook.Hook, error) {
	h := f.hook()
	h.Form = form
	return h, f.see("AddHook", m, true, nil, form)
}

func (f fakeSupport) UpdateHook(_ context.Context, m, id uuid.UUID, v *int64, patch func(*hook.Form)) (hook.Hook, error) {
	h := f.hook()
	patch(&h.Form)
	if err := f.known("UpdateHook", m, id, true, hook.ErrNoHook, h.Form); err != nil {
		return h, err
	}
	if v != nil && *v != h.Version {
		return h, hook.ErrVersion
	}
	return h, nil
}

func (f fakeSupport) DeleteHook(_ context.Context, m, id uuid.UUID) error {
	return f.known("DeleteHook", m, id, true, hook.ErrNoHook, nil)
}

func (f fakeSupport) Try(_ context.Context, m, id, signal uuid.UUID) (hook.Trial, error) {
	return hook.Trial{SignalID: thing, Event: hook.Claim, SubjectID: lineID, OccurredAt: noon, Facts: map[string]any{"event.reason": "damaged"}, Holds: true}, f.known("TryHook", m, id, false, hook.ErrNoHook, signal)
}

func (f fakeSupport) ContactRate(_ context.Context, m uuid.UUID, from, to string, weekly bool) (*hook.Rates, error) {
	err := f.see("ContactRate", m, false, nil, []string{from, to})
	r := &hook.Rates{From: "2026-03-01", To: "2026-03-02", Zone: "Asia/Yerevan", Weekly: weekly}
	if m == merchant {
		r.Total = hook.RateRow{Orders: 300, Contacts: 7, Cases: 1, Notices: 1}
		r.Reasons = []hook.RateRow{{Reason: canary, Orders: 300, Contacts: 7}}
	}
	return r, err
}
