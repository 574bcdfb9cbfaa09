package skill

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"doorstep/order"
)

// accountDelete forgets the writer, once they have read what that means.
func accountDelete() Skill {
	return Skill{
		Name: "account_delete", Intents: []string{"account_delete"}, Identity: Verified, Order: AllOrders,
		Action: "account.erase", Risk: Irreversible,
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			w := wordsFor(t).say("erase.ask").say("erase.stays")
			if numbers := underway(t.Orders); len(numbers) > 0 {
				w.say("erase.open", "numbers", w.fact("orders.open", strings.Join(numbers, ","), strings.Join(numbers, ", ")))
			}
			a := w.line("erase.sure").answer(Confirm)
			a.Proposal = &Proposal{Action: "account.erase"}
			return a, nil
		},
		Do: func(ctx context.Context, t *Turn, _ Proposal) (Answer, error) {
			if t.Again && t.Who.Customer == uuid.Nil && len(t.Who.EmailHMAC) == 0 {
				return wordsFor(t).say("erase.done").answer(Done), nil // that nobody is known any more says that it was done
			}
			if err := t.Shop.People.Erase(ctx, t.Merchant, t.Who); err != nil {
				return Answer{}, err
			}
			return wordsFor(t).say("erase.done").answer(Done), nil
		},
	}
}

// underway are the numbers of orders whose goods have still to find the buyer.
func underway(orders []*Order) []string {
	var numbers []string
	for _, o := range orders {
		if open := o.Status == order.StatusPending || o.Status == order.StatusConfirmed || o.Status == order.StatusOnHold; open && o.FulfillmentStatus != "delivered" && len(numbers) < 5 {
			numbers = append(numbers, o.Number)
		}
	}
	return numbers
}
