package paypal

import (
	"errors"
	"strings"

	"doorstep/internal/money"
	"doorstep/payment"
)

// currencies are those that PayPal takes, with the decimals that it writes: the
// forint and the new Taiwan dollar have none there, whatever ISO 4217 says.
var currencies = map[string]int{
	"AUD": 2, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HKD": 2, "HUF": 0, "ILS": 2, "JPY": 0, "MXN": 2,
	"MYR": 2, "NOK": 2, "NZD": 2, "PHP": 2, "PLN": 2, "SEK": 2, "SGD": 2, "THB": 2, "TWD": 0, "USD": 2,
}

// sum is an amount on the wire.
type sum struct {
	Currency string `json:"currency_code"`
	Value    string `json:"value"`
}

// Refuses says what PayPal cannot take; see payment.Chooser.
func (g *Gateway) Refuses(amount int64, currency string) string {
	decimals, ok := currencies[currency]
	if !ok {
		return payment.RefusesCurrency
	}
	if _, err := say(amount, currency, decimals); err != nil {
		return payment.RefusesAmount
	}
	return ""
}

var errFraction = errors.New("paypal: the amount has a fraction that PayPal does not take")

// write is an amount of minor units as PayPal writes it.
func write(minor int64, currency string) (sum, error) {
	decimals, ok := currencies[currency]
	if !ok {
		return sum{}, money.ErrCurrency
	}
	value, err := say(minor, currency, decimals)
	return sum{Currency: currency, Value: value}, err
}

func say(minor int64, currency string, decimals int) (string, error) {
	value := money.Decimal(minor, currency)
	if decimals > 0 {
		return value, nil
	}
	whole, fraction, _ := strings.Cut(value, ".")
	if strings.Trim(fraction, "0") != "" {
		return "", errFraction
	}
	return whole, nil
}

// minor reads what write has written, or PayPal.
func (s sum) minor(currency string) (int64, error) {
	if s.Currency != currency {
		return 0, money.ErrMixed
	}
	return money.Parse(s.Value, currency)
}
