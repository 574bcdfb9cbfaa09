package customer_test

import (
	"errors"
	"strings"
	"testing"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/money"
)

func full() customer.Settings {
	s := customer.DefaultSettings("Ani's Tea", "AMD")
	s.Countries = []string{"AM", "GE", "KH", "XK"}
	s.Currencies = []string{"AMD", "EUR", "KWD"}
	s.Languages = []string{"hy", "en", "km"}
	s.Timezone = "Asia/Yerevan"
	s.BankTransfer = customer.BankTransfer{Enabled: true, Countries: []string{"AM"}, AccountLines: []string{"Ani LLC", "AM00 0000"}, DueDays: 60}
	s.CashOnDelivery = customer.CashOnDelivery{
		Enabled: true, Countries: []string{"AM"},
		MaxTotals: []money.Amount{money.Of(0, "AMD"), money.Of(5000, "EUR")}, Fees: []money.Amount{money.Of(50000, "AMD")},
	}
	s.Sender = customer.Sender{Name: "Ani", Email: "shop@ani.example", ReplyTo: "help@ani.example"}
	s.Trust = customer.Trust{Policies: []customer.PolicyLink{{Kind: "returns", URL: "https://ani.example/returns"}}, CheckedOn: "2026-11-02"}
	s.Seller = customer.Seller{Name: "Ani LLC", Address: []string{"Abovyan 12", "0001 Yerevan"}, TaxID: "01234567"}
	return s
}

func TestSettingsThatKeepTheRulesAreTaken(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]customer.Settings{
		"full":    full(),
		"default": customer.DefaultSettings("Shop", "EUR"),
	} {
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, days := range []int64{0, 365} {
		s := full()
		s.ReturnWindowDays = days
		if err := s.Validate(); err != nil {
			t.Errorf("%d days: %v", days, err)
		}
	}
}

func TestSettingsThatBreakARuleAreRefusedAtTheirPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*customer.Settings)
		at     string
	}{
		"no name":             {func(s *customer.Settings) { s.Name = "" }, "body.name"},
		"long name":           {func(s *customer.Settings) { s.Name = strings.Repeat("ա", 201) }, "body.name"},
		"name of two lines":   {func(s *customer.Settings) { s.Name = "a\r\nBcc: x" }, "body.name"},
		"broken text":         {func(s *customer.Settings) { s.Name = "a\xff" }, "body.name"},
		"NUL":                 {func(s *customer.Settings) { s.Name = "a\x00" }, "body.name"},
		"no country":          {func(s *customer.Settings) { s.Countries = []string{"AM", "ZZ"} }, "body.countries[1]"},
		"small country":       {func(s *customer.Settings) { s.Countries = []string{"am"} }, "body.countries[0]"},
		"country twice":       {func(s *customer.Settings) { s.Countries = []string{"AM", "AM"} }, "body.countries[1]"},
		"no currencies":       {func(s *customer.Settings) { s.Currencies = nil }, "body.currencies"},
		"unknown currency":    {func(s *customer.Settings) { s.Currencies = []string{"EUR", "XXX"} }, "body.currencies[1]"},
		"small currency":      {func(s *customer.Settings) { s.Currencies = []string{"eur"} }, "body.currencies[0]"},
		"no languages":        {func(s *customer.Settings) { s.Languages = nil }, "body.languages"},
		"unspoken language":   {func(s *customer.Settings) { s.Languages = []string{"en", "de"} }, "body.languages[1]"},
		"no zone":             {func(s *customer.Settings) { s.Timezone = "" }, "body.timezone"},
		"the machine's zone":  {func(s *customer.Settings) { s.Timezone = "Local" }, "body.timezone"},
		"invented zone":       {func(s *customer.Settings) { s.Timezone = "Asia/Ararat" }, "body.timezone"},
		"zone as a path":      {func(s *customer.Settings) { s.Timezone = "../etc/passwd" }, "body.timezone"},
		"return window below": {func(s *customer.Settings) { s.ReturnWindowDays = -1 }, "body.return_window_days"},
		"return window above": {func(s *customer.Settings) { s.ReturnWindowDays = 366 }, "body.return_window_days"},
		"due at once":         {func(s *customer.Settings) { s.BankTransfer.DueDays = 0 }, "body.bank_transfer.due_days"},
		"due too late":        {func(s *customer.Settings) { s.BankTransfer.DueDays = 61 }, "body.bank_transfer.due_days"},
		"transfer to nowhere": {func(s *customer.Settings) { s.BankTransfer.AccountLines = nil }, "body.bank_transfer.account_lines"},
		"too many lines": {func(s *customer.Settings) {
			s.BankTransfer.AccountLines = strings.Split(strings.Repeat("x,", 10)+"x", ",")
		}, "body.bank_transfer.account_lines"},
		"long line":             {func(s *customer.Settings) { s.BankTransfer.AccountLines[1] = strings.Repeat("x", 201) }, "body.bank_transfer.account_lines[1]"},
		"transfer country":      {func(s *customer.Settings) { s.BankTransfer.Countries = []string{"EU"} }, "body.bank_transfer.countries[0]"},
		"courier country":       {func(s *customer.Settings) { s.CashOnDelivery.Countries = []string{"UK"} }, "body.cash_on_delivery.countries[0]"},
		"negative limit":        {func(s *customer.Settings) { s.CashOnDelivery.MaxTotals[1].Minor = -1 }, "body.cash_on_delivery.max_totals[1]"},
		"limit twice":           {func(s *customer.Settings) { s.CashOnDelivery.MaxTotals[1].Currency = "AMD" }, "body.cash_on_delivery.max_totals[1].currency"},
		"negative fee":          {func(s *customer.Settings) { s.CashOnDelivery.Fees[0].Minor = -1 }, "body.cash_on_delivery.fees[0]"},
		"fee in no currency":    {func(s *customer.Settings) { s.CashOnDelivery.Fees[0].Currency = "" }, "body.cash_on_delivery.fees[0].currency"},
		"sender of two lines":   {func(s *customer.Settings) { s.Sender.Name = "Ani\nBcc: eve@example.com" }, "body.sender.name"},
		"sender without an at":  {func(s *customer.Settings) { s.Sender.Email = "ani" }, "body.sender.email"},
		"sender with a header":  {func(s *customer.Settings) { s.Sender.Email = "a@b.example\r\nBcc: c@d.example" }, "body.sender.email"},
		"sender with a name":    {func(s *customer.Settings) { s.Sender.ReplyTo = "Ani <a@b.example>" }, "body.sender.reply_to"},
		"policy of no kind":     {func(s *customer.Settings) { s.Trust.Policies[0].Kind = "fun" }, "body.trust.policies[0].kind"},
		"policy that is script": {func(s *customer.Settings) { s.Trust.Policies[0].URL = "javascript:alert(1)" }, "body.trust.policies[0].url"},
		"policy half-way":       {func(s *customer.Settings) { s.Trust.Policies[0].URL = "/returns" }, "body.trust.policies[0].url"},
		"policy without a host": {func(s *customer.Settings) { s.Trust.Policies[0].URL = "https:///x" }, "body.trust.policies[0].url"},
		"policy with a user":    {func(s *customer.Settings) { s.Trust.Policies[0].URL = "https://a:b@c.example" }, "body.trust.policies[0].url"},
		"policy twice":          {func(s *customer.Settings) { s.Trust.Policies = append(s.Trust.Policies, s.Trust.Policies[0]) }, "body.trust.policies[1].kind"},
		"seller of two lines":   {func(s *customer.Settings) { s.Seller.Name = "a\nb" }, "body.seller.name"},
		"empty address line":    {func(s *customer.Settings) { s.Seller.Address[1] = "" }, "body.seller.address[1]"},
		"long address":          {func(s *customer.Settings) { s.Seller.Address = strings.Split("a b c d e f g h i", " ") }, "body.seller.address"},
		"long tax id":           {func(s *customer.Settings) { s.Seller.TaxID = strings.Repeat("1", 61) }, "body.seller.tax_id"},
		"no such day":           {func(s *customer.Settings) { s.Trust.CheckedOn = "2026-02-30" }, "body.trust.checked_on"},
	} {
		s := full()
		c.change(&s)
		err := s.Validate()
		e, _ := fault.As(err)
		if !errors.Is(err, customer.ErrSettings) || len(e.Fields) != 1 || e.Fields[0].Location != c.at {
			t.Errorf("%s: %v %+v, want one fault at %s", name, err, e, c.at)
		}
	}
	s := full()
	s.Name, s.Timezone, s.Countries = "", "", []string{"QQ"}
	if e, _ := fault.As(s.Validate()); e == nil || len(e.Fields) != 3 {
		t.Errorf("one answer must name everything that is wrong: %+v", e)
	}
}

func TestCountriesAreThoseOfToday(t *testing.T) {
	t.Parallel()
	n := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if customer.IsCountry(string(a) + string(b)) {
				n++
			}
		}
	}
	if n != 250 { // the 249 of ISO 3166-1, and Kosovo
		t.Errorf("%d countries", n)
	}
	for _, c := range []string{"", "A", "ARM", "am", "051", "EU", "UN", "UK", "SU", "YU", "AN", "CS", "DD", "ZZ", "AA", "QO", "EZ", "XA"} {
		if customer.IsCountry(c) {
			t.Errorf("%q passes for a country", c)
		}
	}
}
