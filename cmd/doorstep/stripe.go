package main

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/payment"
	"doorstep/payment/stripepay"
)

// stripe is the account that the settings name; none without a key.
func (h *house) stripe() []payment.Provider {
	c := h.config
	if c.StripeKey == "" {
		return nil
	}
	back := c.StripeReturnURL
	if back == "" {
		back = c.URL() + "/"
	}
	return []payment.Provider{stripepay.New(stripepay.Config{
		Key: c.StripeKey.Reveal(), Publishable: c.StripePublishable, Base: c.StripeBase, Secrets: c.StripeSecrets(), ReturnURL: back,
		Minimal: c.StripeMinimal, AnyVersion: c.StripeAnyVersion, Timeout: c.GatewayTimeout, Clock: h.clock,
	})}
}

// settler lets the inbox settle open payments.
type settler struct{ *checkout.Service }

// SettlePayment takes a payment that came to nothing for settled.
func (s settler) SettlePayment(ctx context.Context, merchant, id uuid.UUID) error {
	_, err := s.Settle(ctx, merchant, id)
	if errors.Is(err, payment.ErrDeclined) || errors.Is(err, checkout.ErrOutOfStock) {
		return nil
	}
	return err
}

// merchantList tells the inbox who there is.
type merchantList struct{ *customer.Service }

// MerchantKnown says whether there is such a merchant.
func (m merchantList) MerchantKnown(ctx context.Context, merchant uuid.UUID) (bool, error) {
	_, err := m.Merchant(ctx, merchant)
	if errors.Is(err, customer.ErrMerchantUnknown) {
		return false, nil
	}
	return err == nil, err
}

// MerchantIDs are all of them.
func (m merchantList) MerchantIDs(ctx context.Context) ([]uuid.UUID, error) {
	all, err := m.Merchants(ctx)
	ids := make([]uuid.UUID, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	return ids, err
}
