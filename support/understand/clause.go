package understand

import (
	"strings"

	"doorstep/support/phrase"
	"doorstep/support/slot"
	"doorstep/support/text"
)

// mostBorders is how many places are tried at which a message may fall in two.
const mostBorders = 6

// leastSure is how sure each of two parts has to be.
const leastSure = 0.6

// conjunctions stand between two asks.
var conjunctions = map[string]bool{"and": true, "also": true, "plus": true, "then": true, "but": true, "additionally": true, "furthermore": true, "besides": true,
	"և": true, "ու": true, "իսկ": true, "նաև": true, "բայց": true, "հետո": true, "ուրեմն": true}

var khmerConjunctions = []string{"ព្រមទាំង", "ហើយនិង", "រួចហើយ", "ហើយ", "និង", "ម្យ៉ាងទៀត"}

// reasons are intents that often tell why the next thing is asked for: "it came
// broken and I want my money back" is one ask.
var reasons = map[string]bool{"replace_item": true, "delivery_problem": true, "complaint": true, "order_confirm": true, "payment_problem": true,
	"product_question": true, "place_order": true, "refund_policy": true}

// split cuts a message in two when both parts ask for something of their own.
func (r *Reader) split(s string, whole guess) (two [2]guess, found bool) {
	best := 0.0
	for _, b := range borders(s) {
		left, right := clean(s[:b.before]), clean(s[b.after:])
		if words(left) < 2 || words(right) < 2 {
			continue
		}
		one, other := r.piece(left), r.piece(right)
		if one.foreigner || other.foreigner || !one.business || !other.business || one.first == other.first {
			continue
		}
		first, second := r.model.Intents[one.first], r.model.Intents[other.first]
		denied := negated(first, left)
		if !denied && (reasons[first] && phrase.Acts(second) || reasons[second] && !b.sentence) {
			continue
		}
		if both := min(one.sure, other.sure); both >= leastSure && both > best && (b.sentence || denied || whole.sure < 0.97 || both > 0.9) {
			best, two, found = both, [2]guess{one, other}, true
		}
	}
	return two, found
}

// piece reads a part of a message with what stands in it.
func (r *Reader) piece(s string) guess {
	found := slot.Read(s, nil)
	return r.guess(s, len(found.Orders) > 0, len(found.Coupons) > 0)
}

// border is a place at which a message may be cut; the bytes between are left out.
type border struct {
	before, after int
	sentence      bool
}

func borders(s string) []border {
	var all []border
	for i := 0; i < len(s)-1 && len(all) < mostBorders; i++ {
		switch c := s[i]; {
		case (c == '.' || c == '?' || c == '!') && s[i+1] == ' ', c == '\n', c == ';':
			all = append(all, border{i + 1, i + 1, true})
		case c == ',' && s[i+1] == ' ':
			all = append(all, border{i, i + 1, false})
		}
	}
	for _, t := range text.Tokens(s) {
		if len(all) >= mostBorders*2 {
			break
		}
		if t.Script == text.Khmer {
			for _, c := range khmerConjunctions {
				if at := strings.Index(t.Text, c); at >= 0 && t.Start+at > 0 && at+len(c) < len(t.Text) {
					all = append(all, border{t.Start + at, t.Start + at + len(c), false})
					break
				}
			}
			continue
		}
		if conjunctions[t.Text] && t.Start > 0 {
			all = append(all, border{t.Start, t.End, false})
		}
	}
	return all
}

// words counts the words of a piece; nine bytes of Khmer count for one.
func words(s string) int {
	n := 0
	for _, t := range text.Tokens(s) {
		n++
		if t.Script == text.Khmer {
			n += len(t.Text) / 27
		}
	}
	return n
}

// keepCues open what is to be left alone.
var keepCues = []string{"but keep", "and keep", "keep ", "but not ", "except ", "but leave ", "and leave ", "leave ", "apart from ", "other than ", "besides ", "not the ", "rest stays", "without touching ",
	"բայց թողեք", "բացի ", "բայց ոչ ", "թողեք", "ոչ թե ", "պահեք", "ប៉ុន្តែទុក", "តែទុក", "ទុក", "លើកលែងតែ", "កុំប៉ះ"}

// resumes end what is to be left alone.
var resumes = []string{" and cancel", " but cancel", ", cancel", ". ", " and return", " but return", " and remove", " but remove", " and change", " and send", " and delete", ", return", " and refund",
	" չեղարկեք", " և չեղարկ", "ហើយបោះបង់", "តែបោះបង់", " បោះបង់", " លុប"}

// keep parts a piece into what is asked for and what is to be kept. In Armenian
// the cue often stands behind: what stands between the last mark and it is kept.
func keep(s string) (wanted, kept string) {
	lower := strings.ToLower(s)
	if len(lower) != len(s) {
		return s, ""
	}
	for _, cue := range keepCues {
		at := strings.Index(lower, cue)
		if at < 0 || at > 0 && !edge(lower[at-1]) && lower[at] < 0x80 {
			continue
		}
		from, to := at, len(s)
		for _, r := range resumes {
			if next := strings.Index(lower[at+len(cue):], r); next >= 0 {
				to = min(to, at+len(cue)+next)
			}
		}
		if strings.HasPrefix(cue, "թողեք") || strings.HasPrefix(cue, "պահեք") {
			from = max(strings.LastIndexAny(lower[:at], ",.;"), strings.LastIndex(lower[:at], " իսկ "), strings.LastIndex(lower[:at], " բայց "), 0)
		}
		return clean(s[:from]) + " " + clean(s[to:]), clean(s[from:to])
	}
	return s, ""
}

func edge(c byte) bool { return c == ' ' || c == ',' || c == '.' || c == ';' }

// verbs are the beginnings of the words that name what an intent would do.
var verbs = map[string][]string{
	"cancel_order":   {"cancel", "call off", "withdraw", "չեղարկ", "չչեղարկ", "ջնջ", "បោះបង់", "លុប"},
	"return_item":    {"return", "send back", "send it back", "give back", "վերադարձ", "հետ ուղարկ", "ប្រគល់", "សង"},
	"refund_request": {"refund", "money back", "գումար", "សងលុយ"}, "replace_item": {"replace", "exchange", "փոխարին"},
	"change_order": {"change", "modify", "փոխ", "ប្តូរ", "កែ"}, "change_address": {"change", "update", "փոխ", "ប្តូរ"},
	"account_delete": {"delete", "close", "remove", "ջնջ", "փակ", "លុប", "បិទ"}, "unsubscribe": {"unsubscribe", "ապաբաժանորդագր"},
	"subscribe": {"subscribe", "sign me up", "բաժանորդագր"}, "place_order": {"order", "buy", "պատվիր", "ទិញ", "កុម្ម៉ង់"},
}

var deniers = map[string]bool{"dont": true, "not": true, "never": true, "didnt": true, "wont": true, "doesnt": true, "shouldnt": true, "mustnt": true, "չեմ": true, "մի": true, "չպետք": true, "ոչ": true, "no": true}

// between may stand between a denier and the verb.
var between = map[string]bool{"want": true, "to": true, "you": true, "please": true, "need": true, "have": true, "the": true, "my": true, "it": true, "order": true, "wish": true, "ask": true, "for": true, "a": true, "any": true, "ever": true, "asked": true, "going": true, "yet": true, "ուզում": true, "պետք": true, "պատվերը": true, "պատվերս": true}

// asking before a denier makes it a request: why don't you cancel it.
var asking = map[string]bool{"why": true, "if": true, "ինչու": true, "եթե": true, "can": true, "could": true, "cant": true}

// negated says that the very action of the intent is denied: "please don't cancel".
// "don't send it" is no denial of cancelling, since it names another action.
func negated(intent, s string) bool {
	list := verbs[intent]
	if list == nil {
		return false
	}
	tokens := text.Tokens(s)
	for i, t := range tokens {
		if t.Script == text.Khmer {
			for _, v := range list {
				if strings.Contains(t.Text, "កុំ"+v) || strings.Contains(t.Text, "មិនចង់"+v) || strings.Contains(t.Text, "មិន"+v) && !strings.Contains(t.Text, "មិនទាន់") || strings.Contains(t.Text, "កុំទាន់"+v) {
					return true
				}
			}
			continue
		}
		if strings.HasPrefix(t.Text, "չչեղարկ") || strings.HasPrefix(t.Text, "չչեղյալ") {
			return true
		}
		if !deniers[t.Text] || i > 0 && asking[tokens[i-1].Text] {
			continue
		}
		for k := i + 1; k < len(tokens) && k <= i+5; k++ {
			if begins(tokens, k, list) {
				return true
			}
			if !between[tokens[k].Text] {
				break
			}
		}
	}
	return false
}

// begins says that one of the verbs stands at that token, and not as a state:
// "not cancelled" complains that it has not been done.
func begins(tokens []text.Token, k int, list []string) bool {
	for _, v := range list {
		head, rest, two := strings.Cut(v, " ")
		if !strings.HasPrefix(tokens[k].Text, head) || strings.HasSuffix(tokens[k].Text, "ed") || strings.HasSuffix(tokens[k].Text, "ված") {
			continue
		}
		if !two {
			return true
		}
		last := rest[strings.LastIndexByte(rest, ' ')+1:]
		for n := k + 1; n < len(tokens) && n <= k+3; n++ {
			if strings.HasPrefix(tokens[n].Text, last) {
				return true
			}
		}
	}
	return false
}
