package label

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
)

// Want is the label that is wanted. ID names the wish: the same ID is the same
// label, so that a repeated request buys nothing twice.
type Want struct {
	ID      uuid.UUID
	Account uuid.UUID
	Service string
	RateID  string // of the carrier's rate, where it wants that back
	Format  carrier.Format
	// Parcels as they are packed; empty is one box with everything, whose size
	// nobody has measured.
	Parcels []carrier.Parcel
	Options carrier.Options
	// Customs is what crosses the border with it; nil is made from the order when
	// there is one to cross.
	Customs *carrier.Customs
	ShipAt  time.Time // now when zero
	// From is where it is sent from, or for a return where it goes to; nil is what
	// the account says.
	From *carrier.Address
}

// Limits of a wish.
const (
	mostParcels = 50
	mostWeight  = 2_000_000 // grams
	mostSide    = 20_000    // millimetres
	mostWord    = 100
)

// check cleans the wish and says what is wrong with it whatever it is for.
func (w *Want) check(can carrier.Capabilities, now time.Time) error {
	if w.ID == uuid.Nil {
		w.ID = id.New()
	}
	if w.Format == "" {
		w.Format = carrier.PDF
	}
	if w.ShipAt.IsZero() {
		w.ShipAt = now
	}
	bad := ErrInput
	if w.Service = strings.TrimSpace(w.Service); w.Service == "" || len(w.Service) > mostWord {
		bad = bad.At("body.service", "must have 1 to 100 signs")
	}
	if can.Formats != nil && !slices.Contains(can.Formats, w.Format) {
		bad = bad.At("body.format", "is none of this carrier's")
	}
	if len(w.Parcels) > mostParcels || len(w.Parcels) > 1 && !can.MultiParcel {
		bad = bad.At("body.parcels", "are more than this carrier takes in one shipment")
	}
	for _, p := range w.Parcels {
		if p.WeightG <= 0 || p.WeightG > mostWeight || min(p.LengthMM, p.WidthMM, p.HeightMM) < 0 || max(p.LengthMM, p.WidthMM, p.HeightMM) > mostSide {
			bad = bad.At("body.parcels", "must each have a weight up to 2,000,000 g and sides up to 20,000 mm")
			break
		}
	}
	if w.ShipAt.Before(now.Add(-24*time.Hour)) || w.ShipAt.After(now.AddDate(0, 0, 30)) {
		bad = bad.At("body.ship_at", "must lie within the next 30 days")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// Draft is a label that can be bought, with nothing written yet.
type Draft struct {
	s        *Service
	merchant uuid.UUID
	want     Want
	carrier  carrier.Carrier
	goods    Goods
	from     carrier.Address
	// returning says that the goods come back.
	returning bool
}

// Prepare checks a wish for goods of an order. It fails with ErrInput, ErrUnable
// and what the accounts and the shop fail with.
func (s *Service) Prepare(ctx context.Context, merchant, order uuid.UUID, w Want) (*Draft, error) {
	return s.prepare(ctx, merchant, order, w, false)
}

func (s *Service) prepare(ctx context.Context, merchant, order uuid.UUID, w Want, returning bool) (*Draft, error) {
	c, err := s.Accounts.Carrier(ctx, merchant, w.Account)
	if err != nil {
		return nil, err
	}
	can := c.Capabilities()
	if err := w.check(can, s.DB.Now()); err != nil {
		return nil, err
	}
	if returning && !can.Returns {
		return nil, ErrUnable.Saying("This carrier makes no return labels.")
	}
	d := &Draft{s: s, merchant: merchant, want: w, carrier: c, returning: returning}
	if w.From != nil {
		d.from = *w.From
	} else {
		var known bool
		if d.from, known, err = s.Accounts.Origin(ctx, merchant, w.Account); err != nil {
			return nil, err
		}
		if !known {
			return nil, ErrInput.At("body.from", "must be given, for the account has no address to send from")
		}
	}
	if d.from.Country == "" || d.from.Line1 == "" || d.from.City == "" {
		return nil, ErrInput.At("body.from", "must have at least a street, a city and a country")
	}
	if d.goods, err = s.Shop.Goods(ctx, merchant, order); err != nil {
		return nil, err
	}
	if d.goods.Recipient.Line1 == "" || d.goods.Recipient.Country == "" {
		return nil, ErrInput.Saying("The address of this order is not known any more.")
	}
	if !returning && !can.DDP && d.incoterm() == "DDP" && crosses(d.from.Country, d.goods.Recipient.Country) {
		return nil, ErrInput.At("body.incoterm", "is DDP for this order, and this carrier pays no duty: take another one, or say DAP")
	}
	return d, nil
}

// request is what the carrier is asked for, for some units of the order.
func (d *Draft) request(key string, units map[uuid.UUID]int64) carrier.ShipmentRequest {
	w := &d.want
	r := carrier.ShipmentRequest{
		Key: key, Service: w.Service, RateID: w.RateID, From: d.from, To: d.goods.Recipient, Parcels: slices.Clone(w.Parcels), Options: w.Options,
		Customs: w.Customs, ShipAt: w.ShipAt, Format: w.Format,
	}
	var items []carrier.Item
	weight := int64(0)
	for line, n := range units {
		piece, ok := d.goods.Lines[line]
		if !ok {
			continue
		}
		item := piece.Item
		item.Quantity, item.NetG = n, piece.WeightG
		items = append(items, item)
		weight += n * piece.WeightG
	}
	slices.SortFunc(items, func(a, b carrier.Item) int { return strings.Compare(a.SKU, b.SKU) })
	if len(r.Parcels) == 0 {
		r.Parcels = []carrier.Parcel{{WeightG: max(weight, 1), Reference: d.goods.Number}}
	}
	if r.Parcels[0].Items == nil {
		r.Parcels[0].Items = items
	}
	for i := range r.Parcels {
		if r.Parcels[i].Reference == "" {
			r.Parcels[i].Reference = d.goods.Number
		}
	}
	d.declare(&r, items)
	if value := worth(items); r.Parcels[0].Value == (money.Amount{}) && len(r.Parcels) == 1 {
		r.Parcels[0].Value = value
	}
	if d.returning {
		r.From, r.To, r.Options.Return = r.To, r.From, true
	}
	return r
}

// incoterm is who pays duty: as the wish says, else as the buyer was told.
func (d *Draft) incoterm() string {
	if c := d.want.Customs; c != nil && c.Incoterm != "" {
		return c.Incoterm
	}
	return cmp.Or(d.goods.Incoterm, "DAP")
}

// declare fills in what customs is told: nothing inside a border.
func (d *Draft) declare(r *carrier.ShipmentRequest, items []carrier.Item) {
	if !crosses(r.From.Country, r.To.Country) {
		r.Customs = nil
		return
	}
	var c carrier.Customs
	if r.Customs != nil {
		c = *r.Customs
	}
	if c.ContentType == "" {
		c.ContentType = "sale_of_goods"
		if d.returning {
			c.ContentType = "returned_goods"
		}
	}
	if c.Incoterm = cmp.Or(c.Incoterm, d.incoterm()); d.returning {
		c.Incoterm = "DAP"
	}
	if c.InvoiceNumber == "" {
		c.InvoiceNumber, c.InvoiceDate = d.goods.Number, d.s.DB.Now()
	}
	if c.EORI == "" {
		c.EORI = r.From.EORI
	}
	if c.Items == nil {
		c.Items = items
	}
	r.Customs = &c
}

// worth is what items cost together, if they are of one currency.
func worth(items []carrier.Item) money.Amount {
	var sum money.Amount
	for i, item := range items {
		line, err := money.Mul(item.UnitValue.Minor, item.Quantity)
		one := money.Of(line, item.UnitValue.Currency)
		if i > 0 && err == nil {
			one, err = sum.Add(one)
		}
		if err != nil {
			return money.Amount{}
		}
		sum = one
	}
	return sum
}

// union are the countries between which goods move without customs.
var union = strings.Fields("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")

// crosses tells whether customs looks at what goes from one country to another.
func crosses(from, to string) bool {
	return from != to && (!slices.Contains(union, from) || !slices.Contains(union, to))
}

// unitsOf are the units in a parcel.
func unitsOf(lines []shipping.ShipmentLine) map[uuid.UUID]int64 {
	units := make(map[uuid.UUID]int64, len(lines))
	for _, l := range lines {
		units[l.OrderLineID] += l.Quantity
	}
	return units
}
