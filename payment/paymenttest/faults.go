package paymenttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"doorstep/internal/killpoint/toll"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// Faults makes the gateway behind a provider go wrong; *sandbox.Faults is one.
type Faults interface {
	// Once makes the next call of a kind have this fault.
	Once(c sandbox.Call, kind sandbox.Fault)
	// Clear forgets what Once has asked for and has not happened, and counts it.
	Clear() int
}

// short is the time of a call that is not answered.
const short = 150 * time.Millisecond

// again is how often a call that failed is made again with its key.
const again = 3

// cells are the calls that can go wrong, and what is true after each of them.
var cells = map[sandbox.Call]func(s *suite, kind sandbox.Fault){
	sandbox.CallAuthorize: authorizesOnce,
	sandbox.CallFind:      findsTheTruth,
	sandbox.CallCapture: func(s *suite, kind sandbox.Fault) {
		a, r := s.hold()
		s.movesOnce(kind, sandbox.CallCapture, s.Provider.Capture, s.move(r, amount), a, payment.Captured, amount, 0)
	},
	sandbox.CallVoid: func(s *suite, kind sandbox.Fault) {
		a, r := s.hold()
		s.movesOnce(kind, sandbox.CallVoid, s.Provider.Void, s.move(r, 0), a, payment.Voided, 0, 0)
	},
	sandbox.CallRefund: func(s *suite, kind sandbox.Fault) {
		a, r := s.captured()
		s.movesOnce(kind, sandbox.CallRefund, s.Provider.Refund, s.move(r, amount/4), a, payment.Captured, amount, amount/4)
	},
	sandbox.CallList: listsAllOrFails,
}

// faulty runs each call with each fault, on a bench of its own.
func faulty(t *testing.T, bench func(t *testing.T) Bench) {
	count := toll.Begin(t, "gateway faults, each kind in each call")
	for _, call := range sandbox.Calls() {
		for _, kind := range sandbox.FaultKinds() {
			t.Run(string(call)+": "+string(kind), func(t *testing.T) {
				t.Parallel()
				s := newSuite(t, bench(t))
				if s.Faults == nil {
					t.Skip("its gateway cannot be made to go wrong")
				}
				if kind != sandbox.Answers {
					count.Fault()
				}
				cells[call](s, kind)
			})
		}
	}
}

// during is the time for a call with a fault.
func (s *suite) during(kind sandbox.Fault) context.Context {
	if kind != sandbox.LosesAnswer && kind != sandbox.Silent {
		return s.context()
	}
	ctx, cancel := context.WithTimeout(s.context(), short)
	s.Cleanup(cancel)
	return ctx
}

// suffered ends the fault of a call. It must have happened, or the cell proves
// nothing; only what nobody hears in time may come too late.
func (s *suite) suffered(kind sandbox.Fault) {
	s.Helper()
	if left := s.Faults.Clear(); left > 0 && kind != sandbox.LosesAnswer && kind != sandbox.Silent {
		s.Errorf("%d faults have not happened: the call goes another way", left)
	}
}

// unsure wants an error that says no more than is known.
func (s *suite) unsure(err error) {
	s.Helper()
	if errors.Is(err, payment.ErrNotAtGateway) {
		s.Errorf("silence was taken for an answer: %v", err)
	}
}

func authorizesOnce(s *suite, kind sandbox.Fault) {
	a := s.wish(s.Approved)
	s.Faults.Once(sandbox.CallAuthorize, kind)
	r, err := s.Provider.Authorize(s.during(kind), a)
	s.suffered(kind)
	if err != nil {
		s.unsure(err)
	} else {
		s.want(r, payment.Authorized, 0, 0)
	}
	if kind == sandbox.Answers && err != nil {
		s.Errorf("without a fault: %v", err)
	}
	// As the shop does it: who does not know asks, and begins anew only when it is
	// certain that nothing was begun.
	now, err := s.Provider.Find(s.context(), a.Key)
	for i := 0; errors.Is(err, payment.ErrNotAtGateway) && i < again; i++ {
		if r, err = s.Provider.Authorize(s.context(), a); err == nil {
			s.want(r, payment.Authorized, 0, 0)
		}
		now, err = s.Provider.Find(s.context(), a.Key)
	}
	if err != nil {
		s.Fatalf("it is never known: %v", err)
	}
	s.want(now, payment.Authorized, 0, 0)
	if r.GatewayID != "" && r.GatewayID != now.GatewayID {
		s.Errorf("answered %s, and it is %s", r.GatewayID, now.GatewayID)
	}
	if b, ok := s.Provider.(payment.Bookkeeper); ok {
		s.one(b, a)
	}
}

func findsTheTruth(s *suite, kind sandbox.Fault) {
	a, held := s.hold()
	// Some gateways are asked for one payment, and some for a list of them.
	s.Faults.Once(sandbox.CallFind, kind)
	s.Faults.Once(sandbox.CallList, kind)
	r, err := s.Provider.Find(s.during(kind), a.Key)
	s.Faults.Clear()
	if err != nil {
		s.unsure(err)
	} else if s.want(r, payment.Authorized, 0, 0); r.GatewayID != held.GatewayID {
		s.Errorf("%s became %s", held.GatewayID, r.GatewayID)
	}
	s.want(s.find(a), payment.Authorized, 0, 0)
}

// movesOnce makes a call that suffers a fault, makes it again with its key as
// the shop does, and wants that it has happened once.
func (s *suite) movesOnce(kind sandbox.Fault, name sandbox.Call, do call, m payment.Movement, a payment.Authorization, status payment.Status, captured, refunded int64) {
	s.Helper()
	s.Faults.Once(name, kind)
	r, err := do(s.during(kind), m)
	s.suffered(kind)
	if kind == sandbox.Answers && err != nil {
		s.Errorf("without a fault: %v", err)
	}
	var refund string
	for i := 0; ; i++ {
		if err == nil {
			s.want(r, status, captured, refunded)
			if name == sandbox.CallRefund {
				s.refunded(r)
			}
			if refund != "" && r.RefundID != refund {
				s.Errorf("%s became %s", refund, r.RefundID)
			}
			refund = r.RefundID
		} else {
			s.unsure(err)
		}
		if i == again {
			break
		}
		r, err = do(s.context(), m)
	}
	s.want(s.find(a), status, captured, refunded)
	if b, ok := s.Provider.(payment.Bookkeeper); ok && refunded > 0 {
		if c := s.one(b, a); len(c.Refunds) != 1 || c.Refunds[0].Amount != refunded {
			s.Errorf("one refund in the books as %+v", c.Refunds)
		}
	}
}

func listsAllOrFails(s *suite, kind sandbox.Fault) {
	b := s.bookkeeper()
	var wished []payment.Authorization
	for range 3 {
		a, _ := s.hold()
		wished = append(wished, a)
	}
	s.Faults.Once(sandbox.CallList, kind)
	seen := map[string]int{}
	err := b.Charges(s.during(kind), s.now().Add(-time.Hour), s.now().Add(time.Hour), func(c payment.GatewayCharge) error {
		seen[c.PaymentID.String()]++
		return nil
	})
	s.suffered(kind)
	for _, a := range wished {
		if n := seen[a.PaymentID.String()]; err == nil && n != 1 {
			s.Errorf("no error, and %d entries of %s", n, a.PaymentID)
		}
	}
	if kind == sandbox.Answers && err != nil {
		s.Errorf("without a fault: %v", err)
	}
	for _, a := range wished {
		s.one(b, a)
	}
}
