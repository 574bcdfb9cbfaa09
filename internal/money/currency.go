package money

import "strings"

// exponents is the number of decimals of each currency, from ISO 4217 list one
// (SIX Financial Information, the maintenance agency: column "Mnr unts"), with
// the funds codes that have a minor unit. Metals, bond units and test codes have
// none and are left out. ANG and BGN were withdrawn in 2025 and 2026 and stay,
// because refunds outlive a currency.
var exponents = func() map[string]int {
	table := map[int]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
		2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD " +
			"CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS " +
			"GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL " +
			"MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK " +
			"PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS " +
			"TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
		3: "BHD IQD JOD KWD LYD OMR TND",
		4: "CLF UYW",
	}
	all := map[string]int{}
	for decimals, codes := range table {
		for code := range strings.FieldsSeq(codes) {
			all[code] = decimals
		}
	}
	return all
}()

// Exponent is how many decimals a currency has: 0 for JPY, 2 for EUR, 3 for
// KWD. The code is in capital letters; an unknown one is ErrCurrency, for a
// guessed exponent would be wrong by a factor of ten or more.
func Exponent(currency string) (int, error) {
	e, ok := exponents[currency]
	if !ok {
		return 0, ErrCurrency
	}
	return e, nil
}

// Known says whether currency is a code that Exponent accepts.
func Known(currency string) bool {
	_, ok := exponents[currency]
	return ok
}

// symbols are the signs that people of any of our languages read; other
// currencies are shown by their code.
var symbols = map[string]string{
	"AMD": "֏", "EUR": "€", "GBP": "£", "ILS": "₪", "INR": "₹", "JPY": "¥", "KHR": "៛",
	"KRW": "₩", "RUB": "₽", "THB": "฿", "UAH": "₴", "USD": "$", "VND": "₫",
}

// wholeInPractice are currencies whose hundredth exists on paper only: a round
// amount is shown without decimals, as everybody there writes it.
var wholeInPractice = map[string]bool{"AMD": true, "KHR": true}
