package hook

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/notify"
	"doorstep/notify/gate"
)

// Notice is news of an order that its buyer is told of before they ask.
type Notice struct {
	Merchant, ID, Hook, Signal uuid.UUID
	Event                      Event
	Subject, Order, Contact    uuid.UUID
	Case                       *uuid.UUID
	Status                     string // waiting, passed or withheld
	Code                       string // why it was withheld
	CreatedAt                  time.Time
}

// Why notices are withheld, besides the codes of the gate.
const (
	codeGone = "contact_gone" // the person has been erased
	codeOver = "over"         // what it tells of has come to its end meanwhile
)

// withheld is an answer of the gate that is no yes.
type withheld struct{ gate.Answer }

func (w *withheld) Error() string { return "the notice is withheld: " + w.Code }

// errOver keeps a notice back that would contradict what the buyer sees.
var errOver = errors.New("what the notice tells of is over")

// urgent are told however much else was told that day: the buyer has to do something, or
// waits for nothing.
var urgent = []Event{Lost, PaymentFailed}

// noticeWindow is in which the caps of notices count.
const noticeWindow = 24

// Tell sends a notice that is due. It may be called any number of times, also at once
// and after a crash: whether the buyer is told is decided with the transaction that
// takes the mail, and the mail room sends each mail once.
func (s *Service) Tell(ctx context.Context, e NoticeDue) error {
	n, err := s.notice(ctx, e.MerchantID, e.NoticeID)
	if err != nil || n.Status == "withheld" {
		return err
	}
	person, err := s.Person(ctx, n.Merchant, n.Contact)
	if fault.KindOf(err) == fault.NotFound {
		return s.decide(ctx, n, "withheld", codeGone, nil, gate.Answer{})
	}
	if err != nil {
		return err
	}
	set, err := s.Desks.Settings(ctx, n.Merchant)
	if err != nil {
		return err
	}
	mail, err := s.Letters.Letter(ctx, n)
	if err != nil {
		return err
	}
	ask := &gate.Ask{
		Merchant: n.Merchant, ID: n.ID, Key: "notice:" + n.ID.String(), Topic: gate.OrderTopic, Kind: string(mail.Kind), Person: person, ForOrder: true,
		Rules: gate.Rules{Caps: []gate.Cap{{Mails: set.NoticesADay, Hours: noticeWindow}}},
	}
	if slices.Contains(urgent, n.Event) {
		ask.Rules.Caps = nil
	}
	mail.Check = func(ctx context.Context, tx db.Tx) error {
		if over, err := s.settled(ctx, tx, n); err != nil {
			return err
		} else if over {
			return errOver
		}
		answer, err := s.Gate.Pass(ctx, tx, ask)
		if err != nil {
			return err
		}
		if answer.Verdict != gate.Allow {
			return &withheld{answer}
		}
		return s.mark(ctx, tx, n, "passed", "")
	}
	status, err := s.Mail.Send(ctx, mail)
	var no *withheld
	switch {
	case errors.Is(err, errOver):
		return s.keep(ctx, n, mail, codeOver, nil, gate.Answer{})
	case errors.As(err, &no):
		return s.keep(ctx, n, mail, no.Code, ask, no.Answer)
	case err != nil:
		return err
	case n.Status == "waiting" && status != notify.Dropped:
		// The same mail may have gone out before there were hooks.
		return s.decide(ctx, n, "passed", "", nil, gate.Answer{})
	}
	return nil
}

// keep withholds a notice, and lets go of its mail if that was to be tried again.
func (s *Service) keep(ctx context.Context, n Notice, mail notify.Mail, code string, ask *gate.Ask, answer gate.Answer) error {
	if err := s.Mail.Drop(ctx, mail, code); err != nil {
		return err
	}
	return s.decide(ctx, n, "withheld", code, ask, answer)
}

// decide marks what became of a notice.
func (s *Service) decide(ctx context.Context, n Notice, status, code string, ask *gate.Ask, answer gate.Answer) error {
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		if ask != nil {
			s.Gate.Record(tx, ask, answer)
		}
		return s.mark(ctx, tx, n, status, code)
	})
}
