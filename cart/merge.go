package cart

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// Merge pours the source, opened by its own secret, into the target: at log-in
// a guest's cart into the customer's. Quantities add up and codes unite, within
// the limits; what is beyond stays behind. The source is Merged then. Merging it
// into the same target again changes nothing and shows the target, whatever has
// become of that. Prices are the target's, in its currency. Three round trips.
func (s *Service) Merge(ctx context.Context, a Access, target, source uuid.UUID, sourceSecret string) (*View, error) {
	if source == target {
		return nil, ErrSelf
	}
	m := &merge{to: a, from: Access{Merchant: a.Merchant, Secret: sourceSecret, Trusted: a.Trusted}, target: target, source: source}
	done, err := s.readBoth(ctx, m)
	if err != nil {
		return nil, err
	}
	if !done {
		err = s.merge(ctx, m)
		if fault.Is(err, ErrClosed) { // perhaps because the same merge was faster
			if done, again := s.readBoth(ctx, m); again != nil || done {
				err = again
			}
		}
		if err != nil {
			return nil, err
		}
	}
	k := m.into.known(&a, m.guest.Variants...)
	k.codes = slices.Concat(k.codes, m.guest.Codes)
	return s.show(ctx, &a, target, k)
}

// merge is one cart on its way into another.
type merge struct {
	to, from       Access
	target, source uuid.UUID
	into           *situation
	guest          row
}

// readBoth reads both carts in one round trip. It says whether the merge has
// been done, and fails when it cannot be.
func (s *Service) readBoth(ctx context.Context, m *merge) (done bool, err error) {
	if m.into, err = s.read(ctx, &m.to, m.target, m.guest.query(m.to.Merchant, m.source)); err != nil {
		return false, err
	}
	if !m.from.allowed(&m.guest) {
		return false, ErrNotFound
	}
	if m.guest.Status == Merged && *m.guest.MergedInto == m.target {
		return true, nil
	}
	m.guest.settle(s.DB.Now())
	if err := m.guest.changeable(); err != nil {
		return false, err
	}
	return false, m.into.changeable(&m.to)
}

// merge writes. Both carts are locked in the order of their ids, so that two
// merges never wait for each other in a circle.
func (s *Service) merge(ctx context.Context, m *merge) error {
	now := s.DB.Now()
	gone, more := NewEvent(ctx, m.to.Merchant, now, CartMerged, StepCart), NewEvent(ctx, m.to.Merchant, now, CartChanged, StepCart)
	gone.Journey, gone.Attributes.Into = &m.source, &m.target
	return own(db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Relaxed()
		lockTarget := func() { touch(tx, m.to.Merchant, m.target, m.to.Version, now, now.Add(s.TTL)) }
		lockSource := func() { touch(tx, m.to.Merchant, m.source, nil, now, m.guest.ExpiresAt) }
		if bytes.Compare(m.target[:], m.source[:]) < 0 {
			lockTarget()
			lockSource()
		} else {
			lockSource()
			lockTarget()
		}
		mergeInto(tx, m.to.Merchant, m.source, m.target, now)
		Note(tx, gone)
		note(tx, m.target, &more)
		return nil
	}))
}
