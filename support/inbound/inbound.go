// Package inbound reads the mail that customers write to a shop, lets the assistant
// answer it, and sees to the answers that go back by mail.
//
// Who has written a mail is not known: its From line proves nothing. What it asks is
// therefore answered as to anybody, and never to another address than the From line
// names. Only a mail that comes to the signed address which an answer of ours carried
// proves something: that its writer has read what was sent to that mailbox. Such a
// writer may read about their own orders. Nothing is ever done because of the words
// of a mail: an action waits for a button on the page that the answer links to.
package inbound

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/notify"
	"doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/understand"
)

// Turner leads the conversation: dialog.Service.
type Turner interface {
	Turn(ctx context.Context, m dialog.Message) (dialog.Reply, error)
}

// People knows who addresses belong to.
type People interface {
	// Hash is what an address is known by.
	Hash(merchant uuid.UUID, email string) []byte
	// Person is Hash of a contact's address; an erased one is a fault of kind NotFound.
	Person(ctx context.Context, merchant, contact uuid.UUID) ([]byte, error)
	// Contact is the newest contact of an address, made when there is none.
	Contact(ctx context.Context, merchant uuid.UUID, email, name string) (uuid.UUID, error)
}

// Links signs what stands for something until a time.
type Links interface {
	Sign(merchant, subject uuid.UUID, expires time.Time) string
	Open(token string, now time.Time) (merchant, subject uuid.UUID, err error)
}

// Sender sends mails: notify.Service.
type Sender interface {
	Send(ctx context.Context, m notify.Mail) (notify.Status, error)
	MessageID(mail uuid.UUID, shop notify.Shop) string
}

// Config is everything behind a Service.
type Config struct {
	DB     *db.DB
	Clock  clock.Clock
	Dialog Turner
	Desk   *desk.Store
	Reader understand.Interpreter
	People People
	Mail   Sender
	// Shop gives a shop's settings and who writes its mails.
	Shop func(ctx context.Context, merchant uuid.UUID) (customer.Settings, notify.Shop, error)
	// Secret is a conversation's, as the dialogue has it.
	Secret func(merchant, conversation uuid.UUID) string
	// Answers signs the addresses that answers come to, Confirms the links that act.
	Answers, Confirms Links
	// Merchant is whose mail comes without saying so; uuid.Nil is nobody's.
	Merchant func(ctx context.Context) (uuid.UUID, error)
	// From is the address that the program sends from for shops without their own.
	From string
	// URL is how the world reaches the pages, without a slash at the end.
	URL string
	// Secrets sign the webhook, several while they are changed: whsec_ and base64.
	Secrets []string
}

// Service takes mail in and sends the answers. It is safe for concurrent use.
type Service struct {
	c     Config
	store *store
}

// New makes a service.
func New(c Config) *Service { return &Service{c: c, store: &store{c.DB}} }

// What became of a mail.
const (
	Answered  = "answered" // an answer goes out
	Drafted   = "drafted"  // an answer waits for staff
	Held      = "held"     // staff have it, and no program answers
	Silent    = "silent"   // staff had it already, or nothing is to be said
	Ignored   = "ignored"  // no person has written it
	Duplicate = "duplicate"
)

// Receipt says what became of a mail.
type Receipt struct {
	Status string
	// Reason is why it was held or ignored, or why the answer is only a draft.
	Reason       string
	Conversation uuid.UUID
}

// Receive takes a mail in as a webhook brings it, see Read. It fails with
// ErrSignature, ErrLetter, ErrLarge and ErrShop; after any other error the mail
// may come again, and counts once.
func (s *Service) Receive(ctx context.Context, merchant uuid.UUID, head http.Header, body []byte) (Receipt, error) {
	if err := s.signed(head, body); err != nil {
		return Receipt{}, err
	}
	if merchant == uuid.Nil {
		var err error
		if merchant, err = s.c.Merchant(ctx); err != nil || merchant == uuid.Nil {
			return Receipt{}, ErrShop.Because(err)
		}
	}
	l, err := Read(head.Get("Content-Type"), body)
	if err != nil {
		return Receipt{}, err
	}
	return s.Take(ctx, merchant, l)
}
