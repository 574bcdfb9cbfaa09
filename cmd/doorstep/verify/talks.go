package verify

// talks: conversations, what was said in them, and what the assistant did.
var talks = []Invariant{
	{"no_action_without_a_yes", `
		select merchant_id, id, format('%s is %s', action, status) from assistant_actions
		where status in ('running', 'done') and (confirmed_seq is null or confirmed_seq <= asked_seq)`},
	{"a_yes_is_the_customers", `
		select a.merchant_id, a.id, format('%s at place %s', a.action, a.confirmed_seq) from assistant_actions a
		left join messages m on m.merchant_id = a.merchant_id and m.conversation_id = a.conversation_id and m.seq = a.confirmed_seq and m.author = 'customer'
		where a.confirmed_seq is not null and m.id is null`},
	{"one_action_waits_in_a_conversation", `
		select merchant_id, conversation_id, count(*) || ' wait' from assistant_actions where status in ('pending', 'running')
		group by 1, 2 having count(*) > 1`},
	{"no_action_is_stuck", `
		select merchant_id, id, format('%s since %s', action, updated_at) from assistant_actions
		where status = 'running' and updated_at < $1::timestamptz - interval '2 hours'`},
	{"what_was_said_has_no_gaps", `
		select c.merchant_id, c.id, format('%s said, %s counted, the last is %s', count(m.id), c.said, max(m.seq)) from conversations c
		left join messages m on m.merchant_id = c.merchant_id and m.conversation_id = c.id
		group by c.merchant_id, c.id, c.said having count(m.id) <> c.said or coalesce(max(m.seq), 0) <> c.said`},
	{"erased_people_said_nothing", `
		select c.merchant_id, c.id, 'it still says something' from conversations c
		join contacts p on p.merchant_id = c.merchant_id and p.id = c.contact_id and p.sealed is null
		where exists (select from messages m where m.merchant_id = c.merchant_id and m.conversation_id = c.id and m.author = 'customer' and m.body <> '' and m.created_at < p.erased_at)`},
}
