package verify

// ledger: every movement of money is booked once, in balance, and is what the
// payments and refunds say.
var ledger = []Invariant{
	{"ledger_balances", `
		select merchant_id, source_id, format('%s: %s entries, %s debit, %s credit', source_kind, count(*),
			coalesce(sum(amount_minor) filter (where side = 'debit'), 0), coalesce(sum(amount_minor) filter (where side = 'credit'), 0))
		from ledger_entries group by merchant_id, source_kind, source_id
		having count(*) filter (where side = 'debit') <> 1 or count(*) filter (where side = 'credit') <> 1
		    or sum(case side when 'debit' then amount_minor else -amount_minor end) <> 0 or min(currency) <> max(currency)`},
	{"ledger_has_the_captures", `
		select p.merchant_id, p.id, format('%s %s captured, %s booked', p.captured_minor, p.currency, coalesce(l.booked, 0)) from payments p
		left join (select merchant_id, payment_id, sum(amount_minor) as booked, min(currency) as currency from ledger_entries
			where source_kind = 'capture' and side = 'debit' group by 1, 2) l on l.merchant_id = p.merchant_id and l.payment_id = p.id
		where p.captured_minor <> coalesce(l.booked, 0) or l.currency <> p.currency`},
	{"ledger_has_the_refunds", `
		select r.merchant_id, r.id, format('%s of %s, %s booked, %s booked back', r.status, r.amount_minor, coalesce(o.amount_minor, 0), coalesce(b.amount_minor, 0))
		from refunds r
		left join ledger_entries o on o.merchant_id = r.merchant_id and o.source_kind = 'refund' and o.source_id = r.id and o.side = 'debit'
		left join ledger_entries b on b.merchant_id = r.merchant_id and b.source_kind = 'refund_failed' and b.source_id = r.id and b.side = 'debit'
		where case r.status when 'succeeded' then o.amount_minor is distinct from r.amount_minor or b.amount_minor is not null
			when 'failed' then o.amount_minor is distinct from b.amount_minor
			else o.amount_minor is not null or b.amount_minor is not null end`},
	{"ledger_has_the_disputes", `
		select p.merchant_id, p.id, format('%s, %s dispute and %s decision booked', p.status, count(d.source_id), count(e.source_id)) from payments p
		left join ledger_entries d on d.merchant_id = p.merchant_id and d.source_kind = 'dispute' and d.source_id = p.id and d.side = 'debit'
		left join ledger_entries e on e.merchant_id = p.merchant_id and e.source_kind = 'dispute_' || p.status and e.source_id = p.id and e.side = 'debit'
			and e.amount_minor = d.amount_minor
		where p.status in ('disputed', 'won', 'lost') or d.source_id is not null
		group by p.merchant_id, p.id
		having count(d.source_id) <> case when p.status in ('disputed', 'won', 'lost') then 1 else 0 end
		    or count(e.source_id) <> case when p.status in ('won', 'lost') then 1 else 0 end`},
	{"ledger_books_what_there_is", `
		select l.merchant_id, l.source_id, 'no payment or refund for this ' || l.source_kind from ledger_entries l
		left join payments p on p.merchant_id = l.merchant_id and p.id = l.payment_id
		left join refunds r on r.merchant_id = l.merchant_id and r.id = l.source_id
		where l.side = 'debit' and (l.source_kind in ('capture', 'dispute', 'dispute_won', 'dispute_lost') and p.id is null
			or l.source_kind in ('refund', 'refund_failed') and r.id is null)`},
}
