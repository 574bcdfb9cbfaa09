package verify

// afterSale: what came back, was exchanged, claimed or credited.
var afterSale = []Invariant{
	{"returned_units_have_come", `
		select l.merchant_id, l.id, format('%s returned, %s have come with returns and exchanges', l.returned, coalesce(b.units, 0)) from order_lines l
		join orders o on o.merchant_id = l.merchant_id and o.id = l.order_id and o.source = 'checkout'
		left join (
			select merchant_id, line_id, sum(units) as units from (
				select merchant_id, line_id, received as units from return_lines
				union all
				select x.merchant_id, l.line_id, l.quantity from exchange_lines l join exchanges x on x.merchant_id = l.merchant_id and x.id = l.exchange_id
				where x.return_id is null and x.status in ('received', 'fulfilled')) b
			group by 1, 2) b on b.merchant_id = l.merchant_id and b.line_id = l.id
		where l.returned <> coalesce(b.units, 0)`},
	{"units_coming_back_are_awaited", `
		select l.merchant_id, l.id, format('%s coming back, %s awaited', l.coming_back, coalesce(b.units, 0)) from order_lines l
		left join (
			select merchant_id, line_id, sum(units) as units from (
				select r.merchant_id, l.line_id, l.quantity - l.received as units from return_lines l join returns r on r.merchant_id = l.merchant_id and r.id = l.return_id
				where r.status in ('requested', 'approved', 'in_transit', 'received')
				union all
				select x.merchant_id, l.line_id, l.quantity from exchange_lines l join exchanges x on x.merchant_id = l.merchant_id and x.id = l.exchange_id
				where x.return_id is null and x.status in ('requested', 'approved')) b
			group by 1, 2) b on b.merchant_id = l.merchant_id and b.line_id = l.id
		where l.coming_back <> coalesce(b.units, 0)`},
	{"line_money_is_settled_once", `
		select merchant_id, id, format('%s bought, %s refunded, %s released', quantity, refunded, released) from order_lines where refunded + released > quantity`},
	{"credit_goes_back", `
		select o.merchant_id, o.id, format('%s taken of %s, %s given back as credit', p.captured, o.total_minor - o.credited_minor, o.credit_refunded_minor) from orders o
		join (select merchant_id, order_id, sum(captured_minor) as captured, max(updated_at) as at from payments where order_id is not null group by 1, 2
			having count(*) filter (where status in ('disputed', 'lost')) = 0) p -- else the buyer's bank has it
			on p.merchant_id = o.merchant_id and p.order_id = o.id
		where o.credited_minor > 0 and o.status <> 'canceled' and p.captured > o.total_minor - o.credited_minor + o.credit_refunded_minor
		  and greatest(o.updated_at, p.at) < $1::timestamptz - interval '15 minutes'`},
	{"paid_return_has_its_refund", `
		select r.merchant_id, r.id, format('%s said to be given back', r.refund_minor) from returns r
		where r.refund_minor > 0 and (r.status <> 'refunded' or not exists (
			select from refunds f where f.merchant_id = r.merchant_id and f.id = r.id and f.order_id = r.order_id))`},
	{"claim_is_made_good_as_it_says", `
		select c.merchant_id, c.id, c.status || ' by ' || c.resolution from claims c
		where (c.status = 'resolved') <> (c.resolution <> '')
		   or (c.resolution in ('refund', 'store_credit') and not exists (select from refunds f
			where f.merchant_id = c.merchant_id and f.id = c.id and f.order_id = c.order_id and (f.destination = 'store_credit') = (c.resolution = 'store_credit')))
		   or (c.resolution = 'replacement' and exists (
			select from claim_lines l left join order_lines n on n.merchant_id = l.merchant_id and n.order_id = c.order_id and n.id = l.new_line_id
			where l.merchant_id = c.merchant_id and l.claim_id = c.id and n.quantity is distinct from l.quantity))`},
	{"exchange_has_its_new_units", `
		select x.merchant_id, x.id, format('%s, line %s', x.status, l.line_id) from exchanges x
		join exchange_lines l on l.merchant_id = x.merchant_id and l.exchange_id = x.id
		left join order_lines n on n.merchant_id = x.merchant_id and n.order_id = x.order_id and n.id = l.new_line_id and n.origin = 'exchange'
		where (x.status in ('approved', 'received', 'fulfilled') and (n.quantity is distinct from l.quantity or n.canceled > 0))
		   or (x.status = 'canceled' and n.canceled < n.quantity) or (x.status = 'fulfilled' and n.shipped = 0) or (n.shipped > 0 and x.status <> 'fulfilled')`},
	{"claimed_units_were_shipped_once", `
		select l.merchant_id, l.line_id, format('%s claimed', sum(l.quantity)) from claim_lines l
		join claims c on c.merchant_id = l.merchant_id and c.id = l.claim_id and c.status in ('open', 'approved', 'resolved')
		join order_lines o on o.merchant_id = c.merchant_id and o.order_id = c.order_id and o.id = l.line_id
		group by l.merchant_id, l.line_id having sum(l.quantity) > max(o.quantity - o.canceled)`},
}
