package catalog

import (
	"encoding/base64"
	"strings"
)

// cursorOf seals where a list stopped into opaque text; kind keeps the cursor
// of one list from being taken by another.
func cursorOf(kind string, parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + "\x00" + strings.Join(parts, "\x00")))
}

// cursorParts opens a cursor of that kind with n parts, or fails with ErrCursor.
func cursorParts(cursor, kind string, n int) ([]string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	parts := strings.Split(string(raw), "\x00")
	if err != nil || len(parts) != n+1 || parts[0] != kind {
		return nil, ErrCursor
	}
	return parts[1:], nil
}

// pageLimit is how many rows a page holds.
func pageLimit(asked int) int {
	if asked <= 0 {
		return 20
	}
	return min(asked, 100)
}
