package main

import (
	"doorstep/payment"
	"doorstep/payment/paypal"
)

// paypal is the PayPal account that is set, if there is one.
func (h *house) paypal() []payment.Provider {
	c := h.config
	if c.PayPalClientID == "" {
		return nil
	}
	back := c.PayPalReturnURL
	if back == "" {
		back = c.URL() + "/"
	}
	g := paypal.New(paypal.Config{
		ClientID: c.PayPalClientID, Secret: c.PayPalSecret.Reveal(), Base: c.PayPalBase, WebhookID: c.PayPalWebhookID, ReturnURL: back,
		Timeout: c.GatewayTimeout, Clock: h.clock,
	})
	h.closers = append(h.closers, g.Close)
	return []payment.Provider{g}
}
