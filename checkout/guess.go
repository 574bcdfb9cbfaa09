package checkout

import (
	"context"
	"slices"

	"doorstep/pricing"
)

// guess notes the codes that were typed just now. Those that came from a cart
// or were there before have been judged.
func (sit *situation) guess(typed []string, g *pricing.Guesses) {
	if len(typed) > 0 {
		sit.typed, sit.guesses = typed, g
	}
}

// assessTyped is assess for codes that were typed just now: it says nothing of
// them to somebody who guesses, but pricing.ErrTooManyTries.
func (s *Service) assessTyped(ctx context.Context, sit *situation) (*assessment, error) {
	sit.typing = true
	a, err := s.assess(ctx, sit)
	if err != nil || sit.guesses == nil {
		return a, err
	}
	misses := 0
	for _, d := range a.totals.Discounts {
		if d.Reason == pricing.ReasonUnknownCode && slices.Contains(sit.typed, d.Code) {
			misses++
		}
	}
	return a, sit.guesses.Judge(ctx, s.DB, misses)
}
