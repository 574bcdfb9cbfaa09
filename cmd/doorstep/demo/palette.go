package demo

import (
	"fmt"
	"strings"
)

// colour is 0xRRGGBB.
type colour int

func (c colour) String() string { return fmt.Sprintf("#%06x", int(c)) }

// mix is the colour between c and d, per cent of the way.
func (c colour) mix(d colour, percent int) colour {
	out := 0
	for shift := 16; shift >= 0; shift -= 8 {
		from, to := int(c)>>shift&255, int(d)>>shift&255
		out |= (from + (to-from)*percent/100) << shift
	}
	return colour(out)
}

// apart is how different two colours look: the sum over red, green and blue.
func (c colour) apart(d colour) int {
	sum := 0
	for shift := 16; shift >= 0; shift -= 8 {
		sum += max(int(c)>>shift&255-int(d)>>shift&255, int(d)>>shift&255-int(c)>>shift&255)
	}
	return sum
}

const (
	ink   colour = 0x3a3340
	white colour = 0xffffff
)

// colourWords are the colours of the catalogue, the telling word first.
var colourWords = []struct {
	word string
	colour
}{
	{"red on white", 0xefe9dd}, {"pomegranate", 0xa8324a}, {"copper", 0xc47a4a}, {"brass", 0xc9a24b}, {"gold", 0xd3a944}, {"celadon", 0x9fbfa4},
	{"terracotta", 0xc96f4a}, {"walnut", 0x7d5539}, {"chestnut", 0x7f4f35}, {"madder", 0xb1463c}, {"indigo", 0x3d4a7d},
	{"cobalt", 0x33539b}, {"navy", 0x32456b}, {"deep blue", 0x2f4f86}, {"ink blue", 0x2f4a73}, {"sky", 0x86b3cf},
	{"turquoise", 0x4ba7a6}, {"teal", 0x3b8584}, {"blue and white", 0x5d86b5}, {"blue and rose", 0x6f8dbb}, {"blue", 0x4b73a8},
	{"forest", 0x4b6b50}, {"olive", 0x84874f}, {"sage", 0xa3b497}, {"moss", 0x7c8c58}, {"lemongrass", 0xb5bf6a}, {"green", 0x6f9660},
	{"apricot", 0xeba661}, {"saffron", 0xe2a23a}, {"mustard", 0xd3a23c}, {"ochre", 0xc99444}, {"honey", 0xdba84e}, {"amber", 0xcf9140},
	{"orange", 0xe08a45}, {"yellow", 0xe0b446}, {"straw", 0xdcbf7f}, {"rust", 0xb5623f}, {"clay", 0xb9775a},
	{"rose", 0xd79a94}, {"pink", 0xe2a3ae}, {"blush", 0xe0aea4}, {"fuchsia", 0xc2447f}, {"plum", 0x7a4468}, {"purple", 0x775089},
	{"wine", 0x7d3146}, {"fig", 0x75496a}, {"lavender", 0x9d8fc0}, {"pastel", 0xd9a7b4}, {"lotus", 0xdf9fb0}, {"red", 0xb93d42},
	{"charcoal", 0x565259}, {"slate", 0x66727f}, {"black", 0x4a454d}, {"grey", 0x8b9096}, {"brown", 0x8a6040}, {"cedar", 0x9a6a4a},
	{"ash", 0xcdb08a}, {"jasmine", 0xf1e7cb}, {"sand", 0xd9bf97}, {"oatmeal", 0xd8c6a8}, {"natural", 0xdcc6a0}, {"cream", 0xeaddc0},
	{"ivory", 0xeee3cb}, {"white", 0xefe9dd}, {"cloud", 0xd5dde3}, {"clear", 0xb9d3d9},
}

// mains are for products that name no colour.
var mains = []colour{0xb5623f, 0x4f7a79, 0xc98f4a, 0x7b5d8b, 0x5f8560, 0xa8485a, 0x4b6d9c, 0xc4765c}

// grounds are the soft colours behind a product.
var grounds = []colour{0xf2e6d4, 0xf5dfd6, 0xdfe8d8, 0xd9e6ec, 0xe8e0ee, 0xf6ebc8, 0xe8e3da}

// accents go with other colours.
var accents = []colour{0xe0a83f, 0xb93d42, 0x3f7f7a, 0xf3e4c4, 0x35507f, 0xdc8f6a}

// main is the product's own colour: what it says, else what its handle says,
// else one that its handle draws.
func (s subject) main() colour {
	for _, text := range []string{strings.ToLower(s.colour), s.handle} {
		for _, c := range colourWords {
			if strings.Contains(text, c.word) && (text != s.handle || strings.Contains("-"+text+"-", "-"+c.word+"-")) {
				return c.colour
			}
		}
	}
	return mains[s.hashed()%len(mains)]
}

// pick is the first of list from start on that differs enough from all others.
func pick(list []colour, start, enough int, others ...colour) colour {
	for i := range list {
		c := list[(start+i)%len(list)]
		good := true
		for _, o := range others {
			good = good && c.apart(o) >= enough
		}
		if good {
			return c
		}
	}
	return list[start%len(list)]
}

// palette turns the letters of a drawing into colours.
func (s subject) palette(motif, ornament string) *strings.Replacer {
	main := s.main()
	ground := pick(grounds, s.hashed(), 110, main)
	accent := s.tint(motif, ornament, main, pick(accents, s.hashed()/7, 170, main, ground))
	return strings.NewReplacer(
		"{0}", ground.String(), "{1}", ground.mix(white, 45).String(), "{2}", ground.mix(ink, 14).String(),
		"{m}", main.String(), "{d}", main.mix(ink, 22).String(), "{D}", main.mix(ink, 48).String(),
		"{l}", main.mix(white, 30).String(), "{L}", main.mix(white, 62).String(),
		"{a}", accent.String(), "{A}", accent.mix(ink, 25).String(),
		"{w}", "#fffaf0", "{c}", "#f1e3c8", "{C}", "#e0cba4", "{t}", "#c89b66", "{T}", "#94683f", "{g}", "#83a06d", "{G}", "#587850",
		"{k}", ink.String(), "{f}", "#f7b84b", "{b}", "#c9a24b", "{B}", "#9d7a30", "{s}", "#b9c0c6", "{S}", "#868f98",
	)
}
