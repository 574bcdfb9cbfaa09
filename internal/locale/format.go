package locale

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Months as they stand beside a day. In Armenian that is the genitive.
var months = map[Lang][12]string{
	En: {"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November", "December"},
	Hy: {"հունվարի", "փետրվարի", "մարտի", "ապրիլի", "մայիսի", "հունիսի",
		"հուլիսի", "օգոստոսի", "սեպտեմբերի", "հոկտեմբերի", "նոյեմբերի", "դեկտեմբերի"},
	Km: {"មករា", "កុម្ភៈ", "មីនា", "មេសា", "ឧសភា", "មិថុនា",
		"កក្កដា", "សីហា", "កញ្ញា", "តុលា", "វិច្ឆិកា", "ធ្នូ"},
}

var weekdays = map[Lang][7]string{
	En: {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
	Hy: {"կիրակի", "երկուշաբթի", "երեքշաբթի", "չորեքշաբթի", "հինգշաբթի", "ուրբաթ", "շաբաթ"},
	Km: {"អាទិត្យ", "ចន្ទ", "អង្គារ", "ពុធ", "ព្រហស្បតិ៍", "សុក្រ", "សៅរ៍"},
}

// Month is the month's name standing alone, as above a column of figures.
func Month(lang Lang, m time.Month) string {
	lang = lang.orEnglish()
	if m < time.January || m > time.December {
		return ""
	}
	name := months[lang][m-1]
	if lang == Hy { // the nominative is the genitive without its ending
		return strings.TrimSuffix(name, "ի")
	}
	return name
}

// Weekday is the day's name.
func Weekday(lang Lang, d time.Weekday) string {
	if d < time.Sunday || d > time.Saturday {
		return ""
	}
	return weekdays[lang.orEnglish()][d]
}

// Date is the day in full, in the zone that t carries: 5 March 2026,
// 2026 թ. մարտի 5, ថ្ងៃទី 5 ខែមីនា ឆ្នាំ 2026.
func Date(lang Lang, t time.Time) string {
	y, m, d := t.Date()
	lang = lang.orEnglish()
	switch month := months[lang][m-1]; lang {
	case Hy:
		return fmt.Sprintf("%d թ. %s %d", y, month, d)
	case Km:
		return fmt.Sprintf("ថ្ងៃទី %d ខែ%s ឆ្នាំ %d", d, month, y)
	default:
		return fmt.Sprintf("%d %s %d", d, month, y)
	}
}

// ShortDate is the day for narrow places: 5 Mar 2026, 05.03.2026, 5 មីនា 2026.
func ShortDate(lang Lang, t time.Time) string {
	y, m, d := t.Date()
	lang = lang.orEnglish()
	switch lang {
	case Hy:
		return fmt.Sprintf("%02d.%02d.%d", d, m, y)
	case Km:
		return fmt.Sprintf("%d %s %d", d, months[lang][m-1], y)
	default:
		return fmt.Sprintf("%d %s %d", d, months[lang][m-1][:3], y)
	}
}

// DateTime is the day in full and the time of day on the 24-hour clock, in the
// zone that t carries.
func DateTime(lang Lang, t time.Time) string {
	clock := t.Format("15:04")
	if lang == Km {
		return Date(lang, t) + " ម៉ោង " + clock
	}
	return Date(lang, t) + ", " + clock
}

// DateRange is the days from and to in full, saying what they share only once;
// the same day gives one date.
func DateRange(lang Lang, from, to time.Time) string {
	fy, fm, fd := from.Date()
	ty, tm, td := to.Date()
	lang = lang.orEnglish()
	first, last := months[lang][fm-1], months[lang][tm-1]
	switch {
	case fy != ty:
		return Date(lang, from) + " – " + Date(lang, to)
	case fm == tm && fd == td:
		return Date(lang, from)
	case fm == tm && lang == Hy:
		return fmt.Sprintf("%d թ. %s %d–%d", fy, first, fd, td)
	case fm == tm && lang == Km:
		return fmt.Sprintf("ថ្ងៃទី %d–%d ខែ%s ឆ្នាំ %d", fd, td, first, fy)
	case fm == tm:
		return fmt.Sprintf("%d–%d %s %d", fd, td, first, fy)
	case lang == Hy:
		return fmt.Sprintf("%d թ. %s %d – %s %d", fy, first, fd, last, td)
	case lang == Km:
		return fmt.Sprintf("ថ្ងៃទី %d ខែ%s – ថ្ងៃទី %d ខែ%s ឆ្នាំ %d", fd, first, td, last, fy)
	default:
		return fmt.Sprintf("%d %s – %d %s %d", fd, first, td, last, fy)
	}
}

// Separators are the marks that lang puts between groups of three digits and
// before decimals, as CLDR 48 has them. (The tables inside x/text are CLDR 32,
// in which Khmer still had them the other way round.)
func Separators(lang Lang) (group, decimal string) {
	if lang == Hy {
		return "\u00a0", ","
	}
	return ",", "."
}

// Number is a whole number for people: 1,234,567 or 1 234 567.
func Number(lang Lang, n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	group, _ := Separators(lang)
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Percent writes basis points as a percentage with up to two decimals: 12.5%.
func Percent(lang Lang, bps int64) string {
	sign := ""
	if bps < 0 {
		sign, bps = "-", -bps
	}
	s := sign + Number(lang, bps/100)
	if rest := strings.TrimRight(fmt.Sprintf("%02d", bps%100), "0"); rest != "" {
		_, decimal := Separators(lang)
		s += decimal + rest
	}
	return s + "%"
}

// renamed are the countries that took another name after the tables of x/text.
var renamed = map[string]map[Lang]string{
	"MK": {En: "North Macedonia", Hy: "Հյուսիսային Մակեդոնիա", Km: "ម៉ាសេដ្វានខាងជើង"},
	"SZ": {En: "Eswatini", Hy: "Էսվատինի", Km: "អេស្វាទីនី"},
	"TR": {En: "Türkiye"},
}

var regions = map[Lang]display.Namer{
	En: display.Regions(language.English),
	Hy: display.Regions(language.Armenian),
	Km: display.Regions(language.Khmer),
}

// Country is the name of the country with that ISO 3166-1 alpha-2 code; what is
// not a country's code comes back as it is.
func Country(lang Lang, code string) string {
	lang = lang.orEnglish()
	upper := strings.ToUpper(code)
	if name, ok := renamed[upper][lang]; ok {
		return name
	}
	region, err := language.ParseRegion(upper)
	if err != nil || !region.IsCountry() || len(code) != 2 {
		return code
	}
	if name := regions[lang].Name(region); name != "" {
		return name
	}
	return code
}

// withdrawn are codes that CLDR still calls countries although ISO 3166-1 has
// given them up (ISO 3166-3).
var withdrawn = []string{"AN", "CS", "NT", "SU", "YU"}

// IsCountry says whether code is an ISO 3166-1 alpha-2 code in capital letters,
// or XK, by which carriers and banks know Kosovo. Reserved codes such as EU, UN
// and UK, which have no UN M.49 number or another canonical form, are none.
func IsCountry(code string) bool {
	if len(code) != 2 {
		return false
	}
	r, err := language.ParseRegion(code)
	return err == nil && r.IsCountry() && r.String() == code && r.Canonicalize() == r && r.M49() != 0 && !slices.Contains(withdrawn, code)
}
