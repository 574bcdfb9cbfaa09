package customer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"
)

// Bucket is a number from 0 to 9999 that follows from a subject, such as a
// person, by a key that nobody outside knows. It is the same for ever, spreads
// evenly, and is independent between uses and merchants.
func (v *Vault) Bucket(use string, merchant uuid.UUID, subject []byte) int {
	mac := hmac.New(sha256.New, v.link)
	mac.Write([]byte("bucket of " + use + "\x00"))
	mac.Write(merchant[:])
	mac.Write(subject)
	return int(binary.BigEndian.Uint64(mac.Sum(nil)) % 10000) // below 10000
}
