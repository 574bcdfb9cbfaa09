package order

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/locale"
	"doorstep/internal/money"
	"doorstep/payment"
)

var issued = time.Date(2026, 3, 5, 22, 30, 0, 0, time.UTC) // the 6th in Yerevan

// titles of goods in each language, short and long.
var titles = map[locale.Lang][]string{
	locale.En: {"Blue mug", "Hand-thrown stoneware mug with pomegranate glaze, dishwasher-safe, large, from the winter collection of the Gyumri workshop"},
	locale.Hy: {"Կապույտ բաժակ", "Ձեռագործ կավե բաժակ նռան նախշով, մեծ, Գյումրիի արհեստանոցի ձմեռային հավաքածուից, լվացվում է սպասք լվացող մեքենայում"},
	locale.Km: {"ពែងពណ៌ខៀវ", "ពែងស្មូនធ្វើដោយដៃលាបពណ៌ទទឹមទំហំធំពីការប្រមូលផ្ដុំរដូវរងារនៃសិប្បកម្មស្រីស្ម័គ្រចិត្តខេត្តកំពង់ឆ្នាំងអាចលាងក្នុងម៉ាស៊ីនលាងចានបាន"},
}

// aSale is an order of n lines with two tax rates and a discount, and the shop
// that sold it.
func aSale(lang locale.Lang, n int, inside bool) (*Order, *office) {
	currency := map[locale.Lang]string{locale.En: "EUR", locale.Hy: "AMD", locale.Km: "KHR"}[lang]
	o := &Order{
		MerchantID: uuid.UUID{1}, ID: uuid.UUID{2}, Number: "DS-7K3M-Q2XT-H", Source: "checkout", PaymentMethod: "card", Currency: currency,
		Locale: string(lang), PricesIncludeTax: inside, Shipping: 150_000, PlacedAt: issued.Add(-time.Hour),
	}
	for i := range n {
		l := Line{
			ID: uuid.UUID{3, byte(i)}, SKU: fmt.Sprintf("MUG-%03d", i+1), Title: titles[lang][i%2], OptionValues: json.RawMessage(`[{"name":"Colour","value":"Red"}]`),
			Quantity: int64(i%4 + 1), Unit: int64(129_000 + 10_100*i), TaxRateBps: 2000,
		}
		if i%5 == 4 {
			l.TaxRateBps = 500
		}
		l.Subtotal = l.Quantity * l.Unit
		if i%3 == 0 {
			l.Discount = -l.Subtotal / 10
		}
		l.Total = l.Subtotal + l.Discount
		if inside {
			l.Tax, _ = money.IncludedTax(l.Total, l.TaxRateBps)
		} else {
			l.Tax, _ = money.MulBps(l.Total, l.TaxRateBps)
			l.Total += l.Tax
		}
		o.Lines = append(o.Lines, l)
		o.Subtotal += l.Subtotal
		o.Discount += l.Discount
		o.Tax += l.Tax
	}
	if inside {
		o.Tax += 25_000
	} else {
		o.Tax += 30_000
	}
	o.Total = o.Subtotal + o.Discount + o.Shipping
	if !inside {
		o.Total += o.Tax
	}
	shop := &office{lang: lang, zone: time.FixedZone("", 4*3600)}
	shop.settings = customer.DefaultSettings("Ani's Mugs", currency)
	shop.settings.Seller = customer.Seller{Name: "Ani and Daughters Ceramics LLC", Address: []string{"Abovyan 12", "0001 Yerevan", "Հայաստան"}, TaxID: "01234567"}
	shop.settings.Sender.ReplyTo = "help@ani.example"
	where := &customer.Address{Name: "Սոֆյա Պետրոսյան", Line1: "Մաշտոցի պողոտա 5, բն. 12", City: "Երևան", Postcode: "0002", Country: "AM"}
	if lang == locale.Km {
		where = &customer.Address{Name: "ស្រីស្ម័គ្រ ចាន់ត្រា", Line1: "ផ្លូវព្រះមុនីវង្ស ១២៣", City: "ភ្នំពេញ", Country: "KH"}
	}
	shop.buyer = &customer.Contact{Name: where.Name, Email: "sofya@example.com", Shipping: where, Company: "Best Cafés & Sons", VATID: "AM7654321"}
	return o, shop
}

// drawSale draws the invoice of a sale, or the credit note of a refund of it.
func drawSale(t testing.TB, o *Order, shop *office, r *payment.Refund) ([]byte, *paper) {
	t.Helper()
	p, err := invoicePaper(o, o.Total)
	if err != nil {
		t.Fatal(err)
	}
	doc := &Document{Kind: Invoice, Number: "INV-2026-000012", Currency: o.Currency, CreatedAt: issued, Total: p.rates.gross(), Tax: p.rates.tax()}
	doc.Rates, _ = json.Marshal(p.rates)
	if r != nil {
		invoice := *doc
		if p, err = creditPaper(o, r, []Document{invoice}, nil, ""); err != nil {
			t.Fatal(err)
		}
		doc = &Document{Kind: CreditNote, Number: "CN-2026-000003", Currency: o.Currency, CreatedAt: issued}
	}
	file, err := draw(doc, p, shop, issued.In(shop.zone))
	if err != nil {
		t.Fatal(err)
	}
	return file, p
}

// paperText is the text of a PDF as another program reads it, by page.
func paperText(t *testing.T, file []byte) []string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("skipped: pdftotext (poppler-utils) is not installed")
	}
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), tool, "-layout", name, "-")
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("pdftotext: %v: %s", err, &complaints)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
}

// shown is text as that program gives it back: with plain spaces.
func shown(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }

func TestAnInvoiceSaysEverythingInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, lang := range locale.Languages() {
		for _, inside := range []bool{true, false} {
			o, shop := aSale(lang, 40, inside)
			file, p := drawSale(t, o, shop, nil)
			pages := paperText(t, file)
			all := strings.Join(pages, "\n")
			if len(pages) < 2 {
				t.Errorf("%s: %d pages", lang, len(pages))
			}
			for i, page := range pages {
				if strings.Contains(page, "MUG-") != strings.Contains(page, locale.T(lang, "document.column.quantity")) {
					t.Errorf("%s: page %d has rows without a head, or the opposite:\n%s", lang, i+1, page)
				}
			}
			want := []string{
				locale.T(lang, "document.invoice"), "INV-2026-000012", o.Number, "Ani and Daughters Ceramics LLC", "Abovyan 12", "Հայաստան", "01234567", "help@ani.example",
				shop.buyer.Shipping.Name, shop.buyer.Shipping.Line1, "Best Cafés & Sons", "AM7654321", locale.Date(lang, issued.In(shop.zone)),
				titles[lang][0], "MUG-001 · Red", "MUG-040", locale.T(lang, "payment_method.card"), locale.T(lang, "document.page", "page", 2, "pages", len(pages)),
				money.Format(o.Total, o.Currency, string(lang)), money.Format(o.Subtotal, o.Currency, string(lang)), money.Format(o.Discount, o.Currency, string(lang)),
				money.Format(o.Tax, o.Currency, string(lang)), locale.Percent(lang, 2000), locale.Percent(lang, 500),
			}
			for _, r := range p.rates {
				want = append(want, money.Format(r.Gross-r.Tax, o.Currency, string(lang)), money.Format(r.Gross, o.Currency, string(lang)))
			}
			for _, w := range want {
				if !strings.Contains(shown(all), shown(w)) {
					t.Errorf("%s: %q is missing", lang, w)
				}
			}
			if p.rates.gross() != o.Total || p.rates.tax() != o.Tax {
				t.Errorf("%s: the rates do not add up: %+v", lang, p.rates)
			}
		}
	}
}

func TestACreditNoteNamesItsInvoiceAndAddsUp(t *testing.T) {
	t.Parallel()
	for _, lang := range locale.Languages() {
		o, shop := aSale(lang, 3, true)
		lines := []RefundLine{{LineID: o.Lines[1].ID, Quantity: 1, Amount: o.Lines[1].Total / 2}}
		raw, _ := json.Marshal(lines)
		for name, r := range map[string]*payment.Refund{
			"lines":    {ID: uuid.UUID{9}, AmountMinor: lines[0].Amount, Lines: raw, Reason: "other"},
			"amount":   {ID: uuid.UUID{9}, AmountMinor: 12_345, Lines: []byte(`[]`), Reason: reasonCredit},
			"canceled": {ID: uuid.UUID{9}, AmountMinor: o.Total, Lines: []byte(`[]`), Reason: reasonCanceled},
			"shipping": {ID: uuid.UUID{9}, AmountMinor: lines[0].Amount + o.Shipping, Lines: raw, Reason: "Սխալ չափս"},
		} {
			file, p := drawSale(t, o, shop, r)
			all := strings.Join(paperText(t, file), "\n")
			sum := int64(0)
			for _, row := range p.rows {
				sum += row.amount
			}
			if sum != r.AmountMinor || p.rates.gross() != r.AmountMinor {
				t.Errorf("%s, %s: rows of %d and rates of %d for %d", lang, name, sum, p.rates.gross(), r.AmountMinor)
			}
			for _, w := range []string{locale.T(lang, "document.credit_note"), "CN-2026-000003", "INV-2026-000012", money.Format(r.AmountMinor, o.Currency, string(lang))} {
				if !strings.Contains(shown(all), shown(w)) {
					t.Errorf("%s, %s: %q is missing in\n%s", lang, name, w, all)
				}
			}
			if name == "canceled" && (len(p.rows) != 4 || p.rates.tax() != o.Tax) {
				t.Errorf("%s: %d rows and %d tax for all of it", lang, len(p.rows), p.rates.tax())
			}
		}
	}
}

func TestAnInvoiceForKeptUnitsSaysWhatTheyCost(t *testing.T) {
	t.Parallel()
	for _, inside := range []bool{true, false} {
		o, _ := aSale(locale.En, 3, inside)
		o.Lines[1].Released = 1 // of 2
		o.Lines[0].Released = 1 // of 1
		share, err := money.RefundShare(o.Lines[1].Total, 2, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		o.Credited = o.Lines[0].Total + share
		p, err := invoicePaper(o, o.Owed())
		if err != nil {
			t.Fatal(err)
		}
		if len(p.rows) != 2 || p.rows[0].quantity != 1 || p.rates.gross() != o.Owed() {
			t.Errorf("%+v, %+v", p.rows, p.rates)
		}
		for _, r := range p.rows {
			amount := r.quantity*r.unit + r.discount
			if !inside {
				amount += r.tax
			}
			if amount != r.amount {
				t.Errorf("%+v does not add up", r)
			}
		}
		checkSums(t, p, o.Owed())
		// What was taken otherwise is told as it is.
		if p, err = invoicePaper(o, 7_777); err != nil || p.rates.gross() != 7_777 {
			t.Errorf("%+v, %v", p, err)
		}
		checkSums(t, p, 7_777)
	}
}

// checkSums adds the lines below the rows up.
func checkSums(t *testing.T, p *paper, total int64) {
	t.Helper()
	sum := int64(0)
	for _, s := range p.sums {
		if s.strong {
			if s.amount != total || sum != total {
				t.Errorf("%d adds up to %d, want %d: %+v", s.amount, sum, total, p.sums)
			}
			return
		}
		sum += s.amount
	}
	t.Error("no total")
}

func TestAnErasedBuyerIsNotNamed(t *testing.T) {
	t.Parallel()
	o, shop := aSale(locale.En, 1, true)
	shop.buyer = nil
	file, _ := drawSale(t, o, shop, nil)
	if all := strings.Join(paperText(t, file), "\n"); !strings.Contains(all, locale.T(locale.En, "document.erased")) {
		t.Error(all)
	}
}

func BenchmarkInvoice(b *testing.B) {
	o, shop := aSale(locale.Hy, 3, true)
	for b.Loop() {
		file, _ := drawSale(b, o, shop, nil)
		b.SetBytes(int64(len(file)))
	}
}
