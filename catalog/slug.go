package catalog

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// maxSlug is in bytes, so that an address stays short in every script.
const maxSlug = 200

// Slug makes the part of an address that names a product out of its title.
// Letters of every script stay, for browsers show them as they are: Latin ones
// lose their accents, Armenian and Khmer keep their signs. It is empty when the
// title has neither letter nor digit, and making a slug of a slug changes
// nothing.
func Slug(title string) string {
	var b strings.Builder
	var base rune // the letter that a following mark belongs to
	gap := false
	parts := strings.Split(title, "և") // one sign to its readers, two letters to NFKC
	for i := range parts {
		parts[i] = strings.ToLower(norm.NFKC.String(parts[i]))
	}
	for _, r := range norm.NFD.String(strings.Join(parts, "և")) {
		switch {
		case unicode.IsMark(r):
			if base == 0 || unicode.Is(unicode.Latin, base) {
				continue
			}
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			base = r
		case r == '\'' || r == '’' || r == '՛' || r == '՜' || r == '՞' || unicode.Is(unicode.Cf, r):
			continue // part of a word: women's, or an invisible break
		default:
			base, gap = 0, b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(r)
	}
	slug := cutSlug(norm.NFC.String(b.String()))
	if _, err := uuid.Parse(slug); err == nil {
		slug += "-p" // a product is found by id or slug: they must not be mistaken
	}
	return slug
}

// cutSlug shortens at a letter's border, at a word's where there is one.
func cutSlug(slug string) string {
	if len(slug) <= maxSlug {
		return slug
	}
	end := maxSlug
	for !utf8.RuneStart(slug[end]) {
		end--
	}
	slug = slug[:end]
	if dash := strings.LastIndexByte(slug, '-'); dash > maxSlug/2 {
		slug = slug[:dash]
	}
	return strings.TrimRight(slug, "-")
}

// handle is the slug that someone chose: kept as it is when it is lower-case
// letters, digits, marks, '-', '_' and '.', otherwise made into one.
func handle(chosen string) string {
	chosen = norm.NFC.String(strings.TrimSpace(chosen))
	if chosen == "" || len(chosen) > maxSlug || chosen == "." || chosen == ".." || strings.ToLower(chosen) != chosen {
		return Slug(chosen)
	}
	for _, r := range chosen {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '-' && r != '_' && r != '.' {
			return Slug(chosen)
		}
	}
	if _, err := uuid.Parse(chosen); err == nil {
		return chosen + "-p"
	}
	return chosen
}
