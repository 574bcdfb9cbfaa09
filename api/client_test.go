package api

import "testing"

func TestShopperIPIsBelievedFromThoseWhoMayKnowIt(t *testing.T) {
	t.Parallel()
	plain, _ := newServer(t)
	addNotes(plain)
	run(t, plain, []scenario{
		{name: "a shopper cannot pick an address", method: "GET", path: "/v1/notes/1", header: with(appKey, "Shopper-IP", "203.0.113.9"), status: 200, want: []string{`"shopper":"0.0.0.0"`}},
		{name: "nor by a proxy header", method: "GET", path: "/v1/notes/1", header: with(appKey, "X-Forwarded-For", "203.0.113.9"), status: 200, want: []string{`"shopper":"0.0.0.0"`}},
		{name: "the merchant's server can", method: "GET", path: "/v1/notes/1", header: with(adminKey, "Shopper-IP", "203.0.113.9"), status: 200, want: []string{`"shopper":"203.0.113.9"`}},
		{name: "nonsense is ignored", method: "GET", path: "/v1/notes/1", header: with(adminKey, "Shopper-IP", "here"), status: 200, want: []string{`"shopper":"0.0.0.0"`}},
	})
	behind, _ := newServer(t, trustTest)
	addNotes(behind)
	run(t, behind, []scenario{
		{name: "the proxy says who", method: "GET", path: "/v1/notes/1", header: with(appKey, "Shopper-IP", "203.0.113.9"), status: 200, want: []string{`"shopper":"203.0.113.9"`}},
		{name: "the last hop counts", method: "GET", path: "/v1/notes/1", header: with(appKey, "X-Forwarded-For", "198.51.100.1, 203.0.113.9"), status: 200, want: []string{`"shopper":"203.0.113.9"`}},
		{name: "over two proxies", method: "GET", path: "/v1/notes/1", header: with(appKey, "X-Forwarded-For", "198.51.100.1, 203.0.113.9, 0.0.0.0"), status: 200, want: []string{`"shopper":"203.0.113.9"`}},
		{name: "mapped", method: "GET", path: "/v1/notes/1", header: with(appKey, "X-Forwarded-For", "::ffff:203.0.113.9"), status: 200, want: []string{`"shopper":"203.0.113.9"`}},
		{name: "broken", method: "GET", path: "/v1/notes/1", header: with(appKey, "X-Forwarded-For", "203.0.113.9, x"), status: 200, want: []string{`"shopper":"0.0.0.0"`}},
	})
}

func TestTheLanguageIsPickedFromAcceptLanguage(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	run(t, s, []scenario{
		{name: "none", method: "GET", path: "/v1/notes/1", status: 200, want: []string{`"language":"en"`}},
		{name: "Armenian", method: "GET", path: "/v1/notes/1", header: map[string]string{"Accept-Language": "hy-AM,hy;q=0.9,en;q=0.5"}, status: 200, want: []string{`"language":"hy"`}},
		{name: "Khmer", method: "GET", path: "/v1/notes/1", header: map[string]string{"Accept-Language": "km"}, status: 200, want: []string{`"language":"km"`}},
		{name: "unspoken", method: "GET", path: "/v1/notes/1", header: map[string]string{"Accept-Language": "fr"}, status: 200, want: []string{`"language":"en"`}},
	})
}
