package packing_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"doorstep/shipping/packing"
	"doorstep/shipping/packing/packingtest"
)

func TestTheDrawingShowsEveryPiece(t *testing.T) {
	t.Parallel()
	s := packingtest.NewSample(150)
	s.Items[0].SKU = `<&"kettle">`
	plan := pack(t, s.Boxes, s.Items, s.Rules)
	pieces, levels := 0, 0
	for _, p := range plan.Parcels {
		pieces += len(p.Pieces)
		heights := map[int64]bool{}
		for _, piece := range p.Pieces {
			heights[piece.Z] = true
		}
		levels += len(heights)
	}
	svg := string(packing.Draw(plan.Parcels, "DS-1 & more"))
	reader := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := reader.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	faces := 3 * (pieces + len(plan.Parcels))
	if got := strings.Count(svg, `stroke-linejoin="round"`); got != faces {
		t.Errorf("%d faces are drawn, not %d", got, faces)
	}
	if got := strings.Count(svg, ">level "); got != levels {
		t.Errorf("%d levels are drawn, not %d", got, levels)
	}
	if !strings.Contains(svg, "&lt;&amp;&#34;kettle&#34;&gt;") || strings.Contains(svg, "<&") {
		t.Error("a name is not escaped")
	}
}
