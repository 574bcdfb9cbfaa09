package shoppers

import (
	"reflect"
	"testing"
	"time"
)

func TestTheSameSeedGivesTheSamePeople(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	skus := []string{"A", "B", "C", "D"}
	left := map[string]int{}
	for n := range 3000 {
		a, b := newPerson(7, n, begin, 30, skus), newPerson(7, n, begin, 30, skus)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("person %d is not the same twice", n)
		}
		if a.start.Before(begin) || a.start.After(begin.AddDate(0, 0, 31)) || len(a.items) == 0 {
			t.Fatalf("%+v", a)
		}
		for _, why := range a.silent {
			left[why]++
		}
	}
	if len(left) != 5 {
		t.Errorf("they leave for %v", left)
	}
	if reflect.DeepEqual(newPerson(7, 1, begin, 30, skus), newPerson(8, 1, begin, 30, skus)) {
		t.Error("another seed gives the same person")
	}
}

func TestPeopleLeaveOverShippingWhenItIsTooMuchOrTooLate(t *testing.T) {
	t.Parallel()
	p := &person{mostShipping: .2, mostDays: 10}
	for _, c := range []struct {
		cheapest int64
		days     int
		want     string
	}{{200, 10, ""}, {201, 10, ShippingCost}, {0, 11, ShippingSpeed}, {500, 99, ShippingCost}} {
		if got := p.leavesOver(1000, c.cheapest, c.days); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
