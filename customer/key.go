package customer

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
)

// KeyKind says what a key is for.
type KeyKind string

// The kinds of keys. A publishable key may do what a shopper may and stands in
// web pages; a secret key may do what its scopes say and stays on servers.
const (
	Publishable KeyKind = "publishable"
	SecretKey   KeyKind = "secret"
)

// Key is what is kept of an API key; the key itself is not.
type Key struct {
	ID                   uuid.UUID
	Kind                 KeyKind
	Name                 string
	Last4                string // its last four signs, to tell keys apart
	Scopes, Origins      []string
	CreatedAt            time.Time
	ExpiresAt, RevokedAt *time.Time
	LastUsedAt           *time.Time // to the minute
}

// NewKey is a key to be made.
type NewKey struct {
	Kind KeyKind
	Name string
	// Scopes of a secret key, such as "orders:read"; at least one. A publishable
	// key has none.
	Scopes []string
	// Origins of a publishable key, such as "https://shop.example"; "*" is any,
	// none means that it works outside of web pages only. A secret key has none.
	Origins   []string
	ExpiresAt *time.Time // nil means never
}

// Principal is the holder of an API key. It is shared: leave its slices alone.
type Principal struct {
	Merchant uuid.UUID
	KeyID    uuid.UUID
	Secret   bool
	Scopes   []string
	Origins  []string
	// ExpiresAt is when the key ends; nil is never.
	ExpiresAt *time.Time
}

// A key is ds_pk_ or ds_sk_ and 84 signs of Crockford base-32 in lower case:
//
//	ds_sk_ | merchant, 26 signs | 32 random bytes, 52 signs | checksum, 6 signs
//
// The checksum is the first 30 bits of the SHA-256 of everything before it. A
// mistyped or made-up key is thereby refused without a query, and a secret
// scanner can be sure of what it finds by ds_[ps]k_[0-9a-hjkmnp-tv-z]{84}.
const (
	publishablePrefix = "ds_pk_"
	secretPrefix      = "ds_sk_"

	keyMerchant = len(publishablePrefix) + 26
	keyBody     = keyMerchant + 52
	keyLength   = keyBody + 6
)

var crockford = base32.NewEncoding(strings.ToLower(id.Alphabet)).WithPadding(base32.NoPadding)

// mintKey makes the text of a fresh key.
func mintKey(kind KeyKind, merchant uuid.UUID) string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // crypto/rand never fails: it ends the program instead
	prefix := secretPrefix
	if kind == Publishable {
		prefix = publishablePrefix
	}
	body := prefix + crockford.EncodeToString(merchant[:]) + crockford.EncodeToString(secret[:])
	return body + keyChecksum(body)
}

func keyChecksum(body string) string {
	sum := sha256.Sum256([]byte(body))
	bits := binary.BigEndian.Uint32(sum[:]) >> 2
	var text [6]byte
	for i := range text {
		text[i] = id.Alphabet[bits>>(25-5*i)&31]
	}
	return strings.ToLower(string(text[:]))
}

// parseKey says whose key text is and of which kind; false when it is none.
// Each key has exactly one spelling.
func parseKey(text string) (merchant uuid.UUID, kind KeyKind, ok bool) {
	if len(text) != keyLength {
		return merchant, "", false
	}
	switch text[:len(secretPrefix)] {
	case publishablePrefix:
		kind = Publishable
	case secretPrefix:
		kind = SecretKey
	default:
		return merchant, "", false
	}
	if keyChecksum(text[:keyBody]) != text[keyBody:] {
		return merchant, "", false
	}
	owner, fine := decodeExactly(text[len(secretPrefix):keyMerchant], len(merchant))
	if !fine {
		return merchant, "", false
	}
	if _, fine = decodeExactly(text[keyMerchant:keyBody], 32); !fine {
		return merchant, "", false
	}
	copy(merchant[:], owner)
	return merchant, kind, true
}

// decodeExactly refuses what the decoder would let pass: line breaks and stray
// bits in the last sign.
func decodeExactly(text string, size int) ([]byte, bool) {
	b, err := crockford.DecodeString(text)
	return b, err == nil && len(b) == size && crockford.EncodeToString(b) == text
}

// areas are what a secret key can be let into.
var areas = []string{"catalog", "stock", "orders", "refunds", "shipping", "promotions", "customers", "analytics", "support", "settings"}

// Scopes lists every scope that a secret key can have. ":write" includes the
// reading of its area, and "*" is all.
func Scopes() []string {
	all := make([]string, 0, 2*len(areas)+1)
	for _, a := range areas {
		all = append(all, a+":read", a+":write")
	}
	return append(all, "*")
}

// Limits of a key.
const (
	maxKeyName = 200
	maxOrigins = 20
	maxOrigin  = 256 // what the API reads of an Origin header
)

// clean checks a key to be made and puts its lists into one form.
func (n NewKey) clean(now time.Time) (NewKey, error) {
	var w wrong
	if !plain(n.Name, maxKeyName) {
		w.at("body.name", "must have at most 200 characters on one line")
	}
	switch n.Kind {
	case SecretKey:
		if len(n.Scopes) == 0 {
			w.at("body.scopes", "must name at least one scope")
		}
		if len(n.Origins) > 0 {
			w.at("body.origins", "a secret key is never used in web pages")
		}
	case Publishable:
		if len(n.Scopes) > 0 {
			w.at("body.scopes", "a publishable key has no scopes")
		}
	default:
		w.at("body.kind", "must be publishable or secret")
	}
	known := Scopes()
	for i, scope := range n.Scopes {
		if !slices.Contains(known, scope) {
			w.at(fmt.Sprintf("body.scopes[%d]", i), "is not a scope such as orders:read")
		}
	}
	if len(n.Origins) > maxOrigins {
		w.at("body.origins", "must be at most 20")
	}
	origins := make([]string, len(n.Origins))
	for i, o := range n.Origins {
		var ok bool
		if origins[i], ok = cleanOrigin(o); !ok {
			w.at(fmt.Sprintf("body.origins[%d]", i), "must be like https://shop.example or https://shop.example:8443, without a path, or *")
		}
	}
	if n.ExpiresAt != nil && !n.ExpiresAt.After(now) {
		w.at("body.expires_at", "must be in the future")
	}
	n.Scopes, n.Origins = sorted(n.Scopes), sorted(origins)
	return n, w.as(ErrKeyRefused)
}

// sorted is a copy in order, without repetition and never nil.
func sorted(list []string) []string {
	c := append([]string{}, list...)
	slices.Sort(c)
	return slices.Compact(c)
}

// hostname is a name in DNS as browsers send it: labels of ASCII, with names of
// other scripts in their xn-- form.
var hostname = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// cleanOrigin gives an origin as browsers spell it in the Origin header: in
// lower case and without the scheme's own port.
func cleanOrigin(s string) (string, bool) {
	if s == "*" {
		return s, true
	}
	s = strings.ToLower(s)
	scheme, rest, found := strings.Cut(s, "://")
	if !found || scheme != "https" && scheme != "http" || len(s) > maxOrigin {
		return "", false
	}
	u, err := url.Parse(s)
	// Whatever is not scheme and host makes the two differ: path, query, user.
	if err != nil || u.Host != rest {
		return "", false
	}
	host, port := u.Hostname(), u.Port()
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" || ip.Is6() != strings.HasPrefix(rest, "[") {
			return "", false
		}
		if host = ip.String(); ip.Is6() {
			host = "[" + host + "]"
		}
	} else if !hostname.MatchString(host) {
		return "", false
	}
	if port == "" {
		return scheme + "://" + host, !strings.HasSuffix(rest, ":")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", false
	}
	if scheme == "https" && n == 443 || scheme == "http" && n == 80 {
		return scheme + "://" + host, true
	}
	return scheme + "://" + host + ":" + strconv.FormatUint(n, 10), true
}
