package web

// keyAreas are what a secret key can be let into.
var keyAreas = []string{"catalog", "stock", "orders", "refunds", "shipping", "promotions", "customers", "analytics", "support", "settings"}

// keyActions are about the keys by which other programs come in.
var keyActions = map[string]action{
	"key-create": {Method: post, Path: "/v1/api-keys", Scope: "settings:write", Show: true, Fields: []field{
		{Name: "key_kind", Path: "kind", Kind: "choice", Choices: []string{"secret", "publishable"}, Words: "web.admin.key.", Required: true},
		{Name: "name"}, {Name: "scopes", Kind: "list"}, {Name: "origins", Kind: "list"}, {Name: "expires_at", Kind: "time"},
	}},
	"key-revoke": {Method: post, Path: "/v1/api-keys/{id}/revoke", Scope: "settings:write", Danger: true},
}

var keyList = list{
	Name: "keys", API: "/v1/api-keys", Scope: "settings:read", Actions: []string{"key-create"}, Each: []string{"key-revoke"},
	Prepare: func(d *desk, of doc) { of["choices"] = doc{"scopes": keyScopes(d.me)} },
	Columns: []column{
		{Name: "name"}, {Name: "key_kind", Path: "kind", Kind: "word", Words: "web.admin.key."}, {Name: "last_four"}, status("web.admin.code."), {Name: "scopes", Kind: "list"}, {Name: "origins", Kind: "list"},
		created, {Name: "last_used_at", Kind: "time"}, {Name: "expires_at", Kind: "time"}, {Name: "revoked_at", Kind: "time"},
	},
}

// keyScopes are those that somebody may give a key: what they may do themselves.
func keyScopes(who colleague) []string {
	var all []string
	for _, area := range keyAreas {
		for _, scope := range []string{area + ":read", area + ":write"} {
			if who.May(scope) {
				all = append(all, scope)
			}
		}
	}
	if who.May("*") {
		all = append(all, "*")
	}
	return all
}
