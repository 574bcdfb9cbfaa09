package api

import (
	"testing"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/money"
)

func TestSettingsAreChangedPartByPart(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/settings"
	run(t, s, []scenario{
		{name: "read", method: "GET", path: path, header: with(rootKey), status: 200, wantHeader: map[string]string{"ETag": `"6"`},
			want: []string{`"version":6`, `"name":"Mugs canary"`, `"countries":[]`, `"fees":[{"amount":200,"currency":"EUR"}]`, `"policies":[{"kind":"returns"`}},
		{name: "not by shoppers", method: "GET", path: path, status: 403, wantNot: []string{"Mugs"}},
		{name: "not by order keys", method: "PATCH", path: path, header: with(adminKey), body: `{"name":"x"}`, status: 403},
		{name: "empty name", method: "PATCH", path: path, header: with(rootKey), body: `{"name":""}`, status: 422, want: []string{"body.name"}},
		{name: "no currency left", method: "PATCH", path: path, header: with(rootKey), body: `{"currencies":[]}`, status: 422},
		{name: "unknown currency", method: "PATCH", path: path, header: with(rootKey), body: `{"currencies":["EUR","QQQ"]}`, status: 422, want: []string{`"code":"settings_invalid"`, `"location":"body.currencies[1]"`}},
		{name: "unknown language", method: "PATCH", path: path, header: with(rootKey), body: `{"languages":["fr"]}`, status: 422},
		{name: "stale", method: "PATCH", path: path, header: with(rootKey, "If-Match", `"5"`), body: `{"name":"x"}`, status: 412, want: []string{`"code":"version_mismatch"`}},
		{name: "odd tag", method: "PATCH", path: path, header: with(rootKey, "If-Match", `five`), body: `{"name":"x"}`, status: 400},
	})
	for _, c := range rooms.seen() {
		if c.write {
			t.Fatalf("written: %+v", c)
		}
	}
	run(t, s, []scenario{{name: "null is nothing said", method: "PATCH", path: path, header: with(rootKey), body: `{"name":null}`, status: 200, want: []string{`"name":"Mugs canary"`}}})
	run(t, s, []scenario{{name: "changed", method: "PATCH", path: path, header: with(rootKey, "If-Match", `"6"`), status: 200, wantHeader: map[string]string{"ETag": `"7"`},
		body: `{"return_window_days":14,"cash_on_delivery":{"enabled":true,"fees":[{"amount":300,"currency":"EUR"}]},"trust":{"policies":[]},"card":{"enabled":false}}`,
		want: []string{`"return_window_days":14`, `"name":"Mugs canary"`}}})
	set := rooms.last(t, "UpdateSettings").given.(customer.Settings)
	if set.Name != "Mugs canary" || set.ReturnWindowDays != 14 || set.Card.Enabled || set.CashOnDelivery.Fees[0] != (money.Amount{Minor: 300, Currency: "EUR"}) ||
		len(set.Trust.Policies) != 0 || !set.PricesIncludeTax || set.Sender.Name == "" {
		t.Errorf("now %+v", set)
	}
}

func TestEverySettingCanBeChanged(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	res, body := send(t, s, "PATCH", "/v1/settings", with(rootKey), `{"name":"Cups","countries":["AM","KH"],"currencies":["AMD"],"languages":["hy"],"timezone":"Asia/Yerevan",
		"prices_include_tax":false,"return_window_days":0,"card":{"enabled":true},"bank_transfer":{"enabled":true,"account_lines":["IBAN"],"due_days":3,"countries":["AM"]},
		"cash_on_delivery":{"enabled":true,"countries":["AM"],"max_totals":[{"amount":50000,"currency":"AMD"}]},"sender":{"name":"Cups","email":"a@b.am","reply_to":"c@b.am"},
		"trust":{"policies":[{"kind":"terms","url":"https://b.am/t"}],"checked_on":"2026-01-31"}}`)
	want := customer.Settings{
		Name: "Cups", Countries: []string{"AM", "KH"}, Currencies: []string{"AMD"}, Languages: []string{"hy"}, Timezone: "Asia/Yerevan", Card: customer.CardSettings{Enabled: true},
		BankTransfer:   customer.BankTransfer{Enabled: true, AccountLines: []string{"IBAN"}, DueDays: 3, Countries: []string{"AM"}},
		CashOnDelivery: customer.CashOnDelivery{Enabled: true, Countries: []string{"AM"}, MaxTotals: []money.Amount{{Minor: 50000, Currency: "AMD"}}, Fees: []money.Amount{}},
		Sender:         customer.Sender{Name: "Cups", Email: "a@b.am", ReplyTo: "c@b.am"},
		Trust:          customer.Trust{Policies: []customer.PolicyLink{{Kind: "terms", URL: "https://b.am/t"}}, CheckedOn: "2026-01-31"},
	}
	if res.StatusCode != 200 {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	got := rooms.last(t, "UpdateSettings").given.(customer.Settings)
	a, _ := marshal(got)
	b, _ := marshal(want)
	if string(a) != string(b) {
		t.Errorf("got  %s\nwant %s", a, b)
	}
}

func TestPlacesOfStockAreListedAddedAndChanged(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path, body = "/v1/locations", `{"code":"GYU","name":"Gyumri","country":"AM"}`
	run(t, s, []scenario{
		{name: "list", method: "GET", path: path, header: with(rootKey), status: 200, want: []string{`"code":"MAIN"`}},
		{name: "list without the scope", method: "GET", path: path, header: with(adminKey), status: 403},
		{name: "add", method: "POST", path: path, header: with(rootKey), body: body, status: 201, want: []string{`"timezone":"UTC"`, `"active":true`}},
		{name: "odd country", method: "POST", path: path, header: with(rootKey), body: `{"code":"GYU","name":"Gyumri","country":"A1"}`, status: 422, want: []string{"body.country"}},
		{name: "change", method: "PUT", path: path + "/" + anID, header: with(rootKey), body: `{"code":"GYU","name":"Gyumri","country":"AM","active":false,"priority":3}`, status: 200, want: []string{`"active":false`, `"priority":3`}},
		{name: "change another", method: "PUT", path: path + "/" + foreign, header: with(rootKey), body: body, status: 404},
		{name: "change none", method: "PUT", path: path + "/00000000-0000-0000-0000-000000000000", header: with(rootKey), body: body, status: 404},
	})
	rooms.seen()
	rooms.fail("SaveLocation", catalog.ErrInvalid.At("timezone", "must be a name such as Asia/Yerevan"))
	run(t, s, []scenario{{name: "odd zone", method: "POST", path: path, header: with(rootKey), body: body, status: 422, want: []string{`"location":"body.timezone"`}}})
}
