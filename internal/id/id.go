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
