package sla_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doorstep/internal/fault"
	"doorstep/support/sla"
)

// walkMinutes is how people would count: minute by minute, looking at the clock on
// the wall.
func walkMinutes(h sla.Hours, start time.Time, minutes int) (time.Time, bool) {
	zone, _ := time.LoadLocation(h.Timezone)
	at := start
	for range 60 * 24 * 60 {
		if minutes == 0 {
			return at, true
		}
		if wallOpen(h, at.In(zone)) {
			minutes--
		}
		at = at.Add(time.Minute)
	}
	return at, false
}

func wallOpen(h sla.Hours, local time.Time) bool {
	clock := local.Format("15:04")
	yesterday := time.Date(local.Year(), local.Month(), local.Day()-1, 12, 0, 0, 0, time.UTC)
	if !slices.Contains(h.Holidays, local.Format(time.DateOnly)) {
		for _, s := range h.Week[sla.Days[local.Weekday()]] {
			if clock >= s.From && (s.To <= s.From || clock < s.To) {
				return true
			}
		}
	}
	if !slices.Contains(h.Holidays, yesterday.Format(time.DateOnly)) {
		for _, s := range h.Week[sla.Days[yesterday.Weekday()]] {
			if s.To <= s.From && clock < s.To {
				return true
			}
		}
	}
	return false
}

func TestTheDueTimeIsWhatCountingMinuteByMinuteFinds(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "Asia/Yerevan", "Asia/Phnom_Penh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns"}
	// Around the days on which clocks are turned, somewhere.
	turns := []string{"2026-03-06", "2026-03-27", "2026-04-03", "2026-10-02", "2026-10-23", "2026-10-30", "2026-12-29"}
	rapid.Check(t, func(t *rapid.T) {
		clock := func(name string, last int) string {
			m := rapid.IntRange(0, last).Draw(t, name)
			return fmt.Sprintf("%02d:%02d", m/60, m%60)
		}
		h := sla.Hours{Timezone: rapid.SampledFrom(zones).Draw(t, "zone"), Week: map[string][]sla.Span{}}
		for _, day := range sla.Days {
			for range rapid.IntRange(0, 3).Draw(t, day) {
				h.Week[day] = append(h.Week[day], sla.Span{From: clock("from", 1439), To: clock("to", 1440)})
			}
		}
		first, _ := time.Parse(time.DateOnly, rapid.SampledFrom(turns).Draw(t, "first"))
		for range rapid.IntRange(0, 3).Draw(t, "holidays") {
			h.Holidays = append(h.Holidays, first.AddDate(0, 0, rapid.IntRange(0, 7).Draw(t, "holiday")).Format(time.DateOnly))
		}
		c, err := sla.Compile(h)
		if err != nil {
			return // no working time at all
		}
		start := first.Add(time.Duration(rapid.IntRange(0, 5*24*60).Draw(t, "start")) * time.Minute)
		minutes := rapid.IntRange(0, 3000).Draw(t, "minutes")
		want, found := walkMinutes(h, start, minutes)
		got, ok := c.Due(start, minutes)
		if !found {
			return // further away than the walk goes
		}
		if !ok || !got.Equal(want) && c.Worked(got, want) > 0 {
			t.Fatalf("%+v: %d minutes from %s: %s, want %s", h, minutes, start, got, want)
		}
		if minutes > 0 && (!got.After(start) || c.Worked(start, got) != time.Duration(minutes)*time.Minute || got.After(want)) {
			t.Fatalf("%+v: %d minutes from %s are said to end at %s (walked: %s), with %s worked", h, minutes, start, got, want, c.Worked(start, got))
		}
	})
}

func TestWorkingTimeIsWhatTheCalendarSays(t *testing.T) {
	t.Parallel()
	h := sla.Hours{Timezone: "Europe/Berlin", Holidays: []string{"2026-12-25"}, Week: map[string][]sla.Span{
		"mon": {{From: "09:00", To: "12:00"}, {From: "13:00", To: "17:00"}}, "fri": {{From: "22:00", To: "06:00"}}, "thu": {{From: "22:00", To: "02:00"}},
		"sat": {{From: "22:00", To: "06:00"}},
	}}
	c, err := sla.Compile(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what, start string
		minutes     int
		want        string
	}{
		{"a break for lunch", "2026-11-23T11:30:00+01:00", 60, "2026-11-23T13:30:00+01:00"},
		{"the end of the day belongs to it", "2026-11-23T16:00:00+01:00", 60, "2026-11-23T17:00:00+01:00"},
		{"asked before anybody is there", "2026-11-23T07:00:00+01:00", 1, "2026-11-23T09:01:00+01:00"},
		{"over midnight", "2026-11-27T23:00:00+01:00", 120, "2026-11-28T01:00:00+01:00"},
		{"a shift goes on into the holiday, and none begins there", "2026-12-24T23:00:00+01:00", 300, "2026-12-27T00:00:00+01:00"},
		{"an hour is missing in spring", "2026-03-28T22:00:00+01:00", 300, "2026-03-29T04:00:00+02:00"},
		{"an hour comes twice in autumn", "2026-10-24T22:00:00+02:00", 300, "2026-10-25T02:00:00+01:00"},
	} {
		start, _ := time.Parse(time.RFC3339, test.start)
		want, _ := time.Parse(time.RFC3339, test.want)
		if got, ok := c.Due(start, test.minutes); !ok || !got.Equal(want) {
			t.Errorf("%s: %s, want %s", test.what, got.In(want.Location()), want)
		}
	}
}

func TestHoursThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for what, h := range map[string]sla.Hours{
		"no zone":         {Week: sla.Ordinary("UTC").Week},
		"no such zone":    {Timezone: "Mars/Olympus", Week: sla.Ordinary("UTC").Week},
		"no such day":     {Timezone: "UTC", Week: map[string][]sla.Span{"someday": {{From: "09:00", To: "10:00"}}}},
		"no such time":    {Timezone: "UTC", Week: map[string][]sla.Span{"mon": {{From: "9", To: "25:00"}}}},
		"from the end on": {Timezone: "UTC", Week: map[string][]sla.Span{"mon": {{From: "24:00", To: "24:00"}}}},
		"never":           {Timezone: "UTC", Week: map[string][]sla.Span{"mon": {}}},
		"no such date":    {Timezone: "UTC", Week: sla.Ordinary("UTC").Week, Holidays: []string{"2026-02-30"}},
	} {
		if _, err := sla.Compile(h); !fault.Is(err, sla.ErrHours) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := sla.Compile(sla.Ordinary("Asia/Phnom_Penh")); err != nil {
		t.Error(err)
	}
}
