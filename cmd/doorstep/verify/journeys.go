package verify

// journeys: the log of what shoppers do, and what is made of it. Whatever is
// still to be read counts for nothing yet.
var journeys = []Invariant{
	{"an_order_ends_one_journey_once", `
		select merchant_id, checkout_id, count(*) || ' events say that it became an order' from checkout_events
		where kind = 'order_placed' group by 1, 2 having count(*) > 1`},
	{"an_order_in_the_log_stands", `
		select e.merchant_id, e.id, 'no order ' || coalesce(e.attributes ->> 'order_id', '') from checkout_events e
		left join orders o on o.merchant_id = e.merchant_id and o.id = (e.attributes ->> 'order_id')::uuid and o.checkout_id = e.checkout_id
		where e.kind = 'order_placed' and o.id is null`},
	{"converted_journey_has_its_order_in_the_log", `
		select j.merchant_id, j.id, 'no event says that it became an order' from journeys j
		where j.status = 'converted' and not exists (
			select from checkout_events e where e.merchant_id = j.merchant_id and e.journey_id = j.id and e.kind = 'order_placed')`},
	{"converted_cart_is_in_the_log", `
		select k.merchant_id, k.id, 'no event says that it became an order' from carts k
		where k.status = 'converted' and k.updated_at < $1::timestamptz - interval '1 hour'
		  and exists (select from checkout_events e where e.merchant_id = k.merchant_id and e.journey_id = coalesce(k.journey_id, k.id))
		  and not exists (
			select from checkout_events e where e.merchant_id = k.merchant_id and e.journey_id = coalesce(k.journey_id, k.id) and e.kind = 'order_placed')
		  and not exists (select from outbox where event = 'order.placed')
		  and not exists (select from river_job where args ->> 'subscriber' = 'cart.note_order' and state <> 'completed')`},
	{"left_cart_has_its_journey", `
		select k.merchant_id, k.id, coalesce('its journey is ' || j.status, 'no journey') from carts k
		left join journeys j on j.merchant_id = k.merchant_id and j.id = coalesce(k.journey_id, k.id)
		where k.status = 'abandoned' and j.times is distinct from greatest(j.times, 1)`},
	{"sums_are_those_of_the_journeys", `
		with told as (
			select merchant_id, day, currency, count(*) as carts, count(*) filter (where checkout) as checkouts,
				count(*) filter (where outcome in ('ordered', 'recovered')) as orders, count(*) filter (where outcome = 'abandoned') as abandoned,
				count(*) filter (where outcome = 'recovered') as recovered, count(*) filter (where outcome = 'open') as open, sum(value_minor)::numeric as value
			from daily_journeys where excluded = '' group by 1, 2, 3),
		summed as (
			select merchant_id, day, currency, dimension, sum(carts)::bigint as carts, sum(checkouts)::bigint as checkouts, sum(orders)::bigint as orders,
				sum(abandoned)::bigint as abandoned, sum(recovered)::bigint as recovered, sum(open)::bigint as open, sum(value_minor) as value
			from daily_abandonment group by 1, 2, 3, 4)
		select coalesce(s.merchant_id, t.merchant_id), coalesce(s.merchant_id, t.merchant_id),
			format('%s by %L: %s carts, %s orders; the journeys give %s and %s', coalesce(s.day, t.day), s.dimension, s.carts, s.orders, t.carts, t.orders)
		from summed s full join told t on t.merchant_id = s.merchant_id and t.day = s.day and t.currency = s.currency
		where (s.carts, s.checkouts, s.orders, s.abandoned, s.recovered, s.open, s.value) is distinct from (t.carts, t.checkouts, t.orders, t.abandoned, t.recovered, t.open, t.value)`},
	{"journeys_are_those_of_the_log", `
		select d.merchant_id, d.id, 'nothing in the log' from daily_journeys d
		where not d.pruned and not exists (select from checkout_events e where e.merchant_id = d.merchant_id and e.journey_id = d.id)
		union all
		select e.merchant_id, e.journey_id, 'not among the figures' from (
			select distinct e.merchant_id, e.journey_id from checkout_events e join daily_state s on s.merchant_id = e.merchant_id and e.xid < s.next) e
		left join daily_journeys d on d.merchant_id = e.merchant_id and d.id = e.journey_id where d.id is null`},
	{"sales_are_those_of_the_journeys", `
		select coalesce(s.merchant_id, j.merchant_id), coalesce(s.merchant_id, j.merchant_id), format('%s: %s orders, the journeys give %s', coalesce(s.day, j.day), s.orders, j.orders)
		from daily_sales s full join (
			select merchant_id, sale_day as day, currency, count(*) as orders, sum(sale_minor)::numeric as revenue from daily_journeys
			where sale_day is not null and excluded <> 'test' group by 1, 2, 3) j on j.merchant_id = s.merchant_id and j.day = s.day and j.currency = s.currency
		where (s.orders, s.revenue_minor) is distinct from (j.orders, j.revenue)`},
}
