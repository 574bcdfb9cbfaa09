package pdf

// Bars draws a row of dark bars from x (from the left edge) at the current
// height, height tall, and goes below it: widths are of a bar, a gap, a bar and
// so on, in modules.
func (d *Document) Bars(x, module, height Length, widths []int) {
	for i, n := range widths {
		w := module * Length(n)
		if i%2 == 0 {
			d.fill(x, d.at, w, height, 0)
		}
		x += w
	}
	d.at += height
}
