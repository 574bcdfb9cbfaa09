package cart

import (
	"context"
	"sync"

	"doorstep/internal/db"
)

// Bounds of what waits to be written.
const (
	waitMost  = 10_000 // what comes on top is dropped: shoppers do not wait for statistics
	writeMost = 500    // in one statement
)

// waiting are events of moments in which nothing else was written, such as a
// refusal. Whoever serves a shopper only puts them here.
type waiting struct {
	sync.Mutex
	events  []Event
	dropped int64
}

// Later writes an event soon, with the next WriteEvents. It costs the caller no
// round trip; a crash may lose the last moments.
func (s *Service) Later(e Event) {
	w := &s.waiting
	w.Lock()
	defer w.Unlock()
	if len(w.events) >= waitMost {
		w.dropped++
		return
	}
	w.events = append(w.events, e)
}

// WriteEvents writes what waits, and says how many events that were. Several may
// run at once. What could not be written waits on.
func (s *Service) WriteEvents(ctx context.Context) (int, error) {
	total := 0
	for {
		batch := s.waiting.take()
		if len(batch) == 0 {
			return total, nil
		}
		if err := db.Run(ctx, s.DB, func(tx db.Tx) error {
			tx.Relaxed()
			Note(tx, batch...)
			return nil
		}); err != nil {
			s.waiting.putBack(batch)
			return total, err
		}
		total += len(batch)
	}
}

// Dropped is how many events have found no room to wait, since the start.
func (s *Service) Dropped() int64 {
	s.waiting.Lock()
	defer s.waiting.Unlock()
	return s.waiting.dropped
}

func (w *waiting) take() []Event {
	w.Lock()
	defer w.Unlock()
	n := min(len(w.events), writeMost)
	batch := w.events[:n:n]
	if w.events = w.events[n:]; len(w.events) == 0 {
		w.events = nil
	}
	return batch
}

func (w *waiting) putBack(batch []Event) {
	w.Lock()
	defer w.Unlock()
	w.events = append(batch, w.events...)
}
