package verify_test

import "strings"

func init() {
	const (
		parcel = `insert into shipments (merchant_id, id, order_id, status, carrier, shipped_at, created_at, updated_at)
			select merchant_id, '00000000-0000-7000-8000-0000000000f1', id, 'shipped', 'x', '2026-01-01', '2026-01-01', '2026-01-01' from orders limit 1`
		bought = `insert into labels (merchant_id, id, purpose, subject_id, order_id, account_id, carrier, service, format, status, carrier_key, asked, carrier_id, numbers, created_at, updated_at, bought_at)
			select merchant_id, $1::uuid, 'shipment', id, order_id, order_id, 'x', 'x', 'pdf', 'bought', $1, 1, 'S1', '{N1}', '2026-01-01', '2026-01-01', '2026-01-01'
			from shipments where id = '00000000-0000-7000-8000-0000000000f1'`
		errand = `insert into carrier_errands (merchant_id, id, kind, account_id, carrier, status, carrier_key, request, next_at, created_at, updated_at)
			select id, id, 'pickup', id, 'x', 'pending', 'k', '{}', '2016-01-01', '2016-01-01', '2016-01-01' from merchants`
		news = `insert into carrier_news (merchant_id, carrier, event_id, number, news, status, next_at, received_at)
			select id, 'x', 'e', 'N1', '{}', 'waiting', '2016-01-01', '2016-01-01' from merchants`
	)
	label := func(n string) string {
		return strings.ReplaceAll(bought, "$1", "'00000000-0000-7000-8000-0000000000e"+n+"'")
	}
	breaks["labels_are_settled"] = []string{parcel, label("1"), `update labels set status = 'pending', next_at = '2016-01-01', bought_at = null`}
	breaks["label_has_its_papers"] = []string{parcel, label("1")}
	breaks["one_label_per_parcel"] = []string{`drop index labels_one`, parcel, label("1"), label("2")}
	breaks["one_attempt_per_label"] = []string{`drop index labels_one`, parcel, label("1"), label("2")}
	breaks["label_is_of_its_parcel"] = []string{parcel, label("1"), `update labels set subject_id = gen_random_uuid()`}
	breaks["label_of_a_canceled_parcel_is_given_back"] = []string{parcel, label("1"),
		`update shipments set status = 'canceled' where id = '00000000-0000-7000-8000-0000000000f1'`}
	const account = `insert into carrier_accounts (merchant_id, id, carrier, code, timeout_ms, enabled, sealed, created_at, updated_at)
		select id, id, 'y', 'y-1', 1000, true, decode(repeat('00', 40), 'hex'), '2026-01-01', '2026-01-01' from merchants`
	breaks["carrier_account_can_be_opened"] = []string{account, `update carrier_accounts set sealed = ''`}
	breaks["work_is_of_its_accounts_carrier"] = []string{account, strings.Replace(errand, "'2016-01-01', '2016-01-01', '2016-01-01'", "now(), '2016-01-01', '2016-01-01'", 1)}
	breaks["live_rates_can_be_read"] = []string{`update checkouts set live_rates = '{"at": "2026-01-01T00:00:00Z", "policy": "h", "heard": [{"rates": [{"amount": -1, "currency": "EUR"}]}]}'`}
	breaks["errands_are_settled"] = []string{errand}
	breaks["manifest_holds_labels_that_were_bought"] = []string{parcel, label("1"), `update labels set manifest_id = gen_random_uuid()`}
	breaks["carriers_news_are_acted_on"] = []string{news}
	breaks["alert_has_its_parcel"] = []string{`alter table shipment_alerts drop constraint shipment_alerts_merchant_id_shipment_id_fkey`,
		`insert into shipment_alerts (merchant_id, shipment_id, kind, raised_at) select id, gen_random_uuid(), 'lost', '2026-01-01' from merchants`}
}
