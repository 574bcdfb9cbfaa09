package verify

// arrivals: what banks and couriers say has come.
var arrivals = []Invariant{
	{"arrivals_are_on_their_payments", `
		select p.merchant_id, p.id, format('%s captured, its lines brought %s', p.captured_minor, l.brought) from payments p
		join (select merchant_id, payment_id, sum(captured_minor) as brought from statement_lines where payment_id is not null group by 1, 2) l
			on l.merchant_id = p.merchant_id and l.payment_id = p.id
		where l.brought > p.captured_minor`},
	{"arrivals_belong_to_their_order", `
		select l.merchant_id, l.id, format('%s line of payment %s and order %s', l.status, l.payment_id, l.order_id) from statement_lines l
		left join payments p on p.merchant_id = l.merchant_id and p.id = l.payment_id and p.order_id = l.order_id and p.currency = l.currency
		where (l.status in ('matched', 'partial', 'overpaid', 'difference')) <> (p.id is not null)
		   or (l.captured_minor > 0 and l.captured_minor + l.surplus_minor <> l.amount_minor)`},
	{"arrivals_are_looked_at", `
		select merchant_id, id, 'new since ' || created_at from statement_lines where status = 'new' and created_at < $1::timestamptz - interval '15 minutes'`},
}
