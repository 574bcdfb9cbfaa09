package customer

import (
	"time"

	"doorstep/internal/locale"
)

// For tests of what stays inside.
var (
	ParseKey    = parseKey
	MintKey     = mintKey
	KeyChecksum = keyChecksum
	CleanOrigin = cleanOrigin
	IsCountry   = locale.IsCountry
)

// Recent is recent as tests see it.
type Recent struct{ r recent[int, int] }

func NewRecent(ttl time.Duration, size int) *Recent {
	return &Recent{recent[int, int]{ttl: ttl, size: size}}
}
func (r *Recent) Put(k, v int, asked time.Time)           { r.r.put(k, v, asked) }
func (r *Recent) Answer(k int, now time.Time) (int, bool) { return r.r.get(k, now) }
func (r *Recent) Len() int                                { return len(r.r.young) + len(r.r.old) }
