package label

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/jobs"
	"doorstep/internal/killpoint"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
)

const (
	// lease is how long nobody else goes on with what somebody has begun.
	lease = time.Minute
	// settles is how long after a question a carrier may still be busy with it, so
	// that not to find a label proves nothing before.
	settles = 2 * time.Minute
	// busy is how long after a question without an answer it is not repeated.
	busy = 30 * time.Second
	// enoughMisses is how often a label is looked for in vain before the carrier
	// is asked for it once more, with the same key.
	enoughMisses = 2
	// mostAsked bounds how often a carrier is asked for one label.
	mostAsked = 8
	// keyLife is how long a carrier is taken to remember a key.
	keyLife = 20 * time.Hour
	// busyFor is how long a carrier may say that it is asked too often.
	busyFor = 10 * time.Minute
)

// step is what is done next about a label.
type step int

const (
	ask  step = iota // for it, with its key
	look             // whether it is there
	park             // nobody but a person can tell
)

// next is what is done about a pending label. Nothing that may have been bought
// is asked for again unless the carrier knows keys or has been seen not to have it.
func (l *Label) next(can carrier.Capabilities, finds bool, now time.Time) step {
	switch {
	case l.Asked == 0:
		return ask
	case now.Sub(l.CreatedAt) >= keyLife || l.Asked >= mostAsked:
		return park
	case can.IdempotentBuy:
		return ask
	case finds && l.missed < enoughMisses:
		return look
	case finds:
		return ask
	}
	return park
}

func (l *Label) due(now time.Time) bool { return l.nextAt != nil && !l.nextAt.After(now) }

// work does one step about a pending label that is due. An error says that it
// is still to be done.
func (s *Service) work(ctx context.Context, l *Label) error {
	c, err := s.Accounts.Carrier(ctx, l.MerchantID, l.Account)
	if err != nil {
		if s.DB.Now().Sub(l.CreatedAt) >= keyLife {
			return s.park(ctx, l, "account_gone", "")
		}
		return errors.Join(err, s.pause(ctx, l, "account_unusable", "", 0))
	}
	finder, finds := c.(carrier.Finder)
	can := c.Capabilities()
	todo := l.next(can, finds, s.DB.Now())
	if taken, err := s.take(ctx, l, todo); err != nil || !taken {
		return err // somebody else has it
	}
	killpoint.Hit("label.buy.ask")
	var got carrier.Label
	switch todo {
	case park:
		return s.park(ctx, l, "outcome_unknown", l.FailureText)
	case look:
		s.Step("look")
		got, err = s.call(ctx, func(ctx context.Context) (carrier.Label, error) { return finder.Find(ctx, l.Key) })
	case ask:
		var r carrier.ShipmentRequest
		if r, err = s.open(l); err != nil {
			return err
		}
		s.Step("ask")
		got, err = s.call(ctx, func(ctx context.Context) (carrier.Label, error) { return c.Buy(ctx, r) })
	}
	s.Step("answered")
	killpoint.Hit("label.buy.answered")
	if err == nil && got.ID == "" {
		err = &carrier.Error{Carrier: l.Carrier, Call: "buy", Kind: carrier.KindContract, Field: "id", Text: "is missing in the answer"}
	}
	ctx, cancel := s.recording(ctx)
	defer cancel()
	if err == nil {
		return s.record(ctx, l, got)
	}
	return s.unanswered(ctx, l, todo, err, finds || can.IdempotentBuy)
}

// call asks a carrier; a panic in its adapter is an answer that cannot be read.
func (s *Service) call(ctx context.Context, ask func(context.Context) (carrier.Label, error)) (l carrier.Label, err error) {
	ctx, cancel := s.calling(ctx)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			if _, dies := value.(interface{ Dies() }); dies {
				panic(value) // a test's
			}
			err = &carrier.Error{Kind: carrier.KindMalformed, Text: "the answer cannot be read", Cause: fmt.Errorf("label: a carrier panicked: %v\n%s", value, debug.Stack())}
		}
	}()
	return ask(ctx)
}

// open reads the request that a label was written down with.
func (s *Service) open(l *Label) (r carrier.ShipmentRequest, err error) {
	text, err := s.Open(l.MerchantID, l.ID, l.request)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("label: request of %s: %w", l.ID, err)
	}
	return r, nil
}

// unanswered decides what a step has come to that brought no label; again says
// that the carrier can be asked a second time.
func (s *Service) unanswered(ctx context.Context, l *Label, done step, err error, again bool) error {
	kind, text := carrier.KindOf(err), said(err)
	s.Log.WarnContext(ctx, "no label yet", "label", l.ID, "carrier", l.Carrier, "error", err)
	now := s.DB.Now()
	var wait time.Duration
	var e *carrier.Error
	if errors.As(err, &e) {
		wait = e.RetryAfter
	}
	switch {
	case done == look && kind == carrier.KindNotFound:
		return s.miss(ctx, l)
	case done == look:
		return s.pause(ctx, l, string(kind), text, wait)
	case kind.Unknown() && !again:
		return s.park(ctx, l, string(kind), text)
	case kind == carrier.KindTimeout, kind == carrier.KindCanceled: // it may be busy with it
		return s.pause(ctx, l, string(kind), text, max(wait, busy))
	case kind.Unknown():
		return s.pause(ctx, l, string(kind), text, wait)
	case kind == carrier.KindRateLimited && now.Sub(l.CreatedAt) < busyFor, kind == carrier.KindAuth && l.Asked > 1:
		// It was not done this time, and that says nothing of an earlier one.
		return s.unasked(ctx, l, string(kind), text, wait)
	case kind == carrier.KindRateLimited && l.Asked > 1:
		return s.park(ctx, l, string(kind), text)
	}
	return s.fail(ctx, l, string(kind), text)
}

// pauseOf is how long a label is left alone after a step that brought nothing.
func (l *Label) pauseOf(wait time.Duration) time.Duration {
	return max(min(2*time.Second<<min(l.Asked+l.missed, 9), 10*time.Minute), min(wait, time.Hour))
}

// record writes down the label that a carrier has made.
func (s *Service) record(ctx context.Context, l *Label, got carrier.Label) error {
	err := s.recordWith(ctx, l, got, true)
	if db.Violates(err, "shipments_number") { // carriers use numbers again, and it is bought all the same
		err = s.recordWith(ctx, l, got, false)
	}
	s.Step("recorded")
	killpoint.Hit("label.buy.recorded")
	return err
}

func (s *Service) recordWith(ctx context.Context, l *Label, got carrier.Label, number bool) error {
	now := s.DB.Now()
	numbers := got.Numbers
	if numbers == nil {
		numbers = []string{}
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		var cost *int64
		var currency *string
		if got.Cost.Currency != "" {
			cost, currency = &got.Cost.Minor, &got.Cost.Currency
		}
		if l.Purpose == ForShipment { // parcels are locked before their order
			tx.Queue(`select 1 from shipments where merchant_id = $1 and id = $2 for no key update`, l.MerchantID, l.SubjectID)
		}
		n, err := tx.Exec(ctx, `update labels set status = 'bought', carrier_id = $3, numbers = $4, cost_minor = $5, currency = $6, request = null, next_at = null,
				announces = false, failure = '', failure_text = '', bought_at = $7, updated_at = $7
			where merchant_id = $1 and id = $2 and status in ('pending', 'parked')`, l.MerchantID, l.ID, got.ID, numbers, cost, currency, now)
		if err != nil || n == 0 {
			return err // somebody else has recorded it
		}
		s.keep(tx, l.MerchantID, l.ID, got.Papers, now)
		for _, one := range numbers {
			shipping.Watch(tx, shipping.NewWatch{
				Merchant: l.MerchantID, Account: l.Account, Carrier: l.Carrier, Number: one, Return: l.Purpose == ForReturn, Subject: l.SubjectID, Order: l.OrderID,
			}, now)
		}
		if l.Purpose == ForShipment && number && len(numbers) > 0 {
			tx.Queue(`update shipments set tracking_number = $3, carrier = $4, version = version + 1, updated_at = $5
				where merchant_id = $1 and id = $2 and tracking_number = ''`, l.MerchantID, l.SubjectID, numbers[0], l.Carrier, now)
		}
		if err := s.announce(tx, l); err != nil {
			return err
		}
		if err := jobs.Publish(tx, Purchased{Ref: l.ref(), Carrier: l.Carrier, Numbers: numbers}); err != nil {
			return err
		}
		s.Step("recording")
		killpoint.Hit("label.buy.queued")
		return s.note(tx, l, "label.bought", map[string]any{"numbers": numbers}, now)
	})
}

// announce tells, at the end of a label that was bought with its parcel, that
// the parcel has left.
func (s *Service) announce(tx db.Tx, l *Label) error {
	if !l.tells {
		return nil
	}
	return jobs.Publish(tx, shipping.Shipped{Ref: shipping.Ref{MerchantID: l.MerchantID, OrderID: l.OrderID, ShipmentID: l.SubjectID}})
}

// note adds to the story of the order.
func (s *Service) note(tx db.Tx, l *Label, event string, more map[string]any, now time.Time) error {
	data := map[string]any{"label_id": l.ID, "carrier": l.Carrier, "service": l.Service, string(l.Purpose) + "_id": l.SubjectID}
	for k, v := range more {
		data[k] = v
	}
	return s.Orders.FulfilmentChanged(tx, l.MerchantID, l.OrderID, event, data, now)
}

// fail notes that there is certainly no label.
func (s *Service) fail(ctx context.Context, l *Label, code, text string) error {
	return s.end(ctx, l, Failed, code, text, Refused{Ref: l.ref(), Failure: code})
}

// park leaves a label to a person, and raises the alarm.
func (s *Service) park(ctx context.Context, l *Label, code, text string) error {
	s.Log.ErrorContext(ctx, "nobody knows whether a label was bought: a person must look at the carrier's", "label", l.ID, "carrier", l.Carrier, "key", l.Key)
	return s.end(ctx, l, Parked, code, text, Unclear{Ref: l.ref(), Failure: code})
}

func (s *Service) end(ctx context.Context, l *Label, status Status, code, text string, news jobs.Event) error {
	now := s.DB.Now()
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		if l.Purpose == ForShipment {
			tx.Queue(`select 1 from shipments where merchant_id = $1 and id = $2 for no key update`, l.MerchantID, l.SubjectID)
		}
		n, err := tx.Exec(ctx, `update labels set status = $3::text, failure = $4, failure_text = $5, next_at = null, announces = false, updated_at = $6,
				request = case when $3 = 'failed' then null else request end, ended_at = case when $3 = 'failed' then $6::timestamptz end
			where merchant_id = $1 and id = $2 and status = 'pending'`, l.MerchantID, l.ID, string(status), code, text, now)
		if err != nil || n == 0 {
			return err
		}
		if err := s.announce(tx, l); err != nil {
			return err
		}
		if err := jobs.Publish(tx, news); err != nil {
			return err
		}
		return s.note(tx, l, news.EventName(), map[string]any{"failure": code}, now)
	})
	s.Step("ended")
	return err
}

// refused is why there is no label.
func (l *Label) refused() error {
	switch kind := carrier.Kind(l.Failure); kind {
	case carrier.KindAuth, carrier.KindInvalid, carrier.KindNotServiceable, carrier.KindNotFound, carrier.KindUnsupported, carrier.KindRateLimited:
		return refusal(kind, l.FailureText)
	}
	return ErrCarrier
}
