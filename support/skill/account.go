package skill

import (
	"context"

	"doorstep/customer"
)

// accountPassword says that there are no passwords, and how to sign in.
func accountPassword() Skill {
	return Skill{
		Name: "account_password", Intents: []string{"account_password"},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			w := wordsFor(t)
			w.say("password.none", "digits", w.number("code_digits", customer.CodeDigits), "minutes", w.number("code_minutes", customer.CodeMinutes))
			return w.say("password.missing").answer(Policy), nil
		},
	}
}

// accountEdit says what an account is, and how to change what is known.
func accountEdit() Skill {
	return Skill{
		Name: "account_edit", Intents: []string{"account_edit"},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			return wordsFor(t).say("account.edit").say("account.order").button("address").answer(Policy), nil
		},
	}
}
