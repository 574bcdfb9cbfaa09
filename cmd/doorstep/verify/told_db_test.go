package verify_test

import "strings"

func init() {
	const (
		endpoint = `insert into webhook_endpoints (merchant_id, id, url, status, created_at, updated_at) select id, id, 'https://shop.example/', 'active', '2016-01-01', '2016-01-01' from merchants`
		delivery = `insert into webhook_deliveries (merchant_id, id, endpoint_id, event_id, aggregate_id, event, payload, status, due_at, occurred_at, created_at, settled_at)
			select id, $1, id, $1, id, 'order.placed', '{}', $2, '2016-01-01', '2016-01-01', '2016-01-01', $3 from merchants`
		attempt = `insert into webhook_attempts (merchant_id, delivery_id, n, started_at, duration_ms, code)
			select merchant_id, id, 1, '2016-01-01', 5, 500 from webhook_deliveries`
		entry = `with e as (select id, 1::bigint as seq, '{}' as content, decode(repeat('00', 32), 'hex') as prev from merchants),
			h as (insert into audit_heads (merchant_id, seq, hash) select id, 1, sha256(prev || int8send(seq) || convert_to(content, 'UTF8')) from e)
			insert into audit_log (merchant_id, seq, id, acted_at, actor, origin, action, content, prev_hash, hash)
			select id, seq, id, '2026-01-01', 'operator', 'x', 'x', content, prev, sha256(prev || int8send(seq) || convert_to(content, 'UTF8')) from e`
	)
	with := func(id, status, settled string) string {
		return strings.NewReplacer("$1", "'00000000-0000-7000-8000-00000000000"+id+"'::uuid", "$2", "'"+status+"'", "$3", settled).Replace(delivery)
	}
	breaks["delivered_webhook_was_answered"] = []string{endpoint, with("1", "delivered", "'2016-01-02'"), attempt}
	breaks["webhooks_keep_their_order"] = []string{endpoint, with("1", "pending", "null"), with("2", "pending", "null"), attempt}
	breaks["webhooks_are_sent"] = []string{endpoint, with("1", "pending", "null")}
	breaks["audit_chain_is_whole"] = []string{entry, `update audit_log set content = '{"x":1}'`}
	breaks["audit_chain_has_its_end"] = []string{entry, `delete from audit_log`}
}
