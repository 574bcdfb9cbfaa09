// Package sla counts in working time: until when an answer is due, and how much
// working time has passed. Working hours are several spans a day by the clock on
// the wall, some of them over midnight, without the holidays. It is pure.
//
// A span belongs to the day on which it begins: on a holiday none begins, and one
// that began on its eve goes on into it. When the clocks are turned, what counts is
// the time that really passes while the clock on the wall is inside a span.
package sla

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/fault"
)

// ErrHours are working hours that make no sense; Fields say where and why.
var ErrHours = fault.New(fault.Invalid, "support_hours_invalid", "The working hours have mistakes.")

// Span is working time of a day, from a minute of the clock on to before another:
// "09:00" and "17:30". With To at or before From it ends on the next day; 24:00 is
// midnight at the end of the day.
type Span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Days are the names of the days of the week, from Sunday on as time.Weekday counts.
var Days = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Hours are a shop's working hours as they are written down. A day that is not named
// is free. Holidays are dates such as 2026-12-25.
type Hours struct {
	Timezone string            `json:"timezone"`
	Week     map[string][]Span `json:"week"`
	Holidays []string          `json:"holidays"`
}

// Limits of what may be written down.
const (
	mostSpans    = 8
	mostHolidays = 400
	dayMinutes   = 24 * 60
	// mostDays is how far Due looks ahead.
	mostDays = 3 * 366
)

// Ordinary are the hours of a shop that has said nothing: Monday to Friday, nine to
// six, in a time zone.
func Ordinary(zone string) Hours {
	h := Hours{Timezone: zone, Week: map[string][]Span{}}
	for _, day := range Days[1:6] {
		h.Week[day] = []Span{{"09:00", "18:00"}}
	}
	return h
}

// Calendar is Hours made ready to count. It never changes and may be used by many
// goroutines at once.
type Calendar struct {
	zone     *time.Location
	week     [7][]stretch
	holidays map[int64]bool // by day number
}

// stretch is a span in minutes of its day; to may lie in the next one.
type stretch struct{ from, to int64 }

// Compile checks working hours. It fails with ErrHours.
func Compile(h Hours) (*Calendar, error) {
	var bad []fault.Field
	wrong := func(at, why string) { bad = append(bad, fault.Field{Location: at, Message: why}) }
	c := &Calendar{holidays: map[int64]bool{}}
	zone, err := time.LoadLocation(h.Timezone)
	if err != nil || h.Timezone == "" || h.Timezone == "Local" {
		wrong("timezone", "is not a time zone such as Asia/Yerevan")
	}
	c.zone = zone
	open := false
	for day, spans := range h.Week {
		i := slices.Index(Days[:], day)
		if i < 0 {
			wrong("week."+day, "is not a day: sun, mon, tue, wed, thu, fri, sat")
			continue
		}
		if len(spans) > mostSpans {
			wrong("week."+day, "has more than "+strconv.Itoa(mostSpans)+" spans")
			continue
		}
		for n, s := range spans {
			at := "week." + day + "[" + strconv.Itoa(n) + "]"
			from, ok := minute(s.From)
			if !ok || from == dayMinutes {
				wrong(at+".from", "must be a time such as 09:00")
			}
			to, ends := minute(s.To)
			if !ends {
				wrong(at+".to", "must be a time such as 17:30, or 24:00")
			}
			if to <= from {
				to += dayMinutes
			}
			c.week[i] = append(c.week[i], stretch{from, to})
			open = true
		}
	}
	if len(h.Holidays) > mostHolidays {
		wrong("holidays", "are more than "+strconv.Itoa(mostHolidays))
	}
	for n, text := range h.Holidays {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			wrong("holidays["+strconv.Itoa(n)+"]", "must be a date such as 2026-12-25")
			continue
		}
		c.holidays[day.Unix()/(60*dayMinutes)] = true
	}
	if !open {
		wrong("week", "names no working time at all")
	}
	if len(bad) > 0 {
		slices.SortFunc(bad, func(a, b fault.Field) int { return strings.Compare(a.Location, b.Location) })
		e := *ErrHours
		e.Fields = bad
		return nil, &e
	}
	return c, nil
}

// minute reads "09:00" to "24:00".
func minute(text string) (int64, bool) {
	if len(text) != 5 || text[2] != ':' {
		return 0, false
	}
	h, err1 := strconv.ParseUint(text[:2], 10, 8)
	m, err2 := strconv.ParseUint(text[3:], 10, 8)
	if err1 != nil || err2 != nil || h > 24 || m > 59 || h == 24 && m > 0 {
		return 0, false
	}
	return int64(h*60 + m), true
}

// Due is the first moment at which so many working minutes have passed since start.
// It says false when that is not within three years: so many holidays, or so many
// minutes.
func (c *Calendar) Due(start time.Time, minutes int) (time.Time, bool) {
	left := time.Duration(minutes) * time.Minute
	if left <= 0 {
		return start, true
	}
	var due time.Time
	c.walk(start, start.AddDate(0, 0, mostDays), func(from, to time.Time) bool {
		if d := to.Sub(from); d < left {
			left -= d
			return true
		}
		due = from.Add(left)
		return false
	})
	return due, !due.IsZero()
}

// Worked is the working time between two moments; at most three years are looked at.
func (c *Calendar) Worked(from, to time.Time) time.Duration {
	var sum time.Duration
	if last := from.AddDate(0, 0, mostDays); to.After(last) {
		to = last
	}
	c.walk(from, to, func(from, to time.Time) bool {
		sum += to.Sub(from)
		return true
	})
	return sum
}

// Open says whether a moment is working time.
func (c *Calendar) Open(at time.Time) bool {
	return c.Worked(at, at.Add(time.Nanosecond)) > 0
}

// walk calls each with the pieces of working time between two moments, in order and
// without overlaps, until it says no.
func (c *Calendar) walk(start, end time.Time, each func(from, to time.Time) bool) {
	at := start
	for at.Before(end) {
		// Within these bounds the wall is a fixed distance from the world's clock.
		local := at.In(c.zone)
		_, offset := local.Zone()
		_, turn := local.ZoneBounds()
		wall := at.Unix() + int64(offset)
		day := floorDay(wall)
		next := time.Unix((day+1)*dayMinutes*60-int64(offset), 0) // midnight, as the wall has it now
		if !turn.IsZero() && turn.Before(next) {
			next = turn
		}
		if next.After(end) {
			next = end
		}
		for _, s := range c.onDay(day) {
			from := later(time.Unix(s.from*60-int64(offset), 0), at)
			to := earlier(time.Unix(s.to*60-int64(offset), 0), next)
			if from.Before(to) && !each(from, to) {
				return
			}
		}
		at = next
	}
}

// onDay is the working time inside a day, in minutes of the wall since 1970, in order
// and without overlaps.
func (c *Calendar) onDay(day int64) []stretch {
	var all []stretch
	for _, d := range []int64{day - 1, day} {
		if c.holidays[d] {
			continue
		}
		for _, s := range c.week[(d%7+7+4)%7] { // 1970 began on a Thursday
			all = append(all, stretch{max(s.from+d*dayMinutes, day*dayMinutes), min(s.to+d*dayMinutes, (day+1)*dayMinutes)})
		}
	}
	slices.SortFunc(all, func(a, b stretch) int { return int(a.from - b.from) })
	var out []stretch
	for _, s := range all {
		switch last := len(out) - 1; {
		case s.to <= s.from:
		case last >= 0 && s.from <= out[last].to:
			out[last].to = max(out[last].to, s.to)
		default:
			out = append(out, s)
		}
	}
	return out
}

// floorDay is the day of a second of the wall.
func floorDay(seconds int64) int64 {
	day := seconds / (60 * dayMinutes)
	if seconds%(60*dayMinutes) < 0 {
		day--
	}
	return day
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
