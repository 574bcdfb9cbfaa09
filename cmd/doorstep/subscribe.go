package main

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/api"
	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/internal/jobs"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

// subscribe is the table of contents of what follows from what. Each line is a
// job of its own, retried until it has succeeded, and safe to repeat.
func (h *house) subscribe() {
	on(h, "payment.capture", h.capture)                // order.placed: take the money that is held
	on(h, "notify.order_placed", h.mailPlaced)         // order.placed: confirmation, or how to pay
	on(h, "customer.remember", h.remember)             // order.placed: the buyer becomes a customer
	on(h, "recommend.learn", h.learnPurchase)          // order.placed: it teaches what goes with what
	on(h, "recommend.unlearn", h.unlearnPurchase)      // order.canceled: what was canceled teaches nothing
	on(h, "order.money_back", h.orders.MoneyBack)      // order.canceled: void or refund
	on(h, "notify.order_canceled", h.mailCanceled)     // order.canceled
	on(h, "order.give_credit", h.orders.GiveCredit)    // order.credit_owed: what was taken for units that were canceled or exchanged
	on(h, "order.drop_due", h.orders.DropDue)          // exchange.canceled: nobody waits for the difference any more
	on(h, "notify.shipped", h.mailShipped)             // shipment.shipped
	on(h, "notify.out_for_delivery", h.mailOut)        // shipment.out_for_delivery
	on(h, "notify.delivered", h.mailDelivered)         // shipment.delivered
	on(h, "payment.cash_received", h.cashReceived)     // shipment.delivered: cash on delivery is settled
	on(h, "notify.refunded", h.mailRefunded)           // payment.refunded
	on(h, "order.invoice", h.documents.Invoice)        // order.money_taken: the invoice
	on(h, "order.credit_note", h.documents.CreditNote) // payment.refunded
	on(h, "notify.sign_in_code", h.mailSignInCode)     // customer.code_asked
	on(h, "notify.staff_code", h.mailStaffCode)        // customer.staff_code_asked
	on(h, "notify.staff_invited", h.mailInvitation)    // customer.staff_invited
	on(h, "notify.return", h.mailReturnApproved)       // return.approved: what to do now
	on(h, "notify.webhook_off", h.mailDisabled)        // webhook.endpoint_disabled: to who runs the shop
	on(h, "notify.card_attack", h.mailAttack)          // checkout.card_attack: likewise, once a day

	h.jobs.Tell(h.webhooks) // everything that merchants may be told of becomes deliveries

	h.followParcels()
	h.remindOfCarts()
	h.followJourneys()
	h.followSuppliers()
	h.followSupport()
	h.answerMail()
	c := h.config
	h.jobs.Every("checkout.recover", c.RecoveryPeriod, h.recover)
	h.jobs.Every("payment.inbox", time.Second, counted(h.inbox.Work))
	h.jobs.Every("payment.prune_inbox", time.Hour, counted(h.inbox.Prune))
	h.jobs.Every("checkout.expire", time.Minute, h.checkouts.Expire)
	h.jobs.Every("payment.deadlines", time.Minute, h.payments.WatchDeadlines)
	h.jobs.Every("payment.reconcile", 10*time.Minute, func(ctx context.Context) error {
		return h.payments.Nightly(ctx, c.ReconcileHour, c.ReconcileDays)
	})
	h.jobs.Every("cart.expire", time.Hour, h.carts.Expire)
	h.jobs.Every("catalog.sweep", 15*time.Second, counted(h.catalog.Sweep))
	h.jobs.Every("catalog.price_tick", time.Second, counted(h.catalog.PriceTick))
	h.jobs.Every("catalog.prune_changes", time.Hour, counted(h.catalog.PruneChanges))
	h.jobs.Every("catalog.imports", time.Second, counted(h.catalog.WorkImports))
	h.jobs.Every("api.sweep_uploads", 10*time.Minute, func(ctx context.Context) error {
		return api.SweepUploads(ctx, h.uploads(), h.catalog.ImportFilesNeeded)
	})
	h.jobs.Every("payment.statements", 15*time.Second, h.statements.Work)
	h.jobs.Every("order.imports", time.Second, h.orders.WorkImports)
	h.jobs.Every("order.give_credits", c.RecoveryPeriod, func(ctx context.Context) error { return h.orders.GiveCredits(ctx, c.RecoveryAge) })
	h.jobs.Every("order.documents", time.Hour, func(ctx context.Context) error { return h.documents.Missing(ctx, 10*time.Minute) })
	h.jobs.Every("order.prune_attempts", time.Hour, counted(h.orders.PruneAttempts))
	h.jobs.Every("customer.prune_sign_ins", time.Hour, counted(h.customers.PruneSignIns))
	h.jobs.Every("customer.prune_staff_sessions", time.Hour, counted(h.customers.PruneStaffSessions))
	h.jobs.Every("search.terms", 5*time.Second, h.terms.Flush)
	h.jobs.Every("search.prune_terms", time.Hour, counted(h.terms.Prune))
	h.jobs.Every("recommend.prune", time.Hour, counted(h.recommend.Prune))
	h.jobs.Every("recommend.build", 10*time.Minute, h.recommend.Build) // shops that are too large for the memory
	h.jobs.Every("recommend.flush", time.Second, h.recommend.Flush)    // what was shown to whom
	h.jobs.Every("assistant.sweep", 30*time.Second, h.sweepTalks)
	h.jobs.Every("idem.prune", time.Hour, counted(h.idem.Prune))
	h.jobs.Every("webhook.send", time.Second, h.webhooks.Run) // it returns only to be started again
	h.jobs.Every("webhook.sweep", time.Hour, counted(h.webhooks.Sweep))
	h.jobs.Every("jobs.rescue", c.JobTimeout/4, h.jobs.Rescue)
}

func on[E jobs.Event](h *house, name string, work func(ctx context.Context, e E) error) {
	jobs.Subscribe(h.jobs, name, work)
}

// counted drops the count of a sweeper.
func counted[N int | int64](work func(context.Context) (N, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := work(ctx)
		return err
	}
}

// capture takes the money of a fresh order. A payment that cannot be captured
// any more, because the order was canceled meanwhile, is no reason to retry.
func (h *house) capture(ctx context.Context, e order.Placed) error {
	if payment.Method(e.Method).Offline() {
		return nil
	}
	return h.captureOne(ctx, e.MerchantID, e.OrderID, e.PaymentID)
}

func (h *house) captureOne(ctx context.Context, merchant, orderID, paymentID uuid.UUID) error {
	o, err := h.orders.Order(ctx, merchant, orderID)
	if err != nil || o.Status == order.StatusCanceled {
		return err
	}
	_, err = h.orders.CaptureDue(ctx, merchant, paymentID)
	if errors.Is(err, payment.ErrNotCapturable) {
		return nil
	}
	return err
}

// finishHold takes or gives back what has been held for longer than it should,
// because the job that was to do it was lost.
func (h *house) finishHold(ctx context.Context, p *payment.Payment) error {
	o, err := h.orders.Order(ctx, p.MerchantID, *p.OrderID)
	if err != nil {
		return err
	}
	if o.Status == order.StatusCanceled {
		return h.orders.MoneyBack(ctx, order.Canceled{Ref: order.Ref{MerchantID: p.MerchantID, OrderID: o.ID}, Reason: o.CancelReason})
	}
	return h.captureOne(ctx, p.MerchantID, o.ID, p.ID)
}

// recover finishes what somebody began and did not end.
func (h *house) recover(ctx context.Context) error {
	age := h.config.RecoveryAge
	errs := []error{h.checkouts.Recover(ctx, age), h.payments.RecoverRefunds(ctx, age)}
	errs = append(errs, h.payments.Uncaptured(ctx, h.db.Now().Add(-5*time.Minute), func(p *payment.Payment) error { // its job should be long done
		return h.finishHold(ctx, p)
	}), h.payments.Overdue(ctx, h.db.Now(), func(p *payment.Payment) error { return h.giveUpWaiting(ctx, p) }))
	return errors.Join(errs...)
}

// giveUpWaiting cancels an order whose transfer has not come in time. What came
// of it goes back; an order that stands although it was paid in part is none of
// those.
func (h *house) giveUpWaiting(ctx context.Context, p *payment.Payment) error {
	if p.Status == payment.PartiallyCaptured {
		o, err := h.orders.Order(ctx, p.MerchantID, *p.OrderID)
		if err != nil || o.Status != order.StatusPending {
			return err
		}
	}
	_, err := h.orders.Cancel(ctx, p.MerchantID, *p.OrderID, "payment_not_received", "system")
	return err
}

// settle finishes an attempt that nobody has settled, for whoever finds it in
// the books. That it came to nothing is an end like any other.
func (h *house) settle(ctx context.Context, merchant, paymentID uuid.UUID) error {
	_, err := h.checkouts.Settle(ctx, merchant, paymentID)
	if fault.Is(err, payment.ErrDeclined, checkout.ErrOutOfStock) {
		return nil
	}
	return err
}

func (h *house) remember(ctx context.Context, e order.Placed) error {
	o, err := h.orders.Order(ctx, e.MerchantID, e.OrderID)
	if err != nil {
		return err
	}
	return h.customers.Remember(ctx, e.MerchantID, o.ContactID)
}

// cashReceived settles a cash-on-delivery order once all of it has arrived: the
// courier has the money.
func (h *house) cashReceived(ctx context.Context, e shipping.Delivered) error {
	o, err := h.orders.Order(ctx, e.MerchantID, e.OrderID)
	if err != nil || o.PaymentMethod != string(payment.CashOnDelivery) || o.FulfillmentStatus != "delivered" {
		return err
	}
	all, err := h.payments.OfOrder(ctx, e.MerchantID, e.OrderID)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Status == payment.Pending && p.Method == payment.CashOnDelivery {
			if _, err := h.orders.CaptureDue(ctx, e.MerchantID, p.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
