package web

import (
	"net/url"
	"slices"
	"strings"
)

// details are the pages of single things.
var details = append([]detail{
	{
		Name: "returns", API: "/v1/returns", Scope: "orders:read", Title: "number", Badge: status("return_status."), Prepare: afterSale,
		Facts: []column{
			{Name: "order", Path: "order_number", Link: "/admin/orders/{order_id}"}, created, {Name: "source", Kind: "word", Words: "web.admin.code."}, {Name: "refunded", Kind: "money"},
			{Name: "restocking_fee_bps", Kind: "percent"}, {Name: "carrier"}, {Name: "tracking_number"}, {Name: "received_at", Kind: "time"}, {Name: "closed_at", Kind: "time"}, {Name: "reject_reason"},
		},
		Tables: []innerTable{{Name: "lines", Path: "lines", Columns: []column{
			{Name: "title"}, {Name: "reason", Kind: "word", Words: "web.admin.why."}, {Name: "note"}, {Name: "quantity", Kind: "number"}, {Name: "received", Kind: "number"}, {Name: "resellable", Kind: "number"}, {Name: "damaged", Kind: "number"}, {Name: "refunded", Kind: "number"},
		}}},
		Files:   []column{{Name: "label", Path: "label.id", Link: "/v1/returns/{id}/label"}},
		Actions: []string{"return-approve", "return-label", "return-send", "return-receive", "return-inspect", "return-refund", "return-reject", "return-label-void", "return-cancel"},
	},
	{
		Name: "exchanges", API: "/v1/exchanges", Scope: "orders:read", Title: "number", Badge: status("exchange_status."), Prepare: afterSale,
		Facts: []column{
			{Name: "order", Path: "order_number", Link: "/admin/orders/{order_id}"}, created, {Name: "old_value", Kind: "money"}, {Name: "new_value", Kind: "money"}, {Name: "difference", Kind: "money"},
			{Name: "note"}, {Name: "return", Path: "return_id", Kind: "goto", Link: "/admin/returns/{return_id}"}, {Name: "closed_at", Kind: "time"},
		},
		Tables:  []innerTable{{Name: "lines", Path: "lines", Columns: []column{{Name: "title"}, {Name: "quantity", Kind: "number"}, {Name: "reason", Kind: "word", Words: "web.admin.why."}, {Name: "damaged", Kind: "number"}}}},
		Actions: []string{"exchange-approve", "exchange-receive", "exchange-fulfill", "exchange-cancel"},
	},
	{
		Name: "claims", API: "/v1/claims", Scope: "orders:read", Title: "number", Badge: status("claim_status."), Prepare: afterSale,
		Facts: []column{
			{Name: "order", Path: "order_number", Link: "/admin/orders/{order_id}"}, created, {Name: "kind", Kind: "word", Words: "web.admin.why."}, {Name: "note"}, {Name: "resolution", Kind: "word", Words: "web.admin.code."},
			{Name: "refunded", Kind: "money"}, {Name: "deny_reason"}, {Name: "closed_at", Kind: "time"},
		},
		Tables:  []innerTable{{Name: "lines", Path: "lines", Columns: []column{{Name: "title"}, {Name: "quantity", Kind: "number"}}}},
		Actions: []string{"claim-approve", "claim-resolve", "claim-deny", "claim-cancel"},
	},
	{
		Name: "bank", API: "/v1/bank-statements", Scope: "orders:read", Title: "file_name", Facts: statementColumns,
		Tables: statementTables("/v1/bank-statements/{id}/lines", "bank-match"),
	},
	{
		Name: "courier", API: "/v1/courier-settlements", Scope: "orders:read", Title: "file_name", Facts: statementColumns,
		Tables: statementTables("/v1/courier-settlements/{id}/lines", "courier-match"),
	},
	{
		Name: "giftcards", API: "/v1/gift-cards", Scope: "refunds:read", Title: "last_four", Badge: status("web.admin.code."),
		Facts:   []column{{Name: "balance", Kind: "money"}, created, {Name: "expires_at", Kind: "time"}, {Name: "note"}},
		Tables:  []innerTable{{Name: "entries", Path: "entries", Columns: []column{{Name: "booked_at", Kind: "time"}, {Name: "type", Kind: "word", Words: "web.admin.code."}, {Name: "amount", Kind: "money"}, {Name: "balance", Kind: "money"}, {Name: "reason"}, {Name: "actor"}}}},
		Prepare: func(_ *desk, of doc) { of["currency"] = textAt(of, "balance.currency") },
		Actions: []string{"giftcard-adjust", "giftcard-disable"},
	},
	{
		Name: "pickups", API: "/v1/pickups", Scope: "shipping:read", Title: "carrier_id", Badge: status("web.admin.code."),
		Facts:   []column{{Name: "carrier"}, {Name: "ready_at", Kind: "time"}, {Name: "last_at", Kind: "time"}, {Name: "cost", Kind: "money"}, created, {Name: "failure_text"}},
		Actions: []string{"pickup-cancel", "pickup-resolve"},
	},
	{
		Name: "manifests", API: "/v1/manifests", Scope: "shipping:read", Title: "carrier_id", Badge: status("web.admin.code."),
		Facts:   []column{{Name: "carrier"}, created, {Name: "failure_text"}},
		Actions: []string{"manifest-resolve"},
		Files:   []column{{Name: "manifest", Path: "documents.0.sha256", Link: "/v1/manifests/{id}/document"}},
	},
	{
		Name: "carriers", API: "/v1/carrier-accounts", Scope: "shipping:read", Title: "code",
		Facts: []column{
			{Name: "name"}, {Name: "carrier"}, {Name: "enabled", Kind: "check"}, {Name: "credentials", Kind: "list"}, {Name: "base_url"}, {Name: "timeout_ms", Kind: "number"}, {Name: "ship_from", Kind: "lines"}, created, {Name: "updated_at", Kind: "time"},
		},
		Actions: []string{"carrier-test", "carrier-change", "carrier-remove"},
	},
	{
		Name: "products", API: "/v1/products", Scope: "catalog:read", Query: url.Values{"view": {"admin"}}, Title: "title", Badge: status("web.admin.code."), Prepare: stockOfProduct,
		Facts: []column{
			{Name: "picture", Path: "images.0", Kind: "picture"}, {Name: "slug"}, {Name: "brand"}, {Name: "category", Kind: "list"}, {Name: "tags", Kind: "list"}, {Name: "options", Kind: "list"}, {Name: "tax_class"}, {Name: "updated_at", Kind: "time"}, {Name: "description"},
		},
		Tables: []innerTable{
			{Name: "variants", Path: "variants", Columns: []column{{Name: "sku"}, {Name: "option_values", Kind: "list"}, {Name: "prices", Kind: "moneys"}, {Name: "weight_g", Kind: "number"}, {Name: "hs_code"}, {Name: "origin_country", Kind: "country"}, status("web.admin.code.")}, Each: []string{"prices-set"}},
			{Name: "stock", Path: "stock", Columns: []column{{Name: "sku"}, {Name: "location"}, {Name: "free", Kind: "stock"}, {Name: "received", Kind: "number"}}},
		},
		Actions: []string{"product-change", "stock-set", "product-words", "product-variants", "product-remove"},
	},
	{
		Name: "promotions", API: "/v1/promotions", Scope: "promotions:read", Title: "name.en", Badge: status("web.admin.code."),
		Facts: []column{
			{Name: "kind", Kind: "word", Words: "web.admin.code."}, {Name: "bps", Kind: "percent"}, {Name: "amounts", Kind: "moneys"}, {Name: "automatic", Kind: "check"}, {Name: "public_code"}, {Name: "uses", Kind: "number"}, {Name: "total_limit", Kind: "number"}, {Name: "per_customer_limit", Kind: "number"},
			{Name: "starts_at", Kind: "time"}, {Name: "ends_at", Kind: "time"}, {Name: "minimum_subtotal", Kind: "moneys"}, {Name: "countries", Kind: "list"}, created,
		},
		Tables:  []innerTable{{Name: "codes", API: "/v1/promotions/{id}/codes", Scope: "promotions:read", Code: "code", Columns: []column{{Name: "code"}, {Name: "single_use", Kind: "check"}, {Name: "spent", Kind: "check"}, created}, Each: []string{"code-remove"}}},
		Actions: []string{"codes-add", "promotion-change", "promotion-archive"},
	},
	{
		Name: "purchases", API: "/v1/purchase-shipments", Scope: "stock:read", Title: "supplier", Badge: status("web.admin.code."),
		Facts: []column{
			{Name: "reference"}, {Name: "incoterm"}, {Name: "expected_on"}, {Name: "late", Kind: "check"}, {Name: "carrier"}, {Name: "tracking_number"}, {Name: "freight", Kind: "money"}, {Name: "duty", Kind: "money"}, {Name: "fees", Kind: "money"}, {Name: "shared_by", Kind: "word"}, {Name: "received_at", Kind: "time"}, created,
		},
		Tables: []innerTable{
			{Name: "lines", Path: "lines", Columns: []column{{Name: "sku"}, {Name: "quantity", Kind: "number"}, {Name: "unit_price", Kind: "money"}, {Name: "received", Kind: "number"}, {Name: "damaged", Kind: "number"}, {Name: "discrepancy", Kind: "number"}, {Name: "landed_unit", Kind: "money"}}},
			{Name: "milestones", Path: "milestones", Columns: []column{{Name: "at", Kind: "time"}, status("web.admin.code."), {Name: "note"}}},
			{Name: "documents", Path: "documents", Columns: []column{{Name: "kind", Kind: "word"}, {Name: "document", Path: "name"}, {Name: "url"}}},
		},
		Actions: []string{"purchase-pass", "purchase-receive", "purchase-change", "purchase-document", "purchase-cancel"},
	},
	{
		Name: "webhooks", API: "/v1/webhook-endpoints", Scope: "settings:read", Title: "url", Badge: status("web.admin.code."),
		Facts: []column{{Name: "description"}, {Name: "events", Kind: "list"}, {Name: "failing_since", Kind: "time"}, {Name: "disabled_at", Kind: "time"}, {Name: "disabled_reason", Kind: "word"}, {Name: "old_secret_until", Kind: "time"}, created},
		Tables: []innerTable{{
			Name: "deliveries", API: "/v1/deliveries?endpoint_id={id}", Scope: "settings:read", Link: "/admin/deliveries/{id}",
			Columns: []column{{Name: "event"}, {Name: "occurred_at", Kind: "time"}, status("web.admin.code."), {Name: "attempts", Kind: "number"}, {Name: "last_code"}},
		}},
		Actions: []string{"webhook-test", "webhook-change", "webhook-rotate", "webhook-remove"},
	},
	{
		Name: "deliveries", API: "/v1/deliveries", Scope: "settings:read", Title: "event", Badge: status("web.admin.code."),
		Facts: []column{
			{Name: "webhook_id"}, {Name: "subject_id"}, {Name: "occurred_at", Kind: "time"}, {Name: "attempts", Kind: "number"}, {Name: "next_attempt_at", Kind: "time"}, {Name: "settled_at", Kind: "time"}, {Name: "dead_reason", Kind: "word"},
			{Name: "webhook", Path: "endpoint_id", Kind: "goto", Link: "/admin/webhooks/{endpoint_id}"}, {Name: "body", Kind: "json"},
		},
		Tables:  []innerTable{{Name: "log", Path: "log", Columns: []column{{Name: "n", Kind: "number"}, {Name: "started_at", Kind: "time"}, {Name: "answer_code", Path: "code"}, {Name: "error", Kind: "word"}, {Name: "duration_ms", Kind: "number"}, {Name: "excerpt"}}}},
		Actions: []string{"redeliver"},
	},
}, slices.Concat(supplyDetails, supportDetails)...)

// settingsDetail is the shop's settings: one thing, so it is a page of its own.
var settingsDetail = detail{
	Name: "settings", Title: "name",
	Facts: []column{
		{Name: "countries", Kind: "list"}, {Name: "currencies", Kind: "list"}, {Name: "languages", Kind: "list", Words: "web.admin.language."}, {Name: "timezone"}, {Name: "return_window_days", Kind: "number"},
		{Name: "prices_include_tax", Kind: "check"}, {Name: "card", Path: "card.enabled", Kind: "check"}, {Name: "bank_transfer", Path: "bank_transfer.enabled", Kind: "check"}, {Name: "cash_on_delivery_on", Path: "cash_on_delivery.enabled", Kind: "check"},
		{Name: "sender_email", Path: "sender.email"}, {Name: "checked_on", Path: "trust.checked_on"},
	},
	Actions: []string{"settings-change", "settings-prices", "settings-sender", "settings-trust"},
}

func settingsPage(d *desk) error {
	of, err := d.read("/v1/settings", nil)
	if err != nil {
		return err
	}
	return d.detailOf(settingsDetail, "shop", of)
}

// statementTables are the lines of a file of the bank or of a courier.
func statementTables(api, match string) []innerTable {
	return []innerTable{
		{Name: "statement_lines", API: api + "?limit=100", Scope: "orders:read", Each: []string{match}, Columns: []column{
			{Name: "row", Kind: "number"}, {Name: "amount", Kind: "money"}, {Name: "payer"}, {Name: "reference_text", Path: "reference"}, {Name: "tracking_number"},
			{Name: "order", Path: "order_number", Link: "/admin/orders/{order_id}"}, status("web.admin.code."), {Name: "reason_code", Kind: "word"}, {Name: "surplus", Kind: "money"},
		}},
		{Name: "row_errors", Path: "errors", Columns: rowErrorColumns},
	}
}

var rowErrorColumns = []column{{Name: "row", Kind: "number"}, {Name: "row_field", Path: "field"}, {Name: "message"}}

// afterSale names the lines of a return, an exchange or a claim as the order does,
// and lets labels be asked for.
func afterSale(d *desk, of doc) {
	carrierAccounts(d, of)
	placed := d.glance("orders:read", fill("/v1/orders/{order_id}", of), nil)
	of["order_number"], of["currency"] = textAt(placed, "number"), textAt(placed, "currency")
	titles := map[string]string{}
	for _, line := range listAt(placed, "line_items") {
		titles[textAt(line, "id")] = textAt(line, "title")
	}
	for _, one := range listAt(of, "lines") {
		if line, ok := one.(doc); ok {
			line["title"] = titles[textAt(line, "line_id")]
		}
	}
}

// stockOfProduct adds how many can be sold of each variant.
func stockOfProduct(d *desk, of doc) {
	found := d.glance("stock:read", "/v1/stock?product_id="+textAt(of, "id"), nil)
	entries := listAt(found, "data")
	for _, one := range entries {
		if level, ok := one.(doc); ok {
			level["key"] = strings.Map(func(r rune) rune {
				if r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
					return r
				}
				return '-'
			}, textAt(level, "sku")+"-"+textAt(level, "location"))
		}
	}
	of["stock"] = entries
}
