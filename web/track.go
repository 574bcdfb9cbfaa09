package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// registerTracking adds the page of one order at /t/{token}, what its buyer can do
// there, and the look-up of an order by number and e-mail.
func (s *Site) registerTracking(app *fiber.App) {
	if s.options.ShopKey != "" {
		s.get(app, "/t", lookUpPage)
		s.post(app, "/t", lookUp)
	}
	s.get(app, "/t/:token", trackPage)
	s.get(app, "/t/:token/return", returnPage)
	s.post(app, "/t/:token/return", askReturn)
	s.get(app, "/t/:token/returns/:id/label", returnLabel)
	s.post(app, "/t/:token/documents/:id", openDocument)
	if s.options.ShopKey != "" {
		open := func(add func(*fiber.App, string, func(*visit) error)) func(string, func(*visit) error) {
			return func(path string, page func(*visit) error) { add(app, path, page) }
		}
		trackHelp().register(open(s.get), open(s.post), s, app, "/t/:token/help")
	}
	s.registerRecovery(app)
	s.registerSupply(app)
}

// tracked is an order as the API tells it to whoever holds its link.
type tracked struct {
	Number            string     `json:"number"`
	Status            string     `json:"status"`
	PaymentStatus     string     `json:"payment_status"`
	PaymentStatusText string     `json:"payment_status_text"`
	FulfillmentStatus string     `json:"fulfillment_status"`
	PlacedAt          time.Time  `json:"placed_at"`
	CanceledAt        *time.Time `json:"canceled_at"`
	PricesIncludeTax  bool       `json:"prices_include_tax"`
	Totals            struct {
		Subtotal, Discount, Shipping, Tax, Total Money
		Duties                                   *Money
	} `json:"totals"`
	Lines     []trackedLine   `json:"lines"`
	Shipping  string          `json:"shipping"`
	Promise   *trackedPromise `json:"promise"`
	Shipments []trackedParcel `json:"shipments"`
	Returns   []trackedReturn `json:"returns"`
	Documents []trackedPaper  `json:"documents"`
	Payment   trackedPayment  `json:"payment"`
	Shop      trackedShop     `json:"shop"`
	URL       string          `json:"tracking_url"`
	Canceling bool            `json:"cancelable"`
}

type trackedLine struct {
	ID      string `json:"line_id"`
	Title   string `json:"title"`
	Options []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"options"`
	Image       string     `json:"image"`
	Quantity    int64      `json:"quantity"`
	Shipped     int64      `json:"shipped"`
	Canceled    int64      `json:"canceled"`
	Returned    int64      `json:"returned"`
	Total       Money      `json:"total"`
	Returnable  int64      `json:"returnable"`
	ReturnUntil *time.Time `json:"return_until"`
}

// Choices are the options of a line in one go: "Blue, L".
func (l trackedLine) Choices() string {
	all := make([]string, len(l.Options))
	for i, o := range l.Options {
		all[i] = o.Value
	}
	return strings.Join(all, ", ")
}

type trackedPromise struct {
	From      string `json:"from"`
	To        string `json:"to"`
	State     string `json:"state"`
	Why       string `json:"why"`
	LateSince string `json:"late_since"`
	Expected  string `json:"expected"`
	Arrived   string `json:"arrived"`
}

type trackedParcel struct {
	CarrierName    string `json:"carrier_name"`
	CarrierURL     string `json:"carrier_url"`
	TrackingNumber string `json:"tracking_number"`
	Status         string `json:"status"`
	TrackingStatus string `json:"tracking_status"`
	StatusText     string `json:"status_text"`
	Lines          []struct {
		ID       string `json:"line_id"`
		Quantity int64  `json:"quantity"`
	} `json:"lines"`
	ExpectedAt  *time.Time `json:"expected_at"`
	DeliveredAt *time.Time `json:"delivered_at"`
	Proof       *struct {
		SignedBy string `json:"signed_by"`
		PhotoURL string `json:"photo_url"`
	} `json:"proof"`
	Events []trackedEvent `json:"events"`
}

type trackedEvent struct {
	Status      string    `json:"status"`
	StatusText  string    `json:"status_text"`
	OccurredAt  time.Time `json:"occurred_at"`
	Location    string    `json:"location"`
	ZoneGuessed bool      `json:"zone_guessed"`
	Reason      string    `json:"reason"`
}

type trackedReturn struct {
	ID         string    `json:"id"`
	Number     string    `json:"number"`
	Status     string    `json:"status"`
	StatusText string    `json:"status_text"`
	Reason     string    `json:"reject_reason"`
	Refunded   Money     `json:"refunded"`
	Label      bool      `json:"label"`
	CreatedAt  time.Time `json:"created_at"`
	Lines      []struct {
		ID       string `json:"line_id"`
		Quantity int64  `json:"quantity"`
	} `json:"lines"`
}

type trackedPaper struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Number string `json:"number"`
	Total  Money  `json:"total"`
}

type trackedPayment struct {
	Method     string `json:"method"`
	MethodText string `json:"method_text"`
	Paid       Money  `json:"paid"`
	Refunded   Money  `json:"refunded"`
	Refunds    []struct {
		Amount     Money     `json:"amount"`
		StatusText string    `json:"status_text"`
		To         string    `json:"to"`
		CreatedAt  time.Time `json:"created_at"`
	} `json:"refunds"`
}

type trackedShop struct {
	Name       string `json:"name"`
	Email      string `json:"email"`
	Timezone   string `json:"timezone"`
	ReturnDays int64  `json:"return_window_days"`
}

// Days is the return window as a count of words.
func (s trackedShop) Days() int { return int(s.ReturnDays) }

// trackFrame is what the layout of these pages shows.
type trackFrame struct {
	Shop string // whose page it is
	Home string // the storefront, if there is one
	Chat string // where the order of the page can be asked about
}

func (v *visit) trackFrame(shop string) trackFrame {
	f := trackFrame{Shop: shop}
	if v.site.options.ShopKey != "" {
		f.Home = "/shop"
		if token := v.trackToken(); token != "" && shop != "" {
			f.Chat = "/t/" + url.PathEscape(token) + "/help"
		}
	}
	return f
}

// trackToken is the token of the address, as the API takes it.
func (v *visit) trackToken() string { return strings.Clone(v.Params("token")) }

// trackAPI is a route of the API about the order that the link opens.
func trackAPI(token, more string) string { return "/v1/track/" + url.PathEscape(token) + more }

// order reads what the link opens. A link that opens nothing shows a page that
// says so, and no order.
func (v *visit) order() (o *tracked, err error) {
	v.private()
	o = &tracked{}
	return o, v.call(ask{Path: trackAPI(v.trackToken(), "")}, o)
}

// private keeps the address of the page out of other sites' logs and out of
// search engines: whoever has it sees the order.
func (v *visit) private() {
	v.Set("Referrer-Policy", "no-referrer")
	v.Set("X-Robots-Tag", "noindex, nofollow")
}

// refuse shows what became of a request about the link's order.
func (v *visit) refuse(err error) error {
	var p *Problem
	if errors.As(err, &p) && (p.Code == "link_invalid" || p.Status == fiber.StatusUnprocessableEntity && p.At("path.token") != "") {
		v.Status(fiber.StatusNotFound)
		return v.showIn("track/gone", v.trackFrame(""), v.site.options.ShopKey != "")
	}
	return err
}

func trackPage(v *visit) error {
	o, err := v.order()
	if err != nil {
		return v.refuse(err)
	}
	return v.showOrder(o, nil)
}

// showOrder shows the page of an order; change adds to it.
func (v *visit) showOrder(o *tracked, change func(*orderPage)) error {
	p := v.orderPage(o)
	p.Token = v.trackToken()
	p.Chat = v.trackFrame(o.Shop.Name).Chat
	if change != nil {
		change(p)
	}
	return v.showIn("track/order", v.trackFrame(o.Shop.Name), p)
}

// orderPage is an order as its page shows it.
type orderPage struct {
	*tracked
	Token    string // empty when it was found by its number
	Chat     string // where it can be asked about; empty for who has no link
	Headline string
	Tone     string // good, bad, warn, info
	Sub      string // what the headline leaves open
	Stage    *stages
	Parcels  []parcelView
	Rest     []packed // not in a parcel yet
	Promised *promiseView
	Poll     int // milliseconds between looks; 0 when nothing moves any more
	AsOf     moment
	Returns  []returnView
	Sendable bool  // something can be sent back
	Taken    Money // what was paid, less what went back
	DocEmail string
	DocError string
}

// packed is a number of units of a line.
type packed struct {
	Line     *trackedLine
	Quantity int64
}

type returnView struct {
	trackedReturn
	Goods []packed
	Day   string
	Tone  string
}

const (
	pollUsual = 30 * time.Second
	pollDemo  = 4 * time.Second
)

// orderPage works out what the page says.
func (v *visit) orderPage(o *tracked) *orderPage {
	zone := zoneOf(o.Shop.Timezone)
	p := &orderPage{tracked: o, AsOf: v.moment(v.site.options.Clock.Now().In(zone), false)}
	live := slices.DeleteFunc(slices.Clone(o.Shipments), func(s trackedParcel) bool { return s.Status == "canceled" })
	for i := range live {
		p.Parcels = append(p.Parcels, v.parcelView(o, &live[i], zone, i+1, len(live)))
	}
	p.Rest = unpacked(o, live)
	p.Promised = v.promiseView(o.Promise)
	v.headline(p)
	if moving(o, live) {
		every := pollUsual
		if v.site.options.Demo {
			every = pollDemo
		}
		p.Poll = int(every.Milliseconds())
	}
	for _, r := range o.Returns {
		p.Returns = append(p.Returns, v.returnView(o, r, zone))
	}
	p.Sendable = slices.ContainsFunc(o.Lines, func(l trackedLine) bool { return l.Returnable > 0 })
	p.Taken = Money{o.Payment.Paid.Amount - o.Payment.Refunded.Amount, o.Payment.Paid.Currency}
	return p
}

// moving says whether the page may soon say something else.
func moving(o *tracked, live []trackedParcel) bool {
	if o.Status == "canceled" {
		return false
	}
	for _, s := range live {
		if s.Status != "delivered" && s.Status != "returned_to_sender" {
			return true
		}
	}
	return len(unpacked(o, live)) > 0
}

// unpacked are the units that are in no parcel.
func unpacked(o *tracked, live []trackedParcel) (rest []packed) {
	if o.Status == "canceled" {
		return nil
	}
	inside := map[string]int64{}
	for _, s := range live {
		for _, l := range s.Lines {
			inside[l.ID] += l.Quantity
		}
	}
	for i := range o.Lines {
		l := &o.Lines[i]
		if left := l.Quantity - l.Canceled - inside[l.ID]; left > 0 {
			rest = append(rest, packed{l, left})
		}
	}
	return rest
}

// line finds a line of the order.
func (o *tracked) line(id string) *trackedLine {
	for i := range o.Lines {
		if o.Lines[i].ID == id {
			return &o.Lines[i]
		}
	}
	return nil
}

func (v *visit) returnView(o *tracked, r trackedReturn, zone *time.Location) returnView {
	b := returnView{trackedReturn: r, Day: locale.Date(v.Lang, r.CreatedAt.In(zone)), Tone: "info"}
	switch r.Status {
	case "refunded", "exchanged":
		b.Tone = "good"
	case "rejected":
		b.Tone = "bad"
	case "canceled":
		b.Tone = ""
	}
	for _, l := range r.Lines {
		if line := o.line(l.ID); line != nil {
			b.Goods = append(b.Goods, packed{line, l.Quantity})
		}
	}
	return b
}

// Until is the last day on which something of the order can be sent back; empty
// while the days are not counted yet.
func (p *orderPage) Until() *time.Time {
	var last *time.Time
	for i := range p.Lines {
		l := &p.Lines[i]
		if l.Returnable == 0 {
			continue
		}
		if l.ReturnUntil == nil {
			return nil
		}
		if last == nil || l.ReturnUntil.After(*last) {
			last = l.ReturnUntil
		}
	}
	if last != nil {
		there := last.In(zoneOf(p.Shop.Timezone))
		last = &there
	}
	return last
}

// HelpMail and CancelMail address the shop about this order.
func (p *orderPage) HelpMail(subject string) string {
	if p.Shop.Email == "" {
		return ""
	}
	return "mailto:" + url.PathEscape(p.Shop.Email) + "?subject=" + url.PathEscape(subject)
}
