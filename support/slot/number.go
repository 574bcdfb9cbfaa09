package slot

import (
	"strings"
	"unicode"

	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/support/text"
)

// Order is an order number that a text names, or seems to.
type Order struct {
	// Number is the canonical form, such as DS-7K3M-Q2XT-5.
	Number string
	// Sure is false for a number that is to be taken only when nothing better is
	// said: six digits without their prefix.
	Sure bool
	// Mistyped says that it has the form of an order number, but its check sign
	// does not fit: the customer has to be asked.
	Mistyped   bool
	Start, End int
}

// signs is a run of Latin letters and digits.
type signs struct{ start, end int }

// maxParts is how many pieces a number may be typed in: each sign for itself.
const maxParts = 11

// Orders finds the order numbers in a normalised text, however they are typed:
// any case, with or without DS, hyphens, spaces and hash signs, with an Armenian
// ending behind. Numbers of the older form DS-100241 count as well.
func Orders(s string) []Order {
	var found []Order
	runs := runsOf(s)
	for i := 0; i < len(runs); {
		o, used := orderAt(s, runs, i)
		if used == 0 {
			i++
			continue
		}
		o.End = pastEnding(s, o.End)
		if o.Start > 0 && s[o.Start-1] == '#' {
			o.Start--
		}
		found = append(found, o)
		i += used
	}
	return found
}

func runsOf(s string) []signs {
	var runs []signs
	start := -1
	for i := 0; i <= len(s); i++ {
		part := i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z')
		switch {
		case part && start < 0:
			start = i
		case !part && start >= 0:
			runs = append(runs, signs{start, i})
			start = -1
		}
	}
	return runs
}

// joined says whether what stands between two runs may stand inside a number.
func joined(between string) bool {
	return len(between) <= 3 && strings.Trim(between, " -#_./:*|") == ""
}

// orderAt reads the number that begins with run i, and says how many runs it takes.
func orderAt(s string, runs []signs, i int) (Order, int) {
	first := runs[i]
	if i > 0 && runs[i-1].end == first.start-1 && s[first.start-1] == '@' || first.end < len(s) && s[first.end] == '@' {
		return Order{}, 0 // part of an e-mail address
	}
	joint := make([]byte, 0, 16)
	var best Order
	used := 0
	for k := i; k < len(runs) && k-i < maxParts; k++ {
		if k > i && !joined(s[runs[k-1].end:runs[k].start]) {
			break
		}
		joint = append(joint, s[runs[k].start:runs[k].end]...)
		if len(joint) > 14 {
			break
		}
		o, whole := number(s, joint, runs[i:k+1])
		if whole && (used == 0 || o.Sure && len(best.Number) == 14) {
			o.Start = first.start
			best, used = o, k-i+1
		}
	}
	return best, used
}

// number reads the signs of some runs as one order number.
func number(s string, joint []byte, runs []signs) (Order, bool) {
	last := runs[len(runs)-1]
	prefixed := len(joint) > 2 && (joint[0] == 'D' || joint[0] == 'd') && (joint[1] == 'S' || joint[1] == 's')
	if prefixed && len(joint) >= 11 {
		over := len(joint) - 11
		if canonical, ok := order.ParseNumber(string(joint[:11])); ok && tail(s, joint[11:], last) {
			return Order{Number: canonical, Sure: true, End: last.end - over}, true
		}
	}
	switch {
	case prefixed && len(joint) == 8 && digits(joint[2:]):
		return Order{Number: "DS-" + string(joint[2:]), Sure: true, End: last.end}, true
	case prefixed && len(joint) == 11 && formal(joint[2:]) && (len(runs) == 1 || compact(s, runs)):
		return Order{Number: strings.ToUpper("DS-" + string(joint[2:6]) + "-" + string(joint[6:10]) + "-" + string(joint[10:])), Mistyped: true, End: last.end}, true
	case len(joint) == 6 && len(runs) == 1 && digits(joint) && lonely(s, runs[0]):
		return Order{Number: "DS-" + string(joint), Sure: cued(s, runs[0].start), End: last.end}, true
	case len(joint) == 9 && bare(s, joint, runs):
		if canonical, ok := order.ParseNumber(string(joint)); ok {
			return Order{Number: canonical, Sure: true, End: last.end}, true
		}
	}
	return Order{}, false
}

// tail says whether what is left of the last run behind a whole number can be
// an ending in Latin letters, as in DS-7K3M-Q2XT-5i.
func tail(s string, rest []byte, last signs) bool {
	glued := last.start == 0 || s[last.start-1] != ' '
	return len(rest) == 0 || glued && len(rest) < last.end-last.start && !digits(rest) && len(rest) <= 3
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// formal says that all signs may occur in a number, and one of them is a digit.
func formal(b []byte) bool {
	digit := false
	for _, c := range b {
		digit = digit || c >= '0' && c <= '9'
		if c >= 'a' {
			c -= 'a' - 'A'
		}
		if strings.IndexByte(id.Alphabet+"ILO", c) < 0 {
			return false
		}
	}
	return digit
}

// compact says that the runs stand in hyphens or in groups of four.
func compact(s string, runs []signs) bool {
	for i, r := range runs {
		if n := r.end - r.start; n > 4 && n != 6 && n != 9 && n != 11 && i > 0 {
			return false
		}
	}
	return strings.Contains(s[runs[0].start:runs[len(runs)-1].end], "-") || len(runs) <= 4
}

// lonely says that six digits are no part of a sum, a telephone number or a time.
func lonely(s string, r signs) bool {
	before, after := strings.TrimRight(s[:r.start], " "), strings.TrimLeft(s[r.end:], " ")
	if before != "" && strings.ContainsRune("+$€£.,:/(", rune(before[len(before)-1])) || after != "" && strings.ContainsRune("$€£%:/@", rune(after[0])) {
		return false
	}
	if len(s) > r.end && (s[r.end] == '.' || s[r.end] == ',') && len(s) > r.end+1 && s[r.end+1] >= '0' && s[r.end+1] <= '9' {
		return false
	}
	unit, _, _ := strings.Cut(strings.ToLower(after), " ")
	return currencies[strings.Trim(unit, ".,!?")] == "" && !strings.HasPrefix(after, "֏") && !strings.HasPrefix(after, "៛")
}

// cues are words behind which a number is an order's.
var cues = []string{"order", "number", "no.", "nr", "num", "#", "no", "purchase", "parcel", "package", "oder",
	"պատվեր", "համար", "ծանրոց", "patver", "បញ្ជាទិញ", "កុម្ម៉ង់", "កម្មង់", "លេខ", "កញ្ចប់", "kanchob"}

// cued says that the text says order, or the like, shortly before.
func cued(s string, at int) bool {
	from := max(0, at-40)
	before := strings.ToLower(s[from:at])
	for _, cue := range cues {
		if strings.Contains(before, cue) {
			return true
		}
	}
	return false
}

// bare says whether nine signs without DS may be a number at all. English has
// words of nine letters, and one in 37 of those fits its check sign.
func bare(s string, joint []byte, runs []signs) bool {
	start, end := runs[0].start, runs[len(runs)-1].end
	whole := s[start:end]
	hashed := start > 0 && s[start-1] == '#'
	if !grouped(runs) && !hashed {
		return false
	}
	if hashed || strings.Contains(whole, "-") {
		return true
	}
	digit, letter, lower := false, false, false
	for _, c := range joint {
		digit = digit || c >= '0' && c <= '9'
		letter = letter || c > '9'
		lower = lower || c >= 'a'
	}
	if !digit && (lower || strings.ToUpper(s) == s && len(s) > len(whole)+12) {
		return false
	}
	if !letter {
		return cued(s, start)
	}
	return cued(s, start) || !lower || len(runs) == 1 || !wordy(s, runs)
}

// grouped says that the pieces are cut as people cut a number: 4-4-1, 4-5, 8-1,
// or each sign alone.
func grouped(runs []signs) bool {
	sizes := make([]byte, 0, len(runs))
	for _, r := range runs {
		sizes = append(sizes, '0'+byte(r.end-r.start))
	}
	switch string(sizes) {
	case "9", "441", "45", "81", "333", "22221", "111111111":
		return true
	}
	return false
}

// wordy says that one of the pieces looks like a word.
func wordy(s string, runs []signs) bool {
	for _, r := range runs {
		piece := strings.ToLower(s[r.start:r.end])
		if len(piece) > 1 && strings.Trim(piece, "abcdefghijklmnopqrstuvwxyz") == "" && strings.ContainsAny(piece, "aeiou") {
			return true
		}
	}
	return false
}

// pastEnding is the offset behind an Armenian case ending that follows at once.
func pastEnding(s string, at int) int {
	from := at
	if from < len(s) && s[from] == '-' {
		from++
	}
	end := from
	for i, r := range s[from:] {
		if !unicode.IsLetter(r) {
			break
		}
		if kind, _ := text.ScriptOf(r); kind != text.Armenian {
			return at
		}
		end = from + i + len(string(r))
	}
	if end > from && text.Ending(strings.ToLower(s[from:end])) {
		return end
	}
	return at
}
