package shoppers

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// The reasons of the standard list that the people here leave for.
const (
	ShippingCost   = "shipping_cost"
	ShippingSpeed  = "shipping_speed"
	Price          = "price_sensitivity"
	PaymentOptions = "payment_options"
	Comparison     = "comparison"
	TimingDeferred = "timing_deferred"
	ProductFit     = "product_fit"
	TrustSecurity  = "trust_security"
)

// How likely people do things.
const (
	silentAtCart    = 0.42 // leave with a cart and no word
	silentLater     = 0.05 // at each later step
	hunters         = 0.12 // have heard of a code
	badCodes        = 0.5  // of them one that is not valid
	leavesOverCode  = 0.6
	cardTrouble     = 0.06
	leavesOverCard  = 0.65
	surveyed        = 0.15 // tell why they leave
	agreeing        = 0.8  // tick that they may be reminded
	robots          = 0.02
	organicReturn   = 0.08 // come back within three days of their own accord
	clicksReminder  = 0.15 // come back when they are reminded, and buy
	changesQuantity = 0.2
)

// person is one shopper, with all that they will do drawn beforehand: nothing
// depends on what others do or on how the program answers in time.
type person struct {
	n      int
	start  time.Time
	robot  bool
	home   place
	agent  string
	device string
	ip     string
	email  string
	items  []want

	mostShipping float64 // as a part of the goods
	mostDays     int     // until it arrives

	silent    map[string]string // step at which they leave without a word, and why
	code      string            // that they try
	overCode  bool              // leave when it is refused
	badCard   bool
	overCard  bool
	more      bool // change a quantity in between
	says      bool // tell why they leave
	agrees    bool // to be reminded
	returns   bool // of their own accord
	returnsIn time.Duration
	clicks    bool // on a reminder
	clicksIn  time.Duration
	pause     time.Duration // between two steps
}

type want struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// place is where people live.
type place struct {
	share                                          float64
	country, language, currency, city, line, phone string
	postcode, region                               string
	hour                                           int // of UTC when the evening is at its best
}

var places = []place{
	{.34, "AM", "hy", "AMD", "Yerevan", "Abovyan 12", "+37410123456", "0001", "", 16},
	{.14, "KH", "km", "KHR", "Phnom Penh", "Street 240 No. 7", "+85523123456", "12207", "", 13},
	{.12, "DE", "en", "EUR", "Berlin", "Torstrasse 5", "+493012345678", "10119", "", 19},
	{.10, "FR", "en", "EUR", "Lyon", "12 rue Mercière", "+33412345678", "69002", "", 19},
	{.10, "GB", "en", "GBP", "Leeds", "4 Mill Lane", "+441131234567", "LS1 4AP", "", 20},
	{.20, "US", "en", "USD", "Austin", "800 Congress Ave", "+15125550123", "78701", "TX", 25},
}

var agents = []struct {
	share         float64
	device, agent string
}{
	{.36, "mobile", "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36"},
	{.24, "mobile", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"},
	{.06, "tablet", "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1"},
	{.34, "desktop", "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"},
}

// newPerson draws the n-th shopper of a seed.
func newPerson(seed uint64, n int, begin time.Time, days int, skus []string) *person {
	r := rand.New(rand.NewPCG(seed, uint64(n)+1)) // a play, not a secret
	p := &person{n: n, home: places[pick(r, len(places), func(i int) float64 { return places[i].share })], silent: map[string]string{}}
	a := agents[pick(r, len(agents), func(i int) float64 { return agents[i].share })]
	p.agent, p.device = a.agent, a.device
	p.email = fmt.Sprintf("shopper%d.%d@example.com", seed, n)
	p.ip = fmt.Sprintf("198.18.%d.%d", n/250%256, n%250+1) // RFC 2544: for tests
	day := time.Duration(r.IntN(days)) * 24 * time.Hour
	evening := float64(p.home.hour) + 3.2*r.NormFloat64()
	p.start = begin.Add(day + time.Duration(math.Mod(evening+48, 24)*float64(time.Hour)))
	if p.robot = r.Float64() < robots; p.robot {
		p.agent, p.device = "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://example.com/bot)", "bot"
	}
	for range 1 + pick(r, 3, func(i int) float64 { return []float64{.62, .27, .11}[i] }) {
		// Few things sell most: rank r is bought about as 1/r.
		sku := skus[int(math.Exp(r.Float64()*math.Log(float64(len(skus)))))-1]
		if !slices.ContainsFunc(p.items, func(w want) bool { return w.SKU == sku }) {
			p.items = append(p.items, want{sku, 1 + pick(r, 3, func(i int) float64 { return []float64{.78, .16, .06}[i] })})
		}
	}
	p.mostShipping = .38 * math.Exp(.55*r.NormFloat64())
	p.mostDays = 13 + int(14*math.Exp(.45*r.NormFloat64()))
	p.draw(r)
	return p
}

// draw settles what the person will do at each turn.
func (p *person) draw(r *rand.Rand) {
	yes := func(chance float64) bool { return r.Float64() < chance }
	for _, step := range []string{"cart", "contact", "address", "payment"} {
		chance, why := silentLater, r.Float64()
		if step == "cart" {
			chance = silentAtCart
		}
		reason := TimingDeferred
		switch {
		case why < .35:
			reason = Comparison
		case why < .5:
			reason = Price
		case why < .6:
			reason = ProductFit
		case step == "payment" && why < .8:
			reason = TrustSecurity
		}
		if yes(chance) {
			p.silent[step] = reason
		}
	}
	if yes(hunters) {
		if p.code = "WELCOME10"; yes(badCodes) {
			p.code = "SAVE20"
		}
	}
	p.overCode, p.badCard, p.overCard = yes(leavesOverCode), yes(cardTrouble), yes(leavesOverCard)
	p.more, p.says = yes(changesQuantity), yes(surveyed)
	p.agrees = yes(agreeing)
	p.returns, p.returnsIn = yes(organicReturn), between(r, 2*time.Hour, 70*time.Hour)
	p.clicks, p.clicksIn = yes(clicksReminder), between(r, 5*time.Minute, 4*time.Hour)
	p.pause = between(r, 20*time.Second, 90*time.Second)
}

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}

// pick draws an index by its share; the shares add up to one.
func pick(r *rand.Rand, n int, share func(i int) float64) int {
	x := r.Float64()
	for i := range n {
		if x -= share(i); x < 0 {
			return i
		}
	}
	return n - 1
}

// leavesOver is why the person leaves when they see what shipping costs and when
// it comes; empty when they stay. goods and cheapest are minor units of one
// currency.
func (p *person) leavesOver(goods, cheapest int64, days int) string {
	switch {
	case float64(cheapest) > p.mostShipping*float64(goods):
		return ShippingCost
	case days > p.mostDays:
		return ShippingSpeed
	}
	return ""
}
