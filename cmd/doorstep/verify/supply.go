package verify

// supply: what suppliers are asked to send.
var supply = []Invariant{
	{"one_purchase_order_per_supplier", `
		select merchant_id, order_id, format('%s purchase orders at supplier %s', count(*), supplier_id) from supplier_orders
		group by merchant_id, order_id, supplier_id having count(*) > 1`},
	{"purchase_orders_within_the_order", `
		select l.merchant_id, l.order_line_id, format('%s asked of suppliers, %s ordered', sum(l.quantity - l.canceled), max(coalesce(o.quantity, 0)))
		from supplier_order_lines l
		join supplier_orders p on p.merchant_id = l.merchant_id and p.id = l.supplier_order_id
		left join order_lines o on o.merchant_id = p.merchant_id and o.order_id = p.order_id and o.id = l.order_line_id
		group by l.merchant_id, l.order_line_id having sum(l.quantity - l.canceled) > max(coalesce(o.quantity, 0))`},
	{"purchase_orders_follow_cancellations", `
		select l.merchant_id, l.order_line_id, format('suppliers are to send %s, %s are to be sent', sum(l.quantity - l.shipped - l.canceled), max(o.quantity - o.shipped - o.canceled))
		from supplier_order_lines l
		join supplier_orders p on p.merchant_id = l.merchant_id and p.id = l.supplier_order_id and p.status in ('pending', 'sent', 'accepted', 'shipped')
		join orders b on b.merchant_id = p.merchant_id and b.id = p.order_id and b.updated_at < $1::timestamptz - interval '15 minutes'
		join order_lines o on o.merchant_id = p.merchant_id and o.order_id = p.order_id and o.id = l.order_line_id
		group by l.merchant_id, l.order_line_id having sum(l.quantity - l.shipped - l.canceled) > max(o.quantity - o.shipped - o.canceled)`},
	{"purchase_orders_are_sent", `
		select merchant_id, id, format('mail %s is not sent since %s', mailing, updated_at) from supplier_orders
		where status = 'pending' and mail_failure = '' and updated_at < $1::timestamptz - interval '1 hour'`},
	{"purchase_order_status_follows", `
		select p.merchant_id, p.id, format('%s with %s open and %s shipped', p.status, coalesce(l.open, 0), coalesce(l.shipped, 0)) from supplier_orders p
		left join (select merchant_id, supplier_order_id, sum(quantity - shipped - canceled) as open, sum(shipped) as shipped from supplier_order_lines group by 1, 2) l
			on l.merchant_id = p.merchant_id and l.supplier_order_id = p.id
		where (p.status = 'completed' and (l.open > 0 or l.shipped = 0)) or (p.status in ('rejected', 'canceled') and l.shipped > 0)
		   or (p.status in ('pending', 'sent', 'accepted', 'shipped') and coalesce(l.open, 0) = 0) or (p.status = 'shipped' and l.shipped = 0)`},
	{"supplied_units_are_in_parcels", `
		select l.merchant_id, l.supplier_order_id, format('line %s: %s shipped, %s in parcels', l.order_line_id, l.shipped, coalesce(s.units, 0)) from supplier_order_lines l
		join supplier_orders p on p.merchant_id = l.merchant_id and p.id = l.supplier_order_id
		left join (
			select c.merchant_id, c.supplier_order_id, i.order_line_id, sum(i.quantity) as units from supplier_shipments c
			join shipments h on h.merchant_id = c.merchant_id and h.id = c.shipment_id and h.status <> 'canceled'
			join shipment_lines i on i.merchant_id = h.merchant_id and i.shipment_id = h.id
			group by 1, 2, 3) s on s.merchant_id = l.merchant_id and s.supplier_order_id = l.supplier_order_id and s.order_line_id = l.order_line_id
		where l.shipped <> least(coalesce(s.units, 0), l.quantity - l.canceled) and p.updated_at < $1::timestamptz - interval '15 minutes'`},
	{"supplied_units_are_asked_for", `
		select o.merchant_id, o.id, format('sold from the stock of supplier %s, who was not asked', s.id) from suppliers s
		join reservations r on r.merchant_id = s.merchant_id and r.location_id = s.location_id and r.status = 'committed' and r.quantity > r.restocked and r.created_at > s.created_at
		join orders o on o.merchant_id = r.merchant_id and o.checkout_id = r.checkout_id and o.source = 'checkout'
		where o.status = 'confirmed' and (o.payment_status = 'paid' or o.payment_method = 'cash_on_delivery' and o.payment_status = 'unpaid')
		  and o.fulfillment_status = 'unfulfilled' and o.updated_at < $1::timestamptz - interval '1 hour'
		  and not exists (select from supplier_orders p where p.merchant_id = o.merchant_id and p.order_id = o.id and p.supplier_id = s.id)
		  and not exists (select from order_lines l where l.merchant_id = o.merchant_id and l.order_id = o.id and l.held)`},
}
