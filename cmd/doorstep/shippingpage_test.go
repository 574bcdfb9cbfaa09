package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier/fake"
)

func TestTheCommandsOfTheShippingPageDoWhatItSays(t *testing.T) {
	t.Parallel()
	needsTools(t)
	shop := newDemo(t)
	carriers := httptest.NewServer(fake.New(&clock.System{}))
	t.Cleanup(carriers.CloseClientConnections)
	t.Cleanup(carriers.Close)
	doesWhatItSays(t, "../../docs/shipping.md", strings.NewReplacer("http://127.0.0.1:8080", shop.url, "http://127.0.0.1:12222", carriers.URL, "ds_sk_...", shop.sk))
}
