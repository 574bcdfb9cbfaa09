package policy_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"doorstep/shipping/policy"
)

func init() { // before flags are parsed, so that -rapid.checks still wins
	if err := flag.Set("rapid.checks", "1000"); err != nil {
		panic(err)
	}
}

type object = map[string]any

// draw makes random documents and requests that are always valid.
type draw struct{ *rapid.T }

func (d draw) int(lo, hi int) int        { return rapid.IntRange(lo, hi).Draw(d.T, "int") }
func (d draw) flag() bool                { return rapid.Bool().Draw(d.T, "flag") }
func (d draw) of(texts ...string) string { return rapid.SampledFrom(texts).Draw(d.T, "of") }

func (d draw) some(texts ...string) []any {
	out := []any{}
	for _, s := range texts {
		if d.flag() {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		out = append(out, texts[0])
	}
	return out
}

func (d draw) list(lo, hi int, one func(i int) any) []any {
	out := []any{}
	for i := range d.int(lo, hi) {
		out = append(out, one(i))
	}
	return out
}

func (d draw) leaf(item bool) object {
	items := []func() object{
		func() object {
			return object{"field": "item.tags", "op": d.of("contains_any", "contains_all", "contains_none"), "value": d.some("big", "red", "frozen")}
		},
		func() object {
			return object{"field": "item.weight_g", "op": d.of("lt", "gte"), "value": d.int(0, 3000)}
		},
		func() object {
			return object{"field": "item.hs_code", "op": "matches_prefix", "value": d.of("61", "6109", "85")}
		},
		func() object {
			return object{"field": "item.sku", "op": d.of("in", "not_in"), "value": d.some("a", "b", "c")}
		},
		func() object { return object{"field": "item.fragile", "op": "eq", "value": d.flag()} },
	}
	if item {
		return items[d.int(0, len(items)-1)]()
	}
	switch d.int(0, 9) {
	case 0:
		return object{"field": "dest.country", "op": d.of("in", "not_in"), "value": d.some("US", "DE", "AM")}
	case 1:
		return object{"field": "dest.residential", "op": "eq", "value": d.flag()}
	case 2:
		lo := d.int(0, 9000)
		return object{"field": "cart.subtotal", "op": "between", "value": []any{lo, lo + d.int(0, 9000)}}
	case 3:
		return object{"field": "cart.discounted_subtotal", "op": d.of("gte", "gt", "lt"), "value": d.int(0, 20000)}
	case 4:
		return object{"field": "customer.groups", "op": "contains_any", "value": d.some("vip", "b2b")}
	case 5:
		return object{"field": "dest.postcode", "op": "postcode_in", "value": d.some("1*", "90210", "10000..20000")}
	case 6:
		return object{"field": "dest.zone", "op": "in_zone", "value": d.some("z0", "z1")}
	case 7:
		return object{"field": "now.weekday", "op": "in", "value": d.some("mon", "fri", "sun")}
	}
	leaf := items[d.int(0, len(items)-1)]()
	if d.flag() {
		leaf["quantifier"] = d.of("any", "all", "none")
	}
	if d.flag() {
		leaf["filter"] = d.leaf(true)
	}
	return leaf
}

func (d draw) condition(depth int) object {
	kind := d.int(0, 5)
	if depth == 0 || kind > 2 {
		return d.leaf(false)
	}
	if kind == 2 {
		return object{"not": d.condition(depth - 1)}
	}
	return object{[]string{"all", "any"}[kind]: d.list(1, 3, func(int) any { return d.condition(depth - 1) })}
}

func (d draw) price(depth int) object {
	switch kind := d.int(0, 6); {
	case kind == 0 && depth > 0:
		return object{"type": d.of("sum", "max", "min"), "of": d.list(1, 3, func(int) any { return d.price(depth - 1) })}
	case kind == 1:
		return object{"type": "per_item", "first": d.int(0, 900), "additional": d.int(0, 300)}
	case kind == 2:
		return object{"type": "weight_steps", "first_g": d.int(0, 2000), "first": d.int(0, 900), "step_g": d.int(1, 900), "step": d.int(0, 90)}
	case kind == 3:
		return object{"type": "percent_of", "bps": d.int(0, 3000), "basis": d.of("cart.subtotal", "cart.discounted_subtotal"), "min": d.int(0, 100)}
	case kind == 4:
		at := 0
		tiers := d.list(1, 4, func(int) any {
			from := at
			at += d.int(1, 2000)
			return object{"from": from, "to": at, "amount": d.int(0, 3000)}
		})
		return object{"type": "tiers", "by": d.of("weight_g", "subtotal", "quantity"), "tiers": tiers}
	case kind == 5:
		chain := []any{object{"use": "stale", "max_age_s": d.int(1, 9000)}, object{"use": "service"}, object{"use": "flat", "amount": d.int(0, 3000)}, object{"use": "hide"}}
		from := d.int(0, 3)
		p := object{"type": "live", "carrier": d.of("ups", "post"), "fallback": chain[from:]}
		if d.flag() {
			p["service"] = d.of("slow", "fast")
		}
		return p
	}
	return object{"type": "flat", "amount": d.int(0, 3000)}
}

func (d draw) action(phase string) object {
	switch phase {
	case "eligibility":
		return object{"action": d.of("hide", "offer")}
	case "round":
		return object{"action": "round_to", "step_major": d.of("1", "0.05", "0.25"), "mode": d.of("up", "down", "nearest")}
	case "promise":
		return object{"action": d.of("handling_days", "promise_pad"), "amount": d.int(0, 4)}
	case "present":
		return rapid.SampledFrom([]object{{"action": "set_default"}, {"action": "sort", "position": d.int(-2, 2)}, {"action": "rename", "text": d.of("x", "y")}, {"action": "hide"}}).Draw(d.T, "present")
	}
	switch d.int(0, 6) {
	case 0:
		return object{"action": d.of("surcharge_percent", "discount_percent"), "bps": d.int(0, 12000), "basis": d.of("running", "cart.subtotal", "cart.discounted_subtotal")}
	case 1:
		return object{"action": d.of("cap", "floor", "set_price"), "amount": d.int(0, 3000)}
	case 2:
		return object{"action": d.of("surcharge_per_unit", "surcharge_per_kg"), "amount": d.int(0, 100), "filter": d.leaf(true)}
	case 3:
		return object{"action": "free_over", "amount": d.int(0, 20000)}
	case 4:
		return object{"action": "group", "group": d.of("g", "h"), "mode": "first"}
	case 5:
		return object{"action": "stop"}
	}
	return object{"action": d.of("surcharge", "discount"), "amount": d.int(0, 900), "skip_sources": d.some("flat", "table", "live")}
}

func (d draw) document() object {
	zone := func(i int) any {
		place := func(int) any {
			return rapid.SampledFrom([]object{{"country": "US"}, {"country": "DE", "from": "10000", "to": "19999"}, {"country": "US", "region": "CA"}, {"country": "AM"}}).Draw(d.T, "place")
		}
		return object{"id": fmt.Sprint("z", i), "match": d.list(1, 3, place), "exclude": d.list(0, 1, place)}
	}
	origin := func(i int) any {
		return object{"id": fmt.Sprint("o", i), "kind": d.of("warehouse", "store"), "timezone": d.of("Europe/Berlin", "Asia/Yerevan", "America/New_York"),
			"cutoff": d.of("02:30", "14:00"), "workdays": d.some("mon", "tue", "wed", "sat"), "holidays": d.some("2026-03-29", "2026-11-02")}
	}
	ids := []string{}
	method := func(i int) any {
		id := fmt.Sprint("m", i)
		ids = append(ids, id)
		m := object{"id": id, "price": d.price(2), "transit_business_days": object{"min": 1, "max": 1 + d.int(0, 4)}}
		if d.int(0, 3) == 0 {
			m["zones"] = d.some("z0", "z1")
		}
		if d.int(0, 3) == 0 {
			m["origins"] = d.some("o0", "o1")
		}
		if d.int(0, 3) == 0 {
			m["by_origin"] = object{"o1": object{"price": d.price(1)}}
			delete(m, "origins")
		}
		if d.flag() {
			m["packing"] = object{"divisor_cm3_per_kg": 5000, "weight_step_g": d.int(1, 600)}
		}
		return m
	}
	doc := object{"currency": "USD", "timezone": "UTC", "rates": object{"USD->EUR": "0.9137", "USD->JPY": "151.3", "EUR->USD": "1.0931"},
		"zones": d.list(2, 2, zone), "origins": d.list(2, 2, origin)}
	doc["methods"] = d.list(1, 5, method)
	doc["rules"] = d.list(0, 12, func(i int) any {
		phase := d.of("eligibility", "price", "adjust", "adjust", "threshold", "promotion", "round", "promise", "present")
		r := object{"id": fmt.Sprint("r", i), "phase": phase, "priority": d.int(0, 2), "methods": "*",
			"then": d.list(1, 3, func(int) any { return d.action(phase) })}
		if d.flag() {
			r["methods"] = d.some(ids...)
		}
		if d.int(0, 3) > 0 {
			r["when"] = d.condition(3)
		}
		return r
	})
	return doc
}

func (d draw) request() object {
	req := object{"explain": d.flag(), "order_discount_bps": d.int(0, 5000), "currency": d.of("USD", "EUR", "JPY"), "customer": object{"groups": d.some("vip", "none")},
		"dest": rapid.SampledFrom([]object{{"country": "US", "region": "CA", "postcode": "90210", "residential": true}, {"country": "DE", "postcode": "10115"}, {"country": "DE"}, {"country": "AM", "residential": false}, {}}).Draw(d.T, "dest")}
	if d.int(0, 4) > 0 {
		req["now"] = d.of("2026-03-29T00:30:00Z", "2026-03-08T06:45:00Z", "2026-11-01T05:45:00Z", "2026-11-02T22:30:00Z")
	}
	if d.int(0, 9) > 0 {
		req["items"] = d.list(0, 6, func(int) any {
			it := object{"sku": d.of("a", "b", "c"), "quantity": d.int(1, 9), "unit_price": d.int(0, 3000), "tags": d.some("big", "red"), "fragile": d.flag()}
			if d.int(0, 4) > 0 {
				it["weight_g"] = d.int(0, 3000)
			}
			if d.flag() {
				it["hs"] = d.of("610910", "850440")
			}
			if d.int(0, 3) == 0 {
				it["origin"] = d.of("o0", "o1")
			}
			return it
		})
	}
	return req
}

// heard answers each question to a carrier in some way: with prices, with a
// failure and old prices, or not at all.
func (d draw) heard(needs []policy.Need) []policy.Heard {
	all := []policy.Heard{}
	for _, n := range needs {
		h := policy.Heard{Key: n.Key, Carrier: n.Carrier, Origin: n.Origin, LatencyMS: int64(d.int(0, 2000))}
		switch d.int(0, 4) {
		case 0:
			h.Code = d.of("carrier_timeout", "carrier_error", "carrier_breaker_open")
		case 1:
			h.Code, h.Field = "insufficient_data", "item.weight_g"
		case 2:
			h.Code, h.Source, h.AgeS = "carrier_timeout", policy.SourceStale, int64(d.int(1, 20000))
		case 3:
			h.Source, h.AgeS = policy.SourceCache, int64(d.int(1, 900))
		case 4:
			h.Source = policy.SourceLive
		}
		for range d.int(0, 4) {
			h.Rates = append(h.Rates, policy.LiveRate{Service: d.of("slow", "fast", "other"), Level: d.of("", "express"), Amount: int64(d.int(0, 4000)), Currency: d.of("USD", "EUR", "AMD"), TransitDays: int64(d.int(0, 5))})
		}
		if h.Code == "" || h.Source == policy.SourceStale {
			all = append(all, h)
			continue
		}
		h.Rates = nil
		all = append(all, h)
	}
	return all
}

// shuffle is the document with every list in another order whose order must
// not matter.
func (d draw) shuffle(v any, key string, parent object) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, member := range v {
			out[k] = d.shuffle(member, k, v)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = d.shuffle(v[i], "", nil)
		}
		if len(out) < 2 || key == "then" || key == "fallback" || parent["op"] == "between" {
			return out
		}
		return rapid.Permutation(out).Draw(d.T, "order")
	}
	return v
}

func TestTheOrderOfListsNeverMattersAndLinesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw{t}
		doc, wanted := d.document(), d.request()
		text := func(v any) []byte {
			out, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		load := func(v any) *policy.Policy {
			p, err := policy.Load(text(v))
			if err != nil {
				t.Fatalf("%q\n%s", problemsOf(err), text(v))
			}
			return p
		}
		req, err := policy.ParseRequest(text(wanted))
		if err != nil {
			t.Fatalf("%q", problemsOf(err))
		}
		p := load(doc)
		needs := p.Needs(req)
		heard := d.heard(needs)
		a := p.QuoteHeard(req, heard)
		want := string(text(a))
		for range 2 {
			other := load(d.shuffle(doc, "", nil))
			if got := string(text(other.Needs(req))); got != string(text(needs)) {
				t.Fatalf("another order, other questions to carriers:\n%s\n%s", text(needs), got)
			}
			if len(heard) > 1 {
				heard = rapid.Permutation(heard).Draw(t, "heard")
			}
			if got := string(text(other.QuoteHeard(req, heard))); got != want {
				t.Fatalf("another order, another answer:\n%s\n%s", want, got)
			}
		}
		if len(a.Options)+len(a.Hidden) != len(p.Methods()) {
			t.Fatalf("a method is neither offered nor hidden: %s", want)
		}
		for i, o := range a.Options {
			sum, shared := int64(0), int64(0)
			for _, l := range o.Lines {
				sum += l.Delta
			}
			for _, m := range o.ByShipment {
				shared += m.Minor
			}
			if sum != o.Total.Minor || sum < 0 || o.Total.Currency != wanted["currency"] || (o.ByShipment != nil && shared != sum) {
				t.Fatalf("%s: lines %v, by shipment %v, total %v", o.Method, o.Lines, o.ByShipment, o.Total)
			}
			if pr := o.Promise; pr != nil && (pr.SecondsToCutoff < 0 || pr.Ship < pr.Accepted || pr.DeliverMin < pr.Ship || pr.DeliverMax < pr.DeliverMin) {
				t.Fatalf("the promise goes back in time: %+v", pr)
			}
			if i > 0 && o.Total.Minor < a.Options[i-1].Total.Minor && !hasSort(doc) {
				t.Fatalf("not by price: %s", want)
			}
		}
	})
}

func hasSort(doc object) bool {
	for _, r := range doc["rules"].([]any) {
		for _, a := range r.(object)["then"].([]any) {
			if a.(object)["action"] == "sort" {
				return true
			}
		}
	}
	return false
}
