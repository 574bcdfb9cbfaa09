package cart_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doorstep/cart"
)

func ptr[T any](v T) *T { return &v }

// happened makes events a minute apart.
func happened(all ...cart.Event) []cart.Event {
	for i := range all {
		all[i].At = start.Add(time.Duration(i) * time.Minute)
		if all[i].Source == "" {
			all[i].Source = cart.FromAPI
		}
		if all[i].Step == "" {
			all[i].Step = cart.StepPayment
		}
	}
	return all
}

func TestTheReasonIsWhatSpeaksMost(t *testing.T) {
	t.Parallel()
	shown := func(lowest, goods int64, by string) cart.Event {
		return cart.Event{Kind: cart.ShippingShown, Step: cart.StepShipping, Value: &goods, Attributes: cart.Attributes{Lowest: &lowest, DeliverBy: by}}
	}
	began := cart.Event{Kind: cart.CheckoutStarted, Step: cart.StepContact}
	for name, c := range map[string]struct {
		events []cart.Event
		reason string
		code   string
		weight int
	}{
		"nothing speaks for anything":         {happened(began), "", "", 0},
		"a declined card":                     {happened(began, cart.Event{Kind: cart.PaymentAttempted}, cart.Event{Kind: cart.PaymentDeclined}), "payment_options", "payment_declined", 90},
		"a decline, and another try":          {happened(cart.Event{Kind: cart.PaymentDeclined}, cart.Event{Kind: cart.PaymentAttempted}), "", "payment_declined", 27},
		"declined twice":                      {happened(cart.Event{Kind: cart.PaymentDeclined}, cart.Event{Kind: cart.PaymentAttempted}, cart.Event{Kind: cart.PaymentDeclined}), "payment_options", "payment_declined", 90},
		"nothing left":                        {happened(began, cart.Event{Kind: cart.OutOfStockMet}), "product_fit", "out_of_stock", 85},
		"nothing left, and something else":    {happened(cart.Event{Kind: cart.OutOfStockMet, Step: cart.StepCart}, cart.Event{Kind: cart.CartChanged, Step: cart.StepCart}), "", "out_of_stock", 25},
		"a refused code":                      {happened(cart.Event{Kind: cart.CouponRefused, Step: cart.StepCart}), "price_sensitivity", "coupon_refused", 65},
		"a refused code, and on to paying":    {happened(cart.Event{Kind: cart.CouponRefused, Step: cart.StepCart}, cart.Event{Kind: cart.PaymentAttempted}), "", "coupon_refused", 19},
		"a total that rose":                   {happened(cart.Event{Kind: cart.TotalChanged, Attributes: cart.Attributes{Shown: ptr(int64(100)), Total: ptr(int64(120))}}), "price_sensitivity", "total_changed", 60},
		"a total that fell":                   {happened(cart.Event{Kind: cart.TotalChanged, Attributes: cart.Attributes{Shown: ptr(int64(120)), Total: ptr(int64(100))}}), "", "", 0},
		"cheap shipping":                      {happened(shown(100, 5000, "2026-03-08")), "", "", 0},
		"shipping for a third of the goods":   {happened(shown(1000, 3000, "2026-03-08")), "shipping_cost", "shipping_price_jump", 63},
		"shipping for more than the goods":    {happened(shown(9000, 3000, "2026-03-08")), "shipping_cost", "shipping_price_jump", 90},
		"a parcel in ten days":                {happened(shown(100, 5000, "2026-03-15")), "shipping_speed", "delivery_date_late", 59},
		"a parcel in a year":                  {happened(shown(100, 5000, "2027-03-15")), "shipping_speed", "delivery_date_late", 85},
		"dear and late, dear wins":            {happened(shown(1500, 3000, "2026-03-15")), "shipping_cost", "shipping_price_jump", 80},
		"no parcel goes there":                {happened(cart.Event{Kind: cart.NoShipping, Step: cart.StepShipping}), "other", "no_method_to_address", 95},
		"another address, and there one goes": {happened(cart.Event{Kind: cart.NoShipping, Step: cart.StepShipping}, shown(100, 5000, "2026-03-08")), "", "no_method_to_address", 28},
		"an account is asked for":             {happened(cart.Event{Kind: cart.AccountWall}), "trust_security", "account_wall", 80},
		"a step that fails":                   {happened(cart.Event{Kind: cart.StepFailed}), "other", "step_failed", 70},
		"a step that takes long":              {happened(cart.Event{Kind: cart.StepSlow, Attributes: cart.Attributes{DurationMS: 4000}}), "other", "step_slow", 45},
		"a step that is called slow":          {happened(cart.Event{Kind: cart.StepSlow, Attributes: cart.Attributes{DurationMS: 400}}), "", "", 0},
		"one typing mistake":                  {happened(cart.Event{Kind: cart.FieldError}), "", "field_errors", 15},
		"many typing mistakes":                {happened(cart.Event{Kind: cart.FieldError}, cart.Event{Kind: cart.FieldError}, cart.Event{Kind: cart.FieldError}, cart.Event{Kind: cart.FieldError}), "other", "field_errors", 45},
		"what the shopper says wins": {happened(cart.Event{Kind: cart.PaymentDeclined}, cart.Event{Kind: cart.ReasonGiven, Reason: "comparison", Source: cart.FromStorefront}),
			"comparison", "said", 100},
		"what the shopper says last wins": {happened(cart.Event{Kind: cart.ReasonGiven, Reason: "comparison"}, cart.Event{Kind: cart.CheckoutCanceled, Reason: "shipping_cost"}),
			"shipping_cost", "said", 100},
		"a reason that is none": {happened(cart.Event{Kind: cart.ReasonGiven, Reason: "aliens"}), "", "", 0},
	} {
		x := cart.Explain(c.events)
		if x.Reason != c.reason {
			t.Errorf("%s: %q, want %q", name, x.Reason, c.reason)
		}
		if (x.Reason == "") != (x.Source == "") {
			t.Errorf("%s: %q is said by %q", name, x.Reason, x.Source)
		}
		code, weight := "", 0
		if len(x.Evidence) > 0 {
			code, weight = x.Evidence[0].Code, x.Evidence[0].Weight
		}
		if code != c.code || weight != c.weight {
			t.Errorf("%s: %s weighs %d, want %s %d", name, code, weight, c.code, c.weight)
		}
	}
}

// Whatever happens, a reason is one of the list, and evidence is bounded.
func TestAReasonIsAlwaysOfTheList(t *testing.T) {
	t.Parallel()
	kinds := []cart.Kind{
		cart.CartChanged, cart.CheckoutStarted, cart.ShippingShown, cart.NoShipping, cart.CouponRefused, cart.PaymentAttempted, cart.PaymentDeclined,
		cart.OutOfStockMet, cart.TotalChanged, cart.AccountWall, cart.StepFailed, cart.StepSlow, cart.FieldError, cart.ReasonGiven, cart.CheckoutCanceled,
	}
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) cart.Event {
			v, l := rapid.Int64().Draw(t, "value"), rapid.Int64().Draw(t, "lowest")
			return cart.Event{
				Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Step: rapid.SampledFrom(cart.Steps).Draw(t, "step"), Value: &v,
				Source: cart.FromAPI, At: start, Reason: rapid.SampledFrom(append(slices.Clone(cart.Reasons), "", "x")).Draw(t, "reason"),
				Attributes: cart.Attributes{Lowest: &l, DeliverBy: rapid.SampledFrom([]string{"", "2026-03-30", "9999-12-31", "x"}).Draw(t, "by"), DurationMS: rapid.Int64().Draw(t, "ms")},
			}
		}), 0, 60).Draw(t, "events")
		x := cart.Explain(events)
		if x.Reason != "" && !slices.Contains(cart.Reasons, x.Reason) || len(x.Evidence) > 8 {
			t.Fatalf("%+v", x)
		}
		for _, e := range x.Evidence {
			if e.Weight < 0 || e.Weight > 100 || !slices.Contains(cart.Reasons, e.Reason) {
				t.Fatalf("%+v", e)
			}
		}
	})
}
