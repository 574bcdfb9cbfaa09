// Package card finds card numbers in text, so that none is ever taken, logged or
// stored (PCI DSS).
package card

import (
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// A number is taken for a card's when its first digits and its length are those
// of a card scheme and its check digit is right (Luhn).

// MinDigits is how many digits the shortest card number has.
const MinDigits = 12

const maxDigits = 19

// cardRange is the numbers that begin with low..high, both of six digits.
type cardRange struct {
	low, high int
	lengths   []int
}

// cardRanges are the schemes' published ranges (ISO/IEC 7812 issuer numbers).
var cardRanges = func() []cardRange {
	table := []struct {
		lengths []int
		from    [][2]string
	}{
		{[]int{13, 16, 18, 19}, [][2]string{{"4", "4"}}},                                                           // Visa
		{[]int{16}, [][2]string{{"51", "55"}, {"2221", "2720"}}},                                                   // Mastercard
		{[]int{15}, [][2]string{{"34", "34"}, {"37", "37"}}},                                                       // American Express
		{[]int{14, 15, 16, 17, 18, 19}, [][2]string{{"300", "305"}, {"3095", "3095"}, {"36", "36"}, {"38", "39"}}}, // Diners Club
		{[]int{16, 17, 18, 19}, [][2]string{{"6011", "6011"}, {"644", "649"}, {"65", "65"}}},                       // Discover
		{[]int{16, 17, 18, 19}, [][2]string{{"3528", "3589"}}},                                                     // JCB
		{[]int{16, 17, 18, 19}, [][2]string{{"62", "62"}, {"8100", "8171"}}},                                       // UnionPay
		{[]int{12, 13, 14, 15, 16, 17, 18, 19}, [][2]string{{"5018", "5018"}, {"5020", "5020"}, {"5038", "5038"}, // Maestro
			{"5893", "5893"}, {"6304", "6304"}, {"6759", "6759"}, {"6761", "6763"}}},
		{[]int{16, 17, 18, 19}, [][2]string{{"2200", "2204"}}},                                             // Mir
		{[]int{16, 18, 19}, [][2]string{{"506099", "506198"}, {"507865", "507964"}, {"650002", "650027"}}}, // Verve
		{[]int{16}, [][2]string{{"60", "60"}, {"81", "82"}, {"508", "508"}}},                               // RuPay
		{[]int{16}, [][2]string{{"5067", "5067"}, {"509000", "509999"}}},                                   // Elo
		{[]int{16}, [][2]string{{"9051", "9051"}, {"9792", "9792"}, {"9860", "9860"}, {"8600", "8600"}, {"5019", "5019"}, // ArCa, Troy, Humo, Uzcard, Dankort
			{"2205", "2205"}, {"637", "639"}}}, // Borica, InstaPayment
	}
	var all []cardRange
	for _, t := range table {
		for _, f := range t.from {
			all = append(all, cardRange{pad(f[0], '0'), pad(f[1], '9'), t.lengths})
		}
	}
	return all
}()

func pad(prefix string, with byte) int {
	b := []byte(prefix)
	for len(b) < 6 {
		b = append(b, with)
	}
	n, _ := strconv.Atoi(string(b)) // the table holds digits only
	return n
}

// Is says whether the digits, 0 to 9, are a card number, all of them.
func Is(digits []byte) bool {
	if len(digits) < MinDigits || len(digits) > maxDigits {
		return false
	}
	first := 0
	for _, d := range digits[:6] {
		first = first*10 + int(d-'0')
	}
	return slices.ContainsFunc(cardRanges, func(r cardRange) bool {
		return first >= r.low && first <= r.high && slices.Contains(r.lengths, len(digits))
	}) && luhn(digits)
}

func luhn(digits []byte) bool {
	sum := 0
	for i, d := range slices.Backward(digits) {
		n := int(d - '0')
		if (len(digits)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// IsGTIN says whether text is a GTIN-8, -12, -13 or -14 with its check digit.
func IsGTIN(text []byte) bool {
	switch len(text) {
	case 8, 12, 13, 14:
	default:
		return false
	}
	sum := 0
	for i, d := range slices.Backward(text) {
		if d < '0' || d > '9' {
			return false
		}
		if (len(text)-i)%2 == 0 {
			sum += 3 * int(d-'0')
		} else {
			sum += int(d - '0')
		}
	}
	return sum%10 == 0
}

// mayHold is the cheap first look: enough digits, or signs that may be
// digits of another script.
func mayHold(text []byte) bool {
	if len(text) < MinDigits {
		return false
	}
	digits := 0
	for _, c := range text {
		if c >= '0' && c <= '9' || c >= utf8.RuneSelf {
			digits++
		}
	}
	return digits >= MinDigits
}

// digitRun is a row of digits with separators between them, as people write card
// numbers.
type digitRun struct {
	digits []byte
	starts []int  // where groups begin
	seps   []rune // the separator before each group but the first
	plus   bool   // after a plus sign: a telephone number, up to 15 digits (E.164)
}

// In says whether there is a card number in the text: in one piece or in groups,
// in the digits of any script.
func In(text []byte) bool {
	return mayHold(text) && holds(text)
}

func holds(text []byte) bool {
	if isHexID(text) {
		return false
	}
	var r digitRun
	var sep, before rune
	gap := 0 // separators since the last digit
	for _, c := range string(text) {
		d, isDigit := digitOf(c)
		switch {
		case isDigit:
			if len(r.digits) == 0 {
				r.starts, r.plus = append(r.starts, 0), before == '+'
			} else if gap > 0 {
				r.starts, r.seps = append(r.starts, len(r.digits)), append(r.seps, sep)
			}
			r.digits, gap = append(r.digits, d), 0
		case separates(c) && gap < 3 && len(r.digits) > 0:
			if gap == 0 || sep == ' ' { // " - " counts as "-"
				sep = c
			}
			gap++
		case invisible(c):
		default:
			if r.card() {
				return true
			}
			r, gap = digitRun{digits: r.digits[:0], starts: r.starts[:0], seps: r.seps[:0]}, 0
		}
		before = c
	}
	return r.card()
}

// card says whether any whole groups of the run together are a card number.
// Groups are joined when one kind of separator stands between them, or when
// they are groups of four; prices in a row are neither.
func (r *digitRun) card() bool {
	if len(r.digits) < MinDigits || r.plus && len(r.digits) <= 15 {
		return false
	}
	for i, start := range r.starts {
		uniform, fours := true, true
		for j := i; j < len(r.starts); j++ {
			end := len(r.digits)
			if j+1 < len(r.starts) {
				end = r.starts[j+1]
			}
			if end-start > maxDigits {
				break
			}
			if j > i {
				uniform = uniform && r.seps[j-1] == r.seps[i]
				fours = fours && r.starts[j]-r.starts[j-1] == 4
			}
			if (uniform || fours) && Is(r.digits[start:end]) {
				return true
			}
		}
	}
	return false
}

// digitOf is the value of a digit in any script, as '0'..'9'.
func digitOf(c rune) (byte, bool) {
	if c < utf8.RuneSelf {
		return byte(c), c >= '0' && c <= '9'
	}
	if !unicode.IsDigit(c) {
		return 0, false
	}
	if c >= 0x1d7ce && c <= 0x1d7ff { // mathematical digits: five rows without a gap
		return '0' + byte((c-0x1d7ce)%10), true
	}
	// The digits of any other script stand alone in a row of ten.
	zero := c
	for c-zero < 9 && unicode.IsDigit(zero-1) {
		zero--
	}
	return '0' + byte(c-zero), true
}

func separates(c rune) bool {
	switch c {
	case ' ', '-', '.', '/', '_', '\t', '\u00a0', '\u202f', '\u00b7':
		return true
	default:
		return c >= '\u2000' && c <= '\u200a' || c >= '\u2010' && c <= '\u2015'
	}
}

func invisible(c rune) bool {
	return c >= '\u200b' && c <= '\u200f' || c == '\u2060' || c == '\ufeff' || c == '\u00ad'
}

// isHexID says whether text is a UUID or a hash, whose digits mean nothing.
func isHexID(text []byte) bool {
	letters := false
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9' || c == '-':
		case c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F':
			letters = true
		default:
			return false
		}
	}
	return letters && len(text) >= 32
}
