// Package notify writes the shop's mails and sees to it that each is sent: in
// the reader's language, as HTML and plain text, at least once to the mail
// server and under one Message-ID, so that a repeat is recognised as one.
//
// People's data is not kept here. The deliveries table knows a contact's id;
// name and address are asked for at the moment of sending. Only in the demo,
// where mail is captured instead of sent, is the whole mail stored.
package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/killpoint"
	"doorstep/internal/locale"
)

// Status is where a mail stands.
type Status string

// The states: queued <-> sending, and then exactly one of the others.
const (
	Queued   Status = "queued"   // to be tried (again)
	Sending  Status = "sending"  // a worker has it
	Sent     Status = "sent"     // taken over by the mail server
	Failed   Status = "failed"   // refused for good
	Captured Status = "captured" // kept for /dev/mail instead of sent
	Dropped  Status = "dropped"  // not sent, for it must not be any more: see Mail.Still
)

// Contacts is all that notify asks of the people's room. A contact that is
// unknown or erased is a fault of kind NotFound.
type Contacts interface {
	Contact(ctx context.Context, merchant, contact uuid.UUID) (name, email string, err error)
}

// Mail is one mail to be sent.
type Mail struct {
	// ID is the first half of its Message-ID, for who has to know that before the mail
	// is sent; uuid.Nil is any.
	ID       uuid.UUID
	Merchant uuid.UUID
	Kind     Kind
	// Subject is the order, shipment or refund that the mail speaks of.
	Subject uuid.UUID
	// Key makes the mail unique within the merchant; empty means one mail per
	// kind and subject.
	Key     string
	Contact uuid.UUID
	// To is an address of the shop itself, for mails to who runs it; it counts
	// when there is no Contact.
	To   string
	Lang locale.Lang
	Data Data
	// Unsubscribe is the https address at which a POST ends such mails (RFC 8058);
	// empty is a mail that an order needs.
	Unsubscribe string
	// Answers are the Message-IDs of the mails that this one answers, the oldest first,
	// without angle brackets: readers' programs put them together.
	Answers []string
	// ReplyTo is where answers go; empty is Data.Shop.Email.
	ReplyTo string
	// Check decides, within the transaction that takes the mail for this attempt,
	// whether it is sent at all; its error is Send's, and nothing is taken then. It
	// may be called more than once. Nil is yes.
	Check func(ctx context.Context, tx db.Tx) error
	// Still is asked at the last moment, once the mail server waits for the mail:
	// ErrHeld tries again later, ErrDropped never. Nil is yes.
	Still func(ctx context.Context) error
}

func (m Mail) key() string {
	if m.Key != "" {
		return m.Key
	}
	return string(m.Kind) + ":" + m.Subject.String()
}

// Options are the parts that a Service is made of.
type Options struct {
	DB       *db.DB
	Clock    clock.Clock
	Contacts Contacts
	Sender   Sender // nil captures mails instead of sending them
	From     string // "Shop <shop@example.com>", for shops without a sender of their own
	// Bounced is told of contacts whose address does not exist, by the word of their
	// mail server; it may be told more than once. Nil tells nobody.
	Bounced func(ctx context.Context, merchant, contact uuid.UUID) error
}

// Service sends mails. It is safe for concurrent use.
type Service struct {
	store    *store
	clock    clock.Clock
	contacts Contacts
	sender   Sender
	from     netmail.Address
	bounced  func(ctx context.Context, merchant, contact uuid.UUID) error
}

// New makes a Service. It fails when From is not an address.
func New(o Options) (*Service, error) {
	from, err := netmail.ParseAddress(o.From)
	if err != nil || !validAddress(from.Address) {
		return nil, fmt.Errorf("notify: the sender %q is not a mail address", o.From)
	}
	return &Service{store: &store{o.DB, o.Clock}, clock: o.Clock, contacts: o.Contacts, sender: o.Sender, from: *from, bounced: o.Bounced}, nil
}

// OnBounce is Options.Bounced, for who is made after the service. Call it before
// the first mail.
func (s *Service) OnBounce(told func(ctx context.Context, merchant, contact uuid.UUID) error) {
	s.bounced = told
}

// Send sees to it that m is sent once. It may be called any number of times
// with the same mail, also at once and after a crash at any point:
//
//   - Sent, Captured, Failed or Dropped with a nil error: the matter is settled, by this
//     call or an earlier one, and nothing more will be sent;
//   - an error: not settled, call again later. ErrInFlight means that another
//     worker has it, ErrIncomplete that Data lacks something.
//
// Between the mail server's yes and our note of it lies a moment in which a
// crash leads to a second delivery; that one carries the same Message-ID.
func (s *Service) Send(ctx context.Context, m Mail) (Status, error) {
	rowID := m.ID
	if rowID == uuid.Nil {
		rowID = id.New()
	}
	row, err := s.store.claim(ctx, m, rowID, s.messageID(rowID, m.Data.Shop))
	if err != nil {
		return "", err
	}
	if !row.claimed {
		if row.Status == Sending || row.Status == Queued {
			return row.Status, ErrInFlight.After(lease)
		}
		return row.Status, nil
	}
	killpoint.Hit("notify.claimed")
	status, err := s.deliver(ctx, m, row)
	// The note is made even when ctx has ended meanwhile.
	noteCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if noteErr := s.store.settle(noteCtx, row, status, err); noteErr != nil {
		return Sending, errors.Join(err, noteErr)
	}
	killpoint.Hit("notify.recorded")
	if status == Failed || status == Dropped {
		return status, nil // the reason stands in the row
	}
	return status, err
}

// deliver writes the mail and hands it over. The status it returns is the one
// to note; the error says why it is Queued or Failed.
func (s *Service) deliver(ctx context.Context, m Mail, row *claim) (Status, error) {
	name, email, err := s.recipient(ctx, m)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return Failed, errors.New("the contact is gone")
	case err != nil:
		return Queued, err
	case !validAddress(email):
		return Failed, errors.New("the contact has no valid mail address")
	}
	m.Data.Recipient = name
	message, err := Render(m.Kind, m.Lang, m.Data)
	if err != nil {
		return Queued, err
	}
	from := s.sendAs(m.Data.Shop)
	if s.sender == nil {
		if err := m.ready(ctx); err != nil {
			return withheld(err), err
		}
		row.captured = &captured{recipient: email, Message: message, headers: keptHeaders(m)}
		return Captured, nil
	}
	killpoint.Hit("notify.ask")
	err = s.sender.Send(ctx, Envelope{
		From: from, To: netmail.Address{Name: clean(name, longName), Address: email}, ReplyTo: cmp.Or(m.ReplyTo, m.Data.Shop.Email),
		MessageID: row.messageID, Date: s.clock.Now(), Lang: m.Lang, Message: message, Answers: m.Answers,
		ByHand:      m.Data.Answer != nil && !m.Data.Answer.Automatic,
		Unsubscribe: m.Unsubscribe, Ready: m.ready,
	})
	killpoint.Hit("notify.answered")
	switch {
	case err == nil:
		return Sent, nil
	case errors.Is(err, ErrNobody):
		if s.bounced != nil && m.Contact != uuid.Nil {
			if told := s.bounced(ctx, m.Merchant, m.Contact); told != nil {
				return Queued, errors.Join(told, err) // it must be known before it counts as settled
			}
		}
		return Failed, err
	case errors.Is(err, ErrRefused):
		return Failed, err
	case errors.Is(err, ErrDropped):
		return Dropped, err
	default:
		return Queued, err
	}
}

// ready asks the mail's owner whether it is still to be sent.
func (m *Mail) ready(ctx context.Context) error {
	if m.Still == nil {
		return nil
	}
	return m.Still(ctx)
}

// withheld is how a mail stands that its owner has not let go.
func withheld(err error) Status {
	if errors.Is(err, ErrDropped) {
		return Dropped
	}
	return Queued
}

// Drop settles a mail that must not be sent any more and that nobody is sending:
// one that was queued, or whose worker has died. It may have been handed over
// then; nobody can know.
func (s *Service) Drop(ctx context.Context, m Mail, reason string) error {
	return s.store.drop(ctx, m, reason)
}

// recipient is who the mail goes to.
func (s *Service) recipient(ctx context.Context, m Mail) (name, email string, err error) {
	if m.Contact == uuid.Nil {
		return "", m.To, nil
	}
	return s.contacts.Contact(ctx, m.Merchant, m.Contact)
}

// sendAs is the address the shop writes from, under the shop's name.
func (s *Service) sendAs(shop Shop) netmail.Address {
	from := s.from
	if validAddress(shop.From) {
		from.Address = shop.From
	}
	if name := clean(shop.Name, longName); name != "" {
		from.Name = name
	}
	return from
}

// MessageID is that of a mail with an ID of its owner's, as the shop sends it, without
// angle brackets.
func (s *Service) MessageID(mail uuid.UUID, shop Shop) string { return s.messageID(mail, shop) }

// messageID is the row's id at our domain; it is stored with the row and used
// by every attempt.
func (s *Service) messageID(rowID uuid.UUID, shop Shop) string {
	address := s.sendAs(shop).Address
	return rowID.String() + "@" + address[strings.LastIndexByte(address, '@')+1:]
}
