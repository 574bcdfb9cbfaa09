package verify_test

func init() {
	const (
		aCase = `insert into support_cases (merchant_id, id, kind, subject_id, by_customer, snapshot, created_at, updated_at)
			select id, '00000000-0000-7000-8000-0000000000d1', 'claim', '00000000-0000-7000-8000-0000000000d2', false, '{}', now(), now() from merchants limit 1`
		opened = `insert into support_case_events (merchant_id, id, case_id, kind, source_id, actor, created_at)
			select merchant_id, gen_random_uuid(), id, 'opened', gen_random_uuid(), 'system', now() from support_cases`
		aNotice = `insert into support_signals (merchant_id, id, key, event, subject_id, by_customer, facts, occurred_at, created_at)
			select id, '00000000-0000-7000-8000-0000000000d3', 'k', 'claim', '00000000-0000-7000-8000-0000000000d2', false, '{}', now(), now() from merchants limit 1`
		aTalk = `insert into conversations (merchant_id, id, channel, locale, secret_hash, said, status, assigned_to, created_at, updated_at)
			select m.id, gen_random_uuid(), 'chat', 'en', '\x00', 0, 'open', '00000000-0000-7000-8000-0000000000d4', now(), now() from (select id from merchants limit 1) m, generate_series(1, 6)`
	)
	notice := func(status, at, decided string) string {
		return `insert into support_notices (merchant_id, id, hook_id, signal_id, event, subject_id, order_id, contact_id, status, created_at, decided_at)
			select merchant_id, gen_random_uuid(), id, id, 'claim', subject_id, id, id, '` + status + `', ` + at + `, ` + decided + ` from support_signals`
	}
	breaks["one_open_case_about_a_thing"] = []string{`drop index support_cases_one`, aCase, opened,
		`insert into support_cases (merchant_id, id, kind, subject_id, by_customer, snapshot, created_at, updated_at)
			select merchant_id, '00000000-0000-7000-8000-0000000000d9', kind, subject_id, false, '{}', now(), now() from support_cases`,
		`insert into support_case_events (merchant_id, id, case_id, kind, source_id, actor, created_at)
			select merchant_id, gen_random_uuid(), id, 'opened', gen_random_uuid(), 'system', now() from support_cases where id = '00000000-0000-7000-8000-0000000000d9'`}
	breaks["a_case_is_opened_by_one_piece_of_news"] = []string{aCase,
		`insert into support_case_events (merchant_id, id, case_id, kind, source_id, actor, created_at) select merchant_id, gen_random_uuid(), id, 'repeated', gen_random_uuid(), 'system', now() from support_cases`}
	breaks["a_case_was_heard_of_as_often_as_it_says"] = []string{aCase, opened, `update support_cases set times = 2`}
	breaks["a_resolved_case_says_so"] = []string{aCase, opened, `update support_cases set status = 'resolved', resolved_at = now()`}
	breaks["a_notice_that_passed_has_its_mail"] = []string{aNotice, notice("passed", "now()", "now()")}
	breaks["no_notice_waits_for_ever"] = []string{aNotice, notice("waiting", "'2016-01-01'", "null")}
	breaks["nobody_has_more_conversations_than_one_can"] = []string{aTalk}
	breaks["a_person_answered_who_is_said_to_have"] = []string{aTalk, `update conversations set answered_at = now(), status = 'waiting', assigned_to = null`}
}
