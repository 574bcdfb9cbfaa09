package verify_test

func init() {
	talk := func(channel string) string {
		return `insert into conversations (merchant_id, id, channel, locale, secret_hash, said, created_at, updated_at)
			select id, '00000000-0000-7000-8000-0000000000d1', '` + channel + `', 'en', '\x00', 0, now(), now() from merchants limit 1`
	}
	const mail = `insert into support_mails (merchant_id, id, direction, conversation_id, seq, status, created_at)
		select merchant_id, gen_random_uuid(), 'out', id, 1, 'queued', '2020-01-01' from conversations where id = '00000000-0000-7000-8000-0000000000d1'`
	breaks["a_mail_goes_out_with_what_was_said_by_us"] = []string{talk("email"), mail}
	breaks["answers_by_mail_go_out"] = []string{talk("email"), mail}
	breaks["nothing_is_mailed_in_a_chat"] = []string{talk("chat"), mail}
}
