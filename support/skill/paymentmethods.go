package skill

import (
	"context"
	"slices"
	"strings"

	"doorstep/customer"
	"doorstep/internal/locale"
	"doorstep/internal/money"
)

// paymentMethods says how can be paid, by the rules of the checkout.
func paymentMethods() Skill {
	return Skill{
		Name: "payment_methods", Intents: []string{"payment_methods"}, Order: MayOrder,
		Answer: func(ctx context.Context, t *Turn) (Answer, error) {
			if t.Order != nil { // how to pay for that one
				return answerPaymentProblem(ctx, t)
			}
			return answerPayment(ctx, t)
		},
	}
}

// waysToPay are those that a message may ask about. A method is one of the shop's; a
// brand without one is nothing that the shop could take, and a brand with it is a
// kind of it that the provider may refuse.
var waysToPay = []struct {
	method, brand string
	words         []string
}{
	{"apple_pay", "Apple Pay", []string{"apple pay", "applepay"}},
	{"google_pay", "Google Pay", []string{"google pay", "googlepay", "gpay"}},
	{"paypal", "", []string{"paypal", "pay pal", "փեյփալ", "փեյփլ", "ភេផល"}},
	{"credit", "", []string{"gift card", "giftcard", "store credit", "նվեր քարտ", "նվերի քարտ", "កាតអំណោយ"}},
	{"cash_on_delivery", "", []string{"cash on delivery", "c.o.d", "cod", "in cash", "pay cash", "by cash", "cash", "courier", "when it arrives", "on arrival", "on delivery",
		"կանխիկ", "առաքիչին", "ստանալիս", "ստանալուց", "տեղում", "kanxik", "kankhik", "សាច់ប្រាក់", "ពេលទទួល", "ពេលមកដល់", "ពេលដឹក", "អ្នកដឹក", "luy sot"}},
	{"bank_transfer", "", []string{"bank transfer", "wire", "by transfer", "iban", "bank account", "բանկային փոխանց", "փոխանցում", "ផ្ទេរប្រាក់", "តាមធនាគារ"}},
	{"", "Idram", []string{"idram", "իդրամ"}},
	{"", "Telcell", []string{"telcell", "թելսել"}},
	{"", "ABA", []string{"aba"}},
	{"", "KHQR", []string{"khqr", "bakong", "បាគង"}},
	{"", "Wing", []string{"wing"}},
	{"", "Klarna", []string{"klarna"}},
	{"", "method.crypto", []string{"bitcoin", "crypto", "btc", "usdt", "ethereum", "բիթքոյն", "կրիպտո", "ប៊ីតខញ", "គ្រីបតូ"}},
	{"", "method.instalments", []string{"instalment", "installment", "pay later", "paylater", "half later", "financing", "monthly", "ապառիկ", "մաս-մաս", "մաս մաս", "aparik", "រំលស់"}},
	{"", "method.cheque", []string{"cheque", "check by post", "money order", "չեկով"}},
	{"card", "American Express", []string{"american express", "amex"}},
	{"card", "ArCa", []string{"arca", "արքա"}},
	{"card", "UnionPay", []string{"unionpay", "union pay"}},
	{"card", "Discover", []string{"discover card"}},
	{"card", "JCB", []string{"jcb"}},
	{"card", "", []string{"card", "visa", "mastercard", "master card", "maestro", "քարտ", "վիզա", "մաստեր", "qart", "կարտ", "កាត", "វីសា"}},
}

func answerPayment(ctx context.Context, t *Turn) (Answer, error) {
	w := wordsFor(t)
	code, said := named(t)
	if code != "" && !t.Settings.ShipsTo(code) {
		if said {
			return w.notServed(code, w.country(code)).answer(Policy), nil
		}
		code = ""
	}
	methods, err := t.Shop.Policies.PaymentMethods(ctx, t.Merchant, code, t.Currency)
	if err != nil {
		return Answer{}, err
	}
	country := ""
	if code != "" {
		country = w.country(code)
	}
	w.asked(methods, country)
	switch names := w.methods(methods); {
	case len(methods) == 0:
		w.say("pay.none")
	case country != "":
		w.say("pay.list_country", "country", country, "methods", names)
	default:
		w.say("pay.list", "methods", names)
	}
	w.cash(methods, code)
	if slices.Contains(methods, "bank_transfer") && t.Settings.BankTransfer.DueDays > 0 {
		w.count("bank_transfer.days", t.Settings.BankTransfer.DueDays, "pay.transfer")
	}
	return w.answer(Policy), nil
}

// asked answers whether a way to pay that the message names is one of the shop's.
func (w *words) asked(methods []string, country string) {
	for i := range waysToPay {
		way := &waysToPay[i]
		if !saysWord(w.t, way.words) {
			continue
		}
		name := way.brand
		switch {
		case strings.HasPrefix(name, "method."):
			name = w.word(name)
		case name == "":
			name = w.method(way.method)
		}
		switch {
		case way.method == "credit":
			w.say("pay.credit")
		case !slices.Contains(methods, way.method):
			w.fact("asked_method.accepted", "false", "")
			w.denied(way.method, w.fact("asked_method", orElse(way.method, strings.ToLower(name)), name), country)
		case way.method == "card" && way.brand != "":
			w.say("pay.brand", "method", w.fact("asked_method", strings.ToLower(name), name))
		default:
			w.fact("asked_method.accepted", "true", "")
			w.say("pay.yes", "method", w.fact("asked_method", way.method, name))
		}
		return
	}
}

// denied says no: for this country alone, when the method is offered in others, or
// when no country is known only that it depends on it.
func (w *words) denied(method, name, country string) {
	cash := method == "cash_on_delivery" && w.t.Settings.CashOnDelivery.Enabled
	switch {
	case cash && country == "":
		// which countries have it is said below
	case cash, method == "bank_transfer" && w.t.Settings.BankTransfer.Enabled && country != "":
		w.say("pay.no_country", "method", name, "country", country)
	default:
		w.say("pay.no", "method", name)
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// saysWord is says for words that may be parts of others: short ones in Latin
// letters have to stand alone.
func saysWord(t *Turn, list []string) bool {
	text := strings.ToLower(orElse(t.Ask.Text, t.Text))
	alone := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,.?!;:/()", r) })
	return slices.ContainsFunc(list, func(word string) bool {
		if len(word) > 4 || word[0] > 'z' {
			return strings.Contains(text, word)
		}
		return slices.Contains(alone, word) || slices.Contains(alone, word+"s")
	})
}

// method is the name of a way to pay.
func (w *words) method(code string) string {
	switch code {
	case "apple_pay":
		return "Apple Pay"
	case "google_pay":
		return "Google Pay"
	}
	if locale.Has("payment_method." + code) {
		return locale.T(w.lang, "payment_method."+code)
	}
	return code
}

// methods note all ways to pay and give their names.
func (w *words) methods(codes []string) string {
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = w.method(code)
	}
	return w.fact("methods", strings.Join(codes, ","), strings.Join(names, ", "))
}

// cash says where, up to which sum and for which fee can be paid on delivery.
func (w *words) cash(methods []string, country string) {
	c := &w.t.Settings.CashOnDelivery
	if !c.Enabled {
		return
	}
	if len(c.Countries) > 0 && len(c.Countries) <= mostCountries {
		w.say("pay.cod_countries", "countries", w.countries("cod_countries", c.Countries))
	}
	if country != "" && !slices.Contains(methods, "cash_on_delivery") {
		return
	}
	if limit, ok := customer.In(w.t.Currency, c.MaxTotals); ok && money.Known(w.t.Currency) {
		w.say("pay.cod_max", "amount", w.sum("cod_max", limit, w.t.Currency))
	}
	if fee, ok := customer.In(w.t.Currency, c.Fees); ok && fee > 0 && money.Known(w.t.Currency) {
		w.say("pay.cod_fee", "amount", w.sum("cod_fee", fee, w.t.Currency))
	}
}
