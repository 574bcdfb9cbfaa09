package haypost

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"doorstep/internal/pdf"
	"doorstep/shipping/carrier"
)

// dpi is of the printers that ZPL is written for.
const dpi = 203

// printable tells whether a barcode can be printed: 1 to 40 capitals and digits.
func printable(barcode string) bool {
	return barcode != "" && len(barcode) <= 40 && strings.Trim(barcode, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// stick makes the label that HayPost does not.
func stick(r *carrier.ShipmentRequest, barcode, service string, now time.Time) (carrier.Paper, error) {
	p := carrier.Paper{Kind: "label", Format: r.Format, DPI: dpi, Number: barcode}
	if r.Format == carrier.ZPL {
		p.Bytes = []byte(zpl(r, barcode, service))
		return p, nil
	}
	p.Format = carrier.PDF
	d := pdf.New(pdf.Options{Title: barcode, Author: "HayPost", Lang: "hy", Created: now})
	small, large := pdf.Style{Size: 9 * pdf.Point, Gray: 90}, pdf.Style{Size: 14 * pdf.Point}
	d.Paragraph(pdf.Style{Size: 18 * pdf.Point, Bold: true}, "HayPost · "+service)
	d.Skip(4 * pdf.Millimetre)
	d.Bars(pdf.MarginSide, pdf.Millimetre/2, 22*pdf.Millimetre, code128(barcode))
	d.Skip(2 * pdf.Millimetre)
	d.Paragraph(pdf.Style{Size: 14 * pdf.Point, Bold: true}, barcode)
	d.Skip(5 * pdf.Millimetre)
	half := pdf.BodyWidth / 2
	d.Beside(
		pdf.Side{X: pdf.MarginSide, Width: half, Paras: []pdf.Para{{Text: "Ուղարկող / From", Style: small}, {Text: lines(r.From), Style: pdf.Style{Size: 10 * pdf.Point}}}},
		pdf.Side{X: pdf.MarginSide + half, Width: half, Paras: []pdf.Para{{Text: "Ստացող / To", Style: small}, {Text: lines(r.To), Style: large}}},
	)
	d.Skip(5 * pdf.Millimetre)
	d.Paragraph(small, fmt.Sprintf("%d g · %s", r.Parcels[0].WeightG, r.Parcels[0].Reference))
	var err error
	p.Bytes, err = d.Bytes()
	return p, err
}

// lines is an address, line by line.
func lines(a carrier.Address) string {
	var all []string
	for _, line := range []string{a.Name, a.Company, a.Line1, a.Line2, strings.TrimSpace(a.Postcode + " " + a.City), a.Region, a.Country, a.Phone} {
		if line != "" {
			all = append(all, line)
		}
	}
	return strings.Join(all, "\n")
}

// zpl is the label for a label printer of 4x6 inches.
func zpl(r *carrier.ShipmentRequest, barcode, service string) string {
	var b strings.Builder
	b.WriteString("^XA^CI28^FO40,40^A0N,40,40^FD" + field("HayPost "+service) + "^FS")
	b.WriteString("^FO40,110^BY3^BCN,160,Y,N,N^FD" + barcode + "^FS")
	y := 340
	for i, of := range []carrier.Address{r.To, r.From} {
		size := 36 - 12*i
		for line := range strings.SplitSeq(lines(of), "\n") {
			fmt.Fprintf(&b, "^FO40,%d^A0N,%d,%d^FD%s^FS", y, size, size, field(line))
			y += size + 8
		}
		y += 30
	}
	fmt.Fprintf(&b, "^FO40,%d^A0N,24,24^FD%d g %s^FS^XZ", y, r.Parcels[0].WeightG, field(r.Parcels[0].Reference))
	return b.String()
}

// field is text that cannot be taken for a command of the printer.
func field(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '^' || r == '~' || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// patterns are the bars and gaps of Code 128, by value; the last is the end.
var patterns = strings.Fields(`
	212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122 123221
	223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321
	112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 213311 213131
	311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114
	122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141
	214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112`)

// The values of Code 128's signs.
const (
	startB = 104
	stop   = 106
)

// code128 is text in the bars of Code 128, set B: of printable ASCII.
func code128(text string) []int {
	values, sum := []int{startB}, startB
	for i := range len(text) {
		v := int(text[i]) - ' '
		values = append(values, v)
		sum += (i + 1) * v
	}
	values = append(values, sum%103, stop)
	var bars []int
	for _, v := range values {
		for _, width := range patterns[v] {
			bars = append(bars, int(width-'0'))
		}
	}
	return bars
}
