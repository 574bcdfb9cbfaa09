package policy

import (
	"math/bits"
	"slices"
	"strings"
	"time"

	"doorstep/internal/money"
)

// Bounds of sums, far inside of 64 bits, so that no sum of a quote can overflow.
const (
	maxAmount    = 1_000_000_000_000         // one amount of a document or request, minor units
	maxTotal     = 1_000_000_000_000_000     // a cart, a price, a volume in mm3
	maxNanograms = 4_000_000_000_000_000_000 // a cart's weight: 4,000 tonnes
	gram         = 1_000_000_000             // in nanograms, which a pound is a whole number of
	pound        = 453_592_370_000           // 453.59237 g by definition
	ounce        = 28_349_523_125            // a sixteenth of a pound
)

// nanograms is the weight of the whole line, exact up to one nanogram, and
// whether a weight is known at all. A text says what is wrong.
func (it *Item) nanograms() (ng int64, known bool, wrong string) {
	var hi, lo uint64
	switch {
	case it.WeightG != nil:
		hi, lo = bits.Mul64(uint64(*it.WeightG)*gram, uint64(it.Quantity))
	case it.Weight != "":
		mantissa, scale, ok := decimal(it.Weight)
		unit, known := map[string]uint64{"g": gram, "kg": 1000 * gram, "lb": pound, "oz": ounce}[it.Unit]
		if !ok || !known || mantissa > 1<<53 {
			return 0, false, "must be a plain decimal number with unit kg, g, lb or oz"
		}
		// mantissa * quantity fits 73 bits at most, so multiply by the unit last.
		h, l := bits.Mul64(mantissa, uint64(it.Quantity))
		if h != 0 {
			return 0, false, "is too heavy"
		}
		hi, lo = bits.Mul64(l, unit)
		if hi >= scale {
			return 0, false, "is too heavy"
		}
		q, r := bits.Div64(hi, lo, scale)
		if hi, lo = 0, q; r >= scale-r {
			lo++
		}
	default:
		return 0, false, ""
	}
	if hi != 0 || lo > maxNanograms {
		return 0, false, "is too heavy"
	}
	return int64(lo), true, ""
}

// decimal reads a plain decimal text as mantissa / scale.
func decimal(s string) (mantissa, scale uint64, ok bool) {
	scale = 1
	point := false
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '.' && !point && i > 0 && i < len(s)-1:
			point = true
		case c >= '0' && c <= '9':
			hi, lo := bits.Mul64(mantissa, 10)
			if hi != 0 || lo > 1<<63 || scale > 1<<59 {
				return 0, 0, false
			}
			mantissa = lo + uint64(c-'0')
			if point {
				scale *= 10
			}
		default:
			return 0, 0, false
		}
	}
	return mantissa, scale, s != ""
}

// grams rounds an exact weight once, half up.
func grams(ng int64) int64 { return (ng + gram/2) / gram }

// item is a line of the cart with its facts made ready. Money is in the
// request's currency; in policy currency where the name says so.
type item struct {
	*Item
	ng               int64
	weighed, sized   bool
	volume, longest  int64 // of the line in mm3; the longest side of a piece
	girth            int64
	worth, afterAll  int64 // of the line: before discounts, after all of them
	unitHome, atHome int64 // price of a piece and worth of the line, policy currency
	hs, country      string
}

// basket is a set of lines added up: the whole cart, what leaves from one
// origin, or what a filter lets through.
type basket struct {
	lines, quantity int64
	ng              int64
	unweighed       bool // the weight of a line is not known
	volume          int64
	longest, girth  int64
	unsized         bool
	worth, afterAll int64 // request currency
}

func (b *basket) add(it *item) {
	b.lines++
	b.quantity += it.Quantity
	b.ng = min(b.ng+it.ng, maxNanograms)
	b.unweighed = b.unweighed || !it.weighed
	b.volume = min(b.volume+it.volume, maxTotal)
	b.longest, b.girth = max(b.longest, it.longest), max(b.girth, it.girth)
	b.unsized = b.unsized || !it.sized
	b.worth += it.worth
	b.afterAll += it.afterAll
}

// readItems makes the lines ready and shares the order's discount over them, so
// that a part of the cart knows what it is worth after it.
func (c *call) readItems() {
	req := c.req
	c.items = make([]item, len(req.Items))
	after := make([]int64, len(req.Items))
	var sum int64
	for i := range req.Items {
		src := &req.Items[i]
		it := &c.items[i]
		it.Item = src
		it.ng, it.weighed, _ = src.nanograms()
		it.measure()
		it.worth = src.UnitPrice * src.Quantity
		after[i] = it.worth - min(src.Discount, it.worth)
		sum += after[i]
		it.hs = strings.ReplaceAll(src.HS, ".", "")
		it.unitHome, it.atHome = c.toHome(src.UnitPrice), c.toHome(it.worth)
	}
	off, err := money.MulBps(sum, req.OrderDiscountBps)
	shares, err2 := money.Allocate(min(off+req.OrderDiscount, sum), after)
	for i := range c.items {
		c.items[i].afterAll = after[i]
		if err == nil && err2 == nil { // the request was checked, so there is none
			c.items[i].afterAll -= shares[i]
		}
		c.whole.add(&c.items[i])
	}
}

func (it *item) measure() {
	if it.LengthMM == nil || it.WidthMM == nil || it.HeightMM == nil {
		return
	}
	it.sized = true
	one, longest, girth := measures(*it.LengthMM, *it.WidthMM, *it.HeightMM)
	it.longest, it.girth = longest, girth
	v, err := money.Mul(one, it.Quantity)
	if err != nil || v > maxTotal {
		v = maxTotal
	}
	it.volume = v
}

// measures are the volume, the longest side and the way around the other two.
func measures(l, w, h int64) (volume, longest, girth int64) {
	longest = max(l, w, h)
	return min(l*w*h, maxTotal), longest, 2 * (l + w + h - longest)
}

// dest is the destination made comparable.
type dest struct {
	country, region, city string
	postcode              postcode
	residential           tri
	poBox, military       tri
}

func (c *call) readDest() {
	d := &c.req.Dest
	c.dest = dest{
		country: countryOf(d.Country), region: regionOf(d.Country, d.Region), city: fold(d.City),
		residential: answered(d.Residential), poBox: answered(d.IsPOBox), military: answered(d.IsMilitary),
	}
	c.dest.postcode = readPostcode(c.dest.country, d.Postcode)
	if c.dest.poBox == unknown && d.Address1 != "" {
		c.dest.poBox = truth(isPOBox(d.Address1))
	}
	if c.dest.military == unknown {
		c.dest.military = c.dest.isMilitary()
	}
}

// fold makes names of places comparable: capitals, single spaces.
func fold(s string) string { return strings.ToUpper(strings.Join(strings.Fields(s), " ")) }

// countryOf takes "uk" for GB, which is what people write.
func countryOf(s string) string {
	if c := fold(s); c != "UK" {
		return c
	}
	return "GB"
}

// regionOf takes "US-CA" and "CA" as the same.
func regionOf(country, region string) string {
	r := fold(region)
	if rest, ok := strings.CutPrefix(r, countryOf(country)+"-"); ok && country != "" {
		return rest
	}
	return r
}

func answered(b *bool) tri {
	if b == nil {
		return unknown
	}
	return truth(*b)
}

// isMilitary knows the posts of the American forces, which look like US
// addresses: regions AA, AE and AP, cities APO, FPO and DPO.
func (d *dest) isMilitary() tri {
	switch {
	case d.country == "":
		return unknown
	case d.country != "US":
		return no
	case slices.Contains([]string{"AA", "AE", "AP"}, d.region), slices.Contains([]string{"APO", "FPO", "DPO"}, d.city):
		return yes
	case d.region == "" && d.city == "":
		return unknown
	}
	return no
}

// boxWords begin a post office box in the languages of our addresses; those
// with a # only when a number follows.
var boxWords = []string{"PO BOX", "POBOX", "P O BOX", "POST OFFICE BOX", "POSTFACH", "POSTBUS", "POSTBOX", "CASELLA POSTALE",
	"APARTADO", "BOITE POSTALE", "BOÎTE POSTALE", "CAIXA POSTAL", "Ա/Ղ", "А/Я", "BP#", "ប្រអប់សំបុត្រ"}

func isPOBox(address string) bool {
	a := " " + fold(strings.NewReplacer(".", " ", ",", " ", ";", " ").Replace(address)) + " "
	for _, word := range boxWords {
		w, numbered := strings.CutSuffix(word, "#")
		for rest := a; ; {
			_, after, ok := strings.Cut(rest, " "+w)
			if !ok {
				break
			}
			next := strings.TrimPrefix(after, " ")
			digit := next != "" && next[0] >= '0' && next[0] <= '9'
			if digit || (!numbered && strings.HasPrefix(after, " ")) {
				return true
			}
			rest = after
		}
	}
	return false
}

// clockOf is the local time that a now field means: of the named origin, else
// of the home origin, else of the shop.
func (c *call) clockOf(o *origin) (time.Time, bool) {
	if c.req.Now.IsZero() {
		return time.Time{}, false
	}
	if o == nil {
		o = c.p.home
	}
	if o != nil {
		return c.req.Now.In(o.zone), true
	}
	return c.req.Now.In(c.p.zone), true
}
