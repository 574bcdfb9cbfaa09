package paymenttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"doorstep/internal/killpoint/toll"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// seedsEnv is how many storms there are, for a longer campaign: each costs about
// a second, most of it spent waiting.
const seedsEnv = "DOORSTEP_FAULT_SEEDS"

const (
	stormSeeds = 2
	stormSteps = 20
)

// storms runs random purchases at a gateway of which every other call goes
// wrong. A seed that fails plays again.
func storms(t *testing.T, bench func(t *testing.T) Bench) {
	seeds := stormSeeds
	if n, err := strconv.Atoi(os.Getenv(seedsEnv)); err == nil {
		seeds = n
	}
	count := toll.Begin(t, "gateway faults in storms")
	for seed := range seeds {
		t.Run(fmt.Sprint("whatever goes wrong, nothing is lost or doubled, seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := newSuite(t, bench(t))
			if s.Faults == nil {
				t.Skip("its gateway cannot be made to go wrong")
			}
			(&storm{suite: s, random: rand.New(rand.NewPCG(uint64(seed), 0)), count: count}).rage()
		})
	}
}

type storm struct {
	*suite
	random *rand.Rand
	count  *toll.Count
	bills  []*bill
	trace  []string
}

// bill is a payment as it must be at the gateway.
type bill struct {
	payment.Authorization
	number             int
	id                 string
	status             payment.Status
	captured, refunded int64
	refunds            int
}

func (s *storm) rage() {
	s.Cleanup(func() {
		if s.Failed() {
			for _, line := range s.trace {
				s.Log(line)
			}
		}
	})
	for range stormSteps {
		if len(s.bills) == 0 || s.random.IntN(3) == 0 {
			s.buy()
			continue
		}
		s.step(s.bills[s.random.IntN(len(s.bills))])
	}
	for _, b := range s.bills {
		s.standsAs(b)
	}
}

// step does to a payment what may be done to it next.
func (s *storm) step(b *bill) {
	switch {
	case b.status == payment.Authorized && s.random.IntN(3) > 0:
		s.does("capture", sandbox.CallCapture, b, s.Provider.Capture, amount, func() { b.status, b.captured = payment.Captured, amount })
	case b.status == payment.Authorized:
		s.does("void", sandbox.CallVoid, b, s.Provider.Void, 0, func() { b.status = payment.Voided })
	case b.captured-b.refunded >= amount/4:
		s.does("refund", sandbox.CallRefund, b, s.Provider.Refund, amount/4, func() {
			b.refunded += amount / 4
			b.refunds++
		})
	default:
		s.standsAs(b)
	}
}

// luck is how the next call goes: well every other time.
func (s *storm) luck() sandbox.Fault {
	if s.random.IntN(2) == 0 {
		return sandbox.Answers
	}
	kinds := sandbox.FaultKinds()
	return kinds[s.random.IntN(len(kinds))]
}

// try makes one call, which goes as luck has it. The last of several goes well.
func (s *storm) try(i int, c sandbox.Call, b *bill, do func(ctx context.Context) error) error {
	kind := sandbox.Answers
	if i < again {
		kind = s.luck()
	}
	if kind != sandbox.Answers {
		s.count.Fault()
	}
	s.Faults.Once(c, kind)
	err := do(s.during(kind))
	s.Faults.Clear()
	s.trace = append(s.trace, fmt.Sprintf("payment %d, %s: %s: %v", b.number, c, kind, err))
	return err
}

func (s *storm) buy() {
	b := &bill{Authorization: s.wish(s.Approved), number: len(s.bills), status: payment.Authorized}
	s.bills = append(s.bills, b)
	for i := range again + 1 {
		err := s.try(i, sandbox.CallAuthorize, b, func(ctx context.Context) error {
			r, err := s.Provider.Authorize(ctx, b.Authorization)
			if err == nil {
				s.want(r, payment.Authorized, 0, 0)
			}
			return err
		})
		if err != nil {
			s.unsure(err)
		}
		r, err := s.Provider.Find(s.context(), b.Key)
		if errors.Is(err, payment.ErrNotAtGateway) {
			continue
		}
		if err != nil {
			s.Fatal(err)
		}
		b.id = r.GatewayID
		break
	}
	s.standsAs(b)
}

// does makes a call until it has gone well, with one key, and notes its effect.
func (s *storm) does(what string, c sandbox.Call, b *bill, do call, n int64, effect func()) {
	s.Helper()
	m := s.move(payment.Result{GatewayID: b.id}, n)
	effect()
	for i := range again + 1 {
		err := s.try(i, c, b, func(ctx context.Context) error {
			r, err := do(ctx, m)
			if err == nil {
				s.want(r, b.status, b.captured, b.refunded)
			}
			return err
		})
		if err == nil {
			break
		}
		if s.unsure(err); s.Failed() {
			s.Fatalf("%s of payment %d", what, b.number)
		}
	}
	s.standsAs(b)
}

// standsAs compares a payment with the gateway and with its books.
func (s *storm) standsAs(b *bill) {
	s.Helper()
	r := s.find(b.Authorization)
	s.want(r, b.status, b.captured, b.refunded)
	if r.GatewayID != b.id {
		s.Fatalf("%s became %s", b.id, r.GatewayID)
	}
	if k, ok := s.Provider.(payment.Bookkeeper); ok {
		if c := s.one(k, b.Authorization); len(c.Refunds) != b.refunds || c.Refunded != b.refunded {
			s.count.Harm(s, toll.Wrong, "want %d refunds of %d: %+v", b.refunds, b.refunded, c)
		}
	}
}
