package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

const (
	secretPrefix = "whsec_"
	secretSize   = 32 // bytes; the standard asks for 24 to 64
)

// newSecret makes the bytes of a secret.
func newSecret() []byte {
	b := make([]byte, secretSize)
	_, _ = rand.Read(b) // crypto/rand never fails: it ends the program instead
	return b
}

// secretText is a secret as merchants are shown it.
func secretText(secret []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// sign gives the value of webhook-signature: one signature for each secret, so
// that a receiver who knows any of them is satisfied.
func sign(id string, at time.Time, body []byte, secrets ...[]byte) string {
	all := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}
