package verify_test

func init() {
	const (
		potter = `insert into suppliers (merchant_id, id, code, name, status, contact_id, location_id, locale, currency, country, timezone, workdays, returns_to, created_at, updated_at)
			select merchant_id, id, 'p', 'Pottery', 'active', id, id, 'en', 'EUR', 'KH', 'UTC', '{1}', 'shop', '2026-01-01', '2026-01-01' from locations`
		asked = `insert into supplier_orders (merchant_id, id, number, supplier_id, order_id, order_number, contact_id, status, currency, due_at, link_until, created_at, updated_at)
			select s.merchant_id, gen_random_uuid(), 'PO' || random(), s.id, o.id, o.number, o.contact_id, 'sent', 'EUR', '2026-01-01', '2026-01-01', '2026-01-01', '2026-01-01'
			from suppliers s, lateral (select * from orders where fulfillment_status = 'unfulfilled' and status = 'confirmed' limit 1) o`
		line = `insert into supplier_order_lines (merchant_id, supplier_order_id, order_line_id, position, variant_id, sku, title, quantity)
			select p.merchant_id, p.id, l.id, 1, l.variant_id, 'MUG', 'Mug', 2 from supplier_orders p join order_lines l on l.order_id = p.order_id`
	)
	breaks["one_purchase_order_per_supplier"] = []string{`alter table supplier_orders drop constraint supplier_orders_merchant_id_order_id_supplier_id_key`, potter, asked, asked}
	breaks["purchase_orders_within_the_order"] = []string{potter, asked, line, `update supplier_order_lines set quantity = 3`}
	breaks["purchase_orders_follow_cancellations"] = []string{potter, asked, line, `update orders set updated_at = '2026-01-01'`, `update order_lines l set shipped = 1 from supplier_order_lines s where s.order_line_id = l.id`}
	breaks["purchase_orders_are_sent"] = []string{potter, asked, line, `update supplier_orders set status = 'pending'`}
	breaks["purchase_order_status_follows"] = []string{potter, asked, line, `update supplier_orders set status = 'completed', ended_at = '2026-01-01'`}
	breaks["supplied_units_are_in_parcels"] = []string{potter, asked, line, `update supplier_order_lines set shipped = 1`, `update supplier_orders set status = 'shipped'`}
	breaks["supplied_units_are_asked_for"] = []string{potter, `update orders set updated_at = '2026-01-01'`}
}
