package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader carries the signature of a webhook.
const SignatureHeader = "Stripe-Signature"

// Tolerance is how far the time in a signature may be from now.
const Tolerance = 300 * time.Second

// Sign is the signature of a webhook's raw body, in Stripe's scheme.
func Sign(secret string, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret, t string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t)) // a hash takes everything
	h.Write([]byte{'.'})
	h.Write(body)
	return h.Sum(nil)
}

// signed says whether one of the signatures in header is by one of the secrets,
// and from about now.
func signed(secrets []string, header string, body []byte, now time.Time) bool {
	var stamp string
	var given [][]byte
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			stamp = value
		case "v1":
			if sum, err := hex.DecodeString(value); err == nil {
				given = append(given, sum)
			}
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > Tolerance {
		return false
	}
	right := false
	for _, secret := range secrets {
		want := mac(secret, stamp, body)
		for _, sum := range given {
			right = hmac.Equal(sum, want) && secret != "" || right
		}
	}
	return right
}
