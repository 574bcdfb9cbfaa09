package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/payment"

	"github.com/google/uuid"
)

// claims is all that these routes ask of their room.
type claims interface {
	OpenClaim(ctx context.Context, merchant, order uuid.UUID, n order.NewClaim, actor string) (*order.Claim, error)
	Claim(ctx context.Context, merchant, id uuid.UUID) (*order.Claim, error)
	Claims(ctx context.Context, merchant uuid.UUID, f order.After, cursor string, limit int) ([]order.Claim, string, error)
	ApproveClaim(ctx context.Context, merchant, id uuid.UUID, actor string) (*order.Claim, error)
	DenyClaim(ctx context.Context, merchant, id uuid.UUID, why, actor string) (*order.Claim, error)
	ResolveClaim(ctx context.Context, merchant, id uuid.UUID, r order.Resolution, actor string) (*order.Claim, error)
	CancelClaim(ctx context.Context, merchant, id uuid.UUID, actor string) (*order.Claim, error)
}

// Claim says that units of an order did not arrive as they should.
type Claim struct {
	ID         uuid.UUID   `json:"id" format:"uuid"`
	Number     string      `json:"number" example:"CL-7K3M-Q2XT-H"`
	OrderID    uuid.UUID   `json:"order_id" format:"uuid"`
	Kind       string      `json:"kind" enum:"damaged,missing,wrong,late,lost"`
	Status     string      `json:"status" enum:"open,approved,resolved,denied,canceled"`
	Lines      []ClaimLine `json:"lines"`
	Note       string      `json:"note,omitempty"`
	DenyReason string      `json:"deny_reason,omitempty"`
	Resolution string      `json:"resolution,omitempty" enum:"refund,replacement,store_credit"`
	Refunded   Money       `json:"refunded"`
	Version    int64       `json:"version"`
	CreatedAt  time.Time   `json:"created_at"`
	ClosedAt   *time.Time  `json:"closed_at,omitempty"`
	UpdatedAt  time.Time   `json:"updated_at"`
}

// ClaimLine is how many units of a line are claimed.
type ClaimLine struct {
	LineID    uuid.UUID  `json:"line_id" format:"uuid"`
	Quantity  int64      `json:"quantity"`
	NewLineID *uuid.UUID `json:"new_line_id,omitempty" format:"uuid" doc:"The line of the order that sends the units again"`
}

func claimOf(c order.Claim) Claim {
	b := Claim{
		ID: c.ID, Number: c.Number, OrderID: c.OrderID, Kind: c.Kind, Status: string(c.Status), Lines: make([]ClaimLine, len(c.Lines)), Note: c.Note,
		DenyReason: c.DenyReason, Resolution: c.Resolution, Refunded: moneyOf(c.Refund, c.Currency), Version: c.Version, CreatedAt: c.CreatedAt,
		ClosedAt: c.ClosedAt, UpdatedAt: c.UpdatedAt,
	}
	for i, l := range c.Lines {
		b.Lines[i] = ClaimLine{LineID: l.LineID, Quantity: l.Quantity, NewLineID: l.NewLineID}
	}
	return b
}

type claimOut struct {
	ETag string `header:"ETag"`
	Body Claim
}

func oneClaim(c *order.Claim, err error) (*claimOut, error) {
	if err != nil {
		return nil, err
	}
	return &claimOut{ETag: etag(c.Version), Body: claimOf(*c)}, nil
}

type openClaimIn struct {
	ByID
	Key  string `header:"Idempotency-Key"`
	Body struct {
		Kind  string         `json:"kind" enum:"damaged,missing,wrong,late,lost"`
		Lines []LineQuantity `json:"lines" minItems:"1" maxItems:"500"`
		Note  string         `json:"note,omitempty" maxLength:"500"`
	}
}

type listClaimsIn struct {
	PageQuery
	Status  string    `query:"status" enum:"open,approved,resolved,denied,canceled"`
	OrderID uuid.UUID `query:"order_id" format:"uuid"`
}

type resolveClaimIn struct {
	ByID
	Body struct {
		Resolution string `json:"resolution" enum:"refund,replacement,store_credit" doc:"store_credit goes to the customer of the order's e-mail address"`
		Amount     *Money `json:"amount,omitempty" doc:"Of a refund or store credit; what the claimed units were paid for when absent"`
		Reason     string `json:"reason,omitempty" maxLength:"500"`
	}
}

const claimList = "claims"

func registerClaims(s *Server, svc claims) {
	handle(s, Route{
		ID: "list-claims", Method: http.MethodGet, Path: "/v1/claims", Tag: "claims", Summary: "List claims, the newest first",
		Auth: secret("orders:read"), Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listClaimsIn) (*listOut[Claim], error) {
		cursor, err := roomCursor(claimList, in.Cursor)
		if err != nil {
			return nil, err
		}
		all, next, err := svc.Claims(ctx, caller(ctx).Merchant, order.After{Status: in.Status, OrderID: in.OrderID}, cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return listOf(all, pageCursor(claimList, next), claimOf), nil
	})
	handle(s, Route{
		ID: "read-claim", Method: http.MethodGet, Path: "/v1/claims/{id}", Tag: "claims", Summary: "Read a claim",
		Auth: secret("orders:read"), Errors: []*fault.Error{order.ErrClaimNotFound},
	}, func(ctx context.Context, in *ByID) (*claimOut, error) {
		return oneClaim(svc.Claim(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "open-claim", Method: http.MethodPost, Path: "/v1/orders/{id}/claims", Status: http.StatusCreated, Tag: "claims",
		Summary: "Say that shipped units are damaged, missing, wrong, late or lost",
		Auth:    secret("orders:write"), Once: OnceRequired, Errors: []*fault.Error{
			order.ErrNotFound, order.ErrClaimInput, order.ErrLine, order.ErrQuantity, order.ErrClaimQuantity, order.ErrClaimState,
		},
	}, func(ctx context.Context, in *openClaimIn) (*claimOut, error) {
		merchant := caller(ctx).Merchant
		return oneClaim(svc.OpenClaim(ctx, merchant, in.ID, order.NewClaim{
			ID: uuid.NewSHA1(merchant, []byte("claim:"+in.Key)), Kind: in.Body.Kind, Lines: lineQuantities(in.Body.Lines), Note: in.Body.Note,
		}, actor(ctx)))
	})
	registerClaimSteps(s, svc)
}

func registerClaimSteps(s *Server, svc claims) {
	step := func(name, summary string, faults ...*fault.Error) Route {
		return Route{
			ID: name + "-claim", Method: http.MethodPost, Path: "/v1/claims/{id}/" + name, Tag: "claims", Summary: summary,
			Auth: secret("orders:write"), Once: OnceRequired, Errors: append([]*fault.Error{order.ErrClaimNotFound, order.ErrClaimState}, faults...),
		}
	}
	handle(s, step("approve", "Accept a claim"), func(ctx context.Context, in *ByID) (*claimOut, error) {
		return oneClaim(svc.ApproveClaim(ctx, caller(ctx).Merchant, in.ID, actor(ctx)))
	})
	handle(s, step("deny", "Refuse a claim"), func(ctx context.Context, in *reasonIn) (*claimOut, error) {
		return oneClaim(svc.DenyClaim(ctx, caller(ctx).Merchant, in.ID, in.Body.Reason, actor(ctx)))
	})
	handle(s, step("cancel", "Give a claim up"), func(ctx context.Context, in *ByID) (*claimOut, error) {
		return oneClaim(svc.CancelClaim(ctx, caller(ctx).Merchant, in.ID, actor(ctx)))
	})
	resolve := step("resolve", "Make an approved claim good, by a refund, by store credit or by sending the units again", order.ErrResolution, order.ErrNoCustomer,
		catalog.ErrOutOfStock, payment.ErrNothingPaid, payment.ErrRefundTooHigh, payment.ErrGatewayTrouble, money.ErrMixed)
	resolve.Auth, resolve.Deadline = secret("refunds:write"), Payments
	resolve.Description = "What is sent again costs nothing and is shipped as any units of the order."
	handle(s, resolve, func(ctx context.Context, in *resolveClaimIn) (*claimOut, error) {
		if err := noNull(ctx, "amount"); err != nil {
			return nil, err
		}
		merchant := caller(ctx).Merchant
		r := order.Resolution{Kind: in.Body.Resolution, Reason: in.Body.Reason}
		if a := in.Body.Amount; a != nil {
			if a.Amount < 1 {
				return nil, order.ErrResolution.At("body.amount.amount", "expected number >= 1")
			}
			c, err := svc.Claim(ctx, merchant, in.ID)
			if err != nil {
				return nil, err
			}
			if a.Currency != c.Currency {
				return nil, money.ErrMixed.At("body.amount.currency", "is not the currency of the order").Saying("The amount must be in the currency of the order.")
			}
			r.Amount = a.Amount
		}
		return oneClaim(svc.ResolveClaim(ctx, merchant, in.ID, r, actor(ctx)))
	})
}
