package demo

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestEveryProductHasItsPicture(t *testing.T) {
	t.Parallel()
	motifs, largest := map[string]bool{}, 0
	for _, p := range firsts(t) {
		handle := p["handle"]
		svg, ok := Picture(handle)
		if !ok {
			t.Errorf("no picture of %s", handle)
			continue
		}
		if again, _ := Picture(handle); !bytes.Equal(svg, again) {
			t.Errorf("%s looks different the second time", handle)
		}
		largest = max(largest, len(svg))
		if len(svg) >= 6<<10 {
			t.Errorf("%s has %d bytes", handle, len(svg))
		}
		checkSVG(t, handle, svg)
		name, m := subjects()[handle].motif()
		if m.svg == "" {
			t.Errorf("%s calls for a drawing %q that is not there", handle, name)
		}
		motifs[name] = true
	}
	t.Logf("%d drawings, the largest picture has %d bytes", len(motifs), largest)
	if len(motifs) < 40 {
		t.Errorf("only %d drawings", len(motifs))
	}
	if svg, ok := Picture("no-such-thing"); ok || svg != nil {
		t.Error("a picture of nothing")
	}
}

// checkSVG reads the picture as strictly as a browser that is given a file.
func checkSVG(t *testing.T, handle string, svg []byte) {
	t.Helper()
	if bytes.ContainsAny(svg, "{}") {
		t.Errorf("%s: a colour is missing in %s", handle, svg)
	}
	dec := xml.NewDecoder(bytes.NewReader(svg))
	elements := 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("%s: %v", handle, err)
			return
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		elements++
		switch start.Name.Local {
		case "svg", "title", "g", "path", "rect", "circle", "ellipse":
		default:
			t.Errorf("%s: <%s> does not belong here", handle, start.Name.Local)
		}
		for _, a := range start.Attr {
			if name := a.Name.Local; name == "href" || name == "style" || name == "id" || strings.HasPrefix(name, "on") || strings.Contains(a.Value, "url(") {
				t.Errorf("%s: %s=%q does not belong here", handle, name, a.Value)
			}
		}
	}
	if elements < 8 || !bytes.Contains(svg, []byte(`viewBox="0 0 800 800"`)) {
		t.Errorf("%s: %d elements", handle, elements)
	}
}

func TestEveryWordLeadsToADrawing(t *testing.T) {
	t.Parallel()
	for _, n := range motifWords {
		if name, m := (subject{handle: n.word}).motif(); m.svg == "" {
			t.Errorf("%s leads to %q, which is not there", n.word, name)
		}
	}
	for category, name := range motifOfCategory {
		if got, m := (subject{handle: "-", category: category}).motif(); got != name || m.svg == "" {
			t.Errorf("%s leads to %q, which is not there", category, name)
		}
	}
	for _, n := range ornamentWords {
		if ornaments[n.name] == "" {
			t.Errorf("%s leads to the ornament %q, which is not there", n.word, n.name)
		}
	}
}

func TestAColourOfTheProductIsInItsPicture(t *testing.T) {
	t.Parallel()
	for handle, colour := range map[string]string{
		"celadon-dinner-plate": "#9fbfa4", "copper-jazzve": "#c47a4a", "pomegranate-candle": "#a8324a", "watering-can": "#4b6b50",
	} {
		if svg, _ := Picture(handle); !bytes.Contains(svg, []byte(colour)) {
			t.Errorf("%s has no %s", handle, colour)
		}
	}
}
