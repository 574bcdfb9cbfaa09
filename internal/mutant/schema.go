package mutant

// byName are the tests that ask the schema itself.
const byName = "TestTheSchemaRefusesWhatMustNeverBe"

// ofSchema are the guards of the database: the last line when all code is wrong.
var ofSchema = []Mutant{
	{
		Name: "must", Guard: "a statement that touched too few rows fails its transaction",
		SQL:     `create or replace function must(got bigint, want bigint, code text) returns void language plpgsql as $$ begin end $$`,
		Package: "./checkout", Run: "TestOfEightTabsOneBuysTheCart|TestThirtyTwoBuyersOfTwentyUnits",
	},
	{
		Name: "one order per checkout", Guard: "unique (merchant_id, checkout_id) of orders",
		SQL: `alter table orders drop constraint orders_merchant_id_checkout_id_key`, Package: "./internal/mutant", Run: byName,
	},
	{
		Name: "one attempt per number", Guard: "unique (merchant_id, checkout_id, attempt) of payments",
		SQL: `alter table payments drop constraint payments_merchant_id_checkout_id_attempt_key`, Package: "./internal/mutant", Run: byName,
	},
	{
		Name: "one payment per charge", Guard: "unique (merchant_id, provider, gateway_id) of payments",
		SQL: `drop index payments_gateway`, Package: "./checkout", Run: "TestTheNameOfAnotherChargeIsNotBelieved",
	},
	{
		Name: "captured within held", Guard: "captured_minor <= amount_minor",
		SQL: `alter table payments drop constraint payments_check`, Package: "./internal/mutant", Run: byName,
	},
	{
		Name: "refunded within captured", Guard: "refunded_minor <= captured_minor",
		SQL: `alter table payments drop constraint payments_check1`, Package: "./internal/mutant", Run: byName,
	},
	{
		Name: "total is the sum", Guard: "total of an order = its parts",
		SQL: `alter table orders drop constraint orders_total`, Package: "./internal/mutant", Run: byName,
	},
	{
		Name: "shipped within ordered", Guard: "shipped + canceled <= quantity",
		SQL: `alter table order_lines drop constraint order_lines_check4`, Package: "./internal/mutant", Run: byName,
	},
	{
		Name: "no stock below zero", Guard: "free >= 0",
		SQL: `alter table stock drop constraint stock_free_check`, Package: "./internal/mutant", Run: byName, Quick: true,
	},
	{
		Name: "uses within the limit", Guard: "uses <= total_limit",
		SQL: `alter table promotions drop constraint promotions_check`, Package: "./internal/mutant", Run: byName,
	},
	{
		Name: "single code", Guard: "unique (merchant_id, code_key) of active single uses",
		SQL: `drop index redemptions_single`, Package: "./pricing", Run: "TestASingleUseCodeServesOneOrder",
	},
	{
		Name: "no credit below zero", Guard: "balance_minor >= 0 of credit_accounts",
		SQL: `alter table credit_accounts drop constraint credit_accounts_balance_minor_check`, Package: "./internal/mutant", Run: byName,
	},
	{
		Name: "one entry per movement", Guard: "unique (merchant_id, source_kind, source_id) of credit_entries",
		SQL: `alter table credit_entries drop constraint credit_entries_pkey`, Package: "./internal/mutant", Run: byName,
	},
	{
		Name: "inbox", Guard: "unique (merchant_id, source, event_id) of the inbox",
		SQL: `alter table inbox drop constraint inbox_pkey`, Package: "./payment", Run: "TestAnEventIsTakenInOnceHoweverOftenItComes",
	},
	{
		Name: "one mail per kind and subject", Guard: "unique (merchant_id, dedupe_key) of deliveries",
		SQL: `alter table deliveries drop constraint deliveries_merchant_id_dedupe_key_key`, Package: "./internal/mutant", Run: byName,
	},
}
