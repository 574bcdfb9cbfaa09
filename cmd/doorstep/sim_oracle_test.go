package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/killpoint/toll"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// The oracle holds the end of a world against the model, the gateway's books, the
// letters that were taken over and the news that were told. What it wants to know
// of the shop it asks as anybody would, by the services, and reckons itself.

// simEnd is what the oracle has read.
type simEnd struct {
	orders    []*order.Order
	payments  map[uuid.UUID][]payment.Payment // by order
	refunds   []simRefunded
	returns   []*order.Return
	claims    []*order.Claim
	exchanges []*order.Exchange
	charges   map[uuid.UUID][]sandbox.Charge // by order
}

// simRefunded is a refund as it stands in the shop's books.
type simRefunded struct {
	ID, Payment, Order  uuid.UUID
	Status, Destination string
	Amount              int64
	Key, GatewayID      string
}

func column[T any](s *sim, sql string, args ...any) []T {
	s.t.Helper()
	rows, err := s.h.db.Query(s.t.Context(), sql, args...)
	s.must(err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	s.must(err)
	return all
}

// read reads all things of a kind, by their ids.
func read[T any](s *sim, table string, one func(id uuid.UUID) (T, error)) (all []T) {
	s.t.Helper()
	for _, id := range column[uuid.UUID](s, `select id from `+table+` where merchant_id = $1 order by id`, s.shop) {
		v, err := one(id)
		s.must(err)
		all = append(all, v)
	}
	return all
}

func (s *sim) end() *simEnd {
	ctx, of := s.t.Context(), s.h.orders
	e := &simEnd{payments: map[uuid.UUID][]payment.Payment{}, charges: map[uuid.UUID][]sandbox.Charge{}}
	e.orders = read(s, "orders", func(id uuid.UUID) (*order.Order, error) { return of.Order(ctx, s.shop, id) })
	e.returns = read(s, "returns", func(id uuid.UUID) (*order.Return, error) { return of.Return(ctx, s.shop, id) })
	e.claims = read(s, "claims", func(id uuid.UUID) (*order.Claim, error) { return of.Claim(ctx, s.shop, id) })
	e.exchanges = read(s, "exchanges", func(id uuid.UUID) (*order.Exchange, error) { return of.Exchange(ctx, s.shop, id) })
	rows, err := s.h.db.Query(ctx, `select id, payment_id, order_id, status, destination, amount_minor, gateway_key, coalesce(gateway_id, '') from refunds
		where merchant_id = $1 order by id`, s.shop)
	s.must(err)
	e.refunds, err = pgx.CollectRows(rows, pgx.RowToStructByPos[simRefunded])
	s.must(err)
	owner := map[string]uuid.UUID{}
	for _, o := range e.orders {
		all, err := s.h.payments.OfOrder(ctx, s.shop, o.ID)
		s.must(err)
		e.payments[o.ID] = all
		for i := range all {
			owner[all[i].ID.String()] = o.ID
		}
	}
	for _, c := range s.h.gateway.All() {
		if o, ok := owner[c.PaymentID]; ok {
			e.charges[o] = append(e.charges[o], c)
		} else if c.Captured > c.Refunded || c.Status == payment.Authorized {
			s.harm(toll.Wrong, "the gateway has %d of %d of nobody's order", c.Captured-c.Refunded, c.Amount)
		}
	}
	return e
}

// simName is an order as the trace names it, looked up only when it is told.
type simName struct {
	s  *sim
	id uuid.UUID
}

// String is the name.
func (n simName) String() string { return n.s.who(n.id.String()) }

// oracle is what has to hold in the end besides what verify says.
func (s *sim) oracle() {
	e := s.end()
	s.checkDeals(e)
	s.checkUnits(e)
	s.checkCodes(e)
	for _, o := range e.orders {
		s.checkOwed(e, o)
		s.checkMoney(e, o)
	}
	s.checkRefunds(e)
	s.checkNews(e)
	s.checkLetters(e)
	s.checkHooks()
}

// checkDeals holds each order against what its buyer and the staff were told.
func (s *sim) checkDeals(e *simEnd) {
	found := map[uuid.UUID]*order.Order{}
	for _, o := range e.orders {
		if found[o.CheckoutID] != nil {
			s.harm(toll.Doubled, "two orders of one checkout")
		}
		found[o.CheckoutID] = o
	}
	for i, seat := range s.seats {
		o := found[seat.view.ID]
		if o == nil {
			if len(seat.told) > 0 {
				s.harm(toll.Lost, "shopper %d was told of an order, and there is none", i)
			}
			continue
		}
		delete(found, seat.view.ID)
		s.bought(seat, o)
		for _, told := range seat.told {
			if told.number != o.Number {
				s.harm(toll.Lost, "shopper %d was told of %s, the order is %s", i, told.number, o.Number)
			}
		}
		s.checkDeal(i, o)
	}
	for _, o := range found {
		s.harm(toll.Wrong, "order %s is nobody's", o.Number)
	}
}

func (s *sim) checkDeal(i int, o *order.Order) {
	d := s.deal(o.CheckoutID)
	canceled := o.Status == order.StatusCanceled
	if d.whole && !canceled {
		s.harm(toll.Lost, "the order of %d was canceled, and is %s", i, o.Status)
	}
	if canceled && !d.asked && o.CancelReason != "payment_not_received" {
		s.harm(toll.Wrong, "nobody canceled the order of %d: %s", i, o.CancelReason)
	}
	added := map[string]int64{}
	for _, l := range o.Lines {
		switch l.Origin {
		case "edit":
			added[l.SKU] += l.Quantity
			fallthrough
		case "", "checkout":
			if r := ranged(d.canceled, l.ID); !canceled && !r.has(l.Canceled) {
				s.harm(toll.Wrong, "%d to %d units of line %d of %d were canceled, not %d", r.sure, r.most, l.Position, i, l.Canceled)
			}
		case "replacement":
			if l.Total != 0 {
				s.harm(toll.Wrong, "a replacement costs %d", l.Total)
			}
		}
	}
	for sku, n := range added {
		if r := ranged(d.added, sku); !r.has(n) {
			s.harm(toll.Doubled, "%d to %d of %s were added to the order of %d, not %d", r.sure, r.most, sku, i, n)
		}
	}
	for sku, r := range d.added {
		if added[sku] < r.sure {
			s.harm(toll.Lost, "%d of %s were added to the order of %d, and %d are there", r.sure, sku, i, added[sku])
		}
	}
}

// checkUnits counts the shelf: what was there, less what buyers keep, and what came
// back fit for sale.
func (s *sim) checkUnits(e *simEnd) {
	free := maps.Clone(simStock)
	sku, bound := map[uuid.UUID]string{}, map[uuid.UUID]bool{}
	for _, o := range e.orders {
		for _, l := range o.Lines {
			sku[l.ID] = l.SKU
			if _, counted := free[l.SKU]; counted {
				free[l.SKU] -= l.Quantity - l.Canceled
			}
		}
	}
	back := func(line uuid.UUID, n int64) {
		if _, counted := free[sku[line]]; counted {
			free[sku[line]] += n
		}
	}
	for _, r := range e.returns {
		for _, l := range r.Lines {
			back(l.LineID, l.Resellable)
		}
		bound[r.ID] = true
	}
	for _, x := range e.exchanges {
		if x.ReturnID != nil || x.Status != order.ExchangeReceived && x.Status != order.ExchangeFulfilled {
			continue // what came with a return was counted there
		}
		for _, l := range x.Lines {
			back(l.LineID, l.Quantity-l.Damaged)
		}
	}
	for name, want := range free {
		got := s.number(`select coalesce(sum(t.free), 0)::bigint from stock t join variants v on v.merchant_id = t.merchant_id and v.id = t.variant_id
			where v.merchant_id = $1 and v.sku = $2`, s.shop, name)
		if got != want {
			s.harm(map[bool]toll.Harm{true: toll.Lost, false: toll.Doubled}[got < want], "%d of %s should be on the shelf, %d are", want, name, got)
		}
	}
}

// checkCodes counts the uses of codes by the orders that were cheaper for them.
func (s *sim) checkCodes(e *simEnd) {
	twice, each := int64(0), map[string]int{}
	for _, seat := range s.seats {
		i := slices.IndexFunc(e.orders, func(o *order.Order) bool { return o.CheckoutID == seat.view.ID })
		if i < 0 || e.orders[i].Discount == 0 {
			continue
		}
		switch seat.code {
		case "TWICE":
			twice++
		case "EACH":
			if each[seat.email]++; each[seat.email] > 1 {
				s.harm(toll.Doubled, "%s has used EACH %d times", seat.email, each[seat.email])
			}
		}
	}
	if twice > simTwice {
		s.harm(toll.Doubled, "TWICE was used %d times", twice)
	}
	if counted := s.number(`select uses from promotions where merchant_id = $1 and total_limit is not null`, s.shop); counted != twice && !s.doubtful() {
		s.harm(toll.Lost, "%d orders have used TWICE, %d uses are counted", twice, counted)
	}
}

// doubtful says that some shopper does not know what is in the basket.
func (s *sim) doubtful() bool {
	return slices.ContainsFunc(s.seats, func(seat *simSeat) bool { return seat.doubt })
}

// checkOwed reckons what the units that a buyer keeps cost: each line by its share,
// within a minor unit for each change.
func (s *sim) checkOwed(e *simEnd, o *order.Order) {
	if o.Status == order.StatusCanceled {
		return
	}
	want, slack := o.Shipping, int64(1)
	for _, l := range o.Lines {
		want += l.Total * (l.Quantity - l.Released) / l.Quantity
		slack += 1 + l.Released + l.Refunded
		like := simPrices[l.SKU] * l.Quantity
		if l.Total > like || l.Total < 0 {
			s.harm(toll.Wrong, "%d of %s cost %d in order %s", l.Quantity, l.SKU, l.Total, o.Number)
		}
	}
	for _, x := range e.exchanges {
		if x.OrderID == o.ID && x.Status == order.ExchangeApproved {
			want -= x.Credit // the units have not come back, and their price is set off
		}
	}
	if diff := o.Owed() - want; diff > slack || diff < -slack {
		s.harm(toll.Wrong, "the units of order %s (%s) come to %d, and %d is owed", o.Number, simName{s, o.ID}, want, o.Owed())
	}
}

// checkMoney wants all that is owed to be taken, once, and nothing else.
func (s *sim) checkMoney(e *simEnd, o *order.Order) {
	d, who := s.deal(o.CheckoutID), simName{s, o.ID}
	var there, taken, open int64 // at the gateway; by the shop; still awaited, or waived
	disturbed := d.byHand
	for _, c := range e.charges[o.ID] {
		there += c.Captured - c.Refunded
		disturbed = disturbed || c.Dispute != nil || c.Status == payment.Expired
		for _, r := range c.Refunds {
			d.touched = d.touched || r.Key == "" || r.Failed // the buyer's bank has sent it back: a person has to look
		}
		d.touched = d.touched || c.Dispute != nil
	}
	first := true
	for _, p := range e.payments[o.ID] {
		taken += p.CapturedMinor
		if p.CapturedMinor == 0 && len(p.GatewayKey) > 4 && p.GatewayKey[:4] == "due:" {
			open += p.AmountMinor
		} else if p.CapturedMinor == 0 {
			disturbed = disturbed || p.Method.Offline() || p.Status == payment.Expired || p.Status == payment.Voided
		}
		first = first && p.Method == payment.Card
	}
	switch {
	case o.Status == order.StatusCanceled:
		if !disturbed && !d.touched && there != 0 {
			s.harm(toll.Wrong, "order %s was canceled, and the gateway keeps %d", who, there)
		}
	case disturbed:
	case taken-o.CreditRefunded < o.Owed()-open:
		s.harm(toll.Lost, "order %s: %d is owed and %d awaited, only %d was taken and %d credited", who, o.Owed(), open, taken, o.CreditRefunded)
	case taken-o.CreditRefunded > o.Owed():
		s.harm(toll.Doubled, "order %s: %d is owed, %d was taken and %d credited", who, o.Owed(), taken, o.CreditRefunded)
	case first && !d.touched && there != o.Total:
		s.harm(toll.Wrong, "order %s cost %d, and the gateway has %d for it", who, o.Total, there)
	}
}

// checkRefunds finds the cause of each refund, and what staff was told of.
func (s *sim) checkRefunds(e *simEnd) {
	cause, rest := map[uuid.UUID]string{}, map[uuid.UUID]int64{}
	name := func(id uuid.UUID, o uuid.UUID, what string) {
		cause[id] = what
		for _, p := range e.payments[o] {
			cause[uuid.NewSHA1(id, p.ID[:])] = what
		}
	}
	sums := map[uuid.UUID]int64{}
	for _, o := range e.orders {
		for id := range s.deal(o.CheckoutID).refunds {
			name(id, o.ID, "staff "+id.String())
		}
	}
	paid := func(what string, id, o uuid.UUID, said int64) {
		name(id, o, what+" "+id.String())
		for _, r := range e.refunds {
			if cause[r.ID] == what+" "+id.String() {
				said -= r.Amount
			}
		}
		if said != 0 {
			s.harm(toll.Wrong, "a %s of %s says %d more than its refunds", what, simName{s, o}, said)
		}
	}
	for _, r := range e.returns {
		paid("return", r.ID, r.OrderID, r.Refund)
	}
	for _, c := range e.claims {
		paid("claim", c.ID, c.OrderID, c.Refund)
	}
	outside := map[string]bool{}
	keys := map[string]int{}
	for _, all := range e.charges {
		for _, c := range all {
			for _, r := range c.Refunds {
				if r.Key == "" {
					outside[r.ID] = true
				} else if keys[r.Key]++; keys[r.Key] > 1 {
					s.harm(toll.Doubled, "the gateway has given %d back twice for %s", r.Amount, r.Key)
				}
			}
		}
	}
	for _, r := range e.refunds {
		sums[r.ID] += r.Amount
		if cause[r.ID] == "" && !outside[r.GatewayID] && r.Status == "succeeded" {
			rest[r.Order] += r.Amount
		}
		if r.Status == "succeeded" && r.Destination == payment.ToOriginal && r.GatewayID != "" && keys["re:"+r.ID.String()] == 0 && !outside[r.GatewayID] && r.GatewayID[:7] != "offline" {
			s.harm(toll.Lost, "a refund of %d of %s never was at the gateway", r.Amount, simName{s, r.Order})
		}
	}
	for _, o := range e.orders {
		for id, asked := range s.deal(o.CheckoutID).refunds {
			sum := sums[id]
			for _, p := range e.payments[o.ID] {
				sum += sums[uuid.NewSHA1(id, p.ID[:])]
			}
			switch {
			case asked.told && sum < asked.amount:
				s.harm(toll.Lost, "%d was said to be given back to %s, %d was", asked.amount, simName{s, o.ID}, sum)
			case asked.told && sum > asked.amount, asked.wanted > 0 && sum > asked.wanted:
				s.harm(toll.Doubled, "%d (%d) was to be given back to %s, %d was", asked.wanted, asked.amount, simName{s, o.ID}, sum)
			}
		}
		if o.Status != order.StatusCanceled && rest[o.ID] > o.CreditRefunded {
			s.harm(toll.Doubled, "%d went back to %s for units that were let go, %d was due", rest[o.ID], simName{s, o.ID}, o.CreditRefunded)
		}
	}
}

// sorted tells a count in a fixed order.
func sorted[N int | int64](all map[string]N) string {
	lines := []string{}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, fmt.Sprintf("%s %d", k, all[k]))
	}
	return fmt.Sprint(lines)
}
