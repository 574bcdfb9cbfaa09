package money

import (
	"strconv"
	"strings"
)

// Parse reads a plain decimal such as "19.99" or "-5" into minor units of the
// currency. No float is involved. It refuses more decimals than the currency
// has (ErrDecimals), anything but digits, one point and a leading minus
// (ErrText), what does not fit (ErrOverflow), and an unknown currency
// (ErrCurrency).
func Parse(text, currency string) (int64, error) {
	decimals, err := Exponent(currency)
	if err != nil {
		return 0, err
	}
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, pointed := strings.Cut(digits, ".")
	if whole == "" || (pointed && fraction == "") {
		return 0, ErrText
	}
	for _, part := range [...]string{whole, fraction} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return 0, ErrText
			}
		}
	}
	if len(fraction) > decimals {
		return 0, ErrDecimals
	}
	sign := ""
	if negative {
		sign = "-"
	}
	minor, err := strconv.ParseInt(sign+whole+fraction+"0000"[:decimals-len(fraction)], 10, 64)
	if err != nil { // only digits are left, so it can only be out of range
		return 0, ErrOverflow
	}
	return minor, nil
}

// Decimal is the opposite of Parse: "19.99" for 1999 EUR, for files and wires.
// An unknown currency gives the bare number of minor units.
func Decimal(minor int64, currency string) string {
	whole, fraction, negative := parts(minor, exponents[currency])
	if negative {
		whole = "-" + whole
	}
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

// style is how a language writes an amount, after the Unicode CLDR.
type style struct {
	group, decimal string
	signFirst      bool   // the sign of the currency stands before the number
	gap            string // between number and sign when it stands after
}

// nbsp keeps number and currency on one line.
const nbsp = "\u00a0"

var (
	english  = style{group: ",", decimal: ".", signFirst: true}
	armenian = style{group: nbsp, decimal: ",", gap: nbsp}
	khmer    = style{group: ",", decimal: "."}
)

func styleOf(lang string) style {
	primary := lang
	if i := strings.IndexAny(lang, "-_"); i >= 0 {
		primary = lang[:i]
	}
	switch strings.ToLower(primary) {
	case "hy":
		return armenian
	case "km":
		return khmer
	default:
		return english
	}
}

// Format is the amount for people to read: "€1,234.50" in English, "1 234,50 €"
// in Armenian (hy), "1,234.50€" in Khmer (km); other languages read English.
// Round amounts in dram and riel show no decimals. A currency without a common
// sign is shown by its code. An unknown currency shows its minor units as they
// are, for no exponent is ever guessed.
func Format(minor int64, currency, lang string) string {
	s := styleOf(lang)
	whole, fraction, negative := parts(minor, exponents[currency])
	if wholeInPractice[currency] && strings.Trim(fraction, "0") == "" {
		fraction = ""
	}
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	sign, short := symbols[currency]
	if s.signFirst {
		if short {
			b.WriteString(sign)
		} else {
			b.WriteString(currency)
			b.WriteString(nbsp)
		}
	}
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(s.group)
		}
		b.WriteByte(whole[i])
	}
	if fraction != "" {
		b.WriteString(s.decimal)
		b.WriteString(fraction)
	}
	if !s.signFirst {
		if short {
			b.WriteString(s.gap)
			b.WriteString(sign)
		} else {
			b.WriteString(nbsp)
			b.WriteString(currency)
		}
	}
	return b.String()
}

// parts cuts the digits of |minor| before the last `decimals` ones.
func parts(minor int64, decimals int) (whole, fraction string, negative bool) {
	digits := strconv.FormatUint(magnitude(minor), 10)
	if missing := decimals + 1 - len(digits); missing > 0 {
		digits = "0000"[:missing] + digits
	}
	cut := len(digits) - decimals
	return digits[:cut], digits[cut:], minor < 0
}
