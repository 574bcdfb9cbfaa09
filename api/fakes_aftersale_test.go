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

func theExchange() *order.Exchange {
	return &order.Exchange{
		MerchantID: merchant, ID: thing, OrderID: thing, Number: "EX-7K3M-Q2XT-H", Status: order.ExchangeApproved, Currency: "EUR", Note: canary, Old: 1000, New: 1200,
		Version: 2, CreatedAt: noon, UpdatedAt: noon, Lines: []order.ExchangeLine{{LineID: lineID, Quantity: 1, Reason: "too_small", VariantID: thing}},
	}
}

func (f fakeAfterSale) ofExchange(method string, m, id uuid.UUID, write bool, given any) (*order.Exchange, error) {
	return theExchange(), f.known(method, m, id, write, order.ErrExchangeNotFound, given)
}

func (f fakeAfterSale) RequestExchange(_ context.Context, m, id uuid.UUID, n order.NewExchange, _ string) (*order.Exchange, error) {
	return theExchange(), f.known("RequestExchange", m, id, true, order.ErrNotFound, n)
}

func (f fakeAfterSale) Exchange(_ context.Context, m, id uuid.UUID) (*order.Exchange, error) {
	return f.ofExchange("Exchange", m, id, false, nil)
}

func (f fakeAfterSale) Exchanges(_ context.Context, m uuid.UUID, a order.After, _ string, _ int) ([]order.Exchange, string, error) {
	if err := f.see("Exchanges", m, false, nil, a); err != nil || m != merchant {
		return nil, "", err
	}
	return []order.Exchange{*theExchange()}, "", nil
}

func (f fakeAfterSale) ApproveExchange(_ context.Context, m, id uuid.UUID, _ string) (*order.Exchange, error) {
	return f.ofExchange("ApproveExchange", m, id, true, nil)
}

func (f fakeAfterSale) ReceiveExchange(_ context.Context, m, id uuid.UUID, damaged []order.ReturnCount, _ string) (*order.Exchange, error) {
	return f.ofExchange("ReceiveExchange", m, id, true, damaged)
}

func (f fakeAfterSale) FulfillExchange(_ context.Context, m, id uuid.UUID, n order.NewShipment, _ string) (*order.Exchange, error) {
	return f.ofExchange("FulfillExchange", m, id, true, n)
}

func (f fakeAfterSale) CancelExchange(_ context.Context, m, id uuid.UUID, _ string) (*order.Exchange, error) {
	return f.ofExchange("CancelExchange", m, id, true, nil)
}

func theClaim() *order.Claim {
	return &order.Claim{
		MerchantID: merchant, ID: thing, OrderID: thing, Number: "CL-7K3M-Q2XT-H", Kind: "damaged", Status: order.ClaimApproved, Currency: "EUR", Note: canary,
		Version: 2, CreatedAt: noon, UpdatedAt: noon, Lines: []order.ClaimLine{{LineID: lineID, Quantity: 1}},
	}
}

func (f fakeAfterSale) ofClaim(method string, m, id uuid.UUID, write bool, given any) (*order.Claim, error) {
	return theClaim(), f.known(method, m, id, write, order.ErrClaimNotFound, given)
}

func (f fakeAfterSale) OpenClaim(_ context.Context, m, id uuid.UUID, n order.NewClaim, _ string) (*order.Claim, error) {
	return theClaim(), f.known("OpenClaim", m, id, true, order.ErrNotFound, n)
}

func (f fakeAfterSale) Claim(_ context.Context, m, id uuid.UUID) (*order.Claim, error) {
	return f.ofClaim("Claim", m, id, false, nil)
}

func (f fakeAfterSale) Claims(_ context.Context, m uuid.UUID, a order.After, _ string, _ int) ([]order.Claim, string, error) {
	if err := f.see("Claims", m, false, nil, a); err != nil || m != merchant {
		return nil, "", err
	}
	return []order.Claim{*theClaim()}, "", nil
}

func (f fakeAfterSale) ApproveClaim(_ context.Context, m, id uuid.UUID, _ string) (*order.Claim, error) {
	return f.ofClaim("ApproveClaim", m, id, true, nil)
}

func (f fakeAfterSale) DenyClaim(_ context.Context, m, id uuid.UUID, why, _ string) (*order.Claim, error) {
	return f.ofClaim("DenyClaim", m, id, true, why)
}

func (f fakeAfterSale) ResolveClaim(_ context.Context, m, id uuid.UUID, r order.Resolution, _ string) (*order.Claim, error) {
	return f.ofClaim("ResolveClaim", m, id, true, r)
}

func (f fakeAfterSale) CancelClaim(_ context.Context, m, id uuid.UUID, _ string) (*order.Claim, error) {
	return f.ofClaim("CancelClaim", m, id, true, nil)
}

func (f fakeAfterSale) Edit(_ context.Context, m, id uuid.UUID, n order.OrderEdit, _ string) (*order.EditResult, error) {
	if n.Base != 0 && n.Base != theOrder().Version {
		return nil, order.ErrVersion
	}
	return &order.EditResult{Order: theOrder(), Difference: 500, PaymentID: &lineID}, f.known("Edit", m, id, true, order.ErrNotFound, n)
}
