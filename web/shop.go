package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// shopPages are the reference storefront. They keep nothing but what is the same
// for everybody; what belongs to a reader is in cookies of that reader.
type shopPages struct {
	site *Site

	mu        sync.Mutex
	facts     map[locale.Lang]keptFacts
	countries map[locale.Lang][]country
}

func (s *Site) registerShop(app *fiber.App) {
	p := &shopPages{site: s, facts: map[locale.Lang]keptFacts{}, countries: map[locale.Lang][]country{}}
	get := func(path string, page func(v *visit) error) { s.get(app, path, p.framed(page)) }
	post := func(path string, act func(v *visit) error) { s.post(app, path, p.framed(act)) }
	get("/shop", p.home)
	get("/shop/search", p.search)
	get("/shop/products/:slug", p.product)

	get("/shop/cart", p.cartPage)
	get("/shop/cart/count", p.cartCount)
	post("/shop/cart/items", p.addToCart)
	post("/shop/cart/lines/:line", p.changeLine)
	post("/shop/cart/lines/:line/remove", p.removeLine)
	post("/shop/cart/clear", p.clearCart)
	post("/shop/cart/undo", p.undoCart)
	post("/shop/cart/codes", p.addCode)
	post("/shop/cart/codes/remove", p.removeCode)

	get("/shop/checkout", p.addressPage)
	post("/shop/checkout", p.saveAddress)
	post("/shop/checkout/update", p.updateAddress)
	get("/shop/checkout/pay", p.payPage)
	post("/shop/checkout/shipping", p.chooseShipping)
	post("/shop/checkout/codes", p.addCheckoutCode)
	post("/shop/checkout/codes/remove", p.removeCheckoutCode)
	post("/shop/checkout/credit", p.useCredit)
	post("/shop/checkout/pay", p.pay)
	get("/shop/checkout/next", p.nextAction)
	get("/shop/checkout/return", p.comeBack)
	get("/shop/checkout/wait", p.wait)
	get("/shop/checkout/done", p.done)

	post("/shop/currency", p.chooseCurrency)
	get("/shop/sign-in", p.signInPage)
	post("/shop/sign-in", p.askCode)
	post("/shop/sign-in/code", p.signIn)
	post("/shop/sign-out", p.signOut)
	get("/shop/orders", p.orders)
	p.shopHelp().register(get, post, p.site, app, "/shop/help")
}

// framed shows what goes wrong in the frame of the shop, so that the way on is
// never lost.
func (p *shopPages) framed(page func(v *visit) error) func(v *visit) error {
	return func(v *visit) error {
		v.currency = p.chosenCurrency(v)
		err := page(v)
		var problem *Problem
		if !errors.As(err, &problem) {
			return err
		}
		v.Status(problem.Status)
		if retry := v.answeredHeader(fiber.HeaderRetryAfter); retry != "" {
			v.Set(fiber.HeaderRetryAfter, retry)
		}
		return p.show(v, "problem", v.explain(problem))
	}
}

// shopFacts are what is true of the shop: ways to pay and what it states about itself.
type shopFacts struct {
	Currency    string         `json:"currency"`
	Currencies  []string       `json:"currencies"`
	Methods     []payMethod    `json:"methods"`
	Unavailable []hiddenMethod `json:"unavailable"`
	Trust       struct {
		Processor  string       `json:"processor"`
		TLS        bool         `json:"tls"`
		Policies   []policyLink `json:"policies"`
		CheckedOn  string       `json:"checked_on"`
		ShopName   string       `json:"shop_name"`
		ReturnDays int          `json:"return_window_days"`
		Email      string       `json:"contact_email"`
	} `json:"trust"`
}

type policyLink struct {
	Kind string `json:"kind"`
	URL  string `json:"url"`
}

type hiddenMethod struct {
	Name   string `json:"name"`
	Reason string `json:"reason_code"`
}

// Ways are the names of the ways to pay, those included that depend on the country.
func (f *shopFacts) Ways() []string {
	var names []string
	for _, m := range f.Methods {
		names = append(names, m.Name)
	}
	for _, m := range f.Unavailable {
		if m.Reason == "country_needed" {
			names = append(names, m.Name)
		}
	}
	return names
}

// Processor is who sees card numbers, by the name people know; empty for nobody.
func (f *shopFacts) Processor() string {
	switch f.Trust.Processor {
	case "stripe":
		return "Stripe"
	case "sandbox":
		return ""
	}
	return f.Trust.Processor
}

type keptFacts struct {
	shopFacts
	until time.Time
}

const factsKept = 30 * time.Second

// about are the facts of the shop. A shop that cannot say them has none to show,
// and its pages go on.
func (p *shopPages) about(v *visit) *shopFacts {
	now := p.site.options.Clock.Now()
	p.mu.Lock()
	kept, ok := p.facts[v.Lang]
	p.mu.Unlock()
	if ok && now.Before(kept.until) {
		return kept.in(v.currency)
	}
	var f shopFacts
	if err := v.shop(ask{Path: "/v1/payment-methods"}, &f); err != nil {
		return kept.in(v.currency)
	}
	p.mu.Lock()
	kept = keptFacts{f, now.Add(factsKept)}
	p.facts[v.Lang] = kept
	p.mu.Unlock()
	return kept.in(v.currency)
}

// in are the facts with the currency that the reader has chosen, if any.
func (k keptFacts) in(currency string) *shopFacts {
	if currency != "" {
		k.Currency = currency
	}
	return &k.shopFacts
}

// shopFrame is what the layout shows around a page of the shop.
type shopFrame struct {
	*shopFacts
	Name     string // of the shop
	Count    int    // pieces in the cart
	Query    string // in the field for searching
	SignedIn bool
	// ChatSignIn is where the chat sends who has to sign in; empty for who has.
	ChatSignIn string
	Here       string // which page this is: cart and checkout have no drawer of their own
}

// show answers with a page of the shop in its frame.
func (p *shopPages) show(v *visit, name string, data any) error {
	f := shopFrame{shopFacts: p.about(v), Here: name, Name: "Doorstep", Query: v.Query("q"), SignedIn: v.customerSession() != ""}
	if v.fragment() == "" { // who asks for a part of the page has the badge already
		f.Count, _ = v.countCart()
	}
	if f.Trust.ShopName != "" {
		f.Name = f.Trust.ShopName
	}
	if !f.SignedIn {
		f.ChatSignIn = "/shop/sign-in?" + url.Values{"back": {"/shop/help"}}.Encode()
	}
	return v.showIn("shop/"+name, f, data)
}

// country is a place that parcels go to.
type country struct{ Code, Name string }

// places are all countries by their name in the reader's language.
func (p *shopPages) places(lang locale.Lang) []country {
	p.mu.Lock()
	defer p.mu.Unlock()
	if all, ok := p.countries[lang]; ok {
		return all
	}
	var all []country
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			r, err := language.ParseRegion(code)
			if err != nil || !r.IsCountry() || r.Canonicalize() != r {
				continue
			}
			if name := locale.Country(lang, code); name != code {
				all = append(all, country{code, name})
			}
		}
	}
	order := collate.New(language.Make(string(lang)))
	slices.SortFunc(all, func(a, b country) int { return order.CompareString(a.Name, b.Name) })
	p.countries[lang] = all
	return all
}

const countryCookie = "doorstep-country"

// country is where the reader probably is: chosen, said by the browser, or where
// the language is spoken. Empty is anybody's guess.
func (v *visit) country() string {
	if c := v.cookie(countryCookie); isCode(c) {
		return c
	}
	tags, _, err := language.ParseAcceptLanguage(v.Get(fiber.HeaderAcceptLanguage))
	if err == nil && len(tags) > 0 {
		if region, sure := tags[0].Region(); sure == language.Exact && isCode(region.String()) {
			return region.String()
		}
	}
	switch v.Lang {
	case locale.Hy:
		return "AM"
	case locale.Km:
		return "KH"
	}
	return ""
}

func isCode(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// keep is a cookie of two values: what names a thing, and what opens it.
func (v *visit) keep(cookie, id, secret string, life time.Duration) {
	v.setCookie(cookie, id+"."+secret, life)
}

// kept reads a cookie of keep. What is no id, or has signs that headers cannot
// carry, is nothing: people can write into their cookies what they like.
func (v *visit) kept(cookie string) (id, secret string, ok bool) {
	id, secret, _ = strings.Cut(v.cookie(cookie), ".")
	if _, err := uuid.Parse(id); err != nil || len(id) != 36 || secret == "" || !plain(secret) {
		return "", "", false
	}
	return id, secret, true
}

// plain says whether a value may stand in a path or a header.
func plain(s string) bool {
	if len(s) > 300 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_.~", r) {
			return false
		}
	}
	return s != ""
}

// asProblem is the API's refusal inside of an error; nil when it is none.
func asProblem(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return nil
}

// text is a text of the storefront in the reader's language.
func (v *visit) text(key string, args ...any) string {
	return locale.T(v.Lang, "web.shop."+key, args...)
}

// count is a text with a number in it, in the reader's language.
func (v *visit) count(key string, n int) string { return locale.N(v.Lang, "web.shop."+key, n) }

// go303 sends the reader on after a form.
func (v *visit) go303(path string) error { return v.Redirect(path, fiber.StatusSeeOther) }
