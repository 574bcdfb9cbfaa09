package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/cmd/doorstep/verify"
	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/config"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/killpoint/toll"
	"doorstep/internal/money"
	"doorstep/notify"
	"doorstep/payment"
	"doorstep/payment/sandbox"
	"doorstep/pricing"
	"doorstep/shipping"
)

// The simulation is the whole house on a real database, in a world that a seed
// has made up: shoppers, staff, a payment gateway with a mind of its own and
// unreliable news, parcels, jobs that fail and errands that run late, under a
// clock that moves only when told. Everything happens one after the other, and no
// choice depends on anything but the seed and what has happened before: a seed
// that fails once fails always.

const (
	simSeedEnv  = "DOORSTEP_SIM_SEED"  // plays this seed alone, and tells what happens
	simSeedsEnv = "DOORSTEP_SIM_SEEDS" // plays so many
	simStepsEnv = "DOORSTEP_SIM_STEPS" // of so many steps each
	simSecret   = "whsec_simulation"
	simHooks    = 12 // in one of so many worlds the merchant's program listens
)

// simStart is when each world begins.
var simStart = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// sim is one world.
type sim struct {
	t     testing.TB
	ctx   context.Context
	h     *house
	seed  uint64
	rnd   *rand.Rand
	clock *clock.Manual
	shop  uuid.UUID
	trace []string
	said  []string // what the step under way has come to
	wrong []string
	count *toll.Count
	cut   *simScissors

	seats []*simSeat
	carts []simCart
	keys  int

	parcels, returns, claims, exchanges []uuid.UUID

	seen    int         // news that have been taken to the post
	letters []simLetter // webhooks on their way
	jobs    []simJob

	deals     map[uuid.UUID]*simDeal // by checkout
	events    map[string]int         // how often each was told of
	public    int                    // of which merchants are told
	merchant  *simMerchant           // in some worlds
	letterbox map[string][]string    // mails that were taken over, by Message-ID
	unsure    map[string]bool        // those of which the mail server did not say so
	skew      time.Duration          // how far ahead the gateway's clock is
	disk      *simDisk               // may be full; nil is large
	calm      bool                   // nothing goes wrong any more
	tally     map[string]int         // how often each step came to something
}

func simNumber(env string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(env)); err == nil {
		return n
	}
	return otherwise
}

// newSim opens a house on a database of its own.
func newSim(t testing.TB, seed uint64, count *toll.Count) *sim {
	t.Helper()
	return newSkewedSim(t, seed, count, 0)
}

// newSkewedSim does, with a gateway whose clock is so far ahead of the shop's.
func newSkewedSim(t testing.TB, seed uint64, count *toll.Count, skew time.Duration) *sim {
	t.Helper()
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	c.DataDir, c.StripeWebhookSecrets, c.RecoveryAge = t.TempDir(), simSecret, 30*time.Second
	hands := clock.At(simStart)
	cut := &simScissors{}
	base := dbtest.New(t, func(c *db.Config) { c.Clock, c.Tracer = hands, cut })
	vault, err := customer.NewVault(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{config: c, log: slog.New(slog.DiscardHandler), clock: &clock.System{}, dsn: base.DSN, db: base.DB, vault: vault, atOnce: 1, abroad: skewed{hands, skew}}
	if err := h.rooms(false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	h.inbox = payment.NewInbox(payment.InboxConfig{ // signatures are as old as this world's clock says
		DB: h.db, Providers: h.payments, Settler: settler{h.checkouts}, Adopter: h.payments, Merchants: merchantList{h.customers}, Now: h.db.Now,
		Timeout: c.GatewayTimeout + 5*time.Second, AtOnce: h.atOnce, Log: h.log,
	})
	h.gateway.SlowFor, h.gateway.LostFor = time.Microsecond, time.Microsecond
	s := &sim{
		skew: skew, t: t, ctx: t.Context(), h: h, seed: seed, rnd: rand.New(rand.NewPCG(seed, 1)), clock: hands, count: count, cut: cut, deals: map[uuid.UUID]*simDeal{},
		events: map[string]int{}, letterbox: map[string][]string{}, unsure: map[string]bool{}, tally: map[string]int{},
	}
	h.mail, err = notify.New(notify.Options{DB: h.db, Clock: h.db, Contacts: mailContacts{h.contacts}, From: c.MailFrom, Sender: simMailServer{s}})
	s.must(err)
	h.support.Mail = h.mail // by the same postman
	s.furnish()
	if seed%simHooks == 1 {
		s.listens()
	}
	return s
}

// furnish makes a shop with little stock of some things, and few uses of some codes.
func (s *sim) furnish() {
	settings := customer.DefaultSettings("Simulated", "EUR")
	settings.BankTransfer = customer.BankTransfer{Enabled: true, DueDays: 7, AccountLines: []string{"IBAN: AM00"}}
	settings.CashOnDelivery = customer.CashOnDelivery{Enabled: true, Fees: []money.Amount{money.Of(simCashFee, "EUR")}}
	m, err := s.h.customers.CreateMerchant(s.ctx, "Simulated", settings)
	s.must(err)
	s.shop = m.ID
	document, err := shipping.StarterPolicy("EUR")
	s.must(err)
	draft, err := s.h.shipping.NewDraft(s.ctx, m.ID, document)
	s.must(err)
	_, err = s.h.shipping.Publish(s.ctx, m.ID, draft.ID)
	s.must(err)
	at, err := s.h.catalog.DefaultLocation(s.ctx, m.ID)
	s.must(err)
	for _, sku := range slices.Sorted(maps.Keys(simPrices)) {
		price, stock := simPrices[sku], simStock[sku]
		p, v := id.New(), id.New()
		s.exec(`insert into products (merchant_id, id, slug, status, title, created_at, updated_at) values ($1, $2, $3, 'active', $3, $4, $4)`, m.ID, p, strings.ToLower(sku), simStart)
		s.exec(`insert into variants (merchant_id, id, product_id, sku, weight_g, track_stock, created_at, updated_at) values ($1, $2, $3, $4, 300, $5, $6, $6)`,
			m.ID, v, p, sku, stock > 0, simStart)
		s.exec(`insert into prices (merchant_id, variant_id, currency, amount_minor, updated_at) values ($1, $2, 'EUR', $3, $4)`, m.ID, v, price, simStart)
		s.exec(`insert into stock (merchant_id, variant_id, location_id, received, free, updated_at) values ($1, $2, $3, $4, $4, $5)`, m.ID, v, at.ID, stock, simStart)
	}
	for _, p := range []pricing.Promotion{
		{PublicCode: "TWICE", Kind: pricing.KindPercent, BPS: simTwiceBps, TotalLimit: simTwice},
		{PublicCode: "EACH", Kind: pricing.KindFixed, Amounts: []money.Amount{money.Of(simEachOff, "EUR")}, PerCustomerLimit: 1},
	} {
		p.Name = map[string]string{"en": p.PublicCode}
		_, err := s.h.pricing.CreatePromotion(s.ctx, m.ID, p)
		s.must(err)
	}
}

func (s *sim) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *sim) exec(sql string, args ...any) {
	s.t.Helper()
	_, err := s.h.db.Exec(s.ctx, sql, args...)
	s.must(err)
}

// chance is true so often, from 0 to 1.
func (s *sim) chance(share float64) bool { return s.rnd.Float64() < share }

// one is one of several.
func one[E any](s *sim, of ...E) E { return of[s.rnd.IntN(len(of))] }

// note writes down what somebody does, or what came of it.
func (s *sim) note(format string, args ...any) { s.said = append(s.said, fmt.Sprintf(format, args...)) }

// came notes what an act has come to. Whatever happens, people are told something
// that they can understand.
func (s *sim) came(err error) {
	if err == nil {
		s.note("ok")
		s.tally[s.said[0]]++
		return
	}
	if s.ctx.Err() != nil {
		return // who was cut off is told nothing
	}
	f, ok := fault.As(err)
	if !ok || f.Kind == fault.Internal {
		s.wrong = append(s.wrong, fmt.Sprintf("step %d: %s: an error without words: %v", len(s.trace)+1, strings.Join(s.said, " "), err))
		s.note("broke")
		return
	}
	s.note("%s", f.Code)
}

// play lets so many things happen.
func (s *sim) play(steps int) {
	faults := sandbox.NewFaults(s.seed, one(s, 0, 0.05, 0.2, 0.4))
	s.h.gateway.SetFaults(faults)
	defer func() {
		for _, call := range faults.Trace() {
			if !strings.HasSuffix(call, ": "+string(sandbox.Answers)) {
				s.tally["gateway unwell"]++
			}
		}
	}()
	total := 0
	for _, k := range simSteps {
		total += k.weight
	}
	for range steps {
		s.clock.Advance(time.Duration(1+s.rnd.IntN(5_000)) * time.Millisecond)
		for range 5 { // until there is something to be done
			n, i := s.rnd.IntN(total), 0
			for ; n >= simSteps[i].weight; i++ {
				n -= simSteps[i].weight
			}
			before := len(s.trace)
			s.step(simSteps[i].name, s.perhaps(simSteps[i].do))
			if len(s.trace) > before {
				break
			}
		}
		s.step("", (*sim).post)
		s.step("", (*sim).relay)
		for range s.rnd.IntN(4) {
			s.step("job", s.perhaps((*sim).job))
		}
	}
}

// simScissors end a context just before one of the next trips to the database.
type simScissors struct {
	mu     sync.Mutex
	left   int // 0 is never
	cancel func()
}

// open lets the context end before the n-th trip from now; 0 puts them away.
func (c *simScissors) open(n int, cancel func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left, c.cancel = n, cancel
}

func (c *simScissors) trip() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 {
		return
	}
	if c.left--; c.left == 0 {
		c.cancel()
	}
}

func (c *simScissors) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.trip()
	return ctx
}

func (*simScissors) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *simScissors) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.trip()
	return ctx
}

func (*simScissors) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*simScissors) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// perhaps cuts some of what is done off in the middle.
func (s *sim) perhaps(do func(*sim)) func(*sim) {
	if s.disk != nil && s.chance(0.12) {
		return s.filled(do)
	}
	if !s.chance(0.06) {
		return do
	}
	return func(s *sim) {
		whole := s.ctx
		ctx, cancel := context.WithCancel(whole)
		defer cancel()
		defer func() { s.ctx = whole; s.cut.open(0, nil) }()
		s.ctx = ctx
		s.cut.open(1+s.rnd.IntN(12), cancel)
		do(s)
		if s.ctx.Err() != nil && len(s.said) > 1 {
			s.note("cut off")
		}
	}
}

// step does one thing and writes it down.
func (s *sim) step(name string, do func(*sim)) {
	s.said = s.said[:0]
	s.note("%s", name)
	do(s)
	if len(s.said) > 1 {
		s.count.Fault()
		s.trace = append(s.trace, fmt.Sprintf("%s %s", s.clock.Now().Format("01-02 15:04:05"), strings.TrimSpace(strings.Join(s.said, " "))))
	}
}

// simStep is a kind of things that happen, some more often than others.
type simStep struct {
	name   string
	weight int
	do     func(*sim)
}

var simSteps = slices.Concat(simShopping, simStaffing, simAfterSale, simOutside, simErrands)

// settle lets the gateway be well and time pass until nothing is left to do.
func (s *sim) settle() {
	s.h.gateway.SetFaults(nil)
	s.calm = true
	waits := []time.Duration{time.Minute, 10 * time.Minute, 25 * time.Minute, 2 * time.Hour, 26 * time.Hour, 10 * time.Minute, 10 * time.Minute, 3 * time.Hour}
	for i := 0; i < len(waits) || len(s.jobs) > 0 && i < 40; i++ {
		s.clock.Advance(waits[min(i, len(waits)-1)])
		for range 2 {
			s.step("", (*sim).hurry)
			for _, e := range simErrands {
				s.step(e.name, e.do)
			}
			s.work()
		}
	}
	s.step("compare all", func(s *sim) {
		_, err := s.h.payments.Reconcile(s.ctx, simStart.Add(min(0, s.skew)-time.Hour), s.h.db.Now().Add(max(0, s.skew)))
		s.came(err)
	})
	s.work()
}

// check is what has to hold in the end.
func (s *sim) check() {
	found, err := verify.Run(s.ctx, s.h.db, s.h.db.Now(), s.h.gateway)
	s.must(err)
	for _, v := range found {
		s.harm(toll.Wrong, "%s: %s: %s", v.Invariant, s.who(v.Subject), v.Detail)
	}
	var left string
	s.must(s.h.db.QueryRow(s.ctx, unrest).Scan(&left))
	if left != "" || len(s.jobs) > 0 {
		s.harm(toll.Stuck, "left: %s, %d jobs", left, len(s.jobs))
	}
	for _, w := range s.wrong {
		s.harm(toll.Wrong, "%s", w)
	}
	s.oracle()
}

// who names a subject as the trace does, if it is an order or part of one.
func (s *sim) who(subject string) string {
	for i, seat := range s.seats {
		if s.number(`select count(*) from payments where checkout_id = $1 and (id::text = $2 or order_id::text = $2)`, seat.view.ID, subject)+
			s.number(`select count(*) from order_lines l join orders o on o.id = l.order_id where o.checkout_id = $1 and l.id::text = $2`, seat.view.ID, subject)+
			s.number(`select count(*) from refunds r join orders o on o.id = r.order_id where o.checkout_id = $1 and r.id::text = $2`, seat.view.ID, subject) > 0 {
			return fmt.Sprintf("of shopper %d", i)
		}
	}
	return subject
}

func (s *sim) number(sql string, args ...any) (n int64) {
	s.t.Helper()
	s.must(s.h.db.QueryRow(s.t.Context(), sql, args...).Scan(&n))
	return n
}

func (s *sim) harm(h toll.Harm, format string, args ...any) {
	s.t.Helper()
	s.count.Harm(s.t, h, "seed %d: %s", s.seed, fmt.Sprintf(format, args...))
}

// run plays a seed to its end, and tells all of it when something is wrong.
func (s *sim) run(steps int) {
	s.t.Helper()
	s.play(steps)
	played := len(s.trace)
	s.settle()
	s.deliverHooks()
	s.check()
	if s.t.Failed() || os.Getenv(simSeedEnv) != "" {
		s.t.Logf("seed %d:\n%s\n-- settling --\n%s", s.seed, strings.Join(s.trace[:played], "\n"), strings.Join(slices.DeleteFunc(slices.Clone(s.trace[played:]), func(line string) bool {
			return strings.HasSuffix(line, " ok")
		}), "\n"))
		s.t.Logf("again: %s=%d %s=%d go test ./cmd/doorstep -run 'TestSimulation$'", simSeedEnv, s.seed, simStepsEnv, steps)
	}
}

// TestSimulation plays worlds, and finds nothing lost, doubled or stuck in the
// end of any.
func TestSimulation(t *testing.T) {
	t.Parallel()
	seeds, steps := 24, 60
	switch {
	case os.Getenv("DOORSTEP_TEST_THOROUGH") != "":
		seeds, steps = 200, 100
	case testing.Short():
		seeds = 2
	}
	first, seeds, steps := simNumber(simSeedEnv, 1), simNumber(simSeedsEnv, seeds), simNumber(simStepsEnv, steps)
	if os.Getenv(simSeedEnv) != "" {
		seeds = 1
	}
	count := toll.Begin(t, "simulated steps")
	all := simTally{n: map[string]int{}}
	t.Cleanup(func() { all.check(t, seeds*steps) })
	for seed := first; seed < first+seeds; seed++ {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			s := newSim(t, uint64(seed), count)
			s.run(steps)
			all.add(s.tally)
		})
	}
}

// TestASimulatedSeedPlaysTheSameAgain compares two runs, step by step.
func TestASimulatedSeedPlaysTheSameAgain(t *testing.T) {
	t.Parallel()
	var traces [2][]string
	var tallies [2]string
	for i := range traces {
		s := newSim(t, 7, toll.Begin(t, "simulated again"))
		s.play(40)
		s.settle()
		traces[i], tallies[i] = s.trace, sorted(s.tally)
	}
	for i := range min(len(traces[0]), len(traces[1])) {
		if traces[0][i] != traces[1][i] {
			t.Fatalf("step %d was %q and then %q", i, traces[0][i], traces[1][i])
		}
	}
	if tallies[0] != tallies[1] {
		t.Errorf("%s and then %s", tallies[0], tallies[1])
	}
	if len(traces[0]) != len(traces[1]) || len(traces[0]) < 40 {
		t.Fatalf("%d steps and then %d", len(traces[0]), len(traces[1]))
	}
}

var errSimPanic = errors.New("panic")
