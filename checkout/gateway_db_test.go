package checkout_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"

	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// mood is how the gateway takes one call. The zero value is its best one.
type mood struct {
	before func()                // happens while the request is on its way
	skip   bool                  // it never acts
	after  func()                // happens while the answer is on its way
	err    error                 // the answer, whatever was done
	twist  func(*payment.Result) // what becomes of the answer
}

// moody is a gateway that may do and answer, do and lose the answer, do nothing
// and say so, panic, or talk nonsense, per call.
type moody struct {
	*sandbox.Gateway
	pass func() // called before and after it acts
	mu   sync.Mutex
	next func(call string) mood
}

// be sets how calls are taken from now on; nil is well.
func (g *moody) be(next func(call string) mood) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next = next
}

// once sets how the next call of that name is taken.
func (g *moody) once(call string, m mood) {
	done := false
	g.be(func(got string) mood {
		if done || got != call {
			return mood{}
		}
		done = true
		return m
	})
}

func (g *moody) take(call string, do func() (payment.Result, error)) (payment.Result, error) {
	g.mu.Lock()
	var m mood
	if g.next != nil {
		m = g.next(call)
	}
	g.mu.Unlock()
	g.pass()
	if m.before != nil {
		m.before()
	}
	var r payment.Result
	var err error
	if !m.skip {
		r, err = do()
	}
	g.pass()
	if m.after != nil {
		m.after()
	}
	if m.err != nil {
		return payment.Result{}, m.err
	}
	if m.twist != nil {
		m.twist(&r)
	}
	return r, err
}

func (g *moody) Authorize(ctx context.Context, a payment.Authorization) (payment.Result, error) {
	return g.take("authorize", func() (payment.Result, error) { return g.Gateway.Authorize(ctx, a) })
}

func (g *moody) Find(ctx context.Context, key string) (payment.Result, error) {
	return g.take("find", func() (payment.Result, error) { return g.Gateway.Find(ctx, key) })
}

func (g *moody) Capture(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.take("capture", func() (payment.Result, error) { return g.Gateway.Capture(ctx, m) })
}

func (g *moody) Void(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.take("void", func() (payment.Result, error) { return g.Gateway.Void(ctx, m) })
}

func (g *moody) Refund(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.take("refund", func() (payment.Result, error) { return g.Gateway.Refund(ctx, m) })
}

var (
	errLost    = errors.New("read: connection reset by peer")
	errServer  = errors.New("500 internal server error")
	errTooMany = errors.New("429 too many requests")
)

// moods are the faults that a call can have, by name.
var moods = map[string]mood{
	"answers":              {},
	"does and loses":       {err: errLost},
	"does and says 500":    {err: errServer},
	"does nothing and 500": {skip: true, err: errServer},
	"429":                  {skip: true, err: errTooMany},
	"times out before":     {skip: true, err: context.DeadlineExceeded},
	"panics before":        {before: func() { panic("provider") }},
	"panics after":         {after: func() { panic("provider") }},
}

// someMood is a fault for each third call, by the seed.
func someMood(seed uint64) func(string) mood {
	r := rand.New(rand.NewPCG(seed, 1))
	names := []string{"does and loses", "does and says 500", "does nothing and 500", "429", "times out before", "panics before", "panics after"}
	return func(string) mood {
		if r.IntN(3) > 0 {
			return mood{}
		}
		return moods[names[r.IntN(len(names))]]
	}
}
