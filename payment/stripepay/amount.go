package stripepay

import (
	"strings"

	"doorstep/internal/money"
	"doorstep/payment"
)

// Where Stripe counts a currency in another unit than ISO 4217 does, or may not
// be told every amount (docs.stripe.com/currencies). HUF and TWD are special for
// payouts only, which are not made here.
var (
	// zeroDecimal are charged in whole units. MGA has a fifth in ISO 4217, which
	// Stripe cannot charge.
	zeroDecimal = set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF")
	// threeDecimal are charged in thousandths, but in tens of them.
	threeDecimal = set("BHD JOD KWD OMR TND")
	// hundredfold have no decimals any more, but are still charged as if they had two.
	hundredfold = set("ISK UGX")
)

func set(codes string) map[string]bool {
	all := map[string]bool{}
	for code := range strings.FieldsSeq(codes) {
		all[code] = true
	}
	return all
}

// spoken says whether Stripe has a currency, as far as its decimals tell.
func spoken(currency string) bool {
	exponent, err := money.Exponent(currency)
	return err == nil && (exponent == 2 || zeroDecimal[currency] || threeDecimal[currency] || hundredfold[currency])
}

// toStripe says a positive amount of minor units as Stripe wants to hear it. It
// fails with payment.ErrAmount when it cannot be said.
func toStripe(minor int64, currency string) (int64, error) {
	wrong := payment.ErrAmount.With("currency", currency)
	if !spoken(currency) || minor <= 0 {
		return 0, wrong
	}
	switch {
	case hundredfold[currency]:
		n, err := money.Mul(minor, 100)
		if err != nil {
			return 0, wrong.Because(err)
		}
		return n, nil
	case threeDecimal[currency]:
		if minor%10 != 0 {
			return 0, wrong.Saying("In this currency the provider can only charge amounts that end in 0.")
		}
		return minor, nil
	case inHundredths(currency):
		if minor%100 != 0 {
			return 0, wrong.Saying("In this currency the provider can only charge whole units.")
		}
		return minor / 100, nil
	}
	return minor, nil
}

// inHundredths says that we count a currency in hundredths, and Stripe does not.
func inHundredths(currency string) bool {
	exponent, err := money.Exponent(currency)
	return err == nil && exponent == 2 && zeroDecimal[currency]
}

// fromStripe is the amount in our minor units.
func fromStripe(amount int64, currency string) int64 {
	switch {
	case hundredfold[currency]:
		return amount / 100
	case inHundredths(currency):
		return amount * 100
	}
	return amount
}
