// Package purchase follows what the shop has ordered from its suppliers until it
// is in stock: milestones, papers, what was missing or broken, and what each
// unit has cost once it lies in the shop.
package purchase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/money"
)

// The faults of this room.
var (
	ErrNotFound = fault.New(fault.NotFound, "purchase_not_found", "There is no such purchase shipment.")
	ErrInvalid  = fault.New(fault.Invalid, "purchase_invalid", "The purchase shipment breaks a rule.")
	ErrClosed   = fault.New(fault.Conflict, "purchase_closed", "The purchase shipment has been received or canceled; it does not change any more.")
)

// Status is how far a purchase shipment is.
type Status string

// The statuses, in the order in which they usually come. Received and Canceled
// are final.
const (
	Ordered     Status = "ordered"
	Ready       Status = "ready"
	PickedUp    Status = "picked_up"
	Departed    Status = "departed"
	Arrived     Status = "arrived"
	CustomsHold Status = "customs_hold"
	Cleared     Status = "cleared"
	Received    Status = "received"
	Canceled    Status = "canceled"
)

// How freight, duty and fees are shared over the lines.
const (
	ByValue  = "value"
	ByWeight = "weight"
)

// Bounds of one purchase shipment. Inside them no sum can overflow.
const (
	mostLines = 500
	mostUnits = 1_000_000
	mostMoney = 1_000_000_000_000
	mostText  = 300
)

// Shipment is an order at a supplier on its way. Money is in minor units of its
// currency.
type Shipment struct {
	MerchantID     uuid.UUID  `gorm:"column:merchant_id"`
	ID             uuid.UUID  `gorm:"column:id"`
	Status         Status     `gorm:"column:status"`
	Supplier       string     `gorm:"column:supplier"`
	Reference      string     `gorm:"column:reference"`
	Incoterm       string     `gorm:"column:incoterm"`
	Carrier        string     `gorm:"column:carrier"`
	TrackingNumber string     `gorm:"column:tracking_number"`
	LocationID     uuid.UUID  `gorm:"column:location_id"`
	Currency       string     `gorm:"column:currency"`
	Freight        int64      `gorm:"column:freight_minor"`
	Duty           int64      `gorm:"column:duty_minor"`
	Fees           int64      `gorm:"column:fees_minor"`
	SharedBy       string     `gorm:"column:shared_by"`
	ExpectedOn     *time.Time `gorm:"column:expected_on"` // a day
	SlackDays      int        `gorm:"column:slack_days"`
	Version        int64      `gorm:"column:version"`
	ReceivedAt     *time.Time `gorm:"column:received_at"`
	CreatedAt      time.Time  `gorm:"column:created_at"`
	UpdatedAt      time.Time  `gorm:"column:updated_at"`

	Lines      []Line      `gorm:"-"`
	Milestones []Milestone `gorm:"-"` // by the time when they happened
	Papers     []Paper     `gorm:"-"`
}

// TableName is where GORM finds it.
func (Shipment) TableName() string { return "purchase_shipments" }

// Late says whether it should have come, slack included, before a day.
func (s *Shipment) Late(now time.Time) bool {
	return s.ExpectedOn != nil && s.Status != Received && s.Status != Canceled && now.After(s.ExpectedOn.AddDate(0, 0, s.SlackDays+1))
}

// Line is goods of a purchase shipment. The last three are nil until it is
// received: good units, broken units, and what the line has cost in the shop.
type Line struct {
	MerchantID uuid.UUID `gorm:"column:merchant_id"`
	PurchaseID uuid.UUID `gorm:"column:purchase_id"`
	Line       int       `gorm:"column:line"`
	VariantID  uuid.UUID `gorm:"column:variant_id"`
	SKU        string    `gorm:"column:sku"`
	Quantity   int64     `gorm:"column:quantity"`
	Unit       int64     `gorm:"column:unit_minor"`
	WeightG    int64     `gorm:"column:weight_g"`
	Received   *int64    `gorm:"column:received"`
	Damaged    *int64    `gorm:"column:damaged"`
	Landed     *int64    `gorm:"column:landed_minor"`
}

// TableName is where GORM finds it.
func (Line) TableName() string { return "purchase_lines" }

// LandedUnit is what a good unit has cost, rounded half up; false before the
// goods are received, and when none of them is good.
func (l *Line) LandedUnit() (int64, bool) {
	if l.Landed == nil || l.Received == nil || *l.Received == 0 {
		return 0, false
	}
	return (*l.Landed + *l.Received/2) / *l.Received, true
}

// Milestone is something that happened on the way.
type Milestone struct {
	MerchantID uuid.UUID `gorm:"column:merchant_id"`
	PurchaseID uuid.UUID `gorm:"column:purchase_id"`
	ID         uuid.UUID `gorm:"column:id"`
	Status     Status    `gorm:"column:status"`
	At         time.Time `gorm:"column:at"`
	Note       string    `gorm:"column:note"`
	CreatedAt  time.Time `gorm:"column:created_at"`
}

// TableName is where GORM finds it.
func (Milestone) TableName() string { return "purchase_milestones" }

// Paper is where a document of the shipment lies.
type Paper struct {
	MerchantID uuid.UUID `gorm:"column:merchant_id"`
	PurchaseID uuid.UUID `gorm:"column:purchase_id"`
	ID         uuid.UUID `gorm:"column:id"`
	Kind       string    `gorm:"column:kind"` // invoice, packing_list, certificate_of_origin, other
	Name       string    `gorm:"column:name"`
	URL        string    `gorm:"column:url"`
	CreatedAt  time.Time `gorm:"column:created_at"`
}

// TableName is where GORM finds it.
func (Paper) TableName() string { return "purchase_documents" }

// Count is what came of one line.
type Count struct {
	Line              int
	Received, Damaged int64
}

// goods is all that purchases ask of the catalogue.
type goods interface {
	OffersBySKU(ctx context.Context, merchant uuid.UUID, currency, locale string, skus []string) (*catalog.Offers, error)
	Locations(ctx context.Context, merchant uuid.UUID) ([]catalog.Location, error)
}

// Service keeps the purchase shipments of all merchants. It is safe for
// concurrent use.
type Service struct {
	db    *db.DB
	goods goods
}

// New makes the service.
func New(d *db.DB, g goods) *Service { return &Service{d, g} }

// Now is the service's clock.
func (s *Service) Now() time.Time { return s.db.Now() }

// Add keeps a new purchase shipment, which has been ordered. Lines name goods by
// SKU, location is the code of a location or empty for the first. The error is
// ErrInvalid, catalog.ErrVariantNotFound or catalog.ErrLocationNotFound.
func (s *Service) Add(ctx context.Context, merchant uuid.UUID, p Shipment, location string) (*Shipment, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := s.locate(ctx, merchant, &p, location); err != nil {
		return nil, err
	}
	skus := make([]string, len(p.Lines))
	for i := range p.Lines {
		skus[i] = p.Lines[i].SKU
	}
	known, err := s.goods.OffersBySKU(ctx, merchant, p.Currency, "en", skus)
	if err != nil {
		return nil, err
	}
	for i := range p.Lines {
		o, ok := known.BySKU(p.Lines[i].SKU)
		if !ok {
			return nil, catalog.ErrVariantNotFound.At(fmt.Sprintf("lines[%d].sku", i), "is no variant of the shop")
		}
		p.Lines[i].VariantID, p.Lines[i].WeightG = o.VariantID, o.WeightG
	}
	p.MerchantID, p.ID, p.Status = merchant, id.New(), Ordered
	if err := db.Run(ctx, s.db, func(tx db.Tx) error { insert(tx, &p, s.db.Now()); return nil }); err != nil {
		return nil, err
	}
	return s.Shipment(ctx, merchant, p.ID)
}

func (s *Service) locate(ctx context.Context, merchant uuid.UUID, p *Shipment, code string) error {
	all, err := s.goods.Locations(ctx, merchant)
	if err != nil {
		return err
	}
	for _, l := range all {
		if (code == "" && l.Active) || strings.EqualFold(code, l.Code) {
			p.LocationID = l.ID
			return nil
		}
	}
	return catalog.ErrLocationNotFound
}

func (p *Shipment) check() error {
	bad := ErrInvalid
	text := func(at string, v *string, least, most int) {
		*v = strings.Join(strings.Fields(strings.ToValidUTF8(*v, "")), " ")
		if n := utf8.RuneCountInString(*v); n < least || n > most {
			bad = bad.At(at, fmt.Sprintf("must have %d to %d signs", least, most))
		}
	}
	inside := func(at string, v, least, most int64) {
		if v < least || v > most {
			bad = bad.At(at, fmt.Sprintf("must be from %d to %d", least, most))
		}
	}
	text("supplier", &p.Supplier, 1, mostText)
	text("reference", &p.Reference, 0, mostText)
	text("carrier", &p.Carrier, 0, mostText)
	text("tracking_number", &p.TrackingNumber, 0, mostText)
	if !money.Known(p.Currency) {
		bad = bad.At("currency", "is not a known currency")
	}
	if !slices.Contains([]string{"EXW", "FCA", "FAS", "FOB", "CFR", "CIF", "CPT", "CIP", "DAP", "DPU", "DDP"}, p.Incoterm) {
		bad = bad.At("incoterm", "is not one of Incoterms 2020")
	}
	if p.SharedBy != ByValue && p.SharedBy != ByWeight {
		bad = bad.At("shared_by", "must be value or weight")
	}
	inside("freight", p.Freight, 0, mostMoney)
	inside("duty", p.Duty, 0, mostMoney)
	inside("fees", p.Fees, 0, mostMoney)
	inside("slack_days", int64(p.SlackDays), 0, 365)
	inside("lines", int64(len(p.Lines)), 1, mostLines)
	seen := map[string]bool{}
	var sum int64
	for i := range p.Lines {
		l, at := &p.Lines[i], fmt.Sprintf("lines[%d]", i)
		l.Line = i + 1
		inside(at+".quantity", l.Quantity, 1, mostUnits)
		inside(at+".unit_price", l.Unit, 0, mostMoney)
		line, err := money.Mul(max(0, l.Unit), max(0, l.Quantity))
		if sum = min(sum+line, 2*mostMoney); err != nil || line > mostMoney || sum > mostMoney {
			bad = bad.At(at, "makes the goods worth too much")
		}
		if seen[l.SKU] {
			bad = bad.At(at+".sku", "stands in the list twice")
		}
		seen[l.SKU] = true
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// Costs are what is known only later; nil leaves what there is.
type Costs struct {
	Freight, Duty, Fees     *int64
	SharedBy                *string
	Carrier, TrackingNumber *string
	ExpectedOn              *time.Time
	SlackDays               *int
}

// Change corrects costs, carrier and the expected day of a shipment that is on
// its way. It fails with ErrNotFound, ErrInvalid or ErrClosed.
func (s *Service) Change(ctx context.Context, merchant, purchase uuid.UUID, c Costs) (*Shipment, error) {
	p, err := s.Shipment(ctx, merchant, purchase)
	if err != nil {
		return nil, err
	}
	set(&p.Freight, c.Freight)
	set(&p.Duty, c.Duty)
	set(&p.Fees, c.Fees)
	set(&p.SharedBy, c.SharedBy)
	set(&p.Carrier, c.Carrier)
	set(&p.TrackingNumber, c.TrackingNumber)
	set(&p.SlackDays, c.SlackDays)
	if c.ExpectedOn != nil {
		p.ExpectedOn = c.ExpectedOn
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := s.update(ctx, p); err != nil {
		return nil, err
	}
	return s.Shipment(ctx, merchant, purchase)
}

func set[T any](v *T, to *T) {
	if to != nil {
		*v = *to
	}
}

// Pass notes a milestone. The shipment stands as its latest one says, whatever
// the order they are told in. It fails with ErrNotFound, ErrInvalid or ErrClosed.
func (s *Service) Pass(ctx context.Context, merchant, purchase uuid.UUID, m Milestone) (*Shipment, error) {
	if !slices.Contains([]Status{Ordered, Ready, PickedUp, Departed, Arrived, CustomsHold, Cleared}, m.Status) {
		return nil, ErrInvalid.At("status", "is not a milestone")
	}
	if now := s.db.Now(); m.At.IsZero() || m.At.After(now.Add(24*time.Hour)) || m.At.Year() < 2000 {
		return nil, ErrInvalid.At("at", "must be a time that has come")
	}
	if utf8.RuneCountInString(m.Note) > 1000 {
		return nil, ErrInvalid.At("note", "must have at most 1000 signs")
	}
	m.MerchantID, m.PurchaseID, m.ID = merchant, purchase, id.New()
	return s.after(ctx, merchant, purchase, func(tx db.Tx, now time.Time) error { pass(tx, &m, now); return nil })
}

// File notes where a document lies. It fails with ErrNotFound or ErrInvalid.
func (s *Service) File(ctx context.Context, merchant, purchase uuid.UUID, d Paper) (*Shipment, error) {
	if _, err := s.Shipment(ctx, merchant, purchase); err != nil {
		return nil, err
	}
	if n := utf8.RuneCountInString(d.Name); n < 1 || n > mostText || !strings.HasPrefix(d.URL, "https://") || len(d.URL) > 2000 {
		return nil, ErrInvalid.At("url", "must be an https address, with a name of 1 to 300 signs")
	}
	d.MerchantID, d.PurchaseID, d.ID = merchant, purchase, id.New()
	err := db.Run(ctx, s.db, func(tx db.Tx) error { file(tx, &d, s.db.Now()); return nil })
	if err != nil {
		return nil, err
	}
	return s.Shipment(ctx, merchant, purchase)
}

// Cancel ends a shipment that will not come. It fails with ErrNotFound or
// ErrClosed.
func (s *Service) Cancel(ctx context.Context, merchant, purchase uuid.UUID) (*Shipment, error) {
	return s.after(ctx, merchant, purchase, func(tx db.Tx, now time.Time) error { cancel(tx, merchant, purchase, now); return nil })
}

// Receive puts what came into stock and says what it has cost, once: every later
// call is ErrClosed. Lines that are not counted came in full. What was broken is
// paid for and not put into stock. It fails with ErrNotFound, ErrInvalid or
// ErrClosed.
func (s *Service) Receive(ctx context.Context, merchant, purchase uuid.UUID, actor string, counts []Count) (*Shipment, error) {
	for try := 1; ; try++ {
		p, err := s.Shipment(ctx, merchant, purchase)
		if err != nil {
			return nil, err
		}
		if p.Status == Received || p.Status == Canceled {
			return nil, ErrClosed
		}
		if err := p.count(counts); err != nil {
			return nil, err
		}
		if err := p.land(); err != nil {
			return nil, err
		}
		got, err := s.after(ctx, merchant, purchase, func(tx db.Tx, now time.Time) error { return receive(tx, p, actor, now) })
		if !errors.Is(err, ErrClosed) || try == 5 {
			return got, err
		}
		// somebody was faster, perhaps only with its costs
	}
}

// count fills in what came.
func (p *Shipment) count(counts []Count) error {
	for i := range p.Lines {
		came, broken := p.Lines[i].Quantity, int64(0)
		p.Lines[i].Received, p.Lines[i].Damaged = &came, &broken
	}
	seen := map[int]bool{}
	for i, c := range counts {
		at := fmt.Sprintf("lines[%d]", i)
		if c.Line < 1 || c.Line > len(p.Lines) || seen[c.Line] {
			return ErrInvalid.At(at+".line", "is no line of the shipment, or stands in the list twice")
		}
		seen[c.Line] = true
		if c.Received < 0 || c.Damaged < 0 || c.Received > mostUnits || c.Damaged > mostUnits {
			return ErrInvalid.At(at+".received", fmt.Sprintf("must be from 0 to %d", mostUnits))
		}
		*p.Lines[c.Line-1].Received, *p.Lines[c.Line-1].Damaged = c.Received, c.Damaged
	}
	return nil
}

// land shares freight, duty and fees over what came. The lines together cost
// what was paid for them and for their way, to the last minor unit.
func (p *Shipment) land() error {
	weights := make([]int64, len(p.Lines))
	for i := range p.Lines {
		l := &p.Lines[i]
		came := *l.Received + *l.Damaged
		cost, err := money.Mul(l.Unit, came)
		if err != nil || cost > 10*mostMoney {
			return ErrInvalid.At(fmt.Sprintf("lines[%d]", i), "makes the goods worth too much")
		}
		l.Landed = &cost
		if weights[i] = cost; p.SharedBy == ByWeight {
			weights[i] = l.WeightG * came
		}
	}
	shares, err := money.Split(p.Freight+p.Duty+p.Fees, weights)
	if err != nil {
		return ErrInvalid.At("freight", "cannot be shared").Because(err)
	}
	for i := range p.Lines {
		*p.Lines[i].Landed += shares[i]
	}
	return nil
}
