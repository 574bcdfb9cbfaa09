package cases

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// Stage is how far an order has come that a plan brings about.
type Stage string

// The stages. Those of parcels tell their words with their scans.
const (
	Pending    Stage = "pending"    // the transfer has not come
	Authorized Stage = "authorized" // the money is held
	Paid       Stage = "paid"       // nothing has left
	Sent       Stage = "sent"       // parcels are under way, or there
	Canceled   Stage = "canceled"
)

// The stages of a return.
const (
	ReturnRequested = "requested"
	ReturnApproved  = "approved"
	ReturnSent      = "in_transit"
	ReturnReceived  = "received"
	ReturnInspected = "inspected" // and the money is still to come
	ReturnRefunded  = "refunded"
	ReturnRejected  = "rejected"
)

// Scan is a word of the carrier, as the shop's own codes have it.
type Scan struct {
	Word, Place string
	At          time.Time
}

// Parcel is what leaves together. Without Items it is all that is left.
type Parcel struct {
	Items    []string
	Left     time.Time
	Scans    []Scan
	Expected time.Time // by the carrier; zero when it has not said
}

// Plan is how an order comes about: everything that has to happen, and when.
type Plan struct {
	Order           *Order
	Stage           Stage
	Items           []Item // each with its price
	Shipping        int64
	Currency        string
	Method          string // card, bank_transfer or cash_on_delivery
	Placed          time.Time
	Promised        time.Time // the last day that the buyer was promised
	Parcels         []Parcel
	Canceled        time.Time
	Return          string // the stage of it, or empty
	ReturnAt        time.Time
	Exchange        bool
	Claim           string    // its kind, or empty
	Refund          int64     // what goes back by itself, without a return
	RefundAt        time.Time // of either
	RefundsShipping bool      // with the return
	Warnings        []string
}

// state is what one of the world's words stands for.
type state struct {
	stage   Stage
	scan    string // the last word of the carrier
	back    string // the stage of a return
	special string // anything else
	near    bool   // only the closest that the shop has
}

var states = map[string]state{
	"payment_pending": {stage: Pending}, "pending": {stage: Pending}, "pending_payment": {stage: Pending}, "awaiting_payment": {stage: Pending}, "unpaid": {stage: Pending},
	"payment_failed": {stage: Pending, near: true}, "payment_declined": {stage: Pending, near: true},
	"authorized": {stage: Authorized}, "payment_authorized": {stage: Authorized}, "authorised": {stage: Authorized},
	"paid_unfulfilled": {stage: Paid}, "paid": {stage: Paid}, "unfulfilled": {stage: Paid}, "processing": {stage: Paid}, "confirmed": {stage: Paid}, "placed": {stage: Paid},
	"new": {stage: Paid}, "open": {stage: Paid}, "packed": {stage: Paid}, "preparing": {stage: Paid}, "gift": {stage: Paid, special: "fields"},
	"on_hold": {stage: Paid, near: true}, "backordered": {stage: Paid, near: true}, "preorder": {stage: Paid, near: true}, "partially_cancelled": {stage: Paid, near: true}, "partially_canceled": {stage: Paid, near: true},
	"shipped": {stage: Sent, scan: "in_transit"}, "in_transit": {stage: Sent, scan: "in_transit"}, "dispatched": {stage: Sent, scan: "in_transit"}, "fulfilled": {stage: Sent, scan: "in_transit"}, "sent": {stage: Sent, scan: "in_transit"},
	"late": {stage: Sent, scan: "in_transit"}, "delayed": {stage: Sent, scan: "delivery_delayed"}, "picked_up": {stage: Sent, scan: "picked_up"}, "label_created": {stage: Sent, scan: "pending"},
	"out_for_delivery": {stage: Sent, scan: "out_for_delivery"}, "ready_for_pickup": {stage: Sent, scan: "ready_for_pickup"}, "pickup": {stage: Sent, scan: "ready_for_pickup"}, "available_for_pickup": {stage: Sent, scan: "ready_for_pickup"},
	"delivery_failed": {stage: Sent, scan: "delivery_failed"}, "failed_delivery": {stage: Sent, scan: "delivery_failed"}, "delivery_attempted": {stage: Sent, scan: "delivery_failed"},
	"customs_hold": {stage: Sent, scan: "customs_hold"}, "customs": {stage: Sent, scan: "customs_hold"}, "held_at_customs": {stage: Sent, scan: "customs_hold"},
	"returned_to_sender": {stage: Sent, scan: "returned"}, "return_to_sender": {stage: Sent, scan: "return_to_sender"}, "lost": {stage: Sent, scan: "in_transit", special: "lost"},
	"delivered": {stage: Sent, scan: "delivered"}, "completed": {stage: Sent, scan: "delivered"}, "complete": {stage: Sent, scan: "delivered"}, "closed": {stage: Sent, scan: "delivered"},
	"claimed": {stage: Sent, scan: "delivered", special: "claim"}, "claim_open": {stage: Sent, scan: "delivered", special: "claim"}, "disputed": {stage: Sent, scan: "delivered", near: true},
	"partially_shipped": {stage: Sent, special: "part"}, "partially_fulfilled": {stage: Sent, special: "part"}, "split": {stage: Sent, special: "part"}, "partially_delivered": {stage: Sent, special: "part"},
	"cancelled": {stage: Canceled}, "canceled": {stage: Canceled}, "voided": {stage: Canceled},
	"returned": {stage: Sent, scan: "delivered", back: ReturnRefunded}, "refunded": {stage: Sent, scan: "delivered", back: ReturnRefunded}, "return_refunded": {stage: Sent, scan: "delivered", back: ReturnRefunded},
	"return_requested": {stage: Sent, scan: "delivered", back: ReturnRequested}, "return_approved": {stage: Sent, scan: "delivered", back: ReturnApproved}, "return_in_transit": {stage: Sent, scan: "delivered", back: ReturnSent},
	"return_shipped": {stage: Sent, scan: "delivered", back: ReturnSent}, "return_received": {stage: Sent, scan: "delivered", back: ReturnReceived}, "refund_pending": {stage: Sent, scan: "delivered", back: ReturnInspected},
	"return_inspected": {stage: Sent, scan: "delivered", back: ReturnInspected}, "return_rejected": {stage: Sent, scan: "delivered", back: ReturnRejected},
	"partially_refunded": {stage: Sent, scan: "delivered", special: "refund"}, "exchange": {stage: Sent, scan: "delivered", special: "exchange"}, "exchanged": {stage: Sent, scan: "delivered", special: "exchange"}, "exchange_requested": {stage: Sent, scan: "delivered", special: "exchange"},
}

// stateOf is what an order's word stands for, or its closest by its fields.
func (w *World) stateOf(p *Plan) state {
	f := p.Order.fields
	known, ok := states[word(p.Order.State)]
	if ok && known.near {
		p.warn("the shop has no orders that are %s: it is played as %s", p.Order.State, known.stage)
	}
	if ok && known.special != "fields" {
		return known
	}
	guess := state{stage: Paid}
	switch {
	case len(f.object("refund")) > 0:
		guess = states["returned"]
	case f["shipments"] != nil:
		guess = states["partially_shipped"]
	case !f.time("cancelled_at", "canceled_at").IsZero():
		guess = states["cancelled"]
	case f.text("delivered_at", "returnable_until") != "":
		guess = states["delivered"]
	case f.text("tracking", "last_scan", "shipped_at") != "", !ok && f.text("eta") != "" && f["cancellable"] == nil:
		guess = states["shipped"]
	case strings.Contains(word(f.text("payment", "payment_status")), "pending"):
		guess = states["pending"]
	}
	if !ok {
		p.warn("nothing is known of the state %q: by its fields it is played as %s", p.Order.State, guess.stage)
	}
	return guess
}

func (p *Plan) warn(format string, args ...any) {
	p.Warnings = append(p.Warnings, "order "+p.Order.Name+": "+fmt.Sprintf(format, args...))
}

// Plan says how an order of the world comes about. It is nil for one that exists
// nowhere.
func (w *World) Plan(o *Order) *Plan {
	if !o.Exists() {
		return nil
	}
	p := &Plan{Order: o, Currency: w.Store.Currency, Method: "card"}
	if c := cmp.Or(strings.ToUpper(o.fields.object("refund").text("currency")), strings.ToUpper(o.fields.text("currency"))); c != "" {
		p.Currency = c
	}
	s := w.stateOf(p)
	p.Stage = s.stage
	switch how := word(o.fields.text("payment", "payment_method", "method")); {
	case s.stage == Pending || strings.Contains(how, "transfer"):
		p.Method = "bank_transfer"
	case how == "cod" || strings.Contains(how, "cash"):
		p.Method = "cash_on_delivery"
	}
	w.planItems(p, s)
	switch p.Stage {
	case Sent:
		w.planParcels(p, s)
	case Canceled:
		p.Canceled = w.past(o.fields.time("cancelled_at", "canceled_at"), 24*time.Hour)
		p.Placed = w.past(o.fields.time("placed_at", "ordered_at", "created_at"), w.Now.Sub(p.Canceled)+24*time.Hour)
	default:
		p.Placed = w.past(o.fields.time("placed_at", "ordered_at", "created_at"), 20*time.Hour)
		p.Promised, _, _ = readTime(o.fields.text("eta", "promised", "promised_by"))
		if late := readHandling(o.fields); !late.IsZero() {
			p.Promised = late
		}
	}
	w.planBack(p, s)
	if p.Promised.IsZero() {
		p.Promised = p.Placed.AddDate(0, 0, 6)
	}
	if earliest := p.Placed.AddDate(0, 0, 1); p.Promised.Before(earliest) {
		p.Placed = p.Promised.AddDate(0, 0, -2)
	}
	return p
}

// readHandling is the promised day of orders that say it as ships_by.
func readHandling(f fields) time.Time {
	if at := f.time("ships_by", "ship_by"); !at.IsZero() && f.text("eta") == "" {
		return at.AddDate(0, 0, 3)
	}
	return time.Time{}
}

// past is an instant that is over: at, or so long ago when nobody has said.
func (w *World) past(at time.Time, ago time.Duration) time.Time {
	if at.IsZero() {
		return w.Now.Add(-ago)
	}
	if latest := w.Now.Add(-time.Hour); at.After(latest) {
		return latest
	}
	return at
}

// someItem is what is in an order of which nobody has said what is in it.
const someItem = "linen tea towel"

// price is what a thing costs of which nobody has said: always the same.
func price(title string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(title))) // it never fails
	return 900 + int64(h.Sum32()%40)*100
}

// Price is what a product costs in the world's shop.
func (w *World) Price(title string) int64 {
	for _, p := range w.Products {
		if strings.EqualFold(p.Title, title) && p.Price > 0 {
			return p.Price
		}
	}
	return price(title)
}

// Stock is how many units of a product there are on the world's day.
func (w *World) Stock(title string) int64 {
	for _, p := range w.Products {
		if strings.EqualFold(p.Title, title) && p.Stock >= 0 {
			return p.Stock
		}
	}
	return 25
}

// planItems puts prices on the items, so that the sums are those of the world.
func (w *World) planItems(p *Plan, s state) {
	p.Items, p.Shipping = slices.Clone(p.Order.Items), 390
	for _, part := range list(p.Order.fields["shipments"]) {
		title := part.text("item", "title", "name")
		if title != "" && !slices.ContainsFunc(p.Items, func(i Item) bool { return strings.EqualFold(i.Title, title) }) {
			p.Items = append(p.Items, Item{Title: title, Quantity: 1})
		}
	}
	if len(p.Items) == 0 {
		p.Items = []Item{{Title: someItem, Quantity: 1}}
	}
	sum := int64(0)
	for i := range p.Items {
		if p.Items[i].Price == 0 {
			p.Items[i].Price = w.Price(p.Items[i].Title)
		}
		sum += p.Items[i].Price * p.Items[i].Quantity
	}
	total := p.Order.fields.minor(p.Currency, "total", "amount", "grand_total")
	amount := p.Order.fields.object("refund").minor(p.Currency, "amount", "total")
	switch {
	case amount > 0 && (s.back != "" || s.stage == Canceled):
		p.share(amount)
		p.RefundsShipping = p.Shipping > 0 && s.back != ""
	case total > sum:
		p.Shipping = total - sum
	case total > 0:
		p.share(total)
	}
	if amount > 0 && s.back == "" && s.stage != Canceled {
		p.Refund = amount
		if more := amount - sum; more > 0 {
			p.Items[0].Price += more/p.Items[0].Quantity + 1
		}
	}
}

// share puts such prices on the items that all together cost the sum. What cannot
// be divided is what shipping costs.
func (p *Plan) share(sum int64) {
	units := int64(0)
	for _, i := range p.Items {
		units += i.Quantity
	}
	each := max(sum/units, 1)
	for i := range p.Items {
		p.Items[i].Price = each
	}
	p.Shipping = max(sum-each*units, 0)
}

// list are the objects of a list; a single one counts as a list.
func list(v any) (all []fields) {
	switch in := v.(type) {
	case map[string]any:
		return []fields{in}
	case []any:
		for _, one := range in {
			if f, ok := one.(map[string]any); ok {
				all = append(all, f)
			}
		}
	}
	return all
}
