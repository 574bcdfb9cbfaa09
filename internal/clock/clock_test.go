package clock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"doorstep/internal/clock"
)

func TestTheClockFollowsTheDatabaseAndKeepsAManualShift(t *testing.T) {
	var c clock.System
	ahead := 3 * time.Hour
	err := c.Follow(t.Context(), time.Hour, func(context.Context) (time.Time, error) { return time.Now().Add(ahead), nil })
	if err != nil {
		t.Fatal(err)
	}
	if got := time.Until(c.Now()); got < ahead-time.Minute || got > ahead+time.Minute {
		t.Fatalf("offset %v, want %v", got, ahead)
	}
	if c.Shift(time.Hour) != time.Hour || c.Shift(time.Hour) != 2*time.Hour {
		t.Fatal("shifts add up")
	}
	if got := time.Until(c.Now()); got < ahead+119*time.Minute {
		t.Fatalf("shifted clock is only %v ahead", got)
	}
	if c.Now().Location() != time.UTC || c.Now().Nanosecond()%1000 != 0 {
		t.Fatal("want UTC in microseconds")
	}
}

func TestAnUnreachableDatabaseIsSaidAtStart(t *testing.T) {
	var c clock.System
	want := errors.New("down")
	if err := c.Follow(t.Context(), time.Hour, func(context.Context) (time.Time, error) { return time.Time{}, want }); !errors.Is(err, want) {
		t.Fatalf("got %v", err)
	}
}

func TestAManualClockMovesOnlyWhenTold(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("x", 4*3600))
	m := clock.At(start)
	m.Advance(90 * time.Second)
	if !m.Now().Equal(start.Add(90 * time.Second)) {
		t.Fatalf("got %v", m.Now())
	}
}
