package dialog

import (
	"context"
	"encoding/json"

	"doorstep/support/desk"
)

// Transcript is a conversation as its customer may see it.
type Transcript struct {
	Status desk.Status
	// Said is in order, without notes of staff. Languages are those of each.
	Said      []desk.Message
	Languages []string
	// Last is the newest reply of the assistant while it is the one to answer: what it
	// offers, and the action that still waits. Its text stands in Said.
	Last *Reply
}

// MostSaid is how many messages a Transcript holds at most.
const MostSaid = 200

// Transcript gives what was said behind the place after, to who has the
// conversation's secret or is its customer. It fails with desk.ErrNoConversation.
func (s *Service) Transcript(ctx context.Context, m Message, after, limit int) (Transcript, error) {
	k, err := s.c.Store.Load(ctx, m.Merchant, m.Conversation, nil)
	if err != nil {
		return Transcript{}, err
	}
	if err := s.Admit(m, k.Conversation); err != nil {
		return Transcript{}, err
	}
	out := Transcript{Status: k.Status}
	if out.Said, err = s.c.Store.Spoken(ctx, m.Merchant, m.Conversation, after, min(limit, MostSaid)); err != nil {
		return out, err
	}
	for _, said := range out.Said {
		var data struct {
			Language string `json:"language"`
		}
		_ = json.Unmarshal(said.Data, &data) // without one it is the conversation's
		if data.Language == "" {
			data.Language = k.Locale
		}
		out.Languages = append(out.Languages, data.Language)
	}
	if k.Status != desk.Bot {
		return out, nil
	}
	last, err := s.c.Store.Last(ctx, m.Merchant, m.Conversation)
	if err != nil || last == nil {
		return out, err
	}
	r := &Reply{}
	if json.Unmarshal(last.Data, r) != nil {
		return out, nil //nolint:nilerr // erased: it offers nothing
	}
	r.Text, r.Conversation = last.Body, k.ID
	if r.Pending != nil && (!k.Action.open(s.c.Clock.Now()) || k.Action.ID != r.Pending.ID) {
		id := r.Pending.ID.String()
		r.Pending = nil
		kept := r.Suggestions[:0]
		for _, b := range r.Suggestions {
			if b.Pending != id {
				kept = append(kept, b)
			}
		}
		r.Suggestions = kept
	}
	out.Last = r
	return out, nil
}
