package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/fault"
	"doorstep/internal/jobs"
	"doorstep/internal/killpoint/toll"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// simLetter is a webhook on its way.
type simLetter struct {
	event sandbox.Event
	wait  int // steps
}

// simJob is an event on its way to a subscriber.
type simJob struct {
	subscriber, event string
	payload           []byte
	tries             int
	at                time.Time // not before
}

// simTries is how often a job is tried, each time after a pause that grows with
// the fourth power of the tries, as with the job library.
const simTries = 25

// simOutside is what happens without anybody of the shop or of its shoppers.
var simOutside = []simStep{
	{"a while", 7, (*sim).pass},
	{"outside", 8, (*sim).outside},
}

// simErrands are the periodic works of the program.
var simErrands = []simStep{
	{"inbox", 5, func(s *sim) { _, err := s.h.inbox.Work(s.ctx); s.came(err) }},
	{"recover", 4, func(s *sim) { s.errand(s.h.recover(s.ctx)) }},
	{"expire", 1, func(s *sim) { s.came(s.h.checkouts.Expire(s.ctx)) }},
	{"sweep", 2, func(s *sim) { _, err := s.h.catalog.Sweep(s.ctx); s.came(err) }},
	{"credits", 2, func(s *sim) { s.errand(s.h.orders.GiveCredits(s.ctx, s.h.config.RecoveryAge)) }},
	{"deadlines", 1, func(s *sim) { s.errand(s.h.payments.WatchDeadlines(s.ctx)) }},
	{"documents", 1, func(s *sim) { s.errand(s.h.documents.Missing(s.ctx, 10*time.Minute)) }},
	{"prune keys", 1, func(s *sim) { _, err := s.h.idem.Prune(s.ctx); s.came(err) }},
	{"prune inbox", 1, func(s *sim) { _, err := s.h.inbox.Prune(s.ctx); s.came(err) }},
	{"compare", 1, func(s *sim) {
		now := s.h.db.Now()
		_, err := s.h.payments.Reconcile(s.ctx, now.AddDate(0, 0, -2), now)
		s.errand(err)
	}},
}

// errand notes an errand. What it could not do, for a gateway that is not well,
// it does the next time.
func (s *sim) errand(err error) {
	if err != nil {
		s.note("not all")
		return
	}
	s.came(err)
}

func (s *sim) pass() {
	d := one(s, 10*time.Second, time.Minute, 10*time.Minute, 21*time.Minute, time.Hour, 5*time.Hour, 25*time.Hour, 50*time.Hour)
	s.note("%s", d)
	s.clock.Advance(d)
}

// outside lets the merchant use the gateway's dashboard, or a buyer's bank act.
func (s *sim) outside() {
	all := s.h.gateway.All()
	if len(all) == 0 {
		return
	}
	i := s.rnd.IntN(len(all))
	for range 3 { // mostly one of which there is something to say
		if all[i].Captured == 0 {
			i = s.rnd.IntN(len(all))
		}
	}
	c := all[i]
	what := one(s, "refund", "refund", "dispute", "win", "lose", "fail refund")
	s.note("%s charge %d", what, i)
	var err error
	switch left := c.Captured - c.Refunded; {
	case what == "refund":
		_, err = s.h.gateway.RefundOutside(c.ID, max(1, left/int64(1+s.rnd.IntN(3))))
	case what == "dispute":
		err = s.h.gateway.Dispute(c.ID)
	case what == "fail refund" && len(c.Refunds) > 0:
		err = s.h.gateway.FailRefund(c.ID, one(s, c.Refunds...).ID)
	default:
		err = s.h.gateway.CloseDispute(c.ID, what == "win")
	}
	s.came(err)
}

// post takes the gateway's news, loses some, doubles some, and delivers what is
// due, in no order.
func (s *sim) post() {
	news := s.h.gateway.Events()
	slices.Reverse(news)
	for _, e := range news[min(s.seen, len(news)):] {
		s.seen++
		if s.chance(0.12) {
			s.tally["webhook dropped"]++
			continue
		}
		often := one(s, 1, 1, 1, 2)
		s.tally["webhook doubled"] += often - 1
		for range often {
			l := simLetter{e, one(s, 0, 0, 0, 1, 5, 30)}
			if s.letters = append(s.letters, l); l.wait > 0 {
				s.tally["webhook late"]++
			}
		}
	}
	s.rnd.Shuffle(len(s.letters), func(i, j int) { s.letters[i], s.letters[j] = s.letters[j], s.letters[i] })
	s.letters = slices.DeleteFunc(s.letters, func(l simLetter) bool {
		if l.wait == 0 {
			s.deliver(l.event)
		}
		return l.wait == 0
	})
	for i := range s.letters {
		s.letters[i].wait--
	}
}

// hurry delivers all that is still under way.
func (s *sim) hurry() {
	for i := range s.letters {
		s.letters[i].wait = 0
	}
	s.post()
}

func (s *sim) deliver(e sandbox.Event) {
	s.clock.Advance(time.Millisecond)
	body := s.h.gateway.EventBody(e)
	_, err := s.h.inbox.Receive(s.ctx, "sandbox", uuid.Nil, http.Header{sandbox.SignatureHeader: {sandbox.Sign(simSecret, body, s.h.db.Now().Add(s.skew))}}, body)
	s.note("webhook %s", e.Type)
	if far := s.skew.Abs() > sandbox.Tolerance; fault.Is(err, payment.ErrSignature) != far && s.ctx.Err() == nil {
		s.harm(toll.Wrong, "a webhook signed %s ahead of our time came to %v", s.skew, err)
	}
	s.came(err)
}

// relay makes jobs and webhooks of events, as the runner does.
func (s *sim) relay() {
	ctx := s.t.Context()
	tx, err := s.h.db.Pool().Begin(ctx)
	s.must(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	rows, err := tx.Query(ctx, `with gone as (delete from outbox returning id, merchant_id, aggregate_id, event, payload, created_at)
		select id, merchant_id, aggregate_id, event, payload, created_at from gone order by id`)
	s.must(err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[jobs.News])
	s.must(err)
	s.must(s.h.webhooks.Relay(ctx, tx, all))
	s.must(tx.Commit(ctx))
	for _, e := range all {
		s.hears(e)
		for _, pair := range s.h.jobs.Subscriptions() {
			if name, subscriber, _ := strings.Cut(pair, " -> "); name == e.Event {
				s.jobs = append(s.jobs, simJob{subscriber: subscriber, event: e.Event, payload: e.Payload})
			}
		}
	}
}

// job does one of the jobs that are due. One in ten is done by a program that
// dies before it has said so, and comes again.
func (s *sim) job() {
	due := s.due()
	if len(due) == 0 {
		return
	}
	i := one(s, due...)
	j := s.jobs[i]
	s.note("%s", j.subscriber)
	err := s.do(j)
	if err == nil && s.chance(0.1) {
		s.note("done, and again")
		return
	}
	s.jobs = slices.Delete(s.jobs, i, i+1)
	if err == nil {
		s.note("done")
		return
	}
	s.note("failed: %v", codeOf(err))
	if j.tries++; j.tries == simTries {
		s.wrong = append(s.wrong, fmt.Sprintf("job %s never succeeds: %v", j.subscriber, err))
		return
	}
	j.at = s.clock.Now().Add(time.Duration(j.tries*j.tries*j.tries*j.tries) * time.Second)
	s.jobs = append(s.jobs, j)
}

// due are the places of the jobs that may be done now.
func (s *sim) due() (all []int) {
	for i, j := range s.jobs {
		if !j.at.After(s.clock.Now()) {
			all = append(all, i)
		}
	}
	return all
}

func (s *sim) do(j simJob) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w: %v\n%s", errSimPanic, value, debug.Stack())
			s.wrong = append(s.wrong, fmt.Sprintf("job %s: %v", j.subscriber, err))
		}
	}()
	return s.h.jobs.Do(s.ctx, j.subscriber, j.payload)
}

// codeOf is what stays the same of an error when it happens again.
func codeOf(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Code
	}
	return "error"
}

// work does all jobs, and those that follow from them.
func (s *sim) work() {
	for range 1000 {
		s.step("", (*sim).relay)
		if len(s.due()) == 0 {
			return
		}
		s.step("job", (*sim).job)
	}
}
