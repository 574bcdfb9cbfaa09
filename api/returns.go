package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/payment"

	"github.com/google/uuid"
)

// returns is all that these routes ask of their room.
type returns interface {
	RequestReturn(ctx context.Context, merchant, order uuid.UUID, n order.NewReturn, actor string) (*order.Return, error)
	RequestReturnByLink(ctx context.Context, token, key string, lines []order.ReturnLine) (*order.Return, error)
	Return(ctx context.Context, merchant, id uuid.UUID) (*order.Return, error)
	Returns(ctx context.Context, merchant uuid.UUID, f order.After, cursor string, limit int) ([]order.Return, string, error)
	ReturnsByLink(ctx context.Context, token string) ([]order.Return, error)
	ApproveReturn(ctx context.Context, merchant, id uuid.UUID, actor string) (*order.Return, error)
	RejectReturn(ctx context.Context, merchant, id uuid.UUID, why, actor string) (*order.Return, error)
	CancelReturn(ctx context.Context, merchant, id uuid.UUID, actor string) (*order.Return, error)
	SendReturn(ctx context.Context, merchant, id uuid.UUID, carrier, number, actor string) (*order.Return, error)
	ReceiveReturn(ctx context.Context, merchant, id uuid.UUID, counts []order.ReturnCount, actor string) (*order.Return, error)
	InspectReturn(ctx context.Context, merchant, id uuid.UUID, counts []order.ReturnCount, actor string) (*order.Return, error)
	RefundReturn(ctx context.Context, merchant, id uuid.UUID, n order.ReturnRefund, actor string) (*order.Return, error)
}

// Return is a number of units on their way back.
type Return struct {
	ID             uuid.UUID    `json:"id" format:"uuid"`
	Number         string       `json:"number" example:"RMA-7K3M-Q2XT-H" doc:"Random; to be written on the parcel"`
	OrderID        uuid.UUID    `json:"order_id" format:"uuid"`
	Status         string       `json:"status" enum:"requested,approved,in_transit,received,inspected,refunded,exchanged,rejected,canceled"`
	Source         string       `json:"source" enum:"merchant,customer" doc:"Who asked for it"`
	Lines          []ReturnLine `json:"lines"`
	Carrier        string       `json:"carrier,omitempty"`
	TrackingNumber string       `json:"tracking_number,omitempty"`
	RejectReason   string       `json:"reject_reason,omitempty"`
	FeeBps         int64        `json:"restocking_fee_bps" doc:"Basis points of what the units cost"`
	Shipping       Money        `json:"shipping_refunded"`
	Refunded       Money        `json:"refunded" doc:"In all, with shipping and less the fee"`
	ExchangeID     *uuid.UUID   `json:"exchange_id,omitempty" format:"uuid"`
	// ReturnTo is where lines go to that do not go to the shop.
	ReturnTo   []ReturnPlace `json:"return_to,omitempty" doc:"Where lines go to that do not go to the shop; not in lists of a shop's returns"`
	Version    int64         `json:"version"`
	CreatedAt  time.Time     `json:"created_at"`
	ReceivedAt *time.Time    `json:"received_at,omitempty"`
	ClosedAt   *time.Time    `json:"closed_at,omitempty"`
	UpdatedAt  time.Time     `json:"updated_at"`
}

// ReturnPlace is where lines of a return go to, such as to the supplier who sent
// them.
type ReturnPlace struct {
	Name    string      `json:"name"`
	Address Address     `json:"address"`
	LineIDs []uuid.UUID `json:"line_ids"`
}

// ReturnLine is what comes back of an order line.
type ReturnLine struct {
	LineID     uuid.UUID `json:"line_id" format:"uuid"`
	Quantity   int64     `json:"quantity"`
	Reason     string    `json:"reason" example:"too_small"`
	Note       string    `json:"note,omitempty"`
	Received   int64     `json:"received"`
	Resellable int64     `json:"resellable" doc:"Found fit to be sold again, and back in stock"`
	Damaged    int64     `json:"damaged"`
	Refunded   int64     `json:"refunded" doc:"Units whose money went back with this return"`
}

func returnOf(r order.Return) Return {
	b := Return{
		ID: r.ID, Number: r.Number, OrderID: r.OrderID, Status: string(r.Status), Source: r.Source, Lines: make([]ReturnLine, len(r.Lines)),
		Carrier: r.Carrier, TrackingNumber: r.TrackingNumber, RejectReason: r.RejectReason, FeeBps: r.FeeBps, Shipping: moneyOf(r.Shipping, r.Currency),
		Refunded: moneyOf(r.Refund, r.Currency), ExchangeID: r.ExchangeID, Version: r.Version, CreatedAt: r.CreatedAt, ReceivedAt: r.ReceivedAt,
		ClosedAt: r.ClosedAt, UpdatedAt: r.UpdatedAt,
	}
	for i, l := range r.Lines {
		b.Lines[i] = ReturnLine{
			LineID: l.LineID, Quantity: l.Quantity, Reason: l.Reason, Note: l.Note, Received: l.Received, Resellable: l.Resellable, Damaged: l.Damaged, Refunded: l.Refunded,
		}
	}
	for i := range r.Places {
		p := &r.Places[i]
		b.ReturnTo = append(b.ReturnTo, ReturnPlace{Name: p.Name, Address: *addressOf(&p.Address), LineIDs: p.Lines})
	}
	return b
}

type returnOut struct {
	ETag string `header:"ETag"`
	Body Return
}

func oneReturn(r *order.Return, err error) (*returnOut, error) {
	if err != nil {
		return nil, err
	}
	return &returnOut{ETag: etag(r.Version), Body: returnOf(*r)}, nil
}

// ReturnWish is which units of a line somebody wants to send back, and why.
type ReturnWish struct {
	LineID   uuid.UUID `json:"line_id" format:"uuid"`
	Quantity int64     `json:"quantity" minimum:"1" maximum:"1000000" example:"1"`
	Reason   string    `json:"reason" enum:"unwanted,too_small,too_large,not_as_described,defective,damaged,wrong_item,arrived_late,other"`
	Note     string    `json:"note,omitempty" maxLength:"500"`
}

func wished(lines []ReturnWish) []order.ReturnLine {
	all := make([]order.ReturnLine, len(lines))
	for i, l := range lines {
		all[i] = order.ReturnLine{LineID: l.LineID, Quantity: l.Quantity, Reason: l.Reason, Note: l.Note}
	}
	return all
}

type requestReturnIn struct {
	ByID
	Key  string `header:"Idempotency-Key"`
	Body struct {
		Lines []ReturnWish `json:"lines" minItems:"1" maxItems:"500"`
		Late  bool         `json:"ignore_window,omitempty" doc:"Take it back although the return window is over"`
	}
}

type requestReturnByLinkIn struct {
	Token string `path:"token" maxLength:"200" doc:"As in the link of a mail"`
	Key   string `header:"Idempotency-Key"`
	Body  struct {
		Lines []ReturnWish `json:"lines" minItems:"1" maxItems:"500"`
	}
}

type listReturnsIn struct {
	PageQuery
	Status  string    `query:"status" enum:"requested,approved,in_transit,received,inspected,refunded,exchanged,rejected,canceled"`
	OrderID uuid.UUID `query:"order_id" format:"uuid"`
}

type reasonIn struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" example:"The seal is broken" doc:"The buyer reads it"`
	}
}

type sendReturnIn struct {
	ByID
	Body struct {
		Carrier        string `json:"carrier,omitempty" maxLength:"100" example:"haypost"`
		TrackingNumber string `json:"tracking_number,omitempty" maxLength:"100" example:"RR123456785AM"`
	}
}

// ReceivedLine is how many units of a line have arrived.
type ReceivedLine struct {
	LineID   uuid.UUID `json:"line_id" format:"uuid"`
	Quantity int64     `json:"quantity" minimum:"0" maximum:"1000000" doc:"In all, those that were counted before included"`
}

// ReceiveForm says what has arrived.
type ReceiveForm struct {
	Lines []ReceivedLine `json:"lines,omitempty" minItems:"1" maxItems:"500" doc:"Everything when absent"`
}

type receiveReturnIn struct {
	ByID
	Body *ReceiveForm
}

// InspectedLine is what was found of the units of a line.
type InspectedLine struct {
	LineID     uuid.UUID `json:"line_id" format:"uuid"`
	Resellable int64     `json:"resellable" minimum:"0" maximum:"1000000" doc:"They go back into stock"`
	Damaged    int64     `json:"damaged" minimum:"0" maximum:"1000000"`
}

// InspectForm says what was found.
type InspectForm struct {
	Lines []InspectedLine `json:"lines,omitempty" minItems:"1" maxItems:"500" doc:"What is not named can be sold again"`
}

type inspectReturnIn struct {
	ByID
	Body *InspectForm
}

// ReturnRefundForm says what is paid back.
type ReturnRefundForm struct {
	Lines    []ReceivedLine `json:"lines,omitempty" minItems:"1" maxItems:"500" doc:"All units that have arrived when absent"`
	FeeBps   int64          `json:"restocking_fee_bps,omitempty" minimum:"0" maximum:"10000" example:"1000" doc:"Kept of what the units cost, in basis points"`
	Shipping bool           `json:"refund_shipping,omitempty" doc:"Give back what the order's shipping cost too, once per order"`
	To       string         `json:"to,omitempty" enum:"original,store_credit" doc:"original when absent; store_credit goes to the customer of the order's e-mail address"`
	Reason   string         `json:"reason,omitempty" maxLength:"500"`
}

type refundReturnIn struct {
	ByID
	Body *ReturnRefundForm
}

const returnList = "returns"

func registerReturns(s *Server, svc returns) {
	registerReturnReads(s, svc)
	registerReturnRequests(s, svc)
	registerReturnSteps(s, svc)
}

func registerReturnReads(s *Server, svc returns) {
	handle(s, Route{
		ID: "list-returns", Method: http.MethodGet, Path: "/v1/returns", Tag: "returns", Summary: "List returns, the newest first",
		Auth: secret("orders:read"), Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listReturnsIn) (*listOut[Return], error) {
		cursor, err := roomCursor(returnList, in.Cursor)
		if err != nil {
			return nil, err
		}
		all, next, err := svc.Returns(ctx, caller(ctx).Merchant, order.After{Status: in.Status, OrderID: in.OrderID}, cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return listOf(all, pageCursor(returnList, next), returnOf), nil
	})
	handle(s, Route{
		ID: "read-return", Method: http.MethodGet, Path: "/v1/returns/{id}", Tag: "returns", Summary: "Read a return",
		Auth: secret("orders:read"), Errors: []*fault.Error{order.ErrReturnNotFound},
	}, func(ctx context.Context, in *ByID) (*returnOut, error) {
		return oneReturn(svc.Return(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "list-tracked-returns", Method: http.MethodGet, Path: "/v1/track/{token}/returns", Tag: "tracking", Summary: "List the returns of the order that a link opens",
		Auth: public(), Errors: []*fault.Error{customer.ErrLinkInvalid},
	}, func(ctx context.Context, in *trackIn) (*listOut[Return], error) {
		all, err := svc.ReturnsByLink(ctx, in.Token)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", returnOf), nil
	})
}

func registerReturnRequests(s *Server, svc returns) {
	faults := []*fault.Error{order.ErrReturnInput, order.ErrLine, order.ErrQuantity, order.ErrReturnQuantity, order.ErrReturnWindow, order.ErrReturnState}
	handle(s, Route{
		ID: "request-return", Method: http.MethodPost, Path: "/v1/orders/{id}/returns", Status: http.StatusCreated, Tag: "returns",
		Summary:     "Ask to take shipped units back",
		Description: "The return window of the settings begins when the last parcel with units of a line has arrived.",
		Auth:        secret("orders:write"), Once: OnceRequired, Errors: append([]*fault.Error{order.ErrNotFound}, faults...),
	}, func(ctx context.Context, in *requestReturnIn) (*returnOut, error) {
		merchant := caller(ctx).Merchant
		return oneReturn(svc.RequestReturn(ctx, merchant, in.ID, order.NewReturn{
			ID: uuid.NewSHA1(merchant, []byte("return:"+in.Key)), Lines: wished(in.Body.Lines), Source: order.ByMerchant, Late: in.Body.Late,
		}, actor(ctx)))
	})
	handle(s, Route{
		ID: "request-tracked-return", Method: http.MethodPost, Path: "/v1/track/{token}/returns", Status: http.StatusCreated, Tag: "tracking",
		Summary:     "Ask, as the buyer, to send units back",
		Description: "The holder of an order's link may ask; nothing follows before the merchant approves. The same key is the same return.",
		Auth:        public(), Once: OnceRequired, Errors: append([]*fault.Error{customer.ErrLinkInvalid}, faults...),
	}, func(ctx context.Context, in *requestReturnByLinkIn) (*returnOut, error) {
		return oneReturn(svc.RequestReturnByLink(ctx, in.Token, in.Key, wished(in.Body.Lines)))
	})
}

func registerReturnSteps(s *Server, svc returns) {
	step := func(name, summary string, faults ...*fault.Error) Route {
		return Route{
			ID: name + "-return", Method: http.MethodPost, Path: "/v1/returns/{id}/" + name, Tag: "returns", Summary: summary,
			Auth: secret("orders:write"), Once: OnceRequired, Errors: append([]*fault.Error{order.ErrReturnNotFound, order.ErrReturnState}, faults...),
		}
	}
	handle(s, step("approve", "Let the units be sent"), func(ctx context.Context, in *ByID) (*returnOut, error) {
		return oneReturn(svc.ApproveReturn(ctx, caller(ctx).Merchant, in.ID, actor(ctx)))
	})
	handle(s, step("reject", "Refuse a requested return"), func(ctx context.Context, in *reasonIn) (*returnOut, error) {
		return oneReturn(svc.RejectReturn(ctx, caller(ctx).Merchant, in.ID, in.Body.Reason, actor(ctx)))
	})
	handle(s, step("cancel", "Give up a return of which nothing has arrived"), func(ctx context.Context, in *ByID) (*returnOut, error) {
		return oneReturn(svc.CancelReturn(ctx, caller(ctx).Merchant, in.ID, actor(ctx)))
	})
	handle(s, step("send", "Say that the parcel is on its way back"), func(ctx context.Context, in *sendReturnIn) (*returnOut, error) {
		return oneReturn(svc.SendReturn(ctx, caller(ctx).Merchant, in.ID, in.Body.Carrier, in.Body.TrackingNumber, actor(ctx)))
	})
	handle(s, step("receive", "Count what has arrived, all or in part", order.ErrLine, order.ErrReturnCounts), func(ctx context.Context, in *receiveReturnIn) (*returnOut, error) {
		if err := noNull(ctx, "lines"); err != nil {
			return nil, err
		}
		var counts []order.ReturnCount
		if in.Body != nil {
			for _, l := range in.Body.Lines {
				counts = append(counts, order.ReturnCount{LineID: l.LineID, Quantity: l.Quantity})
			}
		}
		return oneReturn(svc.ReceiveReturn(ctx, caller(ctx).Merchant, in.ID, counts, actor(ctx)))
	})
	handle(s, step("inspect", "Say what can be sold again", order.ErrLine, order.ErrReturnCounts), func(ctx context.Context, in *inspectReturnIn) (*returnOut, error) {
		if err := noNull(ctx, "lines"); err != nil {
			return nil, err
		}
		var counts []order.ReturnCount
		if in.Body != nil {
			for _, l := range in.Body.Lines {
				counts = append(counts, order.ReturnCount{LineID: l.LineID, Resellable: l.Resellable, Damaged: l.Damaged})
			}
		}
		return oneReturn(svc.InspectReturn(ctx, caller(ctx).Merchant, in.ID, counts, actor(ctx)))
	})
	refund := step("refund", "Pay an inspected return back", order.ErrLine, order.ErrReturnCounts, order.ErrShippingGiven, order.ErrNoCustomer, payment.ErrNothingPaid, payment.ErrGatewayTrouble)
	refund.Auth, refund.Deadline = secret("refunds:write"), Payments
	refund.Description = "What the units were paid for, less the fee, and at most what has not been given back otherwise."
	handle(s, refund, func(ctx context.Context, in *refundReturnIn) (*returnOut, error) {
		if err := noNull(ctx, "lines"); err != nil {
			return nil, err
		}
		var n order.ReturnRefund
		if f := in.Body; f != nil {
			n = order.ReturnRefund{FeeBps: f.FeeBps, Shipping: f.Shipping, Reason: f.Reason, To: f.To}
			for _, l := range f.Lines {
				n.Lines = append(n.Lines, order.LineQuantity{LineID: l.LineID, Quantity: l.Quantity})
			}
		}
		return oneReturn(svc.RefundReturn(ctx, caller(ctx).Merchant, in.ID, n, actor(ctx)))
	})
}
