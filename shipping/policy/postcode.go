package policy

import (
	"strings"
)

// formats say how a full postcode of a country looks, N a digit, A a letter, X
// either. A country may have several. Countries that are not listed are
// compared sign by sign without any check of their form.
var formats = func() map[string][]string {
	all := map[string][]string{
		"CA": {"ANANAN"}, "NL": {"NNNNAA"}, "IE": {"ANNXXXX", "ANAXXXX"}, "BN": {"AANNNN"}, "MT": {"AAANNNN"},
		"KH": {"NNNNNN", "NNNNN"}, "IL": {"NNNNNNN", "NNNNN"}, "VN": {"NNNNN", "NNNNNN"}, "SA": {"NNNNN"},
		"IR": {"NNNNNNNNNN"}, "TW": {"NNNNNN", "NNNNN", "NNN"}, "AR": {"NNNN", "ANNNNAAA"},
	}
	for length, countries := range map[int]string{
		3: "FO IS",
		4: "AM AT AU BE BG CH CY DK GE GL HU LI LU LV MD MK NO NZ PH SI TN ZA",
		5: "BA CZ DE DO DZ EE EG ES FI FR GR HR ID IT KR KW LA LK LT MA ME MM MX MY NP PE PK PL PR RS SE SK SM TH TR UA US UY VA",
		6: "BY CN CO EC IN KG KZ MN NG RO RU SG TJ TM UZ",
		7: "JP PT",
		8: "BR",
	} {
		for country := range strings.FieldsSeq(countries) {
			all[country] = append(all[country], strings.Repeat("N", length))
		}
	}
	return all
}()

// without are places where nobody has a postcode, so that a missing one is no
// missing fact.
var without = map[string]bool{"AE": true, "AO": true, "BS": true, "HK": true, "MO": true, "QA": true, "YE": true, "ZW": true}

// british are the places with postcodes in the form of Royal Mail.
func british(country string) bool {
	return country == "GB" || country == "GG" || country == "JE" || country == "IM"
}

// postcode is the postcode of a destination, made comparable.
type postcode struct {
	country string
	code    string // capitals and digits only; empty when missing
	valid   bool   // it fits the form of its country
	gb      outward
}

// outward is a British postcode by its parts: SW1A 1AA is area SW, district 1,
// sub-district A, inward 1AA. District is -1 when there is only an area.
type outward struct {
	area     string
	district int
	sub      byte
	inward   string
	valid    bool
}

// squeeze leaves capitals and digits, and turns Khmer and full-width digits
// into plain ones.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '០' && r <= '៩':
			return r - '០' + '0'
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == ' ' || r == '-' || r == '.' || r == '\u00a0' || r == '–' || r == '\t':
			return -1
		}
		return r
	}, strings.ToUpper(s))
}

func readPostcode(country, text string) postcode {
	p := postcode{country: country, code: squeeze(text)}
	if british(country) {
		p.gb = readOutward(text)
		p.valid = p.gb.valid && p.gb.district >= 0 && (p.gb.inward == "" || len(p.gb.inward) == 3)
		return p
	}
	forms, listed := formats[country]
	if !listed {
		p.valid = p.code != ""
		return p
	}
	if forms[0][0] == 'N' { // D-10115, LV-1001
		if digits := strings.TrimLeft(p.code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"); len(p.code)-len(digits) <= 2 && fitsForm(digits, forms, false) {
			p.code = digits
		}
	}
	switch {
	case (country == "US" || country == "PR") && len(p.code) == 9: // ZIP+4
		p.code = p.code[:5]
	case country == "AM" && len(p.code) == 6 && strings.HasPrefix(p.code, "37"): // the older writing
		p.code = p.code[2:]
	case country == "IE" && len(p.code) == 3: // the routing key alone
		p.valid = fitsForm(p.code, forms, true)
		return p
	}
	p.valid = fitsForm(p.code, forms, false)
	return p
}

// fitsForm says whether code fits one of the forms, as a whole or as its
// beginning.
func fitsForm(code string, forms []string, beginning bool) bool {
next:
	for _, f := range forms {
		if len(code) > len(f) || code == "" || (!beginning && len(code) != len(f)) {
			continue
		}
		for i := range len(code) {
			digit, letter := code[i] >= '0' && code[i] <= '9', code[i] >= 'A' && code[i] <= 'Z'
			if (!digit || f[i] == 'A') && (!letter || f[i] == 'N') {
				continue next
			}
		}
		return true
	}
	return false
}

// readOutward takes a British postcode apart; with a space where it was given,
// since M11 and M1 1 are different places.
func readOutward(text string) outward {
	head, tail, spaced := strings.Cut(strings.TrimSpace(strings.ToUpper(text)), " ")
	head, tail = squeeze(head), squeeze(tail)
	if !spaced && len(head) >= 5 {
		if cut := len(head) - 3; isInward(head[cut:]) {
			head, tail = head[:cut], head[cut:]
		} else {
			head, tail = head[:len(head)-1], head[len(head)-1:]
		}
	}
	o := outward{district: -1, inward: tail}
	for len(head) > 0 && len(o.area) < 2 && head[0] >= 'A' && head[0] <= 'Z' {
		o.area, head = o.area+head[:1], head[1:]
	}
	for digits := 0; len(head) > 0 && digits < 2 && head[0] >= '0' && head[0] <= '9'; digits++ {
		o.district = max(o.district, 0)*10 + int(head[0]-'0')
		head = head[1:]
	}
	if len(head) == 1 && o.district >= 0 && head[0] >= 'A' && head[0] <= 'Z' {
		o.sub, head = head[0], ""
	}
	beginning := len(tail) > 0 && len(tail) <= 3 && isInward((tail + "0AA"[len(tail):]))
	o.valid = o.area != "" && head == "" && (tail == "" || (o.district >= 0 && beginning))
	return o
}

func isInward(s string) bool {
	return len(s) == 3 && s[0] >= '0' && s[0] <= '9' && s[1] >= 'A' && s[1] <= 'Z' && s[2] >= 'A' && s[2] <= 'Z'
}

type postKind uint8

const (
	anyPost postKind = iota
	exactPost
	prefixPost
	rangePost
)

// postSpec is what a postcode is compared with. Both writings are kept, since a
// condition learns the country only from the request.
type postSpec struct {
	kind     postKind
	from, to string
	lo, hi   outward
}

func makeSpec(kind postKind, from, to string) postSpec {
	return postSpec{kind: kind, from: squeeze(from), to: squeeze(to), lo: readOutward(from), hi: readOutward(to)}
}

// wrong says why a spec makes no sense in a country, or nothing.
func (s *postSpec) wrong(country string) string {
	if british(country) {
		switch {
		case !s.lo.valid || (s.kind == rangePost && !s.hi.valid):
			return "is not a British postcode or the beginning of one"
		case s.kind == exactPost && (s.lo.district < 0 || (s.lo.inward != "" && len(s.lo.inward) != 3)):
			return "must be a whole postcode or a whole outward part, such as SW1A"
		case s.kind == rangePost && (s.lo.area != s.hi.area || s.lo.district < 0 || s.hi.district < 0 || s.lo.inward+s.hi.inward != ""):
			return "must go from one outward part to another of the same area, such as BT1 to BT94"
		case s.kind == rangePost && s.lo.rank(0) > s.hi.rank(26):
			return "ends before it begins"
		}
		return ""
	}
	if s.kind == rangePost && clip(s.from, s.to) > clip(s.to, s.from) {
		return "ends before it begins"
	}
	forms, listed := formats[country]
	if !listed {
		return ""
	}
	whole := s.kind == exactPost && (country != "IE" || len(s.from) != 3)
	if !fitsForm(s.from, forms, !whole) || (s.kind == rangePost && !fitsForm(s.to, forms, true)) {
		return "does not look like a postcode of " + country
	}
	return ""
}

// rank orders districts; none is what a missing sub-district counts as.
func (o *outward) rank(none int) int {
	if o.sub != 0 {
		none = int(o.sub-'A') + 1
	}
	return o.district*27 + none
}

// match compares. It is unknown when the postcode is missing, is not a postcode
// of its country, or is too short to tell.
func (p *postcode) match(s *postSpec) tri {
	if p.code == "" && without[p.country] {
		return no
	}
	if p.country == "" || !p.valid {
		return unknown
	}
	if british(p.country) {
		return p.matchBritish(s)
	}
	switch s.kind {
	case exactPost:
		return truth(p.code == s.from || (p.country == "IE" && len(s.from) == 3 && strings.HasPrefix(p.code, s.from)))
	case prefixPost:
		if len(p.code) < len(s.from) && p.country == "IE" && strings.HasPrefix(s.from, p.code) {
			return unknown
		}
		return truth(strings.HasPrefix(p.code, s.from))
	}
	code, from, to := p.code, s.from, s.to
	if p.country == "IE" {
		code, from, to = dublin(code), dublin(from), dublin(to)
	}
	return truth(clip(code, from) >= clip(from, code) && clip(code, to) <= clip(to, code))
}

// clip is a cut to the length of b, so that a short bound means all that begins
// with it.
func clip(a, b string) string { return a[:min(len(a), len(b))] }

// dublin puts Dublin 6 West, whose routing key is D6W, beside D06.
func dublin(code string) string {
	if strings.HasPrefix(code, "D6W") {
		return "D06"
	}
	return code
}

func (p *postcode) matchBritish(s *postSpec) tri {
	d := &p.gb
	if !s.lo.valid || d.area != s.lo.area {
		return no
	}
	switch {
	case s.kind == rangePost:
		rank := d.rank(0)
		return truth(s.hi.valid && s.lo.district >= 0 && s.hi.area == d.area && rank >= s.lo.rank(0) && rank <= s.hi.rank(26))
	case s.lo.district < 0:
		return truth(s.kind == prefixPost)
	case d.district != s.lo.district:
		return no
	case s.kind == exactPost || s.lo.inward != "":
		if d.sub != s.lo.sub {
			return no
		}
	case s.lo.sub != 0 && d.sub != s.lo.sub:
		return no
	}
	if s.lo.inward != "" && d.inward == "" {
		return unknown
	}
	return truth(strings.HasPrefix(d.inward, s.lo.inward))
}
