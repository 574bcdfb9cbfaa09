package locale_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"doorstep/internal/locale"
)

func TestWhateverIsTypedBecomesOneHarmlessLine(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"": "", " \t\n ": "", "late": "late", "  too \r\n late ": "too late", "a\x00b\x1b[31mc": "a b [31mc", "bad \xff\xfe end": "bad end",
		"a\u2028b\u00a0c": "a b c", "Ամբողջ  քաղաքը": "Ամբողջ քաղաքը", "\ufffd": "", "ភាសាខ្មែរ": "ភាសាខ្មែរ",
	} {
		if got := locale.Line(typed); got != want {
			t.Errorf("%q becomes %q, want %q", typed, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\n b\xff")
	f.Fuzz(func(t *testing.T, typed string) {
		line := locale.Line(typed)
		if !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n\t\x00") || line != strings.TrimSpace(line) || locale.Line(line) != line {
			t.Errorf("%q becomes %q", typed, line)
		}
	})
}
