package checkout_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// TestACrowdBeforeAGatewayOutOfItsMind lets buyers at once buy what is scarce,
// with codes that are scarcer, from a gateway that fails every third call, while
// recovery, expiry and the sweeper run and time flies.
func TestACrowdBeforeAGatewayOutOfItsMind(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 4; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.product("MUG", 15)
			w.elsewhere(w.product("TEA", 8), 8)
			w.promote("TEN", 5, 2)
			w.front.be(someMood(seed))
			s := &scene{world: w}
			var left atomic.Int64
			var placed [8][]string
			left.Store(int64(len(placed)))
			atOnce(len(placed)+1, func(b int) {
				if b == len(placed) {
					for left.Load() > 0 {
						w.clock.Advance(4 * time.Second)
						_, swept := w.catalog.Sweep(t.Context())
						for _, err := range []error{w.svc.Recover(t.Context(), 10*time.Second), w.svc.Expire(t.Context()), swept} {
							if err != nil {
								t.Error(err)
							}
						}
					}
					return
				}
				defer left.Add(-1)
				r := rand.New(rand.NewPCG(seed, uint64(b)))
				for n := range 6 {
					if number := s.shop(r, fmt.Sprint(b, "-", n)); number != "" {
						placed[b] = append(placed[b], number)
					}
				}
			})
			for _, numbers := range placed {
				s.acknowledged = append(s.acknowledged, numbers...)
			}
			t.Log(len(s.acknowledged), "orders told of")
			w.settled()
			s.kept()
		})
	}
}

// shop is one buyer's way: start, pay, and ask again until told for good.
func (s *scene) shop(r *rand.Rand, key string) string {
	f, email := form(), fmt.Sprintf("buyer%d@example.com", r.IntN(4))
	f.Email = &email
	if r.IntN(2) == 0 {
		f.Codes = &[]string{"TEN"}
	}
	items := []checkout.Item{{SKU: "MUG", Quantity: 1}, {SKU: "TEA", Quantity: 1 + r.Int64N(2)}}
	v, err := s.svc.Start(s.t.Context(), checkout.Request{Merchant: s.merchant, Items: items[r.IntN(2):], Locale: "en", Form: f})
	if err != nil {
		s.understood(err)
		return ""
	}
	method, token := payment.Card, sandbox.Tokens()[r.IntN(7)]
	if r.IntN(4) == 0 {
		method, token = payment.CashOnDelivery, ""
	}
	for try := range 40 {
		switch out, err := s.pay(v, key, method, token); {
		case out.Order != nil:
			return out.Order.Number
		case out.Replay != nil || err != nil && fault.KindOf(err) == fault.Declined || fault.Is(err, checkout.ErrOutOfStock, checkout.ErrTotalChanged, checkout.ErrClosed):
			return ""
		case out.Action != nil:
			_ = s.gateway.Authenticate(out.PaymentID.String(), r.IntN(3) > 0) // it may have been given up meanwhile
			method, token, key = payment.Card, "", fmt.Sprint(key, "+")
		case err != nil:
			s.understood(err)
		default:
			if try > 2 {
				s.clock.Advance(time.Second)
			}
		}
	}
	return ""
}

func (s *scene) understood(err error) {
	if fault.KindOf(err) == fault.Internal {
		s.t.Errorf("an error without words: %v", err)
	}
}
