package understand

import (
	"cmp"
	"strings"

	"doorstep/support/slot"
	"doorstep/support/text"
)

// Kind is what a message does in the conversation.
type Kind string

// The dialogue acts.
const (
	Yes      Kind = "yes"
	No       Kind = "no"
	Unsure   Kind = "unsure"
	Greeting Kind = "greeting"
	Thanks   Kind = "thanks"
	Bye      Kind = "bye"
)

// Act is one dialogue act.
type Act struct {
	Kind Kind
	// Clean says that the message is nothing but this: only a clean yes may be
	// taken as the answer to a question that was just asked. "yes but …",
	// "yes?" and "they said yes" are not clean.
	Clean bool
	// Echo is the intent that a clean answer repeats, as in "yes, cancel it", or
	// empty: it has to be the one that was asked about.
	Echo string
}

// class is what a form does inside a message; besides the kinds there are words
// that change nothing, and words that repeat an action.
type class struct {
	kind   Kind
	filler bool
	// weak is a yes that may also just end a talk, as in "ok, thanks".
	weak bool
	echo string
}

// step is a piece of the message with its class; pieces without one are content.
type step struct {
	class
	known      bool
	start, end int
}

// acts finds the dialogue acts and what is left of the message without them.
func acts(s string, tokens []text.Token, found slot.Found) (all []Act, rest string) {
	steps := classify(tokens, found)
	if len(steps) == 0 {
		return nil, clean(s)
	}
	first, last := contentBounds(s, steps)
	asking := strings.Contains(s, "?")
	if first < 0 {
		all = pure(s, steps, asking)
		if severalActions(steps) {
			return nil, clean(s) // "don't cancel it, just change the address"
		}
		if !rephrased(all) || len(all) == 0 && bareNumber(steps, found) {
			return all, ""
		}
		return all, clean(s)
	}
	// what stands before and behind the content
	for _, st := range steps[:first] {
		all = add(all, Act{Kind: st.kind})
	}
	for _, st := range steps[last+1:] {
		if st.kind != Yes && st.kind != No {
			all = add(all, Act{Kind: st.kind})
		}
	}
	return all, clean(s[steps[first].start:end(s, steps, last)])
}

// severalActions says that a message repeats more than one action.
func severalActions(steps []step) bool {
	first := ""
	for _, st := range steps {
		if st.echo != "" && first != "" && st.echo != first {
			return true
		}
		first = cmp.Or(first, st.echo)
	}
	return false
}

// bareNumber says that a message is an order number and nothing else that matters:
// what it is for, the conversation has to know.
func bareNumber(steps []step, found slot.Found) bool {
	for _, st := range steps {
		if st.echo != "" {
			return false
		}
	}
	return len(found.Orders) > 0
}

// end is where the content stops: at the next known piece, marks included.
func end(s string, steps []step, last int) int {
	if last+1 < len(steps) {
		return steps[last+1].start
	}
	return len(s)
}

// rephrased says that what was said is an action without a yes or no, as in
// "cancel it": that is an ask.
func rephrased(all []Act) bool {
	for _, a := range all {
		if a.Kind == Yes || a.Kind == No || a.Kind == Unsure || a.Kind == Greeting || a.Kind == Thanks || a.Kind == Bye {
			return a.Kind == No && a.Echo != "" && !a.Clean
		}
	}
	return true
}

// contentBounds are the first and last piece that is no act. What only means
// something when it stands alone, and what repeats an action, is content where
// there is other content: "stop my order" is no refusal.
func contentBounds(s string, steps []step) (first, last int) {
	first, last = -1, -1
	content := false
	for _, st := range steps {
		content = content || !st.known
	}
	if !content {
		return
	}
	for first = 0; first < len(steps) && opens(s, steps, first); first++ {
	}
	if first == len(steps) {
		return 0, len(steps) - 1
	}
	for last = len(steps) - 1; last > first && (steps[last].kind == Thanks || steps[last].kind == Bye); last-- {
	}
	return first, last
}

// opens says that a piece only opens the message: a greeting, thanks, or a yes or
// no with something of its own behind it.
func opens(s string, steps []step, i int) bool {
	st := steps[i]
	switch {
	case st.kind == Greeting, st.kind == Thanks:
		return true
	case st.filler:
		return i+1 < len(steps) && steps[i+1].kind == Greeting || i > 0 && steps[i-1].kind == Greeting && st.end < len(s) && s[st.end] == ','
	case st.kind != Yes && st.kind != No, !openers[strings.ToLower(s[st.start:st.end])]:
		return false
	}
	if st.kind == Yes {
		return true
	}
	behind := s[st.end:]
	return behind != "" && strings.ContainsRune(",.!;", rune(behind[0])) || strings.HasPrefix(behind, " i ") || strings.HasPrefix(behind, " I ")
}

// openers are the yes and no that may stand before something else.
var openers = map[string]bool{"yes": true, "yeah": true, "yep": true, "yup": true, "ok": true, "okay": true, "sure": true, "no": true, "nope": true, "nah": true,
	"այո": true, "հա": true, "լավ": true, "ոչ": true, "չէ": true, "បាទ": true, "ចាស": true, "ទេ": true, "អត់ទេ": true}

// pure are the acts of a message that holds nothing else.
func pure(s string, steps []step, asking bool) []Act {
	var all []Act
	echo := ""
	yes, no, strong, leaving := false, false, false, false
	for _, st := range steps {
		strong = strong || st.kind == Yes && !st.weak
		leaving = leaving || st.kind == Thanks || st.kind == Bye
		if st.echo != "" && echo == "" {
			echo = st.echo
		}
		yes, no = yes || st.kind == Yes, no || st.kind == No
		if st.kind != "" {
			all = add(all, Act{Kind: st.kind, Clean: true})
		}
	}
	for i := range all {
		a := &all[i]
		switch a.Kind {
		case Yes:
			a.Clean, a.Echo = !asking && !no && (strong || !leaving), echo
			if no {
				a.Kind = Unsure
			}
		case No:
			// "no, return it" is no refusal of returning
			a.Clean, a.Echo = !asking && !yes && (echo == "" || negated(echo, s)), echo
		}
	}
	return all
}

func add(all []Act, a Act) []Act {
	if a.Kind == "" {
		return all
	}
	for _, b := range all {
		if b.Kind == a.Kind {
			return all
		}
	}
	return append(all, a)
}

// classify cuts the tokens into the longest forms that are known.
func classify(tokens []text.Token, found slot.Found) []step {
	var steps []step
	for i := 0; i < len(tokens); {
		t := tokens[i]
		if inOrder(t, found) {
			steps = append(steps, step{class{filler: true}, true, t.Start, t.End})
			i++
			continue
		}
		if t.Script == text.Khmer {
			steps = append(steps, khmerSteps(t)...)
			i++
			continue
		}
		used := 1
		st := step{start: t.Start, end: t.End}
		joint := ""
		for n := 1; n <= mostWords && i+n <= len(tokens); n++ {
			if n > 1 {
				joint += " "
			}
			joint += tokens[i+n-1].Text
			if c, known := forms[joint]; known {
				st, used = step{c, true, t.Start, tokens[i+n-1].End}, n
			}
		}
		steps = append(steps, st)
		i += used
	}
	return steps
}

func inOrder(t text.Token, found slot.Found) bool {
	for _, o := range found.Orders {
		if t.Start >= o.Start && t.End <= o.End {
			return true
		}
	}
	return false
}

// khmerSteps cuts a run of Khmer, which has no spaces, into known forms; a run
// that is not known to its end is content behind its beginning.
func khmerSteps(t text.Token) []step {
	var steps []step
	at := 0
	for at < len(t.Text) {
		size := 0
		var found class
		for n := len(t.Text) - at; n > 0; n-- {
			if c, known := khmerForms[t.Text[at:at+n]]; known {
				found, size = c, n
				break
			}
		}
		if size == 0 {
			if at > 0 && len(steps) > 0 && steps[len(steps)-1].kind == "" {
				return []step{{start: t.Start, end: t.End}}
			}
			return append(steps, step{start: t.Start + at, end: t.End})
		}
		steps = append(steps, step{found, true, t.Start + at, t.Start + at + size})
		at += size
	}
	return steps
}
