package verify_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/cmd/doorstep/verify"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/payment/sandbox"
	"doorstep/shipping"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// shop is a merchant with one order of each kind, made by the rooms themselves.
type shop struct {
	t        testing.TB
	ctx      context.Context
	db       *db.DB
	clock    *clock.Manual
	gateway  *sandbox.Gateway
	payments *payment.Service
	orders   *order.Service
	merchant uuid.UUID
	product  uuid.UUID
	variant  uuid.UUID
	location uuid.UUID
}

func newShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{t: t, ctx: context.Background(), clock: clock.At(start), merchant: id.New(), product: id.New(), variant: id.New(), location: id.New()}
	s.db = dbtest.New(t, func(c *db.Config) { c.Clock = s.clock }).DB
	var err error
	if s.gateway, err = sandbox.Open("", "", s.clock); err != nil {
		t.Fatal(err)
	}
	s.orders = order.New(order.Config{DB: s.db})
	s.payments = payment.New(payment.Config{DB: s.db, Orders: s.orders, Providers: []payment.Provider{s.gateway}})
	parcels := shipping.New(shipping.Config{DB: s.db, Orders: s.orders})
	s.orders.Connect(s.payments, parcels)
	s.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, s.merchant, start)
	s.exec(`insert into locations (merchant_id, id, code, name, country, created_at) values ($1, $2, 'main', 'Main', 'AM', $3)`, s.merchant, s.location, start)
	s.exec(`insert into products (merchant_id, id, slug, status, title, created_at, updated_at) values ($1, $2, 'mug', 'active', 'Mug', $3, $3)`, s.merchant, s.product, start)
	s.exec(`insert into variants (merchant_id, id, product_id, sku, created_at, updated_at) values ($1, $2, $3, 'MUG', $4, $4)`, s.merchant, s.variant, s.product, start)
	s.exec(`insert into stock (merchant_id, variant_id, location_id, received, free, updated_at) values ($1, $2, $3, 100, 100, $4)`, s.merchant, s.variant, s.location, start)

	delivered := s.sell()
	parcel, err := s.orders.Ship(s.ctx, s.merchant, delivered.ID, order.NewShipment{})
	s.must(err)
	_, err = parcels.RecordEvent(s.ctx, s.merchant, parcel.ID, shipping.TrackingEvent{Status: shipping.TrackDelivered, OccurredAt: start})
	s.must(err)
	_, err = s.orders.Refund(s.ctx, s.merchant, delivered.ID, order.NewRefund{Lines: []order.LineQuantity{{LineID: delivered.Lines[0].ID, Quantity: 1}}})
	s.must(err)
	canceled := s.sell()
	_, err = s.orders.Cancel(s.ctx, s.merchant, canceled.ID, "", "customer")
	s.must(err)
	s.must(s.orders.MoneyBack(s.ctx, order.Canceled{Ref: order.Ref{MerchantID: s.merchant, OrderID: canceled.ID}}))
	s.sell()
	s.bill()
	s.exec(`delete from outbox`) // relayed
	return s
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) exec(sql string, args ...any) {
	s.t.Helper()
	_, err := s.db.Exec(s.ctx, sql, args...)
	s.must(err)
}

// sell places an order of two mugs as checkout does, and captures its payment.
func (s *shop) sell() *order.Order {
	s.t.Helper()
	cart, checkout := id.New(), id.New()
	o := &order.Order{
		MerchantID: s.merchant, ID: id.New(), Number: order.NewNumber(), CheckoutID: checkout, ContactID: id.New(), EmailHMAC: []byte{1},
		Status: order.StatusConfirmed, PaymentStatus: "authorized", FulfillmentStatus: "unfulfilled", Source: "checkout", PaymentMethod: "card",
		Currency: "EUR", Locale: "en", PricesIncludeTax: true, Subtotal: 2000, Shipping: 500, Total: 2500,
		ShippingOption: json.RawMessage(`{}`), Discounts: json.RawMessage(`[]`), PlacedAt: start,
		Lines: []order.Line{{ID: id.New(), ProductID: s.product, VariantID: s.variant, SKU: "MUG", Title: "Mug", Quantity: 2, Unit: 1000, Subtotal: 2000, Total: 2000}},
	}
	p := &payment.Payment{MerchantID: s.merchant, ID: id.New(), CheckoutID: checkout, OrderID: &o.ID, Attempt: 1, Method: payment.Card, Provider: "sandbox",
		GatewayKey: "pay:" + checkout.String(), Status: payment.Authorized, AmountMinor: 2500, Currency: "EUR", CreatedAt: start}
	r, err := s.gateway.Authorize(s.ctx, payment.Authorization{Key: p.GatewayKey, PaymentID: p.ID, Amount: 2500, Currency: "EUR", Token: sandbox.Visa})
	s.must(err)
	s.must(db.Run(s.ctx, s.db, func(tx db.Tx) error {
		tx.Queue(`insert into carts (merchant_id, id, secret_hash, status, currency, locale, created_at, updated_at, expires_at)
			values ($1, $2, '', 'converted', 'EUR', 'en', $3, $3, $3)`, s.merchant, cart, start)
		tx.Queue(`insert into checkouts (merchant_id, id, secret_hash, cart_id, contact_id, status, currency, locale, variant_ids, quantities, order_id, created_at, updated_at, expires_at)
			values ($1, $2, '', $3, $4, 'completed', 'EUR', 'en', $5, '{2}', $6, $7, $7, $7)`, s.merchant, checkout, cart, o.ContactID, []uuid.UUID{s.variant}, o.ID, start)
		payment.Insert(tx, p)
		tx.Queue(`update payments set gateway_id = $3 where merchant_id = $1 and id = $2`, s.merchant, p.ID, r.GatewayID)
		if err := order.Place(tx, o, p.ID); err != nil {
			return err
		}
		catalog.Hold(tx, s.merchant, checkout, 1, catalog.Committed, []catalog.Take{{VariantID: s.variant, LocationID: s.location, Quantity: 2}}, start, start)
		return nil
	}))
	_, err = s.payments.Capture(s.ctx, s.merchant, p.ID, 0)
	s.must(err)
	return o
}

func (s *shop) verify(books ...verify.Books) []string {
	s.t.Helper()
	found, err := verify.Run(s.ctx, s.db, s.clock.Now(), books...)
	s.must(err)
	var names []string
	for _, v := range found {
		if v.String() == "" || v.Subject == "" || v.Detail == "" {
			s.t.Errorf("%+v", v)
		}
		if !slices.Contains(names, v.Invariant) {
			names = append(names, v.Invariant)
		}
	}
	return names
}

func TestAShopInGoodOrderIsClean(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	if got := s.verify(s.gateway); len(got) != 0 {
		t.Fatalf("%v", got)
	}
	s.clock.Advance(1000 * time.Hour)
	if got := s.verify(s.gateway); len(got) != 0 {
		t.Fatalf("after a while: %v", got)
	}
}

// anOrder is a subselect of the order that is neither delivered nor canceled.
const anOrder = `(select id from orders where status = 'confirmed')`

// breaks says, for each invariant, how to break it. What the schema refuses is
// let through first: a check must not lean on what it checks.
var breaks = map[string][]string{
	"one_order_per_checkout": {`alter table orders drop constraint orders_merchant_id_checkout_id_key`,
		`update orders set checkout_id = (select checkout_id from orders where status = 'confirmed')`},
	"completed_checkout_has_its_order":  {`delete from orders where id = ` + anOrder},
	"order_has_its_completed_checkout":  {`update checkouts set status = 'canceled' where order_id = ` + anOrder},
	"converted_cart_has_its_order":      {`update checkouts set cart_id = null`},
	"ordered_cart_is_converted":         {`update carts set status = 'active'`},
	"one_order_per_cart":                {`update checkouts set cart_id = (select min(id::text)::uuid from carts)`},
	"lines_add_up_to_the_order":         {`update order_lines set quantity = 3, subtotal_minor = 3000`},
	"parts_add_up_to_the_line":          {`update order_lines set total_minor = total_minor + 1`},
	"order_total_is_the_sum":            {`alter table orders drop constraint orders_total`, `update orders set total_minor = total_minor + 1`},
	"line_has_its_order":                {`delete from orders where id = ` + anOrder},
	"payment_status_is_derived":         {`update orders set payment_status = 'unpaid' where id = ` + anOrder},
	"fulfillment_status_is_derived":     {`update orders set fulfillment_status = 'partial' where id = ` + anOrder},
	"order_status_follows":              {`update orders set status = 'pending' where id = ` + anOrder},
	"canceled_order_has_canceled_lines": {`update orders set status = 'canceled' where id = ` + anOrder},
	"line_counts_stay_inside":           {`alter table order_lines drop constraint order_lines_check4`, `update order_lines set canceled = 3`},
	"shipped_is_what_is_in_parcels":     {`update shipment_lines set quantity = 1`},
	"parcel_holds_lines_of_its_order":   {`update shipment_lines set order_line_id = gen_random_uuid()`},
	"order_has_its_story":               {`delete from order_events where type = 'order.placed'`},
	"placed_order_has_a_payment":        {`delete from payments where order_id = ` + anOrder},
	"payment_has_its_order":             {`update payments set checkout_id = gen_random_uuid()`},
	"money_belongs_to_an_order":         {`update payments set order_id = null where order_id = ` + anOrder},
	"one_live_payment_per_checkout": {`update payments set status = 'captured', attempt = 2, checkout_id = (select checkout_id from orders where status = 'confirmed')
		where order_id = (select id from orders where status = 'completed')`},
	"captures_within_the_order":      {`update payments set amount_minor = 9999, captured_minor = 9999`},
	"refunds_within_the_captures":    {`update refunds set amount_minor = 9999`},
	"payment_counts_its_refunds":     {`update payments set refunded_minor = 1 where order_id = ` + anOrder},
	"payment_amounts_fit_its_status": {`update payments set status = 'voided' where order_id = ` + anOrder},
	"lines_count_their_refunds":      {`update order_lines set refunded = 2`},
	"canceled_order_keeps_no_money":  {`update payments set refunded_minor = 0`, `delete from refunds`, `update orders set canceled_at = canceled_at - interval '1 day'`},
	"ledger_balances": {`alter table ledger_entries drop constraint ledger_entries_merchant_id_source_kind_source_id_other_sid_fkey`,
		`update ledger_entries set amount_minor = amount_minor + 1 where side = 'debit'`},
	"ledger_has_the_captures":          {`update payments set amount_minor = 9999, captured_minor = captured_minor + 1`},
	"ledger_has_the_refunds":           {`update refunds set status = 'pending'`},
	"ledger_has_the_disputes":          {`update payments set status = 'disputed'`},
	"ledger_books_what_there_is":       {`delete from refunds`},
	"arrivals_are_on_their_payments":   {statement, arrival},
	"arrivals_belong_to_their_order":   {statement, arrival, `update statement_lines set status = 'unmatched'`},
	"arrivals_are_looked_at":           {statement, arrival, `update statement_lines set status = 'new'`},
	"returned_units_have_come":         {`update order_lines set returned = 1 where shipped > 0`},
	"units_coming_back_are_awaited":    {`update order_lines set coming_back = 1 where shipped > 0`},
	"line_money_is_settled_once":       {`alter table order_lines drop constraint order_lines_money`, `update order_lines set released = quantity`},
	"credit_goes_back":                 {`update orders set credited_minor = 1000, updated_at = updated_at - interval '1 day' where status = 'confirmed'`, `update payments set updated_at = updated_at - interval '1 day'`},
	"paid_return_has_its_refund":       {aReturn},
	"claim_is_made_good_as_it_says":    {aClaim},
	"claimed_units_were_shipped_once":  {aClaim, `insert into claim_lines (merchant_id, claim_id, line_id, quantity) select c.merchant_id, c.id, l.id, 9 from claims c join order_lines l on l.order_id = c.order_id`},
	"exchange_has_its_new_units":       {anExchange},
	"stock_adds_up":                    {`update stock set free = free - 1`},
	"sold_units_have_their_order":      {`update reservations set checkout_id = gen_random_uuid()`},
	"ordered_units_are_sold_once":      {`update reservations set quantity = 3`},
	"placed_order_holds_nothing":       {`update reservations set status = 'active'`},
	"canceled_units_are_back":          {`update reservations set restocked = 0`},
	"reservations_end_in_time":         {`update reservations set status = 'active', expires_at = now() - interval '10 years'`},
	"promotion_within_its_limit":       {promotion, `update promotions set total_limit = 1, uses = 1`, use, use},
	"customer_within_the_limit":        {promotion, `update promotions set per_customer_limit = 1`, use, use},
	"single_code_used_once":            {promotion, `drop index redemptions_single`, use, use, `update redemptions set single_use = true`},
	"promotion_used_once_per_checkout": {promotion, use, use},
	"ended_checkout_uses_nothing":      {promotion, use, `update checkouts set status = 'expired'`, `update redemptions set checkout_id = (select id from checkouts limit 1)`},
	"payments_settle":                  {`update payments set status = 'unknown', updated_at = updated_at - interval '1 day'`},
	"holds_are_captured":               {`update payments set status = 'authorized', updated_at = updated_at - interval '1 day'`},
	"refunds_settle":                   {`update refunds set status = 'pending', updated_at = updated_at - interval '1 day'`},
	"checkouts_settle":                 {`update checkouts set status = 'complete_in_progress', updated_at = updated_at - interval '1 day'`},
	"carts_are_let_go":                 {`update carts set status = 'active', paying = (select id from checkouts limit 1)`, `update checkouts set status = 'expired'`},
	"webhooks_are_acted_on": {`insert into inbox (merchant_id, source, event_id, event, kind, status, next_at, occurred_at, received_at)
		select id, 'sandbox', 'evt_1', 'charge.refunded', 'refunded', 'waiting', '2026-01-01', '2016-01-01', '2016-01-01' from merchants`},
	"events_are_relayed": {`insert into outbox (merchant_id, id, aggregate_id, event, payload, created_at)
		values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'order.placed', '{}', now() - interval '10 years')`},
	"jobs_are_done": {`insert into river_job (kind, args, max_attempts, state, finalized_at) values ('delivery', '{"subscriber":"notify.receipt","payload":{}}', 3, 'discarded', now())`},
	"mails_go_out":  {mail, `update deliveries set status = 'sending'`},
	"mails_go_out_once": {`alter table deliveries drop constraint deliveries_merchant_id_dedupe_key_key`, mail, mail,
		`update deliveries set subject_id = (select min(subject_id::text)::uuid from deliveries)`},
}

const (
	aReturn = `insert into returns (merchant_id, id, order_id, number, status, source, currency, refund_minor, created_at, updated_at)
		select merchant_id, gen_random_uuid(), id, 'RMA', 'refunded', 'merchant', 'EUR', 5, '2026-01-01', '2026-01-01' from orders where status = 'completed'`
	aClaim = `insert into claims (merchant_id, id, order_id, number, kind, status, currency, resolution, created_at, updated_at)
		select merchant_id, gen_random_uuid(), id, 'CL', 'lost', 'resolved', 'EUR', 'refund', '2026-01-01', '2026-01-01' from orders where status = 'completed'`
	anExchange = `with x as (insert into exchanges (merchant_id, id, order_id, number, status, currency, created_at, updated_at)
			select merchant_id, gen_random_uuid(), id, 'EX', 'approved', 'EUR', '2026-01-01'::timestamptz, '2026-01-01'::timestamptz from orders where status = 'completed' returning merchant_id, id, order_id)
		insert into exchange_lines (merchant_id, exchange_id, line_id, quantity, reason, variant_id)
		select x.merchant_id, x.id, l.id, 1, 'other', l.variant_id from x join order_lines l on l.order_id = x.order_id`
	statement = `insert into statements (merchant_id, id, kind, file_hash, rows_read, rows_known, rows_failed, created_at)
		select id, id, 'bank', 'x', 1, 0, 0, '2026-01-01' from merchants`
	arrival = `insert into statement_lines (merchant_id, id, statement_id, kind, row_number, fingerprint, amount_minor, currency, status, order_id, payment_id,
			captured_minor, created_at, updated_at)
		select merchant_id, id, merchant_id, 'bank', 2, 'x', 9999, 'EUR', 'matched', order_id, id, 9999, '2026-01-01', '2026-01-01'
		from payments where order_id = (select id from orders where status = 'confirmed')`
	promotion = `insert into promotions (merchant_id, id, status, document, created_at, updated_at)
		select id, id, 'active', '{}', '2026-01-01', '2026-01-01' from merchants`
	use = `insert into redemptions (merchant_id, id, promotion_id, checkout_id, attempt, customer_key, amount_minor, currency, status, created_at, updated_at)
		select id, gen_random_uuid(), id, id, 1, '', 1, 'EUR', 'active', '2026-02-01', '2026-02-01' from merchants`
	mail = `insert into deliveries (merchant_id, id, kind, subject_id, dedupe_key, contact_id, locale, status, message_id, created_at, updated_at)
		select id, gen_random_uuid(), 'receipt', gen_random_uuid(), 'receipt', id, 'en', 'sent', '', '2026-01-01', '2026-01-01' from merchants`
)

func TestEachBrokenInvariantIsFound(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, i := range verify.Invariants() {
		how, ok := breaks[i.Name]
		if !ok {
			t.Errorf("nobody has tried to break %s", i.Name)
			continue
		}
		s.broken(i, how)
	}
}

// broken breaks an invariant for a moment and sees that it is found. Whatever goes
// wrong, the transaction ends: a database that is in use cannot be dropped.
func (s *shop) broken(i verify.Invariant, how []string) {
	s.t.Helper()
	tx, err := s.db.Pool().Begin(s.ctx)
	s.must(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(s.ctx)) }()
	for _, sql := range how {
		if _, err := tx.Exec(s.ctx, sql); err != nil {
			s.t.Errorf("%s: %s: %v", i.Name, sql, err)
			return
		}
	}
	found, err := i.Check(s.ctx, tx, s.clock.Now())
	if err != nil || len(found) == 0 || found[0].Invariant != i.Name || found[0].Subject == "" || found[0].Detail == "" {
		s.t.Errorf("%s: found %v, %v", i.Name, found, err)
	}
}

func TestADifferenceFromTheGatewayIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want string
		harm func(s *shop)
	}{
		"a capture that was not written down": {"gateway_books_agree", func(s *shop) {
			s.exec(`update payments set status = 'authorized', captured_minor = 0 where order_id = ` + anOrder)
		}},
		"a refund in the gateway's own pages": {"gateway_books_agree", func(s *shop) {
			var gatewayID string
			s.must(s.db.QueryRow(s.ctx, `select gateway_id from payments where order_id = `+anOrder).Scan(&gatewayID))
			_, err := s.gateway.Refund(s.ctx, payment.Movement{Key: "by hand", GatewayID: gatewayID, Amount: 1})
			s.must(err)
		}},
		"a hold without a payment": {"gateway_books_agree", func(s *shop) {
			_, err := s.gateway.Authorize(s.ctx, payment.Authorization{Key: "lost", PaymentID: id.New(), Amount: 1, Currency: "EUR", Token: sandbox.Visa})
			s.must(err)
		}},
		"a hold that was given up": {"gateway_books_agree", func(s *shop) {
			o := s.sell()
			key := "pay:" + o.CheckoutID.String() + ":2"
			_, err := s.gateway.Authorize(s.ctx, payment.Authorization{Key: key, PaymentID: id.New(), Amount: 1, Currency: "EUR", Token: sandbox.Visa})
			s.must(err)
			s.must(db.Run(s.ctx, s.db, func(tx db.Tx) error {
				payment.Insert(tx, &payment.Payment{MerchantID: s.merchant, ID: id.New(), CheckoutID: o.CheckoutID, Attempt: 2, Method: payment.Card,
					Provider: "sandbox", GatewayKey: key, Status: payment.Failed, AmountMinor: 1, Currency: "EUR", CreatedAt: start})
				return nil
			}))
		}},
		"a payment that the gateway does not know": {"payment_is_at_the_gateway", func(s *shop) {
			s.exec(`update payments set gateway_key = 'other' where order_id = ` + anOrder)
		}},
		"two charges for one checkout": {"one_live_charge_per_checkout", func(s *shop) {
			s.exec(`update payments set attempt = 2, checkout_id = (select checkout_id from orders where status = 'confirmed')
				where order_id = (select id from orders where status = 'completed')`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			c.harm(s)
			if got := s.verify(s.gateway); !slices.Contains(got, c.want) {
				t.Fatalf("found only %v", got)
			}
		})
	}
}
