package verify

// supported: what the shop noticed, opened and told, and who answers.
var supported = []Invariant{
	{"one_open_case_about_a_thing", `
		select merchant_id, (array_agg(id))[1], format('%s cases of %s are open about %s', count(*), kind, subject_id) from support_cases
		where status = 'open' group by merchant_id, kind, subject_id having count(*) > 1`},
	{"a_case_is_opened_by_one_piece_of_news", `
		select c.merchant_id, c.id, format('%s beginnings in its story', count(e.id)) from support_cases c
		left join support_case_events e on e.merchant_id = c.merchant_id and e.case_id = c.id and e.kind = 'opened'
		group by c.merchant_id, c.id having count(e.id) <> 1`},
	{"a_case_was_heard_of_as_often_as_it_says", `
		select c.merchant_id, c.id, format('it says %s, its story %s', c.times, count(e.id)) from support_cases c
		left join support_case_events e on e.merchant_id = c.merchant_id and e.case_id = c.id and e.kind in ('opened', 'repeated')
		group by c.merchant_id, c.id, c.times having count(e.id) <> c.times`},
	{"a_resolved_case_says_so", `
		select c.merchant_id, c.id, 'nobody resolved it' from support_cases c where c.status = 'resolved' and not exists (
			select from support_case_events e where e.merchant_id = c.merchant_id and e.case_id = c.id and e.kind = 'resolved')`},
	{"a_notice_that_passed_has_its_mail", `
		select n.merchant_id, n.id, 'told at ' || n.decided_at from support_notices n
		where n.status = 'passed' and not exists (select from deliveries d
			where d.merchant_id = n.merchant_id and (d.dedupe_key = 'notice:' || n.id::text or d.subject_id = n.subject_id))`},
	{"no_notice_waits_for_ever", `
		select merchant_id, id, 'since ' || created_at from support_notices where status = 'waiting' and created_at < $1::timestamptz - interval '1 day'`},
	{"nobody_has_more_conversations_than_one_can", `
		select merchant_id, assigned_to, count(*) || ' at a time' from conversations where status = 'open' group by merchant_id, assigned_to having count(*) > 5`},
	{"a_person_answered_who_is_said_to_have", `
		select c.merchant_id, c.id, 'answered at ' || c.answered_at from conversations c where c.answered_at is not null and not exists (
			select from messages m where m.merchant_id = c.merchant_id and m.conversation_id = c.id and m.author = 'staff')`},
}
