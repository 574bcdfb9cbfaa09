package checkout_test

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// always holds at any moment: for each line no row may come back.
var always = map[string]string{
	"one order per checkout": `select checkout_id::text from orders where merchant_id = $1 group by 1 having count(*) > 1`,
	"a completed checkout and its order point at each other": `
		select c.id::text from checkouts c full join orders o on o.merchant_id = c.merchant_id and o.checkout_id = c.id
		where coalesce(c.merchant_id, o.merchant_id) = $1 and ((c.status = 'completed') <> (o.id is not null) or c.status = 'completed' and c.order_id <> o.id)`,
	"an order has one payment that stands": `
		select o.id::text from orders o where o.merchant_id = $1 and 1 <> (select count(*) from payments p
			where p.merchant_id = o.merchant_id and p.order_id = o.id and p.checkout_id = o.checkout_id and p.part = 0)`,
	"money is held or taken for orders alone": `
		select id::text || ' ' || status from payments where merchant_id = $1 and part = 0 and order_id is null and (captured_minor > 0 or status in ('authorized', 'captured', 'partially_captured'))`,
	"the payment is of the order's amount": `
		select o.id::text from orders o join payments p on p.merchant_id = o.merchant_id and p.order_id = o.id and p.part = 0
		where o.merchant_id = $1 and (p.amount_minor + p.credit_minor, p.currency) is distinct from (o.total_minor, o.currency)`,
	"credits pay what their attempt says, as long as it stands": `
		select p.id::text || ' ' || p.status from payments p left join (
			select merchant_id, checkout_id, attempt, sum(amount_minor) as paid from payments where part > 0 and status in ('authorized', 'captured') group by 1, 2, 3) c
			on c.merchant_id = p.merchant_id and c.checkout_id = p.checkout_id and c.attempt = p.attempt
		where p.merchant_id = $1 and p.part = 0 and coalesce(c.paid, 0) <>
			case when p.order_id is not null or p.failure_code = '' and p.status in ('pending', 'unknown', 'requires_action') then p.credit_minor else 0 end`,
	"credits that pay for an order are spent, others not": `
		select p.id::text || ' ' || p.status from payments p where p.merchant_id = $1 and p.part > 0 and (p.order_id is not null) <> (p.status = 'captured')`,
	"an account has what its entries say": `
		select a.id::text || ' ' || a.balance_minor from credit_accounts a where a.merchant_id = $1 and a.balance_minor <> coalesce((
			select sum(e.amount_minor) from credit_entries e where e.merchant_id = a.merchant_id and e.account_id = a.id), 0)`,
	"the ledger owes what accounts have, and holds what attempts do": `
		select account || ' ' || balance || ' for ' || there from (
			select l.account, sum(case l.side when 'credit' then l.amount_minor else -l.amount_minor end) as balance, case l.account
				when 'credit_held' then (select coalesce(sum(amount_minor), 0) from payments where merchant_id = $1 and part > 0 and status = 'authorized')
				else (select coalesce(sum(balance_minor), 0) from credit_accounts where merchant_id = $1) end as there
			from ledger_entries l where l.merchant_id = $1 and l.account in ('credit_held', 'store_credit_liability') group by 1) x
		where balance <> there`,
	"stock adds up": `
		select s.variant_id::text from stock s where s.merchant_id = $1 and received - free <> coalesce((
			select sum(quantity - restocked) from reservations r where r.merchant_id = s.merchant_id and r.variant_id = s.variant_id
			and r.location_id = s.location_id and r.status in ('active', 'committed')), 0)`,
	"units are sold to orders alone": `
		select r.id::text from reservations r left join orders o on o.merchant_id = r.merchant_id and o.checkout_id = r.checkout_id
		where r.merchant_id = $1 and r.status = 'committed' and o.id is null`,
	"each ordered unit is sold once": `
		select o.id::text from orders o join (select merchant_id, order_id, variant_id, sum(quantity) n from order_lines group by 1, 2, 3) l
			on l.merchant_id = o.merchant_id and l.order_id = o.id
		join variants v on v.merchant_id = l.merchant_id and v.id = l.variant_id and v.track_stock
		where o.merchant_id = $1 and l.n is distinct from (select sum(quantity) from reservations r
			where r.merchant_id = o.merchant_id and r.checkout_id = o.checkout_id and r.variant_id = l.variant_id and r.status = 'committed')`,
	"a placed order holds nothing more": `
		select r.id::text from reservations r join orders o on o.merchant_id = r.merchant_id and o.checkout_id = r.checkout_id
		where r.merchant_id = $1 and r.status = 'active'`,
	"uses of promotions are counted and within their limits": `
		select p.id::text from promotions p where p.merchant_id = $1 and p.total_limit is not null and (p.uses > p.total_limit or p.uses <> (
			select count(*) from redemptions r where r.merchant_id = p.merchant_id and r.promotion_id = p.id and r.status = 'active'))`,
	"a customer keeps within the limit": `
		select p.id::text from promotions p join redemptions r on r.merchant_id = p.merchant_id and r.promotion_id = p.id and r.status = 'active'
		where p.merchant_id = $1 and p.per_customer_limit is not null group by p.id, p.per_customer_limit, r.customer_key having count(*) > p.per_customer_limit`,
	"a single code is used once": `
		select code_key from redemptions where merchant_id = $1 and single_use and status = 'active' group by 1 having count(*) > 1`,
	"a promotion is used once by a checkout": `
		select checkout_id::text from redemptions where merchant_id = $1 and status = 'active' group by checkout_id, promotion_id having count(*) > 1`,
	"an order uses what it was discounted for": `
		select o.id::text from orders o, jsonb_array_elements(o.discounts) d join promotions p on p.id = (d ->> 'promotion_id')::uuid and p.total_limit is not null
		where o.merchant_id = $1 and not exists (select from redemptions r where r.merchant_id = o.merchant_id and r.checkout_id = o.checkout_id
			and r.promotion_id = p.id and r.status = 'active')`,
	"a cart is converted by its order alone": `
		select k.id::text from carts k where k.merchant_id = $1 and (k.status = 'converted') <> exists (select from checkouts c
			where c.merchant_id = k.merchant_id and c.cart_id = k.id and c.status = 'completed')`,
	"a cart becomes one order": `
		select c.cart_id::text from checkouts c where c.merchant_id = $1 and c.status = 'completed' and c.cart_id is not null group by 1 having count(*) > 1`,
	"an order is told once": `
		select o.id::text from orders o where o.merchant_id = $1 and (1 <> (select count(*) from outbox e where e.merchant_id = o.merchant_id
			and e.aggregate_id = o.id and e.event = 'order.placed') or 1 <> (select count(*) from order_events e
			where e.merchant_id = o.merchant_id and e.order_id = o.id and e.type = 'order.placed'))`,
	"the order's payment status is that of its payments": `
		select o.id::text from orders o join v_payment_status v on v.merchant_id = o.merchant_id and v.order_id = o.id
		where o.merchant_id = $1 and o.payment_status <> v.payment_status`,
	"a stored answer is that of its own attempt": `
		select k.key from idempotency_keys k join payments p on p.merchant_id = k.merchant_id and p.request_key = k.key
		left join orders o on o.merchant_id = p.merchant_id and o.id = p.order_id
		where k.merchant_id = $1 and k.status = 'done' and case convert_from(k.body, 'utf8')::jsonb ->> 'status'
			when 'completed' then o.number is distinct from convert_from(k.body, 'utf8')::jsonb ->> 'number'
			when 'authentication_required' then (convert_from(k.body, 'utf8')::jsonb ->> 'payment')::uuid <> p.id
			else p.order_id is not null end`,
	"a key begins one attempt": `select request_key from payments where merchant_id = $1 and request_key <> '' group by 1 having count(*) > 1`,
	"an open checkout holds nothing": `
		select c.id::text from checkouts c where c.merchant_id = $1 and c.status in ('incomplete', 'ready_for_payment', 'canceled', 'expired') and (
			exists (select from reservations r where r.merchant_id = c.merchant_id and r.checkout_id = c.id and r.status = 'active')
			or exists (select from redemptions r where r.merchant_id = c.merchant_id and r.checkout_id = c.id and r.status = 'active')
			or exists (select from carts k where k.merchant_id = c.merchant_id and k.paying = c.id))`,
}

// atRest holds besides, once everything has had its time.
var atRest = map[string]string{
	"payments are settled": `select id::text || ' ' || status || ' ' || failure_code from payments where merchant_id = $1 and
		(status in ('unknown', 'requires_action') or status = 'pending' and provider <> 'offline')`,
	"checkouts have ended":   `select id::text || ' ' || status from checkouts where merchant_id = $1 and status not in ('completed', 'canceled', 'expired')`,
	"no key is left running": `select key from idempotency_keys where merchant_id = $1 and status = 'running'`,
	"nothing is reserved":    `select id::text from reservations where merchant_id = $1 and status = 'active'`,
	"no cart is being paid":  `select id::text from carts where merchant_id = $1 and paying is not null and status <> 'converted'`,
}

// books checks what must hold at any time between two acts.
func (w *world) books() {
	w.t.Helper()
	w.check(always)
	if w.t.Failed() {
		w.t.FailNow()
	}
}

func (w *world) check(rules map[string]string) {
	w.t.Helper()
	var wrong []string
	var queries []*db.Query
	for name, sql := range rules {
		queries = append(queries, &db.Query{SQL: sql, Args: []any{w.merchant}, Each: func(rows pgx.Rows) error {
			for rows.Next() {
				var what string
				if err := rows.Scan(&what); err != nil {
					return err
				}
				wrong = append(wrong, name+": "+what)
			}
			return nil
		}})
	}
	if err := w.db.Read(w.t.Context(), queries...); err != nil {
		w.t.Fatal(err)
	}
	for _, what := range wrong {
		w.t.Error("not so:", what)
	}
}

// rest lets everything have its time, with a gateway that is well again.
func (w *world) rest() {
	w.t.Helper()
	w.front.be(nil)
	w.trips.before.Store(nil)
	ctx := w.t.Context()
	sweep := func(step time.Duration) {
		w.t.Helper()
		w.clock.Advance(step)
		_, swept := w.catalog.Sweep(ctx)
		if err := errors.Join(w.svc.Recover(ctx, 30*time.Second), w.svc.Expire(ctx), swept); err != nil {
			w.t.Fatal(err)
		}
	}
	sweep(31 * time.Second)
	sweep(11 * time.Minute)
	sweep(25 * time.Hour)
	sweep(31 * time.Second)
}

// settled lets everything have its time and checks that nothing was lost,
// doubled or forgotten, in the shop's books and in the gateway's.
func (w *world) settled() {
	w.t.Helper()
	w.rest()
	w.check(always)
	w.check(atRest)
	w.gatewayAgrees()
	if w.t.Failed() {
		w.t.FailNow()
	}
}

// gatewayAgrees checks that each charge that holds or has taken money is that of
// an order, and the other way round.
func (w *world) gatewayAgrees() {
	w.t.Helper()
	mine := map[string]payment.Payment{}
	rows, err := w.db.Query(w.t.Context(), `select id, checkout_id, order_id, status, captured_minor, refunded_minor, amount_minor from payments where merchant_id = $1 and provider = 'sandbox'`, w.merchant)
	if err != nil {
		w.t.Fatal(err)
	}
	for rows.Next() {
		var p payment.Payment
		if err := rows.Scan(&p.ID, &p.CheckoutID, &p.OrderID, &p.Status, &p.CapturedMinor, &p.RefundedMinor, &p.AmountMinor); err != nil {
			w.t.Fatal(err)
		}
		mine[p.ID.String()] = p
	}
	rows.Close()
	live := map[uuid.UUID]int{}
	if err := w.gateway.Books(func(c sandbox.Charge) {
		p, known := mine[c.PaymentID]
		if !known {
			return
		}
		delete(mine, c.PaymentID)
		holds := c.Status == payment.Authorized || c.Captured > c.Refunded
		if holds {
			live[p.CheckoutID]++
		}
		stands := p.OrderID != nil && (p.Status == payment.Authorized || p.Status == payment.Captured && p.CapturedMinor > p.RefundedMinor)
		if holds != stands || holds && c.Amount != p.AmountMinor || stands && c.Captured != p.CapturedMinor {
			w.t.Errorf("charge %s is %s of %d (%d taken, %d given back), its payment %s is %s", c.ID, c.Status, c.Amount, c.Captured, c.Refunded, p.ID, p.Status)
		}
	}); err != nil {
		w.t.Fatal(err)
	}
	for checkout, n := range live {
		if n > 1 {
			w.t.Errorf("%d charges hold money for checkout %s", n, checkout)
		}
	}
	for _, p := range mine {
		if p.Status != payment.Failed && p.Status != payment.Pending && p.Status != payment.Unknown {
			w.t.Errorf("payment %s is %s, and the gateway has never seen it", p.ID, p.Status)
		}
	}
}
