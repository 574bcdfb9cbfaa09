package table

import (
	"errors"
	"fmt"
	"strings"
)

// weights are those of the eight digits of an S10 number.
var weights = [8]int{8, 6, 4, 2, 3, 5, 9, 7}

// The faults of S10 numbers.
var (
	errForm  = errors.New("must be two letters, nine digits and a country, such as RR473124829GB")
	errCheck = errors.New("has a wrong check digit: look for a mistyped one")
)

// normalS10 is a number as it is written: capitals without spaces.
func normalS10(number string) string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(number), " ", ""))
}

// S10 makes the number of a serial: indicator is two letters, country ISO 3166-1.
// A serial beyond eight digits, or letters that are none, give "".
func S10(indicator string, serial int, country string) string {
	if len(indicator) != 2 || len(country) != 2 || !letters(indicator+country) || serial < 0 || serial > 99_999_999 {
		return ""
	}
	digits := fmt.Sprintf("%08d", serial)
	return indicator + digits + string(checkDigit(digits)) + country
}

// CheckS10 says what is wrong with the number of a postal item by the UPU's
// standard S10. Spaces and small letters do not matter.
func CheckS10(number string) error {
	n := normalS10(number)
	if len(n) != 13 || !letters(n[:2]+n[11:]) || strings.Trim(n[2:11], "0123456789") != "" {
		return errForm
	}
	if n[10] != checkDigit(n[2:10]) {
		return errCheck
	}
	return nil
}

// checkDigit is 11 less the weighted sum modulo 11; 10 is written 0, and 11 is 5.
func checkDigit(digits string) byte {
	sum := 0
	for i, w := range weights {
		sum += w * int(digits[i]-'0')
	}
	switch c := 11 - sum%11; c {
	case 10:
		return '0'
	case 11:
		return '5'
	default:
		return byte('0' + c)
	}
}

func letters(s string) bool {
	for _, r := range s {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return true
}
