package slot

import "strings"

// Reasons are what can be wrong with goods, or why they are not wanted, as Read
// names them. The first five are the kinds of a claim.
var Reasons = []string{"damaged", "missing", "wrong", "late", "lost", "defective", "too_small", "too_big", "not_as_described",
	"duplicate", "cheaper", "unwanted"}

// reasonCues are pieces of words and sentences, in the order in which they are
// believed: what is broken comes before what is not wanted.
var reasonCues = []struct {
	reason string
	cues   []string
}{
	{"lost", []string{"lost in", " is lost", "got lost", "vanish", "disappear", "never arrived", "never came", "stolen", "korel", "կորել", "կորած", "գողաց", "បាត់ហើយ", "អីវ៉ាន់បាត់", "កញ្ចប់បាត់", "លួច"}},
	{"damaged", []string{"broken", "brocken", "damage", "smashed", "crack", "shatter", "chipped", "torn", "dent", "leak", "scratch", "in pieces", "kotrv", "կոտր", "վնաս", "ճաք", "պատռ", "քերծ", "թափվ", "បែក", "ប្រេះ", "រហែក", "ហៀរ", "ឆ្កូត"}},
	{"defective", []string{"defect", "faulty", "doesn't work", "does not work", "doesnt work", "not working", "stopped working", "never worked", "doesn't turn on", "dead on arrival", "չի աշխատում", "փչաց", "խոտան", "មិនដើរ", "ខូច"}},
	{"missing", []string{"missing", "incomplete", "forgot to put", "not in the box", "wasn't in", "weren't in", "one short", "only one of", "empty box", "box was empty", "պակաս", "չկար", "դատարկ", "ខ្វះ", "ប្រអប់ទទេ", "ភ្លេចដាក់"}},
	{"wrong", []string{"wrong item", "wrong product", "wrong thing", "wrong size", "wrong colour", "wrong color", "sent me the wrong", "not what i ordered", "isn't what i ordered", "different product", "somebody else's", "someone else's", "սխալ ապրանք", "ուրիշ ապրանք", "ուրիշի", "ខុសទំនិញ", "ខុសពណ៌", "ទំនិញខុស", "ផ្ញើខុស"}},
	{"too_small", []string{"too small", "too tight", "too short", "փոքր եկավ", "նեղ է", "փոքր է", "តូចពេក", "ចង្អៀត"}},
	{"too_big", []string{"too big", "too large", "too long for", "too wide", "մեծ եկավ", "մեծ է", "ធំពេក"}},
	{"not_as_described", []string{"not as described", "not as advertised", "looks different", "not like in the", "than in the photo", "than in the picture", "misleading", "fake", "կեղծ", "նկարագր", "նկարում", "មិនដូច", "ក្លែងក្លាយ"}},
	{"duplicate", []string{"ordered twice", "bought twice", "duplicate", "two by mistake", "երկու անգամ եմ պատվիրել", "ស្ទួន"}},
	{"cheaper", []string{"cheaper", "better price", "էժան գտա", "ថោកជាង"}},
	{"late", []string{"too late", "takes too long", "took too long", "too slow", "overdue", "late", "delayed", "ուշ է", "ուշաց", "ուշան", "երկար տև", "យឺត", "យូរពេក"}},
	{"unwanted", []string{"changed my mind", "don't want", "dont want", "do not want", "no longer", "don't need", "dont need", "not needed", "don't like", "dont like", "doesn't suit", "by mistake", "by accident", "second thoughts", "մտափոխ", "պետք չ", "դուր չեկ", "չեմ ուզում", "սխալմամբ", "ប្តូរចិត្ត", "មិនត្រូវការ", "មិនចូលចិត្ត", "ច្រឡំ", "លែងត្រូវការ", "អត់យក", "ឈប់យក"}},
}

// reason is the first reason whose cue the text holds.
func reason(s string) string {
	lower := strings.ToLower(s)
	for _, r := range reasonCues {
		for _, cue := range r.cues {
			if at := strings.Index(lower, cue); at >= 0 && (cue != "late" && cue != "dent" || whole(lower, at, len(cue))) {
				return r.reason
			}
		}
	}
	return ""
}

// whole says that a cue stands as a word of its own, or at the beginning of one.
func whole(lower string, at, n int) bool {
	letter := func(i int) bool { return i >= 0 && i < len(lower) && lower[i] >= 'a' && lower[i] <= 'z' }
	return !letter(at-1) && (!letter(at+n) || strings.HasPrefix(lower[at+n:], "ed"))
}
