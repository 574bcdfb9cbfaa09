package wire_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/payment/paymenttest"
	"doorstep/payment/sandbox"
	"doorstep/payment/sandbox/wire"
	"doorstep/payment/stripepay"
)

// The wire format is right when Stripe's own library cannot tell, and when what
// goes wrong on the wire does no harm behind it.
func TestStripesLibraryKeepsThePromisesAtThisDoorWhateverGoesWrong(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(t *testing.T) paymenttest.Bench {
		c, faults := &clock.System{}, sandbox.NewFaults(1, 0)
		bank, err := sandbox.Open("", "https://bank.example/3ds/", c)
		if err != nil {
			t.Fatal(err)
		}
		bank.SlowFor, bank.LostFor = 10*time.Millisecond, 20*time.Second
		server := httptest.NewServer(wire.New(bank, wire.Options{Clock: c, Faults: faults}))
		t.Cleanup(func() {
			server.CloseClientConnections()
			server.Close()
			if err := bank.Close(); err != nil {
				t.Error(err)
			}
		})
		const secret = "whsec_of_a_test"
		return paymenttest.Bench{
			Provider: stripepay.New(stripepay.Config{
				Key: "sk_test_1", Base: server.URL, ReturnURL: "https://shop.example/back", Secrets: []string{secret}, Clock: c, Rate: 10_000,
			}),
			Approved: sandbox.Visa, Declined: sandbox.Declined, Challenged: sandbox.ThreeDSecure, Silent: sandbox.LostAnswer, Faults: faults,
			Authenticate: func(_ context.Context, p uuid.UUID, succeeded bool) error {
				return bank.Authenticate(p.String(), succeeded)
			},
			Listen: func(shop func(context.Context, http.Header, []byte) error) func() {
				return bank.Deliver(sandbox.Post{To: shop, Secret: secret}).Close
			},
			Sign: func(body []byte) http.Header {
				return http.Header{sandbox.SignatureHeader: {sandbox.Sign(secret, body, c.Now())}}
			},
			RefundOutside: func(_ context.Context, id string, amount int64) error {
				_, err := bank.RefundOutside(id, amount)
				return err
			},
			Dispute: func(_ context.Context, id string) error { return bank.Dispute(id) },
		}
	})
}
