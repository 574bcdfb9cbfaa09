package dialog

import (
	"context"

	"doorstep/support/understand"
)

// Service leads conversations. It is safe for concurrent use.
type Service struct{ c Config }

// New makes a service.
func New(c Config) *Service { return &Service{c: c} }

// Turn answers one message. It fails with desk.ErrNoConversation,
// desk.ErrConversationMoved, ErrTooLong and ErrNothing.
func (s *Service) Turn(ctx context.Context, m Message) (Reply, error) {
	reading, err := s.c.Reader.Interpret(ctx, turnOf(m))
	if err != nil {
		return Reply{}, err
	}
	return Reply{Conversation: m.Conversation, Language: reading.Language}, nil
}

func turnOf(m Message) understand.Turn { return understand.Turn{Text: m.Text, Language: m.Locale} }
