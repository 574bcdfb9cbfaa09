package recovery

import (
	"context"
	"errors"
	"sync"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/notify"
	"doorstep/notify/gate"
)

const (
	sweepBatch = 100
	senders    = 4 // mails on their way at once, of one program
	// payingWait is how long a reminder waits for a payment that is under way.
	payingWait = 10 * time.Minute
	// staleAfter is how long after it was first due a reminder is too late.
	staleAfter = 5 * 24 * time.Hour
	// mostAttempts is how often the mail server is tried, 24 hours in all.
	mostAttempts = 12
)

// verdict is what is to become of a reminder.
type verdict struct {
	gate.Answer
	closes bool // the whole plan is over
	held   bool // nothing of it is written down: it is looked at again
}

// Error makes a verdict an error, to come out of a transaction with.
func (v *verdict) Error() string { return "recovery: " + string(v.Verdict) + ": " + v.Code }

func refuse(code string, closes bool) *verdict {
	return &verdict{Answer: gate.Answer{Verdict: gate.Refuse, Code: code}, closes: closes}
}

func wait(code string, until time.Time) *verdict {
	return &verdict{Answer: gate.Answer{Verdict: gate.Wait, Code: code, Until: until}}
}

func hold(code string) *verdict {
	return &verdict{Answer: gate.Answer{Verdict: gate.Wait, Code: code}, held: true}
}

// Remind sends the reminders whose time has come. Several programs may do so at
// once.
func (s *Service) Remind(ctx context.Context) error {
	for {
		all, err := s.due(ctx, s.Clock.Now(), sweepBatch)
		if err != nil || len(all) == 0 {
			return err
		}
		var running sync.WaitGroup
		var mu sync.Mutex
		var errs []error
		moved := 0
		turn := make(chan struct{}, senders)
		for _, r := range all {
			turn <- struct{}{}
			running.Go(func() {
				defer func() { <-turn }()
				err := s.remind(ctx, r)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					errs = append(errs, err)
				} else {
					moved++
				}
			})
		}
		running.Wait()
		if len(errs) > 0 || len(all) < sweepBatch || moved == 0 {
			return errors.Join(errs...)
		}
	}
}

// remind does what is due about one reminder.
func (s *Service) remind(ctx context.Context, r *reminder) error {
	p := &r.plan
	if r.Later {
		return s.settle(ctx, r, refuse(CodeOvertaken, false))
	}
	st, err := s.State(ctx, p.Merchant)
	if err != nil || st.holds() != "" {
		return err
	}
	if s.Clock.Now().Sub(s.firstDue(r, st)) > staleAfter {
		return s.settle(ctx, r, refuse(CodeLate, false))
	}
	if v := s.canary(p, st); v != nil {
		return s.settle(ctx, r, v)
	}
	shop, err := s.Shops.Shop(ctx, p.Merchant)
	if err != nil {
		return err
	}
	ask := s.ask(r, st, &shop)
	if p.Arm == Holdout {
		return s.holdOut(ctx, r, ask)
	}
	mail, extras, err := s.letter(ctx, r, st, &shop)
	if err != nil {
		return s.again(ctx, r, err) // it must not stand in the way of others
	}
	if mail == nil {
		v, err := s.judged(ctx, r, ask) // it may be gone for a better reason
		if err == nil && v == nil {
			v = refuse(CodeOutOfStock, false)
		}
		if err != nil {
			return err
		}
		return s.settle(ctx, r, v)
	}
	return s.send(ctx, r, ask, mail, extras)
}

// firstDue is when the reminder was to be sent before anything made it wait.
func (s *Service) firstDue(r *reminder, st *State) time.Time {
	delay := 0
	if r.Step <= len(st.DelaysMinutes) {
		delay = st.DelaysMinutes[r.Step-1]
	}
	return r.plan.AbandonedAt.Add(time.Duration(delay) * time.Minute)
}

// canary lets only the first few through at first; nil is through.
func (s *Service) canary(p *plan, st *State) *verdict {
	if st.CanaryAt == nil || s.People.Bucket("canary", p.Merchant, p.Person) < st.CanaryBps {
		return nil
	}
	if until := st.CanaryAt.Add(time.Duration(st.CanaryHours) * time.Hour); s.Clock.Now().Before(until) {
		return wait(CodeCanary, until)
	}
	return nil
}

func (s *Service) ask(r *reminder, st *State, shop *Shop) *gate.Ask {
	p := &r.plan
	return &gate.Ask{
		Merchant: p.Merchant, ID: r.ID, Key: "reminder:" + r.ID.String(), Topic: topic, Kind: string(notify.CartReminder),
		Person: p.Person, Country: p.Country, InquiredAt: p.AbandonedAt, Rules: st.rules(shop),
	}
}

// send hands the reminder over, if everything still speaks for it in the
// transaction that takes it, and once more when the mail server waits for it.
func (s *Service) send(ctx context.Context, r *reminder, ask *gate.Ask, mail *notify.Mail, extras []notify.Extra) error {
	p := &r.plan
	var last *verdict // what the last look has found
	mail.Check = func(ctx context.Context, tx db.Tx) error {
		v, err := s.judge(ctx, tx, r, func(tx db.Tx) (gate.Answer, error) { return s.Gate.Pass(ctx, tx, ask) })
		if err == nil && v != nil {
			return v
		}
		return err
	}
	mail.Still = func(ctx context.Context) error {
		v, err := s.lastLook(ctx, r)
		switch last = v; {
		case err != nil:
			return err
		case v == nil:
			return nil
		case v.held || v.Verdict == gate.Wait:
			return notify.ErrHeld.Because(v)
		}
		return notify.ErrDropped.Because(v)
	}
	status, err := s.Mail.Send(ctx, *mail)
	var v *verdict
	switch {
	case errors.As(err, &v) && last == nil: // nothing was taken
		if v.Verdict == gate.Refuse {
			if err := s.Mail.Drop(ctx, *mail, v.Code); err != nil {
				return err
			}
		}
		return s.decided(ctx, r, ask, v)
	case last != nil: // taken, and not handed over
		if err := s.Gate.Undo(ctx, s.DB, p.Merchant, ask.Key, last.Code); err != nil {
			return err
		}
		return s.settle(ctx, r, last)
	case fault.Is(err, notify.ErrInFlight):
		return nil // somebody has it
	case err != nil:
		return s.again(ctx, r, err)
	case status == notify.Failed:
		return s.settle(ctx, r, refuse(CodeMail, true))
	case status == notify.Dropped:
		return s.settle(ctx, r, refuse(CodeGone, false))
	}
	return s.sent(ctx, r, extras)
}

// holdOut writes down that somebody would have been reminded now.
func (s *Service) holdOut(ctx context.Context, r *reminder, ask *gate.Ask) error {
	v, err := s.judged(ctx, r, ask)
	if err != nil {
		return err
	}
	if v != nil {
		return s.decided(ctx, r, ask, v)
	}
	return s.heldOut(ctx, r)
}

// judged is judge without taking anything.
func (s *Service) judged(ctx context.Context, r *reminder, ask *gate.Ask) (*verdict, error) {
	var v *verdict
	err := db.Run(ctx, s.DB, func(tx db.Tx) (err error) {
		v, err = s.judge(ctx, tx, r, func(tx db.Tx) (gate.Answer, error) { return s.Gate.Look(ctx, tx, ask) })
		return err
	})
	return v, err
}

// judge says within tx whether the reminder may go: the shop sends, the plan and
// the reminder stand, what was left is still left, and the gate lets it pass. Nil
// is yes. It locks in one order: plan, reminder, settings, cart, person.
func (s *Service) judge(ctx context.Context, tx db.Tx, r *reminder, pass func(tx db.Tx) (gate.Answer, error)) (*verdict, error) {
	p := &r.plan
	var open, planned bool
	var reason string
	err := tx.QueryRow(ctx, `select status = 'open', reason from recovery_plans where merchant_id = $1 and id = $2 for update`, p.Merchant, p.ID).Scan(&open, &reason)
	if err != nil || !open {
		return refuse(reason, false), err
	}
	err = tx.QueryRow(ctx, `select status = 'planned' from recovery_reminders where merchant_id = $1 and id = $2 for update`, p.Merchant, r.ID).Scan(&planned)
	if err != nil || !planned {
		return hold("settled"), err
	}
	st, err := scanState(tx.QueryRow(ctx, selectState+` for share`, p.Merchant))
	if err != nil {
		return nil, err
	}
	if code := st.holds(); code != "" {
		return hold(code), nil
	}
	if v, err := s.condition(ctx, tx, r); v != nil || err != nil {
		return v, err
	}
	return s.atGate(func() (gate.Answer, error) { return pass(tx) })
}

func (s *Service) atGate(pass func() (gate.Answer, error)) (*verdict, error) {
	answer, err := pass()
	if err != nil || answer.Verdict == gate.Allow {
		return nil, err
	}
	// Who wants no mail wants none later either; who has had enough does.
	return &verdict{Answer: answer, closes: answer.Verdict == gate.Refuse}, nil
}

// condition says within tx whether what was left is still left. Nil is yes.
func (s *Service) condition(ctx context.Context, tx db.Tx, r *reminder) (*verdict, error) {
	p := &r.plan
	at, err := s.Carts.Standing(ctx, tx, p.Merchant, p.Cart, p.Checkout)
	switch {
	case err != nil:
		return nil, err
	case at.Bought:
		return refuse(CodeBought, true), nil
	case at.Gone:
		return refuse(CodeGone, true), nil
	case at.Back:
		return refuse(CodeBack, true), nil
	case at.Paying:
		return wait(CodePaying, s.Clock.Now().Add(payingWait)), nil
	}
	var elsewhere bool
	err = tx.QueryRow(ctx, `select exists (select from v_person_purchases where merchant_id = $1 and email_hmac = $2 and placed_at >= $3 and variant_id = any ($4))`,
		p.Merchant, p.Person, p.AbandonedAt, p.variants()).Scan(&elsewhere)
	if err != nil {
		return nil, err
	}
	if elsewhere {
		return refuse(CodeElsewhere, true), nil
	}
	ok, err := s.Carts.Buyable(ctx, tx, p.Merchant, p.Currency, p.variants())
	if err == nil && !ok {
		return refuse(CodeOutOfStock, false), nil
	}
	return nil, err
}

// lastLook is taken when the mail server waits for the mail: whatever was bought,
// stopped or unsubscribed up to here counts. Nil is go.
func (s *Service) lastLook(ctx context.Context, r *reminder) (*verdict, error) {
	p := &r.plan
	var v *verdict
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		v = nil
		var open bool
		var reason string
		if err := tx.QueryRow(ctx, `select status = 'open', reason from recovery_plans where merchant_id = $1 and id = $2 for update`, p.Merchant, p.ID).Scan(&open, &reason); err != nil {
			return err
		}
		st, err := scanState(tx.QueryRow(ctx, selectState+` for share`, p.Merchant))
		if err != nil {
			return err
		}
		code := st.holds()
		switch {
		case !open:
			v = refuse(reason, false)
			return nil
		case code != "":
			v = hold(code)
			return nil
		}
		if v, err = s.condition(ctx, tx, r); v != nil || err != nil {
			return err
		}
		if reason, err = s.Gate.Suppressed(ctx, tx, p.Merchant, p.Person, topic); err != nil || reason != "" {
			v = refuse(reason, true)
			return err
		}
		_, err = tx.Exec(ctx, `update recovery_reminders set checked_at = $3, checked_real = clock_timestamp() where merchant_id = $1 and id = $2`, p.Merchant, r.ID, s.Clock.Now())
		return err
	})
	return v, err
}

// Tidy settles reminders that have waited for too long, of shops that send
// nothing as well, and those of plans that were closed while a program died
// between handing a mail over and saying so.
func (s *Service) Tidy(ctx context.Context) error {
	return s.tidy(ctx, s.Clock.Now())
}
