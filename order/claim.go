package order

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// ClaimStatus is how a claim stands.
type ClaimStatus string

// The statuses of a claim.
const (
	ClaimOpen     ClaimStatus = "open"
	ClaimApproved ClaimStatus = "approved"
	ClaimResolved ClaimStatus = "resolved"
	ClaimDenied   ClaimStatus = "denied"
	ClaimCanceled ClaimStatus = "canceled"
)

// ClaimKinds are the codes for what went wrong. They are stable.
func ClaimKinds() []string { return []string{"damaged", "missing", "wrong", "late", "lost"} }

// How a claim is made good.
const (
	ResolveRefund      = "refund"
	ResolveReplacement = "replacement"
	ResolveStoreCredit = "store_credit"
)

// The faults of claims.
var (
	ErrClaimNotFound = fault.New(fault.NotFound, "claim_not_found", "There is no such claim.")
	ErrClaimState    = fault.New(fault.Conflict, "claim_state", "The claim does not stand so that this can be done.")
	ErrClaimInput    = fault.New(fault.Invalid, "claim_invalid", "Say what went wrong, with lines and quantities, each line once.")
	ErrClaimQuantity = fault.New(fault.Conflict, "claim_exceeds_shipped", "More units of a line would be claimed than were shipped and are not claimed already.")
	ErrResolution    = fault.New(fault.Invalid, "resolution_invalid", "A claim is resolved by a refund or store credit, of lines or an amount, or by a replacement.")
)

// Claim says that units of an order did not arrive as they should. Amounts are
// minor units of Currency.
type Claim struct {
	MerchantID uuid.UUID   `gorm:"column:merchant_id"`
	ID         uuid.UUID   `gorm:"column:id"`
	OrderID    uuid.UUID   `gorm:"column:order_id"`
	Number     string      `gorm:"column:number"`
	Kind       string      `gorm:"column:kind"`
	Status     ClaimStatus `gorm:"column:status"`
	Currency   string      `gorm:"column:currency"`
	Note       string      `gorm:"column:note"`
	DenyReason string      `gorm:"column:deny_reason"`
	Resolution string      `gorm:"column:resolution"`
	Refund     int64       `gorm:"column:refund_minor"`
	Version    int64       `gorm:"column:version"`
	CreatedAt  time.Time   `gorm:"column:created_at"`
	ClosedAt   *time.Time  `gorm:"column:closed_at"`
	UpdatedAt  time.Time   `gorm:"column:updated_at"`

	Lines []ClaimLine `gorm:"-"`
}

// TableName is where GORM finds it.
func (Claim) TableName() string { return "claims" }

// ClaimLine is how many units of a line are claimed.
type ClaimLine struct {
	MerchantID uuid.UUID  `gorm:"column:merchant_id"`
	ClaimID    uuid.UUID  `gorm:"column:claim_id"`
	LineID     uuid.UUID  `gorm:"column:line_id"`
	Quantity   int64      `gorm:"column:quantity"`
	NewLineID  *uuid.UUID `gorm:"column:new_line_id"` // of the replacement
}

// TableName is where GORM finds it.
func (ClaimLine) TableName() string { return "claim_lines" }

// NewClaim opens a claim. ID names the request: the same ID is the same claim.
type NewClaim struct {
	ID    uuid.UUID
	Kind  string // of ClaimKinds
	Lines []LineQuantity
	Note  string
}

// OpenClaim opens a claim about units that were shipped. A unit is claimed once,
// unless the claim was denied or given up. It fails with ErrNotFound,
// ErrClaimInput, ErrLine, ErrQuantity or ErrClaimQuantity.
func (s *Service) OpenClaim(ctx context.Context, merchant, order uuid.UUID, n NewClaim, actor string) (*Claim, error) {
	if !slices.Contains(ClaimKinds(), n.Kind) || len(n.Lines) == 0 {
		return nil, ErrClaimInput
	}
	if n.ID == uuid.Nil {
		n.ID = id.New()
	}
	now := s.DB.Now()
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		o, err := lockNow(ctx, tx, merchant, order)
		if err != nil {
			return err
		}
		if done, err := madeBefore(ctx, tx, "claims", merchant, n.ID, order); err != nil || done {
			return err
		}
		c := Claim{MerchantID: merchant, ID: n.ID, OrderID: order, Number: numbered("CL"), Kind: n.Kind, Status: ClaimOpen, Currency: o.currency, Note: reason(n.Note)}
		if err := c.claim(ctx, tx, o, n.Lines); err != nil {
			return err
		}
		insertClaim(tx, &c, now)
		return tell(tx, ClaimMade{c.ref()}, actor, now, c.story())
	})
	if err != nil {
		return nil, err
	}
	return s.Claim(ctx, merchant, n.ID)
}

// claim checks the wanted lines of a locked order against what may be claimed.
func (c *Claim) claim(ctx context.Context, tx db.Tx, o *locked, wanted []LineQuantity) error {
	if o.source != "checkout" {
		return ErrClaimState.Saying("Orders that were imported are kept for reading only.")
	}
	taken, err := claimed(ctx, tx, c.MerchantID, c.OrderID)
	if err != nil {
		return err
	}
	seen := map[uuid.UUID]bool{}
	for _, w := range wanted {
		l := o.line(w.LineID)
		switch {
		case l == nil:
			return ErrLine
		case w.Quantity < 1 || seen[w.LineID]:
			return ErrQuantity
		case w.Quantity > l.Shipped-taken[w.LineID]:
			return ErrClaimQuantity
		}
		seen[w.LineID] = true
		c.Lines = append(c.Lines, ClaimLine{LineID: w.LineID, Quantity: w.Quantity})
	}
	return nil
}

// ApproveClaim accepts a claim. Approving again changes nothing. It fails with
// ErrClaimNotFound or ErrClaimState.
func (s *Service) ApproveClaim(ctx context.Context, merchant, id uuid.UUID, actor string) (*Claim, error) {
	return s.moveClaim(ctx, merchant, id, func(tx db.Tx, _ *locked, c *Claim, now time.Time) error {
		if c.Status == ClaimApproved {
			return nil
		}
		if c.Status != ClaimOpen {
			return ErrClaimState
		}
		setClaim(tx, c, ClaimApproved, now)
		return tell(tx, ClaimAccepted{c.ref()}, actor, now, c.story())
	})
}

// DenyClaim refuses a claim, with the reason that the buyer reads. It fails with
// ErrClaimNotFound or ErrClaimState.
func (s *Service) DenyClaim(ctx context.Context, merchant, id uuid.UUID, why, actor string) (*Claim, error) {
	return s.endClaim(ctx, merchant, id, ClaimDenied, reason(why), actor)
}

// CancelClaim gives a claim up. It fails with ErrClaimNotFound or ErrClaimState.
func (s *Service) CancelClaim(ctx context.Context, merchant, id uuid.UUID, actor string) (*Claim, error) {
	return s.endClaim(ctx, merchant, id, ClaimCanceled, "", actor)
}

func (s *Service) endClaim(ctx context.Context, merchant, id uuid.UUID, end ClaimStatus, why, actor string) (*Claim, error) {
	return s.moveClaim(ctx, merchant, id, func(tx db.Tx, _ *locked, c *Claim, now time.Time) error {
		if c.Status == end {
			return nil
		}
		if c.Status != ClaimOpen && c.Status != ClaimApproved {
			return ErrClaimState
		}
		c.DenyReason = why
		setClaim(tx, c, end, now)
		story := c.story()
		if end == ClaimDenied {
			story["reason"] = why
			return tell(tx, ClaimRefused{c.ref()}, actor, now, story)
		}
		return tell(tx, ClaimWithdrawn{c.ref()}, actor, now, story)
	})
}

// moveClaim runs one step of a claim: the order is locked first.
func (s *Service) moveClaim(ctx context.Context, merchant, id uuid.UUID, step func(tx db.Tx, o *locked, c *Claim, now time.Time) error) (*Claim, error) {
	before, err := s.Claim(ctx, merchant, id)
	if err != nil {
		return nil, err
	}
	now := s.DB.Now()
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		o, err := lockNow(ctx, tx, merchant, before.OrderID)
		if err != nil {
			return err
		}
		c, err := lockClaim(ctx, tx, merchant, id)
		if err != nil {
			return err
		}
		return step(tx, o, c, now)
	})
	if err != nil {
		return nil, err
	}
	return s.Claim(ctx, merchant, id)
}

// story is what the order's timeline says of a claim.
func (c *Claim) story() map[string]any {
	lines := make([]LineQuantity, len(c.Lines))
	for i, l := range c.Lines {
		lines[i] = LineQuantity{l.LineID, l.Quantity}
	}
	return map[string]any{"claim_id": c.ID, "number": c.Number, "kind": c.Kind, "lines": lines}
}

// ClaimRef names a claim in an event.
type ClaimRef struct {
	Ref
	ClaimID uuid.UUID `json:"claim_id"`
	Number  string    `json:"number"`
	Kind    string    `json:"kind"`
}

func (c *Claim) ref() ClaimRef {
	return ClaimRef{Ref: Ref{MerchantID: c.MerchantID, OrderID: c.OrderID}, ClaimID: c.ID, Number: c.Number, Kind: c.Kind}
}

// ClaimMade says that units did not arrive as they should.
type ClaimMade struct{ ClaimRef }

// EventName is claim.opened.
func (ClaimMade) EventName() string { return "claim.opened" }

// ClaimAccepted says that a claim is right.
type ClaimAccepted struct{ ClaimRef }

// EventName is claim.approved.
func (ClaimAccepted) EventName() string { return "claim.approved" }

// ClaimRefused says that a claim is not right.
type ClaimRefused struct{ ClaimRef }

// EventName is claim.denied.
func (ClaimRefused) EventName() string { return "claim.denied" }

// ClaimWithdrawn says that a claim was given up.
type ClaimWithdrawn struct{ ClaimRef }

// EventName is claim.canceled.
func (ClaimWithdrawn) EventName() string { return "claim.canceled" }

// ClaimSettled says how a claim was made good.
type ClaimSettled struct {
	ClaimRef
	Resolution string `json:"resolution"`
	Amount     int64  `json:"amount"` // minor units, of a refund or store credit
}

// EventName is claim.resolved.
func (ClaimSettled) EventName() string { return "claim.resolved" }
