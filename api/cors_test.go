package api

import (
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v2"
)

// What a browser sends and needs to see, in both steps of a call from another
// origin.
func TestABrowserOnAListedPageMayCall(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	res, body := send(t, s, "OPTIONS", "/v1/notes", map[string]string{
		"Authorization": "", "Origin": "https://shop.example", "Access-Control-Request-Method": "POST",
		"Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
	}, "")
	h := res.Header
	if res.StatusCode != 204 || body != "" || h.Get("Access-Control-Allow-Origin") != "https://shop.example" ||
		h.Get("Access-Control-Allow-Methods") != corsMethods || h.Get("Access-Control-Allow-Headers") != corsHeaders ||
		h.Get("Access-Control-Max-Age") != "600" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Fatalf("preflight: %d %v", res.StatusCode, h)
	}
	run(t, s, []scenario{
		{name: "the call", method: "POST", path: "/v1/notes", header: with(shopKey, "Origin", "https://shop.example"), body: `{"text":"x"}`, status: 201,
			wantHeader: map[string]string{"Access-Control-Allow-Origin": "https://shop.example", "Access-Control-Expose-Headers": "ETag, Retry-After, Idempotent-Replayed, X-Trace-Id",
				"Vary": "Origin", "Access-Control-Allow-Credentials": ""}},
		{name: "a mistake can be read", method: "POST", path: "/v1/notes", header: with(shopKey, "Origin", "https://shop.example"), body: `{}`, status: 422,
			wantHeader: map[string]string{"Access-Control-Allow-Origin": "https://shop.example"}},
		{name: "any origin", method: "GET", path: "/v1/notes/1", header: with(openKey, "Origin", "https://where.example"), status: 200,
			wantHeader: map[string]string{"Access-Control-Allow-Origin": "https://where.example"}},
		{name: "no origin", method: "GET", path: "/v1/notes/1", header: with(appKey), status: 200, wantHeader: map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
	})
}

func TestAForeignPageIsRefusedBeforeAnyEffect(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	effects := 0
	fast[struct{}, noteOut](s, Route{ID: "f", Method: http.MethodPost, Path: "/v1/effects", Tag: "x", Summary: "x", Auth: publishable()}, func(c *fiber.Ctx) error {
		effects++
		return c.SendString("done")
	})
	refused := map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}
	run(t, s, []scenario{
		{name: "other origin", method: "POST", path: "/v1/effects", header: with(shopKey, "Origin", "https://evil.example"), status: 403, want: []string{`"code":"origin_not_allowed"`}, wantHeader: refused},
		{name: "other port", method: "POST", path: "/v1/effects", header: with(shopKey, "Origin", "https://shop.example:8443"), status: 403, wantHeader: refused},
		{name: "other scheme", method: "POST", path: "/v1/effects", header: with(shopKey, "Origin", "http://shop.example"), status: 403, wantHeader: refused},
		{name: "longer host", method: "POST", path: "/v1/effects", header: with(shopKey, "Origin", "https://shop.example.evil.example"), status: 403, wantHeader: refused},
		{name: "null", method: "POST", path: "/v1/effects", header: with(shopKey, "Origin", "null"), status: 403, wantHeader: refused},
		{name: "no list", method: "POST", path: "/v1/effects", header: with(appKey, "Origin", "https://shop.example"), status: 403, wantHeader: refused},
		{name: "preflight of an unknown page", method: "OPTIONS", path: "/v1/effects", header: map[string]string{"Authorization": "", "Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
			status: 403, want: []string{`"code":"origin_not_allowed"`}, wantHeader: map[string]string{"Access-Control-Allow-Origin": ""}},
		{name: "preflight outside of the API", method: "OPTIONS", path: "/docs", header: map[string]string{"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}, status: 405},
	})
	if effects != 0 {
		t.Fatalf("%d effects", effects)
	}
	run(t, s, []scenario{
		{name: "a secret key answers no page", method: "POST", path: "/v1/effects", header: with(rootKey, "Origin", "https://shop.example"), status: 200, wantHeader: refused},
	})
}

func TestOurOwnPagesAreNoForeignOrigin(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, func(o *Options) { o.OwnOrigins = []string{"http://localhost:8080"} })
	addNotes(s)
	run(t, s, []scenario{
		{name: "own", method: "POST", path: "/v1/notes", header: with(shopKey, "Origin", "http://localhost:8080"), body: `{"text":"x"}`, status: 201},
		{name: "Host decides nothing", method: "POST", path: "/v1/notes", header: with(shopKey, "Origin", "http://example.com"), body: `{"text":"x"}`, status: 403},
	})
}
