package main

import (
	"context"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/order"
)

// buyer is the customer of an order's e-mail address. Those who ordered become
// customers by a job, which may not have come to this order yet.
func (h *house) buyer(ctx context.Context, o *order.Order) (uuid.UUID, error) {
	c, err := h.contacts.Contact(ctx, o.MerchantID, o.ContactID)
	if err != nil {
		return uuid.Nil, err
	}
	if c.Email == "" {
		return uuid.Nil, customer.ErrPersonUnknown
	}
	if err := h.customers.Remember(ctx, o.MerchantID, o.ContactID); err != nil {
		return uuid.Nil, err
	}
	p, err := h.customers.PersonByEmail(ctx, o.MerchantID, h.vault.EmailHMAC(o.MerchantID, c.Email))
	return p.ID, err
}
