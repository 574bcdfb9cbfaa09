package dialog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// start is when all talks here begin.
var start = time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC)

// reader reads for all tests: it may be used by many at once.
var reader = sync.OnceValue(func() *understand.Reader {
	r, err := understand.Default()
	if err != nil {
		panic(err)
	}
	return r
})

// memory is a Store that forgets with the test.
type memory struct {
	mu      sync.Mutex
	talks   map[uuid.UUID]*desk.Conversation
	said    map[uuid.UUID][]desk.Message
	actions map[uuid.UUID]*dialog.Action
	tries   map[string]int
	saves   int
	// fail is asked before each Save.
	fail func(t dialog.Turned) error
}

func newMemory() *memory {
	return &memory{talks: map[uuid.UUID]*desk.Conversation{}, said: map[uuid.UUID][]desk.Message{}, actions: map[uuid.UUID]*dialog.Action{}, tries: map[string]int{}}
}

func (m *memory) waiting(conversation uuid.UUID) *dialog.Action {
	for _, a := range m.actions {
		if a.Conversation == conversation && (a.Status == dialog.ActionPending || a.Status == dialog.ActionRunning) {
			return a
		}
	}
	return nil
}

func (m *memory) Load(_ context.Context, _, conversation uuid.UUID, key []byte) (dialog.Talk, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.talks[conversation]
	if c == nil {
		return dialog.Talk{}, desk.ErrNoConversation
	}
	k := dialog.Talk{Conversation: *c}
	if a := m.waiting(conversation); a != nil {
		b := *a
		k.Action = &b
	}
	for i, s := range m.said[conversation] {
		if key == nil || !bytes.Equal(s.KeyHash, key) {
			continue
		}
		k.Known = true
		for _, b := range m.said[conversation][i:] {
			if b.Author == desk.Assistant && k.Before == nil {
				k.Before = &b
			}
		}
	}
	return k, nil
}

func (m *memory) Begun(ctx context.Context, merchant uuid.UUID, key []byte) (dialog.Talk, error) {
	m.mu.Lock()
	var found uuid.UUID
	for id, c := range m.talks {
		if bytes.Equal(c.BegunBy, key) {
			found = id
		}
	}
	m.mu.Unlock()
	if found == uuid.Nil {
		return dialog.Talk{}, nil
	}
	return m.Load(ctx, merchant, found, key)
}

func (m *memory) Body(_ context.Context, _, conversation uuid.UUID, seq int) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq < 1 || seq > len(m.said[conversation]) {
		return "", nil
	}
	return m.said[conversation][seq-1].Body, nil
}

func (m *memory) Spoken(_ context.Context, _, conversation uuid.UUID, after, limit int) (all []desk.Message, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.said[conversation] {
		if s.Seq > after && len(all) < limit && s.Author != desk.Note && s.Author != desk.System {
			all = append(all, s)
		}
	}
	return all, nil
}

func (m *memory) Last(_ context.Context, _, conversation uuid.UUID) (*desk.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range slices.Backward(m.said[conversation]) {
		if s.Author == desk.Assistant {
			return &s, nil
		}
	}
	return nil, nil
}

func (m *memory) Save(_ context.Context, t dialog.Turned) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err := m.fail(t); err != nil {
			return err
		}
	}
	c := t.Conversation
	old := m.talks[c.ID]
	if t.New == (old != nil) || !t.New && old.Version != c.Version {
		return desk.ErrConversationMoved
	}
	if a := t.Move; a != nil {
		if m.actions[a.ID] == nil || m.actions[a.ID].Status != t.MoveFrom {
			return desk.ErrConversationMoved
		}
		b := *a
		m.actions[a.ID] = &b
	}
	for i, s := range t.Said {
		s.Seq = c.Said + i + 1
		m.said[c.ID] = append(m.said[c.ID], s)
	}
	c.Said += len(t.Said)
	if c.Said != len(m.said[c.ID]) {
		panic("a gap in what was said")
	}
	if old != nil && !t.Proved {
		c.CodeRequest = old.CodeRequest
	}
	if !t.New {
		c.Version++
	}
	m.talks[c.ID] = &c
	if a := t.Propose; a != nil {
		if w := m.waiting(c.ID); w != nil {
			w.Status = dialog.ActionDropped
		}
		b := *a
		m.actions[a.ID] = &b
	}
	m.saves++
	return nil
}

func (m *memory) Asked(_ context.Context, _, conversation, request uuid.UUID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.talks[conversation].CodeRequest = &request
	return nil
}

func (m *memory) Position(context.Context, uuid.UUID, uuid.UUID) (int, error) { return 1, nil }

func (m *memory) Tries(_ context.Context, _ uuid.UUID, kind string, subjects [][]byte, day time.Time) (n int, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range subjects {
		n = max(n, m.tries[kind+string(s)+day.Format(time.DateOnly)])
	}
	return n, nil
}

func (m *memory) Try(_ context.Context, _ uuid.UUID, kind string, subjects [][]byte, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range subjects {
		m.tries[kind+string(s)+at.Format(time.DateOnly)]++
	}
	return nil
}

func (m *memory) Unfinished(_ context.Context, before time.Time, _ int) (all []dialog.Unfinished, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.actions {
		if a.Status == dialog.ActionRunning && a.UpdatedAt.Before(before) {
			all = append(all, dialog.Unfinished{Conversation: a.Conversation})
		}
	}
	return all, nil
}

func (m *memory) Prune(_ context.Context, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.actions {
		if a.Status == dialog.ActionPending && !now.Before(a.ExpiresAt) {
			a.Status = dialog.ActionExpired
		}
	}
	return nil
}

// shop is a small world: two people with orders, and skills that change them.
type shop struct {
	mu      sync.Mutex
	orders  []*skill.Order
	done    map[uuid.UUID]int // runs of Do by proposal
	asked   int               // queries for orders
	mails   []string
	codes   map[uuid.UUID]string
	doFails func() error
}

var ana, bo = []byte("ana"), []byte("bo")

func who(email []byte) skill.Who { return skill.Who{Level: skill.Verified, EmailHMAC: email} }

func newShop() *shop {
	w := &shop{done: map[uuid.UUID]int{}, codes: map[uuid.UUID]string{}}
	add := func(number string, whose []byte, state, item string) {
		o := &order.Order{ID: id.New(), Number: number, EmailHMAC: whose, Status: "confirmed", FulfillmentStatus: state, Version: 1}
		o.Lines = []order.Line{{ID: id.New(), Title: item, Quantity: 2}}
		w.orders = append(w.orders, &skill.Order{Order: o})
	}
	add("DS-100241", ana, "fulfilled", "wool socks")
	add("DS-100242", ana, "unfulfilled", "enamel jug")
	add("DS-100243", ana, "unfulfilled", "oak stool")
	add("DS-300100", bo, "unfulfilled", "door mat")
	return w
}

func copied(o *skill.Order) *skill.Order {
	p := *o.Order
	return &skill.Order{Order: &p}
}

func (w *shop) Own(_ context.Context, _ uuid.UUID, by skill.Who, most int) (all []*skill.Order, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	for _, o := range w.orders {
		if bytes.Equal(o.EmailHMAC, by.EmailHMAC) && by.Level == skill.Verified || by.Level == skill.Linked && o.ID == by.Order {
			all = append(all, copied(o))
		}
	}
	return all[:min(len(all), most)], nil
}

func (w *shop) ByNumber(ctx context.Context, merchant uuid.UUID, by skill.Who, number string) (*skill.Order, error) {
	mine, _ := w.Own(ctx, merchant, by, 1000)
	i := slices.IndexFunc(mine, func(o *skill.Order) bool { return o.Number == number })
	if i < 0 {
		return nil, nil
	}
	return mine[i], nil
}

func (w *shop) find(number string) *skill.Order {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.orders, func(o *skill.Order) bool { return o.Number == number })
	return w.orders[i]
}

// digest is everything that an attack might change.
func (w *shop) digest() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, o := range w.orders {
		b.WriteString(o.Number + string(o.Status) + o.FulfillmentStatus + "|")
	}
	return b.String()
}

func (w *shop) Ask(_ context.Context, _ uuid.UUID, email, _, _ string) (uuid.UUID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mails = append(w.mails, email)
	r := id.New()
	w.codes[r] = email
	return r, nil
}

func (w *shop) Prove(_ context.Context, _, request uuid.UUID, code string) (skill.Who, uuid.UUID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	email := w.codes[request]
	if email == "" || code != "123456" {
		return skill.Who{}, uuid.Nil, customer.ErrCode
	}
	return who([]byte(strings.Split(email, "@")[0])), id.New(), nil
}

func (w *shop) Contact(context.Context, uuid.UUID, skill.Who) (uuid.UUID, error) {
	return uuid.Nil, nil
}

// skills are small ones: reading, canceling, erasing.
func (w *shop) skills() []skill.Skill {
	say := func(kind skill.Type, text string) func(context.Context, *skill.Turn) (skill.Answer, error) {
		return func(_ context.Context, t *skill.Turn) (skill.Answer, error) {
			a := skill.Answer{Type: kind, Reply: text}
			if t.Order != nil {
				a.Reply += " " + t.Order.Number
				a.Facts = []skill.Value{{Name: "number", Value: t.Order.Number, AsOf: t.Now}}
			}
			return a, nil
		}
	}
	address := skill.Skill{
		Name: "change_address", Intents: []string{"change_address"}, Identity: skill.Verified, Order: skill.OneOrder, Action: "order.change_address",
		Answer: func(_ context.Context, t *skill.Turn) (skill.Answer, error) {
			if t.Ask.Slots.Address == nil {
				return skill.Answer{Type: skill.Ask, Reply: "Where to?", Expect: "address"}, nil
			}
			args, _ := json.Marshal(t.Ask.Slots.Address.Raw)
			return skill.Answer{Type: skill.Confirm, Reply: "To " + t.Ask.Slots.Address.Raw + "?", Proposal: &skill.Proposal{Action: "order.change_address", Arguments: args}}, nil
		},
		Do: w.do("moved"),
	}
	return []skill.Skill{
		{Name: "order_status", Intents: []string{"order_status"}, Identity: skill.Linked, Order: skill.OneOrder, Answer: say(skill.Fact, "It is on its way:")},
		{Name: "refund_policy", Intents: []string{"refund_policy"}, Answer: say(skill.Policy, "You may return within 30 days.")},
		{Name: "complaint", Intents: []string{"complaint"}, Answer: func(context.Context, *skill.Turn) (skill.Answer, error) {
			return skill.Answer{Type: skill.Handoff, Reply: "I am sorry.", Handoff: "complaint"}, nil
		}},
		{
			Name: "cancel_order", Intents: []string{"cancel_order"}, Identity: skill.Verified, Order: skill.OneOrder, Action: "order.cancel",
			Fits: func(o *skill.Order, _ time.Time) bool {
				return o.FulfillmentStatus == "unfulfilled" && o.Status != "canceled"
			},
			Answer: func(_ context.Context, t *skill.Turn) (skill.Answer, error) {
				if t.Order.FulfillmentStatus != "unfulfilled" || t.Order.Status == "canceled" {
					return skill.Answer{Type: skill.Refuse, Reply: "Too late for " + t.Order.Number}, nil
				}
				return skill.Answer{Type: skill.Confirm, Reply: "Cancel " + t.Order.Number + "?", Proposal: &skill.Proposal{Action: "order.cancel"}}, nil
			},
			Do: w.do("canceled"),
		},
		address,
		{
			Name: "account_delete", Intents: []string{"account_delete"}, Identity: skill.Verified, Action: "account.erase", Risk: skill.Irreversible,
			Answer: func(context.Context, *skill.Turn) (skill.Answer, error) {
				return skill.Answer{Type: skill.Confirm, Reply: "Erase everything?", Proposal: &skill.Proposal{Action: "account.erase"}}, nil
			},
			Do: w.do("erased"),
		},
	}
}

// do changes an order once for a proposal.
func (w *shop) do(state string) func(context.Context, *skill.Turn, skill.Proposal) (skill.Answer, error) {
	return func(_ context.Context, t *skill.Turn, p skill.Proposal) (skill.Answer, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.done[p.ID]++; w.done[p.ID] == 1 {
			for _, o := range w.orders {
				if o.ID == p.Order {
					if o.Status == "canceled" {
						return skill.Answer{}, errGone
					}
					o.Status = order.Status(state)
					o.Version++
				}
			}
		}
		if w.doFails != nil {
			if err := w.doFails(); err != nil {
				return skill.Answer{}, err
			}
		}
		return skill.Answer{Type: skill.Done, Reply: "Done."}, nil
	}
}

var errGone = fault.New(fault.Conflict, "test_gone", "It is gone.")

// talker is somebody who talks to a service on fakes.
type talker struct {
	t       testing.TB
	service *dialog.Service
	store   *memory
	shop    *shop
	clock   *clock.Manual
	who     skill.Who
	conv    uuid.UUID
	secret  string
	last    dialog.Reply
}

func newTalker(t testing.TB, by skill.Who) *talker {
	w, m, c := newShop(), newMemory(), clock.At(start)
	s := dialog.New(dialog.Config{
		Reader: reader(), Skills: w.skills(), Store: m, Orders: w, Codes: w, Clock: c,
		Settings: func(context.Context, uuid.UUID) (customer.Settings, error) {
			return customer.Settings{Languages: []string{"en", "hy", "km"}, Currencies: []string{"EUR"}, Timezone: "UTC"}, nil
		},
		Secret: func(_, conversation uuid.UUID) string { return "secret of " + conversation.String() },
	})
	t.Cleanup(s.Close)
	return &talker{t: t, service: s, store: m, shop: w, clock: c, who: by}
}

func (k *talker) message(text string) dialog.Message {
	return dialog.Message{Conversation: k.conv, Secret: k.secret, Text: text, Who: k.who, IP: "192.0.2.1"}
}

// says sends a text and gives the reply.
func (k *talker) says(text string) dialog.Reply { return k.sends(k.message(text)) }

func (k *talker) sends(m dialog.Message) dialog.Reply {
	k.t.Helper()
	r, err := k.service.Turn(k.t.Context(), m)
	if err != nil {
		k.t.Fatalf("%.60q: %v", m.Text, err)
	}
	k.service.Close() // the codes are asked for
	k.conv, k.last = r.Conversation, r
	if r.Secret != "" {
		k.secret = r.Secret
	}
	return r
}

// wants checks the type of a reply.
func (k *talker) wants(text string, kind skill.Type) dialog.Reply {
	k.t.Helper()
	r := k.says(text)
	if r.Type != kind {
		k.t.Fatalf("%q got %s %q, wanted %s", text, r.Type, r.Text, kind)
	}
	return r
}

func (k *talker) presses(agree bool) dialog.Reply {
	k.t.Helper()
	if k.last.Pending == nil {
		k.t.Fatalf("there is no button under %q", k.last.Text)
	}
	m := k.message("")
	m.Pending, m.Agree = k.last.Pending.ID, agree
	return k.sends(m)
}
