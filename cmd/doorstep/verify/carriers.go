package verify

// carriers: what was bought from carriers, and what they tell.
var carriers = []Invariant{
	{"labels_are_settled", `
		select merchant_id, id, format('%s since %s, due since %s', status, created_at, next_at) from labels
		where next_at < $1::timestamptz - interval '1 hour'`},
	{"label_has_its_papers", `
		select l.merchant_id, l.id, 'bought from ' || l.carrier || ', and nothing to print' from labels l
		where l.status in ('bought', 'voiding') and l.asked > 0
		  and not exists (select from carrier_papers p where p.merchant_id = l.merchant_id and p.owner_id = l.id)
		  and not exists (select from order_events e where e.merchant_id = l.merchant_id and e.order_id = l.order_id and e.type = 'label.parked' and e.data ->> 'label_id' = l.id::text)`},
	{"one_label_per_parcel", `
		select merchant_id, subject_id, count(*) || ' labels of one ' || purpose from labels
		where status in ('pending', 'bought', 'parked', 'voiding') group by merchant_id, purpose, subject_id having count(*) > 1`},
	{"one_attempt_per_label", `
		select merchant_id, (array_agg(id order by id))[1], format('%s attempts have the label %s of %s', count(*), carrier_id, carrier) from labels
		where carrier_id <> '' and status in ('bought', 'voiding') group by merchant_id, account_id, carrier, carrier_id having count(*) > 1`},
	{"label_is_of_its_parcel", `
		select l.merchant_id, l.id, 'no shipment ' || l.subject_id || ' of order ' || l.order_id from labels l
		left join shipments s on s.merchant_id = l.merchant_id and s.id = l.subject_id and s.order_id = l.order_id
		where l.purpose = 'shipment' and s.id is null`},
	{"label_of_a_canceled_parcel_is_given_back", `
		select l.merchant_id, l.id, 'bought, and its parcel does not go out since ' || s.updated_at from labels l
		join shipments s on s.merchant_id = l.merchant_id and s.id = l.subject_id and s.status = 'canceled'
		where l.purpose = 'shipment' and l.status = 'bought' and l.failure = '' and greatest(l.updated_at, s.updated_at) < $1::timestamptz - interval '1 hour'`},
	{"carrier_account_can_be_opened", `
		select merchant_id, id, format('%s: %s bytes of credentials, %s names', code, octet_length(sealed), cardinality(credential_names)) from carrier_accounts
		where carrier = '' or code = '' or octet_length(sealed) < 16 or cardinality(credential_names) <> (select count(distinct n) from unnest(credential_names) n)`},
	{"work_is_of_its_accounts_carrier", `
		select w.merchant_id, w.id, format('of %s, and its account is with %s', w.carrier, a.carrier) from (
			select merchant_id, id, account_id, carrier from labels
			union all select merchant_id, id, account_id, carrier from carrier_errands
			union all select merchant_id, id, account_id, carrier from parcel_watches) w
		join carrier_accounts a on a.merchant_id = w.merchant_id and a.id = w.account_id and a.carrier <> w.carrier`},
	{"live_rates_can_be_read", `
		select c.merchant_id, c.id, 'heard of carriers: ' || left(c.live_rates::text, 80) from checkouts c
		where c.live_rates is not null and (jsonb_typeof(c.live_rates -> 'heard') is distinct from 'array' or coalesce(c.live_rates ->> 'policy', '') = ''
			or coalesce(c.live_rates ->> 'at', '') = '' or exists (
				select from jsonb_path_query(c.live_rates, 'lax $.heard[*].rates[*]') r
				where jsonb_typeof(r -> 'amount') is distinct from 'number' or (r ->> 'amount')::numeric < 0 or (r ->> 'currency') is null or (r ->> 'currency') !~ '^[A-Z]{3}$'))`},
	{"errands_are_settled", `
		select merchant_id, id, kind || ' pending since ' || created_at from carrier_errands where next_at < $1::timestamptz - interval '1 hour'`},
	{"manifest_holds_labels_that_were_bought", `
		select l.merchant_id, l.id, format('%s, on manifest %s', l.status, l.manifest_id) from labels l
		left join carrier_errands e on e.merchant_id = l.merchant_id and e.id = l.manifest_id and e.kind = 'manifest' and e.account_id = l.account_id
		where l.manifest_id is not null and (l.status <> 'bought' or e.id is null or e.status in ('failed', 'canceled'))`},
	{"carriers_news_are_acted_on", `
		select merchant_id, coalesce((select w.subject_id from parcel_watches w where w.merchant_id = n.merchant_id and w.number = n.number limit 1), merchant_id),
			format('%s of %s waits since %s', event_id, carrier, received_at) from carrier_news n
		where status = 'waiting' and received_at < $1::timestamptz - interval '1 day'`},
	{"alert_has_its_parcel", `
		select a.merchant_id, a.shipment_id, a.kind || ' of no parcel' from shipment_alerts a
		left join shipments s on s.merchant_id = a.merchant_id and s.id = a.shipment_id where s.id is null`},
}
