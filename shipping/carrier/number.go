package carrier

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"time"

	"doorstep/internal/money"
)

// Decimal is a number as a carrier writes it, digit by digit: a JSON number or
// the same in quotes. Null and nothing are "". Written, it is a JSON number, ""
// is null; use a string where a carrier wants quotes.
type Decimal string

// UnmarshalJSON takes numbers and quoted numbers.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	text := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		text = strings.TrimSpace(text)
	}
	if text == "null" || text == "" {
		*d = ""
		return nil
	}
	if !plain(text) {
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[Decimal]()}
	}
	*d = Decimal(text)
	return nil
}

// MarshalJSON writes a number.
func (d Decimal) MarshalJSON() ([]byte, error) {
	if d == "" {
		return []byte("null"), nil
	}
	if !plain(string(d)) {
		return nil, money.ErrText
	}
	return []byte(d), nil
}

// Seconds is d as a time span, its fraction cut; 0 when it is none.
func (d Decimal) Seconds() time.Duration {
	n, err := scale(string(d), 1, 1, RoundDown)
	if err != nil || n < 0 || n > 1<<31 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// plain tells whether text is a sign, digits and at most one point with digits
// on both sides; at most 40 signs, no exponent.
func plain(text string) bool {
	text = strings.TrimPrefix(text, "-")
	whole, part, point := strings.Cut(text, ".")
	if len(text) > 40 || whole == "" || point && part == "" {
		return false
	}
	return strings.Trim(whole+part, "0123456789") == ""
}

// Amount reads a carrier's decimal such as "12.50" exactly. Zeros behind the
// currency's last decimal do not matter; other digits there are
// money.ErrDecimals, see RoundAmount. Without floats.
func Amount(text, currency string) (money.Amount, error) {
	minor, err := minor(text, currency, true)
	return money.Of(minor, currency), err
}

// RoundAmount is Amount for carriers that say more decimals than the currency
// has: the magnitude is rounded half up.
func RoundAmount(text, currency string) (money.Amount, error) {
	minor, err := minor(text, currency, false)
	return money.Of(minor, currency), err
}

func minor(text, currency string, exact bool) (int64, error) {
	exponent, err := money.Exponent(currency)
	if err != nil {
		return 0, err
	}
	if exact {
		if _, part, _ := strings.Cut(text, "."); len(strings.TrimRight(part, "0")) > exponent {
			return 0, money.ErrDecimals
		}
	}
	return scale(text, pow10(exponent), 1, RoundHalfUp)
}

// Rounding says what becomes of the part below the last digit; of a number
// below zero the magnitude is rounded.
type Rounding int

// The roundings.
const (
	RoundHalfUp Rounding = iota
	RoundUp              // to the larger magnitude: what carriers bill
	RoundDown
)

// Exact lengths of the foreign units: an inch has 25.4 mm, a pound 453.59237 g
// and sixteen ounces.
const (
	inchNum, inchDen   = 254, 10
	poundNum, poundDen = 45_359_237, 100_000
	ounceNum, ounceDen = 45_359_237, 1_600_000
)

// Inches writes mm as inches with as many places: Inches(305, 2, RoundUp) is
// "12.01".
func Inches(mm int64, places int, r Rounding) string { return out(mm, inchDen, inchNum, places, r) }

// Pounds writes g as avoirdupois pounds.
func Pounds(g int64, places int, r Rounding) string { return out(g, poundDen, poundNum, places, r) }

// Ounces writes g as avoirdupois ounces.
func Ounces(g int64, places int, r Rounding) string { return out(g, ounceDen, ounceNum, places, r) }

// Centimetres writes mm as centimetres.
func Centimetres(mm int64, places int, r Rounding) string { return out(mm, 1, 10, places, r) }

// Kilograms writes g as kilograms.
func Kilograms(g int64, places int, r Rounding) string { return out(g, 1, 1000, places, r) }

// FromInches reads inches into mm. Text that is no plain decimal is
// money.ErrText, too large a number money.ErrOverflow; so with all that follow.
func FromInches(text string, r Rounding) (mm int64, err error) {
	return scale(text, inchNum, inchDen, r)
}

// FromPounds reads pounds into grams.
func FromPounds(text string, r Rounding) (g int64, err error) {
	return scale(text, poundNum, poundDen, r)
}

// FromOunces reads ounces into grams.
func FromOunces(text string, r Rounding) (g int64, err error) {
	return scale(text, ounceNum, ounceDen, r)
}

// FromCentimetres reads centimetres into mm.
func FromCentimetres(text string, r Rounding) (mm int64, err error) { return scale(text, 10, 1, r) }

// FromKilograms reads kilograms into grams.
func FromKilograms(text string, r Rounding) (g int64, err error) { return scale(text, 1000, 1, r) }

// out writes n*num/den with as many places.
func out(n, num, den int64, places int, r Rounding) string {
	v := new(big.Int).Mul(big.NewInt(n), big.NewInt(num))
	v = divide(v.Mul(v, big.NewInt(pow10(places))), big.NewInt(den), r)
	text, sign := v.String(), ""
	if v.Sign() < 0 {
		text, sign = text[1:], "-"
	}
	if places <= 0 {
		return sign + text
	}
	text = strings.Repeat("0", max(0, places+1-len(text))) + text
	return sign + text[:len(text)-places] + "." + text[len(text)-places:]
}

// scale reads text and gives text*num/den.
func scale(text string, num, den int64, r Rounding) (int64, error) {
	if !plain(text) {
		return 0, money.ErrText
	}
	whole, part, _ := strings.Cut(text, ".")
	v, _ := new(big.Int).SetString(whole+part, 10) // plain has looked at it
	v.Mul(v, big.NewInt(num))
	below := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(part))), nil)
	v = divide(v, below.Mul(below, big.NewInt(den)), r)
	if !v.IsInt64() {
		return 0, money.ErrOverflow
	}
	return v.Int64(), nil
}

// divide is v/by, by above zero, the magnitude rounded.
func divide(v, by *big.Int, r Rounding) *big.Int {
	negative := v.Sign() < 0
	q, rest := new(big.Int).QuoRem(new(big.Int).Abs(v), by, new(big.Int))
	up := r == RoundUp && rest.Sign() > 0
	if r == RoundHalfUp {
		up = rest.Lsh(rest, 1).Cmp(by) >= 0
	}
	if up {
		q.Add(q, big.NewInt(1))
	}
	if negative {
		q.Neg(q)
	}
	return q
}

func pow10(n int) int64 {
	v := int64(1)
	for range max(n, 0) {
		v *= 10
	}
	return v
}
