package web

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// The merchant's dashboard. Whoever is signed in as staff sees it; each page asks
// the API with the reader's own session, so that nothing here can do what the
// reader's role may not.

const (
	deskPath   = "/admin"
	signInPath = "/admin/sign-in"
	// toldCookie names what has just been done, for the page that follows.
	toldCookie = "doorstep-told"
)

// staffCookies are the names that the API gives its session.
var staffCookies = []string{"__Host-doorstep-staff", "doorstep-staff"}

// doc is a JSON object of the API.
type doc = map[string]any

// colleague is who is signed in.
type colleague struct {
	ID         string   `json:"id"`
	Email      string   `json:"email"`
	Role       string   `json:"role"`
	MerchantID string   `json:"merchant_id"`
	Scopes     []string `json:"scopes"`
	CSRFToken  string   `json:"csrf_token"`
}

// May says whether the role has the scope, such as orders:read. To write is to
// read too.
func (c colleague) May(scope string) bool {
	if scope == "" {
		return true
	}
	room, verb, _ := strings.Cut(scope, ":")
	return slices.Contains(c.Scopes, "*") || slices.Contains(c.Scopes, scope) || verb == "read" && slices.Contains(c.Scopes, room+":write")
}

// desk is the visit of somebody of the staff.
type desk struct {
	*visit
	me colleague
	// refused is what the reader asked for and the API did not do.
	refused *refusal
	// answer is what an action came to that shows its answer once, and did its name.
	answer doc
	did    string
	// sent is the form that was sent, for pages that show it again.
	sent url.Values
}

// deskFrame is what the layout of the dashboard shows.
type deskFrame struct {
	Me     colleague
	Groups []navGroup
	Told   string
	// Stuck is what went wrong without a form to show it in.
	Stuck string
	Again string
}

type navGroup struct {
	Name  string
	Pages []navPage
}

type navPage struct {
	Name, Path string
	Here       bool
}

// rooms are the pages that the navigation names, each with the scope it needs.
var rooms = []struct {
	name  string
	pages []struct{ name, path, scope string }
}{
	{"today", []struct{ name, path, scope string }{
		{"home", "/admin", ""}, {"abandonment", "/admin/abandonment", "analytics:read"}, {"carts", "/admin/carts", "analytics:read"}, {"recovery", "/admin/recovery", "settings:read"},
		{"terms", "/admin/terms", "analytics:read"},
	}},
	{"sell", []struct{ name, path, scope string }{
		{"orders", "/admin/orders", "orders:read"}, {"returns", "/admin/returns", "orders:read"},
		{"exchanges", "/admin/exchanges", "orders:read"}, {"claims", "/admin/claims", "orders:read"},
		{"differences", "/admin/differences", "orders:read"}, {"bank", "/admin/bank", "orders:read"}, {"courier", "/admin/courier", "orders:read"}, {"giftcards", "/admin/giftcards", "refunds:read"},
	}},
	{"help", []struct{ name, path, scope string }{
		{"inbox", "/admin/inbox", "support:read"}, {"cases", "/admin/cases", "support:read"}, {"hooks", "/admin/hooks", "support:read"}, {"replies", "/admin/replies", "support:read"},
		{"hours", "/admin/hours", "support:read"}, {"drafts", "/admin/drafts", "support:read"}, {"letters", "/admin/letters", "support:read"}, {"contact", "/admin/contact", "analytics:read"},
	}},
	{"send", []struct{ name, path, scope string }{
		{"parcels", "/admin/parcels", "shipping:read"}, {"exceptions", "/admin/exceptions", "shipping:read"}, {"labels", "/admin/labels", "shipping:read"},
		{"collect", "/admin/collect", "shipping:read"}, {"carriers", "/admin/carriers", "shipping:read"}, {"policies", "/admin/policies", "shipping:read"},
		{"suppliers", "/admin/suppliers", "shipping:read"}, {"supplies", "/admin/supplies", "shipping:read"},
	}},
	{"shop", []struct{ name, path, scope string }{
		{"products", "/admin/products", "catalog:read"}, {"stock", "/admin/stock", "stock:read"}, {"locations", "/admin/locations", "stock:read"}, {"imports", "/admin/imports", "catalog:read"},
		{"promotions", "/admin/promotions", "promotions:read"}, {"recommend", "/admin/recommend", "catalog:read"}, {"purchases", "/admin/purchases", "stock:read"},
	}},
	{"house", []struct{ name, path, scope string }{
		{"settings", "/admin/settings", "settings:read"}, {"taxes", "/admin/taxes", "settings:read"}, {"staff", "/admin/staff", "settings:read"}, {"keys", "/admin/keys", "settings:read"},
		{"webhooks", "/admin/webhooks", "settings:read"}, {"deliveries", "/admin/deliveries", "settings:read"}, {"consents", "/admin/consents", "customers:read"}, {"audit", "/admin/audit", "settings:read"},
	}},
}

func (s *Site) registerAdmin(app *fiber.App) {
	s.registerSignIn(app)
	s.desk(app, deskPath, "", home)
	s.desk(app, "/admin/orders/:id", "orders:read", deskOrderPage)
	for _, l := range lists {
		s.desk(app, "/admin/"+l.Name, l.Scope, func(d *desk) error { return d.list(l) })
	}
	for _, p := range details {
		s.desk(app, "/admin/"+p.Name+"/:id", p.Scope, func(d *desk) error { return d.detail(p) })
	}
	s.desk(app, "/admin/inbox/:id", "support:read", talkPage)
	s.desk(app, "/admin/hours", "support:read", hoursPage)
	s.desk(app, "/admin/letters", "support:read", letterPage)
	s.desk(app, "/admin/contact", "analytics:read", contactPage)
	s.desk(app, "/admin/abandonment", "analytics:read", abandonment)
	s.desk(app, "/admin/recovery", "settings:read", recovery)
	s.desk(app, "/admin/recommend", "catalog:read", recommendations)
	s.desk(app, "/admin/exceptions", "shipping:read", exceptions)
	s.desk(app, "/admin/collect", "shipping:read", collect)
	s.desk(app, "/admin/consents", "customers:read", consents)
	s.desk(app, "/admin/settings", "settings:read", settingsPage)
	s.desk(app, "/admin/policies", "shipping:read", policies)
	s.desk(app, "/admin/policies/:id", "shipping:read", policyPage)
	s.desk(app, "/admin/imports", "catalog:read", deskImports)
	s.desk(app, "/admin/imports/:id", "catalog:read", importPage)
}

// desk adds a page of the dashboard, and what its forms do. Whose role has not
// the scope is told so.
func (s *Site) desk(app *fiber.App, path, scope string, show func(d *desk) error) {
	enter := func(then func(d *desk) error) func(v *visit) error {
		return func(v *visit) error {
			d, err := v.sit()
			if err != nil || d == nil {
				return err
			}
			if !d.me.May(scope) {
				v.Status(fiber.StatusForbidden)
				return d.page("admin/denied", doc{"role": d.me.Role})
			}
			return then(d)
		}
	}
	s.get(app, path, enter(show))
	s.post(app, path, enter(func(d *desk) error { return d.act(show) }))
}

// sit finds out who is signed in. Nobody is sent to sign in: d is nil then.
func (v *visit) sit() (*desk, error) {
	d := &desk{visit: v}
	if d.session() == "" {
		return nil, v.toSignIn()
	}
	err := d.api(ask{Path: "/v1/staff/me"}, &d.me)
	if p := problemIn(err); p != nil && p.Status == fiber.StatusUnauthorized {
		return nil, v.toSignIn()
	}
	return d, err
}

func (v *visit) toSignIn() error {
	back := v.here()
	if v.Method() != fiber.MethodGet {
		back = v.Path()
	}
	return v.Redirect(signInPath+"?back="+url.QueryEscape(back), fiber.StatusSeeOther)
}

// here is the path of the page with its query.
func (v *visit) here() string { return string(v.Request().URI().RequestURI()) }

// session is the reader's cookie of the API, whichever name it has here.
func (v *visit) session() string {
	for _, name := range staffCookies {
		if value := v.cookie(name); value != "" {
			return name + "=" + value
		}
	}
	return ""
}

// asStaff is what a call needs beside its own headers: the session, its token
// and where the reader's request came from, so that the API's own checks hold.
func (v *visit) asStaff(a ask, csrf string) ask {
	header := map[string]string{}
	for _, name := range []string{"Sec-Fetch-Site", fiber.HeaderOrigin} {
		if value := v.Get(name); value != "" {
			header[name] = value
		}
	}
	if session := v.session(); session != "" {
		header[fiber.HeaderCookie] = session
	}
	if csrf != "" {
		header["CSRF-Token"] = csrf
	}
	for name, value := range a.Header {
		header[name] = value
	}
	a.Header = header
	return a
}

// api asks under the reader's session.
func (d *desk) api(a ask, out any) error { return d.call(d.asStaff(a, d.me.CSRFToken), out) }

// read fetches a JSON object. Numbers stay as they are written: no sum of money
// passes through a float.
func (d *desk) read(path string, query url.Values) (doc, error) {
	var raw []byte
	if err := d.api(ask{Path: path, Query: query}, &raw); err != nil {
		return nil, err
	}
	return decode(raw)
}

// glance is read for what a page can do without: a role that may not, or a thing
// that is not there, leaves it out.
func (d *desk) glance(scope, path string, query url.Values) doc {
	if !d.me.May(scope) {
		return nil
	}
	got, err := d.read(path, query)
	if err != nil {
		if p := problemIn(err); p == nil || p.Status >= fiber.StatusInternalServerError {
			d.site.options.Log.Error("part of a page is missing", "path", path, "error", err)
		}
		return nil
	}
	return got
}

func decode(raw []byte) (doc, error) {
	if len(raw) == 0 {
		return doc{}, nil
	}
	var out doc
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	err := dec.Decode(&out)
	return out, err
}

// page shows a page within the frame of the dashboard.
func (d *desk) page(name string, data any) error {
	f := deskFrame{Me: d.me, Told: d.told()}
	here := strings.TrimSuffix(d.Path(), "/")
	for _, g := range rooms {
		group := navGroup{Name: g.name}
		for _, p := range g.pages {
			if d.me.May(p.scope) {
				group.Pages = append(group.Pages, navPage{p.name, p.path, here == p.path || p.path != deskPath && strings.HasPrefix(here, p.path+"/")})
			}
		}
		if len(group.Pages) > 0 {
			f.Groups = append(f.Groups, group)
		}
	}
	if r := d.refused; r != nil {
		if r.problem.Code == "sign_in_again" {
			f.Again = signInPath + "?again=1&back=" + url.QueryEscape(d.Path())
		}
		if !r.shown {
			f.Stuck = d.sentence(r.problem)
		}
	}
	return d.showIn(name, f, data)
}

// told says what has just been done, once. An action that shows its answer speaks
// for itself.
func (d *desk) told() string {
	did := d.cookie(toldCookie)
	if did == "" || d.answer != nil {
		return ""
	}
	d.setCookie(toldCookie, "", 0)
	if _, known := actions[did]; !known {
		return ""
	}
	return locale.T(d.Lang, "web.admin.done", "what", locale.T(d.Lang, "web.admin.do."+did))
}

// takeCookies hands the reader what cookies the API has set.
func (v *visit) takeCookies() {
	for _, value := range v.answered.Header.Cookies() {
		var c fasthttp.Cookie
		if c.ParseBytes(value) == nil {
			v.Response().Header.SetCookie(&c)
		}
	}
}

func (v *visit) now() time.Time { return v.site.options.Clock.Now() }
