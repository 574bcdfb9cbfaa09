// Package money does exact sums with amounts in integer minor units of an
// ISO 4217 currency. No float ever comes near: text is read digit by digit,
// percentages are basis points, and every product is taken in 128 bits. A
// result that does not fit into an int64 is an error, never a wrong number.
//
// Rounding is the same everywhere: the magnitude is rounded half up and the
// sign is put back, so that a refund mirrors its sale. Shares of an amount are
// given out by largest remainder, ties to the earlier line, so that they always
// add up to the amount.
package money

import (
	"math"
	"math/bits"

	"doorstep/internal/fault"
)

// The faults of this package. They are all mistakes of the input, so each is
// safe to show.
var (
	// ErrCurrency is a code that is not in the table of currencies.
	ErrCurrency = fault.New(fault.Invalid, "unknown_currency", "This currency is not known; use an ISO 4217 code such as EUR.")
	// ErrText is a text that is not a plain decimal number.
	ErrText = fault.New(fault.Invalid, "invalid_amount", "The amount must be a plain decimal number such as 19.99.")
	// ErrDecimals is an amount finer than the smallest unit of its currency.
	ErrDecimals = fault.New(fault.Invalid, "too_many_decimals", "The amount has more decimals than its currency.")
	// ErrOverflow is a result outside of what 64 bits hold.
	ErrOverflow = fault.New(fault.Invalid, "amount_too_large", "The amount is too large.")
	// ErrMixed is a sum over two currencies.
	ErrMixed = fault.New(fault.Invalid, "currency_mismatch", "Amounts in different currencies cannot be added.")
	// ErrWeights is a share by weights that are missing or below zero, or a
	// negative rate.
	ErrWeights = fault.New(fault.Invalid, "invalid_weights", "The amount cannot be shared this way.")
)

// Amount is money as the API shows it: integer minor units and their currency.
type Amount struct {
	// Minor is the number of smallest units: cents for EUR, yen for JPY.
	Minor int64 `json:"amount" doc:"Integer minor units of the currency"`
	// Currency is the ISO 4217 code in capital letters.
	Currency string `json:"currency" minLength:"3" maxLength:"3" doc:"ISO 4217 code"`
}

// Of is the amount of minor units in a currency.
func Of(minor int64, currency string) Amount { return Amount{Minor: minor, Currency: currency} }

// Add is a + b. It refuses two currencies (ErrMixed) and overflow (ErrOverflow).
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, ErrMixed
	}
	sum, err := Add(a.Minor, b.Minor)
	return Amount{sum, a.Currency}, err
}

// Sub is a - b. It refuses two currencies (ErrMixed) and overflow (ErrOverflow).
func (a Amount) Sub(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, ErrMixed
	}
	diff, err := Sub(a.Minor, b.Minor)
	return Amount{diff, a.Currency}, err
}

// String is the amount for logs, such as "19.99 EUR".
func (a Amount) String() string { return Decimal(a.Minor, a.Currency) + " " + a.Currency }

// Text is the amount for people in the language lang; see Format.
func (a Amount) Text(lang string) string { return Format(a.Minor, a.Currency, lang) }

// Add is a + b in minor units of one currency, or ErrOverflow.
func Add(a, b int64) (int64, error) {
	sum := a + b
	if (sum > a) != (b > 0) && b != 0 {
		return 0, ErrOverflow
	}
	return sum, nil
}

// Sub is a - b in minor units of one currency, or ErrOverflow.
func Sub(a, b int64) (int64, error) {
	diff := a - b
	if (diff < a) != (b > 0) && b != 0 {
		return 0, ErrOverflow
	}
	return diff, nil
}

// Mul is unit times quantity in minor units, or ErrOverflow.
func Mul(unit, quantity int64) (int64, error) {
	hi, lo := bits.Mul64(magnitude(unit), magnitude(quantity))
	if hi != 0 {
		return 0, ErrOverflow
	}
	return signed(lo, (unit < 0) != (quantity < 0))
}

// MulBps is amount times bps / 10,000, the magnitude rounded half up and the
// sign put back. It is the one way to take a percentage: 7.25 % is 725. A
// result that does not fit is ErrOverflow.
func MulBps(amount, bps int64) (int64, error) {
	return ratio(amount, bps, 10_000)
}

// IncludedTax is the tax inside gross at bps: gross*r/(1+r), rounded half up.
// The net amount is gross minus this tax; it is never rounded by itself. A
// negative rate is ErrWeights.
func IncludedTax(gross, bps int64) (int64, error) {
	if bps < 0 || bps > math.MaxInt64-10_000 {
		return 0, ErrWeights
	}
	return ratio(gross, bps, 10_000+bps)
}

// RefundShare is what the next `now` of `quantity` pieces are worth when
// `already` of them were refunded before. It is the difference of two rounded
// running totals, so that any sequence of refunds adds up to exactly paid: 1000
// for 3 pieces gives 333, 334, 333. Impossible counts are ErrWeights.
func RefundShare(paid, quantity, already, now int64) (int64, error) {
	if quantity <= 0 || already < 0 || now < 0 || already > quantity || now > quantity-already {
		return 0, ErrWeights
	}
	before, err := ratio(paid, already, quantity)
	if err != nil {
		return 0, err
	}
	after, err := ratio(paid, already+now, quantity)
	if err != nil {
		return 0, err
	}
	return after - before, nil
}

// ratio is a*b/c with the magnitude rounded half up; c is above zero.
func ratio(a, b, c int64) (int64, error) {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	d := uint64(c)
	if hi >= d {
		return 0, ErrOverflow
	}
	q, r := bits.Div64(hi, lo, d)
	if r >= d-r { // 2r >= d without overflow
		if q == math.MaxUint64 {
			return 0, ErrOverflow
		}
		q++
	}
	return signed(q, (a < 0) != (b < 0))
}

// magnitude is |v|, which for the least int64 only fits the unsigned type.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

func signed(m uint64, negative bool) (int64, error) {
	if negative {
		if m > 1<<63 {
			return 0, ErrOverflow
		}
		return int64(-m), nil
	}
	if m > math.MaxInt64 {
		return 0, ErrOverflow
	}
	return int64(m), nil
}
