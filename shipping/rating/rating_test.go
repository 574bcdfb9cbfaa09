package rating_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/rating"
)

// fake is a carrier that answers as it is told.
type fake struct {
	carrier.Carrier
	calls atomic.Int64
	rates func(ctx context.Context, call int64) (carrier.RateAnswer, error)
}

func (f *fake) Name() string { return "fake" }
func (f *fake) Rates(ctx context.Context, _ carrier.RateRequest) (carrier.RateAnswer, error) {
	return f.rates(ctx, f.calls.Add(1))
}

func priced(minor int64) carrier.RateAnswer {
	return carrier.RateAnswer{Rates: []carrier.Rate{{Service: "ground", Total: money.Of(minor, "USD")}}}
}

func answering(minor int64) *fake {
	return &fake{rates: func(context.Context, int64) (carrier.RateAnswer, error) { return priced(minor), nil }}
}

func failing(kind carrier.Kind) *fake {
	return &fake{rates: func(context.Context, int64) (carrier.RateAnswer, error) {
		return carrier.RateAnswer{}, &carrier.Error{Carrier: "fake", Call: "rates", Kind: kind}
	}}
}

// hung answers nothing before its call ends.
func hung() *fake {
	return &fake{rates: func(ctx context.Context, _ int64) (carrier.RateAnswer, error) {
		<-ctx.Done()
		return carrier.RateAnswer{}, &carrier.Error{Kind: carrier.KindTimeout, Cause: ctx.Err()}
	}}
}

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

type world struct {
	*rating.Rater
	clock *clock.Manual
}

func open(t *testing.T) *world {
	t.Helper()
	c := clock.At(noon)
	w := &world{rating.New(rating.Config{Clock: c, Entries: 3}), c}
	t.Cleanup(w.Close)
	return w
}

func ask(c carrier.Carrier, timeout time.Duration) rating.Ask {
	return rating.Ask{Account: rating.Account{ID: id.New(), Version: 1, Carrier: c, Timeout: timeout}, Request: carrier.RateRequest{To: carrier.Address{Country: "US", Postcode: "10001"}, Currency: "USD", ShipAt: noon}}
}

var patience = rating.Patience{Deadline: 5 * time.Second, Failures: 5, Open: time.Minute}

func (w *world) one(t *testing.T, a rating.Ask) rating.Answer {
	t.Helper()
	return w.Rate(t.Context(), patience, []rating.Ask{a})[0]
}

func said(a rating.Answer) string {
	text := a.Code + a.Source
	for _, r := range a.Rates {
		text += fmt.Sprint(" ", r.Total.Minor)
	}
	return text
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNoCarrierHoldsUpTheOthersOrTheQuote(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := rating.Patience{Deadline: 60 * time.Millisecond, Failures: 5, Open: time.Minute}
	asks := []rating.Ask{ask(hung(), time.Hour), ask(answering(100), 0), ask(hung(), 20*time.Millisecond), ask(failing(carrier.KindMalformed), 0)}
	began := time.Now()
	answers := w.Rate(t.Context(), p, asks)
	if took := time.Since(began); took > time.Second {
		t.Errorf("the quote took %s", took)
	}
	for i, want := range []string{"carrier_timeout", "live 100", "carrier_timeout", "carrier_error"} {
		if got := said(answers[i]); got != want {
			t.Errorf("%d: got %s, want %s", i, got, want)
		}
	}
	if answers[2].Latency > answers[0].Latency+10*time.Millisecond {
		t.Errorf("its own time-out of 20 ms was %s, the deadline of 60 ms %s", answers[2].Latency, answers[0].Latency)
	}
}

func TestALateAnswerIsThereForTheNextQuote(t *testing.T) {
	t.Parallel()
	w := open(t)
	release := make(chan struct{})
	slow := &fake{rates: func(ctx context.Context, _ int64) (carrier.RateAnswer, error) {
		select {
		case <-release:
			return priced(70), nil
		case <-ctx.Done():
			return carrier.RateAnswer{}, &carrier.Error{Kind: carrier.KindTimeout}
		}
	}}
	a := ask(slow, 20*time.Millisecond)
	if got := said(w.one(t, a)); got != "carrier_timeout" {
		t.Fatalf("got %s", got)
	}
	close(release)
	for deadline := time.Now().Add(5 * time.Second); ; {
		if got := said(w.one(t, a)); got == "cache 70" || got == "live 70" {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("still %s", got)
		}
	}
	if got := said(w.one(t, a)); got != "cache 70" {
		t.Errorf("got %s", got)
	}
}

func TestTheSameQuestionIsAskedOnceAtATime(t *testing.T) {
	t.Parallel()
	w := open(t)
	begun, release := make(chan struct{}), make(chan struct{})
	c := &fake{rates: func(_ context.Context, call int64) (carrier.RateAnswer, error) {
		if call == 1 {
			close(begun)
		}
		<-release
		return priced(5), nil
	}}
	a := ask(c, 0)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got := said(w.one(t, a)); got != "live 5" && got != "cache 5" {
				t.Errorf("got %s", got)
			}
		})
	}
	<-begun
	close(release)
	all.Wait()
	if n := c.calls.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestACarrierThatKeepsFailingIsLeftAloneAndThenTriedOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	var broken atomic.Bool
	broken.Store(true)
	c := &fake{rates: func(context.Context, int64) (carrier.RateAnswer, error) {
		if broken.Load() {
			return carrier.RateAnswer{}, &carrier.Error{Kind: carrier.KindUpstream}
		}
		return priced(9), nil
	}}
	a := ask(c, 0)
	p := rating.Patience{Deadline: time.Second, Failures: 3, Open: 50 * time.Millisecond}
	once := func() string { return said(w.Rate(t.Context(), p, []rating.Ask{a})[0]) }
	for i := range 3 {
		if got := once(); got != "carrier_error" {
			t.Fatalf("%d: got %s", i, got)
		}
	}
	if got := once(); got != "carrier_breaker_open" || c.calls.Load() != 3 {
		t.Fatalf("got %s after %d calls", got, c.calls.Load())
	}
	broken.Store(false)
	for deadline := time.Now().Add(5 * time.Second); once() == "carrier_breaker_open"; {
		if time.Now().After(deadline) {
			t.Fatal("it is never tried again")
		}
	}
	if got := once(); got != "cache 9" || c.calls.Load() != 4 {
		t.Errorf("got %s after %d calls", got, c.calls.Load())
	}
}

func TestAHungCarrierCountsAsFailingWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	w := open(t)
	c := hung()
	p := rating.Patience{Deadline: 10 * time.Millisecond, Failures: 1, Open: time.Minute}
	a := ask(c, 0)
	for deadline := time.Now().Add(2 * time.Second); ; {
		a.Request.Parcels = append(a.Request.Parcels, carrier.Parcel{WeightG: 1}) // another question each time
		if said(w.Rate(t.Context(), p, []rating.Ask{a})[0]) == "carrier_breaker_open" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the breaker waits for the call to end")
		}
	}
}

func TestARefusedQuestionIsNoOutage(t *testing.T) {
	t.Parallel()
	w := open(t)
	for kind, want := range map[carrier.Kind]string{carrier.KindNotServiceable: "live", carrier.KindInvalid: "carrier_error"} {
		a := ask(failing(kind), 0)
		for range 8 {
			if got := said(w.one(t, a)); got != want {
				t.Errorf("%s: got %s, want %s", kind, got, want)
			}
		}
	}
}

func TestOldPricesStandInForADayAndNeverForAnotherAccountOrPriceList(t *testing.T) {
	t.Parallel()
	w := open(t)
	var broken atomic.Bool
	c := &fake{rates: func(context.Context, int64) (carrier.RateAnswer, error) {
		if broken.Load() {
			return carrier.RateAnswer{}, &carrier.Error{Kind: carrier.KindUpstream}
		}
		return priced(42), nil
	}}
	a := ask(c, 0)
	step := func(d time.Duration, want string) {
		t.Helper()
		w.clock.Advance(d)
		got := w.one(t, a)
		if said(got) != want {
			t.Errorf("at %s: got %s, want %s", w.clock.Now(), said(got), want)
		}
		if got.Source == "stale" && got.Age != w.clock.Now().Sub(noon) {
			t.Errorf("its age is %s", got.Age)
		}
	}
	step(0, "live 42")
	step(15*time.Minute, "cache 42")
	broken.Store(true)
	step(time.Second, "carrier_errorstale 42")
	other := a
	other.Account.ID = id.New()
	changed := a
	changed.Account.Version++
	later := a
	later.Since = w.clock.Now()
	for name, o := range map[string]rating.Ask{"another account": other, "other credentials": changed} {
		if got := said(w.one(t, o)); got != "carrier_error" {
			t.Errorf("%s: got %s", name, got)
		}
	}
	step(23*time.Hour, "carrier_errorstale 42")
	if got := w.one(t, later); len(got.Rates) != 0 {
		t.Errorf("prices from before the carrier changed them: %s", said(got))
	}
	step(time.Hour, "carrier_error")
}

func TestASlowAnswerIsAskedForAgainButRarely(t *testing.T) {
	t.Parallel()
	w := open(t)
	var slowOnes atomic.Int64
	c := &fake{rates: func(ctx context.Context, call int64) (carrier.RateAnswer, error) {
		if call > 60 && slowOnes.Add(1) == 1 { // of all later calls the first hangs
			<-ctx.Done()
			return carrier.RateAnswer{}, &carrier.Error{Kind: carrier.KindCanceled}
		}
		return priced(call), nil
	}}
	a := ask(c, 0)
	question := func() rating.Answer {
		a.Request.Parcels = append(a.Request.Parcels, carrier.Parcel{WeightG: 1})
		return w.one(t, a)
	}
	for range 60 {
		question()
	}
	if got := question(); got.Code != "" || got.Latency > 2*time.Second {
		t.Errorf("a slow call was not helped: %s after %s", said(got), got.Latency)
	}
	if n := c.calls.Load(); n < 62 || n > 64 { // a loaded machine may hedge a quick call or two, never more than one in twenty
		t.Errorf("61 questions took %d calls", n)
	}
}

func TestNonsenseOfACarrierIsNeverAPrice(t *testing.T) {
	t.Parallel()
	w := open(t)
	for name, c := range map[string]*fake{
		"a panic":    {rates: func(context.Context, int64) (carrier.RateAnswer, error) { panic("index out of range") }},
		"free":       answering(0),
		"paid to us": answering(-5),
		"no money": {rates: func(context.Context, int64) (carrier.RateAnswer, error) {
			return carrier.RateAnswer{Rates: []carrier.Rate{{Total: money.Amount{Minor: 5}}}}, nil
		}},
		"another error": {rates: func(context.Context, int64) (carrier.RateAnswer, error) {
			return carrier.RateAnswer{}, errors.New("unexpected")
		}},
	} {
		if got := w.one(t, ask(c, 0)); got.Code != "carrier_error" || len(got.Rates) != 0 {
			t.Errorf("%s: got %s", name, said(got))
		}
	}
}

func TestACarrierThatAsksForAPauseIsGivenIt(t *testing.T) {
	t.Parallel()
	w := open(t)
	c := &fake{rates: func(context.Context, int64) (carrier.RateAnswer, error) {
		return carrier.RateAnswer{}, &carrier.Error{Kind: carrier.KindRateLimited, RetryAfter: time.Minute}
	}}
	a := ask(c, 0)
	w.one(t, a)
	if got := said(w.one(t, a)); got != "carrier_error" || c.calls.Load() != 1 {
		t.Errorf("got %s after %d calls", got, c.calls.Load())
	}
}

func TestTheMemoryOfPricesIsBounded(t *testing.T) {
	t.Parallel()
	w := open(t) // for three answers
	c := answering(3)
	a := ask(c, 0)
	var sources []string
	for _, postcode := range []string{"1", "2", "3", "1", "4", "2"} {
		a.Request.To.Postcode = postcode
		sources = append(sources, w.one(t, a).Source)
	}
	if got := strings.Join(sources, " "); got != "live live live cache live live" {
		t.Errorf("got %s", got)
	}
}

func TestAPartialAnswerIsAskedForAgainSoon(t *testing.T) {
	t.Parallel()
	w := open(t)
	c := &fake{rates: func(context.Context, int64) (carrier.RateAnswer, error) {
		answer := priced(8)
		answer.Refused = []carrier.Refusal{{Service: "air", Kind: carrier.KindTimeout}}
		return answer, nil
	}}
	a := ask(c, 0)
	w.one(t, a)
	w.clock.Advance(61 * time.Second)
	if got := said(w.one(t, a)); got != "live 8" {
		t.Errorf("got %s", got)
	}
}
