package skill

import "context"

// review says that there is no place for reviews yet, and offers to pass them on.
func review() Skill {
	return Skill{
		Name: "review", Intents: []string{"review"},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			return wordsFor(t).say("review.none").answer(Policy), nil
		},
	}
}
