// Package label buys labels from carriers and gives them back, sends for vans
// and closes the day's labels. Whatever costs money is written down before the
// carrier is asked and finished by whoever comes first, the request or a later
// run: so that no label is bought twice, and none is forgotten, whenever the
// program dies. What nobody can find out is parked for a person.
package label

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// Purpose says what a label is for.
type Purpose string

// The purposes.
const (
	ForShipment Purpose = "shipment" // from the shop to the buyer
	ForReturn   Purpose = "return"   // back again
)

// Status is how a label or an errand stands.
type Status string

// The statuses. An errand is pending, done, failed, parked or canceled.
const (
	Pending  Status = "pending" // the carrier is asked, or has not answered
	Bought   Status = "bought"
	Failed   Status = "failed" // certain: there is no such label
	Parked   Status = "parked" // nobody can tell, so a person must look
	Voiding  Status = "voiding"
	Void     Status = "void"
	Done     Status = "done"
	Canceled Status = "canceled"
)

// Label is one label that was wanted, with what became of it.
type Label struct {
	MerchantID  uuid.UUID
	ID          uuid.UUID
	Purpose     Purpose
	SubjectID   uuid.UUID // the shipment or the return
	OrderID     uuid.UUID
	Account     uuid.UUID
	Carrier     string // whose account it is
	Service     string
	Format      carrier.Format
	Status      Status
	Key         string // the carrier's reference
	Failure     string // a code: of carrier.Kind, or of ours
	FailureText string // the carrier's words, for the merchant
	CarrierID   string // as the carrier calls the shipment

	Numbers    []string
	CostMinor  *int64
	Currency   *string
	ManifestID *uuid.UUID
	CreatedAt  time.Time
	UpdatedAt  time.Time
	BoughtAt   *time.Time
	EndedAt    *time.Time

	Asked   int // how often the carrier was asked to make it
	missed  int
	askedAt *time.Time
	nextAt  *time.Time
	request []byte // sealed
	tells   bool

	Papers []Paper // without their bytes
}

// Cost is what the carrier asks for it, if it said.
func (l *Label) Cost() (money.Amount, bool) {
	if l.CostMinor == nil || l.Currency == nil {
		return money.Amount{}, false
	}
	return money.Of(*l.CostMinor, *l.Currency), true
}

func (l *Label) ref() Ref {
	return Ref{MerchantID: l.MerchantID, OrderID: l.OrderID, LabelID: l.ID, Purpose: l.Purpose, SubjectID: l.SubjectID}
}

// Paper is one printable thing that belongs to a label or a manifest.
type Paper struct {
	N         int
	Kind      string // label, customs, receipt, manifest
	Format    carrier.Format
	MediaType string
	DPI       int
	Number    string // the tracking number of its parcel, if it is of one
	SHA256    []byte
	Size      int64
	Forgotten bool // its bytes are kept no longer
}

// Goods are what an order holds, as a label needs it.
type Goods struct {
	OrderID   uuid.UUID
	Number    string // the order's, for people
	Recipient carrier.Address
	// Incoterm is who pays duty, as the buyer was told; empty when nobody was.
	Incoterm string
	Lines    map[uuid.UUID]Piece
}

// Piece is one unit of an order line.
type Piece struct {
	Item    carrier.Item // its Quantity does not matter
	WeightG int64
}

// Back are the goods of a return.
type Back struct {
	OrderID uuid.UUID
	Number  string // the RMA's
	Lines   map[uuid.UUID]int64
	Open    bool // it is approved, and nothing of it has arrived
	// To is where it goes to; nil is what the account says. Split says that its
	// lines go to several places, so that one label cannot do.
	To    *carrier.Address
	Split bool
}

type (
	// shop tells what is in orders and who sells.
	shop interface {
		Goods(ctx context.Context, merchant, order uuid.UUID) (Goods, error)
		Back(ctx context.Context, merchant, ret uuid.UUID) (Back, error)
	}
	// accounts opens accounts with carriers. It fails with a *fault.Error.
	accounts interface {
		Carrier(ctx context.Context, merchant, account uuid.UUID) (carrier.Carrier, error)
		// Origin is where parcels of an account are sent from; false when nobody has
		// said.
		Origin(ctx context.Context, merchant, account uuid.UUID) (carrier.Address, bool, error)
	}
	// orders keeps the story of an order, inside the transaction that adds to it.
	orders interface {
		FulfilmentChanged(tx db.Tx, merchant, order uuid.UUID, event string, data any, now time.Time) error
	}
)

// Config is what the service needs.
type Config struct {
	DB       *db.DB
	Shop     shop
	Accounts accounts
	Orders   orders
	// Seal and Open keep addresses and labels unreadable on disk, bound to the
	// merchant and a row.
	Seal func(merchant, row uuid.UUID, text []byte) []byte
	Open func(merchant, row uuid.UUID, sealed []byte) ([]byte, error)
	// Timeout of one call of a carrier; 10 s when zero.
	Timeout time.Duration
	// AtOnce is how many labels recovery works on at a time; 4 when zero.
	AtOnce int
	Log    *slog.Logger
	// Step, for tests, is told of each moment at which a program may die.
	Step func(name string)
}

// Service buys labels. It is safe for concurrent use and on several nodes.
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
	if c.Step == nil {
		c.Step = func(string) {}
	}
	return &Service{c}
}

// recording is the time to write down what a carrier has done, whatever became
// of the request that wanted it.
func (s *Service) recording(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// calling is the time for one call of a carrier. A caller who hangs up does not
// end it: the carrier may have done by then what it was asked for.
func (s *Service) calling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.Timeout)
}
