package customer

import (
	"doorstep/internal/money"
)

// Settings is what a merchant decides about the shop.
type Settings struct {
	Name       string   `json:"name"`
	Countries  []string `json:"countries"`  // where it ships, ISO 3166-1 alpha-2; empty is everywhere
	Currencies []string `json:"currencies"` // ISO 4217; the first is the default
	Languages  []string `json:"languages"`  // en, hy, km; the first is the default
	Timezone   string   `json:"timezone"`   // IANA name
	// PricesIncludeTax says whether catalogue prices are gross.
	PricesIncludeTax bool `json:"prices_include_tax"`
	// ReturnWindowDays is how long after delivery a return may be asked for.
	ReturnWindowDays int64          `json:"return_window_days"`
	Card             CardSettings   `json:"card"`
	BankTransfer     BankTransfer   `json:"bank_transfer"`
	CashOnDelivery   CashOnDelivery `json:"cash_on_delivery"`
	Sender           Sender         `json:"sender"`
	Trust            Trust          `json:"trust"`
	Seller           Seller         `json:"seller"`
}

// CardSettings is about payment by card.
type CardSettings struct {
	Enabled bool `json:"enabled"`
}

// BankTransfer is about payment by bank transfer.
type BankTransfer struct {
	Enabled bool `json:"enabled"`
	// Countries where it is offered; empty is everywhere.
	Countries []string `json:"countries,omitempty"`
	// AccountLines are shown to the buyer as they stand: holder, IBAN, bank.
	AccountLines []string `json:"account_lines,omitempty"`
	// DueDays after which an unpaid order is canceled.
	DueDays int64 `json:"due_days"`
}

// CashOnDelivery is about payment to the courier.
type CashOnDelivery struct {
	Enabled   bool           `json:"enabled"`
	Countries []string       `json:"countries,omitempty"`  // empty is everywhere
	MaxTotals []money.Amount `json:"max_totals,omitempty"` // one per currency; a currency that is absent has no limit
	Fees      []money.Amount `json:"fees,omitempty"`       // one per currency; absent is free
}

// Sender is how mails to customers are signed.
type Sender struct {
	Name    string `json:"name"`
	Email   string `json:"email,omitempty"`
	ReplyTo string `json:"reply_to,omitempty"`
}

// Seller is who sells, as it stands on invoices.
type Seller struct {
	Name    string   `json:"name,omitempty"`    // in law; the shop's name when empty
	Address []string `json:"address,omitempty"` // line by line
	TaxID   string   `json:"tax_id,omitempty"`
}

// Trust is what the merchant states about the shop; only what is true.
type Trust struct {
	Policies []PolicyLink `json:"policies,omitempty"`
	// CheckedOn is the day on which somebody last checked the links (2026-11-02).
	CheckedOn string `json:"checked_on,omitempty"`
}

// PolicyLink is one document a buyer may want to read before paying.
type PolicyLink struct {
	Kind string `json:"kind"` // returns, privacy, terms, shipping, imprint
	URL  string `json:"url"`
}

// Currency says whether the shop sells in it.
func (s *Settings) SellsIn(currency string) bool { return contains(s.Currencies, currency, false) }

// ShipsTo says whether the shop ships to the country.
func (s *Settings) ShipsTo(country string) bool { return contains(s.Countries, country, true) }

// contains says whether list names value; an empty list means empty.
func contains(list []string, value string, empty bool) bool {
	for _, v := range list {
		if v == value {
			return true
		}
	}
	return len(list) == 0 && empty
}

// In is the amount of a currency in a list with one amount per currency.
func In(currency string, amounts []money.Amount) (int64, bool) {
	for _, a := range amounts {
		if a.Currency == currency {
			return a.Minor, true
		}
	}
	return 0, false
}
