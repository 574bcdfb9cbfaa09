package supplier

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/id"
)

// linkDays is how long the link of a mail works.
const linkDays = 60

// change is a purchase order that is made or changed.
type change struct {
	*Order
	made   bool    // there was none
	asks   bool    // it is to be mailed
	before Status  // in which it stood
	gone   []Units // that are not wanted any more
}

// alignment works out what an order of a buyer means for its suppliers. It is
// pure: the same state gives the same purchase orders, so it may run whenever
// something may have changed, and again.
type alignment struct {
	sale      *Sale
	suppliers map[uuid.UUID]*Supplier // by location
	sold      []catalog.Take
	changes   []*change // all purchase orders of the order, those to come too
	now       time.Time
	// room is how many units of each line nobody but the suppliers of other
	// purchase orders has yet been asked for.
	room    map[uuid.UUID]int64
	waiting bool // there will be something to ask for
}

func (a *alignment) run(number func() string, items func(supplier, variant uuid.UUID) (Item, bool)) {
	a.room = make(map[uuid.UUID]int64, len(a.sale.Lines))
	for i := range a.sale.Lines {
		l := &a.sale.Lines[i]
		if a.room[l.ID] = l.open(); a.sale.Dead {
			a.room[l.ID] = 0
		}
	}
	for _, c := range a.changes {
		a.giveUp(c)
	}
	a.ask(number, items)
	for _, c := range a.changes {
		a.readdress(c)
		if c.asks && !c.made {
			c.Mailing++
			c.MailFailure = ""
			c.move(Pending, a.now)
		}
		c.follow(a.now)
		c.asks = c.asks && c.Status == Pending
	}
}

// giveUp takes from a purchase order what is not wanted any more: units that were
// canceled and went back on sale at the supplier, and units that the shop has
// sent itself.
func (a *alignment) giveUp(c *change) {
	if c.Status.Over() {
		return
	}
	place := a.placeOf(c.SupplierID)
	for i := range c.Lines {
		l := &c.Lines[i]
		line := a.line(l.LineID)
		less := max(0, l.Open()-a.room[l.LineID])
		if line != nil && line.Canceled > 0 && line.Returned == 0 && place != uuid.Nil {
			less = max(less, min(l.Open(), c.wantedOf(l.VariantID)-a.soldAt(place, l.VariantID)))
		}
		if less > 0 {
			l.Canceled += less
			c.gone = append(c.gone, Units{l.LineID, less})
		}
		a.room[l.LineID] -= l.Open()
	}
}

// ask adds what the supplier's stock was sold of and no purchase order speaks of.
func (a *alignment) ask(number func() string, items func(supplier, variant uuid.UUID) (Item, bool)) {
	if a.sale.Dead {
		return
	}
	for _, t := range a.sold {
		s := a.suppliers[t.LocationID]
		if s == nil {
			continue
		}
		c := a.of(s.ID)
		missing := t.Quantity
		if c != nil {
			if c.Status.Over() {
				continue // whoever ended it sees to the rest
			}
			missing -= c.wantedOf(t.VariantID)
		}
		for i := range a.sale.Lines {
			l := &a.sale.Lines[i]
			take := min(missing, a.room[l.ID])
			if l.VariantID != t.VariantID || take <= 0 {
				continue
			}
			if l.Held || !a.sale.Ready {
				a.waiting = true
				continue
			}
			if c == nil {
				c = a.begin(s, number())
			}
			item, priced := items(s.ID, l.VariantID)
			c.add(l, take, item, priced)
			c.asks = true
			missing -= take
			a.room[l.ID] -= take
		}
	}
}

// begin makes the purchase order of a supplier.
func (a *alignment) begin(s *Supplier, number string) *change {
	o := &Order{
		MerchantID: s.MerchantID, ID: id.New(), Number: number, SupplierID: s.ID, OrderID: a.sale.ID, OrderNumber: a.sale.Number,
		ContactID: a.sale.ContactID, Status: Pending, Currency: s.Currency, Mailing: 1, DueAt: s.due(a.now), LinkUntil: a.now.AddDate(0, 0, linkDays),
		Version: 1, CreatedAt: a.now, UpdatedAt: a.now,
	}
	c := &change{Order: o, made: true, before: Pending}
	a.changes = append(a.changes, c)
	return c
}

// readdress sees to it that the supplier knows where the parcels go now.
func (a *alignment) readdress(c *change) {
	open, _ := c.counts()
	if c.made || c.ContactID == a.sale.ContactID || open == 0 || c.Status.Over() {
		return
	}
	c.ContactID, c.asks = a.sale.ContactID, true
}

func (c *change) add(l *SaleLine, quantity int64, item Item, priced bool) {
	if have := c.line(l.ID); have != nil {
		have.Quantity += quantity
		return
	}
	n := Line{LineID: l.ID, Position: l.Position, VariantID: l.VariantID, SKU: l.SKU, SupplierSKU: item.SupplierSKU, Title: l.Title, Options: l.Options, Quantity: quantity}
	if priced {
		n.UnitMinor = &item.UnitMinor
	}
	c.Lines = append(c.Lines, n)
	slices.SortFunc(c.Lines, func(a, b Line) int { return cmp.Or(a.Position-b.Position, bytes.Compare(a.LineID[:], b.LineID[:])) })
}

// wantedOf is how many units of a variant the purchase order is about.
func (c *change) wantedOf(variant uuid.UUID) (n int64) {
	for i := range c.Lines {
		if c.Lines[i].VariantID == variant {
			n += c.Lines[i].wanted()
		}
	}
	return n
}

func (a *alignment) of(supplier uuid.UUID) *change {
	for _, c := range a.changes {
		if c.SupplierID == supplier {
			return c
		}
	}
	return nil
}

func (a *alignment) line(id uuid.UUID) *SaleLine {
	for i := range a.sale.Lines {
		if a.sale.Lines[i].ID == id {
			return &a.sale.Lines[i]
		}
	}
	return nil
}

func (a *alignment) placeOf(supplier uuid.UUID) uuid.UUID {
	for place, s := range a.suppliers {
		if s.ID == supplier {
			return place
		}
	}
	return uuid.Nil
}

func (a *alignment) soldAt(place, variant uuid.UUID) int64 {
	for _, t := range a.sold {
		if t.LocationID == place && t.VariantID == variant {
			return t.Quantity
		}
	}
	return 0
}
