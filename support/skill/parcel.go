package skill

import (
	"slices"
	"strings"
	"time"

	"doorstep/internal/locale"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
)

// quiet is how long a parcel may be under way without a word before it is looked
// for.
const quiet = 21 * 24 * time.Hour

// whereabouts is how a parcel stands, in one word; texts are named by it.
type whereabouts string

// The places of a parcel.
const (
	placePacked    whereabouts = "packed"    // nobody has taken it yet
	placeHanded    whereabouts = "handed"    // the carrier has it and has said nothing yet
	placeMoving    whereabouts = "moving"    // on its way
	placeHeld      whereabouts = "held"      // kept on its way
	placeCustoms   whereabouts = "customs"   // at customs
	placeDelayed   whereabouts = "delayed"   // the carrier says that it comes later
	placeLate      whereabouts = "late"      // the promised days are over
	placeCourier   whereabouts = "courier"   // comes today
	placePickup    whereabouts = "pickup"    // to be fetched
	placeFailed    whereabouts = "failed"    // could not be handed over
	placeReturning whereabouts = "returning" // on its way back to the shop
	placeArrived   whereabouts = "arrived"
)

// eta notes the day by which a parcel is expected, where there is one that can still
// be believed.
func (s *tale) eta(p *shipping.Shipment) (words string, known bool) {
	switch s.place(p) {
	case placeArrived, placeReturning, placePickup:
		return "", false
	case placeFailed, placeDelayed:
		if p.ExpectedAt == nil { // the promise was made before the trouble
			return "", false
		}
	}
	eta, known := s.expected(p)
	if !known || s.over(eta) {
		return "", false
	}
	return s.date("eta", eta), true
}

// expected is the last day on which a parcel should come, as a date of the shop:
// the carrier's word where it gave one, else the promise. false without either.
func (s *tale) expected(p *shipping.Shipment) (eta time.Time, known bool) {
	if p.ExpectedAt != nil {
		return p.ExpectedAt.In(s.zone), true
	}
	return s.promisedFor(p)
}

// promisedFor is the last day on which a parcel was promised.
func (s *tale) promisedFor(p *shipping.Shipment) (time.Time, bool) {
	if p.PromisedAt != nil { // the moment when the promised days are over
		return p.PromisedAt.Add(-time.Nanosecond).In(s.zone), true
	}
	return s.o.promised()
}

// over says that the day of a date has passed on the shop's calendar.
func (s *tale) over(date time.Time) bool {
	return s.t.Now.In(s.zone).Format(time.DateOnly) > date.Format(time.DateOnly)
}

// late says that a parcel that has not arrived should have done so by now.
func (s *tale) late(p *shipping.Shipment) bool {
	if p.DeliveredAt != nil || p.Status == shipping.StatusReturned {
		return false
	}
	if promised, known := s.promisedFor(p); known && s.over(promised) {
		return true
	}
	return p.ExpectedAt != nil && s.over(p.ExpectedAt.In(s.zone))
}

// silent says that nothing has been heard of a parcel for so long that it is
// taken for lost.
func (s *tale) silent(p *shipping.Shipment) bool {
	if p.DeliveredAt != nil || p.ShippedAt == nil || p.Status == shipping.StatusReturned {
		return false
	}
	last := *p.ShippedAt
	if e := lastScan(p); e != nil && e.OccurredAt.After(last) {
		last = e.OccurredAt
	}
	return s.t.Now.Sub(last) > quiet
}

func (s *tale) place(p *shipping.Shipment) whereabouts {
	switch {
	case p.DeliveredAt != nil:
		return placeArrived
	case p.Status == shipping.StatusReturned:
		return placeReturning
	case p.Status == shipping.StatusPending || p.Status == shipping.StatusProcessing:
		return placePacked
	case p.Status == shipping.StatusReadyForPickup:
		return placePickup
	case p.Status == shipping.StatusFailed:
		return placeFailed
	case s.late(p):
		return placeLate
	case p.Status == shipping.StatusOutForDelivery:
		return placeCourier
	}
	switch p.TrackingStatus {
	case shipping.TrackCustomsHold:
		return placeCustoms
	case shipping.TrackOnHold:
		return placeHeld
	case shipping.TrackDelayed:
		return placeDelayed
	}
	if lastScan(p) == nil {
		return placeHanded
	}
	return placeMoving
}

// lastScan is the newest word of the carrier, nil before the first.
func lastScan(p *shipping.Shipment) *shipping.TrackingEvent {
	if len(p.Events) == 0 {
		return nil
	}
	return &p.Events[len(p.Events)-1]
}

// there is an event's time on the clock of its place.
func (s *tale) there(e *shipping.TrackingEvent) time.Time {
	if e.UTCOffset != 0 {
		return e.OccurredAt.In(time.FixedZone("", e.UTCOffset))
	}
	return e.OccurredAt.In(s.zone)
}

// arrival is the day of a delivery on the calendar of its place.
func (s *tale) arrival(p *shipping.Shipment) time.Time {
	for _, e := range slices.Backward(p.Events) {
		if e.Status == shipping.TrackDelivered && e.UTCOffset != 0 {
			return s.there(&e)
		}
	}
	return p.DeliveredAt.In(s.zone)
}

// scan is the words for the carrier's last word, empty without one.
func (s *tale) scan(p *shipping.Shipment) string {
	e := lastScan(p)
	if e == nil {
		return ""
	}
	at := s.there(e)
	value, words := at.Format(time.DateOnly), locale.Date(s.lang, at)
	s.fact("last_scan_at", value, words)
	if e.Location == "" {
		return s.fact("last_scan", value, words)
	}
	return s.fact("last_scan", value+" "+e.Location, words+", "+e.Location)
}

// facts notes all that is known of a parcel.
func (s *tale) parcelFacts(p *shipping.Shipment) {
	s.fact("tracking", string(p.TrackingStatus), locale.T(s.lang, "tracking_status."+string(p.TrackingStatus)))
	if p.Carrier != "" {
		s.carrier(p)
	}
	if p.TrackingNumber != "" {
		s.fact("tracking_number", p.TrackingNumber, "")
	}
	if page := carrier.Page(p.Carrier, p.TrackingNumber); page != "" {
		s.fact("tracking_page", page, "")
	}
	if promised, known := s.promisedFor(p); known {
		s.date("promised", promised)
	}
	if p.DeliveredAt != nil {
		s.date("delivered_at", s.arrival(p))
		return
	}
	s.eta(p)
	s.scan(p)
}

func (s *tale) carrier(p *shipping.Shipment) string {
	return s.fact("carrier", p.Carrier, carrier.Title(p.Carrier))
}

// parcel tells how a parcel stands in whole sentences, as the only one of its
// order.
func (s *tale) parcel(p *shipping.Shipment) {
	s.parcelFacts(p)
	at := s.place(p)
	switch at {
	case placeArrived:
		s.say("parcel.arrived", "number", s.number(), "day", s.date("delivered_at", s.arrival(p)))
		s.carried(p)
		return
	case placeLate:
		s.lateParcel(p)
	default:
		s.say("parcel."+string(at), "number", s.number())
		if eta, known := s.eta(p); known {
			s.say("parcel.eta", "day", eta)
		}
		if scan := s.scan(p); scan != "" {
			s.say("parcel.scan", "scan", scan)
		}
	}
	s.carried(p)
}

// lateParcel calls a late parcel late.
func (s *tale) lateParcel(p *shipping.Shipment) {
	promised, known := s.promisedFor(p)
	if !known || !s.over(promised) {
		promised = p.ExpectedAt.In(s.zone)
	}
	s.say("parcel.late", "number", s.number(), "day", s.date("promised", promised))
	if p.ExpectedAt != nil && !s.over(p.ExpectedAt.In(s.zone)) {
		s.say("parcel.late_eta", "day", s.day("eta", *p.ExpectedAt))
	}
	if e := lastScan(p); e != nil {
		s.fact("no_scan_since", s.there(e).Format(time.DateOnly), locale.Date(s.lang, s.there(e)))
		s.say("parcel.late_scan", "scan", s.scan(p))
	} else {
		s.say("parcel.late_silent")
	}
}

// carried says by whom and under which number.
func (s *tale) carried(p *shipping.Shipment) {
	switch {
	case p.Carrier != "" && p.TrackingNumber != "":
		s.say("parcel.carrier", "carrier", s.carrier(p), "tracking", s.fact("tracking_number", p.TrackingNumber, ""))
	case p.Carrier != "":
		s.say("parcel.carrier_only", "carrier", s.carrier(p))
	}
}

// part tells how a parcel stands on a line of its own, beside others.
func (s *tale) part(p *shipping.Shipment) {
	s.parcelFacts(p)
	at := s.place(p)
	items := s.items(s.o.inside(p))
	if items == "" {
		items = s.word("part.parcel")
	}
	var words []string
	switch at {
	case placeArrived:
		words = append(words, s.word("part.arrived", "day", s.date("delivered_at", s.arrival(p))))
	case placeLate:
		promised, known := s.promisedFor(p)
		if !known || !s.over(promised) {
			promised = p.ExpectedAt.In(s.zone)
		}
		words = append(words, s.word("part.late", "day", s.date("promised", promised)))
		if scan := s.scan(p); scan != "" {
			words = append(words, s.word("part.scan", "scan", scan))
		}
	default:
		words = append(words, s.word("part."+string(at)))
		if eta, known := s.eta(p); known {
			words = append(words, s.word("part.eta", "day", eta))
		}
	}
	if p.DeliveredAt == nil && p.Carrier != "" && p.TrackingNumber != "" {
		words = append(words, s.carrier(p)+" "+s.fact("tracking_number", p.TrackingNumber, ""))
	}
	s.line("part", "items", items, "words", strings.Join(words, ", "))
}
