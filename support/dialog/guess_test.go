package dialog_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/support/dialog"
	"doorstep/support/skill"
	"doorstep/support/slot"
	"doorstep/support/understand"
)

// guesser reads one ask into every message.
type guesser struct{ ask understand.Ask }

func (g guesser) Interpret(_ context.Context, turn understand.Turn) (understand.Reading, error) {
	return understand.Reading{Text: turn.Text, Language: "en", Asks: []understand.Ask{g.ask}, Scope: understand.Scope{In: true, Chance: 1}, Slots: g.ask.Slots}, nil
}

// TestAGoodGuessIsGoneOnWithWhereAMistakeCostsNothing tries guesses of all kinds.
func TestAGoodGuessIsGoneOnWithWhereAMistakeCostsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first  string
		sure   float64
		second string
		next   float64
		order  string
		by     skill.Who
		want   skill.Type
	}{
		"a reading":                       {"refund_policy", .6, "order_status", .2, "", skill.Who{}, skill.Policy},
		"a reading that is hardly likely": {"refund_policy", .45, "order_status", .2, "", skill.Who{}, skill.Ask},
		"two that are near":               {"refund_policy", .5, "order_status", .4, "", skill.Who{}, skill.Ask},
		"an act, which asks":              {"cancel_order", .6, "change_address", .2, "DS-100242", who(ana), skill.Confirm},
		"an act, less likely":             {"cancel_order", .4, "change_address", .3, "DS-100242", who(ana), skill.Confirm},
		"a reading half as likely":        {"cancel_order", .5, "order_status", .3, "DS-100242", who(ana), skill.Fact},
		"not about the order named":       {"refund_policy", .6, "cancel_order", .4, "DS-100242", who(ana), skill.Confirm},
		"nothing about the order named":   {"refund_policy", .6, "account_delete", .3, "DS-100242", who(ana), skill.Fact},
		"a stranger who names an order":   {"order_status", .3, "refund_policy", .2, "DS-100242", skill.Who{}, skill.Verify},
		"a hand-over":                     {"complaint", .7, "refund_policy", .1, "", who(ana), skill.Ask},
		"a hand-over about an order":      {"complaint", .7, "order_status", .1, "DS-100242", who(ana), skill.Fact},
		"to be forgotten":                 {"account_delete", .8, "refund_policy", .1, "", who(ana), skill.Ask},
	} {
		ask := understand.Ask{Intent: c.first, Confidence: c.sure, Second: c.second, SecondConfidence: c.next, Level: understand.Offer, Text: "x"}
		if c.order != "" {
			ask.Slots.Orders = []slot.Order{{Number: c.order, Sure: true}}
		}
		w := newShop()
		s := dialog.New(dialog.Config{
			Reader: guesser{ask}, Skills: w.skills(), Store: newMemory(), Orders: w, Codes: w, Clock: clock.At(start),
			Settings: func(context.Context, uuid.UUID) (customer.Settings, error) {
				return customer.Settings{Timezone: "UTC"}, nil
			},
			Secret: func(_, _ uuid.UUID) string { return "secret" },
		})
		r, err := s.Turn(t.Context(), dialog.Message{Text: "something", Who: c.by})
		if err != nil || r.Type != c.want {
			t.Errorf("%s: %s %q, %v, want %s", name, r.Type, r.Text, err, c.want)
		}
		s.Close()
	}
}
