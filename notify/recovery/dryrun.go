package recovery

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/notify"
	"doorstep/notify/gate"
)

// mostTried bounds a dry run.
const mostTried = 500

// Trial is what would become of one kind of reminders, if it were their time now.
type Trial struct {
	Verdict string // allow, wait, refuse, or hold_out
	Code    string
	Count   int
}

// Sample is a mail as it would be sent. It names nobody.
type Sample struct {
	Reminder uuid.UUID
	Step     int
	DueAt    time.Time
	Language string
	Message  notify.Message
}

// DryRun is what sending now would do.
type DryRun struct {
	At      time.Time
	Planned int  // reminders looked at
	Partly  bool // there are more
	Trials  []Trial
	Samples []Sample
}

// DryRun looks at the reminders of a shop that are still to come, as if it were
// their time and nothing were stopped, with settings as patch changes them; nil
// changes nothing. It sends and writes nothing. With it come at most samples mails.
func (s *Service) DryRun(ctx context.Context, merchant uuid.UUID, samples int, patch func(*Settings) error) (*DryRun, error) {
	st, err := s.State(ctx, merchant)
	if err != nil {
		return nil, err
	}
	if patch != nil {
		if err := patch(&st.Settings); err != nil {
			return nil, err
		}
		if err := st.Validate(); err != nil {
			return nil, err
		}
	}
	shop, err := s.Shops.Shop(ctx, merchant)
	if err != nil {
		return nil, err
	}
	d := &DryRun{At: s.Clock.Now(), Trials: []Trial{}, Samples: []Sample{}}
	all, err := s.planned(ctx, merchant, d.At, mostTried+1)
	if err != nil {
		return nil, err
	}
	if d.Partly = len(all) > mostTried; d.Partly {
		all = all[:mostTried]
	}
	d.Planned = len(all)
	for _, r := range all {
		v, err := s.tried(ctx, r, st, &shop)
		if err != nil {
			return nil, err
		}
		if v.Verdict != gate.Allow || len(d.Samples) >= samples {
			d.count(v)
			continue
		}
		mail, _, err := s.letter(ctx, r, st, &shop)
		if err != nil {
			return nil, err
		}
		if mail == nil {
			d.count(gate.Answer{Verdict: gate.Refuse, Code: CodeOutOfStock})
			continue
		}
		d.count(v)
		message, err := notify.Render(mail.Kind, mail.Lang, mail.Data)
		if err != nil {
			return nil, err
		}
		d.Samples = append(d.Samples, Sample{r.ID, r.Step, r.DueAt, string(mail.Lang), message})
	}
	return d, nil
}

func (d *DryRun) count(a gate.Answer) {
	for i := range d.Trials {
		if t := &d.Trials[i]; t.Verdict == string(a.Verdict) && t.Code == a.Code {
			t.Count++
			return
		}
	}
	d.Trials = append(d.Trials, Trial{string(a.Verdict), a.Code, 1})
}

// errTried ends the transaction of a trial, which must leave nothing.
var errTried = errors.New("recovery: only tried")

// tried is what would become of one reminder.
func (s *Service) tried(ctx context.Context, r *reminder, st *State, shop *Shop) (gate.Answer, error) {
	if s.arm(r.plan.Merchant, r.plan.Person, st.HoldoutBps) == Holdout || r.plan.Arm == Holdout {
		return gate.Answer{Verdict: CodeHeldOut, Code: CodeHeldOut}, nil
	}
	if v := s.canary(&r.plan, st); v != nil {
		return v.Answer, nil //nolint:nilerr // a verdict is no failure
	}
	ask := s.ask(r, st, shop)
	answer := gate.Answer{}
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		v, err := s.condition(ctx, tx, r)
		switch {
		case err != nil:
			return err
		case v != nil:
			answer = v.Answer
			return errTried
		}
		if answer, err = s.Gate.Look(ctx, tx, ask); err != nil {
			return err
		}
		return errTried
	})
	if errors.Is(err, errTried) {
		err = nil
	}
	return answer, err
}
