package pdf

import (
	"strings"
	"unicode"

	"github.com/go-text/typesetting/harfbuzz"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/segmenter"
)

// glyph is one shape on a line. Measures are thousandths of the size.
type glyph struct {
	id      uint16
	advance int64
	dx, dy  int64 // where it is drawn, seen from where it stands
}

// cluster is the least that may stand on a line by itself: glyphs and the text
// that they show together.
type cluster struct {
	face   *face
	glyphs []glyph
	text   []rune
	width  int64
	space  bool
	chance chance
}

// chance says whether a line may end before a cluster.
type chance uint8

const (
	never     chance = iota
	emergency        // when nothing else helps: in the middle of a word
	between          // between two syllables of a script without spaces
	good             // where people would
)

// shaper is what shaping needs of a document.
type shaper struct {
	regular, bold []*face // by family; nil until used
	buffer        *harfbuzz.Buffer
	segmenter     segmenter.Segmenter
}

// family is the typefaces for a style, in order of preference, and their faces.
func (d *Document) family(bold bool) ([]*typeface, []*face) {
	s := &d.shaper
	all := typefaces()
	if s.regular == nil {
		s.regular, s.bold = make([]*face, len(all.regular)), make([]*face, len(all.bold))
		s.buffer = harfbuzz.NewBuffer()
	}
	if bold {
		return all.bold, s.bold
	}
	return all.regular, s.regular
}

// clean is text as it can be set on one line: without control characters and
// marks of direction.
func clean(text string) []rune {
	return []rune(strings.Map(func(r rune) rune {
		switch {
		case r == '\u200b' || r == '\u200c' || r == '\u200d' || r == '\u2060':
			return r
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd")))
}

// shape turns one paragraph into clusters, in reading order.
func (d *Document) shape(text string, bold bool) []cluster {
	runes := clean(text)
	if len(runes) == 0 {
		return nil
	}
	kinds, faces := d.family(bold)
	all := make([]cluster, 0, len(runes))
	for from := 0; from < len(runes); {
		which, script, to := span(runes, from, kinds)
		if faces[which] == nil {
			faces[which] = newFace(kinds[which])
			d.faces = append(d.faces, faces[which])
		}
		all = d.run(all, runes, from, to, faces[which], script)
		from = to
	}
	d.chances(all, runes)
	return all
}

// span finds how far one typeface and one script go.
func span(text []rune, from int, kinds []*typeface) (which int, script language.Script, to int) {
	which = -1
	for to = from; to < len(text); to++ {
		r := text[to]
		next, own := pick(r, which, kinds), language.LookupScript(r)
		if which < 0 {
			which = next
			script = kinds[which].script
		}
		if next != which {
			break
		}
		if kinds[which].script != 0 || !own.Strong() {
			continue
		}
		if script != 0 && script != own {
			break
		}
		script = own
	}
	if script == 0 {
		script = language.Latin
	}
	return which, script, to
}

// pick chooses the typeface of a rune: marks and spaces stay with what stands
// before them, all else goes to the first that has it.
func pick(r rune, now int, kinds []*typeface) int {
	joins := unicode.IsMark(r) || unicode.IsSpace(r) || (r >= '\u200b' && r <= '\u200d') || r == '\u2060'
	if now >= 0 && joins && (kinds[now].has(r) || !unicode.IsMark(r)) {
		return now
	}
	for i, k := range kinds {
		if k.has(r) {
			return i
		}
	}
	return max(now, 0)
}

// run shapes text[from:to], of one typeface and script, and appends it.
func (d *Document) run(all []cluster, text []rune, from, to int, f *face, script language.Script) []cluster {
	b := d.shaper.buffer
	b.Clear()
	b.Props = harfbuzz.SegmentProperties{Direction: harfbuzz.LeftToRight, Script: script, Language: language.NewLanguage(d.options.Lang)}
	b.AddRunes(text, from, to-from)
	b.Shape(f.shaping, nil)
	for i := 0; i < len(b.Info); {
		c := cluster{face: f}
		begins := b.Info[i].Cluster
		for ; i < len(b.Info) && b.Info[i].Cluster == begins; i++ {
			p := b.Pos[i]
			c.glyphs = append(c.glyphs, glyph{uint16(b.Info[i].Glyph), int64(p.XAdvance), int64(p.XOffset), int64(p.YOffset)})
			c.width += int64(p.XAdvance)
		}
		ends := to
		if i < len(b.Info) {
			ends = b.Info[i].Cluster
		}
		c.text = text[begins:ends]
		c.space = strings.TrimFunc(string(c.text), blank) == ""
		all = append(all, c)
	}
	return all
}

// blank is what may vanish at the end of a line.
func blank(r rune) bool {
	return r == ' ' || r == '\u200b' || unicode.Is(unicode.Zs, r) && r != '\u00a0' && r != '\u202f'
}

// chances finds where lines may end.
func (d *Document) chances(all []cluster, text []rune) {
	d.shaper.segmenter.Init(text)
	ends := map[int]bool{}
	for it := d.shaper.segmenter.LineIterator(); it.Next(); {
		l := it.Line()
		ends[l.Offset+len(l.Text)] = true
	}
	at := 0
	for i := range all {
		c := &all[i]
		switch {
		case i == 0 || unicode.IsMark(text[at]) || text[at-1] == coeng:
			c.chance = never
		case ends[at]:
			c.chance = good
		case khmerLetter(text[at]) && khmer(text[at-1]):
			c.chance = between
		default:
			c.chance = emergency
		}
		at += len(c.text)
	}
}

// coeng puts the Khmer letter after it below the one before it.
const coeng = '\u17d2'

func khmerLetter(r rune) bool { return r >= '\u1780' && r <= '\u17b3' }

// khmer are the letters and signs inside words.
func khmer(r rune) bool { return r >= '\u1780' && r <= '\u17d3' || r == '\u17dd' }

// line is what stands on one line.
type line struct {
	clusters        []cluster
	width           int64
	ascent, descent int64
}

// wrap breaks text into lines of at most width; a newline ends a line. There is
// at least one line.
func (d *Document) wrap(text string, s Style, width Length) []line {
	var all []line
	room := int64(width) * perEm / int64(max(s.Size, 1))
	for paragraph := range strings.SplitSeq(text, "\n") {
		rest := d.shape(paragraph, s.Bold)
		for {
			n := fit(rest, room)
			all = append(all, d.line(rest[:n], s.Bold))
			if rest = rest[n:]; len(rest) == 0 {
				break
			}
		}
	}
	return all
}

// line is clusters without the spaces at their ends.
func (d *Document) line(clusters []cluster, bold bool) line {
	for len(clusters) > 0 && clusters[0].space {
		clusters = clusters[1:]
	}
	for len(clusters) > 0 && clusters[len(clusters)-1].space {
		clusters = clusters[:len(clusters)-1]
	}
	kinds, _ := d.family(bold)
	l := line{clusters: clusters, ascent: kinds[0].ascent, descent: kinds[0].descent}
	for _, c := range clusters {
		l.width += c.width
		l.ascent, l.descent = max(l.ascent, c.face.ascent), max(l.descent, c.face.descent)
	}
	return l
}

// fit is how many clusters stand on the first line.
func fit(all []cluster, room int64) int {
	var width, used int64
	last := [...]int{emergency: 0, between: 0, good: 0}
	filled := int64(0) // by what stands before the last good end
	for i, c := range all {
		if i > 0 && c.chance != never {
			last[c.chance] = i
			if c.chance == good {
				filled = used
			}
		}
		width += c.width
		if c.space {
			continue
		}
		if width > room && i > 0 {
			switch {
			// A line of syllables that is three fifths full may end between words.
			case last[good] > 0 && (last[between] <= last[good] || 5*filled >= 3*room):
				return last[good]
			case last[between] > 0:
				return last[between]
			case last[emergency] > 0:
				return last[emergency]
			}
		}
		used = width
	}
	return len(all)
}

// Width is how wide text is on one line.
func (d *Document) Width(s Style, text string) Length {
	var w int64
	for _, c := range d.shape(text, s.Bold) {
		w += c.width
	}
	return scale(w, s.Size)
}

// scale turns thousandths of a size into a length, rounded up.
func scale(units int64, size Length) Length {
	return (Length(units)*size + perEm - 1) / perEm
}
