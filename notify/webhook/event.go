package webhook

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
)

// TestEvent is the type of what a merchant sends to try an endpoint.
const TestEvent = "webhook.test"

// payloadVersion is the version of the envelope and its data. Fields are added
// within a version, never renamed or removed.
const payloadVersion = 1

// events are the types that merchants can be told of. Each is the name of an
// event that some room publishes, but for those in renamed.
var events = []string{
	"order.placed", "order.canceled", "order.lines_canceled", "order.edited",
	"payment.captured", "payment.refunded", "payment.dispute_changed",
	"shipment.shipped", "shipment.in_transit", "shipment.out_for_delivery", "shipment.ready_for_pickup", "shipment.delivered",
	"shipment.delivery_failed", "shipment.returned_to_sender", "shipment.canceled", "shipment.exception",
	"label.bought", "label.failed", "label.parked", "label.void", "label.void_failed", "carrier_errand.parked",
	"return.requested", "return.approved", "return.rejected", "return.canceled", "return.in_transit", "return.received", "return.inspected",
	"return.refunded", "return.exchanged",
	"exchange.requested", "exchange.approved", "exchange.received", "exchange.fulfilled", "exchange.canceled",
	"supplier_order.sent", "supplier_order.undelivered", "supplier_order.accepted", "supplier_order.rejected", "supplier_order.shipped",
	"supplier_order.completed", "supplier_order.reduced", "supplier_order.canceled", "supplier_order.late",
	"cart.abandoned", "cart.recovered", "recovery.due",
	"support_case.opened", "support_case.resolved", "support_case.overdue", "support_hook.fired", "conversation.handed_over", "conversation.overdue", "conversation.ended",
	"claim.opened", "claim.approved", "claim.denied", "claim.resolved", "claim.canceled",
}

// renamed are the events that go by another name outside.
var renamed = map[string]string{
	"order.money_taken": "payment.captured", "support.handed_over": "conversation.handed_over", "support.answer_overdue": "conversation.overdue",
	"support.conversation_ended": "conversation.ended",
}

// typeOf is the type that merchants know an event by; false when it is not for
// them.
func typeOf(event string) (string, bool) {
	if name, ok := renamed[event]; ok {
		event = name
	}
	return event, slices.Contains(events, event)
}

// Events lists the types that an endpoint can ask for.
func Events() []string { return slices.Clone(events) }

// Sources lists the events that become webhooks, by the names under which rooms
// publish them.
func Sources() []string {
	all := Events()
	for event, name := range renamed {
		all[slices.Index(all, name)] = event
	}
	return all
}

// EndpointDisabled says that an endpoint is told of nothing any more, because it
// does not take anything. It is for the merchant's people; no endpoint is told.
type EndpointDisabled struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	EndpointID uuid.UUID `json:"endpoint_id"`
	Reason     string    `json:"reason"` // Gone or Failing
	DisabledAt time.Time `json:"disabled_at"`
}

// EventName is webhook.endpoint_disabled.
func (EndpointDisabled) EventName() string { return "webhook.endpoint_disabled" }

// Merchant is whose endpoint it is.
func (e EndpointDisabled) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the endpoint.
func (e EndpointDisabled) Aggregate() uuid.UUID { return e.EndpointID }

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
