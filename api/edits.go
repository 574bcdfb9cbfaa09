package api

import (
	"context"
	"net/http"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"

	"github.com/google/uuid"
)

// edits is all that this route asks of its room.
type edits interface {
	Edit(ctx context.Context, merchant, order uuid.UUID, n order.OrderEdit, actor string) (*order.EditResult, error)
}

// AddedUnits is units of a product to be added to an order.
type AddedUnits struct {
	SKU      string `json:"sku" minLength:"1" maxLength:"200" example:"MUG-01"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"10000" example:"1"`
}

type editOrderIn struct {
	ByID
	IfMatch
	Key  string `header:"Idempotency-Key"`
	Body struct {
		Add     []AddedUnits   `json:"add,omitempty" minItems:"1" maxItems:"100" doc:"What is in the order already costs what it cost, other products what they cost now"`
		Remove  []LineQuantity `json:"remove,omitempty" minItems:"1" maxItems:"500" doc:"Units that have not been shipped"`
		Address *Address       `json:"shipping_address,omitempty" doc:"In the same country and region, while nothing has been shipped"`
		Reason  string         `json:"reason" minLength:"1" maxLength:"500" example:"The buyer wants one more"`
	}
}

// EditedOrder is an order after an edit.
type EditedOrder struct {
	Difference Money      `json:"difference" doc:"What the order costs more; below zero, what it costs less"`
	PaymentID  *uuid.UUID `json:"payment_id,omitempty" format:"uuid" doc:"The payment of the difference that is awaited: capture it when it has come, void it to waive it"`
	Order      Order      `json:"order"`
}

type editedOut struct {
	ETag string `header:"ETag"`
	Body EditedOrder
}

func registerEdits(s *Server, svc edits, w *Writer) {
	handle(s, Route{
		ID: "edit-order", Method: http.MethodPost, Path: "/v1/orders/{id}/edits", Status: http.StatusCreated, Tag: "orders",
		Summary:     "Add and remove units of an order before they are shipped, or change its address",
		Description: "When the order then costs less, the rest is not taken or goes back. When it costs more, a payment of the difference is awaited; in an order that is paid already, the added units are not shipped before that has been captured, or voided to waive it.",
		Auth:        secret("orders:write"), Once: OnceRequired, Errors: []*fault.Error{
			order.ErrNotFound, order.ErrVersion, order.ErrNotCancelable, order.ErrEditInput, order.ErrEditAll, order.ErrEditShipped, order.ErrEditAddress,
			order.ErrEditLines, order.ErrVariantUnknown, order.ErrNoPrice, order.ErrLine, order.ErrQuantity, order.ErrLineBound, order.ErrCancelQuantity,
			catalog.ErrOutOfStock, customer.ErrContactGone,
		},
	}, func(ctx context.Context, in *editOrderIn) (*editedOut, error) {
		if err := noNull(ctx, "add", "remove", "shipping_address"); err != nil {
			return nil, err
		}
		base, err := in.base()
		if err != nil {
			return nil, err
		}
		merchant := caller(ctx).Merchant
		n := order.OrderEdit{
			ID: uuid.NewSHA1(merchant, []byte("edit:"+in.Key)), Base: base, Remove: lineQuantities(in.Body.Remove), Address: in.Body.Address.value(), Reason: in.Body.Reason,
		}
		for _, a := range in.Body.Add {
			n.Add = append(n.Add, order.AddUnits(a))
		}
		r, err := svc.Edit(ctx, merchant, in.ID, n, actor(ctx))
		if err != nil {
			return nil, err
		}
		b := EditedOrder{Difference: moneyOf(r.Difference, r.Order.Currency), PaymentID: r.PaymentID}
		if w == nil {
			b.Order = orderOf(r.Order, nil)
		} else {
			b.Order = orderOf(r.Order, w.Track)
		}
		return &editedOut{ETag: etag(r.Order.Version), Body: b}, nil
	})
}
