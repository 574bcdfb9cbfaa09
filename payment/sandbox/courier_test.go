package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// shop takes webhooks and notes their ids, in the order in which they came.
type shop struct {
	mu     sync.Mutex
	ids    []string
	types  []string
	refuse func(n int) error // the n-th of all
}

func (s *shop) take(_ context.Context, _ http.Header, body []byte) error {
	var e struct{ ID, Type string }
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids, s.types = append(s.ids, e.ID), append(s.types, e.Type)
	if s.refuse != nil {
		return s.refuse(len(s.ids))
	}
	return nil
}

func (s *shop) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ids)
}

// trade makes n purchases, of three pieces of news each.
func trade(t *testing.T, g *sandbox.Gateway, n int) {
	t.Helper()
	for range n {
		a := wish(sandbox.Visa)
		r, err := g.Authorize(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Capture(t.Context(), payment.Movement{Key: "c" + a.Key, GatewayID: r.GatewayID, Amount: 1000}); err != nil {
			t.Fatal(err)
		}
	}
}

// told are the ids of all news, the oldest first.
func told(g *sandbox.Gateway) []string {
	var ids []string
	for _, e := range g.Events() {
		ids = append(ids, e.ID)
	}
	slices.Reverse(ids)
	return ids
}

func TestTheNewsComeInOrderWhenNothingGoesWrong(t *testing.T) {
	t.Parallel()
	g, s := open(t, ""), &shop{}
	c := g.Deliver(sandbox.Post{To: s.take, Secret: "whsec"})
	trade(t, g, 100)
	if err := c.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.seen(), told(g)) || len(s.ids) != 300 || c.Counts() != (sandbox.Delivered{Sent: 300}) {
		t.Errorf("%d came of %d, %+v", len(s.ids), len(told(g)), c.Counts())
	}
	if !slices.Equal(s.types[:3], []string{"payment_intent.created", "payment_intent.amount_capturable_updated", "payment_intent.succeeded"}) {
		t.Errorf("%v", s.types[:3])
	}
}

func TestSomeNewsComeTwiceLateOrNeverAsTheSeedSays(t *testing.T) {
	t.Parallel()
	// Which news suffers follows from its number, so that it can be compared.
	play := func(seed uint64) (numbers []int, count sandbox.Delivered) {
		g, s := open(t, ""), &shop{}
		gate := make(chan struct{})
		c := g.Deliver(sandbox.Post{To: func(ctx context.Context, h http.Header, b []byte) error {
			<-gate // until all of them are in the bag: the order then follows from the seed alone
			return s.take(ctx, h, b)
		}, Secret: "whsec", Seed: seed, Twice: 0.2, Late: 0.3, Lost: 0.1})
		trade(t, g, 100)
		close(gate)
		if err := c.Idle(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := told(g)
		for _, id := range s.seen() {
			numbers = append(numbers, slices.Index(all, id))
		}
		return numbers, c.Counts()
	}
	one, count := play(3)
	again, _ := play(3)
	other, _ := play(4)
	times := map[int]int{}
	for _, n := range one {
		times[n]++
	}
	twice := 0
	for _, n := range times {
		if n > 2 {
			t.Errorf("it came %d times", n)
		}
		twice += n - 1
	}
	if twice < 30 || twice > 90 || count.Lost < 10 || count.Lost > 60 || len(times)+count.Lost != 300 || slices.IsSorted(one) || count.Sent != len(one) {
		t.Errorf("%d came twice, %+v", twice, count)
	}
	slices.Sort(again)
	sorted := slices.Sorted(slices.Values(one))
	if !slices.Equal(sorted, again) || slices.Equal(sorted, slices.Sorted(slices.Values(other))) {
		t.Error("the seed does not decide")
	}
}

func TestRefusedNewsComeAgainButNotForEver(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	s := &shop{refuse: func(n int) error {
		if n%2 == 1 {
			return errors.New("not now")
		}
		return nil
	}}
	c := g.Deliver(sandbox.Post{To: s.take, Delay: time.Millisecond})
	trade(t, g, 10)
	if err := c.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := slices.Compact(slices.Sorted(slices.Values(s.seen()))); len(got) != 30 || c.Counts().Refused == 0 {
		t.Errorf("%d came, %+v", len(got), c.Counts())
	}
	never := &shop{refuse: func(int) error { return errors.New("never") }}
	c = g.Deliver(sandbox.Post{To: never.take, Delay: time.Millisecond, Tries: 3})
	trade(t, g, 1)
	if err := c.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.Counts() != (sandbox.Delivered{Refused: 9, Lost: 3}) || len(s.seen()) < 30 {
		t.Errorf("%+v", c.Counts())
	}
}

func TestTheNewsGoOverHTTPAndCloseBringsTheRest(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	g.Secrets = []string{"whsec_other", "whsec"}
	var mu sync.Mutex
	got := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		n, err := g.Webhook(r.Context(), r.Header, body, start)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if got[n.ID]++; len(got) == 5 && got[n.ID] == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	c := g.Deliver(sandbox.Post{URL: server.URL, Secret: "whsec", Late: 1, Delay: time.Hour, Grace: time.Minute})
	trade(t, g, 7)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if count := c.Counts(); len(got) != 21 || count.Sent+count.Refused < 21 {
		t.Errorf("%d came, %+v", len(got), count)
	}
}

func TestABrokenLineDoesNotHoldTheGatewayUp(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	hears := make(chan struct{})
	var once sync.Once
	c := g.Deliver(sandbox.Post{To: func(ctx context.Context, _ http.Header, _ []byte) error {
		once.Do(func() { close(hears) })
		<-ctx.Done() // as a receiver that never answers
		return ctx.Err()
	}, Tries: 1, Grace: 10 * time.Millisecond})
	trade(t, g, 1)
	<-hears
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Idle(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	begun := time.Now()
	trade(t, g, 2000) // more than the bag holds
	if took := time.Since(begun); took > 20*time.Second || c.Counts().Lost == 0 {
		t.Errorf("%v, %+v", took, c.Counts())
	}
}
