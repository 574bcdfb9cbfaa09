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
		select r.merchant_id, r.id, format('%s of %s %s to store credit, %s given', r.status, r.amount_minor, r.currency, coalesce(e.amount_minor, 0)) from refunds r
		left join credit_entries e on e.merchant_id = r.merchant_id and e.source_kind = 'refund' and e.source_id = r.id
		where (r.destination = 'store_credit') <> (e.source_id is not null) or r.destination = 'store_credit' and (r.status <> 'succeeded' or e.amount_minor <> r.amount_minor)`},
}
