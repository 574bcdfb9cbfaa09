package customer

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"time"
	_ "time/tzdata" // zones are checked the same on every machine

	"doorstep/internal/locale"
	"doorstep/internal/money"
)

// Limits of settings.
const (
	maxName         = 200
	maxReturnDays   = 365
	maxDueDays      = 60
	maxAccountLines = 10
	maxAccountLine  = 200
	maxSellerLines  = 8
	maxTaxID        = 60
	maxURL          = 2000
	// maxEmail is the longest address that SMTP can carry (RFC 5321, 4.5.3.1.3).
	maxEmail = 254
)

// DefaultSettings is how a new shop starts: it sells in one currency to every
// country, speaks English and takes cards.
func DefaultSettings(name, currency string) Settings {
	return Settings{
		Name: name, Currencies: []string{currency}, Languages: []string{string(locale.En)}, Timezone: "UTC",
		PricesIncludeTax: true, ReturnWindowDays: 30,
		Card: CardSettings{Enabled: true}, BankTransfer: BankTransfer{DueDays: 7}, Sender: Sender{Name: name},
	}
}

// Validate is ErrSettings with a field for each value that breaks a rule, or nil.
func (s *Settings) Validate() error {
	var w wrong
	if s.Name == "" || !plain(s.Name, maxName) {
		w.at("body.name", "must have 1 to 200 characters on one line")
	}
	w.countries("body.countries", s.Countries)
	if len(s.Currencies) == 0 {
		w.at("body.currencies", "must name at least one currency")
	}
	w.each("body.currencies", s.Currencies, money.Known, "is not a currency code such as EUR")
	if len(s.Languages) == 0 {
		w.at("body.languages", "must name at least one language")
	}
	w.each("body.languages", s.Languages, func(l string) bool { return locale.Lang(l).Known() }, "must be en, hy or km")
	if !knownZone(s.Timezone) {
		w.at("body.timezone", "is not a time zone such as Asia/Yerevan")
	}
	if s.ReturnWindowDays < 0 || s.ReturnWindowDays > maxReturnDays {
		w.at("body.return_window_days", "must be 0 to 365")
	}
	w.payment(s)
	if !plain(s.Sender.Name, maxName) {
		w.at("body.sender.name", "must have at most 200 characters on one line")
	}
	if s.Sender.Email != "" && !isEmail(s.Sender.Email) {
		w.at("body.sender.email", "is not an e-mail address")
	}
	if s.Sender.ReplyTo != "" && !isEmail(s.Sender.ReplyTo) {
		w.at("body.sender.reply_to", "is not an e-mail address")
	}
	w.trust(&s.Trust)
	w.seller(&s.Seller)
	return w.as(ErrSettings)
}

func (w *wrong) seller(s *Seller) {
	if !plain(s.Name, maxName) {
		w.at("body.seller.name", "must have at most 200 characters on one line")
	}
	if !plain(s.TaxID, maxTaxID) {
		w.at("body.seller.tax_id", "must have at most 60 characters on one line")
	}
	if len(s.Address) > maxSellerLines {
		w.at("body.seller.address", "must have at most 8 lines")
	}
	for i, line := range s.Address {
		if line == "" || !plain(line, maxName) {
			w.at(fmt.Sprintf("body.seller.address[%d]", i), "must have 1 to 200 characters")
		}
	}
}

func (w *wrong) payment(s *Settings) {
	b := &s.BankTransfer
	w.countries("body.bank_transfer.countries", b.Countries)
	if b.DueDays < 1 || b.DueDays > maxDueDays {
		w.at("body.bank_transfer.due_days", "must be 1 to 60")
	}
	if len(b.AccountLines) > maxAccountLines || b.Enabled && len(b.AccountLines) == 0 {
		w.at("body.bank_transfer.account_lines", "must be 1 to 10 lines, for the buyer pays by what they say")
	}
	for i, line := range b.AccountLines {
		if line == "" || !plain(line, maxAccountLine) {
			w.at(fmt.Sprintf("body.bank_transfer.account_lines[%d]", i), "must have 1 to 200 characters")
		}
	}
	c := &s.CashOnDelivery
	w.countries("body.cash_on_delivery.countries", c.Countries)
	w.amounts("body.cash_on_delivery.max_totals", c.MaxTotals)
	w.amounts("body.cash_on_delivery.fees", c.Fees)
}

func (w *wrong) trust(t *Trust) {
	kinds := []string{"returns", "privacy", "terms", "shipping", "imprint"}
	seen := map[string]bool{}
	for i, p := range t.Policies {
		at := fmt.Sprintf("body.trust.policies[%d]", i)
		if !slices.Contains(kinds, p.Kind) {
			w.at(at+".kind", "must be returns, privacy, terms, shipping or imprint")
		} else if seen[p.Kind] {
			w.at(at+".kind", "is there twice")
		}
		seen[p.Kind] = true
		if !isWebAddress(p.URL) {
			w.at(at+".url", "must be a whole http or https address")
		}
	}
	if _, err := time.Parse(time.DateOnly, t.CheckedOn); t.CheckedOn != "" && err != nil {
		w.at("body.trust.checked_on", "must be a day such as 2026-11-02")
	}
}

// each checks the entries of a list that names nothing twice.
func (w *wrong) each(at string, list []string, ok func(string) bool, message string) {
	seen := map[string]bool{}
	for i, v := range list {
		if !ok(v) {
			w.at(fmt.Sprintf("%s[%d]", at, i), message)
		} else if seen[v] {
			w.at(fmt.Sprintf("%s[%d]", at, i), "is there twice")
		}
		seen[v] = true
	}
}

func (w *wrong) countries(at string, list []string) {
	w.each(at, list, locale.IsCountry, "is not a country code such as AM")
}

func (w *wrong) amounts(at string, list []money.Amount) {
	seen := map[string]bool{}
	for i, a := range list {
		place := fmt.Sprintf("%s[%d]", at, i)
		if !money.Known(a.Currency) {
			w.at(place+".currency", "is not a currency code such as EUR")
		} else if seen[a.Currency] {
			w.at(place+".currency", "is there twice")
		}
		seen[a.Currency] = true
		if a.Minor < 0 {
			w.at(place, "must not be negative")
		}
	}
}

// knownZone says whether name is an IANA time zone. Local is none: it would be
// another one on each machine.
func knownZone(name string) bool {
	if name == "" || name == "Local" {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

// IsEmail says whether s is one bare e-mail address.
func IsEmail(s string) bool { return isEmail(s) }

// isEmail says whether s is a bare e-mail address and nothing else, so that it
// cannot smuggle a second header line or recipient into a mail.
func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= maxEmail && plain(s, maxEmail)
}

func isWebAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxURL && plain(s, maxURL) && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}
