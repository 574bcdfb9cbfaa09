package api

import (
	"strings"
	"testing"
)

func TestGoodsArePackedForThePacker(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/shipping/pack"
	box := `"boxes":[{"id":"small","l_mm":200,"w_mm":150,"h_mm":100,"weight_g":100,"cost":80}]`
	run(t, s, []scenario{
		{name: "one box", method: "POST", path: path, header: with(rootKey), body: `{"items":[{"sku":"MUG","quantity":2,"l_mm":100,"w_mm":90,"h_mm":80,"weight_g":350}],` + box + `}`, status: 200,
			want: []string{`"box":"small"`, `"weight_g":800`, `"fill_bps":4800`, `{"sku":"MUG","quantity":1,"x_mm":100,"y_mm":0,"z_mm":0,"l_mm":100,"w_mm":80,"h_mm":90}`, `"left":[]`, `"cost":80`, `"svg":"<svg xmlns=`}},
		{name: "this way up", method: "POST", path: path, header: with(rootKey), body: `{"items":[{"sku":"VASE","quantity":1,"l_mm":80,"w_mm":80,"h_mm":190,"this_way_up":true}],` + box + `}`, status: 200,
			want: []string{`"box":""`, `"h_mm":190`}},
		{name: "no sides", method: "POST", path: path, header: with(rootKey), body: `{"items":[{"sku":"MUG","quantity":2}]}`, status: 422, want: []string{"property l_mm"}},
		{name: "the same box twice", method: "POST", path: path, header: with(rootKey), body: `{"items":[{"sku":"MUG","quantity":1,"l_mm":1,"w_mm":1,"h_mm":1}],"boxes":[{"id":"a","l_mm":1,"w_mm":1,"h_mm":1},{"id":"a","l_mm":1,"w_mm":1,"h_mm":1}]}`, status: 422,
			want: []string{`"code":"packing_invalid"`, `"location":"body.boxes[1].id"`}},
		{name: "too many pieces", method: "POST", path: path, header: with(rootKey), body: `{"items":[{"sku":"A","quantity":600,"l_mm":1,"w_mm":1,"h_mm":1},{"sku":"B","quantity":600,"l_mm":1,"w_mm":1,"h_mm":1}],` + box + `}`, status: 422,
			want: []string{`"location":"body.items"`}},
		{name: "not for shoppers", method: "POST", path: path, body: `{"items":[{"sku":"MUG","quantity":2,"l_mm":100,"w_mm":90,"h_mm":80}]}`, status: 403},
	})
	if n := len(rooms.seen()); n == 0 {
		t.Error("the room was not asked")
	}
	res, body := send(t, s, "POST", path, with(rootKey), `{"items":[{"sku":"<script>","quantity":1,"l_mm":100,"w_mm":90,"h_mm":80}],`+box+`}`)
	if res.StatusCode != 200 || strings.Contains(body, "><script>") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
