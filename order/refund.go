package order

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/killpoint"
	"doorstep/internal/money"
	"doorstep/payment"
)

// LineQuantity is a number of units of an order line.
type LineQuantity struct {
	LineID   uuid.UUID `json:"line_id"`
	Quantity int64     `json:"quantity"`
}

// NewRefund asks for money back: an amount in minor units, or what units of
// lines were paid for, or with neither everything that is left. ID names it: the
// same ID is the same refund.
type NewRefund struct {
	ID     uuid.UUID
	Amount int64
	Lines  []LineQuantity
	Reason string
	// To is where it goes: payment.ToOriginal, as without it, or
	// payment.ToStoreCredit.
	To string

	customer *uuid.UUID                        // who gets it as store credit
	feeBps   int64                             // of what the lines are worth, kept by the merchant
	extra    int64                             // goes back besides the lines
	atMost   bool                              // what is left is enough, when that is less
	with     func(tx db.Tx, total int64) error // runs with the booking of so much
}

// net is what goes back for lines that are worth so much.
func (n *NewRefund) net(lines int64) (int64, error) {
	fee, err := money.MulBps(lines, n.feeBps)
	if err != nil {
		return 0, err
	}
	return money.Add(lines-fee, n.extra)
}

// RefundLine is what a refund gives back for a line; it is kept with the refund.
type RefundLine struct {
	LineID   uuid.UUID `json:"line_id"`
	Quantity int64     `json:"quantity"`
	Amount   int64     `json:"amount"` // minor units
}

// refundTries bounds how often a refund by lines is worked out anew because
// another one of the same lines came between; each of them books one.
const refundTries = 40

// errLinesMoved says that the counts a refund was worked out from have changed.
var errLinesMoved = ErrRefundLines.Saying("The lines are being refunded at the same time. Try again.")

// Refund gives money of an order back, through the captured payments in their
// order, and what those did not bring to the gift cards and the store credit that
// paid; there is one refund per payment that it takes, as a rule just one. What
// a unit was paid for includes its tax; shipping goes back only by amount, or
// with everything. It fails with ErrRefundInput, ErrLine, ErrQuantity,
// ErrRefundLines (units refunded before), ErrNoCustomer, payment.ErrNothingPaid or
// payment.ErrRefundTooHigh. The status of a refund is pending until the gateway
// has answered; store credit is given at once.
func (s *Service) Refund(ctx context.Context, merchant, order uuid.UUID, n NewRefund) ([]payment.Refund, error) {
	killpoint.Hit("order.refund.asked")
	n.Reason = reason(n.Reason)
	if n.Amount < 0 || (n.Amount > 0 && len(n.Lines) > 0) || n.To != "" && n.To != payment.ToOriginal && n.To != payment.ToStoreCredit {
		return nil, ErrRefundInput
	}
	if n.ID == uuid.Nil {
		n.ID = id.New()
	}
	for try := 1; ; try++ {
		done, err := s.refund(ctx, merchant, order, n)
		if !errors.Is(err, errMoved) {
			killpoint.Hit("order.refund.answer")
			return done, err
		}
		if try == refundTries {
			return nil, errLinesMoved
		}
	}
}

// refund plans the parts of a refund from how things stand, and books them. What
// an earlier call with the same ID has booked counts as done.
func (s *Service) refund(ctx context.Context, merchant, order uuid.UUID, n NewRefund) ([]payment.Refund, error) {
	o, err := s.Order(ctx, merchant, order)
	if err != nil {
		return nil, err
	}
	if n.To == payment.ToStoreCredit {
		if n.customer, err = s.creditor(ctx, o); err != nil {
			return nil, err
		}
	}
	all, err := s.Payments.OfOrder(ctx, merchant, order)
	if err != nil {
		return nil, err
	}
	parts, room, booked, err := s.parts(ctx, all, n.ID)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, payment.ErrNothingPaid
	}
	var lines []RefundLine
	left := room
	switch {
	case n.Amount > 0:
		left = n.Amount - booked.sum
	case len(n.Lines) > 0 && booked.any:
		if left, err = n.net(booked.lines); err != nil {
			return nil, err
		}
		left -= booked.sum
	case len(n.Lines) > 0:
		if lines, left, err = share(o, n.Lines); err != nil {
			return nil, err
		}
		if left, err = n.net(left); err != nil {
			return nil, err
		}
	case !booked.any:
		lines = rest(o)
	}
	if n.atMost {
		left = min(left, room)
	}
	if left > room {
		return nil, payment.ErrRefundTooHigh
	}
	if left == 0 && !booked.any {
		if room == 0 {
			return nil, payment.ErrRefundTooHigh // everything has been given back
		}
		return nil, ErrRefundInput.Saying("Nothing was paid for these lines.")
	}
	return s.book(ctx, o, parts, left, lines, n)
}

// creditor is the customer of an order, who can be given store credit.
func (s *Service) creditor(ctx context.Context, o *Order) (*uuid.UUID, error) {
	if s.Customer == nil {
		return nil, ErrNoCustomer
	}
	person, err := s.Customer(ctx, o)
	if fault.Is(err, customer.ErrPersonUnknown) || fault.Is(err, customer.ErrContactGone) {
		err = ErrNoCustomer.Because(err)
	}
	return &person, err
}

// part is what one payment can give towards a refund, or has given.
type part struct {
	payment uuid.UUID
	refund  uuid.UUID
	room    int64
	done    *payment.Refund
}

// booked is what earlier calls with the same ID have done.
type booked struct {
	any   bool
	sum   int64 // of those refunds
	lines int64 // what the lines are worth, as it was worked out then
}

// creditsLast puts what credits paid behind the other payments, the last used
// first: what was charged goes back first, as far as it was taken, then store
// credit, then gift cards.
func creditsLast(all []payment.Payment) []payment.Payment {
	slices.SortStableFunc(all, func(x, y payment.Payment) int {
		switch {
		case x.Method.Credit() && y.Method.Credit():
			return cmp.Compare(y.Part, x.Part)
		case x.Method.Credit():
			return 1
		case y.Method.Credit():
			return -1
		}
		return 0
	})
	return all
}

// parts lists the payments that can give something, with what they have given
// under this ID before. The first of them that gives bears the ID itself, and
// keeps it, should others come before it later; each other has one of its own.
func (s *Service) parts(ctx context.Context, all []payment.Payment, refund uuid.UUID) (parts []part, room int64, b booked, err error) {
	slices.SortStableFunc(all, func(x, y payment.Payment) int { return cmp.Compare(x.Attempt, y.Attempt) })
	creditsLast(all)
	var merchant uuid.UUID
	if len(all) > 0 {
		merchant = all[0].MerchantID
	}
	first, err := s.done(ctx, merchant, refund)
	if err != nil {
		return nil, 0, b, err
	}
	borne := false
	for _, p := range all {
		if p.CapturedMinor == 0 {
			continue
		}
		next := part{payment: p.ID, refund: uuid.NewSHA1(refund, p.ID[:]), room: p.CapturedMinor - p.RefundedMinor}
		switch {
		case first != nil && first.PaymentID == p.ID:
			next.refund, next.done, borne = refund, first, true
		case first == nil && !borne && next.room > 0:
			next.refund, borne = refund, true
		default:
			if next.done, err = s.done(ctx, merchant, next.refund); err != nil {
				return nil, 0, b, err
			}
		}
		if next.done == nil {
			room += next.room
		} else if err := b.add(next.done); err != nil {
			return nil, 0, b, err
		}
		parts = append(parts, next)
	}
	if first != nil && !borne {
		return nil, 0, b, ErrRefundInput.Saying("This id names another refund.")
	}
	return parts, room, b, nil
}

// done reads a refund, nil when there is none.
func (s *Service) done(ctx context.Context, merchant, refund uuid.UUID) (*payment.Refund, error) {
	r, err := s.Payments.RefundByID(ctx, merchant, refund)
	if errors.Is(err, payment.ErrNotFound) {
		return nil, nil
	}
	return r, err
}

// add counts a refund that an earlier call has booked; a failed one counts too:
// its ID is used up.
func (b *booked) add(r *payment.Refund) error {
	b.any = true
	b.sum += r.AmountMinor
	var lines []RefundLine
	if err := json.Unmarshal(r.Lines, &lines); err != nil {
		return fmt.Errorf("order: refund %s: %w", r.ID, err)
	}
	for _, l := range lines {
		b.lines += l.Amount
	}
	return nil
}

// errMoved makes Refund start again.
var errMoved = errors.New("order: the lines were refunded meanwhile")

// book sends the refund through the payments, the counts of the lines with the
// first of them.
func (s *Service) book(ctx context.Context, o *Order, parts []part, left int64, lines []RefundLine, n NewRefund) ([]payment.Refund, error) {
	done, total := []payment.Refund{}, left
	for _, p := range parts {
		next := payment.NewRefund{ID: p.refund, Reason: n.Reason, Customer: n.customer}
		if p.done == nil {
			if next.Amount = min(left, p.room); next.Amount == 0 {
				continue
			}
			left -= next.Amount
			var err error
			if next.Lines, next.With, err = counting(ctx, o, lines); err != nil {
				return nil, err
			}
			if n.with != nil {
				with := n.with
				next.With = both(next.With, func(tx db.Tx) error { return with(tx, total) })
			}
			lines, n.with = nil, nil
		}
		r, err := s.Payments.Refund(ctx, o.MerchantID, p.payment, next)
		if db.Violates(err, "refunds_pkey") || fault.Is(err, payment.ErrRefundTaken) {
			err = errMoved // the same request was quicker elsewhere
		}
		if err != nil {
			return nil, err
		}
		done = append(done, *r)
	}
	return done, nil
}

// both runs two functions in one transaction; the first may be nil.
func both(first, second func(tx db.Tx) error) func(tx db.Tx) error {
	return func(tx db.Tx) error {
		if first != nil {
			if err := first(tx); err != nil {
				return err
			}
		}
		return second(tx)
	}
}

// counting is the JSON of refunded lines and what moves their counts inside the
// transaction that books the refund, provided that nobody has moved them since
// they were read.
func counting(ctx context.Context, o *Order, lines []RefundLine) ([]byte, func(tx db.Tx) error, error) {
	if len(lines) == 0 {
		return nil, nil, nil
	}
	raw, err := json.Marshal(lines)
	if err != nil {
		return nil, nil, fmt.Errorf("order: %w", err)
	}
	ids, quantities, before, released := make([]uuid.UUID, len(lines)), make([]int64, len(lines)), make([]int64, len(lines)), make([]int64, len(lines))
	for i, l := range lines {
		ids[i], quantities[i] = l.LineID, l.Quantity
		before[i], released[i] = o.line(l.LineID).Refunded, o.line(l.LineID).Released
	}
	return raw, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `update order_lines l set refunded = l.refunded + u.quantity
			from unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[]) as u (id, quantity, before, released)
			where l.merchant_id = $1 and l.order_id = $2 and l.id = u.id and l.refunded = u.before and l.released = u.released
			  and l.refunded + l.released + u.quantity <= l.quantity`,
			o.MerchantID, o.ID, ids, quantities, before, released)
		if err == nil && n != int64(len(ids)) {
			err = errMoved
		}
		return err
	}, nil
}

func (o *Order) line(id uuid.UUID) *Line {
	for i := range o.Lines {
		if o.Lines[i].ID == id {
			return &o.Lines[i]
		}
	}
	return nil
}

// share works out what units were paid for, so that any sequence of refunds of
// a line adds up to exactly what the line cost.
func share(o *Order, wanted []LineQuantity) (lines []RefundLine, sum int64, err error) {
	seen := map[uuid.UUID]bool{}
	for _, w := range wanted {
		l := o.line(w.LineID)
		if l == nil {
			return nil, 0, ErrLine
		}
		if w.Quantity < 1 || seen[w.LineID] {
			return nil, 0, ErrQuantity
		}
		seen[w.LineID] = true
		if w.Quantity > l.Quantity-l.settled() {
			return nil, 0, ErrRefundLines
		}
		amount, err := money.RefundShare(l.Total, l.Quantity, l.settled(), w.Quantity)
		if err != nil {
			return nil, 0, err
		}
		if sum, err = money.Add(sum, amount); err != nil {
			return nil, 0, err
		}
		lines = append(lines, RefundLine{LineID: w.LineID, Quantity: w.Quantity, Amount: amount})
	}
	return lines, sum, nil
}

// rest is everything of the lines that has not been refunded by units; its worth
// is not told, for earlier refunds by amount may have taken some of it.
func rest(o *Order) (lines []RefundLine) {
	for _, l := range o.Lines {
		if left := l.Quantity - l.settled(); left > 0 {
			lines = append(lines, RefundLine{LineID: l.ID, Quantity: left})
		}
	}
	return lines
}
