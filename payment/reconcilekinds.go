package payment

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// DifferenceKind names in what way the shop and a provider disagree.
type DifferenceKind string

// The kinds of differences. Those marked with a star are mended at once; the
// others need a person.
const (
	MissingHere         DifferenceKind = "missing_here"          // a charge of ours, and no payment for it
	MissingThere        DifferenceKind = "missing_there"         // a payment, and no charge for it
	AmountDiffers       DifferenceKind = "amount_differs"        // another sum was held or taken
	CurrencyDiffers     DifferenceKind = "currency_differs"      // in another currency
	StatusBehind        DifferenceKind = "status_behind"         // * the provider has decided, and nobody has settled it
	CaptureUnrecorded   DifferenceKind = "capture_unrecorded"    // * taken there, held or ended here
	CaptureMissingThere DifferenceKind = "capture_missing_there" // * taken here, only held there
	VoidUnrecorded      DifferenceKind = "void_unrecorded"       // * let go there, held here
	RefundUnrecorded    DifferenceKind = "refund_unrecorded"     // * given back, or come back, there and not here
	RefundMissingThere  DifferenceKind = "refund_missing_there"  // given back here and not there; * while it is pending
	DisputeUnrecorded   DifferenceKind = "dispute_unrecorded"    // * a dispute, or its end, that nobody has noted
	DoubleCharge        DifferenceKind = "double_charge"         // * taken twice for one purchase
	OrphanCharge        DifferenceKind = "orphan_charge"         // * taken for an attempt that came to nothing
	OrphanHold          DifferenceKind = "orphan_hold"           // * held for nothing
	LedgerDiffers       DifferenceKind = "ledger_differs"        // * the ledger does not say what the payment says
	CaptureIsDue        DifferenceKind = "capture_due"           // the hold ends within a day; closed when it is taken or gone
)

// inFlight is how young a change is that may not be in all books yet.
const inFlight = 5 * time.Minute

// account is a payment as the shop's own books have it.
type account struct {
	MerchantID, ID, CheckoutID              uuid.UUID
	OrderID                                 *uuid.UUID
	Provider, GatewayKey                    string
	GatewayID                               *string
	Status                                  Status
	AmountMinor, CapturedMinor              int64
	Currency                                string
	CreatedAt, UpdatedAt                    time.Time
	Refunds                                 []ownRefund
	BookedCaptured, BookedRefunded, BookedD int64 // what the ledger says; D is of disputes
	Sibling                                 bool  // another attempt of the checkout has become an order
}

// ownRefund is one row of refunds.
type ownRefund struct {
	ID        uuid.UUID `json:"id"`
	Status    string    `json:"status"`
	GatewayID *string   `json:"gateway_id"`
	Key       string    `json:"key"`
	Amount    int64     `json:"amount"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// finding is one difference: what is here and what is there, in minor units.
type finding struct {
	kind        DifferenceKind
	detail      string
	here, there int64
}

// open says that the attempt is not settled yet.
func (a *account) open() bool {
	return a.Status == Pending || a.Status == RequiresAction || a.Status == Unknown
}

// dead says that the attempt came to nothing.
func (a *account) dead() bool { return a.OrderID == nil && !a.open() }

// young says that something is under way, which has some minutes to end.
func (a *account) young(now time.Time) bool {
	since := now.Add(-inFlight)
	if a.open() {
		return a.CreatedAt.After(since) // the recovery run touches it again and again
	}
	return a.UpdatedAt.After(since) || slices.ContainsFunc(a.Refunds, func(r ownRefund) bool {
		return r.Status == "pending" && r.CreatedAt.After(since) || r.Status != "pending" && r.UpdatedAt.After(since)
	})
}

// refunded is what has gone back by our own books.
func (a *account) refunded() (sum int64) {
	for _, r := range a.Refunds {
		if r.Status == "succeeded" {
			sum += r.Amount
		}
	}
	return sum
}

// differ gives everything in which a payment and its charge disagree.
func differ(a *account, c *GatewayCharge) []finding {
	if !strings.EqualFold(a.Currency, c.Currency) {
		return []finding{{CurrencyDiffers, fmt.Sprintf("in %s there, in %s here", c.Currency, a.Currency), a.AmountMinor, c.Authorized}}
	}
	switch {
	case a.open():
		return behind(a, c)
	case a.dead():
		return orphaned(c, a.Sibling)
	}
	all := differHeld(a, c)
	if a.CapturedMinor > 0 && c.Captured > 0 {
		all = append(all, differRefunds(a, c)...)
	}
	if rankOfDispute(c.Dispute) > rankOfDispute(a.Status) {
		all = append(all, finding{DisputeUnrecorded, fmt.Sprintf("%s there, %s here", c.Dispute, a.Status), 0, c.Captured})
	}
	return append(all, differLedger(a)...)
}

// behind looks at an attempt that is open here.
func behind(a *account, c *GatewayCharge) []finding {
	switch c.Status {
	case Authorized, Captured, PartiallyCaptured, Voided, Expired, Failed:
		return []finding{{StatusBehind, fmt.Sprintf("%s there, %s here", c.Status, a.Status), 0, max(c.Captured, c.Authorized)}}
	}
	return nil
}

// orphaned looks at a charge that pays for nothing.
func orphaned(c *GatewayCharge, sibling bool) []finding {
	switch left := c.Captured - c.Refunded; {
	case left > 0 && sibling:
		return []finding{{DoubleCharge, "taken besides what the order was paid with", 0, left}}
	case left > 0:
		return []finding{{OrphanCharge, "taken for an attempt that came to nothing", 0, left}}
	case c.Status == Authorized:
		return []finding{{OrphanHold, "held for nothing", 0, c.Authorized}}
	}
	return nil
}

// differHeld compares what is held and what was taken.
func differHeld(a *account, c *GatewayCharge) []finding {
	gone := c.Status == Voided || c.Status == Expired || c.Status == Failed
	taken := a.CapturedMinor > 0
	switch {
	case c.Authorized > 0 && c.Authorized != a.AmountMinor:
		return []finding{{AmountDiffers, fmt.Sprintf("%d held there, %d here", c.Authorized, a.AmountMinor), a.AmountMinor, c.Authorized}}
	case c.Captured > 0 && !taken:
		return []finding{{CaptureUnrecorded, fmt.Sprintf("%d taken there, %s here", c.Captured, a.Status), 0, c.Captured}}
	case c.Captured == 0 && taken:
		return []finding{{CaptureMissingThere, fmt.Sprintf("%s there, %d taken here", c.Status, a.CapturedMinor), a.CapturedMinor, 0}}
	case c.Captured != a.CapturedMinor:
		return []finding{{AmountDiffers, fmt.Sprintf("%d taken there, %d here", c.Captured, a.CapturedMinor), a.CapturedMinor, c.Captured}}
	case gone && a.Status == Authorized:
		return []finding{{VoidUnrecorded, fmt.Sprintf("%s there, held here", c.Status), a.AmountMinor, 0}}
	case c.Status == Authorized && (a.Status == Voided || a.Status == Expired):
		return []finding{{OrphanHold, fmt.Sprintf("held there, %s here", a.Status), 0, c.Authorized}}
	}
	return nil
}

// differRefunds compares the refunds one by one, or by their sum when the books
// do not list them.
func differRefunds(a *account, c *GatewayCharge) []finding {
	here := a.refunded()
	missing := finding{RefundMissingThere, fmt.Sprintf("%d given back here, %d there", here, c.Refunded), here, c.Refunded}
	unrecorded := finding{RefundUnrecorded, fmt.Sprintf("%d given back there, %d here", c.Refunded, here), here, c.Refunded}
	if len(c.Refunds) == 0 {
		switch {
		case c.Refunded < here:
			return []finding{missing}
		case c.Refunded > here:
			return []finding{unrecorded}
		}
	}
	seen := map[uuid.UUID]bool{}
	lost, news := false, false
	for _, g := range c.Refunds {
		own := g.in(a.Refunds)
		if own == nil {
			news = news || !g.Failed
			continue
		}
		seen[own.ID] = true
		news = news || own.Status == "pending" || own.Status == "succeeded" && g.Failed || own.Status == "failed" && !g.Failed
	}
	for _, r := range a.Refunds {
		lost = lost || !seen[r.ID] && r.Status != "failed"
	}
	var all []finding
	if news {
		all = append(all, unrecorded)
	}
	if lost {
		all = append(all, missing)
	}
	return all
}

// in finds our own row of a refund of the provider's.
func (g GatewayRefund) in(ours []ownRefund) *ownRefund {
	i := slices.IndexFunc(ours, func(o ownRefund) bool {
		return o.GatewayID != nil && *o.GatewayID == g.GatewayID || g.Key != "" && o.Key == g.Key
	})
	if i < 0 {
		return nil
	}
	return &ours[i]
}

func rankOfDispute(s Status) int {
	switch s {
	case Disputed:
		return 1
	case DisputeWon, DisputeLost:
		return 2
	}
	return 0
}

// differLedger compares a payment with its own movements.
func differLedger(a *account) []finding {
	disputed := rankOfDispute(a.Status) > 0
	switch back := a.refunded(); {
	case a.BookedCaptured != a.CapturedMinor:
		return []finding{{LedgerDiffers, fmt.Sprintf("the ledger has captures of %d", a.BookedCaptured), a.CapturedMinor, a.BookedCaptured}}
	case a.BookedRefunded != back:
		return []finding{{LedgerDiffers, fmt.Sprintf("the ledger has refunds of %d", a.BookedRefunded), back, a.BookedRefunded}}
	case disputed != (a.BookedD > 0):
		return []finding{{LedgerDiffers, fmt.Sprintf("the ledger has disputes of %d", a.BookedD), 0, a.BookedD}}
	}
	return nil
}
