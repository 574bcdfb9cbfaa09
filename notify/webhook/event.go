package webhook

import (
	"encoding/json"
	"slices"
	"time"
)

// TestEvent is the type of what a merchant sends to try an endpoint.
const TestEvent = "webhook.test"

// payloadVersion is the version of the envelope and its data. Fields are added
// within a version, never renamed or removed.
const payloadVersion = 1

// events are the types that merchants can be told of; each is the name of an
// event that some room publishes.
var events = []string{
	"order.placed", "order.canceled",
	"payment.refunded",
	"shipment.shipped", "shipment.in_transit", "shipment.out_for_delivery", "shipment.ready_for_pickup", "shipment.delivered",
	"shipment.delivery_failed", "shipment.returned_to_sender", "shipment.canceled",
}

// Events lists the types that an endpoint can ask for.
func Events() []string { return slices.Clone(events) }

// envelope is the body of every webhook.
type envelope struct {
	Type      string    `json:"type"`
	Version   int       `json:"version"`
	Timestamp time.Time `json:"timestamp"` // when it happened
	Data      any       `json:"data"`
}

// write makes the body: what is signed and sent, byte for byte, at every attempt.
func (e envelope) write() ([]byte, error) {
	e.Version, e.Timestamp = payloadVersion, e.Timestamp.UTC()
	return json.Marshal(e)
}
