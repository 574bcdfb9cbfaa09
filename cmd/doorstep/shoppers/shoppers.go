// Package shoppers plays shoppers on a turned clock: some thousands of people whose
// reasons to leave, and whose answer to a reminder, are drawn from a seed and
// written down, so that what the shop reports of them can be held against the
// truth. It uses the public API alone, as a storefront would.
package shoppers

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"time"
)

// Shop is the program that is played with.
type Shop struct {
	URL         string
	Publishable string // key
	Secret      string // key, for what the merchant does
	// Now is the shop's clock, Move turns it on to an instant.
	Now  func() time.Time
	Move func(to time.Time)
	// Sweep does at once what the shop does from time to time, and waits until
	// everything that follows from it is done.
	Sweep func(ctx context.Context) error
	// Reminders gives the links of reminders mailed since it was last asked, with
	// whom they went to.
	Reminders func(ctx context.Context) ([]Reminder, error)
	// Told, when given, hears of each simulated day.
	Told func(day int, people int)
}

// Reminder is a mail about a cart.
type Reminder struct{ Email, Token string }

// Plan says what is played.
type Plan struct {
	Days   int
	Seed   uint64
	PerDay int // shoppers
	Begin  time.Time
}

// sweepEvery is how often the simulated shop looks after what time brings.
const sweepEvery = 15 * time.Minute

// play is one run: a queue of what people do next.
type play struct {
	plan    Plan
	shop    Shop
	call    *caller
	queue   agenda
	seq     int
	people  map[string]*journey // by e-mail
	journal []*journey
}

// step is something that somebody does at an instant.
type step struct {
	at  time.Time
	seq int // among those of one instant
	do  func(ctx context.Context) error
}

type agenda []step

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || a[i].at.Equal(a[j].at) && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(step)) } //nolint:forcetypeassert // heap gives what it was given
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

// Play lets the people of the plan come and go until the last day is over, and
// four more days for what follows. It gives what truly happened.
func Play(ctx context.Context, plan Plan, shop Shop) (*Truth, error) {
	p := &play{plan: plan, shop: shop, call: newCaller(shop.URL), people: map[string]*journey{}}
	skus, err := p.stock(ctx)
	if err != nil {
		return nil, err
	}
	for n := range plan.Days * plan.PerDay {
		who := newPerson(plan.Seed, n, plan.Begin, plan.Days, skus)
		j := &journey{play: p, person: who}
		p.journal = append(p.journal, j)
		p.people[who.email] = j
		p.then(who.start, j.fillCart)
	}
	end := plan.Begin.Add(time.Duration(plan.Days+4) * 24 * time.Hour)
	if err := p.run(ctx, end); err != nil {
		return nil, err
	}
	return p.truth(), nil
}

// then puts something on the agenda.
func (p *play) then(at time.Time, do func(ctx context.Context) error) {
	p.seq++
	heap.Push(&p.queue, step{at, p.seq, do})
}

// run lets time pass.
func (p *play) run(ctx context.Context, end time.Time) error {
	sweep, day := p.plan.Begin.Add(sweepEvery), 0
	for p.plan.Begin.Before(end) {
		if err := ctx.Err(); err != nil {
			return err
		}
		next := sweep
		person := len(p.queue) > 0 && p.queue[0].at.Before(sweep)
		if person {
			next = p.queue[0].at
		}
		if next.After(end) {
			return nil
		}
		if next.After(p.shop.Now()) {
			p.shop.Move(next)
		}
		if person {
			s := heap.Pop(&p.queue).(step) //nolint:forcetypeassert // nothing else is in it
			if err := s.do(ctx); err != nil {
				return err
			}
			continue
		}
		if err := p.look(ctx, next); err != nil {
			return err
		}
		sweep = sweep.Add(sweepEvery)
		if today := int(next.Sub(p.plan.Begin) / (24 * time.Hour)); today > day {
			if day = today; p.shop.Told != nil {
				p.shop.Told(day, len(p.journal))
			}
		}
	}
	return nil
}

// look lets the shop do what is due, and hands out the mails.
func (p *play) look(ctx context.Context, now time.Time) error {
	if err := p.shop.Sweep(ctx); err != nil {
		return err
	}
	mails, err := p.shop.Reminders(ctx)
	if err != nil {
		return err
	}
	for _, mail := range mails {
		j := p.people[mail.Email]
		if j == nil {
			return fmt.Errorf("shoppers: a reminder went to %s, who was never here", mail.Email)
		}
		j.reminded(now, mail.Token)
	}
	return nil
}

// restocked is how many of each thing the merchant puts on the shelves first, so
// that a long play does not empty the shop.
const restocked = 10_000

// stock is what can be bought, the best sellers first.
func (p *play) stock(ctx context.Context) ([]string, error) {
	var skus []string
	for cursor := ""; ; {
		a, err := p.call.do(ctx, http.MethodGet, "/v1/products?limit=100&cursor="+url.QueryEscape(cursor), nil, "Authorization", "Bearer "+p.shop.Publishable)
		if err != nil {
			return nil, err
		}
		for _, product := range a.list("data") {
			for _, variant := range (answer{body: object(product)}).list("variants") {
				if sku := (answer{body: object(variant)}).text("sku"); sku != "" {
					skus = append(skus, sku)
				}
			}
		}
		if cursor = a.text("next_cursor"); cursor == "" {
			break
		}
	}
	if len(skus) == 0 {
		return nil, errors.New("shoppers: the shop has nothing to sell")
	}
	sort.Strings(skus) // the same order in every run
	for some := range slices.Chunk(skus, 50) {
		var more []m
		for _, sku := range some {
			more = append(more, m{"sku": sku, "delta": restocked, "reason": "received"})
		}
		a, err := p.call.do(ctx, http.MethodPost, "/v1/stock/adjustments", m{"adjustments": more}, "Authorization", "Bearer "+p.shop.Secret)
		if err != nil || a.status >= http.StatusBadRequest {
			return nil, fmt.Errorf("shoppers: the shelves cannot be filled: %d %v: %w", a.status, a.body, err)
		}
	}
	return skus, nil
}

func object(v any) m {
	o, _ := v.(m)
	return o
}
