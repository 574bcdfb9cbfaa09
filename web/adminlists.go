package web

import (
	"net/url"
	"slices"
	"strings"

	"doorstep/internal/id"
)

// Columns that stand in many places.
var (
	status  = func(words string) column { return column{Name: "status", Kind: "badge", Words: words} }
	created = column{Name: "created_at", Kind: "time"}
	ofOrder = column{Name: "order", Path: "order_number", Link: "/admin/orders/{order_id}"}
)

// orderStates are the values of the filters of orders.
var orderFilters = []field{
	{Name: "number"}, {Name: "email", Kind: "text"}, {Name: "sku"},
	{Name: "status", Kind: "choice", Choices: []string{"pending", "confirmed", "on_hold", "completed", "canceled"}, Words: "order_status."},
	{Name: "payment_status", Kind: "choice", Choices: []string{"unpaid", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided"}, Words: "payment_status."},
	{Name: "fulfillment_status", Kind: "choice", Choices: []string{"unfulfilled", "partial", "fulfilled", "delivered", "partially_returned", "returned"}, Words: "fulfillment_status."},
	{Name: "from", Kind: "day"}, {Name: "to", Kind: "day"},
}

var statementColumns = []column{
	{Name: "file_name"}, created, {Name: "rows", Kind: "number"}, {Name: "matched", Path: "lines.matched", Kind: "number"}, {Name: "partial", Path: "lines.partial", Kind: "number"},
	{Name: "difference", Path: "lines.difference", Kind: "number"}, {Name: "unmatched", Path: "lines.unmatched", Kind: "number"}, {Name: "rows_failed", Kind: "number"},
}

// lists are the pages that list things.
var lists = append([]list{
	journeyList, keyList,
	{
		Name: "orders", API: "/v1/orders", Scope: "orders:read", Link: "/admin/orders/{id}", Exports: "/v1/exports/orders", Filters: orderFilters,
		Columns: []column{
			{Name: "number"}, {Name: "placed_at", Kind: "time"}, {Name: "country", Kind: "country"},
			{Name: "payment_status", Kind: "badge", Words: "payment_status."}, {Name: "fulfillment_status", Kind: "badge", Words: "fulfillment_status."},
			{Name: "status", Kind: "badge", Words: "order_status."}, {Name: "total", Path: "totals.total", Kind: "money"},
		},
	},
	{
		Name: "returns", API: "/v1/returns", Scope: "orders:read", Link: "/admin/returns/{id}", Mind: nameOrders,
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"requested", "approved", "in_transit", "received", "inspected", "refunded", "exchanged", "rejected", "canceled"}, Words: "return_status."}},
		Columns: []column{{Name: "number"}, created, ofOrder, {Name: "source", Kind: "word", Words: "web.admin.code."}, status("return_status."), {Name: "refunded", Kind: "money"}},
	},
	{
		Name: "exchanges", API: "/v1/exchanges", Scope: "orders:read", Link: "/admin/exchanges/{id}", Mind: nameOrders,
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"requested", "approved", "received", "fulfilled", "canceled"}, Words: "exchange_status."}},
		Columns: []column{{Name: "number"}, created, ofOrder, status("exchange_status."), {Name: "difference", Kind: "money"}},
	},
	{
		Name: "claims", API: "/v1/claims", Scope: "orders:read", Link: "/admin/claims/{id}", Mind: nameOrders,
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"open", "approved", "resolved", "denied", "canceled"}, Words: "claim_status."}},
		Columns: []column{{Name: "number"}, created, ofOrder, {Name: "kind", Kind: "word", Words: "web.admin.why."}, status("claim_status."), {Name: "refunded", Kind: "money"}},
	},
	{
		Name: "differences", API: "/v1/payment-differences", Scope: "orders:read", Each: []string{"difference-resolve"},
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"open", "mended", "resolved"}, Words: "web.admin.code."}},
		Columns: []column{
			{Name: "kind", Kind: "word", Words: "web.admin.difference."}, {Name: "here", Kind: "money"}, {Name: "there", Kind: "money"}, {Name: "provider"},
			{Name: "found_at", Kind: "time"}, status("web.admin.code."), {Name: "detail"}, {Name: "order_id", Kind: "goto", Link: "/admin/orders/{order_id}"}, {Name: "note"},
		},
	},
	{
		Name: "bank", API: "/v1/bank-statements", Scope: "orders:read", Link: "/admin/bank/{id}", Uploads: "bank",
		Columns: statementColumns,
	},
	{
		Name: "courier", API: "/v1/courier-settlements", Scope: "orders:read", Link: "/admin/courier/{id}", Uploads: "courier",
		Columns: statementColumns,
	},
	{
		Name: "giftcards", API: "/v1/gift-cards", Scope: "refunds:read", Link: "/admin/giftcards/{id}", Actions: []string{"giftcard-issue"},
		Prepare: func(_ *desk, of doc) { of["new"] = id.New().String() },
		Columns: []column{{Name: "last_four"}, created, {Name: "balance", Kind: "money"}, status("web.admin.code."), {Name: "expires_at", Kind: "day"}, {Name: "note"}},
	},
	{
		Name: "labels", API: "/v1/labels", Scope: "shipping:read", Each: []string{"label-resolve"}, Mind: nameOrders,
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"pending", "bought", "failed", "parked", "voiding", "void"}, Words: "web.admin.code."}},
		Columns: []column{
			{Name: "reference"}, created, ofOrder, {Name: "carrier"}, {Name: "service"}, {Name: "purpose", Kind: "word"}, {Name: "tracking_numbers", Kind: "list"},
			status("web.admin.code."), {Name: "cost", Kind: "money"}, {Name: "failure_text"},
		},
	},
	{
		Name: "carriers", API: "/v1/carrier-accounts", Scope: "shipping:read", Link: "/admin/carriers/{id}", Actions: []string{"carrier-add"}, Each: []string{"carrier-test"},
		Columns: []column{{Name: "code"}, {Name: "name"}, {Name: "carrier"}, {Name: "enabled", Kind: "check"}, {Name: "credentials", Kind: "list"}, created},
	},
	{
		Name: "products", API: "/v1/products", Scope: "catalog:read", Link: "/admin/products/{id}", Actions: []string{"product-add"}, Exports: "/v1/exports/products",
		Fixed:   url.Values{"view": {"admin"}},
		Filters: []field{{Name: "text"}, {Name: "brand"}, {Name: "tag"}, {Name: "status", Kind: "choice", Choices: []string{"draft", "active", "archived"}, Words: "web.admin.code."}},
		Columns: []column{
			{Name: "picture", Path: "images.0", Kind: "picture"}, {Name: "title"}, {Name: "brand"}, {Name: "sku", Path: "variants.0.sku"},
			{Name: "price", Path: "variants.0.prices.0", Kind: "money"}, status("web.admin.code."), {Name: "updated_at", Kind: "time"},
		},
	},
	{
		Name: "stock", API: "/v1/stock", Scope: "stock:read", Link: "/admin/products/{product_id}", Actions: []string{"stock-set"},
		Filters: []field{{Name: "sku"}, {Name: "location"}, {Name: "at_most", Kind: "integer"}},
		Columns: []column{{Name: "title"}, {Name: "sku"}, {Name: "location"}, {Name: "free", Kind: "stock"}, {Name: "received", Kind: "number"}},
	},
	{
		Name: "locations", API: "/v1/locations", Scope: "stock:read", Actions: []string{"location-add"}, Each: []string{"location-change"},
		Columns: []column{{Name: "code"}, {Name: "name"}, {Name: "country", Kind: "country"}, {Name: "priority", Kind: "number"}, {Name: "timezone"}, {Name: "active", Kind: "check"}},
	},
	{
		Name: "promotions", API: "/v1/promotions", Scope: "promotions:read", Link: "/admin/promotions/{id}", Actions: []string{"promotion-add"},
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"active", "archived"}, Words: "web.admin.code."}},
		Columns: []column{{Name: "name", Path: "name.en"}, {Name: "kind", Kind: "word", Words: "web.admin.code."}, {Name: "automatic", Kind: "check"}, {Name: "uses", Kind: "number"}, {Name: "starts_at", Kind: "day"}, {Name: "ends_at", Kind: "day"}, status("web.admin.code.")},
	},
	{
		Name: "purchases", API: "/v1/purchase-shipments", Scope: "stock:read", Link: "/admin/purchases/{id}", Actions: []string{"purchase-add"},
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"ordered", "ready", "picked_up", "departed", "arrived", "customs_hold", "cleared", "received", "canceled"}, Words: "web.admin.code."}},
		Columns: []column{{Name: "supplier"}, {Name: "reference"}, created, {Name: "incoterm"}, {Name: "expected_on"}, status("web.admin.code."), {Name: "late", Kind: "check"}},
	},
	{
		Name: "taxes", API: "/v1/tax-rates", Scope: "settings:read", Actions: []string{"tax-add"}, Each: []string{"tax-change", "tax-remove"},
		Filters: []field{{Name: "country"}},
		Columns: []column{{Name: "country", Kind: "country"}, {Name: "region"}, {Name: "name"}, {Name: "rate_bps", Kind: "percent"}, {Name: "class"}, {Name: "kind"}},
	},
	{
		Name: "staff", API: "/v1/staff", Scope: "settings:read", Actions: []string{"staff-invite"}, Each: []string{"staff-remove"},
		Columns: []column{{Name: "email"}, {Name: "role", Kind: "word", Words: "web.admin.role."}, status("web.admin.code."), created, {Name: "invite_expires_at", Kind: "time"}},
	},
	{
		Name: "webhooks", API: "/v1/webhook-endpoints", Scope: "settings:read", Link: "/admin/webhooks/{id}", Actions: []string{"webhook-add"}, Each: []string{"webhook-test"},
		Columns: []column{{Name: "url"}, {Name: "description"}, {Name: "events", Kind: "list"}, status("web.admin.code."), {Name: "failing_since", Kind: "time"}},
	},
	{
		Name: "deliveries", API: "/v1/deliveries", Scope: "settings:read", Link: "/admin/deliveries/{id}", Each: []string{"redeliver"},
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"pending", "delivered", "dead"}, Words: "web.admin.code."}, {Name: "event"}},
		Columns: []column{{Name: "event"}, {Name: "occurred_at", Kind: "time"}, status("web.admin.code."), {Name: "attempts", Kind: "number"}, {Name: "last_code"}, {Name: "last_error", Kind: "word"}},
	},
	{
		Name: "terms", API: "/v1/analytics/search-terms", Scope: "analytics:read",
		Filters: []field{{Name: "only", Kind: "choice", Choices: []string{"missed", "all"}, Words: "web.admin.code."}, {Name: "from", Kind: "day"}, {Name: "to", Kind: "day"}},
		Columns: []column{{Name: "term"}, {Name: "language"}, {Name: "searches", Kind: "number"}, {Name: "without_result", Kind: "number"}},
	},
	{
		Name: "audit", API: "/v1/audit-log", Scope: "settings:read", Mind: nameActors,
		Columns: []column{{Name: "seq", Kind: "number"}, {Name: "acted_at", Kind: "time"}, {Name: "actor"}, {Name: "action"}, {Name: "subject", Kind: "short"}, {Name: "changes", Kind: "changes"}, {Name: "origin"}},
	},
}, slices.Concat(parcelLists, supplyLists, supportLists)...)

// nameOrders gives entries that only know the id of their order a few signs of it
// to show.
func nameOrders(_ *desk, entries []any) {
	for _, one := range entries {
		if entry, ok := one.(doc); ok {
			if of := textAt(entry, "order_id"); len(of) > 8 {
				entry["order_number"] = "…" + of[len(of)-6:]
			}
		}
	}
}

// nameActors says which of the staff did what, instead of their ids.
func nameActors(d *desk, entries []any) {
	names := map[string]string{}
	for _, one := range listAt(d.glance("settings:read", "/v1/staff", nil), "data") {
		names[textAt(one, "id")] = textAt(one, "email")
	}
	for _, one := range entries {
		entry, ok := one.(doc)
		if !ok {
			continue
		}
		kind, who, _ := strings.Cut(textAt(entry, "actor"), ":")
		switch name := names[who]; {
		case name != "":
			entry["actor"] = name
		case len(who) > 8:
			entry["actor"] = word(d.Lang, "web.admin.actor.", kind) + " …" + who[len(who)-6:]
		}
		entry["action"] = strings.ReplaceAll(textAt(entry, "action"), "-", " ")
	}
}

// carrierAccounts gives the forms of a page the choices that only the API knows: the
// carrier accounts there are.
func carrierAccounts(d *desk, of doc) {
	ids, names := []string{}, doc{}
	for _, one := range listAt(d.glance("shipping:read", "/v1/carrier-accounts", nil), "data") {
		account := textAt(one, "id")
		ids = append(ids, account)
		names[account] = textAt(one, "code")
		if name := textAt(one, "name"); name != "" {
			names[account] = name + " (" + textAt(one, "code") + ")"
		}
	}
	of["choices"], of["names"] = doc{"account_id": ids}, names
}
