package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"doorstep/cmd/doorstep/cases"
	"doorstep/internal/id"
	"doorstep/order"
)

// player plays cases in a world that is built, each from the same beginning.
type player struct {
	*stage
	journal *journal
	numbers *cases.Numbers
	back    func() error // the gateway's books
}

// opening is the moment from which each case begins.
func (s *stage) opening(ctx context.Context) (*player, error) {
	j, err := noteRows(ctx, s.h.db)
	if err != nil {
		return nil, err
	}
	return &player{stage: s, journal: j, numbers: cases.NewNumbers(s.world, s.real), back: s.h.gateway.Remember()}, nil
}

// play plays one case and puts everything back. With check the result is held
// against what the case expects.
func (p *player) play(ctx context.Context, c *cases.Case, check bool) (*cases.Result, error) {
	result, err := p.scene(ctx, c, p.numbers)
	if err != nil {
		return nil, err
	}
	if !check {
		return result, nil
	}
	if c.Risky() {
		nobody := map[string]string{}
		for name := range p.real {
			nobody[name] = order.NewNumber()
		}
		if result.Absent, err = p.scene(ctx, c, p.numbers.Swapped(nobody)); err != nil {
			return nil, err
		}
	}
	result.Missed = cases.Check(p.world, p.numbers, c, result)
	return result, nil
}

// scene plays a case with its numbers, up to its last message.
func (p *player) scene(ctx context.Context, c *cases.Case, n *cases.Numbers) (_ *cases.Result, err error) {
	defer func() {
		// News that nobody has heard is put back with the rest.
		for _, undo := range []func() error{func() error { return p.journal.back(ctx) }, p.back} {
			if failed := undo(); err == nil {
				err = failed
			}
		}
	}()
	p.turn(p.world.Now)
	talk := &talk{player: p, language: c.Language}
	if talk.headers, err = p.identity(ctx, c); err != nil {
		return nil, err
	}
	for _, line := range c.History {
		if line.From != "customer" && line.From != "user" && line.From != "" {
			continue
		}
		if _, err := talk.say(ctx, n.Render(line.Template, line.Text)); err != nil {
			return nil, err
		}
	}
	text := n.Render(c.Template, c.Text)
	answer, err := talk.say(ctx, text)
	if err != nil {
		return nil, err
	}
	effects, err := p.journal.effects(ctx)
	if err != nil {
		return nil, err
	}
	return p.result(c, n, text, answer, effects), nil
}

// identity is what a case's requests prove: nothing, a customer's session, or the
// link of one order.
func (p *player) identity(ctx context.Context, c *cases.Case) ([]string, error) {
	level, name, _ := strings.Cut(c.Auth, ":")
	switch level {
	case "verified", "customer", "signed_in":
		session := p.sessions[name]
		if session == "" {
			return nil, fmt.Errorf("nobody is called %s", name)
		}
		return []string{"Customer-Session", session}, nil
	case "link", "linked":
		made, ok := p.orders[name]
		if !ok {
			return nil, fmt.Errorf("no link leads to order %s", name)
		}
		o, err := p.h.orders.Order(ctx, p.merchant, made)
		if err != nil {
			return nil, err
		}
		return []string{"Order-Token", p.h.orders.TrackingToken(o)}, nil
	}
	return nil, nil
}

// talk is one conversation.
type talk struct {
	*player
	language, conversation, secret string
	headers                        []string
}

// say sends a message, and lets everything happen that follows from it.
func (t *talk) say(ctx context.Context, text string) (told, error) {
	body := object{"text": text, "channel": "chat"}
	if slices.Contains([]string{"en", "hy", "km"}, t.language) {
		body["locale"] = t.language // as the page says on which somebody writes
	}
	headers := slices.Concat(t.headers, []string{"Idempotency-Key", id.Secret(12)})
	if t.conversation != "" {
		body["conversation_id"] = t.conversation
		headers = append(headers, "Conversation-Secret", t.secret)
	}
	a, err := t.call.do(ctx, http.MethodPost, "/v1/assistant/messages", body, headers...)
	if err != nil {
		return a, err
	}
	if a.status >= http.StatusBadRequest {
		return a, fmt.Errorf("%q was answered with %d %s", text, a.status, a.raw)
	}
	if t.conversation == "" {
		t.conversation, t.secret = a.text("conversation_id"), a.text("secret")
	}
	return a, t.settle(ctx)
}

// result is an answer of the API as the cases tell it.
func (p *player) result(c *cases.Case, n *cases.Numbers, text string, a told, effects []cases.Effect) *cases.Result {
	r := &cases.Result{
		ID: c.ID, Type: a.text("type"), Action: a.text("action"), Reply: a.text("reply"), Language: a.text("language"), Text: text, Handoff: a.at("handoff") != nil,
		Intents: []string{}, Slots: map[string][]string{}, Facts: []cases.Fact{}, Fixtures: map[string]string{}, Effects: cases.In(effects, cases.Business),
	}
	for _, e := range effects {
		if e.Kind != cases.Business {
			e.Columns = nil // what was said is in the reply; the rest is nobody's business
			r.Others = append(r.Others, e)
		}
	}
	for _, v := range a.list("intents") {
		if s, ok := v.(string); ok {
			r.Intents = append(r.Intents, s)
		}
	}
	if s := a.text("intent"); s != "" && len(r.Intents) == 0 {
		r.Intents = append(r.Intents, s)
	}
	about := map[string]bool{}
	note := func(number string) {
		if canonical, ok := order.ParseNumber(number); ok {
			if name := n.Name(canonical); name != "" {
				r.Fixtures[canonical] = name
				about[name] = true
			}
		}
	}
	slots, _ := a.at("slots").(map[string]any)
	for key, v := range slots {
		list, _ := v.([]any)
		for _, one := range list {
			s := fmt.Sprint(one)
			if key == "order" {
				note(s)
			}
			r.Slots[key] = append(r.Slots[key], s)
		}
	}
	for _, v := range a.list("facts") {
		f, _ := v.(map[string]any)
		one := cases.Fact{Name: text1(f, "name"), Value: f["value"], Text: text1(f, "text")}
		note(text1(f, "value"))
		r.Facts = append(r.Facts, one)
	}
	for number, name := range p.byNumber(n) {
		if strings.Contains(r.Reply, number) {
			r.Fixtures[number] = name
			about[name] = true
		}
	}
	r.AddFields(p.world, n, sortedKeys(about))
	return r
}

// byNumber are the world's names by the real numbers of a scene.
func (p *player) byNumber(n *cases.Numbers) map[string]string {
	all := map[string]string{}
	for name := range p.real {
		all[n.Real(name)] = name
	}
	return all
}

func text1(f map[string]any, key string) string {
	switch v := f[key].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func sortedKeys(of map[string]bool) []string {
	var all []string
	for k := range of {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}
