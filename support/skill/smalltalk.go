package skill

import "context"

// greeting answers a hello, and says what can be asked.
func greeting() Skill {
	return Skill{
		Name: "greeting", Intents: []string{"greeting"},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			return wordsFor(t).say("greeting.hello").button("status").button("delivery").button("return").answer(Smalltalk), nil
		},
	}
}

// thanksBye answers thanks and goodbyes.
func thanksBye() Skill {
	return Skill{
		Name: "thanks_bye", Intents: []string{"thanks_bye"},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			return wordsFor(t).say("thanks.bye").answer(Smalltalk), nil
		},
	}
}

// outOfScope answers what is not the shop's business.
func outOfScope() Skill {
	return Skill{
		Name: "out_of_scope", Intents: []string{"out_of_scope"},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			return wordsFor(t).say("scope.out").button("status").button("delivery").button("return").answer(Oos), nil
		},
	}
}
