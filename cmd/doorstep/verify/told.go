package verify

// told: what others are told, and what is written down about those who change
// things.
var told = []Invariant{
	{"delivered_webhook_was_answered", `
		select d.merchant_id, d.id, 'delivered after ' || d.attempts || ' attempts, none of them answered with 2xx' from webhook_deliveries d
		where d.status = 'delivered' and not exists (select from webhook_attempts a
			where a.merchant_id = d.merchant_id and a.delivery_id = d.id and a.code between 200 and 299)`},
	{"webhooks_keep_their_order", `
		select l.merchant_id, l.id, format('was tried at %s, before %s was settled', a.started_at, e.id) from webhook_deliveries e
		join webhook_deliveries l on l.merchant_id = e.merchant_id and l.endpoint_id = e.endpoint_id and l.aggregate_id = e.aggregate_id and l.event_id > e.event_id
		join webhook_attempts a on a.merchant_id = l.merchant_id and a.delivery_id = l.id
		where not e.replayed and not l.replayed and a.started_at < coalesce(e.settled_at, 'infinity') - interval '1 second'`},
	{"webhooks_are_sent", `
		select d.merchant_id, d.id, 'due since ' || d.due_at from webhook_deliveries d
		join webhook_endpoints e on e.merchant_id = d.merchant_id and e.id = d.endpoint_id and e.status = 'active'
		where d.status = 'pending' and d.due_at < $1::timestamptz - interval '1 hour' and coalesce(e.paused_until, d.due_at) < $1::timestamptz - interval '1 hour'
		  and e.updated_at < $1::timestamptz - interval '1 hour'`},
	{"audit_chain_is_whole", `
		select merchant_id, id, 'entry ' || seq || ' is not what was written, or does not follow the one before it' from (
			select *, lag(hash) over chain as before, lag(seq) over chain as previous from audit_log window chain as (partition by merchant_id order by seq)) e
		where seq <> coalesce(previous, 0) + 1 or prev_hash <> coalesce(before, decode(repeat('00', 32), 'hex'))
		   or hash <> sha256(prev_hash || int8send(seq) || convert_to(content, 'UTF8'))`},
	{"audit_chain_has_its_end", `
		select coalesce(h.merchant_id, l.merchant_id), coalesce(h.merchant_id, l.merchant_id), format('the chain ends at %s, its last entry is %s', h.seq, l.seq)
		from audit_heads h full join (select distinct on (merchant_id) merchant_id, seq, hash from audit_log order by merchant_id, seq desc) l on l.merchant_id = h.merchant_id
		where h.seq is distinct from l.seq or h.hash is distinct from l.hash`},
}
