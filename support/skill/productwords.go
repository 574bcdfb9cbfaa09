package skill

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"doorstep/support/text"
)

// askingWords ask about a product without naming one. What is left of a message
// without them is looked for in the catalogue.
const askingWords = `a an the is are was were be been am i i'm im me my mine you your yours u we us our it its it's they them their he she this that
these those there here one ones of in on at to for from with without by and or not no yes so if as than then too also only just like some any many much more most
few other another which what what's whats who when where why how do does did don't dont doesn't can could would will shall should may might must have has had having got get gets
want wants wanted need needs looking look find show tell give know see say ask about please thanks thank hi hello hey good
sell sells selling sold stock stocks restock available availability left out again back soon still now already today tomorrow ever
price prices cost costs costing cheap expensive pay much euro dollars usd eur amd
size sizes big bigger large larger small smaller medium wide wider long longer tall short dimensions dimension measurements measure measurement fit fits true chart guide
colour colours color colors shade material materials made make makes fabric composed composition manufactured origin country produced
heavy weigh weighs weight kg grams wash washable washed washing machine clean cleaned dishwasher safe oven microwave iron waterproof
warranty guarantee age kids children child suitable good use used using work works come comes carry offer order buy buying bought purchase purchasing take cart basket put add place
product products item items article thing things something anything catalogue store shop detail details info information spec specs description photo photos picture pictures more
really actually maybe possible possibly however whether does've real into onto over under per piece pieces pair pairs pack
one two three four five six seven eight nine ten dozen first second
recommend difference between better best notify quickly up same times order's lot bit
կա կան կար չկա եք է են եմ ես մի մեկ այս այդ այն սա դա նա իմ ձեր մեր ինձ ձեզ ինչ ինչի ինչից ինչքան որքան ինչպես ինչպիսի ով որ որը որոնք երբ որտեղ ուր քանի քանիսով քանիսն քանիսը արդյոք
ու և կամ թե բայց էլ դեռ արդեն նորից մոտ մոտս համար հետ մասին մեջ վրա միայն շատ քիչ բոլոր ուրիշ այլ նաև խնդրում բարև ողջույն
ունեք ունես ունե ունենք վաճառում վաճառվում գին գինը գինն գներ արժի արժե արժեն թանկ էժան պահեստում պահեստ առկա մնացել մնացե վերջացել սպառված լինի լինելու կլինի կարող կարելի հնարավոր
չափ չափս չափսի չափսը չափսեր չափսերը չափսերի չափի մեծ փոքր գույն գույնի գույներ գույները նյութ նյութից պատրաստված արտադրված արտադրվում իսկական կիլո կշռում քաշը լվանալ լվանամ լվացվում
երկու երեք չորս հինգ վեց յոթ ութ ինը տասը մեկը երկուսը ուզում եմ գնել գնեմ պատվիրել պատվիրեմ փնտրում գտնել ցույց տվեք տուր ասեք ասա պատմեք հատ ապրանք ապրանքը ապրանքի ապրանքն նկար տեսնել հետաքրքրում
ka kan chka unek uneq inch inchqan vortegh gin gine gin@ arje arji apranq apranqy ays ayd chap chapsy
mean te ot trov nis nos tlai thlai ponman bong`

// askingPhrases are the same in Khmer, which puts no spaces between words. Longer
// ones go first.
const askingPhrases = `តើ|មានលក់|មានស្តុក|នៅមាន|មានទៀត|នៅសល់|សល់|មាន|ស្តុក|ទេ|អត់|ប៉ុន្មានខ្លះ|ប៉ុន្មាន|តម្លៃ|ថ្លៃ|លក់|ធ្វើពីអ្វី|ធ្វើពីអី|ធ្វើពី|ធ្វើម៉េច|អានេះ|នេះ|នោះ|ទំហំ|ពណ៌|អ្វីខ្លះ|អ្វី|អីខ្លះ|លេខ|អស់ពីស្តុក|អស់ហើយ|` +
	`នៅ|ហើយ|មែន|បង|ខ្ញុំ|ចង់ទិញ|ចង់បាន|ចង់|បាន|រកមើល|រក|សូម|ទិញ|ទំនិញ|ផ្សេង|ទៀត|ធំជាង|ធំ|តូច|ពេលណា|វិញ|ត្រូវ|អំពី|ប្រាប់|បន្ថែម|ពីអ្វី|សម្រាប់|ដែល|និង|ឬ|ក្នុង|មួយ|ពីរ|បី|ម៉េច|ប្រើបាន|លាងក្នុងម៉ាស៊ីន|លាង|ទម្ងន់|ផលិតនៅប្រទេសណា|ផលិត|កុម្ម៉ង់|បញ្ជាទិញ|របស់|ជាមួយ`

var asking = sync.OnceValues(func() (map[string]bool, []string) {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(askingWords) {
		words[strings.ReplaceAll(word, "'", "")] = true
	}
	phrases := strings.Split(askingPhrases, "|")
	slices.SortStableFunc(phrases, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return words, phrases
})

// productWords are the words of the ask that may name a product, in small letters,
// and empty when it names none.
func productWords(t *Turn) string {
	words, phrases := asking()
	said := orElse(t.Ask.Text, t.Text)
	tokens := text.Tokens(said)
	_, romanised := text.Language(slices.Clone(tokens), t.Language)
	if romanised {
		text.Native(tokens)
	}
	var left []string
	for _, token := range tokens {
		word := token.Text
		if token.Script == text.Khmer {
			for _, phrase := range phrases {
				word = strings.ReplaceAll(word, phrase, " ")
			}
			left = append(left, strings.Fields(word)...)
			continue
		}
		if !words[word] && !words[text.StemArmenian(word)] && (token.Script != text.Latin || len(word) != 1 || word <= "a" || sizeLetter(word)) {
			left = append(left, word)
		}
	}
	if !slices.ContainsFunc(left, func(word string) bool { return len(word) > 2 && (word[0] < '0' || word[0] > '9') }) {
		return "" // a bare number or size names no product
	}
	return strings.Join(left[:min(len(left), 8)], " ")
}

func sizeLetter(word string) bool { return word == "s" || word == "m" || word == "l" }
