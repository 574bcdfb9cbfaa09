package order

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
)

// ReturnCount is what was found of a line of a return.
type ReturnCount struct {
	LineID     uuid.UUID
	Quantity   int64 // that have arrived, in all
	Resellable int64
	Damaged    int64
}

// returnStep changes a return whose order the transaction holds.
type returnStep func(tx db.Tx, o *locked, r *Return, now time.Time) error

// moveReturn runs one step of a return: the order is locked first, as everywhere.
func (s *Service) moveReturn(ctx context.Context, merchant, id uuid.UUID, step returnStep) (*Return, error) {
	before, err := s.Return(ctx, merchant, id)
	if err != nil {
		return nil, err
	}
	now := s.DB.Now()
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		o, err := lockNow(ctx, tx, merchant, before.OrderID)
		if err != nil {
			return err
		}
		r, err := lockReturn(ctx, tx, merchant, id)
		if err != nil {
			return err
		}
		return step(tx, o, r, now)
	})
	if err != nil {
		return nil, err
	}
	return s.Return(ctx, merchant, id)
}

// ApproveReturn lets the units be sent. Approving again changes nothing. It
// fails with ErrReturnNotFound or ErrReturnState.
func (s *Service) ApproveReturn(ctx context.Context, merchant, id uuid.UUID, actor string) (*Return, error) {
	return s.moveReturn(ctx, merchant, id, func(tx db.Tx, _ *locked, r *Return, now time.Time) error {
		if r.Status == ReturnApproved {
			return nil
		}
		if r.Status != ReturnRequested {
			return ErrReturnState
		}
		setReturn(tx, r, ReturnApproved, now)
		return tell(tx, ReturnAccepted{r.ref()}, actor, now, r.story())
	})
}

// RejectReturn refuses a request, with the reason that the buyer reads. It fails
// with ErrReturnNotFound or ErrReturnState.
func (s *Service) RejectReturn(ctx context.Context, merchant, id uuid.UUID, why, actor string) (*Return, error) {
	why = reason(why)
	return s.endReturn(ctx, merchant, id, ReturnRejected, why, actor, ReturnRequested)
}

// CancelReturn ends a return of which nothing has arrived. It fails with
// ErrReturnNotFound or ErrReturnState.
func (s *Service) CancelReturn(ctx context.Context, merchant, id uuid.UUID, actor string) (*Return, error) {
	return s.endReturn(ctx, merchant, id, ReturnCanceled, "", actor, ReturnRequested, ReturnApproved, ReturnInTransit)
}

func (s *Service) endReturn(ctx context.Context, merchant, id uuid.UUID, end ReturnStatus, why, actor string, from ...ReturnStatus) (*Return, error) {
	return s.moveReturn(ctx, merchant, id, func(tx db.Tx, _ *locked, r *Return, now time.Time) error {
		if r.Status == end {
			return nil
		}
		if !oneOf(r.Status, from) {
			return ErrReturnState
		}
		arrive(tx, r.MerchantID, r.OrderID, nil, r.quantities())
		setReturn(tx, r, end, now)
		tx.Queue(`update returns set reject_reason = $3, closed_at = $4 where merchant_id = $1 and id = $2`, r.MerchantID, r.ID, why, now)
		story := r.story()
		if why != "" {
			story["reason"] = why
		}
		if end == ReturnRejected {
			return tell(tx, ReturnRefused{r.ref()}, actor, now, story)
		}
		return tell(tx, ReturnWithdrawn{r.ref()}, actor, now, story)
	})
}

// SendReturn notes that the parcel is on its way back. It fails with
// ErrReturnNotFound or ErrReturnState.
func (s *Service) SendReturn(ctx context.Context, merchant, id uuid.UUID, carrier, number, actor string) (*Return, error) {
	carrier, number = reason(carrier), reason(number)
	return s.moveReturn(ctx, merchant, id, func(tx db.Tx, _ *locked, r *Return, now time.Time) error {
		if !oneOf(r.Status, []ReturnStatus{ReturnApproved, ReturnInTransit}) {
			return ErrReturnState
		}
		setReturn(tx, r, ReturnInTransit, now)
		tx.Queue(`update returns set carrier = $3, tracking_number = $4 where merchant_id = $1 and id = $2`, r.MerchantID, r.ID, carrier, number)
		story := r.story()
		story["carrier"], story["tracking_number"] = carrier, number
		return tell(tx, ReturnSent{r.ref()}, actor, now, story)
	})
}

// ReceiveReturn notes how many units have arrived in all; without counts it is
// all of them. It may be repeated with higher counts until the return is
// inspected. It fails with ErrReturnNotFound, ErrReturnState or ErrReturnCounts.
func (s *Service) ReceiveReturn(ctx context.Context, merchant, id uuid.UUID, counts []ReturnCount, actor string) (*Return, error) {
	return s.moveReturn(ctx, merchant, id, func(tx db.Tx, _ *locked, r *Return, now time.Time) error {
		if !oneOf(r.Status, []ReturnStatus{ReturnApproved, ReturnInTransit, ReturnReceived}) {
			return ErrReturnState
		}
		arrived, err := r.receive(counts)
		if err != nil || len(arrived) == 0 && r.Status == ReturnReceived {
			return err
		}
		arrive(tx, r.MerchantID, r.OrderID, arrived, nil)
		updateReturnLines(tx, r)
		setReturn(tx, r, ReturnReceived, now)
		tx.Queue(`update returns set received_at = coalesce(received_at, $3) where merchant_id = $1 and id = $2`, r.MerchantID, r.ID, now)
		derive(tx, r.MerchantID, r.OrderID, now)
		return tell(tx, ReturnArrived{r.ref()}, actor, now, r.story())
	})
}

// receive sets what has arrived and says how many units that is more than before.
func (r *Return) receive(counts []ReturnCount) (arrived []LineQuantity, err error) {
	if len(counts) == 0 {
		for _, l := range r.Lines {
			counts = append(counts, ReturnCount{LineID: l.LineID, Quantity: l.Quantity})
		}
	}
	seen, some := map[uuid.UUID]bool{}, false
	for _, c := range counts {
		l := r.line(c.LineID)
		if l == nil {
			return nil, ErrLine
		}
		if seen[c.LineID] || c.Quantity < l.Received || c.Quantity > l.Quantity {
			return nil, ErrReturnCounts
		}
		seen[c.LineID] = true
		if more := c.Quantity - l.Received; more > 0 {
			arrived = append(arrived, LineQuantity{c.LineID, more})
			l.Received = c.Quantity
		}
	}
	for _, l := range r.Lines {
		some = some || l.Received > 0
	}
	if !some {
		return nil, ErrReturnCounts
	}
	return arrived, nil
}

// InspectReturn notes what the units are fit for: what can be sold again goes
// back into stock, damaged units do not. Every unit that has arrived must be one
// or the other; without counts all can be sold again. What has not arrived by
// now is not waited for. It fails with ErrReturnNotFound, ErrReturnState or
// ErrReturnCounts.
func (s *Service) InspectReturn(ctx context.Context, merchant, id uuid.UUID, counts []ReturnCount, actor string) (*Return, error) {
	return s.moveReturn(ctx, merchant, id, func(tx db.Tx, o *locked, r *Return, now time.Time) error {
		if r.Status == ReturnInspected {
			return nil
		}
		if r.Status != ReturnReceived {
			return ErrReturnState
		}
		if err := r.inspect(counts); err != nil {
			return err
		}
		arrive(tx, r.MerchantID, r.OrderID, nil, r.missing())
		updateReturnLines(tx, r)
		setReturn(tx, r, ReturnInspected, now)
		if err := tell(tx, ReturnInspection{r.ref()}, actor, now, r.story()); err != nil {
			return err
		}
		var back []catalog.Wanted
		for _, l := range r.Lines {
			if l.Resellable > 0 {
				back = append(back, catalog.Wanted{VariantID: o.line(l.LineID).VariantID, Quantity: l.Resellable})
			}
		}
		catalog.Restock(tx, r.MerchantID, o.checkout, back, now) // last: it locks what buyers wait for
		return nil
	})
}

// inspect sets what was found of each line.
func (r *Return) inspect(counts []ReturnCount) error {
	for i := range r.Lines {
		r.Lines[i].Resellable, r.Lines[i].Damaged = r.Lines[i].Received, 0
	}
	seen := map[uuid.UUID]bool{}
	for _, c := range counts {
		l := r.line(c.LineID)
		if l == nil {
			return ErrLine
		}
		if seen[c.LineID] || c.Resellable < 0 || c.Damaged < 0 || c.Resellable+c.Damaged != l.Received {
			return ErrReturnCounts
		}
		seen[c.LineID] = true
		l.Resellable, l.Damaged = c.Resellable, c.Damaged
	}
	return nil
}

func oneOf[T comparable](value T, of []T) bool {
	for _, v := range of {
		if v == value {
			return true
		}
	}
	return false
}
