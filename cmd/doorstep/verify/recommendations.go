package verify

// recommendations: which lists were shown to whom, and by what they were made.
var recommendations = []Invariant{
	{"visitor_has_one_arm", `
		select merchant_id, (array_agg(id))[1], format('%s was in %s buckets', visitor, count(distinct bucket)) from rec_answers
		group by merchant_id, visitor having count(distinct bucket) > 1`},
	{"arm_follows_from_its_bucket", `
		select merchant_id, id, format('bucket %s got %s', bucket, arm) from rec_answers where (arm = 'popularity') <> (bucket < 50)`},
	{"nothing_is_explored_in_the_popularity_arm", `
		select merchant_id, id, 'place ' || place from rec_answers where arm = 'popularity' and explored is not null`},
	{"versions_of_rules_have_no_gaps", `
		select merchant_id, merchant_id, format('%s versions, the last is %s', count(*), max(version)) from rec_rules
		group by merchant_id having count(*) <> max(version)`},
	{"a_version_that_went_live_was_not_worse", `
		select merchant_id, merchant_id, format('version %s of %s', version, surface) from rec_versions
		where status in ('live', 'retired') and not coalesce((report ->> 'better')::boolean, false)`},
	{"neighbours_are_of_a_build", `
		select distinct n.merchant_id, n.product_id, format('generation %s of %s', n.generation, n.surface) from rec_neighbors n
		left join rec_builds b on b.merchant_id = n.merchant_id and b.surface = n.surface where b.merchant_id is null`},
}
