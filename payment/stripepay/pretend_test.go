package stripepay

import (
	"net/http"

	"github.com/stripe/stripe-go/v76"
)

// pretending answers reads with an intent that stands in another way than the
// one that was read.
type pretending struct {
	stripe.Backend
	stands func(pi *stripe.PaymentIntent)
}

func (w pretending) Call(method, path, key string, params stripe.ParamsContainer, v stripe.LastResponseSetter) error {
	err := w.Backend.Call(method, path, key, params, v)
	if pi, ok := v.(*stripe.PaymentIntent); ok && method == http.MethodGet {
		w.stands(pi)
	}
	return err
}

// where is g for which every intent that is read stands as stands wants it.
func (g *Gateway) where(stands func(pi *stripe.PaymentIntent)) *Gateway {
	other := New(g.config)
	other.intents.B = pretending{g.intents.B, stands}
	return other
}
