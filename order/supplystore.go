package order

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"doorstep/internal/db"
	"doorstep/payment"
)

// Locked reads an order with its lines in a transaction that then holds it: what
// it says stays true until the end. It fails with ErrNotFound.
func (s *Service) Locked(ctx context.Context, tx db.Tx, merchant, order uuid.UUID) (*Order, error) {
	lock(tx, merchant, order)
	g, err := tx.Gorm(ctx)
	if err != nil {
		return nil, err
	}
	var o Order
	err = g.Where("merchant_id = ? and id = ?", merchant, order).Take(&o).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &o, g.Where("merchant_id = ? and order_id = ?", merchant, order).Order("position, id").Find(&o.Lines).Error
}

// NewSupplyNumber is a fresh number for a purchase order, such as PO-7K3M-Q2XT-H.
func NewSupplyNumber() string { return numbered("PO") }

// Payable says whether the units of an order may be sent as far as its money is
// concerned: it stands, and is paid or will be paid on delivery.
func (o *Order) Payable() bool {
	if o.Status != StatusConfirmed && o.Status != StatusCompleted {
		return false
	}
	switch o.PaymentStatus {
	case "paid", "partially_refunded":
		return true
	case "unpaid", "partially_paid":
		return o.PaymentMethod == string(payment.CashOnDelivery)
	}
	return false
}

// elsewhere says which units of an order somebody else sends, such as a supplier,
// by line. It is called in the transaction that holds the order.
type elsewhere func(ctx context.Context, tx db.Tx, merchant, order uuid.UUID) (map[uuid.UUID]int64, error)

// here is how many units of a line the shop itself still has to send.
func (o *locked) here(l *Line) int64 {
	if l.Held {
		return 0
	}
	return max(0, l.Quantity-l.Shipped-l.Canceled-o.away[l.ID])
}
