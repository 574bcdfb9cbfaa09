package mutant_test

import (
	"context"
	"testing"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
)

// rows that may stand: a shop with an order, its payment and what belongs to it.
// The merchant, the checkout and the order have the ids 1, 2 and 3.
var rows = map[string]string{
	"orders": `insert into orders (merchant_id, id, number, checkout_id, contact_id, email_hmac, status, payment_status, fulfillment_status, payment_method,
			currency, locale, prices_include_tax, subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, placed_at, updated_at)
		values (uuid(1), uuid(3), 'A', uuid(2), uuid(9), '', 'confirmed', 'paid', 'unfulfilled', 'card', 'EUR', 'en', true, 1000, 0, 500, 0, 1500, now(), now())`,
	"payments": `insert into payments (merchant_id, id, checkout_id, order_id, attempt, method, provider, gateway_key, gateway_id, status, amount_minor,
			captured_minor, currency, created_at, updated_at)
		values (uuid(1), uuid(4), uuid(2), uuid(3), 1, 'card', 'sandbox', 'pay:2:1', 'ch_1', 'captured', 1500, 1500, 'EUR', now(), now())`,
	"order_lines": `insert into order_lines (merchant_id, order_id, id, position, product_id, variant_id, sku, title, quantity, unit_minor, subtotal_minor,
			discount_minor, tax_minor, total_minor)
		values (uuid(1), uuid(3), uuid(5), 0, uuid(6), uuid(7), 'MUG', 'Mug', 2, 500, 1000, 0, 0, 1000)`,
	"merchants":  `insert into merchants (id, name, created_at, updated_at) values (uuid(1), 'Shop', now(), now())`,
	"locations":  `insert into locations (merchant_id, id, code, name, country, created_at) values (uuid(1), uuid(8), 'main', 'Main', 'AM', now())`,
	"products":   `insert into products (merchant_id, id, slug, status, title, created_at, updated_at) values (uuid(1), uuid(6), 'mug', 'active', 'Mug', now(), now())`,
	"variants":   `insert into variants (merchant_id, id, product_id, sku, created_at, updated_at) values (uuid(1), uuid(7), uuid(6), 'MUG', now(), now())`,
	"stock":      `insert into stock (merchant_id, variant_id, location_id, received, free, updated_at) values (uuid(1), uuid(7), uuid(8), 10, 10, now())`,
	"promotions": `insert into promotions (merchant_id, id, status, document, total_limit, uses, created_at, updated_at) values (uuid(1), uuid(10), 'active', '{}', 5, 5, now(), now())`,
	"credit_accounts": `insert into credit_accounts (merchant_id, id, kind, status, currency, balance_minor, code_hash, created_at, updated_at)
		values (uuid(1), uuid(12), 'gift_card', 'active', 'EUR', 500, '\\x01', now(), now())`,
	"credit_entries": `insert into credit_entries (merchant_id, source_kind, source_id, account_id, amount_minor, balance_minor, booked_at)
		values (uuid(1), 'credit_issued', uuid(12), uuid(12), 500, 500, now())`,
	"inbox": `insert into inbox (merchant_id, source, event_id, event, kind, status, next_at, occurred_at, received_at)
		values (uuid(1), 'sandbox', 'evt_1', 'paid', 'changed', 'waiting', now(), now(), now())`,
	"deliveries": `insert into deliveries (merchant_id, id, kind, subject_id, dedupe_key, contact_id, locale, status, message_id, created_at, updated_at)
		values (uuid(1), uuid(11), 'receipt', uuid(3), 'receipt:3', uuid(9), 'en', 'sent', 'm', now(), now())`,
}

// never lists what the database itself refuses, by the constraint that does it.
var never = map[string]string{
	"orders_merchant_id_checkout_id_key": `insert into orders select (jsonb_populate_record(o, '{"id": "00000000-0000-0000-0000-000000000099", "number": "B"}')).* from orders o`,
	"payments_merchant_id_checkout_id_attempt_key": `insert into payments
		select (jsonb_populate_record(p, '{"id": "00000000-0000-0000-0000-000000000099", "gateway_id": "ch_2"}')).* from payments p`,
	"payments_gateway":                    `insert into payments select (jsonb_populate_record(p, '{"id": "00000000-0000-0000-0000-000000000099", "attempt": 2}')).* from payments p`,
	"payments_check":                      `update payments set captured_minor = 1501`,
	"payments_check1":                     `update payments set refunded_minor = 1501`,
	"orders_total":                        `update orders set total_minor = 1499`,
	"order_lines_check4":                  `update order_lines set shipped = 1, canceled = 2`,
	"order_lines_check3":                  `update order_lines set refunded = 3`,
	"stock_free_check":                    `update stock set free = -1`,
	"stock_check":                         `update stock set free = 11`,
	"promotions_check":                    `update promotions set uses = 6`,
	"credit_accounts_balance_minor_check": `update credit_accounts set balance_minor = -1`,
	"credit_entries_pkey":                 `insert into credit_entries select * from credit_entries`,
	"payments_credit_part":                `update payments set part = 1`,
	"inbox_pkey":                          `insert into inbox select * from inbox`,
	"deliveries_merchant_id_dedupe_key_key": `insert into deliveries
		select (jsonb_populate_record(d, '{"id": "00000000-0000-0000-0000-000000000099"}')).* from deliveries d`,
}

// TestTheSchemaRefusesWhatMustNeverBe tries what no code does: the constraints
// are the last line, for the day on which the code is wrong.
func TestTheSchemaRefusesWhatMustNeverBe(t *testing.T) {
	t.Parallel()
	d, ctx := dbtest.New(t).DB, t.Context()
	must := func(sql string) {
		if _, err := d.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	must(`create function uuid(n int) returns uuid language sql immutable as $$ select lpad(n::text, 32, '0')::uuid $$`)
	for _, table := range []string{"merchants", "locations", "products", "variants", "stock", "orders", "order_lines", "payments", "promotions", "credit_accounts", "credit_entries", "inbox", "deliveries"} {
		must(rows[table])
	}
	for constraint, sql := range never {
		err := refused(ctx, d, sql)
		if !db.Violates(err, constraint) {
			t.Errorf("%s does not refuse it: %v", constraint, err)
		}
	}
}

// refused tries a statement and leaves nothing of it.
func refused(ctx context.Context, d *db.DB, sql string) error {
	tx, err := d.Pool().Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	_, err = tx.Exec(ctx, sql)
	return err
}
