package verify_test

func init() {
	const (
		// what a journey of a cart that is bought has left in the log
		event = `insert into checkout_events (merchant_id, id, journey_id, checkout_id, at, kind, step, source, attributes)
			select k.merchant_id, gen_random_uuid(), k.id, c.id, k.created_at, 'order_placed', 'order', 'api', jsonb_build_object('order_id', c.order_id)
			from carts k join checkouts c on c.merchant_id = k.merchant_id and c.cart_id = k.id limit 1`
		begun = `insert into checkout_events (merchant_id, id, journey_id, at, kind, step, source)
			select merchant_id, gen_random_uuid(), id, '2016-01-01', 'cart_created', 'cart', 'api' from carts limit 1`
		journey = `insert into journeys (merchant_id, id, status, step, contact, excluded, merged, value_minor, pieces, currency, country, language, started_at, seen_at)
			select merchant_id, id, 'converted', 7, false, false, false, 0, 0, 'EUR', '', 'en', created_at, created_at from carts limit 1`
		told = `insert into daily_journeys (merchant_id, id, cart, day, started_at, excluded, checkout, reached, outcome, reason, reason_source, evidence, device, country, carrier,
				payment_method, value_band, currency, value_minor, times, last_at, sale_minor)
			select merchant_id, id, true, '2026-03-05', created_at, 'empty', false, 1, 'open', '', '', '{}', '', '', '', '', '', 'EUR', 0, 0, created_at, 0 from carts limit 1`
	)
	breaks["an_order_ends_one_journey_once"] = []string{event, event}
	breaks["an_order_in_the_log_stands"] = []string{event, `update checkout_events set attributes = jsonb_build_object('order_id', gen_random_uuid())`}
	breaks["converted_journey_has_its_order_in_the_log"] = []string{journey}
	breaks["converted_cart_is_in_the_log"] = []string{`update carts set updated_at = '2016-01-01'`, begun}
	breaks["left_cart_has_its_journey"] = []string{`update carts set status = 'abandoned'`}
	breaks["sums_are_those_of_the_journeys"] = []string{event, told, `update daily_journeys set excluded = ''`}
	breaks["journeys_are_those_of_the_log"] = []string{told}
	breaks["sales_are_those_of_the_journeys"] = []string{event, told, `update daily_journeys set sale_day = '2026-03-05'`}
}
