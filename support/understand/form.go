package understand

import "strings"

// mostWords is how many words the longest form has.
const mostWords = 4

// forms are what people answer with, in English and Armenian; khmerForms those
// of Khmer. They are whole words: nothing inside a word counts.
var forms, khmerForms = func() (map[string]class, map[string]class) {
	spaced, khmer := map[string]class{}, map[string]class{}
	for _, row := range []struct {
		class class
		list  string
	}{
		{class{kind: Yes}, `yes|yess|yea|yeah|yep|yup|ya|ye|yes sir|sure thing|correct|exactly|indeed|absolutely|definitely|certainly|of course|by all means|
			go ahead|go for it|go on|please do|do it|do that|do so|proceed|confirm|confirmed|i confirm|i agree|agreed|agree|affirmative|uh huh|
			thats right|thats correct|that is right|that is correct|yes thats it|that one|thats the one|make it so|you got it|works for me|i am sure|im sure|carry on|continue|why not|
			այո|հա|իհարկե|ճիշտ է|ճիշտ|համաձայն եմ|հաստատում եմ|հաստատեք|արեք|շարունակեք|միանշանակ|անկասկած|հենց դա|հենց այդպես|ճիշտ այդպես|վստահ եմ|թող լինի|հաստատ|ayo|haa`},
		{class{kind: Yes, weak: true}, `ok|okay|okey|okk|k|fine|alright|all right|right|true|positive|good idea|sounds good|thats fine|that is fine|thats it|sure|լավ|եղավ|օքեյ|օկ|կլինի`},
		{class{kind: No}, `no|nope|nah|naw|noo|nooo|no no|not now|not really|no way|dont|do not|dont do it|do not do it|dont do that|never|never mind|nevermind|never mind that|forget it|forget that|leave it|leave it as it is|leave it as is|leave it be|
			stop|stop it|stop that|wait|hold on|not that|not that one|wrong one|wrong|thats wrong|incorrect|not correct|not right|thats not right|that is wrong|rather not|id rather not|i would rather not|please dont|negative|keep it|keep them|keep the order|keep my order|
			no need|not necessary|not yet|absolutely not|definitely not|certainly not|of course not|none|neither|none of them|do nothing|i changed my mind|changed my mind|cancel that|undo that|i disagree|lets not|i dont want that|i dont want it|i dont want to|
			ոչ|չէ|չե|պետք չէ|պետք չի|չեմ ուզում|մի արեք|մի|թողեք|սպասեք|կանգնեք|սխալ է|ոչ մի դեպքում|երբեք|համաձայն չեմ|դեռ ոչ|ոչինչ մի արեք|մտափոխվեցի|voch|che`},
		{class{kind: Unsure}, `maybe|perhaps|possibly|not sure|im not sure|i am not sure|not sure yet|i dont know|dont know|idk|let me think|hmm|it depends|hard to say|could be|probably|later|maybe later|
			միգուցե|գուցե|երևի|չգիտեմ|վստահ չեմ|հետո|չեմ հասկանում`},
		{class{kind: Greeting}, `hi|hello|hey|hi there|hello there|hey there|hiya|howdy|yo|greetings|good morning|good afternoon|good evening|good day|morning|evening|dear team|dear support|dear sir|dear sir or madam|dear shop|hallo|helo|heya|
			բարև|բարև ձեզ|բարև ջան|ողջույն|բարի լույս|բարի օր|բարի երեկո|barev|barev dzez`},
		{class{kind: Thanks}, `thanks|thank you|thank u|thank you so much|thank you very much|thanks a lot|thanks so much|thx|tnx|ty|many thanks|cheers|much appreciated|thanks again|thank you kindly|
			շնորհակալություն|շնորհակալ եմ|շատ շնորհակալություն|մերսի|ապրեք|ապրես|merci|mersi|shnorhakalutyun`},
		{class{kind: Bye}, `bye|goodbye|good bye|bye bye|see you|see ya|good night|take care|farewell|have a nice day|have a good day|kind regards|best regards|regards|best wishes|sincerely|
			ցտեսություն|հաջող|առայժմ|բարի գիշեր|հարգանքներով|hajox`},
		{class{filler: true}, `please|pls|plz|plese|kindly|it|that|them|this|the|my|a|now|then|just|so|very|really|i|im|want|would|like|to|you|me|for|with|well|oh|ah|um|uh|order|one|sir|madam|all|here|dear|great|good|perfect|nice|team|and|is|actually|
			խնդրում եմ|խնդրում|էլի|ջան|հիմա|այն|դա|այդ|էդ|եմ|պատվերը|պատվերս`},
		{class{echo: "cancel_order"}, `cancel|cancel it|cancel the order|cancel my order|չեղարկեք|չեղարկել`},
		{class{echo: "return_item"}, `return|return it|send it back|վերադարձրեք|վերադարձնել`},
		{class{echo: "refund_request"}, `refund|refund me|refund it`},
		{class{echo: "replace_item"}, `replace|replace it|փոխարինեք`},
		{class{echo: "change_address"}, `change the address|change address|change my address`},
		{class{echo: "change_order"}, `change|change it|փոխեք`},
		{class{echo: "account_delete"}, `delete|delete it|delete my account|ջնջեք`},
		{class{echo: "unsubscribe"}, `unsubscribe|unsubscribe me`},
	} {
		fill(spaced, row.list, row.class)
	}
	for _, row := range []struct {
		class class
		list  string
	}{
		{class{kind: Yes}, `បាទ|ចាស|ចា៎|ចា|ចាស៎|មែន|មែនហើយ|ត្រូវ|ត្រូវហើយ|ត្រឹមត្រូវ|យល់ព្រម|បានតើ|ធ្វើចុះ|ធ្វើទៅ|បន្តទៅ|ប្រាកដ|ពិតមែន|ហ្នឹងហើយ|ខ្ញុំបញ្ជាក់|ខ្ញុំយល់ព្រម|បញ្ជាក់|អឺ`},
		{class{kind: Yes, weak: true}, `អូខេ|បាន|បានៗ|ល្អ`},
		{class{kind: No}, `ទេ|អត់ទេ|អត់|ទេៗ|មិនមែនទេ|មិនមែន|មិនយល់ព្រម|មិនយល់ព្រមទេ|អត់យល់ព្រមទេ|កុំ|កុំធ្វើ|មិនបាច់|មិនបាច់ទេ|ចាំសិន|ឈប់សិន|ខុសហើយ|មិនត្រូវទេ|ទុកដដែល|មិនទាន់ទេ|មិនទាន់|មិនចង់ទេ|ប្តូរចិត្ត|មិនមែនអានោះទេ|កុំប្តូរអី|ទុកវា|កុំបោះបង់`},
		{class{kind: Unsure}, `មិនច្បាស់|មិនច្បាស់ទេ|មិនដឹង|មិនដឹងទេ|ប្រហែល|ប្រហែលជា|ពេលក្រោយ|ចាំគិតសិន`},
		{class{kind: Greeting}, `សួស្តី|សួស្ដី|សួស្តីបង|ជម្រាបសួរ|ជំរាបសួរ|អរុណសួស្តី|ទិវាសួស្តី|សាយ័ណ្ហសួស្តី|ហេឡូ|អាឡូ`},
		{class{kind: Thanks}, `អរគុណ|អរគុណច្រើន|សូមអរគុណ|អគុណ`},
		{class{kind: Bye}, `លាហើយ|លាសិនហើយ|ជម្រាបលា|រាត្រីសួស្តី|បាយបាយ|ជួបគ្នាពេលក្រោយ`},
		{class{filler: true}, `បង|អូន|សូម|ខ្ញុំ|ផង|ណា|ចុះ|ហើយ|វា|ឥឡូវ|ឲ្យខ្ញុំ|បងៗ`},
		{class{echo: "cancel_order"}, `បោះបង់|លុបចោល`},
		{class{echo: "return_item"}, `ប្រគល់វិញ|សងវិញ`},
	} {
		fill(khmer, row.list, row.class)
	}
	return spaced, khmer
}()

func fill(into map[string]class, list string, c class) {
	for form := range strings.SplitSeq(list, "|") {
		into[strings.TrimSpace(form)] = c
	}
}
