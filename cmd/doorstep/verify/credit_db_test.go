package verify_test

import "maps"

// aGiftCard is a card on which something is that has never been put there.
const aGiftCard = `insert into credit_accounts (merchant_id, id, kind, status, currency, balance_minor, code_hash, created_at, updated_at)
	select id, id, 'gift_card', 'active', 'EUR', 5, 'hash', now(), now() from merchants`

// How to break what gift cards and store credit keep.
func init() {
	maps.Copy(breaks, map[string][]string{
		"credit_is_the_sum_of_its_entries": {aGiftCard},
		"ledger_has_the_credit": {aGiftCard, `insert into credit_entries (merchant_id, source_kind, source_id, account_id, amount_minor, balance_minor, booked_at)
			select id, 'credit_issued', id, id, 5, 5, now() from merchants`},
		"credit_in_the_ledger_is_somebodys": {`update ledger_entries set account = 'store_credit_liability' where account = 'sales'`},
		"refund_to_store_credit_is_there":   {`update refunds set destination = 'store_credit', customer_id = id`},
	})
}
