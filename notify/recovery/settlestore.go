package recovery

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/jobs"
	"doorstep/notify"
	"doorstep/notify/gate"
)

// decided settles a reminder by a verdict, and writes down what the gate said.
func (s *Service) decided(ctx context.Context, r *reminder, ask *gate.Ask, v *verdict) error {
	return s.settling(ctx, r, v, func(tx db.Tx) {
		if !v.held {
			s.Gate.Record(tx, ask, v.Answer)
		}
	})
}

// settle lets a reminder wait, or ends it and with it, perhaps, its plan.
func (s *Service) settle(ctx context.Context, r *reminder, v *verdict) error {
	return s.settling(ctx, r, v, func(db.Tx) {})
}

func (s *Service) settling(ctx context.Context, r *reminder, v *verdict, also func(tx db.Tx)) error {
	p, now := &r.plan, s.Clock.Now()
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		lockPlan(tx, p)
		also(tx)
		switch {
		case v.held:
			tx.Queue(`update recovery_reminders set code = $3, updated_at = $4 where merchant_id = $1 and id = $2 and status = 'planned'`, p.Merchant, r.ID, v.Code, now)
			return nil
		case v.Verdict == gate.Wait:
			tx.Queue(`update recovery_reminders set code = $3, due_at = $4, updated_at = $5 where merchant_id = $1 and id = $2 and status = 'planned'`,
				p.Merchant, r.ID, v.Code, v.Until, now)
			return nil
		}
		return s.end(ctx, tx, r, "skipped", v, nil)
	})
}

// lockPlan queues the lock under which everything about a plan is done.
func lockPlan(tx db.Tx, p *plan) {
	tx.Queue(`select from recovery_plans where merchant_id = $1 and id = $2 for update`, p.Merchant, p.ID)
}

// sent ends a reminder that was handed over.
func (s *Service) sent(ctx context.Context, r *reminder, extras []notify.Extra) error {
	frozen, err := json.Marshal(extras)
	if err != nil {
		return fmt.Errorf("recovery: %w", err)
	}
	if extras == nil {
		frozen = []byte("[]")
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		lockPlan(tx, &r.plan)
		return s.end(ctx, tx, r, "sent", refuse("", r.Step >= r.Steps), frozen)
	})
}

// heldOut ends a reminder of somebody who is never reminded.
func (s *Service) heldOut(ctx context.Context, r *reminder) error {
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		lockPlan(tx, &r.plan)
		return s.end(ctx, tx, r, "held_out", refuse(CodeHeldOut, r.Step >= r.Steps), nil)
	})
}

// end writes how a reminder has ended, once, and tells those who reach people on
// other channels.
func (s *Service) end(ctx context.Context, tx db.Tx, r *reminder, status string, v *verdict, extras []byte) error {
	p, now := &r.plan, s.Clock.Now()
	var sentAt *time.Time
	if status == "sent" || status == "held_out" {
		sentAt = &now
	}
	// A plan that was closed while the mail was on its way has been sent all the same.
	n, err := tx.Exec(ctx, `update recovery_reminders set status = $3, code = $4, updated_at = $5, extras = coalesce($7, extras),
			sent_at = case when $3 = 'sent' then coalesce(checked_at, $6) else $6 end
		where merchant_id = $1 and id = $2 and (status = 'planned' or $3 = 'sent' and status = 'skipped')`, p.Merchant, r.ID, status, v.Code, now, sentAt, extras)
	if err != nil || n == 0 {
		return err
	}
	if v.closes || r.Step >= r.Steps {
		reason := v.Code
		if !v.closes || status == "sent" || status == "held_out" {
			reason = CodeDone
		}
		closePlans(tx, p.Merchant, `id = $4`, reason, now, p.ID)
	}
	if p.Arm == Holdout || !tells(status, v.Code) {
		return nil
	}
	st, err := scanState(tx.QueryRow(ctx, selectState, p.Merchant))
	if err != nil {
		return err
	}
	return jobs.Publish(tx, Due{
		MerchantID: p.Merchant, PlanID: p.ID, JourneyID: p.Journey, CartID: p.Cart, CheckoutID: p.Checkout, ContactID: p.Contact, Step: r.Step,
		Mail: map[string]string{"sent": "sent", "skipped": "refused"}[status], Code: v.Code, Link: s.link(r, st), ValueMinor: p.ValueMinor, Currency: p.Currency,
		Language: p.Locale, DueAt: now,
	})
}

// tells says whether other channels should know: that a mail was sent, or that
// there could be none although what was left is still left.
func tells(status, code string) bool {
	if status == "sent" {
		return true
	}
	switch code {
	case gate.Unsubscribed, gate.Complained, gate.Bounced, gate.SuppressedByHand, gate.ConsentRefused, gate.ConsentMissing, gate.ConsentUnconfirmed, gate.SenderIncomplete, CodeMail:
		return true
	}
	return false
}

// again lets a reminder wait for a mail server that could not be reached, a little
// longer each time.
func (s *Service) again(ctx context.Context, r *reminder, cause error) error {
	p, now := &r.plan, s.Clock.Now()
	if r.Attempts+1 >= mostAttempts {
		return s.settle(ctx, r, refuse(CodeUnsent, false))
	}
	until := now.Add(min(time.Minute<<r.Attempts, 4*time.Hour))
	s.Log.WarnContext(ctx, "a reminder was not sent yet", "reminder", r.ID, "attempt", r.Attempts+1, "error", cause)
	_, err := s.DB.Exec(ctx, `update recovery_reminders set attempts = attempts + 1, code = 'retry', due_at = $3, updated_at = $4
		where merchant_id = $1 and id = $2 and status = 'planned'`, p.Merchant, r.ID, until, now)
	return err
}

func (s *Service) tidy(ctx context.Context, now time.Time) error {
	_, err := s.DB.Exec(ctx, `update recovery_reminders set status = 'skipped', code = $2, updated_at = $1
		where status = 'planned' and due_at < $3`, now, CodeLate, now.Add(-staleAfter-31*24*time.Hour))
	if err != nil {
		return err
	}
	_, err = s.DB.Exec(ctx, `update recovery_reminders r set status = 'sent', code = '', sent_at = r.checked_at, updated_at = $1 from deliveries d
		where r.status = 'skipped' and r.checked_at is not null and r.updated_at > $2
		  and d.merchant_id = r.merchant_id and d.dedupe_key = 'reminder:' || r.id and d.status in ('sent', 'captured')`, now, now.Add(-3*24*time.Hour))
	return err
}
