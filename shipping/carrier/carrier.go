// Package carrier is what Doorstep asks of those who carry parcels: what a
// parcel costs, a label for it, where it is. Each carrier is a folder beside
// this file; all of them pass shipping/carriertest.Run.
package carrier

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/money"
)

// Carrier is one account with one carrier. Every call ends with its context, and
// every error is an *Error, so that a caller knows what to do about it. It is
// safe for concurrent use.
type Carrier interface {
	// Name is the carrier's name in policies, settings and addresses: "ups".
	Name() string
	Capabilities() Capabilities
	// Rates says what the parcels cost with each service that takes them. A
	// carrier that is several may fail in part: Refused says for which and why.
	Rates(ctx context.Context, r RateRequest) (RateAnswer, error)
	// Buy makes labels. The same Key never buys twice where the carrier knows
	// keys (Capabilities.IdempotentBuy); elsewhere Find tells what became of it.
	Buy(ctx context.Context, r ShipmentRequest) (Label, error)
	// Void gives a label back that was not used. One that is void already is no error.
	Void(ctx context.Context, l LabelRef) error
	// Track gives the parcels behind the numbers with all events the carrier
	// tells, in any order. One number may be several parcels, or none.
	Track(ctx context.Context, numbers []string) ([]Tracked, error)
	// ParseWebhook checks that the carrier sent this body, on its raw bytes,
	// and reads it. A body that it did not send is KindForged.
	ParseWebhook(header http.Header, body []byte) ([]Tracked, error)
}

// What only some carriers do; ask with a type assertion.
type (
	// Teller is told which parcels to tell of by webhook. Numbers that it does not
	// know are given back; to be told again does no harm.
	Teller interface {
		Subscribe(ctx context.Context, numbers []string) (unknown []string, err error)
	}
	// Listener is told once where to send the news of all parcels of the account,
	// an https address, and says what it calls that.
	Listener interface {
		Listen(ctx context.Context, address string) (id string, err error)
	}
	// AddressChecker says whether the carrier can deliver to an address.
	AddressChecker interface {
		CheckAddress(ctx context.Context, a Address) (AddressVerdict, error)
	}
	// Finder looks up what became of a Buy whose answer was lost, by its Key.
	// Without such a label the error is KindNotFound.
	Finder interface {
		Find(ctx context.Context, key string) (Label, error)
	}
	// PickupBooker sends a van.
	PickupBooker interface {
		BookPickup(ctx context.Context, r PickupRequest) (Pickup, error)
		CancelPickup(ctx context.Context, id string) error
	}
	// Manifester closes a day's labels on one sheet.
	Manifester interface {
		Manifest(ctx context.Context, r ManifestRequest) (Manifest, error)
	}
	// LandedCoster reckons duty and tax at the carrier.
	LandedCoster interface {
		LandedCost(ctx context.Context, r RateRequest) (LandedCost, error)
	}
	// NumberChecker knows how the carrier's tracking numbers are made. The error
	// says what is wrong with one that somebody typed.
	NumberChecker interface {
		CheckNumber(number string) error
	}
	// Noter makes events of what people read off a carrier's page; its codes are
	// those of Coder.
	Noter interface {
		Note(number, code string, at time.Time, location, text string) (Tracked, error)
	}
	// Coder tells the carrier's own tracking codes with what they are to us, for
	// the test that each vendor code has one meaning.
	Coder interface {
		Codes() map[string]Status
	}
)

// Capabilities is what a carrier can do.
type Capabilities struct {
	Services       []Service
	Webhooks       bool // it calls us; a carrier without is polled
	IdempotentBuy  bool // the same Key gives the same label
	Returns        bool // labels from the customer to the shop
	CashOnDelivery bool // it collects the price
	Insurance      bool
	Signature      bool
	DDP            bool     // duties can be billed to the sender
	MultiParcel    bool     // several parcels in one shipment
	Formats        []Format // of labels
	MostParcelG    int64    // heaviest parcel in grams, 0: not said
	Countries      []string // where it picks up, ISO 3166-1; nil: anywhere
}

// Level is what a service is, whatever the carrier calls it, so that one can
// stand in for another.
type Level string

// The levels of service.
const (
	Economy   Level = "economy"
	Standard  Level = "standard"
	Expedited Level = "expedited"
	Express   Level = "express"
	Overnight Level = "overnight"
)

// Service is one product of a carrier.
type Service struct {
	Code          string // the carrier's own
	Name          string
	Level         Level
	International bool
}

// Address is a person at a place.
type Address struct {
	Name, Company    string
	Line1, Line2     string
	City, Region     string
	Postcode         string
	Country          string // ISO 3166-1 alpha-2
	Phone, Email     string
	Residential      bool
	TaxID, EORI, VAT string
}

// Parcel is one packed box: millimetres outside, grams with its filling.
type Parcel struct {
	LengthMM, WidthMM, HeightMM int64
	WeightG                     int64
	Reference                   string
	Items                       []Item
	Value                       money.Amount // of its goods; for insurance and customs
}

// Item is what customs wants to know of goods.
type Item struct {
	SKU, Description string
	Quantity         int64
	UnitValue        money.Amount
	NetG             int64 // of one piece
	HSCode           string
	OriginCountry    string
}

// Options are wishes that change the price.
type Options struct {
	Signature      bool
	AdultSignature bool
	Saturday       bool
	Insurance      money.Amount // the insured value; zero: none
	CashOnDelivery money.Amount // what to collect; zero: none
	HazmatClass    string
	Return         bool // from the customer to the shop
}

// Customs is what goes along a parcel that crosses a border; nil inside one.
type Customs struct {
	ContentType   string // sale_of_goods, gift, documents, sample, returned_goods, other
	Incoterm      string // DAP or DDP
	InvoiceNumber string
	InvoiceDate   time.Time
	IOSS, EORI    string
	AES           string // ITN, or the exemption such as "NOEEI 30.37(a)"
	Items         []Item
}

// RateRequest asks what parcels cost. Services empty means all that fit.
type RateRequest struct {
	From, To Address
	Parcels  []Parcel
	Services []string
	Options  Options
	Customs  *Customs
	ShipAt   time.Time
	Currency string // what is wanted; a carrier may answer in its own
}

// RateAnswer is what a carrier said.
type RateAnswer struct {
	Rates   []Rate
	Refused []Refusal // the services or partners that did not answer with a price
}

// Refusal is why one service has no price.
type Refusal struct {
	Service string
	Kind    Kind
	Text    string // the carrier's, for the merchant only
}

// ChargeKind says what part of a price a charge is.
type ChargeKind string

// The kinds of charges.
const (
	ChargeBase      ChargeKind = "base"
	ChargeFuel      ChargeKind = "fuel"
	ChargeSurcharge ChargeKind = "surcharge"
	ChargeTax       ChargeKind = "tax"
	ChargeDiscount  ChargeKind = "discount"
)

// Charge is one part of a rate.
type Charge struct {
	Kind   ChargeKind
	Name   string
	Amount money.Amount
}

// Rate is the price of one service. Charges, if any, add up to Total.
type Rate struct {
	Carrier     string // who carries it: behind EasyPost or Karrio another than Name
	Service     string
	Level       Level
	Total       money.Amount
	Charges     []Charge
	Negotiated  bool // the account's own price, not the list's
	BillableG   int64
	Zone        string
	TransitDays int // working days; 0: not said
	Promised    time.Time
	Guaranteed  bool
	ExpiresAt   time.Time
	ID          string // for Buy, where the carrier wants its own rate back
}

// Format is how a label is printed.
type Format string

// The formats of labels.
const (
	PDF Format = "pdf"
	ZPL Format = "zpl"
	PNG Format = "png"
)

// ShipmentRequest asks for labels. Key is the attempt's own, at most 64 signs;
// it is also the reference that the carrier is given.
type ShipmentRequest struct {
	Key     string
	Service string
	RateID  string
	From    Address
	To      Address
	Parcels []Parcel
	Options Options
	Customs *Customs
	ShipAt  time.Time
	Format  Format // PDF when empty
}

// Paper is one printable thing.
type Paper struct {
	Kind   string // label, customs, receipt
	Format Format
	Bytes  []byte
	DPI    int
	Number string // the tracking number of the parcel it belongs to, if one
}

// Label is a bought shipment.
type Label struct {
	ID      string   // the carrier's shipment, for Void
	Numbers []string // tracking numbers, one a parcel or one for all of them
	Service string
	Cost    money.Amount
	Papers  []Paper
	BuyerID string // the carrier's customer or account, where it names one
}

// LabelRef names a label to give back.
type LabelRef struct {
	ID      string
	Numbers []string
}

// Status is where a parcel is, in the words of shipping.Tracking.
type Status string

// Reason says more than a status: whose side the trouble is on.
type Reason string

// The reasons, by side.
const (
	ReasonCarrier   Reason = "carrier"
	ReasonShipper   Reason = "shipper"
	ReasonRecipient Reason = "recipient"
	ReasonCustoms   Reason = "customs"
	ReasonWeather   Reason = "weather"
	ReasonOther     Reason = "other"
)

// Event is one thing that a carrier says of a parcel.
type Event struct {
	ID          string    // the carrier's, if it has one
	Code        string    // the carrier's own word, kept
	Status      Status    // "unknown" when the code is in no table
	Reason      Reason    // empty: none given
	Description string    // the carrier's text
	Location    string    // "Yerevan, AM"
	At          time.Time // with the zone that the carrier said, if it did
	ZoneGuessed bool      // the carrier told a local time without its zone
}

// Tracked is one parcel with its events.
type Tracked struct {
	Number    string
	UniqueID  string // tells two parcels of one number apart (FedEx)
	EventID   string // of the webhook that brought it, unique; empty when asked for
	Carrier   string
	Events    []Event
	Expected  time.Time // when the carrier means to deliver; zero: not said
	SignedBy  string
	Delivered time.Time
}

// AddressVerdict is what a carrier thinks of an address.
type AddressVerdict struct {
	Deliverable bool
	Residential *bool
	Corrected   *Address
	Notes       []string
}

// PickupRequest asks for a van.
type PickupRequest struct {
	Key         string
	From        Address
	Ready, Last time.Time // the window, at the place
	Parcels     int
	WeightG     int64
	Note        string
}

// Pickup is a booked van.
type Pickup struct {
	ID   string
	Cost money.Amount
}

// ManifestRequest closes labels.
type ManifestRequest struct {
	Key    string
	From   Address
	Day    time.Time
	Labels []LabelRef
}

// Manifest is the sheet for the driver.
type Manifest struct {
	ID     string
	Papers []Paper
}

// LandedCost is what a carrier reckons for duty and tax: an estimate.
type LandedCost struct {
	Duty, Tax, Fees money.Amount
}
