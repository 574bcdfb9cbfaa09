package api

import "doorstep/internal/money"

// Money is an amount in every body: integer minor units and the currency.
type Money struct {
	Amount   int64  `json:"amount" example:"1999" doc:"Integer minor units: cents for EUR, yen for JPY"`
	Currency string `json:"currency" minLength:"3" maxLength:"3" pattern:"^[A-Z]{3}$" example:"EUR" doc:"ISO 4217 code"`
}

// moneyOf writes minor units of a currency.
func moneyOf(minor int64, currency string) Money { return Money{Amount: minor, Currency: currency} }

// value is the amount as it was sent, in whatever currency; nil for none.
func (m *Money) value() *money.Amount {
	if m == nil {
		return nil
	}
	return &money.Amount{Minor: m.Amount, Currency: m.Currency}
}

// amount is the value for the rooms, or unknown_currency.
func (m Money) amount() (money.Amount, error) {
	if !money.Known(m.Currency) {
		return money.Amount{}, money.ErrCurrency
	}
	return money.Of(m.Amount, m.Currency), nil
}
