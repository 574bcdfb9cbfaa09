package fake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/fault"
	"doorstep/shipping/carrier"
)

// The refusals of the books.
var (
	errNoParcel = fault.New(fault.NotFound, "fake_no_parcel", "No parcel has that number.")
	errNoWord   = fault.New(fault.Invalid, "fake_no_word", "This carrier has no word for that status.")
)

// path is how a parcel moves when nobody says where to.
var path = []carrier.Status{
	carrier.StatusPending, carrier.StatusPickedUp, carrier.StatusInTransit, carrier.StatusOutForDelivery, carrier.StatusDelivered,
}

// Place is one end of a parcel's way.
type Place struct{ Name, Line1, City, Region, Postcode, Country string }

// Step is where a parcel was once.
type Step struct {
	ID     string
	Status carrier.Status
	Code   string // the carrier's word
	At     time.Time
	Text   string
	Place  Place
}

// Parcel is one labelled parcel in a carrier's books.
type Parcel struct {
	ID       string // the carrier's shipment
	Key      string // the shop's reference
	Number   string
	Service  string
	From, To Place
	WeightG  int64
	Minor    int64 // its price
	Currency string
	Format   carrier.Format
	Voided   bool
	ShippedAt,
	Expected time.Time
	Data  any // what the carrier's own handler wants to remember
	Steps []Step
}

// World is one carrier's books. Its methods are safe for concurrent use; a
// Parcel that they give is a copy.
type World struct {
	clock  clock.Clock
	vendor string

	mu      sync.Mutex
	parcels []*Parcel
	kept    map[string]any // what a handler keeps under a name
	tokens  map[string]time.Time
	made    int
	doubled atomic.Bool
}

func newWorld(c clock.Clock, vendor string) *World {
	return &World{clock: c, vendor: vendor, kept: map[string]any{}, tokens: map[string]time.Time{}}
}

// Now is the carrier's clock.
func (w *World) Now() time.Time { return w.clock.Now() }

// ID makes a new id in lower hex behind prefix, n signs (at most 64).
func (w *World) ID(prefix string, n int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return prefix + w.hex(n)
}

// Digits makes n new decimal digits (at most 32), for tracking numbers.
func (w *World) Digits(n int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Map(func(r rune) rune {
		if r >= 'a' {
			return r - 'a' + '1'
		}
		return r
	}, w.hex(n))
}

func (w *World) hex(n int) string {
	w.made++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", w.vendor, w.made))
	return hex.EncodeToString(sum[:])[:n]
}

// Price is the tariff: base and perKg for every started kilogram, in minor
// units, twice as much from one country to another.
func (w *World) Price(base, perKg, grams int64, from, to string) int64 {
	price := base + perKg*max(1, (grams+999)/1000)
	if !strings.EqualFold(from, to) {
		price *= 2
	}
	return price
}

// Keep remembers v under a name of the handler's own, such as a quote by its id.
func (w *World) Keep(name string, v any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept[name] = v
}

// Kept is what was kept under a name; nil when nothing was.
func (w *World) Kept(name string) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept[name]
}

// Grant makes a token that works for life.
func (w *World) Grant(life time.Duration) string {
	token := w.ID("token-"+w.vendor+"-", 32)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens[token] = w.clock.Now().Add(life)
	return token
}

// Granted tells whether an Authorization header carries a token that works.
func (w *World) Granted(authorization string) bool {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	w.mu.Lock()
	defer w.mu.Unlock()
	return ok && w.clock.Now().Before(w.tokens[token])
}

// Revoke makes all tokens given out so far useless.
func (w *World) Revoke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.tokens)
}

// Ship puts parcels of one shipment into the books, each with a number of its
// own and its first step. It gives those that are there already when the key is
// not empty and was used before (again is true).
func (w *World) Ship(key string, parcels ...Parcel) (shipped []Parcel, again bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if key != "" {
		for _, p := range w.parcels {
			if p.Key == key {
				shipped = append(shipped, p.copy())
			}
		}
		if shipped != nil {
			return shipped, true
		}
	}
	for _, p := range parcels {
		if key != "" {
			p.Key = key
		}
		p.ShippedAt = w.clock.Now()
		p.Expected = p.ShippedAt.Add(72 * time.Hour).Truncate(time.Second)
		w.parcels = append(w.parcels, &p)
		w.step(&p, carrier.StatusPending)
		shipped = append(shipped, p.copy())
	}
	return shipped, false
}

func (p *Parcel) copy() Parcel {
	c := *p
	c.Steps = slices.Clone(p.Steps)
	return c
}

// Parcels are all parcels, in the order in which they were shipped.
func (w *World) Parcels() []Parcel {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]Parcel, len(w.parcels))
	for i, p := range w.parcels {
		all[i] = p.copy()
	}
	return all
}

// Find gives the parcels whose number, shipment or key is name.
func (w *World) Find(name string) []Parcel {
	return slices.DeleteFunc(w.Parcels(), func(p Parcel) bool {
		return name == "" || p.Number != name && p.ID != name && p.Key != name
	})
}

// Void gives back the parcels that Find(name) gives; how many there are and
// whether all were given back before.
func (w *World) Void(name string) (found int, before bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before = true
	for _, p := range w.parcels {
		if name != "" && (p.Number == name || p.ID == name || p.Key == name) {
			found++
			before = before && p.Voided
			p.Voided = true
		}
	}
	return found, before && found > 0
}

// Steps is a parcel's history as the carrier tells it.
func (w *World) Steps(p Parcel) []Step {
	if w.doubled.Load() {
		return append(slices.Clone(p.Steps), p.Steps...)
	}
	return p.Steps
}

// advance moves a parcel to a status, or on along its usual path.
func (w *World) advance(number string, to carrier.Status) (Parcel, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.parcels {
		if p.Number != number {
			continue
		}
		if to == "" {
			at := slices.Index(path, p.Steps[len(p.Steps)-1].Status)
			to = path[min(max(at, 1)+1, len(path)-1)]
			if at == 0 {
				to = path[1]
			}
			for i := slices.Index(path, to); i < len(path)-1 && vendors[w.vendor].Words[to] == ""; i++ {
				to = path[i+1] // the carrier has no word for it
			}
		}
		if _, ok := vendors[w.vendor].Words[to]; !ok {
			return Parcel{}, errNoWord
		}
		w.step(p, to)
		return p.copy(), nil
	}
	return Parcel{}, errNoParcel
}

// step adds to a parcel's history; w is locked. No two steps share an instant,
// so that their order is plain to see.
func (w *World) step(p *Parcel, status carrier.Status) {
	at := w.clock.Now().Truncate(time.Second)
	place := p.From
	if n := len(p.Steps); n > 0 {
		if last := p.Steps[n-1].At; !at.After(last) {
			at = last.Add(time.Second)
		}
		if status != carrier.StatusPickedUp {
			place = p.To
		}
	}
	p.Steps = append(p.Steps, Step{
		ID: "step_" + w.hex(16), Status: status, Code: vendors[w.vendor].Words[status], At: at,
		Text: strings.ReplaceAll(string(status), "_", " "), Place: place,
	})
}
