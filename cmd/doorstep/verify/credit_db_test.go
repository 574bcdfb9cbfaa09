package verify_test

import "maps"

// aGiftCard is a card on which something is that has never been put there.
const aGiftCard = `insert into credit_accounts (merchant_id, id, kind, status, currency, balance_minor, code_hash, created_at, updated_at)
	select id, id, 'gift_card', 'active', 'EUR', 5, 'hash', now(), now() from merchants`

// aCreditThatPays is a part of a payment that was taken from nobody.
const aCreditThatPays = `insert into payments (merchant_id, id, checkout_id, attempt, part, method, provider, credit_account_id, gateway_key, status, amount_minor,
		currency, created_at, updated_at)
	select merchant_id, order_id, checkout_id, attempt, 1, 'gift_card', 'credit', id, 'credit:' || id, 'voided', 5, currency, created_at, updated_at from payments`

// How to break what gift cards and store credit keep.
func init() {
	maps.Copy(breaks, map[string][]string{
		"credit_is_the_sum_of_its_entries": {aGiftCard},
		"ledger_has_the_credit": {aGiftCard, `insert into credit_entries (merchant_id, source_kind, source_id, account_id, amount_minor, balance_minor, booked_at)
			select id, 'credit_issued', id, id, 5, 5, now() from merchants`},
		"credit_in_the_ledger_is_somebodys": {`update ledger_entries set account = 'store_credit_liability' where account = 'sales'`},
		"refund_to_store_credit_is_there":   {`update refunds set destination = 'store_credit', customer_id = id`},
		"credit_pays_its_attempt":           {`update payments set credit_minor = 5`},
		"credit_that_pays_was_taken":        {aCreditThatPays},
		"taken_credit_pays": {aGiftCard, `insert into credit_entries (merchant_id, source_kind, source_id, account_id, amount_minor, balance_minor, booked_at)
			select id, 'credit_held', id, id, -5, 5, now() from merchants`},
		"held_credit_is_in_the_ledger": {`update ledger_entries set account = 'credit_held' where account = 'sales'`},
		"order_tells_its_tenders":      {`update orders set tenders = '[{"amount": 5}]'`},
	})
}
