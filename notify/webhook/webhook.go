// Package webhook tells other programs of what happens in a shop: it keeps the
// addresses that merchants give, makes one delivery for each of them out of
// each event, and sends it, signed as Standard Webhooks 1.0 says, until it has
// arrived or three days have passed.
//
// An event becomes deliveries in the transaction that takes it out of the
// outbox, so none is lost. An attempt belongs to whoever took the delivery's
// row, for a while; a program that dies leaves the row to the next. What is
// sent again carries the same webhook-id, by which receivers know it. What
// happened to one order or parcel is sent in its order: a delivery waits until
// the one before it has arrived or is dead.
package webhook

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/safedial"
)

// The faults of this room.
var (
	ErrEndpoint         = fault.New(fault.Invalid, "webhook_endpoint_invalid", "Something about this webhook endpoint breaks a rule; see errors.")
	ErrEndpointUnknown  = fault.New(fault.NotFound, "webhook_endpoint_not_found", "There is no such webhook endpoint.")
	ErrEndpointTaken    = fault.New(fault.Conflict, "webhook_endpoint_exists", "There is a webhook endpoint with this address already.")
	ErrTooManyEndpoints = fault.New(fault.Conflict, "too_many_webhook_endpoints", "A merchant has at most 20 webhook endpoints. Delete one first.")
	ErrEndpointDisabled = fault.New(fault.Conflict, "webhook_endpoint_disabled", "This webhook endpoint is disabled. Set its status to active first.")
	ErrVersion          = fault.New(fault.Stale, "version_mismatch", "The webhook endpoint has changed since you read it.")
	ErrDeliveryUnknown  = fault.New(fault.NotFound, "delivery_not_found", "There is no such delivery.")
	ErrDeliveryRunning  = fault.New(fault.Conflict, "delivery_in_flight", "This delivery is being sent. Try again in a moment.")
)

// Sealer keeps secrets unreadable in the database, bound to merchant and row.
type Sealer interface {
	SealSecret(merchant, row uuid.UUID, secret []byte) []byte
	OpenSecret(merchant, row uuid.UUID, sealed []byte) ([]byte, error)
}

// Caller sends one request; *safedial.Client does.
type Caller interface {
	Send(ctx context.Context, req *http.Request) (safedial.Answer, time.Duration, error)
	Check(url string) error
}

// Composer makes the data of a webhook out of an event as it was published. It
// is asked once for each delivery, shortly before the first attempt. An error
// means that it is to be asked again later.
type Composer func(ctx context.Context, merchant uuid.UUID, event string, payload []byte) (any, error)

// Config is what a Service is made of. Zero values of the last group mean the
// defaults.
type Config struct {
	DB      *db.DB
	Sealer  Sealer
	Caller  Caller
	Compose Composer // nil sends the events as they were published
	Log     *slog.Logger
	// Note is called in the transaction that disables an endpoint, so that it is
	// written down where the merchant looks; nil writes nothing.
	Note func(tx db.Tx, e EndpointDisabled) error

	Workers     int             // attempts at once; 32
	PerEndpoint int             // attempts at once to one endpoint; 4
	Poll        time.Duration   // how often it looks for what is due; 500 ms
	Lease       time.Duration   // after which an attempt counts as died; 30 s
	Schedule    []time.Duration // from one attempt to the next; Schedule
	GiveUp      time.Duration   // an endpoint that failed for so long is disabled; 3 days
}

// Schedule is how long a delivery waits from one failed attempt to the next, as
// the standard suggests: ten attempts within a little over three days.
var Schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	defaultGiveUp = 3 * 24 * time.Hour
	// Kept is how long a delivery is kept once it has arrived or is dead.
	Kept = 30 * 24 * time.Hour
)

// Service keeps endpoints and sends deliveries. It is safe for concurrent use.
type Service struct {
	db     *db.DB
	config Config
	log    *slog.Logger
	wake   chan struct{}

	mu      sync.Mutex
	running map[uuid.UUID]int // attempts at once, by endpoint
}

// New makes a Service; Run sends.
func New(c Config) *Service {
	if c.Workers == 0 {
		c.Workers = 32
	}
	if c.PerEndpoint == 0 {
		c.PerEndpoint = 4
	}
	if c.Poll == 0 {
		c.Poll = 500 * time.Millisecond
	}
	if c.Lease == 0 {
		c.Lease = 30 * time.Second
	}
	if c.Schedule == nil {
		c.Schedule = Schedule
	}
	if c.GiveUp == 0 {
		c.GiveUp = defaultGiveUp
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Compose == nil {
		c.Compose = func(_ context.Context, _ uuid.UUID, _ string, payload []byte) (any, error) {
			return json.RawMessage(payload), nil
		}
	}
	return &Service{db: c.DB, config: c, log: c.Log, wake: make(chan struct{}, 1), running: map[uuid.UUID]int{}}
}

// Wake makes Run look for what is due now.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // already awake
	}
}
