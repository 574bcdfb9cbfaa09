package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"doorstep/payment"
)

// APIVersion is the version of Stripe's API whose form is spoken.
const APIVersion = "2023-10-16"

// Object is a JSON object in Stripe's form.
type Object map[string]any

// Intent is a charge as a payment intent; full puts its latest charge in whole
// instead of by its id.
func (g *Gateway) Intent(c Charge, full bool) Object {
	status, capturable := IntentStatus(c), int64(0)
	if c.Status == payment.Authorized {
		capturable = c.Amount
	}
	method := "automatic"
	if !c.Automatic {
		method = "manual"
	}
	o := Object{
		"id": c.ID, "object": "payment_intent", "amount": c.Amount, "amount_capturable": capturable, "amount_received": c.Captured,
		"amount_details": Object{"tip": Object{}}, "canceled_at": seconds(c.EndedAt), "cancellation_reason": text(c.Reason),
		"capture_method": method, "client_secret": c.ClientSecret(), "confirmation_method": "automatic", "created": c.CreatedAt.Unix(),
		"currency": strings.ToLower(c.Currency), "last_payment_error": nil, "latest_charge": nil, "livemode": false,
		"metadata": c.metadata(), "next_action": nil, "payment_method": text(paymentMethod(c)), "payment_method_types": c.methods(),
		"status": status, "customer": nil, "description": nil,
	}
	if c.Failure != "" {
		o["last_payment_error"] = CardError(c)
	}
	if c.Status == payment.RequiresAction {
		o["next_action"] = Object{"type": "redirect_to_url", "redirect_to_url": Object{"url": g.ActionURL(c), "return_url": nil}}
	}
	if charged(c) {
		o["latest_charge"] = c.ChargeID()
		if full {
			o["latest_charge"] = charge(c)
		}
	}
	return o
}

// ClientSecret is what a storefront may know of a charge.
func (c Charge) ClientSecret() string {
	sum := sha256.Sum256([]byte("client " + c.ID))
	return c.ID + "_secret_" + hex.EncodeToString(sum[:10])
}

// IntentStatus is how a charge stands, in the words of payment intents.
func IntentStatus(c Charge) string {
	switch c.Status {
	case payment.Authorized:
		return "requires_capture"
	case payment.Captured:
		return "succeeded"
	case payment.Voided:
		return "canceled"
	case payment.RequiresAction:
		return "requires_action"
	case payment.Pending:
		if c.Token != "" {
			return "requires_confirmation"
		}
	}
	return "requires_payment_method"
}

// charged says whether a card was tried.
func charged(c Charge) bool {
	return c.Token != "" && c.Status != payment.Pending && c.Status != payment.RequiresAction && c.Failure != "authentication_failed"
}

// ChargeID names the charge of a payment intent.
func (c Charge) ChargeID() string { return "ch_" + c.rest() }

// methods are the kinds of payment methods that a charge takes.
func (c Charge) methods() []string {
	if len(c.Methods) == 0 {
		return []string{"card"}
	}
	return c.Methods
}

// metadata is what the shop has written on a charge.
func (c Charge) metadata() map[string]string {
	if c.Metadata == nil {
		return map[string]string{}
	}
	return maps.Clone(c.Metadata)
}

func paymentMethod(c Charge) string {
	if c.Token == "" || c.Status == payment.Failed { // a refused card does not stay
		return ""
	}
	return "pm_" + c.rest()
}

// ChargeObject is the charge of a payment intent; there is none before a card
// was tried.
func ChargeObject(c Charge) (Object, bool) { return charge(c), charged(c) }

// charge is a charge as Stripe's charge.
func charge(c Charge) Object {
	status := "succeeded"
	if c.Status == payment.Failed {
		status = "failed"
	}
	o := Object{
		"id": c.ChargeID(), "object": "charge", "amount": c.Amount, "amount_captured": c.Captured, "amount_refunded": c.Refunded,
		"captured": c.Captured > 0, "created": c.CreatedAt.Unix(), "currency": strings.ToLower(c.Currency), "disputed": c.Dispute != nil,
		"failure_code": nil, "failure_message": nil, "livemode": false, "metadata": c.metadata(), "paid": status == "succeeded",
		"payment_intent": c.ID, "payment_method": text(paymentMethod(c)), "refunded": c.Refunded > 0 && c.Refunded == c.Captured, "status": status,
		"payment_method_details": Object{"type": "card", "card": Object{
			"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": c.CreatedAt.Year() + 3, "country": "US", "funding": "credit",
			"network": "visa", "capture_before": seconds(c.HoldEnds),
		}},
	}
	if c.Status == payment.Voided { // a hold that was let go is refunded, in Stripe's words
		o["refunded"], o["amount_refunded"] = true, c.Amount
	}
	if c.Failure != "" {
		o["failure_code"], o["failure_message"] = c.Failure, "Your card was declined."
	}
	return o
}

// RefundObject is a refund of a charge.
func RefundObject(c Charge, r Refund) Object {
	status := "succeeded"
	if r.Failed {
		status = "failed"
	}
	o := Object{
		"id": r.ID, "object": "refund", "amount": r.Amount, "charge": c.ChargeID(), "created": r.At.Unix(),
		"currency": strings.ToLower(c.Currency), "metadata": maps.Clone(r.Metadata), "payment_intent": c.ID, "reason": nil, "status": status,
	}
	if r.Failed {
		o["failure_reason"] = "expired_or_canceled_card"
	}
	if r.Metadata == nil {
		o["metadata"] = Object{}
	}
	return o
}

// CardError says why a card was refused.
func CardError(c Charge) Object {
	o := Object{"type": "card_error", "code": "card_declined", "message": "Your card was declined.", "charge": c.ChargeID()}
	switch c.Failure {
	case "card_declined":
		o["decline_code"] = "generic_decline"
	case "authentication_failed":
		o["code"], o["message"] = "payment_intent_authentication_failure", "The provided payment method has failed authentication."
		delete(o, "charge")
	case "expired_card", "incorrect_cvc", "processing_error":
		o["code"], o["decline_code"] = c.Failure, c.Failure
	default:
		o["decline_code"] = c.Failure
	}
	return o
}

// DisputeObject is the dispute of a charge that has one.
func DisputeObject(c Charge) Object {
	status := map[payment.Status]string{payment.Disputed: "needs_response", payment.DisputeWon: "won", payment.DisputeLost: "lost"}[c.Dispute.Status]
	return Object{
		"id": c.Dispute.ID, "object": "dispute", "amount": c.Dispute.Amount, "charge": c.ChargeID(), "created": c.Dispute.At.Unix(),
		"currency": strings.ToLower(c.Currency), "livemode": false, "metadata": Object{}, "payment_intent": c.ID, "reason": "fraudulent", "status": status,
	}
}

// EventObject is an event with what it is about.
func (g *Gateway) EventObject(e Event) Object {
	var about Object
	switch {
	case strings.HasPrefix(e.Type, "charge.dispute."):
		about = DisputeObject(e.Charge)
	case e.Type == "charge.refund.updated":
		for _, r := range e.Charge.Refunds {
			if r.Failed {
				about = RefundObject(e.Charge, r)
			}
		}
	case strings.HasPrefix(e.Type, "charge."):
		about = charge(e.Charge)
	default:
		about = g.Intent(e.Charge, false)
	}
	return Object{
		"id": e.ID, "object": "event", "api_version": APIVersion, "created": e.At.Unix(), "data": Object{"object": about},
		"livemode": false, "pending_webhooks": 1, "request": Object{"id": nil, "idempotency_key": text(e.Key)}, "type": e.Type,
	}
}

// EventBody is an event as a webhook brings it.
func (g *Gateway) EventBody(e Event) []byte {
	return g.EventObject(e).Bytes()
}

// Bytes is the object as JSON.
func (o Object) Bytes() []byte {
	body, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("sandbox: %v", err)) // maps of texts and numbers can be written
	}
	return body
}

// text is a text, or nothing.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// seconds is a time, or nothing.
func seconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}
