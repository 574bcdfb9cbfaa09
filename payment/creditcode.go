package payment

import (
	"crypto/sha256"
	"strings"

	"github.com/google/uuid"

	"doorstep/internal/id"
)

// cardSigns is how long the code of a gift card is: 80 random bits.
const cardSigns = 16

// newCardCode is a fresh code, such as "7K3M-Q2XT-H0AB-4RSP".
func newCardCode() string {
	s := strings.ToUpper(id.Secret(cardSigns * 5 / 8))
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}

// cardHash is what is kept of a code as people type it: in any case, with or
// without hyphens and spaces, and with I or L for 1 and O for 0. It is nil for
// what cannot be a code.
func cardHash(merchant uuid.UUID, typed string) []byte {
	clean := id.Typed(typed)
	if len(clean) != cardSigns {
		return nil
	}
	sum := sha256.Sum256(append(merchant[:], "gift card "+clean...))
	return sum[:]
}
