// Package rating asks carriers for prices without ever letting a shopper wait
// for one that does not answer. All questions of a quote go out at once and share
// one deadline; what comes later is not lost but kept for the next quote. A
// carrier that keeps failing is left alone for a while, the same question is
// asked once at a time, and an answer is good for a quarter of an hour, or for a
// day when nothing better can be had.
package rating

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
	"doorstep/shipping/policy"
)

const (
	// Fresh is how long an answer counts as the carrier's present price.
	Fresh = 15 * time.Minute
	// Stale is how long it may stand in when the carrier cannot be had.
	Stale = 24 * time.Hour
	// partial is how long an answer is kept in which some service failed.
	partial = time.Minute
	// grace is how much longer than a quote waits a call may run, so that a late
	// answer is there for the next quote.
	grace = 3 * time.Second
	// mostFlights is how many calls to one account may be under way.
	mostFlights = 32
	// mostRates bounds what one answer may hold.
	mostRates = 200
)

// Account is one carrier account that can be asked.
type Account struct {
	ID      uuid.UUID
	Version int64 // answers to another version of it are not used
	Carrier carrier.Carrier
	Timeout time.Duration // how long a quote waits for it, at most its deadline
}

// Ask is one question to one account.
type Ask struct {
	Account Account
	Request carrier.RateRequest
	// Since is when the carrier's prices last changed: older answers are void.
	Since time.Time
}

// Patience is that of one quote.
type Patience struct {
	Deadline time.Duration // for all questions together
	Failures int           // in a row, after which an account is left alone
	Open     time.Duration // for so long
}

// Answer is what became of an Ask.
type Answer struct {
	// Code is a code of policy.Hidden, empty when the carrier has answered.
	Code string
	// Rates are the carrier's, by Source: live or cache, or with a Code stale.
	Rates   []carrier.Rate
	Source  string
	Age     time.Duration // since the carrier said so
	Latency time.Duration // that the quote has waited for it
	Err     error         // the cause of a Code, for the log
}

// Config is what a Rater needs.
type Config struct {
	Clock clock.Clock
	Log   *slog.Logger
	// Entries bounds how many answers are kept; 20,000 when zero.
	Entries int
}

// Rater asks accounts. It is safe for concurrent use; Close ends its calls.
type Rater struct {
	clock   clock.Clock
	machine clock.System // durations: nobody shifts it
	log     *slog.Logger
	cache   *cache
	flights singleflight.Group
	running sync.WaitGroup
	base    context.Context //nolint:containedctx // the life of calls that outlive the quote that began them
	stop    context.CancelFunc

	mu       sync.Mutex
	accounts map[uuid.UUID]*line
}

// New makes a Rater.
func New(c Config) *Rater {
	if c.Entries == 0 {
		c.Entries = 20_000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Rater{clock: c.Clock, log: c.Log, cache: newCache(c.Entries), accounts: map[uuid.UUID]*line{}}
	r.base, r.stop = context.WithCancel(context.Background())
	return r
}

// Close hangs up on all calls and waits until they have ended, but not for an
// adapter that does not heed it.
func (r *Rater) Close() {
	r.stop()
	ended := make(chan struct{})
	go func() {
		r.running.Wait()
		close(ended)
	}()
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
		r.log.Error("a carrier's adapter does not end its calls")
	}
}

// Rate answers all questions, in their order, within the deadline.
func (r *Rater) Rate(ctx context.Context, p Patience, asks []Ask) []Answer {
	began := r.machine.Now()
	answers := make([]Answer, len(asks))
	waits := make([]<-chan singleflight.Result, len(asks))
	timers := make([]*time.Timer, len(asks))
	keys := make([]string, len(asks))
	for i := range asks {
		keys[i] = asks[i].key()
		var known bool
		if answers[i], known = r.known(&asks[i], keys[i]); known {
			continue
		}
		waits[i] = r.fly(&asks[i], keys[i], p)
		timers[i] = time.NewTimer(asks[i].wait(p))
	}
	for i, wait := range waits {
		if wait == nil {
			continue
		}
		answers[i] = await(ctx, wait, timers[i])
		timers[i].Stop()
		answers[i].Latency = r.machine.Now().Sub(began)
		if answers[i].Code != "" {
			r.standIn(&answers[i], keys[i], &asks[i])
		}
	}
	return answers
}

// known is the answer that the cache has, as long as it is fresh.
func (r *Rater) known(ask *Ask, key string) (Answer, bool) {
	e, age := r.cache.get(key, r.clock.Now(), ask.Since)
	if e == nil || age > e.life {
		return Answer{}, false
	}
	return Answer{Rates: e.rates, Source: policy.SourceCache, Age: age}, true
}

// await takes the answer if it is there when the time is up, which may have been
// while the quote waited for another account.
func await(ctx context.Context, wait <-chan singleflight.Result, timer *time.Timer) Answer {
	var err error
	select {
	case res := <-wait:
		return res.Val.(Answer) //nolint:forcetypeassert // flight gives nothing else
	case <-timer.C:
		err = errLate
	case <-ctx.Done():
		err = ctx.Err()
	}
	select {
	case res := <-wait:
		return res.Val.(Answer) //nolint:forcetypeassert // as above
	default:
		return Answer{Code: policy.CodeCarrierTimeout, Err: err}
	}
}

// wait is how long a quote waits for this account.
func (a *Ask) wait(p Patience) time.Duration {
	if a.Account.Timeout > 0 {
		return min(a.Account.Timeout, p.Deadline)
	}
	return p.Deadline
}

// standIn adds what the carrier said before to an answer without rates.
func (r *Rater) standIn(a *Answer, key string, ask *Ask) {
	if e, age := r.cache.get(key, r.clock.Now(), ask.Since); e != nil && age <= Stale {
		a.Rates, a.Source, a.Age = e.rates, policy.SourceStale, age
	}
}

// fly asks the account, or joins those who are asking it the same.
func (r *Rater) fly(ask *Ask, key string, p Patience) <-chan singleflight.Result {
	r.running.Add(1) // before the flight begins, so that Close cannot miss it
	landed := r.flights.DoChan(key, func() (any, error) { return r.flight(ask, key, p), nil })
	out := make(chan singleflight.Result, 1)
	go func() { // it ends with the flight, which is bounded
		defer r.running.Done()
		out <- <-landed
	}()
	return out
}

var (
	errLate = errors.New("rating: no answer in time")
	errBusy = errors.New("rating: too many calls of this account are under way")
)

// flight is one call, with all that guards it. It ends within the time that a
// quote waits plus the grace.
func (r *Rater) flight(ask *Ask, key string, p Patience) Answer {
	if a, known := r.known(ask, key); known { // a flight has landed since this one was asked for
		return a
	}
	l := r.line(&ask.Account, p)
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	default:
		return Answer{Code: policy.CodeCarrierTimeout, Err: errBusy}
	}
	if until := l.paused(); r.machine.Now().Before(until) {
		return Answer{Code: policy.CodeCarrierError, Err: &carrier.Error{Kind: carrier.KindRateLimited}}
	}
	report, err := l.breaker.Allow()
	if err != nil {
		return Answer{Code: policy.CodeCarrierBreaker, Err: err}
	}
	var once sync.Once
	tell := func(err error) { once.Do(func() { report(err) }) }
	wait := ask.wait(p)
	late := time.AfterFunc(wait, func() { tell(errLate) }) // an answer after that is none for the shopper
	defer late.Stop()
	ctx, cancel := context.WithTimeout(r.base, wait+grace)
	defer cancel()
	began := r.machine.Now()
	answer, err := r.call(ctx, l, ask)
	took := r.machine.Now().Sub(began)
	if err != nil {
		tell(err)
		return r.failed(l, ask, err)
	}
	tell(nil)
	l.took(took)
	rates, ok := sane(answer.Rates)
	if !ok {
		return r.failed(l, ask, &carrier.Error{Carrier: ask.Account.Carrier.Name(), Call: "rates", Kind: carrier.KindContract, Text: "no price in it can be charged"})
	}
	life := Fresh
	for _, refused := range answer.Refused {
		if refused.Kind.Transient() {
			life = partial
		}
	}
	r.cache.put(key, rates, r.clock.Now(), life)
	return Answer{Rates: rates, Source: policy.SourceLive}
}

// sane leaves out what cannot be a price; false when nothing else was there.
func sane(all []carrier.Rate) ([]carrier.Rate, bool) {
	rates := make([]carrier.Rate, 0, len(all))
	for i := range all {
		if all[i].Total.Minor > 0 && len(all[i].Total.Currency) == 3 && len(rates) < mostRates {
			rates = append(rates, all[i])
		}
	}
	return rates, len(rates) > 0 || len(all) == 0
}

// failed puts an error into a code. A carrier that does not serve the place has
// answered: it has no price for it.
func (r *Rater) failed(l *line, ask *Ask, err error) Answer {
	var e *carrier.Error
	switch kind := carrier.KindOf(err); {
	case kind == carrier.KindNotServiceable:
		return Answer{Rates: []carrier.Rate{}, Source: policy.SourceLive}
	case kind == carrier.KindTimeout, kind == carrier.KindCanceled, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Answer{Code: policy.CodeCarrierTimeout, Err: err}
	case kind == carrier.KindRateLimited && errors.As(err, &e):
		l.pause(r.machine.Now().Add(min(max(e.RetryAfter, time.Second), time.Minute)))
	}
	r.log.Warn("a carrier gave no price", "carrier", ask.Account.Carrier.Name(), "account", ask.Account.ID, "error", err)
	return Answer{Code: policy.CodeCarrierError, Err: err}
}
