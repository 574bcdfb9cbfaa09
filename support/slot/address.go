package slot

import (
	"regexp"
	"strings"
	"sync"

	"doorstep/internal/locale"
	"doorstep/support/text"
)

// Address is a postal address as far as a text gives it. Nothing in it has been
// checked with anyone.
type Address struct {
	// Raw is the piece of the text that seems to be the address.
	Raw        string
	Line       string
	City       string
	PostalCode string
	// Country is an ISO 3166-1 alpha-2 code, or empty.
	Country    string
	Start, End int
}

var (
	// addressCue stands before an address: what follows is read as one.
	addressCue = regexp.MustCompile(`(?i)(?:(?:new |my |correct |delivery |shipping |right )*(?:add?ress?)(?: is| should be|:| -|,)|(?:send|ship|deliver|redirect|reroute|forward|change)(?: it| them| this| that| my order| my parcel| my package| the (?:order|parcel|package|address)|  +| of| for| on)*(?: instead)? +to(?: the address)?:?|հասցե[նըս]?(?: է| փոխեք| դարձրեք| թարմացրեք)?[,:]|հասցեով[,:]?|hascen?[,:]|(?:ទីតាំង|អាសយដ្ឋាន)(?:ថ្មី)?(?:គឺ|ទៅ|៖|:| )|ផ្ញើទៅ|ដឹកទៅ)\s*`)
	streetForm = regexp.MustCompile(`(?i)\b(?:street|str|st|avenue|ave|road|rd|lane|ln|drive|boulevard|blvd|square|place|court|way|house|flat|apt|apartment|building|floor|unit|suite)\b|փողոց|պողոտա|շենք|բնակարան|բն\.|տուն|ծանուղի|փ\.|ផ្លូវ|ផ្ទះ|សង្កាត់|ខណ្ឌ|ភូមិ|ឃុំ|ស្រុក|ខេត្ត|phlauv|phov`)
	postalForm = regexp.MustCompile(`(?:^|[ ,])([A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|\d{4,6})(?:$|[ ,.])`)
	figure     = regexp.MustCompile(`\d`)
	// addressEnd is where the talk goes on behind an address.
	addressEnd = regexp.MustCompile(`(?i)(?:[.!?]\s+\p{L}|\n|[.!?]$|,? (?:please|thanks|thank you|instead|not to|խնդրում|շնորհ)(?:\b|\s|$))`)
)

// address reads a postal address behind a cue, or where a street and a number
// stand together.
func address(s string, f Found) *Address {
	s = blank(s, f)
	if !figure.MatchString(s) {
		return nil
	}
	start := -1
	if cue := addressCue.FindStringIndex(s); cue != nil {
		start = cue[1]
	} else if street := streetForm.FindStringIndex(s); street != nil && numbered(s, street[0], street[1]) {
		start = pieceStart(s, street[0])
	}
	if start < 0 || start >= len(s) {
		return nil
	}
	end := len(s)
	if stop := addressEnd.FindStringIndex(s[start:]); stop != nil && stop[0] > 0 {
		end = start + stop[0]
	}
	raw := strings.Trim(s[start:end], " ,.:;-!?")
	if !figure.MatchString(raw) || len(raw) < 6 || len(raw) > 400 || !streetForm.MatchString(raw) && strings.Count(raw, ",") == 0 {
		return nil
	}
	a := parts(raw)
	a.Start, a.End = start, end
	return a
}

// blank puts spaces where an order number, an e-mail address, a code or a sum
// stands, so that their figures are not taken for a house's.
func blank(s string, f Found) string {
	b := []byte(s)
	out := func(start, end int) {
		for i := start; i < end; i++ {
			b[i] = ' '
		}
	}
	for _, o := range f.Orders {
		out(o.Start, o.End)
	}
	for _, spans := range [][]Span{f.Emails, f.Coupons} {
		for _, e := range spans {
			out(e.Start, e.End)
		}
	}
	for _, a := range f.Amounts {
		out(a.Start, a.End)
	}
	return string(b)
}

// numbered says that a figure stands next to the word for a street, with two
// words between them at most.
func numbered(s string, start, end int) bool {
	near := strings.Fields(s[:start])
	behind := strings.Fields(s[end:])
	near = append(near[max(0, len(near)-3):], behind[:min(2, len(behind))]...)
	return figure.MatchString(strings.Join(near, " "))
}

// pieceStart is where the part of the sentence with the street begins: behind
// the last mark before it, or at the first figure of its piece.
func pieceStart(s string, at int) int {
	from := strings.LastIndexAny(s[:at], ".,:;!?\n") + 1
	if digit := figure.FindStringIndex(s[from:at]); digit != nil {
		return from + digit[0]
	}
	return from
}

// parts cuts an address at its commas.
func parts(raw string) *Address {
	a := &Address{Raw: raw}
	var lines []string
	for _, piece := range strings.Split(raw, ",") {
		piece = strings.TrimSpace(piece)
		if code := country(piece); code != "" {
			a.Country = code
			continue
		}
		if m := postalForm.FindStringSubmatchIndex(strings.ToUpper(piece)); m != nil && len(lines) > 0 {
			a.PostalCode = strings.ToUpper(piece[m[2]:m[3]])
			piece = strings.TrimSpace(piece[:m[2]] + piece[m[3]:])
		}
		if piece != "" {
			lines = append(lines, piece)
		}
	}
	if n := len(lines); n > 1 && !figure.MatchString(lines[n-1]) {
		a.City = lines[n-1]
		lines = lines[:n-1]
	} else if n > 1 && len(lines[0]) > 0 && !figure.MatchString(lines[0]) && figure.MatchString(lines[1]) && !streetForm.MatchString(lines[0]) {
		a.City = lines[0] // Yerevan, Abovyan 10
		lines = lines[1:]
	}
	a.Line = strings.Join(lines, ", ")
	return a
}

// countries are the names of all countries in the three languages.
var countries = sync.OnceValue(func() map[string]string {
	all := map[string]string{"usa": "US", "us": "US", "u.s.": "US", "uk": "GB", "england": "GB", "scotland": "GB", "america": "US", "holland": "NL"}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			if !locale.IsCountry(code) {
				continue // once a country's, and named like the one that it is now
			}
			for _, language := range locale.Languages() {
				if name := locale.Country(language, code); name != code {
					all[strings.ToLower(text.Normalise(name))] = code
				}
			}
		}
	}
	return all
})

func country(piece string) string { return countries()[strings.ToLower(strings.Trim(piece, " ."))] }
