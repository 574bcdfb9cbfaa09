package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Codes of live prices that cannot be had.
const (
	CodeCarrierTimeout = "carrier_timeout"
	CodeCarrierBreaker = "carrier_breaker_open"
)

// Sources of prices that came from a carrier.
const (
	SourceLive  = "live"
	SourceCache = "cache"
	SourceStale = "stale"
)

// The patience with carriers when a policy does not say.
const (
	usualDeadline = 1500 * time.Millisecond
	usualFailures = 5
	usualOpen     = 30 * time.Second
	// usualStale is how old a price may be that stands in for a fresh one.
	usualStale = 24 * 60 * 60
)

// Need is a question for a carrier: what the goods from one origin cost with it.
// Whoever asks carriers answers it with a Heard of the same Key.
type Need struct {
	Key     string `json:"key"`
	Carrier string `json:"carrier"` // as the policy names it
	// Services are those that prices name, sorted; the empty one stands for all.
	Services []string `json:"services"`
	Origin   string   `json:"origin"` // empty when the policy has no origins
	// Country is the origin's, if the policy says.
	Country string `json:"country,omitempty"`
	// Parcels are the request's, or one with all of the goods; its sides are 0
	// when those of the goods are not known.
	Parcels []Parcel `json:"parcels"`
	Items   []Item   `json:"items"` // what is in them
	// Lacks names the fact without which no carrier can answer, if one is missing.
	Lacks string `json:"lacks,omitempty"`
	// PricesFrom is the day (2026-01-01) on which the carrier's facts last changed
	// by the policy: prices from before it no longer count. Empty when it never did.
	PricesFrom string `json:"prices_from,omitempty"`
}

// Heard is what became of a Need: the recorded input of a live price. The same
// policy, request and Heard give the same bytes.
type Heard struct {
	Key     string `json:"key"`
	Carrier string `json:"carrier"`
	Origin  string `json:"origin"`
	// Code says why there is no fresh answer, such as carrier_timeout; empty when
	// there is one. Field is the missing fact of insufficient_data.
	Code  string `json:"code,omitempty"`
	Field string `json:"field,omitempty"`
	// Source is live, cache or stale; empty without rates. With a Code the rates,
	// if any, are stale.
	Source    string     `json:"source,omitempty"`
	AgeS      int64      `json:"age_s"`
	LatencyMS int64      `json:"latency_ms"`
	Rates     []LiveRate `json:"rates,omitempty"`
	// Levels are those of the asked services, by service, as far as they are known.
	Levels map[string]string `json:"levels,omitempty"`
}

// LiveRate is a carrier's price of one service, in minor units of its currency.
type LiveRate struct {
	Service string `json:"service" form:"req,max=100"`
	// Carrier is who carries it, behind an account that is several: policies may
	// name the service CARRIER:SERVICE then.
	Carrier string `json:"carrier,omitempty" form:"max=100"`
	// Level is economy, standard, expedited, express or overnight.
	Level    string `json:"level,omitempty" form:"max=20"`
	Amount   int64  `json:"amount" form:"req,money"`
	Currency string `json:"currency" form:"req,pat=currency"`
	// TransitDays is 0 when the carrier does not say.
	TransitDays int64 `json:"transit_days,omitempty" form:"days"`
}

// Recorded is what carriers said at a moment, so that the same quote can be made
// again without asking them.
type Recorded struct {
	At     time.Time `json:"at"`
	Policy string    `json:"policy"` // hash of the one that needed it
	Heard  []Heard   `json:"heard"`
}

// Answers says whether everything that the policy needs is recorded, and not
// before since.
func (r *Recorded) Answers(p *Policy, needs []Need, since time.Time) bool {
	if r == nil || r.Policy != p.hash || r.At.Before(since) {
		return false
	}
	for i := range needs {
		if !slices.ContainsFunc(r.Heard, func(h Heard) bool { return h.Key == needs[i].Key }) {
			return false
		}
	}
	return true
}

// Failed says whether an answer of a carrier is missing.
func (r *Recorded) Failed() bool {
	return r != nil && slices.ContainsFunc(r.Heard, func(h Heard) bool { return h.Code != "" && h.Code != CodeInsufficientData })
}

// Source is what was heard of a carrier, for the merchant.
type Source struct {
	Carrier   string `json:"carrier"`
	Origin    string `json:"origin,omitempty"`
	Source    string `json:"source,omitempty"`
	Code      string `json:"code,omitempty"`
	AgeS      int64  `json:"age_s"`
	LatencyMS int64  `json:"latency_ms"`
	Rates     int    `json:"rates"`
}

// isLive says whether a carrier has to be asked for the price.
func (p *price) isLive() bool {
	return p != nil && (p.kind == livePrice || slices.ContainsFunc(p.of, func(q price) bool { return q.isLive() }))
}

// Live says whether any price of the policy is a carrier's.
func (p *Policy) Live() bool { return p.live }

// Deadline is how long all carriers together may take.
func (p *Policy) Deadline() time.Duration {
	if r := p.doc.Rating; r != nil && r.DeadlineMS > 0 {
		return time.Duration(r.DeadlineMS) * time.Millisecond
	}
	return usualDeadline
}

// Breaker is after how many failures in a row a carrier is not asked any more,
// and for how long.
func (p *Policy) Breaker() (failures int, open time.Duration) {
	if r := p.doc.Rating; r != nil && r.Breaker != nil {
		return int(r.Breaker.Failures), time.Duration(r.Breaker.OpenS) * time.Second
	}
	return usualFailures, usualOpen
}

// Needs lists what has to be asked of carriers before the request can be quoted:
// for methods only that are eligible, and each question once. It is pure; a
// policy without live prices needs nothing and answers at once.
func (p *Policy) Needs(req Request) []Need {
	if !p.live {
		return nil
	}
	return p.needs(req)
}

func (p *Policy) needs(req Request) []Need {
	if req.Check() != nil {
		return nil
	}
	req.Explain = false
	c := p.newCall(&req)
	if !c.traded {
		return nil
	}
	found := map[string]*Need{}
	for i := range p.methods {
		m := &p.methods[i]
		if !m.live || !c.eligible(m) {
			continue
		}
		for _, send := range c.consignments() {
			c.ask(m.priceFrom(send.origin), &send, found)
		}
	}
	all := make([]Need, 0, len(found))
	for _, n := range found {
		slices.Sort(n.Services)
		n.Services = slices.Compact(n.Services)
		all = append(all, *n)
	}
	slices.SortFunc(all, func(a, b Need) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// priceFrom is the price of what leaves from an origin.
func (m *method) priceFrom(origin string) *price {
	if own, ok := m.byOrigin[origin]; ok && own.price != nil {
		return own.price
	}
	return m.price
}

// ask notes the live prices inside a price.
func (c *call) ask(p *price, send *consignment, found map[string]*Need) {
	if p == nil {
		return
	}
	for i := range p.of {
		c.ask(&p.of[i], send, found)
	}
	if p.kind != livePrice {
		return
	}
	key := send.key(p.carrier)
	n := found[key]
	if n == nil {
		n = &Need{Key: key, Carrier: p.carrier, Origin: send.origin, Parcels: send.parcels, Items: send.items, Lacks: c.lacks(send), PricesFrom: c.pricesFrom(p.carrier)}
		if o := c.origin(send.origin); o != nil {
			n.Country = o.country
		}
		found[key] = n
	}
	if n.Services = append(n.Services, p.service); slices.ContainsFunc(p.chain, func(f Fallback) bool { return f.Use == "service" }) {
		n.Services = append(n.Services, "") // any may have to stand in
	}
}

// lacks is the fact that a carrier cannot do without.
func (c *call) lacks(send *consignment) string {
	switch {
	case c.dest.country == "":
		return fields[destCountry].name
	case !send.weighed:
		return fields[itemWeight].name
	}
	return ""
}

// pricesFrom is the last day until today on which facts of the carrier began.
func (c *call) pricesFrom(carrier string) string {
	today, last := c.req.ShipDate, ""
	if t, ok := c.clockOf(nil); today == "" && ok {
		today = dayText(dayNumber(t))
	}
	for i := range c.p.doc.CarrierDimRules {
		if r := &c.p.doc.CarrierDimRules[i]; r.Carrier == carrier && r.From <= today {
			last = max(last, r.From)
		}
	}
	return last
}

// consignment is what leaves from one origin by the method in hand.
type consignment struct {
	origin  string
	parcels []Parcel
	items   []Item
	weighed bool
	sum     string // of all that a carrier's price depends on here
}

// key names a consignment with a carrier.
func (s *consignment) key(carrier string) string { return carrier + "|" + s.origin + "|" + s.sum }

// consignments are the goods by the origin that they leave from. The order of
// origins is theirs by id.
func (c *call) consignments() []consignment {
	now := &c.now
	if len(now.origins) < 2 {
		origin := ""
		if len(now.origins) == 1 {
			origin = now.origins[0]
		}
		return []consignment{c.consignment(origin, &c.whole, c.req.Items, c.parcels().parcels)}
	}
	all := make([]consignment, 0, len(now.origins))
	for _, id := range now.origins {
		b, items := c.leaving(id)
		all = append(all, c.consignment(id, &b, items, c.packedAt(id, c.usual(now.m)).parcels))
	}
	return all
}

// leaving is what leaves from one of several origins.
func (c *call) leaving(origin string) (b basket, items []Item) {
	usual := c.usual(c.now.m)
	for i := range c.items {
		if it := &c.items[i]; it.Origin == origin || (it.Origin == "" && origin == usual) {
			b.add(it)
			items = append(items, *it.Item)
		}
	}
	return b, items
}

func (c *call) consignment(origin string, b *basket, items []Item, parcels []Parcel) consignment {
	s := consignment{origin: origin, parcels: parcels, items: items, weighed: true}
	if len(parcels) == 0 {
		s.parcels, s.weighed = []Parcel{b.box()}, c.known && b.lines > 0 && !b.unweighed
	}
	d := &c.dest
	place := []string{d.country, d.region, d.city, d.postcode.code, fmt.Sprint(d.residential)}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %v", place, s.parcels))
	s.sum = hex.EncodeToString(sum[:8])
	return s
}

// box is one parcel for all goods of the basket: as long as the longest piece,
// with a square end, and of their volume.
func (b *basket) box() Parcel {
	p := Parcel{WeightG: min(grams(b.ng), 1_000_000_000)}
	if b.unsized || b.lines == 0 || b.longest == 0 {
		return p
	}
	p.LengthMM = b.longest
	end := min(root(up(b.volume, b.longest)), 1_000_000)
	p.LengthMM, p.WidthMM, p.HeightMM = b.longest, end, end
	return p
}

// root is the square root, rounded up.
func root(v int64) int64 {
	low, high := int64(0), int64(40_000_000)
	for low < high {
		if mid := (low + high) / 2; mid*mid >= v {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}
