package text

import "strings"

// romanisedWords are the commonest words of shoppers who type Armenian or Khmer
// in Latin letters, in the spellings that people use. Words that are English as
// well are left out.
var romanisedWords = func() map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(romanisedArmenian + "\n" + romanisedKhmer) {
		native, forms, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, form := range strings.Fields(forms) {
			all[form] = native
		}
	}
	return all
}()

const romanisedArmenian = `որտեղ urtex vortex vortegh urtegh
ուր vur uur
երբ erb yerb
ինչ inch inj
ինչպես inchpes inchpez
ոնց vonc vonts onc
ինչքան inchqan inchkan
քանի qani kani
պատվեր patver
պատվերս patvers
պատվերը patvery patverə
պատվերի patveri
պատվերից patveric
պատվիրել patvirel
պատվիրեմ patvirem
ծանրոց caxroc canroc tsanrots
ծանրոցս caxrocs canrocs tsanrotss tsanroc
ծանրոցը canrocy tsanrotsy
կգա kga
կհասնի khasni
հասավ hasav
եկել ekel yekel
չեղարկել chexarkel cheghargel chegharkel
չեղարկեք chexarkeq chegharkeq chegharkek
չեղարկելը chexarkely
ուզում uzum
եմ em
չեմ chem
չի chi
չկա chka
կա ka
հասցե hasce hasceh
հասցեն hascen hascena
հասցես hasces
փոխել poxel pokhel
փոխեք poxeq pokheq
սխալ sxal skhal
հետ het
տալ tal
վերադարձնել veradardznel veradarcnel
վերադարձ veradardz
ապրանք apranq aprank
ապրանքը apranqy
կոտրված kotrvac kotrvats
կորել korel
փող pox pokh
փողս poxs pokhs
փողը poxy
գումար gumar
գումարս gumars
տվեք tveq tvek
առաքում araqum arakum
առաքումը araqumy
առաքիչ araqich
արժի arzhi arji
վճարել vcharel
վճարում vcharum
վճարումը vcharumy
քարտ qart kart
քարտով qartov kartov
քարտս qarts karts
կանխիկ kanxik kankhik
հաշիվ hashiv
հաշիվս hashivs
հաշիվը hashivy
կտրոն ktron
կտրոնը ktrony
զեղչ zexch zeghch
գաղտնաբառ gaxtnabar gaghtnabar
պարոլս parols
մոռացել moracel moratsel
ջնջեք jnjeq jnjek
մարդ mard
մարդու mardu
օպերատոր operatr
խոսել xosel khosel
բողոք boxoq boghoq
բարև barev barew
ձեզ dzez
շնորհակալություն shnorhakalutyun shnorhakalutiun shnorakalutyun
մերսի mersi
այո ayo
ոչ voch
չէ che
հա haa
պետք petq petk
խնդրում xndrum khndrum
ուղարկեք uxarkeq ugharkeq
ուղարկել uxarkel ugharkel
ուղարկված uxarkvac
նորը nory norn
իմ im
իր ir
գնել gnel
չափս chaps
չափսը chapsy
օրում orum
`

const romanisedKhmer = `កញ្ចប់ kanchob kanchop kanchab
អីវ៉ាន់ eyvan eivan ivan aivan
ខ្ញុំ khnhom khnom nhom khyom
នៅណា nouna novna
ដល់ dol dal
ហើយ haey hoey haoy hery
នៅ nov nou
បោះបង់ bosbong bohbong baohbong
លុប lub
ចង់ chong jong
ទិញ tinh tenh
លុយ luy loy
វិញ vinh vinj
ប្តូរ pdo pdor pdou
អាសយដ្ឋាន asayathan asaydthan
ខុស khos khoh
ខូច khoch kouch
ដឹក doek deuk duek
ថ្លៃ tlai thlai tlay
ប៉ុន្មាន ponman bonman ponmaan
ថ្ងៃ thngai tngai
បង់ bong
បាន baan
ទេ te
អត់ ot
យក yok
មាន mean
ភ្លេច plich phlech plech
គណនី kaknany keakney
និយាយ niyeay niyay
ជាមួយ chamuoy
មនុស្ស monus mnus
សួស្តី suosdey sousdey soursdey sousdei
អរគុណ orkun arkun akun
បាទ baat
ចាស chas jas chah
កុំ kom kum
ផ្ញើ phnher pnher phnhae
ឈប់ chhob chob
សេវា seva
ណាស់ nas nass
សុំ som soum
ថែម thaem
មិនទាន់ minton mintoan
ម៉េច mech
ពេលណា pelna
`
