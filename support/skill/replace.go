package skill

import (
	"context"
	"slices"
	"strings"
	"time"

	"doorstep/internal/locale"
	"doorstep/order"
)

// replaceItem opens a claim about what arrived broken, wrong or not at all.
func replaceItem() Skill {
	return Skill{
		Name: "replace_item", Intents: []string{"replace_item"}, Identity: Verified, Order: OneOrder,
		Fits:   func(o *Order, now time.Time) bool { return o.arrived() && len(o.claimable()) > 0 && o.recent(now, 90) },
		Action: actClaim, Risk: Reversible,
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			s := tell(t)
			if !s.o.arrived() {
				return s.problem()
			}
			return s.replace()
		},
		Do: doOrder,
	}
}

// claimable are the units that were sent and are not claimed already.
func (o *Order) claimable() []units {
	if o.Source != "checkout" {
		return nil
	}
	return o.pick(func(l *order.Line) int64 {
		n := l.Shipped - l.Returned - l.ComingBack
		for _, c := range o.Claims {
			if c.Status == order.ClaimDenied || c.Status == order.ClaimCanceled {
				continue
			}
			for _, cl := range c.Lines {
				if cl.LineID == l.ID {
					n -= cl.Quantity
				}
			}
		}
		return n
	})
}

// replace proposes a claim.
func (s *tale) replace() (Answer, error) {
	open := s.o.claimable()
	if len(open) == 0 {
		s.comingBack()
		if s.text != "" {
			return s.known()
		}
		s.say("refused.other", "number", s.number())
		return s.refused()
	}
	wanted, said := s.t.named(open)
	if len(wanted) == 0 || !said && len(wanted) > 1 && !s.t.everything() {
		s.say("claim.which", "items", s.items(open))
		s.offer(open, true)
		return s.asks("product")
	}
	kind, spoken := claimKind(s.t.Ask.Slots.Reason)
	s.fact("claim.kind", kind, "")
	s.say("claim.sorry")
	s.say("claim.ask", "items", s.items(wanted), "number", s.number(), "reason", s.word("kind."+spoken))
	return s.propose(actClaim, claimArgs{Lines: quantities(wanted), Kind: kind, Note: note(s.t.Ask.Text)})
}

// claimKind is the service's code for what went wrong, and the text that words it.
func claimKind(read string) (kind, spoken string) {
	switch read {
	case "damaged", "missing", "wrong", "late", "lost":
		return read, read
	case "defective":
		return "damaged", "defective"
	}
	return "wrong", "other"
}

// mostNote bounds what is kept of the customer's words.
const mostNote = 300

// note is the customer's own words on one line.
func note(text string) string {
	r := []rune(strings.Join(strings.Fields(text), " "))
	return string(r[:min(len(r), mostNote)])
}

// claims tells of the claims of the order, and whether there are any.
func (s *tale) claims() bool {
	for i := range s.o.Claims {
		c := &s.o.Claims[i]
		if c.Status == order.ClaimCanceled {
			continue
		}
		s.fact("claim.status", string(c.Status), locale.T(s.lang, "claim_status."+string(c.Status)))
		s.line("claim."+string(c.Status), "claim", s.fact("claim.number", c.Number, ""))
	}
	return slices.ContainsFunc(s.o.Claims, func(c order.Claim) bool { return c.Status != order.ClaimCanceled })
}

func doClaim(ctx context.Context, s *tale, p Proposal) (Answer, error) {
	args, err := read[claimArgs](p)
	if err != nil {
		return Answer{}, err
	}
	c, err := s.t.Shop.Orders.OpenClaim(ctx, s.t.Merchant, p.Order, order.NewClaim{ID: p.ID, Kind: args.Kind, Lines: args.Lines, Note: args.Note}, actor)
	if err != nil {
		return Answer{}, err
	}
	s.fact("claim.status", string(c.Status), "")
	s.fact("claim.kind", c.Kind, "")
	s.say("claim.done", "claim", s.fact("claim.number", c.Number, ""), "items", s.items(s.o.unitsOf(args.Lines)))
	return s.fine()
}
