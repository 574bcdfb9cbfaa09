package order

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/shipping"
)

// links signs what lets a buyer see one order: customer.Vault.
type links interface {
	Link(purpose customer.Purpose, merchant, subject uuid.UUID, expires time.Time) string
	OpenLink(purpose customer.Purpose, token string, now time.Time) (merchant, subject uuid.UUID, err error)
}

// shipments reads the parcels of an order.
type shipments interface {
	OfOrder(ctx context.Context, merchant, order uuid.UUID) ([]shipping.Shipment, error)
}

// trackingDays is how long after the purchase the link to an order works.
const trackingDays = 180

// TrackingToken is what stands in the link with which a buyer follows the order.
// The same order gives the same token; it ends 180 days after the purchase.
func (s *Service) TrackingToken(o *Order) string {
	return s.Links.Link(customer.TrackOrder, o.MerchantID, o.ID, o.PlacedAt.AddDate(0, 0, trackingDays))
}

// Tracking is what the holder of a link sees of an order: where it is and what
// is in it, and nothing of who bought it or where they live.
type Tracking struct {
	MerchantID        uuid.UUID
	OrderID           uuid.UUID
	Number            string
	Status            Status
	PaymentStatus     string
	FulfillmentStatus string
	Locale            string
	PlacedAt          time.Time
	CanceledAt        *time.Time
	Currency          string
	PricesIncludeTax  bool
	Subtotal          int64 // minor units, as the others
	Discount          int64 // <= 0
	Shipping          int64
	Duties            int64
	Tax               int64
	Total             int64
	Lines             []Line
	// Option is the delivery that was chosen, with what was promised.
	Option    ShippingOption
	Shipments []shipping.Shipment // without labels
}

// Track opens a tracking token. Forged and expired ones fail with
// customer.ErrLinkInvalid.
func (s *Service) Track(ctx context.Context, token string) (*Tracking, error) {
	merchant, id, err := s.Links.OpenLink(customer.TrackOrder, token, s.DB.Now())
	if err != nil {
		return nil, err
	}
	o, err := s.Order(ctx, merchant, id)
	if err != nil {
		return nil, err
	}
	return s.TrackOrder(ctx, o)
}

// TrackOrder is the same view of an order that was found otherwise.
func (s *Service) TrackOrder(ctx context.Context, o *Order) (*Tracking, error) {
	t := &Tracking{
		MerchantID: o.MerchantID, OrderID: o.ID, Number: o.Number, Status: o.Status, PaymentStatus: o.PaymentStatus,
		FulfillmentStatus: o.FulfillmentStatus, Locale: o.Locale, PlacedAt: o.PlacedAt, CanceledAt: o.CanceledAt, Currency: o.Currency,
		PricesIncludeTax: o.PricesIncludeTax, Subtotal: o.Subtotal, Discount: o.Discount, Shipping: o.Shipping, Duties: o.Duties, Tax: o.Tax, Total: o.Total,
		Lines: o.Lines,
	}
	var err error
	if t.Option, err = o.Delivery(); err != nil {
		return nil, err
	}
	if t.Shipments, err = s.Shipments.OfOrder(ctx, o.MerchantID, o.ID); err != nil {
		return nil, err
	}
	for i := range t.Shipments {
		t.Shipments[i].LabelURL = "" // a label shows the address
	}
	return t, nil
}
