package policy

import (
	"time"
	_ "time/tzdata" // the zones travel with the program
)

// origin is a compiled Origin.
type origin struct {
	id, kind, country string
	zone              *time.Location
	cutoff            int64 // minutes after midnight, -1 for the end of the day
	work              [8]bool
	holidays          map[int64]bool // by day number
	handling          int64
}

// dayNumber counts days since 1970-01-01 on the calendar t shows, so that days
// can be counted without a clock getting in between.
func dayNumber(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400
}

func dayText(day int64) string { return time.Unix(day*86_400, 0).UTC().Format(time.DateOnly) }

// weekdayOfDay is 1 for Monday to 7 for Sunday; day 0 was a Thursday.
func weekdayOfDay(day int64) int64 { return ((day+3)%7+7)%7 + 1 }

func weekdayOf(t time.Time) int64 { return weekdayOfDay(dayNumber(t)) }

// instant is when the clocks of a zone show that minute of that day. A time that
// is skipped when clocks go forward is the first instant after the gap; one
// that comes twice is its first coming. (time.Date chooses otherwise, and
// differently from zone to zone.)
func instant(day, minute int64, zone *time.Location) time.Time {
	wall := day*86_400 + minute*60
	before, after := offsetAt(wall-26*3600, zone), offsetAt(wall+26*3600, zone)
	// The greater offset gives the earlier instant.
	for _, offset := range [...]int64{max(before, after), min(before, after)} {
		if offsetAt(wall-offset, zone) == offset {
			return time.Unix(wall-offset, 0).UTC()
		}
	}
	start, _ := time.Unix(wall-before, 0).In(zone).ZoneBounds()
	return start.UTC()
}

// offsetAt is how many seconds a zone is ahead of UTC at a Unix time.
func offsetAt(unix int64, zone *time.Location) int64 {
	_, offset := time.Unix(unix, 0).In(zone).Zone()
	return int64(offset)
}

func (o *origin) open(day int64) bool { return o.work[weekdayOfDay(day)] && !o.holidays[day] }

// calendarEnd bounds every search for a business day; with one workday a week
// and all the holidays a document may have, it is never reached.
const calendarEnd = 20_000

// trail collects the days that did not count; a nil trail collects nothing.
type trail struct{ days []SkippedDay }

func (t *trail) skip(o *origin, day int64, reason string) {
	if t == nil {
		return
	}
	if reason == "" {
		reason = "weekend"
		if o.holidays[day] {
			reason = "holiday"
		}
	}
	t.days = append(t.days, SkippedDay{dayText(day), reason})
}

// accept is the business day that takes an order placed now, and the instant
// of its cutoff. An order at the very cutoff is too late.
func (o *origin) accept(now time.Time, cutoff int64, skipped *trail) (int64, time.Time) {
	day := dayNumber(now.In(o.zone))
	for range calendarEnd {
		if !o.open(day) {
			skipped.skip(o, day, "")
			day++
			continue
		}
		at := o.cutoffOn(day, cutoff)
		if now.Before(at) {
			return day, at
		}
		skipped.skip(o, day, "cutoff")
		day++
	}
	return day, o.cutoffOn(day, cutoff)
}

func (o *origin) cutoffOn(day, cutoff int64) time.Time {
	if cutoff < 0 {
		return instant(day+1, 0, o.zone)
	}
	return instant(day, cutoff, o.zone)
}

// later is the day n business days after a day.
func (o *origin) later(day, n int64, skipped *trail) int64 {
	for range calendarEnd {
		if n <= 0 {
			break
		}
		if day++; o.open(day) {
			n--
		} else {
			skipped.skip(o, day, "")
		}
	}
	return day
}

// schedule is what rules may change about a promise.
type schedule struct {
	cutoff   int64 // minutes, used when set
	override bool
	handling int64 // further business days before shipping
	pad      int64 // further business days on the way
}

// promise follows an order through the calendar. The way is counted in business
// days of the origin.
func (o *origin) promise(now time.Time, transit *Transit, s schedule, explain bool) Promise {
	var skipped *trail
	if explain {
		skipped = &trail{}
	}
	cutoff := o.cutoff
	if s.override {
		cutoff = s.cutoff
	}
	day, at := o.accept(now, cutoff, skipped)
	ship := o.later(day, o.handling+s.handling, skipped)
	p := Promise{
		Origin: o.id, Accepted: dayText(day), Ship: dayText(ship),
		CutoffAt: at.Format(time.RFC3339), SecondsToCutoff: int64(at.Sub(now) / time.Second),
	}
	if transit != nil {
		first := o.later(ship, transit.Min+s.pad, skipped)
		last := o.later(first, transit.Max-transit.Min, skipped)
		p.DeliverMin, p.DeliverMax = dayText(first), dayText(last)
	}
	if skipped != nil {
		p.Skipped = skipped.days
	}
	return p
}

// laterThan says whether p brings the order later than q: what a customer with
// goods from two places has to wait for.
func (p *Promise) laterThan(q *Promise) bool {
	for _, pair := range [...][2]string{{p.DeliverMax, q.DeliverMax}, {p.DeliverMin, q.DeliverMin}, {p.Ship, q.Ship}} {
		if pair[0] != pair[1] {
			return pair[0] > pair[1]
		}
	}
	return false
}

// PromiseFrom is the promise of one origin by itself, transit being optional.
// The error is ErrInvalid with the wrong places as Fields.
func PromiseFrom(o Origin, now time.Time, transit *Transit) (Promise, error) {
	var bad problems
	b := builder{p: &Policy{doc: &Document{}, zone: time.UTC}, bad: &bad}
	made := b.origin(&o, "origin")
	b.transit(transit, "transit_business_days")
	if err := bad.err(ErrInvalid); err != nil {
		return Promise{}, err
	}
	return made.promise(now.UTC(), transit, schedule{}, true), nil
}

// origin compiles an origin.
func (b *builder) origin(o *Origin, at string) origin {
	made := origin{id: o.ID, kind: o.Kind, country: countryOf(o.Country), cutoff: -1, handling: o.HandlingBusinessDays}
	made.zone = b.timezone(o.Timezone, b.p.zone, at+".timezone")
	if o.Cutoff != "" {
		if !patterns["clock"].re.MatchString(o.Cutoff) {
			b.bad.add(at+".cutoff", "%s", patterns["clock"].says)
			return made
		}
		made.cutoff = minutes(o.Cutoff)
	}
	days := o.Workdays
	if days == nil {
		days = []Weekday{1, 2, 3, 4, 5}
	}
	for i, d := range days {
		if d < 1 || d > 7 || made.work[d] {
			b.bad.add(index(at+".workdays", i), "is given twice, or is no day of the week")
			continue
		}
		made.work[d] = true
	}
	made.holidays = make(map[int64]bool, len(o.Holidays))
	for i, text := range o.Holidays {
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			b.bad.add(index(at+".holidays", i), "is not a day of the calendar")
			continue
		}
		made.holidays[dayNumber(t)] = true
	}
	return made
}

func (b *builder) timezone(name string, otherwise *time.Location, at string) *time.Location {
	if name == "" {
		return otherwise
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		b.bad.add(at, "is not an IANA time zone such as Asia/Yerevan")
		return time.UTC
	}
	return zone
}

func (b *builder) transit(t *Transit, at string) {
	if t != nil && (t.Min < 0 || t.Max > 365 || t.Min > t.Max) {
		b.bad.add(at, "must go from min up to max")
	}
}
