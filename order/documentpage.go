package order

import (
	"strings"
	"time"

	"doorstep/customer"
	"doorstep/internal/locale"
	"doorstep/internal/money"
	"doorstep/internal/pdf"
)

// The styles of documents.
var (
	nameStyle  = pdf.Style{Size: 14 * pdf.Point, Bold: true}
	titleStyle = pdf.Style{Size: 18 * pdf.Point, Bold: true, Gray: 40}
	textStyle  = pdf.Style{Size: 9 * pdf.Point}
	boldStyle  = pdf.Style{Size: 9 * pdf.Point, Bold: true}
	smallStyle = pdf.Style{Size: 8 * pdf.Point, Gray: 90}
	totalStyle = pdf.Style{Size: 11 * pdf.Point, Bold: true}
)

// sheet is a document on its way to paper.
type sheet struct {
	*pdf.Document
	doc  *Document
	p    *paper
	shop *office
	day  time.Time // of issue, where the shop is
}

// draw sets a document in type.
func draw(doc *Document, p *paper, shop *office, day time.Time) ([]byte, error) {
	s := &sheet{doc: doc, p: p, shop: shop, day: day}
	title := s.text("document." + string(doc.Kind))
	s.Document = pdf.New(pdf.Options{
		Title: title + " " + doc.Number, Author: shop.seller(), Lang: string(shop.lang), Created: doc.CreatedAt,
		Footer: func(page, pages int) (string, string) {
			return shop.seller() + " · " + doc.Number, s.text("document.page", "page", page, "pages", pages)
		},
	})
	s.head(title)
	s.facts()
	s.people()
	s.Skip(16 * pdf.Point)
	s.goods()
	s.sums()
	s.taxes()
	return s.Bytes()
}

func (s *sheet) text(key string, args ...any) string { return locale.T(s.shop.lang, key, args...) }

func (s *sheet) money(minor int64) string {
	return money.Format(minor, s.doc.Currency, string(s.shop.lang))
}

func (s *sheet) date(t time.Time) string { return locale.Date(s.shop.lang, t.In(s.shop.zone)) }

// head is who sells, and what this is.
func (s *sheet) head(title string) {
	half := pdf.BodyWidth/2 - 8*pdf.Point
	seller := []pdf.Para{{Text: s.shop.seller(), Style: nameStyle}}
	lines := s.shop.settings.Seller.Address
	if id := s.shop.settings.Seller.TaxID; id != "" {
		lines = append(lines[:len(lines):len(lines)], s.text("document.tax_id", "id", id))
	}
	if mail := s.shop.settings.Sender.ReplyTo; mail != "" {
		lines = append(lines[:len(lines):len(lines)], mail)
	}
	for _, line := range lines {
		seller = append(seller, pdf.Para{Text: line, Style: smallStyle, Above: pdf.Point})
	}
	s.Beside(
		pdf.Side{X: pdf.MarginSide, Width: half, Paras: seller},
		pdf.Side{X: pdf.MarginSide + half + 16*pdf.Point, Width: half, Paras: []pdf.Para{{Text: title, Style: titleStyle, Align: pdf.Right}}},
	)
	s.Skip(14 * pdf.Point)
	s.Rule(pdf.MarginSide, pdf.BodyWidth, pdf.Point*8/10, 60)
	s.Skip(8 * pdf.Point)
}

// fact is a value below its name.
func (s *sheet) fact(column, columns int, name string, values ...string) pdf.Side {
	const between = 12 * pdf.Point
	width := (pdf.BodyWidth - between*pdf.Length(columns-1)) / pdf.Length(columns)
	side := pdf.Side{X: pdf.MarginSide + pdf.Length(column)*(width+between), Width: width, Paras: []pdf.Para{{Text: name, Style: smallStyle}}}
	for _, v := range values {
		side.Paras = append(side.Paras, pdf.Para{Text: v, Style: textStyle, Above: pdf.Point})
	}
	return side
}

// facts say which document this is, and of what.
func (s *sheet) facts() {
	number := s.fact(0, 4, s.text("document.number"), s.doc.Number)
	number.Paras[1].Style = boldStyle
	sides := []pdf.Side{
		number,
		s.fact(1, 4, s.text("document.date"), s.date(s.day)),
		s.fact(2, 4, s.text("document.order"), s.p.order.Number, s.text("document.ordered", "date", s.date(s.p.order.PlacedAt))),
	}
	if s.doc.Kind == CreditNote {
		var of []string
		for _, i := range s.p.invoices {
			of = append(of, s.text("document.of", "number", i.Number, "date", s.date(i.CreatedAt)))
		}
		sides = append(sides, s.fact(3, 4, s.text("document.corrects"), of...))
	} else if key := "payment_method." + s.p.order.PaymentMethod; locale.Has(key) {
		sides = append(sides, s.fact(3, 4, s.text("document.payment"), s.text(key)))
	}
	s.Beside(sides...)
	s.Skip(14 * pdf.Point)
}

// people are the buyer and where the goods go, and why money goes back.
func (s *sheet) people() {
	var sides []pdf.Side
	if b := s.shop.buyer; b == nil {
		sides = append(sides, s.fact(0, 2, s.text("document.buyer"), s.text("document.erased")))
	} else {
		sides = append(sides, s.fact(0, 2, s.text("document.buyer"), s.buyer(b)...))
		if b.Shipping != nil && s.doc.Kind == Invoice {
			sides = append(sides, s.fact(1, 2, s.text("document.ship_to"), s.address(b.Shipping)...))
		}
	}
	if why := s.reason(); why != "" {
		sides = append(sides, s.fact(1, 2, s.text("document.reason"), why))
	}
	s.Beside(sides...)
}

// buyer is who pays, line by line.
func (s *sheet) buyer(b *customer.Contact) []string {
	billing := b.Billing
	if billing == nil {
		billing = b.Shipping
	}
	var lines []string
	if b.Company != "" {
		lines = append(lines, b.Company)
	}
	if b.Name != "" && (billing == nil || billing.Name == "") {
		lines = append(lines, b.Name)
	}
	lines = append(lines, s.address(billing)...)
	if b.VATID != "" {
		lines = append(lines, s.text("document.tax_id", "id", b.VATID))
	}
	if len(lines) == 0 {
		lines = []string{b.Email}
	}
	return lines
}

func (s *sheet) address(a *customer.Address) []string {
	if a == nil {
		return nil
	}
	var lines []string
	for _, line := range []string{a.Name, a.Line1, a.Line2, strings.TrimSpace(a.Postcode + " " + a.City), a.Region, locale.Country(s.shop.lang, a.Country)} {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// What the program itself gives as the reason of a refund.
const (
	reasonCanceled = "order canceled"
	reasonCredit   = "units canceled or exchanged"
)

// reason is why money goes back: as somebody has typed it or, where the program
// has, in the buyer's language.
func (s *sheet) reason() string {
	switch key := "cancel_reason." + s.p.reason; {
	case s.doc.Kind == Invoice:
		return ""
	case locale.Has(key):
		return s.text(key)
	case s.p.reason == reasonCanceled:
		return s.text("document.reason_canceled")
	case s.p.reason == reasonCredit:
		return s.text("document.reason_credit")
	}
	return s.p.reason
}

// goods is the table of rows. Columns in which nothing would stand are left out.
func (s *sheet) goods() {
	discounted, taxed := false, false
	for _, r := range s.p.rows {
		discounted = discounted || r.discount != 0 && s.doc.Kind == Invoice
		taxed = taxed || r.bps != 0
	}
	priced := s.doc.Kind == Invoice && s.p.rows[0].key == ""
	t := pdf.Table{Size: 8*pdf.Point + pdf.Point/2, Columns: []pdf.Column{{Head: s.text("document.column.item"), Flex: true}}}
	column := func(name string, wanted bool) bool {
		if wanted {
			t.Columns = append(t.Columns, pdf.Column{Head: s.text("document.column." + name), Right: true})
		}
		return wanted
	}
	column("quantity", true)
	column("unit", priced)
	column("discount", priced && discounted)
	column("rate", taxed)
	column("tax", priced && taxed)
	column("amount", true)
	for _, r := range s.p.rows {
		if r.key != "" {
			r.title = s.text(r.key)
		}
		cells := []pdf.Cell{{Text: r.title, Note: r.note}}
		add := func(text string, wanted, known bool) {
			if wanted && !known {
				text = ""
			}
			if wanted {
				cells = append(cells, pdf.Cell{Text: text})
			}
		}
		add(locale.Number(s.shop.lang, r.quantity), true, r.quantity != 0)
		add(s.money(r.unit), priced, r.key == "")
		add(s.money(r.discount), priced && discounted, r.discount != 0)
		add(locale.Percent(s.shop.lang, r.bps), taxed, r.key == "")
		add(s.money(r.tax), priced && taxed, r.key == "")
		add(s.money(r.amount), true, true)
		t.Rows = append(t.Rows, cells)
	}
	s.Table(t)
}

// sums are the lines below the table; they and the taxes stay together.
func (s *sheet) sums() {
	s.Skip(6 * pdf.Point)
	s.Keep(pdf.Length(len(s.p.sums)+len(s.p.rates)+3) * 17 * pdf.Point)
	const amount = 120 * pdf.Point
	right := pdf.MarginSide + pdf.BodyWidth
	for _, sum := range s.p.sums {
		style := textStyle
		if sum.strong {
			style = totalStyle
			s.Skip(3 * pdf.Point)
			s.Rule(right-amount-130*pdf.Point, amount+130*pdf.Point, pdf.Point*8/10, 60)
			s.Skip(3 * pdf.Point)
		}
		s.Beside(
			pdf.Side{X: pdf.MarginSide, Width: pdf.BodyWidth - amount - 10*pdf.Point, Paras: []pdf.Para{{Text: s.text("document.sum." + sum.key), Style: style, Align: pdf.Right}}},
			pdf.Side{X: right - amount, Width: amount, Paras: []pdf.Para{{Text: s.money(sum.amount), Style: style, Align: pdf.Right}}},
		)
		s.Skip(2 * pdf.Point)
	}
}

// taxes tell the whole by rate, when there is any tax.
func (s *sheet) taxes() {
	if s.p.rates.tax() == 0 && len(s.p.rates) < 2 {
		return
	}
	const width, between = 88 * pdf.Point, 6 * pdf.Point
	s.Skip(14 * pdf.Point)
	row := func(style pdf.Style, cells ...string) {
		var sides []pdf.Side
		for i, c := range cells {
			x := pdf.MarginSide + pdf.BodyWidth - pdf.Length(len(cells)-i)*(width+between) + between
			sides = append(sides, pdf.Side{X: x, Width: width, Paras: []pdf.Para{{Text: c, Style: style, Align: pdf.Right}}})
		}
		s.Beside(sides...)
		s.Skip(2 * pdf.Point)
	}
	row(smallStyle, s.text("document.column.rate"), s.text("document.column.net"), s.text("document.column.tax"), s.text("document.column.gross"))
	for _, r := range s.p.rates {
		row(textStyle, locale.Percent(s.shop.lang, r.Bps), s.money(r.Gross-r.Tax), s.money(r.Tax), s.money(r.Gross))
	}
}
