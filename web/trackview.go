package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/internal/locale"
)

// The stages that an order goes through.
const (
	stageOrdered = iota
	stagePacked
	stageOnTheWay
	stageOutForDelivery
	stageDelivered
)

var stageNames = []string{"ordered", "packed", "on_the_way", "out_for_delivery", "delivered"}

// stages is how far something has come.
type stages struct {
	At    int
	Bad   bool // it has stopped there
	Steps []stageStep
}

type stageStep struct {
	Name, Text string
	Done, Now  bool
}

// stages draws the way up to stage at; pickup says that it ends at a shop's counter.
func (v *visit) stages(at int, bad, pickup bool) *stages {
	s := &stages{At: at, Bad: bad}
	for i, name := range stageNames {
		if i == stageOutForDelivery && pickup {
			name = "ready_for_pickup"
		}
		s.Steps = append(s.Steps, stageStep{Name: name, Text: locale.T(v.Lang, "web.track.stage."+name), Done: i < at || i == stageDelivered && at == i, Now: i == at})
	}
	return s
}

// stageOf is how far a parcel is, and whether it has stopped there.
func stageOf(s *trackedParcel) (at int, bad bool) {
	switch s.Status {
	case "pending":
		return stageOrdered, false
	case "processing":
		return stagePacked, false
	case "shipped":
		if s.TrackingStatus == "pending" || s.TrackingStatus == "unknown" {
			return stagePacked, false
		}
		return stageOnTheWay, false
	case "in_transit":
		return stageOnTheWay, false
	case "out_for_delivery", "ready_for_pickup":
		return stageOutForDelivery, false
	case "failed":
		return stageOutForDelivery, true
	case "delivered":
		return stageDelivered, false
	}
	return stageOnTheWay, true // returned_to_sender
}

// moment is an instant as people of its place say it.
type moment struct {
	At         time.Time
	Day, Clock string
	Zone       string // UTC+4; empty when nobody has said it
}

// moment words an instant in the zone that it carries.
func (v *visit) moment(at time.Time, guessed bool) moment {
	m := moment{At: at, Day: locale.Date(v.Lang, at), Clock: at.Format("15:04"), Zone: zoneName(at)}
	if guessed {
		m.Zone = ""
	}
	return m
}

// zoneOf is the zone of that name, or UTC.
func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// zoneName is the distance of an instant's zone from UTC.
func zoneName(at time.Time) string {
	_, offset := at.Zone()
	if offset == 0 {
		return "UTC"
	}
	sign := "+"
	if offset < 0 {
		sign, offset = "−", -offset
	}
	if minutes := offset % 3600 / 60; minutes != 0 {
		return fmt.Sprintf("UTC%s%d:%02d", sign, offset/3600, minutes)
	}
	return fmt.Sprintf("UTC%s%d", sign, offset/3600)
}

// parcelView is a parcel as the page shows it.
type parcelView struct {
	trackedParcel
	N, Of    int
	Tone     string
	Stage    *stages
	Goods    []packed
	Days     []eventDay // the newest first
	Route    []stop     // the first first
	Expected string
	Arrived  *moment
}

// eventDay is what happened on one day.
type eventDay struct {
	Day    string
	Events []eventView
}

type eventView struct {
	trackedEvent
	Moment moment
	Tone   string // of its dot: now, good, warn, bad
	Why    string
}

// stop is a place on the way of a parcel.
type stop struct {
	Place string
	When  *moment // nil: still ahead
	Now   bool
}

func (v *visit) parcelView(o *tracked, s *trackedParcel, zone *time.Location, n, of int) parcelView {
	p := parcelView{trackedParcel: *s, N: n, Of: of, Tone: toneOf(s.TrackingStatus)}
	at, bad := stageOf(s)
	p.Stage = v.stages(at, bad, s.Status == "ready_for_pickup")
	for _, l := range s.Lines {
		if line := o.line(l.ID); line != nil {
			p.Goods = append(p.Goods, packed{line, l.Quantity})
		}
	}
	if s.ExpectedAt != nil && s.DeliveredAt == nil && at < stageDelivered {
		p.Expected = locale.Date(v.Lang, s.ExpectedAt.In(zone))
	}
	v.events(&p, zone)
	v.route(&p, zone)
	if s.DeliveredAt != nil {
		m := v.moment(s.DeliveredAt.In(zone), false)
		for _, d := range p.Days {
			for _, e := range d.Events {
				if e.Status == "delivered" {
					m = e.Moment
				}
			}
		}
		p.Arrived = &m
	}
	return p
}

// there is an event's instant on the clocks of its place; where the carrier gave
// only the instant, on the shop's.
func there(e *trackedEvent, zone *time.Location) time.Time {
	if _, offset := e.OccurredAt.Zone(); offset == 0 && !e.ZoneGuessed {
		return e.OccurredAt.In(zone)
	}
	return e.OccurredAt
}

// events words what happened, by days, the newest first.
func (v *visit) events(p *parcelView, zone *time.Location) {
	for i, e := range slices.Backward(p.Events) {
		view := eventView{trackedEvent: e, Moment: v.moment(there(&e, zone), e.ZoneGuessed)}
		switch tone := toneOf(e.Status); {
		case tone == "bad" || tone == "good" || tone == "warn":
			view.Tone = tone
		case i == len(p.Events)-1:
			view.Tone = "now"
		}
		if key := "web.track.why." + e.Reason; e.Reason != "" && toneOf(e.Status) != "good" && locale.Has(key) {
			view.Why = locale.T(v.Lang, key)
		}
		if n := len(p.Days); n == 0 || p.Days[n-1].Day != view.Moment.Day {
			p.Days = append(p.Days, eventDay{Day: view.Moment.Day})
		}
		last := &p.Days[len(p.Days)-1]
		last.Events = append(last.Events, view)
	}
}

// route lists the places that a parcel was seen at, in their order, and the
// buyer's own at its end. It has none while no place is known.
func (v *visit) route(p *parcelView, zone *time.Location) {
	for i := range p.Events {
		e := &p.Events[i]
		place := strings.TrimSpace(e.Location)
		if n := len(p.Route); place == "" || n > 0 && strings.EqualFold(p.Route[n-1].Place, place) {
			continue
		}
		m := v.moment(there(e, zone), e.ZoneGuessed)
		p.Route = append(p.Route, stop{Place: place, When: &m})
	}
	if len(p.Route) == 0 || p.Status == "returned_to_sender" {
		return
	}
	end := stop{Place: locale.T(v.Lang, "web.track.route.door")}
	if p.DeliveredAt != nil {
		m := v.moment(p.DeliveredAt.In(zone), false)
		for i := range p.Events {
			if e := &p.Events[i]; e.Status == "delivered" {
				m = v.moment(there(e, zone), e.ZoneGuessed)
			}
		}
		end.When = &m
	} else {
		p.Route[len(p.Route)-1].Now = true
	}
	p.Route = append(p.Route, end)
}

// toneOf is the colour of a carrier's word.
func toneOf(word string) string {
	switch word {
	case "delivered":
		return "good"
	case "delivery_failed", "return_to_sender", "returned":
		return "bad"
	case "on_hold", "customs_hold", "delivery_delayed":
		return "warn"
	case "pending", "unknown", "cancelled":
		return ""
	}
	return "info"
}

// promiseView is what became of the promised days, in words.
type promiseView struct {
	State, Tone, Badge string
	Text, Expected     string
	Why                string
}

func (v *visit) promiseView(p *trackedPromise) *promiseView {
	if p == nil || p.State == "void" {
		return nil
	}
	from, err := time.Parse(time.DateOnly, p.From)
	to, e := time.Parse(time.DateOnly, p.To)
	if err != nil || e != nil {
		return nil
	}
	day := func(text string) string {
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return text
		}
		return locale.Date(v.Lang, t)
	}
	args := []any{"days", locale.DateRange(v.Lang, from, to)}
	view := &promiseView{State: p.State, Tone: map[string]string{"on_time": "good", "kept": "good", "at_risk": "warn", "late": "bad", "missed": "warn"}[p.State]}
	switch p.State {
	case "late":
		args = append(args, "day", day(p.LateSince))
	case "kept", "missed":
		args = append(args, "day", day(p.Arrived))
	}
	view.Badge = locale.T(v.Lang, "web.track.badge."+p.State)
	view.Text = locale.T(v.Lang, "web.track.promise."+p.State, args...)
	if p.Expected != "" {
		view.Expected = locale.T(v.Lang, "web.track.promise.expected", "day", day(p.Expected))
	}
	if key := "web.track.why." + p.Why; p.Why != "" && locale.Has(key) {
		view.Why = locale.T(v.Lang, key)
	}
	return view
}

// headline says in a few words how the order stands.
func (v *visit) headline(p *orderPage) {
	say := func(key, tone string, args ...any) {
		p.Headline, p.Tone = locale.T(v.Lang, "web.track.head."+key, args...), tone
		if sub := "web.track.sub." + key; locale.Has(sub) {
			p.Sub = locale.T(v.Lang, sub)
		}
	}
	lead, bad, arrived := stageOrdered, false, 0
	for i := range p.Parcels {
		s := &p.Parcels[i]
		if s.Status == "delivered" {
			arrived++
		} else if s.Stage.At >= lead || s.Stage.Bad {
			lead, bad = s.Stage.At, bad || s.Stage.Bad
		}
	}
	one := len(p.Parcels) == 1 && len(p.Rest) == 0
	switch {
	case p.Status == "canceled":
		say("canceled", "bad")
		return
	case p.Status == "pending":
		say("pending", "warn")
	case p.Status == "on_hold":
		say("on_hold", "warn")
	case arrived > 0 && arrived == len(p.Parcels) && len(p.Rest) == 0:
		lead = stageDelivered
		say("delivered", "good")
	case arrived > 0:
		say("some", "info", "delivered", arrived, "count", len(p.Parcels))
	case bad && one && p.Parcels[0].Status == "returned_to_sender":
		say("returned", "bad")
	case bad:
		say("failed", "bad")
	case lead == stageOutForDelivery && one && p.Parcels[0].Status == "ready_for_pickup":
		say("ready_for_pickup", "good")
	default:
		say(stageNames[lead], "info")
	}
	if len(p.Parcels) == 0 {
		p.Stage = v.stages(stageOrdered, false, false)
	} else if one || lead == stageDelivered {
		p.Stage = p.Parcels[0].Stage
	}
}
