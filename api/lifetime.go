package api

import (
	"context"
	"sync"
	"time"
)

// lifetime is the context of one request, with its deadline. Most answers come
// from memory and wait for nothing, so the timer is only made when somebody
// asks when to stop.
type lifetime struct {
	base     context.Context
	request  *request
	deadline time.Time

	mu     sync.Mutex
	inner  context.Context // nil until somebody asks
	cancel context.CancelFunc
}

// over is the inner context of a lifetime that has ended unasked.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// begin sets the deadline. fasthttp does not notice that a client went away, so
// the deadline is what ends the work for nobody.
func (r *request) begin(base context.Context, d time.Duration) *lifetime {
	from := r.started
	if r.body != nil || r.file != nil { // the time of the upload does not count
		from = r.server.machine.Now()
	}
	l := &lifetime{base: base, request: r, deadline: from.Add(d)}
	r.ctx = l
	return l
}

// end frees what the context holds; it is canceled from then on.
func (l *lifetime) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner == nil {
		l.inner = over
	}
	if l.cancel != nil {
		l.cancel()
	}
}

func (l *lifetime) started() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner == nil {
		l.inner, l.cancel = context.WithDeadline(l.base, l.deadline)
	}
	return l.inner
}

// Deadline is when the work for the request is to end.
func (l *lifetime) Deadline() (time.Time, bool) { return l.deadline, true }

// Done is closed at the deadline, when the request is answered, or when the
// server stops.
func (l *lifetime) Done() <-chan struct{} { return l.started().Done() }

// Err says which of these it was.
func (l *lifetime) Err() error { return l.started().Err() }

// Value finds the request.
func (l *lifetime) Value(key any) any {
	if key == (requestKey{}) {
		return l.request
	}
	l.mu.Lock()
	inner := l.inner
	l.mu.Unlock()
	if inner == nil {
		return l.base.Value(key)
	}
	return inner.Value(key) // contexts made from this one find what cancels them
}
