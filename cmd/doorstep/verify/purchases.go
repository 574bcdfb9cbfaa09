package verify

// purchases: what came from suppliers.
var purchases = []Invariant{
	{"received_purchase_is_in_stock_once", `
		select p.merchant_id, p.id, format('%s: %s received, %s put into stock', p.status, coalesce(l.units, 0), coalesce(a.units, 0)) from purchase_shipments p
		left join (select merchant_id, purchase_id, sum(received) as units from purchase_lines group by 1, 2) l on l.merchant_id = p.merchant_id and l.purchase_id = p.id
		left join (select merchant_id, note, sum(delta) as units from stock_adjustments where reason = 'received' and note like 'purchase %' group by 1, 2) a
			on a.merchant_id = p.merchant_id and a.note = 'purchase ' || p.id
		where coalesce(l.units, 0) <> coalesce(a.units, 0) or (p.status = 'received') <> (l.units is not null)`},
	{"landed_lines_cost_what_was_paid", `
		select p.merchant_id, p.id, format('%s landed, %s paid', sum(l.landed_minor), sum(l.unit_minor * (l.received + l.damaged)) + max(p.freight_minor + p.duty_minor + p.fees_minor))
		from purchase_shipments p join purchase_lines l on l.merchant_id = p.merchant_id and l.purchase_id = p.id
		where p.status = 'received' group by p.merchant_id, p.id
		having sum(l.landed_minor) <> sum(l.unit_minor * (l.received + l.damaged)) + max(p.freight_minor + p.duty_minor + p.fees_minor)`},
}
