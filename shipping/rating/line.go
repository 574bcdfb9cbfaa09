package rating

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"doorstep/shipping/carrier"
)

const (
	// samples is how many answers an account's own p95 is made of, and fewest how
	// many there must be.
	samples, fewest = 64, 20
	// A hedge is one call in twenty at most.
	hedgeShare = 20
	// mostLines bounds how many accounts are remembered.
	mostLines = 10_000
)

// line is what is known of one account: whether it answers, and how fast.
type line struct {
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	tuned   Patience // of the breaker
	slots   chan struct{}

	mu            sync.Mutex
	latencies     [samples]time.Duration
	heard         int // answers so far
	calls, hedges int
	until         time.Time // it asked to be left alone
}

// line is that of the account, with the breaker as the policy wants it.
func (r *Rater) line(a *Account, p Patience) *line {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.accounts[a.ID]
	if l != nil && l.tuned.Failures == p.Failures && l.tuned.Open == p.Open {
		return l
	}
	if len(r.accounts) >= mostLines {
		clear(r.accounts)
	}
	l = &line{tuned: p, slots: make(chan struct{}, mostFlights)}
	l.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: 1, Timeout: p.Open,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= max(p.Failures, 1) },
		IsSuccessful: answers,
		IsExcluded:   func(err error) bool { return carrier.KindOf(err) == carrier.KindCanceled },
	})
	r.accounts[a.ID] = l
	return l
}

// answers says whether the carrier is there: one that refuses a question is.
func answers(err error) bool {
	if err == nil {
		return true
	}
	switch carrier.KindOf(err) {
	case carrier.KindInvalid, carrier.KindNotServiceable, carrier.KindNotFound, carrier.KindUnsupported:
		return true
	}
	return false
}

func (l *line) paused() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

func (l *line) pause(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = until
}

func (l *line) took(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latencies[l.heard%samples] = d
	l.heard++
}

// begin counts a call and says after how long it is worth a second one; 0 is
// never.
func (l *line) begin() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.heard < fewest {
		return 0
	}
	known := slices.Clone(l.latencies[:min(l.heard, samples)])
	slices.Sort(known)
	return known[len(known)*95/100]
}

// mayHedge takes a hedge out of the budget.
func (l *line) mayHedge() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if (l.hedges+1)*hedgeShare > l.calls {
		return false
	}
	l.hedges++
	return true
}

type outcome struct {
	answer carrier.RateAnswer
	err    error
}

// call asks the carrier, and a second time when it takes longer than it usually
// does: asking for prices changes nothing there.
func (r *Rater) call(ctx context.Context, l *line, ask *Ask) (carrier.RateAnswer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the slower call ends with the faster
	out := make(chan outcome, 2)
	one := func() {
		r.running.Go(func() {
			answer, err := protected(ctx, ask)
			out <- outcome{answer, err}
		})
	}
	one()
	var hedge <-chan time.Time
	if after := l.begin(); after > 0 {
		timer := time.NewTimer(after)
		defer timer.Stop()
		hedge = timer.C
	}
	var first error
	for open := 1; ; {
		select {
		case o := <-out:
			if o.err == nil {
				return o.answer, nil
			}
			if first == nil {
				first = o.err
			}
			if open--; open == 0 {
				return carrier.RateAnswer{}, first
			}
		case <-hedge:
			hedge = nil
			if l.mayHedge() {
				open++
				one()
			}
		case <-ctx.Done():
			return carrier.RateAnswer{}, &carrier.Error{Carrier: ask.Account.Carrier.Name(), Call: "rates", Kind: carrier.KindTimeout, Cause: ctx.Err()}
		}
	}
}

// protected turns a panic of an adapter into an answer that cannot be read.
func protected(ctx context.Context, ask *Ask) (answer carrier.RateAnswer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &carrier.Error{Carrier: ask.Account.Carrier.Name(), Call: "rates", Kind: carrier.KindMalformed, Text: "the answer could not be read", Cause: fmt.Errorf("panic: %v", p)}
		}
	}()
	return ask.Account.Carrier.Rates(ctx, ask.Request)
}
