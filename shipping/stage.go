package shipping

import (
	"encoding/json"
	"strings"
	"time"

	"doorstep/shipping/policy"
)

// stage plays carriers for a simulation: what they would say, how long they
// would take and when they would be left alone, by the requests' own clock.
type stage struct {
	stubs map[string]policy.Stub
	down  map[string]*outage
	last  map[string]*policy.Heard // the last good answer to each question
	since map[string]time.Time     // when that was
}

// outage is how a carrier fails.
type outage struct {
	failures int
	until    time.Time // it is left alone
}

func newStage(stubs map[string]policy.Stub) *stage {
	return &stage{stubs: stubs, down: map[string]*outage{}, last: map[string]*policy.Heard{}, since: map[string]time.Time{}}
}

// hear plays what carriers say to a request. Those of the request come before
// those of the simulation; nobody is asked.
func (g *stage) hear(p *policy.Policy, r policy.Request) []policy.Heard {
	var all []policy.Heard
	for _, n := range p.Needs(r) {
		h := policy.Heard{Key: n.Key, Carrier: n.Carrier, Origin: n.Origin}
		stub, ok := r.CarrierStubs[n.Carrier]
		if !ok {
			stub, ok = g.stubs[n.Carrier]
		}
		if !ok {
			h.Code = policy.CodeCarrierError
		} else {
			g.play(&h, &stub, p, r.Now)
		}
		all = append(all, h)
	}
	return all
}

func (g *stage) play(h *policy.Heard, stub *policy.Stub, p *policy.Policy, now time.Time) {
	o := g.down[h.Carrier]
	if o == nil {
		o = &outage{}
		g.down[h.Carrier] = o
	}
	failures, open := p.Breaker()
	if now.Before(o.until) {
		h.Code = policy.CodeCarrierBreaker
	} else {
		h.Code, h.LatencyMS = outcome(stub, p.Deadline())
	}
	switch {
	case h.Code == "":
		*o = outage{}
		h.Source, h.Rates = policy.SourceLive, stub.Rates
		kept := *h
		g.last[h.Key], g.since[h.Key] = &kept, now
		return
	case h.Code != policy.CodeCarrierBreaker:
		if o.failures++; o.failures >= failures {
			o.until = now.Add(open)
		}
	}
	if last := g.last[h.Key]; last != nil && !now.Before(g.since[h.Key]) {
		h.Source, h.Rates, h.AgeS = policy.SourceStale, last.Rates, int64(now.Sub(g.since[h.Key])/time.Second)
	}
}

// outcome is the code of what a stub stands for, empty when it has answered, and
// how long a quote would have waited.
func outcome(stub *policy.Stub, deadline time.Duration) (code string, latencyMS int64) {
	body := strings.TrimSpace(stub.Body)
	switch most := deadline.Milliseconds(); {
	case stub.DelayMS > most:
		return policy.CodeCarrierTimeout, most
	case stub.Status != 0 && (stub.Status < 200 || stub.Status > 299), body != "" && !json.Valid([]byte(body)):
		return policy.CodeCarrierError, stub.DelayMS
	}
	return "", stub.DelayMS
}
