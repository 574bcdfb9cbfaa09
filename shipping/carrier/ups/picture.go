package ups

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image"
	"image/draw"
	_ "image/gif" // what UPS prints
	"image/png"

	"doorstep/internal/pdf"
	"doorstep/shipping/carrier"
)

var errNoPicture = errors.New("the label is no picture")

// mostPixels bounds a label before it is unpacked: 4x8 inch at 600 dpi.
const mostPixels = 2400 * 4800

// printed makes a PNG, or a PDF of one 4x6 inch page, of a picture.
func printed(raw []byte, wanted carrier.Format) (carrier.Paper, error) {
	size, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil || size.Width <= 0 || size.Height <= 0 || size.Width*size.Height > mostPixels {
		return carrier.Paper{}, errNoPicture
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return carrier.Paper{}, errNoPicture
	}
	gray := upright(img)
	if wanted == carrier.PNG {
		var out bytes.Buffer
		err := png.Encode(&out, gray)
		return carrier.Paper{Format: carrier.PNG, Bytes: out.Bytes(), DPI: 203}, err
	}
	page, err := pagePDF(gray)
	return carrier.Paper{Format: carrier.PDF, Bytes: page, DPI: 203}, err
}

// upright makes a gray picture that is higher than wide: UPS's labels lie on
// their left side.
func upright(img image.Image) *image.Gray {
	b := img.Bounds()
	flat := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	if p, ok := img.(*image.Paletted); ok && len(p.Palette) <= 256 { // as GIFs are
		var grays [256]uint8
		for i, c := range p.Palette {
			if r, g, b, a := c.RGBA(); a > 0 {
				grays[i] = uint8((299*r + 587*g + 114*b) / 1000 >> 8)
			} else {
				grays[i] = 255 // paper
			}
		}
		for y := range b.Dy() {
			for x, index := range p.Pix[y*p.Stride : y*p.Stride+b.Dx()] {
				flat.Pix[y*flat.Stride+x] = grays[index]
			}
		}
	} else {
		draw.Draw(flat, flat.Rect, img, b.Min, draw.Src)
	}
	if b.Dx() <= b.Dy() {
		return flat
	}
	w, h := b.Dy(), b.Dx()
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		row := out.Pix[y*out.Stride : y*out.Stride+w]
		for x := range row {
			row[x] = flat.Pix[(w-1-x)*flat.Stride+y]
		}
	}
	return out
}

// pagePDF puts a picture on a page of 4x6 inch, as large as it fits.
func pagePDF(img *image.Gray) ([]byte, error) {
	const width, height = 288, 432 // points
	w, h := img.Rect.Dx(), img.Rect.Dy()
	wide, high := width, width*h/w
	if high > height {
		wide, high = height*w/h, height
	}
	var pixels bytes.Buffer
	z := zlib.NewWriter(&pixels)
	for y := range h {
		if _, err := z.Write(img.Pix[y*img.Stride : y*img.Stride+w]); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	draw := fmt.Appendf(nil, "q %d 0 0 %d %d %d cm /L Do Q", wide, high, (width-wide)/2, height-high)
	return pdf.Plain(
		[]byte("<< /Type /Catalog /Pages 2 0 R >>"),
		[]byte("<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
		fmt.Appendf(nil, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources << /XObject << /L 5 0 R >> >> >>", width, height),
		pdf.PlainStream("", draw),
		pdf.PlainStream(fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode", w, h), pixels.Bytes()),
	), nil
}
