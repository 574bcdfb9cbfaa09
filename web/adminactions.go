package web

import (
	"maps"
	"slices"
	"strings"
)

// actions are all changes that the dashboard can ask for, by the name that its
// forms send; web.admin.do.NAME is what the button says.
var actions = func() map[string]action {
	all := map[string]action{}
	for _, some := range []map[string]action{orderActions, afterActions, sendActions, supplyActions, shopActions, houseActions, keyActions, mailActions, recommendActions, supportActions} {
		maps.Copy(all, some)
	}
	return all
}()

// when says in which states of a thing its actions are offered; those that are
// not named are always. The API refuses the rest in any case.
var when = map[string]string{
	"capture": "authorized partially_captured pending", "void": "authorized pending requires_action",
	"return-approve": "requested", "return-reject": "requested", "return-send": "approved", "return-receive": "approved in_transit",
	"return-inspect": "received", "return-refund": "received inspected", "return-cancel": "requested approved in_transit",
	"return-label": "approved in_transit", "return-label-void": "approved in_transit",
	"exchange-approve": "requested", "exchange-receive": "approved", "exchange-fulfill": "approved received", "exchange-cancel": "requested approved",
	"claim-approve": "open", "claim-deny": "open approved", "claim-resolve": "approved", "claim-cancel": "open approved",
	"difference-resolve": "open", "bank-match": "unmatched difference new", "courier-match": "unmatched difference new", "label-resolve": "parked pending voiding", "redeliver": "dead delivered pending",
	"pickup-resolve": "parked", "manifest-resolve": "parked", "supply-accept": "pending sent", "supply-reject": "pending sent accepted", "supply-resend": "pending sent accepted",
	"supply-ship": "sent accepted shipped", "supply-cancel": "pending sent accepted", "supplier-archive": "active", "supplier-change": "active archived",
	"giftcard-adjust": "active", "giftcard-disable": "active", "pickup-cancel": "pending done parked",
	"purchase-cancel": "ordered ready picked_up departed arrived customs_hold", "purchase-pass": "ordered ready picked_up departed arrived customs_hold cleared",
	"purchase-receive": "ordered ready picked_up departed arrived customs_hold cleared", "purchase-change": "ordered ready picked_up departed arrived customs_hold cleared",
	"promotion-change": "active", "promotion-archive": "active", "codes-add": "active", "key-revoke": "active", "case-take": "open", "case-resolve": "open",
}

// allowed says whether an action is offered on a thing in its state.
func allowed(do string, of doc) bool {
	states, named := when[do]
	if status := textAt(of, "status"); named && status != "" {
		return slices.Contains(strings.Fields(states), status)
	}
	return true
}

const (
	post   = "POST"
	put    = "PUT"
	patch  = "PATCH"
	remove = "DELETE"
)

var (
	why      = field{Name: "reason", Kind: "text", Required: true}
	to       = field{Name: "refund_to", Path: "to", Kind: "choice", Choices: []string{"original", "store_credit"}, Words: "web.admin.code."}
	quantity = field{Name: "quantity", Kind: "integer"}
	carrier  = field{Name: "carrier"}
	number   = field{Name: "tracking_number"}
)

// units asks how many of each line of an order; from is where the number that is
// offered stands.
func units(from string, more ...field) field {
	return field{
		Name: "lines", Kind: "rows", Rows: "line_items", Key: "id", As: "line_id", Title: "title", Count: "quantity",
		Columns: append([]field{{Name: "quantity", Kind: "integer", From: from}}, more...),
	}
}

var deskReasons = []string{"unwanted", "too_small", "too_large", "not_as_described", "defective", "damaged", "wrong_item", "arrived_late", "other"}

// orderActions are what can be done with an order, its payments and parcels.
var orderActions = map[string]action{
	"ship": {Method: post, Path: "/v1/orders/{id}/shipments", Scope: "shipping:write", Fields: []field{
		units("to_ship"), carrier, number, {Name: "label_url", Kind: "url"},
	}},
	"ship-label": {Method: post, Path: "/v1/orders/{id}/shipments", Scope: "shipping:write", Fields: append([]field{units("to_ship")}, labelFields("buy_label.")...)},
	"refund": {Method: post, Path: "/v1/orders/{id}/refunds", Scope: "refunds:write", Danger: true, Fields: []field{
		units("none"), {Name: "amount", Kind: "money", From: "none"}, why, to,
	}},
	"cancel": {Method: post, Path: "/v1/orders/{id}/cancel", Scope: "orders:write", Danger: true, Versioned: true, Fields: []field{why}},
	"cancel-lines": {Method: post, Path: "/v1/orders/{id}/cancel", Scope: "orders:write", Danger: true, Versioned: true, Fields: []field{
		units("none"), why,
	}},
	"edit": {Method: post, Path: "/v1/orders/{id}/edits", Scope: "orders:write", Versioned: true, Fields: []field{
		{Name: "add", Kind: "rows", Columns: []field{{Name: "sku"}, quantity}, Blank: 2},
		{Name: "remove", Kind: "rows", Rows: "line_items", Key: "id", As: "line_id", Title: "title", Count: "quantity", Columns: []field{{Name: "quantity", Kind: "integer", From: "none"}}},
		why,
	}},
	"address": {Method: post, Path: "/v1/orders/{id}/edits", Scope: "orders:write", Versioned: true, Fields: []field{
		{Name: "shipping_address", Kind: "address", From: "contact.shipping_address"}, why,
	}},
	"return": {Method: post, Path: "/v1/orders/{id}/returns", Scope: "orders:write", Goto: "returns", Fields: []field{
		units("none", field{Name: "reason", Kind: "choice", Choices: deskReasons, Words: "web.admin.why."}, field{Name: "note"}),
		{Name: "ignore_window", Kind: "check"},
	}},
	"exchange": {Method: post, Path: "/v1/orders/{id}/exchanges", Scope: "orders:write", Goto: "exchanges", Fields: []field{
		units("none", field{Name: "sku"}, field{Name: "reason", Kind: "choice", Choices: deskReasons, Words: "web.admin.why."}), {Name: "note"},
	}},
	"claim": {Method: post, Path: "/v1/orders/{id}/claims", Scope: "orders:write", Goto: "claims", Fields: []field{
		{Name: "kind", Kind: "choice", Choices: []string{"damaged", "missing", "wrong", "late", "lost"}, Words: "web.admin.why.", Required: true}, units("none"), {Name: "note"},
	}},
	"capture": {Method: post, Path: "/v1/payments/{id}/capture", Scope: "orders:write", Fields: []field{{Name: "amount", Kind: "money", From: "to_capture"}}},
	"void":    {Method: post, Path: "/v1/payments/{id}/void", Scope: "orders:write", Danger: true},
	"track": {Method: post, Path: "/v1/shipments/{id}/events", Scope: "shipping:write", Fields: []field{
		{Name: "status", Kind: "choice", Words: "tracking_status.", From: "none", Choices: []string{
			"picked_up", "in_transit", "on_hold", "customs_hold", "delivery_delayed", "out_for_delivery", "ready_for_pickup", "delivery_failed",
			"delivered", "return_to_sender", "returned", "cancelled", "pending", "unknown",
		}},
		{Name: "occurred_at", Kind: "time", Required: true, From: "now"}, {Name: "location"}, {Name: "description"}, {Name: "code"}, {Name: "signed_by"}, {Name: "photo_url", Kind: "url"},
	}},
	"label":       {Method: post, Path: "/v1/shipments/{id}/label", Scope: "shipping:write", Fields: labelFields("")},
	"label-void":  {Method: post, Path: "/v1/shipments/{id}/label/void", Scope: "shipping:write", Danger: true},
	"give-credit": {Method: post, Path: "/v1/customers/{id}/store-credit", Scope: "refunds:write", Danger: true, Fields: []field{{Name: "amount", Kind: "money", Required: true, From: "none"}, why}},
	"person":      {Method: post, Path: "/v1/customers/{id}/export", Scope: "customers:read", Show: true},
	"forget":      {Method: post, Path: "/v1/customers/{id}/erase", Scope: "customers:write", Danger: true},
}

// labelFields ask what a carrier needs to know to give a label.
func labelFields(prefix string) []field {
	at := func(f field) field {
		if prefix != "" {
			f.Path = prefix + f.path()
		}
		return f
	}
	return []field{
		at(field{Name: "account_id", Kind: "choice", Required: true, Words: "web.admin.account."}), at(field{Name: "service", Required: true}),
		at(field{Name: "format", Kind: "choice", Choices: []string{"pdf", "zpl", "png"}, Words: "web.admin.format."}),
		at(field{Name: "content_type", Kind: "choice", Choices: []string{"sale_of_goods", "gift", "documents", "sample", "returned_goods", "other"}, Words: "web.admin.content."}),
		at(field{Name: "incoterm", Kind: "choice", Choices: []string{"DAP", "DDP"}, Words: "web.admin.incoterm."}),
		at(field{Name: "insurance", Kind: "money", From: "none"}), at(field{Name: "cash_on_delivery", Kind: "money", From: "none"}),
		at(field{Name: "signature", Kind: "check"}), at(field{Name: "adult_signature", Kind: "check"}), at(field{Name: "saturday", Kind: "check"}),
		at(field{Name: "parcels", Kind: "rows", Blank: 2, Columns: []field{{Name: "weight_g", Kind: "integer"}, {Name: "length_mm", Kind: "integer"}, {Name: "width_mm", Kind: "integer"}, {Name: "height_mm", Kind: "integer"}}}),
	}
}

// arrived asks how many of each line of a return have come.
func arrived(name string, columns ...field) field {
	return field{Name: name, Kind: "rows", Rows: "lines", Key: "line_id", As: "line_id", Title: "title", Columns: columns}
}

// afterActions are what follows a sale.
var afterActions = map[string]action{
	"return-approve":    {Method: post, Path: "/v1/returns/{id}/approve", Scope: "orders:write"},
	"return-reject":     {Method: post, Path: "/v1/returns/{id}/reject", Scope: "orders:write", Danger: true, Fields: []field{why}},
	"return-send":       {Method: post, Path: "/v1/returns/{id}/send", Scope: "orders:write", Fields: []field{carrier, number}},
	"return-receive":    {Method: post, Path: "/v1/returns/{id}/receive", Scope: "orders:write", Fields: []field{arrived("lines", quantity)}},
	"return-inspect":    {Method: post, Path: "/v1/returns/{id}/inspect", Scope: "orders:write", Fields: []field{arrived("lines", field{Name: "resellable", Kind: "integer", From: "received"}, field{Name: "damaged", Kind: "integer", Value: "0"})}},
	"return-refund":     {Method: post, Path: "/v1/returns/{id}/refund", Scope: "refunds:write", Danger: true, Fields: []field{{Name: "refund_shipping", Kind: "check"}, {Name: "restocking_fee_bps", Kind: "percent", From: "none"}, to, {Name: "reason"}}},
	"return-cancel":     {Method: post, Path: "/v1/returns/{id}/cancel", Scope: "orders:write", Danger: true},
	"return-label":      {Method: post, Path: "/v1/returns/{id}/label", Scope: "shipping:write", Fields: labelFields("")},
	"return-label-void": {Method: post, Path: "/v1/returns/{id}/label/void", Scope: "shipping:write", Danger: true},

	"exchange-approve": {Method: post, Path: "/v1/exchanges/{id}/approve", Scope: "orders:write"},
	"exchange-receive": {Method: post, Path: "/v1/exchanges/{id}/receive", Scope: "orders:write", Fields: []field{arrived("lines", field{Name: "damaged", Kind: "integer", Value: "0"})}},
	"exchange-fulfill": {Method: post, Path: "/v1/exchanges/{id}/fulfill", Scope: "orders:write", Fields: []field{carrier, number, {Name: "label_url", Kind: "url"}}},
	"exchange-cancel":  {Method: post, Path: "/v1/exchanges/{id}/cancel", Scope: "orders:write", Danger: true},

	"claim-approve": {Method: post, Path: "/v1/claims/{id}/approve", Scope: "orders:write"},
	"claim-deny":    {Method: post, Path: "/v1/claims/{id}/deny", Scope: "orders:write", Danger: true, Fields: []field{why}},
	"claim-resolve": {Method: post, Path: "/v1/claims/{id}/resolve", Scope: "refunds:write", Danger: true, Fields: []field{
		{Name: "resolution", Kind: "choice", Choices: []string{"refund", "replacement", "store_credit"}, Words: "web.admin.code.", Required: true}, {Name: "amount", Kind: "money", From: "none"}, {Name: "reason"},
	}},
	"claim-cancel": {Method: post, Path: "/v1/claims/{id}/cancel", Scope: "orders:write", Danger: true},

	"difference-resolve": {Method: post, Path: "/v1/payment-differences/{id}/resolve", Scope: "orders:write", Fields: []field{{Name: "note", Required: true}}},
	"bank-match":         {Method: post, Path: "/v1/bank-lines/{id}/match", Scope: "orders:write", Fields: []field{{Name: "order_id", Required: true}}},
	"courier-match":      {Method: post, Path: "/v1/courier-lines/{id}/match", Scope: "orders:write", Fields: []field{{Name: "order_id", Required: true}}},

	"giftcard-issue":   {Method: post, Path: "/v1/gift-cards", Scope: "refunds:write", Show: true, Fields: []field{{Name: "id", Kind: "hidden", From: "new"}, {Name: "amount", Kind: "money", Required: true}, {Name: "expires_at", Kind: "time"}, {Name: "note"}}},
	"giftcard-adjust":  {Method: post, Path: "/v1/gift-cards/{id}/adjust", Scope: "refunds:write", Danger: true, Fields: []field{{Name: "amount", Kind: "money", Required: true, From: "none"}, why}},
	"giftcard-disable": {Method: post, Path: "/v1/gift-cards/{id}/disable", Scope: "refunds:write", Danger: true},
}
