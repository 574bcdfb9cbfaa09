package verify

// credit: gift cards and store credit are what has moved them, and the ledger
// has all of it.
var credit = []Invariant{
	{"credit_is_the_sum_of_its_entries", `
		select a.merchant_id, a.id, format('%s of %s %s, its entries %s', a.kind, a.balance_minor, a.currency, coalesce(e.sum, 0)) from credit_accounts a
		left join (select merchant_id, account_id, sum(amount_minor) as sum from credit_entries group by 1, 2) e
			on e.merchant_id = a.merchant_id and e.account_id = a.id
		where a.balance_minor <> coalesce(e.sum, 0)`},
	{"ledger_has_the_credit", `
		select e.merchant_id, e.source_id, format('%s of %s, the ledger has %s', e.source_kind, e.amount_minor, coalesce(l.amount_minor, 0)) from credit_entries e
		join credit_accounts a on a.merchant_id = e.merchant_id and a.id = e.account_id
		left join ledger_entries l on l.merchant_id = e.merchant_id and l.source_kind = e.source_kind and l.source_id = e.source_id
			and l.account = 'store_credit_liability' and l.side = case when e.amount_minor > 0 then 'credit' else 'debit' end
		where l.amount_minor is distinct from abs(e.amount_minor) or l.currency <> a.currency`},
	{"credit_in_the_ledger_is_somebodys", `
		select l.merchant_id, l.source_id, format('%s of %s %s, and no entry for it', l.source_kind, l.amount_minor, l.currency) from ledger_entries l
		left join credit_entries e on e.merchant_id = l.merchant_id and e.source_kind = l.source_kind and e.source_id = l.source_id
		where l.account = 'store_credit_liability' and e.source_id is null`},
	{"refund_to_store_credit_is_there", `
		select r.merchant_id, r.id, format('%s of %s %s to credit, %s given', r.status, r.amount_minor, r.currency, coalesce(e.amount_minor, 0)) from refunds r
		left join payments p on p.merchant_id = r.merchant_id and p.id = r.payment_id
		left join credit_entries e on e.merchant_id = r.merchant_id and e.source_kind = 'refund' and e.source_id = r.id
		where (r.destination = 'store_credit' or coalesce(p.part, 0) > 0) <> (e.source_id is not null)
		   or e.source_id is not null and (r.status <> 'succeeded' or e.amount_minor <> r.amount_minor)
		   or r.destination = 'original' and p.part > 0 and e.account_id <> p.credit_account_id`},
	{"credit_pays_its_attempt", `
		select p.merchant_id, p.id, format('%s, %s by credit, of which %s is held or spent', p.status, p.credit_minor, coalesce(c.paid, 0)) from payments p
		left join (select merchant_id, checkout_id, attempt, sum(amount_minor) as paid from payments
			where part > 0 and status in ('authorized', 'captured') group by 1, 2, 3) c
			on c.merchant_id = p.merchant_id and c.checkout_id = p.checkout_id and c.attempt = p.attempt
		where p.part = 0 and coalesce(c.paid, 0) <>
			case when p.order_id is not null or p.failure_code = '' and p.status in ('pending', 'unknown', 'requires_action') then p.credit_minor else 0 end`},
	{"credit_that_pays_was_taken", `
		select p.merchant_id, p.id, format('%s of %s by credit, %s taken and %s released', p.status, p.amount_minor, -coalesce(t.amount_minor, 0), coalesce(r.amount_minor, 0))
		from payments p
		left join credit_entries t on t.merchant_id = p.merchant_id and t.source_kind = 'credit_held' and t.source_id = p.id and t.account_id = p.credit_account_id
		left join credit_entries r on r.merchant_id = p.merchant_id and r.source_kind = 'credit_released' and r.source_id = p.id and r.account_id = p.credit_account_id
		where p.part > 0 and (t.amount_minor is distinct from -p.amount_minor
		   or coalesce(r.amount_minor, 0) <> case p.status when 'voided' then p.amount_minor else 0 end
		   or (p.status = 'captured') <> (p.order_id is not null) or p.status not in ('authorized', 'captured', 'voided'))`},
	{"taken_credit_pays", `
		select e.merchant_id, e.source_id, format('%s of %s, and no payment of it', e.source_kind, e.amount_minor) from credit_entries e
		left join payments p on p.merchant_id = e.merchant_id and p.id = e.source_id and p.part > 0
		where e.source_kind in ('credit_held', 'credit_released') and p.id is null`},
	{"held_credit_is_in_the_ledger", `
		select coalesce(l.merchant_id, p.merchant_id), coalesce(l.merchant_id, p.merchant_id), format('the ledger holds %s, attempts %s', coalesce(l.balance, 0), coalesce(p.held, 0))
		from (select merchant_id, sum(case side when 'credit' then amount_minor else -amount_minor end) as balance from ledger_entries
			where account = 'credit_held' group by 1) l
		full join (select merchant_id, sum(amount_minor) as held from payments where part > 0 and status = 'authorized' group by 1) p on p.merchant_id = l.merchant_id
		where coalesce(l.balance, 0) <> coalesce(p.held, 0)`},
	{"order_tells_its_tenders", `
		select o.merchant_id, o.id, format('%s by credit told, %s paid', t.told, coalesce(p.paid, 0)) from orders o
		cross join lateral (select coalesce(sum((t ->> 'amount')::bigint), 0) as told from jsonb_array_elements(o.tenders) t) t
		left join (select merchant_id, order_id, sum(captured_minor) as paid from payments where part > 0 and order_id is not null group by 1, 2) p
			on p.merchant_id = o.merchant_id and p.order_id = o.id
		where t.told <> coalesce(p.paid, 0)`},
}
