package analytics

import (
	"time"

	"doorstep/cart"
)

// date is a day for the database; nil for none.
func date(text string) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no day is a value here
	}
	t, err := time.Parse(time.DateOnly, text)
	return &t, err
}

// stepName is the name of a step by its rank.
func stepName(rank int) string { return string(cart.Steps[min(max(rank, 1), len(cart.Steps))-1]) }
