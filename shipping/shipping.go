// Package shipping knows what delivery costs, by the merchant's policy, and
// where each parcel is, by what carriers say of it.
package shipping

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/jobs"
	"doorstep/internal/locale"
	"doorstep/shipping/policy"
	"doorstep/shipping/rating"
)

// Status is how a shipment stands.
type Status string

// The statuses of a shipment.
const (
	StatusPending        Status = "pending"
	StatusProcessing     Status = "processing"
	StatusShipped        Status = "shipped"
	StatusInTransit      Status = "in_transit"
	StatusOutForDelivery Status = "out_for_delivery"
	StatusReadyForPickup Status = "ready_for_pickup"
	StatusDelivered      Status = "delivered"
	StatusFailed         Status = "failed"
	StatusReturned       Status = "returned_to_sender"
	StatusCanceled       Status = "canceled"
)

// The longest texts that are kept.
const mostText, mostCarrier = 500, 100

// Shipment is one parcel of an order.
type Shipment struct {
	MerchantID     uuid.UUID  `gorm:"column:merchant_id"`
	ID             uuid.UUID  `gorm:"column:id"`
	OrderID        uuid.UUID  `gorm:"column:order_id"`
	Status         Status     `gorm:"column:status"`
	TrackingStatus Tracking   `gorm:"column:tracking_status"` // as the carriers' words are normalised
	Carrier        string     `gorm:"column:carrier"`
	TrackingNumber string     `gorm:"column:tracking_number"`
	LabelURL       string     `gorm:"column:label_url"`
	Version        int64      `gorm:"column:version"`
	ShippedAt      *time.Time `gorm:"column:shipped_at"`
	DeliveredAt    *time.Time `gorm:"column:delivered_at"`
	PromisedAt     *time.Time `gorm:"column:promised_at"` // when the promised days are over
	ExpectedAt     *time.Time `gorm:"column:expected_at"` // when the carrier means to deliver, by its last word
	SignedBy       string     `gorm:"column:signed_by"`   // initials of who took it
	PhotoURL       string     `gorm:"column:photo_url"`   // of the handing over
	CreatedAt      time.Time  `gorm:"column:created_at"`
	UpdatedAt      time.Time  `gorm:"column:updated_at"`

	Lines  []ShipmentLine  `gorm:"-"`
	Events []TrackingEvent `gorm:"-"` // the oldest first
	// Unannounced leaves Shipped to whoever does what must come before it, such as
	// to buy a label.
	Unannounced bool `gorm:"-"`
}

// TableName is where GORM finds it.
func (Shipment) TableName() string { return "shipments" }

// ShipmentLine is how many units of an order line are in a parcel.
type ShipmentLine struct {
	MerchantID  uuid.UUID `gorm:"column:merchant_id" json:"-"`
	ShipmentID  uuid.UUID `gorm:"column:shipment_id" json:"-"`
	OrderLineID uuid.UUID `gorm:"column:order_line_id" json:"line_id"`
	Quantity    int64     `gorm:"column:quantity" json:"quantity"`
}

// TableName is where GORM finds it.
func (ShipmentLine) TableName() string { return "shipment_lines" }

// orders is what shipping tells the order that a parcel belongs to, inside the
// transaction that changes the parcel.
type orders interface {
	FulfilmentChanged(tx db.Tx, merchant, order uuid.UUID, event string, data any, now time.Time) error
}

// Config is what the service needs.
type Config struct {
	DB     *db.DB
	Orders orders
	// Bump raises the merchant's config version inside a transaction, so that
	// cached rules are read anew: a published policy is such a rule.
	Bump func(tx db.Tx, merchant uuid.UUID)
	// Origins are the places besides those of a policy that the merchant's goods
	// leave from, such as suppliers; without it there are none.
	Origins func(ctx context.Context, merchant uuid.UUID) ([]policy.Origin, error)
	// Accounts and Rater ask carriers for live prices; without them there are none.
	Accounts *Accounts
	Rater    *rating.Rater
}

// Service keeps policies and shipments of all merchants. It is safe for
// concurrent use.
type Service struct {
	Config
	ready ready
}

// New makes the service.
func New(c Config) *Service { return &Service{Config: c} }

// Check says what is wrong with a new shipment's texts, and cleans them.
func (s *Shipment) Check() error {
	s.Carrier, s.TrackingNumber, s.LabelURL = locale.Line(s.Carrier), locale.Line(s.TrackingNumber), strings.TrimSpace(s.LabelURL)
	bad := ErrShipment
	if s.Carrier == "" || len(s.Carrier) > mostCarrier {
		bad = bad.At("body.carrier", "must have 1 to 100 signs")
	}
	if len(s.TrackingNumber) > mostCarrier {
		bad = bad.At("body.tracking_number", "must have at most 100 signs")
	}
	if s.LabelURL != "" {
		u, err := url.Parse(s.LabelURL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || len(s.LabelURL) > 2048 || s.LabelURL != locale.Line(s.LabelURL) {
			bad = bad.At("body.label_url", "must be an http or https address")
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// InsertShipment queues a parcel that leaves now, its lines and the event
// Shipped, unless it is unannounced. The caller tells the order, in the same
// transaction. An error of the
// transaction goes through InsertError.
func InsertShipment(tx db.Tx, s *Shipment) error {
	tx.Queue(`insert into shipments (merchant_id, id, order_id, status, tracking_status, carrier, tracking_number, label_url, shipped_at, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
		s.MerchantID, s.ID, s.OrderID, string(s.Status), string(s.TrackingStatus), s.Carrier, s.TrackingNumber, s.LabelURL, s.ShippedAt, s.CreatedAt)
	lines, quantities := make([]uuid.UUID, len(s.Lines)), make([]int64, len(s.Lines))
	for i, l := range s.Lines {
		lines[i], quantities[i] = l.OrderLineID, l.Quantity
	}
	tx.Queue(`insert into shipment_lines (merchant_id, shipment_id, order_line_id, quantity)
		select $1, $2, l.id, l.quantity from unnest($3::uuid[], $4::bigint[]) as l (id, quantity)`, s.MerchantID, s.ID, lines, quantities)
	if s.Unannounced {
		return nil
	}
	return jobs.Publish(tx, Shipped{Ref: s.ref()})
}

// InsertError turns what the database said of a tracking number that another
// parcel of the carrier has into ErrNumberTaken.
func InsertError(err error) error {
	if db.Violates(err, "shipments_number") {
		return ErrNumberTaken.Because(err)
	}
	return err
}

// CancelUnsent queues the end of those parcels of an order that have not left.
func CancelUnsent(tx db.Tx, merchant, order uuid.UUID, now time.Time) {
	tx.Queue(`update shipments set status = 'canceled', tracking_status = 'cancelled', version = version + 1, updated_at = $3
		where merchant_id = $1 and order_id = $2 and status in ('pending', 'processing')`, merchant, order, now)
}

func (s *Shipment) ref() Ref {
	return Ref{MerchantID: s.MerchantID, OrderID: s.OrderID, ShipmentID: s.ID}
}
