package skill

import "context"

// subscribe writes down that the writer wants news and offers by mail.
func subscribe() Skill {
	return Skill{
		Name: "subscribe", Intents: []string{"subscribe"}, Identity: Verified, Action: "consent.grant", Risk: Reversible,
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			return consentAsked(t, "subscribe.ask", "consent.grant"), nil
		},
		Do: func(ctx context.Context, t *Turn, p Proposal) (Answer, error) {
			if err := t.Shop.People.Subscribe(ctx, t.Merchant, t.Who, p.ID); err != nil {
				return Answer{}, err
			}
			return consentDone(t, "subscribe.done", "true"), nil
		},
	}
}

// unsubscribe ends all mail that is not about the writer's orders.
func unsubscribe() Skill {
	return Skill{
		Name: "unsubscribe", Intents: []string{"unsubscribe"}, Identity: Verified, Action: "consent.withdraw", Risk: Reversible,
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			return consentAsked(t, "unsubscribe.ask", "consent.withdraw"), nil
		},
		Do: func(ctx context.Context, t *Turn, p Proposal) (Answer, error) {
			if err := t.Shop.People.Unsubscribe(ctx, t.Merchant, t.Who, p.ID); err != nil {
				return Answer{}, err
			}
			return consentDone(t, "unsubscribe.done", "false"), nil
		},
	}
}

func (w *words) shop() string {
	if w.t.Settings.Name == "" {
		return w.word("shop.unnamed")
	}
	return w.fact("shop", w.t.Settings.Name, "")
}

func consentAsked(t *Turn, key, action string) Answer {
	w := wordsFor(t)
	a := w.say(key, "shop", w.shop()).answer(Confirm)
	a.Proposal = &Proposal{Action: action}
	return a
}

func consentDone(t *Turn, key, subscribed string) Answer {
	w := wordsFor(t)
	w.fact("subscribed", subscribed, "")
	return w.say(key, "shop", w.shop()).answer(Done)
}
