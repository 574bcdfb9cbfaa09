package main

import (
	"context"

	"github.com/google/uuid"

	"doorstep/order"
	"doorstep/shipping"
)

// dispatch are the orders, with tracking numbers that somebody typed checked by
// the carrier that is linked under the name given.
type dispatch struct {
	*order.Service
	accounts *shipping.Accounts
}

// Ship is order.Service.Ship; it also fails with shipping.ErrShipment when the
// number cannot be the carrier's.
func (d dispatch) Ship(ctx context.Context, merchant, id uuid.UUID, n order.NewShipment) (*shipping.Shipment, error) {
	if err := d.accounts.CheckNumber(ctx, merchant, n.Carrier, n.TrackingNumber); err != nil {
		return nil, err
	}
	return d.Service.Ship(ctx, merchant, id, n)
}

// parcels are the shipments, with the codes that people read off the pages of
// carriers without an API.
type parcels struct {
	*shipping.Service
	accounts *shipping.Accounts
}

// RecordEvent is shipping.Service.RecordEvent; an event without a status gets it
// from its code.
func (p parcels) RecordEvent(ctx context.Context, merchant, shipment uuid.UUID, e shipping.TrackingEvent) (*shipping.Shipment, error) {
	if e.Status == "" && e.Code != "" {
		of, err := p.Shipment(ctx, merchant, shipment)
		if err != nil {
			return nil, err
		}
		if e, err = p.accounts.Note(ctx, merchant, of.Carrier, of.TrackingNumber, e); err != nil {
			return nil, err
		}
	}
	return p.Service.RecordEvent(ctx, merchant, shipment, e)
}
