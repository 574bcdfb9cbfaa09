package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/payment"
)

// buyer is the customer of an order's e-mail address. Those who ordered become
// customers by a job, which may not have come to this order yet.
func (h *house) buyer(ctx context.Context, o *order.Order) (uuid.UUID, error) {
	c, err := h.contacts.Contact(ctx, o.MerchantID, o.ContactID)
	if err != nil {
		return uuid.Nil, err
	}
	if c.Email == "" {
		return uuid.Nil, customer.ErrPersonUnknown
	}
	if err := h.customers.Remember(ctx, o.MerchantID, o.ContactID); err != nil {
		return uuid.Nil, err
	}
	p, err := h.customers.PersonByEmail(ctx, o.MerchantID, h.vault.EmailHMAC(o.MerchantID, c.Email))
	return p.ID, err
}

// persons are the customers, with what other rooms know of them.
type persons struct {
	*customer.Service
	credits *payment.Credits
	orders  *order.Service
	email   func(ctx context.Context, merchant uuid.UUID, p customer.Person) (string, error)
}

// persons is the room of customers as the door sees it.
func (h *house) persons(credits *payment.Credits) persons {
	return persons{h.customers, credits, h.orders, func(ctx context.Context, merchant uuid.UUID, p customer.Person) (string, error) {
		c, err := h.contacts.Contact(ctx, merchant, p.ContactID)
		if fault.Is(err, customer.ErrContactGone) {
			return "", nil
		}
		return c.Email, err
	}}
}

// exportedCredit is store credit in one currency, as a person's export has it.
type exportedCredit struct {
	Balance  int64           `json:"balance"` // minor units, as all amounts here
	Currency string          `json:"currency"`
	Entries  []exportedEntry `json:"entries"` // the newest 100
}

type exportedEntry struct {
	Type     string     `json:"type"`
	Amount   int64      `json:"amount"`
	Balance  int64      `json:"balance"`
	Reason   string     `json:"reason,omitempty"`
	OrderID  *uuid.UUID `json:"order_id,omitempty"`
	BookedAt time.Time  `json:"booked_at"`
}

// exportedTender is what a gift card or store credit paid of one of the orders.
type exportedTender struct {
	OrderID  uuid.UUID      `json:"order_id"`
	Number   string         `json:"order_number"`
	Method   payment.Method `json:"method"`
	LastFour string         `json:"last_four,omitempty"`
	Amount   int64          `json:"amount"`
	Currency string         `json:"currency"`
	PaidAt   time.Time      `json:"paid_at"`
}

// ExportPerson is everything that the shop knows of a person: contacts, store
// credit, and what gift cards and store credit paid of the orders.
func (p persons) ExportPerson(ctx context.Context, merchant, person uuid.UUID) ([]byte, error) {
	document, err := p.Service.ExportPerson(ctx, merchant, person)
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := json.Unmarshal(document, &all); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if all["store_credit"], err = p.exportCredit(ctx, merchant, person); err != nil {
		return nil, err
	}
	if all["paid_by_credit"], err = p.exportTenders(ctx, merchant, person); err != nil {
		return nil, err
	}
	return json.MarshalIndent(all, "", "  ")
}

func (p persons) exportCredit(ctx context.Context, merchant, person uuid.UUID) ([]exportedCredit, error) {
	accounts, err := p.credits.StoreCredit(ctx, merchant, person)
	all := make([]exportedCredit, len(accounts))
	for i, a := range accounts {
		all[i] = exportedCredit{Balance: a.Balance, Currency: a.Currency, Entries: make([]exportedEntry, len(a.Entries))}
		for j, e := range a.Entries {
			all[i].Entries[j] = exportedEntry{e.SourceKind, e.Amount, e.Balance, e.Reason, e.OrderID, e.BookedAt.UTC()}
		}
	}
	return all, err
}

func (p persons) exportTenders(ctx context.Context, merchant, person uuid.UUID) ([]exportedTender, error) {
	all := []exportedTender{}
	who, err := p.Person(ctx, merchant, person)
	if err != nil {
		return nil, err
	}
	email, err := p.email(ctx, merchant, who)
	if err != nil || email == "" {
		return all, err
	}
	for cursor := ""; ; {
		page, err := p.orders.List(ctx, merchant, order.Filter{Email: email}, cursor, order.MaxPage, false)
		if err != nil {
			return nil, err
		}
		for i := range page.Orders {
			o := &page.Orders[i]
			tenders, err := o.Credits()
			if err != nil {
				return nil, err
			}
			for _, t := range tenders {
				all = append(all, exportedTender{o.ID, o.Number, t.Method, t.CodeEnd, t.Amount, o.Currency, o.PlacedAt.UTC()})
			}
		}
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}
