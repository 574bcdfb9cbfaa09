package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"doorstep/shipping/policy"
)

// inPlace says whether a destination is in a zone made of one place.
func inPlace(t *testing.T, place, country, postcode string) string {
	t.Helper()
	p := compile(t, `{"currency":"USD","zones":[{"id":"z","match":[`+place+`]}],"methods":[]}`)
	m := p.Zones(policy.Dest{Country: country, Postcode: postcode})
	switch {
	case len(m.Zones) == 1:
		return "yes"
	case len(m.Unknown) == 1:
		return "unknown " + m.Warning
	}
	return "no"
}

func TestPostcodesAreUnderstoodAsTheirCountryDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ country, spec, postcode, want string }{
		{"US", `"from":"01000","to":"02999"`, "02139-4307", "yes"},
		{"US", `"from":"01000","to":"02999"`, "2139", "unknown postcode_format"},
		{"US", `"from":"01000","to":"02999"`, "03000", "no"},
		{"US", `"from":"010","to":"029"`, "02999", "yes"},
		{"US", `"prefix":"9"`, "90210", "yes"},
		{"US", `"exact":"90210"`, "90210-1234", "yes"},
		{"DE", `"exact":"10115"`, "D-10115", "yes"},
		{"DE", `"from":"10115","to":"10115"`, "10115", "yes"},
		{"DE", `"from":"10115","to":"10116"`, "10117", "no"},
		{"GB", `"prefix":"SW1"`, "SW1A 1AA", "yes"},
		{"GB", `"prefix":"SW1"`, "sw11 1aa", "no"},
		{"GB", `"prefix":"S"`, "SW1A 1AA", "no"},
		{"GB", `"prefix":"S"`, "S1 2BJ", "yes"},
		{"GB", `"exact":"SW1"`, "SW1A1AA", "no"},
		{"GB", `"exact":"SW1A"`, "sw1a1aa", "yes"},
		{"GB", `"exact":"SW1A 1AA"`, "SW1A-1AA", "yes"},
		{"GB", `"prefix":"M1 1"`, "M1 1AE", "yes"},
		{"GB", `"prefix":"M1 1"`, "M11 1AE", "no"},
		{"GB", `"prefix":"M1 1"`, "M1", "unknown postcode_missing"},
		{"GB", `"from":"BT1","to":"BT94"`, "BT15 2GZ", "yes"},
		{"GB", `"from":"BT1","to":"BT9"`, "BT15 2GZ", "no"},
		{"GB", `"from":"SW1","to":"SW5"`, "SW5A 2GZ", "yes"},
		{"UK", `"from":"BT1","to":"BT94"`, "BT15 2GZ", "yes"},
		{"GB", `"prefix":"BT"`, "not a code", "unknown postcode_format"},
		{"IE", `"prefix":"D0"`, "D02 AF30", "yes"},
		{"IE", `"exact":"D02"`, "D02AF30", "yes"},
		{"IE", `"from":"D01","to":"D08"`, "D6W XK28", "yes"},
		{"IE", `"from":"D07","to":"D08"`, "D6W XK28", "no"},
		{"CA", `"prefix":"K1A"`, "k1a 0b1", "yes"},
		{"CA", `"from":"K1A","to":"K1Z"`, "K1M 1A1", "yes"},
		{"CA", `"from":"K1A","to":"K1Z"`, "K2A 1A1", "no"},
		{"CA", `"prefix":"K1"`, "12345", "unknown postcode_format"},
		{"NL", `"from":"1000","to":"1099"`, "1012 AB", "yes"},
		{"NL", `"from":"1012AA","to":"1012AM"`, "1012 AN", "no"},
		{"AM", `"from":"0001","to":"0099"`, "370010", "yes"},
		{"AM", `"prefix":"00"`, "0010", "yes"},
		{"KH", `"from":"120000","to":"129999"`, "120101", "yes"},
		{"KH", `"from":"120000","to":"129999"`, "12000", "yes"},
		{"KH", `"prefix":"12"`, "១២០១០១", "yes"},
		{"KH", `"from":"120000","to":"129999"`, "13000", "no"},
		{"JP", `"from":"900-0000","to":"907-9999"`, "9040113", "yes"},
		{"PL", `"prefix":"00-9"`, "00-950", "yes"},
		{"BR", `"from":"01000-000","to":"05999-999"`, "01310-100", "yes"},
		{"SE", `"exact":"114 55"`, "11455", "yes"},
		{"AE", `"exact":"1"`, "", "no"},
		{"ZZ", `"from":"A10","to":"A19"`, "a15b", "yes"},
		{"DE", `"exact":"10115"`, "", "unknown missing"},
	} {
		country := c.country
		if country == "UK" {
			country = "GB"
		}
		got := inPlace(t, `{"country":"`+country+`",`+c.spec+`}`, c.country, c.postcode)
		if want := strings.Replace(c.want, "postcode_missing", "missing", 1); got != want {
			t.Errorf("%s %s holds %q: got %s, want %s", c.country, c.spec, c.postcode, got, want)
		}
	}
}

func TestPostcodesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ place, want string }{
		{`{"country":"US","exact":"9021"}`, "does not look like"},
		{`{"country":"US","from":"90210-1234","to":"91000"}`, "does not look like"},
		{`{"country":"US","from":"91000","to":"90000"}`, "ends before"},
		{`{"country":"US","from":"91000"}`, "only one of from and to"},
		{`{"country":"US","exact":"90210","prefix":"9"}`, "more than one of"},
		{`{"country":"GB","from":"BT1","to":"SW1"}`, "same area"},
		{`{"country":"GB","from":"BT10","to":"BT9"}`, "ends before"},
		{`{"country":"GB","exact":"SW"}`, "whole outward"},
		{`{"country":"GB","prefix":"123"}`, "British"},
		{`{"country":"CA","prefix":"KK"}`, "does not look like"},
		{`{"country":"us"}`, "two capital letters"},
	} {
		_, err := policy.Load([]byte(`{"currency":"USD","zones":[{"id":"z","match":[` + c.place + `]}],"methods":[]}`))
		if got := fmt.Sprint(problemsOf(err)); err == nil || !strings.Contains(got, c.want) || !strings.Contains(got, "zones[0].match[0]") {
			t.Errorf("%s: got %s", c.place, got)
		}
	}
}

func TestExcludeWinsAndRegionsAndCitiesNarrow(t *testing.T) {
	t.Parallel()
	p := compile(t, `{"currency":"USD","zones":[
		{"id":"mainland","match":[{"country":"US"},{"country":"DE","city":"Berlin"}],"exclude":[{"country":"US","region":"HI"},{"country":"US","prefix":"995"}]},
		{"id":"west","match":[{"country":"US","region":"US-CA"},{"country":"US","region":"WA"}]}],
		"methods":[{"id":"m","zones":["mainland"],"price":{"type":"flat","amount":1000}},{"id":"n","price":{"type":"flat","amount":1}}]}`)
	for _, c := range []struct{ dest, zones, want string }{
		{`{"country":"US","region":"CA","postcode":"90210"}`, "[mainland west]", "1000"},
		{`{"country":"us","region":"us-ca","postcode":"90210"}`, "[mainland west]", "1000"},
		{`{"country":"US","region":"HI","postcode":"96801"}`, "[]", "zone_not_served"},
		{`{"country":"US","region":"AK","postcode":"99501"}`, "[]", "zone_not_served"},
		{`{"country":"US","region":"CA"}`, "[west]", "insufficient_data dest.postcode"},
		{`{"country":"US","postcode":"90210"}`, "[]", "insufficient_data dest.region"},
		{`{"country":"DE","city":" BERLIN"}`, "[mainland]", "1000"},
		{`{"country":"DE","city":"Bonn"}`, "[]", "zone_not_served"},
		{`{"country":"DE"}`, "[]", "insufficient_data dest.city"},
		{`{"country":"FR"}`, "[]", "zone_not_served"},
		{`{}`, "[]", "insufficient_data dest.country"},
	} {
		req := request(t, `{"dest":`+c.dest+`}`)
		if got := fmt.Sprint(p.Zones(req.Dest).Zones); got != c.zones {
			t.Errorf("%s is in %s, want %s", c.dest, got, c.zones)
		}
		a := p.Quote(req)
		if got := outcome(a); got != c.want {
			t.Errorf("%s: got %s, want %s", c.dest, got, c.want)
		}
		if len(a.Options) == 0 || a.Options[0].Method != "n" {
			t.Errorf("%s: the method without zones is not offered everywhere", c.dest)
		}
	}
}

func TestBoxesAndForcesAreReadFromTheAddress(t *testing.T) {
	t.Parallel()
	p := compile(t, one(
		`{"id":"box","phase":"eligibility","methods":"*","when":{"field":"dest.is_po_box","op":"eq","value":true},"then":[{"action":"hide","code":"po_box_not_served"}]}`,
		`{"id":"apo","phase":"eligibility","methods":"*","when":{"field":"dest.is_military","op":"eq","value":true},"then":[{"action":"hide","code":"no_forces"}]}`))
	for dest, want := range map[string]string{
		`{"country":"US","city":"Reno","address1":"P.O. Box 12"}`:                "po_box_not_served",
		`{"country":"DE","city":"Bonn","address1":"Postfach 1201"}`:              "po_box_not_served",
		`{"country":"RU","city":"Omsk","address1":"ул. Мира, а/я 5"}`:            "po_box_not_served",
		`{"country":"AM","city":"Yerevan","address1":"ա/ղ 12"}`:                  "po_box_not_served",
		`{"country":"FR","city":"Paris","address1":"BP 123"}`:                    "po_box_not_served",
		`{"country":"FR","city":"Paris","address1":"1 rue BPost"}`:               "1000",
		`{"country":"US","city":"Reno","address1":"12 Poboxer Street"}`:          "1000",
		`{"country":"US","city":"APO","region":"AE","address1":"Unit 1"}`:        "no_forces",
		`{"country":"US","city":"Reno","address1":"PO Box 1","is_po_box":false}`: "1000",
		`{"country":"US","address1":"1 Main Street"}`:                            "insufficient_data dest.is_military",
	} {
		if got := outcome(p.Quote(request(t, `{"dest":`+dest+`}`))); got != want {
			t.Errorf("%s: got %s, want %s", dest, got, want)
		}
	}
}
