package policy

import (
	"math/bits"

	"doorstep/internal/money"
)

// ratio is an exact exchange rate between minor units, num/den in lowest terms.
// Zero means none is needed.
type ratio struct{ num, den uint64 }

// makeRatio reads a rate in major units of two currencies, such as 0.0023 from
// AMD to EUR, and shifts it by their exponents.
func makeRatio(rate, from, to string) (ratio, bool) {
	num, den, ok := decimal(rate)
	f, err := money.Exponent(from)
	t, err2 := money.Exponent(to)
	if !ok || num == 0 || err != nil || err2 != nil {
		return ratio{}, false
	}
	g := gcd(num, den)
	num, den = num/g, den/g
	for ; f > t; f-- {
		den *= 10
	}
	for ; t > f; t-- {
		num *= 10
	}
	g = gcd(num, den)
	r := ratio{num / g, den / g}
	return r, r.num < 1<<62 && r.den < 1<<62
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// of is v times the ratio, the magnitude rounded half up. What would be above
// the bound of totals is the bound.
func (r ratio) of(v int64) int64 {
	if r.den == 0 {
		return v
	}
	m := uint64(max(v, -v))
	hi, lo := bits.Mul64(m, r.num)
	if hi >= r.den {
		return clamp(v, maxTotal)
	}
	q, rest := bits.Div64(hi, lo, r.den)
	if rest >= r.den-rest {
		q++
	}
	return clamp(v, q)
}

// up is v times the ratio, rounded up; v is not negative.
func (r ratio) up(v int64) int64 {
	if r.den == 0 {
		return v
	}
	hi, lo := bits.Mul64(uint64(v), r.num)
	if hi >= r.den {
		return maxTotal
	}
	q, rest := bits.Div64(hi, lo, r.den)
	if rest > 0 {
		q++
	}
	return clamp(1, q)
}

func clamp(sign int64, magnitude uint64) int64 {
	v := int64(min(magnitude, maxTotal))
	if sign < 0 {
		return -v
	}
	return v
}

// exchange finds the rate for an answer in the request's currency. Prices need
// the very rate the merchant wrote for that direction; what the cart is worth
// in the policy's currency, which is only compared, may be told by its inverse.
func (c *call) exchange() bool {
	home := c.p.doc.Currency
	c.currency = c.req.Currency
	if c.currency == "" {
		c.currency = home
	}
	if c.currency == home {
		return true
	}
	var ok bool
	if c.abroad, ok = c.p.rates[home+"->"+c.currency]; !ok {
		return false
	}
	if c.home, ok = c.p.rates[c.currency+"->"+home]; !ok {
		c.home = ratio{c.abroad.den, c.abroad.num}
	}
	return true
}

// toHome is an amount of the request in the policy's currency.
func (c *call) toHome(v int64) int64 { return c.home.of(v) }
