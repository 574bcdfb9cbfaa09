package gate

import (
	_ "embed" // the zones of countries
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the zones travel with the program
)

//go:embed zones.txt
var zonesFile string

// Quiet is the time of day in which nobody is written to, by their own clock:
// From and To are minutes after midnight; From after To goes over midnight, and
// two equal ones are no quiet hours.
type Quiet struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// has says whether it is quiet at that time of day.
func (q Quiet) has(t time.Time) bool {
	m := t.Hour()*60 + t.Minute()
	if q.From <= q.To {
		return q.From <= m && m < q.To
	}
	return m >= q.From || m < q.To
}

// after is the first moment from t on at which it is quiet in none of the zones.
// When there is no such moment, as for a country around the globe with long
// nights, the first zone alone counts: it is that of most people there.
func (q Quiet) after(t time.Time, zones []*time.Location) time.Time {
	if q.From == q.To {
		return t
	}
	end := t.Add(49 * time.Hour)
	for at := t; at.Before(end); {
		next := at
		for _, zone := range zones {
			next = q.end(next, zone)
		}
		if next.Equal(at) {
			return at
		}
		at = next
	}
	if len(zones) > 1 {
		return q.after(t, zones[:1])
	}
	return t
}

// end is t when it is not quiet then, else the moment at which the quiet ends. A
// clock that is put forward or back on that night is looked at as it goes: from
// quarter to quarter, for zones change at quarters.
func (q Quiet) end(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	if !q.has(local) {
		return t
	}
	// Straight to one hour before the end by the wall clock, then step by step.
	left := q.To - (local.Hour()*60 + local.Minute())
	if left <= 0 {
		left += 24 * 60
	}
	at := local.Truncate(time.Minute)
	if far := time.Duration(left)*time.Minute - 2*time.Hour; far > 0 {
		at = at.Add(far)
	}
	for range 6 * 60 {
		if at = at.Add(time.Minute); !q.has(at.In(zone)) {
			break
		}
	}
	return at.In(t.Location())
}

var zoneNames = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(zonesFile) {
		if f := strings.Fields(line); len(f) > 1 && f[0] != "#" {
			all[f[0]] = f[1:]
		}
	}
	return all
})

var (
	zoneMutex sync.Mutex
	zoneCache = map[string][]*time.Location{}
)

// zonesOf are the zones in which the person may live: their own when it is
// known, else all of their country, else the shop's.
func zonesOf(a *Ask) []*time.Location {
	if a.Zone != "" {
		if z, err := time.LoadLocation(a.Zone); err == nil {
			return []*time.Location{z}
		}
	}
	country := strings.ToUpper(a.Country)
	zoneMutex.Lock()
	defer zoneMutex.Unlock()
	if known := zoneCache[country]; known != nil {
		return known
	}
	var all []*time.Location
	for _, name := range zoneNames()[country] {
		if z, err := time.LoadLocation(name); err == nil {
			all = append(all, z)
		}
	}
	if all == nil {
		shop, err := time.LoadLocation(a.Rules.Zone)
		if err != nil {
			shop = time.UTC
		}
		return []*time.Location{shop}
	}
	zoneCache[country] = all
	return all
}
