package analytics

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/internal/money"
)

// Outcome is how a journey has ended, or that it has not.
type Outcome string

// The outcomes. A journey that was left and then became an order is Recovered,
// one that never was left is Ordered.
const (
	Open      Outcome = "open"
	Abandoned Outcome = "abandoned"
	Recovered Outcome = "recovered"
	Ordered   Outcome = "ordered"
)

// Why a journey does not count.
const (
	exBot    = "bot"
	exTest   = "test"
	exMerged = "merged"
	exEmpty  = "empty" // there never was anything in it
)

// frozenAfter is how many days after its own a day of beginnings is closed: what
// happens later changes no figure of it.
const frozenAfter = 7

// Fact is one journey as it counts.
type Fact struct {
	ID        uuid.UUID
	Cart      bool   // false: a checkout without a cart
	Day       string // 2026-03-05, on which it began in the shop's zone
	Started   time.Time
	Last      time.Time // the last that was heard of it, before the day was closed
	Excluded  string
	Checkout  bool
	Reached   int // the furthest step, from 1 (cart) to 7 (order)
	Outcome   Outcome
	Reason    string // of the standard list; empty is not known
	Source    string // of the reason: api, storefront or inferred
	Evidence  []string
	Device    string
	Country   string
	Carrier   string
	Method    string
	Band      string // of the value, see Band
	Currency  string
	Value     int64 // of the goods, minor units
	Times     int   // how often it was left
	SaleDay   string
	SaleTotal int64 // minor units; of the order, whenever it was placed
	Pruned    bool  // the log tells of it no more, or of what came after only
}

// tell makes a fact of all events of one journey, in the order of their time and
// then of their ids. It is a pure function: the same events give the same fact.
func tell(events []cart.Event, zone *time.Location) Fact {
	first := &events[0]
	f := Fact{ID: *first.Journey, Started: first.At, Last: first.At, Cart: true, Reached: 1, Outcome: Open, Evidence: []string{}}
	day := first.At.In(zone)
	f.Day = day.Format(time.DateOnly)
	closed := time.Date(day.Year(), day.Month(), day.Day()+1+frozenAfter, 0, 0, 0, 0, zone)
	t := teller{f: &f}
	for i := range events {
		e := &events[i]
		if e.Checkout != nil && *e.Checkout == f.ID {
			f.Cart = false
		}
		t.always(e, zone)
		if e.At.Before(closed) {
			t.read(e)
		}
	}
	t.finish()
	return f
}

// teller gathers what a fact needs besides what stands in it.
type teller struct {
	f                               *Fact
	pieces, ordered, bot, test, mrg bool
	said                            bool // the reason was given by the shopper
	gone                            bool // it was left, and nobody has come back
}

// always reads what counts whenever it happens: what was sold is sold, and a
// robot is one from the beginning.
func (t *teller) always(e *cart.Event, zone *time.Location) {
	t.bot = t.bot || e.Device == cart.Bot
	t.test = t.test || e.Test
	if e.Kind == cart.OrderPlaced && t.f.SaleDay == "" {
		t.f.SaleDay = e.At.In(zone).Format(time.DateOnly)
		if e.Attributes.Total != nil {
			t.f.SaleTotal = *e.Attributes.Total
		}
		if t.f.Currency == "" {
			t.f.Currency = e.Currency
		}
	}
}

// read adds one event that came before the day was closed.
func (t *teller) read(e *cart.Event) {
	f := t.f
	f.Last = e.At
	if e.Pieces != nil {
		t.pieces = t.pieces || *e.Pieces > 0
		if e.Value != nil && (*e.Pieces > 0 || !t.pieces) {
			f.Value = *e.Value // of a cart that was emptied, what was in it
		}
	}
	if e.Source != cart.Inferred {
		f.Reached = max(f.Reached, e.Step.Rank())
		if e.Device != cart.Other || f.Device == "" { // a program that calls for the shopper hides no device
			latest(&f.Device, string(e.Device))
		}
		latest(&f.Country, e.Country)
		latest(&f.Carrier, e.Carrier)
		latest(&f.Method, e.Method)
		latest(&f.Currency, e.Currency)
	}
	f.Checkout = f.Checkout || e.Kind == cart.CheckoutStarted
	switch e.Kind {
	case cart.OrderPlaced:
		t.ordered, f.Checkout = true, true
	case cart.CartMerged:
		t.mrg = true
	case cart.CartDeleted:
		t.gone = true
	case cart.JourneyAbandoned:
		f.Times, t.gone = f.Times+1, true
		t.inferred(e)
	case cart.JourneyRecovered:
		t.gone = false
	case cart.CheckoutCanceled, cart.ReasonGiven:
		if slices.Contains(cart.Reasons, e.Reason) {
			f.Reason, f.Source, f.Evidence, t.said = e.Reason, string(e.Source), []string{"said"}, true
		}
	}
}

// inferred takes over why a shopper is taken to have left, unless they have said
// it.
func (t *teller) inferred(e *cart.Event) {
	if t.said {
		return
	}
	f := t.f
	f.Reason, f.Source, f.Evidence = e.Reason, "", []string{}
	if e.Reason != "" {
		f.Source = string(cart.Inferred)
	}
	for _, x := range e.Attributes.Evidence {
		f.Evidence = append(f.Evidence, x.Code)
	}
}

func (t *teller) finish() {
	f := t.f
	switch {
	case t.test:
		f.Excluded = exTest
	case t.bot:
		f.Excluded = exBot
	case t.mrg && !t.ordered:
		f.Excluded = exMerged
	case !t.pieces:
		f.Excluded = exEmpty
	}
	switch {
	case t.ordered && f.Times > 0:
		f.Outcome = Recovered
	case t.ordered:
		f.Outcome = Ordered
	case t.gone:
		f.Outcome = Abandoned
	}
	if f.Outcome != Abandoned { // nobody has left, so there is no reason
		f.Reason, f.Source, f.Evidence = "", "", []string{}
	}
	f.Band = Band(f.Value, f.Currency)
}

func latest(into *string, value string) {
	if value != "" {
		*into = value
	}
}

// Band is the band of a value in minor units of a currency, named by its ends in
// whole units of it, the lower one included: "0-10", "10-20", "20-50", "50-100",
// "100-200" and so on. So it fits currencies of any size.
func Band(minor int64, currency string) string {
	exponent, err := money.Exponent(currency)
	if err != nil {
		exponent = 2
	}
	for range exponent {
		minor /= 10
	}
	low, high := int64(0), int64(10)
	for i := 0; minor >= high && high < 1e17; i++ {
		low = high
		switch i % 3 {
		case 1:
			high = high / 2 * 5
		default:
			high *= 2
		}
	}
	return strconv.FormatInt(low, 10) + "-" + strconv.FormatInt(high, 10)
}
