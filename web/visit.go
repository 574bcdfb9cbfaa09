package web

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// visit is one request of a reader.
type visit struct {
	*fiber.Ctx
	site *Site
	// Lang is the reader's: chosen, else what the browser prefers.
	Lang locale.Lang
	// Nonce lets the scripts and styles of this one answer run.
	Nonce string
	// sources are further sources of the policy, by directive.
	sources map[string]string
	// currency is what the reader has chosen to see prices in; empty is the shop's
	// first, and outside of the shop.
	currency string
	// answered is the last answer of the API, for its headers.
	answered *fasthttp.Response
}

const (
	languageCookie = "doorstep-language"
	year           = 365 * 24 * time.Hour
	// fragmentHeader names the part of the page that base.js wants.
	fragmentHeader = "Doorstep-Fragment"
)

// open makes a Fiber handler of a page, and a page of what goes wrong.
func (s *Site) open(page func(v *visit) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		v := &visit{Ctx: c, site: s, Lang: readersLanguage(c), Nonce: nonce()}
		c.Set(fiber.HeaderCacheControl, "no-store")
		err := page(v)
		if err == nil {
			return nil
		}
		return v.fail(err)
	}
}

func readersLanguage(c *fiber.Ctx) locale.Lang {
	for _, chosen := range []string{c.Query("lang"), c.Cookies(languageCookie)} {
		if l := locale.Lang(chosen); l.Known() {
			return l
		}
	}
	return locale.Match(c.Get(fiber.HeaderAcceptLanguage))
}

func nonce() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// fail shows what went wrong in the reader's words. What is not the API's answer
// is ours: it is logged here, once.
func (v *visit) fail(err error) error {
	var p *Problem
	if !errors.As(err, &p) {
		var f *fault.Error
		v.site.options.Log.Error("page failed", "page", v.Route().Path, "error", err)
		p = problemOf(fiber.StatusInternalServerError, "internal")
		if errors.As(err, &f) {
			p.Code = f.Code
		}
	}
	v.Status(p.Status)
	if retry := v.answeredHeader(fiber.HeaderRetryAfter); retry != "" {
		v.Set(fiber.HeaderRetryAfter, retry)
	}
	return v.show("problem", v.explain(p))
}

func (v *visit) answeredHeader(name string) string {
	if v.answered == nil {
		return ""
	}
	return string(v.answered.Header.Peek(name))
}

// explanation is a problem in the reader's language.
type explanation struct {
	*Problem
	Title, Text string
}

// explain words a problem: by its code if there are words for that, otherwise by
// its kind. The API's own sentence follows where it says more.
func (v *visit) explain(p *Problem) explanation {
	kind := "web.problem.other"
	switch {
	case p.Status == fiber.StatusNotFound:
		kind = "web.problem.not_found"
	case p.Status == fiber.StatusForbidden || p.Status == fiber.StatusUnauthorized:
		kind = "web.problem.forbidden"
	case p.Status == fiber.StatusTooManyRequests || p.Status == fiber.StatusServiceUnavailable:
		kind = "web.problem.busy"
	case p.Status < fiber.StatusInternalServerError:
		kind = "web.problem.refused"
	}
	e := explanation{Problem: p, Title: locale.T(v.Lang, kind+".title"), Text: locale.T(v.Lang, kind+".text")}
	if own := "web.problem.code." + p.Code; locale.Has(own) {
		e.Text = locale.T(v.Lang, own)
	} else if p.Status < fiber.StatusInternalServerError && p.Status != fiber.StatusNotFound && p.Detail != "" {
		e.Text = p.Detail
	}
	return e
}

// sentence is a problem in one sentence, for the place in a page where it arose.
func (v *visit) sentence(err error) string {
	var p *Problem
	if !errors.As(err, &p) {
		v.site.options.Log.Error("page failed", "page", v.Route().Path, "error", err)
		p = problemOf(fiber.StatusInternalServerError, "internal")
	}
	return v.explain(p).Text
}

// ownForm says whether a form comes from our own pages. A request that does not
// say where it comes from is no browser's, and carries nobody's cookies.
func (v *visit) ownForm() bool {
	if site := v.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin" || site == "none"
	}
	if origin := v.Get(fiber.HeaderOrigin); origin != "" {
		return strings.EqualFold(origin, v.site.origin)
	}
	return true
}

// fragment is the id of the part of the page that is wanted alone; empty is the
// whole page.
func (v *visit) fragment() string { return v.Get(fragmentHeader) }

// cookie is the value of one of our cookies.
func (v *visit) cookie(name string) string { return strings.Clone(v.Cookies(name)) }

// setCookie keeps a value with the reader, out of reach of scripts; an empty one
// is forgotten.
func (v *visit) setCookie(name, value string, life time.Duration) {
	c := &fiber.Cookie{Name: name, Value: value, Path: "/", HTTPOnly: true, Secure: !v.site.plain, SameSite: fiber.CookieSameSiteLaxMode}
	if value == "" {
		c.MaxAge, c.Expires = -1, fasthttp.CookieExpireDelete
	} else {
		c.MaxAge = int(life / time.Second)
	}
	v.Cookie(c)
}

// allow adds a source to a directive of this page's policy, such as the provider
// that draws its own form for cards.
func (v *visit) allow(directive, source string) {
	if v.sources == nil {
		v.sources = map[string]string{}
	}
	v.sources[directive] += " " + source
}
