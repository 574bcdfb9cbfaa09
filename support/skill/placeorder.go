package skill

import "context"

// placeOrder says how to buy, and shows what the message seems to want.
func placeOrder() Skill {
	return Skill{
		Name: "place_order", Intents: []string{"place_order"},
		Answer: func(ctx context.Context, t *Turn) (Answer, error) {
			w := wordsFor(t).say("order.how")
			words := productWords(t)
			if words == "" {
				return w.answer(Policy), nil
			}
			found, err := t.Shop.Products.Search(ctx, t.Merchant, words, t.Language, t.Currency, mostProducts)
			if err != nil {
				return Answer{}, err
			}
			if found = whole(found); len(found) > 0 {
				w.line("order.found")
				for i := range found {
					w.row(i, &found[i])
				}
			}
			return w.answer(Policy), nil
		},
	}
}
