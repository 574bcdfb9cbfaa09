package verify_test

func init() {
	const coming = `insert into purchase_shipments (merchant_id, id, status, supplier, incoterm, location_id, currency, freight_minor, shared_by, received_at, created_at, updated_at)
			select id, id, 'received', 'Pottery', 'FOB', id, 'EUR', 10, 'value', '2026-01-01', '2026-01-01', '2026-01-01' from merchants`
	const line = `insert into purchase_lines (merchant_id, purchase_id, line, variant_id, sku, quantity, unit_minor, received, damaged, landed_minor)
			select id, id, 1, id, 'A', 2, 5, 2, 0, 19 from merchants`
	breaks["received_purchase_is_in_stock_once"] = []string{coming, line}
	breaks["landed_lines_cost_what_was_paid"] = []string{coming, line}
}
