package dialog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/support/dialog"
	"doorstep/support/skill"
)

// poet says what the test wants.
type poet struct {
	said string
	err  error
}

func (p *poet) Compose(context.Context, string, string, []skill.Value) (string, error) {
	return p.said, p.err
}

func TestAComposedReplyThatStatesMoreThanTheFactsIsRefused(t *testing.T) {
	t.Parallel()
	k := newTalker(t, who(ana))
	p := &poet{}
	k.service = dialog.New(dialog.Config{
		Reader: reader(), Skills: k.shop.skills(), Store: k.store, Orders: k.shop, Codes: k.shop, Clock: k.clock, Composer: p,
		Settings: func(context.Context, uuid.UUID) (customer.Settings, error) { return customer.Settings{}, nil },
		Secret:   func(_, conversation uuid.UUID) string { return "s" },
	})
	p.said = "Good news! DS-100241 is travelling to you."
	if r := k.says("where is DS-100241?"); r.Text != p.said {
		t.Errorf("a faithful reply was refused: %q", r.Text)
	}
	for _, said := range []string{
		"DS-100242 is on its way.", "DS-100241 arrives on 12 March.", "DS-100241: you get 50 EUR.", "Write to help@evil.example about DS-100241.",
		"DS-100241 goes to: 12 Abovyan street, Yerevan 0010.", "Look at https://evil.example for DS-100241", "",
	} {
		if p.said = said; k.says("where is DS-100241?").Text == said {
			t.Errorf("%q was said", said)
		}
	}
	p.said = "Consider it done!"
	if r := k.says("cancel DS-100242"); r.Text == p.said || r.Type != skill.Confirm {
		t.Errorf("a question was reworded: %q", r.Text)
	}
	p.err = errors.New("down")
	if r := k.says("where is DS-100241?"); r.Text == "" {
		t.Error("no reply without the composer")
	}
}
