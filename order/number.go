package order

import (
	"crypto/rand"
	"strings"

	"doorstep/internal/id"
)

// prefix begins every order number.
const prefix = "DS"

// checkSigns are the 37 check signs of Crockford's base 32: its 32 signs and
// five more for the remainders 32 to 36 (crockford.com/base32.html).
const checkSigns = id.Alphabet + "*~$=U"

// NewNumber is a fresh order number: eight random Crockford signs and one that
// checks them, such as DS-7K3M-Q2XT-H. It says nothing of how many orders there
// are. Numbers whose check sign would be a symbol are not given out.
func NewNumber() string { return numbered(prefix) }

// numbered is a fresh number of that form with its own prefix.
func numbered(prefix string) string {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // crypto/rand never fails: it ends the program instead
		for i := range b {
			b[i] = id.Alphabet[b[i]&31]
		}
		check := checkSign(string(b[:]))
		if strings.IndexByte(id.Alphabet, check) >= 0 {
			return prefix + "-" + string(b[:4]) + "-" + string(b[4:]) + "-" + string(check)
		}
	}
}

func checkSign(signs string) byte {
	sum := 0
	for i := range len(signs) {
		sum = (sum*32 + strings.IndexByte(id.Alphabet, signs[i])) % 37
	}
	return checkSigns[sum]
}

// ParseNumber reads an order number as people type it: in any case, with or
// without prefix, hyphens, spaces and a hash sign, and with I or L for 1 and O
// for 0. It gives the canonical form, and false for what cannot be one.
func ParseNumber(typed string) (string, bool) {
	clean := id.Typed(typed)
	if len(clean) == 11 {
		rest, found := strings.CutPrefix(clean, prefix)
		if !found {
			return "", false
		}
		clean = rest
	}
	if len(clean) != 9 {
		return "", false
	}
	if checkSign(clean[:8]) != clean[8] {
		return "", false
	}
	return prefix + "-" + clean[:4] + "-" + clean[4:8] + "-" + clean[8:], true
}
