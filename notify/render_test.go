package notify

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
)

// full is a mail's data with every part filled.
func full() Data {
	day := time.Date(2026, 3, 5, 22, 30, 0, 0, time.UTC)
	return Data{
		Shop: Shop{Name: "Ararat Ceramics", Email: "help@ararat.example", Zone: time.FixedZone("Asia/Yerevan", 4*3600)},
		Order: Order{Number: "DS-7K3M-Q2XT-H", URL: "https://shop.example/track/tok?a=1&b=2",
			Currency: "EUR", PlacedAt: day},
		Recipient: "Anahit Sargsyan",
		Lines: []Line{
			{Name: "Mug", Options: "Blue, L", Quantity: 2, Total: 3998},
			{Name: "Bowl & plate", Quantity: 1, Total: 123450},
		},
		Totals:        &Totals{Subtotal: 127448, Discount: -1000, Shipping: 500, Tax: 200, Total: 127148},
		ShipTo:        []string{"Anahit Sargsyan", "Abovyan 1", "0001 Yerevan", "Armenia"},
		PaymentMethod: "bank_transfer",
		Transfer: &Transfer{Amount: 127148, Reference: "DS7K3MQ2XTH", Due: day,
			Account: []AccountLine{{"IBAN", "AM00 0000 0000 0000"}, {"Bank", "Example Bank"}}},
		Supply: &Supply{Number: "PO-3F8W-1K2M-7", Order: "DS-7K3M-Q2XT-H", Supplier: "Siem Reap Pottery", Currency: "EUR", URL: "https://shop.example/v1/supply/tok", Due: day, Cost: new(int64(90000))},
		Parcel: &Parcel{Carrier: "HayPost", Number: "RR123456789AM", URL: "https://carrier.example/t/RR123456789AM",
			Partial: true, ExpectedFrom: day.AddDate(0, 0, 3), ExpectedTo: day.AddDate(0, 0, 5)},
		Refund: &Refund{Amount: 127148, Method: "card"},
		Reason: "Out of stock",
		SignIn: &SignIn{Code: "493027", Minutes: 10},
		Return: &Return{Number: "RMA-7K3M", Address: []string{"Ararat Ceramics", "Komitas 5", "0010 Yerevan"}}, Invitation: &Invitation{Code: "493027-abc", Days: 7},
		Hook: &Hook{URL: "https://hooks.shop.example/in", Reason: "Nothing had arrived"}, Attack: &Attack{Declines: 20, Attempts: 24, Minutes: 10},
		Reminder: &Reminder{URL: "https://shop.example/recover/tok?a=1&b=2", Leave: "https://shop.example/unsubscribe/tok", Step: 1, Together: 127448, Unshown: 3,
			Extras: []Extra{{"Spoon", "Silver", 700}}, Postal: []string{"Ararat LLC", "Komitas 5"}},
		News: &News{Topic: "refund_overdue"}, Answer: &Reply{Text: "It is here.\nIt comes tomorrow."},
	}
}

func each(t *testing.T, f func(t *testing.T, kind Kind, lang locale.Lang)) {
	t.Helper()
	for _, kind := range Kinds() {
		for _, lang := range locale.Languages() {
			t.Run(string(kind)+"/"+string(lang), func(t *testing.T) {
				t.Parallel()
				f(t, kind, lang)
			})
		}
	}
}

var (
	tags    = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)
	aKey    = regexp.MustCompile(`\b(mail|payment_method)\.[a-z_]+`)
	aMark   = regexp.MustCompile(`[{}]|%!|<no value>|ZgotmplZ|<nil>`)
	anImage = regexp.MustCompile(`(?i)<img|url\(|<link|@import|<script|background="`)
)

func render(t *testing.T, kind Kind, lang locale.Lang, d Data) Message {
	t.Helper()
	m, err := Render(kind, lang, d)
	if err != nil {
		f, _ := fault.As(err)
		t.Fatalf("%s %s: %v %+v", kind, lang, err, f)
	}
	return m
}

func TestEveryKindIsWrittenInEveryLanguage(t *testing.T) {
	t.Parallel()
	scripts := map[locale.Lang]*unicode.RangeTable{locale.Hy: unicode.Armenian, locale.Km: unicode.Khmer, locale.En: unicode.Latin}
	each(t, func(t *testing.T, kind Kind, lang locale.Lang) {
		m := render(t, kind, lang, full())
		shown := tags.ReplaceAllString(m.HTML, " ")
		for part, s := range map[string]string{"subject": m.Subject, "html": shown, "text": m.Text} {
			subject := "DS-7K3M-Q2XT-H"
			switch {
			case kind == SignInCode || kind == StaffCode:
				subject = "493027"
			case kind.orderless():
				subject = "Ararat Ceramics"
			}
			if !strings.Contains(s, subject) {
				t.Errorf("the %s does not name %s:\n%s", part, subject, s)
			}
			if bad := aKey.FindString(s) + aMark.FindString(s); bad != "" {
				t.Errorf("the %s holds %q:\n%s", part, bad, s)
			}
			if !strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(scripts[lang], r) }) {
				t.Errorf("the %s is not in %s:\n%s", part, lang, s)
			}
			for other, script := range scripts {
				if other != lang && other != locale.En && strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(script, r) }) {
					t.Errorf("the %s holds letters of %s", part, other)
				}
			}
		}
		if strings.ContainsAny(m.Subject, "\r\n") || len([]rune(m.Subject)) > 90 {
			t.Errorf("subject %q", m.Subject)
		}
		if !strings.HasPrefix(m.HTML, "<!DOCTYPE html>\n<html lang=\""+string(lang)+`">`) {
			t.Errorf("html begins %.60q", m.HTML)
		}
		if found := anImage.FindString(m.HTML); found != "" {
			t.Errorf("the html loads or runs something: %s", found)
		}
		if strings.Contains(m.Text, "\n\n\n") || strings.Contains(m.Text, "&amp;") {
			t.Errorf("the text is not tidy:\n%s", m.Text)
		}
		if len(m.HTML) > 90_000 {
			t.Errorf("html of %d bytes is cut off by mail programs", len(m.HTML))
		}
	})
}

func TestBothPartsTellTheSameFacts(t *testing.T) {
	t.Parallel()
	want := map[Kind][]string{
		OrderConfirmation:   {"Anahit Sargsyan", "Mug", "Blue, L", "Bowl & plate", "€1,274.48", "-€10.00", "€1,271.48", "€2.00", "Abovyan 1", "Bank transfer", "6 March 2026", "https://shop.example/track/tok?a=1&b=2", "help@ararat.example", "Ararat Ceramics"},
		PaymentInstructions: {"€1,271.48", "DS7K3MQ2XTH", "IBAN", "AM00 0000 0000 0000", "Example Bank", "6 March 2026"},
		Shipped:             {"HayPost", "RR123456789AM", "9–11 March 2026", "https://carrier.example/t/RR123456789AM", "Mug", "part of your order", "Abovyan 1"},
		OutForDelivery:      {"HayPost", "RR123456789AM", "https://carrier.example/t/RR123456789AM"},
		Delivered:           {"HayPost", "RR123456789AM", "https://shop.example/track/tok?a=1&b=2"},
		Delayed:             {"HayPost", "RR123456789AM", "later than planned", "https://carrier.example/t/RR123456789AM"},
		DeliveryFailed:      {"HayPost", "RR123456789AM", "could not hand over", "https://carrier.example/t/RR123456789AM"},
		Lost:                {"HayPost", "RR123456789AM", "looking for it", "help@ararat.example"},
		Cancelled:           {"Out of stock", "€1,271.48", "Card"},
		Refunded:            {"€1,271.48", "Card"},
		ReturnApproved:      {"RMA-7K3M", "DS-7K3M-Q2XT-H", "Mug", "Komitas 5", "write RMA-7K3M on a note", "https://shop.example/track/tok?a=1&b=2"},
		StaffCode:           {"493027", "10 minutes", "Ararat Ceramics"},
		SupplierOrder:       {"PO-3F8W-1K2M-7", "6 March 2026", "Mug", "Blue, L", "€39.98", "€900.00", "Abovyan 1", "https://shop.example/v1/supply/tok", "no invoice"},
		SupplierReduced:     {"PO-3F8W-1K2M-7", "Mug", "Everything else stays", "https://shop.example/v1/supply/tok"},
		SupplierCanceled:    {"PO-3F8W-1K2M-7", "Mug", "is cancelled", "https://shop.example/v1/supply/tok"},
		SupplierRejected:    {"Siem Reap Pottery", "PO-3F8W-1K2M-7", "DS-7K3M-Q2XT-H", "Out of stock", "Mug", "The buyer has not been told"},
		SupplierLate:        {"Siem Reap Pottery", "DS-7K3M-Q2XT-H", "Mug", "by now"},
		SupplierUnreached:   {"Siem Reap Pottery", "DS-7K3M-Q2XT-H", "was refused"},
		StaffInvitation:     {"493027-abc", "7 days", "Ararat Ceramics"},
		WebhookDisabled:     {"https://hooks.shop.example/in", "three days"},
		CardAttack:          {"20 of the 24 card payments of the last 10 minutes"},
		CartReminder: {"Mug", "Blue, L", "€39.98", "€1,274.48", "Further items", "https://shop.example/recover/tok?a=1&b=2", "Spoon", "€7.00", "No more reminders",
			"https://shop.example/unsubscribe/tok", "Komitas 5", "Ararat Ceramics"},
		SignInCode: {"Anahit Sargsyan", "493027", "10 minutes", "Ararat Ceramics", "help@ararat.example"},
	}
	for kind, facts := range want {
		m := render(t, kind, locale.En, full())
		for _, f := range facts {
			if !strings.Contains(m.Text, f) {
				t.Errorf("%s: the text lacks %q:\n%s", kind, f, m.Text)
			}
			if !strings.Contains(m.HTML, strings.ReplaceAll(f, "&", "&amp;")) {
				t.Errorf("%s: the html lacks %q", kind, f)
			}
		}
	}
}

func TestWhatPeopleTypeIsNeverMarkup(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert("x")</script>`
	raw, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"Anahit Sargsyan", "Mug", "Blue, L", "Abovyan 1", "HayPost", "Out of stock", "Example Bank",
		"DS7K3MQ2XTH", "Ararat Ceramics", "RR123456789AM"} {
		quoted, _ := json.Marshal(evil)
		var d Data
		if err := json.Unmarshal([]byte(strings.ReplaceAll(string(raw), `"`+field+`"`, string(quoted))), &d); err != nil {
			t.Fatal(err)
		}
		for _, kind := range Kinds() {
			if m := render(t, kind, locale.En, d); strings.Contains(strings.ToLower(m.HTML), "<script") {
				t.Errorf("%s: %s reaches the html unescaped", kind, field)
			}
		}
	}
	d := full()
	d.Lines[0].Name, d.Order.Number = evil, "<b>"
	m := render(t, OrderConfirmation, locale.En, d)
	if !strings.Contains(m.HTML, "&lt;script&gt;") {
		t.Error("the escaped name is not shown")
	}
}

func TestALineBreakInAnyTextStaysOneLine(t *testing.T) {
	t.Parallel()
	d := full()
	d.Recipient = "Eve\r\nBcc: victim@example.com"
	d.Order.Number = "DS-1\r\nBcc: victim"
	d.Shop.Name = "Shop\nX-Evil: 1"
	d.Lines[0].Name = "Mug\u2028\u202eTotal:\x00 0"
	m := render(t, OrderConfirmation, locale.En, d)
	if strings.ContainsAny(m.Subject, "\r\n\x00") {
		t.Errorf("subject %q", m.Subject)
	}
	for _, s := range []string{"\nBcc:", "\nX-Evil", "\u2028", "\u202e", "\x00"} {
		if strings.Contains(m.Text, s) {
			t.Errorf("the text holds %q", s)
		}
	}
}

func TestANameThatIsALinkIsNotGreeted(t *testing.T) {
	t.Parallel()
	for name, greeted := range map[string]bool{
		"Anahit": true, "J. R. Tolkien": true, "Anne-Marie O'Neil": true, "ចាន់ សុខា": true, "Անահիտ": true,
		"Win at evil.com": false, "http://a.b": false, "WWW.EVIL": false, "a@b.example": false, "": false, "x/y": false,
	} {
		d := full()
		d.Recipient = name
		m := render(t, Cancelled, locale.En, d)
		if got := strings.Contains(m.Text, "Hello "+name+","); got != greeted && name != "" {
			t.Errorf("%q greeted: %v", name, got)
		}
		if !greeted && !strings.Contains(m.Text, "Hello,\n") {
			t.Errorf("%q: no plain greeting", name)
		}
	}
}

func TestAMailThatLacksSomethingIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind  Kind
		spoil func(d *Data)
	}{
		"unknown kind":     {"newsletter", func(*Data) {}},
		"no shop":          {Delivered, func(d *Data) { d.Shop.Name = " \n" }},
		"bad help address": {Delivered, func(d *Data) { d.Shop.Email = "a b" }},
		"no number":        {Cancelled, func(d *Data) { d.Order.Number = "" }},
		"no page":          {Cancelled, func(d *Data) { d.Order.URL = "" }},
		"script as page":   {Cancelled, func(d *Data) { d.Order.URL = "javascript:alert(1)" }},
		"relative page":    {Cancelled, func(d *Data) { d.Order.URL = "/track" }},
		"unknown currency": {Cancelled, func(d *Data) { d.Order.Currency = "XXQ" }},
		"no lines":         {OrderConfirmation, func(d *Data) { d.Lines = nil }},
		"nameless line":    {OrderConfirmation, func(d *Data) { d.Lines[0].Name = "" }},
		"line of none":     {OrderConfirmation, func(d *Data) { d.Lines[0].Quantity = 0 }},
		"no totals":        {OrderConfirmation, func(d *Data) { d.Totals = nil }},
		"discount added":   {OrderConfirmation, func(d *Data) { d.Totals.Discount = 1 }},
		"strange method":   {OrderConfirmation, func(d *Data) { d.PaymentMethod = "barter" }},
		"no transfer":      {PaymentInstructions, func(d *Data) { d.Transfer = nil }},
		"no reference":     {PaymentInstructions, func(d *Data) { d.Transfer.Reference = "" }},
		"no account":       {PaymentInstructions, func(d *Data) { d.Transfer.Account = nil }},
		"half an account":  {PaymentInstructions, func(d *Data) { d.Transfer.Account[0].Value = "" }},
		"no due day":       {PaymentInstructions, func(d *Data) { d.Transfer.Due = time.Time{} }},
		"nothing to pay":   {PaymentInstructions, func(d *Data) { d.Transfer.Amount = 0 }},
		"no parcel":        {Shipped, func(d *Data) { d.Parcel = nil }},
		"no carrier":       {OutForDelivery, func(d *Data) { d.Parcel.Carrier = "" }},
		"no parcel number": {Delivered, func(d *Data) { d.Parcel.Number = "" }},
		"bad parcel page":  {Shipped, func(d *Data) { d.Parcel.URL = "ftp://x" }},
		"days turned":      {Shipped, func(d *Data) { d.Parcel.ExpectedTo = d.Parcel.ExpectedFrom.AddDate(0, 0, -1) }},
		"no refund":        {Refunded, func(d *Data) { d.Refund = nil }},
		"no reminder":      {CartReminder, func(d *Data) { d.Reminder = nil }},
		"no way back":      {CartReminder, func(d *Data) { d.Reminder.URL = "/recover/x" }},
		"no way out":       {CartReminder, func(d *Data) { d.Reminder.Leave = "" }},
		"nothing left":     {CartReminder, func(d *Data) { d.Lines = nil }},
		"refund of none":   {Refunded, func(d *Data) { d.Refund.Amount = 0 }},
	} {
		d := full()
		c.spoil(&d)
		if m, err := Render(c.kind, locale.En, d); !errors.Is(err, ErrIncomplete) || m != (Message{}) {
			t.Errorf("%s: err %v, subject %q", name, err, m.Subject)
		}
	}
}

func TestWhatIsOptionalMayBeLeftOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind Kind, lang locale.Lang) {
		d := full()
		d.Recipient, d.Shop.Email, d.Shop.Zone, d.Reason, d.ShipTo, d.PaymentMethod, d.Order.PlacedAt = "", "", nil, "", nil, "", time.Time{}
		d.Parcel = &Parcel{Carrier: "Moto", Untracked: true}
		d.Refund.Method = ""
		d.Totals = &Totals{Subtotal: 100, Tax: 20, Total: 100, TaxIncluded: true}
		switch kind {
		case Cancelled:
			d.Refund = nil
		case Shipped, PaymentInstructions:
			d.Lines, d.Totals = nil, nil
		}
		m := render(t, kind, lang, d)
		if strings.Contains(m.Text, "\n\n\n") || aMark.MatchString(tags.ReplaceAllString(m.HTML, "")) {
			t.Errorf("not tidy:\n%s", m.Text)
		}
	})
}

func TestRenderDoesNotChangeItsData(t *testing.T) {
	t.Parallel()
	d := full()
	d.Lines[0].Name, d.Transfer.Reference = "a\nb", "c\nd"
	before, _ := json.Marshal(d)
	render(t, PaymentInstructions, locale.Hy, d)
	if after, _ := json.Marshal(d); string(after) != string(before) {
		t.Error("the data was changed")
	}
}

func FuzzCleanGivesOneHarmlessLine(f *testing.F) {
	for _, s := range []string{"a\r\nb", "\u202ex", "ខ្មែរ\u200bខ្មែរ", "\xff\xfe", strings.Repeat("x", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s, longText)
		if strings.ContainsFunc(got, unicode.IsControl) || len([]rune(got)) > longText || got != strings.TrimSpace(got) {
			t.Errorf("clean(%q) = %q", s, got)
		}
		if again := clean(got, longText); again != got {
			t.Errorf("clean is not stable: %q, %q", got, again)
		}
	})
}

func TestAnAnswerKeepsTheSubjectOfItsThreadAndItsParagraphs(t *testing.T) {
	t.Parallel()
	d := full()
	d.Answer = &Reply{Subject: "Where is\r\nBcc: it?", Text: "One <b>line</b>.\n\n\nAnother.", Automatic: true}
	m := render(t, SupportReply, locale.En, d)
	if m.Subject != "Re: Where is Bcc: it?" {
		t.Errorf("the subject is %q", m.Subject)
	}
	if !strings.Contains(m.Text, "\n\nOne <b>line</b>.\n\nAnother.\n") || !strings.Contains(m.HTML, "One &lt;b&gt;line&lt;/b&gt;.") || !strings.Contains(m.Text, "written automatically") {
		t.Error(m.Text)
	}
	d.Answer = &Reply{Subject: "RE: Where is it?", Text: " \n\u200e\n"}
	if _, err := Render(SupportReply, locale.En, d); err == nil {
		t.Error("an answer that says nothing is sent")
	}
	h := threadHeaders([]string{"a@x", "bad\r\nid@x", "<b@x>", "c@x"})
	if h["In-Reply-To"] != "<c@x>" || h["References"] != "<a@x> <c@x>" || len(h) != 2 {
		t.Errorf("headers %v", h)
	}
	for _, topic := range SupportTopics {
		for _, lang := range locale.Languages() {
			d := full()
			d.News = &News{Topic: topic}
			if m := render(t, SupportNews, lang, d); !strings.Contains(m.Subject, d.Order.Number) || aKey.MatchString(m.Text) {
				t.Errorf("%s in %s: %s", topic, lang, m.Text)
			}
		}
	}
}
