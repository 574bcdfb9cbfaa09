package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"time"

	"doorstep/internal/id"
	"doorstep/internal/locale"
	"doorstep/internal/money"

	"github.com/gofiber/fiber/v2"
)

//go:embed all:templates
var templates embed.FS

// views are the pages, parsed once per language: the functions that write texts,
// sums and dates know theirs.
type views struct {
	pages map[locale.Lang]map[string]*template.Template
}

// loadViews parses templates/AREA/NAME.html as the page AREA/NAME on top of
// templates/_*.html and templates/AREA/_*.html; pages that stand in templates
// itself have no area.
func loadViews(a *assets) *views {
	v := &views{pages: map[locale.Lang]map[string]*template.Template{}}
	for _, lang := range locale.Languages() {
		v.pages[lang] = map[string]*template.Template{}
		base := template.Must(template.New("").Funcs(functions(lang, a)).ParseFS(templates, "templates/_*.html"))
		err := fs.WalkDir(templates, "templates", func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), "_") {
				return err
			}
			name := strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html")
			page := template.Must(base.Clone())
			if shared, _ := fs.Glob(templates, path.Dir(file)+"/_*.html"); path.Dir(name) != "." && len(shared) > 0 {
				template.Must(page.ParseFS(templates, shared...))
			}
			v.pages[lang][name] = template.Must(page.ParseFS(templates, file))
			return nil
		})
		if err != nil {
			panic(err)
		}
	}
	return v
}

// functions are what the templates can say.
func functions(lang locale.Lang, a *assets) template.FuncMap {
	return template.FuncMap{
		"t":     func(key string, args ...any) string { return locale.T(lang, key, args...) },
		"n":     func(key string, count int, args ...any) string { return locale.N(lang, key, count, args...) },
		"has":   locale.Has,
		"lang":  func() locale.Lang { return lang },
		"langs": locale.Languages,
		"asset": a.path,
		"money": func(m Money) string { return m.Text(lang) },
		"number": func(n any) string {
			switch n := n.(type) {
			case int:
				return locale.Number(lang, int64(n))
			case int64:
				return locale.Number(lang, n)
			}
			return fmt.Sprint(n)
		},
		"country":  func(code string) string { return locale.Country(lang, code) },
		"date":     func(t time.Time) string { return locale.Date(lang, t) },
		"day":      func(t time.Time) string { return locale.ShortDate(lang, t) },
		"datetime": func(t time.Time) string { return locale.DateTime(lang, t) },
		"days":     func(from, to time.Time) string { return locale.DateRange(lang, from, to) },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"key":      func() string { return id.New().String() },
		"dict":     dict,
		"json":     func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
		"join":     strings.Join,
		"lower":    strings.ToLower,
	}
}

// dict hands several values to a template: dict "name" value ...
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict takes names and values in turn")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, errors.New("dict takes names and values in turn")
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// Money is a sum as the API writes it, in minor units.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Text is the sum for people.
func (m Money) Text(lang locale.Lang) string { return money.Format(m.Amount, m.Currency, string(lang)) }

// Decimal is the sum for fields that are typed into.
func (m Money) Decimal() string { return money.Decimal(m.Amount, m.Currency) }

// Positive says whether the sum is above nothing.
func (m Money) Positive() bool { return m.Amount > 0 }

// Negative says whether the sum is below nothing.
func (m Money) Negative() bool { return m.Amount < 0 }

// Zero says whether the sum is nothing.
func (m Money) Zero() bool { return m.Amount == 0 }

// view is what every template gets: Data is the page's own.
type view struct {
	Lang  locale.Lang
	Nonce string
	Path  string // with the query, for forms that come back here
	Demo  bool
	Frame any // what the layout of the area shows
	Data  any
}

// show answers with the page, or with the part of it that was asked for.
func (v *visit) show(name string, data any) error { return v.showIn(name, nil, data) }

// showIn is show with what the layout around the page needs.
func (v *visit) showIn(name string, frame, data any) error {
	page := v.site.views.pages[v.Lang][name]
	if page == nil {
		return fmt.Errorf("web: there is no page %q", name)
	}
	block := "page"
	if part := v.fragment(); part != "" && page.Lookup(part) != nil {
		block = part
	}
	var b bytes.Buffer
	err := page.ExecuteTemplate(&b, block, view{
		Lang: v.Lang, Nonce: v.Nonce, Path: v.OriginalURL(), Demo: v.site.options.Demo, Frame: frame, Data: data,
	})
	if err != nil {
		return err
	}
	v.Set(fiber.HeaderContentSecurityPolicy, v.policy())
	v.Set(fiber.HeaderContentLanguage, v.Lang.String())
	v.Vary(fiber.HeaderAcceptLanguage, fiber.HeaderCookie, fragmentHeader)
	v.Response().Header.SetContentType(fiber.MIMETextHTMLCharsetUTF8)
	v.Response().SetBodyRaw(b.Bytes())
	return nil
}

// policy lets a page load what is its own and nothing else, pictures excepted:
// those of products may lie anywhere.
func (v *visit) policy() string {
	directives := []string{
		"default-src 'none'",
		"script-src 'nonce-" + v.Nonce + "'",
		"style-src 'nonce-" + v.Nonce + "'",
		"img-src 'self' data: https:",
		"connect-src 'self'",
		"font-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}
	for i, d := range directives {
		name, _, _ := strings.Cut(d, " ")
		directives[i] += v.sources[name]
	}
	if frames := v.sources["frame-src"]; frames != "" {
		directives = append(directives, "frame-src"+frames)
	}
	return strings.Join(directives, "; ")
}
