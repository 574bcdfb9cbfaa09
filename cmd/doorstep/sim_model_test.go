package main

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/killpoint/toll"
	"doorstep/order"
	"doorstep/payment"
)

// The model is what the people of a simulated world know by themselves: what they
// put into their baskets and what that costs, what they have asked for and been
// promised. It reckons with the prices on the shelf and with nothing that the
// program has written down, so that the two can be held against each other.

// simPrices and simStock are the shelf; what is not counted never runs out.
var (
	simPrices = map[string]int64{"MUG": 1000, "TEA": 715, "POT": 3999, "CARD": 250}
	simStock  = map[string]int64{"MUG": 40, "TEA": 12, "POT": 3}
)

const (
	simTwiceBps = 1333 // off with TWICE
	simTwice    = 2    // uses of TWICE in all
	simEachOff  = 333  // off with EACH, once per buyer
	simDelivery = 500
	simFreeFrom = 10 * simDelivery
	simCashFee  = 150
)

// simRange is how often something was done: surely, and at most. Whoever was cut
// off does not know.
type simRange struct{ sure, most int64 }

func (r *simRange) add(n int64, sure bool) {
	if r.most += n; sure {
		r.sure += n
	}
}

func (r simRange) has(n int64) bool { return r.sure <= n && n <= r.most }

// simDeal is what was asked of an order and promised about it after it was placed.
type simDeal struct {
	whole    bool // somebody has canceled all of it, and was told so
	asked    bool // somebody may have
	canceled map[uuid.UUID]*simRange
	added    map[string]*simRange
	refunds  map[uuid.UUID]*simRefund
	byHand   bool // money was taken in part, or let go, by hand
	touched  bool // something that moves money was tried
}

// simRefund is a refund that staff has asked for, under the name that they gave it.
type simRefund struct {
	wanted int64 // so much, or not by amount
	told   bool
	amount int64 // as told
}

// about is the deal of an order.
func (s *sim) about(o *order.Order) *simDeal { return s.deal(o.CheckoutID) }

func (s *sim) deal(checkout uuid.UUID) *simDeal {
	d := s.deals[checkout]
	if d == nil {
		d = &simDeal{canceled: map[uuid.UUID]*simRange{}, added: map[string]*simRange{}, refunds: map[uuid.UUID]*simRefund{}}
		s.deals[checkout] = d
	}
	return d
}

// ranged is the range of a key, which begins at nothing.
func ranged[K comparable](all map[K]*simRange, key K) *simRange {
	if all[key] == nil {
		all[key] = &simRange{}
	}
	return all[key]
}

// ended says whether an act has surely happened, and whether it may have. What
// was refused has not; of what somebody had no room for, some may.
func (s *sim) ended(err error) (surely, perhaps bool) {
	return err == nil, err == nil || s.ctx.Err() != nil || fault.Is(err, db.ErrBusy)
}

// subtotal is what a basket costs.
func subtotal(wish map[string]int64) (sum int64) {
	for sku, n := range wish {
		sum += n * simPrices[sku]
	}
	return sum
}

// off is what a code takes off.
func off(code string, sum int64) int64 {
	switch code {
	case "TWICE":
		return (sum*simTwiceBps + 5000) / 10000
	case "EACH":
		return min(sum, simEachOff)
	}
	return 0
}

// price is what a seat's basket costs, with the code if the shop takes it.
func (seat *simSeat) price() (total int64) {
	sum := subtotal(seat.wish)
	if seat.view.Totals.Discount != 0 {
		sum -= off(seat.code, sum)
	}
	if sum < simFreeFrom {
		sum += simDelivery
	}
	return sum
}

// promised is what an order by this method has to come to.
func (seat *simSeat) promised(m payment.Method) int64 {
	if m == payment.CashOnDelivery {
		return seat.price() + simCashFee
	}
	return seat.price()
}

// shown holds what the shop shows against the prices on the shelf.
func (s *sim) shown(seat *simSeat) {
	if got, want := seat.view.Totals.Total, seat.price(); got != want {
		s.harm(toll.Wrong, "%v with %q is shown as %d, and costs %d", seat.wish, seat.code, got, want)
	}
	have := map[string]int64{}
	for _, l := range seat.view.Lines {
		have[l.Offer.SKU] += l.Quantity
	}
	if fmt.Sprint(have) != fmt.Sprint(seat.wish) {
		s.harm(toll.Wrong, "%v is shown as %v", seat.wish, have)
	}
}

// bought holds an order that a buyer is told of against what was in the basket.
func (s *sim) bought(seat *simSeat, o *order.Order) {
	if seat.doubt {
		return // the buyer was cut off, and has not looked since
	}
	have, sum := map[string]int64{}, int64(0)
	for _, l := range o.Lines {
		if l.Origin == "" || l.Origin == "checkout" {
			have[l.SKU] += l.Quantity
			sum += l.Total
		}
	}
	if fmt.Sprint(have) != fmt.Sprint(seat.wish) {
		s.harm(toll.Wrong, "%v was bought, the order has %v", seat.wish, have)
	}
	if got, want := sum+o.Shipping, seat.promised(payment.Method(o.PaymentMethod)); got != want {
		s.harm(toll.Wrong, "%v with %q was promised for %d, the order is of %d", seat.wish, seat.code, want, got)
	}
}

// repeated holds the answer to a repeated request against the first.
func (s *sim) repeated(what string, first, second any, firstErr, secondErr error) {
	if firstErr == nil && s.ctx.Err() == nil && (secondErr != nil && fault.KindOf(secondErr) != fault.Unavailable || secondErr == nil && fmt.Sprint(first) != fmt.Sprint(second)) {
		s.harm(toll.Wrong, "%s came to %v, and under the same name again to %v %v", what, first, second, secondErr)
	}
}

// simTally counts what has come to something in all worlds: a simulation in which
// nothing ever happens finds nothing.
type simTally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *simTally) add(tally map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, n := range tally {
		c.n[name] += n
	}
}

func (c *simTally) check(t *testing.T, steps int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Log(sorted(c.n))
	if steps < 1000 {
		return
	}
	for _, name := range []string{
		"buy", "pay", "change", "authenticate", "cancel", "cancel lines", "capture", "refund", "ship", "parcel", "edit", "want to return", "return", "claim",
		"look at claim", "want to exchange", "exchange", "outside", "another body", "webhook dropped", "webhook doubled", "webhook late", "gateway unwell",
	} {
		if c.n[name] < 4 {
			t.Errorf("%s: only %d times", name, c.n[name])
		}
	}
}
