package policy

import (
	"encoding/json"
	"testing"
	"time"
)

func TestLocalTimesInGapsAndFoldsHaveOneMeaning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, day, clock, want string }{
		// clocks go forward: the first instant after the gap
		{"America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "01:59", "2026-03-29T00:59:00Z"},
		{"Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00Z"},
		{"Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T10:00:00Z"}, // a day that never was
		// clocks go back: the first of the two
		{"America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00Z"},
		{"Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z"},
		{"Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T02:00:00Z"},
		// nothing happens
		{"Asia/Yerevan", "2026-03-29", "02:30", "2026-03-28T22:30:00Z"},
		{"Asia/Phnom_Penh", "2026-11-02", "17:00", "2026-11-02T10:00:00Z"},
		{"UTC", "2026-11-02", "17:00", "2026-11-02T17:00:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := instant(dayNumber(day), minutes(c.clock), zone).Format(time.RFC3339); got != c.want {
			t.Errorf("%s %s %s: got %s, want %s", c.zone, c.day, c.clock, got, c.want)
		}
	}
}

func TestDaysOfTheWeekAreRightBeforeAndAfter1970(t *testing.T) {
	t.Parallel()
	for day := int64(-900); day < 30_000; day += 13 {
		at := time.Unix(day*86_400, 0).UTC()
		want := int64(at.Weekday())
		if want == 0 {
			want = 7
		}
		if got := weekdayOfDay(day); got != want || dayNumber(at) != day {
			t.Fatalf("%s: got %d, want %d", at, got, want)
		}
	}
}

func TestAPromiseFollowsTheCalendarOfItsOrigin(t *testing.T) {
	t.Parallel()
	berlin := Origin{ID: "b", Timezone: "Europe/Berlin", Cutoff: "14:00", Holidays: []string{"2026-12-25", "2026-12-26"}, HandlingBusinessDays: 1}
	saturday := Origin{ID: "s", Timezone: "Asia/Yerevan", Workdays: []Weekday{6}}
	for _, c := range []struct {
		name   string
		origin Origin
		now    string
		way    *Transit
		want   string
	}{
		{"before the cutoff", berlin, "2026-11-04T12:59:59Z", &Transit{1, 2},
			`{"origin":"b","accepted":"2026-11-04","cutoff_at":"2026-11-04T13:00:00Z","seconds_to_cutoff":1,"ship":"2026-11-05","deliver_min":"2026-11-06","deliver_max":"2026-11-09","skipped":[{"date":"2026-11-07","reason":"weekend"},{"date":"2026-11-08","reason":"weekend"}]}`},
		{"at the cutoff", berlin, "2026-11-04T13:00:00Z", &Transit{1, 1},
			`{"origin":"b","accepted":"2026-11-05","cutoff_at":"2026-11-05T13:00:00Z","seconds_to_cutoff":86400,"ship":"2026-11-06","deliver_min":"2026-11-09","deliver_max":"2026-11-09","skipped":[{"date":"2026-11-04","reason":"cutoff"},{"date":"2026-11-07","reason":"weekend"},{"date":"2026-11-08","reason":"weekend"}]}`},
		{"over Christmas and a weekend", berlin, "2026-12-24T10:00:00Z", nil,
			`{"origin":"b","accepted":"2026-12-24","cutoff_at":"2026-12-24T13:00:00Z","seconds_to_cutoff":10800,"ship":"2026-12-28","skipped":[{"date":"2026-12-25","reason":"holiday"},{"date":"2026-12-26","reason":"holiday"},{"date":"2026-12-27","reason":"weekend"}]}`},
		{"Friday evening in Yerevan is Saturday's", saturday, "2026-11-06T20:30:00Z", &Transit{0, 1},
			`{"origin":"s","accepted":"2026-11-07","cutoff_at":"2026-11-07T20:00:00Z","seconds_to_cutoff":84600,"ship":"2026-11-07","deliver_min":"2026-11-07","deliver_max":"2026-11-14","skipped":[{"date":"2026-11-08","reason":"weekend"},{"date":"2026-11-09","reason":"weekend"},{"date":"2026-11-10","reason":"weekend"},{"date":"2026-11-11","reason":"weekend"},{"date":"2026-11-12","reason":"weekend"},{"date":"2026-11-13","reason":"weekend"}]}`},
		{"the day clocks go back has 25 hours", Origin{ID: "x", Timezone: "Europe/Berlin", Workdays: []Weekday{7}}, "2026-10-24T22:00:00Z", nil,
			`{"origin":"x","accepted":"2026-10-25","cutoff_at":"2026-10-25T23:00:00Z","seconds_to_cutoff":90000,"ship":"2026-10-25"}`},
		{"a cutoff inside the gap", Origin{ID: "x", Timezone: "America/New_York", Cutoff: "02:30", Workdays: []Weekday{7}}, "2026-03-08T06:59:59Z", nil,
			`{"origin":"x","accepted":"2026-03-08","cutoff_at":"2026-03-08T07:00:00Z","seconds_to_cutoff":1,"ship":"2026-03-08"}`},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := PromiseFrom(c.origin, now, c.way)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(got)
		if string(text) != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, text, c.want)
		}
	}
}

func TestAnOriginThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []Origin{
		{Timezone: "Mars/Olympus"}, {Timezone: "Local"}, {Cutoff: "25:00"}, {Workdays: []Weekday{1, 1}}, {Workdays: []Weekday{9}}, {Holidays: []string{"2026-02-30"}},
	} {
		if _, err := PromiseFrom(o, time.Unix(0, 0), nil); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	if _, err := PromiseFrom(Origin{}, time.Unix(0, 0), &Transit{3, 1}); err == nil {
		t.Error("a way from 3 down to 1 day was taken")
	}
}
