// Package supplier keeps the suppliers who send their goods straight to the
// shop's buyers. Each is an origin of its own, with its stock, its calendar and
// its address for returns. What buyers order of a supplier's stock becomes one
// purchase order for each order and supplier: it is mailed, answered by the
// supplier or the shop, and shipped as any parcel of the buyer's order is.
package supplier

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/locale"
	"doorstep/shipping"
	"doorstep/shipping/policy"
)

// The statuses of a supplier. Of an archived one nothing is sold.
const (
	Active   = "active"
	Archived = "archived"
)

// Where returns of what a supplier has shipped go to.
const (
	ToShop     = "shop"
	ToSupplier = "supplier"
)

// Supplier is who sends goods for the shop.
type Supplier struct {
	MerchantID uuid.UUID
	ID         uuid.UUID
	Code       string // unique within the shop; the id of its origin in shipping
	Name       string
	Status     string
	LocationID uuid.UUID // its stock; see catalog.Location
	Lang       locale.Lang
	Currency   string // of its prices
	Calendar   Calendar
	ReturnsTo  string // ToShop or ToSupplier
	// Email takes the purchase orders. ReturnAddress is there when returns go to the
	// supplier, and may be otherwise. Both are kept sealed.
	Email         string
	ReturnAddress *customer.Address
	Version       int64
	CreatedAt     time.Time
	UpdatedAt     time.Time

	contact uuid.UUID
}

// Calendar is when a supplier works.
type Calendar struct {
	Country  string // ISO 3166-1 alpha-2
	Timezone string // IANA name
	Cutoff   string // local time such as 14:30 before which an order is of the same day; empty: midnight
	Workdays []int  // 1 is Monday; Monday to Friday when there are none
	Holidays []string
	// HandlingDays are the business days between an order and its shipment.
	HandlingDays int
}

// Origin is the supplier as shipping policies know it.
func (s *Supplier) Origin() policy.Origin {
	c := &s.Calendar
	o := policy.Origin{
		ID: s.Code, Kind: "supplier", Country: c.Country, Timezone: c.Timezone, Cutoff: c.Cutoff, Holidays: slices.Clone(c.Holidays), HandlingBusinessDays: int64(c.HandlingDays),
	}
	for _, d := range c.Workdays {
		o.Workdays = append(o.Workdays, policy.Weekday(d))
	}
	return o
}

// due is the end of the day on which what is ordered now should have left.
func (s *Supplier) due(now time.Time) time.Time {
	usual := now.AddDate(0, 0, 7)
	zone, err := time.LoadLocation(s.Calendar.Timezone)
	if err != nil {
		return usual
	}
	p, err := policy.PromiseFrom(s.Origin(), now, nil)
	if err != nil {
		return usual
	}
	day, err := time.Parse(time.DateOnly, p.Ship)
	if err != nil {
		return usual
	}
	return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, zone)
}

// Item is what a supplier calls a variant, and what it asks for one in minor
// units of the supplier's currency.
type Item struct {
	VariantID   uuid.UUID
	SKU         string
	SupplierSKU string
	UnitMinor   int64
	UpdatedAt   time.Time
}

type (
	// goods is what is asked of the catalogue.
	goods interface {
		VariantIDs(ctx context.Context, merchant uuid.UUID, skus []string) (map[string]uuid.UUID, error)
	}
	// orders is what is asked of the buyers' orders.
	orders interface {
		// Locked locks an order and reads what suppliers may have to do about it; nil
		// when there is none, or none that is shipped from stock.
		Locked(ctx context.Context, tx db.Tx, merchant, order uuid.UUID) (*Sale, error)
		// Ship sends units of the order on their way and fails as order.Ship does.
		Ship(ctx context.Context, merchant, order uuid.UUID, p Parcel, with func(tx db.Tx, sent *shipping.Shipment) error) error
		// FulfilmentChanged writes the order's story.
		FulfilmentChanged(tx db.Tx, merchant, order uuid.UUID, event string, data any, now time.Time) error
	}
	// contacts opens who somebody is.
	contacts interface {
		Contact(ctx context.Context, merchant, contact uuid.UUID) (customer.Contact, error)
	}
	// vault seals people's data and signs links: customer.Vault.
	vault interface {
		Seal(merchant uuid.UUID, c customer.Contact) (customer.Sealed, error)
		Link(purpose customer.Purpose, merchant, subject uuid.UUID, expires time.Time) string
		OpenLink(purpose customer.Purpose, token string, now time.Time) (merchant, subject uuid.UUID, err error)
	}
)

// Sale is a buyer's order as suppliers need to know it.
type Sale struct {
	ID        uuid.UUID
	Number    string
	Checkout  uuid.UUID
	ContactID uuid.UUID
	// Ready says that it may be sent: it is paid, or paid on delivery. Dead says
	// that it never will be.
	Ready, Dead bool
	Lines       []SaleLine
}

// SaleLine is one of its positions, with what has become of its units.
type SaleLine struct {
	ID, VariantID                         uuid.UUID
	Position                              int
	SKU, Title, Options                   string
	Quantity, Shipped, Canceled, Returned int64
	Held                                  bool // not to be shipped yet
}

// open is how many units are still to be shipped.
func (l *SaleLine) open() int64 { return l.Quantity - l.Shipped - l.Canceled }

// Config is what the service needs.
type Config struct {
	DB       *db.DB
	Goods    goods
	Orders   orders
	Contacts contacts
	Vault    vault
	// Bump raises the merchant's config version inside a transaction, so that
	// cached rules are read anew: a supplier's calendar is such a rule.
	Bump func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error
	// Number makes a fresh number for a purchase order.
	Number func() string
	Log    *slog.Logger
}

// Service keeps the suppliers and purchase orders of all merchants. It is safe
// for concurrent use.
type Service struct {
	Config
}

// New makes the service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{c}
}

// Now is the service's clock.
func (s *Service) Now() time.Time { return s.DB.Now() }

// Origins are the suppliers from whom goods are sold, as shipping policies know
// them, by the location of their stock.
func (s *Service) Origins(ctx context.Context, merchant uuid.UUID) (map[uuid.UUID]policy.Origin, error) {
	all, err := s.suppliers(ctx, `s.merchant_id = $1 and s.status = 'active' order by s.id`, merchant)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	byPlace := make(map[uuid.UUID]policy.Origin, len(all))
	for i := range all {
		byPlace[all[i].LocationID] = all[i].Origin()
	}
	return byPlace, nil
}
