package idem_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/idem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lease = 10 * time.Second

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// shelf is a store on a clock that moves only when told.
type shelf struct {
	*idem.Store
	t     *testing.T
	db    *db.DB
	clock *clock.Manual
	key   idem.Key
}

func newShelf(t *testing.T, change ...func(*db.Config)) *shelf {
	t.Helper()
	s := &shelf{t: t, clock: clock.At(start), key: key("k", "buy one mug")}
	s.db = dbtest.New(t, append(change, func(c *db.Config) { c.Clock = s.clock })...).DB
	s.Store = idem.New(s.db)
	return s
}

func key(name, request string) idem.Key {
	return idem.Key{Merchant: uuid.MustParse("0190f3a4-0000-7000-8000-000000000001"), Key: name, Hash: []byte(request)}
}

func (s *shelf) begin(k idem.Key) (idem.State, error) { return s.Begin(s.t.Context(), k, lease) }

// claims begins and wants the claim.
func (s *shelf) claims(k idem.Key) {
	s.t.Helper()
	if state, err := s.begin(k); err != nil || state.Known || state.Done {
		s.t.Fatalf("not claimed: %+v %v", state, err)
	}
}

// refused begins and wants a fault.
func (s *shelf) refused(k idem.Key, want *fault.Error) {
	s.t.Helper()
	if _, err := s.begin(k); !errors.Is(err, want) {
		s.t.Fatalf("got %v, want %s", err, want.Code)
	}
}

// run runs a transaction that claims, settles, frees or yields.
func (s *shelf) run(fn func(tx db.Tx)) error {
	return db.Run(s.t.Context(), s.db, func(tx db.Tx) error { fn(tx); return nil })
}

func (s *shelf) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestAnAnswerIsReplayedByteForByte(t *testing.T) {
	t.Parallel()
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	for name, body := range map[string][]byte{
		"bytes": everyByte, "spaced JSON": []byte("{ \"b\": 1,\r\n\t\"a\": 1.00 , \"a\":\"\\u00e9é\"}\n"), "nothing": {}, "large": bytes.Repeat([]byte("x"), 1<<20),
	} {
		s := newShelf(t)
		s.claims(s.key)
		headers := map[string]string{"Content-Type": "application/json", "Location": "/v1/orders/1?a=b&c=\"d\""}
		s.must(s.Finish(t.Context(), s.key, 201, headers, body))
		for range 2 {
			state, err := s.begin(s.key)
			if err != nil || !state.Done || !state.Known || state.Status != 201 || !bytes.Equal(state.Body, body) || !maps.Equal(state.Headers, headers) {
				t.Fatalf("%s: %+v %v", name, state, err)
			}
		}
		// A late second answer changes nothing.
		s.must(s.Finish(t.Context(), s.key, 500, nil, []byte("late")))
		if state, err := s.begin(s.key); err != nil || state.Status != 201 || !bytes.Equal(state.Body, body) {
			t.Fatalf("%s: %+v %v", name, state, err)
		}
	}
}

func TestAnotherRequestWithTheSameKeyIsRefused(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	other := key("k", "buy two mugs")
	s.claims(s.key)
	s.refused(other, idem.ErrConflict)
	s.clock.Advance(lease * 2)
	s.refused(other, idem.ErrConflict) // not even when the first has died
	s.must(s.Finish(t.Context(), s.key, 200, nil, []byte("{}")))
	s.refused(other, idem.ErrConflict)
	s.clock.Advance(idem.Kept)
	s.refused(other, idem.ErrConflict)
	s.claims(key("other", "buy two mugs"))
	elsewhere := other
	elsewhere.Merchant = id.New()
	s.claims(elsewhere) // keys of merchants do not meet
}

func TestAKeyIsInFlightUntilItsLeaseIsOver(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.claims(s.key)
	s.refused(s.key, idem.ErrInFlight)
	s.clock.Advance(lease - time.Microsecond)
	_, err := s.begin(s.key)
	if e, ok := fault.As(err); !ok || !idem.IsInFlight(err) || e.RetryAfter <= 0 || e.Kind != fault.Conflict {
		t.Fatal(err)
	}
	s.clock.Advance(time.Microsecond)
	s.claims(s.key)
	s.refused(s.key, idem.ErrInFlight) // and the new holder has a lease of its own
}

func TestAKeyGivenUpMayBeUsedAgain(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.claims(s.key)
	s.must(s.Abandon(t.Context(), s.key))
	s.claims(key("k", "buy two mugs"))
	s.must(s.Finish(t.Context(), s.key, 200, nil, nil))
	s.must(s.Abandon(t.Context(), s.key)) // too late: the answer stays
	if state, err := s.begin(key("k", "buy two mugs")); err != nil || !state.Done || state.Status != 200 {
		t.Fatalf("%+v %v", state, err)
	}
}

func TestOfManyAtOnceExactlyOneActs(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	for name, claim := range map[string]func(k idem.Key) error{
		"alone": func(k idem.Key) error {
			state, err := s.begin(k)
			if err == nil && (state.Done || state.Known) {
				t.Errorf("%+v", state)
			}
			return err
		},
		"in a transaction": func(k idem.Key) error {
			return s.run(func(tx db.Tx) { idem.Claim(tx, k, s.clock.Now(), lease) })
		},
	} {
		for _, round := range []string{"first", "after the lease"} {
			for i := range 20 {
				k := key(name+string(rune('a'+i)), "same")
				var acted atomic.Int64
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						switch err := claim(k); {
						case err == nil:
							acted.Add(1)
						case !errors.Is(err, idem.ErrInFlight):
							t.Error(err)
						}
					})
				}
				all.Wait()
				if n := acted.Load(); n != 1 {
					t.Fatalf("%s, %s: %d acted", name, round, n)
				}
			}
			s.clock.Advance(lease)
		}
	}
}

func TestAClaimStandsAndFallsWithItsTransaction(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	failed := errors.New("no")
	claim := func(tx db.Tx) { idem.Claim(tx, s.key, s.clock.Now(), lease) }
	if err := db.Run(t.Context(), s.db, func(tx db.Tx) error {
		claim(tx)
		if _, err := tx.Exec(t.Context(), `select 1`); err != nil { // sends it
			return err
		}
		return failed
	}); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	s.must(s.run(claim))
	err := s.run(claim)
	if e, ok := fault.As(err); !ok || !idem.IsInFlight(err) || e.RetryAfter != idem.ErrInFlight.RetryAfter {
		t.Fatalf("%#v", err)
	}
	s.refused(s.key, idem.ErrInFlight)
	s.must(s.run(func(tx db.Tx) { idem.Settle(tx, s.key, 202, []byte("body")) }))
	if state, err := s.begin(s.key); err != nil || !state.Done || state.Status != 202 || string(state.Body) != "body" {
		t.Fatalf("%+v %v", state, err)
	}
	if err := s.run(claim); !idem.IsInFlight(err) {
		t.Fatal(err)
	}
	s.must(s.run(func(tx db.Tx) { idem.Free(tx, s.key); idem.Yield(tx, s.key, start) })) // done: neither changes it
	if state, err := s.begin(s.key); err != nil || !state.Done {
		t.Fatalf("%+v %v", state, err)
	}
}

func TestOnlyTheSameRequestTakesOverInATransaction(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	claim := func(request string) error {
		return s.run(func(tx db.Tx) { idem.Claim(tx, key("k", request), s.clock.Now(), lease) })
	}
	s.must(claim("one"))
	s.clock.Advance(lease)
	if err := claim("two"); !idem.IsInFlight(err) {
		t.Fatal(err)
	}
	s.must(claim("one"))
}

func TestFreeAndYieldLetTheSameKeyBackAtOnce(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.claims(s.key)
	s.must(s.run(func(tx db.Tx) { idem.Yield(tx, s.key, s.clock.Now()) }))
	s.refused(key("k", "buy two mugs"), idem.ErrConflict)
	s.claims(s.key)
	s.must(s.run(func(tx db.Tx) { idem.Free(tx, s.key) }))
	s.claims(key("k", "buy two mugs"))
}

func TestPruneRemovesOnlyWhatNobodyCanAskForAnyMore(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	prune := func(want int64) {
		t.Helper()
		if n, err := s.Prune(t.Context()); err != nil || n != want {
			t.Fatalf("%d removed, want %d: %v", n, want, err)
		}
	}
	s.claims(key("done", ""))
	s.must(s.Finish(t.Context(), key("done", ""), 200, nil, nil))
	s.claims(key("died", ""))
	if _, err := s.Begin(t.Context(), key("long", ""), idem.Kept+time.Hour); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(idem.Kept)
	s.claims(key("young", ""))
	prune(0)
	s.clock.Advance(time.Microsecond)
	prune(2)
	s.refused(key("long", ""), idem.ErrInFlight)
	s.refused(key("young", ""), idem.ErrInFlight)
	s.claims(key("done", "another request"))
}

func TestLookupTravelsWithOtherReads(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	look := func() (state idem.State) {
		t.Helper()
		state = idem.State{Known: true, Done: true, Status: 9, Body: []byte("stale")}
		n := 0
		s.must(s.db.Read(t.Context(), idem.Lookup(s.key, &state), &db.Query{SQL: `select 1`, Each: func(rows pgx.Rows) error {
			for rows.Next() {
				n++
			}
			return nil
		}}))
		if n != 1 {
			t.Fatal("the other read is lost")
		}
		return state
	}
	if state := look(); state.Known || state.Done || state.Body != nil || state.Check(s.key, s.clock.Now()) != nil {
		t.Fatalf("%+v", state)
	}
	s.claims(s.key)
	state := look()
	if !state.Known || state.Done || !errors.Is(state.Check(s.key, s.clock.Now()), idem.ErrInFlight) || state.Check(s.key, start.Add(lease)) != nil ||
		!errors.Is(state.Check(key("k", "other"), start.Add(lease)), idem.ErrConflict) {
		t.Fatalf("%+v", state)
	}
}

// between calls do once, between a claim that failed and the look at who holds
// the key.
type between struct{ do atomic.Pointer[func()] }

func (b *between) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	if do := b.do.Swap(nil); do != nil {
		(*do)()
	}
	return ctx
}
func (*between) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*between) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}
func (*between) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (*between) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestNobodyActsOnAKeyThatIsNotTheirs(t *testing.T) {
	t.Parallel()
	for name, giveUp := range map[string]func(s *shelf) error{
		"abandoned": func(s *shelf) error { return s.Abandon(t.Context(), s.key) },
		"yielded":   func(s *shelf) error { return s.run(func(tx db.Tx) { idem.Yield(tx, s.key, start) }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meanwhile := &between{}
			s := newShelf(t, func(c *db.Config) { c.Tracer = meanwhile })
			s.claims(s.key)
			do := func() { s.must(giveUp(s)) }
			meanwhile.do.Store(&do)
			s.claims(s.key) // its first holder leaves while it looks
			s.refused(s.key, idem.ErrInFlight)
		})
	}
}

func TestARecordedAnswerIsReplayedAndNeverRecordedTwice(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	record := func(body string) error {
		return db.Run(t.Context(), s.db, func(tx db.Tx) error {
			idem.Record(tx, s.key, s.clock.Now(), 200, []byte(body))
			return nil
		})
	}
	if err := record("first"); err != nil {
		t.Fatal(err)
	}
	if err := record("second"); !errors.Is(err, idem.ErrInFlight) {
		t.Fatalf("recorded over an answer: %v", err)
	}
	if state, err := s.begin(s.key); err != nil || !state.Done || state.Status != 200 || string(state.Body) != "first" {
		t.Fatalf("%+v %v", state, err)
	}
}

func TestARecordTakesOverAClaimOnlyWhenItsLeaseIsOver(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.claims(s.key)
	record := func(k idem.Key) error {
		return db.Run(t.Context(), s.db, func(tx db.Tx) error {
			idem.Record(tx, k, s.clock.Now(), 200, []byte("answer"))
			return nil
		})
	}
	if err := record(s.key); !errors.Is(err, idem.ErrInFlight) {
		t.Fatalf("recorded under a live claim: %v", err)
	}
	s.clock.Advance(lease)
	if err := record(key("k", "buy two mugs")); !errors.Is(err, idem.ErrInFlight) {
		t.Fatalf("another request took the key over: %v", err)
	}
	if err := record(s.key); err != nil {
		t.Fatal(err)
	}
}
