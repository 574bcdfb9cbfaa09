package payment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// Tally counts differences.
type Tally struct {
	Found  int // seen for the first time
	Mended int // gone now, whenever they were found
	Open   int // waiting for a person
}

// Reconciliation is what a comparison with the providers' books came to.
type Reconciliation struct {
	Charges  int // in the books
	Payments int // in ours
	Young    int // left for the next time: something is under way
	Accepted int // differences that a person has resolved as they are
	// Unassigned counts charges of ours of which nobody knows the merchant.
	Unassigned int
	Kinds      map[DifferenceKind]Tally
	merchants  map[uuid.UUID]Tally
}

// Total adds up the kinds.
func (r *Reconciliation) Total() (t Tally) {
	for _, k := range r.Kinds {
		t = t.plus(k)
	}
	return t
}

func (r *Reconciliation) add(merchant uuid.UUID, kind DifferenceKind, t Tally) {
	r.Kinds[kind], r.merchants[merchant] = r.Kinds[kind].plus(t), r.merchants[merchant].plus(t)
}

func (t Tally) plus(u Tally) Tally {
	return Tally{t.Found + u.Found, t.Mended + u.Mended, t.Open + u.Open}
}

const (
	// slice is how much of the books is compared at a time.
	slice = time.Hour
	// edge is how far from its charge a payment may have been written.
	edge = 10 * time.Minute
	// listing is how long a provider may take to list a slice.
	listing = 5 * time.Minute
)

// Reconcile compares every charge and refund that the providers' books have of
// the time from up to, and not including, to with the payments, refunds and the
// ledger. Each difference becomes a row of payment_differences, and what can be
// mended is mended: by settling, adopting, letting go, giving back or booking.
// What is under way is left alone. It may be repeated and run by several at
// once: what is in order, or written down as open, is not found again.
func (s *Service) Reconcile(ctx context.Context, from, to time.Time) (Reconciliation, error) {
	r := Reconciliation{Kinds: map[DifferenceKind]Tally{}, merchants: map[uuid.UUID]Tally{}}
	merchants, err := s.allMerchants(ctx)
	if err != nil {
		return r, err
	}
	var failed error
	for _, p := range s.providers {
		if _, ok := p.(Bookkeeper); ok {
			c := &comparison{Service: s, provider: p.Name(), result: &r, merchants: merchants, began: s.db.Now(), examined: map[string]bool{}, seen: map[uuid.UUID]bool{}}
			failed = errors.Join(failed, c.run(ctx, from, to))
		}
	}
	return r, failed
}

func (s *Service) allMerchants(ctx context.Context) ([]uuid.UUID, error) {
	if s.merchants == nil {
		return nil, nil
	}
	return s.merchants(ctx)
}

// comparison is one run through the books of one provider.
type comparison struct {
	*Service
	provider  string
	result    *Reconciliation
	merchants []uuid.UUID
	began     time.Time
	examined  map[string]bool    // subjects that were compared
	seen      map[uuid.UUID]bool // differences that are there
}

func (c *comparison) run(ctx context.Context, from, to time.Time) error {
	for at := from; at.Before(to); at = at.Add(slice) {
		end := at.Add(slice)
		if end.After(to) {
			end = to
		}
		if err := c.slice(ctx, at, end); err != nil {
			return fmt.Errorf("payment: the books of %s from %s: %w", c.provider, at.UTC().Format(time.RFC3339), err)
		}
	}
	return c.closeGone(ctx)
}

// slice compares the charges of a time with the payments of that time, give or
// take the edge, and then looks for the payments that have no charge.
func (c *comparison) slice(ctx context.Context, from, to time.Time) error {
	var charges []GatewayCharge
	err := c.ask(ctx, c.provider, listing, func(ctx context.Context, p Provider) error {
		charges = charges[:0]
		return p.(Bookkeeper).Charges(ctx, from.Add(-edge), to.Add(edge), func(g GatewayCharge) error { //nolint:forcetypeassert // Reconcile has looked
			charges = append(charges, g)
			return nil
		})
	})
	if err != nil {
		return err
	}
	// Ours are read after theirs: whatever the books say was written here before.
	accounts, err := c.accounts(ctx, c.provider, `p.created_at >= $2 and p.created_at < $3`, from.Add(-2*edge), to.Add(2*edge))
	if err != nil {
		return err
	}
	m := match(accounts, charges)
	within := func(t time.Time) bool { return !t.Before(from) && t.Before(to) }
	for _, a := range accounts {
		if !within(a.CreatedAt) {
			continue
		}
		c.result.Payments++
		if err := c.payment(ctx, a, m.of[a]); err != nil {
			return err
		}
	}
	for i := range charges {
		if !within(charges[i].CreatedAt) {
			continue
		}
		c.result.Charges++
		if m.taken[&charges[i]] {
			continue
		}
		if err := c.stranger(ctx, &charges[i]); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// matched are the charges of each payment, its own first, and all charges that
// have a payment.
type matched struct {
	of    map[*account][]*GatewayCharge
	taken map[*GatewayCharge]bool
}

// match finds the payment of each charge: by the name that the payment has
// noted, by the key under which it was asked for, or by what the charge says.
func match(accounts []*account, charges []GatewayCharge) matched {
	byName, byKey, byID := map[string]*account{}, map[string]*account{}, map[uuid.UUID]*account{}
	for _, a := range accounts {
		if a.GatewayID != nil {
			byName[*a.GatewayID] = a
		}
		byKey[a.GatewayKey], byID[a.ID] = a, a
	}
	m := matched{map[*account][]*GatewayCharge{}, map[*GatewayCharge]bool{}}
	for i := range charges {
		g := &charges[i]
		a, own := byName[g.GatewayID]
		if !own {
			if a = byKey[g.Key]; a == nil || g.Key == "" {
				a = byID[g.PaymentID]
			}
		}
		if a == nil {
			continue
		}
		m.taken[g] = true
		if own {
			m.of[a] = append([]*GatewayCharge{g}, m.of[a]...)
		} else {
			m.of[a] = append(m.of[a], g)
		}
	}
	return m
}

// own says whether a charge is the one that the payment names. A payment that
// names none yet has the first there is.
func (a *account) own(g *GatewayCharge) bool {
	return a.GatewayID == nil || *a.GatewayID == g.GatewayID
}

// payment compares one payment with its charges.
func (c *comparison) payment(ctx context.Context, a *account, charges []*GatewayCharge) error {
	if a.young(c.began) {
		c.result.Young++
		return nil
	}
	c.examined[a.ID.String()] = true
	if len(charges) == 0 || !a.own(charges[0]) {
		g, err := c.absent(ctx, a)
		if err != nil {
			return err
		}
		if g != nil {
			charges = append([]*GatewayCharge{g}, charges...)
		}
	}
	for i, g := range charges {
		found := orphaned(g, true)
		if i == 0 && a.own(g) {
			found = differ(a, g)
		}
		for _, f := range found {
			if err := c.found(ctx, a, g, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// absent asks the provider for the charge of a payment that the list lacks. What
// it has never seen is missing there; nil is nothing to compare with.
func (c *comparison) absent(ctx context.Context, a *account) (*GatewayCharge, error) {
	if a.open() || a.dead() && a.GatewayID == nil {
		return nil, nil // it is looked for by the recovery run, or was never there
	}
	var r Result
	err := c.ask(ctx, c.provider, c.timeout, func(ctx context.Context, p Provider) (err error) {
		r, err = Find(ctx, p, a.GatewayKey, a.GatewayID)
		return err
	})
	switch {
	case errors.Is(err, ErrNotAtGateway) || err == nil && a.GatewayID != nil && r.GatewayID != *a.GatewayID:
		if a.dead() {
			return nil, nil
		}
		return nil, c.found(ctx, a, nil, finding{MissingThere, "the provider does not know this payment, which is " + string(a.Status), a.AmountMinor, 0})
	case err != nil:
		return nil, err
	}
	return &GatewayCharge{
		GatewayID: r.GatewayID, Key: a.GatewayKey, Currency: a.Currency, Status: r.Status, Authorized: r.Authorized, Captured: r.Captured, Refunded: r.Refunded,
		Refunds: r.Refunds, Dispute: r.Dispute, Disputed: r.Disputed, CreatedAt: a.CreatedAt, HoldEnds: r.HoldEnds,
	}, nil
}

// stranger looks at a charge for which no payment was written at its time. It
// may have been written at another; else it is a charge that nothing here knows.
// Charges without any mark of ours are somebody else's business.
func (c *comparison) stranger(ctx context.Context, g *GatewayCharge) error {
	if g.PaymentID == uuid.Nil && g.Merchant == uuid.Nil && !strings.HasPrefix(g.Key, "pay:") {
		return nil
	}
	if g.CreatedAt.After(c.began.Add(-inFlight)) {
		c.result.Young++
		return nil
	}
	found, err := c.accounts(ctx, c.provider, `p.merchant_id = any ($2) and (p.gateway_id = $3 or p.id = $4)`, c.merchants, g.GatewayID, g.PaymentID)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return c.payment(ctx, found[0], []*GatewayCharge{g})
	}
	c.examined[c.provider+":"+g.GatewayID] = true
	for _, f := range orphaned(g, false) {
		if f.kind == OrphanCharge {
			f = finding{MissingHere, "taken for a payment that is not here", 0, f.there}
		}
		if err := c.found(ctx, nil, g, f); err != nil {
			return err
		}
	}
	return nil
}

// merchantOf is whose charge it is: the one it names, or the only one there is.
func (c *comparison) merchantOf(g *GatewayCharge) (m uuid.UUID, named bool) {
	for _, m := range c.merchants {
		if m == g.Merchant {
			return m, true
		}
	}
	if len(c.merchants) == 1 && g.Merchant == uuid.Nil {
		return c.merchants[0], false
	}
	return uuid.Nil, false
}

// found writes a difference down and tries to mend it.
func (c *comparison) found(ctx context.Context, a *account, g *GatewayCharge, f finding) error {
	d := &Difference{Kind: f.kind, Provider: c.provider, Detail: f.detail, HereMinor: f.here, ThereMinor: f.there}
	if g != nil {
		d.GatewayID, d.Currency = g.GatewayID, strings.ToUpper(g.Currency)
	}
	named := true
	if a != nil {
		d.MerchantID, d.PaymentID, d.OrderID, d.Subject, d.Currency = a.MerchantID, &a.ID, a.OrderID, a.ID.String(), a.Currency
	} else {
		d.Subject = c.provider + ":" + g.GatewayID
		if d.MerchantID, named = c.merchantOf(g); d.MerchantID == uuid.Nil {
			c.result.Unassigned++
			c.log.ErrorContext(ctx, "a charge at the payment provider belongs to no merchant here", "provider", c.provider, "charge", g.GatewayID, "difference", f.kind)
			return nil
		}
	}
	open, news, err := c.open(ctx, d)
	if err != nil {
		return err
	}
	if !open {
		c.result.Accepted++
		return nil
	}
	c.seen[d.ID] = true
	t := Tally{Open: 1}
	if news {
		t.Found = 1
		c.log.WarnContext(ctx, "a payment differs from the provider's books", "difference", f.kind, "subject", d.Subject, "detail", f.detail)
	}
	gone, err := c.mend(ctx, a, g, f, named)
	if err != nil {
		c.log.WarnContext(ctx, "a difference is not mended", "difference", f.kind, "subject", d.Subject, "error", err)
	}
	if gone {
		if err := c.mended(ctx, d.MerchantID, d.ID); err != nil {
			return err
		}
		t.Open, t.Mended = 0, 1
	}
	c.result.add(d.MerchantID, f.kind, t)
	return nil
}

// closeGone closes the differences that were open before this run and are not
// there any more.
func (c *comparison) closeGone(ctx context.Context) error {
	return sweep(ctx, c.atOnce, func(last place) ([]*Difference, error) { return c.unseen(ctx, c.provider, c.began, last) },
		func(d *Difference) place { return place{d.FoundAt, d.ID} },
		func(d *Difference) error {
			if !c.examined[d.Subject] || c.seen[d.ID] {
				return nil
			}
			return c.mended(ctx, d.MerchantID, d.ID)
		})
}

// Nightly compares the books of the last days, once a day and after the quiet
// hour, in UTC, has begun. It may be called by every node as often as it likes:
// the first to write down that the day is its own does the work, and when that
// one dies another begins anew an hour later.
func (s *Service) Nightly(ctx context.Context, hour, days int) error {
	now := s.db.Now().UTC()
	if now.Hour() < hour {
		return nil
	}
	merchants, err := s.allMerchants(ctx)
	if err != nil || len(merchants) == 0 {
		return err
	}
	day := now.Truncate(24 * time.Hour)
	mine, err := s.claimDay(ctx, merchants, day, now)
	if err != nil || !mine {
		return err
	}
	r, err := s.Reconcile(ctx, now.AddDate(0, 0, -days), now)
	if err != nil {
		return err
	}
	t := r.Total()
	s.log.InfoContext(ctx, "compared with the providers' books", "charges", r.Charges, "payments", r.Payments, "found", t.Found, "mended", t.Mended, "open", t.Open)
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		for _, m := range merchants {
			k := r.merchants[m]
			tx.Queue(`update payment_compares set finished_at = $3, charges = $4, found = $5, mended = $6, open = $7 where merchant_id = $1 and day = $2`,
				m, day, s.db.Now(), r.Charges, k.Found, k.Mended, k.Open)
		}
		return nil
	})
}

// claimDay writes down that this node compares the books of a day. The first of
// the merchants decides: its row can be written by one.
func (s *Service) claimDay(ctx context.Context, merchants []uuid.UUID, day, now time.Time) (mine bool, err error) {
	first := merchants[0]
	for _, m := range merchants {
		if m.String() < first.String() {
			first = m
		}
	}
	const claim = `insert into payment_compares (merchant_id, provider, day, started_at)
		select m, 'all', $2, $3 from unnest($1::uuid[]) m
		on conflict (merchant_id, provider, day) do update set started_at = excluded.started_at
			where payment_compares.finished_at is null and payment_compares.started_at < $3 - interval '1 hour'`
	n, err := s.db.Exec(ctx, claim, []uuid.UUID{first}, day, now)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = s.db.Exec(ctx, claim, merchants, day, now)
	return true, err
}
