package paymenttest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"doorstep/payment"
)

func capturesAll(s *suite) {
	a, r := s.hold()
	s.wantBoth(s.does("capture", s.Provider.Capture, s.move(r, amount)), a, payment.Captured, amount, 0)
}

func capturesPart(s *suite) {
	if !s.Provider.Capabilities().PartialCapture {
		s.Skip("it does not capture in part")
	}
	a, r := s.hold()
	part := s.move(r, amount/4)
	s.wantBoth(s.does("capture", s.Provider.Capture, part), a, payment.Captured, amount/4, 0)
	s.refused("capture of the rest, which was let go", s.Provider.Capture, s.move(r, amount/4), a)
	s.wantBoth(s.does("capture with the same key", s.Provider.Capture, part), a, payment.Captured, amount/4, 0)
}

func capturesOnce(s *suite) {
	a, r := s.hold()
	m := s.move(r, amount)
	for range 3 {
		s.wantBoth(s.does("capture", s.Provider.Capture, m), a, payment.Captured, amount, 0)
	}
	s.refused("capture with another key", s.Provider.Capture, s.move(r, amount), a)
}

func capturesNoMore(s *suite) {
	a, r := s.hold()
	for _, n := range []int64{amount + 1, 0, -1} {
		s.refused("capture", s.Provider.Capture, s.move(r, n), a)
	}
	s.wantBoth(s.does("capture", s.Provider.Capture, s.move(r, amount)), a, payment.Captured, amount, 0)
}

func voids(s *suite) {
	a, r := s.hold()
	m := s.move(r, 0)
	for range 2 {
		s.wantBoth(s.does("void", s.Provider.Void, m), a, payment.Voided, 0, 0)
	}
	s.refused("void with another key", s.Provider.Void, s.move(r, 0), a)
	// The answer says how things stand, so that who is late can note it.
	s.wantBoth(s.does("capture", s.Provider.Capture, s.move(r, amount)), a, payment.Voided, 0, 0)
	s.refused("refund", s.Provider.Refund, s.move(r, 1), a)
	if again := s.authorize(a); again.Status == payment.Authorized && again.GatewayID != r.GatewayID {
		s.Errorf("held anew: %+v", again)
	}
}

func voidsNothingCaptured(s *suite) {
	a, r := s.hold()
	s.does("capture", s.Provider.Capture, s.move(r, amount))
	s.wantBoth(s.does("void", s.Provider.Void, s.move(r, 0)), a, payment.Captured, amount, 0)
}

// captured is a payment of which everything was taken.
func (s *suite) captured() (payment.Authorization, payment.Result) {
	s.Helper()
	a, r := s.hold()
	s.want(s.does("capture", s.Provider.Capture, s.move(r, amount)), payment.Captured, amount, 0)
	return a, r
}

// refunded wants a refund that succeeded.
func (s *suite) refunded(r payment.Result) {
	s.Helper()
	if r.RefundID == "" || r.RefundFailed || r.FailureCode != "" {
		s.Fatalf("not refunded: %+v", r)
	}
}

func refunds(s *suite) {
	a, held := s.captured()
	part := s.does("refund", s.Provider.Refund, s.move(held, amount/4))
	s.refunded(part)
	s.wantBoth(part, a, payment.Captured, amount, amount/4)
	rest := s.does("refund", s.Provider.Refund, s.move(held, amount-amount/4))
	s.refunded(rest)
	s.wantBoth(rest, a, payment.Captured, amount, amount)
	if part.RefundID == rest.RefundID {
		s.Error("two refunds have one id")
	}
	now := s.find(a)
	if now.Refunds == nil {
		return // it does not say
	}
	var ids []string
	for _, r := range now.Refunds {
		if ids = append(ids, r.GatewayID); r.Failed || r.Amount != amount/4 && r.Amount != amount-amount/4 {
			s.Errorf("%+v", r)
		}
	}
	if len(ids) != 2 || !slices.Contains(ids, part.RefundID) || !slices.Contains(ids, rest.RefundID) || now.Dispute != "" {
		s.Errorf("want the refunds %s and %s: %+v", part.RefundID, rest.RefundID, now)
	}
}

func fetches(s *suite) {
	f, ok := s.Provider.(payment.Fetcher)
	if !ok {
		s.Skip("it is asked by its keys only")
	}
	a, held := s.captured()
	s.refunded(s.does("refund", s.Provider.Refund, s.move(held, amount/4)))
	r, err := f.Fetch(s.context(), a.Key, held.GatewayID)
	if err != nil {
		s.Fatal(err)
	}
	s.want(r, payment.Captured, amount, amount/4)
	if _, err := f.Fetch(s.context(), s.wish(s.Approved).Key, "pi_"+uuid.NewString()); !errors.Is(err, payment.ErrNotAtGateway) {
		s.Errorf("what it does not know: %v", err)
	}
}

func refundsNoMore(s *suite) {
	a, held := s.captured()
	s.refunded(s.does("refund", s.Provider.Refund, s.move(held, amount/2)))
	for _, n := range []int64{amount/2 + 1, amount, 0, -1} {
		r := s.refused("refund", s.Provider.Refund, s.move(held, n), a)
		if n > 0 && (!r.RefundFailed || r.FailureCode == "") {
			s.Errorf("refund of %d: the refusal is not said: %+v", n, r)
		}
	}
	s.refunded(s.does("refund of the rest", s.Provider.Refund, s.move(held, amount/2)))
}

func refundsOnce(s *suite) {
	a, held := s.captured()
	m := s.move(held, amount/4)
	first := s.does("refund", s.Provider.Refund, m)
	s.refunded(first)
	s.refunded(s.does("another refund", s.Provider.Refund, s.move(held, 1)))
	for range 2 {
		again := s.does("refund with the same key", s.Provider.Refund, m)
		s.refunded(again)
		if again.RefundID != first.RefundID {
			s.Errorf("%s became %s", first.RefundID, again.RefundID)
		}
	}
	s.want(s.find(a), payment.Captured, amount, amount/4+1)
}

func refundsNothingHeld(s *suite) {
	a, r := s.hold()
	if r := s.refused("refund of a hold", s.Provider.Refund, s.move(r, 1), a); !r.RefundFailed {
		s.Errorf("the refusal is not said: %+v", r)
	}
}

func movesNothingUnknown(s *suite) {
	stranger := payment.Result{GatewayID: "pi_" + uuid.NewString()}
	for what, do := range map[string]call{"capture": s.Provider.Capture, "void": s.Provider.Void, "refund": s.Provider.Refund} {
		r, err := do(s.context(), s.move(stranger, 1))
		if err == nil && !r.RefundFailed && (r.Status == payment.Captured || r.Status == payment.Voided || r.RefundID != "") {
			s.Errorf("%s: %+v", what, r)
		}
	}
}

// crowd is how many call at once.
const crowd = 8

// together calls do from many sides at once.
func (s *suite) together(do func(i int)) {
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

func manyOfOne(s *suite) {
	a := s.wish(s.Approved)
	var ids [crowd]string
	ctx := s.context()
	s.together(func(i int) {
		// A gateway may refuse a key that is in use at this instant.
		if r, err := s.Provider.Authorize(ctx, a); err == nil {
			ids[i] = r.GatewayID
		}
	})
	held := s.find(a)
	s.want(held, payment.Authorized, 0, 0)
	for _, one := range ids {
		if one != "" && one != held.GatewayID {
			s.Fatalf("one key, several payments: %v", ids)
		}
	}
	m := s.move(held, amount)
	s.together(func(int) { _, _ = s.Provider.Capture(ctx, m) })
	s.wantBoth(s.does("capture", s.Provider.Capture, m), a, payment.Captured, amount, 0)
	back := s.move(held, amount/4)
	s.together(func(int) { _, _ = s.Provider.Refund(ctx, back) })
	s.refunded(s.does("refund", s.Provider.Refund, back))
	s.want(s.find(a), payment.Captured, amount, amount/4)
}

func manyRefunds(s *suite) {
	a, held := s.captured()
	const each = amount * 3 / 10 // three fit
	var done atomic.Int64
	ctx := s.context()
	s.together(func(int) {
		r, err := s.Provider.Refund(ctx, s.move(held, each))
		if err == nil && !r.RefundFailed {
			done.Add(1)
		}
	})
	now := s.find(a)
	if now.Refunded > amount || now.Refunded != done.Load()*each {
		s.Errorf("%d were refunded, by %d refunds", now.Refunded, done.Load())
	}
}

func captureOrVoid(s *suite) {
	for range 10 {
		a, held := s.hold()
		ctx := s.context()
		s.together(func(i int) {
			if i%2 == 0 {
				_, _ = s.Provider.Capture(ctx, payment.Movement{Key: "cap:" + a.Key, GatewayID: held.GatewayID, Amount: amount, Currency: s.Currency})
			} else {
				_, _ = s.Provider.Void(ctx, payment.Movement{Key: "void:" + a.Key, GatewayID: held.GatewayID, Currency: s.Currency})
			}
		})
		now := s.find(a)
		if (now.Status != payment.Captured || now.Captured != amount) && (now.Status != payment.Voided || now.Captured != 0) {
			s.Fatalf("%+v", now)
		}
		for what, do := range map[string]call{"capture": s.Provider.Capture, "void": s.Provider.Void} {
			if r := s.does(what, do, s.move(held, amount)); r.Status != now.Status || r.Captured != now.Captured {
				s.Fatalf("%s says %+v after %+v", what, r, now)
			}
		}
	}
}
