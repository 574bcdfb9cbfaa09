package api

import (
	"context"

	"doorstep/customer"
	"doorstep/order"

	"github.com/google/uuid"
)

// fakeAfterSale knows one return, one exchange and one claim.
type fakeAfterSale struct{ *shop }

func theReturn() *order.Return {
	return &order.Return{
		MerchantID: merchant, ID: thing, OrderID: thing, Number: "RMA-7K3M-Q2XT-H", Status: order.ReturnApproved, Source: order.ByMerchant, Currency: "EUR",
		RejectReason: canary, Version: 2, CreatedAt: noon, UpdatedAt: noon,
		Lines: []order.ReturnLine{{LineID: lineID, Quantity: 1, Reason: "unwanted", Note: canary}},
	}
}

func (f fakeAfterSale) ofReturn(method string, m, id uuid.UUID, write bool, given any) (*order.Return, error) {
	return theReturn(), f.known(method, m, id, write, order.ErrReturnNotFound, given)
}

func (f fakeAfterSale) RequestReturn(_ context.Context, m, id uuid.UUID, n order.NewReturn, _ string) (*order.Return, error) {
	return theReturn(), f.known("RequestReturn", m, id, true, order.ErrNotFound, n)
}

func (f fakeAfterSale) RequestReturnByLink(_ context.Context, token, key string, lines []order.ReturnLine) (*order.Return, error) {
	if token != goodToken {
		return nil, customer.ErrLinkInvalid
	}
	return theReturn(), f.see("RequestReturnByLink", merchant, true, nil, key)
}

func (f fakeAfterSale) Return(_ context.Context, m, id uuid.UUID) (*order.Return, error) {
	return f.ofReturn("Return", m, id, false, nil)
}

func (f fakeAfterSale) Returns(_ context.Context, m uuid.UUID, a order.After, _ string, _ int) ([]order.Return, string, error) {
	if err := f.see("Returns", m, false, nil, a); err != nil || m != merchant {
		return nil, "", err
	}
	return []order.Return{*theReturn()}, "room-cursor", nil
}

func (f fakeAfterSale) ReturnsByLink(_ context.Context, token string) ([]order.Return, error) {
	if token != goodToken {
		return nil, customer.ErrLinkInvalid
	}
	return []order.Return{*theReturn()}, f.see("ReturnsByLink", merchant, false, nil, nil)
}

func (f fakeAfterSale) ApproveReturn(_ context.Context, m, id uuid.UUID, _ string) (*order.Return, error) {
	return f.ofReturn("ApproveReturn", m, id, true, nil)
}

func (f fakeAfterSale) RejectReturn(_ context.Context, m, id uuid.UUID, why, _ string) (*order.Return, error) {
	return f.ofReturn("RejectReturn", m, id, true, why)
}

func (f fakeAfterSale) CancelReturn(_ context.Context, m, id uuid.UUID, _ string) (*order.Return, error) {
	return f.ofReturn("CancelReturn", m, id, true, nil)
}

func (f fakeAfterSale) SendReturn(_ context.Context, m, id uuid.UUID, carrier, number, _ string) (*order.Return, error) {
	return f.ofReturn("SendReturn", m, id, true, carrier+" "+number)
}

func (f fakeAfterSale) ReceiveReturn(_ context.Context, m, id uuid.UUID, counts []order.ReturnCount, _ string) (*order.Return, error) {
	return f.ofReturn("ReceiveReturn", m, id, true, counts)
}

func (f fakeAfterSale) InspectReturn(_ context.Context, m, id uuid.UUID, counts []order.ReturnCount, _ string) (*order.Return, error) {
	return f.ofReturn("InspectReturn", m, id, true, counts)
}

func (f fakeAfterSale) RefundReturn(_ context.Context, m, id uuid.UUID, n order.ReturnRefund, _ string) (*order.Return, error) {
	return f.ofReturn("RefundReturn", m, id, true, n)
}
