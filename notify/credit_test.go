package notify

import (
	"strings"
	"testing"

	"doorstep/internal/locale"
)

func TestStoreCreditIsNotSaidToComeFromABank(t *testing.T) {
	t.Parallel()
	for _, lang := range locale.Languages() {
		d := full()
		card := render(t, Refunded, lang, d)
		for method, key := range map[string]string{"store_credit": "mail.refunded.credit", "gift_card": "mail.refunded.gift_card"} {
			d.Refund.Method = method
			credit := render(t, Refunded, lang, d)
			said := locale.T(lang, key, "number", d.Order.Number)
			if !strings.Contains(flat(credit.Text), flat(said)) || strings.Contains(flat(card.Text), flat(said)) {
				t.Errorf("%s: %s", lang, credit.Text)
			}
			if bank := locale.T(lang, "mail.refunded.intro", "number", d.Order.Number); strings.Contains(flat(credit.Text), flat(bank)) {
				t.Errorf("%s: the credit is said to come from a bank: %s", lang, credit.Text)
			}
		}
	}
}

func TestAConfirmationTellsWhatCreditHasPaid(t *testing.T) {
	t.Parallel()
	for _, lang := range locale.Languages() {
		d := full()
		plain := flat(render(t, OrderConfirmation, lang, d).Text)
		d.Totals.ByGiftCard, d.Totals.ByStoreCredit = 200, 100
		paid := flat(render(t, OrderConfirmation, lang, d).Text)
		for _, label := range []string{"by_gift_card", "by_store_credit", "left_to_pay"} {
			said := flat(locale.T(lang, "mail.label."+label))
			if !strings.Contains(paid, said) || strings.Contains(plain, said) {
				t.Errorf("%s: %s is told wrongly: %s", lang, label, paid)
			}
		}
		d.Totals.ByGiftCard = d.Totals.Total - 100
		if whole := flat(render(t, OrderConfirmation, lang, d).Text); strings.Contains(whole, flat(locale.T(lang, "mail.label.left_to_pay"))) {
			t.Errorf("%s: something is left to pay: %s", lang, whole)
		}
	}
}

// flat is text without its line breaks.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }
