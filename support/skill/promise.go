package skill

import (
	"context"

	"doorstep/order"
)

// orderPromise says by when an order that stands was promised and is expected. How
// long an order takes that is yet to be placed, its own skill says.
func orderPromise(_ context.Context, t *Turn) (Answer, error) {
	s := tell(t)
	if s.o.Status == order.StatusCanceled {
		s.canceled()
		return s.known()
	}
	if promised, known := s.o.promised(); known && !s.over(promised) {
		s.say("promise.until", "number", s.number(), "day", s.date("promised", promised))
	}
	s.status()
	return s.known()
}
