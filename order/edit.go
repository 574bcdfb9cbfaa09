package order

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/internal/money"
	"doorstep/payment"
	"doorstep/pricing"
)

// The faults of edits.
var (
	ErrEditInput   = fault.New(fault.Invalid, "edit_invalid", "Add or remove units, or give an address, with a quantity of 1 to 10,000 for each.")
	ErrEditAll     = fault.New(fault.Conflict, "edit_leaves_nothing", "Nothing of the order would be left. Cancel it instead.")
	ErrEditShipped = fault.New(fault.Conflict, "edit_after_shipping", "Something of this order has been shipped, so its address stays.")
	ErrEditAddress = fault.New(fault.Invalid, "edit_address_invalid", "The address needs a name, a street and a city, in the same country and region: taxes and shipping depend on them.")
	ErrEditLines   = fault.New(fault.Conflict, "too_many_lines", "There are too many lines for one order.")
)

// mostAdded bounds the units that one edit adds of one product.
const mostAdded = 10_000

// AddUnits is units of a product to be added.
type AddUnits struct {
	SKU      string
	Quantity int64
}

// OrderEdit changes an order before it is shipped. ID names the request: the same
// ID takes effect once. Base is the version of the order that it is based on, 0
// for any.
type OrderEdit struct {
	ID      uuid.UUID
	Base    int64
	Add     []AddUnits
	Remove  []LineQuantity
	Address *customer.Address
	Reason  string
}

// EditResult is the order after an edit.
type EditResult struct {
	Order *Order
	// Difference is what the edit made the order cost more, or less when it is
	// below zero. Minor units.
	Difference int64
	// PaymentID is the payment of the difference that is awaited, if one is.
	PaymentID *uuid.UUID
}

// Edited says that an order was changed before it was shipped.
type Edited struct {
	Ref
	Difference int64 `json:"difference"` // minor units, as in EditResult
}

// EventName is order.edited.
func (Edited) EventName() string { return "order.edited" }

// Edit adds and removes units and changes the address. Units of a product that
// is in the order already cost what those do; others cost what they cost now.
// What is removed goes back on sale. When the order costs less, the rest is not
// taken, or goes back. When it costs more, a payment of the difference is
// awaited: with cash on delivery the courier collects it, a bank transfer is
// added to one that is awaited, and where the order is paid otherwise the added
// units are not shipped before a transfer of the difference has been captured,
// or voided to waive it. It fails with ErrNotFound, ErrVersion, ErrNotCancelable,
// ErrEditInput, ErrEditAll, ErrEditShipped, ErrEditAddress, ErrEditLines,
// ErrVariantUnknown, ErrNoPrice, catalog.ErrOutOfStock and as CancelLines does.
func (s *Service) Edit(ctx context.Context, merchant, order uuid.UUID, n OrderEdit, actor string) (*EditResult, error) {
	if n.ID == uuid.Nil {
		n.ID = id.New()
	}
	n.Reason = reason(n.Reason)
	o, err := s.Order(ctx, merchant, order)
	if err != nil {
		return nil, err
	}
	p, err := s.planEdit(ctx, o, &n)
	if err != nil {
		return nil, err
	}
	now := s.DB.Now()
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		held, err := lockNow(ctx, tx, merchant, order)
		if err != nil {
			return err
		}
		if done, err := changed(ctx, tx, merchant, order, n.ID); err != nil || done {
			return err
		}
		if err := held.open(n.Base); err != nil {
			return err
		}
		return s.edit(ctx, tx, o, held, &n, p, actor, now)
	})
	if err != nil {
		return nil, err
	}
	return s.edited(ctx, merchant, order, n.ID)
}

// edited reads what an edit has come to.
func (s *Service) edited(ctx context.Context, merchant, order, change uuid.UUID) (*EditResult, error) {
	o, err := s.Order(ctx, merchant, order)
	if err != nil {
		return nil, err
	}
	r := &EditResult{Order: o}
	if err := s.DB.QueryRow(ctx, `select amount_minor from order_changes where merchant_id = $1 and order_id = $2 and id = $3`,
		merchant, order, change).Scan(&r.Difference); err != nil {
		return nil, err
	}
	p, err := s.Payments.Payment(ctx, merchant, duePayment(change))
	if errors.Is(err, payment.ErrNotFound) {
		return r, nil
	}
	if err == nil {
		r.PaymentID = &p.ID
	}
	return r, err
}

// duePayment is the id of the payment that a change waits for.
func duePayment(change uuid.UUID) uuid.UUID { return uuid.NewSHA1(change, []byte("due")) }

// editPlan is what an edit needs that is read before the order is locked.
type editPlan struct {
	added   *addition
	contact *customer.Sealed
	attempt int
	method  payment.Method
	waits   bool // the added units wait for the difference
}

func (s *Service) planEdit(ctx context.Context, o *Order, n *OrderEdit) (*editPlan, error) {
	if len(n.Add)+len(n.Remove) == 0 && n.Address == nil || o.Source != "checkout" {
		return nil, ErrEditInput
	}
	if len(o.Lines)+len(n.Add) > pricing.MaxLines {
		return nil, ErrEditLines
	}
	p := &editPlan{added: &addition{}, method: payment.BankTransfer, waits: true}
	wishes, err := s.editWishes(ctx, o, n)
	if err != nil {
		return nil, err
	}
	if len(wishes) > 0 {
		if p.added, err = s.add(ctx, o, wishes); err != nil {
			return nil, err
		}
	}
	all, err := s.Payments.OfOrder(ctx, o.MerchantID, o.ID)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Method.Offline() && all[i].Status == payment.Pending {
			p.method, p.waits = all[i].Method, false
		}
	}
	if p.attempt, err = s.nextAttempt(ctx, o); err != nil || n.Address == nil {
		return p, err
	}
	p.contact, err = s.readdress(ctx, o, n.Address)
	return p, err
}

// editWishes finds the products to add; those that are in the order keep their
// price.
func (s *Service) editWishes(ctx context.Context, o *Order, n *OrderEdit) ([]wish, error) {
	skus := make([]string, len(n.Add))
	for i, a := range n.Add {
		if skus[i] = a.SKU; a.Quantity < 1 || a.Quantity > mostAdded {
			return nil, ErrEditInput
		}
	}
	if len(skus) == 0 {
		return nil, nil
	}
	found, err := s.Shelf.VariantIDs(ctx, o.MerchantID, skus)
	if err != nil {
		return nil, err
	}
	wishes := make([]wish, len(n.Add))
	for i, a := range n.Add {
		variant, ok := found[a.SKU]
		if !ok {
			return nil, ErrVariantUnknown.With("sku", a.SKU)
		}
		wishes[i] = wish{variant: variant, quantity: a.Quantity, origin: originEdit}
		for j := range o.Lines {
			like := &o.Lines[j]
			if like.VariantID != variant || like.Origin == originReplacement {
				continue
			}
			if wishes[i].value, err = unitsWorth(like.Total, like.Quantity, a.Quantity); err != nil {
				return nil, err
			}
			wishes[i].like = like
			break
		}
	}
	return wishes, nil
}

// unitsWorth is what so many more units cost when quantity of them cost total.
func unitsWorth(total, quantity, units int64) (int64, error) {
	whole, err := money.Mul(total, units/quantity)
	if err != nil {
		return 0, err
	}
	part, err := money.RefundShare(total, quantity, 0, units%quantity)
	if err != nil {
		return 0, err
	}
	return money.Add(whole, part)
}

// readdress seals the order's contact anew, with another address to ship to.
func (s *Service) readdress(ctx context.Context, o *Order, to *customer.Address) (*customer.Sealed, error) {
	c, err := s.Contact(ctx, o.MerchantID, o.ContactID)
	if err != nil {
		return nil, err
	}
	a := customer.Address{
		Name: line(to.Name), Line1: line(to.Line1), Line2: line(to.Line2), City: line(to.City), Region: line(to.Region), Postcode: line(to.Postcode),
		Country: strings.ToUpper(line(to.Country)), Phone: line(to.Phone),
	}
	var was customer.Address
	if c.Shipping != nil {
		was = *c.Shipping
	}
	if a.Name == "" || a.Line1 == "" || a.City == "" || a.Country != was.Country || !strings.EqualFold(a.Region, was.Region) {
		return nil, ErrEditAddress
	}
	c.Shipping = &a
	sealed, err := s.Seal(o.MerchantID, c)
	return &sealed, err
}

// mostField bounds one field of an address.
const mostField = 200

// line makes a typed field one harmless line.
func line(typed string) string {
	runes := []rune(reason(typed))
	return string(runes[:min(len(runes), mostField)])
}

// edit queues an edit of a locked order.
func (s *Service) edit(ctx context.Context, tx db.Tx, o *Order, held *locked, n *OrderEdit, p *editPlan, actor string, now time.Time) error {
	event := Edited{Ref: Ref{MerchantID: o.MerchantID, OrderID: o.ID}, Difference: p.added.total}
	var back []catalog.Wanted
	if len(n.Remove) > 0 {
		removed, whole, err := held.cancelable(n.Remove)
		if err != nil {
			return err
		}
		if whole && len(n.Add) == 0 {
			return ErrEditAll
		}
		gone := int64(0)
		for _, c := range removed {
			gone += c.amount
			back = append(back, catalog.Wanted{VariantID: c.VariantID, Quantity: c.quantity})
		}
		event.Difference -= gone
		releaseUnits(tx, o.MerchantID, o.ID, removed)
		credit(tx, o.MerchantID, o.ID, gone, now)
		if err := jobs.Publish(tx, CreditOwed{event.Ref}); err != nil {
			return err
		}
	}
	for i := range p.added.lines {
		p.added.lines[i].Held = p.waits && event.Difference > 0
	}
	p.added.insert(tx, o.MerchantID, o.ID, held)
	story := map[string]any{"added": n.Add, "removed": n.Remove, "difference": event.Difference, "reason": n.Reason}
	if event.Difference > 0 {
		due := awaited(held, o.MerchantID, o.ID, n.ID, event.Difference, p.attempt, now)
		due.ID, due.Method = duePayment(n.ID), p.method
		payment.Insert(tx, due)
		story["payment_id"] = due.ID
	}
	if err := moveTo(ctx, tx, o, held, p.contact, now); err != nil {
		return err
	}
	story["address"] = p.contact != nil
	if err := recordChange(tx, o.MerchantID, o.ID, n.ID, "edit", n.Remove, event.Difference, now); err != nil {
		return err
	}
	derive(tx, o.MerchantID, o.ID, now)
	if err := tell(tx, event, actor, now, story); err != nil {
		return err
	}
	catalog.Restock(tx, o.MerchantID, held.checkout, back, now) // last: they lock what buyers wait for
	catalog.Hold(tx, o.MerchantID, held.checkout, 0, catalog.Committed, p.added.takes, now, now)
	return nil
}

// moveTo queues the new address of a locked order of which nothing has left. It
// fails with customer.ErrContactGone when the buyer has been erased meanwhile.
func moveTo(ctx context.Context, tx db.Tx, o *Order, held *locked, to *customer.Sealed, now time.Time) error {
	if to == nil {
		return nil
	}
	for i := range held.lines {
		if held.lines[i].Shipped > 0 {
			return ErrEditShipped
		}
	}
	var was customer.Sealed
	q := customer.ContactQuery(o.MerchantID, o.ContactID, &was)
	rows, err := tx.Query(ctx, q.SQL+" for share", q.Args...) // erasing waits, and then finds the new one too
	if err != nil {
		return err
	}
	err = q.Each(rows)
	rows.Close()
	if err = errors.Join(err, rows.Err()); err != nil {
		return err
	}
	if was.Blob == nil {
		return customer.ErrContactGone
	}
	customer.QueueContact(tx, o.MerchantID, *to, now)
	tx.Guard(1, ErrVersion, `update orders set contact_id = $3 where merchant_id = $1 and id = $2 and contact_id = $4`, o.MerchantID, o.ID, to.ID, o.ContactID)
	return nil
}

// unhold queues that units which waited for the difference of an edit may be
// shipped, once nothing is awaited any more.
func unhold(tx db.Tx, merchant, order uuid.UUID) {
	tx.Queue(`update order_lines l set held = false
		where l.merchant_id = $1 and l.order_id = $2 and l.held and l.origin = 'edit' and not exists (
			select from v_awaited_dues d where d.merchant_id = $1 and d.order_id = $2)`, merchant, order)
}
