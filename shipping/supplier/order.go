package supplier

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Status is how a purchase order stands.
type Status string

// The statuses of a purchase order.
const (
	Pending   Status = "pending" // its mail is to be sent
	Sent      Status = "sent"    // the supplier has not answered
	Accepted  Status = "accepted"
	Shipped   Status = "shipped" // in part
	Completed Status = "completed"
	Rejected  Status = "rejected"
	Canceled  Status = "canceled"
)

// moves are the steps there are. What a buyer adds, or where the parcel is to go
// instead, is told by a further mail, so an order goes back to Pending for it. A
// parcel that was called back opens an order that was Completed.
var moves = map[Status][]Status{
	Pending:   {Sent, Accepted, Shipped, Completed, Canceled},
	Sent:      {Pending, Accepted, Shipped, Completed, Rejected, Canceled},
	Accepted:  {Pending, Shipped, Completed, Rejected, Canceled},
	Shipped:   {Pending, Accepted, Completed, Canceled},
	Completed: {Pending, Accepted, Shipped, Canceled},
	Rejected:  nil,
	Canceled:  nil,
}

// Can says whether there is a step from one status to the other.
func (s Status) Can(to Status) bool { return slices.Contains(moves[s], to) }

// Over says that nothing can happen to it any more.
func (s Status) Over() bool { return len(moves[s]) == 0 }

// ended says that there is nothing to do at present.
func (s Status) ended() bool { return s == Completed || s.Over() }

// Order is what one supplier is asked to send of one order of a buyer. Money is in
// minor units of Currency.
type Order struct {
	MerchantID  uuid.UUID
	ID          uuid.UUID
	Number      string
	SupplierID  uuid.UUID
	OrderID     uuid.UUID
	OrderNumber string
	ContactID   uuid.UUID // who the parcels go to
	Status      Status
	Reason      string
	Currency    string
	// Mailing counts the mails that ask for it; each is sent once. AskedAt is when
	// the first may have left.
	Mailing     int
	AskedAt     *time.Time
	MailFailure string
	SentAt      *time.Time
	AcceptedAt  *time.Time
	EndedAt     *time.Time
	DueAt       time.Time // when all of it should have been shipped
	LateAt      *time.Time
	LinkUntil   time.Time
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time

	Lines   []Line
	Parcels []uuid.UUID // shipments, the oldest first
}

// Line is units of one line of the buyer's order.
type Line struct {
	LineID      uuid.UUID // of the buyer's order
	Position    int
	VariantID   uuid.UUID
	SKU         string
	SupplierSKU string
	Title       string
	Options     string
	Quantity    int64
	Shipped     int64
	Canceled    int64
	UnitMinor   *int64 // nil when nobody has said what it costs
}

// Open is how many units the supplier still has to send.
func (l *Line) Open() int64 { return l.Quantity - l.Shipped - l.Canceled }

// wanted is how many units the purchase order is about.
func (l *Line) wanted() int64 { return l.Quantity - l.Canceled }

func (o *Order) line(id uuid.UUID) *Line {
	for i := range o.Lines {
		if o.Lines[i].LineID == id {
			return &o.Lines[i]
		}
	}
	return nil
}

// counts adds up the units.
func (o *Order) counts() (open, shipped int64) {
	for i := range o.Lines {
		open, shipped = open+o.Lines[i].Open(), shipped+o.Lines[i].Shipped
	}
	return open, shipped
}

// Cost is what the units cost that are asked for; false when the cost of some is
// not known.
func (o *Order) Cost() (int64, bool) {
	var sum int64
	for i := range o.Lines {
		l := &o.Lines[i]
		if l.UnitMinor == nil {
			return 0, false
		}
		sum += *l.UnitMinor * l.wanted()
	}
	return sum, true
}

// follow is the status that the units make of it.
func (o *Order) follow(now time.Time) {
	open, shipped := o.counts()
	to := o.Status
	switch {
	case o.Status.Over():
	case open == 0 && shipped == 0:
		to = Canceled
	case open == 0:
		to = Completed
	case o.Status == Pending || o.Status == Sent && shipped == 0:
	case shipped > 0:
		to = Shipped
	case o.Status != Sent:
		to = Accepted
	}
	o.move(to, now)
}

// move sets the status and the times that go with it.
func (o *Order) move(to Status, now time.Time) {
	o.Status = to
	switch {
	case !to.ended():
		o.EndedAt = nil
	case o.EndedAt == nil:
		o.EndedAt = &now
	}
	if (to == Accepted || to == Shipped || to == Completed) && o.AcceptedAt == nil {
		o.AcceptedAt = &now
	}
}

// ref names the purchase order in events.
func (o *Order) ref() Ref {
	return Ref{MerchantID: o.MerchantID, OrderID: o.OrderID, SupplierID: o.SupplierID, SupplierOrderID: o.ID, Number: o.Number}
}
