package skill

import "context"

// loyaltyPoints says plainly that there are no points.
func loyaltyPoints() Skill {
	return Skill{
		Name: "loyalty_points", Intents: []string{"loyalty_points"},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			return wordsFor(t).say("points.none").say("points.codes").answer(Policy), nil
		},
	}
}
