package api

import (
	"encoding/hex"
	"math/rand/v2"
)

// traceFrom is the trace id of a W3C traceparent header, or a fresh one when
// there is none or it is not well formed. Ids are unique, not secret.
func traceFrom(parent []byte) string {
	if id, ok := parseTraceparent(parent); ok {
		return id
	}
	var raw [16]byte
	for i := 0; i < len(raw); i += 8 {
		word := rand.Uint64()
		for j := range 8 {
			raw[i+j] = byte(word >> (8 * j))
		}
	}
	raw[0] |= 1 // all zeros means none
	return hex.EncodeToString(raw[:])
}

// parseTraceparent reads version-traceid-parentid-flags (W3C Trace Context,
// section 3.2): version 00 has exactly these parts, later ones may add more.
func parseTraceparent(b []byte) (string, bool) {
	const length = 2 + 1 + 32 + 1 + 16 + 1 + 2
	if len(b) < length || b[2] != '-' || b[35] != '-' || b[52] != '-' {
		return "", false
	}
	version, id, parent, flags := b[:2], b[3:35], b[36:52], b[53:55]
	if !lowerHex(version) || !lowerHex(id) || !lowerHex(parent) || !lowerHex(flags) || zeros(id) || zeros(parent) {
		return "", false
	}
	switch {
	case string(version) == "ff":
		return "", false
	case string(version) == "00" && len(b) != length:
		return "", false
	case len(b) > length && b[length] != '-':
		return "", false
	}
	return string(id), true
}

func lowerHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != '0' {
			return false
		}
	}
	return true
}
