package skill

import "context"

// cancellationFee says what it costs to cancel: nothing, while nothing was sent.
func cancellationFee() Skill {
	return Skill{
		Name: "cancellation_fee", Intents: []string{"cancellation_fee"},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			w := wordsFor(t)
			w.say("cancel.free", "fee", w.fact("cancel_fee", "0", w.word("cancel.word")))
			if n := t.Settings.ReturnWindowDays; n > 0 {
				w.count("return_window_days", n, "cancel.later")
			}
			return w.button("cancel").answer(Policy), nil
		},
	}
}
