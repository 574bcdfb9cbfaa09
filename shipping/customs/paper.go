package customs

import (
	"fmt"
	"strings"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/internal/money"
	"doorstep/internal/pdf"
)

// Party is a sender or an addressee.
type Party struct {
	Name, Company, Line1, Line2, City, Region, Postcode, Country string
	Address                                                      []string // in place of the parts, where that is all that is known
	Phone, Email, TaxID                                          string
}

// Paper is what customs papers say of a parcel.
type Paper struct {
	Number, Tracking, Carrier string
	Date                      time.Time
	Sender, Addressee         Party
	Items                     []Item
	Currency                  string
	Freight, Insurance        int64 // minor units
	GrossG                    int64 // 0 is not known
	Incoterm                  Incoterm
	// Returned says that goods go back; otherwise they are sold.
	Returned bool
	// Exchange turns money of one currency into another; false without a rate.
	Exchange func(amount int64, from, to string) (int64, bool)
}

// ErrCN22 is a parcel that is too dear or too heavy for a CN 22, or of which
// nobody can tell: a CN 23 is always right.
var ErrCN22 = fault.New(fault.Conflict, "cn22_limit", "A CN 22 is enough up to 300 SDR and 2 kg. Print the CN 23.")

// FitsCN22 says whether a CN 22 is enough, or fails with ErrCN22 and why: value,
// weight or exchange_rate. Facts are those of the paper's day.
func (p *Paper) FitsCN22() error {
	limits := Facts("*", p.Date.Format(time.DateOnly))
	for _, f := range limits {
		if gross := max(p.GrossG, p.Net()); f.Kind == "cn22_weight" && gross > f.PerKG {
			return ErrCN22.With("reason", "weight").With("gross_g", gross).With("most_g", f.PerKG)
		}
	}
	most, worth, known := p.most(limits)
	switch {
	case !known:
		return ErrCN22.With("reason", "exchange_rate")
	case worth > most.Threshold:
		return ErrCN22.With("reason", "value").With("most", money.Of(most.Threshold, most.Currency)).With("source", most.Source)
	}
	return nil
}

// most is the limit in the paper's own currency, or in one that there is a rate
// to, and what the goods are worth in it.
func (p *Paper) most(limits []Fact) (most Fact, worth int64, known bool) {
	for _, f := range limits {
		if f.Kind != "cn22_value" {
			continue
		}
		if f.Currency == p.Currency {
			return f, p.Value(), true
		}
		if known || p.Exchange == nil {
			continue
		}
		if v, ok := p.Exchange(p.Value(), p.Currency, f.Currency); ok {
			most, worth, known = f, v, true
		}
	}
	return most, worth, known
}

// Value is what the goods are worth together, in minor units.
func (p *Paper) Value() (sum int64) {
	for i := range p.Items {
		sum += p.Items[i].worth()
	}
	return sum
}

// Net is what the goods weigh together, in grams.
func (p *Paper) Net() (sum int64) {
	for i := range p.Items {
		sum += p.Items[i].WeightG * p.Items[i].Quantity
	}
	return sum
}

// The styles of papers.
var (
	titleStyle = pdf.Style{Size: 15 * pdf.Point, Bold: true}
	labelStyle = pdf.Style{Size: 7 * pdf.Point, Gray: 90}
	textStyle  = pdf.Style{Size: 9 * pdf.Point}
	boldStyle  = pdf.Style{Size: 9 * pdf.Point, Bold: true}
	smallStyle = pdf.Style{Size: 7*pdf.Point + pdf.Point/2, Gray: 60}
)

// sheet is a paper on its way to be printed. Customs forms are in English and,
// as the Universal Postal Union has it, French.
type sheet struct {
	*pdf.Document
	p *Paper
}

func newSheet(p *Paper, title string) *sheet {
	return &sheet{p: p, Document: pdf.New(pdf.Options{
		Title: title + " " + p.Number, Author: strings.TrimSpace(p.Sender.Company + " " + p.Sender.Name), Lang: "en", Created: p.Date,
		Footer: func(page, pages int) (string, string) {
			return title + " · " + p.Number, fmt.Sprintf("%d / %d", page, pages)
		},
	})}
}

// field is a value below its name, in one of several columns.
func field(column, columns int, name string, values ...string) pdf.Side {
	const between = 12 * pdf.Point
	width := (pdf.BodyWidth - between*pdf.Length(columns-1)) / pdf.Length(columns)
	side := pdf.Side{X: pdf.MarginSide + pdf.Length(column)*(width+between), Width: width, Paras: []pdf.Para{{Text: name, Style: labelStyle}}}
	for _, v := range values {
		if strings.TrimSpace(v) != "" {
			side.Paras = append(side.Paras, pdf.Para{Text: v, Style: textStyle, Above: pdf.Point})
		}
	}
	return side
}

func (p *Party) lines() []string {
	all := []string{p.Company, p.Name}
	if len(p.Address) > 0 {
		all = append(all, p.Address...)
	} else {
		all = append(all, p.Line1, p.Line2, strings.TrimSpace(p.Postcode+" "+p.City), p.Region)
	}
	if p.Country != "" {
		all = append(all, locale.Country(locale.En, p.Country))
	}
	if p.TaxID != "" {
		all = append(all, "Tax ID / No TVA: "+p.TaxID)
	}
	return append(all, p.Phone, p.Email)
}

func (s *sheet) rule() {
	s.Skip(7 * pdf.Point)
	s.Rule(pdf.MarginSide, pdf.BodyWidth, pdf.Point*6/10, 60)
	s.Skip(7 * pdf.Point)
}

func (s *sheet) head(title, side string) {
	s.Beside(
		pdf.Side{X: pdf.MarginSide, Width: pdf.BodyWidth * 2 / 3, Paras: []pdf.Para{{Text: title, Style: titleStyle}}},
		pdf.Side{X: pdf.MarginSide + pdf.BodyWidth*2/3, Width: pdf.BodyWidth / 3, Paras: []pdf.Para{{Text: side, Style: titleStyle, Align: pdf.Right}}},
	)
	s.rule()
}

func (s *sheet) amount(minor int64) string { return money.Decimal(minor, s.p.Currency) }

// kilograms writes grams as customs wants them.
func kilograms(g int64) string { return fmt.Sprintf("%d.%03d", g/1000, g%1000) }

// described is what an item is called on papers.
func described(it *Item) string {
	if it.Description == "" {
		return it.SKU
	}
	return it.Description
}

func (s *sheet) parties(sender, addressee string) {
	s.Beside(field(0, 2, sender, s.p.Sender.lines()...), field(1, 2, addressee, s.p.Addressee.lines()...))
	s.rule()
}

// category is the ticked reason for export.
func (s *sheet) category() string {
	tick := func(name string, on bool) string {
		name = strings.ReplaceAll(name, " ", "\u00a0") // a box stays with its name
		if on {
			return "[X]\u00a0" + name
		}
		return "[\u00a0\u00a0]\u00a0" + name
	}
	return strings.Join([]string{tick("Sale of goods / Vente de marchandises", !s.p.Returned), tick("Returned goods / Retour de marchandise", s.p.Returned),
		tick("Gift / Cadeau", false), tick("Documents", false), tick("Commercial sample / Échantillon commercial", false), tick("Other / Autre", false)}, "    ")
}

// contents are the goods as CN22 and CN23 list them.
func (s *sheet) contents() {
	t := pdf.Table{Size: 8*pdf.Point + pdf.Point/2, Columns: []pdf.Column{
		{Head: "Detailed description of contents / Description détaillée", Flex: true}, {Head: "Quantity\u00a0/ Quantité", Right: true}, {Head: "Net\u00a0kg\u00a0/ Poids\u00a0net", Right: true},
		{Head: "Value\u00a0/ Valeur " + s.p.Currency, Right: true}, {Head: "HS\u00a0No\u00a0/ No\u00a0SH", Right: true}, {Head: "Origin\u00a0/ Origine", Right: true},
	}}
	for i := range s.p.Items {
		it := &s.p.Items[i]
		t.Rows = append(t.Rows, []pdf.Cell{{Text: described(it), Note: it.SKU}, {Text: fmt.Sprint(it.Quantity)}, {Text: kilograms(it.WeightG * it.Quantity)},
			{Text: s.amount(it.worth())}, {Text: digits(it.HS)}, {Text: it.OriginCountry}})
	}
	s.Table(t)
	gross := "-"
	if s.p.GrossG > 0 {
		gross = kilograms(s.p.GrossG) + " kg"
	}
	s.Skip(4 * pdf.Point)
	s.Beside(field(0, 4, "Total net weight / Poids net total", kilograms(s.p.Net())+" kg"), field(1, 4, "Total gross weight / Poids brut total", gross),
		field(2, 4, "Total value / Valeur totale", s.amount(s.p.Value())+" "+s.p.Currency), field(3, 4, "Postal charges / Frais de port", s.amount(s.p.Freight)+" "+s.p.Currency))
	s.rule()
}

const certified = "I certify that the particulars given in this customs declaration are correct and that this item does not contain any dangerous article or articles " +
	"prohibited by legislation or by postal or customs regulations."

func (s *sheet) signature() {
	s.Paragraph(smallStyle, certified)
	s.Skip(26 * pdf.Point)
	s.Rule(pdf.MarginSide, pdf.BodyWidth/2, pdf.Point*5/10, 60)
	s.Skip(3 * pdf.Point)
	s.Beside(field(0, 2, "Date and sender's signature / Date et signature de l'expéditeur", s.p.Date.Format(time.DateOnly)))
}

// CN22 is the small customs declaration, for items up to 300 SDR and 2 kg. It
// fails with ErrCN22 for others.
func (p *Paper) CN22() ([]byte, error) {
	if err := p.FitsCN22(); err != nil {
		return nil, err
	}
	s := newSheet(p, "CN 22")
	s.head("Customs declaration\nDéclaration en douane", "CN 22")
	s.Beside(field(0, 3, "May be opened officially / Peut être ouvert d'office", "Sender: "+strings.TrimSpace(p.Sender.Company+" "+p.Sender.Name)),
		field(1, 3, "Item / Envoi", p.Tracking), field(2, 3, "Order / Commande", p.Number))
	s.Skip(6 * pdf.Point)
	s.Paragraph(textStyle, s.category())
	s.rule()
	s.contents()
	s.signature()
	return s.Bytes()
}

// CN23 is the full customs declaration, for parcels.
func (p *Paper) CN23() ([]byte, error) {
	s := newSheet(p, "CN 23")
	s.head("Customs declaration\nDéclaration en douane", "CN 23")
	s.parties("From / De: sender / expéditeur", "To / À: addressee / destinataire")
	s.Beside(field(0, 3, "Item No / No de l'envoi", p.Tracking), field(1, 3, "Invoice No / No de facture", p.Number),
		field(2, 3, "Importer's reference / Référence de l'importateur", p.Addressee.TaxID, p.Addressee.Phone, p.Addressee.Email))
	s.Skip(6 * pdf.Point)
	s.Paragraph(labelStyle, "Category of item / Catégorie de l'envoi")
	s.Paragraph(textStyle, s.category())
	s.rule()
	s.contents()
	s.Beside(field(0, 3, "Comments (quarantine, restrictions) / Observations", s.restrictions()...), field(1, 3, "Licence No / No de licence", "-"), field(2, 3, "Certificate No / No du certificat", "-"))
	s.rule()
	s.signature()
	return s.Bytes()
}

func (s *sheet) restrictions() []string {
	out := []string{}
	for i := range s.p.Items {
		if class := s.p.Items[i].HazmatClass; class != "" {
			out = append(out, s.p.Items[i].SKU+": UN class "+class)
		}
	}
	if len(out) == 0 {
		out = []string{"-"}
	}
	return out
}

// Invoice is the commercial invoice that goes with a parcel for customs. It
// bills nothing: the order has an invoice of its own.
func (p *Paper) Invoice() ([]byte, error) {
	s := newSheet(p, "Commercial invoice")
	s.head("Commercial invoice", p.Number)
	s.parties("Seller and exporter", "Buyer, importer and ship-to")
	place := p.Addressee.City
	if place == "" {
		place = locale.Country(locale.En, p.Addressee.Country)
	}
	reason := "Sale of goods"
	if p.Returned {
		reason = "Returned goods"
	}
	s.Beside(field(0, 4, "Date", p.Date.Format(time.DateOnly)), field(1, 4, "Incoterms 2020", string(p.Incoterm)+" "+place),
		field(2, 4, "Reason for export", reason), field(3, 4, "Carrier and tracking", p.Carrier, p.Tracking))
	s.rule()
	t := pdf.Table{Size: 8*pdf.Point + pdf.Point/2, Columns: []pdf.Column{
		{Head: "Description of goods", Flex: true}, {Head: "HS code", Right: true}, {Head: "Origin", Right: true}, {Head: "Net kg", Right: true}, {Head: "Quantity", Right: true},
		{Head: "Unit " + p.Currency, Right: true}, {Head: "Total " + p.Currency, Right: true},
	}}
	for i := range p.Items {
		it := &p.Items[i]
		note := it.SKU
		if it.Discount > 0 {
			note += " · discount " + s.amount(it.Discount)
		}
		t.Rows = append(t.Rows, []pdf.Cell{{Text: described(it), Note: note}, {Text: digits(it.HS)}, {Text: it.OriginCountry}, {Text: kilograms(it.WeightG * it.Quantity)},
			{Text: fmt.Sprint(it.Quantity)}, {Text: s.amount(it.UnitPrice)}, {Text: s.amount(it.worth())}})
	}
	s.Table(t)
	s.Skip(4 * pdf.Point)
	sum := func(name string, minor int64, style pdf.Style) {
		s.Beside(pdf.Side{X: pdf.MarginSide + pdf.BodyWidth/2, Width: pdf.BodyWidth / 4, Paras: []pdf.Para{{Text: name, Style: style}}},
			pdf.Side{X: pdf.MarginSide + pdf.BodyWidth*3/4, Width: pdf.BodyWidth / 4, Paras: []pdf.Para{{Text: s.amount(minor) + " " + p.Currency, Style: style, Align: pdf.Right}}})
		s.Skip(3 * pdf.Point)
	}
	sum("Goods", p.Value(), textStyle)
	sum("Freight", p.Freight, textStyle)
	sum("Insurance", p.Insurance, textStyle)
	sum("Total", p.Value()+p.Freight+p.Insurance, boldStyle)
	gross := "-"
	if p.GrossG > 0 {
		gross = kilograms(p.GrossG) + " kg"
	}
	s.rule()
	s.Beside(field(0, 3, "Packages", "1"), field(1, 3, "Net weight", kilograms(p.Net())+" kg"), field(2, 3, "Gross weight", gross))
	s.rule()
	s.Paragraph(smallStyle, "I declare that the information on this invoice is true and correct, and that the contents of this shipment are as stated above.")
	s.Skip(26 * pdf.Point)
	s.Rule(pdf.MarginSide, pdf.BodyWidth/2, pdf.Point*5/10, 60)
	s.Skip(3 * pdf.Point)
	s.Beside(field(0, 2, "Name and signature", s.p.Sender.Name))
	return s.Bytes()
}
