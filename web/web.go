// Package web holds the pages people look at: the reference storefront at /shop,
// order tracking at /t/{token} and the merchant's dashboard at /admin. They are
// rendered here, need no build step, and know the shop through its public API
// alone, called in process: whatever they can do, anyone's own storefront can.
//
// Every page works without JavaScript first; base.js then replaces parts of it
// in place. Texts are in internal/locale/messages/web_*.json, and all pages obey
// one content security policy (page.go).
package web

import (
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"doorstep/internal/clock"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Options are what the pages need from the rest of the program.
type Options struct {
	// API answers requests to the public API, as the program's own door does.
	API fasthttp.RequestHandler
	// ShopKey is the publishable key of the shop that /shop shows; without it there
	// is no storefront.
	ShopKey string
	// BaseURL is how the world reaches the pages, without a slash at the end.
	BaseURL string
	// Demo shows what helps to try things out: test cards, the mail box.
	Demo  bool
	Clock clock.Clock
	Log   *slog.Logger
}

// Site is all pages.
type Site struct {
	options Options
	origin  string // of BaseURL, as browsers write it
	plain   bool   // reached without TLS: cookies cannot be Secure
	views   *views
	assets  *assets
}

// What is embedded is packed and parsed once, however many sites there are.
var (
	embedded = sync.OnceValue(loadAssets)
	parsed   = sync.OnceValue(func() *views { return loadViews(embedded()) })
)

// Register adds the pages to the app. It panics when a template or an asset is
// broken: both are part of the program.
func Register(app *fiber.App, o Options) *Site {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Site{options: o, assets: embedded()}
	if u, err := url.Parse(o.BaseURL); err == nil {
		s.origin, s.plain = u.Scheme+"://"+u.Host, u.Scheme != "https"
	}
	s.views = parsed()
	app.Get("/assets/:version/:file", s.assets.serve)
	s.registerChat(app)
	s.post(app, "/language", chooseLanguage)
	if o.ShopKey != "" {
		s.registerShop(app)
	}
	s.registerTracking(app)
	s.registerConfirm(app)
	s.registerAdmin(app)
	for _, area := range []string{"/shop/*", "/t/*", "/c/*", "/supply/*", "/admin/*"} {
		s.get(app, area, func(*visit) error { return problemOf(fiber.StatusNotFound, "not_found") })
	}
	return s
}

// get adds a page.
func (s *Site) get(app *fiber.App, path string, page func(v *visit) error) {
	app.Get(path, s.open(page))
}

// post adds what a form does. Forms of other sites are refused.
func (s *Site) post(app *fiber.App, path string, act func(v *visit) error) {
	app.Post(path, s.open(func(v *visit) error {
		if !v.ownForm() {
			return problemOf(fiber.StatusForbidden, "csrf_refused")
		}
		return act(v)
	}))
}

// chooseLanguage keeps the reader's choice for a year and goes back to the page.
func chooseLanguage(v *visit) error {
	v.setCookie(languageCookie, v.FormValue("lang"), year)
	return v.back("/shop")
}

// back sends the reader to the page named by the form field back, if it is one
// of this site, and otherwise to path.
func (v *visit) back(path string) error {
	if to := v.FormValue("back"); strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.ContainsAny(to, "\\\r\n") {
		path = to
	}
	return v.Redirect(path, fiber.StatusSeeOther)
}
