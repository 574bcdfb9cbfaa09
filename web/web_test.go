package web

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// fakeAPI answers METHOD /path with status and JSON; what it has no answer for is
// a 404 with a code.
type fakeAPI map[string]struct {
	status int
	body   any
}

func (f fakeAPI) serve(ctx *fasthttp.RequestCtx) {
	answer, ok := f[string(ctx.Method())+" "+string(ctx.Path())]
	if !ok {
		answer.status, answer.body = 404, map[string]any{"code": "not_found", "detail": "No such thing.", "status": 404}
	}
	body, _ := json.Marshal(answer.body)
	ctx.SetStatusCode(answer.status)
	ctx.SetContentType("application/json")
	ctx.SetBody(body)
}

// newSite is the pages before a fake API, with further routes of the test's own.
func newSite(t *testing.T, api fakeAPI, more ...func(s *Site, app *fiber.App)) *fiber.App {
	t.Helper()
	app := fiber.New(fiber.Config{Immutable: true})
	s := Register(app, Options{API: api.serve, ShopKey: "ds_pk_test", BaseURL: "http://shop.test", Demo: true, Clock: clock.At(time.Unix(1_700_000_000, 0))})
	for _, add := range more {
		add(s, app)
	}
	return app
}

// page asks for a page and gives the answer with its text.
func page(t *testing.T, app *fiber.App, method, path string, header map[string]string, form string) (*http.Response, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, "http://shop.test"+path, strings.NewReader(form))
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := app.Test(req, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func broken(code string) func(s *Site, app *fiber.App) {
	return func(s *Site, app *fiber.App) {
		s.get(app, "/broken", func(*visit) error { return &Problem{Status: 409, Code: code, Detail: "<b>Sold</b> out."} })
	}
}

func TestEveryPageObeysOnePolicyWithItsOwnNonce(t *testing.T) {
	t.Parallel()
	app := newSite(t, nil, broken("out_of_stock"))
	res, text := page(t, app, "GET", "/broken", nil, "")
	csp := res.Header.Get("Content-Security-Policy")
	nonce := regexp.MustCompile(`script-src 'nonce-([^']+)'`).FindStringSubmatch(csp)
	if nonce == nil || !strings.Contains(text, `nonce="`+nonce[1]+`"`) {
		t.Fatalf("policy %q", csp)
	}
	if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("policy %q", csp)
	}
	if again, _ := page(t, app, "GET", "/broken", nil, ""); again.Header.Get("Content-Security-Policy") == csp {
		t.Error("a nonce is for one answer")
	}
	if m := regexp.MustCompile(`(?i) style=| on[a-z]+=|(src|href)="(https?:)?//`).FindString(text); m != "" {
		t.Errorf("the page has %q", m)
	}
}

func TestWhatTheAPIRefusesIsAPageWithItsStatusAndNothingRunsInIt(t *testing.T) {
	t.Parallel()
	res, text := page(t, newSite(t, nil, broken("out_of_stock_here")), "GET", "/broken", nil, "")
	if res.StatusCode != 409 || !strings.Contains(text, "&lt;b&gt;Sold&lt;/b&gt; out.") || strings.Contains(text, "<b>Sold") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

func TestTheReaderChoosesTheLanguageAndKeepsIt(t *testing.T) {
	t.Parallel()
	app := newSite(t, nil, broken("x_unknown"))
	for accept, want := range map[string]string{"hy-AM": "Չհաջողվեց", "km": "មិនបានសម្រេច", "fr": "That did not work"} {
		if _, text := page(t, app, "GET", "/broken", map[string]string{"Accept-Language": accept}, ""); !strings.Contains(text, want) {
			t.Errorf("%s is not spoken to", accept)
		}
	}
	res, _ := page(t, app, "POST", "/language", nil, "lang=hy&back=/broken")
	if res.StatusCode != 303 || res.Header.Get("Location") != "/broken" {
		t.Fatalf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
	cookie := res.Cookies()[0]
	if cookie.Name != languageCookie || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %+v", cookie)
	}
	if _, text := page(t, app, "GET", "/broken", map[string]string{"Cookie": languageCookie + "=" + cookie.Value}, ""); !strings.Contains(text, `<html lang="hy">`) {
		t.Error("the choice is forgotten")
	}
}

func TestNobodyIsSentToAnotherSite(t *testing.T) {
	t.Parallel()
	app := newSite(t, nil)
	for _, to := range []string{"https://evil.test", "//evil.test", `/\evil.test`, "javascript:alert(1)", ""} {
		res, _ := page(t, app, "POST", "/language", nil, "lang=hy&back="+to)
		if got := res.Header.Get("Location"); got != "/shop" {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	app := newSite(t, nil)
	for _, header := range []map[string]string{
		{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.test"}, {"Origin": "null"},
	} {
		if res, _ := page(t, app, "POST", "/language", header, "lang=hy"); res.StatusCode != 403 || len(res.Cookies()) > 0 {
			t.Errorf("%v got %d", header, res.StatusCode)
		}
	}
	for _, header := range []map[string]string{{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://shop.test"}, nil} {
		if res, _ := page(t, app, "POST", "/language", header, "lang=hy"); res.StatusCode != 303 {
			t.Errorf("%v got %d", header, res.StatusCode)
		}
	}
}

func TestAssetsAreKeptForEverUnderTheNameOfTheirContent(t *testing.T) {
	t.Parallel()
	app := newSite(t, nil)
	path, err := loadAssets().path("base.css")
	if err != nil {
		t.Fatal(err)
	}
	res, plain := page(t, app, "GET", path, nil, "")
	if res.StatusCode != 200 || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/css") {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	res, packed := page(t, app, "GET", path, map[string]string{"Accept-Encoding": "gzip, br"}, "")
	if res.Header.Get("Content-Encoding") != "gzip" || len(packed) >= len(plain) {
		t.Error("it is not packed")
	}
	for _, wrong := range []string{"/assets/000000000000/base.css", "/assets/x/../web.go"} {
		if res, _ := page(t, app, "GET", wrong, nil, ""); res.StatusCode != 404 {
			t.Errorf("%s gives %d", wrong, res.StatusCode)
		}
	}
}

// The policy forbids styles in attributes and handlers in tags; templates that
// have them would be silently broken.
func TestNoTemplateHasWhatThePolicyForbids(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`(?i)\sstyle=|\son(click|change|submit|load|input|error)=|<style|<script(?:[^>]*)>[^<]|javascript:`)
	for name, text := range sourcesOf(t) {
		if m := forbidden.FindString(text); m != "" {
			t.Errorf("%s has %q", name, m)
		}
		for _, tag := range regexp.MustCompile(`<(script|link rel="stylesheet")[^>]*>`).FindAllString(text, -1) {
			if !strings.Contains(tag, `nonce="{{`) {
				t.Errorf("%s: %s has no nonce", name, tag)
			}
		}
	}
}

func sourcesOf(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"templates/*.html", "templates/*/*.html"} {
		names, err := fs.Glob(templates, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := templates.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = string(text)
		}
	}
	return all
}
