// Package track hears where parcels are: what carriers tell by webhook is taken
// in once and acted on, carriers that do not call are asked on a schedule, and
// what either says becomes the events of a shipment.
package track

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
)

// The faults of webhooks of carriers.
var (
	ErrReceiver  = fault.New(fault.NotFound, "carrier_webhook_unknown", "Nobody here takes webhooks of this carrier for this merchant.")
	ErrSignature = fault.New(fault.Unauthorized, "carrier_webhook_signature", "The webhook was not signed by the carrier.")
	ErrBody      = fault.New(fault.Invalid, "carrier_webhook_body", "The webhook cannot be read.")
)

// Link is an account through which a carrier can be heard.
type Link struct{ Merchant, Account uuid.UUID }

type (
	// accounts opens accounts with carriers.
	accounts interface {
		Carrier(ctx context.Context, merchant, account uuid.UUID) (carrier.Carrier, error)
		// List gives all accounts of a merchant.
		List(ctx context.Context, merchant uuid.UUID) ([]shipping.Account, error)
		// Linked are the enabled accounts with a carrier: of one merchant or, with
		// none named, of all.
		Linked(ctx context.Context, carrier string, merchant uuid.UUID) ([]Link, error)
	}
	// parcels keeps what is said of shipments.
	parcels interface {
		Shipment(ctx context.Context, merchant, shipment uuid.UUID) (*shipping.Shipment, error)
		RecordNews(ctx context.Context, merchant, shipment uuid.UUID, events []shipping.TrackingEvent, expected time.Time) error
		PromiseUntil(ctx context.Context, merchant, shipment uuid.UUID, until time.Time) error
	}
)

// Config is what the service needs.
type Config struct {
	DB       *db.DB
	Parcels  parcels
	Accounts accounts
	// Promised is when the days are over that a buyer was promised; false without
	// a promise.
	Promised func(ctx context.Context, merchant, order uuid.UUID) (time.Time, bool, error)
	// Address is where a carrier's webhooks for a merchant go; nil when there is no
	// such place.
	Address func(carrier string, merchant uuid.UUID) string
	// Timeout of one question to a carrier; 10 s when zero.
	Timeout time.Duration
	// AtOnce is how many accounts are asked, or pieces of news acted on, at a time;
	// 4 when zero.
	AtOnce int
	Log    *slog.Logger
}

// Service hears carriers. It is safe for concurrent use and on several nodes.
type Service struct{ Config }

// New makes the service.
func New(c Config) *Service {
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.AtOnce == 0 {
		c.AtOnce = 4
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{c}
}

// Begin looks after a parcel that has left: until when it was promised, and by
// which account its number can be asked about.
func (s *Service) Begin(ctx context.Context, e shipping.Shipped) error {
	p, err := s.Parcels.Shipment(ctx, e.MerchantID, e.ShipmentID)
	if err != nil {
		return err
	}
	if p.PromisedAt == nil && s.Promised != nil {
		until, promised, err := s.Promised(ctx, e.MerchantID, e.OrderID)
		if err != nil {
			return err
		}
		if promised {
			if err := s.Parcels.PromiseUntil(ctx, e.MerchantID, e.ShipmentID, until); err != nil {
				return err
			}
		}
	}
	if p.TrackingNumber == "" {
		return nil
	}
	var watched bool
	if err := s.DB.QueryRow(ctx, `select exists (select from parcel_watches where merchant_id = $1 and subject_id = $2)`, e.MerchantID, e.ShipmentID).Scan(&watched); err != nil || watched {
		return err
	}
	account, err := s.accountFor(ctx, p)
	if err != nil || account == nil {
		return err
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		shipping.Watch(tx, shipping.NewWatch{
			Merchant: p.MerchantID, Account: account.ID, Carrier: account.Carrier, Number: p.TrackingNumber, Subject: p.ID, Order: p.OrderID,
		}, s.DB.Now())
		return nil
	})
}

// accountFor is the account whose code, or else whose carrier, a parcel names.
func (s *Service) accountFor(ctx context.Context, p *shipping.Shipment) (*shipping.Account, error) {
	all, err := s.Accounts.List(ctx, p.MerchantID)
	if err != nil {
		return nil, err
	}
	for _, named := range []func(*shipping.Account) string{
		func(a *shipping.Account) string { return a.Code }, func(a *shipping.Account) string { return a.Carrier },
	} {
		if i := slices.IndexFunc(all, func(a shipping.Account) bool { return a.Enabled && strings.EqualFold(named(&a), p.Carrier) }); i >= 0 {
			return &all[i], nil
		}
	}
	return nil, nil //nolint:nilnil // none is an answer
}

// Book is the accounts as this room wants them.
type Book struct {
	*shipping.Accounts
	DB *db.DB
}

// mostLinks bounds how many accounts a webhook is tried against.
const mostLinks = 200

// Linked are the enabled accounts with a carrier: of one merchant or, with none
// named, of all.
func (b Book) Linked(ctx context.Context, name string, merchant uuid.UUID) ([]Link, error) {
	rows, err := b.DB.Query(ctx, `select merchant_id, id from carrier_accounts where carrier = $1 and enabled and ($2::uuid = $3::uuid or merchant_id = $2)
		order by created_at limit $4`, name, merchant, uuid.Nil, mostLinks)
	if err != nil {
		return nil, err
	}
	return collectLinks(rows)
}
