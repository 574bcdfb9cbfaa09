package packing

import "slices"

// space is an empty cuboid that cannot be made larger: [from, to) on each axis.
type space struct{ from, to size }

func (s *space) size() size { return size{s.to.x - s.from.x, s.to.y - s.from.y, s.to.z - s.from.z} }

func (s *space) meets(o *space) bool {
	return s.from.x < o.to.x && o.from.x < s.to.x && s.from.y < o.to.y && o.from.y < s.to.y && s.from.z < o.to.z && o.from.z < s.to.z
}

func (s *space) inside(o *space) bool {
	return s.from.x >= o.from.x && s.to.x <= o.to.x && s.from.y >= o.from.y && s.to.y <= o.to.y && s.from.z >= o.from.z && s.to.z <= o.to.z
}

// block is a cuboid of n.x * n.y * n.z pieces that lie alike.
type block struct {
	kind int
	at   size
	turn size // of one piece
	n    size
}

func (b *block) count() int64 { return b.n.volume() }

func (b *block) size() size { return size{b.n.x * b.turn.x, b.n.y * b.turn.y, b.n.z * b.turn.z} }

func (b *block) room() space {
	s := b.size()
	return space{b.at, size{b.at.x + s.x, b.at.y + s.y, b.at.z + s.z}}
}

// way is one manner of filling: which space comes next, and what goes into it.
type way struct {
	next  func(a, b *space) bool
	order int
}

// What goes into a space next: the largest piece, the largest block, the
// longest piece, or the block that leaves the thinnest gaps.
const (
	byPiece = iota
	byBlock
	byLongest
	byGap
)

// Spaces nearest to the floor, to one end wall, or to a corner come first.
func fromFloor(a, b *space) bool {
	return before([3]int64{a.from.z, a.from.y, a.from.x}, [3]int64{b.from.z, b.from.y, b.from.x}, a, b)
}

func fromWall(a, b *space) bool {
	return before([3]int64{a.from.x, a.from.z, a.from.y}, [3]int64{b.from.x, b.from.z, b.from.y}, a, b)
}

func fromSide(a, b *space) bool {
	return before([3]int64{a.from.x, a.from.y, a.from.z}, [3]int64{b.from.x, b.from.y, b.from.z}, a, b)
}

// before compares keys, then prefers the larger space.
func before(ka, kb [3]int64, a, b *space) bool {
	for i := range ka {
		if ka[i] != kb[i] {
			return ka[i] < kb[i]
		}
	}
	sa, sb := a.size(), b.size()
	va, vb := sa.volume(), sb.volume()
	if va != vb {
		return va > vb
	}
	if a.to.x != b.to.x {
		return a.to.x > b.to.x
	}
	return a.to.y > b.to.y
}

// ways are tried in their order, as far as the steps go.
var ways = []way{
	{fromFloor, byPiece}, {fromFloor, byBlock}, {fromWall, byGap}, {fromWall, byBlock}, {fromFloor, byLongest}, {fromWall, byPiece},
	{fromFloor, byGap}, {fromSide, byBlock}, {fromSide, byGap}, {fromWall, byLongest}, {fromSide, byPiece}, {fromSide, byLongest},
}

// load is one filled box.
type load struct {
	crate  int
	blocks []block
	volume int64
	weight int64
	group  int
}

// filling is one box being filled.
type filling struct {
	p      *problem
	crate  *crate
	way    way
	left   []int64 // by kind
	load   load
	spaces []space
	spare  []space
	least  int64 // shortest side of what is left
}

// fill fills one box with what is left, in one way. left is not changed.
func (p *problem) fill(crate int, left []int64, w way) load {
	c := &p.crates[crate]
	f := filling{p: p, crate: c, way: w, left: slices.Clone(left), load: load{crate: crate}, least: MostSideMM}
	for i := range p.kinds {
		if left[i] > 0 {
			f.least = min(f.least, p.kinds[i].size.x, p.kinds[i].size.y, p.kinds[i].size.z)
		}
	}
	f.spaces = append(f.spaces, space{to: c.size})
	for len(f.spaces) > 0 {
		at := 0
		for i := 1; i < len(f.spaces); i++ {
			if w.next(&f.spaces[i], &f.spaces[at]) {
				at = i
			}
		}
		p.steps += len(f.spaces)/8 + 1
		s := f.spaces[at]
		b, ok := f.choose(&s)
		if !ok { // what is left only shrinks, so nothing will ever fit
			f.spaces = slices.Delete(f.spaces, at, at+1)
			continue
		}
		f.place(b)
	}
	return f.load
}

// choose finds what goes into a space.
func (f *filling) choose(s *space) (block, bool) {
	var best block
	var bestScore [4]int64
	found := false
	room := s.size()
	for i := range f.p.kinds {
		if f.left[i] == 0 {
			continue
		}
		k := &f.p.kinds[i]
		f.p.steps++
		if found && f.way.order == byPiece && k.volume < bestScore[0] {
			break // kinds are sorted by it
		}
		if k.group != 0 && f.load.group != 0 && k.group != f.load.group {
			continue
		}
		if k.fragile && s.to.z != f.crate.size.z {
			continue // something may come to lie above it
		}
		most := f.left[i]
		if k.weight > 0 {
			most = min(most, (f.crate.holds-f.load.weight)/k.weight)
		}
		if most <= 0 {
			continue
		}
		for _, t := range k.turns {
			f.p.steps++
			if !t.within(room) {
				continue
			}
			b := block{kind: i, at: s.from, turn: t}
			f.blocks(k, room, most, &b, func() {
				score := f.score(k, &b, room)
				if (!found || greater(score, bestScore)) && f.supported(&b) {
					best, bestScore, found = b, score, true
				}
			})
		}
	}
	return best, found
}

// blocks offers the blocks of a kind that a space can take: rows that fill one
// axis, then another, then the third, in each order of the axes.
func (f *filling) blocks(k *kind, room size, most int64, b *block, offer func()) {
	fit := [3]int64{room.x / b.turn.x, room.y / b.turn.y, room.z / b.turn.z}
	if k.fragile {
		fit[2] = 1
	}
	if most == 1 || fit == [3]int64{1, 1, 1} {
		b.n = size{1, 1, 1}
		offer()
		return
	}
	var seen [6]size
	for i, axes := range [6][3]int{{0, 1, 2}, {1, 0, 2}, {2, 0, 1}, {2, 1, 0}, {0, 2, 1}, {1, 2, 0}} {
		f.p.steps++
		n := [3]int64{1, 1, 1}
		rest := most
		for _, a := range axes {
			n[a] = min(fit[a], rest)
			rest /= n[a]
		}
		b.n = size{n[0], n[1], n[2]}
		seen[i] = b.n
		if !slices.Contains(seen[:i], b.n) {
			offer()
		}
	}
}

func greater(a, b [4]int64) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] > b[i]
		}
	}
	return false
}

func (f *filling) score(k *kind, b *block, room size) [4]int64 {
	s := b.size()
	volume := s.volume()
	gaps := [3]int64{room.x - s.x, room.y - s.y, room.z - s.z}
	slices.Sort(gaps[:])
	switch f.way.order {
	case byPiece:
		return [4]int64{k.volume, volume, -gaps[0], -gaps[1]}
	case byBlock:
		return [4]int64{volume, -gaps[0], -gaps[1], k.volume}
	case byLongest:
		return [4]int64{k.longest, k.volume, volume, -gaps[0]}
	default:
		return [4]int64{-gaps[0], -gaps[1], -gaps[2], volume}
	}
}

// supported says whether each lowest piece of a block lies on enough.
func (f *filling) supported(b *block) bool {
	if b.at.z == 0 || f.p.rules.SupportBps == 0 {
		return true
	}
	need := b.turn.x * b.turn.y * f.p.rules.SupportBps
	for i := range b.n.x {
		for j := range b.n.y {
			x0, y0 := b.at.x+i*b.turn.x, b.at.y+j*b.turn.y
			var on int64
			for n := range f.load.blocks {
				below := f.load.blocks[n].room()
				f.p.steps++
				if below.to.z != b.at.z {
					continue
				}
				dx := min(below.to.x, x0+b.turn.x) - max(below.from.x, x0)
				dy := min(below.to.y, y0+b.turn.y) - max(below.from.y, y0)
				if dx > 0 && dy > 0 {
					on += dx * dy
				}
			}
			if on*10_000 < need {
				return false
			}
		}
	}
	return true
}

// place puts a block in and cuts the spaces it meets.
func (f *filling) place(b block) {
	k := &f.p.kinds[b.kind]
	n := b.count()
	f.left[b.kind] -= n
	f.load.blocks = append(f.load.blocks, b)
	f.load.volume += n * k.volume
	f.load.weight += n * k.weight
	if k.group != 0 {
		f.load.group = k.group
	}
	taken := b.room()
	if k.fragile {
		taken.to.z = f.crate.size.z
	}
	kept, cut := f.spaces[:0], f.spare[:0]
	for _, s := range f.spaces {
		if !s.meets(&taken) {
			kept = append(kept, s)
			continue
		}
		for _, part := range [6]space{
			{s.from, size{taken.from.x, s.to.y, s.to.z}}, {size{taken.to.x, s.from.y, s.from.z}, s.to},
			{s.from, size{s.to.x, taken.from.y, s.to.z}}, {size{s.from.x, taken.to.y, s.from.z}, s.to},
			{s.from, size{s.to.x, s.to.y, taken.from.z}}, {size{s.from.x, s.from.y, taken.to.z}, s.to},
		} {
			if r := part.size(); r.x >= f.least && r.y >= f.least && r.z >= f.least {
				cut = append(cut, part)
			}
		}
	}
	// A part inside of another space, old or new, says nothing.
	whole := len(kept)
	for i := range cut {
		f.p.steps += (whole + len(cut)) / 8
		if !contained(&cut[i], kept[:whole]) && !containedIn(cut, i) {
			kept = append(kept, cut[i])
		}
	}
	f.spaces, f.spare = kept, cut
}

func contained(s *space, in []space) bool {
	for i := range in {
		if s.inside(&in[i]) {
			return true
		}
	}
	return false
}

// containedIn leaves one of several equal parts, the first.
func containedIn(parts []space, i int) bool {
	for j := range parts {
		if j != i && parts[i].inside(&parts[j]) && (j < i || parts[i] != parts[j]) {
			return true
		}
	}
	return false
}
