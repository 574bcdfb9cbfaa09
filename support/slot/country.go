package slot

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"doorstep/support/text"
)

// Country is a country that a text names.
type Country struct {
	// Code is ISO 3166-1 alpha-2.
	Code       string
	Start, End int
}

// otherNames are how countries, parts of them and their larger towns are called
// besides the names that the program itself uses: whoever writes "to Siem Reap"
// has said where. Those in Latin letters also stand for romanised names.
var otherNames = map[string]string{
	"AM": "hayastan|hajastan|yerevan|erevan|gyumri|vanadzor|vagharshapat|ejmiatsin|kapan|goris|dilijan|sevan|hrazdan|armavir|" +
		"երևան|գյումրի|վանաձոր|վաղարշապատ|էջմիածին|կապան|գորիս|դիլիջան|սևան|հրազդան|արմավիր|ստեփանավան|իջևան|հհ|ՀՀ|" +
		"អាមេនី|អាម៉េនី|ហាយ៉ាស្តង់|យេរ៉េវ៉ាន់",
	"KH": "kampuchea|phnom penh|siem reap|siemreap|battambang|sihanoukville|kampot|kampong cham|koh kong|takeo|kratie|pursat|poipet|" +
		"կամպուչիա|պնոմպեն|պնոմ պեն|սիեմ ռեապ|" +
		"ខ្មែរ|ស្រុកខ្មែរ|ភ្នំពេញ|សៀមរាប|បាត់ដំបង|ព្រះសីហនុ|កំពត|កំពង់ចាម|កំពង់ធំ|កំពង់ឆ្នាំង|កំពង់ស្ពឺ|កោះកុង|តាកែវ|ក្រចេះ|ពោធិ៍សាត់|ប៉ោយប៉ែត|ព្រៃវែង|ស្វាយរៀង|រតនគិរី|មណ្ឌលគិរី|ឧត្តរមានជ័យ|ប៉ៃលិន",
	"US": "usa|u.s.a|u.s|america|the states|united states|new york|california|los angeles|ամն|ամերիկա|միացյալ նահանգներ|អាមេរិក|សហរដ្ឋ",
	"GB": "uk|u.k|england|scotland|wales|northern ireland|britain|great britain|london|անգլիա|մեծ բրիտանիա|բրիտանիա|շոտլանդիա|լոնդոն|អង់គ្លេស|ឡុងដ៍",
	"AE": "uae|u.a.e|emirates|dubai|դուբայ|արաբական էմիրություններ|էմիրություններ|ឌូបៃ|អារ៉ាប់រួម",
	"NL": "holland|the netherlands|հոլանդիա|ហូឡង់",
	"CZ": "czech republic|չեխիայի հանրապետություն|ឆេក",
	"KR": "korea|republic of korea|կորեա|កូរ៉េ",
	"RU": "russian federation|moscow|ռուսաստանի դաշնություն|մոսկվա|ՌԴ|ռդ|rusastan",
	"FR": "paris|փարիզ|ប៉ារីស|fransia|franciya|բարիզ|បារាំង",
	"DE": "berlin|munich|germania|բեռլին|អាល្លឺម៉ង់",
	"GE": "tbilisi|vrastan|թբիլիսի",
	"IR": "persia|պարսկաստան",
	"CH": "switzerland|schweiz|շվեյցարիա",
	"VN": "viet nam|វៀតណាម|យួន",
	"TH": "bangkok|ថៃ|សៀម|បាងកក",
	"CN": "beijing|prc|ចិន",
	"JP": "tokyo|ជប៉ុន",
	"AU": "sydney|melbourne|អូស្ត្រាលី",
	"CA": "toronto|montreal|կանադա",
	"TR": "turkey|turkiye|istanbul|թուրքիա",
	"MK": "macedonia",
	"CI": "ivory coast",
	"BA": "bosnia",
	"CD": "congo",
	"LA": "laos",
	"SY": "syria",
	"TW": "taiwan",
	"VA": "vatican",
	"PS": "palestine",
	"MD": "moldova",
	"BO": "bolivia",
	"TZ": "tanzania",
	"VE": "venezuela",
	"SE": "stockholm",
	"AT": "vienna|վիեննա",
}

// countryName is a name as it is looked for.
type countryName struct {
	name, code string
	script     text.Script
	capitals   bool // only counts in capital letters: US is one, us is not
}

// countryNames are all names, the longest first, so that South Korea is not taken
// for another one's Korea.
var countryNames = sync.OnceValue(func() []countryName {
	seen := map[string]bool{}
	var all []countryName
	add := func(name, code string) {
		n := countryName{name: strings.ToLower(text.Normalise(name)), code: code}
		for _, r := range n.name {
			if n.script, _ = text.ScriptOf(r); n.script != text.Other {
				break
			}
		}
		if n.name != "" && !seen[n.name] {
			seen[n.name] = true
			all = append(all, n)
		}
	}
	for name, code := range countries() {
		if len(name) > 3 { // us and uk come below
			add(name, code)
		}
	}
	for code, names := range otherNames {
		for name := range strings.SplitSeq(names, "|") {
			add(name, code)
		}
	}
	all = append(all, countryName{name: "US", code: "US", script: text.Latin, capitals: true})
	slices.SortFunc(all, func(a, b countryName) int {
		return cmp.Or(cmp.Compare(len(b.name), len(a.name)), strings.Compare(a.name, b.name))
	})
	return all
})

// armenianEndings are what may stand behind the name of a country or a town: cases,
// the article, with the sound that joins them to a vowel.
var armenianEndings = func() map[string]bool {
	all := map[string]bool{"": true}
	for e := range strings.SplitSeq("ը|ն|ի|ին|ից|ում|ով|յի|յին|յից|յում|յով|ս|ական|այի|այից|այում", "|") {
		all[e] = true
	}
	return all
}()

// Countries finds the countries that a normalised text names in English, Armenian
// or Khmer, also by the name of a larger town of Armenia or Cambodia, in the order
// of the text and each once.
func Countries(s string) []Country {
	lower := strings.ToLower(s)
	if len(lower) != len(s) { // a letter whose small form has another length
		s = lower
	}
	var found []Country
	for _, n := range countryNames() {
		in := lower
		if n.capitals {
			in = s
		}
		for from := 0; from < len(in); {
			at := strings.Index(in[from:], n.name)
			if at < 0 {
				break
			}
			start := from + at
			end, whole := nameEnd(in, start, n)
			from = start + len(n.name)
			if whole && !slices.ContainsFunc(found, func(f Country) bool { return start < f.End && f.Start < end }) {
				found = append(found, Country{n.code, start, end})
			}
		}
	}
	slices.SortFunc(found, func(a, b Country) int { return cmp.Compare(a.Start, b.Start) })
	seen := map[string]bool{}
	return slices.DeleteFunc(found, func(f Country) bool {
		again := seen[f.Code]
		seen[f.Code] = true
		return again
	})
}

// nameEnd says whether the name stands for itself there and is no part of another
// word, and where its word ends. Khmer puts no spaces between words.
func nameEnd(s string, start int, n countryName) (end int, whole bool) {
	end = start + len(n.name)
	if n.script == text.Khmer {
		return end, true
	}
	if start > 0 && letter(lastRune(s[:start])) {
		return end, false
	}
	rest := s[end:]
	word := rest
	for i, r := range rest {
		if !letter(r) {
			word = rest[:i]
			break
		}
	}
	if word == "" {
		return end, true
	}
	return end + len(word), n.script == text.Armenian && armenianEndings[word]
}

func letter(r rune) bool {
	_, is := text.ScriptOf(r)
	return is
}

func lastRune(s string) rune {
	r := []rune(s)
	return r[len(r)-1]
}
