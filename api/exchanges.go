package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/shipping"

	"github.com/google/uuid"
)

// exchanges is all that these routes ask of their room.
type exchanges interface {
	RequestExchange(ctx context.Context, merchant, order uuid.UUID, n order.NewExchange, actor string) (*order.Exchange, error)
	Exchange(ctx context.Context, merchant, id uuid.UUID) (*order.Exchange, error)
	Exchanges(ctx context.Context, merchant uuid.UUID, f order.After, cursor string, limit int) ([]order.Exchange, string, error)
	ApproveExchange(ctx context.Context, merchant, id uuid.UUID, actor string) (*order.Exchange, error)
	ReceiveExchange(ctx context.Context, merchant, id uuid.UUID, damaged []order.ReturnCount, actor string) (*order.Exchange, error)
	FulfillExchange(ctx context.Context, merchant, id uuid.UUID, n order.NewShipment, actor string) (*order.Exchange, error)
	CancelExchange(ctx context.Context, merchant, id uuid.UUID, actor string) (*order.Exchange, error)
}

// Exchange is a number of units that come back, and what goes out for them.
type Exchange struct {
	ID         uuid.UUID      `json:"id" format:"uuid"`
	Number     string         `json:"number" example:"EX-7K3M-Q2XT-H" doc:"Random; to be written on the parcel"`
	OrderID    uuid.UUID      `json:"order_id" format:"uuid"`
	ReturnID   *uuid.UUID     `json:"return_id,omitempty" format:"uuid"`
	Status     string         `json:"status" enum:"requested,approved,received,fulfilled,canceled"`
	Lines      []ExchangeLine `json:"lines"`
	Note       string         `json:"note,omitempty"`
	Old        Money          `json:"old_value" doc:"What the units that come back were paid for"`
	New        Money          `json:"new_value" doc:"What the units that go out cost"`
	Difference Money          `json:"difference" doc:"Above zero the buyer owes it, below zero it goes back; known once approved"`
	PaymentID  *uuid.UUID     `json:"payment_id,omitempty" format:"uuid" doc:"The bank transfer of the difference that is awaited, with the order's number as its reference; capture it when it has come, void it to waive it"`
	ShipmentID *uuid.UUID     `json:"shipment_id,omitempty" format:"uuid"`
	Version    int64          `json:"version"`
	CreatedAt  time.Time      `json:"created_at"`
	ClosedAt   *time.Time     `json:"closed_at,omitempty"`
	UpdatedAt  time.Time      `json:"updated_at"`
}

// ExchangeLine is units of an order line that come back for as many of a variant.
type ExchangeLine struct {
	LineID    uuid.UUID  `json:"line_id" format:"uuid"`
	Quantity  int64      `json:"quantity"`
	Reason    string     `json:"reason" example:"too_small"`
	VariantID uuid.UUID  `json:"variant_id" format:"uuid"`
	NewLineID *uuid.UUID `json:"new_line_id,omitempty" format:"uuid" doc:"The line that was added to the order"`
	Damaged   int64      `json:"damaged" doc:"Units that came back and cannot be sold again"`
}

func exchangeOf(x order.Exchange) Exchange {
	of := func(minor int64) Money { return moneyOf(minor, x.Currency) }
	b := Exchange{
		ID: x.ID, Number: x.Number, OrderID: x.OrderID, ReturnID: x.ReturnID, Status: string(x.Status), Lines: make([]ExchangeLine, len(x.Lines)), Note: x.Note,
		Old: of(x.Old), New: of(x.New), Difference: of(x.Difference()), PaymentID: x.PaymentID, ShipmentID: x.ShipmentID, Version: x.Version,
		CreatedAt: x.CreatedAt, ClosedAt: x.ClosedAt, UpdatedAt: x.UpdatedAt,
	}
	for i, l := range x.Lines {
		b.Lines[i] = ExchangeLine{LineID: l.LineID, Quantity: l.Quantity, Reason: l.Reason, VariantID: l.VariantID, NewLineID: l.NewLineID, Damaged: l.Damaged}
	}
	return b
}

type exchangeOut struct {
	ETag string `header:"ETag"`
	Body Exchange
}

func oneExchange(x *order.Exchange, err error) (*exchangeOut, error) {
	if err != nil {
		return nil, err
	}
	return &exchangeOut{ETag: etag(x.Version), Body: exchangeOf(*x)}, nil
}

// ExchangeWish is which units somebody wants to exchange for which.
type ExchangeWish struct {
	LineID   uuid.UUID `json:"line_id" format:"uuid"`
	Quantity int64     `json:"quantity" minimum:"1" maximum:"1000000" example:"1"`
	Reason   string    `json:"reason" enum:"unwanted,too_small,too_large,not_as_described,defective,damaged,wrong_item,arrived_late,other"`
	SKU      string    `json:"sku" minLength:"1" maxLength:"200" example:"MUG-02-RED" doc:"Of what goes out; the same as before for a replacement"`
}

type requestExchangeIn struct {
	ByID
	Key  string `header:"Idempotency-Key"`
	Body struct {
		Lines    []ExchangeWish `json:"lines" minItems:"1" maxItems:"500"`
		ReturnID *uuid.UUID     `json:"return_id,omitempty" format:"uuid" doc:"An inspected return of which the units come; without it they are still to be sent"`
		Note     string         `json:"note,omitempty" maxLength:"500"`
	}
}

type listExchangesIn struct {
	PageQuery
	Status  string    `query:"status" enum:"requested,approved,received,fulfilled,canceled"`
	OrderID uuid.UUID `query:"order_id" format:"uuid"`
}

// DamagedLine is how many units of a line came back damaged.
type DamagedLine struct {
	LineID  uuid.UUID `json:"line_id" format:"uuid"`
	Damaged int64     `json:"damaged" minimum:"0" maximum:"1000000" doc:"The others go back into stock"`
}

// ExchangeReceivedForm says how what has arrived looks.
type ExchangeReceivedForm struct {
	Lines []DamagedLine `json:"lines,omitempty" minItems:"1" maxItems:"500" doc:"What is not named can be sold again"`
}

type receiveExchangeIn struct {
	ByID
	Body *ExchangeReceivedForm
}

// ParcelForm says who carries a parcel.
type ParcelForm struct {
	Carrier        string `json:"carrier,omitempty" maxLength:"100" example:"haypost" doc:"The one that the buyer chose when absent"`
	TrackingNumber string `json:"tracking_number,omitempty" maxLength:"100" example:"RR123456785AM"`
	LabelURL       string `json:"label_url,omitempty" maxLength:"2048" format:"uri"`
}

type fulfillExchangeIn struct {
	ByID
	Body *ParcelForm
}

const exchangeList = "exchanges"

func registerExchanges(s *Server, svc exchanges) {
	handle(s, Route{
		ID: "list-exchanges", Method: http.MethodGet, Path: "/v1/exchanges", Tag: "exchanges", Summary: "List exchanges, the newest first",
		Auth: secret("orders:read"), Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listExchangesIn) (*listOut[Exchange], error) {
		cursor, err := roomCursor(exchangeList, in.Cursor)
		if err != nil {
			return nil, err
		}
		all, next, err := svc.Exchanges(ctx, caller(ctx).Merchant, order.After{Status: in.Status, OrderID: in.OrderID}, cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return listOf(all, pageCursor(exchangeList, next), exchangeOf), nil
	})
	handle(s, Route{
		ID: "read-exchange", Method: http.MethodGet, Path: "/v1/exchanges/{id}", Tag: "exchanges", Summary: "Read an exchange",
		Auth: secret("orders:read"), Errors: []*fault.Error{order.ErrExchangeNotFound},
	}, func(ctx context.Context, in *ByID) (*exchangeOut, error) {
		return oneExchange(svc.Exchange(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "request-exchange", Method: http.MethodPost, Path: "/v1/orders/{id}/exchanges", Status: http.StatusCreated, Tag: "exchanges",
		Summary: "Ask for other units in place of shipped ones, or for the same again",
		Auth:    secret("orders:write"), Once: OnceRequired, Errors: []*fault.Error{
			order.ErrNotFound, order.ErrReturnInput, order.ErrVariantUnknown, order.ErrLine, order.ErrQuantity, order.ErrReturnQuantity,
			order.ErrReturnNotFound, order.ErrExchangeReturn, order.ErrReturnState,
		},
	}, func(ctx context.Context, in *requestExchangeIn) (*exchangeOut, error) {
		if err := noNull(ctx, "return_id"); err != nil {
			return nil, err
		}
		merchant := caller(ctx).Merchant
		n := order.NewExchange{ID: uuid.NewSHA1(merchant, []byte("exchange:"+in.Key)), ReturnID: in.Body.ReturnID, Note: in.Body.Note}
		for _, l := range in.Body.Lines {
			n.Lines = append(n.Lines, order.ExchangeLine{LineID: l.LineID, Quantity: l.Quantity, Reason: l.Reason, SKU: l.SKU})
		}
		return oneExchange(svc.RequestExchange(ctx, merchant, in.ID, n, actor(ctx)))
	})
	registerExchangeSteps(s, svc)
}

func registerExchangeSteps(s *Server, svc exchanges) {
	step := func(name, summary, more string, faults ...*fault.Error) Route {
		return Route{
			ID: name + "-exchange", Method: http.MethodPost, Path: "/v1/exchanges/{id}/" + name, Tag: "exchanges", Summary: summary, Description: more,
			Auth: secret("orders:write"), Once: OnceRequired, Errors: append([]*fault.Error{order.ErrExchangeNotFound, order.ErrExchangeState}, faults...),
		}
	}
	handle(s, step("approve", "Reserve the new units and add them to the order",
		"Units of the same variant, or listed at the same price, cost what the old ones did; others cost what they cost now. When that is more, a bank transfer of the difference is awaited and nothing is sent before it has come.",
		order.ErrExchangeReturn, order.ErrVariantUnknown, order.ErrNoPrice, catalog.ErrOutOfStock), func(ctx context.Context, in *ByID) (*exchangeOut, error) {
		return oneExchange(svc.ApproveExchange(ctx, caller(ctx).Merchant, in.ID, actor(ctx)))
	})
	handle(s, step("receive", "Say that the old units have arrived", "A difference in the buyer's favour goes back then.", order.ErrLine, order.ErrReturnCounts),
		func(ctx context.Context, in *receiveExchangeIn) (*exchangeOut, error) {
			if err := noNull(ctx, "lines"); err != nil {
				return nil, err
			}
			var damaged []order.ReturnCount
			if in.Body != nil {
				for _, l := range in.Body.Lines {
					damaged = append(damaged, order.ReturnCount{LineID: l.LineID, Damaged: l.Damaged})
				}
			}
			return oneExchange(svc.ReceiveExchange(ctx, caller(ctx).Merchant, in.ID, damaged, actor(ctx)))
		})
	handle(s, step("fulfill", "Send the new units in a parcel of the order", "", order.ErrDifferenceDue, order.ErrNotShippable, order.ErrNotPaid, order.ErrShipQuantity,
		shipping.ErrShipment, shipping.ErrNumberTaken), func(ctx context.Context, in *fulfillExchangeIn) (*exchangeOut, error) {
		var n order.NewShipment
		if f := in.Body; f != nil {
			n = order.NewShipment{Carrier: f.Carrier, TrackingNumber: f.TrackingNumber, LabelURL: f.LabelURL}
		}
		return oneExchange(svc.FulfillExchange(ctx, caller(ctx).Merchant, in.ID, n, actor(ctx)))
	})
	handle(s, step("cancel", "Give an exchange up before the old units have arrived", "The new units go back on sale, and a difference that was paid goes back."),
		func(ctx context.Context, in *ByID) (*exchangeOut, error) {
			return oneExchange(svc.CancelExchange(ctx, caller(ctx).Merchant, in.ID, actor(ctx)))
		})
}
