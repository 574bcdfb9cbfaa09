package main

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/cmd/doorstep/verify"
	"doorstep/internal/killpoint"
	"doorstep/internal/killpoint/toll"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// unrest lists what has not come to its end: events, jobs, payments, refunds,
// mails and checkouts. An attempt that never reached the gateway is watched for a
// while, and nothing waits for that.
const unrest = `select coalesce(string_agg(what, ', '), '') from (
	select 'event ' || event as what from outbox
	union all select concat('job ', args ->> 'subscriber', ' ', state, ' after ', attempt, ' tries ', left(errors[attempt] ->> 'error', 200))
		from river_job where state not in ('completed', 'cancelled')
	union all select 'payment ' || status from payments
		where status in ('pending', 'unknown') and provider <> 'offline' and failure_code <> 'never_reached_gateway'
	union all select 'refund ' || status from refunds where status = 'pending'
	union all select 'mail ' || kind || ' ' || status from deliveries where status in ('queued', 'sending')
	union all select 'checkout ' || status from checkouts where status = 'complete_in_progress') as u`

// rest waits until nothing is under way any more.
func (l *lane) rest(ctx context.Context) error {
	return until1(ctx, "everything comes to its end", func() (bool, error) {
		var left string
		err := l.db.QueryRow(ctx, unrest).Scan(&left)
		return err == nil && left == "", errors.Join(err, errors.New(left))
	})
}

// check is what has to hold after a cell: all has settled, and nothing was lost
// or done twice, by the shop's books, by the gateway's and by the mail server's.
func (s *sale) check(ctx context.Context, t *testing.T, count *toll.Count, way journey, c cell) {
	t.Helper()
	if err := s.rest(ctx); err != nil {
		count.Harm(t, toll.Stuck, "%v", err)
		return
	}
	s.checkOrder(ctx, t, count, way)
	s.checkCharges(ctx, t, count, way)
	s.checkCard(ctx, t, count)
	s.checkMails(ctx, t, count, way, c)
	found, err := verify.Run(ctx, s.db, time.Now(), sandbox.Journal(filepath.Join(s.dir, booksFile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		count.Harm(t, toll.Wrong, "verify: %v", v)
	}
}

func (s *sale) checkOrder(ctx context.Context, t *testing.T, count *toll.Count, way journey) {
	t.Helper()
	rows, err := s.db.Query(ctx, `select id::text, status, payment_status from orders where checkout_id = $1`, s.checkout.text("id"))
	if err != nil {
		t.Fatal(err)
	}
	orders, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ ID, Status, Payment string }])
	switch {
	case err != nil:
		t.Fatal(err)
	case len(orders) == 0:
		count.Harm(t, toll.Lost, "the client was told of %v, and there is no order", s.told)
		return
	case len(orders) > 1:
		count.Harm(t, toll.Doubled, "%d orders", len(orders))
	}
	for _, told := range s.told {
		if told != orders[0].ID {
			count.Harm(t, toll.Doubled, "the client was told of %s, the order is %s", told, orders[0].ID)
		}
	}
	if o := orders[0]; o.Status != way.status || o.Payment != way.payment {
		count.Harm(t, toll.Wrong, "the order is %s and %s, want %s and %s", o.Status, o.Payment, way.status, way.payment)
	}
	var refunds, acknowledged int
	if err := s.db.QueryRow(ctx, `select count(*), count(*) filter (where id::text = any($2)) from refunds where order_id = $1`,
		orders[0].ID, s.refunded).Scan(&refunds, &acknowledged); err != nil {
		t.Fatal(err)
	}
	if want := way.mails["refunded"]; refunds > want {
		count.Harm(t, toll.Doubled, "%d refunds", refunds)
	} else if refunds < want || acknowledged < len(s.refunded) {
		count.Harm(t, toll.Lost, "%d refunds, %d of %d acknowledged", refunds, acknowledged, len(s.refunded))
	}
}

// checkCharges compares with what the gateway has written in its own books.
func (s *sale) checkCharges(ctx context.Context, t *testing.T, count *toll.Count, way journey) {
	t.Helper()
	var ids []uuid.UUID
	var total int64
	err := s.db.QueryRow(ctx, `select array_agg(p.id), (select max(total_minor) from orders where checkout_id = $1) - coalesce(sum(p.captured_minor) filter (where p.part > 0), 0)
		from payments p where p.checkout_id = $1`,
		s.checkout.text("id")).Scan(&ids, &total)
	if err != nil {
		t.Fatal(err)
	}
	live := 0
	err = sandbox.Journal(filepath.Join(s.dir, booksFile)).Books(func(c sandbox.Charge) {
		pay, err := uuid.Parse(c.PaymentID)
		if err != nil || !slices.Contains(ids, pay) || c.Status != payment.Authorized && c.Captured == c.Refunded {
			return
		}
		live++
		if c.Captured-c.Refunded != total {
			count.Harm(t, toll.Wrong, "the gateway took %d and gave back %d of an order of %d", c.Captured, c.Refunded, total)
		}
	})
	switch {
	case err != nil:
		t.Fatal(err)
	case live > way.charges:
		count.Harm(t, toll.Doubled, "%d live charges", live)
	case live < way.charges:
		count.Harm(t, toll.Lost, "%d live charges", live)
	}
}

// checkMails expects each mail once. Only if the program died between the mail
// server's yes and its own note may one have gone out again, under the same id.
func (s *sale) checkMails(ctx context.Context, t *testing.T, count *toll.Count, way journey, c cell) {
	t.Helper()
	rows, err := s.db.Query(ctx, `select d.kind, d.message_id, d.status from deliveries d join orders o on o.merchant_id = d.merchant_id and o.contact_id = d.contact_id
		where o.checkout_id = $1`, s.checkout.text("id"))
	if err != nil {
		t.Fatal(err)
	}
	mails, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Kind, MessageID, Status string }])
	if err != nil {
		t.Fatal(err)
	}
	kinds, want := map[string]int{}, []string{}
	for _, m := range mails {
		kinds[m.Kind]++
		want = append(want, m.MessageID)
		if m.Status != "sent" {
			count.Harm(t, toll.Lost, "mail %s is %s", m.Kind, m.Status)
		}
	}
	if !maps.Equal(kinds, way.mails) {
		count.Harm(t, toll.Wrong, "mails %v, want %v", kinds, way.mails)
	}
	slices.Sort(want)
	// A mail that was under way at the moment of the death may come again: the
	// mail server has said yes and nobody could note it. It has the same name.
	got, again := s.post.of(s.email)
	if !slices.Equal(got, want) {
		count.Harm(t, toll.Wrong, "the mail server has got %v, want %v", got, want)
	}
	if again > 1 && c.point != "notify.answered" {
		count.Harm(t, toll.Doubled, "a mail went out %d times", again+1)
	}
}

// cells are all kills of the campaign, in a fixed order.
func cells() []cell {
	var all []cell
	for _, flow := range slices.Sorted(maps.Keys(journeys)) {
		for _, point := range journeys[flow].points {
			name, nth, _ := strings.Cut(point, " ")
			n, err := strconv.Atoi(nth)
			if err != nil {
				n = 1
			}
			all = append(all, cell{flow, name, n})
		}
	}
	return all
}

// atLeastOnce picks the cells of an ordinary run: each point in the first flow
// that has it, and what every event comes by in every flow.
func atLeastOnce(all []cell) (some []cell) {
	seen := map[string]bool{}
	for _, c := range all {
		if !seen[c.point] || slices.Contains(relayed, c.point) {
			some = append(some, c)
		}
		seen[c.point] = true
	}
	return some
}

func TestEveryKillPointIsKilledAtInSomeFlow(t *testing.T) {
	t.Parallel()
	some := atLeastOnce(cells())
	for _, p := range killpoint.Points() {
		if !slices.ContainsFunc(some, func(c cell) bool { return c.point == p.Name }) {
			t.Errorf("nobody dies at %s", p.Name)
		}
	}
	if len(some) < 60 {
		t.Errorf("only %d cells", len(some))
	}
}

// TestKilledAtEveryNamedPointNothingIsLostOrDoubled is the campaign, on a few
// shops side by side.
func TestKilledAtEveryNamedPointNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: the program is killed some hundred times")
	}
	const lanes = 4
	list := atLeastOnce(cells())
	if thorough() {
		list = slices.Concat(cells(), cells(), cells())
	}
	count := toll.Begin(t, "killed at named points")
	todo := make(chan cell)
	var all sync.WaitGroup
	var begun atomic.Int64 // all of them, unless a pattern picks some
	for range lanes {
		l := newLane(t)
		all.Go(func() {
			for c := range todo {
				t.Run(c.String(), func(t *testing.T) { begun.Add(1); c.run(t, l, count) })
			}
		})
	}
	for _, c := range list {
		todo <- c
	}
	close(todo)
	all.Wait()
	if want := int(begun.Load()); count.Faults() != want {
		t.Errorf("%d kills, want %d", count.Faults(), want)
	}
}
