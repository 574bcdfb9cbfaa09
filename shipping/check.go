package shipping

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/shipping/policy"
)

// Warning is something in a policy that is allowed and probably not meant.
type Warning struct {
	Code     string `json:"code"`
	Location string `json:"location"` // path in the document
	Message  string `json:"message"`
}

// The codes of warnings.
const (
	WarnZoneUnserved  = "zone_without_method"
	WarnTierGap       = "tier_gap"
	WarnTierEnd       = "tier_end"
	WarnAlwaysHidden  = "method_always_hidden"
	WarnNoRate        = "no_exchange_rate"
	WarnNothingAtHome = "no_method_without_zone"
	WarnCountry       = "unknown_country"
	WarnNotLinked     = CodeNotLinked
)

// Report is what a check of a document found. Hash is empty when it is not valid.
type Report struct {
	Valid    bool          `json:"valid"`
	Hash     string        `json:"hash,omitempty"`
	Problems []fault.Field `json:"problems"`
	Warnings []Warning     `json:"warnings"`
}

// CheckPolicy looks a document over without keeping it. Currencies are those the
// shop sells in: each needs an exchange rate when the policy has another one.
func CheckPolicy(document []byte, currencies []string) Report {
	r := Report{Problems: []fault.Field{}, Warnings: []Warning{}}
	doc, err := policy.Parse(document)
	if err == nil {
		var p *policy.Policy
		if p, err = policy.Compile(doc); err == nil {
			r.Valid, r.Hash = true, p.Hash()
		}
	}
	if f, ok := fault.As(err); ok {
		r.Problems = append(r.Problems, f.Fields...)
	}
	if doc != nil {
		r.warn(doc, currencies)
	}
	return r
}

func (r *Report) add(code, location, format string, args ...any) {
	r.Warnings = append(r.Warnings, Warning{code, location, fmt.Sprintf(format, args...)})
}

func (r *Report) warn(doc *policy.Document, currencies []string) {
	served, everywhere := map[string]bool{}, false
	for i, m := range doc.Methods {
		everywhere = everywhere || len(m.Zones) == 0
		for _, z := range m.Zones {
			served[z] = true
		}
		at := fmt.Sprintf("methods[%d]", i)
		r.tiers(m.Price, at+".price")
		for _, origin := range slices.Sorted(maps.Keys(m.ByOrigin)) {
			r.tiers(m.ByOrigin[origin].Price, at+".by_origin."+origin+".price")
		}
	}
	for i, z := range doc.Zones {
		if !everywhere && !served[z.ID] {
			r.add(WarnZoneUnserved, fmt.Sprintf("zones[%d]", i), "No method serves the zone %s.", z.ID)
		}
	}
	if !everywhere && len(doc.Methods) > 0 {
		r.add(WarnNothingAtHome, "methods", "Places outside of all zones are offered nothing.")
	}
	for _, c := range currencies {
		if c != doc.Currency && doc.Rates[doc.Currency+"->"+c] == "" && doc.Rates[c+"->"+doc.Currency] == "" {
			r.add(WarnNoRate, "rates", "The shop sells in %s, but there is no rate between it and %s: orders in %s are offered nothing.", c, doc.Currency, c)
		}
	}
	r.hidden(doc)
	r.countries(doc)
}

// countries finds codes that are no country's, such as ZZ or a slip for SE.
func (r *Report) countries(doc *policy.Document) {
	look := func(code, at string) {
		if code = strings.ToUpper(code); code != "" && code != "UK" && !locale.IsCountry(code) {
			r.add(WarnCountry, at, "%s is no country of ISO 3166-1: nothing goes there.", code)
		}
	}
	for i, z := range doc.Zones {
		for part, places := range map[string][]policy.Place{"match": z.Match, "exclude": z.Exclude} {
			for j, p := range places {
				look(p.Country, fmt.Sprintf("zones[%d].%s[%d].country", i, part, j))
			}
		}
	}
	for i, o := range doc.Origins {
		look(o.Country, fmt.Sprintf("origins[%d].country", i))
	}
	for _, code := range slices.Sorted(maps.Keys(doc.DestVATBps)) {
		look(code, "dest_vat_bps."+code)
	}
}

// Linked adds a warning for each live price of a carrier account that is none of
// the codes: those of accounts that are linked and not switched off.
func (r *Report) Linked(document []byte, codes []string) {
	doc, err := policy.Parse(document)
	if err != nil {
		return // its problems are told already
	}
	for i, m := range doc.Methods {
		at := fmt.Sprintf("methods[%d]", i)
		r.unlinked(m.Price, m.Carrier, at+".price", codes)
		for _, origin := range slices.Sorted(maps.Keys(m.ByOrigin)) {
			r.unlinked(m.ByOrigin[origin].Price, m.Carrier, at+".by_origin."+origin+".price", codes)
		}
	}
}

func (r *Report) unlinked(p *policy.Price, method, at string, codes []string) {
	if p == nil {
		return
	}
	for i := range p.Of {
		r.unlinked(&p.Of[i], method, fmt.Sprintf("%s.of[%d]", at, i), codes)
	}
	if name := cmp.Or(p.Carrier, method); p.Type == "live" && !slices.Contains(codes, name) {
		r.add(WarnNotLinked, at, "No carrier account with the code %s is linked: only what stands in for its prices is offered.", name)
	}
}

// tiers finds places of a table that no row covers.
func (r *Report) tiers(p *policy.Price, at string) {
	if p == nil {
		return
	}
	for i := range p.Of {
		r.tiers(&p.Of[i], fmt.Sprintf("%s.of[%d]", at, i))
	}
	if len(p.Tiers) == 0 {
		return
	}
	rows := slices.SortedFunc(slices.Values(p.Tiers), func(a, b policy.Tier) int { return cmp.Compare(a.From, b.From) })
	covered, open := int64(0), false
	for _, t := range rows {
		if !open && t.From > covered {
			r.add(WarnTierGap, at+".tiers", "No row covers %d to %d; the method is not offered there.", covered, t.From)
		}
		if t.To == nil {
			open = true
		} else {
			covered = max(covered, *t.To)
		}
	}
	if !open {
		r.add(WarnTierEnd, at+".tiers", "Nothing is offered from %d on.", covered)
	}
}

// hidden finds methods that a rule without a condition hides.
func (r *Report) hidden(doc *policy.Document) {
	for i, rule := range doc.Rules {
		if rule.When != nil || rule.Phase != "eligibility" || !slices.ContainsFunc(rule.Then, func(a policy.Action) bool { return a.Action == "hide" }) {
			continue
		}
		raw, err := json.Marshal(rule.Methods)
		if err != nil {
			continue
		}
		var named []string
		_ = json.Unmarshal(raw, &named) // "*" is not a list: then it is all of them
		for _, m := range doc.Methods {
			if string(raw) == `"*"` || slices.Contains(named, m.ID) {
				r.add(WarnAlwaysHidden, fmt.Sprintf("rules[%d]", i), "The rule %s always hides %s.", rule.ID, m.ID)
			}
		}
	}
}

// Difference is what changed between two documents, by the ids of their parts.
type Difference struct {
	Added    []string `json:"added"` // such as methods.express
	Removed  []string `json:"removed"`
	Changed  []string `json:"changed"`
	Requests []Effect `json:"requests"`
}

// Effect is how a request is answered before and after; PriceChange is how much
// the cheapest option changed, in minor units, when both have one.
type Effect struct {
	Gained      []string `json:"gained"`
	Lost        []string `json:"lost"`
	Repriced    []string `json:"repriced"`
	PriceChange int64    `json:"price_change"`
}

// Compare says what would change between two documents, in themselves and for
// sample requests. Documents with mistakes are policy.ErrInvalid.
func (s *Service) Compare(from, to []byte, requests []policy.Request) (Difference, error) {
	d := Difference{Added: []string{}, Removed: []string{}, Changed: []string{}, Requests: []Effect{}}
	before, err := policy.Load(from)
	if err != nil {
		return d, err
	}
	after, err := policy.Load(to)
	if err != nil {
		return d, err
	}
	old, err := parts(from)
	if err != nil {
		return d, err
	}
	now, err := parts(to)
	if err != nil {
		return d, err
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if was, ok := old[name]; !ok {
			d.Added = append(d.Added, name)
		} else if was != now[name] {
			d.Changed = append(d.Changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, ok := now[name]; !ok {
			d.Removed = append(d.Removed, name)
		}
	}
	played := [2]*stage{newStage(nil), newStage(nil)}
	for _, r := range requests {
		if r.Now.IsZero() {
			r.Now = s.DB.Now()
		}
		one, err := quote(before, r, func() []policy.Heard { return played[0].hear(before, r) })
		if err != nil {
			return d, err
		}
		two, err := quote(after, r, func() []policy.Heard { return played[1].hear(after, r) })
		if err != nil {
			return d, err
		}
		d.Requests = append(d.Requests, effect(one.Options, two.Options))
	}
	return d, nil
}

// parts is a document taken apart: "methods.express" and so on, each as text
// that is the same for the same content.
func parts(document []byte) (map[string]string, error) {
	var members map[string]any
	in := json.NewDecoder(bytes.NewReader(document))
	in.UseNumber() // a float would take large numbers for equal
	if err := in.Decode(&members); err != nil {
		return nil, policy.ErrInvalid.Because(err)
	}
	all := map[string]string{}
	put := func(name string, value any) error {
		raw, err := json.Marshal(value) // sorts the keys
		all[name] = string(raw)
		return err
	}
	for name, value := range members {
		list, ok := value.([]any)
		if !ok || !slices.Contains([]string{"zones", "origins", "methods", "rules"}, name) {
			if err := put(name, value); err != nil {
				return nil, err
			}
			continue
		}
		for _, entry := range list {
			if one, ok := entry.(map[string]any); ok {
				if err := put(fmt.Sprintf("%s.%v", name, one["id"]), one); err != nil {
					return nil, err
				}
			}
		}
	}
	return all, nil
}

func effect(before, after []policy.Option) Effect {
	e := Effect{Gained: []string{}, Lost: []string{}, Repriced: []string{}}
	old := map[string]int64{}
	for _, o := range before {
		old[o.Method] = o.Total.Minor
	}
	for _, o := range after {
		was, ok := old[o.Method]
		switch {
		case !ok:
			e.Gained = append(e.Gained, o.Method)
		case was != o.Total.Minor:
			e.Repriced = append(e.Repriced, o.Method)
		}
		delete(old, o.Method)
	}
	e.Lost = append(e.Lost, slices.Sorted(maps.Keys(old))...)
	if len(before) > 0 && len(after) > 0 {
		e.PriceChange = cheapest(after) - cheapest(before)
	}
	return e
}

func cheapest(options []policy.Option) int64 {
	return slices.MinFunc(options, func(a, b policy.Option) int { return cmp.Compare(a.Total.Minor, b.Total.Minor) }).Total.Minor
}
