package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/payment"

	"github.com/google/uuid"
)

// differences is all that these routes ask of the payment room.
type differences interface {
	Differences(ctx context.Context, merchant uuid.UUID, status, kind, cursor string, limit int) ([]payment.Difference, string, error)
	Resolve(ctx context.Context, merchant, difference uuid.UUID, by, note string) (*payment.Difference, error)
}

// PaymentDifference is something in which the shop and the books of a payment
// provider disagree.
type PaymentDifference struct {
	ID         uuid.UUID  `json:"id" format:"uuid"`
	Kind       string     `json:"kind" enum:"missing_here,missing_there,amount_differs,currency_differs,status_behind,capture_unrecorded,capture_missing_there,void_unrecorded,refund_unrecorded,refund_missing_there,dispute_unrecorded,double_charge,orphan_charge,orphan_hold,ledger_differs,capture_due"`
	Status     string     `json:"status" enum:"open,mended,resolved" doc:"Open ones wait for a person; mended ones are gone; resolved ones were accepted by a person"`
	Provider   string     `json:"provider" example:"stripe"`
	PaymentID  *uuid.UUID `json:"payment_id,omitempty" format:"uuid" doc:"Absent for a charge of which no payment is known"`
	OrderID    *uuid.UUID `json:"order_id,omitempty" format:"uuid"`
	GatewayID  string     `json:"gateway_id,omitempty" doc:"How the provider calls the charge"`
	Detail     string     `json:"detail" example:"900 taken there, 1000 here"`
	Here       Money      `json:"here" doc:"What the shop's books say"`
	There      Money      `json:"there" doc:"What the provider's books say"`
	Note       string     `json:"note,omitempty" doc:"Of who resolved it"`
	ClosedBy   string     `json:"closed_by,omitempty" example:"system"`
	FoundAt    time.Time  `json:"found_at"`
	LastSeenAt time.Time  `json:"last_seen_at"`
	ClosedAt   *time.Time `json:"closed_at,omitempty"`
}

func differenceOf(d payment.Difference) PaymentDifference {
	return PaymentDifference{
		ID: d.ID, Kind: string(d.Kind), Status: d.Status, Provider: d.Provider, PaymentID: d.PaymentID, OrderID: d.OrderID, GatewayID: d.GatewayID,
		Detail: d.Detail, Here: moneyOf(d.HereMinor, d.Currency), There: moneyOf(d.ThereMinor, d.Currency), Note: d.Note, ClosedBy: d.ClosedBy,
		FoundAt: d.FoundAt.UTC(), LastSeenAt: d.LastSeenAt.UTC(), ClosedAt: inUTC(d.ClosedAt),
	}
}

type listDifferencesIn struct {
	PageQuery
	Status string `query:"status" enum:"open,mended,resolved" doc:"All when absent"`
	Kind   string `query:"kind" enum:"missing_here,missing_there,amount_differs,currency_differs,status_behind,capture_unrecorded,capture_missing_there,void_unrecorded,refund_unrecorded,refund_missing_there,dispute_unrecorded,double_charge,orphan_charge,orphan_hold,ledger_differs,capture_due"`
}

// ResolveForm says what a person has decided about a difference.
type ResolveForm struct {
	Note string `json:"note" minLength:"1" maxLength:"1000" example:"Given back in cash on 5 March"`
}

type resolveDifferenceIn struct {
	ByID
	Body ResolveForm
}

type differenceOut struct {
	Body PaymentDifference
}

const differenceList = "payment-differences"

func registerDifferences(s *Server, svc differences) {
	handle(s, Route{
		ID: "list-payment-differences", Method: http.MethodGet, Path: "/v1/payment-differences", Tag: "payments",
		Summary:     "List where the shop and its payment providers disagree, the newest first",
		Description: "The books are compared once a day, and by the command doorstep reconcile. What can be mended is mended at once and stays here as mended.",
		Auth:        secret("orders:read"), Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listDifferencesIn) (*listOut[PaymentDifference], error) {
		cursor, err := roomCursor(differenceList, in.Cursor)
		if err != nil {
			return nil, err
		}
		page, next, err := svc.Differences(ctx, caller(ctx).Merchant, in.Status, in.Kind, cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return listOf(page, pageCursor(differenceList, next), differenceOf), nil
	})
	handle(s, Route{
		ID: "resolve-payment-difference", Method: http.MethodPost, Path: "/v1/payment-differences/{id}/resolve", Tag: "payments",
		Summary:     "Close a difference that a person has looked at",
		Description: "It is not opened again while its amounts stay as they are. Resolving it again changes nothing.",
		Auth:        secret("orders:write"), Errors: []*fault.Error{payment.ErrDifferenceNotFound, payment.ErrDifferenceMended},
	}, func(ctx context.Context, in *resolveDifferenceIn) (*differenceOut, error) {
		d, err := svc.Resolve(ctx, caller(ctx).Merchant, in.ID, actor(ctx), in.Body.Note)
		if err != nil {
			return nil, err
		}
		return &differenceOut{Body: differenceOf(*d)}, nil
	})
}
