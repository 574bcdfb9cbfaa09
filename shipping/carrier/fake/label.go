package fake

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"

	"doorstep/internal/pdf"
	"doorstep/shipping/carrier"
)

// Label is something printable with a number on it: a whole PDF of one 4x6 inch
// page, a PNG, or ZPL.
func Label(f carrier.Format, number string) []byte {
	switch f {
	case carrier.ZPL:
		return []byte("^XA^FO50,50^A0N,50,50^FDSPECIMEN^FS^FO50,150^BCN,150,Y,N,N^FD" + number + "^FS^XZ")
	case carrier.PNG:
		var out bytes.Buffer
		picture := image.NewGray(image.Rect(0, 0, 400, 600))
		for i := range picture.Pix {
			picture.Pix[i] = 255
		}
		for x, r := range number { // bars of some kind
			for y := range 100 {
				picture.Set(50+8*x+int(r)%7, 50+y, color.Black)
			}
		}
		if err := png.Encode(&out, picture); err != nil {
			panic(err) // memory does not fail
		}
		return out.Bytes()
	}
	return labelPDF(number)
}

func labelPDF(number string) []byte {
	page := "BT /F1 24 Tf 36 360 Td (SPECIMEN) Tj 0 -40 Td /F1 12 Tf (" + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`()\`, r) {
			return '.'
		}
		return r
	}, number) + ") Tj ET"
	return pdf.Plain(
		[]byte("<< /Type /Catalog /Pages 2 0 R >>"),
		[]byte("<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
		[]byte("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"),
		pdf.PlainStream("", []byte(page)),
		[]byte("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
	)
}
