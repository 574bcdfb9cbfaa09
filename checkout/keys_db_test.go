package checkout_test

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/internal/killpoint/toll"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// TestEightCallersWithOneKeyGetOneOrder lets eight callers send each request at
// once: one effect, and an answer that is the order, or that it is under way.
func TestEightCallersWithOneKeyGetOneOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := 60
	if os.Getenv("DOORSTEP_TEST_THOROUGH") != "" {
		keys = 1000
	}
	count := toll.Begin(t, "8 callers with one key")
	for i, v := range w.ready(keys) {
		key := fmt.Sprint("k", i)
		var numbers sync.Map
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				count.Fault()
				switch out, err := w.pay(v, key, payment.Card, sandbox.Visa); {
				case out.Order != nil:
					numbers.Store(out.Order.Number, true)
				case out.Replay != nil || fault.Is(err, idem.ErrInFlight, checkout.ErrInProgress):
				default:
					t.Errorf("%+v %v", out, err)
				}
			})
		}
		callers.Wait()
		n := 0
		numbers.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			count.Harm(t, map[bool]toll.Harm{true: toll.Doubled, false: toll.Lost}[n > 1], "%d orders were told of", n)
		}
		if out, err := w.pay(v, key, payment.Card, sandbox.Visa); err != nil || out.Replay == nil || out.Replay.Status != 200 {
			t.Fatalf("afterwards: %+v %v", out, err)
		}
		other := idem.Key{Merchant: w.merchant, Key: key, Hash: []byte("another request")}
		if _, err := w.svc.Complete(t.Context(), checkout.Completion{
			Who: checkout.Access{Merchant: w.merchant, Secret: v.Secret}, Checkout: v.ID, Key: other,
			Payment: checkout.Payment{Method: payment.Card, Token: sandbox.Visa},
		}); !fault.Is(err, idem.ErrConflict) {
			count.Harm(t, toll.Wrong, "another request under the key: %v", err)
		}
		count.Fault()
	}
	if n := w.count(`select count(*) from orders where merchant_id = $1`, w.merchant); n != int64(keys) {
		count.Harm(t, map[bool]toll.Harm{true: toll.Doubled, false: toll.Lost}[n > int64(keys)], "%d orders of %d keys", n, keys)
	}
	w.settled()
}
