package dialog

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"doorstep/internal/locale"
	"doorstep/support/desk"
	"doorstep/support/skill"
)

// HandoffAction is what a reply calls the act of handing over.
const HandoffAction = "conversation.handoff"

// About is what whoever takes a conversation over is told beside its transcript.
type About struct {
	Reason   string              `json:"reason"`
	Language string              `json:"language"`
	Level    string              `json:"level"` // anonymous, linked, verified
	Intents  []string            `json:"intents"`
	Slots    map[string][]string `json:"slots"`
	Orders   []string            `json:"orders"`
	Actions  []string            `json:"actions"` // proposed or done by the assistant
}

func levelName(l skill.Identity) string {
	return [...]string{"anonymous", "linked", "verified"}[min(l, skill.Verified)]
}

// human hands over because a person was asked for.
func (s *Service) human(ctx context.Context, t *talk) error {
	if t.action.open(t.now) {
		t.settle(ActionDropped, "handed_over")
	}
	t.reply.Intents = keep(t.reply.Intents, humanIntent)
	k := s.byIntent[humanIntent]
	if k == nil {
		return s.handOver(ctx, t, humanIntent, "assistant.handoff.person")
	}
	return s.plain(ctx, t, humanIntent, skill.Handoff, "")
}

// handOver says that a person comes, and why.
func (s *Service) handOver(ctx context.Context, t *talk, reason, key string) error {
	t.say(skill.Handoff, key)
	t.reply.Type = skill.Handoff
	return s.give(ctx, t, reason)
}

// passOn has a person look into what the customer tells of. The assistant goes on: who
// hears that a parcel is late may have another question.
func (t *talk) passOn(reason string) {
	t.passed = &desk.PassedOn{MerchantID: t.m.Merchant, ConversationID: t.conv.ID, Reason: clip(reason, 100), At: t.now}
	if o := t.conv.OrderID; o != nil && *o != uuid.Nil {
		t.passed.OrderID = o
	}
}

// give puts the conversation into the queue with everything that is known, and says
// how long it takes.
func (s *Service) give(ctx context.Context, t *talk, reason string) error {
	if t.handed != nil {
		return nil
	}
	position, err := s.c.Store.Position(ctx, t.m.Merchant, t.conv.ID)
	if err != nil {
		return err
	}
	c := &t.conv
	if s.c.Queue != nil {
		if c.DueAt, err = s.c.Queue.Due(ctx, t.m.Merchant, t.now); err != nil {
			return err
		}
	}
	handed := t.now
	c.Status, c.Reason, c.HandedAt, c.AnsweredAt = desk.Waiting, clip(reason, 100), &handed, nil
	if len(t.reply.Intents) > 0 {
		c.Topic = t.reply.Intents[0]
	}
	if t.action != nil && t.action.open(t.now) && t.move == nil {
		t.settle(ActionDropped, "handed_over")
	}
	t.handed = &desk.HandedOver{MerchantID: t.m.Merchant, ConversationID: c.ID, Reason: c.Reason, At: t.now}
	if c.OrderID != nil && *c.OrderID != uuid.Nil {
		t.handed.OrderID = c.OrderID
	}
	t.about, _ = json.Marshal(About{ //nolint:errchkjson // plain strings
		Reason: c.Reason, Language: string(t.lang), Level: levelName(t.who.Level),
		Intents: keep(append([]string{}, t.st.Intents...), t.reply.Intents...), Slots: masked(t.reply).Slots,
		Orders: append([]string{}, t.st.Orders...), Actions: append([]string{}, t.st.Tried...),
	})
	t.reply.Handoff = &Handoff{Reason: c.Reason, Position: position, Due: c.DueAt}
	if t.reply.Action == "" {
		t.reply.Action = HandoffAction
	}
	if position <= 1 {
		t.add(t.text("assistant.handoff.next"))
	} else {
		t.add(locale.N(t.lang, "assistant.handoff.position", position-1))
	}
	if c.DueAt != nil {
		t.reply.Facts = append(t.reply.Facts, skill.Value{Name: "handoff.due", Value: c.DueAt.UTC().Format("2006-01-02T15:04:05Z"), Text: locale.DateTime(t.lang, c.DueAt.In(t.zone())), AsOf: t.now})
		t.add(t.text("assistant.handoff.due", "at", locale.DateTime(t.lang, c.DueAt.In(t.zone()))))
	}
	t.st.Wait, t.st.Choice, t.st.Offered, t.st.Lost = nil, nil, 0, 0
	return nil
}
