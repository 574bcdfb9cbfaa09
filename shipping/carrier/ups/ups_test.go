package ups_test

import (
	"testing"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/ups"
	"doorstep/shipping/carriertest"
)

func account(base string, c clock.Clock) *ups.UPS {
	return ups.New(ups.Config{
		Base: base, ClientID: "ups-client-id", Secret: "ups-client-secret", Account: "A1B2C3", WebhookCredential: "ups-webhook-credential", Clock: c,
	})
}

func open(base string, c clock.Clock) carrier.Carrier { return account(base, c) }

func TestUPSKeepsThePromisesOfACarrier(t *testing.T) { // not parallel: goroutines are counted
	abroad := carriertest.International()
	carriertest.Run(t, carriertest.Bench{Vendor: ups.Name, New: open, Abroad: &abroad, Renews: true, BodyUnsigned: true})
}
