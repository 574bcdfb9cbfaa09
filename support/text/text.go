// Package text makes one plain form out of what people type in English, Armenian
// and Khmer, so that what reads it afterwards need not know how it was typed.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Clip shortens a text to at most that many characters, and says whether it had to.
func Clip(s string, most int) (string, bool) {
	n := 0
	for i := range s {
		if n == most {
			return s[:i], true
		}
		n++
	}
	return s, false
}

// Normalise gives the text in one form: composed (NFC), digits of every script as
// 0 to 9, wide signs narrow, dashes, quotes and spaces plain, invisible signs and
// control characters gone. Armenian marks of stress, question and exclamation,
// which stand inside words, are taken out: a question mark or a comma is put after
// the word instead. Letters keep their case. What is no UTF-8 becomes spaces.
func Normalise(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, " ")
	}
	var b strings.Builder
	b.Grow(len(s))
	owed := rune(0) // what an Armenian mark leaves behind at the end of its word
	space := true
	put := func(r rune) {
		if r == ' ' && space {
			return
		}
		space = r == ' ' || r == '\n'
		b.WriteRune(r)
	}
	for _, r := range norm.NFC.String(s) {
		if left, mark := armenianMark(r); mark {
			if left != 0 {
				owed = left
			}
			continue
		}
		r = plain(r)
		if r < 0 {
			continue
		}
		if owed != 0 && !unicode.IsLetter(r) && !unicode.IsMark(r) {
			if r != owed {
				put(owed)
			}
			owed = 0
		}
		put(r)
	}
	if owed != 0 {
		put(owed)
	}
	// taking marks out may have left letters that compose with each other
	return strings.TrimSpace(norm.NFC.String(strings.ReplaceAll(b.String(), " \n", "\n")))
}

// armenianMark says whether the rune is one of U+055A to U+055F, and what stays.
func armenianMark(r rune) (left rune, mark bool) {
	switch r {
	case 0x055E:
		return '?', true
	case 0x055D:
		return ',', true
	}
	return 0, r >= 0x055A && r <= 0x055F
}

// plain is the everyday form of a rune; -1 for one that is left out.
func plain(r rune) rune {
	switch {
	case r < 0x80:
		if r == '\n' || r >= ' ' && r != 0x7f {
			return r
		}
		return ' '
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x2069,
		r == 0xFEFF, r == 0x00AD, r == 0x180E, r >= 0xFE00 && r <= 0xFE0F, r == 0x17B4, r == 0x17B5:
		return -1
	case r >= 0xFF01 && r <= 0xFF5E:
		return plain(r - 0xFEE0)
	case r >= 0x2010 && r <= 0x2015, r == 0x2212, r == 0x058A, r == 0xFE58, r == 0xFE63:
		return '-'
	case r == 0x2018, r == 0x2019, r == 0x201B, r == 0x02BC, r == 0x00B4:
		return '\''
	case r == 0x201C, r == 0x201D, r == 0x00AB, r == 0x00BB:
		return '"'
	case r == 0x0589, r == 0x17D4, r == 0x17D5, r == 0x3002:
		return '.' // the full stops of Armenian, Khmer and Chinese
	case r == 0x2028, r == 0x2029, r == 0x0085:
		return '\n'
	case unicode.IsSpace(r), unicode.Is(unicode.Zs, r), unicode.IsControl(r):
		return ' '
	case unicode.Is(unicode.Nd, r):
		return digit(r)
	}
	return r
}

// digit is the ASCII form of a decimal digit of any script: in Unicode they
// stand in runs of ten that begin with zero.
func digit(r rune) rune {
	for _, run := range unicode.Nd.R16 {
		if r >= rune(run.Lo) && r <= rune(run.Hi) {
			return '0' + (r-rune(run.Lo))%10
		}
	}
	for _, run := range unicode.Nd.R32 {
		if r >= rune(run.Lo) && r <= rune(run.Hi) {
			return '0' + (r-rune(run.Lo))%10
		}
	}
	return r
}
