package web

// sendActions are about carriers and what they are asked to do.
var sendActions = map[string]action{
	"label-resolve": {Method: post, Path: "/v1/labels/{id}/resolve", Scope: "shipping:write", Danger: true, Fields: []field{
		{Name: "exists", Kind: "yesno", Required: true}, {Name: "carrier_id"}, {Name: "tracking_numbers", Kind: "list"},
	}},
	"pickup-book": {Method: post, Path: "/v1/pickups", Scope: "shipping:write", Goto: "pickups", Fields: []field{
		{Name: "account_id", Kind: "choice", Required: true, Words: "web.admin.account."}, {Name: "ready_at", Kind: "time", Required: true}, {Name: "last_at", Kind: "time", Required: true},
		{Name: "parcels", Kind: "integer", Required: true}, {Name: "weight_g", Kind: "integer", Required: true}, {Name: "note"},
	}},
	"pickup-cancel": {Method: post, Path: "/v1/pickups/{id}/cancel", Scope: "shipping:write", Danger: true},
	"manifest-make": {Method: post, Path: "/v1/manifests", Scope: "shipping:write", Goto: "manifests", Fields: []field{
		{Name: "account_id", Kind: "choice", Required: true, Words: "web.admin.account."}, {Name: "day", Kind: "time"},
	}},

	"pickup-resolve":   {Method: post, Path: "/v1/pickups/{id}/resolve", Scope: "shipping:write", Danger: true, Fields: []field{{Name: "exists", Kind: "yesno", Required: true}, {Name: "carrier_id"}}},
	"manifest-resolve": {Method: post, Path: "/v1/manifests/{id}/resolve", Scope: "shipping:write", Danger: true, Fields: []field{{Name: "exists", Kind: "yesno", Required: true}, {Name: "carrier_id"}}},

	"carrier-add":    {Method: post, Path: "/v1/carrier-accounts", Scope: "shipping:write", Goto: "carriers", Fields: carrierFields(true)},
	"carrier-change": {Method: patch, Path: "/v1/carrier-accounts/{id}", Scope: "shipping:write", Versioned: true, Fields: append(carrierFields(false), field{Name: "enabled", Kind: "yesno"})},
	"carrier-test":   {Method: post, Path: "/v1/carrier-accounts/{id}/test", Scope: "shipping:write", Show: true},
	"carrier-remove": {Method: remove, Path: "/v1/carrier-accounts/{id}", Scope: "shipping:write", Danger: true, Away: "/admin/carriers"},

	"policy-check":    {Method: post, Path: "/v1/shipping/policies/check", Scope: "shipping:read", Show: true, Whole: true, Fields: []field{policyDocument}},
	"policy-draft":    {Method: post, Path: "/v1/shipping/policies", Scope: "shipping:write", Goto: "policies", Whole: true, Fields: []field{policyDocument}},
	"policy-save":     {Method: put, Path: "/v1/shipping/policies/{id}", Scope: "shipping:write", Whole: true, Fields: []field{policyDocument}},
	"policy-publish":  {Method: post, Path: "/v1/shipping/policies/{id}/publish", Scope: "shipping:write", Danger: true, Goto: "policies"},
	"policy-remove":   {Method: remove, Path: "/v1/shipping/policies/{id}", Scope: "shipping:write", Danger: true, Away: "/admin/policies"},
	"policy-diff":     {Method: post, Path: "/v1/shipping/policies/{id}/diff", Scope: "shipping:read", Show: true, Fields: []field{{Name: "against", Kind: "choice", Words: "web.admin.version."}}},
	"policy-simulate": {Method: post, Path: "/v1/shipping/simulate", Scope: "shipping:read", Show: true, Fields: simulateFields},
}

var policyDocument = field{Name: "document", Kind: "json", Required: true}

// simulateFields ask about one parcel; the body has a list of requests, of which
// this is the only one.
var simulateFields = []field{
	{Name: "policy_version", Kind: "integer", From: "number"},
	{Name: "requests", Kind: "rows", Blank: 1, Count: "*", Columns: []field{
		{Name: "country", Path: "dest.country", Value: "AM"}, {Name: "postcode", Path: "dest.postcode"}, {Name: "region", Path: "dest.region"},
		{Name: "currency", Value: "EUR"},
		{Name: "unit_price", Path: "items[].unit_price", Kind: "integer", Value: "2500"}, {Name: "weight_g", Path: "items[].weight_g", Kind: "integer", Value: "500"}, {Name: "quantity", Path: "items[].quantity", Kind: "integer", Value: "1"},
	}},
}

func carrierFields(isNew bool) []field {
	first := []field{{Name: "code"}}
	if isNew {
		first = []field{{Name: "carrier", Required: true}, {Name: "code"}}
	}
	return append(first, field{Name: "name"}, field{Name: "credentials", Kind: "pairs", From: "none"}, field{Name: "settings", Kind: "json"},
		field{Name: "base_url", Kind: "url"}, field{Name: "timeout_ms", Kind: "integer"}, field{Name: "ship_from", Kind: "address"})
}

var prices = field{Name: "prices", Kind: "rows", Rows: "prices", Key: "currency", Title: "none", Blank: 1, Columns: []field{
	{Name: "currency", Required: true}, {Name: "amount", Kind: "minor", Required: true}, {Name: "sale_amount", Kind: "minor"}, {Name: "sale_starts_at", Kind: "time"}, {Name: "sale_ends_at", Kind: "time"},
}}

// productFields are those of a product's page.
var productFields = []field{
	{Name: "title", Required: true}, {Name: "slug"}, {Name: "status", Kind: "choice", Choices: []string{"draft", "active", "archived"}, Words: "web.admin.code.", Required: true},
	{Name: "brand"}, {Name: "category", Kind: "list"}, {Name: "tags", Kind: "list"}, {Name: "description", Kind: "long"}, {Name: "images", Kind: "list"},
}

// shopActions are about what is sold.
var shopActions = map[string]action{
	"product-add": {Method: post, Path: "/v1/products", Scope: "catalog:write", Goto: "products", Fields: []field{
		{Name: "title", Required: true}, {Name: "brand"}, {Name: "category", Kind: "list"}, {Name: "description", Kind: "long"},
		{Name: "variants", Kind: "rows", Blank: 2, Columns: []field{{Name: "sku"}, {Name: "weight_g", Kind: "integer"}}},
	}},
	"product-change":   {Method: patch, Path: "/v1/products/{id}", Scope: "catalog:write", Versioned: true, Keep: true, Fields: productFields},
	"product-words":    {Method: patch, Path: "/v1/products/{id}", Scope: "catalog:write", Versioned: true, Fields: []field{{Name: "translations", Kind: "json"}, {Name: "attributes", Kind: "json"}, {Name: "options", Kind: "list"}}},
	"product-variants": {Method: patch, Path: "/v1/products/{id}", Scope: "catalog:write", Versioned: true, Fields: []field{{Name: "variants", Kind: "json", Required: true}}},
	"product-remove":   {Method: remove, Path: "/v1/products/{id}", Scope: "catalog:write", Danger: true, Away: "/admin/products"},
	"prices-set":       {Method: put, Path: "/v1/variants/{id}/prices", Scope: "catalog:write", Fields: []field{prices}},
	"stock-set": {Method: post, Path: "/v1/stock/adjustments", Scope: "stock:write", Fields: []field{
		{Name: "adjustments", Kind: "rows", Rows: "stock", Key: "key", Title: "none", Blank: 2, Any: []string{"delta", "set_to"}, Columns: []field{
			{Name: "sku"}, {Name: "location"}, {Name: "delta", Kind: "integer", From: "none"}, {Name: "set_to", Kind: "integer", From: "none"}, {Name: "reason", Value: "counted"}, {Name: "note"},
		}},
	}},
	"location-add":    {Method: post, Path: "/v1/locations", Scope: "stock:write", Fields: locationFields},
	"location-change": {Method: put, Path: "/v1/locations/{id}", Scope: "stock:write", Fields: locationFields},

	"promotion-add":     {Method: post, Path: "/v1/promotions", Scope: "promotions:write", Goto: "promotions", Fields: promotionFields},
	"promotion-change":  {Method: put, Path: "/v1/promotions/{id}", Scope: "promotions:write", Versioned: true, Fields: promotionFields},
	"promotion-archive": {Method: remove, Path: "/v1/promotions/{id}", Scope: "promotions:write", Danger: true, Away: "/admin/promotions"},
	"codes-add": {Method: post, Path: "/v1/promotions/{id}/codes", Scope: "promotions:write", Show: true, Fields: []field{
		{Name: "codes", Kind: "list"}, {Name: "count", Path: "generate.count", Kind: "integer"}, {Name: "prefix", Path: "generate.prefix"}, {Name: "single_use", Kind: "check"},
	}},
	"code-remove": {Method: remove, Path: "/v1/promotions/{id}/codes/{code}", Scope: "promotions:write", Danger: true},

	"purchase-add": {Method: post, Path: "/v1/purchase-shipments", Scope: "stock:write", Goto: "purchases", Fields: append([]field{
		{Name: "supplier", Required: true}, {Name: "incoterm", Kind: "choice", Choices: []string{"EXW", "FCA", "FAS", "FOB", "CFR", "CIF", "CPT", "CIP", "DAP", "DPU", "DDP"}, Words: "web.admin.incoterm.", Required: true}, {Name: "currency", Required: true}, {Name: "reference"}, {Name: "location"},
		{Name: "lines", Kind: "rows", Blank: 3, Columns: []field{{Name: "sku"}, quantity, {Name: "unit_price", Kind: "minor"}}},
	}, purchaseFields...)},
	"purchase-change":   {Method: patch, Path: "/v1/purchase-shipments/{id}", Scope: "stock:write", Fields: purchaseFields},
	"purchase-pass":     {Method: post, Path: "/v1/purchase-shipments/{id}/milestones", Scope: "stock:write", Fields: []field{{Name: "status", Kind: "choice", Choices: []string{"ordered", "ready", "picked_up", "departed", "arrived", "customs_hold", "cleared"}, Words: "web.admin.code.", Required: true}, {Name: "at", Kind: "time"}, {Name: "note"}}},
	"purchase-document": {Method: post, Path: "/v1/purchase-shipments/{id}/documents", Scope: "stock:write", Fields: []field{{Name: "kind", Kind: "choice", Choices: []string{"invoice", "packing_list", "certificate_of_origin", "other"}, Words: "web.admin.code.", Required: true}, {Name: "name", Required: true, From: "none"}, {Name: "url", Kind: "url", Required: true}}},
	"purchase-receive":  {Method: post, Path: "/v1/purchase-shipments/{id}/receive", Scope: "stock:write", Danger: true, Fields: []field{{Name: "lines", Kind: "rows", Rows: "lines", Key: "line", As: "line", Title: "sku", Columns: []field{{Name: "received", Kind: "integer", From: "quantity"}, {Name: "damaged", Kind: "integer", Value: "0"}}}}},
	"purchase-cancel":   {Method: post, Path: "/v1/purchase-shipments/{id}/cancel", Scope: "stock:write", Danger: true},
}

var locationFields = []field{
	{Name: "code", Required: true}, {Name: "name", Required: true}, {Name: "country", Required: true}, {Name: "priority", Kind: "integer"}, {Name: "timezone"}, {Name: "active", Kind: "yesno"},
}

var purchaseFields = []field{
	{Name: "carrier"}, {Name: "tracking_number"}, {Name: "expected_on", Kind: "day"}, {Name: "slack_days", Kind: "integer"},
	{Name: "freight", Kind: "minor"}, {Name: "duty", Kind: "minor"}, {Name: "fees", Kind: "minor"}, {Name: "shared_by", Kind: "choice", Choices: []string{"value", "weight"}, Words: "web.admin.code."},
}

var promotionFields = []field{
	{Name: "name_en", Path: "name.en", Required: true}, {Name: "name_hy", Path: "name.hy"}, {Name: "name_km", Path: "name.km"},
	{Name: "kind", Kind: "choice", Choices: []string{"percent", "fixed", "free_shipping", "buy_x_get_y"}, Words: "web.admin.code.", Required: true},
	{Name: "bps", Kind: "percent"}, {Name: "amounts", Kind: "moneys"}, {Name: "buy_quantity", Kind: "integer"}, {Name: "get_quantity", Kind: "integer"}, {Name: "get_bps", Kind: "percent"},
	{Name: "automatic", Kind: "check"}, {Name: "public_code"}, {Name: "combinable", Kind: "check"}, {Name: "first_order_only", Kind: "check"},
	{Name: "starts_at", Kind: "time"}, {Name: "ends_at", Kind: "time"}, {Name: "minimum_subtotal", Kind: "moneys"}, {Name: "minimum_quantity", Kind: "integer"},
	{Name: "total_limit", Kind: "integer"}, {Name: "per_customer_limit", Kind: "integer"}, {Name: "priority", Kind: "integer"}, {Name: "countries", Kind: "list"},
	{Name: "target_skus", Path: "target.skus", Kind: "list"}, {Name: "target_tags", Path: "target.tags", Kind: "list"}, {Name: "target_categories", Path: "target.categories", Kind: "list"},
}

var taxFields = []field{
	{Name: "name", Required: true}, {Name: "country", Required: true}, {Name: "region"}, {Name: "postcode_prefix"}, {Name: "rate_bps", Kind: "percent", Required: true}, {Name: "class"}, {Name: "kind"},
}

var policyKinds = []string{"returns", "privacy", "terms", "shipping", "imprint"}

// houseActions are about the shop itself.
var houseActions = map[string]action{
	"settings-change": {Method: patch, Path: "/v1/settings", Scope: "settings:write", Versioned: true, Fields: []field{
		{Name: "shop_name", Path: "name", Required: true}, {Name: "countries", Kind: "list"}, {Name: "currencies", Kind: "list"}, {Name: "languages", Kind: "list", Choices: []string{"en", "hy", "km"}, Words: "web.admin.language."},
		{Name: "timezone"}, {Name: "return_window_days", Kind: "integer"},
	}},
	"settings-prices": {Method: patch, Path: "/v1/settings", Scope: "settings:write", Versioned: true, Keep: true, Fields: []field{
		{Name: "prices_include_tax", Kind: "check"}, {Name: "card", Path: "card.enabled", Kind: "check"},
		{Name: "bank_transfer", Path: "bank_transfer.enabled", Kind: "check"}, {Name: "due_days", Path: "bank_transfer.due_days", Kind: "integer", Required: true}, {Name: "account_lines", Path: "bank_transfer.account_lines", Kind: "linelist"}, {Name: "bank_countries", Path: "bank_transfer.countries", Kind: "list"},
		{Name: "cash_on_delivery_on", Path: "cash_on_delivery.enabled", Kind: "check"}, {Name: "cash_countries", Path: "cash_on_delivery.countries", Kind: "list"}, {Name: "fees_moneys", Path: "cash_on_delivery.fees", Kind: "moneys"}, {Name: "max_totals", Path: "cash_on_delivery.max_totals", Kind: "moneys"},
	}},
	"settings-sender": {Method: patch, Path: "/v1/settings", Scope: "settings:write", Versioned: true, Fields: []field{
		{Name: "sender_name", Path: "sender.name"}, {Name: "sender_email", Path: "sender.email", Kind: "email"}, {Name: "reply_to", Path: "sender.reply_to", Kind: "email"},
		{Name: "seller_name", Path: "seller.name"}, {Name: "seller_address", Path: "seller.address", Kind: "linelist"}, {Name: "tax_id", Path: "seller.tax_id"},
	}},
	"settings-trust": {Method: patch, Path: "/v1/settings", Scope: "settings:write", Versioned: true, Fields: []field{
		{Name: "checked_on", Path: "trust.checked_on", Kind: "day"},
		{Name: "policies", Path: "trust.policies", Kind: "rows", Rows: "trust.policies", Key: "kind", Title: "none", Blank: 1, Columns: []field{{Name: "kind", Kind: "choice", Choices: policyKinds, Words: "web.admin.policy."}, {Name: "url", Kind: "url"}}},
	}},
	"recovery-change": {Method: patch, Path: "/v1/recovery/settings", Scope: "settings:write", Versioned: true, Fields: []field{
		{Name: "enabled", Kind: "yesno"}, {Name: "delays_minutes", Kind: "numbers"}, {Name: "quiet_from"}, {Name: "quiet_to"}, {Name: "holdout_bps", Kind: "percent"}, {Name: "pilot_bps", Kind: "percent"}, {Name: "pilot_hours", Kind: "integer"},
		{Name: "window_days", Kind: "integer"}, {Name: "link_days", Kind: "integer"}, {Name: "link_url", Kind: "text"}, {Name: "soft_opt_in", Kind: "yesno"}, {Name: "opt_in_only", Kind: "list"},
		{Name: "caps", Kind: "rows", Rows: "caps", Key: "hours", Title: "none", Columns: []field{{Name: "mails", Kind: "integer"}, {Name: "hours", Kind: "integer"}}},
	}},
	"recovery-try":    {Method: post, Path: "/v1/recovery/dry-run", Scope: "settings:write", Show: true, Fields: []field{{Name: "samples", Kind: "integer", Value: "2"}}},
	"recovery-stop":   {Method: post, Path: "/v1/recovery/stop", Scope: "settings:write", Fields: []field{why}},
	"recovery-resume": {Method: post, Path: "/v1/recovery/resume", Scope: "settings:write", Danger: true},

	"tax-add":    {Method: post, Path: "/v1/tax-rates", Scope: "settings:write", Fields: taxFields},
	"tax-change": {Method: put, Path: "/v1/tax-rates/{id}", Scope: "settings:write", Versioned: true, Fields: taxFields},
	"tax-remove": {Method: remove, Path: "/v1/tax-rates/{id}", Scope: "settings:write", Danger: true, Away: "/admin/taxes"},

	"staff-invite": {Method: post, Path: "/v1/staff", Scope: "settings:write", Fields: []field{{Name: "email", Kind: "email", Required: true}, {Name: "role", Kind: "choice", Choices: []string{"owner", "manager", "agent", "packer", "reader"}, Words: "web.admin.role.", Required: true}}},
	"staff-remove": {Method: remove, Path: "/v1/staff/{id}", Scope: "settings:write", Danger: true},

	"webhook-add":    {Method: post, Path: "/v1/webhook-endpoints", Scope: "settings:write", Show: true, Fields: []field{{Name: "url", Kind: "url", Required: true}, {Name: "events", Kind: "list"}, {Name: "description"}}},
	"webhook-change": {Method: patch, Path: "/v1/webhook-endpoints/{id}", Scope: "settings:write", Versioned: true, Fields: []field{{Name: "url", Kind: "url"}, {Name: "events", Kind: "list"}, {Name: "description"}, {Name: "status", Kind: "choice", Choices: []string{"active", "disabled"}, Words: "web.admin.code."}}},
	"webhook-test":   {Method: post, Path: "/v1/webhook-endpoints/{id}/test", Scope: "settings:write"},
	"webhook-rotate": {Method: post, Path: "/v1/webhook-endpoints/{id}/rotate-secret", Scope: "settings:write", Show: true, Danger: true, Fields: []field{{Name: "keep_old_hours", Kind: "integer", Value: "24"}}},
	"webhook-remove": {Method: remove, Path: "/v1/webhook-endpoints/{id}", Scope: "settings:write", Danger: true, Away: "/admin/webhooks"},
	"redeliver":      {Method: post, Path: "/v1/deliveries/{id}/redeliver", Scope: "settings:write"},
}

// answerColumns say what of an answer is shown, once, by the action.
var answerColumns = map[string][]column{
	"giftcard-issue": {{Name: "code", Kind: "code"}, {Name: "balance", Kind: "money"}},
	"key-create":     {{Name: "key", Kind: "code"}, {Name: "key_kind", Path: "kind", Kind: "word", Words: "web.admin.key."}, {Name: "name"}, {Name: "scopes", Kind: "list"}, {Name: "origins", Kind: "list"}},
	"webhook-add":    {{Name: "secret", Kind: "code"}, {Name: "url"}},
	"webhook-rotate": {{Name: "secret", Kind: "code"}, {Name: "old_secret_until", Kind: "time"}},
	"codes-add":      {{Name: "codes", Kind: "lines"}},
	"carrier-test":   {{Name: "ok", Kind: "check"}, {Name: "latency_ms", Kind: "number"}, {Name: "services", Kind: "lines"}, {Name: "code"}, {Name: "message"}},
}
