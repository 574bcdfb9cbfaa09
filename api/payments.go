package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/payment"

	"github.com/google/uuid"
)

// payments is all that these routes ask of their room.
type payments interface {
	Payment(ctx context.Context, merchant, payment uuid.UUID) (*payment.Payment, error)
	OfOrder(ctx context.Context, merchant, order uuid.UUID) ([]payment.Payment, error)
	RefundsOfOrder(ctx context.Context, merchant, order uuid.UUID) ([]payment.Refund, error)
	Capture(ctx context.Context, merchant, payment uuid.UUID, amount int64) (*payment.Payment, error)
	Void(ctx context.Context, merchant, payment uuid.UUID) (*payment.Payment, error)
}

// Payment is one attempt to pay.
type Payment struct {
	ID            uuid.UUID  `json:"id" format:"uuid"`
	CheckoutID    uuid.UUID  `json:"checkout_id" format:"uuid"`
	OrderID       *uuid.UUID `json:"order_id,omitempty" format:"uuid"`
	Attempt       int        `json:"attempt"`
	Method        string     `json:"method" enum:"card,wallet,paypal,bank_transfer,cash_on_delivery,gift_card,store_credit"`
	Provider      string     `json:"provider" example:"sandbox"`
	GatewayID     string     `json:"gateway_id,omitempty" doc:"How the provider calls it"`
	Status        string     `json:"status" enum:"pending,requires_action,authorized,partially_captured,captured,voided,expired,failed,unknown,disputed,won,lost"`
	Amount        Money      `json:"amount"`
	Captured      Money      `json:"captured"`
	Refunded      Money      `json:"refunded"`
	Reference     string     `json:"reference,omitempty" doc:"What the buyer states in a bank transfer"`
	FailureCode   string     `json:"failure_code,omitempty" doc:"In the provider's words; never shown to buyers"`
	DueAt         *time.Time `json:"due_at,omitempty"`
	CaptureBefore *time.Time `json:"capture_before,omitempty" doc:"When the hold ends"`
	Version       int64      `json:"version"`
	CreatedAt     time.Time  `json:"created_at"`
	UpdatedAt     time.Time  `json:"updated_at"`
}

func paymentOf(p payment.Payment) Payment {
	of := func(minor int64) Money { return moneyOf(minor, p.Currency) }
	b := Payment{
		ID: p.ID, CheckoutID: p.CheckoutID, OrderID: p.OrderID, Attempt: p.Attempt, Method: string(p.Method), Provider: p.Provider,
		Status: string(p.Status), Amount: of(p.AmountMinor), Captured: of(p.CapturedMinor), Refunded: of(p.RefundedMinor),
		Reference: p.Reference, FailureCode: p.FailureCode, DueAt: p.DueAt, CaptureBefore: p.CaptureBefore, Version: p.Version,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	if p.GatewayID != nil {
		b.GatewayID = *p.GatewayID
	}
	return b
}

// RefundedLine is what a refund gives back for a line.
type RefundedLine struct {
	LineID   uuid.UUID `json:"line_id" format:"uuid"`
	Quantity int64     `json:"quantity"`
	Amount   *Money    `json:"amount,omitempty" doc:"Absent when everything that was left of the order was given back at once"`
}

// Refund is money on its way back to the buyer.
type Refund struct {
	ID          uuid.UUID      `json:"id" format:"uuid"`
	OrderID     uuid.UUID      `json:"order_id" format:"uuid"`
	PaymentID   uuid.UUID      `json:"payment_id" format:"uuid"`
	Status      string         `json:"status" enum:"pending,succeeded,failed"`
	Amount      Money          `json:"amount"`
	To          string         `json:"to" enum:"original,store_credit" doc:"Back by the way that it came, or to the customer's store credit"`
	CustomerID  *uuid.UUID     `json:"customer_id,omitempty" format:"uuid" doc:"Who got it as store credit"`
	Reason      string         `json:"reason"`
	Source      string         `json:"source" enum:"shop,outside" doc:"outside when it was made at the provider itself"`
	Lines       []RefundedLine `json:"lines"`
	FailureCode string         `json:"failure_code,omitempty"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
}

func refundOf(r payment.Refund) Refund {
	b := Refund{
		ID: r.ID, OrderID: r.OrderID, PaymentID: r.PaymentID, Status: r.Status, Amount: moneyOf(r.AmountMinor, r.Currency),
		To: cmp.Or(r.Destination, payment.ToOriginal), CustomerID: r.CustomerID, Reason: r.Reason, Source: cmp.Or(r.Source, "shop"), Lines: []RefundedLine{}, FailureCode: r.FailureCode, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	var lines []order.RefundLine
	if json.Unmarshal(r.Lines, &lines) == nil {
		for _, l := range lines {
			line := RefundedLine{LineID: l.LineID, Quantity: l.Quantity}
			if l.Amount != 0 {
				a := moneyOf(l.Amount, r.Currency)
				line.Amount = &a
			}
			b.Lines = append(b.Lines, line)
		}
	}
	return b
}

// LineQuantity is a number of units of an order line.
type LineQuantity struct {
	LineID   uuid.UUID `json:"line_id" format:"uuid"`
	Quantity int64     `json:"quantity" minimum:"1" maximum:"1000000" example:"1"`
}

func lineQuantities(lines []LineQuantity) []order.LineQuantity {
	all := make([]order.LineQuantity, 0, len(lines))
	for _, l := range lines {
		all = append(all, order.LineQuantity{LineID: l.LineID, Quantity: l.Quantity})
	}
	return all
}

type refundOrderIn struct {
	ByID
	Key  string `header:"Idempotency-Key"`
	Body struct {
		Amount *Money         `json:"amount,omitempty" doc:"Instead of lines"`
		Lines  []LineQuantity `json:"lines,omitempty" minItems:"1" maxItems:"500" doc:"What these units were paid for; with neither amount nor lines, everything that is left"`
		To     string         `json:"to,omitempty" enum:"original,store_credit" doc:"original when absent; store_credit goes to the customer of the order's e-mail address, at once"`
		Reason string         `json:"reason" minLength:"1" maxLength:"500" example:"Arrived broken"`
	}
}

type refundsOut struct {
	Body List[Refund]
}

// refundID names the refund that a key asks for, so that a repeat is the same
// refund even when the first answer was never stored.
func refundID(merchant uuid.UUID, key string) uuid.UUID {
	return uuid.NewSHA1(merchant, []byte("refund:"+key))
}

func registerRefunds(s *Server, o *orderRoom) {
	handle(s, Route{
		ID: "refund-order", Method: http.MethodPost, Path: "/v1/orders/{id}/refunds", Status: http.StatusCreated, Tag: "payments",
		Summary:     "Give money back: an amount, what units were paid for, or everything",
		Description: "There is one refund per payment that money is taken from, as a rule just one. A refund that the provider has not answered yet is pending and is finished later; store credit is given at once.",
		Auth:        secret("refunds:write"), Once: OnceRequired, Deadline: Payments,
		Errors: []*fault.Error{
			order.ErrNotFound, order.ErrRefundInput, order.ErrLine, order.ErrQuantity, order.ErrRefundLines, order.ErrNoCustomer, payment.ErrCreditInput, payment.ErrNothingPaid, payment.ErrDisputed,
			payment.ErrRefundTooHigh, payment.ErrAmount, money.ErrMixed, idem.ErrConflict, idem.ErrInFlight,
		},
	}, o.refund)
	handle(s, Route{
		ID: "list-order-refunds", Method: http.MethodGet, Path: "/v1/orders/{id}/refunds", Tag: "payments", Summary: "List the refunds of an order",
		Auth: secret("orders:read"), Errors: []*fault.Error{order.ErrNotFound},
	}, func(ctx context.Context, in *ByID) (*listOut[Refund], error) {
		if _, err := o.orders.Order(ctx, caller(ctx).Merchant, in.ID); err != nil {
			return nil, err
		}
		all, err := o.payments.RefundsOfOrder(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", refundOf), nil
	})
}

func (o *orderRoom) refund(ctx context.Context, in *refundOrderIn) (*refundsOut, error) {
	if err := noNull(ctx, "amount", "lines"); err != nil {
		return nil, err
	}
	merchant := caller(ctx).Merchant
	n := order.NewRefund{ID: refundID(merchant, in.Key), Lines: lineQuantities(in.Body.Lines), Reason: in.Body.Reason, To: in.Body.To}
	if a := in.Body.Amount; a != nil {
		if a.Amount < 1 {
			return nil, order.ErrRefundInput.At("body.amount.amount", "expected number >= 1")
		}
		v, err := o.orders.Order(ctx, merchant, in.ID)
		if err != nil {
			return nil, err
		}
		if a.Currency != v.Currency {
			return nil, money.ErrMixed.At("body.amount.currency", "is not the currency of the order").Saying("The amount must be in the currency of the order.")
		}
		n.Amount = a.Amount
	}
	all, err := o.orders.Refund(ctx, merchant, in.ID, n)
	if err != nil {
		return nil, err
	}
	return &refundsOut{Body: listOf(all, "", refundOf).Body}, nil
}

type paymentOut struct {
	ETag string `header:"ETag"`
	Body Payment
}

func onePayment(p *payment.Payment, err error) (*paymentOut, error) {
	if err != nil {
		return nil, err
	}
	return &paymentOut{ETag: etag(p.Version), Body: paymentOf(*p)}, nil
}

// CaptureForm says how much to take.
type CaptureForm struct {
	Amount *Money `json:"amount,omitempty" doc:"All that the order owes when absent; the rest of the hold is let go"`
}

type capturePaymentIn struct {
	ByID
	Body *CaptureForm
}

func registerOrderPayments(s *Server, o *orderRoom) {
	handle(s, Route{
		ID: "list-order-payments", Method: http.MethodGet, Path: "/v1/orders/{id}/payments", Tag: "payments", Summary: "List the payments of an order",
		Auth: secret("orders:read"), Errors: []*fault.Error{order.ErrNotFound},
	}, func(ctx context.Context, in *ByID) (*listOut[Payment], error) {
		if _, err := o.orders.Order(ctx, caller(ctx).Merchant, in.ID); err != nil {
			return nil, err
		}
		all, err := o.payments.OfOrder(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", paymentOf), nil
	})
	handle(s, Route{
		ID: "read-payment", Method: http.MethodGet, Path: "/v1/payments/{id}", Tag: "payments", Summary: "Read a payment",
		Auth: secret("orders:read"), Errors: []*fault.Error{payment.ErrNotFound},
	}, func(ctx context.Context, in *ByID) (*paymentOut, error) {
		return onePayment(o.payments.Payment(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "capture-payment", Method: http.MethodPost, Path: "/v1/payments/{id}/capture", Tag: "payments",
		Summary: "Take the money that is held, or record that a transfer or cash has arrived",
		Auth:    secret("orders:write"), Once: OnceRequired, Deadline: Payments,
		Errors: []*fault.Error{
			payment.ErrNotFound, payment.ErrNotCapturable, payment.ErrCaptureAmount, payment.ErrGatewayTrouble, money.ErrMixed, idem.ErrConflict, idem.ErrInFlight,
		},
	}, func(ctx context.Context, in *capturePaymentIn) (*paymentOut, error) {
		amount, err := o.toCapture(ctx, in)
		if err != nil {
			return nil, err
		}
		if amount == 0 {
			return onePayment(o.orders.CaptureDue(ctx, caller(ctx).Merchant, in.ID))
		}
		return onePayment(o.payments.Capture(ctx, caller(ctx).Merchant, in.ID, amount))
	})
	handle(s, Route{
		ID: "void-payment", Method: http.MethodPost, Path: "/v1/payments/{id}/void", Tag: "payments", Summary: "Let go the money that is held, or stop waiting for a transfer",
		Auth: secret("orders:write"), Once: OnceRequired, Deadline: Payments,
		Errors: []*fault.Error{payment.ErrNotFound, payment.ErrNotVoidable, payment.ErrGatewayTrouble, idem.ErrConflict, idem.ErrInFlight},
	}, func(ctx context.Context, in *ByID) (*paymentOut, error) {
		return onePayment(o.payments.Void(ctx, caller(ctx).Merchant, in.ID))
	})
}

// toCapture is the amount to take in minor units, 0 for all of it.
func (o *orderRoom) toCapture(ctx context.Context, in *capturePaymentIn) (int64, error) {
	if in.Body == nil || in.Body.Amount == nil {
		return 0, noNull(ctx, "amount")
	}
	a := in.Body.Amount
	if a.Amount < 1 {
		return 0, payment.ErrCaptureAmount.At("body.amount.amount", "expected number >= 1")
	}
	p, err := o.payments.Payment(ctx, caller(ctx).Merchant, in.ID)
	if err != nil {
		return 0, err
	}
	if a.Currency != p.Currency {
		return 0, money.ErrMixed.At("body.amount.currency", "is not the currency of the payment").Saying("The amount must be in the currency of the payment.")
	}
	return a.Amount, nil
}
