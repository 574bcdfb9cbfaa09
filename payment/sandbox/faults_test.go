package sandbox_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// plays makes some calls of each kind under a plan, in the order given.
func plays(f *sandbox.Faults, order []sandbox.Call) map[sandbox.Call][]sandbox.Fault {
	all := map[sandbox.Call][]sandbox.Fault{}
	for range 50 {
		for _, c := range order {
			all[c] = append(all[c], f.Next(c))
		}
	}
	return all
}

func TestTheSameSeedGoesWrongTheSameWay(t *testing.T) {
	t.Parallel()
	first, second := sandbox.NewFaults(7, 0.5), sandbox.NewFaults(7, 0.5)
	backwards := sandbox.Calls()
	slices.Reverse(backwards)
	a, b := plays(first, sandbox.Calls()), plays(second, backwards)
	for _, c := range sandbox.Calls() {
		if !slices.Equal(a[c], b[c]) {
			t.Errorf("%s depends on other calls: %v, then %v", c, a[c], b[c])
		}
	}
	if other := plays(sandbox.NewFaults(8, 0.5), sandbox.Calls()); slices.Equal(other[sandbox.CallCapture], a[sandbox.CallCapture]) {
		t.Error("another seed, the same faults")
	}
	trace := first.Trace()
	if len(trace) != 300 || !strings.HasPrefix(trace[0], "authorize 1: ") || !strings.HasPrefix(trace[299], "list 50: ") {
		t.Errorf("%d lines, the first %q", len(trace), trace[0])
	}
	seen := map[sandbox.Fault]int{}
	for _, faults := range a {
		for _, f := range faults {
			seen[f]++
		}
	}
	for _, kind := range sandbox.FaultKinds() {
		if seen[kind] == 0 {
			t.Errorf("in 300 calls never: %s", kind)
		}
	}
	if good := seen[sandbox.Answers]; good < 100 || good > 200 {
		t.Errorf("%d of 300 calls go well at a rate of a half", good)
	}
	var none *sandbox.Faults
	if none.Next(sandbox.CallFind) != sandbox.Answers || none.Trace() != nil {
		t.Error("no plan, and yet a fault")
	}
}

func TestWhatWasAskedForHappensOnceAndInOrder(t *testing.T) {
	t.Parallel()
	f := sandbox.NewFaults(1, 0)
	f.Once(sandbox.CallVoid, sandbox.Resets)
	f.Once(sandbox.CallVoid, sandbox.Silent)
	f.Once(sandbox.CallRefund, sandbox.Silent)
	var got []sandbox.Fault
	for range 3 {
		got = append(got, f.Next(sandbox.CallVoid))
	}
	if !slices.Equal(got, []sandbox.Fault{sandbox.Resets, sandbox.Silent, sandbox.Answers}) || f.Clear() != 1 || f.Next(sandbox.CallRefund) != sandbox.Answers {
		t.Errorf("%v", got)
	}
}

func TestEachFaultDoesWhatItSaysInTheProcess(t *testing.T) {
	t.Parallel()
	for _, kind := range sandbox.FaultKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			g := open(t, "")
			g.SlowFor, g.LostFor = time.Millisecond, time.Millisecond
			f := sandbox.NewFaults(1, 0)
			g.SetFaults(f)
			a := wish(sandbox.Visa)
			f.Once(sandbox.CallAuthorize, kind)
			r, err := g.Authorize(t.Context(), a)
			answered := kind == sandbox.Answers || kind == sandbox.IsSlow || kind == sandbox.HearsTwice
			if answered != (err == nil) || answered && r.Status != payment.Authorized {
				t.Errorf("%+v %v", r, err)
			}
			var busy sandbox.BusyError
			if errors.As(err, &busy) != (kind == sandbox.Throttles) || busy.After != map[bool]time.Duration{true: sandbox.RetryAfter}[kind == sandbox.Throttles] {
				t.Errorf("%v", err)
			}
			if kind.Waits() && !answered && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			if all := books(t, g); len(all) != map[bool]int{true: 1}[kind.Does()] {
				t.Errorf("%+v", all)
			}
			_, again := g.Authorize(t.Context(), a)
			if (again != nil) != (kind == sandbox.BreaksAfter) || len(books(t, g)) != 1 {
				t.Errorf("with the key again: %v, %+v", again, books(t, g))
			}
		})
	}
}

func TestAKeyThatBrokeIsBrokenForADay(t *testing.T) {
	t.Parallel()
	c := clock.At(start)
	g, err := sandbox.Open("", "", c)
	if err != nil {
		t.Fatal(err)
	}
	f := sandbox.NewFaults(1, 0)
	g.SetFaults(f)
	r, err := g.Authorize(t.Context(), wish(sandbox.Visa))
	if err != nil {
		t.Fatal(err)
	}
	m := payment.Movement{Key: "c", GatewayID: r.GatewayID, Amount: 400}
	f.Once(sandbox.CallCapture, sandbox.BreaksAfter)
	for range 3 {
		if r, err := g.Capture(t.Context(), m); err == nil {
			t.Fatalf("%+v", r)
		}
	}
	if now, ok := g.Charge(r.GatewayID); !ok || now.Captured != 400 {
		t.Fatalf("%+v", now)
	}
	c.Advance(24 * time.Hour)
	if r, err := g.Capture(t.Context(), m); err != nil || r.Status != payment.Captured || r.Captured != 400 || r.FailureCode == "" {
		t.Errorf("%+v %v", r, err)
	}
}
