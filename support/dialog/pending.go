package dialog

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/support/desk"
	"doorstep/support/skill"
	"doorstep/support/slot"
	"doorstep/support/understand"
)

// pendingLife is how long an action waits for its yes.
const pendingLife = 10 * time.Minute

// mailLife is the same by mail, which is read later. There only the page that the
// mail links to says yes: words of a mail can be anybody's, and quote anything.
const mailLife = 48 * time.Hour

func (t *talk) byMail() bool { return t.conv.Channel == "email" }

func (t *talk) patience() time.Duration {
	if t.byMail() {
		return mailLife
	}
	return pendingLife
}

// open says whether an action still waits.
func (a *Action) open(now time.Time) bool {
	return a != nil && a.Status == ActionPending && now.Before(a.ExpiresAt)
}

// pending answers a message that is about the action that waits. Only a message
// that is nothing but a yes, right behind the question, carries it out.
func (s *Service) pending(ctx context.Context, t *talk) (done bool, err error) {
	a := t.action
	if a == nil || a.Status != ActionPending {
		return false, nil
	}
	yes, isYes := clean(t.reading, understand.Yes)
	no, isNo := clean(t.reading, understand.No)
	same := func(intent string) bool {
		k := s.byIntent[intent]
		return intent == "" || t.st.Proposed != nil && intent == t.st.Proposed.Intent || k != nil && k.Action == a.Action
	}
	if !a.open(t.now) {
		t.settle(ActionExpired, "")
		if isYes {
			t.say(skill.Ask, "assistant.expired")
			return true, nil
		}
		return false, nil
	}
	switch {
	case isYes && same(yes.Echo) && about(t.reading.Slots, a):
		if a.AskedSeq != t.conv.Said || t.byMail() {
			return true, s.repeat(ctx, t)
		}
		return true, s.run(ctx, t)
	case isYes && yes.Echo == "":
		return true, s.repeat(ctx, t) // a yes that names another order
	case isNo && same(no.Echo), isNo && no.Echo == "":
		t.decline()
		return true, nil
	}
	asks := t.reading.Asks
	if slices.ContainsFunc(asks, func(q understand.Ask) bool { return q.Negated && same(q.Intent) }) {
		if len(asks) == 1 {
			t.decline()
			return true, nil
		}
		t.settle(ActionDropped, "declined")
		return false, nil
	}
	if did(t.reading, understand.Yes) || did(t.reading, understand.Unsure) && len(asks) == 0 {
		return true, s.repeat(ctx, t)
	}
	if did(t.reading, understand.No) || slices.ContainsFunc(asks, func(q understand.Ask) bool {
		k := s.byIntent[q.Intent]
		return k != nil && k.Action != "" && q.Level == understand.Sure
	}) {
		t.settle(ActionDropped, "superseded") // something else is wanted
	}
	return false, nil
}

// about says whether a yes names nothing but the order that was asked about.
func about(f slot.Found, a *Action) bool {
	for _, o := range f.Orders {
		if o.Number != a.Number {
			return false
		}
	}
	return len(f.Coupons)+len(f.Quantities)+len(f.Emails)+len(f.Amounts) == 0 && f.Address == nil
}

// settle ends a pending action without doing it.
func (t *talk) settle(status, outcome string) {
	a := *t.action
	a.Status, a.Outcome, a.UpdatedAt = status, outcome, t.now
	t.move, t.from = &a, ActionPending
	t.action, t.st.Proposed = nil, nil
}

// decline drops what waits, because it is not wanted.
func (t *talk) decline() {
	t.settle(ActionDropped, "declined")
	t.st.Wait, t.st.Choice = nil, nil
	t.reply.Intents = keep(t.reply.Intents, "no")
	t.say(skill.Smalltalk, "assistant.left")
}

// repeat asks the question of the pending action again.
func (s *Service) repeat(ctx context.Context, t *talk) error {
	at := t.action.AskedSeq
	if t.st.Proposed != nil && t.st.Proposed.At > 0 {
		at = t.st.Proposed.At
	}
	question, err := s.c.Store.Body(ctx, t.m.Merchant, t.conv.ID, at)
	if err != nil {
		return err
	}
	question = clip(question, mostQuestion)
	a := *t.action
	a.UpdatedAt = t.now
	t.move, t.from = &a, ActionPending
	a.AskedSeq = t.seq() + 1 // the reply of this turn
	t.say(skill.Ask, "assistant.again")
	t.add(question)
	t.reply.Action = a.Action
	t.asking(&a, question)
	return nil
}

// mostQuestion bounds a question that is shown again.
const mostQuestion = 4000

// button answers the press of a button, which carries the id of what it answers.
func (s *Service) button(ctx context.Context, t *talk) error {
	t.speak(string(t.lang))
	word := understand.No
	if t.m.Agree {
		word = understand.Yes
	}
	t.reply.Intents, t.reply.Confidence = []string{string(word)}, 1
	a := t.action
	switch {
	case a == nil || a.ID != t.m.Pending || a.Status != ActionPending:
		t.say(skill.Ask, "assistant.nothing_waits")
		return nil
	case !a.open(t.now):
		t.settle(ActionExpired, "")
		t.say(skill.Ask, "assistant.expired")
		return nil
	case !t.m.Agree:
		t.decline()
		return nil
	}
	return s.run(ctx, t)
}

// run carries out the pending action: the yes is written down first, then it is
// done, then its end is written down with the reply. Whoever finds a yes without an
// end does the rest.
func (s *Service) run(ctx context.Context, t *talk) error {
	k := s.byAction[t.action.Action]
	if k == nil {
		t.settle(ActionFailed, "unknown")
		t.say(skill.Refuse, "assistant.failed")
		return nil
	}
	if t.who.Level < max(k.Identity, skill.Verified) {
		t.say(skill.Verify, "assistant.verify")
		return nil
	}
	a, seq := *t.action, t.seq()
	a.Status, a.ConfirmedSeq, a.UpdatedAt = ActionRunning, &seq, t.now
	t.st.Tried = keep(t.st.Tried, a.Action)
	confirmed := t.turned()
	confirmed.Said, confirmed.Move, confirmed.MoveFrom = []desk.Message{t.heard()}, &a, ActionPending
	if err := s.c.Store.Save(ctx, confirmed); err != nil {
		return err
	}
	t.saved(1)
	t.action = &a
	return s.carry(ctx, t, k, false)
}

// saved notes that the turn so far is written down with n messages.
func (t *talk) saved(n int) {
	t.said = true
	t.fresh = false
	t.conv.Said += n
	t.conv.Version++
}

// carry does what was confirmed and words how it ended. An error that says nothing
// about the end leaves it running.
func (s *Service) carry(ctx context.Context, t *talk, k *skill.Skill, again bool) error {
	a := t.action
	u := s.turn(t, understand.Ask{Intent: k.Intents[0], Level: understand.Sure, Confidence: 1})
	u.Again = again
	ended := func(status, outcome string) {
		b := *a
		b.Status, b.Outcome, b.UpdatedAt = status, clip(outcome, 100), t.now
		t.move, t.from = &b, ActionRunning
	}
	if a.Order != uuid.Nil {
		o, err := s.c.Orders.ByNumber(ctx, t.m.Merchant, t.who, a.Number)
		switch {
		case err != nil:
			return err
		case o == nil:
			ended(ActionFailed, "order_gone")
			t.say(skill.Refuse, "assistant.not_yours")
			return nil
		case !again && o.Version != a.Version:
			ended(ActionFailed, "order_changed")
			return s.changed(ctx, t)
		}
		u.Order = o
		t.st.Order = o.Number
	}
	t.st.Proposed = nil
	answer, err := k.Do(ctx, u, a.Proposal)
	if err != nil {
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind == fault.Internal || f.Kind == fault.Unavailable || f.Kind == fault.TooMany || ctx.Err() != nil {
			return err
		}
		ended(ActionFailed, f.Code)
		t.say(skill.Refuse, "assistant.failed")
		return nil
	}
	switch answer.Type {
	case skill.Done:
		t.reply.Action = a.Action
		ended(ActionDone, "done")
	default:
		ended(ActionFailed, string(answer.Type))
	}
	answer.Proposal = nil
	return s.put(ctx, t, k, answer, nil)
}

// changed asks anew, because the order is not what it was when it was asked.
func (s *Service) changed(ctx context.Context, t *talk) error {
	t.say("", "assistant.changed")
	t.reply.Type = ""
	w := t.st.Proposed
	t.st.Proposed = nil
	if w == nil {
		t.reply.Type = skill.Ask
		return nil
	}
	t.read = false
	if err := s.load(ctx, t); err != nil {
		return err
	}
	a, err := s.recall(ctx, t, *w)
	if err != nil {
		return err
	}
	return s.answers(ctx, t, []ask{a})
}

var errStuck = errors.New("dialog: an action did not come to its end")

// gaveUp is how long somebody tries to end a confirmed action before a person has to.
const gaveUp = time.Hour

// complete ends an action that was confirmed in an earlier run, and says so once.
func (s *Service) complete(ctx context.Context, t *talk) error {
	a := t.action
	if t.now.Sub(a.UpdatedAt) < running {
		return desk.ErrConversationMoved // it is being done
	}
	t.said = true // what confirmed it is in the transcript
	who := skill.Who{Level: skill.Verified, EmailHMAC: t.conv.EmailHMAC}
	if t.conv.CustomerID != nil {
		who.Customer = *t.conv.CustomerID
	}
	before := t.who
	t.who = who
	t.speak(string(t.lang))
	k := s.byAction[a.Action]
	var err error
	if k == nil || t.now.Sub(a.UpdatedAt) > gaveUp {
		err = errStuck
	} else {
		err = s.carry(ctx, t, k, true)
	}
	if err != nil && t.now.Sub(a.UpdatedAt) <= gaveUp {
		return err
	}
	if err != nil {
		b := *a
		b.Status, b.Outcome, b.UpdatedAt = ActionFailed, "stuck", t.now
		t.move, t.from = &b, ActionRunning
		if err := s.handOver(ctx, t, "action_stuck", "assistant.handoff.stuck"); err != nil {
			return err
		}
	}
	t.who = before
	return s.finish(ctx, t)
}

// Sweep ends what was confirmed and cut off, drops what nobody confirmed, and says
// how many conversations it looked at. Run it every minute.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	now := s.c.Clock.Now()
	if err := s.c.Store.Prune(ctx, now); err != nil {
		return 0, err
	}
	open, err := s.c.Store.Unfinished(ctx, now.Add(-running), 100)
	if err != nil {
		return 0, err
	}
	var all error
	for _, u := range open {
		if err := s.mend(ctx, u); err != nil && !errors.Is(err, desk.ErrConversationMoved) {
			all = errors.Join(all, err)
		}
	}
	return len(open), all
}

// mend ends the action of one conversation.
func (s *Service) mend(ctx context.Context, u Unfinished) error {
	free, err := s.hold(ctx, u.Conversation)
	if err != nil {
		return err
	}
	defer free()
	k, err := s.c.Store.Load(ctx, u.Merchant, u.Conversation, nil)
	if err != nil || k.Action == nil || k.Action.Status != ActionRunning {
		return err
	}
	t := s.open(Message{Merchant: u.Merchant, Conversation: u.Conversation}, k, false)
	if t.settings, err = s.c.Settings(ctx, u.Merchant); err != nil {
		return err
	}
	return s.complete(ctx, t)
}
