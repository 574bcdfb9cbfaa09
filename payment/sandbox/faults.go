package sandbox

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Call is a kind of call that a gateway takes.
type Call string

// The calls. Asking how a charge stands and confirming it are one kind.
const (
	CallAuthorize Call = "authorize"
	CallFind      Call = "find"
	CallCapture   Call = "capture"
	CallVoid      Call = "void"
	CallRefund    Call = "refund"
	CallList      Call = "list"
)

// Calls lists all calls.
func Calls() []Call {
	return []Call{CallAuthorize, CallFind, CallCapture, CallVoid, CallRefund, CallList}
}

// Fault is how a gateway takes one call.
type Fault string

// The kinds of faults. The first is none.
const (
	Answers       Fault = "answers"
	LosesAnswer   Fault = "does, never answers"
	BreaksAfter   Fault = "does, answers 500" // and 500 again whenever the key comes back
	BreaksBefore  Fault = "does nothing, answers 500"
	Silent        Fault = "does nothing, never answers"
	Throttles     Fault = "does nothing, answers 429"
	IsSlow        Fault = "does, answers late"
	Resets        Fault = "does, cuts the line"
	Truncates     Fault = "does, answers by half"
	SpeaksHTML    Fault = "does, answers with a web page"
	HearsTwice    Fault = "hears it twice, answers late"
	AnswersOthers Fault = "does, answers with another object"
)

// FaultKinds lists all kinds, the good one first.
func FaultKinds() []Fault {
	return []Fault{Answers, LosesAnswer, BreaksAfter, BreaksBefore, Silent, Throttles, IsSlow, Resets, Truncates, SpeaksHTML, HearsTwice, AnswersOthers}
}

// Does says whether the gateway does what was asked, whatever it answers.
func (f Fault) Does() bool { return f != BreaksBefore && f != Silent && f != Throttles }

// Waits says whether the answer is late or does not come.
func (f Fault) Waits() bool {
	return f == LosesAnswer || f == Silent || f == IsSlow || f == HearsTwice
}

// RetryAfter is what a throttled caller is told to wait.
const RetryAfter = time.Second

// BusyError is the error of a throttled call. Nothing was done.
type BusyError struct{ After time.Duration }

// Error says how long to wait.
func (b BusyError) Error() string {
	return fmt.Sprintf("sandbox: 429 too many requests, again in %s", b.After)
}

// traceLength is how many calls a trace keeps.
const traceLength = 10_000

// Faults is a plan of faults: the n-th call of a kind has a fault that follows
// from the seed alone. The nil plan has none. Its methods may be called at once.
type Faults struct {
	seed  uint64
	rate  float64
	mu    sync.Mutex
	calls map[Call]uint64
	once  map[Call][]Fault
	trace []string
}

// NewFaults plans a fault for that share of all calls, from 0 to 1.
func NewFaults(seed uint64, rate float64) *Faults {
	return &Faults{seed: seed, rate: rate, calls: map[Call]uint64{}, once: map[Call][]Fault{}}
}

// Once makes the next call of a kind have this fault, after those that were
// asked for before.
func (f *Faults) Once(c Call, kind Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.once[c] = append(f.once[c], kind)
}

// Clear forgets the faults that Once has asked for and that have not happened,
// and says how many there were.
func (f *Faults) Clear() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, waiting := range f.once {
		n += len(waiting)
	}
	clear(f.once)
	return n
}

// Next is the fault of the call that has just come.
func (f *Faults) Next(c Call) Fault {
	if f == nil {
		return Answers
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[c]++
	n := f.calls[c]
	kind := f.planned(c, n)
	if asked := f.once[c]; len(asked) > 0 {
		kind, f.once[c] = asked[0], asked[1:]
	}
	if len(f.trace) == traceLength {
		f.trace = slices.Delete(f.trace, 0, traceLength/2)
	}
	f.trace = append(f.trace, fmt.Sprintf("%s %d: %s", c, n, kind))
	return kind
}

// planned is the fault of the n-th call of a kind.
func (f *Faults) planned(c Call, n uint64) Fault {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, c, n) // a hash takes everything
	r := rand.New(rand.NewPCG(f.seed, h.Sum64()))
	if r.Float64() >= f.rate {
		return Answers
	}
	bad := FaultKinds()[1:]
	return bad[r.IntN(len(bad))]
}

// Trace lists the newest calls with their faults, one line each:
// "capture 3: does, cuts the line".
func (f *Faults) Trace() []string {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.trace)
}

// SetFaults makes the provider's calls have faults; nil ends them. Package wire
// has a plan of its own.
func (g *Gateway) SetFaults(f *Faults) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = f
}

// errGarbled is an answer that a provider cannot read or that is not for it.
var errGarbled = errors.New("sandbox: the answer cannot be read")

// called takes one call, as the plan of faults says.
func called[T any](ctx context.Context, g *Gateway, name Call, key string, do func() (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err // it would not have been sent
	}
	g.mu.Lock()
	plan := g.faults
	g.mu.Unlock()
	kind := plan.Next(name)
	switch kind {
	case BreaksBefore:
		return none, errServer
	case Throttles:
		return none, BusyError{RetryAfter}
	case Silent:
		return none, g.hush(ctx)
	}
	if g.broken(key) {
		return none, errServer
	}
	r, err := do()
	if kind == HearsTwice {
		r, err = do()
	}
	switch kind {
	case IsSlow, HearsTwice:
		if late := sleep(ctx, g.SlowFor); late != nil {
			return none, late
		}
	case LosesAnswer:
		return none, g.hush(ctx)
	case BreaksAfter:
		g.spoil(key)
		return none, errServer
	case Resets:
		return none, errors.New("sandbox: connection reset by peer")
	case Truncates, SpeaksHTML, AnswersOthers:
		return none, errGarbled
	}
	return r, err
}

// hush says nothing until the caller's time is over.
func (g *Gateway) hush(ctx context.Context) error {
	if err := sleep(ctx, g.LostFor); err != nil {
		return err
	}
	return context.DeadlineExceeded
}

// spoil makes a key be answered with an error for as long as it is known.
func (g *Gateway) spoil(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if u, known := g.keys[key]; known && key != "" {
		u.broken = true
		g.keys[key] = u
	}
}

func (g *Gateway) broken(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	u, known := g.keys[key]
	return known && u.broken && g.clock.Now().Before(u.at.Add(KeysFor))
}
