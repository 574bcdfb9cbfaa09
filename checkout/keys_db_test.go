package checkout_test

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
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
	for i, v := range w.ready(keys) {
		key := fmt.Sprint("k", i)
		var numbers sync.Map
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
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
			t.Fatalf("%d orders were told of", n)
		}
		if out, err := w.pay(v, key, payment.Card, sandbox.Visa); err != nil || out.Replay == nil || out.Replay.Status != 200 {
			t.Fatalf("afterwards: %+v %v", out, err)
		}
		other := idem.Key{Merchant: w.merchant, Key: key, Hash: []byte("another request")}
		if _, err := w.svc.Complete(t.Context(), checkout.Completion{
			Who: checkout.Access{Merchant: w.merchant, Secret: v.Secret}, Checkout: v.ID, Key: other,
			Payment: checkout.Payment{Method: payment.Card, Token: sandbox.Visa},
		}); !fault.Is(err, idem.ErrConflict) {
			t.Fatalf("another request under the key: %v", err)
		}
	}
	if n := w.count(`select count(*) from orders where merchant_id = $1`, w.merchant); n != int64(keys) {
		t.Errorf("%d orders of %d keys", n, keys)
	}
	w.settled()
}
