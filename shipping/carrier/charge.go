package carrier

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"doorstep/internal/money"
)

// Settle makes the parts of a price add up to what the carrier wants for it:
// parts of zero go, and what the carrier does not itemise becomes a part of its
// own, a surcharge or a discount. Parts in another currency cannot be added and
// make way for the total as one base charge.
func Settle(charges []Charge, total money.Amount) []Charge {
	whole := []Charge{{Kind: ChargeBase, Name: "total", Amount: total}}
	rest := total
	var kept []Charge
	for _, c := range charges {
		if c.Amount.Minor == 0 {
			continue
		}
		left, err := rest.Sub(c.Amount)
		if err != nil {
			return whole
		}
		rest, kept = left, append(kept, c)
	}
	switch {
	case len(kept) == 0:
		return whole
	case rest.Minor > 0:
		kept = append(kept, Charge{Kind: ChargeSurcharge, Name: "not itemised", Amount: rest})
	case rest.Minor < 0:
		kept = append(kept, Charge{Kind: ChargeDiscount, Name: "not itemised", Amount: rest})
	}
	return kept
}

// Reference fits an attempt's key into a carrier's field of most signs: the key
// itself when it fits, otherwise a digest of it in capitals and digits. Most is
// at least 20, so that two keys do not meet.
func Reference(key string, most int) string {
	if len(key) <= most {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
	return text[:min(most, len(text))]
}

// SignedBy tells whether signature, in hex or base64, is the HMAC-SHA256 of the
// parts one after the other with that secret. It takes as long for a wrong
// signature as for the right one. Without a secret nothing is signed.
func SignedBy(secret, signature string, parts ...[]byte) bool {
	if secret == "" {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	for _, p := range parts {
		mac.Write(p)
	}
	signature = strings.TrimSpace(signature)
	given, err := hex.DecodeString(signature)
	if err != nil || len(given) != sha256.Size {
		if given, err = base64.StdEncoding.DecodeString(signature); err != nil {
			return false
		}
	}
	return hmac.Equal(given, mac.Sum(nil))
}
