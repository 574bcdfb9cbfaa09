package order

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/shipping"
)

// ReturnStatus is how a return stands.
type ReturnStatus string

// The statuses of a return.
const (
	ReturnRequested ReturnStatus = "requested"
	ReturnApproved  ReturnStatus = "approved"
	ReturnInTransit ReturnStatus = "in_transit"
	ReturnReceived  ReturnStatus = "received"
	ReturnInspected ReturnStatus = "inspected"
	ReturnRefunded  ReturnStatus = "refunded"
	ReturnExchanged ReturnStatus = "exchanged"
	ReturnRejected  ReturnStatus = "rejected"
	ReturnCanceled  ReturnStatus = "canceled"
)

// Who asked for a return.
const (
	ByMerchant = "merchant"
	ByCustomer = "customer"
)

// ReturnReasons are the codes for why something comes back. They are stable.
func ReturnReasons() []string {
	return []string{"unwanted", "too_small", "too_large", "not_as_described", "defective", "damaged", "wrong_item", "arrived_late", "other"}
}

// The faults of returns.
var (
	ErrReturnNotFound = fault.New(fault.NotFound, "return_not_found", "There is no such return.")
	ErrReturnState    = fault.New(fault.Conflict, "return_state", "The return does not stand so that this can be done.")
	ErrReturnQuantity = fault.New(fault.Conflict, "return_exceeds_shipped", "More units of a line would come back than were shipped and are not on their way back already.")
	ErrReturnWindow   = fault.New(fault.Conflict, "return_window_over", "The time in which this can be sent back is over.")
	ErrReturnInput    = fault.New(fault.Invalid, "return_invalid", "Name lines with quantities and a known reason, each line once.")
	ErrReturnCounts   = fault.New(fault.Invalid, "return_counts_invalid", "The counts do not fit the units of the return.")
	ErrShippingGiven  = fault.New(fault.Conflict, "shipping_already_refunded", "The shipping of this order was given back with another return.")
)

// Return is a number of units on their way back, with their RMA number.
type Return struct {
	MerchantID     uuid.UUID    `gorm:"column:merchant_id"`
	ID             uuid.UUID    `gorm:"column:id"`
	OrderID        uuid.UUID    `gorm:"column:order_id"`
	Number         string       `gorm:"column:number"`
	Status         ReturnStatus `gorm:"column:status"`
	Source         string       `gorm:"column:source"`
	Currency       string       `gorm:"column:currency"`
	Carrier        string       `gorm:"column:carrier"`
	TrackingNumber string       `gorm:"column:tracking_number"`
	RejectReason   string       `gorm:"column:reject_reason"`
	FeeBps         int64        `gorm:"column:fee_bps"`        // of the restocking fee
	Shipping       int64        `gorm:"column:shipping_minor"` // of the order's shipping, given back with it
	Refund         int64        `gorm:"column:refund_minor"`   // minor units, in all
	ExchangeID     *uuid.UUID   `gorm:"column:exchange_id"`
	Version        int64        `gorm:"column:version"`
	CreatedAt      time.Time    `gorm:"column:created_at"`
	ReceivedAt     *time.Time   `gorm:"column:received_at"`
	ClosedAt       *time.Time   `gorm:"column:closed_at"`
	UpdatedAt      time.Time    `gorm:"column:updated_at"`

	Lines []ReturnLine `gorm:"-"`
	// Places are where lines go to that do not go to the shop. They are not read with
	// lists of a merchant's returns.
	Places []ReturnPlace `gorm:"-"`
}

// TableName is where GORM finds it.
func (Return) TableName() string { return "returns" }

// ReturnLine is how many units of an order line come back and why, and what was
// found of them.
type ReturnLine struct {
	MerchantID uuid.UUID `gorm:"column:merchant_id"`
	ReturnID   uuid.UUID `gorm:"column:return_id"`
	LineID     uuid.UUID `gorm:"column:line_id"`
	Quantity   int64     `gorm:"column:quantity"`
	Reason     string    `gorm:"column:reason"`
	Note       string    `gorm:"column:note"`
	Received   int64     `gorm:"column:received"`
	Resellable int64     `gorm:"column:resellable"` // back on sale
	Damaged    int64     `gorm:"column:damaged"`
	Refunded   int64     `gorm:"column:refunded"` // units whose money went back with this return
}

// TableName is where GORM finds it.
func (ReturnLine) TableName() string { return "return_lines" }

func (r *Return) line(id uuid.UUID) *ReturnLine {
	for i := range r.Lines {
		if r.Lines[i].LineID == id {
			return &r.Lines[i]
		}
	}
	return nil
}

// NewReturn asks to send units back. ID names the request: the same ID is the
// same return.
type NewReturn struct {
	ID     uuid.UUID
	Lines  []ReturnLine // LineID, Quantity, Reason and Note
	Source string       // ByMerchant or ByCustomer
	// Late lets it pass when the return window is over.
	Late bool
}

// usualReturnDays is the return window where the merchant has set none.
const usualReturnDays = 30

// RequestReturn opens a return for units that were shipped. It fails with
// ErrNotFound, ErrReturnInput, ErrLine, ErrQuantity, ErrReturnQuantity or
// ErrReturnWindow.
func (s *Service) RequestReturn(ctx context.Context, merchant, order uuid.UUID, n NewReturn, actor string) (*Return, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	if !n.Late {
		if err := s.inWindow(ctx, merchant, order, n.Lines); err != nil {
			return nil, err
		}
	}
	now := s.DB.Now()
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		o, err := lockNow(ctx, tx, merchant, order)
		if err != nil {
			return err
		}
		if done, err := madeBefore(ctx, tx, "returns", merchant, n.ID, order); err != nil || done {
			return err
		}
		r := Return{MerchantID: merchant, ID: n.ID, OrderID: order, Number: numbered("RMA"), Status: ReturnRequested, Source: n.Source, Currency: o.currency, Lines: n.Lines}
		if err := o.comeBack(tx, merchant, order, r.quantities()); err != nil {
			return err
		}
		insertReturn(tx, &r, now)
		return tell(tx, ReturnAsked{r.ref()}, actor, now, r.story())
	})
	if err != nil {
		return nil, err
	}
	return s.Return(ctx, merchant, n.ID)
}

// RequestReturnByLink is RequestReturn by whoever holds the link to an order;
// key tells two requests apart. Forged and expired links fail with
// customer.ErrLinkInvalid.
func (s *Service) RequestReturnByLink(ctx context.Context, token, key string, lines []ReturnLine) (*Return, error) {
	t, err := s.Track(ctx, token)
	if err != nil {
		return nil, err
	}
	return s.RequestReturn(ctx, t.MerchantID, t.OrderID, NewReturn{
		ID: uuid.NewSHA1(t.OrderID, []byte("return:"+key)), Lines: lines, Source: ByCustomer,
	}, "customer")
}

// check cleans the texts and looks at what needs no order.
func (n *NewReturn) check() error {
	if n.ID == uuid.Nil {
		n.ID = id.New()
	}
	if len(n.Lines) == 0 {
		return ErrReturnInput
	}
	n.Lines = slices.Clone(n.Lines)
	for i := range n.Lines {
		l := &n.Lines[i]
		l.Note = reason(l.Note)
		if !slices.Contains(ReturnReasons(), l.Reason) {
			return ErrReturnInput
		}
	}
	return nil
}

// inWindow checks that the time to return the lines is not over: it begins when
// the last parcel with units of a line has arrived.
func (s *Service) inWindow(ctx context.Context, merchant, order uuid.UUID, lines []ReturnLine) error {
	days := int64(usualReturnDays)
	if s.ReturnDays != nil {
		var err error
		if days, err = s.ReturnDays(ctx, merchant); err != nil {
			return err
		}
	}
	parcels, err := s.Shipments.OfOrder(ctx, merchant, order)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if last, arrived := arrival(parcels, l.LineID); arrived && s.DB.Now().After(last.AddDate(0, 0, int(days))) {
			return ErrReturnWindow.With("days", days)
		}
	}
	return nil
}

// arrival is when the last parcel with units of a line arrived; false while one
// of them is still on its way.
func arrival(parcels []shipping.Shipment, line uuid.UUID) (last time.Time, arrived bool) {
	for _, p := range parcels {
		has := slices.ContainsFunc(p.Lines, func(l shipping.ShipmentLine) bool { return l.OrderLineID == line })
		switch {
		case !has || p.Status == shipping.StatusCanceled:
		case p.DeliveredAt == nil:
			return last, false
		case p.DeliveredAt.After(last):
			last, arrived = *p.DeliveredAt, true
		}
	}
	return last, arrived
}

// comeBack checks that units of a locked order can come back, and queues that
// they are about to.
func (o *locked) comeBack(tx db.Tx, merchant, order uuid.UUID, lines []LineQuantity) error {
	if o.source != "checkout" {
		return ErrReturnState.Saying("Orders that were imported are kept for reading only.")
	}
	seen := map[uuid.UUID]bool{}
	ids, quantities := make([]uuid.UUID, len(lines)), make([]int64, len(lines))
	for i, w := range lines {
		l := o.line(w.LineID)
		switch {
		case l == nil:
			return ErrLine
		case w.Quantity < 1 || seen[w.LineID]:
			return ErrQuantity
		case w.Quantity > l.Shipped-l.Returned-l.ComingBack:
			return ErrReturnQuantity
		}
		seen[w.LineID] = true
		ids[i], quantities[i] = w.LineID, w.Quantity
	}
	tx.Guard(int64(len(ids)), ErrReturnQuantity, `update order_lines l set coming_back = l.coming_back + u.quantity
		from unnest($3::uuid[], $4::bigint[]) as u (id, quantity)
		where l.merchant_id = $1 and l.order_id = $2 and l.id = u.id and l.returned + l.coming_back + u.quantity <= l.shipped`,
		merchant, order, ids, quantities)
	return nil
}

// arrive queues that units on their way back have arrived, and that others will
// not come at all. The order must be locked.
func arrive(tx db.Tx, merchant, order uuid.UUID, arrived, given []LineQuantity) {
	for _, step := range []struct {
		lines []LineQuantity
		set   string
	}{{arrived, "returned = l.returned + u.quantity, coming_back = l.coming_back - u.quantity"}, {given, "coming_back = l.coming_back - u.quantity"}} {
		var ids []uuid.UUID
		var quantities []int64
		for _, l := range step.lines {
			if l.Quantity > 0 {
				ids, quantities = append(ids, l.LineID), append(quantities, l.Quantity)
			}
		}
		if len(ids) > 0 {
			tx.Guard(int64(len(ids)), ErrReturnQuantity, `update order_lines l set `+step.set+`
				from unnest($3::uuid[], $4::bigint[]) as u (id, quantity)
				where l.merchant_id = $1 and l.order_id = $2 and l.id = u.id and l.coming_back >= u.quantity`, merchant, order, ids, quantities)
		}
	}
}

// quantities are the units of the return.
func (r *Return) quantities() []LineQuantity {
	all := make([]LineQuantity, len(r.Lines))
	for i, l := range r.Lines {
		all[i] = LineQuantity{l.LineID, l.Quantity}
	}
	return all
}

// missing are the units that have not arrived.
func (r *Return) missing() []LineQuantity {
	all := r.quantities()
	for i := range all {
		all[i].Quantity -= r.Lines[i].Received
	}
	return all
}

// story is what the order's timeline says of a return.
func (r *Return) story() map[string]any {
	type line struct {
		LineID   uuid.UUID `json:"line_id"`
		Quantity int64     `json:"quantity"`
		Reason   string    `json:"reason"`
		Received int64     `json:"received,omitempty"`
		Damaged  int64     `json:"damaged,omitempty"`
	}
	lines := make([]line, len(r.Lines))
	for i, l := range r.Lines {
		lines[i] = line{l.LineID, l.Quantity, l.Reason, l.Received, l.Damaged}
	}
	return map[string]any{"return_id": r.ID, "number": r.Number, "lines": lines}
}
