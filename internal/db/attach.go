package db

import (
	"context"
	"strings"
	"sync"
)

// attached is what the first writing transaction under a context ends with.
type attached struct {
	last func(ctx context.Context, tx Tx) error

	mu   sync.Mutex
	busy bool // a transaction is ending with it
	done bool // one has committed with it
}

type attachedKey struct{}

// Attach gives a context under which the first transaction that writes
// something ends with last, in that transaction: both stand or neither does.
// A single statement by DB.Exec counts as a transaction; writes by DB.Gorm do
// not. last is called again with every retry. It is for what must be written
// about an act, whichever room the act is in, such as who did it.
func Attach(ctx context.Context, last func(ctx context.Context, tx Tx) error) context.Context {
	return context.WithValue(ctx, attachedKey{}, &attached{last: last})
}

// waitingFor is what a transaction under ctx would have to end with, if any.
func waitingFor(ctx context.Context) *attached {
	a, ok := ctx.Value(attachedKey{}).(*attached)
	if !ok {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done {
		return nil
	}
	return a
}

// take gives the end to one transaction at a time.
func (a *attached) take() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done || a.busy {
		return false
	}
	a.busy = true
	return true
}

func (a *attached) giveBack(committed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy, a.done = false, committed
}

// conclude calls commit after what is attached, when the transaction writes.
func (s *session) conclude(commit func() error) error {
	a := waitingFor(s.ctx)
	if a == nil || !s.wrote || !a.take() {
		return commit()
	}
	committed := false
	defer func() { a.giveBack(committed) }()
	if err := a.last(s.ctx, Tx{s}); err != nil {
		return err
	}
	err := commit()
	committed = err == nil
	return err
}

// writes says whether a statement may change something.
func writes(sql string) bool {
	sql = strings.TrimSpace(sql)
	return len(sql) < 6 || !strings.EqualFold(sql[:6], "select")
}
