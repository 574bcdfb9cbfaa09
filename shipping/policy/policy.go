// Package policy is the merchant's shipping policy: the document
// `shipping-policy/v1`, its compiler, and an evaluator that says which methods
// a shopper is offered, at what price, and why others are not.
//
// It is pure. Time enters as the request's `now`, nothing is asked of carriers
// or stores, and sums are integers: the same policy and request give the same
// bytes. The order of the lists in a document cannot matter, because the
// compiler sorts the document before it builds anything from it.
//
// A quote goes through fixed phases: eligibility, price, adjust, threshold,
// promotion, round, promise, present. Inside a phase rules run by priority and
// id. Facts that are missing make a condition unknown: in eligibility that hides
// the method with the code insufficient_data, elsewhere the rule does not apply
// and a price it is about is marked as an estimate.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/money"
)

// ErrInvalid is a document that is no shipping policy; Fields list each wrong
// place by its path and what is wrong there.
var ErrInvalid = fault.New(fault.Invalid, "policy_invalid", "The shipping policy has mistakes.")

// Policy is a compiled document. It never changes and may be used by many
// goroutines at once.
type Policy struct {
	doc      *Document // sorted
	hash     string
	zone     *time.Location
	zones    []zone
	origins  []origin // by id
	home     *origin
	packings []packing
	methods  []method // by id
	rules    []rule   // by phase, priority, id
	live     bool     // a price is a carrier's
	rates    map[string]ratio
	rounding struct {
		step step
		mode string
	}
}

// Parse reads a document strictly: unknown fields, doubled keys, wrong types
// and values out of range are refused with the path to them. It does not look
// at what the document means; Compile does. The error is ErrInvalid.
func Parse(data []byte) (*Document, error) { return parse(data, maxDocument) }

func parse(data []byte, longest int) (*Document, error) {
	var bad problems
	doc := &Document{}
	if n := read(data, longest, &bad); n != nil {
		documentShape.into(reflect.ValueOf(doc).Elem(), n, "", &bad)
	}
	if err := bad.err(ErrInvalid); err != nil {
		return nil, err
	}
	return doc, nil
}

// Compile checks what a document means and builds the policy. The document is
// neither changed nor kept. The error is ErrInvalid.
func Compile(doc *Document) (*Policy, error) {
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, ErrInvalid.Because(err)
	}
	// A document made in Go has not been through Parse. Escapes may have made
	// the text longer than what was read.
	own, err := parse(raw, 8*maxDocument)
	if err != nil {
		return nil, err
	}
	var bad problems
	build(own, &bad) // for the paths of the document as it was written
	if err := bad.err(ErrInvalid); err != nil {
		return nil, err
	}
	own.sort()
	raw, err = json.Marshal(own)
	if err != nil {
		return nil, ErrInvalid.Because(err)
	}
	p := build(own, &bad)
	sum := sha256.Sum256(raw)
	p.hash = hex.EncodeToString(sum[:])
	return p, bad.err(ErrInvalid)
}

// Load is Parse and Compile.
func Load(data []byte) (*Policy, error) {
	doc, err := Parse(data)
	if err != nil {
		return nil, err
	}
	return Compile(doc)
}

// Hash is the SHA-256 of the document's canonical form, in hexadecimal. Two
// documents that differ only in the order of their lists have the same.
func (p *Policy) Hash() string { return p.hash }

// Currency is the one currency of the policy's amounts.
func (p *Policy) Currency() string { return p.doc.Currency }

// Methods are the ids of all methods, in byte order.
func (p *Policy) Methods() []string {
	ids := make([]string, len(p.methods))
	for i := range p.methods {
		ids[i] = p.methods[i].id
	}
	return ids
}

// method is a compiled Method.
type method struct {
	id               string
	name             Text
	carrier, service string
	zoned            bool
	zones            []int
	origins          []string // sorted
	limits           *Limits
	packing          int
	price            *price // nil when only branches have one
	transit          *Transit
	byOrigin         map[string]branch
	branches         []string // keys of byOrigin, sorted
	rules            [phaseCount][]ruleUse
	live             bool   // a carrier has to be asked for its price
	offerRule        string // the first rule that offers it; then one has to
}

// rule is a compiled Rule.
type rule struct {
	id         string
	index      int
	phase      phase
	priority   int64
	when       *test
	then       []action
	all        bool            // it is about all methods,
	named      map[string]bool // or about these
	hint       bool
	thresholds []*leaf // what a hint may be about
	group      string  // of first-match-wins
	onlyCode   string  // of require_only
	only       bool
	offers     bool
	hides      bool
	priced     bool
	stops      bool
}

// ruleUse is a rule as it concerns one method; outside when the method is not
// among those that require_only leaves. A quick one is done with as soon as its
// condition is known not to hold, which is the fate of most.
type ruleUse struct {
	rule    *rule
	index   int32
	outside bool
	quick   bool
}

// build makes a policy of a document whose form is right.
func build(doc *Document, bad *problems) *Policy {
	p := &Policy{doc: doc, zone: time.UTC, rates: map[string]ratio{}}
	b := &builder{p: p, bad: bad, methods: map[string]bool{}}
	if !money.Known(doc.Currency) {
		bad.add("currency", "is not a known currency")
	}
	p.zone = b.timezone(doc.Timezone, time.UTC, "timezone")
	b.settings()
	b.packaging()
	b.unique(len(doc.Zones), "zones", func(i int) string { return doc.Zones[i].ID })
	for i := range doc.Zones {
		p.zones = append(p.zones, compileZone(&doc.Zones[i], index("zones", i), bad))
	}
	b.unique(len(doc.Origins), "origins", func(i int) string { return doc.Origins[i].ID })
	for i := range doc.Origins {
		p.origins = append(p.origins, b.origin(&doc.Origins[i], index("origins", i)))
	}
	slices.SortFunc(p.origins, func(x, y origin) int { return strings.Compare(x.id, y.id) })
	p.home = homeOf(p.origins)
	b.unique(len(doc.Methods), "methods", func(i int) string { return doc.Methods[i].ID })
	for i := range doc.Methods {
		p.methods = append(p.methods, b.method(&doc.Methods[i], index("methods", i)))
		b.methods[doc.Methods[i].ID] = true
	}
	b.unique(len(doc.Rules), "rules", func(i int) string { return doc.Rules[i].ID })
	for i := range doc.Rules {
		p.rules = append(p.rules, b.rule(&doc.Rules[i], index("rules", i)))
	}
	b.link()
	return p
}

// homeOf is where goods leave from that name no origin: the only one, else the
// first warehouse by id, else the first.
func homeOf(origins []origin) *origin {
	for i := range origins {
		if origins[i].kind == "warehouse" {
			return &origins[i]
		}
	}
	if len(origins) > 0 {
		return &origins[0]
	}
	return nil
}

func (b *builder) unique(n int, at string, id func(int) string) {
	seen := make(map[string]bool, n)
	for i := range n {
		if seen[id(i)] {
			b.bad.add(index(at, i)+".id", "is used twice")
		}
		seen[id(i)] = true
	}
}

// settings are the parts of a document that stand by themselves.
func (b *builder) settings() {
	doc := b.p.doc
	for _, pair := range sortedKeys(doc.Rates) {
		from, to, _ := strings.Cut(pair, "->")
		at := join("rates", pair)
		if !money.Known(from) || !money.Known(to) || from == to {
			b.bad.add(at, "must name two known currencies")
			continue
		}
		r, ok := makeRatio(doc.Rates[pair], from, to)
		if !ok {
			b.bad.add(at, "must be above zero, with at most 15 decimals")
		}
		b.p.rates[pair] = r
	}
	if r := doc.Rounding; r != nil {
		b.p.rounding.step, b.p.rounding.mode = b.step(r.StepMajor, "rounding.step_major"), r.Mode
	}
	for i := range doc.CarrierDimRules {
		r, at := &doc.CarrierDimRules[i], index("carrier_dim_rules", i)
		if r.From != "" && r.To != "" && r.From >= r.To {
			b.bad.add(at, "ends before it begins; to is the first day after")
		}
		for j := range i {
			o := &doc.CarrierDimRules[j]
			if o.Carrier == r.Carrier && (o.To == "" || r.From < o.To) && (r.To == "" || o.From < r.To) {
				b.bad.add(at, "overlaps another rule of %s", r.Carrier)
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (p *Policy) origin(id string) *origin {
	i, found := slices.BinarySearchFunc(p.origins, id, func(o origin, id string) int { return strings.Compare(o.id, id) })
	if !found {
		return nil
	}
	return &p.origins[i]
}

// zoneIndex is the index of a zone, -1 when there is none.
func (p *Policy) zoneIndex(id string) int {
	return slices.IndexFunc(p.zones, func(z zone) bool { return z.id == id })
}

func (p *Policy) method(id string) *method {
	i := slices.IndexFunc(p.methods, func(m method) bool { return m.id == id })
	if i < 0 {
		return nil
	}
	return &p.methods[i]
}
