package demo

import "strings"

// ornamentWords say which ornament a handle calls for.
var ornamentWords = []named{
	{"pomegranate", "pomegranate"}, {"ararat", "peaks"}, {"mountain-honey", "comb"}, {"mountain", "peaks"}, {"lotus", "lotus"}, {"apricot", "apricot"}, {"apricots", "apricot"},
	{"pepper", "pepper"}, {"coffee", "bean"}, {"chilli", "chilli"}, {"mango", "apricot"}, {"cashews", "bean"}, {"walnut-preserve", "bean"},
	{"kroeung", "leaf"}, {"lemongrass", "leaf"}, {"thyme", "leaf"}, {"basil", "leaf"}, {"tarragon", "leaf"}, {"herb", "leaf"}, {"tea", "leaf"},
	{"palm", "palm"}, {"angkor", "towers"}, {"rice", "fish"}, {"market", "fish"}, {"bread", "wheat"}, {"linen-bread", "wheat"},
	{"khmer", "palm"}, {"alphabet", "letter"}, {"kids", "star"}, {"krama", "check"}, {"kilim", "diamond"}, {"marash", "diamond"}, {"embroidered", "flower"},
	{"jasmine", "flower"}, {"lavender", "flower"}, {"blossom", "flower"}, {"soy", "flower"}, {"weekly", "star"}, {"block", "flower"}, {"kaftan", "diamond"}, {"room", "leaf"}, {"gift-pouches", "check"},
}

// ornaments are drawn around 0,0 within 100 on each side, in the accent colour.
var ornaments = map[string]string{
	"pomegranate": `<path d="M-30-62l-14-34 24 16 20-24 20 24 24-16-14 34z" fill="{A}"/><circle cy="12" r="80" fill="{a}"/><path d="M-6-30q52 14 44 84-60 6-66-40 0-30 22-44z" fill="{w}" opacity=".9"/><g fill="{A}"><circle cx="2" cy="0" r="11"/><circle cx="24" cy="18" r="11"/><circle cx="-8" cy="26" r="11"/><circle cx="16" cy="42" r="11"/></g>`,
	"peaks":       `<path d="M-110 60L-36-60 6 12 40-34 110 60z" fill="{a}"/><path d="M-36-60l-24 40 14-4 12 12 12-12 10 2zM40-34L22-8l12-2 10 10 12-12z" fill="{w}"/>`,
	"lotus":       `<g fill="{a}"><path d="M0-70q40 50 0 120-40-70 0-120z"/><path d="M-86-24q62 4 80 76-72-8-80-76zM86-24q-62 4-80 76 72-8 80-76z"/></g><path d="M-44-52q50 34 42 104-56-34-42-104zM44-52Q-6-18 2 52q56-34 42-104z" fill="{A}" opacity=".55"/>`,
	"apricot":     `<circle r="66" cy="8" fill="{a}"/><path d="M-6-56q-40 60 0 128" fill="none" stroke="{A}" stroke-width="9" stroke-linecap="round"/><path d="M0-56q20-44 72-36-16 44-72 36z" fill="{g}"/>`,
	"pepper":      `<g fill="{a}"><circle cx="-40" cy="-34" r="26"/><circle cx="26" cy="-48" r="26"/><circle cx="54" cy="14" r="26"/><circle cx="-8" cy="10" r="26"/><circle cx="-54" cy="38" r="26"/><circle cx="14" cy="64" r="26"/></g><path d="M-80-74Q0-20 60 90" fill="none" stroke="{G}" stroke-width="8" opacity=".5"/>`,
	"bean":        `<g transform="rotate(-28)"><ellipse cx="-34" rx="42" ry="62" fill="{a}"/><path d="M-34-56q-22 30 0 56t0 56" fill="none" stroke="{A}" stroke-width="9"/><ellipse cx="50" cy="22" rx="34" ry="52" fill="{A}"/><path d="M50-24q-16 24 0 46t0 46" fill="none" stroke="{a}" stroke-width="8"/></g>`,
	"chilli":      `<path d="M-36-50q80 10 70 130-14 10-20-6Q10-4-56-18z" fill="#c8403a"/><path d="M-36-50l-26 2 6 32 24-8zM-48-46q-10-24 8-44" fill="{G}" stroke="{G}" stroke-width="8"/>`,
	"leaf":        `<path d="M0 90q0-80 0-160" stroke="{G}" stroke-width="8" fill="none"/><g fill="{g}"><path d="M0 60q-70 6-76-58Q-6-4 0 60zM0 30q70 6 76-58Q6-34 0 30zM0-10q-52 0-54-56 50 0 54 56zM0-30q46-6 44-58Q2-82 0-30z"/></g>`,
	"palm":        `<path d="M-8 94q14-70 2-130h14q10 66-2 130z" fill="{T}"/><g fill="{G}"><path d="M0-36q-50-52-92-4 50-6 92 4zM0-36q50-52 92-4-50-6-92 4zM0-36q-70-14-76 44 30-40 76-44zM0-36q70-14 76 44-30-40-76-44zM0-36q-30-60 0-64 30 4 0 64z"/></g>`,
	"towers":      `<g fill="{a}"><path d="M-18 70v-90q0-40 18-76 18 36 18 76v90zM-78 70V10q0-30 16-54 16 24 16 54v60zM46 70V10q0-30 16-54 16 24 16 54v60z"/><path d="M-104 60h208v22h-208z"/></g>`,
	"fish":        `<path d="M-92 0q70-78 140-8l46-40q-10 48 0 96L48 8q-70 70-140-8z" fill="{a}"/><circle cx="-50" cy="-10" r="9" fill="{w}"/><path d="M-18-34q20 34 0 68M14-32q20 34 0 64" fill="none" stroke="{A}" stroke-width="8"/>`,
	"wheat":       `<path d="M0 96V-50" stroke="{B}" stroke-width="8"/><g fill="{b}"><path d="M0-96q24 26 0 56-24-30 0-56zM0 0q-48-4-44-50 46 4 44 50zM0 0q48-4 44-50Q-2-46 0 0zM0 48q-48-4-44-50 46 4 44 50zM0 48q48-4 44-50Q-2 2 0 48z"/></g>`,
	"letter":      `<path d="M-54-56v64a44 44 0 0 0 88 0v-64M34 8v52h36" fill="none" stroke="{a}" stroke-width="22" stroke-linecap="round" stroke-linejoin="round"/>`,
	"star":        `<path d="M0-86l24 54 60 6-46 40 14 58L0 42l-52 30 14-58-46-40 60-6z" fill="{a}"/>`,
	"check":       `<path d="M-100-60h200M-100 0h200M-100 60h200M-60-100v200M0-100v200M60-100v200" stroke="{w}" stroke-width="16" opacity=".75"/>`,
	"diamond":     `<path d="M0-90l90 90L0 90-90 0z" fill="{a}"/><path d="M0-54L54 0 0 54-54 0z" fill="{w}"/><path d="M0-26L26 0 0 26-26 0z" fill="{A}"/>`,
	"flower":      `<g fill="{a}"><ellipse cy="-46" rx="26" ry="40"/><ellipse cy="-46" rx="26" ry="40" transform="rotate(72)"/><ellipse cy="-46" rx="26" ry="40" transform="rotate(144)"/><ellipse cy="-46" rx="26" ry="40" transform="rotate(216)"/><ellipse cy="-46" rx="26" ry="40" transform="rotate(288)"/></g><circle r="20" fill="{f}"/>`,
	"comb":        `<g fill="{a}" stroke="{A}" stroke-width="7"><path d="M-70-36l34-20 34 20v40l-34 20-34-20zM2-36l34-20 34 20v40L36 24 2 4zM-34 26l34-20 34 20v40L0 86l-34-20z"/></g>`,
}

// natural are the colours of ornaments that have one. On goods of much the same
// colour the accent stands in.
var natural = map[string]colour{
	"pomegranate": 0xb23a48, "apricot": 0xe99a4f, "pepper": 0x4b434a, "bean": 0x7a4f37, "lotus": 0xdc8fa5, "comb": 0xdfa63c,
	"peaks": 0x5d7fa8, "flower": 0xf4ead2, "towers": 0x9a7357, "fish": 0xd9703f,
}

// labelled are the drawings that carry their ornament on a white label.
var labelled = map[string]bool{"pack": true, "jar": true, "bottle": true, "seeds": true, "calendar": true, "cards": true, "spray": true, "candle": true}

// tint is the colour of the product's ornament, given the accent for a doubt.
func (s subject) tint(motif, ornament string, main, accent colour) colour {
	c, ok := natural[ornament]
	switch {
	case !ok:
		return accent
	case ornament == "pepper" && strings.Contains(s.handle, "red"):
		return 0xb3413c
	case ornament == "flower" && labelled[motif]:
		return 0xd79a94
	case (ornament == "pomegranate" || ornament == "apricot") && c.apart(main) < 150 && !labelled[motif]:
		return 0xf3d3b0
	case !labelled[motif] && c.apart(main) < 150:
		return accent
	}
	return c
}
