package verify_test

import "strings"

func init() {
	const (
		aPlan = `insert into recovery_plans (merchant_id, id, journey_id, times, cart_id, contact_id, person, arm, locale, currency, value_minor, lines, status,
				abandoned_at, created_at, updated_at)
			select o.merchant_id, '00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-0000000000a1', 1, c.cart_id, o.contact_id, o.email_hmac, 'treated', 'en', 'EUR', 0,
				(select jsonb_agg(jsonb_build_object('variant_id', l.variant_id)) from order_lines l where l.order_id = o.id), 'open', '2016-01-01', '2016-01-01', '2016-01-01'
			from orders o join checkouts c on c.order_id = o.id where o.status <> 'canceled' limit 1`
		aReminder = `insert into recovery_reminders (merchant_id, id, plan_id, step, status, due_at, checked_at, sent_at, created_at, updated_at)
			select merchant_id, '00000000-0000-7000-8000-0000000000b1', id, 1, 'sent', '2099-01-01', '2099-01-01', '2099-01-01', '2016-01-01', '2016-01-01' from recovery_plans`
		itsMail = `insert into deliveries (merchant_id, id, kind, subject_id, dedupe_key, contact_id, locale, status, message_id, created_at, updated_at)
			select merchant_id, id, 'cart_reminder', id, 'reminder:' || id, id, 'en', 'sent', 'x', '2016-01-01', '2016-01-01' from recovery_reminders`
		passed = `insert into gate_decisions (merchant_id, id, mail_key, person, topic, kind, country, verdict, code, caps, decided_at, passed_at)
			select id, gen_random_uuid(), $1, 'p', 'reminders', 'x', 'US', 'allow', 'x', '[{"mails": 1, "hours": 24}]', $2, $2 from merchants limit 1`
	)
	pass := func(key, at string) string {
		return strings.NewReplacer("$1", "'"+key+"'", "$2", "'"+at+"'").Replace(passed)
	}
	breaks["nobody_is_reminded_of_what_they_bought"] = []string{
		`update checkouts set cart_id = gen_random_uuid() where cart_id is null`, aPlan, aReminder, itsMail,
	}
	breaks["nobody_is_reminded_of_what_they_bought_otherwise"] = []string{aPlan, `update recovery_plans set cart_id = null`, aReminder, itsMail}
	breaks["nobody_is_written_to_against_their_will"] = []string{pass("a", "2016-01-02"),
		`insert into suppressions (merchant_id, id, person, topic, reason, source, created_at) select merchant_id, id, person, 'all', 'unsubscribed', 'x', '2016-01-01' from gate_decisions`}
	breaks["the_hold_out_gets_no_reminders"] = []string{aPlan, `update recovery_plans set arm = 'holdout', cart_id = null, lines = '[]'`, aReminder, itsMail}
	breaks["caps_are_kept"] = []string{pass("a", "2016-01-01"), pass("b", "2016-01-01 23:59")}
	breaks["sent_reminder_has_its_mail"] = []string{aPlan, `update recovery_plans set cart_id = null, lines = '[]'`, aReminder}
	breaks["closed_plan_reminds_nobody"] = []string{aPlan, `update recovery_plans set status = 'closed', closed_at = '2016-01-01', cart_id = null, lines = '[]'`, aReminder,
		`update recovery_reminders set status = 'planned'`}
}
