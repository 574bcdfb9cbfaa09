package slot

import (
	"regexp"
	"strconv"
	"strings"

	"doorstep/internal/money"
	"doorstep/support/text"
)

var emailForm = regexp.MustCompile(`(?i)[a-z0-9][a-z0-9._%+\-]*@[a-z0-9\-]+(?:\.[a-z0-9\-]+)*\.[a-z]{2,24}`)

// emails finds e-mail addresses; they come back in lower case.
func emails(s string) []Span {
	if strings.IndexByte(s, '@') < 0 {
		return nil
	}
	var found []Span
	for _, at := range emailForm.FindAllStringIndex(s, 8) {
		found = append(found, Span{strings.ToLower(s[at[0]:at[1]]), at[0], at[1]})
	}
	return found
}

// couponCues stand near a code.
var couponCues = []string{"code", "coupon", "voucher", "promo", "discount", "cupon", "copon", "referral",
	"կոդ", "կուպոն", "պրոմո", "վաուչեր", "զեղչ", "zexch", "կտրոն", "កូដ", "គូប៉ុង", "បញ្ចុះ", "ប័ណ្ណ", "voucher"}

// coupons finds discount codes where the text speaks of codes: words in capitals, or
// with a digit; else only what can hardly be anything else. They come back in
// capitals.
func coupons(s string, f Found) []Span {
	lower := strings.ToLower(s)
	cued := false
	for _, cue := range couponCues {
		cued = cued || strings.Contains(lower, cue)
	}
	shouting := strings.ToUpper(s) == s
	var found []Span
	for _, r := range couponForm.FindAllStringIndex(s, 32) {
		word := s[r[0]:r[1]]
		letters := strings.Trim(word, "0123456789-_") != ""
		number := strings.ContainsAny(word, "0123456789")
		capitals := strings.ToUpper(word) == word
		after := behindCue(lower, r[0])
		switch {
		case !letters || f.taken(r[0], r[1]) || len(found) == 4:
		case !cued:
			if !shouting && bareCoupon.MatchString(word) {
				found = append(found, Span{word, r[0], r[1]})
			}
		case capitals && !shouting && !acronyms[word], number && len(word) >= 5 && (after || capitals), after && number:
			found = append(found, Span{strings.ToUpper(word), r[0], r[1]})
		}
	}
	return found
}

var couponForm = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9_\-]{2,23}`)

// bareCoupon is what is taken for a code although nothing speaks of codes: a word in
// capitals with a number behind it.
var bareCoupon = regexp.MustCompile(`^[A-Z]{4,16}[0-9]{2,3}$`)

// acronyms are words in capitals that are no codes.
var acronyms = map[string]bool{"USD": true, "EUR": true, "AMD": true, "KHR": true, "PDF": true, "VAT": true, "SMS": true, "VIP": true,
	"ABA": true, "KHQR": true, "CODE": true, "PROMO": true, "COUPON": true, "VOUCHER": true, "NOT": true, "PLEASE": true, "WHY": true, "THE": true}

// behindCue says that the word just before speaks of a code.
func behindCue(lower string, at int) bool {
	before := strings.TrimRight(lower[:at], " :\"'#=")
	for _, cue := range couponCues {
		if strings.HasSuffix(before, cue) {
			return true
		}
	}
	return false
}

// Amount is a sum of money that a text names.
type Amount struct {
	// Minor is the sum in minor units of Currency; 0 when Currency is empty.
	Minor int64
	// Currency is an ISO 4217 code; empty when only $-like signs without one are known.
	Currency string
	// Decimal is the sum as a plain number, such as 12.50.
	Decimal    string
	Start, End int
}

const figures = `\d{1,3}(?:[ ,.]\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?`

var (
	amountBefore = regexp.MustCompile(`(?i)(\$|€|£|֏|៛|\b(?:usd|eur|gbp|amd|khr)\b) ?(` + figures + `)`)
	amountBehind = regexp.MustCompile(`(?i)(` + figures + `) ?(\$|€|£|֏|៛|usd\b|eur\b|euros?\b|gbp\b|pounds?\b|dollars?\b|bucks\b|amd\b|drams?\b|khr\b|riels?\b|դրամ|դոլար|եվրո|រៀល|ដុល្លារ|អឺរ៉ូ)`)
)

var currencies = map[string]string{
	"$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD", "դոլար": "USD", "ដុល្លារ": "USD",
	"€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "եվրո": "EUR", "អឺរ៉ូ": "EUR",
	"£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP",
	"֏": "AMD", "amd": "AMD", "dram": "AMD", "drams": "AMD", "դրամ": "AMD",
	"៛": "KHR", "khr": "KHR", "riel": "KHR", "riels": "KHR", "រៀល": "KHR",
}

func amounts(s string, f Found) []Amount {
	if !strings.ContainsAny(s, "0123456789") {
		return nil
	}
	var found []Amount
	add := func(start, end int, figure, sign string) {
		if len(found) == 8 || f.taken(start, end) {
			return
		}
		for _, a := range found {
			if start < a.End && a.Start < end {
				return
			}
		}
		decimal := plainNumber(figure)
		a := Amount{Decimal: decimal, Currency: currencies[strings.ToLower(sign)], Start: start, End: end}
		minor, err := money.Parse(decimal, a.Currency)
		if err != nil {
			return
		}
		a.Minor = minor
		found = append(found, a)
	}
	for _, m := range amountBefore.FindAllStringSubmatchIndex(s, 8) {
		add(m[0], m[1], s[m[4]:m[5]], s[m[2]:m[3]])
	}
	for _, m := range amountBehind.FindAllStringSubmatchIndex(s, 8) {
		add(m[0], m[1], s[m[2]:m[3]], s[m[4]:m[5]])
	}
	return found
}

// plainNumber reads 1,234.50 and 1.234,50 and 1 234 alike.
func plainNumber(figure string) string {
	figure = strings.ReplaceAll(figure, " ", "")
	cut := strings.LastIndexAny(figure, ".,")
	if cut >= 0 && len(figure)-cut-1 <= 2 {
		return strings.NewReplacer(",", "", ".", "").Replace(figure[:cut]) + "." + figure[cut+1:]
	}
	return strings.NewReplacer(",", "", ".", "").Replace(figure)
}

// Quantity is a count of goods that a text names.
type Quantity struct {
	Value      int
	Start, End int
	// Instead says that it is what there is now and not what is wanted: "three
	// instead of two" wants three.
	Instead bool
}

var countWords = map[string]int{
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "dozen": 12, "both": 2,
	"մեկ": 1, "մի": 1, "երկու": 2, "երկուսը": 2, "երեք": 3, "երեքը": 3, "չորս": 4, "հինգ": 5, "վեց": 6, "յոթ": 7, "ութ": 8, "ինը": 9, "տասը": 10,
}

// khmerCounts are looked for inside Khmer text, which has no spaces; the longer first.
var khmerCounts = []struct {
	word  string
	value int
}{
	{"ប្រាំបួន", 9}, {"ប្រាំបី", 8}, {"ប្រាំពីរ", 7}, {"ប្រាំមួយ", 6}, {"ប្រាំ", 5}, {"ដប់", 10}, {"មួយ", 1}, {"ពីរ", 2}, {"បី", 3}, {"បួន", 4},
}

// notCounts follow a number that counts no goods.
var notCounts = map[string]bool{"day": true, "days": true, "week": true, "weeks": true, "month": true, "months": true, "year": true, "years": true,
	"hour": true, "hours": true, "minutes": true, "am": true, "pm": true, "th": true, "st": true, "nd": true, "rd": true, "percent": true, "cm": true,
	"mm": true, "kg": true, "ml": true, "inch": true, "times": true, "time": true, "օր": true, "օրում": true, "շաբաթ": true, "ամիս": true, "ժամ": true, "անգամ": true}

// quantities finds counts from 1 to 999.
func quantities(s string, f Found) []Quantity {
	var found []Quantity
	tokens := words(s)
	for i, t := range tokens {
		if len(found) == 8 {
			break
		}
		value := 0
		switch t.Script {
		case text.Digit:
			if len(t.Text) <= 3 && !figured(s, t, tokens, i) {
				value, _ = strconv.Atoi(t.Text)
			}
		case text.Khmer:
			found = append(found, khmerQuantities(t)...)
			continue
		default:
			value = countWords[t.Text]
			if t.Text == "one" && (i == 0 || pronoun[tokens[i-1].Text]) {
				value = 0
			}
		}
		if value == 0 || f.taken(t.Start, t.End) || i+1 < len(tokens) && notCounts[tokens[i+1].Text] {
			continue
		}
		found = append(found, Quantity{Value: value, Start: t.Start, End: t.End, Instead: insteadOf(tokens, i)})
	}
	return found
}

// pronoun is what stands before a one that counts nothing.
var pronoun = map[string]bool{"this": true, "that": true, "which": true, "the": true, "another": true, "new": true, "wrong": true, "right": true,
	"blue": true, "red": true, "green": true, "black": true, "white": true, "other": true, "big": true, "bigger": true, "smaller": true, "first": true, "last": true, "no": true}

// figured says that the digits belong to something longer: a decimal, a size, a code.
func figured(s string, t text.Token, tokens []text.Token, i int) bool {
	if t.Start > 0 && strings.ContainsRune(".,:/-+%", rune(s[t.Start-1])) || t.End < len(s)-1 && strings.ContainsRune(".,:/-%", rune(s[t.End])) && s[t.End+1] >= '0' && s[t.End+1] <= '9' {
		return true
	}
	if t.End < len(s) && s[t.End] == '%' {
		return true
	}
	if i == 0 {
		return false
	}
	switch tokens[i-1].Text {
	case "size", "number", "no", "flat", "apartment", "apt", "street", "house", "building", "չափս", "չափսը", "համար", "բն", "տուն":
		return true
	}
	return false
}

func insteadOf(tokens []text.Token, i int) bool {
	if i > 0 && (tokens[i-1].Text == "not" || tokens[i-1].Text == "than") {
		return true
	}
	if i > 1 && (tokens[i-1].Text == "of" && tokens[i-2].Text == "instead" || tokens[i-2].Text == "rather" && tokens[i-1].Text == "than") {
		return true
	}
	return i+1 < len(tokens) && (tokens[i+1].Text == "փոխարեն" || tokens[i+1].Text == "փոխարենը")
}

func khmerQuantities(t text.Token) []Quantity {
	var found []Quantity
	for at := 0; at < len(t.Text) && len(found) < 4; {
		next := 1
		for _, c := range khmerCounts {
			if strings.HasPrefix(t.Text[at:], c.word) {
				found = append(found, Quantity{Value: c.value, Start: t.Start + at, End: t.Start + at + len(c.word)})
				next = len(c.word)
				break
			}
		}
		at += next
	}
	return found
}
