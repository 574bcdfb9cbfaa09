package recommend

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
)

// The bounds of what is done while nobody waits for it.
const (
	learnTime = 10 * time.Minute // everything of one shop
	hearTime  = time.Minute      // the news of one shop
	learners  = 4                // shops that are learned at the same time
)

// work is what goes on in the background. It ends with the service.
type work struct {
	life context.Context //nolint:containedctx // the life of what outlives whoever asked for it
	stop context.CancelFunc
	seat chan struct{} // of those who learn

	mu  sync.Mutex // so that nothing begins after the end
	all sync.WaitGroup
}

func (w *work) begin() {
	w.life, w.stop = context.WithCancel(context.Background())
	w.seat = make(chan struct{}, learners)
}

// spawn does something in the background; false when the service has ended.
func (s *Service) spawn(do func()) bool {
	s.work.mu.Lock()
	defer s.work.mu.Unlock()
	if s.work.life.Err() != nil {
		return false
	}
	s.work.all.Go(do)
	return true
}

// Close ends what is learned in the background and waits until it has ended.
// Nothing is learned any more from then on. It may be repeated.
func (s *Service) Close() {
	s.work.mu.Lock()
	s.work.stop()
	s.work.mu.Unlock()
	s.work.all.Wait()
}

// lesson is one learning of everything. The others are set before done is closed.
type lesson struct {
	done  chan struct{}
	known *knowledge
	err   error
}

// study begins to learn everything, for all who wait and for as long as it takes:
// whoever asked first may give up, and what was read until then must not be lost.
// mine is false when that was under way before.
func (sh *shop) study(s *Service, merchant uuid.UUID) (under *lesson, mine bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.under != nil {
		return sh.under, false
	}
	l := &lesson{done: make(chan struct{})}
	if !s.spawn(func() { s.teach(merchant, sh, l) }) {
		l.err = context.Canceled
		close(l.done)
		return l, true
	}
	sh.under = l
	return l, true
}

// teach reads everything and replaces what was known.
func (s *Service) teach(merchant uuid.UUID, sh *shop, l *lesson) {
	ctx, cancel := context.WithTimeout(s.work.life, learnTime)
	defer cancel()
	select {
	case s.work.seat <- struct{}{}:
		l.known, l.err = s.read(ctx, merchant)
		<-s.work.seat
	case <-ctx.Done():
		l.err = ctx.Err()
	}
	if l.err == nil {
		l.err = sh.obey(ctx, s, merchant)
	}
	if l.err != nil {
		s.Log.Warn("recommendations are not learned", "merchant_id", merchant, "error", l.err)
	}
	sh.mu.Lock()
	now := s.DB.Now()
	sh.under = nil
	if l.err != nil {
		sh.rest = now.Add(s.Fresh)
	} else {
		sh.known, sh.read, sh.looked, sh.took, sh.rest = l.known, l.known.past.read, now, 0, time.Time{}
	}
	sh.mu.Unlock()
	close(l.done)
}

// learn waits until everything is learned, or the context is over. Who wants it
// fresh takes nothing that began to be learned before.
func (sh *shop) learn(ctx context.Context, s *Service, merchant uuid.UUID, fresh bool) (*knowledge, error) {
	for asked := s.DB.Now(); ; {
		l, mine := sh.study(s, merchant)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.done:
		}
		if mine || !fresh || l.err == nil && l.known.at.After(asked) {
			return l.known, l.err
		}
	}
}

// behind brings a shop up to date while it is being asked about. The rules come
// first, and wait for nothing else: what must not be shown is blocked by them.
func (s *Service) behind(merchant uuid.UUID, sh *shop, anew bool) {
	ctx, cancel := context.WithTimeout(s.work.life, hearTime)
	defer cancel()
	err := sh.obey(ctx, s, merchant)
	if err == nil && !anew {
		anew, err = sh.hear(ctx, s, merchant)
	}
	if anew {
		sh.study(s, merchant) // nobody waits for it
	}
	if err != nil {
		s.Log.Warn("recommendations stay as they were", "merchant_id", merchant, "error", err)
	}
	sh.mu.Lock()
	sh.busy = false
	sh.mu.Unlock()
}

// hear learns the orders that are new, without learning everything anew; true when
// it takes more than that.
func (sh *shop) hear(ctx context.Context, s *Service, merchant uuid.UUID) (anew bool, err error) {
	began := s.DB.Now()
	sh.mu.Lock()
	known, since := sh.known, sh.read
	sh.mu.Unlock()
	next, until, err := heard(ctx, s, merchant, known, since)
	if err != nil {
		return false, err
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if next == nil {
		return !s.DB.Now().Before(sh.rest), nil
	}
	if sh.known == known { // nothing newer was learned meanwhile
		sh.known, sh.read, sh.took = next, until, s.DB.Now().Sub(began)
	}
	return false, nil
}

// heard is what is known with the news; nil when everything has to be learned
// anew.
func heard(ctx context.Context, s *Service, merchant uuid.UUID, known *knowledge, since position) (*knowledge, position, error) {
	orders, until, err := news(ctx, s.DB, merchant, since)
	switch {
	case err != nil:
		return nil, since, err
	case until.database != since.database:
		return nil, until, nil
	case len(orders) == 0 || known.large != nil: // its rows are made by a job
		return known, until, nil
	}
	lines, err := linesOf(ctx, s.DB, merchant, orders)
	if err != nil {
		return nil, since, err
	}
	return known.told(orders, lines), until, nil
}

// obey reads the rules.
func (sh *shop) obey(ctx context.Context, s *Service, merchant uuid.UUID) error {
	rules, err := s.Rules(ctx, merchant)
	if err != nil {
		return err
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.rules == nil || sh.rules.Version < rules.Version {
		sh.rules = rules
	}
	return nil
}
