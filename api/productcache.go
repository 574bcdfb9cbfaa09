package api

import (
	"context"
	"net/http"

	"doorstep/catalog"
	"doorstep/checkout"
	"doorstep/internal/fault"

	"github.com/gofiber/fiber/v2"
)

// productBytes bounds the product answers in memory: about 20,000.
const productBytes = 64 << 20

type readProductIn struct {
	ProductName
	Currency string `query:"currency" maxLength:"3" example:"EUR" doc:"Of the prices shown; the shop's first when absent"`
	View     string `query:"view" enum:"shop,admin" default:"shop" doc:"admin is everything that is kept, for a secret key with catalog:read"`
	Known    string `header:"If-None-Match" doc:"304 when the ETag is still the current one"`
}

type readProductOut struct {
	ETag  string `header:"ETag"`
	Cache string `header:"Cache-Control"`
	Vary  string `header:"Vary"`
	Body  Product
}

func (p *productRoom) registerRead() {
	fast[readProductIn, readProductOut](p.server, Route{
		ID: "read-product", Method: http.MethodGet, Path: productPath, Tag: "products", Summary: "Read a product by id or slug",
		Description: "In the language of Accept-Language, with the prices and the stock of this moment. Keep the answer and ask with If-None-Match: 304 says that it still holds.",
		Auth:        publishable(), Errors: []*fault.Error{catalog.ErrProductNotFound, checkout.ErrCurrency, errSecretRequired, errScopeMissing},
	}, p.read)
	documentEither[Product, AdminProduct](p.server, productPath)
}

var (
	vPrivate     = []byte("private, no-cache")
	varyLanguage = []byte("Origin, Accept-Language")
)

// read answers from memory where it can. What is kept there is dropped when the
// feed names the product, when a price changes by itself, and within a second
// when the feed is silent.
func (p *productRoom) read(c *fiber.Ctx) error {
	r := requestOf(c)
	asked, view, err := productQuery(c)
	if err != nil {
		return err
	}
	k := cacheKey{merchant: r.caller.Merchant, name: param(c, "id_or_slug"), lang: r.lang}
	if len(k.name) > maxName {
		return catalog.ErrProductNotFound
	}
	if view == viewAdmin {
		return p.readAdmin(c, r, k.name)
	}
	if k.currency, err = p.shops.currency(r.ctx, k.merchant, asked, r.now); err != nil {
		return err
	}
	a := p.server.kept(p.server.productAnswers, k, r.now)
	if a == nil {
		if a, err = p.server.cached(r.ctx, p.server.productAnswers, k, p.reader(k)); err != nil {
			return err
		}
	}
	sendAnswer(c, a)
	return nil
}

// sendAnswer sends what is kept, or 304 to those who have it.
func sendAnswer(c *fiber.Ctx, a *answer) {
	h := &c.Response().Header
	h.SetCanonical(hCache, vPrivate)
	h.SetCanonical(hVary, varyLanguage)
	if notModified(c, a.tag) {
		return
	}
	h.SetContentType(fiber.MIMEApplicationJSON)
	c.Response().SetBodyRaw(a.body)
}

// productQuery reads the parameters, which are strict: a misspelt one would
// show prices in a currency that nobody asked for.
func productQuery(c *fiber.Ctx) (currency, view string, err error) {
	if len(c.Request().URI().QueryString()) == 0 {
		return "", viewShop, nil
	}
	q := parameters(c)
	currency, view = q.text("currency", 3), q.oneOf("view", viewShop, viewAdmin)
	return currency, view, q.done()
}

// reader reads the product that k names.
func (p *productRoom) reader(k cacheKey) func(context.Context) (*answer, error) {
	return func(ctx context.Context) (*answer, error) {
		v, err := p.svc.View(ctx, k.merchant, k.name, k.currency, string(k.lang))
		if err != nil {
			return nil, err
		}
		body, err := marshal(productOf(v, k.currency))
		if err != nil {
			return nil, err
		}
		return &answer{body: body, tag: viewTag(v.Version, body), until: v.ValidUntil, slots: p.server.changes.ofProduct(k.merchant, v.ID)}, nil
	}
}

func (p *productRoom) readAdmin(c *fiber.Ctx, r *request, name string) error {
	if err := mayAdmin(r.caller); err != nil {
		return err
	}
	found, err := p.svc.Product(r.ctx, r.caller.Merchant, name)
	if err != nil {
		return err
	}
	body, err := marshal(adminProductOf(found))
	if err != nil {
		return err
	}
	sendAnswer(c, &answer{body: body, tag: etag(found.Version)})
	return nil
}
