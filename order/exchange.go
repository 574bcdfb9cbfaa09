package order

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// ExchangeStatus is how an exchange stands.
type ExchangeStatus string

// The statuses of an exchange.
const (
	ExchangeRequested ExchangeStatus = "requested"
	ExchangeApproved  ExchangeStatus = "approved"
	ExchangeReceived  ExchangeStatus = "received"
	ExchangeFulfilled ExchangeStatus = "fulfilled"
	ExchangeCanceled  ExchangeStatus = "canceled"
)

// The faults of exchanges.
var (
	ErrExchangeNotFound = fault.New(fault.NotFound, "exchange_not_found", "There is no such exchange.")
	ErrExchangeState    = fault.New(fault.Conflict, "exchange_state", "The exchange does not stand so that this can be done.")
	ErrExchangeReturn   = fault.New(fault.Conflict, "exchange_return_mismatch", "The return has not been inspected, or does not hold these units.")
	ErrVariantUnknown   = fault.New(fault.Invalid, "sku_unknown", "One of the products is not sold here.")
	ErrNoPrice          = fault.New(fault.Invalid, "price_missing", "One of the products has no price in the currency of the order.")
	ErrDifferenceDue    = fault.New(fault.Conflict, "difference_not_paid", "The difference in price has not been paid yet.")
)

// Exchange is a number of units that come back, and what goes out for them.
// Amounts are minor units of Currency.
type Exchange struct {
	MerchantID uuid.UUID      `gorm:"column:merchant_id"`
	ID         uuid.UUID      `gorm:"column:id"`
	OrderID    uuid.UUID      `gorm:"column:order_id"`
	ReturnID   *uuid.UUID     `gorm:"column:return_id"` // whose units it takes
	Number     string         `gorm:"column:number"`
	Status     ExchangeStatus `gorm:"column:status"`
	Currency   string         `gorm:"column:currency"`
	Note       string         `gorm:"column:note"`
	Old        int64          `gorm:"column:old_minor"` // what the units that come back were paid for
	New        int64          `gorm:"column:new_minor"` // what those that go out cost
	Credit     int64          `gorm:"column:credit_minor"`
	PaymentID  *uuid.UUID     `gorm:"column:payment_id"` // of the difference, when the new units cost more
	ShipmentID *uuid.UUID     `gorm:"column:shipment_id"`
	Version    int64          `gorm:"column:version"`
	CreatedAt  time.Time      `gorm:"column:created_at"`
	ClosedAt   *time.Time     `gorm:"column:closed_at"`
	UpdatedAt  time.Time      `gorm:"column:updated_at"`

	Lines []ExchangeLine `gorm:"-"`
}

// TableName is where GORM finds it.
func (Exchange) TableName() string { return "exchanges" }

// Difference is what the buyer still has to pay, or gets back when it is below
// zero. It is known once the exchange is approved.
func (x *Exchange) Difference() int64 { return x.New - x.Old }

// ExchangeLine is units of an order line that come back for as many units of a
// variant.
type ExchangeLine struct {
	MerchantID uuid.UUID  `gorm:"column:merchant_id"`
	ExchangeID uuid.UUID  `gorm:"column:exchange_id"`
	LineID     uuid.UUID  `gorm:"column:line_id"`
	Quantity   int64      `gorm:"column:quantity"`
	Reason     string     `gorm:"column:reason"`
	VariantID  uuid.UUID  `gorm:"column:variant_id"`
	NewLineID  *uuid.UUID `gorm:"column:new_line_id"` // the line that was added to the order
	Damaged    int64      `gorm:"column:damaged"`

	SKU string `gorm:"-"` // of the wish
}

// TableName is where GORM finds it.
func (ExchangeLine) TableName() string { return "exchange_lines" }

// NewExchange asks for other units. ID names the request: the same ID is the
// same exchange.
type NewExchange struct {
	ID uuid.UUID
	// ReturnID names an inspected return of which the units come; without it they
	// are still to be sent.
	ReturnID *uuid.UUID
	Lines    []ExchangeLine // LineID, Quantity, Reason and SKU
	Note     string
}

// RequestExchange opens an exchange of units that were shipped. It fails with
// ErrNotFound, ErrReturnInput, ErrVariantUnknown, ErrLine, ErrQuantity,
// ErrReturnQuantity, ErrReturnNotFound or ErrExchangeReturn.
func (s *Service) RequestExchange(ctx context.Context, merchant, order uuid.UUID, n NewExchange, actor string) (*Exchange, error) {
	if _, err := s.Order(ctx, merchant, order); err != nil { // whose it is comes before what is asked
		return nil, err
	}
	if err := s.resolve(ctx, merchant, &n); err != nil {
		return nil, err
	}
	now := s.DB.Now()
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		o, err := lockNow(ctx, tx, merchant, order)
		if err != nil {
			return err
		}
		if done, err := madeBefore(ctx, tx, "exchanges", merchant, n.ID, order); err != nil || done {
			return err
		}
		x := Exchange{
			MerchantID: merchant, ID: n.ID, OrderID: order, ReturnID: n.ReturnID, Number: numbered("EX"), Status: ExchangeRequested,
			Currency: o.currency, Note: n.Note, Lines: n.Lines,
		}
		if n.ReturnID == nil {
			err = o.comeBack(tx, merchant, order, x.quantities())
		} else {
			err = x.takeFrom(ctx, tx, *n.ReturnID)
		}
		if err != nil {
			return err
		}
		insertExchange(tx, &x, now)
		return tell(tx, ExchangeAsked{x.ref()}, actor, now, x.story())
	})
	if err != nil {
		return nil, err
	}
	return s.Exchange(ctx, merchant, n.ID)
}

// resolve checks what needs no order, and finds the variants.
func (s *Service) resolve(ctx context.Context, merchant uuid.UUID, n *NewExchange) error {
	if n.ID == uuid.Nil {
		n.ID = id.New()
	}
	if len(n.Lines) == 0 {
		return ErrReturnInput
	}
	n.Note = reason(n.Note)
	n.Lines = slices.Clone(n.Lines)
	skus := make([]string, len(n.Lines))
	for i := range n.Lines {
		if skus[i] = n.Lines[i].SKU; !slices.Contains(ReturnReasons(), n.Lines[i].Reason) {
			return ErrReturnInput
		}
	}
	found, err := s.Shelf.VariantIDs(ctx, merchant, skus)
	if err != nil {
		return err
	}
	for i := range n.Lines {
		variant, ok := found[skus[i]]
		if !ok {
			return ErrVariantUnknown.With("sku", skus[i])
		}
		n.Lines[i].VariantID = variant
	}
	return nil
}

// takeFrom checks that a return, which the transaction then holds, has been
// inspected and holds the units of the exchange.
func (x *Exchange) takeFrom(ctx context.Context, tx db.Tx, id uuid.UUID) error {
	r, err := lockReturn(ctx, tx, x.MerchantID, id)
	if err != nil {
		return err
	}
	if r.OrderID != x.OrderID || r.Status != ReturnInspected {
		return ErrExchangeReturn
	}
	seen := map[uuid.UUID]bool{}
	for _, l := range x.Lines {
		from := r.line(l.LineID)
		if from == nil {
			return ErrLine
		}
		if l.Quantity < 1 || seen[l.LineID] {
			return ErrQuantity
		}
		if seen[l.LineID] = true; l.Quantity > from.Received {
			return ErrExchangeReturn
		}
	}
	return nil
}

func (x *Exchange) quantities() []LineQuantity {
	all := make([]LineQuantity, len(x.Lines))
	for i, l := range x.Lines {
		all[i] = LineQuantity{l.LineID, l.Quantity}
	}
	return all
}

// story is what the order's timeline says of an exchange.
func (x *Exchange) story() map[string]any {
	type line struct {
		LineID    uuid.UUID  `json:"line_id"`
		Quantity  int64      `json:"quantity"`
		VariantID uuid.UUID  `json:"variant_id"`
		NewLineID *uuid.UUID `json:"new_line_id,omitempty"`
	}
	lines := make([]line, len(x.Lines))
	for i, l := range x.Lines {
		lines[i] = line{l.LineID, l.Quantity, l.VariantID, l.NewLineID}
	}
	return map[string]any{"exchange_id": x.ID, "number": x.Number, "lines": lines}
}

// ExchangeRef names an exchange in an event.
type ExchangeRef struct {
	Ref
	ExchangeID uuid.UUID `json:"exchange_id"`
	Number     string    `json:"number"`
}

func (x *Exchange) ref() ExchangeRef {
	return ExchangeRef{Ref: Ref{MerchantID: x.MerchantID, OrderID: x.OrderID}, ExchangeID: x.ID, Number: x.Number}
}

// ExchangeAsked says that somebody wants other units.
type ExchangeAsked struct{ ExchangeRef }

// EventName is exchange.requested.
func (ExchangeAsked) EventName() string { return "exchange.requested" }

// ExchangeAccepted says that the new units are reserved.
type ExchangeAccepted struct {
	ExchangeRef
	Difference int64 `json:"difference"` // minor units that the buyer still owes, or gets back when below zero
}

// EventName is exchange.approved.
func (ExchangeAccepted) EventName() string { return "exchange.approved" }

// ExchangeArrived says that the old units have arrived.
type ExchangeArrived struct{ ExchangeRef }

// EventName is exchange.received.
func (ExchangeArrived) EventName() string { return "exchange.received" }

// ExchangeSent says that the new units have left.
type ExchangeSent struct {
	ExchangeRef
	ShipmentID uuid.UUID `json:"shipment_id"`
}

// EventName is exchange.fulfilled.
func (ExchangeSent) EventName() string { return "exchange.fulfilled" }

// ExchangeDropped says that an exchange will not take place.
type ExchangeDropped struct {
	ExchangeRef
	// PaymentID is the payment of the difference, which is not wanted any more.
	PaymentID *uuid.UUID `json:"payment_id,omitempty"`
}

// EventName is exchange.canceled.
func (ExchangeDropped) EventName() string { return "exchange.canceled" }
