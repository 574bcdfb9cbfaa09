package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"testing"

	"doorstep/internal/id"
	"doorstep/internal/killpoint/toll"
)

// leftOver is what the order did not cost.
const leftOver = -1

// What people do with gift cards while the program dies.
func init() {
	maps.Copy(journeys, map[string]journey{
		"spend a gift card and pay the rest by card": {
			points: []string{
				"payment.credit.held", "checkout.begin.queued", "checkout.begin.committed", "checkout.authorize.answered", "payment.credit.spent",
				"checkout.place.queued", "checkout.place.committed", "checkout.answer", "payment.capture.answered",
			},
			credit: 700, client: pays("card", "tok_visa"), status: "confirmed", payment: "paid", charges: 1, mails: confirmed,
		},
		"spend a gift card and nothing else": {
			points: []string{"payment.credit.held", "payment.credit.spent", "checkout.at_once.queued", "checkout.at_once.committed", "checkout.answer"},
			credit: 100_000, left: leftOver, client: pays("gift_card", ""), status: "confirmed", payment: "paid", mails: confirmed,
		},
		"spend a gift card and be declined at first": {
			points: []string{"payment.credit.released", "checkout.dismiss.queued", "checkout.dismiss.committed", "checkout.begin.committed 2"},
			credit: 700, client: secondCard, status: "confirmed", payment: "paid", charges: 1, mails: confirmed,
		},
		"spend a gift card and get no answer": {
			points: []string{"checkout.authorize.ask", "checkout.silent.committed", "checkout.settle.answered", "payment.credit.spent"},
			credit: 700, client: pays("card", "tok_lost_answer"), status: "confirmed", payment: "paid", charges: 1, mails: confirmed,
		},
		"spend a gift card, and refund": {
			points: []string{
				"payment.credit.returned", "payment.refund.book", "payment.refund.booked", "payment.refund.answered", "payment.refund.committed",
				"payment.refund.booked 2", "order.refund.answer", "idem.finish", "idem.finished",
			},
			credit: 700, left: 700, prepare: paid, client: refunds, status: "confirmed", payment: "refunded",
			mails: map[string]int{"order_confirmation": 1, "refunded": 2},
		},
		"spend a gift card, and cancel": {
			points: []string{"order.cancel.committed", "order.money_back.begun", "payment.credit.returned", "payment.refund.booked", "order.money_back.done"},
			credit: 700, left: 700, prepare: bought("cash_on_delivery", ""), client: cancels, status: "canceled", payment: "refunded",
			mails: map[string]int{"order_confirmation": 1, "cancelled": 1, "refunded": 1},
		},
	})
}

// takeCard has a gift card issued for the buyer, when the journey wants one, and
// puts it into the form of the checkout.
func (s *sale) takeCard(ctx context.Context, form m) error {
	if s.way.credit == 0 {
		return nil
	}
	a, err := s.ask(ctx, true, http.MethodPost, "/v1/gift-cards", m{"id": id.New(), "amount": m{"amount": s.way.credit, "currency": "EUR"}})
	if err == nil && a.status != http.StatusCreated {
		err = fmt.Errorf("gift card: %v", a)
	}
	s.card = a
	form["gift_card_codes"] = []string{a.text("code")}
	return err
}

// checkCard compares what is on the gift card with what should be.
func (s *sale) checkCard(ctx context.Context, t *testing.T, count *toll.Count) {
	t.Helper()
	if s.way.credit == 0 {
		return
	}
	var left, total int64
	if err := s.db.QueryRow(ctx, `select a.balance_minor, o.total_minor from credit_accounts a, orders o where a.id = $1 and o.checkout_id = $2`,
		s.card.text("id"), s.checkout.text("id")).Scan(&left, &total); err != nil {
		t.Fatal(err)
	}
	want := s.way.left
	if want == leftOver {
		want = s.way.credit - total
	}
	switch {
	case left < want:
		count.Harm(t, toll.Lost, "%d on the gift card, want %d", left, want)
	case left > want:
		count.Harm(t, toll.Doubled, "%d on the gift card, want %d", left, want)
	}
}
