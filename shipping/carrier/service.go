package carrier

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// LevelOf is the level of a service in a carrier's table, other for one that is
// not in it.
func LevelOf(services []Service, code string, other Level) Level {
	for _, s := range services {
		if s.Code == code {
			return s.Level
		}
	}
	return other
}

// LevelByDays is the level of a service by how many days it takes, for names are
// each carrier's own; empty when the days are not said.
func LevelByDays(days int) Level {
	switch {
	case days <= 0:
		return ""
	case days == 1:
		return Overnight
	case days == 2:
		return Express
	case days == 3:
		return Expedited
	case days <= 7:
		return Standard
	}
	return Economy
}

// Cut is a text as long as a carrier's field takes it, in signs.
func Cut(text string, most int) string {
	r := []rune(strings.TrimSpace(text))
	return string(r[:min(len(r), most)])
}

// TrackEach asks for each number by itself, a few at a time. What was learned
// comes along with the error of the first number that failed.
func TrackEach(numbers []string, atOnce int, ask func(number string) ([]Tracked, error)) ([]Tracked, error) {
	found := make([][]Tracked, len(numbers))
	errs := make([]error, len(numbers))
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i, number := range numbers {
		all.Go(func() error {
			found[i], errs[i] = ask(number)
			return nil
		})
	}
	_ = all.Wait() // each keeps its own error
	return slices.Concat(found...), cmp.Or(errs...)
}
