package skill

import (
	"context"
	"time"

	"doorstep/order"
)

// invoice says where the documents of an order are.
func invoice() Skill {
	return Skill{
		Name: "invoice", Intents: []string{"invoice"}, Identity: Linked, Order: OneOrder,
		Fits: func(o *Order, now time.Time) bool {
			return now.Sub(o.PlacedAt) < 90*24*time.Hour && o.Status != order.StatusCanceled
		},
		Answer: func(ctx context.Context, t *Turn) (Answer, error) {
			papers, err := t.Shop.Orders.Invoices(ctx, t.Merchant, t.Order.ID)
			if err != nil {
				return Answer{}, err
			}
			s := tell(t)
			s.sum("total", s.o.Total)
			if len(papers) == 0 {
				s.say("invoice.none", "number", s.number())
				if paid, _ := s.o.paid(); paid == 0 {
					s.say("invoice.when_paid")
				}
				return s.known()
			}
			s.say("invoice.here", "number", s.number())
			for _, p := range papers {
				s.line("invoice.paper."+p.Kind, "paper", s.fact("invoice.number", p.Number, ""), "day", s.day("invoice.issued_at", p.IssuedAt))
			}
			s.line("invoice.link", "url", s.fact("invoice.url", papers[0].URL, ""))
			s.say("invoice.email")
			return s.known()
		},
	}
}
