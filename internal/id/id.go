// Package id makes the names of rows and the secrets that open them.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"strings"

	"github.com/google/uuid"
)

func init() { uuid.EnableRandPool() }

// New is a fresh UUIDv7: unique, and close in the index to its neighbours in time.
func New() uuid.UUID {
	return uuid.Must(uuid.NewV7())
}

// Alphabet is Crockford's base-32: no I, L, O or U (crockford.com/base32.html).
const Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var encoding = base32.NewEncoding(Alphabet).WithPadding(base32.NoPadding)

// Secret is n random bytes as Crockford base-32 text in lower case. It never
// holds so many digits in a row that it could be taken for a card number.
func Secret(n int) string {
	for {
		b := make([]byte, n)
		_, _ = rand.Read(b) // crypto/rand never fails: it ends the program instead
		if s := strings.ToLower(encoding.EncodeToString(b)); digitsInARow(s) < 12 {
			return s
		}
	}
}

func digitsInARow(s string) (longest int) {
	run := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// Typed reads signs of Alphabet as people type them: in any case, with or without
// hyphens, spaces and a hash sign, and with I or L for 1 and O for 0. It is empty
// for a text that holds anything else, or over 64 bytes.
func Typed(text string) string {
	if len(text) > 64 {
		return ""
	}
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == 'I' || r == 'i' || r == 'L' || r == 'l':
			return '1'
		case r == 'O' || r == 'o':
			return '0'
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r == '-' || r == ' ' || r == '#' || r == '\t' || r == 0x2010 || r == 0x2011 || r == 0x2013:
			return -1
		}
		return r
	}, text)
	for i := range len(clean) {
		if strings.IndexByte(Alphabet, clean[i]) < 0 {
			return ""
		}
	}
	return clean
}
