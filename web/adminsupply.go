package web

// Suppliers who send goods for the shop, and what people have agreed to be sent.

var (
	calendarFields = []field{
		{Name: "calendar_country", Path: "calendar.country", Required: true}, {Name: "timezone", Path: "calendar.timezone", Required: true}, {Name: "cutoff", Path: "calendar.cutoff"}, {Name: "handling_days", Path: "calendar.handling_days", Kind: "integer"},
		{Name: "workdays", Path: "calendar.workdays", Kind: "numbers"}, {Name: "holidays", Path: "calendar.holidays", Kind: "list"},
	}
	supplierFields = []field{
		{Name: "code", Required: true}, {Name: "name", Required: true}, {Name: "email", Kind: "email", Required: true}, {Name: "currency", Required: true},
		{Name: "language", Kind: "choice", Choices: []string{"en", "hy", "km"}, Words: "web.admin.language."}, {Name: "returns_to", Kind: "choice", Choices: []string{"shop", "supplier"}, Words: "web.admin.code."},
	}
	topic  = field{Name: "topic", Kind: "choice", Choices: []string{"all", "reminders", "offers", "news", "surveys"}, Words: "web.admin.topic.", Required: true}
	reader = field{Name: "email", Kind: "email", Required: true}
)

// supplyActions are about suppliers and the orders that go to them.
var supplyActions = map[string]action{
	"supplier-add": {Method: post, Path: "/v1/suppliers", Scope: "shipping:write", Goto: "suppliers", Fields: fieldsOf(supplierFields, []field{{Name: "location"}}, calendarFields, []field{{Name: "return_address", Kind: "address"}})},
	"supplier-change": {Method: patch, Path: "/v1/suppliers/{id}", Scope: "shipping:write", Versioned: true, Fields: fieldsOf(supplierFields, []field{{Name: "status", Kind: "choice", Choices: []string{"active", "archived"}, Words: "web.admin.code."}},
		calendarFields, []field{{Name: "return_address", Kind: "address"}})},
	"supplier-archive": {Method: remove, Path: "/v1/suppliers/{id}", Scope: "shipping:write", Danger: true, Away: "/admin/suppliers"},
	"supplier-items": {Method: put, Path: "/v1/suppliers/{id}/items", Scope: "shipping:write", Fields: []field{
		{Name: "items", Kind: "rows", Blank: 3, Columns: []field{{Name: "sku"}, {Name: "supplier_sku"}, {Name: "unit_cost", Kind: "minor"}}},
	}},
	"supplier-item-remove": {Method: remove, Path: "/v1/suppliers/{id}/items/{code}", Scope: "shipping:write", Danger: true},

	"supply-accept": {Method: post, Path: "/v1/supplier-orders/{id}/accept", Scope: "shipping:write"},
	"supply-reject": {Method: post, Path: "/v1/supplier-orders/{id}/reject", Scope: "shipping:write", Danger: true, Fields: []field{why}},
	"supply-resend": {Method: post, Path: "/v1/supplier-orders/{id}/resend", Scope: "shipping:write"},
	"supply-ship":   {Method: post, Path: "/v1/supplier-orders/{id}/ship", Scope: "shipping:write", Fields: []field{arrived("lines", field{Name: "quantity", Kind: "integer", From: "open"}), carrier, number}},
	"supply-cancel": {Method: post, Path: "/v1/supplier-orders/{id}/cancel", Scope: "shipping:write", Danger: true, Fields: []field{why}},
}

// mailActions are about what people have agreed to be sent.
var mailActions = map[string]action{
	"consent-look": {Method: post, Path: "/v1/consent-lookups", Scope: "customers:read", Show: true, Fields: []field{reader}},
	"consent-note": {Method: post, Path: "/v1/consents", Scope: "customers:write", Fields: []field{
		reader, topic, {Name: "granted", Kind: "yesno", Required: true}, {Name: "source", Kind: "choice", Choices: []string{"account", "import", "paper", "api", "checkout"}, Words: "web.admin.code.", Required: true},
		{Name: "text_version", Required: true}, {Name: "country"}, {Name: "given_at", Kind: "time"}, {Name: "confirmed", Kind: "check"},
	}},
	"suppress":      {Method: post, Path: "/v1/suppressions", Scope: "customers:write", Fields: []field{reader, topic}},
	"suppress-lift": {Method: post, Path: "/v1/suppressions/lift", Scope: "customers:write", Danger: true, Fields: []field{reader, topic}},
}

func fieldsOf(all ...[]field) (joined []field) {
	for _, some := range all {
		joined = append(joined, some...)
	}
	return joined
}

var supplyLists = []list{
	{
		Name: "suppliers", API: "/v1/suppliers", Scope: "shipping:read", Link: "/admin/suppliers/{id}", Actions: []string{"supplier-add"},
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"active", "archived"}, Words: "web.admin.code."}},
		Columns: []column{{Name: "code"}, {Name: "name"}, {Name: "email"}, {Name: "country", Path: "calendar.country", Kind: "country"}, {Name: "currency"}, status("web.admin.code.")},
	},
	{
		Name: "supplies", API: "/v1/supplier-orders", Scope: "shipping:read", Link: "/admin/supplies/{id}",
		Filters: []field{{Name: "status", Kind: "choice", Choices: []string{"pending", "sent", "accepted", "shipped", "completed", "rejected", "canceled"}, Words: "web.admin.code."}},
		Columns: []column{{Name: "number"}, created, ofOrder, status("web.admin.code."), {Name: "due_at", Kind: "time"}, {Name: "late_at", Kind: "time"}, {Name: "cost", Kind: "money"}, {Name: "mail_failure", Kind: "word"}},
	},
}

var supplyDetails = []detail{
	{
		Name: "suppliers", API: "/v1/suppliers", Scope: "shipping:read", Title: "name", Badge: status("web.admin.code."),
		Facts: []column{
			{Name: "code"}, {Name: "email"}, {Name: "currency"}, {Name: "language", Kind: "word", Words: "web.admin.language."}, {Name: "returns_to", Kind: "word", Words: "web.admin.code."},
			{Name: "country", Path: "calendar.country", Kind: "country"}, {Name: "timezone", Path: "calendar.timezone"}, {Name: "cutoff", Path: "calendar.cutoff"}, {Name: "handling_days", Path: "calendar.handling_days", Kind: "number"}, {Name: "return_address", Kind: "lines"}, created,
		},
		Tables: []innerTable{{
			Name: "items", API: "/v1/suppliers/{id}/items", Scope: "shipping:read", Code: "variant_id", Each: []string{"supplier-item-remove"},
			Columns: []column{{Name: "sku"}, {Name: "supplier_sku"}, {Name: "unit_cost", Kind: "money"}, {Name: "updated_at", Kind: "time"}},
		}},
		Actions: []string{"supplier-items", "supplier-change", "supplier-archive"},
	},
	{
		Name: "supplies", API: "/v1/supplier-orders", Scope: "shipping:read", Title: "number", Badge: status("web.admin.code."),
		Facts: []column{
			{Name: "order", Path: "order_number", Link: "/admin/orders/{order_id}"}, {Name: "supplier", Path: "supplier_id", Kind: "goto", Link: "/admin/suppliers/{supplier_id}"}, {Name: "due_at", Kind: "time"}, {Name: "sent_at", Kind: "time"}, {Name: "accepted_at", Kind: "time"},
			{Name: "late_at", Kind: "time"}, {Name: "cost", Kind: "money"}, {Name: "reason"}, {Name: "mail_failure", Kind: "word"}, {Name: "shipping_address", Path: "ship_to", Kind: "lines"}, created,
		},
		Tables: []innerTable{{Name: "lines", Path: "lines", Columns: []column{
			{Name: "title"}, {Name: "options"}, {Name: "sku"}, {Name: "supplier_sku"}, {Name: "quantity", Kind: "number"}, {Name: "shipped", Kind: "number"}, {Name: "canceled", Kind: "number"}, {Name: "unit_cost", Kind: "money"},
		}}},
		Actions: []string{"supply-ship", "supply-accept", "supply-resend", "supply-reject", "supply-cancel"},
	},
}

// consents shows what somebody has agreed to, when asked by address, and records
// what they say. There is no list: addresses are sealed.
func consents(d *desk) error {
	v := listView{Name: "consents", Intro: introOf(d, "consents"), Clean: "/admin/consents"}
	v.Forms = d.forms([]string{"consent-look", "consent-note", "suppress", "suppress-lift"}, "", doc{})
	if d.did == "consent-look" {
		v.Table = d.table("consents", append(listAt(d.answer, "consents"), listAt(d.answer, "suppressions")...), []column{
			{Name: "created_at", Kind: "time"}, {Name: "topic", Kind: "word", Words: "web.admin.topic."}, {Name: "granted", Kind: "check"}, {Name: "reason", Kind: "word", Words: "web.admin.code."}, {Name: "source", Kind: "word", Words: "web.admin.code."},
			{Name: "text_version"}, {Name: "country", Kind: "country"}, {Name: "confirmed", Kind: "check"}, {Name: "lifted_at", Kind: "time"},
		}, "")
	}
	return d.page("admin/list", v)
}
