package skill

import "context"

// humanAgent hands over to a person, at once and to anybody.
func humanAgent() Skill {
	return Skill{
		Name: "human_agent", Intents: []string{"human_agent"},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			a := wordsFor(t).say("person.passing").answer(Handoff)
			a.Handoff = "human_agent"
			return a, nil
		},
	}
}

// complaint opens a case: it is heard, and a person answers it. Nothing is
// promised on that person's behalf.
func complaint() Skill {
	return Skill{
		Name: "complaint", Intents: []string{"complaint"},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			a := wordsFor(t).say("complaint.sorry").say("complaint.case").answer(Handoff)
			a.Handoff = "complaint"
			return a, nil
		},
	}
}
