package cases

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"doorstep/internal/locale"
)

// heard is all that an answer says, ready to look for values in.
type heard struct {
	text   string // of the reply and the words of facts, plain
	values []string
}

func newHeard(r *Result) heard {
	h := heard{text: plain(r.Reply)}
	for _, f := range r.Facts {
		if f.Field != "" {
			continue
		}
		v := plain(fmt.Sprint(f.Value))
		h.values = append(h.values, v)
		h.text += "\n" + v + "\n" + plain(f.Text)
	}
	return h
}

// plain is a text in small letters, with our digits and single spaces.
func plain(text string) string {
	mapped := strings.Map(func(r rune) rune {
		switch {
		case r >= khmerZero && r <= khmerZero+9:
			return '0' + (r - khmerZero)
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200b', r == '՛', r == '՞', r == '՜':
			return -1
		}
		return unicode.ToLower(r)
	}, text)
	return strings.Join(strings.Fields(mapped), " ")
}

var (
	sum      = regexp.MustCompile(`^\d+\.\d{2}$`)
	fromTo   = regexp.MustCompile(`^(\d+)\s*[-–]\s*(\d+)$`)
	noteKeys = []string{"note", "notes", "comment"}
)

// states says whether the answer states a value of the world, in any usual form. The
// key is the field's: of a note nobody can say how it would be put, a switch is seen
// by what the answer is, and so both count as stated.
func (h heard) states(v any, key string) bool {
	last := key[strings.LastIndexByte(key, '.')+1:]
	if slices.Contains(noteKeys, last) {
		return true
	}
	switch in := v.(type) {
	case bool, nil:
		return true
	case json.Number:
		if strings.Contains(last, "amount") || strings.Contains(last, "total") || strings.Contains(last, "price") || strings.Contains(last, "fee") {
			return h.statesSum(in.String())
		}
		return h.statesNumber(in.String())
	case string:
		return h.statesText(in)
	}
	all := leaves(v)
	return len(all) > 0 && !slices.ContainsFunc(all, func(one any) bool { return !h.states(one, key+".of") })
}

func (h heard) statesNumber(n string) bool {
	return regexp.MustCompile(`(^|[^\d.,])` + regexp.QuoteMeta(n) + `($|[^\d])`).MatchString(h.text)
}

// statesSum looks for 18.50 as 18.50, 18,50 or, when it is whole, 18.
func (h heard) statesSum(text string) bool {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false
	}
	cents := fmt.Sprintf("%.2f", x)
	forms := []string{cents, strings.ReplaceAll(cents, ".", ",")}
	if whole, ok := strings.CutSuffix(cents, ".00"); ok {
		forms = append(forms, whole)
	}
	return slices.ContainsFunc(forms, h.statesNumber)
}

func (h heard) statesText(text string) bool {
	p := plain(text)
	if p == "" {
		return true
	}
	at, _, rest := readTime(text)
	switch {
	case !at.IsZero():
		return h.statesDay(at) && (rest == "" || strings.Contains(text, "since") || strings.Contains(h.text, plain(rest)))
	case sum.MatchString(p):
		return h.statesSum(p)
	case fromTo.MatchString(p):
		m := fromTo.FindStringSubmatch(p)
		return h.statesNumber(m[1]) && h.statesNumber(m[2])
	}
	if strings.Contains(h.text, p) || strings.Contains(h.text, strings.ReplaceAll(p, "_", " ")) {
		return true
	}
	if code := word(text); slices.Contains(h.values, code) {
		return true
	}
	return h.statesState(word(text))
}

// synonyms are the shop's codes that stand for words of worlds.
var synonyms = map[string][]string{
	"cancelled": {"canceled"}, "canceled": {"cancelled"}, "paid_unfulfilled": {"confirmed", "unfulfilled", "processing", "paid"}, "processing": {"confirmed", "unfulfilled"},
	"payment_pending": {"pending", "awaiting_payment"}, "shipped": {"in_transit", "fulfilled"}, "in_transit": {"shipped"}, "partially_shipped": {"partial", "partially_fulfilled"},
	"returned": {"refunded"}, "refunded": {"returned"}, "fulfilled": {"shipped", "in_transit"}, "completed": {"delivered"}, "delivered": {"completed"},
}

func (h heard) statesState(code string) bool {
	for _, other := range synonyms[code] {
		if slices.Contains(h.values, other) || strings.Contains(h.text, strings.ReplaceAll(other, "_", " ")) {
			return true
		}
	}
	for _, lang := range []locale.Lang{locale.En, locale.Hy, locale.Km} {
		for _, c := range append([]string{code}, synonyms[code]...) {
			if key := "tracking_status." + c; locale.Has(key) && strings.Contains(h.text, plain(locale.T(lang, key))) {
				return true
			}
		}
	}
	return false
}

// statesDay looks for a day as 2026-03-11 and as people write it, the year perhaps
// left out.
func (h heard) statesDay(at time.Time) bool {
	forms := []string{at.Format(time.DateOnly), at.Format("January 2"), at.Format("2 January"), at.Format("Jan 2"), at.Format("2 Jan"), at.Format("02.01.2006"), at.Format("2.1.2006"), at.Format("02/01/2006")}
	for _, lang := range []locale.Lang{locale.En, locale.Hy, locale.Km} {
		forms = append(forms, locale.Date(lang, at), locale.ShortDate(lang, at))
	}
	for _, f := range forms {
		if f = plain(f); regexp.MustCompile(`(^|\D)` + regexp.QuoteMeta(f) + `($|\D)`).MatchString(h.text) {
			return true
		}
	}
	return h.inRange(at)
}

var ranged = regexp.MustCompile(`(\d{1,2})\s*[-–]\s*(\d{1,2}) (\pL+) (\d{4})`)

// inRange looks for a day as the end of a range such as 9–11 March 2026.
func (h heard) inRange(at time.Time) bool {
	for _, m := range ranged.FindAllStringSubmatch(h.text, -1) {
		if (m[2] == strconv.Itoa(at.Day()) || m[1] == strconv.Itoa(at.Day())) && strings.EqualFold(m[3], at.Month().String()) && m[4] == strconv.Itoa(at.Year()) {
			return true
		}
	}
	return false
}

// paths are the fields of an object that hold a value, the ones of objects within
// it with a point: refund.amount. Lists are values.
func paths(before string, v any) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		in, _ := v.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(in)) {
			path := k
			if before != "" {
				path = before + "." + k
			}
			switch one := in[k].(type) {
			case map[string]any:
				for p, v := range paths(path, one) {
					if !yield(p, v) {
						return
					}
				}
			case bool, nil:
			default:
				if !slices.Contains(noteKeys, k) && !yield(path, one) {
					return
				}
			}
		}
	}
}
