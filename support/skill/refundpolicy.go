package skill

import "context"

// refundPolicy says how long goods are taken back, and how the money returns.
func refundPolicy() Skill {
	return Skill{
		Name: "refund_policy", Intents: []string{"refund_policy"}, Order: MayOrder,
		Answer: func(ctx context.Context, t *Turn) (Answer, error) {
			if t.Order != nil {
				return returnWindow(ctx, t)
			}
			w := wordsFor(t)
			set := &t.Settings
			if set.ReturnWindowDays == 0 {
				w.fact("return_window_days", "0", "")
				w.say("refund.none")
			} else {
				w.count("return_window_days", set.ReturnWindowDays, "refund.window").say("refund.money")
				if set.CashOnDelivery.Enabled || set.BankTransfer.Enabled {
					w.say("refund.byhand")
				}
			}
			if url := policyLink(t, "returns"); url != "" {
				w.say("refund.link", "url", w.fact("return_policy.url", url, ""))
			}
			return w.button("return").answer(Policy), nil
		},
	}
}
