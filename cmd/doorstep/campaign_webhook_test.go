package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"doorstep/payment/sandbox"
)

// campaignSecret signs what the gateway tells the shops of the campaign.
const campaignSecret = "whsec_of_the_campaign"

func init() {
	hasty = append(hasty, "STRIPE_WEBHOOK_SECRETS="+campaignSecret)
	journeys["be told by webhook"] = journey{
		points: []string{
			"payment.inbox.heard", "payment.inbox.noted", "payment.inbox.taken", "payment.inbox.acted", "payment.inbox.ended",
			"checkout.settle.answered", "checkout.place.queued", "checkout.place.committed",
		},
		prepare: approvedUnheard, client: hears, status: "confirmed", payment: "paid", charges: 1, mails: confirmed,
	}
}

// approvedUnheard is a payment that the buyer has approved at the bank, of which
// the shop has not heard: the program died before it could ask.
func approvedUnheard(ctx context.Context, t *testing.T, s *sale) error {
	if err := atTheBank(ctx, t, s); err != nil {
		return err
	}
	var payment string
	if err := s.db.QueryRow(ctx, `select id::text from payments where checkout_id = $1`, s.checkout.text("id")).Scan(&payment); err != nil {
		return err
	}
	s.arm(t, "checkout.settle.ask", 1)
	if a, err := s.where().send(ctx, http.MethodPost, "/dev/3ds/"+payment, m{"result": "succeeded"}, "Authorization", ""); err == nil {
		return fmt.Errorf("the program lives: %v", a)
	}
	s.dies(t)
	return nil
}

// hears brings the gateway's webhook until it is answered, and then only looks
// at the checkout: nobody else asks the gateway.
func hears(ctx context.Context, s *sale) error {
	var payment, charge string
	if err := s.db.QueryRow(ctx, `select id::text, gateway_id from payments where checkout_id = $1`, s.checkout.text("id")).Scan(&payment, &charge); err != nil {
		return err
	}
	now := time.Now()
	body, err := json.Marshal(m{
		"id": "evt_" + payment, "object": "event", "type": "payment_intent.amount_capturable_updated", "created": now.Unix(),
		"data": m{"object": m{"id": charge, "object": "payment_intent", "metadata": m{"payment_id": payment}}},
	})
	if err != nil {
		return err
	}
	for range 2 { // providers say things twice
		a, err := s.ask(ctx, false, http.MethodPost, "/webhooks/payments/sandbox", body, "Authorization", "", sandbox.SignatureHeader, sandbox.Sign(campaignSecret, body, now))
		if err != nil {
			return err
		}
		if a.status != http.StatusOK || a.text("status") == "ignored" {
			return fmt.Errorf("not heard: %v", a)
		}
	}
	err = until1(ctx, "the webhook places the order", func() (bool, error) {
		a, err := s.ask(ctx, false, http.MethodGet, "/v1/checkouts/"+s.checkout.text("id"), nil, "Checkout-Secret", s.checkout.text("secret"))
		if err == nil && a.text("status") != "completed" {
			err = errors.New(a.text("status"))
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	return pays("card", "")(ctx, s)
}
