package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/jobs"
	"doorstep/internal/killpoint/toll"
	"doorstep/internal/safedial"
	"doorstep/notify"
	"doorstep/notify/webhook"
	"doorstep/order"
	"doorstep/payment"
)

// What the shop tells others: events, mails, and webhooks to the merchant's own
// programs. Each thing that has happened is told once.

// subject finds what an event is about: the narrowest thing that it names.
func subject(payload []byte) string {
	var named map[string]any
	if json.Unmarshal(payload, &named) != nil {
		return ""
	}
	for _, field := range []string{"exchange_id", "claim_id", "return_id", "refund_id", "shipment_id", "order_id"} {
		if text, ok := named[field].(string); ok {
			return text
		}
	}
	return ""
}

// hears notes an event on its way to those who wait for it.
func (s *sim) hears(n jobs.News) {
	s.events[n.Event+" "+subject(n.Payload)]++
	if name := strings.Replace(n.Event, "order.money_taken", "payment.captured", 1); slices.Contains(webhook.Events(), name) {
		s.public++
	}
}

// happened says how often an event was told of.
func (s *sim) happened(event string, id uuid.UUID) int { return s.events[event+" "+id.String()] }

// times demands that an event was told of so often.
func (s *sim) times(event string, id uuid.UUID, want bool) {
	s.t.Helper()
	switch n := s.happened(event, id); {
	case want && n == 0:
		s.harm(toll.Lost, "nobody was told of %s", event)
	case want && n > 1, !want && n > 0:
		s.harm(toll.Doubled, "%s was told %d times", event, n)
	}
}

// checkNews wants each event to be told once if it has happened.
func (s *sim) checkNews(e *simEnd) {
	changes := map[string]int{}
	for _, row := range column[string](s, `select case kind when 'edit' then 'order.edited ' when 'cancel_lines' then 'order.lines_canceled ' else kind end || order_id::text
		from order_changes where merchant_id = $1`, s.shop) {
		changes[row]++
	}
	for _, o := range e.orders {
		s.times("order.placed", o.ID, true)
		s.times("order.canceled", o.ID, o.Status == order.StatusCanceled)
		for _, event := range []string{"order.lines_canceled", "order.edited"} {
			if n, want := s.happened(event, o.ID), changes[event+" "+o.ID.String()]; n != want {
				s.harm(toll.Wrong, "%d changes, %s was told %d times", want, event, n)
			}
		}
	}
	for _, r := range e.refunds {
		if r.Status == "succeeded" || s.happened("payment.refunded", r.ID) > 0 {
			s.times("payment.refunded", r.ID, true)
		}
	}
	for _, p := range column[uuid.UUID](s, `select id from shipments where merchant_id = $1`, s.shop) {
		s.times("shipment.shipped", p, true)
	}
	for _, r := range e.returns {
		s.times("return.requested", r.ID, true)
		s.times("return.rejected", r.ID, r.Status == order.ReturnRejected)
		s.times("return.canceled", r.ID, r.Status == order.ReturnCanceled)
		s.times("return.refunded", r.ID, r.Status == order.ReturnRefunded)
	}
	for _, c := range e.claims {
		s.times("claim.opened", c.ID, true)
		s.times("claim.denied", c.ID, c.Status == order.ClaimDenied)
		s.times("claim.resolved", c.ID, c.Status == order.ClaimResolved)
		s.times("claim.canceled", c.ID, c.Status == order.ClaimCanceled)
	}
	for _, x := range e.exchanges {
		s.times("exchange.requested", x.ID, true)
		s.times("exchange.canceled", x.ID, x.Status == order.ExchangeCanceled)
		s.times("exchange.received", x.ID, x.Status == order.ExchangeReceived || x.Status == order.ExchangeFulfilled)
		s.times("exchange.fulfilled", x.ID, x.Status == order.ExchangeFulfilled)
	}
}

// simMailServer takes mails over, now and then after a second try, or without a
// word of it.
type simMailServer struct{ s *sim }

// Send takes a mail over.
func (m simMailServer) Send(_ context.Context, e notify.Envelope) error {
	if !m.s.calm && m.s.chance(0.06) {
		return errors.New("421 later")
	}
	m.s.letterbox[e.MessageID] = append(m.s.letterbox[e.MessageID], e.To.Address+" "+e.Subject)
	if m.s.disk != nil && m.s.disk.armed {
		m.s.unsure[e.MessageID] = true // that it has left may not be noted
	}
	if !m.s.calm && m.s.chance(0.06) {
		m.s.unsure[e.MessageID] = true
		return errors.New("the line broke")
	}
	return nil
}

// reckoned are the mails whose every cause the model knows; others come once too.
var reckoned = []notify.Kind{
	notify.OrderConfirmation, notify.PaymentInstructions, notify.Cancelled, notify.Refunded, notify.Shipped, notify.OutForDelivery, notify.Delivered,
}

// checkLetters wants one mail for each thing that people are told of, and each to
// be with the mail server once; twice only where it had not said that it has it.
func (s *sim) checkLetters(e *simEnd) {
	want, have := map[string]int{}, map[string]int{}
	mail := func(kind notify.Kind, about string) { want[string(kind)+" "+about] = 1 }
	for _, o := range e.orders {
		mail(notify.OrderConfirmation, o.ID.String())
		if o.PaymentMethod == string(payment.BankTransfer) {
			mail(notify.PaymentInstructions, o.ID.String())
		}
	}
	for told := range s.events {
		event, about, _ := strings.Cut(told, " ")
		switch event {
		case "order.canceled":
			mail(notify.Cancelled, about)
		case "payment.refunded":
			mail(notify.Refunded, about)
		case "shipment.shipped":
			mail(notify.Shipped, about)
		case "shipment.out_for_delivery":
			mail(notify.OutForDelivery, about)
		case "shipment.delivered":
			mail(notify.Delivered, about)
		}
	}
	for _, row := range column[[]string](s, `select array[kind, subject_id::text, message_id] from deliveries where merchant_id = $1`, s.shop) {
		have[row[0]+" "+row[1]]++
		n := len(s.letterbox[row[2]])
		switch {
		case n == 0:
			s.harm(toll.Lost, "mail %s never left", row[0])
		case n > 1 && !s.unsure[row[2]]:
			s.harm(toll.Doubled, "mail %s left %d times", row[0], n)
		}
		delete(s.letterbox, row[2])
	}
	if len(s.letterbox) > 0 {
		s.harm(toll.Doubled, "%d mails that nobody knows of", len(s.letterbox))
	}
	for about := range want {
		if have[about] == 0 {
			s.harm(toll.Lost, "no mail: %s", about)
		}
	}
	for about, n := range have {
		kind, _, _ := strings.Cut(about, " ")
		if n > 1 || want[about] == 0 && slices.Contains(reckoned, notify.Kind(kind)) {
			s.harm(toll.Doubled, "%d mails: %s", n, about)
		}
	}
}

// simMerchant is the program of a merchant that is told of everything. It breaks
// the line now and then, before it has read or after.
type simMerchant struct {
	mu    sync.Mutex
	n     int
	got   map[string]int
	lost  map[string]int // how often it had it and did not say so
	wrong []string
}

// Check likes any address.
func (*simMerchant) Check(string) error { return nil }

// Send takes a webhook.
func (m *simMerchant) Send(_ context.Context, req *http.Request) (safedial.Answer, time.Duration, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return safedial.Answer{}, 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n++
	if m.n%11 == 5 {
		return safedial.Answer{}, 0, &safedial.CallError{Word: safedial.Broken}
	}
	m.got[req.Header.Get("Webhook-Id")]++
	var told struct {
		Type string
		Data struct {
			OrderID string `json:"order_id"`
		}
	}
	if json.Unmarshal(body, &told) != nil || told.Type == "" || told.Data.OrderID == "" {
		m.wrong = append(m.wrong, string(body))
	}
	if m.n%11 == 9 {
		m.lost[req.Header.Get("Webhook-Id")]++
		return safedial.Answer{}, 0, &safedial.CallError{Word: safedial.Broken}
	}
	return safedial.Answer{Status: http.StatusNoContent}, time.Millisecond, nil
}

// listens lets the merchant's program hear of everything, in one world of several:
// it takes its time.
func (s *sim) listens() {
	s.merchant = &simMerchant{got: map[string]int{}, lost: map[string]int{}}
	s.h.webhooks = webhook.New(webhook.Config{
		DB: s.h.db, Sealer: s.h.vault, Caller: s.merchant, Compose: s.h.webhookData, Log: s.h.log, Workers: 4, Poll: 5 * time.Millisecond,
	})
	_, _, err := s.h.webhooks.AddEndpoint(s.ctx, s.shop, webhook.Form{URL: "https://merchant.example/hooks"})
	s.must(err)
}

// deliverHooks sends the merchant's webhooks until all have arrived.
func (s *sim) deliverHooks() {
	if s.merchant == nil {
		return
	}
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.h.webhooks.Run(ctx) }()
	deadline := time.Now().Add(time.Minute)
	for left := int64(1); left > 0; {
		if time.Now().After(deadline) {
			s.harm(toll.Stuck, "%d webhooks", left)
			break
		}
		var busy bool // then time stands still: an attempt that takes long would be given to another
		s.must(s.h.db.QueryRow(ctx, `select count(*), coalesce(bool_or(due_at <= $1 or lease_until > $1), false) from webhook_deliveries where status = 'pending'`,
			s.h.db.Now()).Scan(&left, &busy))
		if s.h.webhooks.Wake(); !busy {
			s.clock.Advance(time.Second)
		}
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, db.ErrUnknown) {
		s.t.Error(err)
	}
}

// checkHooks wants each public event to have arrived under one name.
func (s *sim) checkHooks() {
	if s.merchant == nil {
		return
	}
	s.merchant.mu.Lock()
	defer s.merchant.mu.Unlock()
	switch got := len(s.merchant.got); {
	case got < s.public:
		s.harm(toll.Lost, "the merchant was told of %d events of %d", got, s.public)
	case got > s.public:
		s.harm(toll.Doubled, "the merchant was told of %d events, and %d have happened", got, s.public)
	}
	for name, n := range s.merchant.got {
		if n > 1+s.merchant.lost[name] {
			s.harm(toll.Doubled, "%s came %d times", name, n)
		}
	}
	for _, body := range s.merchant.wrong {
		s.harm(toll.Wrong, "a webhook says too little: %s", body)
	}
}
