package verify

import "slices"

// Invariants lists everything that is checked, in order.
func Invariants() []Invariant {
	return slices.Concat(sales, money, ledger, credit, arrivals, afterSale, documents, stockAndPromotions, progress, told, carriers, purchases, journeys, supply, recoveries, recommendations, talks, supported, letters)
}

// sales: orders, their lines and parcels.
var sales = []Invariant{
	{"one_order_per_checkout", `select merchant_id, checkout_id, count(*) || ' orders' from orders group by 1, 2 having count(*) > 1`},
	{"completed_checkout_has_its_order", `
		select c.merchant_id, c.id, coalesce('order ' || c.order_id || ' is not its order', 'no order') from checkouts c
		left join orders o on o.merchant_id = c.merchant_id and o.id = c.order_id and o.checkout_id = c.id
		where c.status = 'completed' and o.id is null`},
	{"order_has_its_completed_checkout", `
		select o.merchant_id, o.id, coalesce('its checkout is ' || c.status, 'no checkout') from orders o
		left join checkouts c on c.merchant_id = o.merchant_id and c.id = o.checkout_id
		where o.source = 'checkout' and (c.status, c.order_id) is distinct from ('completed', o.id)`},
	{"converted_cart_has_its_order", `
		select k.merchant_id, k.id, 'no order' from carts k
		where k.status = 'converted' and not exists (
			select from checkouts c join orders o on o.merchant_id = c.merchant_id and o.checkout_id = c.id
			where c.merchant_id = k.merchant_id and c.cart_id = k.id)`},
	{"ordered_cart_is_converted", `
		select k.merchant_id, k.id, 'it is ' || k.status from carts k
		join checkouts c on c.merchant_id = k.merchant_id and c.cart_id = k.id and c.status = 'completed'
		where k.status <> 'converted'`},
	{"one_order_per_cart", `
		select o.merchant_id, c.cart_id, count(*) || ' orders' from orders o
		join checkouts c on c.merchant_id = o.merchant_id and c.id = o.checkout_id
		where c.cart_id is not null group by 1, 2 having count(*) > 1`},
	{"lines_add_up_to_the_order", `
		select o.merchant_id, o.id, format('lines %s%s + %s tax, order %s%s + %s tax', l.subtotal, l.discount, l.tax, o.subtotal_minor, o.discount_minor, o.tax_minor)
		from orders o
		left join (select merchant_id, order_id, sum(subtotal_minor) as subtotal, sum(discount_minor) as discount, sum(tax_minor) as tax
			from order_lines group by 1, 2) l on l.merchant_id = o.merchant_id and l.order_id = o.id
		where l.subtotal is distinct from o.subtotal_minor or l.discount is distinct from o.discount_minor
		   or l.tax > o.tax_minor or (o.shipping_minor = 0 and l.tax <> o.tax_minor)`},
	{"parts_add_up_to_the_line", `
		select l.merchant_id, l.id, format('%s%s + %s tax is not %s', l.subtotal_minor, l.discount_minor, l.tax_minor, l.total_minor) from order_lines l
		join orders o on o.merchant_id = l.merchant_id and o.id = l.order_id
		where l.total_minor <> l.subtotal_minor + l.discount_minor + case when o.prices_include_tax then 0 else l.tax_minor end`},
	{"order_total_is_the_sum", `
		select merchant_id, id, 'total ' || total_minor from orders
		where total_minor <> subtotal_minor + discount_minor + shipping_minor + duties_minor + case when prices_include_tax then 0 else tax_minor end`},
	{"line_has_its_order", `
		select l.merchant_id, l.id, 'no order ' || l.order_id from order_lines l
		left join orders o on o.merchant_id = l.merchant_id and o.id = l.order_id where o.id is null`},
	{"payment_status_is_derived", `
		select o.merchant_id, o.id, format('stored %s, by its payments %s', o.payment_status, v.payment_status) from orders o
		join v_payment_status v on v.merchant_id = o.merchant_id and v.order_id = o.id where v.payment_status <> o.payment_status`},
	{"fulfillment_status_is_derived", `
		select o.merchant_id, o.id, format('stored %s, by its parcels %s', o.fulfillment_status, v.fulfillment_status) from orders o
		join v_fulfillment_status v on v.merchant_id = o.merchant_id and v.order_id = o.id where v.fulfillment_status <> o.fulfillment_status`},
	{"order_status_follows", `
		select merchant_id, id, format('%s, though %s and %s', status, payment_status, fulfillment_status) from orders
		where (status = 'pending' and payment_status = 'paid') or (status = 'confirmed' and payment_status = 'paid' and fulfillment_status = 'delivered')
		   or (status = 'canceled' and fulfillment_status <> 'unfulfilled')`},
	{"canceled_order_has_canceled_lines", `
		select o.merchant_id, o.id, format('%s, with %s of %s units canceled', o.status, l.canceled, l.quantity) from orders o
		join (select merchant_id, order_id, sum(canceled) as canceled, sum(quantity) as quantity from order_lines group by 1, 2) l
			on l.merchant_id = o.merchant_id and l.order_id = o.id
		where (o.status = 'canceled') <> (l.canceled = l.quantity)`},
	{"line_counts_stay_inside", `
		select merchant_id, id, format('%s bought, %s shipped, %s canceled, %s returned, %s refunded', quantity, shipped, canceled, returned, refunded)
		from order_lines where shipped + canceled > quantity or returned > shipped or refunded > quantity`},
	{"shipped_is_what_is_in_parcels", `
		select l.merchant_id, l.id, format('%s shipped, %s in parcels', l.shipped, v.shipped) from order_lines l
		join orders o on o.merchant_id = l.merchant_id and o.id = l.order_id and o.source = 'checkout'
		join v_shipped_units v on v.merchant_id = l.merchant_id and v.order_id = l.order_id and v.line_id = l.id
		where v.shipped <> l.shipped`},
	{"parcel_holds_lines_of_its_order", `
		select p.merchant_id, p.shipment_id, 'line ' || p.order_line_id from shipment_lines p
		join shipments s on s.merchant_id = p.merchant_id and s.id = p.shipment_id
		left join order_lines l on l.merchant_id = s.merchant_id and l.order_id = s.order_id and l.id = p.order_line_id where l.id is null`},
	{"order_has_its_story", `
		select o.merchant_id, o.id, count(e.id) || ' entries say that it was placed' from orders o
		left join order_events e on e.merchant_id = o.merchant_id and e.order_id = o.id and e.type = 'order.placed'
		where o.source = 'checkout' group by 1, 2 having count(e.id) <> 1`},
}

// money: payments and refunds.
var money = []Invariant{
	{"placed_order_has_a_payment", `
		select o.merchant_id, o.id, 'no payment' from orders o
		where o.source = 'checkout' and not exists (select from payments p where p.merchant_id = o.merchant_id and p.order_id = o.id)`},
	{"payment_has_its_order", `
		select p.merchant_id, p.id, 'no order ' || p.order_id || ' of its checkout' from payments p
		left join orders o on o.merchant_id = p.merchant_id and o.id = p.order_id and o.checkout_id = p.checkout_id
		where p.order_id is not null and o.id is null`},
	{"money_belongs_to_an_order", `
		select merchant_id, id, format('%s of %s without an order', status, amount_minor) from payments
		where part = 0 and order_id is null and (status in ('captured', 'partially_captured') or (status = 'authorized' and updated_at < $1::timestamptz - interval '15 minutes'))`},
	{"one_live_payment_per_checkout", `
		select merchant_id, checkout_id, count(*) || ' payments hold or took money' from payments
		where status in ('authorized', 'partially_captured', 'captured') and gateway_key not like 'due:%' and part = 0 group by 1, 2 having count(*) > 1`},
	{"captures_within_the_order", `
		select o.merchant_id, o.id, format('%s captured of %s', p.captured, o.total_minor) from orders o
		join (select merchant_id, order_id, sum(captured_minor) as captured, count(distinct currency) as currencies, min(currency) as currency
			from payments where order_id is not null group by 1, 2) p on p.merchant_id = o.merchant_id and p.order_id = o.id
		where p.captured > o.total_minor or p.currencies > 1 or p.currency <> o.currency`},
	{"refunds_within_the_captures", `
		select p.merchant_id, p.id, format('%s refunded of %s', r.refunded, p.captured_minor) from payments p
		join (select merchant_id, payment_id, sum(amount_minor) as refunded from refunds where status <> 'failed' group by 1, 2) r
			on r.merchant_id = p.merchant_id and r.payment_id = p.id
		where r.refunded > p.captured_minor`},
	{"payment_counts_its_refunds", `
		select p.merchant_id, p.id, format('says %s, its refunds %s', p.refunded_minor, coalesce(r.refunded, 0)) from payments p
		left join (select merchant_id, payment_id, sum(amount_minor) as refunded from refunds where status <> 'failed' group by 1, 2) r
			on r.merchant_id = p.merchant_id and r.payment_id = p.id
		where p.refunded_minor <> coalesce(r.refunded, 0)`},
	{"payment_amounts_fit_its_status", `
		select merchant_id, id, format('%s: %s of %s captured', status, captured_minor, amount_minor) from payments
		where (status = 'captured' and captured_minor <> amount_minor)
		   or (status = 'partially_captured' and (captured_minor = 0 or captured_minor >= amount_minor))
		   or (status in ('disputed', 'won', 'lost') and captured_minor = 0)
		   or (status in ('pending', 'requires_action', 'authorized', 'voided', 'expired', 'failed', 'unknown') and captured_minor <> 0)`},
	{"lines_count_their_refunds", `
		select l.merchant_id, l.id, format('%s refunded, its refunds say %s', l.refunded, coalesce(u.units, 0)) from order_lines l
		join orders o on o.merchant_id = l.merchant_id and o.id = l.order_id and o.source = 'checkout'
		left join (select merchant_id, order_id, line_id, sum(quantity) as units from v_refund_units where status <> 'failed' group by 1, 2, 3) u
			on u.merchant_id = l.merchant_id and u.order_id = l.order_id and u.line_id = l.id
		where l.refunded <> coalesce(u.units, 0)`},
	{"canceled_order_keeps_no_money", `
		select o.merchant_id, o.id, format('payment %s is %s, %s of %s given back', p.id, p.status, p.refunded_minor, p.captured_minor) from orders o
		join payments p on p.merchant_id = o.merchant_id and p.order_id = o.id
		where o.status = 'canceled' and o.canceled_at < $1::timestamptz - interval '15 minutes'
		  and (p.status = 'authorized' or p.captured_minor > p.refunded_minor)
		  and p.status not in ('disputed', 'lost') -- the buyer's bank has it
		  and not exists (select from refunds r where r.merchant_id = p.merchant_id and r.payment_id = p.id and r.status = 'failed')`},
}

// stockAndPromotions: units and coupon uses.
var stockAndPromotions = []Invariant{
	{"stock_adds_up", `
		select merchant_id, variant_id, format('%s received, %s free, %s held or sold at %s', coalesce(s.received, 0), coalesce(s.free, 0), coalesce(r.units, 0), location_id)
		from stock s full join (
			select merchant_id, variant_id, location_id, sum(quantity - restocked) as units
			from reservations where status in ('active', 'committed') group by 1, 2, 3) r using (merchant_id, variant_id, location_id)
		where coalesce(s.received - s.free, 0) <> coalesce(r.units, 0) or s.free < 0`},
	{"sold_units_have_their_order", `
		select r.merchant_id, r.id, 'sold to checkout ' || r.checkout_id || ', which has no order' from reservations r
		left join orders o on o.merchant_id = r.merchant_id and o.checkout_id = r.checkout_id
		where r.status = 'committed' and o.id is null`},
	{"ordered_units_are_sold_once", `
		select r.merchant_id, o.id, format('variant %s: %s sold, %s ordered', r.variant_id, r.units, l.units)
		from (select merchant_id, checkout_id, variant_id, sum(quantity) as units from reservations where status = 'committed' group by 1, 2, 3) r
		join orders o on o.merchant_id = r.merchant_id and o.checkout_id = r.checkout_id
		left join (select merchant_id, order_id, variant_id, sum(quantity) as units from order_lines group by 1, 2, 3) l
			on l.merchant_id = o.merchant_id and l.order_id = o.id and l.variant_id = r.variant_id
		where l.units is distinct from r.units`},
	{"placed_order_holds_nothing", `
		select r.merchant_id, r.id, 'still held for the placed order ' || o.id from reservations r
		join orders o on o.merchant_id = r.merchant_id and o.checkout_id = r.checkout_id where r.status = 'active'`},
	{"canceled_units_are_back", `
		select r.merchant_id, r.id, format('%s of %s restocked', r.restocked, r.quantity) from reservations r
		join orders o on o.merchant_id = r.merchant_id and o.checkout_id = r.checkout_id
		where r.status = 'committed' and o.status = 'canceled' and r.restocked <> r.quantity`},
	{"reservations_end_in_time", `
		select merchant_id, id, 'should have ended at ' || expires_at from reservations where status = 'active' and expires_at < $1::timestamptz - interval '10 minutes'`},
	{"promotion_within_its_limit", `
		select p.merchant_id, p.id, format('%s uses counted, %s made, limit %s', p.uses, coalesce(r.made, 0), p.total_limit) from promotions p
		left join (select merchant_id, promotion_id, count(*) as made from redemptions where status = 'active' group by 1, 2) r
			on r.merchant_id = p.merchant_id and r.promotion_id = p.id
		where p.total_limit is not null and (coalesce(r.made, 0) > p.total_limit or coalesce(r.made, 0) <> p.uses)`},
	{"customer_within_the_limit", `
		select p.merchant_id, p.id, format('%s uses by one customer, limit %s', count(*), p.per_customer_limit) from promotions p
		join redemptions r on r.merchant_id = p.merchant_id and r.promotion_id = p.id and r.status = 'active'
		where p.per_customer_limit is not null
		group by p.merchant_id, p.id, r.customer_key
		-- A limit that was lowered afterwards breaks nothing.
		having count(*) > p.per_customer_limit and max(r.created_at) > p.updated_at`},
	{"single_code_used_once", `
		select merchant_id, promotion_id, format('%s used %s times', code_key, count(*)) from redemptions
		where single_use and status = 'active' group by merchant_id, promotion_id, code_key having count(*) > 1`},
	{"promotion_used_once_per_checkout", `
		select merchant_id, checkout_id, format('promotion %s used %s times', promotion_id, count(*)) from redemptions
		where status = 'active' group by merchant_id, checkout_id, promotion_id having count(*) > 1`},
	{"ended_checkout_uses_nothing", `
		select r.merchant_id, r.id, 'its checkout is ' || c.status from redemptions r
		join checkouts c on c.merchant_id = r.merchant_id and c.id = r.checkout_id
		where r.status = 'active' and c.status in ('canceled', 'expired')`},
}

// progress: nothing is stuck past its deadline.
var progress = []Invariant{
	{"payments_settle", `
		select merchant_id, id, format('%s since %s', status, updated_at) from payments
		where (status in ('pending', 'unknown') and provider <> 'offline' and updated_at < $1::timestamptz - interval '10 minutes')
		   or (status = 'requires_action' and updated_at < $1::timestamptz - interval '25 hours')`},
	{"holds_are_captured", `
		select p.merchant_id, p.id, 'held since ' || p.updated_at from payments p
		join orders o on o.merchant_id = p.merchant_id and o.id = p.order_id
		where p.status = 'authorized' and o.status in ('confirmed', 'completed') and p.updated_at < $1::timestamptz - interval '1 hour'`},
	{"refunds_settle", `select merchant_id, id, 'pending since ' || updated_at from refunds where status = 'pending' and updated_at < $1::timestamptz - interval '1 hour'`},
	{"checkouts_settle", `
		select merchant_id, id, 'in progress since ' || updated_at from checkouts where status = 'complete_in_progress' and updated_at < $1::timestamptz - interval '15 minutes'`},
	{"webhooks_are_acted_on", `
		select merchant_id, event_id, format('%s of %s since %s: %s', event, source, received_at, failure) from inbox
		where status = 'waiting' and received_at < $1::timestamptz - interval '1 hour'`},
	{"carts_are_let_go", `
		select k.merchant_id, k.id, 'paid for by checkout ' || k.paying || ', which is ' || c.status from carts k
		join checkouts c on c.merchant_id = k.merchant_id and c.id = k.paying
		where k.status <> 'converted' and c.status in ('canceled', 'expired')`},
	{"events_are_relayed", `select merchant_id, id, event || ' since ' || created_at from outbox where created_at < $1::timestamptz - interval '5 minutes'`},
	{"jobs_are_done", `
		select coalesce(args -> 'payload' ->> 'merchant_id', ''), id, format('%s is %s after %s tries', args ->> 'subscriber', state, attempt) from river_job
		where state = 'discarded' or (state = 'running' and attempted_at < now() - interval '5 minutes')
		   or (state in ('available', 'pending') and scheduled_at < now() - interval '10 minutes')`},
	{"mails_go_out", `
		select merchant_id, id, format('%s is %s since %s', kind, status, updated_at) from deliveries
		where status in ('queued', 'sending') and updated_at < $1::timestamptz - interval '1 hour'`},
	{"mails_go_out_once", `
		select merchant_id, subject_id, format('%s %s mails', count(*), kind) from deliveries
		where status in ('sent', 'captured') group by merchant_id, kind, subject_id, dedupe_key having count(*) > 1`},
}
