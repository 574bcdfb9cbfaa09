package verify_test

func init() {
	const talk = `insert into conversations (merchant_id, id, channel, locale, secret_hash, said, created_at, updated_at)
		select id, '00000000-0000-7000-8000-0000000000c1', 'chat', 'en', '\x00', 0, now(), now() from merchants limit 1`
	act := func(status, confirmed string) string {
		return `insert into assistant_actions (merchant_id, id, conversation_id, action, status, asked_seq, confirmed_seq, expires_at, created_at, updated_at)
			select merchant_id, gen_random_uuid(), id, 'order.cancel', '` + status + `', 2, ` + confirmed + `, now(), now(), '2020-01-01' from conversations
			where id = '00000000-0000-7000-8000-0000000000c1'`
	}
	breaks["no_action_without_a_yes"] = []string{talk, act("done", "null")}
	breaks["a_yes_is_the_customers"] = []string{talk, act("done", "3")}
	breaks["one_action_waits_in_a_conversation"] = []string{talk, `drop index assistant_actions_one`, act("pending", "null"), act("pending", "null")}
	breaks["no_action_is_stuck"] = []string{talk, act("running", "3")}
	breaks["what_was_said_has_no_gaps"] = []string{talk, `update conversations set said = 1`}
	breaks["erased_people_said_nothing"] = []string{
		talk, `insert into contacts (merchant_id, id, email_hmac, created_at, erased_at) select id, '00000000-0000-7000-8000-0000000000c2', '\x01', now(), now() from merchants limit 1`,
		`update conversations set contact_id = '00000000-0000-7000-8000-0000000000c2', said = 1`,
		`insert into messages (merchant_id, id, conversation_id, seq, author, body, created_at)
			select merchant_id, gen_random_uuid(), id, 1, 'customer', 'I live here', now() - interval '1 hour' from conversations`,
	}
}
