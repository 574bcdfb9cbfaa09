// Package notify writes the shop's mails and sees to it that each is sent: in
// the reader's language, as HTML and plain text, at least once to the mail
// server and under one Message-ID, so that a repeat is recognised as one.
//
// People's data is not kept here. The deliveries table knows a contact's id;
// name and address are asked for at the moment of sending. Only in the demo,
// where mail is captured instead of sent, is the whole mail stored.
package notify

import (
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

// The states: queued <-> sending, and then exactly one of the other three.
const (
	Queued   Status = "queued"   // to be tried (again)
	Sending  Status = "sending"  // a worker has it
	Sent     Status = "sent"     // taken over by the mail server
	Failed   Status = "failed"   // refused for good
	Captured Status = "captured" // kept for /dev/mail instead of sent
)

// Contacts is all that notify asks of the people's room. A contact that is
// unknown or erased is a fault of kind NotFound.
type Contacts interface {
	Contact(ctx context.Context, merchant, contact uuid.UUID) (name, email string, err error)
}

// Mail is one mail to be sent.
type Mail struct {
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
}

// Service sends mails. It is safe for concurrent use.
type Service struct {
	store    *store
	clock    clock.Clock
	contacts Contacts
	sender   Sender
	from     netmail.Address
}

// New makes a Service. It fails when From is not an address.
func New(o Options) (*Service, error) {
	from, err := netmail.ParseAddress(o.From)
	if err != nil || !validAddress(from.Address) {
		return nil, fmt.Errorf("notify: the sender %q is not a mail address", o.From)
	}
	return &Service{store: &store{o.DB, o.Clock}, clock: o.Clock, contacts: o.Contacts, sender: o.Sender, from: *from}, nil
}

// Send sees to it that m is sent once. It may be called any number of times
// with the same mail, also at once and after a crash at any point:
//
//   - Sent, Captured or Failed with a nil error: the matter is settled, by this
//     call or an earlier one, and nothing more will be sent;
//   - an error: not settled, call again later. ErrInFlight means that another
//     worker has it, ErrIncomplete that Data lacks something.
//
// Between the mail server's yes and our note of it lies a moment in which a
// crash leads to a second delivery; that one carries the same Message-ID.
func (s *Service) Send(ctx context.Context, m Mail) (Status, error) {
	rowID := id.New()
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
	if status == Failed {
		return Failed, nil // the reason stands in the row
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
		row.captured = &captured{recipient: email, Message: message}
		return Captured, nil
	}
	killpoint.Hit("notify.ask")
	err = s.sender.Send(ctx, Envelope{
		From: from, To: netmail.Address{Name: clean(name, longName), Address: email}, ReplyTo: m.Data.Shop.Email,
		MessageID: row.messageID, Date: s.clock.Now(), Lang: m.Lang, Message: message,
	})
	killpoint.Hit("notify.answered")
	switch {
	case err == nil:
		return Sent, nil
	case errors.Is(err, ErrRefused):
		return Failed, err
	default:
		return Queued, err
	}
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

// messageID is the row's id at our domain; it is stored with the row and used
// by every attempt.
func (s *Service) messageID(rowID uuid.UUID, shop Shop) string {
	address := s.sendAs(shop).Address
	return rowID.String() + "@" + address[strings.LastIndexByte(address, '@')+1:]
}
