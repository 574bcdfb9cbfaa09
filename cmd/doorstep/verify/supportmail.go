package verify

// letters: mail of customers, and the answers to it.
var letters = []Invariant{
	{"a_mail_goes_out_with_what_was_said_by_us", `
		select m.merchant_id, m.id, format('%s with place %s', m.status, m.seq) from support_mails m
		left join messages s on s.merchant_id = m.merchant_id and s.conversation_id = m.conversation_id and s.seq = m.seq and s.author in ('bot', 'staff')
		where m.direction = 'out' and s.id is null`},
	{"answers_by_mail_go_out", `
		select merchant_id, id, 'queued since ' || created_at from support_mails where status = 'queued' and created_at < $1::timestamptz - interval '2 hours'`},
	{"nothing_is_mailed_in_a_chat", `
		select m.merchant_id, m.id, c.channel from support_mails m
		join conversations c on c.merchant_id = m.merchant_id and c.id = m.conversation_id where c.channel <> 'email'`},
}
