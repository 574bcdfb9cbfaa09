package policy

// tri is three-valued truth: what is missing is neither true nor false.
type tri uint8

const (
	no tri = iota
	yes
	unknown
	unasked // in caches only
)

func truth(b bool) tri {
	if b {
		return yes
	}
	return no
}

func (t tri) not() tri {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return t
}

// place is a compiled Place; empty parts fit everything.
type place struct {
	region, city string
	post         postSpec
}

// zone holds its places by country, so that a destination is compared only with
// those of its own.
type zone struct {
	id             string
	match, exclude map[string][]place
}

func compileZone(z *Zone, at string, bad *problems) zone {
	return zone{z.ID, compilePlaces(z.Match, at+".match", bad), compilePlaces(z.Exclude, at+".exclude", bad)}
}

func compilePlaces(list []Place, at string, bad *problems) map[string][]place {
	out := make(map[string][]place, 1)
	for i := range list {
		p := &list[i]
		made := place{region: regionOf(p.Country, p.Region), city: fold(p.City)}
		ways := 0
		for _, given := range [...]string{p.Exact, p.Prefix, p.From + p.To} {
			if given != "" {
				ways++
			}
		}
		switch {
		case ways > 1:
			bad.add(index(at, i), "has more than one of exact, prefix, and from with to")
		case (p.From == "") != (p.To == ""):
			bad.add(index(at, i), "has only one of from and to")
		case p.Exact != "":
			made.post = makeSpec(exactPost, p.Exact, "")
		case p.Prefix != "":
			made.post = makeSpec(prefixPost, p.Prefix, "")
		case p.From != "":
			made.post = makeSpec(rangePost, p.From, p.To)
		}
		country := countryOf(p.Country)
		if made.post.kind != anyPost {
			if wrong := made.post.wrong(country); wrong != "" {
				bad.add(index(at, i), "%s", wrong)
			}
		}
		out[country] = append(out[country], made)
	}
	return out
}

// holds says whether the destination is in the zone, and which fact is missing
// to tell when it is unknown.
func (z *zone) holds(d *dest) (tri, fieldID) {
	if d.country == "" {
		return unknown, destCountry
	}
	in, field := among(z.match[d.country], d)
	if in == no {
		return no, field
	}
	out, missing := among(z.exclude[d.country], d)
	switch {
	case out == yes:
		return no, field
	case in == unknown:
		return unknown, field
	case out == unknown:
		return unknown, missing
	}
	return yes, field
}

// among is whether the destination fits one of the places of its country.
func among(places []place, d *dest) (result tri, missing fieldID) {
	for i := range places {
		switch fits, field := places[i].fits(d); fits {
		case yes:
			return yes, field
		case unknown:
			if result == no {
				result, missing = unknown, field
			}
		}
	}
	return result, missing
}

func (p *place) fits(d *dest) (tri, fieldID) {
	result, missing := yes, destCountry
	if p.region != "" && p.region != d.region {
		if d.region != "" {
			return no, destRegion
		}
		result, missing = unknown, destRegion
	}
	if p.city != "" && p.city != d.city {
		if d.city != "" {
			return no, destCity
		}
		result, missing = unknown, destCity
	}
	if p.post.kind == anyPost {
		return result, missing
	}
	switch d.postcode.match(&p.post) {
	case no:
		return no, destPostcode
	case unknown:
		return unknown, destPostcode
	}
	return result, missing
}

// inZone decides once for each quote and zone.
func (c *call) inZone(i int) (tri, fieldID) {
	if c.zones[i].result == unasked {
		z := &c.zones[i]
		z.result, z.missing = c.p.zones[i].holds(&c.dest)
	}
	return c.zones[i].result, c.zones[i].missing
}

type zoneState struct {
	result  tri
	missing fieldID
}

// ZoneMatch is which zones a destination is in.
type ZoneMatch struct {
	// Zones are ids in byte order.
	Zones []string `json:"zones"`
	// Unknown are zones that cannot be decided with what is known of the place.
	Unknown []string `json:"unknown,omitempty"`
	// Warning is postcode_format when the postcode cannot be one of its country,
	// missing when facts are missing, else empty.
	Warning string `json:"warning,omitempty"`
}

// Zones says which zones of the policy a destination is in.
func (p *Policy) Zones(d Dest) ZoneMatch {
	c := p.newCall(&Request{Dest: d})
	out := ZoneMatch{Zones: []string{}}
	for i := range p.zones {
		switch in, _ := c.inZone(i); in {
		case yes:
			out.Zones = append(out.Zones, p.zones[i].id)
		case unknown:
			out.Unknown = append(out.Unknown, p.zones[i].id)
		}
	}
	switch {
	case c.dest.postcode.code != "" && !c.dest.postcode.valid:
		out.Warning = "postcode_format"
	case len(out.Unknown) > 0:
		out.Warning = "missing"
	}
	return out
}
