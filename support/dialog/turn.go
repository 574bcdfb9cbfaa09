package dialog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/support/desk"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// MostBytes is how long a message may be.
const MostBytes = 10 << 10

// The faults of a turn.
var (
	ErrTooLong = fault.New(fault.Invalid, "message_too_long", "A message has at most 10 KB.")
	ErrNothing = fault.New(fault.Invalid, "message_empty", "Write something, or answer what waits.")
)

// Service leads conversations. It is safe for concurrent use. Close it when no
// more turns come.
type Service struct {
	c        Config
	byIntent map[string]*skill.Skill
	byAction map[string]*skill.Skill
	labels   map[string]string // intents by what their buttons say
	locks    [256]chan struct{}
	mails    chan struct{}
	mailing  sync.WaitGroup
}

// mostMails is how many codes are asked for at the same time.
const mostMails = 8

// New makes a service.
func New(c Config) *Service {
	s := &Service{c: c, byIntent: map[string]*skill.Skill{}, byAction: map[string]*skill.Skill{}, mails: make(chan struct{}, mostMails)}
	for i := range c.Skills {
		k := &c.Skills[i]
		for _, intent := range k.Intents {
			s.byIntent[intent] = k
		}
		if k.Action != "" && s.byAction[k.Action] == nil {
			s.byAction[k.Action] = k
		}
	}
	for i := range s.locks {
		s.locks[i] = make(chan struct{}, 1)
	}
	s.labels = intentLabels()
	return s
}

// Close waits for the codes that are being asked for.
func (s *Service) Close() { s.mailing.Wait() }

// mostTries is how often a turn is made anew because something else was said at
// the same moment.
const mostTries = 5

// Turn answers one message. Turns of one conversation come one after the other. It
// fails with desk.ErrNoConversation, desk.ErrConversationMoved, ErrTooLong and
// ErrNothing.
func (s *Service) Turn(ctx context.Context, m Message) (Reply, error) {
	m.Text = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(m.Text, "\x00", ""), "\uFFFD"))
	switch {
	case len(m.Text) > MostBytes:
		return Reply{}, ErrTooLong.At("body.text", "must be at most 10240 bytes")
	case m.Text == "" && m.Pending == uuid.Nil, m.Pending != uuid.Nil && m.Conversation == uuid.Nil:
		return Reply{}, ErrNothing
	}
	if !locale.Lang(m.Locale).Known() {
		m.Locale = ""
	}
	if m.Conversation == uuid.Nil {
		return s.first(ctx, m)
	}
	free, err := s.hold(ctx, m.Conversation)
	if err != nil {
		return Reply{}, err
	}
	defer free()
	for range mostTries {
		var r Reply
		if r, err = s.next(ctx, m); !errors.Is(err, desk.ErrConversationMoved) {
			return r, err
		}
	}
	return Reply{}, err
}

// hold waits until no other turn of the conversation runs in this program. Those in
// other programs are found by the conversation's version.
func (s *Service) hold(ctx context.Context, conversation uuid.UUID) (free func(), err error) {
	l := s.locks[conversation[15]]
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// first answers the message that begins a conversation.
func (s *Service) first(ctx context.Context, m Message) (Reply, error) {
	var begunBy []byte
	if m.Key != "" {
		begunBy = keyHash(m)
		k, err := s.c.Store.Begun(ctx, m.Merchant, begunBy)
		if err != nil {
			return Reply{}, err
		}
		if k.ID != uuid.Nil {
			return s.again(m, k, true)
		}
	}
	settings, err := s.c.Settings(ctx, m.Merchant)
	if err != nil {
		return Reply{}, err
	}
	if m.Locale == "" && len(settings.Languages) > 0 {
		m.Locale = settings.Languages[0]
	}
	if m.Locale == "" {
		m.Locale = string(locale.En)
	}
	t := s.open(m, Talk{Conversation: s.begin(m, begunBy)}, true)
	t.settings = settings
	if err := s.known(ctx, t); err != nil {
		return Reply{}, err
	}
	if err := s.answer(ctx, t); err != nil {
		return Reply{}, err
	}
	if err := s.finish(ctx, t); err != nil {
		if errors.Is(err, desk.ErrConversationMoved) && begunBy != nil { // the same call has come in elsewhere
			if k, again := s.c.Store.Begun(ctx, m.Merchant, begunBy); again == nil && k.ID != uuid.Nil {
				return s.again(m, k, true)
			}
		}
		return Reply{}, err
	}
	t.reply.Secret = s.c.Secret(m.Merchant, t.conv.ID)
	return t.reply, nil
}

// next answers a message of a conversation that exists.
func (s *Service) next(ctx context.Context, m Message) (Reply, error) {
	var key []byte
	if m.Key != "" {
		key = keyHash(m)
	}
	k, err := s.c.Store.Load(ctx, m.Merchant, m.Conversation, key)
	if err != nil {
		return Reply{}, err
	}
	if err := s.admit(m, k.Conversation); err != nil {
		return Reply{}, err
	}
	if k.Known && k.Before != nil {
		return s.again(m, k, false)
	}
	t := s.open(m, k, false)
	if k.Known && (k.Action == nil || k.Action.Status != ActionRunning) { // a person had it
		t.reply.Language = string(t.lang)
		return t.reply, s.silent(ctx, t)
	}
	if t.settings, err = s.c.Settings(ctx, m.Merchant); err != nil {
		return Reply{}, err
	}
	if err := s.known(ctx, t); err != nil {
		return Reply{}, err
	}
	if t.action != nil && t.action.Status == ActionRunning {
		// A yes was written down and its end was not: that comes first.
		if err := s.complete(ctx, t); err != nil || k.Known {
			return t.reply, err
		}
		return Reply{}, desk.ErrConversationMoved // read anew, with the report in it
	}
	if err := s.answer(ctx, t); err != nil {
		return Reply{}, err
	}
	return t.reply, s.finish(ctx, t)
}

// again gives the reply that the same call got before.
func (s *Service) again(m Message, k Talk, begun bool) (Reply, error) {
	if k.Before == nil {
		return Reply{}, desk.ErrConversationMoved
	}
	var r Reply
	if err := json.Unmarshal(k.Before.Data, &r); err != nil {
		return Reply{}, err
	}
	r.Text = k.Before.Body
	if begun {
		r.Secret = s.c.Secret(m.Merchant, k.ID)
	}
	return r, nil
}

// admit refuses whoever comes to a conversation that is not theirs. One that knows
// who writes opens to its secret and to that person's session; one that knows
// nothing about anybody opens to its id.
func (s *Service) admit(m Message, c desk.Conversation) error {
	signedIn := m.Who.Level == skill.Verified
	same := len(c.EmailHMAC) > 0 && signedIn && bytes.Equal(m.Who.EmailHMAC, c.EmailHMAC)
	switch {
	case len(c.EmailHMAC) > 0 && signedIn && !same:
		return desk.ErrNoConversation
	case s.holds(m, c), same:
		return nil
	case m.Secret != "", len(c.EmailHMAC) > 0, c.Channel == "email":
		return desk.ErrNoConversation
	}
	return nil
}

// holds says whether a message came with the conversation's secret.
func (s *Service) holds(m Message, c desk.Conversation) bool {
	return m.Secret != "" && subtle.ConstantTimeCompare(digest("secret", m.Secret), c.SecretHash) == 1
}

// Admit is for those who only read a conversation: it fails with
// desk.ErrNoConversation unless they have its secret or are its customer.
func (s *Service) Admit(m Message, c desk.Conversation) error {
	if m.Who.Level == skill.Verified && len(c.EmailHMAC) > 0 && bytes.Equal(m.Who.EmailHMAC, c.EmailHMAC) || s.holds(m, c) {
		return s.admit(m, c)
	}
	return desk.ErrNoConversation
}

// known puts together what the request proves and what the conversation has proved,
// and writes the former down for whoever takes the conversation over.
func (s *Service) known(ctx context.Context, t *talk) error {
	c := &t.conv
	if t.m.Who.Level == skill.Verified {
		if len(c.EmailHMAC) == 0 {
			contact, err := s.c.Codes.Contact(ctx, t.m.Merchant, t.m.Who)
			if err != nil {
				return err
			}
			s.bind(t, t.m.Who, contact)
		}
		return nil
	}
	if c.ProvedUntil != nil && t.now.Before(*c.ProvedUntil) && s.holds(t.m, *c) {
		t.who = skill.Who{Level: skill.Verified, EmailHMAC: c.EmailHMAC}
		if c.CustomerID != nil {
			t.who.Customer = *c.CustomerID
		}
	}
	return nil
}

// bind notes who writes.
func (s *Service) bind(t *talk, who skill.Who, contact uuid.UUID) {
	c := &t.conv
	c.EmailHMAC = who.EmailHMAC
	if who.Customer != uuid.Nil {
		customer := who.Customer
		c.CustomerID = &customer
	}
	if contact != uuid.Nil {
		c.ContactID = &contact
	}
}

// finish writes a turn down, and then asks for the code that it promised.
func (s *Service) finish(ctx context.Context, t *talk) error {
	if t.reply.Silent {
		t.reply.Language = string(t.lang)
	} else {
		s.word(ctx, t)
	}
	err := s.c.Store.Save(ctx, t.turned())
	for range mostTries {
		if !t.said || !errors.Is(err, desk.ErrConversationMoved) {
			break
		}
		// What was confirmed has been done: only its report has to find its place.
		k, again := s.c.Store.Load(ctx, t.m.Merchant, t.conv.ID, nil)
		if again != nil {
			return again
		}
		if k.Action == nil || t.action == nil || k.Action.ID != t.action.ID || k.Action.Status != ActionRunning {
			return nil // somebody else has reported it
		}
		t.rebase(k.Conversation)
		err = s.c.Store.Save(ctx, t.turned())
	}
	if err != nil {
		return err
	}
	if t.ask != "" {
		s.mail(ctx, t)
	}
	return nil
}

// rebase puts the rest of a turn behind what was said and changed meanwhile.
func (t *talk) rebase(c desk.Conversation) {
	mine := t.conv
	if len(c.EmailHMAC) == 0 && len(mine.EmailHMAC) > 0 { // erased: nothing is remembered
		t.st = memory{}
	} else {
		c.OrderID = mine.OrderID
	}
	if t.handed != nil && c.Status == desk.Bot {
		c.Status, c.Reason, c.HandedAt, c.DueAt, c.AnsweredAt = mine.Status, mine.Reason, mine.HandedAt, mine.DueAt, nil
	}
	if t.propose != nil {
		t.propose.AskedSeq += c.Said - mine.Said
		if p := t.st.Proposed; p != nil && p.At > 0 {
			p.At += c.Said - mine.Said
		}
	}
	t.conv = c
}

func digest(use, text string) []byte {
	sum := sha256.Sum256([]byte(use + "\x00" + text))
	return sum[:]
}

// keyHash is what a call is known by. Everybody holds the same publishable key, so
// who it is belongs to it.
func keyHash(m Message) []byte {
	return digest("key", strings.Join([]string{m.Key, m.Conversation.String(), m.Secret, m.Who.Customer.String(), string(m.Who.EmailHMAC), m.IP, m.Text, m.Pending.String()}, "\x00"))
}

// interpret reads a text; products are the names that it may mean.
func (s *Service) interpret(ctx context.Context, text, language string, products []string) (understand.Reading, error) {
	return s.c.Reader.Interpret(ctx, understand.Turn{Text: text, Language: language, Products: products})
}

// running is how long a confirmed action may take before somebody else ends it.
const running = 30 * time.Second

// runes is the length of a text in characters.
func runes(text string) int { return utf8.RuneCountInString(text) }
