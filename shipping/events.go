package shipping

import (
	"time"

	"github.com/google/uuid"
)

// Ref names a shipment in an event.
type Ref struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	OrderID    uuid.UUID `json:"order_id"`
	ShipmentID uuid.UUID `json:"shipment_id"`
	// OccurredAt is when the carrier says it happened; zero for Shipped.
	OccurredAt time.Time `json:"occurred_at,omitzero"`
}

// Merchant is whose shipment it is.
func (r Ref) Merchant() uuid.UUID { return r.MerchantID }

// Aggregate is the shipment.
func (r Ref) Aggregate() uuid.UUID { return r.ShipmentID }

// Shipped says that a parcel has left.
type Shipped struct{ Ref }

// EventName is shipment.shipped.
func (Shipped) EventName() string { return "shipment.shipped" }

// InTransit says that a parcel is on its way again or for the first time.
type InTransit struct{ Ref }

// EventName is shipment.in_transit.
func (InTransit) EventName() string { return "shipment.in_transit" }

// OutForDelivery says that a parcel comes today.
type OutForDelivery struct{ Ref }

// EventName is shipment.out_for_delivery.
func (OutForDelivery) EventName() string { return "shipment.out_for_delivery" }

// ReadyForPickup says that a parcel waits for its buyer.
type ReadyForPickup struct{ Ref }

// EventName is shipment.ready_for_pickup.
func (ReadyForPickup) EventName() string { return "shipment.ready_for_pickup" }

// Delivered says that a parcel has arrived.
type Delivered struct{ Ref }

// EventName is shipment.delivered.
func (Delivered) EventName() string { return "shipment.delivered" }

// DeliveryFailed says that a parcel could not be handed over.
type DeliveryFailed struct{ Ref }

// EventName is shipment.delivery_failed.
func (DeliveryFailed) EventName() string { return "shipment.delivery_failed" }

// Returned says that a parcel goes or went back to its sender.
type Returned struct{ Ref }

// EventName is shipment.returned_to_sender.
func (Returned) EventName() string { return "shipment.returned_to_sender" }

// Canceled says that a parcel does not go out after all.
type Canceled struct{ Ref }

// EventName is shipment.canceled.
func (Canceled) EventName() string { return "shipment.canceled" }

// Exception says that there is trouble with a parcel which somebody should hear
// of: once for each kind. Those who help buyers open a case of the hook's name.
type Exception struct {
	Ref
	Hook   Alert  `json:"hook"`
	Reason string `json:"reason"` // carrier, promised or silent
}

// EventName is shipment.exception.
func (Exception) EventName() string { return "shipment.exception" }
