package paymenttest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"doorstep/internal/id"
	"doorstep/payment"
)

// What a provider promises besides moving money, as far as it promises it.

// post is the mail of a shop: webhooks as they came.
type post struct {
	mu   sync.Mutex
	came []webhook
	more chan struct{}
}

type webhook struct {
	header http.Header
	body   []byte
}

func (p *post) take(_ context.Context, header http.Header, body []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.came = append(p.came, webhook{header.Clone(), slices.Clone(body)})
	select {
	case p.more <- struct{}{}:
	default:
	}
	return nil
}

// listens starts listening to the provider's webhooks.
func (s *suite) listens() (payment.Notifier, *post) {
	s.Helper()
	n, ok := s.Provider.(payment.Notifier)
	if !ok || s.Listen == nil {
		s.Skip("nobody brings its webhooks")
	}
	p := &post{more: make(chan struct{}, 1)}
	s.Cleanup(s.Listen(p.take))
	return n, p
}

// notice waits for a notice that is as it should be, and gives its webhook.
func (s *suite) notice(n payment.Notifier, p *post, what string, is func(payment.Notice) bool) (payment.Notice, webhook) {
	s.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	seen, types := 0, []string{}
	for {
		p.mu.Lock()
		came := p.came[seen:]
		p.mu.Unlock()
		for _, w := range came {
			seen++
			told, err := n.Webhook(s.context(), w.header, w.body, s.now())
			if err != nil {
				s.Fatalf("a webhook that the gateway has signed: %v\n%s", err, w.body)
			}
			if told.ID == "" || told.Type == "" || told.Kind != "" && told.GatewayID == "" && told.PaymentID.String() == "" {
				s.Errorf("it says too little: %+v", told)
			}
			if is(told) {
				return told, w
			}
			types = append(types, told.Type)
		}
		select {
		case <-p.more:
		case <-limit.C:
			s.Fatalf("no webhook tells of %s, only %v", what, types)
		}
	}
}

// of says whether a notice is about this payment, and of this kind.
func of(kind payment.NoticeKind, a payment.Authorization, r payment.Result) func(payment.Notice) bool {
	return func(n payment.Notice) bool {
		return n.Kind == kind && (n.GatewayID == r.GatewayID || n.GatewayID == "" && n.PaymentID == a.PaymentID)
	}
}

func tells(s *suite) {
	n, p := s.listens()
	a, r := s.hold()
	first, w := s.notice(n, p, "the hold", of(payment.NoticeChanged, a, r))
	again, err := n.Webhook(s.context(), w.header, w.body, s.now())
	if err != nil || again != first {
		s.Errorf("read twice: %+v %v", again, err)
	}
	if first.At.IsZero() || s.now().Sub(first.At).Abs() > time.Hour {
		s.Errorf("it is of %s", first.At)
	}
	s.does("capture", s.Provider.Capture, s.move(r, amount))
	if s.RefundOutside != nil {
		if err := s.RefundOutside(s.context(), r.GatewayID, amount/4); err != nil {
			s.Fatal(err)
		}
		s.want(s.find(a), payment.Captured, amount, amount/4)
	} else {
		s.refunded(s.does("refund", s.Provider.Refund, s.move(r, amount/4)))
	}
	back, _ := s.notice(n, p, "the refund", of(payment.NoticeRefunded, a, r))
	if back.ID == first.ID {
		s.Error("two events have one id")
	}
	if s.Dispute != nil {
		if err := s.Dispute(s.context(), r.GatewayID); err != nil {
			s.Fatal(err)
		}
		s.notice(n, p, "the dispute", of(payment.NoticeDisputed, a, r))
	}
}

func refusesForgeries(s *suite) {
	n, p := s.listens()
	a, r := s.hold()
	_, w := s.notice(n, p, "the hold", of(payment.NoticeChanged, a, r))
	spoiled := func(b []byte, i int) []byte {
		b = slices.Clone(b)
		b[i] ^= 1
		return b
	}
	refused := func(what string, header http.Header, body []byte, now time.Time) {
		s.Helper()
		if told, err := n.Webhook(s.context(), header, body, now); !errors.Is(err, payment.ErrSignature) {
			s.Errorf("%s: %+v %v", what, told, err)
		}
	}
	for i := 0; i < len(w.body); i += 1 + len(w.body)/20 {
		refused("a body with one bit changed", w.header, spoiled(w.body, i), s.now())
	}
	refused("half a body", w.header, w.body[:len(w.body)/2], s.now())
	refused("no body", w.header, nil, s.now())
	refused("a longer body", w.header, append(slices.Clone(w.body), ' '), s.now())
	refused("no headers", http.Header{}, w.body, s.now())
	for name, values := range w.header {
		if !strings.Contains(strings.ToLower(name), "sign") && !strings.Contains(strings.ToLower(name), "transmission") {
			continue
		}
		forged := w.header.Clone()
		forged.Set(name, string(spoiled([]byte(values[0]), len(values[0])-1)))
		refused("another "+name, forged, w.body, s.now())
		forged.Set(name, "")
		refused("an empty "+name, forged, w.body, s.now())
	}
	refused("an old one", w.header, w.body, s.now().Add(time.Hour))
	if s.Sign == nil {
		return
	}
	for _, body := range []string{"", "{", "null", "[]", `"x"`, "{}", `{"id":1}`} {
		if told, err := n.Webhook(s.context(), s.Sign([]byte(body)), []byte(body), s.now()); !errors.Is(err, payment.ErrWebhookBody) {
			s.Errorf("signed, and %q: %+v %v", body, told, err)
		}
	}
}

// books lists what the provider's books have of the last hour, by payment.
func (s *suite) books(b payment.Bookkeeper) map[string][]payment.GatewayCharge {
	s.Helper()
	all := map[string][]payment.GatewayCharge{}
	err := b.Charges(s.context(), s.now().Add(-time.Hour), s.now().Add(time.Hour), func(c payment.GatewayCharge) error {
		all[c.PaymentID.String()] = append(all[c.PaymentID.String()], c)
		return nil
	})
	if err != nil {
		s.Fatalf("the books: %v", err)
	}
	return all
}

// one is the entry of a payment of which there must be one.
func (s *suite) one(b payment.Bookkeeper, a payment.Authorization) payment.GatewayCharge {
	s.Helper()
	found := s.books(b)[a.PaymentID.String()]
	if len(found) != 1 {
		s.Fatalf("%d entries of one payment: %+v", len(found), found)
	}
	c := found[0]
	if c.GatewayID == "" || c.Key != "" && c.Key != a.Key || c.Currency != a.Currency || c.CreatedAt.IsZero() {
		s.Errorf("%+v", c)
	}
	return c
}

func (s *suite) bookkeeper() payment.Bookkeeper {
	s.Helper()
	b, ok := s.Provider.(payment.Bookkeeper)
	if !ok {
		s.Skip("it shows nobody its books")
	}
	return b
}

func keepsBooks(s *suite) {
	b := s.bookkeeper()
	held, r := s.hold()
	taken, t := s.hold()
	s.does("capture", s.Provider.Capture, s.move(t, amount/2))
	back := s.move(t, amount/10)
	refund := s.does("refund", s.Provider.Refund, back)
	s.refunded(refund)
	let, l := s.hold()
	s.does("void", s.Provider.Void, s.move(l, 0))
	if c := s.one(b, held); c.GatewayID != r.GatewayID || c.Status != payment.Authorized || c.Authorized != amount || c.Captured != 0 || len(c.Refunds) != 0 || c.HoldEnds.IsZero() {
		s.Errorf("the hold: %+v", c)
	}
	if c := s.one(b, let); c.Status != payment.Voided || c.Captured != 0 {
		s.Errorf("what was let go: %+v", c)
	}
	c := s.one(b, taken)
	if c.Status != payment.Captured || c.Captured != amount/2 || c.Refunded != amount/10 || c.Dispute != "" {
		s.Errorf("what was taken: %+v", c)
	}
	if len(c.Refunds) != 1 || c.Refunds[0].GatewayID != refund.RefundID || c.Refunds[0].Amount != amount/10 || c.Refunds[0].Failed || c.Refunds[0].Key != "" && c.Refunds[0].Key != back.Key {
		s.Errorf("what went back: %+v", c.Refunds)
	}
	for _, from := range []time.Duration{-3 * time.Hour, 2 * time.Hour} {
		err := b.Charges(s.context(), s.now().Add(from), s.now().Add(from+time.Hour), func(c payment.GatewayCharge) error {
			return errors.New(c.CreatedAt.String())
		})
		if err != nil {
			s.Errorf("outside of the time asked for: %v", err)
		}
	}
	enough, calls := errors.New("enough"), 0
	err := b.Charges(s.context(), s.now().Add(-time.Hour), s.now().Add(time.Hour), func(payment.GatewayCharge) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		s.Errorf("after %d calls: %v", calls, err)
	}
}

func booksTheOutside(s *suite) {
	b := s.bookkeeper()
	if s.RefundOutside == nil && s.Dispute == nil {
		s.Skip("nothing happens by itself")
	}
	a, r := s.captured()
	if s.RefundOutside != nil {
		if err := s.RefundOutside(s.context(), r.GatewayID, amount/4); err != nil {
			s.Fatal(err)
		}
		if c := s.one(b, a); c.Refunded != amount/4 || len(c.Refunds) != 1 || c.Refunds[0].Key != "" || c.Refunds[0].Amount != amount/4 {
			s.Errorf("refunded outside: %+v", c)
		}
	}
	if s.Dispute != nil {
		if err := s.Dispute(s.context(), r.GatewayID); err != nil {
			s.Fatal(err)
		}
		if c := s.one(b, a); c.Dispute != payment.Disputed {
			s.Errorf("disputed: %+v", c)
		}
	}
}

func confirms(s *suite) {
	c, ok := s.Provider.(payment.Confirmer)
	if !ok {
		s.Skip("nothing is to be confirmed")
	}
	if r, err := c.Confirm(s.context(), s.wish(s.Approved).Key, "pi_"+id.Secret(15)); err == nil && r.Status != payment.Failed {
		s.Errorf("what it does not know: %+v", r)
	}
	a, r := s.hold()
	for range 2 {
		now, err := c.Confirm(s.context(), a.Key, r.GatewayID)
		if err != nil {
			s.Fatalf("what needs no confirmation: %v", err)
		}
		s.wantBoth(now, a, payment.Authorized, 0, 0)
	}
	if s.Redirected == "" {
		return
	}
	a = s.wish(s.Redirected)
	r = s.authorize(a)
	s.want(r, payment.RequiresAction, 0, 0)
	early, err := c.Confirm(s.context(), a.Key, r.GatewayID)
	if err != nil {
		s.Fatalf("before the buyer has agreed: %v", err)
	}
	s.wantBoth(early, a, payment.RequiresAction, 0, 0)
	if err := s.Authenticate(s.context(), a.PaymentID, true); err != nil {
		s.Fatal(err)
	}
	for range 2 {
		now, err := c.Confirm(s.context(), a.Key, r.GatewayID)
		if err != nil {
			s.Fatalf("after the buyer has agreed: %v", err)
		}
		s.wantBoth(now, a, payment.Authorized, 0, 0)
	}
	s.wantBoth(s.does("capture", s.Provider.Capture, s.move(r, amount)), a, payment.Captured, amount, 0)
}
