package skilltest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/order"
	"doorstep/support/skill"
)

// Shop is a fake of everything behind the skills. It writes down each change that it
// is asked for, and refuses with Fault when there is one.
type Shop struct {
	mu sync.Mutex
	// Own is the only order that may be touched; nil allows none.
	Own *skill.Order
	// Fault is what all services answer with.
	Fault error
	// Writes are the changes asked for, as "cancel", "edit" and so on with what was
	// given; Trespasses the calls for anything that is not the writer's.
	Writes     []string
	IDs        []uuid.UUID
	Trespasses []string
}

// Skills are the doors to it.
func (f *Shop) Skills() skill.Shop {
	return skill.Shop{Orders: orders{f}, Policies: policies{f}, Products: products{f}, People: people{f}}
}

func (f *Shop) look(what string, merchant, id uuid.UUID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if merchant != Merchant || id != uuid.Nil && (f.Own == nil || f.Own.ID != id) {
		f.Trespasses = append(f.Trespasses, fmt.Sprintf("%s of %s", what, id))
	}
	return f.Fault
}

func (f *Shop) write(what string, merchant, id, key uuid.UUID, given any) error {
	if err := f.look(what, merchant, id); err != nil {
		return err
	}
	raw, err := json.Marshal(given)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Writes, f.IDs = append(f.Writes, what+" "+string(raw)), append(f.IDs, key)
	return err
}

type orders struct{ f *Shop }

func (o orders) now() *order.Order {
	copied := *o.f.Own.Order
	copied.Lines = append([]order.Line(nil), copied.Lines...)
	copied.Version++
	return &copied
}

func (o orders) Cancel(_ context.Context, merchant, id uuid.UUID, reason, actor string) (*order.Order, error) {
	if err := o.f.write("cancel", merchant, id, uuid.Nil, []string{reason, actor}); err != nil {
		return nil, err
	}
	now := o.now()
	now.Status = order.StatusCanceled
	return now, nil
}

func (o orders) CancelLines(_ context.Context, merchant, id uuid.UUID, n order.LineCancel, _ string) (*order.Order, error) {
	if err := o.f.write("cancel_lines", merchant, id, n.ID, n.Lines); err != nil {
		return nil, err
	}
	return o.now(), nil
}

func (o orders) Edit(_ context.Context, merchant, id uuid.UUID, n order.OrderEdit, _ string) (*order.EditResult, error) {
	if err := o.f.write("edit", merchant, id, n.ID, []any{n.Add, n.Remove, n.Address}); err != nil {
		return nil, err
	}
	r := &order.EditResult{Order: o.now()}
	if len(n.Remove) > 0 {
		r.Difference = -1250
	} else if len(n.Add) > 0 {
		r.Difference, r.PaymentID = 1250, &n.ID
	}
	return r, nil
}

func (o orders) RequestReturn(_ context.Context, merchant, id uuid.UUID, n order.NewReturn, _ string) (*order.Return, error) {
	if err := o.f.write("return", merchant, id, n.ID, n.Lines); err != nil {
		return nil, err
	}
	return &order.Return{ID: n.ID, OrderID: id, Number: "RMA-5K3M-Q2XT-9", Status: order.ReturnRequested, Lines: n.Lines}, nil
}

func (o orders) RequestExchange(_ context.Context, merchant, id uuid.UUID, n order.NewExchange, _ string) (*order.Exchange, error) {
	if err := o.f.write("exchange", merchant, id, n.ID, n.Lines); err != nil {
		return nil, err
	}
	return &order.Exchange{ID: n.ID, OrderID: id, Number: "EX-5K3M-Q2XT-9", Status: order.ExchangeRequested}, nil
}

func (o orders) OpenClaim(_ context.Context, merchant, id uuid.UUID, n order.NewClaim, _ string) (*order.Claim, error) {
	if err := o.f.write("claim", merchant, id, n.ID, []any{n.Kind, n.Lines}); err != nil {
		return nil, err
	}
	return &order.Claim{ID: n.ID, OrderID: id, Number: "CL-5K3M-Q2XT-9", Kind: n.Kind, Status: order.ClaimOpen}, nil
}

func (o orders) Address(_ context.Context, merchant, id uuid.UUID) (customer.Address, error) {
	if err := o.f.look("address", merchant, id); err != nil {
		return customer.Address{}, err
	}
	return customer.Address{Name: "Ana Sarkissian", Line1: "Abovyan 10", City: "Yerevan", Postcode: "0001", Country: "AM"}, nil
}

func (o orders) Invoices(_ context.Context, merchant, id uuid.UUID) ([]skill.Paper, error) {
	if err := o.f.look("invoices", merchant, id); err != nil {
		return nil, err
	}
	if o.f.Own.PaymentStatus != "paid" {
		return nil, nil
	}
	return []skill.Paper{{Kind: "invoice", Number: "INV-2026-000012", URL: "https://shop.example/t/abc123#documents", IssuedAt: Now.AddDate(0, 0, -2)}}, nil
}

type policies struct{ f *Shop }

func (p policies) PaymentMethods(_ context.Context, merchant uuid.UUID, _, _ string) ([]string, error) {
	return []string{"card", "bank_transfer", "cash_on_delivery"}, p.f.look("payment methods", merchant, uuid.Nil)
}

func (p policies) Deliveries(_ context.Context, merchant uuid.UUID, _, currency string, now time.Time) ([]skill.Delivery, error) {
	if err := p.f.look("deliveries", merchant, uuid.Nil); err != nil {
		return nil, err
	}
	from, to := now.AddDate(0, 0, 3), now.AddDate(0, 0, 5)
	return []skill.Delivery{{Name: "Standard", Carrier: "dhl", Currency: currency, Price: 490, From: &from, To: &to, DaysMin: 3, DaysMax: 5}}, nil
}

func (p policies) Coupon(_ context.Context, merchant uuid.UUID, code string, now time.Time) (*skill.Coupon, error) {
	if err := p.f.look("coupon", merchant, uuid.Nil); err != nil || code != "SPRING10" {
		return nil, err
	}
	end := now.AddDate(0, 0, 9)
	return &skill.Coupon{Code: code, Title: "Ten percent off", EndsAt: &end, Minimum: 5000, Currency: "EUR"}, nil
}

type products struct{ f *Shop }

func (p products) Search(_ context.Context, merchant uuid.UUID, _, _, currency string, _ int) ([]skill.Product, error) {
	if err := p.f.look("search", merchant, uuid.Nil); err != nil {
		return nil, err
	}
	return []skill.Product{{ID: named("product"), Title: "wool socks", URL: "https://shop.example/shop/p/wool-socks", Price: 1250, Currency: currency, InStock: true, Units: 4}}, nil
}

type people struct{ f *Shop }

func (p people) Subscribe(_ context.Context, merchant uuid.UUID, who skill.Who, key uuid.UUID) error {
	return p.f.write("subscribe", merchant, uuid.Nil, key, who.Level)
}

func (p people) Unsubscribe(_ context.Context, merchant uuid.UUID, who skill.Who, key uuid.UUID) error {
	return p.f.write("unsubscribe", merchant, uuid.Nil, key, who.Level)
}

func (p people) Erase(_ context.Context, merchant uuid.UUID, who skill.Who) error {
	return p.f.write("erase", merchant, uuid.Nil, uuid.Nil, who.Level)
}
