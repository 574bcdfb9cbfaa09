package pdf

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// subset is a font file with the glyphs that are used, by their numbers in the
// document, and those that they are composed of. Hints for low resolutions are
// left out.
func (f *face) subset() []byte {
	var glyf, loca, hmtx []byte
	for i := 0; i < len(f.glyphs); i++ { // grows while it goes
		id := f.glyphs[i]
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		glyf = append(glyf, f.plain(id)...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		hmtx = binary.BigEndian.AppendUint16(hmtx, f.advances[id])
		hmtx = binary.BigEndian.AppendUint16(hmtx, uint16(f.bearings[id]))
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
	n := uint16(len(f.glyphs))
	head, hhea, maxp := slices.Clone(f.head), slices.Clone(f.hhea), slices.Clone(f.maxp)
	binary.BigEndian.PutUint32(head[8:], 0)
	binary.BigEndian.PutUint16(head[50:], 1) // loca is long
	binary.BigEndian.PutUint16(hhea[34:], n)
	binary.BigEndian.PutUint16(maxp[4:], n)
	clear(maxp[14:28]) // zones, storage, functions, instructions, stack, size of instructions
	binary.BigEndian.PutUint16(maxp[14:], 1)
	return sfnt([]table{{"glyf", glyf}, {"head", head}, {"hhea", hhea}, {"hmtx", hmtx}, {"loca", loca}, {"maxp", maxp}})
}

// plain is the outline of a glyph without instructions, its components called by
// their numbers.
func (f *face) plain(id uint16) []byte {
	raw := f.outline(id)
	if len(raw) == 0 {
		return nil
	}
	if contours := int16(binary.BigEndian.Uint16(raw)); contours >= 0 {
		at := 10 + 2*int(contours)
		instructions := int(binary.BigEndian.Uint16(raw[at:]))
		out := append(slices.Clone(raw[:at]), 0, 0)
		return append(out, raw[at+2+instructions:]...)
	}
	const (
		words, haveScale, more, haveXY, have2x2, instructed = 1 << 0, 1 << 3, 1 << 5, 1 << 6, 1 << 7, 1 << 8
	)
	out := slices.Clone(raw)
	for at := 10; ; {
		flags := binary.BigEndian.Uint16(out[at:])
		binary.BigEndian.PutUint16(out[at:], flags&^instructed)
		binary.BigEndian.PutUint16(out[at+2:], f.number(binary.BigEndian.Uint16(out[at+2:])))
		at += 6
		if flags&words != 0 {
			at += 2
		}
		switch {
		case flags&haveScale != 0:
			at += 2
		case flags&haveXY != 0:
			at += 4
		case flags&have2x2 != 0:
			at += 8
		}
		if flags&more == 0 {
			return out[:at]
		}
	}
}

type table struct {
	tag  string
	data []byte
}

// sfnt puts tables, in the order of their tags, into a font file.
func sfnt(tables []table) []byte {
	n := len(tables)
	power := bits.Len(uint(n)) - 1
	out := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range [...]int{n, 16 << power, power, 16*n - 16<<power} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	at := len(out) + 16*n
	head := 0
	for _, t := range tables {
		if t.tag == "head" {
			head = at
		}
		out = append(out, t.tag...)
		for _, v := range [...]uint32{checksum(t.data), uint32(at), uint32(len(t.data))} {
			out = binary.BigEndian.AppendUint32(out, v)
		}
		at += (len(t.data) + 3) &^ 3
	}
	for _, t := range tables {
		out = append(out, t.data...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	binary.BigEndian.PutUint32(out[head+8:], 0xB1B0AFBA-checksum(out))
	return out
}

// checksum adds up the words of a table.
func checksum(data []byte) (sum uint32) {
	for len(data) >= 4 {
		sum += binary.BigEndian.Uint32(data)
		data = data[4:]
	}
	var last [4]byte
	copy(last[:], data)
	return sum + binary.BigEndian.Uint32(last[:])
}
