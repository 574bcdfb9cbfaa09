package verify_test

func init() {
	with := func(values string) string {
		return `insert into rec_answers (merchant_id, id, at, visitor, bucket, arm, surface, version, rules, explored, place, chance)
			select id, gen_random_uuid(), now(), 'v', ` + values + ` from merchants limit 1`
	}
	breaks["visitor_has_one_arm"] = []string{with(`700, 'learned', 'home', 0, 0, null, null, null`), with(`701, 'learned', 'home', 0, 0, null, null, null`)}
	breaks["arm_follows_from_its_bucket"] = []string{with(`49, 'learned', 'home', 0, 0, null, null, null`)}
	breaks["nothing_is_explored_in_the_popularity_arm"] = []string{with(`49, 'popularity', 'home', 0, 0, gen_random_uuid(), 10, 0.1`)}
	breaks["versions_of_rules_have_no_gaps"] = []string{`insert into rec_rules (merchant_id, version, document, created_by, created_at) select id, 2, '[]', 'x', now() from merchants limit 1`}
	breaks["a_version_that_went_live_was_not_worse"] = []string{`insert into rec_versions (merchant_id, surface, version, settings, status, report, created_by, created_at)
		select id, 'cart', 1, '{}', 'live', '{"better": false}', 'x', now() from merchants limit 1`}
	breaks["neighbours_are_of_a_build"] = []string{`insert into rec_neighbors (merchant_id, surface, product_id, generation, ids, weights, orders)
		select id, 'cart', gen_random_uuid(), 1, '{}', '{}', '{}' from merchants limit 1`}
}
