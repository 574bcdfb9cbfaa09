package locale

import (
	"strings"
	"unicode"
)

// Line makes what somebody has typed one harmless line: valid letters, no control
// characters, no breaks, and single spaces with none at the ends. Its length is
// the caller's affair.
func Line(typed string) string {
	typed = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(typed, ""))
	return strings.Join(strings.Fields(typed), " ")
}
