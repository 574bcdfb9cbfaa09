package verify

// recoveries: whom mails that nobody has to be sent went to, and whom not.
//
// Times are compared with some leeway: an order says when its placing began, and
// a mail that was looked at last in that moment came before it.
var recoveries = []Invariant{
	{"nobody_is_reminded_of_what_they_bought", `
		select r.merchant_id, r.id, format('looked at last at %s, bought at %s', r.checked_at, o.placed_at) from recovery_reminders r
		join recovery_plans p on p.merchant_id = r.merchant_id and p.id = r.plan_id
		join v_order_carts o on o.merchant_id = p.merchant_id and o.cart_id in (p.cart_id, p.restored_cart_id) and o.status <> 'canceled'
		where r.status = 'sent' and r.checked_at > o.placed_at + interval '30 seconds'`},
	{"nobody_is_reminded_of_what_they_bought_otherwise", `
		select r.merchant_id, r.id, format('looked at last at %s, bought at %s by order %s', r.checked_at, b.placed_at, b.order_id) from recovery_reminders r
		join recovery_plans p on p.merchant_id = r.merchant_id and p.id = r.plan_id
		join v_person_purchases b on b.merchant_id = p.merchant_id and b.email_hmac = p.person and b.placed_at >= p.abandoned_at
			and b.variant_id in (select (l ->> 'variant_id')::uuid from jsonb_array_elements(p.lines) l)
		where r.status = 'sent' and r.checked_at > b.placed_at + interval '30 seconds'`},
	{"nobody_is_written_to_against_their_will", `
		select d.merchant_id, d.id, format('%s passed at %s, %s since %s', d.kind, d.passed_at, s.reason, s.created_at) from gate_decisions d
		join suppressions s on s.merchant_id = d.merchant_id and s.person = d.person and s.topic in ('all', d.topic)
		where d.verdict = 'allow' and (d.topic <> 'orders' or s.reason in ('hard_bounce', 'manual')) and d.passed_at > s.created_at + interval '5 seconds' and (s.lifted_at is null or s.lifted_at > d.passed_at)`},
	{"the_hold_out_gets_no_reminders", `
		select r.merchant_id, r.id, 'sent to somebody who is held out' from recovery_reminders r
		join recovery_plans p on p.merchant_id = r.merchant_id and p.id = r.plan_id
		where p.arm = 'holdout' and (r.status = 'sent' or exists (select from deliveries d
			where d.merchant_id = r.merchant_id and d.dedupe_key = 'reminder:' || r.id and d.status in ('sent', 'captured')))`},
	{"caps_are_kept", `
		select d.merchant_id, d.id, format('%s mails within %s hours, allowed are %s', n.mails, c.hours, c.mails) from gate_decisions d
		cross join lateral jsonb_to_recordset(d.caps) as c (mails int, hours int)
		cross join lateral (select count(*) as mails from gate_decisions e where e.merchant_id = d.merchant_id and e.person = d.person
			and (d.topic <> 'orders' or e.topic = 'orders') and e.passed_at > d.passed_at - c.hours * interval '1 hour' and e.passed_at <= d.passed_at) n
		where d.verdict = 'allow' and d.passed_at is not null and n.mails > c.mails`},
	{"sent_reminder_has_its_mail", `
		select r.merchant_id, r.id, 'said to be sent at ' || r.sent_at from recovery_reminders r
		where r.status = 'sent' and not exists (select from deliveries d
			where d.merchant_id = r.merchant_id and d.dedupe_key = 'reminder:' || r.id and d.status in ('sent', 'captured'))`},
	{"closed_plan_reminds_nobody", `
		select r.merchant_id, r.id, 'planned for ' || r.due_at || ', its plan is closed: ' || p.reason from recovery_reminders r
		join recovery_plans p on p.merchant_id = r.merchant_id and p.id = r.plan_id
		where p.status = 'closed' and r.status = 'planned'`},
}
