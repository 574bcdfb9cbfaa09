package carrier

import (
	"errors"
	"testing"
)

func TestOneNumberThatFailsCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	got, err := TrackEach([]string{"a", "b", "none", "c"}, 2, func(number string) ([]Tracked, error) {
		switch number {
		case "b":
			return nil, broken
		case "none":
			return nil, nil
		}
		return []Tracked{{Number: number}}, nil
	})
	if !errors.Is(err, broken) || len(got) != 2 || got[0].Number != "a" || got[1].Number != "c" {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestALevelIsThatOfTheTableOrByDays(t *testing.T) {
	t.Parallel()
	table := []Service{{Code: "X", Level: Overnight}}
	if got := LevelOf(table, "X", Economy); got != Overnight {
		t.Errorf("a service in the table is %q", got)
	}
	if got := LevelOf(table, "Y", Economy); got != Economy {
		t.Errorf("a service that is not in it is %q", got)
	}
	for days, want := range map[int]Level{-1: "", 0: "", 1: Overnight, 2: Express, 3: Expedited, 4: Standard, 7: Standard, 8: Economy} {
		if got := LevelByDays(days); got != want {
			t.Errorf("%d days are %q, want %q", days, got, want)
		}
	}
}

func TestATextIsCutBySignsNotBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"\tԵրևան\t": "Երև", "ab": "ab", "": ""} {
		if got := Cut(text, 3); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}
