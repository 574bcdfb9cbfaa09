package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/checkout"
	"doorstep/notify"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
	supportdesk "doorstep/support/desk"
	"doorstep/support/hook"
)

// supports opens the rooms that notice trouble and that people answer from.
func (h *house) supports() {
	h.desks = supportdesk.NewDesks(h.db, func(ctx context.Context, merchant uuid.UUID) (string, error) {
		shop, _, err := h.customers.Settings(ctx, merchant)
		return shop.Timezone, err
	}, hook.Begin(h.db))
	h.support = hook.New(hook.Config{
		DB: h.db, Desks: h.desks, Orders: toldOrders{h}, Letters: supportLetters{h}, Mail: h.mail, Gate: h.gate, Person: h.contacts.Person, Log: h.log,
	})
	h.inboxes = inboxRoom{supportdesk.NewInbox(h.db, h.desks), h}
	h.inboxes.Leads = h.leads
	h.customers.OnErase(h.support.Forget)
	h.customers.OnRemoveStaff(h.inboxes.ReleaseAll)
}

// followSupport lets hooks follow from what happens. A subject is told of by the same
// key however often its event comes.
func (h *house) followSupport() {
	on(h, "notify.exception", h.parcelTrouble)     // shipment.exception: late, not taken, or lost
	on(h, "support.arrived", h.parcelArrived)      // shipment.delivered: then it is over
	on(h, "support.capture_due", h.captureTrouble) // payment.capture_due: the money is about to go
	on(h, "support.hold_ended", h.holdTrouble)     // payment.hold_ended: it is gone
	on(h, "support.money_taken", h.moneyCame)      // order.money_taken: then it came after all
	on(h, "support.dispute", h.disputeTrouble)     // payment.dispute_changed
	on(h, "support.refunded", h.refundArrived)     // payment.refunded
	on(h, "support.return", h.returnAsked)         // return.requested
	on(h, "support.exchange", h.exchangeAsked)     // exchange.requested
	on(h, "support.claim", h.claimMade)            // claim.opened
	on(h, "support.handed_over", h.personAskedFor) // support.handed_over
	on(h, "support.passed_on", h.askedToLook)      // support.passed_on
	on(h, "support.card_attack", h.cardAttackTold) // checkout.card_attack
	on(h, "support.notice", h.support.Tell)        // support.notice_due: told before they ask
	on(h, "support.return_yes", func(ctx context.Context, e order.ReturnAccepted) error {
		return h.returnOver(ctx, e.ReturnRef, "approved")
	})
	on(h, "support.return_no", func(ctx context.Context, e order.ReturnRefused) error {
		return h.returnOver(ctx, e.ReturnRef, "rejected")
	})
	on(h, "support.return_back", func(ctx context.Context, e order.ReturnWithdrawn) error {
		return h.returnOver(ctx, e.ReturnRef, "canceled")
	})
	on(h, "support.exchange_yes", func(ctx context.Context, e order.ExchangeAccepted) error {
		return h.exchangeOver(ctx, e.ExchangeRef, "approved")
	})
	on(h, "support.exchange_back", func(ctx context.Context, e order.ExchangeDropped) error {
		return h.exchangeOver(ctx, e.ExchangeRef, "canceled")
	})
	on(h, "support.claim_done", func(ctx context.Context, e order.ClaimSettled) error { return h.claimOver(ctx, e.ClaimRef, "resolved") })
	on(h, "support.claim_no", func(ctx context.Context, e order.ClaimRefused) error { return h.claimOver(ctx, e.ClaimRef, "denied") })
	on(h, "support.claim_back", func(ctx context.Context, e order.ClaimWithdrawn) error {
		return h.claimOver(ctx, e.ClaimRef, "canceled")
	})
	h.jobs.Every("support.sweep", 5*time.Minute, counted(h.support.Sweep))
	on(h, "support.talk_over", h.talkOver) // support.conversation_ended: the case of its hand-over too
	h.jobs.Every("support.overdue", time.Minute, counted(h.support.TellOverdue))
	h.jobs.Every("support.late", time.Minute, counted(h.inboxes.TellLate))
}

// parcelTroubles are the hooks that are about a parcel.
var parcelTroubles = []hook.Event{hook.ShipmentDelayed, hook.DeliveryFailed, hook.Lost}

func (h *house) parcelTrouble(ctx context.Context, e shipping.Exception) error {
	event, known := map[shipping.Alert]hook.Event{
		shipping.AlertDelayed: hook.ShipmentDelayed, shipping.AlertFailed: hook.DeliveryFailed, shipping.AlertLost: hook.Lost,
	}[e.Hook]
	if !known {
		return nil
	}
	facts := map[string]any{"event.reason": e.Reason}
	parcel, err := h.shipping.Shipment(ctx, e.MerchantID, e.ShipmentID)
	if err != nil {
		return err
	}
	if parcel.Carrier != "" {
		facts["event.carrier"] = parcel.Carrier
	}
	if parcel.PromisedAt != nil && e.OccurredAt.After(*parcel.PromisedAt) {
		facts["event.days"] = days(e.OccurredAt.Sub(*parcel.PromisedAt))
	}
	return h.support.Raise(ctx, hook.Signal{
		Merchant: e.MerchantID, Event: event, Key: string(event) + ":" + e.ShipmentID.String(), Subject: e.ShipmentID, Order: e.OrderID, At: e.OccurredAt, Facts: facts,
	})
}

func days(d time.Duration) int64 { return int64(d / (24 * time.Hour)) }

func (h *house) parcelArrived(ctx context.Context, e shipping.Delivered) error {
	return h.support.Settle(ctx, hook.Settled{
		Merchant: e.MerchantID, Events: parcelTroubles, Key: "delivered:" + e.ShipmentID.String(), Subject: e.ShipmentID, Order: e.OrderID, Why: "delivered", At: e.OccurredAt,
	})
}

func (h *house) captureTrouble(ctx context.Context, e payment.CaptureDue) error {
	return h.paymentTrouble(ctx, e.MerchantID, e.OrderID, e.PaymentID, "capture_due")
}

func (h *house) holdTrouble(ctx context.Context, e payment.HoldEnded) error {
	return h.paymentTrouble(ctx, e.MerchantID, e.OrderID, e.PaymentID, string(e.Status))
}

// paymentTrouble tells that the money of an order is not safe. An order that was
// canceled needs none.
func (h *house) paymentTrouble(ctx context.Context, merchant, orderID, paymentID uuid.UUID, reason string) error {
	o, err := h.orders.Order(ctx, merchant, orderID)
	if err != nil || o.Status == order.StatusCanceled {
		return err
	}
	p, err := h.payments.Payment(ctx, merchant, paymentID)
	if err != nil || p.Status == payment.Captured {
		return err
	}
	return h.support.Raise(ctx, hook.Signal{
		Merchant: merchant, Event: hook.PaymentFailed, Key: "payment_failed:" + paymentID.String() + ":" + reason, Subject: paymentID, Order: orderID, At: h.db.Now(),
		Facts: map[string]any{"event.reason": reason, "event.amount": p.AmountMinor},
	})
}

func (h *house) moneyCame(ctx context.Context, e order.MoneyTaken) error {
	return h.support.Settle(ctx, hook.Settled{
		Merchant: e.MerchantID, Events: []hook.Event{hook.PaymentFailed, hook.PaymentUnknown}, Key: "paid:" + e.OrderID.String(), Order: e.OrderID, Why: "paid", At: h.db.Now(),
	})
}

func (h *house) disputeTrouble(ctx context.Context, e payment.DisputeChanged) error {
	if e.Status != payment.Disputed {
		return h.support.Settle(ctx, hook.Settled{
			Merchant: e.MerchantID, Events: []hook.Event{hook.Dispute}, Key: "dispute_over:" + e.PaymentID.String(), Subject: e.PaymentID, Order: e.OrderID, Why: string(e.Status),
		})
	}
	p, err := h.payments.Payment(ctx, e.MerchantID, e.PaymentID)
	if err != nil {
		return err
	}
	return h.support.Raise(ctx, hook.Signal{
		Merchant: e.MerchantID, Event: hook.Dispute, Key: "dispute:" + e.PaymentID.String(), Subject: e.PaymentID, Order: e.OrderID, ByCustomer: true,
		Facts: map[string]any{"event.reason": string(e.Status), "event.amount": p.AmountMinor},
	})
}

func (h *house) refundArrived(ctx context.Context, e payment.Refunded) error {
	return h.support.Settle(ctx, hook.Settled{
		Merchant: e.MerchantID, Events: []hook.Event{hook.RefundOverdue}, Key: "refunded:" + e.RefundID.String(), Subject: e.RefundID, Order: e.OrderID, Why: "refunded",
	})
}

func (h *house) returnAsked(ctx context.Context, e order.ReturnAsked) error {
	return h.support.Raise(ctx, hook.Signal{
		Merchant: e.MerchantID, Event: hook.ReturnRequested, Key: "return:" + e.ReturnID.String(), Subject: e.ReturnID, Order: e.OrderID, ByCustomer: true,
		Facts: map[string]any{"event.reason": "return"},
	})
}

func (h *house) returnOver(ctx context.Context, e order.ReturnRef, why string) error {
	return h.support.Settle(ctx, hook.Settled{
		Merchant: e.MerchantID, Events: []hook.Event{hook.ReturnRequested}, Key: "return_over:" + e.ReturnID.String(), Subject: e.ReturnID, Order: e.OrderID, Why: why,
	})
}

func (h *house) exchangeAsked(ctx context.Context, e order.ExchangeAsked) error {
	return h.support.Raise(ctx, hook.Signal{
		Merchant: e.MerchantID, Event: hook.ReturnRequested, Key: "exchange:" + e.ExchangeID.String(), Subject: e.ExchangeID, Order: e.OrderID, ByCustomer: true,
		Facts: map[string]any{"event.reason": "exchange"},
	})
}

func (h *house) exchangeOver(ctx context.Context, e order.ExchangeRef, why string) error {
	return h.support.Settle(ctx, hook.Settled{
		Merchant: e.MerchantID, Events: []hook.Event{hook.ReturnRequested}, Key: "exchange_over:" + e.ExchangeID.String(), Subject: e.ExchangeID, Order: e.OrderID, Why: why,
	})
}

func (h *house) claimMade(ctx context.Context, e order.ClaimMade) error {
	return h.support.Raise(ctx, hook.Signal{
		Merchant: e.MerchantID, Event: hook.Claim, Key: "claim:" + e.ClaimID.String(), Subject: e.ClaimID, Order: e.OrderID, ByCustomer: true,
		Facts: map[string]any{"event.reason": e.Kind},
	})
}

func (h *house) claimOver(ctx context.Context, e order.ClaimRef, why string) error {
	return h.support.Settle(ctx, hook.Settled{
		Merchant: e.MerchantID, Events: []hook.Event{hook.Claim}, Key: "claim_over:" + e.ClaimID.String(), Subject: e.ClaimID, Order: e.OrderID, Why: why,
	})
}

func (h *house) personAskedFor(ctx context.Context, e supportdesk.HandedOver) error {
	if err := h.inboxes.Due(ctx, e.MerchantID, e.ConversationID, e.At); err != nil {
		return err
	}
	return h.askedToLook(ctx, supportdesk.PassedOn(e))
}

// askedToLook opens the case of a conversation, whether a person has it or not.
func (h *house) askedToLook(ctx context.Context, e supportdesk.PassedOn) error {
	n := hook.Signal{
		Merchant: e.MerchantID, Event: hook.AssistantHandoff, Key: "handoff:" + e.ConversationID.String() + ":" + e.At.UTC().Format(time.RFC3339Nano),
		Subject: e.ConversationID, Conversation: e.ConversationID, ByCustomer: true, At: e.At, Facts: map[string]any{"event.reason": e.Reason},
	}
	if e.OrderID != nil {
		n.Order = *e.OrderID
	}
	return h.support.Raise(ctx, n)
}

func (h *house) cardAttackTold(ctx context.Context, e checkout.CardAttack) error {
	return h.support.Raise(ctx, hook.Signal{
		Merchant: e.MerchantID, Event: hook.FraudReview, Key: "card_attack:" + e.SeenAt.UTC().Format(time.RFC3339), Subject: e.MerchantID, At: e.SeenAt,
		Facts: map[string]any{"event.reason": "card_attack", "event.amount": int64(e.Declines)},
	})
}

// toldOrders tells hooks of orders, without anything that identifies their buyers.
type toldOrders struct{ h *house }

// About gathers the facts of an order.
func (t toldOrders) About(ctx context.Context, merchant, orderID uuid.UUID) (hook.About, error) {
	o, err := t.h.orders.Order(ctx, merchant, orderID)
	if err != nil {
		return hook.About{}, err
	}
	a := hook.About{Contact: o.ContactID, Number: o.Number}
	if o.CustomerID != nil {
		a.Customer = *o.CustomerID
	}
	var units int64
	var skus []string
	lines := make([]map[string]any, 0, len(o.Lines))
	for i := range o.Lines {
		l := &o.Lines[i]
		units += l.Quantity
		skus = append(skus, l.SKU)
		lines = append(lines, map[string]any{"sku": l.SKU, "title": l.Title, "quantity": l.Quantity})
	}
	a.Facts = map[string]any{
		"order.total": o.Total, "order.currency": o.Currency, "order.language": o.Locale, "order.status": string(o.Status), "order.payment_status": o.PaymentStatus,
		"order.fulfillment_status": o.FulfillmentStatus, "order.payment_method": o.PaymentMethod, "order.age_days": days(t.h.db.Now().Sub(o.PlacedAt)),
		"order.units": units, "order.skus": skus, "customer.registered": o.CustomerID != nil,
	}
	a.Snapshot = map[string]any{
		"number": o.Number, "status": o.Status, "payment_status": o.PaymentStatus, "fulfillment_status": o.FulfillmentStatus, "payment_method": o.PaymentMethod,
		"total": map[string]any{"amount": o.Total, "currency": o.Currency}, "placed_at": o.PlacedAt, "lines": lines, "locale": o.Locale,
	}
	if o.Country != nil {
		a.Facts["order.country"], a.Snapshot["country"] = *o.Country, *o.Country
	}
	return a, nil
}

// supportLetters writes what buyers are told before they ask.
type supportLetters struct{ h *house }

// Letter writes one. Those about parcels are the mails that parcels always had.
func (s supportLetters) Letter(ctx context.Context, n hook.Notice) (notify.Mail, error) {
	if kind, parcel := map[hook.Event]notify.Kind{
		hook.ShipmentDelayed: notify.Delayed, hook.DeliveryFailed: notify.DeliveryFailed, hook.Lost: notify.Lost,
	}[n.Event]; parcel {
		l, err := s.h.parcelLetter(ctx, shipping.Ref{MerchantID: n.Merchant, OrderID: n.Order, ShipmentID: n.Subject}, kind)
		if err != nil {
			return notify.Mail{}, err
		}
		return l.mail, nil
	}
	l, err := s.h.letter(ctx, n.Merchant, n.Order, notify.SupportNews, n.Subject)
	if err != nil {
		return notify.Mail{}, err
	}
	l.mail.Key = "notice:" + n.ID.String()
	l.mail.Data.News = &notify.News{Topic: string(n.Event)}
	if n.Event == hook.RefundOverdue {
		if r, err := s.h.payments.RefundByID(ctx, n.Merchant, n.Subject); err == nil {
			l.mail.Data.Refund = &notify.Refund{Amount: r.AmountMinor}
		}
	}
	return l.mail, nil
}
