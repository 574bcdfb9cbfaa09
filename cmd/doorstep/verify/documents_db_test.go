package verify_test

import (
	"context"
	"maps"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/order"
)

// stationery is what documents are made from here.
type stationery struct{}

func (stationery) Settings(context.Context, uuid.UUID) (customer.Settings, int64, error) {
	return customer.DefaultSettings("Shop", "EUR"), 1, nil
}

func (stationery) Contact(context.Context, uuid.UUID, uuid.UUID) (customer.Contact, error) {
	return customer.Contact{}, customer.ErrContactGone
}

// bill makes all documents that are missing, as the jobs would.
func (s *shop) bill() {
	s.t.Helper()
	s.must(order.NewDocuments(order.DocumentsConfig{
		DB: s.db, Orders: s.orders, Payments: s.payments, Settings: stationery{}, Contacts: stationery{},
		Seal: func(_, _ uuid.UUID, plain []byte) []byte { return plain },
		Open: func(_, _ uuid.UUID, sealed []byte) ([]byte, error) { return sealed, nil },
	}).Missing(s.ctx, -time.Second))
}

// How to break what documents keep.
func init() {
	maps.Copy(breaks, map[string][]string{
		"document_numbers_have_no_gaps":    {`update document_counters set next = next + 1`},
		"one_document_for_each_thing":      {`update documents set nth = nth + 1`},
		"document_adds_up":                 {`update documents set rates = '[{"rate_bps": 0, "gross": 1, "tax": 0}]'`},
		"document_has_its_order":           {`delete from orders where id = ` + anOrder},
		"invoices_are_within_the_captures": {`update documents set total_minor = 9999 where kind = 'invoice'`},
		"credit_note_is_its_refund":        {`update refunds set amount_minor = amount_minor + 1`},
		"money_that_moved_has_its_document": {`delete from documents where kind = 'credit_note'`,
			`update refunds set updated_at = updated_at - interval '2 days'`},
	})
}
